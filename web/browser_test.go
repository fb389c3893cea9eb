package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/catalogs"
	"dragoman/web"
)

// chromium finds a browser. Its absence is a failure where CI is set.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no Chromium on this machine")
	}
	t.Skip("no Chromium on this machine")
	return ""
}

// TestErrorsPageInChromium loads the page in a real browser under the page's own policy, which
// allows no script, reads what the browser made of it, and keeps a screenshot under integration/.out.
func TestErrorsPageInChromium(t *testing.T) {
	browser := chromium(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", web.ErrorsPolicy())
		if err := web.ErrorsPage(w, catalogs.All(), r.URL.Query()); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	shots := filepath.Join("..", "integration", ".out")
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	shot, err := filepath.Abs(filepath.Join(shots, "errors.png"))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(shot)
	url := srv.URL + "/errors?vendor=stream&code=40"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run := func(args ...string) string {
		args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
			"--user-data-dir=" + t.TempDir(), "--window-size=1200,1000"}, args...)
		out, err := exec.CommandContext(ctx, browser, append(args, url)...).Output()
		if err != nil {
			t.Fatalf("chromium: %v", err)
		}
		return string(out)
	}
	dom := run("--dump-dom")
	for _, want := range []string{"Authentication Token Expired", "auth.token_expired", "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"} {
		if !strings.Contains(dom, want) {
			t.Errorf("the browser shows no %q", want)
		}
	}
	run("--screenshot=" + shot)
	if info, err := os.Stat(shot); err != nil || info.Size() < 10_000 {
		t.Errorf("no screenshot: %v", err)
	}
}
