package proxy

import (
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// BreakerOptions sets the circuit breaker between the proxy and the core, one per app.
type BreakerOptions struct {
	Failures uint32        // within Window, and at least half of all calls, until it opens: 5
	Window   time.Duration // rolling: 10 s
	OpenFor  time.Duration // until one call may try again: 5 s
}

// withDefaults fills what is not set.
func (o BreakerOptions) withDefaults() BreakerOptions {
	o.Failures = or(o.Failures, 5)
	o.Window = or(o.Window, 10*time.Second)
	o.OpenFor = or(o.OpenFor, 5*time.Second)
	return o
}

// breaker keeps calls away from a core that fails. Errors of the caller mean that the core is alive,
// also while it is being tried again.
type breaker struct {
	cb      *gobreaker.TwoStepCircuitBreaker[struct{}]
	openFor time.Duration
	until   atomic.Int64 // unix nanoseconds: end of the open time
}

// newBreaker makes the breaker of one app; moved is told of every change of state.
func newBreaker(name string, o BreakerOptions, moved func(gobreaker.State)) *breaker {
	b := &breaker{openFor: o.OpenFor}
	b.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         name,
		MaxRequests:  1,
		Interval:     o.Window,
		BucketPeriod: o.Window / 10,
		Timeout:      o.OpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.TotalFailures >= o.Failures && c.TotalFailures*2 >= c.Requests
		},
		IsSuccessful: func(err error) bool { return !trips(err) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.until.Store(time.Now().Add(o.OpenFor).UnixNano())
			}
			moved(to)
		},
	})
	moved(gobreaker.StateClosed)
	return b
}

// run calls fn unless the breaker is open. A slow call is let through or refused but not counted:
// a long poll says nothing about health until it ends.
func (b *breaker) run(slow bool, fn func() error) error {
	if slow {
		if b.cb.State() == gobreaker.StateOpen {
			return b.refuse()
		}
		return fn()
	}
	done, err := b.cb.Allow()
	if err != nil {
		return b.refuse()
	}
	err = fn()
	done(err)
	return err
}

// refuse is the answer while the breaker is open; it asks the caller to wait for the rest of the
// open time.
func (b *breaker) refuse() error {
	left := time.Until(time.Unix(0, b.until.Load()))
	return fault.UpstreamCircuitOpen.Error("").After(max(left, time.Second))
}

// alive lists the failures of our side that say nothing about the core's health: what we chose not
// to build, and endpoints of the app's own.
var alive = map[*fault.Reason]bool{
	fault.RequestNotImplemented: true,
	fault.IntegrationCallFailed: true,
	fault.TranslationFailed:     true,
}

// trips reports whether an error counts against the core.
func trips(err error) bool {
	if err == nil {
		return false
	}
	r := fault.From(err).Reason
	return normalize.Counts(r) && !alive[r]
}
