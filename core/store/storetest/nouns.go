package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// testApps: apps are put by name and changed by id.
func testApps(f *fix) {
	a := core.App{Name: "two", CreatedAt: f.now, UpdatedAt: f.now, Settings: core.AppSettings{
		Suspended: true, WebhookEvents: []string{"x"}, RevokeTokensBefore: f.at(9), Grants: []core.RoleGrants{{Role: "user", Permissions: []string{"p"}}},
		Extra: core.Extra(`{"k":1}`),
	}}
	f.update(func(tx store.Tx) error { return tx.PutApp(&a) })
	if a.ID == 0 || a.ID == f.app {
		f.Fatalf("app id is %d", a.ID)
	}
	again := core.App{Name: "two", Settings: a.Settings, CreatedAt: f.at(50), UpdatedAt: f.at(1)}
	f.update(func(tx store.Tx) error { return tx.PutApp(&again) })
	if again.ID != a.ID || !again.CreatedAt.Equal(a.CreatedAt) {
		f.Errorf("an app put again by name is %d of %v, want %d of %v", again.ID, again.CreatedAt, a.ID, a.CreatedAt)
	}
	again.Settings.Suspended = false
	f.update(func(tx store.Tx) error { return tx.PutApp(&again) })
	apps := must[[]core.App](f)(f.s.Apps(f.Context()))
	i := slices.IndexFunc(apps, func(a core.App) bool { return a.Name == "two" })
	if len(apps) != 2 || i < 0 {
		f.Fatalf("apps are %+v", apps)
	}
	same(f, "app", apps[i], again)
	f.notFound("update of no app", f.s.Update(f.Context(), 0, 0, func(tx store.Tx) error {
		return tx.PutApp(&core.App{ID: 99, Name: "none"})
	}, nil))
}

// testUsers: every field comes back.
func testUsers(f *fix) {
	full := core.User{
		ID: "ann", Name: "Änn O'Hara", Image: "http://x/y.png", Role: "admin", Teams: []string{"red", "b\"lue"}, TeamRoles: core.Extra(`{"red":"x"}`),
		Language: "en", Invisible: true, Privacy: core.Extra(`{"typing_indicators":{"enabled":false}}`), Extra: core.Extra(`{"n":1.5,"s":"ü"}`),
		CreatedAt: f.now, UpdatedAt: f.at(1), LastActive: f.at(2), DeactivatedAt: f.at(3), DeletedAt: f.at(4), RevokedBefore: f.at(5),
		Ban: &core.Ban{User: "ann", By: "bob", Reason: "r", Shadow: true, CreatedAt: f.now, Expires: f.at(60)},
	}
	plain := core.User{ID: "bob", CreatedAt: f.now, UpdatedAt: f.now}
	f.update(func(tx store.Tx) error {
		if err := tx.PutUser(f.app, &full); err != nil {
			return err
		}
		return tx.PutUser(f.app, &plain)
	})
	get := func(ids ...core.UserID) []core.User {
		f.Helper()
		us := must[[]core.User](f)(f.s.Users(f.Context(), f.app, ids))
		slices.SortFunc(us, func(a, b core.User) int { return len(a.Name) - len(b.Name) })
		return us
	}
	same(f, "users", get("ann", "bob", "nobody"), []core.User{plain, full})
	same(f, "no users", get(), nil)
	full.Name, full.Teams, full.Ban = "A", nil, nil
	f.update(func(tx store.Tx) error { return tx.PutUser(f.app, &full) })
	same(f, "replaced user", get("ann"), []core.User{full})
	f.update(func(tx store.Tx) error { return tx.DeleteUser(f.app, "ann") })
	same(f, "deleted user", get("ann"), nil)
}

// testChannels: every field comes back, counters are the store's own.
func testChannels(f *fix) {
	list := "words"
	c := core.Channel{
		Key: "team:a", Type: "team", Kind: core.KindRoom, Name: "N", Image: "I", Team: "T", CreatedBy: "ann", Frozen: true, Disabled: true, Cooldown: 30,
		Overrides: core.ConfigOverrides{MaxLength: 9, Blocklist: &list}, Tags: []string{"x", "y"}, Extra: core.Extra(`{"a":[1,2]}`),
		CreatedAt: f.now, UpdatedAt: f.at(1), TruncatedAt: f.at(2), TruncatedBy: "bob", TruncatedUpTo: 7, DeletedAt: f.at(3), AliasNo: 1234567890123,
	}
	f.update(func(tx store.Tx) error { c.ID = 0; return tx.PutChannel(f.app, &c) })
	same(f, "channel", must[core.Channel](f)(f.s.Channel(f.Context(), f.app, "team:a")), c)
	c.Name, c.Frozen, c.Tags, c.Overrides = "M", false, nil, core.ConfigOverrides{}
	c.LastSeq, c.MemberCount = 55, 44 // not the caller's to change
	f.update(func(tx store.Tx) error { return tx.PutChannel(f.app, &c) })
	c.LastSeq, c.MemberCount = 0, 0
	d := f.channel("b")
	same(f, "channels", must[[]core.Channel](f)(f.s.Channels(f.Context(), f.app, []core.ChannelID{c.ID, d.ID, 999})), []core.Channel{c, d})
	same(f, "channel by number", must[core.Channel](f)(f.s.Channel(f.Context(), f.app, "1234567890123")), c)
	_, err := f.s.Channel(f.Context(), f.app, "team:none")
	f.notFound("no channel", err)
	_, err = f.s.Channel(f.Context(), f.app, "1234567890124")
	f.notFound("no number", err)
	err = f.s.Update(f.Context(), f.app, 0, func(tx store.Tx) error {
		return tx.PutChannel(f.app, &core.Channel{Key: "b", Type: "messaging", CreatedAt: f.now, UpdatedAt: f.now})
	}, nil)
	if err == nil {
		f.Error("a key could be used twice")
	}
	gone := d.ID
	f.update(func(tx store.Tx) error { return tx.DeleteChannel(f.app, d.ID) })
	if e := f.channel("b"); e.ID == gone {
		f.Error("the id of a deleted channel was used again")
	}
}

// testMembers: every field comes back, members are counted.
func testMembers(f *fix) {
	c, d := f.channel("a", "zoe"), f.channel("b", "ann")
	m := core.Member{
		Channel: c.ID, User: "ann", Role: "owner", ChannelRole: "channel_member", Extra: core.Extra(`{"x":true}`), CreatedAt: f.at(1), UpdatedAt: f.at(2),
		InvitedAt: f.at(3), AcceptedAt: f.at(4), RejectedAt: f.at(5), HiddenAt: f.at(6), HiddenUpTo: 7, PinnedAt: f.at(8), ArchivedAt: f.at(9),
		ReadSeq: 10, ReadAt: f.at(11), ReadMessage: 12, DeliveredSeq: 13, DeliveredAt: f.at(14), MutedUntil: core.Forever, MutedAt: f.at(15),
		Ban: &core.Ban{User: "ann", Channel: "a", Reason: "spam", CreatedAt: f.now},
	}
	f.update(func(tx store.Tx) error { return tx.PutMember(f.app, &m) })
	get := func(users []core.UserID, limit, offset int) []core.Member {
		f.Helper()
		return must[[]core.Member](f)(f.s.Members(f.Context(), f.app, c.ID, users, limit, offset))
	}
	same(f, "member", get([]core.UserID{"ann", "nobody"}, 0, 0), []core.Member{m})
	same(f, "members by age", names(get(nil, 10, 0), memberUser), []string{"zoe", "ann"})
	same(f, "members from the second", names(get(nil, 10, 1), memberUser), []string{"ann"})
	same(f, "first member", names(get(nil, 1, 0), memberUser), []string{"zoe"})
	same(f, "members named none", get([]core.UserID{}, 10, 0), nil)
	count := func() int { return must[core.Channel](f)(f.s.Channel(f.Context(), f.app, "a")).MemberCount }
	if count() != 2 {
		f.Errorf("member count is %d, want 2", count())
	}
	m.Ban, m.Role = nil, "member"
	f.update(func(tx store.Tx) error { return tx.PutMember(f.app, &m) })
	same(f, "changed member", get([]core.UserID{"ann"}, 0, 0), []core.Member{m})
	f.say(d.ID, "ann", "later", 100)
	same(f, "memberships, latest first", names(must[[]core.Member](f)(f.s.Memberships(f.Context(), f.app, "ann", 10)), memberChannel),
		[]string{fmt.Sprint(d.ID), fmt.Sprint(c.ID)})
	f.update(func(tx store.Tx) error {
		if err := tx.DeleteMember(f.app, c.ID, "ann"); err != nil {
			return err
		}
		return tx.DeleteMember(f.app, c.ID, "ann")
	})
	if count() != 1 {
		f.Errorf("member count after removal is %d, want 1", count())
	}
	f.notFound("member of no channel", f.s.Update(f.Context(), f.app, 0, func(tx store.Tx) error {
		return tx.PutMember(f.app, &core.Member{Channel: 999, User: "x"})
	}, nil))
}

// fullMessage has every stored field set.
func (f *fix) fullMessage(ch core.ChannelID) core.Message {
	return core.Message{
		Alias: "al\"ias", Channel: ch, User: "ann", Kind: core.MessageCustom, Text: "héllo\x00\n<b>", Parent: 5, ParentAlias: "p", ShowInChannel: true,
		Attachments: []json.RawMessage{json.RawMessage(`{"type":"image","n":[1, 2]}`), json.RawMessage(`{"type":"giphy"}`)}, Mentions: []core.UserID{"bob", "ü"},
		Quoted: 6, QuotedAlias: "q", Silent: true, Shadowed: true, Command: "giphy", CommandArgs: "a\tb", PollID: "poll", RestrictedTo: []core.UserID{"ann"},
		Translations: core.Extra(`{"language":"en"}`), Extra: core.Extra(`{"deep":{"er":[{"x":null}]}}`), Pinned: true, PinnedAt: f.at(1), PinnedBy: "bob",
		PinExpires: f.at(2), CreatedAt: f.at(3), UpdatedAt: f.at(4), EditedAt: f.at(5), DeletedAt: f.at(6), DeletedBy: "bob", ReplyCount: 3, LastReplyAt: f.at(7),
		Participants: []core.UserID{"ann", "zoe"}, Reactions: []core.ReactionGroup{{Type: "like", Count: 1, Score: 2, FirstAt: f.at(8), LastAt: f.at(9)}},
	}
}

// testMessages: every field comes back, by id and by name.
func testMessages(f *fix) {
	c := f.channel("team:a")
	full := f.fullMessage(c.ID)
	sent := f.send(full)
	full.ID, full.Seq, full.ChannelKey = sent.ID, 1, "team:a"
	if sent.ID <= 0 || sent.ID >= 1<<53 {
		f.Errorf("message id %d is not between 0 and 2^53", sent.ID)
	}
	same(f, "sent message", sent, full)
	plain := f.say(c.ID, "bob", "", 10)
	same(f, "messages", must[[]core.Message](f)(f.s.Messages(f.Context(), f.app, []core.MessageID{plain.ID, sent.ID, 77})), []core.Message{full, plain})
	byName := func(list ...string) []core.Message {
		f.Helper()
		ms := must[[]core.Message](f)(f.s.MessagesNamed(f.Context(), f.app, list))
		slices.SortFunc(ms, func(a, b core.Message) int { return int(a.Seq - b.Seq) })
		return ms
	}
	same(f, "named messages", byName(full.Alias, plain.ID.String(), "none", "0"+plain.ID.String()), []core.Message{full, plain})
	same(f, "by id though it has an alias", byName(full.ID.String()), []core.Message{full})
	given := f.message(c.ID, "bob", "imported", 11)
	given.ID = 123
	f.send(given)
	same(f, "message of a given id", names(byName("123"), messageText), []string{"imported"})
	edit := plain
	edit.Text, edit.Extra, edit.UpdatedAt, edit.EditedAt, edit.Mentions = "new", core.Extra(`{"a":1}`), f.at(50), f.at(50), []core.UserID{"x"}
	f.update(func(tx store.Tx) error { return tx.PutMessage(f.app, &edit) })
	same(f, "edited message", byName(plain.ID.String()), []core.Message{edit})
	f.notFound("edit of no message", f.s.Update(f.Context(), f.app, 0, func(tx store.Tx) error {
		m := f.message(c.ID, "x", "", 0)
		m.Seq = 99
		return tx.PutMessage(f.app, &m)
	}, nil))
	last := must[time.Time](f)(f.s.LastSent(f.Context(), f.app, c.ID, "bob", f.at(10)))
	if !last.Equal(f.at(11)) {
		f.Errorf("bob last sent at %v, want %v", last, f.at(11))
	}
	if last := must[time.Time](f)(f.s.LastSent(f.Context(), f.app, c.ID, "bob", f.at(12))); !last.IsZero() {
		f.Errorf("bob last sent at %v, want never", last)
	}
	for sec, want := range map[int]int64{0: 0, 3: 1, 10: 2, 99: 3} {
		if got := must[int64](f)(f.s.SeqAt(f.Context(), f.app, c.ID, f.at(sec))); got != want {
			f.Errorf("seq at second %d is %d, want %d", sec, got, want)
		}
	}
	var chs []core.ChannelID
	f.update(func(tx store.Tx) (err error) { chs, err = tx.UserChannels(f.app, "bob"); return err })
	same(f, "channels bob wrote in", chs, []core.ChannelID{c.ID})
}

// testRanges checks which messages a range shows to whom.
func testRanges(f *fix) {
	c := f.channel("a")
	f.say(f.channel("other").ID, "x", "elsewhere", 0)
	first := f.say(c.ID, "ann", "1", 1)
	f.say(c.ID, "bob", "2", 2)
	reply := f.message(c.ID, "bob", "reply", 3)
	reply.Parent = first.ID
	f.send(reply)
	reply.Text, reply.ShowInChannel = "shown reply", true
	f.send(reply)
	pinned := f.message(c.ID, "ann", "pinned", 5)
	pinned.Pinned, pinned.PinnedAt = true, f.at(5)
	f.send(pinned)
	shadow := f.message(c.ID, "bob", "shadow", 6)
	shadow.Shadowed = true
	f.send(shadow)
	secret := f.message(c.ID, "ann", "secret", 7)
	secret.RestrictedTo = []core.UserID{"zoe"}
	f.send(secret)
	f.say(c.ID, "ann", "8", 8)
	for _, tc := range []struct {
		name string
		r    store.Range
		want []string
	}{
		{"what the channel shows", store.Range{Limit: 50}, []string{"1", "2", "shown reply", "pinned", "8"}},
		{"servers see all", store.Range{Hidden: true}, []string{"1", "2", "shown reply", "pinned", "shadow", "secret", "8"}},
		{"the shadowed author", store.Range{Viewer: "bob"}, []string{"1", "2", "shown reply", "pinned", "shadow", "8"}},
		{"the one it is restricted to", store.Range{Viewer: "zoe"}, []string{"1", "2", "shown reply", "pinned", "secret", "8"}},
		{"the author of the restricted", store.Range{Viewer: "ann"}, []string{"1", "2", "shown reply", "pinned", "secret", "8"}},
		{"newest two", store.Range{Newest: true, Limit: 2}, []string{"pinned", "8"}},
		{"oldest two", store.Range{Limit: 2}, []string{"1", "2"}},
		{"newest two but one", store.Range{Newest: true, Limit: 2, Offset: 1}, []string{"shown reply", "pinned"}},
		{"above and below", store.Range{Above: 1, Below: 5}, []string{"2", "shown reply"}},
		{"newest below", store.Range{Below: 5, Newest: true, Limit: 1}, []string{"shown reply"}},
		{"replies", store.Range{Parent: first.ID}, []string{"reply", "shown reply"}},
		{"replies above", store.Range{Parent: first.ID, Above: 3}, []string{"shown reply"}},
		{"pinned", store.Range{Pinned: true}, []string{"pinned"}},
		{"all", store.Range{All: true, Below: 5}, []string{"1", "2", "reply", "shown reply"}},
	} {
		tc.r.Channel = c.ID
		same(f, tc.name, names(must[[]core.Message](f)(f.s.RangeMessages(f.Context(), f.app, tc.r)), messageText), tc.want)
	}
}

// testThreads: replies move their parent.
func testThreads(f *fix) {
	c, d := f.channel("a"), f.channel("team:b")
	p, q := f.say(c.ID, "ann", "p", 1), f.say(d.ID, "bob", "q", 2)
	f.say(c.ID, "ann", "no thread", 3)
	reply := func(to core.Message, user core.UserID, sec int) *core.Message {
		m := f.message(to.Channel, user, "re", sec)
		m.Parent = to.ID
		in := store.Append{App: f.app, Message: &m}
		f.ok(f.s.Append(f.Context(), &in, nil))
		return in.Parent
	}
	reply(p, "zoe", 10)
	got := reply(p, "ann", 12)
	if got == nil || got.ReplyCount != 2 || !got.LastReplyAt.Equal(f.at(12)) || !slices.Equal(got.Participants, []core.UserID{"zoe", "ann"}) {
		f.Fatalf("parent after two replies is %+v", got)
	}
	same(f, "stored parent", must[[]core.Message](f)(f.s.Messages(f.Context(), f.app, []core.MessageID{p.ID})), []core.Message{*got})
	reply(q, "zoe", 11)
	find := func(q store.Query) []string {
		f.Helper()
		return names(must[[]core.Message](f)(f.s.FindThreads(f.Context(), f.app, q)), messageText)
	}
	latest := []core.Sort{{Field: "last_message_at", Desc: true}}
	same(f, "threads", find(store.Query{Sort: latest}), []string{"p", "q"})
	same(f, "threads of zoe", find(store.Query{Sort: latest, Viewer: "zoe"}), []string{"p", "q"})
	same(f, "threads of bob", find(store.Query{Sort: latest, Viewer: "bob"}), []string{"q"})
	same(f, "threads of nobody", find(store.Query{Viewer: "nobody"}), nil)
	same(f, "threads of a channel", find(store.Query{Filter: core.Cond("key", core.OpEq, core.Text("team:b"))}), []string{"q"})
	same(f, "thread by parent", find(store.Query{Filter: core.Cond("parent", core.OpIn, core.Texts([]string{p.ID.String()}))}), []string{"p"})
}

// testReactions checks order and replacement.
func testReactions(f *fix) {
	c := f.channel("a")
	m := f.message(c.ID, "ann", "m", 1)
	m.Alias = "alias"
	m = f.send(m)
	n := f.say(c.ID, "ann", "n", 2)
	put := func(msg core.MessageID, user core.UserID, typ string, sec int) core.Reaction {
		r := core.Reaction{Message: msg, Type: typ, User: user, Score: 2, Extra: core.Extra(`{"e":1}`), CreatedAt: f.at(sec), UpdatedAt: f.at(sec + 1)}
		f.update(func(tx store.Tx) error { return tx.PutReaction(f.app, c.ID, &r) })
		return r
	}
	put(m.ID, "ann", "like", 1)
	love := put(m.ID, "bob", "love", 2)
	love.Alias = "alias"
	put(m.ID, "bob", "like", 3)
	put(n.ID, "bob", "wow", 4)
	get := must[[]core.Reaction](f)
	ids := []core.MessageID{m.ID, n.ID}
	same(f, "latest", names(get(f.s.LatestReactions(f.Context(), f.app, ids, 2)), reactionName), []string{"bob:like", "bob:love", "bob:wow"})
	same(f, "of bob", sorted(get(f.s.UserReactions(f.Context(), f.app, ids, "bob")), reactionName), []string{"bob:like", "bob:love", "bob:wow"})
	same(f, "newest first", names(get(f.s.FindReactions(f.Context(), f.app, m.ID, store.Query{})), reactionName), []string{"bob:like", "bob:love", "ann:like"})
	found := get(f.s.FindReactions(f.Context(), f.app, m.ID, store.Query{Filter: core.Cond("type", core.OpEq, core.Text("love"))}))
	same(f, "by type", found, []core.Reaction{love})
	love.Score = 9
	f.update(func(tx store.Tx) error {
		if err := tx.PutReaction(f.app, c.ID, &love); err != nil {
			return err
		}
		return tx.DeleteReaction(f.app, m.ID, "like", "bob")
	})
	same(f, "replaced and removed", get(f.s.UserReactions(f.Context(), f.app, []core.MessageID{m.ID}, "bob")), []core.Reaction{love})
}

// testRecords checks ranges of keys.
func testRecords(f *fix) {
	put := func(space, key, v string) {
		f.update(func(tx store.Tx) error { return tx.PutRecord(f.app, space, key, []byte(v)) })
	}
	for _, k := range []string{"a\x00b", "a\x00c", "a\x00d", "ab", "b\xff", "b\xff\xff"} {
		put("s", k, `"`+fmt.Sprint(len(k))+`"`)
	}
	put("t", "a\x00b", `1`)
	put("s", "a\x00b", `2`)
	if v := must[[]byte](f)(f.s.Record(f.Context(), f.app, "s", "a\x00b")); string(v) != "2" {
		f.Errorf("record is %s, want 2", v)
	}
	_, err := f.s.Record(f.Context(), f.app, "s", "a")
	f.notFound("no record", err)
	key := func(r store.Record) string { return r.Key }
	for _, tc := range []struct {
		prefix, after string
		desc          bool
		limit         int
		want          []string
	}{
		{"a\x00", "", false, 10, []string{"a\x00b", "a\x00c", "a\x00d"}},
		{"a\x00", "a\x00b", false, 1, []string{"a\x00c"}},
		{"a\x00", "", true, 2, []string{"a\x00d", "a\x00c"}},
		{"a\x00", "a\x00c", true, 9, []string{"a\x00b"}},
		{"b\xff", "", false, 9, []string{"b\xff", "b\xff\xff"}},
		{"", "", false, 2, []string{"a\x00b", "a\x00c"}},
		{"zz", "", false, 2, nil},
	} {
		rs := must[[]store.Record](f)(f.s.Records(f.Context(), f.app, "s", tc.prefix, tc.after, tc.desc, tc.limit))
		same(f, fmt.Sprintf("records %+v", tc), names(rs, key), tc.want)
	}
	f.update(func(tx store.Tx) error { return tx.DeleteRecord(f.app, "s", "a\x00b") })
	_, err = f.s.Record(f.Context(), f.app, "s", "a\x00b")
	f.notFound("deleted record", err)
}
