package engine

import (
	"sync"

	"dragoman/core"
)

// heads are the channels in which this node has written lately. They are told twice, with the beats
// after the next one: by then their events have arrived, or are lost.
type heads struct {
	mu             sync.Mutex
	now, prev, old map[roomKey]int64
	unsure         []unsureOf
}

// unsureOf is a write whose outcome is not known.
type unsureOf struct {
	room   roomKey
	drops  []invalidation
	rounds int
}

// wroteIn is the head of a channel in a beat; Ev 0 asks to look.
type wroteIn struct {
	App core.AppID     `json:"a"`
	Ch  core.ChannelID `json:"c"`
	Ev  int64          `json:"e,omitempty"`
}

func newHeads() *heads { return &heads{now: map[roomKey]int64{}} }

// note keeps the newest event of a channel; 0 when it is not known.
func (h *heads) note(k roomKey, ev int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, have := h.now[k]
	switch {
	case !have && len(h.now) >= headsMost:
	case have && (old == 0 || ev != 0 && ev < old):
	default:
		h.now[k] = ev
	}
}

// doubt keeps a write of unknown outcome.
func (h *heads) doubt(u unsureOf) {
	u.rounds = unsureRounds
	h.mu.Lock()
	h.unsure = append(h.unsure, u)
	h.mu.Unlock()
}

// turn is called with every beat and answers what to tell, and what is still in doubt.
func (h *heads) turn() (tell []wroteIn, unsure []unsureOf) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now, h.prev, h.old = map[roomKey]int64{}, h.now, h.prev
	for k, ev := range h.prev {
		tell = append(tell, wroteIn{k.app, k.ch, ev})
	}
	for k, ev := range h.old {
		if _, again := h.prev[k]; !again {
			tell = append(tell, wroteIn{k.app, k.ch, ev})
		}
	}
	kept := h.unsure[:0]
	for _, u := range h.unsure {
		unsure = append(unsure, u)
		if u.rounds--; u.rounds > 0 {
			kept = append(kept, u)
		}
	}
	h.unsure = kept
	return tell, unsure
}

// doubtful is called after a write of unknown outcome: if it was done, the caches of all nodes are
// wrong and nobody was told of its events.
func (e *Engine) doubtful(u unsureOf) {
	e.check(u)
	e.kit.heads.doubt(u)
}

// check forgets what a write may have changed and looks whether it did.
func (e *Engine) check(u unsureOf) {
	for i := range u.drops {
		_ = e.forget(u.drops[i]) // publish has reported it; it is told again
		e.lookAtPlaces(&u.drops[i])
	}
	if u.room.ch != 0 {
		e.kit.look.room(u.room)
		e.kit.heads.note(u.room, 0)
	}
}
