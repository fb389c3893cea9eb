package engine

import "context"

// SweepSeats clears the seats of nodes that are gone, as the worker of rooms does every minute.
func (e *Engine) SweepSeats(ctx context.Context) error { return e.sweepSeats(ctx) }

// Dispatching bounds the events that may wait to be handed on, and holds the dispatcher back until the
// func it answers is called; that tells how many were left to be read later.
func (e *Engine) Dispatching(most int) func() uint64 {
	held, free := make(chan struct{}), make(chan struct{})
	e.dispatch.then(func() { close(held); <-free })
	<-held
	e.dispatch.mu.Lock()
	e.dispatch.most = most
	e.dispatch.mu.Unlock()
	return func() uint64 {
		e.dispatch.mu.Lock()
		defer e.dispatch.mu.Unlock()
		close(free)
		return e.dispatch.dropped
	}
}
