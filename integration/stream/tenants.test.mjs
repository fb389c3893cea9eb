// Two apps on one server never meet; inside the second one, teams do not meet either.
import { describe, test, after } from 'node:test';
import { assert, admin, admin2, browser, close, key2, login, login2, next, record, refused, unique } from './lib.mjs';

after(close);

describe('two apps', () => {
  test('have their own people and channels under the same names', async () => {
    const id = unique('same');
    const alice = await login('alice');
    const alice2 = await login2('alice');
    const ch = alice.channel('messaging', id, { members: ['alice', 'bob'] });
    await ch.watch();
    await ch.sendMessage({ text: 'in the first' });
    const found = await alice2.queryChannels({ id, members: { $in: ['alice'] } });
    assert.equal(found.length, 0);
    assert.equal((await admin2.queryChannels({ id })).length, 0);
    const ghost = unique('ghost');
    await admin.upsertUser({ id: ghost, name: 'only here' });
    assert.equal((await admin2.queryUsers({ id: ghost })).users.length, 0);
    const { message } = await ch.sendMessage({ text: 'mine' });
    await refused(admin2.getMessage(message.id), 16, 404);
  });

  test('do not take each other’s tokens', async () => {
    const c = browser({}, key2);
    await assert.rejects(c.connectUser({ id: 'alice' }, admin.createToken('alice')), (e) => {
      assert.equal(Number(JSON.parse(e.message).code), 43);
      return true;
    });
  });

  test('do not hear each other', async () => {
    const alice = await login('alice');
    const team = unique('team');
    const ear = unique('ear');
    await admin2.upsertUser({ id: ear, teams: [team] });
    const other = await login2(ear);
    const id = unique('ear');
    const one = alice.channel('livestream', id);
    await one.watch();
    const two = other.channel('livestream', id, { team });
    await two.watch();
    const rec = record(other);
    const heard = next(one, 'message.new', (e) => e.message.text === 'one');
    await one.sendMessage({ text: 'one' });
    await heard;
    const back = next(two, 'message.new', (e) => e.message.text === 'two');
    await two.sendMessage({ text: 'two' });
    await back;
    assert.deepEqual(rec.of('message.new').map((e) => e.message.text), ['two']);
  });

  test('the demo people and their lobby are there', async () => {
    const alice = await login('alice');
    const [lobby] = await alice.queryChannels({ id: 'lobby', members: { $in: ['alice'] } });
    assert.ok(lobby, 'a channel with the id lobby');
    assert.equal(lobby.data.name, 'Lobby');
    assert.deepEqual(Object.keys(lobby.state.members).sort(), ['alice', 'bob', 'carol']);
    const { users } = await admin.queryUsers({ id: { $in: ['alice', 'bob', 'carol', 'dave'] } });
    assert.equal(users.length, 4);
  });
});

describe('teams', () => {
  test('meet only within one', async () => {
    const [red, blue] = [unique('red'), unique('blue')];
    const ids = [unique('ann'), unique('ben'), unique('cy')];
    await admin2.upsertUsers([
      { id: ids[0], name: 'Ann', teams: [red] },
      { id: ids[1], name: 'Ben', teams: [red] },
      { id: ids[2], name: 'Cy', teams: [blue] },
    ]);
    const [a, b, c] = await Promise.all(ids.map((id) => login2(id)));
    const ch = a.channel('messaging', unique('t'), { team: red, members: [ids[0], ids[1]] });
    await ch.watch();
    assert.equal(ch.data.team, red);
    const bch = b.channel('messaging', ch.id);
    await bch.watch();
    const heard = next(bch, 'message.new', (e) => e.message.text === 'red only');
    await ch.sendMessage({ text: 'red only' });
    await heard;
    await refused(c.channel('messaging', ch.id).watch(), 17, 403);
    await refused(c.channel('messaging', unique('t'), { team: red, members: [ids[2]] }).watch(), 17, 403);
    const { users } = await c.queryUsers({ id: { $in: ids } });
    assert.deepEqual(users.map((u) => u.id), [ids[2]], 'people of other teams are not found');
    assert.equal((await b.queryChannels({ team: red, members: { $in: [ids[1]] } })).length, 1);
  });
});
