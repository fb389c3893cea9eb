package sqlite

import (
	"cmp"
	"slices"

	"dragoman/core"
	"dragoman/core/store"
)

// A feed has no rows of its own: it is the logs of a person's channels merged by stamp, and their
// box. Within a channel stamps rise with the numbers, so the first row of interest is found by
// halving, and a channel with nothing new is passed over by its head alone.

// maxFeedChannels bounds the channels of one feed.
const maxFeedChannels = 10_000

// snapshot runs fn on one state of the database: between two statements nothing may be committed,
// or an event could be passed over for good.
func (r *session) snapshot(fn func() error) error {
	if r.c == r.s.w.c { // in a transaction already
		return fn()
	}
	if err := r.c.exec("BEGIN"); err != nil {
		return err
	}
	err := fn()
	if end := r.c.exec("ROLLBACK"); err == nil { // nothing was written
		err = end
	}
	return err
}

// feedHeads implements store.Reader.
func (r *session) feedHeads(app core.AppID, user core.UserID, after core.Stamp) (out []store.FeedHead, err error) {
	err = r.snapshot(func() error {
		st, err := r.c.prepare("SELECT max(stamp) FROM boxes WHERE app = ? AND user = ? AND stamp > ?")
		if err != nil {
			return err
		}
		if _, err := st.int(int64(app)).text(string(user)).int(int64(after)).step(); err != nil {
			return err
		}
		if last := st.colInt(0); last > 0 {
			out = append(out, store.FeedHead{Last: core.Stamp(last)})
		}
		st.reset()
		st, err = r.c.prepare(`SELECT m.ch, h.last_stamp FROM members m INDEXED BY members_by_user JOIN heads h ON h.ch = m.ch
			WHERE m.app = ? AND m.user = ? AND h.last_stamp > ? ORDER BY h.last_stamp LIMIT ?`)
		if err != nil {
			return err
		}
		heads, err := collect(st.int(int64(app)).text(string(user)).int(int64(after)).int(maxFeedChannels), func(st *stmt, h *store.FeedHead) error {
			h.Channel, h.Last = core.ChannelID(st.colInt(0)), core.Stamp(st.colInt(1))
			return nil
		})
		out = append(out, heads...)
		return err
	})
	return out, err
}

// logOf is what a feed needs to know of one channel's log.
type logOf struct {
	ch      core.ChannelID
	seq, ev int64
	after   core.Stamp
}

// feed implements store.Reader.
func (r *session) feed(app core.AppID, q store.FeedQuery) (out []store.EventRow, err error) {
	n := int(bound(q.Limit, maxList))
	err = r.snapshot(func() error {
		if q.Channel == 0 {
			if out, err = r.box(app, q.User, q.After, n); err != nil || q.Own {
				return err
			}
		}
		logs, err := r.logs(app, q)
		if err != nil {
			return err
		}
		top := core.Stamp(1<<63 - 1) // rows above are not among the first n
		for _, l := range logs {
			rows, err := r.logAfter(l, top, n)
			if err != nil {
				return err
			}
			if out = append(out, rows...); len(out) > 4*n {
				out = first(out, n)
				top = out[n-1].Stamp
			}
		}
		out = first(out, n)
		return nil
	})
	return out, err
}

// first keeps the n rows with the lowest stamps, in order.
func first(rows []store.EventRow, n int) []store.EventRow {
	slices.SortFunc(rows, func(a, b store.EventRow) int { return cmp.Compare(a.Stamp, b.Stamp) })
	return rows[:min(n, len(rows))]
}

// box reads a person's box.
func (r *session) box(app core.AppID, user core.UserID, after core.Stamp, n int) ([]store.EventRow, error) {
	st, err := r.c.prepare("SELECT stamp, payload FROM boxes WHERE app = ? AND user = ? AND stamp > ? ORDER BY stamp LIMIT ?")
	if err != nil {
		return nil, err
	}
	return collect(st.int(int64(app)).text(string(user)).int(int64(after)).int(int64(n)), func(st *stmt, e *store.EventRow) error {
		e.Stamp, e.Payload = core.Stamp(st.colInt(0)), st.colBytes(1)
		return nil
	})
}

// logs finds the channels in which something happened that the person may learn.
func (r *session) logs(app core.AppID, q store.FeedQuery) ([]logOf, error) {
	sql := `SELECT m.ch, h.last_seq, h.last_ev, m.created_at FROM members m INDEXED BY members_by_user JOIN heads h ON h.ch = m.ch
		WHERE m.app = ? AND m.user = ? AND h.last_stamp > ? ORDER BY h.last_stamp LIMIT ?`
	if q.Channel != 0 {
		sql = `SELECT m.ch, h.last_seq, h.last_ev, m.created_at FROM members m JOIN heads h ON h.ch = m.ch
			WHERE m.app = ? AND m.user = ? AND h.last_stamp > ? AND m.ch = ?`
	}
	st, err := r.c.prepare(sql)
	if err != nil {
		return nil, err
	}
	last := int64(maxFeedChannels)
	if q.Channel != 0 {
		last = int64(q.Channel)
	}
	return collect(st.int(int64(app)).text(string(q.User)).int(int64(q.After)).int(last), func(st *stmt, l *logOf) error {
		l.ch, l.seq, l.ev = core.ChannelID(st.colInt(0)), st.colInt(1), st.colInt(2)
		l.after = max(q.After, core.StampAt(core.FromMillis(st.colInt(3)))-1)
		return nil
	})
}

// logAfter reads a channel's events with after < stamp <= top.
func (r *session) logAfter(l logOf, top core.Stamp, n int) ([]store.EventRow, error) {
	low, err := r.halve("SELECT id, stamp FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT 1", l, l.ev)
	if err != nil {
		return nil, err
	}
	st, err := r.c.prepare("SELECT " + eventCols + " FROM events WHERE id > ? AND id <= ? AND stamp > ? AND stamp <= ? ORDER BY id LIMIT ?")
	if err != nil {
		return nil, err
	}
	rows, err := collect(st.int(rowOf(l.ch, low)).int(rowOf(l.ch, seqMask)).int(int64(l.after)).int(int64(top)).int(int64(n)),
		func(st *stmt, e *store.EventRow) error { return scanEvent(st, 0, e) })
	if err != nil {
		return nil, err
	}
	if low, err = r.halve("SELECT id, msg_id FROM messages WHERE id > ? AND id <= ? AND ev IS NOT NULL ORDER BY id LIMIT 1", l, l.seq); err != nil {
		return nil, err
	}
	if st, err = r.c.prepare(`SELECT id, ev, created_at, user, msg_id FROM messages WHERE id > ? AND id <= ? AND ev IS NOT NULL
		AND msg_id > ? AND msg_id <= ? ORDER BY id LIMIT ?`); err != nil {
		return nil, err
	}
	sent, err := collect(st.int(rowOf(l.ch, low)).int(rowOf(l.ch, seqMask)).int(int64(l.after)).int(int64(top)).int(int64(n)),
		func(st *stmt, e *store.EventRow) error {
			scanSent(st, 0, e)
			return nil
		})
	return append(rows, sent...), err
}

// halve finds the number within the channel after which rows have a stamp above l.after. probe
// selects the first row between two, and its stamp.
func (r *session) halve(probe string, l logOf, last int64) (int64, error) {
	st, err := r.c.prepare(probe)
	if err != nil {
		return 0, err
	}
	low, high := int64(0), last
	for low < high {
		mid := (low + high) / 2
		more, err := st.int(rowOf(l.ch, mid)).int(rowOf(l.ch, high)).step()
		if err != nil {
			return 0, err
		}
		if !more || core.Stamp(st.colInt(1)) > l.after {
			high = mid
		} else {
			low = st.colInt(0) & seqMask
		}
		st.reset()
	}
	return low, nil
}

// NextStamp implements store.Tx.
func (t *tx) NextStamp() core.Stamp { return core.Stamp(t.w.ids.next()) }

// AppendBox implements store.Tx.
func (t *tx) AppendBox(app core.AppID, users []core.UserID, stamp core.Stamp, payload []byte) error {
	for _, u := range users {
		if err := t.exec("INSERT OR REPLACE INTO boxes (app, user, stamp, payload) VALUES (?, ?, ?, ?)", func(st *stmt) {
			st.int(int64(app)).text(string(u)).int(int64(stamp)).text(string(payload))
		}); err != nil {
			return err
		}
	}
	return nil
}

// TrimBox implements store.Tx.
func (t *tx) TrimBox(app core.AppID, user core.UserID, upTo core.Stamp) error {
	return t.exec("DELETE FROM boxes WHERE app = ? AND user = ? AND stamp <= ?", func(st *stmt) {
		st.int(int64(app)).text(string(user)).int(int64(upTo))
	})
}
