package agora_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// The tests write and read the wire by themselves, field by field, as the vendor's msync.proto numbers
// them: a mistake in the dialect's tables cannot hide in a table they share.

// pb is a message under way.
type pb []byte

func (b pb) num(n protowire.Number, v uint64) pb {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func (b pb) text(n protowire.Number, v string) pb {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func (b pb) sub(n protowire.Number, v pb) pb {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

// all returns the values of a field: of bytes as they are, of numbers as a varint.
func (b pb) all(n protowire.Number) []pb {
	var out []pb
	for rest := []byte(b); len(rest) > 0; {
		num, typ, size := protowire.ConsumeTag(rest)
		if size < 0 {
			return nil
		}
		rest = rest[size:]
		size = protowire.ConsumeFieldValue(num, typ, rest)
		if size < 0 {
			return nil
		}
		if num == n {
			v := rest[:size]
			if typ == protowire.BytesType {
				v, _ = protowire.ConsumeBytes(v)
			}
			out = append(out, v)
		}
		rest = rest[size:]
	}
	return out
}

// at follows a path of fields; ok tells whether it is there.
func (b pb) at(path ...protowire.Number) (v pb, ok bool) {
	v = b
	for _, n := range path {
		all := v.all(n)
		if len(all) == 0 {
			return nil, false
		}
		v = all[len(all)-1]
	}
	return v, true
}

func (b pb) str(path ...protowire.Number) string {
	v, _ := b.at(path...)
	return string(v)
}

// uint is the number at a path, 0 where there is none.
func (b pb) uint(path ...protowire.Number) uint64 {
	v, ok := b.at(path...)
	if !ok {
		return 0
	}
	n, _ := protowire.ConsumeVarint(v)
	return n
}

// has fails the test where nothing is at the path.
func (b pb) has(t *testing.T, path ...protowire.Number) pb {
	t.Helper()
	v, ok := b.at(path...)
	if !ok {
		t.Fatalf("nothing at %v of %x", path, []byte(b))
	}
	return v
}
