package normalize

import (
	"encoding/json"
	"strings"
	"time"

	"dragoman/core/fault"
)

// TypePrefix begins the "type" of every document; the canonical code follows.
const TypePrefix = "urn:dragoman:error:"

// instancePrefix begins the "instance" member; the request id follows.
const instancePrefix = "urn:dragoman:request:"

// maxDetail caps "detail" and vendor messages, in bytes: they may echo what a caller sent.
const maxDetail = 512

// maxVia caps the list of hops; the oldest are kept.
const maxVia = 8

// Origin tells which layer raised an error.
type Origin string

// The layers. Only OriginUpstream errors carry a vendor's own words under "original".
const (
	OriginProxy    Origin = "proxy"
	OriginCore     Origin = "core"
	OriginUpstream Origin = "upstream"
)

// Expose is how much of a foreign vendor's own error a client may see.
type Expose uint8

// The three levels: the default shows status, code and name only.
const (
	ExposeCode Expose = iota
	ExposeMessage
	ExposeBody
)

// Problem is the unified error document. The caller sets RequestID, TraceID and, for messages
// that name an operation, Op; everything else comes from the constructors.
type Problem struct {
	Reason     *fault.Reason // nil for a code of a newer hop that this build does not know
	Code       string        // canonical code, kept as the hop sent it
	Variant    string
	Title      string // fixed per code
	Status     int    // HTTP status of the unified answer
	Detail     string // this event, safe to show; empty means that a fixed sentence is shown
	Class      fault.Code
	Retryable  fault.Retry
	RetryAfter time.Duration // zero means unknown
	RetryHint  string
	Fault      fault.Blame
	Origin     Origin
	Provider   string // vendor whose words "original" holds
	Dialect    string // dialect the client speaks; empty on the native API
	RequestID  string
	TraceID    string
	Errors     []FieldError
	Original   *Original
	Via        []Via

	Op     string  // the vendor's name of the operation, used in native messages; not part of the document
	Params []Param // values for the placeholders of a vendor's text; not part of the document
	Expose Expose  // how much of a foreign original is shown; not part of the document

	row     string // the very row to say, where the error named one
	adopted bool   // taken over from another hop: original stays as it is
}

// FieldError is one offending member of the request.
type FieldError struct {
	Pointer string // JSON pointer, or "?name" for a query parameter
	Detail  string
	Code    string // canonical code
}

// Param fills one {placeholder} of a vendor's text.
type Param = fault.Param

// Original is the vendor's error as it was, or, for an error born here, as the client's SDK
// receives it.
type Original struct {
	Provider  string
	Catalogue string // name@edition
	Row       string // row id; empty when the vendor's error is in no table
	Status    int    // HTTP status; 0 when there was none
	Code      json.RawMessage
	Name      string
	Message   string
	RequestID string
	Body      []byte // redacted and capped; see Expose
	Format    string // json, text, base64, none
	Bytes     int    // size of the body before capping
	Truncated bool
}

// Via is one hop an error passed through.
type Via struct {
	Hop       string
	Provider  string
	Status    int
	RequestID string // the hop's own request id, where it differs
	At        time.Time
}

// New makes the document for an error born in the proxy or the core. With a catalogue, Original
// is the row the client's SDK receives; without one (the native API) there is none.
//
// A dialect that means one particular row of its own table gives the row's id as the error's
// variant; the document then carries the variant of that row.
func New(err *fault.Error, origin Origin, c *Catalog) *Problem {
	p := of(err.Reason, err.Variant)
	p.Origin = origin
	p.RetryAfter = clampRetry(err.RetryAfter)
	if p.Fault == fault.BlameClient {
		p.Detail = clean(err.Detail, maxDetail)
	}
	for _, v := range err.Params {
		p.Params = append(p.Params, Param{Name: clean(v.Name, maxDetail), Value: clean(v.Value, maxDetail)})
	}
	for _, f := range err.Fields {
		code := p.Code
		if f.Reason != nil {
			code = f.Reason.Name()
		}
		p.Errors = append(p.Errors, FieldError{clean(f.Pointer, maxDetail), clean(f.Detail, maxDetail), code})
	}
	if c != nil {
		if r, ok := c.byID[err.Variant]; ok && r.Reason == err.Reason {
			p.row, p.Variant = r.ID, r.Variant
		}
		p.Speak(c)
	}
	return p
}

// Speak makes Original the row of the dialect the client speaks. It leaves the original of an
// upstream and of another hop alone: only the dialect is noted. On the native API, which has no
// catalogue, clear Dialect instead.
func (p *Problem) Speak(c *Catalog) {
	p.Dialect = c.provider
	if !p.ours() {
		return
	}
	r, _ := c.Say(p)
	p.Provider = c.provider
	p.Original = &Original{
		Provider: c.provider, Catalogue: c.Version(), Row: r.ID, Status: r.Status,
		Code: r.Body, Name: r.Name, Format: "none",
	}
}

// Plain returns the document as our own API says it: without a dialect, and for an error born here
// without an original, since there is no vendor whose words it could be. p itself is not changed.
func (p *Problem) Plain() *Problem {
	c := *p
	c.Dialect = ""
	if c.ours() {
		c.Provider, c.Original = "", nil
	}
	return &c
}

// ours reports whether the error was born in this process.
func (p *Problem) ours() bool { return p.Origin != OriginUpstream && !p.adopted }

// of fills what the reason alone decides.
func of(r *fault.Reason, variant string) *Problem {
	if r == nil {
		r = fault.ServerUnknown
	}
	return &Problem{
		Reason: r, Code: r.Name(), Variant: variant, Title: r.Title(), Status: r.Status(), Class: r.Code(),
		Retryable: r.Retry(), RetryHint: r.Hint(), Fault: r.Blame(),
	}
}

// Key is the pair to look up in a catalogue. A code of a newer hop is looked up by its class.
func (p *Problem) Key() (*fault.Reason, string) {
	if p.Reason != nil {
		return p.Reason, p.Variant
	}
	return classReason(p.Class), ""
}

// Text is the sentence a client may see: the detail of a client's error, the fixed title of
// everything else.
func (p *Problem) Text() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// detail is the document's "detail" member. Failures on our side say nothing but the request id.
func (p *Problem) detail() string {
	switch {
	case p.Detail != "":
		return p.Detail
	case p.Fault != fault.BlameClient && p.RequestID != "":
		return "The failure is logged under request " + p.RequestID + "."
	}
	return p.Title
}

// instance is the document's "instance" member.
func (p *Problem) instance() string { return instancePrefix + p.RequestID }

// Loggable reports whether the failure is ours and so belongs in the error log and the breaker's
// count. Errors of the caller never do.
func (p *Problem) Loggable() bool { return Counts(p.Reason) }

// Counts reports whether a reason speaks against the health of what was called. It is the test a
// circuit breaker needs: errors of the caller, 429 among them, mean that the callee is alive.
func Counts(r *fault.Reason) bool {
	return r != nil && (r.Blame() == fault.BlameServer || r.Blame() == fault.BlameInfra)
}

// classReason is the general reason of a class, for codes this build does not know.
func classReason(c fault.Code) *fault.Reason {
	switch c {
	case fault.CodeOK:
		return fault.Success
	case fault.CodeCancelled:
		return fault.RequestCancelled
	case fault.CodeInvalidArgument:
		return fault.RequestInvalid
	case fault.CodeDeadlineExceeded:
		return fault.UpstreamTimeout
	case fault.CodeNotFound:
		return fault.ResourceNotFound
	case fault.CodeAlreadyExists, fault.CodeAborted:
		return fault.RequestConflict
	case fault.CodePermissionDenied, fault.CodeFailedPrecondition:
		return fault.PermissionDenied
	case fault.CodeUnauthenticated:
		return fault.AuthFailed
	case fault.CodeResourceExhausted:
		return fault.RateLimited
	case fault.CodeUnimplemented:
		return fault.RequestNotImplemented
	case fault.CodeInternal:
		return fault.ServerInternal
	case fault.CodeUnavailable:
		return fault.ServerUnavailable
	}
	return fault.ServerUnknown
}

// clean makes a text safe to show: valid UTF-8, no control characters, at most limit bytes.
func clean(s string, limit int) string {
	s = strings.ToValidUTF8(s, "�")
	if strings.ContainsFunc(s, isControl) {
		s = strings.Map(func(r rune) rune {
			if isControl(r) {
				return ' '
			}
			return r
		}, s)
	}
	if len(s) > limit {
		cut := limit - len("…")
		for cut > 0 && s[cut]&0xC0 == 0x80 {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// isControl names the runes that must not reach a terminal or a header: C0, DEL, C1, and the
// characters that change the direction of text.
func isControl(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
