package normalize

import (
	"strconv"
	"strings"
)

// Mode is the shape of an error answer.
type Mode string

// The three modes; the empty Mode means "not chosen".
const (
	ModeNative  Mode = "native"  // the vendor's shape, byte for byte
	ModeBoth    Mode = "both"    // the vendor's shape with the document as one more member
	ModeUnified Mode = "unified" // the document alone
)

// Content types of error answers.
const (
	contentJSON    = "application/json"
	contentProblem = "application/problem+json"
)

// ParseMode reads a mode by name.
func ParseMode(s string) (Mode, bool) {
	switch m := Mode(strings.ToLower(strings.TrimSpace(s))); m {
	case ModeNative, ModeBoth, ModeUnified:
		return m, true
	}
	return "", false
}

// DefaultMode is the mode where neither request nor app ask for one: the document on the native
// API, the vendor's bytes for what a real vendor answered in the client's own dialect, both for
// everything our own core answers.
func DefaultMode(p *Problem) Mode {
	switch {
	case p.Dialect == "":
		return ModeUnified
	case p.Origin == OriginUpstream && p.Provider == p.Dialect:
		return ModeNative
	}
	return ModeBoth
}

// Choose picks the mode: the Dragoman-Error-Format request header first, then an Accept header
// that names application/problem+json, then the app's setting, then def. Wildcards never choose
// unified: every vendor SDK sends some.
func Choose(format, accept string, app, def Mode) Mode {
	if m, ok := ParseMode(format); ok {
		return m
	}
	if wantsProblem(accept) {
		return ModeUnified
	}
	if app != "" {
		return app
	}
	return def
}

// wantsProblem reports whether Accept names problem+json with a weight above zero that is not
// below the weight it gives application/json.
func wantsProblem(accept string) bool {
	problem, plain := -1.0, -1.0
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case contentProblem:
			problem = max(problem, weight(params))
		case contentJSON:
			plain = max(plain, weight(params))
		}
	}
	return problem > 0 && problem >= plain
}

// weight reads the q parameter of one element of Accept; absent means 1, nonsense means 0.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(p, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// RenderOptions is what Render needs to know of the request.
type RenderOptions struct {
	Method      string // HEAD gets no body
	TraceParent string // W3C traceparent to send along; may be empty
}

// Rendered is an error answer ready to be written.
type Rendered struct {
	Status      int
	ContentType string
	Header      []Header
	Body        []byte
}

// Render makes the answer. For an error born here the document's original takes over what the
// native body really says, so that both always agree; p itself is not changed.
func Render(p *Problem, n Native, mode Mode, o RenderOptions) Rendered {
	if n.ContentType == contentProblem { // a dialect whose own shape is the document has no other
		mode, p = ModeUnified, p.Plain()
	}
	p = p.heard(n)
	out := Rendered{Status: n.Status, ContentType: n.ContentType, Body: n.Body}
	out.Header = make([]Header, 0, len(n.Header)+7)
	switch mode {
	case ModeUnified:
		out.Status, out.ContentType = p.Status, contentProblem
		out.Body = p.AppendJSON(make([]byte, 0, 1024))
		if v := p.RetryHeader(); v != "" {
			out.Header = append(out.Header, Header{"Retry-After", v})
		}
		for _, h := range n.Header {
			if h.Name != "Retry-After" && h.Name != "Content-Encoding" { // the body is another one
				out.Header = append(out.Header, h)
			}
		}
	case ModeBoth:
		out.Body = Both(n.Body, p)
		out.Header = append(out.Header, n.Header...)
	default:
		out.Header = append(out.Header, n.Header...)
	}
	out.Header = p.appendHeaders(out.Header, o.TraceParent)
	if strings.EqualFold(o.Method, "HEAD") || out.Status == 204 || out.Status == 304 {
		out.Body = nil
	}
	return out
}

// heard returns the problem with the status and text that the client's SDK receives filled into
// an original of ours.
func (p *Problem) heard(n Native) *Problem {
	if p.Original == nil || !p.ours() {
		return p
	}
	c, o := *p, *p.Original
	o.Status, o.Message, o.Bytes = n.Status, n.Message, len(n.Body)
	c.Original = &o
	return &c
}
