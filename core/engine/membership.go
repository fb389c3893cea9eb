package engine

import (
	"cmp"
	"context"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// speaker is the person in whose name a command of groups and calls speaks: the actor, or for a
// server acting for nobody the app's own person.
func (e *Engine) speaker(ctx context.Context, by core.Actor) (*core.User, error) {
	if by.User != "" {
		return e.actor(ctx, by)
	}
	u, err := e.user(ctx, by.App, core.SystemUser)
	if err == nil || !fault.IsReason(err, fault.UserNotFound) {
		return u, err
	}
	fresh := core.User{ID: core.SystemUser, Name: "System", Role: core.RoleUser, CreatedAt: e.now(), UpdatedAt: e.now()}
	err = e.update(ctx, "users.create", by.App, 0, func(t *txn) error {
		us, err := t.Users(ctx, by.App, []core.UserID{core.SystemUser})
		if err != nil || len(us) > 0 {
			return err
		}
		return t.putUser(&fresh)
	})
	if err != nil {
		return nil, err
	}
	return e.user(ctx, by.App, core.SystemUser)
}

// named reports whether a part of a person's name or id is s, ignoring case.
func named(u *core.User, s string) bool {
	s = strings.ToLower(s)
	return strings.Contains(strings.ToLower(u.Name), s) || strings.Contains(strings.ToLower(string(u.ID)), s)
}

// sentences are the texts of notices, for those who only read text: who did it, whom to.
var sentences = map[core.NoticeKind]string{
	core.NoticeJoined: "{by} joined", core.NoticeLeft: "{by} left", core.NoticeAdded: "{by} added {of}", core.NoticeKicked: "{by} removed {of}",
	core.NoticeBanned: "{by} banned {of}", core.NoticeUnbanned: "{by} unbanned {of}", core.NoticeRanked: "{by} made {of} {new}",
	core.NoticeCall: "{by}: {kind} call {status}",
}

func sentence(n *core.Notice, by *core.User) string {
	of := string(n.Of)
	if n.Person != nil {
		of = cmp.Or(n.Person.Name, of)
	}
	var kind, status string
	if n.Call != nil {
		kind, status = n.Call.Kind, string(n.Call.Status)
	}
	return strings.NewReplacer("{by}", cmp.Or(by.Name, string(by.ID)), "{of}", of, "{new}", n.New, "{kind}", kind, "{status}", status).Replace(sentences[n.Kind])
}

// notice writes what happened into the log and tells of it.
func (t *txn) notice(ctx context.Context, sc *scene, c *core.Channel, author *core.User, n core.Notice) (*core.Message, error) {
	e := t.e
	m := core.Message{
		Channel: c.ID, ChannelKey: c.Key, User: author.ID, Kind: core.MessageSystem, Silent: true, Text: sentence(&n, author), CreatedAt: e.now(), UpdatedAt: e.now(),
	}
	stored := n
	stored.Person = nil
	m.Notice = &stored
	if _, err := t.InsertMessage(t.app, &m); err != nil {
		return nil, err
	}
	m.Notice, m.Author = &n, e.seen(t.app, author)
	told := *c
	told.LastSeq = m.Seq
	return &m, t.emit(&core.Event{Kind: core.MessageSent, Channel: &told, Config: sc.config, User: m.Author, Message: &m})
}

// change is one change of one membership under way.
type change struct {
	g      groups
	op     string
	sc     *scene
	author *core.User
	of     *core.User
	quiet  bool       // no notice in the log
	extra  core.Extra // told along with the event
	ban    core.Ban   // the one that is set, if any
	out    core.GroupView
}

// about enters a group for a change of somebody's membership.
func (g groups) about(ctx context.Context, op string, by core.Actor, key core.ChannelKey, of core.UserID) (*change, error) {
	sc, err := g.e.group(ctx, by, key)
	if err != nil {
		return nil, translate(op, err)
	}
	x := &change{g: g, op: op, sc: sc}
	if x.author, err = g.e.speaker(ctx, by); err != nil {
		return nil, translate(op, err)
	}
	us, err := g.e.usersByID(ctx, by.App, []core.UserID{of})
	if err != nil {
		return nil, translate(op, err)
	}
	if x.of = us[of]; x.of == nil || !x.of.DeletedAt.IsZero() {
		return nil, translate(op, fault.UserNotFound.Error("The user with ID \""+string(of)+"\" does not exist"))
	}
	return x, nil
}

// run does the change in a transaction and reads the group as it is then. do gets the membership as
// it is stored, or nil.
func (x *change) run(ctx context.Context, do func(t *txn, c *core.Channel, m *core.Member) error) (core.GroupView, error) {
	e := x.g.e
	left := false
	err := e.update(ctx, x.op, x.sc.by.App, x.sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, t.app, x.sc.channel.Key)
		if err != nil {
			return err
		}
		m, err := t.memberOf(ctx, c.ID, x.of.ID)
		if err != nil {
			return err
		}
		if err := do(t, &c, m); err != nil {
			return err
		}
		now, err := t.memberOf(ctx, c.ID, x.of.ID)
		left = now == nil && m != nil
		return err
	})
	if err != nil {
		return core.GroupView{}, err
	}
	if left {
		channels(x.g).lose(x.sc, x.of.ID)
	}
	out, err := x.g.view(ctx, x.sc.by, x.sc.channel.Key)
	out.Notice, out.Other = x.out.Notice, x.out.Other
	return out, translate(x.op, err)
}

// tell writes the notice of a change and the event of its kind, which carries the notice.
func (x *change) tell(ctx context.Context, t *txn, c *core.Channel, kind core.EventKind, m *core.Member, n core.Notice) error {
	e := x.g.e
	n.Of, n.Person, n.At = x.of.ID, x.of, e.now()
	var msg *core.Message
	if !x.quiet {
		var err error
		if msg, err = t.notice(ctx, x.sc, c, x.author, n); err != nil {
			return err
		}
	}
	x.out.Notice, x.out.Other = msg, m
	told := *c
	ev := &core.Event{Kind: kind, Channel: &told, Config: x.sc.config, User: e.seen(t.app, x.author), Member: m, Target: x.of, Message: msg}
	if n.Old != "" || n.New != "" {
		ev.Change = &core.Change{Old: n.Old, New: n.New}
	}
	if ev.Extra = x.extra; x.quiet {
		ev.Change = &core.Change{Old: n.Old, New: n.New, Text: string(n.Kind)}
	}
	if kind == core.UserBanned || kind == core.UserUnbanned {
		ban := x.ban
		ban.User, ban.Channel, ban.By, ban.CreatedAt, ban.Target, ban.Banner = x.of.ID, c.Key, x.author.ID, e.now(), x.of, ev.User
		ev.Ban = &ban
	}
	switch kind { // no channel of theirs will tell them
	case core.MemberRemoved, core.UserBanned, core.UserUnbanned:
		if !x.quiet {
			ev.Box = []core.UserID{x.of.ID}
		}
	}
	emit := t.emit
	if kind == core.UserBanned || kind == core.UserUnbanned {
		emit = t.log // here it changes who is a member, which those who are away have to learn
	}
	if err := emit(ev); err != nil || kind != core.MemberRemoved && kind != core.UserBanned {
		return err
	}
	return x.vacateRoom(ctx, t, c)
}

// enter makes the person a member.
func (x *change) enter(ctx context.Context, t *txn, c *core.Channel, role string, n core.NoticeKind) error {
	e := x.g.e
	m := e.newMember(c, core.MemberInput{User: x.of.ID})
	setRank(&m, role)
	m.ReadSeq, m.Profile = c.LastSeq, x.of
	if err := t.putMember(c.Key, &m); err != nil {
		return err
	}
	c.MemberCount++
	return x.tell(ctx, t, c, core.MemberAdded, &m, core.Notice{Kind: n, New: m.Role})
}

// leave ends the membership.
func (x *change) leave(ctx context.Context, t *txn, c *core.Channel, m *core.Member, n core.NoticeKind) error {
	if err := t.deleteMember(c.Key, c.ID, m.User); err != nil {
		return err
	}
	c.MemberCount--
	return x.tell(ctx, t, c, core.MemberRemoved, m, core.Notice{Kind: n, Old: m.Role})
}

// depart ends the membership of somebody who leaves along with the change of another.
func (x *change) depart(ctx context.Context, t *txn, c *core.Channel, id core.UserID) error {
	m, err := t.memberOf(ctx, c.ID, id)
	if err != nil || m == nil {
		return err
	}
	other := *x
	other.of = m.Profile
	if err := other.leave(ctx, t, c, m, core.NoticeLeft); err != nil {
		return err
	}
	t.then(func() { x.g.e.dispatch.place(placeKey{t.app, c.ID, id}) })
	return nil
}

// mayEnter checks that a person is not in the group, not banned, and fits.
func (x *change) mayEnter(ctx context.Context, t *txn, c *core.Channel, m *core.Member) error {
	if m != nil {
		return fault.GroupAlreadyMember.Error("the user is a member of this group already")
	}
	b, found, err := record[core.Ban](ctx, t, t.app, spaceBans, banKey(c.Key, x.of.ID))
	if err != nil {
		return err
	}
	if found && b.Active(x.g.e.now()) && !b.Shadow {
		return fault.GroupBanned.Error("the user is banned from this group")
	}
	if c.MemberCount >= cmp.Or(c.Rules().MaxMembers, x.sc.app.Settings.GroupLimit, maxGroupMembers) {
		return fault.GroupFull.Error("the group has no room for more members")
	}
	return x.g.e.mayJoinMore(ctx, t, x.sc.app, x.of.ID)
}

// Join makes the actor a member.
func (g groups) Join(ctx context.Context, by core.Actor, in core.JoinGroup) (core.GroupView, error) {
	const op = "groups.join"
	e := g.e
	if err := needUser(by); err != nil {
		return core.GroupView{}, translate(op, err)
	}
	x, err := g.about(ctx, op, by, in.Key, by.User)
	if err != nil {
		return core.GroupView{}, err
	}
	var wrong error // worked out before the transaction: hashing takes its time
	switch x.sc.channel.Admits() {
	case core.AdmitInvited:
		wrong = fault.GroupJoinDenied.Error("the group is private: its members are added by others").With("private")
	case core.AdmitPassword:
		if in.Password == "" {
			wrong = fault.RequestMissingField.Error("the password of the group is required").With("group_password")
			break
		}
		k, found, err := record[groupKey](ctx, e.store, by.App, spaceGroupKeys, string(in.Key))
		if err != nil {
			return core.GroupView{}, translate(op, err)
		}
		if !found || !k.opens(in.Password) {
			wrong = fault.GroupWrongPassword.Error("the password does not open this group")
		}
	}
	pending := false
	out, err := x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		if err := x.mayEnter(ctx, t, c, m); err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
		if pending = c.Rules().Approval; pending {
			_, err := x.apply(ctx, t, c, in.Text)
			return err
		}
		return x.enter(ctx, t, c, core.MemberMember, core.NoticeJoined)
	})
	if err == nil && pending {
		err = translate(op, fault.GroupJoinPending.Error("a moderator has to approve the join").With("admin_approval"))
	}
	return out, err
}

// Leave ends the actor's membership.
func (g groups) Leave(ctx context.Context, by core.Actor, in core.LeaveGroup) (core.GroupView, error) {
	const op = "groups.leave"
	if err := needUser(by); err != nil {
		return core.GroupView{}, translate(op, err)
	}
	x, err := g.about(ctx, op, by, in.Key, by.User)
	if err != nil {
		return core.GroupView{}, err
	}
	return x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		if m == nil {
			return fault.GroupNotMember.Error("the user is not a member of this group").With("self")
		}
		if m.Role == core.MemberOwner && c.MemberCount > 1 {
			return fault.GroupOwnerProtected.Error("the owner has to transfer the group before leaving it")
		}
		return x.leave(ctx, t, c, m, core.NoticeLeft)
	})
}

// Add makes people members, one by one.
func (g groups) Add(ctx context.Context, by core.Actor, in core.AddToGroup) ([]core.GroupOutcome, error) {
	const op = "groups.add"
	e := g.e
	sc, err := e.group(ctx, by, in.Key)
	if err == nil {
		err = e.mayDeed(sc, "add", nil, "")
	}
	if err == nil && len(in.Members) > maxMembersAtOnce {
		err = fault.RequestBatchTooLarge.Error("at most 100 members can be added at once")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.GroupOutcome, 0, len(in.Members))
	for _, one := range in.Members {
		err := checkRole(one.Role)
		if err == nil {
			err = e.mayDeed(sc, "add", nil, one.Role)
		}
		var x *change
		if err == nil {
			x, err = g.about(ctx, op, by, in.Key, one.User)
		}
		if err == nil {
			_, err = x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
				if err := x.mayEnter(ctx, t, c, m); err != nil {
					return err
				}
				return x.enter(ctx, t, c, one.Role, core.NoticeAdded)
			})
		}
		if err != nil && fault.From(err).Reason.Blame() != fault.BlameClient {
			return out, translate(op, err)
		}
		out = append(out, core.GroupOutcome{User: one.User, Err: translate(op, err)})
	}
	return out, nil
}

// Kick ends another person's membership.
func (g groups) Kick(ctx context.Context, by core.Actor, in core.KickMember) (core.GroupView, error) {
	x, err := g.about(ctx, "groups.kick", by, in.Key, in.User)
	if err != nil {
		return core.GroupView{}, err
	}
	return x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		if err := x.over("kick", m, ""); err != nil {
			return err
		}
		return x.leave(ctx, t, c, m, core.NoticeKicked)
	})
}

// over checks a deed done to a member.
func (x *change) over(name string, m *core.Member, gives string) error {
	target := m
	if m == nil {
		target = &core.Member{User: x.of.ID}
	}
	if err := x.g.e.mayDeed(x.sc, name, target, gives); err != nil {
		return err
	}
	if m == nil {
		return fault.GroupNotMember.Error("the user is not a member of this group").With("target")
	}
	return nil
}

// Rank gives a member another rank.
func (g groups) Rank(ctx context.Context, by core.Actor, in core.RankMember) (core.GroupView, error) {
	const op = "groups.rank"
	if err := checkRole(in.Role); err != nil || in.Role == "" {
		return core.GroupView{}, translate(op, orElse(err, fault.RequestMissingField.Error("the rank is required")))
	}
	x, err := g.about(ctx, op, by, in.Key, in.User)
	if err != nil {
		return core.GroupView{}, err
	}
	return x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		name := "rank"
		if in.ByOwner {
			name = "appoint"
		}
		if err := x.over(name, m, in.Role); err != nil {
			return err
		}
		if m.Role == in.Role {
			return fault.GroupRoleConflict.Error("the member has this rank already").With("same_scope")
		}
		if m.Role == core.MemberOwner {
			return fault.GroupOwnerProtected.Error("the owner's rank changes by a transfer only")
		}
		if in.Role == core.MemberAdmin {
			if err := x.mayAppoint(ctx, t, c); err != nil {
				return err
			}
		}
		return x.promote(ctx, t, c, m, in.Role, true)
	})
}

// promote writes another rank, with a notice if wanted.
func (x *change) promote(ctx context.Context, t *txn, c *core.Channel, m *core.Member, role string, notice bool) error {
	e := x.g.e
	old := m.Role
	setRank(m, role)
	m.UpdatedAt = e.now()
	if err := t.putMember(c.Key, m); err != nil {
		return err
	}
	if notice {
		return x.tell(ctx, t, c, core.MemberUpdated, m, core.Notice{Kind: core.NoticeRanked, Old: old, New: role})
	}
	told := *c
	return t.emit(&core.Event{
		Kind: core.MemberUpdated, Channel: &told, Config: x.sc.config, User: e.seen(t.app, x.author), Member: m, Target: m.Profile,
		Change: &core.Change{Old: old, New: role},
	})
}

// Ban keeps a person out of the group, or lets them in again.
func (g groups) Ban(ctx context.Context, by core.Actor, in core.BanMember) (core.GroupView, error) {
	const op = "groups.ban"
	e := g.e
	x, err := g.about(ctx, op, by, in.Key, in.User)
	if err != nil {
		return core.GroupView{}, err
	}
	return x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		key := banKey(c.Key, x.of.ID)
		b, banned, err := record[core.Ban](ctx, t, t.app, spaceBans, key)
		if err != nil {
			return err
		}
		banned = banned && b.Active(e.now()) && !b.Shadow
		if in.Lift {
			return x.unban(ctx, t, c, banned)
		}
		target := m
		if m == nil {
			target = &core.Member{User: x.of.ID}
		}
		if err := e.mayDeed(x.sc, "ban", target, ""); err != nil {
			return err
		}
		if banned {
			return fault.GroupBanConflict.Error("the user is banned already").With("already_banned")
		}
		b = core.Ban{User: x.of.ID, Channel: c.Key, By: x.author.ID, Reason: in.Reason, CreatedAt: e.now(), Expires: e.until(in.For)}
		x.ban = b
		if err := putJSON(t, spaceBans, key, &b); err != nil {
			return err
		}
		t.dropPlace(c.Key, c.ID, x.of.ID)
		if m != nil {
			if err := t.deleteMember(c.Key, c.ID, m.User); err != nil {
				return err
			}
			c.MemberCount--
		}
		return x.tell(ctx, t, c, core.UserBanned, m, core.Notice{Kind: core.NoticeBanned})
	})
}

func (x *change) unban(ctx context.Context, t *txn, c *core.Channel, banned bool) error {
	if err := x.g.e.mayDeed(x.sc, "unban", &core.Member{User: x.of.ID}, ""); err != nil {
		return err
	}
	if !banned {
		return fault.GroupBanConflict.Error("the user is not banned").With("not_banned")
	}
	if err := t.DeleteRecord(t.app, spaceBans, banKey(c.Key, x.of.ID)); err != nil {
		return err
	}
	t.dropPlace(c.Key, c.ID, x.of.ID)
	return x.tell(ctx, t, c, core.UserUnbanned, nil, core.Notice{Kind: core.NoticeUnbanned})
}

// Transfer makes another member the owner; the old one is an admin then.
func (g groups) Transfer(ctx context.Context, by core.Actor, in core.TransferGroup) (core.GroupView, error) {
	const op = "groups.transfer"
	if err := checkRole(in.OldRole); err != nil {
		return core.GroupView{}, translate(op, err)
	}
	x, err := g.about(ctx, op, by, in.Key, in.To)
	if err != nil {
		return core.GroupView{}, err
	}
	return x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		if err := x.over("transfer", m, ""); err != nil {
			return err
		}
		if m.Role == core.MemberOwner {
			return fault.GroupRoleConflict.Error("the member owns the group already").With("same_scope")
		}
		owners, err := t.FindMembers(ctx, t.app, c.ID, store.Query{Filter: core.Cond("role", core.OpEq, core.Text(core.MemberOwner)), Limit: 10})
		if err != nil {
			return err
		}
		old := string(c.CreatedBy)
		if err := t.DeleteRecord(t.app, spaceRoomRanks, placeRecord(c.Key, c.CreatedBy)); err != nil {
			return err
		}
		for i := range owners {
			old = string(owners[i].User)
			if in.OldLeaves {
				err = x.depart(ctx, t, c, owners[i].User)
			} else {
				err = x.promote(ctx, t, c, &owners[i], cmp.Or(in.OldRole, core.MemberAdmin), false)
			}
			if err != nil {
				return err
			}
		}
		c.CreatedBy, c.UpdatedAt = m.User, x.g.e.now()
		if err := t.putChannel(c); err != nil {
			return err
		}
		if err := x.promote(ctx, t, c, m, core.MemberOwner, m.Role != core.MemberAdmin); err != nil {
			return err
		}
		told := *c
		return t.emit(&core.Event{
			Kind: core.OwnerChanged, Channel: &told, Config: x.sc.config, User: x.g.e.seen(t.app, x.author), Member: m, Target: x.of,
			Change: &core.Change{Old: old, New: string(m.User)},
		})
	})
}
