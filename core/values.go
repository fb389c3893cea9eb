package core

import (
	"context"
	"time"
)

// MessageValue is one named text that hangs on a message: what its readers may change about it without
// changing what it says.
type MessageValue struct {
	Name      string    `json:"name"`
	Value     string    `json:"value"`
	UpdatedAt time.Time `json:"updated_at"`
}

// SetMessageValues sets and removes values of a message: its author, members of its channel, servers.
// Names that are not there are removed without an error. Values that exist count against Max, the
// most one message may have (0 means 300; limit.reached above). message.not_found.
type SetMessageValues struct {
	Message string
	Set     map[string]string // names of 1 to 256 bytes, values of at most 8 KiB
	Remove  []string
	Max     int
}

// GetMessageValues reads the values of at most 300 messages, by name; messages without any are left out.
type GetMessageValues struct{ Messages []MessageID }

// Values keeps named texts with messages. Changes are told as MessageValued (stored), whose Extra is
// {"set":{name:value},"removed":[name]}.
type Values interface {
	Set(ctx context.Context, by Actor, in SetMessageValues) ([]MessageValue, error)
	Get(ctx context.Context, by Actor, in GetMessageValues) (map[MessageID][]MessageValue, error)
}
