package agora_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/agora"
	"dragoman/core"
)

const (
	testAppID = "00112233445566778899aabbccddeeff"
	testCert  = "ffeeddccbbaa99887766554433221100"
	testKey   = "org1#app1"
)

// phone is one live link, spoken by hand.
type phone struct {
	t    *testing.T
	conn net.Conn
	user string
}

// linkWorld is a server with four people.
func linkWorld(t *testing.T) *adaptertest.World {
	t.Helper()
	v := &adaptertest.Vendor{Entry: agora.Entry(), Creds: map[string]string{"org": "org1", "app": "app1", "app_id": testAppID, "app_certificate": testCert}}
	return adaptertest.NewWorld(t, v, adaptertest.Setup{Users: []string{"alice", "bob", "carol", "dave"}})
}

func userToken(t *testing.T, user string, now time.Time, life time.Duration) string {
	t.Helper()
	s, err := agora.MintToken(testAppID, testCert, core.UserID(user), now, life)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// dial opens the link and says nothing yet.
func dial(t *testing.T, w *adaptertest.World, user string) *phone {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, _, err := ws.Dial(ctx, "ws"+strings.TrimPrefix(w.URL, "http")+"/websocket")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &phone{t: t, conn: c, user: user}
}

func (p *phone) say(b pb) {
	p.t.Helper()
	if err := wsutil.WriteClientBinary(p.conn, b); err != nil {
		p.t.Fatal(err)
	}
}

// next reads a frame: its command and its payload.
func (p *phone) next() (uint64, pb) {
	p.t.Helper()
	b, op, err := wsutil.ReadServerData(p.conn)
	if err != nil || op != ws.OpBinary {
		p.t.Fatalf("%s: no frame: %v", p.user, err)
	}
	return pb(b).uint(8), pb(b).has(p.t, 9)
}

// hears reads frames of a command until one fits.
func (p *phone) hears(command uint64, fits func(pb) bool) pb {
	p.t.Helper()
	for {
		if c, b := p.next(); c == command && (fits == nil || fits(b)) {
			return b
		}
	}
}

// ends reads until the connection ends and returns the code.
func (p *phone) ends() ws.StatusCode {
	p.t.Helper()
	for {
		_, _, err := wsutil.ReadServerData(p.conn)
		var end wsutil.ClosedError
		switch {
		case errors.As(err, &end):
			return end.Code
		case err != nil:
			p.t.Fatal(err)
		}
	}
}

func jidOf(name, domain string) pb { return pb(nil).text(1, testKey).text(2, name).text(3, domain) }

func person(name string) pb { return jidOf(name, "easemob.com") }

// hello is the login frame.
func hello(user, token, device string) pb {
	return pb(nil).num(1, 0).sub(2, person(user).text(4, device)).text(3, "$t$"+token).num(8, 3).
		sub(9, pb(nil).num(1, 16).text(2, "1.4.0").text(12, "webim").text(13, device).text(20, "1:"))
}

// online logs a person in.
func online(t *testing.T, w *adaptertest.World, user, device string) *phone {
	t.Helper()
	p := dial(t, w, user)
	p.say(hello(user, userToken(t, user, time.Now(), time.Hour), device))
	out := p.hears(3, nil)
	if code := out.uint(8, 1); code != 0 || out.str(13) != device || !strings.HasPrefix(out.str(18), `{"expires_in":`) {
		t.Fatalf("%s is answered %x", user, []byte(out))
	}
	out.has(t, 8)
	return p
}

// chat is a message's body, with a field the tables do not know.
func chat(kind uint64, from, to, text string) pb {
	return pb(nil).num(1, kind).sub(2, pb(nil).text(2, from)).sub(3, pb(nil).text(2, to)).sub(4, pb(nil).num(1, 0).text(2, text)).num(77, 5)
}

// send sends a body as a meta.
func (p *phone) send(id uint64, to pb, body pb) {
	p.t.Helper()
	p.say(pb(nil).num(8, 0).sub(9, pb(nil).sub(1, pb(nil).num(1, id).sub(3, to).num(5, 1).sub(6, body))))
}

// acked waits for the answer to a meta.
func (p *phone) acked(id uint64) pb {
	p.t.Helper()
	out := p.hears(0, func(b pb) bool { return b.uint(2) == id })
	out.has(p.t, 1)
	return out
}

// pull asks for a queue, with a key or without.
func (p *phone) pull(queue pb, key uint64) {
	p.t.Helper()
	b := pb(nil).sub(3, queue)
	if key > 0 {
		b = b.num(2, key)
	}
	p.say(pb(nil).num(8, 0).sub(9, b))
}

func TestLoginsThatAreRefused(t *testing.T) {
	w := linkWorld(t)
	good := userToken(t, "alice", time.Now(), time.Hour)
	for what, c := range map[string]struct {
		frame  pb
		code   uint64
		reason string
	}{
		"a changed token":    {hello("alice", good[:len(good)-8]+"AAAAAAA=", "d"), 1, "Sorry, token or password does not match login info"},
		"no token at all":    {hello("alice", "", "d"), 1, "Sorry, token or password does not match login info"},
		"somebody else's":    {hello("bob", good, "d"), 1, "Sorry, token or password does not match login info"},
		"one that has ended": {hello("alice", userToken(t, "alice", time.Now().Add(-2*time.Hour), time.Hour), "d"), 1, "Sorry, token expired"},
		"nobody":             {hello("nobody", userToken(t, "nobody", time.Now(), time.Hour), "d"), 1, "Sorry, user not found"},
		"another app":        {pb(nil).sub(2, pb(nil).text(1, "x#y").text(2, "alice")).text(3, "$t$"+good).num(8, 3).sub(9, pb(nil).text(13, "d")), 4, "Sorry, the app does not exist"},
		"bytes":              {pb(nil).num(8, 3).sub(9, pb{0xff, 0xff}), 1, "Sorry, token or password does not match login info"},
	} {
		p := dial(t, w, what)
		p.say(c.frame)
		out := p.hears(3, nil)
		if out.uint(8, 1) != c.code || out.str(8, 2) != c.reason {
			t.Errorf("%s: %d %q", what, out.uint(8, 1), out.str(8, 2))
		}
		if code := p.ends(); code != 1000 {
			t.Errorf("%s ends with %d", what, code)
		}
	}
}

func TestMessageBytesArriveAsTheyWereSent(t *testing.T) {
	w := linkWorld(t)
	a, b := online(t, w, "alice", "phone-a"), online(t, w, "bob", "phone-b")
	body := chat(1, "alice", "bob", "hello")
	a.send(41, person("bob"), body)
	ack := a.acked(41)
	id := ack.uint(3)
	if id == 0 || ack.uint(8) == 0 || ack.uint(1, 1) != 0 {
		t.Fatalf("the answer is %x", []byte(ack))
	}
	got := b.hears(0, func(x pb) bool { _, ok := x.at(4); return ok })
	meta := got.has(t, 4)
	if string(meta.has(t, 6)) != string(body) {
		t.Errorf("the body is %x, want %x", []byte(meta.has(t, 6)), []byte(body))
	}
	if meta.uint(1) != id || meta.str(2, 2) != "alice" || meta.str(2, 4) != "phone-a" || meta.str(3, 2) != "bob" || meta.uint(5) != 1 || meta.uint(4) != ack.uint(8) {
		t.Errorf("the meta is %x", []byte(meta))
	}
	if got.str(6, 2) != "alice" || got.uint(5) != id || got.uint(7) != 0 {
		t.Errorf("queue %q key %d last %d", got.str(6, 2), got.uint(5), got.uint(7))
	}
	// The key acknowledges, and an answer without items ends it.
	b.pull(got.has(t, 6), got.uint(5))
	if end := b.hears(0, nil); end.uint(7) != 1 || len(end.all(4)) != 0 || end.str(6, 2) != "alice" {
		t.Errorf("the pull is answered %x", []byte(end))
	}
	// A repeated send is the same message.
	a.send(41, person("bob"), body)
	if again := a.acked(41); again.uint(3) != id {
		t.Errorf("sent twice it is %d and %d", id, again.uint(3))
	}
	a.send(42, person("bob"), chat(1, "alice", "bob", "next"))
	if x := b.hears(0, func(x pb) bool { _, ok := x.at(4); return ok }); x.str(4, 6, 4, 2) != "next" {
		t.Errorf("after it comes %q", x.str(4, 6, 4, 2))
	}
}

func TestQueuesOfWhoWasAway(t *testing.T) {
	w := linkWorld(t)
	a := online(t, w, "alice", "a")
	first := online(t, w, "bob", "b1")
	_ = first.conn.Close()
	const n = 230
	for i := range uint64(n) {
		a.send(100+i, person("bob"), chat(1, "alice", "bob", "m"))
		a.acked(100 + i)
	}
	b := online(t, w, "bob", "b2")
	b.say(pb(nil).num(1, 0).num(8, 1).num(11, 0))
	un := b.hears(1, nil)
	if un.uint(3) == 0 || len(un.all(2)) != 1 || un.str(2, 1, 2) != "alice" {
		t.Fatalf("the queues are %x", []byte(un))
	}
	queue, seen, key := un.has(t, 2, 1), map[uint64]bool{}, uint64(0)
	for {
		b.pull(queue, key)
		dl := b.hears(0, func(x pb) bool { return x.uint(2) == 0 })
		metas := dl.all(4)
		for _, m := range metas {
			if seen[m.uint(1)] {
				t.Fatal("an item came twice")
			}
			seen[m.uint(1)] = true
		}
		if dl.uint(7) == 1 {
			break
		}
		if dl.uint(5) <= key {
			t.Fatalf("the key goes from %d to %d", key, dl.uint(5))
		}
		key = dl.uint(5)
	}
	if len(seen) != n {
		t.Errorf("%d items, want %d", len(seen), n)
	}
	b.say(pb(nil).num(8, 1))
	if un := b.hears(1, nil); len(un.all(2)) != 0 {
		t.Errorf("after the pull something is left: %x", []byte(un))
	}
	c := online(t, w, "bob", "b3")
	c.say(pb(nil).num(8, 1))
	if un := c.hears(1, nil); len(un.all(2)) != 0 {
		t.Errorf("a new device has what another one took: %x", []byte(un))
	}
}

// What is not acknowledged is told again, and what nobody has asked for is not pushed past it.
func TestWhatIsNotAcknowledgedComesAgain(t *testing.T) {
	w := linkWorld(t)
	a := online(t, w, "alice", "a")
	b := online(t, w, "bob", "b")
	a.send(1, person("bob"), chat(1, "alice", "bob", "one"))
	b.hears(0, func(x pb) bool { return x.str(4, 6, 4, 2) == "one" })
	_ = b.conn.Close()
	b = online(t, w, "bob", "b")
	a.send(2, person("bob"), chat(1, "alice", "bob", "two"))
	n := b.hears(2, nil) // a notice instead of a push, since the device is behind
	if n.str(1, 2) != "alice" {
		t.Fatalf("noticed %x", []byte(n))
	}
	b.pull(n.has(t, 1), 0)
	dl := b.hears(0, nil)
	if metas := dl.all(4); len(metas) != 2 || metas[0].str(6, 4, 2) != "one" || metas[1].str(6, 4, 2) != "two" {
		t.Errorf("pulled %x", []byte(dl))
	}
}

func TestFramesThatCannotBeServed(t *testing.T) {
	w := linkWorld(t)
	a := online(t, w, "alice", "a")
	for what, c := range map[string]struct {
		id     uint64
		to     pb
		body   pb
		code   uint64
		reason string
	}{
		"a receiver nobody knows": {1, person("nobody"), chat(1, "alice", "nobody", "x"), 1, "username nobody doesn't exist!"},
		"a group nobody knows":    {2, jidOf("987", "conference.easemob.com"), chat(2, "alice", "987", "x"), 1, "group not found"},
		"a room nobody knows":     {3, jidOf("987", "conference.easemob.com"), chat(3, "alice", "987", "x"), 1, "grpID 987 does not exist!"},
		"a body that is none":     {4, person("bob"), pb{0xff}, 1, "Sorry, format is incorrect"},
		"no content":              {5, person("bob"), pb(nil).num(1, 1), 1, "Sorry, format is incorrect"},
		"a body too large":        {6, person("bob"), chat(1, "alice", "bob", strings.Repeat("x", 41<<10)), 7, "Sorry, data is too large"},
		"no receiver":             {7, pb(nil), chat(1, "alice", "bob", "x"), 1, "Sorry, format is incorrect"},
		"a recall of nothing":     {8, person("bob"), pb(nil).num(1, 6).num(6, 123), 1, "Sorry, message does not exist"},
	} {
		a.send(c.id, c.to, c.body)
		if out := a.acked(c.id); out.uint(1, 1) != c.code || out.str(1, 2) != c.reason || out.uint(8) == 0 {
			t.Errorf("%s: %d %q", what, out.uint(1, 1), out.str(1, 2))
		}
	}
	a.pull(person("bob"), 1<<60) // a queue that was never told of, a key that was never given
	if out := a.hears(0, nil); out.uint(7) != 1 || out.str(6, 2) != "bob" {
		t.Errorf("the pull is answered %x", []byte(out))
	}
}

func TestNoiseIsBounded(t *testing.T) {
	w := linkWorld(t)
	a := online(t, w, "alice", "a")
	if err := wsutil.WriteClientText(a.conn, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	a.say(pb{0xff, 0xff})
	a.say(pb(nil).num(8, 99))
	a.say(pb(nil).num(8, 1))
	a.hears(1, nil)
	for range 1100 {
		if wsutil.WriteClientBinary(a.conn, []byte{0xff}) != nil {
			break
		}
	}
	if code := a.ends(); code != 1008 {
		t.Errorf("noise ends with %d", code)
	}
	silent := dial(t, w, "silent")
	for range 1100 {
		if wsutil.WriteClientBinary(silent.conn, []byte{0xff}) != nil {
			break
		}
	}
	if code := silent.ends(); code != 1008 {
		t.Errorf("noise without a login ends with %d", code)
	}
}

func TestSameDeviceTakesItsOwnPlace(t *testing.T) {
	w := linkWorld(t)
	a := online(t, w, "alice", "same")
	online(t, w, "alice", "same")
	out := a.hears(0, func(x pb) bool { _, ok := x.at(4, 6); return ok })
	if out.uint(4, 5) != 0 || out.uint(4, 6, 1) != 2 {
		t.Errorf("the first is told %x", []byte(out))
	}
	if code := a.ends(); code != 1000 {
		t.Errorf("it ends with %d", code)
	}
}
