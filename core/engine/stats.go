package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats is what an operator watches of an engine: counters since its start, and what is at this
// moment.
type Stats struct {
	Node        string
	Nodes       int           // heard of on the bus, this one included
	BusUp       bool          // events of other nodes arrive
	Lease       bool          // this node delivers webhooks and runs background tasks
	Connections int           // live connections of this node
	People      int           // with at least one of them
	Channels    int           // that somebody here follows
	Dispatching int           // events written and not yet handed on to connections
	HooksSent   int64         // webhook calls answered with success
	HooksFailed int64         // calls that failed and are tried again
	HooksLost   int64         // events given up after all attempts
	HooksHeld   int           // channels whose webhooks wait, because the last call failed
	HooksBehind time.Duration // age of the oldest event among them
}

// hookStats counts the work of the deliverer.
type hookStats struct {
	sent, failed, lost atomic.Int64
	mu                 sync.Mutex
	held               map[hookGroup]time.Time // since when the first event of a channel waits
}

// hold notes since when a channel's first event waits; zero ends it.
func (h *hookStats) hold(g hookGroup, since time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case since.IsZero():
		delete(h.held, g)
	case h.held == nil:
		h.held = map[hookGroup]time.Time{g: since}
	default:
		h.held[g] = since
	}
}

// forget is for a node that does not deliver any more.
func (h *hookStats) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = nil
}

// Stats returns the figures of this moment. It is cheap, and safe to call at any time.
func (e *Engine) Stats() Stats {
	h := &e.kit.hookStats
	s := Stats{
		Node: e.node, BusUp: !e.deaf.Load(), Lease: e.lease.held(),
		HooksSent: h.sent.Load(), HooksFailed: h.failed.Load(), HooksLost: h.lost.Load(),
	}
	h.mu.Lock()
	s.HooksHeld = len(h.held)
	for _, since := range h.held {
		s.HooksBehind = max(s.HooksBehind, time.Since(since))
	}
	h.mu.Unlock()
	e.peers.mu.RLock()
	s.Nodes = 1 + len(e.peers.nodes)
	e.peers.mu.RUnlock()
	e.hub.mu.RLock()
	s.Connections, s.People, s.Channels = len(e.hub.sessions), len(e.hub.people), len(e.hub.rooms)
	e.hub.mu.RUnlock()
	e.dispatch.mu.Lock()
	s.Dispatching = len(e.dispatch.queue)
	e.dispatch.mu.Unlock()
	return s
}
