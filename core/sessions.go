package core

import (
	"context"
	"time"
)

// Session is one live connection of a person, as Connect.Session described it.
type Session struct {
	Connection string    `json:"connection"`
	User       UserID    `json:"user"`
	Device     string    `json:"device,omitempty"`   // the dialect's name of the device
	Name       string    `json:"name,omitempty"`     // for people
	Platform   string    `json:"platform,omitempty"` // ios, android, web, …
	Extra      Extra     `json:"extra,omitempty"`
	Since      time.Time `json:"since"`
}

// ListSessions asks for a person's live connections on all nodes, oldest first: the actor's own, or
// for servers anybody's.
type ListSessions struct{ User UserID }

// KickSessions ends live connections of a person: the actor's own, or for servers anybody's. Device and
// Platform narrow them down; Except spares one connection. Their Connect.Ended is called with
// session.kicked of the variant Reason: elsewhere, server, device, password, removed.
type KickSessions struct {
	User       UserID
	Connection string
	Device     string
	Platform   string
	Except     string // connection id
	Reason     string // empty means server
	Text       string // told along as Change.Text
}

// Sessions tells where people are connected, and ends it. Kick answers the connections ended on this
// node and those known of others.
type Sessions interface {
	List(ctx context.Context, by Actor, in ListSessions) ([]Session, error)
	Kick(ctx context.Context, by Actor, in KickSessions) ([]Session, error)
}
