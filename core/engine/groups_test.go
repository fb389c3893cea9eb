package engine_test

import (
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// wants checks the reason and the variant of an error; no reason means no error.
func wants(t *testing.T, what string, err error, reason *fault.Reason, variant string) {
	t.Helper()
	if reason == nil {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if f := fault.From(err); f == nil || f.Reason != reason || f.Variant != variant {
		t.Errorf("%s: got %v, want %s/%s", what, err, reason, variant)
	}
}

// rankedGroup makes a group of everyone's rank.
func rankedGroup(t *testing.T, w *world, key core.ChannelKey, admission core.Admission, password string) {
	t.Helper()
	_, err := w.core().Groups.Create(t.Context(), w.as("owner"), core.CreateGroup{
		Key: key, Admission: admission, Password: password, Name: "Group",
		Members: []core.GroupMember{{User: "admin", Role: core.MemberAdmin}, {User: "mod", Role: core.MemberModerator}, {User: "ann"}, {User: "bob"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestGroupRightsOfRanks(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	g := w.core().Groups
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	kick := func(by, who core.UserID) error {
		_, err := g.Kick(t.Context(), w.as(by), core.KickMember{Key: "g", User: who})
		return err
	}
	rank := func(by, who core.UserID, role string) error {
		_, err := g.Rank(t.Context(), w.as(by), core.RankMember{Key: "g", User: who, Role: role})
		return err
	}
	ban := func(by, who core.UserID, lift bool) error {
		_, err := g.Ban(t.Context(), w.as(by), core.BanMember{Key: "g", User: who, Lift: lift})
		return err
	}
	update := func(by core.UserID) error {
		_, err := g.Update(t.Context(), w.as(by), core.UpdateGroup{Key: "g", Change: func(c *core.Channel) error { c.Name = "New"; return nil }})
		return err
	}
	for _, x := range []struct {
		what    string
		err     error
		reason  *fault.Reason
		variant string
	}{
		{"a member kicks", kick("ann", "bob"), fault.GroupPermissionDenied, "moderator_scope"},
		{"a moderator kicks an admin", kick("mod", "admin"), fault.GroupPermissionDenied, "clearance"},
		{"an admin kicks the owner", kick("admin", "owner"), fault.GroupPermissionDenied, "clearance"},
		{"a stranger kicks", kick("eve", "ann"), fault.GroupNotMember, "self"},
		{"kicking a stranger", kick("mod", "eve"), fault.GroupNotMember, "target"},
		{"kicking oneself", kick("mod", "mod"), fault.TargetIsSelf, "group"},
		{"kicking nobody", kick("mod", "nobody"), fault.UserNotFound, ""},
		{"a member ranks", rank("ann", "bob", core.MemberAdmin), fault.GroupPermissionDenied, "scope_change"},
		{"a moderator makes an admin", rank("mod", "bob", core.MemberAdmin), fault.GroupPermissionDenied, "scope_change"},
		{"a moderator makes a moderator", rank("mod", "bob", core.MemberModerator), nil, ""},
		{"the same rank again", rank("admin", "bob", core.MemberModerator), fault.GroupRoleConflict, "same_scope"},
		{"ranking oneself", rank("admin", "admin", core.MemberMember), fault.TargetIsSelf, "group"},
		{"a member updates", update("ann"), fault.GroupPermissionDenied, "moderator_scope"},
		{"a moderator updates", update("mod"), nil, ""},
		{"a member bans", ban("ann", "bob", false), fault.GroupPermissionDenied, "moderator_scope"},
		{"a moderator bans", ban("mod", "ann", false), nil, ""},
		{"banning twice", ban("mod", "ann", false), fault.GroupBanConflict, "already_banned"},
		{"the banned kicks", kick("ann", "bob"), fault.GroupBanned, ""},
		{"unbanning", ban("mod", "ann", true), nil, ""},
		{"unbanning twice", ban("mod", "ann", true), fault.GroupBanConflict, "not_banned"},
		{"a moderator deletes", g.Delete(t.Context(), w.as("mod"), core.DeleteGroup{Key: "g"}), fault.GroupPermissionDenied, "admin_scope"},
	} {
		wants(t, x.what, x.err, x.reason, x.variant)
	}
	_, err := g.Leave(t.Context(), w.as("owner"), core.LeaveGroup{Key: "g"})
	wants(t, "the owner leaves", err, fault.GroupOwnerProtected, "")
	_, err = g.Transfer(t.Context(), w.as("admin"), core.TransferGroup{Key: "g", To: "mod"})
	wants(t, "an admin transfers", err, fault.GroupPermissionDenied, "admin_scope")
	v, err := g.Transfer(t.Context(), w.as("owner"), core.TransferGroup{Key: "g", To: "mod"})
	wants(t, "the owner transfers", err, nil, "")
	if v.Channel.CreatedBy != "mod" || v.Member == nil || v.Member.Role != core.MemberAdmin || v.Notice == nil {
		t.Errorf("after the transfer: owner %s, old owner %+v, notice %v", v.Channel.CreatedBy, v.Member, v.Notice)
	}
	_, err = g.Leave(t.Context(), w.as("owner"), core.LeaveGroup{Key: "g"})
	wants(t, "the old owner leaves", err, nil, "")
	wants(t, "the new owner deletes", g.Delete(t.Context(), w.as("mod"), core.DeleteGroup{Key: "g"}), nil, "")
	_, err = g.Get(t.Context(), w.as("mod"), core.GetGroup{Key: "g"})
	wants(t, "a deleted group", err, fault.GroupNotFound, "")
}

func TestGroupAdmission(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve", "fay")
	g := w.core().Groups
	rankedGroup(t, w, "open", core.AdmitAnyone, "")
	rankedGroup(t, w, "closed", core.AdmitInvited, "")
	rankedGroup(t, w, "secret", core.AdmitPassword, "sesame")
	join := func(who core.UserID, key core.ChannelKey, password string) error {
		_, err := g.Join(t.Context(), w.as(who), core.JoinGroup{Key: key, Password: password})
		return err
	}
	list := func(who core.UserID) (keys []core.ChannelKey) {
		p, err := g.Query(t.Context(), w.as(who), core.QueryGroups{Sort: []core.Sort{{Field: "key"}}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Groups {
			keys = append(keys, p.Groups[i].Channel.Key)
		}
		return keys
	}
	if got := list("eve"); len(got) != 2 || got[0] != "open" || got[1] != "secret" {
		t.Errorf("a stranger is shown %v", got)
	}
	if got := list("ann"); len(got) != 3 {
		t.Errorf("a member is shown %v", got)
	}
	wants(t, "a closed group", join("eve", "closed", ""), fault.GroupJoinDenied, "private")
	wants(t, "no password", join("eve", "secret", ""), fault.RequestMissingField, "group_password")
	wants(t, "a wrong password", join("eve", "secret", "simsim"), fault.GroupWrongPassword, "")
	wants(t, "the password", join("eve", "secret", "sesame"), nil, "")
	wants(t, "an open group", join("eve", "open", ""), nil, "")
	wants(t, "twice", join("eve", "open", ""), fault.GroupAlreadyMember, "")
	wants(t, "nowhere", join("eve", "none", ""), fault.GroupNotFound, "")
	_, err := g.Create(t.Context(), w.as("eve"), core.CreateGroup{Key: "open"})
	wants(t, "a taken key", err, fault.GroupAlreadyExists, "")
	_, err = g.Create(t.Context(), w.as("eve"), core.CreateGroup{Key: "p", Admission: core.AdmitPassword})
	wants(t, "a password group without one", err, fault.RequestMissingField, "group_password")
	w.settings(func(s *core.AppSettings) { s.GroupLimit = 6 })
	wants(t, "a full group", join("fay", "open", ""), fault.GroupFull, "")
	out, err := g.Add(t.Context(), w.as("admin"), core.AddToGroup{Key: "closed", Members: []core.GroupMember{{User: "fay"}, {User: "ann"}, {User: "nobody"}}})
	wants(t, "adding", err, nil, "")
	wants(t, "a new member", out[0].Err, nil, "")
	wants(t, "an old member", out[1].Err, fault.GroupAlreadyMember, "")
	wants(t, "nobody", out[2].Err, fault.UserNotFound, "")
}

func TestGroupChangesAreTold(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	g := w.core().Groups
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	bob := w.listen(0, "bob")
	w.watch(0, bob, "g")
	if _, err := g.Join(core.WithOrigin(t.Context(), "phone-1"), w.as("eve"), core.JoinGroup{Key: "g"}); err != nil {
		t.Fatal(err)
	}
	sent := bob.next(core.MessageSent).Event
	if n := sent.Message.Notice; n == nil || n.Kind != core.NoticeJoined || n.Of != "eve" || sent.Origin != "phone-1" || sent.Message.Text != "eve joined" {
		t.Errorf("the notice of the join is %+v from %q: %q", n, sent.Origin, sent.Message.Text)
	}
	if ev := bob.next(core.MemberAdded).Event; ev.Message == nil || ev.Message.ID != sent.Message.ID || ev.Member.User != "eve" {
		t.Errorf("the join itself is told with %+v", ev.Message)
	}
	if _, err := g.Ban(t.Context(), w.server(), core.BanMember{Key: "g", User: "bob"}); err != nil {
		t.Fatal(err)
	}
	if ev := bob.next(core.MessageSent).Event; ev.Message.Notice.Kind != core.NoticeBanned || ev.User.ID != core.SystemUser {
		t.Errorf("the banned is told of %+v by %s", ev.Message.Notice, ev.User.ID)
	}
	bob.next(core.UserBanned)
	w.say("ann", "g", "without bob")
	for _, k := range w.heard(bob) {
		if k == core.MessageSent {
			t.Error("the banned still hears the group")
		}
	}
	ms, err := w.core().Messages.List(t.Context(), w.as("ann"), core.ListMessages{Key: "g"})
	if err != nil || len(ms) != 3 || ms[0].Notice == nil || ms[0].Notice.Person == nil || ms[0].Notice.Person.ID != "eve" {
		t.Errorf("the log holds %d messages (%v)", len(ms), err)
	}
	bans, err := g.Banned(t.Context(), w.as("mod"), core.ListBanned{Key: "g"})
	if err != nil || len(bans) != 1 || bans[0].Target.ID != "bob" {
		t.Errorf("banned are %v (%v)", bans, err)
	}
}

func TestFriendsAskAndAnswer(t *testing.T) {
	w := single(t, "ann", "bob", "cid")
	f := w.core().Friends
	add := func(by core.UserID, ask bool, who ...core.UserID) []core.FriendOutcome {
		out, err := f.Add(t.Context(), w.as(by), core.AddFriends{Friends: who, Ask: ask})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := add("ann", false, "bob", "ann", "nobody")
	wants(t, "befriending", out[0].Err, nil, "")
	wants(t, "oneself", out[1].Err, fault.TargetIsSelf, "friend")
	wants(t, "nobody", out[2].Err, fault.UserNotFound, "")
	wants(t, "twice", add("bob", false, "ann")[0].Err, fault.FriendAlreadyFriends, "")
	add("ann", true, "cid")
	if got, _ := f.List(t.Context(), w.as("cid"), core.ListFriends{Status: core.FriendPending}); len(got) != 1 || got[0].Friend != "ann" {
		t.Errorf("cid's requests are %v", got)
	}
	if got, _ := f.List(t.Context(), w.as("ann"), core.ListFriends{}); len(got) != 1 || got[0].Profile == nil {
		t.Errorf("ann's friends are %v", got)
	}
	if _, err := f.Answer(t.Context(), w.as("cid"), core.AnswerFriend{Friend: "ann", Accept: true}); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.List(t.Context(), w.as("ann"), core.ListFriends{}); len(got) != 2 {
		t.Errorf("ann's friends are %v", got)
	}
	gone, err := f.Remove(t.Context(), w.as("ann"), core.RemoveFriends{Friends: []core.UserID{"bob", "nobody"}})
	wants(t, "removing", err, nil, "")
	wants(t, "a friend", gone[0].Err, nil, "")
	wants(t, "no friend", gone[1].Err, fault.FriendNotFriends, "")
	if got, _ := f.List(t.Context(), w.as("bob"), core.ListFriends{}); len(got) != 0 {
		t.Errorf("bob's friends are %v", got)
	}
}

// direct opens the conversation of two people.
func direct(t *testing.T, w *world, a, b core.UserID) core.ChannelKey {
	t.Helper()
	st, err := w.core().Channels.Open(t.Context(), w.as(a), core.OpenChannel{
		Type: core.DefaultType, Input: core.ChannelInput{Members: []core.MemberInput{{User: a}, {User: b}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return st.Channel.Key
}

func TestRoleThatReachesFriends(t *testing.T) {
	w := single(t, "ann", "bob", "cid")
	key := direct(t, w, "ann", "bob")
	if _, err := w.core().Roles.Put(t.Context(), w.server(), core.PutRole{Name: "shy", Change: func(r *core.Role) error { r.Reach = core.ReachFriends; return nil }}); err != nil {
		t.Fatal(err)
	}
	_, err := w.core().Users.Patch(t.Context(), w.server(), core.PatchUsers{Patches: []core.UserPatch{{ID: "ann", Change: func(u *core.User) error { u.Role = "shy"; return nil }}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.core().Types.Put(t.Context(), w.server(), core.PutType{Name: core.DefaultType, Change: func(c *core.ChannelType) error {
		c.Grants = append(c.Grants, core.RoleGrants{Role: "shy", Permissions: []string{"create-message"}})
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	send := func() error {
		_, err := w.core().Messages.Send(t.Context(), w.as("ann"), core.SendMessage{Key: key, Message: core.MessageInput{Text: "hi"}})
		return err
	}
	wants(t, "to a stranger", send(), fault.FriendNotFriends, "")
	if _, err := w.core().Friends.Add(t.Context(), w.as("ann"), core.AddFriends{Friends: []core.UserID{"bob"}}); err != nil {
		t.Fatal(err)
	}
	wants(t, "to a friend", send(), nil, "")
}

func TestQuietBlockHidesFromTheBlocker(t *testing.T) {
	w := single(t, "ann", "bob")
	key := direct(t, w, "ann", "bob")
	if _, err := w.core().Moderation.Block(t.Context(), w.as("bob"), core.BlockUser{User: "ann"}); err != nil {
		t.Fatal(err)
	}
	send := func(by core.UserID) error {
		_, err := w.core().Messages.Send(t.Context(), w.as(by), core.SendMessage{Key: key, QuietBlock: true, Message: core.MessageInput{Text: "hi"}})
		return err
	}
	wants(t, "the blocked writes", send("ann"), nil, "")
	wants(t, "the blocker writes", send("bob"), fault.BlockBySelf, "")
	for who, n := range map[core.UserID]int{"ann": 1, "bob": 0} {
		if ms, err := w.core().Messages.List(t.Context(), w.as(who), core.ListMessages{Key: key}); err != nil || len(ms) != n {
			t.Errorf("%s sees %d messages (%v), want %d", who, len(ms), err, n)
		}
	}
}

func TestReceiptsFollowPositions(t *testing.T) {
	w := single(t, "ann", "bob", "cid")
	key := w.group("g", "ann", "bob", "cid")
	ann := w.listen(0, "ann")
	w.watch(0, ann, key)
	m := w.say("ann", key, "hello")
	got := func() core.Receipts {
		t.Helper()
		r, err := w.core().Reads.Receipts(t.Context(), w.as("ann"), core.ListReceipts{Message: m.Name()})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := got(); len(r.Receipts) != 0 || r.Others != 2 {
		t.Errorf("a new message has %+v", r)
	}
	if _, err := w.core().Reads.Delivered(t.Context(), w.as("bob"), core.MarkDelivered{Latest: []core.DeliveredUpTo{{Key: key, Message: m.Name()}}}); err != nil {
		t.Fatal(err)
	}
	if ev := ann.next(core.DeliveredMoved).Event; ev.Everyone {
		t.Error("delivered to everyone after one of two")
	}
	if _, err := w.core().Reads.Mark(t.Context(), w.as("bob"), core.MarkRead{Key: key, Message: m.Name()}); err != nil {
		t.Fatal(err)
	}
	if ev := ann.next(core.ReadMoved).Event; ev.Everyone {
		t.Error("read by everyone after one of two")
	}
	if r := got(); len(r.Receipts) != 1 || r.Receipts[0].ReadAt.IsZero() || r.Receipts[0].User.ID != "bob" || r.ReadByAll {
		t.Errorf("after bob: %+v", r)
	}
	w.clock.Add(time.Minute)
	if _, err := w.core().Reads.Mark(t.Context(), w.as("cid"), core.MarkRead{Key: key}); err != nil {
		t.Fatal(err)
	}
	if ev := ann.next(core.ReadMoved).Event; !ev.Everyone {
		t.Error("not read by everyone after two of two")
	}
	if r := got(); !r.ReadByAll || !r.DeliveredToAll {
		t.Errorf("after both: %+v", r)
	}
	_, err := w.core().Reads.Receipts(t.Context(), w.as("eve"), core.ListReceipts{Message: m.Name()})
	if err == nil {
		t.Error("a stranger may read receipts")
	}
}
