// The network fails; the app must not notice more than a pause.
import { describe, test, after } from 'node:test';
import { assert, admin, browser, cable, close, eventually, fence, login, next, people, raw, record, texts, unique } from './lib.mjs';

after(close);

describe('a cut cable', () => {
  test('reconnects by itself and misses nothing', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const wire = await cable();
    const a = await login(ann, { baseURL: wire.url });
    const b = await login(ben);
    const bch = b.channel('messaging', unique('cut'), { members: [ann, ben] });
    await bch.watch();
    const ch = a.channel('messaging', bch.id);
    await ch.watch();
    for (let i = 0; i < 3; i++) await bch.sendMessage({ text: `before ${i}` });
    await fence(bch, ch);
    const firstId = a.wsConnection.connectionID;

    wire.cut();
    for (let i = 0; i < 10; i++) await bch.sendMessage({ text: `during ${i}` });
    const recovered = next(a, 'connection.recovered', undefined, 30_000);
    wire.mend();
    await recovered;
    assert.notEqual(a.wsConnection.connectionID, firstId);
    const want = [
      ...Array.from({ length: 3 }, (_, i) => `before ${i}`),
      ...Array.from({ length: 10 }, (_, i) => `during ${i}`),
    ];
    await eventually(async () => assert.deepEqual(texts(ch.state.messages), want));
    assert.equal(ch.countUnread(), 13);

    const heard = next(ch, 'message.new', (e) => e.message.text === 'after');
    await bch.sendMessage({ text: 'after' });
    await heard; // watching again without asking
    await a.disconnectUser(200);
    await wire.close();
  });

  test('sync returns what was missed, in order', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const [a, b] = await Promise.all([login(ann), login(ben)]);
    const bch = b.channel('messaging', unique('sync'), { members: [ann, ben] });
    await bch.watch();
    const ch = a.channel('messaging', bch.id);
    await ch.watch();
    const { message } = await bch.sendMessage({ text: 'zero' });
    await fence(bch, ch);
    await a.closeConnection(200);
    const since = message.created_at;
    const { message: one } = await bch.sendMessage({ text: 'one' });
    await bch.sendMessage({ text: 'two' });
    await b.updateMessage({ id: one.id, text: 'one!' });
    await bch.sendReaction(one.id, { type: 'like' });
    await b.deleteMessage(one.id);
    await a.openConnection();
    const { events } = await a.sync([ch.cid], since);
    const seen = events.filter((e) => Date.parse(e.created_at) > Date.parse(since)).map((e) => e.type);
    assert.deepEqual(
      seen.filter((t) => /^(message|reaction)\.(new|updated|deleted)$/.test(t)),
      ['message.new', 'message.new', 'message.updated', 'reaction.new', 'message.deleted'],
    );
  });

  test('sync says which channels are closed to me', async () => {
    const [ann, ben, eve] = await people('ann', 'ben', 'eve');
    const e = await login(eve);
    const ch = admin.channel('messaging', unique('sec'), { members: [ann, ben], created_by_id: ann });
    await ch.create();
    const since = new Date(Date.now() - 5000).toISOString();
    const r = await e.sync([ch.cid], since, { with_inaccessible_cids: true });
    assert.deepEqual(r.events, []);
    assert.deepEqual(r.inaccessible_cids, [ch.cid]);
  });

  test('a socket lost on the server side is replaced', async () => {
    const [ann] = await people('ann');
    const a = await login(ann);
    const first = a.wsConnection.connectionID;
    const back = next(a, 'connection.recovered', undefined, 20_000);
    a.wsConnection.ws._socket.destroy();
    await back;
    assert.notEqual(a.wsConnection.connectionID, first);
  });

  test('the background: closed by the app, opened again', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const [a, b] = await Promise.all([login(ann), login(ben)]);
    const bch = b.channel('messaging', unique('bg'), { members: [ann, ben] });
    await bch.watch();
    const ch = a.channel('messaging', bch.id);
    await ch.watch();
    await a.closeConnection(200);
    await bch.sendMessage({ text: 'while away' });
    await a.openConnection();
    await a.queryChannels({ cid: ch.cid, members: { $in: [ann] } });
    assert.equal(texts(ch.state.messages).at(-1), 'while away');
  });

  test('goes offline for others when the cable is cut', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const wire = await cable();
    const b = await login(ben);
    await b.queryUsers({ id: ann }, {}, { presence: true });
    const came = next(b, 'user.presence.changed', (e) => e.user.id === ann && e.user.online);
    const a = await login(ann, { baseURL: wire.url });
    await came;
    const went = next(b, 'user.presence.changed', (e) => e.user.id === ann && !e.user.online, 20_000);
    wire.cut();
    await went;
    await a.disconnectUser(200);
    await wire.close();
  });
});

describe('long poll', () => {
  test('takes over where sockets are blocked', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const wire = await cable({ blockSockets: true });
    const a = browser({ baseURL: wire.url, enableWSFallback: true });
    const changed = next(a, 'transport.changed', undefined, 20_000);
    const hello = await a.connectUser({ id: ann }, admin.createToken(ann));
    assert.equal((await changed).mode, 'longpoll');
    assert.ok(wire.upgrades() > 0, 'it did try sockets first');
    assert.ok(hello.connection_id);
    assert.equal(a.user.id, ann);
    const b = await login(ben);
    const ch = a.channel('messaging', unique('lp'), { members: [ann, ben] });
    await ch.watch();
    const bch = b.channel('messaging', ch.id);
    await bch.watch();
    const heard = next(ch, 'message.new', (e) => e.message.text === 'l19');
    const rec = record(ch);
    for (let i = 0; i < 20; i++) await bch.sendMessage({ text: `l${i}` });
    await heard;
    assert.deepEqual(
      rec.of('message.new').map((e) => e.message.text),
      Array.from({ length: 20 }, (_, i) => `l${i}`),
    );
    const back = next(bch, 'message.new', (e) => e.message.text === 'and back'); // ben is told of his own as well
    await ch.sendMessage({ text: 'and back' });
    await back;
    await a.disconnectUser(500);
    await wire.close();
  });

  test('an unknown connection is answered with 46', async () => {
    const [ann] = await people('ann');
    const rs = await raw('GET', '/longpoll', {
      token: admin.createToken(ann),
      query: { user_id: ann, connection_id: 'no-such-connection' },
    });
    assert.equal(rs.body.code, 46);
    assert.ok(rs.status >= 400 && rs.status < 500);
  });
});
