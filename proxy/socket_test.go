package proxy_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"dragoman/adapters"
	"dragoman/proxy"
)

func echoing(ended *atomic.Int32) *fake {
	return &fake{sockets: []adapters.Socket{
		{Path: "/connect/:room", Name: "connect", Serve: echo(ended), MaxMessage: 100_000},
		{Path: "/silent", Name: "silent", Serve: echo(ended), Idle: 200 * time.Millisecond},
	}}
}

func TestSocketEchoesEveryKindOfMessage(t *testing.T) {
	var ended atomic.Int32
	_, addr := serving(t, echoing(&ended), nil)
	c := connect(t, dial(t, addr), "/connect/a", ws.NewTextFrame([]byte("early")), ws.NewTextFrame(bytes.Repeat([]byte("e"), 3000)))
	if f := c.read(); string(f.Payload) != "early" || f.Header.OpCode != ws.OpText || f.Header.Masked {
		t.Errorf("early bytes: %v %q", f.Header, f.Payload)
	}
	if f := c.read(); len(f.Payload) != 3000 {
		t.Errorf("early large: %d bytes", len(f.Payload))
	}
	for _, n := range []int{0, 1, 125, 126, 152, 153, 160, 5000, 65535, 65536, 100_000} {
		want := bytes.Repeat([]byte{byte('a' + n%26)}, n)
		c.send(ws.NewBinaryFrame(want))
		if f := c.read(); f.Header.OpCode != ws.OpBinary || !bytes.Equal(f.Payload, want) {
			t.Fatalf("%d bytes came back as %v with %d", n, f.Header, len(f.Payload))
		}
	}
	// A message in three parts with a ping in between.
	c.send(ws.NewFrame(ws.OpText, false, []byte("a\xc3")))
	c.send(ws.NewPingFrame([]byte("p")))
	c.send(ws.NewFrame(ws.OpContinuation, false, nil))
	c.send(ws.NewFrame(ws.OpContinuation, true, []byte("\xa4z")))
	if f := c.read(); f.Header.OpCode != ws.OpPong || string(f.Payload) != "p" {
		t.Errorf("pong: %v %q", f.Header, f.Payload)
	}
	if f := c.read(); string(f.Payload) != "aäz" {
		t.Errorf("fragments: %q", f.Payload)
	}
	c.send(ws.NewCloseFrame(ws.NewCloseFrameBody(4321, "bye")))
	if code := c.closed(); code != 4321 {
		t.Errorf("close code came back as %d", code)
	}
	if _, err := c.br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the close frame: %v", err)
	}
	eventually(t, "the handler ends", func() bool { return ended.Load() == 1 })
}

func TestSocketClosesOnBadInput(t *testing.T) {
	mask := func(f ws.Frame) []byte { return ws.MustCompileFrame(ws.MaskFrame(f)) }
	rsv := ws.MaskFrame(ws.NewTextFrame([]byte("x")))
	rsv.Header.Rsv = 4
	huge := append([]byte{0x82, 0xff}, binary.BigEndian.AppendUint64(nil, 1<<62)...)
	negative := append([]byte{0x82, 0xff}, binary.BigEndian.AppendUint64(nil, 1<<63)...)
	half := ws.NewFrame(ws.OpText, false, []byte("x"))
	var ended atomic.Int32
	_, addr := serving(t, echoing(&ended), nil)
	cases := []struct {
		name string
		wire []byte
		code int
	}{
		{"unmasked", ws.MustCompileFrame(ws.NewTextFrame([]byte("x"))), 1002},
		{"reserved bit", ws.MustCompileFrame(rsv), 1002},
		{"reserved opcode", mask(ws.NewFrame(5, true, nil)), 1002},
		{"long ping", mask(ws.NewFrame(ws.OpPing, true, make([]byte, 126))), 1002},
		{"split ping", mask(ws.NewFrame(ws.OpPing, false, nil)), 1002},
		{"continuation of nothing", mask(ws.NewFrame(ws.OpContinuation, true, nil)), 1002},
		{"message inside a message", append(mask(half), mask(half)...), 1002},
		{"not UTF-8", mask(ws.NewTextFrame([]byte("a\xff"))), 1007},
		{"too big", mask(ws.NewBinaryFrame(make([]byte, 100_001))), 1009},
		{"too big in parts", append(mask(ws.NewFrame(ws.OpBinary, false, make([]byte, 60_000))), mask(ws.NewFrame(ws.OpContinuation, true, make([]byte, 60_000)))...), 1009},
		{"absurd length", append(huge, 1, 2, 3, 4), 1009},
		{"negative length", append(negative, 1, 2, 3, 4), 1002},
		{"close code 1005", mask(ws.NewCloseFrame([]byte{0x03, 0xed})), 1002},
		{"close of one byte", mask(ws.NewCloseFrame([]byte{3})), 1002},
		{"close reason not UTF-8", mask(ws.NewCloseFrame([]byte{0x03, 0xe8, 0xff})), 1002},
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 1002},
		{"failing handler", mask(ws.NewTextFrame([]byte("fail"))), 1011},
		{"panicking handler", mask(ws.NewTextFrame([]byte("panic"))), 1011},
	}
	for _, x := range cases {
		c := connect(t, dial(t, addr), "/connect/a")
		if _, err := c.nc.Write(x.wire); err != nil {
			t.Fatal(err)
		}
		if code := c.closed(); code != x.code {
			t.Errorf("%s: closed with %d, want %d", x.name, code, x.code)
		}
		c.nc.Close()
	}
	eventually(t, "all handlers end", func() bool { return int(ended.Load()) == len(cases) })
}

func TestSocketRefusesBadHandshakesInTheDialect(t *testing.T) {
	_, addr := serving(t, echoing(nil), nil)
	const ok = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, c := range []struct {
		name, head string
		status     int
	}{
		{"plain GET", "GET /connect/a HTTP/1.1\r\nHost: x\r\n", 400},
		{"POST", "POST /connect/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n", 400},
		{"no key", "GET /connect/a HTTP/1.1\r\n" + strings.Replace(ok, "dGhlIHNhbXBsZSBub25jZQ==", "x", 1), 400},
		{"old version", "GET /connect/a HTTP/1.1\r\n" + strings.Replace(ok, "13", "8", 1), 400},
		{"no path", "GET /elsewhere HTTP/1.1\r\n" + ok, 404},
		{"bad parameter", "GET /connect/%ff HTTP/1.1\r\n" + ok, 400},
	} {
		if got := raw(t, addr, c.head+"\r\n"); got.status != c.status || !strings.HasPrefix(got.body, `{"fake":"request.`) {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
	}
}

func TestSlowConsumerIsClosed(t *testing.T) {
	refused := make(chan int, 1)
	d := &fake{sockets: []adapters.Socket{{Path: "/flood", Name: "flood", SlowCode: 4008, Serve: func(_ context.Context, c adapters.Conn) error {
		f := adapters.TextFrame(bytes.Repeat([]byte("x"), 10_000))
		n := 0
		for c.Send(f) {
			n++
		}
		refused <- n
		<-c.Done()
		return nil
	}}}}
	_, addr := serving(t, d, func(o *proxy.Options) { o.Sockets.CloseGrace = 300 * time.Millisecond })
	c := connect(t, dial(t, addr), "/flood")
	if n := <-refused; n < 100 { // 1 MiB holds 104 of them
		t.Errorf("refused after %d frames", n)
	}
	// One that reads late still learns why.
	late := 0
	for {
		f, err := ws.ReadFrame(c.br)
		if err != nil {
			t.Fatalf("after %d frames: %v", late, err)
		}
		if f.Header.OpCode == ws.OpClose {
			if code, _ := ws.ParseCloseFrameData(f.Payload); code != 4008 {
				t.Errorf("closed with %d", code)
			}
			break
		}
		late++
	}
	// One that never reads is gone all the same: the server's shutdown does not wait for it.
	connect(t, dial(t, addr), "/flood")
	<-refused
}

func TestSilentPeerIsPingedThenClosed(t *testing.T) {
	var ended atomic.Int32
	_, addr := serving(t, echoing(&ended), nil)
	c := connect(t, dial(t, addr), "/silent")
	if f := c.read(); f.Header.OpCode != ws.OpPing {
		t.Fatalf("first frame: %v", f.Header)
	}
	c.send(ws.NewPongFrame(nil))
	if f := c.read(); f.Header.OpCode != ws.OpPing {
		t.Fatalf("a pong is a sign of life, then asked again; got %v", f.Header)
	}
	if code := c.closed(); code != 1001 {
		t.Errorf("closed with %d", code)
	}
	eventually(t, "the handler ends", func() bool { return ended.Load() == 1 })
}

func TestSocketHandlerEndsWhenThePeerVanishes(t *testing.T) {
	var ended atomic.Int32
	_, addr := serving(t, echoing(&ended), nil)
	for range 20 {
		c := connect(t, dial(t, addr), "/connect/a")
		c.nc.(*net.TCPConn).SetLinger(0)
		c.nc.Close()
	}
	eventually(t, "all handlers end", func() bool { return ended.Load() == 20 })
}

func TestReadGivesUpWithItsContextAndGoesOn(t *testing.T) {
	first := make(chan error, 1)
	d := &fake{sockets: []adapters.Socket{{Path: "/c", Name: "c", Serve: func(ctx context.Context, c adapters.Conn) error {
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, _, err := c.Read(short)
		first <- err
		return echo(nil)(ctx, c)
	}}}}
	_, addr := serving(t, d, nil)
	c := connect(t, dial(t, addr), "/c")
	if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("first read: %v", err)
	}
	c.send(ws.NewTextFrame([]byte("still here")))
	if f := c.read(); string(f.Payload) != "still here" {
		t.Errorf("got %v %q", f.Header, f.Payload)
	}
}

func TestFramesArriveInOrderFromManySenders(t *testing.T) {
	const n = 5000
	d := &fake{sockets: []adapters.Socket{{Path: "/c", Name: "c", Serve: func(_ context.Context, c adapters.Conn) error {
		for i := range n {
			for !c.Send(adapters.TextFrame(fmt.Appendf(nil, "%d-%s", i, strings.Repeat("y", i%300)))) {
				return errors.New("refused")
			}
			if i%100 == 99 { // the peer says that it has read so far
				if _, _, err := c.Read(context.Background()); err != nil {
					return err
				}
			}
		}
		return nil
	}}}}
	_, addr := serving(t, d, nil)
	c := connect(t, dial(t, addr), "/c")
	for i := range n {
		f := c.read()
		if want := fmt.Sprintf("%d-%s", i, strings.Repeat("y", i%300)); string(f.Payload) != want {
			t.Fatalf("frame %d: %q", i, f.Payload)
		}
		if i%100 == 99 {
			c.send(ws.NewTextFrame([]byte("more")))
		}
	}
	if code := c.closed(); code != 1000 {
		t.Errorf("closed with %d", code)
	}
}

func TestShutdownDrainsSockets(t *testing.T) {
	var ended atomic.Int32
	srv, addr := serving(t, echoing(&ended), nil)
	var cs []*client
	for range 30 {
		cs = append(cs, connect(t, dial(t, addr), "/connect/a"))
	}
	for _, c := range cs { // all handlers run
		c.send(ws.NewTextFrame([]byte("x")))
		c.read()
	}
	done := make(chan error, 1)
	go func() { done <- srv.Shutdown(t.Context()) }()
	for _, c := range cs {
		if code := c.closed(); code != 1001 {
			t.Errorf("closed with %d", code)
		}
		c.nc.Close()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if ended.Load() != 30 {
		t.Errorf("%d handlers ended", ended.Load())
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("still accepting")
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	var ended atomic.Int32
	stuck, runs := make(chan struct{}), make(chan struct{})
	d := &fake{sockets: []adapters.Socket{{Path: "/c", Name: "c", Serve: func(context.Context, adapters.Conn) error {
		close(runs)
		<-stuck
		ended.Add(1)
		return nil
	}}}}
	o := proxy.Options{Listeners: []proxy.Listener{{Name: "main", Addr: "127.0.0.1:0", Mounts: []proxy.Mount{{Name: "fake", Dialect: d, Catalog: fakeCatalog()}}}}}
	srv, err := proxy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := connect(t, dial(t, srv.Addr("main").String()), "/c")
	<-runs // the handshake is answered before the handler runs
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v", err)
	}
	if _, err := io.Copy(io.Discard, c.br); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection was left open")
	}
	close(stuck)
	eventually(t, "the handler ends", func() bool { return ended.Load() == 1 })
}

func TestSocketWorksOverTLS(t *testing.T) {
	cert := selfSigned(t)
	var ended atomic.Int32
	_, addr := serving(t, echoing(&ended), func(o *proxy.Options) {
		o.Listeners[0].TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	})
	tc := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // a certificate of this test
	c := connect(t, tc, "/connect/a", ws.NewTextFrame([]byte("early")))
	if f := c.read(); string(f.Payload) != "early" {
		t.Errorf("early: %v %q", f.Header, f.Payload)
	}
	big := bytes.Repeat([]byte("z"), 90_000)
	c.send(ws.NewBinaryFrame(big))
	if f := c.read(); !bytes.Equal(f.Payload, big) {
		t.Errorf("big: %d bytes", len(f.Payload))
	}
	s := connect(t, tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}), "/silent") //nolint:gosec // as above
	if f := s.read(); f.Header.OpCode != ws.OpPing {
		t.Fatalf("first frame: %v", f.Header)
	}
	s.send(ws.NewTextFrame([]byte("awake"))) // reading goes on after a timeout inside TLS
	if f := s.read(); string(f.Payload) != "awake" {
		t.Errorf("after the ping: %v %q", f.Header, f.Payload)
	}
	c.send(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
	if code := c.closed(); code != 1000 {
		t.Errorf("closed with %d", code)
	}
}

func TestSocketLimitAnswersUnavailable(t *testing.T) {
	_, addr := serving(t, echoing(nil), func(o *proxy.Options) { o.MaxSockets = 1 })
	c := connect(t, dial(t, addr), "/connect/a")
	c.send(ws.NewTextFrame([]byte("x")))
	c.read()
	got := raw(t, addr, "GET /connect/b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("got %d %v %s", got.status, got.header, got.body)
	}
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
