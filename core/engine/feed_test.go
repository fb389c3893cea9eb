package engine_test

import (
	"slices"
	"strconv"
	"testing"

	"dragoman/core"
)

// pull reads a person's whole feed after a stamp.
func pull(t *testing.T, w *world, u core.UserID, in core.PullFeed) (out []*core.Event) {
	t.Helper()
	for {
		page, err := w.core().Feeds.Pull(t.Context(), w.as(u), in)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, page.Events...)
		if in.After = page.Last; !page.More {
			return out
		}
	}
}

// texts names the messages of events.
func texts(evs []*core.Event) (out []string) {
	for _, ev := range evs {
		if ev.Kind == core.MessageSent {
			out = append(out, ev.Message.Text)
		}
	}
	return out
}

func TestFeedHasWhatWasToldLive(t *testing.T) {
	w := single(t, "alice", "bob")
	one, two := w.group("one", "alice", "bob"), w.group("two", "alice", "bob")
	bob := w.listen(0, "bob")
	w.watch(0, bob, one)
	w.watch(0, bob, two)
	w.say("alice", one, "a")
	w.say("alice", two, "b")
	m := w.say("alice", one, "c")
	if _, err := w.core().Messages.Delete(t.Context(), w.as("alice"), core.DeleteMessage{ID: m.Name()}); err != nil {
		t.Fatal(err)
	}
	var live []core.Stamp
	for range 3 {
		live = append(live, bob.next(core.MessageSent).Event.Stamp)
	}
	live = append(live, bob.next(core.MessageDeleted).Event.Stamp)
	var pulled []core.Stamp
	for _, ev := range pull(t, w, "bob", core.PullFeed{Limit: 2}) {
		if ev.Kind == core.MessageSent || ev.Kind == core.MessageDeleted {
			pulled = append(pulled, ev.Stamp)
		}
	}
	if !slices.Equal(live, pulled) || !slices.IsSorted(live) {
		t.Errorf("live stamps are %v, pulled %v", live, pulled)
	}
	if got := texts(pull(t, w, "bob", core.PullFeed{Channel: two, After: live[0]})); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the feed of one channel is %v", got)
	}
}

func TestFeedLeavesOutWhatIsNotForThePerson(t *testing.T) {
	w := single(t, "alice", "bob", "carol")
	key := w.group("g", "alice", "bob", "carol")
	server := w.server()
	server.User = "alice"
	_, err := w.core().Messages.Send(t.Context(), server, core.SendMessage{Key: key, Message: core.MessageInput{
		Text: "for carol", RestrictedTo: []core.UserID{"carol"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(pull(t, w, "bob", core.PullFeed{})); got != nil {
		t.Errorf("bob reads %v", got)
	}
	if got := texts(pull(t, w, "carol", core.PullFeed{})); !slices.Equal(got, []string{"for carol"}) {
		t.Errorf("carol reads %v", got)
	}
}

func TestFeedTellsWhoWasRemovedOnce(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice", "bob")
	if _, err := w.core().Channels.Update(t.Context(), w.server(), core.UpdateChannel{Key: key, Remove: []core.UserID{"bob"}}); err != nil {
		t.Fatal(err)
	}
	w.say("alice", key, "secret")
	evs := pull(t, w, "bob", core.PullFeed{})
	if len(evs) != 1 || evs[0].Kind != core.MemberRemoved || !evs[0].InBox("bob") || evs[0].Target.ID != "bob" {
		t.Fatalf("bob's feed is %+v", evs)
	}
	if other := pull(t, w, "alice", core.PullFeed{After: evs[0].Stamp - 1}); other[0].Stamp != evs[0].Stamp || other[0].InBox("alice") {
		t.Errorf("alice's feed is %+v", other)
	}
	if _, err := w.core().Channels.Delete(t.Context(), w.server(), core.DeleteChannels{Keys: []core.ChannelKey{key}, Hard: true}); err != nil {
		t.Fatal(err)
	}
	evs = pull(t, w, "alice", core.PullFeed{})
	if len(evs) != 1 || evs[0].Kind != core.ChannelDeleted || evs[0].Channel.Key != key || evs[0].Config == nil {
		t.Errorf("alice's feed after the end is %+v", evs)
	}
}

func TestDevicesHaveCursorsOfTheirOwn(t *testing.T) {
	w := single(t, "alice", "bob")
	f := w.core().Feeds
	key := w.group("g", "alice", "bob")
	m := w.say("alice", key, "one")
	pending := func(device string) (string, core.Stamp) {
		t.Helper()
		qs, err := f.Pending(t.Context(), w.as("bob"), core.PendingFeed{Device: device})
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range qs {
			if q.Channel != nil && q.Channel.Key == key {
				return "pending", q.After
			}
		}
		return "nothing", 0
	}
	ack := func(device string, s core.Stamp) {
		t.Helper()
		if err := f.Ack(t.Context(), w.as("bob"), core.AckFeed{Device: device, Key: key, Stamp: s}); err != nil {
			t.Fatal(err)
		}
	}
	if got, after := pending("web"); got != "pending" || after >= core.Stamp(m.ID) {
		t.Errorf("a first device has %s after %d", got, after)
	}
	ack("web", core.Stamp(m.ID))
	if got, _ := pending("web"); got != "nothing" {
		t.Errorf("after its ack the device has %s", got)
	}
	if got, _ := pending("phone"); got != "nothing" {
		t.Errorf("what one device has taken is %s for a new one", got)
	}
	two := w.say("alice", key, "two")
	ack("web", core.Stamp(two.ID))
	if got, after := pending("phone"); got != "pending" || len(pull(t, w, "bob", core.PullFeed{Channel: key, After: after})) != 1 {
		t.Errorf("a known device that was away has %s after %d", got, after)
	}
	ack("web", core.Stamp(m.ID)) // never back
	if got, _ := pending("web"); got != "nothing" {
		t.Errorf("an older ack moved the cursor back: %s", got)
	}
	w.restart()
	f = w.core().Feeds
	if got, _ := pending("web"); got != "nothing" {
		t.Errorf("after a restart the device has %s", got)
	}
	if at, err := f.Cursor(t.Context(), w.as("bob"), core.GetCursor{Device: "web", Key: key}); err != nil || at != core.Stamp(two.ID) {
		t.Errorf("the cursor is %d %v, want %d", at, err, two.ID)
	}
}

func TestKeptEventsAreFoundInTheFeed(t *testing.T) {
	w := single(t, "alice", "bob", "carol")
	key := w.group("g", "alice", "bob", "carol")
	bob := w.listen(0, "bob")
	send := func(by core.Actor, in core.SendEvent) {
		t.Helper()
		in.Kind = core.CustomEvent
		if _, err := w.core().Live.Send(t.Context(), by, in); err != nil {
			t.Fatal(err)
		}
	}
	send(w.as("alice"), core.SendEvent{Key: key, Name: "once"})
	send(w.as("alice"), core.SendEvent{Key: key, Name: "kept", Keep: true, To: []core.UserID{"bob"}, Extra: core.Extra(`{"a":1}`)})
	server := w.server()
	server.User = "alice"
	send(server, core.SendEvent{Name: "boxed", Keep: true, To: []core.UserID{"bob"}})
	var live, pulled []string
	for range 3 {
		live = append(live, bob.next(core.CustomEvent).Event.Name)
	}
	for _, ev := range pull(t, w, "bob", core.PullFeed{}) {
		if ev.Kind == core.CustomEvent {
			pulled = append(pulled, ev.Name)
			if ev.User == nil || ev.User.ID != "alice" || ev.Name == "kept" && string(ev.Extra) != `{"a":1}` {
				t.Errorf("the feed has %+v", ev)
			}
		}
	}
	if !slices.Equal(live, []string{"once", "kept", "boxed"}) || !slices.Equal(pulled, []string{"kept", "boxed"}) {
		t.Errorf("told %v, pulled %v", live, pulled)
	}
	for _, ev := range pull(t, w, "carol", core.PullFeed{}) {
		if ev.Kind == core.CustomEvent {
			t.Errorf("carol's feed has %+v", ev)
		}
	}
}

func TestChannelIsFoundByItsNumber(t *testing.T) {
	w := single(t, "alice", "bob")
	key := w.group("g", "alice")
	c, err := w.core().Groups.Get(t.Context(), w.as("alice"), core.GetGroup{Key: key})
	if err != nil || c.Channel.AliasNo == 0 {
		t.Fatalf("the group has number %d: %v", c.Channel.AliasNo, err)
	}
	number := core.ChannelKey(strconv.FormatInt(c.Channel.AliasNo, 10))
	w.say("alice", number, "by number")
	if got, err := w.core().Groups.Get(t.Context(), w.as("alice"), core.GetGroup{Key: number}); err != nil || got.Channel.Key != key || got.Channel.MessageCount != 1 {
		t.Errorf("by number: %+v %v", got.Channel, err)
	}
	plain := w.group("1234567", "alice")
	if c, err = w.core().Groups.Get(t.Context(), w.as("alice"), core.GetGroup{Key: plain}); err != nil || c.Channel.AliasNo != 1234567 {
		t.Errorf("a key that is a number has number %d: %v", c.Channel.AliasNo, err)
	}
}
