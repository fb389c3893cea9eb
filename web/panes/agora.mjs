import * as agora from 'agora-chat';
import { pane } from './pane.mjs';

// The package is a script for browsers: what a bundler makes of its exports differs.
const AgoraChat = [agora, agora.default, agora.default?.default].find((x) => x?.connection);

pane(async (setup, show) => {
  const host = new URL(setup.url).host;
  const conn = new AgoraChat.connection({ appKey: setup.keys.app_key, isHttpDNS: false, https: false, url: `ws://${host}/websocket`, apiUrl: setup.url });
  const up = new Promise((resolve, reject) => {
    conn.addEventHandler('pane', {
      onConnected: resolve,
      onError: reject,
      onTextMessage: (m) => { if (m.chatType === 'groupChat') show(m.id, m.from, m.msg); },
      onCustomMessage: (m) => { if (m.chatType === 'groupChat') show(m.id, m.from, `(${m.customEvent})`); },
    });
  });
  await conn.open({ user: setup.user, accessToken: setup.token });
  await up;
  const { data } = await conn.getJoinedPublicGroups?.() ?? await conn.getJoinedGroups({ pageNum: 0, pageSize: 50 });
  const room = data.find((g) => (g.groupname ?? g.groupName ?? g.name) === 'Lobby');
  if (!room) throw new Error('The group Lobby is not among the groups of this person.');
  const id = room.groupid ?? room.groupId ?? room.id;
  return async (text) => {
    const { serverMsgId } = await conn.send(AgoraChat.message.create({ type: 'txt', msg: text, to: String(id), chatType: 'groupChat' }));
    show(serverMsgId, setup.user, text);
  };
});
