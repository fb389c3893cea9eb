package cometchat

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"dragoman/core/fault"
	"dragoman/normalize"
)

//go:embed errors.tsv
var errorsTSV []byte

//go:embed emit.tsv
var emitTSV []byte

//go:embed extra.tsv
var extraTSV []byte

//go:embed proven.tsv
var provenTSV []byte

//go:embed unproven.tsv
var unprovenTSV []byte

// Catalog is CometChat's error table: 116 rows; see https://www.cometchat.com/docs/articles/error-guide.
// The vendor publishes no HTTP statuses, and its SDKs ignore them: the statuses here are the ones
// seen in recorded traffic, and elsewhere the obvious ones.
var Catalog = sync.OnceValue(func() *normalize.Catalog {
	return normalize.MustParse("cometchat", errorsTSV, emitTSV, normalize.Edition("2026-11"), normalize.Proven(provenTSV), normalize.Unproven(unprovenTSV), normalize.Extra(extraTSV))
})

// Vendor joins the table with this dialect's error reader and writer.
func Vendor() normalize.Vendor {
	return normalize.Vendor{Catalog: Catalog(), Read: ReadError, Encode: EncodeError}
}

// EncodeError writes a problem as CometChat's REST API does.
//
// The JS SDK takes any body with a top-level "data" for a success, whatever the status, and a
// body that is not JSON for a lost connection: there is always a body and never a "data".
// AUTH_ERR_AUTH_TOKEN_NOT_FOUND makes the SDK log the user out, so the emit table uses it for bad
// tokens and ended sessions only.
func EncodeError(p *normalize.Problem) normalize.Native {
	row, _ := Catalog().Say(p)
	n := normalize.Native{Status: row.Status, ContentType: "application/json", Message: p.Text()}
	n.Body = append(appendError(append(make([]byte, 0, 384), `{"error":`...), p, row), '}')
	if v := p.RetryHeader(); v != "" {
		n.Header = append(n.Header, normalize.Header{Name: "Retry-After", Value: v})
	}
	return n
}

// EncodeItem writes a problem as one item of a batch answer, where every item tells its own
// outcome: {"success":false,"error":{...}}.
func EncodeItem(p *normalize.Problem) []byte {
	row, _ := Catalog().Say(p)
	return append(appendError([]byte(`{"success":false,"error":`), p, row), '}')
}

// appendError appends the error object. Field errors go to "details", a list of texts by field.
func appendError(b []byte, p *normalize.Problem, row normalize.Row) []byte {
	b = append(append(b, `{"code":`...), row.Body...)
	b = normalize.AppendString(append(b, `,"message":`...), p.Text())
	b = normalize.AppendString(append(b, `,"devMessage":`...), p.Text())
	b = append(b, `,"source":"chat-api"`...)
	if len(p.Errors) > 0 {
		b = append(b, `,"details":{`...)
		for i, f := range p.Errors {
			if sameField(p.Errors[:i], f) {
				continue
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = normalize.AppendString(b, fieldName(f.Pointer))
			b = append(b, ":["...)
			for j, g := range p.Errors[i:] {
				if g.Pointer != f.Pointer {
					continue
				}
				if j > 0 {
					b = append(b, ',')
				}
				b = normalize.AppendString(b, g.Detail)
			}
			b = append(b, ']')
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// sameField reports whether an earlier entry is about the same field.
func sameField(earlier []normalize.FieldError, f normalize.FieldError) bool {
	for _, e := range earlier {
		if e.Pointer == f.Pointer {
			return true
		}
	}
	return false
}

// fieldName turns a JSON pointer into the dotted name CometChat uses.
func fieldName(pointer string) string {
	return strings.ReplaceAll(strings.TrimLeft(pointer, "/?"), "/", ".")
}

// Close codes of the WebSocket.
const (
	closeAway     = 1001
	closePolicy   = 1008
	closeTryLater = 1013
)

// AuthFailure tells how to refuse the auth frame of a WebSocket: the frame to send and the close
// code. The SDK only ever looks for code "200" with status "OK", as strings; on anything else it
// waits, so the close is what it notices.
func AuthFailure(p *normalize.Problem, appID string) (frame []byte, code int) {
	row, _ := Catalog().Say(p)
	b := normalize.AppendString([]byte(`{"appId":`), appID)
	b = append(b, `,"type":"auth","body":{"code":`...)
	b = append(append(b, row.Body...), `,"status":`...)
	b = append(normalize.AppendString(b, p.Text()), "}}"...)
	if reason, _ := p.Key(); normalize.Counts(reason) || reason == fault.RateLimited {
		return b, closeTryLater
	}
	return b, closePolicy
}

// ReadError splits an answer of CometChat's API. What makes a failure is the body: no "data" and
// an "error", whatever the status. A bad status with no readable body is a failure too.
func ReadError(u *normalize.Upstream, body []byte) (a normalize.Answer, ok bool) {
	a.Status = u.Status
	root := gjson.ParseBytes(body)
	if root.Get("data").Exists() && u.Status < 400 {
		return a, false
	}
	e := root.Get("error")
	if !e.IsObject() {
		return a, u.Status < 200 || u.Status >= 300
	}
	if code := e.Get("code"); code.Type == gjson.String {
		a.Code, a.Name = []byte(code.Raw), code.Str
	}
	a.Message = e.Get("message").String()
	return a, true
}
