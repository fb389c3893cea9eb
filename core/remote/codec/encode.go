package codec

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// Encoder writes values one after the other. The zero value is ready.
type Encoder struct {
	Bytes []byte // what was written
	// Funcs collects the code that was met; in its place stands its number here, from 1.
	Funcs []reflect.Value
	// Recent, if set, writes times from then on as one word, so that two values that differ only in
	// when they were made are equal.
	Recent time.Time
	// Stream keeps what is written once only over several values, which one Decoder has to read.
	Stream bool

	seen map[string]int       // channel types that were written, by their bytes
	byAt map[uintptr]sharedAt // the same by their addresses
	last int                  // number of the one written last, -1 for none
}

// sharedAt is a channel type that was written, held so that its address stays its own.
type sharedAt struct {
	v reflect.Value
	n int
}

// Shared values that are shorter are not worth a reference; more than maxShared are forgotten, by
// writer and reader at the same value.
const (
	minShared = 64
	maxShared = 256
)

// Append writes a value.
func Append[T any](e *Encoder, v *T) {
	e.start()
	planOf(reflect.TypeFor[T]()).enc(e, reflect.ValueOf(v).Elem())
}

// AppendValue writes a value that is known by reflection.
func (e *Encoder) AppendValue(v reflect.Value) {
	e.start()
	planOf(v.Type()).enc(e, v)
}

// Marshal writes one value; code in it is left out.
func Marshal[T any](v *T) []byte {
	var e Encoder
	Append(&e, v)
	return e.Bytes
}

// start begins a value.
func (e *Encoder) start() {
	if !e.Stream || len(e.seen) >= maxShared {
		e.seen, e.byAt = nil, nil
	}
}

func (e *Encoder) byte(c byte)   { e.Bytes = append(e.Bytes, c) }
func (e *Encoder) text(s string) { e.Bytes = append(e.Bytes, s...) }

// ref writes a reference to a shared value.
func (e *Encoder) ref(n int) {
	e.text(`{"$":`)
	e.Bytes = strconv.AppendInt(e.Bytes, int64(n), 10)
	e.byte('}')
}

// shared writes a value that is often repeated: in full once, then by its number.
func (e *Encoder) shared(v reflect.Value, enc func(*Encoder, reflect.Value)) {
	at := len(e.Bytes)
	enc(e, v)
	if len(e.Bytes)-at < minShared || !e.Recent.IsZero() {
		return
	}
	if n, ok := e.seen[string(e.Bytes[at:])]; ok {
		e.Bytes, e.last = e.Bytes[:at], n
		e.ref(n)
		return
	}
	if e.seen == nil {
		e.seen = map[string]int{}
	}
	e.last = len(e.seen)
	e.seen[string(e.Bytes[at:])] = e.last
}

// pointed writes what a pointer points at. In a stream, where the same pointers come again and again,
// an address that was written stands for its bytes: what is shared is never changed.
func (e *Encoder) pointed(v reflect.Value, enc func(*Encoder, reflect.Value)) {
	if s, ok := e.byAt[v.Pointer()]; ok {
		e.ref(s.n)
		return
	}
	e.last = -1
	enc(e, v.Elem())
	if !e.Stream || e.last < 0 {
		return
	}
	if e.byAt == nil || len(e.byAt) >= maxShared {
		e.byAt = map[uintptr]sharedAt{}
	}
	e.byAt[v.Pointer()] = sharedAt{v, e.last}
}

func encNothing(e *Encoder, _ reflect.Value) { e.text("null") }

func encBool(e *Encoder, v reflect.Value) { e.Bytes = strconv.AppendBool(e.Bytes, v.Bool()) }
func encInt(e *Encoder, v reflect.Value)  { e.Bytes = strconv.AppendInt(e.Bytes, v.Int(), 10) }
func encUint(e *Encoder, v reflect.Value) { e.Bytes = strconv.AppendUint(e.Bytes, v.Uint(), 10) }

func encFloat(e *Encoder, v reflect.Value) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.byte('"')
		e.Bytes = strconv.AppendFloat(e.Bytes, f, 'g', -1, 64)
		e.byte('"')
		return
	}
	e.Bytes = strconv.AppendFloat(e.Bytes, f, 'g', -1, 64)
}

func encFunc(e *Encoder, v reflect.Value) {
	if v.IsNil() {
		e.text("null")
		return
	}
	e.Funcs = append(e.Funcs, v)
	e.Bytes = strconv.AppendInt(e.Bytes, int64(len(e.Funcs)), 10)
}

func encString(e *Encoder, v reflect.Value) { e.quote(v.String()) }

// quote writes a text; one that is no UTF-8 as an object with its bytes.
func (e *Encoder) quote(s string) {
	if !utf8.ValidString(s) {
		e.text(`{"b":"`)
		e.Bytes = base64.StdEncoding.AppendEncode(e.Bytes, []byte(s))
		e.text(`"}`)
		return
	}
	const hex = "0123456789abcdef"
	e.byte('"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		e.text(s[from:i])
		from = i + 1
		switch c {
		case '"', '\\':
			e.Bytes = append(e.Bytes, '\\', c)
		case '\n':
			e.text(`\n`)
		default:
			e.Bytes = append(e.Bytes, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	e.text(s[from:])
	e.byte('"')
}

func encBytes(e *Encoder, v reflect.Value) {
	if v.IsNil() {
		e.text("null")
		return
	}
	e.byte('"')
	e.Bytes = base64.StdEncoding.AppendEncode(e.Bytes, v.Bytes())
	e.byte('"')
}

// encRaw writes JSON that is an object or a list as it is, anything else as its bytes.
func encRaw(e *Encoder, v reflect.Value) {
	b := v.Bytes()
	if n := len(b); n >= 2 && (b[0] == '{' && b[n-1] == '}' || b[0] == '[' && b[n-1] == ']') && json.Valid(b) {
		e.Bytes = append(e.Bytes, b...)
		return
	}
	encBytes(e, v)
}

func encTime(e *Encoder, v reflect.Value) {
	t := v.Interface().(time.Time) //nolint:forcetypeassert // by its plan
	if !e.Recent.IsZero() && !t.Before(e.Recent) && t.Sub(e.Recent) < recentFor {
		e.text(`"now"`)
		return
	}
	if _, off := t.Zone(); off%60 != 0 || off <= -24*3600 || off >= 24*3600 {
		t = t.UTC()
	}
	if y := t.Year(); y < 0 || y > 9999 {
		e.byte('[')
		e.Bytes = strconv.AppendInt(e.Bytes, t.Unix(), 10)
		e.byte(',')
		e.Bytes = strconv.AppendInt(e.Bytes, int64(t.Nanosecond()), 10)
		e.byte(']')
		return
	}
	e.byte('"')
	e.Bytes = t.AppendFormat(e.Bytes, time.RFC3339Nano)
	e.byte('"')
}

// recentFor bounds what counts as made just now: a later time is one that somebody has chosen.
const recentFor = time.Minute
