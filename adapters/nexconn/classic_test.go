package nexconn_test

import (
	"strings"
	"testing"

	"dragoman/adapters/adaptertest"
)

// classicStep is one call of the classic API and what has to be true of its answer, at top level.
type classicStep struct {
	path, body string
	want       []string
	keep       string
}

// classicFlows are the shapes of the classic API: forms with repeated members, JSON in texts, names of
// its own, the outcome at top level.
var classicFlows = map[string][]classicStep{
	"people": {
		{"/user/getToken.json", "userId=erin&name=Erin+E&portraitUri=http%3A%2F%2Fx%2Fe.png", []string{"code", "200", "userId", `"erin"`, "token", "any", "accessToken", ""}, ""},
		{"/user/info.json", "userId=erin", []string{"userName", `"Erin E"`, "userPortrait", `"http://x/e.png"`, "createTime", "any"}, ""},
		{"/user/refresh.json", "userId=erin&name=E2", nil, ""},
		{"/user/checkOnline.json", "userId=erin", []string{"status", `"0"`}, ""},
		{"/user/block.json", "userId=erin&userId=dave&minute=10", nil, ""},
		{"/user/block/query.json", "", []string{"users.#", "2", "users.0.blockEndTime", "any"}, ""},
		{"/user/unblock.json", "userId=erin&userId=dave", nil, ""},
		{"/user/block/query.json", "", []string{"users", "[]"}, ""},
		{"/user/blacklist/add.json", "userId=alice&blackUserId=bob&blackUserId=carol", nil, ""},
		{"/user/blacklist/query.json", "userId=alice", []string{"users", `["bob","carol"]`}, ""},
		{"/user/blacklist/remove.json", "userId=alice&blackUserId=bob,carol", nil, ""},
		{"/user/blacklist/query.json", "userId=alice", []string{"users", `[]`}, ""},
		{"/user/whitelist/add.json", "userId=alice&whiteUserId=bob", nil, ""},
		{"/user/whitelist/query.json", "userId=alice", []string{"users", `["bob"]`}, ""},
		{"/user/whitelist/remove.json", "userId=alice&whiteUserId=bob", nil, ""},
		{"/user/tag/set.json", `{"userId":"bob","tags":["a","b"]}`, nil, ""},
		{"/user/tags/get.json", "userIds=bob&userIds=alice", []string{"result.bob", `["a","b"]`, "result.alice", "[]"}, ""},
		{"/user/chat/fb/set.json", "userId=bob&state=1&type=PERSON", nil, ""},
		{"/user/chat/fb/querylist.json", "type=PERSON&num=10&offset=0", []string{"total", "1", "users", `["bob"]`}, ""},
		{"/user/chat/fb/set.json", "userId=bob&state=0&type=PERSON", nil, ""},
		{"/user/profile/set.json", `userId=bob&userProfile=%7B%22name%22%3A%22Bob+B%22%7D&userExtProfile=%7B%22ext_a%22%3A%22b%22%7D`, nil, ""},
		{"/user/profile/batch/query.json", "userId=bob", []string{"userProfiles.0.userExtProfile", `"{\"ext_a\":\"b\"}"`}, ""},
		{"/user/deactivate.json", "userId=erin", []string{"operateId", "any"}, ""},
		{"/user/deactivate/query.json", "pageNo=1&pageSize=10", []string{"users", `["erin"]`}, ""},
		{"/user/reactivate.json", "userId=erin", []string{"operateId", "any"}, ""},
		{"/user/token/expire.json", "userId=erin&time=1700000000000", nil, ""},
	},
	"messages": {
		{"/message/private/publish.json", `fromUserId=alice&toUserId=bob&toUserId=carol&objectName=RC%3ATxtMsg&content=%7B%22content%22%3A%22hi%22%7D&isPersisted=1&expansion=true&extraContent=%7B%22k%22%3A%22v%22%7D`, []string{"messageUIDs.#", "2", "messageUIDs.1.userId", `"carol"`}, "m=messageUIDs.0.messageUID"},
		{"/v3/message/private/query.json", `{"userId":"bob","targetId":"alice","startTime":4000000000000,"endTime":3999999999999,"includeStart":true}`, []string{"data", "[]"}, ""},
		{"/message/expansion/set.json", `msgUID={m}&userId=alice&conversationType=1&targetId=bob&extraKeyVal=%7B%22k2%22%3A%22v2%22%7D`, nil, ""},
		{"/message/expansion/delete.json", `msgUID={m}&userId=alice&conversationType=1&targetId=bob&extraKey=%5B%22k2%22%5D`, nil, ""},
		{"/message/recall.json", `fromUserId=alice&conversationType=1&targetId=bob&messageUID={m}`, nil, ""},
		{"/message/system/publish.json", `fromUserId=app&toUserId=bob&objectName=RC%3ATxtMsg&content=%7B%22content%22%3A%22hi%22%7D`, []string{"messageUIDs.0.userId", `"bob"`}, ""},
		{"/conversation/top/set.json", `userId=alice&conversationType=1&targetId=bob&setTop=true`, nil, ""},
		{"/conversation/notification/set.json", `requestId=alice&conversationType=1&targetId=bob&isMuted=1`, nil, ""},
		{"/conversation/notification/get.json", `requestId=alice&conversationType=1&targetId=bob`, []string{"isMuted", "1"}, ""},
		{"/push.json", `{"platform":["ios"],"fromuserid":"app","audience":{"userid":["bob"],"is_to_all":false},"message":{"content":"{\"content\":\"x\"}","objectName":"RC:TxtMsg"},"notification":{"alert":"x"}}`, []string{"id", "any"}, ""},
	},
	"groups": {
		{"/group/create.json", "userId=alice&userId=bob&groupId=old&groupName=Old", nil, ""},
		{"/group/join.json", "userId=carol&groupId=old", nil, ""},
		{"/group/user/query.json", "groupId=old", []string{"users.#", "3", "users.0.id", "any"}, ""},
		{"/group/user/gag/add.json", "userId=bob&groupId=old&minute=5", nil, ""},
		{"/group/user/gag/list.json", "groupId=old", []string{"users.0.userId", `"bob"`, "users.0.time", "any"}, ""},
		{"/group/user/gag/rollback.json", "userId=bob&groupId=old", nil, ""},
		{"/group/ban/add.json", "groupId=old", nil, ""},
		{"/group/ban/query.json", "groupId=old", []string{"groupinfo", `[{"groupId":"old","stat":1}]`}, ""},
		{"/message/group/publish.json", `fromUserId=alice&toGroupId=old&objectName=RC%3ATxtMsg&content=%7B%22content%22%3A%22hi%22%7D`, []string{"messageUIDs.0.groupId", `"old"`}, ""},
		{"/group/quit.json", "userId=carol&groupId=old", nil, ""},
		{"/group/refresh.json", "groupId=old&groupName=Newer", nil, ""},
		{"/entrust/group/import.json", "groupId=old&owner=alice", nil, ""},
		{"/entrust/group/profile/query.json", "groupIds=old", []string{"profiles.0.groupId", `"old"`, "profiles.0.name", `"Newer"`, "profiles.0.owner", `"alice"`, "profiles.0.permissions", `"{}"`}, ""},
		{"/entrust/group/join.json", "groupId=old&userIds=dave", []string{"groupId", `"old"`, "memberCount", "3"}, ""},
		{"/entrust/group/manager/add.json", "groupId=old&userIds=dave", nil, ""},
		{"/entrust/group/member/query.json", "groupId=old&type=2", []string{"totalCount", "1", "members.0.userId", `"dave"`, "members.0.role", "2", "members.0.time", "any"}, ""},
		{"/entrust/group/remarkname/set.json", "groupId=old&userId=bob&remarkName=mine", nil, ""},
		{"/entrust/group/remarkname/query.json", "groupId=old&userId=bob", []string{"remarkName", `"mine"`}, ""},
		{"/entrust/joined/group/query.json", "userId=bob", []string{"groups.0.groupId", `"old"`, "groups.0.remarkName", `"mine"`}, ""},
		{"/group/dismiss.json", "userId=alice&groupId=old", nil, ""},
	},
	"rooms": {
		{"/chatroom/create_new.json", `chatroomId=r&destroyType=1&destroyTime=120&isBan=true&whiteUserIds=alice&entryOwnerId=alice&entryInfo=%7B%22k%22%3A%22v%22%7D`, nil, ""},
		{"/chatroom/get.json", "chatroomId=r", []string{"chatroomId", `"r"`, "destroyTime", "120", "ban", "true", "memberCount", "0"}, ""},
		{"/chatroom/entry/set.json", "chatroomId=r&userId=alice&key=k2&value=v2&autoDelete=1", nil, ""},
		{"/chatroom/entry/query.json", "chatroomId=r&keys=k2", []string{"keys.0.key", `"k2"`, "keys.0.userId", `"alice"`, "keys.0.autoDelete", "1"}, ""},
		{"/chatroom/entry/remove.json", "chatroomId=r&userId=alice&key=k2", nil, ""},
		{"/chatroom/keepalive/add.json", "chatroomId=r", nil, ""},
		{"/chatroom/keepalive/query.json", "", []string{"chatroomIds", `["r"]`}, ""},
		{"/chatroom/keepalive/remove.json", "chatroomId=r", nil, ""},
		{"/chatroom/users/exist.json", "chatroomId=r&userId=bob", []string{"result", `[{"userId":"bob","isInChrm":0}]`}, ""},
		{"/chatroom/user/exist.json", "chatroomId=r&userId=bob", []string{"isInChrm", "false"}, ""},
		{"/chatroom/user/gag/add.json", "chatroomId=r&userId=bob&minute=5", nil, ""},
		{"/chatroom/user/gag/list.json", "chatroomId=r", []string{"users.0.userId", `"bob"`}, ""},
		{"/message/chatroom/publish.json", `fromUserId=alice&toChatroomId=r&objectName=RC%3ATxtMsg&content=%7B%22content%22%3A%22hi%22%7D`, []string{"messageUIDs.0.chatroomId", `"r"`}, ""},
		{"/chatroom/destroy.json", "chatroomId=r", nil, ""},
	},
	"communities": {
		{"/ultragroup/create.json", "userId=alice&groupId=c&groupName=C", nil, ""},
		{"/ultragroup/member/exist.json", "userId=alice&groupId=c", []string{"status", "true"}, ""},
		{"/ultragroup/channel/create.json", "groupId=c&busChannel=news&type=0", nil, ""},
		{"/ultragroup/channel/get.json", "groupId=c&page=1&limit=10", []string{"channelList.0.channelId", `"news"`, "channelList.0.type", "0"}, ""},
		{"/ultragroup/usergroup/add.json", `{"groupId":"c","userGroups":[{"userGroupId":"mods"}]}`, nil, ""},
		{"/ultragroup/usergroup/user/add.json", "groupId=c&userGroupId=mods&userIds=alice", nil, ""},
		{"/ultragroup/user/usergroup/query.json", "groupId=c&userId=alice", []string{"data", `["mods"]`}, ""},
		{"/message/ultragroup/publish.json", `{"fromUserId":"alice","toGroupIds":["c"],"busChannel":"news","objectName":"RC:TxtMsg","content":"{\"content\":\"x\"}","isPersisted":1,"expansion":true}`, []string{"messageUIDs.0.groupId", `"c"`}, "m=messageUIDs.0.messageUID"},
		{"/ultragroup/message/expansion/set.json", `msgUID={m}&userId=alice&groupId=c&busChannel=news&extraKeyVal=%7B%22k%22%3A%22v%22%7D`, nil, ""},
		{"/ultragroup/message/expansion/query.json", `msgUID={m}&groupId=c&busChannel=news&pageNo=1`, []string{"extraContent.0.key", `"k"`}, ""},
		{"/ultragroup/msg/modify.json", `msgUID={m}&groupId=c&busChannel=news&fromUserId=alice&content=%7B%22content%22%3A%22y%22%7D`, nil, ""},
	},
	"words": {
		{"/sensitiveword/add.json", "word=heck&replaceWord=h**k", nil, ""},
		{"/sensitiveword/list.json", "type=2", []string{"words.0.word", `"heck"`, "words.0.replaceWord", `"h**k"`, "words.0.type", `"0"`}, ""},
		{"/sensitiveword/batch/delete.json", "words=heck", nil, ""},
	},
}

func TestClassicFlows(t *testing.T) {
	for name, steps := range classicFlows {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, adaptertest.Setup{})
			kept := ""
			for i, s := range steps {
				body := strings.ReplaceAll(s.body, "{m}", kept)
				r := a.classic(s.path, body)
				if r.status != 200 || r.code() != "200" {
					t.Fatalf("step %d, %s %s: %d %.400s", i, s.path, body, r.status, r.body.Raw)
				}
				for j := 0; j+1 < len(s.want); j += 2 {
					if got := r.body.Get(s.want[j]); got.Raw != s.want[j+1] && !(s.want[j+1] == "any" && got.Exists()) {
						t.Errorf("step %d, %s: %s is %s, want %s in %.400s", i, s.path, s.want[j], got.Raw, s.want[j+1], r.body.Raw)
					}
				}
				if _, path, ok := strings.Cut(s.keep, "="); ok {
					kept = r.body.Get(path).String()
				}
			}
		})
	}
}

// Every row of the table has a route: none names an operation that is not there.
func TestClassicTableIsServed(t *testing.T) {
	v := vendor()
	served := 0
	for _, r := range adaptertest.Unplugged(t, v.Entry, v.Creds).Routes() {
		if strings.HasPrefix(r.Name, "classic.") {
			served++
		}
	}
	if rows := classicRows(t); served != rows {
		t.Errorf("%d of %d rows are served", served, rows)
	}
}
