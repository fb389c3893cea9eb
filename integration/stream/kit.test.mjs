// What the vendor's UI kits are built from: the SDK's managers, composer and search sources, each
// with its own questions to the server.
import { describe, test, after, before } from 'node:test';
import { ChannelSearchSource, MessageSearchSource, SearchController, UserSearchSource } from 'stream-chat';
import { assert, admin, close, eventually, fence, login, next, people, texts, unique } from './lib.mjs';

after(close);

describe('building blocks of the UI kits', () => {
  let ann, ben, a, b, ch, bch;
  before(async () => {
    [ann, ben] = await people('ann', 'ben');
    [a, b] = await Promise.all([login(ann), login(ben)]);
    ch = a.channel('messaging', unique('kit'), { members: [ann, ben], name: 'Kit room' });
    await ch.watch();
    bch = b.channel('messaging', ch.id);
    await bch.watch();
  });

  test('the channel list: pages, moves up with messages, gains and loses channels', async () => {
    const list = b.createChannelManager({});
    list.registerSubscriptions();
    await list.queryChannels({ type: 'messaging', members: { $in: [ben] } }, { last_message_at: -1 }, { limit: 2 });
    const ids = () => list.state.getLatestValue().channels.map((c) => c.id);
    const fresh = a.channel('messaging', unique('fresh'), { members: [ann, ben] });
    await fresh.create();
    await eventually(async () => assert.ok(ids().includes(fresh.id), 'a channel I was added to appears'));
    await ch.sendMessage({ text: 'up' });
    await eventually(async () => assert.equal(ids()[0], ch.id));
    await fresh.watch();
    await fresh.sendMessage({ text: 'up too' });
    await eventually(async () => assert.equal(ids()[0], fresh.id));
    await fresh.delete();
    await eventually(async () => assert.ok(!ids().includes(fresh.id)));
    list.unregisterSubscriptions();
  });

  test('the thread list: unread, reload, next page', async () => {
    const parents = [];
    for (let i = 0; i < 3; i++) {
      const { message } = await bch.sendMessage({ text: `topic ${i}` });
      parents.push(message.id);
      await ch.sendMessage({ text: 'first reply', parent_id: message.id });
    }
    await b.threads.reload({ force: true });
    const state = b.threads.state.getLatestValue();
    for (const id of parents) assert.ok(state.threads.some((t) => t.id === id));
    const t = state.threads.find((x) => x.id === parents[0]);
    t.registerSubscriptions();
    await ch.sendMessage({ text: 'second reply', parent_id: parents[0] });
    await eventually(async () => assert.deepEqual(texts(t.state.getLatestValue().replies), ['first reply', 'second reply']));
    const page = await b.queryThreads({ limit: 1 });
    assert.equal(page.threads.length, 1);
    assert.ok(page.next);
    const more = await b.queryThreads({ limit: 1, next: page.next });
    assert.notEqual(more.threads[0].id, page.threads[0].id);
    t.unregisterSubscriptions();
  });

  test('the composer: draft, text, send', async () => {
    const composer = ch.messageComposer;
    composer.registerSubscriptions();
    composer.textComposer.setText('composed with care');
    const composition = await composer.compose();
    assert.ok(composition.localMessage.id);
    const heard = next(bch, 'message.new', (e) => e.message.id === composition.localMessage.id);
    await ch.sendMessage(composition.message, composition.sendOptions);
    const e = await heard;
    assert.equal(e.message.text, 'composed with care');
    composer.unregisterSubscriptions?.();
  });

  test('searching people, channels and messages at once', async () => {
    const word = unique('needle').replace('-', '');
    await admin.upsertUser({ id: unique('u'), name: `${word} person` });
    await ch.updatePartial({ set: { name: `${word} room` } });
    await ch.sendMessage({ text: `a ${word} in the hay` });
    await fence(ch, bch);
    const search = new SearchController({
      sources: [new UserSearchSource(a), new ChannelSearchSource(a), new MessageSearchSource(a)],
    });
    search.activate();
    const items = (type) => search.getSource(type).state.getLatestValue().items ?? [];
    await eventually(async () => {
      await Promise.all(search.sources.map((s) => (s.resetState(), s.activate(), s.executeQuery(word))));
      assert.equal(items('users').length, 1, 'people');
      assert.equal(items('channels').length, 1, 'channels');
      assert.equal(items('messages').length, 1, 'messages');
    });
    assert.equal(items('channels')[0].id, ch.id);
    assert.equal(items('messages')[0].text, `a ${word} in the hay`);
  });

  test('mentioning: members found by the start of their name', async () => {
    const { members } = await ch.queryMembers({ name: { $autocomplete: 'be' } }, [{ user_id: 1 }], { limit: 10 });
    assert.deepEqual(members.map((m) => m.user_id), [ben]);
    const { users } = await a.queryUsers(
      { $or: [{ id: { $autocomplete: ben.slice(0, 8) } }, { name: { $autocomplete: ben.slice(0, 8) } }] },
      [{ name: 1 }, { id: 1 }],
      { limit: 10 },
    );
    assert.ok(users.some((u) => u.id === ben));
  });

  test('jumping to the first unread and to an old message', async () => {
    const room = a.channel('messaging', unique('jump'), { members: [ann, ben] });
    await room.watch();
    const ids = [];
    for (let i = 0; i < 40; i++) ids.push((await room.sendMessage({ text: `j${i}` })).message.id);
    const cold = (await login(ben)).channel('messaging', room.id);
    await cold.watch({ messages: { limit: 5 } });
    assert.equal(cold.countUnread(), 40);
    await cold.state.loadMessageIntoState(ids[3], undefined, 10);
    const shown = texts(cold.state.messages);
    assert.ok(shown.includes('j3') && !shown.includes('j39'), 'an island in the past');
    await cold.state.loadMessageIntoState('latest');
    assert.equal(texts(cold.state.messages).at(-1), 'j39');
  });

  test('a link is looked up', async () => {
    const err = await a.enrichURL('http://127.0.0.1:9/nothing').then(() => null, (e) => e);
    assert.ok(err?.status >= 400 && err.status < 500, 'an address that gives nothing is an error of the caller');
    assert.equal(typeof err.code, 'number');
  });
});
