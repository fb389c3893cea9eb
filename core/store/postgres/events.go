package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"dragoman/core"
	"dragoman/core/store"
)

// Events live in two places. Most are message.sent and say no more than their message does: these
// are read from messages.ev, which saves a row on every append. The others have rows.

// Events implements store.Reader.
func (r *session) Events(ctx context.Context, app core.AppID, ch core.ChannelID, after int64, since time.Time, limit int) ([]store.EventRow, error) {
	var lastSeq, lastEv int64
	err := r.one(ctx, "SELECT h.last_seq, h.last_ev FROM heads h JOIN channels c ON c.id = h.ch WHERE h.ch = $1 AND c.app = $2",
		args(int64(ch), int64(app)), &lastSeq, &lastEv)
	if err == store.ErrNotFound { //nolint:errorlint // our own
		return nil, nil
	}
	after = max(after, 0)
	if err != nil || after >= lastEv {
		return nil, err
	}
	n := bound(limit, maxList)
	rows, err := collect(ctx, r, "SELECT "+eventCols+" FROM events WHERE ch = $1 AND ev > $2 AND at >= $3 ORDER BY ev LIMIT $4",
		args(int64(ch), after, millis(since), n), scanEvent)
	if err != nil {
		return nil, err
	}
	low, err := r.firstAbove(ctx, ch, "ev", after, lastSeq)
	if err != nil {
		return nil, err
	}
	sent, err := collect(ctx, r, "SELECT "+sentCols+" FROM messages WHERE ch = $1 AND seq > $2 AND ev > $3 AND created_at >= $4 ORDER BY seq LIMIT $5",
		args(int64(ch), low, after, millis(since), n), scanSent)
	if err != nil {
		return nil, err
	}
	rows = append(rows, sent...)
	slices.SortFunc(rows, func(a, b store.EventRow) int { return cmp.Compare(a.Ev, b.Ev) })
	return rows[:min(int64(len(rows)), n)], nil
}

// halving finds the seq after which a column of messages is above a value. Both rise together, so
// some twenty looks at the primary key find it, in one statement.
const halving = `WITH RECURSIVE h(low, high) AS (
		SELECT 0::bigint, $3::bigint
		UNION ALL
		SELECT CASE WHEN p.v IS NULL OR p.v > $2 THEN h.low ELSE p.seq END, CASE WHEN p.v IS NULL OR p.v > $2 THEN (h.low + h.high) / 2 ELSE h.high END
		FROM h LEFT JOIN LATERAL (SELECT m.seq, m.%s AS v FROM messages m WHERE m.ch = $1 AND m.seq > (h.low + h.high) / 2 AND m.seq <= h.high AND m.ev > 0
			ORDER BY m.seq LIMIT 1) p ON true
		WHERE h.low < h.high
	) SELECT min(high) FROM h`

// halvingBy is halving for each column.
var halvingBy = map[string]string{"ev": replaceCol(halving, "ev"), "msg_id": replaceCol(halving, "msg_id")}

// firstAbove finds the seq after which messages with an event of their own have the column above v.
func (r *session) firstAbove(ctx context.Context, ch core.ChannelID, col string, v, lastSeq int64) (low int64, err error) {
	if lastSeq == 0 {
		return 0, nil
	}
	err = r.one(ctx, halvingBy[col], args(int64(ch), v, lastSeq), num(&low))
	return low, err
}

// Outbox implements store.Reader. An event whose message is gone keeps its numbers and ids.
func (r *session) Outbox(ctx context.Context, limit int) ([]store.OutboxRow, error) {
	return collect(ctx, r, `SELECT o.id, o.app, o.payload, o.ch, o.ev, o.message, e.kind, e.at, e.actor, e.message, e.payload, e.stamp,
		m.msg_id, m.created_at, m.person
		FROM (SELECT * FROM outbox ORDER BY id LIMIT $1) o LEFT JOIN events e ON e.ch = o.ch AND e.ev = o.ev AND o.message = 0
		LEFT JOIN messages m ON m.msg_id = o.message AND m.app = o.app AND o.message <> 0 ORDER BY o.id`, args(bound(limit, maxList)),
		func(rows pgx.Rows, o *store.OutboxRow) error {
			var ch core.ChannelID
			var ev int64
			var message, sent core.MessageID
			var e, m store.EventRow
			err := rows.Scan(num(&o.ID), num(&o.App), &o.Payload, num(&ch), &ev, num(&message), str(&e.Kind), at(&e.At), str(&e.Actor), num(&e.Message),
				&e.Payload, num(&e.Stamp), num(&sent), at(&m.At), str(&m.Actor))
			if err != nil || ch == 0 {
				return failure(err)
			}
			switch {
			case message == 0:
				o.Event = e
			default:
				o.Event = m
				o.Event.Kind, o.Event.Message = core.MessageSent, message
				if sent != 0 {
					o.Event.Stamp = core.Stamp(message)
				}
			}
			o.Event.Channel, o.Event.Ev = ch, ev
			return nil
		})
}
