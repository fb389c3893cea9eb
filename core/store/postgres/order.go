package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"dragoman/core"
)

// order makes the writes of this node to one channel, or of one app to no channel, wait for each
// other before they go to the database: callbacks run in the order of commits that way, and waiting
// costs no connection. Other nodes are kept apart by the locks of the database.
type order struct {
	mu    sync.Mutex
	locks map[orderKey]*orderLock
}

// orderKey is a channel, or an app with channel 0.
type orderKey struct {
	app core.AppID
	ch  core.ChannelID
}

// orderLock is held by whoever took the token out.
type orderLock struct {
	token chan struct{}
	users int // holder and those who wait
}

// keyOf is the key of a channel, whose number is unique over all apps, or of an app.
func keyOf(app core.AppID, ch core.ChannelID) orderKey {
	if ch != 0 {
		return orderKey{ch: ch}
	}
	return orderKey{app: app}
}

// lock waits for its turn, until ctx ends.
func (o *order) lock(ctx context.Context, k orderKey) error {
	o.mu.Lock()
	l := o.locks[k]
	if l == nil {
		l = &orderLock{token: make(chan struct{}, 1)}
		l.token <- struct{}{}
		o.locks[k] = l
	}
	l.users++
	o.mu.Unlock()
	select {
	case <-l.token:
		return nil
	default:
	}
	select {
	case <-l.token:
		return nil
	case <-ctx.Done():
		o.leave(k, l)
		return ended(ctx)
	}
}

// unlock lets the next one go.
func (o *order) unlock(k orderKey) {
	o.mu.Lock()
	l := o.locks[k]
	o.mu.Unlock()
	l.token <- struct{}{}
	o.leave(k, l)
}

// leave forgets a lock nobody needs.
func (o *order) leave(k orderKey, l *orderLock) {
	o.mu.Lock()
	if l.users--; l.users == 0 {
		delete(o.locks, k)
	}
	o.mu.Unlock()
}

// errCrossed means that two writes of this node wait for each other's channels: one starts again.
var errCrossed = errors.New("postgres: crossed another write")

// crossing is how long an update waits for a second channel before it starts again.
const crossing = 300 * time.Millisecond

// lockSoon is lock for someone who holds locks already.
func (o *order) lockSoon(ctx context.Context, k orderKey) error {
	short, cancel := context.WithTimeout(ctx, crossing)
	defer cancel()
	err := o.lock(short, k)
	if err != nil && ctx.Err() == nil {
		return errCrossed
	}
	return err
}
