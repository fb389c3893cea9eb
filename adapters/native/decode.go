package native

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxItems bounds lists whose tag names no bound.
const maxItems = 100

// maxText bounds texts whose tag names no bound, in bytes: ids, names and the like.
const maxText = 1024

// decode fills a struct from a request: path, query, then the body. Everything wrong is told at
// once, each with a pointer; a member that nobody knows is wrong too, since it is a typing mistake
// more often than a wish for the future.
func (s *shape) decode(v reflect.Value, rq *adapters.Request) error {
	q := wire.QueryOf(rq)
	body := false
	for i := range s.fields {
		f := &s.fields[i]
		switch f.in {
		case inPath:
			v.FieldByIndex(f.index).SetString(rq.Param(f.name))
		case inHeader:
			v.FieldByIndex(f.index).SetString(rq.Headers.Get(f.name))
		case inQuery:
			f.query(v.FieldByIndex(f.index), q)
		case inBody:
			body = true
		}
	}
	if err := q.Err(); err != nil {
		return err
	}
	if !body {
		return nil
	}
	r, err := wire.Parse(rq.Body)
	if err != nil {
		return err
	}
	s.object(v, &r)
	return r.Err()
}

// query reads one query parameter.
func (f *field) query(v reflect.Value, q *wire.Query) {
	if f.need {
		q.Need(f.name)
	}
	switch f.shape.kind {
	case kindFlag:
		v.SetBool(q.Bool(f.name))
	case kindNumber:
		v.SetInt(int64(q.Int(f.name, f.min, f.top())))
	case kindTime:
		v.Set(reflect.ValueOf(q.Time(f.name)))
	case kindList:
		fill(v, q.Texts(f.name, f.most()))
	default:
		s := q.Text(f.name)
		if len(f.enum) > 0 && s != "" && !slices.Contains(f.enum, s) {
			q.Fail(f.name, "must be one of "+strings.Join(f.enum, ", "), fault.RequestInvalidField)
			return
		}
		if len(s) > f.longest() {
			q.Fail(f.name, "must be at most "+strconv.Itoa(f.longest())+" bytes", fault.RequestFieldTooLong)
			return
		}
		v.SetString(s)
	}
}

// fill sets a list of texts.
func fill(v reflect.Value, texts []string) {
	if texts == nil {
		return
	}
	out := reflect.MakeSlice(v.Type(), len(texts), len(texts))
	for i, t := range texts {
		out.Index(i).SetString(t)
	}
	v.Set(out)
}

func (f *field) most() int    { return orElse(f.max, maxItems) }
func (f *field) longest() int { return orElse(f.max, maxText) }
func (f *field) top() int     { return orElse(f.max, 1<<53) }

// orElse returns v, or the fallback for its zero.
func orElse[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// object fills a struct from an object of the body.
func (s *shape) object(v reflect.Value, r *wire.Reader) {
	for i := range s.fields {
		f := &s.fields[i]
		if f.in != inBody {
			continue
		}
		if f.need {
			if x, ok := r.Look(f.name); !ok || x.Type == gjson.String && x.Str == "" {
				r.Fail(f.name, "is a required field", fault.RequestMissingField)
				continue
			}
		}
		if _, ok := r.Look(f.name); !ok {
			continue
		}
		at := v.FieldByIndex(f.index)
		if f.shape.ptr {
			p := reflect.New(f.shape.typ)
			at.Set(p)
			at = p.Elem()
		}
		f.value(at, r)
	}
	for _, f := range r.Fields() {
		if !s.has(f.Name) {
			r.Fail(clip(f.Name), "is not a field of this request", fault.RequestInvalidField)
		}
	}
}

// value fills one field that is there.
func (f *field) value(v reflect.Value, r *wire.Reader) {
	switch f.shape.kind {
	case kindText:
		text := r.TextMax(f.name, f.longest())
		if len(f.enum) > 0 && text != "" && !slices.Contains(f.enum, text) {
			r.Fail(f.name, "must be one of "+strings.Join(f.enum, ", "), fault.RequestInvalidField)
			return
		}
		v.SetString(text)
	case kindFlag:
		v.SetBool(r.Bool(f.name))
	case kindNumber:
		v.SetInt(int64(r.Int(f.name, f.min, f.top())))
	case kindTime:
		v.Set(reflect.ValueOf(r.Time(f.name)))
	case kindObject:
		v.Set(reflect.ValueOf(r.RawObject(f.name)))
	case kindRaw:
		v.Set(reflect.ValueOf(r.Raw(f.name)))
	case kindStruct:
		if o, ok := r.Object(f.name); ok {
			f.shape.object(v, &o)
		}
	case kindList:
		f.list(v, r)
	}
}

// list fills a list.
func (f *field) list(v reflect.Value, r *wire.Reader) {
	elem := f.shape.elem
	out := reflect.MakeSlice(v.Type(), 0, 4)
	switch elem.kind {
	case kindStruct:
		r.EachObject(f.name, f.most(), func(_ int, o *wire.Reader) {
			e := reflect.New(elem.typ).Elem()
			elem.object(e, o)
			out = reflect.Append(out, e)
		})
	case kindRaw:
		r.Each(f.name, f.most(), func(i int, x gjson.Result) {
			if !x.IsObject() {
				r.Fail(f.name+"/"+strconv.Itoa(i), "must be an object", fault.RequestInvalidField)
				return
			}
			out = reflect.Append(out, reflect.ValueOf(json.RawMessage(wire.Compact(x.Raw))))
		})
	default:
		texts := r.Texts(f.name, f.most())
		for _, t := range texts {
			if len(t) > maxText {
				r.Fail(f.name, "must hold texts of at most "+strconv.Itoa(maxText)+" bytes", fault.RequestFieldTooLong)
				return
			}
		}
		fill(v, texts)
		return
	}
	v.Set(out)
}

// merged applies a patch to the free fields of something: members are replaced, null removes.
func merged(old, patch core.Extra) (core.Extra, error) {
	if len(patch) == 0 {
		return old, nil
	}
	w := wire.NewWriter(len(old) + len(patch))
	w.Open()
	replaced := wire.Names{}
	gjson.ParseBytes(patch).ForEach(func(k, v gjson.Result) bool {
		replaced[k.Str] = struct{}{}
		if v.Type != gjson.Null {
			w.KeyOf(k.Str)
			w.Value([]byte(v.Raw))
		}
		return true
	})
	w.Extra(old, replaced)
	w.Close()
	if w.Len() == len("{}") {
		return nil, nil
	}
	if w.Len() > maxExtra {
		return nil, fault.RequestFieldTooLong.Error("extra must be smaller than " + strconv.Itoa(maxExtra) + " bytes")
	}
	return core.Extra(w.Bytes()), nil
}

// maxExtra bounds the free fields of a person, a channel or a member, in bytes.
const maxExtra = 5 << 10
