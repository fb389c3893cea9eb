package shadow

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/normalize/diff"
	"dragoman/proxy"
)

// mirror sends what the core was told to the vendor, one call after the other in their order, so that the
// vendor has it when it is to answer again.
type mirror struct {
	p     *pair
	mu    sync.Mutex
	queue []*proxy.Exchange
	busy  bool
	lost  int // writes that the vendor does not have
	sent  int
	names map[string]string // of what the core has made, as the vendor named it
	order []string          // of names, oldest first
	wake  chan struct{}
	idle  chan struct{} // closed and made anew whenever the queue is empty
}

func newMirror(p *pair) *mirror {
	return &mirror{p: p, names: map[string]string{}, wake: make(chan struct{}, 1), idle: make(chan struct{})}
}

// push queues a write that the core has answered. One that the core refused is not sent: the vendor has
// nothing to catch up with.
func (m *mirror) push(x *proxy.Exchange) {
	if x.Answer.Code != "" {
		m.p.book.note(x.Route, declined)
		return
	}
	m.mu.Lock()
	full := len(m.queue) >= m.p.s.o.Queue || x.Cut
	if full {
		m.lost++
	} else {
		m.queue = append(m.queue, x)
	}
	m.mu.Unlock()
	if full {
		m.p.book.note(x.Route, lost)
		m.p.s.met.mirrored(m.p, lost)
		return
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// run sends until ctx ends.
func (m *mirror) run(ctx context.Context) {
	for {
		m.mu.Lock()
		var x *proxy.Exchange
		if len(m.queue) > 0 {
			x, m.queue = m.queue[0], m.queue[1:]
		} else {
			close(m.idle)
			m.idle = make(chan struct{})
		}
		m.busy = x != nil
		m.mu.Unlock()
		if x != nil {
			m.send(ctx, x)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		}
	}
}

// send makes one call to the vendor and compares its answer with the core's.
func (m *mirror) send(ctx context.Context, x *proxy.Exchange) {
	p := m.p
	call := p.learner.Again(x.Route, x.Request, x.Raw, x.Answer.Body)
	if call == nil {
		p.book.note(x.Route, alone)
		return
	}
	call = m.renamed(call)
	answer, err := p.askVendor(ctx, call)
	if err != nil && ctx.Err() != nil {
		return
	}
	if err != nil {
		m.mu.Lock()
		m.lost++
		m.mu.Unlock()
		p.book.note(x.Route, lost)
		p.s.met.mirrored(p, lost)
		p.s.o.Log.Warn("the vendor did not take a write", zap.String("app", p.app()), zap.String("dialect", p.key.dialect),
			zap.String("operation", x.Route), zap.String("request_id", x.Request.ID), zap.Error(err))
		if answer.Status == 0 {
			return
		}
	} else {
		m.mu.Lock()
		m.sent++
		m.mu.Unlock()
		p.s.met.mirrored(p, sent)
	}
	m.made(p.learner.Made(x.Route, x.Answer.Body), p.learner.Made(x.Route, answer.Body))
	r := p.judge(x, x.Answer, answer)
	if p.rules.Alone(x.Route) != "" {
		r = diff.Result{Verdict: diff.Incomparable}
	}
	p.book.judged(x, &r)
	p.s.met.judged(p, x.Route, &r)
}

// maxNames bounds the names remembered: what is changed later than that many messages is not found at
// the vendor, and counts as lost.
const maxNames = 100_000

// made remembers that both sides have named the same thing.
func (m *mirror) made(core, vendor string) {
	if core == "" || vendor == "" || core == vendor {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.names[core]; !known {
		if m.order = append(m.order, core); len(m.order) > maxNames {
			delete(m.names, m.order[0])
			m.order = m.order[1:]
		}
	}
	m.names[core] = vendor
}

// same reports whether the vendor's first and the core's second name the same thing.
func (m *mirror) same(first, second string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.names[second]
	return ok && v == first
}

// renamed puts the vendor's names into the path of a call.
func (m *mirror) renamed(call *adapters.Call) *adapters.Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.names) == 0 {
		return call
	}
	path, query, asked := strings.Cut(call.Raw, "?")
	parts := strings.Split(path, "/")
	changed := false
	for i, s := range parts {
		if v, ok := m.names[s]; ok {
			parts[i], changed = v, true
		}
	}
	if !changed {
		return call
	}
	out := *call
	if out.Raw = strings.Join(parts, "/"); asked {
		out.Raw += "?" + query
	}
	return &out
}

// drain waits until everything is sent.
func (m *mirror) drain(ctx context.Context) error {
	for {
		m.mu.Lock()
		done, idle := len(m.queue) == 0 && !m.busy, m.idle
		m.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// behind reports whether the first write has waited for too long.
func (m *mirror) behind(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.queue) > 0 && now.Sub(m.queue[0].At) > tooLate
}

// state tells how the mirror stands.
func (m *mirror) state() Mirrored {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.queue)
	if m.busy {
		n++
	}
	return Mirrored{Waiting: n, Sent: m.sent, Lost: m.lost}
}
