package cometchat_test

import (
	"encoding/json"
	"testing"

	"github.com/tidwall/gjson"

	"dragoman/adapters/cometchat"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// born makes a document in this dialect.
func born(e *fault.Error) *normalize.Problem {
	return normalize.New(e, normalize.OriginCore, cometchat.Catalog())
}

func TestCatalogHasEveryRow(t *testing.T) {
	if n := cometchat.Catalog().Len(); n != 116 {
		t.Errorf("%d rows, want 116", n)
	}
}

func TestEncodeErrorIsExact(t *testing.T) {
	e := fault.RequestInvalid.Error("Failed to validate the data sent with the request.")
	e.Fields = []fault.Field{
		{Pointer: "/uid", Detail: "The uid field is required."}, {Pointer: "/name", Detail: "The name field is required."},
		{Pointer: "/uid", Detail: "The uid may hold letters only."},
	}
	n := cometchat.EncodeError(born(e))
	want := `{"error":{"code":"ERR_BAD_REQUEST","message":"Failed to validate the data sent with the request.","devMessage":"Failed to validate the data sent with the request.","source":"chat-api","details":{"uid":["The uid field is required.","The uid may hold letters only."],"name":["The name field is required."]}}}`
	if string(n.Body) != want || n.Status != 400 {
		t.Errorf("%d\ngot  %s\nwant %s", n.Status, n.Body, want)
	}
}

func TestEncodeErrorNeverLooksLikeSuccess(t *testing.T) {
	for _, r := range fault.All() {
		if r == fault.Success {
			continue
		}
		n := cometchat.EncodeError(born(r.Error("")))
		if !json.Valid(n.Body) || gjson.GetBytes(n.Body, "data").Exists() || gjson.GetBytes(n.Body, "error.code").Type != gjson.String || n.Status < 400 {
			t.Errorf("%s: %d %s", r, n.Status, n.Body)
		}
	}
}

func TestEncodeItem(t *testing.T) {
	got := string(cometchat.EncodeItem(born(fault.UserNotFound.Error("no carol"))))
	want := `{"success":false,"error":{"code":"ERR_UID_NOT_FOUND","message":"no carol","devMessage":"no carol","source":"chat-api"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAuthFailureFrame(t *testing.T) {
	frame, code := cometchat.AuthFailure(born(fault.AuthTokenInvalid.Error("bad jwt")), "demo-comet")
	want := `{"appId":"demo-comet","type":"auth","body":{"code":"AUTH_ERR_AUTH_TOKEN_NOT_FOUND","status":"bad jwt"}}`
	if string(frame) != want || code != 1008 {
		t.Errorf("%d %s", code, frame)
	}
	if _, code := cometchat.AuthFailure(born(fault.StorageUnavailable.Error("")), "a"); code != 1013 {
		t.Errorf("an outage closes with %d", code)
	}
}

func TestReadErrorGoesByTheBody(t *testing.T) {
	cases := []struct {
		status int
		body   string
		code   string
		ok     bool
	}{
		{200, `{"data":{}}`, "", false},
		{200, `{"error":{"code":"ERR_X"}}`, `"ERR_X"`, true},
		{404, `{"error":{"code":"ERR_X"}}`, `"ERR_X"`, true},
		{502, `<html>`, "", true},
		{200, ``, "", false},
		{200, `{"data":[],"error":{"code":"ERR_X"}}`, "", false},
	}
	for _, c := range cases {
		a, ok := cometchat.ReadError(&normalize.Upstream{Status: c.status}, []byte(c.body))
		if ok != c.ok || string(a.Code) != c.code {
			t.Errorf("%d %s: %v %s", c.status, c.body, ok, a.Code)
		}
	}
}
