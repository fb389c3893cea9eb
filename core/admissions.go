package core

import (
	"context"
	"time"
)

// ApplicationKind tells who has to answer.
type ApplicationKind string

// The kinds.
const (
	ApplicationRequest ApplicationKind = "request" // a person wants in: moderators answer
	ApplicationInvite  ApplicationKind = "invite"  // a person is wanted: they answer
)

// ApplicationStatus is how far an application has come.
type ApplicationStatus string

// The statuses.
const (
	ApplicationPending  ApplicationStatus = "pending"
	ApplicationAccepted ApplicationStatus = "accepted"
	ApplicationDeclined ApplicationStatus = "declined"
)

// Application is a request to join a group, or an invitation into it, and its answer. The last one of
// a kind is kept for each group and person.
type Application struct {
	Key       ChannelKey        `json:"key"`
	Kind      ApplicationKind   `json:"kind"`
	User      UserID            `json:"user"`         // who would become a member
	By        UserID            `json:"by,omitempty"` // of an invitation: who invited
	Status    ApplicationStatus `json:"status"`
	Text      string            `json:"text,omitempty"`   // what was said when asking
	Answer    string            `json:"answer,omitempty"` // what was said when answering
	HandledBy UserID            `json:"handled_by,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
}

// ApplyToGroup asks to become a member. Where no approval is needed the person is one at once
// (Status accepted). Errors as of JoinGroup. Asking again renews the request.
type ApplyToGroup struct {
	Key  ChannelKey
	Text string
}

// AnswerApplication accepts or declines a request; moderators and above. group.invitation_not_found
// if there is none, group.request_already_handled if it has been answered.
type AnswerApplication struct {
	Key    ChannelKey
	User   UserID
	Accept bool
	Text   string
}

// InviteToGroup invites people: at once members, unless the group's rules (Consent) or Ask want them
// asked. Moderators and above, or every member with MembersInvite; group.permission_denied (variant
// invite) otherwise. At most 100.
type InviteToGroup struct {
	Key   ChannelKey
	Users []UserID
	Text  string
	Ask   bool
}

// AnswerInvite accepts or declines the actor's invitation; errors as of AnswerApplication.
type AnswerInvite struct {
	Key    ChannelKey
	Accept bool
	Text   string
}

// ListApplications asks for the applications of a group (moderators and above) or of the actor (Key
// empty), by group and person. Limit at most 1000, default 100.
type ListApplications struct {
	Key    ChannelKey
	Kind   ApplicationKind   // empty means both
	Status ApplicationStatus // empty means all
	Page   Page
}

// Admissions lets people into groups with the consent of those concerned.
type Admissions interface {
	Apply(ctx context.Context, by Actor, in ApplyToGroup) (Application, error)
	Answer(ctx context.Context, by Actor, in AnswerApplication) (Application, error)
	Invite(ctx context.Context, by Actor, in InviteToGroup) ([]GroupOutcome, error)
	AnswerInvite(ctx context.Context, by Actor, in AnswerInvite) (Application, error)
	List(ctx context.Context, by Actor, in ListApplications) ([]Application, error)
}
