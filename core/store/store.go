// Package store is what the core asks of a database. A driver (sqlite, later postgres) implements
// Store; package storetest holds the suite every driver must pass.
//
// Reads may run in parallel. Writes are functions over a Tx: a driver queues them and commits many
// in one transaction (group commit); a write is answered only after its commit is durable. Writes
// that touch one channel are applied in the order of their commit, which is the order of Seq and Ev.
package store

import (
	"context"
	"errors"
	"time"

	"dragoman/core"
)

// ErrNotFound is returned by reads of one thing that is not there.
var ErrNotFound = errors.New("store: not found")

// ErrUnavailable is wrapped by every error that means the database cannot be reached, is full or
// too slow, or the store is closed: the caller may try again later and nothing was written, unless
// the error also wraps ErrUnknownOutcome.
var ErrUnavailable = errors.New("store: unavailable")

// ErrUnknownOutcome is wrapped when a commit was sent and its answer was lost.
var ErrUnknownOutcome = errors.New("store: outcome unknown")

// ErrBadFilter is wrapped when a filter or a sort names a field or uses an operator that the noun
// does not have.
var ErrBadFilter = errors.New("store: filter not supported")

// Store is a database of chats.
type Store interface {
	Reader
	// Update runs fn in a transaction, alone or together with other updates. fn may run more than
	// once and must start afresh each time; if it returns an error nothing of it is kept and Update
	// returns that error. committed, if not nil, runs after the commit and before Update returns:
	// in commit order, one at a time per channel; it must not block and must not call the store.
	// ch is the channel whose order matters, or 0.
	Update(ctx context.Context, app core.AppID, ch core.ChannelID, fn func(Tx) error, committed func()) error
	// Append stores one message: the fast path of Update for the one write that matters most.
	// The outcome is written into in. committed is as for Update.
	Append(ctx context.Context, in *Append, committed func()) error
	// Indexed waits until full text search knows everything committed before the call.
	Indexed(ctx context.Context) error
	// Ping returns nil when a write would be accepted.
	Ping(ctx context.Context) error
	// Close waits for queued writes and closes the database.
	Close() error
}

// Append is one message to store and what goes with it, all in one transaction.
type Append struct {
	Message      *core.Message // ID, Seq are assigned (ID is kept if set); Channel, User, CreatedAt are required
	App          core.AppID
	Event        EventRow // Kind MessageSent; Ev is assigned
	Outbox       bool     // also queue the event for hooks
	MoveRead     bool     // move the author's own read position to this message, if a member
	Unhide       bool     // put the channel back on the lists of members who hid it
	QuietChannel bool     // do not move the channel's LastMessageAt
	Timely       bool     // CreatedAt is the moment of writing, which may not lie before LastMessageAt: see Settle

	// Outcome.
	Duplicate bool          // a message with this alias exists: Message is that one, nothing was written
	Parent    *core.Message // the parent after its reply count moved, for thread replies
	Channel   core.Channel  // counters after the append (LastSeq, LastEv, LastMessageAt, MessageCount)
}

// Settle raises the times of a message that waited for its turn, or comes from a node whose clock is
// behind, to that of the channel's last one: many clients put messages in the order of their times, and
// go on from a time when they page. Drivers call it when they number the message.
func (a *Append) Settle(last time.Time) {
	m := a.Message
	if !a.Timely || !m.CreatedAt.Before(last) {
		return
	}
	if m.UpdatedAt.Equal(m.CreatedAt) {
		m.UpdatedAt = last
	}
	if a.Event.At.Equal(m.CreatedAt) {
		a.Event.At = last
	}
	m.CreatedAt = last
}

// EventRow is a stored event. Payload holds what the engine needs to rebuild it beside the message.
type EventRow struct {
	Channel core.ChannelID
	Ev      int64
	Stamp   core.Stamp // assigned; rises in the order of commit over all channels
	Kind    core.EventKind
	At      time.Time
	Actor   core.UserID
	Message core.MessageID
	Payload []byte // JSON, nil for plain message events
}

// OutboxRow is an event waiting for its hooks. Rows of one app are read in commit order.
type OutboxRow struct {
	ID      int64
	App     core.AppID
	Event   EventRow // of a channel; Ev 0 when Payload alone carries the event
	Payload []byte   // the whole event as JSON, for events that are not stored
}

// FeedQuery selects what happened after a stamp in the channels of a person, from their joining on,
// and in their box.
type FeedQuery struct {
	User    core.UserID
	Channel core.ChannelID // this one alone; 0 means all of them
	Own     bool           // the box alone
	After   core.Stamp
	Limit   int
}

// FeedHead is the newest stamp of a channel, or of a person's box where Channel is 0.
type FeedHead struct {
	Channel core.ChannelID
	Last    core.Stamp
}

// Record is one value of a named collection ("space"): the home of nouns that are read by key or
// by prefix and need no SQL of their own. Keys sort bytewise; parts are joined by "\x00".
type Record struct {
	Key   string
	Value []byte // JSON
}

// Reader reads. All lists are bounded by their limit, at most 1,000 unless said otherwise.
type Reader interface {
	Apps(ctx context.Context) ([]core.App, error)

	Users(ctx context.Context, app core.AppID, ids []core.UserID) ([]core.User, error)
	FindUsers(ctx context.Context, app core.AppID, q Query) ([]core.User, error)

	// Channel reads by key or, for a key that spells a number and is nobody's, by AliasNo.
	Channel(ctx context.Context, app core.AppID, key core.ChannelKey) (core.Channel, error)
	Channels(ctx context.Context, app core.AppID, ids []core.ChannelID) ([]core.Channel, error)
	FindChannels(ctx context.Context, app core.AppID, q Query) ([]core.Channel, error)

	// Members reads the memberships of users, or of everyone when users is nil (up to limit).
	Members(ctx context.Context, app core.AppID, ch core.ChannelID, users []core.UserID, limit, offset int) ([]core.Member, error)
	FindMembers(ctx context.Context, app core.AppID, ch core.ChannelID, q Query) ([]core.Member, error)
	// Memberships reads the channels a person is in, most recent message first (at most 10,000).
	Memberships(ctx context.Context, app core.AppID, user core.UserID, limit int) ([]core.Member, error)

	Messages(ctx context.Context, app core.AppID, ids []core.MessageID) ([]core.Message, error)
	// MessagesNamed reads by alias or, for names that are no alias, by decimal id.
	MessagesNamed(ctx context.Context, app core.AppID, names []string) ([]core.Message, error)
	RangeMessages(ctx context.Context, app core.AppID, r Range) ([]core.Message, error)
	FindMessages(ctx context.Context, app core.AppID, q Query) ([]core.Message, error)
	// FindThreads returns parent messages that have replies, by q.Viewer's participation when set.
	FindThreads(ctx context.Context, app core.AppID, q Query) ([]core.Message, error)
	// LastSent returns when the user last sent a message to the channel since a time, or zero.
	LastSent(ctx context.Context, app core.AppID, ch core.ChannelID, user core.UserID, since time.Time) (time.Time, error)
	// SeqAt returns the highest Seq of a message created at or before t, or 0.
	SeqAt(ctx context.Context, app core.AppID, ch core.ChannelID, t time.Time) (int64, error)

	// LatestReactions reads the newest reactions of each message, at most n of each.
	LatestReactions(ctx context.Context, app core.AppID, ids []core.MessageID, n int) ([]core.Reaction, error)
	UserReactions(ctx context.Context, app core.AppID, ids []core.MessageID, user core.UserID) ([]core.Reaction, error)
	FindReactions(ctx context.Context, app core.AppID, msg core.MessageID, q Query) ([]core.Reaction, error)

	// Unread counts, per channel, the countable messages of others after the read position, up to
	// core.UnreadCap; channels without any are left out. Empty chs means all of the person's.
	Unread(ctx context.Context, app core.AppID, user core.UserID, chs []core.ChannelID) ([]UnreadRow, error)

	// Events reads stored events with Ev above after and not before since, oldest first. Events of
	// messages removed for good may be missing.
	Events(ctx context.Context, app core.AppID, ch core.ChannelID, after int64, since time.Time, limit int) ([]EventRow, error)
	// Outbox reads rows waiting for hooks, oldest first. The event of a message removed for good
	// meanwhile still names it.
	Outbox(ctx context.Context, limit int) ([]OutboxRow, error)

	// Feed reads by rising stamp, as of one moment: no row below the last one read appears later.
	// Rows of the box have Channel 0 and the whole event as their Payload.
	Feed(ctx context.Context, app core.AppID, q FeedQuery) ([]EventRow, error)
	// FeedHeads reads what has a stamp above after: the box first, then channels (at most 10,000).
	FeedHeads(ctx context.Context, app core.AppID, user core.UserID, after core.Stamp) ([]FeedHead, error)

	Record(ctx context.Context, app core.AppID, space, key string) ([]byte, error)
	// Records reads keys that start with prefix and sort above after, ascending, or below it and
	// descending with desc.
	Records(ctx context.Context, app core.AppID, space, prefix, after string, desc bool, limit int) ([]Record, error)
}

// Tx reads its own writes and writes. Counters of a channel (LastSeq, LastEv, MemberCount,
// MessageCount, LastMessageAt) are kept by the Tx itself; PutChannel leaves them alone.
type Tx interface {
	Reader

	// PutApp inserts (ID 0, by unique name) or updates an app.
	PutApp(a *core.App) error
	PutUser(app core.AppID, u *core.User) error
	DeleteUser(app core.AppID, id core.UserID) error
	// PutChannel inserts (ID 0) or updates a channel.
	PutChannel(app core.AppID, c *core.Channel) error
	// DeleteChannel removes a channel and everything in it.
	DeleteChannel(app core.AppID, ch core.ChannelID) error
	PutMember(app core.AppID, m *core.Member) error
	DeleteMember(app core.AppID, ch core.ChannelID, user core.UserID) error
	// InsertMessage assigns Seq (and ID if 0) and moves the counters of the channel and, for a reply,
	// of its thread. The existing message is returned if the alias is taken.
	InsertMessage(app core.AppID, m *core.Message) (existing *core.Message, err error)
	// PutMessage updates an existing message by Channel and Seq.
	PutMessage(app core.AppID, m *core.Message) error
	// DeleteMessages removes for good the messages of a channel with from <= Seq <= to (0 means to
	// the end), of one user unless empty, with their reactions; their threads count fewer replies.
	DeleteMessages(app core.AppID, ch core.ChannelID, from, to int64, user core.UserID) error
	// BuryMessages turns them into tombstones instead.
	BuryMessages(app core.AppID, ch core.ChannelID, from, to int64, user core.UserID, at time.Time) error
	PutReaction(app core.AppID, ch core.ChannelID, r *core.Reaction) error
	DeleteReaction(app core.AppID, msg core.MessageID, typ string, user core.UserID) error
	// AppendEvent assigns Ev and Stamp.
	AppendEvent(app core.AppID, e *EventRow, outbox bool) error
	// AppendOutbox queues an event that is not stored.
	AppendOutbox(app core.AppID, payload []byte) error
	// NextStamp gives out the stamp of an event that belongs to no channel's log.
	NextStamp() core.Stamp
	// AppendBox puts a whole event into people's boxes, under its stamp.
	AppendBox(app core.AppID, users []core.UserID, stamp core.Stamp, payload []byte) error
	// TrimBox removes what a person's box holds up to a stamp.
	TrimBox(app core.AppID, user core.UserID, upTo core.Stamp) error
	DeleteOutbox(ids []int64) error
	PutRecord(app core.AppID, space, key string, value []byte) error
	DeleteRecord(app core.AppID, space, key string) error
	// UserChannels lists the ids of channels in which the user has messages.
	UserChannels(app core.AppID, user core.UserID) ([]core.ChannelID, error)
}

// Query is a filtered, sorted list. Sorting always ends with the primary key, so that order is total.
type Query struct {
	Filter   core.Filter
	Sort     []core.Sort
	Limit    int
	Offset   int
	After    string           // cursor of an earlier page of the same filter and sort; Offset is then 0
	Next     *string          // if set, receives the cursor of the next page, empty at the end
	Viewer   core.UserID      // the person whose memberships joined, hidden, muted, … speak of
	Deleted  bool             // include deactivated or deleted rows
	Text     string           // full text query (FindMessages): every word must occur, the last may be a beginning; sorts by "relevance" too
	Channels []core.ChannelID // FindMessages: only in these; nil means all
}

// Range selects messages of a channel by Seq.
type Range struct {
	Channel core.ChannelID
	Parent  core.MessageID // replies of this message; 0 means what the channel shows itself
	Above   int64          // Seq above, exclusive; 0 means from the start
	Below   int64          // Seq below, exclusive; 0 means to the end
	Newest  bool           // take the newest that fit instead of the oldest; the answer is oldest first either way
	Pinned  bool           // only pinned ones
	All     bool           // channel messages and thread replies alike
	Limit   int
	Offset  int
	Viewer  core.UserID // sees their own shadowed messages and those restricted to them
	Hidden  bool        // include shadowed and restricted messages of everyone (servers)
}

// UnreadRow is a person's unread state of one channel.
type UnreadRow struct {
	Channel core.ChannelID
	Count   int
	ReadAt  time.Time
	ReadSeq int64
	Muted   bool
	Ev      int64 // number of the channel's last event that the count knows of
}
