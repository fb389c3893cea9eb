package nexconn

import (
	"context"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of groups.
const (
	maxGroupStart   = 30 // members of a new group beside the owner
	maxGroupName    = 64
	maxIntroduction = 512
	maxAnnouncement = 1024
	maxGroupExt     = 10
	maxAdmins       = 10
	maxJoins        = 100 // people of one call
	maxGroupsAsked  = 20  // profiles of one call
)

// Members of a group's Extra. The introduction is kept where other dialects keep the same.
const (
	introMember      = "description"
	permissionMember = "permissions"
	legacyMember     = "legacy_group" // made by the classic calls, which know no owner
)

// Who may join by themself, as the permissions of a group say.
const (
	joinByOwner  = 0
	joinFree     = 1
	joinByAdmins = 2
	joinNobody   = 3
)

// permissionKeys are the permissions of a group with the highest value of each.
var permissionKeys = map[string]int64{
	"joinPerm": joinNobody, "removePerm": 2, "memInvitePerm": 2, "invitePerm": 1, "profilePerm": 2, "memProfilePerm": 2,
	"joinPermission": joinNobody, "removeMemberPermission": 2, "invitePermission": 2, "inviteHandlePermission": 1,
	"groupInfoEditPermission": 2, "memberInfoEditPermission": 2,
}

// groupOps are the groups, without who is in them and who may speak.
func (d *Dialect) groupOps() []operation {
	return []operation{
		{path: "/group-channel/create", family: familyGroup, rate: 100, serve: d.createGroup},
		{path: "/group-channel/profile/update", family: familyGroup, rate: 100, serve: d.updateGroup},
		{path: "/group-channel/profile/list", family: familyGroup, rate: 100, serve: d.listGroupProfiles},
		{path: "/group-channel/transfer/owner", family: familyGroup, rate: 100, serve: d.transferGroup},
		{path: "/group-channel/dismiss", family: familyGroup, rate: 100, serve: d.dismissGroup},
		{path: "/group-channel/list", family: familyGroup, rate: 100, serve: d.listGroups},
		{path: "/group-channel/joined/list", family: familyGroup, rate: 100, serve: d.listJoinedGroups},
	}
}

// group reads a group by its id.
func (d *Dialect) group(ctx context.Context, by core.Actor, id string) (*core.Channel, error) {
	v, err := d.core.Groups.Get(ctx, by, core.GetGroup{Key: groupKey(id)})
	if err != nil {
		return nil, err
	}
	if v.Channel.Kind != core.KindGroup {
		return nil, fault.GroupNotFound.Error("The group " + clip(id) + " does not exist.")
	}
	return &v.Channel, nil
}

// hosted reads a group that has an owner and a profile: one of the classic calls has to be imported first.
func (d *Dialect) hosted(ctx context.Context, by core.Actor, id string) (*core.Channel, error) {
	c, err := d.group(ctx, by, id)
	if err == nil && gjson.GetBytes(c.Extra, legacyMember).Bool() {
		err = fault.GroupMigrationRequired.Error("The group is of the old kind and has to be imported first.")
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// groupID reads the id of a group.
func (in *input) groupID(name string) string {
	s := in.channelID(name)
	for _, c := range []byte(s) {
		if !metadataName(string(c)) {
			in.Fail(name, "has letters, digits and - _ = + only", fault.GroupInvalidID)
			break
		}
	}
	return s
}

// groupChange is what a call says about a group.
type groupChange struct {
	name, intro, announcement, image *string
	permissions                      core.Extra
	ext                              map[string]string
}

// readGroup reads groupProfile, permissions and groupExtProfile.
func (in *input) readGroup() (groupChange, error) {
	var g groupChange
	profile, _ := in.looseObject("groupProfile")
	p := gjson.ParseBytes(profile)
	for _, f := range []struct {
		names []string
		to    **string
		max   int
	}{
		{[]string{"name"}, &g.name, maxGroupName}, {[]string{"introduction"}, &g.intro, maxIntroduction},
		{[]string{"announcement", "notice"}, &g.announcement, maxAnnouncement}, {[]string{"portraitUrl", "portraitUri"}, &g.image, 1024},
	} {
		for _, name := range f.names {
			v := p.Get(name)
			if v.Type != gjson.String {
				continue
			}
			if len([]rune(v.Str)) > f.max {
				in.Fail("groupProfile/"+name, "must be at most "+itoa(f.max)+" characters", fault.RequestFieldTooLong)
			}
			*f.to = &v.Str
		}
	}
	g.permissions, _ = in.looseObject("permissions")
	gjson.ParseBytes(g.permissions).ForEach(func(k, v gjson.Result) bool {
		most, ok := permissionKeys[k.Str]
		if !ok || v.Type != gjson.Number || v.Int() < 0 || v.Int() > most {
			in.Fail("permissions/"+k.Str, "is no permission or has no such value", fault.RequestInvalidField)
		}
		return true
	})
	var err error
	g.ext, err = in.extKeys("groupExtProfile", "group_profile")
	if err == nil && len(g.ext) > maxGroupExt {
		in.Fail("groupExtProfile", "must have at most 10 entries", fault.RequestInvalidField)
	}
	return g, err
}

// permission reads a permission of a group by its short or its long name.
func permission(permissions gjson.Result, short, long string) (int, bool) {
	for _, name := range []string{short, long} {
		if v := permissions.Get(name); v.Type == gjson.Number {
			return int(v.Int()), true
		}
	}
	return 0, false
}

// rules puts permissions into the words of the core: who waits for whose consent.
func rulesOf(permissions core.Extra, r *core.GroupRules) {
	p := gjson.ParseBytes(permissions)
	join, set := permission(p, "joinPerm", "joinPermission")
	r.Approval = !set || join == joinByOwner || join == joinByAdmins
	invite, _ := permission(p, "memInvitePerm", "invitePermission")
	r.MembersInvite = invite == 2
	consent, _ := permission(p, "invitePerm", "inviteHandlePermission")
	r.Consent = consent == 1
}

// admissionOf is who may ask to join at all.
func admissionOf(permissions core.Extra) core.Admission {
	if join, _ := permission(gjson.ParseBytes(permissions), "joinPerm", "joinPermission"); join == joinNobody {
		return core.AdmitInvited
	}
	return core.AdmitAnyone
}

// apply puts a change into a group's Extra.
func (g *groupChange) apply(x core.Extra) core.Extra {
	set := map[string][]byte{}
	if g.intro != nil {
		set[introMember] = quoted(*g.intro)
	}
	if g.permissions != nil {
		set[permissionMember] = mergeObjects(core.Extra(gjson.GetBytes(x, permissionMember).Raw), g.permissions)
	}
	if g.ext != nil {
		have := readTexts(x, extMember)
		for k, v := range g.ext {
			have[k] = v
		}
		set[extMember] = textsJSON(have)
	}
	return putMembers(x, set)
}

// quoted is a text as JSON.
func quoted(s string) []byte {
	w := wire.NewWriter(len(s) + 2)
	w.Item(s)
	return w.Bytes()
}

// createGroup makes a group with its owner and first members in it.
func (d *Dialect) createGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, owner := in.groupID("channelId"), in.userID("owner")
	name, named := in.Look("name")
	if named {
		in.AsText("name", name)
	}
	users := in.optUserIDs("userIds", maxJoins)
	g, err := in.readGroup()
	if err != nil {
		return nil, err
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	switch {
	case strings.TrimSpace(name.Str) == "":
		return nil, fault.RequestMissingField.Error("The group has no name.").With("group_name")
	case len([]rune(name.Str)) > maxGroupName:
		return nil, fault.RequestFieldTooLong.Error("name must be at most 64 characters")
	case len(users) > maxGroupStart:
		return nil, fault.GroupFull.Error("A new group has at most 30 members beside its owner.")
	}
	if _, err := d.people(ctx, by, append([]core.UserID{owner}, users...)); err != nil {
		return nil, err
	}
	make := core.CreateGroup{Key: groupKey(id), Owner: owner, Name: name.Str, Extra: g.apply(nil), Admission: admissionOf(g.permissions)}
	rulesOf(g.permissions, &make.Rules)
	if g.image != nil {
		make.Image = *g.image
	}
	if g.announcement != nil {
		make.Rules.Announcement = *g.announcement
	}
	for _, u := range users {
		make.Members = append(make.Members, core.GroupMember{User: u})
	}
	_, err = d.core.Groups.Create(ctx, by, make)
	return nil, err
}

// updateGroup changes the profile of a group.
func (d *Dialect) updateGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.channelID("channelId")
	g, err := in.readGroup()
	if err != nil {
		return nil, err
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.hosted(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if g.name != nil && strings.TrimSpace(*g.name) == "" {
		return nil, fault.RequestMissingField.Error("The group has no name.").With("group_name")
	}
	return nil, d.changeGroup(ctx, by, c, &g)
}

// changeGroup applies a change to a group.
func (d *Dialect) changeGroup(ctx context.Context, by core.Actor, c *core.Channel, g *groupChange) error {
	up := core.UpdateGroup{Key: c.Key, Change: func(c *core.Channel) error {
		if g.name != nil {
			c.Name = *g.name
		}
		if g.image != nil {
			c.Image = *g.image
		}
		c.Extra = g.apply(c.Extra)
		return nil
	}}
	if g.permissions != nil {
		all := core.Extra(mergeObjects(core.Extra(gjson.GetBytes(c.Extra, permissionMember).Raw), g.permissions))
		up.Admission = admissionOf(all)
		up.Rules = func(r *core.GroupRules) error {
			rulesOf(all, r)
			return nil
		}
	}
	if _, err := d.core.Groups.Update(ctx, by, up); err != nil {
		return err
	}
	if g.announcement == nil || *g.announcement == c.Rules().Announcement {
		return nil
	}
	_, err := d.core.Board.Announce(ctx, by, core.Announce{Key: c.Key, Text: *g.announcement, Max: 4 * maxAnnouncement})
	return err
}

// writeProfile writes what a group says of itself.
func writeProfile(w *wire.Writer, c *core.Channel) {
	w.Text("channelId", string(c.Key))
	w.Text("name", c.Name)
	w.Object("groupProfile")
	w.Text("introduction", gjson.GetBytes(c.Extra, introMember).String())
	w.Text("announcement", c.Rules().Announcement)
	w.Text("portraitUrl", c.Image)
	w.Close()
}

// writeGroup writes a group as a profile.
func writeGroup(w *wire.Writer, c *core.Channel) {
	writeProfile(w, c)
	w.Object("groupExtProfile")
	w.Extra(core.Extra(gjson.GetBytes(c.Extra, extMember).Raw), nil)
	w.Close()
	w.Object("permissions")
	w.Extra(core.Extra(gjson.GetBytes(c.Extra, permissionMember).Raw), nil)
	w.Close()
	w.Text("owner", string(c.CreatedBy))
	w.Int64("createdAt", sentAt(c.CreatedAt))
	w.Int("memberCount", c.MemberCount)
}

func (d *Dialect) listGroupProfiles(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.channelIDs("channelIds", maxGroupsAsked)
	if err := in.Err(); err != nil {
		return nil, err
	}
	var out []*core.Channel
	for _, id := range ids {
		c, err := d.hosted(ctx, by, id)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return func(w *wire.Writer) {
		w.List("profiles")
		for _, c := range out {
			w.Open()
			writeGroup(w, c)
			w.Close()
		}
		w.CloseList()
	}, nil
}

// transferGroup makes another member the owner.
func (d *Dialect) transferGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, to, leaves := in.channelID("channelId"), in.userID("newOwner"), in.flag("shouldLeave", false)
	forget := in.forgetting()
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.hosted(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if err := d.needMember(ctx, by, c, to); err != nil {
		return nil, err
	}
	old := c.CreatedBy
	if to == old {
		return nil, nil
	}
	if leaves {
		if err := d.forget(ctx, by, c, []core.UserID{old}, forget); err != nil {
			return nil, err
		}
	}
	_, err = d.core.Groups.Transfer(ctx, by, core.TransferGroup{Key: c.Key, To: to, OldRole: core.MemberMember, OldLeaves: leaves})
	return nil, err
}

func (d *Dialect) dismissGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.channelID("channelId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.hosted(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return nil, d.core.Groups.Delete(ctx, by, core.DeleteGroup{Key: c.Key})
}

// groupsOnly is the filter of groups among all channels.
var groupsOnly = core.Cond("kind", core.OpEq, core.Number(float64(core.KindGroup)))

// allGroups reads groups in order of their making, one page of them and whether more follow.
func (d *Dialect) allGroups(ctx context.Context, by core.Actor, joined bool, p tokenPage, desc bool) ([]core.GroupView, string, error) {
	out, err := d.core.Groups.Query(ctx, by, core.QueryGroups{
		Filter: groupsOnly, Joined: joined, Sort: []core.Sort{{Field: "created_at", Desc: desc}}, Page: core.Page{Limit: p.size, Offset: p.from},
	})
	if err != nil {
		return nil, "", err
	}
	next := ""
	if out.More {
		next = pageToken(p.from + len(out.Groups))
	}
	return out.Groups, next, nil
}

func (d *Dialect) listGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, order := in.tokenPage(50, 100), in.number("order", 0, 0, 1)
	if err := in.Err(); err != nil {
		return nil, err
	}
	list, next, err := d.allGroups(ctx, by, false, p, order == 1)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.Text("pageToken", next)
		w.List("groups")
		for i := range list {
			c := &list[i].Channel
			w.Open()
			writeProfile(w, c)
			w.Text("creator", string(c.CreatedBy))
			w.Text("owner", string(c.CreatedBy))
			w.Int64("createdAt", sentAt(c.CreatedAt))
			w.Close()
		}
		w.CloseList()
	}, nil
}

// listJoinedGroups reads the groups a person is in, with what they are there.
func (d *Dialect) listJoinedGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, order, role := in.tokenPage(50, 100), in.number("order", 0, 0, 1), in.number("role", 0, 0, 3)
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	actor := by.As(u.ID)
	var list []core.GroupView
	next := ""
	for part := p; len(list) < p.size; part.from += part.size { // those of other roles leave room on the page
		views, more, err := d.allGroups(ctx, actor, true, part, order == 1)
		if err != nil {
			return nil, err
		}
		for i := range views {
			if m := views[i].Member; m != nil && (role == 0 || wireRole(m.Role) == int(role)) {
				list = append(list, views[i])
			}
			if len(list) == p.size && (more != "" || i < len(views)-1) {
				next = pageToken(part.from + i + 1)
				break
			}
		}
		if more == "" || next != "" {
			break
		}
	}
	aliases := make([]string, len(list))
	for i := range list {
		if aliases[i], err = d.alias(ctx, actor, list[i].Channel.Key); err != nil {
			return nil, err
		}
	}
	return func(w *wire.Writer) {
		w.Text("pageToken", next)
		w.List("groups")
		for i := range list {
			w.Open()
			writeGroup(w, &list[i].Channel)
			w.Text("alias", aliases[i])
			w.Int64("joinedAt", sentAt(list[i].Member.CreatedAt))
			w.Int("role", wireRole(list[i].Member.Role))
			w.Close()
		}
		w.CloseList()
	}, nil
}
