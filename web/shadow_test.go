package web_test

import (
	"strings"
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/normalize/diff"
	"dragoman/proxy/shadow"
	"dragoman/web"
)

// The page tells what speaks against the next step, escapes what it shows, and is the operator's alone.
func TestReadinessPage(t *testing.T) {
	c, err := web.NewConsole(web.ConsoleOptions{Password: "open sesame", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.ReadinessPage(func() []shadow.Report {
		return []shadow.Report{{App: "demo", Dialect: "stream", Reasons: []string{"GetMessage: 1 of 2 answers differ"}, Operations: []shadow.Operation{{
			Name: "GetMessage", Calls: 2, Equal: 1, Different: 1,
			Examples: []shadow.Example{{RequestID: "<r>", Count: 1, Differences: []diff.Difference{{Kind: diff.Value, Path: "message.text", First: "a", Second: "b"}}}},
		}}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if rs := page.Serve(&adapters.Request{Method: "GET"}); rs.Status != 303 {
		t.Errorf("a stranger is answered %d", rs.Status)
	}
	cookie := signedIn(t, c)
	rs := page.Serve(&adapters.Request{Method: "GET", Headers: adapters.Values{{Name: "Cookie", Value: cookie}}})
	for _, want := range []string{"demo over stream", "not ready", "1 of 2 answers differ", "message.text", "&lt;r&gt;"} {
		if !strings.Contains(string(rs.Body), want) {
			t.Errorf("no %q in %s", want, rs.Body)
		}
	}
}

// signedIn is the cookie of an operator.
func signedIn(t *testing.T, c *web.Console) string {
	t.Helper()
	for _, p := range c.Pages() {
		if p.Method == "POST" && p.Path == "/console/sign-in" {
			rs := p.Serve(&adapters.Request{Method: "POST", Body: []byte("password=open+sesame")})
			for _, h := range rs.Header {
				if h.Name == "Set-Cookie" {
					v, _, _ := strings.Cut(h.Value, ";")
					return v
				}
			}
		}
	}
	t.Fatal("nobody can sign in")
	return ""
}
