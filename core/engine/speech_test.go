package engine_test

import (
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"

	"pgregory.net/rapid"
)

// speak tries to send and returns the refusal.
func (w *world) speak(u core.UserID, key core.ChannelKey) error {
	_, err := w.core().Messages.Send(w.t.Context(), w.as(u), core.SendMessage{Key: key, Message: core.MessageInput{Text: "hello"}})
	return err
}

func TestSpeechMutesMembers(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	s := w.core().Speech
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	x := w.listen(0, "ann")
	mute := func(by core.UserID, in core.MuteMembers) error {
		in.Key = "g"
		out, err := s.Mute(t.Context(), w.as(by), in)
		if err != nil {
			return err
		}
		return out[0].Err
	}
	bob := []core.UserID{"bob"}
	wants(t, "a member mutes", mute("ann", core.MuteMembers{Users: bob}), fault.GroupPermissionDenied, "moderator_scope")
	wants(t, "a moderator mutes an admin", mute("mod", core.MuteMembers{Users: []core.UserID{"admin"}}), fault.GroupPermissionDenied, "clearance")
	wants(t, "muting a stranger", mute("mod", core.MuteMembers{Users: []core.UserID{"eve"}}), fault.GroupNotMember, "target")
	wants(t, "muting nobody", mute("mod", core.MuteMembers{Users: []core.UserID{"nobody"}}), fault.UserNotFound, "")
	wants(t, "before", w.speak("bob", "g"), nil, "")
	wants(t, "a moderator mutes", mute("mod", core.MuteMembers{Users: bob, For: time.Minute, Reason: "loud"}), nil, "")
	d := x.next(core.MemberMuted)
	if ev := d.Event; ev.Target == nil || ev.Target.ID != "bob" || ev.User.ID != "mod" || ev.Change.Text != "loud" || !ev.Change.Until.Equal(w.clock.Now().Add(time.Minute)) || ev.Ev == 0 {
		t.Errorf("told %+v", ev)
	}
	wants(t, "muted", w.speak("bob", "g"), fault.GroupMuted, "user")
	list, err := s.Muted(t.Context(), w.as("mod"), core.ListMuted{Key: "g"})
	if err != nil || len(list) != 1 || list[0].User != "bob" || list[0].Target == nil {
		t.Errorf("muted: %+v, %v", list, err)
	}
	st, err := s.State(t.Context(), w.as("bob"), core.GetSpeech{Key: "g"})
	if err != nil || st.Mute == nil || st.MutedAll || st.Allowed {
		t.Errorf("state: %+v, %v", st, err)
	}
	w.clock.Add(2 * time.Minute)
	wants(t, "the mute has ended", w.speak("bob", "g"), nil, "")
	wants(t, "muted for good", mute("mod", core.MuteMembers{Users: bob}), nil, "")
	w.clock.Add(1000 * time.Hour)
	wants(t, "still muted", w.speak("bob", "g"), fault.GroupMuted, "user")
	wants(t, "lifted", mute("mod", core.MuteMembers{Users: bob, Lift: true}), nil, "")
	x.next(core.MemberUnmuted)
	wants(t, "after", w.speak("bob", "g"), nil, "")
	missed, err := w.core().Live.Sync(t.Context(), w.as("ann"), core.SyncSince{Keys: []core.ChannelKey{"g"}, Since: w.clock.Now().Add(-time.Minute)})
	if err != nil || len(missed.Events) == 0 {
		t.Fatalf("sync: %v", err)
	}
	found := false
	for _, ev := range missed.Events {
		found = found || ev.Kind == core.MemberUnmuted && ev.Target != nil && ev.Target.ID == "bob"
	}
	if !found {
		t.Error("the lifted mute is not in the log of events")
	}
}

func TestSpeechMuteAllSparesAllowed(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob", "eve")
	s := w.core().Speech
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	x := w.listen(0, "ann")
	_, err := s.MuteAll(t.Context(), w.as("ann"), core.MuteAll{Key: "g"})
	wants(t, "a member mutes all", err, fault.GroupPermissionDenied, "moderator_scope")
	c, err := s.MuteAll(t.Context(), w.as("admin"), core.MuteAll{Key: "g"})
	if err != nil || !c.Rules().MutedAll {
		t.Fatalf("mute all: %+v, %v", c.Rules(), err)
	}
	x.next(core.GroupMutedAll)
	wants(t, "a member", w.speak("ann", "g"), fault.GroupMuted, "all")
	wants(t, "a moderator", w.speak("mod", "g"), nil, "")
	_, err = s.Allow(t.Context(), w.as("mod"), core.AllowMembers{Key: "g", Users: []core.UserID{"ann"}})
	wants(t, "allowing", err, nil, "")
	x.next(core.MemberAllowed)
	wants(t, "on the allow list", w.speak("ann", "g"), nil, "")
	wants(t, "not on it", w.speak("bob", "g"), fault.GroupMuted, "all")
	out, err := s.Allow(t.Context(), w.as("mod"), core.AllowMembers{Key: "g", Users: []core.UserID{"bob", "eve"}, Max: 1})
	if err != nil || !fault.IsReason(out[0].Err, fault.LimitReached) || !fault.IsReason(out[1].Err, fault.GroupNotMember) {
		t.Errorf("over the bound: %+v, %v", out, err)
	}
	list, err := s.Allowed(t.Context(), w.as("mod"), core.ListAllowed{Key: "g"})
	if err != nil || len(list) != 1 || list[0].User != "ann" || list[0].By != "mod" {
		t.Errorf("allowed: %+v, %v", list, err)
	}
	_, err = s.MuteAll(t.Context(), w.as("mod"), core.MuteAll{Key: "g", Lift: true})
	wants(t, "lifting", err, nil, "")
	wants(t, "afterwards", w.speak("bob", "g"), nil, "")
}

func TestSpeechKindMutes(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob")
	s := w.core().Speech
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	wants(t, "before", w.speak("ann", "g"), nil, "")
	_, err := s.MuteKinds(t.Context(), w.as("ann"), core.MuteKinds{Users: []core.UserID{"ann"}, Kinds: []core.ChannelKind{core.KindGroup}})
	wants(t, "a client", err, fault.PermissionDenied, "")
	_, err = s.MuteKinds(t.Context(), w.server(), core.MuteKinds{Users: []core.UserID{"ann"}, Kinds: []core.ChannelKind{core.KindGroup}, For: time.Hour})
	wants(t, "a server", err, nil, "")
	wants(t, "muted in groups", w.speak("ann", "g"), fault.GroupMuted, "app")
	st, err := w.core().Channels.Open(t.Context(), w.as("ann"), core.OpenChannel{Type: core.DefaultType, Input: core.ChannelInput{Members: []core.MemberInput{{User: "ann"}, {User: "bob"}}}})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "not in direct ones", w.speak("ann", st.Channel.Key), nil, "")
	list, err := s.KindMutes(t.Context(), w.server(), core.ListKindMutes{Kind: core.KindGroup})
	if err != nil || len(list) != 1 || list[0].User != "ann" {
		t.Errorf("of the kind: %+v, %v", list, err)
	}
	w.clock.Add(2 * time.Hour)
	wants(t, "the end", w.speak("ann", "g"), nil, "")
	if list, err = s.KindMutes(t.Context(), w.as("ann"), core.ListKindMutes{User: "ann"}); err != nil || len(list) != 0 {
		t.Errorf("own, after the end: %+v, %v", list, err)
	}
}

// TestSpeechAgreesWithItsModel runs random moderation against a model of who may speak.
func TestSpeechAgreesWithItsModel(t *testing.T) {
	w := single(t, "owner", "admin", "mod", "ann", "bob")
	s := w.core().Speech
	rankedGroup(t, w, "g", core.AdmitAnyone, "")
	type state struct {
		mutedTill map[core.UserID]time.Time
		allowed   map[core.UserID]bool
		all       bool
	}
	m := state{mutedTill: map[core.UserID]time.Time{}, allowed: map[core.UserID]bool{}}
	members := []core.UserID{"ann", "bob"}
	rapid.Check(t, func(rt *rapid.T) {
		u := rapid.SampledFrom(members).Draw(rt, "who")
		switch rapid.IntRange(0, 6).Draw(rt, "what") {
		case 0:
			d := time.Duration(rapid.IntRange(1, 5).Draw(rt, "minutes")) * time.Minute
			_, _ = s.Mute(t.Context(), w.as("mod"), core.MuteMembers{Key: "g", Users: []core.UserID{u}, For: d})
			m.mutedTill[u] = w.clock.Now().Add(d)
		case 1:
			_, _ = s.Mute(t.Context(), w.as("mod"), core.MuteMembers{Key: "g", Users: []core.UserID{u}, Lift: true})
			delete(m.mutedTill, u)
		case 2, 3:
			m.all = rapid.Bool().Draw(rt, "all")
			_, _ = s.MuteAll(t.Context(), w.as("mod"), core.MuteAll{Key: "g", Lift: !m.all})
		case 4, 5:
			m.allowed[u] = rapid.Bool().Draw(rt, "allow")
			_, _ = s.Allow(t.Context(), w.as("mod"), core.AllowMembers{Key: "g", Users: []core.UserID{u}, Remove: !m.allowed[u]})
		default:
			w.clock.Add(time.Minute)
		}
		for _, u := range members {
			want := ""
			if w.clock.Now().Before(m.mutedTill[u]) {
				want = "user"
			} else if m.all && !m.allowed[u] {
				want = "all"
			}
			err, got := w.speak(u, "g"), ""
			if f := fault.From(err); err != nil && f.Reason == fault.GroupMuted {
				got = f.Variant
			} else if err != nil {
				rt.Fatalf("%s: %v", u, err)
			}
			if got != want {
				rt.Fatalf("%s: refused with %q, want %q", u, got, want)
			}
		}
	})
}
