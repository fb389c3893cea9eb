package core

import (
	"context"
	"time"
)

// CallStatus is the state of a call, or, on a move, of one person in a group call.
type CallStatus string

// The statuses. A call starts as initiated; ongoing follows; all the others are final.
const (
	CallInitiated  CallStatus = "initiated"
	CallOngoing    CallStatus = "ongoing"
	CallRejected   CallStatus = "rejected"
	CallBusyStatus CallStatus = "busy"
	CallCancelled  CallStatus = "cancelled"
	CallUnanswered CallStatus = "unanswered"
	CallEndedState CallStatus = "ended"
)

// Over reports whether the status is final.
func (s CallStatus) Over() bool { return s != CallInitiated && s != CallOngoing }

// Call is one call as signalling knows it; the media take another way.
type Call struct {
	Session     string     `json:"session"`
	Key         ChannelKey `json:"key"`
	Direct      bool       `json:"direct,omitempty"` // between two people
	Kind        string     `json:"kind"`             // audio or video
	Status      CallStatus `json:"status"`
	By          UserID     `json:"by"`            // who rang
	To          UserID     `json:"to,omitempty"`  // who was rung, when Direct
	In          []UserID   `json:"in,omitempty"`  // who is in the call now
	Was         []UserID   `json:"was,omitempty"` // who was in it and left
	Extra       Extra      `json:"extra,omitempty"`
	InitiatedAt time.Time  `json:"initiated_at"`
	StartedAt   time.Time  `json:"started_at,omitzero"`
	JoinedAt    time.Time  `json:"joined_at,omitzero"` // when the one who moved it last joined
	EndedAt     time.Time  `json:"ended_at,omitzero"`
	// Mover is who moved it to its status; the profiles are filled when answering.
	Mover  UserID `json:"mover,omitempty"`
	Caller *User  `json:"caller,omitempty"`
	Callee *User  `json:"callee,omitempty"`
}

// StartCall rings the other person of a Direct or the members of a group, in the actor's name:
// target.is_self (variant call), call.busy (variants self, peer, group), block.by_self,
// block.by_peer, group.not_member (self). Session empty means a fresh one. A call that nobody
// answered for two minutes, or that went on for a day, holds nobody any more.
type StartCall struct {
	Key     ChannelKey
	Kind    string
	Session string
	Extra   Extra
}

// MoveCall takes a call to another status in the actor's name. In a group call ongoing and ended
// speak of the actor alone: the call ends when the last one has left. Errors: call.not_found,
// call.ended, call.not_participant, call.already_joined (user, group), call.already_left,
// request.missing_field (call_session_id; joined_at for who leaves a group call they never joined),
// call.invalid_transition (to_initiated, group_status, from_ongoing, initiated_to_ended).
//
// Kind without Status makes it a call of another kind (audio or video) while it goes on; nobody is
// told.
type MoveCall struct {
	Session  string
	Status   CallStatus
	Kind     string
	JoinedAt time.Time
}

// GetCall reads one call; call.not_found.
type GetCall struct{ Session string }

// ListCalls reads the calls of the actor, or of everybody for a server acting for nobody, newest
// first. Limit at most 100, default 30.
type ListCalls struct{ Page Page }

// Called is a call after a change. Notice is the message in the log that tells of it.
type Called struct {
	Call   Call
	Notice Message
}

// Calls is the signalling of calls. Every change is told as the MessageSent of a notice of kind
// NoticeCall in the log of the conversation.
type Calls interface {
	Start(ctx context.Context, by Actor, in StartCall) (Called, error)
	Move(ctx context.Context, by Actor, in MoveCall) (Called, error)
	Get(ctx context.Context, by Actor, in GetCall) (Call, error)
	List(ctx context.Context, by Actor, in ListCalls) ([]Call, error)
}
