package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/postgres/pgtest"
)

// How hard the crash test tries.
const (
	crashWriters  = 12
	crashChannels = 4
	crashKills    = 4
	crashEach     = 150 // messages acknowledged between two kills
)

// TestServerKilledWhileWriting kills the server several times under writers on two stores, as two
// nodes have them. What was acknowledged is stored once, what was refused is stored at most once,
// numbers have no gap, and every message has its outbox row.
func TestServerKilledWhileWriting(t *testing.T) {
	need(t)
	srv, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Stop)
	dsn, err := srv.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nodes := []store.Store{open(t, dsn), open(t, dsn)}
	app := core.App{Name: "crash"}
	var chs []core.ChannelID
	if err := nodes[0].Update(t.Context(), 0, 0, func(tx store.Tx) error {
		chs = nil
		if err := tx.PutApp(&app); err != nil {
			return err
		}
		for i := range crashChannels {
			c := core.Channel{Key: core.ChannelKey(fmt.Sprint(i)), Type: "messaging"}
			if err := tx.PutChannel(app.ID, &c); err != nil {
				return err
			}
			chs = append(chs, c.ID)
		}
		return nil
	}, nil); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acked := map[string]core.MessageID{}
	refused, unknown := 0, 0
	enough := make(chan struct{}, 1)
	goal := crashEach
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				now := time.Now()
				m := core.Message{Channel: chs[(w+i)%crashChannels], User: core.UserID(fmt.Sprint("u", w)), Text: "x", Alias: fmt.Sprintf("%d-%d", w, i), CreatedAt: now, UpdatedAt: now}
				in := store.Append{App: app.ID, Message: &m, Outbox: true, MoveRead: true}
				one, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				err := nodes[w%2].Append(one, &in, nil)
				cancel()
				mu.Lock()
				switch {
				case err == nil && in.Duplicate:
					t.Errorf("%s is a duplicate of %d", m.Alias, in.Message.ID)
				case err == nil:
					acked[in.Message.Alias] = in.Message.ID
				case !errors.Is(err, store.ErrUnavailable):
					t.Errorf("an append during a crash answered %v", err)
				case errors.Is(err, store.ErrUnknownOutcome):
					unknown++
				default:
					refused++
				}
				if len(acked) >= goal {
					select {
					case enough <- struct{}{}:
					default:
					}
				}
				mu.Unlock()
			}
		})
	}
	for range crashKills {
		select {
		case <-enough:
		case <-time.After(2 * time.Minute):
			t.Fatal("the store does not come back")
		}
		if err := srv.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := srv.Up(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		goal = len(acked) + crashEach
		select {
		case <-enough:
		default:
		}
		mu.Unlock()
	}
	select {
	case <-enough:
	case <-time.After(2 * time.Minute):
		t.Fatal("the store does not come back after the last kill")
	}
	stop()
	wg.Wait()
	stored := map[string]core.MessageID{}
	for _, ch := range chs {
		n := int64(0)
		for {
			ms, err := nodes[0].RangeMessages(t.Context(), app.ID, store.Range{Channel: ch, Above: n, Hidden: true, All: true})
			if err != nil {
				t.Fatal(err)
			}
			if len(ms) == 0 {
				break
			}
			for _, m := range ms {
				if n++; m.Seq != n {
					t.Fatalf("message %d of channel %d has seq %d", n, ch, m.Seq)
				}
				if stored[m.Alias] != 0 {
					t.Fatalf("alias %s is stored twice", m.Alias)
				}
				stored[m.Alias] = m.ID
			}
		}
	}
	lost := 0
	for alias, id := range acked {
		if stored[alias] != id {
			lost++
			t.Errorf("acknowledged message %s is stored as %d, want %d", alias, stored[alias], id)
		}
	}
	rows := 0
	for {
		got, err := nodes[1].Outbox(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		ids := make([]int64, len(got))
		for i, r := range got {
			ids[i] = r.ID
		}
		rows += len(got)
		if err := nodes[1].Update(t.Context(), app.ID, 0, func(tx store.Tx) error { return tx.DeleteOutbox(ids) }, nil); err != nil {
			t.Fatal(err)
		}
	}
	if rows != len(stored) {
		t.Errorf("%d messages have %d outbox rows", len(stored), rows)
	}
	t.Logf("%d kills: %d acknowledged, %d lost, %d stored, %d refused, %d of unknown outcome", crashKills, len(acked), lost, len(stored), refused, unknown)
}
