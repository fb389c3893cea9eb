package sqlite

import (
	"context"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// The methods of store.Reader, twice: on the Store they take a reading connection, on a session
// (a transaction) they read where they are.

// Apps implements store.Reader.
func (s *Store) Apps(ctx context.Context) ([]core.App, error) {
	return read(ctx, s, func(r *session) ([]core.App, error) { return r.apps() })
}

// Apps implements store.Reader.
func (r *session) Apps(context.Context) ([]core.App, error) { return r.apps() }

// Users implements store.Reader.
func (s *Store) Users(ctx context.Context, app core.AppID, ids []core.UserID) ([]core.User, error) {
	return read(ctx, s, func(r *session) ([]core.User, error) { return r.users(app, ids) })
}

// Users implements store.Reader.
func (r *session) Users(_ context.Context, app core.AppID, ids []core.UserID) ([]core.User, error) {
	return r.users(app, ids)
}

// FindUsers implements store.Reader.
func (s *Store) FindUsers(ctx context.Context, app core.AppID, q store.Query) ([]core.User, error) {
	return readLong(ctx, s, func(r *session) ([]core.User, error) { return r.findUsers(app, q) })
}

// FindUsers implements store.Reader.
func (r *session) FindUsers(_ context.Context, app core.AppID, q store.Query) ([]core.User, error) {
	return r.findUsers(app, q)
}

// Channel implements store.Reader.
func (s *Store) Channel(ctx context.Context, app core.AppID, key core.ChannelKey) (core.Channel, error) {
	return read(ctx, s, func(r *session) (core.Channel, error) { return r.channel(app, key) })
}

// Channel implements store.Reader.
func (r *session) Channel(_ context.Context, app core.AppID, key core.ChannelKey) (core.Channel, error) {
	return r.channel(app, key)
}

// Channels implements store.Reader.
func (s *Store) Channels(ctx context.Context, app core.AppID, ids []core.ChannelID) ([]core.Channel, error) {
	return read(ctx, s, func(r *session) ([]core.Channel, error) { return r.channels(app, ids) })
}

// Channels implements store.Reader.
func (r *session) Channels(_ context.Context, app core.AppID, ids []core.ChannelID) ([]core.Channel, error) {
	return r.channels(app, ids)
}

// FindChannels implements store.Reader.
func (s *Store) FindChannels(ctx context.Context, app core.AppID, q store.Query) ([]core.Channel, error) {
	return readLong(ctx, s, func(r *session) ([]core.Channel, error) { return r.findChannels(app, q) })
}

// FindChannels implements store.Reader.
func (r *session) FindChannels(_ context.Context, app core.AppID, q store.Query) ([]core.Channel, error) {
	return r.findChannels(app, q)
}

// Members implements store.Reader.
func (s *Store) Members(ctx context.Context, app core.AppID, ch core.ChannelID, users []core.UserID, limit, offset int) ([]core.Member, error) {
	return read(ctx, s, func(r *session) ([]core.Member, error) { return r.members(app, ch, users, limit, offset) })
}

// Members implements store.Reader.
func (r *session) Members(_ context.Context, app core.AppID, ch core.ChannelID, users []core.UserID, limit, offset int) ([]core.Member, error) {
	return r.members(app, ch, users, limit, offset)
}

// FindMembers implements store.Reader.
func (s *Store) FindMembers(ctx context.Context, app core.AppID, ch core.ChannelID, q store.Query) ([]core.Member, error) {
	return readLong(ctx, s, func(r *session) ([]core.Member, error) { return r.findMembers(app, ch, q) })
}

// FindMembers implements store.Reader.
func (r *session) FindMembers(_ context.Context, app core.AppID, ch core.ChannelID, q store.Query) ([]core.Member, error) {
	return r.findMembers(app, ch, q)
}

// Memberships implements store.Reader.
func (s *Store) Memberships(ctx context.Context, app core.AppID, user core.UserID, limit int) ([]core.Member, error) {
	return read(ctx, s, func(r *session) ([]core.Member, error) { return r.memberships(app, user, limit) })
}

// Memberships implements store.Reader.
func (r *session) Memberships(_ context.Context, app core.AppID, user core.UserID, limit int) ([]core.Member, error) {
	return r.memberships(app, user, limit)
}

// Messages implements store.Reader.
func (s *Store) Messages(ctx context.Context, app core.AppID, ids []core.MessageID) ([]core.Message, error) {
	return read(ctx, s, func(r *session) ([]core.Message, error) { return r.messages(app, ids) })
}

// Messages implements store.Reader.
func (r *session) Messages(_ context.Context, app core.AppID, ids []core.MessageID) ([]core.Message, error) {
	return r.messages(app, ids)
}

// MessagesNamed implements store.Reader.
func (s *Store) MessagesNamed(ctx context.Context, app core.AppID, names []string) ([]core.Message, error) {
	return read(ctx, s, func(r *session) ([]core.Message, error) { return r.messagesNamed(app, names) })
}

// MessagesNamed implements store.Reader.
func (r *session) MessagesNamed(_ context.Context, app core.AppID, names []string) ([]core.Message, error) {
	return r.messagesNamed(app, names)
}

// RangeMessages implements store.Reader.
func (s *Store) RangeMessages(ctx context.Context, app core.AppID, q store.Range) ([]core.Message, error) {
	return read(ctx, s, func(r *session) ([]core.Message, error) { return r.rangeMessages(app, q) })
}

// RangeMessages implements store.Reader.
func (r *session) RangeMessages(_ context.Context, app core.AppID, q store.Range) ([]core.Message, error) {
	return r.rangeMessages(app, q)
}

// FindMessages implements store.Reader.
func (s *Store) FindMessages(ctx context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	return readLong(ctx, s, func(r *session) ([]core.Message, error) { return r.findMessages(app, q) })
}

// FindMessages implements store.Reader.
func (r *session) FindMessages(_ context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	return r.findMessages(app, q)
}

// FindThreads implements store.Reader.
func (s *Store) FindThreads(ctx context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	return readLong(ctx, s, func(r *session) ([]core.Message, error) { return r.findThreads(app, q) })
}

// FindThreads implements store.Reader.
func (r *session) FindThreads(_ context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	return r.findThreads(app, q)
}

// LastSent implements store.Reader.
func (s *Store) LastSent(ctx context.Context, app core.AppID, ch core.ChannelID, user core.UserID, since time.Time) (time.Time, error) {
	return read(ctx, s, func(r *session) (time.Time, error) { return r.lastSent(app, ch, user, since) })
}

// LastSent implements store.Reader.
func (r *session) LastSent(_ context.Context, app core.AppID, ch core.ChannelID, user core.UserID, since time.Time) (time.Time, error) {
	return r.lastSent(app, ch, user, since)
}

// SeqAt implements store.Reader.
func (s *Store) SeqAt(ctx context.Context, app core.AppID, ch core.ChannelID, t time.Time) (int64, error) {
	return read(ctx, s, func(r *session) (int64, error) { return r.seqAt(app, ch, t) })
}

// SeqAt implements store.Reader.
func (r *session) SeqAt(_ context.Context, app core.AppID, ch core.ChannelID, t time.Time) (int64, error) {
	return r.seqAt(app, ch, t)
}

// LatestReactions implements store.Reader.
func (s *Store) LatestReactions(ctx context.Context, app core.AppID, ids []core.MessageID, n int) ([]core.Reaction, error) {
	return read(ctx, s, func(r *session) ([]core.Reaction, error) { return r.latestReactions(app, ids, n) })
}

// LatestReactions implements store.Reader.
func (r *session) LatestReactions(_ context.Context, app core.AppID, ids []core.MessageID, n int) ([]core.Reaction, error) {
	return r.latestReactions(app, ids, n)
}

// UserReactions implements store.Reader.
func (s *Store) UserReactions(ctx context.Context, app core.AppID, ids []core.MessageID, user core.UserID) ([]core.Reaction, error) {
	return read(ctx, s, func(r *session) ([]core.Reaction, error) { return r.userReactions(app, ids, user) })
}

// UserReactions implements store.Reader.
func (r *session) UserReactions(_ context.Context, app core.AppID, ids []core.MessageID, user core.UserID) ([]core.Reaction, error) {
	return r.userReactions(app, ids, user)
}

// FindReactions implements store.Reader.
func (s *Store) FindReactions(ctx context.Context, app core.AppID, msg core.MessageID, q store.Query) ([]core.Reaction, error) {
	return readLong(ctx, s, func(r *session) ([]core.Reaction, error) { return r.findReactions(app, msg, q) })
}

// FindReactions implements store.Reader.
func (r *session) FindReactions(_ context.Context, app core.AppID, msg core.MessageID, q store.Query) ([]core.Reaction, error) {
	return r.findReactions(app, msg, q)
}

// Unread implements store.Reader.
func (s *Store) Unread(ctx context.Context, app core.AppID, user core.UserID, chs []core.ChannelID) ([]store.UnreadRow, error) {
	return read(ctx, s, func(r *session) ([]store.UnreadRow, error) { return r.unread(app, user, chs) })
}

// Unread implements store.Reader.
func (r *session) Unread(_ context.Context, app core.AppID, user core.UserID, chs []core.ChannelID) ([]store.UnreadRow, error) {
	return r.unread(app, user, chs)
}

// Events implements store.Reader.
func (s *Store) Events(ctx context.Context, app core.AppID, ch core.ChannelID, after int64, since time.Time, limit int) ([]store.EventRow, error) {
	return read(ctx, s, func(r *session) ([]store.EventRow, error) { return r.events(app, ch, after, since, limit) })
}

// Events implements store.Reader.
func (r *session) Events(_ context.Context, app core.AppID, ch core.ChannelID, after int64, since time.Time, limit int) ([]store.EventRow, error) {
	return r.events(app, ch, after, since, limit)
}

// Outbox implements store.Reader.
func (s *Store) Outbox(ctx context.Context, limit int) ([]store.OutboxRow, error) {
	return read(ctx, s, func(r *session) ([]store.OutboxRow, error) { return r.outbox(limit) })
}

// Outbox implements store.Reader.
func (r *session) Outbox(_ context.Context, limit int) ([]store.OutboxRow, error) {
	return r.outbox(limit)
}

// Feed implements store.Reader.
func (s *Store) Feed(ctx context.Context, app core.AppID, q store.FeedQuery) ([]store.EventRow, error) {
	return read(ctx, s, func(r *session) ([]store.EventRow, error) { return r.feed(app, q) })
}

// Feed implements store.Reader.
func (r *session) Feed(_ context.Context, app core.AppID, q store.FeedQuery) ([]store.EventRow, error) {
	return r.feed(app, q)
}

// FeedHeads implements store.Reader.
func (s *Store) FeedHeads(ctx context.Context, app core.AppID, user core.UserID, after core.Stamp) ([]store.FeedHead, error) {
	return read(ctx, s, func(r *session) ([]store.FeedHead, error) { return r.feedHeads(app, user, after) })
}

// FeedHeads implements store.Reader.
func (r *session) FeedHeads(_ context.Context, app core.AppID, user core.UserID, after core.Stamp) ([]store.FeedHead, error) {
	return r.feedHeads(app, user, after)
}

// Record implements store.Reader.
func (s *Store) Record(ctx context.Context, app core.AppID, space, key string) ([]byte, error) {
	return read(ctx, s, func(r *session) ([]byte, error) { return r.record(app, space, key) })
}

// Record implements store.Reader.
func (r *session) Record(_ context.Context, app core.AppID, space, key string) ([]byte, error) {
	return r.record(app, space, key)
}

// Records implements store.Reader.
func (s *Store) Records(ctx context.Context, app core.AppID, space, prefix, after string, desc bool, limit int) ([]store.Record, error) {
	return read(ctx, s, func(r *session) ([]store.Record, error) { return r.records(app, space, prefix, after, desc, limit) })
}

// Records implements store.Reader.
func (r *session) Records(_ context.Context, app core.AppID, space, prefix, after string, desc bool, limit int) ([]store.Record, error) {
	return r.records(app, space, prefix, after, desc, limit)
}

// readLong is read for queries whose cost the caller decides: the end of ctx interrupts them.
func readLong[T any](ctx context.Context, s *Store, fn func(*session) (T, error)) (T, error) {
	return read(ctx, s, func(r *session) (T, error) { return interrupted(ctx, r, func() (T, error) { return fn(r) }) })
}
