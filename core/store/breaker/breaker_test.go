package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
	"dragoman/core/store/breaker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// flaky is a store whose every answer is chosen by the test. Methods it does not have would crash,
// so a call that reaches the wrong one shows.
type flaky struct {
	store.Store
	down   atomic.Bool
	calls  atomic.Int64
	pings  atomic.Int64
	closed atomic.Bool
}

func (f *flaky) answer(ok error) error {
	f.calls.Add(1)
	if f.down.Load() {
		return fmt.Errorf("disk gone: %w", store.ErrUnavailable)
	}
	return ok
}

func (f *flaky) Apps(context.Context) ([]core.App, error) { return nil, f.answer(nil) }
func (f *flaky) Channel(context.Context, core.AppID, core.ChannelKey) (core.Channel, error) {
	return core.Channel{}, f.answer(store.ErrNotFound)
}
func (f *flaky) Append(context.Context, *store.Append, func()) error { return f.answer(nil) }
func (f *flaky) Update(_ context.Context, _ core.AppID, _ core.ChannelID, fn func(store.Tx) error, _ func()) error {
	if err := fn(nil); err != nil {
		return err
	}
	return f.answer(nil)
}
func (f *flaky) Ping(context.Context) error { f.pings.Add(1); return f.answer(nil) }
func (f *flaky) Close() error               { f.closed.Store(true); return nil }

func wrap(t *testing.T, f *flaky, o breaker.Options) *breaker.Store {
	s := breaker.Wrap(f, o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil || !f.closed.Load() {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestBreakerStaysClosedForTheCallersErrors(t *testing.T) {
	s := wrap(t, &flaky{}, breaker.Options{})
	refusal := fault.PermissionDenied.Error("")
	for range 10_000 {
		if _, err := s.Channel(t.Context(), 1, core.ChannelKey("")); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), 1, 0, func(store.Tx) error { return refusal }, nil); !errors.Is(err, refusal) {
			t.Fatal(err)
		}
	}
	if s.State() != breaker.Closed {
		t.Errorf("state %s", s.State())
	}
}

func TestBreakerOpensFailsFastAndRecoversByItself(t *testing.T) {
	f := &flaky{}
	states := make(chan breaker.State, 100)
	s := wrap(t, f, breaker.Options{Failures: 3, OpenFor: 30 * time.Millisecond, Changed: func(st breaker.State) { states <- st }})
	f.down.Store(true)
	for range 3 {
		if err := s.Append(t.Context(), nil, nil); !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if st := <-states; st != breaker.Open {
		t.Fatalf("state %s", st)
	}
	_, err := s.Apps(t.Context())
	if fe := fault.From(err); fe.Reason != fault.StorageUnavailable || fe.RetryAfter < time.Second || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("refused with %v", err)
	}
	pings := f.pings.Load()
	eventually(t, "it probes", func() bool { return f.pings.Load() >= pings+3 })
	f.down.Store(false)
	eventually(t, "it closes without any caller", func() bool { return s.State() == breaker.Closed })
	for range 100 {
		if err := s.Append(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	f.down.Store(true) // and again
	eventually(t, "it opens again", func() bool { _ = s.Append(t.Context(), nil, nil); return s.State() == breaker.Open })
	f.down.Store(false)
	eventually(t, "it closes again", func() bool { return s.State() == breaker.Closed })
}

func TestNothingReachesADeadStore(t *testing.T) {
	f := &flaky{}
	s := wrap(t, f, breaker.Options{Failures: 2, OpenFor: time.Hour})
	f.down.Store(true)
	for range 1000 {
		if err := s.Update(t.Context(), 1, 0, func(store.Tx) error { return nil }, nil); err == nil {
			t.Fatal("acknowledged")
		}
	}
	if n := f.calls.Load(); n != 2 {
		t.Errorf("%d calls reached the store", n)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("ready although open")
	}
}

func TestPanicOfACallerPassesAndDoesNotCount(t *testing.T) {
	s := wrap(t, &flaky{}, breaker.Options{Failures: 1})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = s.Update(t.Context(), 1, 0, func(store.Tx) error { panic("boom") }, nil)
	}()
	if s.State() != breaker.Closed {
		t.Errorf("state %s", s.State())
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
