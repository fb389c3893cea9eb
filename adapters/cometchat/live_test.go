package cometchat_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/core"
)

// body matches a frame of a type whose body has the values of pairs of path and text.
func body(typ string, pairs ...string) func(gjson.Result) bool {
	return func(v gjson.Result) bool {
		if v.Get("type").Str != typ {
			return false
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			if v.Get("body."+pairs[i]).String() != pairs[i+1] {
				return false
			}
		}
		return true
	}
}

func TestLinkTellsPinsAndSavedMessages(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	id := a.text("alice", "user", "bob", "keep this")
	bob, alice := a.online("bob", "bob-phone", ""), a.online("alice", "alice-phone", "")
	a.must(a.as("alice", "POST", "/messages/"+id+"/pin", ""))
	v := a.hear(bob, body("message_pin", "action", "pinned"))
	if m := v.Get("body.message"); m.Get("id").String() != id || m.Get("pinnedBy").String() != "alice" || m.Get("data.text").String() != "keep this" || m.Get("editedAt").Exists() {
		t.Errorf("bob hears %s", v)
	}
	a.must(a.as("bob", "POST", "/messages/"+id+"/save", ""))
	if v = a.hear(bob, body("message_save", "action", "saved")); v.Get("body.message.id").String() != id || v.Get("body.message.savedAt").Int() == 0 {
		t.Errorf("bob's other device hears %s", v)
	}
	list := a.must(a.as("bob", "GET", "/users/alice/messages?saved=1", "")).data("")
	if len(list.Array()) != 1 || list.Get("0.savedAt").Int() == 0 {
		t.Errorf("bob has saved %s", list.Raw)
	}
	a.must(a.as("bob", "DELETE", "/messages/"+id+"/save", ""))
	a.hear(bob, body("message_save", "action", "unsaved", "message.id", id))
	a.must(a.as("alice", "POST", "/users/bob/conversation/pin", ""))
	if v = a.hear(alice, body("conversation_pin", "action", "pinned")); v.Get("body.conversation.conversationWith.uid").String() != "bob" {
		t.Errorf("alice's other device hears %s", v)
	}
	a.must(a.as("alice", "DELETE", "/messages/"+id+"/pin", ""))
	v = a.hear(bob, func(v gjson.Result) bool {
		if v.Get("type").Str == "conversation_pin" || strings.HasPrefix(v.Get("body.action").Str, "saved") {
			t.Errorf("bob hears of alice's list: %s", v)
		}
		return body("message_pin", "action", "unpinned", "message.id", id)(v)
	})
	if v.Get("body.message.pinnedAt").Exists() {
		t.Errorf("bob hears %s", v)
	}
}

// A rank given over a dialect that writes no notice is told like one given here.
func TestLinkTellsRanksGivenElsewhere(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.group("ranks", "public", "bob:participants", "carol:participants")
	carol := a.online("carol", "carol-phone", "")
	_, err := a.w.Core.Channels.Update(t.Context(), a.w.Server(), core.UpdateChannel{Key: "ranks", Promote: []core.UserID{"bob"}})
	if err != nil {
		t.Fatal(err)
	}
	v := a.hear(carol, body("message", "category", "action", "data.action", "scopeChanged"))
	if d := v.Get("body.data"); d.Get("entities.on.entity.uid").String() != "bob" || d.Get("extras.scope.new").String() != "moderator" || d.Get("extras.scope.old").String() != "participant" {
		t.Errorf("carol hears %s", v)
	}
}

func TestInteractionsReachTheGoal(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	alice := a.online("alice", "alice-phone", "")
	send := func(more string) string {
		return a.must(a.as("alice", "POST", "/messages", msg("bob", `"category":"interactive","type":"form","data":{"interactiveData":{"title":"F"},"interactionGoal":{"type":"allOf","elementIds":["yes","name"]}`+more+`}`))).data("id").String()
	}
	id := send("")
	use := func(user, id, element string) reply {
		return a.as(user, "PATCH", "/messages/"+id+"/interacted", `{"interactions":["`+element+`"]}`)
	}
	a.must(use("bob", id, "yes"))
	a.must(use("bob", id, "yes"))
	done := func() gjson.Result { return a.must(a.as("bob", "GET", "/messages/"+id, "")).data("data.interactions") }
	if got := done(); len(got.Array()) != 1 || got.Get("0.elementId").String() != "yes" || got.Get("0.interactedAt").Int() == 0 {
		t.Errorf("after one: %s", got.Raw)
	}
	reached := func() int {
		return len(a.must(a.as("bob", "GET", "/users/alice/messages?onlyInteractionGoalCompleted=true", "")).data("").Array())
	}
	if reached() != 0 {
		t.Error("the goal is reached by half")
	}
	a.must(use("bob", id, "name"))
	v := a.hear(alice, typed("interaction_completed"))
	if b := v.Get("body"); b.Get("messageId").String() != id || b.Get("user.uid").String() != "bob" || len(b.Get("interactions").Array()) != 2 {
		t.Errorf("alice hears %s", v)
	}
	if reached() != 1 || len(done().Array()) != 2 {
		t.Errorf("reached in %d, done %s", reached(), done().Raw)
	}
	if got := a.must(a.as("alice", "GET", "/messages/"+id, "")).data("data.interactions"); len(got.Array()) != 0 {
		t.Errorf("alice sees bob's: %s", got.Raw)
	}
	if r := use("alice", id, "yes"); r.code() != "ERR_MESSAGE_ACTION_NOT_ALLOWED" {
		t.Errorf("the sender: %s", r.body.Raw)
	}
	a.must(use("alice", send(`,"allowSenderInteraction":true`), "yes"))
	if r := use("carol", id, "yes"); r.code() != "ERR_MESSAGE_NO_ACCESS" {
		t.Errorf("a stranger: %s", r.body.Raw)
	}
	if r := use("bob", a.text("alice", "user", "bob", "plain"), "yes"); r.code() != "ERR_MESSAGE_ACTION_NOT_ALLOWED" {
		t.Errorf("a text: %s", r.body.Raw)
	}
}

func TestWebhooksOfPeopleAndDeliveries(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	calls := make(chan gjson.Result, 100)
	for _, trigger := range []string{"user_connection_status_changed", "message_delivery_receipt", "user_blocked", "user_unblocked"} {
		a.hook("h-"+strings.ReplaceAll(trigger, "_", "-"), trigger, func(v gjson.Result) string {
			calls <- v
			return "{}"
		})
	}
	told := func(trigger string, match func(gjson.Result) bool) gjson.Result {
		t.Helper()
		for {
			select {
			case v := <-calls:
				if v.Get("trigger").Str == trigger && match(v.Get("data")) {
					return v.Get("data")
				}
			case <-t.Context().Done():
				t.Fatal("not told of " + trigger)
			}
		}
	}
	state := func(user, status, action string) func(gjson.Result) bool {
		return func(d gjson.Result) bool {
			return d.Get("user.uid").String() == user && d.Get("status").String() == status && d.Get("currentConnection.action").String() == action
		}
	}
	bob := a.online("bob", "bob-phone", "")
	told("user_connection_status_changed", state("bob", "online", "connected"))
	id := a.text("alice", "user", "bob", "on its way")
	a.say(bob, `{"appId":"app1","receiver":"alice","receiverType":"user","type":"receipts","sender":"bob","body":{"action":"delivered","messageId":"`+id+`"}}`)
	d := told("message_delivery_receipt", func(d gjson.Result) bool { return d.Get("body.messageId").String() == id })
	if d.Get("body.action").String() != "delivered" || d.Get("body.user.uid").String() != "bob" || d.Get("body.timestamp").Int() == 0 {
		t.Errorf("told %s", d)
	}
	_ = bob.Close()
	told("user_connection_status_changed", state("bob", "offline", "disconnected"))
	a.must(a.as("alice", "POST", "/blockedusers", `{"blockedUids":["bob"]}`))
	blocked := func(d gjson.Result) bool {
		return d.Get("by.uid").String() == "alice" && d.Get("users.bob.uid").String() == "bob"
	}
	told("user_blocked", blocked)
	a.must(a.as("alice", "DELETE", "/blockedusers", `{"blockedUids":["bob"]}`))
	told("user_unblocked", blocked)
}

func TestBlocksAreListedBothWays(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.must(a.as("alice", "POST", "/blockedusers", `{"blockedUids":["bob","carol"]}`))
	a.must(a.as("bob", "POST", "/blockedusers", `{"blockedUids":["alice"]}`))
	a.must(a.as("dave", "POST", "/blockedusers", `{"blockedUids":["alice"]}`))
	list := func(direction string) string {
		var out []string
		for _, u := range a.must(a.as("alice", "GET", "/blockedusers?direction="+direction, "")).data("").Array() {
			out = append(out, u.Get("uid").String()+" "+u.Get("blockedByMe").String()+" "+u.Get("hasBlockedMe").String())
		}
		return strings.Join(out, ", ")
	}
	for direction, want := range map[string]string{
		"blockedByMe": "bob true false, carol true false", "hasBlockedMe": "bob false true, dave false true", "both": "bob true true, carol true false, dave false true",
	} {
		if got := list(direction); got != want {
			t.Errorf("%s: %s, want %s", direction, got, want)
		}
	}
	if u := a.must(a.as("alice", "GET", "/users/dave", "")).data(""); !u.Get("hasBlockedMe").Bool() || u.Get("blockedByMe").Bool() {
		t.Errorf("dave is shown as %s", u.Raw)
	}
}

func TestWhoDeletedAMessageIsKept(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.group("del", "public", "bob:participants")
	by := func(id string) string {
		return a.must(a.as("bob", "GET", "/messages/"+id, "")).data("deletedBy").String()
	}
	own, others, app := a.text("bob", "group", "del", "1"), a.text("bob", "group", "del", "2"), a.text("bob", "group", "del", "3")
	a.must(a.as("bob", "DELETE", "/messages/"+own, ""))
	a.must(a.as("alice", "DELETE", "/messages/"+others, ""))
	a.must(a.srv("DELETE", "/messages/"+app, ""))
	if by(own) != "bob" || by(others) != "alice" || by(app) != "app_system" {
		t.Errorf("deleted by %s, %s, %s", by(own), by(others), by(app))
	}
}

func TestDataUpToItsLimit(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	send := func(n int) reply {
		return a.as("alice", "POST", "/messages", msg("bob", `"category":"custom","type":"x","data":{"customData":{"long":"`+strings.Repeat("x", n)+`"}}`))
	}
	if got := a.must(send(10_000)).data("data.customData.long").String(); len(got) != 10_000 {
		t.Errorf("%d bytes are kept", len(got))
	}
	if r := send(10_300); r.code() != "ERR_INVALID_MESSAGE_DATA" {
		t.Errorf("more than the limit: %.200s", r.body.Raw)
	}
}

func TestCallsChangeTheirType(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.session = a.must(a.ring("alice", "user", "bob")).data("data.entities.on.entity.sessionid").String()
	a.must(a.move("bob", "ongoing"))
	change := func(user, kind string) reply {
		return a.as(user, "PATCH", "/calls/"+a.session+"/type", `{"type":"`+kind+`"}`)
	}
	if got := a.must(change("bob", "video")).data("type").String(); got != "video" {
		t.Errorf("the call is %s", got)
	}
	if got := a.must(a.as("alice", "GET", "/calls/"+a.session, "")).data("type").String(); got != "video" {
		t.Errorf("alice sees %s", got)
	}
	for want, r := range map[string]reply{
		"ERR_CALL_NOT_A_PART": change("carol", "audio"), "ERR_INVALID_MESSAGE_TYPE": change("bob", "smell"),
	} {
		if r.code() != want {
			t.Errorf("%s, want %s", r.body.Raw, want)
		}
	}
	a.must(a.move("bob", "ended"))
	if r := change("bob", "audio"); r.code() != "ERR_CALL_TERMINATED" {
		t.Errorf("after its end: %s", r.body.Raw)
	}
}

func TestMutedConversations(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.group("loud", "public", "bob:participants")
	const path = "/notifications/push/v1/preferences/mute"
	list := func() string { return a.must(a.as("bob", "GET", path, "")).data("mutedConversations").Raw }
	if list() != "[]" {
		t.Errorf("at first %s", list())
	}
	later := strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10)
	a.must(a.as("bob", "PUT", path, `{"conversations":[{"id":"alice","type":"oneOnOne","until":`+later+`},{"id":"loud","type":"group"}]}`))
	if v := gjson.Parse(list()); len(v.Array()) != 2 || v.Get(`#(id=="alice").until`).Raw != later || v.Get(`#(id=="alice").type`).String() != "oneOnOne" || v.Get(`#(id=="loud").type`).String() != "group" {
		t.Errorf("muted are %s", v.Raw)
	}
	past := strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)
	a.must(a.as("bob", "PUT", path, `{"conversations":[{"id":"alice","type":"oneOnOne","until":`+past+`}]}`))
	a.must(a.as("bob", "DELETE", path, `{"conversations":[{"id":"loud","type":"group"}]}`))
	if list() != "[]" {
		t.Errorf("in the end %s", list())
	}
	for want, body := range map[string]string{
		"ERR_BAD_REQUEST": `{}`, "ERR_UID_NOT_FOUND": `{"conversations":[{"id":"nobody","type":"oneOnOne"}]}`,
		"ERR_GUID_NOT_FOUND": `{"conversations":[{"id":"none","type":"group"}]}`,
	} {
		if r := a.as("bob", "PUT", path, body); r.code() != want {
			t.Errorf("%s: %s, want %s", body, r.body.Raw, want)
		}
	}
}
