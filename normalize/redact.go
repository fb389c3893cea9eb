package normalize

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// hidden is what stands in the place of a secret.
const hidden = "[redacted]"

// secretKeys are parts of member names whose values never leave: credentials of any kind.
// Names are compared in lower case with "-", "_" and spaces removed.
var secretKeys = []string{
	"authorization", "token", "password", "passwd", "pwd", "secret", "cookie", "apikey", "signature",
	"credential", "certificate", "privatekey", "accesskey", "jwt", "bearer",
}

// contentKeys are member names whose values may echo what a person wrote.
var contentKeys = map[string]bool{"text": true, "msg": true, "body": true, "html": true, "content": true}

// redact prepares a body for "original.body": secrets and message content replaced, at most
// maxOriginal bytes. JSON stays JSON; other text is scrubbed; the rest is kept as bytes.
func redact(body []byte, cut bool) (out []byte, format string, truncated bool) {
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		return nil, "none", cut
	case !cut && gjson.ValidBytes(trimmed):
		out = redactValue(make([]byte, 0, min(len(trimmed), maxOriginal)), gjson.ParseBytes(trimmed), 0)
		if len(out) > maxOriginal {
			// A cut-off document is no JSON any more, and its text was redacted as JSON only.
			return []byte(strings.ToValidUTF8(string(out[:maxOriginal]), "")), "text", true
		}
		return out, "json", false
	case looksLikeJSON(trimmed):
		// Broken or cut-off JSON cannot be redacted by name, so nothing of it is kept.
		return nil, "none", true
	case !utf8.Valid(trimmed):
		return nil, "none", true
	}
	s := scrub(string(trimmed[:min(len(trimmed), maxOriginal*2)]))
	if len(s) > maxOriginal {
		s, cut = s[:maxOriginal], true
	}
	return []byte(strings.ToValidUTF8(s, "")), "text", cut || len(trimmed) > maxOriginal*2
}

// looksLikeJSON reports whether a text sets out to be a JSON object or array.
func looksLikeJSON(b []byte) bool { return b[0] == '{' || b[0] == '[' }

// maxDepth is how deep redaction follows nesting; below it values are replaced.
const maxDepth = 24

// redactValue appends a JSON value with secrets replaced.
func redactValue(b []byte, v gjson.Result, depth int) []byte {
	switch {
	case len(b) > maxOriginal || depth > maxDepth:
		return append(b, "null"...)
	case v.IsObject():
		b = append(b, '{')
		first := true
		v.ForEach(func(k, e gjson.Result) bool {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(AppendString(b, scrub(k.String())), ':')
			if sensitive(k.String()) && e.Type != gjson.Null {
				b = AppendString(b, hidden)
			} else {
				b = redactValue(b, e, depth+1)
			}
			return len(b) <= maxOriginal
		})
		return append(b, '}')
	case v.IsArray():
		b = append(b, '[')
		first := true
		v.ForEach(func(_, e gjson.Result) bool {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = redactValue(b, e, depth+1)
			return len(b) <= maxOriginal
		})
		return append(b, ']')
	case v.Type == gjson.String:
		return AppendString(b, scrub(v.Str))
	}
	return append(b, v.Raw...)
}

// folded removes what differs between spellings of one name.
var folded = strings.NewReplacer("-", "", "_", "", " ", "")

// sensitive reports whether the value under a name must not be shown.
func sensitive(name string) bool {
	name = folded.Replace(strings.ToLower(name))
	if contentKeys[name] {
		return true
	}
	for _, k := range secretKeys {
		if strings.Contains(name, k) {
			return true
		}
	}
	return false
}

// scrub hides credentials inside running text: what follows "Bearer" or "Basic", anything shaped
// like a JWT, and the value of name=value and name: value pairs with a secret's name.
func scrub(s string) string {
	if !suspicious(s) {
		return s
	}
	var b strings.Builder
	hide := false
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && !isBreak(s[j]) {
			j++
		}
		word := s[i:j]
		switch name, _, pair := strings.Cut(word, "="); {
		case word == "":
		case hide:
			b.WriteString(hidden)
			hide = scheme(word) // "Authorization: Bearer x": the credential is still to come
		case pair && sensitive(name):
			b.WriteString(name + "=" + hidden)
		case strings.Count(word, ".") == 2 && strings.Contains(word, "eyJ"):
			b.WriteString(hidden)
		default:
			b.WriteString(word)
			name, colon := strings.CutSuffix(word, ":")
			hide = scheme(word) || colon && !contentKeys[strings.ToLower(name)] && sensitive(name)
		}
		if j < len(s) {
			b.WriteByte(s[j])
			j++
		}
		i = j
	}
	return b.String()
}

// scheme reports whether a word announces a credential.
func scheme(word string) bool {
	return strings.EqualFold(word, "bearer") || strings.EqualFold(word, "basic")
}

// suspicious is a cheap test that lets ordinary messages through untouched.
func suspicious(s string) bool {
	return strings.ContainsAny(s, "=") || strings.Contains(s, "eyJ") || strings.Contains(s, ": ") ||
		strings.Contains(strings.ToLower(s), "bearer") || strings.Contains(strings.ToLower(s), "basic ")
}

// isBreak separates words of running text.
func isBreak(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '"', '\'', ',', ';', '<', '>', '(', ')', '&', '?', '[', ']', '{', '}':
		return true
	}
	return false
}
