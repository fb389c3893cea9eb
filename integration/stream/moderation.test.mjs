// Keeping the peace: mutes, bans, shadow bans, flags, blocks, slow mode.
import { describe, test, after, beforeEach } from 'node:test';
import { assert, admin, close, eventually, fence, login, next, people, record, refused, texts, unique } from './lib.mjs';

after(close);

let ann, ben, mod, a, b, m, ch, bch, mch;
beforeEach(async () => {
  await close();
  [ann, ben, mod] = await people('ann', 'ben', 'mod');
  [a, b, m] = await Promise.all([login(ann), login(ben), login(mod)]);
  ch = a.channel('messaging', unique('m'), { members: [ann, ben, mod] });
  await ch.watch();
  await admin.channel('messaging', ch.id).addModerators([mod]);
  bch = b.channel('messaging', ch.id);
  mch = m.channel('messaging', ch.id);
  await Promise.all([bch.watch(), mch.watch()]);
});

describe('mutes', () => {
  test('a user is muted for me alone', async () => {
    const told = next(a, 'notification.mutes_updated', (e) => e.me.mutes.length > 0);
    const { mute } = await a.muteUser(ben);
    assert.equal(mute.target.id, ben);
    assert.equal((await told).me.mutes[0].target.id, ben);
    assert.equal(a.userMuteStatus(ben), true);
    await bch.sendMessage({ text: 'can you hear me' });
    await fence(bch, ch);
    assert.equal(ch.countUnread(), 0, 'no unread from the muted');
    assert.equal((await login(ann)).user.mutes.length, 1);
    await a.unmuteUser(ben);
    await eventually(async () => assert.equal(a.userMuteStatus(ben), false));
  });

  test('nobody mutes themself', async () => {
    await refused(a.muteUser(ann), 4, 400);
  });
});

describe('bans', () => {
  test('a banned member cannot write, is told, and is back when unbanned', async () => {
    const heard = next(ch, 'user.banned', (e) => e.user.id === ben);
    await mch.banUser(ben, { reason: 'rude' });
    const e = await heard;
    assert.equal(e.reason, 'rude');
    assert.equal(ch.state.members[ben].banned, true);
    await refused(bch.sendMessage({ text: 'but' }), 17, 403);
    const { bans } = await admin.queryBannedUsers({ channel_cid: ch.cid });
    assert.equal(bans[0].user.id, ben);
    assert.equal(bans[0].banned_by.id, mod);
    assert.equal(bans[0].reason, 'rude');
    const free = next(ch, 'user.unbanned', (e) => e.user.id === ben);
    await mch.unbanUser(ben);
    await free;
    await bch.sendMessage({ text: 'sorry' });
  });

  test('a member may not ban', async () => {
    await refused(bch.banUser(ann, {}), 17, 403);
  });

  test('in the whole app', async () => {
    await admin.banUser(ben, { banned_by_id: mod, reason: 'spam' });
    await refused(bch.sendMessage({ text: 'buy' }), 17, 403);
    const { users } = await admin.queryUsers({ id: ben });
    assert.equal(users[0].banned, true);
    await admin.unbanUser(ben);
    await bch.sendMessage({ text: 'thanks' });
  });

  test('for a while', async () => {
    await admin.banUser(ben, { banned_by_id: mod, timeout: 1, reason: 'cool off' });
    const { bans } = await admin.queryBannedUsers({ user_id: ben });
    const left = Date.parse(bans[0].expires) - Date.now();
    assert.ok(left > 50_000 && left < 61_000, `${left} ms`);
    await admin.unbanUser(ben);
  });

  test('shadow: only the banned sees what they write', async () => {
    await mch.shadowBan(ben, { reason: 'ghost' });
    const rec = record(ch);
    const { message } = await bch.sendMessage({ text: 'boo' });
    assert.equal(message.text, 'boo');
    await fence(ch, bch);
    assert.equal(rec.of('message.new').filter((e) => !e.message.shadowed).length, 0);
    assert.ok(!texts((await ch.query({ messages: { limit: 5 } })).messages.filter((x) => !x.shadowed)).includes('boo'));
    assert.ok(texts((await bch.query({ messages: { limit: 5 } })).messages).includes('boo'));
    assert.equal(ch.countUnread(), 0);
    rec.stop();
    await mch.removeShadowBan(ben);
    const heard = next(ch, 'message.new', (e) => e.message.text === 'alive');
    await bch.sendMessage({ text: 'alive' });
    assert.equal((await heard).message.shadowed, false);
  });
});

describe('flags', () => {
  test('messages and people are flagged, and found by moderators', async () => {
    const { message } = await bch.sendMessage({ text: 'nasty' });
    const { flag } = await a.flagMessage(message.id, { reason: 'insult' });
    assert.equal(flag.target_message_id, message.id);
    await a.flagUser(ben, { reason: 'bot' });
    const { flags } = await admin.queryMessageFlags({ channel_cid: ch.cid });
    assert.ok(flags.some((f) => f.message.id === message.id && f.user.id === ann));
  });
});

describe('blocks', () => {
  test('a blocked person is on my list', async () => {
    await a.blockUser(ben);
    const { blocks } = await a.getBlockedUsers();
    assert.equal(blocks[0].blocked_user_id, ben);
    assert.deepEqual((await login(ann)).user.blocked_user_ids, [ben]);
    await a.unBlockUser(ben);
    assert.equal((await a.getBlockedUsers()).blocks.length, 0);
  });

  test('a direct channel with someone blocked stays silent', async () => {
    const dm = a.channel('messaging', { members: [ann, ben] });
    await dm.watch();
    const bdm = b.channel('messaging', dm.id);
    await bdm.watch();
    await a.blockUser(ben);
    const rec = record(dm);
    await bdm.sendMessage({ text: 'please' }).catch(() => {}); // refused or swallowed: not heard
    await fence(ch, bch);
    await fence(bch, ch);
    assert.equal(rec.of('message.new').length, 0);
    rec.stop();
  });
});

describe('slow mode', () => {
  test('members wait, moderators do not', async () => {
    await admin.channel('messaging', ch.id).updatePartial({ set: { cooldown: 30 } });
    await eventually(async () => assert.equal(bch.data.cooldown, 30));
    await bch.sendMessage({ text: 'one' });
    await refused(bch.sendMessage({ text: 'two' }), 60, 403);
    assert.ok((await bch.query({})).channel.own_capabilities.includes('slow-mode'));
    await mch.sendMessage({ text: 'one' });
    await mch.sendMessage({ text: 'two' });
    assert.ok((await mch.query({})).channel.own_capabilities.includes('skip-slow-mode'));
    await admin.channel('messaging', ch.id).updatePartial({ set: { cooldown: 0 } });
    await bch.sendMessage({ text: 'two' });
  });
});

describe('a person who is deleted', () => {
  test('takes their messages along', async () => {
    const { message } = await bch.sendMessage({ text: 'remember me' });
    const { task_id } = await admin.deleteUsers([ben], { user: 'soft', messages: 'soft' });
    await eventually(async () => assert.equal((await admin.getTask(task_id)).status, 'completed'));
    const { message: got } = await a.getMessage(message.id);
    assert.equal(got.type, 'deleted');
  });
});
