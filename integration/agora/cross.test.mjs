// Three vendors, one group: people with Stream's, CometChat's and Agora's SDKs hear each other. Stream's
// client has to be loaded before Node is made to look like a browser.
import { StreamChat } from 'stream-chat';
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { must as comet, again, say } from '../cometchat/lib.mjs';
import { packages, patience, person, settles, unique } from './lib.mjs';

const stream = { url: process.env.STREAM_URL, key: process.env.STREAM_KEY, secret: process.env.STREAM_SECRET };

for (const sdk of packages) {
  describe(sdk, () => {
    let ann; let carl; let sue; let channel; let gid;
    const heard = [];
    const waiting = new Set();

    const hears = (type, match = () => true) => new Promise((resolve, reject) => {
      const look = () => {
        const i = heard.findIndex((e) => (type.test?.(e.type) ?? e.type === type) && match(e));
        if (i < 0) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(heard.splice(i, 1)[0]);
      };
      const timer = setTimeout(() => { waiting.delete(look); reject(new Error(`no ${type}, but ${heard.map((e) => e.type)}`)); }, patience);
      waiting.add(look);
      look();
    });

    before(async () => {
      ann = await person('ann', sdk);
      const server = new StreamChat(stream.key, stream.secret, { baseURL: stream.url, allowServerSideConnect: true });
      sue = new StreamChat(stream.key, { baseURL: stream.url, allowServerSideConnect: true });
      sue.on((e) => { heard.push(e); for (const w of waiting) w(); });
      const sid = unique('sue');
      await sue.connectUser({ id: sid, name: 'Sue' }, server.createToken(sid));
      const cid = unique('carl');
      await comet('POST', '/users', { uid: cid, name: 'Carl' });
      carl = await again(cid);
      const made = await settles(ann.conn.createGroup({ data: { groupname: 'All', desc: 'd', members: [sid, cid], public: true, approval: false, allowinvites: true, inviteNeedConfirm: false, maxusers: 20 } }), 'createGroup');
      gid = made.data.groupid;
      channel = sue.channel('messaging', gid);
      await channel.watch();
      assert.equal(channel.data.name, 'All');
    });

    after(() => sue.disconnectUser());

    test('what Agora says is heard by all', async () => {
      const { serverMsgId } = await ann.text(gid, 'from agora', 'groupChat', { ext: { mood: 'fine' } });
      const e = await hears('message.new', (m) => m.message.text === 'from agora');
      assert.equal(e.user.id, ann.id);
      assert.equal(e.message.mood, 'fine');
      const [m] = await carl.hears('onTextMessageReceived', (x) => x.text === 'from agora');
      assert.equal(m.id, serverMsgId);
      assert.equal(m.receiver.guid, gid);
    });

    test('what Stream says is heard by all', async () => {
      const { message } = await channel.sendMessage({ text: 'from stream', color: 'red' });
      const got = await ann.hears('onTextMessage', (m) => m.msg === 'from stream');
      assert.equal(got.from, sue.userID);
      assert.equal(got.to, gid);
      assert.equal(got.ext.color, 'red');
      await carl.hears('onTextMessageReceived', (m) => m.text === 'from stream');
      await channel.sendReaction(message.id, { type: 'love' });
      const r = await ann.hears('onReactionChange');
      assert.equal(r.messageId, got.id);
      assert.deepEqual(r.reactions[0].op, [{ operator: sue.userID, reactionType: 'create' }]);
      await sue.updateMessage({ id: message.id, text: 'changed on stream' });
      const edited = await ann.hears('onModifiedMessage');
      assert.equal(edited.id, got.id);
      assert.equal(edited.msg, 'changed on stream');
      await sue.deleteMessage(message.id);
      assert.equal((await ann.hears('onRecallMessage')).mid, got.id);
      await channel.sendMessage({ text: '', attachments: [{ type: 'image', image_url: 'https://example.org/a.png', title: 'a.png' }] });
      const img = await ann.hears('onImageMessage');
      assert.match(img.url, /em-redirect=true/);
      await channel.keystroke();
      assert.equal((await ann.hears('onCmdMessage')).action, 'TypingBegin');
    });

    test('what CometChat says is heard by all', async () => {
      await say(carl, gid, 'from comet', 'group');
      const got = await ann.hears('onTextMessage', (m) => m.msg === 'from comet');
      assert.equal(got.from, carl.uid);
      await hears('message.new', (e) => e.message.text === 'from comet');
    });

    test('an edit, a recall and typing of Agora are seen by the others', async () => {
      const { serverMsgId } = await ann.text(gid, 'draft', 'groupChat');
      await hears('message.new', (e) => e.message.text === 'draft');
      await ann.conn.modifyMessage({ messageId: serverMsgId, modifiedMessage: ann.message('txt', { to: gid, chatType: 'groupChat', msg: 'final' }) });
      assert.equal((await hears('message.updated', (e) => e.message.text === 'final')).user.id, ann.id);
      await carl.hears('onMessageEdited', (m) => m.text === 'final');
      await ann.conn.recallMessage({ mid: serverMsgId, to: gid, chatType: 'groupChat' });
      await hears('message.deleted');
      await carl.hears('onMessageDeleted');
      await ann.send('cmd', gid, { action: 'TypingBegin' }, 'groupChat');
      await hears('typing.start', (e) => e.user.id === ann.id);
      await carl.hears('onTypingStarted');
    });

    test('two people of two vendors talk alone', async () => {
      await ann.text(sue.userID, 'just us');
      const e = await hears(/message.new$|message_new$/, (m) => m.message.text === 'just us');
      const direct = sue.channel('messaging', { members: [ann.id, sue.userID] });
      await direct.watch();
      assert.equal(direct.state.messages.at(-1).text, 'just us');
      assert.equal(e.message.user.id, ann.id);
      await direct.sendMessage({ text: 'indeed' });
      const got = await ann.hears('onTextMessage', (m) => m.msg === 'indeed');
      assert.equal(got.chatType, 'singleChat');
      assert.equal(got.to, ann.id);
      await direct.markRead();
      assert.equal((await ann.hears('onChannelMessage')).from, sue.userID);
      await say(carl, ann.id, 'psst');
      assert.equal((await ann.hears('onTextMessage', (m) => m.msg === 'psst')).from, carl.uid);
    });
  });
}
