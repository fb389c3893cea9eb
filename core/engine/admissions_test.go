package engine_test

import (
	"testing"

	"dragoman/core"
	"dragoman/core/fault"
)

// ruled makes a group of everyone's rank and gives it rules.
func ruled(t *testing.T, w *world, key core.ChannelKey, change func(*core.GroupRules)) {
	t.Helper()
	rankedGroup(t, w, key, core.AdmitAnyone, "")
	_, err := w.core().Groups.Update(t.Context(), w.as("owner"), core.UpdateGroup{Key: key, Rules: func(r *core.GroupRules) error { change(r); return nil }})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAdmissionNeedsApproval(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve", "fay")
	a := w.core().Admissions
	ruled(t, w, "g", func(r *core.GroupRules) { r.Approval = true })
	mod, eve := w.listen(0, "mod"), w.listen(0, "eve")
	_, err := w.core().Groups.Join(t.Context(), w.as("fay"), core.JoinGroup{Key: "g"})
	wants(t, "joining", err, fault.GroupJoinPending, "admin_approval")
	mod.next(core.JoinRequested)
	app, err := a.Apply(t.Context(), w.as("eve"), core.ApplyToGroup{Key: "g", Text: "please"})
	if err != nil || app.Status != core.ApplicationPending {
		t.Fatalf("apply: %+v, %v", app, err)
	}
	if ev := mod.next(core.JoinRequested).Event; ev.Target.ID != "eve" || ev.Change.Application.Text != "please" {
		t.Errorf("moderators are told %+v", ev)
	}
	wants(t, "not in yet", w.speak("eve", "g"), fault.PermissionDenied, "")
	list, err := a.List(t.Context(), w.as("mod"), core.ListApplications{Key: "g", Status: core.ApplicationPending})
	if err != nil || len(list) != 2 || list[0].User != "eve" {
		t.Errorf("list: %+v, %v", list, err)
	}
	answer := func(by, who core.UserID, yes bool) error {
		_, err := a.Answer(t.Context(), w.as(by), core.AnswerApplication{Key: "g", User: who, Accept: yes, Text: "no room"})
		return err
	}
	wants(t, "a member answers", answer("ann", "eve", true), fault.GroupPermissionDenied, "moderator_scope")
	wants(t, "nobody asked", answer("mod", "bob", true), fault.GroupInvitationNotFound, "")
	wants(t, "accepted", answer("mod", "eve", true), nil, "")
	if ev := eve.next(core.JoinAccepted).Event; ev.User.ID != "mod" || ev.Change.Application.Status != core.ApplicationAccepted {
		t.Errorf("who asked is told %+v", ev)
	}
	wants(t, "answered twice", answer("admin", "eve", true), fault.GroupRequestAlreadyHandled, "")
	wants(t, "in", w.speak("eve", "g"), nil, "")
	wants(t, "declined", answer("mod", "fay", false), nil, "")
	mine, err := a.List(t.Context(), w.as("fay"), core.ListApplications{})
	if err != nil || len(mine) != 1 || mine[0].Status != core.ApplicationDeclined || mine[0].Answer != "no room" || mine[0].HandledBy != "mod" {
		t.Errorf("own: %+v, %v", mine, err)
	}
	wants(t, "still out", w.speak("fay", "g"), fault.PermissionDenied, "")
}

func TestAdmissionInvites(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve", "fay")
	a := w.core().Admissions
	ruled(t, w, "g", func(r *core.GroupRules) { r.Consent = true })
	ann, eve := w.listen(0, "ann"), w.listen(0, "eve")
	invite := func(by core.UserID, who ...core.UserID) ([]core.GroupOutcome, error) {
		return a.Invite(t.Context(), w.as(by), core.InviteToGroup{Key: "g", Users: who, Text: "come"})
	}
	_, err := invite("ann", "eve")
	wants(t, "a member invites", err, fault.GroupPermissionDenied, "invite")
	if _, err := w.core().Groups.Update(t.Context(), w.as("owner"), core.UpdateGroup{Key: "g", Rules: func(r *core.GroupRules) error { r.MembersInvite = true; return nil }}); err != nil {
		t.Fatal(err)
	}
	if ev := ann.next(core.GroupRuled).Event; len(ev.Change.Names) != 1 || ev.Change.Names[0] != "members_invite" || !ev.Change.Rules.MembersInvite {
		t.Errorf("ruled: %+v", ev.Change)
	}
	out, err := invite("ann", "eve", "bob", "nobody")
	if err != nil || !out[0].Pending || !fault.IsReason(out[1].Err, fault.GroupAlreadyMember) || !fault.IsReason(out[2].Err, fault.UserNotFound) {
		t.Fatalf("invite: %+v, %v", out, err)
	}
	if ev := eve.next(core.GroupInvited).Event; ev.User.ID != "ann" || ev.Change.Application.Text != "come" {
		t.Errorf("the invited is told %+v", ev)
	}
	wants(t, "not in yet", w.speak("eve", "g"), fault.PermissionDenied, "")
	_, err = a.AnswerInvite(t.Context(), w.as("fay"), core.AnswerInvite{Key: "g", Accept: true})
	wants(t, "not invited", err, fault.GroupInvitationNotFound, "")
	_, err = a.AnswerInvite(t.Context(), w.as("eve"), core.AnswerInvite{Key: "g", Accept: true})
	wants(t, "accepting", err, nil, "")
	if ev := ann.next(core.GroupInviteAccepted).Event; ev.Target.ID != "eve" {
		t.Errorf("who invited is told %+v", ev)
	}
	wants(t, "in", w.speak("eve", "g"), nil, "")
}

func TestGroupRulesHold(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	ruled(t, w, "g", func(r *core.GroupRules) { r.MaxMembers = 5 })
	_, err := w.core().Groups.Join(t.Context(), w.as("eve"), core.JoinGroup{Key: "g"})
	wants(t, "full", err, fault.GroupFull, "")
	_, err = w.core().Groups.Rank(t.Context(), w.as("admin"), core.RankMember{Key: "g", User: "ann", Role: core.MemberAdmin, ByOwner: true})
	wants(t, "an admin appoints", err, fault.GroupPermissionDenied, "owner_only")
	err = w.core().Groups.Delete(t.Context(), w.as("admin"), core.DeleteGroup{Key: "g", ByOwner: true})
	wants(t, "an admin dissolves", err, fault.GroupPermissionDenied, "owner_only")
	x := w.listen(0, "bob")
	v, err := w.core().Groups.Transfer(t.Context(), w.as("owner"), core.TransferGroup{Key: "g", To: "ann", OldLeaves: true})
	if err != nil || v.Member != nil || v.Channel.CreatedBy != "ann" || v.Channel.MemberCount != 4 {
		t.Errorf("transfer: %+v, %v", v, err)
	}
	if ev := x.next(core.OwnerChanged).Event; ev.Target.ID != "ann" || ev.Change.Old != "owner" {
		t.Errorf("told %+v", ev)
	}
	// Who replaces the channel's configuration over another dialect leaves the rules alone.
	_, err = w.core().Channels.Update(t.Context(), w.server().As("ann"), core.UpdateChannel{Key: "g", Change: func(c *core.Channel) error {
		c.Overrides = core.ConfigOverrides{MaxLength: 10}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	v, err = w.core().Groups.Get(t.Context(), w.as("bob"), core.GetGroup{Key: "g"})
	if err != nil || v.Channel.Rules().MaxMembers != 5 || v.Channel.Overrides.MaxLength != 10 {
		t.Errorf("after replacing: %+v, %v", v.Channel.Overrides, err)
	}
}

func TestBoard(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	b := w.core().Board
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	x := w.listen(0, "bob")
	_, err := b.Announce(t.Context(), w.as("ann"), core.Announce{Key: "g", Text: "hi"})
	wants(t, "a member announces", err, fault.GroupPermissionDenied, "moderator_scope")
	_, err = b.Announce(t.Context(), w.as("mod"), core.Announce{Key: "g", Text: "hello", Max: 4})
	wants(t, "too long", err, fault.RequestFieldTooLong, "")
	c, err := b.Announce(t.Context(), w.as("mod"), core.Announce{Key: "g", Text: "hello"})
	if err != nil || c.Rules().Announcement != "hello" || c.Rules().AnnouncedBy != "mod" {
		t.Errorf("announce: %+v, %v", c.Rules(), err)
	}
	if ev := x.next(core.Announced).Event; ev.Change.Text != "hello" {
		t.Errorf("told %+v", ev.Change)
	}
	share := func(by core.UserID, id string, most int) error {
		_, err := b.Share(t.Context(), w.as(by), core.ShareFile{Key: "g", File: core.SharedFile{ID: id, Name: id + ".txt", Size: 3}, Max: most})
		return err
	}
	wants(t, "a stranger shares", share("eve", "f0", 0), fault.GroupNotMember, "self")
	wants(t, "sharing", share("ann", "f1", 0), nil, "")
	if ev := x.next(core.FileShared).Event; ev.Change.File.ID != "f1" || ev.Change.File.Owner != "ann" {
		t.Errorf("told %+v", ev.Change)
	}
	w.clock.Add(1e9)
	wants(t, "another", share("mod", "f2", 2), nil, "")
	wants(t, "over the bound", share("ann", "f3", 2), fault.LimitReached, "")
	list, err := b.Shared(t.Context(), w.as("bob"), core.ListShared{Key: "g"})
	if err != nil || len(list) != 2 || list[0].ID != "f2" || list[1].Size != 3 {
		t.Errorf("list: %+v, %v", list, err)
	}
	unshare := func(by core.UserID, id string) error {
		_, err := b.Unshare(t.Context(), w.as(by), core.UnshareFile{Key: "g", ID: id})
		return err
	}
	wants(t, "another's", unshare("ann", "f2"), fault.GroupPermissionDenied, "moderator_scope")
	wants(t, "one's own", unshare("ann", "f1"), nil, "")
	wants(t, "gone", unshare("ann", "f1"), fault.FileNotFound, "")
	wants(t, "by a moderator", unshare("mod", "f2"), nil, "")
}

func TestCapsHold(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	w.settings(func(s *core.AppSettings) {
		s.Caps = core.Caps{Joined: 1, Channels: 2, Admins: 1, Friends: 1, Blocked: 1}
	})
	make1 := func(by core.UserID, key core.ChannelKey) error {
		_, err := w.core().Groups.Create(t.Context(), w.as(by), core.CreateGroup{Key: key, Admission: core.AdmitAnyone})
		return err
	}
	wants(t, "a group too many of a person", make1("ann", "h"), fault.GroupLimitReached, "user_joined")
	wants(t, "another's", make1("eve", "h"), nil, "")
	_, err := w.core().Groups.Join(t.Context(), w.as("eve"), core.JoinGroup{Key: "g"})
	wants(t, "joining one too many", err, fault.GroupLimitReached, "user_joined")
	wants(t, "a group too many of the app", make1("eve", "i"), fault.GroupLimitReached, "app_total")
	_, err = w.core().Groups.Rank(t.Context(), w.as("owner"), core.RankMember{Key: "g", User: "ann", Role: core.MemberAdmin})
	wants(t, "an admin too many", err, fault.GroupLimitReached, "admins_or_follows")
	befriend := func(a, b core.UserID) error {
		out, err := w.core().Friends.Add(t.Context(), w.as(a), core.AddFriends{Friends: []core.UserID{b}})
		if err != nil {
			return err
		}
		return out[0].Err
	}
	wants(t, "a friend", befriend("ann", "bob"), nil, "")
	wants(t, "one's own list is full", befriend("ann", "eve"), fault.FriendLimitReached, "self")
	wants(t, "the other's list is full", befriend("eve", "bob"), fault.FriendLimitReached, "peer")
	block := func(u core.UserID) error {
		_, err := w.core().Moderation.Block(t.Context(), w.as("ann"), core.BlockUser{User: u})
		return err
	}
	wants(t, "blocking", block("mod"), nil, "")
	wants(t, "blocking again", block("mod"), nil, "")
	wants(t, "blocking one too many", block("eve"), fault.LimitReached, "direct_blocklist")
}
