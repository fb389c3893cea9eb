package core

import (
	"context"
	"time"
)

// Presence is how a person shows themself.
type Presence struct {
	User     UserID         `json:"user"`
	Text     string         `json:"text,omitempty"`    // free text, the newest published
	Devices  map[string]int `json:"devices,omitempty"` // status by device: those connected (1 unless published otherwise)
	LastSeen time.Time      `json:"last_seen,omitzero"`
	Expires  time.Time      `json:"expires,omitzero"` // of the asker's subscription, if any
}

// PublishPresence sets the actor's text and the status of one device. Text at most 1,024 bytes.
type PublishPresence struct {
	Device string
	Status int // 1 is online, 0 offline, others are the app's own
	Text   string
}

// QueryPresence reads the presence of people, at most 1,000.
type QueryPresence struct{ Users []UserID }

// SubscribePresence tells the actor of changes of people's presence for a time, or stops. Subscribing
// again renews. limit.reached (variant presence_subscriptions) over Max entries (0 means 10,000).
type SubscribePresence struct {
	Users []UserID // at most 1,000
	For   time.Duration
	Stop  bool
	Max   int
}

// ListSubscriptions asks for the actor's subscriptions in force, by id. Limit at most 1000, default 100.
type ListSubscriptions struct{ Page Page }

// Subscriptions is one page of presence subscriptions.
type Subscriptions struct {
	Total int
	List  []Presence // User and Expires only
}

// Presences is presence that lasts longer than a connection. Changes, devices coming and going among
// them, are told to subscribers as PresenceChanged.
type Presences interface {
	Publish(ctx context.Context, by Actor, in PublishPresence) (Presence, error)
	Query(ctx context.Context, by Actor, in QueryPresence) ([]Presence, error)
	Subscribe(ctx context.Context, by Actor, in SubscribePresence) ([]Presence, error)
	Subscriptions(ctx context.Context, by Actor, in ListSubscriptions) (Subscriptions, error)
}
