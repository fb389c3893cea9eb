package catalogs_test

import (
	"encoding/json"
	"os"
	"testing"

	"dragoman/adapters/catalogs"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// BenchmarkTranslate is native to canonical to another native: the plain path of an error that
// crosses dialects. Aim: under 2 µs and at most 5 allocations.
func BenchmarkTranslate(b *testing.B) {
	set := catalogs.All()
	cases := []struct {
		name, from, to string
		a              normalize.Answer
	}{
		{"stream-cometchat", "stream", "cometchat", normalize.Answer{Status: 404, Code: json.RawMessage("16"), Message: "channel not found"}},
		{"nexconn-stream", "nexconn", "stream", normalize.Answer{Status: 400, Code: json.RawMessage("25412")}},
		{"agora-stream", "agora-rest", "stream", normalize.Answer{Status: 403, Code: json.RawMessage(`"forbidden_op"`), Message: "Can not join this group, reason: user: alice already in group: 4711."}},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if t, ok := set.Translate(c.from, c.a, c.to); !ok || t.Reason == fault.UpstreamUnrecognised {
					b.Fatal(t)
				}
			}
		})
	}
}

// BenchmarkTranslateBody is the same from body bytes to body bytes, document included.
func BenchmarkTranslateBody(b *testing.B) {
	src, _ := catalogs.All().Vendor("nexconn")
	dst, _ := catalogs.All().Vendor("stream")
	body := []byte(`{"code":25412,"errorMessage":"user is a member already"}`)
	b.ReportAllocs()
	for b.Loop() {
		p, ok := normalize.FromUpstream(src, &normalize.Upstream{Status: 400, Body: body}, normalize.Reading{})
		if !ok {
			b.Fatal("not a failure")
		}
		p.Speak(dst.Catalog)
		if n := dst.Encode(p); n.Status != 400 {
			b.Fatal(n.Status)
		}
	}
}

// BenchmarkLoad parses the five tables, as happens once at start. Aim: under 5 ms.
func BenchmarkLoad(b *testing.B) {
	type files struct{ name, errors, emit string }
	var all []files
	for _, f := range []files{
		{"stream", "stream/errors.tsv", "stream/emit.tsv"}, {"cometchat", "cometchat/errors.tsv", "cometchat/emit.tsv"},
		{"agora-rest", "agora/errors.tsv", "agora/emit.tsv"}, {"agora-sdk", "agora/sdk_errors.tsv", "agora/sdk_emit.tsv"},
		{"nexconn", "nexconn/errors.tsv", "nexconn/emit.tsv"},
	} {
		e, err1 := os.ReadFile("../" + f.errors)
		m, err2 := os.ReadFile("../" + f.emit)
		if err1 != nil || err2 != nil {
			b.Fatal(err1, err2)
		}
		all = append(all, files{f.name, string(e), string(m)})
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range all {
			if _, err := normalize.Parse(f.name, []byte(f.errors), []byte(f.emit)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
