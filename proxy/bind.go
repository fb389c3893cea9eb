package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// maxRequestID caps a request id taken from the client, in bytes.
const maxRequestID = 64

// bind copies a request out of the server's buffers: one string holds every header, the path and
// the query, and all values are parts of it. Parameters and body are added once the route is known.
// It fails on text that is not UTF-8.
func (l *listener) bind(fc *fasthttp.RequestCtx) (*adapters.Request, *fault.Error) {
	h := &fc.Request.Header
	type span struct{ k, v, end int }
	var spans [48]span
	list := spans[:0]
	var small [2048]byte
	buf := small[:0]
	for k, v := range h.All() {
		if normalize.Stripped(string(k)) {
			continue
		}
		at := len(buf)
		buf = append(append(buf, k...), v...)
		list = append(list, span{at, at + len(k), len(buf)})
	}
	method := string(h.Method())
	path, query := fc.URI().PathOriginal(), fc.URI().QueryString()
	p := len(buf)
	buf = append(buf, path...)
	q := len(buf)
	buf = append(buf, query...)
	all := string(buf)

	rq := &adapters.Request{Method: method, Path: all[p:q], Headers: make(adapters.Values, len(list)), Length: -1, Scheme: "http"}
	for i, s := range list {
		rq.Headers[i] = adapters.Param{Name: all[s.k:s.v], Value: all[s.v:s.end]}
	}
	if rq.Path == "" {
		rq.Path = "/"
	}
	rq.Host = string(fc.Host())
	if fc.IsTLS() {
		rq.Scheme = "https"
	}
	l.client(fc, rq)
	rq.ID = requestID(rq.Headers.Get(normalize.HeaderRequest))
	rq.Query = parseQuery(all[q:])
	if !utf8.ValidString(all) || !validValues(rq.Query) {
		return rq, fault.RequestInvalid.Error("The request is not valid UTF-8.")
	}
	return rq, nil
}

// client fills the caller's address and scheme; forwarded ones only from a trusted proxy.
func (l *listener) client(fc *fasthttp.RequestCtx, rq *adapters.Request) {
	ip, ok := netip.AddrFromSlice(fc.RemoteIP())
	if !ok {
		return
	}
	ip = ip.Unmap()
	rq.Remote = ip.String()
	if len(l.s.opt.TrustedProxies) == 0 || !l.s.trusted(ip) {
		return
	}
	if s := strings.ToLower(rq.Headers.Get("X-Forwarded-Proto")); s == "https" || s == "http" {
		rq.Scheme = s
	}
	hops := strings.Split(rq.Headers.Get("X-Forwarded-For"), ",")
	for i := len(hops) - 1; i >= 0; i-- { // the nearest address that no proxy of ours has
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return
		}
		rq.Remote = hop.Unmap().String()
		if !l.s.trusted(hop.Unmap()) {
			return
		}
	}
}

// trusted reports whether an address is a proxy of ours.
func (s *Server) trusted(ip netip.Addr) bool {
	for _, p := range s.opt.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// earlyRequest stands for a request that could not be read.
func earlyRequest() *adapters.Request {
	return &adapters.Request{ID: newRequestID(), Path: "/", Length: -1}
}

// requestID takes the client's id when it is harmless, and makes one otherwise.
func requestID(given string) string {
	if given == "" || len(given) > maxRequestID {
		return newRequestID()
	}
	for i := range len(given) {
		switch c := given[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || c == '+' || c == '=':
		default:
			return newRequestID()
		}
	}
	return given
}

// newRequestID makes an id of 128 random bits. It names a request, it guards nothing.
func newRequestID() string {
	var b [16]byte
	var out [32]byte
	binary.BigEndian.PutUint64(b[:8], rand.Uint64())
	binary.BigEndian.PutUint64(b[8:], rand.Uint64())
	hex.Encode(out[:], b[:])
	return string(out[:])
}

// parseQuery splits and decodes a query. A broken escape is kept as it stands, as browsers do.
func parseQuery(raw string) adapters.Values {
	if raw == "" {
		return nil
	}
	out := make(adapters.Values, 0, strings.Count(raw, "&")+1)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		out = append(out, adapters.Param{Name: unescape(k), Value: unescape(v)})
	}
	return out
}

// unescape decodes one part of a query.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// validValues reports whether all names and values are UTF-8.
func validValues(v adapters.Values) bool {
	for i := range v {
		if !utf8.ValidString(v[i].Name) || !utf8.ValidString(v[i].Value) {
			return false
		}
	}
	return true
}

// setParams decodes the path parameters of a match.
func setParams(rq *adapters.Request, f *found[target]) *fault.Error {
	if len(f.leaf.params) == 0 {
		return nil
	}
	rq.Params = make([]adapters.Param, len(f.leaf.params))
	for i, name := range f.leaf.params {
		v := f.values[i]
		if strings.IndexByte(v, '%') >= 0 {
			d, err := url.PathUnescape(v)
			if err != nil || !utf8.ValidString(d) {
				return fault.RequestInvalid.Error("The path parameter " + name + " is not valid percent-encoded UTF-8.")
			}
			v = d
		}
		rq.Params[i] = adapters.Param{Name: name, Value: v}
	}
	return nil
}
