package core

import (
	"context"
	"time"
)

// Reaction is one person's reaction of one type to one message.
type Reaction struct {
	Message   MessageID `json:"message"`
	Alias     string    `json:"alias,omitempty"` // the message's alias
	Type      string    `json:"type"`            // at most 30 bytes
	User      UserID    `json:"user"`
	Score     int       `json:"score"` // claps: how often; default 1
	Extra     Extra     `json:"extra,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Author    *User     `json:"author,omitempty"` // filled when answering
}

// ReactionGroup sums the reactions of one type on a message.
type ReactionGroup struct {
	Type    string    `json:"type"`
	Count   int       `json:"count"`
	Score   int       `json:"score"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
}

// AddReaction sets the actor's reaction; Unique removes the actor's other types first.
type AddReaction struct {
	Message string
	Type    string
	Score   int // 0 means 1
	Unique  bool
	Extra   Extra
}

// RemoveReaction takes the actor's reaction back.
type RemoveReaction struct {
	Message string
	Type    string
}

// ListReactions reads the reactions of a message, newest first. Filter fields: type, user, created_at.
type ListReactions struct {
	Message string
	Filter  Filter
	Sort    []Sort
	Page    Page // default 10 (offset) or 25 (cursor), at most 300
}

// Reacted is the outcome of a change of reactions.
type Reacted struct {
	Message  Message
	Reaction Reaction
}

// ReactionPage is one page of reactions.
type ReactionPage struct {
	Reactions []Reaction
	Next      string
	Prev      string
}

// Reactions manages reactions to messages.
type Reactions interface {
	Add(ctx context.Context, by Actor, in AddReaction) (Reacted, error)
	Remove(ctx context.Context, by Actor, in RemoveReaction) (Reacted, error)
	List(ctx context.Context, by Actor, in ListReactions) (ReactionPage, error)
}
