package transfer

import (
	"encoding/json"
	"time"

	"dragoman/core"
)

// Format names the lines of an export; Version is raised when they change.
const (
	Format  = "dragoman-export"
	Version = 1
)

// Type tells what a line holds.
type Type string

// The types, in the order of an export: the header, the app's settings, people, then channel by
// channel the channel, its messages each with its reactions, its threads and its members, then
// records, and the manifest.
const (
	TypeHeader   Type = "header"
	TypeApp      Type = "app"
	TypeUser     Type = "user"
	TypeChannel  Type = "channel"
	TypeMessage  Type = "message"
	TypeReaction Type = "reaction"
	TypeThread   Type = "thread"
	TypeMember   Type = "member"
	TypeRecord   Type = "record"
	TypeManifest Type = "manifest"
	TypeMute     Type = "mute" // never exported: for files of others, who have mutes beside people
)

// Item is one line: exactly one of the pointers is set.
type Item struct {
	Type     Type               `json:"type"`
	Header   *Header            `json:"header,omitempty"`
	App      *core.AppSettings  `json:"app,omitempty"`
	User     *core.User         `json:"user,omitempty"`
	Channel  *core.Channel      `json:"channel,omitempty"`
	Message  *core.Message      `json:"message,omitempty"`
	Reaction *core.Reaction     `json:"reaction,omitempty"`
	Thread   *Thread            `json:"thread,omitempty"`
	Member   *Member            `json:"member,omitempty"`
	Record   *Record            `json:"record,omitempty"`
	Manifest *Manifest          `json:"manifest,omitempty"`
	Mute     *core.ImportedMute `json:"-"`

	// Parent and On name messages by their alias where a file knows no numbers: the first message of
	// a thread, and what a reaction belongs to.
	Parent string `json:"-"`
	Quoted string `json:"-"`
	On     string `json:"-"`
	Line   int    `json:"-"` // of the file, from 1
}

// Header is the first line.
type Header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	App     string `json:"app"`
}

// Thread is what replies left on the first message of a thread.
type Thread struct {
	Message      core.MessageID `json:"message"`
	ReplyCount   int            `json:"reply_count"`
	LastReplyAt  time.Time      `json:"last_reply_at,omitzero"`
	Participants []core.UserID  `json:"participants,omitempty"`
}

// Member is a membership with the key of its channel. Positions count the messages that are there.
type Member struct {
	Channel core.ChannelKey `json:"channel_key"`
	core.Member
}

// Record is a record of a space. Where it names a channel by number the number is 0 in Key and Value,
// and Channel is the key.
type Record struct {
	Space   string          `json:"space"`
	Key     string          `json:"key"`
	Channel core.ChannelKey `json:"channel,omitempty"`
	Value   json.RawMessage `json:"value"`
}

// Of makes an item of what a dialect read in another's file.
func Of(in *core.Imported) Item {
	it := Item{
		User: in.User, Channel: in.Channel, Message: in.Message, Reaction: in.Reaction, Mute: in.Mute, Parent: in.Parent, Quoted: in.Quoted, On: in.On,
	}
	switch {
	case in.User != nil:
		it.Type = TypeUser
	case in.Channel != nil:
		it.Type = TypeChannel
	case in.Message != nil:
		it.Type = TypeMessage
	case in.Reaction != nil:
		it.Type = TypeReaction
	case in.Mute != nil:
		it.Type = TypeMute
	case in.Member != nil:
		it.Type, it.Member = TypeMember, &Member{in.Key, *in.Member}
	}
	return it
}

// Manifest is the last line.
type Manifest struct {
	Lines  map[Type]int `json:"lines"`
	SHA256 string       `json:"sha256"` // of all bytes before this line
}
