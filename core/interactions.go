package core

import (
	"context"
	"time"
)

// Interaction is one use of an element of a message: a button pressed, a form sent.
type Interaction struct {
	Element string    `json:"element"`
	At      time.Time `json:"at"`
}

// Interacted is what one person has done with one message.
type Interacted struct {
	Message MessageID     `json:"message"`
	User    UserID        `json:"user"`
	Done    []Interaction `json:"done"`             // each element once, in order of first use
	Reached time.Time     `json:"reached,omitzero"` // when the goal of the message was reached; zero means not yet
}

// MarkInteraction notes that the actor has used elements of a message: 1 to 100 of at most 255 bytes
// each, and 100 different ones in all (request.invalid_field). Goal tells whether what is done
// reaches the goal of the message; nil means that it has none. Goal is called within a transaction
// and must not call back; its error ends the command. Errors: message.not_found, message.access_denied.
type MarkInteraction struct {
	Message  string
	Elements []string
	Goal     func(done []Interaction) (bool, error)
}

// GetInteractions reads what the actor has done with messages, at most 300; those without are left out.
type GetInteractions struct{ Messages []MessageID }

// Interactions is what people do with interactive messages. Reaching a goal is told once, to
// everyone in the conversation, as GoalReached.
type Interactions interface {
	Mark(ctx context.Context, by Actor, in MarkInteraction) (Interacted, error)
	Get(ctx context.Context, by Actor, in GetInteractions) ([]Interacted, error)
}
