package catalogs_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"dragoman/adapters/catalogs"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// allRows lists the rows of the catalogues that have a wire of their own.
func allRows() (rows []normalize.Row) {
	for _, v := range catalogs.All().Vendors() {
		if v.Encode != nil {
			for r := range v.Catalog.Rows() {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// TestTranslationKeepsTheOriginal: whatever dialect an error is translated to, and with whatever
// operation and detail, the document names the row it came from with its code's type, and the
// answer is a JSON object on a status of the target's table.
func TestTranslationKeepsTheOriginal(t *testing.T) {
	rows := allRows()
	set := catalogs.All()
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(rows).Draw(t, "row")
		if r.Reason == fault.Success || r.Recognise { // never said by us
			return
		}
		src, _ := set.Vendor(r.Catalog)
		dst, _ := set.Vendor(rapid.SampledFrom([]string{"stream", "cometchat", "agora-rest", "nexconn"}).Draw(t, "to"))
		born := normalize.New(r.Reason.Error(rapid.String().Draw(t, "detail")).With(r.ID), normalize.OriginCore, src.Catalog)
		born.Op = rapid.StringMatching(`[A-Z][a-z]{0,8}`).Draw(t, "op")
		n := src.Encode(born)
		u := &normalize.Upstream{Status: n.Status, Body: n.Body, Path: "/org/app/users/bob"}
		p, ok := normalize.FromUpstream(src, u, normalize.Reading{Expose: normalize.ExposeBody})
		if !ok {
			t.Fatalf("%s is read as a success: %d %s", r.ID, n.Status, n.Body)
		}
		if p.Reason != r.Reason && r.Surface == normalize.SurfaceREST {
			t.Fatalf("%s: %s became %s", r.ID, r.Reason, p.Code)
		}
		if r.Surface == normalize.SurfaceREST && r.Catalog != "agora-rest" && !bytes.Equal(p.Original.Code, r.Code) {
			t.Fatalf("%s: code %s became %s", r.ID, r.Code, p.Original.Code)
		}
		p.Speak(dst.Catalog)
		out := normalize.Render(p, dst.Encode(p), normalize.ModeBoth, normalize.RenderOptions{})
		d := gjson.ParseBytes(out.Body)
		if !gjson.ValidBytes(out.Body) || d.Get("dragoman_error.original.provider").String() != src.Catalog.Provider() {
			t.Fatalf("%s to %s: %s", r.ID, dst.Catalog.Name(), out.Body)
		}
		if want, _ := dst.Catalog.Say(p); out.Status != want.Status {
			t.Fatalf("%s to %s: status %d, the table says %d", r.ID, dst.Catalog.Name(), out.Status, want.Status)
		}
		for _, h := range out.Header {
			if len(h.Value) > 512 || strings.ContainsFunc(h.Value, func(c rune) bool { return c < 0x20 || c > 0x7e }) {
				t.Fatalf("header %s: %q", h.Name, h.Value)
			}
		}
	})
}

// TestSameDialectIsByteForByte: what a real vendor said reaches a client of its own dialect
// unchanged, odd statuses and errors on 200 included.
func TestSameDialectIsByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		status := rapid.SampledFrom([]int{200, 400, 404, 415, 429, 430, 431, 500, 599}).Draw(t, "status")
		v := rapid.SampledFrom(catalogs.All().Vendors()).Draw(t, "vendor")
		kind := "application/json; charset=UTF-8"
		u := &normalize.Upstream{Status: status, Body: body, Header: func(name string) string {
			if name == "Content-Type" {
				return kind
			}
			return ""
		}}
		p, ok := normalize.FromUpstream(v, u, normalize.Reading{})
		if !ok {
			return
		}
		p.Speak(v.Catalog)
		if m := normalize.DefaultMode(p); m != normalize.ModeNative {
			t.Fatalf("default mode %s", m)
		}
		out := normalize.Render(p, normalize.Raw(u), normalize.ModeNative, normalize.RenderOptions{})
		if out.Status != status || out.ContentType != kind || !bytes.Equal(out.Body, body) {
			t.Fatalf("%d %s %q became %d %s %q", status, kind, body, out.Status, out.ContentType, out.Body)
		}
	})
}

// FuzzTranslator feeds bodies of every kind through reading, writing and wrapping. The planted
// secrets must never come out again.
func FuzzTranslator(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `[]`, `null`, `"`, `{"code":-1,"message":"boom"}`, `{"code":1e999}`, `{"code":"40"}`,
		`{"error":{"code":"ERR_UID_NOT_FOUND","message":"no","devMessage":"x"}}`,
		`{"error":"forbidden_op","error_description":"User: a doesn't exist in group: b."}`,
		`{"code":25410,"errorMessage":"x"}`, `<html>`, "\x1f\x8b\x08", `{"error":"N/A","result":"too many queries"}`,
		`{"type":"urn:dragoman:error:x","code":"x","original":{"body":{"a":1},"body_format":"json"}}`,
		`{"dragoman_error":{"type":"urn:dragoman:error:user.not_found","code":"user.not_found"}}`,
	} {
		f.Add(s, 400, true)
	}
	f.Fuzz(func(t *testing.T, text string, status int, trusted bool) {
		const secret = "s3cr3t-v4lue"
		if strings.Contains(text, secret) {
			return
		}
		bodies := []string{text}
		if gjson.Valid(text) {
			bodies = append(bodies,
				`{"code":4,"error":"x","access_token":"`+secret+`","nested":{"Password":"`+secret+`","deep":[{"app-secret":["`+secret+`"]}],"msg":"`+secret+`"},"rest":`+text+`}`,
				`{"error":{"code":"X","message":"Authorization: Bearer `+secret+` sent"},"text":"`+secret+`"}`)
		}
		for _, body := range bodies {
			for _, v := range catalogs.All().Vendors() {
				u := &normalize.Upstream{Status: status, Body: []byte(body), Path: text, Header: func(name string) string {
					switch name {
					case "Content-Type":
						return "application/problem+json"
					case "Dragoman-Error", "Dragoman-Original", "Retry-After", "X-Request-Id":
						return text
					}
					return ""
				}}
				p, ok := normalize.FromUpstream(v, u, normalize.Reading{Trusted: trusted, Hop: "h", Expose: normalize.ExposeBody})
				if !ok {
					continue
				}
				for _, to := range catalogs.All().Vendors() {
					if to.Encode == nil {
						continue
					}
					p.Speak(to.Catalog)
					for _, m := range []normalize.Mode{normalize.ModeBoth, normalize.ModeUnified} {
						out := normalize.Render(p, to.Encode(p), m, normalize.RenderOptions{})
						if !gjson.ValidBytes(out.Body) {
							t.Fatalf("not JSON: %s", out.Body)
						}
						if len(out.Body) > 64<<10 {
							t.Fatalf("%d bytes for %d", len(out.Body), len(body))
						}
						if out.Status < 200 || out.Status > 599 {
							t.Fatalf("status %d", out.Status)
						}
						if bytes.Contains(out.Body, []byte(secret)) {
							t.Fatalf("a secret came out: %s", out.Body)
						}
						for _, h := range out.Header {
							if strings.ContainsFunc(h.Value, func(c rune) bool { return c < 0x20 || c > 0x7e }) || strings.Contains(h.Value, secret) {
								t.Fatalf("header %s: %q", h.Name, h.Value)
							}
						}
					}
				}
			}
		}
	})
}
