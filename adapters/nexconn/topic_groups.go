package nexconn

import (
	"context"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// groupTopic serves a topic about groups: its failures have the numbers of the family.
func groupTopic(serve topic) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		out, err := serve(ctx, c)
		if err != nil {
			err = familyGroup.say(wireFault(err))
		}
		return out, err
	}
}

// settingNames are the fields of a group's profile as the link names them, by what the server API does.
var settingNames = map[string]bool{"portraitUrl": true, "portraitUri": true, "introduction": true, "announcement": true, "notice": true}

// writeSetting writes the fields of a group's profile as the server API reads them.
func writeSetting(w *wire.Writer, in *channelsInput) {
	profile, permissions := []profileInfo{}, []profileInfo{}
	for _, i := range in.setting {
		switch {
		case settingNames[i.key] || i.key == "name":
			profile = append(profile, i)
		case permissionKeys[i.key] != 0:
			permissions = append(permissions, i)
		}
	}
	writeInfos(w, "groupProfile", profile)
	if len(permissions) > 0 {
		w.Object("permissions")
		for _, i := range permissions {
			n, _ := strconv.Atoi(i.value)
			w.Int(i.key, n)
		}
		w.Close()
	}
	writeInfos(w, "groupExtProfile", in.ext)
}

// createHosted makes a group that the person owns.
func createHosted(ctx context.Context, c *call) (outcome, error) {
	var in channelsInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	name := ""
	for _, i := range in.setting {
		if i.key == "name" {
			name = i.value
		}
	}
	_, err := c.asServer(ctx, familyGroup, c.d.createGroup, func(w *wire.Writer) {
		w.Text("channelId", orElse(in.id, c.target))
		w.Text("owner", string(c.by.User))
		w.Text("name", name)
		if len(in.users) > 0 {
			w.Texts("userIds", in.users)
		}
		writeSetting(w, &in)
	})
	return pending(err)
}

// updateHosted changes a group's profile; permissions are the owner's to change.
func updateHosted(ctx context.Context, c *call) (outcome, error) {
	var in channelsInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	w := wire.NewWriter(256)
	w.Open()
	writeSetting(w, &in)
	w.Close()
	r, err := wire.Parse(w.Bytes())
	if err != nil {
		return outcome{}, err
	}
	body := &input{Reader: r}
	g, err := body.readGroup()
	if err == nil {
		err = body.Err()
	}
	if err != nil {
		return outcome{}, err
	}
	ch, err := c.d.hosted(ctx, server(c.by.App), orElse(in.id, c.target))
	if err != nil {
		return outcome{}, err
	}
	if g.permissions != nil && ch.CreatedBy != c.by.User {
		return outcome{}, fault.GroupPermissionDenied.Error("Only the owner changes permissions.").With("owner_only")
	}
	if err := c.ranked(c.d.changeGroup(ctx, c.by, ch, &g)); err != nil {
		return outcome{}, err
	}
	return pending(nil)
}

// ranked tells a failure for want of rank with the family's number for it.
func (c *call) ranked(err error) error {
	if fault.IsReason(err, fault.GroupPermissionDenied) && fault.From(err).Variant != "invite" {
		return fault.PermissionDenied.Error(fault.From(err).Detail)
	}
	return err
}

// writeHosted is ChannelsJoinedInfo: a group, and the person's place in it.
func writeHosted(p *pb, ch *core.Channel, m *core.Member, remark string) {
	p.text(1, string(ch.Key))
	setting := []profileInfo{
		{"name", ch.Name}, {"portraitUrl", ch.Image}, {"introduction", gjson.GetBytes(ch.Extra, introMember).String()}, {"announcement", ch.Rules().Announcement},
	}
	gjson.GetBytes(ch.Extra, permissionMember).ForEach(func(k, v gjson.Result) bool {
		setting = append(setting, profileInfo{k.Str, v.String()})
		return true
	})
	for i := range setting {
		p.msg(2, setting[i].write)
	}
	gjson.GetBytes(ch.Extra, extMember).ForEach(func(k, v gjson.Result) bool {
		p.msg(3, (&profileInfo{k.Str, v.String()}).write)
		return true
	})
	p.msg(4, func(p *pb) {
		p.text(1, string(ch.CreatedBy))
		p.text(2, string(ch.CreatedBy))
		p.int(3, ch.CreatedAt.UnixMilli())
		p.int(4, int64(ch.MemberCount))
	})
	if m != nil {
		p.msg(5, func(p *pb) { writeRole(p, m, remark) })
	}
}

// writeRole is ChannelsUserExtInfo: somebody's place in a group.
func writeRole(p *pb, m *core.Member, remark string) {
	p.int(1, int64(wireRole(m.Role)))
	p.int(2, m.CreatedAt.UnixMilli())
	p.textIf(3, gjson.GetBytes(m.Extra, "nickname").String())
	p.textIf(4, gjson.GetBytes(m.Extra, "extra").String())
	p.textIf(5, remark)
}

// writeMember is ChannelsUserInfo.
func writeMember(p *pb, m *core.Member) {
	p.text(1, string(m.User))
	p.msg(2, func(p *pb) { writeRole(p, m, "") })
	if m.Profile != nil {
		p.textIf(4, m.Profile.Name)
		p.textIf(5, m.Profile.Image)
	}
}

// groupProfiles answers groups by id.
func groupProfiles(ctx context.Context, c *call) (outcome, error) {
	var ids []string
	err := scan(c.data, func(f *field) error {
		if f.num != 2 {
			return nil
		}
		var in channelsInput
		if err := in.read(f.b); err != nil {
			return err
		}
		if len(ids) >= maxGroupsAsked {
			return fault.RequestBatchTooLarge.Error("At most 20 groups are asked for at once.")
		}
		ids = append(ids, in.id)
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	return c.answerGroups(ctx, ids, "")
}

// answerGroups answers groups by id; those that do not exist are left out.
func (c *call) answerGroups(ctx context.Context, ids []string, next string) (outcome, error) {
	var list [][]byte
	for _, id := range ids {
		ch, err := c.d.group(ctx, server(c.by.App), id)
		if fault.IsReason(err, fault.GroupNotFound) {
			continue
		}
		if err != nil {
			return outcome{}, err
		}
		ms, err := c.d.membersOf(ctx, server(c.by.App), ch, []core.UserID{c.by.User})
		if err != nil {
			return outcome{}, err
		}
		remark := ""
		if ms[c.by.User] != nil {
			if remark, err = c.d.alias(ctx, c.by, ch.Key); err != nil {
				return outcome{}, err
			}
		}
		list = append(list, build(func(p *pb) { writeHosted(p, ch, ms[c.by.User], remark) }))
	}
	return listResult(listGroups, next, len(list), func(p *pb) {
		for _, b := range list {
			p.raw(1, b)
		}
	})
}

// joinedGroups answers a page of the groups the person is in, of one role or of all.
func joinedGroups(ctx context.Context, c *call) (outcome, error) {
	var in groupQuery
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	var ids []string
	for offset := 0; offset < 1000; offset += 100 {
		page, err := c.d.core.Groups.Query(ctx, c.by, core.QueryGroups{Joined: true, Page: core.Page{Limit: 100, Offset: offset}})
		if err != nil {
			return outcome{}, err
		}
		for i := range page.Groups {
			g := &page.Groups[i]
			if g.Channel.Kind == core.KindGroup && g.Member != nil && (in.role == 0 || wireRole(g.Member.Role) == in.role) {
				ids = append(ids, string(g.Channel.Key))
			}
		}
		if !page.More {
			break
		}
	}
	if len(in.ids) > 0 { // these of them
		ids = slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(in.ids, id) })
		return c.answerGroups(ctx, ids[:min(len(ids), 100)], "")
	}
	part, next := cutWirePage(ids, in.page)
	return c.answerGroups(ctx, part, next)
}

// kickMembers removes members.
func kickMembers(ctx context.Context, c *call) (outcome, error) {
	in, ch, err := c.membersCall(ctx)
	if err != nil {
		return outcome{}, err
	}
	for _, u := range in.users {
		if core.UserID(u) == ch.CreatedBy {
			return outcome{}, fault.GroupOwnerProtected.Error("The owner can neither leave nor be removed.")
		}
		if _, err := c.d.core.Groups.Kick(ctx, c.by, core.KickMember{Key: ch.Key, User: core.UserID(u)}); err != nil {
			return outcome{}, c.ranked(err)
		}
	}
	return outcome{}, nil
}

// membersCall reads ModifyChannelsInput and finds its group.
func (c *call) membersCall(ctx context.Context) (membersInput, *core.Channel, error) {
	var in membersInput
	if err := in.readChange(c.data); err != nil {
		return in, nil, err
	}
	if len(in.users) > maxJoins {
		return in, nil, fault.RequestBatchTooLarge.Error("At most 100 people are named at once.")
	}
	ch, err := c.d.hosted(ctx, server(c.by.App), orElse(in.id, c.target))
	return in, ch, err
}

func quitGroup(ctx context.Context, c *call) (outcome, error) {
	_, ch, err := c.membersCall(ctx)
	if err == nil {
		_, err = c.d.core.Groups.Leave(ctx, c.by, core.LeaveGroup{Key: ch.Key})
	}
	return outcome{}, err
}

func dismissGroup(ctx context.Context, c *call) (outcome, error) {
	_, ch, err := c.membersCall(ctx)
	if err == nil {
		err = c.ranked(c.d.core.Groups.Delete(ctx, c.by, core.DeleteGroup{Key: ch.Key, ByOwner: true}))
	}
	return outcome{}, err
}

// transferGroup makes another member the owner.
func transferGroup(ctx context.Context, c *call) (outcome, error) {
	in, ch, err := c.membersCall(ctx)
	if err == nil && len(in.users) == 0 {
		err = errNeeds
	}
	if err != nil {
		return outcome{}, err
	}
	_, err = c.d.core.Groups.Transfer(ctx, c.by, core.TransferGroup{Key: ch.Key, To: core.UserID(in.users[0]), OldRole: core.MemberMember, OldLeaves: in.quit})
	return outcome{}, c.ranked(err)
}

// joinHosted makes the person a member, or files their application.
func joinHosted(ctx context.Context, c *call) (outcome, error) {
	var in membersInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	ch, err := c.d.hosted(ctx, server(c.by.App), orElse(in.id, c.target))
	if err != nil {
		return outcome{}, err
	}
	a, err := c.d.core.Admissions.Apply(ctx, c.by, core.ApplyToGroup{Key: ch.Key})
	if fault.IsReason(err, fault.GroupJoinDenied) {
		err = fault.GroupJoinDenied.Error("The group takes no new members.").With("closed")
	}
	if err == nil && a.Status == core.ApplicationPending {
		err = fault.GroupJoinPending.Error("An admin has to approve; the application is waiting.").With("admin_approval")
	}
	return pending(err)
}

// inviteMembers invites people, or makes them members where nobody has to be asked.
func inviteMembers(ctx context.Context, c *call) (outcome, error) {
	var in membersInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	ch, err := c.d.hosted(ctx, server(c.by.App), orElse(in.id, c.target))
	if err != nil {
		return outcome{}, err
	}
	invite := core.InviteToGroup{Key: ch.Key}
	for _, u := range in.users {
		invite.Users = append(invite.Users, core.UserID(u))
	}
	outs, err := c.d.core.Admissions.Invite(ctx, c.by, invite)
	for _, o := range outs {
		switch {
		case err != nil:
		case o.Err != nil:
			err = o.Err
		case o.Pending:
			err = fault.GroupJoinPending.Error("Some of those invited have to agree.").With("invitee_consent")
		}
	}
	return pending(err)
}

// answerApplication answers somebody's application, or the person's own invitation.
func answerApplication(ctx context.Context, c *call) (outcome, error) {
	var in answerInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	key := groupKey(orElse(in.id, c.target))
	var err error
	if in.who == answersManager {
		_, err = c.d.core.Admissions.Answer(ctx, c.by, core.AnswerApplication{Key: key, User: core.UserID(in.joins), Accept: in.result == answerYes, Text: in.text})
	} else {
		_, err = c.d.core.Admissions.AnswerInvite(ctx, c.by, core.AnswerInvite{Key: key, Accept: in.result == answerYes, Text: in.text})
	}
	return pending(c.ranked(err))
}

// setManagers makes members admins, or plain members again; the owner's to do.
func setManagers(ctx context.Context, c *call) (outcome, error) {
	in, ch, err := c.membersCall(ctx)
	if err != nil {
		return outcome{}, err
	}
	if ch.CreatedBy != c.by.User {
		return outcome{}, fault.PermissionDenied.Error("Only the owner names admins.")
	}
	serve := c.d.addAdmins
	if in.op == opRemove {
		serve = c.d.removeAdmins
	}
	_, err = c.asServer(ctx, familyGroup, serve, func(w *wire.Writer) {
		w.Text("channelId", string(ch.Key))
		w.Texts("userIds", in.users)
	})
	return outcome{}, err
}
