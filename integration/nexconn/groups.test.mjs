// Groups: messages, hosting, members, receipts.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { group, must, person, unique } from './lib.mjs';

// made makes a group of people, the first one its owner.
async function made(...people) {
  const id = unique('team');
  await people[0].must('createGroup', { groupId: id, groupName: 'Team', joinPermission: 1, inviteHandlePermission: 0 }, people.slice(1).map((p) => p.userId));
  return id;
}

test('people of a group hear each other, and nobody else does', async () => {
  const [ann, ben, eve] = await Promise.all([person('ann'), person('ben'), person('eve')]);
  const id = await made(ann, ben);
  const sent = await ann.say(group(id), 'hello team');
  assert.equal(sent.code, 0, JSON.stringify(sent));
  const got = await ben.text('hello team');
  assert.equal(got.targetId, id);
  assert.equal(got.conversationType, 3);
  assert.equal(got.senderUserId, ann.userId);
  assert.equal((await eve.say(group(id), 'me too')).code, 22406);
  const { list } = await ben.must('getHistoryMessages', group(id), { timestamp: 0, count: 10, order: 0 });
  assert.equal(list.at(-1).content.content, 'hello team');
});

test('a person who is muted is told so', async () => {
  const [ann, ben] = await Promise.all([person('ann'), person('ben')]);
  const id = await made(ann, ben);
  await must('/group-channel/user/mute-list/add', { channelId: id, userIds: [ben.userId], durationMinutes: 10 });
  assert.equal((await ben.say(group(id), 'mmh')).code, 22408);
});

test('a message to some of a group is heard by them alone', async () => {
  const [ann, ben, cat] = await Promise.all([person('ann'), person('ben'), person('cat')]);
  const id = await made(ann, ben, cat);
  const sent = await ann.say(group(id), 'just ben', { directionalUserIdList: [ben.userId] });
  assert.equal(sent.code, 0, JSON.stringify(sent));
  await ann.say(group(id), 'everyone');
  await ben.text('just ben');
  await cat.text('everyone');
  cat.heardNothing((m) => m.content.content === 'just ben');
});

test('a message that asks for receipts tells its sender who has read it', async () => {
  const [ann, ben, cat] = await Promise.all([person('ann'), person('ben'), person('cat')]);
  const id = await made(ann, ben, cat);
  const sent = await ann.say(group(id), 'who is in?', { needReceipt: true });
  assert.equal(sent.code, 0, JSON.stringify(sent));
  const got = await ben.text('who is in?');
  assert.equal(got.needReceipt, true);
  await ben.must('sendReadReceiptResponseV5', group(id), [got.messageUId]);
  const [told] = await ann.hears('MESSAGE_RECEIPT_RESPONSE_V5');
  assert.equal(told[0].messageUId, got.messageUId, JSON.stringify(told));
  assert.equal(told[0].readCount, 1);
  const [info] = await ann.must('getMessageReadReceiptInfoV5', group(id), [got.messageUId]);
  assert.equal(info.readCount, 1, JSON.stringify(info));
  assert.equal(info.unreadCount, 1);
  const page = await ann.must('getMessagesReadReceiptUsersByPageV5', group(id), got.messageUId, { readStatus: 0, pageCount: 10, order: 0 }).catch(() => null);
  if (page) assert.deepEqual(page.users.map((u) => u.userId), [ben.userId]);
});

test('groups are found, joined, managed and left', async () => {
  const [ann, ben, cat] = await Promise.all([person('ann'), person('ben'), person('cat')]);
  const id = await made(ann);
  assert.equal((await ben.must('joinGroup', id)).processCode, 0);
  const [joined] = await ann.hears('GROUP_OPERATION', (e) => e.operation === 1);
  assert.equal(joined.groupId, id, JSON.stringify(joined));
  const [info] = await ben.must('getGroupsInfo', [id]);
  assert.equal(info.groupName, 'Team');
  assert.equal(info.ownerId, ann.userId);
  assert.equal(info.membersCount, 2);
  assert.equal((await ann.must('inviteUsersToGroup', id, [cat.userId])).processCode, 0);
  const members = await ann.must('getGroupMembers', id, [ann.userId, ben.userId, cat.userId]);
  assert.deepEqual(members.map((m) => m.userId), [ann.userId, ben.userId, cat.userId]);
  await ann.must('addGroupManagers', id, [ben.userId]);
  assert.equal((await cat.call('kickGroupMembers', id, [ben.userId], {})).code, 25405);
  await ben.must('kickGroupMembers', id, [cat.userId], {});
  await ann.must('updateGroupInfo', { groupId: id, groupName: 'New name' });
  assert.equal((await ben.must('getGroupsInfo', [id]))[0].groupName, 'New name');
  await ben.must('setGroupRemark', id, 'mine');
  assert.equal((await ben.must('getGroupsInfo', [id]))[0].remark, 'mine');
  assert.equal((await ann.call('quitGroup', id, {})).code, 25417);
  assert.equal((await ben.call('dismissGroup', id)).code, 25405);
  await ben.must('quitGroup', id, {});
  await ann.must('dismissGroup', id);
  assert.deepEqual(await ann.must('getGroupsInfo', [id]), []);
});
