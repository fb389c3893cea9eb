package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/proxy"
)

func TestEarlyErrorsSpeakTheDialectOfTheListener(t *testing.T) {
	_, addr := serving(t, &fake{}, func(o *proxy.Options) { o.ReadTimeout = 300 * time.Millisecond })
	for _, c := range []struct {
		name, request string
		status        int
		reason        string
	}{
		{"oversized headers", "GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", 431, "request.headers_too_large"},
		{"oversized query", "GET /?q=" + strings.Repeat("a", 70<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431, "request.headers_too_large"},
		{"slow head", "GET / HTTP/1.1\r\nHost: x\r\nX-Half", 408, "request.timeout"},
		{"garbage", "\x16\x03\x01secret-bytes\r\n\r\n", 400, "request.invalid"},
		{"no version", "GET secret-bytes\r\n\r\n", 400, "request.invalid"},
		{"bad length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: secret-bytes\r\n\r\n", 400, "request.invalid"},
		{"unknown method", "FOO / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "request.endpoint_not_found"},
	} {
		got := raw(t, addr, c.request)
		if got.status != c.status || !strings.HasPrefix(got.body, `{"fake":"`+c.reason+`"`) || strings.Contains(got.body, "secret") {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
		if got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Request-Id") == "" || got.header.Get("Dragoman-Error") == "" {
			t.Errorf("%s: headers %v", c.name, got.header)
		}
		if c.name != "unknown method" && got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: no CORS headers: %v", c.name, got.header)
		}
	}
}

func TestEarlyErrorsWithoutADialectAreNeutralJSON(t *testing.T) {
	_, addr := serving(t, &fake{}, func(o *proxy.Options) { o.Listeners[0].Mounts[0].Prefix = "/fake" })
	got := raw(t, addr, "nonsense\r\n\r\n")
	if got.status != 400 || !strings.HasPrefix(got.body, `{"code":-1,"message":`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// do makes a route with a handler.
func do(method, path, name string, gate adapters.Gate, h func(ctx context.Context, rq *adapters.Request, rs *adapters.Response) error) adapters.Route {
	return adapters.Route{Method: method, Path: path, Name: name, Gate: gate,
		Serve: func(ctx context.Context, _ core.Actor, rq *adapters.Request, rs *adapters.Response) error {
			return h(ctx, rq, rs)
		}}
}

func TestPanicsAreLoggedAndNeverShown(t *testing.T) {
	logs, seen := observer.New(zap.DebugLevel)
	d := &fake{routes: []adapters.Route{do("GET", "/panic", "panic", adapters.GateOpen,
		func(context.Context, *adapters.Request, *adapters.Response) error { panic("secret in handler") })}}
	_, addr := serving(t, d, func(o *proxy.Options) { o.Log = zap.New(logs) })
	got := ask(t, "GET", "http://"+addr+"/panic", "")
	if got.status != 500 || !strings.HasPrefix(got.body, `{"fake":"server.internal"`) || strings.Contains(got.body, "secret") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	line := seen.FilterMessage("request answered").All()
	if len(line) != 1 || line[0].Level != zap.ErrorLevel || !strings.Contains(fmt.Sprint(line[0].ContextMap()["stack"]), "early_test.go") {
		t.Errorf("log: %v", line)
	}
	d.broken = true
	if got = ask(t, "GET", "http://"+addr+"/panic", ""); got.status != 500 || !strings.HasPrefix(got.body, `{"code":-1`) || strings.Contains(got.body, "secret") {
		t.Errorf("broken encoder: %d %s", got.status, got.body)
	}
}

func TestPanicOutsideOfHandlersIsSurvived(t *testing.T) {
	core, _ := observer.New(zap.DebugLevel)
	log := zap.New(core, zap.Hooks(func(e zapcore.Entry) error {
		if e.Message == "request answered" {
			panic("secret in a log hook")
		}
		return nil
	}))
	_, addr := serving(t, &fake{routes: []adapters.Route{route("GET", "/x", "x")}}, func(o *proxy.Options) { o.Log = log })
	for _, request := range []string{"GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "garbage\r\n\r\n"} {
		got := raw(t, addr, request)
		if got.status != 500 || !strings.HasPrefix(got.body, `{"code":-1`) || strings.Contains(got.body, "secret") {
			t.Errorf("got %d %s", got.status, got.body)
		}
	}
}

func TestAuthenticationGuardsTheRoute(t *testing.T) {
	h := func(_ context.Context, rq *adapters.Request, rs *adapters.Response) error {
		rs.Body = fmt.Appendf(nil, `{"user":%q}`, rq.Caller().User)
		return nil
	}
	d := &fake{routes: []adapters.Route{do("GET", "/me", "me", adapters.GateUser, h), do("GET", "/admin", "admin", adapters.GateServer, h)}}
	_, addr := serving(t, d, nil)
	for _, c := range []struct {
		path, who string
		status    int
		want      string
	}{
		{"/me", "alice", 200, `{"user":"alice"}`},
		{"/me", "", 401, `{"fake":"auth.token_missing"`},
		{"/admin", "alice", 403, `{"fake":"permission.denied","op":"admin"`},
		{"/admin", "server", 200, `{"user":""}`},
		{"/me", "boom", 500, `{"fake":"server.internal"`},
	} {
		got := ask(t, "GET", "http://"+addr+c.path, "", "Authorization", c.who)
		if got.status != c.status || !strings.HasPrefix(got.body, c.want) || strings.Contains(got.body, "secret") {
			t.Errorf("%s as %q: %d %s", c.path, c.who, got.status, got.body)
		}
	}
}

func TestDeadlineEndsASlowHandler(t *testing.T) {
	wait := func(ctx context.Context, _ *adapters.Request, _ *adapters.Response) error {
		<-ctx.Done()
		return ctx.Err()
	}
	vague := func(ctx context.Context, _ *adapters.Request, _ *adapters.Response) error {
		<-ctx.Done()
		return errors.New("interrupted")
	}
	d := &fake{routes: []adapters.Route{do("GET", "/wait", "wait", adapters.GateOpen, wait), do("GET", "/vague", "vague", adapters.GateOpen, vague)}}
	_, addr := serving(t, d, func(o *proxy.Options) { o.RequestTimeout = 50 * time.Millisecond })
	for _, path := range []string{"/wait", "/vague"} {
		if got := ask(t, "GET", "http://"+addr+path, ""); got.status != 408 || !strings.HasPrefix(got.body, `{"fake":"request.timeout"`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	size := func(_ context.Context, rq *adapters.Request, rs *adapters.Response) error {
		n := len(rq.Body)
		if rq.Stream != nil {
			b, err := io.ReadAll(rq.Stream)
			if err != nil {
				return err
			}
			n = len(b)
		}
		rs.Body = fmt.Appendf(nil, "%d", n)
		return nil
	}
	ignore := func(context.Context, *adapters.Request, *adapters.Response) error { return nil }
	json, up, un := do("POST", "/json", "json", adapters.GateOpen, size), do("POST", "/up", "up", adapters.GateOpen, size), do("POST", "/unread", "unread", adapters.GateOpen, ignore)
	up.Upload, un.Upload, up.MaxBody = true, true, 3000
	_, addr := serving(t, &fake{routes: []adapters.Route{json, up, un}}, func(o *proxy.Options) { o.MaxBody = 200_000 })
	nc := dial(t, addr)
	br := bufio.NewReader(nc)
	for _, c := range []struct {
		path    string
		n       int
		chunked bool
		status  int
		want    string
	}{
		{"/json", 0, false, 200, "0"},
		{"/json", 5, false, 200, "5"},
		{"/json", 20_000, false, 200, "20000"},
		{"/json", 200_000, false, 200, "200000"},
		{"/json", 200_000, true, 200, "200000"},
		{"/json", 200_001, false, 413, `{"fake":"request.payload_too_large"`},
		{"/json", 200_001, true, 413, `{"fake":"request.payload_too_large"`},
		{"/json", 7, true, 200, "7"},
		{"/up", 3000, false, 200, "3000"},
		{"/up", 3000, true, 200, "3000"},
		{"/up", 3001, false, 413, `{"fake":"request.payload_too_large"`},
		{"/up", 3001, true, 413, `{"fake":"request.payload_too_large"`},
		{"/unread", 100_000, false, 200, ""},
		{"/unread", 100_000, true, 200, ""},
		{"/nope", 100_000, true, 404, `{"fake":"request.endpoint_not_found"`},
		{"/json", 5, false, 200, "5"},
	} {
		body := strings.Repeat("x", c.n)
		head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", c.path, c.n)
		if c.chunked {
			head = fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", c.path)
			body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", c.n, body)
		}
		if _, err := io.WriteString(nc, head+body); err != nil {
			t.Fatal(err)
		}
		// One connection serves all: nothing of a refused body may be taken for the next request.
		if got := readAnswer(t, br, "POST"); got.status != c.status || !strings.HasPrefix(got.body, c.want) {
			t.Errorf("%s %d chunked=%t: %d %s", c.path, c.n, c.chunked, got.status, got.body)
		}
	}
	if got := raw(t, addr, "POST /json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n"); got.status != 400 || !strings.HasPrefix(got.body, `{"fake":"request.invalid"`) {
		t.Errorf("bad chunk: %d %s", got.status, got.body)
	}
}

func TestSlowBodyTimesOutInTheDialect(t *testing.T) {
	d := &fake{routes: []adapters.Route{route("POST", "/json", "json")}}
	up := route("POST", "/up", "up")
	up.Upload = true
	up.Serve = func(_ ctxT, _ actorT, rq *adapters.Request, _ *adapters.Response) error {
		_, err := io.ReadAll(rq.Stream)
		return err
	}
	d.routes = append(d.routes, up)
	_, addr := serving(t, d, func(o *proxy.Options) { o.ReadTimeout = 200 * time.Millisecond })
	for _, path := range []string{"/json", "/up"} {
		for _, n := range []string{"10", "100000"} {
			got := raw(t, addr, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: "+n+"\r\n\r\nab")
			if got.status != 408 || !strings.HasPrefix(got.body, `{"fake":"request.timeout"`) {
				t.Errorf("%s of %s: %d %s", path, n, got.status, got.body)
			}
		}
	}
}

func TestRateLimitCountsAndRefuses(t *testing.T) {
	me := do("GET", "/me", "me", adapters.GateUser, func(context.Context, *adapters.Request, *adapters.Response) error { return nil }).Limited(2)
	_, addr := serving(t, &fake{routes: []adapters.Route{me}}, nil)
	// A minute may turn between the calls: then the count starts afresh, once.
	for try := range 2 {
		var got [3]answer
		for i := range got {
			got[i] = ask(t, "GET", "http://"+addr+"/me", "", "Authorization", "limited")
		}
		if got[0].header.Get("X-RateLimit-Reset") != got[2].header.Get("X-RateLimit-Reset") && try == 0 {
			continue
		}
		for i, want := range []struct {
			status    int
			remaining string
		}{{200, "1"}, {200, "0"}, {429, "0"}} {
			if got[i].status != want.status || got[i].header.Get("X-RateLimit-Remaining") != want.remaining || got[i].header.Get("X-RateLimit-Limit") != "2" {
				t.Errorf("call %d: %d %v", i, got[i].status, got[i].header)
			}
		}
		after := atoi(t, got[2].header.Get("Retry-After"))
		if after < 1 || after > 60 || !strings.HasPrefix(got[2].body, `{"fake":"rate.limited"`) {
			t.Errorf("Retry-After %d, body %s", after, got[2].body)
		}
		break
	}
	if got := ask(t, "GET", "http://"+addr+"/me", "", "Authorization", "alice"); got.status != 200 || got.header.Get("X-RateLimit-Limit") != "" {
		t.Errorf("limits are off for app one: %d %v", got.status, got.header)
	}
}

func TestBreakerIgnoresCallersAndTripsOnTheCore(t *testing.T) {
	var answer error
	d := &fake{routes: []adapters.Route{do("GET", "/x", "x", adapters.GateUser, func(context.Context, *adapters.Request, *adapters.Response) error { return answer })}}
	_, addr := serving(t, d, func(o *proxy.Options) {
		o.Breaker = proxy.BreakerOptions{Failures: 5, OpenFor: 1500 * time.Millisecond, Window: 10 * time.Second}
	})
	nc := dial(t, addr)
	br := bufio.NewReader(nc)
	call := func() answer_ {
		if _, err := io.WriteString(nc, "GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: alice\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return readAnswer(t, br, "GET")
	}
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	for _, r := range []*fault.Reason{fault.UserNotFound, fault.RateLimited, fault.RequestNotImplemented, fault.IntegrationCallFailed} {
		answer = r.Error("")
		for range 2500 {
			if got := call(); got.status != r.Status() {
				t.Fatalf("%s: %d %s", r, got.status, got.body)
			}
		}
	}
	// The failures so far weigh the window down: the core has to fail as often as it answered.
	answer = fault.StorageUnavailable.Error("")
	opened := false
	for range 12_000 {
		got := call()
		if opened = strings.HasPrefix(got.body, `{"fake":"upstream.circuit_open"`); opened {
			if got.status != 503 || atoi(t, got.header.Get("Retry-After")) < 1 {
				t.Errorf("open: %d %v", got.status, got.header)
			}
			break
		}
	}
	if !opened {
		t.Fatal("the breaker never opened")
	}
	if got := ask(t, "GET", "http://"+addr+"/x", "", "Authorization", "limited"); !strings.HasPrefix(got.body, `{"fake":"storage.unavailable"`) {
		t.Errorf("the other app has a breaker of its own: %s", got.body)
	}
	answer = fault.UserNotFound.Error("") // alive, though not successful
	eventually(t, "the breaker closes again", func() bool { return call().status == 404 })
	for range 20 {
		if got := call(); got.status != 404 {
			t.Fatalf("after recovery: %d %s", got.status, got.body)
		}
	}
}

type answer_ = answer

func TestLogsCarryNoSecrets(t *testing.T) {
	logs, seen := observer.New(zap.DebugLevel)
	d := &fake{routes: []adapters.Route{do("GET", "/x/:id", "x", adapters.GateUser, func(context.Context, *adapters.Request, *adapters.Response) error { return nil })}}
	_, addr := serving(t, d, func(o *proxy.Options) { o.Log = zap.New(logs) })
	ask(t, "GET", "http://"+addr+"/x/private?token=hidden", "", "Authorization", "alice")
	ask(t, "GET", "http://"+addr+"/private?token=hidden", "", "Authorization", "hidden")
	lines := seen.FilterMessage("request answered").All()
	if len(lines) != 2 || lines[0].Level != zap.DebugLevel || lines[1].Level != zap.InfoLevel {
		t.Fatalf("lines: %v", lines)
	}
	for _, l := range lines {
		text := fmt.Sprint(l.ContextMap())
		for _, secret := range []string{"alice", "hidden", "private"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q in %s", secret, text)
			}
		}
	}
	if lines[0].ContextMap()["user_id_hash"] == nil || lines[0].ContextMap()["route"] != "x" {
		t.Errorf("line: %v", lines[0].ContextMap())
	}
}
