package proxy_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"dragoman/proxy"
)

// TestPassThroughKeepsRequestAndAnswer: the vendor sees what the client sent and the client what the
// vendor said, apart from what is about the connection or about us.
func TestPassThroughKeepsRequestAndAnswer(t *testing.T) {
	var got *http.Request
	var body []byte
	url := vendorAt(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(t.Context())
		body, _ = io.ReadAll(r.Body)
		h := w.Header()
		h.Set("Content-Type", "application/vnd.odd+json; charset=latin1")
		h.Set("X-Vendor", "kept")
		h.Add("Set-Cookie", "a=1")
		h.Add("Set-Cookie", "b=2")
		h.Set("Alt-Svc", `h3=":443"`)
		h.Set("Strict-Transport-Security", "max-age=1")
		h.Set("Dragoman-Error", "forged")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "gone")
		w.WriteHeader(203)
		_, _ = io.WriteString(w, `{"ok": true}`)
	})
	_, at := frontedAt(t, url+"/base", nil)
	a := ask(t, "POST", at+"/things?b=%20x&a=1&a=2", "{\"x\":1}\n", "X-App", "1", "X-Own", "kept", "Content-Type", "application/json",
		"X-Forwarded-For", "1.2.3.4", "Dragoman-Error", "forged", "Connection", "close, X-Mine", "X-Mine", "gone", "Proxy-Authorization", "no")
	if a.status != 203 || a.body != `{"ok": true}` || a.header.Get("Content-Type") != "application/vnd.odd+json; charset=latin1" ||
		a.header.Get("X-Vendor") != "kept" || len(a.header.Values("Set-Cookie")) != 2 {
		t.Errorf("answer: %d %v %s", a.status, a.header, a.body)
	}
	for _, name := range []string{"Alt-Svc", "Strict-Transport-Security", "Dragoman-Error", "X-Hop"} {
		if v := a.header.Get(name); v != "" {
			t.Errorf("%s: %s reached the client", name, v)
		}
	}
	if got.Method != "POST" || got.RequestURI != "/base/things?b=%20x&a=1&a=2" || string(body) != "{\"x\":1}\n" || got.Host != strings.TrimPrefix(url, "http://") {
		t.Errorf("request: %s %s host %s body %q", got.Method, got.RequestURI, got.Host, body)
	}
	if got.Header.Get("X-Own") != "kept" || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("X-Request-Id") != a.header.Get("X-Request-Id") {
		t.Errorf("headers: %v", got.Header)
	}
	for _, name := range []string{"X-Forwarded-For", "Dragoman-Error", "X-Mine", "Proxy-Authorization"} {
		if v := got.Header.Get(name); v != "" {
			t.Errorf("%s: %s reached the vendor", name, v)
		}
	}
	if got.Header.Get("Dragoman-Hop") == "" {
		t.Error("no guard against loops was sent")
	}
}

// TestPassThroughOfShapes: bodies of all kinds come as they were sent.
func TestPassThroughOfShapes(t *testing.T) {
	large := make([]byte, 3<<20)
	_, _ = rand.Read(large)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(bytes.Repeat([]byte("chat "), 10000))
	z.Close()
	url := vendorAt(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/things/large":
			w.Header().Set("Content-Length", strconv.Itoa(len(large)))
			_, _ = w.Write(large)
		case "/things/chunked":
			for i := 0; i < len(large); i += 1 << 20 {
				_, _ = w.Write(large[i : i+1<<20])
				w.(http.Flusher).Flush()
			}
		case "/things/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		case "/things/none":
			w.WriteHeader(204)
		case "/things/moved":
			http.Redirect(w, r, "http://"+r.Host+"/other?x=1", http.StatusFound)
		case "/things/elsewhere":
			http.Redirect(w, r, "https://cdn.example.com/file", http.StatusTemporaryRedirect)
		case "/files":
			_, _ = io.Copy(w, r.Body)
		case "/odd-status":
			w.WriteHeader(299)
		}
	})
	_, at := frontedAt(t, url, nil)
	for _, path := range []string{"large", "chunked"} {
		if a := ask(t, "GET", at+"/things/"+path, "", "X-App", "1"); a.status != 200 || a.body != string(large) {
			t.Errorf("%s: %d, %d bytes", path, a.status, len(a.body))
		}
	}
	if a := ask(t, "GET", at+"/things/gzip", "", "X-App", "1", "Accept-Encoding", "gzip"); a.body != zipped.String() || a.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("gzip: %v, %d bytes", a.header, len(a.body))
	}
	if a := ask(t, "POST", at+"/files", string(large), "X-App", "1"); a.status != 200 || a.body != string(large) {
		t.Errorf("upload: %d, %d bytes", a.status, len(a.body))
	}
	if a := ask(t, "GET", at+"/things/none", "", "X-App", "1"); a.status != 204 || a.body != "" {
		t.Errorf("no body: %d %q", a.status, a.body)
	}
	if a := ask(t, "HEAD", at+"/things/large", "", "X-App", "1"); a.status != 200 || a.header.Get("Content-Length") != "3145728" {
		t.Errorf("head: %d %v", a.status, a.header)
	}
	if a := ask(t, "GET", at+"/odd-status", "", "X-App", "1"); a.status != 299 {
		t.Errorf("an operation nobody knows: %d", a.status)
	}
	plain := func(path string) answer {
		rq, _ := http.NewRequestWithContext(t.Context(), "GET", at+path, nil)
		rq.Header.Set("X-App", "1")
		tr := &http.Transport{DisableKeepAlives: true}
		rs, err := tr.RoundTrip(rq)
		if err != nil {
			t.Fatal(err)
		}
		rs.Body.Close()
		return answer{rs.StatusCode, rs.Header, ""}
	}
	if a := plain("/things/moved"); a.status != 302 || a.header.Get("Location") != at+"/other?x=1" {
		t.Errorf("redirect to the vendor: %d %s", a.status, a.header.Get("Location"))
	}
	if a := plain("/things/elsewhere"); a.status != 307 || a.header.Get("Location") != "https://cdn.example.com/file" {
		t.Errorf("redirect elsewhere: %d %s", a.status, a.header.Get("Location"))
	}
}

// TestPassThroughOfStatusLines: a reason that only the vendor has is kept.
func TestPassThroughOfStatusLines(t *testing.T) {
	url := rawVendor(t, "HTTP/1.1 430 Service Not Enabled\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
	_, at := frontedAt(t, url, nil)
	nc := dial(t, strings.TrimPrefix(at, "http://"))
	_, _ = io.WriteString(nc, "GET /things/1 HTTP/1.1\r\nHost: x\r\nX-App: 1\r\nConnection: close\r\n\r\n")
	b, err := io.ReadAll(nc)
	if err != nil || !bytes.HasPrefix(b, []byte("HTTP/1.1 430 Service Not Enabled\r\n")) || !bytes.HasSuffix(b, []byte("\r\n\r\n{}")) {
		t.Errorf("%v: %s", err, b)
	}
}

// TestModesDecideWhoAnswers: app, then operation; apps without a vendor are the core's.
func TestModesDecideWhoAnswers(t *testing.T) {
	url := vendorAt(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "vendor") })
	srv, at := frontedAt(t, url, func(o *proxy.Options) {
		o.Upstreams[0].Routes = []proxy.RouteMode{{On: "GetThing", Mode: proxy.ModeCore}, {On: "GET /deep/*", Mode: proxy.ModeCore}}
	})
	said := func(method, path, app string) string {
		return strings.Fields(ask(t, method, at+path, "", "X-App", app).body)[0]
	}
	if s := said("GET", "/things/1", "1"); s != "GetThing" {
		t.Errorf("an operation of the core: %s", s)
	}
	if s := said("POST", "/things", "1"); s != "vendor" {
		t.Errorf("another operation: %s", s)
	}
	if s := said("GET", "/deep/er", "1"); !strings.Contains(s, "not_found") {
		t.Errorf("an unknown path of the core: %s", s)
	}
	if s := said("POST", "/things", "2"); s != "MakeThing" {
		t.Errorf("an app without a vendor: %s", s)
	}
	if s := said("POST", "/things", "0"); s != "MakeThing" {
		t.Errorf("no app: %s", s)
	}
	if err := srv.Switch(t.Context(), proxy.Order{Setting: proxy.Setting{App: "one", Dialect: "fake", Mode: proxy.ModeCore}}); err != nil {
		t.Fatal(err)
	}
	if s := said("POST", "/things", "1"); s != "MakeThing" {
		t.Errorf("after the switch: %s", s)
	}
}

// TestAnswersThatNameTheVendorAreRewritten: also compressed ones.
func TestAnswersThatNameTheVendorAreRewritten(t *testing.T) {
	url := vendorAt(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Error("the vendor was asked for a compressed answer")
		}
		w.Header().Set("Content-Encoding", "gzip") // it does so anyway
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"a":1,"live":"vendor.example:99","b":[2]}`)
		z.Close()
	})
	_, at := frontedAt(t, url, nil)
	a := ask(t, "GET", at+"/where", "", "X-App", "1", "Accept-Encoding", "gzip")
	if want := `{"a":1,"live":"` + strings.TrimPrefix(at, "http://") + `","b":[2]}`; a.body != want || a.header.Get("Content-Encoding") != "" {
		t.Errorf("%v %s, want %s", a.header, a.body, want)
	}
}

// TestBoundsOfAnApp: calls per second, and bodies.
func TestBoundsOfAnApp(t *testing.T) {
	url := vendorAt(t, func(http.ResponseWriter, *http.Request) {})
	_, at := frontedAt(t, url, func(o *proxy.Options) {
		o.Upstreams[0].Rate = 2
		o.Apps[0].MaxBody = 100
	})
	if a := ask(t, "POST", at+"/things", strings.Repeat("x", 101), "X-App", "1"); a.status != 413 {
		t.Errorf("a large body: %d", a.status)
	}
	var last answer
	refused := time.Now().Add(5 * time.Second)
	for last.status != 429 && time.Now().Before(refused) {
		last = ask(t, "GET", at+"/things/1", "", "X-App", "1")
	}
	if last.status != 429 || last.header.Get("Retry-After") == "" || !strings.Contains(last.body, "rate.limited") {
		t.Errorf("too many calls: %d %v %s", last.status, last.header, last.body)
	}
	if a := ask(t, "GET", at+"/things/1", "", "X-App", "2"); a.status != 200 {
		t.Errorf("the other app: %d", a.status)
	}
}
