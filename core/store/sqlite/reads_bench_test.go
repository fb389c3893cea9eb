package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/sqlite"
	"dragoman/core/store/storetest"
)

// BenchmarkReads reports what the common short reads cost.
func BenchmarkReads(b *testing.B) {
	s, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "bench.db"), Sync: sqlite.SyncNormal})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := storetest.BenchAppend(b.Context(), s, storetest.Load{Writers: 16, Channels: 50, Messages: 20_000}); err != nil {
		b.Fatal(err)
	}
	apps, err := s.Apps(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	app := apps[0].ID
	c, err := s.Channel(b.Context(), app, "bench-7")
	if err != nil {
		b.Fatal(err)
	}
	for i, read := range []func() error{
		func() error {
			_, err := s.RangeMessages(b.Context(), app, store.Range{Channel: c.ID, Newest: true, Limit: 30, Viewer: "writer-1"})
			return err
		},
		func() error { _, err := s.Outbox(b.Context(), 20); return err },
		func() error { _, err := s.Events(b.Context(), app, c.ID, 300, time.Time{}, 20); return err },
		func() error {
			_, err := s.FindChannels(b.Context(), app, store.Query{Filter: core.Cond("members", core.OpContains, core.Text("writer-1")), Limit: 30, Viewer: "writer-1"})
			return err
		},
		func() error {
			_, err := s.Feed(b.Context(), app, store.FeedQuery{User: "writer-1", Limit: 50})
			return err
		},
		func() error { _, err := s.Records(b.Context(), 0, "nothing", "", "", false, 100); return err },
		func() error { _, err := s.Memberships(b.Context(), app, "writer-1", 100); return err },
	} {
		b.Run([]string{"page", "outbox", "events", "inbox", "feed", "records", "memberships"}[i], func(b *testing.B) {
			for range b.N {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
