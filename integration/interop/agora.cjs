'use strict';
// A person with Agora Chat's SDK.
require('../agora/globals.cjs');
const { tell, serve, sdk, back, know, known, need, json, dot } = require('./line.cjs');
const loaded = require('agora-chat');

const AC = loaded.default ?? loaded;
AC.logger?.disableAll?.();
const [base, org, app] = [need('AGORA_URL'), need('AGORA_ORG'), need('AGORA_APP')];
let conn; let me; let token;

const names = [
  'onConnected', 'onDisconnected', 'onTextMessage', 'onImageMessage', 'onAudioMessage', 'onVideoMessage', 'onFileMessage', 'onLocationMessage', 'onCmdMessage',
  'onCustomMessage', 'onCombineMessage', 'onDeliveredMessage', 'onReadMessage', 'onChannelMessage', 'onRecallMessage', 'onModifiedMessage', 'onReactionChange',
  'onGroupEvent', 'onChatroomEvent', 'onContactInvited', 'onContactDeleted', 'onContactAdded', 'onPresenceStatusChange', 'onChatThreadChange', 'onMultiDeviceEvent',
  'onMessagePinEvent', 'onStatisticMessage',
];

async function rest(method, path, body) {
  if (!token) token = (await json('POST', `${base}/${org}/${app}/token`, {}, { grant_type: 'client_credentials', client_id: need('AGORA_CLIENT_ID'), client_secret: need('AGORA_CLIENT_SECRET') })).access_token;
  return json(method, `${base}/${org}/${app}${path}`, { authorization: `Bearer ${token}` }, body);
}

const hear = (name) => (m) => {
  if (name === 'onTextMessage') know(m.msg, m.id, m);
  tell(name, m);
};
const send = async (type, to, set, chatType = 'groupChat') => {
  const out = await conn.send(AC.message.create({ type, to, chatType, ...set }));
  if (type === 'txt') know(set.msg, out.serverMsgId, out.message);
  return { id: out.serverMsgId };
};
const of = async (text) => (await known(text)).id;

async function open(id) {
  me = id;
  conn = new AC.connection({ appKey: `${org}#${app}`, isHttpDNS: false, url: `${base.replace('http', 'ws')}/websocket`, apiUrl: base, https: false });
  conn.addEventHandler('t', Object.fromEntries(names.map((name) => [name, hear(name)])));
  await conn.open({ user: id, pwd: `pw-${id}` });
}

serve({
  login: { run: async ({ id }) => { await rest('POST', '/users', { username: id, password: `pw-${id}` }); await open(id); } },
  watch: { run: async () => null },
  watchto: { run: async () => null },
  subscribe: { run: async ({ users }) => { await conn.subscribePresence({ usernames: users, expiry: 3600 }); } },
  create: sdk('createGroup', async ({ name, members }) => {
    const { data } = await conn.createGroup({ data: { groupname: name, desc: 'd', members, public: true, approval: false, allowinvites: true, inviteNeedConfirm: false, maxusers: 50 } });
    return { room: data.groupid };
  }),
  text: sdk('send', ({ room, text }) => send('txt', room, { msg: text })),
  edit: sdk('modifyMessage', async ({ room, text, old }) => { await conn.modifyMessage({ messageId: await of(old), modifiedMessage: AC.message.create({ type: 'txt', to: room, chatType: 'groupChat', msg: text }) }); }),
  fields: sdk('send, ext', ({ room, text, data }) => send('txt', room, { msg: text, ext: data })),
  custom: sdk('send, custom', ({ room, type, data }) => send('custom', room, { customEvent: type, customExts: data })),
  mention: sdk('send, em_at_list', ({ room, text, target }) => send('txt', room, { msg: text, ext: { em_at_list: [target] } })),
  image: sdk('uploadFile', async ({ room }) => {
    const file = { data: new File([dot], 'dot.png', { type: 'image/png' }), filename: 'dot.png', filetype: 'png', url: '' };
    const done = await new Promise((resolve, reject) => {
      const m = AC.message.create({ type: 'img', to: room, chatType: 'groupChat', file, width: 1, height: 1, onFileUploadComplete: (d) => { m.seen = d; }, onFileUploadError: reject });
      conn.send(m).then(() => resolve(m.seen), reject);
    });
    return { url: done.url ?? `${done.uri}/${done.entities[0].uuid}` };
  }),
  react: sdk('addReaction', async ({ old }) => { await conn.addReaction({ messageId: await of(old), reaction: '👍' }); }),
  unreact: sdk('deleteReaction', async ({ old }) => { await conn.deleteReaction({ messageId: await of(old), reaction: '👍' }); }),
  reply: sdk('createChatThread, send', async ({ room, old, text }) => {
    const { data } = await conn.createChatThread({ name: `about ${old}`, messageId: await of(old), parentId: room });
    return send('txt', data.chatThreadId, { msg: text, isChatThread: true });
  }),
  pin: sdk('pinMessage', async ({ room, old }) => { await conn.pinMessage({ conversationType: 'groupChat', conversationId: room, messageId: await of(old) }); }),
  unpin: sdk('unpinMessage', async ({ room, old }) => { await conn.unpinMessage({ conversationType: 'groupChat', conversationId: room, messageId: await of(old) }); }),
  recall: sdk('recallMessage', async ({ room, old }) => { await conn.recallMessage({ mid: await of(old), to: room, chatType: 'groupChat' }); }),
  typing: sdk('send, cmd', async ({ room }) => { await send('cmd', room, { action: 'TypingBegin' }); }),
  typed: sdk('send, cmd', async ({ room }) => { await send('cmd', room, { action: 'TypingEnd' }); }),
  typingto: sdk('send, cmd', async ({ to }) => { await send('cmd', to, { action: 'TypingBegin' }, 'singleChat'); }),
  read: sdk('send, read', async ({ room, olds }) => { for (const old of olds) await send('read', room, { id: await of(old), ackContent: '{}' }); }),
  readto: sdk('send, channel', async ({ to }) => { await send('channel', to, {}, 'singleChat'); }),
  away: sdk('close', async () => { conn.close(); }),
  back: sdk('open', async ({ id }) => { await open(id); }),
  rename: sdk('modifyGroup', async ({ room, name }) => { await conn.modifyGroup({ groupId: room, groupName: name }); }),
  add: sdk('inviteUsersToGroup', async ({ room, target }) => { await conn.inviteUsersToGroup({ groupId: room, users: [target] }); }),
  kick: sdk('removeGroupMember', async ({ room, target }) => { await conn.removeGroupMember({ groupId: room, username: target }); }),
  promote: sdk('setGroupAdmin', async ({ room, target }) => { await conn.setGroupAdmin({ groupId: room, username: target }); }),
  demote: sdk('removeGroupAdmin', async ({ room, target }) => { await conn.removeGroupAdmin({ groupId: room, username: target }); }),
  mute: sdk('muteGroupMember', async ({ room, target }) => { await conn.muteGroupMember({ groupId: room, username: target, muteDuration: 3_600_000 }); }),
  unmute: sdk('unmuteGroupMember', async ({ room, target }) => { await conn.unmuteGroupMember({ groupId: room, username: target }); }),
  ban: sdk('blockGroupMember', async ({ room, target }) => { await conn.blockGroupMember({ groupId: room, username: target }); }),
  unban: sdk('unblockGroupMember', async ({ room, target }) => { await conn.unblockGroupMember({ groupId: room, username: target }); }),
  freeze: sdk('disableSendGroupMsg', async ({ room }) => { await conn.disableSendGroupMsg({ groupId: room }); }),
  thaw: sdk('enableSendGroupMsg', async ({ room }) => { await conn.enableSendGroupMsg({ groupId: room }); }),
  join: sdk('joinGroup', async ({ room }) => { await conn.joinGroup({ groupId: room, message: 'please' }); }),
  leave: sdk('leaveGroup', async ({ room }) => { await conn.leaveGroup({ groupId: room }); }),
  direct: sdk('send', ({ to, text }) => send('txt', to, { msg: text }, 'singleChat')),
  block: sdk('addUsersToBlocklist', async ({ to }) => { await conn.addUsersToBlocklist({ name: [to] }); }),
  unblock: sdk('removeUserFromBlocklist', async ({ to }) => { await conn.removeUserFromBlocklist({ name: [to] }); }),
  makeroom: back('POST /chatrooms', async ({ name }) => ({ room: (await rest('POST', '/chatrooms', { name, description: 'r', maxusers: 50, owner: me, members: [] })).data.id })),
  enter: sdk('joinChatRoom', async ({ room }) => { await conn.joinChatRoom({ roomId: room }); }),
  exit: sdk('leaveChatRoom', async ({ room }) => { await conn.leaveChatRoom({ roomId: room }); }),
  roomtext: sdk('send', ({ room, text }) => send('txt', room, { msg: text }, 'chatRoom')),
  dissolve: sdk('destroyGroup', async ({ room }) => { await conn.destroyGroup({ groupId: room }); }),
  unread: sdk('getServerConversations', async ({ room }) => {
    const { data } = await conn.getServerConversations({ pageSize: 50, cursor: '' });
    return { unread: data.conversations.find((c) => c.conversationId === room)?.unReadCount ?? 0 };
  }),
});
