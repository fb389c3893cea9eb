package native_test

import (
	"testing"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
)

// heard waits for an event of a kind in which a member has a value.
func (s *session) heard(kind, path, want string) gjson.Result {
	s.t.Helper()
	for {
		f := s.frame()
		ev := f.Get("event")
		if f.Get("type").String() == "event" && ev.Get("kind").String() == kind && ev.Get(path).String() == want {
			return ev
		}
	}
}

// hall is a club with everybody's links open.
func hall(t *testing.T) (a *api, links map[string]*session) {
	t.Helper()
	a = newAPI(t, adaptertest.Setup{})
	a.club()
	a.must(a.as("alice", "PATCH", "/v1/channels/club", `{"admission":"anyone"}`))
	links = map[string]*session{}
	for _, u := range []string{"alice", "bob", "carol", "dave"} {
		links[u] = dial(a, u, "&device=phone")
		links[u].until("live")
	}
	return a, links
}

// What one person does is heard by those it concerns.
func TestOthersHearOfIt(t *testing.T) {
	a, links := hall(t)
	at := ""
	defer func() {
		if t.Failed() {
			t.Log("after", at)
		}
	}()
	for _, s := range []struct {
		who, method, path, body string // who is a server when empty, acting for as
		as                      string
		hears, kind, at, want   string
	}{
		{who: "alice", method: "POST", path: "/v1/channels/club/messages", body: `{"id":"m1","text":"vote","extra":{"goal":["yes"]}}`, hears: "bob", kind: "message.sent", at: "message.id", want: "m1"},
		{who: "alice", method: "PATCH", path: "/v1/channels/club", body: `{"rules":{"approval":true,"consent":true}}`, hears: "bob", kind: "group.ruled", at: "change.rules.approval", want: "true"},
		{who: "alice", method: "PUT", path: "/v1/channels/club/speech/mutes/bob", body: `{"expires_in":60,"reason":"loud"}`, hears: "carol", kind: "member.muted", at: "change.text", want: "loud"},
		{who: "alice", method: "DELETE", path: "/v1/channels/club/speech/mutes/bob", hears: "bob", kind: "member.unmuted", at: "target.id", want: "bob"},
		{who: "alice", method: "PUT", path: "/v1/channels/club/speech/silence", hears: "bob", kind: "group.muted_all", at: "user.id", want: "alice"},
		{who: "alice", method: "PUT", path: "/v1/channels/club/speech/allowed/bob", hears: "bob", kind: "member.allowed", at: "target.id", want: "bob"},
		{who: "alice", method: "DELETE", path: "/v1/channels/club/speech/silence", hears: "bob", kind: "group.unmuted_all", at: "user.id", want: "alice"},
		{who: "bob", method: "PATCH", path: "/v1/channels/club/attributes/members/bob", body: `{"values":{"nick":"bobby"}}`, hears: "alice", kind: "member.attributes", at: "change.values.nick", want: "bobby"},
		{who: "alice", method: "PUT", path: "/v1/channels/club/announcement", body: `{"text":"Mind the step"}`, hears: "bob", kind: "group.announced", at: "change.text", want: "Mind the step"},
		{who: "bob", method: "PUT", path: "/v1/channels/club/files/plan", body: `{"name":"plan.pdf","size":12}`, hears: "alice", kind: "file.shared", at: "change.file.name", want: "plan.pdf"},
		{who: "bob", method: "DELETE", path: "/v1/channels/club/files/plan", hears: "alice", kind: "file.unshared", at: "change.file.id", want: "plan"},
		{who: "bob", method: "PUT", path: "/v1/messages/m1/ack", body: `{"text":"seen"}`, hears: "alice", kind: "message.acked", at: "change.ack.text", want: "seen"},
		{who: "bob", method: "PATCH", path: "/v1/messages/m1/values", body: `{"values":{"done":"yes"}}`, hears: "carol", kind: "message.valued", at: "extra.set.done", want: "yes"},
		{who: "bob", method: "PUT", path: "/v1/messages/m1/interactions", body: `{"elements":["yes"]}`, hears: "carol", kind: "interaction.reached", at: "interacted.user", want: "bob"},
		{who: "bob", method: "PUT", path: "/v1/channels/club/settings/pin", hears: "bob", kind: "conversation.changed", at: "change.new", want: "pinned"},
		{who: "bob", method: "PATCH", path: "/v1/channels/club/settings", body: `{"quiet":"all"}`, hears: "bob", kind: "conversation.changed", at: "change.settings.quiet", want: "all"},
		{who: "dave", method: "POST", path: "/v1/channels/club/applications", body: `{"text":"may I?"}`, hears: "alice", kind: "join.requested", at: "change.application.text", want: "may I?"},
		{who: "alice", method: "POST", path: "/v1/channels/club/applications/dave/decline", body: `{"text":"not yet"}`, hears: "dave", kind: "join.declined", at: "change.application.answer", want: "not yet"},
		{who: "alice", method: "POST", path: "/v1/channels/club/invitations", body: `{"users":["dave"],"text":"now"}`, hears: "dave", kind: "group.invited", at: "change.application.text", want: "now"},
		{who: "dave", method: "POST", path: "/v1/channels/club/invitation/accept", hears: "alice", kind: "group.invite_accepted", at: "target.id", want: "dave"},
		{who: "alice", method: "POST", path: "/v1/threads/m1/start", body: `{"title":"aside"}`, hears: "bob", kind: "thread.started", at: "thread.title", want: "aside"},
		{who: "alice", method: "PUT", path: "/v1/threads/m1/people/bob", hears: "bob", kind: "thread.entered", at: "target.id", want: "bob"},
		{who: "alice", method: "DELETE", path: "/v1/threads/m1", hears: "bob", kind: "thread.closed", at: "message.id", want: "m1"},
		{as: "alice", method: "POST", path: "/v1/channels/club/streams", body: `{"chunk":"One ","message":{"id":"s1"}}`, hears: "bob", kind: "stream.grown", at: "extra.text", want: "One "},
		{as: "alice", method: "POST", path: "/v1/streams/s1", body: `{"seq":2,"chunk":"two","done":true}`, hears: "bob", kind: "message.edited", at: "message.text", want: "One two"},
		{who: "alice", method: "PUT", path: "/v1/friends/bob", body: `{"ask":true,"text":"it's me"}`, hears: "bob", kind: "friend.requested", at: "change.text", want: "it's me"},
		{who: "alice", method: "POST", path: "/v1/presence/subscriptions", body: `{"users":["bob"],"expires_in":60}`},
		{who: "bob", method: "PUT", path: "/v1/me/presence", body: `{"device":"phone","status":2,"text":"at lunch"}`, hears: "alice", kind: "presence.changed", at: "change.presence.text", want: "at lunch"},
		{method: "POST", path: "/v1/communities", body: `{"id":"town","name":"Town","owner":"alice"}`},
		{method: "PUT", path: "/v1/communities/town/members/bob", hears: "bob", kind: "member.added", at: "channel_id", want: "community:town"},
		{method: "PUT", path: "/v1/communities/town/subchannels/square", body: `{}`, hears: "bob", kind: "member.added", at: "channel_id", want: "community:town!square"},
		{who: "bob", method: "POST", path: "/v1/channels/community:town!square/messages", body: `{"text":"anybody?"}`, hears: "alice", kind: "message.sent", at: "message.text", want: "anybody?"},
		{method: "DELETE", path: "/v1/communities/town/members/bob", hears: "bob", kind: "member.removed", at: "channel_id", want: "community:town"},
		{method: "POST", path: "/v1/broadcasts", body: `{"from":"newsdesk","audience":"online","message":{"text":"Now"}}`, hears: "dave", kind: "broadcast.told", at: "message.text", want: "Now"},
		{method: "POST", path: "/v1/broadcasts", body: `{"from":"newsdesk","audience":"everyone","message":{"text":"News"}}`, hears: "dave", kind: "message.sent", at: "message.text", want: "News"},
		{method: "POST", path: "/v1/system", body: `{"from":"newsdesk","to":["carol"],"message":{"text":"For you"}}`, hears: "carol", kind: "message.sent", at: "message.text", want: "For you"},
		{who: "alice", method: "PUT", path: "/v1/channels/club/bans/carol", body: `{"expel":true,"expires_in":600}`, hears: "carol", kind: "user.banned", at: "target.id", want: "carol"},
	} {
		at = s.method + " " + s.path
		r := a.raw
		auth := []string{"Authorization", "Bearer " + token(s.who)}
		if s.who == "" {
			r, auth = a.srv, nil
			if s.as != "" {
				auth = []string{"On-Behalf-Of", s.as}
			}
		}
		a.must(r(s.method, s.path, s.body, auth...))
		if s.hears != "" {
			links[s.hears].heard(s.kind, s.at, s.want)
		}
	}
	a.refused(a.as("carol", "POST", "/v1/channels/club/join", `{}`), "group.banned")
}

// Who may not write is told why, until they may again.
func TestSpeechIsRuled(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.club()
	write := func() reply { return a.as("bob", "POST", "/v1/channels/club/messages", `{"text":"x"}`) }
	for _, s := range []struct{ on, off string }{
		{"/v1/channels/club/speech/mutes/bob", ""}, {"/v1/channels/club/speech/silence", ""}, {"/v1/channels/club/speech/silence", "/v1/channels/club/speech/allowed/bob"},
	} {
		a.must(a.as("alice", "PUT", s.on, ""))
		a.refused(write(), "group.muted")
		if s.off != "" {
			a.must(a.as("alice", "PUT", s.off, ""))
		} else {
			a.must(a.as("alice", "DELETE", s.on, ""))
		}
		a.must(write())
	}
	a.must(a.srv("PUT", "/v1/speech/mutes/bob/group", ""))
	a.refused(write(), "group.muted")
	if r := a.must(a.as("bob", "GET", "/v1/channels/club/speech", "")).body; r.Get("kind_mute.kind").String() != "group" || !r.Get("silent").Bool() || !r.Get("allowed").Bool() {
		t.Errorf("bob may: %s", r.Raw)
	}
	a.must(a.srv("DELETE", "/v1/speech/mutes/bob/group", ""))
	a.must(write())
	a.refused(a.srv("PUT", "/v1/speech/mutes/bob/planet", ""), "request.invalid_field")
	a.refused(a.as("bob", "PUT", "/v1/channels/club/speech/silence", ""), "group.permission_denied")
	direct := a.must(a.as("alice", "POST", "/v1/directs", `{"users":["bob"]}`)).body.Get("channel.id").String()
	a.refused(a.as("alice", "PATCH", "/v1"+on(direct), `{"rules":{"approval":true}}`), "request.invalid_field")
}

// A room is entered by a link, is told of who is there, and keeps what they set.
func TestRoomsAreEntered(t *testing.T) {
	a, links := hall(t)
	alice, bob := links["alice"], links["bob"]
	a.must(a.as("alice", "POST", "/v1/channels", `{"type":"livestream","id":"stage"}`))
	bob.say(`{"type":"enter","id":"e","channel":"livestream:stage","extra":{"seat":4}}`)
	bob.until("ok")
	alice.heard("member.added", "target.id", "bob")
	if got := a.must(a.as("bob", "GET", "/v1/channels/livestream:stage/present?users=bob,dave", "")).body; got.Get("items.#.present").Raw != "[true,false]" {
		t.Errorf("present: %s", got.Raw)
	}
	a.must(a.as("bob", "PATCH", "/v1/channels/livestream:stage/attributes", `{"values":{"topic":"tea","cups":"2"}}`))
	alice.heard("room.attributes_set", "change.values.topic", "tea")
	outs := a.must(a.as("bob", "PATCH", "/v1/channels/livestream:stage/attributes", `{"values":{"cups":null,"none":null}}`)).body
	if outs.Get(`items.#(name=="none").errors.0.code`).String() != "attribute.not_found" || outs.Get(`items.#(name=="cups").errors`).Exists() {
		t.Errorf("outcomes: %s", outs.Raw)
	}
	if got := a.must(a.as("bob", "GET", "/v1/channels/livestream:stage/attributes", "")).body; got.Get("items.#.name").Raw != `["topic"]` {
		t.Errorf("attributes: %s", got.Raw)
	}
	a.refused(a.as("bob", "PATCH", "/v1/channels/livestream:stage/attributes", `{"values":{"cups":2}}`), "request.invalid_field")
	bob.say(`{"type":"exit","id":"x","channel":"livestream:stage"}`)
	bob.until("ok")
	alice.heard("member.removed", "target.id", "bob")
	if got := a.must(a.as("bob", "GET", "/v1/rooms", "")).body.Get("items.#").Int(); got != 0 {
		t.Errorf("bob is in %d rooms", got)
	}
}

// A person sees where they are connected, and ends what is not theirs.
func TestSessionsAreListedAndKicked(t *testing.T) {
	a, links := hall(t)
	other := dial(a, "bob", "&device=tablet")
	other.until("live")
	links["bob"].heard("session.started", "change.session.device", "tablet")
	if got := a.must(a.as("bob", "GET", "/v1/sessions", "")).body; got.Get("items.#.device").Raw != `["phone","tablet"]` {
		t.Errorf("sessions: %s", got.Raw)
	}
	a.refused(a.as("alice", "DELETE", "/v1/sessions?user=bob", ""), "permission.denied")
	a.must(a.as("bob", "DELETE", "/v1/sessions?device=tablet", ""))
	told := other.until("error")
	if code := gjson.Get(told[len(told)-1], "error.code").String(); code != "session.kicked" {
		t.Errorf("the kicked link was told %s", code)
	}
	links["bob"].say(`{"type":"ping","id":"p"}`)
	links["bob"].until("pong")
}

// The list of conversations has what a client shows: pinned first, unread, last message, settings.
func TestConversationsAreListed(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.club()
	a.send("alice", "m1", "first")
	a.must(a.as("alice", "POST", "/v1/channels", `{"id":"later","members":[{"user":"bob"}]}`))
	a.must(a.as("alice", "POST", "/v1/channels/later/messages", `{"id":"m2","text":"second"}`))
	a.must(a.as("bob", "PUT", "/v1/channels/club/settings/pin", ""))
	a.must(a.as("bob", "PATCH", "/v1/channels/later/settings", `{"marks":["work"]}`))
	got := a.must(a.as("bob", "GET", "/v1/conversations", "")).body
	if got.Get("items.#.channel.id").Raw != `["club","later"]` || got.Get("items.1.unread").Int() != 1 ||
		got.Get("items.1.last.id").String() != "m2" || got.Get("items.1.settings.marks.0").String() != "work" || !got.Get("items.0.settings.pinned_at").Exists() {
		t.Errorf("conversations: %s", got.Raw)
	}
	a.must(a.as("bob", "POST", "/v1/channels/club/drop", ""))
	if got := a.must(a.as("bob", "GET", "/v1/conversations", "")).body; got.Get("items.#").Int() != 1 {
		t.Errorf("after the drop: %s", got.Raw)
	}
	a.send("alice", "m3", "again")
	if got := a.must(a.as("bob", "GET", "/v1/conversations", "")).body; got.Get("items.#").Int() != 2 {
		t.Errorf("after the next message: %s", got.Raw)
	}
}
