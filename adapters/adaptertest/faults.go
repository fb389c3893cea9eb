package adaptertest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/store"
)

// BreakStore makes the database refuse writes until the returned function is called.
func (w *World) BreakStore() (mend func()) { return w.store.fail(outageDown) }

// SpoilStore makes the database answer writes with a failure of its own, such as a full disk.
func (w *World) SpoilStore() (mend func()) { return w.store.fail(outageSpoilt) }

// CrashStore makes writes panic, as a mistake in the program would.
func (w *World) CrashStore() (mend func()) { return w.store.fail(outageCrash) }

// StallStore makes writes wait until the time allowed for the call is over.
func (w *World) StallStore() (mend func()) { return w.store.fail(outageStalled) }

// The states of an outage.
const (
	outageNone int32 = iota
	outageDown
	outageSpoilt
	outageCrash
	outageStalled
)

// errSpoilt is no error that a store announces.
var errSpoilt = errors.New("adaptertest: the disk is full")

// outage is a store whose writes can be made to fail.
type outage struct {
	store.Store
	state atomic.Int32
}

func (o *outage) fail(how int32) (mend func()) {
	o.state.Store(how)
	return func() { o.state.Store(outageNone) }
}

// refuse is the failure of a write, if it is to fail.
func (o *outage) refuse(ctx context.Context) error {
	switch o.state.Load() {
	case outageDown:
		return store.ErrUnavailable
	case outageSpoilt:
		return errSpoilt
	case outageCrash:
		panic("adaptertest: a write that crashes")
	case outageStalled:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// Update implements store.Store.
func (o *outage) Update(ctx context.Context, app core.AppID, ch core.ChannelID, fn func(store.Tx) error, committed func()) error {
	if err := o.refuse(ctx); err != nil {
		return err
	}
	return o.Store.Update(ctx, app, ch, fn, committed)
}

// Append implements store.Store.
func (o *outage) Append(ctx context.Context, in *store.Append, committed func()) error {
	if err := o.refuse(ctx); err != nil {
		return err
	}
	return o.Store.Append(ctx, in, committed)
}

// Ping implements store.Store.
func (o *outage) Ping(ctx context.Context) error {
	if o.state.Load() == outageDown {
		return store.ErrUnavailable
	}
	return o.Store.Ping(ctx)
}

// deafBus is a bus that can be made to refuse what is published.
type deafBus struct {
	bus.Bus
	down atomic.Bool
}

// Publish implements bus.Bus.
func (b *deafBus) Publish(subject string, data []byte) error {
	if b.down.Load() {
		return errors.New("adaptertest: the bus is gone")
	}
	return b.Bus.Publish(subject, data)
}

// controlSubject is where the nodes of a deployment greet one another.
const controlSubject = "ctl"

// LoseNodes makes the server one of two nodes, and breaks the line between them until the returned
// function is called: writes are stored, and the other node cannot be told.
func (w *World) LoseNodes(t *testing.T) (mend func()) {
	t.Helper()
	answered := make(chan struct{}, 1)
	cancel, err := w.bus.Subscribe(controlSubject, func(_ string, data []byte) {
		if string(data) != foreignHello {
			select {
			case answered <- struct{}{}:
			default:
			}
		}
	})
	must(t, err)
	defer cancel()
	must(t, w.bus.Publish(controlSubject, []byte(foreignHello)))
	select {
	case <-answered:
	case <-time.After(10 * time.Second):
		t.Fatal("the node does not answer another's greeting")
	}
	w.bus.down.Store(true)
	return func() { w.bus.down.Store(false) }
}

// foreignHello is the greeting of another node: its name and an invalidation of nothing.
const foreignHello = "another-node {}"
