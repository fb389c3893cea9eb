// Webhooks: what happens is told to the app's own server, signed, in order, at least once.
import { describe, test, after, before, beforeEach } from 'node:test';
import { assert, admin, close, endpoint, login, people, unique } from './lib.mjs';

after(close);

describe('webhooks', () => {
  let app;
  let refuse = () => false;
  before(async () => {
    app = await endpoint((c) => (refuse(c) ? { status: 500 } : {}));
    await admin.updateAppSettings({ webhook_url: `${app.url}/events` });
  });
  beforeEach(() => {
    refuse = () => false;
    app.calls.length = 0;
  });
  after(async () => {
    await admin.updateAppSettings({ webhook_url: '' });
    await app.close();
  });
  const parsed = (c) => admin.verifyAndParseWebhook(c.raw, c.headers['x-signature']);

  async function room() {
    const [ann, ben] = await people('ann', 'ben');
    const a = await login(ann);
    const ch = a.channel('messaging', unique('hook'), { members: [ann, ben] });
    await ch.watch();
    return { ann, ben, a, ch };
  }
  const about = (cid, type) => (c) => {
    const e = parsed(c);
    return e.type === type && e.cid === cid;
  };

  test('a message is told, signed with the secret', async () => {
    const { ch, ann } = await room();
    await ch.sendMessage({ text: 'tell them' });
    const call = await app.until(about(ch.cid, 'message.new'));
    assert.equal(call.method, 'POST');
    assert.equal(call.path, '/events');
    assert.ok(admin.verifyWebhook(call.raw, call.headers['x-signature']));
    assert.ok(!admin.verifyWebhook(`${call.raw} `, call.headers['x-signature']));
    assert.equal(call.headers['x-api-key'], admin.key);
    assert.ok(call.headers['x-webhook-id']);
    assert.equal(call.headers['x-webhook-attempt'], '1');
    const e = parsed(call);
    assert.equal(e.message.text, 'tell them');
    assert.equal(e.user.id, ann);
  });

  test('everything else too', async () => {
    const { ch, a, ben } = await room();
    const { message } = await ch.sendMessage({ text: 'x' });
    await a.updateMessage({ id: message.id, text: 'y' });
    await ch.sendReaction(message.id, { type: 'like' });
    await ch.removeMembers([ben]);
    await a.deleteMessage(message.id);
    await ch.delete();
    for (const type of ['channel.created', 'message.new', 'message.updated', 'reaction.new', 'member.removed', 'message.deleted', 'channel.deleted']) {
      await app.until(about(ch.cid, type), 15_000);
    }
  });

  test('in order, even when the receiver fails for a while', async () => {
    const { ch } = await room();
    await app.until(about(ch.cid, 'channel.created'));
    let failures = 2; // of these messages alone: calls of an earlier test may still be on their way
    refuse = (c) => about(ch.cid, 'message.new')(c) && failures-- > 0;
    for (let i = 0; i < 10; i++) await ch.sendMessage({ text: `h${i}` });
    await app.until((c) => about(ch.cid, 'message.new')(c) && parsed(c).message.text === 'h9', 30_000);
    const seen = [];
    for (const c of app.calls) {
      const e = parsed(c);
      if (e.type === 'message.new' && e.cid === ch.cid && !seen.includes(e.message.text)) seen.push(e.message.text);
    }
    assert.deepEqual(seen, Array.from({ length: 10 }, (_, i) => `h${i}`));
    assert.ok(app.calls.some((c) => Number(c.headers['x-webhook-attempt']) > 1), 'tried again');
  });

  test('only the events asked for', async () => {
    await admin.updateAppSettings({ webhook_events: ['reaction.new'] });
    try {
      const { ch } = await room();
      const { message } = await ch.sendMessage({ text: 'quiet' });
      await ch.sendReaction(message.id, { type: 'like' });
      await app.until(about(ch.cid, 'reaction.new'));
      assert.ok(!app.calls.some(about(ch.cid, 'message.new')));
    } finally {
      await admin.updateAppSettings({ webhook_events: [] });
    }
  });

  test('through event_hooks as well', async () => {
    const second = await endpoint();
    await admin.updateAppSettings({
      event_hooks: [{ hook_type: 'webhook', enabled: true, event_types: ['message.new'], webhook_url: `${second.url}/two` }],
    });
    try {
      const { ch } = await room();
      await ch.sendMessage({ text: 'to both?' });
      const call = await second.until(about(ch.cid, 'message.new'));
      assert.equal(call.path, '/two');
    } finally {
      await admin.updateAppSettings({ event_hooks: [] });
      await second.close();
    }
  });
});
