package native_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/native"
	"dragoman/core"
)

// refused fails the test unless a call failed for the reason.
func (a *api) refused(r reply, code string) {
	a.t.Helper()
	if r.code() != code {
		a.t.Errorf("want %s, got %d %.300s", code, r.status, r.body.Raw)
	}
}

func TestCredentials(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for header, want := range map[string]string{
		"":                                "auth.token_missing",
		"Bearer":                          "auth.token_missing",
		"Digest x":                        "auth.token_invalid",
		"Bearer " + token("alice"):        "",
		"Bearer " + token("alice") + "x":  "auth.token_signature_invalid",
		basic(testKey + ":" + testSecret): "",
		basic(testKey + ":wrong"):         "auth.api_key_invalid",
		basic("other:" + testSecret):      "auth.api_key_invalid",
		basic("other:"):                   "auth.api_key_invalid",
		basic(testKey):                    "auth.api_key_invalid",
		"Basic %%%":                       "auth.api_key_invalid",
		"Bearer " + native.ServerToken(testKey, testSecret, time.Now(), time.Time{}): "",
		// Unsigned, and signed by an algorithm of the caller's choice.
		"Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ0ZXN0LWtleSIsInN1YiI6ImFsaWNlIn0.": "auth.token_invalid",
	} {
		if r := a.raw("GET", "/v1/users/bob", "", "Authorization", header); r.code() != want {
			t.Errorf("%.60s: %d %.200s, want %q", header, r.status, r.body.Raw, want)
		}
	}
	a.refused(a.as("alice", "POST", "/v1/tokens", `{"user":"bob"}`), "permission.denied")
	a.refused(a.srv("GET", "/v1/me", "", "On-Behalf-Of", "nobody"), "user.not_found")
	if r := a.must(a.srv("GET", "/v1/me", "", "On-Behalf-Of", "bob")); r.body.Get("user.id").String() != "bob" {
		t.Errorf("on behalf of bob: %s", r.body.Raw)
	}
}

func TestRevokedTokensEnd(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	old := token("alice")
	a.must(a.srv("DELETE", "/v1/users/alice/tokens", ""))
	a.refused(a.raw("GET", "/v1/me", "", "Authorization", "Bearer "+old), "auth.token_expired")
	later := native.UserToken(testKey, testSecret, "alice", time.Now().Add(2*time.Second), time.Time{})
	a.must(a.raw("GET", "/v1/me", "", "Authorization", "Bearer "+later))
	a.must(a.as("bob", "GET", "/v1/me", ""))
}

func TestGuestsSignUp(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.refused(a.raw("POST", "/v1/guests", `{}`), "auth.api_key_invalid")
	g := a.must(a.raw("POST", "/v1/guests", `{"name":"Gus"}`, "X-Api-Key", testKey)).body
	me := a.must(a.raw("GET", "/v1/me", "", "Authorization", "Bearer "+g.Get("token").String())).body
	if me.Get("user.role").String() != "guest" || me.Get("user.name").String() != "Gus" {
		t.Errorf("the guest is %s", me.Raw)
	}
}

// Every mistake of a request is told at once, each with a pointer.
func TestMistakesAreToldTogether(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	r := a.as("alice", "POST", "/v1/channels", `{"id":5,"admission":"maybe","members":[{"role":"king"}],"colour":"red"}`)
	a.refused(r, "request.invalid_field")
	got := map[string]string{}
	for _, e := range r.body.Get("errors").Array() {
		got[e.Get("pointer").String()] = e.Get("code").String()
	}
	for pointer, code := range map[string]string{
		"/id": "request.invalid_field", "/admission": "request.invalid_field", "/members/0/user": "request.missing_field",
		"/members/0/role": "request.invalid_field", "/colour": "request.invalid_field",
	} {
		if got[pointer] != code {
			t.Errorf("%s is told as %q in %s", pointer, got[pointer], r.body.Get("errors").Raw)
		}
	}
	a.refused(a.as("alice", "GET", "/v1/users?limit=many", ""), "request.invalid_field")
	a.refused(a.as("alice", "GET", "/v1/users?cursor=zzz", ""), "request.invalid_field")
	a.refused(a.as("alice", "GET", "/v1/friends?status=enemies", ""), "request.invalid_field")
	a.refused(a.as("alice", "POST", "/v1/nowhere", ""), "request.endpoint_not_found")
	a.refused(a.as("alice", "DELETE", "/v1/me", ""), "request.method_not_allowed")
}

// A repeated send stores nothing; the header does what the id in the body does.
func TestSendsAreIdempotent(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.club()
	for i, want := range []int{201, 200, 200} {
		if r := a.as("alice", "POST", "/v1/channels/club/messages", `{"text":"once"}`, "Idempotency-Key", "key-1"); r.status != want || r.body.Get("id").String() != "key-1" {
			t.Errorf("send %d: %d %s", i, r.status, r.body.Raw)
		}
	}
	if n := len(a.must(a.as("bob", "GET", "/v1/channels/club/messages", "")).body.Get("items").Array()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestWhatIsKnownIsNotSentAgain(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	r := a.must(a.as("alice", "GET", "/v1/users/bob", ""))
	tag := r.header.Get("ETag")
	if again := a.as("alice", "GET", "/v1/users/bob", "", "If-None-Match", `"x", W/`+tag); again.status != 304 || again.body.Raw != "" {
		t.Errorf("with the tag: %d %s", again.status, again.body.Raw)
	}
	a.must(a.srv("PATCH", "/v1/users/bob", `{"name":"Robert"}`))
	if again := a.as("alice", "GET", "/v1/users/bob", "", "If-None-Match", tag); again.status != 200 || again.header.Get("ETag") == tag {
		t.Errorf("after a change: %d %v", again.status, again.header)
	}
}

// Pages of a history join without a gap, backwards and forwards.
func TestHistoryPagesJoin(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.club()
	for i := range 23 {
		a.send("alice", fmt.Sprint("m", i), "x")
	}
	walk := func(path string) (ids []string) {
		for cursor := ""; ; {
			r := a.must(a.as("bob", "GET", path+"&cursor="+cursor, "")).body
			var page []string
			for _, m := range r.Get("items").Array() {
				page = append(page, m.Get("id").String()+m.Get("user.id").String())
			}
			if strings.Contains(path, "after") {
				ids = append(ids, page...)
			} else {
				ids = append(page, ids...)
			}
			if cursor = r.Get("next").String(); cursor == "" {
				return ids
			}
		}
	}
	if got := walk("/v1/channels/club/messages?limit=5"); len(got) != 23 || got[0] != "m0alice" || got[22] != "m22alice" {
		t.Errorf("backwards: %v", got)
	}
	a.refused(a.as("bob", "GET", "/v1/channels/club/messages?before=m1&after=m2", ""), "request.invalid")
	if got := walk("/v1/channels/club/members?limit=2"); len(got) != 3 {
		t.Errorf("members: %v", got)
	}
	r := a.must(a.as("bob", "GET", "/v1/channels/club/messages?after=m3&limit=5", "")).body
	next := a.must(a.as("bob", "GET", "/v1/channels/club/messages?limit=5&cursor="+r.Get("next").String(), "")).body
	if next.Get("items.0.id").String() != "m9" {
		t.Errorf("forwards: %s", next.Get("items.#.id").Raw)
	}
}

// upload uploads a file.
func (a *api) upload(user, name, content string) gjson.Result {
	a.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		a.t.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	_ = w.Close()
	r := a.must(a.as(user, "POST", "/v1/files", form.String(), "Content-Type", w.FormDataContentType()))
	conform(a.t, a.raw("GET", "/v1/openapi.json", "").body, "POST", "/v1/files", r)
	return r.body
}

func TestFilesGoUpAndDown(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	up := a.upload("alice", "notes <1>.txt", "some notes")
	rs, err := client.Get(up.Get("url").String())
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(rs.Body)
	_ = rs.Body.Close()
	if string(b) != "some notes" || rs.Header.Get("Content-Disposition") != `attachment; filename="notes <1>.txt"` {
		t.Errorf("%d %v %s", rs.StatusCode, rs.Header, b)
	}
	a.must(a.as("alice", "DELETE", "/v1/files/"+up.Get("id").String(), ""))
	a.refused(a.raw("GET", strings.TrimPrefix(up.Get("url").String(), a.w.URL), ""), "file.not_found")
	a.refused(a.as("alice", "POST", "/v1/files", "{}"), "request.unsupported_media_type")
}

// A webhook call carries the event and a signature that its receiver can check.
func TestWebhooksAreSigned(t *testing.T) {
	calls := make(chan *http.Request, 10)
	bodies := make(chan []byte, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		calls <- r
		bodies <- b
	}))
	defer hook.Close()
	a := newAPI(t, adaptertest.Setup{})
	id := a.must(a.srv("POST", "/v1/webhooks", `{"url":"`+hook.URL+`","events":["message.sent"]}`)).body.Get("id").String()
	a.club()
	a.send("alice", "m1", "told")
	select {
	case r := <-calls:
		body := <-bodies
		at, sig, _ := strings.Cut(r.Header.Get("Dragoman-Signature"), ",v1=")
		mac := hmac.New(sha256.New, []byte(testSecret))
		mac.Write([]byte(strings.TrimPrefix(at, "t=") + "."))
		mac.Write(body)
		if sig != hex.EncodeToString(mac.Sum(nil)) {
			t.Errorf("the signature is %s", r.Header.Get("Dragoman-Signature"))
		}
		if v := gjson.ParseBytes(body); v.Get("event.kind").String() != "message.sent" || v.Get("event.message.text").String() != "told" || v.Get("app").String() != testKey {
			t.Errorf("the call is %s", body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nobody called")
	}
	a.must(a.srv("PATCH", "/v1/webhooks/"+id, `{"enabled":false}`))
	a.must(a.srv("DELETE", "/v1/webhooks/"+id, ""))
	a.refused(a.srv("DELETE", "/v1/webhooks/"+id, ""), "integration.not_found")
	a.refused(a.srv("POST", "/v1/webhooks", `{"url":"ftp://x"}`), "request.invalid_field")
}

// FuzzToken: no token makes the reader fall over, and none but ours is believed.
func FuzzToken(f *testing.F) {
	f.Add(token("alice"))
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJIUzI1NiJ9.e30.")
	v := vendor()
	e, err := v.Entry.New(adaptertestEnv(v))
	if err != nil {
		f.Fatal(err)
	}
	d := e.(*native.Dialect)
	good := token("alice")
	f.Fuzz(func(t *testing.T, s string) {
		user, err := native.ReadToken(d, s)
		if err == nil && s != good && user != core.UserID("alice") {
			t.Errorf("%q is believed to be of %s", s, user)
		}
	})
}

// FuzzRequest: no body makes a decoder fall over, and what it takes is valid.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{}`, `{"id":"a","members":[{"user":"b"}]}`, `{"extra":{"a":[1,2,{"b":null}]}}`, `{"text":"\ud800","attachments":[{}]}`, `[`, `{"id":1e99}`} {
		f.Add([]byte(s))
	}
	v := vendor()
	e, err := v.Entry.New(adaptertestEnv(v))
	if err != nil {
		f.Fatal(err)
	}
	routes := e.Routes()
	f.Fuzz(func(t *testing.T, body []byte) {
		for i := range routes {
			if !routes[i].Upload {
				native.Decode(e.(*native.Dialect), i, body)
			}
		}
	})
}

// FuzzMerge: a patched object is an object, and patching twice changes nothing more.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(`{"a":1}`), []byte(`{"a":null,"b":2}`))
	f.Fuzz(func(t *testing.T, old, patch []byte) {
		if !isObject(old) || !isObject(patch) || len(old)+len(patch) > 1000 {
			return
		}
		one, err := native.Merged(old, patch)
		if err != nil {
			t.Fatal(err)
		}
		if len(one) > 0 && !isObject(one) {
			t.Fatalf("%s with %s makes %s", old, patch, one)
		}
		two, err := native.Merged(one, patch)
		if err != nil || len(gjson.ParseBytes(two).Map()) != len(gjson.ParseBytes(one).Map()) {
			t.Errorf("%s, then %s (%v)", one, two, err)
		}
	})
}

func isObject(b []byte) bool {
	var m map[string]json.RawMessage
	return json.Unmarshal(b, &m) == nil && m != nil && gjson.ParseBytes(b).IsObject()
}
