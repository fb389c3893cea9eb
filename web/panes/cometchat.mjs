import { CometChat } from '@cometchat/chat-sdk-javascript';
import { pane } from './pane.mjs';

const textOf = (m) => (m.getText ? m.getText() : m.getMessage?.() ?? `(${m.getType()})`);

pane(async (setup, show) => {
  const host = new URL(setup.url).host;
  const settings = new CometChat.AppSettingsBuilder().setRegion(setup.keys.region || 'us').subscribePresenceForAllUsers()
    .overrideAdminHost(`${host}/v3.0`).overrideClientHost(`${host}/v3.0`).build();
  await CometChat.init(setup.keys.app_id, settings);
  await CometChat.login(setup.token);
  const heard = (m) => { if (m.getReceiverId() === setup.room) show(m.getId(), m.getSender().getName(), textOf(m)); };
  CometChat.addMessageListener('pane', new CometChat.MessageListener({
    onTextMessageReceived: heard, onMediaMessageReceived: heard, onCustomMessageReceived: heard,
  }));
  try {
    await CometChat.joinGroup(setup.room, CometChat.GROUP_TYPE.PUBLIC, '');
  } catch {
    // a member already, or added by others
  }
  const before = await new CometChat.MessagesRequestBuilder().setGUID(setup.room).setLimit(20).hideDeletedMessages(true).build().fetchPrevious();
  for (const m of before) if (m.getCategory() === 'message') show(m.getId(), m.getSender().getName(), textOf(m));
  return async (text) => {
    const m = await CometChat.sendMessage(new CometChat.TextMessage(setup.room, text, CometChat.RECEIVER_TYPE.GROUP));
    show(m.getId(), m.getSender().getName(), m.getText());
  };
});
