package native_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/adaptertest"
	"dragoman/adapters/native"
)

var update = flag.Bool("update", false, "write the generated files")

// unplugged is the dialect on a core that can do nothing.
func unplugged(t *testing.T) *native.Dialect {
	t.Helper()
	v := vendor()
	d, ok := adaptertest.Unplugged(t, v.Entry, v.Creds).(*native.Dialect)
	if !ok {
		t.Fatal("the entry makes another dialect")
	}
	return d
}

func TestOpenAPIIsWhatIsCommitted(t *testing.T) {
	const path = "../../docs/openapi.json"
	got := unplugged(t).OpenAPI()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is served: run the test with -update", path)
	}
}

var param = regexp.MustCompile(`[:*]([a-z]+)`)

// Every route is in the document, with its parameters and its security, and nothing else is.
func TestOpenAPITellsEveryRoute(t *testing.T) {
	d := unplugged(t)
	doc := gjson.ParseBytes(d.OpenAPI())
	if doc.Get("openapi").String() != "3.1.0" {
		t.Errorf("openapi is %s", doc.Get("openapi"))
	}
	told := map[string]bool{}
	doc.Get("paths").ForEach(func(path, ops gjson.Result) bool {
		ops.ForEach(func(method, _ gjson.Result) bool {
			told[strings.ToUpper(method.String())+" "+path.String()] = true
			return true
		})
		return true
	})
	for _, r := range d.Routes() {
		at := r.Method + " " + param.ReplaceAllString(r.Path, "{$1}")
		if !told[at] {
			t.Errorf("%s is served and not told", at)
			continue
		}
		delete(told, at)
		o := doc.Get("paths").Get(gjson.Escape(at[len(r.Method)+1:])).Get(strings.ToLower(r.Method))
		if o.Get("operationId").String() != r.Name || o.Get("summary").String() != r.Doc || r.Doc == "" {
			t.Errorf("%s is told as %s: %s", at, o.Get("operationId"), o.Get("summary"))
		}
		for _, m := range param.FindAllStringSubmatch(r.Path, -1) {
			if o.Get(`parameters.#(name=="`+m[1]+`").in`).String() != "path" {
				t.Errorf("%s: the parameter %s is not told", at, m[1])
			}
		}
		if n := len(o.Get("security").Array()); n != map[adapters.Gate]int{adapters.GateUser: 2, adapters.GateServer: 1, adapters.GateApp: 1}[r.Gate] {
			t.Errorf("%s has %d kinds of credentials", at, n)
		}
	}
	for at := range told {
		t.Errorf("%s is told and not served", at)
	}
}

// Every reference leads to a schema, and every schema is referred to.
func TestOpenAPIHangsTogether(t *testing.T) {
	doc := unplugged(t).OpenAPI()
	schemas := gjson.GetBytes(doc, "components.schemas").Map()
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllSubmatch(doc, -1) {
		name := string(m[1])
		used[name] = true
		if !schemas[name].IsObject() {
			t.Errorf("there is no schema %s", name)
		}
	}
	for name := range schemas {
		if !used[name] {
			t.Errorf("the schema %s is not used", name)
		}
	}
}

// checker validates JSON against the schemas of the document: types, required and known members.
type checker struct {
	schemas gjson.Result
	wrong   []string
}

func (c *checker) check(at string, s, v gjson.Result) {
	if ref := s.Get(gjson.Escape("$ref")).String(); ref != "" {
		s = c.schemas.Get(gjson.Escape(ref[strings.LastIndexByte(ref, '/')+1:]))
	}
	fail := func(format string, a ...any) { c.wrong = append(c.wrong, at+": "+fmt.Sprintf(format, a...)) }
	typ := s.Get("type")
	if typ.IsArray() {
		if v.Type == gjson.Null && typ.Get("1").Str == "null" {
			return
		}
		typ = typ.Get("0")
	}
	switch typ.String() {
	case "string":
		if v.Type != gjson.String {
			fail("%.80s is no text", v.Raw)
		} else if s.Get("format").String() == "date-time" {
			if _, err := time.Parse(time.RFC3339Nano, v.Str); err != nil {
				fail("%s is no time", v.Raw)
			}
		}
	case "integer":
		if v.Type != gjson.Number {
			fail("%.80s is no number", v.Raw)
		}
	case "boolean":
		if !v.IsBool() {
			fail("%.80s is neither true nor false", v.Raw)
		}
	case "array":
		if !v.IsArray() {
			fail("%.80s is no list", v.Raw)
		}
		for i, x := range v.Array() {
			c.check(fmt.Sprintf("%s/%d", at, i), s.Get("items"), x)
		}
	case "object":
		if !v.IsObject() {
			fail("%.80s is no object", v.Raw)
			return
		}
		props := s.Get("properties")
		if !props.Exists() {
			return
		}
		for _, n := range s.Get("required").Array() {
			if !v.Get(gjson.Escape(n.Str)).Exists() {
				fail("%s is missing", n.Str)
			}
		}
		v.ForEach(func(k, x gjson.Result) bool {
			if p := props.Get(gjson.Escape(k.Str)); p.Exists() {
				c.check(at+"/"+k.Str, p, x)
			} else {
				fail("%s is not told", k.Str)
			}
			return true
		})
	}
}

// conform fails the test unless the answer is what the document says of the operation.
func conform(t *testing.T, doc gjson.Result, method, path string, r reply) {
	t.Helper()
	o := doc.Get("paths").Get(gjson.Escape(path)).Get(strings.ToLower(method))
	if !o.Exists() {
		t.Errorf("%s %s is not told", method, path)
		return
	}
	told := o.Get("responses." + fmt.Sprint(r.status))
	media := `application\/json`
	if !told.Exists() && r.status >= 400 {
		told, media = o.Get("responses.default"), `application\/problem+json`
	}
	if !told.Exists() {
		t.Errorf("%s %s answers %d, which is not told", method, path, r.status)
		return
	}
	content := told.Get("content")
	if !content.Exists() {
		if r.body.Raw != "" {
			t.Errorf("%s %s has a body", method, path)
		}
		return
	}
	c := &checker{schemas: doc.Get("components.schemas")}
	schema := gjson.Result{}
	content.ForEach(func(k, v gjson.Result) bool { schema = v.Get("schema"); return true })
	_ = media
	c.check("", schema, r.body)
	for _, w := range c.wrong {
		t.Errorf("%s %s: %s", method, path, w)
	}
}

// A whole conversation, every answer of which is held against the document, and then everything else.
func TestAnswersAreWhatTheDocumentSays(t *testing.T) {
	seen := newRecorder()
	a := newRecordedAPI(t, seen)
	doc := a.raw("GET", "/v1/openapi.json", "").body
	told := a.walk(doc, everyday)
	golden(t, "testdata/conversation.golden", told)
	a.walk(doc, nouns)
	unseen := map[string]bool{}
	doc.Get("paths").ForEach(func(path, ops gjson.Result) bool {
		ops.ForEach(func(method, _ gjson.Result) bool {
			unseen[strings.ToUpper(method.String())+" "+path.String()] = true
			return true
		})
		return true
	})
	for _, s := range slices.Concat(everyday, nouns) {
		delete(unseen, s.method+" "+s.path)
	}
	for at := range elsewhere {
		delete(unseen, at)
	}
	if len(unseen) > 0 {
		t.Errorf("no step calls %v", slices.Sorted(maps.Keys(unseen)))
	}
	a.elsewhere()
	seen.complete(t)
}

// frozen are the operations whose answers are the same to the byte in every run: those without lists
// that are sorted by the millisecond of a membership.
var frozen = regexp.MustCompile(`^/v1/(channels/\{channel\}/(messages|pins|bans)|messages/|users/\{user\}$|me$|polls|mutes|blocks|wordlists|webhooks|app|devices|unread)`)

// volatile is what differs from run to run: times, stamps, and names that are made up.
var volatile = []struct {
	old *regexp.Regexp
	new string
}{
	{regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*Z"`), `"TIME"`},
	{regexp.MustCompile(`"(stamp|last|after)":\d{6,}`), `"$1":0`},
	{regexp.MustCompile(`"id":"\d{10,}"`), `"id":"NUMBER"`},
	{regexp.MustCompile(`"next":"[^"]*"`), `"next":"CURSOR"`},
	{regexp.MustCompile(`"token":"[^"]*"`), `"token":"TOKEN"`},
	{regexp.MustCompile(`[0-9a-f]{32}`), `REQUEST`},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}`), `UUID`},
	{regexp.MustCompile(`"id":"[0-9a-z]{8,12}-[0-9A-Za-z_-]+"`), `"id":"MADE-UP"`},
	{regexp.MustCompile(`[a-z2-7]{26}`), `MADE-UP`},
}

// settled puts fixed words in the place of what differs from run to run.
func settled(s string) string {
	for _, v := range volatile {
		s = v.old.ReplaceAllString(s, v.new)
	}
	return s
}

// golden compares a text with a file, or writes the file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, have := strings.Split(string(b), "\n"), strings.Split(got, "\n")
	for i := range min(len(want), len(have)) {
		if want[i] != have[i] {
			t.Fatalf("%s:%d: want\n%s\ngot\n%s", path, i+1, want[i], have[i])
		}
	}
	if len(want) != len(have) {
		t.Errorf("%s has %d lines, the answers have %d", path, len(want), len(have))
	}
}

// elsewhere are operations that other tests call.
var elsewhere = map[string]bool{
	"GET /v1/openapi.json": true, "POST /v1/files": true, "GET /v1/files/{app}/{file}/{name}": true, "DELETE /v1/files/{file}": true,
	"GET /v1/preview": true, "POST /v1/guests": true, "PATCH /v1/webhooks/{webhook}": true, "DELETE /v1/webhooks/{webhook}": true,
	"POST /v1/channels/{channel}/invite/reject": true, "POST /v1/friends/{user}/refuse": true, "GET /v1/tasks/{task}": true,
	"DELETE /v1/polls/{poll}": true, "DELETE /v1/polls/{poll}/votes/{vote}": true,
}

// What the document says is JSON that any tool can read.
func TestOpenAPIIsJSON(t *testing.T) {
	var doc struct {
		Paths map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(unplugged(t).OpenAPI(), &doc); err != nil || len(doc.Paths) < 60 {
		t.Errorf("%d paths, %v", len(doc.Paths), err)
	}
}
