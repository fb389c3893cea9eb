package bus_test

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"dragoman/core/bus"
)

// listen starts a NATS server on a loopback port; 0 takes any.
func listen(t *testing.T, port int) (*server.Server, int) {
	t.Helper()
	if port == 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, MaxPayload: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not listen")
	}
	return srv, port
}

// stop ends a server.
func stop(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

func TestRemoteServerGoesAndComesBack(t *testing.T) {
	srv, port := listen(t, 0)
	states := make(chan string, 16)
	connect := func() bus.Bus {
		b, err := bus.Connect(bus.Remote{URL: "nats://127.0.0.1:" + strconv.Itoa(port), Changed: func(up bool, _ error) { states <- fmt.Sprint(up) }})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a, b := connect(), connect()
	defer a.Close()
	defer b.Close()
	got := make(chan string, 64)
	if _, err := b.Subscribe("ev.*", func(_ string, data []byte) { got <- string(data) }); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := a.Publish("ev.1", []byte("before")); err != nil {
		t.Fatal(err)
	}
	if s := take(t, got); s != "before" {
		t.Fatalf("heard %q", s)
	}
	stop(srv)
	for range 2 {
		if s := take(t, states); s != "false" {
			t.Fatalf("a lost server is reported as up=%s", s)
		}
	}
	big := make([]byte, 64<<10)
	for range 64 { // far more than is kept: dropped without an error, and without waiting
		if err := a.Publish("other", big); err != nil {
			t.Fatalf("publishing without a server: %v", err)
		}
	}
	srv, _ = listen(t, port)
	defer stop(srv)
	for range 2 {
		if s := take(t, states); s != "true" {
			t.Fatalf("a server that is back is reported as up=%s", s)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		if err := a.Publish("ev.1", []byte("after")); err != nil {
			t.Fatal(err)
		}
		select {
		case s := <-got:
			if s == "after" {
				return
			}
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the subscription did not come back")
		}
	}
}

func TestRemoteServerMustBeThere(t *testing.T) {
	if b, err := bus.Connect(bus.Remote{URL: "nats://127.0.0.1:1"}); err == nil {
		b.Close()
		t.Fatal("connected to nothing")
	}
}
