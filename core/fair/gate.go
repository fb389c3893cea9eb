// Package fair lets the work of several apps through to what can do only so much at a time, so that
// the flood of one is paid for by that one: each app has a queue of its own, and they take turns.
package fair

import (
	"context"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Options bound a gate. All are required.
type Options struct {
	// Slots is how much is let through at one time. An app that is alone may have all of them.
	Slots int
	// Share is the most that one app has while others are active, too: who comes next then never waits
	// behind more of one app than that.
	Share int
	// Queue is how many of one app may wait; the next one is refused.
	Queue int
}

// Times of a gate.
const (
	active = time.Second // how long after its last call an app still counts as active
	later  = time.Second // what who is refused is told to wait
)

// Gate is a door with turns. The zero value is not usable; see New.
type Gate struct {
	o    Options
	now  func() time.Time
	mu   sync.Mutex
	busy int
	apps map[core.AppID]*lane // with something inside or waiting
	turn []*lane              // lanes with somebody waiting, next first
	last [2]seen              // the two apps that came last

	refused uint64
}

// lane is one app at the gate.
type lane struct {
	app     core.AppID
	busy    int
	waiting []*waiter // first come first
}

// waiter is a call that waits; in is closed when it may go on.
type waiter struct {
	in chan struct{}
}

// seen is when an app came last.
type seen struct {
	app core.AppID
	at  time.Time
}

// New makes a gate.
func New(o Options) *Gate {
	return &Gate{o: o, now: time.Now, apps: map[core.AppID]*lane{}}
}

// Enter waits for the app's turn. The func it answers must be called when the work is done. It fails
// with rate.limited, and a time to wait, when too much of the app waits already, and with
// request.timeout when ctx ends first. App 0, the deployment itself, never waits.
func (g *Gate) Enter(ctx context.Context, app core.AppID) (leave func(), err error) {
	if app == 0 {
		return func() {}, nil
	}
	g.mu.Lock()
	g.note(app)
	l := g.apps[app]
	if l == nil {
		l = &lane{app: app}
		g.apps[app] = l
	}
	if len(l.waiting) == 0 && g.admits(l) {
		g.take(l)
		g.mu.Unlock()
		return func() { g.leave(l) }, nil
	}
	if len(l.waiting) >= g.o.Queue {
		g.refused++
		g.mu.Unlock()
		return nil, fault.RateLimited.Error("too many calls of this app wait already").After(later)
	}
	w := &waiter{in: make(chan struct{})}
	if l.waiting = append(l.waiting, w); len(l.waiting) == 1 {
		g.turn = append(g.turn, l)
	}
	g.mu.Unlock()
	select {
	case <-w.in:
		return func() { g.leave(l) }, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	select {
	case <-w.in: // its turn came in the same moment
		g.mu.Unlock()
		g.leave(l)
	default:
		g.drop(l, w)
		g.mu.Unlock()
	}
	return nil, fault.RequestTimeout.Wrap(context.Cause(ctx))
}

// note remembers that an app came. The lock is held.
func (g *Gate) note(app core.AppID) {
	if g.last[0].app != app {
		g.last[1] = g.last[0]
	}
	g.last[0] = seen{app, g.now()}
}

// contended reports whether another app came lately. The lock is held.
func (g *Gate) contended(app core.AppID) bool {
	other := g.last[0]
	if other.app == app {
		other = g.last[1]
	}
	return other.app != 0 && g.now().Sub(other.at) < active
}

// admits reports whether one more of a lane may enter. The lock is held.
func (g *Gate) admits(l *lane) bool {
	return g.busy < g.o.Slots && (l.busy < g.o.Share || !g.contended(l.app))
}

// take lets one in. The lock is held.
func (g *Gate) take(l *lane) {
	g.busy++
	l.busy++
}

// leave lets one out and those in whose turn it is.
func (g *Gate) leave(l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	l.busy--
	g.tidy(l)
	for g.next() {
	}
}

// next lets one in, of the first lane that may; the lane goes to the end of the line. The lock is held.
func (g *Gate) next() bool {
	for i, l := range g.turn {
		if !g.admits(l) {
			continue
		}
		g.turn = append(g.turn[:i:i], g.turn[i+1:]...)
		w := l.waiting[0]
		if l.waiting = l.waiting[1:]; len(l.waiting) > 0 {
			g.turn = append(g.turn, l)
		}
		g.take(l)
		close(w.in)
		return true
	}
	return false
}

// drop takes a waiter out of the line. The lock is held.
func (g *Gate) drop(l *lane, w *waiter) {
	for i := range l.waiting {
		if l.waiting[i] == w {
			l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
			break
		}
	}
	if len(l.waiting) > 0 {
		return
	}
	for i := range g.turn {
		if g.turn[i] == l {
			g.turn = append(g.turn[:i:i], g.turn[i+1:]...)
			break
		}
	}
	g.tidy(l)
}

// tidy forgets a lane nobody is in. The lock is held.
func (g *Gate) tidy(l *lane) {
	if l.busy == 0 && len(l.waiting) == 0 {
		delete(g.apps, l.app)
	}
}

// Stats are the figures of a gate at one moment; Refused counts since its start.
type Stats struct {
	Busy, Waiting int
	Refused       uint64
}

// Stats reads the figures.
func (g *Gate) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Stats{Busy: g.busy, Refused: g.refused}
	for _, l := range g.turn {
		s.Waiting += len(l.waiting)
	}
	return s
}
