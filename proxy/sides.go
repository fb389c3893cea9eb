package proxy

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

var _ Sides = (*Server)(nil)

// errNotAsked is the failure to ask a side at all.
var errNotAsked = errors.New("proxy: the exchange cannot be repeated")

// repeat prepares an exchange of our own for the question of another one.
func (s *Server) repeat(ex *Exchange) (*exchange, string, error) {
	if ex.Live || ex.Cut || ex.Request == nil {
		return nil, "", errNotAsked
	}
	path, query, _ := strings.Cut(ex.Raw, "?")
	for _, l := range s.listeners {
		for _, m := range l.mounts {
			if m.name != ex.Dialect || m.dialect == nil {
				continue
			}
			in := ex.Request
			rq := &adapters.Request{ID: in.ID, Method: in.Method, Host: in.Host, Path: path, Prefix: in.Prefix, Scheme: in.Scheme,
				Remote: in.Remote, Query: in.Query, Headers: in.Headers, Body: in.Body, Length: -1}
			x := &exchange{l: l, m: m, rq: rq, start: time.Now(), sent: path, app: s.tenant(ex.App), bodyDone: true}
			if m.rewrite != nil {
				var err error
				if rq.Path, err = m.rewrite.Rewrite(path); err != nil {
					return nil, "", err
				}
			}
			var f found[target]
			if m.table.find(rq.Method, rq.Path, &f) {
				x.t = f.leaf.value
				if err := setParams(rq, &f); err != nil {
					return nil, "", err
				}
			}
			return x, query, nil
		}
	}
	return nil, "", errNotAsked
}

// AskCore implements Sides.
func (s *Server) AskCore(ctx context.Context, ex *Exchange, by *core.Actor) (Answer, error) {
	x, _, err := s.repeat(ex)
	if err != nil {
		return Answer{}, err
	}
	rs := &adapters.Response{}
	if err := x.alone(ctx, by, rs); err != nil {
		if errors.Is(err, errNotAsked) {
			return Answer{}, err
		}
		x.explain(err)
		n := x.native(x.m.dialect, x.problem)
		return Answer{Status: n.Status, Header: headersOf(n.ContentType, nil), Body: n.Body, Took: time.Since(x.start), Code: x.problem.Code}, nil
	}
	if rs.Stream != nil {
		_ = rs.Stream.Close() // nobody compares streams
		return Answer{}, errNotAsked
	}
	return Answer{Status: or(rs.Status, 200), Header: headersOf(rs.ContentType, rs.Header), Body: rs.Body, Took: time.Since(x.start)}, nil
}

// headersOf are the headers of an answer of ours.
func headersOf(kind string, list []adapters.Param) adapters.Values {
	return append(adapters.Values{{Name: "Content-Type", Value: or(kind, jsonType)}}, list...)
}

// alone runs the route of an exchange that has no connection.
func (x *exchange) alone(ctx context.Context, by *core.Actor, rs *adapters.Response) (err error) {
	switch {
	case x.t == nil:
		return fault.RequestEndpointNotFound.Error("")
	case x.t.refused != nil:
		return fault.RequestNotImplemented.Error(x.t.refused.Reason)
	case x.t.route == nil:
		return errNotAsked
	}
	rt := x.bounded()
	if rt.Upload {
		x.rq.Length, x.rq.Stream = int64(len(x.rq.Body)), strings.NewReader(string(x.rq.Body))
	}
	ctx, cancel := context.WithTimeout(ctx, x.l.s.opt.RequestTimeout)
	defer cancel()
	if by == nil {
		x.app = nil
		if err := x.prove(ctx, rt); err != nil {
			return err
		}
	} else {
		x.by = *by
	}
	x.rq.SetCaller(x.by)
	return x.call(ctx, rt, rs)
}

// prove finds out who asks, without counting the call.
func (x *exchange) prove(ctx context.Context, rt *adapters.Route) (err error) {
	if rt.Gate == adapters.GateOpen {
		return nil
	}
	defer x.rescue(&err)
	if x.by, err = x.m.dialect.Authenticate(ctx, rt, x.rq); err != nil {
		return err
	}
	if rt.Gate == adapters.GateServer && !x.by.Server() {
		return fault.PermissionDenied.Error("")
	}
	return nil
}

// AskVendor implements Sides.
func (s *Server) AskVendor(ctx context.Context, ex *Exchange) (Answer, error) {
	x, query, err := s.repeat(ex)
	if err != nil {
		return Answer{}, err
	}
	f := x.m.fronts[ex.App]
	if f == nil {
		return Answer{}, errNotAsked
	}
	x.front = f
	c := &call{f: f, sd: f.side.Load(), rq: fasthttp.AcquireRequest(), rs: fasthttp.AcquireResponse(), whole: true}
	defer c.release()
	c.rq.Header.SetMethod(x.rq.Method)
	for _, h := range x.rq.Headers {
		if !strings.EqualFold(h.Name, "Content-Length") && !strings.EqualFold(h.Name, "Host") {
			c.rq.Header.Add(h.Name, h.Value)
		}
	}
	if err := x.send(c, query, false); err != nil {
		return Answer{}, err
	}
	c.until = time.Now().Add(c.sd.conf.Timeout)
	if at, ok := ctx.Deadline(); ok && at.Before(c.until) {
		c.until = at
	}
	var out Answer
	var failed error
	tried := false
	err = f.breaker.run(false, func() error {
		tried = true
		if failed = c.once(c.rq, c.rs); failed != nil {
			failed = noAnswer(failed)
			return failed
		}
		var health error
		out, health, failed = x.hearAll(c)
		return health
	})
	if !tried {
		return Answer{}, err
	}
	out.Took = time.Since(x.start)
	return out, failed
}
