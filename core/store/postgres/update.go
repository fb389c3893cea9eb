package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"dragoman/core"
	"dragoman/core/store"
)

// maxTries is how often an update is run that loses against others.
const maxTries = 8

// Update implements store.Store. An update of a channel holds the channel and shares its app; one
// without a channel holds the app alone, so that it reads and writes undisturbed by other updates.
func (s *Store) Update(ctx context.Context, app core.AppID, ch core.ChannelID, fn func(store.Tx) error, committed func()) error {
	done, err := s.begin()
	if err != nil {
		return err
	}
	defer done()
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if s.waiting.Add(1) > int64(s.opt.Queue) {
		s.waiting.Add(-1)
		return fmt.Errorf("%w: %d writes are waiting already", store.ErrUnavailable, s.opt.Queue)
	}
	defer s.waiting.Add(-1)
	k := keyOf(app, ch)
	if err := s.order.lock(ctx, k); err != nil {
		return err
	}
	defer s.order.unlock(k)
	for try := 1; ; try++ {
		err := s.try(ctx, app, ch, fn, committed)
		if err == nil || !again(err) || try == maxTries || ctx.Err() != nil {
			return failure(err)
		}
		select {
		case <-time.After(time.Duration(rand.IntN(1<<try)) * time.Millisecond): //nolint:gosec // spread, not secrecy
		case <-ctx.Done():
		}
	}
}

// try runs an update once. The order locks of further channels are held until committed has run.
func (s *Store) try(ctx context.Context, app core.AppID, ch core.ChannelID, fn func(store.Tx) error, committed func()) error {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	t := &tx{app: app, named: ch, ctx: ctx, conn: c.Conn(), heads: map[core.ChannelID]*head{}}
	t.session = session{q: c.Conn(), s: s, tx: t}
	defer func() {
		for _, k := range t.also {
			s.order.unlock(k)
		}
	}()
	err = t.run(fn)
	if err == nil {
		if err = t.commit(); err == nil && committed != nil {
			committed()
		}
	} else {
		t.rollback(c)
	}
	c.Release()
	s.noteRoom(err)
	return err
}

// noteRoom remembers that the disk was full, for Ping.
func (s *Store) noteRoom(err error) {
	switch {
	case err == nil:
		s.broken.Store(false)
	case state(err) == stateDiskFull:
		if !s.broken.Swap(true) {
			s.opt.Log("The database refuses writes", err)
		}
	}
}

// run begins and calls fn.
func (t *tx) run(fn func(store.Tx) error) error {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	if t.named != 0 {
		b.Queue("SELECT pg_advisory_xact_lock_shared($1)", appLock(t.app))
		b.Queue(lockHead, []int64{int64(t.named)})
	} else {
		b.Queue("SELECT pg_advisory_xact_lock($1)", appLock(t.app))
	}
	br := t.conn.SendBatch(t.ctx, b)
	_, err := br.Exec()
	if err == nil {
		_, err = br.Exec()
	}
	if err == nil && t.named != 0 {
		err = t.readHeads(br)
	}
	if e := br.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return t.call(fn)
}

// appLock is the number of an app's advisory lock. Marks of stamps have bit 62, the locks of records
// bit 61 as their highest.
func appLock(app core.AppID) int64 { return int64(app) | 1<<60 }

// call runs fn; a panic of it becomes its error.
func (t *tx) call(fn func(store.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("postgres: update panicked: %v\n%s", p, debug.Stack())
		}
	}()
	if err = fn(t); err != nil && t.broken != nil { // fn may have wrapped it beyond recognition, or made another of it
		return t.broken
	}
	if err == nil {
		return t.broken
	}
	return err
}

// commit writes the counters and commits. Its answer may be lost: then what was numbered tells.
func (t *tx) commit() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), writeLimit)
	defer cancel()
	b := &pgx.Batch{}
	t.queueHeads(b)
	b.Queue("COMMIT")
	err := t.conn.SendBatch(ctx, b).Close()
	if err == nil {
		return nil
	}
	if !lost(err) && ctx.Err() == nil && state(err) != "57P01" && state(err) != "57P02" {
		_ = t.conn.Close(ctx) // the transaction is still open: let the connection end it
		return err
	}
	return t.s.outcome(t.xid, err)
}

// outcome finds out what became of a transaction whose commit was not answered. Without its number,
// or when the server does not come back in time, that stays unknown.
func (s *Store) outcome(xid string, cause error) error {
	unknown := fmt.Errorf("%w: %w: %w", store.ErrUnavailable, store.ErrUnknownOutcome, cause)
	if xid == "" {
		return unknown
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleLimit)
	defer cancel()
	for {
		var status string
		err := s.pool.QueryRow(ctx, "SELECT coalesce(pg_xact_status($1::text::xid8), '')", xid).Scan(&status)
		switch {
		case err == nil && status == "aborted":
			return fmt.Errorf("%w: %w", store.ErrUnavailable, cause)
		case err == nil && status == "committed":
			return errMaybe
		case err == nil && status == "":
			return unknown
		case state(err) == "22023": // a number the server has not given out yet: it crashed before it was written
			return fmt.Errorf("%w: %w", store.ErrUnavailable, cause)
		}
		select {
		case <-ctx.Done():
			return unknown
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// errMaybe: a transaction of the number has committed. After a crash of the server the number may
// have been given to another one, so that it takes more to be sure.
var errMaybe = fmt.Errorf("%w: %w: the commit was not answered", store.ErrUnavailable, store.ErrUnknownOutcome)

// rollback ends the transaction; a connection that cannot is closed.
func (t *tx) rollback(c *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	if _, err := c.Conn().Exec(ctx, "ROLLBACK"); err != nil {
		_ = c.Conn().Close(ctx) // the server rolls back what a closed connection began
	}
}

// errBroken is the error of calls after one that failed in the database.
var errBroken = errors.New("postgres: the transaction has failed")
