// A person with Nexconn's SDK.
import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { again, heard, limit, link, me, run, tell } from './peer.mjs';

const require = createRequire(import.meta.url);
require('../nexconn/globals.cjs');
const RC = require('@rongcloud/imlib-next');

// token asks the app's own server for an access token, which is this process too.
async function token() {
  const nonce = randomBytes(8).toString('hex');
  const stamp = String(Date.now());
  const r = await fetch(`${me.url}/v4/auth/access-token/issue`, {
    method: 'POST',
    headers: { 'App-Key': me.key, Nonce: nonce, Timestamp: stamp, 'Content-Type': 'application/json', Signature: createHash('sha1').update(me.secret + nonce + stamp).digest('hex') },
    body: JSON.stringify({ userId: me.id, name: me.id }),
  });
  return (await r.json()).result.accessToken;
}

const group = (targetId) => ({ conversationType: 3, targetId });

RC.init({ appkey: me.key, navigators: [me.url], logLevel: 4 });
RC.addEventListener(RC.Events.MESSAGES, ({ messages }) => {
  for (const m of messages) if (m.messageType === 'RC:TxtMsg') heard(m.targetId, m.content.content);
});
RC.addEventListener(RC.Events.CONNECTED, () => link(true));
RC.addEventListener(RC.Events.SUSPEND, () => link(false));
RC.addEventListener(RC.Events.DISCONNECT, (code) => {
  link(false);
  tell({ note: `disconnected for good: ${code}` });
});
const access = await token();
await again(async () => {
  const out = await RC.connect(access);
  if (out.code !== 0) throw out;
});

run({
  resend: false,
  async history(g) {
    const all = [];
    for (let timestamp = 0; ;) {
      const out = await RC.getHistoryMessages(group(g), { timestamp, count: 100, order: 0 });
      if (out.code !== 0) throw out;
      all.unshift(...out.data.list.filter((m) => m.messageType === 'RC:TxtMsg').map((m) => m.content.content));
      if (!out.data.hasMore || out.data.list.length === 0) return all;
      timestamp = out.data.list[0].sentTime;
    }
  },
  async compose(g, text) {
    return async () => {
      const out = await limit(RC.sendMessage(group(g), new RC.TextMessage({ content: text })), 8000, 'send');
      if (out.code !== 0) throw out;
    };
  },
});
