package native

import (
	"encoding/json"
	"time"

	"dragoman/core"
)

// User is a person.
type User struct {
	ID            core.UserID `json:"id" doc:"Unique within the app, at most 255 bytes."`
	Name          string      `json:"name,omitempty"`
	Image         string      `json:"image,omitempty" doc:"URL of a picture."`
	Role          string      `json:"role" doc:"user, guest, moderator, admin or a role of the app."`
	Teams         []string    `json:"teams,omitempty"`
	Tags          []string    `json:"tags,omitempty"`
	Language      string      `json:"language,omitempty"`
	Invisible     bool        `json:"invisible,omitempty" doc:"Never shown online."`
	Extra         core.Extra  `json:"extra,omitempty" doc:"Free fields."`
	Online        bool        `json:"online"`
	Banned        bool        `json:"banned,omitempty" doc:"Banned from the whole app."`
	CreatedAt     time.Time   `json:"created_at"`
	UpdatedAt     time.Time   `json:"updated_at"`
	LastActive    time.Time   `json:"last_active,omitzero"`
	DeactivatedAt time.Time   `json:"deactivated_at,omitzero"`
	DeletedAt     time.Time   `json:"deleted_at,omitzero"`
}

// Channel is a conversation.
type Channel struct {
	ID            core.ChannelKey `json:"id" doc:"Of the default type the bare id, of others type:id."`
	Kind          string          `json:"kind" doc:"direct, group, room, community or system."`
	Type          string          `json:"type" doc:"The channel type, which configures it."`
	Name          string          `json:"name,omitempty"`
	Image         string          `json:"image,omitempty"`
	Team          string          `json:"team,omitempty"`
	CreatedBy     core.UserID     `json:"created_by,omitempty"`
	Admission     string          `json:"admission" doc:"Who may join by themself: anyone, password or invited."`
	Frozen        bool            `json:"frozen,omitempty"`
	Disabled      bool            `json:"disabled,omitempty"`
	Cooldown      int             `json:"cooldown,omitempty" doc:"Slow mode: seconds between two messages of one member."`
	Tags          []string        `json:"tags,omitempty"`
	Extra         core.Extra      `json:"extra,omitempty"`
	Rules         *Rules          `json:"rules,omitempty" doc:"Where any were set."`
	MemberCount   int             `json:"member_count"`
	LastSeq       int64           `json:"last_seq" doc:"Number of the newest message."`
	LastMessageAt time.Time       `json:"last_message_at,omitzero"`
	TruncatedAt   time.Time       `json:"truncated_at,omitzero"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
	DeletedAt     time.Time       `json:"deleted_at,omitzero"`
}

// ChannelState is a channel with what a client shows first.
type ChannelState struct {
	Channel      Channel   `json:"channel"`
	Membership   *Member   `json:"membership,omitempty" doc:"The caller's own."`
	Members      []Member  `json:"members,omitempty" doc:"The first of them."`
	Messages     []Message `json:"messages,omitempty" doc:"The newest, oldest first."`
	Pinned       []Message `json:"pinned,omitempty"`
	Reads        []Read    `json:"reads,omitempty" doc:"How far the members have read."`
	Watchers     int       `json:"watchers,omitempty" doc:"How many are there now, of rooms."`
	Capabilities []string  `json:"capabilities,omitempty" doc:"What the caller may do here."`
	Hidden       bool      `json:"hidden,omitempty"`
	Draft        *Draft    `json:"draft,omitempty"`
}

// Member is a person's place in a channel.
type Member struct {
	User       User       `json:"user"`
	Role       string     `json:"role" doc:"owner, admin, moderator or member."`
	Extra      core.Extra `json:"extra,omitempty"`
	Banned     bool       `json:"banned,omitempty"`
	JoinedAt   time.Time  `json:"joined_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	InvitedAt  time.Time  `json:"invited_at,omitzero"`
	AcceptedAt time.Time  `json:"accepted_at,omitzero"`
	RejectedAt time.Time  `json:"rejected_at,omitzero"`
	HiddenAt   time.Time  `json:"hidden_at,omitzero"`
	PinnedAt   time.Time  `json:"pinned_at,omitzero"`
	ArchivedAt time.Time  `json:"archived_at,omitzero"`
	MutedUntil time.Time  `json:"muted_until,omitzero" doc:"The member's own mute of the channel."`
	ReadSeq    int64      `json:"read_seq"`
	ReadAt     time.Time  `json:"read_at,omitzero"`
}

// Message is an entry of a channel's log.
type Message struct {
	ID            string            `json:"id" doc:"The id the client chose, else decimal."`
	Stamp         core.MessageID    `json:"stamp" doc:"The core's own id: its place among everything that happened."`
	Channel       core.ChannelKey   `json:"channel"`
	Seq           int64             `json:"seq" doc:"Number within the channel, dense from 1."`
	User          *User             `json:"user,omitempty"`
	Kind          string            `json:"kind" doc:"regular, system, custom, ephemeral or error."`
	Text          string            `json:"text"`
	Attachments   []json.RawMessage `json:"attachments,omitempty" doc:"Objects as sent."`
	Mentions      []User            `json:"mentions,omitempty"`
	Parent        string            `json:"parent,omitempty" doc:"First message of the thread."`
	ShowInChannel bool              `json:"show_in_channel,omitempty"`
	Quoted        string            `json:"quoted,omitempty"`
	QuotedMessage *Message          `json:"quoted_message,omitempty"`
	Silent        bool              `json:"silent,omitempty"`
	Poll          *Poll             `json:"poll,omitempty"`
	RestrictedTo  []core.UserID     `json:"restricted_to,omitempty"`
	Tags          []string          `json:"tags,omitempty"`
	Notice        *Notice           `json:"notice,omitempty"`
	Extra         core.Extra        `json:"extra,omitempty"`
	Pinned        bool              `json:"pinned,omitempty"`
	PinnedAt      time.Time         `json:"pinned_at,omitzero"`
	PinnedBy      core.UserID       `json:"pinned_by,omitempty"`
	PinExpires    time.Time         `json:"pin_expires,omitzero"`
	ReplyCount    int               `json:"reply_count,omitempty"`
	LastReplyAt   time.Time         `json:"last_reply_at,omitzero"`
	Participants  []core.UserID     `json:"participants,omitempty" doc:"People in the thread."`
	Reactions     []ReactionSum     `json:"reactions,omitempty"`
	OwnReactions  []Reaction        `json:"own_reactions,omitempty" doc:"The caller's; never in events."`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
	EditedAt      time.Time         `json:"edited_at,omitzero"`
	DeletedAt     time.Time         `json:"deleted_at,omitzero" doc:"Set on a tombstone, whose content is gone."`
	DeletedForMe  bool              `json:"deleted_for_me,omitempty"`
}

// Notice tells what happened, on messages that nobody wrote.
type Notice struct {
	Kind core.NoticeKind `json:"kind" doc:"joined, left, added, kicked, banned, unbanned, ranked or call."`
	Of   core.UserID     `json:"of,omitempty" doc:"Whom it was done to."`
	Old  string          `json:"old,omitempty" doc:"Role before."`
	New  string          `json:"new,omitempty" doc:"Role after."`
	Call *Call           `json:"call,omitempty"`
}

// ReactionSum sums the reactions of one type.
type ReactionSum struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
	Score int    `json:"score"`
}

// Reaction is one person's reaction to one message.
type Reaction struct {
	Message   string     `json:"message"`
	Type      string     `json:"type"`
	User      User       `json:"user"`
	Score     int        `json:"score"`
	Extra     core.Extra `json:"extra,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
}

// Read is how far a person has come in a channel.
type Read struct {
	User         User      `json:"user"`
	Seq          int64     `json:"seq"`
	Message      string    `json:"message,omitempty"`
	At           time.Time `json:"at,omitzero"`
	Unread       int       `json:"unread" doc:"At most 1,000."`
	DeliveredSeq int64     `json:"delivered_seq,omitempty"`
	Delivered    string    `json:"delivered,omitempty" doc:"Newest message that reached a device."`
	DeliveredAt  time.Time `json:"delivered_at,omitzero"`
}

// Receipt tells how far a message came with one person.
type Receipt struct {
	User        User      `json:"user"`
	DeliveredAt time.Time `json:"delivered_at,omitzero"`
	ReadAt      time.Time `json:"read_at,omitzero"`
}

// Thread is a message with replies.
type Thread struct {
	Message       Message     `json:"message"`
	Channel       Channel     `json:"channel"`
	Title         string      `json:"title,omitempty"`
	Extra         core.Extra  `json:"extra,omitempty"`
	ReplyCount    int         `json:"reply_count"`
	Participants  []User      `json:"participants"`
	Replies       []Message   `json:"replies" doc:"The newest, oldest first."`
	LastMessageAt time.Time   `json:"last_message_at,omitzero"`
	CreatedAt     time.Time   `json:"created_at"`
	UpdatedAt     time.Time   `json:"updated_at"`
	Owner         core.UserID `json:"owner,omitempty" doc:"Of a started thread."`
	StartedAt     time.Time   `json:"started_at,omitzero"`
	People        int         `json:"people,omitempty" doc:"How many are in a started thread."`
}

// Ban keeps a person out, or hides what they write.
type Ban struct {
	User      core.UserID     `json:"user"`
	Channel   core.ChannelKey `json:"channel,omitempty" doc:"Absent for the whole app."`
	By        core.UserID     `json:"by,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Shadow    bool            `json:"shadow,omitempty" doc:"They may write, and only they see it."`
	CreatedAt time.Time       `json:"created_at"`
	Expires   time.Time       `json:"expires,omitzero"`
}

// Mute is one silenced person.
type Mute struct {
	User      User      `json:"user"`
	CreatedAt time.Time `json:"created_at"`
	Expires   time.Time `json:"expires,omitzero"`
}

// ChannelMute is one silenced channel.
type ChannelMute struct {
	Channel   core.ChannelKey `json:"channel"`
	CreatedAt time.Time       `json:"created_at"`
	Expires   time.Time       `json:"expires,omitzero"`
}

// Block is one blocked person.
type Block struct {
	User      User      `json:"user"`
	CreatedAt time.Time `json:"created_at"`
}

// Flag is one report to the moderators.
type Flag struct {
	ID         string          `json:"id"`
	By         core.UserID     `json:"by"`
	User       core.UserID     `json:"user,omitempty"`
	Message    string          `json:"message,omitempty"`
	Channel    core.ChannelKey `json:"channel,omitempty"`
	Reason     string          `json:"reason,omitempty"`
	Automatic  bool            `json:"automatic,omitempty" doc:"Raised by a word list."`
	Extra      core.Extra      `json:"extra,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	ReviewedAt time.Time       `json:"reviewed_at,omitzero"`
	Result     string          `json:"result,omitempty"`
}

// Wordlist is a named list of words that messages are checked against.
type Wordlist struct {
	Name      string    `json:"name"`
	Words     []string  `json:"words"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Friend is one entry of a person's list of friends.
type Friend struct {
	User      User       `json:"user"`
	Status    string     `json:"status" doc:"accepted, asked (by the caller) or pending (the caller's answer)."`
	Text      string     `json:"text,omitempty" doc:"Said when asking."`
	Remark    string     `json:"remark,omitempty" doc:"What the caller calls the friend."`
	Extra     core.Extra `json:"extra,omitempty" doc:"What the caller keeps about the friend."`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
}

// Device is a push target.
type Device struct {
	ID           string    `json:"id"`
	Provider     string    `json:"provider"`
	ProviderName string    `json:"provider_name,omitempty"`
	Voip         bool      `json:"voip,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
}

// File is an upload.
type File struct {
	ID        string      `json:"id"`
	URL       string      `json:"url" doc:"Whoever has it may read the file."`
	Name      string      `json:"name"`
	Type      string      `json:"type" doc:"Media type."`
	Size      int64       `json:"size"`
	Width     int         `json:"width,omitempty"`
	Height    int         `json:"height,omitempty"`
	Owner     core.UserID `json:"owner,omitempty"`
	CreatedAt time.Time   `json:"created_at"`
}

// Poll is a question with options.
type Poll struct {
	ID               string       `json:"id"`
	Name             string       `json:"name"`
	Description      string       `json:"description,omitempty"`
	Anonymous        bool         `json:"anonymous,omitempty"`
	UniqueVote       bool         `json:"unique_vote,omitempty"`
	MaxVotes         int          `json:"max_votes,omitempty"`
	AllowSuggestions bool         `json:"allow_suggestions,omitempty"`
	AllowAnswers     bool         `json:"allow_answers,omitempty"`
	Closed           bool         `json:"closed,omitempty"`
	Options          []PollOption `json:"options"`
	Extra            core.Extra   `json:"extra,omitempty"`
	CreatedBy        core.UserID  `json:"created_by,omitempty"`
	VoteCount        int          `json:"vote_count"`
	AnswerCount      int          `json:"answer_count,omitempty"`
	OwnVotes         []Vote       `json:"own_votes,omitempty"`
	CreatedAt        time.Time    `json:"created_at"`
	UpdatedAt        time.Time    `json:"updated_at"`
}

// PollOption is one choice.
type PollOption struct {
	ID    string     `json:"id"`
	Text  string     `json:"text"`
	Votes int        `json:"votes"`
	Extra core.Extra `json:"extra,omitempty"`
}

// Vote is one person's vote, or free answer.
type Vote struct {
	ID        string      `json:"id"`
	Poll      string      `json:"poll"`
	Option    string      `json:"option,omitempty"`
	Answer    string      `json:"answer,omitempty"`
	User      core.UserID `json:"user,omitempty" doc:"Absent in anonymous polls."`
	CreatedAt time.Time   `json:"created_at"`
}

// Draft is an unsent message.
type Draft struct {
	Channel   core.ChannelKey `json:"channel"`
	Parent    string          `json:"parent,omitempty"`
	Message   json.RawMessage `json:"message" doc:"The message object as it was put."`
	CreatedAt time.Time       `json:"created_at"`
}

// Reminder brings a message back to mind, or bookmarks it.
type Reminder struct {
	Message   string          `json:"message"`
	Channel   core.ChannelKey `json:"channel"`
	RemindAt  time.Time       `json:"remind_at,omitzero" doc:"Absent for a bookmark."`
	FiredAt   time.Time       `json:"fired_at,omitzero"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// Call is one call as signalling knows it.
type Call struct {
	ID          string          `json:"id"`
	Channel     core.ChannelKey `json:"channel"`
	Kind        string          `json:"kind" doc:"audio or video."`
	Status      core.CallStatus `json:"status" doc:"initiated, ongoing, rejected, busy, cancelled, unanswered or ended."`
	By          core.UserID     `json:"by"`
	To          core.UserID     `json:"to,omitempty"`
	In          []core.UserID   `json:"in,omitempty" doc:"Who is in it now."`
	Extra       core.Extra      `json:"extra,omitempty"`
	InitiatedAt time.Time       `json:"initiated_at"`
	StartedAt   time.Time       `json:"started_at,omitzero"`
	EndedAt     time.Time       `json:"ended_at,omitzero"`
}

// Counts are a person's unread totals.
type Counts struct {
	Messages int `json:"messages"`
	Channels int `json:"channels" doc:"Channels with any."`
	Threads  int `json:"threads" doc:"Threads with any."`
}

// Event is one thing that happened; see docs/native.md for the kinds and what they carry.
type Event struct {
	Kind       core.EventKind  `json:"kind"`
	Stamp      core.Stamp      `json:"stamp,omitempty" doc:"Cursor to resume from; absent on what is told once and forgotten."`
	At         time.Time       `json:"at"`
	ID         core.ChannelKey `json:"channel_id,omitempty"`
	Channel    *Channel        `json:"channel,omitempty" doc:"On channel.* events."`
	User       *User           `json:"user,omitempty" doc:"Who did it."`
	Target     *User           `json:"target,omitempty" doc:"Whom it was done to."`
	Message    *Message        `json:"message,omitempty"`
	Reaction   *Reaction       `json:"reaction,omitempty"`
	Member     *Member         `json:"member,omitempty"`
	Read       *Read           `json:"read,omitempty"`
	Ban        *Ban            `json:"ban,omitempty"`
	Mute       *ChannelMute    `json:"mute,omitempty"`
	Mutes      []Mute          `json:"mutes,omitempty"`
	Poll       *Poll           `json:"poll,omitempty"`
	Vote       *Vote           `json:"vote,omitempty"`
	Thread     *Thread         `json:"thread,omitempty"`
	Draft      *Draft          `json:"draft,omitempty"`
	Reminder   *Reminder       `json:"reminder,omitempty"`
	Change     *Change         `json:"change,omitempty"`
	Interacted *Interacted     `json:"interacted,omitempty"`
	Parent     string          `json:"parent,omitempty"`
	Name       string          `json:"name,omitempty" doc:"Of a custom event."`
	Extra      core.Extra      `json:"extra,omitempty"`
	Device     string          `json:"device,omitempty" doc:"The device it came from, when that told its name."`
	Watchers   int             `json:"watchers,omitempty"`
	Hard       bool            `json:"hard,omitempty" doc:"Deleted for good."`
	Cleared    bool            `json:"cleared,omitempty"`
	Everyone   bool            `json:"everyone,omitempty" doc:"All the others have come at least as far."`
}
