// Package web renders the pages of the console. Pages are written on the server from
// html/template, need no script, and are pure functions: the caller wires them to its server.
package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"dragoman/normalize"
	"dragoman/normalize/explain"
)

//go:embed errors.html
var errorsHTML string

//go:embed errors.css
var errorsCSS string

// maxBody caps a pasted error body, in bytes.
const maxBody = 64 << 10

// errorsTemplate is the page, parsed on first use.
var errorsTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("errors").Funcs(template.FuncMap{
		"code":  func(raw json.RawMessage) string { return gjson.ParseBytes(raw).String() },
		"blame": explain.Blame,
		"retry": explain.Retry,
	}).Parse(errorsHTML)
})

// ErrorsPolicy is the Content-Security-Policy of the page: its own style sheet, forms to itself,
// nothing else.
var ErrorsPolicy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(errorsCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
})

// found is one table of a search result.
type found struct {
	Name string
	Rows []explain.Row
}

// errorsData is what the template sees.
type errorsData struct {
	Title      string
	Style      template.CSS
	Total      int
	Catalogues []string
	Query      explain.Question
	Body       string
	Search     string
	Failure    string
	Answer     *explain.Answer
	Found      []found
}

// ErrorsPage writes the error lookup as an HTML page. The query is that of a GET, or the form of
// a POST: vendor, code, status and message for a code; body for a pasted error; q for a search.
// With none of them the page lists every row. Errors come from w alone.
func ErrorsPage(w io.Writer, s *normalize.Set, query url.Values) error {
	d := errorsData{
		Title: "Errors", Style: template.CSS(errorsCSS), Catalogues: s.Names(),
		Search: clip(query.Get("q"), 200), Body: clip(query.Get("body"), maxBody),
		Query: explain.Question{
			Vendor: clip(query.Get("vendor"), 60), Code: strings.TrimSpace(clip(query.Get("code"), 200)),
			Message: clip(query.Get("message"), 1000),
		},
	}
	if n, err := strconv.Atoi(strings.TrimSpace(query.Get("status"))); err == nil && n >= 100 && n <= 599 {
		d.Query.Status = n
	}
	d.Query.Body = []byte(strings.TrimSpace(d.Body))
	for _, v := range s.Vendors() {
		d.Total += v.Catalog.Len()
	}
	if len(d.Query.Body) > 0 || d.Query.Code != "" || d.Query.Status != 0 || d.Query.Message != "" {
		if a, err := explain.Explain(s, d.Query); err != nil {
			d.Failure = strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + "."
		} else {
			d.Answer = &a
			d.Title = "Error " + a.Meaning.Canonical
		}
	} else {
		d.Found = search(s, d.Search)
	}
	t, err := errorsTemplate()
	if err != nil {
		return err
	}
	var page bytes.Buffer // nothing is sent of a page that cannot be finished
	if err := t.Execute(&page, d); err != nil {
		return err
	}
	_, err = w.Write(page.Bytes())
	return err
}

// search finds the rows that hold every word of a query; an empty query finds all.
func search(s *normalize.Set, query string) []found {
	words := strings.Fields(strings.ToLower(query))
	var out []found
	for _, v := range s.Vendors() {
		f := found{Name: v.Catalog.Name()}
		for _, r := range explain.Rows(v.Catalog) {
			text := strings.ToLower(strings.Join([]string{f.Name, r.Row, string(r.Code), r.Name, r.Canonical, r.Variant, r.Message, r.Meaning}, " "))
			all := true
			for _, word := range words {
				all = all && strings.Contains(text, word)
			}
			if all {
				f.Rows = append(f.Rows, r)
			}
		}
		if len(f.Rows) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// clip cuts a form value to n bytes of valid UTF-8.
func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }
