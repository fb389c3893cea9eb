package diff_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dragoman/normalize/diff"
)

const table = "operation\tpath\trule\targument\n" +
	"*\tduration\tignore\t\n" +
	"*\t**.updated_at\tnear\t2s\n" +
	"List\tmembers\tunordered\tuser.id\n" +
	"List\t**.image\toptional\t\n" +
	"Short\tmessage.text\tonly\t\n" +
	"Upload\t\talone\tlinks differ\n"

func rules(t testing.TB, op string) *diff.Rules {
	t.Helper()
	tab, err := diff.Parse("rules.tsv", table)
	if err != nil {
		t.Fatal(err)
	}
	return tab.Rules(op)
}

// Each row is two bodies of one operation and what is found, as "kind path" joined by commas.
func TestCompareBodies(t *testing.T) {
	for _, tt := range []struct{ name, op, a, b, want string }{
		{"the same in another order", "Get", `{"a":1,"b":[1,2]}`, `{"b":[1,2],"a":1.0}`, ""},
		{"what is ignored", "Get", `{"duration":"1ms"}`, `{"duration":"2ms"}`, ""},
		{"what is ignored and absent", "Get", `{"duration":"1ms"}`, `{}`, ""},
		{"a value", "Get", `{"m":{"text":"a"}}`, `{"m":{"text":"b"}}`, "value m.text"},
		{"a type", "Get", `{"id":1}`, `{"id":"1"}`, "type id"},
		{"a member too few", "Get", `{"a":1,"b":2}`, `{"a":1}`, "missing b"},
		{"a member too many", "Get", `{"a":1}`, `{"a":1,"b":null}`, "extra b"},
		{"times that are near", "Get", `{"m":{"updated_at":"2026-01-01T00:00:00Z"}}`, `{"m":{"updated_at":"2026-01-01T00:00:01.5Z"}}`, ""},
		{"times that are not", "Get", `{"m":{"updated_at":"2026-01-01T00:00:00Z"}}`, `{"m":{"updated_at":"2026-01-01T00:00:03Z"}}`, "value m.updated_at"},
		{"numbers as times", "Get", `{"updated_at":1760000000}`, `{"updated_at":1760000002}`, ""},
		{"a set in another order", "List", `{"members":[{"user":{"id":"a"}},{"user":{"id":"b"}}]}`, `{"members":[{"user":{"id":"b"}},{"user":{"id":"a"}}]}`, ""},
		{"a set with one less", "List", `{"members":[{"user":{"id":"a"}},{"user":{"id":"b"}}]}`, `{"members":[{"user":{"id":"b"}}]}`, "missing members.0"},
		{"a list in another order", "List", `{"messages":[{"id":"1"},{"id":"2"}]}`, `{"messages":[{"id":"2"},{"id":"1"}]}`, "order messages"},
		{"a list with one less in the middle", "Get", `{"messages":[{"id":"1"},{"id":"2"},{"id":"3"}]}`, `{"messages":[{"id":"1"},{"id":"3"}]}`, "missing messages.1"},
		{"a list of scalars", "Get", `{"l":[1,2]}`, `{"l":[2,1]}`, "value l.0,value l.1"},
		{"null and absent where that is one", "List", `{"user":{"image":null}}`, `{"user":{}}`, ""},
		{"empty and absent where that is one", "List", `{"user":{"image":""}}`, `{"user":{}}`, ""},
		{"a value and absent where none is optional", "List", `{"user":{"image":"x"}}`, `{"user":{}}`, "missing user.image"},
		{"chosen members alone", "Short", `{"message":{"text":"a","id":1},"x":1}`, `{"message":{"text":"a","id":2}}`, ""},
		{"a chosen member", "Short", `{"message":{"text":"a"}}`, `{"message":{"text":"b"}}`, "value message.text"},
		{"no JSON on one side", "Get", `{}`, `<html>`, "format "},
		{"no JSON on both", "Get", `a`, `b`, "value "},
		{"the last of two members counts", "Get", `{"a":1,"a":2}`, `{"a":2}`, ""},
	} {
		got := diff.Compare(diff.Answer{Status: 200, Body: []byte(tt.a)}, diff.Answer{Status: 201, Body: []byte(tt.b)}, rules(t, tt.op), nil)
		var found []string
		for _, d := range got.Differences {
			found = append(found, string(d.Kind)+" "+d.Path)
		}
		if s := strings.Join(found, ","); s != tt.want || (got.Verdict == diff.Equal) != (tt.want == "") {
			t.Errorf("%s: found %q, %s, want %q", tt.name, s, got.Verdict, tt.want)
		}
	}
}

// Errors are compared by class and canonical reason; what they say to people is not.
func TestCompareErrors(t *testing.T) {
	a := diff.Answer{Status: 400, Reason: "request.invalid", Body: []byte(`{"message":"this"}`)}
	b := diff.Answer{Status: 404, Reason: "request.invalid", Body: []byte(`{"message":"that"}`)}
	if got := diff.Compare(a, b, rules(t, "Get"), nil); got.Verdict != diff.Equal {
		t.Errorf("two texts of one error: %+v", got)
	}
	b.Reason = "user.not_found"
	if got := diff.Compare(a, b, rules(t, "Get"), nil); got.Count != 1 || got.Differences[0].Kind != diff.Failure {
		t.Errorf("two errors: %+v", got)
	}
	if got := diff.Compare(a, diff.Answer{Status: 200, Body: []byte(`{}`)}, rules(t, "Get"), nil); got.Count != 2 {
		t.Errorf("an error and success: %+v", got)
	}
}

// Ids that name one thing on both sides are the same, in values and as the names of list entries.
func TestCompareKnowsEqualIDs(t *testing.T) {
	same := func(a, b string) bool { return a == "v1" && b == "c1" }
	a := diff.Answer{Status: 200, Body: []byte(`{"id":"v1","messages":[{"id":"v1","text":"x"}]}`)}
	b := diff.Answer{Status: 200, Body: []byte(`{"id":"c1","messages":[{"id":"c1","text":"x"}]}`)}
	if got := diff.Compare(a, b, rules(t, "Get"), same); got.Verdict != diff.Equal {
		t.Errorf("%+v", got)
	}
	if got := diff.Compare(b, a, rules(t, "Get"), same); got.Verdict != diff.Different {
		t.Errorf("the wrong way round: %+v", got)
	}
}

// What is found names no text of anybody, and not without end.
func TestCompareShowsNoTexts(t *testing.T) {
	var a, b []string
	for i := range 100 {
		a = append(a, fmt.Sprintf(`"m%d":"my secret %d"`, i, i))
		b = append(b, fmt.Sprintf(`"m%d":"your secret %d"`, i, i))
	}
	got := diff.Compare(diff.Answer{Body: []byte("{" + strings.Join(a, ",") + "}")}, diff.Answer{Body: []byte("{" + strings.Join(b, ",") + "}")}, &diff.Rules{}, nil)
	if got.Count != 100 || len(got.Differences) != 20 {
		t.Errorf("%d differences, %d named", got.Count, len(got.Differences))
	}
	if s := fmt.Sprint(got.Differences); strings.Contains(s, "secret") {
		t.Errorf("shown: %s", s)
	}
}

func TestParseRefusesWithTheLine(t *testing.T) {
	for row, want := range map[string]string{
		"a\tb\tignore":       "3 columns",
		"\tb\tignore\t":      "no operation",
		"a\t\tignore\t":      "no path",
		"a\tb\tskip\t":       `no rule "skip"`,
		"a\tb\tnear\t5h":     "at most",
		"a\tb\tnear\tsoon":   "at most",
		"*\t\talone\twhy":    "alone takes",
		"a\tpath\talone\tno": "alone takes",
	} {
		if _, err := diff.Parse("x.tsv", "operation\tpath\trule\targument\n"+row+"\n"); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.tsv:2") {
			t.Errorf("%q: %v", row, err)
		}
	}
}

// node is any JSON value: a scalar as it is written, a list, or an object.
type node struct {
	scalar string
	list   []node
	names  []string // of an object, whose values are the list
	object bool
}

// genNode draws any JSON value.
func genNode(depth int) *rapid.Generator[node] {
	return rapid.Custom(func(t *rapid.T) node {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 {
			kind %= 4
		}
		switch kind {
		case 0:
			return node{scalar: strconv.Quote(rapid.StringMatching(`[a-z é"]{0,6}`).Draw(t, "text"))}
		case 1:
			return node{scalar: strconv.Itoa(rapid.IntRange(-9, 9).Draw(t, "number"))}
		case 2:
			return node{scalar: strconv.FormatBool(rapid.Bool().Draw(t, "bool"))}
		case 3:
			return node{scalar: "null"}
		case 4:
			return node{list: rapid.SliceOfN(genNode(depth-1), 0, 4).Draw(t, "list")}
		}
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-e]{1,2}`), 0, 4, rapid.ID[string]).Draw(t, "names")
		n := node{object: true, names: names}
		for range names {
			n.list = append(n.list, genNode(depth-1).Draw(t, "member"))
		}
		return n
	})
}

// write writes a value with the members of every object in a random order.
func (n *node) write(r *rand.Rand) string {
	if n.scalar != "" {
		return n.scalar
	}
	parts := make([]string, len(n.list))
	for i := range n.list {
		if parts[i] = n.list[i].write(r); n.object {
			parts[i] = strconv.Quote(n.names[i]) + ":" + parts[i]
		}
	}
	if !n.object {
		return "[" + strings.Join(parts, ",") + "]"
	}
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return "{" + strings.Join(parts, ",") + "}"
}

// Any body equals itself however its members stand; one scalar changed anywhere is found there.
func TestCompareProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := genNode(3).Draw(t, "body")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		body := func(mark string) diff.Answer {
			whole := node{object: true, names: []string{"body", "mark"}, list: []node{v, {list: []node{{scalar: mark}}}}}
			return diff.Answer{Status: 200, Body: []byte(whole.write(r))}
		}
		a, b, changed := body(`"before"`), body(`"before"`), body(`"after"`)
		if got := diff.Compare(a, b, &diff.Rules{}, nil); got.Verdict != diff.Equal {
			t.Fatalf("%s and %s: %+v", a.Body, b.Body, got)
		}
		got := diff.Compare(a, changed, &diff.Rules{}, nil)
		if got.Count != 1 || got.Differences[0].Path != "mark.0" {
			t.Fatalf("%s and %s: %+v", a.Body, changed.Body, got)
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add([]byte(`{"members":[{"user":{"id":"a"}}],"a":[1,{"id":2}]}`), []byte(`{"members":[],"a":null}`))
	f.Add([]byte(`[[[[`), []byte(`<html>`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		r := rules(t, "List")
		if got := diff.Compare(diff.Answer{Status: 200, Body: a}, diff.Answer{Status: 200, Body: a}, r, nil); got.Verdict == diff.Different {
			t.Errorf("%q differs from itself: %+v", a, got)
		}
		ab := diff.Compare(diff.Answer{Status: 200, Body: a}, diff.Answer{Status: 200, Body: b}, r, nil)
		ba := diff.Compare(diff.Answer{Status: 200, Body: b}, diff.Answer{Status: 200, Body: a}, r, nil)
		if (ab.Verdict == diff.Equal) != (ba.Verdict == diff.Equal) {
			t.Errorf("%q, %q: %s one way and %s the other", a, b, ab.Verdict, ba.Verdict)
		}
	})
}
