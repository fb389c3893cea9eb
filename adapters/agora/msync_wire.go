package agora

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds of what is read from the wire. Frames are bounded by the socket; these keep a small frame
// from becoming a large tree.
const (
	maxDepth = 8    // messages within messages
	maxItems = 2000 // elements of one repeated field
)

// errWire is the failure of bytes that are no message.
var errWire = errors.New("agora: malformed protobuf")

// table describes a message: the numbers of its fields and where their values are kept. The kind of
// the pointer tells the wire type: *string and *[]byte, *uint64, *int64 and *bool (varint), *float64,
// *float32, *[]string, *optional (a varint whose presence matters), or a part.
//
// Absent and zero are the same to all but *optional, and a zero is written for *always alone: the
// vendor's clients take an absent field for its default.
type table[T any] []struct {
	num protowire.Number
	at  func(*T) any
}

// optional is a varint that may be absent, which is not the same as zero.
type optional struct {
	v  int64
	ok bool
}

// some is an optional that is there.
func some(v int64) optional { return optional{v, true} }

// always is a varint that is written even when it is zero.
type always int64

// part is a message or a list of messages within a message.
type part interface {
	read(b []byte, depth int) error
	// write appends the field as often as there are values.
	write(b []byte, num protowire.Number) []byte
}

// one is a message that may be absent.
type one[T any, P interface {
	*T
	message
}] struct{ v *T }

// message is a pointer to a struct that has a table.
type message interface {
	decode(b []byte, depth int) error
	encode(b []byte) []byte
}

func (o *one[T, P]) read(b []byte, depth int) error {
	if o.v == nil {
		o.v = new(T)
	}
	return P(o.v).decode(b, depth)
}

func (o *one[T, P]) write(b []byte, num protowire.Number) []byte {
	if o.v == nil {
		return b
	}
	return appendMessage(b, num, P(o.v))
}

// many is a repeated message.
type many[T any, P interface {
	*T
	message
}] []T

func (l *many[T, P]) read(b []byte, depth int) error {
	if len(*l) >= maxItems {
		return errWire
	}
	var v T
	if err := P(&v).decode(b, depth); err != nil {
		return err
	}
	*l = append(*l, v)
	return nil
}

func (l *many[T, P]) write(b []byte, num protowire.Number) []byte {
	for i := range *l {
		b = appendMessage(b, num, P(&(*l)[i]))
	}
	return b
}

func appendMessage(b []byte, num protowire.Number, m message) []byte {
	b = protowire.AppendTag(b, num, protowire.BytesType)
	// Most parts are short: the length is one byte, and longer ones are moved.
	at := len(b)
	b = m.encode(append(b, 0))
	n := len(b) - at - 1
	size := protowire.SizeVarint(uint64(n))
	if size > 1 {
		b = append(b, make([]byte, size-1)...)
		copy(b[at+size:], b[at+1:at+1+n])
	}
	protowire.AppendVarint(b[:at], uint64(n))
	return b
}

// scan calls each for every field of a message until it fails.
func scan(b []byte, each func(num protowire.Number, typ protowire.Type, value []byte) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return errWire
		}
		if err := each(num, typ, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// decode reads a message by its table. Fields it does not know, or that have another wire type, are
// left out; of a field that comes twice the last one counts.
func decode[T any](t table[T], m *T, b []byte, depth int) error {
	if depth > maxDepth {
		return errWire
	}
	return scan(b, func(num protowire.Number, typ protowire.Type, value []byte) error {
		for i := range t {
			if t[i].num == num {
				return readField(t[i].at(m), typ, value, depth)
			}
		}
		return nil
	})
}

// readField reads one value, whose bytes have been measured.
func readField(at any, typ protowire.Type, value []byte, depth int) error {
	switch typ {
	case protowire.VarintType:
		v, _ := protowire.ConsumeVarint(value)
		switch p := at.(type) {
		case *uint64:
			*p = v
		case *int64:
			*p = int64(v) //nolint:gosec // the vendor's signed fields are two's complement
		case *always:
			*p = always(int64(v)) //nolint:gosec // as above
		case *bool:
			*p = v != 0
		case *optional:
			*p = some(int64(v)) //nolint:gosec // as above
		}
	case protowire.Fixed64Type:
		if p, ok := at.(*float64); ok {
			v, _ := protowire.ConsumeFixed64(value)
			*p = math.Float64frombits(v)
		}
	case protowire.Fixed32Type:
		if p, ok := at.(*float32); ok {
			v, _ := protowire.ConsumeFixed32(value)
			*p = math.Float32frombits(v)
		}
	case protowire.BytesType:
		v, _ := protowire.ConsumeBytes(value)
		switch p := at.(type) {
		case *string:
			*p = string(v)
		case *[]byte:
			*p = append([]byte{}, v...)
		case *[]string:
			if len(*p) >= maxItems {
				return errWire
			}
			*p = append(*p, string(v))
		case part:
			return p.read(v, depth+1)
		}
	}
	return nil
}

// encode appends a message by its table.
func encode[T any](t table[T], m *T, b []byte) []byte {
	for i := range t {
		b = writeField(b, t[i].num, t[i].at(m))
	}
	return b
}

func writeField(b []byte, num protowire.Number, at any) []byte {
	switch p := at.(type) {
	case *string:
		if *p != "" {
			b = protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), *p)
		}
	case *[]byte:
		if len(*p) > 0 {
			b = protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), *p)
		}
	case *[]string:
		for _, s := range *p {
			b = protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), s)
		}
	case *uint64:
		if *p != 0 {
			b = appendVarint(b, num, *p)
		}
	case *int64:
		if *p != 0 {
			b = appendVarint(b, num, uint64(*p)) //nolint:gosec // two's complement
		}
	case *always:
		b = appendVarint(b, num, uint64(*p)) //nolint:gosec // two's complement
	case *optional:
		if p.ok {
			b = appendVarint(b, num, uint64(p.v)) //nolint:gosec // two's complement
		}
	case *bool:
		if *p {
			b = appendVarint(b, num, 1)
		}
	case *float64:
		if *p != 0 {
			b = protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), math.Float64bits(*p))
		}
	case *float32:
		if *p != 0 {
			b = protowire.AppendFixed32(protowire.AppendTag(b, num, protowire.Fixed32Type), math.Float32bits(*p))
		}
	case part:
		b = p.write(b, num)
	}
	return b
}

func appendVarint(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

// without returns a message without the fields of a number, its other bytes as they were. Bytes that
// are no message come back unchanged.
func without(b []byte, drop protowire.Number) []byte {
	out := make([]byte, 0, len(b))
	rest := b
	for len(rest) > 0 {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return b
		}
		m := protowire.ConsumeFieldValue(num, typ, rest[n:])
		if m < 0 {
			return b
		}
		if num != drop {
			out = append(out, rest[:n+m]...)
		}
		rest = rest[n+m:]
	}
	return out
}
