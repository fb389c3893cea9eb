package adapters

import (
	"context"

	"dragoman/core"
)

// Gate tells what a caller must prove before a route runs.
type Gate uint8

// The gates. Authenticate is called for all but Open.
const (
	GateUser   Gate = iota // any authenticated caller
	GateServer             // servers only
	GateOpen               // anyone: no credentials at all
	GateApp                // an app key, no token (guest sign-up, for example)
)

// Route is one operation of a dialect.
type Route struct {
	Method  string // GET, POST, PUT, PATCH, DELETE
	Path    string // "/channels/:type/:id/message"; ":name" is one segment, a last "*name" the rest
	Name    string // the vendor's operation id, unique: metric label, error texts
	Gate    Gate
	Upload  bool   // body is multipart: streamed, bounded by MaxBody
	Either  bool   // with Upload: a body that is not multipart is read whole, like that of other routes
	MaxBody int64  // bytes; 0 means the app's limit for JSON bodies
	Quota   int    // calls per minute and app when rate limits are on; 0 means the dialect's default
	Slow    bool   // may take long by design (long poll): the deadline is the route's own business
	Doc     string // one line, for docs

	Serve func(ctx context.Context, by core.Actor, rq *Request, rs *Response) error
}

// Op builds a route that reads as the data flows: decode the request, run the command, encode the
// result. The compiler checks that the three fit.
func Op[In, Out any](method, path, name string,
	decode func(*Request) (In, error),
	call func(context.Context, core.Actor, In) (Out, error),
	encode func(*Request, *Response, Out) error,
) Route {
	return Route{
		Method: method, Path: path, Name: name,
		Serve: func(ctx context.Context, by core.Actor, rq *Request, rs *Response) error {
			in, err := decode(rq)
			if err != nil {
				return err
			}
			out, err := call(ctx, rq.Actor(by), in)
			if err != nil {
				return err
			}
			return encode(rq, rs, out)
		},
	}
}

// Gated returns the route with another gate.
func (r Route) Gated(g Gate) Route { r.Gate = g; return r }

// Limited returns the route with its own calls per minute.
func (r Route) Limited(perMinute int) Route { r.Quota = perMinute; return r }
