package agora

import (
	_ "embed"
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

//go:embed unproven.tsv
var unprovenTSV []byte

//go:embed sdk_errors.tsv
var sdkErrorsTSV []byte

//go:embed sdk_emit.tsv
var sdkEmitTSV []byte

//go:embed sdk_proven.tsv
var sdkProvenTSV []byte

//go:embed sdk_unproven.tsv
var sdkUnprovenTSV []byte

// Catalog is the table of Agora Chat's REST API: 49 errors and 7 bare statuses; see
// https://docs.agora.io/en/agora-chat/reference/http-status-codes. One error name stands for many
// rows, so the text decides.
var Catalog = sync.OnceValue(func() *normalize.Catalog {
	return normalize.MustParse("agora-rest", errorsTSV, emitTSV,
		normalize.Provider("agora"), normalize.Edition("2026-11"),
		normalize.Proven(provenTSV), normalize.Unproven(unprovenTSV), normalize.Extra(extraTSV))
})

// SDKCatalog is the table of the native client libraries: 77 numbers; see
// https://docs.agora.io/en/agora-chat/reference/error-codes. The web library gives many of the
// numbers another meaning, so they are read only with a tag that says which library it was.
var SDKCatalog = sync.OnceValue(func() *normalize.Catalog {
	return normalize.MustParse("agora-sdk", sdkErrorsTSV, sdkEmitTSV,
		normalize.Provider("agora"), normalize.Edition("2026-11"), normalize.Proven(sdkProvenTSV), normalize.Unproven(sdkUnprovenTSV),
		normalize.Files("sdk_errors.tsv", "sdk_emit.tsv"))
})

// Vendor joins the REST table with this dialect's error reader and writer.
func Vendor() normalize.Vendor {
	return normalize.Vendor{Catalog: Catalog(), Read: ReadError, Encode: EncodeError}
}

// SDKVendor is the table of client library numbers. They never travel over HTTP, so there is
// nothing to read or write.
func SDKVendor() normalize.Vendor { return normalize.Vendor{Catalog: SDKCatalog()} }

// errorCodes are the numbers the vendor's thread and conversation services add to a body; the web
// SDK looks for them and not for the text. Only the vendor's own numbers, only where it sends them.
var errorCodes = map[*fault.Reason]int{
	fault.ThreadNotFound:       40011,
	fault.ThreadAlreadyExists:  40003,
	fault.ConversationNotFound: 91001,
}

// EncodeError writes a problem as Agora's REST API does.
//
// The web SDK picks its error type from the status and from parts of error_description, and the
// Java SDK from the status alone; both need a JSON object even on 405, 408 and 5xx. So a row's
// own text is kept to the letter, and nothing is added that an SDK gives a meaning to. Presence
// rows have no error name: the service says "result" instead.
func EncodeError(p *normalize.Problem) normalize.Native {
	row, fit := Catalog().Say(p)
	n := normalize.Native{Status: row.Status, ContentType: "application/json", Message: text(p, row, fit)}
	b := append(make([]byte, 0, 384), '{')
	switch string(row.Body) {
	case "null":
	case `"N/A"`:
		b = append(normalize.AppendString(append(b, `"result":`...), n.Message), ',')
	default:
		b = append(append(append(b, `"error":`...), row.Body...), ',')
	}
	if e := exception(row); e != "" {
		b = append(normalize.AppendString(append(b, `"exception":`...), e), ',')
	}
	b = strconv.AppendInt(append(b, `"timestamp":`...), time.Now().UnixMilli(), 10)
	b = append(b, `,"duration":0,"error_description":`...)
	b = normalize.AppendString(b, n.Message)
	if code := errorCodes[p.Reason]; code != 0 {
		b = strconv.AppendInt(append(b, `,"error_code":`...), int64(code), 10)
	}
	n.Body = append(b, '}')
	if v := p.RetryHeader(); v != "" && (row.Status == 429 || row.Status == 503) {
		n.Header = append(n.Header, normalize.Header{Name: "Retry-After", Value: v})
	}
	return n
}

// EncodeError implements adapters.Dialect.
func (d *Dialect) EncodeError(p *normalize.Problem) normalize.Native { return EncodeError(p) }

// exception is the class name the vendor shows, where an SDK or our own reader needs it: a user
// that does not exist is told from another resource by nothing else.
func exception(row normalize.Row) string {
	switch row.Reason {
	case fault.ResourceNotFound:
		if row.Variant == "" {
			return "com.easemob.group.exception.ServiceResourceNotFoundException"
		}
	case fault.UserNotFound:
		if row.Variant == "" {
			return "UserNotFoundException"
		}
	case fault.RequestEndpointNotFound:
		return "javax.ws.rs.WebApplicationException"
	}
	return ""
}

// text is error_description: the vendor's own text where the row means this error, or where the
// emit table gives one that the SDK knows; our sentence where the row is only the nearest one.
func text(p *normalize.Problem, row normalize.Row, fit normalize.Fit) string {
	own, _ := Catalog().Row(row.ID)
	if row.Message == "" || fit != normalize.FitExact && row.Message == own.Message {
		return neutralise(p.Text())
	}
	return fill(unnamed.Replace(row.Message), p.Params)
}

// unnamed are the placeholders that the vendor's table writes as crosses.
var unnamed = strings.NewReplacer("XXXX", "{XXXX}", "xxxxx", "{xxxxx}")

// fill puts values in the place of {placeholders}; a placeholder without a value keeps its name.
func fill(text string, params []normalize.Param) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '{')
		j := strings.IndexByte(text, '}')
		if i < 0 || j < i {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		name := text[i+1 : j]
		value := name
		for _, p := range params {
			if p.Name == name && p.Value != "" {
				value = p.Value
			}
		}
		b.WriteString(value)
		text = text[j+1:]
	}
}

// keyed are the parts of error_description by which the web SDK (agora-chat 1.4.0) picks an error
// type. Our own sentences must hold none of them, or the SDK would see another error.
var keyed = []string{
	"are not members of this group", "remark length must less", "invite users to join group failed",
	"service not open!", "message report not open", "messageroaming function not open",
	"members size is greater than max user size !", "group is disabled", "contact max count",
	"do not find this group", "does not exist", "doesn't exist!", "user not found",
	"user session pin message not exist", "The request has reached the maximum limit",
	"upload client logs reached limit", "translte failed!", "Unable to authenticate (OAuth)",
	"Service resource not found",
}

// reword says the commonest of these parts in other words.
var reword = strings.NewReplacer(
	"does not exist", "is not there", "doesn't exist!", "is not there", "user not found", "there is no such user",
	"are not members of this group", "are no members", "group is disabled", "group is switched off",
)

// neutralise rewords a sentence of ours that would trip one of the SDK's rules, and gives it up
// for a plain one where that does not help.
func neutralise(s string) string {
	s = reword.Replace(s)
	for _, k := range keyed {
		if strings.Contains(s, k) {
			return "The request failed."
		}
	}
	return s
}

// ReadError splits an answer of Agora's REST API: a failure is a status of 400 and above, or a
// presence answer whose "result" is not ok.
func ReadError(u *normalize.Upstream, body []byte) (a normalize.Answer, ok bool) {
	root := gjson.ParseBytes(body)
	a.Status, a.Path = u.Status, u.Path
	result := root.Get("result")
	refused := strings.Contains(u.Path, "/presence") && result.Type == gjson.String && !strings.EqualFold(result.Str, "ok")
	if u.Status >= 200 && u.Status < 400 && !refused {
		return a, false
	}
	if name := root.Get("error"); name.Type == gjson.String {
		a.Code, a.Name = []byte(name.Raw), name.Str
	} else if result.Type == gjson.String {
		a.Code = []byte(`"N/A"`)
		if refused && a.Status < 400 {
			a.Status = 400
		}
	}
	a.Message = root.Get("error_description").String()
	if a.Message == "" {
		a.Message = result.String()
	}
	a.Exception = root.Get("exception").String()
	return a, true
}
