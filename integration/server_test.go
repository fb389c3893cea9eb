package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The credentials of `serve --demo`, a contract of its own: see the README.
const (
	demoKey     = "demo-stream-key"
	demoSecret  = "demo-stream-secret-0123456789abcdef"
	demo2Key    = "demo2-stream-key"
	demo2Secret = "demo2-stream-secret-0123456789abcdef"

	demoCometApp        = "demo-comet"
	demoCometFullAccess = "demo-comet-fullaccess"
	demoCometAuthOnly   = "demo-comet-authonly"

	demoNexconnKey    = "demo-nexconn-key"
	demoNexconnSecret = "demo-nexconn-secret"
)

// readyWithin is how long a server may take from exec to its ready line on a busy machine.
const readyWithin = 30 * time.Second

// build holds the one binary all tests run.
var build struct {
	once sync.Once
	dir  string
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if build.dir != "" {
		_ = os.RemoveAll(build.dir)
	}
	os.Exit(code)
}

// binary builds the server once and returns its path.
func binary(t testing.TB) string {
	t.Helper()
	build.once.Do(func() {
		build.dir, build.err = os.MkdirTemp("", "dragoman-integration-")
		if build.err != nil {
			return
		}
		build.path = filepath.Join(build.dir, "dragoman")
		cmd := exec.Command("go", "build", "-o", build.path, "dragoman/cmd/dragoman")
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			build.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if build.err != nil {
		t.Fatal(build.err)
	}
	return build.path
}

// server is one running demo.
type server struct {
	Port    int    // first port of the block
	Dir     string // --data
	Started time.Duration

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	log  *tail
}

// URL is the base URL of the Stream dialect.
func (s *server) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", s.Port+1) }

// Ops is the base URL of the operations port.
func (s *server) Ops() string { return fmt.Sprintf("http://127.0.0.1:%d", s.Port+10) }

// start runs the demo on a free block of ports and waits for its ready line. The server is
// stopped when the test ends, and its log printed if the test failed.
func start(t testing.TB) *server {
	t.Helper()
	return startIn(t, t.TempDir(), freeBlock(t))
}

// startIn is start on a given data folder and port.
func startIn(t testing.TB, dir string, port int) *server {
	t.Helper()
	return launch(t, dir, port, "serve", "--demo", "--port", fmt.Sprint(port), "--data", dir)
}

// launch runs the binary and waits for its ready line.
func launch(t testing.TB, dir string, port int, args ...string) *server {
	t.Helper()
	return launchBy(t, dir, port, exec.Command(binary(t), args...))
}

// launchBy is launch with a command that becomes the server.
func launchBy(t testing.TB, dir string, port int, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{Port: port, Dir: dir, done: make(chan struct{}), log: &tail{max: 6 << 10}, cmd: cmd}
	s.cmd.Dir = t.TempDir() // no stray config.toml
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = s.log
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan time.Duration, 1)
	go func() {
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			if strings.HasPrefix(sc.Text(), "ready") {
				select {
				case ready <- time.Since(began):
				default:
				}
			}
			fmt.Fprintln(s.log, sc.Text())
		}
		_, _ = io.Copy(s.log, out)
		_ = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("server log (last part):\n%s", s.log)
		}
	})
	select {
	case s.Started = <-ready:
	case <-s.done:
		t.Fatalf("server ended before it was ready:\n%s", s.log)
	case <-time.After(readyWithin):
		t.Fatalf("server not ready after %s:\n%s", readyWithin, s.log)
	}
	return s
}

// kill ends the process at once, as a power cut would, and waits until it is gone.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// stop asks the process to end and fails the test if it does not.
func (s *server) stop(t testing.TB) {
	t.Helper()
	select {
	case <-s.done:
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		t.Errorf("server did not end within 30 s of SIGTERM")
		s.kill()
	}
}

// blocks are the first ports that were given out: tests run beside each other.
var blocks sync.Map

// freeBlock finds a first port whose whole block (P…P+4 and P+10) is free.
func freeBlock(t testing.TB) int {
	t.Helper()
	for range 200 {
		p := 12000 + 20*rand.IntN(900)
		if _, taken := blocks.LoadOrStore(p, true); !taken && blockFree(p) {
			return p
		}
	}
	t.Fatal("no free block of ports")
	return 0
}

func blockFree(p int) bool {
	for _, off := range []int{0, 1, 2, 3, 4, 10} {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p+off))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}

// tail keeps the last max bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
	max int
}

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if over := w.buf.Len() - w.max; over > 0 {
		w.buf.Next(over)
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// missing skips the test for want of a tool, or fails it where the tool has to be there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// tool returns the path of a program, or ends the test.
func tool(t testing.TB, names ...string) string {
	t.Helper()
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p
		}
	}
	missing(t, strings.Join(names, " or ")+" is not installed")
	return ""
}

// within polls a condition until it holds or the time is up.
func within(d time.Duration, cond func() bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if cond() {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("not within " + d.String())
		case <-tick.C:
		}
	}
}
