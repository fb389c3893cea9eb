package core

import (
	"context"
	"time"
)

// App is one tenant: its people and rooms are shared by all of its dialects.
type App struct {
	ID        AppID
	Name      string
	Settings  AppSettings
	CreatedAt time.Time
	UpdatedAt time.Time
}

// AppSettings is what an operator or a server client may change at run time. The zero value of
// each field is its default.
type AppSettings struct {
	Suspended          bool           `json:"suspended,omitempty"`
	SuspendedReason    string         `json:"suspended_reason,omitempty"`
	DisableAuthChecks  bool           `json:"disable_auth_checks,omitempty"` // accept unsigned development tokens
	DisablePermissions bool           `json:"disable_permissions,omitempty"` // skip grant checks
	GuestsDisabled     bool           `json:"guests_disabled,omitempty"`     // no guest users
	Teams              bool           `json:"teams,omitempty"`               // multi-tenant: people and channels carry teams and meet only within one
	UniqueNames        string         `json:"unique_names,omitempty"`        // "", "app" or "team": where display names are unique
	RevokeTokensBefore time.Time      `json:"revoke_tokens_before,omitzero"` // tokens issued earlier are expired
	WebhookURL         string         `json:"webhook_url,omitempty"`         // told of every event in WebhookEvents
	WebhookEvents      []string       `json:"webhook_events,omitempty"`      // empty means all
	BeforeSendURL      string         `json:"before_send_url,omitempty"`     // asked before a message is stored
	CommandURL         string         `json:"command_url,omitempty"`         // answers custom commands; "{type}" is replaced by the command
	Hooks              []EventHook    `json:"hooks,omitempty"`               // several webhooks, each with its own events
	FileUpload         UploadRules    `json:"file_upload,omitzero"`          // what files may be uploaded
	ImageUpload        UploadRules    `json:"image_upload,omitzero"`         // what images may be uploaded
	BindTokens         bool           `json:"bind_tokens,omitempty"`         // an auth token that one device has used is refused on others
	Plan               Plan           `json:"plan,omitzero"`                 // what the operator has agreed with the app
	GroupLimit         int            `json:"group_limit,omitempty"`         // members of one group ruled by rank; 0 means 100,000
	Blocklists         []BlocklistUse `json:"blocklists,omitempty"`          // word lists that hold in all channels
	Caps               Caps           `json:"caps,omitzero"`                 // how much one person, or the app, may have
	ReminderInterval   int            `json:"reminder_interval,omitempty"`   // seconds until an unread message is reminded of
	Grants             []RoleGrants   `json:"grants,omitempty"`              // app scope; replaces the defaults of the roles named
	Extra              Extra          `json:"extra,omitempty"`               // settings the core does not act on, kept for the dialect that set them
}

// Caps bound what people and groups gather. 0 means the core's own bound where one is named, or none.
type Caps struct {
	Joined   int `json:"joined,omitempty"`   // groups and rooms a person is in: group.limit_reached (user_joined)
	Channels int `json:"channels,omitempty"` // groups and rooms of the app: group.limit_reached (app_total)
	Admins   int `json:"admins,omitempty"`   // admins of one group: group.limit_reached (admins_or_follows)
	Friends  int `json:"friends,omitempty"`  // friends and open requests of a person, at most 1,000: friend.limit_reached (self, peer)
	Blocked  int `json:"blocked,omitempty"`  // people one person blocks: limit.reached (direct_blocklist)
}

// EventHook is one webhook subscription.
type EventHook struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"` // webhook; the other kinds of the vendors are refused by their dialects
	URL     string   `json:"url"`
	Events  []string `json:"events,omitempty"` // empty means all
	Enabled bool     `json:"enabled"`
	Before  bool     `json:"before,omitempty"` // also asked before a message is stored; see Callouts
	Extra   Extra    `json:"extra,omitempty"`
}

// AsksBefore reports whether an endpoint of the app is asked before a message is stored.
func (s *AppSettings) AsksBefore() bool {
	if s.BeforeSendURL != "" {
		return true
	}
	for i := range s.Hooks {
		if s.Hooks[i].Enabled && s.Hooks[i].Before {
			return true
		}
	}
	return false
}

// UploadRules restricts uploads. Empty lists allow everything; a size of 0 means 100 MiB.
type UploadRules struct {
	AllowedExtensions []string `json:"allowed_extensions,omitempty"`
	BlockedExtensions []string `json:"blocked_extensions,omitempty"`
	AllowedTypes      []string `json:"allowed_types,omitempty"`
	BlockedTypes      []string `json:"blocked_types,omitempty"`
	SizeLimit         int64    `json:"size_limit,omitempty"`
}

// GetApp asks for the caller's app.
type GetApp struct{}

// UpdateApp changes settings: Change is applied to the current settings in the transaction.
type UpdateApp struct {
	Change func(*AppSettings) error
}

// Apps manages the caller's own app. Only servers may update.
type Apps interface {
	Get(ctx context.Context, by Actor, in GetApp) (App, error)
	Update(ctx context.Context, by Actor, in UpdateApp) (App, error)
}
