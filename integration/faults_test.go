package integration_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the file format of the store, opened from outside to break it
)

// strict is a server with a configuration of its own rather than the demo's: limits on, short
// patience, a breaker that opens soon.
func strict(t testing.TB, dir string, port int, openAfter int) (*server, api) {
	t.Helper()
	file, a := strictConfig(t, dir, port, openAfter)
	return launch(t, dir, port, "serve", "--config", file), a
}

// strictConfig writes the configuration of strict into a folder of its own.
func strictConfig(t testing.TB, dir string, port int, openAfter int) (string, api) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.toml")
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
failures = %d
window = "30s"
open_for = "1s"
[[app]]
name = "strict"
[app.limits]
rate = true
[app.stream]
api_key = "strict-key"
api_secret = "strict-secret-0123456789"
listen = "127.0.0.1:%d"
`, port, port+10, filepath.Join(dir, "dragoman.db"), filepath.Join(dir, "files"), openAfter, port+1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, api{fmt.Sprintf("http://127.0.0.1:%d", port+1), "strict-key", "strict-secret-0123456789"}
}

// database opens the store's file beside the running server.
func database(t testing.TB, dir string) *sql.DB {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*.db"))
	for _, f := range files {
		db, err := sql.Open("sqlite", "file:"+f+"?_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if db.QueryRow(`SELECT count(*) FROM sqlite_master WHERE name = 'messages'`).Scan(&n) == nil && n == 1 {
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
		_ = db.Close()
	}
	t.Fatalf("no database among %v", files)
	return nil
}

// block stops every write to the store until the returned function is called, as a stuck disk or a
// database under maintenance would: another process holds the write lock.
func block(t testing.TB, dir string) (release func()) {
	t.Helper()
	db := database(t, dir)
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	var released atomic.Bool
	release = func() {
		if released.CompareAndSwap(false, true) {
			_, _ = c.ExecContext(context.Background(), "ROLLBACK")
			_ = c.Close()
		}
	}
	t.Cleanup(release)
	return release
}

// TestStreamFaultTimeout: a store that does not answer within the deadline is told as the vendor
// tells it, 408 and code 23, and the message that was not acknowledged may be sent again.
func TestStreamFaultTimeout(t *testing.T) {
	dir := t.TempDir()
	_, a := strict(t, dir, freeBlock(t), 1000)
	a.people(t, "ann", "ben")
	a.channel(t, "hall", "ben", "ann")
	release := block(t, dir)
	began := time.Now()
	threeShapes(t, a, row{ID: "ST019", Status: 408, Code: 23, Reason: "request.timeout"}, say(a, "anyone?"))
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("four answers took %s", took)
	}
	release()
	if err := within(15*time.Second, func() bool { r, err := a.try(say(a, "back")); return err == nil && r.Status == 201 }); err != nil {
		t.Fatal("not back after the store was: ", err)
	}
}

// TestStreamFaultBreaker: a store that stays away opens the breaker. Answers come at once, in the
// vendor's words, with the time to try again; nothing is acknowledged that is not stored; when the
// store is back so is the service, by itself.
func TestStreamFaultBreaker(t *testing.T) {
	dir := t.TempDir()
	_, a := strict(t, dir, freeBlock(t), 3)
	a.people(t, "ann", "ben")
	a.channel(t, "hall", "ben", "ann")
	acked := map[string]bool{a.message(t, "hall", "ann", "before"): true}

	send := func(id string) answer {
		c := say(a, "")
		c.Body = object("message", json.RawMessage(object("id", id, "text", id)))
		return a.do(t, c)
	}
	release := block(t, dir)
	ids := []string{}
	var last answer
	opened := false
	for i := 0; i < 12 && !opened; i++ {
		id := unique("m")
		ids = append(ids, id)
		began := time.Now()
		last = send(id)
		if last.Status < 400 {
			t.Fatalf("acknowledged while the store is stopped: %s", last.Body)
		}
		opened = last.Get("code").Int() == -1 && time.Since(began) < 300*time.Millisecond
	}
	if !opened {
		t.Fatalf("the breaker did not open; last answer %d %s", last.Status, last.Body)
	}
	if last.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After on %d %s", last.Status, last.Body)
	}
	t.Run("ST023", func(t *testing.T) {
		threeShapes(t, a, row{ID: "ST023", Status: 500, Code: -1}, say(a, "still closed"))
	})
	release()
	if err := within(15*time.Second, func() bool { r, err := a.try(say(a, "back")); return err == nil && r.Status == 201 }); err != nil {
		t.Fatal("not back after the store was: ", err)
	}
	// Sending again under the same ids ends with each exactly once, whatever became of the first try.
	for _, id := range ids {
		if r := send(id); r.Status != 201 && !strings.Contains(r.Get("message").Str, "already exists") {
			t.Errorf("resend of %s: %d %s", id, r.Status, r.Body)
		}
		acked[id] = true
	}
	seen := map[string]int{}
	for _, m := range history(t, a, "hall", "ann") {
		seen[m]++
	}
	for id := range acked {
		if seen[id] != 1 {
			t.Errorf("message %s is there %d times", id, seen[id])
		}
	}
}

// TestStreamErrorsLimited: over the published rate, with the headers that say when to come back.
func TestStreamErrorsLimited(t *testing.T) {
	_, a := strict(t, t.TempDir(), freeBlock(t), 5)
	a.people(t, "ann", "ben")
	first := a.do(t, whoami(a.user("ann")))
	for _, h := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if first.Header.Get(h) == "" {
			t.Errorf("no %s on an ordinary answer", h)
		}
	}
	c := call{Method: "POST", Path: "/users/delete", Body: `{"user_ids":["nobody"]}`}
	var got answer
	for range 30 { // the vendor allows 6 a minute; a new minute may begin on the way
		if got = a.do(t, c); got.Status == 429 {
			break
		}
	}
	if got.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("X-RateLimit-Remaining is %q", got.Header.Get("X-RateLimit-Remaining"))
	}
	threeShapes(t, a, row{ID: "ST021", Status: 429, Code: 9, Reason: "rate.limited"}, c)
	if r := a.do(t, whoami(a.user("ann"))); r.Status != 200 {
		t.Errorf("another endpoint suffers: %d %s", r.Status, r.Body)
	}
}

// TestStreamErrorsSuspended: an operator has suspended the app in the store.
func TestStreamErrorsSuspended(t *testing.T) {
	dir, port := t.TempDir(), freeBlock(t)
	s := startIn(t, dir, port)
	a := s.demo()
	a.people(t, "ann")
	s.stop(t)
	if _, err := database(t, dir).Exec(`UPDATE apps SET settings = json_set(settings, '$.suspended', json('true')) WHERE name = 'demo'`); err != nil {
		t.Fatal(err)
	}
	s = startIn(t, dir, port)
	threeShapes(t, a, row{ID: "ST016", Status: 403, Code: 99, Reason: "app.suspended"}, whoami(a.user("ann")))
	two := api{s.URL(), demo2Key, demo2Secret}
	if r := two.do(t, call{Method: "GET", Path: "/app"}); r.Status != 200 {
		t.Errorf("the other app suffers: %d %s", r.Status, r.Body)
	}
}

// history pages through a channel from the end to the start and returns the ids of its messages,
// oldest first.
func history(t testing.TB, a api, channel, user string) []string {
	t.Helper()
	var all []string
	before := ""
	for {
		page := object("limit", 300)
		if before != "" {
			page = object("limit", 300, "id_lt", before)
		}
		r := a.must(t, call{Method: "POST", Path: "/channels/messaging/" + channel + "/query", Token: a.user(user),
			Query: url.Values{"user_id": {user}}, Body: object("state", true, "messages", json.RawMessage(page))})
		var ids []string
		for _, m := range r.Get("messages.#.id").Array() {
			ids = append(ids, m.Str)
		}
		if len(ids) == 0 {
			return all
		}
		all = append(ids, all...)
		before = ids[0]
	}
}
