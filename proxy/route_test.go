package proxy_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"dragoman/adapters"
	"dragoman/proxy"
)

func TestRoutingPicksTheMostLiteralRoute(t *testing.T) {
	d := &fake{routes: []adapters.Route{
		route("POST", "/channels/:type/:id/query", "query"),
		route("POST", "/channels/:type/query", "queryType"),
		route("GET", "/users/:id", "user"),
		route("POST", "/users/search", "search"),
		route("DELETE", "/users/:user", "remove"),
		route("GET", "/files/*path", "file"),
		route("GET", "/files/info", "fileInfo"),
		route("GET", "/", "root"),
		route("GET", "/a/b/c", "abc"),
		route("GET", "/a/:x/d", "axd"),
	}}
	_, addr := serving(t, d, nil)
	for _, c := range []struct {
		method, path string
		status       int
		want         string // body, or reason
		allow        string
	}{
		{"POST", "/channels/messaging/general/query", 200, "query prefix= path=/channels/messaging/general/query type=messaging id=general", ""},
		{"POST", "/channels/messaging/query", 200, "queryType prefix= path=/channels/messaging/query type=messaging", ""},
		{"POST", "/channels/a%2Fb/c%20d/query", 200, "query prefix= path=/channels/a%2Fb/c%20d/query type=a/b id=c d", ""},
		{"GET", "/users/search", 200, "user prefix= path=/users/search id=search", ""},
		{"POST", "/users/search", 200, "search prefix= path=/users/search", ""},
		{"DELETE", "/users/x", 200, "remove prefix= path=/users/x user=x", ""},
		{"GET", "/files/a/b%2F/c", 200, "file prefix= path=/files/a/b%2F/c path=a/b//c", ""},
		{"GET", "/files/info", 200, "fileInfo prefix= path=/files/info", ""},
		{"GET", "/", 200, "root prefix= path=/", ""},
		{"GET", "/a/b/d", 200, "axd prefix= path=/a/b/d x=b", ""},
		{"GET", "/a/b/c?x=/y", 200, "abc prefix= path=/a/b/c", ""},
		{"HEAD", "/a/b/c", 200, "", ""},
		{"GET", "/A/b/c", 404, "request.endpoint_not_found", ""},
		{"GET", "/a/b/c/", 404, "request.endpoint_not_found", ""},
		{"GET", "/a//d", 404, "request.endpoint_not_found", ""},
		{"GET", "/nope", 404, "request.endpoint_not_found", ""},
		{"PUT", "/users/x", 405, "request.method_not_allowed", "DELETE, GET, HEAD, OPTIONS"},
		{"PROPFIND", "/users/search", 405, "request.method_not_allowed", "DELETE, GET, HEAD, POST, OPTIONS"},
		{"POST", "/imports", 501, "request.not_implemented", ""},
		{"GET", "/users/%zz", 400, "request.invalid", ""},
		{"GET", "/users/%ff", 400, "request.invalid", ""},
		{"GET", "/a/b/c?q=%ff", 400, "request.invalid", ""},
	} {
		got := raw(t, addr, c.method+" "+c.path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		ok := got.body == c.want
		if c.status >= 400 {
			ok = strings.HasPrefix(got.body, `{"fake":"`+c.want+`"`)
		}
		if got.status != c.status || !ok || got.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %s allow=%q, want %d %s allow=%q", c.method, c.path, got.status, got.body, got.header.Get("Allow"), c.status, c.want, c.allow)
		}
		if got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no request id", c.method, c.path)
		}
	}
}

func TestUnsupportedRowTellsItsReasonInTheDialect(t *testing.T) {
	_, addr := serving(t, &fake{}, nil)
	got := ask(t, "POST", "http://"+addr+"/imports", "{}")
	if got.status != 501 || !strings.Contains(got.body, `"op":"Import","text":"Imports are not served."`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestRoutingTableMistakesAreFoundAtStart(t *testing.T) {
	for name, routes := range map[string][]adapters.Route{
		"same path":         {route("GET", "/a/:x", "one"), route("GET", "/a/:y", "two")},
		"same name":         {route("GET", "/a", "one"), route("GET", "/b", "one")},
		"no slash":          {route("GET", "a", "one")},
		"rest in between":   {route("GET", "/a/*x/b", "one")},
		"no handler":        {{Method: "GET", Path: "/a", Name: "one"}},
		"clash with waiver": {route("POST", "/imports", "one")},
	} {
		_, err := proxy.New(proxy.Options{Listeners: []proxy.Listener{{Addr: "x", Mounts: []proxy.Mount{
			{Name: "fake", Dialect: &fake{routes: routes}, Catalog: fakeCatalog()}}}}})
		if err == nil {
			t.Errorf("%s: no error", name)
		} else {
			t.Log(err)
		}
	}
}

func TestOneListenerCarriesMountsByHostPrefixAndPage(t *testing.T) {
	one := &fake{routes: []adapters.Route{route("GET", "/x", "one")}}
	two := &fake{routes: []adapters.Route{route("GET", "/x", "two"), route("GET", "/", "twoRoot")}}
	_, addr := serving(t, one, func(o *proxy.Options) {
		o.Listeners[0].Mounts = []proxy.Mount{
			{Name: "one", Dialect: one, Catalog: fakeCatalog(), Prefix: "/one"},
			{Name: "two", Dialect: two, Catalog: fakeCatalog(), Prefix: "/one/two", Hosts: []string{"*.chat.test", "two.test"}},
			{Name: "later", Prefix: "/later"},
		}
		o.Listeners[0].Pages = []proxy.Page{
			{Method: "GET", Path: "/", Serve: func(rq *adapters.Request) *adapters.Response {
				return &adapters.Response{ContentType: "text/html", Body: []byte("<p>" + rq.Query.Get("q"))}
			}},
			{Method: "GET", Path: "/gone", Serve: func(*adapters.Request) *adapters.Response { return nil }},
			{Method: "GET", Path: "/boom", Serve: func(*adapters.Request) *adapters.Response { panic("inner detail") }},
		}
	})
	for _, c := range []struct {
		host, path string
		status     int
		want       string
	}{
		{"x", "/one/x", 200, "one prefix=/one path=/x"},
		{"x", "/one/two/x", 200, "two prefix=/one/two path=/x"},
		{"x", "/one/two", 200, "twoRoot prefix=/one/two path=/"},
		{"a.chat.test:8080", "/x", 200, "two prefix= path=/x"},
		{"TWO.test", "/x", 200, "two prefix= path=/x"},
		{"a.b.chat.test", "/x", 404, `{"code":-1`},
		{"x", "/onex", 404, `{"code":-1`},
		{"x", "/later/anything", 501, `{"code":-1`},
		{"x", "/?q=a+b%26", 200, "<p>a b&"},
		{"x", "/gone", 404, `{"code":-1`},
		{"x", "/boom", 500, `{"code":-1`},
	} {
		got := ask(t, "GET", "http://"+addr+c.path, "", "Host", c.host)
		if got.status != c.status || !strings.HasPrefix(got.body, c.want) || strings.Contains(got.body, "inner detail") {
			t.Errorf("%s%s: %d %s, want %d %s", c.host, c.path, got.status, got.body, c.status, c.want)
		}
	}
	if got := ask(t, "POST", "http://"+addr+"/", ""); got.status != 405 || got.header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("POST on a page: %d %s", got.status, got.header.Get("Allow"))
	}
}

func TestKeepAliveConnectionsServeManyRequests(t *testing.T) {
	_, addr := serving(t, &fake{routes: []adapters.Route{route("GET", "/u/:id", "u")}}, nil)
	nc := dial(t, addr)
	br := bufio.NewReader(nc)
	for _, id := range []string{"AAAAAAAA", "BBBBBBBB", "C"} {
		if _, err := io.WriteString(nc, "GET /u/"+id+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := readAnswer(t, br, "GET"); got.body != "u prefix= path=/u/"+id+" id="+id {
			t.Errorf("%s: %s", id, got.body)
		}
	}
}

func TestRequestIDIsTakenWhenHarmless(t *testing.T) {
	_, addr := serving(t, &fake{routes: []adapters.Route{route("GET", "/x", "x")}}, nil)
	for given, kept := range map[string]bool{"abc-123": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "a b": false, `a"b`: false, "": false} {
		got := ask(t, "GET", "http://"+addr+"/x", "", "X-Request-Id", given).header.Get("X-Request-Id")
		if (got == given) != kept || got == "" {
			t.Errorf("%q became %q", given, got)
		}
	}
	got := ask(t, "GET", "http://"+addr+"/nope", "", "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Accept", "application/problem+json")
	if !strings.Contains(got.body, `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`) || got.header.Get("Traceparent") == "" {
		t.Errorf("trace lost: %v %s", got.header, got.body)
	}
}

func TestPreflightAndErrorsCarryCORS(t *testing.T) {
	_, addr := serving(t, &fake{routes: []adapters.Route{route("GET", "/x", "x")}}, nil)
	got := ask(t, "OPTIONS", "http://"+addr+"/anything", "", "Origin", "https://app.test", "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "authorization,stream-auth-type")
	h := got.header
	if got.status != 204 || got.body != "" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Max-Age") == "" ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") || h.Get("Access-Control-Allow-Headers") != "authorization,stream-auth-type" {
		t.Errorf("preflight: %d %v", got.status, h)
	}
	for _, path := range []string{"/x", "/nope"} {
		h := ask(t, "GET", "http://"+addr+path, "", "Origin", "https://app.test").header
		if h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "X-RateLimit-Limit") {
			t.Errorf("%s: %v", path, h)
		}
	}
	if h := ask(t, "GET", "http://"+addr+"/x", "").header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("CORS headers for a request without Origin: %v", h)
	}
	got = ask(t, "OPTIONS", "http://"+addr+"/x", "")
	if got.status != 204 || got.header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("OPTIONS: %d %v", got.status, got.header)
	}
}

func TestErrorModesAreChosenByTheRequest(t *testing.T) {
	_, addr := serving(t, &fake{}, nil)
	for _, c := range []struct {
		name, header, value, contentType string
		native, document                 bool
	}{
		{"default", "Accept", "application/json, text/plain, */*", "application/json", true, true},
		{"native", "Dragoman-Error-Format", "native", "application/json", true, false},
		{"unified", "Dragoman-Error-Format", "unified", "application/problem+json", false, true},
		{"accept", "Accept", "application/problem+json", "application/problem+json", false, true},
	} {
		got := ask(t, "GET", "http://"+addr+"/nope", "", c.header, c.value)
		native, document := strings.HasPrefix(got.body, `{"fake"`), strings.Contains(got.body, "urn:dragoman:error:request.endpoint_not_found")
		if native != c.native || document != c.document || got.header.Get("Content-Type") != c.contentType || got.header.Get("Dragoman-Error") == "" {
			t.Errorf("%s: %v %s", c.name, got.header, got.body)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), "HEAD", "http://"+addr+"/nope", nil)
	tr := &http.Transport{DisableKeepAlives: true}
	rs, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	if b, _ := io.ReadAll(rs.Body); len(b) != 0 || rs.StatusCode != 404 {
		t.Errorf("HEAD: %d %q", rs.StatusCode, b)
	}
}

func TestClientsCannotForgeOurHeaders(t *testing.T) {
	seen := make(chan adapters.Values, 1)
	d := &fake{}
	r := route("GET", "/x", "x")
	serve := r.Serve
	r.Serve = func(ctx ctxT, by actorT, rq *adapters.Request, rs *adapters.Response) error {
		seen <- rq.Headers
		return serve(ctx, by, rq, rs)
	}
	d.routes = []adapters.Route{r}
	_, addr := serving(t, d, nil)
	ask(t, "GET", "http://"+addr+"/x", "", "Dragoman-Error", "x", "dragoman-original", "y", "Dragoman-Error-Format", "native", "X-Forwarded-For", "1.2.3.4")
	h := <-seen
	if h.Get("Dragoman-Error") != "" || h.Get("Dragoman-Original") != "" || h.Get("Dragoman-Error-Format") != "native" {
		t.Errorf("headers: %v", h)
	}
}
