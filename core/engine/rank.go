package engine

import (
	"cmp"
	"context"

	"dragoman/core"
	"dragoman/core/fault"
)

// rank orders the member roles of a group; custom roles rank as members.
var rank = map[string]int{core.MemberModerator: rankModerator, core.MemberAdmin: rankAdmin, core.MemberOwner: rankOwner}

// The ranks.
const (
	rankMember = iota
	rankModerator
	rankAdmin
	rankOwner
)

// deed is something a member does to a group or to other members.
type deed struct {
	needs   int    // lowest rank that may
	variant string // how a refusal of a lower rank is told apart
	over    bool   // the one it is done to has to rank lower, but for the owner's deeds
}

// deeds are the rights of the ranks: the one place that decides who may do what in a group.
var deeds = map[string]deed{
	"mute":     {needs: rankModerator, variant: "moderator_scope", over: true},
	"appoint":  {needs: rankOwner, variant: "owner_only", over: true},
	"dissolve": {needs: rankOwner, variant: "owner_only"},
	"announce": {needs: rankModerator, variant: "moderator_scope"},
	"admit":    {needs: rankModerator, variant: "moderator_scope"},
	"invite":   {needs: rankModerator, variant: "invite"},
	"tend":     {needs: rankModerator, variant: "moderator_scope"},
	"read":     {needs: rankMember},
	"update":   {needs: rankModerator, variant: "moderator_scope"},
	"add":      {needs: rankModerator, variant: "moderator_scope"},
	"kick":     {needs: rankModerator, variant: "moderator_scope", over: true},
	"ban":      {needs: rankModerator, variant: "moderator_scope", over: true},
	"unban":    {needs: rankModerator, variant: "moderator_scope"},
	"banned":   {needs: rankModerator, variant: "moderator_scope"},
	"rank":     {needs: rankModerator, variant: "scope_change", over: true},
	"delete":   {needs: rankAdmin, variant: "admin_scope"},
	"transfer": {needs: rankOwner, variant: "admin_scope"},
}

// mayDeed answers group.not_member, group.permission_denied or group.banned unless the actor may do
// the deed in the group of the scene, to the target if there is one. gives is the role that the deed
// hands out, if any: nobody gives more than they have.
func (e *Engine) mayDeed(sc *scene, name string, target *core.Member, gives string) error {
	if sc.by.User == "" {
		if sc.by.Server() {
			return nil
		}
		return fault.PermissionDenied.Error("a group is managed by its members")
	}
	if sc.banned(e.now()) {
		return fault.GroupBanned.Error("the user is banned from this group")
	}
	if sc.member == nil && !sc.super && sc.away == "" {
		return fault.GroupNotMember.Error("the user is not a member of this group").With("self")
	}
	d, role := deeds[name], sc.away
	if sc.member != nil {
		role = sc.member.Role
	}
	if sc.super && rank[role] < rankAdmin {
		role = core.MemberAdmin
	}
	mine := rank[role]
	if mine < d.needs {
		return fault.GroupPermissionDenied.Error("the rank of " + cmp.Or(role, core.MemberMember) + " is too low to " + name).With(d.variant)
	}
	if rank[gives] > mine {
		return fault.GroupPermissionDenied.Error("nobody gives a rank above their own").With("scope_change")
	}
	if target != nil && target.User == sc.by.User {
		return fault.TargetIsSelf.Error("this cannot be done to oneself").With("group")
	}
	if d.over && target != nil && rank[target.Role] >= mine {
		return fault.GroupPermissionDenied.Error("the member ranks as high as the one who acts").With("clearance")
	}
	return nil
}

// group enters a channel that is a group or a room.
func (e *Engine) group(ctx context.Context, by core.Actor, key core.ChannelKey) (*scene, error) {
	sc, err := e.enter(ctx, by, key)
	if err != nil {
		return nil, err
	}
	if sc.channel.Kind == core.KindDirect || sc.channel.Kind == core.KindSystem {
		return nil, noChannel(key)
	}
	if sc.super, err = e.isSuper(ctx, by.App, sc.channel, by.User); err != nil {
		return nil, err
	}
	sc.away, err = e.awayRank(ctx, sc)
	return sc, err
}

// memberOf reads a membership in the transaction; nil if there is none.
func (t *txn) memberOf(ctx context.Context, ch core.ChannelID, user core.UserID) (*core.Member, error) {
	ms, err := t.Members(ctx, t.app, ch, []core.UserID{user}, 1, 0)
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	if err := t.e.profiles(ctx, t.app, ms); err != nil {
		return nil, err
	}
	return &ms[0], nil
}

// setRank gives a membership a role, and the channel role that goes with it.
func setRank(m *core.Member, role string) {
	m.Role, m.ChannelRole = cmp.Or(role, core.MemberMember), core.ChannelRoleMember
	if rank[role] >= rankModerator {
		m.ChannelRole = core.ChannelRoleModerator
	}
}

// checkRole answers request.invalid_field for a role that is not given by hand.
func checkRole(role string) error {
	switch role {
	case "", core.MemberAdmin, core.MemberModerator, core.MemberMember:
		return nil
	}
	return fault.RequestInvalidField.Error("the rank must be admin, moderator or member")
}
