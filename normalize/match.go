package normalize

import (
	"encoding/json"
	"strings"
)

// Answer is a vendor's error, split into what a catalogue looks at. Fields that are not known
// stay empty; Code keeps its JSON type.
type Answer struct {
	Status    int             // HTTP status; 0 when the error did not come over HTTP
	Code      json.RawMessage // the vendor's code as a JSON literal; nil when there is none
	Name      string          // the vendor's name for it, where the body carries one
	Message   string          // the vendor's text
	Path      string          // URL path of the request, for rows with one wire form
	Exception string          // exception class, where the vendor shows one
	SDK       string          // the client library a number comes from: "native", "android", "ios", "web", …
	RequestID string          // the vendor's request id
}

// FromVendor finds the row a vendor's error belongs to and tells by what it was recognised.
// The order is fixed: the code where it names one row; else status, code and text; else URL and
// exception for rows with one wire form; else the longest fixed part of a text; else status and
// code; else the status alone. MatchNone comes with the zero Row.
//
// Numbers of client libraries are recognised only with an SDK tag of the generation the table
// describes: the web library uses the same numbers for other errors.
func (c *Catalog) FromVendor(a Answer) (Row, Match) {
	if c.tagged && !nativeSDK(a.SDK) {
		return Row{}, MatchNone
	}
	same := c.byCode[codeText(a.Code)]
	if c.distinct {
		if len(same) == 1 {
			// A code that goes beside a bare status as well: on that status, the status is meant.
			if h := c.byStatus[a.Status]; h != nil && same[0].Status != a.Status && string(h.Body) == string(same[0].Body) {
				return *h, MatchStatus
			}
			return *same[0], MatchCode
		}
	} else if r, m := c.byText(a, same); r != nil {
		return *r, m
	}
	if r := c.byStatus[a.Status]; r != nil {
		return *r, MatchStatus
	}
	return Row{}, MatchNone
}

// nativeSDK reports whether a tag names a library of the native generation (C++ core).
func nativeSDK(tag string) bool {
	switch strings.ToLower(tag) {
	case "native", "android", "ios", "windows", "unity", "flutter", "react-native":
		return true
	}
	return false
}

// partLength is the shortest fixed part of a text that counts as evidence.
const partLength = 12

// byText is the search in a catalogue whose codes stand for several rows each.
func (c *Catalog) byText(a Answer, same []*Row) (*Row, Match) {
	said := normalise(a.Message)
	var whole *Row
	for _, r := range same {
		if !a.at(r) || !c.texts[r].whole(said) {
			continue
		}
		if whole == nil {
			whole = r
			continue
		}
		if hinted(r, a) { // the second row of a pair with one wire form
			return r, MatchHint
		}
		return whole, MatchHint
	}
	if whole != nil {
		return whole, MatchText
	}
	// The code may be missing or renamed by an older server: the text alone, on the same status.
	others := c.sameStatus(a.Status)
	for _, r := range others {
		if len(said) >= partLength && c.texts[r].whole(said) {
			return r, MatchText
		}
	}
	if len(same) > 0 {
		others = nil
	}
	best, length := (*Row)(nil), partLength-1
	for _, rows := range [2][]*Row{same, others} {
		for _, r := range rows {
			if !a.at(r) {
				continue
			}
			if n := c.texts[r].part(said); n > length {
				best, length = r, n
			}
		}
		if best != nil {
			return best, MatchPart
		}
	}
	if r := general(a, same); r != nil {
		return r, MatchGeneral
	}
	return nil, MatchNone
}

// general picks the row that stands for all rows of one code when the text is not known: the
// only one, or the one that means no more than the status does, or the one whose meaning the
// others refine. Nil when the rows have nothing in common.
func general(a Answer, same []*Row) *Row {
	var rows []*Row
	for _, r := range same {
		if a.at(r) {
			rows = append(rows, r)
		}
	}
	if len(rows) == 1 {
		return rows[0]
	}
	for _, r := range rows {
		if a.Status != 0 && r.Variant == "" && r.Reason == classReason(statusClass(a.Status)) {
			return r
		}
	}
	var plain *Row
	for _, r := range rows {
		if r.Reason != rows[0].Reason {
			return nil
		}
		if r.Variant == "" {
			plain = r
		}
	}
	return plain
}

// at reports whether a row travels on the status of the answer; an unknown status rules nothing out.
func (a *Answer) at(r *Row) bool { return a.Status == 0 || r.Status == a.Status }

// sameStatus lists the rows of one status, whatever their code.
func (c *Catalog) sameStatus(status int) []*Row {
	var out []*Row
	for _, rows := range [2][]Row{c.rows, c.extra} {
		for i := range rows {
			if (status == 0 || rows[i].Status == status) && rows[i].Surface == SurfaceREST {
				out = append(out, &rows[i])
			}
		}
	}
	return out
}

// hinted reports whether URL or exception say that a row about users is meant.
func hinted(r *Row, a Answer) bool {
	if !strings.HasPrefix(r.Reason.Name(), "user.") {
		return false
	}
	if a.Exception != "" {
		return strings.HasSuffix(a.Exception, "UserNotFoundException")
	}
	return strings.Contains(a.Path, "/users/") && !strings.Contains(a.Path, "/chatgroups/") && !strings.Contains(a.Path, "/chatrooms/")
}

// pattern is a text with placeholders, cut into its fixed parts.
type pattern struct {
	parts       []string
	open, close bool // the text begins, ends with a placeholder
}

// placeholders that vendors write without braces.
var bare = strings.NewReplacer("XXXX", "{}", "xxxxx", "{}")

// compile cuts a text at its placeholders: {name}, XXXX and xxxxx.
func compile(text string) pattern {
	text = bare.Replace(text)
	var p pattern
	p.open = strings.HasPrefix(text, "{")
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 {
			break
		}
		j := strings.IndexByte(text[i:], '}')
		if j < 0 {
			break
		}
		if i > 0 {
			p.parts = append(p.parts, normalise(text[:i]))
		}
		text = text[i+j+1:]
		p.close = text == "" || text == "."
	}
	if !p.close && text != "" {
		p.parts = append(p.parts, normalise(text))
	}
	return p
}

// whole reports whether a normalised text is this pattern with every placeholder filled.
func (p pattern) whole(text string) bool {
	if len(p.parts) == 0 {
		return false
	}
	for i, part := range p.parts {
		last := i == len(p.parts)-1
		switch {
		case i == 0 && !p.open:
			if !strings.HasPrefix(text, part) {
				return false
			}
			text = text[len(part):]
			if last {
				return p.close == (text != "")
			}
		case last && !p.close:
			return len(text) > len(part) && strings.HasSuffix(text, part)
		default:
			at := strings.Index(text, part)
			if at < 1 {
				return false
			}
			text = text[at+len(part):]
		}
	}
	return p.close && text != ""
}

// part is the length of the longest fixed part that occurs in a normalised text.
func (p pattern) part(text string) int {
	best := 0
	for _, part := range p.parts {
		if len(part) > best && strings.Contains(text, part) {
			best = len(part)
		}
	}
	return best
}

// normalise folds what differs between a vendor's own pages: case, curly quotes, runs of white
// space, a full stop at the end. Texts are compared up to maxCompared bytes.
func normalise(text string) string {
	text = text[:min(len(text), maxCompared)]
	b := make([]byte, 0, len(text)) // no step makes a text longer
	space := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			space = len(b) > 0
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == 0xE2 && strings.HasPrefix(text[i:], "\u2018"), c == 0xE2 && strings.HasPrefix(text[i:], "\u2019"):
			c, i = '\'', i+2
		case c == 0xE2 && strings.HasPrefix(text[i:], "\u201c"), c == 0xE2 && strings.HasPrefix(text[i:], "\u201d"):
			c, i = '"', i+2
		}
		if space {
			b, space = append(b, ' '), false
		}
		b = append(b, c)
	}
	return strings.TrimSuffix(string(b), ".")
}

// maxCompared is longer than any vendor's text with its placeholders filled.
const maxCompared = 4096
