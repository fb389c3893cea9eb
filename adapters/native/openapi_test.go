package native_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
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

// A whole conversation, every answer of which is held against the document.
func TestAnswersAreWhatTheDocumentSays(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	doc := a.raw("GET", "/v1/openapi.json", "").body
	seen := map[string]bool{}
	var told strings.Builder
	steps := []struct{ who, method, path, real, body string }{
		{"", "PATCH", "/v1/types/{type}", "/v1/types/messaging", `{"enable":["polls","user_message_reminders"],"max_length":5000}`},
		{"", "PUT", "/v1/users/{user}", "/v1/users/erin", `{"name":"Erin","role":"user","extra":{"team":"red","no":null}}`},
		{"", "POST", "/v1/users", "/v1/users", `{"users":[{"id":"finn","name":"Finn","tags":["new"]},{"id":"erin","language":"en"}]}`},
		{"", "GET", "/v1/users", "/v1/users?search=fi", ``},
		{"alice", "GET", "/v1/users/{user}", "/v1/users/erin", ``},
		{"alice", "PATCH", "/v1/me", "/v1/me", `{"image":"https://x/y.png","extra":{"mood":"fine"}}`},
		{"", "PATCH", "/v1/users/{user}", "/v1/users/erin", `{"extra":{"team":null}}`},
		{"", "POST", "/v1/tokens", "/v1/tokens", `{"user":"alice","expires_in":60}`},
		{"alice", "POST", "/v1/channels", "/v1/channels", `{"id":"club","name":"Club","admission":"anyone","members":[{"user":"bob"},{"user":"carol","role":"moderator"}],"extra":{"color":"blue"}}`},
		{"alice", "POST", "/v1/channels", "/v1/channels", `{"type":"livestream","name":"Arena"}`},
		{"alice", "POST", "/v1/directs", "/v1/directs", `{"users":["bob"]}`},
		{"alice", "GET", "/v1/channels", "/v1/channels?messages=5&members=5", ``},
		{"dave", "GET", "/v1/discover", "/v1/discover?search=club", ``},
		{"dave", "GET", "/v1/channels/{channel}", "/v1/channels/club", ``},
		{"dave", "POST", "/v1/channels/{channel}/join", "/v1/channels/club/join", `{}`},
		{"alice", "PATCH", "/v1/channels/{channel}", "/v1/channels/club", `{"name":"The Club","cooldown":0,"extra":{"color":null,"size":"big"}}`},
		{"alice", "GET", "/v1/channels/{channel}/members", "/v1/channels/club/members?limit=2", ``},
		{"alice", "POST", "/v1/channels/{channel}/members", "/v1/channels/club/members", `{"members":[{"user":"bob"},{"user":"erin"}]}`},
		{"alice", "PUT", "/v1/channels/{channel}/members/{user}", "/v1/channels/club/members/bob", `{"role":"moderator"}`},
		{"bob", "PATCH", "/v1/channels/{channel}/members/{user}", "/v1/channels/club/members/bob", `{"pinned":true,"extra":{"nick":"bobby"}}`},
		{"bob", "GET", "/v1/channels/{channel}/members/{user}", "/v1/channels/club/members/bob", ``},
		{"alice", "POST", "/v1/channels/{channel}/messages", "/v1/channels/club/messages", `{"id":"m1","text":"hello <b> & all","mentions":["bob"],"attachments":[{"type":"image","url":"u"}],"extra":{"a":1}}`},
		{"alice", "POST", "/v1/channels/{channel}/messages", "/v1/channels/club/messages", `{"id":"m1","text":"hello <b> & all"}`},
		{"bob", "POST", "/v1/channels/{channel}/messages", "/v1/channels/club/messages", `{"id":"m2","text":"answer","parent":"m1","quoted":"m1"}`},
		{"bob", "PUT", "/v1/messages/{message}/reactions/{type}", "/v1/messages/m1/reactions/like", `{"score":3}`},
		{"bob", "GET", "/v1/messages/{message}", "/v1/messages/m1", ``},
		{"bob", "GET", "/v1/messages/{message}/reactions", "/v1/messages/m1/reactions", ``},
		{"bob", "GET", "/v1/messages/{message}/replies", "/v1/messages/m1/replies", ``},
		{"alice", "GET", "/v1/threads", "/v1/threads", ``},
		{"alice", "GET", "/v1/threads/{message}", "/v1/threads/m1", ``},
		{"alice", "PATCH", "/v1/threads/{message}", "/v1/threads/m1", `{"title":"talk"}`},
		{"alice", "PATCH", "/v1/messages/{message}", "/v1/messages/m1", `{"text":"hello again","extra":{"a":null}}`},
		{"alice", "PUT", "/v1/messages/{message}/pin", "/v1/messages/m1/pin", `{}`},
		{"alice", "GET", "/v1/channels/{channel}/pins", "/v1/channels/club/pins", ``},
		{"alice", "DELETE", "/v1/messages/{message}/pin", "/v1/messages/m1/pin", ``},
		{"alice", "GET", "/v1/channels/{channel}/messages", "/v1/channels/club/messages?limit=2", ``},
		{"bob", "GET", "/v1/unread", "/v1/unread", ``},
		{"bob", "PUT", "/v1/channels/{channel}/read", "/v1/channels/club/read", `{}`},
		{"bob", "PUT", "/v1/channels/{channel}/delivered", "/v1/channels/club/delivered", `{"message":"m1"}`},
		{"bob", "PUT", "/v1/channels/{channel}/unread", "/v1/channels/club/unread", `{"message":"m1"}`},
		{"bob", "POST", "/v1/read", "/v1/read", `{}`},
		{"alice", "GET", "/v1/messages/{message}/receipts", "/v1/messages/m1/receipts", ``},
		{"bob", "DELETE", "/v1/messages/{message}/reactions/{type}", "/v1/messages/m1/reactions/like", ``},
		{"bob", "POST", "/v1/channels/{channel}/typing", "/v1/channels/club/typing", `{}`},
		{"bob", "POST", "/v1/channels/{channel}/events", "/v1/channels/club/events", `{"name":"wave","extra":{"x":1}}`},
		{"bob", "PUT", "/v1/channels/{channel}/mute", "/v1/channels/club/mute", `{"expires_in":60}`},
		{"bob", "PUT", "/v1/mutes/{user}", "/v1/mutes/carol", `{}`},
		{"bob", "GET", "/v1/mutes", "/v1/mutes", ``},
		{"bob", "GET", "/v1/me", "/v1/me", ``},
		{"bob", "DELETE", "/v1/mutes/{user}", "/v1/mutes/carol", ``},
		{"bob", "DELETE", "/v1/channels/{channel}/mute", "/v1/channels/club/mute", ``},
		{"bob", "PUT", "/v1/blocks/{user}", "/v1/blocks/dave", ``},
		{"bob", "GET", "/v1/blocks", "/v1/blocks", ``},
		{"bob", "DELETE", "/v1/blocks/{user}", "/v1/blocks/dave", ``},
		{"bob", "POST", "/v1/flags", "/v1/flags", `{"message":"m1","reason":"spam"}`},
		{"", "GET", "/v1/flags", "/v1/flags", ``},
		{"bob", "POST", "/v1/flags/withdraw", "/v1/flags/withdraw", `{"message":"m1"}`},
		{"alice", "PUT", "/v1/channels/{channel}/bans/{user}", "/v1/channels/club/bans/dave", `{"reason":"noise","expires_in":600}`},
		{"alice", "GET", "/v1/channels/{channel}/bans", "/v1/channels/club/bans", ``},
		{"alice", "DELETE", "/v1/channels/{channel}/bans/{user}", "/v1/channels/club/bans/dave", ``},
		{"", "PUT", "/v1/bans/{user}", "/v1/bans/dave", `{"shadow":true}`},
		{"", "GET", "/v1/bans", "/v1/bans", ``},
		{"", "DELETE", "/v1/bans/{user}", "/v1/bans/dave", ``},
		{"", "PUT", "/v1/wordlists/{name}", "/v1/wordlists/rude", `{"words":["darn"]}`},
		{"", "GET", "/v1/wordlists", "/v1/wordlists", ``},
		{"", "DELETE", "/v1/wordlists/{name}", "/v1/wordlists/rude", ``},
		{"alice", "PUT", "/v1/friends/{user}", "/v1/friends/dave", `{"ask":true}`},
		{"dave", "GET", "/v1/friends", "/v1/friends?status=pending", ``},
		{"dave", "POST", "/v1/friends/{user}/accept", "/v1/friends/alice/accept", ``},
		{"alice", "GET", "/v1/friends", "/v1/friends", ``},
		{"alice", "DELETE", "/v1/friends/{user}", "/v1/friends/dave", ``},
		{"alice", "GET", "/v1/presence", "/v1/presence?users=bob,carol", ``},
		{"", "POST", "/v1/users/{user}/events", "/v1/users/bob/events", `{"name":"ping"}`},
		{"alice", "PUT", "/v1/devices/{device}", "/v1/devices/phone", `{"provider":"apn"}`},
		{"alice", "GET", "/v1/devices", "/v1/devices", ``},
		{"alice", "DELETE", "/v1/devices/{device}", "/v1/devices/phone", ``},
		{"alice", "POST", "/v1/polls", "/v1/polls", `{"id":"p1","name":"Lunch?","options":[{"id":"o1","text":"Soup"},{"id":"o2","text":"Salad"}]}`},
		{"alice", "POST", "/v1/polls/{poll}/options", "/v1/polls/p1/options", `{"id":"o3","text":"Cake"}`},
		{"alice", "POST", "/v1/channels/{channel}/messages", "/v1/channels/club/messages", `{"id":"m3","text":"vote","poll":"p1"}`},
		{"bob", "POST", "/v1/polls/{poll}/votes", "/v1/polls/p1/votes", `{"message":"m3","option":"o1"}`},
		{"bob", "GET", "/v1/polls/{poll}", "/v1/polls/p1", ``},
		{"bob", "GET", "/v1/polls/{poll}/votes", "/v1/polls/p1/votes", ``},
		{"alice", "PATCH", "/v1/polls/{poll}", "/v1/polls/p1", `{"closed":true}`},
		{"alice", "DELETE", "/v1/polls/{poll}/options/{option}", "/v1/polls/p1/options/o3", ``},
		{"alice", "PUT", "/v1/channels/{channel}/draft", "/v1/channels/club/draft", `{"message":{"text":"unsent"}}`},
		{"alice", "GET", "/v1/channels/{channel}/draft", "/v1/channels/club/draft", ``},
		{"alice", "GET", "/v1/drafts", "/v1/drafts", ``},
		{"alice", "DELETE", "/v1/channels/{channel}/draft", "/v1/channels/club/draft", ``},
		{"alice", "PUT", "/v1/messages/{message}/reminder", "/v1/messages/m1/reminder", `{}`},
		{"alice", "GET", "/v1/reminders", "/v1/reminders", ``},
		{"alice", "DELETE", "/v1/messages/{message}/reminder", "/v1/messages/m1/reminder", ``},
		{"alice", "POST", "/v1/channels/{channel}/calls", "/v1/channels/club/calls", `{"kind":"video","id":"c1"}`},
		{"bob", "PATCH", "/v1/calls/{call}", "/v1/calls/c1", `{"status":"ongoing"}`},
		{"bob", "GET", "/v1/calls/{call}", "/v1/calls/c1", ``},
		{"bob", "GET", "/v1/calls", "/v1/calls", ``},
		{"bob", "GET", "/v1/feed", "/v1/feed?limit=500", ``},
		{"bob", "PUT", "/v1/feed/devices/{device}", "/v1/feed/devices/phone", `{"stamp":5}`},
		{"bob", "GET", "/v1/feed/devices/{device}", "/v1/feed/devices/phone", ``},
		{"bob", "GET", "/v1/feed/devices/{device}/pending", "/v1/feed/devices/phone/pending", ``},
		{"", "POST", "/v1/webhooks", "/v1/webhooks", `{"url":"https://example.test/hook","events":["message.sent"]}`},
		{"", "GET", "/v1/webhooks", "/v1/webhooks", ``},
		{"", "GET", "/v1/app", "/v1/app", ``},
		{"", "PATCH", "/v1/app", "/v1/app", `{"guests_disabled":false}`},
		{"", "GET", "/v1/types", "/v1/types", ``},
		{"alice", "PUT", "/v1/channels/{channel}/invites/{user}", "/v1/channels/club/invites/finn", ``},
		{"finn", "POST", "/v1/channels/{channel}/invite/accept", "/v1/channels/club/invite/accept", ``},
		{"alice", "PUT", "/v1/channels/{channel}/owner", "/v1/channels/club/owner", `{"user":"bob"}`},
		{"alice", "PUT", "/v1/channels/{channel}/hidden", "/v1/channels/club/hidden", `{}`},
		{"alice", "DELETE", "/v1/channels/{channel}/hidden", "/v1/channels/club/hidden", ``},
		{"alice", "DELETE", "/v1/messages/{message}", "/v1/messages/m1", ``},
		{"", "POST", "/v1/messages/{message}/restore", "/v1/messages/m1/restore", ``},
		{"carol", "POST", "/v1/channels/{channel}/leave", "/v1/channels/club/leave", ``},
		{"bob", "DELETE", "/v1/channels/{channel}/members/{user}", "/v1/channels/club/members/erin", ``},
		{"", "GET", "/v1/users/{user}/export", "/v1/users/alice/export", ``},
		{"", "POST", "/v1/channels/{channel}/truncate", "/v1/channels/club/truncate", `{}`},
		{"bob", "DELETE", "/v1/channels/{channel}", "/v1/channels/club", ``},
		{"", "POST", "/v1/users/{user}/deactivate", "/v1/users/finn/deactivate", ``},
		{"", "POST", "/v1/users/{user}/reactivate", "/v1/users/finn/reactivate", ``},
		{"", "DELETE", "/v1/users/{user}/tokens", "/v1/users/finn/tokens", ``},
		{"", "DELETE", "/v1/users/{user}", "/v1/users/finn", ``},
		{"alice", "GET", "/v1/search", "/v1/search?q=hello", ``},
		{"alice", "GET", "/v1/channels/{channel}", "/v1/channels/nowhere", ``}, // refused, as the document says
	}
	for i, s := range steps {
		var r reply
		if s.who == "" {
			r = a.srv(s.method, s.real, s.body)
		} else {
			r = a.as(s.who, s.method, s.real, s.body)
		}
		if last := i == len(steps)-1; r.status >= 400 != last {
			t.Errorf("%s %s as %q: %d %.400s", s.method, s.real, s.who, r.status, r.body.Raw)
		}
		conform(t, doc, s.method, s.path, r)
		seen[s.method+" "+s.path] = true
		if !frozen.MatchString(s.path) {
			continue
		}
		fmt.Fprintf(&told, "%s %s as %s\n%s\n-> %d\n%s\n\n", s.method, s.real, cmp.Or(s.who, "server"), s.body, r.status, settled(r.body.Raw))
	}
	golden(t, "testdata/conversation.golden", told.String())
	var unseen []string
	doc.Get("paths").ForEach(func(path, ops gjson.Result) bool {
		ops.ForEach(func(method, _ gjson.Result) bool {
			if at := strings.ToUpper(method.String()) + " " + path.String(); !seen[at] && !elsewhere[at] {
				unseen = append(unseen, at)
			}
			return true
		})
		return true
	})
	slices.Sort(unseen)
	if len(unseen) > 0 {
		t.Errorf("no step calls %v", unseen)
	}
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
