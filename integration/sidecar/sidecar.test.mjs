// A sidecar and two core nodes: the vendors' SDKs know the sidecar alone. A core node that dies takes
// nothing with it that was acknowledged, and its people come back through the other one by themselves.
import { after, describe, test } from 'node:test';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { admin, assert, close, eventually, login, next, people, record, unique } from '../stream/lib.mjs';
import { group, person } from '../nexconn/lib.mjs';

const urls = process.env.CORE_URLS.split(',');
const pids = process.env.CORE_PIDS.split(',').map(Number);
const files = process.env.CORE_FILES.split(',');
const ready = process.env.CORE_READY.split(',');
const ops = process.env.OPS_URL;
const children = [];

after(async () => {
  await close();
  for (const c of children) c.kill('SIGKILL');
});

// metric reads one figure of one core node from the sidecar.
async function metric(name, node) {
  const text = await (await fetch(`${ops}/metrics`)).text();
  const line = text.split('\n').find((l) => l.startsWith(`dragoman_remote_${name}{node="${urls[node]}"}`));
  assert.ok(line, `no ${name} of node ${node}`);
  return Number(line.split(' ')[1]);
}

// status of the sidecar's readiness.
const readiness = async () => (await fetch(`${ops}/readyz`)).status;

// start runs a core node again and waits until it is ready.
async function start(node) {
  const child = spawn(process.env.DRAGOMAN, ['serve', '--config', files[node]], { stdio: 'ignore' });
  children.push(child);
  pids[node] = child.pid;
  await eventually(async () => {
    const r = await fetch(ready[node]).catch(() => ({ status: 0 }));
    assert.equal(r.status, 200);
  });
}

describe('a sidecar on two core nodes', () => {
  let chs; let clients; let ids; let id; let ann; let logs;

  test('two vendors in one room, spread over both nodes', async () => {
    ann = await person('ann');
    ids = await people('ann', 'ben', 'cid', 'dan', 'eve', 'fay');
    clients = await Promise.all(ids.map((u) => login(u, { timeout: 20_000 })));
    id = unique('room');
    await ann.must('createGroup', { groupId: id, groupName: 'Room', joinPermission: 1 }, ids);
    chs = clients.map((c) => c.channel('messaging', id));
    for (const ch of chs) await ch.watch();
    logs = chs.map((ch) => record(ch));
    const on = [await metric('connections', 0), await metric('connections', 1)];
    assert.equal(on[0] + on[1], 7, `connections ${on}`);
    assert.ok(on[0] > 0 && on[1] > 0, `connections ${on}`);
    for (let w = 0; w < chs.length; w++) await chs[w].sendMessage({ id: unique(`m${w}`), text: `hello ${w}` });
    await ann.say(group(id), 'from nexconn');
    const heard = (log) => log.of('message.new').map((e) => e.message.text);
    await eventually(() => { for (const log of logs) assert.equal(heard(log).length, 7); });
    for (const log of logs) assert.deepEqual(heard(log), heard(logs[0]));
    await ann.text('hello 5');
    const typing = next(chs[1], 'typing.start', (e) => e.user.id === ids[0]);
    await chs[0].keystroke();
    await typing;
  });

  test('files go through', async () => {
    const data = randomBytes(300_000);
    const { file } = await chs[0].sendFile(data, 'data.bin', 'application/octet-stream');
    const back = Buffer.from(await (await fetch(file)).arrayBuffer());
    const sum = (b) => createHash('sha256').update(b).digest('hex');
    assert.equal(sum(back), sum(data));
    const part = await fetch(file, { headers: { range: 'bytes=1000-1009' } });
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), part.status === 206 ? data.subarray(1000, 1010) : data);
  });

  test('a core node dies: the breaker opens, nothing acknowledged is lost, everybody is back', async () => {
    const acked = [];
    let over = false;
    let refused = 0;
    const writers = ids.map(async (user, w) => {
      for (let i = 0; !over; i++) {
        const text = `w${w}-${i}`;
        const mid = unique(text);
        for (;;) {
          try {
            const r = await fetch(`${process.env.STREAM_URL}/channels/messaging/${id}/message?api_key=${admin.key}`, {
              method: 'POST', signal: AbortSignal.timeout(10_000),
              headers: { authorization: admin.createToken(user), 'stream-auth-type': 'jwt', 'content-type': 'application/json' },
              body: JSON.stringify({ message: { id: mid, text } }),
            });
            const body = await r.text();
            if (r.status === 201 || body.includes('already exists')) {
              acked.push(text);
              break;
            }
            refused += 1;
            assert.ok([429, 500, 502, 503, 504].includes(r.status), `${r.status} ${body}`);
            assert.equal(typeof JSON.parse(body).code, 'number', 'refused in the words of the vendor');
          } catch (e) {
            if (e.code === 'ERR_ASSERTION') throw e;
          }
          if (over) break;
          await new Promise((go) => { setTimeout(go, 20); });
        }
      }
    });
    await eventually(() => assert.ok(acked.length > 30));
    process.kill(pids[0], 'SIGKILL');
    await eventually(async () => assert.equal(await metric('breaker_state', 0), 2));
    assert.equal(await readiness(), 200);
    const then = acked.length;
    await eventually(() => assert.ok(acked.length > then + 60));
    over = true;
    await Promise.all(writers);
    await eventually(async () => assert.equal(await metric('connections', 1), 7), 40_000);
    await eventually(() => { for (const c of clients) assert.ok(c.wsConnection?.isHealthy); });

    const texts = new Set();
    for (let before; ;) {
      const { messages } = await chs[0].query({ messages: { limit: 100, ...(before ? { id_lt: before } : {}) } });
      for (const m of messages) {
        assert.ok(!texts.has(m.text), `${m.text} is stored twice`);
        texts.add(m.text);
      }
      if (messages.length < 100) break;
      before = messages[0].id;
    }
    assert.deepEqual(acked.filter((x) => !texts.has(x)), [], 'acknowledged and lost');
    console.log(`acknowledged ${acked.length}, lost 0, duplicated 0, refused for a while ${refused}`);

    // Whoever was on the dead node hears again, in both directions, without having done anything.
    await Promise.all(chs.map((ch, w) => eventually(async () => {
      const got = next(ch, 'message.new', (e) => e.message.text.startsWith(`after ${w}`), 3_000);
      got.catch(() => {});
      await chs[(w + 1) % chs.length].sendMessage({ text: `after ${w} ${unique('x')}` });
      await got;
    }, 40_000)));
    await eventually(async () => {
      const text = unique('to nexconn');
      await chs[0].sendMessage({ text });
      await ann.hears('MESSAGE', (m) => m.content?.content === text, 3_000);
    }, 40_000);
    await ann.say(group(id), 'I am back');
  });

  test('the node comes back: the breaker closes and it serves again', async () => {
    await start(0);
    await eventually(async () => assert.equal(await metric('breaker_state', 0), 0));
    await eventually(async () => assert.equal(await metric('link_up', 0), 1));
    const more = await Promise.all((await people('gil', 'hal', 'ida', 'jon', 'kim', 'lea', 'mia', 'ned')).map((u) => login(u)));
    assert.ok(await metric('connections', 0) > 0, 'nobody is on the node that came back');
    assert.equal(await metric('connections', 0) + await metric('connections', 1), 7 + more.length);
  });

  test('without any core node the sidecar says so, in the words of the vendor', async () => {
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await eventually(async () => assert.equal(await readiness(), 503));
    const r = await fetch(`${process.env.STREAM_URL}/channels?api_key=${admin.key}`, {
      method: 'POST', headers: { authorization: admin.createToken(ids[0]), 'stream-auth-type': 'jwt', 'content-type': 'application/json' },
      body: JSON.stringify({ filter_conditions: { members: { $in: [ids[0]] } } }),
    });
    const body = await r.json();
    assert.equal(r.status, 500, JSON.stringify(body)); // the vendor's only row for a server that is down
    assert.equal(body.code, -1);
    assert.equal(body.dragoman_error.code, 'upstream.circuit_open');
    assert.ok(Number(r.headers.get('retry-after')) >= 1, 'it says when to come back');
  });
});
