import * as Rong from '@rongcloud/imlib-next';
import { pane } from './pane.mjs';

pane(async (setup, show) => {
  Rong.init({ appkey: setup.keys.nexconn, navigators: [setup.url] });
  Rong.addEventListener(Rong.Events.MESSAGES, ({ messages }) => {
    for (const m of messages) {
      if (m.conversationType === Rong.ConversationType.GROUP && m.targetId === setup.room) {
        show(m.messageUId, m.senderUserId, m.content?.content ?? `(${m.messageType})`);
      }
    }
  });
  const r = await Rong.connect(setup.token);
  if (r.code !== Rong.ErrorCode.SUCCESS) throw new Error(`connect answered ${r.code}`);
  const room = { conversationType: Rong.ConversationType.GROUP, targetId: setup.room };
  const past = await Rong.getHistoryMessages(room, { timestamp: 0, count: 20, order: 0 });
  for (const m of past.data?.list ?? []) show(m.messageUId, m.senderUserId, m.content?.content ?? `(${m.messageType})`);
  return async (text) => {
    const { code, data } = await Rong.sendMessage(room, new Rong.TextMessage({ content: text }));
    if (code !== Rong.ErrorCode.SUCCESS) throw new Error(`send answered ${code}`);
    show(data.messageUId, setup.user, text);
  };
});
