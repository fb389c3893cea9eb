package fair_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"dragoman/core"
	"dragoman/core/fair"
	"dragoman/core/fault"
	"dragoman/core/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door plays calls at a gate, one at a time, in virtual time.
type door struct {
	t     *testing.T
	g     *fair.Gate
	mu    sync.Mutex   // several may come in at one moment
	order []core.AppID // who was let in
	out   map[core.AppID][]func()
}

// come makes a call of an app ask for its turn, and waits until it has it or waits.
func (d *door) come(app core.AppID) {
	go func() {
		leave, err := d.g.Enter(d.t.Context(), app)
		if err != nil {
			d.t.Errorf("app %d: %v", app, err)
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.order = append(d.order, app)
		d.out[app] = append(d.out[app], leave)
	}()
	synctest.Wait()
}

// leave lets one of an app's calls end.
func (d *door) leave(app core.AppID) {
	d.t.Helper()
	if len(d.out[app]) == 0 {
		d.t.Fatalf("nobody of app %d is inside; so far came in %v", app, d.order)
	}
	f := d.out[app][0]
	d.out[app] = d.out[app][1:]
	f()
	synctest.Wait()
}

// at runs a test at a gate.
func at(t *testing.T, o fair.Options, f func(d *door)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(&door{t: t, g: fair.New(o), out: map[core.AppID][]func(){}}) })
}

// TestFloodWaitsForOthers: an app that came with a hundred calls keeps its share of the places from the
// moment another comes, and the other's single calls pass at once.
func TestFloodWaitsForOthers(t *testing.T) {
	at(t, fair.Options{Slots: 8, Share: 3, Queue: 200}, func(d *door) {
		for range 100 {
			d.come(1)
		}
		if len(d.order) != 8 {
			t.Fatalf("an app alone had %d of 8 places", len(d.order))
		}
		d.come(2) // all places are taken: it is next
		d.leave(1)
		if got := d.order[8:]; !slices.Equal(got, []core.AppID{2}) {
			t.Fatalf("after one left, %v came in, not the other app", got)
		}
		for range 5 { // the flood shrinks to its share
			d.leave(1)
		}
		if got := d.order[9:]; len(got) != 1 {
			t.Fatalf("%d more of the flood came in beside the other app, want 1: its share is 3", len(got))
		}
		for range 20 { // one call after the other: none of them waits
			d.leave(2)
			before := len(d.order)
			d.come(2)
			if len(d.order) != before+1 {
				t.Fatal("a call of the light app waited although there was room")
			}
			d.leave(1)
		}
		time.Sleep(2 * time.Second) // the other app is quiet: the flood has everything again
		d.leave(1)
		if s := d.g.Stats(); s.Busy != 8 {
			t.Errorf("%d places are used when one app is active, want 8", s.Busy)
		}
		d.empty()
	})
}

// empty ends all calls.
func (d *door) empty() {
	for again := true; again; {
		again = false
		for app := range d.out {
			for len(d.out[app]) > 0 {
				again = true
				d.leave(app)
			}
		}
	}
	if s := d.g.Stats(); s.Busy != 0 || s.Waiting != 0 {
		d.t.Errorf("left behind: %+v", s)
	}
}

// TestTurns: who waits is let in one of each app in turn, the calls of an app in the order in which
// they came, whatever the apps ask for.
func TestTurns(t *testing.T) {
	at(t, fair.Options{Slots: 1, Share: 1, Queue: 50}, func(d *door) {
		d.come(9)
		for _, app := range []core.AppID{1, 1, 1, 1, 2, 2, 3} {
			d.come(app)
		}
		for i := range 7 {
			d.leave(d.order[i])
		}
		var got strings.Builder
		for _, app := range d.order {
			fmt.Fprint(&got, app)
		}
		if want := "91231211"; got.String() != want {
			t.Errorf("came in as %s, want %s", got.String(), want)
		}
		d.empty()
	})
}

// TestTooManyWaiting: the queue of an app ends; the other's does not.
func TestTooManyWaiting(t *testing.T) {
	at(t, fair.Options{Slots: 1, Share: 1, Queue: 2}, func(d *door) {
		for range 3 {
			d.come(1)
		}
		_, err := d.g.Enter(d.t.Context(), 1)
		if !fault.IsReason(err, fault.RateLimited) || fault.From(err).RetryAfter <= 0 {
			t.Errorf("one too many was answered %v", err)
		}
		d.come(2)
		if s := d.g.Stats(); s.Waiting != 3 || s.Refused != 1 {
			t.Errorf("%+v", s)
		}
		d.empty()
	})
}

// TestDeadlineWhileWaiting: who does not want to wait longer is out of the line.
func TestDeadlineWhileWaiting(t *testing.T) {
	at(t, fair.Options{Slots: 1, Share: 1, Queue: 10}, func(d *door) {
		d.come(1)
		ctx, cancel := context.WithTimeout(d.t.Context(), time.Second)
		defer cancel()
		if _, err := d.g.Enter(ctx, 2); !fault.IsReason(err, fault.RequestTimeout) {
			t.Errorf("waited too long and got %v", err)
		}
		if s := d.g.Stats(); s.Waiting != 0 {
			t.Errorf("%d still wait", s.Waiting)
		}
		if leave, err := d.g.Enter(d.t.Context(), 0); err != nil {
			t.Errorf("the deployment's own work waited: %v", err)
		} else {
			leave()
		}
		d.empty()
	})
}

// TestNobodyStarves: in any course of events no app has more places than it may, none is free while
// somebody who may enter waits, and between two turns of an app that waits every other app has one at most.
func TestNobodyStarves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := fair.Options{Slots: rapid.IntRange(1, 6).Draw(rt, "slots"), Queue: 1000}
		o.Share = rapid.IntRange(1, o.Slots).Draw(rt, "share")
		steps := rapid.SliceOfN(rapid.IntRange(-3, 3), 1, 80).Draw(rt, "steps")
		at(t, o, func(d *door) {
			waits := map[core.AppID]int{}
			for _, s := range steps {
				app := core.AppID(s)
				before := len(d.order)
				switch {
				case s > 0:
					waits[app]++
					d.come(app)
				case s < 0 && len(d.out[-app]) > 0:
					d.leave(-app)
				}
				for _, in := range d.order[before:] {
					waits[in]--
				}
				d.turns(rt, waits, before)
				for a := core.AppID(1); a <= 3; a++ {
					if waits[a] > 0 && len(d.out[a]) == 0 && d.g.Stats().Busy < o.Slots {
						rt.Fatalf("app %d waits although nobody of it is inside and there is room: %v", a, d.order)
					}
				}
			}
			d.empty()
		})
	})
}

// turns fails when one app was let in twice in one step while another one waited for room.
func (d *door) turns(rt *rapid.T, waits map[core.AppID]int, from int) {
	n := map[core.AppID]int{}
	for _, app := range d.order[from:] {
		if n[app]++; n[app] < 2 {
			continue
		}
		for other, w := range waits {
			if other != app && w > 0 && len(d.out[other]) == 0 {
				rt.Fatalf("app %d had two turns while %d waited with nobody inside: %v", app, other, d.order)
			}
		}
	}
}

// slowStore is a database whose writes are held until they are released.
type slowStore struct {
	store.Store
	hold chan struct{}
}

// Append implements store.Store.
func (s *slowStore) Append(context.Context, *store.Append, func()) error { <-s.hold; return nil }

// Update implements store.Store.
func (s *slowStore) Update(context.Context, core.AppID, core.ChannelID, func(store.Tx) error, func()) error {
	<-s.hold
	return nil
}

// TestWritesOfOneAppStandBehindTheirOwn: of a store that stands still only as many writes hold places
// as there are, further ones of the app are refused, and the writes of another come next.
func TestWritesOfOneAppStandBehindTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowStore{hold: make(chan struct{})}
		g := fair.New(fair.Options{Slots: 2, Share: 1, Queue: 2})
		s := fair.Wrap(slow, g)
		for range 4 {
			go func() { _ = s.Append(t.Context(), &store.Append{App: 1}, nil) }()
			synctest.Wait()
		}
		if err := s.Update(t.Context(), 1, 0, nil, nil); !fault.IsReason(err, fault.RateLimited) {
			t.Errorf("a write too many answered %v", err)
		}
		done := false
		go func() {
			_ = s.Update(t.Context(), 2, 0, nil, nil)
			done = true
		}()
		synctest.Wait()
		slow.hold <- struct{}{} // one write of the flood ends, and the other app's begins
		synctest.Wait()
		slow.hold <- struct{}{}
		slow.hold <- struct{}{}
		synctest.Wait()
		if !done {
			t.Error("the write of the other app is still not done after three")
		}
		close(slow.hold)
		synctest.Wait()
	})
}
