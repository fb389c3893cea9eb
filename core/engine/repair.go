package engine

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// The bus may lose, repeat and reorder, a node may die between its commit and telling of it, and a
// write may have an outcome that nobody learns. What is missing then shows in three ways: a gap in
// the numbers of a channel, the heads that every node tells with its beats, and the silence of a node.
// Each of them leads here: the channel, or the membership, is looked at in the store.

// Times of looking again.
const (
	lookAgain    = 250 * time.Millisecond // after the store refused
	unsureRounds = 5                      // beats for which a write of unknown outcome may yet show
	headsPart    = 1000                   // channels in one beat; more are told in further ones
	headsMost    = 1 << 16                // channels kept between two beats; the rest is found by the next event
)

// looker collects what is to be looked at in the store.
type looker struct {
	mu     sync.Mutex
	rooms  map[roomKey]struct{}
	places map[placeKey]struct{}
	all    bool
	wake   chan struct{}
}

func newLooker() *looker {
	return &looker{rooms: map[roomKey]struct{}{}, places: map[placeKey]struct{}{}, wake: make(chan struct{}, 1)}
}

// room asks for the events of a channel that its audience here has not seen.
func (l *looker) room(k roomKey) {
	l.mu.Lock()
	l.rooms[k] = struct{}{}
	l.mu.Unlock()
	kick(l.wake)
}

// place asks whether somebody who is connected here is still, or is now, in a channel.
func (l *looker) place(k placeKey) {
	l.mu.Lock()
	l.places[k] = struct{}{}
	l.mu.Unlock()
	kick(l.wake)
}

// everything asks for all channels and all memberships of the connections here.
func (l *looker) everything() {
	l.mu.Lock()
	l.all = true
	l.mu.Unlock()
	kick(l.wake)
}

// take empties the lists.
func (l *looker) take() (rooms map[roomKey]struct{}, places map[placeKey]struct{}, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rooms, places, all = l.rooms, l.places, l.all
	l.rooms, l.places, l.all = map[roomKey]struct{}{}, map[placeKey]struct{}{}, false
	return rooms, places, all
}

// runLook looks until ctx ends, one thing at a time. What the store refuses is looked at again.
func (e *Engine) runLook(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.kit.look.wake:
		}
		rooms, places, all := e.kit.look.take()
		ok := true
		if all {
			if ok = e.catchUp(ctx) && e.recheck(ctx); !ok {
				e.kit.look.everything()
			}
		}
		for _, k := range slices.SortedFunc(maps.Keys(rooms), func(a, b roomKey) int { return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.ch, b.ch)) }) {
			if !e.catchUpRoom(ctx, k) {
				e.kit.look.room(k)
				ok = false
			}
		}
		for _, k := range slices.SortedFunc(maps.Keys(places), comparePlaces) {
			e.dispatch.place(k)
		}
		if !ok {
			t := time.NewTimer(lookAgain)
			select {
			case <-ctx.Done():
			case <-t.C:
			}
			t.Stop()
		}
	}
}

// comparePeople and comparePlaces put what is looked at into an order that does not depend on chance.
func comparePeople(a, b userKey) int {
	return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.user, b.user))
}

// comparePlaces is comparePeople for places.
func comparePlaces(a, b placeKey) int {
	return cmp.Or(comparePeople(userKey{a.app, a.user}, userKey{b.app, b.user}), cmp.Compare(a.ch, b.ch))
}

// catchUpRoom delivers what happened unheard in one channel.
func (e *Engine) catchUpRoom(ctx context.Context, k roomKey) bool {
	last, since, there := e.hub.heardUpTo(k)
	if !there {
		return true
	}
	return e.catchUpIn(ctx, k.app, []core.ChannelID{k.ch}, map[core.ChannelID]int64{k.ch: last}, map[roomKey]time.Time{k: since})
}

// heardUpTo is the last event that the audience of a channel was told, and since when there is one.
func (h *hub) heardUpTo(k roomKey) (last int64, since time.Time, there bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	a := h.rooms[k]
	if a == nil {
		return 0, since, false
	}
	return a.lastEv.Load(), a.made, true
}

// counts reports whether this node keeps how far it has told of the channel of an event: then the event
// is told once, to all it is for, however often it comes.
func (h *hub) counts(ev *core.Event) bool {
	if ev.Channel == nil || ev.Ev == 0 {
		return false
	}
	_, _, there := h.heardUpTo(roomKey{ev.App, ev.Channel.ID})
	return there
}

// commandSlack is how much earlier than its commit an event may say that it happened: a command takes
// its time when it begins.
const commandSlack = time.Minute

// unheard reads events of a channel after a number. An audience that was told nothing yet is told what
// was committed since it came.
func (e *Engine) unheard(ctx context.Context, k roomKey, last, after int64, made time.Time, limit int) ([]store.EventRow, error) {
	if last > 0 {
		return e.store.Events(ctx, k.app, k.ch, after, time.Time{}, limit)
	}
	made = made.Add(-missedSlack)
	rows, err := e.store.Events(ctx, k.app, k.ch, after, made.Add(-commandSlack), limit)
	from := core.StampAt(made)
	return slices.DeleteFunc(rows, func(r store.EventRow) bool { return r.Stamp < from }), err
}

// recheck compares the memberships of everybody connected here with the store.
func (e *Engine) recheck(ctx context.Context) bool {
	e.hub.mu.RLock()
	people := make([]userKey, 0, len(e.hub.people))
	for k := range e.hub.people {
		people = append(people, k)
	}
	e.hub.mu.RUnlock()
	slices.SortFunc(people, comparePeople)
	for _, k := range people {
		ms, err := e.store.Memberships(ctx, k.app, k.user, maxMemberships)
		if err != nil {
			return false
		}
		in := make(map[core.ChannelID]struct{}, len(ms))
		for i := range ms {
			in[ms[i].Channel] = struct{}{}
		}
		for _, ch := range e.hub.differs(k, in) {
			e.dispatch.place(placeKey{k.app, ch, k.user})
		}
	}
	return true
}

// differs lists the channels in which the hub and the store do not agree about a person.
func (h *hub) differs(k userKey, in map[core.ChannelID]struct{}) (out []core.ChannelID) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	p := h.people[k]
	if p == nil {
		return nil
	}
	for ch := range in {
		if _, have := p.channels[ch]; !have {
			out = append(out, ch)
		}
	}
	for ch := range p.channels {
		if _, have := in[ch]; !have {
			out = append(out, ch)
		}
	}
	slices.Sort(out)
	return out
}

// doubts reports whether a change of a membership on another node concerns a connection here.
func (h *hub) doubts(k placeKey, gone bool) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	p := h.people[userKey{k.app, k.user}]
	if p == nil {
		return false
	}
	_, in := p.channels[k.ch]
	return in == gone
}

// lookAtPlaces asks for memberships that begin or end with what is to be forgotten.
func (e *Engine) lookAtPlaces(in *invalidation) {
	for _, p := range in.Places {
		if k := (placeKey{in.App, p.Ch, p.User}); e.hub.doubts(k, p.Gone) {
			e.kit.look.place(k)
		}
	}
}

// settlePlace brings the audience of a channel up to date with the membership of one person: after
// everything that was told before, and with what was told since they came.
func (e *Engine) settlePlace(ctx context.Context, k placeKey) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillGapLimit)
	defer cancel()
	r := roomKey{k.app, k.ch}
	moved := e.hub.moved(userKey{k.app, k.user})
	was, err := e.store.Members(ctx, k.app, k.ch, []core.UserID{k.user}, 1, 0)
	if err == nil && len(was) > 0 {
		err = e.readOn(ctx, r)
	}
	var is []core.Member // what was told meanwhile must fit
	if err == nil {
		is, err = e.store.Members(ctx, k.app, k.ch, []core.UserID{k.user}, 1, 0)
	}
	if err == nil && (len(was) != len(is) || len(is) > 0 && !was[0].CreatedAt.Equal(is[0].CreatedAt)) {
		err = errMoved
	}
	if err == nil && len(is) > 0 {
		err = e.settleJoined(ctx, r, &is[0], moved)
	} else if err == nil {
		err = e.settleGone(ctx, k, moved)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		e.kit.look.place(k)
	}
}

// settleGone takes a person off an audience between what they were still to be told, the end of their
// membership included, and what was written after it.
func (e *Engine) settleGone(ctx context.Context, k placeKey, moved uint64) error {
	evs, err := e.unread(ctx, roomKey{k.app, k.ch})
	if err != nil {
		return err
	}
	theirs := 0
	for i, ev := range evs {
		if ends := ev.Kind == core.MemberRemoved || ev.Kind == core.UserBanned; ends &&
			(ev.Member != nil && ev.Member.User == k.user || ev.Target != nil && ev.Target.ID == k.user) {
			theirs = i + 1
		}
	}
	for _, ev := range evs[:theirs] {
		e.hub.deliver(ev)
	}
	if err := e.settleLeft(ctx, k, moved); err != nil {
		return err
	}
	for _, ev := range evs[theirs:] {
		e.hub.deliver(ev)
	}
	return nil
}

// errMoved is a membership that changed while it was looked at.
var errMoved = errors.New("the membership changed meanwhile")

// moved counts the memberships of a person that this node was told of.
func (h *hub) moved(k userKey) uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if p := h.people[k]; p != nil {
		return p.moved
	}
	return 0
}

// readOn delivers what an audience has not seen yet.
func (e *Engine) readOn(ctx context.Context, r roomKey) error {
	evs, err := e.unread(ctx, r)
	for _, ev := range evs {
		e.hub.deliver(ev)
	}
	return err
}

// unread reads what an audience has not seen yet.
func (e *Engine) unread(ctx context.Context, r roomKey) ([]*core.Event, error) {
	last, since, there := e.hub.heardUpTo(r)
	if !there {
		return nil, nil
	}
	rows, err := e.unheard(ctx, r, last, last, since, 1000)
	if err != nil {
		return nil, err
	}
	return e.rebuild(ctx, r.app, rows)
}

// settleJoined adds a person to an audience and tells them what happened since they came.
func (e *Engine) settleJoined(ctx context.Context, r roomKey, m *core.Member, moved uint64) error {
	rows, err := e.store.Events(ctx, r.app, r.ch, 0, m.CreatedAt.Add(-missedSlack), 1000)
	if err != nil {
		return err
	}
	evs, err := e.rebuild(ctx, r.app, rows)
	if err != nil {
		return err
	}
	from := len(evs)
	for i, ev := range evs {
		if from == len(evs) && !ev.At.Before(m.CreatedAt) { // who came without a word
			from = i
		}
		if ev.Kind == core.MemberAdded && (ev.Member != nil && ev.Member.User == m.User || ev.Target != nil && ev.Target.ID == m.User) {
			from = i
		}
	}
	fresh := false
	if !e.hub.unmoved(userKey{r.app, m.User}, moved, func() { fresh = e.hub.join(r.app, r.ch, m.User) }) {
		return errMoved
	}
	if !fresh {
		return nil
	}
	for _, ev := range evs[from:] {
		if !e.hub.deliverTo(ev, m.User) {
			e.hub.deliver(ev)
		}
	}
	return nil
}

// deliverTo tells one member of an event that the rest of the audience has had. It reports false when
// it has not.
func (h *hub) deliverTo(ev *core.Event, user core.UserID) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	a, p := h.rooms[roomKey{ev.App, ev.Channel.ID}], h.people[userKey{ev.App, user}]
	if a == nil || p == nil || ev.Ev > a.lastEv.Load() {
		return a == nil || p == nil
	}
	if len(ev.To) > 0 {
		return true // who is named was told
	}
	counts := h.count(p, user, ev)
	for s := range p.sessions {
		if _, watching := a.watchers[s]; watching {
			continue
		}
		as := core.AsMember | s.entered(ev)
		if s.everything {
			as |= core.AsWatcher
		} else if ev.Watchers {
			continue
		}
		s.sink(core.Delivery{Event: ev, As: as, Counts: counts})
	}
	return true
}

// settleLeft takes a person off an audience; who may read the channel all the same may go on watching.
func (e *Engine) settleLeft(ctx context.Context, k placeKey, moved uint64) error {
	cs, err := e.store.Channels(ctx, k.app, []core.ChannelID{k.ch})
	if err != nil {
		return err
	}
	gone := true
	if len(cs) > 0 {
		sc, err := e.enter(ctx, core.Actor{App: k.app, User: k.user, Access: core.AccessUser}, cs[0].Key)
		if err != nil && !fault.IsReason(err, fault.GroupNotFound) && !fault.IsReason(err, fault.UserNotFound) {
			return err
		}
		gone = err != nil || e.mayNotRead(sc)
	}
	if !e.hub.unmoved(userKey{k.app, k.user}, moved, func() { e.hub.leave(k.app, k.ch, k.user, gone) }) {
		return errMoved
	}
	return nil
}
