package engine_test

import (
	"fmt"
	"testing"

	"dragoman/core"
)

// TestMemberAddedOnAnotherNodeHears: a person's connection is told of the channel they were added to on
// another node, of what happens there from then on, and of nothing after they were removed.
func TestMemberAddedOnAnotherNodeHears(t *testing.T) {
	w, _ := twoNodes(t, "alice", "bob", "carol")
	key := w.group("g", "alice", "carol")
	carol, bob := w.listen(1, "carol"), w.listen(1, "bob")
	w.watch(1, carol, key)
	change := func(in core.UpdateChannel) {
		t.Helper()
		in.Key = key
		if _, err := w.nodes[0].Channels.Update(t.Context(), w.server(), in); err != nil {
			t.Fatal(err)
		}
	}
	change(core.UpdateChannel{Add: []core.MemberInput{{User: "bob"}}})
	w.say("alice", key, "welcome")
	if d := bob.next(core.MemberAdded); d.Event.Channel.Key != key {
		t.Errorf("told of %s", d.Event.Channel.Key)
	}
	if d := bob.next(core.MessageSent); d.Event.Message.Text != "welcome" {
		t.Errorf("told %q", d.Event.Message.Text)
	}
	change(core.UpdateChannel{Remove: []core.UserID{"bob"}})
	bob.next(core.MemberRemoved)
	w.say("alice", key, "between us")
	carol.next(core.MessageSent)
	for {
		if d := carol.next(core.MessageSent); d.Event.Message.Text == "between us" {
			break
		}
	}
	for _, kind := range w.heard(bob) {
		if kind == core.MessageSent {
			t.Error("somebody who was removed on another node is still told of messages")
		}
	}
}

// TestTooManyEventsWaiting: what does not fit the queue of the dispatcher is read from the store later;
// nobody misses a message, and all are told in order.
func TestTooManyEventsWaiting(t *testing.T) {
	w, _ := twoNodes(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	bob := w.listen(0, "bob")
	w.watch(0, bob, key)
	free := w.engines[0].Dispatching(5)
	const all = 40
	for i := range all {
		w.say("alice", key, fmt.Sprint(i))
	}
	if dropped := free(); dropped < all-10 {
		t.Errorf("%d events did not fit, want nearly all of %d", dropped, all)
	}
	for i := range all {
		if d := bob.next(core.MessageSent); d.Event.Message.Text != fmt.Sprint(i) {
			t.Fatalf("told %q after %d messages", d.Event.Message.Text, i)
		}
	}
}
