package remote

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/remote/codec"
)

// serverLink is the node's side of a link.
type serverLink struct {
	s  *Server
	nc net.Conn

	ctx context.Context
	end context.CancelFunc

	mu    sync.Mutex
	conns map[uint64]*serverConn
	out   []queued
	full  bool
	kick  chan struct{}

	work chan struct{} // bounds what is opened and closed at a time
	busy sync.WaitGroup
}

// serverConn is one connection of a proxy's client.
type serverConn struct {
	close func() // of the core; nil until it is open
	gone  bool   // closed by the proxy
}

// queued is a word that waits; the event of a delivery is looked up when the frame is written.
type queued struct {
	down
	event *core.Event
}

// Bounds of a link.
const (
	linkWrite   = 10 * time.Second // one write to a proxy that does not read
	linkWorkers = 64
	linkWords   = 4096 // in one frame
	linkEvents  = 64   // in one frame: each may be as large as a message
)

// serveLink takes over the connection of a request.
func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	hj, ok := w.(http.Hijacker)
	if !ok || !strings.EqualFold(r.Header.Get("Upgrade"), linkName) {
		w.WriteHeader(http.StatusUpgradeRequired)
		return
	}
	nc, rw, err := hj.Hijack()
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_ = nc.SetDeadline(time.Time{}) // a closed connection shows in the write
	_, err = nc.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + linkName + "\r\n" + protocolHeader + ": " + protocol + "\r\n\r\n"))
	if err != nil {
		_ = nc.Close() // it is gone
		return
	}
	l := &serverLink{s: s, nc: nc, conns: map[uint64]*serverConn{}, kick: make(chan struct{}, 1), work: make(chan struct{}, linkWorkers)}
	l.ctx, l.end = context.WithCancel(context.Background())
	s.mu.Lock()
	if s.draining.Load() {
		s.mu.Unlock()
		l.cut()
		return
	}
	s.links[l] = struct{}{}
	s.open.Add(1)
	s.mu.Unlock()
	defer s.open.Done()
	l.run(rw.Reader)
	s.mu.Lock()
	delete(s.links, l)
	s.mu.Unlock()
}

// cut ends the link.
func (l *serverLink) cut() {
	l.end()
	_ = l.nc.Close() // an end is an end
}

// run serves the link until it ends, then closes what was on it.
func (l *serverLink) run(in *bufio.Reader) {
	l.busy.Go(l.write)
	for {
		_ = l.nc.SetReadDeadline(time.Now().Add(l.s.opt.Silence)) // a closed connection shows in the read
		b, err := readFrame(in)
		if err != nil {
			break
		}
		if len(b) == 0 {
			continue
		}
		var f upFrame
		if err := codec.Unmarshal(b, &f); err != nil {
			l.s.opt.Report("a proxy's link says what cannot be read", err)
			break
		}
		for i := range f.Words {
			l.take(&f.Words[i])
		}
	}
	l.cut()
	l.mu.Lock()
	all := l.conns
	l.conns = map[uint64]*serverConn{}
	var left []func()
	for _, c := range all {
		c.gone = true
		if c.close != nil {
			left = append(left, c.close)
		}
	}
	l.mu.Unlock()
	for _, shut := range left {
		l.start(shut)
	}
	l.busy.Wait()
}

// start does something beside, linkWorkers at a time: a proxy that asks for more waits.
func (l *serverLink) start(do func()) {
	l.work <- struct{}{}
	l.busy.Go(func() {
		defer func() { <-l.work }()
		do()
	})
}

// take does what a proxy says.
func (l *serverLink) take(w *up) {
	switch {
	case w.Open != nil:
		c := &serverConn{}
		l.mu.Lock()
		_, twice := l.conns[w.Conn]
		if !twice {
			l.conns[w.Conn] = c
		}
		l.mu.Unlock()
		if !twice {
			no, o := w.Conn, w.Open
			l.start(func() { l.open(no, c, o) })
		}
	case w.Close:
		l.mu.Lock()
		c := l.conns[w.Conn]
		var shut func()
		if c != nil {
			delete(l.conns, w.Conn)
			c.gone, shut = true, c.close
		}
		l.mu.Unlock()
		no := w.Conn
		if shut != nil {
			l.start(func() { shut(); l.push(down{Conn: no, Closed: true}) })
		} else if c == nil {
			l.push(down{Conn: no, Closed: true})
		} // else it is being opened, and closed as soon as it is
	}
}

// open opens a connection in the core.
func (l *serverLink) open(no uint64, c *serverConn, o *opening) {
	ctx, cancel := context.WithTimeout(l.ctx, max(min(o.Within, time.Minute), time.Millisecond))
	defer cancel()
	in := core.Connect{Profile: o.Profile, Everything: o.Everything, Device: o.Device, Session: o.Session}
	in.Sink = func(d core.Delivery) {
		l.tell(queued{down{Conn: no, Told: &told{As: d.As, Counts: d.Counts}}, d.Event})
	}
	if o.Ended {
		in.Ended = func(err error) { l.push(down{Conn: no, Ended: codec.FailureOf(err)}) }
	}
	got, err := l.s.opt.Core.Live.Connect(core.WithOrigin(ctx, o.Origin), o.Actor, in)
	l.mu.Lock()
	gone := c.gone
	if err == nil {
		c.close = got.Close
	} else {
		delete(l.conns, no)
	}
	l.mu.Unlock()
	switch {
	case err != nil:
		l.push(down{Conn: no, Refused: codec.FailureOf(err)})
	case gone:
		got.Close()
		l.push(down{Conn: no, Closed: true})
	default:
		l.push(down{Conn: no, Opened: &opened{got.ID, got.Self}})
	}
}

// push queues a word.
func (l *serverLink) push(w down) { l.tell(queued{down: w}) }

// tell queues a word; it never blocks. A queue that is full ends the link.
func (l *serverLink) tell(q queued) {
	l.mu.Lock()
	if len(l.out) >= l.s.opt.Queue {
		l.full = true
	} else {
		l.out = append(l.out, q)
	}
	l.mu.Unlock()
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// write sends what waits until the link ends, and a sign of life when nothing does.
func (l *serverLink) write() {
	defer l.cut()
	tick := time.NewTicker(l.s.opt.Silence / 3)
	defer tick.Stop()
	e := codec.Encoder{Stream: true}
	for {
		l.mu.Lock()
		batch, full := l.out, l.full
		l.out = nil
		l.mu.Unlock()
		if full {
			l.s.opt.Report("a proxy does not read what its clients are told: its link is cut", nil)
			return
		}
		for len(batch) > 0 {
			n, ok := l.send(&e, batch)
			if !ok {
				return
			}
			batch = batch[n:]
		}
		select {
		case <-l.ctx.Done():
			return
		case <-l.kick:
		case <-tick.C:
			_ = l.nc.SetWriteDeadline(time.Now().Add(linkWrite)) // a closed connection shows in the write
			if writeFrame(l.nc, nil) != nil {
				return
			}
		}
	}
}

// send writes the first of the words as one frame and tells how many. The same event for many
// connections stands in it once.
func (l *serverLink) send(e *codec.Encoder, words []queued) (int, bool) {
	var f downFrame
	index := map[*core.Event]int{}
	n := 0
	for ; n < min(len(words), linkWords); n++ {
		w, ev := words[n].down, words[n].event
		if ev != nil {
			at, ok := index[ev]
			if !ok {
				if len(f.Events) == linkEvents {
					break
				}
				at = len(f.Events)
				index[ev] = at
				f.Events = append(f.Events, ev)
			}
			w.Told.Event = at
		}
		f.Words = append(f.Words, w)
	}
	e.Bytes = e.Bytes[:0]
	codec.Append(e, &f)
	_ = l.nc.SetWriteDeadline(time.Now().Add(linkWrite)) // a closed connection shows in the write
	return n, writeFrame(l.nc, e.Bytes) == nil
}
