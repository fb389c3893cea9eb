package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// errMine is the error of updates that fail on purpose.
var errMine = errors.New("mine")

// testRollback: a failed update leaves nothing, not even a number.
func testRollback(f *fix) {
	c := f.channel("a", "ann")
	f.say(c.ID, "ann", "before", 1)
	err := f.s.Update(f.Context(), f.app, c.ID, func(tx store.Tx) error {
		m := f.message(c.ID, "ann", "undone", 2)
		if _, err := tx.InsertMessage(f.app, &m); err != nil {
			return err
		}
		if err := tx.AppendEvent(f.app, &store.EventRow{Channel: c.ID, Kind: core.ReadMoved, At: f.now}, true); err != nil {
			return err
		}
		if err := tx.PutMember(f.app, &core.Member{Channel: c.ID, User: "bob"}); err != nil {
			return err
		}
		return errMine
	}, func() { f.Error("committed ran for a failed update") })
	if !errors.Is(err, errMine) {
		f.Fatalf("error is %v, want mine", err)
	}
	if m := f.say(c.ID, "ann", "after", 3); m.Seq != 2 {
		f.Errorf("seq after a failed update is %d, want 2", m.Seq)
	}
	if h := f.head("a"); h.LastEv != 2 || h.MemberCount != 1 || h.MessageCount != 2 {
		f.Errorf("counters after a failed update are %+v", h)
	}
	if rows := must[[]store.OutboxRow](f)(f.s.Outbox(f.Context(), 10)); len(rows) != 0 {
		f.Errorf("a failed update queued %+v", rows)
	}
	err = f.s.Update(f.Context(), f.app, c.ID, func(tx store.Tx) error { panic("oops") }, nil)
	if err == nil {
		f.Error("an update that panicked succeeded")
	}
	f.ok(f.s.Ping(f.Context()))
}

// testOwnWrites: a transaction reads what it wrote.
func testOwnWrites(f *fix) {
	f.update(func(tx store.Tx) error {
		ctx := context.Background()
		c := core.Channel{Key: "a", Type: "messaging", CreatedAt: f.now, UpdatedAt: f.now}
		if err := tx.PutChannel(f.app, &c); err != nil {
			return err
		}
		if err := tx.PutMember(f.app, &core.Member{Channel: c.ID, User: "ann", CreatedAt: f.now}); err != nil {
			return err
		}
		m := f.message(c.ID, "bob", "x", 1)
		if _, err := tx.InsertMessage(f.app, &m); err != nil {
			return err
		}
		got, err := tx.Channel(ctx, f.app, "a")
		if err != nil {
			return err
		}
		if got.LastSeq != 1 || got.MemberCount != 1 {
			return fmt.Errorf("a transaction reads its channel as %+v", got)
		}
		un, err := tx.Unread(ctx, f.app, "ann", nil)
		if err != nil {
			return err
		}
		if len(un) != 1 || un[0].Count != 1 {
			return fmt.Errorf("a transaction reads its unread as %+v", un)
		}
		found, err := tx.FindChannels(ctx, f.app, store.Query{Filter: is("members", core.OpContains, txt("ann"))})
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return fmt.Errorf("a transaction finds %+v", found)
		}
		return nil
	})
}

// testDeadlines: a write that waited too long is never run.
func testDeadlines(f *fix) {
	c := f.channel("a")
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = f.s.Update(context.Background(), f.app, c.ID, func(store.Tx) error { close(held); <-hold; return nil }, nil)
	})
	<-held
	ctx, cancel := context.WithTimeout(f.Context(), 20*time.Millisecond)
	defer cancel()
	m := f.message(c.ID, "ann", "late", 1)
	err := f.s.Append(ctx, &store.Append{App: f.app, Message: &m}, nil)
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		f.Errorf("a write whose time ran out answered %v", err)
	}
	close(hold)
	wg.Wait()
	f.ok(f.s.Ping(f.Context()))
	if h := f.head("a"); h.LastSeq != 0 {
		f.Error("a write given up was stored")
	}
}

// testCallbackOrder: callbacks run in the order of Ev, before the answer.
func testCallbackOrder(f *fix) {
	c := f.channel("a")
	var seen []int64 // callbacks of a channel run one at a time
	var wg sync.WaitGroup
	var late atomic.Int64
	for w := range 16 {
		wg.Go(func() {
			for i := range 25 {
				m := f.message(c.ID, "ann", "x", i)
				in := store.Append{App: f.app, Message: &m}
				done := false
				if err := f.s.Append(f.Context(), &in, func() { seen = append(seen, in.Channel.LastEv); done = true }); err != nil {
					f.Errorf("writer %d: %v", w, err)
				}
				if !done {
					late.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if late.Load() > 0 {
		f.Errorf("%d appends were answered before their callback", late.Load())
	}
	for i, ev := range seen {
		if ev != int64(i+1) {
			f.Fatalf("callback %d was of event %d", i+1, ev)
		}
	}
	if len(seen) != 16*25 {
		f.Errorf("%d callbacks, want %d", len(seen), 16*25)
	}
}

// testDenseNumbers: many writers leave no gap and no repeat.
func testDenseNumbers(f *fix) {
	chs := []core.Channel{f.channel("a", "w0", "w1"), f.channel("b"), f.channel("c")}
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 30 {
				c := chs[(w+i)%3]
				user := core.UserID("w" + strconv.Itoa(w))
				var err error
				switch i % 5 {
				case 3:
					err = f.s.Update(f.Context(), f.app, c.ID, func(tx store.Tx) error {
						return tx.AppendEvent(f.app, &store.EventRow{Channel: c.ID, Kind: core.ReadMoved, At: f.at(i), Actor: user}, false)
					}, nil)
				case 4: // every alias is sent by two writers
					m := f.message(c.ID, user, "x", i)
					m.Alias = fmt.Sprintf("%d-%d", w/2, i)
					err = f.s.Append(f.Context(), &store.Append{App: f.app, Message: &m, MoveRead: true}, nil)
				default:
					m := f.message(c.ID, user, "x", i)
					err = f.s.Append(f.Context(), &store.Append{App: f.app, Message: &m, MoveRead: true, Outbox: true}, nil)
				}
				if err != nil {
					f.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	wg.Wait()
	messages, ids, aliases := 0, map[core.MessageID]bool{}, map[string]bool{}
	for _, c := range chs {
		h := f.head(c.Key)
		ms := must[[]core.Message](f)(f.s.RangeMessages(f.Context(), f.app, store.Range{Channel: c.ID, Hidden: true}))
		for i, m := range ms {
			if m.Seq != int64(i+1) || ids[m.ID] || m.Alias != "" && aliases[m.Alias] {
				f.Fatalf("message %d of channel %s is %+v", i+1, c.Key, m)
			}
			ids[m.ID], aliases[m.Alias] = true, true
		}
		es := must[[]store.EventRow](f)(f.s.Events(f.Context(), f.app, c.ID, 0, time.Time{}, 0))
		for i, e := range es {
			if e.Ev != int64(i+1) {
				f.Fatalf("event %d of channel %s is %+v", i+1, c.Key, e)
			}
		}
		if h.LastSeq != int64(len(ms)) || h.LastEv != int64(len(es)) || h.MessageCount != int64(len(ms)) {
			f.Errorf("channel %s counts %+v but holds %d messages and %d events", c.Key, h, len(ms), len(es))
		}
		messages += len(ms)
	}
	if want := 16*18 + 8*6; messages != want {
		f.Errorf("%d messages are stored, want %d", messages, want)
	}
}

// testBadNeighbours runs updates that fail before, during and after writing among good ones.
func testBadNeighbours(f *fix) {
	c := f.channel("a")
	var wg sync.WaitGroup
	var good atomic.Int64
	for w := range 16 {
		wg.Go(func() {
			for i := range 20 {
				m := f.message(c.ID, "ann", "good", i)
				switch (w + i) % 5 {
				case 0:
					if err := f.s.Update(f.Context(), f.app, c.ID, func(store.Tx) error { return errMine }, nil); !errors.Is(err, errMine) {
						f.Errorf("a failing update answered %v", err)
					}
				case 1:
					err := f.s.Update(f.Context(), f.app, c.ID, func(tx store.Tx) error {
						m.Text = "bad"
						if _, err := tx.InsertMessage(f.app, &m); err != nil {
							return err
						}
						return errMine
					}, nil)
					if !errors.Is(err, errMine) {
						f.Errorf("a failing update answered %v", err)
					}
				case 2: // an id that is taken
					m.ID, m.Text = 7, "seven"
					_ = f.s.Append(f.Context(), &store.Append{App: f.app, Message: &m}, nil)
				default:
					if err := f.s.Append(f.Context(), &store.Append{App: f.app, Message: &m}, nil); err != nil {
						f.Errorf("a good append answered %v", err)
						continue
					}
					good.Add(1)
				}
			}
		})
	}
	wg.Wait()
	count := map[string]int64{}
	ms := must[[]core.Message](f)(f.s.RangeMessages(f.Context(), f.app, store.Range{Channel: c.ID}))
	for i, m := range ms {
		if m.Seq != int64(i+1) {
			f.Fatalf("message %d has seq %d", i+1, m.Seq)
		}
		count[m.Text]++
	}
	same(f, "stored messages", count, map[string]int64{"good": good.Load(), "seven": 1})
}

// testClosed: everything answers that the store is closed.
func testClosed(f *fix) {
	c := f.channel("a")
	f.ok(f.s.Close())
	f.ok(f.s.Close())
	m := f.message(c.ID, "ann", "late", 1)
	_, read := f.s.Channel(f.Context(), f.app, "a")
	for what, err := range map[string]error{
		"ping": f.s.Ping(f.Context()), "append": f.s.Append(f.Context(), &store.Append{App: f.app, Message: &m}, nil), "read": read,
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			f.Errorf("%s after Close answered %v", what, err)
		}
	}
}
