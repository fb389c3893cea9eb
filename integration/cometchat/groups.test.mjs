// Groups: every kind, every change of membership, and who may do what.
import { before, test } from 'node:test';
import assert from 'node:assert/strict';
import { fails, must, person, say, unique } from './lib.mjs';

let ann; let bob; let cid;

before(async () => { [ann, bob, cid] = await Promise.all([person('ann'), person('bob'), person('cid')]); });

// create makes a group of ann's and returns its guid.
async function create(type = 'public', password = undefined) {
  const guid = unique('group');
  const got = await ann.run(async (CometChat, { guid, type, password }) => {
    const g = await CometChat.createGroup(new CometChat.Group(guid, 'Group', type, password));
    return { guid: g.getGuid(), joined: g.getHasJoined(), scope: g.getScope(), owner: g.getOwner() };
  }, { guid, type, password });
  assert.deepEqual(got, { guid, joined: true, scope: 'admin', owner: ann.uid });
  return guid;
}

const join = (p, guid, type = 'public', password = '') => p.run((CometChat, a) => CometChat.joinGroup(a.guid, a.type, a.password), { guid, type, password });
const rank = (p, guid, uid, scope) => p.run((CometChat, a) => CometChat.updateGroupMemberScope(a.guid, a.uid, a.scope), { guid, uid, scope });
const kick = (p, guid, uid) => p.run((CometChat, a) => CometChat.kickGroupMember(a.guid, a.uid), { guid, uid });
const ban = (p, guid, uid) => p.run((CometChat, a) => CometChat.banGroupMember(a.guid, a.uid), { guid, uid });
const unban = (p, guid, uid) => p.run((CometChat, a) => CometChat.unbanGroupMember(a.guid, a.uid), { guid, uid });
const leave = (p, guid) => p.run((CometChat, a) => CometChat.leaveGroup(a.guid), { guid });

test('joining, speaking, leaving', async () => {
  const guid = await create();
  await join(bob, guid);
  const [action] = await ann.hears('onGroupMemberJoined', (_, user, group) => user.uid === bob.uid && group.guid === guid);
  assert.equal(action.action, 'joined');
  await fails(join(bob, guid), 'ERR_ALREADY_JOINED');
  const m = await say(bob, guid, 'hi all', 'group');
  const [got] = await ann.hears('onTextMessageReceived', (x) => String(x.id) === m.id);
  assert.equal(got.receiver.guid, guid);
  await fails(say(cid, guid, 'me too', 'group'), 'ERR_GROUP_NOT_JOINED');
  await leave(bob, guid);
  await ann.hears('onGroupMemberLeft', (_, left, group) => left.uid === bob.uid && group.guid === guid);
  await fails(leave(bob, guid), 'ERR_GROUP_NOT_JOINED');
  cid.heardNothing('onTextMessageReceived');
});

test('a private group and one with a password', async () => {
  const closed = await create('private');
  await fails(join(bob, closed, 'private'), 'ERR_GROUP_JOIN_NOT_ALLOWED');
  const locked = await create('password', 'sesame');
  await fails(join(bob, locked, 'password', 'simsim'), 'ERR_WRONG_GROUP_PASS');
  await join(bob, locked, 'password', 'sesame');
  await fails(join(bob, unique('none')), 'ERR_GUID_NOT_FOUND');
  const listed = await cid.run(async (CometChat) => (await new CometChat.GroupsRequestBuilder().setLimit(100).build().fetchNext()).map((g) => g.getGuid()));
  assert.ok(listed.includes(locked) && !listed.includes(closed), 'listed are the groups one may join');
});

test('members are added, ranked, kicked, banned', async () => {
  const guid = await create();
  const added = await ann.run(async (CometChat, { guid, uids }) => CometChat.addMembersToGroup(
    guid, uids.map((u) => new CometChat.GroupMember(u, CometChat.GROUP_MEMBER_SCOPE.PARTICIPANT)), [],
  ), { guid, uids: [bob.uid, cid.uid] });
  assert.deepEqual(added, { [bob.uid]: 'success', [cid.uid]: 'success' });
  const [, , by] = await bob.hears('onMemberAddedToGroup', (_, whom, __, where) => whom.uid === bob.uid && where.guid === guid);
  assert.equal(by.uid, ann.uid);
  await fails(kick(bob, guid, cid.uid), 'ERR_GROUP_NO_MODERATOR_SCOPE');
  await fails(rank(bob, guid, cid.uid, 'admin'), 'ERR_GROUP_NO_SCOPE_CLEARANCE');
  await rank(ann, guid, bob.uid, 'moderator');
  const [, , scope, old] = await cid.hears('onGroupMemberScopeChanged', (_, changed, __, ___, where) => changed.uid === bob.uid && where.guid === guid);
  assert.deepEqual([scope, old], ['moderator', 'participant']);
  await fails(rank(ann, guid, bob.uid, 'moderator'), 'ERR_SAME_SCOPE');
  await fails(rank(ann, guid, ann.uid, 'participant'), 'ERR_GROUP_NO_SELF_ACTION');
  await fails(kick(bob, guid, ann.uid), 'ERR_GROUP_NO_CLEARANCE');
  await kick(bob, guid, cid.uid);
  await cid.hears('onGroupMemberKicked', (_, kicked, __, where) => kicked.uid === cid.uid && where.guid === guid);
  await fails(kick(bob, guid, cid.uid), 'ERR_NOT_A_MEMBER');
  await join(cid, guid);
  await ban(bob, guid, cid.uid);
  await cid.hears('onGroupMemberBanned', (_, banned, __, where) => banned.uid === cid.uid && where.guid === guid);
  await fails(ban(bob, guid, cid.uid), 'ERR_ALREADY_BANNED');
  await fails(join(cid, guid), 'ERR_BANNED_GROUPMEMBER');
  const list = await bob.run(async (CometChat, { guid }) => (await new CometChat.BannedMembersRequestBuilder(guid).setLimit(30).build().fetchNext()).map((u) => u.getUid()), { guid });
  assert.deepEqual(list, [cid.uid]);
  await unban(bob, guid, cid.uid);
  await ann.hears('onGroupMemberUnbanned', (_, freed, __, where) => freed.uid === cid.uid && where.guid === guid);
  await fails(unban(bob, guid, cid.uid), 'ERR_NOT_A_BANNED_USER');
  await join(cid, guid);
  const members = await cid.run(async (CometChat, { guid }) => Object.fromEntries((await new CometChat.GroupMembersRequestBuilder(guid).setLimit(30).build().fetchNext()).map((m) => [m.getUid(), m.getScope()])), { guid });
  assert.deepEqual(members, { [ann.uid]: 'admin', [bob.uid]: 'moderator', [cid.uid]: 'participant' });
});

test('a group changes hands and ends', async () => {
  const guid = await create();
  await join(bob, guid);
  await fails(bob.run((CometChat, { guid }) => CometChat.deleteGroup(guid), { guid }), 'ERR_GROUP_NO_ADMIN_SCOPE');
  const name = await ann.run(async (CometChat, { guid }) => {
    const g = new CometChat.Group(guid, 'Renamed', 'public');
    g.setDescription('about');
    return (await CometChat.updateGroup(g)).getName();
  }, { guid });
  assert.equal(name, 'Renamed');
  await ann.run((CometChat, { guid, uid }) => CometChat.transferGroupOwnership(guid, uid), { guid, uid: bob.uid });
  const got = await bob.run(async (CometChat, { guid }) => { const g = await CometChat.getGroup(guid); return [g.getOwner(), g.getDescription(), g.getMembersCount()]; }, { guid });
  assert.deepEqual(got, [bob.uid, 'about', 2]);
  await leave(ann, guid);
  await bob.run((CometChat, { guid }) => CometChat.deleteGroup(guid), { guid });
  await fails(bob.run((CometChat, { guid }) => CometChat.getGroup(guid), { guid }), 'ERR_GUID_NOT_FOUND');
});

test('receipts of a group tell who, and when it was all', async () => {
  const guid = await create();
  await join(bob, guid);
  await join(cid, guid);
  const m = await say(ann, guid, 'everyone?', 'group');
  const read = (p) => p.run(async (CometChat, { id }) => { await CometChat.markAsRead(await CometChat.getMessageDetails(id)); }, { id: m.id });
  await read(bob);
  const [r] = await ann.hears('onMessagesRead', (x) => String(x.messageId) === m.id);
  assert.equal(r.sender.uid, bob.uid);
  await read(cid);
  await ann.hears('onMessagesReadByAll', (x) => String(x.messageId) === m.id);
  const who = await ann.run(async (CometChat, { id }) => (await CometChat.getMessageReceipts(Number(id))).map((x) => x.getSender().getUid()).sort(), { id: m.id });
  assert.deepEqual(who, [bob.uid, cid.uid].sort());
});

test('a server adds and removes without being anybody', async () => {
  const guid = await create();
  await must('POST', `/groups/${guid}/members`, { participants: [bob.uid] });
  const [, whom, by] = await bob.hears('onMemberAddedToGroup', (_, __, ___, g) => g.guid === guid);
  assert.deepEqual([by.uid, whom.uid], ['app_system', bob.uid]);
  await must('DELETE', `/groups/${guid}/members/${bob.uid}`);
  await bob.hears('onGroupMemberKicked', (_, k, __, g) => k.uid === bob.uid && g.guid === guid);
});
