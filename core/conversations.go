package core

import (
	"context"
	"time"
)

// ConversationSettings is how one person keeps one conversation, or all of a kind.
type ConversationSettings struct {
	User      UserID      `json:"user"`
	Key       ChannelKey  `json:"key,omitempty"`  // empty: of all conversations of Kind, or with Everywhere of all
	Kind      ChannelKind `json:"kind,omitempty"` // of a setting by kind
	Marks     []string    `json:"marks,omitempty"`
	Quiet     string      `json:"quiet,omitempty"` // do-not-disturb level, the dialect's word
	QuietTill time.Time   `json:"quiet_till,omitzero"`
	Extra     Extra       `json:"extra,omitempty"` // quiet hours and the like
	Pinned    time.Time   `json:"pinned,omitzero"` // Member.PinnedAt, filled when answering
	UpdatedAt time.Time   `json:"updated_at,omitzero"`
}

// SettingsScope names what settings are of: a conversation, a kind, or everything.
type SettingsScope struct {
	Key        ChannelKey
	Kind       ChannelKind // with Key empty
	Everywhere bool
}

// PutSettings changes the actor's settings of a scope. Change may set Marks (at most 20 of 32 bytes),
// Quiet, QuietTill and Extra.
type PutSettings struct {
	Scope  SettingsScope
	Change func(*ConversationSettings) error
}

// PinConversation puts a conversation at the top of the actor's list, or back.
type PinConversation struct {
	Key   ChannelKey
	Unpin bool
}

// GetSettings reads the actor's settings of scopes; what was never set is the zero value.
type GetSettings struct{ Scopes []SettingsScope }

// DropConversation takes a conversation off the actor's list until the next message; Clear also
// empties it for them alone.
type DropConversation struct {
	Key   ChannelKey
	Clear bool
}

// ListConversations asks for the actor's conversations that are not hidden, pinned ones first, then by
// last message, newest first. Limit at most 100, default 20.
type ListConversations struct {
	Kinds  []ChannelKind // empty means all but rooms
	Pinned bool          // only pinned ones
	Mark   string        // only with this mark
	Empty  bool          // also without messages
	Page   Page          // Offset, or Cursor: the key of the last one before the page
}

// ListQuiet asks for the actor's settings of the single conversations that are quiet now, by key.
type ListQuiet struct{}

// Conversation is one entry of a person's list.
type Conversation struct {
	Channel  Channel
	Member   Member
	Peer     *User // of a Direct: the other one; of a KindSystem: who speaks there
	Last     *Message
	Unread   int
	Settings ConversationSettings
}

// Conversations is a person's list of conversations. Changes are told to the person's own connections
// as ConversationChanged (New: pinned, unpinned, marked, quiet, settings, dropped).
type Conversations interface {
	Put(ctx context.Context, by Actor, in PutSettings) (ConversationSettings, error)
	Pin(ctx context.Context, by Actor, in PinConversation) (ConversationSettings, error)
	Settings(ctx context.Context, by Actor, in GetSettings) ([]ConversationSettings, error)
	Drop(ctx context.Context, by Actor, in DropConversation) error
	List(ctx context.Context, by Actor, in ListConversations) ([]Conversation, error)
	Quiet(ctx context.Context, by Actor, in ListQuiet) ([]ConversationSettings, error)
}
