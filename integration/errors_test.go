package integration_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tidwall/gjson"
)

// row is one line of the vendor's error table and the way to run into it.
type row struct {
	ID     string
	Status int
	Code   int
	Reason string // code of the unified document
	// provoke returns a call that is refused in this way, every time it is made.
	provoke func(t *testing.T, a api) call
}

var (
	ann = func(a api) string { return a.user("ann") }
	now = time.Now
)

// rows holds every line that a wrong request or a setting is enough for. The two that need
// something to break are in faults_test.go.
var rows = []row{
	{"ST001", 400, 4, "request.invalid", func(*testing.T, api) call {
		return call{Method: "POST", Path: "/channels/messaging/" + unique("x") + "/query", Body: `{}`}
	}},
	{"ST002", 400, 6, "user.already_exists", func(t *testing.T, a api) call {
		a.must(t, call{Method: "PATCH", Path: "/app", Body: `{"enforce_unique_usernames":"app"}`})
		t.Cleanup(func() { a.must(t, call{Method: "PATCH", Path: "/app", Body: `{"enforce_unique_usernames":"no"}`}) })
		name, id := unique("Jo Doe"), unique("u")
		a.must(t, call{Method: "POST", Path: "/users", Body: fmt.Sprintf(`{"users":{%q:{"id":%q,"name":%q}}}`, id, id, name)})
		id = unique("u")
		return call{Method: "POST", Path: "/users", Body: fmt.Sprintf(`{"users":{%q:{"id":%q,"name":%q}}}`, id, id, name)}
	}},
	{"ST003", 400, 20, "message.too_long", func(t *testing.T, a api) call {
		return say(a, strings.Repeat("x", 5001))
	}},
	{"ST004", 400, 18, "event.not_supported", func(t *testing.T, a api) call {
		return call{Method: "POST", Path: "/channels/messaging/hall/event", Token: ann(a), Query: url.Values{"user_id": {"ann"}},
			Body: `{"event":{"type":"message.new"}}`}
	}},
	{"ST005", 400, 19, "service.not_enabled", func(t *testing.T, a api) call {
		name, id := unique("mute"), unique("c")
		a.must(t, call{Method: "POST", Path: "/channeltypes", Body: object("name", name, "reactions", false)})
		a.must(t, call{Method: "POST", Path: "/channels/" + name + "/" + id + "/query", Body: `{"data":{"created_by_id":"ann","members":["ann"]}}`})
		m := a.must(t, call{Method: "POST", Path: "/channels/" + name + "/" + id + "/message", Body: `{"message":{"text":"x","user_id":"ann"}}`})
		return call{Method: "POST", Path: "/messages/" + m.Get("message.id").String() + "/reaction", Body: `{"reaction":{"type":"like","user_id":"ann"}}`}
	}},
	{"ST006", 400, 21, "thread.nesting_too_deep", func(t *testing.T, a api) call {
		parent := a.message(t, "hall", "ann", "parent")
		r := a.must(t, reply(a, parent))
		return reply(a, r.Get("message.id").String())
	}},
	{"ST007", 400, 45, "integration.call_failed", func(t *testing.T, a api) call {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		broken := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })}
		go func() { _ = broken.Serve(l) }()
		t.Cleanup(func() { _ = broken.Close() })
		return command(t, a, "http://"+l.Addr().String()+"/")
	}},
	{"ST008", 400, 44, "integration.not_configured", func(t *testing.T, a api) call { return command(t, a, "") }},
	{"ST009", 401, 5, "auth.token_invalid", func(*testing.T, api) call {
		return call{Method: "GET", Path: "/app", Token: "this is no token", Query: url.Values{"user_id": {"ann"}}}
	}},
	{"ST010", 401, 40, "auth.token_expired", func(t *testing.T, a api) call {
		return whoami(a.token(jwt.MapClaims{"user_id": "ann", "exp": now().Add(-time.Minute).Unix()}))
	}},
	{"ST011", 401, 42, "auth.token_used_before_issued", func(t *testing.T, a api) call {
		return whoami(a.token(jwt.MapClaims{"user_id": "ann", "iat": now().Add(time.Hour).Unix()}))
	}},
	{"ST012", 401, 41, "auth.token_not_yet_valid", func(t *testing.T, a api) call {
		return whoami(a.token(jwt.MapClaims{"user_id": "ann", "nbf": now().Add(time.Hour).Unix()}))
	}},
	{"ST013", 401, 43, "auth.token_signature_invalid", func(t *testing.T, a api) call {
		return whoami(api{Secret: "another secret altogether"}.user("ann"))
	}},
	{"ST014", 401, 2, "auth.api_key_invalid", func(t *testing.T, a api) call {
		c := whoami(ann(a))
		c.Key = "no-such-key"
		return c
	}},
	{"ST015", 403, 17, "permission.denied", func(t *testing.T, a api) call {
		m := a.message(t, "hall", "ben", "ben's own")
		return call{Method: "DELETE", Path: "/messages/" + m, Token: ann(a), Query: url.Values{"user_id": {"ann"}}}
	}},
	{"ST017", 403, 60, "rate.cooldown", func(t *testing.T, a api) call {
		id := unique("slow")
		a.channel(t, id, "ben", "ann")
		a.must(t, call{Method: "PATCH", Path: "/channels/messaging/" + id, Body: `{"set":{"cooldown":60},"user_id":"ben"}`})
		a.message(t, id, "ann", "first")
		c := say(a, "second")
		c.Path = "/channels/messaging/" + id + "/message"
		return c
	}},
	{"ST018", 404, 16, "message.not_found", func(t *testing.T, a api) call {
		return call{Method: "GET", Path: "/messages/" + unique("nothing"), Token: ann(a), Query: url.Values{"user_id": {"ann"}}}
	}},
	{"ST020", 413, 22, "request.payload_too_large", func(t *testing.T, a api) call {
		return say(a, strings.Repeat("x", 3<<20))
	}},
	{"ST024", 403, 70, "conversation.access_denied", func(t *testing.T, a api) call {
		return call{Method: "POST", Path: "/channels", Token: ann(a), Query: url.Values{"user_id": {"ann"}},
			Body: `{"filter_conditions":{"type":"messaging"},"state":true}`}
	}},
	{"ST025", 400, 73, "moderation.rejected", func(t *testing.T, a api) call {
		list, name, id := unique("list"), unique("strict"), unique("c")
		a.must(t, call{Method: "POST", Path: "/blocklists", Body: object("name", list, "words", []string{"abracadabra"})})
		a.must(t, call{Method: "POST", Path: "/channeltypes", Body: object("name", name)})
		a.must(t, call{Method: "PUT", Path: "/channeltypes/" + name, Body: object("blocklist", list, "blocklist_behavior", "block",
			"automod", "disabled", "automod_behavior", "flag", "max_message_length", 5000)})
		a.must(t, call{Method: "POST", Path: "/channels/" + name + "/" + id + "/query", Body: `{"data":{"created_by_id":"ann","members":["ann"]}}`})
		a.must(t, call{Method: "PUT", Path: "/channeltypes/" + name, Body: object("automod", "disabled", "automod_behavior", "flag", "max_message_length", 5000,
			"grants", map[string][]string{"channel_member": {"read-channel", "create-message"}})})
		return call{Method: "POST", Path: "/channels/" + name + "/" + id + "/message", Token: ann(a), Query: url.Values{"user_id": {"ann"}},
			Body: `{"message":{"text":"say abracadabra"}}`}
	}},
}

// say posts a text to the hall as ann.
func say(a api, text string) call {
	return call{Method: "POST", Path: "/channels/messaging/hall/message", Token: ann(a), Query: url.Values{"user_id": {"ann"}},
		Body: object("message", json.RawMessage(object("text", text)))}
}

func reply(a api, parent string) call {
	c := say(a, "")
	c.Body = object("message", json.RawMessage(object("text", "reply", "parent_id", parent)))
	return c
}

// whoami is a harmless question.
func whoami(token string) call {
	return call{Method: "GET", Path: "/app", Token: token, Query: url.Values{"user_id": {"ann"}}}
}

// command sets up a custom command with a handler and returns a call that runs it.
func command(t *testing.T, a api, handler string) call {
	t.Helper()
	cmd, name, id := strings.ReplaceAll(unique("cmd"), "-", ""), unique("desk"), unique("c")
	a.must(t, call{Method: "PATCH", Path: "/app", Body: object("custom_action_handler_url", handler)})
	a.must(t, call{Method: "POST", Path: "/commands", Body: object("name", cmd, "description", "x", "args", "", "set", "s")})
	a.must(t, call{Method: "POST", Path: "/channeltypes", Body: object("name", name, "commands", []string{cmd})})
	a.must(t, call{Method: "POST", Path: "/channels/" + name + "/" + id + "/query", Body: `{"data":{"created_by_id":"ann","members":["ann"]}}`})
	return call{Method: "POST", Path: "/channels/" + name + "/" + id + "/message", Body: object("message", json.RawMessage(object("text", "/"+cmd+" x", "user_id", "ann")))}
}

// TestStreamErrors provokes rows of the vendor's error table on the real server and checks every
// byte that matters, in the three shapes an error can be asked for.
func TestStreamErrors(t *testing.T) {
	s := start(t)
	a := s.demo()
	a.people(t, "ann", "ben")
	a.channel(t, "hall", "ben", "ann")
	for _, r := range rows {
		t.Run(r.ID, func(t *testing.T) { threeShapes(t, a, r, r.provoke(t, a)) })
	}
	t.Run("ST022", func(t *testing.T) { hugeHeader(t, s) })
	t.Run("unknown route", func(t *testing.T) {
		threeShapes(t, a, row{ID: "ST018", Status: 404, Code: 16}, call{Method: "GET", Path: "/no/such/thing"})
		threeShapes(t, a, row{ID: "ST018", Status: 404, Code: 16}, call{Method: "PATCH", Path: "/channels/messaging/hall/message", Body: "{}"})
	})
}

// threeShapes makes the call once in each shape.
func threeShapes(t *testing.T, a api, r row, c call) {
	t.Helper()
	for _, mode := range []string{"native", "both", "unified", ""} {
		m := c
		m.Header = map[string]string{}
		for k, v := range c.Header {
			m.Header[k] = v
		}
		if mode != "" {
			m.Header["Dragoman-Error-Format"] = mode
		}
		checkError(t, r, mode, a.do(t, m))
	}
}

// nativeText is how the vendor's messages read: the operation and what went wrong with it, except
// before the operation counts.
var nativeText = regexp.MustCompile(`^(?s:[A-Za-z0-9() ]+ failed with error: ".+"|JWTAuth error: .+|api_key .+|The request headers are too large\.)$`)

// checkError holds an answer against its row.
func checkError(t *testing.T, r row, mode string, got answer) {
	t.Helper()
	if !json.Valid(got.Body) {
		t.Fatalf("%s: the body is no JSON: %q", mode, got.Body)
	}
	checkHeaders(t, r, mode, got)
	switch mode {
	case "unified":
		checkDocument(t, r, got.Status, gjson.ParseBytes(got.Body))
		if ct := got.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/problem+json") {
			t.Errorf("unified: content type %q", ct)
		}
		return
	case "native":
		checkNative(t, r, got, false)
	default: // both is also what our own core answers unasked
		checkNative(t, r, got, true)
		doc := got.Get("dragoman_error")
		checkDocument(t, r, int(doc.Get("status").Int()), doc)
	}
	if ct := got.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		t.Errorf("%s: content type %q", mode, ct)
	}
}

// checkNative checks the vendor's own members: names, JSON types, values.
func checkNative(t *testing.T, r row, got answer, both bool) {
	t.Helper()
	if got.Status != r.Status {
		t.Errorf("HTTP status %d, want %d: %s", got.Status, r.Status, got.Body)
	}
	want := map[string]bool{"code": true, "message": true, "StatusCode": true, "duration": true, "more_info": true, "details": true}
	if both {
		want["dragoman_error"] = true
	}
	for name := range want {
		if !got.Get(name).Exists() {
			t.Errorf("no member %s in %s", name, got.Body)
		}
	}
	got.Get("@this").ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "exception_fields":
			v.ForEach(func(field, text gjson.Result) bool {
				if text.Type != gjson.String {
					t.Errorf("exception_fields.%s is %s", field.Str, text.Raw)
				}
				return true
			})
		case "unrecoverable":
			if !v.IsBool() {
				t.Errorf("unrecoverable is %s", v.Raw)
			}
		default:
			if !want[k.Str] {
				t.Errorf("unexpected member %s", k.Str)
			}
		}
		return true
	})
	if raw := got.Get("code").Raw; raw != strconv.Itoa(r.Code) {
		t.Errorf("code is %s, want %d: %s", raw, r.Code, got.Body)
	}
	if raw := got.Get("StatusCode").Raw; raw != strconv.Itoa(r.Status) {
		t.Errorf("StatusCode is %s, want %d", raw, r.Status)
	}
	if d := got.Get("duration"); d.Type != gjson.String || d.Str == "" {
		t.Errorf("duration is %s", d.Raw)
	}
	if m := got.Get("message"); m.Type != gjson.String || !nativeText.MatchString(m.Str) {
		t.Errorf("message is %s", m.Raw)
	}
	if m := got.Get("more_info"); m.Type != gjson.String || !strings.HasPrefix(m.Str, "https://") {
		t.Errorf("more_info is %s", m.Raw)
	}
	if d := got.Get("details"); !d.IsArray() {
		t.Errorf("details is %s", d.Raw)
	} else {
		for _, e := range d.Array() {
			if e.Type != gjson.Number || strings.ContainsAny(e.Raw, ".eE") {
				t.Errorf("details holds %s", e.Raw)
			}
		}
	}
}

// checkDocument checks the unified document: it has to agree with itself and with the row.
func checkDocument(t *testing.T, r row, status int, doc gjson.Result) {
	t.Helper()
	if got := int(doc.Get("status").Int()); got != status {
		t.Errorf("document status %d, HTTP %d", got, status)
	}
	code := doc.Get("code").Str
	if r.Reason != "" && code != r.Reason {
		t.Errorf("document code %q, want %q", code, r.Reason)
	}
	if got := doc.Get("type").Str; !strings.HasSuffix(got, ":"+code) && !strings.HasSuffix(got, "/"+code) {
		t.Errorf("document type %q does not end with %q", got, code)
	}
	for _, name := range []string{"title", "class", "retryable", "fault", "origin", "request_id"} {
		if v := doc.Get(name); v.Type != gjson.String || v.Str == "" {
			t.Errorf("document %s is %s", name, v.Raw)
		}
	}
	if got := doc.Get("dialect").Str; got != "stream" {
		t.Errorf("document dialect %q", got)
	}
	o := doc.Get("original")
	if got := o.Get("code").Raw; got != strconv.Itoa(r.Code) {
		t.Errorf("original code %s, want the integer %d", got, r.Code)
	}
	if got := int(o.Get("http_status").Int()); got != r.Status {
		t.Errorf("original status %d, want %d", got, r.Status)
	}
	if got := o.Get("row").Str; got != r.ID {
		t.Errorf("original row %q, want %q", got, r.ID)
	}
	if got := o.Get("provider").Str; got != "stream" {
		t.Errorf("original provider %q", got)
	}
	if m := o.Get("message").Str; !nativeText.MatchString(m) {
		t.Errorf("original message %q", m)
	}
}

// checkHeaders checks what travels in every shape.
func checkHeaders(t *testing.T, r row, mode string, got answer) {
	t.Helper()
	h := got.Header.Get("Dragoman-Error")
	if r.Reason != "" && !strings.Contains(h, fmt.Sprintf("code=%q", r.Reason)) {
		t.Errorf("%s: Dragoman-Error is %q", mode, h)
	}
	if h == "" || len(h) > 512 {
		t.Errorf("%s: Dragoman-Error is %d bytes", mode, len(h))
	}
	h = got.Header.Get("Dragoman-Original")
	for _, part := range []string{`provider="stream"`, fmt.Sprintf("status=%d", r.Status), fmt.Sprintf("code=%d", r.Code)} {
		if !strings.Contains(h, part) {
			t.Errorf("%s: Dragoman-Original is %q, without %s", mode, h, part)
		}
	}
	if got.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no X-Request-Id", mode)
	}
	vary := strings.ToLower(strings.Join(got.Header.Values("Vary"), ","))
	if !strings.Contains(vary, "accept") || !strings.Contains(vary, "dragoman-error-format") {
		t.Errorf("%s: Vary is %q", mode, vary)
	}
	if r.Code == 9 || r.Code == -1 && got.Status == 503 {
		if n, err := strconv.Atoi(got.Header.Get("Retry-After")); err != nil || n < 0 || n > 3600 {
			t.Errorf("%s: Retry-After is %q", mode, got.Header.Get("Retry-After"))
		}
	}
}

// hugeHeader sends more header than any client should. The framework refuses it before the
// request is known, so the only shape is the default one.
func hugeHeader(t *testing.T, s *server) {
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET /app?api_key=%s HTTP/1.1\r\nHost: x\r\nX-Big: ", demoKey)
	b.WriteString(strings.Repeat("a", 65<<10))
	// The head never ends: the server has read all there is when it gives up, so that its answer
	// is not lost to a reset.
	if _, err := c.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	rs, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(rs.Body)
	got := answer{rs.StatusCode, rs.Header, body.Bytes()}
	checkError(t, row{ID: "ST022", Status: 431, Code: 24, Reason: "request.headers_too_large"}, "", got)
}

// TestStreamErrorsByAccept: a client that names problem+json gets the document alone; what the
// vendor's SDKs send in Accept never does that. Browsers may read the headers, also of answers to
// requests that were refused before they were understood.
func TestStreamErrorsByAccept(t *testing.T) {
	s := start(t)
	a := s.demo()
	a.people(t, "ann", "ben")
	a.channel(t, "hall", "ben", "ann")
	for accept, unified := range map[string]bool{
		"application/problem+json":                        true,
		"application/problem+json, application/json;q=.5": true,
		"application/json, text/plain, */*":               false,
		"*/*":                                             false,
		"application/json, application/problem+json;q=.1": false,
		"": false,
	} {
		c := whoami("no token")
		c.Header = map[string]string{"Accept": accept}
		ct := a.do(t, c).Header.Get("Content-Type")
		if got := strings.HasPrefix(ct, "application/problem+json"); got != unified {
			t.Errorf("Accept %q answered with %q", accept, ct)
		}
	}
	for name, c := range map[string]call{"not found": whoami("no token"), "too large": say(a, strings.Repeat("x", 3<<20))} {
		c.Header = map[string]string{"Origin": "https://app.example"}
		r := a.do(t, c)
		if o := r.Header.Get("Access-Control-Allow-Origin"); o != "*" && o != "https://app.example" {
			t.Errorf("%s: Access-Control-Allow-Origin is %q", name, o)
		}
		exposed := strings.ToLower(r.Header.Get("Access-Control-Expose-Headers"))
		for _, h := range []string{"dragoman-error", "dragoman-original", "retry-after", "x-ratelimit-limit"} {
			if !strings.Contains(exposed, h) {
				t.Errorf("%s: %s is hidden from scripts: %q", name, h, exposed)
			}
		}
	}
}
