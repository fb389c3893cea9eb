import { StreamChat } from 'stream-chat';
import { pane } from './pane.mjs';

pane(async (setup, show) => {
  const client = StreamChat.getInstance(setup.keys.api_key, { baseURL: setup.url });
  await client.connectUser({ id: setup.user }, setup.token);
  const room = client.channel('messaging', setup.room);
  const { messages } = await room.watch();
  for (const m of messages) show(m.id, m.user.name || m.user.id, m.text);
  room.on('message.new', (e) => show(e.message.id, e.message.user.name || e.message.user.id, e.message.text));
  return (text) => room.sendMessage({ text });
});
