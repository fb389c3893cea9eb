package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
	"dragoman/proxy"
)

// fronting is the fake dialect before its vendor: X-App names the app, "resign: key" or "resign: call"
// puts a credential of ours on a call, {"error":n} is a failure on any status.
type fronting struct{ *fake }

func (fronting) AppOf(rq *adapters.Request) (core.AppID, bool) {
	switch rq.Headers.Get("X-App") + rq.Query.Get("app") {
	case "1":
		return 1, true
	case "2":
		return 2, true
	}
	return 0, false
}

func (fronting) AppOfFrame(_ bool, data []byte) (core.AppID, bool, bool) {
	switch s := string(data); {
	case strings.HasPrefix(s, "app 1"):
		return 1, true, false
	case s == "hello":
		return 0, false, true
	}
	return 0, false, false
}

func (fronting) FailsQuietly() bool { return true }

func (fronting) ReadError(u *normalize.Upstream, body []byte) (a normalize.Answer, ok bool) {
	a.Status = u.Status
	code := gjson.GetBytes(body, "error")
	if code.Exists() {
		a.Code = []byte(code.Raw)
	}
	a.Message = gjson.GetBytes(body, "message").String()
	return a, code.Exists() || u.Status >= 400
}

func (d fronting) Front(_ core.AppID, v adapters.VendorApp) (adapters.Front, error) {
	if v.Key == "bad" {
		return nil, errors.New("a bad key")
	}
	return signer{v.Secret}, nil
}

// signer is the fake's adapters.Front.
type signer struct{ secret string }

func (signer) Service(*adapters.Request) adapters.Service { return adapters.ServiceClient }
func (signer) Rewrites(route string) bool                 { return route == "Where" }

func (signer) Rewrite(_ string, rq *adapters.Request, body []byte) ([]byte, []string) {
	live := gjson.GetBytes(body, "live").String()
	return adapters.SpliceJSON(body, []adapters.Splice{{Path: "live", Value: fmt.Sprintf("%q", rq.Host)}}), []string{live}
}

func (s signer) Resign(rq *adapters.Request, out adapters.Outgoing) (adapters.Owned, error) {
	kind := rq.Headers.Get("Resign")
	if kind == "" {
		return adapters.OwnNothing, nil
	}
	out.SetHeader("Authorization", s.secret)
	switch kind {
	case "key":
		return adapters.OwnKey, nil
	case "call":
		return adapters.OwnCall, nil
	}
	return adapters.OwnNothing, fault.AuthTokenExpired.Error("")
}

// memory is a ledger.
type memory struct {
	mu       sync.Mutex
	settings map[string]proxy.Setting
	audit    []proxy.AuditEntry
	broken   bool
}

func (m *memory) Settings(context.Context) (out []proxy.Setting, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.settings {
		out = append(out, s)
	}
	return out, nil
}

func (m *memory) Choose(_ context.Context, s proxy.Setting, e proxy.AuditEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return fault.StorageUnavailable.Error("")
	}
	if m.settings == nil {
		m.settings = map[string]proxy.Setting{}
	}
	m.settings[s.App+s.Dialect] = s
	m.audit = append([]proxy.AuditEntry{e}, m.audit...)
	return nil
}

func (m *memory) Note(_ context.Context, e proxy.AuditEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.audit = append([]proxy.AuditEntry{e}, m.audit...)
	return nil
}

func (m *memory) Audit(_ context.Context, n int) ([]proxy.AuditEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.audit[:min(n, len(m.audit))], nil
}

// vendorAt starts a vendor that answers by h and ends with the test.
func vendorAt(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// fronted starts a server with app 1 before the vendor and app 2 as edit says.
func frontedAt(t *testing.T, url string, edit func(*proxy.Options)) (*proxy.Server, string) {
	t.Helper()
	d := &fake{routes: []adapters.Route{
		route("GET", "/things/:id", "GetThing"), route("POST", "/things", "MakeThing"), route("GET", "/where", "Where"),
	}}
	d.sockets = []adapters.Socket{{Path: "/live", Name: "Live", Serve: echo(nil)}}
	files := route("POST", "/files", "Upload")
	files.Upload = true
	d.routes = append(d.routes, files)
	srv, addr := serving(t, d, func(o *proxy.Options) {
		o.Listeners[0].Mounts[0].Dialect = fronting{d}
		o.Upstreams = []proxy.Upstream{{App: 1, Dialect: "fake", URL: url, Timeout: 5 * time.Second}}
		if edit != nil {
			edit(o)
		}
	})
	return srv, "http://" + addr
}

// deadURL is an address where nobody listens.
func deadURL(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}
