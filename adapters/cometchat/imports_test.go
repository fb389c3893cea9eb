package cometchat_test

import (
	"testing"

	"dragoman/adapters"
	"dragoman/adapters/adaptertest"
	"dragoman/adapters/cometchat"
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

// What is learnt from any body and any frame of a vendor is an answer, never a panic.
func FuzzLearn(f *testing.F) {
	l := adaptertest.Unplugged(f, cometchat.Entry(), cometCreds).(adapters.Learner)
	f.Add("sendMessage", "/messages", []byte(`{"data":{"id":"5","sender":"a","receiver":"g","receiverType":"group","category":"message","type":"text","sentAt":1700000000,"data":{"text":"x"}}}`))
	f.Add("addMembers", "/groups/g/members", []byte(`{"data":{"participants":{"a":{"success":true}}},"type":"receipts","body":{"action":"read","messageId":"5","user":{"uid":"a"}}}`))
	f.Add("deleteMessage", "/messages/5", []byte(`{"data":{"category":"action","type":"message","data":{"action":"deleted","entities":{"on":{"entity":{"id":"5"},"entityType":"message"}}}}}`))
	f.Fuzz(func(t *testing.T, route, path string, body []byte) {
		rq := &adapters.Request{Method: "POST", Path: path, Body: body, Headers: adapters.Values{{Name: "onBehalfOf", Value: "a"}}}
		for _, x := range append(l.Learn(route, rq, body).Items, l.Listen(rq).Hear(false, true, body).Items...) {
			if x.User == nil && x.Channel == nil && x.Message == nil && x.Member == nil && x.Reaction == nil && x.Read == nil && x.Credential == nil {
				t.Errorf("%s %q says nothing", route, body)
			}
		}
		for _, k := range []adapters.GapKind{adapters.GapAll, adapters.GapPeople, adapters.GapChannel, adapters.GapMembers, adapters.GapReactions} {
			g := adapters.Gap{Kind: k, Channel: "c", Message: "5"}
			l.Fill(1, g)
			l.Next(1, g, body)
		}
		l.Again(route, rq, path, body)
	})
}

// The rules of comparison name operations that there are.
func TestRulesNameOperations(t *testing.T) {
	adaptertest.Rules(t, adaptertest.Unplugged(t, cometchat.Entry(), cometCreds))
}

var cometCreds = map[string]string{"app_id": "app1", "region": "eu", "full_access_key": "full-key", "auth_only_key": "auth-key"}
