package core

import (
	"context"
	"time"
)

// AttributeLimits bound attributes; limits of 0 mean 256 bytes a name, 4,096 a value, 1,000 entries.
// A name that is too long or empty is request.invalid_field, a value request.field_too_long, one
// entry too many limit.reached.
type AttributeLimits struct {
	Name, Value, Entries int
}

// SetMemberAttributes changes what a group keeps about a member: the member themself, or moderators
// and above. An empty value removes the entry. group.not_member (variant target).
type SetMemberAttributes struct {
	Key    ChannelKey
	User   UserID // empty means the actor
	Values map[string]string
	Limits AttributeLimits
}

// GetMemberAttributes reads them, of at most 200 people; members. Names empty means all.
type GetMemberAttributes struct {
	Key   ChannelKey
	Users []UserID
	Names []string
}

// RoomAttribute is one entry of what a room keeps for everyone in it.
type RoomAttribute struct {
	Name      string    `json:"name"`
	Value     string    `json:"value"`
	Owner     UserID    `json:"owner,omitempty"` // who set it
	Auto      bool      `json:"auto,omitempty"`  // removed when the owner leaves
	Removed   bool      `json:"removed,omitempty"`
	UpdatedAt time.Time `json:"updated_at"` // strictly rising within a room
}

// SetRoomAttributes sets entries of a room, one by one; who is in it, or servers acting for nobody or
// for Owner. Force overwrites what another person owns; otherwise that is permission.denied (variant
// open_channel_metadata). Quiet tells nobody.
type SetRoomAttributes struct {
	Key    ChannelKey
	Values map[string]string
	Owner  UserID // servers only; empty means the actor
	Auto   bool
	Force  bool
	Quiet  bool
	Limits AttributeLimits
}

// RemoveRoomAttributes removes entries; rights as of SetRoomAttributes. A name that is not there is
// attribute.not_found (variant open_channel_metadata).
type RemoveRoomAttributes struct {
	Key   ChannelKey
	Names []string
	Owner UserID
	Force bool
	Quiet bool
}

// AttributeOutcome is what became of one entry; Err is nil or a *fault.Error.
type AttributeOutcome struct {
	Name string
	Err  error
}

// GetRoomAttributes reads entries: those of Names, or all. With Since those changed after it, the
// removed ones among them.
type GetRoomAttributes struct {
	Key   ChannelKey
	Names []string
	Since time.Time
}

// Attributes keeps small values with members and rooms. Changes are told as MemberAttributes (stored)
// and as RoomAttributesSet and RoomAttributesRemoved (told once).
type Attributes interface {
	SetMember(ctx context.Context, by Actor, in SetMemberAttributes) (map[string]string, error)
	Members(ctx context.Context, by Actor, in GetMemberAttributes) (map[UserID]map[string]string, error)
	SetRoom(ctx context.Context, by Actor, in SetRoomAttributes) ([]AttributeOutcome, error)
	RemoveRoom(ctx context.Context, by Actor, in RemoveRoomAttributes) ([]AttributeOutcome, error)
	Room(ctx context.Context, by Actor, in GetRoomAttributes) ([]RoomAttribute, error)
}
