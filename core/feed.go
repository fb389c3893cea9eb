package core

import (
	"context"
	"slices"
	"time"
)

// Stamp is the place of a stored event among all of its app, over all channels and people: later
// commits have higher stamps. It is below 2^53, shares its numbers with MessageID, and the stamp of
// a MessageSent is the id of its message. Clients hold it as an opaque cursor; 0 is before everything.
type Stamp int64

// stampBits is what a stamp has below its milliseconds: node and counter.
const stampBits = 12

// stampEpoch is where the milliseconds of stamps and message ids start. 41 bits last until 2094.
var stampEpoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// StampAt returns the lowest stamp an event of that moment can have, 0 for times before 2025.
func StampAt(t time.Time) Stamp {
	if t.IsZero() {
		return 0
	}
	return Stamp(max(t.UnixMilli()-stampEpoch, 0) << stampBits)
}

// Time is the moment a stamp was given out, in milliseconds.
func (s Stamp) Time() time.Time { return time.UnixMilli(int64(s)>>stampBits + stampEpoch).UTC() }

// FeedAge is how far back a feed reaches for people and devices that were never there.
const FeedAge = 7 * 24 * time.Hour

// PullFeed reads what happened after a stamp, oldest first: in all channels the actor is a member of
// and in their own box; with Channel in that one alone; with Own in the box alone. The box holds what
// concerns one person and no channel of theirs tells: removal, the end of a channel, friendship.
// A channel is read from the actor's joining on. Limit is at most 500, default 100.
type PullFeed struct {
	Channel ChannelKey
	Own     bool
	After   Stamp
	Limit   int
}

// FeedPage is a part of a feed. Last is the stamp to go on from: that of the last event read, even
// when it is not among Events because it does not concern the actor.
type FeedPage struct {
	Events []*Event
	Last   Stamp
	More   bool
}

// FeedQueue is a part of a feed in which something waits for a device. Channel is nil for the box.
type FeedQueue struct {
	Channel *Channel
	After   Stamp // how far the device has come
	Last    Stamp // stamp of the newest event
}

// PendingFeed asks which queues hold something a device of the actor has not acknowledged, at most
// 1,000. A device that was never there starts where the person's other devices have come to, and the
// first one of a person at most FeedAge back.
type PendingFeed struct {
	Device string
}

// AckFeed notes that a device has everything up to a stamp: of a channel, or with an empty Key of the
// box (or, for dialects with one cursor for all, of the whole feed). It never moves back. What is
// acknowledged is kept within a second; after a crash a device may be told again what it had.
type AckFeed struct {
	Device string
	Key    ChannelKey
	Stamp  Stamp
}

// GetCursor asks how far a device has come; see AckFeed and PendingFeed.
type GetCursor struct {
	Device string
	Key    ChannelKey
}

// Feeds is catching up for dialects whose SDKs pull what they missed by a cursor.
type Feeds interface {
	Pull(ctx context.Context, by Actor, in PullFeed) (FeedPage, error)
	Pending(ctx context.Context, by Actor, in PendingFeed) ([]FeedQueue, error)
	Ack(ctx context.Context, by Actor, in AckFeed) error
	Cursor(ctx context.Context, by Actor, in GetCursor) (Stamp, error)
}

// InBox tells whether the event reaches a person through their own box rather than a channel.
func (e *Event) InBox(u UserID) bool { return slices.Contains(e.Box, u) }
