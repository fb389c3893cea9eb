package trace

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// secretFields are parts of names whose values are never shown.
var secretFields = []string{"secret", "password", "token", "credential", "signature"}

// maxDepth bounds how deep an input is shown, maxItems how many elements of a list.
const (
	maxDepth = 6
	maxItems = 20
)

// describe shows the fields of an input that are set, without secrets.
func describe(in any) string {
	p := &printer{}
	p.value(reflect.ValueOf(in), 0)
	s := p.b.String()
	if len(s) > maxInput {
		for s = s[:maxInput]; !utf8.ValidString(s); {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return s
}

type printer struct{ b strings.Builder }

func (p *printer) value(v reflect.Value, depth int) {
	if p.b.Len() > maxInput {
		return
	}
	if depth > maxDepth {
		p.b.WriteString("…")
		return
	}
	if v.IsValid() && v.CanInterface() {
		if t, ok := v.Interface().(time.Time); ok {
			p.b.WriteString(t.UTC().Format(time.RFC3339Nano))
			return
		}
	}
	switch v.Kind() {
	case reflect.Invalid:
		p.b.WriteString("null")
	case reflect.Pointer, reflect.Interface:
		p.value(v.Elem(), depth)
	case reflect.Struct:
		p.fields(v, depth)
	case reflect.Slice, reflect.Array:
		p.list(v, depth)
	case reflect.Map:
		fmt.Fprintf(&p.b, "{%d entries}", v.Len())
	case reflect.Func, reflect.Chan:
		p.b.WriteString("(code)")
	case reflect.String:
		p.b.WriteString(strconv.Quote(cut(v.String())))
	case reflect.Bool:
		p.b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.b.WriteString(strconv.FormatInt(v.Int(), 10))
	default:
		fmt.Fprintf(&p.b, "%v", v)
	}
}

// fields shows what is set of a struct.
func (p *printer) fields(v reflect.Value, depth int) {
	p.b.WriteByte('{')
	first := true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || v.Field(i).IsZero() {
			continue
		}
		if !first {
			p.b.WriteString(", ")
		}
		first = false
		p.b.WriteString(f.Name + ": ")
		if secret(f.Name) {
			p.b.WriteString("(hidden)")
			continue
		}
		p.value(v.Field(i), depth+1)
	}
	p.b.WriteByte('}')
}

// list shows the first elements of a list, and JSON as it is.
func (p *printer) list(v reflect.Value, depth int) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if b := v.Bytes(); utf8.Valid(b) {
			p.b.WriteString(cut(string(b)))
		} else {
			fmt.Fprintf(&p.b, "(%d bytes)", len(b))
		}
		return
	}
	p.b.WriteByte('[')
	for i := range min(v.Len(), maxItems) {
		if i > 0 {
			p.b.WriteString(", ")
		}
		p.value(v.Index(i), depth+1)
	}
	if v.Len() > maxItems {
		fmt.Fprintf(&p.b, ", … %d in all", v.Len())
	}
	p.b.WriteByte(']')
}

// secret reports whether the values of a field are kept to themselves.
func secret(name string) bool {
	name = strings.ToLower(name)
	for _, s := range secretFields {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}

// cut shortens a long text.
func cut(s string) string {
	const most = 512
	if len(s) <= most {
		return s
	}
	for s = s[:most]; !utf8.ValidString(s); {
		s = s[:len(s)-1]
	}
	return s + "…"
}
