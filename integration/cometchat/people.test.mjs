// Presence, blocking, lists of people, and calls.
import { before, test } from 'node:test';
import assert from 'node:assert/strict';
import { app, authKey, fails, host, init, must, person, rest, say, unique } from './lib.mjs';

let ann; let bob;

before(async () => { [ann, bob] = await Promise.all([person('ann'), person('bob')]); });

test('presence comes to those who asked for it', async () => {
  const deaf = await person('deaf', { presence: 'none' });
  const friend = unique('friend');
  const stranger = unique('stranger');
  for (const uid of [friend, stranger]) await must('POST', '/users', { uid, name: uid });
  const fan = unique('fan');
  await must('POST', '/users', { uid: fan, name: fan });
  await must('POST', `/users/${fan}/friends`, { accepted: [friend] });
  const f = await init(fan, { presence: 'friends' });
  await f.run(async (CometChat, { fan, authKey }, listen) => { listen(); await CometChat.login(fan, authKey); }, { fan, authKey });
  await f.online();
  for (const uid of [stranger, friend]) {
    const p = await init(uid);
    await p.run((CometChat, a) => CometChat.login(a.uid, a.authKey), { uid, authKey });
    await ann.hears('onUserOnline', (u) => u.uid === uid);
    if (uid === friend) await f.hears('onUserOnline', (u) => u.uid === uid);
    await p.run((CometChat) => CometChat.logout());
    await ann.hears('onUserOffline', (u) => u.uid === uid);
  }
  f.heardNothing('onUserOnline');
  deaf.heardNothing('onUserOnline');
});

test('a person who is blocked speaks to the wall', async () => {
  const eve = await person('eve');
  const block = (on) => ann.run((CometChat, { on, uid }) => (on ? CometChat.blockUsers([uid]) : CometChat.unblockUsers([uid])), { on, uid: eve.uid });
  await block(true);
  await fails(say(ann, eve.uid, 'not to you'), 'ERR_BLOCKED_RECEIVER');
  await say(eve, ann.uid, 'hello?');
  await fails(eve.run((CometChat, { uid }) => CometChat.initiateCall(new CometChat.Call(uid, 'audio', 'user')), { uid: ann.uid }), 'ERR_BLOCKED_SENDER');
  const list = await ann.run(async (CometChat) => (await new CometChat.BlockedUsersRequestBuilder().setLimit(30).blockedByMe().build().fetchNext()).map((u) => u.getUid()));
  assert.deepEqual(list, [eve.uid]);
  await block(false);
  await say(eve, ann.uid, 'hello again');
  const [m] = await ann.hears('onTextMessageReceived', (x) => x.sender.uid === eve.uid);
  assert.equal(m.text, 'hello again', 'what was said to the wall is not told later');
});

test('who has blocked whom is listed both ways', async () => {
  const fay = await person('fay');
  await fay.run((CometChat, { uid }) => CometChat.blockUsers([uid]), { uid: ann.uid });
  const list = (direction) => ann.run(async (CometChat, a) => (await new CometChat.BlockedUsersRequestBuilder().setLimit(30)[a.direction]().build().fetchNext()).map((u) => u.getUid()), { direction });
  assert.deepEqual(await list('hasBlockedMe'), [fay.uid]);
  assert.ok(!(await list('blockedByMe')).includes(fay.uid));
});

test('conversations are muted', async () => {
  const got = await ann.run(async (CometChat, { uid, until }) => {
    const n = globalThis.CometChatNotifications;
    const m = new n.MutedConversation();
    m.setId(uid); m.setType(n.MutedConversationType.ONE_ON_ONE); m.setUntil(until);
    await n.muteConversations([m]);
    const muted = (await n.getMutedConversations()).map((x) => [x.getId(), x.getType(), x.getUntil()]);
    const u = new n.UnmutedConversation();
    u.setId(uid); u.setType(n.MutedConversationType.ONE_ON_ONE);
    await n.unmuteConversations([u]);
    return { muted, after: (await n.getMutedConversations()).length };
  }, { uid: bob.uid, until: 4102444800000 });
  assert.deepEqual(got, { muted: [[bob.uid, 'oneOnOne', 4102444800000]], after: 0 });
});

test('people are found and read', async () => {
  const found = await ann.run(async (CometChat, { uid }) => (await new CometChat.UsersRequestBuilder().setLimit(30).setUIDs([uid]).build().fetchNext()).map((u) => [u.getUid(), u.getStatus()]), { uid: bob.uid });
  assert.deepEqual(found, [[bob.uid, 'online']]);
  await fails(ann.run((CometChat) => CometChat.getUser('nobody-there')), 'ERR_UID_NOT_FOUND');
});

const call = (p, to, type = 'user') => p.run(async (CometChat, a) => (await CometChat.initiateCall(new CometChat.Call(a.to, 'video', a.type))).getSessionId(), { to, type });

test('a call is answered and ended', async () => {
  const id = await call(ann, bob.uid);
  const [ring] = await bob.hears('onIncomingCallReceived', (c) => c.sessionId === id);
  assert.equal(ring.type, 'video');
  await fails(call(ann, bob.uid), 'CALL_ALREADY_INITIATED'); // the SDK's own word; the server has one, too
  const again = await rest('POST', '/calls', { receiver: bob.uid, receiverType: 'user', type: 'audio', category: 'call' }, { onBehalfOf: ann.uid });
  assert.equal(again.error.code, 'ERR_CALL_BUSY_SELF');
  const cid = await person('cid');
  await fails(call(cid, bob.uid), 'ERR_CALL_BUSY_USER');
  await bob.run((CometChat, { id }) => CometChat.acceptCall(id), { id });
  await ann.hears('onOutgoingCallAccepted', (c) => c.sessionId === id);
  await ann.run((CometChat, { id }) => CometChat.endCall(id), { id });
  await bob.hears('onCallEndedMessageReceived', (c) => c.sessionId === id);
});

test('a call is refused, and one is taken back', async () => {
  const refused = await call(ann, bob.uid);
  await bob.hears('onIncomingCallReceived', (c) => c.sessionId === refused);
  await bob.run((CometChat, { id }) => CometChat.rejectCall(id, CometChat.CALL_STATUS.REJECTED), { id: refused });
  await ann.hears('onOutgoingCallRejected', (c) => c.sessionId === refused);
  const taken = await call(ann, bob.uid);
  await bob.hears('onIncomingCallReceived', (c) => c.sessionId === taken);
  await ann.run((CometChat, { id }) => CometChat.rejectCall(id, CometChat.CALL_STATUS.CANCELLED), { id: taken });
  await bob.hears('onIncomingCallCancelled', (c) => c.sessionId === taken);
  await fails(bob.run((CometChat, { id }) => CometChat.acceptCall(id), { id: taken }), 'ERR_CALL_TERMINATED');
  await fails(bob.run((CometChat) => CometChat.acceptCall('nothing')), 'ERR_CALL_SESSION_NOT_FOUND');
});

// The SDK asks its chat host without a port, which only a server on 443 can answer; so this is asked by hand.
test('those who are online are counted', async () => {
  const { authToken } = await must('POST', `/users/${ann.uid}/auth_tokens`, {});
  const headers = { authToken, appid: app, 'content-type': 'application/json' };
  const { data } = await (await fetch(`https://${host}/v3.0/me`, { method: 'PUT', headers, body: '{"deviceId":"counter"}' })).json();
  const ask = async (body) => (await fetch(`https://${host}/api/v1/online-members`, {
    method: 'POST', headers: { appid: app, authorization: data.jwt, 'content-type': 'application/json' }, body: JSON.stringify(body),
  })).json();
  const all = await ask({});
  assert.ok(all.data.onlineUsersCount >= 2, JSON.stringify(all));
  const guid = unique('counted');
  await ann.run((CometChat, { guid }) => CometChat.createGroup(new CometChat.Group(guid, 'Counted', 'public')), { guid });
  assert.deepEqual((await ask({ groups: [guid] })).data, { groups: { [guid]: 1 } });
});
