// Messages of two people: every kind, both ways, receipts, typing, threads, reactions, edits.
import { before, test } from 'node:test';
import assert from 'node:assert/strict';
import { again, fails, must, person, say } from './lib.mjs';

let ann; let bob; let tablet;

before(async () => {
  [ann, bob] = await Promise.all([person('ann'), person('bob')]);
  tablet = await again(ann.uid);
});

test('a text arrives, also on the sender\'s other device, and not on its own', async () => {
  const m = await say(ann, bob.uid, 'hello bob');
  const [got] = await bob.hears('onTextMessageReceived', (x) => x.id === m.id);
  assert.equal(got.text, 'hello bob');
  assert.equal(got.sender.uid, ann.uid);
  assert.equal(got.receiver.uid ?? got.receiverId, bob.uid);
  await tablet.hears('onTextMessageReceived', (x) => x.id === m.id);
  await say(bob, ann.uid, 'hello ann');
  const [back] = await ann.hears('onTextMessageReceived');
  assert.equal(back.text, 'hello ann', 'the first thing ann hears is the answer, not her own echo');
});

test('custom, media by link, transient', async () => {
  await ann.run(async (CometChat, { to }) => {
    const c = new CometChat.CustomMessage(to, 'user', 'location', { lat: 1, lng: 2 });
    c.setMetadata({ k: 'v' });
    await CometChat.sendCustomMessage(c);
  }, { to: bob.uid });
  const [c] = await bob.hears('onCustomMessageReceived', (x) => x.type === 'location');
  assert.deepEqual(c.data.customData, { lat: 1, lng: 2 });
  await ann.run(async (CometChat, { to }) => {
    const m = new CometChat.MediaMessage(to, '', 'image', 'user');
    m.setAttachment(new CometChat.Attachment({ name: 'cat', extension: 'png', mimeType: 'image/png', url: 'https://example.org/cat.png', size: 5 }));
    m.setCaption('a cat');
    await CometChat.sendMediaMessage(m);
  }, { to: bob.uid });
  const [m] = await bob.hears('onMediaMessageReceived', (x) => x.type === 'image');
  assert.equal(m.data.attachments[0].url, 'https://example.org/cat.png');
  await ann.run((CometChat, { to }) => CometChat.sendTransientMessage(new CometChat.TransientMessage(to, 'user', { heart: 1 })), { to: bob.uid });
  const [t] = await bob.hears('onTransientMessageReceived', (x) => x.data.heart === 1);
  assert.equal(t.sender.uid, ann.uid);
});

test('a file is uploaded and can be read', async () => {
  const url = await ann.run(async (CometChat, { to }) => {
    const m = new CometChat.MediaMessage(to, new File(['words in a file'], 'note.txt', { type: 'text/plain' }), 'file', 'user');
    return (await CometChat.sendMediaMessage(m)).getAttachments()[0].getUrl();
  }, { to: bob.uid });
  const [m] = await bob.hears('onMediaMessageReceived', (x) => x.type === 'file');
  assert.equal(m.data.attachments[0].url, url);
  assert.equal(m.data.attachments[0].name, 'note.txt');
  assert.equal(await (await fetch(url)).text(), 'words in a file');
});

test('an interactive message arrives whole', async () => {
  await ann.run(async (CometChat, { to }) => {
    await CometChat.sendInteractiveMessage(new CometChat.InteractiveMessage(to, 'user', 'form', { title: 'Form', formFields: [] }));
  }, { to: bob.uid });
  const [m] = await bob.hears('onInteractiveMessageReceived', (x) => x.type === 'form');
  assert.equal((m.interactiveData ?? m.data.interactiveData).title, 'Form');
});

test('the goal of an interactive message is reached', async () => {
  const id = await ann.run(async (CometChat, { to }) => {
    const m = new CometChat.InteractiveMessage(to, 'user', 'form', { title: 'Form', formFields: [] });
    m.setInteractionGoal(new CometChat.InteractionGoal('allOf', ['name', 'send']));
    return String((await CometChat.sendInteractiveMessage(m)).getId());
  }, { to: bob.uid });
  const use = (p, element) => p.run((CometChat, a) => CometChat.markAsInteracted(a.id, a.element), { id, element });
  await use(bob, 'name');
  await use(bob, 'send');
  const [r] = await ann.hears('onInteractionGoalCompleted', (x) => String(x.messageId) === id);
  assert.deepEqual([r.sender.uid, r.interactions.map((x) => x.elementId)], [bob.uid, ['name', 'send']]);
  const seen = await bob.run(async (CometChat, a) => (await CometChat.getMessageDetails(a.id)).getInteractions().map((x) => x.elementId), { id });
  assert.deepEqual(seen, ['name', 'send']);
  await fails(use(ann, 'name'), 'ERR_MESSAGE_ACTION_NOT_ALLOWED');
});

test('pins are told to both, saved messages to the own devices', async () => {
  const m = await say(ann, bob.uid, 'worth keeping');
  const by = (p, how) => p.run((CometChat, a) => CometChat[a.how](a.id), { how, id: m.id });
  await by(bob, 'pinMessage');
  const [pinned] = await ann.hears('onMessagePinned', (x) => String(x.id) === m.id);
  assert.equal(pinned.pinnedBy, bob.uid);
  await by(bob, 'unpinMessage');
  await ann.hears('onMessageUnpinned', (x) => String(x.id) === m.id);
  await by(ann, 'saveMessage');
  const [saved] = await tablet.hears('onMessageSaved', (x) => String(x.id) === m.id);
  assert.ok(saved.savedAt > 0);
  await by(ann, 'unsaveMessage');
  await tablet.hears('onMessageUnsaved', (x) => String(x.id) === m.id);
  ann.heardNothing('onMessageEdited');
  bob.heardNothing('onMessageSaved');
  const pin = (on) => ann.run((CometChat, a) => CometChat[a.on ? 'pinConversation' : 'unpinConversation'](a.to, 'user'), { on, to: bob.uid });
  await pin(true);
  await tablet.hears('onConversationPinned', (c) => c.conversationWith.uid === bob.uid);
  await pin(false);
  await tablet.hears('onConversationUnpinned', (c) => c.conversationWith.uid === bob.uid);
});

test('typing is told', async () => {
  const typing = (CometChat, { to, on }) => {
    const t = new CometChat.TypingIndicator(to, 'user', { x: 1 });
    if (on) CometChat.startTyping(t); else CometChat.endTyping(t);
  };
  await ann.run(typing, { to: bob.uid, on: true });
  await bob.hears('onTypingStarted', (t) => t.sender.uid === ann.uid);
  await ann.run(typing, { to: bob.uid, on: false });
  await bob.hears('onTypingEnded', (t) => t.sender.uid === ann.uid);
});

test('receipts reach the sender and the message', async () => {
  const m = await say(ann, bob.uid, 'read me');
  await bob.hears('onTextMessageReceived', (x) => x.id === m.id);
  const mark = (how) => bob.run(async (CometChat, { id, how }) => { await CometChat[how](await CometChat.getMessageDetails(id)); }, { id: m.id, how });
  await mark('markAsDelivered');
  const [d] = await ann.hears('onMessagesDelivered', (r) => String(r.messageId) === m.id);
  assert.equal(d.sender.uid, bob.uid);
  await mark('markAsRead');
  const [r] = await ann.hears('onMessagesRead', (x) => String(x.messageId) === m.id);
  assert.equal(r.sender.uid, bob.uid);
  assert.ok(r.readAt > 0);
  const at = await ann.run(async (CometChat, { id }) => (await CometChat.getMessageDetails(id)).getReadAt(), { id: m.id });
  assert.ok(at > 0, 'the message itself says when it was read');
});

test('unread counts go up and down', async () => {
  await say(ann, bob.uid, 'one');
  const m = await say(ann, bob.uid, 'two');
  const count = () => bob.run(async (CometChat, { uid }) => (await CometChat.getUnreadMessageCountForUser(uid))[uid] ?? 0, { uid: ann.uid });
  assert.equal(await count(), 2);
  const list = await bob.run(async (CometChat, { uid }) => {
    const c = await CometChat.getConversation(uid, 'user');
    return { unread: c.getUnreadMessageCount(), last: c.getLastMessage().getText(), id: c.getConversationId() };
  }, { uid: ann.uid });
  assert.equal(Number(list.unread), 2);
  assert.equal(list.last, 'two');
  await bob.run(async (CometChat, { id }) => { await CometChat.markAsRead(await CometChat.getMessageDetails(id)); }, { id: m.id });
  await ann.hears('onMessagesRead', (x) => String(x.messageId) === m.id);
  assert.equal(await count(), 0);
});

test('threads: replies have their parent and their list', async () => {
  const m = await say(ann, bob.uid, 'root');
  await bob.run(async (CometChat, { to, parent }) => {
    const t = new CometChat.TextMessage(to, 'reply', 'user');
    t.setParentMessageId(Number(parent));
    await CometChat.sendMessage(t);
  }, { to: ann.uid, parent: m.id });
  const [r] = await ann.hears('onTextMessageReceived', (x) => x.text === 'reply');
  assert.equal(String(r.parentMessageId), m.id);
  const replies = await ann.run(async (CometChat, { id }) => {
    const q = new CometChat.MessagesRequestBuilder().setParentMessageId(Number(id)).setLimit(30).build();
    return (await q.fetchPrevious()).map((x) => x.getText());
  }, { id: m.id });
  assert.deepEqual(replies, ['reply']);
  const root = await ann.run(async (CometChat, { id }) => (await CometChat.getMessageDetails(id)).getReplyCount(), { id: m.id });
  assert.equal(root, 1);
});

test('reactions come and go', async () => {
  const m = await say(ann, bob.uid, 'like me');
  await bob.hears('onTextMessageReceived', (x) => x.id === m.id);
  await bob.run((CometChat, { id }) => CometChat.addReaction(id, '👍'), { id: m.id });
  const [e] = await ann.hears('onMessageReactionAdded', (x) => String(x.reaction.messageId) === m.id);
  assert.equal(e.reaction.reaction, '👍');
  assert.equal(e.reaction.reactedBy.uid, bob.uid);
  const seen = await ann.run(async (CometChat, { id }) => {
    const q = new CometChat.ReactionsRequestBuilder().setMessageId(id).setLimit(10).build();
    return (await q.fetchNext()).map((r) => [r.getReaction(), r.getReactedBy().getUid()]);
  }, { id: m.id });
  assert.deepEqual(seen, [['👍', bob.uid]]);
  await bob.run((CometChat, { id }) => CometChat.removeReaction(id, '👍'), { id: m.id });
  await ann.hears('onMessageReactionRemoved', (x) => String(x.reaction.messageId) === m.id);
});

test('edits and deletions are told and kept to the sender', async () => {
  const m = await say(ann, bob.uid, 'befoer');
  await bob.hears('onTextMessageReceived', (x) => x.id === m.id);
  await ann.run(async (CometChat, { id, to }) => {
    const t = new CometChat.TextMessage(to, 'before', 'user');
    t.setId(Number(id));
    await CometChat.editMessage(t);
  }, { id: m.id, to: bob.uid });
  const [e] = await bob.hears('onMessageEdited', (x) => String(x.id) === m.id);
  assert.equal(e.text, 'before');
  assert.ok(e.editedAt > 0);
  await fails(bob.run((CometChat, { id }) => CometChat.deleteMessage(id), { id: m.id }), 'ERR_MESSAGE_NOT_A_SENDER');
  await ann.run((CometChat, { id }) => CometChat.deleteMessage(id), { id: m.id });
  const [d] = await bob.hears('onMessageDeleted', (x) => String(x.id) === m.id);
  assert.ok(d.deletedAt > 0);
});

test('history is read both ways, oldest first', async () => {
  const texts = (fn) => bob.run(fn, { uid: ann.uid });
  const back = await texts(async (CometChat, { uid }) => {
    const q = new CometChat.MessagesRequestBuilder().setUID(uid).setLimit(5).setTypes(['text']).setCategories(['message']).hideReplies(true).build();
    const [last, before] = [await q.fetchPrevious(), await q.fetchPrevious()];
    return [last.map((m) => Number(m.getId())), before.map((m) => Number(m.getId()))];
  });
  assert.equal(back[0].length, 5);
  const run = [...back[1], ...back[0]];
  assert.deepEqual(run, [...run].sort((a, b) => a - b));
});

test('version 3 hears and is heard', async () => {
  const old = await person('old', { version: 3 });
  await say(ann, old.uid, 'to the old');
  await old.hears('onTextMessageReceived', (x) => x.text === 'to the old');
  await say(old, ann.uid, 'from the old');
  const [b] = await ann.hears('onTextMessageReceived', (x) => x.sender.uid === old.uid);
  assert.equal(b.text, 'from the old');
  const list = await old.run(async (CometChat, { uid }) => {
    const q = new CometChat.MessagesRequestBuilder().setUID(uid).setLimit(30).build();
    return (await q.fetchPrevious()).map((x) => x.getText());
  }, { uid: ann.uid });
  assert.deepEqual(list, ['to the old', 'from the old']);
});

test('a server speaks for somebody', async () => {
  const m = await must('POST', '/messages', { receiver: bob.uid, receiverType: 'user', category: 'message', type: 'text', data: { text: 'by rest' } }, { onBehalfOf: ann.uid });
  const [got] = await bob.hears('onTextMessageReceived', (x) => x.text === 'by rest');
  assert.equal(String(got.id), String(m.id));
});
