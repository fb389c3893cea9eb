package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
)

// Update replaces or patches a channel and changes its members, in one transaction.
func (cs channels) Update(ctx context.Context, by core.Actor, in core.UpdateChannel) (core.UpdatedChannel, error) {
	e := cs.e
	const op = "channels.update"
	sc, err := e.enter(ctx, by, in.Key)
	if err != nil {
		return core.UpdatedChannel{}, translate(op, err)
	}
	if err := e.mayUpdate(sc, &in); err != nil {
		return core.UpdatedChannel{}, translate(op, err)
	}
	var ids []core.UserID
	for _, l := range [][]core.MemberInput{in.Add, in.Invite, in.Assign} {
		for _, m := range l {
			ids = append(ids, m.User)
		}
	}
	ids = append(append(ids, in.Promote...), in.Demote...)
	people, err := e.people(ctx, by, ids)
	if err != nil {
		return core.UpdatedChannel{}, translate(op, err)
	}
	if err := e.sameTeam(sc, people); err != nil {
		return core.UpdatedChannel{}, translate(op, err)
	}
	u := &updating{e: e, sc: sc, in: &in, people: people}
	if err := e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error { return u.run(ctx, t) }); err != nil {
		return core.UpdatedChannel{}, err
	}
	for _, id := range in.Remove {
		cs.lose(sc, id)
	}
	return u.outcome(ctx)
}

// lose takes a removed person off the channel's live audience, after they were told. The store is asked
// once more: they may be back already, by another node.
func (cs channels) lose(sc *scene, id core.UserID) {
	cs.e.dispatch.place(placeKey{sc.by.App, sc.channel.ID, id})
}

// mayNotRead reports whether the actor of a scene has no right to read the channel.
func (e *Engine) mayNotRead(sc *scene) bool { return e.can(sc, perm.ReadChannel, sc.owns()) != nil }

// mayUpdate checks the rights that an update needs.
func (e *Engine) mayUpdate(sc *scene, in *core.UpdateChannel) error {
	owner := sc.owns()
	self := func(ids []core.UserID) bool {
		return sc.user != nil && len(ids) == 1 && ids[0] == sc.user.ID
	}
	if in.Replace != nil || in.Change != nil {
		if err := e.can(sc, perm.UpdateChannel, owner); err != nil {
			return err
		}
	}
	if len(in.Add) > 0 {
		p := perm.UpdateChannelMembers
		if len(in.Add) == 1 && self([]core.UserID{in.Add[0].User}) {
			p = perm.JoinChannel
		}
		if err := e.can(sc, p, owner); err != nil {
			return err
		}
	}
	if len(in.Remove) > 0 {
		p := perm.UpdateChannelMembers
		if self(in.Remove) {
			p = perm.RemoveOwnChannelMembership
		}
		if err := e.can(sc, p, owner); err != nil {
			return err
		}
	}
	if len(in.Invite)+len(in.Promote)+len(in.Demote)+len(in.Assign) > 0 {
		if err := e.can(sc, perm.UpdateChannelMembers, owner); err != nil {
			return err
		}
	}
	if (in.AcceptInvite || in.RejectInvite) && (sc.member == nil || sc.member.InvitedAt.IsZero()) {
		return fault.GroupInvitationNotFound.Error("the user has not been invited to this channel")
	}
	return nil
}

// updating is one Update under way; run may be called again, so it starts afresh each time.
type updating struct {
	e      *Engine
	sc     *scene
	in     *core.UpdateChannel
	people map[core.UserID]*core.User
	out    core.UpdatedChannel
}

func (u *updating) run(ctx context.Context, t *txn) error {
	e, in := u.e, u.in
	u.out = core.UpdatedChannel{}
	c, err := t.Channel(ctx, t.app, u.sc.channel.Key)
	if err != nil {
		return err
	}
	before, frozen := c.Cooldown, c.Frozen
	changed := in.Replace != nil || in.Change != nil
	if in.Replace != nil {
		c.Name, c.Image, c.Extra = in.Replace.Name, in.Replace.Image, in.Replace.Extra
		if in.Replace.Tags != nil {
			c.Tags = in.Replace.Tags
		}
		if in.Replace.Team != "" {
			c.Team = in.Replace.Team
		}
		if err := applyInput(&c, in.Replace); err != nil {
			return err
		}
	}
	if in.Change != nil {
		rules := c.Overrides.Rules
		if err := in.Change(&c); err != nil {
			return err
		}
		c.Overrides.Rules = rules
	}
	if c.Cooldown != before {
		if err := e.can(u.sc, perm.UpdateChannelCooldown, u.sc.owns()); err != nil {
			return err
		}
	}
	if c.Frozen != frozen {
		if err := e.can(u.sc, perm.UpdateChannelFrozen, u.sc.owns()); err != nil {
			return err
		}
	}
	if in.Message != nil {
		if u.out.Message, err = e.systemMessage(ctx, t, u.sc, &c, in.Message, e.now()); err != nil {
			return err
		}
	}
	if err := u.members(ctx, t, &c); err != nil {
		return err
	}
	c.UpdatedAt = e.now()
	if err := t.putChannel(&c); err != nil {
		return err
	}
	if c, err = t.Channel(ctx, t.app, c.Key); err != nil {
		return err
	}
	u.out.Channel = c
	if !changed && in.Message == nil {
		return nil
	}
	cfg, err := e.configOf(ctx, t.app, &c)
	if err != nil {
		return err
	}
	told := c
	told.Owner, err = e.ownerOf(ctx, t.app, &c)
	if err != nil {
		return err
	}
	ev := &core.Event{Kind: core.ChannelUpdated, Channel: &told, Config: cfg, User: e.seen(t.app, u.sc.user), Message: u.out.Message}
	if c.Frozen != frozen {
		ev.Change = &core.Change{Names: []string{core.ChangeFrozen}}
	}
	return t.emit(ev)
}

func (e *Engine) ownerOf(ctx context.Context, app core.AppID, c *core.Channel) (*core.User, error) {
	us, err := e.usersByID(ctx, app, []core.UserID{c.CreatedBy})
	return us[c.CreatedBy], err
}

// members applies the changes of membership.
func (u *updating) members(ctx context.Context, t *txn, c *core.Channel) error {
	e, in, sc := u.e, u.in, u.sc
	for _, mi := range in.Add {
		if err := e.enrol(ctx, t, sc, c, e.newMember(c, mi), u.people[mi.User], core.MemberAdded, in.HideHistory); err != nil {
			return err
		}
	}
	for _, mi := range in.Invite {
		m := e.newMember(c, mi)
		m.InvitedAt = e.now()
		if err := e.enrol(ctx, t, sc, c, m, u.people[mi.User], core.MemberInvited, in.HideHistory); err != nil {
			return err
		}
	}
	if err := u.remove(ctx, t, c); err != nil {
		return err
	}
	roles := map[core.UserID]string{}
	for _, id := range in.Promote {
		roles[id] = core.ChannelRoleModerator
	}
	for _, id := range in.Demote {
		roles[id] = core.ChannelRoleMember
	}
	for _, mi := range in.Assign {
		roles[mi.User] = mi.ChannelRole
	}
	for id, role := range roles {
		err := u.member(ctx, t, c, id, core.MemberUpdated, func(m *core.Member) {
			m.ChannelRole = role
			if m.Role != core.MemberOwner {
				m.Role = core.MemberMember
				if role == core.ChannelRoleModerator {
					m.Role = core.MemberModerator
				}
			}
		})
		if err != nil {
			return err
		}
	}
	if in.AcceptInvite {
		return u.member(ctx, t, c, sc.user.ID, core.InviteAccepted, func(m *core.Member) {
			m.AcceptedAt, m.RejectedAt = e.now(), time.Time{}
		})
	}
	if in.RejectInvite {
		return u.member(ctx, t, c, sc.user.ID, core.InviteRejected, func(m *core.Member) {
			m.RejectedAt, m.AcceptedAt = e.now(), time.Time{}
		})
	}
	return nil
}

// remove ends memberships; people who are no members are passed over.
func (u *updating) remove(ctx context.Context, t *txn, c *core.Channel) error {
	e := u.e
	if len(u.in.Remove) == 0 {
		return nil
	}
	if len(u.in.Remove) > maxMembersAtOnce {
		return fault.RequestBatchTooLarge.Error(fmt.Sprintf("at most %d members can be removed at once", maxMembersAtOnce))
	}
	old, err := t.Members(ctx, t.app, c.ID, u.in.Remove, len(u.in.Remove), 0)
	if err != nil {
		return err
	}
	if err := e.profiles(ctx, t.app, old); err != nil {
		return err
	}
	for i := range old {
		if err := t.deleteMember(c.Key, c.ID, old[i].User); err != nil {
			return err
		}
		c.MemberCount--
		told := *c
		by := u.sc.user
		if by == nil {
			by = old[i].Profile
		}
		if err := t.emit(&core.Event{Kind: core.MemberRemoved, Channel: &told, Config: u.sc.config, User: e.seen(t.app, by), Member: &old[i], Target: old[i].Profile, Box: []core.UserID{old[i].User}}); err != nil {
			return err
		}
	}
	return nil
}

// member changes one membership and tells of it.
func (u *updating) member(ctx context.Context, t *txn, c *core.Channel, id core.UserID, kind core.EventKind, change func(*core.Member)) error {
	e := u.e
	ms, err := t.Members(ctx, t.app, c.ID, []core.UserID{id}, 1, 0)
	if err != nil {
		return err
	}
	if len(ms) == 0 {
		return fault.RequestInvalid.Error(fmt.Sprintf("user %q is not a member of this channel", id))
	}
	m := ms[0]
	change(&m)
	m.UpdatedAt = e.now()
	var what *core.Change
	switch old := &ms[0]; {
	case old.Role != m.Role:
		what = &core.Change{Old: old.Role, New: m.Role}
	case !old.PinnedAt.Equal(m.PinnedAt):
		what = &core.Change{Names: []string{core.ChangePinned}}
	}
	if err := t.putMember(c.Key, &m); err != nil {
		return err
	}
	one := []core.Member{m}
	if err := e.profiles(ctx, t.app, one); err != nil {
		return err
	}
	told := *c
	by := u.sc.user
	if by == nil {
		by = one[0].Profile
	}
	return t.emit(&core.Event{Kind: kind, Channel: &told, Config: u.sc.config, User: e.seen(t.app, by), Member: &one[0], Target: one[0].Profile, Change: what})
}

// outcome reads the members to answer with: those the update was about come first.
func (u *updating) outcome(ctx context.Context) (core.UpdatedChannel, error) {
	e, app := u.e, u.sc.by.App
	out := u.out
	cfg, err := e.configOf(ctx, app, &out.Channel)
	if err != nil {
		return out, translate("channels.update", err)
	}
	out.Config = *cfg
	if out.Channel.Owner, err = e.ownerOf(ctx, app, &out.Channel); err != nil {
		return out, translate("channels.update", err)
	}
	if out.Members, err = e.store.Members(ctx, app, out.Channel.ID, nil, maxMembersShown, 0); err != nil {
		return out, translate("channels.update", err)
	}
	named := slices.Concat(u.in.Add, u.in.Invite, u.in.Assign)
	slices.SortStableFunc(out.Members, func(a, b core.Member) int {
		in := func(m core.Member) int {
			if slices.ContainsFunc(named, func(x core.MemberInput) bool { return x.User == m.User }) {
				return 0
			}
			return 1
		}
		return in(a) - in(b)
	})
	return out, translate("channels.update", e.profiles(ctx, app, out.Members))
}

// PatchMember changes custom fields, pin and archive state of a membership.
func (cs channels) PatchMember(ctx context.Context, by core.Actor, in core.PatchMember) (core.Member, error) {
	e := cs.e
	const op = "channels.patch_member"
	sc, err := e.enter(ctx, by, in.Key)
	if err != nil {
		return core.Member{}, translate(op, err)
	}
	id := in.User
	if id == "" {
		id = by.User
	}
	if id != by.User && !by.Server() {
		if err := e.can(sc, perm.UpdateChannelMembers, sc.owns()); err != nil {
			return core.Member{}, translate(op, err)
		}
	}
	u := &updating{e: e, sc: sc, in: &core.UpdateChannel{}}
	var out core.Member
	err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
		var bad error
		err := u.member(ctx, t, sc.channel, id, core.MemberUpdated, func(m *core.Member) {
			bad = in.Change(m)
			out = *m
		})
		if bad != nil {
			return bad
		}
		return err
	})
	if err != nil {
		return core.Member{}, err
	}
	one := []core.Member{out}
	err = e.profiles(ctx, by.App, one)
	return one[0], translate(op, err)
}
