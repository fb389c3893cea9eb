package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"dragoman/core"
	"dragoman/core/fault"
)

func upsert(w *world, us ...core.User) error {
	_, err := w.core().Users.Upsert(w.t.Context(), w.server(), core.UpsertUsers{Users: us})
	return err
}

func TestUserIDsAreChecked(t *testing.T) {
	w := newEngine(t, nil)
	for id, want := range map[core.UserID]*fault.Reason{
		"alice": nil, "A.b_c-d@e!9": nil, "": fault.UserInvalidID, "with space": fault.UserInvalidID, "é": fault.UserInvalidID,
		"a/b": fault.UserInvalidID, core.UserID(strings.Repeat("x", 255)): nil, core.UserID(strings.Repeat("x", 256)): fault.UserInvalidID,
	} {
		w.wants(upsert(w.world, core.User{ID: id}), want)
	}
}

func TestNamesAreUniqueWhereAskedFor(t *testing.T) {
	for _, c := range []struct {
		mode         string
		teamA, teamB []string
		want         *fault.Reason
	}{
		{"", nil, nil, nil},
		{"app", nil, nil, fault.UserAlreadyExists},
		{"app", []string{"a"}, []string{"b"}, fault.UserAlreadyExists},
		{"team", []string{"a"}, []string{"b"}, nil},
		{"team", []string{"a", "b"}, []string{"b"}, fault.UserAlreadyExists},
	} {
		t.Run(fmt.Sprintf("%s %v %v", c.mode, c.teamA, c.teamB), func(t *testing.T) {
			w := newEngine(t, nil)
			w.wants(upsert(w.world, core.User{ID: "one", Name: "John Doe", Teams: c.teamA}), nil)
			w.settings(func(s *core.AppSettings) { s.UniqueNames = c.mode })
			err := upsert(w.world, core.User{ID: "two", Name: "john.doe", Teams: c.teamB})
			w.wants(err, c.want)
			if c.want != nil && fault.From(err).Variant != "username" {
				t.Errorf("variant %q", fault.From(err).Variant)
			}
			w.wants(upsert(w.world, core.User{ID: "one", Name: "JohnDoe", Teams: c.teamA}), nil)
			w.wants(upsert(w.world, core.User{ID: "one", Name: "somebody else", Teams: c.teamA}), nil)
			w.wants(upsert(w.world, core.User{ID: "two", Name: "John Doe", Teams: c.teamB}), nil)
		})
	}
}

func TestUsersMayChangeThemselvesButNotTheirRole(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	got, err := w.core().Users.Upsert(ctx, w.as("alice"), core.UpsertUsers{Users: []core.User{{ID: "alice", Name: "Al", Role: "admin", Teams: []string{"x"}}}})
	if err != nil || got[0].Name != "Al" || got[0].Role != "user" || len(got[0].Teams) != 0 {
		t.Errorf("%+v %v", got, err)
	}
	_, err = w.core().Users.Upsert(ctx, w.as("alice"), core.UpsertUsers{Users: []core.User{{ID: "bob", Name: "Bo"}}})
	w.wants(err, fault.PermissionDenied)
	_, err = w.core().Users.Patch(ctx, w.as("alice"), core.PatchUsers{Patches: []core.UserPatch{{ID: "alice", Change: func(u *core.User) error {
		u.Role = "admin"
		return nil
	}}}})
	w.wants(err, fault.PermissionDenied)
	_, err = w.core().Users.Patch(ctx, w.server(), core.PatchUsers{Patches: []core.UserPatch{{ID: "nobody", Change: func(*core.User) error { return nil }}}})
	w.wants(err, fault.UserNotFound)
}

func TestProfileChangesAreToldWhereThePersonIsWatched(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	key := w.group("g", "alice", "bob")
	bob := w.listen(0, "bob")
	w.watch(0, bob, key)
	w.wants(upsert(w.world, core.User{ID: "alice", Name: "New"}), nil)
	if d := bob.next(core.UserUpdated); d.Event.User.Name != "New" {
		t.Errorf("told %+v", d.Event.User)
	}
}

func TestDeactivateAndRestore(t *testing.T) {
	w := newEngine(t, nil, "alice")
	ctx := t.Context()
	deactivate := func(restore bool) error {
		_, err := w.core().Users.Deactivate(ctx, w.server(), core.DeactivateUsers{IDs: []core.UserID{"alice"}, Restore: restore})
		return err
	}
	w.wants(deactivate(true), fault.UserLifecycleConflict)
	w.wants(deactivate(false), nil)
	w.wants(deactivate(false), fault.UserLifecycleConflict)
	found, err := w.core().Users.Query(ctx, w.server(), core.QueryUsers{})
	if err != nil || len(found) != 0 {
		t.Errorf("a deactivated user is found: %+v %v", found, err)
	}
	w.wants(deactivate(true), nil)
	_, err = w.core().Users.Deactivate(ctx, w.as("alice"), core.DeactivateUsers{IDs: []core.UserID{"alice"}})
	w.wants(err, fault.PermissionDenied)
}

func TestDeletingUsersIsATask(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	key := w.group("g", "alice", "bob")
	m := w.say("bob", key, "bye")
	task, err := w.core().Users.Delete(ctx, w.server(), core.DeleteUsers{IDs: []core.UserID{"bob"}, Hard: true, Messages: core.DeleteHard})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the task completes", func() bool {
		got, err := w.core().Tasks.Get(ctx, w.server(), core.GetTask{ID: task.ID})
		if err != nil || got.State == "failed" {
			t.Fatalf("task %+v, %v", got, err)
		}
		return got.State == "completed" && strings.Contains(string(got.Result), `"bob":{"status":"ok"}`)
	})
	if us, err := w.core().Users.Get(ctx, w.server(), core.GetUsers{IDs: []core.UserID{"bob"}}); err != nil || len(us) != 0 {
		t.Errorf("bob is still there: %+v %v", us, err)
	}
	hits, err := w.core().Messages.Get(ctx, w.server(), core.GetMessages{IDs: []string{m.ID.String()}})
	if err != nil || len(hits) != 0 {
		t.Errorf("the message is still there: %+v %v", hits, err)
	}
	_, err = w.core().Tasks.Get(ctx, w.server(), core.GetTask{ID: "nope"})
	w.wants(err, fault.ResourceNotFound)
	_, err = w.core().Users.Delete(ctx, w.server(), core.DeleteUsers{IDs: []core.UserID{"bob"}})
	w.wants(err, fault.UserNotFound)
}

func TestGuestsGetFreshIDs(t *testing.T) {
	w := newEngine(t, nil)
	anyone := core.Actor{App: w.app, Access: core.AccessAnonymous}
	a, err := w.core().Users.Guest(t.Context(), anyone, core.CreateGuest{User: core.User{ID: "tom", Role: "admin"}})
	if err != nil || a.Role != core.RoleGuest || !strings.HasPrefix(string(a.ID), "guest-") || !strings.HasSuffix(string(a.ID), "-tom") {
		t.Errorf("%+v %v", a, err)
	}
	b, err := w.core().Users.Guest(t.Context(), anyone, core.CreateGuest{User: core.User{ID: "tom"}})
	if err != nil || a.ID == b.ID {
		t.Errorf("the same id twice: %v %v", b.ID, err)
	}
	w.settings(func(s *core.AppSettings) { s.GuestsDisabled = true })
	_, err = w.core().Users.Guest(t.Context(), anyone, core.CreateGuest{User: core.User{ID: "tom"}})
	w.wants(err, fault.PermissionDenied)
}

func TestExportHoldsMessagesAndReactions(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	key := w.group("g", "alice", "bob")
	w.say("alice", key, "one")
	m := w.say("bob", key, "two")
	if _, err := w.core().Reactions.Add(ctx, w.as("bob"), core.AddReaction{Message: m.ID.String(), Type: "like"}); err != nil {
		t.Fatal(err)
	}
	x, err := w.core().Users.Export(ctx, w.server(), core.ExportUser{ID: "bob"})
	if err != nil || x.User.ID != "bob" || len(x.Messages) != 1 || x.Messages[0].Text != "two" || len(x.Reactions) != 1 {
		t.Errorf("%+v %v", x, err)
	}
}
