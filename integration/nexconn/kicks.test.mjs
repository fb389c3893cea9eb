// How links end that somebody else ends, and what the devices of one person have of each other.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { device, direct, init, must, person, tokenOf } from './lib.mjs';

// What the SDK tells of a link that ended.
const kicked = 31010;
const blocked = [31009, 31011]; // by the last frame, or by the first one when it comes back at once
const revoked = 31020;

// agora calls the REST API that Agora's dialect serves for the same app.
async function agora(path) {
  const root = `${process.env.AGORA_URL}/${process.env.AGORA_ORG}/${process.env.AGORA_APP}`;
  const asked = await fetch(`${root}/token`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'client_credentials', client_id: process.env.AGORA_CLIENT_ID, client_secret: process.env.AGORA_CLIENT_SECRET }),
  });
  const { access_token: token } = await asked.json();
  const r = await fetch(`${root}${path}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(r.status, 200, await r.text());
}

test('several devices of a person stay, and each has what the others send', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const tablet = await device(ann.userId);
  await ann.say(direct(ben), 'from the first');
  assert.equal((await tablet.text('from the first')).senderUserId, ann.userId);
  await tablet.say(direct(ben), 'from the second');
  assert.equal((await ann.text('from the second')).senderUserId, ann.userId);
  await ben.say(direct(ann), 'to both');
  await Promise.all([ann.text('to both'), tablet.text('to both')]);
  assert.deepEqual([...ann.heard, ...tablet.heard].filter((m) => m.event === 'DISCONNECT'), []);
});

test('a person whom a server of another vendor disconnects is told so on every device', async () => {
  const ann = await person('ann');
  const tablet = await device(ann.userId);
  await agora(`/users/${ann.userId}/disconnect`);
  for (const d of [ann, tablet]) assert.equal((await d.hears('DISCONNECT'))[0], kicked);
  // They may come back, and are among people again.
  const again = await device(ann.userId);
  const ben = await person('ben');
  await ben.say(direct(ann), 'welcome back');
  await again.text('welcome back');
});

test('a ban ends the link, and keeps the person out until it is lifted', async () => {
  const ann = await person('ann');
  await must('/user/ban', { userIds: [ann.userId], durationMinutes: 1 });
  assert.ok(blocked.includes((await ann.hears('DISCONNECT'))[0]));
  const late = await init(ann.userId);
  assert.notEqual((await late.call('connect', ann.token)).code, 0);
  await must('/user/unban', { userIds: [ann.userId] });
  assert.equal((await (await init(ann.userId)).call('connect', ann.token)).code, 0);
});

test('a token that expires ends the link it opened; a new one opens another', async () => {
  const ann = await person('ann');
  await must('/auth/access-token/expire', { userIds: [ann.userId], expiresAt: Date.now() });
  assert.equal((await ann.hears('DISCONNECT'))[0], revoked);
  const late = await init(ann.userId);
  assert.notEqual((await late.call('connect', ann.token)).code, 0);
  assert.equal((await (await init(ann.userId)).call('connect', await tokenOf(ann.userId))).code, 0);
});
