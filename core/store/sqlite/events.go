package sqlite

import (
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// Events live in two places. Most are message.sent and say no more than their message does: these
// are read from messages.ev, which saves a row and a page on every append. The others have rows.

// events merges both by number.
func (r *session) events(app core.AppID, ch core.ChannelID, after int64, since time.Time, limit int) ([]store.EventRow, error) {
	st, err := r.c.prepare("SELECT h.last_seq, h.last_ev FROM heads h JOIN channels c ON c.id = h.ch WHERE h.ch = ? AND c.app = ?")
	if err != nil {
		return nil, err
	}
	more, err := st.int(int64(ch)).int(int64(app)).step()
	if err != nil || !more {
		return nil, err
	}
	lastSeq, lastEv := st.colInt(0), st.colInt(1)
	st.reset()
	after = max(after, 0)
	if after >= lastEv {
		return nil, nil
	}
	n := bound(limit, maxList)
	st, err = r.c.prepare("SELECT " + eventCols + " FROM events WHERE id > ? AND id <= ? AND at >= ? ORDER BY id LIMIT ?")
	if err != nil {
		return nil, err
	}
	rows, err := collect(st.int(rowOf(ch, after)).int(rowOf(ch, seqMask)).int(millis(since)).int(n),
		func(st *stmt, e *store.EventRow) error { return scanEvent(st, 0, e) })
	if err != nil {
		return nil, err
	}
	sent, err := r.sentEvents(ch, after, lastSeq, since, n)
	if err != nil {
		return nil, err
	}
	return merge(rows, sent, int(n)), nil
}

// sentEvents reads the events that are messages. Both numbers of a channel rise together, so the
// first message above an event number is found by halving.
func (r *session) sentEvents(ch core.ChannelID, after, lastSeq int64, since time.Time, n int64) ([]store.EventRow, error) {
	probe, err := r.c.prepare("SELECT id, ev FROM messages WHERE id > ? AND id <= ? AND ev IS NOT NULL ORDER BY id LIMIT 1")
	if err != nil {
		return nil, err
	}
	low, high := int64(0), lastSeq // the first one wanted has low < seq, if it has seq <= high
	for low < high {
		mid := (low + high) / 2
		more, err := probe.int(rowOf(ch, mid)).int(rowOf(ch, high)).step()
		if err != nil {
			return nil, err
		}
		if !more || probe.colInt(1) > after {
			high = mid
		} else {
			low = probe.colInt(0) & seqMask
		}
		probe.reset()
	}
	st, err := r.c.prepare(`SELECT id, ev, created_at, user, msg_id FROM messages WHERE id > ? AND id <= ? AND ev > ? AND created_at >= ?
		ORDER BY id LIMIT ?`)
	if err != nil {
		return nil, err
	}
	return collect(st.int(rowOf(ch, low)).int(rowOf(ch, seqMask)).int(after).int(millis(since)).int(n), func(st *stmt, e *store.EventRow) error {
		scanSent(st, 0, e)
		return nil
	})
}

// merge takes the first n of two ordered lists.
func merge(a, b []store.EventRow, n int) []store.EventRow {
	if len(a) == 0 {
		return b
	}
	out := make([]store.EventRow, 0, min(n, len(a)+len(b)))
	for len(out) < n && len(a)+len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].Ev < b[0].Ev {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return out
}

// eventCols are the columns scanEvent reads.
const eventCols = "id, kind, at, actor, message, payload, stamp"

// scanEvent reads an event from the columns that start at i.
func scanEvent(st *stmt, i int32, e *store.EventRow) error {
	row := st.colInt(i)
	e.Channel, e.Ev, e.Kind, e.At = core.ChannelID(row>>31), row&seqMask, core.EventKind(st.colText(i+1)), core.FromMillis(st.colInt(i+2))
	e.Actor, e.Message, e.Payload = core.UserID(st.colText(i+3)), core.MessageID(st.colInt(i+4)), st.colBytes(i+5)
	e.Stamp = core.Stamp(st.colInt(i + 6))
	return nil
}

// scanSent reads the event of a message from the columns that start at i.
func scanSent(st *stmt, i int32, e *store.EventRow) {
	e.Channel, e.Ev, e.Kind = core.ChannelID(st.colInt(i)>>31), st.colInt(i+1), core.MessageSent
	e.At, e.Actor, e.Message = core.FromMillis(st.colInt(i+2)), core.UserID(st.colText(i+3)), core.MessageID(st.colInt(i+4))
	e.Stamp = core.Stamp(e.Message)
}

// outbox reads what waits for hooks. An event whose message is gone keeps its numbers and ids.
func (r *session) outbox(limit int) ([]store.OutboxRow, error) {
	st, err := r.c.prepare(`SELECT o.id, o.app, o.payload, o.event, o.message, e.id, e.kind, e.at, e.actor, e.message, e.payload, e.stamp,
		m.id, m.ev, m.created_at, m.user, m.msg_id
		FROM outbox o LEFT JOIN events e ON e.id = o.event AND o.message IS NULL
		LEFT JOIN messages m ON m.msg_id = o.message AND m.app = o.app ORDER BY o.id LIMIT ?`)
	if err != nil {
		return nil, err
	}
	return collect(st.int(bound(limit, maxList)), func(st *stmt, o *store.OutboxRow) error {
		o.ID, o.App, o.Payload = st.colInt(0), core.AppID(st.colInt(1)), st.colBytes(2)
		switch row := st.colInt(3); {
		case row == 0:
		case !st.isNull(5):
			return scanEvent(st, 5, &o.Event)
		case !st.isNull(12):
			scanSent(st, 12, &o.Event)
		case !st.isNull(4):
			o.Event = store.EventRow{Channel: core.ChannelID(row >> 31), Ev: row & seqMask, Kind: core.MessageSent, Message: core.MessageID(st.colInt(4))}
		default:
			o.Event = store.EventRow{Channel: core.ChannelID(row >> 31), Ev: row & seqMask}
		}
		return nil
	})
}
