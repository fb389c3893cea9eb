package sqlite

import (
	"context"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"
)

// The keeper copies the write-ahead log into the database off the path of commits.
const (
	checkpointBatches = 64               // commits after which the log is looked at
	truncateIdle      = 10 * time.Second // quiet time after which a grown log is cut back
)

// keeper checkpoints on a connection of its own.
type keeper struct {
	s     *Store
	c     *conn
	count atomic.Int64 // commits since the last checkpoint
	wake  chan struct{}
	quit  context.CancelFunc
	ctx   context.Context //nolint:containedctx // the life of the goroutine
	done  chan struct{}
}

func newKeeper(s *Store) (*keeper, error) {
	c, err := openConn(s.opt.Path, "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=0")
	if err != nil {
		return nil, err
	}
	k := &keeper{s: s, c: c, wake: make(chan struct{}, 1), done: make(chan struct{})}
	k.ctx, k.quit = context.WithCancel(context.Background())
	return k, nil
}

// nudge is told of every commit.
func (k *keeper) nudge(int) {
	if k.count.Add(1) < checkpointBatches {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) start() { go k.loop() }

// stop ends the goroutine.
func (k *keeper) stop() {
	k.quit()
	<-k.done
}

// last empties the log into the database when the store closes.
func (k *keeper) last() error { return k.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)") }

func (k *keeper) close() {
	k.quit()
	k.c.close()
}

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
			k.count.Store(0)
			cut = false
			k.report(k.checkpoint("PRAGMA wal_checkpoint(PASSIVE)"))
		case <-idle.C:
			if n := k.count.Swap(0); n > 0 {
				cut = false
				k.report(k.checkpoint("PRAGMA wal_checkpoint(PASSIVE)"))
			} else if !cut {
				cut = true
				k.report(k.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)"))
			}
		}
	}
}

func (k *keeper) report(err error) {
	if err != nil {
		k.s.opt.Log("The write-ahead log could not be copied into the database", err)
	}
}

// checkpoint runs one; a busy database is no error, it is tried again later.
func (k *keeper) checkpoint(sql string) error {
	st, err := k.c.prepare(sql)
	if err != nil {
		return err
	}
	if _, err := st.step(); err != nil {
		if ce, ok := err.(*codeError); ok && ce.code&0xff == lib.SQLITE_BUSY { //nolint:errorlint // as made by step
			return nil
		}
		return err
	}
	return st.run()
}
