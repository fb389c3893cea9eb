package normalize

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// Native is an error as one dialect writes it.
type Native struct {
	Status      int
	ContentType string
	Header      []Header
	Body        []byte
	Message     string // the text inside the body, for "original.message"
}

// Header is one response header.
type Header struct{ Name, Value string }

// Get returns the value of the first header of that exact name.
func (n *Native) Get(name string) string {
	for _, h := range n.Header {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// bothMember holds the unified document beside a vendor's own members. No vendor SDK gives the
// name a meaning; "data", "code", "result" and the like would change what an SDK sees.
const bothMember = "dragoman_error"

// Both splices the unified document into a JSON object as its last member. A body that is not an
// object, or that carries the member already, is returned as it is.
func Both(body []byte, p *Problem) []byte {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) < 2 || trimmed[0] != '{' || !gjson.ValidBytes(trimmed) || gjson.GetBytes(trimmed, bothMember).Exists() {
		return body
	}
	head := bytes.TrimRight(trimmed[:len(trimmed)-1], " \t\r\n")
	out := make([]byte, 0, len(head)+1024)
	out = append(out, head...)
	if head[len(head)-1] != '{' {
		out = append(out, ',')
	}
	out = append(out, '"')
	out = append(out, bothMember...)
	out = append(out, '"', ':')
	out = p.AppendJSON(out)
	return append(out, '}')
}

// Neutral is the error body where no dialect is known: an unrouted host, garbage before the
// request line was read. It satisfies readers of three dialects at once; the fourth needs a
// string where CometChat needs an object under "error", so a listener should name a default
// dialect instead.
func Neutral(p *Problem) Native {
	b := object{b: append(make([]byte, 0, 512), '{')}
	b.num("code", -1)
	b.str("message", p.Text())
	b.num("StatusCode", p.Status)
	b.name("error")
	e := object{b: append(b.b, '{')}
	e.str("code", "ERR_BAD_REQUEST")
	e.str("message", p.Text())
	b.b = append(e.b, '}')
	b.str("errorMessage", p.Text())
	return Native{Status: p.Status, ContentType: contentJSON, Body: append(b.b, '}'), Message: p.Text()}
}
