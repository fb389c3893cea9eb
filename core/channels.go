package core

import (
	"context"
	"time"
)

// ChannelKind is what sort of conversation a channel is.
type ChannelKind uint8

// The kinds. A Direct is its set of members and needs no managing; a Room is open to all.
const (
	KindGroup ChannelKind = iota
	KindDirect
	KindRoom
	KindCommunity
	KindSystem // one person is told things by another who is not in it
)

// Channel is one conversation.
type Channel struct {
	ID            ChannelID       `json:"id"`
	Key           ChannelKey      `json:"key"`
	Type          string          `json:"type"` // name of a ChannelType
	Kind          ChannelKind     `json:"kind"`
	Name          string          `json:"name,omitempty"`
	Image         string          `json:"image,omitempty"`
	Team          string          `json:"team,omitempty"`
	CreatedBy     UserID          `json:"created_by,omitempty"`
	Frozen        bool            `json:"frozen,omitempty"`
	Disabled      bool            `json:"disabled,omitempty"`
	Cooldown      int             `json:"cooldown,omitempty"` // slow mode, seconds between two messages of one member, 0 to 120
	Overrides     ConfigOverrides `json:"overrides,omitzero"` // deviations from the type's configuration
	Tags          []string        `json:"tags,omitempty"`
	Admission     Admission       `json:"admission,omitempty"` // who may join by themself; see Admits
	Extra         Extra           `json:"extra,omitempty"`
	MemberCount   int             `json:"member_count"`
	MessageCount  int64           `json:"message_count,omitempty"`
	LastSeq       int64           `json:"last_seq"`
	LastEv        int64           `json:"last_ev"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
	LastMessageAt time.Time       `json:"last_message_at,omitzero"`
	TruncatedAt   time.Time       `json:"truncated_at,omitzero"`
	TruncatedBy   UserID          `json:"truncated_by,omitempty"`
	TruncatedUpTo int64           `json:"truncated_up_to,omitempty"` // messages up to this Seq are gone from view
	DeletedAt     time.Time       `json:"deleted_at,omitzero"`
	Owner         *User           `json:"owner,omitempty"`    // CreatedBy's profile; filled when answering
	AliasNo       int64           `json:"alias_no,omitempty"` // the channel as a number, see ChannelKey.Number; found by it as by its key
}

// Member is a person's place in a channel. Read and delivered positions live here.
type Member struct {
	Channel      ChannelID `json:"channel"`
	User         UserID    `json:"user"`
	Role         string    `json:"role"`         // owner, admin, moderator, member, or a custom one
	ChannelRole  string    `json:"channel_role"` // name of the role for grants, such as channel_member
	Extra        Extra     `json:"extra,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	InvitedAt    time.Time `json:"invited_at,omitzero"`
	AcceptedAt   time.Time `json:"accepted_at,omitzero"`
	RejectedAt   time.Time `json:"rejected_at,omitzero"`
	HiddenAt     time.Time `json:"hidden_at,omitzero"`
	HiddenUpTo   int64     `json:"hidden_up_to,omitempty"` // history up to this Seq is cleared for this member
	PinnedAt     time.Time `json:"pinned_at,omitzero"`
	ArchivedAt   time.Time `json:"archived_at,omitzero"`
	ReadSeq      int64     `json:"read_seq"`
	ReadAt       time.Time `json:"read_at,omitzero"`
	ReadMessage  MessageID `json:"read_message,omitempty"`
	DeliveredSeq int64     `json:"delivered_seq,omitempty"`
	DeliveredAt  time.Time `json:"delivered_at,omitzero"`
	MutedUntil   time.Time `json:"muted_until,omitzero"` // channel mute; Forever when without end
	MutedAt      time.Time `json:"muted_at,omitzero"`
	Ban          *Ban      `json:"ban,omitempty"`     // ban in this channel, if any
	Profile      *User     `json:"profile,omitempty"` // filled when answering
}

// Forever is the end of things without end.
var Forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Pending reports whether the member was invited and has not answered yet.
func (m *Member) Pending() bool {
	return !m.InvitedAt.IsZero() && m.AcceptedAt.IsZero() && m.RejectedAt.IsZero()
}

// Channel roles for grants and the member roles they belong to.
const (
	MemberOwner     = "owner"
	MemberAdmin     = "admin"
	MemberModerator = "moderator"
	MemberMember    = "member"

	ChannelRoleMember    = "channel_member"
	ChannelRoleModerator = "channel_moderator"
)

// ChannelInput is the client's part of a new or replaced channel.
type ChannelInput struct {
	Name, Image, Team string
	Frozen            *bool
	Disabled          *bool
	Cooldown          *int
	Overrides         *ConfigOverrides
	Tags              []string
	Extra             Extra
	Members           []MemberInput
	Invites           []UserID
	CreatedBy         UserID
}

// MemberInput names a person to add and their role.
type MemberInput struct {
	User        UserID
	ChannelRole string // empty means channel_member
	Extra       Extra
}

// OpenChannel finds a channel or creates it (get-or-create), and reads its state.
// ID is empty for a Direct: the channel is then the set of Input.Members.
type OpenChannel struct {
	Type, ID       string
	Input          ChannelInput
	State          StateWanted
	MustExist      bool // group.not_found instead of creating
	HideForCreator bool
}

// StateWanted tells what to read along with a channel.
type StateWanted struct {
	State        bool // messages, members, reads; otherwise only the channel itself
	Watch        bool // follow the channel on the actor's connection
	Presence     bool // follow the presence of its members too
	Messages     MessagePage
	MemberLimit  int // 0 means 100, the maximum
	MemberOffset int
	Watchers     int // number of watching users to list
}

// ChannelState is a channel with what a client shows first.
type ChannelState struct {
	Channel      Channel
	Config       ChannelType // the type with the channel's overrides applied
	Created      bool
	Messages     []Message
	Pinned       []Message
	Members      []Member
	Membership   *Member // the actor's own
	Reads        []Read
	Watchers     []User
	WatcherCount int
	Capabilities []string // what the actor may do here; nil for servers
	Hidden       bool
	Draft        *Draft
}

// Read is how far a person has read a channel.
type Read struct {
	User          User
	Seq           int64
	At            time.Time
	Message       MessageID
	MessageAlias  string
	Unread        int // at most UnreadCap
	DeliveredSeq  int64
	DeliveredAt   time.Time
	DeliveredID   MessageID
	DeliveredName string // alias of the delivered message
}

// UnreadCap is where counting unread messages stops.
const UnreadCap = 1000

// QueryChannels finds channels. Filter fields: id, key, type, kind, name, team, frozen, disabled,
// created_by, created_at, updated_at, last_message_at, last_updated, member_count, members (of
// user ids), member.name, joined, invite (pending, accepted, rejected), hidden, muted, pinned,
// archived, has_unread, member.channel_role, tags,
// admission, extra.*. Limit at most 30, default 10.
type QueryChannels struct {
	Filter Filter
	Sort   []Sort
	Page   Page
	State  StateWanted
}

// UpdateChannel replaces or patches a channel and changes its members, in one transaction.
type UpdateChannel struct {
	Key             ChannelKey
	Replace         *ChannelInput        // full update: custom fields not named are removed
	Change          func(*Channel) error // partial update, applied to the stored channel
	Add             []MemberInput
	Remove          []UserID
	Invite          []MemberInput
	Promote, Demote []UserID      // moderators
	Assign          []MemberInput // channel roles
	AcceptInvite    bool
	RejectInvite    bool
	Message         *SendMessage // system message told with the change
	HideHistory     bool         // added members do not see what was before
}

// UpdatedChannel is the outcome of UpdateChannel.
type UpdatedChannel struct {
	Channel Channel
	Config  ChannelType
	Members []Member
	Message *Message
}

// DeleteChannels removes channels: softly (kept, not shown, revived when opened again), or for good.
type DeleteChannels struct {
	Keys []ChannelKey
	Hard bool
}

// TruncateChannel removes the messages of a channel.
type TruncateChannel struct {
	Key     ChannelKey
	Hard    bool
	Before  time.Time // only messages up to then; zero means all
	Message *SendMessage
	Members []UserID // only for these members
}

// HideChannel takes a channel off the actor's list until the next message; Show puts it back.
type HideChannel struct {
	Key          ChannelKey
	Show         bool
	ClearHistory bool
}

// MuteChannels silences channels for the actor.
type MuteChannels struct {
	Keys   []ChannelKey
	For    time.Duration // 0 means without end
	Unmute bool
}

// ChannelMute is one silenced channel.
type ChannelMute struct {
	User      User
	Channel   Channel
	Config    ChannelType
	CreatedAt time.Time
	UpdatedAt time.Time
	Expires   time.Time // zero means never
}

// QueryMembers finds members of a channel. Filter fields: id, name, channel_role, banned, invite,
// joined, created_at, updated_at, last_active, extra.* (of the user). Limit at most 100.
type QueryMembers struct {
	Key    ChannelKey
	Direct []UserID // instead of Key: the members of a Direct
	Type   string
	Filter Filter
	Sort   []Sort
	Page   Page
}

// PatchMember changes custom fields, pin and archive state of one membership.
type PatchMember struct {
	Key    ChannelKey
	User   UserID // empty means the actor
	Change func(*Member) error
}

// Channels manages conversations and who is in them.
type Channels interface {
	Open(ctx context.Context, by Actor, in OpenChannel) (ChannelState, error)
	Query(ctx context.Context, by Actor, in QueryChannels) ([]ChannelState, error)
	Update(ctx context.Context, by Actor, in UpdateChannel) (UpdatedChannel, error)
	Delete(ctx context.Context, by Actor, in DeleteChannels) ([]Channel, error)
	Truncate(ctx context.Context, by Actor, in TruncateChannel) (UpdatedChannel, error)
	Hide(ctx context.Context, by Actor, in HideChannel) (Channel, error)
	Mute(ctx context.Context, by Actor, in MuteChannels) ([]ChannelMute, error)
	Members(ctx context.Context, by Actor, in QueryMembers) ([]Member, error)
	PatchMember(ctx context.Context, by Actor, in PatchMember) (Member, error)
}
