package stream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// healthEvery is how often the server tells a silent client that the connection lives. The JS SDK
// gives up after 35 s of silence (connection.ts, connectionCheckTimeout).
const healthEvery = 25 * time.Second

// maxOdd is how many messages that are no health check a client may send on one connection.
const maxOdd = 1000

// maxEarly bounds the events that arrive before the first frame has been sent.
const maxEarly = 1000

// Sockets implements adapters.Dialect.
func (d *Dialect) Sockets() []adapters.Socket {
	return []adapters.Socket{{Path: "/connect", Name: "Connect", Serve: d.serveSocket}}
}

// serveSocket runs one live connection. The upgrade was accepted whoever asks: SDKs take a refused
// upgrade for a network failure and try again, an error frame is final.
func (d *Dialect) serveSocket(ctx context.Context, conn adapters.Conn) error {
	a, err := d.admit(ctx, conn.Request())
	if err != nil {
		d.refuse(conn, a.actor.App, err)
		return nil
	}
	s := &socket{d: d, conn: conn, self: a.actor.User}
	live, err := d.connect(ctx, &a, s.sink, func(err error) { d.refuse(conn, a.actor.App, err) })
	if err != nil {
		d.refuse(conn, a.actor.App, err)
		return nil
	}
	defer live.Close()
	s.start(live)
	beat := newBeat(healthEvery, func() { s.health() })
	defer beat.stop()
	if at := a.expires(); !at.IsZero() {
		end := time.AfterFunc(at.Sub(d.now()), func() {
			p := normalize.New(fault.AuthTokenExpired.Error("JWTAuth error: token is expired (exp)"), normalize.OriginCore, Catalog())
			p.Op, p.RequestID = "Connect", conn.Request().ID
			frame, _ := ConnectionError(p, d.now(), conn.Request().ErrorMode(a.actor.App))
			conn.Send(adapters.TextFrame(frame))
			conn.Close(closeExpired, "")
		})
		defer end.Stop()
	}
	return s.read(ctx)
}

// refuse ends a connection with an error frame, or without one when the client should come back.
func (d *Dialect) refuse(conn adapters.Conn, app core.AppID, err error) {
	p := normalize.New(fault.From(err), normalize.OriginCore, Catalog())
	p.Op, p.RequestID = "Connect", conn.Request().ID
	frame, code := ConnectionError(p, d.now(), conn.Request().ErrorMode(app))
	if frame != nil {
		conn.Send(adapters.TextFrame(frame))
	}
	conn.Close(code, "")
}

// socket is one live connection after it was admitted.
type socket struct {
	d    *Dialect
	conn adapters.Conn
	self core.UserID
	id   string

	mu    sync.Mutex
	open  bool
	early []adapters.Frame // told before the first frame was sent
}

// sink takes what the core tells. Nothing may overtake the first frame.
func (s *socket) sink(dl core.Delivery) {
	s.d.tell(dl, s.self, func(f adapters.Frame) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.open:
			s.conn.Send(f)
		case len(s.early) < maxEarly:
			s.early = append(s.early, f)
		default:
			s.conn.Close(closeTryLater, "")
		}
	})
}

// start sends the first frame and what came before it.
func (s *socket) start(live core.Connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.open = live.ID, true
	s.conn.Send(adapters.TextFrame(health(live.ID, s.d.now(), &live.Self)))
	for _, f := range s.early {
		s.conn.Send(f)
	}
	s.early = nil
}

func (s *socket) health() bool {
	return s.conn.Send(adapters.TextFrame(health(s.id, s.d.now(), nil)))
}

// read answers health checks until the connection ends. Clients send a list of one event; other
// messages are ignored, but not without end.
func (s *socket) read(ctx context.Context) error {
	for odd := 0; odd < maxOdd; {
		text, data, err := s.conn.Read(ctx)
		switch {
		case errors.Is(err, adapters.ErrTooBig):
			s.conn.Close(1009, "message too big")
			return nil
		case err != nil:
			return nil //nolint:nilerr // the connection has ended, which is how connections end
		case text && isPing(data):
			s.health()
		default:
			odd++
		}
	}
	s.conn.Close(1008, "too many messages")
	return nil
}

// isPing reports whether the message is a health check: [{"type":"health.check",…}], or the event
// alone.
func isPing(data []byte) bool {
	if !gjson.ValidBytes(data) {
		return false
	}
	v := gjson.ParseBytes(data)
	if v.IsArray() {
		v = v.Get("0")
	}
	return v.Get("type").Str == "health.check"
}

// beat calls f again and again until it is stopped, without a goroutine of its own in between.
type beat struct {
	mu    sync.Mutex
	timer *time.Timer
	done  bool
}

func newBeat(every time.Duration, f func()) *beat {
	b := &beat{}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(every, func() {
		f()
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.done {
			b.timer.Reset(every)
		}
	})
	return b
}

func (b *beat) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = true
	b.timer.Stop()
}
