'use strict';
// The line protocol of a person of the room: requests come as JSON lines on stdin and are answered on
// stdout, and so is everything the vendor's SDK calls back, as it comes and with the time it came, on the
// clock that all processes of a machine share. What an SDK prints goes to stderr.
const { createInterface } = require('node:readline');

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

const now = () => process.hrtime.bigint();
const put = (o) => { write(`${JSON.stringify(o)}\n`); };

// plain is a value as far as it can be written down.
function plain(v) {
  const seen = new WeakSet();
  return JSON.parse(JSON.stringify(v ?? null, (k, x) => {
    if (x === null || typeof x !== 'object') return typeof x === 'bigint' ? String(x) : x;
    if (seen.has(x) && Object.keys(x).length > 40) return undefined;
    seen.add(x);
    return x;
  }));
}

// tell reports a callback of the SDK.
function tell(event, ...args) {
  const at = now();
  put({ event, at: String(at), args: plain(args) });
}

function failure(e) {
  return { code: e?.code ?? e?.type ?? e?.response?.data?.code ?? null, message: String(e?.message ?? JSON.stringify(e)), data: plain(e?.data ?? e?.response?.data ?? e?.details) };
}

// A book remembers the messages of this person by their text, which the table keeps unique.
const book = new Map();
const waiting = new Map();
function know(text, id, message) {
  if (typeof text !== 'string' || text === '') return;
  const k = { id: String(id), message };
  book.set(text, k);
  for (const f of waiting.get(text) ?? []) f(k);
  waiting.delete(text);
}
function known(text) {
  if (book.has(text)) return Promise.resolve(book.get(text));
  return new Promise((resolve) => { waiting.set(text, [...(waiting.get(text) ?? []), resolve]); });
}

// sdk is something done with the vendor's SDK, back by the vendor's server API; how is the call's name.
const sdk = (how, run) => ({ how, by: 'sdk', run });
const back = (how, run) => ({ how, by: 'server', run });

// serve answers requests by a table of operations.
function serve(ops) {
  const table = { ...ops, know: { run: async ({ text }) => ({ id: (await known(text)).id }) } };
  process.on('uncaughtException', (e) => tell('uncaught', failure(e)));
  process.on('unhandledRejection', (e) => tell('uncaught', failure(e)));
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    const { id, op, args } = JSON.parse(line);
    const at = String(now());
    try {
      if (!table[op]) throw new Error(`there is no ${op} here`);
      put({ id, at, value: plain(await table[op].run(args)) });
    } catch (e) {
      put({ id, at, error: failure(e) });
    }
  });
  lines.on('close', () => process.exit(0));
  put({ event: 'ready', at: String(now()), args: [Object.fromEntries(Object.entries(ops).filter(([, o]) => o.how).map(([name, o]) => [name, { how: o.how, by: o.by }]))] });
}

function need(name) {
  const v = process.env[name];
  if (!v) throw new Error(`${name} is not set`);
  return v;
}

// json asks a server and returns what it says; it fails for what is refused.
async function json(method, url, headers, body) {
  const r = await fetch(url, { method, headers: { 'content-type': 'application/json', ...headers }, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await r.text();
  let out;
  try { out = JSON.parse(text); } catch { out = { text }; }
  if (!r.ok) throw Object.assign(new Error(`${method} ${url} answered ${r.status}: ${text.slice(0, 400)}`), { code: out?.error?.code ?? out?.code ?? r.status, data: out });
  return out;
}

// dot is a picture of one pixel.
const dot = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

module.exports = { tell, serve, sdk, back, know, known, need, json, dot };
