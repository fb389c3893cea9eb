package explain

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// Limits of one translation request.
const (
	maxItems   = 100
	maxRequest = 1 << 20 // bytes
)

// item is one error to translate, as the API takes it.
type item struct {
	From    string          `json:"from"`
	To      string          `json:"to"`
	Status  int             `json:"status"`
	Code    json.RawMessage `json:"code"`
	Message string          `json:"message"`
	Path    string          `json:"path"`
	SDK     string          `json:"sdk"`
	Body    json.RawMessage `json:"body"`
}

// Translated is the answer for one item.
type Translated struct {
	From       string             `json:"from"`
	Match      string             `json:"match"`
	Row        string             `json:"row,omitempty"`
	Problem    *normalize.Problem `json:"problem"`
	To         *Target            `json:"to,omitempty"`
	Candidates []Row              `json:"candidates,omitempty"`
	Others     []Elsewhere        `json:"equivalents,omitempty"`
}

// Target is the error in the words of the vendor that was asked for.
type Target struct {
	Catalogue string `json:"catalogue"`
	Emission
	ContentType string          `json:"content_type,omitempty"`
	Body        json.RawMessage `json:"body,omitempty"` // what the vendor's server would send
}

// result is one entry of a batch answer.
type result struct {
	Index  int                `json:"index"`
	OK     bool               `json:"ok"`
	Result *Translated        `json:"result,omitempty"`
	Error  *normalize.Problem `json:"error,omitempty"`
}

// TranslateRequest is POST /v1/errors/translate. The request is one item or {"items":[…]}:
//
//	{"from":"agora-rest","to":"stream","status":403,"body":{"error":"forbidden_op",…}}
//	{"from":"nexconn","code":25412}
//
// Without "from" the shape of the body decides; without "to" every other vendor's equivalent is
// listed. The answer to one item is a Translated; the answer to a batch is
// {"results":[…],"partial":bool} with each item's own outcome, and an error only when every item
// failed for one reason. Answers of status 400 and above are application/problem+json.
func TranslateRequest(s *normalize.Set, body []byte) (status int, response []byte) {
	if len(body) > maxRequest {
		return failed(fault.RequestPayloadTooLarge.Error(fmt.Sprintf("The request is larger than %d bytes.", maxRequest)))
	}
	if !gjson.ValidBytes(body) {
		return failed(fault.RequestMalformedJSON.Error(""))
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return failed(fault.RequestInvalid.Error("The request must be a JSON object."))
	}
	if !root.Get("items").Exists() {
		var in item
		if err := strict(body, &in); err != nil {
			return failed(err)
		}
		out, err := translate(s, in)
		if err != nil {
			return failed(err)
		}
		return encoded(out)
	}
	return batch(s, body)
}

// batch translates every item on its own.
func batch(s *normalize.Set, body []byte) (int, []byte) {
	var in struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := strict(body, &in); err != nil {
		return failed(err)
	}
	if len(in.Items) == 0 || len(in.Items) > maxItems {
		return failed(fault.RequestBatchTooLarge.Error(fmt.Sprintf("A batch has 1 to %d items.", maxItems)))
	}
	var out struct {
		Results []result `json:"results"`
		Partial bool     `json:"partial"`
	}
	errs := make([]*fault.Error, 0, len(in.Items))
	for i, text := range in.Items {
		var one item
		err := strict(text, &one)
		var done Translated
		if err == nil {
			done, err = translate(s, one)
		}
		if err != nil {
			errs = append(errs, err)
			out.Results = append(out.Results, result{Index: i, Error: normalize.New(err, normalize.OriginCore, nil)})
			continue
		}
		out.Results = append(out.Results, result{Index: i, OK: true, Result: &done})
	}
	if len(errs) == len(in.Items) && sameReason(errs) {
		return failed(errs[0])
	}
	out.Partial = len(errs) > 0
	return encoded(out)
}

// translate carries one item over.
func translate(s *normalize.Set, in item) (out Translated, err *fault.Error) {
	q := Question{Vendor: in.From, Status: in.Status, Message: in.Message, Path: in.Path, SDK: in.SDK}
	if len(in.Body) > 0 {
		q.Body = in.Body
		if text := gjson.ParseBytes(in.Body); text.Type == gjson.String { // a body that is not JSON comes as a string
			q.Body = []byte(text.Str)
		}
	}
	if len(in.Code) > 0 {
		if c := gjson.ParseBytes(in.Code); c.Type != gjson.String && c.Type != gjson.Number {
			return out, field("/code", "must be a string or a number")
		}
		q.Code = codeOf(in.Code)
	}
	if in.Status != 0 && (in.Status < 100 || in.Status > 599) {
		return out, field("/status", "must be an HTTP status")
	}
	v, a, e := resolve(s, q)
	if e != nil {
		return out, fault.RequestInvalidField.Error(sentence(e))
	}
	r, match := v.Catalog.FromVendor(a)
	p := normalize.FromAnswer(v.Catalog, a, normalize.Reading{Expose: normalize.ExposeMessage})
	if len(q.Body) > 0 && p.Original != nil {
		p.Original.Bytes = len(q.Body)
	}
	out = Translated{From: v.Catalog.Name(), Match: string(match), Row: r.ID, Problem: p}
	if match != normalize.MatchCode && match != normalize.MatchText {
		for _, same := range v.Catalog.ByCode(codeOf(a.Code)) {
			if same.ID != r.ID {
				out.Candidates = append(out.Candidates, row(same))
			}
		}
	}
	if in.To == "" {
		reason, variant := p.Key()
		for _, other := range s.Vendors() {
			if row, fit := other.Catalog.ToVendor(reason, variant); other.Catalog.Name() != v.Catalog.Name() {
				out.Others = append(out.Others, Elsewhere{other.Catalog.Name(), emission(row, fit), row.Name, row.Meaning})
			}
		}
		return out, nil
	}
	dst, ok := s.Vendor(in.To)
	if !ok {
		return out, field("/to", "names no catalogue")
	}
	row, fit := dst.Catalog.Say(p)
	out.To = &Target{Catalogue: dst.Catalog.Name(), Emission: emission(row, fit)}
	p.Speak(dst.Catalog)
	if dst.Encode != nil {
		n := dst.Encode(p)
		out.To.ContentType, out.To.Body = n.ContentType, n.Body
	}
	return out, nil
}

// strict decodes JSON into a struct and refuses members it does not know, so that a misspelt
// member is not silently ignored.
func strict(text []byte, into any) *fault.Error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fault.RequestInvalidField.Error(sentence(err))
	}
	return nil
}

// sentence makes a detail of an error of the JSON decoder or of ours.
func sentence(err error) string { return clip(err.Error()) + "." }

// field is an error about one member.
func field(pointer, detail string) *fault.Error {
	e := fault.RequestInvalidField.Error("The member " + pointer + " " + detail + ".")
	e.Fields = []fault.Field{{Pointer: pointer, Detail: detail}}
	return e
}

// sameReason reports whether all errors have one reason.
func sameReason(errs []*fault.Error) bool {
	for _, e := range errs {
		if e.Reason != errs[0].Reason {
			return false
		}
	}
	return true
}

// failed encodes an error of the API itself.
func failed(err *fault.Error) (int, []byte) {
	p := normalize.New(err, normalize.OriginCore, nil)
	return p.Status, p.AppendJSON(nil)
}

// encoded encodes an answer.
func encoded(v any) (int, []byte) {
	b, err := json.Marshal(v)
	if err != nil {
		return failed(fault.ServerInternal.Wrap(err))
	}
	return 200, b
}
