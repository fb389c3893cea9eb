package postgres

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// maxBatch is how many appends share a commit.
const maxBatch = 128

// The states of a job: its caller may take it back until its channel is locked.
const (
	jobQueued int32 = iota
	jobRunning
	jobAbandoned
)

// job is one queued append.
type job struct {
	ctx       context.Context //nolint:containedctx // travels with the request through the queue
	in        *store.Append
	given     core.MessageID // the id it came with
	plain     bool
	committed func()
	state     atomic.Int32
	err       error
	done      chan struct{}
}

// lane stores the appends of its share of the channels, one batch at a time. There is no timer: a
// lone append goes at once, and while a batch is under way the next one gathers.
type lane struct {
	s      *Store
	mu     sync.RWMutex // guards closed against sends on queue
	closed bool
	queue  chan *job
	ended  chan struct{}
}

// newLane starts a lane.
func newLane(s *Store, queue int) *lane {
	l := &lane{s: s, queue: make(chan *job, queue), ended: make(chan struct{})}
	go l.loop()
	return l
}

// stop refuses new jobs, finishes those queued and ends the loop.
func (l *lane) stop() {
	l.mu.Lock()
	l.closed = true
	close(l.queue)
	l.mu.Unlock()
	<-l.ended
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, in *store.Append, committed func()) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	j := &job{ctx: ctx, in: in, given: in.Message.ID, committed: committed, done: make(chan struct{})}
	l := s.lanes[int(uint64(in.Message.Channel)%uint64(len(s.lanes)))] //nolint:gosec // a share
	l.mu.RLock()
	if l.closed {
		l.mu.RUnlock()
		return errClosed
	}
	select {
	case l.queue <- j:
		l.mu.RUnlock()
	default:
		l.mu.RUnlock()
		return fmt.Errorf("%w: %d writes are waiting already", store.ErrUnavailable, cap(l.queue))
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		// The lane may have passed the job over in the same moment: then nobody closes done.
		if j.state.CompareAndSwap(jobQueued, jobAbandoned) || j.state.Load() == jobAbandoned {
			return ended(ctx)
		}
		<-j.done
		return j.err
	}
}

// loop takes everything that waits, up to maxBatch, and commits it together.
func (l *lane) loop() {
	defer close(l.ended)
	var batch []*job
	for j := range l.queue {
		runtime.Gosched() // those just answered may ask again: let them into this batch
		batch = append(batch[:0], j)
	gather:
		for len(batch) < maxBatch {
			select {
			case j, ok := <-l.queue:
				if !ok {
					break gather
				}
				batch = append(batch, j)
			default:
				break gather
			}
		}
		l.work(batch)
		clear(batch)
	}
}

// retryPause is the first pause before a batch is tried again; it doubles.
const retryPause = 2 * time.Millisecond

// work stores a batch and answers it, holding the order of its channels until all callbacks have
// run. A batch that one of its jobs breaks is stored one by one.
func (l *lane) work(batch []*job) {
	ctx, cancel := context.WithTimeout(context.Background(), writeLimit)
	defer cancel()
	held, err := l.hold(ctx, batch)
	defer func() {
		for _, ch := range held {
			l.s.order.unlock(orderKey{ch: ch})
		}
	}()
	if err == nil {
		err = l.store(ctx, batch)
		if err != nil && len(batch) > 1 {
			for i := range batch {
				if batch[i].open() {
					if e := l.store(ctx, batch[i:i+1]); e != nil {
						batch[i].fail(e)
					}
				}
			}
			err = nil
		}
	}
	for _, j := range batch {
		if err != nil {
			j.fail(err)
		}
		if j.state.Load() == jobAbandoned {
			continue
		}
		if j.err == nil && j.committed != nil {
			j.committed()
		}
		close(j.done)
	}
}

// open reports whether the job still waits for its outcome.
func (j *job) open() bool { return j.state.Load() != jobAbandoned && j.err == nil }

// fail gives the job an error unless it has one.
func (j *job) fail(err error) {
	if j.state.CompareAndSwap(jobQueued, jobRunning) || j.state.Load() == jobRunning {
		if j.err == nil {
			j.err = failure(err)
		}
	}
}

// hold takes the order locks of the channels of a batch, in the order of their numbers. Their
// callers may leave while it waits.
func (l *lane) hold(ctx context.Context, batch []*job) (held []core.ChannelID, err error) {
	for _, ch := range channelsOf(batch) {
		if err := l.s.order.lock(ctx, orderKey{ch: ch}); err != nil {
			return held, err
		}
		held = append(held, ch)
	}
	return held, nil
}

// store runs batches until one is answered: conflicts with others, and commits that did not happen,
// are worth another try.
func (l *lane) store(ctx context.Context, batch []*job) error {
	pause := retryPause
	for try := 1; ; try++ {
		err := l.s.appendAll(ctx, batch)
		l.s.noteRoom(err)
		if err == nil || try == maxTries || ctx.Err() != nil || !(again(err) || len(batch) == 1 && state(err) == stateUnique && batch[0].given == 0) {
			return err
		}
		time.Sleep(pause) //nolint:forbidigo // between two tries
		pause *= 2
	}
}
