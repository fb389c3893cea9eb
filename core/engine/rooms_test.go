package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/fault"

	"pgregory.net/rapid"
)

// room makes a room with an owner.
func room(t *testing.T, w *world, id string, rules core.GroupRules) core.ChannelKey {
	t.Helper()
	key := core.KeyOf("livestream", id)
	if _, err := w.core().Groups.Create(t.Context(), w.server(), core.CreateGroup{Key: key, Owner: "owner", Name: id, Rules: rules}); err != nil {
		t.Fatal(err)
	}
	return key
}

// in reports whether a person is in the room.
func (w *world) in(key core.ChannelKey, u core.UserID) bool {
	w.t.Helper()
	m, err := w.core().Rooms.In(w.t.Context(), w.server(), core.InRoom{Key: key, Users: []core.UserID{u}})
	if err != nil {
		w.t.Fatal(err)
	}
	return m[u]
}

func TestRoomComingsAndGoings(t *testing.T) {
	w := single(t, "owner", "ann", "bob", "eve")
	r := w.core().Rooms
	key := room(t, w, "r1", core.GroupRules{MaxMembers: 3})
	ann, bob := w.listen(0, "ann"), w.listen(0, "bob")
	other := w.listen(0, "ann")
	enter := func(x *ear) error {
		_, err := r.Enter(t.Context(), x.by, core.EnterRoom{Key: key, Extra: core.Extra(`{"hi":1}`)})
		return err
	}
	_, err := w.core().Messages.Send(t.Context(), ann.by, core.SendMessage{Key: key, Inside: true, Message: core.MessageInput{Text: "x"}})
	wants(t, "writing from outside", err, fault.GroupNotMember, "self")
	wants(t, "entering", enter(ann), nil, "")
	wants(t, "entering again", enter(ann), nil, "")
	wants(t, "another", enter(bob), nil, "")
	if d := ann.next(core.MemberAdded); d.Event.Target.ID != "ann" && d.Event.Target.ID != "bob" || string(d.Event.Extra) != `{"hi":1}` || d.Event.Message != nil {
		t.Errorf("told %+v", d.Event)
	}
	w.say("bob", key, "hello")
	if d := ann.next(core.MessageSent); d.As&core.AsEntered == 0 {
		t.Error("the connection that entered is not told apart")
	}
	if d := other.next(core.MessageSent); d.As&core.AsEntered != 0 {
		t.Error("a connection that did not enter is told as one that did")
	}
	_, err = r.Enter(t.Context(), w.as("eve"), core.EnterRoom{Key: key})
	wants(t, "full", err, fault.GroupFull, "")
	list, err := r.Joined(t.Context(), w.as("ann"), core.ListRooms{})
	if err != nil || len(list) != 1 || list[0].Key != key {
		t.Errorf("joined: %+v, %v", list, err)
	}
	_, err = r.Leave(t.Context(), ann.by, core.LeaveRoom{Key: key})
	wants(t, "leaving", err, nil, "")
	if ev := bob.next(core.MemberRemoved).Event; ev.Target.ID != "ann" {
		t.Errorf("told %+v", ev)
	}
	_, err = r.Leave(t.Context(), ann.by, core.LeaveRoom{Key: key})
	wants(t, "leaving twice", err, fault.GroupNotMember, "self")
	group := w.group("g", "ann", "bob")
	_, err = r.Enter(t.Context(), w.as("eve"), core.EnterRoom{Key: group})
	wants(t, "a group is no room", err, fault.GroupNotFound, "")
	second := room(t, w, "r2", core.GroupRules{})
	_, err = r.Enter(t.Context(), bob.by, core.EnterRoom{Key: second, LeaveOthers: true})
	wants(t, "changing rooms", err, nil, "")
	if w.in(key, "bob") || !w.in(second, "bob") {
		t.Error("the other room was not left")
	}
}

func TestRoomRanksOutlastPresence(t *testing.T) {
	w := single(t, "owner", "ann", "sue")
	r, key := w.core().Rooms, room(t, w, "r", core.GroupRules{})
	own := w.as("owner")
	if _, err := r.Leave(t.Context(), own, core.LeaveRoom{Key: key}); err != nil || w.in(key, "owner") {
		t.Fatalf("the owner leaves: %v", err)
	}
	_, err := w.core().Speech.MuteAll(t.Context(), own, core.MuteAll{Key: key})
	wants(t, "the owner rules from outside", err, nil, "")
	v, err := r.Enter(t.Context(), own, core.EnterRoom{Key: key})
	if err != nil || v.Member == nil || v.Member.Role != core.MemberOwner {
		t.Errorf("back: %+v, %v", v.Member, err)
	}
	_, err = w.core().Speech.MuteAll(t.Context(), w.as("sue"), core.MuteAll{Key: key, Lift: true})
	wants(t, "anybody", err, fault.GroupNotMember, "self")
	if err := r.SetSuperAdmin(t.Context(), w.server(), core.SetSuperAdmin{User: "sue"}); err != nil {
		t.Fatal(err)
	}
	wants(t, "a super admin speaks", w.speak("sue", key), nil, "")
	wants(t, "others do not", w.speak("ann", key), fault.GroupMuted, "all")
	_, err = w.core().Speech.MuteAll(t.Context(), w.as("sue"), core.MuteAll{Key: key, Lift: true})
	wants(t, "a super admin rules", err, nil, "")
	list, err := r.SuperAdmins(t.Context(), w.server(), core.ListSuperAdmins{})
	if err != nil || len(list) != 1 || list[0] != "sue" {
		t.Errorf("super admins: %v, %v", list, err)
	}
}

func TestRoomIsLeftAfterTheConnection(t *testing.T) {
	w := single(t, "owner", "ann", "bob")
	key := room(t, w, "r", core.GroupRules{})
	bob, one, two := w.listen(0, "bob"), w.listen(0, "ann"), w.listen(0, "ann")
	for _, x := range []*ear{bob, one, two} {
		if _, err := w.core().Rooms.Enter(t.Context(), x.by, core.EnterRoom{Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.core().Attributes.SetRoom(t.Context(), one.by, core.SetRoomAttributes{Key: key, Values: map[string]string{"seat": "1"}, Auto: true})
	wants(t, "setting", err, nil, "")
	one.Close()
	if w.in(key, "ann") == false {
		t.Fatal("gone with the first of two connections")
	}
	two.Close()
	eventually(t, "the room is left", func() bool { return !w.in(key, "ann") })
	if ev := bob.next(core.RoomAttributesRemoved).Event; ev.Change.Names[0] != "seat" {
		t.Errorf("told %+v", ev.Change)
	}
}

func TestRoomEndsByItself(t *testing.T) {
	w := single(t, "owner", "ann")
	fixed := room(t, w, "fixed", core.GroupRules{Lifetime: core.Lifetime{Minutes: 60, Fixed: true}})
	idle := room(t, w, "idle", core.GroupRules{Lifetime: core.Lifetime{Minutes: 60}})
	kept := room(t, w, "kept", core.GroupRules{Lifetime: core.Lifetime{Minutes: 60}})
	if _, err := w.core().Rooms.Leave(t.Context(), w.as("owner"), core.LeaveRoom{Key: idle}); err != nil {
		t.Fatal(err)
	}
	exists := func(k core.ChannelKey) bool {
		_, err := w.core().Groups.Get(context.WithoutCancel(t.Context()), w.server(), core.GetGroup{Key: k})
		return err == nil
	}
	w.clock.Add(59 * time.Minute)
	w.say("ann", idle, "still here")
	w.clock.Add(2 * time.Minute)
	eventually(t, "the fixed room ends", func() bool { return !exists(fixed) })
	if !exists(idle) {
		t.Error("a room ended in which somebody had just written")
	}
	w.clock.Add(time.Hour)
	eventually(t, "the idle room ends", func() bool { return !exists(idle) })
	if !exists(kept) {
		t.Error("a room ended with people in it")
	}
}

// TestRoomAttributesAgreeWithTheirModel sets and removes attributes at random against a map.
func TestRoomAttributesAgreeWithTheirModel(t *testing.T) {
	w := single(t, "owner", "ann", "bob")
	a := w.core().Attributes
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		key := room(t, w, fmt.Sprintf("r%d", n), core.GroupRules{})
		people := []core.UserID{"ann", "bob"}
		for _, u := range people {
			if _, err := w.core().Rooms.Enter(t.Context(), w.as(u), core.EnterRoom{Key: key}); err != nil {
				rt.Fatal(err)
			}
		}
		type entry struct {
			value string
			owner core.UserID
		}
		model := map[string]entry{}
		var since time.Time
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			u := rapid.SampledFrom(people).Draw(rt, "who")
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "name")
			force := rapid.Bool().Draw(rt, "force")
			old, had := model[name]
			var want *fault.Reason
			var out []core.AttributeOutcome
			var err error
			if rapid.Bool().Draw(rt, "set") {
				value := rapid.StringN(1, 5, 20).Draw(rt, "value")
				switch {
				case had && old.owner != u && !force:
					want = fault.PermissionDenied
				case !had && len(model) >= 2:
					want = fault.LimitReached
				default:
					model[name] = entry{value, u}
				}
				out, err = a.SetRoom(t.Context(), w.as(u), core.SetRoomAttributes{
					Key: key, Values: map[string]string{name: value}, Force: force, Limits: core.AttributeLimits{Entries: 2},
				})
			} else {
				switch {
				case !had:
					want = fault.AttributeNotFound
				case old.owner != u && !force:
					want = fault.PermissionDenied
				default:
					delete(model, name)
				}
				out, err = a.RemoveRoom(t.Context(), w.as(u), core.RemoveRoomAttributes{Key: key, Names: []string{name}, Force: force})
			}
			if err != nil || len(out) != 1 || (want == nil) != (out[0].Err == nil) || want != nil && !fault.IsReason(out[0].Err, want) {
				rt.Fatalf("%s on %s: %+v, %v, want %v", u, name, out, err, want)
			}
			changed, err := a.Room(t.Context(), w.as(u), core.GetRoomAttributes{Key: key, Since: since})
			if err != nil || want == nil && (len(changed) != 1 || changed[0].Name != name) || want != nil && len(changed) != 0 {
				rt.Fatalf("changed since: %+v, %v", changed, err)
			}
			if want == nil {
				since = changed[0].UpdatedAt
			}
		}
		all, err := a.Room(t.Context(), w.as("ann"), core.GetRoomAttributes{Key: key})
		if err != nil || len(all) != len(model) {
			rt.Fatalf("all: %+v, %v, want %v", all, err, model)
		}
		for _, x := range all {
			if m := model[x.Name]; m.value != x.Value || m.owner != x.Owner {
				rt.Fatalf("%s: %+v, want %+v", x.Name, x, m)
			}
		}
	})
}

func TestMemberAttributes(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	a := w.core().Attributes
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	x := w.listen(0, "bob")
	set := func(by, of core.UserID, values map[string]string) error {
		_, err := a.SetMember(t.Context(), w.as(by), core.SetMemberAttributes{Key: "g", User: of, Values: values, Limits: core.AttributeLimits{Name: 3, Value: 5, Entries: 2}})
		return err
	}
	wants(t, "one's own", set("ann", "", map[string]string{"k": "v", "l": "w"}), nil, "")
	if ev := x.next(core.MemberAttributes).Event; ev.Target.ID != "ann" || ev.Change.Values["k"] != "v" {
		t.Errorf("told %+v", ev.Change)
	}
	wants(t, "another's", set("bob", "ann", map[string]string{"k": "x"}), fault.GroupPermissionDenied, "moderator_scope")
	wants(t, "by a moderator", set("mod", "ann", map[string]string{"k": "", "l": "x"}), nil, "")
	if ev := x.next(core.MemberAttributes).Event; !slices.Equal(ev.Change.Names, []string{"k"}) || ev.Change.Values["l"] != "x" {
		t.Errorf("told %+v", ev.Change)
	}
	wants(t, "a long name", set("ann", "", map[string]string{"name": "v"}), fault.RequestInvalidField, "")
	wants(t, "a long value", set("ann", "", map[string]string{"k": "values"}), fault.RequestFieldTooLong, "")
	wants(t, "too many", set("ann", "", map[string]string{"a": "1", "b": "2"}), fault.LimitReached, "")
	wants(t, "of a stranger", set("mod", "eve", map[string]string{"a": "1"}), fault.GroupNotMember, "target")
	got, err := a.Members(t.Context(), w.as("bob"), core.GetMemberAttributes{Key: "g", Users: []core.UserID{"ann", "bob"}, Names: []string{"l"}})
	if err != nil || len(got) != 2 || got["ann"]["l"] != "x" || len(got["bob"]) != 0 {
		t.Errorf("read: %v, %v", got, err)
	}
}

func TestRoomBansEnd(t *testing.T) {
	w := single(t, "owner", "ann", "bob")
	key := room(t, w, "r", core.GroupRules{})
	enter := func() error {
		_, err := w.core().Rooms.Enter(t.Context(), w.as("ann"), core.EnterRoom{Key: key})
		return err
	}
	bob := w.listen(0, "bob")
	if _, err := w.core().Rooms.Enter(t.Context(), bob.by, core.EnterRoom{Key: key}); err != nil {
		t.Fatal(err)
	}
	wants(t, "entering", enter(), nil, "")
	_, err := w.core().Groups.Ban(t.Context(), w.server(), core.BanMember{Key: key, User: "ann", For: time.Minute, Reason: "loud"})
	wants(t, "banning", err, nil, "")
	if ev := bob.next(core.UserBanned).Event; ev.Ban.Reason != "loud" || !ev.Ban.Expires.Equal(w.clock.Now().Add(time.Minute)) || ev.Target.ID != "ann" {
		t.Errorf("told %+v", ev.Ban)
	}
	wants(t, "banned", enter(), fault.GroupBanned, "")
	list, err := w.core().Groups.Banned(t.Context(), w.server(), core.ListBanned{Key: key})
	if err != nil || len(list) != 1 || list[0].Expires.IsZero() {
		t.Errorf("banned: %+v, %v", list, err)
	}
	w.clock.Add(2 * time.Minute)
	wants(t, "the end", enter(), nil, "")
}

// TestRoomSeatsOfDeadNodesAreCleared ends one of two engines without closing its connections.
func TestRoomSeatsOfDeadNodesAreCleared(t *testing.T) {
	a, b, err := bus.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	t.Cleanup(b.Close)
	w := newWorld(t, []bus.Bus{a, b}, "owner", "ann", "bob")
	key := room(t, w, "r", core.GroupRules{})
	ann, twice, bob := w.listen(1, "ann"), w.listen(0, "bob"), w.listen(1, "bob")
	for _, x := range []struct {
		node int
		by   core.Actor
	}{{1, ann.by}, {0, twice.by}, {1, bob.by}} {
		if _, err := w.nodes[x.node].Rooms.Enter(t.Context(), x.by, core.EnterRoom{Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	bob.Close()
	if err := w.engines[0].SweepSeats(t.Context()); err != nil || !w.in(key, "ann") {
		t.Fatalf("a seat of a living node was cleared: %v", err)
	}
	w.engines[1].Close()
	w.clock.Add(10 * time.Minute)
	if err := w.engines[0].SweepSeats(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.in(key, "ann") || !w.in(key, "bob") {
		t.Errorf("ann in: %v, bob in: %v", w.in(key, "ann"), w.in(key, "bob"))
	}
}

func TestGroupBansAreInTheLog(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob")
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	if _, err := w.core().Groups.Ban(t.Context(), w.as("mod"), core.BanMember{Key: "g", User: "ann", Reason: "loud"}); err != nil {
		t.Fatal(err)
	}
	for u, want := range map[core.UserID]int{"bob": 1, "ann": 1} {
		page, err := w.core().Feeds.Pull(t.Context(), w.as(u), core.PullFeed{Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, ev := range page.Events {
			if ev.Kind == core.UserBanned && ev.Target.ID == "ann" && ev.Ban != nil && ev.Ban.Reason == "loud" {
				n++
			}
		}
		if n != want {
			t.Errorf("%s finds the ban %d times", u, n)
		}
	}
}
