package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core/fault"
)

func TestParseRefuses(t *testing.T) {
	cases := map[string]string{
		"not json":    `{"a":`,
		"a list":      `[1]`,
		"a text":      `"x"`,
		"bad utf-8":   "{\"a\":\"\xff\"}",
		"too deep":    strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
		"two values":  `{} {}`,
		"many fields": "{" + strings.TrimSuffix(strings.Repeat(`"a":1,`, wire.MaxMembers+1), ",") + "}",
	}
	for name, in := range cases {
		if _, err := wire.Parse([]byte(in)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if fault.From(err).Reason.Code() != fault.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, in := range []string{"", "  \n", "{}", ` {"a":{"b":[1,2]}} `} {
		if _, err := wire.Parse([]byte(in)); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestReaderTakesValues(t *testing.T) {
	r, err := wire.Parse([]byte(`{"s":"x","n":3,"b":true,"at":"2026-01-02T03:04:05.5Z","null":null,"o":{"k":"v"},"l":["a","b"],"s":"last"}`))
	if err != nil {
		t.Fatal(err)
	}
	o, ok := r.Object("o")
	if r.Text("s") != "last" || r.Int("n", 0, 10) != 3 || !r.Bool("b") || r.Text("null") != "" || r.OptBool("none") != nil || !ok || o.Text("k") != "v" {
		t.Error("wrong values")
	}
	if got := r.Texts("l", 2); len(got) != 2 || got[1] != "b" {
		t.Error(got)
	}
	if got := r.Time("at"); !got.Equal(time.Date(2026, 1, 2, 3, 4, 5, 5e8, time.UTC)) {
		t.Error(got)
	}
	if got := string(r.RawObject("o")); got != `{"k":"v"}` {
		t.Error(got)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestReaderTellsAllWrongFieldsAtOnce(t *testing.T) {
	r, err := wire.Parse([]byte(`{"s":1,"n":1.5,"b":"x","at":"noon","o":[],"l":[1],"big":["a","b","c"],"in":{"a/b":2,"list":[{"x":1}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Text("s")
	r.Int("n", 0, 9)
	r.Bool("b")
	r.Time("at")
	r.Object("o")
	r.Texts("l", 9)
	r.Texts("big", 2)
	r.Need("gone")
	in, _ := r.Object("in")
	in.Text("a/b")
	in.EachObject("list", 5, func(_ int, o *wire.Reader) { o.Text("x") })
	e := fault.From(r.Err())
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Pointer+" "+f.Detail)
	}
	want := []string{
		"/s must be a string", "/n must be an integer", "/b must be a boolean", "/at must be an RFC 3339 time", "/o must be an object",
		"/l must be an array of strings", "/big must have at most 2 items", "/gone is a required field", "/in/a~1b must be a string", "/in/list/0/x must be a string",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if e.Reason != fault.RequestInvalidField || !strings.HasPrefix(e.Detail, "s must be a string, n must be an integer") {
		t.Error(e)
	}
	one, _ := wire.Parse([]byte(`{}`))
	one.Need("id")
	if e := fault.From(one.Err()); e.Reason != fault.RequestMissingField || e.Detail != "id is a required field" {
		t.Error(e)
	}
}

func TestRestKeepsUnknownFieldsCompact(t *testing.T) {
	r, err := wire.Parse([]byte(`{ "id":"1", "a" : [ 1, "x y" ], "b":{"c": "\" }"}, "a":2 }`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.Rest(wire.NamesOf("id"))), `{"b":{"c":"\" }"},"a":2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if r.Rest(wire.NamesOf("id", "a", "b")) != nil {
		t.Error("nothing is left but something came back")
	}
}

func TestQueryParameters(t *testing.T) {
	rq := &adapters.Request{Query: adapters.Values{{Name: "limit", Value: "5"}, {Name: "hard", Value: "True"}, {Name: "ids", Value: "a,b"}, {Name: "json", Value: `["c","d"]`}, {Name: "payload", Value: `{"x":1}`}, {Name: "at", Value: "2026-01-01T00:00:00Z"}}}
	q := wire.QueryOf(rq)
	if q.Int("limit", 0, 10) != 5 || !q.Bool("hard") || strings.Join(q.Texts("ids", 5), "") != "ab" || strings.Join(q.Texts("json", 5), "") != "cd" || q.Time("at").Year() != 2026 {
		t.Error("wrong values")
	}
	if r, err := q.Payload("payload"); err != nil || r.Int("x", 0, 2) != 1 {
		t.Error(err)
	}
	if err := q.Err(); err != nil {
		t.Error(err)
	}
	q.Int("hard", 0, 1)
	q.Bool("ids")
	q.Time("limit")
	q.Texts("ids", 1)
	q.Need("gone")
	if n := len(fault.From(q.Err()).Fields); n != 5 {
		t.Errorf("%d field errors, want 5: %v", n, q.Err())
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "{}", `{"a":[{"b":"\ud83d\ude00"}],"c":null}`, `{"a":1e400}`, `{"":{}}`, "{\"a\":\"\\u0000\"}", `{"a":"\ud800"}`} {
		f.Add([]byte(s))
	}
	known := wire.NamesOf("a")
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := wire.Parse(in)
		if err != nil {
			return
		}
		if len(strings.TrimSpace(string(in))) > 0 && (!json.Valid(in) || !utf8.Valid(in)) {
			t.Fatalf("accepted %q", in)
		}
		for _, fd := range r.Fields() {
			r.Text(fd.Name)
			r.Int(fd.Name, 0, 9)
			r.Bool(fd.Name)
			r.Time(fd.Name)
			r.Texts(fd.Name, 3)
			r.Object(fd.Name)
			r.EachObject(fd.Name, 3, func(_ int, o *wire.Reader) { o.Rest(known) })
		}
		_ = r.Err()
		if x := r.Rest(known); x != nil {
			if !json.Valid(x) || gjson.GetBytes(x, "a").Exists() && !strings.Contains(string(in), `\u`) {
				t.Fatalf("rest of %q is %s", in, x)
			}
		}
	})
}
