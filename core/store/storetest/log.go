package storetest

import (
	"fmt"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// head reads a channel with its counters.
func (f *fix) head(key core.ChannelKey) core.Channel {
	f.Helper()
	return must[core.Channel](f)(f.s.Channel(f.Context(), f.app, key))
}

// testAppend checks each effect of an append.
func testAppend(f *fix) {
	c := f.channel("a", "ann", "bob")
	f.update(func(tx store.Tx) error {
		return tx.PutMember(f.app, &core.Member{Channel: c.ID, User: "zoe", HiddenAt: f.at(1), CreatedAt: f.now})
	})
	m := f.message(c.ID, "ann", "one", 5)
	in := store.Append{App: f.app, Message: &m, MoveRead: true}
	f.ok(f.s.Append(f.Context(), &in, nil))
	if in.Event.Ev != 1 || in.Event.Message != m.ID || in.Channel.LastSeq != 1 || in.Channel.LastEv != 1 || in.Channel.MessageCount != 1 ||
		!in.Channel.LastMessageAt.Equal(f.at(5)) || m.Seq != 1 || m.ChannelKey != "a" {
		f.Errorf("outcome is %+v of %+v", in, m)
	}
	members := must[[]core.Member](f)(f.s.Members(f.Context(), f.app, c.ID, []core.UserID{"ann", "zoe"}, 0, 0))
	if members[0].ReadSeq != 1 || !members[0].ReadAt.Equal(f.at(5)) || members[0].ReadMessage != m.ID {
		f.Errorf("the author's read position is %+v", members[0])
	}
	if members[1].HiddenAt.IsZero() {
		f.Error("the channel came back on a list without Unhide")
	}
	quiet := f.message(c.ID, "stranger", "two", 6)
	in = store.Append{App: f.app, Message: &quiet, MoveRead: true, Unhide: true, QuietChannel: true}
	f.ok(f.s.Append(f.Context(), &in, nil))
	if h := f.head("a"); h.LastSeq != 2 || h.LastEv != 2 || h.MessageCount != 2 || !h.LastMessageAt.Equal(f.at(5)) {
		f.Errorf("counters are %+v", h)
	}
	if n := f.head("a").MemberCount; n != 3 {
		f.Errorf("an append made a member: %d", n)
	}
	if z := must[[]core.Member](f)(f.s.Members(f.Context(), f.app, c.ID, []core.UserID{"zoe"}, 0, 0)); !z[0].HiddenAt.IsZero() {
		f.Error("Unhide left the channel hidden")
	}
	late := f.message(c.ID, "ann", "waited for its turn", 2)
	late.UpdatedAt = late.CreatedAt
	in = store.Append{App: f.app, Message: &late, Timely: true}
	f.ok(f.s.Append(f.Context(), &in, nil))
	if !late.CreatedAt.Equal(f.at(5)) || !late.UpdatedAt.Equal(f.at(5)) || !in.Event.At.Equal(f.at(5)) {
		f.Errorf("a message behind its channel's time has %v, %v, its event %v", late.CreatedAt, late.UpdatedAt, in.Event.At)
	}
	if stored := must[[]core.Message](f)(f.s.Messages(f.Context(), f.app, []core.MessageID{late.ID})); !stored[0].CreatedAt.Equal(f.at(5)) {
		f.Errorf("and is stored with %v", stored[0].CreatedAt)
	}
	old := f.message(c.ID, "ann", "of another time", 2)
	f.ok(f.s.Append(f.Context(), &store.Append{App: f.app, Message: &old}, nil))
	if !old.CreatedAt.Equal(f.at(2)) {
		f.Errorf("a time that was given became %v", old.CreatedAt)
	}
	m = f.message(999, "ann", "nowhere", 7)
	f.notFound("append to no channel", f.s.Append(f.Context(), &store.Append{App: f.app, Message: &m}, nil))
}

// testDuplicates: a repeat changes nothing.
func testDuplicates(f *fix) {
	c, d := f.channel("a"), f.channel("b")
	m := f.message(c.ID, "ann", "first", 1)
	m.Alias = "same"
	first := f.send(m)
	again := f.message(d.ID, "bob", "second", 2)
	again.Alias = "same"
	called := false
	in := store.Append{App: f.app, Message: &again, Outbox: true}
	f.ok(f.s.Append(f.Context(), &in, func() { called = true }))
	if !in.Duplicate || !called {
		f.Fatalf("a taken alias: duplicate is %v, committed ran: %v", in.Duplicate, called)
	}
	same(f, "the message of the alias", *in.Message, first)
	if h := f.head("b"); h.LastSeq != 0 || h.LastEv != 0 || h.MessageCount != 0 {
		f.Errorf("a repeat moved counters: %+v", h)
	}
	if rows := must[[]store.OutboxRow](f)(f.s.Outbox(f.Context(), 10)); len(rows) != 0 {
		f.Errorf("a repeat was queued for hooks: %+v", rows)
	}
	f.update(func(tx store.Tx) error {
		m := f.message(c.ID, "ann", "third", 3)
		m.Alias = "same"
		existing, err := tx.InsertMessage(f.app, &m)
		if err == nil && (existing == nil || existing.ID != first.ID) {
			return fmt.Errorf("InsertMessage of a taken alias answered %+v", existing)
		}
		return err
	})
	if next := f.say(c.ID, "ann", "next", 4); next.Seq != 2 {
		f.Errorf("seq after repeats is %d, want 2", next.Seq)
	}
}

// testRemoval checks what goes along with removed messages.
func testRemoval(f *fix) {
	c := f.channel("a", "ann")
	var all []core.Message
	for i := 1; i <= 6; i++ {
		all = append(all, f.say(c.ID, []core.UserID{"ann", "bob"}[i%2], fmt.Sprint(i), i))
	}
	reply := f.message(c.ID, "bob", "reply", 7)
	reply.Parent = all[5].ID
	reply = f.send(reply)
	f.update(func(tx store.Tx) error {
		if err := tx.PutReaction(f.app, c.ID, &core.Reaction{Message: all[0].ID, User: "x", Type: "like", CreatedAt: f.now, UpdatedAt: f.now}); err != nil {
			return err
		}
		return tx.DeleteMessages(f.app, c.ID, 1, 2, "")
	})
	texts := func() []string {
		f.Helper()
		return names(must[[]core.Message](f)(f.s.RangeMessages(f.Context(), f.app, store.Range{Channel: c.ID, Hidden: true, All: true})), messageText)
	}
	same(f, "after removing two", texts(), []string{"3", "4", "5", "6", "reply"})
	if h := f.head("a"); h.MessageCount != 5 || h.LastSeq != 7 {
		f.Errorf("counters after removal are %+v", h)
	}
	if rs := must[[]core.Reaction](f)(f.s.FindReactions(f.Context(), f.app, all[0].ID, store.Query{})); len(rs) != 0 {
		f.Errorf("reactions outlived their message: %+v", rs)
	}
	f.update(func(tx store.Tx) error { return tx.BuryMessages(f.app, c.ID, 3, 100, "bob", f.at(50)) })
	for _, m := range must[[]core.Message](f)(f.s.RangeMessages(f.Context(), f.app, store.Range{Channel: c.ID, Hidden: true, All: true})) {
		if want := m.User == "bob"; m.Deleted() != want || want && (!m.DeletedAt.Equal(f.at(50)) || m.Text == "") {
			f.Errorf("message %q of %s: deleted at %v", m.Text, m.User, m.DeletedAt)
		}
	}
	f.update(func(tx store.Tx) error { return tx.DeleteMessages(f.app, c.ID, 0, 0, "bob") })
	same(f, "after removing bob's", texts(), []string{"4", "6"})
	if p := must[[]core.Message](f)(f.s.Messages(f.Context(), f.app, []core.MessageID{all[5].ID})); p[0].ReplyCount != 0 {
		f.Errorf("reply count after its removal is %d", p[0].ReplyCount)
	}
	var chs []core.ChannelID
	f.update(func(tx store.Tx) (err error) { chs, err = tx.UserChannels(f.app, "bob"); return err })
	same(f, "channels bob wrote in", chs, nil)
	f.update(func(tx store.Tx) error { return tx.DeleteChannel(f.app, c.ID) })
	_, err := f.s.Channel(f.Context(), f.app, "a")
	f.notFound("deleted channel", err)
	same(f, "messages of a deleted channel", texts(), nil)
	if ms := must[[]core.Member](f)(f.s.Memberships(f.Context(), f.app, "ann", 10)); len(ms) != 0 {
		f.Errorf("memberships outlived their channel: %+v", ms)
	}
	reply.ID = 0
	f.notFound("append to a deleted channel", f.s.Append(f.Context(), &store.Append{App: f.app, Message: &reply}, nil))
}

// testUnread checks what counts and what does not.
func testUnread(f *fix) {
	a, b, muted := f.channel("a", "ann", "bob"), f.channel("b", "ann"), f.channel("m")
	f.channel("none", "ann")
	f.update(func(tx store.Tx) error {
		return tx.PutMember(f.app, &core.Member{Channel: muted.ID, User: "ann", MutedUntil: core.Forever, CreatedAt: f.now})
	})
	parent := f.say(a.ID, "bob", "1", 1)
	f.say(a.ID, "ann", "own", 2)
	silent := f.message(a.ID, "bob", "silent", 3)
	silent.Silent = true
	f.send(silent)
	system := f.message(a.ID, "bob", "system", 3)
	system.Kind = core.MessageSystem
	f.send(system)
	reply := f.message(a.ID, "bob", "reply", 4)
	reply.Parent = parent.ID
	f.send(reply)
	reply.ShowInChannel = true
	f.send(reply)
	secret := f.message(a.ID, "bob", "secret", 5)
	secret.RestrictedTo = []core.UserID{"zoe"}
	f.send(secret)
	secret.RestrictedTo = []core.UserID{"ann"}
	f.send(secret)
	gone := f.say(a.ID, "bob", "gone", 6)
	f.update(func(tx store.Tx) error { return tx.BuryMessages(f.app, a.ID, gone.Seq, gone.Seq, "", f.at(7)) })
	f.say(muted.ID, "bob", "m", 1)
	f.update(func(tx store.Tx) error { // above the cap
		for i := range core.UnreadCap + 5 {
			m := f.message(b.ID, "bob", "x", i)
			if _, err := tx.InsertMessage(f.app, &m); err != nil {
				return err
			}
		}
		return nil
	})
	counts := func(user core.UserID, chs ...core.ChannelID) map[core.ChannelID]int {
		f.Helper()
		out := map[core.ChannelID]int{}
		for _, u := range must[[]store.UnreadRow](f)(f.s.Unread(f.Context(), f.app, user, chs)) {
			out[u.Channel] = u.Count
			if u.Muted != (u.Channel == muted.ID) {
				f.Errorf("channel %d: muted is %v", u.Channel, u.Muted)
			}
		}
		return out
	}
	same(f, "unread", counts("ann"), map[core.ChannelID]int{a.ID: 3, b.ID: core.UnreadCap, muted.ID: 1})
	same(f, "unread of one", counts("ann", a.ID), map[core.ChannelID]int{a.ID: 3})
	same(f, "unread of the author", counts("bob"), map[core.ChannelID]int{a.ID: 1})
	f.update(func(tx store.Tx) error {
		m, err := tx.Members(f.Context(), f.app, a.ID, []core.UserID{"ann"}, 0, 0)
		if err != nil {
			return err
		}
		m[0].ReadSeq, m[0].ReadAt = 1, f.at(9)
		return tx.PutMember(f.app, &m[0])
	})
	rows := must[[]store.UnreadRow](f)(f.s.Unread(f.Context(), f.app, "ann", []core.ChannelID{a.ID}))
	same(f, "after reading one", rows, []store.UnreadRow{{Channel: a.ID, Count: 2, ReadSeq: 1, ReadAt: f.at(9), Ev: f.head("a").LastEv}})
}

// testEvents checks order and bounds of stored events of both origins.
func testEvents(f *fix) {
	c := f.channel("a")
	f.say(f.channel("other").ID, "x", "elsewhere", 0)
	var want []store.EventRow
	for i := 1; i <= 12; i++ {
		switch i % 4 {
		case 0:
			e := store.EventRow{Channel: c.ID, Kind: core.ReadMoved, At: f.at(i), Actor: "bob", Payload: []byte(`{"n":1}`)}
			f.update(func(tx store.Tx) error { return tx.AppendEvent(f.app, &e, false) })
			want = append(want, e)
		case 1: // a message without an event
			f.update(func(tx store.Tx) error {
				m := f.message(c.ID, "x", "no event", i)
				_, err := tx.InsertMessage(f.app, &m)
				return err
			})
		default:
			m := f.message(c.ID, "ann", "m", i)
			in := store.Append{App: f.app, Message: &m}
			if i%4 == 3 {
				in.Event = store.EventRow{Kind: core.MessageSent, Actor: "server", At: f.at(i + 1), Payload: []byte(`{"x":2}`)}
			}
			f.ok(f.s.Append(f.Context(), &in, nil))
			want = append(want, in.Event)
		}
	}
	for i, e := range want {
		if e.Ev != int64(i+1) || e.Channel != c.ID {
			f.Fatalf("event %d is %+v", i+1, e)
		}
	}
	get := func(after int64, since time.Time, limit int) []store.EventRow {
		f.Helper()
		return must[[]store.EventRow](f)(f.s.Events(f.Context(), f.app, c.ID, after, since, limit))
	}
	for after := range int64(len(want)) + 2 {
		same(f, fmt.Sprintf("events after %d", after), get(after, time.Time{}, 100), want[min(after, int64(len(want))):])
	}
	same(f, "two events after three", get(3, time.Time{}, 2), want[3:5])
	same(f, "events since", get(0, f.at(8), 100), want[4:])
	if h := f.head("a"); h.LastEv != int64(len(want)) {
		f.Errorf("last ev is %d, want %d", h.LastEv, len(want))
	}
}

// testOutbox checks the queue for hooks.
func testOutbox(f *fix) {
	c := f.channel("a")
	m := f.message(c.ID, "ann", "m", 1)
	in := store.Append{App: f.app, Message: &m, Outbox: true}
	f.ok(f.s.Append(f.Context(), &in, nil))
	f.say(c.ID, "ann", "not queued", 2)
	e := store.EventRow{Channel: c.ID, Kind: core.ChannelUpdated, At: f.at(3), Actor: "bob", Payload: []byte(`{}`)}
	f.update(func(tx store.Tx) error {
		if err := tx.AppendEvent(f.app, &e, true); err != nil {
			return err
		}
		return tx.AppendOutbox(f.app, []byte(`{"whole":1}`))
	})
	rows := must[[]store.OutboxRow](f)(f.s.Outbox(f.Context(), 10))
	if len(rows) != 3 || rows[0].ID >= rows[1].ID || rows[1].ID >= rows[2].ID {
		f.Fatalf("outbox is %+v", rows)
	}
	same(f, "queued message", rows[0], store.OutboxRow{ID: rows[0].ID, App: f.app, Event: in.Event})
	same(f, "queued event", rows[1], store.OutboxRow{ID: rows[1].ID, App: f.app, Event: e})
	same(f, "queued whole event", rows[2], store.OutboxRow{ID: rows[2].ID, App: f.app, Payload: []byte(`{"whole":1}`)})
	f.update(func(tx store.Tx) error { return tx.DeleteMessages(f.app, c.ID, m.Seq, m.Seq, "") })
	gone := must[[]store.OutboxRow](f)(f.s.Outbox(f.Context(), 1))[0].Event
	if gone.Kind != core.MessageSent || gone.Message != m.ID || gone.Ev != in.Event.Ev {
		f.Errorf("the queued event of a removed message is %+v", gone)
	}
	rows = must[[]store.OutboxRow](f)(f.s.Outbox(f.Context(), 10))
	same(f, "first of the outbox", must[[]store.OutboxRow](f)(f.s.Outbox(f.Context(), 1)), rows[:1])
	f.update(func(tx store.Tx) error { return tx.DeleteOutbox([]int64{rows[0].ID, rows[1].ID, rows[2].ID}) })
	same(f, "emptied outbox", must[[]store.OutboxRow](f)(f.s.Outbox(f.Context(), 10)), nil)
	f.update(func(tx store.Tx) error { return tx.AppendOutbox(f.app, []byte(`{}`)) })
	if again := must[[]store.OutboxRow](f)(f.s.Outbox(f.Context(), 10)); again[0].ID <= rows[2].ID {
		f.Errorf("an outbox id was used again: %d after %d", again[0].ID, rows[2].ID)
	}
}

// testAppsAreApart: no read or write reaches another app.
func testAppsAreApart(f *fix) {
	c := f.channel("a", "ann")
	m := f.message(c.ID, "ann", "mine", 1)
	m.Alias = "alias"
	m = f.send(m)
	f.update(func(tx store.Tx) error {
		if err := tx.PutUser(f.app, &core.User{ID: "ann", Name: "One"}); err != nil {
			return err
		}
		if err := tx.PutReaction(f.app, c.ID, &core.Reaction{Message: m.ID, User: "ann", Type: "like", CreatedAt: f.now, UpdatedAt: f.now}); err != nil {
			return err
		}
		return tx.PutRecord(f.app, "s", "k", []byte("1"))
	})
	f.ok(f.s.Indexed(f.Context()))
	other := f.newApp("other")
	ctx := f.Context()
	empty := func(what string, n int, err error) {
		f.Helper()
		if err != nil || n != 0 {
			f.Errorf("%s of another app: %d, %v", what, n, err)
		}
	}
	us, err := f.s.Users(ctx, other, []core.UserID{"ann"})
	empty("users", len(us), err)
	us, err = f.s.FindUsers(ctx, other, store.Query{})
	empty("found users", len(us), err)
	_, err = f.s.Channel(ctx, other, "a")
	f.notFound("channel of another app", err)
	cs, err := f.s.Channels(ctx, other, []core.ChannelID{c.ID})
	empty("channels", len(cs), err)
	for _, filter := range []core.Filter{{}, core.Cond("members", core.OpContains, core.Text("ann"))} {
		cs, err = f.s.FindChannels(ctx, other, store.Query{Filter: filter})
		empty("found channels", len(cs), err)
	}
	ms, err := f.s.Members(ctx, other, c.ID, nil, 10, 0)
	empty("members", len(ms), err)
	ms, err = f.s.FindMembers(ctx, other, c.ID, store.Query{})
	empty("found members", len(ms), err)
	ms, err = f.s.Memberships(ctx, other, "ann", 10)
	empty("memberships", len(ms), err)
	texts, err := f.s.Messages(ctx, other, []core.MessageID{m.ID})
	empty("messages", len(texts), err)
	texts, err = f.s.MessagesNamed(ctx, other, []string{"alias", m.ID.String()})
	empty("named messages", len(texts), err)
	texts, err = f.s.RangeMessages(ctx, other, store.Range{Channel: c.ID})
	empty("range", len(texts), err)
	texts, err = f.s.FindMessages(ctx, other, store.Query{Text: "mine"})
	empty("search", len(texts), err)
	rs, err := f.s.LatestReactions(ctx, other, []core.MessageID{m.ID}, 9)
	empty("reactions", len(rs), err)
	es, err := f.s.Events(ctx, other, c.ID, 0, time.Time{}, 9)
	empty("events", len(es), err)
	un, err := f.s.Unread(ctx, other, "ann", nil)
	empty("unread", len(un), err)
	_, err = f.s.Record(ctx, other, "s", "k")
	f.notFound("record of another app", err)
	n := f.message(c.ID, "eve", "intruder", 2)
	f.notFound("append to a channel of another app", f.s.Append(ctx, &store.Append{App: other, Message: &n}, nil))
	f.notFound("member of a channel of another app", f.s.Update(ctx, other, 0, func(tx store.Tx) error {
		return tx.PutMember(other, &core.Member{Channel: c.ID, User: "eve"})
	}, nil))
	first := f.app
	f.app = other
	d := f.channel("a")
	n = f.message(d.ID, "ann", "theirs", 3)
	n.Alias = "alias"
	f.send(n) // the alias is free in this app
	f.app = first
}
