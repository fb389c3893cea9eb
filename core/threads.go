package core

import (
	"context"
	"time"
)

// Thread is a message with replies.
type Thread struct {
	Parent           Message
	Channel          Channel
	Config           ChannelType
	Title            string
	Extra            Extra
	CreatedBy        *User
	Participants     []ThreadParticipant
	Reads            []Read
	LatestReplies    []Message
	ReplyCount       int
	ParticipantCount int
	ActiveCount      int
	LastMessageAt    time.Time
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Draft            *Draft

	// Of a thread that was started as a place of its own, see StartThread.
	Owner     UserID
	StartedAt time.Time
	People    int // who is in it
}

// StartThread makes the thread of a message a place of its own, with a title, an owner (the actor) and
// people who come and go: members of the channel. thread.already_exists; thread.parent_invalid for a
// deleted message or one outside of a group, thread.nesting_too_deep for a reply.
type StartThread struct {
	Parent string
	Title  string // at most 255 bytes
}

// CloseThread ends a started thread; its replies are deleted in the background. Its owner, moderators
// of the group and above, servers.
type CloseThread struct{ Parent string }

// EnterThread makes the actor one of the people of a started thread, or with Leave no longer.
// thread.not_found; group.already_member and group.not_member of the variant thread.
type EnterThread struct {
	Parent string
	Leave  bool
}

// ThreadPeople adds people to a started thread, or removes them; rights as of CloseThread. At most 100.
type ThreadPeople struct {
	Parent string
	Users  []UserID
	Remove bool
}

// ListThreadPeople asks who is in a started thread, by id; members of the channel. Limit at most 1000, default 100.
type ListThreadPeople struct {
	Parent string
	Page   Page
}

// ListStarted asks for started threads, newest first: of a channel, of a person (the actor, or for
// servers another), or of a person in a channel. With neither, for servers, those of the whole app.
// Limit at most 100, default 20; Cursor is the decimal id of the parent of the last one before.
type ListStarted struct {
	Key    ChannelKey
	User   UserID
	Oldest bool // oldest first instead
	Page   Page
}

// ThreadParticipant is a person in a thread.
type ThreadParticipant struct {
	User      User
	CreatedAt time.Time
	LastRead  time.Time
	Left      bool
}

// QueryThreads lists the threads the actor takes part in, latest reply first. Filter fields:
// key, channel.disabled, channel.team, created_at, updated_at, created_by, parent, last_message_at. Limit default 10,
// at most 25.
type QueryThreads struct {
	Filter           Filter
	Sort             []Sort
	Page             Page
	ReplyLimit       int // default 2, at most 10
	ParticipantLimit int // default 10, at most 100
	MemberLimit      int
	Watch            bool
}

// ThreadPage is one page of threads.
type ThreadPage struct {
	Threads []Thread
	Next    string
	Prev    string
}

// GetThread reads one thread by its parent message.
type GetThread struct {
	Parent           string
	ReplyLimit       int
	ParticipantLimit int
	Watch            bool
}

// PatchThread changes title and custom fields of a thread.
type PatchThread struct {
	Parent string
	Change func(title *string, extra *Extra) error
}

// Threads reads replies by thread. Who replies in a started thread enters it; with SendMessage.Inside
// who is not in it is refused (group.not_member, variant thread). The MessageSent of a reply there names
// all its people in Message.Participants, beside the first message's author and who replied.
type Threads interface {
	Query(ctx context.Context, by Actor, in QueryThreads) (ThreadPage, error)
	Get(ctx context.Context, by Actor, in GetThread) (Thread, error)
	Patch(ctx context.Context, by Actor, in PatchThread) (Thread, error)
	Start(ctx context.Context, by Actor, in StartThread) (Thread, error)
	Close(ctx context.Context, by Actor, in CloseThread) (Thread, error)
	Enter(ctx context.Context, by Actor, in EnterThread) (Thread, error)
	Change(ctx context.Context, by Actor, in ThreadPeople) ([]GroupOutcome, error)
	People(ctx context.Context, by Actor, in ListThreadPeople) ([]UserID, error)
	Started(ctx context.Context, by Actor, in ListStarted) ([]Thread, error)
}
