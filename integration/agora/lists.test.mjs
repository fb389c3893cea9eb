// What the SDKs read back: history, conversations, pins, contacts, groups; and what a person's other
// devices are told of it.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { connection, packages, person, settles } from './lib.mjs';

for (const sdk of packages) {
  describe(sdk, () => {
    test('history is read back as it was sent', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const { serverMsgId } = await a.text(b.id, 'one', 'singleChat', { ext: { k: 1 } });
      await a.send('custom', b.id, { customEvent: 'ping', customExts: { a: 'b' } });
      await b.text(a.id, 'three');
      await b.conn.addReaction({ messageId: serverMsgId, reaction: 'smile' });
      const out = await settles(b.conn.getHistoryMessages({ targetId: a.id, chatType: 'singleChat', pageSize: 10, searchDirection: 'down' }), 'getHistoryMessages');
      assert.deepEqual(out.messages.map((m) => m.msg ?? m.customEvent), ['one', 'ping', 'three']);
      assert.equal(out.messages[0].id, serverMsgId);
      assert.deepEqual(out.messages[0].ext, { k: 1 });
      assert.equal(out.messages[0].reactions[0].reaction, 'smile');
      assert.deepEqual(out.messages[1].customExts, { a: 'b' });
    });

    test('conversations, and one at the top', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const a2 = await connection(a.id, sdk).open();
      await b.text(a.id, 'unread');
      await a.hears('onTextMessage');
      const list = await settles(a.conn.getServerConversations({ pageSize: 20, cursor: '' }), 'getServerConversations');
      const c = list.data.conversations.find((x) => x.conversationId === b.id);
      assert.equal(c.unReadCount, 1);
      assert.equal(c.lastMessage.msg, 'unread');
      await settles(a.conn.pinConversation({ conversationId: b.id, conversationType: 'singleChat', isPinned: true }), 'pinConversation');
      assert.equal((await a2.hears('onMultiDeviceEvent', (e) => e.operation === 'pinnedConversation')).conversationId, b.id);
      const top = await settles(a.conn.getServerPinnedConversations({ pageSize: 20, cursor: '' }), 'getServerPinnedConversations');
      assert.equal(top.data.conversations[0].conversationId, b.id);
      await a.send('channel', b.id);
      const read = await settles(a.conn.getServerConversations({ pageSize: 20, cursor: '' }), 'getServerConversations');
      assert.equal(read.data.conversations.find((x) => x.conversationId === b.id).unReadCount, 0);
      await settles(a.conn.deleteConversation({ channel: b.id, chatType: 'singleChat', deleteRoam: false }), 'deleteConversation');
      assert.equal((await a2.hears('onMultiDeviceEvent', (e) => e.operation === 'deleteConversation')).conversationId, b.id);
    });

    test('a pinned message is told and listed', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const { serverMsgId } = await a.text(b.id, 'remember');
      await b.hears('onTextMessage');
      await settles(a.conn.pinMessage({ conversationType: 'singleChat', conversationId: b.id, messageId: serverMsgId }), 'pinMessage');
      const e = await b.hears('onMessagePinEvent');
      assert.equal(e.messageId, serverMsgId);
      assert.equal(e.operation, 'pin');
      assert.equal(e.operatorId, a.id);
      assert.equal(b.count('onModifiedMessage'), 0);
      const list = await settles(b.conn.getServerPinnedMessages({ conversationId: a.id, conversationType: 'singleChat', pageSize: 10 }), 'getServerPinnedMessages');
      assert.equal(list.data.list[0].message.id ?? list.data.list[0].messageId, serverMsgId);
    });

    test('groups and contacts of a person', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const made = await settles(a.conn.createGroup({ data: { groupname: 'Mine', desc: 'd', members: [b.id], public: true, approval: false, allowinvites: true, inviteNeedConfirm: false, maxusers: 20 } }), 'createGroup');
      const joined = await settles(b.conn.getJoinedGroups({ pageNum: 0, pageSize: 20, needAffiliations: true }), 'getJoinedGroups');
      const g = (joined.entities ?? joined.data).find((x) => (x.groupId ?? x.groupid) === made.data.groupid);
      assert.equal(g.groupName ?? g.groupname ?? g.name, 'Mine');
      const members = await settles(a.conn.listGroupMembers({ groupId: made.data.groupid, pageNum: 1, pageSize: 20 }), 'listGroupMembers');
      assert.equal(members.data.length, 2);
      await settles(Promise.resolve(a.conn.addContact(b.id, 'hi')), 'addContact');
      await b.hears('onContactInvited');
      await settles(Promise.resolve(b.conn.acceptContactInvite(a.id)), 'accept');
      await a.hears('onContactAgreed');
      const contacts = await settles(a.conn.getContacts(), 'getContacts');
      assert.deepEqual(contacts.data, [b.id]);
    });
  });
}
