package nexconn

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of the live link are protobuf, second edition. The few that are used are read and
// written by hand, below; names of messages and fields are the vendor's. Everything is bounded: a list
// is cut off with an error at maxItems, texts by the frame they come in, and nesting by the code.

// maxItems bounds every repeated field that is read.
const maxItems = 1000

var (
	errWire  = errors.New("nexconn: not a protobuf message")
	errItems = errors.New("nexconn: list too long")
	errNeeds = errors.New("nexconn: required field missing")
)

// field is one field as it was read: v of the varint and fixed kinds, b of the others.
type field struct {
	num  protowire.Number
	text bool // length-delimited
	v    uint64
	b    []byte
}

func (f *field) int() int    { return int(int32(f.v)) } //nolint:gosec // int32 on the wire
func (f *field) long() int64 { return int64(f.v) }      //nolint:gosec // two's complement on the wire
func (f *field) bool() bool  { return f.v != 0 }
func (f *field) str() string { return string(f.b) }
func (f *field) strs(list *[]string) error {
	if len(*list) >= maxItems {
		return errItems
	}
	*list = append(*list, string(f.b))
	return nil
}

// scan calls each for every field of a message, in order. Groups are refused, unknown kinds skipped.
func scan(b []byte, each func(*field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		f := field{num: num}
		switch typ {
		case protowire.VarintType:
			f.v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			f.v, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.v = uint64(v)
		case protowire.BytesType:
			f.text = true
			f.b, n = protowire.ConsumeBytes(b)
		default:
			return errWire
		}
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if err := each(&f); err != nil {
			return err
		}
	}
	return nil
}

// addMessage reads a nested message into a list.
func addMessage[T any](list *[]T, b []byte, read func(*T, []byte) error) error {
	if len(*list) >= maxItems {
		return errItems
	}
	var v T
	if err := read(&v, b); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// needs notes which required fields were seen, by number up to 63.
type needs uint64

func (n *needs) saw(f *field) { *n |= 1 << (f.num & 63) }

// all reports an error unless all the fields were there.
func (n needs) all(nums ...uint) error {
	for _, i := range nums {
		if n&(1<<i) == 0 {
			return errNeeds
		}
	}
	return nil
}

// pb builds a message. The methods write the field always; those that end in If leave out zero values,
// which optional fields allow and required ones do not: without one of them the SDK throws.
type pb struct{ b []byte }

func (p *pb) int(num protowire.Number, v int64) {
	p.b = protowire.AppendVarint(protowire.AppendTag(p.b, num, protowire.VarintType), uint64(v)) //nolint:gosec // two's complement
}

func (p *pb) intIf(num protowire.Number, v int64) {
	if v != 0 {
		p.int(num, v)
	}
}

func (p *pb) bool(num protowire.Number, v bool) {
	n := int64(0)
	if v {
		n = 1
	}
	p.int(num, n)
}

func (p *pb) boolIf(num protowire.Number, v bool) {
	if v {
		p.bool(num, true)
	}
}

func (p *pb) text(num protowire.Number, s string) {
	p.b = protowire.AppendString(protowire.AppendTag(p.b, num, protowire.BytesType), s)
}

func (p *pb) textIf(num protowire.Number, s string) {
	if s != "" {
		p.text(num, s)
	}
}

func (p *pb) texts(num protowire.Number, list []string) {
	for _, s := range list {
		p.text(num, s)
	}
}

func (p *pb) raw(num protowire.Number, b []byte) {
	p.b = protowire.AppendBytes(protowire.AppendTag(p.b, num, protowire.BytesType), b)
}

// msg writes a nested message.
func (p *pb) msg(num protowire.Number, write func(*pb)) {
	var in pb
	write(&in)
	p.raw(num, in.b)
}

// build makes a message.
func build(write func(*pb)) []byte {
	var p pb
	write(&p)
	return p.b
}
