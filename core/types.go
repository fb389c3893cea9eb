package core

import (
	"context"
	"time"
)

// ChannelType configures all channels of its name.
type ChannelType struct {
	Name              string         `json:"name"`
	Kind              ChannelKind    `json:"kind"` // what a channel of this type is, unless it is a Direct
	Features          Features       `json:"features"`
	MaxLength         int            `json:"max_length"`       // of a message text, in characters
	Automod           string         `json:"automod"`          // disabled, simple or AI
	AutomodBehavior   string         `json:"automod_behavior"` // flag or block
	Blocklist         string         `json:"blocklist,omitempty"`
	BlocklistBehavior string         `json:"blocklist_behavior,omitempty"` // flag, block or shadow_block
	Blocklists        []BlocklistUse `json:"blocklists,omitempty"`
	Retention         string         `json:"retention"`
	Commands          []string       `json:"commands"` // names of Commands; all_commands style sets are expanded
	Grants            []RoleGrants   `json:"grants"`
	Extra             Extra          `json:"extra,omitempty"`
	CreatedAt         time.Time      `json:"created_at"`
	UpdatedAt         time.Time      `json:"updated_at"`
}

// BlocklistUse attaches a list with its own behaviour.
type BlocklistUse struct {
	Name     string `json:"name"`
	Behavior string `json:"behavior"`
}

// Feature is one switch of a channel type.
type Feature string

// The switches. A feature that is off answers service.not_enabled.
const (
	FeatureTyping      Feature = "typing_events"
	FeatureReads       Feature = "read_events"
	FeatureConnects    Feature = "connect_events"
	FeatureDelivery    Feature = "delivery_events"
	FeatureCustom      Feature = "custom_events"
	FeatureSearch      Feature = "search"
	FeatureReactions   Feature = "reactions"
	FeatureReplies     Feature = "replies"
	FeatureQuotes      Feature = "quotes"
	FeatureMutes       Feature = "mutes"
	FeatureUploads     Feature = "uploads"
	FeatureURLs        Feature = "url_enrichment"
	FeaturePush        Feature = "push_notifications"
	FeaturePolls       Feature = "polls"
	FeatureReminders   Feature = "user_message_reminders"
	FeatureUnreadNudge Feature = "reminders"
	FeatureLocations   Feature = "shared_locations"
	FeatureCount       Feature = "count_messages"
	FeaturePending     Feature = "mark_messages_pending"
	FeatureQuietSystem Feature = "skip_last_msg_update_for_system_msgs"
)

// Features is the set of switches that are on.
type Features map[Feature]bool

// RoleGrants is what one role may do in a scope. Permission names are those of package perm.
type RoleGrants struct {
	Role        string   `json:"role"`
	Permissions []string `json:"permissions"`
}

// ConfigOverrides are a channel's deviations from its type.
type ConfigOverrides struct {
	Features          Features     `json:"features,omitempty"`
	MaxLength         int          `json:"max_length,omitempty"`
	Blocklist         *string      `json:"blocklist,omitempty"`
	BlocklistBehavior *string      `json:"blocklist_behavior,omitempty"`
	Commands          []string     `json:"commands,omitempty"` // nil means the type's
	Grants            []RoleGrants `json:"grants,omitempty"`   // "!name" takes a permission away
	Rules             *GroupRules  `json:"rules,omitempty"`    // kept by Groups, not by who replaces the rest
}

// Command is a slash command of messages. Built-in ones have no handler.
type Command struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Args        string    `json:"args,omitempty"`
	Set         string    `json:"set,omitempty"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
}

// Role is a name that grants can be given to.
type Role struct {
	Name      string    `json:"name"`
	Custom    bool      `json:"custom"`
	Title     string    `json:"title,omitempty"`
	About     string    `json:"about,omitempty"`
	Reach     Reach     `json:"reach,omitempty"`
	Extra     Extra     `json:"extra,omitempty"`
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Reach is whom people of a role may find and write to.
type Reach string

// The reaches. A role that reaches friends finds only its friends in Users.Query and may send to no
// one else in a Direct (friend.not_friends).
const (
	ReachAll     Reach = ""
	ReachFriends Reach = "friends"
)

// Permission describes one thing a grant allows.
type Permission struct {
	ID          string
	Name        string
	Description string
	Action      string
	Owner       bool
	SameTeam    bool
	Level       string // app or channel
}

// Verbs of the channel type, command and role registries. Put creates when Create is set (it must
// be new then), else it changes what is stored by Change.
type (
	GetType struct{ Name string }
	PutType struct {
		Name   string
		Create bool
		Change func(*ChannelType) error
	}
	DeleteType struct{ Name string }
	ListTypes  struct{}

	GetCommand struct{ Name string }
	PutCommand struct {
		Name   string
		Create bool
		Change func(*Command) error
	}
	DeleteCommand struct{ Name string }
	ListCommands  struct{}

	// PutRole makes a role, or with Change also alters one that exists: the built-in ones too.
	PutRole struct {
		Name   string
		Change func(*Role) error
	}
	DeleteRole      struct{ Name string }
	ListRoles       struct{}
	ListPermissions struct{}
	GetPermission   struct{ ID string }
)

// Types manages channel types. Servers only, except reading.
type Types interface {
	Get(ctx context.Context, by Actor, in GetType) (ChannelType, error)
	Put(ctx context.Context, by Actor, in PutType) (ChannelType, error)
	Delete(ctx context.Context, by Actor, in DeleteType) (ChannelType, error)
	List(ctx context.Context, by Actor, in ListTypes) ([]ChannelType, error)
}

// Commands manages slash commands. Servers only.
type Commands interface {
	Get(ctx context.Context, by Actor, in GetCommand) (Command, error)
	Put(ctx context.Context, by Actor, in PutCommand) (Command, error)
	Delete(ctx context.Context, by Actor, in DeleteCommand) (Command, error)
	List(ctx context.Context, by Actor, in ListCommands) ([]Command, error)
}

// Roles manages custom roles and tells what can be granted. Servers only.
type Roles interface {
	Put(ctx context.Context, by Actor, in PutRole) (Role, error)
	Delete(ctx context.Context, by Actor, in DeleteRole) (Role, error)
	List(ctx context.Context, by Actor, in ListRoles) ([]Role, error)
	Permissions(ctx context.Context, by Actor, in ListPermissions) ([]Permission, error)
	Permission(ctx context.Context, by Actor, in GetPermission) (Permission, error)
}
