package stream_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/stream"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// wire is what Stream's Go SDK decodes an error into.
type wire struct {
	Code            int               `json:"code"`
	Message         string            `json:"message"`
	StatusCode      int               `json:"StatusCode"`
	Duration        string            `json:"duration"`
	MoreInfo        string            `json:"more_info"`
	Details         []int             `json:"details"`
	ExceptionFields map[string]string `json:"exception_fields"`
}

func TestCatalogHasTwentyFiveRows(t *testing.T) {
	if n := stream.Catalog().Len(); n != 25 {
		t.Fatalf("got %d rows, want 25", n)
	}
}

func TestEncodeErrorIsExact(t *testing.T) {
	cases := []struct {
		name string
		err  *fault.Error
		op   string
		want string
	}{
		{
			"operation named", fault.RequestInvalid.Error("bad id"), "SendMessage",
			`{"code":4,"message":"SendMessage failed with error: \"bad id\"","StatusCode":400,"duration":"0.00ms","more_info":"https://getstream.io/chat/docs/api_errors_response","details":[],"exception_fields":{}}`,
		},
		{
			"internal", fault.StorageUnavailable.Wrap(errors.New("disk /var/lib/x is full")), "SendMessage",
			`{"code":-1,"message":"SendMessage failed with error: \"The data store cannot be reached or timed out.\"","StatusCode":500,"duration":"0.00ms","more_info":"https://getstream.io/chat/docs/api_errors_response","details":[],"exception_fields":{}}`,
		},
		{
			"token text", fault.AuthTokenExpired.Error(""), "QueryChannels",
			`{"code":40,"message":"QueryChannels failed with error: \"JWTAuth error: token is expired (exp)\"","StatusCode":401,"duration":"0.00ms","more_info":"https://getstream.io/chat/docs/api_errors_response","details":[],"exception_fields":{}}`,
		},
		{
			"before the operation is known", fault.RequestHeadersTooLarge.Error(""), "",
			`{"code":24,"message":"Request failed with error: \"The request headers are too large.\"","StatusCode":431,"duration":"0.00ms","more_info":"https://getstream.io/chat/docs/api_errors_response","details":[],"exception_fields":{}}`,
		},
		{
			"unknown route", fault.RequestEndpointNotFound.Error(""), "",
			`{"code":16,"message":"Request failed with error: \"Not Found\"","StatusCode":404,"duration":"0.00ms","more_info":"https://getstream.io/chat/docs/api_errors_response","details":[],"exception_fields":{}}`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := normalize.New(c.err, normalize.OriginCore, stream.Catalog())
			p.Op = c.op
			if got := string(stream.EncodeError(p).Body); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestEncodeErrorOfEveryReasonSuitsTheSDK(t *testing.T) {
	for _, r := range fault.All() {
		if r == fault.Success {
			continue
		}
		e := r.Error("x \"quoted\"\n")
		e.Fields = []fault.Field{{Pointer: "/message/text", Detail: "too long"}, {Pointer: "/message/text", Detail: "and odd"}, {Pointer: "?limit", Detail: "x"}}
		n := stream.EncodeError(normalize.New(e, normalize.OriginCore, stream.Catalog()))
		var w wire
		if err := json.Unmarshal(n.Body, &w); err != nil {
			t.Fatalf("%s: %v\n%s", r, err, n.Body)
		}
		if n.Status < 400 || w.StatusCode != n.Status || w.Details == nil || w.Message == "" {
			t.Errorf("%s: %s", r, n.Body)
		}
		if w.ExceptionFields["message.text"] != "too long" || w.ExceptionFields["limit"] != "x" {
			t.Errorf("%s: exception_fields %v", r, w.ExceptionFields)
		}
		if w.Code == 40 && r != fault.AuthTokenExpired {
			t.Errorf("%s carries code 40, which makes SDKs reload the token for ever", r)
		}
		if r.Blame() == fault.BlameServer && strings.Contains(w.Message, "quoted") {
			t.Errorf("%s shows detail of a failure of ours: %s", r, w.Message)
		}
	}
}

func TestConnectionErrorFrame(t *testing.T) {
	at := time.Date(2026, 11, 20, 22, 59, 14, 0, time.UTC)
	p := normalize.New(fault.AuthTokenExpired.Error(""), normalize.OriginProxy, stream.Catalog())
	frame, code := stream.ConnectionError(p, at, normalize.ModeNative)
	want := `{"type":"connection.error","created_at":"2026-11-20T22:59:14Z","connection_id":"","error":{"code":40,"message":"JWTAuth error: token is expired (exp)","StatusCode":401,"duration":"","more_info":"","details":[],"exception_fields":{}}}`
	if string(frame) != want || code != 1000 {
		t.Errorf("code %d\ngot  %s\nwant %s", code, frame, want)
	}
	both, _ := stream.ConnectionError(p, at, normalize.ModeBoth)
	if !strings.Contains(string(both), `"dragoman_error":{"type":"urn:dragoman:error:auth.token_expired"`) || !json.Valid(both) {
		t.Errorf("mode both: %s", both)
	}
}

func TestConnectionErrorLetsClientsComeBackAfterAnOutage(t *testing.T) {
	for _, r := range []*fault.Reason{fault.ServerUnavailable, fault.StorageUnavailable, fault.UpstreamCircuitOpen, fault.RateLimited} {
		p := normalize.New(r.Error(""), normalize.OriginProxy, stream.Catalog())
		if frame, code := stream.ConnectionError(p, time.Time{}, normalize.ModeBoth); frame != nil || code == 1000 {
			t.Errorf("%s: frame %q, close %d; the SDK would never reconnect", r, frame, code)
		}
	}
}

func TestReadErrorKeepsTheCodeAsItIs(t *testing.T) {
	u := &normalize.Upstream{Status: 500}
	a, ok := stream.ReadError(u, []byte(`{"code":-1,"message":"boom","StatusCode":500}`))
	if !ok || string(a.Code) != "-1" || a.Message != "boom" {
		t.Errorf("%v %+v", ok, a)
	}
	if _, ok := stream.ReadError(&normalize.Upstream{Status: 201}, nil); ok {
		t.Error("201 read as a failure")
	}
}
