package breaker

import (
	"context"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// Apps implements store.Store.
func (s *Store) Apps(ctx context.Context) ([]core.App, error) {
	return ask(s, func() ([]core.App, error) { return s.Store.Apps(ctx) })
}

// Users implements store.Store.
func (s *Store) Users(ctx context.Context, app core.AppID, ids []core.UserID) ([]core.User, error) {
	return ask(s, func() ([]core.User, error) { return s.Store.Users(ctx, app, ids) })
}

// FindUsers implements store.Store.
func (s *Store) FindUsers(ctx context.Context, app core.AppID, q store.Query) ([]core.User, error) {
	return ask(s, func() ([]core.User, error) { return s.Store.FindUsers(ctx, app, q) })
}

// Channel implements store.Store.
func (s *Store) Channel(ctx context.Context, app core.AppID, key core.ChannelKey) (core.Channel, error) {
	return ask(s, func() (core.Channel, error) { return s.Store.Channel(ctx, app, key) })
}

// Channels implements store.Store.
func (s *Store) Channels(ctx context.Context, app core.AppID, ids []core.ChannelID) ([]core.Channel, error) {
	return ask(s, func() ([]core.Channel, error) { return s.Store.Channels(ctx, app, ids) })
}

// FindChannels implements store.Store.
func (s *Store) FindChannels(ctx context.Context, app core.AppID, q store.Query) ([]core.Channel, error) {
	return ask(s, func() ([]core.Channel, error) { return s.Store.FindChannels(ctx, app, q) })
}

// Members implements store.Store.
func (s *Store) Members(ctx context.Context, app core.AppID, ch core.ChannelID, users []core.UserID, limit, offset int) ([]core.Member, error) {
	return ask(s, func() ([]core.Member, error) { return s.Store.Members(ctx, app, ch, users, limit, offset) })
}

// FindMembers implements store.Store.
func (s *Store) FindMembers(ctx context.Context, app core.AppID, ch core.ChannelID, q store.Query) ([]core.Member, error) {
	return ask(s, func() ([]core.Member, error) { return s.Store.FindMembers(ctx, app, ch, q) })
}

// Memberships implements store.Store.
func (s *Store) Memberships(ctx context.Context, app core.AppID, user core.UserID, limit int) ([]core.Member, error) {
	return ask(s, func() ([]core.Member, error) { return s.Store.Memberships(ctx, app, user, limit) })
}

// Messages implements store.Store.
func (s *Store) Messages(ctx context.Context, app core.AppID, ids []core.MessageID) ([]core.Message, error) {
	return ask(s, func() ([]core.Message, error) { return s.Store.Messages(ctx, app, ids) })
}

// MessagesNamed implements store.Store.
func (s *Store) MessagesNamed(ctx context.Context, app core.AppID, names []string) ([]core.Message, error) {
	return ask(s, func() ([]core.Message, error) { return s.Store.MessagesNamed(ctx, app, names) })
}

// RangeMessages implements store.Store.
func (s *Store) RangeMessages(ctx context.Context, app core.AppID, r store.Range) ([]core.Message, error) {
	return ask(s, func() ([]core.Message, error) { return s.Store.RangeMessages(ctx, app, r) })
}

// FindMessages implements store.Store.
func (s *Store) FindMessages(ctx context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	return ask(s, func() ([]core.Message, error) { return s.Store.FindMessages(ctx, app, q) })
}

// FindThreads implements store.Store.
func (s *Store) FindThreads(ctx context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	return ask(s, func() ([]core.Message, error) { return s.Store.FindThreads(ctx, app, q) })
}

// LastSent implements store.Store.
func (s *Store) LastSent(ctx context.Context, app core.AppID, ch core.ChannelID, user core.UserID, since time.Time) (time.Time, error) {
	return ask(s, func() (time.Time, error) { return s.Store.LastSent(ctx, app, ch, user, since) })
}

// SeqAt implements store.Store.
func (s *Store) SeqAt(ctx context.Context, app core.AppID, ch core.ChannelID, t time.Time) (int64, error) {
	return ask(s, func() (int64, error) { return s.Store.SeqAt(ctx, app, ch, t) })
}

// LatestReactions implements store.Store.
func (s *Store) LatestReactions(ctx context.Context, app core.AppID, ids []core.MessageID, n int) ([]core.Reaction, error) {
	return ask(s, func() ([]core.Reaction, error) { return s.Store.LatestReactions(ctx, app, ids, n) })
}

// UserReactions implements store.Store.
func (s *Store) UserReactions(ctx context.Context, app core.AppID, ids []core.MessageID, user core.UserID) ([]core.Reaction, error) {
	return ask(s, func() ([]core.Reaction, error) { return s.Store.UserReactions(ctx, app, ids, user) })
}

// FindReactions implements store.Store.
func (s *Store) FindReactions(ctx context.Context, app core.AppID, msg core.MessageID, q store.Query) ([]core.Reaction, error) {
	return ask(s, func() ([]core.Reaction, error) { return s.Store.FindReactions(ctx, app, msg, q) })
}

// Unread implements store.Store.
func (s *Store) Unread(ctx context.Context, app core.AppID, user core.UserID, chs []core.ChannelID) ([]store.UnreadRow, error) {
	return ask(s, func() ([]store.UnreadRow, error) { return s.Store.Unread(ctx, app, user, chs) })
}

// Events implements store.Store.
func (s *Store) Events(ctx context.Context, app core.AppID, ch core.ChannelID, after int64, since time.Time, limit int) ([]store.EventRow, error) {
	return ask(s, func() ([]store.EventRow, error) { return s.Store.Events(ctx, app, ch, after, since, limit) })
}

// Outbox implements store.Store.
func (s *Store) Outbox(ctx context.Context, limit int) ([]store.OutboxRow, error) {
	return ask(s, func() ([]store.OutboxRow, error) { return s.Store.Outbox(ctx, limit) })
}

// Feed implements store.Store.
func (s *Store) Feed(ctx context.Context, app core.AppID, q store.FeedQuery) ([]store.EventRow, error) {
	return ask(s, func() ([]store.EventRow, error) { return s.Store.Feed(ctx, app, q) })
}

// FeedHeads implements store.Store.
func (s *Store) FeedHeads(ctx context.Context, app core.AppID, user core.UserID, after core.Stamp) ([]store.FeedHead, error) {
	return ask(s, func() ([]store.FeedHead, error) { return s.Store.FeedHeads(ctx, app, user, after) })
}

// Record implements store.Store.
func (s *Store) Record(ctx context.Context, app core.AppID, space, key string) ([]byte, error) {
	return ask(s, func() ([]byte, error) { return s.Store.Record(ctx, app, space, key) })
}

// Records implements store.Store.
func (s *Store) Records(ctx context.Context, app core.AppID, space, prefix, after string, desc bool, limit int) ([]store.Record, error) {
	return ask(s, func() ([]store.Record, error) { return s.Store.Records(ctx, app, space, prefix, after, desc, limit) })
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, app core.AppID, ch core.ChannelID, fn func(store.Tx) error, committed func()) error {
	return s.do(Update, func() error { return s.Store.Update(ctx, app, ch, fn, committed) })
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, in *store.Append, committed func()) error {
	return s.do(Append, func() error { return s.Store.Append(ctx, in, committed) })
}

// Ping implements store.Store: while the breaker is open the database is not ready.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(Other, func() error { return s.Store.Ping(ctx) })
}
