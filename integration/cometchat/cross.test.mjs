// Two vendors, one room: a person with Stream's SDK and one with CometChat's hear each other.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { StreamChat } from 'stream-chat';
import { must, person, say, unique } from './lib.mjs';

const stream = { url: process.env.STREAM_URL, key: process.env.STREAM_KEY, secret: process.env.STREAM_SECRET };

let ann; let client; let channel; let guid;
const heard = [];
const waiting = new Set();

// hears waits until Stream's client was told of an event.
function hears(type, match = () => true) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const i = heard.findIndex((e) => e.type === type && match(e));
      if (i < 0) return;
      clearTimeout(timer);
      waiting.delete(look);
      resolve(heard.splice(i, 1)[0]);
    };
    const timer = setTimeout(() => { waiting.delete(look); reject(new Error(`no ${type}, but ${heard.map((e) => e.type)}`)); }, 25_000);
    waiting.add(look);
    look();
  });
}

before(async () => {
  ann = await person('ann');
  guid = unique('shared');
  const sid = unique('sue');
  const server = new StreamChat(stream.key, stream.secret, { baseURL: stream.url, allowServerSideConnect: true });
  client = new StreamChat(stream.key, { baseURL: stream.url, allowServerSideConnect: true });
  client.on((e) => { heard.push(e); for (const w of waiting) w(); });
  await client.connectUser({ id: sid, name: 'Sue' }, server.createToken(sid));
  await ann.run((CometChat, { guid }) => CometChat.createGroup(new CometChat.Group(guid, 'Shared', 'public')), { guid });
  await must('POST', `/groups/${guid}/members`, { participants: [sid] });
  channel = client.channel('messaging', guid);
  await channel.watch();
});

after(() => client.disconnectUser());

test('a message of Stream arrives at CometChat', async () => {
  const { message } = await channel.sendMessage({ text: 'from stream', attachments: [{ type: 'image', image_url: 'https://example.org/a.png', title: 'a.png' }] });
  const [m] = await ann.hears('onMediaMessageReceived', (x) => x.sender.uid === client.userID);
  assert.equal(m.receiver.guid, guid);
  assert.equal(m.data.attachments[0].url, 'https://example.org/a.png');
  await channel.sendReaction(message.id, { type: 'love' });
  await ann.hears('onMessageReactionAdded', (r) => r.reaction.reaction === 'love');
  await channel.sendMessage({ text: 'plain words' });
  await ann.hears('onTextMessageReceived', (t) => t.text === 'plain words');
});

test('a message of CometChat arrives at Stream', async () => {
  await say(ann, guid, 'from comet', 'group');
  const e = await hears('message.new', (x) => x.message.text === 'from comet');
  assert.equal(e.message.user.id, ann.uid);
  assert.equal(e.channel_id, guid);
});

test('edits, deletions and reactions cross both ways', async () => {
  const m = await say(ann, guid, 'first', 'group');
  const sent = await hears('message.new', (x) => x.message.text === 'first');
  await ann.run(async (CometChat, { id, guid }) => {
    const t = new CometChat.TextMessage(guid, 'second', 'group');
    t.setId(Number(id));
    await CometChat.editMessage(t);
  }, { id: m.id, guid });
  const e = await hears('message.updated', (x) => x.message.id === sent.message.id);
  assert.equal(e.message.text, 'second');
  await ann.run((CometChat, { id }) => CometChat.addReaction(id, '👍'), { id: m.id });
  await hears('reaction.new', (x) => x.reaction.type === '👍');
  await ann.run((CometChat, { id }) => CometChat.deleteMessage(id), { id: m.id });
  await hears('message.deleted', (x) => x.message.id === sent.message.id);
  const { message } = await channel.sendMessage({ text: 'mine' });
  await ann.hears('onTextMessageReceived', (x) => x.text === 'mine');
  await client.updateMessage({ id: message.id, text: 'mine, changed' });
  await ann.hears('onMessageEdited', (x) => x.text === 'mine, changed');
  await client.deleteMessage(message.id);
  await ann.hears('onMessageDeleted', (x) => x.sender.uid === client.userID);
});

test('a rank given with Stream\'s SDK is told with CometChat\'s', async () => {
  const bob = await person('bob');
  await must('POST', `/groups/${guid}/members`, { participants: [bob.uid] });
  const server = new StreamChat(stream.key, stream.secret, { baseURL: stream.url, allowServerSideConnect: true });
  await server.channel('messaging', guid).addModerators([bob.uid]);
  const [, , scope, old] = await ann.hears('onGroupMemberScopeChanged', (_, who, __, ___, group) => who.uid === bob.uid && group.guid === guid);
  assert.deepEqual([scope, old], ['moderator', 'participant']);
});

test('typing and reading cross both ways', async () => {
  await channel.keystroke();
  await ann.hears('onTypingStarted', (t) => t.sender.uid === client.userID);
  await ann.run((CometChat, { guid }) => CometChat.startTyping(new CometChat.TypingIndicator(guid, 'group')), { guid });
  await hears('typing.start', (x) => x.user.id === ann.uid);
  const m = await say(ann, guid, 'read this', 'group');
  await hears('message.new', (x) => x.message.text === 'read this');
  await channel.markRead();
  await ann.hears('onMessagesRead', (x) => String(x.messageId) === m.id);
  await channel.sendMessage({ text: 'and this' });
  const [got] = await ann.hears('onTextMessageReceived', (x) => x.text === 'and this');
  await ann.run(async (CometChat, { id }) => { await CometChat.markAsRead(await CometChat.getMessageDetails(id)); }, { id: got.id });
  await hears('message.read', (x) => x.user.id === ann.uid);
});

test('two people talk across vendors', async () => {
  const direct = client.channel('messaging', { members: [client.userID, ann.uid] });
  await direct.watch();
  await direct.sendMessage({ text: 'between us' });
  const [m] = await ann.hears('onTextMessageReceived', (x) => x.text === 'between us');
  assert.equal(m.receiverType, 'user');
  await say(ann, client.userID, 'just us');
  const e = await hears('message.new', (x) => x.message.text === 'just us');
  assert.equal(e.cid, direct.cid);
});
