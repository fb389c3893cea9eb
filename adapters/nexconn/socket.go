package nexconn

import (
	"context"
	"errors"
	"sync"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// Bounds of one connection.
const (
	maxSignal  = 256 << 10             // one frame of a client: a message of 128 KiB and what goes with it
	maxQueue   = 2000                  // events that wait to be written
	maxUnacked = 512                   // pushed messages whose acknowledgement is awaited
	maxNoise   = 1000                  // frames of the client that mean nothing
	linkIdle   = 60 * time.Second      // the SDK pings every 15 s
	tellWithin = 5 * time.Second       // a look at the store that writing a frame can take
	pullSoon   = time.Second           // after coming, the client's first pull is waited for
	pullOn     = 2 * time.Second       // and after a page that is not the last, the next one
	pullRead   = 50 * time.Millisecond // the SDK takes a page in several steps, and what is pushed at once
	callWithin = 20 * time.Second      // one call; the SDK waits for 30 s
)

// Sockets implements adapters.Dialect.
func (d *Dialect) Sockets() []adapters.Socket {
	return []adapters.Socket{{Path: "/websocket", Name: "Connect", MaxMessage: maxSignal, Idle: linkIdle, Serve: d.serveSocket}}
}

// link is one live connection.
type link struct {
	d       *Dialect
	t       *tenant
	conn    adapters.Conn
	by      core.Actor
	device  string // what the client calls its device; several tabs of a browser share it
	session string // the connection's own name: whose echo an event is

	mu      sync.Mutex
	queue   []core.Delivery
	telling bool         // a goroutine writes what is queued
	opened  bool         // the first frame was sent
	held    *time.Timer  // nothing is told before it ends: what the client is about to pull comes first
	pulled  core.Stamp   // up to which a pull has answered messages: they are not pushed as well
	unacked []core.Stamp // of pushed messages, oldest first
	acked   core.Stamp   // the newest one the client has
	syncs   uint16
	own     []string // ids of the newest messages it sent to open channels
}

// sink takes what the core tells. It must not block, and writing a frame can take a look at the store:
// a goroutine that lives only while there is something to tell does that.
func (l *link) sink(dl core.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= maxQueue {
		l.conn.Close(1013, "too slow")
		return
	}
	l.queue = append(l.queue, dl)
	l.startTelling()
}

// startTelling starts the goroutine that tells, if there is need of one.
func (l *link) startTelling() {
	if l.opened && l.held == nil && !l.telling && len(l.queue) > 0 {
		l.telling = true
		go l.tellAll()
	}
}

// hold lets events wait, for a time at most. The lock is held.
func (l *link) hold(most time.Duration) {
	if l.held != nil {
		l.held.Stop()
	}
	var t *time.Timer
	t = time.AfterFunc(most, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.held == t {
			l.release()
		}
	})
	l.held = t
}

// release ends a hold. The lock is held.
func (l *link) release() {
	if l.held != nil {
		l.held.Stop()
		l.held = nil
	}
	l.startTelling()
}

// answers notes what a pull is about to answer: with the last page events are told again, without the
// messages that it holds.
func (l *link) answers(upTo core.Stamp, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pulled = max(l.pulled, upTo); more {
		l.hold(pullOn)
	}
}

// knows reports whether a pull has answered the message of an event.
func (l *link) knows(s core.Stamp) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s != 0 && s <= l.pulled
}

// tellAll writes what is queued until nothing is, or it is held up.
func (l *link) tellAll() {
	ctx := context.Background() // ends with the connection: see gone
	for {
		l.mu.Lock()
		if len(l.queue) == 0 || l.held != nil || l.gone() {
			l.telling = false
			l.mu.Unlock()
			return
		}
		ev := l.queue[0].Event
		if l.queue = l.queue[1:]; len(l.queue) == 0 {
			l.queue = nil
		}
		l.mu.Unlock()
		l.tell(ctx, ev)
	}
}

// gone reports whether the connection has ended.
func (l *link) gone() bool {
	select {
	case <-l.conn.Done():
		return true
	default:
		return false
	}
}

// push sends a message that the client is to acknowledge by the low bits of its stamp.
func (l *link) push(s core.Stamp, wire []byte) {
	l.mu.Lock()
	if len(l.unacked) >= maxUnacked {
		l.unacked = l.unacked[1:]
	}
	l.unacked = append(l.unacked, s)
	l.mu.Unlock()
	l.conn.Send(adapters.BinaryFrame(wire))
}

// ackID is the number by which a pushed message is acknowledged.
func ackID(s core.Stamp) uint16 {
	if id := uint16(s); id != 0 { //nolint:gosec // the low bits are meant
		return id
	}
	return 1
}

// took notes what the client has acknowledged: it acknowledges in order.
func (l *link) took(id uint16) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, s := range l.unacked {
		if ackID(s) == id {
			l.acked = max(l.acked, s)
			l.unacked = l.unacked[i+1:]
			return
		}
	}
}

// firstSync is the lowest number given to copies of the person's own messages. The SDK resolves its own
// calls by the same numbers, counting up from 1.
const firstSync = 0xfc00

// syncID is the number of the next copy.
func (l *link) syncID() uint16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.syncs = (l.syncs + 1) & 0x3ff
	return firstSync + l.syncs
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
		s, err := parseSignal(data)
		if text || err != nil {
			l.conn.Close(1002, "not a frame of this protocol")
			return nil //nolint:nilerr // the client was told
		}
		switch s.kind {
		case signalPing:
			l.conn.Send(pong)
		case signalPublish, signalQuery:
			aside(func() { l.serve(ctx, &s) })
		case signalPubAck:
			l.took(s.id)
		case signalQueryCon:
		case signalDisconnect:
			l.conn.Close(1000, "")
			return nil
		default:
			noise++
		}
	}
	l.conn.Close(1008, "too many frames that mean nothing")
	return nil
}

var pong = adapters.BinaryFrame(pongFrame)

// call is one publish or query of a client.
type call struct {
	*link
	topic  string
	target string
	data   []byte
	kind   int // of the conversation it is about, for the status of a failure
}

// outcome is what a call came to: uid and at of a published message, data of a query.
type outcome struct {
	uid    string
	at     time.Time
	data   []byte
	status uint16 // of a query that worked in part
	more   bool   // of a pull: the client is to go on
}

// serve runs one call and answers it.
func (l *link) serve(ctx context.Context, s *signal) {
	ctx, cancel := context.WithTimeout(core.WithOrigin(ctx, l.session), callWithin)
	defer cancel()
	c := &call{link: l, topic: s.topic, target: s.target, data: s.data}
	if s.topic == topicPull {
		l.mu.Lock()
		l.hold(callWithin)
		l.mu.Unlock()
	}
	out, err := c.run(ctx)
	status := out.status
	if err != nil {
		status = linkStatus(c.kind, wireFault(err))
	}
	at := l.d.now()
	if s.kind == signalQuery {
		l.conn.Send(adapters.BinaryFrame(queryAck(s.id, status, at, out.data)))
		if s.topic == topicPull && !out.more {
			l.mu.Lock()
			l.hold(pullRead)
			l.mu.Unlock()
		}
		return
	}
	if !out.at.IsZero() {
		at = out.at
	}
	l.conn.Send(adapters.BinaryFrame(pubAck(s.id, status, out.uid, at)))
}

// run finds the topic and serves it.
func (c *call) run(ctx context.Context) (outcome, error) {
	t, ok := topics[c.topic]
	if !ok {
		return outcome{}, fault.RequestNotImplemented.Error("The topic " + clip(c.topic) + " is not served.")
	}
	return t(ctx, c)
}

// wireFault is a failure of reading a message as an error of the core.
func wireFault(err error) error {
	if errors.Is(err, errWire) || errors.Is(err, errItems) || errors.Is(err, errNeeds) {
		return fault.RequestInvalid.Error("The payload is not the message that belongs to the topic.")
	}
	return err
}
