package integration_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of some MiB over dir, in a name space that the server is started
// in. It returns the path under which the test sees it, and how to run a program in there.
func smallDisk(t *testing.T, dir string, mib int) (seen string, inside func(args ...string) *exec.Cmd) {
	t.Helper()
	script := fmt.Sprintf("mount -t tmpfs -o size=%dm tmpfs '%s' && echo mounted && exec sleep 600", mib, dir)
	own := []string{"-m"}
	if os.Geteuid() != 0 {
		own = []string{"-r", "-m"}
	}
	holder := exec.Command(tool(t, "unshare"), append(own, "--propagation", "private", "sh", "-c", script)...)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		missing(t, "this machine lets nobody mount a file system")
	}
	pid := fmt.Sprint(holder.Process.Pid)
	enter := []string{"-t", pid, "-m"}
	if os.Geteuid() != 0 {
		enter = append(enter, "-U", "--preserve-credentials")
	}
	return filepath.Join("/proc", pid, "root", dir), func(args ...string) *exec.Cmd {
		return exec.Command(tool(t, "nsenter"), append(append(enter, "--", binary(t)), args...)...)
	}
}

// named is a message with an id of the sender's own.
func named(a api, id string) call {
	c := say(a, "")
	c.Body = object("message", json.RawMessage(object("id", id, "text", strings.Repeat(id+" ", 100))))
	return c
}

// status is what a path of the operations port answers.
func (s *server) status(path string) int {
	rs, err := client.Get(s.Ops() + path)
	if err != nil {
		return 0
	}
	_ = rs.Body.Close()
	return rs.StatusCode
}

// exactly checks that the acknowledged messages are in the channel, each once, and returns how many
// others there are.
func exactly(t *testing.T, a api, acked []string) (others int) {
	t.Helper()
	seen := map[string]int{}
	for _, id := range history(t, a, "hall", "ann") {
		seen[id]++
		others++
	}
	for _, id := range acked {
		if seen[id] != 1 {
			t.Errorf("message %s, acknowledged, is there %d times", id, seen[id])
		}
	}
	return others - len(acked)
}

// TestDiskFull: writes are refused in the vendor's words while the disk is full, what was
// acknowledged can be read, the process lives; with room again it goes on by itself; and a process
// killed on a full disk comes back with everything.
func TestDiskFull(t *testing.T) {
	dir, port := t.TempDir(), freeBlock(t)
	seen, inside := smallDisk(t, dir, 24)
	file, a := strictConfig(t, dir, port, 3)
	s := launchBy(t, dir, port, inside("serve", "--config", file))
	a.people(t, "ann", "ben")
	a.channel(t, "hall", "ben", "ann")
	var acked []string
	send := func() answer {
		id := unique("full")
		r := a.do(t, named(a, id))
		if r.Status == http.StatusCreated {
			acked = append(acked, id)
		}
		return r
	}
	send()
	filler := filepath.Join(seen, "filler")
	fill := func() {
		f, err := os.OpenFile(filler, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for block := make([]byte, 4096); ; {
			if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	// The database may have room in pages it owns already: refused is what counts, however late.
	refused := func() answer {
		fill()
		for range 3000 {
			if r := send(); r.Status != http.StatusCreated {
				return r
			}
		}
		t.Fatal("the disk is full and messages are still acknowledged")
		return answer{}
	}
	r := refused()
	if r.Status < 500 || r.Get("code").Int() == 0 || r.Get("message").Str == "" || r.Get("dragoman_error.retryable").Str == "no" {
		t.Errorf("the answer is %d %s", r.Status, r.Body)
	}
	if strings.Contains(string(r.Body), "disk") || strings.Contains(string(r.Body), "SQL") {
		t.Errorf("the caller is told of our inside: %s", r.Body)
	}
	if err := within(10*time.Second, func() bool { send(); return s.status("/readyz") == http.StatusServiceUnavailable }); err != nil {
		t.Error("ready on a full disk: ", err)
	}
	if got := s.status("/livez"); got != http.StatusOK {
		t.Errorf("livez is %d", got)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := within(15*time.Second, func() bool { return send().Status == http.StatusCreated && s.status("/readyz") == http.StatusOK }); err != nil {
		t.Fatal("not back with room again: ", err)
	}
	exactly(t, a, acked)

	refused()
	s.kill()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	launchBy(t, dir, port, inside("serve", "--config", file))
	exactly(t, a, acked)
	if r := send(); r.Status != http.StatusCreated {
		t.Errorf("after the restart: %d %s", r.Status, r.Body)
	}
	t.Logf("%d messages were acknowledged", len(acked))
}

// slowSyncs makes every sync of the process take longer, until the returned function is called,
// which returns how many there were.
func slowSyncs(t *testing.T, s *server, by time.Duration) (stop func() int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "syncs")
	cmd := exec.Command(tool(t, "strace"), "-f", "-qq", "-o", out, "-e", "trace=fsync,fdatasync", "-e", "signal=none",
		"-e", fmt.Sprintf("inject=fsync,fdatasync:delay_enter=%d", by.Microseconds()), "-p", fmt.Sprint(s.cmd.Process.Pid))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	n := 0
	stop = func() int {
		once.Do(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it lets go of the process
			_ = cmd.Wait()
			b, _ := os.ReadFile(out)
			n = strings.Count(string(b), "sync(")
		})
		return n
	}
	t.Cleanup(func() { stop() })
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	traced := func() bool {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
		return strings.Contains(string(b), "TracerPid:\t") && !strings.Contains(string(b), "TracerPid:\t0\n")
	}
	for !traced() {
		select {
		case <-ended:
			missing(t, "this machine lets nobody trace a process")
		case <-time.After(10 * time.Millisecond):
		}
	}
	return stop
}

// TestSlowDisk: with a disk that takes its time, messages of many senders share commits and all are
// acknowledged; with one that takes longer than the deadline callers are told in time, reads are
// answered meanwhile, and nothing is lost or doubled by sending again.
func TestSlowDisk(t *testing.T) {
	dir, port := t.TempDir(), freeBlock(t)
	s, a := strict(t, dir, port, 1000)
	a.people(t, "ann", "ben")
	a.channel(t, "hall", "ben", "ann")
	const senders = 48
	stop := slowSyncs(t, s, 150*time.Millisecond)
	var acked []string
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			id := fmt.Sprint("slow-", i)
			r, err := a.try(named(a, id))
			if err != nil || r.Status != http.StatusCreated {
				t.Errorf("%s: %d %s %v", id, r.Status, r.Body, err)
				return
			}
			mu.Lock()
			acked = append(acked, id)
			mu.Unlock()
		})
	}
	wg.Wait()
	if n := stop(); n == 0 || n > senders/3 {
		t.Errorf("%d syncs for %d messages", n, senders)
	} else {
		t.Logf("%d messages were stored with %d syncs", senders, n)
	}
	if others := exactly(t, a, acked); others != 0 {
		t.Errorf("%d messages nobody was told of", others)
	}

	stop = slowSyncs(t, s, 4*time.Second) // the deadline is 700 ms
	r := a.do(t, named(a, "late"))
	if r.Status != http.StatusRequestTimeout || r.Get("code").Int() != 23 {
		t.Errorf("the answer is %d %s", r.Status, r.Body)
	}
	exactly(t, a, acked) // read while the commit hangs
	stop()
	if err := within(15*time.Second, func() bool {
		r, err := a.try(named(a, "late"))
		return err == nil && (r.Status == http.StatusCreated || strings.Contains(r.Get("message").Str, "already exists"))
	}); err != nil {
		t.Fatal("sending again did not end well: ", err)
	}
	if others := exactly(t, a, append(acked, "late")); others != 0 {
		t.Errorf("%d messages too many", others)
	}
}
