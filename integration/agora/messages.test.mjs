// Messages of every type, what is done to them, and what comes later to who was away.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { connection, fails, must, packages, person, register } from './lib.mjs';

const own = { useOwnUploadFun: true };

for (const sdk of packages) {
  describe(sdk, () => {
    test('every type arrives as it was sent', async () => {
      const [a, b] = [await person('ann', sdk, own), await person('bob', sdk, own)];
      const file = (name) => {
        const f = { url: `http://files.test/${name}`, filename: name, file_length: 12, secret: 's', length: 7 };
        return { ...f, width: 3, height: 4, body: { ...f, type: 'file', size: { width: 3, height: 4 } } };
      };
      const kinds = [
        ['txt', { msg: 'words' }, 'onTextMessage', (m) => m.msg === 'words'],
        ['img', file('a.png'), 'onImageMessage', (m) => m.url === 'http://files.test/a.png' && m.width === 3 && m.height === 4],
        ['audio', file('a.mp3'), 'onAudioMessage', (m) => m.url === 'http://files.test/a.mp3' && m.length === 7 && m.filename === 'a.mp3'],
        ['video', file('a.mp4'), 'onVideoMessage', (m) => m.url === 'http://files.test/a.mp4' && m.file_length === 12],
        ['file', file('a.pdf'), 'onFileMessage', (m) => m.filename === 'a.pdf' && m.secret === 's'],
        ['loc', { addr: 'Here 1', buildingName: 'House', lat: 1.5, lng: -2.25 }, 'onLocationMessage', (m) => m.addr === 'Here 1' && m.lat === 1.5 && m.lng === -2.25 && m.buildingName === 'House'],
        ['cmd', { action: 'do-it' }, 'onCmdMessage', (m) => m.action === 'do-it'],
        ['custom', { customEvent: 'ping', customExts: { a: 'b' } }, 'onCustomMessage', (m) => m.customEvent === 'ping' && m.customExts.a === 'b'],
      ];
      for (const [type, set, event, ok] of kinds) {
        const sent = await a.send(type, b.id, { ...set, ext: { mark: type } });
        const got = await b.hears(event);
        assert.ok(ok(got), `${type}: ${JSON.stringify(got)}`);
        assert.equal(got.ext.mark, type);
        assert.equal(got.id, sent.serverMsgId);
        assert.ok(Math.abs(got.time - Date.now()) < 60_000, `${type}: ${got.time}`);
      }
    });

    test('what somebody missed comes once and in order when they are back', async () => {
      const [a, id] = [await person('ann', sdk), await register('bob')];
      const first = await connection(id, sdk).open();
      await a.text(id, 'live');
      await first.hears('onTextMessage');
      await new Promise((r) => { setTimeout(r, 100); });
      first.close();
      for (let i = 0; i < 250; i += 1) await a.text(id, `m${i}`);
      const cmd = await a.send('cmd', id, { action: 'kept' });
      const b = await connection(id, sdk).open();
      await b.hears('onOfflineMessageSyncFinish');
      const texts = b.heard.filter((m) => m.event === 'onTextMessage').map((m) => m.args[0].msg);
      assert.deepEqual(texts, Array.from({ length: 250 }, (_, i) => `m${i}`));
      assert.equal((await b.hears('onCmdMessage')).id, cmd.serverMsgId);
      await a.text(id, 'live again');
      await b.hears('onTextMessage', (m) => m.msg === 'live again');
      await new Promise((r) => { setTimeout(r, 100); });
      b.close();
      const c = await connection(id, sdk).open();
      await a.text(id, 'last');
      await c.hears('onTextMessage', (m) => m.msg === 'last');
      assert.equal(c.count('onTextMessage'), 0, JSON.stringify(c.heard.map((m) => m.args[0]?.msg)));
    });

    test('a connection that is cut comes back and misses nothing', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      b.socket.terminate();
      const sends = [];
      for (let i = 0; i < 20; i += 1) sends.push(await a.text(b.id, `n${i}`));
      await b.hears('onTextMessage', (m) => m.msg === 'n19');
      const rest = b.heard.filter((m) => m.event === 'onTextMessage').map((m) => m.args[0].msg);
      assert.deepEqual(rest, Array.from({ length: 19 }, (_, i) => `n${i}`));
    });

    test('reading is told: of a message, and of a conversation', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const { serverMsgId } = await a.text(b.id, 'read me');
      await b.hears('onTextMessage');
      await b.send('read', a.id, { id: serverMsgId });
      const read = await a.hears('onReadMessage');
      assert.equal(read.mid, serverMsgId);
      assert.equal(read.from, b.id);
      await a.text(b.id, 'and me');
      await b.hears('onTextMessage');
      await b.send('channel', a.id);
      assert.equal((await a.hears('onChannelMessage')).from, b.id);
      assert.equal(a.count('onReadMessage'), 0);
    });

    test('recall', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const { serverMsgId } = await a.text(b.id, 'oops');
      await b.hears('onTextMessage');
      await a.conn.recallMessage({ mid: serverMsgId, to: b.id, chatType: 'singleChat', ext: 'sorry' });
      const gone = await b.hears('onRecallMessage');
      assert.equal(gone.mid, serverMsgId);
      assert.equal(gone.from, a.id);
      assert.equal(gone.ext, 'sorry');
      await fails(a.conn.recallMessage({ mid: '123456', to: b.id, chatType: 'singleChat' }), 1302);
      const other = await b.text(a.id, 'mine');
      await fails(a.conn.recallMessage({ mid: other.serverMsgId, to: b.id, chatType: 'singleChat' }), 603);
    });

    test('an edit reaches the other and is bounded', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const { serverMsgId } = await a.text(b.id, 'draft', 'singleChat', { ext: { keep: 1 } });
      await b.hears('onTextMessage');
      const change = (msg, ext) => a.conn.modifyMessage({ messageId: serverMsgId, modifiedMessage: a.message('txt', { to: b.id, chatType: 'singleChat', msg, ...(ext && { ext }) }) });
      const out = await change('final');
      assert.equal(out.modifiedInfo.operationCount, 1);
      assert.equal(out.modifiedInfo.operatorId, a.id);
      assert.equal(out.message.id, serverMsgId);
      const got = await b.hears('onModifiedMessage');
      assert.equal(got.id, serverMsgId);
      assert.equal(got.msg, 'final');
      assert.equal(got.from, a.id);
      assert.deepEqual(got.ext, { keep: 1 });
      assert.equal(got.chatType, 'singleChat');
      await change('with ext', { keep: 2 });
      assert.deepEqual((await b.hears('onModifiedMessage')).ext, { keep: 2 });
      for (let i = 3; i <= 10; i += 1) await change(`v${i}`);
      await fails(change('one too many'), 50);
      const theirs = await b.text(a.id, 'mine');
      await fails(a.conn.modifyMessage({ messageId: theirs.serverMsgId, modifiedMessage: a.message('txt', { to: b.id, chatType: 'singleChat', msg: 'x' }) }), 603);
      await fails(a.conn.modifyMessage({ messageId: '12345678', modifiedMessage: a.message('txt', { to: b.id, chatType: 'singleChat', msg: 'x' }) }), 1302);
    });

    test('one\'s other device hears what one says', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      const a2 = await connection(a.id, sdk).open();
      await a.text(b.id, 'copy');
      const copy = await a2.hears('onTextMessage');
      assert.equal(copy.from, a.id);
      assert.equal(copy.to, b.id);
      await b.hears('onTextMessage');
      await b.text(a.id, 'to both');
      await Promise.all([a.hears('onTextMessage'), a2.hears('onTextMessage')]);
      assert.equal(a.count('onTextMessage'), 0);
    });

    test('what cannot be sent is refused by a type', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      await fails(a.text('nobody-of-that-name', 'x'), 204);
      await fails(a.text('999999999', 'x', 'groupChat'), 605);
      await fails(a.text(b.id, 'x'.repeat(50_000)), 511);
      await must('POST', `/users/${b.id}/blocks/users`, { usernames: [a.id] });
      await fails(a.text(b.id, 'x'), 603);
    });
  });
}
