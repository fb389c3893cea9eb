package core

import "context"

// EnterRoom makes the actor present in a room on their connection: a member until they leave, or until
// a grace time after the last connection that entered is gone. Entering a room twice is no error.
// group.not_found, group.banned, group.full; group.join_denied for a room that is closed.
type EnterRoom struct {
	Key         ChannelKey
	LeaveOthers bool  // leave all other rooms first
	Extra       Extra // told to the others along with the entry
}

// LeaveRoom ends the actor's presence; group.not_member (self).
type LeaveRoom struct{ Key ChannelKey }

// InRoom asks which of the people (at most 1,000) are in a room; servers and people in it.
type InRoom struct {
	Key   ChannelKey
	Users []UserID
}

// ListRooms asks for the rooms a person is in, last entered first.
type ListRooms struct{ User UserID }

// SetSuperAdmin puts a person on the app's list of super admins, who rank as admins in every room, or
// takes them off it (user.not_found). Servers only.
type SetSuperAdmin struct {
	User   UserID
	Remove bool
}

// ListSuperAdmins asks for the list, by id. Limit at most 1000, default 100.
type ListSuperAdmins struct{ Page Page }

// Rooms is the coming and going of rooms (KindRoom). They are made, changed, deleted and moderated as
// groups are; comings and goings are told as MemberAdded and MemberRemoved without a notice in the log.
type Rooms interface {
	Enter(ctx context.Context, by Actor, in EnterRoom) (GroupView, error)
	Leave(ctx context.Context, by Actor, in LeaveRoom) (GroupView, error)
	In(ctx context.Context, by Actor, in InRoom) (map[UserID]bool, error)
	Joined(ctx context.Context, by Actor, in ListRooms) ([]Channel, error)
	SetSuperAdmin(ctx context.Context, by Actor, in SetSuperAdmin) error
	SuperAdmins(ctx context.Context, by Actor, in ListSuperAdmins) ([]UserID, error)
}
