// What an operator changes through the SDK: channel types, blocklists, commands, hooks, app settings.
// Runs on a server of its own, one test after the other.
import { describe, test, after } from 'node:test';
import { assert, admin, close, endpoint, eventually, login, next, now, people, raw, refused, unique } from './lib.mjs';

after(close);

async function room(type = 'messaging', data = {}) {
  const [ann, ben] = await people('ann', 'ben');
  const [a, b] = await Promise.all([login(ann), login(ben)]);
  const id = unique('s');
  await admin.channel(type, id, { members: [ann, ben], created_by_id: ann, ...data }).create();
  const ch = a.channel(type, id);
  await ch.watch();
  const bch = b.channel(type, id);
  await bch.watch();
  return { ann, ben, a, b, ch, bch };
}

describe('channel types', () => {
  test('the five built in, as documented', async () => {
    const { channel_types: types } = await admin.listChannelTypes();
    for (const name of ['messaging', 'livestream', 'team', 'gaming', 'commerce']) {
      const t = types[name];
      assert.equal(t.name, name);
      for (const flag of ['typing_events', 'read_events', 'connect_events', 'search', 'reactions', 'replies', 'mutes', 'uploads']) {
        assert.equal(typeof t[flag], 'boolean', `${name}.${flag}`);
      }
      assert.equal(t.max_message_length, 5000);
    }
  });

  test('made, used, changed and removed', async () => {
    const name = unique('type');
    const made = await admin.createChannelType({ name, reactions: false, max_message_length: 10, commands: [] });
    assert.equal(made.name, name);
    assert.equal(made.reactions, false);
    assert.equal((await admin.getChannelType(name)).max_message_length, 10);
    const { ch, a } = await room(name);
    const cid = ch.cid;
    await refused(admin.deleteChannelType(name), 4, 400); // in use
    await admin.updateChannelType(name, { max_message_length: 100, reactions: true });
    const fresh = a.channel(name, ch.id);
    await fresh.watch();
    assert.equal(fresh.getConfig().max_message_length, 100);
    await admin.deleteChannels([cid], { hard_delete: true }).then(({ task_id }) =>
      eventually(async () => assert.equal((await admin.getTask(task_id)).status, 'completed')),
    );
    await admin.deleteChannelType(name);
    await refused(admin.getChannelType(name), 16, 404);
  });

  test('a feature that is off is refused', async () => {
    const name = unique('bare');
    await admin.createChannelType({ name, reactions: false, replies: false, uploads: false, typing_events: false, search: false });
    await admin.updateChannelType(name, {
      grants: {
        channel_member: ['read-channel', 'create-message', 'create-reaction', 'upload-attachment', 'send-custom-event', 'read-channel-members'],
        user: ['create-channel'],
      },
    });
    const { ch } = await room(name);
    const { message } = await ch.sendMessage({ text: 'bare' });
    await refused(ch.sendReaction(message.id, { type: 'like' }), 19, 400);
    await refused(ch.sendMessage({ text: 'r', parent_id: message.id }), 19, 400);
    await refused(ch.sendFile(Buffer.from('x'), 'x.txt', 'text/plain'), 19, 400);
    await refused(ch.search('bare'), 19, 400);
    assert.ok(!ch.data.own_capabilities.includes('send-reaction'));
    assert.ok(!ch.data.own_capabilities.includes('typing-events'));
  });

  test('grants decide who may what', async () => {
    const name = unique('quiet');
    await admin.createChannelType({ name });
    await admin.updateChannelType(name, { grants: { channel_member: ['read-channel'], user: ['create-channel'] } });
    const { ch } = await room(name);
    await refused(ch.sendMessage({ text: 'may I' }), 17, 403);
    assert.ok(!ch.data.own_capabilities.includes('send-message'));
    await admin.updateChannelType(name, { grants: { channel_member: ['read-channel', 'create-message'] } });
    await ch.sendMessage({ text: 'thank you' });
  });

  test('one channel may differ', async () => {
    const { ch } = await room();
    await admin.channel('messaging', ch.id).updatePartial({ set: { config_overrides: { replies: false, max_message_length: 5 } } });
    await refused(ch.sendMessage({ text: 'far too long' }), 20, 400);
    await ch.query({});
    assert.equal(ch.getConfig().replies, false);
  });

  test('roles of our own', async () => {
    const role = unique('reader');
    await admin.createRole(role);
    assert.ok((await admin.listRoles()).roles.some((r) => r.name === role));
    await admin.deleteRole(role);
    assert.ok(!(await admin.listRoles()).roles.some((r) => r.name === role));
  });
});

describe('blocklists', () => {
  test('a listed word is refused with 73, or flagged', async () => {
    const list = unique('list');
    await admin.createBlockList({ name: list, words: ['rumpelstiltskin'] });
    assert.deepEqual((await admin.getBlockList(list)).blocklist.words, ['rumpelstiltskin']);
    const name = unique('clean');
    await admin.createChannelType({ name, blocklist: list, blocklist_behavior: 'block' });
    await admin.updateChannelType(name, {
      blocklist: list, blocklist_behavior: 'block',
      grants: { channel_member: ['read-channel', 'create-message', 'update-message-owner'] },
    });
    const { ch, a } = await room(name);
    await refused(ch.sendMessage({ text: 'my name is Rumpelstiltskin!' }), 73, 400);
    const { message } = await ch.sendMessage({ text: 'my name is nobody' });
    await refused(a.updateMessage({ id: message.id, text: 'RUMPELSTILTSKIN' }), 73, 400);
    await admin.updateBlockList(list, { words: ['other'] });
    await ch.sendMessage({ text: 'rumpelstiltskin again' });
    await admin.updateChannelType(name, { blocklist_behavior: 'flag', blocklist: list });
    await ch.sendMessage({ text: 'other is fine now' });
    const { flags } = await eventually(async () => {
      const f = await admin.queryMessageFlags({ channel_cid: ch.cid });
      assert.ok(f.flags.length > 0);
      return f;
    });
    assert.equal(flags[0].message.text, 'other is fine now');
    const { blocklists } = await admin.listBlockLists();
    assert.ok(blocklists.some((l) => l.name === list));
  });
});

describe('custom commands', () => {
  test('answered by the app, refused by it, missing, and failing', async () => {
    const app = await endpoint((call) => {
      const { message } = JSON.parse(call.raw);
      if (message.args === 'fail') return { status: 500, body: { error: 'boom' } };
      if (message.args === 'no') return { body: { message: { ...message, type: 'error', text: 'not today' } } };
      return { body: { message: { ...message, text: `Ticket opened: ${message.args}`, ticket: 42 } } };
    });
    const cmd = unique('ticket').replace('-', '');
    await admin.createCommand({ name: cmd, description: 'Open a ticket', args: '[text]', set: 'support' });
    assert.ok((await admin.listCommands()).commands.some((c) => c.name === cmd));
    const name = unique('desk');
    await admin.createChannelType({ name, commands: [cmd] });
    await admin.updateChannelType(name, { grants: { channel_member: ['read-channel', 'create-message', 'run-message-action'] } });
    const { ch, bch } = await room(name);
    assert.ok(ch.getConfig().commands.some((c) => c.name === cmd));

    await admin.updateAppSettings({ custom_action_handler_url: '' });
    await refused(ch.sendMessage({ text: `/${cmd} printer` }), 44, 400);

    await admin.updateAppSettings({ custom_action_handler_url: `${app.url}/handler?type={type}` });
    const heard = next(bch, 'message.new', (e) => e.message.ticket !== undefined);
    await ch.sendMessage({ text: `/${cmd} printer` });
    const e = await heard;
    assert.equal(e.message.text, 'Ticket opened: printer');
    assert.equal(e.message.ticket, 42);
    const call = app.calls[0];
    assert.equal(call.path, `/handler?type=${cmd}`);
    const body = JSON.parse(call.raw);
    assert.equal(body.message.command, cmd);
    assert.equal(body.message.args, 'printer');
    assert.ok(body.user.id);
    assert.ok(admin.verifyWebhook(call.raw, call.headers['x-signature']));

    const { message } = await ch.sendMessage({ text: `/${cmd} no` });
    assert.equal(message.type, 'error');
    assert.equal(message.text, 'not today');

    await refused(ch.sendMessage({ text: `/${cmd} fail` }), 45, 400);
    await app.close();
    await refused(ch.sendMessage({ text: `/${cmd} gone` }), 45, 400);
    await admin.updateAppSettings({ custom_action_handler_url: '' });
  });
});

describe('the hook before sending', () => {
  test('rewrites, rejects, and is not waited for too long', async () => {
    const app = await endpoint((call) => {
      const { message } = JSON.parse(call.raw);
      if (message.text.includes('reject')) return { body: { message: { ...message, type: 'error', text: 'we do not say that' } } };
      if (message.text.includes('slow')) return { delay: 3000, body: { message: { ...message, text: 'too late' } } };
      return { body: { message: { ...message, text: message.text.replace(/\d/g, '#'), checked: true } } };
    });
    const { ch, bch } = await room();
    await admin.updateAppSettings({ before_message_send_hook_url: `${app.url}/hook` });
    try {
      const heard = next(bch, 'message.new', (e) => e.message.text.startsWith('call'));
      await ch.sendMessage({ text: 'call 555' });
      assert.equal((await heard).message.text, 'call ###');
      const { message } = await ch.sendMessage({ text: 'reject me' });
      assert.equal(message.type, 'error');
      assert.equal(message.text, 'we do not say that');
      const began = Date.now();
      const slow = await ch.sendMessage({ text: 'slow one' });
      assert.equal(slow.message.text, 'slow one', 'sent as it was');
      assert.ok(Date.now() - began < 2800, 'within the budget of one second or so');
      const call = app.calls[0];
      assert.ok(admin.verifyWebhook(call.raw, call.headers['x-signature']));
      const body = JSON.parse(call.raw);
      assert.equal(body.channel.cid, ch.cid);
      assert.ok(body.user.id);
    } finally {
      await admin.updateAppSettings({ before_message_send_hook_url: '' });
      await app.close();
    }
    const { message } = await ch.sendMessage({ text: 'call 555' });
    assert.equal(message.text, 'call 555');
  });
});

describe('app settings', () => {
  test('are read by the server and hide their secrets from users', async () => {
    const { app } = await admin.getAppSettings();
    assert.ok(app.name);
    assert.equal(app.suspended, false);
    const [ann] = await people('ann');
    const a = await login(ann);
    const mine = await a.getAppSettings();
    assert.ok(mine.app.file_upload_config);
    assert.ok(!JSON.stringify(mine).includes('secret'));
    await refused(a.updateAppSettings({ enforce_unique_usernames: 'app' }), 17, 403);
  });

  test('unique names', async () => {
    await admin.updateAppSettings({ enforce_unique_usernames: 'app' });
    try {
      const name = unique('John Doe');
      await admin.upsertUser({ id: unique('j'), name });
      await refused(admin.upsertUser({ id: unique('j'), name: name.toLowerCase().replace(' ', '.') }), 6, 400);
    } finally {
      await admin.updateAppSettings({ enforce_unique_usernames: 'no' });
    }
  });

  test('all tokens before now are revoked', async () => {
    const [ann] = await people('ann');
    const old = admin.createToken(ann, undefined, now() - 100);
    const call = () => raw('GET', '/app', { token: old, query: { user_id: ann } });
    assert.equal((await call()).status, 200);
    await admin.revokeTokens(new Date(Date.now() - 5000));
    const rs = await call();
    assert.equal(rs.status, 401);
    assert.equal(rs.body.code, 40);
    await admin.revokeTokens(null);
    assert.equal((await call()).status, 200);
  });

  test('what may be uploaded', async () => {
    const { ch } = await room();
    await admin.updateAppSettings({ file_upload_config: { blocked_file_extensions: ['.exe'], size_limit: 1000 } });
    try {
      await refused(ch.sendFile(Buffer.from('MZ'), 'tool.exe', 'application/octet-stream'), 4, 400);
      await refused(ch.sendFile(Buffer.alloc(2000), 'big.txt', 'text/plain'), 22, 413);
      await ch.sendFile(Buffer.from('ok'), 'ok.txt', 'text/plain');
    } finally {
      await admin.updateAppSettings({ file_upload_config: { blocked_file_extensions: [], size_limit: 0 } });
    }
  });

  test('guests may be turned away', async () => {
    await admin.updateAppSettings({ guest_user_creation_disabled: true });
    try {
      const rs = await raw('POST', '/guest', { body: { user: { id: unique('g') } }, headers: { 'Stream-Auth-Type': 'anonymous' } });
      assert.equal(rs.status, 403);
      assert.equal(rs.body.code, 17);
    } finally {
      await admin.updateAppSettings({ guest_user_creation_disabled: false });
    }
  });

  test('development tokens only where they are allowed', async () => {
    const [ann] = await people('ann');
    const dev = admin.devToken(ann);
    const call = () => raw('GET', '/app', { token: dev, query: { user_id: ann } });
    assert.equal((await call()).body.code, 43);
    await admin.updateAppSettings({ disable_auth_checks: true });
    try {
      assert.equal((await call()).status, 200);
    } finally {
      await admin.updateAppSettings({ disable_auth_checks: false });
    }
  });
});
