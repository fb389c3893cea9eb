package stream_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/stream"
	"dragoman/core"
)

// The people, the channel and the message of the golden files.

func alice() *core.User {
	return &core.User{
		ID: "alice", Name: "Alice", Image: "https://x/a.png", Role: core.RoleUser, Teams: []string{"red"}, Language: "en",
		Extra:     core.Extra(`{"colour":"red","online":"reserved","nested":{"a":[1,2]}}`),
		CreatedAt: now, UpdatedAt: now.Add(time.Hour), LastActive: now, Online: true,
	}
}

func bob() *core.User {
	return &core.User{ID: "bob", Role: core.RoleAdmin, CreatedAt: now, UpdatedAt: now, Invisible: true, Online: true, Ban: &core.Ban{Shadow: true, Expires: now.Add(time.Hour)}}
}

func lobby() *core.Channel {
	return &core.Channel{
		ID: 1, Key: "lobby", Type: core.DefaultType, Name: "Lobby", CreatedBy: "alice", Owner: alice(), Cooldown: 10, Tags: []string{"t"},
		Extra: core.Extra(`{"topic":"all","cid":"reserved"}`), MemberCount: 2, MessageCount: 3, CreatedAt: now, UpdatedAt: now, LastMessageAt: now,
	}
}

func messaging() *core.ChannelType {
	return &core.ChannelType{
		Name: core.DefaultType, Features: core.Features{core.FeatureReads: true, core.FeatureTyping: true, core.FeatureCount: true}, MaxLength: 5000,
		Automod: "disabled", AutomodBehavior: "flag", Retention: "infinite", Commands: []string{"giphy", "own"}, CreatedAt: now, UpdatedAt: now,
	}
}

func message() *core.Message {
	return &core.Message{
		ID: 42, Alias: "m-1", Channel: 1, ChannelKey: "lobby", Seq: 3, User: "alice", Author: alice(), Kind: core.MessageRegular, Text: "hi <b> & 'you'",
		Attachments: []json.RawMessage{json.RawMessage(`{"type":"image","image_url":"https://x/i.png"}`)}, Mentions: []core.UserID{"bob"}, Mentioned: []core.User{*bob()},
		Extra: core.Extra(`{"mood":"good","text":"reserved"}`), CreatedAt: now, UpdatedAt: now, EditedAt: now, ReplyCount: 1, ThreadUsers: []core.User{*bob()},
		Pinned: true, PinnedAt: now, PinnedBy: "alice", PinnedByUser: alice(), AuthorChannelRole: core.ChannelRoleMember,
		Quoted: 41, QuotedMessage: &core.Message{ID: 41, ChannelKey: "lobby", User: "bob", Author: bob(), Text: "before", CreatedAt: now, UpdatedAt: now, Quoted: 40, QuotedMessage: &core.Message{ID: 40, ChannelKey: "lobby"}},
		Reactions:       []core.ReactionGroup{{Type: "like", Count: 2, Score: 5, FirstAt: now, LastAt: now}},
		LatestReactions: []core.Reaction{*reaction()}, OwnReactions: []core.Reaction{*reaction()},
		PollID: "p", Poll: poll1(), Reminder: &core.Reminder{User: "alice", Message: 42, Alias: "m-1", Key: "lobby", RemindAt: now, CreatedAt: now, UpdatedAt: now},
	}
}

func reaction() *core.Reaction {
	return &core.Reaction{Message: 42, Alias: "m-1", Type: "like", User: "bob", Author: bob(), Score: 3, Extra: core.Extra(`{"emoji":"x"}`), CreatedAt: now, UpdatedAt: now}
}

func poll1() *core.Poll {
	v := core.PollVote{ID: "v", Poll: "p", Option: "o1", User: "bob", Author: bob(), CreatedAt: now, UpdatedAt: now}
	return &core.Poll{
		ID: "p", Name: "Lunch?", Options: []core.PollOption{{ID: "o1", Text: "yes", Votes: 1}, {ID: "o2", Text: "no"}}, CreatedBy: "alice", Creator: alice(),
		CreatedAt: now, UpdatedAt: now, VoteCount: 1, LatestVotes: []core.PollVote{v}, OwnVotes: []core.PollVote{v}, Extra: core.Extra(`{"k":1}`),
	}
}

func memberOf(u *core.User) *core.Member {
	return &core.Member{
		Channel: 1, User: u.ID, Profile: u, Role: core.MemberOwner, ChannelRole: core.ChannelRoleModerator, Extra: core.Extra(`{"nick":"al"}`),
		CreatedAt: now, UpdatedAt: now, PinnedAt: now, MutedUntil: core.Forever, MutedAt: now, InvitedAt: now,
	}
}

func TestEncodeNouns(t *testing.T) {
	m := message()
	deleted := message()
	deleted.DeletedAt, deleted.Parent, deleted.ParentAlias = now, 5, ""
	state := &core.ChannelState{
		Channel: *lobby(), Config: *messaging(), Messages: []core.Message{{ID: 9, ChannelKey: "lobby", User: "ghost", Kind: core.MessageCustom, Text: "x", CreatedAt: now, UpdatedAt: now}},
		Members: []core.Member{*memberOf(alice())}, Membership: memberOf(alice()), WatcherCount: 1, Watchers: []core.User{*alice()}, Capabilities: []string{"read-events"},
		Reads: []core.Read{{User: *alice(), At: now, Unread: 2, Message: 42, MessageAlias: "m-1", DeliveredID: 42, DeliveredAt: now}, {User: *bob()}},
		Draft: &core.Draft{User: "alice", Key: "lobby", Message: json.RawMessage(`{"id":"d","text":"dr"}`), CreatedAt: now},
	}
	self := &core.Self{
		User: *alice(), Counts: core.Counts{Messages: 3, Channels: 2, Threads: 1}, Devices: []core.Device{{ID: "d", Provider: "apn", User: "alice", CreatedAt: now}},
		Mutes: []core.UserMute{{User: *alice(), Target: *bob(), CreatedAt: now, UpdatedAt: now}}, ChannelMutes: []core.ChannelMute{{User: *alice(), Channel: *lobby(), CreatedAt: now, UpdatedAt: now, Expires: now}},
		Blocked: []core.UserID{"eve"},
	}
	golden(t, "user", stream.EncodeUser(alice()))
	golden(t, "user_shadow_banned", stream.EncodeUser(bob()))
	golden(t, "own_user", stream.EncodeSelf(self))
	golden(t, "member", stream.EncodeMember(memberOf(alice())))
	golden(t, "message", stream.EncodeMessage(m))
	golden(t, "message_deleted", stream.EncodeMessage(deleted))
	golden(t, "channel_state", stream.EncodeState(state))
	if string(stream.EncodeUser(nil)) != "null" {
		t.Error("nobody is not null")
	}
}

func TestEncodeEmptyNounsHaveEveryRequiredList(t *testing.T) {
	m := gjson.ParseBytes(stream.EncodeMessage(&core.Message{ID: 1, ChannelKey: "livestream:x", CreatedAt: now, UpdatedAt: now}))
	for _, name := range []string{"attachments", "latest_reactions", "own_reactions", "mentioned_users", "restricted_visibility"} {
		if !m.Get(name).IsArray() {
			t.Errorf("message.%s is not a list: %s", name, m)
		}
	}
	for _, name := range []string{"reaction_counts", "reaction_scores", "reaction_groups"} {
		if !m.Get(name).IsObject() {
			t.Errorf("message.%s is not an object", name)
		}
	}
	if m.Get("id").Str != "1" || m.Get("cid").Str != "livestream:x" {
		t.Errorf("message %s", m)
	}
	s := gjson.ParseBytes(stream.EncodeState(&core.ChannelState{Channel: core.Channel{Key: "x"}}))
	for _, name := range []string{"messages", "pinned_messages", "members", "read", "threads"} {
		if !s.Get(name).IsArray() {
			t.Errorf("state.%s is not a list", name)
		}
	}
}

// eventOf builds an event with everything its kind may have.
func eventOf(kind core.EventKind) *core.Event {
	return &core.Event{
		Kind: kind, App: 1, At: now, Channel: lobby(), Config: messaging(), User: alice(), Message: message(), Reaction: reaction(), Member: memberOf(bob()),
		Target: bob(), Read: &core.Read{User: *alice(), Seq: 3, At: now, Message: 42, MessageAlias: "m-1", Unread: 1, DeliveredID: 42, DeliveredAt: now},
		Ban: &core.Ban{User: "bob", Reason: "spam", Expires: now}, Mute: &core.ChannelMute{User: *alice(), Channel: *lobby()}, Flag: &core.Flag{Reason: "rude"}, Poll: poll1(),
		Vote: &poll1().OwnVotes[0], Thread: &core.Thread{Parent: *message(), Channel: *lobby(), Title: "T", CreatedAt: now, UpdatedAt: now, Participants: []core.ThreadParticipant{{User: *bob(), CreatedAt: now}}},
		Draft: &core.Draft{Key: "lobby", Message: json.RawMessage(`{"text":"d"}`), CreatedAt: now}, Reminder: &core.Reminder{User: "alice", Message: 42, Key: "lobby"},
		Self: &core.Self{User: *alice()}, Parent: "m-0", Name: "party", Extra: core.Extra(`{"song":"x","type":"reserved"}`), WatcherCount: 4,
	}
}

func TestEventsOfEveryKind(t *testing.T) {
	d := newDialect(t, &fake{})
	relations := []core.Relation{core.AsWatcher, core.AsWatcher | core.AsMember, core.AsMember, core.AsTarget, core.AsPresence}
	for _, kind := range stream.EventKinds() {
		told := 0
		for _, as := range relations {
			for _, self := range []core.UserID{"alice", "bob", "carol"} {
				out, frames := stream.Renderings(d, core.Delivery{Event: eventOf(kind), As: as, Counts: &core.Counts{Messages: 5, Channels: 2}}, self)
				if len(out) != frames {
					t.Errorf("%s: %d bodies, %d frames", kind, len(out), frames)
				}
				told += len(out)
				for _, r := range out {
					if !gjson.ValidBytes(r.JSON) {
						t.Fatalf("%s: not JSON: %s", kind, r.JSON)
					}
					v := gjson.ParseBytes(r.JSON)
					noDuplicates(t, string(kind), v)
					if v.Get("type").Str == "" || v.Get("type").Str == "*" || v.Get("cid").Str != "messaging:lobby" || v.Get("created_at").Str == "" {
						t.Errorf("%s: %s", kind, r.JSON)
					}
				}
			}
		}
		if told == 0 {
			t.Errorf("%s is told to nobody", kind)
		}
	}
}

func TestEventsGoToWhomTheVendorTells(t *testing.T) {
	d := newDialect(t, &fake{})
	reply := func(e *core.Event) { e.Message.Parent, e.Message.ThreadUsers = 5, []core.User{*bob()} }
	plain := func(e *core.Event) { e.Message.Parent, e.Message.ThreadUsers = 0, nil }
	watcher, silent := core.AsWatcher|core.AsMember, core.AsMember
	cases := []struct {
		name   string
		kind   core.EventKind
		change func(*core.Event)
		as     core.Relation
		self   core.UserID
		want   string
	}{
		{"message, watching", core.MessageSent, plain, watcher, "bob", "message.new"},
		{"message, not watching", core.MessageSent, plain, silent, "bob", "notification.message_new"},
		{"reply, watching and in the thread", core.MessageSent, reply, watcher, "bob", "message.new notification.thread_message_new"},
		{"reply, in the thread", core.MessageSent, reply, silent, "bob", "notification.thread_message_new"},
		{"reply, not in the thread", core.MessageSent, reply, silent, "carol", ""},
		{"reply, own", core.MessageSent, reply, watcher, "alice", "message.new"},
		{"edit, not watching", core.MessageEdited, nil, silent, "bob", ""},
		{"added, the one added", core.MemberAdded, nil, silent, "bob", "notification.added_to_channel"},
		{"added, another member", core.MemberAdded, nil, silent, "carol", ""},
		{"added, watching", core.MemberAdded, nil, watcher, "carol", "member.added"},
		{"removed, the one removed", core.MemberRemoved, nil, core.AsTarget, "bob", "notification.removed_from_channel"},
		{"removed, watching until then", core.MemberRemoved, nil, watcher, "bob", "member.removed notification.removed_from_channel"},
		{"invited", core.MemberInvited, nil, silent, "bob", "notification.invited"},
		{"read, the reader", core.ReadMoved, nil, watcher, "alice", "message.read notification.mark_read"},
		{"read, the reader elsewhere", core.ReadMoved, nil, silent, "alice", "notification.mark_read"},
		{"read, others", core.ReadMoved, nil, watcher, "bob", "message.read"},
		{"read, others not watching", core.ReadMoved, nil, silent, "bob", ""},
		{"deleted channel", core.ChannelDeleted, nil, watcher, "bob", "channel.deleted"},
		{"deleted channel, not watching", core.ChannelDeleted, nil, silent, "bob", "notification.channel_deleted"},
		{"hidden", core.ChannelHidden, nil, core.AsTarget | watcher, "alice", "channel.hidden"},
		{"ban, the banned", core.UserBanned, nil, core.AsTarget, "bob", "user.banned"},
		{"ban, watching", core.UserBanned, nil, watcher, "bob", "user.banned"},
		{"typing, not watching", core.TypingStarted, nil, silent, "bob", ""},
		{"mutes", core.MutesChanged, nil, core.AsTarget, "alice", "notification.mutes_updated"},
		{"to one person", core.CustomEvent, nil, core.AsTarget, "bob", "*"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := eventOf(c.kind)
			if c.change != nil {
				c.change(e)
			}
			out, _ := stream.Renderings(d, core.Delivery{Event: e, As: c.as}, c.self)
			var got []string
			for _, r := range out {
				got = append(got, r.Type)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

func TestEventGoldens(t *testing.T) {
	d := newDialect(t, &fake{})
	small := func(kind core.EventKind) *core.Event {
		e := eventOf(kind)
		e.Message = &core.Message{ID: 9, ChannelKey: "lobby", User: "alice", Author: &core.User{ID: "alice"}, Kind: core.MessageRegular, Text: "hi", CreatedAt: now, UpdatedAt: now}
		e.User = &core.User{ID: "alice", CreatedAt: now, UpdatedAt: now}
		return e
	}
	for name, dl := range map[string]core.Delivery{
		"event_message_new":              {Event: small(core.MessageSent), As: core.AsWatcher, Counts: &core.Counts{Messages: 7, Channels: 2}},
		"event_notification_message_new": {Event: small(core.MessageSent), As: core.AsMember},
		"event_mark_read":                {Event: small(core.ReadMoved), As: core.AsMember, Counts: &core.Counts{}},
		"event_typing":                   {Event: small(core.TypingStarted), As: core.AsWatcher},
		"event_custom":                   {Event: small(core.CustomEvent), As: core.AsWatcher},
		"event_member_removed":           {Event: small(core.MemberRemoved), As: core.AsWatcher},
		"event_user_banned":              {Event: small(core.UserBanned), As: core.AsWatcher},
		"event_mark_unread":              {Event: small(core.ReadMovedBack), As: core.AsTarget},
	} {
		out, _ := stream.Renderings(d, dl, "alice")
		golden(t, name, out[0].JSON)
	}
}

func TestTasksThatAreDone(t *testing.T) {
	task := stream.Finished(now, "messaging:a", "team:b")
	got, ok := stream.FinishedTask(task.ID)
	if !ok || got.State != "completed" || string(got.Result) != `{"messaging:a":{"status":"ok"},"team:b":{"status":"ok"}}` || !got.CreatedAt.Equal(now) {
		t.Errorf("%v %+v", ok, got)
	}
	many := stream.Finished(now, strings.Split(strings.Repeat("messaging:x ", 1000), " ")...)
	if len(many.ID) > 200 {
		t.Errorf("id of %d bytes", len(many.ID))
	}
	for _, id := range []string{"", "x", "done-", "done-zz-%", "done--5-a", "done-!-"} {
		if _, ok := stream.FinishedTask(id); ok {
			t.Errorf("%q was read", id)
		}
	}
}
