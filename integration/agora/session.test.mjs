// Logging in, being refused, being ended.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { connection, fails, must, packages, person, register, settles, app, org, base } from './lib.mjs';

for (const sdk of packages) {
  describe(sdk, () => {
    test('login by password and by token', async () => {
      const id = await register('ann');
      const a = await connection(id, sdk).open();
      await a.hears('onConnected');
      a.close();
      const r = await fetch(`${base}/${org}/${app}/token`, {
        method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ grant_type: 'password', username: id, password: `pw-${id}` }),
      });
      const token = (await r.json()).access_token;
      const b = await connection(id, sdk).open({ accessToken: token });
      await b.hears('onConnected');
      b.close();
    });

    test('what is not let in', async () => {
      const id = await register('bob');
      await fails(connection(id, sdk).open({ pwd: 'wrong' }), 1);
      await fails(connection(id, sdk).open({ accessToken: 'nonsense' }), 28);
      await fails(connection('nobody-at-all', sdk).open({ accessToken: 'nonsense' }), 28);
    });

    test('messages go both ways and are acknowledged', async () => {
      const [a, b] = [await person('ann', sdk, { delivery: true }), await person('bob', sdk, { delivery: true })];
      const sent = await a.text(b.id, 'hello', 'singleChat', { ext: { s: 'x', n: 1, b: true, f: 1.5, o: { k: 1 } } });
      const got = await b.hears('onTextMessage');
      assert.equal(got.id, sent.serverMsgId);
      assert.deepEqual(got.ext, { s: 'x', n: 1, b: true, f: 1.5, o: { k: 1 } });
      assert.equal(got.from, a.id);
      assert.equal(got.to, b.id);
      assert.equal((await a.hears('onDeliveredMessage')).mid, sent.serverMsgId);
      await b.text(a.id, 'hello yourself');
      assert.equal((await a.hears('onTextMessage')).msg, 'hello yourself');
    });

    test('a fifth device takes the place of the first', async () => {
      const first = await person('many', sdk);
      const others = [];
      for (let i = 0; i < 3; i += 1) others.push(await connection(first.id, sdk).open());
      assert.equal(first.count('onError'), 0);
      await connection(first.id, sdk).open();
      assert.equal((await first.hears('onError')).type, 206);
      assert.equal((await first.hears('onDisconnected')).type, 206);
      for (const o of others) assert.equal(o.count('onError'), 0);
    });

    test('a server ends a session', async () => {
      const a = await person('kicked', sdk);
      await must('GET', `/users/${a.id}/disconnect`);
      assert.equal((await a.hears('onError')).type, 217);
      assert.equal((await a.hears('onDisconnected')).type, 217);
      const b = await connection(a.id, sdk).open();
      await must('PUT', `/users/${a.id}/password`, { newpassword: 'other' });
      assert.equal((await b.hears('onError')).type, 216);
    });

    test('presence of others is told to who asked for it', async () => {
      const [a, b] = [await person('ann', sdk), await person('bob', sdk)];
      await settles(a.conn.subscribePresence({ usernames: [b.id], expiry: 600 }), 'subscribe');
      await settles(b.conn.publishPresence({ description: 'busy' }), 'publish');
      const [p] = await a.hears('onPresenceStatusChange', (list) => list[0].ext === 'busy');
      assert.equal(p.userId, b.id);
      b.close();
      await a.hears('onPresenceStatusChange', ([x]) => x.userId === b.id && x.statusDetails.every((s) => s.status === 0));
    });

    test('an account that is removed ends its sessions', async () => {
      const a = await person('gone', sdk);
      await must('DELETE', `/users/${a.id}`);
      assert.equal((await a.hears('onError')).type, 207);
      assert.equal((await a.hears('onDisconnected')).type, 207);
    });
  });
}
