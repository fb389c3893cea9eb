package engine

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// The pace of rooms.
const (
	roomGrace   = 30 * time.Second // before who lost their connection leaves
	seatsTick   = time.Minute      // between looks for seats of nodes that are gone
	nodeExpires = 4 * time.Minute  // of silence, after which a node counts as gone
	roomsRun    = 100              // rooms looked at in one go
)

// leaving is who has lost their last connection to a room and leaves it when the grace is over. The
// times are the wall clock's: they measure a pause in this process.
type leaving struct {
	mu   sync.Mutex
	at   map[placeKey]time.Time
	keys map[placeKey]core.ChannelKey
}

func newLeaving() *leaving {
	return &leaving{at: map[placeKey]time.Time{}, keys: map[placeKey]core.ChannelKey{}}
}

func (l *leaving) add(k placeKey, key core.ChannelKey, at time.Time) {
	l.mu.Lock()
	l.at[k], l.keys[k] = at, key
	l.mu.Unlock()
}

func (l *leaving) cancel(k placeKey) {
	l.mu.Lock()
	delete(l.at, k)
	delete(l.keys, k)
	l.mu.Unlock()
}

// due takes out those whose time has come.
func (l *leaving) due(now time.Time) map[placeKey]core.ChannelKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out map[placeKey]core.ChannelKey
	for k, at := range l.at {
		if now.Before(at) {
			continue
		}
		if out == nil {
			out = map[placeKey]core.ChannelKey{}
		}
		out[k] = l.keys[k]
		delete(l.at, k)
		delete(l.keys, k)
	}
	return out
}

// bind ties a presence in a room to the connection of the actor; false if there is none here.
func (h *hub) bind(by core.Actor, ch core.ChannelID, key core.ChannelKey) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[by.Connection]
	if s == nil || s.by.App != by.App || s.by.User != by.User {
		return false
	}
	if s.rooms == nil {
		s.rooms = map[core.ChannelID]core.ChannelKey{}
	}
	s.rooms[ch] = key
	return true
}

// unbind takes a room off the connection of the actor.
func (h *hub) unbind(by core.Actor, ch core.ChannelID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[by.Connection]; s != nil {
		delete(s.rooms, ch)
	}
}

// vacate notes which rooms lose their person with the connection. The lock is held.
func (h *hub) vacate(s *session) {
	p := h.people[userKey{s.by.App, s.by.User}]
	for ch, key := range s.rooms {
		held := false
		if p != nil {
			for other := range p.sessions {
				_, in := other.rooms[ch]
				held = held || other != s && in
			}
		}
		if !held {
			h.e.kit.leaving.add(placeKey{s.by.App, ch, s.by.User}, key, time.Now().Add(cmp.Or(h.e.opts.RoomGrace, roomGrace)))
		}
	}
}

// bound reports whether a connection here holds the person in the room.
func (h *hub) bound(k placeKey) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if p := h.people[userKey{k.app, k.user}]; p != nil {
		for s := range p.sessions {
			if _, in := s.rooms[k.ch]; in {
				return true
			}
		}
	}
	return false
}

func (e *Engine) seatKey(node string, app core.AppID, key core.ChannelKey, user core.UserID) string {
	return keyOf(node, strconv.FormatInt(int64(app), 10), string(key), string(user))
}

// seat notes that a connection of this node holds a person in a room.
func (e *Engine) seat(t *txn, key core.ChannelKey, user core.UserID) error {
	if last := e.kit.seenAt.Load(); last == 0 || e.now().Sub(core.FromMillis(last)) >= seatsTick {
		if err := putJSON(t.as(allApps), spaceNodes, e.node, &nodeSeen{At: e.now()}); err != nil {
			return err
		}
		t.then(func() { e.kit.seenAt.Store(core.Millis(e.now())) })
	}
	return t.PutRecord(allApps, spaceRoomSeats, e.seatKey(e.node, t.app, key, user), nothing)
}

// nodeSeen is when a node that holds seats was last there.
type nodeSeen struct {
	At time.Time `json:"at"`
}

// as is the transaction for records of another app.
func (t *txn) as(app core.AppID) *txn {
	c := *t
	c.app = app
	return &c
}

// nodes lists the nodes that hold seats.
func (e *Engine) nodes(ctx context.Context, r store.Reader) (map[string]nodeSeen, error) {
	rows, err := r.Records(ctx, allApps, spaceNodes, "", "", false, maxListedByID)
	if err != nil {
		return nil, err
	}
	out := make(map[string]nodeSeen, len(rows))
	for i := range rows {
		seen, _, err := record[nodeSeen](ctx, r, allApps, spaceNodes, rows[i].Key)
		if err != nil {
			return nil, err
		}
		out[rows[i].Key] = seen
	}
	return out, nil
}

// vacated ends a presence that no connection of this node holds, unless another node's does.
func (e *Engine) vacated(ctx context.Context, node string, app core.AppID, key core.ChannelKey, user core.UserID) error {
	held := false
	err := e.update(ctx, "rooms.vacate", app, 0, func(t *txn) error {
		nodes, err := e.nodes(ctx, t)
		if err != nil {
			return err
		}
		for other := range nodes {
			if other == node {
				continue
			}
			_, found, err := record[struct{}](ctx, t, allApps, spaceRoomSeats, e.seatKey(other, app, key, user))
			if err != nil {
				return err
			}
			held = held || found
		}
		return t.DeleteRecord(allApps, spaceRoomSeats, e.seatKey(node, app, key, user))
	})
	if err != nil || held {
		return err
	}
	by := core.Actor{App: app, User: user, Access: core.AccessUser}
	_, err = rooms{e}.Leave(ctx, by, core.LeaveRoom{Key: key})
	if f := fault.From(err); err != nil && f.Reason.Blame() == fault.BlameClient {
		return nil // gone already, with the room or before it
	}
	return err
}

// runRooms ends presences whose connections are gone, and rooms whose time is over, until ctx ends.
func (e *Engine) runRooms(ctx context.Context) {
	pace := max(min(time.Second, cmp.Or(e.opts.RoomGrace, roomGrace)/4), 5*time.Millisecond)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	swept, failing := time.Time{}, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := e.leaveDue(ctx)
		if time.Since(swept) >= seatsTick {
			swept = time.Now()
			err = errors.Join(err, e.sweepSeats(ctx))
		}
		err = errors.Join(err, e.endRooms(ctx))
		if err != nil && !failing && ctx.Err() == nil {
			e.opts.Report("rooms cannot be tended", err)
		}
		failing = err != nil
	}
}

func (e *Engine) leaveDue(ctx context.Context) error {
	var errs error
	for k, key := range e.kit.leaving.due(time.Now()) {
		if e.hub.bound(k) {
			continue
		}
		if err := e.vacated(ctx, e.node, k.app, key, k.user); err != nil {
			errs = errors.Join(errs, err)
			e.kit.leaving.add(k, key, time.Now().Add(roomGrace))
		}
	}
	return errs
}

// sweepSeats says that this node is there, and clears the seats of nodes that are gone: what a
// process that ended without closing its connections left behind.
func (e *Engine) sweepSeats(ctx context.Context) error {
	nodes, err := e.nodes(ctx, e.store)
	if err != nil || len(nodes) == 0 {
		return err
	}
	if _, mine := nodes[e.node]; mine {
		err := e.update(ctx, "rooms.node", allApps, 0, func(t *txn) error { return putJSON(t, spaceNodes, e.node, &nodeSeen{At: e.now()}) })
		if err != nil {
			return err
		}
	}
	for node, seen := range nodes {
		if node == e.node || e.now().Sub(seen.At) < nodeExpires {
			continue
		}
		if err := e.sweepNode(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) sweepNode(ctx context.Context, node string) error {
	for {
		rows, err := e.store.Records(ctx, allApps, spaceRoomSeats, prefixOf(node), "", false, roomsRun)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return e.update(ctx, "rooms.node", allApps, 0, func(t *txn) error { return t.DeleteRecord(allApps, spaceNodes, node) })
		}
		for i := range rows {
			part := strings.Split(rows[i].Key, "\x00")
			if len(part) != 4 {
				continue
			}
			app, err := strconv.ParseInt(part[1], 10, 64)
			if err != nil {
				return err
			}
			if err := e.vacated(ctx, node, core.AppID(app), core.ChannelKey(part[2]), core.UserID(part[3])); err != nil {
				return err
			}
		}
	}
}
