package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dragoman/core/store"
	"dragoman/core/store/sqlite"
)

// fullEnv names the database to a child process that fills its disk: a limit on the size of files.
const fullEnv = "SQLITE_FULL_PATH"

// fillDisk is the child. It answers the first thing that is wrong.
func fillDisk(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return err
	}
	app, chs, err := crashFixture(ctx, s)
	if err != nil {
		return err
	}
	var free syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		return err
	}
	limit := func(size uint64) error {
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: free.Max})
	}
	if err := limit(1 << 20); err != nil {
		return err
	}
	stored := int64(0)
	text := strings.Repeat("x", 4000)
	for stored < 10_000 {
		if _, err = say(ctx, s, app, chs[0], text); err != nil {
			break
		}
		stored++
	}
	if err := limit(4096); err != nil { // not even room for a small write
		return err
	}
	switch ms, rerr := s.RangeMessages(ctx, app, store.Range{Channel: chs[0], Limit: 5}); {
	case !errors.Is(err, store.ErrUnavailable):
		return fmt.Errorf("the write on the full disk answered %w after %d", err, stored)
	case !errors.Is(s.Ping(ctx), store.ErrUnavailable):
		return errors.New("ping of the full disk answered that all is well")
	case rerr != nil || len(ms) != 5:
		return fmt.Errorf("a read on the full disk answered %d, %w", len(ms), rerr)
	}
	if err := limit(free.Cur); err != nil {
		return err
	}
	if err := s.Ping(ctx); err != nil {
		return fmt.Errorf("ping after there was room again: %w", err)
	}
	m, err := say(ctx, s, app, chs[0], "after")
	if err != nil || m.Seq != stored+1 {
		return fmt.Errorf("after %d messages the next is %d, %w", stored, m.Seq, err)
	}
	return s.Close()
}

func TestFullDiskRefusesWritesAndServesReads(t *testing.T) {
	if path := os.Getenv(fullEnv); path != "" {
		if err := fillDisk(path); err != nil {
			t.Error(err)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "full.db")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDiskRefusesWritesAndServesReads$") //nolint:gosec // this binary
	cmd.Env = append(os.Environ(), fullEnv+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checkIntegrity(t, path)
}
