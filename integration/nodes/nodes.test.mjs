// Three nodes on one database and one bus: whoever is connected to one of them chats with everyone,
// and the death of one loses nothing that was acknowledged.
import { describe, test, after, before } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { assert, admin, close, endpoint, eventually, login, next, people, record, unique } from '../stream/lib.mjs';

const urls = process.env.NODE_URLS.split(',');
const pids = process.env.NODE_PIDS.split(',').map(Number);
const on = (n) => ({ baseURL: urls[n], timeout: 20_000 });

after(close);

describe('three nodes', () => {
  let hook;
  before(async () => {
    hook = await endpoint(() => ({}));
    await admin.updateAppSettings({ webhook_url: `${hook.url}/events` });
    await pause(300);
  });
  after(async () => {
    await hook.close();
  });

  // room is a channel whose members watch it, each on a node of their own.
  async function room(...names) {
    const ids = await people(...names);
    const clients = await Promise.all(ids.map((id, i) => login(id, on(i % urls.length))));
    const id = unique('room');
    const first = clients[0].channel('messaging', id, { members: ids });
    await first.watch();
    const chs = [first];
    for (const c of clients.slice(1)) {
      const ch = c.channel('messaging', id);
      await ch.watch();
      chs.push(ch);
    }
    return { ids, clients, chs, id };
  }

  test('everyone hears everyone, once and in the same order', async () => {
    const { chs } = await room('ann', 'ben', 'cid');
    const logs = chs.map((ch) => record(ch));
    const each = 20;
    await Promise.all(chs.map(async (ch, w) => {
      for (let i = 0; i < each; i++) await ch.sendMessage({ id: unique(`m${w}-${i}`), text: `${w}-${i}` });
    }));
    const heard = (log) => log.of('message.new').map((e) => e.message.text);
    await eventually(() => {
      for (const log of logs) assert.equal(heard(log).length, each * chs.length);
    }, 20_000);
    const [first, ...others] = logs.map(heard);
    assert.equal(new Set(first).size, first.length, 'nothing twice');
    for (const o of others) assert.deepEqual(o, first);
    const { messages } = await chs[0].query({ messages: { limit: 100 } });
    assert.deepEqual(messages.map((m) => m.text), first, 'and as it is stored');
  });

  test('typing, reading and reactions cross nodes', async () => {
    const { chs, ids } = await room('ann', 'ben', 'cid');
    const typing = next(chs[1], 'typing.start', (e) => e.user.id === ids[0]);
    await chs[0].keystroke();
    await typing;
    const got = next(chs[1], 'message.new');
    const { message } = await chs[2].sendMessage({ text: 'read me' });
    await got;
    const read = next(chs[2], 'message.read', (e) => e.user.id === ids[1]);
    await chs[1].markRead();
    await read;
    const liked = next(chs[0], 'reaction.new');
    await chs[1].sendReaction(message.id, { type: 'like' });
    assert.equal((await liked).message.id, message.id);
  });

  test('who is online is known on every node', async () => {
    const [ann, dan] = await people('ann', 'dan');
    const a = await login(ann, on(0));
    await a.queryUsers({ id: dan }, {}, { presence: true });
    const came = next(a, 'user.presence.changed', (e) => e.user.id === dan && e.user.online);
    const d = await login(dan, on(1));
    await came;
    const c = await login((await people('cid'))[0], on(2));
    await eventually(async () => {
      const { users } = await c.queryUsers({ id: dan });
      assert.equal(users[0].online, true);
    });
    const went = next(a, 'user.presence.changed', (e) => e.user.id === dan && !e.user.online);
    await d.disconnectUser();
    await went;
    await eventually(async () => {
      const { users } = await c.queryUsers({ id: dan });
      assert.equal(users[0].online, false);
    });
  });

  test('a node that is killed loses nothing acknowledged, and its people can go to another', async () => {
    const { chs, ids, id } = await room('ann', 'ben', 'cid');
    const eve = (await people('eve'))[0];
    await chs[0].getClient().queryUsers({ id: eve }, {}, { presence: true });
    const e = await login(eve, on(2));
    const went = next(chs[0].getClient(), 'user.presence.changed', (ev) => ev.user.id === eve && !ev.user.online, 30_000);
    const acked = [];
    let over = false;
    let refused = 0;
    const writers = ids.map(async (user, w) => {
      // Servers may write through any node; this one goes on with the next when its own is gone.
      for (let i = 0; !over; i++) {
        const text = `${w}-${i}`;
        const mid = unique(`k${w}-${i}`);
        for (let n = w; !over; n++) {
          try {
            const r = await fetch(`${urls[n % urls.length]}/channels/messaging/${id}/message?api_key=${admin.key}`, {
              method: 'POST', signal: AbortSignal.timeout(10_000),
              headers: { authorization: admin.createToken(user), 'stream-auth-type': 'jwt', 'content-type': 'application/json' },
              body: JSON.stringify({ message: { id: mid, text } }),
            });
            const body = await r.text();
            if (r.status === 201 || body.includes('already exists')) {
              acked.push(text);
              break;
            }
          } catch { /* the node is dead, or dying */ }
          refused++;
          await pause(20);
        }
      }
    });
    await eventually(() => assert.ok(acked.length > 60), 20_000);
    process.kill(pids[2], 'SIGKILL');
    const before = acked.length;
    await eventually(() => assert.ok(acked.length > before + 150), 40_000);
    over = true;
    await Promise.all(writers);
    const stored = [];
    for (let offset = {}; ;) {
      const { messages } = await chs[0].query({ messages: { limit: 100, ...offset } });
      stored.unshift(...messages.map((m) => m.text));
      if (messages.length < 100) break;
      offset = { id_lt: messages[0].id };
    }
    const count = new Map();
    for (const s of stored) count.set(s, (count.get(s) ?? 0) + 1);
    const lost = acked.filter((s) => !count.has(s));
    const doubled = [...count].filter(([, n]) => n > 1);
    console.log(`acknowledged ${acked.length}, lost ${lost.length}, doubled ${doubled.length}, refused or unanswered ${refused}`);
    assert.deepEqual(lost, []);
    assert.deepEqual(doubled, []);
    await went; // eve was on the dead node
    await e.disconnectUser(100).catch(() => {});

    // Somebody of the dead node comes back on another, and goes on.
    const back = await login(ids[2], on(0));
    const ch = back.channel('messaging', id);
    const state = await ch.watch();
    assert.equal(state.messages.at(-1).text, stored.at(-1));
    const heard = next(chs[1], 'message.new');
    await ch.sendMessage({ text: 'I am back' });
    assert.equal((await heard).message.text, 'I am back');

    // The webhooks of that channel: every message at least once, in order.
    const told = () => {
      const seen = [];
      for (const c of hook.calls) {
        const ev = JSON.parse(c.raw);
        if (ev.type === 'message.new' && ev.cid === ch.cid && !seen.includes(ev.message.text)) seen.push(ev.message.text);
      }
      return seen;
    };
    const want = [...stored, 'I am back'];
    await eventually(() => assert.equal(told().length, want.length), 60_000);
    assert.deepEqual(told(), want);
    const calls = hook.calls.filter((c) => { const ev = JSON.parse(c.raw); return ev.type === 'message.new' && ev.cid === ch.cid; }).length;
    console.log(`webhooks: ${want.length} messages, ${calls} calls`);
  });
});
