package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"dragoman/adapters"
	"dragoman/proxy"
)

// BenchmarkRoundTrip sends a message-sized POST over one keep-alive connection: client and server
// together, the client without allocations of its own.
func BenchmarkRoundTrip(b *testing.B) {
	body := `{"message":{"id":"6f1c8a52","text":"` + strings.Repeat("hello ", 20) + `"}}`
	answer := []byte(strings.Repeat("x", 900))
	d := &fake{routes: []adapters.Route{do("POST", "/channels/:type/:id/message", "send", adapters.GateUser,
		func(_ context.Context, _ *adapters.Request, rs *adapters.Response) error {
			rs.Body = answer
			return nil
		})}}
	_, addr := serving(b, d, nil)
	nc := dial(b, addr)
	_ = nc.SetDeadline(time.Time{})
	rq := []byte("POST /channels/messaging/general/message?api_key=abcdef&user_id=alice&connection_id=6a2fea53-0a15-1922-0200-00000000048f HTTP/1.1\r\n" +
		"Host: chat.example.com\r\nAuthorization: alice\r\nStream-Auth-Type: jwt\r\nX-Stream-Client: stream-chat-js-v9.49.0-node\r\n" +
		"Accept: application/json, text/plain, */*\r\nUser-Agent: axios/1.7\r\nAccept-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	buf := make([]byte, 8192)
	size := 0
	call := func() {
		if _, err := nc.Write(rq); err != nil {
			b.Fatal(err)
		}
		for got := 0; size == 0 || got < size; {
			n, err := nc.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			if got += n; size == 0 {
				size = got
			}
		}
	}
	call()
	b.ReportAllocs()
	for b.Loop() {
		call()
	}
}

// sinkEnv makes the test binary a client that opens connections and reads: its work must not be
// counted as the server's.
const sinkEnv = "PROXY_TEST_SINK"

// sink opens n connections to addr. The first one answers every frame.
func sink(spec string) {
	addr, count, _ := strings.Cut(spec, " ")
	n, _ := strconv.Atoi(count)
	var wg sync.WaitGroup
	for i := range n {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Fprintf(nc, "GET /c HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		br := bufio.NewReaderSize(nc, 1024)
		for line := ""; line != "\r\n"; {
			if line, err = br.ReadString('\n'); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
		wg.Go(func() {
			if i > 0 {
				_, _ = io.Copy(io.Discard, br)
				return
			}
			ack := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame(nil)))
			for {
				if _, err := ws.ReadFrame(br); err != nil {
					return
				}
				_, _ = nc.Write(ack)
			}
		})
	}
	fmt.Println("ready")
	wg.Wait()
}

// crowd is a server with n connections of another process.
type crowd struct {
	mu    sync.Mutex
	conns []adapters.Conn
	ack   chan struct{}
}

func gather(b *testing.B, n int) *crowd {
	b.Helper()
	c := &crowd{ack: make(chan struct{}, 1)}
	d := &fake{sockets: []adapters.Socket{{Path: "/c", Name: "c", Serve: func(ctx context.Context, conn adapters.Conn) error {
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		for {
			if _, _, err := conn.Read(ctx); err != nil {
				return err
			}
			c.ack <- struct{}{}
		}
	}}}}
	_, addr := serving(b, d, func(o *proxy.Options) { o.Sockets.DrainSpread = time.Millisecond })
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), sinkEnv+"="+addr+" "+strconv.Itoa(n))
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		b.Fatalf("sink: %q %v", line, err)
	}
	eventually(b, "all connections served", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.conns) == n })
	return c
}

// BenchmarkFanOut sends one frame to 1,000 connections per operation and waits for the answer of the
// last; the server's own CPU time is reported per delivery.
func BenchmarkFanOut(b *testing.B) {
	const n = 1000
	c := gather(b, n)
	frame := adapters.TextFrame([]byte(strings.Repeat("x", 300)))
	before, start := cpu(), time.Now()
	for b.Loop() {
		for i := n - 1; i >= 0; i-- {
			if !c.conns[i].Send(frame) {
				b.Fatal("refused")
			}
		}
		<-c.ack
	}
	deliveries := float64(b.N * n)
	b.ReportMetric(float64((cpu()-before).Microseconds())/deliveries, "cpu-µs/delivery")
	b.ReportMetric(deliveries/time.Since(start).Seconds(), "deliveries/s")
}

// BenchmarkIdleSocket reports the resident memory of one idle connection, of 5,000.
func BenchmarkIdleSocket(b *testing.B) {
	const n = 5000
	before := rss(b)
	start, used := time.Now(), cpu()
	c := gather(b, n)
	b.ReportMetric(float64((cpu()-used).Microseconds())/n, "cpu-µs/connect")
	b.ReportMetric(float64(time.Since(start).Microseconds())/n, "µs/connect")
	b.ReportMetric(float64(rss(b)-before)/n/1024, "KiB-RSS/socket")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.StackInuse)/n/1024, "KiB-stack/socket")
	b.ReportMetric(float64(m.HeapAlloc)/n/1024, "KiB-heap/socket")
	runtime.KeepAlive(c)
}

// cpu is the CPU time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rss is the resident memory of this process after a collection, in bytes.
func rss(b *testing.B) int {
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize()
}
