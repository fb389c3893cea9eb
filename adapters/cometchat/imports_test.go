package cometchat_test

import (
	"testing"

	"dragoman/adapters/adaptertest"
)

// The calls of the vendor's data import: each item has an outcome of its own, and a repeated call
// changes nothing.
func TestDataImport(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for range 2 {
		us := a.must(a.srv("POST", "/data_import/users", `{"users":{
			"neo":{"uid":"neo","name":"Neo","role":"default","metadata":{"k":"v"},"createdAt":1600000000},
			"bad":{"uid":"bad"}}}`))
		if !us.data("neo.success").Bool() || us.data("neo.data.name").String() != "Neo" || us.data("bad.success").Bool() || us.data("bad.error.code").String() == "" {
			t.Errorf("users: %s", us.body.Raw)
		}
		gs := a.must(a.srv("POST", "/data_import/groups", `{"groups":{"zion":{"guid":"zion","name":"Zion","type":"public","owner":"alice"}}}`))
		if gs.data("zion.data.guid").String() != "zion" {
			t.Errorf("groups: %s", gs.body.Raw)
		}
		ms := a.must(a.srv("POST", "/data_import/members", `{"members":{
			"zion_member_neo":{"memberId":"zion_member_neo","guid":"zion","uid":"neo","scope":"admin","joinedAt":1600000001},
			"zion_member_tank":{"memberId":"zion_member_tank","guid":"zion","uid":"tank","userDetails":{"uid":"tank","name":"Tank"}},
			"zion_member_x":{"guid":"zion","uid":"nobody"}}}`))
		if ms.data("zion_member_neo.data.scope").String() != "admin" || !ms.data("zion_member_tank.success").Bool() || ms.data("zion_member_x.success").Bool() {
			t.Errorf("members: %s", ms.body.Raw)
		}
		xs := a.must(a.srv("POST", "/data_import/messages", `{"messages":{
			"m-1":{"muid":"m-1","sender":"neo","receiverType":"group","receiver":"zion","category":"message","type":"text","data":{"text":"there is no spoon"},"sentAt":1600000002},
			"m-2":{"muid":"m-2","sender":"neo","receiverType":"user","receiver":"alice","category":"message","type":"text","data":{"text":"hi"},"sentAt":1600000003},
			"m-3":{"muid":"m-3","sender":"neo","receiverType":"group","receiver":"zion","category":"message","type":"text","data":{"text":"when?"}}}}`))
		if xs.data("m-1.data.sentAt").Int() != 1600000002 || !xs.data("m-2.success").Bool() || xs.data("m-3.success").Bool() {
			t.Errorf("messages: %s", xs.body.Raw)
		}
	}
	history := a.must(a.as("tank", "GET", "/groups/zion/messages?categories=message&hideReplies=true", ""))
	if n := len(history.data("").Array()); n != 1 || history.data("0.sentAt").Int() != 1600000002 {
		t.Errorf("the history is %s", history.body.Raw)
	}
	if r := a.as("alice", "POST", "/data_import/users", `{"users":{}}`); r.code() == "" {
		t.Error("a client may import")
	}
}
