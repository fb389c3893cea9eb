package engine_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dragoman/core"
	"dragoman/core/engine"
	"dragoman/core/fault"
)

func TestPreviewReadsWhatAPageSaysOfItself(t *testing.T) {
	mux := http.NewServeMux()
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, body)
		}
	}
	mux.HandleFunc("/og", page(`<html><head><title>plain</title><meta property="og:title" content="Tea &amp; more">
<meta property="og:description" content="All about tea"><meta property="og:image" content="/cup.png"><meta property="og:image:width" content="640">
<meta property="og:site_name" content="Tea site"></head><body><meta property="og:title" content="too late"></body></html>`))
	mux.HandleFunc("/plain", page(`<title> Just a title </title>`))
	mux.HandleFunc("/empty", page(`<p>nothing</p>`))
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/plain", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/image", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "image/png") })
	mux.HandleFunc("/huge", page(strings.Repeat("x", 2<<20)))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)

	r := newEngine(t, func(o *engine.Options) { o.PrivateCallouts = true }, "alice")
	by := core.Actor{App: r.app, User: "alice", Access: core.AccessUser}
	got, err := r.core().Previews.Get(t.Context(), by, core.GetPreview{URL: srv.URL + "/og"})
	want := core.Preview{
		URL: srv.URL + "/og", Title: "Tea & more", Text: "All about tea", Site: "Tea site", Image: srv.URL + "/cup.png", Type: "image", ImageWidth: 640,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err = r.core().Previews.Get(t.Context(), by, core.GetPreview{URL: srv.URL + "/moved"}); err != nil || got.Title != "Just a title" {
		t.Errorf("after a redirect: %+v, %v", got, err)
	}
	for path, reason := range map[string]*fault.Reason{
		"/empty": fault.ResourceNotFound, "/round": fault.ResourceNotFound, "/away": fault.ResourceNotFound,
		"/image": fault.ResourceNotFound, "/huge": fault.ResourceNotFound, "/missing": fault.ResourceNotFound,
	} {
		if _, err := r.core().Previews.Get(t.Context(), by, core.GetPreview{URL: srv.URL + path}); !fault.IsReason(err, reason) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, bad := range []string{"", "tea", "ftp://example.org/", "http://user:pw@example.org/", "http://" + strings.Repeat("x", 3000)} {
		if _, err := r.core().Previews.Get(t.Context(), by, core.GetPreview{URL: bad}); !fault.IsReason(err, fault.RequestInvalidField) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func TestPreviewStaysOutOfPrivateNetworks(t *testing.T) {
	asked := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} }))
	t.Cleanup(srv.Close)
	r := newEngine(t, nil, "alice")
	_, err := r.core().Previews.Get(t.Context(), core.Actor{App: r.app, User: "alice", Access: core.AccessUser}, core.GetPreview{URL: srv.URL})
	if !fault.IsReason(err, fault.ResourceNotFound) {
		t.Errorf("got %v", err)
	}
	if len(asked) != 0 {
		t.Error("the private server was asked")
	}
}
