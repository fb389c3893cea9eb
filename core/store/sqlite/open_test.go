package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/sqlite"
)

func TestOpenTwiceIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, sqlite.Options{Path: path})
	_, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err == nil || !strings.Contains(err.Error(), "in use by process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("a second open answered %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, sqlite.Options{Path: path})
}

func TestOpenRefusesBadOptions(t *testing.T) {
	for name, opt := range map[string]sqlite.Options{
		"no path":        {},
		"node too high":  {Path: filepath.Join(t.TempDir(), "a.db"), Node: 16},
		"node below 0":   {Path: filepath.Join(t.TempDir(), "a.db"), Node: -1},
		"path is folder": {Path: t.TempDir()},
	} {
		if s, err := sqlite.Open(t.Context(), opt); err == nil {
			t.Errorf("%s: opened", name)
			_ = s.Close()
		}
	}
}

func TestOpenRefusesForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Options{Path: path}); err == nil {
		t.Error("a file that is no database was opened")
	}
}

// say appends one message to the app and channel of crashFixture.
func say(ctx context.Context, s store.Store, app core.AppID, ch core.ChannelID, text string) (core.Message, error) {
	now := time.Now()
	m := core.Message{Channel: ch, User: "ann", Text: text, CreatedAt: now, UpdatedAt: now}
	err := s.Append(ctx, &store.Append{App: app, Message: &m}, nil)
	return m, err
}

func TestReopenKeepsDataAndIDsRise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	clock := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	var last core.MessageID
	seen := map[core.MessageID]bool{}
	for run := range 3 {
		// The clock goes back by an hour with each start.
		now := clock.Add(-time.Duration(run) * time.Hour)
		s := open(t, sqlite.Options{Path: path, Node: 15 - run, Sync: sqlite.SyncNormal, Now: func() time.Time { return now }})
		app, chs, err := crashFixture(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 300 { // more than a millisecond holds
			m, err := say(t.Context(), s, app, chs[0], "x")
			if err != nil {
				t.Fatal(err)
			}
			if m.Seq != int64(run*300+i+1) || seen[m.ID] || m.ID>>12 < last>>12 || m.ID >= 1<<53 {
				t.Fatalf("message %d of run %d has seq %d and id %d after %d", i, run, m.Seq, m.ID, last)
			}
			seen[m.ID], last = true, m.ID
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSearchIndexIsBuiltAgainWhenDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, sqlite.Options{Path: path})
	app, chs, err := crashFixture(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := say(t.Context(), s, app, chs[0], "needle"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{".search", ".search-wal", ".search-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	s = open(t, sqlite.Options{Path: path})
	if err := s.Indexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ms, err := s.FindMessages(t.Context(), app, store.Query{Text: "needle"}); err != nil || len(ms) != 1 {
		t.Errorf("found %d, %v", len(ms), err)
	}
}

func TestFullQueueRefuses(t *testing.T) {
	s := open(t, sqlite.Options{Queue: 2})
	app, chs, err := crashFixture(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.Update(context.Background(), app, 0, func(store.Tx) error { close(held); <-hold; return nil }, nil)
	})
	<-held
	refused := make(chan error, 16)
	for range 16 {
		wg.Go(func() {
			_, err := say(context.Background(), s, app, chs[0], "x")
			refused <- err
		})
	}
	n := 0
	for range 14 { // the writer is held, so all but the two that fit are answered at once
		err := <-refused
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a write beyond the queue answered %v", err)
		}
		n++
	}
	close(hold)
	wg.Wait()
	for range 16 - n {
		if err := <-refused; err != nil {
			t.Errorf("a queued write answered %v", err)
		}
	}
}

func TestLongQueryIsInterrupted(t *testing.T) {
	s := open(t, sqlite.Options{})
	app, _, err := crashFixture(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), app, 0, func(tx store.Tx) error {
		for i := range 3000 {
			if err := tx.PutUser(app, &core.User{ID: core.UserID(strconv.Itoa(i)), Name: strings.Repeat("ä", 500), Extra: core.Extra(`{"a":"b"}`)}); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	filter := core.Filter{Op: core.OpOr}
	for i := range 60 {
		filter.Sub = append(filter.Sub, core.Cond("name", core.OpAutocomplete, core.Text("Ü"+strconv.Itoa(i))))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = s.FindUsers(ctx, app, store.Query{Filter: filter})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a query whose time ran out answered %v after %v", err, time.Since(start))
	}
	if _, err := s.FindUsers(t.Context(), app, store.Query{Limit: 1}); err != nil {
		t.Errorf("the next query answered %v", err)
	}
}
