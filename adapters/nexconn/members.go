package nexconn

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Roles of members on the wire.
const (
	roleMember = 1
	roleAdmin  = 2
	roleOwner  = 3
)

// maxBatch is how many members one call may ask for.
const maxBatch = 100

// maxFavorites is how many members of a group a person may follow.
const maxFavorites = 200

// wireRole is a member's role as the wire has it. Moderators of other dialects count as admins.
func wireRole(role string) int {
	switch role {
	case core.MemberOwner:
		return roleOwner
	case core.MemberAdmin, core.MemberModerator:
		return roleAdmin
	}
	return roleMember
}

// memberOps are the members of groups.
func (d *Dialect) memberOps() []operation {
	return []operation{
		{path: "/group-channel/join", family: familyGroup, rate: 100, serve: d.joinGroup},
		{path: "/group-channel/leave", family: familyGroup, rate: 100, serve: d.leaveGroup},
		{path: "/group-channel/member/kickout-all", family: familyGroup, rate: 100, serve: d.leaveAllGroups},
		{path: "/group-channel/admin/add", family: familyGroup, rate: 100, serve: d.addAdmins},
		{path: "/group-channel/admin/remove", family: familyGroup, rate: 100, serve: d.removeAdmins},
		{path: "/group-channel/member/list", family: familyGroup, rate: 100, serve: d.listMembers},
		{path: "/group-channel/member/batch/get", family: familyGroup, rate: 100, serve: d.getMembers},
		{path: "/group-channel/member/set", family: familyGroup, rate: 100, serve: d.setMember},
		{path: "/group-channel/alias/set", family: familyGroup, rate: 100, serve: d.setAlias},
		{path: "/group-channel/alias/delete", family: familyGroup, rate: 100, serve: d.deleteAlias},
		{path: "/group-channel/alias/get", family: familyGroup, rate: 100, serve: d.getAlias},
		{path: "/group-channel/member/favorites/add", family: familyGroup, rate: 100, serve: d.addFavorites},
		{path: "/group-channel/member/favorites/remove", family: familyGroup, rate: 100, serve: d.removeFavorites},
		{path: "/group-channel/member/favorites/list", family: familyGroup, rate: 100, serve: d.listFavorites},
	}
}

// members reads some members of a group by id.
func (d *Dialect) membersOf(ctx context.Context, by core.Actor, c *core.Channel, ids []core.UserID) (map[core.UserID]*core.Member, error) {
	out := map[core.UserID]*core.Member{}
	for from := 0; from < len(ids); from += 100 {
		part := ids[from:min(from+100, len(ids))]
		ms, err := d.core.Channels.Members(ctx, by, core.QueryMembers{Key: c.Key, Filter: core.Cond("id", core.OpIn, core.Texts(part)), Page: core.Page{Limit: 100}})
		if err != nil {
			return nil, err
		}
		for i := range ms {
			out[ms[i].User] = &ms[i]
		}
	}
	return out, nil
}

// needMember checks that people are in a group.
func (d *Dialect) needMember(ctx context.Context, by core.Actor, c *core.Channel, ids ...core.UserID) error {
	ms, err := d.membersOf(ctx, by, c, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if ms[id] == nil {
			return fault.GroupNotMember.Error("The user " + clip(string(id)) + " is not in the group.")
		}
	}
	return nil
}

// joinGroup makes people members. A server adds them as it likes, unless the group's own permissions
// say otherwise: then they wait for approval (on HTTP 200), or cannot come in at all.
func (d *Dialect) joinGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, users := in.channelID("channelId"), in.userIDs("userIds", maxJoins)
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.hosted(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, users); err != nil {
		return nil, err
	}
	join, set := permission(gjson.GetBytes(c.Extra, permissionMember), "joinPerm", "joinPermission")
	there, err := d.membersOf(ctx, by, c, users)
	switch {
	case err != nil:
		return nil, err
	case len(there) > 0:
		return nil, fault.GroupAlreadyMember.Error("Some of the users are in the group already.")
	case set && join == joinNobody:
		return nil, fault.GroupJoinDenied.Error("The group takes no new members.").With("closed")
	case set && join != joinFree:
		for _, u := range users {
			if _, err := d.core.Admissions.Apply(ctx, core.Actor{App: by.App, User: u, Access: core.AccessUser}, core.ApplyToGroup{Key: c.Key}); err != nil {
				return nil, err
			}
		}
		return nil, fault.GroupJoinPending.Error("An admin has to approve; the application is waiting.").With("admin_approval")
	}
	if err := d.addAll(ctx, by, c, users); err != nil {
		return nil, err
	}
	if c, err = d.group(ctx, by, id); err != nil {
		return nil, err
	}
	return func(w *wire.Writer) { writeGroup(w, c) }, nil
}

// addAll makes people members.
func (d *Dialect) addAll(ctx context.Context, by core.Actor, c *core.Channel, users []core.UserID) error {
	add := core.AddToGroup{Key: c.Key}
	for _, u := range users {
		add.Members = append(add.Members, core.GroupMember{User: u})
	}
	out, err := d.core.Groups.Add(ctx, by, add)
	for i := range out {
		if err == nil {
			err = out[i].Err
		}
	}
	return err
}

// forgetting are what becomes of a person's traces in a group they leave.
type forgetting struct{ mutes, allowed, favorites bool }

func (in *input) forgetting() forgetting {
	return forgetting{in.flag("shouldDeleteMute", true), in.flag("shouldDeleteAllowedSendersList", true), in.flag("shouldDeleteFavorites", true)}
}

// forget removes the traces of people who have left.
func (d *Dialect) forget(ctx context.Context, by core.Actor, c *core.Channel, users []core.UserID, f forgetting) error {
	if f.mutes {
		if _, err := d.core.Speech.Mute(ctx, by, core.MuteMembers{Key: c.Key, Users: users, Lift: true, Anyone: true}); err != nil {
			return err
		}
	}
	if f.allowed {
		if _, err := d.core.Speech.Allow(ctx, by, core.AllowMembers{Key: c.Key, Users: users, Remove: true, Anyone: true}); err != nil {
			return err
		}
	}
	if f.favorites {
		for _, u := range users {
			if err := d.keep(ctx, by.As(u), c.Key, favoritesMember, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaveGroup takes people out. The owner cannot go.
func (d *Dialect) leaveGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, users, f := in.channelID("channelId"), in.userIDs("userIds", maxJoins), in.forgetting()
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.hosted(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if slices.Contains(users, c.CreatedBy) {
		return nil, fault.GroupOwnerProtected.Error("The owner can neither leave nor be removed.")
	}
	if err := d.needMember(ctx, by, c, users...); err != nil {
		return nil, err
	}
	if err := d.forget(ctx, by, c, users, f); err != nil {
		return nil, err
	}
	for _, u := range users {
		if _, err := d.core.Groups.Leave(ctx, by.As(u), core.LeaveGroup{Key: c.Key}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// leaveAllGroups takes a person out of all groups but those they own: whoever owns one has to hand it
// over first, and nothing is done until then.
func (d *Dialect) leaveAllGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	var keys []core.ChannelKey
	for from := 0; ; from += 100 {
		views, next, err := d.allGroups(ctx, by.As(u.ID), true, tokenPage{from, 100}, false)
		if err != nil {
			return nil, err
		}
		for i := range views {
			if views[i].Channel.CreatedBy == u.ID {
				return nil, fault.GroupOwnerProtected.Error("The user owns the group " + clip(string(views[i].Channel.Key)) + ".")
			}
			keys = append(keys, views[i].Channel.Key)
		}
		if next == "" {
			break
		}
	}
	for _, k := range keys {
		if _, err := d.core.Groups.Kick(ctx, by, core.KickMember{Key: k, User: u.ID}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// addAdmins makes members admins.
func (d *Dialect) addAdmins(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, ms, users, err := d.adminsCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	if slices.Contains(users, c.CreatedBy) {
		return nil, fault.GroupOwnerProtected.Error("The owner cannot be made an admin.").With("as_admin")
	}
	all, err := d.everyMember(ctx, by, c)
	if err != nil {
		return nil, err
	}
	admins := 0
	for i := range all {
		if wireRole(all[i].Role) == roleAdmin && !slices.Contains(users, all[i].User) {
			admins++
		}
	}
	if admins+len(users) > d.byApp[by.App].quota("admins", maxAdmins) {
		return nil, fault.GroupLimitReached.Error("The group has as many admins as allowed.").With("admins_or_follows")
	}
	return nil, d.rankAll(ctx, by, c, ms, users, core.MemberAdmin)
}

// removeAdmins makes admins plain members.
func (d *Dialect) removeAdmins(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, ms, users, err := d.adminsCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if wireRole(ms[u].Role) != roleAdmin {
			return nil, fault.GroupRoleConflict.Error("The user " + clip(string(u)) + " is not an admin of the group.").With("not_admin")
		}
	}
	return nil, d.rankAll(ctx, by, c, ms, users, core.MemberMember)
}

// adminsCall reads whose role a call changes.
func (d *Dialect) adminsCall(ctx context.Context, by core.Actor, in *input) (*core.Channel, map[core.UserID]*core.Member, []core.UserID, error) {
	id, users := in.channelID("channelId"), in.userIDs("userIds", maxJoins)
	if err := in.Err(); err != nil {
		return nil, nil, nil, err
	}
	c, err := d.hosted(ctx, by, id)
	if err == nil {
		err = d.needMember(ctx, by, c, users...)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	ms, err := d.membersOf(ctx, by, c, users)
	return c, ms, users, err
}

func (d *Dialect) rankAll(ctx context.Context, by core.Actor, c *core.Channel, ms map[core.UserID]*core.Member, users []core.UserID, role string) error {
	for _, u := range users {
		if ms[u].Role == role {
			continue
		}
		if _, err := d.core.Groups.Rank(ctx, by, core.RankMember{Key: c.Key, User: u, Role: role}); err != nil {
			return err
		}
	}
	return nil
}

// everyMember reads all members of a group, in order of joining.
func (d *Dialect) everyMember(ctx context.Context, by core.Actor, c *core.Channel) ([]core.Member, error) {
	var out []core.Member
	for {
		ms, err := d.core.Channels.Members(ctx, by, core.QueryMembers{Key: c.Key, Sort: []core.Sort{{Field: "created_at"}}, Page: core.Page{Limit: 100, Offset: len(out)}})
		if err != nil {
			return nil, err
		}
		if out = append(out, ms...); len(ms) < 100 || len(out) >= 1000 {
			break
		}
	}
	slices.SortStableFunc(out, func(a, b core.Member) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(string(a.User), string(b.User)))
	})
	return out, nil
}

// writeMembers writes members of a group.
func writeMembers(w *wire.Writer, total int, next string, ms []core.Member) {
	w.Int("totalCount", total)
	w.Text("pageToken", next)
	w.List("members")
	for i := range ms {
		m := &ms[i]
		w.Open()
		w.Text("userId", string(m.User))
		w.Int("role", wireRole(m.Role))
		w.Text("nickname", gjson.GetBytes(m.Extra, "nickname").String())
		w.Text("extra", gjson.GetBytes(m.Extra, "extra").String())
		w.Int64("joinedAt", sentAt(m.CreatedAt))
		w.Close()
	}
	w.CloseList()
}

func (d *Dialect) listMembers(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, role, order, p := in.channelID("channelId"), in.number("memberRole", 0, 0, 3), in.number("order", 0, 0, 1), in.tokenPage(50, 100)
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.hosted(ctx, by, id)
	if err != nil {
		return nil, err
	}
	all, err := d.everyMember(ctx, by, c)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m core.Member) bool { return role != 0 && wireRole(m.Role) != int(role) })
	if order == 1 {
		slices.Reverse(all)
	}
	part, next := cutToken(all, p)
	return func(w *wire.Writer) { writeMembers(w, len(all), next, part) }, nil
}

// getMembers reads some members; who is not one is left out.
func (d *Dialect) getMembers(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, users := in.channelID("channelId"), in.userIDs("userIds", maxBatch)
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.hosted(ctx, by, id)
	if err != nil {
		return nil, err
	}
	ms, err := d.membersOf(ctx, by, c, users)
	if err != nil {
		return nil, err
	}
	var out []core.Member
	for _, u := range users {
		if m := ms[u]; m != nil {
			out = append(out, *m)
		}
	}
	return func(w *wire.Writer) { writeMembers(w, len(out), "", out) }, nil
}

// memberCall reads which member of which group a call is about.
func (d *Dialect) memberCall(ctx context.Context, by core.Actor, in *input) (*core.Channel, core.UserID, error) {
	id, user := in.channelID("channelId"), in.userID("userId")
	if err := in.Err(); err != nil {
		return nil, "", err
	}
	c, err := d.hosted(ctx, by, id)
	if err == nil {
		err = d.needMember(ctx, by, c, user)
	}
	return c, user, err
}

// setMember sets what a member is called in a group, and the app's own text about them.
func (d *Dialect) setMember(ctx context.Context, by core.Actor, in *input) (answer, error) {
	set := map[string][]byte{}
	for name, max := range map[string]int{"nickname": 64, "extra": 128} {
		if in.Has(name) {
			set[name] = quoted(in.TextMax(name, max))
		}
	}
	c, user, err := d.memberCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	_, err = d.core.Channels.PatchMember(ctx, by, core.PatchMember{Key: c.Key, User: user, Change: func(m *core.Member) error {
		m.Extra = putMembers(m.Extra, set)
		return nil
	}})
	return nil, err
}
