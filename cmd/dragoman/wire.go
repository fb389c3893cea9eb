package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/adapters/all"
	"dragoman/config"
	"dragoman/core"
	"dragoman/core/blob"
	"dragoman/core/bus"
	"dragoman/core/engine"
	"dragoman/core/fair"
	"dragoman/core/remote"
	"dragoman/core/store"
	"dragoman/core/store/breaker"
	"dragoman/normalize"
	"dragoman/proxy"
	"dragoman/proxy/shadow"
	"dragoman/web"
)

// node is everything that runs, bottom to top.
type node struct {
	store   store.Store
	breaker *breaker.Store
	bus     bus.Bus
	blobs   *blob.Disk
	engine  *engine.Engine
	served  *core.Core // the engine's, or that of other nodes
	core    *core.Core // the same as dialects are given it
	remote  *remote.Client
	metrics *prometheus.Registry
	callers *callers
	server  *proxy.Server
	front   atomic.Pointer[proxy.Server] // the same, for what is asked from other goroutines
	ids     []core.AppID                 // in the order of the configuration
	shadow  *shadow.Shadow               // nil when no app has a vendor

	sidecars *coreServer // nil when none are served
}

// Writes let through to the store's own queue at one time, those of one app while others write, too,
// and those of one app that may wait. Twice what the store commits together keeps it busy.
const (
	storeSlots = 128
	storeShare = 16
	storeQueue = 1024
)

// assemble opens the parts from the bottom to the top. This file is the only place that knows all
// of them.
func assemble(ctx context.Context, p *Program) (_ *node, err error) {
	c := p.Config
	if c.Core.Kind == config.CoreRemote {
		return assembleSidecar(ctx, p)
	}
	report := func(msg string, err error) { p.Log.Warn(msg, zap.Error(err)) }
	n := &node{callers: newCallers(), metrics: newMetrics()}
	defer func() {
		if err != nil {
			_ = n.close(ctx) // the first error is the one to tell
		}
	}()
	db, err := openStore(ctx, c, p.Log)
	if err != nil {
		return nil, err
	}
	guarded := breaker.Wrap(db, breaker.Options{
		Failures: uint32(c.Breaker.Failures), Window: c.Breaker.Window.Duration, OpenFor: c.Breaker.OpenFor.Duration,
		Changed:  func(s breaker.State) { p.Log.Warn("store breaker changed", zap.Stringer("state", s)) },
		Observed: newStoreMetrics(n.metrics).observed,
	})
	n.store, n.breaker = fair.Wrap(guarded, fair.New(fair.Options{Slots: storeSlots, Share: storeShare, Queue: storeQueue})), guarded
	if n.blobs, err = blob.Open(c.Files.Dir); err != nil {
		return nil, fmt.Errorf("open the folder of uploads: %w", err)
	}
	var bused atomic.Pointer[engine.Engine] // told of the bus once it is there
	if n.bus, err = openBus(c, p.Log, func(up bool) {
		if e := bused.Load(); e != nil {
			e.BusChanged(up)
		}
		if s := n.front.Load(); s != nil {
			s.Isolated(!up)
		}
	}); err != nil {
		return nil, err
	}
	n.engine, err = engine.New(ctx, engine.Options{
		Shared: several(c),
		Store:  n.store, Bus: n.bus, Blobs: n.blobs, Hooks: []core.Hooks{n.callers}, Callouts: n.callers,
		PrivateCallouts: c.Callbacks.AllowPrivate, Report: report,
	})
	if err != nil {
		return nil, fmt.Errorf("start the core: %w", err)
	}
	n.served = n.engine.Core()
	bused.Store(n.engine)
	n.metrics.MustRegister(coreMetrics{n.engine})
	ids, err := ensureApps(ctx, n.engine, c)
	if err != nil {
		return nil, err
	}
	n.ids = ids
	if p.Demo {
		if err := seed(ctx, n.engine.Core(), c.Apps, ids); err != nil {
			return nil, fmt.Errorf("create the demo's people: %w", err)
		}
	}
	if err := n.listen(ctx, p, ids); err != nil {
		return nil, err
	}
	return n, n.serveCore(ctx, p)
}

// close ends what runs, top to bottom.
func (n *node) close(ctx context.Context) error {
	var errs []error
	var above sync.WaitGroup // proxy and sidecars stop at the same time: each spreads its clients over seconds
	if n.sidecars != nil {
		above.Go(func() {
			if err := n.sidecars.close(ctx); err != nil {
				errs = append(errs, err)
			}
		})
	}
	var stopped error
	if n.server != nil {
		stopped = n.server.Shutdown(ctx)
	}
	above.Wait()
	errs = append(errs, stopped)
	if n.shadow != nil {
		n.shadow.Close()
	}
	if n.remote != nil {
		n.remote.Close()
	}
	if n.callers.abandoned() && n.store != nil {
		// The dialects were never there to write a webhook: with its store gone first, the core
		// cannot take a waiting event for delivered.
		errs, n.store = append(errs, n.store.Close()), nil
	}
	n.callers.release()
	if n.engine != nil {
		n.engine.Close()
	}
	if n.bus != nil {
		n.bus.Close()
	}
	if n.blobs != nil {
		errs = append(errs, n.blobs.Close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}

// ensureApps makes the configured apps known to the store and returns their ids in the order of
// the configuration. Settings of the file hold for new apps; later they are the app's own, except
// for the plan and what goes with it, which stay the operator's.
func ensureApps(ctx context.Context, e *engine.Engine, c *config.Config) ([]core.AppID, error) {
	ids := make([]core.AppID, len(c.Apps))
	for i := range c.Apps {
		a := &c.Apps[i]
		app, err := e.EnsureApp(ctx, a.Name, func(s *core.AppSettings) { s.Teams = a.Teams })
		if err != nil {
			return nil, fmt.Errorf("app %s: %w", a.Name, err)
		}
		ids[i] = app.ID
		if err := agree(ctx, e, a, &app); err != nil {
			return nil, fmt.Errorf("app %s: %w", a.Name, err)
		}
	}
	return ids, nil
}

// agree brings the operator's own settings of an app up to what the configuration says.
func agree(ctx context.Context, e *engine.Engine, a *config.App, app *core.App) error {
	plan := core.Plan{Expired: a.Plan.Expired, Ends: app.Settings.Plan.Ends}
	for _, f := range a.Plan.Without {
		plan.Without = append(plan.Without, core.PlanFeature(f))
	}
	is := &app.Settings
	if is.BindTokens == a.BindTokens && is.Plan.Expired == plan.Expired && slices.Equal(is.Plan.Without, plan.Without) {
		return nil
	}
	by := core.Actor{App: app.ID, Access: core.AccessServer}
	_, err := e.Core().Apps.Update(ctx, by, core.UpdateApp{Change: func(s *core.AppSettings) error {
		s.BindTokens, s.Plan = a.BindTokens, plan
		return nil
	}})
	return err
}

// listen builds the dialects, then opens the listeners: each dialect on its own addresses without
// a prefix, all of them on the main one by path prefix and by host.
func (n *node) listen(ctx context.Context, p *Program, ids []core.AppID) error {
	c := p.Config
	front, err := pages(p)
	if err != nil {
		return err
	}
	console, err := n.openConsole(p, ids)
	if err != nil {
		return err
	}
	var tap proxy.Tap
	if console != nil {
		readiness, err := console.ReadinessPage(n.reports)
		if err != nil {
			return err
		}
		vendors, err := console.VendorsPages(func() web.Switchboard {
			if s := n.front.Load(); s != nil {
				return s
			}
			return nil
		})
		if err != nil {
			return err
		}
		front, tap = append(append(append(front, console.Pages()...), readiness), vendors...), console.Tap()
	}
	trusted, err := prefixes(c.TrustedProxies)
	if err != nil {
		return err
	}
	front = append(front, n.hookPages(c)...)
	main := proxy.Listener{Name: "main", Addr: c.Listen, Pages: front}
	var others []proxy.Listener
	for i := range dialects {
		d := &dialects[i]
		m, err := n.mount(d, c, ids)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		prefixed, hosted := *m, *m
		if prefixed.Prefix = "/" + d.name; d.root {
			prefixed.Prefix = ""
		}
		hosted.Hosts = mainHosts(d, c)
		main.Mounts = append(main.Mounts, prefixed)
		if len(hosted.Hosts) > 0 {
			main.Mounts = append(main.Mounts, hosted)
		}
		secure, err := dialectTLS(d, p)
		if err != nil {
			return err
		}
		for _, addr := range listenAddrs(d, c) {
			others = append(others, proxy.Listener{Name: d.name + " " + addr, Addr: addr, TLS: secure, Mounts: []proxy.Mount{*m}})
		}
	}
	n.callers.release()
	behind, err := upstreams(c, ids)
	if err != nil {
		return err
	}
	observer, err := n.openShadow(c, p.Log, main.Mounts)
	if err != nil {
		return err
	}
	admin := &proxy.Admin{Password: c.Console.Password.Reveal(), Server: n.front.Load, Reload: p.Reload}
	server, err := proxy.New(proxy.Options{
		Listeners:    append([]proxy.Listener{main}, others...),
		Ops:          &proxy.Ops{Addr: c.OpsListen, Handlers: n.adminHandlers(admin)},
		Upstreams:    behind,
		Ledger:       n.ledger(c, ids),
		Apps:         proxyApps(c, ids),
		Registry:     n.metrics,
		Log:          p.Log,
		Ready:        n.served.Health.Ready,
		StoreBreaker: n.storeBreaker(),
		Breaker: proxy.BreakerOptions{
			Failures: uint32(c.Breaker.Failures), Window: c.Breaker.Window.Duration, OpenFor: c.Breaker.OpenFor.Duration,
		},
		RequestTimeout: c.RequestTimeout.Duration,
		MaxBody:        largestBody(c),
		MaxUpload:      c.Limits.Upload.Bytes,
		MaxSockets:     c.Limits.Sockets,
		Calls:          fair.Options{Share: c.Limits.Share},
		AllSockets:     c.Limits.AllSockets,
		Neighbours:     n.neighbours(c),
		TrustedProxies: trusted,
		Tap:            tap,
		Observer:       observer,
	})
	if err != nil {
		return err
	}
	if n.shadow != nil {
		n.shadow.Bind(server)
	}
	if err := server.Listen(ctx); err != nil {
		return err
	}
	n.server = server
	n.front.Store(server)
	return nil
}

// storeBreaker tells the state of the breaker in front of the store; nil without a store.
func (n *node) storeBreaker() func() int {
	if n.breaker == nil {
		return nil
	}
	return func() int { return int(n.breaker.State()) }
}

// mount builds a dialect for the apps that speak it; nil when none does.
func (n *node) mount(d *dialect, c *config.Config, ids []core.AppID) (*proxy.Mount, error) {
	var apps []adapters.App
	for i := range c.Apps {
		if a := &c.Apps[i]; d.configured(a) {
			apps = append(apps, adapters.App{ID: ids[i], Name: a.Name, RateLimits: a.Limits.Rate, Creds: d.creds(a)})
		}
	}
	if len(apps) == 0 {
		return nil, nil
	}
	m := &proxy.Mount{Name: d.name}
	for _, e := range all.Dialects() {
		if e.Name != d.name {
			continue
		}
		built, err := e.New(adapters.Env{
			Core: n.core, Now: time.Now, Apps: apps, RequestTimeout: c.RequestTimeout.Duration,
		})
		if err != nil {
			return nil, fmt.Errorf("dialect %s: %w", d.name, err)
		}
		m.Dialect, m.Catalog = built, e.Catalog()
		n.callers.add(built)
	}
	return m, nil
}

// mainHosts are the host names of the dialect on the main listener: the vendor's own, for clients
// that are led here by DNS, and those of the apps.
func mainHosts(d *dialect, c *config.Config) []string {
	var out []string
	for _, e := range all.Dialects() {
		if e.Name == d.name {
			out = append(out, e.Hosts...)
		}
	}
	for i := range c.Apps {
		if d.configured(&c.Apps[i]) {
			out = append(out, d.hosts(&c.Apps[i])...)
		}
	}
	return out
}

// listenAddrs are the addresses of the dialect's own listeners, each once.
func listenAddrs(d *dialect, c *config.Config) []string {
	var out []string
	for i := range c.Apps {
		if a := d.listen(&c.Apps[i]); d.configured(&c.Apps[i]) && a != "" && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// dialectTLS is the certificate of dialects whose SDK insists on TLS; nil for the others.
func dialectTLS(d *dialect, p *Program) (*tls.Config, error) {
	if !d.secure || !p.Demo {
		return nil, nil
	}
	names := []string{"*." + cometDomain}
	for i := range p.Config.Apps {
		names = append(names, d.hosts(&p.Config.Apps[i])...)
	}
	return developmentTLS(p.Dir, names, []string{cometDomain}, time.Now())
}

// proxyApps is what the proxy has to know of each app.
func proxyApps(c *config.Config, ids []core.AppID) []proxy.App {
	out := make([]proxy.App, len(c.Apps))
	for i := range c.Apps {
		a := &c.Apps[i]
		mode, _ := normalize.ParseMode(a.ErrorFormat) // the configuration allows nothing else
		out[i] = proxy.App{ID: ids[i], Name: a.Name, ErrorFormat: mode, RateLimits: a.Limits.Rate, MaxBody: a.Limits.Body.Bytes}
	}
	return out
}

// largestBody is the bound of bodies before the app is known; the app's own is checked after.
func largestBody(c *config.Config) int64 {
	var out int64
	for i := range c.Apps {
		out = max(out, c.Apps[i].Limits.Body.Bytes)
	}
	return out
}

// prefixes reads the networks of the configuration.
func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}
