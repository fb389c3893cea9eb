package codec

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"dragoman/core"
)

// builder holds the plans under construction: types refer to themselves.
type builder map[reflect.Type]*plan

var (
	timeType   = reflect.TypeFor[time.Time]()
	rawTypes   = []reflect.Type{reflect.TypeFor[core.Extra](), reflect.TypeFor[json.RawMessage]()}
	sharedType = reflect.TypeFor[core.ChannelType]()
)

// plan finds or makes the plan of a type. A type that cannot travel has a plan that writes null:
// the test of this package tells which those are.
func (b builder) plan(t reflect.Type) *plan {
	if p, ok := plans.done.Load(t); ok {
		return p.(*plan)
	}
	if p := b[t]; p != nil {
		return p
	}
	p := &plan{zero: reflect.Value.IsZero}
	b[t] = p
	switch {
	case t == timeType:
		p.enc, p.dec, p.zero = encTime, decTime, func(v reflect.Value) bool { return v.Interface().(time.Time).IsZero() } //nolint:forcetypeassert // by its type
		return p
	case t == reflect.TypeFor[error]():
		p.enc, p.dec = encError, decError
		return p
	case slices.Contains(rawTypes, t):
		p.enc, p.dec = encRaw, decRaw
		return p
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		p.enc, p.dec = encBytes, decBytes
		return p
	}
	switch t.Kind() {
	case reflect.Bool:
		p.enc, p.dec = encBool, decBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.enc, p.dec = encInt, decInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.enc, p.dec = encUint, decUint
	case reflect.Float32, reflect.Float64:
		p.enc, p.dec, p.zero = encFloat, decFloat, func(v reflect.Value) bool { return math.Float64bits(v.Float()) == 0 } // not -0
	case reflect.String:
		p.enc, p.dec = encString, decString
	case reflect.Pointer:
		b.pointer(p, t)
	case reflect.Slice:
		b.slice(p, t)
	case reflect.Map:
		b.pairs(p, t)
	case reflect.Struct:
		b.fields(p, t)
	case reflect.Func:
		p.funcs, p.enc, p.dec = true, encFunc, decFunc
	default:
		p.enc, p.dec = encNothing, decNothing
	}
	return p
}

// settle tells every type of the code in the types it is made of, which may be itself.
func (b builder) settle() {
	for changed := true; changed; {
		changed = false
		for t, p := range b {
			if !p.funcs && b.inside(t) {
				p.funcs, changed = true, true
			}
		}
	}
}

// inside reports whether a part of the type has code in it.
func (b builder) inside(t reflect.Type) bool {
	has := func(t reflect.Type) bool {
		if p := b[t]; p != nil {
			return p.funcs
		}
		p, ok := plans.done.Load(t)
		return ok && p.(*plan).funcs
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return has(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if has(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// pointer is null or what it points at.
func (b builder) pointer(p *plan, t reflect.Type) {
	to := b.plan(t.Elem())
	shared := t.Elem() == sharedType
	p.enc = func(e *Encoder, v reflect.Value) {
		switch {
		case v.IsNil():
			e.text("null")
		case shared:
			e.pointed(v, to.enc)
		default:
			to.enc(e, v.Elem())
		}
	}
	p.dec = func(d *Decoder, v reflect.Value) error {
		if d.null() {
			return nil
		}
		n := reflect.New(t.Elem())
		v.Set(n)
		return to.dec(d, n.Elem())
	}
}

// slice is null or a list.
func (b builder) slice(p *plan, t reflect.Type) {
	of := b.plan(t.Elem())
	p.enc = func(e *Encoder, v reflect.Value) {
		if v.IsNil() {
			e.text("null")
			return
		}
		e.byte('[')
		for i := range v.Len() {
			if i > 0 {
				e.byte(',')
			}
			of.enc(e, v.Index(i))
		}
		e.byte(']')
	}
	p.dec = func(d *Decoder, v reflect.Value) error {
		if d.null() {
			return nil
		}
		v.Set(reflect.MakeSlice(t, 0, 0))
		return d.list(func() error {
			n := v.Len()
			if n == v.Cap() {
				v.Grow(1)
			}
			v.SetLen(n + 1)
			v.Index(n).SetZero()
			return of.dec(d, v.Index(n))
		})
	}
}

// pairs is null or a list of keys and values, sorted by key so that equal maps are equal bytes.
func (b builder) pairs(p *plan, t reflect.Type) {
	key, val := b.plan(t.Key()), b.plan(t.Elem())
	p.enc = func(e *Encoder, v reflect.Value) {
		if v.IsNil() {
			e.text("null")
			return
		}
		keys := v.MapKeys()
		slices.SortFunc(keys, order)
		e.byte('[')
		for i, k := range keys {
			if i > 0 {
				e.byte(',')
			}
			e.byte('[')
			key.enc(e, k)
			e.byte(',')
			val.enc(e, v.MapIndex(k))
			e.byte(']')
		}
		e.byte(']')
	}
	p.dec = func(d *Decoder, v reflect.Value) error {
		if d.null() {
			return nil
		}
		m := reflect.MakeMap(t)
		v.Set(m)
		return d.list(func() error {
			k, x, n := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem(), 0
			err := d.list(func() error {
				n++
				switch n {
				case 1:
					return key.dec(d, k)
				case 2:
					return val.dec(d, x)
				}
				return d.bad("a pair")
			})
			if err == nil && n != 2 {
				err = d.bad("a pair")
			}
			if err == nil {
				m.SetMapIndex(k, x)
			}
			return err
		})
	}
}

// order sorts the keys of maps.
func order(a, b reflect.Value) int {
	if a.Kind() == reflect.String {
		return strings.Compare(a.String(), b.String())
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// field is one exported field of a struct.
type field struct {
	index int
	key   string // "Name": with its colon
	*plan
}

// fields is an object by field name. Fields that are not exported belong to one process.
func (b builder) fields(p *plan, t reflect.Type) {
	var list []field
	byName := map[string]*plan{}
	index := map[string]int{}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			list = append(list, field{i, `"` + f.Name + `":`, b.plan(f.Type)})
			byName[f.Name], index[f.Name] = b.plan(f.Type), i
		}
	}
	enc := func(e *Encoder, v reflect.Value) {
		e.byte('{')
		first := true
		for i := range list {
			f := &list[i]
			x := v.Field(f.index)
			if f.zero(x) {
				continue
			}
			if !first {
				e.byte(',')
			}
			first = false
			e.text(f.key)
			f.enc(e, x)
		}
		e.byte('}')
	}
	dec := func(d *Decoder, v reflect.Value) error {
		return d.object(func(name []byte) error {
			f := byName[string(name)]
			if f == nil {
				return d.skip()
			}
			return f.dec(d, v.Field(index[string(name)]))
		})
	}
	p.enc, p.dec = enc, dec
	if t == sharedType {
		p.enc = func(e *Encoder, v reflect.Value) { e.shared(v, enc) }
		p.dec = func(d *Decoder, v reflect.Value) error { return d.shared(v, dec) }
	}
}
