package proxy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"dragoman/core"
	"dragoman/core/fault"
)

// plan is who answers: the mode of an app and, before it, those of some operations. It is replaced as a
// whole.
type plan struct {
	mode   Mode
	routes []RouteMode
}

// of is the mode of one operation; the first row that matches counts.
func (p *plan) of(name, method, path string) Mode {
	for _, r := range p.routes {
		if r.matches(name, method, path) {
			return r.Mode
		}
	}
	return p.mode
}

// String writes the plan for people: "vendor; SendMessage=core".
func (p *plan) String() string {
	s := string(p.mode)
	for _, r := range p.routes {
		s += "; " + r.On + "=" + string(r.Mode)
	}
	return s
}

// Setting is who answers for one app in one dialect.
type Setting struct {
	App     string      `json:"app"`
	Dialect string      `json:"dialect"`
	Mode    Mode        `json:"mode"`
	Routes  []RouteMode `json:"routes,omitempty"`
}

// AuditEntry is one change an operator made.
type AuditEntry struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	App     string    `json:"app"`
	Dialect string    `json:"dialect"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Note    string    `json:"note,omitempty"`
}

// Ledger keeps what operators chose. Its errors are *fault.Error.
type Ledger interface {
	// Settings reads all that was ever chosen, the last of each app and dialect.
	Settings(ctx context.Context) ([]Setting, error)
	// Choose keeps a setting and the entry that tells of it, both or neither.
	Choose(ctx context.Context, s Setting, e AuditEntry) error
	// Note keeps an entry alone.
	Note(ctx context.Context, e AuditEntry) error
	// Audit reads the newest entries, the newest first.
	Audit(ctx context.Context, limit int) ([]AuditEntry, error)
}

// FrontState is how one app with a vendor behind it stands.
type FrontState struct {
	Setting
	URL      string `json:"url"`
	LiveURL  string `json:"live_url"`
	Breaker  string `json:"breaker"` // closed, half-open, open
	InFlight int    `json:"in_flight"`
	Links    int    `json:"links"` // relayed
}

// newFronts prepares the vendors of the options and the modes of the ledger.
func (s *Server) newFronts() error {
	for _, u := range s.opt.Upstreams {
		var found *Mount
		for i := range s.opt.Listeners {
			for j := range s.opt.Listeners[i].Mounts {
				if m := &s.opt.Listeners[i].Mounts[j]; m.Name == u.Dialect && m.Dialect != nil {
					found = m
				}
			}
		}
		if found == nil {
			return fmt.Errorf("proxy: upstream of app %d: no dialect %q is served", u.App, u.Dialect)
		}
		k := frontKey{u.App, u.Dialect}
		if s.fronts[k] != nil {
			return fmt.Errorf("proxy: app %d has two upstreams for %s", u.App, u.Dialect)
		}
		f, err := s.newFronted(u, found.Dialect)
		if err != nil {
			return err
		}
		s.fronts[k] = f
	}
	return nil
}

// frontsOf are the apps of a dialect that have a vendor.
func (s *Server) frontsOf(dialect string) map[core.AppID]*fronted {
	out := map[core.AppID]*fronted{}
	for k, f := range s.fronts {
		if k.dialect == dialect {
			out[k.app] = f
		}
	}
	return out
}

// frontNamed finds a fronted app by names.
func (s *Server) frontNamed(app, dialect string) (*fronted, error) {
	for _, f := range s.fronts {
		if f.name == app && f.dialect == dialect {
			return f, nil
		}
	}
	return nil, fault.ResourceNotFound.Error("The app " + app + " has no upstream for " + dialect + ".")
}

// Fronts lists the apps that have a vendor behind them.
func (s *Server) Fronts() []FrontState {
	out := make([]FrontState, 0, len(s.fronts))
	for _, f := range s.fronts {
		p, sd := f.plan.Load(), f.side.Load()
		out = append(out, FrontState{
			Setting: Setting{App: f.name, Dialect: f.dialect, Mode: p.mode, Routes: p.routes},
			URL:     sd.conf.URL, LiveURL: sd.conf.LiveURL, Breaker: f.breaker.cb.State().String(),
			InFlight: int(sd.pending()), Links: int(f.links.Load()),
		})
	}
	slices.SortFunc(out, func(a, b FrontState) int {
		return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(a.Dialect, b.Dialect))
	})
	return out
}

// pending counts the calls under way.
func (s *side) pending() (n int) {
	for _, c := range s.clients {
		n += c.http.PendingRequests()
	}
	return n
}

// Order is what an operator asks for.
type Order struct {
	Setting
	By   string `json:"-"`
	Note string `json:"note,omitempty"` // why, for the audit log
	// Keep leaves live links where they are that the change puts on the wrong side. Otherwise they are
	// asked to come again, as at the end of a server.
	Keep bool `json:"keep_links,omitempty"`
	// Force switches even where the observer, or calls that do not end, speak against it.
	Force bool `json:"force,omitempty"`
}

// Switch changes who answers for an app in a dialect. New calls wait for a moment while those under way
// end and the observer hands over; then the change is kept, and holds. No connection of a call is
// dropped.
func (s *Server) Switch(ctx context.Context, o Order) error {
	f, err := s.frontNamed(o.App, o.Dialect)
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now, next := f.plan.Load(), &plan{o.Mode, o.Routes}
	if now.String() == next.String() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, holdTime-time.Second)
	defer cancel()
	err = f.gate.hold(ctx)
	defer f.gate.open()
	if err == nil {
		err = s.handOver(ctx, f, now.mode, next.mode)
	}
	if err != nil && !o.Force {
		return fault.RequestConflict.Error("The modes stay as they are: " + err.Error() + ".")
	}
	e := AuditEntry{At: time.Now().UTC(), By: o.By, App: f.name, Dialect: f.dialect, From: now.String(), To: next.String(), Note: o.Note}
	if s.opt.Ledger != nil {
		if err := s.opt.Ledger.Choose(context.WithoutCancel(ctx), o.Setting, e); err != nil {
			return err
		}
	}
	f.take(next, o.By)
	if !o.Keep {
		s.sockets.regroup(f, next, s.opt.Sockets.DrainSpread, s.drain)
	}
	return nil
}

// check refuses modes that do not exist.
func (o *Order) check() error {
	if _, err := ParseMode(string(o.Mode)); err != nil {
		return fault.RequestInvalidField.Error(err.Error())
	}
	for _, r := range o.Routes {
		if _, err := ParseMode(string(r.Mode)); err != nil {
			return fault.RequestInvalidField.Error(err.Error())
		}
		if r.On == "" {
			return fault.RequestMissingField.Error("a route needs the name of an operation, or a method and a path")
		}
	}
	return nil
}

// handOver lets the observer bring one side up to the other.
func (s *Server) handOver(ctx context.Context, f *fronted, from, to Mode) error {
	h, ok := s.opt.Observer.(Handover)
	if !ok || from == to {
		return nil
	}
	return h.Handover(ctx, f.app, f.dialect, from, to)
}

// take puts a plan in force. The caller holds mu.
func (f *fronted) take(next *plan, by string) {
	was := f.plan.Swap(next)
	f.met.mode(next.mode)
	f.s.log.Info("mode switched", zap.String("app", f.name), zap.String("dialect", f.dialect),
		zap.String("from", was.String()), zap.String("to", next.String()), zap.String("by", by))
}

// Renew replaces the vendors: new addresses, keys and bounds, without dropping a connection. What is not
// named stays as it is; the modes stay too. A vendor that was not there at the start is refused.
func (s *Server) Renew(ctx context.Context, by string, list []Upstream) error {
	for _, u := range list {
		f := s.fronts[frontKey{u.App, u.Dialect}]
		if f == nil {
			return fault.RequestInvalid.Error("An upstream can be changed at run time, but not added: restart for that.")
		}
		if err := f.set(u); err != nil {
			return fault.RequestInvalid.Error(err.Error())
		}
		s.log.Info("upstream renewed", zap.String("app", f.name), zap.String("dialect", f.dialect), zap.String("by", by))
		if s.opt.Ledger == nil {
			continue
		}
		if err := s.opt.Ledger.Note(ctx, AuditEntry{At: time.Now().UTC(), By: by, App: f.name, Dialect: f.dialect, Note: "addresses, keys and bounds read anew"}); err != nil {
			return err
		}
	}
	return nil
}

// Audit reads the newest changes; none without a ledger.
func (s *Server) Audit(ctx context.Context, limit int) ([]AuditEntry, error) {
	if s.opt.Ledger == nil {
		return nil, nil
	}
	return s.opt.Ledger.Audit(ctx, limit)
}

// recall puts in force what the ledger says: what was chosen before the last start, or on another node.
func (s *Server) recall(ctx context.Context) error {
	if s.opt.Ledger == nil || len(s.fronts) == 0 {
		return nil
	}
	list, err := s.opt.Ledger.Settings(ctx)
	if err != nil {
		return err
	}
	for _, to := range list {
		f, err := s.frontNamed(to.App, to.Dialect)
		if err != nil {
			continue // an app that has no vendor any more
		}
		f.mu.Lock()
		if next := (&plan{to.Mode, to.Routes}); next.String() != f.plan.Load().String() {
			f.take(next, "ledger")
			s.sockets.regroup(f, next, s.opt.Sockets.DrainSpread, s.drain)
		}
		f.mu.Unlock()
	}
	return nil
}

// follow asks the ledger now and then, until the server drains.
func (s *Server) follow() {
	tick := time.NewTicker(s.opt.LedgerEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.drain.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(s.drain, s.opt.RequestTimeout)
		if err := s.recall(ctx); err != nil && s.drain.Err() == nil {
			s.log.Warn("the ledger of modes could not be read", zap.Error(err))
		}
		cancel()
	}
}
