package proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/proxy"
)

func TestOpsListenerTellsHealthAndMetrics(t *testing.T) {
	var sick atomic.Bool
	d := &fake{routes: []adapters.Route{route("GET", "/x", "x")}}
	srv, addr := serving(t, d, func(o *proxy.Options) {
		o.Ops = &proxy.Ops{Addr: "127.0.0.1:0", Handlers: map[string]http.Handler{
			"GET /extra": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "extra") })}}
		o.StoreBreaker = func() int { return 2 }
		o.Ready = func(context.Context) error {
			if sick.Load() {
				return errors.New("secret path")
			}
			return nil
		}
	})
	ops := "http://" + srv.Addr("ops").String()
	ask(t, "GET", "http://"+addr+"/x", "")
	ask(t, "GET", "http://"+addr+"/nope", "")
	for path, want := range map[string]string{
		"/livez": "ok", "/readyz": `"core","ok":true`, "/debug/pprof/": "goroutine", "/debug/vars": "memstats", "/extra": "extra",
	} {
		if got := ask(t, "GET", ops+path, ""); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	metrics := ask(t, "GET", ops+"/metrics", "").body
	for _, want := range []string{
		`dragoman_http_requests_total{dialect="fake",reason="",route="x",status_class="2xx"} 1`,
		`dragoman_http_requests_total{dialect="fake",reason="request.endpoint_not_found",route="",status_class="4xx"} 1`,
		`dragoman_http_request_seconds_count{dialect="fake",route="x"} 1`,
		`dragoman_problems_total{code="NOT_FOUND",dialect="fake",reason="request.endpoint_not_found",vendor_code="`,
		`dragoman_breaker_state{app="one",host="core"} 0`,
		`dragoman_store_breaker_state 2`,
		`dragoman_sockets{dialect="fake"} 0`,
		`dragoman_slow_consumers_total 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	sick.Store(true)
	if got := ask(t, "GET", ops+"/readyz", ""); got.status != 503 || !strings.Contains(got.body, `"core","ok":false`) || strings.Contains(got.body, "secret") {
		t.Errorf("sick: %d %s", got.status, got.body)
	}
}

func TestReadinessTurnsFalseWhileRunningRequestsFinish(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	slow := do("GET", "/slow", "slow", adapters.GateOpen, func(context.Context, *adapters.Request, *adapters.Response) error {
		close(started)
		<-finish
		return nil
	})
	poll := do("GET", "/poll", "poll", adapters.GateOpen, func(ctx context.Context, _ *adapters.Request, rs *adapters.Response) error {
		started <- struct{}{}
		<-ctx.Done() // a long poll ends when draining begins
		rs.Body = []byte("[]")
		return nil
	})
	poll.Slow = true
	srv, addr := serving(t, &fake{routes: []adapters.Route{slow, poll}}, func(o *proxy.Options) {
		o.Ops = &proxy.Ops{Addr: "127.0.0.1:0"}
		o.RequestTimeout = 50 * time.Millisecond
	})
	ops := "http://" + srv.Addr("ops").String()
	got := make(chan answer, 2)
	go func() { got <- ask(t, "GET", "http://"+addr+"/poll", "") }()
	<-started
	go func() { got <- ask(t, "GET", "http://"+addr+"/slow", "") }()
	<-started
	done := make(chan error, 1)
	go func() { done <- srv.Shutdown(t.Context()) }()
	eventually(t, "not ready", func() bool { return ask(t, "GET", ops+"/readyz", "").status == 503 })
	if a := <-got; a.status != 200 || a.body != "[]" {
		t.Errorf("long poll: %d %s", a.status, a.body)
	}
	close(finish)
	if a := <-got; a.status != 200 {
		t.Errorf("running request: %d %s", a.status, a.body)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestListenFailureClosesWhatWasOpened(t *testing.T) {
	taken, addr := serving(t, &fake{}, nil)
	srv, err := proxy.New(proxy.Options{Listeners: []proxy.Listener{{Name: "a", Addr: "127.0.0.1:0"}, {Name: "b", Addr: addr}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(t.Context()); err == nil {
		t.Fatal("two servers on one address")
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if taken.Addr("main").String() != addr || taken.Addr("nobody") != nil {
		t.Error("addresses by name")
	}
}
