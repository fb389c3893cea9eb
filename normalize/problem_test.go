package normalize_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"dragoman/adapters/agora"
	"dragoman/adapters/cometchat"
	"dragoman/adapters/stream"
	"dragoman/core/fault"
	"dragoman/normalize"
)

var now = time.Date(2026, 11, 20, 22, 59, 14, 0, time.UTC)

func TestProblemDocumentIsExact(t *testing.T) {
	e := fault.GroupAlreadyMember.Error("User alice is already in group 4711.").With("room")
	e.Fields = []fault.Field{{Pointer: "/name", Detail: "must not be empty", Reason: fault.RequestMissingField}}
	p := normalize.New(e, normalize.OriginCore, agora.Catalog())
	p.RequestID, p.TraceID = "01JD3Z", "4bf92f3577b34da6a3ce929d0e0e4736"
	n := agora.EncodeError(p)
	out := normalize.Render(p, n, normalize.ModeUnified, normalize.RenderOptions{})
	want := `{"type":"urn:dragoman:error:group.already_member","title":"The user is a member already.","status":409,` +
		`"detail":"User alice is already in group 4711.","instance":"urn:dragoman:request:01JD3Z","code":"group.already_member",` +
		`"variant":"room","class":"ALREADY_EXISTS","retryable":"no","retry_after":null,"retry_hint":"none","fault":"client",` +
		`"origin":"core","provider":"agora","dialect":"agora","request_id":"01JD3Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",` +
		`"errors":[{"pointer":"/name","detail":"must not be empty","code":"request.missing_field"}],` +
		`"original":{"provider":"agora","catalogue":"agora-rest@2026-11","row":"AR028","http_status":403,"code":"forbidden_op",` +
		`"name":"forbidden_op","message":"User alice is already in group 4711.","request_id":null,"body_format":"none","body_bytes":`
	if got := string(out.Body); !strings.HasPrefix(got, want) || out.Status != 409 || out.ContentType != "application/problem+json" {
		t.Errorf("%d %s\ngot  %s\nwant %s", out.Status, out.ContentType, got, want)
	}
}

func TestOriginalTellsWhatTheClientReceives(t *testing.T) {
	p := normalize.New(fault.UserNotFound.Error("no bob"), normalize.OriginCore, stream.Catalog())
	p.Op = "BanUser"
	out := normalize.Render(p, stream.EncodeError(p), normalize.ModeBoth, normalize.RenderOptions{})
	d := gjson.ParseBytes(out.Body)
	if d.Get("message").String() != d.Get("dragoman_error.original.message").String() || d.Get("code").Raw != d.Get("dragoman_error.original.code").Raw ||
		d.Get("StatusCode").Raw != d.Get("dragoman_error.original.http_status").Raw {
		t.Errorf("the document and the body disagree: %s", out.Body)
	}
	if p.Original.Message != "" {
		t.Error("Render changed its argument")
	}
}

func TestNativeAPIHasNoOriginal(t *testing.T) {
	p := normalize.New(fault.UserNotFound.Error(""), normalize.OriginCore, nil)
	if b := p.AppendJSON(nil); gjson.GetBytes(b, "original").Exists() || gjson.GetBytes(b, "dialect").Exists() {
		t.Errorf("%s", b)
	}
	if normalize.DefaultMode(p) != normalize.ModeUnified {
		t.Error("the native API answers in a vendor's shape")
	}
}

// TestUnifiedStatusIsTheStatusLine: the member and the status line never differ.
func TestUnifiedStatusIsTheStatusLine(t *testing.T) {
	for _, r := range fault.All() {
		p := normalize.New(r.Error(""), normalize.OriginCore, stream.Catalog())
		out := normalize.Render(p, stream.EncodeError(p), normalize.ModeUnified, normalize.RenderOptions{})
		if int(gjson.GetBytes(out.Body, "status").Int()) != out.Status {
			t.Errorf("%s: %d and %s", r, out.Status, out.Body)
		}
	}
	p := normalize.Loop(stream.Catalog())
	out := normalize.Render(p, stream.EncodeError(p), normalize.ModeUnified, normalize.RenderOptions{})
	if out.Status != 508 || p.Code != "upstream.bad_gateway" || p.Variant != "loop" {
		t.Errorf("a loop answers %d %s/%s", out.Status, p.Code, p.Variant)
	}
}

func TestDocumentIsValidForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := fault.RequestInvalid.Error(rapid.String().Draw(t, "detail"))
		e.Fields = []fault.Field{{Pointer: rapid.String().Draw(t, "pointer"), Detail: string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))}}
		p := normalize.New(e, normalize.OriginCore, stream.Catalog())
		p.RequestID, p.Op = rapid.String().Draw(t, "id"), rapid.String().Draw(t, "op")
		for _, m := range []normalize.Mode{normalize.ModeNative, normalize.ModeBoth, normalize.ModeUnified} {
			out := normalize.Render(p, stream.EncodeError(p), m, normalize.RenderOptions{})
			if !json.Valid(out.Body) {
				t.Fatalf("%s: %s", m, out.Body)
			}
		}
		back, ok := normalize.ParseProblem(p.AppendJSON(nil))
		if !ok || back.Text() != p.Text() || back.Code != p.Code || len(back.Errors) != 1 || back.Errors[0].Pointer != p.Errors[0].Pointer {
			t.Fatalf("reading back: %+v", back)
		}
	})
}

func TestExposeLimitsWhatClientsSee(t *testing.T) {
	v := stream.Vendor()
	u := &normalize.Upstream{Status: 403, Body: []byte(`{"code":17,"message":"alice may not do it","token":"abc","user":{"name":"x"}}`)}
	want := map[normalize.Expose][]bool{ // message shown, body shown
		normalize.ExposeCode: {false, false}, normalize.ExposeMessage: {true, false}, normalize.ExposeBody: {true, true},
	}
	for e, w := range want {
		p, _ := normalize.FromUpstream(v, u, normalize.Reading{Expose: e})
		b := string(p.AppendJSON(nil))
		if strings.Contains(b, "alice may not") != w[0] || strings.Contains(b, `"name":"x"`) != w[1] || strings.Contains(b, "abc") {
			t.Errorf("level %d: %s", e, b)
		}
		if gjson.Get(b, "original.code").Raw != "17" || gjson.Get(b, "original.body_bytes").Int() != int64(len(u.Body)) {
			t.Errorf("level %d: %s", e, b)
		}
	}
}

func TestUnknownErrorsAreCountedAndClassified(t *testing.T) {
	cases := []struct {
		status int
		class  fault.Code
		retry  fault.Retry
	}{
		{400, fault.CodeInvalidArgument, fault.RetryNo}, {401, fault.CodeUnauthenticated, fault.RetryNo}, {404, fault.CodeNotFound, fault.RetryNo},
		{429, fault.CodeResourceExhausted, fault.RetryYes}, {500, fault.CodeInternal, fault.RetryNo}, {503, fault.CodeUnavailable, fault.RetryYes}, {418, fault.CodeUnknown, fault.RetryNo},
	}
	for _, c := range cases {
		var counted []string
		o := normalize.Reading{Unrecognised: func(provider, code string) { counted = append(counted, provider+"/"+code) }}
		p, ok := normalize.FromUpstream(stream.Vendor(), &normalize.Upstream{Status: c.status, Body: []byte(`{"code":12345}`)}, o)
		if !ok || p.Reason != fault.UpstreamUnrecognised || p.Class != c.class || p.Retryable != c.retry || p.Original.Status != c.status {
			t.Errorf("%d: %+v", c.status, p)
		}
		if len(counted) != 1 || counted[0] != "stream/12345" {
			t.Errorf("%d: counted %v", c.status, counted)
		}
	}
}

func TestRedirectsAndOddStatusesBecome502(t *testing.T) {
	for _, status := range []int{0, 101, 302, 700} {
		u := &normalize.Upstream{Status: status, Body: []byte("x")}
		p, ok := normalize.FromUpstream(stream.Vendor(), u, normalize.Reading{})
		if !ok || p.Reason != fault.UpstreamBadGateway || normalize.Raw(u).Status != 502 {
			t.Errorf("%d: %+v", status, p)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	cases := []struct {
		value string
		want  time.Duration
	}{
		{"", 0}, {"7", 7 * time.Second}, {" 7 ", 7 * time.Second}, {"-1", 0}, {"1.5", 0}, {"soon", 0}, {"99999", time.Hour},
		{"99999999999999999999999", time.Hour}, {now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{now.Add(-time.Minute).Format(http.TimeFormat), 0},
	}
	for _, c := range cases {
		if got := normalize.ParseRetryAfter(c.value, now); got != c.want {
			t.Errorf("%q: %v, want %v", c.value, got, c.want)
		}
	}
	if got := normalize.ParseReset("1795215614", now); got < 0 || got > time.Hour {
		t.Errorf("reset: %v", got)
	}
}

// TestNativeHopKeepsTheCodeInItsHeaders: a proxy speaks Stream to another proxy's Stream core;
// the body knows the Stream code only, the header pair the rest.
func TestNativeHopKeepsTheCodeInItsHeaders(t *testing.T) {
	inner, _ := normalize.FromUpstream(agora.Vendor(), &normalize.Upstream{Status: 403, Body: []byte(`{"error":"forbidden_op","error_description":"New owner and old owner are the same."}`)}, normalize.Reading{})
	inner.Speak(stream.Catalog())
	out := normalize.Render(inner, stream.EncodeError(inner), normalize.ModeNative, normalize.RenderOptions{})
	h := http.Header{}
	for _, x := range out.Header {
		h.Set(x.Name, x.Value)
	}
	u := &normalize.Upstream{Status: out.Status, Body: out.Body, Header: h.Get}
	p, _ := normalize.FromUpstream(stream.Vendor(), u, normalize.Reading{Trusted: true})
	if p.Code != "group.role_conflict" || p.Variant != "same_owner" || p.Original.Row != "AR031" || string(p.Original.Code) != `"forbidden_op"` || p.Original.Status != 403 {
		t.Errorf("%s/%s %+v", p.Code, p.Variant, p.Original)
	}
	p, _ = normalize.FromUpstream(stream.Vendor(), u, normalize.Reading{})
	if p.Original.Provider != "stream" || p.Code != "request.invalid" {
		t.Errorf("the headers of an untrusted upstream were believed: %s %+v", p.Code, p.Original)
	}
}

func TestCodeOfANewerHopIsKept(t *testing.T) {
	doc := `{"type":"urn:dragoman:error:poll.closed","code":"poll.closed","title":"The poll is closed.","status":409,"class":"FAILED_PRECONDITION","retryable":"no","fault":"client","origin":"core","future":{"x":1}}`
	h := http.Header{"Content-Type": {"application/problem+json"}}
	p, _ := normalize.FromUpstream(stream.Vendor(), &normalize.Upstream{Status: 409, Body: []byte(doc), Header: h.Get}, normalize.Reading{Trusted: true})
	if p.Code != "poll.closed" || p.Class != fault.CodeFailedPrecondition || p.Status != 409 {
		t.Errorf("%+v", p)
	}
	if n := cometchat.EncodeError(p); n.Status < 400 || n.Status >= 500 {
		t.Errorf("the class does not decide: %d %s", n.Status, n.Body)
	}
	p, _ = normalize.FromUpstream(stream.Vendor(), &normalize.Upstream{Status: 409, Body: []byte(doc), Header: h.Get}, normalize.Reading{})
	if p.Code != "upstream.unrecognised" {
		t.Errorf("an untrusted document was adopted: %s", p.Code)
	}
}

func TestViaIsBounded(t *testing.T) {
	doc := normalize.New(fault.UserNotFound.Error(""), normalize.OriginCore, stream.Catalog()).AppendJSON(nil)
	h := http.Header{"Content-Type": {"application/problem+json"}}
	for range 20 {
		p, _ := normalize.FromUpstream(stream.Vendor(), &normalize.Upstream{Status: 404, Body: doc, Header: h.Get}, normalize.Reading{Trusted: true, Hop: "h", Now: now})
		doc = p.AppendJSON(nil)
	}
	if n := len(gjson.GetBytes(doc, "via").Array()); n != 8 {
		t.Errorf("%d hops", n)
	}
}

func TestNextHop(t *testing.T) {
	cases := []struct {
		received, next string
		looped         bool
	}{
		{"", "me", false}, {"a", "a, me", false}, {"a, me , b", "", true}, {strings.Repeat("x,", 20), "", true}, {"a\r\nb", "ab, me", false},
	}
	for _, c := range cases {
		if next, looped := normalize.NextHop(c.received, "me"); next != c.next || looped != c.looped {
			t.Errorf("%q: %q %v", c.received, next, looped)
		}
	}
}

func TestStripped(t *testing.T) {
	for name, want := range map[string]bool{"Dragoman-Error": true, "dragoman-hop": true, "Dragoman-Error-Format": false, "X-Request-Id": false} {
		if normalize.Stripped(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestHeadersAreStructuredFields(t *testing.T) {
	p := normalize.New(fault.AuthTokenExpired.Error("Grüße\r\nSet-Cookie: x"), normalize.OriginCore, stream.Catalog())
	p.RequestID = "a\r\nb"
	out := normalize.Render(p, stream.EncodeError(p), normalize.ModeNative, normalize.RenderOptions{})
	want := map[string]string{
		"Dragoman-Error":    `code="auth.token_expired", class=UNAUTHENTICATED, retryable=after, origin=core`,
		"Dragoman-Original": `provider="stream", row="ST010", status=401, code=40`,
		"X-Request-Id":      "ab",
	}
	for _, h := range out.Header {
		if w, ok := want[h.Name]; ok && h.Value != w {
			t.Errorf("%s: %s, want %s", h.Name, h.Value, w)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	if e := normalize.NoAnswer(errors.New("dial tcp: refused")); e.Reason != fault.UpstreamBadGateway {
		t.Error(e)
	}
	if e := normalize.NoAnswer(&http.MaxBytesError{}); e.Reason != fault.UpstreamBadGateway {
		t.Error(e)
	}
}

func TestBatch(t *testing.T) {
	one := normalize.New(fault.UserNotFound.Error(""), normalize.OriginCore, nil)
	two := normalize.New(fault.GroupFull.Error(""), normalize.OriginCore, nil)
	if all := normalize.WholeBatch([]*normalize.Problem{one, one}); all != one {
		t.Error("a batch that failed for one reason is not that error")
	}
	if all := normalize.WholeBatch([]*normalize.Problem{one, nil}); all != nil {
		t.Error("a partial failure is told as a whole one")
	}
	if all := normalize.WholeBatch([]*normalize.Problem{one, two}); all != nil {
		t.Error("two reasons are told as one")
	}
	b := normalize.AppendBatch(nil, []*normalize.Problem{nil, one})
	d := gjson.ParseBytes(b)
	if !json.Valid(b) || !d.Get("results.0.ok").Bool() || d.Get("results.1.error.code").String() != "user.not_found" || !d.Get("partial").Bool() {
		t.Errorf("%s", b)
	}
}

func TestAdoptedOriginalSurvivesAnotherDialect(t *testing.T) {
	born := normalize.New(fault.GroupFull.Error("no room"), normalize.OriginCore, stream.Catalog())
	inner := normalize.Render(born, stream.EncodeError(born), normalize.ModeUnified, normalize.RenderOptions{})
	h := http.Header{"Content-Type": {inner.ContentType}}
	p, _ := normalize.FromUpstream(stream.Vendor(), &normalize.Upstream{Status: inner.Status, Body: inner.Body, Header: h.Get}, normalize.Reading{Trusted: true})
	p.Speak(cometchat.Catalog())
	out := normalize.Render(p, cometchat.EncodeError(p), normalize.ModeBoth, normalize.RenderOptions{})
	d := gjson.GetBytes(out.Body, "dragoman_error")
	if d.Get("original.provider").String() != "stream" || d.Get("original.code").Raw != "4" || d.Get("dialect").String() != "cometchat" ||
		d.Get("original.message").String() != `Request failed with error: "no room"` || gjson.GetBytes(out.Body, "error.code").String() != "ERR_NO_VACANCY" {
		t.Errorf("%s", out.Body)
	}
}

func TestUnifiedAnswerIsNotMarkedCompressed(t *testing.T) {
	h := http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}}
	u := &normalize.Upstream{Status: 500, Body: []byte("\x1f\x8b\x08"), Header: h.Get}
	p, _ := normalize.FromUpstream(stream.Vendor(), u, normalize.Reading{})
	for _, x := range normalize.Render(p, normalize.Raw(u), normalize.ModeUnified, normalize.RenderOptions{}).Header {
		if x.Name == "Content-Encoding" {
			t.Error("a plain document says it is compressed")
		}
	}
	n := normalize.Raw(u)
	if n.Get("Content-Encoding") != "gzip" {
		t.Error("a compressed body lost its mark")
	}
}
