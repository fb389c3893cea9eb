package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"dragoman/core"
	"dragoman/core/engine"
)

// node is one process of the deployment, from its start to its end. Who starts again is another node.
type node struct {
	w       *world
	name    string
	skew    time.Duration // of its clock
	engine  *engine.Engine
	core    *core.Core
	port    *port
	dead    chan struct{} // closed by its crash
	deaf    atomic.Bool   // its bus is cut
	held    atomic.Bool   // it has held the lease
	still   atomic.Int64  // stands still until then, in nanoseconds of Unix time
	cut     atomic.Int64  // cannot reach the database until then
	moments moments
}

// errCrashed is what everything answers that a crashed node still tries.
var errCrashed = errors.New("the node is gone")

// start starts a node of the name.
func (w *world) start(name string) (*node, error) {
	n := &node{w: w, name: name, skew: w.seed.str("skew").str(name).within(-150*time.Millisecond, 150*time.Millisecond), dead: make(chan struct{})}
	n.port = w.bus.plug(n)
	e, err := engine.New(context.Background(), engine.Options{
		Store: newLine(w, n), Bus: n.port, Now: func() time.Time { return time.Now().Add(n.skew) }, Node: name, Shared: true,
		Hooks: []core.Hooks{hooks{}}, Doer: n,
		Report: func(msg string, err error) { w.say("node %s reports: %s: %v", name, msg, err) },
	})
	if err != nil {
		return nil, fmt.Errorf("node %s does not start: %w", name, err)
	}
	n.engine, n.core = e, e.Core()
	w.say("node %s starts", name)
	return n, nil
}

// crash ends a node as a kill would: what it has not written is gone, and it tells nobody.
func (n *node) crash() {
	n.w.say("node %s crashes", n.name)
	close(n.dead)
	n.w.bus.pull(n)
	n.engine.Close() // nothing it still tries reaches anybody
}

// gone reports whether the node has crashed.
func (n *node) gone() bool {
	select {
	case <-n.dead:
		return true
	default:
		return false
	}
}

// standing is how long the node still stands still.
func (n *node) standing() time.Duration { return time.Until(time.Unix(0, n.still.Load())) }

// wait sleeps, for longer while the node stands still; ticket tells apart who wakes then.
func (n *node) wait(ctx context.Context, d time.Duration, ticket uint64) error {
	for {
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-n.dead:
			t.Stop()
			return errCrashed
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
		rest := n.standing()
		if rest <= 0 {
			return nil
		}
		d = rest + time.Duration(ticket%1_000_000)
	}
}

// Do is the way of a webhook call: it arrives or not, and so does its answer. It implements core.Doer.
func (n *node) Do(req *http.Request) (int, []byte, error) {
	w := n.w
	body, err := bodyOf(req)
	if err != nil {
		return 0, nil, err
	}
	f, r := w.seed.str("hook").str(n.name).str(body).num(n.moments.nth(body)), w.rates()
	wait := f.within(time.Millisecond, 60*time.Millisecond)
	if f.str("slow").chance(r.slow) {
		wait = f.within(100*time.Millisecond, 3*time.Second)
	}
	if err := n.wait(req.Context(), wait, uint64(f)); err != nil {
		return 0, nil, err
	}
	if f.str("refused").chance(r.hook) {
		return http.StatusServiceUnavailable, nil, nil
	}
	w.hooked(n, body)
	if err := n.wait(req.Context(), f.str("back").within(time.Millisecond, 20*time.Millisecond), uint64(f)); err != nil {
		return 0, nil, err
	}
	if f.str("unanswered").chance(r.hook) {
		return 0, nil, errors.New("the answer of the webhook is lost")
	}
	return http.StatusOK, nil, nil
}
