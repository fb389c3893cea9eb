package engine_test

import (
	"slices"
	"testing"

	"dragoman/core"
	"dragoman/core/fault"
)

func TestStartedThreads(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	th := w.core().Threads
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	m, other := w.say("ann", "g", "first"), w.say("bob", "g", "second")
	id := m.ID.String()
	bob := w.listen(0, "bob")
	start := func(u core.UserID, parent, title string) error {
		_, err := th.Start(t.Context(), w.as(u), core.StartThread{Parent: parent, Title: title})
		return err
	}
	wants(t, "a stranger", start("eve", id, "T"), fault.GroupNotMember, "self")
	wants(t, "no message", start("ann", "1", "T"), fault.ThreadParentInvalid, "")
	wants(t, "no title", start("ann", id, ""), fault.RequestInvalidField, "")
	wants(t, "starting", start("ann", id, "T"), nil, "")
	wants(t, "twice", start("bob", id, "U"), fault.ThreadAlreadyExists, "")
	if ev := bob.next(core.ThreadStarted).Event; ev.Thread.Title != "T" || ev.Thread.Owner != "ann" || ev.Message.ID != m.ID || ev.Ev == 0 {
		t.Errorf("told %+v", ev.Thread)
	}
	got, err := th.Get(t.Context(), w.as("bob"), core.GetThread{Parent: id})
	if err != nil || got.Title != "T" || got.Owner != "ann" || got.People != 1 || got.ReplyCount != 0 {
		t.Errorf("get: %+v, %v", got, err)
	}
	reply := func(u core.UserID, inside bool) error {
		_, err := w.core().Messages.Send(t.Context(), w.as(u), core.SendMessage{Key: "g", Inside: inside, Message: core.MessageInput{Text: "re", Parent: id}})
		return err
	}
	wants(t, "replying from outside", reply("bob", true), fault.GroupNotMember, "thread")
	_, err = th.Enter(t.Context(), w.as("bob"), core.EnterThread{Parent: id})
	wants(t, "entering", err, nil, "")
	if ev := bob.next(core.ThreadEntered).Event; ev.Target.ID != "bob" {
		t.Errorf("told %+v", ev)
	}
	_, err = th.Enter(t.Context(), w.as("bob"), core.EnterThread{Parent: id})
	wants(t, "entering twice", err, fault.GroupAlreadyMember, "thread")
	wants(t, "replying from inside", reply("bob", true), nil, "")
	wants(t, "replying without asking", reply("mod", false), nil, "")
	for ev := bob.next(core.MessageSent).Event; ; ev = bob.next(core.MessageSent).Event {
		if ev.Message.User == "mod" {
			for _, u := range []core.UserID{"ann", "bob", "mod"} {
				if !slices.Contains(ev.Message.Participants, u) {
					t.Errorf("%s is not told: %v", u, ev.Message.Participants)
				}
			}
			break
		}
	}
	people, err := th.People(t.Context(), w.as("ann"), core.ListThreadPeople{Parent: id})
	if err != nil || !slices.Equal(people, []core.UserID{"ann", "bob", "mod"}) {
		t.Errorf("people: %v, %v", people, err)
	}
	_, err = th.Change(t.Context(), w.as("bob"), core.ThreadPeople{Parent: id, Users: []core.UserID{"mod"}, Remove: true})
	wants(t, "a member removes", err, fault.GroupPermissionDenied, "moderator_scope")
	out, err := th.Change(t.Context(), w.as("ann"), core.ThreadPeople{Parent: id, Users: []core.UserID{"bob", "eve"}, Remove: true})
	if err != nil || out[0].Err != nil || !fault.IsReason(out[1].Err, fault.GroupNotMember) {
		t.Errorf("the owner removes: %+v, %v", out, err)
	}
	if ev := bob.next(core.ThreadLeft).Event; ev.User.ID != "ann" || ev.Target.ID != "bob" {
		t.Errorf("told %+v", ev)
	}
	_, err = th.Patch(t.Context(), w.as("bob"), core.PatchThread{Parent: id, Change: func(title *string, _ *core.Extra) error { *title = "X"; return nil }})
	wants(t, "a member renames", err, fault.GroupPermissionDenied, "moderator_scope")
	wants(t, "another thread", start("bob", other.ID.String(), "Second"), nil, "")
	list := func(by core.Actor, in core.ListStarted) (titles []string) {
		t.Helper()
		all, err := th.Started(t.Context(), by, in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			titles = append(titles, all[i].Title)
		}
		return titles
	}
	for _, x := range []struct {
		what string
		got  []string
		want []string
	}{
		{"of the group", list(w.as("ann"), core.ListStarted{Key: "g"}), []string{"Second", "T"}},
		{"oldest first", list(w.as("ann"), core.ListStarted{Key: "g", Oldest: true}), []string{"T", "Second"}},
		{"after a cursor", list(w.as("ann"), core.ListStarted{Key: "g", Page: core.Page{Cursor: other.ID.String()}}), []string{"T"}},
		{"of a person", list(w.as("ann"), core.ListStarted{User: "ann"}), []string{"T"}},
		{"of the app", list(w.server(), core.ListStarted{}), []string{"Second", "T"}},
	} {
		if !slices.Equal(x.got, x.want) {
			t.Errorf("%s: %v, want %v", x.what, x.got, x.want)
		}
	}
	_, err = th.Close(t.Context(), w.as("bob"), core.CloseThread{Parent: id})
	wants(t, "a member closes", err, fault.GroupPermissionDenied, "moderator_scope")
	_, err = th.Close(t.Context(), w.as("mod"), core.CloseThread{Parent: id})
	wants(t, "a moderator closes", err, nil, "")
	bob.next(core.ThreadClosed)
	eventually(t, "the replies are deleted", func() bool {
		ms, err := w.core().Messages.List(t.Context(), w.as("ann"), core.ListMessages{Key: "g", Parent: id})
		return err == nil && !slices.ContainsFunc(ms, func(m core.Message) bool { return !m.Deleted() })
	})
	_, err = th.People(t.Context(), w.as("ann"), core.ListThreadPeople{Parent: id})
	wants(t, "a closed thread", err, fault.ThreadNotFound, "")
}
