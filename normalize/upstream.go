package normalize

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/core/fault"
)

// Limits on what is read of an upstream's error, in bytes.
const (
	DefaultMaxBody = 64 << 10 // read and matched
	maxOriginal    = 4 << 10  // kept under "original.body"
)

// Reading is how an upstream's answer is to be understood.
type Reading struct {
	MaxBody       int       // bytes of body to look at after decompression; zero means DefaultMaxBody
	Hop           string    // this proxy's name in "via"; empty adds no entry
	Now           time.Time // for "via" and for dates in Retry-After
	Trusted       bool      // the upstream is a Dragoman of ours: adopt its document
	OwnCredential bool      // the call was made with our credential, so its refusal is not the client's fault
	Expose        Expose    // how much of the vendor's words clients may see
	// Unrecognised is told the provider and code of every error that no row matches; that is the
	// list of rows to add. May be nil.
	Unrecognised func(provider, code string)
}

// FromUpstream makes the document for an upstream's answer; ok is false when the answer is no
// failure. It never fails: an empty body, a body that is not JSON, a compressed or endless one
// all give a document.
func FromUpstream(v Vendor, u *Upstream, o Reading) (p *Problem, ok bool) {
	body, size, cut := u.decode(o.MaxBody)
	if o.Trusted {
		if p := adopt(u, body); p != nil {
			p.Expose, p.adopted = o.Expose, true
			inner := p.RequestID
			p.RequestID, p.TraceID = "", ""
			p.hop(o, u.Status, inner)
			return p, true
		}
	}
	c := v.Catalog
	a, failed := Answer{Status: u.Status}, true
	if v.Read != nil {
		a, failed = v.Read(u, body)
	}
	odd := u.Status < 200 || u.Status > 599 || u.Status >= 300 && u.Status < 400
	if !failed && !odd {
		return nil, false
	}
	if odd {
		p = of(fault.UpstreamBadGateway, "")
		p.Original = original(c, Row{}, a)
	} else {
		p = recognise(c, a, o)
	}
	p.Origin, p.Provider, p.Expose = OriginUpstream, c.provider, o.Expose
	p.RetryAfter = u.retryAfter(o.Now, p.Retryable)
	g := p.Original
	g.Status, g.Bytes, g.Truncated = u.Status, size, cut
	if g.RequestID == "" {
		g.RequestID = clean(u.header("X-Request-Id"), 128)
	}
	if o.Expose >= ExposeBody {
		g.Body, g.Format, g.Truncated = redact(body, cut)
	}
	p.hop(o, u.Status, "")
	return p, true
}

// FromAnswer makes the document for an error that did not come as an HTTP answer: a number a
// client library reported, a status of a live link, a code out of a log.
func FromAnswer(c *Catalog, a Answer, o Reading) *Problem {
	p := recognise(c, a, o)
	p.Origin, p.Provider, p.Expose = OriginUpstream, c.provider, o.Expose
	p.hop(o, a.Status, "")
	return p
}

// recognise finds the meaning of an error and keeps the original beside it.
func recognise(c *Catalog, a Answer, o Reading) (p *Problem) {
	row, match := c.FromVendor(a)
	switch {
	case match == MatchNone:
		p = unrecognised(a.Status)
		if o.Unrecognised != nil {
			o.Unrecognised(c.provider, clean(codeText(a.Code), 64))
		}
		if o.OwnCredential && (a.Status == 401 || a.Status == 403) {
			p = of(fault.UpstreamBadGateway, "credential")
		}
	case row.Reason == fault.Success: // a failure by its body, a success by its status
		p = unrecognised(502)
	case o.OwnCredential && credential(row.Reason):
		p = of(fault.UpstreamBadGateway, "credential")
	default:
		p = of(row.Reason, row.Variant)
	}
	p.Original = original(c, row, a)
	if o.Expose >= ExposeMessage && p.Fault == fault.BlameClient {
		p.Detail = p.Original.Message
	}
	return p
}

// original keeps what the vendor said, without the body: that is redacted only when it is shown.
func original(c *Catalog, row Row, a Answer) *Original {
	g := &Original{
		Provider: c.provider, Catalogue: c.Version(), Row: row.ID, Status: a.Status,
		Code: keepCode(a.Code), Name: a.Name, Message: clean(scrub(a.Message), maxDetail),
		RequestID: clean(a.RequestID, 128), Format: "none",
	}
	if g.Name == "" {
		g.Name = row.Name
	}
	g.Name = clean(g.Name, 128)
	return g
}

// keepCode copies a code's JSON literal; an absurdly long or broken one becomes null.
func keepCode(raw []byte) []byte {
	if len(raw) == 0 || len(raw) > 256 || !gjson.ValidBytes(raw) {
		return nil
	}
	return bytes.Clone(raw)
}

// unrecognised is the document for an error in no catalogue: class and retry advice come from
// the HTTP status.
func unrecognised(status int) *Problem {
	p := of(fault.UpstreamUnrecognised, "")
	p.Class = statusClass(status)
	switch status {
	case 429, 502, 503, 504:
		p.Retryable, p.RetryHint = fault.RetryYes, "backoff"
	}
	return p
}

// statusClass is the google.rpc code of an HTTP status.
func statusClass(status int) fault.Code {
	switch status {
	case 400, 413, 415, 422, 431:
		return fault.CodeInvalidArgument
	case 401:
		return fault.CodeUnauthenticated
	case 403, 430:
		return fault.CodePermissionDenied
	case 404, 410:
		return fault.CodeNotFound
	case 405, 501:
		return fault.CodeUnimplemented
	case 409:
		return fault.CodeAborted
	case 408, 504:
		return fault.CodeDeadlineExceeded
	case 412:
		return fault.CodeFailedPrecondition
	case 429:
		return fault.CodeResourceExhausted
	case 499:
		return fault.CodeCancelled
	case 500:
		return fault.CodeInternal
	case 502, 503:
		return fault.CodeUnavailable
	}
	return fault.CodeUnknown
}

// credential reports whether a reason is about who calls: with our credential on the call, that
// is our fault, and an SDK that saw it would log its user out.
func credential(r *fault.Reason) bool {
	name := r.Name()
	return strings.HasPrefix(name, "auth.") || strings.HasPrefix(name, "app.") ||
		r == fault.SessionNotLoggedIn || r == fault.PermissionDenied
}

// hop appends this proxy to "via".
func (p *Problem) hop(o Reading, status int, requestID string) {
	if o.Hop == "" || len(p.Via) >= maxVia {
		return
	}
	p.Via = append(p.Via, Via{Hop: o.Hop, Provider: p.Provider, Status: status, RequestID: requestID, At: o.Now})
}

// retryAfter reads the delay an upstream asks for. Where waiting does not help none is passed on.
func (u *Upstream) retryAfter(now time.Time, retry fault.Retry) time.Duration {
	if retry == fault.RetryNo {
		return 0
	}
	if d := ParseRetryAfter(u.header("Retry-After"), now); d > 0 {
		return d
	}
	if u.Status != 429 {
		return 0
	}
	return ParseReset(u.header("X-Ratelimit-Reset"), now)
}

// Plain is the body without compression, at most limit bytes of it; cut tells that there was more, or
// that it could not be decompressed.
func (u *Upstream) Plain(limit int) (body []byte, cut bool) {
	body, _, cut = u.decode(limit)
	return body, cut
}

// decode returns at most limit bytes of the body, decompressed, the size it had on the wire, and
// whether it was cut short.
func (u *Upstream) decode(limit int) (body []byte, size int, cut bool) {
	if limit <= 0 {
		limit = DefaultMaxBody
	}
	size = len(u.Body)
	if strings.EqualFold(strings.TrimSpace(u.header("Content-Encoding")), "gzip") || bytes.HasPrefix(u.Body, []byte{0x1f, 0x8b, 8}) {
		z, err := gzip.NewReader(bytes.NewReader(u.Body))
		if err == nil {
			body, err = io.ReadAll(io.LimitReader(z, int64(limit)+1))
			cut = err != nil
			if len(body) > limit {
				body, cut = body[:limit], true
			}
			return body, size, cut
		}
		return nil, size, true
	}
	if size > limit {
		return u.Body[:limit], size, true
	}
	return u.Body, size, false
}

// Raw is the upstream's answer as it is, for a client that speaks the upstream's own dialect:
// status, content type and body unchanged, with the headers that SDKs read.
func Raw(u *Upstream) Native {
	n := Native{Status: u.Status, ContentType: u.header("Content-Type"), Body: u.Body}
	if n.Status < 200 || n.Status > 599 || n.Status >= 300 && n.Status < 400 { // a redirect would lead to the vendor's host
		n.Status = 502
	}
	for _, name := range rawHeaders {
		if v := u.header(name); v != "" {
			n.Header = append(n.Header, Header{name, ascii(v)})
		}
	}
	return n
}

// rawHeaders pass through with a native answer; everything else of the upstream stays behind.
var rawHeaders = []string{"Content-Encoding", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}

// NoAnswer is the error for a call that got no answer at all: a deadline, a caller that hung up,
// a connection that could not be made or broke.
func NoAnswer(err error) *fault.Error {
	var e *fault.Error
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return fault.RequestCancelled.Wrap(err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fault.UpstreamTimeout.Wrap(err)
	}
	return fault.UpstreamBadGateway.Wrap(err)
}
