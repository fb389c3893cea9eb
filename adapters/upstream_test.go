package adapters_test

import (
	"testing"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
)

// TestSpliceJSON: the value changes, every other byte stays.
func TestSpliceJSON(t *testing.T) {
	for _, tt := range []struct{ doc, path, value, want string }{
		{`{"a": 1.0, "b" :{"c":[1, 2],"d":"x"} }`, "b.c", `[9]`, `{"a": 1.0, "b" :{"c":[9],"d":"x"} }`},
		{`{"b":{"d":"x"}}`, "b.d", `"y\"z"`, `{"b":{"d":"y\"z"}}`},
		{`{"b":1}`, "c", `2`, `{"b":1}`},
		{`{"b":1`, "b", `2`, `{"b":1`},
		{`[{"b":1}]`, "0.b", `null`, `[{"b":null}]`},
		{``, "b", `2`, ``},
	} {
		if got := string(adapters.SpliceJSON([]byte(tt.doc), []adapters.Splice{{Path: tt.path, Value: tt.value}})); got != tt.want {
			t.Errorf("%s at %s: %s, want %s", tt.doc, tt.path, got, tt.want)
		}
	}
}

// FuzzSpliceJSON: valid JSON stays valid, anything else stays as it is.
func FuzzSpliceJSON(f *testing.F) {
	f.Add(`{"a":{"b":[1]}}`, "a.b")
	f.Add(`{"a":1}`, "#.a")
	f.Add(`{"a\u0000":1,"a":2}`, "a|@this")
	f.Fuzz(func(t *testing.T, doc, path string) {
		out := adapters.SpliceJSON([]byte(doc), []adapters.Splice{{Path: path, Value: `"x"`}})
		if gjson.Valid(doc) != gjson.ValidBytes(out) {
			t.Errorf("%s at %q became %s", doc, path, out)
		}
	})
}

// TestSetParam keeps the rest of a query as it was written.
func TestSetParam(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{"", ""}, {"k=1", "k=new"}, {"a=%20&k=1&k&b=+", "a=%20&k=new&k=new&b=+"}, {"kk=1", "kk=1"},
	} {
		if got := adapters.SetParam(tt.raw, "k", "new"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.raw, got, tt.want)
		}
	}
}
