// Package proxy is the border to the network: it listens, routes, authenticates, bounds, counts and
// answers. Dialects see plain data only; every byte of every answer is written here.
//
// A listener carries mounts. A mount is a dialect and the requests it takes: those of a host, those
// below a path prefix, or all the others. Pages are plain handlers beside them.
package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fair"
	"dragoman/normalize"
)

// Options is what a server is made of. Only Listeners is required; zero values mean the defaults
// named beside the fields.
type Options struct {
	Listeners []Listener
	Ops       *Ops // operations listener; nil means none
	Apps      []App

	Log      *zap.Logger          // nil means silence
	Registry *prometheus.Registry // nil means one of its own
	Ready    func(ctx context.Context) error
	// StoreBreaker tells the state of the breaker in front of the store for the metrics: 0 closed,
	// 1 half-open, 2 open; nil means there is none.
	StoreBreaker func() int

	RequestTimeout time.Duration // whole request up to the answer: 10 s
	UploadTimeout  time.Duration // the same for uploads: 5 min
	ReadTimeout    time.Duration // request head, and each step of a body: 30 s
	WriteTimeout   time.Duration // writing one answer: 2 min
	IdleTimeout    time.Duration // keep-alive: 2 min
	SlowRequest    time.Duration // logged at info above this: 1 s

	MaxBody    int64 // bytes of a JSON body: 1 MiB
	MaxUpload  int64 // bytes of an upload: 100 MiB
	MaxSockets int   // live connections of this node: 100,000
	AllSockets int   // live connections over all nodes; 0 means that there is no such bound
	Quota      int   // calls per minute, route and platform for routes that name none: 1,000

	Breaker BreakerOptions
	Sockets SocketOptions
	// Calls bounds the requests worked on at one time, and what one app has of them while others call,
	// too: 256, one for each processor, and 1,024 of an app waiting before it is answered 429. Uploads
	// and long polls are not counted.
	Calls fair.Options

	// Neighbours are the other nodes, with which limits are shared; nil means that there are none.
	Neighbours Neighbours

	// Tap is shown the traffic; nil means that nobody looks, which costs nothing.
	Tap Tap

	// Upstreams are the vendors of apps that have one, by app and dialect.
	Upstreams []Upstream
	// Ledger keeps the modes that operators choose; nil means that they last until the process ends.
	Ledger Ledger
	// LedgerEvery is how often the ledger is asked for what other nodes were told: 2 s.
	LedgerEvery time.Duration

	// Observer hears of what passes in the shadow modes; nil means that nobody does.
	Observer Observer

	// TrustedProxies may tell the client's address and scheme in X-Forwarded-For and
	// X-Forwarded-Proto; from anyone else these headers mean nothing.
	TrustedProxies []netip.Prefix
}

// Listener is one address and what it serves.
type Listener struct {
	Name   string       // for logs and Server.Addr; defaults to Addr
	Addr   string       // ":8080"
	Socket net.Listener // instead of Addr; the server closes it
	TLS    *tls.Config  // nil means plain
	Mounts []Mount
	Pages  []Page
}

// Mount is a dialect and the requests it takes. Without Prefix and Hosts it takes whatever no other
// mount or page of the listener takes, and answers the listener's early errors.
type Mount struct {
	Name    string           // "stream": metric label
	Dialect adapters.Dialect // nil means not built: everything answers 501 in a neutral body
	Catalog *normalize.Catalog
	Prefix  string   // "/stream"; cut off before routing
	Hosts   []string // "chat.example.com", "*.api.example.com": "*" stands for one label
}

// Page is a plain handler, in the syntax of adapters.Route.Path. A nil answer means 404.
type Page struct {
	Method, Path string
	Serve        func(*adapters.Request) *adapters.Response
}

// App is how the proxy treats one tenant.
type App struct {
	ID          core.AppID
	Name        string         // metric label
	ErrorFormat normalize.Mode // "" leaves it to the request
	RateLimits  bool           // count calls and answer 429
	MaxBody     int64          // smaller than Options.MaxBody; 0 means that one
}

// withDefaults fills what is not set.
func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	o.RequestTimeout = or(o.RequestTimeout, 10*time.Second)
	o.UploadTimeout = or(o.UploadTimeout, 5*time.Minute)
	o.ReadTimeout = or(o.ReadTimeout, 30*time.Second)
	o.WriteTimeout = or(o.WriteTimeout, 2*time.Minute)
	o.IdleTimeout = or(o.IdleTimeout, 2*time.Minute)
	o.SlowRequest = or(o.SlowRequest, time.Second)
	o.MaxBody = or(o.MaxBody, 1<<20)
	o.MaxUpload = or(o.MaxUpload, 100<<20)
	o.MaxSockets = or(o.MaxSockets, 100_000)
	o.Quota = or(o.Quota, 1000)
	o.LedgerEvery = or(o.LedgerEvery, 2*time.Second)
	o.Breaker = o.Breaker.withDefaults()
	o.Sockets = o.Sockets.withDefaults()
	o.Calls.Slots = or(o.Calls.Slots, 256)
	o.Calls.Share = or(o.Calls.Share, runtime.GOMAXPROCS(0))
	o.Calls.Queue = or(o.Calls.Queue, 1024)
	return o
}

// or returns v, or def when v is zero.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
