package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// passed is what passing requests on came to.
type passed struct {
	rate     float64
	cpu      time.Duration // of the one in between, for each request
	p50, p99 time.Duration
}

// between is who stands between the clients and the upstream.
type between struct {
	name string
	addr string
	cpu  func() (time.Duration, error)
	stop func()
}

// benchFront is section v: passing calls on to a vendor, beside nginx before the same upstream in the
// same run, and live links that are relayed.
func benchFront(r *report, o options) error {
	up, err := startBareHTTP()
	if err != nil {
		return err
	}
	defer up.stop()
	list := []*between{up}
	if ng, err := startNginx(up.addr); err == nil {
		defer ng.stop()
		list = append(list, ng)
	} else {
		r.row("nginx", "skipped", err.Error())
	}
	us, err := startFront(up.addr)
	if err != nil {
		return err
	}
	defer us.stop()
	list = append(list, us)
	const conns = 64
	rounds := map[string][]passed{}
	for range o.rounds { // in turn, so that all have the machine alike
		for _, b := range list {
			p, err := passFor(b, conns, o.span)
			if err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
			rounds[b.name] = append(rounds[b.name], p)
		}
	}
	var nginx passed
	for _, b := range list {
		all := rounds[b.name]
		slices.SortFunc(all, func(a, b passed) int { return int(a.rate - b.rate) })
		p := all[len(all)/2]
		notes := []string{micros(p.cpu) + " CPU each", "p50 " + millis(p.p50), "p99 " + millis(p.p99)}
		switch {
		case b.name == "nginx":
			nginx = p
		case b == us && nginx.rate > 0:
			notes = append(notes, fmt.Sprintf("%.2f of nginx's rate at %.2f of its CPU, aim 0.9 and 1.3", p.rate/nginx.rate, float64(p.cpu)/float64(nginx.cpu)))
		}
		r.row(b.name+", "+strconv.Itoa(conns)+" connections", fmt.Sprintf("%.0f/s", p.rate), notes...)
	}
	return benchRelay(r, o)
}

// passFor sends requests over so many connections for a while, each waiting for its answer.
func passFor(b *between, conns int, span time.Duration) (passed, error) {
	links := make([]*link, conns)
	for i := range links {
		l, err := dial(b.addr)
		if err != nil {
			return passed{}, err
		}
		defer l.c.Close()
		links[i] = l
	}
	text := head("POST", "/channels/messaging/bench/message", userToken("ann"), "ann")
	before, err := b.cpu()
	if err != nil {
		return passed{}, err
	}
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	start := time.Now()
	end := start.Add(span)
	for _, l := range links {
		wg.Go(func() {
			var took []time.Duration
			var bad error
			for at := time.Now(); at.Before(end) && bad == nil; {
				status, answer, err := l.do(text, body("ann"))
				if err != nil || status != 201 {
					bad = refusal(status, answer, err)
				}
				now := time.Now()
				took = append(took, now.Sub(at))
				at = now
			}
			mu.Lock()
			defer mu.Unlock()
			all, failed = append(all, took...), errors.Join(failed, bad)
		})
	}
	wg.Wait()
	span = time.Since(start)
	after, err := b.cpu()
	if err = errors.Join(failed, err); err != nil {
		return passed{}, err
	}
	slices.Sort(all)
	return passed{float64(len(all)) / span.Seconds(), (after - before) / time.Duration(max(len(all), 1)), percentile(all, .5), percentile(all, .99)}, nil
}

// startBareHTTP runs the upstream: see serveBareHTTP.
func startBareHTTP() (*between, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, bareHTTPFlag)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var port int
	if _, err := fmt.Fscan(bufio.NewReader(out), &port); err != nil {
		return nil, err
	}
	return &between{"the upstream itself", "127.0.0.1:" + strconv.Itoa(port), (&process{cmd: cmd}).cpu, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}}, nil
}

// nginxConf is a reverse proxy as its manual has it: connections to the upstream are kept, nothing is
// logged.
const nginxConf = `worker_processes auto;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
  keepalive_requests 10000000;
  upstream vendor { server %[3]s; keepalive 128; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:%[2]d;
    location / { proxy_pass http://vendor; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`

// startNginx runs nginx before the upstream.
func startNginx(upstream string) (*between, error) {
	bin, err := exec.LookPath("nginx")
	if err != nil {
		return nil, errors.New("nginx is not installed")
	}
	dir, err := os.MkdirTemp("", "dragoman-bench-nginx-")
	if err != nil {
		return nil, err
	}
	port := freeBlock()
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConf, dir, port, upstream), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(bin, "-c", file, "-p", dir, "-g", "daemon off;")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b := &between{name: "nginx", addr: "127.0.0.1:" + strconv.Itoa(port), stop: func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}}
	b.cpu = func() (time.Duration, error) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		var sum time.Duration
		for _, f := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(f)
			if err != nil {
				return 0, err
			}
			p, err := os.FindProcess(pid)
			if err != nil {
				return 0, err
			}
			cpu, err := (&process{cmd: &exec.Cmd{Process: p}}).cpu()
			if err != nil {
				return 0, err
			}
			sum += cpu
		}
		return sum, nil
	}
	if err := waitFor(b.addr); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// startFront runs the server before the upstream, as its vendor.
func startFront(upstream string) (*between, error) {
	dir, err := os.MkdirTemp("", "dragoman-bench-front-")
	if err != nil {
		return nil, err
	}
	port := freeBlock()
	conf := fmt.Sprintf("listen = \"127.0.0.1:%d\"\nops_listen = \"127.0.0.1:%d\"\n[store]\ndsn = %q\n[files]\ndir = %q\n[[app]]\nname = \"bench\"\n[app.stream]\napi_key = %q\napi_secret = %q\nlisten = \"127.0.0.1:%d\"\n[app.stream.upstream]\nurl = \"http://%s\"\nretries = 1\n",
		port, port+10, filepath.Join(dir, "front.db"), filepath.Join(dir, "files"), apiKey, apiSecret, port+1, upstream)
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "serve", "--config", file)
	cmd.Dir = dir
	log, err := os.Create(filepath.Join(dir, "front.log"))
	if err != nil {
		return nil, err
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b := &between{name: "dragoman, envelope on", addr: "127.0.0.1:" + strconv.Itoa(port+1), cpu: (&process{cmd: cmd}).cpu, stop: func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = log.Close()
		_ = os.RemoveAll(dir)
	}}
	if err := waitFor(b.addr); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// waitFor waits until an address is listened on.
func waitFor(addr string) error {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) {
			return err
		}
	}
}
