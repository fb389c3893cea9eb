package shadow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/normalize/diff"
	"dragoman/proxy"
)

// Options is what a shadow is made of. Core and Dialects are required; zero values mean the defaults
// named beside the fields.
type Options struct {
	Core     *core.Core
	Dialects map[string]Dialect // by name
	Registry prometheus.Registerer
	Log      *zap.Logger
	Now      func() time.Time
	// Writes tells whether what an app writes to the core is to be sent to the vendor in shadow-core.
	Writes func(app core.AppID, dialect string) bool
	// Seen tells whether an app's history is read from the vendor only where the traffic shows that it is
	// missing. Otherwise everything is read when shadow-vendor begins.
	Seen func(app core.AppID, dialect string) bool
	// Queue bounds what waits for each app and dialect, in pieces of traffic: 20,000.
	Queue int
	// Window is how long a piece of traffic waits for others that happened before it: 100 ms.
	Window time.Duration
	// Timeout bounds one question to either side: 10 s.
	Timeout time.Duration
	// Retries is how often a call to the vendor that failed by no fault of its own is made again, with
	// pauses that double from 200 ms: 6.
	Retries int
}

// Dialect is what the shadow needs of a dialect: how to learn from its traffic, and what of its answers
// is to be compared.
type Dialect struct {
	Learner adapters.Learner
	Rules   *diff.Table
}

// Shadow follows every app and dialect that is in one of the shadow modes. It implements proxy.Observer.
type Shadow struct {
	o     Options
	met   *metrics
	sides proxy.Sides

	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex
	pairs map[pairKey]*pair
}

// pairKey names one app in one dialect.
type pairKey struct {
	app     core.AppID
	dialect string
}

var _ proxy.Observer = (*Shadow)(nil)

// New makes a shadow. Bind has to follow before there is traffic; Close ends it.
func New(o Options) (*Shadow, error) {
	if o.Core == nil || len(o.Dialects) == 0 {
		return nil, errors.New("shadow: core and dialects are required")
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	no := func(core.AppID, string) bool { return false }
	if o.Writes == nil {
		o.Writes = no
	}
	if o.Seen == nil {
		o.Seen = no
	}
	o.Queue, o.Retries = cmp.Or(o.Queue, 20_000), cmp.Or(o.Retries, 6)
	o.Window, o.Timeout = cmp.Or(o.Window, 100*time.Millisecond), cmp.Or(o.Timeout, 10*time.Second)
	met, err := newMetrics(o.Registry)
	if err != nil {
		return nil, fmt.Errorf("shadow: %w", err)
	}
	s := &Shadow{o: o, met: met, pairs: map[pairKey]*pair{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Bind names the two sides, which are made after the shadow.
func (s *Shadow) Bind(sides proxy.Sides) { s.sides = sides }

// Close ends the work; what still waits is dropped.
func (s *Shadow) Close() {
	s.stop()
	s.done.Wait()
}

// pair is one app in one dialect.
type pair struct {
	s       *Shadow
	key     pairKey
	called  atomic.Pointer[string] // name of the app, once it is known
	learner adapters.Learner
	rules   *diff.Table
	feed    *feed
	mirror  *mirror
	book    *book
	begun   atomic.Bool // what the vendor has is being read, or was
	// follows says that the vendor has the say. Otherwise its links and webhooks tell of nothing but what
	// the core itself has sent there, a moment ago.
	follows atomic.Bool
}

// pair returns the state of an app in a dialect; nil for a dialect that nothing is known of.
func (s *Shadow) pair(app core.AppID, name, dialect string) *pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := pairKey{app, dialect}
	if p := s.pairs[k]; p != nil {
		p.call(name)
		return p
	}
	d, ok := s.o.Dialects[dialect]
	if !ok || d.Learner == nil || s.ctx.Err() != nil {
		return nil
	}
	p := &pair{s: s, key: k, learner: d.Learner, rules: d.Rules, book: newBook(s.o.Now)}
	p.call(name)
	p.feed, p.mirror = newFeed(p), newMirror(p)
	s.pairs[k] = p
	for _, run := range []func(context.Context){p.feed.run, p.mirror.run} {
		s.done.Add(1)
		go func() {
			defer s.done.Done()
			run(s.ctx)
		}()
	}
	return p
}

// call names the app, unless that is done.
func (p *pair) call(name string) {
	if name != "" {
		p.called.CompareAndSwap(nil, &name)
	}
}

// app is the name of the app, for people.
func (p *pair) app() string {
	if n := p.called.Load(); n != nil {
		return *n
	}
	return "app-" + strconv.FormatInt(int64(p.key.app), 10)
}

// Observe implements proxy.Observer: it queues, and no more.
func (s *Shadow) Observe(x *proxy.Exchange) {
	if !x.Mode.Shadowed() || x.Live {
		return
	}
	p := s.pair(x.App, x.AppName, x.Dialect)
	if p == nil {
		return
	}
	p.follows.Store(x.Mode.Foreign())
	switch {
	case x.Mode.Foreign():
		p.begin()
		p.feed.push(piece{exchange: x})
	case !p.write(x):
		p.feed.push(piece{exchange: x})
	case s.o.Writes(x.App, x.Dialect):
		p.mirror.push(x)
	default:
		p.book.note(x.Route, "not sent")
	}
}

// begin has everything read that the vendor has, once.
func (p *pair) begin() {
	if !p.begun.Swap(true) && !p.s.o.Seen(p.key.app, p.key.dialect) {
		p.feed.missed(time.Unix(0, 0))
	}
}

// write reports whether an exchange may have changed something.
func (p *pair) write(x *proxy.Exchange) bool { return x.Write() && !p.rules.Reads(x.Route) }

// Link implements proxy.Observer. The frames of a link that the core serves are its own.
func (s *Shadow) Link(x *proxy.Exchange) proxy.LinkObserver {
	if x.Mode != proxy.ModeShadowVendor {
		return nil
	}
	p := s.pair(x.App, x.AppName, x.Dialect)
	if p == nil {
		return nil
	}
	p.follows.Store(true)
	p.begin()
	p.feed.linked(1)
	return &link{p: p, hear: p.learner.Listen(x.Request)}
}

// link hears one live link.
type link struct {
	p    *pair
	hear adapters.Listener
}

// Frame implements proxy.LinkObserver.
func (l *link) Frame(dir proxy.Direction, text bool, data []byte) {
	if !l.p.follows.Load() {
		return
	}
	l.p.feed.push(piece{link: l, client: dir == proxy.FromClient, text: text, data: data})
}

// Closed implements proxy.LinkObserver. What happened since may have been told to nobody else.
func (l *link) Closed() {
	if l.p.feed.linked(-1); l.p.follows.Load() {
		l.p.feed.missed(l.p.s.o.Now())
	}
}

// Webhook teaches a call that the vendor made to the app's own server; false when it does not prove to be
// the vendor's.
func (s *Shadow) Webhook(app core.AppID, name, dialect string, rq *adapters.Request) bool {
	d, ok := s.o.Dialects[dialect]
	if !ok {
		return false
	}
	l, ok := d.Learner.Webhook(app, rq)
	if !ok {
		return false
	}
	if p := s.pair(app, name, dialect); p != nil && len(l.Items) > 0 && p.follows.Load() {
		p.feed.push(piece{hook: &l})
	}
	return true
}
