package nexconn_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
)

// row provokes one row of the vendor's error table.
type row struct {
	id  string
	run func(a *api) reply
}

// text is the rest of a call that sends a text.
const text = `"messageType":"RC:TxtMsg","content":"{\"content\":\"x\"}"`

// rows are the failures that a request alone can provoke. Each runs in the world as the ones before it
// left it; names are its own.
var rows = []row{
	{"NX002", func(a *api) reply {
		return a.raw("POST", "/user/getToken.json", "%zz", append(signed("key1", a.w.Creds["app_secret"]), "Content-Type", "application/x-www-form-urlencoded")...)
	}},
	{"NX006", func(a *api) reply { return a.raw("GET", "/v4/user/get", "") }},
	{"NX011", func(a *api) reply { return a.call("/user/get", `{"userId":"nobody"}`) }},
	{"NX012", func(a *api) reply { return a.call("/no/such/path", `{}`) }},
	{"NX013", func(a *api) reply { return a.call("/user/get", `{"userId"`) }},
	{"NX014", func(a *api) reply { return a.raw("POST", "/v4/user/get", `{}`, signed("nope", "nope")...) }},
	{"NX015", func(a *api) reply { return a.call("/user/get", `{}`) }},
	{"NX016", func(a *api) reply { return a.call("/open-channel/get", `{"channelId":""}`) }},
	{"NX017", func(a *api) reply { return a.raw("POST", "/v4/user/get", `{}`, signed("key1", "wrong")...) }},
	{"NX018", func(a *api) reply { return a.call("/user/get", `{"userId":"`+strings.Repeat("x", 65)+`"}`) }},
	{"NX025", func(a *api) reply { return a.call("/profanity-word/remove", `{"word":"never"}`) }},
	{"NX032", func(a *api) reply {
		a.community("c32")
		return a.call("/community-channel/message/metadata/set", `{"messageId":"1","userId":"alice","channelId":"c32","metadata":{"a":"b"}}`)
	}},
	{"NX033", func(a *api) reply {
		id := a.sendCommunity("alice", "c32", "", "")
		return a.call("/community-channel/message/metadata/set", `{"messageId":"`+id+`","userId":"alice","channelId":"c32","metadata":{"a":"b"}}`)
	}},
	{"NX034", func(a *api) reply {
		return a.call("/community-channel/message/metadata/set", `{"messageId":"1","userId":"alice","channelId":"c32","metadata":{"a":1}}`)
	}},
	{"NX035", func(a *api) reply {
		a.must("/community-channel/join", `{"userId":"bob","channelId":"c32"}`)
		id := a.sendCommunity("alice", "c32", "", `,"hasMetadata":true`)
		return a.call("/community-channel/message/metadata/set", `{"messageId":"`+id+`","userId":"bob","channelId":"c32","metadata":{"a":"b"}}`)
	}},
	{"NX036", func(a *api) reply {
		return a.call("/open-channel/create", `{"channelId":"r36","allowedSendersList":["`+strings.Join(names("u", 21), `","`)+`"]}`)
	}},
	{"NX037", func(a *api) reply { return a.call("/open-channel/get", `{"channelId":"none"}`) }},
	{"NX038", func(a *api) reply {
		a.room("r38")
		var r reply
		for i := range 6 {
			var kv []string
			for j := range 20 {
				kv = append(kv, `"k`+strconv.Itoa(20*i+j)+`":"v"`)
			}
			r = a.call("/open-channel/metadata/batch/set", `{"channelId":"r38","metadataOwnerId":"alice","metadata":{`+strings.Join(kv, ",")+`}}`)
		}
		return r
	}},
	{"NX039", func(a *api) reply {
		return a.call("/open-channel/metadata/batch/set", `{"channelId":"r38","metadataOwnerId":"bob","metadata":{"k1":"mine"}}`)
	}},
	{"NX041", func(a *api) reply {
		return a.call("/open-channel/metadata/batch/remove", `{"channelId":"r38","metadataOwnerId":"alice","metadataKeys":["none"]}`)
	}},
	{"NX042", func(a *api) reply { return a.call("/open-channel/create", `{"channelId":"r42","ttlMinutes":59}`) }},
	{"NX043", func(a *api) reply { return a.call("/open-channel/create", `{"channelId":"r42","destroyType":2}`) }},
	{"NX044", func(a *api) reply {
		return a.call("/open-channel/metadata/batch/set", `{"channelId":"r38","metadata":{"k":"v"}}`)
	}},
	{"NX045", func(a *api) reply { return a.call("/open-channel/create", `{"channelId":"r38"}`) }},
	{"NX046", func(a *api) reply { return a.call("/open-channel/create", `{"channelId":"r42","ttlMinutes":-1}`) }},
	{"NX047", func(a *api) reply {
		a.must("/user/soft-delete", `{"userIds":["dave"]}`)
		return a.call("/user/soft-delete", `{"userIds":["dave"]}`)
	}},
	{"NX048", func(a *api) reply {
		a.must("/user/restore", `{"userIds":["dave"]}`)
		return a.call("/user/restore", `{"userIds":["dave"]}`)
	}},
	{"NX050", func(a *api) reply {
		return a.call("/user/profile/set", `{"userId":"alice","userExtProfile":{"color":"red"}}`)
	}},
	{"NX051", func(a *api) reply {
		var kv []string
		for i := range 21 {
			kv = append(kv, `"ext_`+strconv.Itoa(i)+`":"v"`)
		}
		return a.call("/user/profile/set", `{"userId":"alice","userExtProfile":{`+strings.Join(kv, ",")+`}}`)
	}},
	{"NX052", func(a *api) reply { return a.call("/user/profile/batch/get", `{"userIds":["nobody"]}`) }},
	{"NX056", func(a *api) reply { return a.call("/community-channel/create", `{"userId":"alice","channelId":"c56"}`) }},
	{"NX058", func(a *api) reply {
		return a.call("/community-channel/message/send", `{"fromUserId":"carol","toChannelIds":["c32"],`+text+`}`)
	}},
	{"NX059", func(a *api) reply {
		a.must("/community-channel/mute-list/add", `{"channelId":"c32","userIds":["bob"]}`)
		return a.call("/community-channel/message/send", `{"fromUserId":"bob","toChannelIds":["c32"],`+text+`}`)
	}},
	{"NX060", func(a *api) reply { return a.call("/community-channel/update", `{"channelId":"none","name":"n"}`) }},
	{"NX062", func(a *api) reply {
		var r reply
		for i := range 51 {
			r = a.call("/community-channel/subchannel/create", `{"channelId":"c32","subchannelId":"s`+strconv.Itoa(i)+`"}`)
		}
		return r
	}},
	{"NX063", func(a *api) reply {
		return a.call("/community-channel/subchannel/delete", `{"channelId":"c32","subchannelId":"none"}`)
	}},
	{"NX064", func(a *api) reply {
		a.community("c64", "bob")
		var r reply
		for i := range 51 {
			r = a.call("/community-channel/user-group/add", `{"channelId":"c64","userGroups":[{"userGroupId":"g`+strconv.Itoa(i)+`"}]}`)
		}
		return r
	}},
	{"NX065", func(a *api) reply {
		return a.call("/community-channel/user-group/add", `{"channelId":"c64","userGroups":[{"userGroupId":"g1"}]}`)
	}},
	{"NX066", func(a *api) reply {
		return a.call("/community-channel/user-group/user/add", `{"channelId":"c64","userGroupId":"none","userIds":["bob"]}`)
	}},
	{"NX067", func(a *api) reply {
		a.crowd("crowd", 101)
		for _, u := range names("crowd", 101) {
			a.must("/community-channel/join", `{"userId":"`+u+`","channelId":"c64"}`)
		}
		all := names("crowd", 101)
		a.must("/community-channel/user-group/user/add", `{"channelId":"c64","userGroupId":"g1","userIds":["`+strings.Join(all[:100], `","`)+`"]}`)
		return a.call("/community-channel/user-group/user/add", `{"channelId":"c64","userGroupId":"g1","userIds":["`+all[100]+`"]}`)
	}},
	{"NX068", func(a *api) reply {
		a.must("/community-channel/subchannel/create", `{"channelId":"c64","subchannelId":"s"}`)
		return a.call("/community-channel/channel/user-group/bind", `{"channelId":"c64","subchannelId":"s","userGroupIds":["`+strings.Join(names("g", 11), `","`)+`"]}`)
	}},
	{"NX069", func(a *api) reply {
		return a.call("/message/delete", `{"fromUserId":"alice","channelType":1,"channelId":"bob","messageId":"1"}`)
	}},
	{"NX072", func(a *api) reply {
		id := a.send("alice", "bob", "mine")
		return a.call("/direct-channel/message/update", `{"fromUserId":"bob","targetId":"alice","messageId":"`+id+`","content":"{\"content\":\"y\"}"}`)
	}},
	{"NX075", func(a *api) reply {
		a.group("g75", "bob")
		return a.call("/group-channel/create", `{"channelId":"g75","name":"again","owner":"alice"}`)
	}},
	{"NX076", func(a *api) reply { return a.call("/group-channel/dismiss", `{"channelId":"none"}`) }},
	{"NX077", func(a *api) reply {
		return a.call("/group-channel/create", `{"channelId":"g77","name":"n","owner":"alice","userIds":["`+strings.Join(names("crowd", 31), `","`)+`"]}`)
	}},
	{"NX078", func(a *api) reply { return a.call("/group-channel/join", `{"channelId":"g75","userIds":["bob"]}`) }},
	{"NX079", func(a *api) reply {
		a.must("/group-channel/create", `{"channelId":"g79","name":"n","owner":"alice","permissions":{"joinPerm":3}}`)
		return a.call("/group-channel/join", `{"channelId":"g79","userIds":["bob"]}`)
	}},
	{"NX080", func(a *api) reply {
		return a.call("/group-channel/profile/update", `{"channelId":"g75","groupExtProfile":{"color":"red"}}`)
	}},
	{"NX082", func(a *api) reply { return a.call("/group-channel/leave", `{"channelId":"g75","userIds":["alice"]}`) }},
	{"NX083", func(a *api) reply { return a.call("/group-channel/leave", `{"channelId":"g75","userIds":["carol"]}`) }},
	{"NX084", func(a *api) reply {
		a.group("g84", names("crowd", 11)...)
		return a.call("/group-channel/admin/add", `{"channelId":"g84","userIds":["`+strings.Join(names("crowd", 11), `","`)+`"]}`)
	}},
	{"NX085", func(a *api) reply {
		return a.call("/group-channel/admin/remove", `{"channelId":"g75","userIds":["bob"]}`)
	}},
	{"NX087", func(a *api) reply {
		return a.call("/group-channel/member/batch/get", `{"channelId":"g75","userIds":["`+strings.Join(names("u", 101), `","`)+`"]}`)
	}},
	{"NX088", func(a *api) reply {
		return a.call("/group-channel/create", `{"channelId":"g88","name":"","owner":"alice"}`)
	}},
	{"NX089", func(a *api) reply {
		a.must("/group-channel/create", `{"channelId":"g89","name":"n","owner":"alice","permissions":{"joinPerm":2}}`)
		return a.call("/group-channel/join", `{"channelId":"g89","userIds":["bob"]}`)
	}},
	{"NX090", func(a *api) reply {
		return a.call("/group-channel/admin/add", `{"channelId":"g75","userIds":["alice"]}`)
	}},
	{"NX094", func(a *api) reply {
		a.classic("/group/create.json", "userId=alice&userId=bob&groupId=old&groupName=Old")
		return a.call("/group-channel/profile/update", `{"channelId":"old","groupProfile":{"name":"New"}}`)
	}},
	{"NX095", func(a *api) reply {
		return a.call("/group-channel/create", `{"channelId":"a b","name":"n","owner":"alice"}`)
	}},
	{"NX096", func(a *api) reply {
		return a.call("/group-channel/member/list", `{"channelId":"g75","pageToken":"bogus"}`)
	}},
	{"NX097", func(a *api) reply {
		a.must("/friend/add", `{"userId":"alice","targetId":"bob","action":2}`)
		return a.call("/friend/add", `{"userId":"alice","targetId":"bob","action":2}`)
	}},
	{"NX098", func(a *api) reply { return a.call("/friend/add", `{"userId":"alice","targetId":"carol","action":1}`) }},
	{"NX099", func(a *api) reply {
		a.must("/user/blocklist/add", `{"userId":"dave","targetUserIds":["bob"]}`)
		return a.call("/friend/add", `{"userId":"bob","targetId":"dave","action":2}`)
	}},
	{"NX101", func(a *api) reply { return a.call("/friend/add", `{"userId":"dave","targetId":"bob","action":2}`) }},
	{"NX106", func(a *api) reply {
		return a.call("/friend/profile/set", `{"userId":"bob","targetId":"carol","alias":"c"}`)
	}},
	{"NX107", func(a *api) reply {
		var kv []string
		for i := range 11 {
			kv = append(kv, `"ext_`+strconv.Itoa(i)+`":"v"`)
		}
		return a.call("/friend/profile/set", `{"userId":"alice","targetId":"bob","friendExtProfile":{`+strings.Join(kv, ",")+`}}`)
	}},
	{"NX108", func(a *api) reply {
		a.must("/friend/permission/set", `{"userIds":["carol"],"permissionType":3}`)
		return a.call("/friend/add", `{"userId":"bob","targetId":"carol","action":2}`)
	}},
	{"NX109", func(a *api) reply { return a.call("/friend/remove", `{"userId":"bob","targetIds":["carol"]}`) }},
	{"NX110", func(a *api) reply { return a.call("/friend/add", `{"userId":"bob","targetId":"bob","action":2}`) }},
	{"NX100", func(a *api) reply {
		a.classic("/user/whitelist/add.json", "userId=crowd1&whiteUserId=crowd2")
		return a.call("/friend/add", `{"userId":"bob","targetId":"crowd1","action":2}`)
	}},
	{"NX102", func(a *api) reply {
		return a.call("/friend/add", `{"userId":"crowd1","targetId":"bob","action":2}`)
	}},
	{"NX111", func(a *api) reply {
		return a.call("/channel/push/set", `{"requestId":"alice","channelType":"1","channelId":"bob","noDisturbLevel":9}`)
	}},
	{"NX126", func(a *api) reply {
		return a.call("/direct-channel/message/stream/send", `{"fromUserId":"alice","toUserId":"bob","messageType":"RC:StreamMsg","content":{"content":"x","seq":2,"complete":false,"messageId":"1"}}`)
	}},
	{"NX130", func(a *api) reply {
		id := a.stream("alice", "bob", strings.Repeat("x", 100<<10))
		return a.call("/direct-channel/message/stream/send", `{"fromUserId":"alice","toUserId":"bob","messageType":"RC:StreamMsg","content":{"content":"`+strings.Repeat("y", 40<<10)+`","seq":2,"complete":false,"messageId":"`+id+`"}}`)
	}},
	{"NX129", func(a *api) reply {
		a.must("/profanity-word/batch/add", `{"words":[{"word":"badword"}]}`)
		id := a.stream("alice", "bob", "nice so far, but bad")
		return a.call("/direct-channel/message/stream/send", `{"fromUserId":"alice","toUserId":"bob","messageType":"RC:StreamMsg","content":{"content":"word","seq":2,"complete":false,"messageId":"`+id+`"}}`)
	}},
}

// names are n names with a common beginning, counted from 0.
func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = prefix + strconv.Itoa(i)
	}
	return out
}

// crowd registers people.
func (a *api) crowd(prefix string, n int) {
	a.t.Helper()
	for _, u := range names(prefix, n) {
		a.must("/auth/access-token/issue", `{"userId":"`+u+`","name":"`+u+`"}`)
	}
}

// sendCommunity sends a text into a subchannel and answers its id.
func (a *api) sendCommunity(from, id, sub, rest string) string {
	a.t.Helper()
	return a.must("/community-channel/message/send", `{"fromUserId":"`+from+`","toChannelIds":["`+id+`"],"subchannelId":"`+sub+`",`+text+rest+`}`).result("messageIds.0.messageId").String()
}

// stream begins a streamed message and answers its id.
func (a *api) stream(from, to, first string) string {
	a.t.Helper()
	return a.must("/direct-channel/message/stream/send", `{"fromUserId":"`+from+`","toUserId":"`+to+`","messageType":"RC:StreamMsg","content":{"content":"`+first+`","seq":1,"complete":false,"type":"text"}}`).
		result("messageId").String()
}

// expect fails the test unless the answer is exactly the row: status, number and its JSON type.
func expect(t *testing.T, r reply, id string) {
	t.Helper()
	for row := range nexconn.Catalog().Rows() {
		if row.ID != id {
			continue
		}
		if r.status != row.Status || r.code() != string(row.Body) || r.body.Get("errorMessage").String() == "" {
			t.Errorf("%d %.300s, want %d %s", r.status, r.body.Raw, row.Status, row.Body)
		}
		return
	}
	t.Errorf("there is no row %s", id)
}

func TestRows(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for _, r := range rows {
		t.Run(r.id, func(t *testing.T) { expect(t, r.run(&api{t: t, w: a.w}), r.id) })
	}
}

// The rows of an app that has services switched off, quotas of its own, or addresses it allows.
func TestRowsOfConfiguredApps(t *testing.T) {
	off := newAPI(t, adaptertest.Setup{}, "services_off", "allowlist,blocklist,community,history,open_metadata,profiles,presence,rtc,recall_others", "quotas", "users=6,friends=1")
	for _, r := range []row{
		{"NX023", func(a *api) reply { return a.classic("/user/whitelist/add.json", "userId=alice&whiteUserId=bob") }},
		{"NX024", func(a *api) reply {
			return a.call("/user/blocklist/add", `{"userId":"alice","targetUserIds":["bob"]}`)
		}},
		{"NX040", func(a *api) reply {
			a.room("r")
			return a.call("/open-channel/metadata/batch/set", `{"channelId":"r","metadataOwnerId":"alice","metadata":{"k":"v"}}`)
		}},
		{"NX053", func(a *api) reply {
			return a.call("/user/profile/set", `{"userId":"alice","userProfile":{"name":"A"}}`)
		}},
		{"NX054", func(a *api) reply {
			return a.call("/community-channel/create", `{"userId":"alice","channelId":"c","name":"c"}`)
		}},
		{"NX070", func(a *api) reply {
			return a.call("/direct-channel/history-message/list", `{"userId":"alice","channelId":"bob","startAt":2,"endAt":1,"includeStart":true}`)
		}},
		{"NX072", func(a *api) reply {
			id := a.send("alice", "bob", "x")
			return a.call("/message/delete", `{"fromUserId":"bob","channelType":1,"channelId":"alice","messageId":"`+id+`"}`)
		}},
		{"NX104", func(a *api) reply {
			a.must("/friend/add", `{"userId":"alice","targetId":"bob","action":2}`)
			return a.call("/friend/add", `{"userId":"alice","targetId":"carol","action":2}`)
		}},
		{"NX105", func(a *api) reply {
			return a.call("/friend/add", `{"userId":"carol","targetId":"alice","action":2}`)
		}},
		{"NX029", func(a *api) reply {
			var r reply
			for _, u := range names("u", 6) {
				r = a.call("/auth/access-token/issue", `{"userId":"`+u+`","name":"n"}`)
			}
			return r
		}},
	} {
		t.Run(r.id, func(t *testing.T) { expect(t, r.run(&api{t: t, w: off.w}), r.id) })
	}
	full := newAPI(t, adaptertest.Setup{}, "quotas", "blocklist=1,allowlist=1,keepalive=1")
	for _, r := range []row{
		{"NX026", func(a *api) reply {
			a.room("r1")
			a.room("r2")
			a.classic("/chatroom/keepalive/add.json", "chatroomId=r1")
			return a.classic("/chatroom/keepalive/add.json", "chatroomId=r2")
		}},
		{"NX030", func(a *api) reply {
			return a.call("/user/blocklist/add", `{"userId":"alice","targetUserIds":["bob","carol"]}`)
		}},
		{"NX031", func(a *api) reply {
			return a.classic("/user/whitelist/add.json", "userId=alice&whiteUserId=bob&whiteUserId=carol")
		}},
		{"NX061", func(a *api) reply {
			for _, id := range names("c", 100) {
				a.community(id)
			}
			return a.call("/community-channel/create", `{"userId":"alice","channelId":"c100","name":"c"}`)
		}},
	} {
		t.Run(r.id, func(t *testing.T) { expect(t, r.run(&api{t: t, w: full.w}), r.id) })
	}
	t.Run("NX020", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{}, "callers", "203.0.113.7")
		expect(t, a.call("/user/get", `{"userId":"alice"}`), "NX020")
	})
}

func TestRowOfASuspendedApp(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{Settings: suspend})
	expect(t, a.call("/user/get", `{"userId":"alice"}`), "NX019")
}

func TestRowOfARateLimit(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{Quota: 5})
	var r reply
	for range 70 { // broadcasts have the lowest limit: one a second
		if r = a.call("/system-channel/message/broadcast/delete", `{}`); r.status == 429 {
			break
		}
	}
	expect(t, r, "NX021")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// A server of an app signs with the secret of another.
func TestRowOfAnotherAppsSecret(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	n, at := "1", strconv.FormatInt(time.Now().UnixMilli(), 10)
	for what, headers := range map[string][]string{
		"no nonce":      {"App-Key", "key1", "Timestamp", at, "Signature", nexconn.Sign(a.w.Creds["app_secret"], n, at)},
		"no time":       {"App-Key", "key1", "Nonce", n, "Signature", nexconn.Sign(a.w.Creds["app_secret"], n, at)},
		"no signature":  {"App-Key", "key1", "Nonce", n, "Timestamp", at},
		"an odd time":   {"App-Key", "key1", "Nonce", n, "Timestamp", "now", "Signature", nexconn.Sign(a.w.Creds["app_secret"], n, "now")},
		"an old time":   {"App-Key", "key1", "Nonce", n, "Timestamp", "1408710653491", "Signature", nexconn.Sign(a.w.Creds["app_secret"], n, "1408710653491")},
		"no key at all": {"Nonce", n, "Timestamp", at, "Signature", nexconn.Sign(a.w.Creds["app_secret"], n, at)},
	} {
		t.Run(what, func(t *testing.T) {
			expect(t, (&api{t: t, w: a.w}).raw("POST", "/v4/user/get", `{"userId":"alice"}`, headers...), "NX017")
		})
	}
}
