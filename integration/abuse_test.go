package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"
)

// live opens a socket as a user and returns it after the first frame, with its connection id.
func (a api) live(t testing.TB, user string) (net.Conn, string) {
	t.Helper()
	q := url.Values{
		"json":    {object("user_id", user, "user_details", json.RawMessage(object("id", user)))},
		"api_key": {a.Key}, "authorization": {a.user(user)}, "stream-auth-type": {"jwt"},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, br, _, err := ws.Dial(ctx, strings.Replace(a.Base, "http", "ws", 1)+"/connect?"+q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	var first []byte
	if br != nil {
		first, err = wsutil.ReadServerText(struct {
			io.Reader
			io.Writer
		}{br, c})
	} else {
		first, err = wsutil.ReadServerText(c)
	}
	if err != nil {
		t.Fatal(err)
	}
	id := gjson.GetBytes(first, "connection_id").Str
	if id == "" {
		t.Fatalf("first frame: %s", first)
	}
	return c, id
}

// watch makes a connection follow a channel.
func (a api) watch(t testing.TB, user, connection, typ, id string) {
	t.Helper()
	a.must(t, call{Method: "POST", Path: "/channels/" + typ + "/" + id + "/query", Token: a.user(user),
		Query: url.Values{"user_id": {user}, "connection_id": {connection}}, Body: `{"watch":true,"state":false}`})
}

// goroutines asks the operations port how many there are.
func (s *server) goroutines(t testing.TB) int {
	t.Helper()
	rs, err := client.Get(s.Ops() + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	line, _ := bufio.NewReader(rs.Body).ReadString('\n')
	n, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]))
	if err != nil {
		t.Fatalf("goroutine profile begins with %q", line)
	}
	return n
}

// metric reads one line of the metrics.
func (s *server) metric(t testing.TB, name string) string {
	t.Helper()
	rs, err := client.Get(s.Ops() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	for sc := bufio.NewScanner(rs.Body); sc.Scan(); {
		if v, ok := strings.CutPrefix(sc.Text(), name+" "); ok {
			return v
		}
	}
	return ""
}

// settles waits until the server has about as many goroutines as before. Workers of the HTTP
// server rest for ten seconds before they go.
func (s *server) settles(t testing.TB, before int) {
	t.Helper()
	now := 0
	if err := within(40*time.Second, func() bool { now = s.goroutines(t); return now <= before+10 }); err != nil {
		t.Errorf("%d goroutines, %d before: leaked", now, before)
	}
}

// TestStreamSocketThatNeverReads: one watcher stops reading while a room is busy. It is cut off;
// the others hear every message and nobody waits for it.
func TestStreamSocketThatNeverReads(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.demo()
	a.people(t, "ann", "ben", "deaf")
	a.must(t, call{Method: "POST", Path: "/channels/livestream/busy/query", Body: `{"data":{"created_by_id":"ann"}}`})
	before := s.goroutines(t)
	_, deafID := a.live(t, "deaf")
	good, goodID := a.live(t, "ben")
	a.watch(t, "deaf", deafID, "livestream", "busy")
	a.watch(t, "ben", goodID, "livestream", "busy")

	const messages = 1500
	var heard atomic.Int64
	go func() {
		for {
			b, err := wsutil.ReadServerText(good)
			if err != nil {
				return
			}
			if bytes.Contains(b, []byte(`"message.new"`)) {
				heard.Add(1)
			}
		}
	}()
	text := strings.Repeat("x", 4000)
	slowest := time.Duration(0)
	for range messages {
		began := time.Now()
		a.must(t, call{Method: "POST", Path: "/channels/livestream/busy/message", Token: a.user("ann"), Query: url.Values{"user_id": {"ann"}},
			Body: object("message", json.RawMessage(object("text", text)))})
		slowest = max(slowest, time.Since(began))
	}
	if err := within(20*time.Second, func() bool { return heard.Load() == messages }); err != nil {
		t.Errorf("the good listener heard %d of %d messages", heard.Load(), messages)
	}
	if slowest > 5*time.Second {
		t.Errorf("a send took %s", slowest)
	}
	// Nobody knows it at the client, where the cable is full, but the server has let it go.
	sockets := ""
	if err := within(20*time.Second, func() bool { sockets = s.metric(t, `dragoman_sockets{dialect="stream"}`); return sockets == "1" }); err != nil {
		t.Errorf("%s sockets are open", sockets)
	}
	if slow := s.metric(t, "dragoman_slow_consumers_total"); slow != "1" {
		t.Errorf("%s slow consumers counted", slow)
	}
	_ = good.Close()
	s.settles(t, before)
}

// TestStreamGarbageOnSockets: text that is no JSON, binary, frames without a mask, frames of
// absurd length, a cut in the middle of one. Each ends or survives by itself; nothing leaks.
func TestStreamGarbageOnSockets(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.demo()
	a.people(t, "ann")
	before := s.goroutines(t)
	cases := map[string][]byte{
		"no JSON":        ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("{{{{")))),
		"bad UTF-8":      ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte{0xff, 0xfe, 0xfd}))),
		"binary":         ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame([]byte{0, 1, 2, 3}))),
		"no mask":        ws.MustCompileFrame(ws.NewTextFrame([]byte(`[{"type":"health.check"}]`))),
		"8 EiB promised": {0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4},
		"half a frame":   {0x81, 0xfe, 0x40},
		"reserved bits":  {0xf1, 0x80, 1, 2, 3, 4},
		"not a frame":    []byte("GET / HTTP/1.1\r\n\r\n"),
		"deep JSON":      ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(strings.Repeat("[", 10000))))),
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			c, _ := a.live(t, "ann")
			if _, err := c.Write(data); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
			_, _ = io.Copy(io.Discard, c) // closed by the server, or still open: both are answers
			_ = c.Close()
			if r := a.do(t, whoami(a.user("ann"))); r.Status != 200 {
				t.Errorf("the server is not well: %d %s", r.Status, r.Body)
			}
		})
	}
	s.settles(t, before)
}

// insides is what no answer may show: Go's own words, file names, addresses.
var insides = regexp.MustCompile(`goroutine \d|\.go:\d|runtime error|panic|0x[0-9a-f]{6}|SELECT |sqlite`)

// TestStreamGarbageOverHTTP: requests that are none, or nearly. Every answer that comes is the
// dialect's own error; none shows the inside.
func TestStreamGarbageOverHTTP(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.demo()
	a.people(t, "ann")
	auth := "Authorization: " + a.user("ann") + "\r\nStream-Auth-Type: jwt\r\n"
	target := "?api_key=" + demoKey + "&user_id=ann"
	cases := map[string]struct {
		raw    string
		status int // 0: any error
	}{
		"unknown method":     {"FOO /app" + target + " HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		"no request line":    {"\x00\x01\x02\x03\r\n\r\n", 400},
		"bad version":        {"GET /app" + target + " HTTP/9.9\r\nHost: x\r\n\r\n", 0},
		"bad length":         {"POST /users" + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: minus one\r\n\r\n", 400},
		"bad chunk":          {"POST /users" + target + " HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		"payload no JSON":    {"GET /users" + target + "&payload=%7B%7B HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n", 400},
		"payload bad UTF-8":  {"GET /users" + target + "&payload=%ff%fe HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n", 400},
		"path climbs out":    {"GET /../../etc/passwd" + target + " HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n", 404},
		"id with a zero":     {"GET /messages/a%00b" + target + " HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n", 0},
		"id of many letters": {"GET /messages/" + strings.Repeat("a", 9000) + target + " HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n", 0},
		"upload of nothing":  {"POST /uploads/file" + target + " HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 0\r\n\r\n", 400},
		"upload cut short":   {"POST /uploads/file" + target + " HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9\r\n\r\n--x\r\nabcd", 400},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.WriteString(c, tc.raw); err != nil {
				t.Fatal(err)
			}
			rs, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			defer rs.Body.Close()
			body, _ := io.ReadAll(rs.Body)
			if rs.StatusCode < 400 || rs.StatusCode >= 500 || tc.status != 0 && rs.StatusCode != tc.status {
				t.Errorf("status %d, want %d: %s", rs.StatusCode, tc.status, body)
			}
			if code := gjson.GetBytes(body, "code"); code.Type != gjson.Number || !gjson.GetBytes(body, "StatusCode").Exists() {
				t.Errorf("not an error of the dialect: %s", body)
			}
			if m := insides.Find(body); m != nil {
				t.Errorf("the answer shows %q: %s", m, body)
			}
		})
	}
}

// TestStreamHalfOpenConnections: many clients that start a request and never finish it do not keep
// others out.
func TestStreamHalfOpenConnections(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.demo()
	a.people(t, "ann")
	before := s.goroutines(t)
	var conns []net.Conn
	for i := range 300 {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if i%2 == 0 {
			_, _ = fmt.Fprintf(c, "POST /users?api_key=%s HTTP/1.1\r\nHost: x\r\nContent-Le", demoKey)
		}
	}
	began := time.Now()
	if r := a.do(t, whoami(a.user("ann"))); r.Status != 200 || time.Since(began) > 2*time.Second {
		t.Errorf("%d after %s", r.Status, time.Since(began))
	}
	for _, c := range conns {
		_ = c.Close()
	}
	s.settles(t, before)
}
