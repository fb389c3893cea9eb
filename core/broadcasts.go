package core

import (
	"context"
	"time"
)

// Audience is whom a broadcast is for.
type Audience string

// The audiences.
const (
	AudienceEveryone Audience = "everyone" // a message into each person's system conversation with From
	AudienceOnline   Audience = "online"   // told once to who is connected; not stored
	AudienceRooms    Audience = "rooms"    // a message into every room
)

// SendBroadcast writes to many at once. Servers only. Everyone and rooms are worked off in the
// background: the answer carries the Task. Direct sends everyone's copy as a message of the direct
// conversation with From instead.
type SendBroadcast struct {
	From     UserID // who speaks; made if new
	Audience Audience
	Direct   bool
	Message  MessageInput
	MaxExtra int // as of SendMessage
}

// DeleteBroadcast takes back the copies of a broadcast in the background; message.not_found. Servers only.
type DeleteBroadcast struct{ ID MessageID }

// Broadcast is one message to many. Copies carry ID in Message.Extra as "broadcast_id".
type Broadcast struct {
	ID        MessageID `json:"id"`
	From      UserID    `json:"from"`
	Audience  Audience  `json:"audience"`
	CreatedAt time.Time `json:"created_at"`
	Task      string    `json:"task,omitempty"`
}

// SendSystem writes to people outside of any conversation with a person: into the system conversation
// of each with From (KindSystem: From writes, the one member reads). Servers only; at most 100 people.
type SendSystem struct {
	From     UserID
	To       []UserID
	Message  MessageInput
	MaxExtra int // as of SendMessage
}

// SystemOutcome is what became of one copy.
type SystemOutcome struct {
	User    UserID
	Key     ChannelKey
	Message *Message
	Err     error
}

// Broadcasts writes to many people.
type Broadcasts interface {
	Send(ctx context.Context, by Actor, in SendBroadcast) (Broadcast, error)
	Delete(ctx context.Context, by Actor, in DeleteBroadcast) (Task, error)
	System(ctx context.Context, by Actor, in SendSystem) ([]SystemOutcome, error)
}

// SystemKey is the key of the system conversation of a person with from.
func SystemKey(from, user UserID) ChannelKey {
	return ChannelKey("!system-" + DirectID([]UserID{from, user})[len("!members-"):])
}
