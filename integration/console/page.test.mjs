// The operator's console in a real browser: signing in, the traffic of a request, and the four live
// panes, each the vendor's unmodified SDK, talking in one room.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const { CONSOLE_URL: url, CONSOLE_PASSWORD: password, CHROMIUM } = process.env;
const out = fileURLToPath(new URL('../.out', import.meta.url));
const patience = { timeout: 30_000 };
let browser; let page; let profile;

before(async () => {
  await mkdir(out, { recursive: true });
  profile = await mkdtemp(join(tmpdir(), 'console-'));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM, headless: true, ignoreHTTPSErrors: true, viewport: { width: 1500, height: 1100 }, args: ['--no-sandbox', '--disable-gpu'],
  });
  page = await browser.newPage();
});

after(async () => {
  await browser?.close();
  if (profile) await rm(profile, { recursive: true, force: true });
});

test('the operator signs in with the password of the banner, and nobody else', async () => {
  await page.goto(url);
  assert.match(page.url(), /sign-in/);
  await page.fill('input[name=password]', 'not it at all');
  await page.click('button');
  await page.waitForSelector('[role=alert]', patience);
  await page.fill('input[name=password]', password);
  await page.click('button');
  await page.waitForSelector('#tail', { ...patience, state: 'attached' });
});

test('four SDKs talk in one room', async () => {
  const panes = {};
  for (const name of ['stream', 'cometchat', 'agora', 'nexconn']) {
    const handle = await page.waitForSelector(`iframe[src*="/console/pane/${name}"]`, patience);
    panes[name] = await handle.contentFrame();
  }
  for (const [name, frame] of Object.entries(panes)) {
    await frame.waitForSelector('body[data-ready=yes]', patience).catch(async () => {
      assert.fail(`the pane of ${name} does not connect: ${await frame.locator('#state').textContent()}`);
    });
  }
  for (const [name, frame] of Object.entries(panes)) {
    await frame.fill('#text', `said with ${name}`);
    await frame.press('#text', 'Enter');
    for (const [other, hears] of Object.entries(panes)) {
      await hears.waitForFunction((t) => document.getElementById('log').textContent.includes(t), `said with ${name}`, patience)
        .catch(async () => assert.fail(`${other} did not hear "said with ${name}": ${await hears.locator('#state').textContent()}`));
    }
  }
});

test('the traffic shows a request, the command it became, and an error with its translation', async () => {
  await fetch(`${url.replace('/console', '')}/stream/app?api_key=nobody`).catch(() => {});
  await page.waitForFunction(() => /Messages\.Send/.test(document.getElementById('tail').textContent), null, patience);
  await page.waitForFunction(() => /auth\.api_key_invalid/.test(document.getElementById('tail').textContent), null, patience);
  const text = await page.textContent('#tail');
  for (const d of ['stream', 'cometchat', 'agora', 'nexconn']) assert.ok(text.includes(d), `no traffic of ${d}`);
  assert.doesNotMatch(text, /eyJhbGciOi/, 'a token is shown');
  await page.screenshot({ path: join(out, 'console.png') });
});

test('people and rooms are listed', async () => {
  await page.click('nav a:has-text("People")');
  await page.waitForSelector('td:has-text("alice")', patience);
  await page.click('nav a:has-text("Rooms")');
  await page.click('td a:has-text("lobby")');
  await page.waitForSelector('li:has-text("said with nexconn")', patience);
});
