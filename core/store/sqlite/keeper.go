package sqlite

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"
)

// The keeper copies the write-ahead log into the database off the path of commits. A log under
// constant writing is never copied to its end that way, so it would grow without bound: when the
// keeper is nearly done the writer copies the rest between two commits, and the log starts afresh.
const (
	logPages     = 16_000           // estimated growth of the log, in pages, after which it is copied
	restPages    = 500              // so few the writer copies itself
	truncateIdle = 10 * time.Second // quiet time after which a grown log is cut back
)

// keeper checkpoints on a connection of its own.
type keeper struct {
	s     *Store
	c     *conn
	grown atomic.Int64 // estimate of pages since the last checkpoint
	wake  chan struct{}
	quit  context.CancelFunc
	ctx   context.Context //nolint:containedctx // the life of the goroutine
	done  chan struct{}
}

// newKeeper opens the connection; start begins the work.
func newKeeper(s *Store) (*keeper, error) {
	c, err := openConn(s.opt.Path, "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=0")
	if err != nil {
		return nil, err
	}
	k := &keeper{s: s, c: c, wake: make(chan struct{}, 1), done: make(chan struct{})}
	k.ctx, k.quit = context.WithCancel(context.Background())
	return k, nil
}

// nudge is told of every commit of so many jobs.
func (k *keeper) nudge(jobs int) {
	if k.grown.Add(4+3*int64(jobs)) < logPages {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// start begins the work.
func (k *keeper) start() { go k.loop() }

// stop ends the goroutine.
func (k *keeper) stop() {
	k.quit()
	<-k.done
}

// last empties the log into the database when the store closes.
func (k *keeper) last() error {
	_, err := checkpoint(k.c, "TRUNCATE")
	return err
}

// close closes the connection.
func (k *keeper) close() {
	k.quit()
	k.c.close()
}

// loop copies when the log has grown, or when all is quiet.
func (k *keeper) loop() {
	defer close(k.done)
	idle := time.NewTicker(truncateIdle)
	defer idle.Stop()
	cut := true
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-k.wake:
			k.grown.Store(0)
			cut = false
			k.copy()
		case <-idle.C:
			if n := k.grown.Swap(0); n > 0 {
				cut = false
				k.copy()
			} else if !cut {
				cut = true
				_, err := checkpoint(k.c, "TRUNCATE")
				k.report(err)
			}
		}
	}
}

// copy copies what is there, again while much was added meanwhile, and leaves the rest to the writer.
func (k *keeper) copy() {
	for range 3 {
		rest, err := checkpoint(k.c, "PASSIVE")
		if err != nil {
			k.report(err)
			return
		}
		if rest <= restPages {
			break
		}
	}
	k.s.w.tidy.Store(true)
}

// report tells the operator; the log just grows until it works again.
func (k *keeper) report(err error) {
	if err != nil {
		k.s.opt.Log("The write-ahead log could not be copied into the database", err)
	}
}

// checkpoint copies the log and answers how many of its pages are not copied yet. A reader in the
// way is no error: it is tried again later.
func checkpoint(c *conn, mode string) (rest int64, err error) {
	st, err := c.prepare("PRAGMA wal_checkpoint(" + mode + ")")
	if err != nil {
		return 0, err
	}
	var ce *codeError
	if _, err := st.step(); errors.As(err, &ce) && ce.code&0xff == lib.SQLITE_BUSY {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	rest = st.colInt(1) - st.colInt(2)
	return rest, st.run()
}
