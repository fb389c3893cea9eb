package normalize

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/core/fault"
)

// HeaderHop lists the proxies a request went through, for the loop guard.
const HeaderHop = "Dragoman-Hop"

// Stripped reports whether a request header from a client must be dropped at the border: every
// header of ours but the one that chooses the mode.
func Stripped(name string) bool {
	return len(name) >= 9 && strings.EqualFold(name[:9], "Dragoman-") && !strings.EqualFold(name, HeaderFormat)
}

// NextHop returns the HeaderHop value to send on. looped is true when self is in the list
// already, or the list is absurdly long: answer with Loop then.
func NextHop(received, self string) (next string, looped bool) {
	n := 0
	for hop := range strings.SplitSeq(received, ",") {
		if hop = strings.TrimSpace(hop); hop == "" {
			continue
		}
		if n++; hop == self || n >= 16 {
			return "", true
		}
	}
	if received = ascii(strings.TrimSpace(received)); received == "" {
		return self, false
	}
	return received + ", " + self, false
}

// Loop is the document for a request that came back to where it had been: 508.
func Loop(c *Catalog) *Problem {
	p := New(fault.UpstreamBadGateway.Error("").With("loop"), OriginProxy, c)
	p.Status, p.Retryable, p.RetryHint = 508, fault.RetryNo, "contact_admin"
	return p
}

// ParseProblem reads a unified document. Members it does not know are ignored, a missing
// "original" is fine; ok is false when the text is no such document. Code, class and original
// are taken as they stand, also for a code this build does not know.
func ParseProblem(doc []byte) (p *Problem, ok bool) {
	if !gjson.ValidBytes(doc) {
		return nil, false
	}
	return parseProblem(gjson.ParseBytes(doc))
}

// parseProblem reads a document that is known to be valid JSON.
func parseProblem(d gjson.Result) (*Problem, bool) {
	code := text(d, "code", 128)
	if !d.IsObject() || code == "" || d.Get("type").String() != TypePrefix+code {
		return nil, false
	}
	p := &Problem{
		Code: code, Variant: text(d, "variant", 128), Title: text(d, "title", maxDetail),
		Status: int(d.Get("status").Int()), Detail: text(d, "detail", maxDetail),
		Class: fault.Code(text(d, "class", 64)), Retryable: fault.Retry(text(d, "retryable", 16)),
		RetryAfter: clampRetry(time.Duration(min(max(d.Get("retry_after").Int(), 0), 3600)) * time.Second),
		RetryHint:  text(d, "retry_hint", 64), Fault: fault.Blame(text(d, "fault", 16)),
		Origin: Origin(text(d, "origin", 16)), Provider: text(d, "provider", 64), Dialect: text(d, "dialect", 64),
		RequestID: text(d, "request_id", 128), TraceID: text(d, "trace_id", 64),
	}
	p.Reason, _ = fault.Lookup(code)
	if p.Status < 400 || p.Status > 599 {
		p.Status = 502
	}
	if p.Fault != fault.BlameClient { // a fixed sentence about the inner request; ours is another
		p.Detail = ""
	}
	for _, e := range d.Get("errors").Array() {
		p.Errors = append(p.Errors, FieldError{text(e, "pointer", maxDetail), text(e, "detail", maxDetail), text(e, "code", 128)})
	}
	if g := d.Get("original"); g.IsObject() {
		p.Original = parseOriginal(g)
		// A hop that took our document for a vendor's body: the innermost original is the vendor's.
		if inner, ok := parseProblem(g.Get("body")); ok && inner.Original != nil {
			p.Original = inner.Original
		}
	}
	for i, v := range d.Get("via").Array() {
		if i == maxVia {
			break
		}
		at, _ := time.Parse(time.RFC3339, v.Get("at").String())
		p.Via = append(p.Via, Via{text(v, "hop", 64), text(v, "provider", 64), int(v.Get("http_status").Int()), text(v, "request_id", 128), at})
	}
	return p, true
}

// parseOriginal reads the "original" member.
func parseOriginal(d gjson.Result) *Original {
	g := &Original{
		Provider: text(d, "provider", 64), Catalogue: text(d, "catalogue", 64), Row: text(d, "row", 32),
		Status: int(d.Get("http_status").Int()), Name: text(d, "name", 128),
		Message: text(d, "message", maxDetail), RequestID: text(d, "request_id", 128),
		Bytes: int(d.Get("body_bytes").Int()), Truncated: d.Get("body_truncated").Bool(), Format: "none",
	}
	if code := d.Get("code"); code.Exists() && code.Type != gjson.Null {
		g.Code = keepCode([]byte(code.Raw))
	}
	body := d.Get("body")
	switch format := d.Get("body_format").String(); {
	case !body.Exists():
	case format == "json":
		g.Body, g.Format, _ = redact([]byte(body.Raw), false)
	case format == "text" && body.Type == gjson.String:
		g.Body, g.Format, _ = redact([]byte(body.Str), false)
	}
	return g
}

// text reads a string member, made safe and capped.
func text(d gjson.Result, name string, limit int) string {
	r := d.Get(name)
	if r.Type != gjson.String {
		return ""
	}
	return clean(r.Str, limit)
}

// adopt takes over the document of a trusted hop: the body itself, the member it spliced into a
// native body, or the header pair beside one. It returns nil when the answer bears none of them.
func adopt(u *Upstream, body []byte) *Problem {
	if gjson.ValidBytes(body) {
		root := gjson.ParseBytes(body)
		if strings.HasPrefix(u.header("Content-Type"), contentProblem) {
			if p, ok := parseProblem(root); ok {
				return p
			}
		}
		if p, ok := parseProblem(root.Get(bothMember)); ok {
			return p
		}
	}
	if h := u.header(HeaderError); h != "" {
		return fromHeaders(h, u.header(HeaderOriginal))
	}
	return nil
}

// fromHeaders rebuilds a document from the header pair of a native answer.
func fromHeaders(problem, original string) *Problem {
	d := dictionary(problem)
	code := sfText(d["code"])
	if code == "" {
		return nil
	}
	reason, known := fault.Lookup(code)
	p := of(reason, sfText(d["variant"]))
	if !known {
		p.Reason, p.Code = nil, clean(code, 128)
		p.Title = "The upstream reported an error that this version does not know."
		p.Status = classReason(fault.Code(d["class"])).Status()
		p.Fault = classReason(fault.Code(d["class"])).Blame()
		p.RetryHint = "none"
	}
	if class := d["class"]; class != "" {
		p.Class = fault.Code(class)
	}
	if retry := d["retryable"]; retry != "" {
		p.Retryable = fault.Retry(retry)
	}
	p.Origin = Origin(d["origin"])
	if n, err := strconv.Atoi(d["retry_after"]); err == nil {
		p.RetryAfter = clampRetry(time.Duration(min(max(n, 0), 3600)) * time.Second)
	}
	if g := dictionary(original); len(g) > 0 {
		p.Original = &Original{Provider: sfText(g["provider"]), Row: sfText(g["row"]), Format: "none"}
		p.Original.Status, _ = strconv.Atoi(g["status"])
		p.Provider = p.Original.Provider
		switch code := g["code"]; {
		case strings.HasPrefix(code, `"`):
			p.Original.Code = AppendString(nil, sfText(code))
		case code != "":
			p.Original.Code = keepCode([]byte(code))
		}
	}
	return p
}

// dictionary reads the flat structured-field dictionaries that we write: name=item, no
// parameters, no inner lists. Items stay as written; anything else ends the reading.
func dictionary(s string) map[string]string {
	out := map[string]string{}
	for s = strings.TrimSpace(s); s != "" && len(out) < 16; s = strings.TrimLeft(s, " \t,") {
		name, rest, ok := strings.Cut(s, "=")
		if !ok || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			break
		}
		end := strings.IndexByte(rest, ',')
		if strings.HasPrefix(rest, `"`) {
			end = closing(rest)
			if end < 0 {
				break
			}
		} else if end < 0 {
			end = len(rest)
		}
		out[name] = strings.TrimSpace(rest[:end])
		s = rest[end:]
	}
	return out
}

// closing is the index behind the quote that ends a quoted string, or -1.
func closing(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// sfText is the text of an sf-string, or the token as it stands.
func sfText(item string) string {
	if len(item) < 2 || item[0] != '"' {
		return item
	}
	b := make([]byte, 0, len(item))
	for i := 1; i < len(item)-1; i++ {
		if item[i] == '\\' && i+1 < len(item)-1 {
			i++
		}
		b = append(b, item[i])
	}
	return string(bytes.ToValidUTF8(b, nil))
}
