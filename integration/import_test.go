package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// importMessages is how many messages TestImportAndBack moves; make import-million asks for more.
var importMessages = flag.Int("import.messages", 100_000, "messages of the import test")

const (
	importUsers = 200
	importRooms = 100
)

// importRoom is the channel of a message: conversations of equal length, one after another in turns.
func importRoom(i int) string { return fmt.Sprint("room-", i%importRooms) }

// streamExport writes a file for the vendor's importer: people, channels with members, n messages
// with an edit, a reply or a mention here and there, and a reaction to every hundredth.
func streamExport(t *testing.T, path string, n int) (items int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	at := func(i int) string {
		return time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second).Format(time.RFC3339)
	}
	put := func(format string, args ...any) {
		fmt.Fprintf(w, format+"\n", args...)
		items++
	}
	for i := range importUsers {
		put(`{"type":"user","item":{"id":"person-%d","name":"Person %d","role":"user","team_lead":%t,"created_at":%q}}`, i, i, i%7 == 0, at(0))
	}
	for i := range importRooms {
		put(`{"type":"channel","item":{"type":"messaging","id":"room-%d","created_by":"person-%d","name":"Room %d","created_at":%q}}`, i, i, i, at(0))
		for m := range 3 {
			put(`{"type":"member","item":{"channel_type":"messaging","channel_id":"room-%d","user_id":"person-%d","created_at":%q}}`, i, (i+m)%importUsers, at(0))
		}
	}
	for i := range n {
		more := ""
		switch {
		case i%50 == 49 && i > importRooms:
			more = fmt.Sprintf(`,"parent_id":"old-%d"`, i-importRooms)
			if (i-importRooms)%50 == 49 {
				more = "" // a reply has no replies
			}
		case i%31 == 0:
			more = fmt.Sprintf(`,"mentioned_users_ids":["person-%d"]`, i%importUsers)
		}
		put(`{"type":"message","item":{"id":"old-%d","channel_type":"messaging","channel_id":%q,"user":"person-%d","text":"message %d of a history from elsewhere, ä ö 漢字 🙂","created_at":%q,"weight":%d%s}}`,
			i, importRoom(i), (i%importRooms+i%3)%importUsers, i, at(i), i%9, more)
		if i%100 == 0 {
			put(`{"type":"reaction","item":{"message_id":"old-%d","type":"love","user_id":"person-%d","created_at":%q}}`, i, (i+1)%importUsers, at(i))
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return items
}

// dragoman runs the binary to its end.
func dragoman(t *testing.T, args ...string) (out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(t), args...)
	cmd.Dir = t.TempDir()
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil {
		t.Fatalf("dragoman %v: %v\n%s%s", args, err, &o, &e)
	}
	return o.String(), e.String()
}

// killedAt starts an import and kills it as soon as its database has grown to size bytes.
func killedAt(t *testing.T, dir, file string, size int64) {
	t.Helper()
	cmd := exec.Command(binary(t), "import", "--data", dir, "demo", file)
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			t.Fatalf("the import ended (%v) with %d of %d bytes, before it could be interrupted", err, sizeOf(t, dir), size)
		case <-time.After(5 * time.Millisecond):
			if sizeOf(t, dir) < size {
				continue
			}
		}
		_ = cmd.Process.Kill()
		if err := <-ended; err == nil {
			t.Fatal("the import was done before it could be killed")
		}
		return
	}
}

// sizeOf is the size of the database and its files, in bytes.
func sizeOf(t *testing.T, dir string) int64 {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.db*"))
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, name := range names {
		if st, err := os.Stat(name); err == nil {
			n += st.Size()
		}
	}
	return n
}

// counted reads the number beside a name in a report of import or export.
func counted(t *testing.T, report, name string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `\s+(\d+)$`).FindStringSubmatch(report)
	if m == nil {
		t.Fatalf("no %s in:\n%s", name, report)
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// The history of another provider is imported by the command of the README, killed three times on
// the way, counted exactly, served, exported, imported into another database and exported again:
// the two exports have the same hash.
func TestImportAndBack(t *testing.T) {
	n := *importMessages
	dir := t.TempDir()
	file := filepath.Join(dir, "export.jsonl")
	items := streamExport(t, file, n)
	st, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	began := time.Now()
	for _, part := range []float64{0.15, 0.4, 0.7} {
		killedAt(t, one, file, int64(part*float64(st.Size())))
	}
	report, _ := dragoman(t, "import", "--data", one, "demo", file)
	t.Logf("%d messages, killed three times and resumed, in %s: %.0f a second", n, time.Since(began).Round(time.Millisecond), float64(n)/time.Since(began).Seconds())
	reactions := (n + 99) / 100
	for name, want := range map[string]int{
		"users": importUsers, "channels": importRooms, "members": 3 * importRooms, "messages": n, "reactions": reactions, "known": 0, "refused": 0,
	} {
		if got := counted(t, report, name); got != want {
			t.Errorf("the report has %d %s, not %d:\n%s", got, name, want, report)
		}
	}
	if !regexp.MustCompile(fmt.Sprintf(`(?m)^%d items in `, items)).MatchString(report) {
		t.Errorf("the file has %d items:\n%s", items, report)
	}

	first := filepath.Join(dir, "first.jsonl")
	_, sum := dragoman(t, "export", "--data", one, "-o", first, "demo")
	if got := counted(t, sum, "messages"); got != n {
		t.Errorf("%d messages were exported", got)
	}
	began = time.Now()
	again, _ := dragoman(t, "import", "--data", two, "demo", first)
	t.Logf("its export imported elsewhere in %s: %.0f a second", time.Since(began).Round(time.Millisecond), float64(n)/time.Since(began).Seconds())
	if got := counted(t, again, "messages"); got != n {
		t.Errorf("%d messages of the export were imported", got)
	}
	_, sum2 := dragoman(t, "export", "--data", two, "-o", filepath.Join(dir, "second.jsonl"), "demo")
	hash := regexp.MustCompile(`sha256 ([0-9a-f]{64})`)
	if a, b := hash.FindString(sum), hash.FindString(sum2); a == "" || a != b {
		t.Errorf("the exports differ: %s and %s", a, b)
	}

	s := startIn(t, two, freeBlock(t))
	for _, i := range []int{0, 100, n / 2, n - 1} {
		got := s.demo().do(t, call{Method: "GET", Path: fmt.Sprint("/messages/old-", i)})
		if got.Status != 200 || got.Get("message.text").Str != fmt.Sprintf("message %d of a history from elsewhere, ä ö 漢字 🙂", i) || got.Get("message.weight").Int() != int64(i%9) {
			t.Errorf("message %d is %d %s", i, got.Status, got.Body)
		}
	}
	room := s.demo().do(t, call{Method: "POST", Path: "/channels/messaging/room-7/query", Body: `{"state":true,"messages":{"limit":10}}`})
	if ms := room.Get("messages").Array(); len(ms) != 10 || room.Get("members.#").Int() != 3 {
		t.Errorf("the room has %d messages: %d %.300s", len(ms), room.Status, room.Body)
	}
}
