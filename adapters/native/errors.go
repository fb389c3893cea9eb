package native

import (
	"fmt"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// contentProblem is the media type of RFC 9457.
const contentProblem = "application/problem+json"

// Catalog is the error table of our own API: one row per reason, which is its code. It is made from
// the list of reasons, so that it cannot lack one.
var Catalog = sync.OnceValue(func() *normalize.Catalog {
	var rows, emit strings.Builder
	rows.WriteString("id\tsurface\tstatus\tcode\tname\tmessage\tcanonical\tvariant\tdirection\treach\tmeaning\n")
	emit.WriteString("canonical\trow\tstatus\tcode\tfit\ttext\tnote\n")
	for i, r := range fault.All() {
		reach := normalize.ReachRequest
		if r.Blame() != fault.BlameClient {
			reach = normalize.ReachFault
		}
		fmt.Fprintf(&rows, "%s\trest\t%d\t%q\t%s\t\t%[4]s\t\tboth\t%[5]s\t%s\n", rowID(i), r.Status(), r.Name(), r.Name(), reach, r.Title())
		fmt.Fprintf(&emit, "%s\t%s\t\t\texact\t\t\n", r.Name(), rowID(i))
	}
	return normalize.MustParse("native", []byte(rows.String()), []byte(emit.String()), normalize.Edition("v1"))
})

// rowID names the row of the i-th reason.
func rowID(i int) string { return fmt.Sprintf("DR%03d", i+1) }

// EncodeError writes a problem as the unified document, which is this dialect's own shape.
func EncodeError(p *normalize.Problem) normalize.Native {
	n := normalize.Native{Status: p.Status, ContentType: contentProblem, Body: p.Plain().AppendJSON(nil)}
	n.Message = gjson.GetBytes(n.Body, "detail").String()
	if v := p.RetryHeader(); v != "" {
		n.Header = append(n.Header, normalize.Header{Name: "Retry-After", Value: v})
	}
	return n
}

// ReadError splits an answer of this API: a failure is a status of 400 and above.
func ReadError(u *normalize.Upstream, body []byte) (a normalize.Answer, ok bool) {
	a.Status = u.Status
	root := gjson.ParseBytes(body)
	code := root.Get("code")
	if u.Status < 400 {
		return a, false
	}
	if code.Type == gjson.String {
		a.Code, a.Name = []byte(code.Raw), code.Str
	}
	a.Message = root.Get("detail").String()
	return a, true
}
