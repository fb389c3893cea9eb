package proxy

import (
	"net"
	"time"

	"github.com/gobwas/ws"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

// peekTime is how long a client may take for the message that tells whose it is.
const peekTime = 15 * time.Second

// peekBytes bounds what is read before it is known whose link it is.
const peekBytes = 64 << 10

// peek opens a live link whose handshake does not tell the app: we accept it ourselves, and what the
// client says first decides who goes on with it. No extension is agreed on, since nobody knows yet
// whether the vendor would.
func (x *exchange) peek(fc *fasthttp.RequestCtx) (done bool, err error) {
	key, bad := x.handshakeKey(fc)
	if bad != nil {
		return true, bad
	}
	s := x.l.s
	if s.sockets.full() {
		return true, busy()
	}
	hello := handshake(key, x.t.socket.Protocol, x.rq)
	head := fasthttp.AcquireRequest()
	fc.Request.Header.CopyTo(&head.Header)
	head.Header.Del("Sec-Websocket-Extensions")
	x.rq.SetErrorModes(x.errorMode)
	query := string(fc.URI().QueryString())
	fc.HijackSetNoResponse(true)
	fc.Hijack(func(hc net.Conn) {
		early := buffered(hc)
		d, ok := hc.(interface{ UnsafeConn() net.Conn }).UnsafeConn().(detacher)
		if !ok {
			return // not accepted by our listener: closed by the server
		}
		go x.decide(d.detach(), hello, early, head, query)
	})
	x.live, x.status = true, 101
	return true, nil
}

// decide reads until it is known whose link it is and hands it on.
func (x *exchange) decide(nc net.Conn, hello, early []byte, head *fasthttp.Request, query string) {
	defer fasthttp.ReleaseRequest(head)
	s := x.l.s
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a server that ends does not wait for the first word of a client
		select {
		case <-s.drain.Done():
			_ = nc.SetReadDeadline(time.Unix(1, 0)) // wakes the read
		case <-stop:
		}
	}()
	_ = nc.SetDeadline(time.Now().Add(peekTime)) // a closed connection shows in the write
	if _, err := nc.Write(hello); err != nil {
		_ = nc.Close() // an end is an end
		return
	}
	f, said, ok := x.hear(nc, early)
	if !ok {
		_ = nc.Close() // an end is an end
		return
	}
	_ = nc.SetDeadline(time.Time{}) // a closed connection shows in the first read
	if f == nil || !x.mode.Foreign() {
		newConn(x).run(nc, nil, said)
		return
	}
	if link := x.join(f, head, query); link != nil {
		link.client, link.toVendor = nc, said
		link.run()
		return
	}
	b := ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(slowCode), "try again later")))
	_, _ = nc.Write(b) // a client that is gone needs no close
	_ = nc.Close()     // an end is an end
}

// hear reads what the client says first, until the dialect knows whose it is.
func (x *exchange) hear(nc net.Conn, said []byte) (f *fronted, all []byte, ok bool) {
	var frames frameReader
	known, undecided := false, true
	listen := func(text bool, data []byte) {
		if !undecided {
			return
		}
		app, ok, more := x.m.hears.AppOfFrame(text, data)
		if undecided = !ok && more; ok {
			f, known = x.m.fronts[app], true
		}
	}
	frames.feed(said, listen)
	buf := make([]byte, 2048)
	for undecided {
		n, err := nc.Read(buf)
		if err != nil || len(said)+n > peekBytes {
			return nil, nil, false
		}
		said = append(said, buf[:n]...)
		frames.feed(buf[:n], listen)
		undecided = undecided && !frames.broken
	}
	if known && f != nil {
		x.front = f
		x.mode = f.plan.Load().of(x.t.name, x.rq.Method, x.rq.Path)
	}
	return f, said, true
}

// join makes the vendor's half of a link that was accepted already; nil when there is none to be had.
func (x *exchange) join(f *fronted, head *fasthttp.Request, query string) *relayed {
	if x.room(f) != nil {
		return nil
	}
	c := &call{f: f, sd: f.side.Load(), rq: fasthttp.AcquireRequest(), rs: fasthttp.AcquireResponse(), whole: true}
	defer c.release()
	head.Header.CopyTo(&c.rq.Header)
	link, err := x.reach(c, query)
	if link == nil {
		x.l.s.log.Info("the vendor refused a live link", zap.String("request_id", x.rq.ID), zap.String("app", f.name),
			zap.String("dialect", f.dialect), zap.Int("status", c.rs.StatusCode()), zap.Error(err))
	}
	return link
}
