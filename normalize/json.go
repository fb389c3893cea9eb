package normalize

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the unified document. The order of members is fixed.
func (p *Problem) AppendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.str("type", TypePrefix+p.Code)
	o.str("title", p.Title)
	o.num("status", p.Status)
	o.str("detail", p.detail())
	if p.RequestID != "" {
		o.str("instance", p.instance())
	}
	o.str("code", p.Code)
	o.str("variant", p.Variant)
	o.str("class", string(p.Class))
	o.str("retryable", string(p.Retryable))
	o.name("retry_after")
	if p.RetryAfter > 0 {
		o.b = strconv.AppendInt(o.b, seconds(p.RetryAfter), 10)
	} else {
		o.b = append(o.b, "null"...)
	}
	o.str("retry_hint", p.RetryHint)
	o.str("fault", string(p.Fault))
	o.str("origin", string(p.Origin))
	o.opt("provider", p.Provider)
	o.opt("dialect", p.Dialect)
	o.opt("request_id", p.RequestID)
	o.opt("trace_id", p.TraceID)
	if len(p.Errors) > 0 {
		o.name("errors")
		o.b = append(o.b, '[')
		for i, f := range p.Errors {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			e := object{b: append(o.b, '{')}
			e.str("pointer", f.Pointer)
			e.str("detail", f.Detail)
			e.str("code", f.Code)
			o.b = append(e.b, '}')
		}
		o.b = append(o.b, ']')
	}
	if p.Original != nil {
		o.name("original")
		o.b = p.Original.append(o.b, p.Origin != OriginUpstream || p.Expose >= ExposeMessage, p.Expose >= ExposeBody)
	}
	if len(p.Via) > 0 {
		o.name("via")
		o.b = append(o.b, '[')
		for i, v := range p.Via {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.b = v.append(o.b)
		}
		o.b = append(o.b, ']')
	}
	return append(o.b, '}')
}

// MarshalJSON implements json.Marshaler.
func (p *Problem) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// append writes the "original" member.
func (g *Original) append(b []byte, message, body bool) []byte {
	o := object{b: append(b, '{')}
	o.opt("provider", g.Provider)
	o.opt("catalogue", g.Catalogue)
	o.opt("row", g.Row)
	o.name("http_status")
	o.b = number(o.b, g.Status)
	o.raw("code", g.Code)
	o.nullable("name", g.Name)
	if message {
		o.nullable("message", g.Message)
	}
	o.nullable("request_id", g.RequestID)
	format := g.Format
	if !body || len(g.Body) == 0 {
		format = "none"
	}
	if format == "json" {
		o.raw("body", g.Body)
	} else if format == "text" {
		o.str("body", string(g.Body))
	} else if format == "base64" {
		o.str("body", base64.StdEncoding.EncodeToString(g.Body))
	}
	o.str("body_format", format)
	o.num("body_bytes", g.Bytes)
	o.name("body_truncated")
	o.b = strconv.AppendBool(o.b, g.Truncated)
	return append(o.b, '}')
}

// append writes one entry of "via".
func (v Via) append(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.str("hop", v.Hop)
	o.opt("provider", v.Provider)
	o.name("http_status")
	o.b = number(o.b, v.Status)
	o.opt("request_id", v.RequestID)
	if !v.At.IsZero() {
		o.str("at", v.At.UTC().Format(time.RFC3339))
	}
	return append(o.b, '}')
}

// object writes members one after the other.
type object struct{ b []byte }

// name writes the comma and the member name, which must need no escaping.
func (o *object) name(k string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, k...)
	o.b = append(o.b, '"', ':')
}

// str writes a string member.
func (o *object) str(k, v string) {
	o.name(k)
	o.b = AppendString(o.b, v)
}

// opt writes a string member unless it is empty.
func (o *object) opt(k, v string) {
	if v != "" {
		o.str(k, v)
	}
}

// nullable writes a string member, null when it is empty.
func (o *object) nullable(k, v string) {
	if v == "" {
		o.raw(k, nil)
		return
	}
	o.str(k, v)
}

// num writes an integer member.
func (o *object) num(k string, v int) {
	o.name(k)
	o.b = strconv.AppendInt(o.b, int64(v), 10)
}

// raw writes a JSON literal as it stands, null when there is none.
func (o *object) raw(k string, v []byte) {
	o.name(k)
	if len(v) == 0 {
		v = []byte("null")
	}
	o.b = append(o.b, v...)
}

// number writes an integer, null for zero.
func number(b []byte, v int) []byte {
	if v == 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, int64(v), 10)
}

// AppendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD; the two line separators
// that JavaScript once took for line ends are escaped; nothing else is, so native bodies stay as
// vendors write them.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0 // start of the run that needs no change
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + n
			case r == '\u2028' || r == '\u2029':
				b = append(append(b, s[from:i]...), '\\', 'u', '2', '0', '2', hex[r&0xf])
				from = i + n
			}
			i += n
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
