package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/normalize"
)

// Upstream is the vendor of one app in one dialect: where it is, with which credentials it is called
// and what it may cost. Zero values mean the defaults named beside the fields.
type Upstream struct {
	App     core.AppID
	Dialect string // name of the mount

	URL       string // what client SDKs call: "https://host[:port][/base]"
	ServerURL string // what servers call; "" is URL
	LiveURL   string // live links, ws, wss, http or https; "" is URL, or what the vendor's own answers name

	Vendor adapters.VendorApp
	Mode   Mode // until somebody chooses another: vendor
	Routes []RouteMode

	ErrorFormat normalize.Mode // unless a request asks for another: native
	Trusted     bool           // the upstream is a Dragoman of ours: its documents are adopted

	Timeout     time.Duration // whole call up to the answer: 10 s
	Connect     time.Duration // dialling, TLS included: 3 s
	KeepAlive   time.Duration // an idle connection is kept that long: 30 s
	Connections int           // calls at one time, and so open connections: 256
	Links       int           // relayed live links: 50,000
	Rate        int           // calls per second, in bursts of twice that; 0 means no limit
	Retries     int           // further attempts of a call that may be repeated; 0 means none
	Hedge       time.Duration // a second attempt of a reading call begins after this; 0 means never
	TLS         *tls.Config   // nil means the system's
}

// withDefaults fills what is not set.
func (u Upstream) withDefaults() Upstream {
	u.Mode = or(u.Mode, ModeVendor)
	u.Timeout = or(u.Timeout, 10*time.Second)
	u.Connect = or(u.Connect, 3*time.Second)
	u.KeepAlive = or(u.KeepAlive, 30*time.Second)
	u.Connections = or(u.Connections, 256)
	u.Links = or(u.Links, 50_000)
	return u
}

// fronted is one app in one dialect that has a vendor behind it.
type fronted struct {
	s       *Server
	app     core.AppID
	name    string // of the app
	dialect string
	speaks  adapters.Fronting
	breaker *breaker
	gate    gate
	budget  budget
	rate    pace
	links   atomic.Int64
	met     frontMetrics

	plan atomic.Pointer[plan]
	side atomic.Pointer[side]
	live atomic.Pointer[[]string] // where the vendor's own answers say that live links go

	mu sync.Mutex // of changes to plan and side
}

// side is the vendor as it is called now; it is replaced as a whole.
type side struct {
	conf    Upstream
	front   adapters.Front
	clients [3]*client // by adapters.Service
}

// client finds the client of a service.
func (s *side) client(v adapters.Service) *client { return s.clients[v] }

// frontKey names a fronted app.
type frontKey struct {
	app     core.AppID
	dialect string
}

// newFronted prepares the vendor of one app.
func (s *Server) newFronted(u Upstream, d adapters.Dialect) (*fronted, error) {
	name := s.tenant(u.App).Name
	speaks, ok := d.(adapters.Fronting)
	if !ok {
		return nil, fmt.Errorf("proxy: dialect %s cannot stand before its vendor", u.Dialect)
	}
	f := &fronted{s: s, app: u.App, name: name, dialect: u.Dialect, speaks: speaks, met: s.met.front(name, u.Dialect)}
	f.breaker = newBreaker(name+" "+u.Dialect, s.opt.Breaker, s.met.breakerMoved(name, u.Dialect))
	if err := f.set(u); err != nil {
		return nil, err
	}
	p := &plan{mode: f.side.Load().conf.Mode, routes: u.Routes}
	f.plan.Store(p)
	f.met.mode(p.mode)
	return f, nil
}

// set puts another vendor, or the same with other keys, in the place of the one before. Calls under way
// end where they began.
func (f *fronted) set(u Upstream) error {
	u = u.withDefaults()
	fail := func(err error) error {
		return fmt.Errorf("proxy: upstream of app %s for %s: %w", f.name, f.dialect, err)
	}
	front, err := f.speaks.Front(u.App, u.Vendor)
	if err != nil {
		return fail(err)
	}
	sd := &side{conf: u, front: front}
	for i, address := range []string{u.URL, or(u.ServerURL, u.URL), or(u.LiveURL, u.URL)} {
		if sd.clients[i], err = newClient(address, &u); err != nil {
			return fail(err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate.set(u.Rate)
	if was := f.side.Swap(sd); was != nil {
		was.close()
	}
	return nil
}

// close lets go of the idle connections.
func (s *side) close() {
	for _, c := range s.clients {
		c.http.CloseIdleConnections()
	}
}

// liveAt is where a live link is relayed to: the address of the configuration, else one that the
// vendor's own answers named, else the client's host.
func (f *fronted) liveAt(sd *side) *client {
	c := sd.client(adapters.ServiceLive)
	list := f.live.Load()
	if sd.conf.LiveURL != "" || list == nil || len(*list) == 0 {
		return c
	}
	return c.at((*list)[int(f.links.Load())%len(*list)])
}

// parseBase splits the address of a service.
func parseBase(address string) (addr, host, base string, secure bool, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "", "", false, errors.New("the address is not a URL")
	}
	switch u.Scheme {
	case "https", "wss":
		secure = true
	case "http", "ws":
	default:
		return "", "", "", false, fmt.Errorf("the address %q does not begin with http:// or https://", address)
	}
	if u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", "", false, fmt.Errorf("the address %q has to be scheme, host and perhaps a path", address)
	}
	return withPort(u.Host, secure), u.Host, strings.TrimRight(u.EscapedPath(), "/"), secure, nil
}

// withPort adds the scheme's port to a host without one.
func withPort(host string, secure bool) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	if secure {
		return net.JoinHostPort(strings.Trim(host, "[]"), "443")
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), "80")
}

// frontMetrics are the series of one fronted app.
type frontMetrics struct {
	all     *metrics
	app     string
	dialect string
	seconds prometheus.Observer
	links   prometheus.Gauge
	flight  prometheus.Gauge
	classes [6]prometheus.Counter // by hundreds of the status; 0 for no answer
}

// front makes the series of one fronted app.
func (m *metrics) front(app, dialect string) frontMetrics {
	f := frontMetrics{
		all: m, app: app, dialect: dialect, seconds: m.upSeconds.WithLabelValues(app, dialect),
		links: m.upLinks.WithLabelValues(app, dialect), flight: m.upFlight.WithLabelValues(app, dialect),
	}
	for i := range f.classes {
		class := "none"
		if i > 0 {
			class = string(rune('0'+i)) + "xx"
		}
		f.classes[i] = m.upCalls.WithLabelValues(app, dialect, class)
	}
	return f
}

// answered counts one attempt.
func (f *frontMetrics) answered(status int, took time.Duration) {
	class := status / 100
	if class < 0 || class > 5 {
		class = 0
	}
	f.classes[class].Inc()
	f.seconds.Observe(took.Seconds())
}

// retried counts what became of the wish to try again.
func (f *frontMetrics) retried(outcome string) {
	f.all.upRetries.WithLabelValues(f.app, f.dialect, outcome).Inc()
}

// mode tells the mode in force.
func (f *frontMetrics) mode(now Mode) {
	for _, m := range Modes {
		v := 0.0
		if m == now {
			v = 1
		}
		f.all.upModes.WithLabelValues(f.app, f.dialect, string(m)).Set(v)
	}
}
