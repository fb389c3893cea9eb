package engine_test

import (
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// TestConnectionIsNamedOnAnyNode: a client whose link ends on one node sends its commands to the other,
// as a load balancer may have it, and they work as if it had come to the first.
func TestConnectionIsNamedOnAnyNode(t *testing.T) {
	w, _ := twoNodes(t, "alice", "bob", "cid")
	key := w.group("g", "alice", "bob")
	bob := w.listen(1, "bob")
	other := w.nodes[0]
	watch := core.WatchChannels{Connection: bob.ID, Keys: []core.ChannelKey{key}}
	if _, err := other.Live.Watch(t.Context(), w.as("bob"), watch); err != nil {
		t.Fatal(err)
	}
	w.say("alice", key, "hello") // by node 0
	if d := bob.next(core.MessageSent); d.As&core.AsWatcher == 0 {
		t.Errorf("told as %v", d.As)
	}
	as := w.as("bob")
	as.Connection = bob.ID
	state, err := other.Channels.Query(t.Context(), as, core.QueryChannels{Filter: core.Cond("members", core.OpIn, core.Texts([]string{"bob"})), State: core.StateWanted{Watch: true, Presence: true, Messages: core.MessagePage{Limit: 10}}})
	if err != nil || len(state) != 1 {
		t.Fatalf("%v, %v", state, err)
	}
	if n, err := other.Live.Follow(t.Context(), w.as("bob"), core.FollowPresence{Connection: bob.ID, Users: []core.UserID{"cid"}}); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	w.listen(0, "cid")
	for {
		if d := bob.next(core.UserPresence); d.Event.User.ID == "cid" && d.Event.User.Online {
			break
		}
	}
	watch.Stop = true
	if _, err := other.Live.Watch(t.Context(), w.as("bob"), watch); err != nil {
		t.Fatal(err)
	}
	w.say("alice", key, "unwatched")
	for {
		if d := bob.next(core.MessageSent); d.Event.Message.Text == "unwatched" {
			if d.As&core.AsWatcher != 0 {
				t.Error("still a watcher")
			}
			break
		}
	}
	// Nobody else's, and none that is gone.
	_, err = other.Live.Watch(t.Context(), w.as("alice"), watch)
	wants(t, "another's connection", err, fault.RequestInvalid, "")
	bob.Close()
	began := time.Now()
	_, err = other.Live.Watch(t.Context(), w.as("bob"), watch)
	wants(t, "a connection that has ended", err, fault.RequestInvalid, "")
	for _, id := range []string{"nonsense", "x.", "x.*", "x.>", "x.0123456789ab.c"} {
		watch.Connection = id
		_, err = other.Live.Watch(t.Context(), w.as("bob"), watch)
		wants(t, id, err, fault.RequestInvalid, "")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("refusals took %s", took)
	}
}
