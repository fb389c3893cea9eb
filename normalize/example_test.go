package normalize_test

import (
	"encoding/json"
	"fmt"

	"dragoman/adapters/agora"
	"dragoman/adapters/catalogs"
	"dragoman/adapters/stream"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// A vendor's answer becomes a canonical error, and the canonical error the words of another vendor.
func Example() {
	u := &normalize.Upstream{
		Status: 403,
		Body:   []byte(`{"error":"forbidden_op","error_description":"Can not join this group, reason: user: alice already in group: 4711."}`),
	}
	p, failed := normalize.FromUpstream(agora.Vendor(), u, normalize.Reading{})
	if !failed {
		return
	}
	fmt.Println(p.Code, p.Class, p.Retryable, p.Fault)
	fmt.Println(p.Original.Row, string(p.Original.Code))

	p.Speak(stream.Catalog())
	p.Op = "AddMembers"
	n := stream.EncodeError(p)
	fmt.Println(n.Status, string(n.Body))
	// Output:
	// group.already_member ALREADY_EXISTS no client
	// AR028 "forbidden_op"
	// 400 {"code":4,"message":"AddMembers failed with error: \"The user is a member already.\"","StatusCode":400,"duration":"0.00ms","more_info":"https://getstream.io/chat/docs/api_errors_response","details":[],"exception_fields":{}}
}

// One code at a time, without bodies: what does another vendor call it, and how well does it fit?
func ExampleSet_Translate() {
	t, ok := catalogs.All().Translate("nexconn", normalize.Answer{Code: json.RawMessage("25460")}, "cometchat")
	if !ok {
		return
	}
	fmt.Println(t.Reason, t.To.CodeText(), t.Fit)
	t, _ = catalogs.All().Translate("nexconn", normalize.Answer{Code: json.RawMessage("25460")}, "stream")
	fmt.Println(t.Reason, t.To.CodeText(), t.Fit)
	// Output:
	// friend.already_friends ERR_ALREADY_FRIEND exact
	// friend.already_friends 4 fallback
}

// The same error in the three modes: the status line, the type and the members at the top differ.
func ExampleRender() {
	p := normalize.New(fault.ResourceNotFound.Error("channel messaging:general does not exist"), normalize.OriginCore, stream.Catalog())
	for _, mode := range []normalize.Mode{normalize.ModeNative, normalize.ModeBoth, normalize.ModeUnified} {
		out := normalize.Render(p, stream.EncodeError(p), mode, normalize.RenderOptions{})
		var members map[string]json.RawMessage
		if err := json.Unmarshal(out.Body, &members); err != nil {
			return
		}
		_, beside := members["dragoman_error"]
		fmt.Println(mode, out.Status, out.ContentType, beside, out.Header[len(out.Header)-4].Value)
	}
	// Output:
	// native 404 application/json false code="resource.not_found", class=NOT_FOUND, retryable=no, origin=core
	// both 404 application/json true code="resource.not_found", class=NOT_FOUND, retryable=no, origin=core
	// unified 404 application/problem+json false code="resource.not_found", class=NOT_FOUND, retryable=no, origin=core
}

// A wildcard never chooses the unified document: vendor SDKs send some.
func ExampleChoose() {
	fmt.Println(normalize.Choose("", "application/json, text/plain, */*", "", normalize.ModeBoth))
	fmt.Println(normalize.Choose("", "application/problem+json", "", normalize.ModeBoth))
	fmt.Println(normalize.Choose("native", "application/problem+json", "", normalize.ModeBoth))
	// Output:
	// both
	// unified
	// native
}

// An error that came back through a chain of proxies reads the same as at its source.
func ExampleParseProblem() {
	doc := `{"type":"urn:dragoman:error:rate.limited","code":"rate.limited","status":429,"class":"RESOURCE_EXHAUSTED","retryable":"after","retry_after":7,"original":{"provider":"stream","code":9}}`
	p, ok := normalize.ParseProblem([]byte(doc))
	fmt.Println(ok, p.Code, p.RetryAfter, string(p.Original.Code))
	// Output:
	// true rate.limited 7s 9
}
