package adaptertest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// Static checks what can be seen without serving anything: the entry is complete, the routes are
// sorted, unique and named, and the catalogue holds exactly the rows of the vendor's document.
func Static(t *testing.T, e adapters.Entry, d adapters.Dialect, rows []string) {
	t.Helper()
	if e.Name == "" || e.Title == "" || len(e.Hosts) == 0 && !e.Own || e.Catalog == nil || e.New == nil {
		t.Errorf("the entry is not complete: %+v", e)
	}
	if !strings.Contains(e.SDKLine, "%") {
		t.Errorf("the SDK line %q has no place for the base URL", e.SDKLine)
	}
	names, shapes := map[string]string{}, map[string]string{}
	last := ""
	for _, r := range d.Routes() {
		at := r.Method + " " + r.Path
		if r.Name == "" || r.Serve == nil {
			t.Errorf("%s has no name or no handler", at)
		}
		if was, dup := names[r.Name]; dup {
			t.Errorf("%s and %s have one name, %s", was, at, r.Name)
		}
		names[r.Name] = at
		if was, dup := shapes[shape(r.Method, r.Path)]; dup {
			t.Errorf("%s and %s are one operation", was, at)
		}
		shapes[shape(r.Method, r.Path)] = at
		if key := r.Path + " " + r.Method; key < last {
			t.Errorf("%s is not in order of path and method", at)
		} else {
			last = key
		}
		if !strings.HasPrefix(r.Path, "/") || strings.Contains(r.Path, "//") {
			t.Errorf("%s: a path begins with one slash and has no empty segment", at)
		}
	}
	var have []string
	for r := range e.Catalog().Rows() {
		have = append(have, r.ID)
	}
	slices.Sort(have)
	want := slices.Sorted(slices.Values(rows))
	if !slices.Equal(have, want) {
		t.Errorf("the catalogue has rows %v, want %v", have, want)
	}
}

// Errors checks that the dialect can say every reason there is: with the status of its row (an error,
// or 200 where the vendor tells failures in the body alone), a body its own reader understands as exactly that row, and the document that tells the original.
// read is the vendor's reader of error bodies.
func Errors(t *testing.T, e adapters.Entry, d adapters.Dialect, read func(*normalize.Upstream, []byte) (normalize.Answer, bool)) {
	t.Helper()
	catalog := e.Catalog()
	for _, reason := range fault.All() {
		if reason == fault.Success {
			continue
		}
		row, _, _ := catalog.Emission(reason)
		p := normalize.New(reason.Error("a detail of \"this\" failure\n"), normalize.OriginCore, catalog)
		p.RequestID, p.Op = "req-1", "SomeOperation"
		n := d.EncodeError(p)
		if n.Status < 400 && n.Status != 200 || n.Status != row.Status {
			t.Errorf("%s: status %d, want that of row %s, %d", reason, n.Status, row.ID, row.Status)
		}
		if !json.Valid(n.Body) {
			t.Errorf("%s: the body is not JSON: %s", reason, n.Body)
			continue
		}
		a, failed := read(&normalize.Upstream{Status: n.Status}, n.Body)
		if !failed || string(a.Code) != string(row.Body) {
			t.Errorf("%s: the vendor's reader sees code %s (failure: %v), want %s of row %s", reason, a.Code, failed, row.Body, row.ID)
		}
		if n.Message == "" || a.Message != n.Message {
			t.Errorf("%s: the body says %q, the text is %q", reason, a.Message, n.Message)
		}
		if e.Own {
			if code := gjson.GetBytes(n.Body, "code").String(); code != reason.Name() || n.ContentType != "application/problem+json" {
				t.Errorf("%s: the body is %s: %s", reason, n.ContentType, n.Body)
			}
			continue
		}
		both := normalize.Render(p, n, normalize.ModeBoth, normalize.RenderOptions{Method: "POST"})
		var doc struct {
			Unified struct {
				Code     string `json:"code"`
				Original struct {
					Code   json.RawMessage `json:"code"`
					Status int             `json:"http_status"`
				} `json:"original"`
			} `json:"dragoman_error"`
		}
		if err := json.Unmarshal(both.Body, &doc); err != nil {
			t.Errorf("%s: %v", reason, err)
			continue
		}
		if u := doc.Unified; u.Code != reason.Name() || string(u.Original.Code) != string(row.Body) || u.Original.Status != n.Status {
			t.Errorf("%s: the document says %s, original %s with status %d; want %s with %d", reason, u.Code, u.Original.Code, u.Original.Status, row.Body, n.Status)
		}
	}
}
