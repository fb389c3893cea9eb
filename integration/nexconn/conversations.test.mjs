// The list of conversations, what is unread in it, and what people keep for its entries.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { device, direct, kind, person } from './lib.mjs';

const ids = (list) => list.map((c) => c.targetId);

test('the list has the newest first, with what was last said and how much is unread', async () => {
  const [ann, ben, cat] = await Promise.all([person('ann'), person('ben'), person('cat')]);
  await ann.say(direct(cat), 'one');
  await ben.say(direct(cat), 'two');
  await ann.say(direct(cat), 'three');
  await cat.text('three');
  const list = await cat.must('getConversationList', { count: 10, startTime: 0, order: 0 });
  assert.deepEqual(ids(list), [ann.userId, ben.userId]);
  assert.equal(list[0].latestMessage.content.content, 'three');
  assert.equal(list[0].unreadMessageCount, 2);
  assert.equal(await cat.must('getTotalUnreadCount'), 3);
  await cat.must('clearMessagesUnreadStatus', direct(ann));
  assert.equal(await cat.must('getUnreadCount', direct(ann)), 0);
  assert.equal(await cat.must('getTotalUnreadCount'), 1);
  await cat.must('removeConversation', direct(ben));
  assert.deepEqual(ids(await cat.must('getConversationList', { count: 10, startTime: 0, order: 0 })), [ann.userId]);
});

test('a device counts what it missed, and what another one of the person has read', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const phone = await device(ben.userId);
  const sent = (await ann.say(direct(ben), 'count me')).data;
  await Promise.all([ben.text('count me'), phone.text('count me')]);
  assert.equal(await phone.must('getUnreadCount', direct(ann)), 1);
  await ben.must('clearMessagesUnreadStatus', direct(ann));
  await ben.must('sendSyncReadStatusMessage', direct(ann), sent.sentTime);
  await phone.hears('CONVERSATION', (e) => e.conversationList.some((c) => c.conversation.unreadMessageCount === 0));
});

test('top, silence and tags are kept, and told to the other devices', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  await ann.say(direct(ben), 'hi');
  await ben.text('hi');
  const phone = await device(ben.userId);
  await ben.must('setConversationToTop', direct(ann), true);
  await phone.hears('CONVERSATION', (e) => e.conversationList.some((c) => c.conversation.isTop));
  await ben.must('setConversationNotificationLevel', direct(ann), 1);
  await phone.hears('CONVERSATION', (e) => e.conversationList.some((c) => c.conversation.notificationLevel === 1));
  await ben.must('addTag', { tagId: 'work', tagName: 'Work' });
  await phone.hears('TAG');
  assert.deepEqual((await phone.must('getTags')).map((t) => t.tagName), ['Work']);
  await ben.must('addConversationsToTag', 'work', [direct(ann)]);
  await phone.hears('CONVERSATION_TAG');
  const later = await device(ben.userId);
  const top = await later.must('getTopConversationList');
  assert.deepEqual(ids(top), [ann.userId]);
  assert.deepEqual((await later.must('getTagsFromConversation', direct(ann))).map((t) => t.tagId), ['work']);
  assert.equal(await later.must('getConversationNotificationLevel', direct(ann)), 1);
  await ben.must('setConversationToTop', direct(ann), false);
  await phone.hears('CONVERSATION', (e) => e.conversationList.some((c) => c.conversation.isTop === false));
  await ben.must('removeTag', 'work');
});

test('quiet hours are kept', async () => {
  const ann = await person('ann');
  const set = { startTime: '22:00:00', spanMinutes: 60, level: 1, timezone: 'Europe/Berlin' };
  await ann.must('setNotificationQuietHoursWithSetting', set);
  const got = await ann.must('getNotificationQuietHoursSetting');
  assert.equal(got.startTime, '22:00:00', JSON.stringify(got));
  await ann.must('removeNotificationQuietHoursSetting');
  assert.equal(kind.direct, 1);
});
