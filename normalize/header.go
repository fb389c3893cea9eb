package normalize

import (
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Names of the headers on error answers.
const (
	HeaderError    = "Dragoman-Error"
	HeaderOriginal = "Dragoman-Original"
	HeaderFormat   = "Dragoman-Error-Format" // request header that chooses the mode
	HeaderRequest  = "X-Request-Id"
	HeaderTrace    = "Traceparent"
)

// maxHeader caps a header value, in bytes.
const maxHeader = 512

// ExposedHeaders lists what must stand in Access-Control-Expose-Headers: browsers hide every
// other response header from scripts.
var ExposedHeaders = []string{
	HeaderError, HeaderOriginal, HeaderRequest, HeaderTrace, "Retry-After",
	"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
}

// Vary is the value of the Vary header on every error: the answer depends on both.
const Vary = "Accept, " + HeaderFormat

// appendHeaders adds the headers every error carries, whatever the mode.
func (p *Problem) appendHeaders(h []Header, traceparent string) []Header {
	h = append(h, Header{HeaderError, p.ErrorHeader()})
	if p.Original != nil {
		h = append(h, Header{HeaderOriginal, p.Original.Header()})
	}
	if p.RequestID != "" {
		h = append(h, Header{HeaderRequest, ascii(p.RequestID)})
	}
	if traceparent != "" {
		h = append(h, Header{HeaderTrace, ascii(traceparent)})
	}
	return append(h, Header{"Vary", Vary}, Header{"X-Content-Type-Options", "nosniff"})
}

// ErrorHeader is the Dragoman-Error value: a structured field (RFC 9651) with what a client or a
// log needs to act. Messages are never in headers.
func (p *Problem) ErrorHeader() string {
	b := append(make([]byte, 0, 128), "code="...)
	b = sfString(b, p.Code)
	if p.Variant != "" {
		b = sfString(append(b, ", variant="...), p.Variant)
	}
	b = append(b, ", class="...)
	b = sfToken(b, string(p.Class))
	b = append(b, ", retryable="...)
	b = sfToken(b, string(p.Retryable))
	b = append(b, ", origin="...)
	b = sfToken(b, string(p.Origin))
	if p.RetryAfter > 0 {
		b = strconv.AppendInt(append(b, ", retry_after="...), seconds(p.RetryAfter), 10)
	}
	return capped(b)
}

// Header is the Dragoman-Original value. The JSON type of the code survives: integers are
// sf-integers, strings are sf-strings, null is absent.
func (g *Original) Header() string {
	b := append(make([]byte, 0, 96), "provider="...)
	b = sfString(b, g.Provider)
	if g.Row != "" {
		b = sfString(append(b, ", row="...), g.Row)
	}
	if g.Status != 0 {
		b = strconv.AppendInt(append(b, ", status="...), int64(g.Status), 10)
	}
	if code, ok := sfCode(g.Code); ok {
		b = append(append(b, ", code="...), code...)
	}
	return capped(b)
}

// sfCode renders a JSON literal as a bare item.
func sfCode(raw []byte) (string, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", false
	}
	if raw[0] == '"' {
		return string(sfString(nil, gjson.ParseBytes(raw).String())), true
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n > 999_999_999_999_999 || n < -999_999_999_999_999 { // RFC 9651, 3.3.1
		return "", false
	}
	return string(raw), true
}

// capped enforces the size limit: a value that is too long says so rather than being cut into
// something that does not parse.
func capped(b []byte) string {
	if len(b) <= maxHeader {
		return string(b)
	}
	return "truncated=?1"
}

// sfString appends a quoted string of printable ASCII; everything else becomes a question mark.
func sfString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c > 0x7e:
			b = append(b, '?')
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// sfToken appends a token, or a string when s is none.
func sfToken(b []byte, s string) []byte {
	if s == "" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != "" ||
		!(s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z') {
		return sfString(b, s)
	}
	return append(b, s...)
}

// ascii keeps printable ASCII and caps the length, so that no value can split a header.
func ascii(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), maxHeader)]
}
