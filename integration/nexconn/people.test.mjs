// Friends and profiles.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { person } from './lib.mjs';

test('people become friends, and are told', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  await ben.must('setFriendAddPermission', 2);
  assert.equal((await ann.must('addFriend', ben.userId, 2, 'it is me')).processCode, 25461);
  const [asked] = await ben.hears('FRIEND_APPLICATION_STATUS_CHANGED');
  assert.equal(asked.userId, ann.userId, JSON.stringify(asked));
  assert.equal(asked.extra, 'it is me');
  await ben.must('acceptFriendApplication', ann.userId);
  await ann.hears('FRIEND_ADDED', (e) => e.userId === ben.userId);
  const friends = await ann.must('getFriends', 2, { count: 10, order: false });
  assert.deepEqual((friends.data ?? friends.list).map((f) => f.userId), [ben.userId], JSON.stringify(friends));
  await ann.must('setFriendInfo', ben.userId, 'Benny', {});
  const [info] = await ann.must('getFriendsInfo', [ben.userId]);
  assert.equal(info.remark, 'Benny', JSON.stringify(info));
  const [relation] = await ann.must('checkFriends', [ben.userId], 2);
  assert.equal(relation.relationType ?? relation.relation, 3, JSON.stringify(relation));
  await ann.must('deleteFriends', [ben.userId], 2);
  await ben.hears('FRIEND_DELETE');
  assert.equal((await ann.call('addFriend', ann.userId, 2)).code, 25473);
});

test('a profile is the person\'s own to change, and others see it', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  await ann.must('updateMyUserProfile', { name: 'Ann A.', location: 'Riga', extraProfile: { ext_team: 'blue' } });
  const [seen] = await ben.must('getUserProfiles', [ann.userId]);
  assert.equal(seen.name, 'Ann A.', JSON.stringify(seen));
  assert.equal(seen.location, 'Riga');
  await ann.must('updateMyUserProfileVisibility', 2);
  assert.equal(await ann.must('getMyUserProfileVisibility'), 2);
});
