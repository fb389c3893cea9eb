package web

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"

	"dragoman/adapters"
	"dragoman/proxy"
	"dragoman/proxy/shadow"
)

//go:embed shadow.html
var shadowHTML string

// ReadinessPage shows how the vendor and the core agree, for every app and dialect that is shadowed.
// reports is asked at every view; it may answer nothing.
func (c *Console) ReadinessPage(reports func() []shadow.Report) (proxy.Page, error) {
	page, err := template.New("shadow").Parse(shadowHTML)
	if err != nil {
		return proxy.Page{}, fmt.Errorf("readiness page: %w", err)
	}
	return proxy.Page{Method: http.MethodGet, Path: "/console/shadow", Serve: c.guarded(func(*adapters.Request) *adapters.Response {
		var b bytes.Buffer
		if err := page.Execute(&b, reports()); err != nil {
			return &adapters.Response{Status: http.StatusInternalServerError, ContentType: "text/plain; charset=utf-8", Body: []byte("The page could not be made.\n")}
		}
		rs := &adapters.Response{ContentType: "text/html; charset=utf-8", Body: b.Bytes()}
		rs.Set("Content-Security-Policy", consolePolicy)
		rs.Set("X-Content-Type-Options", "nosniff")
		rs.Set("Referrer-Policy", "no-referrer")
		rs.Set("Cache-Control", "no-store")
		return rs
	})}, nil
}
