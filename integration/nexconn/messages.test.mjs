// Messages live and after the fact, in direct and group channels.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { device, direct, must, offline, person } from './lib.mjs';

test('a message reaches the other one live, and its sender knows its id and time', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const sent = await ann.say(direct(ben), 'hello ben');
  assert.equal(sent.code, 0, JSON.stringify(sent));
  const got = await ben.text('hello ben');
  assert.equal(got.messageUId, sent.data.messageUId);
  assert.equal(got.sentTime, sent.data.sentTime);
  assert.equal(got.senderUserId, ann.userId);
  assert.equal(got.targetId, ann.userId);
  assert.equal(got.messageDirection, 2);
  await ben.say(direct(ann), 'hello ann');
  await ann.text('hello ann');
});

test('a device that was away gets what it missed, recalls included', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  await ann.say(direct(ben), 'first');
  await ben.text('first');
  await offline(ben);
  const second = (await ann.say(direct(ben), 'second')).data;
  await ann.say(direct(ben), 'third');
  await ann.must('recallMessage', direct(ben), { messageUId: second.messageUId, sentTime: second.sentTime });
  const again = await device(ben.userId);
  await again.text('third');
  await again.message((m) => m.messageType === 'RC:RcCmd' || m.messageType === 'RC:RcNtf');
  await again.hears('PULL_OFFLINE_MESSAGE_FINISHED');
});

test('the devices of a person hear what another one of them sends', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const phone = await device(ann.userId);
  const sent = (await ann.say(direct(ben), 'from one of mine')).data;
  const copy = await phone.text('from one of mine');
  assert.equal(copy.messageDirection, 1);
  assert.equal(copy.targetId, ben.userId);
  assert.equal(copy.messageUId, sent.messageUId);
  assert.equal(copy.sentTime, sent.sentTime);
  await ben.text('from one of mine');
  ann.heardNothing((m) => m.messageUId === sent.messageUId);
});

test('history comes in pages, either way', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  for (let i = 1; i <= 5; i += 1) await ann.say(direct(ben), `line ${i}`);
  const texts = (r) => r.list.map((m) => m.content.content);
  const newest = await ben.must('getHistoryMessages', direct(ann), { timestamp: 0, count: 2, order: 0 });
  assert.deepEqual(texts(newest), ['line 4', 'line 5']);
  assert.equal(newest.hasMore, true);
  const older = await ben.must('getHistoryMessages', direct(ann), { timestamp: newest.list[0].sentTime, count: 10, order: 0 });
  assert.deepEqual(texts(older), ['line 1', 'line 2', 'line 3']);
  assert.equal(older.hasMore, false);
  const newer = await ben.must('getHistoryMessages', direct(ann), { timestamp: older.list[0].sentTime, count: 10, order: 1 });
  assert.deepEqual(texts(newer), ['line 2', 'line 3', 'line 4', 'line 5']);
  assert.deepEqual(await ben.must('getHistoryMessages', direct('nobody-ever'), { timestamp: 0, count: 5, order: 0 }), { list: [], hasMore: false });
});

test('a message taken back is gone for everyone, and only its sender may', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const sent = (await ann.say(direct(ben), 'oops')).data;
  await ben.text('oops');
  const denied = await ben.call('recallMessage', direct(ann), { messageUId: sent.messageUId, sentTime: sent.sentTime });
  assert.equal(denied.code, 25107, JSON.stringify(denied));
  await ann.must('recallMessage', direct(ben), { messageUId: sent.messageUId, sentTime: sent.sentTime });
  const told = await ben.message((m) => m.messageType === 'RC:RcCmd');
  assert.equal(told.content.messageUId, sent.messageUId);
  const { list } = await ben.must('getHistoryMessages', direct(ann), { timestamp: 0, count: 5, order: 0 });
  assert.deepEqual(list.map((m) => m.messageType), ['RC:RcNtf']);
});

test('an edit reaches the other one', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const sent = (await ann.say(direct(ben), 'helo')).data;
  await ben.text('helo');
  const out = await ann.run((RC, { sent }) => RC.modifyMessageWithParams({ conversation: { conversationType: sent.conversationType, targetId: sent.targetId }, messageUId: sent.messageUId, messageContent: { content: 'hello' } }), { sent });
  assert.equal(out.code, 0, JSON.stringify(out));
  const [edited] = await ben.hears('MESSAGE_MODIFIED');
  assert.equal(edited[0]?.content?.content ?? edited.messages?.[0]?.content?.content, 'hello', JSON.stringify(edited));
  const { list } = await ben.must('getHistoryMessages', direct(ann), { timestamp: 0, count: 5, order: 0 });
  assert.deepEqual(list.map((m) => m.content.content), ['hello']);
});

test('custom content comes back byte for byte', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const content = { z: 1, a: [1, 2.5, 'ü', null], nested: { '': true } };
  const out = await ann.run((RC, { to, content }) => {
    const Order = RC.registerMessageType('app:order', true, true, [], false);
    return RC.sendMessage(to, new Order(content));
  }, { to: direct(ben), content });
  assert.equal(out.code, 0);
  const got = await ben.message((m) => m.messageType === 'app:order');
  assert.deepEqual(got.content, content);
});

test('somebody who is blocked is told so', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  await ann.say(direct(ben), 'before');
  await must('/user/blocklist/add', { userId: ben.userId, targetUserIds: [ann.userId] });
  assert.equal((await ann.say(direct(ben), 'after')).code, 405);
});

test('typing is told, and kept nowhere', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  await ann.say(direct(ben), 'hi');
  await ben.text('hi');
  await ann.must('sendTypingStatusMessage', direct(ben), 'RC:TxtMsg');
  const [{ status }] = await ben.hears('TYPING_STATUS');
  assert.equal(JSON.stringify(status).includes(ann.userId), true, JSON.stringify(status));
});

test('a read receipt tells the sender how far the other one has come', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const sent = (await ann.say(direct(ben), 'read me')).data;
  await ben.text('read me');
  await ben.must('sendReadReceiptMessage', ann.userId, sent.messageUId, sent.sentTime);
  const [{ conversation, messageUId, sentTime }] = await ann.hears('READ_RECEIPT_RECEIVED');
  assert.equal(conversation.targetId, ben.userId);
  assert.ok(sentTime >= sent.sentTime, `${sentTime} ${messageUId}`);
});
