package stream

import (
	"context"
	"sync"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Bounds of long polling. The JS SDK waits 30 s for an answer (connection_fallback.ts).
const (
	pollWait   = 20 * time.Second // how long a request waits for an event
	pollIdle   = 45 * time.Second // how long a connection lives without a request
	pollEvents = 1000             // events kept for a client that is away
	pollBytes  = 1 << 20          // and their size
)

// variantConnection marks the error of a connection id that is not known, code 46: a client that
// sees it opens a new connection.
const variantConnection = "connection_id"

var errNoConnection = fault.SessionNotLoggedIn.Error("connection_id does not exist").With(variantConnection)

// pollTable holds the connections that are polled.
type pollTable struct {
	mu    sync.Mutex
	conns map[string]*pollConn
	wait  time.Duration
	idle  time.Duration
}

func newPollTable() *pollTable {
	return &pollTable{conns: map[string]*pollConn{}, wait: pollWait, idle: pollIdle}
}

// pollConn is one connection and what waits for its client.
type pollConn struct {
	id    string
	owner core.Actor
	table *pollTable
	live  core.Connection

	mu      sync.Mutex
	events  [][]byte
	bytes   int
	waiting int
	gone    bool
	wake    chan struct{}
	idle    *time.Timer
}

// pollRoutes are the fall-back for clients behind proxies that do not let sockets through.
func (d *Dialect) pollRoutes() []adapters.Route {
	rt := op(d, "GET", "/longpoll", "LongPoll", decodePoll, d.poll, encodePolled)
	rt.Slow = true
	return []adapters.Route{rt}
}

// pollRequest opens a connection (no id), waits for events of one, or closes it.
type pollRequest struct {
	rq    *adapters.Request
	id    string
	close bool
}

// polled is the answer: the opening event, or the events that happened.
type polled struct {
	opened []byte
	events [][]byte
	closed bool
}

func decodePoll(rq *adapters.Request) (pollRequest, error) {
	q := wire.QueryOf(rq)
	in := pollRequest{rq: rq, id: q.Text("connection_id"), close: q.Bool("close")}
	if in.close && in.id == "" {
		q.Need("connection_id")
	}
	return in, q.Err()
}

func encodePolled(w *wire.Writer, _ *adapters.Request, p polled) {
	switch {
	case p.opened != nil:
		w.Key("event")
		w.Value(p.opened)
	case !p.closed:
		w.List("events")
		for _, e := range p.events {
			w.Value(e)
		}
		w.CloseList()
	}
}

func (d *Dialect) poll(ctx context.Context, by core.Actor, in pollRequest) (polled, error) {
	if in.id == "" {
		return d.openPoll(ctx, in.rq)
	}
	c := d.polls.get(in.id, by)
	switch {
	case c == nil:
		return polled{}, errNoConnection
	case in.close:
		c.end()
		return polled{closed: true}, nil
	}
	return c.next(ctx)
}

// openPoll makes a connection for a client that polls.
func (d *Dialect) openPoll(ctx context.Context, rq *adapters.Request) (polled, error) {
	a, err := d.admit(ctx, rq)
	if err != nil {
		return polled{}, err
	}
	c := &pollConn{owner: a.actor, table: d.polls, wake: make(chan struct{}, 1)}
	live, err := d.connect(ctx, &a, func(dl core.Delivery) {
		d.render(dl, a.actor.User, func(v variant, counts *core.Counts) { c.put(d.event(dl.Event, v, counts)) })
	}, func(err error) {
		if fault.IsReason(err, fault.ServerUnavailable) {
			go c.end() // the next poll does not find it, so that the client opens a new one; refused by itself otherwise
		}
	})
	if err != nil {
		return polled{}, err
	}
	c.mu.Lock()
	c.id, c.live = live.ID, live
	c.idle = time.AfterFunc(d.polls.idle, c.end)
	gone := c.gone
	if !gone {
		d.polls.mu.Lock()
		d.polls.conns[c.id] = c
		d.polls.mu.Unlock()
	}
	c.mu.Unlock()
	if gone {
		live.Close()
		return polled{}, errNoConnection
	}
	return polled{opened: health(live.ID, d.now(), &live.Self)}, nil
}

// get finds the connection of its owner.
func (t *pollTable) get(id string, by core.Actor) *pollConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.conns[id]
	if c == nil || c.owner.App != by.App || c.owner.User != by.User {
		return nil
	}
	return c
}

// put keeps an event for the client. A client that does not fetch them in time loses its
// connection: it then starts afresh, which is better than a gap it does not know of.
func (c *pollConn) put(event []byte) {
	c.mu.Lock()
	over := len(c.events) >= pollEvents || c.bytes+len(event) > pollBytes
	if !over && !c.gone {
		c.events = append(c.events, event)
		c.bytes += len(event)
	}
	c.mu.Unlock()
	if over {
		// The core tells us under its own locks, so it is left before the connection is closed.
		go c.end()
		return
	}
	c.poke()
}

func (c *pollConn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// next waits for events, at most the time of the table.
func (c *pollConn) next(ctx context.Context) (polled, error) {
	c.mu.Lock()
	c.waiting++
	c.idle.Stop()
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.waiting--; c.waiting == 0 && !c.gone {
			c.idle.Reset(c.table.idle)
		}
	}()
	limit := time.NewTimer(c.table.wait)
	defer limit.Stop()
	for {
		c.mu.Lock()
		events, gone := c.events, c.gone
		c.events, c.bytes = nil, 0
		c.mu.Unlock()
		switch {
		case len(events) > 0:
			return polled{events: events}, nil
		case gone:
			return polled{}, errNoConnection
		}
		select {
		case <-c.wake:
		case <-limit.C:
			return polled{}, nil
		case <-ctx.Done():
			return polled{}, ctx.Err()
		}
	}
}

// end closes the connection. Idempotent.
func (c *pollConn) end() {
	c.mu.Lock()
	was := c.gone
	c.gone = true
	if c.idle != nil {
		c.idle.Stop()
	}
	id, live := c.id, c.live
	c.mu.Unlock()
	if was {
		return
	}
	c.table.mu.Lock()
	delete(c.table.conns, id)
	c.table.mu.Unlock()
	if live.Close != nil {
		live.Close()
	}
	c.poke()
}
