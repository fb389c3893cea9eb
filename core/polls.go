package core

import (
	"context"
	"time"
)

// Poll is a question with options, attached to messages.
type Poll struct {
	ID               string       `json:"id"`
	Name             string       `json:"name"`
	Description      string       `json:"description,omitempty"`
	Anonymous        bool         `json:"anonymous,omitempty"`
	UniqueVote       bool         `json:"unique_vote,omitempty"`
	MaxVotes         int          `json:"max_votes,omitempty"` // per person, 0 means no limit
	AllowSuggestions bool         `json:"allow_suggestions,omitempty"`
	AllowAnswers     bool         `json:"allow_answers,omitempty"`
	Closed           bool         `json:"closed,omitempty"`
	Options          []PollOption `json:"options"`
	Extra            Extra        `json:"extra,omitempty"`
	CreatedBy        UserID       `json:"created_by"`
	CreatedAt        time.Time    `json:"created_at"`
	UpdatedAt        time.Time    `json:"updated_at"`

	Creator       *User      `json:"creator,omitempty"`
	VoteCount     int        `json:"vote_count,omitempty"`
	AnswerCount   int        `json:"answer_count,omitempty"`
	LatestVotes   []PollVote `json:"latest_votes,omitempty"`   // per option at most 10, newest first
	LatestAnswers []PollVote `json:"latest_answers,omitempty"` // at most 10
	OwnVotes      []PollVote `json:"own_votes,omitempty"`
}

// PollOption is one choice.
type PollOption struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Extra Extra  `json:"extra,omitempty"`
	Votes int    `json:"votes,omitempty"` // filled when answering
}

// PollVote is one person's vote for an option, or a free answer.
type PollVote struct {
	ID        string    `json:"id"`
	Poll      string    `json:"poll"`
	Option    string    `json:"option,omitempty"`
	Answer    string    `json:"answer,omitempty"`
	User      UserID    `json:"user"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Author    *User     `json:"author,omitempty"`
}

// Commands of polls.
type (
	PutPoll struct {
		Poll   Poll // for a new one; ID may be empty
		Create bool
		ID     string            // the one to change
		Change func(*Poll) error // applied in the transaction
	}
	GetPoll    struct{ ID string }
	DeletePoll struct{ ID string }
	// QueryPolls: filter fields id, name, created_by, closed, unique_vote, max_votes, allow_answers, allow_suggestions, anonymous, created_at, updated_at.
	QueryPolls struct {
		Filter Filter
		Sort   []Sort
		Page   Page
	}
	PutOption struct {
		Poll   string
		Option PollOption
		Create bool
	}
	DeleteOption struct{ Poll, Option string }
	CastVote     struct {
		Message string
		Poll    string
		Option  string
		Answer  string
	}
	RemoveVote struct{ Message, Poll, Vote string }
	// QueryVotes: filter fields id, user, option, is_answer, created_at.
	QueryVotes struct {
		Poll   string
		Filter Filter
		Sort   []Sort
		Page   Page
	}
)

// PollPage and VotePage are pages of answers.
type (
	PollPage struct {
		Polls      []Poll
		Next, Prev string
	}
	VotePage struct {
		Votes      []PollVote
		Next, Prev string
	}
	// Voted is the outcome of a vote.
	Voted struct {
		Poll Poll
		Vote PollVote
	}
)

// Polls manages polls and votes.
type Polls interface {
	Put(ctx context.Context, by Actor, in PutPoll) (Poll, error)
	Get(ctx context.Context, by Actor, in GetPoll) (Poll, error)
	Delete(ctx context.Context, by Actor, in DeletePoll) (Poll, error)
	Query(ctx context.Context, by Actor, in QueryPolls) (PollPage, error)
	PutOption(ctx context.Context, by Actor, in PutOption) (Poll, error)
	DeleteOption(ctx context.Context, by Actor, in DeleteOption) (Poll, error)
	Vote(ctx context.Context, by Actor, in CastVote) (Voted, error)
	Unvote(ctx context.Context, by Actor, in RemoveVote) (Voted, error)
	Votes(ctx context.Context, by Actor, in QueryVotes) (VotePage, error)
}
