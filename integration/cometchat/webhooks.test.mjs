// Webhooks: what happens is told to the app's own server by trigger, with its password.
import { after, before, test } from 'node:test';
import http from 'node:http';
import assert from 'node:assert/strict';
import { app, must, patience, person, rest, say, unique } from './lib.mjs';

const calls = [];
const waiting = new Set();
let refuse = () => false;
let server; let ann; let bob;
const hook = unique('hook');

before(async () => {
  server = http.createServer((rq, rs) => {
    let raw = '';
    rq.on('data', (b) => { raw += b; });
    rq.on('end', () => {
      const body = JSON.parse(raw);
      rs.statusCode = refuse(body) ? 500 : 200;
      rs.end('{}');
      calls.push({ status: rs.statusCode, auth: rq.headers.authorization, body });
      for (const w of waiting) w();
    });
  });
  await new Promise((r) => { server.listen(0, '127.0.0.1', r); });
  await must('POST', `/apps/${app}/webhooks`, {
    id: hook, name: 'Mine', webhookURL: `http://127.0.0.1:${server.address().port}/in`, useBasicAuth: true, username: 'u', password: 'p',
  });
  await must('POST', `/apps/${app}/webhooks/${hook}/triggers`, { triggerIds: ['message_sent', 'message_edited', 'group_member_joined', 'call_initiated', 'message_read_receipt',
    'message_delivery_receipt', 'user_connection_status_changed', 'user_blocked'] });
  [ann, bob] = await Promise.all([person('ann'), person('bob')]);
});

after(async () => {
  await rest('DELETE', `/apps/${app}/webhooks/${hook}`);
  server.close();
});

// told waits for a call that matches.
function told(match) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const c = calls.find(match);
      if (!c) return;
      clearTimeout(timer);
      waiting.delete(look);
      resolve(c);
    };
    const timer = setTimeout(() => { waiting.delete(look); reject(new Error(`not told, but ${calls.map((c) => c.body.trigger)}`)); }, patience);
    waiting.add(look);
    look();
  });
}

test('a message is told, again after a failure', async () => {
  let refusals = 1;
  refuse = (body) => body.trigger === 'message_sent' && refusals-- > 0;
  const m = await say(ann, bob.uid, 'for the record');
  const mine = (c) => c.body.trigger === 'message_sent' && String(c.body.data.message.id) === m.id;
  const c = await told((x) => mine(x) && x.status === 200);
  assert.equal(c.auth, `Basic ${Buffer.from('u:p').toString('base64')}`);
  assert.deepEqual([c.body.appId, c.body.region, c.body.webhook], [app, 'us', hook]);
  assert.equal(c.body.data.message.data.text, 'for the record');
  assert.ok(calls.some((x) => mine(x) && x.status === 500), 'the first attempt was refused');
});

test('groups and calls have triggers of their own', async () => {
  const guid = unique('group');
  await ann.run((CometChat, { guid }) => CometChat.createGroup(new CometChat.Group(guid, 'Group', 'public')), { guid });
  await bob.run((CometChat, { guid }) => CometChat.joinGroup(guid, 'public', ''), { guid });
  const j = await told((c) => c.body.trigger === 'group_member_joined' && c.body.data.message.receiver === guid);
  assert.equal(j.body.data.message.data.entities.on.entity.uid, bob.uid);
  await ann.run((CometChat, { to }) => CometChat.initiateCall(new CometChat.Call(to, 'audio', 'user')), { to: bob.uid });
  const c = await told((x) => x.body.trigger === 'call_initiated');
  assert.equal(c.body.data.message.category, 'call');
});

test('deliveries, presence and blocks have triggers of their own', async () => {
  const cid = await person('cid');
  const about = (trigger, match) => (c) => c.body.trigger === trigger && match(c.body.data);
  await told(about('user_connection_status_changed', (d) => d.user.uid === cid.uid && d.status === 'online' && d.currentConnection.action === 'connected'));
  const m = await say(ann, cid.uid, 'are you there?');
  await cid.run(async (CometChat, { id }) => { await CometChat.markAsDelivered(await CometChat.getMessageDetails(id)); }, { id: m.id });
  await told(about('message_delivery_receipt', (d) => String(d.body.messageId) === m.id && d.body.user.uid === cid.uid));
  await ann.run((CometChat, { uid }) => CometChat.blockUsers([uid]), { uid: cid.uid });
  await told(about('user_blocked', (d) => d.by.uid === ann.uid && cid.uid in d.users));
  await cid.run((CometChat) => CometChat.logout());
  await told(about('user_connection_status_changed', (d) => d.user.uid === cid.uid && d.status === 'offline'));
});

test('webhooks are read and refused like the vendor does', async () => {
  assert.deepEqual((await must('GET', `/apps/${app}/webhooks/${hook}/triggers`)).map((t) => t.id).includes('message_sent'), true);
  assert.equal((await rest('GET', `/apps/${app}/webhooks/none`)).error.code, 'ERR_WEBHOOK_NOT_FOUND');
  assert.equal((await rest('POST', `/apps/${app}/webhooks/${hook}/triggers`, { triggerIds: ['none'] })).error.code, 'ERR_TRIGGER_NOT_FOUND');
});
