package postgres

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"dragoman/core"
	"dragoman/core/store"
)

// tx is the transaction of an update.
type tx struct {
	session
	ctx    context.Context //nolint:containedctx // lives for one call
	conn   *pgx.Conn
	app    core.AppID
	named  core.ChannelID // the channel the update is about
	xid    string         // its number, once it took stamps
	stamps block
	heads  map[core.ChannelID]*head
	also   []orderKey // order locks taken on the way
	broken error      // the first error of the database: nothing can be done any more
}

var _ store.Tx = (*tx)(nil)

// head is a channel's counters, locked.
type head struct {
	app     core.AppID
	key     core.ChannelKey
	seq, ev int64
	count   int64
	lastAt  int64
	stamp   core.Stamp
	dirty   bool
}

// block is a run of stamps to give out.
type block struct{ next, end core.Stamp }

// stampBlock is how many stamps an update takes at a time.
const stampBlock = 32

// lockHead locks the counters of channels, in the order of their numbers.
const lockHead = `SELECT h.ch, c.app, c.key, h.last_seq, h.last_ev, h.message_count, h.last_at, h.last_stamp
	FROM heads h JOIN channels c ON c.id = h.ch WHERE h.ch = ANY($1) ORDER BY h.ch FOR NO KEY UPDATE OF h`

// scanHead reads what lockHead selects.
func scanHead(rows pgx.Rows, into map[core.ChannelID]*head) error {
	var ch core.ChannelID
	h := &head{}
	if err := rows.Scan(num(&ch), num(&h.app), str(&h.key), &h.seq, &h.ev, &h.count, &h.lastAt, num(&h.stamp)); err != nil {
		return err
	}
	into[ch] = h
	return nil
}

// readHeads takes the answer of lockHead from a batch.
func (t *tx) readHeads(br pgx.BatchResults) error {
	rows, err := br.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scanHead(rows, t.heads); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Query implements querier: the counters written so far are in what it reads, and an error ends the
// transaction.
func (t *tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.broken != nil {
		return nil, errors.Join(errBroken, t.broken)
	}
	rows, err := t.conn.Query(ctx, sql, args...)
	return rows, t.note(err)
}

// note remembers the first error of the database.
func (t *tx) note(err error) error {
	if err != nil && t.broken == nil {
		t.broken = err
	}
	return err
}

// exec runs a statement.
func (t *tx) exec(sql string, args ...any) (pgconn.CommandTag, error) {
	if t.broken != nil {
		return pgconn.CommandTag{}, errors.Join(errBroken, t.broken)
	}
	tag, err := t.conn.Exec(t.ctx, sql, args...)
	return tag, failure(t.note(err))
}

// lock takes a channel: first among the writes of this node, then in the database.
func (t *tx) lock(ch core.ChannelID) (*head, error) {
	if h, ok := t.heads[ch]; ok {
		return h, nil
	}
	if ch != t.named {
		k := orderKey{ch: ch}
		if err := t.s.order.lockSoon(t.ctx, k); err != nil {
			return nil, t.note(err)
		}
		t.also = append(t.also, k)
	}
	rows, err := t.Query(t.ctx, lockHead, []int64{int64(ch)})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scanHead(rows, t.heads); err != nil {
			return nil, err
		}
	}
	t.stamps = block{} // others may have taken higher ones before the lock was ours
	return t.heads[ch], t.note(rows.Err())
}

// lockFound takes a channel, if it is there, when reading in an update; a plain read takes none.
func (r *session) lockFound(app core.AppID, ch core.ChannelID) error {
	if r.tx == nil || ch == 0 {
		return nil
	}
	h, err := r.tx.lock(ch)
	if err != nil || h == nil || h.app != app {
		return failure(err)
	}
	return r.tx.flush()
}

// owned returns the counters of a channel of the app, locked.
func (t *tx) owned(app core.AppID, ch core.ChannelID) (*head, error) {
	h, err := t.lock(ch)
	if err != nil {
		return nil, failure(err)
	}
	if h == nil || h.app != app {
		return nil, notFound("channel", int64(ch))
	}
	return h, nil
}

// lockRecord takes the lock of a key.
func (t *tx) lockRecord(ctx context.Context, app core.AppID, space, key string) error {
	f := fnv.New64a()
	_, _ = f.Write([]byte(space)) // never fails
	_, _ = f.Write([]byte{0})
	_, _ = f.Write([]byte(key))
	n := (int64(f.Sum64())^int64(app)*0x9e3779b97f4a7c1)&(1<<60-1) | 1<<61 //nolint:gosec // a hash
	rows, err := t.Query(ctx, "SELECT pg_advisory_xact_lock($1)", n)
	if err != nil {
		return failure(err)
	}
	rows.Close()
	return failure(t.note(rows.Err()))
}

// stamp gives out the next stamp above floor.
func (t *tx) stamp(floor core.Stamp) (core.Stamp, error) {
	if t.stamps.next >= t.stamps.end || t.stamps.next <= floor {
		rows, err := t.Query(t.ctx, "SELECT first, xid FROM take_stamps($1)", int64(stampBlock))
		if err != nil {
			return 0, failure(err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(num(&t.stamps.next), &t.xid); err != nil {
				return 0, t.note(err)
			}
		}
		if err := t.note(rows.Err()); err != nil {
			return 0, failure(err)
		}
		t.stamps.end = t.stamps.next + stampBlock
	}
	t.stamps.next++
	return t.stamps.next - 1, nil
}

// NextStamp implements store.Tx.
func (t *tx) NextStamp() core.Stamp {
	s, err := t.stamp(0)
	if err != nil {
		return 0 // the transaction has failed, and its commit will say so
	}
	return s
}

// setHeads writes counters.
const setHeads = `UPDATE heads h SET last_seq = v.seq, last_ev = v.ev, message_count = v.n, last_at = v.at, last_stamp = v.stamp
	FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) v(ch, seq, ev, n, at, stamp) WHERE h.ch = v.ch`

// headArgs are the parameters of setHeads for the counters that changed; nil when none did.
func headArgs(heads map[core.ChannelID]*head) []any {
	var ch, seq, ev, n, at, stamp []int64
	for id, h := range heads {
		if h.dirty {
			h.dirty = false
			ch, seq, ev = append(ch, int64(id)), append(seq, h.seq), append(ev, h.ev)
			n, at, stamp = append(n, h.count), append(at, h.lastAt), append(stamp, int64(h.stamp))
		}
	}
	if len(ch) == 0 {
		return nil
	}
	return args(ch, seq, ev, n, at, stamp)
}

// queueHeads adds the writing of counters to a batch.
func (t *tx) queueHeads(b *pgx.Batch) {
	if list := headArgs(t.heads); list != nil {
		b.Queue(setHeads, list...)
	}
}

// flush writes the counters, so that what is read next agrees with them.
func (t *tx) flush() error {
	list := headArgs(t.heads)
	if list == nil {
		return nil
	}
	_, err := t.exec(setHeads, list...)
	return err
}

// InsertMessage implements store.Tx.
func (t *tx) InsertMessage(app core.AppID, m *core.Message) (*core.Message, error) {
	h, err := t.owned(app, m.Channel)
	if err != nil {
		return nil, err
	}
	if m.Alias != "" {
		found, err := t.messagesByAlias(t.ctx, app, []string{m.Alias})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return &found[0], nil
		}
	}
	var in inserts
	given := m.ID != 0
	if !given {
		s, err := t.stamp(h.stamp)
		if err != nil {
			return nil, err
		}
		m.ID = core.MessageID(s)
	}
	m.Seq, m.ChannelKey = h.seq+1, h.key
	in.message(app, m, 0)
	in.author(app, m.Channel, m.User)
	if given {
		in.reindex = append(in.reindex, int64(m.ID))
	}
	if m.Parent != 0 {
		parents, err := t.Messages(t.ctx, app, []core.MessageID{m.Parent})
		if err != nil {
			return nil, err
		}
		if len(parents) > 0 {
			replied(&parents[0], m)
			in.parent(&parents[0])
		}
	}
	b := &pgx.Batch{}
	in.queue(b)
	if err := t.note(t.conn.SendBatch(t.ctx, b).Close()); err != nil {
		return nil, failure(err)
	}
	h.seq++
	h.count++
	h.lastAt = max(h.lastAt, millis(m.CreatedAt))
	h.dirty = true
	return nil, t.flush()
}

// AppendEvent implements store.Tx.
func (t *tx) AppendEvent(app core.AppID, e *store.EventRow, outbox bool) error {
	h, err := t.owned(app, e.Channel)
	if err != nil {
		return err
	}
	s, err := t.stamp(h.stamp)
	if err != nil {
		return err
	}
	var in inserts
	in.event(app, h, e, s, outbox)
	b := &pgx.Batch{}
	in.queue(b)
	t.queueHeads(b)
	return failure(t.note(t.conn.SendBatch(t.ctx, b).Close()))
}

// AppendOutbox implements store.Tx.
func (t *tx) AppendOutbox(app core.AppID, payload []byte) error {
	s, err := t.stamp(0)
	if err != nil {
		return err
	}
	_, err = t.exec("INSERT INTO outbox (id, app, ch, ev, message, payload) VALUES ($1, $2, 0, 0, 0, $3)", int64(s), int64(app), doc(payload))
	return err
}

// DeleteOutbox implements store.Tx.
func (t *tx) DeleteOutbox(ids []int64) error {
	_, err := t.exec("DELETE FROM outbox WHERE id = ANY($1)", ids)
	return err
}

// AppendBox implements store.Tx.
func (t *tx) AppendBox(app core.AppID, users []core.UserID, stamp core.Stamp, payload []byte) error {
	_, err := t.exec(`INSERT INTO boxes (app, person, stamp, payload) SELECT $1, p, $3, $4 FROM (SELECT DISTINCT unnest($2::text[]) AS p) d
		ON CONFLICT (app, person, stamp) DO UPDATE SET payload = excluded.payload`, int64(app), encs(users), int64(stamp), doc(payload))
	return err
}

// TrimBox implements store.Tx.
func (t *tx) TrimBox(app core.AppID, user core.UserID, upTo core.Stamp) error {
	_, err := t.exec("DELETE FROM boxes WHERE app = $1 AND person = $2 AND stamp <= $3", int64(app), enc(user), int64(upTo))
	return err
}

// PutRecord implements store.Tx.
func (t *tx) PutRecord(app core.AppID, space, key string, value []byte) error {
	_, err := t.exec("INSERT INTO records (app, space, key, value) VALUES ($1, $2, $3, $4) ON CONFLICT (app, space, key) DO UPDATE SET value = excluded.value",
		int64(app), enc(space), []byte(key), doc(value))
	return err
}

// DeleteRecord implements store.Tx.
func (t *tx) DeleteRecord(app core.AppID, space, key string) error {
	_, err := t.exec("DELETE FROM records WHERE app = $1 AND space = $2 AND key = $3", int64(app), enc(space), []byte(key))
	return err
}

// UserChannels implements store.Tx. Channels whose messages of the user are all gone are left out.
func (t *tx) UserChannels(app core.AppID, user core.UserID) ([]core.ChannelID, error) {
	return collect(t.ctx, &t.session, `SELECT a.ch FROM authors a WHERE a.app = $1 AND a.person = $2
		AND EXISTS (SELECT 1 FROM messages m WHERE m.ch = a.ch AND m.person = a.person) ORDER BY a.ch`, args(int64(app), enc(user)),
		func(rows pgx.Rows, ch *core.ChannelID) error { return rows.Scan(num(ch)) })
}

// BuryMessages implements store.Tx. to 0 means up to the end.
func (t *tx) BuryMessages(app core.AppID, ch core.ChannelID, from, to int64, user core.UserID, at time.Time) error {
	if _, err := t.owned(app, ch); err != nil {
		return err
	}
	_, err := t.exec(`WITH gone AS (UPDATE messages SET deleted_at = $6, updated_at = $6 WHERE ch = $1 AND seq BETWEEN $2 AND $3 AND app = $4
		AND ($5 = '' OR person = $5) AND deleted_at = 0 RETURNING msg_id) INSERT INTO reindex (msg_id) SELECT msg_id FROM gone`,
		int64(ch), max(from, 0), upTo(to), int64(app), enc(user), millis(at))
	return err
}

// upTo is the end of a range; 0 means all.
func upTo(to int64) int64 {
	if to <= 0 {
		return 1<<62 - 1
	}
	return to
}
