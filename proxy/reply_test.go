package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
	"dragoman/proxy"
)

// tracked tells whether a stream was closed.
type tracked struct {
	io.Reader
	closed chan struct{}
}

func (s *tracked) Close() error { close(s.closed); return nil }

func TestStreamsAreWrittenAndClosed(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 100_000)
	last := make(chan *tracked, 1)
	stream := func(name string, status int, length int64, err error) adapters.Route {
		return do("GET", "/"+name, name, adapters.GateOpen, func(_ context.Context, _ *adapters.Request, rs *adapters.Response) error {
			s := &tracked{bytes.NewReader(big), make(chan struct{})}
			last <- s
			rs.Status, rs.ContentType, rs.Stream, rs.Length = status, "image/png", s, length
			return err
		})
	}
	_, addr := serving(t, &fake{routes: []adapters.Route{
		stream("sized", 200, int64(len(big)), nil), stream("unsized", 201, -1, nil), stream("none", 204, -1, nil), stream("failed", 200, -1, errors.New("late")),
	}}, nil)
	for _, c := range []struct {
		method, path string
		status, size int
		contentType  string
	}{
		{"GET", "/sized", 200, len(big), "image/png"},
		{"GET", "/unsized", 201, len(big), "image/png"},
		{"HEAD", "/sized", 200, 0, "image/png"},
		{"GET", "/none", 204, 0, ""},
		{"GET", "/failed", 500, -1, "application/json"},
	} {
		got := ask(t, c.method, "http://"+addr+c.path, "")
		if got.status != c.status || c.size >= 0 && len(got.body) != c.size || got.header.Get("Content-Type") != c.contentType {
			t.Errorf("%s %s: %d, %d bytes of %q", c.method, c.path, got.status, len(got.body), got.header.Get("Content-Type"))
		}
		select {
		case <-(<-last).closed:
		case <-time.After(5 * time.Second):
			t.Errorf("%s %s: the stream was left open", c.method, c.path)
		}
	}
}

func TestAppsHaveTheirOwnSettings(t *testing.T) {
	size := func(_ context.Context, rq *adapters.Request, rs *adapters.Response) error {
		if string(rq.Body) == "refuse" {
			return fault.MessageTooLong.Error("")
		}
		rs.Body = fmt.Appendf(nil, "%d", len(rq.Body))
		return nil
	}
	_, addr := serving(t, &fake{routes: []adapters.Route{do("POST", "/x", "x", adapters.GateUser, size)}}, func(o *proxy.Options) {
		o.Apps = []proxy.App{{ID: 1, Name: "one", ErrorFormat: normalize.ModeNative, MaxBody: 10}, {ID: 2, Name: "two", ErrorFormat: normalize.ModeUnified}}
	})
	for _, c := range []struct {
		who, body string
		status    int
		want      string
	}{
		{"alice", "0123456789", 200, "10"},
		{"alice", "0123456789a", 413, `{"fake":"request.payload_too_large","op":"x","text":"The request body is too large."}`},
		{"limited", "0123456789a", 200, "11"},
		{"limited", "refuse", 400, `{"type":"urn:dragoman:error:message.too_long"`},
		{"", "", 401, `{"fake":"auth.token_missing","op":"x","text":"No auth token was sent."}`}, // the app is known beside the error
	} {
		got := ask(t, "POST", "http://"+addr+"/x", c.body, "Authorization", c.who)
		exact := strings.HasSuffix(c.want, "}") && got.body == c.want || !strings.HasSuffix(c.want, "}") && strings.HasPrefix(got.body, c.want)
		if got.status != c.status || !exact {
			t.Errorf("%s %q: %d %s", c.who, c.body, got.status, got.body)
		}
	}
}

func TestUnavailableAlwaysTellsWhenToComeBack(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fault.StorageUnavailable.Error(""), "1"},
		{fault.StorageUnavailable.Error("").After(2500 * time.Millisecond), "3"},
		{fault.ServerInternal.Error(""), ""},
	} {
		_, addr := serving(t, &fake{routes: []adapters.Route{do("GET", "/x", "x", adapters.GateOpen, func(context.Context, *adapters.Request, *adapters.Response) error { return c.err })}}, nil)
		if got := ask(t, "GET", "http://"+addr+"/x", "").header.Get("Retry-After"); got != c.want {
			t.Errorf("%v: Retry-After %q, want %q", c.err, got, c.want)
		}
	}
}

func TestClientAddressComesFromTrustedProxiesOnly(t *testing.T) {
	tell := do("GET", "/x", "x", adapters.GateOpen, func(_ context.Context, rq *adapters.Request, rs *adapters.Response) error {
		rs.Body = []byte(rq.Remote + " " + rq.Scheme)
		return nil
	})
	for _, c := range []struct{ name, trusted, forwarded, want string }{
		{"nobody trusted", "", "1.2.3.4", "127.0.0.1 http"},
		{"someone else trusted", "10.0.0.0/8", "1.2.3.4", "127.0.0.1 http"},
		{"one hop", "127.0.0.0/8", "1.2.3.4", "1.2.3.4 https"},
		{"forged first hop", "127.0.0.0/8", "6.6.6.6, 1.2.3.4", "1.2.3.4 https"},
		{"two of ours", "127.0.0.0/8", "1.2.3.4, 127.0.0.9", "1.2.3.4 https"},
		{"nonsense", "127.0.0.0/8", "x", "127.0.0.1 https"},
	} {
		_, addr := serving(t, &fake{routes: []adapters.Route{tell}}, func(o *proxy.Options) {
			if c.trusted != "" {
				o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(c.trusted)}
			}
		})
		if got := ask(t, "GET", "http://"+addr+"/x", "", "X-Forwarded-For", c.forwarded, "X-Forwarded-Proto", "https"); got.body != c.want {
			t.Errorf("%s: %s, want %s", c.name, got.body, c.want)
		}
	}
}

func TestSteadyUploadOutlivesTheReadTimeout(t *testing.T) {
	up := do("POST", "/up", "up", adapters.GateOpen, func(_ context.Context, rq *adapters.Request, rs *adapters.Response) error {
		b, err := io.ReadAll(rq.Stream)
		rs.Body = fmt.Appendf(nil, "%d of %d", len(b), rq.Length)
		return err
	})
	up.Upload = true
	_, addr := serving(t, &fake{routes: []adapters.Route{up}}, func(o *proxy.Options) { o.ReadTimeout = 300 * time.Millisecond })
	pr, pw := io.Pipe()
	go func() {
		tick := time.NewTicker(60 * time.Millisecond) // the pace of a slow link
		defer tick.Stop()
		_, _ = pw.Write(bytes.Repeat([]byte("x"), 9000)) // the first 8 KiB are read with the head
		for range 10 {
			<-tick.C
			_, _ = pw.Write(bytes.Repeat([]byte("x"), 100))
		}
		_ = pw.Close()
	}()
	nc := dial(t, addr)
	if _, err := io.WriteString(nc, "POST /up HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(nc, pr); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(nc); !strings.HasSuffix(string(b), "10000 of 10000") {
		t.Errorf("got %s", b)
	}
}

// picky is a dialect with quotas of its own.
type picky struct{ fake }

func (*picky) Quota(_ *adapters.Route, by core.Actor) int {
	if by.Platform == "ios" {
		return 7
	}
	return 0
}

func TestDialectsMayChooseTheQuota(t *testing.T) {
	d := &picky{fake{routes: []adapters.Route{do("GET", "/x", "x", adapters.GateUser, func(context.Context, *adapters.Request, *adapters.Response) error { return nil })}}}
	_, addr := serving(t, &d.fake, func(o *proxy.Options) {
		o.Listeners[0].Mounts[0].Dialect = d
		o.Apps = []proxy.App{{ID: 1, RateLimits: true}, {ID: 2, RateLimits: true}}
	})
	for who, want := range map[string]string{"limited": "7", "alice": ""} {
		if got := ask(t, "GET", "http://"+addr+"/x", "", "Authorization", who); got.header.Get("X-RateLimit-Limit") != want {
			t.Errorf("%s: %v", who, got.header)
		}
	}
}

func TestLongPollsPassAnOpenBreakerNeitherCountedNorCalled(t *testing.T) {
	down := do("GET", "/down", "down", adapters.GateUser, func(context.Context, *adapters.Request, *adapters.Response) error {
		return fault.StorageUnavailable.Error("")
	})
	poll := do("GET", "/poll", "poll", adapters.GateUser, func(context.Context, *adapters.Request, *adapters.Response) error {
		return fault.ServerUnavailable.Error("")
	})
	poll.Slow = true
	_, addr := serving(t, &fake{routes: []adapters.Route{down, poll}}, func(o *proxy.Options) { o.Breaker.Failures = 3; o.Breaker.OpenFor = time.Hour })
	call := func(path string) string {
		body := ask(t, "GET", "http://"+addr+path, "", "Authorization", "alice").body
		reason, _, _ := strings.Cut(strings.TrimPrefix(body, `{"fake":"`), `"`)
		return reason
	}
	for range 10 {
		if got := call("/poll"); got != "server.unavailable" {
			t.Fatalf("poll: %s", got)
		}
	}
	for range 3 {
		if got := call("/down"); got != "storage.unavailable" {
			t.Fatalf("down: %s", got)
		}
	}
	for _, path := range []string{"/down", "/poll"} {
		if got := call(path); got != "upstream.circuit_open" {
			t.Errorf("%s: %s", path, got)
		}
	}
}
