package engine_test

import (
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

func trySend(w *world, u core.UserID, key core.ChannelKey, text string) (core.Message, error) {
	out, err := w.core().Messages.Send(w.t.Context(), w.as(u), core.SendMessage{Key: key, Message: core.MessageInput{Text: text}})
	return out.Message, err
}

func TestBansRunOut(t *testing.T) {
	for _, scope := range []string{"channel", "app"} {
		t.Run(scope, func(t *testing.T) {
			w := newEngine(t, nil, "alice", "bob")
			key := w.group("g", "alice", "bob")
			ban := core.SetBan{User: "bob", For: time.Minute, Reason: "rude"}
			want := fault.PermissionDenied
			if scope == "channel" {
				ban.Key, want = key, fault.GroupBanned
			}
			b, err := w.core().Moderation.Ban(t.Context(), w.server().As("alice"), ban)
			if err != nil || b.Target == nil || b.Target.ID != "bob" || b.Banner.ID != "alice" || b.Expires.Sub(w.clock.Now()) != time.Minute {
				t.Fatalf("%+v %v", b, err)
			}
			_, err = trySend(w.world, "bob", key, "hi")
			w.wants(err, want)
			list := func() []core.Ban {
				bs, err := w.core().Moderation.Bans(t.Context(), w.server(), core.QueryBans{Filter: core.Cond("user", core.OpEq, core.Text("bob"))})
				if err != nil {
					t.Fatal(err)
				}
				return bs
			}
			if bs := list(); len(bs) != 1 || bs[0].Reason != "rude" || bs[0].Channel != ban.Key {
				t.Errorf("bans %+v", bs)
			}
			w.clock.Add(2 * time.Minute)
			_, err = trySend(w.world, "bob", key, "hi again")
			w.wants(err, nil)
			if bs := list(); len(bs) != 0 {
				t.Errorf("bans after they ran out: %+v", bs)
			}
		})
	}
}

func TestBanIsToldAndLifted(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	key := w.group("g", "alice", "bob")
	bob := w.listen(0, "bob")
	set := func(lift bool) {
		if _, err := w.core().Moderation.Ban(t.Context(), w.server().As("alice"), core.SetBan{User: "bob", Key: key, Lift: lift}); err != nil {
			t.Fatal(err)
		}
	}
	set(false)
	if d := bob.next(core.UserBanned); d.Event.Target.ID != "bob" || d.Event.Channel.Key != key {
		t.Errorf("%+v", d.Event)
	}
	set(true)
	bob.next(core.UserUnbanned)
	_, err := trySend(w.world, "bob", key, "back")
	w.wants(err, nil)
	_, err = w.core().Moderation.Ban(t.Context(), w.as("alice"), core.SetBan{User: "alice", Key: key})
	w.wants(err, fault.TargetIsSelf)
	_, err = w.core().Moderation.Ban(t.Context(), w.server(), core.SetBan{User: "nobody"})
	w.wants(err, fault.UserNotFound)
	_, err = w.core().Moderation.Ban(t.Context(), w.as("bob"), core.SetBan{User: "alice"})
	w.wants(err, fault.PermissionDenied)
}

func TestShadowBannedSpeakToThemselves(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	key := w.group("g", "alice", "bob")
	if _, err := w.core().Moderation.Ban(t.Context(), w.server().As("alice"), core.SetBan{User: "bob", Key: key, Shadow: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := trySend(w.world, "bob", key, "psst"); err != nil {
		t.Fatal(err)
	}
	for u, want := range map[core.UserID]int{"bob": 1, "alice": 0} {
		ms, err := w.core().Messages.List(t.Context(), w.as(u), core.ListMessages{Key: key})
		if err != nil || len(ms) != want {
			t.Errorf("%s sees %d messages, %v", u, len(ms), err)
		}
	}
}

func TestBanDeletesMessagesAndReachesFutureChannels(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	key := w.group("g", "alice", "bob")
	w.say("bob", key, "rude")
	_, err := w.core().Moderation.Ban(t.Context(), w.server().As("alice"), core.SetBan{User: "bob", Key: key, Messages: core.DeleteHard, Future: true})
	if err != nil {
		t.Fatal(err)
	}
	ms, err := w.core().Messages.List(t.Context(), w.as("alice"), core.ListMessages{Key: key})
	if err != nil || len(ms) != 0 {
		t.Errorf("messages left: %+v %v", ms, err)
	}
	later := w.group("later", "alice", "bob")
	_, err = trySend(w.world, "bob", later, "hello")
	w.wants(err, fault.GroupBanned)
	bs, err := w.core().Moderation.Bans(t.Context(), w.server(), core.QueryBans{Future: true, By: "alice"})
	if err != nil || len(bs) != 1 {
		t.Errorf("future bans %+v %v", bs, err)
	}
}

func TestMutesAreToldToTheMuterAndRunOut(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob", "carol")
	alice := w.listen(0, "alice")
	got, err := w.core().Moderation.Mute(t.Context(), w.as("alice"), core.MuteUsers{Users: []core.UserID{"bob", "ghost"}, For: time.Minute})
	if err != nil || len(got.Mutes) != 1 || got.Mutes[0].Target.ID != "bob" || len(got.Unknown) != 1 || len(got.Self.Mutes) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if d := alice.next(core.MutesChanged); len(d.Event.Self.Mutes) != 1 {
		t.Errorf("told %+v", d.Event.Self)
	}
	w.clock.Add(2 * time.Minute)
	if s, err := w.core().Live.Self(t.Context(), w.as("alice"), core.GetSelf{}); err != nil || len(s.Mutes) != 0 {
		t.Errorf("mutes after they ran out: %+v %v", s.Mutes, err)
	}
	_, err = w.core().Moderation.Mute(t.Context(), w.as("alice"), core.MuteUsers{Users: []core.UserID{"alice"}})
	w.wants(err, fault.TargetIsSelf)
	_, err = w.core().Moderation.Mute(t.Context(), w.as("alice"), core.MuteUsers{Users: []core.UserID{"ghost"}})
	w.wants(err, fault.UserNotFound)
	_, err = w.core().Moderation.Mute(t.Context(), w.server(), core.MuteUsers{Users: []core.UserID{"bob"}})
	w.wants(err, fault.RequestInvalid)
}

func TestBlockedPeopleCannotWriteDirectly(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	st, err := w.core().Channels.Open(ctx, w.as("alice"), core.OpenChannel{Type: "messaging", Input: core.ChannelInput{Members: []core.MemberInput{{User: "alice"}, {User: "bob"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.core().Moderation.Block(ctx, w.as("alice"), core.BlockUser{User: "bob"}); err != nil {
		t.Fatal(err)
	}
	_, err = trySend(w.world, "bob", st.Channel.Key, "hi")
	w.wants(err, fault.BlockByPeer)
	_, err = trySend(w.world, "alice", st.Channel.Key, "hi")
	w.wants(err, fault.BlockBySelf)
	if bs, err := w.core().Moderation.Blocks(ctx, w.as("alice"), core.ListBlocks{}); err != nil || len(bs) != 1 || bs[0].Target.ID != "bob" {
		t.Errorf("%+v %v", bs, err)
	}
	if _, err := w.core().Moderation.Block(ctx, w.as("alice"), core.BlockUser{User: "bob", Unblock: true}); err != nil {
		t.Fatal(err)
	}
	_, err = trySend(w.world, "bob", st.Channel.Key, "hi")
	w.wants(err, nil)
}

func TestFlagsAreOnePerReporterAndThing(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	key := w.group("g", "alice", "bob")
	m := w.say("alice", key, "buy now")
	flag := func(in core.FlagContent) core.Flag {
		f, err := w.core().Moderation.Flag(ctx, w.as("bob"), in)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a := flag(core.FlagContent{Message: m.ID.String(), Reason: "spam"})
	b := flag(core.FlagContent{Message: m.ID.String(), Reason: "spam again"})
	flag(core.FlagContent{User: "alice"})
	if a.ID != b.ID || a.MessageNow == nil || a.Target != "alice" {
		t.Errorf("%+v %+v", a, b)
	}
	query := func(q core.QueryFlags) int {
		fs, err := w.core().Moderation.Flags(ctx, w.server(), q)
		if err != nil {
			t.Fatal(err)
		}
		return len(fs)
	}
	if n := query(core.QueryFlags{}); n != 2 {
		t.Errorf("%d reports", n)
	}
	if n := query(core.QueryFlags{Messages: true, Filter: core.Cond("key", core.OpEq, core.Text(string(key)))}); n != 1 {
		t.Errorf("%d reports of messages", n)
	}
	flag(core.FlagContent{User: "alice", Unflag: true})
	if n := query(core.QueryFlags{}); n != 1 {
		t.Errorf("%d reports after taking one back", n)
	}
	_, err := w.core().Moderation.Flags(ctx, w.as("bob"), core.QueryFlags{})
	w.wants(err, fault.PermissionDenied)
	_, err = w.core().Moderation.Flags(ctx, w.server(), core.QueryFlags{Filter: core.Cond("colour", core.OpEq, core.Text("red"))})
	w.wants(err, fault.RequestInvalid)
}

func TestBlocklistBehaviours(t *testing.T) {
	for _, c := range []struct {
		behaviour, text string
		want            *fault.Reason
		shadowed        bool
		flags           int
	}{
		{"block", "you Ninny!", fault.ModerationRejected, false, 0},
		{"block", "a half-ninny", fault.ModerationRejected, false, 0},
		{"block", "ninnyhammer", nil, false, 0},
		{"block", "what a total fool, really", fault.ModerationRejected, false, 0},
		{"block", "a total of nine", nil, false, 0},
		{"flag", "you ninny", nil, false, 1},
		{"shadow_block", "you ninny", nil, true, 0},
	} {
		t.Run(c.behaviour+" "+c.text, func(t *testing.T) {
			w := newEngine(t, nil, "alice", "bob")
			ctx := t.Context()
			_, err := w.core().Blocklists.Put(ctx, w.server(), core.PutBlocklist{Create: true, List: core.Blocklist{Name: "mine", Words: []string{"Ninny", "total fool"}}})
			if err != nil {
				t.Fatal(err)
			}
			w.typ("messaging", func(t *core.ChannelType) { t.Blocklist, t.BlocklistBehavior = "mine", c.behaviour })
			key := w.group("g", "alice", "bob")
			m, err := trySend(w.world, "bob", key, c.text)
			w.wants(err, c.want)
			if err == nil {
				ms, err := w.core().Messages.List(ctx, w.as("alice"), core.ListMessages{Key: key})
				if err != nil || len(ms) == 0 != c.shadowed {
					t.Errorf("alice sees %d messages (%v), of which %v is shadowed", len(ms), err, m.ID)
				}
			}
			fs, err := w.core().Moderation.Flags(ctx, w.server(), core.QueryFlags{})
			if err != nil || len(fs) != c.flags {
				t.Errorf("%d reports, %v", len(fs), err)
			}
		})
	}
}

func TestBlocklistChangesHoldAtOnce(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	put := func(create bool, words ...string) error {
		_, err := w.core().Blocklists.Put(ctx, w.server(), core.PutBlocklist{Create: create, List: core.Blocklist{Name: "mine", Words: words}})
		return err
	}
	w.wants(put(false, "a"), fault.ResourceNotFound)
	w.wants(put(true, "apple"), nil)
	w.wants(put(true, "apple"), fault.RequestInvalid)
	w.typ("messaging", func(t *core.ChannelType) { t.Blocklist, t.BlocklistBehavior = "mine", "block" })
	key := w.group("g", "alice", "bob")
	_, err := trySend(w.world, "bob", key, "an apple")
	w.wants(err, fault.ModerationRejected)
	_, err = w.core().Messages.Send(ctx, w.server().As("bob"), core.SendMessage{Key: key, Message: core.MessageInput{Text: "an apple"}})
	w.wants(err, fault.ModerationRejected)
	w.wants(put(false, "pear"), nil)
	_, err = trySend(w.world, "bob", key, "an apple")
	w.wants(err, nil)
	_, err = trySend(w.world, "bob", key, "a pear")
	w.wants(err, fault.ModerationRejected)
	if _, err := w.core().Blocklists.Delete(ctx, w.server(), core.DeleteBlocklist{Name: "mine"}); err != nil {
		t.Fatal(err)
	}
	_, err = trySend(w.world, "bob", key, "a pear")
	w.wants(err, nil)
	if ls, err := w.core().Blocklists.List(ctx, w.server(), core.ListBlocklists{}); err != nil || len(ls) != 1 || ls[0].Name != "profanity_en_2020_v1" {
		t.Errorf("%+v %v", ls, err)
	}
}
