package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// TestFeedOfSeveralWritersMissesNothing: three stores on one database write to many channels, by
// appends and by updates that hold their stamps for a while, and a reader follows by its cursor all
// the time. It reads every event once, in the order of stamps.
func TestFeedOfSeveralWritersMissesNothing(t *testing.T) {
	need(t)
	dsn, err := server.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nodes := []store.Store{open(t, dsn), open(t, dsn), open(t, dsn)}
	app := core.App{Name: "feed"}
	const channels, writers, each = 6, 9, 60
	var chs []core.ChannelID
	if err := nodes[0].Update(t.Context(), 0, 0, func(tx store.Tx) error {
		chs = nil
		if err := tx.PutApp(&app); err != nil {
			return err
		}
		for i := range channels {
			c := core.Channel{Key: core.ChannelKey(fmt.Sprint(i)), Type: "messaging"}
			if err := tx.PutChannel(app.ID, &c); err != nil {
				return err
			}
			if err := tx.PutMember(app.ID, &core.Member{Channel: c.ID, User: "reader"}); err != nil {
				return err
			}
			chs = append(chs, c.ID)
		}
		return nil
	}, nil); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var written atomic.Int64
	for w := range writers {
		wg.Go(func() {
			s := nodes[w%len(nodes)]
			for i := range each {
				ch := chs[(w+i)%channels]
				var err error
				if i%6 == 5 {
					err = s.Update(t.Context(), app.ID, ch, func(tx store.Tx) error {
						if err := tx.AppendEvent(app.ID, &store.EventRow{Channel: ch, Kind: core.ReadMoved, At: time.Now()}, false); err != nil {
							return err
						}
						stamp := tx.NextStamp()
						time.Sleep(3 * time.Millisecond) // others overtake meanwhile
						return tx.AppendBox(app.ID, []core.UserID{"reader"}, stamp, []byte("{}"))
					}, nil)
					written.Add(1)
				} else {
					m := core.Message{Channel: ch, User: "w", Text: "x", CreatedAt: time.Now(), UpdatedAt: time.Now()}
					err = s.Append(t.Context(), &store.Append{App: app.ID, Message: &m}, nil)
				}
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				written.Add(1)
			}
		})
	}
	over := make(chan struct{})
	go func() { wg.Wait(); close(over) }()
	seen := map[core.Stamp]bool{}
	var cursor core.Stamp
	last := false
	for {
		select {
		case <-over:
			last = true
		default:
		}
		page, err := nodes[0].Feed(t.Context(), app.ID, store.FeedQuery{User: "reader", After: cursor, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			if e.Stamp <= cursor || seen[e.Stamp] {
				t.Fatalf("stamp %d follows %d", e.Stamp, cursor)
			}
			cursor, seen[e.Stamp] = e.Stamp, true
		}
		if last && len(page) == 0 {
			break
		}
	}
	if int64(len(seen)) != written.Load() {
		t.Errorf("a reader by cursor saw %d of %d events", len(seen), written.Load())
	}
}

// TestUpdatesOfOneAppAreAlone: updates of several nodes that read and write the same record lose
// none of each other's work, whether they name a channel or not.
func TestUpdatesOfOneAppAreAlone(t *testing.T) {
	need(t)
	dsn, err := server.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nodes := []store.Store{open(t, dsn), open(t, dsn)}
	app := core.App{Name: "count"}
	var chs [2]core.Channel
	if err := nodes[0].Update(t.Context(), 0, 0, func(tx store.Tx) error {
		if err := tx.PutApp(&app); err != nil {
			return err
		}
		for i := range chs {
			chs[i] = core.Channel{Key: core.ChannelKey(fmt.Sprint(i)), Type: "messaging"}
			if err := tx.PutChannel(app.ID, &chs[i]); err != nil {
				return err
			}
		}
		return nil
	}, nil); err != nil {
		t.Fatal(err)
	}
	const writers, each = 6, 20
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				var ch core.ChannelID
				if w%3 > 0 {
					ch = chs[w%3-1].ID
				}
				err := nodes[w%2].Update(t.Context(), app.ID, ch, func(tx store.Tx) error {
					n := 0
					if b, err := tx.Record(context.Background(), app.ID, "s", "n"); err == nil {
						_, _ = fmt.Sscan(string(b), &n)
					}
					return tx.PutRecord(app.ID, "s", "n", []byte(fmt.Sprint(n+1)))
				}, nil)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if b, err := nodes[0].Record(t.Context(), app.ID, "s", "n"); err != nil || string(b) != fmt.Sprint(writers*each) {
		t.Errorf("%d updates counted %s, %v", writers*each, b, err)
	}
}
