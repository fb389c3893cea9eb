// Logging in, being refused, being ended.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { connection, fails, must, packages, person, register, app, org, base } from './lib.mjs';

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

    test('an account that is removed ends its sessions', async () => {
      const a = await person('gone', sdk);
      await must('DELETE', `/users/${a.id}`);
      assert.equal((await a.hears('onError')).type, 207);
      assert.equal((await a.hears('onDisconnected')).type, 207);
    });
  });
}
