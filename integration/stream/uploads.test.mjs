// Files and images: sent through the SDK, fetched back over plain HTTP, removed.
import { describe, test, after, before } from 'node:test';
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { assert, admin, close, login, next, people, raw, refused, unique } from './lib.mjs';

after(close);

// A one-pixel PNG.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

let ann, ben, a, ch, bch;
before(async () => {
  [ann, ben] = await people('ann', 'ben');
  a = await login(ann);
  const b = await login(ben);
  ch = a.channel('messaging', unique('up'), { members: [ann, ben] });
  await ch.watch();
  bch = b.channel('messaging', ch.id);
  await bch.watch();
});

describe('uploads', () => {
  test('an image, sent along and seen by the other', async () => {
    const { file } = await ch.sendImage(png, 'dot.png', 'image/png');
    const heard = next(bch, 'message.new', (e) => e.message.text === 'look');
    await ch.sendMessage({ text: 'look', attachments: [{ type: 'image', image_url: file }] });
    const url = (await heard).message.attachments[0].image_url;
    const rs = await fetch(url);
    assert.equal(rs.status, 200);
    assert.equal(rs.headers.get('content-type'), 'image/png');
    assert.deepEqual(Buffer.from(await rs.arrayBuffer()), png);
  });

  test('a file of 3 MiB comes back byte for byte', async () => {
    const data = randomBytes(3 << 20);
    const { file } = await ch.sendFile(data, 'notes & more.bin', 'application/octet-stream');
    const rs = await fetch(file);
    assert.equal(rs.status, 200);
    assert.ok(Buffer.from(await rs.arrayBuffer()).equals(data));
  });

  test('a page of HTML is not run as one', async () => {
    const { file } = await ch.sendFile(Buffer.from('<script>alert(1)</script>'), 'x.html', 'text/html');
    const rs = await fetch(file);
    const type = rs.headers.get('content-type') ?? '';
    const disposition = rs.headers.get('content-disposition') ?? '';
    assert.ok(!type.startsWith('text/html') || disposition.startsWith('attachment'), `${type} ${disposition}`);
    assert.equal(rs.headers.get('x-content-type-options'), 'nosniff');
  });

  test('removed', async () => {
    const { file } = await ch.sendFile(Buffer.from('bye'), 'bye.txt', 'text/plain');
    await ch.deleteFile(file);
    assert.equal((await fetch(file)).status, 404);
    const { file: image } = await ch.sendImage(png, 'dot.png', 'image/png');
    await ch.deleteImage(image);
    assert.equal((await fetch(image)).status, 404);
  });

  test('outside of any channel', async () => {
    const { file } = await a.uploadFile(Buffer.from('loose'), 'loose.txt', 'text/plain');
    assert.equal(await (await fetch(file)).text(), 'loose');
  });

  test('by the server, for somebody', async () => {
    const { file } = await admin.channel('messaging', ch.id).sendFile(Buffer.from('s'), 's.txt', 'text/plain', { id: ann });
    assert.equal(await (await fetch(file)).text(), 's');
  });

  test('an image that is none is refused', async () => {
    await refused(ch.sendImage(Buffer.from('MZ'), 'virus.exe', 'application/x-msdownload'), 4, 400);
  });

  test('a stranger may not', async () => {
    const [eve] = await people('eve');
    const e = await login(eve);
    await refused(e.channel('messaging', ch.id).sendFile(Buffer.from('x'), 'x.txt', 'text/plain'), 17, 403);
  });

  test('paths that climb out find nothing', async () => {
    const { file } = await ch.sendFile(Buffer.from('x'), '../../../etc/passwd', 'text/plain');
    assert.equal(await (await fetch(file)).text(), 'x');
    const u = new URL(file);
    for (const path of ['/..%2f..%2f..%2fetc%2fpasswd', '/../../../../etc/passwd']) {
      const rs = await raw('GET', u.pathname.replace(/\/[^/]*$/, '') + path);
      assert.ok(rs.status >= 400 || rs.text === 'x', `${path}: ${rs.status} ${rs.text.slice(0, 100)}`);
    }
  });
});

describe('link previews', () => {
  test('a page is described by what it says of itself', async () => {
    const site = http.createServer((rq, rs) => {
      rs.setHeader('content-type', 'text/html; charset=utf-8');
      rs.end('<head><meta property="og:title" content="Teapots"><meta property="og:description" content="All of them"><meta property="og:image" content="/pot.png"></head>');
    });
    await new Promise((r) => site.listen(0, '127.0.0.1', r));
    try {
      const url = `http://127.0.0.1:${site.address().port}/teapots`;
      const [ann] = await people('ann');
      const c = await login(ann);
      const og = await c.enrichURL(url);
      assert.equal(og.title, 'Teapots');
      assert.equal(og.text, 'All of them');
      assert.equal(og.og_scrape_url, url);
      assert.equal(og.image_url, new URL('/pot.png', url).href);
      await assert.rejects(c.enrichURL('file:///etc/passwd'), (e) => e.code === 4);
    } finally {
      site.closeAllConnections();
      await new Promise((r) => site.close(r));
    }
  });
});
