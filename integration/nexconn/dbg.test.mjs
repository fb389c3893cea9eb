import { test } from 'node:test';
import { init, person, room, tokenOf, unique } from './lib.mjs';
test('x', async () => {
  const ann = await person('ann');
  const id = unique('room');
  await ann.must('joinChatRoom', id, { count: 2 });
  for (const t of ['one', 'two', 'three']) console.log(JSON.stringify(await ann.say(room(id), t)).slice(0,200));
  const ben = await person('ben');
  console.log(await ben.must('joinExistChatRoom', id, { count: 2 }));
  await new Promise((r) => setTimeout(r, 1500));
  console.log(JSON.stringify(ben.heard).slice(0, 1500), ben.log.slice(-1500));
  console.log(JSON.stringify(await ben.call('getChatroomHistoryMessages', id, { timestamp: 0, count: 10, order: 0 })).slice(0,1500));
});
