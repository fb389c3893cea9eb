package nexconn_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
)

// step is one call and what has to be true of its answer: pairs of a path below result and the raw
// JSON there. {name} stands for what an earlier step kept.
type step struct {
	path, body string
	want       []string
	keep       string // name=path below result
}

// run makes the calls of a flow in order.
func run(t *testing.T, a *api, seen map[string]bool, steps []step) {
	t.Helper()
	kept := map[string]string{"now": strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10), "past": strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)}
	fill := func(s string) string {
		for k, v := range kept {
			s = strings.ReplaceAll(s, "{"+k+"}", v)
		}
		return s
	}
	for i, s := range steps {
		r := a.call(s.path, fill(s.body))
		if r.status != 200 || r.code() != "0" {
			t.Fatalf("step %d, %s %s: %d %.400s", i, s.path, fill(s.body), r.status, r.body.Raw)
		}
		if seen != nil {
			seen["/v4"+s.path] = true
		}
		for j := 0; j+1 < len(s.want); j += 2 {
			got := r.body.Get("result." + s.want[j])
			if want := fill(s.want[j+1]); got.Raw != want && !(want == "any" && got.Exists()) {
				t.Errorf("step %d, %s: %s is %s, want %s in %.600s", i, s.path, s.want[j], got.Raw, want, r.body.Get("result").Raw)
			}
		}
		if name, path, ok := strings.Cut(s.keep, "="); ok {
			if kept[name] = r.body.Get("result." + path).String(); kept[name] == "" {
				t.Fatalf("step %d, %s: there is no %s in %.400s", i, s.path, path, r.body.Raw)
			}
		}
	}
}

// flows are what the operations do: what one call changes, another sees. Every operation of v4 occurs.
var flows = map[string][]step{
	"users": {
		{"/auth/access-token/issue", `{"userId":"erin","name":"Erin","avatarUrl":"http://x/e.png"}`, []string{"userId", `"erin"`, "accessToken", "any"}, ""},
		{"/user/get", `{"userId":"erin"}`, []string{"name", `"Erin"`, "avatarUrl", `"http://x/e.png"`, "createdAt", "any"}, ""},
		{"/user/update", `{"userId":"erin","name":"Erin Two"}`, nil, ""},
		{"/user/get", `{"userId":"erin"}`, []string{"name", `"Erin Two"`, "avatarUrl", `"http://x/e.png"`}, ""},
		{"/user/connection-status/get", `{"userId":"erin"}`, []string{"status", `"0"`}, ""},
		{"/auth/access-token/expire", `{"userIds":["erin"],"expiresAt":{now}}`, nil, ""},
		{"/user/ban", `{"userIds":["erin"],"durationMinutes":10}`, nil, ""},
		{"/user/ban/list", `{"page":1,"pageSize":10}`, []string{"bannedUsers.#", "1", "bannedUsers.0.userId", `"erin"`, "bannedUsers.0.banExpiresAt", "any"}, ""},
		{"/user/unban", `{"userIds":["erin"]}`, nil, ""},
		{"/user/ban/list", `{}`, []string{"bannedUsers.#", "0"}, ""},
		{"/channel-type/mute/set", `{"userIds":["bob"],"muteState":1,"channelTypes":["GROUP","CHATROOM"]}`, nil, ""},
		{"/channel-type/mute/list", `{"channelType":"GROUP"}`, []string{"totalCount", "1", "mutedUserIds", `["bob"]`}, ""},
		{"/channel-type/mute/set", `{"userIds":["bob"],"muteState":0,"channelTypes":["GROUP","CHATROOM"]}`, nil, ""},
		{"/channel-type/mute/list", `{"channelType":"GROUP"}`, []string{"totalCount", "0", "mutedUserIds", `[]`}, ""},
		{"/user/soft-delete", `{"userIds":["erin"]}`, []string{"operationId", "any"}, ""},
		{"/user/soft-deleted/list", `{}`, []string{"userIds", `["erin"]`}, ""},
		{"/user/restore", `{"userIds":["erin"]}`, []string{"operationId", "any"}, ""},
		{"/user/soft-deleted/list", `{}`, []string{"userIds", `[]`}, ""},
		{"/user/tag/batch/set", `{"userIds":["erin","bob"],"tags":["vip","eu"]}`, nil, ""},
		{"/user/tag/batch/get", `{"userIds":["bob","alice"]}`, []string{"users.0.tags", `["vip","eu"]`, "users.1.tags", "[]"}, ""},
	},
	"blocklist": {
		{"/user/blocklist/add", `{"userId":"alice","targetUserIds":["bob"]}`, nil, ""},
		{"/user/blocklist/add", `{"userId":"alice","targetUserIds":["carol"]}`, nil, ""},
		{"/user/blocklist/get", `{"userId":"alice","pageSize":1}`, []string{"blockedUserIds", `["bob"]`}, "next=pageToken"},
		{"/user/blocklist/get", `{"userId":"alice","pageSize":1,"pageToken":"{next}"}`, []string{"blockedUserIds", `["carol"]`, "pageToken", `""`}, ""},
		{"/direct-channel/message/send", `{"fromUserId":"bob","toUserIds":["alice"],"verifyBlocklist":1,` + text + `}`, []string{"messageIds", "[]"}, ""},
		{"/user/blocklist/remove", `{"userId":"alice","blockedUserIds":["bob","carol"]}`, nil, ""},
		{"/user/blocklist/get", `{"userId":"alice"}`, []string{"blockedUserIds", "[]"}, ""},
	},
	"profiles": {
		{"/user/profile/set", `{"userId":"alice","userProfile":{"name":"Alice A","email":"a@x.test"},"userExtProfile":{"ext_color":"red"}}`, nil, ""},
		{"/user/profile/batch/get", `{"userIds":["alice"]}`, []string{"users.0.userId", `"alice"`, "users.0.userProfile.name", `"Alice A"`, "users.0.userProfile.email", `"a@x.test"`, "users.0.userExtProfile.ext_color", `"red"`, "users.0.version", "any"}, ""},
		{"/user/get", `{"userId":"alice"}`, []string{"name", `"Alice A"`}, ""},
		{"/user/profile/list", `{"page":1,"pageSize":2}`, []string{"users.#", "2"}, ""},
		{"/user/profile/delete", `{"userIds":["alice"]}`, nil, ""},
		{"/user/profile/batch/get", `{"userIds":["alice"]}`, []string{"users.0.userExtProfile", "{}", "users.0.version", "0"}, ""},
	},
	"friends": {
		{"/friend/add", `{"userId":"alice","targetId":"bob","action":2}`, nil, ""},
		{"/friend/profile/set", `{"userId":"alice","targetId":"bob","alias":"Bobby","friendExtProfile":{"ext_a":"b"}}`, nil, ""},
		{"/friend/list", `{"userId":"alice"}`, []string{"totalCount", "1", "friends.0.userId", `"bob"`, "friends.0.alias", `"Bobby"`, "friends.0.friendExtProfile.ext_a", `"b"`, "friends.0.addedAt", "any"}, ""},
		{"/friend/list", `{"userId":"bob"}`, []string{"friends.0.userId", `"alice"`, "friends.0.alias", `""`}, ""},
		{"/friend/relationship/get", `{"userId":"alice","targetIds":["bob","carol"]}`, []string{"friendships", `[{"userId":"bob","result":4},{"userId":"carol","result":1}]`}, ""},
		{"/friend/permission/set", `{"userIds":["carol"],"permissionType":2}`, nil, ""},
		{"/friend/permission/get", `{"userIds":["carol","bob"]}`, []string{"permissions", `[{"userId":"carol","permissionType":2},{"userId":"bob","permissionType":1}]`}, ""},
		{"/friend/remove", `{"userId":"bob","targetIds":["alice"]}`, nil, ""},
		{"/friend/list", `{"userId":"alice"}`, []string{"totalCount", "0"}, ""},
		{"/friend/add", `{"userId":"alice","targetId":"dave","action":2}`, nil, ""},
		{"/friend/remove-all", `{"userId":"alice"}`, nil, ""},
		{"/friend/list", `{"userId":"dave"}`, []string{"totalCount", "0"}, ""},
	},
	"direct messages": {
		{"/direct-channel/message/send", `{"fromUserId":"alice","toUserIds":["bob"],"messageType":"RC:TxtMsg","content":"{\"content\":\"one\",\"extra\":\"kept\"}","hasMetadata":true,"metadata":{"k1":"v1"}}`, nil, "m1=messageIds.0.messageId"},
		{"/direct-channel/message/send", `{"fromUserId":"bob","toUserIds":["alice"],"messageType":"App:Card","content":"{ \"a\" : 1 }"}`, nil, "m2=messageIds.0.messageId"},
		{"/direct-channel/history-message/list", `{"userId":"alice","channelId":"bob","startAt":{now},"endAt":{past},"includeStart":true}`, []string{
			"messages.#", "2", "messages.0.messageId", `"{m2}"`, "messages.0.messageType", `"App:Card"`, "messages.0.content", `"{ \"a\" : 1 }"`, "messages.0.channelId", `"bob"`, "messages.0.fromUserId", `"bob"`,
			"messages.1.content", `"{\"content\":\"one\",\"extra\":\"kept\"}"`, "messages.1.hasMetadata", "true", "messages.1.metadata.0.key", `"k1"`, "messages.1.aiGenerated", "false", "messages.1.sentAt", "any",
		}, "at=messages.1.sentAt"},
		{"/channel-type/message/metadata/set", `{"messageId":"{m1}","userId":"bob","channelType":1,"channelId":"alice","metadata":{"k2":"v2"}}`, nil, ""},
		{"/channel-type/message/metadata/list", `{"messageId":"{m1}","page":1}`, []string{"metadata.#", "2", "metadata.1.value", `"v2"`, "metadata.1.updatedAt", "any"}, ""},
		{"/channel-type/message/metadata/delete", `{"messageId":"{m1}","userId":"alice","channelType":1,"channelId":"bob","keys":["k1"]}`, nil, ""},
		{"/channel-type/message/metadata/list", `{"messageId":"{m1}"}`, []string{"metadata.#", "1", "metadata.0.key", `"k2"`}, ""},
		{"/direct-channel/message/update", `{"fromUserId":"alice","targetId":"bob","messageId":"{m1}","content":"{\"content\":\"changed\"}"}`, nil, ""},
		{"/direct-channel/history-message/list", `{"userId":"bob","channelId":"alice","startAt":{now},"endAt":{past},"includeStart":true,"pageSize":1}`, []string{"messages.#", "1", "messages.0.messageId", `"{m2}"`}, ""},
		{"/message/delete", `{"fromUserId":"bob","channelType":1,"channelId":"alice","messageId":"{m2}"}`, nil, ""},
		{"/direct-channel/history-message/list", `{"userId":"alice","channelId":"bob","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.#", "1", "messages.0.content", `"{\"content\":\"changed\"}"`}, ""},
		{"/channel/message/history/delete", `{"channelType":1,"fromUserId":"alice","channelId":"bob","sentAt":"{now}"}`, nil, ""},
		{"/direct-channel/history-message/list", `{"userId":"alice","channelId":"bob","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages", "[]"}, ""},
		{"/direct-channel/history-message/list", `{"userId":"bob","channelId":"alice","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.#", "1"}, ""},
	},
	"streams": {
		{"/direct-channel/message/stream/send", `{"fromUserId":"alice","toUserId":"carol","messageType":"RC:StreamMsg","content":{"content":"Hel","seq":1,"complete":false,"type":"text"}}`, nil, "s=messageId"},
		{"/direct-channel/message/stream/send", `{"fromUserId":"alice","toUserId":"carol","messageType":"RC:StreamMsg","content":{"content":"lo","seq":2,"complete":true,"messageId":"{s}"}}`, []string{"messageId", ""}, ""},
		{"/direct-channel/history-message/list", `{"userId":"carol","channelId":"alice","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.0.content", `"{\"content\":\"Hello\",\"complete\":true,\"type\":\"text\"}"`, "messages.0.messageType", `"RC:StreamMsg"`}, ""},
		{"/group-channel/create", `{"channelId":"sg","name":"S","owner":"alice","userIds":["bob"]}`, nil, ""},
		{"/group-channel/message/stream/send", `{"fromUserId":"alice","toChannelId":"sg","messageType":"RC:StreamMsg","content":{"content":"all","seq":1,"complete":true,"type":"markdown"}}`, []string{"messageId", "any"}, ""},
	},
	"groups": {
		{"/group-channel/create", `{"channelId":"g1","name":"One","owner":"alice","userIds":["bob"],"groupProfile":{"introduction":"in","announcement":"an","portraitUrl":"http://x/g.png"},"permissions":{"joinPerm":1},"groupExtProfile":{"ext_a":"b"}}`, nil, ""},
		{"/group-channel/profile/list", `{"channelIds":["g1"]}`, []string{"profiles.0.name", `"One"`, "profiles.0.groupProfile", `{"introduction":"in","announcement":"an","portraitUrl":"http://x/g.png"}`, "profiles.0.groupExtProfile.ext_a", `"b"`, "profiles.0.permissions.joinPerm", "1", "profiles.0.owner", `"alice"`, "profiles.0.memberCount", "2", "profiles.0.createdAt", "any"}, ""},
		{"/group-channel/profile/update", `{"channelId":"g1","groupProfile":{"name":"Two","announcement":"new"},"groupExtProfile":{"ext_c":"d"}}`, nil, ""},
		{"/group-channel/profile/list", `{"channelIds":["g1"]}`, []string{"profiles.0.name", `"Two"`, "profiles.0.groupProfile.introduction", `"in"`, "profiles.0.groupProfile.announcement", `"new"`, "profiles.0.groupExtProfile", `{"ext_a":"b","ext_c":"d"}`}, ""},
		{"/group-channel/join", `{"channelId":"g1","userIds":["carol","dave"]}`, []string{"channelId", `"g1"`, "memberCount", "4"}, ""},
		{"/group-channel/admin/add", `{"channelId":"g1","userIds":["bob"]}`, nil, ""},
		{"/group-channel/member/list", `{"channelId":"g1","memberRole":2}`, []string{"totalCount", "1", "members.0.userId", `"bob"`, "members.0.role", "2"}, ""},
		{"/group-channel/member/list", `{"channelId":"g1","pageSize":2}`, []string{"totalCount", "4", "members.#", "2", "members.0.userId", `"alice"`, "members.0.role", "3"}, "next=pageToken"},
		{"/group-channel/member/list", `{"channelId":"g1","pageSize":2,"pageToken":"{next}"}`, []string{"members.#", "2", "pageToken", `""`}, ""},
		{"/group-channel/admin/remove", `{"channelId":"g1","userIds":["bob"]}`, nil, ""},
		{"/group-channel/member/set", `{"channelId":"g1","userId":"bob","nickname":"Bo","extra":"x"}`, nil, ""},
		{"/group-channel/member/batch/get", `{"channelId":"g1","userIds":["bob","nobody"]}`, []string{"members.#", "1", "members.0.nickname", `"Bo"`, "members.0.extra", `"x"`, "members.0.role", "1", "members.0.joinedAt", "any"}, ""},
		{"/group-channel/alias/set", `{"channelId":"g1","userId":"bob","alias":"ours"}`, nil, ""},
		{"/group-channel/alias/get", `{"channelId":"g1","userId":"bob"}`, []string{"alias", `"ours"`}, ""},
		{"/group-channel/alias/delete", `{"channelId":"g1","userId":"bob"}`, nil, ""},
		{"/group-channel/alias/get", `{"channelId":"g1","userId":"bob"}`, []string{"alias", `""`}, ""},
		{"/group-channel/member/favorites/add", `{"channelId":"g1","userId":"bob","favoriteIds":["carol","dave"]}`, nil, ""},
		{"/group-channel/member/favorites/remove", `{"channelId":"g1","userId":"bob","favoriteIds":["dave"]}`, nil, ""},
		{"/group-channel/member/favorites/list", `{"channelId":"g1","userId":"bob"}`, []string{"userId", `"bob"`, "channelId", `"g1"`, "favorites.#", "1", "favorites.0.userId", `"carol"`, "favorites.0.favoritedAt", "any"}, ""},
		{"/group-channel/list", `{"pageSize":1}`, []string{"groups.#", "1", "groups.0.creator", "any"}, ""},
		{"/group-channel/joined/list", `{"userId":"carol"}`, []string{"groups.#", "1", "groups.0.channelId", `"g1"`, "groups.0.role", "1", "groups.0.joinedAt", "any"}, ""},
		{"/group-channel/transfer/owner", `{"channelId":"g1","newOwner":"bob","shouldLeave":true}`, nil, ""},
		{"/group-channel/profile/list", `{"channelIds":["g1"]}`, []string{"profiles.0.owner", `"bob"`, "profiles.0.memberCount", "3"}, ""},
		{"/group-channel/leave", `{"channelId":"g1","userIds":["dave"]}`, nil, ""},
		{"/group-channel/member/kickout-all", `{"userId":"carol"}`, nil, ""},
		{"/group-channel/joined/list", `{"userId":"carol"}`, []string{"groups", "[]"}, ""},
		{"/group-channel/dismiss", `{"channelId":"g1"}`, nil, ""},
	},
	"group messages": {
		{"/group-channel/create", `{"channelId":"gm","name":"M","owner":"alice","userIds":["bob","carol"]}`, nil, ""},
		{"/group-channel/message/send", `{"fromUserId":"bob","toChannelIds":["gm"],"hasMention":1,"messageType":"RC:TxtMsg","content":"{\"content\":\"hi\",\"mentionedInfo\":{\"type\":2,\"userIdList\":[\"alice\"]}}"}`, []string{"messageIds.0.channelId", `"gm"`}, "m=messageIds.0.messageId"},
		{"/group-channel/message/send", `{"fromUserId":"bob","toChannelIds":["gm"],"toUserIds":["alice"],` + text + `}`, nil, "secret=messageIds.0.messageId"},
		{"/group-channel/history-message/list", `{"userId":"carol","channelId":"gm","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.0.messageId", `"{m}"`}, ""},
		{"/group-channel/history-message/list", `{"userId":"alice","channelId":"gm","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.0.messageId", `"{secret}"`}, ""},
		{"/group-channel/message/update", `{"fromUserId":"bob","channelId":"gm","messageId":"{m}","content":"{\"content\":\"ho\"}"}`, nil, ""},
		{"/group-channel/history-message/list", `{"userId":"carol","channelId":"gm","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.0.content", `"{\"content\":\"ho\"}"`}, ""},
	},
	"group speech": {
		{"/group-channel/create", `{"channelId":"gs","name":"S","owner":"alice","userIds":["bob","carol"]}`, nil, ""},
		{"/group-channel/user/mute-list/add", `{"channelId":"gs","userIds":["bob"],"durationMinutes":5}`, nil, ""},
		{"/group-channel/user/mute-list/get", `{"channelId":"gs"}`, []string{"mutedMembers.0.userId", `"bob"`, "mutedMembers.0.mutedAt", "any", "mutedMembers.0.muteExpiresAt", "any"}, ""},
		{"/group-channel/user/mute-list/remove", `{"channelId":"gs","userIds":["bob"]}`, nil, ""},
		{"/group-channel/user/mute-list-get", `{"channelId":"gs"}`, []string{"mutedMembers", "[]"}, ""},
		{"/group-channel/user/mute-list/add", `{"userIds":["carol"],"durationMinutes":5}`, nil, ""},
		{"/group-channel/user/mute-list/get", `{}`, []string{"mutedMembers.0.userId", `"carol"`}, ""},
		{"/group-channel/user/mute-list/remove", `{"userIds":["carol"]}`, nil, ""},
		{"/group-channel/freeze-list/add", `{"channelIds":["gs"]}`, nil, ""},
		{"/group-channel/freeze-list/get", `{}`, []string{"freezeStatuses", `[{"channelId":"gs","status":1}]`}, ""},
		{"/group-channel/freeze-list/remove", `{"channelIds":["gs"]}`, nil, ""},
		{"/group-channel/freeze-list/get", `{"channelIds":["gs"]}`, []string{"freezeStatuses", `[{"channelId":"gs","status":0}]`}, ""},
		{"/group-channel/allowed-sender-list/add", `{"channelId":"gs","userIds":["bob"]}`, nil, ""},
		{"/group-channel/allowed-sender-list/get", `{"channelId":"gs"}`, []string{"userIds", `["bob"]`}, ""},
		{"/group-channel/allowed-sender-list/remove", `{"channelId":"gs","userIds":["bob"]}`, nil, ""},
		{"/group-channel/allowed-sender-list/get", `{"channelId":"gs"}`, []string{"userIds", `[]`}, ""},
	},
	"open channels": {
		{"/open-channel/create", `{"channelId":"r1","destroyType":1,"ttlMinutes":120,"shouldFreeze":true,"allowedSendersList":["alice"],"metadataOwnerId":"alice","metadata":{"k":"v"}}`, nil, ""},
		{"/open-channel/get", `{"channelId":"r1"}`, []string{"channelId", `"r1"`, "destroyType", "1", "ttlMinutes", "120", "isFrozen", "true", "participantCount", "0", "createdAt", "any"}, ""},
		{"/open-channel/destroy-type/set", `{"channelId":"r1","destroyType":0,"ttlMinutes":60}`, nil, ""},
		{"/open-channel/get", `{"channelId":"r1"}`, []string{"destroyType", "0", "ttlMinutes", "60"}, ""},
		{"/open-channel/message/send", `{"fromUserId":"bob","toChannelIds":["r1"],` + text + `}`, nil, "m=messageIds.0.messageId"},
		{"/open-channel/history-message/list", `{"userId":"alice","channelId":"r1","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.#", "1", "messages.0.messageId", `"{m}"`, "messages.0.hasMetadata", ""}, ""},
		{"/open-channel/participant/list", `{"channelId":"r1"}`, []string{"total", "0", "participants", "[]"}, ""},
		{"/open-channel/participant/exist", `{"channelId":"r1","participantIds":["bob"]}`, []string{"participants", `[{"participantId":"bob","isInOpenChannel":0}]`}, ""},
		{"/open-channel/participant/mute-list/add", `{"channelId":"r1","participantIds":["bob"],"durationMinutes":5,"needNotify":true,"extra":"x"}`, nil, ""},
		{"/open-channel/participant/mute-list/get", `{"channelId":"r1"}`, []string{"mutedParticipants.0.participantId", `"bob"`, "mutedParticipants.0.muteExpiresAt", "any"}, ""},
		{"/open-channel/participant/mute-list/remove", `{"channelId":"r1","participantIds":["bob"]}`, nil, ""},
		{"/open-channel/participant/mute-list/get", `{"channelId":"r1"}`, []string{"mutedParticipants", "[]"}, ""},
		{"/open-channel/participant/ban-list/add", `{"channelId":"r1","participantIds":["bob"],"durationMinutes":5}`, nil, ""},
		{"/open-channel/participant/ban-list/get", `{"channelId":"r1"}`, []string{"bannedParticipants.0.participantId", `"bob"`, "bannedParticipants.0.banExpiresAt", "any"}, ""},
		{"/open-channel/participant/ban-list/remove", `{"channelId":"r1","participantIds":["bob"]}`, nil, ""},
		{"/open-channel/participant/ban-list/get", `{"channelId":"r1"}`, []string{"bannedParticipants", "[]"}, ""},
		{"/open-channel/global-mute-list/add", `{"participantIds":["bob"],"durationMinutes":5}`, nil, ""},
		{"/open-channel/global-mute-list/get", `{}`, []string{"mutedParticipants.0.participantId", `"bob"`}, ""},
		{"/open-channel/participant/global-mute-list/remove", `{"participantIds":["bob"]}`, nil, ""},
		{"/open-channel/participant/global-mute-list/get", `{}`, []string{"mutedParticipants", "[]"}, ""},
		{"/open-channel/global-mute-list/remove", `{"participantIds":["bob"]}`, nil, ""},
		{"/open-channel/freeze-list/get", `{}`, []string{"channelIds", `["r1"]`}, ""},
		{"/open-channel/freeze-list/remove", `{"channelId":"r1"}`, nil, ""},
		{"/open-channel/freeze/check", `{"channelId":"r1"}`, []string{"status", "0"}, ""},
		{"/open-channel/freeze-list/add", `{"channelId":"r1"}`, nil, ""},
		{"/open-channel/freeze/check", `{"channelId":"r1"}`, []string{"status", "1"}, ""},
		{"/open-channel/participant/allowed-sender-list/get", `{"channelId":"r1"}`, []string{"participantIds", `["alice"]`}, ""},
		{"/open-channel/participant/allowed-sender-list/add", `{"channelId":"r1","participantIds":["bob"]}`, nil, ""},
		{"/open-channel/participant/allowed-sender-list/remove", `{"channelId":"r1","participantIds":["alice"]}`, nil, ""},
		{"/open-channel/participant/allowed-sender-list/get", `{"channelId":"r1"}`, []string{"participantIds", `["bob"]`}, ""},
		{"/open-channel/priority-sender-list/add", `{"channelId":"r1","participantIds":["bob"]}`, nil, ""},
		{"/open-channel/priority-sender-list/get", `{"channelId":"r1"}`, []string{"participantIds", `["bob"]`}, ""},
		{"/open-channel/priority-sender-list/remove", `{"channelId":"r1","participantIds":["bob"]}`, nil, ""},
		{"/open-channel/participant/priority-sender-list/get", `{"channelId":"r1"}`, []string{"participantIds", `[]`}, ""},
		{"/open-channel/priority-message-type-list/add", `{"messageTypes":["RC:TxtMsg"]}`, nil, ""},
		{"/open-channel/priority-message-type-list/get", `{}`, []string{"messageTypes", `["RC:TxtMsg"]`}, ""},
		{"/open-channel/priority-message-type-list/remove", `{"messageTypes":["RC:TxtMsg"]}`, nil, ""},
		{"/open-channel/low-priority-message-type-list/add", `{"messageTypes":["App:Like"]}`, nil, ""},
		{"/open-channel/low-priority-message-type-list/get", `{}`, []string{"messageTypes", `["App:Like"]`}, ""},
		{"/open-channel/low-priority-message-type-list/remove", `{"messageTypes":["App:Like"]}`, nil, ""},
		{"/open-channel/metadata/batch/set", `{"channelId":"r1","metadataOwnerId":"alice","metadata":{"k2":"v2"},"shouldAutoDelete":1}`, nil, ""},
		{"/open-channel/metadata/batch/get", `{"channelId":"r1","metadataKeys":["k2"]}`, []string{"metadata.0.key", `"k2"`, "metadata.0.value", `"v2"`, "metadata.0.metadataOwnerId", `"alice"`, "metadata.0.shouldAutoDelete", "1", "metadata.0.updatedAt", "any"}, ""},
		{"/open-channel/metadata/batch/remove", `{"channelId":"r1","metadataOwnerId":"alice","metadataKeys":["k2"]}`, nil, ""},
		{"/open-channel/metadata/batch/get", `{"channelId":"r1"}`, []string{"metadata.#", "1", "metadata.0.key", `"k"`}, ""},
		{"/open-channel/message/broadcast", `{"fromUserId":"alice",` + text + `}`, nil, ""},
		{"/open-channel/destroy", `{"channelIds":["r1"]}`, nil, ""},
	},
	"communities": {
		{"/community-channel/create", `{"userId":"alice","channelId":"c1","name":"C"}`, nil, ""},
		{"/community-channel/update", `{"channelId":"c1","name":"C2"}`, nil, ""},
		{"/community-channel/join", `{"userId":"bob","channelId":"c1"}`, nil, ""},
		{"/community-channel/member/exist", `{"userId":"bob","channelId":"c1"}`, []string{"isMember", "true"}, ""},
		{"/community-channel/subchannel/create", `{"channelId":"c1","subchannelId":"news","channelVisibility":0}`, nil, ""},
		{"/community-channel/subchannel/create", `{"channelId":"c1","subchannelId":"staff","channelVisibility":1}`, nil, ""},
		{"/community-channel/subchannel/list", `{"channelId":"c1"}`, []string{"subchannels.#", "2", "subchannels.1.subchannelId", `"staff"`, "subchannels.1.channelVisibility", "1", "subchannels.1.createdAt", "any"}, ""},
		{"/community-channel/user/subchannel/list", `{"channelId":"c1","userId":"bob"}`, []string{"subChannels", `["news"]`}, ""},
		{"/community-channel/private-subchannel/member/add", `{"channelId":"c1","subchannelId":"staff","userIds":["bob"]}`, nil, ""},
		{"/community-channel/private-subchannel/member/list", `{"channelId":"c1","subchannelId":"staff"}`, []string{"members", `["bob"]`}, ""},
		{"/community-channel/user/subchannel/list", `{"channelId":"c1","userId":"bob"}`, []string{"subChannels", `["news","staff"]`}, ""},
		{"/community-channel/private-subchannel/member/remove", `{"channelId":"c1","subchannelId":"staff","userIds":["bob"]}`, nil, ""},
		{"/community-channel/user-group/add", `{"channelId":"c1","userGroups":[{"userGroupId":"mods"}]}`, nil, ""},
		{"/community-channel/user-group/user/add", `{"channelId":"c1","userGroupId":"mods","userIds":["bob"]}`, nil, ""},
		{"/community-channel/channel/user-group/bind", `{"channelId":"c1","subchannelId":"staff","userGroupIds":["mods"]}`, nil, ""},
		{"/community-channel/user/subchannel/list", `{"channelId":"c1","userId":"bob"}`, []string{"subChannels", `["news","staff"]`}, ""},
		{"/community-channel/user-group/list", `{"channelId":"c1"}`, []string{"userGroups", `[{"userGroupId":"mods"}]`}, ""},
		{"/community-channel/channel/user-group/list", `{"channelId":"c1","subchannelId":"staff"}`, []string{"userGroupIds", `["mods"]`}, ""},
		{"/community-channel/user-group/subchannel/list", `{"channelId":"c1","userGroupId":"mods"}`, []string{"subchannelIds", `["staff"]`}, ""},
		{"/community-channel/user/user-group/list", `{"channelId":"c1","userId":"bob"}`, []string{"userGroupIds", `["mods"]`}, ""},
		{"/community-channel/channel/user-group/unbind", `{"channelId":"c1","subchannelId":"staff","userGroupIds":["mods"]}`, nil, ""},
		{"/community-channel/user/subchannel/list", `{"channelId":"c1","userId":"bob"}`, []string{"subChannels", `["news"]`}, ""},
		{"/community-channel/user-group/user/remove", `{"channelId":"c1","userGroupId":"mods","userIds":["bob"]}`, nil, ""},
		{"/community-channel/user-group/remove", `{"channelId":"c1","userGroupIds":["mods"]}`, nil, ""},
		{"/community-channel/subchannel-type/update", `{"channelId":"c1","subchannelId":"staff","channelVisibility":0}`, nil, ""},
		{"/community-channel/user/subchannel/list", `{"channelId":"c1","userId":"bob"}`, []string{"subChannels", `["news","staff"]`}, ""},
		{"/community-channel/message/send", `{"fromUserId":"bob","toChannelIds":["c1"],"subchannelId":"news","hasMetadata":true,` + text + `}`, nil, "m=messageIds.0.messageId"},
		{"/community-channel/message/metadata/set", `{"messageId":"{m}","userId":"bob","channelId":"c1","subchannelId":"news","metadata":{"a":"b"}}`, nil, ""},
		{"/community-channel/message/metadata/list", `{"messageId":"{m}","channelId":"c1","subchannelId":"news"}`, []string{"metadata.0.key", `"a"`}, ""},
		{"/community-channel/message/metadata/delete", `{"messageId":"{m}","userId":"bob","channelId":"c1","subchannelId":"news","keys":["a"]}`, nil, ""},
		{"/community-channel/message/update", `{"fromUserId":"bob","channelId":"c1","subchannelId":"news","messageId":"{m}","content":"{\"content\":\"y\"}"}`, nil, ""},
		{"/community-channel/history-message/list", `{"userId":"alice","channelId":"c1","subchannelId":"news","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.#", "1", "messages.0.subchannelId", `"news"`, "messages.0.content", `"{\"content\":\"y\"}"`, "messages.0.aiGenerated", ""}, ""},
		{"/community-channel/mute-list/add", `{"channelId":"c1","userIds":["bob"]}`, nil, ""},
		{"/community-channel/mute-list/get", `{"channelId":"c1","subchannelId":"news"}`, []string{"mutedMembers", `[{"userId":"bob"}]`}, ""},
		{"/community-channel/mute-list/remove", `{"channelId":"c1","userIds":["bob"]}`, nil, ""},
		{"/community-channel/mute-list/get", `{"channelId":"c1"}`, []string{"mutedMembers", `[]`}, ""},
		{"/community-channel/freeze-list/set", `{"channelId":"c1","subchannelId":"news","status":true}`, nil, ""},
		{"/community-channel/freeze-list/get", `{"channelId":"c1","subchannelId":"news"}`, []string{"status", "true"}, ""},
		{"/community-channel/freeze-list/get", `{"channelId":"c1"}`, []string{"status", "false"}, ""},
		{"/community-channel/allowed-sender-list/add", `{"channelId":"c1","subchannelId":"news","userIds":["bob"]}`, nil, ""},
		{"/community-channel/allowed-sender-list/get", `{"channelId":"c1","subchannelId":"news"}`, []string{"members", `[{"userId":"bob"}]`}, ""},
		{"/community-channel/message/send", `{"fromUserId":"bob","toChannelIds":["c1"],"subchannelId":"news",` + text + `}`, nil, ""},
		{"/community-channel/allowed-sender-list/remove", `{"channelId":"c1","subchannelId":"news","userIds":["bob"]}`, nil, ""},
		{"/community-channel/subchannel/delete", `{"channelId":"c1","subchannelId":"staff"}`, nil, ""},
		{"/community-channel/leave", `{"userId":"bob","channelId":"c1"}`, nil, ""},
		{"/community-channel/member/exist", `{"userId":"bob","channelId":"c1"}`, []string{"isMember", "false"}, ""},
		{"/community-channel/dismiss", `{"channelId":"c1"}`, nil, ""},
	},
	"profanity": {
		{"/profanity-word/batch/add", `{"words":[{"word":"Heck"},{"word":"darn","replacement":"***"}]}`, []string{"remainingQuota", "9998"}, ""},
		{"/profanity-word/list", `{}`, []string{"words", `[{"word":"heck","replacement":"","filterType":"1"}]`}, ""},
		{"/profanity-word/list", `{"filterType":"2"}`, []string{"words.#", "2", "words.0", `{"word":"darn","replacement":"***","filterType":"0"}`}, ""},
		{"/direct-channel/message/send", `{"fromUserId":"alice","toUserIds":["dave"],"messageType":"RC:TxtMsg","content":"{\"content\":\"well Darn it\"}"}`, nil, ""},
		{"/direct-channel/history-message/list", `{"userId":"dave","channelId":"alice","startAt":{now},"endAt":{past},"includeStart":true}`, []string{"messages.0.content", `"{\"content\":\"well *** it\"}"`}, ""},
		{"/profanity-word/remove", `{"word":"heck"}`, nil, ""},
		{"/profanity-word/batch/remove", `{"words":["darn"]}`, nil, ""},
		{"/profanity-word/list", `{"filterType":"2"}`, []string{"words", "[]"}, ""},
	},
	"settings": {
		{"/channel/pin/set", `{"userId":"alice","channelType":1,"channelId":"bob","isPin":true}`, nil, ""},
		{"/channel/push/set", `{"requestId":"alice","channelType":"1","channelId":"bob","noDisturbLevel":5}`, nil, ""},
		{"/channel/push/get", `{"requestId":"alice","channelType":"1","channelId":"bob"}`, []string{"noDisturbLevel", "5"}, ""},
		{"/channel/notification/get", `{"requestId":"bob","channelType":"1","channelId":"alice"}`, []string{"noDisturbLevel", "0"}, ""},
		{"/channel-type/push/set", `{"requestId":"alice","channelType":"3","noDisturbLevel":-1}`, nil, ""},
		{"/channel-type/push/get", `{"requestId":"alice","channelType":"3"}`, []string{"noDisturbLevel", "-1"}, ""},
		{"/user/channel/tag/add", `{"userId":"alice","tags":[{"tagId":"t1","tagName":"Work"},{"tagId":"t2","tagName":"Home"}]}`, nil, ""},
		{"/user/channel/tag/remove", `{"userId":"alice","tagIds":["t2"]}`, nil, ""},
		{"/user/channel/tag/list", `{"userId":"alice"}`, []string{"userId", `"alice"`, "tags.#", "1", "tags.0.tagName", `"Work"`, "tags.0.createdAt", "any"}, ""},
		{"/channel/tag/add", `{"userId":"alice","tagId":"t1","channels":[{"channelId":"bob","channelType":"1"},{"channelId":"carol","channelType":1}]}`, nil, ""},
		{"/channel/tag/list", `{"userId":"alice","tagId":"t1"}`, []string{"tagId", `"t1"`, "channels", `[{"channelId":"bob","channelType":1},{"channelId":"carol","channelType":1}]`}, ""},
		{"/channel/attribute/get", `{"userId":"alice","channelId":"bob","channelType":1}`, []string{"pin.isPinned", "true", "pin.pinnedAt", "any", "notification.level", "5", "tags", `[{"tagId":"t1","tagName":"Work"}]`}, ""},
		{"/channel/tag/delete", `{"userId":"alice","tagId":"t1","channels":[{"channelId":"bob","channelType":"1"}]}`, nil, ""},
		{"/channel/tag/list", `{"userId":"alice","tagId":"t1"}`, []string{"channels.#", "1"}, ""},
	},
	"system messages": {
		{"/system-channel/message/send", `{"fromUserId":"app","toUserIds":["alice","bob"],` + text + `}`, []string{"messageIds.#", "2"}, "m=messageIds.0.messageId"},
		{"/message/delete", `{"fromUserId":"app","channelType":6,"channelId":"alice","messageId":"{m}"}`, nil, ""},
		{"/system-channel/message/broadcast-online", `{"fromUserId":"app",` + text + `}`, []string{"messageId", "any"}, ""},
		{"/system-channel/message/broadcast-all", `{"fromUserId":"app",` + text + `}`, nil, "b=messageId"},
		{"/system-channel/message/broadcast/delete", `{"fromUserId":"app","messageId":"{b}"}`, nil, ""},
		{"/user/tag/batch/set", `{"userIds":["alice"],"tags":["vip"]}`, nil, ""},
		{"/system-channel/tagged-users/send", `{"platform":["ios"],"fromUserId":"app","audience":{"tag":["vip"]},"message":{` + text + `},"notification":{"alert":"x"}}`, []string{"id", "any", "messageId", "any"}, ""},
		{"/system-channel/app-package-users/send", `{"platform":["ios"],"fromUserId":"app","audience":{"packageName":"com.x"},"message":{` + text + `},"notification":{"alert":"x"}}`, []string{"id", "any"}, ""},
	},
}

func TestFlows(t *testing.T) {
	seen := map[string]bool{}
	var a *api
	for name, steps := range flows {
		a = newAPI(t, adaptertest.Setup{})
		t.Run(name, func(t *testing.T) { run(t, &api{t: t, w: a.w}, seen, steps) })
	}
	for _, r := range a.w.Dialect.Routes() {
		if strings.HasPrefix(r.Path, "/v4/") && !seen[r.Path] && !strings.HasSuffix(r.Name, ".alias") {
			t.Errorf("no flow calls %s", r.Path)
		}
	}
}

// Content comes back byte for byte, and others see the nearest thing.
func TestContentIsKeptByteForByte(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for kind, content := range map[string]string{
		"RC:TxtMsg":       `{ "content" : "spaces", "extra":"e"}`,
		"RC:ImgMsg":       `{"content":"aGk=","imageUri":"http://x/i.jpg","name":"i.jpg","user":{"id":"alice"}}`,
		"RC:FileMsg":      `{"name":"f.pdf","size":9,"type":"pdf","fileUrl":"http://x/f.pdf"}`,
		"RC:SightMsg":     `{"sightUrl":"http://x/v.mp4","content":"aGk=","duration":3,"size":4,"name":"v"}`,
		"RC:LBSMsg":       `{"content":"aGk=","latitude":1.5,"longitude":2.5,"poi":"Here"}`,
		"RC:ReferenceMsg": `{"content":"yes","referMsgUserId":"bob","referMsg":{"content":"?"},"objName":"RC:TxtMsg"}`,
		"App:Odd":         "not JSON at all \u0001 \\ \"",
		"App:Big":         `{"blob":"` + strings.Repeat("z", 100<<10) + `"}`,
	} {
		body, _ := jsonText(content)
		a.must("/direct-channel/message/send", `{"fromUserId":"alice","toUserIds":["bob"],"messageType":"`+kind+`","content":`+body+`}`)
		now, past := strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10), strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)
		m := a.must("/direct-channel/history-message/list", `{"userId":"bob","channelId":"alice","startAt":`+now+`,"endAt":`+past+`,"includeStart":true,"pageSize":1}`).result("messages.0")
		if m.Get("messageType").String() != kind || m.Get("content").String() != content {
			t.Errorf("%s: %.200s came back as %s %.200s", kind, content, m.Get("messageType"), m.Get("content"))
		}
	}
}

// jsonText writes a text as JSON.
func jsonText(s string) (string, bool) {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ':
			b.WriteString(`\u000` + strconv.FormatInt(int64(c), 16))
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String(), gjson.Valid(b.String())
}
