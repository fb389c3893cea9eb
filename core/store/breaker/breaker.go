// Package breaker keeps a failing database from dragging everything down: after some failures it
// answers at once, and tries the database again by itself.
package breaker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"dragoman/core/fault"
	"dragoman/core/store"
)

// State is what the breaker does at the moment.
type State int

// The states: calls pass, one call may try, calls are refused.
const (
	Closed State = iota
	HalfOpen
	Open
)

// String returns the name of the state.
func (s State) String() string { return gobreaker.State(s).String() }

// Options sets the breaker; zero values mean the defaults named beside the fields.
type Options struct {
	Failures uint32        // infrastructure failures within Window until it opens: 5
	Window   time.Duration // rolling: 10 s
	OpenFor  time.Duration // between two tries while open: 1 s
	Probe    time.Duration // longest wait for the answer to one try: 2 s
	Changed  func(State)   // told of every change; must not block nor call the store
	// Observed is told of every call that reached the database: what it was, how long it took, how it
	// ended. It must not block. nil means nobody.
	Observed func(c Call, took time.Duration, err error)
}

// Call is a kind of call.
type Call uint8

// The kinds: reads, transactions, appended messages, and calls that are neither.
const (
	Read Call = iota
	Update
	Append
	Other
)

// String names the kind.
func (c Call) String() string { return [...]string{"read", "update", "append", "other"}[c] }

// Store is a store behind its breaker. Methods that the breaker does not know pass through.
type Store struct {
	store.Store
	opt     Options
	cb      *gobreaker.TwoStepCircuitBreaker[struct{}]
	until   atomic.Int64 // unix nanoseconds: end of the open time
	ctx     context.Context
	cancel  context.CancelFunc
	probing atomic.Bool
	mu      sync.Mutex // between the start of a probe and Close
	probes  sync.WaitGroup
}

// Wrap puts a breaker in front of a store. Only failures of the database count: an answer such as
// "not found", or an error of the caller's own transaction, shows that it works. While open, calls
// answer storage.unavailable (wrapping store.ErrUnavailable) and nothing reaches the database but
// a Ping from time to time.
func Wrap(next store.Store, o Options) *Store {
	if o.Failures == 0 {
		o.Failures = 5
	}
	set(&o.Window, 10*time.Second)
	set(&o.OpenFor, time.Second)
	set(&o.Probe, 2*time.Second)
	s := &Store{Store: next, opt: o}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: "store", MaxRequests: 1, Interval: o.Window, BucketPeriod: o.Window / 10, Timeout: o.OpenFor,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.TotalFailures >= o.Failures },
		IsSuccessful:  func(err error) bool { return !down(err) },
		IsExcluded:    func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: s.moved,
	})
	return s
}

// set fills a duration that is not set.
func set(d *time.Duration, def time.Duration) {
	if *d <= 0 {
		*d = def
	}
}

// down reports whether an error speaks of the database rather than of the call.
func down(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) ||
		fault.IsReason(err, fault.StorageUnavailable)
}

// State tells what the breaker does now.
func (s *Store) State() State { return State(s.cb.State()) }

// moved notes a change and starts to probe. It runs under the breaker's lock.
func (s *Store) moved(_ string, _, to gobreaker.State) {
	if to == gobreaker.StateOpen {
		s.until.Store(time.Now().Add(s.opt.OpenFor).UnixNano())
		s.mu.Lock()
		if s.ctx.Err() == nil && s.probing.CompareAndSwap(false, true) {
			s.probes.Go(s.probe)
		}
		s.mu.Unlock()
	}
	if s.opt.Changed != nil {
		s.opt.Changed(State(to))
	}
}

// probe tries the database until the breaker has closed.
func (s *Store) probe() {
	for {
		wait := time.NewTimer(max(time.Until(time.Unix(0, s.until.Load())), 0) + time.Millisecond)
		select {
		case <-s.ctx.Done():
			wait.Stop()
		case <-wait.C:
		}
		if s.ctx.Err() != nil || s.closed() {
			return
		}
		done, err := s.cb.Allow()
		if err != nil { // a caller is trying at this moment
			s.until.Store(time.Now().Add(s.opt.OpenFor / 10).UnixNano())
			continue
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.opt.Probe)
		err = s.Store.Ping(ctx)
		if err != nil && ctx.Err() != nil && s.ctx.Err() == nil {
			err = context.DeadlineExceeded // whatever it is called, nothing came in time
		}
		cancel()
		done(err)
	}
}

// closed reports whether there is nothing left to probe for, and if so ends probing. A breaker that
// opens in between either starts a probe of its own or finds this one going on.
func (s *Store) closed() bool {
	s.probing.Store(false)
	return s.cb.State() == gobreaker.StateClosed || !s.probing.CompareAndSwap(false, true)
}

// refuse is the answer while the breaker is open.
func (s *Store) refuse() error {
	left := max(time.Until(time.Unix(0, s.until.Load())), time.Second)
	return fault.StorageUnavailable.Wrap(store.ErrUnavailable).After(left)
}

// do runs a call that answers an error only.
func (s *Store) do(c Call, fn func() error) error {
	done, err := s.cb.Allow()
	if err != nil {
		return s.refuse()
	}
	settled := false
	defer func() {
		if !settled { // the call panicked: that says nothing of the database
			done(context.Canceled)
		}
	}()
	began := time.Now()
	err = fn()
	settled = true
	done(err)
	if s.opt.Observed != nil {
		s.opt.Observed(c, time.Since(began), err)
	}
	return err
}

// ask runs a call that answers a value.
func ask[T any](s *Store, fn func() (T, error)) (out T, err error) {
	err = s.do(Read, func() (err error) {
		out, err = fn()
		return err
	})
	return out, err
}

// Close stops probing and closes the database.
func (s *Store) Close() error {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.probes.Wait()
	return s.Store.Close()
}
