// A person with Agora's SDK.
import { createRequire } from 'node:module';
import { heard, limit, link, me, run } from './peer.mjs';

const require = createRequire(import.meta.url);
require('../agora/globals.cjs');
// A browser keeps what the SDK calls its device: under another name a message sent again is another one.
const kept = new Map();
globalThis.localStorage = { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
const loaded = require(me.package);
const sdk = loaded.default ?? loaded;
sdk.logger?.disableAll?.();

// The SDK gives up after so many attempts, and then it is for the app to log in again.
const conn = new sdk.connection({
  appKey: me.appKey, isHttpDNS: false, url: `${me.url.replace('http', 'ws')}/websocket`, apiUrl: me.url, https: false, autoReconnectNumMax: 10_000,
});
conn.addEventHandler('t', {
  onConnected: () => link(true),
  onDisconnected: () => link(false),
  onReconnecting: () => link(false),
  onTextMessage: (m) => heard(m.to, m.msg),
});
await conn.open({ user: me.id, pwd: me.password });

run({
  async history(g) {
    const all = [];
    for (let cursor = -1; ;) {
      const out = await conn.getHistoryMessages({ targetId: g, chatType: 'groupChat', pageSize: 50, cursor, searchDirection: 'up' });
      all.unshift(...out.messages.map((m) => m.msg).reverse());
      if (out.isLast || out.messages.length === 0) return all;
      cursor = out.cursor;
    }
  },
  async compose(g, text) {
    const m = sdk.message.create({ type: 'txt', to: g, chatType: 'groupChat', msg: text });
    return () => limit(conn.send(m), 8000, 'send');
  },
});
