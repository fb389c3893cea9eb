package nexconn

import (
	"context"
	"slices"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// queryMembers answers a page of a group's members, of one role or of all.
func queryMembers(ctx context.Context, c *call) (outcome, error) {
	in, ch, err := c.groupCall(ctx)
	if err != nil {
		return outcome{}, err
	}
	all, err := c.d.everyMember(ctx, server(c.by.App), ch)
	if err != nil {
		return outcome{}, err
	}
	all = slices.DeleteFunc(all, func(m core.Member) bool { return in.role != 0 && wireRole(m.Role) != in.role })
	if in.page.order == 0 {
		slices.Reverse(all)
	}
	part, next := cutWirePage(all, in.page)
	return listResult(listMembers, next, len(all), func(p *pb) {
		for i := range part {
			p.msg(1, func(p *pb) { writeMember(p, &part[i]) })
		}
	})
}

// groupCall reads ChannelsQueryInput and finds a group whose member the person is.
func (c *call) groupCall(ctx context.Context) (groupQuery, *core.Channel, error) {
	var in groupQuery
	if err := in.read(c.data); err != nil {
		return in, nil, err
	}
	ch, err := c.d.hosted(ctx, server(c.by.App), orElse(in.id, c.target))
	if err == nil {
		err = c.d.needMember(ctx, server(c.by.App), ch, c.by.User)
	}
	return in, ch, err
}

// namedMembers answers members by id.
func namedMembers(ctx context.Context, c *call) (outcome, error) {
	in, ch, err := c.groupCall(ctx)
	if err != nil {
		return outcome{}, err
	}
	if len(in.ids) > maxBatch {
		return outcome{}, fault.RequestBatchTooLarge.Error("At most 100 members are asked for at once.")
	}
	ids := make([]core.UserID, len(in.ids))
	for i := range in.ids {
		ids[i] = core.UserID(in.ids[i])
	}
	ms, err := c.d.membersOf(ctx, server(c.by.App), ch, ids)
	if err != nil {
		return outcome{}, err
	}
	return listResult(listMembers, "", len(ms), func(p *pb) {
		for _, id := range ids {
			if m := ms[id]; m != nil {
				p.msg(1, func(p *pb) { writeMember(p, m) })
			}
		}
	})
}

// updateMember sets what a member is called in a group: the person themself, or a higher rank.
func updateMember(ctx context.Context, c *call) (outcome, error) {
	var in memberUpdate
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	ch, err := c.d.hosted(ctx, server(c.by.App), orElse(in.id, c.target))
	if err != nil {
		return outcome{}, err
	}
	user := core.UserID(orElse(in.user, string(c.by.User)))
	ms, err := c.d.membersOf(ctx, server(c.by.App), ch, []core.UserID{user, c.by.User})
	switch {
	case err != nil:
		return outcome{}, err
	case ms[c.by.User] == nil || ms[user] == nil:
		return outcome{}, fault.GroupNotMember.Error("The user is not in the group.")
	case user != c.by.User && wireRole(ms[c.by.User].Role) <= wireRole(ms[user].Role):
		return outcome{}, fault.PermissionDenied.Error("It takes a higher rank to change this member.")
	}
	_, err = c.asServer(ctx, familyGroup, c.d.setMember, func(w *wire.Writer) {
		w.Text("channelId", string(ch.Key))
		w.Text("userId", string(user))
		w.Text("nickname", in.nick)
		w.Text("extra", in.extra)
	})
	if err != nil {
		return outcome{}, err
	}
	return pending(nil)
}

// setRemark sets what the person calls a group, or takes it back.
func setRemark(ctx context.Context, c *call) (outcome, error) {
	var in memberUpdate
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	ch, err := c.d.hosted(ctx, server(c.by.App), orElse(in.id, c.target))
	if err == nil {
		err = c.d.needMember(ctx, server(c.by.App), ch, c.by.User)
	}
	if err != nil {
		return outcome{}, err
	}
	var v []byte
	if in.op != opRemove && in.nick != "" {
		v = quoted(in.nick)
	}
	return outcome{}, c.d.keep(ctx, c.by, ch.Key, aliasMember, v)
}

// followMembers starts to follow members of a group, or stops.
func followMembers(ctx context.Context, c *call) (outcome, error) {
	in, ch, err := c.membersCall(ctx)
	if err != nil {
		return outcome{}, err
	}
	serve := c.d.addFavorites
	if in.op == opRemove {
		serve = c.d.removeFavorites
	}
	_, err = c.asServer(ctx, familyGroup, serve, func(w *wire.Writer) {
		w.Text("channelId", string(ch.Key))
		w.Text("userId", string(c.by.User))
		w.Texts("favoriteIds", in.users)
	})
	return outcome{}, err
}

// followedMembers answers whom the person follows in a group.
func followedMembers(ctx context.Context, c *call) (outcome, error) {
	_, ch, err := c.groupCall(ctx)
	if err != nil {
		return outcome{}, err
	}
	list, err := c.d.favorites(ctx, c.by, ch.Key)
	if err != nil {
		return outcome{}, err
	}
	return listResult(listMembers, "", len(list), func(p *pb) {
		for _, f := range list {
			p.msg(1, func(p *pb) {
				p.text(1, string(f.user))
				p.int(3, f.at)
			})
		}
	})
}

// Statuses and directions of applications, ChannelsInviteStatusInfo.
const (
	statusManagerWaits   = 0
	statusManagerRefused = 1
	statusInviteeWaits   = 2
	statusInviteeRefused = 3
	statusJoined         = 4
	directionAsked       = 0
	directionInvited     = 1
	directionGotInvited  = 2
	directionGotAsked    = 3
	joinByApplication    = 0
	joinByInvitation     = 1
)

// listApplied answers the applications and invitations that concern the person: their own, and those
// of groups they manage.
func listApplied(ctx context.Context, c *call) (outcome, error) {
	var in groupQuery
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	all, err := c.d.core.Admissions.List(ctx, c.by, core.ListApplications{Page: core.Page{Limit: 1000}})
	if err != nil {
		return outcome{}, err
	}
	page, err := c.d.core.Groups.Query(ctx, c.by, core.QueryGroups{Joined: true, Page: core.Page{Limit: 100}})
	if err != nil {
		return outcome{}, err
	}
	for i := range page.Groups {
		g := &page.Groups[i]
		if g.Member == nil || wireRole(g.Member.Role) < roleAdmin {
			continue
		}
		list, err := c.d.core.Admissions.List(ctx, c.by, core.ListApplications{Key: g.Channel.Key, Page: core.Page{Limit: 1000}})
		if err != nil {
			return outcome{}, err
		}
		for _, a := range list {
			if a.User != c.by.User {
				all = append(all, a)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b core.Application) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	part, next := cutWirePage(all, in.page)
	return listResult(listApplications, next, len(all), func(p *pb) {
		for i := range part {
			p.msg(1, func(p *pb) { writeApplication(p, &part[i], c.by.User) })
		}
	})
}

// writeApplication is ChannelsInviteStatusInfo, as the viewer sees it.
func writeApplication(p *pb, a *core.Application, viewer core.UserID) {
	status, direction, kind := statusJoined, directionAsked, joinByApplication
	if a.Kind == core.ApplicationInvite {
		kind = joinByInvitation
	}
	switch {
	case a.Kind == core.ApplicationInvite && a.User == viewer:
		direction = directionGotInvited
	case a.Kind == core.ApplicationInvite:
		direction = directionInvited
	case a.User != viewer:
		direction = directionGotAsked
	}
	switch a.Status {
	case core.ApplicationPending:
		status = statusManagerWaits
		if kind == joinByInvitation {
			status = statusInviteeWaits
		}
	case core.ApplicationDeclined:
		status = statusManagerRefused
		if kind == joinByInvitation {
			status = statusInviteeRefused
		}
	}
	p.text(1, string(a.Key))
	p.msg(2, func(p *pb) { p.text(1, string(a.User)) })
	if a.By != "" {
		p.msg(3, func(p *pb) { p.text(1, string(a.By)) })
	}
	p.int(4, int64(status))
	p.int(5, int64(direction))
	p.int(6, int64(kind))
	p.textIf(7, orElse(a.Answer, a.Text))
	p.int(8, a.CreatedAt.UnixMilli())
	if a.HandledBy != "" {
		p.msg(9, func(p *pb) { p.text(1, string(a.HandledBy)) })
		p.int(10, a.UpdatedAt.UnixMilli())
	}
}
