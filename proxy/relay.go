package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// relay joins a client's live link with one of the vendor's. The handshake is the vendor's own, so that
// a refusal reaches the client as the vendor says it; after it bytes pass untouched both ways.
func (x *exchange) relay(fc *fasthttp.RequestCtx) error {
	f := x.front
	if err := x.room(f); err != nil {
		return err
	}
	c := &call{f: f, sd: f.side.Load(), rq: fasthttp.AcquireRequest(), rs: fasthttp.AcquireResponse(), whole: true}
	defer c.release()
	fc.Request.Header.CopyTo(&c.rq.Header)
	if x.observed() {
		c.rq.Header.Del("Sec-Websocket-Extensions") // compressed frames could not be read
	}
	link, err := x.reach(c, string(fc.URI().QueryString()))
	if err != nil {
		return err
	}
	if link == nil { // an answer instead of a link
		_, err := x.receive(fc, c)
		return err
	}
	hello := switching(&c.rs.Header, x.rq.ID)
	fc.HijackSetNoResponse(true)
	fc.Hijack(func(hc net.Conn) {
		early := buffered(hc)
		d, ok := hc.(interface{ UnsafeConn() net.Conn }).UnsafeConn().(detacher)
		if !ok {
			_ = link.vendor.Close() // the client's connection is not one of our listener's
			return
		}
		link.client = d.detach()
		link.toClient, link.toVendor = append(hello, link.toClient...), early
		go link.run()
	})
	x.live, x.status = true, 101
	return nil
}

// room refuses a live link there is no room for.
func (x *exchange) room(f *fronted) error {
	if x.l.s.sockets.full() || int(f.links.Load()) >= f.side.Load().conf.Links {
		return busy()
	}
	return nil
}

// reach makes the vendor's half of a live link. The link is nil when the vendor answered with something
// else than the switch; rs holds that answer then.
func (x *exchange) reach(c *call, query string) (*relayed, error) {
	c.c = c.f.liveAt(c.sd)
	if err := x.send(c, query, true); err != nil {
		return nil, err
	}
	c.until = time.Now().Add(c.sd.conf.Timeout)
	var link *relayed
	var failed error
	tried := false
	err := c.f.breaker.run(false, func() error {
		tried = true
		link, failed = x.shake(c)
		if failed != nil {
			return failed
		}
		return verdict(c.rs.StatusCode(), nil)
	})
	if !tried {
		return nil, err
	}
	return link, failed
}

// shake dials and speaks the handshake.
func (x *exchange) shake(c *call) (*relayed, error) {
	began := time.Now()
	nc, err := c.c.dial(time.Until(c.until))
	if err != nil {
		c.f.met.answered(0, time.Since(began))
		return nil, noAnswer(err)
	}
	_ = nc.SetDeadline(c.until) // a closed connection shows at once
	w, r := bufio.NewWriterSize(nc, 4096), bufio.NewReaderSize(nc, 4096)
	if err = c.rq.Write(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = c.rs.Header.Read(r)
	}
	if err == nil && c.rs.StatusCode() != 101 {
		err = c.rs.ReadBody(r, wholeAnswer)
		_ = nc.Close() // it is of no further use
		if errors.Is(err, fasthttp.ErrBodyTooLarge) {
			err = nil
		}
	}
	if err != nil {
		_ = nc.Close() // never used
		c.f.met.answered(0, time.Since(began))
		return nil, tellBroken(err)
	}
	c.f.met.answered(c.rs.StatusCode(), time.Since(began))
	if c.rs.StatusCode() != 101 {
		return nil, nil
	}
	_ = nc.SetDeadline(time.Time{}) // a closed connection shows in the first read
	link := &relayed{s: x.l.s, f: c.f, id: x.rq.ID, vendor: bare(nc), path: x.rq.Path, shadowed: x.mode.Shadowed()}
	if n := r.Buffered(); n > 0 {
		link.toClient, _ = r.Peek(n)
		link.toClient = bytes.Clone(link.toClient)
	}
	if x.t != nil {
		link.route = x.t.name
	}
	if x.observed() {
		link.watch = x.l.s.opt.Observer.Link(x.plain())
	}
	return link, nil
}

// bare takes the deadlines of calls off a connection that becomes a live link.
func bare(nc net.Conn) net.Conn {
	switch c := nc.(type) {
	case *stepConn:
		return c.Conn
	case *tls.Conn:
		if s, ok := c.NetConn().(*stepConn); ok {
			s.live = true
		}
	}
	return nc
}

// switching writes the vendor's answer to a handshake for the client.
func switching(h *fasthttp.ResponseHeader, id string) []byte {
	b := append(make([]byte, 0, 256), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"...)
	for k, v := range h.All() {
		switch string(k) {
		case "Upgrade", "Connection", "Content-Length", "Transfer-Encoding", "Content-Type", "Dragoman-Hop", "X-Request-Id", "Alt-Svc", "Strict-Transport-Security":
		default:
			b = append(append(append(append(b, k...), ": "...), v...), "\r\n"...)
		}
	}
	return append(append(append(b, "X-Request-Id: "...), id...), "\r\n\r\n"...)
}

// relayed is a live link between a client and a vendor.
type relayed struct {
	s        *Server
	f        *fronted
	id       string // of the request it began with
	route    string
	path     string
	shadowed bool // it began in a shadow mode
	client   net.Conn
	vendor   net.Conn
	toClient []byte // to be written first
	toVendor []byte
	watch    LinkObserver // nil when nobody is

	closing atomic.Bool
	once    sync.Once
}

// run is the life of the link: it ends with either half.
func (l *relayed) run() {
	defer l.cut()
	if !l.s.sockets.add(l) {
		return
	}
	defer l.s.sockets.remove(l)
	if _, right := l.belongs(l.f, l.f.plan.Load()); !right { // the modes were switched meanwhile
		l.Close(int(ws.StatusGoingAway), "the service has moved, reconnect")
		return
	}
	l.f.links.Add(1)
	l.f.met.links.Inc()
	start := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- l.pump(l.vendor, l.client, l.toVendor, FromClient) }()
	err := l.pump(l.client, l.vendor, l.toClient, ToClient)
	l.hangUp(l.client) // what was said last has to arrive, which a connection with unread bytes would lose
	err = errors.Join(err, <-ended)
	l.cut()
	l.f.links.Add(-1)
	l.f.met.links.Dec()
	if l.watch != nil {
		l.watch.Closed()
	}
	if line := l.s.log.Check(zapcore.DebugLevel, "relayed link ended"); line != nil {
		line.Write(zap.String("request_id", l.id), zap.String("app", l.f.name), zap.String("dialect", l.f.dialect),
			zap.Duration("duration", time.Since(start)), zap.Error(err))
	}
}

// Close implements linked: the client is told to come back, unless a message is on its way to it, which
// the close frame would break, so that it ends either way.
func (l *relayed) Close(code int, reason string) {
	if l.closing.Swap(true) {
		return
	}
	b := ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(code), reason)))
	_ = l.client.SetWriteDeadline(time.Now().Add(l.s.opt.Sockets.CloseGrace)) // a closed connection shows in the write
	_, _ = l.client.Write(b)                                                  // a client that is gone needs no close
	_ = l.vendor.SetReadDeadline(time.Unix(1, 0))                             // wakes the half that reads there
}

// belongs implements linked. A relayed link that nobody watches has to come again for a shadow mode.
func (l *relayed) belongs(f *fronted, next *plan) (of, right bool) {
	m := next.of(l.route, "GET", l.path)
	return l.f == f, m.Foreign() && m.Shadowed() == l.shadowed
}

// cut implements linked.
func (l *relayed) cut() {
	l.once.Do(func() {
		_ = l.client.Close() // an end is an end
		_ = l.vendor.Close() // likewise
	})
}

// linkScratch is the read buffer of each direction of a relayed link; more is borrowed while more than
// that arrives at once, so that an idle link holds next to nothing.
const linkScratch = 512

// pump copies one direction until it ends; first goes out before everything else.
func (l *relayed) pump(dst, src net.Conn, first []byte, dir Direction) error {
	if dir == FromClient {
		defer l.hangUp(l.vendor)
	}
	frames, deaf := frameReader{}, false // deaf: the vendor takes no more, but may still be speaking
	if len(first) > 0 {
		if err := l.put(dst, first); err != nil {
			return err
		}
		if l.watch != nil {
			frames.feed(afterHead(first, dir), func(text bool, data []byte) { l.watch.Frame(dir, text, data) })
		}
	}
	small := make([]byte, linkScratch)
	var big *[coalesce]byte
	defer func() {
		if big != nil {
			blocks.Put(big)
		}
	}()
	for {
		buf := small
		if big != nil {
			buf = big[:]
		}
		n, err := src.Read(buf)
		if n > 0 && !deaf {
			if err := l.put(dst, buf[:n]); err != nil {
				if deaf = dir == FromClient; !deaf {
					return err
				}
				_ = l.vendor.SetReadDeadline(time.Now().Add(l.s.opt.Sockets.CloseGrace)) // a closed connection shows in the read
			}
			if l.watch != nil {
				frames.feed(buf[:n], func(text bool, data []byte) { l.watch.Frame(dir, text, data) })
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case big == nil && n == len(small):
			big = blocks.Get().(*[coalesce]byte)
		case big != nil && n < len(big):
			blocks.Put(big)
			big = nil
		}
	}
}

// hangUp ends what is written to a half and gives it a moment to say the rest.
func (l *relayed) hangUp(nc net.Conn) {
	if t, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite() // it may be gone
	}
	_ = nc.SetReadDeadline(time.Now().Add(l.s.opt.Sockets.CloseGrace)) // likewise
}

// put writes with a deadline: a peer that does not read must not hold the link.
func (l *relayed) put(dst net.Conn, b []byte) error {
	if !l.closing.Load() {
		_ = dst.SetWriteDeadline(time.Now().Add(l.s.opt.Sockets.WriteTimeout)) // a closed connection shows in the write
	}
	_, err := dst.Write(b)
	return err
}

// afterHead cuts the head of the handshake off what the client is told first.
func afterHead(first []byte, dir Direction) []byte {
	if dir == ToClient {
		if _, rest, ok := bytes.Cut(first, []byte("\r\n\r\n")); ok {
			return rest
		}
	}
	return first
}
