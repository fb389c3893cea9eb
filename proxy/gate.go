package proxy

import (
	"context"
	"sync"
	"time"
)

// holdTime bounds how long requests wait while the modes of their app are switched.
const holdTime = 5 * time.Second

// gate counts the short requests of a fronted app, and holds new ones back while its modes are being
// switched: nothing may be answered by one side after the other has taken over.
type gate struct {
	mu     sync.Mutex
	inside int
	held   chan struct{} // closed when the holding ends; nil while the gate is open
	empty  chan struct{} // closed when nobody is inside any more; nil while nobody waits for that
}

// enter lets a request in, after a while if the gate is held; false when it is held for too long.
func (g *gate) enter(drain <-chan struct{}) bool {
	var late <-chan time.Time
	for {
		g.mu.Lock()
		held := g.held
		if held == nil {
			g.inside++
			g.mu.Unlock()
			return true
		}
		g.mu.Unlock()
		if late == nil {
			t := time.NewTimer(holdTime)
			defer t.Stop()
			late = t.C
		}
		select {
		case <-held:
		case <-late:
			return false
		case <-drain:
			return false
		}
	}
}

// leave lets a request out.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// hold keeps new requests waiting and waits until those inside have left, or ctx ends. The caller calls
// open in either case.
func (g *gate) hold(ctx context.Context) error {
	g.mu.Lock()
	g.held = make(chan struct{})
	var empty chan struct{}
	if g.inside > 0 {
		empty = make(chan struct{})
		g.empty = empty
	}
	g.mu.Unlock()
	if empty == nil {
		return nil
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open ends the holding.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.held)
	g.held, g.empty = nil, nil
}
