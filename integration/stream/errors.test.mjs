// The vendor's errors as an app sees them: the SDK's own error object, its code and status, and
// what the SDK makes of them (retry or not, UI texts). The bytes are checked in errors_test.go.
import { describe, test, after, before } from 'node:test';
import { StreamChat } from 'stream-chat';
import { assert, admin, base, browser, close, endpoint, key, login, now, people, refused, sign, unique } from './lib.mjs';

after(close);

describe('errors through the SDK', () => {
  let ann, ben, a, ch;
  before(async () => {
    [ann, ben] = await people('ann', 'ben');
    a = await login(ann);
    await login(ben);
    ch = a.channel('messaging', unique('err'), { members: [ann, ben] });
    await ch.watch();
  });

  // as returns a client of ann with a given token, without a socket.
  function as(token, apiKey = key) {
    const c = new StreamChat(apiKey, { baseURL: base, timeout: 20_000 });
    c.tokenManager.getToken = () => token;
    c.tokenManager.tokenReady = async () => token;
    c.tokenManager.isStatic = () => true;
    c.userID = ann;
    return c;
  }

  const rows = [
    ['ST001', 4, 400, async () => admin.channel('messaging', unique('x')).query({})],
    ['ST002', 6, 400, async () => {
      await admin.updateAppSettings({ enforce_unique_usernames: 'app' });
      const name = unique('Same Name');
      try {
        await admin.upsertUser({ id: unique('u'), name });
        return await admin.upsertUser({ id: unique('u'), name });
      } finally {
        await admin.updateAppSettings({ enforce_unique_usernames: 'no' });
      }
    }],
    ['ST003', 20, 400, async () => ch.sendMessage({ text: 'x'.repeat(6000) })],
    ['ST004', 18, 400, async () => ch.sendEvent({ type: 'message.new' })],
    ['ST005', 19, 400, async () => {
      const name = unique('plain');
      await admin.createChannelType({ name, reactions: false });
      const c = admin.channel(name, unique('c'), { members: [ann], created_by_id: ann });
      await c.create();
      const { message } = await c.sendMessage({ text: 'x', user_id: ann });
      return c.sendReaction(message.id, { type: 'like', user_id: ann });
    }],
    ['ST006', 21, 400, async () => {
      const { message: m } = await ch.sendMessage({ text: 'p' });
      const { message: r } = await ch.sendMessage({ text: 'r', parent_id: m.id });
      return ch.sendMessage({ text: 'rr', parent_id: r.id });
    }],
    ['ST007', 45, 400, async () => {
      const app = await endpoint(() => ({ status: 503 }));
      try {
        return await run(`${app.url}/`);
      } finally {
        await app.close();
      }
    }],
    ['ST008', 44, 400, async () => run('')],
    ['ST009', 5, 401, async () => as('gibberish').getAppSettings()],
    ['ST010', 40, 401, async () => as(sign({ user_id: ann, exp: now() - 5 })).getAppSettings()],
    ['ST011', 42, 401, async () => as(sign({ user_id: ann, iat: now() + 900 })).getAppSettings()],
    ['ST012', 41, 401, async () => as(sign({ user_id: ann, nbf: now() + 900 })).getAppSettings()],
    ['ST013', 43, 401, async () => as(sign({ user_id: ann }, 'wrong')).getAppSettings()],
    ['ST014', 2, 401, async () => as(admin.createToken(ann), 'unknown-key').getAppSettings()],
    ['ST015', 17, 403, async () => a.post(`${base}/channeltypes`, { name: unique('t') })],
    ['ST017', 60, 403, async () => {
      const c = a.channel('messaging', unique('slow'), { members: [ben, ann] });
      await admin.channel('messaging', c.id, { members: [ben, ann], created_by_id: ben }).create();
      await admin.channel('messaging', c.id).updatePartial({ set: { cooldown: 20 } });
      await c.watch();
      await c.sendMessage({ text: '1' });
      return c.sendMessage({ text: '2' });
    }],
    ['ST018', 16, 404, async () => a.getMessage(unique('none'))],
    ['ST020', 22, 413, async () => ch.sendMessage({ text: 'x', blob: 'y'.repeat(3 << 20) })],
    ['ST024', 70, 403, async () => a.queryChannels({ type: 'messaging' })],
    ['ST025', 73, 400, async () => {
      const list = unique('l');
      await admin.createBlockList({ name: list, words: ['hocuspocus'] });
      const name = unique('t');
      await admin.createChannelType({ name });
      await admin.updateChannelType(name, {
        blocklist: list,
        blocklist_behavior: 'block',
        grants: { channel_member: ['read-channel', 'create-message'] },
      });
      await admin.channel(name, name, { members: [ann], created_by_id: ann }).create();
      return a.channel(name, name).sendMessage({ text: 'hocuspocus' });
    }],
  ];

  async function run(handler) {
    await admin.updateAppSettings({ custom_action_handler_url: handler });
    const cmd = unique('cmd').replace('-', '');
    await admin.createCommand({ name: cmd, description: 'x', args: '', set: 's' });
    const name = unique('desk');
    await admin.createChannelType({ name, commands: [cmd] });
    const c = admin.channel(name, name, { members: [ann], created_by_id: ann });
    await c.create();
    return c.sendMessage({ text: `/${cmd} x`, user_id: ann });
  }

  for (const [id, code, status, provoke] of rows) {
    test(`${id}: code ${code}, HTTP ${status}`, async () => {
      const err = await refused(provoke(), code, status);
      assert.equal(err.name, 'ErrorFromResponse');
      assert.equal(err.message, `StreamChat error code ${code}: ${err.response.data.message}`);
      const body = err.response.data;
      assert.equal(body.code, code);
      assert.equal(body.StatusCode, status);
      assert.equal(typeof body.duration, 'string');
      assert.ok(Array.isArray(body.details));
      // The unified document rides along and says the same.
      const doc = body.dragoman_error;
      assert.equal(doc.original.code, code);
      assert.equal(doc.original.row, id);
      assert.equal(doc.original.http_status, status);
      assert.match(err.response.headers['dragoman-error'], new RegExp(`code="${doc.code}"`));
    });
  }

  test('an answer in one of the other shapes is still understood', async () => {
    for (const shape of ['native', 'both']) {
      const c = browser({ axiosRequestConfig: { headers: { 'Dragoman-Error-Format': shape } } });
      await c.connectUser({ id: ann }, admin.createToken(ann));
      const err = await refused(c.getMessage(unique('none')), 16, 404);
      assert.equal('dragoman_error' in err.response.data, shape === 'both');
    }
  });

  test('bad JSON, wrong types and unknown operators are input errors', async () => {
    const bodies = ['{', '[]', '"x"', '{"message":5}', '{"message":{"text":{"a":1}}}', '{"message":{"attachments":"no"}}', '\u0000'];
    for (const body of bodies) {
      const rs = await fetch(`${base}/channels/messaging/${ch.id}/message?api_key=${key}&user_id=${ann}`, {
        method: 'POST',
        headers: { Authorization: admin.createToken(ann), 'Stream-Auth-Type': 'jwt', 'Content-Type': 'application/json' },
        body,
      });
      const json = await rs.json();
      assert.equal(rs.status, 400, `${body}: ${JSON.stringify(json)}`);
      assert.equal(json.code, 4, body);
    }
  });
});
