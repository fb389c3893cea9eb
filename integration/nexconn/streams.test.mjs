// Messages that are sent in pieces, pulled by the SDK while they are written.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { must, person } from './lib.mjs';

// speak sends one piece of a stream from one person to another.
async function speak(from, to, seq, content, rest = {}) {
  const out = await must('/direct-channel/message/stream/send', {
    fromUserId: from.userId, toUserId: to.userId, messageType: 'RC:StreamMsg',
    content: { content, seq, complete: false, type: 'text', ...rest },
  });
  return out?.messageId;
}

const is = (id, type, match = () => true) => (e) => e.messageUId === id && e.type === type && match(e);

test('a stream is pulled while it is written', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const id = await speak(ann, ben, 1, 'Once ');
  const first = await ben.message((m) => m.messageType === 'RC:StreamMsg');
  assert.equal(first.messageUId, id);
  assert.equal(first.content.content, 'Once ');
  assert.equal(first.content.complete, false);

  await ben.must('requestStreamMessageContent', id);
  await ben.hears('STREAM_MESSAGE_RESPONSE', is(id, 'INIT'));
  await ben.hears('STREAM_MESSAGE_RESPONSE', is(id, 'DATA', (e) => e.chunk.fullContent === 'Once '));
  await speak(ann, ben, 2, 'upon ', { messageId: id });
  const [grown] = await ben.hears('STREAM_MESSAGE_RESPONSE', is(id, 'DATA', (e) => e.chunk.content === 'upon '));
  assert.equal(grown.chunk.fullContent, 'Once upon ');
  await speak(ann, ben, 3, 'a time', { messageId: id, complete: true });
  await ben.hears('STREAM_MESSAGE_RESPONSE', is(id, 'DATA', (e) => e.chunk.fullContent === 'Once upon a time'));
  const [end] = await ben.hears('STREAM_MESSAGE_RESPONSE', is(id, 'END'));
  assert.equal(end.code, 0);

  // Once more, now that it is written.
  await ben.must('requestStreamMessageContent', id);
  const [whole] = await ben.hears('STREAM_MESSAGE_RESPONSE', is(id, 'DATA', (e) => e.chunk.fullContent === 'Once upon a time'));
  assert.ok(whole);
});

test('a stream that is not there, and one of others, are refused', async () => {
  const [ann, ben, eve] = await Promise.all([person('ann'), person('ben'), person('eve')]);
  assert.equal((await ben.call('requestStreamMessageContent', '1')).code, 29002);
  const id = await speak(ann, ben, 1, 'for Ben alone');
  assert.equal((await eve.call('requestStreamMessageContent', id)).code, 29002);
  await speak(ann, ben, 2, '.', { messageId: id, complete: true });
});
