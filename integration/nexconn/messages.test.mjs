// Messages live and after the fact, in direct and group channels.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { direct, person } from './lib.mjs';

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
