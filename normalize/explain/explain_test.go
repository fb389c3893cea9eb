package explain_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"dragoman/adapters/catalogs"
	"dragoman/normalize"
	"dragoman/normalize/explain"
)

func TestListHasTheDocumentedShape(t *testing.T) {
	b, err := json.Marshal(explain.List(catalogs.All()))
	if err != nil {
		t.Fatal(err)
	}
	d := gjson.ParseBytes(b)
	for name, n := range map[string]int{"stream": 25, "cometchat": 116, "agora-rest": 56, "agora-sdk": 77, "nexconn": 131} {
		if got := len(d.Get("catalogues." + name).Array()); got != n {
			t.Errorf("%s: %d rows, want %d", name, got, n)
		}
	}
	if got := len(d.Get("canonical").Array()); got != 136 {
		t.Errorf("%d canonical errors", got)
	}
	want := map[string]string{
		"catalogues.stream.0.row": `"ST001"`, "catalogues.stream.0.code": `4`, "catalogues.stream.0.http_status": `400`,
		"catalogues.stream.22.code": `-1`, "catalogues.cometchat.0.code": `"AUTH_ERR_EMPTY_APPID"`,
		"catalogues.agora-sdk.1.http_status":  `null`,
		"canonical.1.canonical":               `"auth.failed"`,
		"canonical.1.emit.stream.row":         `"ST009"`,
		"canonical.1.emit.stream.code":        `5`,
		"canonical.1.emit.stream.http_status": `401`,
		"canonical.1.emit.stream.fit":         `"exact"`,
		"canonical.1.emit.agora-rest.fit":     `"fallback"`,
	}
	for path, v := range want {
		if got := d.Get(path).Raw; got != v {
			t.Errorf("%s is %s, want %s", path, got, v)
		}
	}
}

func TestExplain(t *testing.T) {
	cases := []struct {
		name              string
		q                 explain.Question
		row, match, canon string
	}{
		{"stream code", explain.Question{Vendor: "stream", Code: "40"}, "ST010", "code", "auth.token_expired"},
		{"negative code", explain.Question{Vendor: "stream", Code: "-1"}, "ST023", "code", "server.internal"},
		{"row id", explain.Question{Vendor: "stream", Code: "st018"}, "ST018", "code", "resource.not_found"},
		{"vendor found by code", explain.Question{Code: "ERR_NO_VACANCY"}, "CC034", "code", "group.full"},
		{"agora text without status", explain.Question{Vendor: "agora", Code: "forbidden_op", Message: "Forbidden operation on group owner!"}, "AR032", "text", "group.owner_protected"},
		{"agora filled text", explain.Question{Vendor: "agora-rest", Code: "forbidden_op", Status: 403, Message: "User: bob doesn't exist in group: 17."}, "AR030", "text", "group.not_member"},
		{"agora reworded", explain.Question{Vendor: "agora-rest", Code: "forbidden_op", Status: 403, Message: "sorry, [bob] are not members of this group! (17)"}, "AR029", "part", "group.not_member"},
		{"agora unknown text, known code", explain.Question{Vendor: "agora-rest", Code: "illegal_argument", Status: 400, Message: "something new"}, "AR006", "general", "request.invalid"},
		{"agora number is the libraries'", explain.Question{Vendor: "agora", Code: "604"}, "AS048", "code", "group.full"},
		{"agora status", explain.Question{Vendor: "agora-rest", Status: 503}, "AR055", "status", "server.unavailable"},
		{"nexconn business 400", explain.Question{Vendor: "nexconn", Code: "400"}, "NX011", "code", "user.not_found"},
		{"nexconn status 400", explain.Question{Vendor: "nexconn", Status: 400}, "NX002", "status", "request.invalid"},
		{"unknown", explain.Question{Vendor: "stream", Code: "12345"}, "", "none", "upstream.unrecognised"},
		{"stream body", explain.Question{Body: []byte(`{"code":16,"message":"GetMessage failed","StatusCode":404}`)}, "ST018", "code", "resource.not_found"},
		{"cometchat body", explain.Question{Body: []byte(`{"error":{"code":"ERR_GUID_NOT_FOUND"}}`)}, "CC025", "code", "group.not_found"},
		{"nexconn body", explain.Question{Body: []byte(`{"code":25410,"errorMessage":"x"}`)}, "NX076", "code", "group.not_found"},
		{"agora body", explain.Question{Body: []byte(`{"error":"reach_limit","timestamp":1,"error_description":"This request has reached api limit."}`)}, "AR046", "text", "rate.limited"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, err := explain.Explain(catalogs.All(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			row := ""
			if a.Row != nil {
				row = a.Row.Row
			}
			if row != c.row || a.Match != c.match || a.Meaning.Canonical != c.canon {
				t.Errorf("got %s %s %s, want %s %s %s", row, a.Match, a.Meaning.Canonical, c.row, c.match, c.canon)
			}
		})
	}
}

func TestExplainRefusesWhatItCannotKnow(t *testing.T) {
	cases := []struct {
		q    explain.Question
		want string
	}{
		{explain.Question{Vendor: "sms", Code: "1"}, "there are stream, cometchat, agora-rest, agora-sdk, nexconn"},
		{explain.Question{Code: "404"}, "means different things in agora-sdk, nexconn"},
		{explain.Question{Code: "NOPE"}, "no table has the code"},
		{explain.Question{Body: []byte(`<html>`)}, "name the vendor"},
		{explain.Question{Vendor: "stream"}, "give a code"},
		{explain.Question{Vendor: "cometchat", Body: []byte(`{"data":{}}`), Status: 200}, "not an error of cometchat"},
	}
	for _, c := range cases {
		if _, err := explain.Explain(catalogs.All(), c.q); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.q, err, c.want)
		}
	}
	a, err := explain.Explain(catalogs.All(), explain.Question{Vendor: "agora", Code: "forbidden_op"})
	if err != nil || a.Row != nil || len(a.Candidates) != 11 || a.Note == "" {
		t.Errorf("an ambiguous code: %v, %+v", err, a)
	}
}

func TestTranslateRequestSingle(t *testing.T) {
	status, body := explain.TranslateRequest(catalogs.All(), []byte(`{"from":"agora","to":"stream","status":403,
		"body":{"error":"forbidden_op","error_description":"Can not join this group, reason: user: alice already in group: 4711."}}`))
	d := gjson.ParseBytes(body)
	if status != 200 || d.Get("problem.code").String() != "group.already_member" || d.Get("problem.original.code").Raw != `"forbidden_op"` ||
		d.Get("problem.original.row").String() != "AR028" || d.Get("to.row").String() != "ST001" || d.Get("to.fit").String() != "fallback" ||
		d.Get("to.body.code").Raw != "4" || d.Get("to.http_status").Int() != 400 {
		t.Errorf("%d %s", status, body)
	}
	status, body = explain.TranslateRequest(catalogs.All(), []byte(`{"from":"nexconn","code":25412}`))
	d = gjson.ParseBytes(body)
	if status != 200 || d.Get("problem.original.code").Raw != "25412" || len(d.Get("equivalents").Array()) != 4 {
		t.Errorf("%d %s", status, body)
	}
}

func TestTranslateRequestRefusesBadInput(t *testing.T) {
	cases := []struct {
		body string
		code string
	}{
		{``, "request.malformed_json"}, {`{`, "request.malformed_json"}, {`[]`, "request.invalid"},
		{`{"form":"stream","code":4}`, "request.invalid_field"}, {`{"from":"x","code":4}`, "request.invalid_field"},
		{`{"from":"stream","code":{}}`, "request.invalid_field"}, {`{"from":"stream","code":4,"to":"x"}`, "request.invalid_field"},
		{`{"from":"stream","code":4,"status":7}`, "request.invalid_field"}, {`{"items":[]}`, "request.batch_too_large"},
		{`{"items":[{"from":"x","code":1},{"from":"y","code":2}]}`, "request.invalid_field"},
		{`{"items":[` + strings.Repeat(`{},`, 100) + `{}]}`, "request.batch_too_large"},
		{`{"from":"stream","message":"` + strings.Repeat("x", 1<<20) + `"}`, "request.payload_too_large"},
	}
	for _, c := range cases {
		status, body := explain.TranslateRequest(catalogs.All(), []byte(c.body))
		p, ok := normalize.ParseProblem(body)
		if !ok || p.Code != c.code || p.Status != status || status < 400 {
			t.Errorf("%.60s: %d %s", c.body, status, body)
		}
	}
}

func TestTranslateRequestBatchTellsEachOutcome(t *testing.T) {
	status, body := explain.TranslateRequest(catalogs.All(), []byte(`{"items":[{"from":"stream","code":17,"to":"cometchat"},{"from":"nobody","code":1}]}`))
	d := gjson.ParseBytes(body)
	if status != 200 || !d.Get("partial").Bool() || !d.Get("results.0.ok").Bool() || d.Get("results.1.ok").Bool() ||
		d.Get("results.1.error.code").String() != "request.invalid_field" || d.Get("results.0.result.to.body.error.code").String() == "" {
		t.Errorf("%d %s", status, body)
	}
}

// FuzzTranslateRequest: any bytes give a JSON answer of bounded size.
func FuzzTranslateRequest(f *testing.F) {
	for _, s := range []string{``, `{}`, `{"from":"stream","code":4}`, `{"items":[{"body":"<html>","from":"agora"}]}`, `{"body":{"code":1,"message":null}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		status, out := explain.TranslateRequest(catalogs.All(), in)
		if status < 200 || status > 599 || !json.Valid(out) {
			t.Fatalf("%d %s", status, out)
		}
	})
}
