// What the clients of this folder share: one person with one vendor's SDK, in a process of their own,
// who talks in several groups without pause, hears the others, and says on its standard output, one
// JSON object per line, what was acknowledged and what was heard. Its standard input takes "talk",
// "hush" and "history".
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

// me is what the test has given this person to start with.
export const me = JSON.parse(process.env.CHAOS_PEER);

export const tell = (o) => process.stdout.write(`${JSON.stringify(o)}\n`);

// why shortens what an SDK throws, which need not be an error.
export const why = (e) => String(e?.message ?? e?.msg ?? e?.code ?? JSON.stringify(e)).slice(0, 200);

// heard reports a message. session counts the connections of this client so far: within one, a client
// is told the messages of a group in their order.
let session = 0;
export const heard = (group, text, how = 'live') => tell({ heard: text, group, how, session });

// link reports the state of the live link as the SDK sees it.
export function link(up) {
  if (!up) session += 1;
  tell({ link: up });
}

// again calls f until it does not throw, and returns what it returned.
export async function again(f, wait = 300) {
  for (;;) {
    try {
      return await f();
    } catch (e) {
      tell({ note: why(e) });
      await pause(wait);
    }
  }
}

// limit fails for a promise of an SDK that is left hanging.
export function limit(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

let talking = false;
let writers = 0;

// talk writes in one group. compose makes a message and returns a function that sends it, and sends it
// again under the same id when the first answer was none. Where the SDK has no such id, resend is
// false: each try is a message of its own, of which only an acknowledged one has to be there.
async function talk(group, compose, resend) {
  writers += 1;
  for (let n = 1; talking; n += 1) {
    for (let attempt = 1; ; attempt += 1) {
      const text = resend ? `${me.id}/${n}` : `${me.id}/${n}.${attempt}`;
      if (!resend || attempt === 1) tell({ said: text, group });
      try {
        if (!resend || attempt === 1) talk[group] = await compose(group, text);
        await talk[group]();
        tell({ acked: text, group, attempt });
        break;
      } catch (e) {
        tell({ refused: text, group, why: why(e) });
        await pause(250);
        if (!talking && !resend) break;
      }
    }
    await pause(me.rest * (0.5 + Math.random()));
  }
  writers -= 1;
  if (writers === 0) tell({ hushed: true });
}

// run takes the orders of the test.
export function run({ compose, history, resend = true }) {
  tell({ ready: true });
  createInterface({ input: process.stdin }).on('line', async (order) => {
    if (order === 'talk') {
      talking = true;
      for (const g of me.groups) talk(g, compose, resend);
    } else if (order === 'hush') {
      talking = false;
    } else if (order === 'history') {
      for (const g of me.groups) tell({ history: await again(() => limit(history(g), 20_000, 'history')), group: g });
    }
  }).on('close', () => process.exit(0));
}

process.on('uncaughtException', (e) => tell({ note: `uncaught: ${e?.stack ?? why(e)}` }));
process.on('unhandledRejection', (e) => tell({ note: `unhandled: ${e?.stack ?? why(e)}` }));
