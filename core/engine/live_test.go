package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/fault"
)

func TestMessageReachesWatchersAndMembers(t *testing.T) {
	w := single(t, "alice", "bob", "carol", "dave")
	key := w.group("g", "alice", "bob", "carol")
	bob, carol, dave := w.listen(0, "bob"), w.listen(0, "carol"), w.listen(0, "dave")
	w.watch(0, bob, key)
	w.say("alice", key, "hello")
	if d := bob.next(core.MessageSent); d.As != core.AsWatcher|core.AsMember || d.Event.Message.Text != "hello" || d.Event.Message.Author.Name != "alice" {
		t.Errorf("watching member got %v %+v", d.As, d.Event.Message)
	}
	d := carol.next(core.MessageSent)
	if d.As != core.AsMember || d.Counts == nil || d.Counts.Messages != 1 || d.Counts.Channels != 1 || d.Counts.Channel != 1 {
		t.Errorf("member got %v counts %+v", d.As, d.Counts)
	}
	if got := w.heard(dave); slices.Contains(got, core.MessageSent) {
		t.Errorf("a stranger was told %v", got)
	}
}

func TestUnreadCountsMoveWithReadsAndDeletes(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	bob := w.listen(0, "bob")
	first := w.say("alice", key, "one")
	w.say("alice", key, "two")
	bob.next(core.MessageSent)
	if d := bob.next(core.MessageSent); d.Counts.Messages != 2 {
		t.Fatalf("after two messages: %+v", d.Counts)
	}
	got, err := w.core().Reads.Mark(t.Context(), bob.by, core.MarkRead{Key: key, Message: first.Name()})
	if err != nil || got.Counts.Messages != 1 {
		t.Fatalf("after reading the first: %+v %v", got.Counts, err)
	}
	if got, err = w.core().Reads.Mark(t.Context(), bob.by, core.MarkRead{Key: key}); err != nil || got.Counts.Messages != 0 {
		t.Fatalf("after reading all: %+v %v", got.Counts, err)
	}
	if _, err := w.core().Reads.Unmark(t.Context(), bob.by, core.MarkUnread{Key: key, Message: first.Name()}); err != nil {
		t.Fatal(err)
	}
	u, err := w.core().Reads.Unread(t.Context(), bob.by, core.GetUnread{})
	if err != nil || u.Counts.Messages != 2 {
		t.Fatalf("after marking unread: %+v %v", u.Counts, err)
	}
	if _, err := w.core().Messages.Delete(t.Context(), w.as("alice"), core.DeleteMessage{ID: first.Name()}); err != nil {
		t.Fatal(err)
	}
	if u, err = w.core().Reads.Unread(t.Context(), bob.by, core.GetUnread{}); err != nil || u.Counts.Messages != 1 {
		t.Fatalf("after deleting one: %+v %v", u.Counts, err)
	}
	w.say("bob", key, "answer")
	if u, err = w.core().Reads.Unread(t.Context(), bob.by, core.GetUnread{}); err != nil || u.Counts.Messages != 0 {
		t.Fatalf("after answering: %+v %v", u.Counts, err)
	}
}

func TestRemovedMemberHearsNoMore(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	bob := w.listen(0, "bob")
	w.watch(0, bob, key)
	if _, err := w.core().Channels.Update(t.Context(), w.server(), core.UpdateChannel{Key: key, Remove: []core.UserID{"bob"}}); err != nil {
		t.Fatal(err)
	}
	bob.next(core.MemberRemoved)
	w.say("alice", key, "secret")
	if got := w.heard(bob); slices.Contains(got, core.MessageSent) {
		t.Errorf("a removed member was told %v", got)
	}
	if _, err := w.core().Messages.List(t.Context(), w.as("bob"), core.ListMessages{Key: key}); !fault.IsReason(err, fault.PermissionDenied) {
		t.Errorf("a removed member may list: %v", err)
	}
}

func TestRepeatedSendIsStoredOnce(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	in := core.SendMessage{Key: key, Message: core.MessageInput{Alias: "m1", Text: "once"}}
	first, err := w.core().Messages.Send(t.Context(), w.as("alice"), in)
	if err != nil || first.Duplicate {
		t.Fatalf("first send: %+v %v", first, err)
	}
	again, err := w.core().Messages.Send(t.Context(), w.as("alice"), in)
	if err != nil || !again.Duplicate || again.Message.ID != first.Message.ID {
		t.Fatalf("second send: %+v %v", again, err)
	}
	if _, err := w.core().Messages.Send(t.Context(), w.as("bob"), in); !fault.IsReason(err, fault.RequestInvalid) {
		t.Errorf("somebody else's id was taken: %v", err)
	}
	ms, err := w.core().Messages.List(t.Context(), w.as("bob"), core.ListMessages{Key: key})
	if err != nil || len(ms) != 1 {
		t.Fatalf("%d messages, %v", len(ms), err)
	}
}

func TestSlowModeAsksToWait(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	_, err := w.core().Channels.Update(t.Context(), w.server(), core.UpdateChannel{Key: key, Change: func(c *core.Channel) error {
		c.Cooldown = 10
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.say("bob", key, "one")
	w.clock.Add(4 * time.Second)
	_, err = w.core().Messages.Send(t.Context(), w.as("bob"), core.SendMessage{Key: key, Message: core.MessageInput{Text: "two"}})
	if f := fault.From(err); f == nil || f.Reason != fault.RateCooldown || f.RetryAfter != 6*time.Second {
		t.Fatalf("second message within slow mode: %v", err)
	}
	w.clock.Add(6 * time.Second)
	w.say("bob", key, "two")
}

func TestThreadsCountAndDoNotNest(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	parent := w.say("alice", key, "topic")
	reply, err := w.core().Messages.Send(t.Context(), w.as("bob"), core.SendMessage{Key: key, Message: core.MessageInput{Text: "reply", Parent: parent.Name()}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.core().Messages.Send(t.Context(), w.as("bob"), core.SendMessage{Key: key, Message: core.MessageInput{Text: "x", Parent: reply.Message.Name()}}); !fault.IsReason(err, fault.ThreadNestingTooDeep) {
		t.Errorf("a reply to a reply: %v", err)
	}
	list, err := w.core().Messages.List(t.Context(), w.as("alice"), core.ListMessages{Key: key})
	if err != nil || len(list) != 1 || list[0].ReplyCount != 1 || len(list[0].ThreadUsers) != 1 || list[0].ThreadUsers[0].ID != "bob" {
		t.Fatalf("channel shows %+v %v", list, err)
	}
	replies, err := w.core().Messages.List(t.Context(), w.as("alice"), core.ListMessages{Parent: parent.Name()})
	if err != nil || len(replies) != 1 || replies[0].Text != "reply" {
		t.Fatalf("thread shows %+v %v", replies, err)
	}
}

func TestPagesGoBothWays(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	var names []string
	for i := range 10 {
		w.clock.Add(time.Second)
		m := w.say("alice", key, fmt.Sprint(i))
		names = append(names, m.Name())
	}
	cases := []struct {
		name string
		page core.MessagePage
		want string
	}{
		{"newest", core.MessagePage{Limit: 3}, "789"},
		{"before", core.MessagePage{Limit: 3, Before: names[5]}, "234"},
		{"up to", core.MessagePage{Limit: 3, Before: names[5], Inclusive: true}, "345"},
		{"after", core.MessagePage{Limit: 3, After: names[5]}, "678"},
		{"from", core.MessagePage{Limit: 3, After: names[5], Inclusive: true}, "567"},
		{"around", core.MessagePage{Limit: 4, Around: names[5]}, "4567"},
		{"before the first", core.MessagePage{Limit: 3, Before: names[0]}, ""},
		{"after the last", core.MessagePage{Limit: 3, After: names[9]}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ms, err := w.core().Messages.List(t.Context(), w.as("bob"), core.ListMessages{Key: key, Page: c.page})
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, m := range ms {
				got.WriteString(m.Text)
			}
			if c.name == "around" {
				if len(ms) != 4 || !strings.Contains(got.String(), "5") {
					t.Errorf("got %q", got.String())
				}
				return
			}
			if got.String() != c.want {
				t.Errorf("got %q, want %q", got.String(), c.want)
			}
		})
	}
}

func TestHiddenChannelComesBackWithTheNextMessage(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	w.say("alice", key, "old")
	if _, err := w.core().Channels.Hide(t.Context(), w.as("bob"), core.HideChannel{Key: key, ClearHistory: true}); err != nil {
		t.Fatal(err)
	}
	mine := core.QueryChannels{Filter: core.Cond("members", core.OpIn, core.Texts([]string{"bob"})), State: core.StateWanted{State: true}}
	got, err := w.core().Channels.Query(t.Context(), w.as("bob"), mine)
	if err != nil || len(got) != 0 {
		t.Fatalf("hidden channel is listed: %d %v", len(got), err)
	}
	w.say("alice", key, "new")
	got, err = w.core().Channels.Query(t.Context(), w.as("bob"), mine)
	if err != nil || len(got) != 1 {
		t.Fatalf("channel did not come back: %d %v", len(got), err)
	}
	if ms := got[0].Messages; len(ms) != 1 || ms[0].Text != "new" {
		t.Errorf("cleared history shows %+v", ms)
	}
}

func TestSyncReplaysWhatWasMissed(t *testing.T) {
	w := single(t, "alice", "bob", "carol")
	key := w.group("g", "alice", "bob")
	other := w.group("other", "alice", "carol")
	w.say("alice", key, "before")
	w.clock.Add(time.Minute)
	since := w.clock.Now()
	w.clock.Add(time.Second)
	m := w.say("alice", key, "missed")
	if _, err := w.core().Reactions.Add(t.Context(), w.as("alice"), core.AddReaction{Message: m.Name(), Type: "like"}); err != nil {
		t.Fatal(err)
	}
	got, err := w.core().Live.Sync(t.Context(), w.as("bob"), core.SyncSince{Keys: []core.ChannelKey{key, other}, Since: since})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []core.EventKind
	for _, ev := range got.Events {
		kinds = append(kinds, ev.Kind)
	}
	if !slices.Equal(kinds, []core.EventKind{core.MessageSent, core.ReactionAdded}) || got.Events[0].Message.Text != "missed" {
		t.Errorf("replayed %v", kinds)
	}
	if !slices.Equal(got.Inaccessible, []core.ChannelKey{other}) {
		t.Errorf("inaccessible %v", got.Inaccessible)
	}
}

// lossy drops every third event it is given, but not the last.
type lossy struct {
	bus.Bus
	n int
}

func (l *lossy) Publish(subject string, data []byte) error {
	if strings.HasPrefix(subject, "ev.") && !strings.Contains(string(data), `"text":"end"`) {
		if l.n++; l.n%3 == 0 {
			return nil
		}
	}
	return l.Bus.Publish(subject, data)
}

func TestOtherNodeHearsEverythingInOrderOverALossyBus(t *testing.T) {
	a, b, err := bus.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	t.Cleanup(b.Close)
	w := newWorld(t, []bus.Bus{&lossy{Bus: a}, b}, "alice", "bob")
	key := w.group("g", "alice", "bob")
	bob := w.listen(1, "bob")
	w.watch(1, bob, key)
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	const n = 50
	for i := range n {
		w.say("alice", key, fmt.Sprint(i))
	}
	w.say("alice", key, "end")
	last, i := int64(0), 0
	for {
		d := bob.next(core.MessageSent)
		if d.Event.Message.Text == "end" {
			break
		}
		if d.Event.Ev <= last {
			t.Fatalf("event %d after %d", d.Event.Ev, last)
		}
		if d.Event.Message.Text != fmt.Sprint(i) {
			t.Fatalf("message %q where %d was due", d.Event.Message.Text, i)
		}
		last, i = d.Event.Ev, i+1
	}
	if i != n {
		t.Errorf("%d of %d messages came", i, n)
	}
}

func TestDeactivatedPersonIsToldThatTheirConnectionIsOver(t *testing.T) {
	w := single(t, "alice", "bob")
	over := make(chan error, 1)
	c, err := w.core().Live.Connect(t.Context(), w.as("bob"), core.Connect{Sink: func(core.Delivery) {}, Ended: func(err error) { over <- err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := w.core().Users.Deactivate(t.Context(), w.server(), core.DeactivateUsers{IDs: []core.UserID{"bob"}}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-over:
		if !fault.IsReason(err, fault.AuthFailed) {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the connection goes on")
	}
}
