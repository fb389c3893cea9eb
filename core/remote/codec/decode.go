package codec

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	"dragoman/core/fault"
)

// Decoder reads what an Encoder has written. It never panics on its input, and what it reads keeps
// no hold of the input.
type Decoder struct {
	// Func makes the code with a number; nil leaves it out.
	Func func(n int, t reflect.Type) reflect.Value
	// Stream reads values that were written with Encoder.Stream.
	Stream bool

	in    []byte
	pos   int
	depth int
	seen  []reflect.Value
}

// maxDepth bounds how deep values lie in each other.
const maxDepth = 200

// Read reads a value that takes up all of the input.
func Read[T any](d *Decoder, in []byte, v *T) error {
	return d.ReadValue(in, reflect.ValueOf(v).Elem())
}

// ReadValue is Read for a value that is known by reflection and can be set.
func (d *Decoder) ReadValue(in []byte, v reflect.Value) error {
	d.in, d.pos, d.depth = in, 0, 0
	if !d.Stream || len(d.seen) >= maxShared {
		d.seen = nil
	}
	if err := planOf(v.Type()).dec(d, v); err != nil {
		return err
	}
	if d.space(); d.pos != len(d.in) {
		return d.bad("the end")
	}
	return nil
}

// Unmarshal reads one value without code.
func Unmarshal[T any](in []byte, v *T) error {
	var d Decoder
	return Read(&d, in, v)
}

// bad is the error of input that is not what it should be.
func (d *Decoder) bad(want string) error {
	return fault.RequestMalformedJSON.Error("byte " + strconv.Itoa(d.pos) + ": want " + want)
}

// shared reads a value that is written in full once; see Encoder.shared.
func (d *Decoder) shared(v reflect.Value, dec func(*Decoder, reflect.Value) error) error {
	d.space()
	at := d.pos
	if len(d.in)-at > 5 && string(d.in[at:at+5]) == `{"$":` {
		n := -1
		err := d.object(func([]byte) error {
			num, err := strconv.Atoi(string(d.number()))
			n = num
			return err
		})
		if err != nil || n < 0 || n >= len(d.seen) {
			return d.bad("a reference")
		}
		v.Set(d.seen[n])
		return nil
	}
	if err := dec(d, v); err != nil {
		return err
	}
	if d.pos-at >= minShared {
		d.seen = append(d.seen, reflect.ValueOf(v.Interface()))
	}
	return nil
}

func decNothing(d *Decoder, _ reflect.Value) error { return d.skip() }

func decBool(d *Decoder, v reflect.Value) error {
	switch {
	case d.word("true"):
		v.SetBool(true)
	case d.word("false"):
		v.SetBool(false)
	default:
		return d.bad("true or false")
	}
	return nil
}

func decInt(d *Decoder, v reflect.Value) error {
	n, err := strconv.ParseInt(string(d.number()), 10, v.Type().Bits())
	if err != nil {
		return d.bad("a whole number")
	}
	v.SetInt(n)
	return nil
}

func decUint(d *Decoder, v reflect.Value) error {
	n, err := strconv.ParseUint(string(d.number()), 10, v.Type().Bits())
	if err != nil {
		return d.bad("a whole number that is not negative")
	}
	v.SetUint(n)
	return nil
}

func decFloat(d *Decoder, v reflect.Value) error {
	text := string(d.number())
	if text == "" {
		s, err := d.str()
		if err != nil {
			return err
		}
		text = s
	}
	f, err := strconv.ParseFloat(text, v.Type().Bits())
	if err != nil {
		return d.bad("a number")
	}
	v.SetFloat(f)
	return nil
}

func decFunc(d *Decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	n, err := strconv.Atoi(string(d.number()))
	if err != nil {
		return d.bad("the number of code")
	}
	if d.Func != nil {
		v.Set(d.Func(n, v.Type()))
	}
	return nil
}

func decString(d *Decoder, v reflect.Value) error {
	if d.space(); d.pos < len(d.in) && d.in[d.pos] == '{' {
		return d.object(func([]byte) error {
			s, err := d.str()
			if err != nil {
				return err
			}
			b, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				return d.bad("base64")
			}
			v.SetString(string(b))
			return nil
		})
	}
	s, err := d.str()
	if err == nil {
		v.SetString(s)
	}
	return err
}

func decBytes(d *Decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	s, err := d.str()
	if err != nil {
		return err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return d.bad("base64")
	}
	if b == nil {
		b = []byte{}
	}
	v.SetBytes(b)
	return nil
}

func decRaw(d *Decoder, v reflect.Value) error {
	if d.space(); d.pos < len(d.in) && (d.in[d.pos] == '{' || d.in[d.pos] == '[') {
		b := d.raw()
		if !json.Valid(b) {
			return d.bad("JSON")
		}
		v.SetBytes(append([]byte(nil), b...))
		return nil
	}
	return decBytes(d, v)
}

func decTime(d *Decoder, v reflect.Value) error {
	if d.space(); d.pos < len(d.in) && d.in[d.pos] == '[' {
		var parts []int64
		if err := d.list(func() error {
			n, err := strconv.ParseInt(string(d.number()), 10, 64)
			if parts = append(parts, n); err != nil || len(parts) > 2 {
				return d.bad("seconds and nanoseconds")
			}
			return nil
		}); err != nil {
			return err
		}
		if len(parts) != 2 {
			return d.bad("seconds and nanoseconds")
		}
		v.Set(reflect.ValueOf(time.Unix(parts[0], parts[1]).UTC()))
		return nil
	}
	s, err := d.str()
	if err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return d.bad("a time")
	}
	v.Set(reflect.ValueOf(t))
	return nil
}
