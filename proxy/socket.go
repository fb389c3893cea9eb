package proxy

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/core/fault"
)

// SocketOptions bounds live connections.
type SocketOptions struct {
	QueueFrames  int           // waiting to be sent: 256
	QueueBytes   int           // waiting to be sent: 1 MiB
	WriteTimeout time.Duration // one write to a peer that does not read: 10 s
	CloseGrace   time.Duration // for the peer's half of the closing handshake: 1 s
	DrainSpread  time.Duration // over which shutdown spreads its closes: 3 s
}

// withDefaults fills what is not set.
func (o SocketOptions) withDefaults() SocketOptions {
	o.QueueFrames = or(o.QueueFrames, 256)
	o.QueueBytes = or(o.QueueBytes, 1<<20)
	o.WriteTimeout = or(o.WriteTimeout, 10*time.Second)
	o.CloseGrace = or(o.CloseGrace, time.Second)
	o.DrainSpread = or(o.DrainSpread, 3*time.Second)
	return o
}

// Bounds of a live connection where its Socket names none.
const (
	maxMessage = 64 << 10
	idleTime   = time.Minute
	slowCode   = 1013
)

// conn is one live connection. One goroutine serves and reads; a second one lives only while there
// is something to send.
type conn struct {
	s    *Server
	m    *mount
	spec *adapters.Socket
	rq   *adapters.Request
	met  *socketMetrics

	ctx context.Context // ends with the connection
	end context.CancelFunc
	nc  net.Conn
	in  reader

	watch LinkObserver // of the shadow modes; nil when nobody is
	front *fronted     // of apps with a vendor behind them; nil for the others
	mode  Mode         // it began in

	mu       sync.Mutex
	queue    [][]byte
	frames   int // in queue and on their way
	bytes    int // in queue and on their way
	flushing bool
	closing  bool      // nothing more is queued
	dead     bool      // nothing more is written
	hurried  bool      // the last write has its deadline already
	writeBy  time.Time // write deadline in force
	code     int       // what the connection was closed with
}

// newConn prepares a connection; run starts it.
func newConn(x *exchange) *conn {
	s := x.l.s
	c := &conn{s: s, m: x.m, spec: x.t.socket, rq: x.rq, met: x.m.live, front: x.front, mode: x.mode}
	if x.front != nil && x.observed() {
		c.watch = s.opt.Observer.Link(x.plain())
	}
	c.ctx, c.end = context.WithCancel(s.base)
	return c
}

// cut implements linked.
func (c *conn) cut() { _ = c.nc.Close() } // an end is an end

// belongs implements linked.
func (c *conn) belongs(f *fronted, next *plan) (of, right bool) {
	m := next.of(c.spec.Name, "GET", c.rq.Path)
	return c.front == f, !m.Foreign() && m.Shadowed() == c.mode.Shadowed()
}

// Request implements adapters.Conn.
func (c *conn) Request() *adapters.Request { return c.rq }

// Done implements adapters.Conn.
func (c *conn) Done() <-chan struct{} { return c.ctx.Done() }

// run is the life of the connection.
func (c *conn) run(nc net.Conn, hello, early []byte) {
	defer func() { _ = nc.Close() }() // an end is an end
	defer c.end()
	c.nc, c.in.rest = nc, early
	_ = nc.SetWriteDeadline(time.Now().Add(c.s.opt.Sockets.WriteTimeout)) // a closed connection shows in the write
	if _, err := nc.Write(hello); err != nil || !c.s.sockets.add(c) {
		return
	}
	defer c.s.sockets.remove(c)
	if c.front != nil {
		if _, right := c.belongs(c.front, c.front.plan.Load()); !right { // the modes were switched meanwhile
			c.Close(int(ws.StatusGoingAway), "the service has moved, reconnect")
		}
	}
	start := time.Now()
	c.met.open.Inc()
	defer c.met.open.Dec()
	err := c.serve()
	if err != nil {
		c.Close(int(ws.StatusInternalServerError), "")
	} else {
		c.Close(int(ws.StatusNormalClosure), "")
	}
	c.linger()
	c.mu.Lock()
	code := c.code
	c.mu.Unlock()
	c.tellEnd(code, time.Since(start))
	if c.watch != nil {
		c.watch.Closed()
	}
	if line := c.s.log.Check(levelOf(err), "connection ended"); line != nil {
		line.Write(zap.String("request_id", c.rq.ID), zap.String("dialect", c.m.name), zap.String("route", c.spec.Name),
			zap.Int("close_code", code), zap.Duration("duration", time.Since(start)), zap.Error(err))
	}
}

// serve runs the dialect's code; a panic ends only this connection.
func (c *conn) serve() (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.s.log.Error("connection handler panicked", zap.String("request_id", c.rq.ID),
				zap.String("route", c.spec.Name), zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
			err = fault.ServerInternal.Wrap(fmt.Errorf("panic: %v", r))
		}
	}()
	err = c.spec.Serve(c.traced(c.ctx), c)
	if ended(err) {
		return nil
	}
	return err
}

// Send implements adapters.Conn.
func (c *conn) Send(f adapters.Frame) bool {
	if f.Len() == 0 {
		return true
	}
	o := &c.s.opt.Sockets
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	if c.frames >= o.QueueFrames || c.bytes+f.Len() > o.QueueBytes && c.frames > 0 {
		c.s.met.slow.Inc()
		c.queue, c.frames, c.bytes = nil, 0, 0
		c.closeLocked(or(c.spec.SlowCode, slowCode), "slow consumer")
		// A peer that reads nothing must not hold the connection: what is being written gets a
		// little longer, then everything ends.
		c.hurried = true
		_ = c.nc.SetWriteDeadline(time.Now().Add(o.CloseGrace)) // a closed connection shows in the write
		return false
	}
	c.push(f.Wire())
	c.tellOut(f.Wire())
	return true
}

// push queues bytes and sees to it that someone writes them. The caller holds mu.
func (c *conn) push(wire []byte) {
	c.queue = append(c.queue, wire)
	c.frames++
	c.bytes += len(wire)
	if !c.flushing && !c.dead {
		c.flushing = true
		go c.flush()
	}
}

// Close implements adapters.Conn.
func (c *conn) Close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(code, reason)
}

// closeLocked queues the close frame behind everything else. The caller holds mu.
func (c *conn) closeLocked(code int, reason string) {
	if c.closing {
		return
	}
	c.closing, c.code = true, code
	for len(reason) > 123 || !validText(reason) { // a control frame holds 125 bytes
		reason = reason[:min(len(reason)-1, 123)]
	}
	var body []byte
	if sendable(code) {
		body = ws.NewCloseFrameBody(ws.StatusCode(code), reason)
	}
	c.push(ws.MustCompileFrame(ws.NewCloseFrame(body)))
}

// flush writes the queue until it is empty, then ends. Many small frames go out in one write.
func (c *conn) flush() {
	o := &c.s.opt.Sockets
	var spare [][]byte
	for {
		c.mu.Lock()
		batch := c.queue
		if len(batch) == 0 || c.dead {
			c.flushing = false
			if cap(spare) <= 8 {
				c.queue = spare
			}
			if c.closing {
				c.hangUp()
			}
			c.mu.Unlock()
			return
		}
		c.queue = spare
		if now := time.Now(); !c.hurried && c.writeBy.Sub(now) < o.WriteTimeout*3/4 { // not for every write: it costs
			c.writeBy = now.Add(o.WriteTimeout)
			_ = c.nc.SetWriteDeadline(c.writeBy) // a closed connection shows in the write
		}
		c.mu.Unlock()
		n, size := len(batch), 0
		for _, b := range batch {
			size += len(b)
		}
		err := write(c.nc, batch, size)
		clear(batch)
		spare = batch[:0]
		c.met.out.Add(float64(n))
		c.mu.Lock()
		c.frames, c.bytes = max(c.frames-n, 0), max(c.bytes-size, 0)
		if err != nil {
			c.dead, c.closing, c.flushing, c.queue = true, true, false, nil
			c.code = or(c.code, int(ws.StatusAbnormalClosure))
			c.hangUp()
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

// hangUp wakes the reader: the connection is over, apart from the closing handshake. The caller
// holds mu, so that the reader cannot set a new deadline in between.
func (c *conn) hangUp() {
	c.end()
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // a closed connection wakes its reader by itself
}

// linger gives the peer a moment to read the close frame and to answer it: closing at once would
// throw away what is still on its way.
func (c *conn) linger() {
	<-c.ctx.Done() // the close frame is written, or never will be
	c.mu.Lock()
	dead := c.dead
	c.mu.Unlock()
	if dead || c.in.closed {
		return
	}
	until := time.Now().Add(c.s.opt.Sockets.CloseGrace)
	if c.nc.SetReadDeadline(until) != nil {
		return
	}
	if t, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite() // the peer may be gone
	}
	var sink [512]byte
	for time.Now().Before(until) {
		if _, err := c.nc.Read(sink[:]); err != nil {
			return
		}
	}
}
