package core

import (
	"context"
	"time"
)

// Announce sets the announcement of a group or room, or takes it down (empty). Moderators and above;
// request.field_too_long over Max bytes (0 means 4,096).
type Announce struct {
	Key  ChannelKey
	Text string
	Max  int
}

// SharedFile is a file that a group keeps for its members.
type SharedFile struct {
	ID        string    `json:"id"` // of core.Files, or the dialect's own
	Name      string    `json:"name"`
	Size      int64     `json:"size"`
	Owner     UserID    `json:"owner,omitempty"` // who shared it
	Extra     Extra     `json:"extra,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// ShareFile puts a file on the group's list; members. Owner and CreatedAt are set by the core.
// limit.reached over Max files (0 means 1,000).
type ShareFile struct {
	Key  ChannelKey
	File SharedFile
	Max  int
}

// UnshareFile takes a file off the list: who shared it, moderators and above. file.not_found.
type UnshareFile struct {
	Key ChannelKey
	ID  string
}

// ListShared asks for the shared files, newest first; members. Limit at most 1000, default 100.
type ListShared struct {
	Key  ChannelKey
	Page Page
}

// Board is what a group keeps in everybody's view. The announcement is read by Channel.Rules.
type Board interface {
	Announce(ctx context.Context, by Actor, in Announce) (Channel, error)
	Share(ctx context.Context, by Actor, in ShareFile) (SharedFile, error)
	Unshare(ctx context.Context, by Actor, in UnshareFile) (SharedFile, error)
	Shared(ctx context.Context, by Actor, in ListShared) ([]SharedFile, error)
}
