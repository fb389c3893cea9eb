package stream_test

import (
	"encoding/json"
	"strings"
	"testing"

	"dragoman/adapters"
	"dragoman/adapters/adaptertest"
	"dragoman/adapters/stream"
)

// What each item of the vendor's import file becomes.
func TestImportItems(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a user with mutes", `{"type":"user","item":{"id":"u","name":"N","role":"moderator","invisible":true,"description":"d","created_at":"2017-01-01T01:00:00Z","user_mutes":["v"],"channel_mutes":["messaging:HQ"]}}`,
			`"id":"u"|"invisible":true|"extra":{"description":"d"}|"Target":"v"|"Channel":"HQ"`},
		{"a channel of a type", `{"type":"channel","item":{"id":"c","type":"livestream","created_by":"u","name":"Circus","color":"red"}}`,
			`"key":"livestream:c"|"kind":2|"created_by":"u"|"extra":{"color":"red"}`},
		{"a distinct channel", `{"type":"channel","data":{"type":"messaging","member_ids":["a","b"],"created_by":"a"}}`, `"key":"!members-|"kind":1`},
		{"a member", `{"type":"member","item":{"channel_type":"messaging","channel_id":"c","user_id":"u","is_moderator":true,"created_at":"2017-02-01T02:00:00Z","last_read":"2018-01-01T00:00:00Z"}}`,
			`"channel_role":"channel_moderator"|"role":"moderator"|"read_at":"2018-01-01T00:00:00Z"|"Key":"c"`},
		{"a reply", `{"type":"message","item":{"id":"m","channel_type":"messaging","channel_id":"c","user":"u","text":"x","type":"reply","parent_id":"p","created_at":"2017-02-01T02:00:00Z","attachments":[{"type":"video"}],"mentioned_users_ids":["v"],"mood":5}}`,
			`"alias":"m"|"Parent":"p"|"attachments":[{"type":"video"}]|"mentions":["v"]|"extra":{"mood":5}|"channel_key":"c"`},
		{"a reaction", `{"type":"reaction","item":{"message_id":"m","type":"love","user_id":"u","created_at":"2019-03-02T15:00:00Z"}}`, `"On":"m"|"type":"love"|"score":1`},
		{"an exported channel", `{"channel":{"id":"c","type":"team","created_by":{"id":"a","name":"A"}},"members":[{"user":{"id":"b"}}],"messages":[{"id":"m","user":{"id":"b"},"text":"x","created_at":"2017-02-01T02:00:00Z"}]}`,
			`"id":"a"|"id":"b"|"key":"team:c"|"alias":"m"|"Key":"team:c"`},
	} {
		got, err := stream.ReadImport([]byte(tt.in))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range strings.Split(tt.want, "|") {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s: no %s in %s", tt.name, want, b)
			}
		}
	}
}

func TestImportRefusesWithAReason(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"device","item":{"id":"d"}}`: "items of type device are not taken over",
		`{"hello":1}`:                         "neither an item",
		`{"type":"message","item":{"id":"m","channel_type":"messaging","channel_id":"c","text":"x","created_at":"2017-02-01T02:00:00Z"}}`: "user",
		`{"type":"message","item":{"id":"m","channel_type":"messaging","channel_id":"c","user":"u"}}`:                                     "created_at",
		`{"type":"message","item":{"id":"m","channel_type":"messaging","channel_id":"c","user":"u","created_at":"yesterday"}}`:            "created_at",
		`{"type":"user","item":{"name":"nobody"}}`: "id",
	} {
		if got, err := stream.ReadImport([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %+v, %v", in, got, err)
		}
	}
}

func FuzzReadImport(f *testing.F) {
	f.Add([]byte(`{"type":"user","item":{"id":"u","user_mutes":["v"]}}`))
	f.Add([]byte(`{"channel":{"id":"c","type":"team"},"messages":[{"id":"m","reactions":[{}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := stream.ReadImport(b); err == nil && len(got) == 0 {
			t.Errorf("%q is read as nothing", b)
		}
	})
}

// What is learnt from any body and any frame of a vendor is an answer, never a panic.
func FuzzLearn(f *testing.F) {
	l := adaptertest.Unplugged(f, stream.Entry(), map[string]string{"api_key": apiKey, "api_secret": apiSecret}).(adapters.Learner)
	f.Add("QueryChannels", "/channels", []byte(`{"channels":[{"channel":{"cid":"messaging:c","id":"c","type":"messaging"},"messages":[{"id":"m","user":{"id":"u"},"created_at":"2026-01-01T00:00:00Z"}],"read":[{"user":{"id":"u"},"last_read":"2026-01-01T00:00:00Z"}]}]}`))
	f.Add("DeleteReaction", "/messages/m/reaction/like", []byte(`{"message":{"id":"m"},"reaction":{"message_id":"m","type":"like","user_id":"u"}}`))
	f.Add("UnmuteUser", "/moderation/unmute", []byte(`{"target_id":"u","type":"message.deleted","hard_delete":true,"message":{}}`))
	f.Fuzz(func(t *testing.T, route, path string, body []byte) {
		rq := &adapters.Request{Method: "POST", Path: path, Body: body}
		for _, x := range append(l.Learn(route, rq, body).Items, l.Listen(rq).Hear(false, true, body).Items...) {
			if x.User == nil && x.Channel == nil && x.Message == nil && x.Member == nil && x.Reaction == nil && x.Read == nil && x.Mute == nil {
				t.Errorf("%s %q says nothing", route, body)
			}
		}
		for _, k := range []adapters.GapKind{adapters.GapAll, adapters.GapPeople, adapters.GapChannel, adapters.GapMembers, adapters.GapThread, adapters.GapReactions} {
			g := adapters.Gap{Kind: k, Channel: "c", Message: "m"}
			if l.Fill(1, g) == nil {
				t.Errorf("there is no call for a gap of %s", k)
			}
			l.Next(1, g, body)
		}
		l.Again(route, rq, path, body)
	})
}

// The rules of comparison name operations that there are.
func TestRulesNameOperations(t *testing.T) {
	d := adaptertest.Unplugged(t, stream.Entry(), map[string]string{"api_key": apiKey, "api_secret": apiSecret})
	adaptertest.Rules(t, d)
}
