package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
	"dragoman/proxy"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(sinkEnv); spec != "" {
		sink(spec)
		return
	}
	// The web server's worker pool looks every 10 s whether it should end; it does, later.
	// Its clock for Date headers runs once per process, for ever. The pool of connections to an upstream
	// looks after its keep-alive whether it should end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// fakeCatalog is a vendor with one row per reason, status as in the taxonomy.
var fakeCatalog = sync.OnceValue(func() *normalize.Catalog {
	var rows, emit strings.Builder
	rows.WriteString("id\tsurface\tstatus\tcode\tname\tmessage\tcanonical\tvariant\tdirection\treach\tmeaning\n")
	emit.WriteString("canonical\trow\tstatus\tcode\tfit\ttext\tnote\n")
	for i, r := range fault.All() {
		fmt.Fprintf(&rows, "F%03d\trest\t%d\t%d\tname\t\t%s\t\tboth\trequest\tx\n", i, r.Status(), 1000+i, r.Name())
		fmt.Fprintf(&emit, "%s\tF%03d\t%d\t%d\texact\t\t\n", r.Name(), i, r.Status(), 1000+i)
	}
	return normalize.MustParse("fake", []byte(rows.String()), []byte(emit.String()))
})

// fake is a dialect whose errors are {"fake":"<reason>","op":"<route>","text":"…"}.
type fake struct {
	routes  []adapters.Route
	sockets []adapters.Socket
	broken  bool // EncodeError panics
}

func (d *fake) Authenticate(_ context.Context, _ *adapters.Route, rq *adapters.Request) (core.Actor, error) {
	switch rq.Headers.Get("Authorization") {
	case "server":
		return core.Actor{App: 1, Access: core.AccessServer, Platform: "server"}, nil
	case "alice":
		return core.Actor{App: 1, User: "alice", Access: core.AccessUser, Platform: "web"}, nil
	case "limited":
		return core.Actor{App: 2, User: "bob", Access: core.AccessUser, Platform: "ios"}, nil
	case "boom":
		panic("secret in authenticate")
	}
	return core.Actor{App: 1}, fault.AuthTokenMissing.Error("")
}

func (d *fake) Routes() []adapters.Route   { return d.routes }
func (d *fake) Sockets() []adapters.Socket { return d.sockets }
func (d *fake) Unsupported() []adapters.Unsupported {
	return []adapters.Unsupported{{Method: "POST", Path: "/imports", Name: "Import", Reason: "Imports are not served."}}
}

func (d *fake) EncodeError(p *normalize.Problem) normalize.Native {
	if d.broken {
		panic("secret in EncodeError")
	}
	n := normalize.Native{Status: p.Status, ContentType: "application/json", Message: p.Text()}
	n.Body = fmt.Appendf(nil, `{"fake":%q,"op":%q,"text":%q}`, p.Code, p.Op, p.Text())
	if v := p.RetryHeader(); v != "" {
		n.Header = append(n.Header, normalize.Header{Name: "Retry-After", Value: v})
	}
	return n
}

// route makes a route that answers a text.
func route(method, path, name string) adapters.Route {
	return adapters.Route{Method: method, Path: path, Name: name, Gate: adapters.GateOpen,
		Serve: func(_ context.Context, _ core.Actor, rq *adapters.Request, rs *adapters.Response) error {
			var b strings.Builder
			fmt.Fprintf(&b, "%s prefix=%s path=%s", name, rq.Prefix, rq.Path)
			for _, p := range rq.Params {
				fmt.Fprintf(&b, " %s=%s", p.Name, p.Value)
			}
			rs.ContentType, rs.Body = "text/plain", []byte(b.String())
			return nil
		}}
}

// serving starts a server around one dialect on a free port and ends it with the test.
func serving(t testing.TB, d *fake, edit func(*proxy.Options)) (srv *proxy.Server, addr string) {
	t.Helper()
	o := proxy.Options{
		Listeners: []proxy.Listener{{Name: "main", Addr: "127.0.0.1:0", Mounts: []proxy.Mount{{Name: "fake", Dialect: d, Catalog: fakeCatalog()}}}},
		Apps:      []proxy.App{{ID: 1, Name: "one"}, {ID: 2, Name: "two", RateLimits: true}},
	}
	o.Sockets.DrainSpread = 50 * time.Millisecond
	if edit != nil {
		edit(&o)
	}
	srv, err := proxy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return srv, srv.Addr("main").String()
}

// answer is one HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends one request on a connection of its own; headers come in pairs.
func ask(t testing.TB, method, url, body string, headers ...string) answer {
	t.Helper()
	rq, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			rq.Host = headers[i+1]
		}
		rq.Header.Set(headers[i], headers[i+1])
	}
	tr := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	defer tr.CloseIdleConnections()
	rs, err := (&http.Client{Transport: tr, Timeout: 20 * time.Second}).Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{rs.StatusCode, rs.Header, string(b)}
}

// raw sends bytes and reads one HTTP answer.
func raw(t *testing.T, addr, request string) answer {
	t.Helper()
	nc := dial(t, addr)
	if _, err := io.WriteString(nc, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	return readAnswer(t, bufio.NewReader(nc), method)
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

func readAnswer(t *testing.T, br *bufio.Reader, method string) answer {
	t.Helper()
	rs, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{rs.StatusCode, rs.Header, string(b)}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// client is a WebSocket client on the bare frames.
type client struct {
	t  testing.TB
	nc net.Conn
	br *bufio.Reader
}

// connect upgrades a connection; early is sent together with the handshake.
func connect(t testing.TB, nc net.Conn, path string, early ...ws.Frame) *client {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path)
	for _, f := range early {
		b.Write(ws.MustCompileFrame(ws.MaskFrame(f)))
	}
	if _, err := nc.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReaderSize(nc, 512)
	rs, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rs.StatusCode != 101 || rs.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		body, _ := io.ReadAll(rs.Body)
		t.Fatalf("handshake: %d %v %s", rs.StatusCode, rs.Header, body)
	}
	return &client{t, nc, br}
}

func (c *client) send(f ws.Frame) {
	c.t.Helper()
	if err := ws.WriteFrame(c.nc, ws.MaskFrame(f)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) read() ws.Frame {
	c.t.Helper()
	f, err := ws.ReadFrame(c.br)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

// closed reads until the close frame and returns its code.
func (c *client) closed() int {
	c.t.Helper()
	for {
		f, err := ws.ReadFrame(c.br)
		if err != nil {
			c.t.Fatalf("no close frame: %v", err)
		}
		if f.Header.OpCode == ws.OpClose {
			code, _ := ws.ParseCloseFrameData(f.Payload)
			return int(code)
		}
	}
}

// echo sends every message back.
func echo(ended *atomic.Int32) func(context.Context, adapters.Conn) error {
	return func(ctx context.Context, c adapters.Conn) error {
		if ended != nil {
			defer ended.Add(1)
		}
		for {
			text, data, err := c.Read(ctx)
			if err != nil {
				return err
			}
			if string(data) == "fail" {
				return errors.New("inner detail")
			}
			if string(data) == "panic" {
				panic("inner detail")
			}
			f := adapters.BinaryFrame(data)
			if text {
				f = adapters.TextFrame(data)
			}
			c.Send(f)
		}
	}
}

// atoi reads a header as a number.
func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%q is not a number", s)
	}
	return n
}

// Short names for the types in handler signatures.
type (
	ctxT   = context.Context
	actorT = core.Actor
)
