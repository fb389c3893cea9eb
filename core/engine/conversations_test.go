package engine_test

import (
	"strings"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// direct opens the conversation of two.
func (w *world) direct(a, b core.UserID) core.ChannelKey {
	w.t.Helper()
	st, err := w.core().Channels.Open(w.t.Context(), w.as(a), core.OpenChannel{Type: core.DefaultType, Input: core.ChannelInput{Members: []core.MemberInput{{User: a}, {User: b}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return st.Channel.Key
}

func TestConversations(t *testing.T) {
	w := single(t, "ann", "bob", "cleo")
	c := w.core().Conversations
	bob, cleo, g := w.direct("ann", "bob"), w.direct("ann", "cleo"), w.group("g", "ann", "bob")
	w.group("empty", "ann", "bob")
	for _, key := range []core.ChannelKey{bob, g, cleo} {
		w.clock.Add(time.Second)
		w.say("ann", key, "to "+string(key))
	}
	w.clock.Add(time.Second)
	w.say("bob", bob, "back")
	list := func(in core.ListConversations) (keys []core.ChannelKey) {
		t.Helper()
		out, err := c.List(t.Context(), w.as("ann"), in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range out {
			keys = append(keys, out[i].Channel.Key)
		}
		return keys
	}
	same := func(what string, got []core.ChannelKey, want ...core.ChannelKey) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
	}
	same("by last message", list(core.ListConversations{}), bob, cleo, g)
	x := w.listen(0, "ann")
	if _, err := c.Pin(t.Context(), w.as("ann"), core.PinConversation{Key: g}); err != nil {
		t.Fatal(err)
	}
	if ev := x.next(core.ConversationChanged).Event; ev.Change.New != "pinned" || ev.Change.Settings.Pinned.IsZero() || ev.Channel.Key != g {
		t.Errorf("told %+v", ev.Change)
	}
	same("pinned first", list(core.ListConversations{}), g, bob, cleo)
	same("pinned only", list(core.ListConversations{Pinned: true}), g)
	same("after a cursor", list(core.ListConversations{Page: core.Page{Limit: 1, Cursor: string(g)}}), bob)
	same("of a kind", list(core.ListConversations{Kinds: []core.ChannelKind{core.KindDirect}, Page: core.Page{Offset: 1}}), cleo)
	_, err := c.Put(t.Context(), w.as("ann"), core.PutSettings{Scope: core.SettingsScope{Key: cleo}, Change: func(s *core.ConversationSettings) error {
		s.Marks, s.Quiet = []string{"mark_1"}, "NONE"
		return nil
	}})
	wants(t, "marking", err, nil, "")
	if ev := x.next(core.ConversationChanged).Event; ev.Change.New != "marked" {
		t.Errorf("told %+v", ev.Change)
	}
	same("marked only", list(core.ListConversations{Mark: "mark_1"}), cleo)
	_, err = c.Put(t.Context(), w.as("cleo"), core.PutSettings{Scope: core.SettingsScope{Key: g}, Change: func(*core.ConversationSettings) error { return nil }})
	if err == nil {
		t.Error("a stranger keeps settings of a group")
	}
	_, err = c.Put(t.Context(), w.as("ann"), core.PutSettings{Scope: core.SettingsScope{Kind: core.KindGroup}, Change: func(s *core.ConversationSettings) error { s.Quiet = "4"; return nil }})
	wants(t, "of a kind", err, nil, "")
	got, err := c.Settings(t.Context(), w.as("ann"), core.GetSettings{Scopes: []core.SettingsScope{{Key: cleo}, {Kind: core.KindGroup}, {Everywhere: true}, {Key: g}}})
	if err != nil || got[0].Quiet != "NONE" || got[1].Quiet != "4" || got[2].Quiet != "" || got[3].Pinned.IsZero() {
		t.Errorf("settings: %+v, %v", got, err)
	}
	out, err := c.List(t.Context(), w.as("ann"), core.ListConversations{Kinds: []core.ChannelKind{core.KindDirect}, Page: core.Page{Limit: 1}})
	if err != nil || out[0].Last == nil || out[0].Last.Text != "back" || out[0].Unread != 1 || out[0].Peer == nil || out[0].Peer.ID != "bob" {
		t.Errorf("entry: %+v, %v", out, err)
	}
	wants(t, "dropping", c.Drop(t.Context(), w.as("ann"), core.DropConversation{Key: bob, Clear: true}), nil, "")
	same("after dropping", list(core.ListConversations{}), g, cleo)
	w.say("bob", bob, "again")
	out, err = c.List(t.Context(), w.as("ann"), core.ListConversations{Kinds: []core.ChannelKind{core.KindDirect}})
	if err != nil || len(out) != 2 || out[0].Last.Text != "again" {
		t.Errorf("after the next message: %+v, %v", out, err)
	}
	page, err := w.core().Feeds.Pull(t.Context(), w.as("ann"), core.PullFeed{Own: true})
	n := 0
	for _, ev := range page.Events {
		if ev.Kind == core.ConversationChanged {
			n++
		}
	}
	if err != nil || n != 4 {
		t.Errorf("in the box: %d, %v", n, err)
	}
}

func TestSystemMessagesAndBroadcasts(t *testing.T) {
	w := single(t, "owner", "ann", "bob", "eve")
	b := w.core().Broadcasts
	ann, bob := w.listen(0, "ann"), w.listen(0, "bob")
	_, err := b.System(t.Context(), w.as("ann"), core.SendSystem{From: "desk", To: []core.UserID{"bob"}, Message: core.MessageInput{Text: "x"}})
	wants(t, "a client", err, fault.PermissionDenied, "")
	out, err := b.System(t.Context(), w.server(), core.SendSystem{From: "desk", To: []core.UserID{"ann", "nobody"}, Message: core.MessageInput{Text: "welcome"}})
	if err != nil || out[0].Err != nil || out[0].Message == nil || out[0].Key != core.SystemKey("desk", "ann") || !fault.IsReason(out[1].Err, fault.UserNotFound) {
		t.Fatalf("system: %+v, %v", out, err)
	}
	d := ann.next(core.MessageSent)
	if d.Event.Channel.Kind != core.KindSystem || d.Event.Channel.CreatedBy != "desk" || d.Event.User.ID != "desk" || d.As&core.AsMember == 0 {
		t.Errorf("told %+v", d.Event)
	}
	wants(t, "answering", w.speak("ann", out[0].Key), fault.PermissionDenied, "")
	sent, err := b.Send(t.Context(), w.server(), core.SendBroadcast{From: "desk", Audience: core.AudienceOnline, Message: core.MessageInput{Text: "now"}})
	if err != nil || sent.ID == 0 || sent.Task != "" {
		t.Fatalf("online: %+v, %v", sent, err)
	}
	if ev := bob.next(core.BroadcastTold).Event; ev.Message.ID != sent.ID || ev.Message.Text != "now" || ev.Channel != nil {
		t.Errorf("told %+v", ev)
	}
	room1 := room(t, w, "r1", core.GroupRules{})
	finished := func(id string) func() bool {
		return func() bool {
			task, err := w.core().Tasks.Get(t.Context(), w.server(), core.GetTask{ID: id})
			if err != nil || task.State == "failed" {
				t.Fatalf("task: %+v, %v", task, err)
			}
			return task.State == "completed"
		}
	}
	for _, x := range []struct {
		in   core.SendBroadcast
		keys []core.ChannelKey
	}{
		{core.SendBroadcast{Audience: core.AudienceRooms}, []core.ChannelKey{room1}},
		{core.SendBroadcast{Audience: core.AudienceEveryone}, []core.ChannelKey{core.SystemKey("desk", "ann"), core.SystemKey("desk", "eve")}},
		{core.SendBroadcast{Audience: core.AudienceEveryone, Direct: true}, []core.ChannelKey{core.ChannelKey(core.DirectID([]core.UserID{"desk", "bob"}))}},
	} {
		x.in.From, x.in.Message = "desk", core.MessageInput{Text: "to all", Extra: core.Extra(`{"a":1}`)}
		sent, err := b.Send(t.Context(), w.server(), x.in)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the broadcast is sent", finished(sent.Task))
		for _, key := range x.keys {
			ms, err := w.core().Messages.List(t.Context(), w.server(), core.ListMessages{Key: key})
			if err != nil || len(ms) == 0 || ms[len(ms)-1].Text != "to all" || !strings.Contains(string(ms[len(ms)-1].Extra), sent.ID.String()) {
				t.Errorf("%s in %s: %+v, %v", x.in.Audience, key, ms, err)
			}
		}
		task, err := b.Delete(t.Context(), w.server(), core.DeleteBroadcast{ID: sent.ID})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the broadcast is taken back", finished(task.ID))
		for _, key := range x.keys {
			ms, err := w.core().Messages.List(t.Context(), w.server(), core.ListMessages{Key: key})
			if err != nil || len(ms) > 0 && !ms[len(ms)-1].Deleted() {
				t.Errorf("%s in %s is still there: %v", x.in.Audience, key, err)
			}
		}
	}
	_, err = b.Delete(t.Context(), w.server(), core.DeleteBroadcast{ID: 1})
	wants(t, "an unknown one", err, fault.MessageNotFound, "")
}
