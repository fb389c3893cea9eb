package core

import (
	"context"
	"time"
)

// Roles every app knows. Apps may define more.
const (
	RoleUser      = "user"
	RoleGuest     = "guest"
	RoleAnonymous = "anonymous"
	RoleAdmin     = "admin"
	RoleModerator = "moderator"
)

// User is a person of an app.
type User struct {
	ID            UserID    `json:"id"`
	Name          string    `json:"name,omitempty"`
	Image         string    `json:"image,omitempty"`
	Role          string    `json:"role,omitempty"`
	Teams         []string  `json:"teams,omitempty"`
	TeamRoles     Extra     `json:"team_roles,omitempty"` // object of team to role
	Language      string    `json:"language,omitempty"`
	Invisible     bool      `json:"invisible,omitempty"` // never shown online
	Tags          []string  `json:"tags,omitempty"`
	Privacy       Extra     `json:"privacy,omitempty"` // typing and read receipt switches, as the client sent them
	Extra         Extra     `json:"extra,omitempty"`
	CreatedAt     time.Time `json:"created_at,omitzero"`
	UpdatedAt     time.Time `json:"updated_at,omitzero"`
	LastActive    time.Time `json:"last_active,omitzero"`
	DeactivatedAt time.Time `json:"deactivated_at,omitzero"`
	DeletedAt     time.Time `json:"deleted_at,omitzero"`
	RevokedBefore time.Time `json:"revoked_before,omitzero"` // tokens issued earlier are expired
	Ban           *Ban      `json:"ban,omitempty"`           // app-wide ban in force, if any
	Online        bool      `json:"online,omitempty"`        // filled by the core when it answers, never stored
}

// Banned reports whether an app-wide ban, not a shadow ban, is in force at t.
func (u *User) Banned(t time.Time) bool { return u.Ban != nil && !u.Ban.Shadow && u.Ban.Active(t) }

// UpsertUsers creates the people named or replaces their profiles. Server only, except that a
// user may upsert itself (role and teams are kept then). At most 100.
type UpsertUsers struct {
	Users  []User
	Create bool // all of them must be new: user.already_exists otherwise
}

// PatchUsers changes single fields: each Change is applied to the stored profile.
type PatchUsers struct{ Patches []UserPatch }

// UserPatch changes one user in the transaction.
type UserPatch struct {
	ID     UserID
	Change func(*User) error
}

// QueryUsers finds people. Filter fields: id, name, role, teams, banned, shadow_banned, created_at,
// updated_at, last_active, deactivated_at, language, tags, extra.*. Limit at most 100, default 30.
type QueryUsers struct {
	Filter             Filter
	Sort               []Sort
	Page               Page
	IncludeDeactivated bool
	Presence           bool // also follow the presence of those found on the caller's connection
}

// GetUsers reads profiles by id; unknown ids are left out.
type GetUsers struct{ IDs []UserID }

// DeactivateUsers takes people out of use, or back in with Restore. Server only.
type DeactivateUsers struct {
	IDs          []UserID
	Restore      bool
	MarkMessages bool // also soft delete (or restore) their messages
	Name         string
}

// DeleteUsers removes people. Hard also removes the row; Messages deletes their messages too.
type DeleteUsers struct {
	IDs           []UserID
	Hard          bool
	Messages      DeleteMode
	Conversations bool // delete direct channels they are in
}

// DeleteMode tells how far a deletion goes.
type DeleteMode uint8

// The modes: keep, leave a tombstone, remove.
const (
	DeleteNone DeleteMode = iota
	DeleteSoft
	DeleteHard
)

// CreateGuest makes a guest from a profile; the id is replaced by a fresh one that ends in it.
type CreateGuest struct{ User User }

// ExportUser asks for everything stored of one person.
type ExportUser struct{ ID UserID }

// UserExport is everything stored of one person.
type UserExport struct {
	User      User
	Messages  []Message
	Reactions []Reaction
}

// Users manages people.
type Users interface {
	Upsert(ctx context.Context, by Actor, in UpsertUsers) ([]User, error)
	Patch(ctx context.Context, by Actor, in PatchUsers) ([]User, error)
	Get(ctx context.Context, by Actor, in GetUsers) ([]User, error)
	Query(ctx context.Context, by Actor, in QueryUsers) ([]User, error)
	Deactivate(ctx context.Context, by Actor, in DeactivateUsers) ([]User, error)
	Delete(ctx context.Context, by Actor, in DeleteUsers) (Task, error)
	Guest(ctx context.Context, by Actor, in CreateGuest) (User, error)
	Export(ctx context.Context, by Actor, in ExportUser) (UserExport, error)
}
