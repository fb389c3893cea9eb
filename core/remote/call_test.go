package remote_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote"
)

// counter counts retries.
type counter struct {
	unsent, refused, broken, calls atomic.Int32
}

// Called implements remote.Observer.
func (c *counter) Called(string, string, time.Duration) { c.calls.Add(1) }

// Retried implements remote.Observer.
func (c *counter) Retried(why string) {
	map[string]*atomic.Int32{"unsent": &c.unsent, "refused": &c.refused, "broken": &c.broken}[why].Add(1)
}

func TestErrorsTravelExactly(t *testing.T) {
	for _, r := range fault.All() {
		want := &fault.Error{
			Reason: r, Variant: "v", Op: "a.b", Detail: "d", RetryAfter: 3 * time.Second, Params: []fault.Param{{Name: "n", Value: "x"}},
			Fields: []fault.Field{{Pointer: "/a", Detail: "bad", Reason: fault.RequestMissingField}, {Pointer: "?b"}}, Err: errors.New("the cause"),
		}
		got := fault.From(remote.Travel(want))
		if got.Reason != r || got.Error() != want.Error() || got.RetryAfter != want.RetryAfter || len(got.Fields) != 2 ||
			got.Fields[0] != want.Fields[0] || got.Fields[1] != want.Fields[1] || len(got.Params) != 1 || got.Params[0] != want.Params[0] {
			t.Errorf("%s came as %+v", r, got)
		}
		later := fault.From(remote.RenameReason(want, "of.a_later_version"))
		if r != fault.Success && later.Reason.Code() != r.Code() && later.Reason != fault.RequestConflict && later.Reason != fault.ServerUnknown {
			t.Errorf("an unknown reason of class %s became %s", r.Code(), later.Reason)
		}
	}
	if got := fault.From(remote.Travel(context.DeadlineExceeded)); got.Reason != fault.RequestTimeout {
		t.Errorf("a deadline became %s", got.Reason)
	}
}

func TestOnlyHoldersOfTheSecretAreServed(t *testing.T) {
	n := startNode(t, "a")
	for _, path := range []string{"Apps/Get", "Live/Link", "Files/Upload", "Files/Open", "Nodes/Apps", "nothing"} {
		for _, auth := range []string{"", "Bearer ", "Bearer wrong", secret, "Bearer " + secret + "x", "bearer " + secret} {
			rq, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.url()+"/v1/core/"+path, strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			rq.Header.Set("Authorization", auth)
			rs, err := http.DefaultTransport.RoundTrip(rq)
			if err != nil {
				t.Fatal(err)
			}
			_ = rs.Body.Close()
			if rs.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %q: status %d", path, auth, rs.StatusCode)
			}
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	c, err := remote.New(remote.Options{Nodes: []string{n.url()}, Secret: "another"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{}); err == nil || n.gets.Load() != 0 {
		t.Errorf("a client with another secret: %v, %d calls", err, n.gets.Load())
	}
}

func TestAPanicOfTheCoreIsAnAnswer(t *testing.T) {
	c := client(t, nil, startNode(t, "a"))
	if _, err := c.Core().Types.Delete(t.Context(), ann, core.DeleteType{}); !fault.IsReason(err, fault.ServerInternal) {
		t.Errorf("error %v", err)
	}
	if _, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{}); err != nil {
		t.Error(err)
	}
}

func TestEveryPersonKeepsTheirNode(t *testing.T) {
	a, b := startNode(t, "a"), startNode(t, "b")
	c := client(t, nil, a, b)
	seen := map[string]int{}
	for i := range 100 {
		by := core.Actor{App: 1, User: core.UserID("user-" + string(rune('a'+i%26)) + string(rune('a'+i/26))), Access: core.AccessUser}
		first, err := c.Core().Apps.Get(t.Context(), by, core.GetApp{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.Core().Apps.Get(t.Context(), by, core.GetApp{})
		if err != nil || again.Name != first.Name {
			t.Fatalf("%s was on %s, then on %s (%v)", by.User, first.Name, again.Name, err)
		}
		seen[first.Name]++
	}
	if seen["a"] < 25 || seen["b"] < 25 {
		t.Errorf("100 people are spread as %v", seen)
	}
}

func TestTheBreakerOpensOnADeadNodeAndClosesWhenItIsBack(t *testing.T) {
	a, b := startNode(t, "a"), startNode(t, "b")
	var n counter
	c := client(t, func(o *remote.Options) { o.Observer = &n }, a, b)
	a.kill()
	for range 50 { // every call is answered, whoever it belonged to
		for _, u := range []core.UserID{"ann", "bob", "cem", "dan"} {
			app, err := c.Core().Apps.Get(t.Context(), core.Actor{App: 1, User: u}, core.GetApp{})
			if err != nil || app.Name != "b" {
				t.Fatalf("%s: %s, %v", u, app.Name, err)
			}
		}
	}
	until(t, "an open breaker", func() bool { return c.Nodes()[0].Breaker == 2 })
	if err := c.Core().Health.Ready(t.Context()); err != nil {
		t.Errorf("one node lives: %v", err)
	}
	b.kill()
	until(t, "two open breakers", func() bool { return c.Nodes()[1].Breaker == 2 })
	if err := c.Core().Health.Ready(t.Context()); err == nil {
		t.Error("ready without a node")
	}
	_, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{})
	if f := fault.From(err); f == nil || f.Reason != fault.UpstreamCircuitOpen || f.RetryAfter <= 0 {
		t.Errorf("without a node: %v", err)
	}
	a.start()
	until(t, "a closed breaker", func() bool { s := c.Nodes()[0]; return s.Breaker == 0 && s.Linked })
	if app, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{}); err != nil || app.Name != "a" {
		t.Errorf("revived: %s, %v", app.Name, err)
	}
}

// losing makes a node carry commands out and lose the answers, times times.
func losing(n *node, path string, times int32) {
	var left atomic.Int32
	left.Store(times)
	n.answered = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, path) || left.Add(-1) < 0 {
			return false
		}
		n.srv.ServeHTTP(discard{}, r)
		if nc, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = nc.Close()
		}
		return true
	}
}

// discard is an answer that nobody gets.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

func TestOnlyWhatIsSafeIsSentTwice(t *testing.T) {
	start := func(path string, times int32) (*remote.Client, *node, *counter) {
		n := startNode(t, "a", func(n *node) { losing(n, path, times) })
		var k counter
		return client(t, func(o *remote.Options) { o.Observer = &k; o.Breaker.Failures = 1000 }, n), n, &k
	}
	t.Run("a read", func(t *testing.T) {
		c, n, k := start("Apps/Get", 1)
		if _, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{}); err != nil || n.gets.Load() != 2 || k.broken.Load() != 1 {
			t.Errorf("%v, %d times, %d retries", err, n.gets.Load(), k.broken.Load())
		}
	})
	t.Run("a write", func(t *testing.T) {
		c, n, k := start("Messages/Send", 1)
		_, err := c.Core().Messages.Send(t.Context(), ann, core.SendMessage{Message: core.MessageInput{Text: "x"}})
		if !fault.IsReason(err, fault.UpstreamBadGateway) || n.sends.Load() != 1 || k.broken.Load() != 0 {
			t.Errorf("%v, %d times, %d retries", err, n.sends.Load(), k.broken.Load())
		}
	})
	t.Run("a write with an id", func(t *testing.T) {
		c, n, _ := start("Messages/Send", 1)
		in := core.SendMessage{Message: core.MessageInput{Text: "x", Alias: "m1"}}
		sent, err := c.Core().Messages.Send(t.Context(), ann, in)
		if err != nil || sent.Duplicate || sent.Message.Alias != "m1" || n.sends.Load() != 2 {
			t.Errorf("%+v, %v, %d times", sent, err, n.sends.Load())
		}
		if sent, err = c.Core().Messages.Send(t.Context(), ann, in); err != nil || !sent.Duplicate {
			t.Errorf("sent again by its client: %+v, %v", sent, err)
		}
	})
	t.Run("not without end", func(t *testing.T) {
		c, n, k := start("Apps/Get", 1_000_000)
		for range 300 {
			if _, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{}); err == nil {
				t.Fatal("an answer that was lost")
			}
		}
		if r := k.broken.Load(); r < 50 || r > 90 || n.gets.Load() != 300+r {
			t.Errorf("%d retries of 300 calls, %d in all", r, n.gets.Load())
		}
	})
}

func TestADeadlineGoesAlong(t *testing.T) {
	n := startNode(t, "a")
	n.hold = make(chan struct{})
	c := client(t, nil, n)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Core().Apps.Get(ctx, ann, core.GetApp{}); !fault.IsReason(err, fault.RequestTimeout) && !fault.IsReason(err, fault.UpstreamTimeout) {
		t.Errorf("a node that takes too long: %v", err)
	}
	gone, hangUp := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, hangUp)
	if _, err := c.Core().Apps.Get(gone, ann, core.GetApp{}); !fault.IsReason(err, fault.RequestCancelled) {
		t.Errorf("a caller that hangs up: %v", err)
	}
	if s := c.Nodes()[0]; s.Breaker != 0 {
		t.Errorf("the breaker is in state %d", s.Breaker)
	}
}

func TestANodeTakesOnlySoManyCalls(t *testing.T) {
	n := startNode(t, "a", func(n *node) {
		n.hold = make(chan struct{})
		n.opt = func(o *remote.ServerOptions) { o.MaxCalls = 4 }
	})
	c := client(t, func(o *remote.Options) { o.Probe = time.Hour }, n)
	until(t, "the first probe", func() bool { return c.Core().Health.Ready(t.Context()) == nil })
	done := make(chan error, 4)
	for range 4 {
		go func() {
			_, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{})
			done <- err
		}()
	}
	until(t, "four calls", func() bool { return n.gets.Load() == 4 })
	_, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{})
	if f := fault.From(err); f == nil || f.Reason != fault.ServerUnavailable || f.RetryAfter != time.Second {
		t.Errorf("the fifth call: %v", err)
	}
	close(n.hold)
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Core().Apps.Get(t.Context(), ann, core.GetApp{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A node that neither answers nor dies costs a read half of its time, once: then the breaker is open.
func TestANodeThatHangsIsLeftAlone(t *testing.T) {
	var hung atomic.Bool
	release := make(chan struct{})
	a := startNode(t, "a", func(n *node) {
		n.answered = func(_ http.ResponseWriter, r *http.Request) bool {
			if !hung.Load() {
				return false
			}
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return true
		}
	})
	defer close(release)
	b := startNode(t, "b")
	c := client(t, func(o *remote.Options) { o.Breaker.Failures = 2 }, a, b)
	by := person(t, c, "a", 0)
	hung.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if app, err := c.Core().Apps.Get(ctx, by, core.GetApp{}); err != nil || app.Name != "b" {
		t.Fatalf("%s, %v", app.Name, err)
	}
	until(t, "an open breaker", func() bool { return c.Nodes()[0].Breaker == 2 })
	began := time.Now()
	if app, err := c.Core().Apps.Get(t.Context(), by, core.GetApp{}); err != nil || app.Name != "b" || time.Since(began) > time.Second {
		t.Errorf("%s, %v, after %s", app.Name, err, time.Since(began))
	}
	hung.Store(false)
	until(t, "a closed breaker", func() bool { return c.Nodes()[0].Breaker == 0 })
}
