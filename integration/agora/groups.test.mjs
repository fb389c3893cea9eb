// Groups, rooms and contacts: what the REST API does is told over the link.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { connection, fails, must, packages, person, register, settles } from './lib.mjs';

// group makes a group by the server's own REST API.
async function group(owner, members, more = {}) {
  const out = await must('POST', '/chatgroups', { groupname: 'G', desc: 'd', public: true, maxusers: 50, owner, members, ...more });
  return out.data.groupid;
}

for (const sdk of packages) {
  describe(sdk, () => {
    test('a group is made, and its people talk', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const made = await settles(a.conn.createGroup({ data: { groupname: 'G', desc: 'd', members: [b.id], public: true, approval: false, allowinvites: true, inviteNeedConfirm: false, maxusers: 20 } }), 'createGroup');
      const gid = made.data.groupid;
      assert.match(gid, /^\d+$/);
      const joined = await b.hears('onGroupEvent');
      assert.equal(joined.operation, 'directJoined');
      assert.equal(joined.id, gid);
      assert.equal(joined.from, a.id);
      const sent = await a.text(gid, 'hi all', 'groupChat');
      const got = await b.hears('onTextMessage');
      assert.equal(got.id, sent.serverMsgId);
      assert.equal(got.to, gid);
      assert.equal(got.chatType, 'groupChat');
      assert.equal(got.from, a.id);
      const c = await person('cat', sdk);
      await fails(c.text(gid, 'let me in', 'groupChat'), 602);
      await settles(c.conn.joinGroup({ groupId: gid, message: 'please' }), 'joinGroup');
      for (const p of [a, b]) {
        const e = await p.hears('onGroupEvent', (m) => m.operation === 'memberPresence');
        assert.equal(e.from, c.id);
        assert.equal(e.memberCount, 3);
      }
      await c.text(gid, 'I am in', 'groupChat');
      await b.hears('onTextMessage', (m) => m.msg === 'I am in');
      await settles(c.conn.leaveGroup({ groupId: gid }), 'leaveGroup');
      assert.equal((await b.hears('onGroupEvent', (m) => m.operation === 'memberAbsence')).from, c.id);
      await settles(a.conn.removeGroupMember({ groupId: gid, username: b.id }), 'removeGroupMember');
      assert.equal((await b.hears('onGroupEvent', (m) => m.operation === 'removeMember')).id, gid);
    });

    test('what is done to a group and its members', async () => {
      const [a, b, c] = [await person('ann', sdk), await person('bob', sdk), await person('cat', sdk)];
      const gid = await group(a.id, [b.id, c.id]);
      const deeds = [
        ['setAdmin', () => a.conn.setGroupAdmin({ groupId: gid, username: b.id })],
        ['removeAdmin', () => a.conn.removeGroupAdmin({ groupId: gid, username: b.id })],
        ['muteMember', () => a.conn.muteGroupMember({ groupId: gid, username: b.id, muteDuration: 886400000 })],
        ['unmuteMember', () => a.conn.unmuteGroupMember({ groupId: gid, username: b.id })],
        ['muteAllMembers', () => a.conn.disableSendGroupMsg({ groupId: gid })],
        ['unmuteAllMembers', () => a.conn.enableSendGroupMsg({ groupId: gid })],
        ['addUserToAllowlist', () => a.conn.addUsersToGroupAllowlist({ groupId: gid, users: [b.id] })],
        ['removeAllowlistMember', () => a.conn.removeGroupAllowlistMember({ groupId: gid, userName: b.id })],
        ['updateAnnouncement', () => a.conn.updateGroupAnnouncement({ groupId: gid, announcement: 'news' })],
        ['updateInfo', () => a.conn.modifyGroup({ groupId: gid, groupName: 'New', description: 'other' })],
        ['memberAttributesUpdate', () => b.conn.setGroupMemberAttributes({ groupId: gid, userId: b.id, memberAttributes: { nick: 'Bobby' } })],
        ['changeOwner', () => a.conn.changeGroupOwner({ groupId: gid, newOwner: b.id })],
      ];
      for (const [operation, deed] of deeds) {
        await settles(deed(), operation);
        const e = await c.hears('onGroupEvent', (m) => m.operation === operation);
        assert.equal(e.id, gid, operation);
        if (operation === 'muteMember') assert.ok(e.muteTimestamp > 0);
        if (operation === 'updateAnnouncement') assert.equal(e.announcement, 'news');
        if (operation === 'updateInfo') assert.equal(e.detail.name, 'New');
        if (operation === 'memberAttributesUpdate') assert.deepEqual(e.attributes, { nick: 'Bobby' });
      }
      await settles(b.conn.destroyGroup({ groupId: gid }), 'destroyGroup');
      await c.hears('onGroupEvent', (m) => m.operation === 'destroy' && m.id === gid);
    });

    test('who is muted, or everybody, may not write', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const gid = await group(a.id, [b.id]);
      await settles(a.conn.muteGroupMember({ groupId: gid, username: b.id, muteDuration: 60_000 }), 'mute');
      await fails(b.text(gid, 'x', 'groupChat'), 507);
      await settles(a.conn.unmuteGroupMember({ groupId: gid, username: b.id }), 'unmute');
      await settles(a.conn.disableSendGroupMsg({ groupId: gid }), 'mute all');
      await fails(b.text(gid, 'x', 'groupChat'), 506);
      await settles(a.conn.enableSendGroupMsg({ groupId: gid }), 'unmute all');
      await b.text(gid, 'x', 'groupChat');
    });

    test('a group that approves, and one that asks', async () => {
      const [a, b, c] = [await person('ann', sdk), await person('bob', sdk), await person('cat', sdk)];
      const gid = (await settles(a.conn.createGroup({ data: { groupname: 'G', desc: 'd', members: [], public: true, approval: true, allowinvites: false, inviteNeedConfirm: true, maxusers: 20 } }), 'createGroup')).data.groupid;
      await settles(b.conn.joinGroup({ groupId: gid, message: 'please' }), 'joinGroup');
      const asked = await a.hears('onGroupEvent', (m) => m.operation === 'requestToJoin');
      assert.equal(asked.from, b.id);
      assert.equal(asked.reason, 'please');
      await settles(a.conn.acceptGroupJoinRequest({ applicant: b.id, groupId: gid }), 'accept');
      await b.hears('onGroupEvent', (m) => m.operation === 'acceptRequest' && m.id === gid);
      await settles(a.conn.inviteUsersToGroup({ groupId: gid, users: [c.id] }), 'invite');
      const invited = await c.hears('onGroupEvent', (m) => m.operation === 'inviteToJoin');
      assert.equal(invited.id, gid);
      await settles(c.conn.acceptGroupInvite({ invitee: c.id, groupId: gid }), 'accept invite');
      assert.equal((await a.hears('onGroupEvent', (m) => m.operation === 'acceptInvite')).from, c.id);
    });

    test('members acknowledge a message, and its author is told how many have', async () => {
      const [a, b, c] = [await person('ann', sdk), await person('bob', sdk), await person('cat', sdk)];
      const gid = await group(a.id, [b.id, c.id]);
      const { serverMsgId } = await a.text(gid, 'who reads this', 'groupChat', { msgConfig: { allowGroupAck: true } });
      await b.hears('onTextMessage');
      await b.send('read', gid, { id: serverMsgId, ackContent: '{}' }, 'groupChat');
      const one = await a.hears('onReadMessage');
      assert.equal(one.mid, serverMsgId);
      assert.deepEqual(one.groupReadCount, { [serverMsgId]: 1 });
      await c.send('read', gid, { id: serverMsgId }, 'groupChat');
      assert.deepEqual((await a.hears('onReadMessage')).groupReadCount, { [serverMsgId]: 2 });
    });

    test('reactions are told', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const { serverMsgId } = await a.text(b.id, 'like me');
      await b.hears('onTextMessage');
      await settles(b.conn.addReaction({ messageId: serverMsgId, reaction: 'smile' }), 'addReaction');
      const r = await a.hears('onReactionChange');
      assert.equal(r.messageId, serverMsgId);
      assert.equal(r.reactions[0].reaction, 'smile');
      assert.equal(r.reactions[0].count, 1);
      assert.deepEqual(r.reactions[0].userList, [b.id]);
      await settles(b.conn.deleteReaction({ messageId: serverMsgId, reaction: 'smile' }), 'deleteReaction');
      assert.equal((await a.hears('onReactionChange')).reactions[0].count, 0);
    });

    test('a room is entered, used and left', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const room = (await must('POST', '/chatrooms', { name: 'R', description: 'r', maxusers: 20, owner: a.id, members: [] })).data.id;
      const info = await settles(a.conn.joinChatRoom({ roomId: room }), 'joinChatRoom');
      assert.equal(info.data.result, true);
      assert.equal(info.data.info.isAllMembersMuted, false);
      await settles(b.conn.joinChatRoom({ roomId: room, ext: 'hey' }), 'joinChatRoom');
      const came = await a.hears('onChatroomEvent', (m) => m.operation === 'memberPresence');
      assert.equal(came.from, b.id);
      assert.equal(came.memberCount, 2);
      await a.text(room, 'in the room', 'chatRoom', { priority: 'high' });
      const got = await b.hears('onTextMessage');
      assert.equal(got.chatType, 'chatRoom');
      assert.equal(got.priority, 'high');
      assert.equal(got.to, room);
      await settles(a.conn.setChatRoomAttributes({ chatRoomId: room, attributes: { k: 'v' }, autoDelete: true, isForced: false }), 'setChatRoomAttributes');
      assert.deepEqual((await b.hears('onChatroomEvent', (m) => m.operation === 'updateChatRoomAttributes')).attributes, { k: 'v' });
      await settles(a.conn.removeChatRoomAttributes({ chatRoomId: room, attributeKeys: ['k'], isForced: false }), 'removeChatRoomAttributes');
      assert.deepEqual((await b.hears('onChatroomEvent', (m) => m.operation === 'removeChatRoomAttributes')).attributes, ['k']);
      await settles(b.conn.leaveChatRoom({ roomId: room }), 'leaveChatRoom');
      assert.equal((await a.hears('onChatroomEvent', (m) => m.operation === 'memberAbsence')).from, b.id);
      await fails(b.text(room, 'out', 'chatRoom'), 602);
      await fails(b.conn.joinChatRoom({ roomId: '987654321' }), 705);
      await must('POST', `/chatrooms/${room}/blocks/users`, { usernames: [b.id] });
      await fails(b.conn.joinChatRoom({ roomId: room }), 603);
    });

    test('contacts: asked, accepted, declined, removed', async () => {
      const [a, b, c] = [await person('ann', sdk), await person('bob', sdk), await person('cat', sdk)];
      await settles(Promise.resolve(a.conn.addContact(b.id, 'it is me')), 'addContact');
      const asked = await b.hears('onContactInvited');
      assert.equal(asked.from, a.id);
      assert.equal(asked.status, 'it is me');
      await settles(Promise.resolve(b.conn.acceptContactInvite(a.id)), 'accept');
      assert.equal((await a.hears('onContactAgreed')).from, b.id);
      await settles(Promise.resolve(a.conn.addContact(c.id, 'and you')), 'addContact');
      await c.hears('onContactInvited');
      await settles(Promise.resolve(c.conn.declineContactInvite(a.id)), 'decline');
      assert.equal((await a.hears('onContactRefuse')).from, c.id);
      await settles(Promise.resolve(b.conn.deleteContact(a.id)), 'delete');
      assert.equal((await a.hears('onContactDeleted')).from, b.id);
    });

    test('who was away finds what happened to them', async () => {
      const [a, id] = [await person('ann', sdk), await register('bob')];
      const first = await connection(id, sdk).open();
      first.close();
      const gid = await group(a.id, [id]);
      await a.text(gid, 'while you were out', 'groupChat');
      await settles(Promise.resolve(a.conn.addContact(id, 'later')), 'addContact');
      const gone = await group(a.id, [id]);
      await settles(a.conn.removeGroupMember({ groupId: gone, username: id }), 'remove');
      const b = await connection(id, sdk).open();
      await b.hears('onGroupEvent', (m) => m.operation === 'directJoined' && m.id === gid);
      await b.hears('onTextMessage', (m) => m.msg === 'while you were out');
      await b.hears('onContactInvited', (m) => m.from === a.id);
      await b.hears('onGroupEvent', (m) => m.operation === 'removeMember' && m.id === gone);
      await new Promise((r) => { setTimeout(r, 100); });
      b.close();
      const c = await connection(id, sdk).open();
      await a.text(gid, 'now', 'groupChat');
      await c.hears('onTextMessage', (m) => m.msg === 'now');
      assert.equal(c.count('onContactInvited') + c.count('onGroupEvent') + c.count('onTextMessage'), 0);
    });
  });
}
