package native_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/native"
	"dragoman/core"
)

// until reads frames up to the first of a type.
func (s *session) until(typ string) (frames []string) {
	s.t.Helper()
	for {
		f := s.frame()
		frames = append(frames, f.Raw)
		if f.Get("type").String() == typ {
			return frames
		}
	}
}

// club makes a group of alice, bob and carol.
func (a *api) club() {
	a.t.Helper()
	a.must(a.as("alice", "POST", "/v1/channels", `{"id":"club","members":[{"user":"bob"},{"user":"carol"}]}`))
}

func (a *api) send(user, id, words string) {
	a.t.Helper()
	a.must(a.as(user, "POST", "/v1/channels/club/messages", `{"id":"`+id+`","text":"`+words+`"}`))
}

// Whoever comes back with the stamp of their last event is told everything since, in order and once,
// and then what happens.
func TestResumeTellsWhatWasMissed(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.club()
	b := dial(a, "bob", "")
	b.until("live")
	a.send("alice", "m0", "heard")
	var last int64
	for last == 0 {
		f := b.frame()
		if f.Get("event.message.id").String() == "m0" {
			last = f.Get("event.stamp").Int()
		}
	}
	b.Close()
	for i := range 700 {
		a.send("alice", fmt.Sprintf("missed-%d", i), "while away")
	}
	b = dial(a, "bob", fmt.Sprintf("&after=%d", last))
	a.send("alice", "live", "now")
	next := 0
	for {
		f := b.frame()
		events := f.Get("events").Array()
		if f.Get("type").String() == "event" {
			events = append(events, f.Get("event"))
		}
		for _, e := range events {
			id := e.Get("message.id").String()
			if e.Get("kind").String() != "message.sent" || id == "live" {
				continue
			}
			if want := fmt.Sprintf("missed-%d", next); id != want {
				t.Fatalf("%s was told when %s was due", id, want)
			}
			next++
		}
		if strings.Contains(f.Raw, `"id":"live"`) {
			break
		}
	}
	if next != 700 {
		t.Errorf("%d of 700 were told", next)
	}
}

// Who missed more than a connection tells is told from where to pull.
func TestResumeHasAnEnd(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.club()
	long := strings.Repeat("word ", 900)
	for i := range 150 {
		a.send("alice", fmt.Sprint("m", i), long)
	}
	b := dial(a, "bob", "&after=0")
	n, gap := 0, int64(0)
	for gap == 0 {
		f := b.frame()
		n += len(f.Get("events").Array())
		if f.Get("type").String() == "live" {
			t.Fatalf("no gap after %d events", n)
		}
		gap = f.Get("after").Int()
	}
	b.until("live")
	rest := a.must(a.as("bob", "GET", fmt.Sprintf("/v1/feed?limit=500&after=%d", gap), "")).body
	if got := n + len(rest.Get("events").Array()); got < 150 || got > 160 {
		t.Errorf("%d events before the gap, %d after", n, got-n)
	}
}

func TestTheLinkTellsOneWhoWasRemoved(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.club()
	a.must(a.as("alice", "DELETE", "/v1/channels/club/members/bob", ""))
	b := dial(a, "bob", "&after=0")
	all := strings.Join(b.until("live"), "\n")
	if !strings.Contains(all, `"kind":"member.removed"`) {
		t.Errorf("bob was told\n%s", all)
	}
}

// The frames a client may send, and what each is answered.
func TestCommandsOfTheLink(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.club()
	s := dial(a, "alice", "&device=phone")
	hello := s.frame()
	if hello.Get("type").String() != "hello" || hello.Get("self.user.id").String() != "alice" || hello.Get("stamp").Int() == 0 || hello.Get("connection").String() == "" {
		t.Errorf("the greeting is %s", hello.Raw)
	}
	s.until("live")
	for _, c := range []struct{ frame, want string }{
		{`{"type":"ping","id":"1"}`, `{"type":"pong","id":"1"}`},
		{`{"type":"typing","id":"2","channel":"club"}`, `{"type":"ok","id":"2"}`},
		{`{"type":"typing","id":"3","channel":"club","state":"sideways"}`, `"code":"request.invalid_field"`},
		{`{"type":"send","id":"4","channel":"club","message":{"id":"w1","text":"over the link"}}`, `"message":{"id":"w1"`},
		{`{"type":"send","id":"5","channel":"nowhere","message":{"text":"x"}}`, `"code":"group.not_found"`},
		{`{"type":"read","id":"6","channel":"club"}`, `{"type":"ok","id":"6"}`},
		{`{"type":"delivered","id":"7","channel":"club","message":"w1"}`, `{"type":"ok","id":"7"}`},
		{`{"type":"ack","id":"8","stamp":12}`, `{"type":"ok","id":"8"}`},
		{`{"type":"watch","id":"9","channels":["club"]}`, `{"type":"ok","id":"9"}`},
		{`{"type":"unwatch","id":"10","channels":["club"]}`, `{"type":"ok","id":"10"}`},
		{`{"type":"follow","id":"11","users":["bob"]}`, `{"type":"ok","id":"11"}`},
		{`{"type":"unfollow","id":"12","users":["bob"]}`, `{"type":"ok","id":"12"}`},
		{`{"type":"event","id":"13","channel":"club","name":"wave","extra":{"a":1}}`, `{"type":"ok","id":"13"}`},
		{`{"type":"dance","id":"14"}`, `"code":"request.invalid_field"`},
		{`{"type":"ping","id":"15","loud":true}`, `is not a field`},
		{`[1]`, `"code":"request.malformed_json"`},
	} {
		s.say(c.frame)
		for {
			f := s.frame()
			if typ := f.Get("type").String(); typ == "event" || typ == "unread" {
				continue
			}
			if !strings.Contains(f.Raw, c.want) {
				t.Errorf("%s is answered %s", c.frame, f.Raw)
			}
			break
		}
	}
}

// A link that is not let in is told why, as the unified document, before it ends.
func TestTheLinkTellsWhyItEnds(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for tok, want := range map[string]string{
		"": "auth.token_missing", "nonsense": "auth.token_invalid",
		native.UserToken(testKey, "another-secret", "alice", time.Now(), time.Time{}):               "auth.token_signature_invalid",
		native.UserToken("another-key", testSecret, "alice", time.Now(), time.Time{}):               "auth.api_key_invalid",
		native.UserToken(testKey, testSecret, "alice", time.Now(), time.Now().Add(-time.Minute)):    "auth.token_expired",
		native.UserToken(testKey, testSecret, "alice", time.Now().Add(time.Hour), time.Time{}):      "auth.token_used_before_issued",
		native.UserToken(testKey, testSecret, core.UserID("nobody-there"), time.Now(), time.Time{}): "user.not_found",
		native.ServerToken(testKey, testSecret, time.Now(), time.Time{}):                            "auth.token_invalid",
	} {
		s := dialWith(a, tok)
		f := s.frame()
		if f.Get("type").String() != "error" || f.Get("error.code").String() != want {
			t.Errorf("want %s, the frame is %s", want, f.Raw)
		}
		if _, more := <-s.frames; more {
			t.Errorf("the link goes on after %s", want)
		}
		s.Close()
	}
}
