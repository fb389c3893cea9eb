package sqlite

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// takeLock takes the lock file for this process and writes its process id into it. The operating
// system drops the lock when the process ends in any way.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlite: cannot open the lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner := make([]byte, 64)
		n, _ := f.Read(owner)
		_ = f.Close()
		return nil, fmt.Errorf("sqlite: %s is in use by process %s: one process may open a database file; "+
			"to run several nodes set store.kind = \"postgres\" and bus.kind = \"nats\"", strings.TrimSuffix(path, ".lock"), strings.TrimSpace(string(owner[:n])))
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
		if err == nil {
			return f, nil
		}
	}
	return f, nil // the lock holds; naming its owner is a courtesy
}

// dropLock gives the file free.
func dropLock(f *os.File) {
	_ = f.Truncate(0)
	_ = f.Close()
}
