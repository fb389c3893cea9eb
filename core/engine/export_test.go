package engine

import "context"

// SweepSeats clears the seats of nodes that are gone, as the worker of rooms does every minute.
func (e *Engine) SweepSeats(ctx context.Context) error { return e.sweepSeats(ctx) }
