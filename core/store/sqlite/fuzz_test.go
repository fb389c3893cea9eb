package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/sqlite"
)

// fuzzStore is a store with one message for fuzz targets.
func fuzzStore(f *testing.F) (*sqlite.Store, core.AppID) {
	f.Helper()
	s, err := sqlite.Open(f.Context(), sqlite.Options{Path: filepath.Join(f.TempDir(), "fuzz.db"), Sync: sqlite.SyncNormal})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	app, chs, err := crashFixture(f.Context(), s)
	if err == nil {
		_, err = say(f.Context(), s, app, chs[0], "some words")
	}
	if err == nil {
		err = s.Indexed(f.Context())
	}
	if err != nil {
		f.Fatal(err)
	}
	return s, app
}

// FuzzSearchText: whatever a person types is words to look for, never a broken query.
func FuzzSearchText(f *testing.F) {
	s, app := fuzzStore(f)
	for _, seed := range []string{"words", `"`, "text : x*", "a AND NOT b", "(", "\x00", "é\u0301", "NEAR(a b)", "^a + b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // texts arrive as JSON
		}
		if _, err := s.FindMessages(t.Context(), app, store.Query{Text: text, Sort: []core.Sort{{Field: "relevance"}}}); err != nil {
			t.Errorf("search for %q: %v", text, err)
		}
	})
}

// FuzzCursor: a cursor that a client made up is refused or harmless.
func FuzzCursor(f *testing.F) {
	s, app := fuzzStore(f)
	sort := []core.Sort{{Field: "created_at"}}
	for _, seed := range []string{"", "e30", "eyJzIjoiY3JlYXRlZF9hdCBBU0MiLCJ2IjpbMSwyXX0", "eyJzIjoiY3JlYXRlZF9hdCBBU0MiLCJ2IjpbbnVsbCx7fV19", "%%%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, after string) {
		if _, err := s.FindMessages(t.Context(), app, store.Query{Sort: sort, After: after}); err != nil && !errors.Is(err, store.ErrBadFilter) {
			t.Errorf("cursor %q: %v", after, err)
		}
	})
}
