package native

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/core"
	"dragoman/core/fault"
)

// Named texts (values, attributes) are an object of texts on the wire. A change names some of them,
// and null removes one, as in the free fields of everything else.

// textsOf writes named texts as an object, sorted by name.
func textsOf(m map[string]string) core.Extra {
	if m == nil {
		m = map[string]string{}
	}
	b, _ := json.Marshal(m) // a map of texts can always be written
	return b
}

// patchOf reads a change: what to set, and what to remove, sorted. Other values than texts and null
// are request.invalid_field.
func patchOf(patch core.Extra) (values map[string]string, gone []string, err error) {
	values = map[string]string{}
	gjson.ParseBytes(patch).ForEach(func(k, v gjson.Result) bool {
		switch v.Type {
		case gjson.String:
			values[k.Str] = v.Str
		case gjson.Null:
			gone = append(gone, k.Str)
		default:
			err = fault.RequestInvalidField.Error("values: " + clip(k.Str) + " must be a text, or null to remove it")
		}
		return err == nil
	})
	slices.Sort(gone)
	return values, gone, err
}

// removing is a change as one map, in which an empty text removes.
func removing(values map[string]string, gone []string) map[string]string {
	out := maps.Clone(values)
	for _, n := range gone {
		out[n] = ""
	}
	return out
}
