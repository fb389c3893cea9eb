// Channels: creating, finding, changing, leaving and ending them; members and their roles.
import { describe, test, after, before } from 'node:test';
import { assert, admin, close, eventually, fence, login, next, people, raw, record, refused, unique } from './lib.mjs';

after(close);

describe('creating', () => {
  let ann, ben, a, b;
  before(async () => {
    [ann, ben] = await people('ann', 'ben');
    [a, b] = await Promise.all([login(ann), login(ben)]);
  });

  for (const type of ['messaging', 'team', 'livestream', 'gaming', 'commerce']) {
    test(`a ${type} channel`, async () => {
      const id = unique(type);
      const data = { name: `A ${type}`, members: [ann, ben], colour: 'red' };
      if (type === 'gaming' || type === 'commerce') {
        // By default only the app's own server may create these.
        await refused(a.channel(type, unique(type), data).create(), 17, 403);
        await admin.channel(type, id, { ...data, created_by_id: ann }).create();
      }
      const ch = a.channel(type, id, data);
      const state = await ch.watch();
      assert.equal(state.channel.type, type);
      assert.equal(state.channel.cid, `${type}:${ch.id}`);
      assert.equal(ch.data.name, `A ${type}`);
      assert.equal(ch.data.colour, 'red');
      assert.equal(ch.data.created_by.id, ann);
      assert.equal(ch.data.frozen, false);
      assert.equal(ch.data.member_count, 2);
      assert.deepEqual(Object.keys(ch.state.members).sort(), [ann, ben].sort());
      assert.equal(ch.state.membership.user.id, ann);
      assert.equal(ch.getConfig().name, type);
      assert.equal(ch.getConfig().max_message_length, 5000);
      assert.ok(Array.isArray(ch.getConfig().commands));
      assert.ok(ch.data.own_capabilities.includes('send-message'));
      assert.ok(ch.data.own_capabilities.includes('read-events'));
    });
  }

  test('a distinct channel is found again by its members', async () => {
    const one = a.channel('messaging', { members: [ann, ben] });
    await one.watch();
    assert.match(one.id, /^!members-/);
    const two = b.channel('messaging', { members: [ben, ann] });
    await two.watch();
    assert.equal(two.id, one.id);
    await one.sendMessage({ text: 'only one of us' });
    await eventually(async () => assert.equal(two.state.messages.at(-1)?.text, 'only one of us'));
  });

  test('creating twice gives the same channel', async () => {
    const id = unique('same');
    await a.channel('messaging', id, { members: [ann, ben], name: 'first' }).create();
    const again = b.channel('messaging', id, { name: 'second' });
    await again.watch();
    assert.equal(again.data.name, 'first');
    assert.equal(again.data.created_by.id, ann);
  });

  test('people who are added hear of it', async () => {
    const ch = a.channel('messaging', unique('n'), { members: [ann, ben] });
    const added = next(b, 'notification.added_to_channel', (e) => e.cid === ch.cid); // channels made before are told as well
    await ch.create();
    assert.equal((await added).channel.cid, ch.cid);
  });

  test('an unknown type does not exist', async () => {
    await refused(a.channel('no-such-type', unique('x')).watch(), 16, 404);
  });

  test('ids with odd characters are refused', async () => {
    // The SDK stops some by itself, so this one goes without it.
    const rs = await raw('POST', '/channels/messaging/white%20space%20%26%20more/query', {
      token: admin.createToken(ann),
      query: { user_id: ann },
      body: { state: true },
    });
    assert.equal(rs.status, 400);
    assert.equal(rs.body.code, 4);
    assert.match(rs.body.message, /^GetOrCreateChannel failed with error/);
  });

  test('a stranger cannot read a private channel', async () => {
    const [eve] = await people('eve');
    const e = await login(eve);
    const ch = a.channel('messaging', unique('secret'), { members: [ann, ben] });
    await ch.create();
    await refused(e.channel('messaging', ch.id).watch(), 17, 403);
    await refused(e.channel('messaging', ch.id).sendMessage({ text: 'hi' }), 17, 403);
  });

  test('several channels at once, from a cold client', async () => {
    const ids = [unique('m'), unique('m'), unique('m')];
    await Promise.all(ids.map((id) => a.channel('messaging', id, { members: [ann, ben] }).create()));
    const cold = await login(ben);
    const found = await cold.queryChannels({ id: { $in: ids }, members: { $in: [ben] } });
    assert.deepEqual(found.map((c) => c.id).sort(), [...ids].sort());
    for (const c of found) assert.ok(c.initialized);
  });
});

describe('querying', () => {
  let ann, ben, a, b, tag, chans;
  before(async () => {
    [ann, ben] = await people('ann', 'ben');
    [a, b] = await Promise.all([login(ann), login(ben)]);
    tag = unique('tag');
    chans = [];
    for (let i = 0; i < 6; i++) {
      const ch = a.channel(i % 2 ? 'messaging' : 'team', `${tag}-${i}`, {
        members: i < 4 ? [ann, ben] : [ann],
        name: `Room ${'abcdef'[i]}`,
        group: tag,
        priority: i,
      });
      await ch.create();
      chans.push(ch);
    }
  });
  const ids = (found) => found.map((c) => c.id);

  const mine = () => ({ members: { $in: [ann] }, group: tag });

  test('by members and a custom field', async () => {
    const found = await a.queryChannels(mine(), { created_at: 1 }, { watch: false });
    assert.deepEqual(ids(found), chans.map((c) => c.id));
    const bens = await b.queryChannels({ members: { $in: [ben] }, group: tag }, { created_at: -1 });
    assert.deepEqual(ids(bens), [3, 2, 1, 0].map((i) => `${tag}-${i}`));
  });

  test('by type, $or, $and, comparison and $exists', async () => {
    const query = async (f) => ids(await a.queryChannels({ ...mine(), ...f }, { created_at: 1 }, { watch: false }));
    const n = (...is) => is.map((i) => `${tag}-${i}`);
    assert.deepEqual(await query({ type: 'team' }), n(0, 2, 4));
    assert.deepEqual(await query({ type: { $in: ['messaging'] } }), n(1, 3, 5));
    assert.deepEqual(await query({ priority: { $gte: 4 } }), n(4, 5));
    assert.deepEqual(await query({ $or: [{ priority: 1 }, { priority: 5 }] }), n(1, 5));
    assert.deepEqual(await query({ $and: [{ type: 'team' }, { priority: { $lt: 3 } }] }), n(0, 2));
    assert.deepEqual(await query({ name: { $autocomplete: 'room c' } }), n(2));
    assert.deepEqual(await query({ nothing: { $exists: false }, priority: 3 }), n(3));
    assert.deepEqual(await query({ cid: { $in: [`team:${tag}-0`, `messaging:${tag}-1`] } }), n(0, 1));
  });

  test('sorted by last message, custom field and member count, in pages', async () => {
    await chans[2].sendMessage({ text: 'later' });
    await chans[4].sendMessage({ text: 'latest' });
    const recent = await a.queryChannels(mine(), { last_message_at: -1 }, { limit: 2, watch: false });
    assert.deepEqual(ids(recent), [`${tag}-4`, `${tag}-2`]);
    const upside = await a.queryChannels(mine(), [{ priority: -1 }], { limit: 2, offset: 2, watch: false });
    assert.deepEqual(ids(upside), [`${tag}-3`, `${tag}-2`]);
    const crowded = await a.queryChannels(mine(), [{ member_count: 1 }, { created_at: 1 }], { watch: false });
    assert.deepEqual(ids(crowded).slice(0, 2), [`${tag}-4`, `${tag}-5`]);
  });

  test('with unread first', async () => {
    await chans[1].sendMessage({ text: 'psst' });
    const cold = await login(ben);
    const found = await cold.queryChannels(
      { members: { $in: [ben] }, group: tag },
      [{ has_unread: -1 }, { created_at: 1 }],
      { watch: false },
    );
    assert.ok(found[0].countUnread() > 0);
    assert.equal(found.at(-1).countUnread(), 0);
  });

  test('bounded message and member lists', async () => {
    for (let i = 0; i < 3; i++) await chans[0].sendMessage({ text: `m${i}` });
    const [state] = await a.queryChannelsRequest({ cid: chans[0].cid }, {}, { message_limit: 2, member_limit: 1, watch: false, state: true });
    assert.deepEqual(state.messages.map((m) => m.text), ['m1', 'm2']);
    assert.equal(state.members.length, 1);
  });

  test('bad questions are input errors', async () => {
    await refused(a.queryChannels({ ...mine(), priority: { $nonsense: 1 } }), 4, 400);
    await refused(a.queryChannels(mine(), {}, { limit: 5000 }), 4, 400);
    await refused(a.queryChannels({ $or: 'x' }), 4, 400);
  });

  test("other people's channels are not for you", async () => {
    const [eve] = await people('eve');
    const e = await login(eve);
    await refused(e.queryChannels({ type: 'messaging' }), 70, 403);
    await refused(e.queryChannels({ cid: chans[1].cid }), 70, 403);
  });
});

describe('changing', () => {
  let ann, ben, a, b, ch, bch;
  before(async () => {
    [ann, ben] = await people('ann', 'ben');
    [a, b] = await Promise.all([login(ann), login(ben)]);
    ch = a.channel('messaging', unique('chg'), { members: [ann, ben], name: 'old', kept: 1 });
    await ch.watch();
    bch = b.channel('messaging', ch.id);
    await bch.watch();
  });

  test('partial update reaches the other side', async () => {
    const heard = next(bch, 'channel.updated', (e) => e.channel.name === 'new');
    await ch.updatePartial({ set: { name: 'new', topic: { a: [1, 2] } }, unset: ['kept'] });
    await heard;
    assert.equal(bch.data.name, 'new');
    assert.deepEqual(bch.data.topic, { a: [1, 2] });
    assert.equal(bch.data.kept, undefined);
    assert.ok(bch.data.own_capabilities.length > 0, 'capabilities survive the update');
  });

  test('full update overwrites, with a system message', async () => {
    const heard = next(bch, 'message.new', (e) => e.message.type === 'system');
    await ch.update({ name: 'fresh' }, { text: 'Ann renamed the channel' });
    assert.equal((await heard).message.text, 'Ann renamed the channel');
    await eventually(async () => {
      assert.equal(bch.data.name, 'fresh');
      assert.equal(bch.data.topic, undefined);
    });
  });

  test('an outsider may not', async () => {
    const [eve] = await people('eve');
    const e = await login(eve);
    await refused(e.channel('messaging', ch.id).updatePartial({ set: { name: 'mine' } }), 17, 403);
  });

  test('frozen: nobody writes, then they do again', async () => {
    await admin.channel('messaging', ch.id).updatePartial({ set: { frozen: true } });
    await eventually(async () => assert.equal(bch.data.frozen, true));
    const err = await bch.sendMessage({ text: 'brr' }).then(
      ({ message }) => message,
      (e) => e,
    );
    // Clients are refused by permission (UseFrozenChannel).
    assert.equal(err.code, 17);
    assert.equal(err.status, 403);
    await eventually(async () => assert.ok(!bch.data.own_capabilities.includes('send-message')));
    await admin.channel('messaging', ch.id).updatePartial({ set: { frozen: false } });
    await eventually(async () => assert.ok(bch.data.own_capabilities.includes('send-message')));
    await bch.sendMessage({ text: 'thawed' });
  });

  test('hidden until the next message', async () => {
    const hidden = next(b, 'channel.hidden', (e) => e.cid === ch.cid);
    await bch.hide();
    await hidden;
    const mine = { members: { $in: [ben] }, cid: ch.cid };
    assert.equal((await b.queryChannels(mine)).length, 0);
    assert.equal((await b.queryChannels({ ...mine, hidden: true })).length, 1);
    await ch.sendMessage({ text: 'come back' });
    await eventually(async () => assert.equal((await b.queryChannels(mine)).length, 1));
  });

  test('hidden with its history cleared', async () => {
    await ch.sendMessage({ text: 'before' });
    await bch.hide(null, true);
    await bch.show();
    const state = await bch.query({ messages: { limit: 30 } });
    assert.equal(state.messages.length, 0);
    await ch.sendMessage({ text: 'after' });
    const cold = (await login(ben)).channel('messaging', ch.id);
    assert.deepEqual((await cold.watch()).messages.map((m) => m.text), ['after']);
    assert.ok((await a.channel('messaging', ch.id).query({ messages: { limit: 30 } })).messages.length > 1);
  });

  test('truncated for everybody', async () => {
    const t = a.channel('messaging', unique('trunc'), { members: [ann, ben] });
    await t.watch();
    const bt = b.channel('messaging', t.id);
    await bt.watch();
    for (const text of ['one', 'two']) await t.sendMessage({ text });
    await eventually(async () => assert.equal(bt.state.messages.length, 2));
    const heard = next(bt, 'channel.truncated', (e) => e.cid === t.cid);
    await admin.channel('messaging', t.id).truncate({ message: { text: 'wiped', user_id: ann } });
    await heard;
    await eventually(async () => assert.deepEqual(bt.state.messages.map((m) => m.text), ['wiped']));
    assert.equal(bt.countUnread(), 0);
    const fresh = await (await login(ann)).channel('messaging', t.id).watch();
    assert.deepEqual(fresh.messages.map((m) => m.text), ['wiped']);
  });

  test('deleted for everybody', async () => {
    const d = a.channel('messaging', unique('del'), { members: [ann, ben] });
    await d.watch();
    const bd = b.channel('messaging', d.id);
    await bd.watch();
    const heard = next(b, 'channel.deleted', (e) => e.cid === d.cid);
    await d.delete();
    await heard;
    assert.equal(b.activeChannels[d.cid], undefined);
    assert.equal((await b.queryChannels({ cid: d.cid, members: { $in: [ben] } })).length, 0);
  });

  test('deleted in bulk, with a task to wait for', async () => {
    const cids = [];
    for (let i = 0; i < 3; i++) {
      const d = a.channel('messaging', unique('bulk'), { members: [ann, ben] });
      await d.create();
      cids.push(d.cid);
    }
    const { task_id } = await admin.deleteChannels(cids, { hard_delete: true });
    const task = await eventually(async () => {
      const s = await admin.getTask(task_id);
      assert.equal(s.status, 'completed');
      return s;
    });
    for (const cid of cids) assert.equal(task.result[cid].status, 'ok');
    assert.equal((await a.queryChannels({ cid: { $in: cids }, members: { $in: [ann] } })).length, 0);
  });

  test('muted: no unread, and unmuted again', async () => {
    const m = a.channel('messaging', unique('mute'), { members: [ann, ben] });
    await m.watch();
    const bm = b.channel('messaging', m.id);
    await bm.watch();
    const told = next(b, 'notification.channel_mutes_updated', (e) => e.me.channel_mutes.some((x) => x.channel.cid === m.cid));
    await bm.mute();
    await told;
    assert.equal(bm.muteStatus().muted, true);
    assert.equal((await b.queryChannels({ muted: true, members: { $in: [ben] } })).map((c) => c.cid).includes(m.cid), true);
    await m.sendMessage({ text: 'quiet' });
    await fence(m, bm);
    assert.equal(bm.countUnread(), 0);
    await bm.unmute();
    await eventually(async () => assert.equal(bm.muteStatus().muted, false));
  });

  test('pinned and archived on my list alone', async () => {
    const p = a.channel('messaging', unique('pin'), { members: [ann, ben] });
    await p.watch();
    await p.pin();
    assert.ok((await a.queryChannels({ members: { $in: [ann] }, pinned: true })).some((c) => c.cid === p.cid));
    assert.ok(!(await b.queryChannels({ members: { $in: [ben] }, pinned: true })).some((c) => c.cid === p.cid));
    await p.unpin();
    await p.archive();
    assert.ok((await a.queryChannels({ members: { $in: [ann] }, archived: true })).some((c) => c.cid === p.cid));
    await p.unarchive();
    assert.ok(!(await a.queryChannels({ members: { $in: [ann] }, archived: true })).some((c) => c.cid === p.cid));
  });
});

describe('members', () => {
  let ann, ben, cy, a, b, c;
  before(async () => {
    [ann, ben, cy] = await people('ann', 'ben', 'cy');
    [a, b, c] = await Promise.all([login(ann), login(ben), login(cy)]);
  });

  test('added, seen by all, and removed again', async () => {
    const ch = a.channel('messaging', unique('mem'), { members: [ann, ben] });
    await ch.watch();
    const bch = b.channel('messaging', ch.id);
    await bch.watch();
    const heard = [next(bch, 'member.added', (e) => e.member.user.id === cy), next(c, 'notification.added_to_channel', (e) => e.cid === ch.cid)];
    await ch.addMembers([cy], { text: 'welcome cy' });
    await Promise.all(heard);
    assert.ok(bch.state.members[cy]);
    await eventually(async () => assert.equal(bch.state.messages.at(-1)?.text, 'welcome cy'));
    const cch = c.channel('messaging', ch.id);
    await cch.watch();
    const gone = [next(bch, 'member.removed', (e) => e.user.id === cy), next(c, 'notification.removed_from_channel', (e) => e.cid === ch.cid)];
    await ch.removeMembers([cy]);
    await Promise.all(gone);
    assert.equal(bch.state.members[cy], undefined);
    assert.equal(c.activeChannels[ch.cid], undefined);
    await refused(c.channel('messaging', ch.id).watch(), 17, 403);
    const rec = record(c);
    await ch.sendMessage({ text: 'without cy' });
    await fence(ch, bch);
    assert.equal(rec.of('message.new').length, 0, 'a removed member hears no more');
    rec.stop();
  });

  test('who leaves is gone', async () => {
    const ch = a.channel('messaging', unique('leave'), { members: [ann, ben] });
    await ch.watch();
    await b.channel('messaging', ch.id).watch();
    const gone = next(ch, 'member.removed', (e) => e.user.id === ben);
    await b.channel('messaging', ch.id).removeMembers([ben]);
    await gone;
  });

  test('roles: a moderator can do more', async () => {
    const ch = a.channel('messaging', unique('role'), { members: [ann, ben, cy] });
    await ch.create();
    const { message } = await c.channel('messaging', ch.id).sendMessage({ text: 'oops' });
    await refused(b.deleteMessage(message.id), 17, 403);
    const srv = admin.channel('messaging', ch.id);
    await srv.addModerators([ben]);
    const bch = b.channel('messaging', ch.id);
    await bch.watch();
    assert.equal(bch.state.membership.channel_role, 'channel_moderator');
    assert.ok(bch.data.own_capabilities.includes('delete-any-message'));
    await b.deleteMessage(message.id);
    await srv.demoteModerators([ben]);
    await srv.assignRoles([{ user_id: cy, channel_role: 'channel_moderator' }]);
    const { members } = await srv.queryMembers({ channel_role: 'channel_moderator' });
    assert.deepEqual(members.map((m) => m.user_id), [cy]);
  });

  test('invited, accepted and rejected', async () => {
    const ch = a.channel('messaging', unique('inv'), { members: [ann, ben, cy], invites: [ben, cy] });
    const invited = next(b, 'notification.invited', (e) => e.channel.cid === ch.cid);
    await ch.watch();
    await invited;
    const open = await b.queryChannels({ invite: 'pending', members: { $in: [ben] } });
    assert.ok(open.some((x) => x.cid === ch.cid));
    const bch = b.channel('messaging', ch.id);
    await bch.watch();
    const accepted = next(a, 'notification.invite_accepted', (e) => e.cid === ch.cid);
    await bch.acceptInvite({ message: { text: 'I am in' } });
    assert.equal((await accepted).member.user.id, ben);
    assert.equal((await b.queryChannels({ invite: 'accepted', members: { $in: [ben] } })).length, 1);
    const cch = c.channel('messaging', ch.id);
    await cch.watch();
    const rejected = next(a, 'notification.invite_rejected', (e) => e.cid === ch.cid);
    await cch.rejectInvite();
    await rejected;
    assert.equal((await c.queryChannels({ invite: 'rejected', members: { $in: [cy] } })).length, 1);
  });

  test('queried by name, in pages, with custom data', async () => {
    const many = await people(...Array.from({ length: 12 }, (_, i) => `m${String(i).padStart(2, '0')}`));
    const ch = a.channel('messaging', unique('many'), { members: [ann, ...many] });
    await ch.watch();
    const first = await ch.queryMembers({}, { created_at: 1 }, { limit: 5 });
    assert.equal(first.members.length, 5);
    const second = await ch.queryMembers({}, { created_at: 1 }, { limit: 5, offset: 5 });
    const ids = new Set([...first.members, ...second.members].map((m) => m.user_id));
    assert.equal(ids.size, 10);
    const named = await ch.queryMembers({ name: { $autocomplete: 'm0' } }, { name: 1 });
    assert.deepEqual(named.members.map((m) => m.user.name), Array.from({ length: 10 }, (_, i) => `m0${i}`));
    const some = await ch.queryMembers({ id: { $in: [many[0], many[1]] } });
    assert.equal(some.members.length, 2);
  });

  test('carry custom data of their own', async () => {
    const ch = a.channel('messaging', unique('nick'), { members: [ann, ben] });
    await ch.watch();
    const heard = next(ch, 'member.updated', (e) => e.member.nickname === 'Annie');
    await ch.updateMemberPartial({ set: { nickname: 'Annie' } });
    await heard;
    const { members } = await ch.queryMembers({ id: ann });
    assert.equal(members[0].nickname, 'Annie');
    await ch.updateMemberPartial({ unset: ['nickname'] });
    assert.equal((await ch.queryMembers({ id: ann })).members[0].nickname, undefined);
  });

  test('a team channel is open only to its members', async () => {
    const ch = a.channel('team', unique('t'), { members: [ann] });
    await ch.create();
    await refused(c.channel('team', ch.id).sendMessage({ text: 'hi' }), 17, 403);
  });

  test('a livestream is open to all', async () => {
    const ch = a.channel('livestream', unique('l'));
    await ch.watch();
    const heard = next(ch, 'message.new', (e) => e.message.text === 'passing by');
    const cch = c.channel('livestream', ch.id);
    await cch.watch();
    await cch.sendMessage({ text: 'passing by' });
    assert.equal((await heard).message.user.id, cy);
  });
});

describe('users', () => {
  test('upserted, changed in part, found and deleted', async () => {
    const [ann] = await people('ann');
    const tag = unique('u');
    const ids = [`${tag}-1`, `${tag}-2`, `${tag}-3`];
    await admin.upsertUsers(ids.map((id, i) => ({ id, name: `Zoe ${tag} ${i}`, age: 30 + i })));
    const a = await login(ann);
    const { users } = await a.queryUsers({ id: { $in: ids } }, { id: -1 }, { limit: 2 });
    assert.deepEqual(users.map((u) => u.id), [ids[2], ids[1]]);
    const auto = await a.queryUsers({ name: { $autocomplete: `Zoe ${tag}` } }, { id: 1 });
    assert.deepEqual(auto.users.map((u) => u.id), ids);
    await admin.partialUpdateUser({ id: ids[0], set: { age: 99, pet: 'cat' }, unset: ['name'] });
    const [one] = (await admin.queryUsers({ id: ids[0] })).users;
    assert.equal(one.age, 99);
    assert.equal(one.pet, 'cat');
    assert.equal(one.name, undefined);
    const older = await admin.queryUsers({ id: { $in: ids }, age: { $gt: 31 } }, { id: 1 });
    assert.deepEqual(older.users.map((u) => u.id), [ids[0], ids[2]]);
    await admin.deleteUser(ids[1]);
    await eventually(async () => assert.equal((await a.queryUsers({ id: ids[1] })).users.length, 0));
    const { task_id } = await admin.deleteUsers([ids[2]], { user: 'hard', messages: 'hard' });
    await eventually(async () => assert.equal((await admin.getTask(task_id)).status, 'completed'));
  });

  test('a change of name reaches those who watch', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const [a, b] = await Promise.all([login(ann), login(ben)]);
    const ch = a.channel('messaging', unique('n'), { members: [ann, ben] });
    await ch.watch();
    const heard = next(a, 'user.updated', (e) => e.user.id === ben);
    await b.partialUpdateUser({ id: ben, set: { name: 'Benjamin' } });
    assert.equal((await heard).user.name, 'Benjamin');
  });

  test('devices are kept', async () => {
    const [ann] = await people('ann');
    const a = await login(ann);
    await a.addDevice('token-1', 'firebase');
    await a.addDevice('token-2', 'apn');
    const { devices } = await a.getDevices();
    assert.deepEqual(devices.map((d) => d.id).sort(), ['token-1', 'token-2']);
    assert.equal(devices.find((d) => d.id === 'token-2').push_provider, 'apn');
    await a.removeDevice('token-1');
    assert.equal((await a.getDevices()).devices.length, 1);
  });

  test('one user may not change another', async () => {
    const [ann, eve] = await people('ann', 'eve');
    const e = await login(eve);
    await refused(e.partialUpdateUser({ id: ann, set: { name: 'fool' } }), 17, 403);
  });
});
