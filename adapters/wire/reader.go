package wire

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"dragoman/core"
	"dragoman/core/fault"
)

// MaxDepth is how deep objects and lists of a body may nest.
const MaxDepth = 64

// MaxMembers caps the members of one object.
const MaxMembers = 2000

// Field is one member of an object, its value not yet interpreted.
type Field struct {
	Name  string
	Value gjson.Result
}

// Reader reads one JSON object. Its accessors take the last member of a name, treat null like
// absence, and record a wrong type as a field error instead of answering it; Err tells in the end.
// The strings it hands out share the memory of the body, which is copied once.
type Reader struct {
	at     string // JSON pointer of the object
	raw    string
	fields []Field
	errs   *Faults
}

// Parse reads a body that has to be one JSON object in UTF-8. An empty body counts as {}.
func Parse(body []byte) (Reader, error) { return ParseText(string(body)) }

// ParseText is Parse for a body that is a string already, such as a query parameter.
func ParseText(s string) (Reader, error) {
	r := Reader{errs: &Faults{}, raw: s}
	if strings.TrimSpace(s) == "" {
		return r, nil
	}
	if !utf8.ValidString(s) {
		return r, fault.RequestMalformedJSON.Error("the body is not valid UTF-8")
	}
	if !depthOK(s) {
		return r, fault.RequestMalformedJSON.Error("the body nests deeper than " + strconv.Itoa(MaxDepth) + " levels")
	}
	if !gjson.Valid(s) {
		return r, fault.RequestMalformedJSON.Error("the body is not valid JSON")
	}
	v := gjson.Parse(s)
	if !v.IsObject() {
		return r, fault.RequestMalformedJSON.Error("the body must be a JSON object")
	}
	return r, r.load(v)
}

// load fills the fields from the object.
func (r *Reader) load(v gjson.Result) error {
	r.raw = v.Raw
	r.fields = make([]Field, 0, 8)
	over := false
	v.ForEach(func(k, v gjson.Result) bool {
		if len(r.fields) == MaxMembers {
			over = true
			return false
		}
		r.fields = append(r.fields, Field{k.Str, v})
		return true
	})
	if over {
		return fault.RequestInvalidField.Error("an object has more than " + strconv.Itoa(MaxMembers) + " fields")
	}
	return nil
}

// depthOK bounds the nesting before anything recursive looks at the text.
func depthOK(s string) bool {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}

// Err returns what was wrong with the fields read so far, here and in the objects within.
func (r *Reader) Err() error {
	if r.errs == nil {
		return nil
	}
	return r.errs.Err()
}

// Fail records an error of the member at the path within this object, such as "text" or
// "options/0"; an empty path is the object itself. See Faults.Add.
func (r *Reader) Fail(path, detail string, reason *fault.Reason) {
	p := r.at
	if path != "" {
		p += "/" + path
	}
	r.sticky().Add(p, detail, reason)
}

func escapePointer(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// invalid records a value of the wrong type or range.
func (r *Reader) invalid(name, detail string) {
	r.Fail(escapePointer(name), detail, fault.RequestInvalidField)
}

// Fields returns the members in the order of the text, for decoders that walk once.
func (r *Reader) Fields() []Field { return r.fields }

// RawText returns the text of the object.
func (r *Reader) RawText() string { return r.raw }

// Look returns the value of a member. Null is not a value.
func (r *Reader) Look(name string) (gjson.Result, bool) {
	for i := len(r.fields) - 1; i >= 0; i-- {
		if r.fields[i].Name == name {
			v := r.fields[i].Value
			return v, v.Type != gjson.Null
		}
	}
	return gjson.Result{}, false
}

// Has reports whether the member is there, null included.
func (r *Reader) Has(name string) bool {
	for i := range r.fields {
		if r.fields[i].Name == name {
			return true
		}
	}
	return false
}

// Text reads a text.
func (r *Reader) Text(name string) string {
	v, ok := r.Look(name)
	if !ok {
		return ""
	}
	return r.AsText(name, v)
}

// AsText interprets a value that Fields gave.
func (r *Reader) AsText(name string, v gjson.Result) string {
	switch v.Type {
	case gjson.String:
		return v.Str
	case gjson.Null:
		return ""
	}
	r.invalid(name, "must be a string")
	return ""
}

// TextMax reads a text of at most max bytes.
func (r *Reader) TextMax(name string, max int) string {
	s := r.Text(name)
	if len(s) > max {
		r.Fail(name, "must be at most "+strconv.Itoa(max)+" characters", fault.RequestFieldTooLong)
		return ""
	}
	return s
}

// Need reads a text that must be there and not empty.
func (r *Reader) Need(name string) string {
	v, ok := r.Look(name)
	if !ok || (v.Type == gjson.String && v.Str == "") {
		r.Fail(name, "is a required field", fault.RequestMissingField)
		return ""
	}
	return r.AsText(name, v)
}

// Int reads a whole number between min and max.
func (r *Reader) Int(name string, min, max int) int {
	v, ok := r.Look(name)
	if !ok {
		return 0
	}
	if v.Type != gjson.Number || v.Num != math.Trunc(v.Num) || math.Abs(v.Num) > 1<<53 {
		r.invalid(name, "must be an integer")
		return 0
	}
	n := int(v.Num)
	if n < min || n > max {
		r.invalid(name, "must be between "+strconv.Itoa(min)+" and "+strconv.Itoa(max))
		return 0
	}
	return n
}

// Bool reads a boolean.
func (r *Reader) Bool(name string) bool {
	b := r.OptBool(name)
	return b != nil && *b
}

// OptBool reads a boolean that may be absent.
func (r *Reader) OptBool(name string) *bool {
	v, ok := r.Look(name)
	if !ok {
		return nil
	}
	if !v.IsBool() {
		r.invalid(name, "must be a boolean")
		return nil
	}
	b := v.Bool()
	return &b
}

// Time reads an RFC 3339 instant.
func (r *Reader) Time(name string) time.Time {
	v, ok := r.Look(name)
	if !ok {
		return time.Time{}
	}
	t, ok := TimeOf(v)
	if !ok {
		r.invalid(name, "must be an RFC 3339 time")
	}
	return t
}

// Object reads a member that is an object; ok is false when it is absent or something else.
func (r *Reader) Object(name string) (o Reader, ok bool) {
	v, ok := r.Look(name)
	if !ok {
		return Reader{at: r.at + "/" + name, errs: r.sticky()}, false
	}
	return r.AsObject(name, v)
}

// AsObject interprets a value that Fields gave.
func (r *Reader) AsObject(name string, v gjson.Result) (o Reader, ok bool) {
	return r.object(escapePointer(name), v)
}

// ItemObject interprets an item of the list of that name as an object.
func (r *Reader) ItemObject(name string, i int, v gjson.Result) (o Reader, ok bool) {
	return r.object(name+"/"+strconv.Itoa(i), v)
}

func (r *Reader) object(path string, v gjson.Result) (o Reader, ok bool) {
	o = Reader{at: r.at + "/" + path, errs: r.sticky()}
	if !v.IsObject() {
		if v.Type != gjson.Null {
			r.Fail(path, "must be an object", fault.RequestInvalidField)
		}
		return o, false
	}
	if err := o.load(v); err != nil {
		r.Fail(path, "has too many fields", fault.RequestInvalidField)
		return o, false
	}
	return o, true
}

func (r *Reader) sticky() *Faults {
	if r.errs == nil {
		r.errs = &Faults{}
	}
	return r.errs
}

// Raw returns a member as compact JSON, or nil.
func (r *Reader) Raw(name string) json.RawMessage {
	v, ok := r.Look(name)
	if !ok {
		return nil
	}
	return Compact(v.Raw)
}

// RawObject returns a member that must be an object as compact JSON, or nil.
func (r *Reader) RawObject(name string) core.Extra {
	v, ok := r.Look(name)
	if !ok {
		return nil
	}
	if !v.IsObject() {
		r.invalid(name, "must be an object")
		return nil
	}
	return core.Extra(Compact(v.Raw))
}

// Each walks a list of at most max items.
func (r *Reader) Each(name string, max int, item func(i int, v gjson.Result)) {
	if v, ok := r.Look(name); ok {
		r.AsEach(name, v, max, item)
	}
}

// AsEach interprets a value that Fields gave as a list.
func (r *Reader) AsEach(name string, v gjson.Result, max int, item func(i int, v gjson.Result)) {
	if v.Type == gjson.Null {
		return
	}
	if !v.IsArray() {
		r.invalid(name, "must be an array")
		return
	}
	i := 0
	v.ForEach(func(_, e gjson.Result) bool {
		if i == max {
			r.Fail(name, "must have at most "+strconv.Itoa(max)+" items", fault.RequestBatchTooLarge)
			return false
		}
		item(i, e)
		i++
		return true
	})
}

// EachObject walks a list of objects.
func (r *Reader) EachObject(name string, max int, item func(i int, o *Reader)) {
	r.Each(name, max, func(i int, v gjson.Result) {
		if o, ok := r.ItemObject(name, i, v); ok {
			item(i, &o)
		}
	})
}

// Texts reads a list of at most max texts. nil means absent.
func (r *Reader) Texts(name string, max int) []string {
	var out []string
	r.Each(name, max, func(i int, v gjson.Result) {
		if v.Type != gjson.String {
			r.invalid(name, "must be an array of strings")
			return
		}
		out = append(out, v.Str)
	})
	if out == nil && r.Has(name) {
		out = []string{}
	}
	return out
}

// Rest returns the members that are not among the known names as one compact object, or nil. Of
// several members of one name the last counts.
func (r *Reader) Rest(known Names) core.Extra {
	var b []byte
	for i := range r.fields {
		f := &r.fields[i]
		if known.Has(f.Name) || r.later(i) {
			continue
		}
		if b == nil {
			b = append(make([]byte, 0, 64+len(f.Name)+len(f.Value.Raw)), '{')
		} else {
			b = append(b, ',')
		}
		b = appendString(b, f.Name)
		b = append(b, ':')
		b = appendCompact(b, f.Value.Raw)
	}
	if b == nil {
		return nil
	}
	return append(b, '}')
}

// later reports whether a member of the same name follows.
func (r *Reader) later(i int) bool {
	for j := i + 1; j < len(r.fields); j++ {
		if r.fields[j].Name == r.fields[i].Name {
			return true
		}
	}
	return false
}

// Compact copies valid JSON without the space between its tokens.
func Compact(raw string) json.RawMessage { return appendCompact(make([]byte, 0, len(raw)), raw) }

func appendCompact(b []byte, raw string) []byte {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case ' ', '\n', '\r', '\t':
		case '"':
			j := i + 1
			for j < len(raw) && raw[j] != '"' {
				if raw[j] == '\\' {
					j++
				}
				j++
			}
			j = min(j, len(raw)-1)
			b = append(b, raw[i:j+1]...)
			i = j
		default:
			b = append(b, c)
		}
	}
	return b
}
