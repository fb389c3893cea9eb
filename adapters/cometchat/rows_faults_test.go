package cometchat_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/core"
)

// outages are failures that take a store that refuses writes; before makes what the call needs.
var outages = []struct {
	id     string
	before func(a *api) string
	call   func(a *api, is string) reply
}{
	{"CC011", func(a *api) string {
		return a.must(a.srv("POST", "/users/bob/auth_tokens", "{}")).data("authToken").String()
	},
		func(a *api, is string) reply { return a.srv("DELETE", "/users/bob/auth_tokens/"+is, "") }},
	{"CC012", nil, func(a *api, _ string) reply { return a.srv("DELETE", "/users/bob/auth_tokens", "") }},
	{"CC019", func(a *api) string {
		a.must(a.srv("POST", "/roles", `{"role":"gone","name":"G"}`))
		return "gone"
	}, func(a *api, is string) reply { return a.srv("DELETE", "/roles/"+is, "") }},
	{"CC022", nil, func(a *api, _ string) reply { return a.srv("DELETE", "/users/dave", `{"permanent":true}`) }},
	{"CC027", func(a *api) string { a.group("o27", "public"); return "o27" }, func(a *api, is string) reply { return a.as("alice", "DELETE", "/groups/"+is, "") }},
	{"CC033", func(a *api) string { a.group("o33", "public", "bob:participants"); return "o33" },
		func(a *api, is string) reply { return a.as("alice", "DELETE", "/groups/"+is+"/members/bob", "") }},
	{"CC036", func(a *api) string { a.group("o36", "public", "bob:participants"); return "o36" },
		func(a *api, is string) reply {
			return a.as("alice", "PUT", "/groups/"+is+"/members/bob", `{"scope":"admin"}`)
		}},
	{"CC040", func(a *api) string { a.group("o40", "public", "bob:participants"); return "o40" },
		func(a *api, is string) reply { return a.as("alice", "POST", "/groups/"+is+"/bannedusers/bob", "") }},
	{"CC041", func(a *api) string {
		a.group("o41", "public", "bob:participants")
		a.must(a.as("alice", "POST", "/groups/o41/bannedusers/bob", ""))
		return "o41"
	}, func(a *api, is string) reply { return a.as("alice", "DELETE", "/groups/"+is+"/bannedusers/bob", "") }},
	{"CC051", func(a *api) string { return a.text("alice", "user", "bob", "stays") },
		func(a *api, is string) reply { return a.as("alice", "DELETE", "/messages/"+is, "") }},
	{"CC090", nil, func(a *api, _ string) reply { return a.srv("POST", "/users/alice/friends", `{"accepted":["dave"]}`) }},
	{"CC101", nil, func(a *api, _ string) reply { return a.srv("POST", "/users", `{"uid":"late","name":"L"}`) }},
}

func TestRowsOfOutages(t *testing.T) {
	for _, o := range outages {
		t.Run(o.id, func(t *testing.T) {
			a := newAPI(t, adaptertest.Setup{})
			is := ""
			if o.before != nil {
				is = o.before(a)
			}
			mend := a.w.BreakStore()
			defer mend()
			expect(t, o.call(a, is), o.id)
		})
	}
}

func TestRowsOfLimits(t *testing.T) {
	t.Run("CC105", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Quota: 5})
		var r reply
		for i := 0; i < 20 && r.code() == ""; i++ {
			r = a.srv("PUT", "/users/bob", `{"name":"Bob"}`)
		}
		expect(t, r, "CC105")
		if r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("CC034", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Settings: func(s *core.AppSettings) { s.GroupLimit = 2 }})
		a.group("small", "public", "bob:participants")
		expect(t, a.as("carol", "POST", "/groups/small/members", "{}"), "CC034")
	})
}

// with starts a server whose app has other settings.
func with(t *testing.T, change func(*core.AppSettings)) *api {
	return newAPI(t, adaptertest.Setup{Settings: change})
}

// hook adds a webhook with a trigger, which answers what answer says.
func (a *api) hook(id, trigger string, answer func(gjson.Result) string) {
	a.t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, rq *http.Request) {
		var b json.RawMessage
		if json.NewDecoder(rq.Body).Decode(&b) != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = rw.Write([]byte(answer(gjson.ParseBytes(b))))
	}))
	a.t.Cleanup(srv.Close)
	a.must(a.manage("POST", "/webhooks", `{"id":"`+id+`","name":"`+id+`","webhookURL":"`+srv.URL+`","enabled":true}`))
	a.must(a.manage("POST", "/webhooks/"+id+"/triggers", `{"triggerIds":["`+trigger+`"]}`))
}

func TestRowsOfSettings(t *testing.T) {
	t.Run("CC013", func(t *testing.T) {
		a := with(t, func(s *core.AppSettings) { s.BindTokens = true })
		first := `{"platform":"WEB","deviceId":"phone"}`
		a.must(a.as("alice", "PUT", "/me", first))
		token := a.must(a.srv("POST", "/users/alice/auth_tokens", "{}")).data("authToken").String()
		login := func(body string) reply {
			return a.raw("PUT", "/v3.0/me", body, "appId", "app1", "authToken", token)
		}
		a.must(login(first))
		a.must(login(first))
		expect(t, login(`{"platform":"WEB","deviceId":"tablet"}`), "CC013")
	})
	t.Run("CC015", func(t *testing.T) {
		a := with(t, func(s *core.AppSettings) { s.Plan.Without = core.PlanFeatures })
		text := a.text("alice", "user", "bob", "plain messages are part of every plan")
		for name, r := range map[string]reply{
			"roles": a.srv("POST", "/roles", `{"role":"vip","name":"V"}`), "calls": a.ring("alice", "user", "bob"),
			"friends":   a.srv("POST", "/users/alice/friends", `{"accepted":["bob"]}`),
			"reactions": a.as("bob", "POST", "/messages/"+text+"/reactions/x", ""),
			"threads":   a.as("bob", "POST", "/messages/"+text+"/thread", msg("alice", `"type":"text","data":{"text":"x"}`)),
			"webhooks":  a.manage("POST", "/webhooks", `{"id":"h1","name":"H","webhookURL":"https://hooks.test/in","enabled":true}`),
		} {
			t.Run(name, func(t *testing.T) { expect(t, r, "CC015") })
		}
	})
	t.Run("CC016", func(t *testing.T) {
		expect(t, with(t, func(s *core.AppSettings) { s.Plan.Expired = true }).srv("GET", "/users", ""), "CC016")
		expect(t, with(t, func(s *core.AppSettings) { s.Plan.Ends = time.Now().Add(-time.Second) }).as("alice", "GET", "/me", ""), "CC016")
		later := with(t, func(s *core.AppSettings) { s.Plan.Ends = time.Now().Add(time.Hour) })
		later.must(later.srv("GET", "/users", ""))
		if r := with(t, func(s *core.AppSettings) { s.Suspended = true }).srv("GET", "/users", ""); r.code() != "ERR_SUBSCRIPTION_EXPIRED" {
			t.Errorf("suspended: %.300s", r.body.Raw)
		}
	})
	t.Run("CC097", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{})
		a.hook("gate", "before_message", func(call gjson.Result) string {
			d := call.Get("data")
			if call.Get("trigger").String() != "before_message" || d.Get("sender").String() != "alice" || d.Get("receiver").String() != "bob" {
				return `{"action":"do_not_propagate","message":"not as documented"}`
			}
			if d.Get("data.text").String() == "psst" {
				return `{"action":"do_not_propagate"}`
			}
			return `{"score":7}`
		})
		send := func(text string) reply {
			return a.as("alice", "POST", "/messages", msg("bob", `"type":"text","data":{"text":"`+text+`"}`))
		}
		expect(t, send("psst"), "CC097")
		sent := a.must(send("hello"))
		if got := sent.data(`data.metadata.\@injected.webhooks.gate.score`).Int(); got != 7 || sent.data("data.text").String() != "hello" {
			t.Errorf("what the webhook answered is not in the metadata: %s", sent.body.Raw)
		}
		if list := a.must(a.as("bob", "GET", "/users/alice/messages?per_page=10", "")); len(list.data("").Array()) != 1 {
			t.Errorf("the blocked message is there: %s", list.body.Raw)
		}
	})
}

func TestRowsOfFaults(t *testing.T) {
	write := func(a *api) reply { return a.srv("POST", "/users", `{"uid":"late","name":"L"}`) }
	t.Run("CC103", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{})
		defer a.w.SpoilStore()()
		expect(t, write(a), "CC103")
		expect(t, a.as("alice", "POST", "/messages", msg("bob", `"type":"text","data":{"text":"x"}`)), "CC103")
	})
	t.Run("CC104", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{})
		mend := a.w.CrashStore()
		expect(t, write(a), "CC104")
		mend()
		a.must(write(a))
	})
}

// lost are writes that are stored while the other node of a deployment cannot be told.
var lost = []struct {
	id           string
	before, call func(a *api) reply
}{
	{"CC107", func(a *api) reply { a.group("l107", "public"); return reply{} },
		func(a *api) reply { return a.as("alice", "PUT", "/groups/l107", `{"name":"other"}`) }},
	{"CC112", nil, func(a *api) reply { return a.srv("POST", "/users", `{"uid":"l112","name":"L"}`) }},
	{"CC113", nil, func(a *api) reply { return a.srv("PUT", "/users/bob", `{"name":"Robert"}`) }},
	{"CC114", nil, func(a *api) reply {
		return a.as("alice", "POST", "/groups", `{"guid":"l114","name":"l","type":"public"}`)
	}},
	{"CC115", func(a *api) reply { a.group("l115", "public"); return reply{} },
		func(a *api) reply { return a.as("alice", "DELETE", "/groups/l115", "") }},
	{"CC116", func(a *api) reply { a.group("l116", "public"); return reply{} },
		func(a *api) reply { return a.as("bob", "POST", "/groups/l116/members", "{}") }},
}

func TestRowsOfLostNodes(t *testing.T) {
	for _, l := range lost {
		t.Run(l.id, func(t *testing.T) {
			a := newAPI(t, adaptertest.Setup{})
			if l.before != nil {
				l.before(a)
			}
			defer a.w.LoseNodes(t)()
			expect(t, l.call(a), l.id)
		})
	}
}
