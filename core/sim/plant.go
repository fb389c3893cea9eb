package sim

import (
	"encoding/json"
	"fmt"

	"dragoman/core"
	"dragoman/core/store"
)

// Plant is a fault that is put in on purpose, between the engine and its store, to see whether the
// checks find it.
type Plant int

// The faults.
const (
	Nothing       Plant = iota
	LostOutbox          // an event in twenty is not queued for webhooks
	DoubledResend       // a name that was stored is forgotten: a message sent again is stored again
	StaleFence          // a node that lost the lease reads that it holds it
	ReorderedFeed       // a feed leaves out its last row but one, once, as if it were not yet committed
	UnreadDrift         // a send in ten does not move its author's read position
	plants        int   = iota
)

// Plants are all of them.
func Plants() []Plant {
	var out []Plant
	for p := LostOutbox; int(p) < plants; p++ {
		out = append(out, p)
	}
	return out
}

// String names the fault.
func (p Plant) String() string {
	return [...]string{"nothing", "a lost outbox row", "a doubled resend", "a stale fence", "a reordered feed", "an unread drift"}[p]
}

// plantAppend spoils an append.
func (w *world) plantAppend(in *store.Append) {
	f := w.seed.str("plant").str(in.Message.Text)
	switch w.opt.Plant {
	case LostOutbox:
		in.Outbox = in.Outbox && !f.chance(0.05)
	case UnreadDrift:
		in.MoveRead = in.MoveRead && !f.chance(0.1)
	case DoubledResend:
		w.mu.Lock()
		if w.held[in.Message.Text] { // it was tried before
			in.Message.Alias = ""
		}
		w.held[in.Message.Text] = true
		w.mu.Unlock()
	}
}

// plantsLostRow reports whether an event that is not a new message is kept from the outbox.
func (w *world) plantsLostRow(e *store.EventRow) bool {
	return w.opt.Plant == LostOutbox && w.seed.str("plant").num(uint64(e.Channel)).num(uint64(e.Message)).str(string(e.Kind)).chance(0.05) //nolint:gosec // a name
}

// staleLease is the lease as a node would like it.
func staleLease(b []byte, name string) []byte {
	var row struct {
		Owner string `json:"owner"`
		Beat  int64  `json:"beat"`
	}
	if json.Unmarshal(b, &row) != nil {
		return b
	}
	row.Owner = name
	out, err := json.Marshal(row)
	if err != nil {
		return b
	}
	return out
}

// ownerOf reads who holds a lease.
func ownerOf(b []byte) string {
	var row struct {
		Owner string `json:"owner"`
	}
	_ = json.Unmarshal(b, &row) // nobody then
	return row.Owner
}

// plantFeed spoils a page of a feed, once for each row.
func (w *world) plantFeed(u core.UserID, rows []store.EventRow) []store.EventRow {
	if w.opt.Plant != ReorderedFeed || len(rows) < 2 {
		return rows
	}
	i := len(rows) - 2
	id := fmt.Sprint(u, rows[i].Stamp)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[id] {
		return rows
	}
	w.held[id] = true
	return append(rows[:i:i], rows[i+1:]...)
}
