'use strict';
// A person with Stream Chat's SDK.
const { StreamChat } = require('stream-chat');
const { tell, serve, sdk, back, know, known, need, dot } = require('./line.cjs');

const base = need('STREAM_URL');
const [key, secret] = [need('STREAM_KEY'), need('STREAM_SECRET')];
const options = { baseURL: base, allowServerSideConnect: true, timeout: 20_000 };
const server = new StreamChat(key, secret, options);
let client; let me;

const group = (room) => client.channel('messaging', room);
const open = (room) => client.channel('livestream', room);
const direct = (to) => client.channel('messaging', { members: [me, to] });
const of = async (text) => (await known(text)).id;
const sent = async (promise) => { const { message } = await promise; know(message.text, message.id, message); return { id: message.id }; };

function hear(e) {
  if (e.message && e.type.endsWith('message.new')) know(e.message.text, e.message.id, e.message);
  else if (e.message && e.type === 'notification.message_new') know(e.message.text, e.message.id, e.message);
  if (e.type !== 'health.check') tell(e.type, e);
}

async function login({ id }) {
  me = id;
  await server.upsertUser({ id, name: id });
  client = new StreamChat(key, options);
  client.on(hear);
  await client.connectUser({ id }, server.createToken(id));
}

serve({
  login: { run: login },
  person: { run: ({ user }) => server.upsertUser({ id: user, name: user }).then(() => null) },
  watch: { run: async ({ room }) => { await group(room).watch({ presence: true }); } },
  watchto: { run: async ({ to }) => { await direct(to).watch(); } },
  subscribe: { run: async () => null }, // those who watch a channel are told of its members
  create: sdk('channel.watch', async ({ room, name, members }) => {
    await client.channel('messaging', room, { name, members: [me, ...members] }).watch({ presence: true });
    return { room };
  }),
  text: sdk('channel.sendMessage', ({ room, text }) => sent(group(room).sendMessage({ text }))),
  edit: sdk('updateMessage', async ({ text, old }) => { await client.updateMessage({ id: await of(old), text }); }),
  fields: sdk('channel.sendMessage', ({ room, text, data }) => sent(group(room).sendMessage({ text, ...data }))),
  custom: sdk('channel.sendMessage', ({ room, type, data }) => sent(group(room).sendMessage({ text: '', attachments: [{ type, ...data }] }))),
  mention: sdk('channel.sendMessage', ({ room, text, target }) => sent(group(room).sendMessage({ text, mentioned_users: [target] }))),
  image: sdk('channel.sendImage', async ({ room }) => {
    const { file } = await group(room).sendImage(dot, 'dot.png', 'image/png');
    await group(room).sendMessage({ attachments: [{ type: 'image', image_url: file, asset_url: file, title: 'dot.png', mime_type: 'image/png', file_size: dot.length }] });
    return { url: file };
  }),
  react: sdk('channel.sendReaction', async ({ room, old }) => { await group(room).sendReaction(await of(old), { type: '👍' }); }),
  unreact: sdk('channel.deleteReaction', async ({ room, old }) => { await group(room).deleteReaction(await of(old), '👍'); }),
  reply: sdk('channel.sendMessage', async ({ room, old, text }) => sent(group(room).sendMessage({ text, parent_id: await of(old) }))),
  quote: sdk('channel.sendMessage', async ({ room, old, text }) => sent(group(room).sendMessage({ text, quoted_message_id: await of(old) }))),
  pin: sdk('pinMessage', async ({ old }) => { await client.pinMessage(await of(old)); }),
  unpin: sdk('unpinMessage', async ({ old }) => { await client.unpinMessage(await of(old)); }),
  recall: sdk('deleteMessage', async ({ old }) => { await client.deleteMessage(await of(old)); }),
  typing: sdk('channel.keystroke', async ({ room }) => { await group(room).keystroke(); }),
  typed: sdk('channel.stopTyping', async ({ room }) => { await group(room).stopTyping(); }),
  typingto: sdk('channel.keystroke', async ({ to }) => { const c = direct(to); await c.watch(); await c.keystroke(); }),
  read: sdk('channel.markRead', async ({ room }) => { await group(room).markRead(); }),
  readto: sdk('channel.markRead', async ({ to }) => { const c = direct(to); await c.watch(); await c.markRead(); }),
  delivered: sdk('markChannelsDelivered', async ({ room, olds }) => {
    for (const old of olds) await client.markChannelsDelivered({ latest_delivered_messages: [{ cid: `messaging:${room}`, id: await of(old) }] });
  }),
  away: sdk('disconnectUser', () => client.disconnectUser(1000).then(() => null)),
  back: sdk('connectUser', async ({ id, rooms }) => {
    await login({ id });
    for (const room of rooms) await group(room).watch({ presence: true });
  }),
  rename: sdk('channel.updatePartial', async ({ room, name }) => { await group(room).updatePartial({ set: { name } }); }),
  add: sdk('channel.addMembers', async ({ room, target }) => { await group(room).addMembers([target]); }),
  kick: sdk('channel.removeMembers', async ({ room, target }) => { await group(room).removeMembers([target]); }),
  promote: sdk('channel.addModerators', async ({ room, target }) => { await group(room).addModerators([target]); }),
  demote: sdk('channel.demoteModerators', async ({ room, target }) => { await group(room).demoteModerators([target]); }),
  ban: back('channel.banUser', async ({ room, target }) => { await server.channel('messaging', room).banUser(target, { reason: 'rude', banned_by_id: me }); }),
  unban: back('channel.unbanUser', async ({ room, target }) => { await server.channel('messaging', room).unbanUser(target); }),
  freeze: back('channel.updatePartial', async ({ room }) => { await server.channel('messaging', room).updatePartial({ set: { frozen: true } }); }),
  thaw: back('channel.updatePartial', async ({ room }) => { await server.channel('messaging', room).updatePartial({ set: { frozen: false } }); }),
  join: back('channel.addMembers', async ({ room }) => { await server.channel('messaging', room).addMembers([me]); }),
  leave: sdk('channel.removeMembers', async ({ room }) => { await group(room).removeMembers([me]); }),
  direct: sdk('channel.sendMessage', async ({ to, text }) => { const c = direct(to); await c.watch(); return sent(c.sendMessage({ text })); }),
  block: sdk('blockUser', async ({ to }) => { await client.blockUser(to); }),
  unblock: sdk('unBlockUser', async ({ to }) => { await client.unBlockUser(to); }),
  poll: sdk('createPoll', async ({ room, text }) => {
    await server.updateChannelType('messaging', { polls: true });
    const { poll } = await client.createPoll({ name: text, options: [{ text: 'yes' }, { text: 'no' }] });
    await group(room).sendMessage({ text: '', poll_id: poll.id });
  }),
  enter: sdk('channel.watch', async ({ room }) => { await open(room).watch(); }),
  exit: sdk('channel.stopWatching', async ({ room }) => { await open(room).stopWatching(); }),
  roomtext: sdk('channel.sendMessage', ({ room, text }) => sent(open(room).sendMessage({ text }))),
  dissolve: sdk('channel.delete', async ({ room }) => { await group(room).delete(); }),
  unread: sdk('getUnreadCount', async ({ room }) => {
    const all = await client.getUnreadCount();
    return { unread: all.channels.find((c) => c.channel_id === `messaging:${room}`)?.unread_count ?? 0 };
  }),
});
