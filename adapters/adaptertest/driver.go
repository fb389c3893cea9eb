package adaptertest

import (
	"encoding/json"
	"testing"
	"time"
)

// Driver speaks one vendor's wire as its SDK would, raw HTTP and live link. What it hands out is
// in neutral words; the scenarios assert on that alone.
type Driver interface {
	// Join opens a live session of the person with valid credentials.
	Join(t *testing.T, w *World, user string) Session
	// Knock makes an authenticated call of the person with a token that expired at the time and
	// tells how it failed.
	Knock(t *testing.T, w *World, user string, expired time.Time) *Failure
}

// Session is one person's client. Calls answer a Failure when the server refused them; a call that
// did not get through at all fails the test.
type Session interface {
	Direct(other string) (chat string, f *Failure)
	Group(id string, members ...string) (chat string, f *Failure)
	Rename(chat, name string) *Failure
	Add(chat, user string) *Failure
	Remove(chat, user string) *Failure
	Members(chat string) ([]string, *Failure)
	Dissolve(chat string) *Failure

	Send(chat string, m Draft) (Message, *Failure)
	Edit(chat, id, text string) (Message, *Failure)
	Delete(chat, id string) *Failure
	React(chat, id, kind string) *Failure
	Unreact(chat, id, kind string) *Failure
	Get(chat, id string) (Message, *Failure)
	History(chat, before string, limit int) ([]Message, *Failure) // oldest first
	Thread(chat, parent string) ([]Message, *Failure)

	Read(chat string) *Failure
	Unread(chat string) (int, *Failure)
	Typing(chat string) *Failure
	Follow(users ...string) *Failure // their presence

	Mute(user string) *Failure
	Muted() ([]string, *Failure)

	// Next returns the next event of the kind, skipping others, and fails the test when none comes
	// within some seconds.
	Next(kind Kind) Event
	Close()
}

// Moderator is a session that may keep others out.
type Moderator interface {
	Ban(chat, user string) *Failure
	Unban(chat, user string) *Failure
}

// Hasty is a session whose vendor publishes limits that Rename would reach after thousands of calls:
// Hurry makes a call that is limited sooner.
type Hasty interface {
	Hurry(chat string) *Failure
}

// Feature is something that not every vendor has.
type Feature string

// The features a vendor may lack.
const (
	TellsRenames   Feature = "a change of a group's name is told live"
	TellsEnds      Feature = "the end of a group is told live"
	Mutes          Feature = "people can be muted"
	Reactions      Feature = "people react to messages"
	Threads        Feature = "messages have replies of their own"
	TypingInGroups Feature = "groups are told who types; without it the other one of a direct chat is"
)

// Draft is a message to send.
type Draft struct {
	ID     string // chosen by the client; empty leaves it to the server
	Text   string
	Parent string // message this replies to
}

// Message is what a client sees of a message.
type Message struct {
	ID, Text, User, Parent string
	Deleted, Edited        bool
	Replies                int
	Reactions              map[string]int
}

// Kind names an event in neutral words.
type Kind string

// The kinds the scenarios wait for.
const (
	Sent     Kind = "sent"
	Edited   Kind = "edited"
	Deleted  Kind = "deleted"
	Reacted  Kind = "reacted"
	Joined   Kind = "joined"
	Left     Kind = "left"
	Renamed  Kind = "renamed"
	Gone     Kind = "gone"
	ReadUp   Kind = "read"
	Typing   Kind = "typing"
	Presence Kind = "presence"
)

// Event is what a client is told.
type Event struct {
	Kind    Kind
	Chat    string
	User    string // who did it, or whom it is about
	Online  bool   // Presence
	Message Message
}

// Failure is a refused call.
type Failure struct {
	Status  int
	Code    json.RawMessage // the vendor's code as on the wire
	Message string
	Reason  string // canonical, from the unified document beside the vendor's body
	Header  map[string]string
}
