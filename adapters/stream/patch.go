package stream

import (
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// patch is a partial update: {"set": {path: value}, "unset": [path]}. A path may have dots to
// reach into objects.
type patch struct {
	set   []wire.Field
	unset []string
}

// maxPatch caps the paths of one partial update.
const maxPatch = 200

// patchOf reads the members set and unset.
func patchOf(r *wire.Reader) patch {
	var p patch
	if o, ok := r.Object("set"); ok {
		p.set = o.Fields()
	}
	p.unset = r.Texts("unset", maxPatch)
	if len(p.set) > maxPatch {
		r.Fail("set", "has too many fields", fault.RequestBatchTooLarge)
	}
	if len(p.set)+len(p.unset) == 0 {
		r.Fail("set", "or unset must name a field", fault.RequestMissingField)
	}
	for _, f := range p.set {
		for _, u := range p.unset {
			if f.Name == u {
				r.Fail("set", "and unset must not name the same field", fault.RequestInvalidField)
			}
		}
	}
	return p
}

// each calls do for every field touched, with the zero value for one that is taken away.
func (p *patch) each(do func(name string, v gjson.Result) error) error {
	for _, f := range p.set {
		if err := do(f.Name, f.Value); err != nil {
			return err
		}
	}
	for _, u := range p.unset {
		if err := do(u, gjson.Result{}); err != nil {
			return err
		}
	}
	return nil
}

// patchExtra sets the member at path of x to v, or takes it away when v does not exist. Limit
// bounds the outcome in bytes.
func patchExtra(x *core.Extra, path string, v gjson.Result, limit int) error {
	root := gjson.ParseBytes(*x)
	w := wire.NewWriter(len(*x) + len(v.Raw) + 32)
	if !patchInto(w, root, strings.Split(path, "."), v, 0) {
		return fault.RequestInvalidField.Error(`"` + clip(path) + `" is not a path that can be set`)
	}
	out := core.Extra(w.Bytes())
	if len(out) > limit {
		return fault.RequestFieldTooLong.Error("custom data is too large")
	}
	if string(out) == "{}" {
		out = nil
	}
	*x = out
	return nil
}

// patchInto writes the object o with the member at path changed. Objects on the way are made; a
// value on the way that is not an object is replaced.
func patchInto(w *wire.Writer, o gjson.Result, path []string, v gjson.Result, depth int) bool {
	if path[0] == "" || depth > wire.MaxDepth/2 {
		return false
	}
	w.Open()
	ok, done := true, false
	member := func(old gjson.Result) {
		done = true
		switch {
		case len(path) > 1:
			if !old.IsObject() && !v.Exists() {
				if old.Exists() {
					w.KeyOf(path[0])
					w.Value([]byte(old.Raw))
				}
				return
			}
			w.KeyOf(path[0])
			if !old.IsObject() {
				old = gjson.Result{}
			}
			ok = patchInto(w, old, path[1:], v, depth+1)
		case v.Exists():
			w.KeyOf(path[0])
			w.Value(wire.Compact(v.Raw))
		}
	}
	if o.IsObject() {
		o.ForEach(func(k, old gjson.Result) bool {
			if k.Str == path[0] {
				member(old)
			} else {
				w.KeyOf(k.Str)
				w.Value([]byte(old.Raw))
			}
			return ok
		})
	}
	if !done {
		member(gjson.Result{})
	}
	w.Close()
	return ok
}

// The setters of patched fields refuse a value of the wrong type; a missing one is the zero value.

func setText(dst *string, name string, v gjson.Result) error {
	if v.Exists() && v.Type != gjson.String && v.Type != gjson.Null {
		return fault.RequestInvalidField.Error(name + " must be a string")
	}
	*dst = v.Str
	return nil
}

func setBool(dst *bool, name string, v gjson.Result) error {
	if v.Exists() && !v.IsBool() && v.Type != gjson.Null {
		return fault.RequestInvalidField.Error(name + " must be a boolean")
	}
	*dst = v.Bool()
	return nil
}

func setInt(dst *int, name string, v gjson.Result, limit int) error {
	if v.Exists() && v.Type != gjson.Null && (v.Type != gjson.Number || v.Num != float64(int(v.Num)) || v.Num < 0 || int(v.Num) > limit) {
		return fault.RequestInvalidField.Error(name + " must be an integer of at least 0")
	}
	*dst = int(v.Num)
	return nil
}

func setTexts(dst *[]string, name string, v gjson.Result, limit int) error {
	*dst = nil
	if !v.Exists() || v.Type == gjson.Null {
		return nil
	}
	list := v.Array()
	if !v.IsArray() || len(list) > limit {
		return fault.RequestInvalidField.Error(name + " must be an array of strings")
	}
	for _, e := range list {
		if e.Type != gjson.String {
			return fault.RequestInvalidField.Error(name + " must be an array of strings")
		}
		*dst = append(*dst, e.Str)
	}
	return nil
}

func setObject(dst *core.Extra, name string, v gjson.Result) error {
	*dst = nil
	if !v.Exists() || v.Type == gjson.Null {
		return nil
	}
	if !v.IsObject() {
		return fault.RequestInvalidField.Error(name + " must be an object")
	}
	*dst = core.Extra(wire.Compact(v.Raw))
	return nil
}
