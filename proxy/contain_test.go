package proxy_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidwall/gjson"

	"dragoman/proxy"
)

// rawVendor answers every request with the same bytes and hangs up.
func rawVendor(t *testing.T, text string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				if _, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
					_, _ = io.WriteString(nc, text)
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String()
}

// TestMisbehavingVendors: whatever the vendor does, the client gets an answer it can read, with the
// envelope, in time.
func TestMisbehavingVendors(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	slow := vendorAt(t, func(http.ResponseWriter, *http.Request) { <-stuck })
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 100 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	z.Close()
	for _, tt := range []struct {
		name, url string
		status    int
		code      string // canonical
		origin    string
		body      string // its beginning
	}{
		{"nobody listens", deadURL(t), 502, "upstream.bad_gateway", "proxy", `{"fake":"upstream.bad_gateway"`},
		{"it never answers", slow, 504, "upstream.timeout", "proxy", `{"fake":"upstream.timeout"`},
		{"it hangs up", rawVendor(t, ""), 502, "upstream.bad_gateway", "proxy", `{"fake":"upstream.bad_gateway"`},
		{"garbage", rawVendor(t, "SSH-2.0-OpenSSH\r\n\r\n"), 502, "upstream.bad_gateway", "proxy", `{"fake":`},
		{"half a head", rawVendor(t, "HTTP/1.1 200 OK\r\nContent-Le"), 502, "upstream.bad_gateway", "proxy", `{"fake":`},
		{"half a body", rawVendor(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), 502, "upstream.bad_gateway", "proxy", `{"fake":`},
		{"half of the chunks", rawVendor(t, "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"), 502, "upstream.bad_gateway", "proxy", `{"fake":`},
		{"a page of a load balancer", rawVendor(t, "HTTP/1.1 503 Down\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"), 503, "upstream.unrecognised", "upstream", "<html>"},
		{"no body", rawVendor(t, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), 500, "upstream.unrecognised", "upstream", ""},
		{"an error on 200", rawVendor(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"error\":9999}"), 200, "upstream.unrecognised", "upstream", `{"error":9999}`},
		{"an error of the catalogue", rawVendor(t, "HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"+`{"error":`+code("auth.token_expired")+`}`), 401, "auth.token_expired", "upstream", `{"error":` + code("auth.token_expired")},
		{"a redirect to nowhere", rawVendor(t, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), 502, "upstream.bad_gateway", "upstream", `{"fake":"upstream.bad_gateway"`},
		{"a bomb", vendorAt(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(400)
			_, _ = w.Write(bomb.Bytes())
		}), 400, "upstream.unrecognised", "upstream", "\x1f\x8b"},
		{"an error without end", vendorAt(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(418)
			for range 100 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 64<<10))
			}
		}), 418, "upstream.unrecognised", "upstream", "xxxx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			srv, at := frontedAt(t, tt.url, func(o *proxy.Options) {
				o.Upstreams[0].Timeout = 200 * time.Millisecond
				o.Registry = reg
			})
			if tt.name != "it never answers" { // the others may take the time a busy machine needs
				u := proxy.Upstream{App: 1, Dialect: "fake", URL: tt.url, Timeout: 10 * time.Second}
				if err := srv.Renew(t.Context(), "test", []proxy.Upstream{u}); err != nil {
					t.Fatal(err)
				}
			}
			a := ask(t, "POST", at+"/things", "{}", "X-App", "1")
			if a.status != tt.status || !strings.HasPrefix(a.body, tt.body) {
				t.Errorf("%d %.200q", a.status, a.body)
			}
			if h := a.header.Get("Dragoman-Error"); !strings.Contains(h, `code="`+tt.code+`"`) || !strings.Contains(h, "origin="+tt.origin) {
				t.Errorf("Dragoman-Error: %s", h)
			}
			if tt.origin == "upstream" && !strings.Contains(a.header.Get("Dragoman-Original"), `provider="fake"`) {
				t.Errorf("Dragoman-Original: %s", a.header.Get("Dragoman-Original"))
			}
			if list := srv.Unrecognised(); (tt.code == "upstream.unrecognised") != (len(list) == 1) {
				t.Errorf("unrecognised: %+v", list)
			}
		})
	}
}

// code is the fake vendor's code of a reason.
func code(reason string) string {
	for r := range fakeCatalog().Rows() {
		if r.Reason.Name() == reason {
			return string(r.Code)
		}
	}
	return "?"
}

// TestErrorModesOfAVendor: its bytes by default, the document beside or instead of them on demand.
func TestErrorModesOfAVendor(t *testing.T) {
	said := `{"error":` + code("group.not_found") + `,"message":"no such group"}`
	url := vendorAt(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "7")
		if r.Header.Get("Accept-Encoding") == "gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(404)
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, said)
			z.Close()
			return
		}
		w.WriteHeader(404)
		_, _ = io.WriteString(w, said)
	})
	_, at := frontedAt(t, url, nil)
	if a := ask(t, "GET", at+"/things/1", "", "X-App", "1"); a.body != said || a.header.Get("Retry-After") != "7" {
		t.Errorf("native: %v %s", a.header, a.body)
	}
	for _, encoding := range []string{"identity", "gzip"} {
		a := ask(t, "GET", at+"/things/1", "", "X-App", "1", "Dragoman-Error-Format", "both", "Accept-Encoding", encoding)
		if a.status != 404 || gjson.Get(a.body, "message").Str != "no such group" || gjson.Get(a.body, "dragoman_error.code").Str != "group.not_found" ||
			gjson.Get(a.body, "dragoman_error.original.http_status").Int() != 404 || a.header.Get("Content-Encoding") != "" {
			t.Errorf("both, %s: %d %v %s", encoding, a.status, a.header, a.body)
		}
		a = ask(t, "GET", at+"/things/1", "", "X-App", "1", "Accept", "application/problem+json", "Accept-Encoding", encoding)
		if a.header.Get("Content-Type") != "application/problem+json" || gjson.Get(a.body, "code").Str != "group.not_found" || gjson.Get(a.body, "origin").Str != "upstream" {
			t.Errorf("unified, %s: %v %s", encoding, a.header, a.body)
		}
	}
}

// TestOurCredentialRefused is our own fault, never the client's.
func TestOurCredentialRefused(t *testing.T) {
	reason := ""
	url := vendorAt(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Resign") != "" && r.Header.Get("Authorization") != "vendor-secret" {
			t.Errorf("signed with %q", r.Header.Get("Authorization"))
		}
		w.Header().Set("X-RateLimit-Remaining", "3")
		w.WriteHeader(401)
		_, _ = io.WriteString(w, `{"error":`+code(reason)+`}`)
	})
	_, at := frontedAt(t, url, func(o *proxy.Options) { o.Upstreams[0].Vendor.Secret = "vendor-secret" })
	for _, tt := range []struct {
		resign, reason string
		status         int
		remaining      string
	}{
		{"", "auth.failed", 401, "3"},
		{"call", "auth.failed", 502, ""},
		{"call", "auth.token_expired", 502, ""},
		{"key", "auth.token_signature_invalid", 502, ""},
		{"key", "auth.api_key_invalid", 502, ""},
		{"key", "auth.failed", 401, ""}, // about the person
		{"expired", "", 401, ""},        // not even sent
	} {
		reason = tt.reason
		a := ask(t, "GET", at+"/things/1", "", "X-App", "1", "Resign", tt.resign)
		if a.status != tt.status || a.header.Get("X-RateLimit-Remaining") != tt.remaining {
			t.Errorf("%s, %s: %d %v %s", tt.resign, tt.reason, a.status, a.header, a.body)
		}
	}
}

// TestBreakerOfOneAppAlone: a failing vendor is left alone for a while, in its own app only, and errors
// of the caller never count.
func TestBreakerOfOneAppAlone(t *testing.T) {
	var calls atomic.Int32
	status := atomic.Int32{}
	status.Store(404)
	url := vendorAt(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(int(status.Load()))
	})
	reg := prometheus.NewRegistry()
	_, at := frontedAt(t, url, func(o *proxy.Options) {
		o.Registry = reg
		o.Breaker = proxy.BreakerOptions{Failures: 5, OpenFor: 100 * time.Millisecond}
		o.Upstreams = append(o.Upstreams, proxy.Upstream{App: 2, Dialect: "fake", URL: vendorAt(t, func(http.ResponseWriter, *http.Request) {})})
	})
	for range 100 {
		if a := ask(t, "GET", at+"/things/1", "", "X-App", "1"); a.status != 404 {
			t.Fatalf("errors of the caller: %d", a.status)
		}
	}
	status.Store(500)
	var a answer
	for range 200 {
		if a = ask(t, "GET", at+"/things/1", "", "X-App", "1"); a.status == 503 {
			break
		}
	}
	if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "circuit_open") {
		t.Fatalf("open: %d %v %s", a.status, a.header, a.body)
	}
	n := calls.Load()
	if b := ask(t, "GET", at+"/things/1", "", "X-App", "2"); b.status != 200 {
		t.Errorf("the other app: %d", b.status)
	}
	if v := series(t, reg, "dragoman_breaker_state"); v < 3 {
		t.Errorf("%d series of the breakers", v)
	}
	status.Store(200)
	eventually(t, "the breaker closes", func() bool { return ask(t, "GET", at+"/things/1", "", "X-App", "1").status == 200 })
	if calls.Load() == n {
		t.Error("the vendor was never tried again")
	}
}

// TestRetriesAreSafeAndPaidFor: reading calls are repeated, writing ones only when nothing was sent.
func TestRetriesAreSafeAndPaidFor(t *testing.T) {
	var calls atomic.Int32
	var flaky atomic.Bool
	flaky.Store(true)
	url := vendorAt(t, func(w http.ResponseWriter, r *http.Request) {
		n := calls.Add(1)
		switch {
		case !flaky.Load():
		case r.Header.Get("Case") == "reset" && n == 1, r.Header.Get("Case") == "always":
			panic(http.ErrAbortHandler)
		case r.Header.Get("Case") == "503" && n == 1:
			w.WriteHeader(503)
		case r.Header.Get("Case") == "wait":
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(503)
		}
	})
	reg := prometheus.NewRegistry()
	_, at := frontedAt(t, url, func(o *proxy.Options) {
		o.Upstreams[0].Retries = 2
		o.Registry = reg
		o.Breaker = proxy.BreakerOptions{Failures: 1000}
	})
	for _, tt := range []struct {
		method, path, kind string
		status, calls      int
	}{
		{"GET", "/things/1", "reset", 200, 2},
		{"GET", "/things/1", "503", 200, 2},
		{"GET", "/things/1", "wait", 503, 1}, // the vendor says when
		{"POST", "/things", "reset", 502, 1},
		{"POST", "/things", "503", 503, 1},
		{"GET", "/things/1", "always", 502, 3},
	} {
		calls.Store(0)
		if a := ask(t, tt.method, at+tt.path, "", "X-App", "1", "Case", tt.kind); a.status != tt.status || int(calls.Load()) != tt.calls {
			t.Errorf("%s %s: %d after %d calls, want %d after %d", tt.method, tt.kind, a.status, calls.Load(), tt.status, tt.calls)
		}
	}
	calls.Store(0)
	for range 20 {
		ask(t, "GET", at+"/things/1", "", "X-App", "1", "Case", "always")
	}
	if n := calls.Load(); n > 20+10+2 {
		t.Errorf("%d attempts of 20 calls: the budget does not hold", n)
	}
	if n := series(t, reg, "dragoman_upstream_retries_total"); n != 2 {
		t.Errorf("%d outcomes of retries are counted, want tried and refused", n)
	}
}

// TestHedgingTakesTheFirstAnswer, when it is asked for.
func TestHedgingTakesTheFirstAnswer(t *testing.T) {
	var calls atomic.Int32
	stuck := make(chan struct{})
	url := vendorAt(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			<-stuck
		}
		_, _ = io.WriteString(w, "answer")
	})
	_, at := frontedAt(t, url, func(o *proxy.Options) { o.Upstreams[0].Hedge = 20 * time.Millisecond })
	a := ask(t, "GET", at+"/things/1", "", "X-App", "1")
	close(stuck)
	if a.status != 200 || a.body != "answer" || calls.Load() != 2 {
		t.Errorf("%d %s after %d calls", a.status, a.body, calls.Load())
	}
}

// TestALoopIsBroken: an upstream that leads back here is found out at the second visit.
func TestALoopIsBroken(t *testing.T) {
	srv, at := frontedAt(t, "http://127.0.0.1:1", nil)
	if err := srv.Renew(t.Context(), "test", []proxy.Upstream{{App: 1, Dialect: "fake", URL: at}}); err != nil {
		t.Fatal(err)
	}
	a := ask(t, "GET", at+"/things/1", "", "X-App", "1")
	if !strings.Contains(a.header.Get("Dragoman-Error"), `variant="loop"`) && !strings.Contains(a.body, "upstream.bad_gateway") {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
}

// series counts the series of a metric.
func series(t *testing.T, reg *prometheus.Registry, name string) int {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return len(f.GetMetric())
		}
	}
	return 0
}
