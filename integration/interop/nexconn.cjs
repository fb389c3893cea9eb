'use strict';
// A person with Nexconn's SDK.
const { createHash, randomBytes } = require('node:crypto');

const nodeFetch = globalThis.fetch;
require('../nexconn/globals.cjs');
globalThis.fetch = nodeFetch;
const RC = require('@rongcloud/imlib-next');
const { tell, serve, sdk, back, know, known, need, json } = require('./line.cjs');

const [base, appkey, secret] = [need('NEXCONN_URL'), need('NEXCONN_KEY'), need('NEXCONN_SECRET')];
let me; let token; let Custom;

async function rest(path, body) {
  const [nonce, stamp] = [randomBytes(8).toString('hex'), String(Date.now())];
  const out = await json('POST', `${base}/v4${path}`, { 'App-Key': appkey, Nonce: nonce, Timestamp: stamp, Signature: createHash('sha1').update(secret + nonce + stamp).digest('hex') }, body);
  if (out.code !== 0) throw Object.assign(new Error(`${path}: ${JSON.stringify(out)}`), { code: out.code });
  return out.result;
}

// must is the data of an answer of the SDK, which never throws.
async function must(promise) {
  const out = await promise;
  if (out.code !== 0) throw Object.assign(new Error(`the SDK answered ${out.code} ${out.msg ?? ''}`), { code: out.code });
  return out.data;
}

const group = (id) => ({ conversationType: RC.ConversationType.GROUP, targetId: id });
const direct = (id) => ({ conversationType: RC.ConversationType.PRIVATE, targetId: id });
const open = (id) => ({ conversationType: RC.ConversationType.CHATROOM, targetId: id });
const heard = (m) => know(m.content?.content, m.messageUId, m);
const of = async (text) => (await known(text)).message;
async function sent(to, message, options) {
  const m = await must(RC.sendMessage(to, message, options));
  heard(m);
  return { id: m.messageUId };
}
const words = (content, more) => new RC.TextMessage({ content, ...more });

let enabled;
const ready = () => new Promise((resolve) => { enabled = resolve; });

// listen reports every event of the SDK by its name; messages, which come in lists, one by one.
function listen() {
  for (const [name, id] of Object.entries(RC.Events)) {
    RC.addEventListener(id, (...args) => {
      if (name === 'ULTRA_GROUP_ENABLE') enabled?.();
      if (name !== 'MESSAGES') { tell(name, ...args); return; }
      for (const m of args[0].messages) { heard(m); tell(name, m); }
    });
  }
}

serve({
  login: { run: async ({ id }) => {
    me = id;
    token = (await rest('/auth/access-token/issue', { userId: id, name: id })).accessToken;
    RC.init({ appkey, navigators: [base], logLevel: 4 });
    Custom = RC.registerMessageType('order', true, true, [], false);
    listen();
    const up = ready();
    await must(RC.connect(token));
    await up;
  } },
  watch: { run: async () => null },
  watchto: { run: async () => null },
  subscribe: { run: async ({ users }) => { await must(RC.subscribeUserStatus(users, RC.SubscribeType?.ONLINE_STATUS ?? 1, 3600)); } },
  create: sdk('createGroup', async ({ room, name, members }) => {
    await must(RC.createGroup({ groupId: room, groupName: name, joinPermission: 1, inviteHandlePermission: 0 }, members));
    return { room };
  }),
  text: sdk('sendMessage', ({ room, text }) => sent(group(room), words(text))),
  edit: sdk('modifyMessageWithParams', async ({ room, text, old }) => { await must(RC.modifyMessageWithParams({ conversation: group(room), messageUId: (await of(old)).messageUId, messageContent: { content: text } })); }),
  fields: sdk('sendMessage, extra', ({ room, text, data }) => sent(group(room), words(text, { extra: JSON.stringify(data) }))),
  custom: sdk('registerMessageType', async ({ room, data }) => { await must(RC.sendMessage(group(room), new Custom(data))); }),
  mention: sdk('sendMessage, isMentioned', ({ room, text, target }) => sent(group(room), words(text, { mentionedInfo: { type: 2, userIdList: [target] } }), { isMentioned: true })),
  quote: sdk('ReferenceMessage', async ({ room, old, text }) => {
    const m = await of(old);
    return sent(group(room), new RC.ReferenceMessage({ content: text, referMsgUserId: m.senderUserId, referMsg: m.content, referMsgUid: m.messageUId, objName: m.messageType }));
  }),
  recall: sdk('recallMessage', async ({ room, old }) => { const m = await of(old); await must(RC.recallMessage(group(room), { messageUId: m.messageUId, sentTime: m.sentTime })); }),
  typingto: sdk('sendTypingStatusMessage', async ({ to }) => { await must(RC.sendTypingStatusMessage(direct(to), 'RC:TxtMsg')); }),
  read: sdk('sendReadReceiptResponseV5', async ({ room, olds }) => { await must(RC.sendReadReceiptResponseV5(group(room), await Promise.all(olds.map(async (o) => (await of(o)).messageUId)))); }),
  readto: sdk('sendReadReceiptMessage', async ({ to, old }) => { const m = await of(old); await must(RC.sendReadReceiptMessage(to, m.messageUId, m.sentTime)); }),
  away: sdk('disconnect', async () => { await RC.disconnect(); }),
  back: sdk('connect', async () => { await must(RC.connect(token)); }),
  rename: sdk('updateGroupInfo', async ({ room, name }) => { await must(RC.updateGroupInfo({ groupId: room, groupName: name })); }),
  add: sdk('inviteUsersToGroup', async ({ room, target }) => { await must(RC.inviteUsersToGroup(room, [target])); }),
  kick: sdk('kickGroupMembers', async ({ room, target }) => { await must(RC.kickGroupMembers(room, [target], {})); }),
  promote: sdk('addGroupManagers', async ({ room, target }) => { await must(RC.addGroupManagers(room, [target])); }),
  demote: sdk('removeGroupManagers', async ({ room, target }) => { await must(RC.removeGroupManagers(room, [target])); }),
  mute: back('/group-channel/user/mute-list/add', async ({ room, target }) => { await rest('/group-channel/user/mute-list/add', { channelId: room, userIds: [target], durationMinutes: 60 }); }),
  unmute: back('/group-channel/user/mute-list/remove', async ({ room, target }) => { await rest('/group-channel/user/mute-list/remove', { channelId: room, userIds: [target] }); }),
  freeze: back('/group-channel/freeze-list/add', async ({ room }) => { await rest('/group-channel/freeze-list/add', { channelIds: [room] }); }),
  thaw: back('/group-channel/freeze-list/remove', async ({ room }) => { await rest('/group-channel/freeze-list/remove', { channelIds: [room] }); }),
  join: sdk('joinGroup', async ({ room }) => { await must(RC.joinGroup(room)); }),
  leave: sdk('quitGroup', async ({ room }) => { await must(RC.quitGroup(room, {})); }),
  direct: sdk('sendMessage', ({ to, text }) => sent(direct(to), words(text))),
  block: back('/user/blocklist/add', async ({ to }) => { await rest('/user/blocklist/add', { userId: me, targetUserIds: [to] }); }),
  unblock: back('/user/blocklist/remove', async ({ to }) => { await rest('/user/blocklist/remove', { userId: me, blockedUserIds: [to] }); }),
  enter: sdk('joinChatRoom', async ({ room }) => { await must(RC.joinChatRoom(room, { count: -1 })); }),
  exit: sdk('quitChatRoom', async ({ room }) => { await must(RC.quitChatRoom(room)); }),
  roomtext: sdk('sendMessage', ({ room, text }) => sent(open(room), words(text))),
  dissolve: sdk('dismissGroup', async ({ room }) => { await must(RC.dismissGroup(room)); }),
  unread: sdk('getUnreadCount', async ({ room }) => ({ unread: await must(RC.getUnreadCount(group(room))) })),
});
