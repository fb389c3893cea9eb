'use strict';
// One person with the vendor's SDK: a process of their own, since the SDK is a singleton. The parent
// sends functions to run; what the listeners hear is sent back as it comes.
require('./globals.cjs');
const { CometChat, CometChatNotifications } = require(process.env.COMET_PACKAGE);
globalThis.CometChatNotifications = CometChatNotifications; // for functions that are sent here

// plain is a value as far as it can be sent.
function plain(v) {
  return JSON.parse(JSON.stringify(v ?? null));
}

function failure(e) {
  return { code: e?.code, name: e?.name, message: e?.message ?? String(e) };
}

const told = (event, ...args) => process.send({ event, args: plain(args) });

// listen adds every listener and reports each call by its name.
function listen() {
  const all = (names) => Object.fromEntries(names.map((n) => [n, (...args) => told(n, ...args)]));
  CometChat.addMessageListener('t', new CometChat.MessageListener(all([
    'onTextMessageReceived', 'onMediaMessageReceived', 'onCustomMessageReceived', 'onTypingStarted', 'onTypingEnded', 'onMessagesDelivered',
    'onMessagesRead', 'onMessagesReadByAll', 'onMessagesDeliveredToAll', 'onMessageEdited', 'onMessageDeleted', 'onTransientMessageReceived',
    'onMessageReactionAdded', 'onMessageReactionRemoved', 'onInteractiveMessageReceived',
    'onInteractionGoalCompleted', 'onMessagePinned', 'onMessageUnpinned', 'onMessageSaved', 'onMessageUnsaved',
  ])));
  if (CometChat.ConversationListener) {
    CometChat.addConversationListener('t', new CometChat.ConversationListener(all(['onConversationPinned', 'onConversationUnpinned'])));
  }
  CometChat.addUserListener('t', new CometChat.UserListener(all(['onUserOnline', 'onUserOffline'])));
  CometChat.addGroupListener('t', new CometChat.GroupListener(all([
    'onGroupMemberJoined', 'onGroupMemberLeft', 'onGroupMemberKicked', 'onGroupMemberBanned', 'onGroupMemberUnbanned',
    'onGroupMemberScopeChanged', 'onMemberAddedToGroup',
  ])));
  CometChat.addCallListener('t', new CometChat.CallListener(all([
    'onIncomingCallReceived', 'onOutgoingCallAccepted', 'onOutgoingCallRejected', 'onIncomingCallCancelled', 'onCallEndedMessageReceived',
  ])));
  CometChat.addConnectionListener('t', new CometChat.ConnectionListener(all(['onConnected', 'onDisconnected'])));
}

process.on('message', async ({ id, body, args }) => {
  try {
    const run = new Function('CometChat', 'listen', 'args', `return (async () => { ${body} })()`);
    process.send({ id, value: plain(await run(CometChat, listen, args)) });
  } catch (e) {
    process.send({ id, error: failure(e) });
  }
});
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', (e) => told('uncaught', failure(e)));
process.on('unhandledRejection', (e) => told('uncaught', failure(e)));
process.send({ event: 'ready', args: [] });
