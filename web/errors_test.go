package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"

	"dragoman/adapters/catalogs"
	"dragoman/web"
)

// page renders a query.
func page(t *testing.T, pairs ...string) string {
	t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	var b bytes.Buffer
	if err := web.ErrorsPage(&b, catalogs.All(), q); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestErrorsPage(t *testing.T) {
	cases := []struct {
		name       string
		query      []string
		has, hasnt []string
	}{
		{"all rows", nil, []string{"ST001", "CC116", "AR056", "AS077", "NX131", "405 rows in 5 tables"}, []string{"What the others call it"}},
		{"code", []string{"vendor", "stream", "code", "40"}, []string{"auth.token_expired", "ST010", "What the others call it", "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"}, []string{"NX131"}},
		{"body", []string{"body", `{"error":{"code":"ERR_NO_VACANCY"}}`}, []string{"group.full", "CC034", "The group has no room for more members."}, nil},
		{"body of nobody", []string{"body", `<html>`}, []string{"name the vendor", `role="alert"`}, nil},
		{"several rows", []string{"vendor", "agora-rest", "code", "forbidden_op"}, []string{"AR028", "AR034", "Rows of this code"}, []string{"What the others call it"}},
		{"search", []string{"q", "muted community"}, []string{"NX059"}, []string{"ST001", "NX060"}},
		{"search without result", []string{"q", "zebra"}, []string{"No row has these words"}, nil},
		{"markup is escaped", []string{"code", `"><script>alert(1)</script>`}, []string{"&lt;script&gt;"}, []string{"<script>"}},
		{"unknown", []string{"vendor", "stream", "code", "12345"}, []string{"Not recognised", "upstream.unrecognised"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := page(t, c.query...)
			for _, s := range c.has {
				if !strings.Contains(got, s) {
					t.Errorf("no %q in the page", s)
				}
			}
			for _, s := range c.hasnt {
				if strings.Contains(got, s) {
					t.Errorf("%q in the page", s)
				}
			}
			if strings.Contains(got, "<script") || strings.Contains(got, "ZgotmplZ") || !strings.HasSuffix(strings.TrimSpace(got), "</html>") {
				t.Error("script, or a value the template refused, or an unfinished page")
			}
		})
	}
}

func TestErrorsPageShowsTheStyleItsPolicyAllows(t *testing.T) {
	got := page(t)
	_, rest, _ := strings.Cut(got, "<style>")
	style, _, ok := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if !ok || !strings.Contains(web.ErrorsPolicy(), "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(got, " style=") {
		t.Error("the policy would refuse the style")
	}
}

// broken is a connection that is gone.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestErrorsPageReportsABrokenWriter(t *testing.T) {
	if err := web.ErrorsPage(broken{}, catalogs.All(), nil); err == nil {
		t.Error("no error")
	}
}
