package engine_test

import (
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/fault"
)

// ending is a described connection that keeps why it ended.
type ending struct {
	*ear
	why chan error
}

// device connects a person from a device.
func (w *world) device(node int, u core.UserID, device, platform string) *ending {
	w.t.Helper()
	x := &ending{ear: &ear{t: w.t, told: make(chan core.Delivery, 4096)}, why: make(chan error, 1)}
	c, err := w.nodes[node].Live.Connect(w.t.Context(), w.as(u), core.Connect{
		Sink: func(d core.Delivery) { x.told <- d }, Ended: func(err error) { x.why <- err },
		Session: &core.Session{Device: device, Platform: platform, Name: "a " + device},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	x.Connection, x.by = c, w.as(u)
	x.by.Connection = c.ID
	return x
}

// ended waits for the end of the connection.
func (x *ending) ended() *fault.Error {
	x.t.Helper()
	select {
	case err := <-x.why:
		return fault.From(err)
	case <-time.After(5 * time.Second):
		x.t.Fatal("the connection was not ended")
		return nil
	}
}

func TestSessionsAreListedAndKicked(t *testing.T) {
	a, b, err := bus.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	t.Cleanup(b.Close)
	w := newWorld(t, []bus.Bus{a, b}, "ann", "bob")
	one := w.device(0, "ann", "d1", "web")
	two := w.device(1, "ann", "d2", "ios")
	if ev := one.next(core.SessionStarted).Event; ev.Change.Session.Device == "d1" {
		ev = one.next(core.SessionStarted).Event
		if ev.Change.Session.Device != "d2" {
			t.Errorf("told %+v", ev.Change.Session)
		}
	}
	s := w.core().Sessions
	list, err := s.List(t.Context(), w.server(), core.ListSessions{User: "ann"})
	if err != nil || len(list) != 2 || list[0].Name == "" || list[0].Connection == list[1].Connection {
		t.Fatalf("list: %+v, %v", list, err)
	}
	_, err = s.List(t.Context(), w.as("bob"), core.ListSessions{User: "ann"})
	wants(t, "another's", err, fault.PermissionDenied, "")
	_, err = s.Kick(t.Context(), w.as("ann"), core.KickSessions{Reason: "whim"})
	wants(t, "an unknown reason", err, fault.RequestInvalidField, "")
	gone, err := s.Kick(t.Context(), w.as("ann"), core.KickSessions{Except: one.ID, Reason: "elsewhere", Text: "desk"})
	if err != nil || len(gone) != 1 || gone[0].Device != "d2" {
		t.Errorf("kick: %+v, %v", gone, err)
	}
	if f := two.ended(); f.Reason != fault.SessionKicked || f.Variant != "elsewhere" {
		t.Errorf("ended with %v", f)
	}
	two.Close()
	if _, err := s.Kick(t.Context(), w.server(), core.KickSessions{User: "ann", Device: "d1"}); err != nil {
		t.Fatal(err)
	}
	if f := one.ended(); f.Variant != "server" {
		t.Errorf("ended with %v", f)
	}
}

func TestPresenceIsPublishedAndFollowed(t *testing.T) {
	w := single(t, "ann", "bob", "eve")
	p := w.core().Presences
	bob := w.listen(0, "bob")
	view, err := p.Subscribe(t.Context(), bob.by, core.SubscribePresence{Users: []core.UserID{"ann", "nobody"}, For: time.Hour})
	if err != nil || len(view) != 1 || len(view[0].Devices) != 0 || !view[0].Expires.Equal(w.clock.Now().Add(time.Hour)) {
		t.Fatalf("subscribe: %+v, %v", view, err)
	}
	_, err = p.Subscribe(t.Context(), bob.by, core.SubscribePresence{Users: []core.UserID{"eve"}, For: time.Hour, Max: 1})
	wants(t, "too many", err, fault.LimitReached, "presence_subscriptions")
	ann := w.device(0, "ann", "phone", "ios")
	if ev := bob.next(core.PresenceChanged).Event; ev.Target.ID != "ann" || ev.Change.Presence.Devices["phone"] != 1 {
		t.Errorf("coming: %+v", ev.Change.Presence)
	}
	if _, err := p.Publish(t.Context(), ann.by, core.PublishPresence{Device: "phone", Status: 101, Text: "busy"}); err != nil {
		t.Fatal(err)
	}
	if ev := bob.next(core.PresenceChanged).Event; ev.Change.Presence.Text != "busy" || ev.Change.Presence.Devices["phone"] != 101 {
		t.Errorf("published: %+v", ev.Change.Presence)
	}
	ann.Close()
	if ev := bob.next(core.PresenceChanged).Event; len(ev.Change.Presence.Devices) != 0 || ev.Change.Presence.Text != "busy" {
		t.Errorf("going: %+v", ev.Change.Presence)
	}
	subs, err := p.Subscriptions(t.Context(), bob.by, core.ListSubscriptions{})
	if err != nil || subs.Total != 1 || subs.List[0].User != "ann" {
		t.Errorf("subscriptions: %+v, %v", subs, err)
	}
	w.clock.Add(2 * time.Hour)
	if _, err := p.Publish(t.Context(), w.as("ann"), core.PublishPresence{Text: "late"}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range w.heard(bob) {
		if kind == core.PresenceChanged {
			t.Error("told after the subscription had ended")
		}
	}
}

func TestMessageAcks(t *testing.T) {
	w := single(t, "ann", "bob", "cleo", "eve")
	key := w.group("g", "ann", "bob", "cleo")
	m := w.say("ann", key, "read this")
	ann := w.listen(0, "ann")
	a := w.core().Acks
	ack := func(u core.UserID, text string) (core.MessageAck, error) {
		return a.Ack(t.Context(), w.as(u), core.AckMessage{Message: m.ID.String(), Text: text})
	}
	_, err := ack("ann", "")
	wants(t, "one's own", err, fault.TargetIsSelf, "message")
	_, err = ack("eve", "")
	wants(t, "a stranger", err, fault.MessageAccessDenied, "")
	if out, err := ack("bob", "got it"); err != nil || out.Count != 1 {
		t.Errorf("ack: %+v, %v", out, err)
	}
	if ev := ann.next(core.MessageAcked).Event; ev.User.ID != "bob" || ev.Change.Ack.Text != "got it" || ev.Change.Ack.Count != 1 || ev.Message.ID != m.ID {
		t.Errorf("told %+v", ev.Change.Ack)
	}
	if out, err := ack("bob", "again"); err != nil || out.Count != 1 || out.Text != "got it" {
		t.Errorf("twice: %+v, %v", out, err)
	}
	if _, err := ack("cleo", ""); err != nil {
		t.Fatal(err)
	}
	list, err := a.List(t.Context(), w.as("ann"), core.ListAcks{Message: m.ID.String(), Page: core.Page{Limit: 1, Cursor: "bob"}})
	if err != nil || len(list) != 1 || list[0].User != "cleo" || list[0].Count != 2 {
		t.Errorf("list: %+v, %v", list, err)
	}
	n, err := a.Count(t.Context(), w.as("ann"), core.CountAcks{Messages: []string{m.ID.String(), "none"}})
	if err != nil || len(n) != 1 || n[m.ID] != 2 {
		t.Errorf("count: %v, %v", n, err)
	}
}
