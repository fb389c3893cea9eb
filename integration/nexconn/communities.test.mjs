// Communities with their subchannels.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { community, must, person, unique } from './lib.mjs';

// made makes a community with two subchannels and people in it before they connect.
async function made(...people) {
  const id = unique('city');
  await must('/community-channel/create', { channelId: id, name: 'City', userId: people[0].userId });
  for (const p of people) await must('/community-channel/join', { channelId: id, userId: p.userId });
  return id;
}

test('people of a community hear each other in its subchannels', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const id = await made(ann, ben);
  await must('/community-channel/subchannel/create', { channelId: id, subchannelId: 'news', type: 0 });
  const plain = await ann.say(community(id, 'RCDefault'), 'hello city');
  assert.equal(plain.code, 0, JSON.stringify(plain));
  const got = await ben.text('hello city');
  assert.equal(got.conversationType, 10);
  assert.equal(got.targetId, id);
  const sent = await ann.say(community(id, 'news'), 'the news');
  assert.equal(sent.code, 0, JSON.stringify(sent));
  const news = await ben.text('the news');
  assert.equal(news.channelId, 'news');
  const { list } = await ben.must('getHistoryMessages', community(id, 'news'), { timestamp: 0, count: 5, order: 0 });
  assert.deepEqual(list.map((m) => m.content.content), ['the news']);
  await ann.must('recallMessage', community(id, 'news'), { messageUId: sent.data.messageUId, sentTime: sent.data.sentTime });
  await ben.hears('ULTRA_GROUP_MESSAGE_RECALLED');
});

test('who is no member is refused', async () => {
  const [ann, eve] = await Promise.all([person('ann'), person('eve')]);
  const id = await made(ann);
  assert.equal((await eve.say(community(id, 'RCDefault'), 'let me in')).code, 24406);
});
