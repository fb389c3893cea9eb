package cometchat

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"dragoman/adapters"
	"dragoman/core"
)

// Types of frames of the live link.
const (
	frameAuth      = "auth"
	frameMessage   = "message"
	frameReaction  = "reaction"
	frameReceipts  = "receipts"
	frameTyping    = "typing_indicator"
	frameTransient = "transient_message"
	framePresence  = "presence"

	frameInteraction     = "interaction_completed"
	framePin             = "message_pin"
	frameSave            = "message_save"
	frameConversationPin = "conversation_pin"
)

// Bounds of one connection.
const (
	authWithin = 15 * time.Second // from the upgrade to the auth frame
	maxQueue   = 2000             // events that wait to be written
	maxNoise   = 1000             // frames of the client that say nothing
)

// serverDevice is the deviceId of frames that no device caused. It must be nobody's own: clients
// drop the frames that bear theirs.
const serverDevice = "dragoman"

// Sockets implements adapters.Dialect. The link is at the root of its host, with no query.
func (d *Dialect) Sockets() []adapters.Socket {
	return []adapters.Socket{{Path: "/", Name: "Connect", Serve: d.serveSocket}}
}

// link is one live connection.
type link struct {
	d      *Dialect
	t      *tenant
	conn   adapters.Conn
	by     core.Actor
	device string
	roles  []string // only the presence of people of these roles; nil for everyone followed

	mu    sync.Mutex
	queue []core.Delivery
	wake  chan struct{}
}

// serveSocket runs one live connection: the auth frame first, then events one way and receipts,
// typing and transient messages the other.
func (d *Dialect) serveSocket(ctx context.Context, conn adapters.Conn) error {
	l := &link{d: d, conn: conn, wake: make(chan struct{}, 1)}
	first, err := l.greeting(ctx)
	if err != nil || !first.Exists() {
		return nil //nolint:nilerr // the connection ended before it began
	}
	live, err := l.admit(ctx, first)
	if err != nil {
		l.refuse(first, err)
		return nil
	}
	defer live.Close()
	l.by.Connection = live.ID
	if err := l.follow(ctx, first); err != nil {
		l.refuse(first, err)
		return nil
	}
	conn.Send(adapters.TextFrame(l.welcome()))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var told sync.WaitGroup
	told.Go(func() { l.tellAll(ctx) })
	defer told.Wait()
	defer stop()
	return l.read(ctx)
}

func (l *link) pong() { l.conn.Send(pong) }

// pong answers a ping; without it the SDK reconnects after three seconds.
var pong = adapters.TextFrame([]byte(`{"action":"pong","ack":"true"}`))

// sink takes what the core tells. It must not block, and writing a frame can take a look at the
// store: the connection's own goroutine does that.
func (l *link) sink(dl core.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= maxQueue {
		l.conn.Close(closeTryLater, "too slow")
		return
	}
	l.queue = append(l.queue, dl)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// tellAll writes what is queued until the connection ends.
func (l *link) tellAll(ctx context.Context) {
	for {
		l.mu.Lock()
		batch := l.queue
		l.queue = nil
		l.mu.Unlock()
		for i := range batch {
			l.tell(ctx, batch[i].Event)
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-l.conn.Done():
			return
		case <-l.wake:
		}
	}
}

// tell writes the frames of one event.
func (l *link) tell(ctx context.Context, ev *core.Event) {
	if !l.concerns(ev) {
		return
	}
	frames := core.Encoded(ev, "cometchat", func(e *core.Event) []adapters.Frame { return l.d.frames(ctx, l.t, e) })
	for _, f := range frames {
		l.conn.Send(f)
	}
}

// concerns reports whether an event is for this person: nobody is told of their own presence, nor of
// that of roles they have not asked for; what is pinned on a list is its owner's alone.
func (l *link) concerns(ev *core.Event) bool {
	switch ev.Kind {
	case core.UserPresence:
		return ev.User.ID != l.by.User && (l.roles == nil || slices.Contains(l.roles, orElse(ev.User.Role, core.RoleUser)))
	case core.MemberUpdated:
		return !onlyPin(ev) || ev.Member != nil && ev.Member.User == l.by.User
	}
	return true
}

// read serves the client's frames until the connection ends.
func (l *link) read(ctx context.Context) error {
	for noise := 0; noise < maxNoise; {
		text, data, err := l.conn.Read(ctx)
		switch {
		case errors.Is(err, adapters.ErrTooBig):
			l.conn.Close(1009, "message too big")
			return nil
		case err != nil:
			return nil //nolint:nilerr // the connection has ended, which is how connections end
		}
		f, ok := frame(text, data)
		switch {
		case !ok:
			noise++
		case f.Get("action").Str == "ping":
			l.pong()
		case !l.hear(core.WithOrigin(ctx, l.device), f):
			noise++
		}
	}
	l.conn.Close(closePolicy, "too many frames that say nothing")
	return nil
}
