package native

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// Bounds of one connection.
const (
	maxFrame     = 64 << 10         // bytes of one frame of the client
	maxHeld      = 100              // events that wait while missed ones are read
	maxResumed   = 1000             // events a resume tells; who missed more pulls the feed
	maxCatchUp   = 512 << 10        // bytes a resume tells; a connection's queue holds twice that
	maxBad       = 100              // frames that cannot be read
	admitWithin  = 10 * time.Second // one connection's way in
	pullsAtOnce  = 100              // events of one frame of a resume
	closePolicy  = 1008
	closeTooBig  = 1009
	closeTryOver = 1013
)

// link is one live connection.
type link struct {
	d      *Dialect
	conn   adapters.Conn
	by     core.Actor
	device string

	mu       sync.Mutex
	resuming bool
	held     []core.Delivery
}

// serveSocket runs one live connection: a hello, then events one way and commands the other. The
// token is the query parameter token; device names the device, after asks for the events since a
// stamp.
func (d *Dialect) serveSocket(ctx context.Context, conn adapters.Conn) error {
	rq := conn.Request()
	l := &link{d: d, conn: conn, device: rq.Query.Get("device"), resuming: true}
	live, err := l.admit(ctx)
	if err != nil {
		l.refuse(err)
		return nil
	}
	defer live.Close()
	l.by.Connection = live.ID
	l.hello(&live)
	after, err := stampOf(rq.Query.Get("after"))
	if err == nil {
		err = l.resume(ctx, after)
	}
	if err != nil {
		l.refuse(err)
		return nil
	}
	return l.read(core.WithOrigin(ctx, l.device))
}

// stampOf reads a stamp of the query, -1 for none.
func stampOf(s string) (core.Stamp, error) {
	if s == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<53 {
		return 0, fault.RequestInvalidField.Error("after must be a stamp")
	}
	return core.Stamp(n), nil
}

// admit judges the token and opens the connection.
func (l *link) admit(ctx context.Context) (core.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	rq := l.conn.Request()
	var err error
	if l.by, err = l.d.bearer(ctx, rq, rq.Query.Get("token")); err != nil {
		return core.Connection{}, err
	}
	if l.by.User == "" {
		return core.Connection{}, fault.AuthTokenInvalid.Error("A live connection is a person's: the token must name one (sub).")
	}
	if len(l.device) > 255 {
		return core.Connection{}, fault.RequestFieldTooLong.Error("device must be at most 255 bytes")
	}
	return l.d.core.Live.Connect(ctx, l.by, core.Connect{Sink: l.sink, Everything: true, Session: &core.Session{Device: l.device, Name: rq.Query.Get("name")}, Ended: func(err error) { l.refuse(err) }})
}

// problem writes an error as the unified document.
func (l *link) problem(err error) *normalize.Problem {
	p := normalize.New(fault.From(err), normalize.OriginCore, nil)
	p.RequestID = l.conn.Request().ID
	return p
}

// refuse ends a connection with a frame that tells why. The close code tells whether coming back
// can help: 1013 yes, 1008 not with this token.
func (l *link) refuse(err error) {
	p := l.problem(err)
	l.say(problemFrame{Type: "error", Error: p})
	code := closePolicy
	if normalize.Counts(p.Reason) || p.Reason == fault.RateLimited {
		code = closeTryOver
	}
	l.conn.Close(code, p.Code)
}

// problemFrame tells a failure: of a command when ID is set, else of the connection.
type problemFrame struct {
	Type  string             `json:"type"`
	ID    string             `json:"id,omitempty"`
	Error *normalize.Problem `json:"error"`
}

// helloFrame is the first frame.
type helloFrame struct {
	Type       string     `json:"type"`
	Connection string     `json:"connection"`
	Stamp      core.Stamp `json:"stamp"` // everything after it will be told
	Self       Self       `json:"self"`
}

// say sends one frame.
func (l *link) say(v any) {
	b, err := encode(v)
	if err != nil {
		l.conn.Close(1011, "")
		return
	}
	l.conn.Send(adapters.TextFrame(b))
}

// hello greets. Its stamp is a moment before now: whoever resumes from it is told too much rather
// than too little.
func (l *link) hello(live *core.Connection) {
	l.say(helloFrame{"hello", live.ID, core.StampAt(l.d.now().Add(-time.Second)), selfOf(&live.Self)})
}

// sink takes what the core tells. While missed events are read the new ones wait, so that every
// client sees events in order and once.
func (l *link) sink(dl core.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.resuming {
		l.tell(&dl)
		return
	}
	if len(l.held) >= maxHeld {
		l.conn.Close(closeTryOver, "too slow")
		return
	}
	l.held = append(l.held, dl)
}

// resume tells the events after a stamp, then what happened meanwhile, then lets the rest through.
func (l *link) resume(ctx context.Context, after core.Stamp) error {
	told, size := map[core.Stamp]struct{}{}, 0
	for after >= 0 {
		p, err := l.d.core.Feeds.Pull(ctx, l.by, core.PullFeed{After: after, Limit: pullsAtOnce})
		if err != nil {
			return err
		}
		batch := missedFrame{Type: "events", Events: make([]json.RawMessage, 0, len(p.Events))}
		full := false
		for _, ev := range p.Events {
			b, err := encode(eventOf(ev))
			if err != nil {
				return err
			}
			if full = len(told) >= maxResumed || size+len(b) > maxCatchUp; full {
				break
			}
			size += len(b)
			told[ev.Stamp], after, batch.Events = struct{}{}, ev.Stamp, append(batch.Events, b)
		}
		if len(batch.Events) > 0 {
			l.say(batch)
		}
		if full {
			l.say(gapFrame{"gap", after})
			break
		}
		if after = p.Last; !p.More {
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.held {
		if _, dup := told[l.held[i].Event.Stamp]; !dup {
			l.tell(&l.held[i])
		}
	}
	l.held, l.resuming = nil, false
	l.say(typeFrame{Type: "live"})
	return nil
}

// missedFrame tells what happened while the client was away, oldest first.
type missedFrame struct {
	Type   string            `json:"type"`
	Events []json.RawMessage `json:"events"`
}

// gapFrame tells that more was missed than a connection tells: pull the feed from the stamp on.
type gapFrame struct {
	Type  string     `json:"type"`
	After core.Stamp `json:"after"`
}

// typeFrame is a frame that says it all by its type.
type typeFrame struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
}

// read serves the client's frames until the connection ends.
func (l *link) read(ctx context.Context) error {
	for bad := 0; bad < maxBad; {
		text, data, err := l.conn.Read(ctx)
		switch {
		case errors.Is(err, adapters.ErrTooBig):
			l.conn.Close(closeTooBig, "a frame has at most "+itoa(maxFrame)+" bytes")
			return nil
		case err != nil:
			return nil //nolint:nilerr // the connection has ended, which is how connections end
		case !text:
			bad++
			l.say(problemFrame{Type: "error", Error: l.problem(fault.RequestInvalid.Error("Frames are text."))})
			continue
		}
		if !l.hear(ctx, data) {
			bad++
		}
	}
	l.conn.Close(closePolicy, "too many frames that cannot be read")
	return nil
}

// hear serves one frame of the client and reports whether it could be read.
func (l *link) hear(ctx context.Context, data []byte) bool {
	r, err := wire.Parse(data)
	if err != nil {
		l.say(problemFrame{Type: "error", Error: l.problem(err)})
		return false
	}
	id, typ := r.TextMax("id", 100), r.TextMax("type", 40)
	run, known := commands[typ]
	if err := r.Err(); err != nil || !known {
		if err == nil {
			err = fault.RequestInvalidField.Error("type " + clip(typ) + " is no command")
		}
		l.say(problemFrame{Type: "error", ID: id, Error: l.problem(err)})
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, orElse(l.d.env.RequestTimeout, admitWithin))
	defer cancel()
	if err := run(ctx, l, id, &r); err != nil {
		l.say(problemFrame{Type: "error", ID: id, Error: l.problem(err)})
	}
	return true
}
