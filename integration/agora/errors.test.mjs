// The vendor's client codes, each provoked through the real SDK. The web SDKs have types of their own:
// a row says which code of the native libraries it is about, and what the web SDK makes of it.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { app, base, connection, fails, must, org, packages, person, register, settles } from './lib.mjs';

const grant = async (body) => (await (await fetch(`${base}/${org}/${app}/token`, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
})).json()).access_token;

const group = async (owner, members, more = {}) => (await must('POST', '/chatgroups', { groupname: 'G', desc: 'd', public: true, maxusers: 50, owner, members, ...more })).data.groupid;
const room = async (owner, more = {}) => (await must('POST', '/chatrooms', { name: 'R', description: 'r', maxusers: 20, owner, members: [], ...more })).data.id;
const old = (days) => Date.now() - days * 86_400_000;

// What a row needs: ann and bob, logged in.
const rows = {
  'sdk code 100: an app key nobody has': async ({ a, sdk }) => {
    const p = connection(a.id, sdk, { appKey: 'no-such#app' });
    await fails(p.conn.open({ user: a.id, accessToken: 'x' }), -3);
  },
  'sdk code 102: a wrong password': ({ a, sdk }) => fails(connection(a.id, sdk).conn.open({ user: a.id, pwd: 'wrong' }), 1),
  'sdk code 104: a token of somebody else': async ({ a, b, sdk }) => {
    const accessToken = await grant({ grant_type: 'password', username: b.id, password: `pw-${b.id}` });
    await fails(connection(a.id, sdk).conn.open({ user: a.id, accessToken }), 28);
  },
  'sdk code 202: a token that has ended': async ({ a, sdk }) => {
    const accessToken = await grant({ grant_type: 'password', username: a.id, password: `pw-${a.id}`, ttl: 1 });
    await new Promise((r) => { setTimeout(r, 1200); });
    await fails(connection(a.id, sdk).conn.open({ user: a.id, accessToken }), 56);
  },
  'sdk code 204: a user who is gone': async ({ sdk }) => {
    const id = await register('gone');
    const accessToken = await grant({ grant_type: 'password', username: id, password: `pw-${id}` });
    await must('DELETE', `/users/${id}`);
    await fails(connection(id, sdk).conn.open({ user: id, accessToken }), 204);
  },
  'sdk code 206: too many devices': async ({ a, sdk }) => {
    for (let i = 0; i < 4; i += 1) await connection(a.id, sdk).open();
    assert.equal((await a.hears('onError')).type, 206);
  },
  'sdk code 207: the account is removed': async ({ a }) => {
    await must('DELETE', `/users/${a.id}`);
    assert.equal((await a.hears('onError')).type, 207);
  },
  'sdk code 216: the password is changed': async ({ a }) => {
    await must('PUT', `/users/${a.id}/password`, { newpassword: 'other' });
    assert.equal((await a.hears('onError')).type, 216);
  },
  'sdk code 217: a server ends the session': async ({ a }) => {
    await must('GET', `/users/${a.id}/disconnect`);
    assert.equal((await a.hears('onError')).type, 217);
  },
  'sdk code 210: the receiver has blocked the sender': async ({ a, b }) => {
    await settles(b.conn.addUsersToBlocklist({ name: [a.id] }), 'addUsersToBlocklist');
    await fails(a.text(b.id, 'x'), 603);
  },
  'sdk code 215: muted in the group': async ({ a, b }) => {
    const gid = await group(a.id, [b.id]);
    await settles(a.conn.muteGroupMember({ groupId: gid, username: b.id, muteDuration: 60_000 }), 'mute');
    await fails(b.text(gid, 'x', 'groupChat'), 507);
  },
  'sdk code 504: too late to recall': async ({ a, b }) => {
    const out = await must('POST', '/messages/users/import', { from: a.id, target: b.id, type: 'txt', body: { msg: 'old' }, is_ack_read: true, msg_timestamp: old(1) });
    await fails(a.conn.recallMessage({ mid: String(out.data.msg_id), to: b.id, chatType: 'singleChat' }), 504);
  },
  'sdk code 506: too late to acknowledge': async ({ a, b }) => {
    const gid = await group(a.id, [b.id]);
    const out = await must('POST', '/messages/chatgroups/import', { from: a.id, target: gid, type: 'txt', body: { msg: 'old' }, msg_timestamp: old(4) });
    await fails(b.send('read', gid, { id: String(out.data.msg_id) }, 'groupChat'), 503);
  },
  'sdk code 507: everybody is muted': async ({ a, b }) => {
    const gid = await group(a.id, [b.id]);
    await settles(a.conn.disableSendGroupMsg({ groupId: gid }), 'mute all');
    await fails(b.text(gid, 'x', 'groupChat'), 506);
  },
  'sdk code 600: an id that is none': ({ a }) => fails(a.conn.joinChatRoom({ roomId: 'not-a-number' }), -3),
  'sdk code 601: in the group already': async ({ a, b }) => {
    const gid = await group(a.id, [b.id]);
    await fails(b.conn.joinGroup({ groupId: gid, message: '' }), 603);
  },
  'sdk code 602: not in the group': async ({ a, b }) => fails(b.text(await group(a.id, []), 'x', 'groupChat'), 602),
  'sdk code 603: a member may not do that': async ({ a, b }) => {
    const gid = await group(a.id, [b.id]);
    await assert.rejects(b.conn.setGroupAdmin({ groupId: gid, username: b.id }), (e) => [603, 52].includes(e.type));
  },
  'sdk code 604: the group is full': async ({ a, b, sdk }) => {
    const gid = await group(a.id, [b.id], { maxusers: 2 });
    await fails((await person('cat', sdk)).conn.joinGroup({ groupId: gid, message: '' }), 606);
  },
  'sdk code 605: no such group': ({ a }) => fails(a.text('999999999', 'x', 'groupChat'), 605),
  'sdk code 702: not in the room': async ({ a, b }) => fails(b.text(await room(a.id), 'x', 'chatRoom'), 602),
  'sdk code 703: kept out of the room': async ({ a, b }) => {
    const id = await room(a.id);
    await must('POST', `/chatrooms/${id}/blocks/users`, { usernames: [b.id] });
    await fails(b.conn.joinChatRoom({ roomId: id }), 603);
  },
  'sdk code 704: the room is full': async ({ a, b }) => {
    const id = await room(a.id, { maxusers: 1 });
    await settles(a.conn.joinChatRoom({ roomId: id }), 'joinChatRoom');
    await fails(b.conn.joinChatRoom({ roomId: id }), 704);
  },
  'sdk code 705: no such room': ({ a }) => fails(a.conn.joinChatRoom({ roomId: '987654321' }), 705),
  'sdk code 900: attributes of too many people': ({ a }) => fails(a.conn.fetchUserInfoById(Array.from({ length: 101 }, (_, i) => `u${i}`)), 17),
  'sdk code 901: attributes that are too long': ({ a }) => fails(a.conn.updateUserInfo({ ext: 'x'.repeat(3000) }), 17),
  'sdk code 1100: a presence that is too long': ({ a }) => fails(a.conn.publishPresence({ description: 'x'.repeat(2000) }), 17), // the SDK waits for a text with a space at its end, which is not the documented one
  'sdk code 1111: translation is not switched on': ({ a }) => fails(a.conn.translateMessage({ text: 'x', languages: ['zh-Hans'] }), 505),
  'sdk code 1300: too many reactions': async ({ a, b }) => {
    const { serverMsgId } = await a.text(b.id, 'x');
    for (let i = 0; i < 20; i += 1) await settles(b.conn.addReaction({ messageId: serverMsgId, reaction: `r${i}` }), 'addReaction');
    await fails(b.conn.addReaction({ messageId: serverMsgId, reaction: 'r20' }), 50);
  },
  'sdk code 1301: the same reaction twice': async ({ a, b }) => {
    const { serverMsgId } = await a.text(b.id, 'x');
    await settles(b.conn.addReaction({ messageId: serverMsgId, reaction: 'r' }), 'addReaction');
    await fails(b.conn.addReaction({ messageId: serverMsgId, reaction: 'r' }), 1101);
  },
  'sdk code 1302: a reaction that is not there': async ({ a, b }) => {
    const { serverMsgId } = await a.text(b.id, 'x');
    await fails(b.conn.deleteReaction({ messageId: serverMsgId, reaction: 'r' }), 1103);
  },
  'sdk code 1400: no such thread': ({ a }) => fails(a.conn.joinChatThread({ chatThreadId: '123456' }), 1300),
  'sdk code 1401: a second thread of a message': async ({ a, b }) => {
    const gid = await group(a.id, [b.id]);
    const { serverMsgId } = await a.text(gid, 'x', 'groupChat');
    const make = () => a.conn.createChatThread({ name: 'n', messageId: serverMsgId, parentId: gid });
    await settles(make(), 'createChatThread');
    await fails(make(), 1301);
  },
  'sdk code 1402: a thread of a message that is gone': async ({ a, b }) => {
    const gid = await group(a.id, [b.id]);
    const { serverMsgId } = await a.text(gid, 'x', 'groupChat');
    await settles(a.conn.recallMessage({ mid: serverMsgId, to: gid, chatType: 'groupChat' }), 'recallMessage');
    await fails(a.conn.createChatThread({ name: 'n', messageId: serverMsgId, parentId: gid }), 51);
  },
  'sdk code 203: a name that is taken': ({ a }) => fails(a.conn.registerUser({ username: a.id, password: 'x' }), 17),
  'sdk code 205: a name that cannot be one': ({ a }) => fails(a.conn.registerUser({ username: '!! no', password: 'x' }), 17),
  'sdk code 1000: a contact nobody knows': ({ a }) => fails(Promise.resolve(a.conn.addContact('nobody-of-that-name', 'x')), 17),
};

for (const sdk of packages) {
  describe(sdk, () => {
    for (const [title, provoke] of Object.entries(rows)) {
      test(title, async () => {
        const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
        await provoke({ a, b, sdk });
        a.close();
        b.close();
      });
    }
  });
}
