package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// line is one node's way to the database. It is late, breaks off before or after a commit, and ends
// with the node.
type line struct {
	store.Store
	w       *world
	n       *node
	mu      sync.Mutex
	moments moments
	back    time.Time // when the last answer of a write arrives: they keep the order of the commits
	wrote   uint64
}

// newLine connects a node to the database.
func newLine(w *world, n *node) *line {
	return &line{Store: w.disk, w: w, n: n}
}

// errLate is the deadline of a command, met on the way.
func errLate(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }

// errCut is a database that cannot be reached.
var errCut = fmt.Errorf("%w: the database cannot be reached", store.ErrUnavailable)

// askerKey is the key of a client's name in the contexts of its commands.
type askerKey struct{}

// asker is the client on whose behalf something is asked, or nothing for what a node does by itself.
func asker(ctx context.Context) string {
	name, _ := ctx.Value(askerKey{}).(string)
	return name
}

// worker is the function of the engine that writes: several may do so at one moment.
func worker() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		_, name, ok := strings.Cut(f.Function, "core/engine.")
		if ok && name != "(*Engine).update" || !more {
			return name
		}
	}
}

// enter is the way to the database: nothing was done there when it fails.
func (l *line) enter(ctx context.Context, op, key string) (fate, error) {
	id := op + " " + key + " " + asker(ctx)
	f, r := l.w.seed.str("store").str(l.n.name).str(id).num(l.moments.nth(id)), l.w.rates()
	if l.n.gone() {
		return f, errLate(errCrashed)
	}
	wait := f.within(20*time.Microsecond, 3*time.Millisecond)
	if f.str("slow").chance(r.slow) {
		wait = f.within(20*time.Millisecond, 900*time.Millisecond)
	}
	if err := l.n.wait(ctx, wait, uint64(f)); err != nil {
		return f, errLate(err)
	}
	if time.Now().UnixNano() < l.n.cut.Load() || f.str("fails").chance(r.fail) {
		return f, errCut
	}
	return f, nil
}

// ask is one read.
func ask[T any](ctx context.Context, l *line, op, key string, read func() (T, error)) (T, error) {
	var zero T
	f, err := l.enter(ctx, op, key)
	if err != nil {
		return zero, err
	}
	out, err := read()
	if late := l.n.wait(ctx, f.str("back").within(10*time.Microsecond, 2*time.Millisecond), uint64(f)); late != nil {
		return zero, errLate(late)
	}
	return out, err
}

// write is one write: do passes a callback to the database that runs in the order of the commits.
func (l *line) write(ctx context.Context, op, key string, do func(committed func()) error, committed func()) error {
	f, err := l.enter(ctx, op, key)
	if err != nil {
		return err
	}
	var back time.Time
	var ticket uint64
	err = do(func() {
		l.mu.Lock()
		now := time.Now()
		back = now.Add(f.str("back").within(20*time.Microsecond, 4*time.Millisecond))
		if !back.After(l.back) {
			back = l.back.Add(time.Nanosecond)
		}
		l.back = back
		l.wrote++
		ticket = l.wrote
		l.mu.Unlock()
		l.w.say("node %s commits %s %s", l.n.name, op, key)
	})
	if err != nil {
		return err
	}
	if f.str("unknown").chance(l.w.rates().unknown) {
		_ = l.n.wait(ctx, time.Until(back), ticket) // whatever ends it, nobody knows more
		l.w.say("node %s does not learn of %s %s", l.n.name, op, key)
		return errUnknown(errCut)
	}
	if err := l.n.wait(ctx, time.Until(back), ticket); err != nil {
		return errUnknown(errLate(err))
	}
	if committed != nil {
		committed()
	}
	return nil
}

// errUnknown is a write of which nobody knows whether it was done.
func errUnknown(err error) error { return errors.Join(store.ErrUnknownOutcome, err) }

// Update implements store.Store.
func (l *line) Update(ctx context.Context, app core.AppID, ch core.ChannelID, fn func(store.Tx) error, committed func()) error {
	return l.write(ctx, "update", fmt.Sprintf("%d/%d by %s", app, ch, worker()), func(done func()) error {
		var note func()
		err := l.Store.Update(ctx, app, ch, func(t store.Tx) error {
			x := &tx{Tx: t, l: l}
			if err := fn(x); err != nil {
				return err
			}
			note = nil
			if x.duty {
				note = x.fenced(ctx)
			}
			return nil
		}, done)
		if err == nil && note != nil {
			note()
		}
		return err
	}, committed)
}

// Append implements store.Store.
func (l *line) Append(ctx context.Context, in *store.Append, committed func()) error {
	key := cmp.Or(in.Message.Alias, in.Message.Text)
	if l.w.opt.Plant != Nothing {
		l.w.plantAppend(in)
	}
	return l.write(ctx, "append", key, func(done func()) error { return l.Store.Append(ctx, in, done) }, committed)
}

// tx is a transaction of a node, watched for what only the holder of the lease may do.
type tx struct {
	store.Tx
	l    *line
	duty bool
}

// Names of records, as package engine has them.
const (
	spaceLeases    = "leases"
	leaseDuties    = "duties"
	spaceHookQueue = "hook_queue"
)

// fenced checks who holds the lease at the moment of the write. The answer is kept for after it.
func (x *tx) fenced(ctx context.Context) func() {
	b, err := x.Tx.Record(ctx, 0, spaceLeases, leaseDuties)
	name, w := x.l.n.name, x.l.w
	return func() {
		w.duties.Add(1)
		if owner := ownerOf(b); err != nil || owner != name {
			w.wrong("lease", "node %s wrote to the queues of webhooks while %q holds the lease (%v)", name, owner, err)
		}
	}
}

// PutRecord implements store.Tx.
func (x *tx) PutRecord(app core.AppID, space, key string, value []byte) error {
	x.duty = x.duty || space == spaceHookQueue
	if space == spaceLeases {
		x.l.n.held.Store(true)
	}
	return x.Tx.PutRecord(app, space, key, value)
}

// DeleteRecord implements store.Tx.
func (x *tx) DeleteRecord(app core.AppID, space, key string) error {
	x.duty = x.duty || space == spaceHookQueue
	return x.Tx.DeleteRecord(app, space, key)
}

// DeleteOutbox implements store.Tx.
func (x *tx) DeleteOutbox(ids []int64) error {
	x.duty = true
	return x.Tx.DeleteOutbox(ids)
}

// Record implements store.Tx.
func (x *tx) Record(ctx context.Context, app core.AppID, space, key string) ([]byte, error) {
	b, err := x.Tx.Record(ctx, app, space, key)
	if space == spaceLeases && x.l.w.opt.Plant == StaleFence && err == nil && x.l.n.held.Load() {
		return staleLease(b, x.l.n.name), nil
	}
	return b, err
}

// AppendEvent implements store.Tx.
func (x *tx) AppendEvent(app core.AppID, e *store.EventRow, outbox bool) error {
	return x.Tx.AppendEvent(app, e, outbox && !x.l.w.plantsLostRow(e))
}
