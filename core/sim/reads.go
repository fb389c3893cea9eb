package sim

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// Apps implements store.Store.
func (l *line) Apps(ctx context.Context) ([]core.App, error) {
	return ask(ctx, l, "Apps", "", func() ([]core.App, error) { return l.Store.Apps(ctx) })
}

// Users implements store.Store.
func (l *line) Users(ctx context.Context, app core.AppID, ids []core.UserID) ([]core.User, error) {
	return ask(ctx, l, "Users", keysOf(ids), func() ([]core.User, error) { return l.Store.Users(ctx, app, ids) })
}

// FindUsers implements store.Store.
func (l *line) FindUsers(ctx context.Context, app core.AppID, q store.Query) ([]core.User, error) {
	return ask(ctx, l, "FindUsers", "", func() ([]core.User, error) { return l.Store.FindUsers(ctx, app, q) })
}

// Channel implements store.Store.
func (l *line) Channel(ctx context.Context, app core.AppID, key core.ChannelKey) (core.Channel, error) {
	return ask(ctx, l, "Channel", string(key), func() (core.Channel, error) { return l.Store.Channel(ctx, app, key) })
}

// Channels implements store.Store.
func (l *line) Channels(ctx context.Context, app core.AppID, ids []core.ChannelID) ([]core.Channel, error) {
	return ask(ctx, l, "Channels", keysOf(ids), func() ([]core.Channel, error) { return l.Store.Channels(ctx, app, ids) })
}

// FindChannels implements store.Store.
func (l *line) FindChannels(ctx context.Context, app core.AppID, q store.Query) ([]core.Channel, error) {
	return ask(ctx, l, "FindChannels", "", func() ([]core.Channel, error) { return l.Store.FindChannels(ctx, app, q) })
}

// Members implements store.Store.
func (l *line) Members(ctx context.Context, app core.AppID, ch core.ChannelID, users []core.UserID, limit, offset int) ([]core.Member, error) {
	return ask(ctx, l, "Members", strconv.Itoa(int(ch)), func() ([]core.Member, error) { return l.Store.Members(ctx, app, ch, users, limit, offset) })
}

// FindMembers implements store.Store.
func (l *line) FindMembers(ctx context.Context, app core.AppID, ch core.ChannelID, q store.Query) ([]core.Member, error) {
	return ask(ctx, l, "FindMembers", strconv.Itoa(int(ch)), func() ([]core.Member, error) { return l.Store.FindMembers(ctx, app, ch, q) })
}

// Memberships implements store.Store.
func (l *line) Memberships(ctx context.Context, app core.AppID, user core.UserID, limit int) ([]core.Member, error) {
	return ask(ctx, l, "Memberships", string(user), func() ([]core.Member, error) { return l.Store.Memberships(ctx, app, user, limit) })
}

// Messages implements store.Store.
func (l *line) Messages(ctx context.Context, app core.AppID, ids []core.MessageID) ([]core.Message, error) {
	return ask(ctx, l, "Messages", keysOf(ids), func() ([]core.Message, error) { return l.Store.Messages(ctx, app, ids) })
}

// MessagesNamed implements store.Store.
func (l *line) MessagesNamed(ctx context.Context, app core.AppID, names []string) ([]core.Message, error) {
	return ask(ctx, l, "MessagesNamed", keysOf(names), func() ([]core.Message, error) { return l.Store.MessagesNamed(ctx, app, names) })
}

// RangeMessages implements store.Store.
func (l *line) RangeMessages(ctx context.Context, app core.AppID, r store.Range) ([]core.Message, error) {
	return ask(ctx, l, "RangeMessages", strconv.Itoa(int(r.Channel)), func() ([]core.Message, error) { return l.Store.RangeMessages(ctx, app, r) })
}

// FindMessages implements store.Store.
func (l *line) FindMessages(ctx context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	return ask(ctx, l, "FindMessages", "", func() ([]core.Message, error) { return l.Store.FindMessages(ctx, app, q) })
}

// FindThreads implements store.Store.
func (l *line) FindThreads(ctx context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	return ask(ctx, l, "FindThreads", "", func() ([]core.Message, error) { return l.Store.FindThreads(ctx, app, q) })
}

// LastSent implements store.Store.
func (l *line) LastSent(ctx context.Context, app core.AppID, ch core.ChannelID, user core.UserID, since time.Time) (time.Time, error) {
	return ask(ctx, l, "LastSent", strconv.Itoa(int(ch)), func() (time.Time, error) { return l.Store.LastSent(ctx, app, ch, user, since) })
}

// SeqAt implements store.Store.
func (l *line) SeqAt(ctx context.Context, app core.AppID, ch core.ChannelID, t time.Time) (int64, error) {
	return ask(ctx, l, "SeqAt", strconv.Itoa(int(ch)), func() (int64, error) { return l.Store.SeqAt(ctx, app, ch, t) })
}

// LatestReactions implements store.Store.
func (l *line) LatestReactions(ctx context.Context, app core.AppID, ids []core.MessageID, n int) ([]core.Reaction, error) {
	return ask(ctx, l, "LatestReactions", keysOf(ids), func() ([]core.Reaction, error) { return l.Store.LatestReactions(ctx, app, ids, n) })
}

// UserReactions implements store.Store.
func (l *line) UserReactions(ctx context.Context, app core.AppID, ids []core.MessageID, user core.UserID) ([]core.Reaction, error) {
	return ask(ctx, l, "UserReactions", keysOf(ids), func() ([]core.Reaction, error) { return l.Store.UserReactions(ctx, app, ids, user) })
}

// FindReactions implements store.Store.
func (l *line) FindReactions(ctx context.Context, app core.AppID, msg core.MessageID, q store.Query) ([]core.Reaction, error) {
	return ask(ctx, l, "FindReactions", msg.String(), func() ([]core.Reaction, error) { return l.Store.FindReactions(ctx, app, msg, q) })
}

// Unread implements store.Store.
func (l *line) Unread(ctx context.Context, app core.AppID, user core.UserID, chs []core.ChannelID) ([]store.UnreadRow, error) {
	return ask(ctx, l, "Unread", string(user), func() ([]store.UnreadRow, error) { return l.Store.Unread(ctx, app, user, chs) })
}

// Events implements store.Store.
func (l *line) Events(ctx context.Context, app core.AppID, ch core.ChannelID, after int64, since time.Time, limit int) ([]store.EventRow, error) {
	return ask(ctx, l, "Events", strconv.Itoa(int(ch)), func() ([]store.EventRow, error) { return l.Store.Events(ctx, app, ch, after, since, limit) })
}

// Outbox implements store.Store.
func (l *line) Outbox(ctx context.Context, limit int) ([]store.OutboxRow, error) {
	return ask(ctx, l, "Outbox", "", func() ([]store.OutboxRow, error) { return l.Store.Outbox(ctx, limit) })
}

// Feed implements store.Store.
func (l *line) Feed(ctx context.Context, app core.AppID, q store.FeedQuery) ([]store.EventRow, error) {
	out, err := ask(ctx, l, "Feed", string(q.User), func() ([]store.EventRow, error) { return l.Store.Feed(ctx, app, q) })
	return l.w.plantFeed(q.User, out), err
}

// FeedHeads implements store.Store.
func (l *line) FeedHeads(ctx context.Context, app core.AppID, user core.UserID, after core.Stamp) ([]store.FeedHead, error) {
	return ask(ctx, l, "FeedHeads", string(user), func() ([]store.FeedHead, error) { return l.Store.FeedHeads(ctx, app, user, after) })
}

// Record implements store.Store.
func (l *line) Record(ctx context.Context, app core.AppID, space, key string) ([]byte, error) {
	return ask(ctx, l, "Record", space+"/"+key, func() ([]byte, error) { return l.Store.Record(ctx, app, space, key) })
}

// Records implements store.Store.
func (l *line) Records(ctx context.Context, app core.AppID, space, prefix, after string, desc bool, limit int) ([]store.Record, error) {
	return ask(ctx, l, "Records", space+"/"+prefix, func() ([]store.Record, error) { return l.Store.Records(ctx, app, space, prefix, after, desc, limit) })
}

// keysOf names many things whatever their order.
func keysOf[T any](all []T) string {
	var sum fate
	for _, k := range all {
		sum += fate(0).str(fmt.Sprint(k))
	}
	return strconv.FormatUint(uint64(sum), 36)
}
