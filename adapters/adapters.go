// Package adapters is the contract between the proxy and the dialects. A dialect is one vendor's
// wire: routes, sockets, errors, events. It sees plain data, never the web framework, and speaks
// to the core through typed commands only.
package adapters

import (
	"context"
	"time"

	"dragoman/core"
	"dragoman/normalize"
)

// Entry registers a dialect: a value in a list, not a side effect.
type Entry struct {
	Name    string   // "stream": path prefix, config table, metric label
	Title   string   // "Stream Chat"
	Hosts   []string // host patterns of the official SDK, "*" for one label
	SDKLine string   // the one line to change in the SDK; %s is the base URL
	// Own marks our own API: it has no vendor's hosts, and its error body is the unified document.
	Own     bool
	Catalog func() *normalize.Catalog
	New     func(Env) (Dialect, error)
}

// Env is what a dialect is given.
type Env struct {
	Core *core.Core
	Now  func() time.Time
	Apps []App
	// PublicURL is the base URL under which this dialect is reached from outside, without a
	// trailing slash; used for links to uploads. Empty means: take it from the request.
	PublicURL string
	// RequestTimeout bounds one core command.
	RequestTimeout time.Duration
}

// App is a tenant as a dialect knows it: the core's app and the credentials of this dialect.
type App struct {
	ID    core.AppID
	Name  string
	Creds map[string]string // the keys of the dialect's config table: api_key, api_secret, …
	// RateLimits tells whether calls are counted. The proxy does that; a dialect needs it only for
	// limits of which its vendor speaks in words of their own.
	RateLimits bool
}

// Dialect is one vendor's wire, ready to serve.
type Dialect interface {
	// Authenticate tells who asks, from the route's point of view: app key, token, signature.
	// It answers an error of the auth.*, app.* or rate.* families; the actor's App is set as soon as
	// it is known, even beside an error, so that the answer follows that app's settings.
	Authenticate(ctx context.Context, rt *Route, rq *Request) (core.Actor, error)
	// Routes is the table of operations, sorted by path and method.
	Routes() []Route
	// Sockets is the table of live links.
	Sockets() []Socket
	// EncodeError writes a problem as the vendor's own error.
	EncodeError(p *normalize.Problem) normalize.Native
}

// Unsupported is one row of a dialect's unsupported.tsv: an operation the vendor has and we do
// not. It is routed and answers request.not_implemented in the vendor's own words.
type Unsupported struct {
	Method, Path, Name, Reason string
}

// Refuser is implemented by dialects that know operations of their vendor which they do not serve.
// The proxy routes the rows and answers them.
type Refuser interface {
	Unsupported() []Unsupported
}

// Rewriter is implemented by dialects whose SDKs reach one operation under several paths. The proxy
// asks it for the path to look up in the table; an error refuses the request.
type Rewriter interface {
	Rewrite(path string) (string, error)
}

// Quotas is implemented by dialects whose limits depend on more than the route. The proxy asks it
// instead of Route.Quota; 0 means unlimited.
type Quotas interface {
	Quota(rt *Route, by core.Actor) int
}
