package proxy

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/normalize"
)

// jsonType is the content type of answers that name none.
const jsonType = "application/json"

// exposed is the list of headers that browsers must show to scripts.
var exposed = strings.Join(normalize.ExposedHeaders, ", ")

// reply writes an answer. It is the only place that does.
func (x *exchange) reply(fc *fasthttp.RequestCtx, rs *adapters.Response) {
	x.status = or(rs.Status, 200)
	h := &fc.Response.Header
	x.cut = rs.Stream != nil
	fc.Response.SetStatusCode(x.status)
	h.SetContentType(or(rs.ContentType, jsonType))
	named := false
	for _, p := range rs.Header {
		named = named || p.Name == normalize.HeaderRequest
		h.Add(p.Name, p.Value)
	}
	if !named {
		h.Set(normalize.HeaderRequest, x.rq.ID)
	}
	x.rate.write(h)
	if x.early || x.rq.Headers.Get("Origin") != "" {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", exposed)
	}
	if x.status == 204 || x.status == 304 || x.status < 200 {
		if rs.Stream != nil {
			_ = rs.Stream.Close() // these statuses have no body
		}
		h.SetContentType("")
		fc.Response.SkipBody = true
		return
	}
	if rs.Stream != nil {
		x.out = max(int(rs.Length), 0)
		fc.Response.SetBodyStream(rs.Stream, int(rs.Length))
		return
	}
	x.out, x.answer = len(rs.Body), rs.Body
	fc.Response.SetBodyRaw(rs.Body)
}

// pass writes the vendor's answer: as it came, apart from what clean and tellOf have changed.
func (x *exchange) pass(fc *fasthttp.RequestCtx, r *reception) {
	x.passed, x.status = true, r.status
	h := &fc.Response.Header
	r.header.CopyTo(h)
	h.SetNoDefaultContentType(true)
	if r.status != h.StatusCode() {
		h.SetStatusMessage(nil)
		fc.Response.SetStatusCode(r.status)
	}
	h.Set(normalize.HeaderRequest, x.rq.ID)
	if x.rq.Headers.Get("Origin") != "" {
		if len(h.Peek("Access-Control-Allow-Origin")) == 0 {
			h.Set("Access-Control-Allow-Origin", "*")
		}
		if own := string(h.Peek("Access-Control-Expose-Headers")); own == "" {
			h.Set("Access-Control-Expose-Headers", exposed)
		} else {
			h.Set("Access-Control-Expose-Headers", own+", "+exposed)
		}
	}
	if r.rest == nil {
		x.out, x.answer = len(r.body), r.body
		if len(r.body) > 0 {
			fc.Response.SetBodyRaw(r.body)
		}
		return
	}
	x.cut = true
	length := r.header.ContentLength()
	x.out = max(length, 0)
	var body io.Reader = r.rest
	if len(r.body) > 0 {
		body = io.MultiReader(bytes.NewReader(r.body), r.rest)
	}
	fc.Response.SetBodyStream(&tail{body, r}, length)
}

// preflight reports whether a request asks what a browser's next request may do.
func preflight(rq *adapters.Request) bool {
	return rq.Method == "OPTIONS" && rq.Headers.Get("Origin") != "" && rq.Headers.Get("Access-Control-Request-Method") != ""
}

// preflight allows what was asked: credentials travel in headers and query, never in cookies, so an
// origin proves nothing here.
func (x *exchange) preflight() *adapters.Response {
	rs := &adapters.Response{Status: 204}
	rs.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	if ask := x.rq.Headers.Get("Access-Control-Request-Headers"); ask != "" {
		rs.Set("Access-Control-Allow-Headers", headerNames(ask))
	}
	rs.Set("Access-Control-Max-Age", "7200")
	rs.Set("Vary", "Origin, Access-Control-Request-Headers")
	return rs
}

// headerNames keeps what can stand in a list of header names.
func headerNames(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f || r == ' ' {
			return r
		}
		return -1
	}, s[:min(len(s), 4096)])
}

// write adds the state of the caller's rate limit, if there is one.
func (r *rateState) write(h *fasthttp.ResponseHeader) {
	if r.limit == 0 {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(r.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(r.remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(r.reset.Unix(), 10))
}
