// A browser: the vendor's script as an app loads it, from another origin, with no host override at
// all. Only the names are resolved to the server under test.
import { after, before, test } from 'node:test';
import http from 'node:http';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { app, authKey, host, must, person, say, unique } from './lib.mjs';

const script = createRequire(import.meta.url).resolve('@cometchat/chat-sdk-javascript');
const port = host.split(':')[1];
let site; let browser; let page; let profile;
const problems = [];

before(async () => {
  site = http.createServer(async (rq, rs) => {
    const js = rq.url === '/sdk.js';
    rs.setHeader('content-type', js ? 'text/javascript' : 'text/html');
    rs.end(js ? await fs.readFile(script) : '<!doctype html><title>app</title><script src="/sdk.js"></script>');
  });
  await new Promise((r) => { site.listen(0, '127.0.0.1', r); });
  profile = await fs.mkdtemp(path.join(os.tmpdir(), 'comet-'));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM, headless: true, ignoreHTTPSErrors: true,
    args: ['--no-sandbox', '--disable-gpu', `--host-resolver-rules=MAP *.cometchat.io 127.0.0.1:${port}`],
  });
  page = await browser.newPage();
  page.on('pageerror', (e) => problems.push(String(e)));
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
});

after(async () => {
  await browser?.close();
  site?.close();
  if (profile) await fs.rm(profile, { recursive: true, force: true });
});

test('an app in a browser logs in, hears and speaks by the vendor\'s own host names', async () => {
  const uid = unique('web');
  await must('POST', '/users', { uid, name: 'Web' });
  const ann = await person('ann');
  const name = await page.evaluate(async ({ app, uid, authKey }) => {
    const { CometChat } = window;
    window.heard = [];
    await CometChat.init(app, new CometChat.AppSettingsBuilder().setRegion('us').subscribePresenceForAllUsers().build());
    CometChat.addMessageListener('t', new CometChat.MessageListener({ onTextMessageReceived: (m) => window.heard.push(m.getText()) }));
    return (await CometChat.login(uid, authKey)).getName();
  }, { app, uid, authKey });
  assert.equal(name, 'Web');
  const deadline = Date.now() + 40_000;
  while ((await must('GET', `/users/${uid}`)).status !== 'online') {
    assert.ok(Date.now() < deadline, `the live link does not come up: ${problems}`);
    await new Promise((r) => { setTimeout(r, 50); });
  }
  await say(ann, uid, 'hello browser');
  await page.waitForFunction(() => window.heard.includes('hello browser'), null, { timeout: 40_000 });
  await page.evaluate(async ({ to }) => {
    const { CometChat } = window;
    await CometChat.sendMessage(new CometChat.TextMessage(to, 'hello ann', 'user'));
  }, { to: ann.uid });
  await ann.hears('onTextMessageReceived', (m) => m.text === 'hello ann');
  await page.evaluate(() => window.CometChat.logout());
  assert.deepEqual(problems, []);
});
