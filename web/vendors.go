package web

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/proxy"
)

//go:embed vendors.html
var vendorsHTML string

// Switchboard is who answers for which app: a *proxy.Server is one.
type Switchboard interface {
	Fronts() []proxy.FrontState
	Switch(ctx context.Context, o proxy.Order) error
	Audit(ctx context.Context, limit int) ([]proxy.AuditEntry, error)
	Unrecognised() []proxy.Strange
}

// vendorsPage is what the template sees.
type vendorsPage struct {
	Notice  string
	Done    bool
	Modes   []proxy.Mode
	Fronts  []proxy.FrontState
	Audit   []proxy.AuditEntry
	Strange []proxy.Strange
}

// VendorsPages show who answers, let the operator choose, and tell what was changed and what the vendors
// said that no catalogue knows. board is asked at every view; it answers nil until there is one.
func (c *Console) VendorsPages(board func() Switchboard) ([]proxy.Page, error) {
	page, err := template.New("vendors").Funcs(template.FuncMap{"lines": routeLines}).Parse(vendorsHTML)
	if err != nil {
		return nil, fmt.Errorf("vendors page: %w", err)
	}
	show := func(notice string, done bool) *adapters.Response {
		b := board()
		if b == nil {
			return &adapters.Response{Status: http.StatusServiceUnavailable, ContentType: "text/plain; charset=utf-8", Body: []byte("The server is starting.\n")}
		}
		ctx, cancel := context.WithTimeout(context.Background(), pageTime)
		defer cancel()
		p := vendorsPage{Notice: notice, Done: done, Modes: proxy.Modes, Fronts: b.Fronts(), Strange: b.Unrecognised()}
		var err error
		if p.Audit, err = b.Audit(ctx, listed); err != nil && notice == "" {
			p.Notice = sentence(err)
		}
		var out bytes.Buffer
		if err := page.Execute(&out, p); err != nil {
			return &adapters.Response{Status: http.StatusInternalServerError, ContentType: "text/plain; charset=utf-8", Body: []byte("The page could not be made.\n")}
		}
		rs := &adapters.Response{ContentType: "text/html; charset=utf-8", Body: out.Bytes()}
		rs.Set("Content-Security-Policy", consolePolicy)
		rs.Set("X-Content-Type-Options", "nosniff")
		rs.Set("Referrer-Policy", "no-referrer")
		rs.Set("Cache-Control", "no-store")
		return rs
	}
	return []proxy.Page{
		{Method: http.MethodGet, Path: "/console/vendors", Serve: c.guarded(func(*adapters.Request) *adapters.Response { return show("", false) })},
		{Method: http.MethodPost, Path: "/console/vendors", Serve: c.guarded(func(rq *adapters.Request) *adapters.Response {
			o, err := orderOf(rq)
			if b := board(); err == nil && b != nil {
				ctx, cancel := context.WithTimeout(context.Background(), 2*pageTime)
				defer cancel()
				err = b.Switch(ctx, o)
			}
			if err != nil {
				return show(fault.From(err).Detail, false)
			}
			return show(o.App+" over "+o.Dialect+": "+string(o.Mode), true)
		})},
	}, nil
}

// orderOf reads the form.
func orderOf(rq *adapters.Request) (proxy.Order, error) {
	form, err := url.ParseQuery(string(rq.Body))
	if err != nil {
		return proxy.Order{}, fault.RequestInvalid.Error("This is not a form.")
	}
	o := proxy.Order{
		Setting: proxy.Setting{App: form.Get("app"), Dialect: form.Get("dialect"), Mode: proxy.Mode(form.Get("mode"))},
		By:      "console " + rq.Remote, Note: form.Get("note"), Keep: form.Get("keep") != "", Force: form.Get("force") != "",
	}
	for line := range strings.Lines(form.Get("routes")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		r, err := proxy.ParseRouteMode(line)
		if err != nil {
			return o, fault.RequestInvalidField.Error(err.Error())
		}
		o.Routes = append(o.Routes, r)
	}
	return o, nil
}

// routeLines writes the modes of operations as the form reads them.
func routeLines(list []proxy.RouteMode) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString(r.On + "=" + string(r.Mode) + "\n")
	}
	return b.String()
}
