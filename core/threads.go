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

// Threads reads replies by thread.
type Threads interface {
	Query(ctx context.Context, by Actor, in QueryThreads) (ThreadPage, error)
	Get(ctx context.Context, by Actor, in GetThread) (Thread, error)
	Patch(ctx context.Context, by Actor, in PatchThread) (Thread, error)
}
