package agora

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
)

// kindOf is the kind of a value; an absent kind is the enumeration's first.
func (k *keyValue) kindOf() int64 {
	if !k.kind.ok {
		return kvBool
	}
	return k.kind.v
}

// write writes the value as JSON.
func (k *keyValue) write(w *wire.Writer) {
	switch k.kindOf() {
	case kvBool:
		w.Value(strconv.AppendBool(nil, k.number.v != 0))
	case kvInt, kvUint, kvLong:
		w.Value(strconv.AppendInt(nil, k.number.v, 10))
	case kvFloat:
		writeFloat(w, float64(k.single))
	case kvDouble:
		writeFloat(w, k.double)
	case kvJSON:
		if gjson.Valid(k.text) {
			w.Value(wire.Compact(k.text))
			return
		}
		fallthrough
	default:
		w.Item(k.text)
	}
}

// writeFloat writes a number, or null for what JSON has no word for.
func writeFloat(w *wire.Writer, f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.Value(nil)
		return
	}
	w.Value(strconv.AppendFloat(nil, f, 'g', -1, 64))
}

// writeValues writes the entries as members of the open object, the first of each name.
func writeValues(w *wire.Writer, list []keyValue, reserved wire.Names) {
	for i := range list {
		k := &list[i]
		if k.key == "" || reserved.Has(k.key) || has(list[:i], k.key) {
			continue
		}
		w.KeyOf(strings.ToValidUTF8(k.key, "\ufffd"))
		k.write(w)
	}
}

// has reports whether an entry of the name is among them.
func has(list []keyValue, name string) bool {
	for i := range list {
		if list[i].key == name {
			return true
		}
	}
	return false
}

// valueOf makes an entry of a JSON value as the web SDK does; see its encoding of ext.
func valueOf(name string, v gjson.Result) keyValue {
	k := keyValue{key: name}
	switch v.Type {
	case gjson.True, gjson.False:
		k.kind, k.number = some(kvBool), some(0)
		if v.Bool() {
			k.number.v = 1
		}
	case gjson.Number:
		n, err := strconv.ParseInt(v.Raw, 10, 64)
		switch {
		case err != nil:
			k.kind, k.double = some(kvDouble), v.Num
		case n >= math.MinInt32 && n <= math.MaxInt32:
			k.kind, k.number = some(kvInt), some(n)
		default:
			k.kind, k.number = some(kvLong), some(n)
		}
	case gjson.String:
		k.kind, k.text = some(kvString), v.Str
	default:
		k.kind, k.text = some(kvJSON), v.Raw
		if v.Raw == "" {
			k.text = "null"
		}
	}
	return k
}

// valuesOf makes entries of the members of an object, without the reserved ones.
func valuesOf(v gjson.Result, reserved wire.Names) []keyValue {
	var out []keyValue
	if !v.IsObject() {
		return nil
	}
	v.ForEach(func(name, x gjson.Result) bool {
		if !reserved.Has(name.Str) {
			out = append(out, valueOf(name.Str, x))
		}
		return len(out) < maxItems
	})
	return out
}

// writeStrings writes texts as members of the open object, by name.
func writeStrings(w *wire.Writer, m map[string]string) {
	for _, name := range sortedNames(m) {
		w.KeyOf(name)
		w.Item(m[name])
	}
}

// sortedNames are the names of a map in order.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
