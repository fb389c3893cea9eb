// Threads: made of a message of a group, written in, told to the group.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { connection, must, packages, person, settles } from './lib.mjs';

for (const sdk of packages) {
  describe(sdk, () => {
    test('a thread from its making to its end', async () => {
      const [a, b, c] = [await person('ann', sdk), await person('bob', sdk), await person('cat', sdk)];
      const a2 = await connection(a.id, sdk).open();
      const gid = (await must('POST', '/chatgroups', { groupname: 'G', desc: 'd', public: true, maxusers: 50, owner: a.id, members: [b.id, c.id] })).data.groupid;
      const { serverMsgId } = await a.text(gid, 'let us talk about it', 'groupChat');
      await b.hears('onTextMessage');
      const made = await settles(a.conn.createChatThread({ name: 'it', messageId: serverMsgId, parentId: gid }), 'createChatThread');
      const tid = made.data.chatThreadId;
      for (const p of [b, c]) {
        const e = await p.hears('onChatThreadChange', (m) => m.operation === 'create');
        assert.equal(e.id, tid);
        assert.equal(e.parentId, gid);
        assert.equal(e.messageId, serverMsgId);
        assert.equal(e.name, 'it');
        assert.equal(e.operator, a.id);
      }
      assert.equal((await a2.hears('onMultiDeviceEvent', (m) => m.operation === 'chatThreadCreate')).chatThreadId, tid);
      await settles(b.conn.joinChatThread({ chatThreadId: tid }), 'joinChatThread');
      const said = await b.text(tid, 'I think', 'groupChat', { isChatThread: true });
      const got = await a.hears('onTextMessage', (m) => m.msg === 'I think');
      assert.equal(got.id, said.serverMsgId);
      assert.equal(got.to, tid);
      assert.deepEqual(got.chatThread, { messageId: serverMsgId, parentId: gid, chatThreadName: 'it' });
      const grown = await c.hears('onChatThreadChange', (m) => m.operation === 'update');
      assert.equal(grown.messageCount, 1);
      assert.equal(grown.lastMessage.msg, 'I think');
      assert.equal(c.count('onTextMessage', (m) => m.msg === 'I think'), 0);
      await assert.rejects(c.text(tid, 'and I', 'groupChat', { isChatThread: true }));
      await settles(a.conn.changeChatThreadName({ chatThreadId: tid, name: 'that' }), 'changeChatThreadName');
      assert.equal((await b.hears('onChatThreadChange', (m) => m.operation === 'update' && m.name === 'that')).id, tid);
      await settles(a.conn.removeChatThreadMember({ chatThreadId: tid, username: b.id }), 'removeChatThreadMember');
      assert.equal((await b.hears('onChatThreadChange', (m) => m.operation === 'userRemove')).id, tid);
      await settles(a.conn.destroyChatThread({ chatThreadId: tid }), 'destroyChatThread');
      assert.equal((await c.hears('onChatThreadChange', (m) => m.operation === 'destroy')).id, tid);
    });
  });
}
