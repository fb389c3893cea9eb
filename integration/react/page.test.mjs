// Two people, two real browsers, the vendor's React kit: they see each other write.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import { chromium } from 'playwright-core';
import { StreamChat } from 'stream-chat';

const { STREAM_URL: baseURL, STREAM_KEY: apiKey, STREAM_SECRET: secret, CHROMIUM } = process.env;
const here = fileURLToPath(new URL('.', import.meta.url));
const out = join(here, '..', '.out');

const admin = new StreamChat(apiKey, secret, { baseURL, timeout: 20_000 });
const patience = { timeout: 20_000 };
let site;
let bundle;
const browsers = [];
const folders = [];

// page is the document for one person, with their token in it as an app's back end would put it.
function page(user) {
  const who = JSON.stringify({ apiKey, baseURL, user, token: admin.createToken(user) });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${user}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/app.css">
<style>html,body,#root{height:100%;margin:0}.side,.main{position:fixed;top:0;bottom:0;overflow:hidden}.side{left:0;width:320px}.main{left:320px;right:0}</style>
</head><body><div id="root"></div><script id="who" type="application/json">${who}</script>
<script type="module" src="/app.js"></script></body></html>`;
}

before(async () => {
  const built = await esbuild.build({
    entryPoints: [join(here, 'app.jsx')],
    bundle: true,
    write: false,
    outdir: out,
    format: 'esm',
    jsx: 'automatic',
    loader: { '.woff2': 'dataurl', '.woff': 'dataurl', '.ttf': 'dataurl', '.svg': 'dataurl', '.png': 'dataurl', '.eot': 'dataurl' },
    define: { 'process.env.NODE_ENV': '"production"' },
    external: ['@breezystack/lamejs', 'emoji-mart', '@emoji-mart/*'],
    logLevel: 'error',
  });
  bundle = Object.fromEntries(built.outputFiles.map((f) => [f.path.endsWith('.css') ? '/app.css' : '/app.js', f.text]));
  site = http.createServer((rq, rs) => {
    const { pathname, searchParams } = new URL(rq.url, 'http://x');
    const types = { '/app.js': 'text/javascript', '/app.css': 'text/css' };
    if (bundle[pathname]) return rs.writeHead(200, { 'content-type': types[pathname] }).end(bundle[pathname]);
    if (pathname === '/') return rs.writeHead(200, { 'content-type': 'text/html' }).end(page(searchParams.get('user')));
    rs.writeHead(404).end();
  });
  await new Promise((r) => site.listen(0, '127.0.0.1', r));
});

after(async () => {
  await Promise.allSettled(browsers.map((b) => b.close()));
  await Promise.allSettled(folders.map((f) => rm(f, { recursive: true, force: true })));
  await new Promise((r) => {
    site.closeAllConnections();
    site.close(r);
  });
});

// visit opens a browser of its own, with an empty profile, for one person.
async function visit(user) {
  const profile = await mkdtemp(join(tmpdir(), 'dragoman-browser-'));
  folders.push(profile);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    viewport: { width: 1100, height: 700 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  browsers.push(context);
  const tab = context.pages()[0] ?? (await context.newPage());
  const errors = [];
  tab.on('pageerror', (e) => errors.push(String(e)));
  tab.on('console', (m) => m.type() === 'error' && errors.push(m.text()));
  await tab.goto(`http://127.0.0.1:${site.address().port}/?user=${user}`);
  return { tab, errors };
}

const said = (tab, text) => tab.getByTestId('message-text-inner-wrapper').filter({ hasText: text }).first();

async function say(tab, text) {
  const box = tab.getByTestId('message-input');
  await box.click();
  await box.pressSequentially(text);
  await box.press('Enter');
}

test('two browsers chat', async () => {
  const channel = admin.channel('messaging', `page-${Date.now()}`, { name: 'Tea room', members: ['alice', 'bob'], created_by_id: 'alice' });
  await channel.create();
  await channel.sendMessage({ text: 'The kettle is on.', user_id: 'bob' });

  const [alice, bob] = await Promise.all([visit('alice'), visit('bob')]);
  for (const { tab, errors } of [alice, bob]) {
    await tab.getByText('Tea room').first().click(patience).catch((e) => {
      throw new Error(`${e.message}\npage errors:\n${errors.join('\n')}`);
    });
    await said(tab, 'The kettle is on.').waitFor(patience);
  }

  // Alice types: Bob sees it, then the message.
  await alice.tab.getByTestId('message-input').click();
  await alice.tab.getByTestId('message-input').pressSequentially('Earl Grey, please');
  await bob.tab.getByTestId('typing-indicator').first().waitFor(patience);
  await alice.tab.getByTestId('message-input').press('Enter');
  await said(bob.tab, 'Earl Grey, please').waitFor(patience);

  await say(bob.tab, 'Coming right up ☕');
  await said(alice.tab, 'Coming right up ☕').waitFor(patience);

  // A reaction from the server side of the app shows in both.
  const { messages } = await channel.query({ messages: { limit: 1 } });
  await channel.sendReaction(messages[0].id, { type: 'love', user_id: 'alice' });
  for (const { tab } of [alice, bob]) {
    await tab.getByTestId('message-reactions-list-item').first().waitFor({ ...patience, state: 'attached' });
  }

  await mkdir(out, { recursive: true });
  for (const [name, { tab }] of Object.entries({ alice, bob })) {
    const shot = await tab.screenshot({ path: join(out, `react-${name}.png`) });
    assert.ok(shot.length > 10_000, 'the screenshot shows something');
    const shown = await tab.getByTestId('message-text-inner-wrapper').allInnerTexts();
    assert.deepEqual(
      shown.map((s) => s.trim()),
      ['The kettle is on.', 'Earl Grey, please', 'Coming right up ☕'],
    );
  }
  assert.deepEqual([...alice.errors, ...bob.errors], [], 'nothing went wrong in the pages');
});

test('a reload finds everything again, and a lost connection comes back', async () => {
  const channel = admin.channel('messaging', `again-${Date.now()}`, { name: 'Second room', members: ['alice', 'bob'], created_by_id: 'alice' });
  await channel.create();
  await channel.sendMessage({ text: 'stored', user_id: 'bob' });
  const { tab } = await visit('alice');
  await tab.getByText('Second room').first().click(patience);
  await said(tab, 'stored').waitFor(patience);
  await tab.reload();
  await tab.getByText('Second room').first().click(patience);
  await said(tab, 'stored').waitFor(patience);

  await tab.context().setOffline(true);
  await channel.sendMessage({ text: 'while you were offline', user_id: 'bob' });
  await tab.context().setOffline(false);
  await said(tab, 'while you were offline').waitFor({ timeout: 45_000 });
});
