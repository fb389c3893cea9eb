package cometchat_test

import (
	"context"
	"strconv"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/cometchat"
	"dragoman/core"
)

// row provokes one row of the vendor's error table.
type row struct {
	id  string
	run func(a *api) reply
}

func msg(to, rest string) string {
	return `{"receiver":"` + to + `","receiverType":"user",` + rest + `}`
}

// rows are the failures that a request alone can provoke. Each runs in the world as the ones
// before it left it; names are its own.
var rows = []row{
	{"CC001", func(a *api) reply { return a.raw("GET", "/v3/users", "", "apikey", "full-key") }},
	{"CC002", func(a *api) reply { return a.raw("GET", "/v3/users", "", "appId", "nope", "apikey", "full-key") }},
	{"CC003", func(a *api) reply { return a.raw("GET", "/v3/roles", "", "appId", "app1") }},
	{"CC004", func(a *api) reply { return a.raw("GET", "/v3/users", "", "appId", "app1", "apikey", "wrong") }},
	{"CC005", func(a *api) reply { return a.raw("GET", "/v3/groups", "", "appId", "app1", "apikey", "auth-key") }},
	{"CC006", func(a *api) reply { return a.raw("GET", "/v3.0/me", "", "appId", "app1") }},
	{"CC007", func(a *api) reply { return a.raw("PUT", "/v3.0/me", "{}", "appId", "app1", "authToken", "bogus") }},
	{"CC008", func(a *api) reply { return a.srv("GET", "/apikeys/unknown", "") }},
	{"CC009", func(a *api) reply { return a.srv("DELETE", "/apikeys/full-key", "") }},
	{"CC010", func(a *api) reply { return a.srv("GET", "/users/alice/auth_tokens/unknown", "") }},
	{"CC014", func(a *api) reply {
		token := a.must(a.srv("POST", "/users/bob/auth_tokens", "{}")).data("authToken").String()
		return a.srv("GET", "/users/alice/auth_tokens/"+token, "")
	}},
	{"CC017", func(a *api) reply {
		var r reply
		for range 26 {
			if r = a.srv("POST", "/apikeys", `{"name":"k","scope":"authOnly"}`); r.code() != "" {
				break
			}
		}
		return r
	}},
	{"CC018", func(a *api) reply { return a.srv("POST", "/users", `{"uid":"r1","name":"R","role":"none"}`) }},
	{"CC020", func(a *api) reply { return a.srv("DELETE", "/roles/default", "") }},
	{"CC021", func(a *api) reply { return a.as("alice", "GET", "/users/nobody", "") }},
	{"CC023", func(a *api) reply {
		return a.srv("POST", "/bots/bob/messages", msg("alice", `"type":"text","data":{"text":"x"}`))
	}},
	{"CC024", func(a *api) reply {
		a.must(a.srv("POST", "/users", `{"uid":"helper","name":"H","tags":["bot"]}`))
		return a.srv("POST", "/users", `{"uid":"helper","name":"H","tags":["bot"]}`)
	}},
	{"CC025", func(a *api) reply { return a.as("alice", "GET", "/groups/none", "") }},
	{"CC026", func(a *api) reply {
		return a.as("alice", "POST", "/groups", `{"guid":"p0","name":"p","type":"password"}`)
	}},
	{"CC028", func(a *api) reply {
		a.group("g28", "public")
		return a.as("alice", "DELETE", "/groups/g28/members/bob", "")
	}},
	{"CC029", func(a *api) reply {
		a.group("g29", "password")
		return a.as("bob", "POST", "/groups/g29/members", `{"type":"password","password":"shut"}`)
	}},
	{"CC030", func(a *api) reply {
		a.group("g30", "public", "bob:participants")
		return a.as("bob", "POST", "/groups/g30/members", "{}")
	}},
	{"CC031", func(a *api) reply {
		a.group("g31", "public")
		return a.as("bob", "POST", "/messages", `{"receiver":"g31","receiverType":"group","type":"text","data":{"text":"x"}}`)
	}},
	{"CC032", func(a *api) reply {
		a.group("g32", "private")
		return a.as("bob", "POST", "/groups/g32/members", "{}")
	}},
	{"CC035", func(a *api) reply {
		a.group("g35", "public", "bob:moderators")
		return a.as("alice", "PUT", "/groups/g35/members/bob", `{"scope":"moderator"}`)
	}},
	{"CC037", func(a *api) reply {
		a.group("g37", "public", "bob:participants")
		return a.as("alice", "DELETE", "/groups/g37/bannedusers/bob", "")
	}},
	{"CC038", func(a *api) reply {
		a.group("g38", "public", "bob:participants")
		a.must(a.as("alice", "POST", "/groups/g38/bannedusers/bob", ""))
		return a.as("bob", "POST", "/groups/g38/members", "{}")
	}},
	{"CC039", func(a *api) reply { return a.as("alice", "POST", "/groups/g38/bannedusers/bob", "") }},
	{"CC042", func(a *api) reply {
		a.group("g42", "public", "bob:moderators", "carol:admins")
		return a.as("bob", "DELETE", "/groups/g42/members/carol", "")
	}},
	{"CC043", func(a *api) reply { return a.as("bob", "DELETE", "/groups/g42", "") }},
	{"CC044", func(a *api) reply {
		a.group("g44", "public", "bob:participants", "carol:participants")
		return a.as("bob", "DELETE", "/groups/g44/members/carol", "")
	}},
	{"CC045", func(a *api) reply {
		a.must(a.as("alice", "PUT", "/groups/g42/members", `{"participants":["dave"]}`))
		return a.as("bob", "PUT", "/groups/g42/members/dave", `{"scope":"admin"}`)
	}},
	{"CC046", func(a *api) reply {
		return a.as("alice", "PUT", "/groups/g42/members/alice", `{"scope":"participant"}`)
	}},
	{"CC047", func(a *api) reply {
		return a.as("alice", "POST", "/messages", `{"receiverType":"user","type":"text","data":{"text":"x"}}`)
	}},
	{"CC048", func(a *api) reply {
		return a.as("alice", "POST", "/messages", `{"receiver":"bob","receiverType":"channel"}`)
	}},
	{"CC049", func(a *api) reply { return a.srv("GET", "/conversations/unknown", "", "onBehalfOf", "alice") }},
	{"CC050", func(a *api) reply {
		a.text("alice", "user", "bob", "hi")
		return a.srv("GET", "/conversations/alice_user_bob", "", "onBehalfOf", "carol")
	}},
	{"CC052", func(a *api) reply { return a.as("alice", "GET", "/messages/999999", "") }},
	{"CC053", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"type":"text","data":"text"`))
	}},
	{"CC054", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"type":"text","data":{"text":""}`))
	}},
	{"CC055", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"type":"text","data":{"text":123}`))
	}},
	{"CC056", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"category":"","type":"text","data":{"text":"x"}`))
	}},
	{"CC057", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"category":"foo","type":"text","data":{"text":"x"}`))
	}},
	{"CC058", func(a *api) reply { return a.as("alice", "POST", "/messages", msg("bob", `"data":{"text":"x"}`)) }},
	{"CC059", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"type":"foo","data":{"text":"x"}`))
	}},
	{"CC060", func(a *api) reply { return a.as("alice", "POST", "/messages", msg("bob", `"type":"image","data":{}`)) }},
	{"CC061", func(a *api) reply {
		return a.as("bob", "PUT", "/messages/"+a.text("alice", "user", "bob", "mine"), `{"data":{"text":"yours"}}`)
	}},
	{"CC062", func(a *api) reply {
		return a.as("carol", "GET", "/messages/"+a.text("alice", "user", "bob", "for two"), "")
	}},
	{"CC063", func(a *api) reply { return a.as("alice", "DELETE", "/messages/"+a.action("g42"), "") }},
	{"CC064", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"category":"custom","type":"x","data":{}`))
	}},
	{"CC065", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"type":"image","data":{"attachments":[{"name":"x"}]}`))
	}},
	{"CC066", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"category":"custom","type":"x","data":{"customData":"not json"}`))
	}},
	{"CC067", func(a *api) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"type":"text","data":{"text":"x","metadata":"not json"}`))
	}},
	{"CC068", func(a *api) reply {
		return a.as("alice", "POST", "/messages/"+a.text("alice", "user", "bob", "root")+"/thread", msg("carol", `"type":"text","data":{"text":"x"}`))
	}},
	{"CC069", func(a *api) reply {
		id := a.text("alice", "user", "bob", "root")
		reply := a.must(a.as("bob", "POST", "/messages/"+id+"/thread", msg("alice", `"type":"text","data":{"text":"x"}`))).data("id").String()
		return a.as("alice", "POST", "/messages/"+reply+"/thread", msg("bob", `"type":"text","data":{"text":"x"}`))
	}},
	{"CC070", func(a *api) reply {
		return a.as("alice", "POST", "/messages/"+a.action("g42")+"/thread", `{"receiver":"g42","receiverType":"group","type":"text","data":{"text":"x"}}`)
	}},
	{"CC071", func(a *api) reply { return a.ring("alice", "user", "alice") }},
	{"CC080", func(a *api) reply {
		a.session = a.must(a.ring("alice", "user", "bob")).data("data.entities.on.entity.sessionid").String()
		return a.move("alice", "initiated")
	}},
	{"CC086", func(a *api) reply { return a.move("alice", "ended") }},
	{"CC084", func(a *api) reply { return a.move("carol", "ongoing") }},
	{"CC072", func(a *api) reply {
		a.must(a.move("bob", "ongoing"))
		return a.ring("alice", "user", "dave")
	}},
	{"CC074", func(a *api) reply { return a.ring("dave", "user", "bob") }},
	{"CC081", func(a *api) reply { return a.move("bob", "ongoing") }},
	{"CC083", func(a *api) reply { return a.move("bob", "busy") }},
	{"CC077", func(a *api) reply {
		a.must(a.move("bob", "ended"))
		return a.move("bob", "ongoing")
	}},
	{"CC076", func(a *api) reply { return a.as("alice", "PUT", "/calls/unknown", `{"status":"ongoing"}`) }},
	{"CC073", func(a *api) reply {
		a.group("calls", "public", "bob:participants", "dave:participants")
		a.session = a.must(a.ring("alice", "group", "calls")).data("data.entities.on.entity.sessionid").String()
		return a.ring("dave", "group", "calls")
	}},
	{"CC082", func(a *api) reply { return a.move("bob", "busy") }},
	{"CC078", func(a *api) reply {
		a.must(a.move("bob", "ongoing"))
		return a.move("bob", "ongoing")
	}},
	{"CC085", func(a *api) reply { return a.move("dave", "ended") }},
	{"CC075", func(a *api) reply { return a.as("alice", "PUT", "/calls/%20", `{"status":"ongoing"}`) }},
	{"CC079", func(a *api) reply {
		a.must(a.move("bob", "ended"))
		return a.move("bob", "ended")
	}},
	{"CC087", func(a *api) reply {
		a.must(a.srv("POST", "/users/alice/friends", `{"accepted":["bob"]}`))
		return a.srv("POST", "/users/alice/friends", `{"accepted":["bob"]}`)
	}},
	{"CC088", func(a *api) reply { return a.srv("DELETE", "/users/alice/friends", `{"friends":["carol"]}`) }},
	{"CC089", func(a *api) reply { return a.srv("POST", "/users/alice/friends", `{"accepted":["alice"]}`) }},
	{"CC091", func(a *api) reply { return a.as("alice", "POST", "/blockedusers", `{"blockedUids":["alice"]}`) }},
	{"CC092", func(a *api) reply {
		a.must(a.as("carol", "POST", "/blockedusers", `{"blockedUids":["dave"]}`))
		return a.as("carol", "POST", "/messages", msg("dave", `"type":"text","data":{"text":"x"}`))
	}},
	{"CC093", func(a *api) reply { return a.ring("dave", "user", "carol") }},
	{"CC094", func(a *api) reply { return a.manage("POST", "/extensions", `{"enabled":["none"]}`) }},
	{"CC096", func(a *api) reply { return a.manage("GET", "/webhooks/none", "") }},
	{"CC098", func(a *api) reply {
		a.must(a.manage("POST", "/webhooks", `{"id":"h1","name":"H","webhookURL":"https://hooks.test/in","enabled":true}`))
		return a.manage("POST", "/webhooks/h1/triggers", `{"triggerIds":["none"]}`)
	}},
	{"CC095", func(a *api) reply {
		a.forbid("darn")
		return a.as("alice", "POST", "/messages", msg("bob", `"type":"text","data":{"text":"darn it"}`))
	}},
	{"CC099", func(a *api) reply { return a.raw("GET", "/v9/users", "", "appId", "app1", "apikey", "full-key") }},
	{"CC100", func(a *api) reply { return a.srv("GET", "/nope", "") }},
	{"CC102", func(a *api) reply { return a.srv("POST", "/users", "{}") }},
}

// besides are failures by codes that are beside the published table.
var besides = []row{
	{"ERR_UID_ALREADY_EXISTS", func(a *api) reply { return a.srv("POST", "/users", `{"uid":"alice","name":"A"}`) }},
	{"ERR_GUID_ALREADY_EXISTS", func(a *api) reply { return a.as("bob", "POST", "/groups", `{"guid":"g42","name":"x","type":"public"}`) }},
	{"ERR_PINNED_CONVERSATIONS_LIMIT_EXCEEDED", func(a *api) reply {
		var r reply
		for i := range 6 {
			guid := "pin" + strconv.Itoa(i)
			a.group(guid, "private")
			r = a.as("alice", "POST", "/groups/"+guid+"/conversation/pin", "")
		}
		return r
	}},
	{"ERR_ROLE_ALREADY_EXISTS", func(a *api) reply {
		a.must(a.srv("POST", "/roles", `{"role":"vip","name":"V"}`))
		return a.srv("POST", "/roles", `{"role":"vip","name":"V"}`)
	}},
}

// manage makes a call of the management API.
func (a *api) manage(method, path, body string) reply {
	return a.raw(method, "/apps/app1"+path, body, "key", "any", "secret", "full-key")
}

// ring starts a call.
func (a *api) ring(from, kind, to string) reply {
	return a.as(from, "POST", "/calls", `{"receiver":"`+to+`","receiverType":"`+kind+`","type":"audio","category":"call","status":"initiated"}`)
}

// move takes the call at hand to a status.
func (a *api) move(user, status string) reply {
	return a.as(user, "PUT", "/calls/"+a.session, `{"status":"`+status+`"}`)
}

// action is the id of an action message of the group.
func (a *api) action(guid string) string {
	a.t.Helper()
	id := a.must(a.as("alice", "GET", "/groups/"+guid+"/messages?category=action", "")).data("0.id").String()
	if id == "" {
		a.t.Fatalf("%s has no action message", guid)
	}
	return id
}

// forbid makes messages with the word be refused.
func (a *api) forbid(word string) {
	a.t.Helper()
	ctx, by := context.Background(), a.w.Server()
	if _, err := a.w.Core.Blocklists.Put(ctx, by, core.PutBlocklist{Create: true, List: core.Blocklist{Name: "words", Words: []string{word}}}); err != nil {
		a.t.Fatal(err)
	}
	_, err := a.w.Core.Types.Put(ctx, by, core.PutType{Name: core.DefaultType, Change: func(t *core.ChannelType) error {
		t.Blocklist, t.BlocklistBehavior = "words", "block"
		return nil
	}})
	if err != nil {
		a.t.Fatal(err)
	}
}

// expect fails the test unless the answer is exactly the row.
func expect(t *testing.T, r reply, id string) {
	t.Helper()
	for row := range cometchat.Catalog().Rows() {
		if row.ID != id {
			continue
		}
		if r.status != row.Status || r.body.Get("error.code").Raw != string(row.Body) || r.body.Get("error.message").String() == "" {
			t.Errorf("%d %.300s, want %d %s", r.status, r.body.Raw, row.Status, row.Body)
		}
		return
	}
	t.Errorf("there is no row %s", id)
}

func TestRows(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for _, r := range rows {
		t.Run(r.id, func(t *testing.T) {
			sub := &api{t: t, w: a.w, session: a.session}
			expect(t, r.run(sub), r.id)
			a.session = sub.session
		})
	}
}

func TestCodesBesideTheTable(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.group("g42", "public")
	for _, r := range besides {
		t.Run(r.id, func(t *testing.T) {
			got := r.run(&api{t: t, w: a.w})
			if got.code() != r.id || got.status < 400 || got.status >= 500 || got.body.Get("dragoman_error.original.code").String() != r.id {
				t.Errorf("%d %.600s", got.status, got.body.Raw)
			}
		})
	}
}
