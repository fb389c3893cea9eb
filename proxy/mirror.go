package proxy

import (
	"context"
	"time"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/normalize"
)

// Exchange is one request and its answer as plain data, after the answer was written. All of it may be
// kept; none of it may be changed.
type Exchange struct {
	App     core.AppID
	AppName string
	Dialect string
	Mode    Mode
	Route   string // the vendor's name of the operation; empty for one that no table of ours knows
	Live    bool   // the operation opened a live link: there is no answer to compare
	At      time.Time
	Took    time.Duration // until the first answer was there

	// Request is as the client sent it. Its body is nil, with Cut set, above MaxShadowed bytes.
	Request *adapters.Request
	// Raw is the path with prefix cut off and the undecoded query: what goes to the vendor.
	Raw string
	// Answer is what the client was told, by the vendor where Mode.Foreign, else by the core.
	Answer Answer
	// Cut says that a body was too large to be kept: there is nothing to compare or to feed.
	Cut bool
}

// Write reports whether the request may have changed something.
func (x *Exchange) Write() bool {
	return x.Request.Method != "GET" && x.Request.Method != "HEAD" && x.Request.Method != "OPTIONS"
}

// Answer is one side's answer.
type Answer struct {
	Status int
	Header adapters.Values
	Body   []byte // decompressed
	Took   time.Duration
	// Code is the canonical error, empty for a success.
	Code string
}

// MaxShadowed bounds the bodies an observer is shown, in bytes.
const MaxShadowed = 1 << 20

// Observer hears of everything that happens in the shadow modes. Its methods are called from the path
// of requests, after the answer was written: they must return at once, and queue what takes longer.
type Observer interface {
	// Observe is told of a finished exchange.
	Observe(x *Exchange)
	// Link is told of a live link that opened; nil means that its frames are of no interest.
	Link(x *Exchange) LinkObserver
}

// Handover is implemented by observers that have to bring one side up to the other before the say
// changes. It is called while new requests of the app wait and none is under way, for at most some
// seconds; an error keeps the modes as they are.
type Handover interface {
	Handover(ctx context.Context, app core.AppID, dialect string, from, to Mode) error
}

// LinkObserver hears the messages of one live link: whole ones, unmasked, each side's in order. Calls
// may come from two goroutines at a time, one for each direction. Data may be kept.
type LinkObserver interface {
	Frame(dir Direction, text bool, data []byte)
	Closed()
}

// Direction is which way a message of a live link went.
type Direction uint8

// The directions.
const (
	FromClient Direction = iota
	ToClient
)

// Sides asks either side the question of an exchange, apart from the client's own call: what an
// observer compares with. Both keep to the app's deadlines and bounds, and neither of them is told to
// the observer again. A *Server is both sides.
type Sides interface {
	// AskCore has our core answer the request, by the dialect's own route, with its errors in the answer as
	// the client would have seen them. by is who asks; nil finds out by the request's own credentials,
	// which the core may not know when they are the vendor's. The error is for what cannot be asked at all:
	// a live link, an exchange that was cut, an app or dialect that is not served.
	AskCore(ctx context.Context, x *Exchange, by *core.Actor) (Answer, error)
	// AskVendor sends the request to the vendor of the app, with the vendor's credentials. It is subject
	// to the breaker and the deadlines of the upstream, and is never retried. The error is for a vendor
	// that gave no answer.
	AskVendor(ctx context.Context, x *Exchange) (Answer, error)
}

// plain is the exchange so far, as an observer is told.
func (x *exchange) plain() *Exchange {
	out := &Exchange{
		App: x.front.app, AppName: x.front.name, Dialect: x.m.name, Mode: x.mode, Live: x.t != nil && x.t.socket != nil,
		At: x.start, Took: time.Since(x.start), Request: x.rq, Raw: x.sent,
	}
	if x.t != nil {
		out.Route = x.t.name
	}
	return out
}

// mirror tells the observer of an answered request.
func (x *exchange) mirror(fc *fasthttp.RequestCtx) {
	if x.front == nil || !x.observed() || x.live || x.early {
		return
	}
	out := x.plain()
	if q := fc.URI().QueryString(); len(q) > 0 {
		out.Raw += "?" + string(q)
	}
	out.Cut = x.cut || x.rq.Stream != nil || len(x.rq.Body) > MaxShadowed || len(x.answer) > MaxShadowed
	out.Answer = Answer{Status: x.status, Took: out.Took, Header: headerValues(&fc.Response.Header)}
	if !out.Cut {
		out.Answer.Body, out.Cut = plainBody(out.Answer.Header.Get("Content-Encoding"), x.answer)
	}
	if x.problem != nil {
		out.Answer.Code = x.problem.Code
	}
	x.l.s.opt.Observer.Observe(out)
}

// plainBody takes the compression off a body; cut says that it cannot be read whole.
func plainBody(encoding string, body []byte) (plain []byte, cut bool) {
	switch encoding {
	case "":
		return body, false
	case "gzip":
		return (&normalize.Upstream{Body: body}).Plain(MaxShadowed)
	}
	return nil, true
}
