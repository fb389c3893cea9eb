package proxy

import (
	"iter"
	"strings"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// dropped are request headers that end here: they are about this connection, or say of the client what
// only we can know.
var dropped = nameSet(
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Expect", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
	"X-Forwarded-Port", "X-Real-Ip", "Dragoman-Error", "Dragoman-Original", normalize.HeaderFormat, normalize.HeaderHop,
)

// nameSet indexes names of headers as they are written in canonical form.
func nameSet(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// headerSet is what requests and answers have in common.
type headerSet interface {
	All() iter.Seq2[[]byte, []byte]
	Del(name string)
}

// strip takes the headers of a set away. Few of them are ever there, so that looking once is cheaper
// than asking for each.
func strip(h headerSet, gone map[string]bool) {
	var small [8]string
	found := small[:0]
	for k := range h.All() {
		if gone[string(k)] {
			found = append(found, string(k))
		}
	}
	for _, name := range found {
		h.Del(name)
	}
}

// outgoing is a request on its way, as a dialect may change it.
type outgoing struct {
	h           *fasthttp.RequestHeader
	path, query string
	body        []byte
	changed     bool // of the body
}

// Header implements adapters.Outgoing.
func (o *outgoing) Header(name string) string { return string(o.h.Peek(name)) }

// SetHeader implements adapters.Outgoing.
func (o *outgoing) SetHeader(name, value string) { o.h.Set(name, value) }

// Path implements adapters.Outgoing.
func (o *outgoing) Path() string { return o.path }

// SetPath implements adapters.Outgoing.
func (o *outgoing) SetPath(path string) { o.path = path }

// Query implements adapters.Outgoing.
func (o *outgoing) Query() string { return o.query }

// SetQuery implements adapters.Outgoing.
func (o *outgoing) SetQuery(raw string) { o.query = raw }

// Body implements adapters.Outgoing.
func (o *outgoing) Body() []byte { return o.body }

// SetBody implements adapters.Outgoing.
func (o *outgoing) SetBody(b []byte) { o.body, o.changed = b, true }

// address makes the vendor's request out of the client's: everything as it came, but for the host, the
// credentials and what is only about the client's own connection.
func (x *exchange) address(fc *fasthttp.RequestCtx, c *call) error {
	fc.Request.Header.CopyTo(&c.rq.Header)
	return x.send(c, string(fc.URI().QueryString()), false)
}

// send finishes a request whose headers are there already.
func (x *exchange) send(c *call, query string, live bool) error {
	h, s := &c.rq.Header, x.l.s
	hops, looped := normalize.NextHop(string(h.Peek(normalize.HeaderHop)), s.hop)
	if looped {
		return fault.UpstreamBadGateway.Error("").With(variantLoop)
	}
	upgrade, named := string(h.Peek("Upgrade")), string(h.Peek("Connection"))
	for name := range strings.SplitSeq(named, ",") {
		if name = strings.TrimSpace(name); name != "" && !strings.EqualFold(name, "close") && !strings.EqualFold(name, "keep-alive") {
			h.Del(name)
		}
	}
	strip(h, dropped)
	h.ResetConnectionClose()
	h.Set(normalize.HeaderHop, hops)
	h.Set(normalize.HeaderRequest, x.rq.ID)
	if c.sd.conf.Trusted {
		h.Set("X-Forwarded-For", x.rq.Remote)
		h.Set("X-Forwarded-Proto", x.rq.Scheme)
	}
	if live {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", upgrade)
	}
	route := ""
	if x.t != nil {
		route = x.t.name
	}
	if c.sd.front.Rewrites(route) {
		h.Del("Accept-Encoding") // the answer has to be read
	}
	o := &outgoing{h: h, path: x.sent, query: query, body: x.rq.Body}
	own, err := c.sd.front.Resign(x.rq, o)
	if err != nil {
		return err
	}
	c.own = own
	service := c.sd.front.Service(x.rq)
	if live {
		service = adapters.ServiceLive
	}
	if c.c == nil {
		c.c = c.sd.client(service)
	}
	uri := c.c.base + o.path
	if o.query != "" {
		uri += "?" + o.query
	}
	c.rq.SetRequestURI(uri)
	h.SetHost(c.c.host)
	c.rq.UseHostHeader = true
	switch {
	case live:
	case c.whole:
		c.rq.SetBodyRaw(o.body)
	default:
		c.rq.SetBodyStream(x.rq.Stream, int(x.rq.Length))
	}
	return nil
}

// variantLoop marks a request that came back to where it had been.
const variantLoop = "loop"
