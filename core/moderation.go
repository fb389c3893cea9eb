package core

import (
	"context"
	"time"
)

// Ban keeps a person out of an app or a channel, or hides what they write (Shadow).
type Ban struct {
	User      UserID     `json:"user"`
	Channel   ChannelKey `json:"channel,omitempty"` // empty means the whole app
	By        UserID     `json:"by,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	Shadow    bool       `json:"shadow,omitempty"`
	IP        bool       `json:"ip,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	Expires   time.Time  `json:"expires,omitzero"` // zero means never
	Target    *User      `json:"target,omitempty"` // filled when answering
	Banner    *User      `json:"banner,omitempty"`
}

// Active reports whether the ban is in force at t.
func (b *Ban) Active(t time.Time) bool { return b.Expires.IsZero() || t.Before(b.Expires) }

// SetBan bans a person, or lifts the ban.
type SetBan struct {
	User     UserID
	Key      ChannelKey // empty means the whole app
	Lift     bool
	Shadow   bool
	IP       bool
	For      time.Duration // 0 means without end
	Reason   string
	Messages DeleteMode // also delete their messages
	Future   bool       // also in channels the banning user creates later
}

// QueryBans finds bans. Filter fields: user, banned_by, key, reason, created_at, expires. Limit at most 300, default 100.
type QueryBans struct {
	Filter Filter
	Sort   []Sort
	Page   Page
	Future bool   // bans from future channels instead
	By     UserID // with Future: by whom
}

// MuteUsers silences people for the actor.
type MuteUsers struct {
	Users  []UserID
	For    time.Duration // 0 means without end
	Unmute bool
}

// UserMute is one silenced person.
type UserMute struct {
	User      User // who muted
	Target    User
	CreatedAt time.Time
	UpdatedAt time.Time
	Expires   time.Time
}

// Muted is the outcome of MuteUsers.
type Muted struct {
	Mutes   []UserMute
	Unknown []UserID
	Self    Self
}

// BlockUser stops direct conversation between the actor and another person.
type BlockUser struct {
	User    UserID
	Unblock bool
}

// UserBlock is one blocked person.
type UserBlock struct {
	By        User
	Target    User
	CreatedAt time.Time
}

// ListBlocks asks for the people the actor has blocked, or with Back for those who have blocked the
// actor.
type ListBlocks struct{ Back bool }

// FlagContent reports a message or a person to the moderators; Unflag takes it back.
type FlagContent struct {
	Message string
	User    UserID
	Reason  string
	Extra   Extra
	Unflag  bool
}

// Flag is one report.
type Flag struct {
	ID         string     `json:"id"`
	By         UserID     `json:"by"`
	Message    MessageID  `json:"message,omitempty"`
	Alias      string     `json:"alias,omitempty"`
	Channel    ChannelID  `json:"channel,omitempty"`
	Key        ChannelKey `json:"key,omitempty"`
	Target     UserID     `json:"target,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	Automatic  bool       `json:"automatic,omitempty"`
	Extra      Extra      `json:"extra,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	ReviewedAt time.Time  `json:"reviewed_at,omitzero"`
	ReviewedBy UserID     `json:"reviewed_by,omitempty"`
	Result     string     `json:"result,omitempty"`

	ByUser     *User    `json:"by_user,omitempty"`
	TargetUser *User    `json:"target_user,omitempty"`
	MessageNow *Message `json:"message_now,omitempty"`
}

// QueryFlags finds reports. Filter fields: by, user, key, message, team, reviewed, created_at. Limit at most 300, default 100.
type QueryFlags struct {
	Filter   Filter
	Sort     []Sort
	Page     Page
	Messages bool // only reports of messages
}

// Blocklist is a named list of words.
type Blocklist struct {
	Name  string   `json:"name"`
	Words []string `json:"words"`          // lower case, at most 10,000 of at most 40 bytes (128 of the kind part)
	Kind  string   `json:"kind,omitempty"` // word, regex, domain, email; part: anywhere in the text
	// Masks are what is written in place of words, by word; of the kind part, with the behaviour mask.
	Masks     map[string]string `json:"masks,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
}

// GetBlocklist reads one list, PutBlocklist creates or replaces one (Create: must be new; otherwise
// must exist), DeleteBlocklist removes one, ListBlocklists reads all; at most 15 of an app's own.
type (
	GetBlocklist struct{ Name string }
	PutBlocklist struct {
		List   Blocklist
		Create bool
	}
	DeleteBlocklist struct{ Name string }
	ListBlocklists  struct{}
)

// Moderation keeps conversations civil.
type Moderation interface {
	Ban(ctx context.Context, by Actor, in SetBan) (Ban, error)
	Bans(ctx context.Context, by Actor, in QueryBans) ([]Ban, error)
	Mute(ctx context.Context, by Actor, in MuteUsers) (Muted, error)
	Block(ctx context.Context, by Actor, in BlockUser) (UserBlock, error)
	Blocks(ctx context.Context, by Actor, in ListBlocks) ([]UserBlock, error)
	Flag(ctx context.Context, by Actor, in FlagContent) (Flag, error)
	Flags(ctx context.Context, by Actor, in QueryFlags) ([]Flag, error)
}

// Blocklists manages word lists. Servers only.
type Blocklists interface {
	Get(ctx context.Context, by Actor, in GetBlocklist) (Blocklist, error)
	Put(ctx context.Context, by Actor, in PutBlocklist) (Blocklist, error)
	Delete(ctx context.Context, by Actor, in DeleteBlocklist) (Blocklist, error)
	List(ctx context.Context, by Actor, in ListBlocklists) ([]Blocklist, error)
}
