package catalogs_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/agora"
	"dragoman/adapters/catalogs"
	"dragoman/adapters/cometchat"
	"dragoman/adapters/nexconn"
	"dragoman/adapters/stream"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// at is the moment of every test.
var at = time.Date(2026, 11, 20, 22, 59, 14, 0, time.UTC)

// vendor finds a vendor or ends the test.
func vendor(t testing.TB, name string) normalize.Vendor {
	t.Helper()
	v, ok := catalogs.All().Vendor(name)
	if !ok {
		t.Fatalf("no vendor %s", name)
	}
	return v
}

// upstream is a plain JSON answer.
func upstream(status int, body string, headers ...string) *normalize.Upstream {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &normalize.Upstream{Status: status, Header: h.Get, Body: []byte(body)}
}

// read makes the document of an answer or ends the test.
func read(t testing.TB, name string, u *normalize.Upstream, o normalize.Reading) *normalize.Problem {
	t.Helper()
	o.Now = at
	p, ok := normalize.FromUpstream(vendor(t, name), u, o)
	if !ok {
		t.Fatalf("%s: %d %.80s read as a success", name, u.Status, u.Body)
	}
	return p
}

// Pitfall 1: the JSON type of the code survives three hops.
func TestPitfall01CodeKeepsItsTypeOverThreeHops(t *testing.T) {
	cases := []struct {
		vendor string
		u      *normalize.Upstream
		code   string
	}{
		{"stream", upstream(500, `{"code":-1,"message":"x"}`), `-1`},
		{"nexconn", upstream(400, `{"code":1002,"errorMessage":"x"}`), `1002`},
		{"agora-rest", upstream(403, `{"error":"forbidden_op","error_description":"New owner and old owner are the same."}`), `"forbidden_op"`},
		{"agora-rest", upstream(400, `{"result":"too many queries"}`), `"N/A"`},
		{"stream", upstream(418, `{"code":null}`), `null`},
	}
	for _, c := range cases {
		t.Run(c.code, func(t *testing.T) {
			doc := read(t, c.vendor, c.u, normalize.Reading{Hop: "hop-1"}).AppendJSON(nil)
			for hop := 2; hop <= 3; hop++ {
				u := upstream(502, string(doc), "Content-Type", "application/problem+json")
				doc = read(t, c.vendor, u, normalize.Reading{Hop: fmt.Sprintf("hop-%d", hop), Trusted: true}).AppendJSON(nil)
			}
			if got := gjson.GetBytes(doc, "original.code").Raw; got != c.code {
				t.Errorf("after three hops the code is %s, want %s", got, c.code)
			}
			if n := len(gjson.GetBytes(doc, "via").Array()); n != 3 {
				t.Errorf("%d hops in via, want 3", n)
			}
		})
	}
}

// Pitfall 2: an error may come on HTTP 200.
func TestPitfall02ErrorOnHTTP200(t *testing.T) {
	p := read(t, "nexconn", upstream(200, `{"code":1015,"errorMessage":"nothing to delete"}`), normalize.Reading{})
	if p.Original.Row != "NX025" || p.Original.Status != 200 || p.Reason != fault.ResourceNotFound {
		t.Errorf("nexconn: %+v", p.Original)
	}
	p = read(t, "cometchat", upstream(200, `{"error":{"code":"ERR_UID_NOT_FOUND","message":"m"}}`), normalize.Reading{})
	if p.Original.Row != "CC021" || p.Reason != fault.UserNotFound {
		t.Errorf("cometchat: %+v", p.Original)
	}
	for name, body := range map[string]string{"nexconn": `{"code":0}`, "cometchat": `{"data":{"error":{}}}`, "stream": `{}`, "agora-rest": `{"error":"x"}`} {
		if _, ok := normalize.FromUpstream(vendor(t, name), upstream(200, body), normalize.Reading{}); ok {
			t.Errorf("%s: success %s read as an error", name, body)
		}
	}
	for _, body := range []string{`{"code":200}`, `{"code":10000,"msg":"ok"}`} {
		if _, ok := normalize.FromUpstream(vendor(t, "nexconn"), upstream(200, body), normalize.Reading{}); ok {
			t.Errorf("classic success %s read as an error", body)
		}
	}
}

// Pitfall 3: bodies that are not JSON, empty, cut short, compressed, huge, HTML.
func TestPitfall03BodiesOfEveryKind(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write([]byte(`{"code":17,"message":"no"}`))
	w.Close()
	var bomb bytes.Buffer
	w = gzip.NewWriter(&bomb)
	w.Write(bytes.Repeat([]byte("0"), 8<<20))
	w.Close()
	big := `{"code":17,"message":"` + strings.Repeat("x", 5<<20) + `"}`
	cases := []struct {
		name, body string
		encoding   string
		reason     *fault.Reason
		format     string
	}{
		{"text", "edge says no", "", fault.UpstreamUnrecognised, "text"},
		{"empty", "", "", fault.UpstreamUnrecognised, "none"},
		{"html", "<html><body><h1>502 Bad Gateway</h1></body></html>", "", fault.UpstreamUnrecognised, "text"},
		{"cut short", `{"code":17,"mess`, "", fault.PermissionDenied, "none"},
		{"gzip", z.String(), "gzip", fault.PermissionDenied, "json"},
		{"gzip cut short", z.String()[:15], "gzip", fault.UpstreamUnrecognised, "none"},
		{"gzip bomb", bomb.String(), "gzip", fault.UpstreamUnrecognised, "text"},
		{"5 MB", big, "", fault.PermissionDenied, "none"},
		{"binary", "\x00\xff\xfe", "", fault.UpstreamUnrecognised, "none"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := read(t, "stream", upstream(403, c.body, "Content-Encoding", c.encoding), normalize.Reading{Expose: normalize.ExposeBody})
			if p.Reason != c.reason || p.Original.Format != c.format || p.Original.Status != 403 {
				t.Errorf("%s %s %d, want %s %s", p.Reason, p.Original.Format, p.Original.Status, c.reason, c.format)
			}
			doc := p.AppendJSON(nil)
			if !json.Valid(doc) || len(doc) > 8<<10 {
				t.Errorf("document of %d bytes, valid %v", len(doc), json.Valid(doc))
			}
		})
	}
}

// Pitfall 4: codes with side effects are never a fallback for something else.
func TestPitfall04FallbacksHaveNoSideEffects(t *testing.T) {
	for _, r := range fault.All() {
		if row, _ := stream.Catalog().ToVendor(r, ""); row.CodeText() == "40" && r != fault.AuthTokenExpired {
			t.Errorf("stream: %s says code 40, which makes the SDK reload its token for ever", r)
		}
		if row, _ := cometchat.Catalog().ToVendor(r, ""); row.CodeText() == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND" &&
			!strings.HasPrefix(r.Name(), "auth.token_") && r != fault.SessionKicked {
			t.Errorf("cometchat: %s logs the user out", r)
		}
		if row, _ := nexconn.Catalog().ToVendor(r, ""); row.Status >= 500 && r.Blame() == fault.BlameClient {
			t.Errorf("nexconn: %s answers %d, which drives the app off our host", r, row.Status)
		}
	}
	for r := range nexconn.Catalog().Rows() {
		if r.Status >= 500 && r.Reason.Blame() == fault.BlameClient {
			t.Errorf("nexconn: %s is a business error on %d", r.ID, r.Status)
		}
	}
	n := nexconn.EncodeError(normalize.New(fault.ServerInternal.Error(""), normalize.OriginCore, nexconn.Catalog()))
	if soft := nexconn.Soften(n); n.Status != 500 || soft.Status != 200 || !bytes.Equal(soft.Body, n.Body) {
		t.Errorf("soft_5xx: %d to %d", n.Status, soft.Status)
	}
}

// Pitfall 5: when our own credential is refused upstream the client did nothing wrong.
func TestPitfall05OwnCredentialFailure(t *testing.T) {
	cases := []struct {
		vendor string
		u      *normalize.Upstream
	}{
		{"stream", upstream(401, `{"code":43,"message":"signature is not valid"}`)},
		{"cometchat", upstream(401, `{"error":{"code":"AUTH_ERR_AUTH_TOKEN_NOT_FOUND"}}`)},
		{"agora-rest", upstream(401, `{"error":"unauthorized","error_description":"Unable to authenticate due to expired access token."}`)},
		{"nexconn", upstream(403, `<html>`)},
	}
	for _, c := range cases {
		p := read(t, c.vendor, c.u, normalize.Reading{OwnCredential: true})
		if p.Reason != fault.UpstreamBadGateway || p.Status != 502 || p.Fault != fault.BlameInfra {
			t.Errorf("%s: %s %d", c.vendor, p.Code, p.Status)
		}
		if p.Original.Status != c.u.Status {
			t.Errorf("%s: the original status is lost", c.vendor)
		}
	}
	p := read(t, "stream", cases[0].u, normalize.Reading{})
	if p.Reason != fault.AuthTokenSignatureInvalid {
		t.Errorf("the client's own credential: %s", p.Code)
	}
}

// Pitfall 6: a 429 that must not be retried, and a 400 that should be.
func TestPitfall06RetryAdviceComesFromTheMeaning(t *testing.T) {
	p := read(t, "agora-rest", upstream(429, `{"error":"resource_limited","error_description":"You have exceeded the limit of the free edition. Please upgrade to higher edition."}`, "Retry-After", "5"), normalize.Reading{})
	if p.Original.Row != "AR045" || p.Retryable != fault.RetryNo || p.RetryHeader() != "" || p.RetryAfter != 0 {
		t.Errorf("AR045: %s %s %v", p.Original.Row, p.Retryable, p.RetryAfter)
	}
	p = read(t, "agora-rest", upstream(400, `{"result":"too many queries"}`, "Retry-After", "5"), normalize.Reading{})
	if p.Original.Row != "AR023" || p.Retryable != fault.RetryAfter || p.RetryAfter != 5*time.Second {
		t.Errorf("AR023: %s %s %v", p.Original.Row, p.Retryable, p.RetryAfter)
	}
}

// Pitfall 7: two rows with one wire form.
func TestPitfall07OneWireFormTwoRows(t *testing.T) {
	body := `{"error":"service_resource_not_found","error_description":"Service resource not found"`
	cases := []struct{ path, exception, row string }{
		{"/org/app/users/bob", "", "AR040"},
		{"/org/app/chatgroups/1", "", "AR038"},
		{"/org/app/chatgroups/1/users/bob", "", "AR038"},
		{"/org/app/chatgroups/1", "UserNotFoundException", "AR040"},
		{"/org/app/users/bob", "com.easemob.group.exception.ServiceResourceNotFoundException", "AR038"},
		{"", "", "AR038"},
	}
	for _, c := range cases {
		text := body + "}"
		if c.exception != "" {
			text = body + `,"exception":"` + c.exception + `"}`
		}
		u := upstream(404, text)
		u.Path = c.path
		if p := read(t, "agora-rest", u, normalize.Reading{}); p.Original.Row != c.row {
			t.Errorf("%s %s: %s, want %s", c.path, c.exception, p.Original.Row, c.row)
		}
	}
}

// Pitfall 8: a number means nothing without its provider.
func TestPitfall08SameNumberOtherProvider(t *testing.T) {
	cases := []struct{ number, nexconn, sdk string }{
		{"400", "user.not_found", "file.not_found"},
		{"404", "request.endpoint_not_found", "operation.failed"},
		{"1000", "request.invalid", "operation.failed"},
		{"1001", "auth.api_key_invalid", "friend.limit_reached"},
		{"1002", "request.invalid", "friend.limit_reached"},
	}
	for _, c := range cases {
		a := normalize.Answer{Code: json.RawMessage(c.number), SDK: "ios"}
		nx, _ := nexconn.Catalog().FromVendor(a)
		as, _ := agora.SDKCatalog().FromVendor(a)
		if nx.Reason.Name() != c.nexconn || as.Reason.Name() != c.sdk {
			t.Errorf("%s: nexconn %s, agora sdk %s", c.number, nx.Reason, as.Reason)
		}
	}
	if r, _ := agora.SDKCatalog().FromVendor(normalize.Answer{Code: json.RawMessage("500"), SDK: "ios"}); r.Reason != fault.MessageInvalid {
		t.Errorf("agora sdk 500: %v", r.Reason)
	}
	if r, m := nexconn.Catalog().FromVendor(normalize.Answer{Status: 500}); r.ID != "NX009" || m != normalize.MatchStatus {
		t.Errorf("nexconn HTTP 500: %s %s", r.ID, m)
	}
	if r, m := nexconn.Catalog().FromVendor(normalize.Answer{Status: 400}); r.ID != "NX002" || m != normalize.MatchStatus {
		t.Errorf("nexconn HTTP 400 without a business code: %s %s", r.ID, m)
	}
}

// Pitfall 9: the same number in another generation of the SDK is another error.
func TestPitfall09SameNumberOtherSDK(t *testing.T) {
	for _, tag := range []string{"", "web", "something"} {
		if r, m := agora.SDKCatalog().FromVendor(normalize.Answer{Code: json.RawMessage("604"), SDK: tag}); m != normalize.MatchNone {
			t.Errorf("tag %q: 604 guessed to be %s", tag, r.ID)
		}
	}
	if r, _ := agora.SDKCatalog().FromVendor(normalize.Answer{Code: json.RawMessage("604"), SDK: "android"}); r.Reason != fault.GroupFull {
		t.Errorf("native 604 is %s", r.ID)
	}
}

// Pitfall 10: early errors come without a path, so there is a body that suits three dialects.
func TestPitfall10EarlyErrorWithoutPath(t *testing.T) {
	p := normalize.New(fault.RequestHeadersTooLarge.Error(""), normalize.OriginProxy, nil)
	n := normalize.Neutral(p)
	d := gjson.ParseBytes(n.Body)
	if n.Status != 431 || d.Get("code").Raw != "-1" || d.Get("StatusCode").Int() != 431 ||
		!d.Get("error").IsObject() || d.Get("errorMessage").String() == "" || d.Get("data").Exists() {
		t.Errorf("%s", n.Body)
	}
	if !gjson.GetBytes(normalize.Both(n.Body, p), "dragoman_error.code").Exists() {
		t.Error("the document cannot be spliced in")
	}
}

// Pitfall 11: the text of a panic, or of any failure of ours, never reaches a client.
func TestPitfall11NothingInternalIsShown(t *testing.T) {
	secret := "runtime error: index out of range [5] goroutine 7 /srv/app/store.go:17 dsn=postgres://u:p@db"
	for _, r := range fault.All() {
		if r.Blame() == fault.BlameClient || r == fault.Success {
			continue
		}
		e := r.Error(secret).Cause(fmt.Errorf("%s", secret))
		for _, v := range catalogs.All().Vendors() {
			if v.Encode == nil {
				continue
			}
			p := normalize.New(e, normalize.OriginCore, v.Catalog)
			p.RequestID = "01JD3Z"
			for _, m := range []normalize.Mode{normalize.ModeNative, normalize.ModeBoth, normalize.ModeUnified} {
				out := normalize.Render(p, v.Encode(p), m, normalize.RenderOptions{})
				if strings.Contains(fmt.Sprintf("%s %v", out.Body, out.Header), "goroutine") {
					t.Errorf("%s %s %s shows %s", v.Catalog.Name(), r, m, out.Body)
				}
			}
		}
	}
}

// Pitfall 12: no member of ours has a name that an SDK gives a meaning to.
func TestPitfall12NoMemberChangesWhatAnSDKSees(t *testing.T) {
	forbidden := map[string][]string{
		"stream": {"error"}, "cometchat": {"data"}, "agora-rest": {"data", "desc", "status", "code"}, "nexconn": {"data", "result"},
	}
	for _, v := range catalogs.All().Vendors() {
		if v.Encode == nil {
			continue
		}
		for r := range v.Catalog.Rows() {
			p := normalize.New(r.Reason.Error("").With(r.Variant), normalize.OriginCore, v.Catalog)
			n := v.Encode(p)
			for _, body := range [][]byte{n.Body, normalize.Both(n.Body, p)} {
				if !gjson.ValidBytes(body) || !gjson.ParseBytes(body).IsObject() {
					t.Fatalf("%s: not a JSON object: %s", r.ID, body)
				}
				for _, name := range forbidden[v.Catalog.Name()] {
					if gjson.GetBytes(body, name).Exists() {
						t.Errorf("%s: member %q in %s", r.ID, name, body)
					}
				}
			}
			if v.Catalog.Name() == "agora-rest" {
				presence := string(r.Code) == `"N/A"`
				if gjson.GetBytes(n.Body, "result").Exists() != presence || gjson.GetBytes(n.Body, "error_code").Exists() {
					t.Errorf("%s: %s", r.ID, n.Body)
				}
			}
		}
	}
}

// Pitfall 13: the web SDK goes by parts of the text, so texts of rows are kept to the letter and
// sentences of ours hold none of those parts.
func TestPitfall13AgoraTexts(t *testing.T) {
	p := normalize.New(fault.GroupAlreadyMember.Error("bob is in there"), normalize.OriginCore, agora.Catalog())
	p.Params = []normalize.Param{{Name: "username", Value: "bob"}, {Name: "group_id", Value: "4711"}}
	if got, want := agora.EncodeError(p).Message, "Can not join this group, reason: user: bob already in group: 4711."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for r := range agora.Catalog().Rows() {
		if strings.ContainsAny(r.Message, "{") {
			continue
		}
		p := normalize.New(r.Reason.Error("ours").With(r.Variant), normalize.OriginCore, agora.Catalog())
		if got := agora.EncodeError(p).Message; got != r.Message {
			t.Errorf("%s: %q, want %q", r.ID, got, r.Message)
		}
	}
	odd := normalize.New(fault.MessageNotOwner.Error("user not found"), normalize.OriginCore, agora.Catalog())
	if got := agora.EncodeError(odd).Message; strings.Contains(got, "user not found") {
		t.Errorf("a sentence of ours trips the SDK's rule: %q", got)
	}
	full := normalize.New(fault.GroupFull.Error(""), normalize.OriginCore, agora.Catalog())
	if n := agora.EncodeError(full); n.Message != "group member list is full!" || n.Status != 403 {
		t.Errorf("%d %q", n.Status, n.Message)
	}
}

// Pitfall 14: wildcards in Accept never choose the unified document.
func TestPitfall14WildcardAcceptStaysNative(t *testing.T) {
	for _, accept := range []string{"", "*/*", "application/*", "application/json, text/plain, */*", "application/json", "application/json, application/problem+json;q=0.5", "application/problem+json;q=0"} {
		if m := normalize.Choose("", accept, "", normalize.ModeNative); m != normalize.ModeNative {
			t.Errorf("Accept %q chooses %s", accept, m)
		}
	}
	for _, accept := range []string{"application/problem+json", "application/json;q=0.9, Application/Problem+JSON", "application/problem+json, application/json"} {
		if m := normalize.Choose("", accept, normalize.ModeBoth, normalize.ModeNative); m != normalize.ModeUnified {
			t.Errorf("Accept %q chooses %s", accept, m)
		}
	}
	if m := normalize.Choose("NATIVE", "application/problem+json", normalize.ModeBoth, normalize.ModeBoth); m != normalize.ModeNative {
		t.Errorf("the request header lost to Accept: %s", m)
	}
	if m := normalize.Choose("nonsense", "*/*", normalize.ModeBoth, normalize.ModeNative); m != normalize.ModeBoth {
		t.Errorf("the app's setting is ignored: %s", m)
	}
}

// Pitfall 15: browsers hide headers that are not listed.
func TestPitfall15EveryHeaderIsExposed(t *testing.T) {
	exposed := map[string]bool{}
	for _, h := range normalize.ExposedHeaders {
		exposed[h] = true
	}
	p := normalize.New(fault.RequestPayloadTooLarge.Error("").After(time.Second), normalize.OriginProxy, stream.Catalog())
	p.RequestID, p.TraceID = "01JD3Z", "4bf92f3577b34da6a3ce929d0e0e4736"
	out := normalize.Render(p, stream.EncodeError(p), normalize.ModeBoth, normalize.RenderOptions{TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
	seen := map[string]string{}
	for _, h := range out.Header {
		seen[h.Name] = h.Value
		if !exposed[h.Name] && h.Name != "Vary" && h.Name != "X-Content-Type-Options" {
			t.Errorf("%s would be hidden", h.Name)
		}
	}
	for _, want := range []string{"Dragoman-Error", "Dragoman-Original", "X-Request-Id", "Traceparent"} {
		if seen[want] == "" {
			t.Errorf("no %s", want)
		}
	}
	if seen["Vary"] != "Accept, Dragoman-Error-Format" {
		t.Errorf("Vary: %s", seen["Vary"])
	}
}

// Pitfall 16: answers to HEAD have no body, and neither has 204.
func TestPitfall16NoBody(t *testing.T) {
	p := normalize.New(fault.UserNotFound.Error(""), normalize.OriginCore, stream.Catalog())
	n := stream.EncodeError(p)
	for _, m := range []normalize.Mode{normalize.ModeNative, normalize.ModeBoth, normalize.ModeUnified} {
		out := normalize.Render(p, n, m, normalize.RenderOptions{Method: "HEAD"})
		if len(out.Body) != 0 || out.Status != 404 || len(out.Header) == 0 {
			t.Errorf("%s: HEAD answered with %d bytes", m, len(out.Body))
		}
	}
	n.Status = 204
	if out := normalize.Render(p, n, normalize.ModeNative, normalize.RenderOptions{Method: "GET"}); len(out.Body) != 0 {
		t.Error("204 with a body")
	}
}

// Pitfall 17: errors of the caller never count against a breaker.
func TestPitfall17CallerErrorsDoNotTripTheBreaker(t *testing.T) {
	bad := 0
	for range 10_000 {
		p := read(t, "stream", upstream(404, `{"code":16,"message":"no such channel"}`), normalize.Reading{})
		if p.Loggable() {
			bad++
		}
	}
	if bad != 0 {
		t.Errorf("%d of 10,000 4xx answers count as failures", bad)
	}
	for _, r := range fault.All() {
		if want := r.Blame() == fault.BlameServer || r.Blame() == fault.BlameInfra; normalize.Counts(r) != want {
			t.Errorf("%s: counts %v", r, !want)
		}
	}
}

// Pitfall 18: wrapping twice changes nothing but via and the request id.
func TestPitfall18WrapTwice(t *testing.T) {
	strip := func(doc []byte) string {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(doc, &m); err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"via", "request_id", "instance", "trace_id"} {
			delete(m, k)
		}
		if strings.Contains(string(m["detail"]), "is logged under request") {
			delete(m, "detail")
		}
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for _, v := range catalogs.All().Vendors() {
		if v.Encode == nil {
			continue
		}
		for r := range v.Catalog.Rows() {
			if r.Reason == fault.Success {
				continue
			}
			p := normalize.New(r.Reason.Error("some detail").With(r.Variant), normalize.OriginCore, v.Catalog)
			p.RequestID = "first"
			once := normalize.Render(p, v.Encode(p), normalize.ModeUnified, normalize.RenderOptions{})
			again := read(t, v.Catalog.Name(), upstream(once.Status, string(once.Body), "Content-Type", once.ContentType), normalize.Reading{Trusted: true, Hop: "b"})
			again.RequestID = "second"
			if a, b := strip(once.Body), strip(again.AppendJSON(nil)); a != b {
				t.Errorf("%s changed:\n%s\n%s", r.ID, a, b)
			}
			if again.Via[0].RequestID != "first" {
				t.Errorf("%s: the inner request id is lost", r.ID)
			}
		}
	}
}
