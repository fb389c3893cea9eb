package engine

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Cursors move with every message a device takes, so they are gathered in memory and written a few
// times a second: what a crash forgets is told again, which at-least-once allows.

// cursorDelay is how long a move may wait for its write.
const cursorDelay = 500 * time.Millisecond

// maxCursors bounds the cursors of one person that are read: queues of all their devices.
const maxCursors = 1000

// cursor is the record of space cursors.
type cursor struct {
	Stamp core.Stamp `json:"stamp"`
	// Base is, in a device's first record (of the key baseKey), the stamp of the moment it came.
	Base core.Stamp `json:"base,omitempty"`
}

// baseKey stands in the place of a channel's key in a device's first record; no key has a zero byte.
const baseKey = "\x00"

// deviceKey is a device of a person; the empty device stands for the furthest of them all.
type deviceKey struct {
	userKey
	device string
}

// markKey is one queue of a device.
type markKey struct {
	deviceKey
	queue core.ChannelKey
}

// marks are the cursors not yet written.
type marks struct {
	mu    sync.Mutex
	dirty map[markKey]core.Stamp
	wake  chan struct{}
}

func newMarks() *marks {
	return &marks{dirty: map[markKey]core.Stamp{}, wake: make(chan struct{}, 1)}
}

// move notes that a device, and with it its person, has come to a stamp.
func (m *marks) move(d deviceKey, queue core.ChannelKey, s core.Stamp) {
	m.mu.Lock()
	for _, k := range []markKey{{d, queue}, {deviceKey{d.userKey, ""}, queue}} {
		if s > m.dirty[k] {
			m.dirty[k] = s
		}
	}
	m.mu.Unlock()
	kick(m.wake)
}

// over lays the moves not yet written over what is stored.
func (m *marks) over(p *positions, d deviceKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, s := range m.dirty {
		switch k.deviceKey {
		case d:
			p.own[k.queue] = max(p.own[k.queue], s)
		case deviceKey{d.userKey, ""}:
			p.any[k.queue] = max(p.any[k.queue], s)
		}
	}
}

// runCursors writes moves until ctx ends, and what is left then.
func (e *Engine) runCursors(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			e.writeCursors(context.WithoutCancel(ctx))
			return
		case <-e.kit.marks.wake:
		}
		wait := time.NewTimer(cursorDelay)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
		e.writeCursors(ctx)
	}
}

// writeCursors writes the moves gathered so far, an app at a time. What cannot be written stays.
func (e *Engine) writeCursors(ctx context.Context) {
	m := e.kit.marks
	m.mu.Lock()
	apps := map[core.AppID]map[markKey]core.Stamp{}
	for k, s := range m.dirty {
		if apps[k.app] == nil {
			apps[k.app] = map[markKey]core.Stamp{}
		}
		apps[k.app][k] = s
	}
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, fillGapLimit)
	defer cancel()
	for app, moves := range apps {
		err := e.update(ctx, "feeds.cursors", app, 0, func(t *txn) error {
			for k, s := range moves {
				key := keyOf(string(k.user), k.device, string(k.queue))
				old, _, err := record[cursor](ctx, t, app, spaceCursors, key)
				if err != nil {
					return err
				}
				if s <= old.Stamp {
					continue
				}
				if err := putJSON(t, spaceCursors, key, &cursor{Stamp: s}); err != nil {
					return err
				}
				if k.queue == "" && k.device == "" {
					if err := t.TrimBox(app, k.user, core.StampAt(e.now().Add(-core.FeedAge))); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			if ctx.Err() == nil {
				e.opts.Report("cursors of feeds cannot be written", err)
			}
			kick(m.wake)
			continue
		}
		m.mu.Lock()
		for k, s := range moves {
			if m.dirty[k] == s {
				delete(m.dirty, k)
			}
		}
		m.mu.Unlock()
	}
}

// positions is how far a device has come, queue by queue.
type positions struct {
	own, any map[core.ChannelKey]core.Stamp
	base     core.Stamp // when the device came
	floor    core.Stamp // before which nobody is told anything
}

// of is where a queue goes on. A queue the device never took from starts where the person's other
// devices were, but not after the device itself came.
func (p *positions) of(queue core.ChannelKey) core.Stamp {
	if s, ok := p.own[queue]; ok {
		return max(s, p.floor)
	}
	if s, ok := p.any[queue]; ok {
		return max(min(s, p.base), p.floor)
	}
	return p.floor
}

// lowest is a stamp at or below the cursor of every queue.
func (p *positions) lowest() core.Stamp { return p.floor }

// positions reads the cursors of a device, which is noted when it is new.
func (e *Engine) positions(ctx context.Context, by core.Actor, device string) (*positions, error) {
	if by.User == "" || device == "" || strings.Contains(device, "\x00") {
		return nil, fault.RequestInvalid.Error("a cursor belongs to a device of a user")
	}
	u, err := e.user(ctx, by.App, by.User)
	if err != nil {
		return nil, err
	}
	p := &positions{own: map[core.ChannelKey]core.Stamp{}, any: map[core.ChannelKey]core.Stamp{}}
	p.floor = max(core.StampAt(u.CreatedAt)-1, core.StampAt(e.now().Add(-core.FeedAge)))
	// Moves are looked at before the store, too: one that is written meanwhile is in neither otherwise.
	d := deviceKey{userKey{by.App, by.User}, device}
	e.kit.marks.over(p, d)
	read := func(device string, into map[core.ChannelKey]core.Stamp) error {
		prefix := prefixOf(string(by.User), device)
		for after := ""; ; {
			rows, err := e.store.Records(ctx, by.App, spaceCursors, prefix, after, false, maxCursors)
			if err != nil {
				return err
			}
			for _, r := range rows {
				var c cursor
				if err := json.Unmarshal(r.Value, &c); err != nil {
					return err
				}
				after = r.Key
				if queue := strings.TrimPrefix(r.Key, prefix); queue == baseKey {
					p.base = c.Base
				} else {
					into[core.ChannelKey(queue)] = max(into[core.ChannelKey(queue)], c.Stamp)
				}
			}
			if len(rows) < maxCursors {
				return nil
			}
		}
	}
	if err := read("", p.any); err != nil {
		return nil, err
	}
	if err := read(device, p.own); err != nil {
		return nil, err
	}
	if p.base == 0 {
		err := e.update(ctx, "feeds.device", by.App, 0, func(t *txn) error {
			p.base = t.NextStamp()
			return putJSON(t, spaceCursors, keyOf(string(by.User), device, baseKey), &cursor{Base: p.base})
		})
		if err != nil {
			return nil, err
		}
	}
	e.kit.marks.over(p, d)
	return p, nil
}
