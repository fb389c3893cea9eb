// Measures how long a text takes from the sender's call of its SDK to the receiver's callback, for every
// pair of dialects, in one run: people with the four vendors' unmodified SDKs, each in a process of its own,
// in one group. Every process takes its times from the same clock of the machine. Prints one JSON line.
//
//	node latency.mjs ROUNDS
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const rounds = Number(process.argv[2] ?? 50);
const vendors = ['stream', 'cometchat', 'agora', 'nexconn'];
const texts = { stream: ['message.new', (a) => a[0].message.text], cometchat: ['onTextMessageReceived', (a) => a[0].text], agora: ['onTextMessage', (a) => a[0].msg], nexconn: ['MESSAGES', (a) => a[0].content?.content] };

class Guest {
  constructor(vendor, id) {
    Object.assign(this, { vendor, id, next: 1, calls: new Map(), heard: new Map(), waiting: new Map() });
    this.child = spawn(process.execPath, [fileURLToPath(new URL(`./${vendor}.cjs`, import.meta.url))], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.up = new Promise((resolve) => { this.isUp = resolve; });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.take(JSON.parse(line)));
  }

  take(m) {
    if (m.id) {
      const { resolve, reject } = this.calls.get(m.id);
      this.calls.delete(m.id);
      if (m.error) reject(new Error(`${this.id}: ${JSON.stringify(m.error)}`));
      else resolve(m);
    } else if (m.event === 'ready') {
      this.isUp();
    } else {
      if (m.event === 'onGroupEvent' && m.args[0].operation === 'directJoined') this.room = m.args[0].id;
      const [event, text] = texts[this.vendor];
      if (m.event !== event) return;
      this.heard.set(text(m.args), BigInt(m.at));
      this.waiting.get(text(m.args))?.();
    }
  }

  do(op, args) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ id, op, args })}\n`);
    });
  }

  // told is when a text came.
  told(text) {
    if (this.heard.has(text)) return Promise.resolve(this.heard.get(text));
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`${this.id} was not told ${text}`)), 10_000);
      this.waiting.set(text, () => { clearTimeout(limit); resolve(this.heard.get(text)); });
    });
  }
}

const actors = vendors.map((v) => new Guest(v, `${v}one`));
const ears = vendors.map((v) => new Guest(v, `${v}two`));
const all = [...actors, ...ears];
await Promise.all(all.map((g) => g.up));
await Promise.all(all.map((g) => g.do('login', { id: g.id })));
await ears[0].do('create', { room: 'latency', name: 'Latency', members: all.filter((g) => g !== ears[0]).map((g) => g.id) });
for (const g of all) if (g.vendor !== 'agora') await g.do('watch', { room: 'latency' });
while (!all.every((g) => g.vendor !== 'agora' || g.room)) await new Promise((r) => { setTimeout(r, 5); });

const taken = {};
for (let i = 0; i < rounds + 5; i += 1) {
  for (const by of actors) {
    const text = `${by.vendor} ${i}`;
    const { at } = await by.do('text', { room: by.room ?? 'latency', text });
    const times = await Promise.all(ears.map((g) => g.told(text)));
    if (i < 5) continue; // the first ones warm up
    ears.forEach((g, k) => { (taken[`${by.vendor} to ${g.vendor}`] ??= []).push(Number(times[k] - BigInt(at)) / 1e6); });
  }
}
console.log(JSON.stringify(taken));
for (const g of all) g.child.stdin.end();
