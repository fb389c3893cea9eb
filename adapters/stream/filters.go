package stream

import (
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Bounds of a filter: nesting of $and, $or and $nor, conditions in all, values of one list.
const (
	maxFilterDepth  = 8
	maxFilterNodes  = 200
	maxFilterValues = 500
)

// filter reads a filter object of a query; see https://getstream.io/chat/docs/node/query_syntax_operators/.
// An empty or absent object matches everything.
func (n *filterNoun) filter(v gjson.Result) (core.Filter, error) {
	if !v.Exists() || v.Type == gjson.Null {
		return core.Filter{}, nil
	}
	d := filterDecoder{noun: n}
	f := d.object(v, 0)
	return f, d.err
}

// filterDecoder is one run over a filter; the first error sticks.
type filterDecoder struct {
	noun  *filterNoun
	nodes int
	err   error
}

func (d *filterDecoder) fail(text string) core.Filter {
	if d.err == nil {
		d.err = fault.RequestInvalidField.Error(text)
	}
	return core.Filter{}
}

// object reads {field: condition, …}, all of which have to hold.
func (d *filterDecoder) object(v gjson.Result, depth int) core.Filter {
	if !v.IsObject() {
		return d.fail("a filter must be an object")
	}
	if depth > maxFilterDepth {
		return d.fail("a filter must nest at most " + strconv.Itoa(maxFilterDepth) + " levels")
	}
	var all []core.Filter
	v.ForEach(func(k, c gjson.Result) bool {
		if d.nodes++; d.nodes > maxFilterNodes {
			d.fail("a filter must have at most " + strconv.Itoa(maxFilterNodes) + " conditions")
			return false
		}
		switch k.Str {
		case "$and":
			all = append(all, d.list(core.OpAnd, k.Str, c, depth))
		case "$or":
			all = append(all, d.list(core.OpOr, k.Str, c, depth))
		case "$nor":
			all = append(all, d.list(core.OpNor, k.Str, c, depth))
		default:
			all = append(all, d.field(k.Str, c))
		}
		return d.err == nil
	})
	if d.err != nil {
		return core.Filter{}
	}
	return core.And(all...)
}

// list reads the operands of $and, $or and $nor.
func (d *filterDecoder) list(op core.FilterOp, name string, v gjson.Result, depth int) core.Filter {
	out := core.Filter{Op: op}
	if !v.IsArray() {
		return d.fail(name + " must be an array of filters")
	}
	open := false
	v.ForEach(func(_, e gjson.Result) bool {
		f := d.object(e, depth+1)
		if f.Zero() {
			open = true
		} else {
			out.Sub = append(out.Sub, f)
		}
		return d.err == nil
	})
	switch {
	case d.err != nil:
		return core.Filter{}
	case len(out.Sub) == 0 && !open:
		return d.fail(name + " must have at least one filter")
	case op == core.OpOr && open:
		return core.Filter{} // one alternative is always true
	case op == core.OpNor && open:
		return core.Filter{Op: core.OpNor, Sub: []core.Filter{{Op: core.OpAnd}}}
	case op == core.OpAnd:
		return core.And(out.Sub...)
	}
	return out
}

// resolve finds a field of the noun; anything not listed is a custom field.
func (d *filterDecoder) resolve(name string) (filterField, bool) {
	if f, ok := d.noun.fields[name]; ok {
		return f, true
	}
	if d.noun.custom == "" || strings.HasPrefix(name, "$") || name == "" || len(name) > 255 {
		return filterField{}, false
	}
	path := strings.TrimPrefix(strings.TrimPrefix(name, "user."), "custom.")
	return filterField{core: d.noun.prefix + path, typ: filterCustom, ops: d.noun.custom}, true
}

// field reads the condition on one field: a bare value, or an object of operators.
func (d *filterDecoder) field(name string, v gjson.Result) core.Filter {
	f, ok := d.resolve(name)
	if !ok {
		return d.fail("unknown filter field or operator \"" + clip(name) + "\"")
	}
	if !v.IsObject() {
		return d.cond(name, f, "$eq", v)
	}
	var all []core.Filter
	v.ForEach(func(op, e gjson.Result) bool {
		if d.nodes++; d.nodes > maxFilterNodes {
			d.fail("a filter must have at most " + strconv.Itoa(maxFilterNodes) + " conditions")
			return false
		}
		all = append(all, d.cond(name, f, op.Str, e))
		return d.err == nil
	})
	if d.err == nil && len(all) == 0 {
		return d.fail("the filter of field \"" + clip(name) + "\" has no operator")
	}
	return core.And(all...)
}

// cond reads one comparison.
func (d *filterDecoder) cond(name string, f filterField, op string, v gjson.Result) core.Filter {
	cop, known := operators[op]
	if !known || !hasWord(f.ops, op) {
		return d.fail("operator \"" + clip(op) + "\" is not supported for field \"" + clip(name) + "\"")
	}
	if f.core == "" {
		return d.inert(name, op, v)
	}
	switch cop {
	case core.OpExists:
		if !v.IsBool() {
			return d.fail("$exists of field \"" + clip(name) + "\" must be a boolean")
		}
		return core.Cond(f.core, cop, core.Bool(v.Bool()))
	case core.OpIn, core.OpNin:
		if !v.IsArray() {
			return d.fail(op + " of field \"" + clip(name) + "\" must be an array")
		}
		return core.Cond(f.core, cop, d.values(name, f, v))
	case core.OpAutocomplete, core.OpSearch:
		if v.Type != gjson.String {
			return d.fail(op + " of field \"" + clip(name) + "\" must be a string")
		}
		return core.Cond(f.core, cop, core.Text(v.Str))
	case core.OpEq, core.OpNe, core.OpContains:
		if v.IsArray() {
			return core.Cond(f.core, cop, d.values(name, f, v))
		}
	}
	if v.Type == gjson.Null && cop == core.OpEq {
		return core.Cond(f.core, core.OpExists, core.Bool(false))
	}
	val, ok := d.value(f, v)
	if !ok {
		return d.fail("the value of field \"" + clip(name) + "\" must be a " + typeWord(f.typ))
	}
	return core.Cond(f.core, cop, val)
}

// inert accepts a condition on a thing that never is here: false holds for all, true cannot be
// answered.
func (d *filterDecoder) inert(name, op string, v gjson.Result) core.Filter {
	if (op == "$eq" && v.Type == gjson.False) || (op == "$ne" && v.Type == gjson.True) {
		return core.Filter{}
	}
	return d.fail("filtering by field \"" + clip(name) + "\" is not supported")
}

func (d *filterDecoder) values(name string, f filterField, v gjson.Result) core.Value {
	out := core.Value{Kind: core.KindList}
	v.ForEach(func(_, e gjson.Result) bool {
		if len(out.List) == maxFilterValues {
			d.fail("the list of field \"" + clip(name) + "\" must have at most " + strconv.Itoa(maxFilterValues) + " values")
			return false
		}
		val, ok := d.value(f, e)
		if !ok {
			d.fail("the values of field \"" + clip(name) + "\" must be of type " + typeWord(f.typ))
		}
		out.List = append(out.List, val)
		return d.err == nil
	})
	return out
}

// value reads a scalar of the field's type.
func (d *filterDecoder) value(f filterField, v gjson.Result) (core.Value, bool) {
	switch f.typ {
	case filterText, filterKind:
		return core.Text(v.Str), v.Type == gjson.String
	case filterNumber:
		return core.Number(v.Num), v.Type == gjson.Number
	case filterBool:
		return core.Bool(v.Bool()), v.IsBool()
	case filterDate:
		t, ok := wire.ParseTime(v.Str)
		return core.Time(t), ok && v.Type == gjson.String
	case filterCID:
		k, ok := keyOfCID(v.Str)
		return core.Text(string(k)), ok && v.Type == gjson.String
	}
	switch v.Type {
	case gjson.String:
		return core.Text(v.Str), true
	case gjson.Number:
		return core.Number(v.Num), true
	case gjson.True, gjson.False:
		return core.Bool(v.Bool()), true
	}
	return core.Value{}, false
}

func typeWord(t filterType) string {
	switch t {
	case filterNumber:
		return "number"
	case filterBool:
		return "boolean"
	case filterDate:
		return "date (RFC 3339)"
	case filterCID:
		return "cid (type:id)"
	case filterCustom:
		return "string, number or boolean"
	}
	return "string"
}

// sorts reads sort keys: a list of {field, direction}, or objects of field to direction, the older
// form. The direction is 1 or -1.
func (n *filterNoun) sorts(v gjson.Result) ([]core.Sort, error) {
	var out []core.Sort
	var err error
	add := func(field string, dir gjson.Result) {
		name, ok := n.sort[field]
		if !ok && n.free && field != "" && !strings.HasPrefix(field, "$") && n.fields[field].core == "" {
			name, ok = n.prefix+strings.TrimPrefix(field, "custom."), true
		}
		switch {
		case !ok:
			err = fault.RequestInvalidField.Error("sorting by field \"" + clip(field) + "\" is not supported")
		case dir.Exists() && dir.Type != gjson.Null && (dir.Type != gjson.Number || dir.Num != 1 && dir.Num != -1):
			err = fault.RequestInvalidField.Error("the sort direction of field \"" + clip(field) + "\" must be 1 or -1")
		case len(out) == 10:
			err = fault.RequestBatchTooLarge.Error("sort must have at most 10 fields")
		default:
			out = append(out, core.Sort{Field: name, Desc: dir.Num == -1})
		}
	}
	one := func(o gjson.Result) {
		if f := o.Get("field"); f.Type == gjson.String {
			add(f.Str, o.Get("direction"))
			return
		}
		o.ForEach(func(k, dir gjson.Result) bool {
			add(k.Str, dir)
			return err == nil
		})
	}
	switch {
	case !v.Exists() || v.Type == gjson.Null:
	case v.IsObject():
		one(v)
	case v.IsArray():
		v.ForEach(func(_, o gjson.Result) bool {
			if !o.IsObject() {
				err = fault.RequestInvalidField.Error("sort must be an array of objects")
			} else {
				one(o)
			}
			return err == nil
		})
	default:
		err = fault.RequestInvalidField.Error("sort must be an array of objects")
	}
	return out, err
}

// query reads what all queries share: the filter under the given name, sort, limit, offset, next.
func (n *filterNoun) query(r *wire.Reader, name string, maxLimit int) (core.Filter, []core.Sort, core.Page, error) {
	fv, _ := r.Look(name)
	f, err := n.filter(fv)
	if err != nil {
		return f, nil, core.Page{}, err
	}
	sv, _ := r.Look("sort")
	s, err := n.sorts(sv)
	if err != nil {
		return f, s, core.Page{}, err
	}
	p := core.Page{Limit: r.Int("limit", 0, maxLimit), Offset: r.Int("offset", 0, maxOffset), Cursor: orElse(r.Text("next"), r.Text("prev"))}
	if p.Offset > 0 && p.Cursor != "" {
		return f, s, p, fault.RequestInvalid.Error("offset cannot be used with next")
	}
	return f, s, p, r.Err()
}

// maxOffset is how far a query may skip.
const maxOffset = 1000

// hasWord reports whether the word is one of the words of the list.
func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, " ") {
		if w == word {
			return true
		}
	}
	return false
}

// clip shortens what a caller sent for use in an error text.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}
