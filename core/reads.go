package core

import (
	"context"
	"time"
)

// MarkRead moves the actor's read position: to Message, or to the end. With Thread it moves the
// position in that thread instead.
type MarkRead struct {
	Key     ChannelKey
	Message string
	Thread  string
}

// MarkedRead is the reader's new state, told to the channel as an event.
type MarkedRead struct {
	Event  *Event
	Counts Counts
}

// MarkUnread moves the read position to just before Message (or the first message at or after At).
type MarkUnread struct {
	Key     ChannelKey
	Message string
	Thread  string
	At      time.Time
}

// MarkAllRead moves several read positions to the end; empty means all channels of the actor.
type MarkAllRead struct{ Keys map[ChannelKey]string }

// MarkDelivered tells that messages reached a device of the actor.
type MarkDelivered struct{ Latest []DeliveredUpTo }

// DeliveredUpTo is the newest message of a channel that reached a device.
type DeliveredUpTo struct {
	Key     ChannelKey
	Message string
}

// ListReceipts asks who has got and read a message.
type ListReceipts struct{ Message string }

// Receipt tells how far a message came with one person. The times are those of the person's
// positions: at or after the moment itself, zero when they have not come that far.
type Receipt struct {
	User        User
	DeliveredAt time.Time
	ReadAt      time.Time
}

// Receipts is how far a message came with the members of its channel, without its author. All the
// counters are of the first 300 members.
type Receipts struct {
	Message        Message
	Receipts       []Receipt // of those it has reached
	Others         int       // members beside the author
	DeliveredToAll bool
	ReadByAll      bool
}

// Counts are a person's unread totals over all channels that are not muted.
type Counts struct {
	Messages int // unread messages
	Channels int // channels with any
	Threads  int // threads with any
	Channel  int // unread messages of the channel at hand, where there is one
}

// GetUnread reads unread counts in detail; at most 100 channels and 100 threads.
type GetUnread struct{ User UserID }

// Unread is a person's unread state.
type Unread struct {
	Counts   Counts
	Channels []UnreadChannel
	Threads  []UnreadThread
}

// UnreadChannel is one channel with unread messages.
type UnreadChannel struct {
	Key      ChannelKey
	Type     string
	Count    int
	LastRead time.Time
}

// UnreadThread is one thread with unread replies.
type UnreadThread struct {
	Parent      MessageID
	ParentAlias string
	Count       int
	LastRead    time.Time
	LastReadID  MessageID
}

// Reads is read and delivered state.
type Reads interface {
	Mark(ctx context.Context, by Actor, in MarkRead) (MarkedRead, error)
	Unmark(ctx context.Context, by Actor, in MarkUnread) (MarkedRead, error)
	MarkAll(ctx context.Context, by Actor, in MarkAllRead) (MarkedRead, error)
	Delivered(ctx context.Context, by Actor, in MarkDelivered) (Counts, error)
	Unread(ctx context.Context, by Actor, in GetUnread) (Unread, error)
	// Receipts is for members of the channel and servers; message.access_denied otherwise.
	Receipts(ctx context.Context, by Actor, in ListReceipts) (Receipts, error)
}
