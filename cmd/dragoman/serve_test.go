package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"go.uber.org/goleak"

	"dragoman/config"
	"dragoman/core"
)

// findBlock finds a first port whose whole block is free.
func findBlock() (int, error) {
	for range 200 {
		p := 20000 + 20*rand.IntN(500)
		if blockFree(p) {
			return p, nil
		}
	}
	return 0, errors.New("no free block of ports")
}

// blockFree reports whether all ports of a block can be listened on.
func blockFree(p int) bool {
	for _, off := range []int{config.PortMain, config.PortStream, config.PortCometChat, config.PortAgora, config.PortNexconn, config.PortOps} {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p+off))
		if err != nil {
			return false
		}
		_ = l.Close() // it was only a question
	}
	return true
}

// startDemo runs the demo in this process; stop closes it, and so does the end of the test.
func startDemo(t *testing.T, dir string) (p *Program, out *bytes.Buffer, port int, stop func()) {
	t.Helper()
	port, err := findBlock()
	if err != nil {
		t.Fatal(err)
	}
	out = &bytes.Buffer{}
	p = &Program{Config: config.Demo("127.0.0.1", port, dir), Demo: true, Dir: dir, Out: out}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(stop)
	return p, out, port, stop
}

// get asks for a page and returns status, content type and body.
func get(t *testing.T, c *http.Client, url string) (int, string, string) {
	t.Helper()
	rq, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := c.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rs.StatusCode, rs.Header.Get("Content-Type"), string(b)
}

// Every port of the demo's contract answers, and says what it is.
func TestDemoServesEveryPort(t *testing.T) {
	dir := t.TempDir()
	_, out, port, _ := startDemo(t, dir)
	if !strings.HasPrefix(lastLine(out.String()), "ready") {
		t.Errorf("the last line is %q", lastLine(out.String()))
	}
	ca, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	const js = "application/json"
	tests := []struct {
		scheme string
		offset int
		path   string
		status int
		kind   string
		has    string
	}{
		{"http", config.PortMain, "/", 200, "text/html; charset=utf-8", "demo-stream-key"},
		{"http", config.PortMain, "/errors?vendor=stream&code=4", 200, "text/html; charset=utf-8", "Input Error"},
		{"http", config.PortMain, "/stream/app", 401, js, "api_key"},
		{"http", config.PortMain, "/cometchat/v3.0/users", 401, js, "AUTH_ERR_EMPTY_APPID"},
		{"http", config.PortMain, "/agora/demo-org/demo-app/users/alice", 401, js, "expired access token"},
		{"http", config.PortMain, "/nexconn/x", 404, js, `"code":404`},
		{"http", config.PortStream, "/app", 401, js, "api_key"},
		{"https", config.PortCometChat, "/v3.0/users", 401, js, "AUTH_ERR_EMPTY_APPID"},
		{"http", config.PortAgora, "/demo-org/demo-app/users/alice", 401, js, "expired access token"},
		{"http", config.PortNexconn, "/v4/user/get", 405, js, `"code":405`},
		{"http", config.PortOps, "/livez", 200, "text/plain; charset=utf-8", "ok"},
		{"http", config.PortOps, "/readyz", 200, "", ""},
		{"http", config.PortOps, "/metrics", 200, "", "dragoman_"},
	}
	for _, tt := range tests {
		url := fmt.Sprintf("%s://127.0.0.1:%d%s", tt.scheme, port+tt.offset, tt.path)
		t.Run(fmt.Sprintf("P+%d%s", tt.offset, tt.path), func(t *testing.T) {
			status, kind, body := get(t, client, url)
			if status != tt.status || tt.kind != "" && kind != tt.kind || !strings.Contains(body, tt.has) {
				t.Errorf("status %d, %s: %s", status, kind, body)
			}
			if tt.status == 501 && !gjson.Valid(body) {
				t.Errorf("not JSON: %s", body)
			}
		})
	}
}

// The people and the group are there, and a second start on the same folder changes nothing.
func TestDemoSeedIsIdempotent(t *testing.T) {
	dir := t.TempDir()
	var first string
	for round := range 2 {
		p, _, _, stop := startDemo(t, dir)
		apps, err := p.node.store.Apps(t.Context())
		if err != nil || len(apps) != 2 || apps[0].Name != "demo" || apps[1].Name != "demo-two" {
			t.Fatalf("apps %v, %v", apps, err)
		}
		if apps[0].Settings.Teams || !apps[1].Settings.Teams {
			t.Error("teams are on in demo-two alone")
		}
		c := p.node.engine.Core()
		got := ""
		for _, app := range apps {
			by := core.Actor{App: app.ID, Access: core.AccessServer}
			users, err := c.Users.Get(t.Context(), by, core.GetUsers{IDs: []core.UserID{"alice", "bob", "carol", "dave"}})
			if err != nil || len(users) != 4 {
				t.Fatalf("people of %s: %v, %v", app.Name, users, err)
			}
			for _, u := range users {
				got += fmt.Sprintln(app.Name, u.ID, u.Name, u.UpdatedAt)
			}
		}
		by := core.Actor{App: apps[0].ID, Access: core.AccessServer}
		lobby, err := c.Channels.Open(t.Context(), by.As("alice"), core.OpenChannel{
			Type: core.DefaultType, ID: "lobby", MustExist: true, State: core.StateWanted{State: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		roles := map[core.UserID]string{}
		for _, m := range lobby.Members {
			roles[m.User] = m.Role
		}
		if lobby.Channel.Name != "Lobby" || len(roles) != 3 || roles["alice"] != core.MemberOwner || roles["bob"] != core.MemberMember || roles["carol"] != core.MemberMember {
			t.Errorf("lobby %q with %v", lobby.Channel.Name, roles)
		}
		got += fmt.Sprintln(lobby.Channel.ID, lobby.Channel.UpdatedAt)
		if round == 0 {
			first = got
		} else if got != first {
			t.Errorf("the second start changed\n%s\nto\n%s", first, got)
		}
		stop()
	}
}

// A port that is taken is an error of the operating system, and nothing stays open behind it.
func TestStartOnATakenPort(t *testing.T) {
	dir := t.TempDir()
	_, _, port, stop := startDemo(t, dir)
	other := t.TempDir()
	p := &Program{Config: config.Demo("127.0.0.1", port, other), Demo: true, Dir: other}
	if err := p.Start(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("err = %v", err)
	}
	stop()
	p = &Program{Config: config.Demo("127.0.0.1", port, other), Demo: true, Dir: other}
	if err := p.Start(t.Context()); err != nil {
		t.Fatalf("the store of the failed start is still open: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// Run ends without an error when it is told to, and leaves nothing behind.
func TestRunUntilCancelled(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	dir := t.TempDir()
	port, err := findBlock()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	p := &Program{Config: config.Demo("127.0.0.1", port, dir), Demo: true, Dir: dir, Out: w}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	for s := bufio.NewScanner(r); s.Scan(); {
		if strings.HasPrefix(s.Text(), "ready") {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if !blockFree(port) {
		t.Error("a listener is still open")
	}
	// The web server's pools end up to ten seconds later, asleep until then.
	goleak.VerifyNone(t, leaks, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// lastLine is the last line of a text.
func lastLine(s string) string {
	s = strings.TrimRight(s, "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// A configured app is reached by path prefix, by its host name and on its own listener; its limits
// and its error format hold.
func TestServeConfiguredApp(t *testing.T) {
	port, err := findBlock()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c, issues := config.Parse([]byte(fmt.Sprintf(`
listen = "127.0.0.1:%d"
ops_listen = "127.0.0.1:%d"
[store]
dsn = %q
[files]
dir = %q
[[app]]
name = "acme"
error_format = "unified"
limits = { rate = true, body = "2KiB" }
[app.stream]
api_key = "acme-key"
api_secret = "0123456789abcdef"
listen = "127.0.0.1:%d"
hosts = ["chat.acme.test"]
`, port, port+config.PortOps, filepath.Join(dir, "acme.db"), filepath.Join(dir, "files"), port+config.PortStream)), nil)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	p := &Program{Config: c}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	token, err := streamToken(&c.Apps[0], tokenOptions{server: true})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method string, offset int, host, path, body string) (*http.Response, string) {
		t.Helper()
		rq, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://127.0.0.1:%d%s?api_key=acme-key", port+offset, path), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		rq.Host = host
		rq.Header.Set("Authorization", token)
		rq.Header.Set("Stream-Auth-Type", "jwt")
		rq.Header.Set("Content-Type", "application/json")
		rs, err := http.DefaultClient.Do(rq)
		if err != nil {
			t.Fatal(err)
		}
		defer rs.Body.Close()
		b, err := io.ReadAll(rs.Body)
		if err != nil {
			t.Fatal(err)
		}
		return rs, string(b)
	}
	for _, tt := range []struct {
		name       string
		offset     int
		host, path string
	}{
		{"by prefix", config.PortMain, "localhost", "/stream/app"},
		{"by host", config.PortMain, "chat.acme.test", "/app"},
		{"by listener", config.PortStream, "localhost", "/app"},
	} {
		rs, body := ask(http.MethodGet, tt.offset, tt.host, tt.path, "")
		if rs.StatusCode != http.StatusOK || gjson.Get(body, "app.name").Str != "acme" {
			t.Errorf("%s: %s %s", tt.name, rs.Status, body)
		}
		if rs.Header.Get("X-Ratelimit-Limit") == "" {
			t.Errorf("%s: no rate limit is told", tt.name)
		}
	}
	if rs, body := ask(http.MethodPost, config.PortStream, "localhost", "/users", `{"users":{}}`+strings.Repeat(" ", 3000)); rs.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 3 KiB: %s %s", rs.Status, body)
	}
	if rs, body := ask(http.MethodPost, config.PortStream, "localhost", "/users", `{"users":7}`); rs.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("error format: %s %s %s", rs.Status, rs.Header.Get("Content-Type"), body)
	}
}
