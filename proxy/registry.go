package proxy

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/prometheus/client_golang/prometheus"
)

// linked is a live connection as the registry sees it: one of ours, or one that is relayed.
type linked interface {
	Close(code int, reason string)
	cut() // without ceremony
	// belongs reports whether the link is one of a fronted app and, if so, whether a plan would have it
	// as it is.
	belongs(f *fronted, next *plan) (of, right bool)
}

// registry knows every live connection: the web server forgets them once they are hijacked.
type registry struct {
	mu       sync.Mutex
	conns    map[linked]struct{}
	limit    int          // of this node
	total    int          // over all nodes; 0 means that there is none
	others   atomic.Int64 // connections of the other nodes, as far as they have told
	share    atomic.Int64 // of total, while the others cannot be heard; 0 while they can
	moved    func()       // told that the others have to learn of a new number
	known    int          // connections, as far as the others have been told
	draining bool
	empty    chan struct{} // closed when draining and none is left
}

// newRegistry returns an empty registry for at most limit connections.
func newRegistry(limit int) *registry {
	return &registry{conns: map[linked]struct{}{}, limit: limit, empty: make(chan struct{})}
}

// full reports whether a new connection has no chance.
func (r *registry) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.draining || !r.room()
}

// room reports whether one more fits in. The lock is held.
func (r *registry) room() bool {
	n := len(r.conns)
	if r.total > 0 && (n+int(r.others.Load()) >= r.total || r.share.Load() > 0 && n >= int(r.share.Load())) {
		return false
	}
	return n < r.limit
}

// tell wakes who tells the other nodes when the number has moved by a step. The lock is held.
func (r *registry) tell() {
	if n := len(r.conns) - r.known; r.total > 0 && r.moved != nil && max(n, -n) >= max(r.total/steps, 1) {
		r.moved()
	}
}

// count is how many there are, which the other nodes are about to be told.
func (r *registry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = len(r.conns)
	return r.known
}

// news reports whether the others have to be told of the number before it is time.
func (r *registry) news() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total > 0 && r.known != len(r.conns)
}

// add enters a connection; false when there is no room.
func (r *registry) add(c linked) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining || !r.room() {
		return false
	}
	r.conns[c] = struct{}{}
	r.tell()
	return true
}

// remove forgets a connection that has ended.
func (r *registry) remove(c linked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	r.tell()
	if len(r.conns) == 0 && r.draining {
		close(r.empty)
	}
}

// list copies the set.
func (r *registry) list() []linked {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]linked, 0, len(r.conns))
	for c := range r.conns {
		out = append(out, c)
	}
	return out
}

// drain closes every connection with 1001, evenly over spread so that the clients do not all come
// back in the same moment, and waits until they are gone or ctx ends.
func (r *registry) drain(ctx context.Context, spread time.Duration) error {
	r.mu.Lock()
	if !r.draining && len(r.conns) == 0 {
		close(r.empty)
	}
	r.draining = true
	r.mu.Unlock()
	list := r.list()
	if d, ok := ctx.Deadline(); ok {
		spread = min(spread, time.Until(d)/2)
	}
	const beat = 20 * time.Millisecond
	steps := max(int(spread/beat), 1)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for i := range steps {
		for _, c := range list[len(list)*i/steps : len(list)*(i+1)/steps] {
			c.Close(int(ws.StatusGoingAway), "server is going away, reconnect")
		}
		select {
		case <-r.empty:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("proxy: %d live connections cut: %w", len(r.list()), ctx.Err())
		case <-tick.C:
		}
	}
	select {
	case <-r.empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("proxy: %d live connections cut: %w", len(r.list()), ctx.Err())
	}
}

// regroup asks the links of an app that a new plan puts on another side to come again, evenly over
// spread. It returns at once.
func (r *registry) regroup(f *fronted, next *plan, spread time.Duration, drain context.Context) {
	var list []linked
	for _, c := range r.list() {
		if of, right := c.belongs(f, next); of && !right {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return
	}
	go func() {
		// A link on the wrong side hears nothing of the other: it is moved as soon as the server bears it.
		tick := time.NewTicker(max(min(spread/time.Duration(len(list)), movePause), 10*time.Microsecond))
		defer tick.Stop()
		for _, c := range list {
			c.Close(int(ws.StatusGoingAway), "the service has moved, reconnect")
			select {
			case <-drain.Done():
				return // they are being closed anyway
			case <-tick.C:
			}
		}
	}()
}

// movePause is the longest pause between two links that are asked to come again on the other side.
const movePause = 500 * time.Microsecond

// cut ends what is left without ceremony.
func (r *registry) cut() {
	for _, c := range r.list() {
		c.cut()
	}
}

// socketMetrics are the series of one dialect's live connections.
type socketMetrics struct {
	open    prometheus.Gauge
	in, out prometheus.Counter
}

// socket returns the series of a dialect.
func (m *metrics) socket(dialect string) *socketMetrics {
	return &socketMetrics{m.sockets.WithLabelValues(dialect), m.frames.WithLabelValues(dialect, "in"), m.frames.WithLabelValues(dialect, "out")}
}
