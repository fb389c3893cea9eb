package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/proxy"
)

// liveVendor is a second server whose live link echoes with a mark.
func liveVendor(t *testing.T) (*proxy.Server, string) {
	t.Helper()
	d := &fake{sockets: []adapters.Socket{{Path: "/live", Name: "Live", Serve: func(ctx context.Context, c adapters.Conn) error {
		for {
			text, data, err := c.Read(ctx)
			if err != nil {
				return err
			}
			out := append([]byte("vendor: "), data...)
			if text {
				c.Send(adapters.TextFrame(out))
			} else {
				c.Send(adapters.BinaryFrame(out))
			}
		}
	}}}}
	d.routes = []adapters.Route{route("GET", "/things/:id", "GetThing")}
	srv, addr := serving(t, d, nil)
	return srv, "http://" + addr
}

// say sends a text and answers what comes back.
func (c *client) say(text string) string {
	c.t.Helper()
	c.send(ws.NewTextFrame([]byte(text)))
	return string(c.read().Payload)
}

// TestLiveLinksAreRelayed both ways, whatever their size, together with what came before the handshake
// was over.
func TestLiveLinksAreRelayed(t *testing.T) {
	_, vendor := liveVendor(t)
	srv, at := frontedAt(t, vendor, nil)
	addr := strings.TrimPrefix(at, "http://")
	c := connect(t, dial(t, addr), "/live?app=1", ws.NewTextFrame([]byte("early")))
	if got := string(c.read().Payload); got != "vendor: early" {
		t.Errorf("early: %q", got)
	}
	for _, n := range []int{0, 1, 511, 512, 513, 5000, 60000} {
		text := strings.Repeat("x", n)
		if got := c.say(text); got != "vendor: "+text {
			t.Errorf("%d bytes came back as %d", n, len(got))
		}
	}
	if st := srv.Fronts(); st[0].Links != 1 {
		t.Errorf("links: %+v", st)
	}
	if got := connect(t, dial(t, addr), "/live?app=2").say("hi"); got != "hi" {
		t.Errorf("an app without a vendor: %q", got)
	}
	c.send(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
	if code := c.closed(); code != 1000 {
		t.Errorf("the vendor's close code came as %d", code)
	}
	eventually(t, "the link is gone", func() bool { return srv.Fronts()[0].Links == 0 })
}

// TestLiveLinkRefused: the vendor's refusal reaches the client as it is; no vendor is an answer of ours.
func TestLiveLinkRefused(t *testing.T) {
	vendor := vendorAt(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(403)
		_, _ = io.WriteString(w, `{"error":`+code("auth.failed")+`}`)
	})
	srv, at := frontedAt(t, vendor, nil)
	handshake := "GET /live?app=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	a := raw(t, strings.TrimPrefix(at, "http://"), handshake)
	if a.status != 403 || !strings.Contains(a.header.Get("Dragoman-Error"), "auth.failed") || a.body != `{"error":`+code("auth.failed")+`}` {
		t.Errorf("refused: %d %v %s", a.status, a.header, a.body)
	}
	if err := srv.Renew(t.Context(), "test", []proxy.Upstream{{App: 1, Dialect: "fake", URL: deadURL(t)}}); err != nil {
		t.Fatal(err)
	}
	if a := raw(t, strings.TrimPrefix(at, "http://"), handshake); a.status != 502 || !strings.Contains(a.body, "upstream.bad_gateway") {
		t.Errorf("nobody there: %d %s", a.status, a.body)
	}
}

// TestLiveLinkOfAnAppThatIsNotKnownYet: what the client says first decides.
func TestLiveLinkOfAnAppThatIsNotKnownYet(t *testing.T) {
	_, vendor := liveVendor(t)
	srv, at := frontedAt(t, vendor, nil)
	addr := strings.TrimPrefix(at, "http://")
	c := connect(t, dial(t, addr), "/live")
	c.send(ws.NewTextFrame([]byte("hello")))
	if got := c.say("app 1"); got != "vendor: hello" {
		t.Errorf("the first word: %q", got)
	}
	if got := string(c.read().Payload); got != "vendor: app 1" {
		t.Errorf("the second: %q", got)
	}
	if got := connect(t, dial(t, addr), "/live").say("somebody else"); got != "somebody else" {
		t.Errorf("nobody's app: %q", got)
	}
	if err := srv.Renew(t.Context(), "test", []proxy.Upstream{{App: 1, Dialect: "fake", URL: deadURL(t)}}); err != nil {
		t.Fatal(err)
	}
	c = connect(t, dial(t, addr), "/live")
	c.send(ws.NewTextFrame([]byte("app 1")))
	if code := c.closed(); code != 1013 {
		t.Errorf("without a vendor: %d", code)
	}
}

// TestLinksFollowTheModes: those that a switch puts on the wrong side come again, the others stay; a
// server that ends tells all of them.
func TestLinksFollowTheModes(t *testing.T) {
	_, vendor := liveVendor(t)
	srv, at := frontedAt(t, vendor, nil)
	addr := strings.TrimPrefix(at, "http://")
	to := func(m proxy.Mode, keep bool) {
		t.Helper()
		o := proxy.Order{Setting: proxy.Setting{App: "one", Dialect: "fake", Mode: m}, Keep: keep}
		if err := srv.Switch(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	relayed, other := connect(t, dial(t, addr), "/live?app=1"), connect(t, dial(t, addr), "/live?app=2")
	relayed.say("hi")
	other.say("hi")
	to(proxy.ModeCore, true)
	if got := relayed.say("kept"); got != "vendor: kept" {
		t.Errorf("kept: %q", got)
	}
	own := connect(t, dial(t, addr), "/live?app=1")
	if got := own.say("hi"); got != "hi" {
		t.Errorf("after the switch: %q", got)
	}
	to(proxy.ModeVendor, false)
	if code := own.closed(); code != 1001 {
		t.Errorf("our own link closed with %d", code)
	}
	if got := relayed.say("still"); got != "vendor: still" {
		t.Errorf("the relayed one: %q", got)
	}
	to(proxy.ModeCore, false)
	if code := relayed.closed(); code != 1001 {
		t.Errorf("the relayed link closed with %d", code)
	}
	if got := other.say("untouched"); got != "untouched" {
		t.Errorf("the other app: %q", got)
	}
	to(proxy.ModeVendor, false)
	last := connect(t, dial(t, addr), "/live?app=1")
	last.say("hi")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if code := last.closed(); code != 1001 {
		t.Errorf("at the end: %d", code)
	}
}

// watcher is an observer that keeps everything.
type watcher struct {
	mu       sync.Mutex
	seen     []*proxy.Exchange
	frames   []string
	closed   int
	handover error
	moves    []string
}

func (w *watcher) Observe(x *proxy.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, x)
}

func (w *watcher) Link(*proxy.Exchange) proxy.LinkObserver { return w }

func (w *watcher) Frame(dir proxy.Direction, text bool, data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames = append(w.frames, fmt.Sprintf("%d %t %d %s", dir, text, len(data), data[:min(len(data), 20)]))
}

func (w *watcher) Closed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed++
}

func (w *watcher) Handover(_ context.Context, _ core.AppID, _ string, from, to proxy.Mode) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moves = append(w.moves, string(from)+">"+string(to))
	return w.handover
}

func (w *watcher) list() ([]*proxy.Exchange, []string, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen), slices.Clone(w.frames), w.closed
}

// TestObserverHearsTheShadowModes and nothing of the others: calls with their answers, whole messages of
// live links however they were cut, on either side.
func TestObserverHearsTheShadowModes(t *testing.T) {
	_, vendor := liveVendor(t)
	w := &watcher{}
	srv, at := frontedAt(t, vendor, func(o *proxy.Options) { o.Observer = w })
	addr := strings.TrimPrefix(at, "http://")
	ask(t, "GET", at+"/things/0", "", "X-App", "1")
	connect(t, dial(t, addr), "/live?app=1").say("unheard")
	for _, m := range []proxy.Mode{proxy.ModeShadowVendor, proxy.ModeShadowCore} {
		if err := srv.Switch(t.Context(), proxy.Order{Setting: proxy.Setting{App: "one", Dialect: "fake", Mode: m}}); err != nil {
			t.Fatal(err)
		}
		ask(t, "GET", at+"/things/7?q=1", "", "X-App", "1")
		seen, _, _ := w.list()
		x := seen[len(seen)-1]
		if x.App != 1 || x.AppName != "one" || x.Dialect != "fake" || x.Mode != m || x.Route != "GetThing" || x.Raw != "/things/7?q=1" || x.Cut ||
			x.Answer.Status != 200 || !strings.HasPrefix(string(x.Answer.Body), "GetThing") || x.Write() {
			t.Errorf("%s: %+v", m, x)
		}
		for side, ask := range map[string]func() (proxy.Answer, error){
			"core":   func() (proxy.Answer, error) { return srv.AskCore(t.Context(), x, nil) },
			"vendor": func() (proxy.Answer, error) { return srv.AskVendor(t.Context(), x) },
		} {
			if a, err := ask(); err != nil || a.Status != 200 || !strings.HasPrefix(string(a.Body), "GetThing") {
				t.Errorf("%s asked again in %s: %v %+v", side, m, err, a)
			}
		}
		c := connect(t, dial(t, addr), "/live?app=1")
		big := strings.Repeat("y", 40000)
		c.send(ws.NewFrame(ws.OpText, false, []byte("in ")))
		c.send(ws.NewPingFrame([]byte("p")))
		c.send(ws.NewFrame(ws.OpContinuation, true, []byte("two")))
		for f := c.read(); f.Header.OpCode != ws.OpText; f = c.read() {
		}
		c.say(big)
		mark := map[proxy.Mode]string{proxy.ModeShadowVendor: "vendor: ", proxy.ModeShadowCore: ""}[m]
		want := []string{
			"0 true 6 in two", fmt.Sprintf("1 true %d %sin two", 6+len(mark), mark),
			"0 true 40000 " + big[:20], fmt.Sprintf("1 true %d %s", 40000+len(mark), (mark + big)[:20]),
		}
		eventually(t, "all frames are told", func() bool {
			_, frames, _ := w.list()
			for _, f := range want {
				if !slices.Contains(frames, f) {
					return false
				}
			}
			return true
		})
		w.mu.Lock()
		w.frames = nil
		w.mu.Unlock()
	}
	seen, _, _ := w.list()
	if len(seen) != 2 {
		t.Errorf("%d exchanges were told, want 2", len(seen))
	}
	if err := srv.Switch(t.Context(), proxy.Order{Setting: proxy.Setting{App: "one", Dialect: "fake", Mode: proxy.ModeCore}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both links are told to be closed", func() bool { _, _, n := w.list(); return n == 2 })
}

// TestASwitchHandsOver: it waits for calls under way, holds new ones, and is refused when the observer
// is not ready.
func TestASwitchHandsOver(t *testing.T) {
	inside, release := make(chan struct{}, 1), make(chan struct{})
	vendor := vendorAt(t, func(w http.ResponseWriter, _ *http.Request) {
		inside <- struct{}{}
		<-release
		_, _ = io.WriteString(w, "vendor")
	})
	w := &watcher{}
	l := &memory{}
	srv, at := frontedAt(t, vendor, func(o *proxy.Options) { o.Observer, o.Ledger, o.LedgerEvery = w, l, 20*time.Millisecond })
	order := proxy.Order{Setting: proxy.Setting{App: "one", Dialect: "fake", Mode: proxy.ModeCore}, By: "ann", Note: "go"}
	said := make(chan string, 2)
	go func() { said <- ask(t, "GET", at+"/things/1", "", "X-App", "1").body }()
	<-inside
	switched := make(chan error, 1)
	go func() { switched <- srv.Switch(t.Context(), order) }()
	select {
	case err := <-switched:
		t.Fatalf("switched while a call was under way: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if err := <-switched; err != nil {
		t.Fatal(err)
	}
	if s := <-said; s != "vendor" {
		t.Errorf("the call under way: %s", s)
	}
	if s := ask(t, "GET", at+"/things/1", "", "X-App", "1").body; !strings.HasPrefix(s, "GetThing") {
		t.Errorf("after it: %s", s)
	}
	log, _ := srv.Audit(t.Context(), 10)
	if len(log) != 1 || log[0].By != "ann" || log[0].From != "vendor" || log[0].To != "core" || log[0].Note != "go" || w.moves[0] != "vendor>core" {
		t.Errorf("audit: %+v, moves %v", log, w.moves)
	}
	w.handover = errors.New("the feed is behind")
	order.Mode = proxy.ModeVendor
	if err := srv.Switch(t.Context(), order); err == nil || !strings.Contains(err.Error(), "the feed is behind") || srv.Fronts()[0].Mode != proxy.ModeCore {
		t.Errorf("switched against the observer: %v, %+v", err, srv.Fronts())
	}
	order.Force = true
	if err := srv.Switch(t.Context(), order); err != nil || srv.Fronts()[0].Mode != proxy.ModeVendor {
		t.Errorf("forced: %v, %+v", err, srv.Fronts())
	}
	l.mu.Lock()
	l.broken = true
	l.mu.Unlock()
	order.Mode = proxy.ModeCore
	if err := srv.Switch(t.Context(), order); err == nil || srv.Fronts()[0].Mode != proxy.ModeVendor {
		t.Errorf("what could not be kept holds: %v, %+v", err, srv.Fronts())
	}
	// Another node's choice is found in the ledger.
	l.mu.Lock()
	l.settings["onefake"] = proxy.Setting{App: "one", Dialect: "fake", Mode: proxy.ModeShadowCore}
	l.mu.Unlock()
	eventually(t, "the ledger is followed", func() bool { return srv.Fronts()[0].Mode == proxy.ModeShadowCore })
}
