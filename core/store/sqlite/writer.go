package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"

	"dragoman/core"
	"dragoman/core/store"
)

// maxBatch is how many updates share a commit.
const maxBatch = 64

// The states of a job: its caller may take it back until it runs in a transaction that has begun,
// and may leave while the commit waits for the disk, so that neither a locked database nor a slow
// disk holds anybody longer than they want to wait.
const (
	jobQueued int32 = iota
	jobRunning
	jobAbandoned  // taken back before it ran
	jobCommitting // it ran, and the disk is at work
	jobLeft       // its caller did not wait for the disk
)

// job is one queued write: an append or an update.
type job struct {
	ctx       context.Context //nolint:containedctx // travels with the request through the queue
	fn        func(store.Tx) error
	append    *store.Append
	committed func()
	state     atomic.Int32
	err       error
	done      chan struct{}
}

// headOf is a channel's counters, cached by the writer, the only one who changes them.
type headOf struct {
	app     core.AppID
	key     core.ChannelKey
	seq, ev int64
	stamp   core.Stamp
	count   int64
	lastAt  int64
	dirty   bool
	hidden  bool // some member may have hidden the channel
}

// place is a person in a channel.
type place struct {
	ch   core.ChannelID
	user core.UserID
}

// readPos is a read position to be written with the batch.
type readPos struct {
	seq, at int64
	msg     core.MessageID
}

// writer owns the writing connection.
type writer struct {
	s       *Store
	c       *conn
	mu      sync.RWMutex // guards closed against sends on queue
	closed  bool
	queue   chan *job
	ended   chan struct{}
	ids     allocator
	outbox  int64 // last outbox id
	heads   map[core.ChannelID]*headOf
	dirty   []core.ChannelID
	reads   map[place]readPos
	authors map[place]struct{} // known rows of the table; app follows from the channel
	batch   []*job
	tidy    atomic.Bool // the keeper asks the writer to finish a checkpoint
	buf     []byte
	tx      tx
}

// maxCached bounds the writer's caches of channels and of authors.
const maxCached = 1 << 16

// newWriter finds where ids go on.
func newWriter(s *Store, c *conn) (*writer, error) {
	w := &writer{
		s: s, c: c,
		queue:   make(chan *job, s.opt.Queue),
		ended:   make(chan struct{}),
		ids:     allocator{now: s.opt.Now, node: int64(s.opt.Node)},
		reads:   map[place]readPos{},
		authors: map[place]struct{}{},
		heads:   map[core.ChannelID]*headOf{},
	}
	w.tx = tx{session: session{c: c, s: s, ctx: context.Background()}, w: w}
	st, err := c.prepare(`SELECT max(coalesce((SELECT max(msg_id) FROM messages), 0), coalesce((SELECT max(last_stamp) FROM heads), 0),
		coalesce((SELECT max(stamp) FROM boxes), 0)), (SELECT max(id) FROM outbox)`)
	if err != nil {
		return nil, err
	}
	if _, err := st.step(); err != nil {
		return nil, err
	}
	w.ids.seen(core.MessageID(st.colInt(0)))
	// Ids of deleted rows are not used again, not even after a restart: a late delete must miss.
	w.outbox = max(st.colInt(1), s.opt.Now().UnixMilli()<<10)
	st.reset()
	return w, nil
}

// start begins the loop.
func (w *writer) start() { go w.loop() }

// stop refuses new jobs, finishes those queued and ends the loop.
func (w *writer) stop() {
	w.mu.Lock()
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.ended
}

// submit queues a job and waits for its outcome.
func (w *writer) submit(ctx context.Context, j *job) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	j.ctx = ctx
	j.done = make(chan struct{})
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	select {
	case w.queue <- j:
		w.mu.RUnlock()
	default:
		w.mu.RUnlock()
		return fmt.Errorf("%w: %d writes are waiting already", store.ErrUnavailable, cap(w.queue))
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		// The writer may have passed the job over in the same moment: then nobody closes done.
		if j.state.CompareAndSwap(jobQueued, jobAbandoned) || j.state.Load() == jobAbandoned {
			return ended(ctx)
		}
		return j.leave(ctx)
	}
}

// leave waits for a job that runs, or leaves it to the disk once it ran: what the job writes to is
// its caller's again only then. Whether it will be kept is not known.
func (j *job) leave(ctx context.Context) error {
	look := time.NewTicker(5 * time.Millisecond) // running takes less, unless others share the batch
	defer look.Stop()
	for {
		select {
		case <-j.done:
			return j.err
		case <-look.C:
			if j.state.CompareAndSwap(jobCommitting, jobLeft) {
				return fmt.Errorf("%w: %w", store.ErrUnknownOutcome, ended(ctx))
			}
		}
	}
}

// loop takes everything that waits, up to maxBatch, and commits it together. There is no timer: a
// lone write is committed at once, and while a commit runs the next batch gathers.
func (w *writer) loop() {
	defer close(w.ended)
	for j := range w.queue {
		runtime.Gosched() // those just answered may ask again: let them into this batch
		w.batch = w.take(w.batch[:0], j)
	gather:
		for len(w.batch) < maxBatch {
			select {
			case j, ok := <-w.queue:
				if !ok {
					break gather
				}
				w.batch = w.take(w.batch, j)
			default:
				break gather
			}
		}
		if len(w.batch) == 0 {
			continue
		}
		if !w.commit(w.batch) { // one of them broke the transaction: each alone then
			for i := range w.batch {
				w.commit(w.batch[i : i+1])
			}
		}
		w.answer(w.batch)
		if w.tidy.CompareAndSwap(true, false) {
			rest, err := checkpoint(w.c, "PASSIVE")
			w.s.keeper.report(err)
			if rest > 0 && err == nil { // a reader held it up
				w.s.keeper.grown.Add(logPages / 2)
			}
		}
	}
}

// take adds the job unless its caller has gone.
func (w *writer) take(batch []*job, j *job) []*job {
	if j.ctx.Err() != nil && j.state.CompareAndSwap(jobQueued, jobAbandoned) {
		return batch // the caller sees its own context end
	}
	if j.state.Load() == jobAbandoned {
		return batch
	}
	return append(batch, j)
}

// answer runs the callbacks in order of commit, each before its caller goes on.
func (w *writer) answer(batch []*job) {
	for i, j := range batch {
		if state := j.state.Load(); j.err == nil && j.committed != nil && state != jobQueued && state != jobAbandoned {
			j.committed()
		}
		close(j.done)
		batch[i] = nil
	}
}

// commit runs the jobs in one transaction. It answers false, with nothing kept, when several jobs
// shared a transaction that one of them broke; every job has its outcome otherwise.
func (w *writer) commit(batch []*job) bool {
	if len(w.heads) > maxCached {
		clear(w.heads)
	}
	if len(w.authors) > maxCached {
		clear(w.authors)
	}
	err := w.c.exec("BEGIN IMMEDIATE")
	if err != nil {
		w.fail(batch, err)
		return true
	}
	before := w.c.changes()
	for _, j := range batch {
		if broken := w.run(j); broken != nil {
			w.rollback()
			if len(batch) > 1 {
				return false
			}
			w.fail(batch, broken)
			return true
		}
	}
	if err := w.flush(); err != nil {
		w.rollback()
		w.fail(batch, err)
		return true
	}
	if w.c.changes() == before { // nothing was written: nothing to make durable
		if err = w.c.exec("ROLLBACK"); err == nil {
			return true
		}
	} else if err = w.sync(batch); err == nil {
		w.s.broken.Store(nil)
		w.s.keeper.nudge(len(batch))
		w.s.index.nudge()
		return true
	}
	w.rollback()
	var ce *codeError
	if errors.As(err, &ce) && ce.code&0xff == lib.SQLITE_IOERR {
		err = fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err) // the log may hold it after all
	}
	w.fail(batch, err)
	return true
}

// sync commits. From here on callers need not stay.
func (w *writer) sync(batch []*job) error {
	for _, j := range batch {
		j.state.CompareAndSwap(jobRunning, jobCommitting)
	}
	return w.c.exec("COMMIT")
}

// fail gives the jobs that have no error of their own this one.
func (w *writer) fail(batch []*job, err error) {
	if errors.Is(err, store.ErrUnavailable) {
		if w.s.broken.Swap(&err) == nil {
			w.s.opt.Log("The database refuses writes", err)
		}
	}
	for _, j := range batch {
		j.err = err
	}
}

// rollback drops the transaction and everything remembered of it.
func (w *writer) rollback() {
	if lib.Xsqlite3_get_autocommit(w.c.tls, w.c.db) == 0 {
		_ = w.c.exec("ROLLBACK") // cannot fail in a way that leaves the transaction open
	}
	clear(w.heads)
	clear(w.reads)
	clear(w.authors)
	w.dirty = w.dirty[:0]
}

// run runs one job. An error of the job's own is kept in it; the returned error means that the
// transaction is broken.
func (w *writer) run(j *job) (broken error) {
	if !j.state.CompareAndSwap(jobQueued, jobRunning) && j.state.Load() == jobAbandoned {
		return nil // its caller did not wait until the transaction could begin
	}
	j.err = nil
	before := w.c.changes()
	if j.append != nil {
		err := w.append(j.append)
		if err != nil && (w.c.changes() != before || lib.Xsqlite3_get_autocommit(w.c.tls, w.c.db) != 0) {
			return err
		}
		j.err = err
		return nil
	}
	if err := w.flush(); err != nil { // fn must read what came before it
		return err
	}
	if err := w.c.exec("SAVEPOINT job"); err != nil {
		return err
	}
	before = w.c.changes()
	j.err = w.call(j.fn)
	if lib.Xsqlite3_get_autocommit(w.c.tls, w.c.db) != 0 {
		// The library rolled everything back, as it does when the disk is full.
		return cmp.Or(j.err, fmt.Errorf("%w: the transaction was lost", store.ErrUnavailable))
	}
	if j.err != nil && w.c.changes() != before {
		if err := w.c.exec("ROLLBACK TO job"); err != nil {
			return err
		}
		clear(w.heads) // all flushed before, so nothing but the job's own is lost
		clear(w.authors)
		w.dirty = w.dirty[:0]
	}
	return w.c.exec("RELEASE job")
}

// call runs fn; a panic of it becomes its error, so that it cannot take down its neighbours.
func (w *writer) call(fn func(store.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sqlite: update panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(&w.tx)
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, _ core.AppID, _ core.ChannelID, fn func(store.Tx) error, committed func()) error {
	return s.w.submit(ctx, &job{fn: fn, committed: committed})
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, in *store.Append, committed func()) error {
	return s.w.submit(ctx, &job{append: in, committed: committed})
}

// millis is core.Millis, for brevity.
func millis(t time.Time) int64 { return core.Millis(t) }
