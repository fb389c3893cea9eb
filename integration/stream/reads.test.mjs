// Typing, reading and what is unread.
import { describe, test, after, beforeEach } from 'node:test';
import { assert, admin, close, eventually, fence, login, next, people, record, unique } from './lib.mjs';

after(close);

let ann, ben, a, b, ch, bch;
beforeEach(async () => {
  await close();
  [ann, ben] = await people('ann', 'ben');
  [a, b] = await Promise.all([login(ann), login(ben)]);
  ch = a.channel('messaging', unique('r'), { members: [ann, ben] });
  await ch.watch();
  bch = b.channel('messaging', ch.id);
  await bch.watch();
});

describe('typing', () => {
  test('is seen and ends', async () => {
    const began = next(bch, 'typing.start', (e) => e.user.id === ann);
    await ch.keystroke();
    await began;
    assert.ok(bch.state.typing[ann]);
    const ended = next(bch, 'typing.stop', (e) => e.user.id === ann);
    await ch.stopTyping();
    await ended;
    assert.equal(bch.state.typing[ann], undefined);
  });

  test('is not stored', async () => {
    const since = new Date(Date.now() - 1000).toISOString();
    await ch.keystroke();
    await ch.sendMessage({ text: 'stored' });
    await fence(ch, bch);
    const { events } = await b.sync([ch.cid], since);
    const types = events.map((e) => e.type);
    assert.ok(types.includes('message.new'));
    assert.ok(!types.includes('typing.start'));
  });
});

describe('reading', () => {
  test('counts go up with messages and down with reading, on both sides', async () => {
    for (let i = 0; i < 3; i++) await ch.sendMessage({ text: `u${i}` });
    await eventually(async () => assert.equal(bch.countUnread(), 3));
    assert.equal(ch.countUnread(), 0);
    const seen = next(ch, 'message.read', (e) => e.user.id === ben);
    const told = next(b, 'notification.mark_read', (e) => e.cid === ch.cid);
    await bch.markRead();
    const e = await seen;
    assert.equal(e.last_read_message_id, bch.state.messages.at(-1).id);
    assert.equal(ch.state.read[ben].unread_messages, 0);
    assert.equal(ch.state.read[ben].last_read_message_id, bch.state.messages.at(-1).id);
    const n = await told;
    assert.equal(n.total_unread_count, 0);
    assert.equal(n.unread_channels, 0);
    assert.equal(bch.countUnread(), 0);
  });

  test('a cold start knows what is unread', async () => {
    for (let i = 0; i < 2; i++) await ch.sendMessage({ text: `u${i}` });
    const cold = await login(ben);
    assert.equal(cold.user.total_unread_count, 2);
    assert.equal(cold.user.unread_channels, 1);
    const [c] = await cold.queryChannels({ cid: ch.cid, members: { $in: [ben] } });
    assert.equal(c.countUnread(), 2);
    assert.equal(c.state.read[ben].unread_messages, 2);
    assert.equal(c.state.read[ann].unread_messages, 0);
    const counts = await cold.getUnreadCount();
    assert.equal(counts.total_unread_count, 2);
    assert.equal(counts.channels[0].channel_id, ch.cid);
    assert.equal(counts.channels[0].unread_count, 2);
    assert.equal(counts.channel_type[0].channel_type, 'messaging');
  });

  test('my own messages are read by me', async () => {
    await ch.sendMessage({ text: 'one' });
    await bch.sendMessage({ text: 'two' });
    const state = await b.channel('messaging', ch.id).query({ messages: { limit: 1 } });
    assert.equal(state.read.find((r) => r.user.id === ben).unread_messages, 0);
  });

  test('members who are not watching get a notification with the totals', async () => {
    const [cy] = await people('cy');
    const c = await login(cy);
    await ch.addMembers([cy]);
    const heard = next(c, 'notification.message_new', (e) => e.message.text === 'psst');
    const rec = record(c);
    await ch.sendMessage({ text: 'psst' });
    const e = await heard;
    assert.equal(e.channel.cid, ch.cid);
    assert.equal(e.total_unread_count, 1);
    assert.equal(e.unread_channels, 1);
    assert.equal(rec.of('message.new').length, 0, 'one event, not two');
    rec.stop();
  });

  test('marked unread from a message on', async () => {
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push((await ch.sendMessage({ text: `u${i}` })).message.id);
    await fence(ch, bch);
    await bch.markRead();
    const told = next(b, 'notification.mark_unread', (e) => e.cid === ch.cid);
    await bch.markUnread({ message_id: ids[1] });
    const e = await told;
    assert.equal(e.first_unread_message_id, ids[1]);
    assert.equal(e.last_read_message_id, ids[0]);
    assert.equal(e.unread_messages, 3);
    assert.equal(bch.countUnread(), 3);
    const counts = await b.getUnreadCount();
    assert.equal(counts.total_unread_count, 3);
  });

  test('everything at once', async () => {
    const other = a.channel('messaging', unique('r2'), { members: [ann, ben] });
    await other.watch();
    await ch.sendMessage({ text: 'x' });
    await other.sendMessage({ text: 'y' });
    await fence(ch, bch);
    assert.equal((await b.getUnreadCount()).total_unread_count, 2);
    const told = next(b, 'notification.mark_read');
    await b.markChannelsRead();
    await told;
    assert.equal((await b.getUnreadCount()).total_unread_count, 0);
  });

  test('delivered is not yet read', async () => {
    const { message } = await ch.sendMessage({ text: 'on its way' });
    const heard = next(ch, 'message.delivered', (e) => e.user.id === ben && e.last_delivered_message_id === message.id);
    await b.markChannelsDelivered({ latest_delivered_messages: [{ cid: ch.cid, id: message.id }] });
    await heard;
    assert.equal(ch.state.read[ben].last_delivered_message_id, message.id);
    assert.notEqual(ch.state.read[ben].last_read_message_id, message.id);
  });

  test('unread in threads', async () => {
    const { message } = await ch.sendMessage({ text: 'parent' });
    await bch.sendMessage({ text: 'I am in', parent_id: message.id });
    const told = next(b, 'notification.thread_message_new', (e) => e.message.text === 'news');
    await b.activeChannels[ch.cid].stopWatching();
    await ch.sendMessage({ text: 'news', parent_id: message.id });
    const e = await told;
    assert.equal(e.message.parent_id, message.id);
    assert.ok(e.unread_threads >= 1);
    const counts = await b.getUnreadCount();
    assert.equal(counts.total_unread_threads_count, 1);
    assert.equal(counts.threads[0].parent_message_id, message.id);
    await bch.markRead({ thread_id: message.id });
    assert.equal((await b.getUnreadCount()).total_unread_threads_count, 0);
  });

  test('the server reads for somebody', async () => {
    await ch.sendMessage({ text: 'x' });
    await admin.channel('messaging', ch.id).markAsReadRequest({ user_id: ben });
    assert.equal((await admin.getUnreadCount(ben)).total_unread_count, 0);
  });
});
