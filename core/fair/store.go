package fair

import (
	"context"

	"dragoman/core"
	"dragoman/core/store"
)

// Store is a store whose writes are let through a gate. Reads pass.
type Store struct {
	store.Store
	gate *Gate
}

// Wrap puts a gate before the writes of a store, in front of its own queue and of its breaker: being
// refused here says nothing about the database.
func Wrap(next store.Store, g *Gate) *Store { return &Store{Store: next, gate: g} }

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, app core.AppID, ch core.ChannelID, fn func(store.Tx) error, committed func()) error {
	leave, err := s.gate.Enter(ctx, app)
	if err != nil {
		return err
	}
	defer leave()
	return s.Store.Update(ctx, app, ch, fn, committed)
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, in *store.Append, committed func()) error {
	leave, err := s.gate.Enter(ctx, in.App)
	if err != nil {
		return err
	}
	defer leave()
	return s.Store.Append(ctx, in, committed)
}
