// Open channels: coming and going, messages, entries.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { init, person, room, tokenOf, unique } from './lib.mjs';

async function joined(id, ...people) {
  for (const p of people) await p.must('joinChatRoom', id, { count: 10 });
}

test('people in an open channel hear each other, and nobody hears their own', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const id = unique('room');
  await joined(id, ann);
  const info = await ben.must('joinExistChatRoom', id, { count: 10 });
  assert.equal(info.memberCount, 2, JSON.stringify(info));
  const sent = (await ann.say(room(id), 'hello room')).data;
  const got = await ben.text('hello room');
  assert.equal(got.messageUId, sent.messageUId);
  assert.equal(got.conversationType, 4);
  await ben.say(room(id), 'hello ann');
  await ann.text('hello ann');
  ann.heardNothing((m) => m.messageUId === sent.messageUId);
  const { userCount, userInfos } = await ann.must('getChatRoomInfo', id, { count: 5, order: 1 });
  assert.equal(userCount, 2);
  assert.deepEqual(userInfos.map((u) => u.id).sort(), [ann.userId, ben.userId].sort());
  const { list } = await ben.must('getChatroomHistoryMessages', id, { timestamp: 0, count: 10, order: 0 });
  assert.deepEqual(list.map((m) => m.content.content), ['hello ann', 'hello room']);
  await ben.must('quitChatRoom', id);
  assert.equal((await ann.must('getChatRoomInfo', id, { count: 5, order: 1 })).userCount, 1);
  assert.equal((await ben.say(room(id), 'still here?')).code, 23406);
});

test('who joins gets the newest messages, and an open channel has to be there to be joined as one that is', async () => {
  const ann = await person('ann');
  const id = unique('room');
  assert.equal((await ann.call('joinExistChatRoom', id, { count: 2 })).code, 23410);
  await joined(id, ann);
  for (const t of ['one', 'two', 'three']) await ann.say(room(id), t);
  const ben = await person('ben');
  await ben.must('joinExistChatRoom', id, { count: 2 });
  await ben.text('two');
  await ben.text('three');
  ben.heardNothing((m) => m.content.content === 'one');
});

test('entries of an open channel are told, owned and counted', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const id = unique('room');
  await joined(id, ann, ben);
  await ann.must('setChatRoomEntry', id, { key: 'song', value: 'first' });
  const [e] = await ben.hears('CHATROOM', (x) => x.updatedEntries?.some((u) => u.key === 'song'));
  assert.equal(e.updatedEntries[0].value, 'first');
  assert.equal(await ben.must('getChatRoomEntry', id, 'song'), 'first');
  assert.equal((await ben.call('setChatRoomEntry', id, { key: 'song', value: 'mine' })).code, 23424);
  await ben.must('forceSetChatRoomEntry', id, { key: 'song', value: 'mine' });
  await ann.hears('CHATROOM', (x) => x.updatedEntries?.some((u) => u.value === 'mine'));
  await ann.must('setChatRoomEntries', id, { entries: [{ key: 'a', value: '1' }, { key: 'b', value: '2' }], isAutoDelete: true });
  await ben.hears('CHATROOM', (x) => x.updatedEntries?.some((u) => u.key === 'b'));
  assert.deepEqual(await ben.must('getAllChatRoomEntries', id), { song: 'mine', a: '1', b: '2' });
  await ann.must('removeChatRoomEntries', id, { entries: ['a'] });
  await ben.hears('CHATROOM', (x) => x.updatedEntries?.some((u) => u.key === 'a' && u.type === 2));
  assert.equal((await ann.call('removeChatRoomEntry', id, { key: 'never' })).code, 23427);
  await ann.must('quitChatRoom', id);
  await ben.hears('CHATROOM', (x) => x.updatedEntries?.some((u) => u.key === 'b' && u.type === 2));
});

test('a token that is not known does not connect', async () => {
  const p = await init(unique('eve'));
  assert.equal((await p.call('connect', 'never-issued')).code, 31004);
  const token = await tokenOf(p.userId);
  assert.equal((await p.call('connect', token)).code, 0);
});
