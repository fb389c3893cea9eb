// Login, logout, and what is refused.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { again, authKey, fails, init, must, person, unique } from './lib.mjs';

for (const version of [4, 3]) {
  test(`version ${version}: login by auth key and by token, logout`, async () => {
    const uid = unique('ann');
    await must('POST', '/users', { uid, name: 'Ann' });
    const p = await again(uid, { version });
    const me = await p.run(async (CometChat) => (await CometChat.getLoggedinUser()).getName());
    assert.equal(me, 'Ann');
    const token = (await must('POST', `/users/${uid}/auth_tokens`, {})).authToken;
    const q = await init(uid, { version });
    const got = await q.run(async (CometChat, { token }) => (await CometChat.login(token)).getUid(), { token });
    assert.equal(got, uid);
    await q.run((CometChat) => CometChat.logout());
    await p.run((CometChat) => CometChat.logout());
    assert.equal(await p.run((CometChat) => CometChat.getLoggedinUser()), null);
  });
}

test('logins that are refused say why', async () => {
  const p = await init('nobody');
  const login = (...a) => p.run((CometChat, a) => CometChat.login(...a), a);
  await fails(login('nobody-at-all', authKey), 'ERR_UID_NOT_FOUND');
  await fails(login('nobody-at-all', 'wrong-key'), 'AUTH_ERR_APIKEY_NOT_FOUND');
  await fails(login('bogus-token'), 'AUTH_ERR_AUTH_TOKEN_NOT_FOUND');
});

test('a user is made and changed by the SDK', async () => {
  const p = await person('bea');
  const uid = unique('made');
  const got = await p.run(async (CometChat, { uid, authKey }) => {
    const u = new CometChat.User(uid);
    u.setName('Made');
    const made = await CometChat.createUser(u, authKey);
    made.setName('Changed');
    return { made: made.getUid(), changed: (await CometChat.updateUser(made, authKey)).getName() };
  }, { uid, authKey });
  assert.deepEqual(got, { made: uid, changed: 'Changed' });
  const me = await p.run(async (CometChat) => {
    const u = await CometChat.getLoggedinUser();
    u.setStatusMessage('busy');
    return (await CometChat.updateCurrentUserDetails(u)).getStatusMessage();
  });
  assert.equal(me, 'busy');
});
