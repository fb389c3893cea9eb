package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"dragoman/adapters"
	"dragoman/adapters/catalogs"
	"dragoman/normalize/explain"
	"dragoman/proxy"
	"dragoman/web"
)

//go:embed overview.html
var overviewHTML string

// overviewPolicy is the Content-Security-Policy of the overview: a style sheet inside, nothing else.
const overviewPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

// overviewData is what the overview shows. It holds no secrets: the page is public.
type overviewData struct {
	Version string
	Places  []place
}

// pages are the plain pages of the main listener: what is served here with the line to change, and
// the error lookup.
func pages(p *Program) ([]proxy.Page, error) {
	t, err := template.New("overview").Parse(overviewHTML)
	if err != nil {
		return nil, fmt.Errorf("overview page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, overviewData{version, places(p.Config)}); err != nil {
		return nil, fmt.Errorf("overview page: %w", err)
	}
	overview := func(*adapters.Request) *adapters.Response { return html(b.Bytes(), overviewPolicy) }
	return []proxy.Page{
		{Method: http.MethodGet, Path: "/", Serve: overview},
		{Method: http.MethodGet, Path: "/errors", Serve: errorsPage},
		{Method: http.MethodPost, Path: "/errors", Serve: errorsPage},
		{Method: http.MethodPost, Path: "/v1/errors/translate", Serve: translateErrors},
	}, nil
}

// errorsPage looks up vendor errors. A pasted error body comes as a form, everything else in the
// query.
func errorsPage(rq *adapters.Request) *adapters.Response {
	query := url.Values{}
	if rq.Method == http.MethodPost {
		form, err := url.ParseQuery(string(rq.Body))
		if err != nil {
			return &adapters.Response{Status: http.StatusBadRequest, ContentType: "text/plain; charset=utf-8", Body: []byte("This is not a form.\n")}
		}
		query = form
	}
	for _, q := range rq.Query {
		query.Add(q.Name, q.Value)
	}
	var b bytes.Buffer
	if err := web.ErrorsPage(&b, catalogs.All(), query); err != nil {
		return &adapters.Response{Status: http.StatusInternalServerError, ContentType: "text/plain; charset=utf-8", Body: []byte("The page could not be made.\n")}
	}
	return html(b.Bytes(), web.ErrorsPolicy())
}

// translateErrors answers for programs what the page answers for people, one error or a batch.
func translateErrors(rq *adapters.Request) *adapters.Response {
	status, body := explain.TranslateRequest(catalogs.All(), rq.Body)
	rs := &adapters.Response{Status: status, Body: body}
	rs.Set("X-Content-Type-Options", "nosniff")
	return rs
}

// html answers a page that only its own origin may use.
func html(body []byte, policy string) *adapters.Response {
	rs := &adapters.Response{Status: http.StatusOK, ContentType: "text/html; charset=utf-8", Body: body}
	rs.Set("Content-Security-Policy", policy)
	rs.Set("Cache-Control", "no-store")
	rs.Set("X-Content-Type-Options", "nosniff")
	return rs
}
