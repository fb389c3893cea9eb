package core

import (
	"sync"
	"time"
)

// EventKind names what happened.
type EventKind string

// The kinds. The comment tells which members of Event are set beside Channel, User and At;
// "stored" kinds have an Ev and can be replayed, the others are told once.
const (
	MessageSent      EventKind = "message.sent"          // stored; Message, Member (author's, if any)
	MessageEdited    EventKind = "message.edited"        // stored; Message; Change.Names is ChangePinned when nothing else has changed
	MessageDeleted   EventKind = "message.deleted"       // stored; Message, Hard
	MessageRestored  EventKind = "message.restored"      // stored; Message
	MessageValued    EventKind = "message.valued"        // stored; Message, Extra; see Values
	StreamGrown      EventKind = "stream.grown"          // Message, Extra; see Streams
	ReactionAdded    EventKind = "reaction.added"        // stored; Message, Reaction
	ReactionChanged  EventKind = "reaction.changed"      // stored; Message, Reaction
	ReactionRemoved  EventKind = "reaction.removed"      // stored; Message, Reaction
	ChannelCreated   EventKind = "channel.created"       // stored
	ChannelUpdated   EventKind = "channel.updated"       // stored; Message (system) if any; Change.Names has ChangeFrozen when that has changed
	ChannelTruncated EventKind = "channel.truncated"     // stored; Message (system) if any
	ChannelDeleted   EventKind = "channel.deleted"       // stored; To: its members
	MemberAdded      EventKind = "member.added"          // stored; Member, Message (notice) if any
	MemberUpdated    EventKind = "member.updated"        // stored; Member, Target; Change.Old and New when the rank has changed
	MemberRemoved    EventKind = "member.removed"        // stored; Member; Target
	MemberInvited    EventKind = "member.invited"        // stored; Member
	InviteAccepted   EventKind = "invite.accepted"       // stored; Member
	InviteRejected   EventKind = "invite.rejected"       // stored; Member
	ReadMoved        EventKind = "read.moved"            // stored; Read, Thread
	ReadMovedBack    EventKind = "read.moved_back"       // to the reader; Read, Message
	DeliveredMoved   EventKind = "delivered.moved"       // Read
	ChannelHidden    EventKind = "channel.hidden"        // to the hider; Cleared
	ChannelShown     EventKind = "channel.shown"         // to the hider
	ChannelMuted     EventKind = "channel.muted"         // to the muter; Mute
	ChannelUnmuted   EventKind = "channel.unmuted"       // to the muter; Mute
	MutesChanged     EventKind = "mutes.changed"         // to the muter; Self
	ChannelMutes     EventKind = "channel_mutes.changed" // to the muter; Self
	TypingStarted    EventKind = "typing.started"        // Parent
	TypingStopped    EventKind = "typing.stopped"        // Parent
	CustomEvent      EventKind = "custom"                // Name, Extra; to a user when To is set and Channel is nil
	WatchingStarted  EventKind = "watching.started"      // WatcherCount
	WatchingStopped  EventKind = "watching.stopped"      // WatcherCount
	UserUpdated      EventKind = "user.updated"          // to those who share a channel or follow presence
	UserPresence     EventKind = "user.presence"         // User.Online tells
	UserBanned       EventKind = "user.banned"           // to the banned and to the channel; Target, Ban
	UserUnbanned     EventKind = "user.unbanned"         // Target, Ban
	UserDeactivated  EventKind = "user.deactivated"      // User
	UserReactivated  EventKind = "user.reactivated"      // User
	UserDeleted      EventKind = "user.deleted"          // User; Hard
	UserMessagesGone EventKind = "user.messages_deleted" // Target; Hard
	UserFlagged      EventKind = "user.flagged"          // hooks only; Target, Flag
	MessageFlagged   EventKind = "message.flagged"       // hooks only; Message, Flag
	UserBlocked      EventKind = "user.blocked"          // hooks only; Target
	UserUnblocked    EventKind = "user.unblocked"        // hooks only; Target
	UserMuted        EventKind = "user.muted"            // hooks only; Target
	UserUnmuted      EventKind = "user.unmuted"          // hooks only; Target
	PollUpdated      EventKind = "poll.updated"          // Poll, Message; to the channels that hold the poll
	PollClosed       EventKind = "poll.closed"           // Poll, Message
	PollDeleted      EventKind = "poll.deleted"          // Poll, Message
	VoteCast         EventKind = "vote.cast"             // Poll, Vote, Message
	VoteChanged      EventKind = "vote.changed"          // Poll, Vote, Message
	VoteRemoved      EventKind = "vote.removed"          // Poll, Vote, Message
	ThreadUpdated    EventKind = "thread.updated"        // Thread
	DraftUpdated     EventKind = "draft.updated"         // to its owner; Draft
	DraftDeleted     EventKind = "draft.deleted"         // to its owner; Draft
	GoalReached      EventKind = "interaction.reached"   // Message, Interacted
	ReminderCreated  EventKind = "reminder.created"      // to its owner; Reminder, Message
	ReminderUpdated  EventKind = "reminder.updated"      // to its owner; Reminder
	ReminderDeleted  EventKind = "reminder.deleted"      // to its owner; Reminder, Message
	ReminderDue      EventKind = "reminder.due"          // to its owner; Reminder
)

// The kinds of groups, rooms and people that carry a Change; the comment names its members that are set.
const (
	MemberMuted           EventKind = "member.muted"            // stored; Target; Until, Text
	MemberUnmuted         EventKind = "member.unmuted"          // stored; Target
	GroupMutedAll         EventKind = "group.muted_all"         // stored
	GroupUnmutedAll       EventKind = "group.unmuted_all"       // stored
	MemberAllowed         EventKind = "member.allowed"          // stored; Target: on the allow list
	MemberDisallowed      EventKind = "member.disallowed"       // stored; Target
	Announced             EventKind = "group.announced"         // stored; Text, empty when taken down
	GroupRuled            EventKind = "group.ruled"             // stored; Rules, Names: fields of GroupRules (json names) that changed
	OwnerChanged          EventKind = "group.owner_changed"     // stored; Target: the new owner; Old: the old one's id
	FileShared            EventKind = "file.shared"             // stored; File
	FileUnshared          EventKind = "file.unshared"           // stored; File
	MemberAttributes      EventKind = "member.attributes"       // stored; Target; Values, Names (removed)
	RoomAttributesSet     EventKind = "room.attributes_set"     // Values, New: "auto" if removed with their owner
	RoomAttributesRemoved EventKind = "room.attributes_removed" // Names
	JoinRequested         EventKind = "join.requested"          // to moderators and above; Target; Application
	JoinAccepted          EventKind = "join.accepted"           // to who asked; Target: they; Application
	JoinDeclined          EventKind = "join.declined"           // to who asked; Target: they; Application
	GroupInvited          EventKind = "group.invited"           // to the invited; Target: they; Application
	GroupInviteAccepted   EventKind = "group.invite_accepted"   // to who invited; Target: the invited; Application
	GroupInviteDeclined   EventKind = "group.invite_declined"   // to who invited; Target: the invited; Application
	MessageAcked          EventKind = "message.acked"           // stored; to the author; Message, Ack
	ThreadStarted         EventKind = "thread.started"          // stored; Thread (Parent, Title, Owner, StartedAt), Message: the parent
	ThreadClosed          EventKind = "thread.closed"           // stored; Thread, Message
	ThreadEntered         EventKind = "thread.entered"          // to Target, who entered or was added by User; Thread, Message
	ThreadLeft            EventKind = "thread.left"             // to Target, who left or was removed by User; Thread, Message
	SessionEnded          EventKind = "session.ended"           // to the person's other connections; Session
	PresenceChanged       EventKind = "presence.changed"        // to subscribers; Target; Presence
	ConversationChanged   EventKind = "conversation.changed"    // to its owner; Settings, New: what changed
	SessionStarted        EventKind = "session.started"         // to the person; Session
	SessionKicked         EventKind = "session.kicked"          // to the person; Session (the pattern), New: reason, Text
	FriendRequested       EventKind = "friend.requested"        // to the one asked; User asked; Target: the one asked; Text
	FriendAdded           EventKind = "friend.added"            // to both; User did it, Target is the other; New: "accepted" after a request
	FriendDeclined        EventKind = "friend.declined"         // to who asked; User declined; Target: who asked
	FriendRemoved         EventKind = "friend.removed"          // to both; User did it, Target is the other
	BroadcastTold         EventKind = "broadcast.told"          // to everyone connected; Message without a channel
)

// Event is one thing that happened. It is immutable once published, shared by all receivers.
type Event struct {
	Kind     EventKind    `json:"kind"`
	App      AppID        `json:"app"`
	At       time.Time    `json:"at"`
	Ev       int64        `json:"ev,omitempty"`    // number within the channel, dense from 1; 0 when not stored
	Stamp    Stamp        `json:"stamp,omitempty"` // place among all stored events; 0 when not stored
	Box      []UserID     `json:"box,omitempty"`   // people who find the event in their own box: see PullFeed
	Channel  *Channel     `json:"channel,omitempty"`
	Config   *ChannelType `json:"-"`                  // the channel's effective type; local, never sent over the bus
	User     *User        `json:"user,omitempty"`     // who did it
	To       []UserID     `json:"to,omitempty"`       // only these people; empty means everyone concerned with Channel
	Watchers bool         `json:"watchers,omitempty"` // with To empty: watchers only, members that do not watch are left out
	Around   []ChannelID  `json:"around,omitempty"`   // without Channel: also tell the watchers of these channels, at most 100

	Message      *Message     `json:"message,omitempty"`
	Reaction     *Reaction    `json:"reaction,omitempty"`
	Member       *Member      `json:"member,omitempty"`
	Target       *User        `json:"target,omitempty"` // whom it was done to
	Read         *Read        `json:"read,omitempty"`
	Ban          *Ban         `json:"ban,omitempty"`
	Mute         *ChannelMute `json:"mute,omitempty"`
	Flag         *Flag        `json:"flag,omitempty"`
	Poll         *Poll        `json:"poll,omitempty"`
	Vote         *PollVote    `json:"vote,omitempty"`
	Thread       *Thread      `json:"thread,omitempty"`
	Draft        *Draft       `json:"draft,omitempty"`
	Reminder     *Reminder    `json:"reminder,omitempty"`
	Self         *Self        `json:"self,omitempty"`
	Interacted   *Interacted  `json:"interacted,omitempty"`
	Change       *Change      `json:"change,omitempty"`
	Parent       string       `json:"parent,omitempty"` // name of the thread's first message
	Name         string       `json:"name,omitempty"`   // of a custom event
	Extra        Extra        `json:"extra,omitempty"`
	Origin       string       `json:"origin,omitempty"` // the device session it came from; see WithOrigin
	WatcherCount int          `json:"watcher_count,omitempty"`
	Hard         bool         `json:"hard,omitempty"`
	Cleared      bool         `json:"cleared,omitempty"`
	Everyone     bool         `json:"everyone,omitempty"` // of ReadMoved and DeliveredMoved: all the other members have come at least as far

	mu    sync.Mutex
	cache []encoded
}

type encoded struct {
	key string
	val any
}

// Encoded returns what enc makes of e for the variant named key, computing it once per event and
// variant and sharing it between all connections. The result must not be changed.
func Encoded[T any](e *Event, key string, enc func(*Event) T) T {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.cache {
		if e.cache[i].key == key {
			return e.cache[i].val.(T) //nolint:forcetypeassert // a key belongs to one type by contract
		}
	}
	v := enc(e)
	e.cache = append(e.cache, encoded{key, v})
	return v
}
