package integration_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestSecondNodeOnOneFileIsRefused: a second process on one SQLite file does not start, and says what to
// set for several nodes; the first one goes on.
func TestSecondNodeOnOneFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := startIn(t, dir, freeBlock(t))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	second := exec.CommandContext(ctx, binary(t), "serve", "--demo", "--port", fmt.Sprint(freeBlock(t)), "--data", dir)
	second.Dir = t.TempDir()
	out, err := second.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("it ended with %v: %s", err, out)
	}
	for _, want := range []string{fmt.Sprintf("in use by process %d", first.cmd.Process.Pid), `store.kind = \"postgres\"`, `bus.kind = \"nats\"`} {
		if s := string(out); !strings.Contains(s, want) && !strings.Contains(s, strings.ReplaceAll(want, `\`, "")) {
			t.Errorf("it does not say %q: %s", want, out)
		}
	}
	first.demo().people(t, "ann")
}
