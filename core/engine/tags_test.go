package engine_test

import (
	"slices"
	"testing"

	"dragoman/core"
)

func TestTagsOfPeopleAndMessages(t *testing.T) {
	w := single(t, "ann", "bob")
	tag := func(tags []string) core.PatchUsers {
		return core.PatchUsers{Patches: []core.UserPatch{{ID: "ann", Change: func(u *core.User) error { u.Tags = tags; return nil }}}}
	}
	if _, err := w.core().Users.Patch(t.Context(), w.server(), tag([]string{"vip", "tea"})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.core().Users.Upsert(t.Context(), w.server(), core.UpsertUsers{Users: []core.User{{ID: "ann", Name: "Ann"}}}); err != nil {
		t.Fatal(err)
	}
	find := func(tag string) []core.User {
		us, err := w.core().Users.Query(t.Context(), w.server(), core.QueryUsers{Filter: core.Cond("tags", core.OpContains, core.Text(tag))})
		if err != nil {
			t.Fatal(err)
		}
		return us
	}
	if us := find("tea"); len(us) != 1 || us[0].Name != "Ann" || !slices.Equal(us[0].Tags, []string{"vip", "tea"}) {
		t.Errorf("tagged are %+v", us)
	}
	if _, err := w.core().Users.Patch(t.Context(), w.server(), tag([]string{})); err != nil {
		t.Fatal(err)
	}
	if us := find("tea"); len(us) != 0 {
		t.Errorf("tags cannot be taken off: %+v", us)
	}
	key := w.group("g", "ann", "bob")
	_, err := w.core().Messages.Send(t.Context(), w.as("ann"), core.SendMessage{Key: key, Message: core.MessageInput{Text: "hi", Tags: []string{"pinned", "first"}}})
	if err != nil {
		t.Fatal(err)
	}
	w.say("ann", key, "no tags")
	found, err := w.core().Messages.Search(t.Context(), w.as("bob"), core.SearchMessages{
		ChannelFilter: core.Cond("key", core.OpEq, core.Text(string(key))), Filter: core.Cond("tags", core.OpContains, core.Text("first")),
	})
	if err != nil || len(found.Hits) != 1 || !slices.Equal(found.Hits[0].Message.Tags, []string{"pinned", "first"}) {
		t.Errorf("tagged messages: %+v (%v)", found.Hits, err)
	}
}
