// What the tests of this folder share: people with one of the vendor's two SDKs, and the REST API as a
// server uses it.
import { createRequire } from 'node:module';
import { after } from 'node:test';
import assert from 'node:assert/strict';

const require = createRequire(import.meta.url);

export function need(name) {
  const v = process.env[name];
  if (!v) throw new Error(`${name} is not set: these tests are run by go test`);
  return v;
}

export const base = need('AGORA_URL');
export const org = need('AGORA_ORG');
export const app = need('AGORA_APP');
const clientID = need('AGORA_CLIENT_ID');
const clientSecret = need('AGORA_CLIENT_SECRET');

export const { sockets } = require('./globals.cjs');

// The two packages of the vendor. What one shows the other has to show as well.
export const packages = ['agora-chat', 'easemob-websdk'];
const loaded = new Map();
export function sdkOf(name) {
  if (!loaded.has(name)) {
    const m = require(name);
    const sdk = m.default ?? m;
    sdk.logger?.disableAll?.();
    loaded.set(name, sdk);
  }
  return loaded.get(name);
}

// patience bounds every wait for something that has to happen.
export const patience = 10_000;

let count = 0;
// unique returns an id that no other test uses.
export function unique(prefix) {
  count += 1;
  return `${prefix}-${process.pid}-${count}`;
}

let token;
// rest calls the REST API with the app's own token and returns the whole answer.
export async function rest(method, path, body) {
  if (!token) {
    const r = await fetch(`${base}/${org}/${app}/token`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'client_credentials', client_id: clientID, client_secret: clientSecret }),
    });
    token = (await r.json()).access_token;
  }
  const r = await fetch(`${base}/${org}/${app}${path}`, {
    method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: r.status, ...(await r.json()) };
}

// must is rest for calls that have to work.
export async function must(method, path, body) {
  const out = await rest(method, path, body);
  assert.equal(out.status, 200, `${method} ${path}: ${JSON.stringify(out)}`);
  return out;
}

// Every event of the SDKs that a test can wait for.
const events = [
  'onConnected', 'onDisconnected', 'onError', 'onMessage', 'onTextMessage', 'onImageMessage', 'onAudioMessage', 'onVideoMessage', 'onFileMessage',
  'onLocationMessage', 'onCmdMessage', 'onCustomMessage', 'onCombineMessage', 'onReceivedMessage', 'onDeliveredMessage', 'onReadMessage',
  'onChannelMessage', 'onRecallMessage', 'onModifiedMessage', 'onReactionChange', 'onGroupEvent', 'onChatroomEvent', 'onContactInvited',
  'onContactDeleted', 'onContactAdded', 'onContactRefuse', 'onContactAgreed', 'onPresenceStatusChange', 'onChatThreadChange',
  'onMultiDeviceEvent', 'onMessagePinEvent', 'onOfflineMessageSyncStart', 'onOfflineMessageSyncFinish', 'onTokenWillExpire', 'onTokenExpired',
  'onStatisticMessage',
];

// Person is one connection of somebody.
export class Person {
  constructor(id, sdk, options = {}) {
    this.id = id;
    this.sdk = sdk;
    this.heard = [];
    this.waiting = new Set();
    const Connection = sdkOf(sdk).connection;
    this.conn = new Connection({ appKey: `${org}#${app}`, isHttpDNS: false, url: `${base.replace('http', 'ws')}/websocket`, apiUrl: base, https: false, ...options });
    this.conn.addEventHandler('t', Object.fromEntries(events.map((name) => [name, (...args) => this.take(name, args)])));
  }

  take(event, args) {
    this.heard.push({ event, args });
    for (const w of this.waiting) w();
  }

  // open logs in by password or by token.
  async open(how = { pwd: `pw-${this.id}` }) {
    const before = sockets.length;
    await settles(this.conn.open({ user: this.id, ...how }), `${this.id}'s login`);
    this.socket = sockets[before];
    return this;
  }

  message(type, set) {
    return sdkOf(this.sdk).message.create({ type, ...set });
  }

  // send sends a message and returns the answer of the SDK.
  send(type, to, set = {}, chatType = 'singleChat') {
    return settles(this.conn.send(this.message(type, { to, chatType, ...set })), `${this.id}'s send`);
  }

  text(to, msg, chatType = 'singleChat', more = {}) { return this.send('txt', to, { msg, ...more }, chatType); }

  // hears waits for an event and takes it off the list.
  hears(event, match = () => true) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const i = this.heard.findIndex((m) => m.event === event && match(...m.args));
        if (i < 0) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(this.heard.splice(i, 1)[0].args[0]);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`${this.id} did not hear ${event}, but ${JSON.stringify(this.heard.map((m) => [m.event, m.args[0]?.operation ?? m.args[0]?.msg ?? m.args[0]?.type])).slice(0, 1500)}`));
      }, patience);
      this.waiting.add(look);
      look();
    });
  }

  count(event, match = () => true) { return this.heard.filter((m) => m.event === event && match(...m.args)).length; }

  close() {
    try { this.conn.close(); } catch { /* it may be closed already */ }
  }
}

// settles fails for a promise of the SDK that is left hanging.
export function settles(promise, what) {
  let timer;
  const limit = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} did not settle`)), patience); });
  // The SDK rejects with objects that are no errors.
  const told = Promise.resolve(promise).catch((e) => {
    throw e instanceof Error ? e : Object.assign(new Error(`${what}: ${e?.type} ${e?.message} ${JSON.stringify(e?.data)?.slice(0, 300)}`), { type: e?.type });
  });
  return Promise.race([told, limit]).finally(() => clearTimeout(timer));
}

const people = new Set();
after(() => { for (const p of people) p.close(); });

export function connection(id, sdk, options) {
  const p = new Person(id, sdk, options);
  people.add(p);
  return p;
}

// register makes a user who can log in with a password.
export async function register(name) {
  const id = unique(name);
  await must('POST', '/users', { username: id, password: `pw-${id}` });
  return id;
}

// person makes a user and logs them in.
export async function person(name, sdk, options) {
  return connection(await register(name), sdk, options).open();
}

// fails expects a promise of the SDK to be rejected with a type.
export async function fails(promise, type) {
  await assert.rejects(settles(promise, 'the call'), (e) => {
    assert.equal(e.type, type, `${e.type} ${e.message}`);
    return true;
  });
}
