package native

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"dragoman/core"
)

// place is where a field of a request stands.
type place uint8

// The places. Path and query are named by the tag in, everything else is a member of the body.
const (
	inBody place = iota
	inPath
	inQuery
	inHeader
)

// kind is the type of a field on the wire.
type kind uint8

// The kinds.
const (
	kindText kind = iota
	kindFlag
	kindNumber
	kindTime
	kindObject // an object kept as it is
	kindRaw    // any JSON kept as it is
	kindStruct
	kindList
)

// field is one member of a struct as its tags describe it:
//
//	json   its name
//	in     path, query or header; the body otherwise
//	need   "true" when it must be there and not empty
//	max    most bytes of a text, items of a list, or the highest number
//	min    the lowest number
//	enum   the texts that are allowed, comma separated
//	doc    a sentence for the document
type field struct {
	name     string
	in       place
	need     bool
	min, max int
	enum     []string
	doc      string
	index    []int
	optional bool // the answer may lack it
	shape    *shape
}

// shape is a type as the wire sees it.
type shape struct {
	kind   kind
	typ    reflect.Type
	ptr    bool
	name   string // of a struct
	fields []field
	elem   *shape // of a list
	bad    error  // a mistake in the tags
}

var (
	typeTime  = reflect.TypeFor[time.Time]()
	typeExtra = reflect.TypeFor[core.Extra]()
	typeRaw   = reflect.TypeFor[json.RawMessage]()
)

// shapes remembers structs under way, so that a type may hold itself.
type shapes map[reflect.Type]*shape

// shapeOf reads the tags of a type.
func shapeOf(t reflect.Type) *shape { return shapes{}.of(t) }

func (m shapes) of(t reflect.Type) *shape {
	if t.Kind() == reflect.Pointer {
		s := *m.of(t.Elem())
		s.ptr = true
		return &s
	}
	s := &shape{typ: t}
	switch {
	case t == typeTime:
		s.kind = kindTime
	case t == typeExtra:
		s.kind = kindObject
	case t == typeRaw:
		s.kind = kindRaw
	case t.Kind() == reflect.String:
		s.kind = kindText
	case t.Kind() == reflect.Bool:
		s.kind = kindFlag
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		s.kind = kindNumber
	case t.Kind() == reflect.Slice:
		s.kind, s.elem = kindList, m.of(t.Elem())
		s.bad = s.elem.bad
	case t.Kind() == reflect.Struct:
		if known := m[t]; known != nil {
			return known
		}
		m[t] = s
		m.structure(s)
	default:
		s.bad = fmt.Errorf("%s cannot stand on the wire", t)
	}
	return s
}

// structure reads the fields of a struct; those of embedded ones count as its own.
func (m shapes) structure(s *shape) {
	s.kind, s.name = kindStruct, structName(s.typ)
	for _, f := range reflect.VisibleFields(s.typ) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			s.bad = fmt.Errorf("%s.%s has no name", s.typ, f.Name)
			return
		}
		x := field{name: name, index: f.Index, doc: f.Tag.Get("doc"), need: f.Tag.Get("need") == "true", shape: m.of(f.Type)}
		x.optional = strings.Contains(opts, "omit")
		switch in := f.Tag.Get("in"); in {
		case "":
		case "path":
			x.in, x.need = inPath, true
		case "query":
			x.in = inQuery
		case "header":
			x.in = inHeader
		default:
			s.bad = fmt.Errorf("%s.%s: there is no place %q", s.typ, f.Name, in)
		}
		x.min, x.max = number(f.Tag.Get("min")), number(f.Tag.Get("max"))
		if e := f.Tag.Get("enum"); e != "" {
			x.enum = strings.Split(e, ",")
		}
		if x.shape.bad != nil && s.bad == nil {
			s.bad = x.shape.bad
		}
		s.fields = append(s.fields, x)
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // a test reads every tag
	return n
}

// structName is the name of a type in the document: without the package, and for lists of pages
// without the brackets of the type parameter.
func structName(t reflect.Type) string {
	name := t.Name()
	if base, arg, ok := strings.Cut(name, "["); ok {
		arg = strings.TrimSuffix(arg[strings.LastIndexByte(arg, '.')+1:], "]")
		name = base + "Of" + upper(arg)
	}
	return upper(name)
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// of lists the fields of one place.
func (s *shape) of(p place) []field {
	var out []field
	for _, f := range s.fields {
		if f.in == p {
			out = append(out, f)
		}
	}
	return out
}

// has reports whether a member of the body has the name.
func (s *shape) has(name string) bool {
	return slices.ContainsFunc(s.fields, func(f field) bool { return f.in == inBody && f.name == name })
}
