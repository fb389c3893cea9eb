package nexconn

import (
	_ "embed"
	"strconv"
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

//go:embed proven.tsv
var provenTSV []byte

//go:embed unproven.tsv
var unprovenTSV []byte

// Catalog is Nexconn's table: 10 bare HTTP statuses and 121 business codes. The numbers 400 and
// 404 stand in both with different meanings. Which HTTP status a business code travels on is
// published for few of them; the others follow the rule that a failure is not a 2xx, except 1015
// and the three codes that only say "waiting for someone".
var Catalog = sync.OnceValue(func() *normalize.Catalog {
	return normalize.MustParse("nexconn", errorsTSV, emitTSV, normalize.Edition("2026-11"), normalize.Proven(provenTSV), normalize.Unproven(unprovenTSV))
})

// Vendor joins the table with this dialect's error reader and writer.
func Vendor() normalize.Vendor {
	return normalize.Vendor{Catalog: Catalog(), Read: ReadError, Encode: EncodeError}
}

// EncodeError writes a problem in the shape of v4 and the classic v1: {"code","errorMessage"}.
//
// The code is always an integer: the Go SDK cannot decode anything else. On HTTP 5xx the server
// SDKs change to another API domain, so errors of the caller never get one.
func EncodeError(p *normalize.Problem) normalize.Native { return encode(p, `,"errorMessage":`) }

// EncodeErrorV2 writes a problem in the shape of the classic v2 paths: {"code","msg"}.
func EncodeErrorV2(p *normalize.Problem) normalize.Native { return encode(p, `,"msg":`) }

// encode writes the two-member body.
func encode(p *normalize.Problem, member string) normalize.Native {
	row, _ := Catalog().Say(p)
	n := normalize.Native{Status: row.Status, ContentType: "application/json", Message: p.Text()}
	b := append(make([]byte, 0, 192), `{"code":`...)
	b = append(append(b, row.Body...), member...)
	b = normalize.AppendString(b, n.Message)
	if key := profileKey(p); key != "" && (row.Reason == fault.AttributeNotFound || row.Reason == fault.LimitReached) {
		b = normalize.AppendString(append(b, `,"profileKey":`...), key)
	}
	n.Body = append(b, '}')
	if v := p.RetryHeader(); v != "" {
		n.Header = append(n.Header, normalize.Header{Name: "Retry-After", Value: v})
	}
	return n
}

// profileKey is the key of a profile that a failure is about: the vendor names it beside the message.
func profileKey(p *normalize.Problem) string {
	for _, f := range p.Errors {
		for _, object := range []string{"/userProfile/", "/userExtProfile/", "/groupExtProfile/"} {
			if key, ok := strings.CutPrefix(f.Pointer, object); ok {
				return key
			}
		}
	}
	return ""
}

// Soften moves a 5xx answer to HTTP 200 with the same business code, for apps that set
// nexconn.soft_5xx: a 5xx made by the proxy can drive the app off the proxy's host. The SDKs then
// see the failure in the code alone.
func Soften(n normalize.Native) normalize.Native {
	if n.Status >= 500 {
		n.Status = 200
	}
	return n
}

// AckStatus is the status of a publish or query acknowledgement on the live link: the business
// code itself, which the client library hands to the app as it is. Zero means success.
func AckStatus(p *normalize.Problem) uint16 {
	row, _ := Catalog().Say(p)
	code, err := strconv.ParseUint(string(row.Body), 10, 16)
	if err != nil { // no row holds such a code; a failure must never look like success
		return unknownStatus
	}
	if code == okV1 {
		return 0
	}
	return uint16(code)
}

// Business codes that mean success, and the one for a failure without a name.
const (
	okV4          = 0
	okV1          = 200
	okV2          = 10000
	unknownStatus = 25104
)

// ReadError splits an answer of Nexconn's API. The body's code decides, even on HTTP 200.
func ReadError(u *normalize.Upstream, body []byte) (a normalize.Answer, ok bool) {
	a.Status = u.Status
	fine := u.Status >= 200 && u.Status < 300
	root := gjson.ParseBytes(body)
	code := root.Get("code")
	if code.Type != gjson.Number {
		return a, !fine
	}
	if n := code.Int(); fine && (n == okV4 || n == okV1 || n == okV2) {
		return a, false
	}
	a.Code = []byte(code.Raw)
	if a.Message = root.Get("errorMessage").String(); a.Message == "" {
		a.Message = root.Get("msg").String()
	}
	return a, true
}
