// A person with Stream's SDK.
import { randomUUID } from 'node:crypto';
import { StreamChat } from 'stream-chat';
import { again, heard, link, me, run } from './peer.mjs';

const options = { baseURL: me.url, timeout: 5000, allowServerSideConnect: true };
const token = new StreamChat(me.key, me.secret, options).createToken(me.id); // as the app's server makes one
const client = new StreamChat(me.key, options);

const channels = new Map();
const last = new Map(); // the newest message of each group that was there before the link broke

// page reads the messages before one, oldest first.
const page = async (ch, before) => (await ch.query({ messages: { limit: 100, ...(before ? { id_lt: before } : {}) } })).messages;

// missed reads back to what is known. The SDK does that for a screenful; this app shows all.
async function missed(g) {
  const ch = channels.get(g);
  const until = last.get(g);
  const all = [];
  await again(() => ch.watch());
  for (let before; ;) {
    const part = await again(() => page(ch, before));
    const known = part.findIndex((m) => m.id === until);
    all.unshift(...part.slice(known + 1));
    if (known >= 0 || part.length < 100) break;
    before = part[0].id;
  }
  for (const m of all) heard(g, m.text, 'history');
}

async function history(g) {
  const all = [];
  for (let before; ;) {
    const part = await page(channels.get(g), before);
    all.unshift(...part.map((m) => m.text));
    if (part.length < 100) return all;
    before = part[0].id;
  }
}

await client.connectUser({ id: me.id }, token);
let lost = false;
client.on('connection.changed', (e) => {
  if (!e.online && !lost) for (const [g, ch] of channels) last.set(g, ch.state.messages.at(-1)?.id);
  lost = !e.online;
  link(e.online);
});
client.on('connection.recovered', () => { for (const g of channels.keys()) missed(g); });
for (const g of me.groups) {
  const ch = client.channel('messaging', g);
  ch.on('message.new', (e) => heard(g, e.message.text));
  await ch.watch();
  channels.set(g, ch);
}
link(true);

run({
  history,
  async compose(g, text) {
    const id = randomUUID();
    return async () => {
      try {
        await channels.get(g).sendMessage({ id, text });
      } catch (e) {
        if (!String(e.message).includes('already exists')) throw e; // an earlier try of this message has been stored
      }
    };
  },
});
