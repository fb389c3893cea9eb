// What the tests of this folder share: devices with the vendor's SDK, each in a process of its own, and
// the server API as an app's server uses it.
import { createHash, randomBytes } from 'node:crypto';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after } from 'node:test';
import assert from 'node:assert/strict';

function need(name) {
  const v = process.env[name];
  if (!v) throw new Error(`${name} is not set: these tests are run by go test`);
  return v;
}

export const base = need('NEXCONN_URL');
export const appkey = need('NEXCONN_KEY');
const secret = need('NEXCONN_SECRET');

// patience bounds every wait for something that has to happen; starting is slower than anything else.
export const patience = 20_000;
const starting = 60_000;

let count = 0;

// unique returns an id that no other test uses.
export function unique(prefix) {
  count += 1;
  return `${prefix}${process.pid}x${count}`;
}

// rest calls the server API and returns the whole answer.
export async function rest(path, body = {}) {
  const nonce = randomBytes(8).toString('hex');
  const stamp = String(Date.now());
  const r = await fetch(`${base}/v4${path}`, {
    method: 'POST',
    headers: {
      'App-Key': appkey, Nonce: nonce, Timestamp: stamp, 'Content-Type': 'application/json',
      Signature: createHash('sha1').update(secret + nonce + stamp).digest('hex'),
    },
    body: JSON.stringify(body),
  });
  return { status: r.status, ...(await r.json()) };
}

// must is rest for calls that have to work; it returns the result.
export async function must(path, body) {
  const out = await rest(path, body);
  assert.equal(out.code, 0, `${path}: ${JSON.stringify(out)}`);
  return out.result;
}

// tokenOf issues an access token, and makes the person.
export async function tokenOf(userId, name = userId) {
  return (await must('/auth/access-token/issue', { userId, name })).accessToken;
}

// Peer is one device of one person.
export class Peer {
  constructor(userId) {
    this.userId = userId;
    this.heard = [];
    this.waiting = new Set();
    this.calls = new Map();
    this.next = 1;
    this.log = '';
    this.child = fork(fileURLToPath(new URL('./peer.cjs', import.meta.url)), { serialization: 'json', silent: true });
    this.child.stdout.on('data', (b) => { this.log += b; });
    this.child.stderr.on('data', (b) => { this.log += b; });
    this.child.on('message', (m) => this.take(m));
    this.child.on('exit', (code) => {
      for (const c of this.calls.values()) c.reject(new Error(`${userId}'s process ended with ${code}: ${this.log.slice(-2000)}`));
    });
  }

  take(m) {
    if (m.id) {
      const c = this.calls.get(m.id);
      this.calls.delete(m.id);
      if (m.error) c.reject(Object.assign(new Error(`${m.error.code}: ${m.error.message}`), m.error));
      else c.resolve(m.value);
      return;
    }
    // Messages come in batches; each is an event here.
    if (m.event === 'MESSAGES') this.heard.push(...m.args[0].messages.map((x) => ({ event: 'MESSAGE', args: [x] })));
    else this.heard.push(m);
    for (const w of [...this.waiting]) w();
  }

  // run evaluates a function of the SDK in the device's process; it must not refer to anything outside.
  run(fn, args = {}) {
    const id = this.next;
    this.next += 1;
    const body = `return (${fn})(RC, args, listen);`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.calls.delete(id);
        reject(new Error(`${this.userId}: the SDK did not settle: ${fn}\n${JSON.stringify(this.heard.slice(-5))}\n${this.log.slice(-1500)}`));
      }, patience);
      const settle = (f) => (v) => { clearTimeout(timer); f(v); };
      this.calls.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.child.send({ id, body, args });
    });
  }

  // call runs one function of the SDK by name and returns its whole answer: code, data, msg.
  call(name, ...args) {
    return this.run((RC, { name, args }) => RC[name](...args), { name, args });
  }

  // must is call for what has to work; it returns the data.
  async must(name, ...args) {
    const out = await this.call(name, ...args);
    assert.equal(out.code, 0, `${this.userId}: ${name}(${JSON.stringify(args)}): ${JSON.stringify(out)}`);
    return out.data;
  }

  // hears waits for an event and takes it off the list.
  hears(event, match = () => true, within = patience) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const i = this.heard.findIndex((m) => m.event === event && match(...m.args));
        if (i < 0) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(this.heard.splice(i, 1)[0].args);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`${this.userId} did not hear ${event}, but ${JSON.stringify(this.heard).slice(0, 3000)}`));
      }, within);
      this.waiting.add(look);
      look();
    });
  }

  // message waits for a message the SDK hands to the app.
  async message(match) {
    return (await this.hears('MESSAGE', match))[0];
  }

  // text waits for a text message with exactly this text.
  text(content) {
    return this.message((m) => m.messageType === 'RC:TxtMsg' && m.content.content === content);
  }

  // heardNothing fails if a message that matches has come.
  heardNothing(match) {
    const found = this.heard.filter((m) => m.event === 'MESSAGE' && match(m.args[0]));
    assert.deepEqual(found, [], `${this.userId} heard what it should not`);
  }

  // say sends a text to a conversation.
  say(conversation, content, options) {
    return this.run((RC, { conversation, content, options }) => RC.sendMessage(conversation, new RC.TextMessage({ content }), options ?? undefined), { conversation, content, options });
  }

  close() {
    if (this.child.connected) this.child.disconnect();
  }
}

const peers = new Set();
after(() => {
  for (const p of peers) {
    const crashes = p.heard.filter((m) => m.event === 'uncaught');
    p.close();
    assert.deepEqual(crashes, [], `the SDK of ${p.userId} failed on its own`);
  }
});

// init starts the SDK of a device without connecting.
export async function init(userId, options = {}) {
  const p = new Peer(userId);
  peers.add(p);
  await p.hears('ready', () => true, starting);
  const { navigators = [base], ...rest } = options;
  await p.run((RC, { options }, listen) => { RC.init(options); listen(); }, { options: { appkey, navigators, logLevel: 4, ...rest } });
  return p;
}

// device connects one more device of a person who may exist already.
export async function device(userId, options) {
  const p = await init(userId, options);
  p.token = await tokenOf(userId);
  const out = await p.call('connect', p.token);
  assert.equal(out.code, 0, `connect: ${JSON.stringify(out)}\n${p.log}`);
  assert.equal(out.data.userId, userId);
  await p.hears('ULTRA_GROUP_ENABLE'); // until then the SDK refuses what concerns the list of conversations
  return p;
}

// person makes a new person and connects a device of theirs.
export async function person(prefix, options) {
  return device(unique(prefix), options);
}

// offline takes a device away and waits until the server knows.
export async function offline(p) {
  await p.run((RC) => { RC.disconnect(); });
  const deadline = Date.now() + patience;
  while ((await must('/user/connection-status/get', { userId: p.userId })).status !== '0') {
    assert.ok(Date.now() < deadline, `${p.userId} stays online`);
    await new Promise((r) => { setTimeout(r, 20); });
  }
  p.close();
}

// Kinds of conversation.
export const kind = { direct: 1, group: 3, open: 4, system: 6, community: 10 };

export const direct = (p) => ({ conversationType: kind.direct, targetId: p.userId ?? p });
export const group = (id) => ({ conversationType: kind.group, targetId: id });
export const room = (id) => ({ conversationType: kind.open, targetId: id });
export const community = (id, channelId) => ({ conversationType: kind.community, targetId: id, channelId });
