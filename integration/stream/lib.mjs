// What the tests of this folder share: clients of the vendor's SDK against the server under test,
// waiting for events, and a TCP proxy whose cable can be cut.
import net from 'node:net';
import http from 'node:http';
import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import assert from 'node:assert/strict';
import { StreamChat } from 'stream-chat';

function need(name) {
  const v = process.env[name];
  if (!v) throw new Error(`${name} is not set: these tests are run by go test`);
  return v;
}

export const base = need('STREAM_URL');
export const key = need('STREAM_KEY');
export const secret = need('STREAM_SECRET');
export const key2 = need('STREAM_KEY2');
export const secret2 = need('STREAM_SECRET2');

// patience bounds every wait for something that has to happen.
export const patience = 20_000;

const open = new Set();

// The SDK warns that connectUser belongs in a browser; allowServerSideConnect says we mean it.
const defaults = { timeout: 20_000, allowServerSideConnect: true, baseURL: base };

// server returns a client with the app's secret, as a back end has it.
export function server(options = {}) {
  return new StreamChat(key, secret, { ...defaults, ...options });
}

// server2 is a server client of the second, multi-tenant app.
export function server2(options = {}) {
  return new StreamChat(key2, secret2, { ...defaults, ...options });
}

// browser returns a client without a secret, as an app has it; it is disconnected by close().
export function browser(options = {}, apiKey = key) {
  const c = new StreamChat(apiKey, { ...defaults, ...options });
  open.add(c);
  return c;
}

const admin = server();
const admin2 = server2();

// sign makes a token with any claims, also wrong ones, which the SDK's createToken would not.
export function sign(claims, withSecret = secret) {
  const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const head = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${head}.${createHmac('sha256', withSecret).update(head).digest('base64url')}`;
}

// now is the time in seconds, as tokens count it.
export const now = () => Math.floor(Date.now() / 1000);

// unique returns a name that no other test uses.
export function unique(prefix = 'x') {
  return `${prefix}-${randomBytes(5).toString('hex')}`;
}

// people creates users with the given prefixes and returns their ids.
export async function people(...prefixes) {
  const ids = prefixes.map((p) => unique(p));
  await admin.upsertUsers(ids.map((id, i) => ({ id, name: prefixes[i] })));
  return ids;
}

// login connects a user over a real socket and returns the client.
export async function login(id, options = {}, details = {}) {
  const c = browser(options);
  await c.connectUser({ id, ...details }, admin.createToken(id));
  return c;
}

// login2 is login to the second app.
export async function login2(id, options = {}, details = {}) {
  const c = browser(options, key2);
  await c.connectUser({ id, ...details }, admin2.createToken(id));
  return c;
}

// close disconnects every client that login and browser made.
export async function close() {
  const all = [...open];
  open.clear();
  await Promise.allSettled(all.map((c) => c.disconnectUser(500)));
}

// next resolves with the next event of a type, from a client or a channel. Ask before acting.
export function next(target, type, match = () => true, ms = patience) {
  const seen = [];
  const p = new Promise((resolve, reject) => {
    const all = target.on((e) => seen.push(e.type));
    const done = () => {
      clearTimeout(timer);
      all.unsubscribe();
      one.unsubscribe();
    };
    const one = target.on(type, (e) => {
      if (!match(e)) return;
      done();
      resolve(e);
    });
    const timer = setTimeout(() => {
      done();
      reject(new Error(`no ${type} within ${ms} ms; seen: ${seen.join(', ') || 'nothing'}`));
    }, ms);
  });
  p.catch(() => {}); // an earlier failure of the test must not be hidden by this one
  return p;
}

// record collects every event from now on.
export function record(target) {
  const events = [];
  const sub = target.on((e) => events.push(e));
  return {
    events,
    types: () => events.map((e) => e.type),
    of: (type) => events.filter((e) => e.type === type),
    stop: () => sub.unsubscribe(),
  };
}

// fence sends a custom event through a channel and waits until it arrives: whatever the channel
// was told before is then known to have arrived, or not to come at all.
export async function fence(sender, receiver) {
  const mark = unique('fence');
  const got = next(receiver, 'fence', (e) => e.mark === mark);
  await sender.sendEvent({ type: 'fence', mark });
  return got;
}

// eventually retries until fn returns without throwing, and returns what it returned.
export async function eventually(fn, ms = patience) {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await fn();
    } catch (e) {
      if (Date.now() > end) throw e;
    }
    await pause(30);
  }
}

// refused checks that a call fails with the vendor's code and HTTP status in the SDK's own error.
export async function refused(promise, code, status, text) {
  let err;
  try {
    await promise;
  } catch (e) {
    err = e;
  }
  assert.ok(err, `expected error ${code}, but the call succeeded`);
  assert.equal(err.code, code, `code of: ${err.message}`);
  assert.equal(err.status ?? err.StatusCode, status, `status of: ${err.message}`);
  if (text) assert.match(err.message, text);
  return err;
}

// texts maps messages to their texts.
export const texts = (messages) => messages.map((m) => m.text);

// cable is a TCP proxy in front of the server. cut() drops every connection through it and refuses
// new ones until mend(); with blockSockets, WebSocket upgrades are dropped and plain HTTP passes.
export async function cable({ blockSockets = false } = {}) {
  const target = new URL(base);
  const pairs = new Set();
  let down = false;
  let upgrades = 0;
  const srv = net.createServer((a) => {
    if (down) return a.destroy();
    const b = net.connect(Number(target.port), target.hostname);
    const pair = [a, b];
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      a.destroy();
      b.destroy();
    };
    for (const s of pair) s.on('error', end).on('close', end);
    a.once('data', (first) => {
      if (first.toString('latin1').includes('/connect?')) {
        upgrades++;
        if (blockSockets) return end();
      }
      b.write(first);
      a.pipe(b);
    });
    b.pipe(a);
  });
  await new Promise((r) => srv.listen(0, '127.0.0.1', r));
  return {
    url: `http://127.0.0.1:${srv.address().port}`,
    upgrades: () => upgrades,
    cut() {
      down = true;
      for (const [a, b] of pairs) {
        a.destroy();
        b.destroy();
      }
    },
    mend() {
      down = false;
    },
    async close() {
      this.cut();
      await new Promise((r) => srv.close(r));
    },
  };
}

// endpoint is an HTTP server of the app's own: it records calls and answers with answer(call).
export async function endpoint(answer = () => ({})) {
  const calls = [];
  const waiting = [];
  const srv = http.createServer((rq, rs) => {
    const chunks = [];
    rq.on('data', (c) => chunks.push(c));
    rq.on('end', async () => {
      const raw = Buffer.concat(chunks);
      const call = { method: rq.method, path: rq.url, headers: rq.headers, raw };
      calls.push(call);
      for (const w of [...waiting]) w();
      const { status = 200, body = {}, delay = 0 } = (await answer(call)) ?? {};
      if (delay) await pause(delay);
      rs.writeHead(status, { 'content-type': 'application/json' });
      rs.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise((r) => srv.listen(0, '127.0.0.1', r));
  return {
    url: `http://127.0.0.1:${srv.address().port}`,
    calls,
    // until resolves with the first call that matches, past or future.
    until(match, ms = patience) {
      const find = () => calls.find(match);
      return new Promise((resolve, reject) => {
        const check = () => {
          const hit = find();
          if (!hit) return;
          waiting.splice(waiting.indexOf(check), 1);
          clearTimeout(timer);
          resolve(hit);
        };
        const timer = setTimeout(
          () => reject(new Error(`no such call within ${ms} ms; ${calls.length} calls seen`)),
          ms,
        );
        waiting.push(check);
        check();
      });
    },
    close: () =>
      new Promise((r) => {
        srv.closeAllConnections();
        srv.close(r);
      }),
  };
}

// raw sends one request without the SDK and returns status, headers and the parsed body.
export async function raw(method, path, { query = {}, body, headers = {}, token, apiKey = key } = {}) {
  const u = new URL(base + path);
  if (apiKey) u.searchParams.set('api_key', apiKey);
  for (const [k, v] of Object.entries(query)) {
    u.searchParams.set(k, typeof v === 'string' ? v : JSON.stringify(v));
  }
  const rs = await fetch(u, {
    method,
    headers: {
      'Stream-Auth-Type': 'jwt',
      ...(token ? { Authorization: token } : {}),
      ...(body !== undefined ? { 'Content-Type': 'application/json' } : {}),
      ...headers,
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await rs.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    // left undefined: the caller asserts on it
  }
  return { status: rs.status, headers: rs.headers, text, body: json };
}

export { admin, admin2, pause, assert };
