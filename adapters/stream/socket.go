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
	s := &socket{d: d, conn: conn}
	var live core.Connection
	var until time.Time
	opened := false
	// Logging in goes deep, into the store; the goroutine that waits for the client's frames for
	// hours must not keep the stack that took.
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }() // a panic is the caller's to handle, wherever it began
		live, until, opened = s.login(ctx)
	}()
	if r := <-done; r != nil {
		panic(r)
	}
	if !opened {
		return nil
	}
	defer live.Close()
	beat := newBeat(healthEvery, func() { s.health() })
	defer beat.stop()
	if !until.IsZero() {
		end := time.AfterFunc(until.Sub(d.now()), s.expire)
		defer end.Stop()
	}
	return s.read(ctx)
}

// login admits the client and registers it with the core, or refuses it; until is when its token
// expires.
func (s *socket) login(ctx context.Context) (live core.Connection, until time.Time, ok bool) {
	a, err := s.d.admit(ctx, s.conn.Request())
	s.app, s.self = a.actor.App, a.actor.User
	if err == nil {
		live, err = s.d.connect(ctx, &a, s.sink, s.refuse)
	}
	if err != nil {
		s.refuse(err)
		return live, until, false
	}
	s.start(live)
	return live, a.expires(), true
}

// expire ends a connection whose token has run out: its client is to come back with a new one.
func (s *socket) expire() {
	s.conn.Send(adapters.TextFrame(s.failure(fault.AuthTokenExpired.Error("JWTAuth error: token is expired (exp)"))))
	s.conn.Close(closeExpired, "")
}

// refuse ends a connection with an error frame, or without one when the client should come back.
func (s *socket) refuse(err error) {
	frame, code := s.problem(err)
	if frame != nil {
		s.conn.Send(adapters.TextFrame(frame))
	}
	s.conn.Close(code, "")
}

// failure is the error frame alone.
func (s *socket) failure(err error) []byte {
	frame, _ := s.problem(err)
	return frame
}

func (s *socket) problem(err error) (frame []byte, code int) {
	rq := s.conn.Request()
	p := normalize.New(fault.From(err), normalize.OriginCore, Catalog())
	p.Op, p.RequestID = "Connect", rq.ID
	return ConnectionError(p, s.d.now(), rq.ErrorMode(s.app))
}

// socket is one live connection after it was admitted.
type socket struct {
	d    *Dialect
	conn adapters.Conn
	app  core.AppID
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
