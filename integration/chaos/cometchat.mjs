// A person with CometChat's SDK.
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { again, heard, limit, link, me, run } from './peer.mjs';

const require = createRequire(import.meta.url);
require('../cometchat/globals.cjs');
const { CometChat } = require('@cometchat/chat-sdk-javascript');

// texts reads the messages of a group after one, or the whole story.
async function texts(g, after) {
  const b = new CometChat.MessagesRequestBuilder().setGUID(g).setLimit(100).setCategories(['message']).setTypes(['text']);
  const q = b.setMessageId(after).build();
  const all = [];
  for (;;) {
    const part = await q.fetchNext();
    all.push(...part);
    if (part.length < 100) return all;
  }
}

const last = new Map(me.groups.map((g) => [g, 1])); // the newest message heard
const since = new Map(last); // the same when the link was lost

const settings = new CometChat.AppSettingsBuilder().setRegion('us').overrideAdminHost(`${me.host}/v3.0`).overrideClientHost(`${me.host}/v3.0`);
await CometChat.init(me.app, settings.build());
CometChat.addMessageListener('t', new CometChat.MessageListener({
  onTextMessageReceived(m) {
    last.set(m.getReceiverId(), m.getId());
    heard(m.getReceiverId(), m.getText());
  },
}));

// missed reads what was said meanwhile: the SDK leaves that to the app.
async function missed(g) {
  const after = since.get(g);
  for (const m of await again(() => limit(texts(g, after), 10_000, 'messages'))) heard(g, m.getText(), 'history');
}
CometChat.addConnectionListener('t', new CometChat.ConnectionListener({
  onConnected() {
    link(true);
    for (const g of me.groups) missed(g);
    // The SDK says so when the socket is open, which is before the server has let the link in: what is
    // said between the first look and that is found by a second one.
    setTimeout(() => { for (const g of me.groups) missed(g); }, 3000);
  },
  onDisconnected() {
    for (const [g, id] of last) since.set(g, id);
    link(false);
  },
}));
await CometChat.login(me.id, me.authKey);

run({
  history: async (g) => (await texts(g, 1)).map((m) => m.getText()),
  async compose(g, text) {
    const muid = randomUUID();
    return () => {
      const m = new CometChat.TextMessage(g, text, 'group');
      m.setMuid(muid);
      return limit(CometChat.sendMessage(m), 8000, 'send');
    };
  },
});
