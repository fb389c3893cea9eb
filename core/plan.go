package core

import (
	"slices"
	"time"

	"dragoman/core/fault"
)

// PlanFeature is something that an app's plan may leave out.
type PlanFeature string

// The features. Everything else is part of every plan.
const (
	PlanCalls     PlanFeature = "calls"     // the signalling of calls
	PlanFiles     PlanFeature = "files"     // uploads
	PlanFriends   PlanFeature = "friends"   // befriending people
	PlanPolls     PlanFeature = "polls"     // new polls
	PlanReactions PlanFeature = "reactions" // new reactions
	PlanRoles     PlanFeature = "roles"     // roles of the app's own
	PlanThreads   PlanFeature = "threads"   // replies
	PlanWebhooks  PlanFeature = "webhooks"  // more webhook subscriptions than there are
)

// PlanFeatures are all of them, sorted.
var PlanFeatures = []PlanFeature{PlanCalls, PlanFiles, PlanFriends, PlanPolls, PlanReactions, PlanRoles, PlanThreads, PlanWebhooks}

// Plan is what the operator of the server has agreed with an app. It is the operator's alone to
// change: no dialect offers it.
type Plan struct {
	Expired bool          `json:"expired,omitempty"` // the subscription has ended
	Ends    time.Time     `json:"ends,omitzero"`     // when it will; zero means never
	Without []PlanFeature `json:"without,omitempty"` // features it leaves out: plan.feature_unavailable
}

// Has reports whether the feature is part of the plan.
func (p *Plan) Has(f PlanFeature) bool { return !slices.Contains(p.Without, f) }

// Refused tells why no call for the app is served at that time: app.suspended or
// app.subscription_expired; nil when calls are served. Dialects ask it as soon as they know the app.
func (s *AppSettings) Refused(now time.Time) error {
	switch {
	case s.Suspended && s.SuspendedReason != "":
		return fault.AppSuspended.Error("app is suspended: " + s.SuspendedReason)
	case s.Suspended:
		return fault.AppSuspended.Error("app is suspended")
	case s.Plan.Expired, !s.Plan.Ends.IsZero() && !now.Before(s.Plan.Ends):
		return fault.AppSubscriptionExpired.Error("the subscription of the app has expired")
	}
	return nil
}
