package core

import (
	"context"
	"time"
)

// MessageAck is one person's receipt of one message, given on purpose.
type MessageAck struct {
	Message   MessageID `json:"message"`
	User      UserID    `json:"user"`
	Text      string    `json:"text,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	Count     int       `json:"count,omitempty"` // how many people have given one; in answers and events
}

// AckMessage gives a receipt; members who are not the author (target.is_self). The first one counts,
// another answers it again. Text at most 1,024 bytes.
type AckMessage struct {
	Message string
	Text    string
}

// ListAcks asks for the receipts of a message, by person; members. Limit at most 1000, default 100.
type ListAcks struct {
	Message string
	Page    Page
}

// CountAcks asks how many people gave a receipt, for at most 100 messages; unknown ones are left out.
type CountAcks struct{ Messages []string }

// Acks keeps receipts of single messages. The author is told as MessageAcked (stored).
type Acks interface {
	Ack(ctx context.Context, by Actor, in AckMessage) (MessageAck, error)
	List(ctx context.Context, by Actor, in ListAcks) ([]MessageAck, error)
	Count(ctx context.Context, by Actor, in CountAcks) (map[MessageID]int, error)
}
