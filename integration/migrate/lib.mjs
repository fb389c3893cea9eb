// What the rehearsals of this folder share: the operator's API, and a load that remembers what it sent.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

export function need(name) {
  const v = process.env[name];
  if (!v) throw new Error(`${name} is not set: these tests are run by go test`);
  return v;
}

const admin = need('ADMIN_URL');
const password = need('ADMIN_PASSWORD');

// operator calls the operations listener and returns status and body.
export async function operator(method, path, body) {
  const rs = await fetch(admin + path, {
    method,
    headers: { authorization: `Bearer ${password}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: rs.status, body: await rs.json() };
}

// report is how both sides agree for a dialect.
export async function report(dialect) {
  const { status, body } = await operator('GET', `/admin/shadow/report?app=demo&dialect=${dialect}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body[0];
}

// ready waits until the report says that nothing speaks against the next step.
export async function ready(dialect, ms = 30_000) {
  const end = Date.now() + ms;
  for (;;) {
    const r = await report(dialect);
    if (r?.ready) return r;
    if (Date.now() > end) assert.fail(`not ready: ${JSON.stringify(r, null, 1)}`);
    await pause(100);
  }
}

// choose switches the mode. The hand-over is refused while something is under way; then it is tried again.
export async function choose(dialect, mode, ms = 30_000) {
  const end = Date.now() + ms;
  for (;;) {
    const { status, body } = await operator('PUT', '/admin/modes', { app: 'demo', dialect, mode, note: 'rehearsal' });
    if (status === 200) {
      await operator('POST', '/admin/shadow/reset', { app: 'demo', dialect });
      return;
    }
    if (Date.now() > end) assert.fail(`${mode}: ${status} ${JSON.stringify(body)}`);
    await pause(200);
  }
}

// Load calls send over and over, one call at a time, until it is stopped. sent holds the names of what
// was acknowledged, in order; failures what was not.
// A load that asks whether it may go on waits for clients that are behind: an app that comes again later
// than its SDK can catch up with loses nothing at the server, yet sees a hole until it scrolls back.
export class Load {
  constructor(send, every = 50, behind = () => false) {
    this.sent = [];
    this.failures = [];
    this.on = true;
    this.done = (async () => {
      for (let n = 0; this.on; n++) {
        try {
          this.sent.push(await send(n));
        } catch (e) {
          this.failures.push(`${n}: ${e.message ?? JSON.stringify(e)}`);
        }
        await pause(every);
        for (const end = Date.now() + 15_000; behind(this.sent) && Date.now() < end; ) await pause(20);
      }
    })();
  }

  // more waits until that many more were sent.
  async more(count, ms = 30_000) {
    const goal = this.sent.length + count;
    const end = Date.now() + ms;
    while (this.sent.length < goal) {
      assert.ok(Date.now() < end, `the load stands still: ${this.failures.slice(-3).join('; ')}`);
      await pause(20);
    }
  }

  async stop() {
    this.on = false;
    await this.done;
  }
}

// exactly checks that a list holds each of the names once, in their order, and nothing else.
export function exactly(what, got, want) {
  const seen = new Map();
  for (const g of got) seen.set(g, (seen.get(g) ?? 0) + 1);
  const lost = want.filter((w) => !seen.has(w));
  const twice = [...seen].filter(([, n]) => n > 1).map(([k]) => k);
  assert.deepEqual({ lost, twice, more: got.length - want.length }, { lost: [], twice: [], more: 0 }, what);
  assert.deepEqual(got, want, `${what}: the order`);
}

export { assert, pause };
