package explain

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// Question is what somebody wants to know about. Vendor is a catalogue or provider name and may
// be empty when Body shows whose it is; one of Code, Body and Status must be given.
type Question struct {
	Vendor  string
	Code    string // as seen: 40, ERR_UID_NOT_FOUND, forbidden_op; a row id such as ST010 works too
	Status  int
	Message string
	Path    string // URL path of the failed call
	SDK     string // client library a number comes from; "native" when empty
	Body    []byte // the whole error body, instead of Code and Message
}

// Answer is what is known about one error.
type Answer struct {
	Vendor      string      `json:"vendor"`
	Match       string      `json:"match"`          // by what the row was recognised; "none" when it was not
	Row         *Row        `json:"row"`            // null when the error is in no table
	Candidates  []Row       `json:"candidates"`     // rows of the same code, where the code alone does not decide
	Meaning     Canonical   `json:"canonical"`      // Emit is the answer by catalogue without the variant
	Variant     string      `json:"variant"`        //
	Equivalents []Elsewhere `json:"equivalents"`    // the same error in the other catalogues
	Note        string      `json:"note,omitempty"` // what to be careful about
}

// Elsewhere is what one other vendor calls an error.
type Elsewhere struct {
	Catalogue string `json:"catalogue"`
	Emission
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

// Explain answers a question. The error is a plain sentence for the person who asked.
func Explain(s *normalize.Set, q Question) (Answer, error) {
	v, a, err := resolve(s, q)
	if err != nil {
		return Answer{}, err
	}
	c := v.Catalog
	r, match := c.FromVendor(a)
	if byID, ok := c.Row(strings.ToUpper(q.Code)); ok && len(q.Body) == 0 {
		r, match = byID, normalize.MatchCode
	}
	out := Answer{Vendor: c.Name(), Match: string(match), Candidates: []Row{}}
	reason, variant := r.Reason, r.Variant
	if match == normalize.MatchNone {
		reason, variant = fault.UpstreamUnrecognised, ""
	} else {
		shown := row(r)
		out.Row = &shown
	}
	if match != normalize.MatchCode && match != normalize.MatchText {
		for _, same := range c.ByCode(codeOf(a.Code)) {
			if same.ID != r.ID {
				out.Candidates = append(out.Candidates, row(same))
			}
		}
	}
	out.Meaning, out.Variant = canonical(reason), variant
	for _, other := range s.Vendors() {
		e, fit := other.Catalog.ToVendor(reason, variant)
		out.Meaning.Emit[other.Catalog.Name()] = emission(e, fit)
		if other.Catalog.Name() != c.Name() && e.ID != "" {
			out.Equivalents = append(out.Equivalents, Elsewhere{other.Catalog.Name(), emission(e, fit), e.Name, e.Meaning})
		}
	}
	out.Note = note(c.Name(), match, len(out.Candidates))
	return out, nil
}

// note warns where an answer is less than sure.
func note(catalogue string, match normalize.Match, candidates int) string {
	switch {
	case match == normalize.MatchNone && candidates > 0:
		return "The code stands for several errors; add the HTTP status and the message to tell them apart."
	case match == normalize.MatchNone:
		return "The error is in no table. Behave by its HTTP status."
	case match == normalize.MatchStatus:
		return "Only the HTTP status was recognised."
	case match == normalize.MatchPart:
		return "Recognised by a part of its text."
	case match == normalize.MatchGeneral:
		return "The text is not in the table; this is the general error of the code."
	case catalogue == "agora-sdk":
		return "Read as a number of the native libraries; the web library gives some numbers another meaning."
	}
	return ""
}

// resolve finds the vendor and splits what was given.
func resolve(s *normalize.Set, q Question) (v normalize.Vendor, a normalize.Answer, err error) {
	name := strings.ToLower(strings.TrimSpace(q.Vendor))
	if name == "" {
		if name, err = whose(s, q); err != nil {
			return v, a, err
		}
	}
	if name == "agora" && len(q.Body) == 0 { // one vendor, two tables: numbers are the libraries'
		if _, err := strconv.Atoi(q.Code); err == nil {
			name = "agora-sdk"
		}
	}
	v, ok := s.Vendor(name)
	if !ok {
		return v, a, fmt.Errorf("no catalogue %q; there are %s", clip(q.Vendor), strings.Join(s.Names(), ", "))
	}
	if len(q.Body) > 0 && v.Read != nil {
		st := q.Status
		if st == 0 {
			st = statusNamed(q.Body)
		}
		if st == 0 {
			st = 400 // it was given as a failure, so it is read as one
		}
		u := &normalize.Upstream{Status: st, Path: q.Path, Body: q.Body}
		if a, ok = v.Read(u, q.Body); !ok {
			return v, a, fmt.Errorf("that is not an error of %s", v.Catalog.Name())
		}
		if q.Status == 0 && statusNamed(q.Body) == 0 {
			a.Status = 0 // not known: the text decides alone
		}
		return v, a, nil
	}
	if q.Code == "" && q.Status == 0 && q.Message == "" {
		return v, a, fmt.Errorf("give a code, a status or a body")
	}
	sdk := q.SDK
	if sdk == "" {
		sdk = "native"
	}
	a = normalize.Answer{Status: q.Status, Message: q.Message, Path: q.Path, SDK: sdk}
	if q.Code != "" {
		a.Code = Literal(q.Code)
	}
	return v, a, nil
}

// whose finds the vendor of a question that names none: by the shape of the body, or by a code
// that only one table has.
func whose(s *normalize.Set, q Question) (string, error) {
	if len(q.Body) > 0 {
		if name := Detect(q.Body); name != "" {
			return name, nil
		}
		return "", fmt.Errorf("the body has the shape of no vendor's errors; name the vendor")
	}
	var found []string
	for _, v := range s.Vendors() {
		_, isRow := v.Catalog.Row(strings.ToUpper(q.Code))
		if isRow || q.Code != "" && len(v.Catalog.ByCode(q.Code)) > 0 {
			found = append(found, v.Catalog.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no table has the code %q", clip(q.Code))
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("the code %q means different things in %s; name the vendor", clip(q.Code), strings.Join(found, ", "))
}

// Detect tells whose error a body is by its shape, or nothing when it is nobody's.
func Detect(body []byte) string {
	if !gjson.ValidBytes(body) {
		return ""
	}
	d := gjson.ParseBytes(body)
	code, text := d.Get("code"), d.Get("error")
	switch {
	case !d.IsObject():
		return ""
	case text.IsObject() && text.Get("code").Type == gjson.String:
		return "cometchat"
	case d.Get("error_description").Exists(), text.Type == gjson.String && d.Get("timestamp").Exists():
		return "agora-rest"
	case d.Get("errorMessage").Exists() && code.Type == gjson.Number, code.Type == gjson.Number && d.Get("msg").Exists():
		return "nexconn"
	case code.Type == gjson.Number && (d.Get("StatusCode").Exists() || d.Get("message").Exists()):
		return "stream"
	}
	return ""
}

// statusNamed is the HTTP status a body names itself, or zero.
func statusNamed(body []byte) int {
	if n := gjson.GetBytes(body, "StatusCode").Int(); n >= 400 && n <= 599 {
		return int(n)
	}
	return 0
}

// Literal turns a code as typed into a JSON literal: integers stay numbers.
func Literal(code string) json.RawMessage {
	if _, err := strconv.ParseInt(code, 10, 64); err == nil && json.Valid([]byte(code)) {
		return json.RawMessage(code)
	}
	return normalize.AppendString(nil, code)
}

// codeOf is the text of a literal.
func codeOf(raw json.RawMessage) string { return gjson.ParseBytes(raw).String() }

// clip shortens what a person typed before it is said back.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
