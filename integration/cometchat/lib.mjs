// What the tests of this folder share: people with the vendor's SDK, each in a process of their own,
// and the REST API as a server uses it.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after } from 'node:test';
import assert from 'node:assert/strict';

function need(name) {
  const v = process.env[name];
  if (!v) throw new Error(`${name} is not set: these tests are run by go test`);
  return v;
}

export const host = need('COMET_HOST'); // host:port
export const app = need('COMET_APP');
export const authKey = need('COMET_AUTH_KEY');
export const apiKey = need('COMET_API_KEY');

// patience bounds every wait for something that has to happen.
export const patience = 25_000;

// The packages of the vendor, by major version.
const packages = { 4: '@cometchat/chat-sdk-javascript', 3: '@cometchat-pro/chat' };

let count = 0;

// unique returns an id that no other test uses.
export function unique(prefix) {
  count += 1;
  return `${prefix}-${process.pid}-${count}`;
}

// rest calls the REST API with the app's own key and returns the whole answer.
export async function rest(method, path, body, headers = {}) {
  const r = await fetch(`https://${host}/v3${path}`, {
    method,
    headers: { apikey: apiKey, appid: app, 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: r.status, ...(await r.json()) };
}

// must is rest for calls that have to work; it returns the data.
export async function must(method, path, body, headers) {
  const out = await rest(method, path, body, headers);
  assert.ok(out.data !== undefined, `${method} ${path}: ${JSON.stringify(out)}`);
  return out.data;
}

// Peer is one person.
export class Peer {
  constructor(uid, version) {
    this.uid = uid;
    this.heard = [];
    this.waiting = new Set();
    this.calls = new Map();
    this.next = 1;
    this.child = fork(fileURLToPath(new URL('./peer.cjs', import.meta.url)), {
      env: { ...process.env, COMET_PACKAGE: packages[version] }, serialization: 'json', silent: true,
    });
    this.log = '';
    this.child.stdout.on('data', (b) => { this.log += b; });
    this.child.stderr.on('data', (b) => { this.log += b; });
    this.child.on('message', (m) => this.take(m));
    this.child.on('exit', (code) => {
      for (const c of this.calls.values()) c.reject(new Error(`${uid}'s process ended with ${code}: ${this.log.slice(-2000)}`));
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
    this.heard.push(m);
    for (const w of this.waiting) w();
  }

  // run evaluates a function of the SDK in the person's process; it must not refer to anything outside.
  run(fn, args = {}) {
    const id = this.next++;
    const body = `return (${fn})(CometChat, args, listen);`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.calls.delete(id);
        reject(new Error(`${this.uid}: the SDK did not settle: ${fn}\n${JSON.stringify(this.heard.slice(-5))}`));
      }, patience);
      const settle = (f) => (v) => { clearTimeout(timer); f(v); };
      this.calls.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.child.send({ id, body, args });
    });
  }

  // hears waits for an event and takes it and what came before it off the list.
  hears(event, match = () => true) {
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
        reject(new Error(`${this.uid} did not hear ${event}, but ${JSON.stringify(this.heard.map((m) => m.event))}`));
      }, patience);
      this.waiting.add(look);
      look();
    });
  }

  // heardNothing fails if an event has come.
  heardNothing(event) {
    assert.deepEqual(this.heard.filter((m) => m.event === event), [], `${this.uid} heard ${event}`);
  }

  close() {
    if (this.child.connected) this.child.disconnect();
  }
}

const peers = new Set();
after(() => { for (const p of peers) p.close(); });

// init starts a person's SDK without logging in.
export async function init(uid, { version = 4, presence = 'all' } = {}) {
  const p = new Peer(uid, version);
  peers.add(p);
  await p.hears('ready');
  await p.run(async (CometChat, { app, host, presence }) => {
    const b = new CometChat.AppSettingsBuilder().setRegion('us').overrideAdminHost(`${host}/v3.0`).overrideClientHost(`${host}/v3.0`);
    if (presence === 'all') b.subscribePresenceForAllUsers();
    if (presence === 'friends') b.subscribePresenceForFriends();
    if (presence === 'roles') b.subscribePresenceForRoles(['default']);
    await CometChat.init(app, b.build());
  }, { app, host, presence });
  return p;
}

// person makes a user and logs them in with the auth key; their link is up when it returns.
export async function person(name, options) {
  const uid = unique(name);
  await must('POST', '/users', { uid, name });
  return again(uid, options);
}

// again logs a person in on one more device.
export async function again(uid, options) {
  const p = await init(uid, options);
  await p.run(async (CometChat, { uid, authKey }, listen) => {
    listen();
    await CometChat.login(uid, authKey);
  }, { uid, authKey });
  await p.online();
  return p;
}

// online waits until the live link works. The SDK's own word for it comes with the open socket; the
// server's comes with the link being let in.
Peer.prototype.online = async function online() {
  const deadline = Date.now() + patience;
  for (;;) {
    const status = await this.run((CometChat) => CometChat.getConnectionStatus());
    if (status === 'connected' && (await must('GET', `/users/${this.uid}`)).status === 'online') return;
    assert.ok(Date.now() < deadline, `${this.uid} is ${status}`);
    await new Promise((r) => { setTimeout(r, 20); });
  }
};

// say sends a text and returns the message.
export function say(p, to, text, type = 'user') {
  return p.run(async (CometChat, { to, text, type }) => {
    const m = await CometChat.sendMessage(new CometChat.TextMessage(to, text, type));
    return { id: String(m.getId()), text: m.getText(), sender: m.getSender().getUid(), raw: m };
  }, { to, text, type });
}

// fails expects a call of the SDK to fail with a code.
export async function fails(promise, code) {
  await assert.rejects(promise, (e) => {
    assert.equal(e.code, code, e.message);
    return true;
  });
}
