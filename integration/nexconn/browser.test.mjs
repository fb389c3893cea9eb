// A browser: the vendor's packages as an app bundles them, on a page of another origin, with no navigator
// named anywhere. The token alone says where the server is.
import { after, before, test } from 'node:test';
import http from 'node:http';
import assert from 'node:assert/strict';
import { build, stop } from 'esbuild';
import { chromium } from 'playwright-core';
import { appkey, direct, person, tokenOf, unique } from './lib.mjs';

let site; let browser; let page;
const problems = [];

before(async () => {
  const { outputFiles: [bundle] } = await build({
    stdin: { contents: "import * as RC from '@rongcloud/imlib-next'; window.RC = RC;", resolveDir: new URL('..', import.meta.url).pathname },
    bundle: true, write: false, format: 'iife', platform: 'browser', external: ['path', 'fs'], logLevel: 'error',
  });
  site = http.createServer((rq, rs) => {
    const js = rq.url === '/app.js';
    rs.setHeader('content-type', js ? 'text/javascript' : 'text/html');
    rs.end(js ? bundle.text : '<!doctype html><title>app</title><script src="/app.js"></script>');
  });
  await new Promise((r) => { site.listen(0, '127.0.0.1', r); });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP *.rong-edge.com 127.0.0.1:9, MAP *.rongcloud.net 127.0.0.1:9, MAP *.ronghub.com 127.0.0.1:9'],
  });
  page = await browser.newPage();
  page.on('pageerror', (e) => problems.push(String(e)));
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
});

after(async () => {
  await browser?.close();
  await stop();
  site?.close();
});

test('an app in a browser is steered by its token, hears and speaks', async () => {
  const id = unique('web');
  const token = await tokenOf(id);
  assert.match(token, /@/);
  const ann = await person('ann');
  const out = await page.evaluate(async ({ appkey, token }) => {
    const { RC } = window;
    window.heard = [];
    RC.init({ appkey, logLevel: 4 });
    RC.addEventListener(RC.Events.MESSAGES, ({ messages }) => window.heard.push(...messages.map((m) => m.content.content)));
    return RC.connect(token);
  }, { appkey, token });
  assert.equal(out.code, 0, JSON.stringify({ out, problems }));
  assert.equal(out.data.userId, id);
  assert.equal((await ann.say(direct(id), 'hello browser')).code, 0);
  await page.waitForFunction(() => window.heard.includes('hello browser'), null, { timeout: 20_000 });
  const sent = await page.evaluate(({ to }) => window.RC.sendMessage({ conversationType: 1, targetId: to }, new window.RC.TextMessage({ content: 'hello ann' })), { to: ann.userId });
  assert.equal(sent.code, 0, JSON.stringify(sent));
  await ann.text('hello ann');
  const history = await page.evaluate(({ to }) => window.RC.getHistoryMessages({ conversationType: 1, targetId: to }, { timestamp: 0, count: 10, order: 0 }), { to: ann.userId });
  assert.deepEqual(history.data.list.map((m) => m.content.content), ['hello browser', 'hello ann']);
  await page.evaluate(() => window.RC.disconnect());
  assert.deepEqual(problems, []);
});
