package remote_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote"
	"dragoman/core/remote/codec"
)

// maker makes values of any type, with everything in them that gets lost easily.
type maker struct{ *rand.Rand }

var texts = []string{"", "plain", "quote \" and \\ and \n line", "ünïcödé 👋 \u2028", "\x00\x01", "no \xff utf-8 \xc3", "<html>&"}

// value fills v; what is deeper than depth stays zero, since types refer to themselves.
func (m maker) value(v reflect.Value, depth int) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		all := []time.Time{
			{}, time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), core.Forever, time.Unix(0, 0).UTC(),
			time.Date(2026, 3, 1, 12, 0, 0, 1, time.FixedZone("", 5400)), time.Date(12026, 1, 1, 0, 0, 0, 5, time.UTC),
		}
		v.Set(reflect.ValueOf(all[m.IntN(len(all))]))
		return
	case reflect.TypeFor[core.Extra](), reflect.TypeFor[json.RawMessage]():
		all := []string{`{"a":1,  "b":[null,"\u0041",1e400]}`, `[1, 2 ]`, `"text"`, ` {"a":1} `, `{broken`, ``, `{}`, "{\n}"}
		v.SetBytes([]byte(all[m.IntN(len(all))]))
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		if m.IntN(2) == 0 {
			v.Set(reflect.ValueOf(fault.GroupNotMember.Error("x").With("self").After(time.Second)))
		}
	case reflect.Bool:
		v.SetBool(m.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(m.Uint64()) >> (64 - v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(m.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Float64:
		v.SetFloat([]float64{0, -1.5, 1e300, 0.1}[m.IntN(4)])
	case reflect.String:
		v.SetString(texts[m.IntN(len(texts))])
	case reflect.Pointer:
		if depth > 0 && m.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			m.value(v.Elem(), depth-1)
		}
	case reflect.Slice:
		if depth > 0 && m.IntN(4) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), m.IntN(3), 4))
			for i := range v.Len() {
				m.value(v.Index(i), depth-1)
			}
		}
	case reflect.Map:
		if depth > 0 && m.IntN(4) > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range m.IntN(3) {
				k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				m.value(k, depth-1)
				m.value(x, depth-1)
				v.SetMapIndex(k, x)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				m.value(v.Field(i), depth-1)
			}
		}
	}
}

// exact compares all that travels; two times are the same when moment and offset are.
func exact() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreUnexported(core.Event{}),
		cmp.Comparer(func(a, b *fault.Reason) bool { return a == b }),
		cmp.Exporter(func(t reflect.Type) bool { return t.PkgPath() == "dragoman/core/remote" }),
		cmp.Comparer(func(a, b time.Time) bool {
			_, x := a.Zone()
			_, y := b.Zone()
			return a.Equal(b) && (x == y || a.Year() > 9999)
		}),
		cmp.FilterValues(func(a, b any) bool { return isFunc(a) || isFunc(b) }, cmp.Ignore()),
	}
}

func isFunc(v any) bool { return v != nil && reflect.TypeOf(v).Kind() == reflect.Func }

// TestEveryTypeTravels sends values of all inputs and outputs there and back.
func TestEveryTypeTravels(t *testing.T) {
	types := remote.LiveTypes()
	for _, c := range remote.Commands() {
		types = append(types, c.In, c.Out)
	}
	types = append(types, reflect.TypeFor[core.Self](), reflect.TypeFor[core.File](), reflect.TypeFor[core.Actor]())
	for i, typ := range types {
		for seed := range uint64(12) {
			m := maker{rand.New(rand.NewPCG(seed, uint64(i)))}
			v := reflect.New(typ).Elem()
			m.value(v, 4)
			var e codec.Encoder
			e.AppendValue(v)
			got := reflect.New(typ).Elem()
			var d codec.Decoder
			if err := d.ReadValue(e.Bytes, got); err != nil {
				t.Fatalf("%s, seed %d: %v\n%s", typ, seed, err, e.Bytes)
			}
			if diff := cmp.Diff(v.Interface(), got.Interface(), exact()...); diff != "" {
				t.Fatalf("%s, seed %d: %s", typ, seed, diff)
			}
		}
	}
}

// TestNothingIsLeftBehind names every field of the types that travel and that cannot: code, which is
// asked for, and nothing else.
func TestNothingIsLeftBehind(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(typ reflect.Type, path string)
	look = func(typ reflect.Type, path string) {
		if seen[typ] || typ == reflect.TypeFor[time.Time]() {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(typ.Elem(), path)
		case reflect.Map:
			look(typ.Key(), path)
			look(typ.Elem(), path)
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				if !f.IsExported() && typ != reflect.TypeFor[core.Event]() {
					t.Errorf("%s.%s is not exported and gets lost", path, f.Name)
				}
				if f.IsExported() {
					look(f.Type, path+"."+f.Name)
				}
			}
		case reflect.Func:
			if n := typ.NumOut(); n == 0 || typ.Out(n-1) != reflect.TypeFor[error]() {
				t.Errorf("%s: code that cannot fail cannot be asked for: %s", path, typ)
			}
		case reflect.Interface:
			if typ != reflect.TypeFor[error]() {
				t.Errorf("%s: a %s cannot travel", path, typ)
			}
		case reflect.Chan, reflect.Array, reflect.Complex128, reflect.UnsafePointer:
			t.Errorf("%s: a %s cannot travel", path, typ)
		}
	}
	for _, c := range remote.Commands() {
		look(c.In, c.Name+" in")
		if codec.HasFuncs(c.Out) {
			t.Errorf("%s answers code", c.Name)
		}
		look(c.Out, c.Name+" out")
	}
}

func TestReadsAreCommands(t *testing.T) {
	known := map[string]bool{"Nodes.Apps": true, "Nodes.Ready": true}
	for _, c := range remote.Commands() {
		known[c.Name] = true
		if remote.Reads()[c.Name] && codec.HasFuncs(c.In) {
			t.Errorf("%s takes code and is listed as a read", c.Name)
		}
	}
	for name := range remote.Reads() {
		if !known[name] {
			t.Errorf("%s is listed as a read and does not exist", name)
		}
	}
	if len(known) < 190 {
		t.Error(fmt.Sprint("only ", len(known), " commands"))
	}
}
