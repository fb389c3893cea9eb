package transfer_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/engine"
	"dragoman/core/store"
	"dragoman/core/store/sqlite"
	"dragoman/core/transfer"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a database that ends with the test.
func open(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	db, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(dir, "chat.db")})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// newApp makes an app in a database.
func newApp(t testing.TB, db store.Store, name string) core.App {
	t.Helper()
	a := core.App{Name: name, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	must(t, db.Update(context.Background(), 0, 0, func(tx store.Tx) error { return tx.PutApp(&a) }, nil))
	return a
}

// export is the app as bytes.
func export(t testing.TB, db store.Reader, app *core.App) ([]byte, transfer.Manifest) {
	t.Helper()
	var b bytes.Buffer
	m, err := transfer.Export(context.Background(), db, app, &b, nil)
	must(t, err)
	return b.Bytes(), m
}

// world is an app with something of everything.
func world(t *testing.T, db store.Store) core.App {
	t.Helper()
	ctx := t.Context()
	b, err := bus.Embedded()
	must(t, err)
	t.Cleanup(b.Close)
	e, err := engine.New(ctx, engine.Options{Store: db, Bus: b, Report: func(msg string, err error) { t.Log(msg, err) }})
	must(t, err)
	defer e.Close()
	app, err := e.EnsureApp(ctx, "full", func(s *core.AppSettings) { s.GroupLimit = 77 })
	must(t, err)
	c := e.Core()
	srv := core.Actor{App: app.ID, Access: core.AccessServer}
	as := func(u core.UserID) core.Actor { return core.Actor{App: app.ID, User: u, Access: core.AccessUser} }
	do := func(_ any, err error) {
		t.Helper()
		must(t, err)
	}
	do(c.Users.Upsert(ctx, srv, core.UpsertUsers{Users: []core.User{
		{ID: "alice", Name: "Alice <&>", Extra: core.Extra(`{"a":1}`), Tags: []string{"x"}}, {ID: "bob", Name: "Böb \u2028"}, {ID: "carol"}, {ID: "dave"},
	}}))
	do(c.Types.Put(ctx, srv, core.PutType{Name: core.DefaultType, Change: func(t *core.ChannelType) error {
		t.Features[core.FeaturePolls], t.Features[core.FeatureReminders] = true, true
		return nil
	}}))
	do(c.Groups.Create(ctx, as("alice"), core.CreateGroup{Key: "club", Name: "Club", Extra: core.Extra(`{"c":"d"}`), Members: []core.GroupMember{{User: "bob"}, {User: "carol"}}}))
	do(c.Groups.Create(ctx, as("bob"), core.CreateGroup{Key: "livestream:arena", Admission: core.AdmitPassword, Password: "open"}))
	st, err := c.Channels.Open(ctx, as("alice"), core.OpenChannel{Type: core.DefaultType, Input: core.ChannelInput{Members: []core.MemberInput{{User: "alice"}, {User: "dave"}}}})
	must(t, err)
	send := func(u core.UserID, key core.ChannelKey, in core.MessageInput) core.Message {
		t.Helper()
		s, err := c.Messages.Send(ctx, as(u), core.SendMessage{Key: key, Message: in, SkipCommands: true})
		must(t, err)
		return s.Message
	}
	for i := range 30 {
		send("alice", "club", core.MessageInput{Alias: fmt.Sprint("m", i), Text: fmt.Sprint("number ", i), Mentions: []core.UserID{"bob"}, Attachments: []json.RawMessage{json.RawMessage(`{"type":"x","n":[1,2]}`)}})
	}
	send("bob", "club", core.MessageInput{Text: "answer", Parent: "m3"})
	send("carol", "club", core.MessageInput{Alias: "r2", Text: "another", Parent: "m3"})
	send("carol", "club", core.MessageInput{Alias: "gone", Text: "soon gone", Parent: "m3"})
	send("bob", "club", core.MessageInput{Text: "quote", Quoted: "m5"})
	send("dave", st.Channel.Key, core.MessageInput{Text: "direct", Extra: core.Extra(`{"k":null}`)})
	do(c.Messages.Delete(ctx, srv.As("carol"), core.DeleteMessage{ID: "gone", Hard: true}))
	do(c.Messages.Delete(ctx, srv, core.DeleteMessage{ID: "m7", Hard: true}))
	do(c.Messages.Delete(ctx, as("alice"), core.DeleteMessage{ID: "m8"}))
	do(c.Messages.Delete(ctx, as("bob"), core.DeleteMessage{ID: "m9", ForMe: true}))
	do(c.Reactions.Add(ctx, as("bob"), core.AddReaction{Message: "m1", Type: "like", Score: 3}))
	do(c.Reactions.Add(ctx, as("carol"), core.AddReaction{Message: "m1", Type: "like"}))
	do(c.Reactions.Add(ctx, as("carol"), core.AddReaction{Message: "m1", Type: "love", Extra: core.Extra(`{"e":1}`)}))
	do(c.Messages.Edit(ctx, as("alice"), core.EditMessage{ID: "m2", Change: func(m *core.Message) error { m.Text, m.Pinned = "edited", true; return nil }}))
	do(c.Reads.Mark(ctx, as("bob"), core.MarkRead{Key: "club", Message: "m20"}))
	do(c.Moderation.Mute(ctx, as("alice"), core.MuteUsers{Users: []core.UserID{"dave"}}))
	do(c.Moderation.Block(ctx, as("bob"), core.BlockUser{User: "dave"}))
	do(c.Moderation.Ban(ctx, srv, core.SetBan{User: "carol", Key: "club", Reason: "loud"}))
	do(c.Moderation.Ban(ctx, srv, core.SetBan{User: "dave", Shadow: true}))
	do(c.Moderation.Flag(ctx, as("bob"), core.FlagContent{Message: "m4", Reason: "spam"}))
	do(c.Friends.Add(ctx, as("alice"), core.AddFriends{Friends: []core.UserID{"bob"}}))
	do(c.Polls.Put(ctx, as("alice"), core.PutPoll{Create: true, Poll: core.Poll{ID: "p", Name: "?", Options: []core.PollOption{{ID: "o", Text: "yes"}}}}))
	send("alice", "club", core.MessageInput{Alias: "pm", Text: "vote", PollID: "p"})
	do(c.Polls.Vote(ctx, as("bob"), core.CastVote{Message: "pm", Poll: "p", Option: "o"}))
	do(c.Drafts.Put(ctx, as("alice"), core.PutDraft{Draft: core.Draft{Key: "club", Message: json.RawMessage(`{"text":"unsent"}`)}}))
	do(c.Reminders.Put(ctx, as("bob"), core.PutReminder{Message: "m6", RemindAt: time.Now().Add(time.Hour), Create: true}))
	do(c.Devices.Add(ctx, as("bob"), core.AddDevice{Device: core.Device{ID: "phone", User: "bob", Provider: "apn"}}))
	do(c.Channels.Hide(ctx, as("carol"), core.HideChannel{Key: "club"}))
	app.Settings.GroupLimit = 77
	return app
}

// What is exported, imported elsewhere and exported again is the same, byte for byte, though the
// other database has other channels already, so that every number is another one.
func TestExportImportExportIsTheSame(t *testing.T) {
	one, two := open(t, t.TempDir()), open(t, t.TempDir())
	app := world(t, one)
	first, m := export(t, one, &app)
	for _, typ := range []transfer.Type{transfer.TypeUser, transfer.TypeChannel, transfer.TypeMessage, transfer.TypeReaction, transfer.TypeThread, transfer.TypeMember, transfer.TypeRecord} {
		if m.Lines[typ] == 0 {
			t.Errorf("the export has no %s", typ)
		}
	}
	other := newApp(t, two, "other")
	must(t, two.Update(t.Context(), other.ID, 0, func(tx store.Tx) error {
		for i := range 5 {
			c := core.Channel{Key: core.ChannelKey(fmt.Sprint("c", i)), Type: core.DefaultType, CreatedAt: time.Now()}
			if err := tx.PutChannel(other.ID, &c); err != nil {
				return err
			}
		}
		return nil
	}, nil))
	target := newApp(t, two, "full")
	r, err := transfer.Import(t.Context(), two, bytes.NewReader(first), transfer.Options{App: target.ID, ID: "f"})
	must(t, err)
	if r.Rejected > 0 || !r.Complete || r.Written[transfer.TypeMessage] != m.Lines[transfer.TypeMessage] {
		t.Fatalf("the import says %+v", r)
	}
	apps, err := two.Apps(t.Context())
	must(t, err)
	if target = apps[1]; target.Settings.GroupLimit != 77 {
		t.Errorf("the settings are %+v", target.Settings)
	}
	second, again := export(t, two, &target)
	if again.SHA256 != m.SHA256 {
		a, b := strings.Split(string(first), "\n"), strings.Split(string(second), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("line %d was\n%s\nand is\n%s", i+1, a[i], b[i])
			}
		}
		t.Fatalf("%d lines and %d lines", len(a), len(b))
	}
	// The rules agree, and the index has learnt of it.
	must(t, two.Indexed(t.Context()))
	ms, err := two.FindMessages(t.Context(), target.ID, store.Query{Text: "edited", Limit: 10})
	must(t, err)
	if len(ms) != 1 || ms[0].Alias != "m2" {
		t.Errorf("the search finds %+v", ms)
	}
	un, err := two.Unread(t.Context(), target.ID, "bob", nil)
	must(t, err)
	was, err := one.Unread(t.Context(), app.ID, "bob", nil)
	must(t, err)
	if len(un) != 1 || len(was) != 1 || un[0].Count != was[0].Count {
		t.Errorf("bob had %+v unread and has %+v", was, un)
	}
	// Once more changes nothing.
	r, err = transfer.Import(t.Context(), two, bytes.NewReader(first), transfer.Options{App: target.ID, ID: "another name"})
	must(t, err)
	if _, third := export(t, two, &target); third.SHA256 != m.SHA256 || r.Written[transfer.TypeMessage] != 0 {
		t.Errorf("the second import says %+v", r)
	}
}

// crowd writes a file of n messages in some channels.
func crowd(t testing.TB, path string, n int) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	w := bufio.NewWriterSize(f, 1<<20)
	enc := json.NewEncoder(w)
	put := func(it transfer.Item) { must(t, enc.Encode(it)) }
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	put(transfer.Item{Type: transfer.TypeHeader, Header: &transfer.Header{Format: transfer.Format, Version: transfer.Version, App: "crowd"}})
	for i := range 100 {
		put(transfer.Item{Type: transfer.TypeUser, User: &core.User{ID: user(i), Name: fmt.Sprint("User ", i), CreatedAt: at}})
	}
	for i := range 50 {
		put(transfer.Item{Type: transfer.TypeChannel, Channel: &core.Channel{Key: channel(i), Type: core.DefaultType, CreatedAt: at}})
	}
	for i := range n {
		when := at.Add(time.Duration(i) * time.Second)
		put(transfer.Item{Type: transfer.TypeMessage, Message: &core.Message{
			ID: core.MessageID(core.StampAt(when)), Alias: fmt.Sprint("msg-", i), ChannelKey: channel(i * 50 / max(n, 1)), User: user(i),
			Text: fmt.Sprint("message number ", i, " of a conversation that somebody had somewhere else"), CreatedAt: when, UpdatedAt: when,
		}})
	}
	must(t, w.Flush())
	must(t, f.Close())
}

func user(i int) core.UserID        { return core.UserID("user-" + strconv.Itoa(i%100)) }
func channel(i int) core.ChannelKey { return core.ChannelKey("room-" + strconv.Itoa(i%50)) }

// importing is one import of a file into a database, as a process of its own can do it.
func importing(t testing.TB, dir, file string, tell func(*transfer.Report, int64, int64)) transfer.Report {
	t.Helper()
	db := open(t, dir)
	apps, err := db.Apps(context.Background())
	must(t, err)
	if len(apps) == 0 {
		apps = append(apps, newApp(t, db, "crowd"))
	}
	f, err := os.Open(file)
	must(t, err)
	defer f.Close()
	r, err := transfer.Import(context.Background(), db, f, transfer.Options{App: apps[0].ID, ID: "crowd", Tell: tell})
	must(t, err)
	must(t, db.Close())
	return r
}

// childDir tells a test process that it is the one to be killed.
const childDir = "DRAGOMAN_TEST_IMPORT_DIR"

// TestImportChild is no test of its own: it is the process that the next one kills.
func TestImportChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.SkipNow() // run by the test below
	}
	importing(t, dir, filepath.Join(dir, "file"), func(r *transfer.Report, _, _ int64) {
		fmt.Println("at", r.Written[transfer.TypeMessage])
	})
}

// An import whose process is killed, again and again, goes on where its last commit was: every
// message is there once and every item is counted once.
func TestImportSurvivesKills(t *testing.T) {
	const n = 60_000
	dir := t.TempDir()
	crowd(t, filepath.Join(dir, "file"), n)
	last, kills := -1, 0
	for range 3 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestImportChild$", "-test.v")
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := 0
		for s := bufio.NewScanner(out); s.Scan(); {
			if at, ok := strings.CutPrefix(s.Text(), "at "); ok {
				done, _ := strconv.Atoi(at)
				if done < last {
					t.Errorf("went back from %d to %d", last, done)
				}
				last = done
				if lines++; lines == 4 {
					must(t, cmd.Process.Kill())
					kills++
				}
			}
		}
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // killed
	}
	if kills != 3 || last >= n {
		t.Fatalf("%d kills, the last at %d of %d", kills, last, n)
	}
	r := importing(t, dir, filepath.Join(dir, "file"), nil)
	if !r.Resumed || !r.Complete || r.Written[transfer.TypeMessage] != n || r.Read[transfer.TypeMessage] != n || r.Duplicates != 0 || r.Rejected != 0 {
		t.Errorf("the report is %+v", r)
	}
	db := open(t, dir)
	apps, err := db.Apps(t.Context())
	must(t, err)
	_, m := export(t, db, &apps[0])
	if m.Lines[transfer.TypeMessage] != n || m.Lines[transfer.TypeUser] != 100 || m.Lines[transfer.TypeChannel] != 50 {
		t.Errorf("there are %v", m.Lines)
	}
	if again, err := transfer.Import(t.Context(), db, strings.NewReader(""), transfer.Options{App: apps[0].ID, ID: "crowd"}); err != nil || again.Written[transfer.TypeMessage] != n {
		t.Errorf("done already: %+v, %v", again, err)
	}
}

// What cannot be taken is refused by its line, and the rest goes in; a dry run says the same and
// writes nothing.
func TestBadItemsAreToldByLine(t *testing.T) {
	at := `"created_at":"2026-01-01T00:00:00Z"`
	file := `{"type":"user","user":{"id":"alice"}}
{"type":"channel","channel":{"key":"c","type":"messaging"}}
{"type":"message","message":{"id":4096000,"channel_key":"c","user":"alice","text":"fine",` + at + `}}
{"type":"message","message":{"id":4096001,"channel_key":"nowhere","user":"alice","text":"lost",` + at + `}}
{"type":"message","message":{"id":"x"}}
{"no":"type"}
{"type":"reaction","reaction":{"message":1,"type":"like","user":"alice"}}
{"type":"message","message":{"id":4096000,"channel_key":"c","user":"alice","text":"fine",` + at + `}}
{"type":"record","record":{"space":"secrets","key":"k","value":1}}
`
	db := open(t, t.TempDir())
	app := newApp(t, db, "a")
	dry, err := transfer.Import(t.Context(), db, strings.NewReader(file), transfer.Options{App: app.ID, ID: "f", DryRun: true})
	must(t, err)
	if us, err := db.FindUsers(t.Context(), app.ID, store.Query{Limit: 5}); err != nil || len(us) != 0 {
		t.Errorf("a dry run has written %v (%v)", us, err)
	}
	if dry.Rejected < 4 || dry.Read[transfer.TypeMessage] != 3 {
		t.Errorf("the dry run says %+v", dry)
	}
	r, err := transfer.Import(t.Context(), db, strings.NewReader(file), transfer.Options{App: app.ID, ID: "f"})
	must(t, err)
	lines := map[int]bool{}
	for _, x := range r.Rejects {
		lines[x.Line] = true
	}
	for _, n := range []int{4, 5, 6, 7, 9} {
		if !lines[n] {
			t.Errorf("line %d is not refused: %+v", n, r.Rejects)
		}
	}
	if r.Written[transfer.TypeMessage] != 1 || r.Rejected != 5 {
		t.Errorf("the report is %+v", r)
	}
	for _, broken := range []string{"hello", `{"type":"user"`, `[{"type":"user","user":{"id":"z"}}, 5]`} {
		if _, err := transfer.Import(t.Context(), db, strings.NewReader(broken), transfer.Options{App: app.ID, ID: broken}); err == nil {
			t.Errorf("%q is taken for a file", broken)
		}
	}
}

// BenchmarkImport imports b.N messages; see make bench-import.
func BenchmarkImport(b *testing.B) {
	dir := b.TempDir()
	crowd(b, filepath.Join(dir, "file"), b.N)
	b.ResetTimer()
	began := time.Now()
	r := importing(b, dir, filepath.Join(dir, "file"), nil)
	if r.Written[transfer.TypeMessage] != b.N || r.Rejected != 0 {
		b.Fatalf("the report is %+v", r)
	}
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "messages/s")
}

// FuzzImport: no file makes an import fall over.
func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"type":"user","user":{"id":"a"}}`))
	f.Add([]byte(`[{"type":"message","message":{"id":1,"channel_key":"c","user":"a"}},{"type":"record","record":{"space":"drafts","key":"a\u0000b","channel":"c","value":{"channel":0}}}]`))
	db := open(f, f.TempDir())
	app := newApp(f, db, "a")
	f.Fuzz(func(_ *testing.T, file []byte) {
		_, _ = transfer.Import(context.Background(), db, bytes.NewReader(file), transfer.Options{App: app.ID, ID: "f", DryRun: true})
	})
}
