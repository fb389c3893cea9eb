package engine

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dragoman/core"
)

// maxCounted is the largest channel whose members are told their unread totals with each message.
const maxCounted = 100

// hub knows the live connections of this node and who of them is concerned with what.
type hub struct {
	e        *Engine
	mu       sync.RWMutex
	sessions map[string]*session
	people   map[userKey]*person
	rooms    map[roomKey]*audience
	follows  map[userKey]map[*session]struct{}    // presence
	curious  map[core.AppID]map[*session]struct{} // follow everyone's presence
	past     map[roomKey]int64                    // last events of audiences that are gone, some of them
	sum      atomic.Uint64                        // over the people, to compare tables by
}

type roomKey struct {
	app core.AppID
	ch  core.ChannelID
}

// session is one live connection.
type session struct {
	id         string
	by         core.Actor
	sink       core.Sink
	ended      func(error)
	everything bool
	session    *core.Session // as the dialect describes it, or nil
	watches    map[core.ChannelID]struct{}
	rooms      map[core.ChannelID]core.ChannelKey // entered on this connection
	follows    map[core.UserID]struct{}
}

// person is a connected user.
type person struct {
	mu       sync.Mutex // guards unread and what belongs to it
	sessions map[*session]struct{}
	channels map[core.ChannelID]struct{}  // memberships
	unread   map[core.ChannelID]*unreadOf // nil until first needed
	threads  map[core.MessageID]struct{}  // parents of threads with unread replies; known when unread is
	loading  int                          // loads of unread under way
	since    []*core.Event                // what was told while they are
	moved    uint64                       // memberships begun and ended while connected
	cancel   func()                       // of the bus subscription
}

type unreadOf struct {
	count   int
	readSeq int64
	muted   bool
	ev      int64 // the last event that the count knows of
}

// audience is who on this node is concerned with a channel.
type audience struct {
	watchers map[*session]struct{}
	members  map[*session]struct{}
	lastEv   atomic.Int64 // written by the dispatcher, who holds the read lock alone
	floor    int64        // what an audience before this one was told up to; nobody is told that again
	made     time.Time    // when the first of them came
	cancel   func()
}

func newHub(e *Engine) *hub {
	return &hub{
		e: e, sessions: map[string]*session{}, people: map[userKey]*person{},
		rooms: map[roomKey]*audience{}, follows: map[userKey]map[*session]struct{}{},
		curious: map[core.AppID]map[*session]struct{}{}, past: map[roomKey]int64{},
	}
}

// add registers a connection of a person in the given channels; first reports whether the person
// was offline here before.
func (h *hub) add(s *session, channels []core.ChannelID) (first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := userKey{s.by.App, s.by.User}
	h.sessions[s.id] = s
	p := h.people[k]
	if p == nil {
		p = &person{sessions: map[*session]struct{}{}, channels: make(map[core.ChannelID]struct{}, len(channels))}
		p.cancel = h.e.subscribeUser(k)
		h.people[k] = p
		h.sum.Store(h.sum.Load() ^ sumOf(k))
		first = true
	}
	p.sessions[s] = struct{}{}
	for _, ch := range channels {
		p.channels[ch] = struct{}{}
	}
	for ch := range p.channels {
		h.room(s.by.App, ch).members[s] = struct{}{}
	}
	return first
}

// remove forgets a connection; last reports whether the person is offline here now, left are the
// channels it watched.
func (h *hub) remove(s *session) (last bool, left []core.ChannelID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.id] != s {
		return false, nil
	}
	delete(h.sessions, s.id)
	defer h.vacate(s)
	for _, ch := range slices.Sorted(maps.Keys(s.watches)) {
		left = append(left, ch)
		if a := h.rooms[roomKey{s.by.App, ch}]; a != nil {
			delete(a.watchers, s)
			h.tidy(roomKey{s.by.App, ch}, a)
		}
	}
	for u := range s.follows {
		h.unfollow(s, u)
	}
	delete(h.curious[s.by.App], s)
	k := userKey{s.by.App, s.by.User}
	p := h.people[k]
	if p == nil {
		return false, left
	}
	delete(p.sessions, s)
	for ch := range p.channels {
		if a := h.rooms[roomKey{s.by.App, ch}]; a != nil {
			delete(a.members, s)
			h.tidy(roomKey{s.by.App, ch}, a)
		}
	}
	if len(p.sessions) == 0 {
		p.cancel()
		delete(h.people, k)
		h.sum.Store(h.sum.Load() ^ sumOf(k))
		return true, left
	}
	return false, left
}

// room returns the audience of a channel, making it if needed. The lock is held.
func (h *hub) room(app core.AppID, ch core.ChannelID) *audience {
	k := roomKey{app, ch}
	a := h.rooms[k]
	if a == nil {
		a = &audience{made: h.e.now(), floor: h.past[k], watchers: map[*session]struct{}{}, members: map[*session]struct{}{}}
		a.cancel = h.e.subscribeChannel(k)
		h.rooms[k] = a
	}
	return a
}

func (h *hub) tidy(k roomKey, a *audience) {
	if len(a.watchers) == 0 && len(a.members) == 0 {
		a.cancel()
		delete(h.rooms, k)
		if len(h.past) >= maxPast {
			clear(h.past)
		}
		if last := max(a.lastEv.Load(), a.floor); last > 0 {
			h.past[k] = last
		}
	}
}

// maxPast bounds what is remembered of audiences that are gone.
const maxPast = 1 << 12

// watch makes a connection follow a channel; it reports false if it did already.
func (h *hub) watch(s *session, ch core.ChannelID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, on := s.watches[ch]; on || h.sessions[s.id] != s {
		return false
	}
	if s.watches == nil {
		s.watches = map[core.ChannelID]struct{}{}
	}
	s.watches[ch] = struct{}{}
	h.room(s.by.App, ch).watchers[s] = struct{}{}
	return true
}

// unwatch stops it; it reports false if the connection did not watch.
func (h *hub) unwatch(s *session, ch core.ChannelID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, on := s.watches[ch]; !on {
		return false
	}
	delete(s.watches, ch)
	if a := h.rooms[roomKey{s.by.App, ch}]; a != nil {
		delete(a.watchers, s)
		h.tidy(roomKey{s.by.App, ch}, a)
	}
	return true
}

// follow makes a connection follow someone's presence.
func (h *hub) follow(s *session, users []core.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.id] != s {
		return
	}
	if s.follows == nil {
		s.follows = map[core.UserID]struct{}{}
	}
	for _, u := range users {
		s.follows[u] = struct{}{}
		k := userKey{s.by.App, u}
		if h.follows[k] == nil {
			h.follows[k] = map[*session]struct{}{}
		}
		h.follows[k][s] = struct{}{}
	}
}

// followAll makes a connection follow everyone's presence, or stop.
func (h *hub) followAll(s *session, on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.curious[s.by.App]
	switch {
	case !on:
		delete(all, s)
	case h.sessions[s.id] == s:
		if all == nil {
			all = map[*session]struct{}{}
			h.curious[s.by.App] = all
		}
		all[s] = struct{}{}
	}
}

func (h *hub) unfollow(s *session, u core.UserID) {
	k := userKey{s.by.App, u}
	delete(s.follows, u)
	delete(h.follows[k], s)
	if len(h.follows[k]) == 0 {
		delete(h.follows, k)
	}
}

// stopFollow stops following people's presence.
func (h *hub) stopFollow(s *session, users []core.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range users {
		h.unfollow(s, u)
	}
}

// joined tells the hub of a membership; it reports false if it knew.
func (h *hub) joined(app core.AppID, ch core.ChannelID, user core.UserID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.join(app, ch, user)
}

// unmoved does something about a membership unless the person's have changed since moved was counted.
func (h *hub) unmoved(k userKey, moved uint64, do func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.people[k]; p != nil && p.moved != moved {
		return false
	}
	do()
	return true
}

// join is joined with the lock held.
func (h *hub) join(app core.AppID, ch core.ChannelID, user core.UserID) bool {
	p := h.people[userKey{app, user}]
	if p == nil {
		return false
	}
	p.moved++
	if _, in := p.channels[ch]; in {
		return false
	}
	p.channels[ch] = struct{}{}
	for s := range p.sessions {
		h.room(app, ch).members[s] = struct{}{}
	}
	return true
}

// left tells the hub that a membership ended; with gone the person's connections stop watching too.
func (h *hub) left(app core.AppID, ch core.ChannelID, user core.UserID, gone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave(app, ch, user, gone)
}

// leave is left with the lock held.
func (h *hub) leave(app core.AppID, ch core.ChannelID, user core.UserID, gone bool) {
	p := h.people[userKey{app, user}]
	if p == nil {
		return
	}
	p.moved++
	delete(p.channels, ch)
	for s := range p.sessions {
		delete(s.rooms, ch)
	}
	if a := h.rooms[roomKey{app, ch}]; a != nil {
		for s := range p.sessions {
			delete(a.members, s)
			if gone {
				delete(a.watchers, s)
				delete(s.watches, ch)
			}
		}
		h.tidy(roomKey{app, ch}, a)
	}
	p.mu.Lock()
	delete(p.unread, ch)
	p.mu.Unlock()
}

// audienceSize is how many people watch a room. The hub's lock is held.
func (h *hub) audienceSize(a *audience) int {
	if len(a.watchers) > 100 {
		return len(a.watchers) // large rooms: one connection each is near enough
	}
	seen := make(map[core.UserID]struct{}, len(a.watchers))
	for s := range a.watchers {
		seen[s.by.User] = struct{}{}
	}
	return len(seen)
}

// session finds a connection by id within the actor's app and user.
func (h *hub) session(by core.Actor, id string) *session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := h.sessions[id]
	if s == nil || s.by.App != by.App || (!by.Server() && s.by.User != by.User) {
		return nil
	}
	return s
}

// end tells the connections of a person that they are over; their dialects close them.
func (h *hub) end(k userKey, err error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if p := h.people[k]; p != nil {
		for s := range p.sessions {
			if s.ended != nil {
				s.ended(err)
			}
		}
	}
}

// online reports whether the person has a connection here.
func (h *hub) online(app core.AppID, user core.UserID) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.people[userKey{app, user}] != nil
}

// watching lists up to limit distinct people who watch a channel, and counts them all.
func (h *hub) watching(app core.AppID, ch core.ChannelID, limit int) (ids []core.UserID, count int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	a := h.rooms[roomKey{app, ch}]
	if a == nil {
		return nil, 0
	}
	if limit == 0 {
		return nil, h.audienceSize(a)
	}
	seen := make(map[core.UserID]struct{}, len(a.watchers))
	for s := range a.watchers {
		if _, dup := seen[s.by.User]; !dup {
			seen[s.by.User] = struct{}{}
			if len(ids) < limit {
				ids = append(ids, s.by.User)
			}
		}
	}
	return ids, len(seen)
}
