package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Subjects of the bus. Every message starts with the node that sent it, which ignores its own.
const subjectControl = "ctl"

func channelSubject(k roomKey) string { return fmt.Sprintf("ev.%d.%d", k.app, k.ch) }

func userPrefix(app core.AppID) string { return fmt.Sprintf("usr.%d.", app) }

func userSubject(k userKey) string {
	return userPrefix(k.app) + base64.RawURLEncoding.EncodeToString([]byte(k.user))
}

func peopleSubject(app core.AppID) string { return fmt.Sprintf("ppl.%d", app) }

// dispatcher hands events on in the order they were committed: one goroutine, no store access but
// to fill a gap and to settle memberships. The queue is bounded; see add.
type dispatcher struct {
	e      *Engine
	mu     sync.Mutex
	queue  []delivery
	wake   chan struct{}
	closed bool

	most    int    // how many events may wait
	dropped uint64 // left to be read later, or not told
}

type delivery struct {
	ev     *core.Event
	remote bool
	then   func()      // instead of an event: work that has to wait for the events before it
	only   core.UserID // the one person in whose name a directed event came by the bus
	place  *placeKey   // instead of an event: a membership to bring the audience up to date with
}

func newDispatcher(e *Engine) *dispatcher {
	return &dispatcher{e: e, wake: make(chan struct{}, 1), most: dispatchMost}
}

// push queues local events.
func (d *dispatcher) push(evs ...*core.Event) {
	if len(evs) == 0 {
		return
	}
	d.mu.Lock()
	for _, ev := range evs {
		d.add(delivery{ev: ev})
	}
	d.mu.Unlock()
	d.kick()
}

// then runs f after the events queued so far have been handed on. f must not block.
func (d *dispatcher) then(f func()) {
	d.mu.Lock()
	d.queue = append(d.queue, delivery{then: f})
	d.mu.Unlock()
	d.kick()
}

// add queues an event. When too many wait, which a store that answers no gap for long can cause, the
// stored ones are left to be read from the store later, and passing ones are not told. What ends
// connections is always kept. The lock is held.
func (d *dispatcher) add(x delivery) {
	if len(d.queue) < d.most || endsConnections[x.ev.Kind] {
		d.queue = append(d.queue, x)
		return
	}
	d.dropped++
	if x.ev.Ev > 0 && x.ev.Channel != nil {
		k := roomKey{x.ev.App, x.ev.Channel.ID}
		d.e.kit.look.room(k)
		if !x.remote {
			d.e.kit.heads.note(k, x.ev.Ev)
		}
	}
}

// endsConnections are the kinds after which connections of somebody end.
var endsConnections = map[core.EventKind]bool{core.UserDeactivated: true, core.UserDeleted: true, core.SessionKicked: true}

// dispatchMost is how many events may wait to be handed on.
const dispatchMost = 1 << 16

// place brings an audience up to date with a membership, after the events queued so far.
func (d *dispatcher) place(k placeKey) {
	d.mu.Lock()
	d.queue = append(d.queue, delivery{place: &k})
	d.mu.Unlock()
	d.kick()
}

func (d *dispatcher) pushRemote(ev *core.Event) { d.pushFor(ev, "") }

// pushFor queues an event of another node that came in the name of one of those it is for.
func (d *dispatcher) pushFor(ev *core.Event, only core.UserID) {
	d.mu.Lock()
	d.add(delivery{ev: ev, remote: true, only: only})
	d.mu.Unlock()
	d.kick()
}

func (d *dispatcher) kick() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *dispatcher) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.kick()
}

// run works until the engine stops; what is queued then is still handed on.
func (d *dispatcher) run(ctx context.Context) {
	var spare []delivery
	for {
		d.mu.Lock()
		batch := d.queue
		d.queue = spare[:0]
		stop := d.closed
		d.mu.Unlock()
		for i := range batch {
			d.one(ctx, batch[i])
			batch[i] = delivery{}
		}
		spare = batch
		if len(batch) > 0 {
			continue
		}
		if stop {
			return
		}
		<-d.wake
	}
}

func (d *dispatcher) one(ctx context.Context, x delivery) {
	if x.then != nil {
		x.then()
		return
	}
	if x.place != nil {
		d.e.settlePlace(ctx, *x.place)
		return
	}
	if x.only != "" && !d.e.hub.counts(x.ev) {
		x.ev.To = []core.UserID{x.only} // the others named have subjects of their own
	}
	told := false // what another node's event made us read already
	if x.ev.Ev > 0 && x.ev.Channel != nil && (x.remote || !d.e.alone.Load()) {
		if told = !d.e.fillGap(ctx, x.ev); told && x.remote {
			return
		}
	}
	if x.remote && x.ev.Channel != nil {
		// The configuration does not travel; receivers show it with the channel.
		if cfg, err := d.e.configOf(ctx, x.ev.App, x.ev.Channel); err == nil {
			x.ev.Config = cfg
		}
	}
	if !hooksOnly[x.ev.Kind] && !told {
		d.e.hub.deliver(x.ev)
	}
	if (x.ev.Kind == core.UserDeactivated || x.ev.Kind == core.UserDeleted) && x.ev.User != nil {
		d.e.hub.end(userKey{x.ev.App, x.ev.User.ID}, fault.AuthFailed.Error("The user is deactivated"))
	}
	if x.ev.Kind == core.SessionKicked {
		d.e.hub.kicked(x.ev)
	}
	if !x.remote {
		d.e.announce(x.ev)
	}
}

// announce tells the other nodes, if there are any.
func (e *Engine) announce(ev *core.Event) {
	if e.alone.Load() {
		return
	}
	if ev.Ev > 0 && ev.Channel != nil {
		e.kit.heads.note(roomKey{ev.App, ev.Channel.ID}, ev.Ev)
	}
	b, err := json.Marshal(ev)
	if err != nil {
		e.opts.Report("event cannot be encoded for the bus", err)
		return
	}
	switch {
	case len(ev.To) > 0:
		for _, u := range ev.To {
			_ = e.publish(userSubject(userKey{ev.App, u}), b)
		}
	case ev.Channel != nil:
		_ = e.publish(channelSubject(roomKey{ev.App, ev.Channel.ID}), b)
	default:
		_ = e.publish(peopleSubject(ev.App), b)
	}
}

// publish tells the other nodes. A refusal is reported here; callers have to act on it only where a
// message lost would leave the others wrong for good.
func (e *Engine) publish(subject string, b []byte) error {
	msg := make([]byte, 0, len(e.node)+1+len(b))
	msg = append(append(append(msg, e.node...), ' '), b...)
	err := e.bus.Publish(subject, msg)
	if err != nil {
		e.opts.Report("bus does not take messages", err)
	}
	return err
}

// fillGapLimit bounds reading missed events.
const fillGapLimit = 2 * time.Second

// missedSlack is how far clocks of nodes may be apart for an event to be taken for one from before
// a connection came.
const missedSlack = 500 * time.Millisecond

// fillGap delivers the stored events between what the channel's audience has seen and ev. It
// reports false when ev itself was seen already.
func (e *Engine) fillGap(ctx context.Context, ev *core.Event) bool {
	e.hub.mu.RLock()
	a := e.hub.rooms[roomKey{ev.App, ev.Channel.ID}]
	var last int64
	var made time.Time
	if a != nil {
		last, made = a.lastEv.Load(), a.made
	}
	e.hub.mu.RUnlock()
	switch {
	case a == nil:
		return len(ev.To) > 0 // who is named need not be in the channel
	case ev.Ev <= last:
		return false
	case ev.Ev == last+1, last == 0 && !e.opts.Shared:
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillGapLimit)
	defer cancel()
	rows, err := e.unheard(ctx, roomKey{ev.App, ev.Channel.ID}, last, max(last, ev.Ev-1000), made, int(min(ev.Ev-last-1, 1000)))
	if err == nil {
		var missed []*core.Event
		if missed, err = e.rebuild(ctx, ev.App, rows); err == nil {
			for _, m := range missed {
				if m.Ev < ev.Ev {
					e.hub.deliver(m)
				}
			}
		}
	}
	if err != nil { // nothing is told before what came earlier: it is all read later
		e.opts.Report("missed events cannot be read", err)
		e.kit.look.room(roomKey{ev.App, ev.Channel.ID})
		return false
	}
	return true
}

// listen subscribes to what concerns every node and says hello. A node believes itself alone, and
// saves itself the work of telling others, until it hears the first foreign message; what is not
// told in that moment is found by the gap in the numbers of the next event.
func (e *Engine) listen() error {
	e.alone.Store(!e.opts.Shared)
	_, err := e.bus.Subscribe(subjectControl, func(_ string, data []byte) {
		if node, b, ok := e.sender(data); ok {
			if e.alone.Swap(false) {
				_ = e.publish(subjectControl, hello)
			}
			var in invalidation
			if json.Unmarshal(b, &in) == nil {
				e.forgetHere(in)
				e.lookAtPlaces(&in)
				e.heardSaying(node, in.No)
			}
		}
	})
	if err != nil {
		return err
	}
	if _, err = e.bus.Subscribe("ppl.*", e.receive); err != nil {
		return err
	}
	if err := e.listenAsked(); err != nil {
		return err
	}
	if err := e.meet(); err != nil {
		return err
	}
	_ = e.publish(subjectControl, hello)
	return e.bus.Flush()
}

// hello is an invalidation of nothing.
var hello = []byte("{}")

func (e *Engine) receive(subject string, data []byte) {
	_, b, ok := e.sender(data)
	if !ok {
		return
	}
	ev := new(core.Event)
	if err := json.Unmarshal(b, ev); err != nil {
		e.opts.Report("event from the bus cannot be read", err)
		return
	}
	if id, ok := strings.CutPrefix(subject, userPrefix(ev.App)); ok {
		u, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil {
			return
		}
		e.dispatch.pushFor(ev, core.UserID(u))
		return
	}
	e.dispatch.pushRemote(ev)
}

func (e *Engine) subscribeUser(k userKey) func()    { return e.subscribe(userSubject(k)) }
func (e *Engine) subscribeChannel(k roomKey) func() { return e.subscribe(channelSubject(k)) }

func (e *Engine) subscribe(subject string) func() {
	cancel, err := e.bus.Subscribe(subject, e.receive)
	if err != nil {
		e.opts.Report("bus does not take subscriptions", err)
		return func() {}
	}
	return cancel
}
