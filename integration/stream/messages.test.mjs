// Messages: both ways over real sockets, edits, deletes, threads, reactions, pages, pins, search,
// drafts, reminders, polls, commands.
import { describe, test, after, before } from 'node:test';
import { randomUUID } from 'node:crypto';
import { assert, admin, close, eventually, fence, login, next, people, record, refused, texts, unique } from './lib.mjs';

after(close);

// pair connects two people to a fresh channel and returns both sides.
async function pair(type = 'messaging', data = {}) {
  const [ann, ben] = await people('ann', 'ben');
  const [a, b] = await Promise.all([login(ann), login(ben)]);
  const ch = a.channel(type, unique('c'), { members: [ann, ben], ...data });
  await ch.watch();
  const bch = b.channel(type, ch.id);
  await bch.watch();
  return { ann, ben, a, b, ch, bch };
}

describe('live', () => {
  let p;
  before(async () => (p = await pair()));

  test('both ways, in order', async () => {
    const rec = record(p.bch);
    for (let i = 0; i < 20; i++) await p.ch.sendMessage({ text: `n${i}` });
    await fence(p.ch, p.bch);
    const want = Array.from({ length: 20 }, (_, i) => `n${i}`);
    assert.deepEqual(rec.of('message.new').map((e) => e.message.text), want);
    assert.deepEqual(texts(p.bch.state.messages).slice(-20), want);
    const back = next(p.ch, 'message.new', (e) => e.message.text === 'got them'); // her own are told to her as well
    await p.bch.sendMessage({ text: 'got them' });
    assert.equal((await back).message.user.id, p.ben);
    rec.stop();
  });

  test('a message looks as the SDK expects', async () => {
    const id = randomUUID();
    const heard = next(p.bch, 'message.new', (e) => e.message.id === id);
    const { message } = await p.ch.sendMessage({
      id,
      text: 'look at this',
      attachments: [{ type: 'place', title: 'Here', geo: { lat: 1.5, lon: -2 } }],
      mentioned_users: [p.ben],
      mood: 'sunny',
      tags: ['a', 'b'],
    });
    const e = await heard;
    for (const m of [message, e.message]) {
      assert.equal(m.id, id);
      assert.equal(m.cid, p.ch.cid);
      assert.equal(m.type, 'regular');
      assert.equal(m.html, '<p>look at this</p>\n');
      assert.deepEqual(m.attachments, [{ type: 'place', title: 'Here', geo: { lat: 1.5, lon: -2 } }]);
      assert.equal(m.mentioned_users[0].id, p.ben);
      assert.equal(m.mood, 'sunny');
      assert.deepEqual(m.tags, ['a', 'b']);
      assert.equal(m.reply_count, 0);
      assert.equal(m.pinned, false);
      assert.equal(m.silent, false);
      assert.equal(m.shadowed, false);
      for (const list of ['latest_reactions', 'own_reactions']) assert.deepEqual(m[list], [], list);
      for (const t of [m.created_at, m.updated_at]) assert.ok(!Number.isNaN(Date.parse(t)) && t.endsWith('Z'));
    }
    assert.equal(e.cid, p.ch.cid);
    assert.equal(e.channel_type, 'messaging');
    assert.equal(e.channel_id, p.ch.id);
    assert.equal(e.user.id, p.ann);
    assert.ok(e.watcher_count >= 2);
  });

  test('text of any script arrives untouched', async () => {
    const text = 'Grüße 👩‍👩‍👧‍👦 مرحبا 你好 \u2028 "quotes" \\ </script>\n\ttab';
    const heard = next(p.bch, 'message.new', (e) => e.message.text.startsWith('Gr'));
    const { message } = await p.ch.sendMessage({ text });
    assert.equal((await heard).message.text, text);
    assert.equal((await p.a.getMessage(message.id)).message.text, text);
  });

  test('the same id twice is one message', async () => {
    const id = randomUUID();
    const rec = record(p.bch);
    await p.ch.sendMessage({ id, text: 'once' });
    // The vendor's words, which its UI kit takes for success.
    await refused(p.ch.sendMessage({ id, text: 'once' }), 4, 400, /already exists/);
    await fence(p.ch, p.bch);
    assert.equal(rec.of('message.new').filter((e) => e.message.id === id).length, 1);
    rec.stop();
  });

  test('a silent message raises no count', async () => {
    await p.bch.markRead();
    await p.ch.sendMessage({ text: 'shh', silent: true });
    await fence(p.ch, p.bch);
    assert.equal(p.bch.countUnread(), 0);
  });

  test('a message for some eyes only', async () => {
    const [cy] = await people('cy');
    await p.ch.addMembers([cy]);
    const c = await login(cy);
    const cch = c.channel('messaging', p.ch.id);
    await cch.watch();
    const rec = record(cch);
    const heard = next(p.bch, 'message.new', (e) => e.message.text === 'for ben');
    await admin.channel('messaging', p.ch.id).sendMessage({ text: 'for ben', user_id: p.ann, restricted_visibility: [p.ben] });
    await heard;
    await fence(p.ch, cch);
    assert.equal(rec.of('message.new').length, 0);
    assert.ok(!texts((await cch.query({ messages: { limit: 10 } })).messages).includes('for ben'));
    assert.ok(texts((await p.bch.query({ messages: { limit: 10 } })).messages).includes('for ben'));
    await p.ch.removeMembers([cy]);
  });

  test('a custom event passes through', async () => {
    const heard = next(p.bch, 'friendship_request');
    await p.ch.sendEvent({ type: 'friendship_request', text: 'be my friend', nested: { ok: true } });
    const e = await heard;
    assert.equal(e.text, 'be my friend');
    assert.deepEqual(e.nested, { ok: true });
    assert.equal(e.user.id, p.ann);
  });

  test('a custom event for one user', async () => {
    const heard = next(p.b, 'parcel_arrived');
    await admin.sendUserCustomEvent(p.ben, { type: 'parcel_arrived', door: 3 });
    assert.equal((await heard).door, 3);
  });

  test('the server speaks for anybody', async () => {
    const heard = next(p.bch, 'message.new', (e) => e.message.text === 'from the back end');
    await admin.channel('messaging', p.ch.id).sendMessage({ text: 'from the back end', user_id: p.ann });
    assert.equal((await heard).message.user.id, p.ann);
  });
});

describe('changing', () => {
  let p;
  before(async () => (p = await pair()));

  test('edited, with the other side watching', async () => {
    const { message } = await p.ch.sendMessage({ text: 'teh', note: 'keep' });
    const heard = next(p.bch, 'message.updated', (e) => e.message.id === message.id);
    await p.a.updateMessage({ ...message, text: 'the' });
    const e = await heard;
    assert.equal(e.message.text, 'the');
    assert.equal(e.message.note, 'keep');
    assert.ok(e.message.message_text_updated_at);
    assert.equal(p.bch.state.messages.find((m) => m.id === message.id).text, 'the');
  });

  test('edited in part', async () => {
    const { message } = await p.ch.sendMessage({ text: 'abc', one: 1, two: { x: 1, y: 2 } });
    const heard = next(p.bch, 'message.updated', (e) => e.message.id === message.id);
    await p.a.partialUpdateMessage(message.id, { set: { text: 'xyz', 'two.x': 9 }, unset: ['one'] });
    const e = await heard;
    assert.equal(e.message.text, 'xyz');
    assert.equal(e.message.one, undefined);
    assert.deepEqual(e.message.two, { x: 9, y: 2 });
  });

  test("not another's", async () => {
    const { message } = await p.ch.sendMessage({ text: 'mine' });
    await refused(p.b.updateMessage({ id: message.id, text: 'yours' }), 17, 403);
    await refused(p.b.deleteMessage(message.id), 17, 403);
  });

  test('deleted softly: the place remains', async () => {
    const { message } = await p.ch.sendMessage({ text: 'regret' });
    await eventually(async () => assert.ok(p.bch.state.messages.find((m) => m.id === message.id)));
    const heard = next(p.bch, 'message.deleted', (e) => e.message.id === message.id);
    await p.a.deleteMessage(message.id);
    const e = await heard;
    assert.equal(e.message.type, 'deleted');
    assert.ok(e.message.deleted_at);
    assert.ok(!e.hard_delete);
    assert.equal(p.bch.state.messages.find((m) => m.id === message.id).type, 'deleted');
    const { message: got } = await p.b.getMessage(message.id);
    assert.equal(got.type, 'deleted');
  });

  test('deleted for good', async () => {
    const { message } = await p.ch.sendMessage({ text: 'evidence' });
    await eventually(async () => assert.ok(p.bch.state.messages.find((m) => m.id === message.id)));
    const heard = next(p.bch, 'message.deleted', (e) => e.message.id === message.id);
    await admin.deleteMessage(message.id, true);
    assert.equal((await heard).hard_delete, true);
    assert.equal(p.bch.state.messages.find((m) => m.id === message.id), undefined);
    await refused(p.b.getMessage(message.id), 16, 404);
  });

  test('deleted for me alone', async () => {
    const { message } = await p.ch.sendMessage({ text: 'only from my list' });
    await p.a.deleteMessage(message.id, { deleteForMe: true });
    const mine = (await p.ch.query({ messages: { limit: 30 } })).messages.find((m) => m.id === message.id);
    assert.ok(!mine || mine.type === 'deleted' || mine.deleted_for_me);
    const theirs = (await p.bch.query({ messages: { limit: 30 } })).messages.find((m) => m.id === message.id);
    assert.equal(theirs.text, 'only from my list');
  });

  test('brought back by the server', async () => {
    const { message } = await p.ch.sendMessage({ text: 'phoenix' });
    await p.a.deleteMessage(message.id);
    const heard = next(p.bch, 'message.undeleted', (e) => e.message.id === message.id);
    await admin.undeleteMessage(message.id, p.ann);
    assert.equal((await heard).message.text, 'phoenix');
  });

  test('pinned, listed and unpinned', async () => {
    const { message } = await p.ch.sendMessage({ text: 'rules' });
    const heard = next(p.bch, 'message.updated', (e) => e.message.id === message.id);
    await p.a.pinMessage(message.id);
    const e = await heard;
    assert.equal(e.message.pinned, true);
    assert.equal(e.message.pinned_by.id, p.ann);
    assert.ok(e.message.pinned_at);
    assert.deepEqual(texts(p.bch.state.pinnedMessages), ['rules']);
    const state = await p.bch.query({});
    assert.deepEqual(texts(state.pinned_messages), ['rules']);
    assert.deepEqual(texts((await p.bch.getPinnedMessages({ limit: 5 })).messages), ['rules']);
    await p.a.unpinMessage(message.id);
    await eventually(async () => assert.equal(p.bch.state.pinnedMessages.length, 0));
  });

  test('pinned for a while', async () => {
    const { message } = await p.ch.sendMessage({ text: 'for a second' });
    await p.a.pinMessage(message.id, 1);
    assert.equal((await p.bch.getPinnedMessages({ limit: 5 })).messages.length, 1);
    await eventually(async () => assert.equal((await p.bch.getPinnedMessages({ limit: 5 })).messages.length, 0));
  });

  test('quoted', async () => {
    const { message } = await p.ch.sendMessage({ text: 'to be or not' });
    const heard = next(p.ch, 'message.new', (e) => e.message.text === 'nice');
    await p.bch.sendMessage({ text: 'nice', quoted_message_id: message.id });
    const e = await heard;
    assert.equal(e.message.quoted_message_id, message.id);
    assert.equal(e.message.quoted_message.text, 'to be or not');
  });

  test('what is not there is 404', async () => {
    await refused(p.a.getMessage(randomUUID()), 16, 404);
    await refused(p.a.deleteMessage(randomUUID()), 16, 404);
    await refused(p.ch.sendReaction(randomUUID(), { type: 'like' }), 16, 404);
  });

  test('too long is refused', async () => {
    await refused(p.ch.sendMessage({ text: 'x'.repeat(5001) }), 20, 400);
    await p.ch.sendMessage({ text: 'é'.repeat(5000) });
  });

  test('empty is refused', async () => {
    await refused(p.ch.sendMessage({ text: '' }), 4, 400);
  });
});

describe('threads', () => {
  let p, parent;
  before(async () => {
    p = await pair();
    ({ message: parent } = await p.ch.sendMessage({ text: 'question' }));
  });

  test('replies live beside the channel', async () => {
    const heard = next(p.ch, 'message.new', (e) => e.message.parent_id === parent.id);
    const counted = next(p.ch, 'message.updated', (e) => e.message.id === parent.id);
    await p.bch.sendMessage({ text: 'answer', parent_id: parent.id });
    const e = await heard;
    assert.equal(e.message.type, 'reply');
    assert.equal((await counted).message.reply_count, 1);
    assert.equal(p.ch.state.messages.find((m) => m.id === parent.id).reply_count, 1);
    assert.deepEqual(texts(p.ch.state.threads[parent.id]), ['answer']);
    assert.ok(!texts(p.ch.state.messages).includes('answer'));
    const { messages } = await p.ch.getReplies(parent.id, { limit: 10 });
    assert.deepEqual(texts(messages), ['answer']);
    const got = (await p.a.getMessage(parent.id)).message;
    assert.equal(got.reply_count, 1);
    assert.equal(got.thread_participants[0].id, p.ben);
  });

  test('a reply may show in the channel too', async () => {
    await p.bch.sendMessage({ text: 'also here', parent_id: parent.id, show_in_channel: true });
    await eventually(async () => assert.ok(texts(p.ch.state.messages).includes('also here')));
    const state = await p.ch.query({ messages: { limit: 10 } });
    assert.ok(texts(state.messages).includes('also here'));
    assert.ok(!texts(state.messages).includes('answer'));
  });

  test('pages of replies', async () => {
    const { message: big } = await p.ch.sendMessage({ text: 'big thread' });
    const ids = [];
    for (let i = 0; i < 7; i++) {
      ids.push((await p.ch.sendMessage({ text: `r${i}`, parent_id: big.id })).message.id);
    }
    assert.deepEqual(texts((await p.ch.getReplies(big.id, { limit: 3 })).messages), ['r4', 'r5', 'r6']);
    assert.deepEqual(texts((await p.ch.getReplies(big.id, { limit: 3, id_lt: ids[4] })).messages), ['r1', 'r2', 'r3']);
    assert.deepEqual(texts((await p.ch.getReplies(big.id, { limit: 2, id_gt: ids[1] })).messages), ['r2', 'r3']);
  });

  test('one level only', async () => {
    const { message: reply } = await p.ch.sendMessage({ text: 'r', parent_id: parent.id });
    await refused(p.ch.sendMessage({ text: 'rr', parent_id: reply.id }), 21, 400);
    await refused(p.ch.sendMessage({ text: 'r', parent_id: randomUUID() }), 16, 404);
  });

  test('typing in a thread', async () => {
    const heard = next(p.ch, 'typing.start', (e) => e.user.id === p.ben && e.parent_id === parent.id);
    await p.bch.keystroke(parent.id);
    await heard;
    const stopped = next(p.ch, 'typing.stop', (e) => e.user.id === p.ben && e.parent_id === parent.id);
    await p.bch.stopTyping(parent.id);
    await stopped;
  });

  test('the list of threads, as the SDK keeps it', async () => {
    const { threads } = await p.a.queryThreads({ watch: true });
    const mine = threads.find((t) => t.id === parent.id);
    assert.ok(mine, 'the author of the parent takes part');
    assert.equal(mine.state.getLatestValue().channel.cid, p.ch.cid);
    assert.ok(mine.state.getLatestValue().replies.length >= 1);
    const t = await p.b.getThread(parent.id, { reply_limit: 2 });
    assert.equal(t.state.getLatestValue().parentMessage.text, 'question');
    await p.a.partialUpdateThread(parent.id, { set: { title: 'The question' } });
    assert.equal((await p.b.getThread(parent.id)).state.getLatestValue().title, 'The question');
  });
});

describe('reactions', () => {
  let p, id;
  before(async () => {
    p = await pair();
    id = (await p.ch.sendMessage({ text: 'react to me' })).message.id;
    await eventually(async () => assert.ok(p.bch.state.messages.find((m) => m.id === id)));
  });

  test('added, seen and counted', async () => {
    const heard = next(p.bch, 'reaction.new', (e) => e.reaction.type === 'love');
    await p.ch.sendReaction(id, { type: 'love' });
    const e = await heard;
    assert.equal(e.reaction.type, 'love');
    assert.equal(e.reaction.user_id, p.ann);
    assert.deepEqual(e.message.reaction_counts, { love: 1 });
    assert.equal(e.message.reaction_groups.love.count, 1);
    const seen = p.bch.state.messages.find((m) => m.id === id);
    assert.equal(seen.reaction_groups.love.sum_scores, 1);
    assert.equal(seen.latest_reactions[0].user.id, p.ann);
    assert.deepEqual(seen.own_reactions, [], "ann's reaction is not ben's own");
    await eventually(async () =>
      assert.equal(p.ch.state.messages.find((m) => m.id === id).own_reactions[0].type, 'love'),
    );
  });

  test('scores add up', async () => {
    await p.ch.sendReaction(id, { type: 'clap', score: 5 });
    const { message } = await p.bch.sendReaction(id, { type: 'clap', score: 3 });
    assert.deepEqual(message.reaction_scores.clap, 8);
    assert.equal(message.reaction_counts.clap, 2);
    const again = await p.ch.sendReaction(id, { type: 'clap', score: 6 });
    assert.equal(again.message.reaction_scores.clap, 9);
    assert.equal(again.message.reaction_counts.clap, 2);
  });

  test('unique replaces my others', async () => {
    const updated = next(p.bch, 'reaction.updated', (e) => e.reaction.type === 'wow');
    const { message } = await p.ch.sendReaction(id, { type: 'wow' }, { enforce_unique: true });
    await updated;
    assert.deepEqual(message.own_reactions.map((r) => r.type), ['wow']);
    assert.deepEqual(message.reaction_counts, { wow: 1, clap: 1 });
  });

  test('with custom data, listed and queried', async () => {
    await p.bch.sendReaction(id, { type: 'emoji', shade: 'dark' });
    const { reactions } = await p.ch.getReactions(id, { limit: 10 });
    assert.equal(reactions.find((r) => r.type === 'emoji').shade, 'dark');
    const q = await p.a.queryReactions(id, { type: 'emoji' }, {}, { limit: 5 });
    assert.equal(q.reactions.length, 1);
    assert.equal(q.reactions[0].user.id, p.ben);
  });

  test('taken back', async () => {
    const heard = next(p.ch, 'reaction.deleted', (e) => e.reaction.type === 'emoji');
    await p.bch.deleteReaction(id, 'emoji');
    assert.equal((await heard).reaction.type, 'emoji');
    const { message } = await p.a.getMessage(id);
    assert.equal(message.reaction_counts.emoji, undefined);
    await refused(p.bch.deleteReaction(id, 'emoji'), 16, 404);
  });
});

describe('pages', () => {
  let p, ids;
  before(async () => {
    p = await pair();
    ids = [];
    for (let i = 0; i < 25; i++) ids.push((await p.ch.sendMessage({ text: `p${i}` })).message.id);
  });
  const page = async (messages) => texts((await p.bch.query({ messages })).messages);
  const want = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `p${from + i}`);

  test('newest first, then back by id_lt', async () => {
    assert.deepEqual(await page({ limit: 5 }), want(20, 24));
    assert.deepEqual(await page({ limit: 5, id_lt: ids[20] }), want(15, 19));
    assert.deepEqual(await page({ limit: 5, id_lte: ids[20] }), want(16, 20));
    assert.deepEqual(await page({ limit: 50, id_lt: ids[3] }), want(0, 2));
  });

  test('forward by id_gt, and around', async () => {
    assert.deepEqual(await page({ limit: 5, id_gt: ids[2] }), want(3, 7));
    assert.deepEqual(await page({ limit: 5, id_gte: ids[2] }), want(2, 6));
    assert.deepEqual(await page({ limit: 5, id_around: ids[10] }), want(8, 12));
  });

  test('by time', async () => {
    const { message } = await p.a.getMessage(ids[10]);
    assert.deepEqual(await page({ limit: 3, created_at_before: message.created_at }), want(7, 9));
    assert.deepEqual(await page({ limit: 3, created_at_after: message.created_at }), want(11, 13));
  });

  test('as the SDK loads them', async () => {
    const cold = (await login(p.ben)).channel('messaging', p.ch.id);
    await cold.watch({ messages: { limit: 10 } });
    assert.deepEqual(texts(cold.state.messages), want(15, 24));
    await cold.query({ messages: { limit: 10, id_lt: cold.state.messages[0].id } });
    assert.deepEqual(texts(cold.state.messages), want(5, 24));
    await cold.state.loadMessageIntoState(ids[2]);
    assert.ok(texts(cold.state.messages).includes('p2'));
  });

  test('many by id', async () => {
    const { messages } = await p.bch.getMessagesById([ids[3], ids[7]]);
    assert.deepEqual(texts(messages).sort(), ['p3', 'p7']);
  });
});

describe('search', () => {
  let p, word;
  before(async () => {
    p = await pair();
    word = unique('w').replace('-', '');
    await p.ch.sendMessage({ text: `the ${word} is blue` });
    await p.ch.sendMessage({ text: `another ${word} here`, attachments: [{ type: 'image', image_url: 'x' }] });
    await p.ch.sendMessage({ text: 'something else' });
  });
  const mine = () => ({ members: { $in: [p.ann] } });

  test('by words, eventually', async () => {
    const found = await eventually(async () => {
      const { results } = await p.a.search(mine(), word, { limit: 10 });
      assert.equal(results.length, 2);
      return results;
    });
    assert.ok(found.every((r) => r.message.text.includes(word) && r.message.cid === p.ch.cid));
    assert.equal(found[0].message.channel.cid, p.ch.cid);
  });

  test('in one channel, by filter, in pages', async () => {
    await eventually(async () => assert.equal((await p.ch.search(word)).results.length, 2));
    const { results } = await p.a.search(mine(), { text: { $q: word }, 'attachments.type': { $in: ['image'] } });
    assert.equal(results.length, 1);
    const first = await p.a.search(mine(), word, { limit: 1, sort: [{ created_at: 1 }] });
    assert.equal(first.results[0].message.text, `the ${word} is blue`);
    const second = await p.a.search(mine(), word, { limit: 1, sort: [{ created_at: 1 }], next: first.next });
    assert.equal(second.results[0].message.text, `another ${word} here`);
  });

  test('finds nothing of others', async () => {
    const [eve] = await people('eve');
    const e = await login(eve);
    const { results } = await e.search({ members: { $in: [eve] } }, word);
    assert.equal(results.length, 0);
  });

  test('offset and sort together are refused', async () => {
    const rs = admin.get(`${admin.baseURL}/search`, {
      payload: { filter_conditions: mine(), query: word, offset: 1, sort: [{ field: 'created_at', direction: 1 }] },
    });
    await refused(rs, 4, 400);
  });
});

describe('drafts and reminders', () => {
  let p;
  before(async () => (p = await pair()));

  test('a draft waits on all my devices', async () => {
    const heard = next(p.a, 'draft.updated');
    await p.ch.createDraft({ text: 'half a thou' });
    assert.equal((await heard).draft.message.text, 'half a thou');
    const { draft } = await p.ch.getDraft();
    assert.equal(draft.message.text, 'half a thou');
    const { drafts } = await p.a.queryDrafts({});
    assert.ok(drafts.some((d) => d.channel_cid === p.ch.cid));
    const cold = (await login(p.ann)).channel('messaging', p.ch.id);
    assert.equal((await cold.watch()).draft.message.text, 'half a thou');
    assert.equal((await p.b.queryDrafts({})).drafts.length, 0);
    const gone = next(p.a, 'draft.deleted');
    await p.ch.deleteDraft();
    await gone;
    await refused(p.ch.getDraft(), 16, 404);
  });

  test('reminders come due', async () => {
    await admin.updateChannelType('messaging', { user_message_reminders: true });
    const { message } = await p.bch.sendMessage({ text: 'call me' });
    const due = next(p.a, 'notification.reminder_due', (e) => e.message_id === message.id, 20_000);
    const made = next(p.a, 'reminder.created', (e) => e.reminder.message_id === message.id);
    await p.a.createReminder({ messageId: message.id, remind_at: new Date(Date.now() + 1500).toISOString() });
    await made;
    const { reminders } = await p.a.queryReminders({});
    assert.equal(reminders[0].message.text, 'call me');
    await due;
    await p.a.updateReminder({ messageId: message.id, remind_at: null });
    await p.a.deleteReminder(message.id);
    assert.equal((await p.a.queryReminders({})).reminders.length, 0);
  });
});

describe('polls', () => {
  let p, poll, message;
  before(async () => {
    await admin.updateChannelType('messaging', { polls: true });
    p = await pair();
    ({ poll } = await p.a.createPoll({
      name: 'Lunch?',
      options: [{ text: 'Soup' }, { text: 'Salad' }],
      enforce_unique_vote: true,
      allow_answers: true,
      allow_user_suggested_options: true,
    }));
    ({ message } = await p.ch.sendMessage({ text: 'vote', poll_id: poll.id }));
  });

  test('the message carries the poll', async () => {
    assert.equal(message.poll.name, 'Lunch?');
    assert.deepEqual(message.poll.options.map((o) => o.text), ['Soup', 'Salad']);
    assert.equal((await p.b.getPoll(poll.id)).poll.created_by_id, p.ann);
  });

  test('votes are counted live, one per head', async () => {
    const [soup, salad] = poll.options;
    const cast = next(p.a, 'poll.vote_casted', (e) => e.poll_vote.option_id === soup.id);
    await p.bch.vote(message.id, poll.id, { option_id: soup.id });
    const e = await cast;
    assert.equal(e.poll_vote.option_id, soup.id);
    assert.equal(e.poll.vote_counts_by_option[soup.id], 1);
    const changed = next(p.a, 'poll.vote_changed', (e) => e.poll_vote.option_id === salad.id);
    await p.bch.vote(message.id, poll.id, { option_id: salad.id });
    const f = await changed;
    assert.equal(f.poll.vote_count, 1);
    assert.equal(f.poll.vote_counts_by_option[salad.id], 1);
    const { votes } = await p.a.queryPollVotes(poll.id, {});
    assert.equal(votes.length, 1);
    const removed = next(p.a, 'poll.vote_removed');
    await p.bch.removeVote(message.id, poll.id, votes[0].id);
    assert.equal((await removed).poll.vote_count, 0);
  });

  test('answers and suggestions', async () => {
    await p.b.addPollAnswer(message.id, poll.id, 'I am on a diet');
    const { votes } = await p.a.queryPollAnswers(poll.id, {});
    assert.equal(votes[0].answer_text, 'I am on a diet');
    const { poll_option: option } = await p.b.createPollOption(poll.id, { text: 'Bread' });
    assert.equal((await p.a.getPoll(poll.id)).poll.options.at(-1).id, option.id);
  });

  test('closed: no more votes', async () => {
    const closed = next(p.bch, 'poll.closed');
    await p.a.closePoll(poll.id);
    await closed;
    const err = await p.bch.vote(message.id, poll.id, { option_id: poll.options[0].id }).then(() => null, (e) => e);
    assert.ok(err?.status >= 400 && err.status < 500, String(err));
  });

  test('queried and deleted', async () => {
    const { polls } = await p.a.queryPolls({ id: poll.id });
    assert.equal(polls.length, 1);
    await p.a.deletePoll(poll.id);
    await refused(p.a.getPoll(poll.id), 16, 404);
  });
});

describe('commands', () => {
  let p;
  before(async () => (p = await pair()));

  test('an unknown command is text', async () => {
    const { message } = await p.ch.sendMessage({ text: '/nosuchcommand at all' });
    assert.equal(message.text, '/nosuchcommand at all');
  });

  test('/giphy offers a choice that only I see', async () => {
    const rec = record(p.bch);
    const { message } = await p.ch.sendMessage({ text: '/giphy tea' });
    if (message.type === 'error') return assert.match(message.text, /giphy/i); // no giphy access: said so, in words
    assert.equal(message.type, 'ephemeral');
    assert.equal(message.command, 'giphy');
    await fence(p.ch, p.bch);
    assert.equal(rec.of('message.new').filter((e) => e.message.id === message.id).length, 0);
    rec.stop();
  });

  test('/mute mutes', async () => {
    const [cy] = await people('cy');
    await p.ch.addMembers([cy]);
    await p.ch.sendMessage({ text: `/mute @${cy}`, mentioned_users: [cy] });
    await eventually(async () => assert.ok(p.a.mutedUsers.some((m) => m.target.id === cy)));
  });
});

describe('system messages', () => {
  test('come from the server or a moderator, not from anyone', async () => {
    const p = await pair();
    const heard = next(p.bch, 'message.new', (e) => e.message.text === 'maintenance');
    await admin.channel('messaging', p.ch.id).sendMessage({ text: 'maintenance', type: 'system', user_id: p.ann });
    assert.equal((await heard).message.type, 'system');
    await refused(p.ch.sendMessage({ text: 'fake', type: 'system' }), 17, 403);
  });
});
