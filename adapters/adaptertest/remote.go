package adaptertest

import (
	"net/http/httptest"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/remote"
)

// moveAway serves the core on a port of loopback and returns the way to it.
func (w *World) moveAway(t *testing.T) *core.Core {
	t.Helper()
	const secret = "the secret of this test's cluster"
	node := remote.NewServer(remote.ServerOptions{
		Core: w.Core, Secret: secret, Report: func(msg string, err error) { t.Logf("core node: %s: %v", msg, err) },
	})
	srv := httptest.NewServer(node)
	t.Cleanup(srv.Close)
	c, err := remote.New(remote.Options{Nodes: []string{srv.URL}, Secret: secret})
	must(t, err)
	t.Cleanup(c.Close)
	for until := time.Now().Add(10 * time.Second); !c.Nodes()[0].Linked; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("there is no link to the core")
		}
	}
	return c.Core()
}
