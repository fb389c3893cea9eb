package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The demo's credentials.
const (
	apiKey    = "demo-stream-key"
	apiSecret = "demo-stream-secret-0123456789abcdef"
)

// program is the server, built by buildServer.
var program string

// buildServer builds the server as it is shipped.
func buildServer() (cleanup func(), err error) {
	dir, err := os.MkdirTemp("", "dragoman-bench-")
	if err != nil {
		return nil, err
	}
	program = filepath.Join(dir, "dragoman")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "dragoman/cmd/dragoman")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return func() { _ = os.RemoveAll(dir) }, nil
}

// process is a running server.
type process struct {
	port  int
	dir   string
	ready time.Duration // from exec to the ready line
	cmd   *exec.Cmd
	done  chan struct{}
}

// addr is where the Stream dialect listens.
func (p *process) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port+1) }

// startServer runs the demo in an empty data folder.
func startServer() (*process, error) {
	return startWith(func(p *process) ([]string, error) {
		return []string{"--demo", "--port", strconv.Itoa(p.port), "--data", p.dir}, nil
	})
}

// startWith runs a server in an empty data folder, with arguments that may name its ports.
func startWith(args func(*process) ([]string, error)) (*process, error) {
	dir, err := os.MkdirTemp("", "dragoman-bench-data-")
	if err != nil {
		return nil, err
	}
	p := &process{port: freeBlock(), dir: dir, done: make(chan struct{})}
	more, err := args(p)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(program, append([]string{"serve"}, more...)...)
	p.cmd.Dir = dir
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "bench.log"))
	if err != nil {
		return nil, err
	}
	p.cmd.Stderr = log
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan time.Duration, 1)
	go func() {
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			if strings.HasPrefix(sc.Text(), "ready") {
				ready <- time.Since(began)
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
		_ = p.cmd.Wait()
		_ = log.Close()
		close(p.done)
	}()
	select {
	case p.ready = <-ready:
		return p, nil
	case <-p.done:
		err = errors.New("the server ended before it was ready")
	case <-time.After(30 * time.Second):
		err = errors.New("the server was not ready within 30 s")
	}
	p.stop()
	return nil, err
}

// stop ends the server and removes its data.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = os.RemoveAll(p.dir)
}

func freeBlock() int {
	for {
		p := 12000 + 20*rand.IntN(900)
		free := true
		for _, off := range []int{0, 1, 2, 3, 4, 10} {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p+off))
			if err != nil {
				free = false
				break
			}
			_ = l.Close()
		}
		if free {
			return p
		}
	}
}

// ticks is the unit of /proc/PID/stat: USER_HZ, 100 on every Linux there is.
const ticks = 10 * time.Millisecond

// cpu is the user and system time the server has used.
func (p *process) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	s := string(b)
	f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:]) // the name may hold blanks
	if len(f) < 13 {
		return 0, errors.New("unexpected /proc/PID/stat")
	}
	user, err1 := strconv.Atoi(f[11])
	sys, err2 := strconv.Atoi(f[12])
	return time.Duration(user+sys) * ticks, errors.Join(err1, err2)
}

// rss is the server's resident memory in bytes.
func (p *process) rss() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS in /proc/PID/status")
}

// collect asks the server to collect its garbage, so that memory figures hold what is in use.
func (p *process) collect() error {
	rs, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/heap?gc=1", p.port+10))
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, rs.Body)
	return rs.Body.Close()
}
