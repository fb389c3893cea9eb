// The app's own server is told of messages, and asked before they are stored.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { must, packages, patience, person, rest, unique } from './lib.mjs';

const secret = 'shared-secret';
const calls = [];
let site; let address;
let verdict = { valid: true };

before(async () => {
  site = http.createServer((rq, rs) => {
    let text = '';
    rq.on('data', (b) => { text += b; });
    rq.on('end', () => {
      calls.push({ path: rq.url, body: JSON.parse(text) });
      rs.end(rq.url === '/before' ? JSON.stringify(verdict) : '{}');
    });
  });
  await new Promise((r) => { site.listen(0, '127.0.0.1', r); });
  address = `http://127.0.0.1:${site.address().port}`;
});
after(() => site.close());

async function called(path, match) {
  const until = Date.now() + patience;
  for (;;) {
    const c = calls.find((x) => x.path === path && match(x.body));
    if (c) return c.body;
    assert.ok(Date.now() < until, `${path} was not called: ${JSON.stringify(calls.map((x) => [x.path, x.body.chat_type, x.body.payload?.bodies?.[0]?.msg]))}`);
    await new Promise((r) => { setTimeout(r, 20); });
  }
}

function genuine(body) {
  assert.equal(body.securityVersion, '1.0.0');
  assert.equal(body.security, createHash('md5').update(body.callId + secret + body.timestamp).digest('hex'));
}

for (const sdk of packages) {
  describe(sdk, () => {
    test('after a message was sent', async () => {
      const name = unique('after');
      await must('POST', '/callbacks', { name, targetUrl: `${address}/after`, secret, msgTypes: ['chat', 'recall'], status: 1 });
      try {
        const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
        const { serverMsgId } = await a.text(b.id, 'tell my server', 'singleChat', { ext: { k: 1 } });
        const c = await called('/after', (x) => x.msg_id === serverMsgId && x.chat_type === 'chat');
        genuine(c);
        assert.equal(c.from, a.id);
        assert.equal(c.to, b.id);
        assert.equal(c.eventType, 'chat');
        assert.deepEqual(c.payload.bodies, [{ type: 'txt', msg: 'tell my server' }]);
        assert.deepEqual(c.payload.ext, { k: 1 });
        await a.conn.recallMessage({ mid: serverMsgId, to: b.id, chatType: 'singleChat' });
        genuine(await called('/after', (x) => x.msg_id === serverMsgId && x.chat_type === 'recall'));
      } finally {
        await must('DELETE', `/callbacks/${name}`);
      }
    });

    test('before a message is stored', async () => {
      const name = unique('before');
      await must('POST', '/msghooks', { name, targetUrl: `${address}/before`, secret, msgTypes: ['chat'], status: 1, actionParams: { timeout: 1000, defaultAction: 1 } });
      try {
        const [a, b] = [await person('ann', sdk, { useReplacedMessageContents: true }), await person('bob', sdk)];
        await a.text(b.id, 'fine');
        genuine(await called('/before', (x) => x.payload.bodies[0].msg === 'fine' && x.from === a.id));
        assert.equal((await b.hears('onTextMessage')).msg, 'fine');
        verdict = { valid: false, code: 'not with us' };
        await assert.rejects(a.text(b.id, 'bad'), (e) => e.type === 502 && /not with us/.test(e.message));
        verdict = { valid: false };
        await assert.rejects(a.text(b.id, 'bad'), (e) => e.type === 502 && /custom logic denied/.test(e.message));
        verdict = { nonsense: 1 };
        await assert.rejects(a.text(b.id, 'bad'), (e) => e.type === 502 && /custom internal error/.test(e.message));
        verdict = { valid: true, payload: { bodies: [{ type: 'txt', msg: 'tamed' }] } };
        const sent = await a.text(b.id, 'wild');
        assert.equal((await b.hears('onTextMessage')).msg, 'tamed');
        assert.equal(sent.message.msg, 'tamed');
      } finally {
        verdict = { valid: true };
        await must('DELETE', `/msghooks/${name}`);
      }
      assert.equal((await rest('GET', `/msghooks/${name}`)).status, 404);
    });
  });
}
