// Package pgtest runs a PostgreSQL server for tests: from the programs that the system has
// installed, in a temporary folder, on a loopback port.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Missing is the error of Start when PostgreSQL is not installed.
var Missing = errors.New("PostgreSQL is not installed (Debian: apt-get install postgresql)")

// Server is a running server.
type Server struct {
	dir  string
	port int
	as   *syscall.Credential // the server refuses to run as root
	bin  string
	seq  atomic.Int64
	base string // database that fresh ones are copies of
}

// settings are those of the server. Durable: what is acknowledged must be there after a kill.
var settings = []string{
	"listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", "max_connections = 200", "shared_buffers = 64MB",
	"fsync = on", "synchronous_commit = on", "log_min_messages = fatal", "logging_collector = off", "max_wal_size = 1GB",
}

// startLimit bounds the start of the server.
const startLimit = 60 * time.Second

// Quick is a setting for tests that do not crash the server: it leaves the writing to the system.
const Quick = "fsync = off"

// Start makes a database cluster and starts its server. more are lines of its configuration.
func Start(more ...string) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "dragoman-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin}
	if err := s.init(more); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// find looks for the newest installed server, where Debian puts it and in the path.
func find() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, d := range dirs {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err == nil {
			return d, nil
		}
	}
	return "", Missing
}

// Installed reports whether Start can work.
func Installed() bool {
	_, err := find()
	return err == nil
}

// version is the number in the name of a folder of programs.
func version(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))) // 0 is the oldest
	return n
}

// init makes the cluster and starts it.
func (s *Server) init(more []string) error {
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			if u, err = user.Lookup("nobody"); err != nil {
				return fmt.Errorf("pgtest: no user to run the server as: %w", err)
			}
		}
		uid, _ := strconv.Atoi(u.Uid) // numbers on this system
		gid, _ := strconv.Atoi(u.Gid)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // numbers of users
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
	}
	if out, err := s.command("initdb", "-D", s.data(), "-U", "dragoman", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: initdb: %w: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of a TCP listener
	if err := l.Close(); err != nil {
		return err
	}
	conf := strings.Join(slices.Concat(settings, more, []string{"port = " + strconv.Itoa(s.port)}), "\n")
	if err := os.WriteFile(filepath.Join(s.data(), "postgresql.auto.conf"), []byte(conf+"\n"), 0o644); err != nil { //nolint:gosec // the server reads it as another user
		return err
	}
	return s.Up()
}

// data is the folder of the cluster.
func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command runs one of the programs as the server's user.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...) //nolint:gosec,noctx // programs of the system
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	return c
}

// Up starts the server, after Start, Kill or Down.
func (s *Server) Up() error {
	c := s.command("pg_ctl", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-w", "-t", strconv.Itoa(int(startLimit/time.Second)), "start")
	if out, err := c.CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "log")) // more to say, if it is there
		return fmt.Errorf("pgtest: start: %w: %s%s", err, out, log)
	}
	return nil
}

// Down stops the server at once, without its connections' consent but in good order.
func (s *Server) Down() error {
	if out, err := s.command("pg_ctl", "-D", s.data(), "-m", "fast", "-w", "stop").CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: stop: %w: %s", err, out)
	}
	return nil
}

// pid is the process id of the server.
func (s *Server) pid() (int, error) {
	b, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strconv.Atoi(line)
}

// Kill kills the server and its processes the hard way, as a crash would: nothing is flushed.
func (s *Server) Kill() error {
	pid, err := s.pid()
	if err != nil {
		return err
	}
	children := childrenOf(pid)
	for _, p := range append([]int{pid}, children...) {
		if err := syscall.Kill(p, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	for deadline := time.Now().Add(startLimit); ; {
		if !slices.ContainsFunc(append(children, pid), alive) {
			// Where nobody collects dead processes the server would take itself for still running.
			return os.Remove(filepath.Join(s.data(), "postmaster.pid"))
		}
		if time.Now().After(deadline) {
			return errors.New("pgtest: the server outlives a kill")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Pause stops the server and its processes where they are; Resume lets them go on.
func (s *Server) Pause() error { return s.signal(syscall.SIGSTOP) }

// Resume ends a pause.
func (s *Server) Resume() error { return s.signal(syscall.SIGCONT) }

// signal sends the server's processes a signal, the first one first.
func (s *Server) signal(sig syscall.Signal) error {
	pid, err := s.pid()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, sig); err != nil {
		return err
	}
	for _, p := range childrenOf(pid) {
		if err := syscall.Kill(p, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// alive reports whether a process runs; a dead one that nobody has collected does not.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// childrenOf finds the processes of the server.
func childrenOf(pid int) []int {
	var out []int
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		word := strings.Fields(rest)
		if len(word) > 1 && word[1] == strconv.Itoa(pid) {
			if n, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	if pid, err := s.pid(); err == nil && alive(pid) {
		_ = s.command("pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop").Run() // the folder goes in any case
	}
	_ = os.RemoveAll(s.dir) // a temporary folder: the system clears what is left
}

// Port is where the server listens on loopback.
func (s *Server) Port() int { return s.port }

// DSN is the address of a database by name.
func (s *Server) DSN(db string) string {
	return fmt.Sprintf("postgres://dragoman@127.0.0.1:%d/%s?sslmode=disable", s.port, db)
}

// Fresh makes an empty database and returns its address.
func (s *Server) Fresh(ctx context.Context) (string, error) {
	c, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	defer c.Close(ctx)
	name := fmt.Sprintf("t%d", s.seq.Add(1))
	sql := "CREATE DATABASE " + name
	if s.base != "" {
		sql += " TEMPLATE " + s.base
	}
	if _, err := c.Exec(ctx, sql); err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	return s.DSN(name), nil
}

// Prepare makes fresh databases copies of one that fill has filled, and left.
func (s *Server) Prepare(ctx context.Context, fill func(dsn string) error) error {
	dsn, err := s.Fresh(ctx)
	if err != nil {
		return err
	}
	if err := fill(dsn); err != nil {
		return err
	}
	s.base = fmt.Sprintf("t%d", s.seq.Load())
	return nil
}

// Required reports whether a missing server is a failure: on the machine that checks every change.
func Required() bool { return os.Getenv("CI") == "true" }
