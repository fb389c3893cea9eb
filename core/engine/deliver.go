package engine

import (
	"slices"

	"dragoman/core"
)

// deliver tells the connections of this node of an event. It is called by the dispatcher only, one
// event at a time.
func (h *hub) deliver(ev *core.Event) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var a *audience
	if ev.Channel != nil {
		a = h.rooms[roomKey{ev.App, ev.Channel.ID}]
		if a != nil && ev.Ev > 0 && ev.Ev <= a.floor {
			return
		}
		if a != nil && ev.Ev > a.lastEv.Load() {
			a.lastEv.Store(ev.Ev)
		}
	}
	switch {
	case len(ev.To) > 0:
		for _, u := range ev.To {
			if p := h.people[userKey{ev.App, u}]; p != nil {
				counts := h.count(p, u, ev)
				for s := range p.sessions {
					s.sink(core.Delivery{Event: ev, As: core.AsTarget | relation(a, s) | s.entered(ev), Counts: counts})
				}
			}
		}
	case ev.Channel != nil:
		if a != nil {
			h.toRoom(a, ev)
		}
	case ev.Kind == core.BroadcastTold:
		h.toEveryone(ev)
	default:
		h.toFollowers(ev)
	}
}

// toRoom tells everyone concerned with a channel.
func (h *hub) toRoom(a *audience, ev *core.Event) {
	if ev.Kind == core.MessageSent {
		ev.WatcherCount = h.audienceSize(a)
	}
	counted := ev.Kind == core.MessageSent && ev.Channel.MemberCount <= maxCounted ||
		ev.Kind != core.MessageSent && movesUnread[ev.Kind]
	var done map[core.UserID]*core.Counts
	if counted {
		done = make(map[core.UserID]*core.Counts, len(a.members))
		for s := range a.members {
			if _, ok := done[s.by.User]; !ok {
				if p := h.people[userKey{s.by.App, s.by.User}]; p != nil {
					done[s.by.User] = h.count(p, s.by.User, ev)
				}
			}
		}
	}
	for s := range a.watchers {
		as := core.AsWatcher
		if _, in := a.members[s]; in {
			as |= core.AsMember | s.entered(ev)
		}
		s.sink(core.Delivery{Event: ev, As: as, Counts: done[s.by.User]})
	}
	for s := range a.members {
		if _, watching := a.watchers[s]; watching {
			continue
		}
		as := core.AsMember | s.entered(ev)
		if s.everything {
			as |= core.AsWatcher
		} else if ev.Watchers {
			continue
		}
		s.sink(core.Delivery{Event: ev, As: as, Counts: done[s.by.User]})
	}
}

// toEveryone tells all connections of the app.
func (h *hub) toEveryone(ev *core.Event) {
	for _, s := range h.sessions {
		if s.by.App == ev.App {
			s.sink(core.Delivery{Event: ev, As: core.AsTarget})
		}
	}
}

// toFollowers tells the person themself, those who follow their presence, and the channels around.
func (h *hub) toFollowers(ev *core.Event) {
	if ev.User == nil {
		return
	}
	told := map[*session]struct{}{}
	tell := func(s *session, as core.Relation) {
		if _, dup := told[s]; !dup {
			told[s] = struct{}{}
			s.sink(core.Delivery{Event: ev, As: as})
		}
	}
	k := userKey{ev.App, ev.User.ID}
	if p := h.people[k]; p != nil && ev.Kind != core.UserPresence {
		for s := range p.sessions {
			tell(s, core.AsTarget)
		}
	}
	for s := range h.follows[k] {
		tell(s, core.AsPresence)
	}
	for s := range h.curious[ev.App] {
		tell(s, core.AsPresence)
	}
	for _, ch := range ev.Around {
		if a := h.rooms[roomKey{ev.App, ch}]; a != nil {
			for s := range a.watchers {
				tell(s, core.AsWatcher)
			}
		}
	}
}

// entered is AsEntered if the channel of the event is a room that was entered on this connection.
// The hub's lock is held.
func (s *session) entered(ev *core.Event) core.Relation {
	if ev.Channel == nil || len(s.rooms) == 0 {
		return 0
	}
	if _, in := s.rooms[ev.Channel.ID]; in {
		return core.AsEntered
	}
	return 0
}

func relation(a *audience, s *session) core.Relation {
	var as core.Relation
	if a == nil {
		return 0
	}
	if _, on := a.watchers[s]; on {
		as |= core.AsWatcher
	}
	if _, in := a.members[s]; in {
		as |= core.AsMember
		if s.everything {
			as |= core.AsWatcher
		}
	}
	return as
}

// movesUnread are the kinds, beside MessageSent, after which unread counts differ.
var movesUnread = map[core.EventKind]bool{
	core.ReadMoved: true, core.ReadMovedBack: true, core.MessageDeleted: true,
	core.ChannelTruncated: true, core.ChannelDeleted: true,
}

// count moves a person's unread state by an event and returns the totals after it, or nil when
// they are not known yet: connections load them when they start.
func (h *hub) count(p *person, user core.UserID, ev *core.Event) *core.Counts {
	if ev.Channel == nil || (ev.Kind != core.MessageSent && !movesUnread[ev.Kind]) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loading > 0 {
		p.since = append(p.since, ev)
	}
	if p.unread == nil {
		return nil
	}
	p.move(user, ev)
	return p.totals(ev.Channel.ID)
}

// move is count for one event that the numbers may know already: a load read it, and it is told later.
// The person's lock is held.
func (p *person) move(user core.UserID, ev *core.Event) {
	ch := ev.Channel.ID
	st := p.unread[ch]
	if st != nil && ev.Ev > 0 {
		if ev.Ev <= st.ev {
			return
		}
		st.ev = ev.Ev
	}
	p.followThread(user, ev)
	switch ev.Kind {
	case core.MessageSent:
		if st == nil {
			st = &unreadOf{ev: ev.Ev, readSeq: ev.Message.Seq - 1} // nothing before it was unread
			p.unread[ch] = st
		}
		if ev.Message.User == user {
			st.count, st.readSeq = 0, ev.Message.Seq
		} else if ev.Message.Countable() && st.count < core.UnreadCap {
			st.count++
		}
	case core.ReadMoved, core.ReadMovedBack:
		if ev.Read != nil && ev.Read.User.ID == user && ev.Thread == nil {
			if st == nil {
				st = &unreadOf{ev: ev.Ev}
				p.unread[ch] = st
			}
			st.count, st.readSeq = ev.Read.Unread, ev.Read.Seq
		}
	case core.MessageDeleted:
		if st != nil && st.count > 0 && ev.Message.Countable() && ev.Message.User != user && ev.Message.Seq > st.readSeq {
			st.count--
		}
	default:
		delete(p.unread, ch)
	}
}

// followThread keeps the set of threads with unread replies. Who replies has read what was there.
// The person's lock is held.
func (p *person) followThread(user core.UserID, ev *core.Event) {
	switch m := ev.Message; {
	case ev.Kind == core.MessageSent && m.Parent != 0 && m.User == user:
		delete(p.threads, m.Parent)
	case ev.Kind == core.MessageSent && m.Parent != 0 && slices.Contains(m.Participants, user):
		p.threads[m.Parent] = struct{}{}
	case ev.Thread == nil || ev.Read == nil || ev.Read.User.ID != user:
	case ev.Kind == core.ReadMoved:
		delete(p.threads, ev.Thread.Parent.ID)
	case ev.Kind == core.ReadMovedBack:
		p.threads[ev.Thread.Parent.ID] = struct{}{}
	}
}

// totals sums a person's unread state. The person's lock is held.
func (p *person) totals(ch core.ChannelID) *core.Counts {
	c := &core.Counts{Threads: len(p.threads)}
	for id, st := range p.unread {
		if id == ch {
			c.Channel = st.count
		}
		if st.count > 0 && !st.muted {
			c.Messages += st.count
			c.Channels++
		}
	}
	return c
}

// loadUnread is called before a person's unread state is read. The func it answers takes the state
// over, and what was told while it was read.
func (h *hub) loadUnread(k userKey) func(rows map[core.ChannelID]*unreadOf, threads map[core.MessageID]struct{}) {
	h.mu.RLock()
	p := h.people[k]
	h.mu.RUnlock()
	if p == nil {
		return func(map[core.ChannelID]*unreadOf, map[core.MessageID]struct{}) {}
	}
	p.mu.Lock()
	p.loading++
	from := len(p.since)
	p.mu.Unlock()
	return func(rows map[core.ChannelID]*unreadOf, threads map[core.MessageID]struct{}) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if rows != nil {
			p.unread, p.threads = rows, threads
			for _, ev := range p.since[from:] {
				p.move(k.user, ev)
			}
		}
		if p.loading--; p.loading == 0 {
			p.since = nil
		}
	}
}

// countsOf returns a connected person's totals; ok is false when they are not known here.
func (h *hub) countsOf(k userKey, ch core.ChannelID) (core.Counts, bool) {
	h.mu.RLock()
	p := h.people[k]
	h.mu.RUnlock()
	if p == nil {
		return core.Counts{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unread == nil {
		return core.Counts{}, false
	}
	return *p.totals(ch), true
}
