package storetest

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"dragoman/core"
	"dragoman/core/store"
)

// modelChannel is what a channel should hold.
type modelChannel struct {
	id       core.ChannelID
	key      core.ChannelKey
	messages []core.Message // by Seq, holes removed
	events   []int64
	gone     map[int64]bool // numbers of events whose messages were removed for good
	seq, ev  int64
	members  map[core.UserID]int64 // read positions
}

// model is the reference a driver is compared with.
type model struct {
	f        *fix
	t        *rapid.T
	channels []*modelChannel
	aliases  map[string]core.MessageID
	tick     int
}

// modelRuns numbers the apps of testModel, one per run.
const modelSteps = 25

// testModel does random things to a store and to a model of it, and compares.
func testModel(f *fix) {
	run, start := 0, time.Now()
	rapid.Check(f.T, func(t *rapid.T) {
		if time.Since(start) > 8*time.Second { // a slow disk: what was compared must do
			return
		}
		run++
		f.app = f.newApp(fmt.Sprint("model-", run))
		m := &model{f: f, t: t, aliases: map[string]core.MessageID{}}
		for i := range 2 {
			c := f.channel(core.ChannelKey(fmt.Sprint("c", i)), "ann", "bob")
			m.channels = append(m.channels, &modelChannel{id: c.ID, key: c.Key, gone: map[int64]bool{}, members: map[core.UserID]int64{"ann": 0, "bob": 0}})
		}
		steps := rapid.IntRange(1, modelSteps).Draw(t, "steps")
		for range steps {
			m.step(m.channels[rapid.IntRange(0, 1).Draw(t, "channel")])
		}
		for _, c := range m.channels {
			m.compare(c)
		}
	})
}

// user draws a person.
func (m *model) user() core.UserID {
	return rapid.SampledFrom([]core.UserID{"ann", "bob"}).Draw(m.t, "user")
}

// pick is an existing message, or nil.
func (m *model) pick(c *modelChannel) *core.Message {
	if len(c.messages) == 0 {
		return nil
	}
	return &c.messages[rapid.IntRange(0, len(c.messages)-1).Draw(m.t, "message")]
}

// step does one random thing to both.
func (m *model) step(c *modelChannel) {
	m.tick++
	switch rapid.SampledFrom([]string{"append", "append", "append", "reply", "insert", "edit", "delete", "bury", "event", "read", "fail"}).Draw(m.t, "step") {
	case "append":
		m.append(c, 0)
	case "reply":
		if p := m.pick(c); p != nil && p.Parent == 0 {
			m.append(c, p.ID)
		}
	case "insert":
		msg := m.f.message(c.id, m.user(), "inserted", m.tick)
		m.f.update(func(tx store.Tx) error { msg.ID = 0; _, err := tx.InsertMessage(m.f.app, &msg); return err })
		c.seq++
		c.messages = append(c.messages, msg)
	case "edit":
		if p := m.pick(c); p != nil {
			p.Text, p.UpdatedAt = fmt.Sprint("edited ", m.tick), m.f.at(m.tick)
			m.f.update(func(tx store.Tx) error { return tx.PutMessage(m.f.app, p) })
		}
	case "delete":
		if p := m.pick(c); p != nil {
			m.remove(c, p.Seq, min(p.Seq+1, c.seq))
		}
	case "bury":
		if p := m.pick(c); p != nil && p.DeletedAt.IsZero() {
			p.DeletedAt, p.UpdatedAt = m.f.at(m.tick), m.f.at(m.tick)
			m.f.update(func(tx store.Tx) error { return tx.BuryMessages(m.f.app, c.id, p.Seq, p.Seq, "", m.f.at(m.tick)) })
		}
	case "event":
		m.f.update(func(tx store.Tx) error {
			return tx.AppendEvent(m.f.app, &store.EventRow{Channel: c.id, Kind: core.ReadMoved, At: m.f.at(m.tick)}, false)
		})
		c.ev++
		c.events = append(c.events, c.ev)
	case "read":
		user := m.user()
		c.members[user] = rapid.Int64Range(0, c.seq).Draw(m.t, "seq")
		m.f.update(func(tx store.Tx) error {
			return tx.PutMember(m.f.app, &core.Member{Channel: c.id, User: user, ReadSeq: c.members[user]})
		})
	case "fail":
		_ = m.f.s.Update(m.f.Context(), m.f.app, c.id, func(tx store.Tx) error {
			msg := m.f.message(c.id, "ann", "undone", m.tick)
			_, _ = tx.InsertMessage(m.f.app, &msg)
			_ = tx.DeleteMessages(m.f.app, c.id, 0, 0, "")
			return errMine
		}, nil)
	}
}

// append sends a message, sometimes with an alias that is taken.
func (m *model) append(c *modelChannel, parent core.MessageID) {
	msg := m.f.message(c.id, m.user(), fmt.Sprint("text ", m.tick), m.tick)
	msg.Parent = parent
	msg.Alias = rapid.SampledFrom([]string{"", "", "a", "b", "c", "d"}).Draw(m.t, "alias")
	in := store.Append{App: m.f.app, Message: &msg, MoveRead: rapid.Bool().Draw(m.t, "move")}
	m.f.ok(m.f.s.Append(m.f.Context(), &in, nil))
	known, taken := m.aliases[msg.Alias]
	taken = taken && msg.Alias != ""
	if in.Duplicate != taken || taken && in.Message.ID != known {
		m.t.Fatalf("alias %q: duplicate is %v of %d, want %v of %d", msg.Alias, in.Duplicate, in.Message.ID, taken, known)
	}
	if taken {
		return
	}
	c.seq++
	c.ev++
	if in.Message.Seq != c.seq || in.Event.Ev != c.ev {
		m.t.Fatalf("appended as %d and %d, want %d and %d", in.Message.Seq, in.Event.Ev, c.seq, c.ev)
	}
	c.events = append(c.events, c.ev)
	m.aliases[msg.Alias] = msg.ID
	if in.MoveRead {
		c.members[msg.User] = max(c.members[msg.User], c.seq)
	}
	for i := range c.messages {
		if p := &c.messages[i]; p.ID == parent && parent != 0 {
			p.ReplyCount++
			p.LastReplyAt = msg.CreatedAt
			if !slices.Contains(p.Participants, msg.User) {
				p.Participants = append(p.Participants, msg.User)
			}
			same(m.f, "parent of a reply", *in.Parent, *p)
		}
	}
	c.messages = append(c.messages, *in.Message)
}

// remove deletes messages for good, and with them the aliases and counted replies.
func (m *model) remove(c *modelChannel, from, to int64) {
	m.f.update(func(tx store.Tx) error { return tx.DeleteMessages(m.f.app, c.id, from, to, "") })
	c.messages = slices.DeleteFunc(c.messages, func(msg core.Message) bool {
		if msg.Seq < from || msg.Seq > to {
			return false
		}
		delete(m.aliases, msg.Alias)
		for i := range c.messages {
			if p := &c.messages[i]; p.ID == msg.Parent && msg.Parent != 0 {
				p.ReplyCount--
			}
		}
		return true
	})
}

// compare reads everything back.
func (m *model) compare(c *modelChannel) {
	f := m.f
	got := must[[]core.Message](f)(f.s.RangeMessages(f.Context(), f.app, store.Range{Channel: c.id, All: true}))
	same(f, "messages", got, c.messages)
	h := f.head(c.key)
	if h.LastSeq != c.seq || h.LastEv != c.ev || h.MessageCount != int64(len(c.messages)) {
		m.t.Fatalf("channel counts %+v, want seq %d, ev %d, %d messages", h, c.seq, c.ev, len(c.messages))
	}
	last := int64(0)
	for _, e := range must[[]store.EventRow](f)(f.s.Events(f.Context(), f.app, c.id, 0, time.Time{}, 0)) {
		if e.Ev <= last || e.Ev > c.ev {
			m.t.Fatalf("event %d follows %d of %d", e.Ev, last, c.ev)
		}
		last = e.Ev
	}
	for user, read := range c.members {
		want := 0
		for _, msg := range c.messages {
			if msg.Seq > read && msg.User != user && msg.Countable() && !msg.Deleted() {
				want++
			}
		}
		n := 0
		for _, u := range must[[]store.UnreadRow](f)(f.s.Unread(f.Context(), f.app, user, []core.ChannelID{c.id})) {
			n = u.Count
		}
		if n != want {
			m.t.Fatalf("%s has %d unread after %d, want %d", user, n, read, want)
		}
	}
}
