package proxy

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/trace"
	"dragoman/normalize"
)

// exchange is one request on its way to one answer.
type exchange struct {
	l     *listener
	m     *mount  // nil when no mount takes the request
	t     *target // nil until routed
	rq    *adapters.Request
	by    core.Actor
	app   *tenant // nil until the app is known
	start time.Time
	early bool // the request could not be read

	rate     rateState
	bodyDone bool // nothing of the body is left unread
	ran      bool // the handler was called: its errors are the core's
	live     bool // turned into a live connection
	passed   bool // the vendor's answer was passed on

	// Of apps with a vendor behind them.
	front  *fronted
	inside bool   // counted by the gate of front
	mode   Mode   // empty when there is no vendor
	sent   string // the path as the client wrote it, without the prefix

	// What is logged and counted.
	status  int
	out     int
	problem *normalize.Problem
	fault   *fault.Error
	stack   []byte

	// What the tap is told.
	tap      sync.Mutex
	commands []trace.Command
	answer   []byte
	cut      bool // the answer is a stream: nobody sees all of it
}

// serveRequest answers one request.
func (l *listener) serveRequest(fc *fasthttp.RequestCtx) {
	x := &exchange{l: l, start: time.Now()}
	defer x.survive(fc)
	rq, bad := l.bind(fc)
	x.rq = rq
	x.m, rq.Path = l.pick(rq.Host, rq.Path)
	if x.m != nil && len(rq.Path) < len(fc.URI().PathOriginal()) {
		rq.Prefix = x.m.prefix
	}
	rs, err := x.run(fc, bad)
	switch {
	case x.live, x.passed && err == nil:
	case err != nil:
		x.fail(fc, err)
	default:
		x.reply(fc, rs)
	}
	if !x.live {
		x.settleBody(fc)
	}
	x.finish(fc)
	x.tell()
	x.mirror(fc)
	if x.inside {
		x.inside = false
		x.front.gate.leave()
	}
}

// run routes the request and calls its handler.
func (x *exchange) run(fc *fasthttp.RequestCtx, bad *fault.Error) (*adapters.Response, error) {
	if bad != nil {
		return nil, bad
	}
	if x.m == nil {
		return nil, fault.RequestEndpointNotFound.Error("")
	}
	if preflight(x.rq) {
		return x.preflight(), nil
	}
	if x.m.dialect == nil && !x.m.pages {
		return nil, fault.RequestNotImplemented.Error("")
	}
	x.sent = x.rq.Path
	if rw := x.m.rewrite; rw != nil {
		var err error
		if x.rq.Path, err = rw.Rewrite(x.rq.Path); err != nil {
			return nil, err
		}
	}
	if len(x.m.fronts) > 0 {
		if done, err := x.foreign(fc); done {
			return nil, err
		}
	}
	var f found[target]
	if x.rq.Method == "GET" && wantsSocket(x.rq) && x.m.table.find(socketMethod, x.rq.Path, &f) {
		x.t = f.leaf.value
		if err := setParams(x.rq, &f); err != nil {
			return nil, err
		}
		return x.upgrade(fc)
	}
	if !x.m.table.find(x.rq.Method, x.rq.Path, &f) {
		return x.unrouted(f.allow)
	}
	x.t = f.leaf.value
	switch {
	case x.t.refused != nil:
		return nil, fault.RequestNotImplemented.Error(x.t.refused.Reason)
	case x.t.socket != nil: // only for a client that made the pseudo method up
		return nil, fault.RequestEndpointNotFound.Error("")
	}
	if err := setParams(x.rq, &f); err != nil {
		return nil, err
	}
	if x.t.page != nil {
		return x.page(fc)
	}
	return x.route(fc)
}

// unrouted answers a path without a route for the method.
func (x *exchange) unrouted(allow []string) (*adapters.Response, error) {
	methods, socket := make([]string, 0, len(allow)+2), false
	for _, m := range allow {
		switch m {
		case socketMethod:
			socket = true
		case "GET":
			methods = append(methods, m, "HEAD")
		default:
			methods = append(methods, m)
		}
	}
	switch {
	case len(methods) == 0 && socket:
		return nil, fault.RequestInvalid.Error("This endpoint takes WebSocket upgrades only.")
	case len(methods) == 0:
		return nil, fault.RequestEndpointNotFound.Error("")
	case x.rq.Method == "OPTIONS":
		rs := &adapters.Response{Status: 204}
		rs.Set("Allow", strings.Join(append(methods, "OPTIONS"), ", "))
		return rs, nil
	}
	return nil, &notAllowed{strings.Join(append(methods, "OPTIONS"), ", ")}
}

// notAllowed is request.method_not_allowed with the methods that would be.
type notAllowed struct{ allow string }

// Error implements error.
func (e *notAllowed) Error() string { return "method not allowed, try " + e.allow }

// Unwrap makes fault.From find the reason.
func (e *notAllowed) Unwrap() error { return fault.RequestMethodNotAllowed.Error("") }

// page calls a plain handler.
func (x *exchange) page(fc *fasthttp.RequestCtx) (rs *adapters.Response, err error) {
	if err := x.readBody(fc, x.l.s.opt.MaxBody); err != nil {
		return nil, err
	}
	x.ran = true
	defer x.rescue(&err)
	if rs = x.t.page(x.rq); rs == nil {
		return nil, fault.RequestEndpointNotFound.Error("")
	}
	return rs, nil
}

// route authenticates the caller, applies the limits and runs the handler under its deadline.
func (x *exchange) route(fc *fasthttp.RequestCtx) (*adapters.Response, error) {
	s, rt := x.l.s, x.t.route
	if x.t.plain != nil && !strings.HasPrefix(x.rq.Headers.Get("Content-Type"), "multipart/") {
		rt = x.t.plain
	}
	ctx, cancel := s.deadline(rt)
	defer cancel()
	limit := s.bodyLimit(rt)
	if rt.Upload {
		if err := x.openUpload(ctx, fc, limit); err != nil {
			return nil, err
		}
	} else if err := x.readBody(fc, limit); err != nil {
		return nil, err
	}
	if err := x.admit(ctx, rt); err != nil {
		return nil, err
	}
	if own := x.app.MaxBody; own > 0 && rt.MaxBody == 0 && !rt.Upload && int64(len(x.rq.Body)) > own {
		return nil, tooLarge()
	}
	if !rt.Slow && !rt.Upload {
		leave, err := s.calls.Enter(ctx, x.by.App)
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	rs := &adapters.Response{}
	if err := x.app.breaker.run(rt.Slow, func() error { return x.call(ctx, rt, rs) }); err != nil {
		if rs.Stream != nil {
			_ = rs.Stream.Close() // never sent
		}
		return nil, overdue(ctx, err)
	}
	return rs, nil
}

// deadline is the context of one call.
func (s *Server) deadline(rt *adapters.Route) (context.Context, context.CancelFunc) {
	switch {
	case rt.Slow:
		return s.drain, func() {}
	case rt.Upload:
		return context.WithTimeout(s.base, s.opt.UploadTimeout)
	}
	return context.WithTimeout(s.base, s.opt.RequestTimeout)
}

// overdue names the deadline where a handler reports only what the deadline broke.
func overdue(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && fault.From(err).Reason == fault.ServerInternal {
		return fault.RequestTimeout.Wrap(err)
	}
	return err
}

// admit finds out who calls and whether they may: credentials, then the rate, then the gate.
func (x *exchange) admit(ctx context.Context, rt *adapters.Route) (err error) {
	s := x.l.s
	if rt.Gate == adapters.GateOpen {
		x.app = s.tenant(0)
		return nil
	}
	defer x.rescue(&err)
	x.by, err = x.m.dialect.Authenticate(ctx, rt, x.rq)
	x.app = s.tenant(x.by.App)
	if err != nil {
		return err
	}
	x.rq.SetCaller(x.by)
	if x.app.RateLimits {
		quota := or(rt.Quota, s.opt.Quota)
		if x.m.quotas != nil {
			quota = x.m.quotas.Quota(rt, x.by)
		}
		if x.rate = s.limits.take(x.app.ID, x.t, x.by.Platform, quota, x.start); x.rate.over {
			return fault.RateLimited.Error("").After(x.rate.reset.Sub(x.start))
		}
	}
	if rt.Gate == adapters.GateServer && !x.by.Server() {
		return fault.PermissionDenied.Error("")
	}
	return nil
}

// call runs the handler; a panic becomes server.internal.
func (x *exchange) call(ctx context.Context, rt *adapters.Route, rs *adapters.Response) (err error) {
	x.ran = true
	defer x.rescue(&err)
	return rt.Serve(x.traced(ctx), x.by, x.rq, rs)
}

// rescue turns a panic into an error and keeps the stack for the log.
func (x *exchange) rescue(err *error) {
	if r := recover(); r != nil {
		x.stack = debug.Stack()
		*err = fault.ServerInternal.Wrap(fmt.Errorf("panic: %v", r))
	}
}

// survive is the last net: a panic in the proxy's own code must not take the process down, which is
// what the web server would let it do.
func (x *exchange) survive(fc *fasthttp.RequestCtx) {
	r := recover()
	if x.inside {
		x.inside = false
		x.front.gate.leave()
	}
	if r == nil {
		return
	}
	if x.rq == nil {
		x.rq = earlyRequest()
	}
	x.l.s.log.Error("request handling panicked", zap.String("request_id", x.rq.ID), zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
	if x.live {
		return
	}
	p := normalize.New(fault.ServerInternal.Error(""), normalize.OriginProxy, nil)
	n := normalize.Neutral(p)
	fc.Response.Reset()
	fc.SetConnectionClose()
	x.reply(fc, &adapters.Response{Status: n.Status, ContentType: n.ContentType, Body: n.Body})
}
