// Three vendors, one group: people with Nexconn's SDK, with Stream's and with CometChat's REST hear each
// other, and those with Nexconn's are told what the others do.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { StreamChat } from 'stream-chat';
import { group, must, patience, person, tokenOf, unique } from './lib.mjs';

const stream = { url: process.env.STREAM_URL, key: process.env.STREAM_KEY, secret: process.env.STREAM_SECRET };
const clients = [];
after(() => Promise.all(clients.map((c) => c.disconnectUser())));

// sue connects somebody with Stream's SDK and remembers what they hear.
async function sue() {
  const id = unique('sue');
  const server = new StreamChat(stream.key, stream.secret, { baseURL: stream.url, allowServerSideConnect: true });
  const client = new StreamChat(stream.key, { baseURL: stream.url, allowServerSideConnect: true });
  client.told = [];
  client.on((e) => client.told.push(e));
  await client.connectUser({ id, name: 'Sue' }, server.createToken(id));
  clients.push(client);
  client.hears = async (match) => {
    const deadline = Date.now() + patience;
    for (;;) {
      const found = client.told.find((e) => e.type === 'message.new' && match(e.message));
      if (found) return found.message;
      assert.ok(Date.now() < deadline, `Stream did not hear it, but ${client.told.map((e) => e.type)}`);
      await new Promise((r) => { setTimeout(r, 20); });
    }
  };
  return client;
}

// comet calls CometChat's REST API on the server's main port, by path prefix and without TLS.
async function comet(method, path, body, onBehalfOf) {
  const r = await fetch(`${process.env.MAIN_URL}/cometchat/v3.0${path}`, {
    method, body: JSON.stringify(body),
    headers: { appid: process.env.COMET_APP, apikey: process.env.COMET_API_KEY, 'content-type': 'application/json', ...(onBehalfOf ? { onBehalfOf } : {}) },
  });
  const out = await r.json();
  assert.ok(out.data, `${path}: ${JSON.stringify(out)}`);
  return out.data;
}

test('one group of three vendors', async () => {
  const [ann, client] = await Promise.all([person('ann'), sue()]);
  const cat = unique('cat');
  await tokenOf(cat); // known to every dialect at once
  const id = unique('team');
  await ann.must('createGroup', { groupId: id, groupName: 'Team', joinPermission: 1 }, [client.userID, cat]);
  const channel = client.channel('messaging', id);
  await channel.watch();

  await ann.say(group(id), 'from nexconn');
  assert.equal((await client.hears((m) => m.text === 'from nexconn')).user.id, ann.userId);

  await channel.sendMessage({ text: 'from stream' });
  assert.equal((await ann.text('from stream')).senderUserId, client.userID);
  await channel.sendMessage({ attachments: [{ type: 'image', image_url: 'https://example.org/a.png', title: 'a.png' }] });
  const image = await ann.message((m) => m.messageType === 'RC:ImgMsg');
  assert.equal(image.content.imageUri, 'https://example.org/a.png');

  const said = await comet('POST', '/messages', { receiver: id, receiverType: 'group', category: 'message', type: 'text', data: { text: 'from comet' } }, cat);
  const heard = await ann.text('from comet');
  assert.equal(heard.senderUserId, cat);
  assert.equal(heard.messageUId, String(said.id));
  await client.hears((m) => m.text === 'from comet');
});

test('a person who is banned is put out at once, and told so', async () => {
  const ann = await person('ann');
  await must('/user/ban', { userIds: [ann.userId], durationMinutes: 1 });
  const [code] = await ann.hears('DISCONNECT');
  assert.ok([31009, 31010, 31011, 31020].includes(code), String(code));
  await must('/user/unban', { userIds: [ann.userId] });
  ann.close();
});
