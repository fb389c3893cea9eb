package stream_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/stream"
	"dragoman/core"
	"dragoman/core/fault"
)

// call builds a request to a channel or message with a body.
func call(by core.Actor, body string) *adapters.Request {
	rq := &adapters.Request{Body: []byte(body), Params: []adapters.Param{{Name: "type", Value: "messaging"}, {Name: "id", Value: "lobby"}, {Name: "user_id", Value: "bob"}}}
	rq.SetCaller(by)
	return rq
}

var (
	asAlice  = core.Actor{App: 1, User: "alice", Access: core.AccessUser}
	asServer = core.Actor{App: 1, Access: core.AccessServer}
)

func TestDecodeSend(t *testing.T) {
	rq := call(asAlice, `{"message":{"id":"m-1","text":"hi \ud83d\ude00","attachments":[{"type":"x", "a":1}],"mentioned_users":["bob",{"id":"carol"}],
		"parent_id":"p","show_in_channel":true,"silent":true,"quoted_message_id":"q","type":"regular","html":"drop","user":{"id":"drop"},"mood":"good","deep":{"a":[1]}},"keep_channel_hidden":true,"skip_push":true}`)
	in, err := stream.DecodeSend(rq)
	if err != nil {
		t.Fatal(err)
	}
	m := in.Message
	if in.Key != "lobby" || !in.KeepHidden || m.Alias != "m-1" || m.Text != "hi 😀" || len(m.Attachments) != 1 || string(m.Attachments[0]) != `{"type":"x","a":1}` ||
		len(m.Mentions) != 2 || m.Mentions[1] != "carol" || m.Parent != "p" || !m.ShowInChannel || !m.Silent || m.Quoted != "q" || m.Kind != core.MessageRegular {
		t.Errorf("%+v", in)
	}
	if got := string(m.Extra); got != `{"mood":"good","deep":{"a":[1]}}` {
		t.Errorf("extra %s", got)
	}
	if by := rq.Actor(asAlice); by.User != "alice" {
		t.Errorf("a user wrote as %s", by.User)
	}
}

func TestServersActForThePersonNamed(t *testing.T) {
	for name, body := range map[string]string{
		"user_id of the message": `{"message":{"text":"x","user_id":"bob"}}`,
		"user of the message":    `{"message":{"text":"x","user":{"id":"bob","name":"B"}}}`,
		"user_id of the body":    `{"message":{"text":"x"},"user_id":"bob"}`,
	} {
		rq := call(asServer, body)
		if _, err := stream.DecodeSend(rq); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if by := rq.Actor(asServer); by.User != "bob" || !by.Server() {
			t.Errorf("%s: acts as %+v", name, by)
		}
	}
	if _, err := stream.DecodeSend(call(asServer, `{"message":{"text":"x"}}`)); !fault.IsReason(err, fault.RequestInvalidField) {
		t.Errorf("a server wrote for nobody: %v", err)
	}
	rq := call(asAlice, `{"data":{"created_by_id":"bob","name":"x"}}`)
	if in, err := stream.DecodeOpen(rq); err != nil || in.Input.CreatedBy != "" || rq.Actor(asAlice).User != "alice" {
		t.Errorf("a user opened a channel for another: %v %+v", err, in)
	}
	rq = call(asServer, `{"data":{"created_by":{"id":"bob"},"members":["bob",{"user_id":"carol","channel_role":"channel_moderator","nick":"c"}],"topic":"x"},"state":false}`)
	in, err := stream.DecodeOpen(rq)
	if err != nil || in.Input.CreatedBy != "bob" || rq.Actor(asServer).User != "bob" || len(in.Input.Members) != 2 || string(in.Input.Members[1].Extra) != `{"nick":"c"}` ||
		string(in.Input.Extra) != `{"topic":"x"}` || in.State.State {
		t.Errorf("%v %+v", err, in)
	}
}

func TestDecodersRefuse(t *testing.T) {
	long := strings.Repeat("x", 6000)
	cases := []struct{ op, body, want string }{
		{"SendMessage", `{`, "the body is not valid JSON"},
		{"SendMessage", `{}`, "message is a required field"},
		{"SendMessage", `{"message":"x"}`, "message must be an object"},
		{"SendMessage", `{"message":{"text":1}}`, "message.text must be a string"},
		{"SendMessage", `{"message":{}}`, "message.text or attachments must be provided"},
		{"SendMessage", `{"message":{"text":"x","id":"a,b"}}`, "message.id must not contain , or %"},
		{"SendMessage", `{"message":{"text":"x","id":"` + long[:256] + `"}}`, "message.id must be at most 255 characters"},
		{"SendMessage", `{"message":{"text":"x","type":"party"}}`, "message.type must be one of [regular system]"},
		{"SendMessage", `{"message":{"text":"x","blob":"` + long + `"}}`, "message custom data must be at most 5120 bytes"},
		{"SendMessage", `{"message":{"text":"x","attachments":[1]}}`, "message.attachments.0 must be an object"},
		{"SendMessage", `{"message":{"text":"x","attachments":[` + strings.TrimSuffix(strings.Repeat("{},", 31), ",") + `]}}`, "message.attachments must have at most 30 items"},
		{"UpdateUsers", `{"users":{"a":{"id":"b"}}}`, "users.a.id must be the key of its user"},
		{"UpdateUsers", `{"users":{"a b\u0000":{"id":"a b\u0000"}}}`, "must only contain letters, digits and @_-"},
		{"UpdateUsers", `{"users":{}}`, "users must have at least one user"},
		{"UpdateUsersPartial", `{"users":[{"id":"a"}]}`, "users.0.set or unset must name a field"},
		{"UpdateUsersPartial", `{"users":[{"id":"a","set":{"created_at":"x"}}]}`, "user.created_at is a reserved field and cannot be changed"},
		{"UpdateUsersPartial", `{"users":[{"id":"a","set":{"name":1}}]}`, "name must be a string"},
		{"UpdateMessagePartial", `{"set":{"text":"x"},"unset":["text"]}`, "set and unset must not name the same field"},
		{"UpdateMessagePartial", `{"set":{"reply_count":1}}`, "message.reply_count is a reserved field and cannot be changed"},
		{"QueryChannels", `{"watch":true}`, "Watch or Presence requires an active websocket connection"},
		{"QueryChannels", `{"limit":31}`, "limit must be between 0 and 30"},
		{"QueryChannels", `{"filter_conditions":{"members":{"$gt":"x"}}}`, `operator "$gt" is not supported for field "members"`},
		{"QueryChannels", `{"sort":[{"field":"hidden","direction":1}]}`, `sorting by field "hidden" is not supported`},
		{"GetOrCreateChannel", `{"messages":{"limit":301}}`, "messages.limit must be between 0 and 300"},
		{"SendReaction", `{"reaction":{}}`, "reaction.type is a required field"},
		{"SendEvent", `{"event":{"type":"message.new"}}`, "event type message.new is not supported"},
		{"SendUserCustomEvent", `{"event":{"type":"a.b"}}`, "event.type must not contain a dot"},
		{"MarkUnread", `{}`, "message_id or thread_id or message_timestamp must be given"},
		{"MarkDelivered", `{"latest_delivered_messages":[{"cid":"x","id":"1"}]}`, "latest_delivered_messages.0.cid must be a cid (type:id)"},
		{"Sync", `{"channel_cids":["messaging:a"]}`, "last_sync_at is a required field"},
		{"Sync", `{"channel_cids":["a"],"last_sync_at":"2026-01-01T00:00:00Z"}`, "channel_cids must be an array of cids (type:id)"},
		{"DeleteUsers", `{"user_ids":["a"],"user":"gently"}`, "user must be one of [soft hard pruning]"},
		{"StopWatchingChannel", `{}`, "Watch or Presence requires an active websocket connection"},
	}
	for _, c := range cases {
		err := stream.Decoders[c.op](call(asAlice, c.body))
		if err == nil {
			t.Errorf("%s accepted %.80s", c.op, c.body)
			continue
		}
		e := fault.From(err)
		if !strings.Contains(e.Message(), c.want) {
			t.Errorf("%s: %q, want %q", c.op, e.Message(), c.want)
		}
		d := newDialect(t, &fake{})
		code, want := gjson.Get(wireError(d, c.op, err), "code").Int(), int64(4)
		if e.Reason == fault.EventNotSupported {
			want = 18
		}
		if code != want {
			t.Errorf("%s: code %d, want %d", c.op, code, want)
		}
	}
}

func TestChannelIDsAreChecked(t *testing.T) {
	for id, ok := range map[string]bool{"lobby": true, "!members-a_B-1": true, "": true, "a b": false, "a:b": false, strings.Repeat("x", 65): false} {
		rq := &adapters.Request{Params: []adapters.Param{{Name: "type", Value: "team"}, {Name: "id", Value: id}}, Body: []byte(`{"data":{"members":["bob"]}}`)}
		rq.SetCaller(asAlice)
		if _, err := stream.DecodeOpen(rq); (err == nil) != ok {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestDecodeUsers(t *testing.T) {
	in, err := stream.DecodeUsers(call(asServer, `{"users":{"al":{"id":"al","name":"Al","role":"admin","teams":["red"],"online":true,"created_at":"2020-01-01T00:00:00Z","colour":"red"}}}`))
	if err != nil || len(in.Users) != 1 {
		t.Fatal(err, in)
	}
	u := in.Users[0]
	if u.ID != "al" || u.Name != "Al" || u.Role != "admin" || u.Teams[0] != "red" || u.Online || string(u.Extra) != `{"colour":"red"}` {
		t.Errorf("%+v", u)
	}
}

func TestPatchExtra(t *testing.T) {
	cases := []struct{ before, path, value, want string }{
		{``, "a", `1`, `{"a":1}`},
		{`{"a":1,"b":2}`, "a", `{"x":"y"}`, `{"a":{"x":"y"},"b":2}`},
		{`{"a":{"b":{"c":1},"d":2}}`, "a.b.c", `9`, `{"a":{"b":{"c":9},"d":2}}`},
		{`{"a":1}`, "a.b.c", `2`, `{"a":{"b":{"c":2}}}`},
		{`{"a":{"b":1,"c":2}}`, "a.b", ``, `{"a":{"c":2}}`},
		{`{"a":1}`, "a", ``, ``},
		{`{"a":1}`, "x.y", ``, `{"a":1}`},
		{`{"a":1}`, "a.y", ``, `{"a":1}`},
		{`{"a":1}`, "n", `null`, `{"a":1,"n":null}`},
	}
	for _, c := range cases {
		got, err := stream.PatchExtra(core.Extra(c.before), c.path, c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%s %s=%s: got %s, %v; want %s", c.before, c.path, c.value, got, err, c.want)
		}
	}
	for _, path := range []string{"", "a..b", ".", strings.Repeat("a.", 50) + "a"} {
		if _, err := stream.PatchExtra(nil, path, "1"); err == nil {
			t.Errorf("path %q was accepted", path)
		}
	}
}

// FuzzDecoders gives every decoder the same bytes as body and as parameter.
func FuzzDecoders(f *testing.F) {
	for _, s := range []string{
		"", "{}", `{"message":{"id":"a","text":"b","attachments":[{}],"mentioned_users":["x"]},"user_id":"u"}`,
		`{"users":{"a":{"id":"a","teams":["x"]}}}`, `{"users":[{"id":"a","set":{"x.y":1,"name":"n"},"unset":["b"]}]}`,
		`{"filter_conditions":{"$or":[{"members":{"$in":["a"]}},{"x":{"$exists":true}}]},"sort":[{"field":"created_at","direction":-1}],"limit":3}`,
		`{"set":{"attachments":[{}],"pinned":true,"config_overrides":{"grants":{"user":["!read-channel"]}}},"unset":["y"]}`,
		`{"data":{"members":["a",{"user_id":"b"}],"config_overrides":{"replies":false}},"messages":{"limit":2,"id_lt":"x"},"watchers":{"limit":1}}`,
		`{"event":{"type":"party","a":1}}`, `{"read_by_channel":{"messaging:x":"1"}}`, `{"channel_cids":["a:b"],"last_sync_at":"2026-01-01T00:00:00Z"}`,
		`{"reaction":{"type":"like","score":2},"enforce_unique":true}`, `{"user_id":"a","user_details":{"id":"a","x":1},"device":{"id":"d"}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for op, decode := range stream.Decoders {
			for _, by := range []core.Actor{asAlice, asServer} {
				rq := call(by, s)
				for _, name := range []string{"payload", "json", "ids", "limit", "hard", "sort", "id_lt", "created_at_before"} {
					rq.Query = append(rq.Query, adapters.Param{Name: name, Value: s})
				}
				if err := decode(rq); err != nil && fault.From(err).Reason.Blame() != fault.BlameClient && !fault.IsReason(err, fault.RequestNotImplemented) {
					t.Fatalf("%s blames us: %v", op, err)
				}
			}
		}
	})
}
