package remote

import (
	"context"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// closeWithin bounds how long Close waits until the node has taken note.
const closeWithin = 3 * time.Second

// live implements core.Live.
type live struct {
	liveCalls
	c *Client
}

// Connect implements core.Live: a connection on the node that serves the person, or on another one while
// that is away. When its node goes away later, it ends with server.unavailable: the client has to come
// back, and learns then what it has missed.
func (l live) Connect(ctx context.Context, by core.Actor, in core.Connect) (core.Connection, error) {
	if in.Sink == nil {
		return core.Connection{}, fault.ServerInternal.Error("a live connection needs a sink")
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.c.opt.Timeout)
		defer cancel()
	}
	var last error
	route := l.c.route(by)
	for i, n := range route {
		if !n.usable() || !n.link.ready() {
			continue
		}
		out, err := n.link.attempt(ctx, by, in, i < len(route)-1)
		away := fault.IsReason(err, fault.ServerUnavailable) || fault.IsReason(err, fault.UpstreamTimeout)
		if err == nil || !away || ctx.Err() != nil {
			return out, err
		}
		last = err
	}
	if last != nil {
		return core.Connection{}, last
	}
	return core.Connection{}, l.c.closed()
}

// attempt is connect; where there is another node it leaves half of the time for that.
func (l *link) attempt(ctx context.Context, by core.Actor, in core.Connect, again bool) (core.Connection, error) {
	if until, ok := ctx.Deadline(); ok && again {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(until)/2)
		defer cancel()
	}
	return l.connect(ctx, by, in)
}

// connect opens a connection on this link.
func (l *link) connect(ctx context.Context, by core.Actor, in core.Connect) (core.Connection, error) {
	until, _ := ctx.Deadline()
	c := &conn{l: l, sink: in.Sink, ended: in.Ended, answer: make(chan down, 1), closed: make(chan struct{})}
	o := &opening{
		Actor: by, Origin: core.Origin(ctx), Within: max(time.Until(until), time.Millisecond), Profile: in.Profile,
		Everything: in.Everything, Device: in.Device, Session: in.Session, Ended: in.Ended != nil,
	}
	l.mu.Lock()
	if !l.up || l.bye {
		l.mu.Unlock()
		return core.Connection{}, errLost(l.n)
	}
	l.last++
	c.no = l.last
	l.conns[c.no] = c
	l.push(up{Conn: c.no, Open: o})
	l.mu.Unlock()
	select {
	case w := <-c.answer:
		if w.Opened == nil {
			c.once.Do(func() {}) // it never was, so its end is not told
			return core.Connection{}, w.Refused.Fault()
		}
		c.id = w.Opened.ID
		var once sync.Once
		return core.Connection{ID: c.id, Self: w.Opened.Self, Close: func() { once.Do(c.hangUp) }}, nil
	case <-ctx.Done():
		c.forsake()
		return core.Connection{}, failed(ctx, ctx.Err())
	}
}

// forsake gives up a connection that does not open: the node closes it should it open yet.
func (c *conn) forsake() {
	c.once.Do(func() {})
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.l.conns[c.no] == c {
		delete(c.l.conns, c.no)
		if c.l.up {
			c.l.push(up{Conn: c.no, Close: true})
		}
		c.l.empty()
	}
}

// hangUp closes the connection from this side: nothing more is told, and the core has taken note when
// it returns, if it does so in time.
func (c *conn) hangUp() {
	c.once.Do(func() {})
	if c.id != "" {
		c.l.n.c.conns.Delete(c.id)
	}
	c.l.mu.Lock()
	_, open := c.l.conns[c.no]
	if open && c.l.up {
		c.l.push(up{Conn: c.no, Close: true})
	}
	c.l.mu.Unlock()
	if !open {
		return
	}
	slow := time.NewTimer(closeWithin)
	defer slow.Stop()
	select {
	case <-c.closed:
	case <-slow.C:
	}
}
