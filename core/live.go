package core

import (
	"context"
	"time"
)

// Relation is why a connection is told of an event; several may hold.
type Relation uint8

// The relations.
const (
	AsWatcher  Relation = 1 << iota // watches the channel
	AsMember                        // is a member of the channel
	AsTarget                        // the event is addressed to the person (Event.To)
	AsPresence                      // follows the presence of Event.User
	AsEntered                       // entered the room on this very connection, see EnterRoom
)

// Delivery is one event for one connection.
type Delivery struct {
	Event *Event
	As    Relation
	// Counts are the receiver's unread totals after a MessageSent, for members of channels with at
	// most 100 members; nil otherwise.
	Counts *Counts
}

// Sink receives what a connection is told. It must not block and may be called from any goroutine,
// one call at a time, events of one channel in Ev order.
type Sink func(Delivery)

// Connect opens a live connection for the actor.
type Connect struct {
	Profile *User // new profile values to upsert (role and teams are ignored); nil keeps what is stored
	Sink    Sink
	// Everything asks for the events of all channels the person is a member of, as if watched
	// (dialects without a notion of watching).
	Everything bool
	Device     *Device
	// Session describes the connection for Sessions and Presences; nil keeps it out of both. Connection,
	// User and Since are set by the core. Once open, the person's other connections are told
	// SessionStarted.
	Session *Session
	// Ended is called once, after the last delivery, when the core ends the connection: the person
	// was deactivated or deleted (auth.failed), or the connection was kicked (session.kicked with a
	// variant, see KickSessions), or the node it was on is gone (server.unavailable: the client is to
	// come back at once, as after a drain). It must not block. nil means that nothing has to be told.
	Ended func(err error)
}

// Self is what a person learns about themself when connecting.
type Self struct {
	User         User
	Counts       Counts
	Devices      []Device
	Mutes        []UserMute
	ChannelMutes []ChannelMute
	Blocked      []UserID
	Extra        Extra
}

// Connection is an open live connection.
type Connection struct {
	ID    string // names the connection in later commands; unguessable
	Self  Self
	Close func() // idempotent; the person goes offline with their last connection
}

// WatchChannels makes a connection follow channels (or stop).
type WatchChannels struct {
	Connection string
	Keys       []ChannelKey
	Stop       bool
}

// FollowPresence makes a connection follow the presence of people (or stop).
type FollowPresence struct {
	Connection string
	Users      []UserID
	Everyone   bool // everyone in the app, whom Users need not name
	Stop       bool
}

// SendEvent tells a channel, or single people, something that is no message: typing, a custom event.
type SendEvent struct {
	Key    ChannelKey
	Kind   EventKind // TypingStarted, TypingStopped or CustomEvent
	Name   string    // of a custom event
	Parent string
	Extra  Extra
	To     []UserID // with Key: only these of its members, at most 100
	// Keep stores a custom event with its channel, or without Key in the boxes of To, so that who is
	// away finds it in their feed.
	Keep bool
}

// SyncSince asks for the stored events of channels after a time. More than 1,000 events, or an age
// over 30 days, answer request.invalid: the client has to start afresh.
type SyncSince struct {
	Keys  []ChannelKey
	Since time.Time
}

// Synced are the events missed, in order of time, and the channels the actor may not see.
type Synced struct {
	Events       []*Event
	Inaccessible []ChannelKey
}

// GetSelf reads the actor's own state.
type GetSelf struct{}

// Live is everything about live connections.
type Live interface {
	Connect(ctx context.Context, by Actor, in Connect) (Connection, error)
	Watch(ctx context.Context, by Actor, in WatchChannels) ([]Channel, error)
	Follow(ctx context.Context, by Actor, in FollowPresence) (int, error)
	Send(ctx context.Context, by Actor, in SendEvent) (*Event, error)
	Sync(ctx context.Context, by Actor, in SyncSince) (Synced, error)
	Self(ctx context.Context, by Actor, in GetSelf) (Self, error)
}
