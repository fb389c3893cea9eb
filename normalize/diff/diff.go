package diff

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Limits of a comparison.
const (
	maxNamed = 20      // differences that are named; the others are counted
	maxDepth = 64      // levels of a body
	maxBody  = 4 << 20 // bytes of a body
)

// Kind is how two answers differ.
type Kind string

// The kinds of difference.
const (
	Status  Kind = "status"  // class of the HTTP status
	Failure Kind = "error"   // canonical error
	Format  Kind = "format"  // one body is JSON, the other is not
	Type    Kind = "type"    // of a JSON value
	Value   Kind = "value"   // of a JSON value
	Missing Kind = "missing" // the second has no such member or entry
	Extra   Kind = "extra"   // only the second has it
	Order   Kind = "order"   // the same entries in another order
)

// Verdict is the outcome of a comparison.
type Verdict string

// The verdicts.
const (
	Equal        Verdict = "equal"
	Different    Verdict = "different"
	Incomparable Verdict = "incomparable"
)

// Answer is one side.
type Answer struct {
	Status int
	Reason string // canonical error, empty for success
	Body   []byte
}

// Difference is one place where the sides differ. The values are redacted.
type Difference struct {
	Kind   Kind   `json:"kind"`
	Path   string `json:"path,omitempty"` // members joined by dots
	First  string `json:"first,omitempty"`
	Second string `json:"second,omitempty"`
}

// Result is what a comparison found.
type Result struct {
	Verdict     Verdict
	Differences []Difference // at most 20
	Count       int          // all of them
}

// Same tells whether two texts or numbers name one thing although they are written differently: an
// id of the vendor's and that of the core. It may be nil.
type Same func(first, second string) bool

// comparison is one under way.
type comparison struct {
	rules *Rules
	same  Same
	out   Result
	path  []string
	deep  bool
}

// Compare compares two answers. Errors are compared by status class and canonical reason alone: their
// texts are for people.
func Compare(first, second Answer, rules *Rules, same Same) Result {
	c := &comparison{rules: rules, same: same, out: Result{Verdict: Equal}}
	if first.Status/100 != second.Status/100 {
		c.differ(Status, strconv.Itoa(first.Status), strconv.Itoa(second.Status))
	}
	if first.Reason != second.Reason {
		c.differ(Failure, first.Reason, second.Reason)
	}
	if first.Reason == "" && second.Reason == "" && first.Status/100 == second.Status/100 {
		c.bodies(first.Body, second.Body)
	}
	switch {
	case c.out.Count > 0:
		c.out.Verdict = Different
	case c.deep:
		c.out.Verdict = Incomparable
	}
	return c.out
}

// bodies compares two bodies.
func (c *comparison) bodies(a, b []byte) {
	if len(a) > maxBody || len(b) > maxBody {
		c.deep = true
		return
	}
	aj, bj := gjson.ValidBytes(a), gjson.ValidBytes(b)
	switch {
	case aj && bj:
		c.value(gjson.ParseBytes(a), gjson.ParseBytes(b))
	case aj != bj:
		c.differ(Format, format(a, aj), format(b, bj))
	case string(a) != string(b):
		c.differ(Value, format(a, false), format(b, false))
	}
}

func format(b []byte, json bool) string {
	if json {
		return "JSON"
	}
	return strconv.Itoa(len(b)) + " bytes"
}

// differ notes a difference at the present path.
func (c *comparison) differ(k Kind, first, second string) {
	if c.out.Count++; c.out.Count <= maxNamed {
		c.out.Differences = append(c.out.Differences, Difference{k, strings.Join(c.path, "."), first, second})
	}
}

// value compares two JSON values at the present path.
func (c *comparison) value(a, b gjson.Result) {
	if _, ok := c.rules.find("ignore", c.path); ok || !c.rules.chosen(c.path) {
		return
	}
	if len(c.path) >= maxDepth {
		c.deep = true
		return
	}
	if ka, kb := kind(a), kind(b); ka != kb {
		if !c.absent(a) || !c.absent(b) {
			c.differ(Type, ka, kb)
		}
		return
	}
	switch {
	case a.IsObject():
		c.object(a, b)
	case a.IsArray():
		c.list(a.Array(), b.Array())
	case a.Type == gjson.String && a.Str != b.Str, a.Type == gjson.Number && a.Raw != b.Raw && a.Num != b.Num, a.Type != b.Type:
		if !c.alike(a, b) {
			c.differ(Value, Shown(a), Shown(b))
		}
	}
}

// alike reports whether two different scalars mean the same.
func (c *comparison) alike(a, b gjson.Result) bool {
	if r, ok := c.rules.find("near", c.path); ok {
		if x, ok := moment(a); ok {
			if y, ok := moment(b); ok {
				return x.Sub(y).Abs() <= r.skew
			}
		}
	}
	return c.same != nil && a.Type == b.Type && c.same(a.String(), b.String())
}

// moment reads a time: RFC 3339, or a number of seconds or milliseconds.
func moment(v gjson.Result) (time.Time, bool) {
	if v.Type == gjson.Number {
		if v.Num > 1e11 {
			return time.UnixMilli(int64(v.Num)), true
		}
		return time.Unix(int64(v.Num), 0), v.Num > 1e8
	}
	t, err := time.Parse(time.RFC3339Nano, v.Str)
	return t, err == nil
}

// kind names the JSON type of a value.
func kind(v gjson.Result) string {
	switch {
	case v.IsObject():
		return "object"
	case v.IsArray():
		return "list"
	}
	switch v.Type {
	case gjson.String:
		return "text"
	case gjson.Number:
		return "number"
	case gjson.True, gjson.False:
		return "bool"
	}
	return "null"
}

// absent reports whether the rules let a value count as none.
func (c *comparison) absent(v gjson.Result) bool {
	if _, ok := c.rules.find("optional", c.path); !ok {
		return false
	}
	switch raw := strings.TrimSpace(v.Raw); {
	case raw == "", raw == "null", raw == `""`:
		return true
	case v.IsArray():
		return len(v.Array()) == 0
	case v.IsObject():
		return len(v.Map()) == 0
	}
	return false
}
