package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// reception is the vendor's answer, as far as it was read.
type reception struct {
	status int
	header *fasthttp.ResponseHeader
	body   []byte    // all of it, or its beginning where rest is set
	rest   io.Reader // what follows; its end releases rs
	rs     *fasthttp.Response
}

// receive takes the vendor's answer and passes it on. health is what the breaker is to be told.
func (x *exchange) receive(fc *fasthttp.RequestCtx, c *call) (health error, err error) {
	r, bad := x.take(c)
	if bad != nil {
		return bad, bad
	}
	if r.rest != nil {
		c.rs = nil // lives as long as the stream
	}
	x.clean(c, r)
	if plain := x.rewritten(c, r); plain != nil {
		r.body = plain
		r.header.Del("Content-Encoding")
	}
	u := &normalize.Upstream{Status: r.status, Path: x.rq.Path, Body: r.body, Header: func(name string) string { return string(r.header.Peek(name)) }}
	p := x.understand(c, u)
	health = verdict(r.status, p)
	if p != nil {
		x.tellOf(fc, c, r, u, p)
		return health, nil
	}
	x.pass(fc, r)
	return health, nil
}

// take reads an answer: whole when it is small, or has to be looked at; else its beginning at most.
func (x *exchange) take(c *call) (*reception, *fault.Error) {
	rs := c.rs
	r := &reception{status: rs.StatusCode(), header: &rs.Header, rs: rs}
	stream, n := rs.BodyStream(), rs.Header.ContentLength()
	if stream == nil {
		r.body = bytes.Clone(rs.Body()) // of a refused handshake; else there is none
		return r, nil
	}
	route := ""
	if x.t != nil {
		route = x.t.name
	}
	most, must := wholeAnswer, c.sd.front.Rewrites(route)
	if must || x.observed() {
		most = MaxShadowed
	}
	json := bytes.HasPrefix(rs.Header.ContentType(), []byte("application/json"))
	switch {
	case n >= 0 && n <= most:
		r.body = make([]byte, n)
		if _, err := io.ReadFull(stream, r.body); err != nil {
			return nil, tellBroken(err)
		}
		done(rs)
		return r, nil
	case r.status < 400 && !must && (n >= 0 || c.slow || !json && !x.observed()):
		r.rest = stream
		return r, nil
	}
	head, err := io.ReadAll(io.LimitReader(stream, int64(most)+1))
	switch {
	case err != nil:
		return nil, tellBroken(err)
	case len(head) > most && must:
		return nil, fault.UpstreamBadGateway.Wrap(errTooLong)
	case len(head) > most:
		r.rest = stream
	default:
		done(rs)
	}
	r.body = head
	return r, nil
}

// done gives the connection of an answer back that was read to its end.
func done(rs *fasthttp.Response) {
	if b, ok := rs.BodyStream().(fasthttp.ReadCloserWithError); ok {
		_ = b.CloseWithError(nil) // nothing is left to read
	}
}

// goneHeaders of an answer end here: they are about the vendor's connection or its host.
var goneHeaders = nameSet("Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Te", "Trailer", "Upgrade", "Alt-Svc", "Strict-Transport-Security", "Dragoman-Hop", normalize.HeaderRequest)

// clean takes out of an answer what must not reach the client.
func (x *exchange) clean(c *call, r *reception) {
	h := r.header
	for name := range strings.SplitSeq(string(h.Peek("Connection")), ",") { // what the connection names is about it
		if name = strings.TrimSpace(name); name != "" && !strings.EqualFold(name, "close") {
			h.Del(name)
		}
	}
	strip(h, goneHeaders)
	h.ResetConnectionClose()
	if !c.sd.conf.Trusted { // only a hop of ours may speak in our name
		h.Del(normalize.HeaderError)
		h.Del(normalize.HeaderOriginal)
	}
	if c.own != adapters.OwnNothing { // a budget that many clients share says nothing of this one's
		for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
			h.Del(name)
		}
	}
	if at := string(h.Peek("Location")); at != "" {
		if own := x.here(c, at); own != at {
			h.Set("Location", own)
		}
	}
}

// here turns an address at the vendor's hosts into one of ours.
func (x *exchange) here(c *call, at string) string {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return at
	}
	for _, cl := range c.sd.clients {
		if strings.EqualFold(u.Host, cl.host) || strings.EqualFold(withPort(u.Host, u.Scheme == "https"), cl.addr) {
			u.Scheme, u.Host = x.rq.Scheme, x.rq.Host
			u.Path, u.RawPath = x.rq.Prefix+strings.TrimPrefix(u.Path, cl.base), ""
			return u.String()
		}
	}
	return at
}

// rewritten is the body with our addresses in the place of the vendor's, or nil where it stays.
func (x *exchange) rewritten(c *call, r *reception) []byte {
	if r.rest != nil || r.status < 200 || r.status >= 300 || x.t == nil || !c.sd.front.Rewrites(x.t.name) {
		return nil
	}
	body := r.body
	if len(r.header.Peek("Content-Encoding")) > 0 {
		plain, cut := (&normalize.Upstream{Body: body}).Plain(MaxShadowed)
		if cut {
			return nil
		}
		body = plain
	}
	out, live := c.sd.front.Rewrite(x.t.name, x.rq, body)
	if len(live) > 0 {
		c.f.live.Store(&live)
	}
	return out
}

// understand recognises the vendor's failure; nil for a success.
func (x *exchange) understand(c *call, u *normalize.Upstream) *normalize.Problem {
	switch {
	case u.Status == 304, u.Status >= 300 && u.Status < 400 && u.Header("Location") != "":
		return nil // not towards the vendor: that was put right
	case u.Status >= 200 && u.Status < 300 && !c.f.speaks.FailsQuietly():
		return nil
	}
	s := x.l.s
	v := normalize.Vendor{Catalog: x.m.catalog, Read: c.f.speaks.ReadError}
	how := normalize.Reading{
		Hop: s.hop, Now: x.start, Trusted: c.sd.conf.Trusted, OwnCredential: c.own == adapters.OwnCall, Expose: normalize.ExposeMessage,
		Unrecognised: func(provider, code string) { s.strange.note(c.f, provider, code, u.Status, x.rq, x.t) },
	}
	p, failed := normalize.FromUpstream(v, u, how)
	if !failed {
		return nil
	}
	if c.own == adapters.OwnKey && ownFault[p.Reason] {
		how.OwnCredential = true
		p, _ = normalize.FromUpstream(v, u, how)
	}
	return p
}

// ownFault are the refusals of a key or signature: with ours on a call, they are nothing the caller did.
var ownFault = map[*fault.Reason]bool{
	fault.AuthAPIKeyMissing: true, fault.AuthAPIKeyInvalid: true, fault.AuthTokenSignatureInvalid: true,
	fault.AuthRequestSignatureInvalid: true, fault.AppIDMissing: true, fault.AppNotFound: true,
}

// tellOf passes a failure on with the unified document beside it.
func (x *exchange) tellOf(fc *fasthttp.RequestCtx, c *call, r *reception, u *normalize.Upstream, p *normalize.Problem) {
	p.RequestID = x.rq.ID
	if x.t != nil {
		p.Op = x.t.name
	}
	p.Speak(x.m.catalog)
	parent := x.rq.Headers.Get(normalize.HeaderTrace)
	if p.TraceID = traceID(parent); p.TraceID == "" {
		parent = ""
	}
	x.problem = p
	x.fault = fault.From(errors.New("answer of the vendor"))
	if p.Reason != nil {
		x.fault = p.Reason.Error("")
	}
	mode := normalize.Choose(x.rq.Headers.Get(normalize.HeaderFormat), x.rq.Headers.Get("Accept"), c.sd.conf.ErrorFormat, normalize.ModeNative)
	ours := p.Reason == fault.UpstreamBadGateway // our credential, or an answer no client may see
	native := normalize.Raw(u)
	switch {
	case ours:
		native = x.native(x.m.dialect, p)
	case mode != normalize.ModeNative && r.rest == nil:
		native.Body, _ = u.Plain(wholeAnswer)
	default:
		mode = normalize.ModeNative
	}
	out := normalize.Render(p, native, mode, normalize.RenderOptions{Method: x.rq.Method, TraceParent: parent})
	if mode != normalize.ModeNative || ours {
		if r.rest != nil {
			closeStream(r)
		}
		r.header.Del("Content-Encoding")
		r.header.SetContentType(out.ContentType)
		r.status, r.body = out.Status, out.Body
	}
	for _, h := range out.Header {
		switch {
		case strings.EqualFold(h.Name, "Vary"):
			r.header.Add(h.Name, h.Value)
		case !strings.EqualFold(h.Name, "Content-Encoding"):
			r.header.Set(h.Name, h.Value)
		}
	}
	x.pass(fc, r)
}

// closeStream gives the rest of an answer up.
func closeStream(r *reception) {
	abandon(r.rs)
	r.rest = nil
}

// tail is the rest of an answer behind its beginning. It gives the answer's memory back at the end.
type tail struct {
	io.Reader
	r *reception
}

// CloseWithError implements fasthttp.ReadCloserWithError.
func (t *tail) CloseWithError(err error) error {
	if b, ok := t.r.rs.BodyStream().(fasthttp.ReadCloserWithError); ok {
		_ = b.CloseWithError(err) // the connection goes back, or goes
	}
	return nil
}

var _ fasthttp.ReadCloserWithError = (*tail)(nil)

// observed reports whether an observer wants to hear of the exchange.
func (x *exchange) observed() bool {
	return x.mode.Shadowed() && x.l.s.opt.Observer != nil
}

// headerValues copies the headers of an answer.
func headerValues(h *fasthttp.ResponseHeader) adapters.Values {
	var out adapters.Values
	for k, v := range h.All() {
		out = append(out, adapters.Param{Name: string(k), Value: string(v)})
	}
	return out
}

// hearAll reads an answer for comparison: whole, without compression, and with its canonical error.
func (x *exchange) hearAll(c *call) (out Answer, health, err error) {
	rs := c.rs
	out = Answer{Status: rs.StatusCode(), Header: headerValues(&rs.Header)}
	if stream := rs.BodyStream(); stream != nil {
		body, err := io.ReadAll(io.LimitReader(stream, MaxShadowed+1))
		if err != nil {
			bad := tellBroken(err)
			return out, bad, bad
		}
		if len(body) > MaxShadowed {
			return out, nil, errTooLong
		}
		done(rs)
		out.Body = body
	}
	u := &normalize.Upstream{Status: out.Status, Path: x.rq.Path, Body: out.Body, Header: out.Header.Get}
	p := x.understand(c, u)
	if p != nil {
		out.Code = p.Code
	}
	health = verdict(out.Status, p)
	plain, cut := plainBody(out.Header.Get("Content-Encoding"), out.Body)
	if cut {
		return out, health, errTooLong
	}
	out.Body = plain
	return out, health, nil
}
