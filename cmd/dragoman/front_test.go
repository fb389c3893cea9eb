package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/config"
)

// frontConfig is an app with a vendor behind its Stream dialect; the vendor's secret is in a file.
func frontConfig(port int, dir, url string) string {
	return fmt.Sprintf(`
listen = "127.0.0.1:%[1]d"
ops_listen = "127.0.0.1:%[2]d"
[store]
dsn = %[3]q
[files]
dir = %[4]q
[console]
password = "open sesame"
[[app]]
name = "acme"
[app.stream]
api_key = "our-key"
api_secret = "our-secret-0123456789abcdef"
[app.stream.upstream]
url = %[5]q
key = "vendor-key"
secret = "file:%[6]s"
`, port, port+10, filepath.Join(dir, "chat.db"), filepath.Join(dir, "files"), url, filepath.Join(dir, "secret"))
}

// TestFrontIsSwitchedAndRenewedAtRunTime: by the admin API, kept over a restart, written down; keys are
// rotated by a signal or a call, without a restart.
func TestFrontIsSwitchedAndRenewedAtRunTime(t *testing.T) {
	var seen *http.Request
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(context.Background())
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"from":"vendor"}`)
	}))
	defer vendor.Close()
	port, err := findBlock()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, secret := filepath.Join(dir, "config.toml"), filepath.Join(dir, "secret")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret, "first-secret-0123456789abcdef")
	write(file, frontConfig(port, dir, vendor.URL))
	read := func() (*config.Config, error) {
		c, issues := config.Load(file, nil)
		if len(issues) > 0 {
			return nil, fmt.Errorf("%v", issues)
		}
		return c, nil
	}
	hangup := make(chan struct{})
	start := func() (stop func()) {
		t.Helper()
		c, err := read()
		if err != nil {
			t.Fatal(err)
		}
		p := &Program{Config: c, Reread: read, Hangup: hangup}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	do := func(method, path, body string, headers ...string) (int, string) {
		t.Helper()
		at := fmt.Sprintf("http://127.0.0.1:%d%s", port, path)
		if strings.HasPrefix(path, "/admin") {
			at = fmt.Sprintf("http://127.0.0.1:%d%s", port+10, path)
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) { // until it listens
			rq, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			rq.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(headers); i += 2 {
				rq.Header.Set(headers[i], headers[i+1])
			}
			rq.Close = true
			rs, err := http.DefaultClient.Do(rq)
			if err != nil && time.Now().Before(end) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(rs.Body)
			rs.Body.Close()
			return rs.StatusCode, string(b)
		}
	}
	operator := []string{"Authorization", "Bearer open sesame"}
	token := userTokenOf("our-secret-0123456789abcdef")
	call := func() (int, string) {
		return do("GET", "/stream/app?api_key=our-key", "", "Authorization", token)
	}
	signature := func() string {
		parts := strings.Split(seen.Header.Get("Authorization"), ".")
		return parts[len(parts)-1]
	}

	stop := start()
	if _, body := call(); body != `{"from":"vendor"}` || seen.URL.Query().Get("api_key") != "vendor-key" {
		t.Fatalf("not passed on: %s, %v", body, seen)
	}
	first := signature()
	if first == strings.Split(token, ".")[2] {
		t.Error("the token still bears our signature")
	}
	for _, bad := range [][]string{{}, {"Authorization", "Bearer wrong"}} {
		if status, _ := do("GET", "/admin/modes", "", bad...); status != 401 {
			t.Errorf("a stranger is answered %d", status)
		}
	}
	if status, _ := do("PUT", "/admin/modes", `{}`, append([]string{"Content-Type", "text/plain"}, operator...)...); status != 415 {
		t.Errorf("a form of another site is answered %d", status)
	}
	if status, body := do("PUT", "/admin/modes", `{"app":"acme","dialect":"stream","mode":"bare"}`, operator...); status != 400 {
		t.Errorf("no such mode: %d %s", status, body)
	}
	if status, body := do("PUT", "/admin/modes", `{"app":"acme","dialect":"stream","mode":"core"}`, operator...); status != 409 {
		t.Errorf("a core that knows nothing took over: %d %s", status, body)
	}
	if status, body := do("PUT", "/admin/modes", `{"app":"acme","dialect":"stream","mode":"core","note":"cut over","force":true}`, operator...); status != 200 || gjson.Get(body, "0.mode").Str != "core" {
		t.Errorf("switch: %d %s", status, body)
	}
	if status, body := call(); body == `{"from":"vendor"}` {
		t.Errorf("still the vendor: %d %s", status, body)
	}
	stop()

	stop = start()
	defer func() { stop() }()
	if _, body := call(); body == `{"from":"vendor"}` {
		t.Errorf("a restart forgot the switch: %s", body)
	}
	if _, body := do("GET", "/admin/audit", "", operator...); gjson.Get(body, "0.from").Str != "vendor" || gjson.Get(body, "0.to").Str != "core" || gjson.Get(body, "0.by").Str != "operator" || gjson.Get(body, "0.note").Str != "cut over" {
		t.Errorf("audit: %s", body)
	}
	do("PUT", "/admin/modes", `{"app":"acme","dialect":"stream","mode":"vendor","routes":[{"on":"QueryUsers","mode":"core"}],"force":true}`, operator...)
	write(secret, "second-secret-0123456789abcdef")
	if status, body := do("POST", "/admin/reload", "", operator...); status != 200 {
		t.Fatalf("reload: %d %s", status, body)
	}
	call()
	second := signature()
	if second == first {
		t.Error("the new secret is not used")
	}
	write(secret, "third-secret-0123456789abcdef")
	hangup <- struct{}{}
	for end := time.Now().Add(10 * time.Second); signature() == second && time.Now().Before(end); {
		call()
	}
	if signature() == second {
		t.Error("the signal was not heard")
	}
	write(file, "nonsense = 1")
	if status, body := do("POST", "/admin/reload", "", operator...); status != 400 {
		t.Errorf("a broken file: %d %s", status, body)
	}
	if _, body := call(); body != `{"from":"vendor"}` {
		t.Errorf("a broken file changed something: %s", body)
	}
}

// userTokenOf is a token of alice signed with a secret.
func userTokenOf(secret string) string {
	t, err := streamToken(&config.App{Stream: config.Stream{APISecret: config.Secret(secret)}}, tokenOptions{user: "alice"})
	if err != nil {
		panic(err) // an HMAC key of any length works
	}
	return t
}
