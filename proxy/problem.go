package proxy

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// fail answers an error in the words of the dialect.
func (x *exchange) fail(fc *fasthttp.RequestCtx, err error) {
	out := x.explain(err)
	rs := &adapters.Response{Status: out.Status, ContentType: out.ContentType, Body: out.Body}
	rs.Header = make([]adapters.Param, 0, len(out.Header)+1)
	for _, h := range out.Header {
		rs.Header = append(rs.Header, adapters.Param(h))
	}
	var na *notAllowed
	if errors.As(err, &na) {
		rs.Set("Allow", na.allow)
	}
	x.reply(fc, rs)
}

// explain turns an error into the bytes of an answer: the problem, the vendor's words for it, the
// mode the client asked for.
func (x *exchange) explain(err error) normalize.Rendered {
	x.fault = fault.From(err)
	origin := normalize.OriginProxy
	if x.ran && x.fault.Reason != fault.UpstreamCircuitOpen {
		origin = normalize.OriginCore
	}
	var catalog *normalize.Catalog
	var dialect adapters.Dialect
	if x.m != nil && x.m.dialect != nil {
		catalog, dialect = x.m.catalog, x.m.dialect
	}
	p := normalize.New(x.fault, origin, catalog)
	if x.fault.Reason == fault.UpstreamBadGateway && x.fault.Variant == variantLoop {
		p = normalize.Loop(catalog)
	}
	p.RequestID = x.rq.ID
	if x.t != nil {
		p.Op = x.t.name
		if x.t.refused != nil && !x.mode.Foreign() {
			p.Detail = x.t.refused.Reason // from our own table, so safe to show although the lack is ours
		}
	}
	if p.Status == 503 && p.RetryAfter == 0 {
		p.RetryAfter = time.Second // nobody knows how long; but nobody should come back at once
	}
	parent := x.rq.Headers.Get(normalize.HeaderTrace)
	if p.TraceID = traceID(parent); p.TraceID == "" {
		parent = ""
	}
	x.problem = p
	native := x.native(dialect, p)
	def := normalize.DefaultMode(p)
	if dialect == nil {
		def = normalize.ModeBoth // the neutral body, which any SDK can read
	}
	var app normalize.Mode
	if x.app != nil {
		app = x.app.ErrorFormat
	}
	mode := normalize.Choose(x.rq.Headers.Get(normalize.HeaderFormat), x.rq.Headers.Get("Accept"), app, def)
	return normalize.Render(p, native, mode, normalize.RenderOptions{Method: x.rq.Method, TraceParent: parent})
}

// native asks the dialect for its words. A dialect that panics here must not cost the client its
// answer.
func (x *exchange) native(d adapters.Dialect, p *normalize.Problem) (n normalize.Native) {
	if d == nil {
		return normalize.Neutral(p)
	}
	defer func() {
		if r := recover(); r != nil {
			x.stack = debug.Stack()
			x.fault = x.fault.Cause(fmt.Errorf("panic in EncodeError: %v", r))
			n = normalize.Neutral(p)
		}
	}()
	return d.EncodeError(p)
}

// traceID returns the trace id of a W3C traceparent ("00-<32 hex>-<16 hex>-<2 hex>"), or "".
func traceID(parent string) string {
	if len(parent) != 55 || parent[2] != '-' || parent[35] != '-' || parent[52] != '-' {
		return ""
	}
	for i := range len(parent) {
		switch c := parent[i]; {
		case i == 2 || i == 35 || i == 52:
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		default:
			return ""
		}
	}
	return parent[3:35]
}
