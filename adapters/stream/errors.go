package stream

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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

// Catalog is Stream's error table: 25 rows. The code is an integer and may be negative; see
// https://getstream.io/chat/docs/api_errors_response.
var Catalog = sync.OnceValue(func() *normalize.Catalog {
	return normalize.MustParse("stream", errorsTSV, emitTSV, normalize.Edition("2026-11"), normalize.Proven(provenTSV), normalize.Extra(extraTSV))
})

// Vendor joins the table with this dialect's error reader and writer.
func Vendor() normalize.Vendor {
	return normalize.Vendor{Catalog: Catalog(), Read: ReadError, Encode: EncodeError}
}

// moreInfo is the link every REST error carries; frames carry none.
const moreInfo = "https://getstream.io/chat/docs/api_errors_response"

// EncodeError writes a problem as Stream's REST API does.
//
// Code 40 makes the JS SDK fetch a new token and repeat without limit, so only a real expiry may
// carry it; the emit table sees to that. "exception_fields" holds strings only: the Go SDK
// decodes it into map[string]string. "details" is a list of integers, always empty here.
func EncodeError(p *normalize.Problem) normalize.Native {
	row, _ := Catalog().Say(p)
	n := normalize.Native{Status: row.Status, ContentType: "application/json", Message: message(p)}
	n.Body = appendError(make([]byte, 0, 512), p, row, n.Message, "0.00ms", moreInfo)
	if v := p.RetryHeader(); v != "" {
		n.Header = append(n.Header, normalize.Header{Name: "Retry-After", Value: v})
	}
	return n
}

// appendError appends the error object shared by REST answers and frames.
func appendError(b []byte, p *normalize.Problem, row normalize.Row, text, duration, info string) []byte {
	b = append(append(b, `{"code":`...), row.Body...)
	b = normalize.AppendString(append(b, `,"message":`...), text)
	b = strconv.AppendInt(append(b, `,"StatusCode":`...), int64(row.Status), 10)
	b = normalize.AppendString(append(b, `,"duration":`...), duration)
	b = normalize.AppendString(append(b, `,"more_info":`...), info)
	b = append(b, `,"details":[],"exception_fields":{`...)
	for i, f := range p.Errors {
		if slices.ContainsFunc(p.Errors[:i], func(e normalize.FieldError) bool { return e.Pointer == f.Pointer }) {
			continue // one text per field: the first
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = normalize.AppendString(b, fieldName(f.Pointer))
		b = normalize.AppendString(append(b, ':'), f.Detail)
	}
	return append(b, "}}"...)
}

// fieldName turns a JSON pointer into the dotted name Stream uses: "/message/text" is message.text.
func fieldName(pointer string) string {
	return strings.ReplaceAll(strings.TrimLeft(pointer, "/?"), "/", ".")
}

// said holds Stream's own texts, for errors that come without a detail.
var said = map[*fault.Reason]string{
	fault.AuthFailed:                "JWTAuth error: token is invalid",
	fault.AuthTokenMissing:          "JWTAuth error: token is not provided",
	fault.AuthTokenInvalid:          "JWTAuth error: token is invalid",
	fault.AuthTokenExpired:          "JWTAuth error: token is expired (exp)",
	fault.AuthTokenNotYetValid:      "JWTAuth error: token is not valid yet (nbf)",
	fault.AuthTokenUsedBeforeIssued: "JWTAuth error: token used before issue at (iat)",
	fault.AuthTokenSignatureInvalid: "JWTAuth error: signature is not valid",
	fault.AuthAPIKeyMissing:         "api_key or app_id not provided",
	fault.AuthAPIKeyInvalid:         "api_key not valid",
	fault.RequestEndpointNotFound:   "Not Found",
	fault.RequestMethodNotAllowed:   "Not Found",
}

// text is the bare sentence about an error, as frames carry it.
func text(p *normalize.Problem) string {
	own, known := said[p.Reason]
	switch {
	case known && (p.Detail == "" || own == "Not Found"):
		return own
	}
	return p.Text()
}

// message is the text of a REST error: `<OperationId> failed with error: "<text>"`. Before an
// operation is known it is called Request, as the vendor does for paths that do not exist.
func message(p *normalize.Problem) string {
	op := p.Op
	if own := said[p.Reason]; op == "" || own == "Not Found" {
		op = "Request"
	}
	return op + ` failed with error: "` + text(p) + `"`
}

// Close codes of the WebSocket. The JS SDK takes 1000 for "do not reconnect" and every other code
// for "come back later".
const (
	closeRefused  = 1000
	closeExpired  = 4001 // not 1000, which the SDK takes for the end: it is to come back with a new token
	closeTryLater = 1013
)

// ConnectionError tells how to end a WebSocket that failed: the frame to send first, if any, and
// the close code. Browsers hide the answer to a refused upgrade, so the upgrade is always
// accepted. An error frame ends the client's attempts for good unless its code is 40, so a
// failure that will pass (overload, an outage, a rate limit) sends no frame.
//
// In mode both the unified document stands beside the error inside the frame.
func ConnectionError(p *normalize.Problem, at time.Time, mode normalize.Mode) (frame []byte, code int) {
	reason, _ := p.Key()
	if normalize.Counts(reason) || reason == fault.RateLimited {
		return nil, closeTryLater
	}
	row, _ := Catalog().Say(p)
	b := append(make([]byte, 0, 512), `{"type":"connection.error","created_at":`...)
	b = normalize.AppendString(b, at.UTC().Format(time.RFC3339Nano))
	b = append(b, `,"connection_id":"","error":`...)
	b = appendError(b, p, row, text(p), "", "")
	b = append(b, '}')
	if mode == normalize.ModeBoth {
		b = normalize.Both(b, p)
	}
	return b, closeRefused
}

// ReadError splits an answer of Stream's API; ok is false when it is not a failure. A body that
// is not JSON comes from the edge, where per-address limits are plain text.
func ReadError(u *normalize.Upstream, body []byte) (a normalize.Answer, ok bool) {
	if u.Status < 400 && u.Status >= 200 {
		return a, false
	}
	a.Status = u.Status
	if code := gjson.GetBytes(body, "code"); code.Type == gjson.Number {
		a.Code = []byte(code.Raw)
	}
	a.Message = gjson.GetBytes(body, "message").String()
	return a, true
}
