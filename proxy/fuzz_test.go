package proxy_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"dragoman/adapters"
)

// FuzzSocket feeds bytes to a live connection: the server may only answer with well-formed frames
// and must end with a close code that is allowed on the wire.
func FuzzSocket(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("hello")))))
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpText, false, []byte("a")))))
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte("p")))))
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame([]byte{3, 232}))))
	f.Add([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	_, addr := serving(f, echoing(nil), nil)
	f.Fuzz(func(t *testing.T, wire []byte) {
		nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
		c := connect(t, nc, "/connect/a")
		if _, err := nc.Write(wire); err != nil {
			return // closed before it had read all
		}
		if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
			return
		}
		for {
			fr, err := ws.ReadFrame(c.br)
			switch {
			case err != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "reset")):
				return
			case err != nil:
				t.Fatal(err)
			case fr.Header.Masked || fr.Header.Rsv != 0:
				t.Fatalf("frame %v", fr.Header)
			case fr.Header.OpCode == ws.OpClose && len(fr.Payload) > 0:
				if code, _ := ws.ParseCloseFrameData(fr.Payload); code < 1000 || code >= 1004 && code <= 1006 || code >= 1015 && code < 3000 || code > 4999 {
					t.Fatalf("close code %d", code)
				}
			}
		}
	})
}

// FuzzRequest feeds a request line and one header: whatever comes, the answer is HTTP, and errors
// are JSON of the dialect.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/users/alice?x=1", "Accept: */*")
	f.Add("FOO", "//a/../b%2f%zz?%%%=&&&", "X-Request-Id: \"")
	f.Add("HEAD", "/files/%ff/\x00", "Origin: x")
	f.Add("OPTIONS", "*", "Transfer-Encoding: chunked")
	_, addr := serving(f, &fake{routes: []adapters.Route{
		route("GET", "/users/:id", "user"), route("GET", "/files/*rest", "file"), route("POST", "/a/:b/c", "abc"),
	}}, nil)
	f.Fuzz(func(t *testing.T, method, target, header string) {
		nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := fmt.Fprintf(nc, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n", method, target, header); err != nil {
			return
		}
		_ = nc.(*net.TCPConn).CloseWrite()
		br := bufio.NewReader(nc)
		if _, err := br.Peek(1); err != nil {
			return // the bytes asked for nothing
		}
		rs, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		defer rs.Body.Close()
		body, err := io.ReadAll(rs.Body)
		if err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatal(err)
		}
		if rs.StatusCode >= 400 && len(body) > 0 && (!json.Valid(body) || !strings.HasPrefix(string(body), `{"fake"`)) {
			t.Fatalf("%d %s", rs.StatusCode, body)
		}
	})
}
