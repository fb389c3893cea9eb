package core

import (
	"context"
	"encoding/json"
	"time"
)

// MessageKind is what sort of message it is.
type MessageKind string

// The kinds. Ephemeral and error messages are answered to the sender and never stored.
const (
	MessageRegular   MessageKind = "regular"
	MessageSystem    MessageKind = "system"
	MessageEphemeral MessageKind = "ephemeral"
	MessageError     MessageKind = "error"
	MessageCustom    MessageKind = "custom"
)

// Message is one entry of a channel's log, with the people it names resolved when answered.
type Message struct {
	ID            MessageID         `json:"id"`
	Alias         string            `json:"alias,omitempty"` // id chosen by the client; unique in the app; also the idempotency key
	Channel       ChannelID         `json:"channel"`
	ChannelKey    ChannelKey        `json:"channel_key"`
	Seq           int64             `json:"seq"`
	User          UserID            `json:"user"`
	Kind          MessageKind       `json:"kind"`
	Text          string            `json:"text,omitempty"`
	Attachments   []json.RawMessage `json:"attachments,omitempty"` // objects as sent
	Mentions      []UserID          `json:"mentions,omitempty"`
	Parent        MessageID         `json:"parent,omitempty"` // first message of the thread this replies to
	ParentAlias   string            `json:"parent_alias,omitempty"`
	ShowInChannel bool              `json:"show_in_channel,omitempty"`
	Quoted        MessageID         `json:"quoted,omitempty"`
	QuotedAlias   string            `json:"quoted_alias,omitempty"`
	Silent        bool              `json:"silent,omitempty"`   // raises no unread count
	Shadowed      bool              `json:"shadowed,omitempty"` // its author is shadow banned; only they see it
	Command       string            `json:"command,omitempty"`
	CommandArgs   string            `json:"command_args,omitempty"`
	PollID        string            `json:"poll_id,omitempty"`
	RestrictedTo  []UserID          `json:"restricted_to,omitempty"` // only these people see it
	Translations  Extra             `json:"translations,omitempty"`
	Tags          []string          `json:"tags,omitempty"`
	Notice        *Notice           `json:"notice,omitempty"` // what happened, when nobody wrote this message
	Extra         Extra             `json:"extra,omitempty"`
	Pinned        bool              `json:"pinned,omitempty"`
	PinnedAt      time.Time         `json:"pinned_at,omitzero"`
	PinnedBy      UserID            `json:"pinned_by,omitempty"`
	PinExpires    time.Time         `json:"pin_expires,omitzero"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
	EditedAt      time.Time         `json:"edited_at,omitzero"` // text changed by a person
	DeletedAt     time.Time         `json:"deleted_at,omitzero"`
	DeletedBy     UserID            `json:"deleted_by,omitempty"`     // "" for a server that acted for nobody
	DeletedFor    bool              `json:"deleted_for_me,omitempty"` // hidden for the actor alone

	ReplyCount   int             `json:"reply_count,omitempty"`
	LastReplyAt  time.Time       `json:"last_reply_at,omitzero"`
	Participants []UserID        `json:"participants,omitempty"` // people in the thread, first repliers first, at most 25
	Reactions    []ReactionGroup `json:"reactions,omitempty"`

	// Resolved when answered, never stored in the message row.
	Author            *User      `json:"author,omitempty"`
	Mentioned         []User     `json:"mentioned,omitempty"`
	ThreadUsers       []User     `json:"thread_users,omitempty"`
	PinnedByUser      *User      `json:"pinned_by_user,omitempty"`
	QuotedMessage     *Message   `json:"quoted_message,omitempty"`
	LatestReactions   []Reaction `json:"latest_reactions,omitempty"` // newest first, at most 10
	OwnReactions      []Reaction `json:"own_reactions,omitempty"`    // the actor's; empty in events
	Poll              *Poll      `json:"poll,omitempty"`
	Reminder          *Reminder  `json:"reminder,omitempty"`
	AuthorChannelRole string     `json:"author_channel_role,omitempty"`
}

// Deleted reports whether the message is a tombstone.
func (m *Message) Deleted() bool { return !m.DeletedAt.IsZero() }

// Countable reports whether the message raises unread counts of others.
func (m *Message) Countable() bool {
	return !m.Silent && !m.Shadowed && (m.Parent == 0 || m.ShowInChannel) && m.Kind != MessageSystem
}

// Name is the id a client knows the message by: the alias if it has one, else the decimal id.
func (m *Message) Name() string {
	if m.Alias != "" {
		return m.Alias
	}
	return m.ID.String()
}

// MessageInput is the client's part of a message.
type MessageInput struct {
	Alias         string
	Kind          MessageKind // empty means regular
	Text          string
	Attachments   []json.RawMessage
	Mentions      []UserID
	Parent        string // name of the parent message
	ShowInChannel bool
	Quoted        string
	Silent        bool
	Pinned        bool
	PinExpires    time.Time
	PollID        string
	RestrictedTo  []UserID
	Tags          []string
	Extra         Extra
	CreatedAt     time.Time // servers only: import and back-fill
}

// SendMessage appends a message.
type SendMessage struct {
	Key          ChannelKey
	Message      MessageInput
	KeepHidden   bool // do not put the channel back on the lists of those who hid it
	Inside       bool // refuse who is not a member with group.not_member (self), whatever the grants say; not servers
	SkipCommands bool // text starting with a slash is text
	Directed     bool // whoever may write may also name in RestrictedTo who sees it
	// QuietBlock accepts a message to somebody who has blocked the actor and shows it to its author
	// alone, instead of refusing it with block.by_peer.
	QuietBlock bool
	// MaxText bounds the text in bytes where the dialect allows longer ones than the channel type, at
	// most 256 KiB.
	MaxText int
	// MaxExtra bounds Extra, and the attachments together, in bytes where the dialect allows more
	// than 5 KiB; at most 256 KiB.
	MaxExtra int
}

// Sent is the outcome of a send. Duplicate means that a message with this alias by the same
// author was stored before: Message is that one and nothing was written.
type Sent struct {
	Message   Message
	Duplicate bool
}

// EditMessage changes a message: Replace sets every client field, Change patches single ones.
type EditMessage struct {
	ID      string
	Replace *MessageInput
	Change  func(*Message) error
	// MaxText and MaxExtra are as for SendMessage. A message that is longer already may stay as long.
	MaxText  int
	MaxExtra int
}

// DeleteMessage removes a message: softly (a tombstone remains), for good, or for the actor alone.
type DeleteMessage struct {
	ID    string
	Hard  bool
	ForMe bool
	Undo  bool // restore a soft deleted message; servers only
}

// GetMessages reads messages by name; unknown names are left out, or all must exist with Strict.
type GetMessages struct {
	IDs         []string
	Key         ChannelKey // if set, only of this channel
	Strict      bool
	ShowDeleted bool // servers see the original text of soft deleted messages
}

// MessagePage selects a run of messages of a channel or a thread, always answered oldest first.
// At most one of the bounds is used; names are message names, times are creation times.
type MessagePage struct {
	Limit                             int // 0 means 25 (100 for ListMessages); at most 300
	Offset                            int
	Before, After, Around             string
	Inclusive                         bool // the bound itself is part of the answer
	BeforeTime, AfterTime, AroundTime time.Time
}

// ListMessages reads a run of messages of a channel, or of the thread of Parent.
type ListMessages struct {
	Key    ChannelKey
	Parent string
	Page   MessagePage
	Sort   []Sort // threads: created_at either way
}

// PinnedMessages lists pinned messages, newest pin first unless Sort says otherwise.
type PinnedMessages struct {
	Key  ChannelKey
	Page MessagePage
	Sort []Sort
}

// RunAction answers the buttons of an ephemeral message.
type RunAction struct {
	ID   string
	Form map[string]string
}

// SearchMessages finds messages. ChannelFilter as in QueryChannels. Filter fields: text (search,
// autocomplete, equality), user, parent, kind, type, attachments, attachments.type, mentions, tags, pinned, reply_count,
// created_at, updated_at, extra.*. Limit default 100 at most 1000; offset at most 1000. The text
// index follows the log within a second.
type SearchMessages struct {
	ChannelFilter Filter
	Query         string
	Filter        Filter
	Sort          []Sort
	Page          Page
}

// Found is one page of search results.
type Found struct {
	Hits []Hit
	Next string // cursor, empty at the end
	Prev string
}

// Hit is one message found and its channel.
type Hit struct {
	Message Message
	Channel Channel
}

// Messages is the log of channels.
type Messages interface {
	Send(ctx context.Context, by Actor, in SendMessage) (Sent, error)
	Edit(ctx context.Context, by Actor, in EditMessage) (Message, error)
	Delete(ctx context.Context, by Actor, in DeleteMessage) (Message, error)
	Get(ctx context.Context, by Actor, in GetMessages) ([]Hit, error)
	List(ctx context.Context, by Actor, in ListMessages) ([]Message, error)
	Pinned(ctx context.Context, by Actor, in PinnedMessages) ([]Message, error)
	Action(ctx context.Context, by Actor, in RunAction) (*Message, error)
	Search(ctx context.Context, by Actor, in SearchMessages) (Found, error)
}
