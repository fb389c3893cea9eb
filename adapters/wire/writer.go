package wire

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"dragoman/core"
)

// Writer appends JSON. Commas are placed by looking at the last byte written, so that functions
// that write one value compose freely: after Key they write a member, inside a list an item. The
// zero Writer is ready. Unbalanced calls give invalid JSON; they are a bug of the caller.
type Writer struct{ b []byte }

// NewWriter returns a writer with room for size bytes.
func NewWriter(size int) *Writer { return &Writer{b: make([]byte, 0, size)} }

// Bytes returns what was written so far, not a copy.
func (w *Writer) Bytes() []byte { return w.b }

// Len is the number of bytes written so far.
func (w *Writer) Len() int { return len(w.b) }

// Reset forgets what was written and keeps the memory.
func (w *Writer) Reset() { w.b = w.b[:0] }

// sep writes the comma that the next value or key needs.
func (w *Writer) sep() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':', ',':
		default:
			w.b = append(w.b, ',')
		}
	}
}

// Open begins an object.
func (w *Writer) Open() {
	w.sep()
	w.b = append(w.b, '{')
}

// Close ends an object.
func (w *Writer) Close() { w.b = append(w.b, '}') }

// OpenList begins a list.
func (w *Writer) OpenList() {
	w.sep()
	w.b = append(w.b, '[')
}

// CloseList ends a list.
func (w *Writer) CloseList() { w.b = append(w.b, ']') }

// Append takes over bytes that another writer wrote, as they are and without a comma.
func (w *Writer) Append(b []byte) { w.b = append(w.b, b...) }

// Key begins a member with a name that needs no escaping; a value must follow.
func (w *Writer) Key(name string) {
	w.sep()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// KeyOf begins a member with any name.
func (w *Writer) KeyOf(name string) {
	w.sep()
	w.b = appendString(w.b, name)
	w.b = append(w.b, ':')
}

// Object begins a member that is an object.
func (w *Writer) Object(name string) {
	w.Key(name)
	w.b = append(w.b, '{')
}

// List begins a member that is a list.
func (w *Writer) List(name string) {
	w.Key(name)
	w.b = append(w.b, '[')
}

// Text writes a text member.
func (w *Writer) Text(name, v string) {
	w.Key(name)
	w.b = appendString(w.b, v)
}

// TextIf writes a text member unless it is empty.
func (w *Writer) TextIf(name, v string) {
	if v != "" {
		w.Text(name, v)
	}
}

// Int writes a number member.
func (w *Writer) Int(name string, v int) { w.Int64(name, int64(v)) }

// Int64 writes a number member.
func (w *Writer) Int64(name string, v int64) {
	w.Key(name)
	w.b = strconv.AppendInt(w.b, v, 10)
}

// Bool writes a boolean member.
func (w *Writer) Bool(name string, v bool) {
	w.Key(name)
	w.b = strconv.AppendBool(w.b, v)
}

// BoolIf writes a boolean member when it is true.
func (w *Writer) BoolIf(name string, v bool) {
	if v {
		w.Bool(name, true)
	}
}

// Time writes an instant; the zero time becomes null.
func (w *Writer) Time(name string, t time.Time) {
	if t.IsZero() {
		w.Null(name)
		return
	}
	w.Key(name)
	w.b = append(w.b, '"')
	w.b = AppendTime(w.b, t)
	w.b = append(w.b, '"')
}

// TimeIf writes an instant unless it is zero.
func (w *Writer) TimeIf(name string, t time.Time) {
	if !t.IsZero() {
		w.Time(name, t)
	}
}

// Null writes a null member.
func (w *Writer) Null(name string) {
	w.Key(name)
	w.b = append(w.b, "null"...)
}

// Raw writes a member that is JSON already; empty becomes null.
func (w *Writer) Raw(name string, v []byte) {
	w.Key(name)
	if len(v) == 0 {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = append(w.b, v...)
}

// Texts writes a list of texts as a member; nil is an empty list.
func (w *Writer) Texts(name string, v []string) { writeTexts(w, name, v) }

// IDs writes a list of user ids as a member; nil is an empty list.
func (w *Writer) IDs(name string, v []core.UserID) { writeTexts(w, name, v) }

func writeTexts[S ~string](w *Writer, name string, v []S) {
	w.List(name)
	for _, s := range v {
		w.Item(string(s))
	}
	w.CloseList()
}

// Item writes a text into a list.
func (w *Writer) Item(v string) {
	w.sep()
	w.b = appendString(w.b, v)
}

// Items writes one text made of parts into a list or after a key.
func (w *Writer) Items(parts ...string) {
	w.sep()
	w.b = append(w.b, '"')
	for _, p := range parts {
		w.b = appendEscaped(w.b, p)
	}
	w.b = append(w.b, '"')
}

// Number writes a number after a key or into a list.
func (w *Writer) Number(v int) {
	w.sep()
	w.b = strconv.AppendInt(w.b, int64(v), 10)
}

// Duration writes milliseconds with two decimals and their unit: "7.11ms".
func (w *Writer) Duration(name string, ms float64) {
	w.Key(name)
	w.b = append(w.b, '"')
	w.b = strconv.AppendFloat(w.b, ms, 'f', 2, 64)
	w.b = append(w.b, `ms"`...)
}

// Value writes JSON as it is, after a key or into a list; empty becomes null.
func (w *Writer) Value(v []byte) {
	w.sep()
	if len(v) == 0 {
		v = []byte("null")
	}
	w.b = append(w.b, v...)
}

// Raws writes a list of JSON values as a member; nil is an empty list.
func (w *Writer) Raws(name string, v []json.RawMessage) {
	w.List(name)
	for _, m := range v {
		w.Value(m)
	}
	w.CloseList()
}

// Extra writes the members of x into the open object, leaving out the reserved names: those the
// object has of its own. Anything but an object is left out.
func (w *Writer) Extra(x core.Extra, reserved Names) {
	if len(x) < 2 || x[0] != '{' {
		return
	}
	gjson.ParseBytes(x).ForEach(func(k, v gjson.Result) bool {
		if !reserved.Has(k.Str) && v.Raw != "" {
			w.sep()
			w.b = append(w.b, k.Raw...)
			w.b = append(w.b, ':')
			w.b = append(w.b, v.Raw...)
		}
		return true
	})
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD; the two line separators
// that old JavaScript cannot have in a literal are escaped.
func appendString(b []byte, s string) []byte {
	return append(appendEscaped(append(b, '"'), s), '"')
}

// appendEscaped appends what stands between the quotes.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + n
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hexDigits[r&0xf])
			start = i + n
		}
		i += n
	}
	return append(b, s[start:]...)
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
