package stream_test

import (
	"fmt"
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/adaptertest"
	"dragoman/adapters/stream"
	"dragoman/core"
)

func TestMain(m *testing.M) { adaptertest.Verify(m) }

// serve runs a connection and returns when it has ended by the end of the test.
func serve(t *testing.T, d *stream.Dialect, query ...string) *conn {
	t.Helper()
	c := newConn(request(query...))
	end := make(chan error, 1)
	go func() { end <- d.Sockets()[0].Serve(t.Context(), c) }()
	t.Cleanup(func() {
		c.Close(1000, "")
		select {
		case err := <-end:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("serve does not return")
		}
	})
	return c
}

func hello(user string) string {
	return `{"user_id":"` + user + `","user_details":{"id":"` + user + `","name":"Al","colour":"red"},"client_request_id":"x"}`
}

func TestSocketOpensWithHealthCheckAndOwnUser(t *testing.T) {
	f := &fake{}
	c := serve(t, newDialect(t, f), "api_key", apiKey, "authorization", token("alice"), "stream-auth-type", "jwt", "json", hello("alice"))
	first := c.next(t)
	if first.Get("type").Str != "health.check" || first.Get("connection_id").Str != "conn-alice" || first.Get("cid").Str != "*" {
		t.Errorf("first frame %s", first)
	}
	for _, name := range []string{"devices", "mutes", "channel_mutes", "blocked_user_ids", "teams"} {
		if !first.Get("me." + name).IsArray() {
			t.Errorf("me.%s is not a list: %s", name, first)
		}
	}
	for _, name := range []string{"unread_count", "total_unread_count", "unread_channels", "unread_threads", "privacy_settings", "push_preferences", "role", "online", "banned", "invisible", "language"} {
		if !first.Get("me." + name).Exists() {
			t.Errorf("me.%s is missing", name)
		}
	}
	f.mu.Lock()
	in := f.connects[0]
	f.mu.Unlock()
	if in.Profile == nil || in.Profile.Name != "Al" || string(in.Profile.Extra) != `{"colour":"red"}` {
		t.Errorf("profile %+v", in.Profile)
	}
}

func TestSocketAnswersPingsAndIgnoresNoise(t *testing.T) {
	c := serve(t, newDialect(t, &fake{}), "api_key", apiKey, "authorization", token("alice"), "json", hello("alice"))
	c.next(t)
	c.in <- []byte("noise")
	c.in <- []byte(`{"type":"message.new"}`)
	c.in <- []byte(`[{"type":"health.check","client_id":"alice--1"}]`)
	pong := c.next(t)
	if pong.Get("type").Str != "health.check" || pong.Get("connection_id").Str != "conn-alice" || pong.Get("me").Exists() {
		t.Errorf("pong %s", pong)
	}
}

func TestSocketTellsEvents(t *testing.T) {
	f := &fake{}
	c := serve(t, newDialect(t, f), "api_key", apiKey, "authorization", token("alice"), "json", hello("alice"))
	c.next(t)
	f.tell(t, "conn-alice", core.Delivery{Event: &core.Event{Kind: core.UserPresence, App: 1, At: now, User: &core.User{ID: "bob", Online: true}}, As: core.AsPresence})
	ev := c.next(t)
	if ev.Get("type").Str != "user.presence.changed" || ev.Get("user.id").Str != "bob" || !ev.Get("user.online").Bool() {
		t.Errorf("event %s", ev)
	}
}

func TestSocketRefusesWithErrorFrame(t *testing.T) {
	cases := []struct {
		name, token, json string
		code              int64
	}{
		{"no token", "", hello("alice"), 5},
		{"expired", claimsToken(fmt.Sprintf(`{"user_id":"alice","exp":%d}`, at(-time.Hour))), hello("alice"), 40},
		{"other user", token("alice"), hello("bob"), 5},
		{"server token", stream.ServerToken(apiSecret), hello("alice"), 5},
		{"garbled hello", token("alice"), `{"user_id":`, 4},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{}
			conn := serve(t, newDialect(t, f), "api_key", apiKey, "authorization", c.token, "json", c.json)
			fr := conn.next(t)
			if fr.Get("type").Str != "connection.error" || fr.Get("error.code").Int() != c.code || fr.Get("error.StatusCode").Int() < 400 {
				t.Errorf("frame %s", fr)
			}
			if code := conn.ended(t); code != 1000 {
				t.Errorf("closed with %d", code)
			}
			if len(f.connects) != 0 {
				t.Error("connected all the same")
			}
		})
	}
}

func TestSocketEndsWhenTheTokenExpires(t *testing.T) {
	f := &fake{}
	d := newDialect(t, f)
	tok := claimsToken(fmt.Sprintf(`{"user_id":"alice","exp":%d}`, now.Unix()+1))
	c := serve(t, d, "api_key", apiKey, "authorization", tok, "json", hello("alice"))
	c.next(t)
	if fr := c.next(t); fr.Get("error.code").Int() != 40 {
		t.Errorf("frame %s", fr)
	}
	if code := c.ended(t); code == 1000 { // which the SDK takes for the end
		t.Errorf("closed with %d", code)
	}
}

func TestSocketOfAnonymousUser(t *testing.T) {
	f := &fake{}
	c := serve(t, newDialect(t, f), "api_key", apiKey, "authorization", "", "stream-auth-type", "anonymous", "json", `{"user_id":"random","user_details":{"id":"random","anon":true}}`)
	if first := c.next(t); first.Get("me.id").Str != "!anon" {
		t.Errorf("first frame %s", first)
	}
}

// poll asks once as alice.
func poll(t *testing.T, d *stream.Dialect, query ...string) (string, error) {
	t.Helper()
	rq := request(append([]string{"api_key", apiKey, "authorization", token("alice"), "user_id", "alice"}, query...)...)
	rt := route(t, d, "LongPoll")
	by, err := d.Authenticate(t.Context(), rt, rq)
	if err != nil {
		return "", err
	}
	rq.SetCaller(by)
	var rs adapters.Response
	err = rt.Serve(t.Context(), by, rq, &rs)
	return string(rs.Body), err
}

func TestLongPoll(t *testing.T) {
	f := &fake{}
	d := newDialect(t, f)
	stream.SetPollTimes(d, 5*time.Second, time.Minute)
	body, err := poll(t, d, "json", hello("alice"))
	if err != nil {
		t.Fatal(err)
	}
	opened := parse(t, body)
	if opened.Get("event.type").Str != "health.check" || opened.Get("event.connection_id").Str != "conn-alice" || !opened.Get("event.me.mutes").IsArray() {
		t.Fatalf("opened with %s", body)
	}
	ev := &core.Event{Kind: core.UserPresence, App: 1, At: now, User: &core.User{ID: "bob"}}
	f.tell(t, "conn-alice", core.Delivery{Event: ev, As: core.AsPresence})
	f.tell(t, "conn-alice", core.Delivery{Event: ev, As: core.AsPresence})
	if body, err = poll(t, d, "connection_id", "conn-alice"); err != nil || len(parse(t, body).Get("events").Array()) != 2 {
		t.Fatalf("%v %s", err, body)
	}
	stream.SetPollTimes(d, time.Millisecond, time.Minute)
	if body, err = poll(t, d, "connection_id", "conn-alice"); err != nil || parse(t, body).Get("events").Raw != "[]" {
		t.Fatalf("silence: %v %s", err, body)
	}
	if _, err = poll(t, d, "connection_id", "conn-alice", "close", "true"); err != nil {
		t.Fatal(err)
	}
	if len(f.closed) != 1 {
		t.Error("the core's connection was not closed")
	}
	_, err = poll(t, d, "connection_id", "conn-alice")
	if e := parse(t, wireError(d, "LongPoll", err)); err == nil || e.Get("code").Int() != 46 || e.Get("StatusCode").Int() != 404 {
		t.Errorf("unknown connection: %v %s", err, e)
	}
}

func TestLongPollOfAnotherPerson(t *testing.T) {
	f := &fake{}
	d := newDialect(t, f)
	if _, err := poll(t, d, "json", hello("alice")); err != nil {
		t.Fatal(err)
	}
	rq := request("api_key", apiKey, "authorization", token("bob"), "connection_id", "conn-alice")
	rt := route(t, d, "LongPoll")
	by, err := d.Authenticate(t.Context(), rt, rq)
	if err != nil {
		t.Fatal(err)
	}
	if err := rt.Serve(t.Context(), by, rq, &adapters.Response{}); err == nil {
		t.Error("bob polls the connection of alice")
	}
	if _, err := poll(t, d, "connection_id", "conn-alice", "close", "true"); err != nil {
		t.Fatal(err)
	}
}

func TestLongPollIsForgottenWhenTheClientStaysAway(t *testing.T) {
	f := &fake{}
	d := newDialect(t, f)
	stream.SetPollTimes(d, time.Millisecond, time.Millisecond)
	if _, err := poll(t, d, "json", hello("alice")); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.closed) == 1
	})
}

func TestLongPollThatFallsBehindIsClosed(t *testing.T) {
	f := &fake{}
	d := newDialect(t, f)
	if _, err := poll(t, d, "json", hello("alice")); err != nil {
		t.Fatal(err)
	}
	ev := &core.Event{Kind: core.UserPresence, App: 1, At: now, User: &core.User{ID: "bob"}}
	for range 1001 {
		f.tell(t, "conn-alice", core.Delivery{Event: ev, As: core.AsPresence})
	}
	until(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.closed) == 1
	})
}
