'use strict';
// A person with CometChat's SDK.
require('../cometchat/globals.cjs');
const { CometChat } = require('@cometchat/chat-sdk-javascript');
const { tell, serve, sdk, know, known, need, json, dot } = require('./line.cjs');

const host = need('COMET_HOST');
const [app, authKey, apiKey] = [need('COMET_APP'), need('COMET_AUTH_KEY'), need('COMET_API_KEY')];
let me;

const rest = (method, path, body) => json(method, `https://${host}/v3.0${path}`, { appid: app, apikey: apiKey }, body);
const of = async (text) => Number((await known(text)).id);
const heard = (name) => (m) => {
  know(m.getText?.() ?? m.text, m.getId(), m);
  tell(name, m);
};
const others = (names) => Object.fromEntries(names.map((n) => [n, (...args) => tell(n, ...args)]));
async function sent(m) { const out = await CometChat.sendMessage(m); know(out.getText(), out.getId(), out); return { id: String(out.getId()) }; }
const text = (to, words, type) => new CometChat.TextMessage(to, words, type);

function listen() {
  CometChat.addMessageListener('t', new CometChat.MessageListener({
    ...others(['onTypingStarted', 'onTypingEnded', 'onMessagesDelivered', 'onMessagesRead', 'onMessagesReadByAll', 'onMessagesDeliveredToAll', 'onMessageEdited',
      'onMessageDeleted', 'onTransientMessageReceived', 'onMessageReactionAdded', 'onMessageReactionRemoved', 'onInteractiveMessageReceived', 'onMessagePinned', 'onMessageUnpinned']),
    ...Object.fromEntries(['onTextMessageReceived', 'onMediaMessageReceived', 'onCustomMessageReceived'].map((n) => [n, heard(n)])),
  }));
  CometChat.addUserListener('t', new CometChat.UserListener(others(['onUserOnline', 'onUserOffline'])));
  CometChat.addGroupListener('t', new CometChat.GroupListener(others([
    'onGroupMemberJoined', 'onGroupMemberLeft', 'onGroupMemberKicked', 'onGroupMemberBanned', 'onGroupMemberUnbanned', 'onGroupMemberScopeChanged', 'onMemberAddedToGroup',
  ])));
  CometChat.addCallListener('t', new CometChat.CallListener(others([
    'onIncomingCallReceived', 'onOutgoingCallAccepted', 'onOutgoingCallRejected', 'onIncomingCallCancelled', 'onCallEndedMessageReceived',
  ])));
}

// online waits until the server has let the live link in; the SDK's own word comes before.
async function online() {
  const end = Date.now() + 20_000;
  for (;;) {
    if (CometChat.getConnectionStatus() === 'connected' && (await rest('GET', `/users/${me}`)).data.status === 'online') return;
    if (Date.now() > end) throw new Error(`${me} is ${CometChat.getConnectionStatus()}`);
    await new Promise((r) => { setTimeout(r, 15); });
  }
}

serve({
  login: { run: async ({ id }) => {
    me = id;
    await rest('POST', '/users', { uid: id, name: id });
    await CometChat.init(app, new CometChat.AppSettingsBuilder().setRegion('us').subscribePresenceForAllUsers().overrideAdminHost(`${host}/v3.0`).overrideClientHost(`${host}/v3.0`).build());
    listen();
    await CometChat.login(id, authKey);
    await online();
  } },
  watch: { run: async () => null },
  watchto: { run: async () => null },
  subscribe: { run: async () => null }, // of all users, asked for when the SDK starts
  create: sdk('createGroup', async ({ room, name, members }) => {
    await CometChat.createGroup(new CometChat.Group(room, name, 'public'));
    await CometChat.addMembersToGroup(room, members.map((u) => new CometChat.GroupMember(u, CometChat.GROUP_MEMBER_SCOPE.PARTICIPANT)), []);
    return { room };
  }),
  text: sdk('sendMessage', ({ room, text: words }) => sent(text(room, words, 'group'))),
  edit: sdk('editMessage', async ({ room, text: words, old }) => { const m = text(room, words, 'group'); m.setId(await of(old)); await CometChat.editMessage(m); }),
  fields: sdk('setMetadata', ({ room, text: words, data }) => { const m = text(room, words, 'group'); m.setMetadata(data); return sent(m); }),
  custom: sdk('sendCustomMessage', async ({ room, type, data }) => { await CometChat.sendCustomMessage(new CometChat.CustomMessage(room, 'group', type, data)); }),
  mention: sdk('sendMessage', ({ room, text: words, target }) => sent(text(room, `${words} <@uid:${target}>`, 'group'))),
  image: sdk('sendMediaMessage', async ({ room }) => {
    const m = await CometChat.sendMediaMessage(new CometChat.MediaMessage(room, new File([dot], 'dot.png', { type: 'image/png' }), 'image', 'group'));
    return { url: m.getAttachments()[0].getUrl() };
  }),
  react: sdk('addReaction', async ({ old }) => { await CometChat.addReaction(await of(old), '👍'); }),
  unreact: sdk('removeReaction', async ({ old }) => { await CometChat.removeReaction(await of(old), '👍'); }),
  reply: sdk('setParentMessageId', async ({ room, old, text: words }) => { const m = text(room, words, 'group'); m.setParentMessageId(await of(old)); return sent(m); }),
  quote: sdk('setQuotedMessageId', async ({ room, old, text: words }) => { const m = text(room, words, 'group'); m.setQuotedMessageId(await of(old)); return sent(m); }),
  pin: sdk('pinMessage', async ({ old }) => { await CometChat.pinMessage(await of(old)); }),
  unpin: sdk('unpinMessage', async ({ old }) => { await CometChat.unpinMessage(await of(old)); }),
  recall: sdk('deleteMessage', async ({ old }) => { await CometChat.deleteMessage(await of(old)); }),
  typing: sdk('startTyping', async ({ room }) => { CometChat.startTyping(new CometChat.TypingIndicator(room, 'group')); }),
  typed: sdk('endTyping', async ({ room }) => { CometChat.endTyping(new CometChat.TypingIndicator(room, 'group')); }),
  typingto: sdk('startTyping', async ({ to }) => { CometChat.startTyping(new CometChat.TypingIndicator(to, 'user')); }),
  read: sdk('markAsRead', async ({ olds }) => { for (const old of olds) await CometChat.markAsRead(await CometChat.getMessageDetails(await of(old))); }),
  readto: sdk('markAsRead', async ({ old }) => { await CometChat.markAsRead(await CometChat.getMessageDetails(await of(old))); }),
  delivered: sdk('markAsDelivered', async ({ olds }) => { for (const old of olds) await CometChat.markAsDelivered(await CometChat.getMessageDetails(await of(old))); }),
  away: sdk('disconnect', async () => { await CometChat.disconnect(); }),
  back: sdk('connect', async () => { await CometChat.connect(); await online(); }),
  rename: sdk('updateGroup', async ({ room, name }) => { await CometChat.updateGroup(new CometChat.Group(room, name, 'public')); }),
  add: sdk('addMembersToGroup', async ({ room, target }) => { await CometChat.addMembersToGroup(room, [new CometChat.GroupMember(target, CometChat.GROUP_MEMBER_SCOPE.PARTICIPANT)], []); }),
  kick: sdk('kickGroupMember', async ({ room, target }) => { await CometChat.kickGroupMember(room, target); }),
  promote: sdk('updateGroupMemberScope', async ({ room, target }) => { await CometChat.updateGroupMemberScope(room, target, 'moderator'); }),
  demote: sdk('updateGroupMemberScope', async ({ room, target }) => { await CometChat.updateGroupMemberScope(room, target, 'participant'); }),
  ban: sdk('banGroupMember', async ({ room, target }) => { await CometChat.banGroupMember(room, target); }),
  unban: sdk('unbanGroupMember', async ({ room, target }) => { await CometChat.unbanGroupMember(room, target); }),
  join: sdk('joinGroup', async ({ room }) => { await CometChat.joinGroup(room, 'public', ''); }),
  leave: sdk('leaveGroup', async ({ room }) => { await CometChat.leaveGroup(room); }),
  direct: sdk('sendMessage', ({ to, text: words }) => sent(text(to, words, 'user'))),
  block: sdk('blockUsers', async ({ to }) => { await CometChat.blockUsers([to]); }),
  unblock: sdk('unblockUsers', async ({ to }) => { await CometChat.unblockUsers([to]); }),
  call: sdk('initiateCall', async ({ to }) => {
    const call = await CometChat.initiateCall(new CometChat.Call(to, 'audio', 'user'));
    await CometChat.rejectCall(call.getSessionId(), CometChat.CALL_STATUS.CANCELLED);
  }),
  enter: sdk('joinGroup', async ({ room }) => { await CometChat.joinGroup(room, 'public', ''); }),
  exit: sdk('leaveGroup', async ({ room }) => { await CometChat.leaveGroup(room); }),
  roomtext: sdk('sendMessage', ({ room, text: words }) => sent(text(room, words, 'group'))),
  dissolve: sdk('deleteGroup', async ({ room }) => { await CometChat.deleteGroup(room); }),
  unread: sdk('getUnreadMessageCountForGroup', async ({ room }) => ({ unread: Number((await CometChat.getUnreadMessageCountForGroup(room))[room] ?? 0) })),
});
