// Connecting: tokens of every kind, guests, anonymous visitors, presence, several devices.
import { describe, test, after } from 'node:test';
import { assert, admin, base, browser, close, eventually, login, next, now, people, raw, refused, sign, unique } from './lib.mjs';

after(close);

describe('connect', () => {
  test('a user learns who they are', async () => {
    const [ann] = await people('ann');
    const c = browser();
    const hello = await c.connectUser({ id: ann, name: 'Ann', favourite: 'tea' }, admin.createToken(ann));
    assert.equal(hello.type, 'health.check');
    assert.ok(hello.connection_id);
    assert.equal(hello.me.id, ann);
    assert.equal(hello.me.name, 'Ann');
    assert.equal(hello.me.favourite, 'tea', 'custom fields travel flat');
    assert.equal(hello.me.role, 'user');
    assert.equal(hello.me.online, true);
    assert.equal(hello.me.total_unread_count, 0);
    assert.equal(hello.me.unread_channels, 0);
    for (const list of ['devices', 'mutes', 'channel_mutes', 'blocked_user_ids']) {
      assert.deepEqual(hello.me[list], [], list);
    }
    assert.equal(c.userID, ann);
    const { users } = await admin.queryUsers({ id: ann });
    assert.equal(users[0].name, 'Ann');
    assert.equal(users[0].favourite, 'tea');
  });

  test('a user cannot promote themself', async () => {
    const [eve] = await people('eve');
    await login(eve, {}, { role: 'admin' }).catch(() => {}); // refused or ignored: never obeyed
    const { users } = await admin.queryUsers({ id: eve });
    assert.equal(users[0].role, 'user');
  });

  test('the socket is kept alive by answered pings', async () => {
    const [ann] = await people('ann');
    const c = await login(ann);
    const pong = next(c, 'health.check');
    c.wsConnection.ws.send(JSON.stringify([{ type: 'health.check', client_id: c.clientID }]));
    assert.equal((await pong).connection_id, c.wsConnection.connectionID);
  });

  test('garbage on the socket harms nobody', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const c = await login(ann);
    const d = await login(ben);
    c.wsConnection.ws.send('no json at all {{{');
    c.wsConnection.ws.send(Buffer.from([0xff, 0xfe, 0x00]));
    const pong = next(d, 'health.check');
    d.wsConnection.ws.send(JSON.stringify([{ type: 'health.check', client_id: d.clientID }]));
    await pong;
  });

  test('two devices of one person both hear', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const [a1, a2, b] = await Promise.all([login(ann), login(ann), login(ben)]);
    const ch = b.channel('messaging', unique('two'), { members: [ann, ben] });
    await ch.watch();
    await a1.channel('messaging', ch.id).watch();
    await a2.channel('messaging', ch.id).watch();
    const both = (e) => e.message.text === 'both of you';
    const heard = [next(a1, 'message.new', both), next(a2, 'message.new', both)];
    await ch.sendMessage({ text: 'both of you' });
    await Promise.all(heard);
  });
});

describe('tokens', () => {
  const cases = [
    ['expired', 40, (id) => sign({ user_id: id, exp: now() - 60 })],
    ['not valid yet', 41, (id) => sign({ user_id: id, nbf: now() + 600 })],
    ['issued in the future', 42, (id) => sign({ user_id: id, iat: now() + 600 })],
    ['signed with another secret', 43, (id) => sign({ user_id: id }, 'another secret entirely')],
    ['without a user', 5, () => sign({ name: 'nobody' }), 'the SDK refuses it by itself'],
  ];
  for (const [what, code, make, restOnly] of cases) {
    if (!restOnly) test(`${what}: the socket says ${code} and the SDK gives up`, async () => {
      const [ann] = await people('ann');
      const c = browser();
      const token = make(ann);
      let err;
      const began = Date.now();
      try {
        await c.connectUser({ id: ann }, token);
      } catch (e) {
        err = e;
      }
      assert.ok(err, 'connectUser succeeded');
      const frame = JSON.parse(err.message);
      assert.equal(Number(frame.code), code);
      assert.equal(frame.StatusCode, 401);
      assert.equal(frame.isWSFailure, false);
      assert.ok(Date.now() - began < 5000, 'at once, without retries');
    });
    test(`${what}: REST says ${code}`, async () => {
      const [ann] = await people('ann');
      const rs = await raw('GET', '/app', { token: make(ann), query: { user_id: ann } });
      assert.equal(rs.status, 401);
      assert.equal(rs.body.code, code);
      assert.equal(rs.body.StatusCode, 401);
    });
  }

  test("someone else's token is refused", async () => {
    const [ann, eve] = await people('ann', 'eve');
    const rs = await raw('GET', '/devices', { token: admin.createToken(eve), query: { user_id: ann } });
    assert.equal(rs.status, 401);
    assert.equal(rs.body.code, 5);
  });

  test('an unknown api key is refused on the socket too', async () => {
    const c = browser({}, 'no-such-key');
    await assert.rejects(c.connectUser({ id: 'ann' }, admin.createToken('ann')), (e) => {
      assert.equal(Number(JSON.parse(e.message).code), 2);
      return true;
    });
  });

  test('a provider is asked again when its token has expired, on the socket', async () => {
    const [ann] = await people('ann');
    let asked = 0;
    const c = browser();
    await c.connectUser({ id: ann }, async () =>
      ++asked === 1 ? sign({ user_id: ann, exp: now() - 60 }) : admin.createToken(ann),
    );
    assert.equal(asked, 2);
    assert.ok(c.wsConnection.connectionID);
  });

  test('a provider is asked again when its token expires between calls, and the call goes through', async () => {
    const [ann] = await people('ann');
    let asked = 0;
    const c = browser();
    await c.connectUser({ id: ann }, async () => {
      asked++;
      return admin.createToken(ann);
    });
    assert.equal(asked, 1);
    c.tokenManager.token = sign({ user_id: ann, exp: now() - 1 });
    const ch = c.channel('messaging', unique('fresh'), { members: [ann] });
    await ch.create();
    assert.equal(asked, 2);
    const { message } = await ch.sendMessage({ text: 'with the new token' });
    assert.equal(message.user.id, ann);
  });

  test('a token that expires while connected is renewed without the app noticing', async () => {
    const [ann] = await people('ann');
    let asked = 0;
    const c = browser();
    await c.connectUser({ id: ann }, async () =>
      ++asked === 1 ? admin.createToken(ann, now() + 2) : admin.createToken(ann),
    );
    assert.equal(asked, 1);
    // The server closes the socket with error 40 when the token runs out; the SDK asks for another.
    await eventually(async () => assert.ok(asked >= 2 && c.wsConnection.isHealthy), 15_000);
  });

  test('revoking the tokens of a user', async () => {
    const [ann] = await people('ann');
    const old = admin.createToken(ann, undefined, now() - 100);
    assert.equal((await raw('GET', '/app', { token: old, query: { user_id: ann } })).status, 200);
    await admin.revokeUserToken(ann, new Date(Date.now() - 10_000));
    const rs = await raw('GET', '/app', { token: old, query: { user_id: ann } });
    assert.equal(rs.status, 401);
    assert.equal(rs.body.code, 40);
    const fresh = admin.createToken(ann, undefined, now());
    assert.equal((await raw('GET', '/app', { token: fresh, query: { user_id: ann } })).status, 200);
    await admin.revokeUserToken(ann, null);
    assert.equal((await raw('GET', '/app', { token: old, query: { user_id: ann } })).status, 200);
  });

  test('a deactivated user cannot connect, and can again when reactivated', async () => {
    const [ann] = await people('ann');
    await admin.deactivateUser(ann);
    const c = browser();
    await assert.rejects(c.connectUser({ id: ann }, admin.createToken(ann)), (e) => {
      assert.equal(Number(JSON.parse(e.message).code), 5);
      return true;
    });
    await admin.reactivateUser(ann);
    await login(ann);
  });

  test('a deactivated user is put out of the line at once', async () => {
    const [ann] = await people('ann');
    const c = await login(ann);
    const socket = c.wsConnection.ws;
    assert.equal(socket.readyState, 1, 'the socket is open');
    await admin.deactivateUser(ann);
    await eventually(() => assert.notEqual(socket.readyState, 1, 'the socket is still open'));
    await assert.rejects(c.queryUsers({ id: ann }), (e) => e.code === 5);
  });
});

describe('visitors', () => {
  test('a guest gets a token and may talk', async () => {
    const c = browser();
    await c.setGuestUser({ id: unique('guest'), name: 'Passer-by' });
    assert.ok(c.userID);
    assert.equal(c.user.role, 'guest');
    const [host] = await people('host');
    const h = await login(host);
    const shop = c.channel('commerce', unique('shop'), { members: [c.userID, host] });
    await shop.watch();
    const hs = h.channel('commerce', shop.id);
    await hs.watch();
    const heard = next(hs, 'message.new', (e) => e.message.text === 'is this still on sale?');
    await shop.sendMessage({ text: 'is this still on sale?' });
    const e = await heard;
    assert.equal(e.message.user.id, c.userID);
    assert.equal(e.user.role, 'guest');
    const show = h.channel('livestream', unique('show'));
    await show.create();
    await refused(c.channel('livestream', show.id).sendMessage({ text: 'hi' }), 17, 403);
  });

  test('an anonymous visitor reads a livestream and may not write', async () => {
    const [host] = await people('host');
    const hc = await login(host);
    const show = hc.channel('livestream', unique('show'));
    await show.watch();
    await show.sendMessage({ text: 'welcome' });
    const c = browser();
    await c.connectAnonymousUser();
    const live = c.channel('livestream', show.id);
    const state = await live.watch();
    assert.equal(state.messages.at(-1).text, 'welcome');
    const heard = next(live, 'message.new', (e) => e.message.text === 'on air'); // the welcome may still be on its way
    await show.sendMessage({ text: 'on air' });
    await heard;
    await refused(live.sendMessage({ text: 'let me in' }), 17, 403);
    const [a, b] = await people('a', 'b');
    const ch = admin.channel('messaging', unique('private'), { members: [a, b], created_by_id: a });
    await ch.create();
    await refused(c.channel('messaging', ch.id).watch(), 17, 403);
  });
});

describe('presence', () => {
  test('coming and going is seen by those who asked', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const a = await login(ann);
    let { users } = await a.queryUsers({ id: { $in: [ben] } }, {}, { presence: true });
    assert.equal(users[0].online, false);
    const came = next(a, 'user.presence.changed', (e) => e.user.id === ben && e.user.online);
    const b = await login(ben);
    await came;
    assert.equal(a.state.users[ben].online, true);
    const went = next(a, 'user.presence.changed', (e) => e.user.id === ben && !e.user.online, 20_000);
    await b.disconnectUser();
    assert.ok((await went).user.last_active);
    ({ users } = await a.queryUsers({ id: ben }));
    assert.equal(users[0].online, false);
  });

  test('members are seen online in a channel watched with presence', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const a = await login(ann);
    const ch = a.channel('messaging', unique('p'), { members: [ann, ben] });
    await ch.watch({ presence: true });
    const came = next(a, 'user.presence.changed', (e) => e.user.id === ben && e.user.online);
    await login(ben);
    await came;
  });

  test('who is invisible is not seen', async () => {
    const [ann, ben] = await people('ann', 'ben');
    await login(ben, {}, { invisible: true });
    const a = await login(ann);
    const { users } = await a.queryUsers({ id: ben });
    assert.equal(users[0].online, false);
  });

  test('watchers are counted and announced', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const [a, b] = await Promise.all([login(ann), login(ben)]);
    const ch = a.channel('messaging', unique('w'), { members: [ann, ben] });
    await ch.watch();
    const came = next(ch, 'user.watching.start', (e) => e.user.id === ben);
    const bch = b.channel('messaging', ch.id);
    const state = await bch.watch({ watchers: { limit: 10 } });
    assert.equal((await came).watcher_count, 2);
    assert.equal(state.watcher_count, 2);
    assert.ok(state.watchers.some((u) => u.id === ann));
    const went = next(ch, 'user.watching.stop', (e) => e.user.id === ben);
    await bch.stopWatching();
    assert.equal((await went).watcher_count, 1);
  });
});

describe('a client of the HTTP API alone', () => {
  test('watching without a connection is an input error', async () => {
    const [ann] = await people('ann');
    const rs = await raw('POST', `/channels/messaging/${unique('x')}/query`, {
      token: admin.createToken(ann),
      query: { user_id: ann },
      body: { watch: true, state: true, data: { members: [ann] } },
    });
    assert.equal(rs.status, 400);
    assert.equal(rs.body.code, 4);
  });

  test('the browser is let in: CORS', async () => {
    const rs = await fetch(`${base}/channels`, {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://app.example',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type,stream-auth-type,x-client-request-id,x-stream-client',
      },
    });
    assert.ok(rs.status < 300);
    assert.ok(['*', 'https://app.example'].includes(rs.headers.get('access-control-allow-origin')));
    const allowed = rs.headers.get('access-control-allow-headers').toLowerCase();
    for (const h of ['authorization', 'stream-auth-type', 'x-stream-client', 'content-type', 'x-client-request-id']) {
      assert.ok(allowed === '*' ? h !== 'authorization' : allowed.includes(h), `${h} in ${allowed}`);
    }
  });
});
