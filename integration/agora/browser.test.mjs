// A browser: each of the vendor's scripts as an app loads it, from another origin.
import { after, before, describe, test } from 'node:test';
import http from 'node:http';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { app, base, org, packages, person, register } from './lib.mjs';

const require = createRequire(import.meta.url);
let site; let browser; let profile;

before(async () => {
  site = http.createServer(async (rq, rs) => {
    const name = packages.find((p) => rq.url === `/${p}.js`);
    rs.setHeader('content-type', name ? 'text/javascript' : 'text/html');
    rs.end(name ? await fs.readFile(require.resolve(name)) : `<!doctype html><title>app</title><script src="${rq.url}.js"></script>`);
  });
  await new Promise((r) => { site.listen(0, '127.0.0.1', r); });
  profile = await fs.mkdtemp(path.join(os.tmpdir(), 'agora-'));
  browser = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM, headless: true, args: ['--no-sandbox', '--disable-gpu'] });
});

after(async () => {
  await browser?.close();
  site?.close();
  if (profile) await fs.rm(profile, { recursive: true, force: true });
});

for (const sdk of packages) {
  describe(sdk, () => {
    test('an app in a browser logs in, speaks, hears, sends a file and looks back', async () => {
      const [ann, id] = [await person('ann', sdk), await register('web')];
      const page = await browser.newPage();
      const problems = [];
      page.on('pageerror', (e) => problems.push(String(e)));
      await page.goto(`http://127.0.0.1:${site.address().port}/${sdk}`);
      await page.evaluate(async ({ id, key, base }) => {
        const sdk = window.AgoraChat ?? window.WebIM ?? window.websdk ?? Object.values(window).find((v) => v?.connection && v?.message);
        window.sdk = sdk;
        const Connection = sdk.connection;
        window.conn = new Connection({ appKey: key, isHttpDNS: false, url: `${base.replace('http', 'ws')}/websocket`, apiUrl: base, https: false });
        window.heard = [];
        window.conn.addEventHandler('t', { onTextMessage: (m) => window.heard.push(m.msg) });
        await window.conn.open({ user: id, pwd: `pw-${id}` });
      }, { id, key: `${org}#${app}`, base });
      await ann.text(id, 'hello browser');
      await page.waitForFunction(() => window.heard.includes('hello browser'), null, { timeout: 15_000 });
      await page.evaluate(async ({ to }) => {
        const { sdk, conn } = window;
        await conn.send(sdk.message.create({ type: 'txt', chatType: 'singleChat', to, msg: 'hello ann' }));
        const data = new File([new Uint8Array([1, 2, 3])], 'a.bin', { type: 'application/octet-stream' });
        await conn.send(sdk.message.create({ type: 'file', chatType: 'singleChat', to, file: { data, url: URL.createObjectURL(data), filename: 'a.bin', filetype: 'bin' }, filename: 'a.bin' }));
      }, { to: ann.id });
      await ann.hears('onTextMessage', (m) => m.msg === 'hello ann');
      const file = await ann.hears('onFileMessage');
      assert.equal(file.filename, 'a.bin');
      assert.deepEqual([...new Uint8Array(await (await fetch(file.url)).arrayBuffer())], [1, 2, 3]);
      const history = await page.evaluate(async ({ to }) => (await window.conn.getHistoryMessages({ targetId: to, chatType: 'singleChat', pageSize: 10 })).messages.map((m) => m.msg ?? m.type), { to: ann.id });
      assert.deepEqual(history.sort(), ['file', 'hello ann', 'hello browser']);
      await page.evaluate(() => window.conn.close());
      assert.deepEqual(problems, []);
      await page.close();
    });
  });
}
