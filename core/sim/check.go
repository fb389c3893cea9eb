package sim

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// log is what is stored of a channel.
type log struct {
	name     string
	channel  core.Channel
	messages []core.Message
	events   []store.EventRow
}

// check compares everything with what is stored.
func (w *world) check() {
	logs := w.logs()
	for i := range logs {
		w.checkStored(&logs[i])
		w.checkHooks(&logs[i])
	}
	w.checkAcks(logs)
	for _, c := range w.clients {
		for i := range logs {
			if slices.Contains(c.channels, logs[i].name) {
				w.checkView(c, &logs[i])
			}
		}
	}
	w.checkUnread(logs)
	w.checkPresence()
	w.checkCaches()
	w.checkQueues()
	w.probe()
}

// logs reads what is stored, past everything that fails.
func (w *world) logs() []log {
	var out []log
	for _, name := range []string{"all", "duo", "hot"} {
		l := log{name: name}
		var err error
		if l.channel, err = w.disk.Channel(w.ctx, w.app, keyOf(name)); err == nil {
			l.messages, err = w.disk.RangeMessages(w.ctx, w.app, store.Range{Channel: l.channel.ID, All: true, Hidden: true, Limit: 1000})
		}
		if err == nil {
			l.events, err = w.disk.Events(w.ctx, w.app, l.channel.ID, 0, time.Time{}, 1000)
		}
		if err != nil {
			w.wrong("store", "%s cannot be read: %v", name, err)
		}
		out = append(out, l)
	}
	return out
}

// checkStored: numbers are dense, and stamps rise with them.
func (w *world) checkStored(l *log) {
	for i, m := range l.messages {
		if m.Seq != int64(i+1) {
			w.wrong("store", "message %d of %s has number %d", i+1, l.name, m.Seq)
		}
	}
	var last core.Stamp
	for i, e := range l.events {
		if e.Ev != int64(i+1) || e.Stamp <= last {
			w.wrong("store", "event %d of %s has number %d and stamp %d after %d", i+1, l.name, e.Ev, e.Stamp, last)
		}
		last = e.Stamp
	}
}

// textOf is the text a message was sent with, whatever it was edited to.
func textOf(m *core.Message) string {
	text, _, _ := strings.Cut(m.Text, " ")
	return text
}

// checkAcks: what was acknowledged is stored once, under the id that was told; what was not, at most once.
func (w *world) checkAcks(logs []log) {
	stored := map[string][]core.MessageID{}
	for i := range logs {
		for j := range logs[i].messages {
			m := &logs[i].messages[j]
			stored[textOf(m)] = append(stored[textOf(m)], m.ID)
		}
	}
	w.mu.Lock()
	acks := w.acks
	w.mu.Unlock()
	for text, id := range acks {
		if ids := stored[text]; len(ids) != 1 || ids[0] != id {
			w.wrong("acknowledged", "%s was acknowledged as %d and is stored as %v", text, id, ids)
		}
	}
	for text, ids := range stored {
		if len(ids) > 1 && acks[text] == 0 {
			w.wrong("acknowledged", "%s is stored %d times", text, len(ids))
		}
	}
}

// sees reports whether a message is somebody's to see.
func sees(u core.UserID, m *core.Message) bool {
	return m.User == u || len(m.RestrictedTo) == 0 || slices.Contains(m.RestrictedTo, u)
}

// checkView: a client shows what is stored, in the same order, without having connected again.
func (w *world) checkView(c *client, l *log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.view(l.channel.ID)
	want := 0
	from := c.startsAt(l)
	for i := range l.messages {
		m := &l.messages[i]
		if core.Stamp(m.ID) < from {
			if _, has := v.by[m.Seq]; has {
				want++ // it was edited since
			}
			continue
		}
		if !sees(c.user, m) {
			if _, has := v.by[m.Seq]; has {
				w.wrong("leak", "%s (%s) shows message %d of %s", c.name, c.model, m.Seq, l.name)
			}
			continue
		}
		want++
		s, has := v.by[m.Seq]
		switch {
		case !has:
			w.wrong("gap", "%s (%s) does not show message %d (%s) of %s", c.name, c.model, m.Seq, m.Text, l.name)
		case s.id != m.ID:
			w.wrong("order", "%s shows %d as message %d of %s, which is %d", c.name, s.id, m.Seq, l.name, m.ID)
		case c.model != pushFetch && (s.gone != m.Deleted() || !s.gone && s.text != m.Text):
			w.wrong("stale", "%s (%s) shows message %d of %s as %q (deleted %v), it is %q (%v)", c.name, c.model, m.Seq, l.name, s.text, s.gone, m.Text, m.Deleted())
		}
	}
	if len(v.by) != want {
		w.wrong("order", "%s shows %d messages of %s, which has %d for them", c.name, len(v.by), l.name, want)
	}
	if c.model.pulls() {
		w.checkFeed(c, l)
	}
}

// startsAt is where a client begins: one that pulls by queue, on a new device, starts where the person's
// other devices have come to. The lock is held.
func (c *client) startsAt(l *log) core.Stamp {
	evs := c.pulled[l.channel.ID]
	if c.model != pullQueues || c.device == "d0" && !c.twin || len(evs) == 0 {
		return core.StampAt(began)
	}
	return max(l.events[evs[0]-1].Stamp, core.StampAt(began))
}

// checkFeed: a client that pulls has every event of its channels, once, in order. The lock is held.
func (w *world) checkFeed(c *client, l *log) {
	var want []int64
	from := c.startsAt(l)
	for i := range l.events {
		var to struct {
			To  []core.UserID `json:"to"`
			Box []core.UserID `json:"box"`
		}
		if p := l.events[i].Payload; len(p) > 0 {
			if err := json.Unmarshal(p, &to); err != nil {
				w.wrong("store", "the payload of event %d of %s: %v", i+1, l.name, err)
			}
		}
		if l.events[i].Stamp >= from && (len(to.To) == 0 || slices.Contains(to.To, c.user)) && !slices.Contains(to.Box, c.user) {
			want = append(want, l.events[i].Ev)
		}
	}
	got := slices.DeleteFunc(slices.Clone(c.pulled[l.channel.ID]), func(ev int64) bool { return l.events[ev-1].Stamp < core.StampAt(began) })
	if c.model == pullQueues {
		got = slices.Compact(got)
	}
	if !slices.Equal(got, want) {
		w.wrong("feed", "%s (%s) pulled events %v of %s, there are %v", c.name, c.model, got, l.name, want)
	}
}

// checkHooks: the receiver was told of every event, the first time in order.
func (w *world) checkHooks(l *log) {
	w.mu.Lock()
	t := w.told[int64(l.channel.ID)]
	w.mu.Unlock()
	var want []int64
	for i := range l.events {
		if l.events[i].Stamp >= core.StampAt(began) {
			want = append(want, l.events[i].Ev)
		}
	}
	var got []int64
	if t != nil {
		got = t.first
	}
	if !slices.Equal(got, want) {
		w.wrong("webhooks", "of %s came %v, there are %v", l.name, got, want)
	}
}

// checkQueues: nothing waits for webhooks any more.
func (w *world) checkQueues() {
	rows, err := w.disk.Outbox(w.ctx, 10)
	if err != nil || len(rows) > 0 {
		w.wrong("outbox", "%d rows are left (%v)", len(rows), err)
	}
	queue, err := w.disk.Records(w.ctx, 0, spaceHookQueue, "", "", false, 10)
	if err != nil || len(queue) > 0 {
		w.wrong("outbox", "%d calls are queued (%v)", len(queue), err)
	}
}

// checkUnread: read positions are what was acknowledged, and what every node counts is what a recount
// of the log gives.
func (w *world) checkUnread(logs []log) {
	for _, u := range everyone {
		want := map[core.ChannelKey]int{}
		for i := range logs {
			l := &logs[i]
			if !slices.Contains(membership[l.name], u) {
				continue
			}
			ms, err := w.disk.Members(w.ctx, w.app, l.channel.ID, []core.UserID{u}, 1, 0)
			if err != nil || len(ms) != 1 {
				w.wrong("store", "%s is not in %s: %v", u, l.name, err)
				continue
			}
			w.mu.Lock()
			at := w.read[string(u)+" "+string(l.channel.Key)]
			w.mu.Unlock()
			if ms[0].ReadSeq < at {
				w.wrong("unread", "%s has read %s up to %d, stored is %d", u, l.name, at, ms[0].ReadSeq)
			}
			if n := recount(u, l, ms[0].ReadSeq); n > 0 {
				want[l.channel.Key] = n
			}
		}
		for _, n := range w.live() {
			got, err := n.core.Reads.Unread(w.ctx, core.Actor{App: w.app, User: u, Access: core.AccessUser}, core.GetUnread{})
			if err != nil {
				w.wrong("unread", "%s on %s: %v", u, n.name, err)
				continue
			}
			have := map[core.ChannelKey]int{}
			for _, x := range got.Channels {
				have[x.Key] = x.Count
			}
			for key := range w.chans {
				if have[key] != want[key] {
					w.wrong("unread", "%s counts %d of %s for %s, a recount gives %d", n.name, have[key], key, u, want[key])
				}
			}
		}
	}
}

// recount counts what somebody has not read.
func recount(u core.UserID, l *log, read int64) (n int) {
	for i := range l.messages {
		m := &l.messages[i]
		if m.Seq > read && m.User != u && m.Countable() && !m.Deleted() && sees(u, m) {
			n++
		}
	}
	return n
}

// checkPresence: every node knows who is connected to any.
func (w *world) checkPresence() {
	on := map[core.UserID]bool{}
	for _, c := range w.clients {
		c.mu.Lock()
		on[c.user] = on[c.user] || c.conn != nil && !c.conn.n.gone()
		c.mu.Unlock()
	}
	for _, n := range w.live() {
		us, err := n.core.Users.Get(w.ctx, w.server(), core.GetUsers{IDs: append([]core.UserID{visitor}, everyone...)})
		if err != nil {
			w.wrong("presence", "%s: %v", n.name, err)
		}
		for i := range us {
			if us[i].Online != on[us[i].ID] {
				w.wrong("presence", "%s says that %s is online: %v", n.name, us[i].ID, us[i].Online)
			}
		}
	}
}

// checkCaches: every node knows what another has changed.
func (w *world) checkCaches() {
	truth, err := w.disk.Users(w.ctx, w.app, everyone)
	if err != nil {
		w.wrong("store", "users: %v", err)
		return
	}
	names := map[core.UserID]string{}
	for i := range truth {
		names[truth[i].ID] = truth[i].Name
	}
	for _, n := range w.live() {
		us, err := n.core.Users.Get(w.ctx, w.server(), core.GetUsers{IDs: everyone})
		if err != nil {
			w.wrong("cache", "%s: %v", n.name, err)
		}
		for i := range us {
			if us[i].Name != names[us[i].ID] {
				w.wrong("cache", "%s says that %s is called %q, which is %q", n.name, us[i].ID, us[i].Name, names[us[i].ID])
			}
		}
	}
}

// probe sends a message to every channel when all is well, and looks who is told, and of what counts.
func (w *world) probe() {
	nodes := w.live()
	for _, c := range w.clients {
		c.mu.Lock()
		c.probed = map[string]int{}
		c.mu.Unlock()
	}
	for i, name := range []string{"all", "duo", "hot"} {
		ctx, cancel := context.WithTimeout(w.ctx, deadline)
		by := w.server()
		by.User = membership[name][0]
		_, err := nodes[i%len(nodes)].core.Messages.Send(ctx, by, core.SendMessage{Key: keyOf(name), Message: core.MessageInput{Text: "probe-" + name}})
		cancel()
		if err != nil {
			w.wrong("answer", "a probe answered %v", err)
		}
	}
	w.pause(3 * time.Second)
	logs := w.logs()
	guests, err := w.disk.Members(w.ctx, w.app, logs[2].channel.ID, []core.UserID{visitor}, 1, 0)
	if err != nil {
		w.wrong("store", "members: %v", err)
	}
	for _, c := range w.clients {
		c.mu.Lock()
		for _, l := range logs {
			want := 0
			if slices.Contains(c.channels, l.name) || c.user == visitor && l.name == "hot" && len(guests) > 0 {
				want = 1
			}
			if got := c.probed["probe-"+l.name]; got != want {
				w.wrong("live", "%s (%s) is told %d times of a message to %s, not %d", c.name, c.model, got, l.name, want)
			}
		}
		w.checkCounts(c, logs)
		c.mu.Unlock()
	}
}

// checkCounts: the totals told with the last message are those of a recount. The client's lock is held.
func (w *world) checkCounts(c *client, logs []log) {
	if c.user == visitor || c.counts == nil {
		return
	}
	want := 0
	for i := range logs {
		if !slices.Contains(membership[logs[i].name], c.user) {
			continue
		}
		ms, err := w.disk.Members(w.ctx, w.app, logs[i].channel.ID, []core.UserID{c.user}, 1, 0)
		if err == nil && len(ms) == 1 {
			want += recount(c.user, &logs[i], ms[0].ReadSeq)
		}
	}
	if c.counts.Messages != want {
		w.wrong("counts", "%s (%s) is told that %d messages are unread, a recount gives %d", c.name, c.model, c.counts.Messages, want)
	}
}
