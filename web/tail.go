package web

import (
	"sync"
	"sync/atomic"
	"time"

	"dragoman/proxy"
)

// Bounds of the traffic view.
const (
	tailKept   = 500              // pieces remembered
	tailPage   = 200              // pieces one poll answers
	tailLinger = 10 * time.Second // how long after the last poll somebody is taken to be looking
)

// tail remembers the newest pieces of traffic, while an operator looks at them and not otherwise.
type tail struct {
	now   func() time.Time
	until atomic.Int64 // unix nanoseconds up to which somebody looks

	mu   sync.Mutex
	next int64 // number of the next piece
	ring [tailKept]proxy.Traffic
}

// Watching implements proxy.Tap.
func (t *tail) Watching() bool { return t.now().UnixNano() < t.until.Load() }

// Tell implements proxy.Tap.
func (t *tail) Tell(p proxy.Traffic) {
	t.mu.Lock()
	t.ring[t.next%tailKept] = p
	t.next++
	t.mu.Unlock()
}

// after returns the pieces from a number on, oldest first, with the number to go on from. It keeps
// the watch up.
func (t *tail) after(n int64) (out []proxy.Traffic, next int64) {
	t.until.Store(t.now().Add(tailLinger).UnixNano())
	t.mu.Lock()
	defer t.mu.Unlock()
	first := max(n, t.next-tailKept, t.next-tailPage, 0)
	for i := first; i < t.next; i++ {
		out = append(out, t.ring[i%tailKept])
	}
	return out, t.next
}
