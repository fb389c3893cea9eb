package core

import (
	"context"
	"time"
)

// Imported is one thing that another chat system says is so, read by the dialect of who said it from a
// file of theirs or from their traffic: exactly one of the pointers is set. Times and ids are theirs;
// what refers to something else does so by name.
type Imported struct {
	User       *User
	Channel    *Channel
	Message    *Message // ChannelKey names the channel, Alias is the id, ID is 0 or theirs
	Reaction   *Reaction
	Member     *Member // of Key; the read position is ReadAt
	Mute       *ImportedMute
	Read       *ImportedRead // of Key
	Credential *Credential

	Key    ChannelKey // of Member and Read
	Parent string     // of Message: first message of the thread it replies to
	Quoted string     // of Message
	On     string     // of Reaction: the message

	// Sparse says that no more than the id (of a User), the key and the kind (of a Channel) or the
	// membership (of a Member) is known: it is made when it is not there, and never changed.
	Sparse bool
	// Gone says that there is no such thing any more: a user, a channel, a message for good, a
	// reaction, a membership, a mute or a credential.
	Gone bool
}

// ImportedMute silences a person, or with a Channel a channel, for User.
type ImportedMute struct {
	User, Target UserID
	Channel      ChannelKey
}

// ImportedRead is how far somebody has read: up to a time, and up to a message if it is named.
type ImportedRead struct {
	User    UserID
	At      time.Time
	Message string
}

// MaxLearn bounds the items of one Learn.
const MaxLearn = 1000

// Learn takes over what another system, which has the say, says is so. Items are taken in their order,
// people and channels first; learning the same again changes nothing, and what is older than what is
// known is passed over. People that are only named are made. A message is put where its time belongs.
// Connections are told as of any change; webhooks are not: the other system tells them.
type Learn struct{ Items []Imported }

// Learnt is what became of the items of a Learn.
type Learnt struct {
	New, Changed, Known int
	Refused             []Unlearnt
}

// Unlearnt is an item that could not be taken. Channel or Message name what it needs and is not there.
type Unlearnt struct {
	Item    int // its place
	Reason  string
	Channel ChannelKey
	Message string
}

// Imports learns from other systems. Servers only.
type Imports interface {
	Learn(ctx context.Context, by Actor, in Learn) (Learnt, error)
}
