package engine_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
)

// twoNodes is a world of two nodes whose connection to each other can be cut.
func twoNodes(t *testing.T, users ...core.UserID) (*world, *atomic.Bool) {
	t.Helper()
	a, b, err := bus.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	t.Cleanup(b.Close)
	down := &atomic.Bool{}
	return newWorld(t, []bus.Bus{&cut{a, down}, &cut{b, down}}, users...), down
}

// cut is a bus that loses everything while it is down.
type cut struct {
	bus.Bus
	down *atomic.Bool
}

// Publish implements bus.Bus.
func (c *cut) Publish(subject string, data []byte) error {
	if c.down.Load() {
		return nil
	}
	return c.Bus.Publish(subject, data)
}

// TestNodesWritingToOneChannelTellOneStory: both nodes send to one channel at the same time, and a
// connection on each hears every message once, in the order of the channel.
func TestNodesWritingToOneChannelTellOneStory(t *testing.T) {
	w, _ := twoNodes(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	ears := []*ear{w.listen(0, "alice"), w.listen(1, "bob")}
	w.watch(0, ears[0], key)
	w.watch(1, ears[1], key)
	const each = 40
	var wg sync.WaitGroup
	for n, user := range []core.UserID{"alice", "bob"} {
		wg.Go(func() {
			for i := range each {
				in := core.SendMessage{Key: key, Message: core.MessageInput{Text: fmt.Sprintf("%d-%d", n, i)}}
				if _, err := w.nodes[n].Messages.Send(t.Context(), w.as(user), in); err != nil {
					t.Errorf("node %d: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
	stories := make([]string, len(ears))
	for n, e := range ears {
		last := int64(0)
		var texts []string
		for range 2 * each {
			d := e.next(core.MessageSent)
			if d.Event.Ev <= last {
				t.Fatalf("node %d: event %d after %d", n, d.Event.Ev, last)
			}
			last = d.Event.Ev
			texts = append(texts, d.Event.Message.Text)
		}
		stories[n] = strings.Join(texts, " ")
	}
	if stories[0] != stories[1] {
		t.Errorf("the nodes tell different stories:\n%s\n%s", stories[0], stories[1])
	}
}

// TestNodeWithoutItsBusReadsWhatHappened: while nodes cannot hear each other, messages arrive a
// little later, and what one of them changed holds on the other.
func TestNodeWithoutItsBusReadsWhatHappened(t *testing.T) {
	w, down := twoNodes(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	bob := w.listen(1, "bob")
	w.watch(1, bob, key)
	if us, err := w.nodes[1].Users.Get(t.Context(), w.server(), core.GetUsers{IDs: []core.UserID{"alice"}}); err != nil || us[0].Name != "alice" {
		t.Fatalf("%v, %v", us, err) // and is kept
	}
	w.say("alice", key, "before")
	if d := bob.next(core.MessageSent); d.Event.Message.Text != "before" {
		t.Fatalf("heard %q", d.Event.Message.Text)
	}
	send := core.SendMessage{Key: key, Message: core.MessageInput{Text: "from bob"}}
	if _, err := w.nodes[1].Messages.Send(t.Context(), w.as("bob"), send); err != nil {
		t.Fatal(err)
	}
	if d := bob.next(core.MessageSent); d.Event.Message.Text != "from bob" {
		t.Fatalf("heard %q", d.Event.Message.Text)
	}
	down.Store(true)
	for _, e := range w.engines {
		e.BusChanged(false)
	}
	w.say("alice", key, "unheard")
	if d := bob.next(core.MessageSent); d.Event.Message.Text != "unheard" {
		t.Fatalf("heard %q", d.Event.Message.Text)
	}
	if _, err := w.nodes[0].Users.Upsert(t.Context(), w.server(), core.UpsertUsers{Users: []core.User{{ID: "alice", Name: "Alice the Second"}}}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) { // the other node keeps what it knows for a second
		us, err := w.nodes[1].Users.Get(t.Context(), w.server(), core.GetUsers{IDs: []core.UserID{"alice"}})
		if err != nil || len(us) != 1 {
			t.Fatalf("%v, %v", us, err)
		}
		if us[0].Name == "Alice the Second" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the other node still says %q", us[0].Name)
		}
	}
	down.Store(false)
	for _, e := range w.engines {
		e.BusChanged(true)
	}
	w.say("alice", key, "after")
	for {
		if d := bob.next(core.MessageSent); d.Event.Message.Text == "after" {
			return
		}
	}
}

// TestNodesKnowWhoIsOnlineOnTheOther: also when that goes silent.
func TestNodesKnowWhoIsOnlineOnTheOther(t *testing.T) {
	w, down := twoNodes(t, "alice", "bob")
	w.listen(0, "alice")
	online := func(n int) bool {
		t.Helper()
		us, err := w.nodes[n].Users.Get(t.Context(), w.server(), core.GetUsers{IDs: []core.UserID{"alice"}})
		if err != nil || len(us) != 1 {
			t.Fatalf("%v, %v", us, err)
		}
		return us[0].Online
	}
	wait := func(want bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); online(1) != want; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the other node says online is %v", !want)
			}
		}
	}
	wait(true)
	down.Store(true)
	wait(false)
	down.Store(false)
	wait(true)
}
