package integration_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// strictApps are apps of the Agora Chat dialect that refuse what the demo's lets through. What no
// configuration says is set in the store, as an operator would.
var strictApps = []struct{ name, config, settings string }{
	{"plain", "", "{}"},
	{"sold-out", "user_limit = 1\nopen_registration = true", "{}"},
	{"busy", "", "{}"},
	{"closed", "", `{"suspended":true}`},
	{"few", "", `{"caps":{"friends":1}}`},
}

// strictAgora runs a server whose apps have limits, and whose store its tests can stop: a POST to
// /block of the second address does, one to /release ends it.
func strictAgora(t *testing.T) []string {
	t.Helper()
	dir, port := t.TempDir(), freeBlock(t)
	text := fmt.Sprintf(`
listen = "127.0.0.1:%d"
ops_listen = "127.0.0.1:%d"
request_timeout = "700ms"
[log]
format = "console"
[store]
dsn = %q
[files]
dir = %q
[breaker]
failures = 1000
`, port, port+10, filepath.Join(dir, "dragoman.db"), filepath.Join(dir, "files"))
	for i, a := range strictApps {
		text += fmt.Sprintf(`
[[app]]
name = %[1]q
[app.limits]
rate = %[2]t
[app.agora]
org = "strict"
app = %[1]q
app_id = "%032[3]x"
app_certificate = "%032[3]x"
client_id = "strict-client-id"
client_secret = "strict-client-secret"
listen = "127.0.0.1:%[4]d"
%[5]s
`, a.name, a.name == "busy", i+1, port+3, a.config)
	}
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := launch(t, dir, port, "serve", "--config", file)
	s.stop(t)
	db := database(t, dir)
	for _, a := range strictApps {
		if _, err := db.Exec(`UPDATE apps SET settings = json_patch(settings, ?) WHERE name = ?`, a.settings, a.name); err != nil {
			t.Fatal(err)
		}
	}
	launch(t, dir, port, "serve", "--config", file)

	var one sync.Mutex
	release := func() {}
	lever := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, rq *http.Request) {
		one.Lock()
		defer one.Unlock()
		release()
		if release = func() {}; rq.URL.Path == "/block" {
			release = block(t, dir)
		}
	}))
	t.Cleanup(lever.Close)
	return []string{fmt.Sprintf("AGORA_STRICT=http://127.0.0.1:%d", port+3), "AGORA_LEVER=" + lever.URL}
}
