package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"dragoman/core"
	"dragoman/core/fair"
)

// Server serves all listeners. It is made by New, started by Listen and ended by Shutdown, once
// each.
type Server struct {
	opt       Options
	log       *zap.Logger
	met       *metrics
	limits    *limiter
	calls     *fair.Gate // lets requests through by turns of their apps
	sockets   *registry
	listeners []*listener
	ops       *opsServer

	apps   map[core.AppID]*tenant // configured ones
	others sync.Map               // core.AppID → *tenant, with default settings

	hop     string                // this process, for the guard against loops
	fronts  map[frontKey]*fronted // apps with a vendor behind them
	strange *strange

	base     context.Context // ends when Shutdown gives up waiting
	abort    context.CancelFunc
	drain    context.Context // ends when Shutdown begins: for long polls
	draining context.CancelFunc
	failed   chan error
	up       atomic.Bool
	serving  sync.WaitGroup
}

// tenant is one app's run-time state.
type tenant struct {
	App
	breaker *breaker
}

// New checks the options and compiles the routing tables. Nothing is opened yet.
func New(o Options) (*Server, error) {
	if len(o.Listeners) == 0 {
		return nil, errors.New("proxy: no listener")
	}
	s := &Server{opt: o.withDefaults(), apps: map[core.AppID]*tenant{}, failed: make(chan error, len(o.Listeners)+1)}
	s.log = s.opt.Log
	s.base, s.abort = context.WithCancel(context.Background())
	s.drain, s.draining = context.WithCancel(s.base)
	s.limits = newLimiter()
	s.calls = fair.New(s.opt.Calls)
	met, err := newMetrics(s.opt.Registry)
	if err != nil {
		return nil, err
	}
	s.met = met
	for _, c := range gateMetrics(s.calls) {
		if err := s.opt.Registry.Register(c); err != nil {
			return nil, err
		}
	}
	if ask := s.opt.StoreBreaker; ask != nil {
		if err := s.opt.Registry.Register(storeBreaker(ask)); err != nil {
			return nil, err
		}
	}
	s.hop, s.fronts, s.strange = "dragoman-"+newRequestID()[:12], map[frontKey]*fronted{}, newStrange(met)
	s.sockets = newRegistry(s.opt.MaxSockets)
	if s.sockets.total = s.opt.AllSockets; s.opt.Neighbours != nil {
		s.limits.eager = make(chan struct{}, 1)
		s.sockets.moved = func() { wake(s.limits.eager) }
	}
	for _, a := range s.opt.Apps {
		if _, dup := s.apps[a.ID]; dup {
			return nil, fmt.Errorf("proxy: app %d configured twice", a.ID)
		}
		s.apps[a.ID] = s.newTenant(a)
	}
	if err := s.newFronts(); err != nil {
		return nil, err
	}
	for i := range s.opt.Listeners {
		l, err := newListener(s, &s.opt.Listeners[i])
		if err != nil {
			return nil, err
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
}

// newTenant starts an app's run-time state.
func (s *Server) newTenant(a App) *tenant {
	if a.Name == "" {
		a.Name = fmt.Sprintf("app-%d", a.ID)
		if a.ID == 0 {
			a.Name = "none" // requests without credentials
		}
	}
	return &tenant{App: a, breaker: newBreaker(a.Name, s.opt.Breaker, s.met.breakerMoved(a.Name, "core"))}
}

// tenant returns the state of an app; authentication names existing apps only, so the number of
// tenants is bounded by theirs.
func (s *Server) tenant(id core.AppID) *tenant {
	if t, ok := s.apps[id]; ok {
		return t
	}
	if t, ok := s.others.Load(id); ok {
		return t.(*tenant)
	}
	t, _ := s.others.LoadOrStore(id, s.newTenant(App{ID: id}))
	return t.(*tenant)
}

// Listen opens every listener and returns when all accept connections. A failure closes what was
// opened. Serving goes on until Shutdown; Failed tells of a listener that broke.
func (s *Server) Listen(ctx context.Context) error {
	if err := s.recall(ctx); err != nil {
		return fmt.Errorf("proxy: read the modes: %w", err)
	}
	for i, l := range s.listeners {
		if err := l.open(ctx); err != nil {
			for _, o := range s.listeners[:i] {
				_ = o.ln.Close() // never served
			}
			return fmt.Errorf("proxy: listen on %s: %w", l.name, err)
		}
	}
	if s.opt.Ops != nil {
		ops, err := newOps(ctx, s, s.opt.Ops)
		if err != nil {
			for _, o := range s.listeners {
				_ = o.ln.Close() // never served
			}
			return fmt.Errorf("proxy: listen on %s: %w", s.opt.Ops.Addr, err)
		}
		s.ops = ops
	}
	if err := s.meet(s.drain); err != nil {
		for _, o := range s.listeners {
			_ = o.ln.Close() // never served
		}
		return fmt.Errorf("proxy: listen to the other nodes: %w", err)
	}
	for _, l := range s.listeners {
		s.serving.Go(func() { s.report(l.name, l.serve()) })
	}
	if s.ops != nil {
		s.serving.Go(func() { s.report("ops", s.ops.serve()) })
	}
	if s.opt.Ledger != nil && len(s.fronts) > 0 {
		s.serving.Go(s.follow)
	}
	s.up.Store(true)
	return nil
}

// report passes on the error of a listener that ended by itself.
func (s *Server) report(name string, err error) {
	if err == nil || s.drain.Err() != nil {
		return
	}
	s.log.Error("listener broke", zap.String("listener", name), zap.Error(err))
	s.failed <- fmt.Errorf("proxy: listener %s: %w", name, err)
}

// Failed receives the error of a listener that ended without Shutdown.
func (s *Server) Failed() <-chan error { return s.failed }

// Addr returns the address a listener accepts on, by its name; nil before Listen or when unknown.
// The operations listener is called "ops".
func (s *Server) Addr(name string) net.Addr {
	if name == "ops" && s.ops != nil {
		return s.ops.ln.Addr()
	}
	for _, l := range s.listeners {
		if l.name == name && l.ln != nil {
			return l.ln.Addr()
		}
	}
	return nil
}

// Shutdown drains: readiness turns false, listeners close, live connections get close code 1001
// spread over a few seconds, running requests finish. When ctx ends first, what is left is cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.up.Store(false)
	s.draining()
	errs := make([]error, len(s.listeners)+1)
	var wg sync.WaitGroup
	for i, l := range s.listeners {
		wg.Go(func() { errs[i] = l.shutdown(ctx) })
	}
	wg.Go(func() { errs[len(errs)-1] = s.sockets.drain(ctx, s.opt.Sockets.DrainSpread) })
	wg.Wait()
	s.abort()
	s.sockets.cut()
	if s.ops != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		errs = append(errs, s.ops.shutdown(stop))
	}
	s.serving.Wait()
	for _, f := range s.fronts {
		f.side.Load().close()
	}
	return errors.Join(errs...)
}
