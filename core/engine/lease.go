package engine

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"dragoman/core/store"
)

// Of several nodes one alone does what must be done once and in order: it holds a lease in the
// store. It renews it every second; another node takes it over when it has seen it unchanged for
// leaseSilent by its own clock, so that clocks need not agree. What the holder writes is written in
// a transaction that reads the lease, so that one who was paused and does not know that it lost the
// lease can write nothing any more.
const (
	spaceLeases = "leases"
	leaseDuties = "duties" // webhooks and background tasks

	leaseEvery  = time.Second
	leaseSilent = 6 * time.Second
	leaseHeld   = 4 * time.Second // how long the holder trusts its last renewal: less than others wait
)

// errLeaseLost ends the work of a node that is not the holder any more.
var errLeaseLost = errors.New("another node has taken this over")

// errUnheard is what is wrong with nodes that share a store and no bus.
var errUnheard = errors.New("events of other nodes do not arrive")

// leaseRow is the record of a lease.
type leaseRow struct {
	Owner string `json:"owner"`
	Beat  int64  `json:"beat"`
}

// lease is this node's view of a lease.
type lease struct {
	e    *Engine
	name string
	mu   sync.Mutex
	till time.Time // held until then
	seen leaseRow  // of another node
	at   time.Time // when seen was first seen
	mute int       // rounds in which the other node worked on the store and was not heard on the bus
}

// leaseMute is after how many rounds a node that works on the store unheard is reported.
const leaseMute = 15

// held reports whether this node may work. A node that shares its store with nobody always may.
func (l *lease) held() bool {
	if !l.e.opts.Shared {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.till)
}

// fence fails a transaction of a node that does not hold the lease any more.
func (l *lease) fence(ctx context.Context, t store.Tx) error {
	if !l.e.opts.Shared {
		return nil
	}
	row, err := readLease(ctx, t, l.name)
	if err == nil && row.Owner != l.e.node {
		err = errLeaseLost
	}
	return err
}

// readLease reads the record; none is a lease of nobody.
func readLease(ctx context.Context, r store.Reader, name string) (row leaseRow, err error) {
	b, err := r.Record(ctx, allApps, spaceLeases, name)
	if errors.Is(err, store.ErrNotFound) {
		return row, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &row)
	}
	return row, err
}

// run keeps or tries to get the lease until ctx ends, and then gives it up.
func (l *lease) run(ctx context.Context) {
	if !l.e.opts.Shared {
		return
	}
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for {
		if err := l.step(ctx); err != nil && ctx.Err() == nil && l.held() {
			l.e.opts.Report("a lease cannot be renewed", err)
		}
		select {
		case <-ctx.Done():
			l.drop()
			return
		case <-tick.C:
		}
	}
}

// step renews the lease, or takes it when it is free.
func (l *lease) step(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseHeld)
	defer cancel()
	row, err := readLease(ctx, l.e.store, l.name)
	if err != nil {
		return err
	}
	now := time.Now()
	if row.Owner != "" && row.Owner != l.e.node {
		l.mu.Lock()
		if row != l.seen {
			l.seen, l.at = row, now
			if l.mute++; l.e.peers.known(row.Owner) {
				l.mute = 0
			}
		}
		mute := l.mute == leaseMute
		wait := now.Sub(l.at) < leaseSilent
		l.mu.Unlock()
		if mute {
			l.e.opts.Report("another node works on this database but cannot be heard: all nodes have to use one NATS server (bus.kind, bus.url)", errUnheard)
		}
		if wait {
			return nil
		}
	}
	was := row
	err = l.e.store.Update(ctx, allApps, 0, func(t store.Tx) error {
		got, err := readLease(ctx, t, l.name)
		if err != nil {
			return err
		}
		if got != was {
			return errLeaseLost // somebody was faster
		}
		b, err := json.Marshal(leaseRow{Owner: l.e.node, Beat: got.Beat + 1})
		if err != nil {
			return err
		}
		return t.PutRecord(allApps, spaceLeases, l.name, b)
	}, nil)
	if err == nil {
		l.mu.Lock()
		fresh := l.till.Before(now)
		l.till = now.Add(leaseHeld)
		l.mu.Unlock()
		if fresh {
			kick(l.e.kit.hooks)
			kick(l.e.kit.tasks)
		}
	}
	if errors.Is(err, errLeaseLost) {
		return nil
	}
	return err
}

// drop gives the lease up, so that another node takes over at once.
func (l *lease) drop() {
	ctx, cancel := context.WithTimeout(context.Background(), fillGapLimit)
	defer cancel()
	l.mu.Lock()
	l.till = time.Time{}
	l.mu.Unlock()
	_ = l.e.store.Update(ctx, allApps, 0, func(t store.Tx) error { // if it fails, silence does the same
		if err := l.fence(ctx, t); err != nil {
			return err
		}
		return t.DeleteRecord(allApps, spaceLeases, l.name)
	}, nil)
}
