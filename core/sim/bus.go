package sim

import (
	"strings"
	"sync"
	"time"
)

// cable is the bus between the nodes.
type cable struct {
	w     *world
	mu    sync.Mutex
	ports []*port
}

// port is one node's end of the bus. It implements bus.Bus.
type port struct {
	c       *cable
	n       *node
	mu      sync.Mutex // guards the fields below, and hands messages on one at a time
	subs    []*sub
	moments moments
}

// sub is one subscription.
type sub struct {
	subject string
	f       func(string, []byte)
	gone    bool
}

// plug adds a node to the bus.
func (c *cable) plug(n *node) *port {
	p := &port{c: c, n: n}
	c.mu.Lock()
	c.ports = append(c.ports, p)
	c.mu.Unlock()
	return p
}

// pull takes a node off the bus.
func (c *cable) pull(n *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.ports {
		if p.n == n {
			c.ports = append(c.ports[:i:i], c.ports[i+1:]...)
			return
		}
	}
}

// Publish sends copies on their way, each with a fate of its own. Nobody hears themself.
func (p *port) Publish(subject string, data []byte) error {
	w := p.c.w
	if p.n.gone() || p.n.deaf.Load() {
		return nil
	}
	p.c.mu.Lock()
	others := p.c.ports
	p.c.mu.Unlock()
	for _, to := range others {
		if to == p || !to.wants(subject) {
			continue
		}
		key := to.n.name + " " + subject
		f := w.seed.str("bus").str(p.n.name).str(key).num(p.moments.nth(key))
		for copies := range 2 {
			f := f.num(uint64(copies)) //nolint:gosec // 0 or 1
			r := w.rates()
			if copies == 1 && !f.str("twice").chance(r.repeat) {
				break
			}
			if f.str("lost").chance(r.lose) {
				w.say("bus %s to %s: %s lost", p.n.name, to.n.name, subject)
				continue
			}
			wait := f.within(100*time.Microsecond, 2*time.Millisecond)
			if f.str("late").chance(r.late) {
				wait = f.within(10*time.Millisecond, 1500*time.Millisecond)
			}
			time.AfterFunc(wait, func() { to.take(subject, data) })
		}
	}
	return nil
}

// take hands a message on, or keeps it while the process stands still.
func (p *port) take(subject string, data []byte) {
	if rest := p.n.standing(); rest > 0 {
		time.AfterFunc(rest+p.c.w.seed.str(subject).num(uint64(len(data))).within(0, time.Millisecond), func() { p.take(subject, data) })
		return
	}
	if p.n.gone() || p.n.deaf.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.subs {
		if !s.gone && matches(s.subject, subject) {
			f := s.f
			p.mu.Unlock() // it may publish, subscribe or cancel
			f(subject, data)
			p.mu.Lock()
		}
	}
}

// wants reports whether somebody listens.
func (p *port) wants(subject string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.subs {
		if matches(s.subject, subject) {
			return true
		}
	}
	return false
}

// matches knows the one wildcard that the engine uses, at the end.
func matches(pattern, subject string) bool {
	if head, ok := strings.CutSuffix(pattern, "*"); ok {
		rest, ok := strings.CutPrefix(subject, head)
		return ok && !strings.Contains(rest, ".")
	}
	return pattern == subject
}

// Subscribe implements bus.Bus.
func (p *port) Subscribe(subject string, f func(string, []byte)) (func(), error) {
	s := &sub{subject: subject, f: f}
	p.mu.Lock()
	p.subs = append(p.subs, s)
	p.mu.Unlock()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		s.gone = true
		kept := make([]*sub, 0, len(p.subs))
		for _, o := range p.subs {
			if o != s {
				kept = append(kept, o)
			}
		}
		p.subs = kept
	}, nil
}

// Flush implements bus.Bus.
func (p *port) Flush() error { return nil }

// Close implements bus.Bus.
func (p *port) Close() {}
