package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"dragoman/core"
	"dragoman/core/store"
)

// A feed has no rows of its own: it is the logs of a person's channels merged by stamp, and their
// box. Stamps are given out by the database, to all nodes, but transactions may commit in another
// order: what lies at or above the first stamp of a transaction under way is held back until that
// has ended, or a reader would go on from there and miss it. See settled_below in the migrations.

// maxFeedChannels bounds the channels of one feed.
const maxFeedChannels = 10_000

// settleWait is how long a feed waits for a transaction under way before it answers without what
// lies above it. Such transactions take milliseconds.
const settleWait = 250 * time.Millisecond

// replaceCol puts a column into an SQL text.
func replaceCol(sql, col string) string { return strings.ReplaceAll(sql, "%s", col) }

// floor is the stamp below which everything can be seen, as of some moment: it only rises, so an
// old one is right, if low. One look serves all who wait for it.
type floor struct {
	mu   sync.Mutex
	last core.Stamp
	next *look
}

// look is a question to the database that several readers wait for.
type look struct {
	done  chan struct{}
	below core.Stamp
	err   error
}

// fresh asks the database, together with others who ask in the same moment. A look that began
// before the call will do: what the caller has seen was committed before.
func (f *floor) fresh(ctx context.Context, s *Store) (core.Stamp, error) {
	f.mu.Lock()
	l := f.next
	if l == nil {
		l = &look{done: make(chan struct{})}
		f.next = l
		f.mu.Unlock()
		l.err = s.one(ctx, "SELECT settled_below()", nil, num(&l.below))
		f.mu.Lock()
		f.next = nil
		f.last = max(f.last, l.below)
		f.mu.Unlock()
		close(l.done)
		return l.below, l.err
	}
	f.mu.Unlock()
	select {
	case <-l.done:
		if l.err != nil && ctx.Err() == nil { // the other one's deadline, perhaps
			var below core.Stamp
			err := s.one(ctx, "SELECT settled_below()", nil, num(&below))
			return below, err
		}
		return l.below, l.err
	case <-ctx.Done():
		return 0, ended(ctx)
	}
}

// settled runs read until all it answers lies below the floor, or patience ends; then it cuts. Rows
// must be read after the floor was asked for.
func settled[T any](ctx context.Context, r *session, read func(*session) ([]T, error), stamp func(T) core.Stamp, cut func([]T, core.Stamp) []T) ([]T, error) {
	if r.tx != nil { // a transaction sees what it sees
		return read(r)
	}
	r.s.floor.mu.Lock()
	below := r.s.floor.last
	r.s.floor.mu.Unlock()
	end := time.Now().Add(settleWait)
	for pause := time.Millisecond; ; pause *= 2 {
		out, err := snapshot(ctx, r.s, read)
		if err != nil {
			return nil, err
		}
		open := slices.IndexFunc(out, func(v T) bool { return stamp(v) >= below })
		if open < 0 {
			return out, nil
		}
		if time.Now().After(end) {
			return cut(out, below), nil
		}
		if pause > time.Millisecond {
			select {
			case <-time.After(pause / 2):
			case <-ctx.Done():
				return nil, ended(ctx)
			}
		}
		if below, err = r.s.floor.fresh(ctx, r.s); err != nil {
			return nil, err
		}
	}
}

// snapshot runs fn on one state of the database: between two statements nothing may be committed,
// or an event could be passed over for good.
func snapshot[T any](ctx context.Context, s *Store, fn func(*session) (T, error)) (out T, err error) {
	done, err := s.begin()
	if err != nil {
		return out, err
	}
	defer done()
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(t pgx.Tx) error {
		out, err = fn(&session{q: t, s: s})
		return err
	})
	return out, failure(err)
}

// FeedHeads implements store.Reader.
func (r *session) FeedHeads(ctx context.Context, app core.AppID, user core.UserID, after core.Stamp) ([]store.FeedHead, error) {
	return settled(ctx, r, func(r *session) ([]store.FeedHead, error) {
		return collect(ctx, r, `SELECT 0::bigint, max(stamp) FROM boxes WHERE app = $1 AND person = $2 AND stamp > $3 HAVING max(stamp) IS NOT NULL
			UNION ALL (SELECT m.ch, h.last_stamp FROM members m CROSS JOIN LATERAL (SELECT last_stamp FROM heads WHERE ch = m.ch AND last_stamp > $3 OFFSET 0) h
			WHERE m.app = $1 AND m.person = $2 ORDER BY h.last_stamp LIMIT $4)`, args(int64(app), enc(user), int64(after), int64(maxFeedChannels)),
			func(rows pgx.Rows, h *store.FeedHead) error { return failure(rows.Scan(num(&h.Channel), num(&h.Last))) })
	}, func(h store.FeedHead) core.Stamp { return h.Last }, func(hs []store.FeedHead, below core.Stamp) []store.FeedHead {
		for i := range hs {
			hs[i].Last = min(hs[i].Last, below-1)
		}
		return slices.DeleteFunc(hs, func(h store.FeedHead) bool { return h.Last <= after })
	})
}

// logOf is what a feed needs to know of one channel's log.
type logOf struct {
	ch      core.ChannelID
	seq, ev int64
	after   core.Stamp
}

// Feed implements store.Reader.
func (r *session) Feed(ctx context.Context, app core.AppID, q store.FeedQuery) ([]store.EventRow, error) {
	n := int(bound(q.Limit, maxList))
	return settled(ctx, r, func(r *session) ([]store.EventRow, error) { return r.feed(ctx, app, q, n) },
		func(e store.EventRow) core.Stamp { return e.Stamp },
		func(es []store.EventRow, below core.Stamp) []store.EventRow {
			return slices.DeleteFunc(es, func(e store.EventRow) bool { return e.Stamp >= below })
		})
}

// feed reads the first n rows of a feed.
func (r *session) feed(ctx context.Context, app core.AppID, q store.FeedQuery, n int) (out []store.EventRow, err error) {
	if q.Channel == 0 {
		if out, err = r.box(ctx, app, q.User, q.After, n); err != nil || q.Own {
			return out, err
		}
	}
	logs, err := r.logs(ctx, app, q)
	if err != nil {
		return nil, err
	}
	top := core.Stamp(1<<62 - 1) // rows above are not among the first n
	for _, l := range logs {
		rows, err := r.logAfter(ctx, l, top, n)
		if err != nil {
			return nil, err
		}
		if out = append(out, rows...); len(out) > 4*n {
			out = first(out, n)
			top = out[n-1].Stamp
		}
	}
	return first(out, n), nil
}

// first keeps the n rows with the lowest stamps, in order.
func first(rows []store.EventRow, n int) []store.EventRow {
	slices.SortFunc(rows, func(a, b store.EventRow) int { return cmp.Compare(a.Stamp, b.Stamp) })
	return rows[:min(n, len(rows))]
}

// box reads a person's box.
func (r *session) box(ctx context.Context, app core.AppID, user core.UserID, after core.Stamp, n int) ([]store.EventRow, error) {
	return collect(ctx, r, "SELECT stamp, payload FROM boxes WHERE app = $1 AND person = $2 AND stamp > $3 ORDER BY stamp LIMIT $4",
		args(int64(app), enc(user), int64(after), int64(n)), func(rows pgx.Rows, e *store.EventRow) error {
			return failure(rows.Scan(num(&e.Stamp), &e.Payload))
		})
}

// logs finds the channels in which something happened that the person may learn.
func (r *session) logs(ctx context.Context, app core.AppID, q store.FeedQuery) ([]logOf, error) {
	return collect(ctx, r, `SELECT m.ch, h.last_seq, h.last_ev, m.created_at FROM members m
		CROSS JOIN LATERAL (SELECT last_seq, last_ev, last_stamp FROM heads WHERE ch = m.ch AND last_stamp > $3 OFFSET 0) h
		WHERE m.app = $1 AND m.person = $2 AND ($5::bigint = 0 OR m.ch = $5) ORDER BY h.last_stamp LIMIT $4`,
		args(int64(app), enc(q.User), int64(q.After), int64(maxFeedChannels), int64(q.Channel)), func(rows pgx.Rows, l *logOf) error {
			var joined time.Time
			err := rows.Scan(num(&l.ch), &l.seq, &l.ev, at(&joined))
			l.after = max(q.After, core.StampAt(joined)-1)
			return failure(err)
		})
}

// logAfter reads a channel's events with after < stamp <= top.
func (r *session) logAfter(ctx context.Context, l logOf, top core.Stamp, n int) ([]store.EventRow, error) {
	rows, err := collect(ctx, r, "SELECT "+eventCols+" FROM events WHERE ch = $1 AND ev > ("+eventHalving+") AND stamp > $2 AND stamp <= $4 ORDER BY ev LIMIT $5",
		args(int64(l.ch), int64(l.after), l.ev, int64(top), int64(n)), scanEvent)
	if err != nil {
		return nil, err
	}
	low, err := r.firstAbove(ctx, l.ch, "msg_id", int64(l.after), l.seq)
	if err != nil {
		return nil, err
	}
	sent, err := collect(ctx, r, "SELECT "+sentCols+" FROM messages WHERE ch = $1 AND seq > $2 AND ev > 0 AND msg_id > $3 AND msg_id <= $4 ORDER BY seq LIMIT $5",
		args(int64(l.ch), low, int64(l.after), int64(top), int64(n)), scanSent)
	return append(rows, sent...), err
}

// eventHalving is halving over the rows of events.
const eventHalving = `WITH RECURSIVE h(low, high) AS (
		SELECT 0::bigint, $3::bigint
		UNION ALL
		SELECT CASE WHEN p.stamp IS NULL OR p.stamp > $2 THEN h.low ELSE p.ev END, CASE WHEN p.stamp IS NULL OR p.stamp > $2 THEN (h.low + h.high) / 2 ELSE h.high END
		FROM h LEFT JOIN LATERAL (SELECT e.ev, e.stamp FROM events e WHERE e.ch = $1 AND e.ev > (h.low + h.high) / 2 AND e.ev <= h.high ORDER BY e.ev LIMIT 1) p ON true
		WHERE h.low < h.high
	) SELECT min(high) FROM h`
