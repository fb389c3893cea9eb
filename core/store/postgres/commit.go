package postgres

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"dragoman/core"
	"dragoman/core/store"
)

// channelsOf are the channels of a batch, sorted.
func channelsOf(batch []*job) []core.ChannelID {
	out := make([]core.ChannelID, 0, len(batch))
	for _, j := range batch {
		if j.state.Load() != jobAbandoned {
			out = append(out, j.in.Message.Channel)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// authors remembers which rows of the table exist, so that a message of a known author adds none.
type authors struct {
	mu    sync.Mutex
	known map[place]struct{}
}

// place is a person in a channel.
type place struct {
	ch   core.ChannelID
	user core.UserID
}

// maxAuthors bounds what is remembered.
const maxAuthors = 1 << 16

// has reports whether the row is known to exist.
func (a *authors) has(p place) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.known[p]
	return ok
}

// add notes rows that were committed.
func (a *authors) add(list []place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) > maxAuthors {
		a.known = map[place]struct{}{}
	}
	for _, p := range list {
		a.known[p] = struct{}{}
	}
}

// write is one transaction of appends.
type write struct {
	s       *Store
	conn    *pgx.Conn
	jobs    []*job // those that run in it
	heads   map[core.ChannelID]*head
	stamps  block
	xid     string
	aliases map[string][]core.Message
	parents map[core.MessageID]*core.Message
	in      inserts
	fresh   []place
}

// appendAll stores the jobs of a batch that are still wanted in one transaction of two round trips:
// lock and read, then write and commit. Every job has its outcome when it answers nil.
func (s *Store) appendAll(ctx context.Context, batch []*job) error {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	w := &write{s: s, conn: c.Conn(), heads: map[core.ChannelID]*head{}, parents: map[core.MessageID]*core.Message{}, aliases: map[string][]core.Message{}}
	if err = w.read(ctx, batch); err == nil {
		err = w.plan(batch)
	}
	if err != nil {
		if _, e := c.Exec(ctx, "ROLLBACK"); e != nil {
			_ = c.Conn().Close(ctx) // the server rolls back what a closed connection began
		}
		return err
	}
	err = w.commit(ctx)
	if err == nil {
		s.authors.add(w.fresh)
		s.index.nudge()
	}
	return err
}

// Messages by alias and by id, one look into the index for each. A plan is made once for a connection,
// and perhaps when the table is still small: for "= ANY" that is a scan of all of it, for good.
var (
	byAlias = "SELECT m.* FROM unnest($1::text[]) v(x) CROSS JOIN LATERAL (SELECT m.app, " + messageCols +
		" FROM messages m WHERE m.alias = v.x AND m.alias <> '' OFFSET 0) m"
	byID = "SELECT m.* FROM unnest($1::bigint[]) v(x) CROSS JOIN LATERAL (SELECT m.app, " + messageCols +
		" FROM messages m WHERE m.msg_id = v.x OFFSET 0) m"
)

// read locks the channels and reads what the batch needs to know.
func (w *write) read(ctx context.Context, batch []*job) error {
	var aliases []string
	var parents []int64
	need := int64(0)
	for _, j := range batch {
		if !j.open() {
			continue
		}
		m := j.in.Message
		m.ID = j.given
		j.plain = prepare(j.in)
		if need++; !j.plain {
			need++
		}
		if m.Alias != "" {
			aliases = append(aliases, enc(m.Alias))
		}
		if m.Parent != 0 {
			parents = append(parents, int64(m.Parent))
		}
	}
	if need == 0 {
		_, err := w.conn.Exec(ctx, "BEGIN")
		return err
	}
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(lockHead, ints(channelsOf(batch)))
	b.Queue("SELECT first, xid FROM take_stamps($1)", need)
	if len(aliases) > 0 {
		b.Queue(byAlias, aliases)
	}
	if len(parents) > 0 {
		b.Queue(byID, parents)
	}
	br := w.conn.SendBatch(ctx, b)
	defer br.Close()
	if _, err := br.Exec(); err != nil {
		return err
	}
	if err := each(br, func(rows pgx.Rows) error { return scanHead(rows, w.heads) }); err != nil {
		return err
	}
	if err := each(br, func(rows pgx.Rows) error { return rows.Scan(num(&w.stamps.next), &w.xid) }); err != nil {
		return err
	}
	w.stamps.end = w.stamps.next + core.Stamp(need)
	if len(aliases) > 0 {
		err := each(br, func(rows pgx.Rows) error {
			m, app, err := owned(rows)
			k := aliasKey(app, m.Alias)
			w.aliases[k] = append(w.aliases[k], m)
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(parents) > 0 {
		err := each(br, func(rows pgx.Rows) error {
			m, app, err := owned(rows)
			if h := w.heads[m.Channel]; h != nil && h.app == app || h == nil {
				w.parents[m.ID] = &m
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return br.Close()
}

// each reads the next answer of a batch.
func each(br pgx.BatchResults, scan func(pgx.Rows) error) error {
	rows, err := br.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// shifted reads rows whose first column was taken off.
type shifted struct {
	pgx.Rows
	first any
}

// Scan puts the column in front again.
func (s shifted) Scan(dest ...any) error { return s.Rows.Scan(append([]any{s.first}, dest...)...) }

// owned reads a message and its app.
func owned(rows pgx.Rows) (m core.Message, app core.AppID, err error) {
	err = scanMessage(shifted{rows, num(&app)}, &m)
	return m, app, err
}

// aliasKey is an alias of an app.
func aliasKey(app core.AppID, alias string) string { return fmt.Sprint(int64(app), "\x00", alias) }

// plan numbers the appends in memory and gathers their rows.
func (w *write) plan(batch []*job) error {
	for _, j := range batch {
		if !j.open() || !j.state.CompareAndSwap(jobQueued, jobRunning) && j.state.Load() != jobRunning {
			continue // its caller did not wait until its channel was locked
		}
		if err := w.append(j); err != nil {
			j.err = err // of this job alone: nothing of it is in the rows
			continue
		}
		w.jobs = append(w.jobs, j)
	}
	return nil
}

// append numbers one message and what goes with it.
func (w *write) append(j *job) error {
	in, m := j.in, j.in.Message
	h := w.heads[m.Channel]
	if h == nil || h.app != in.App {
		return notFound("channel", int64(m.Channel))
	}
	if m.Alias != "" {
		if found := w.aliases[aliasKey(in.App, m.Alias)]; len(found) > 0 {
			existing := found[0]
			in.Event.Ev = 0
			in.Duplicate, in.Message, in.Channel = true, &existing, channelOf(m.Channel, h)
			return nil
		}
	}
	in.Settle(core.FromMillis(h.lastAt))
	if m.ID == 0 {
		m.ID = core.MessageID(w.stamps.next)
		w.stamps.next++
	} else {
		w.in.reindex = append(w.in.reindex, int64(m.ID)) // new messages are found by rising id
	}
	h.seq++
	h.count++
	if !in.QuietChannel {
		h.lastAt = max(h.lastAt, millis(m.CreatedAt))
	}
	h.dirty = true
	m.Seq, m.ChannelKey = h.seq, h.key
	in.Event.Message = m.ID
	if p := w.parents[m.Parent]; p != nil && m.Parent != 0 {
		replied(p, m)
		parent := *p
		parent.Participants = slices.Clone(p.Participants)
		in.Parent = &parent
		w.in.parent(p)
	}
	if j.plain {
		h.ev++
		in.Event.Ev, in.Event.Stamp = h.ev, core.Stamp(m.ID)
		h.stamp = in.Event.Stamp
		w.in.message(in.App, m, h.ev)
		if in.Outbox {
			w.in.outbox(in.App, &in.Event, m.ID)
		}
	} else {
		w.in.message(in.App, m, 0)
		w.in.event(in.App, h, &in.Event, w.stamps.next, in.Outbox)
		w.stamps.next++
	}
	if p := (place{m.Channel, m.User}); !w.s.authors.has(p) && !slices.Contains(w.fresh, p) {
		w.fresh = append(w.fresh, p)
		w.in.author(in.App, m.Channel, m.User)
	}
	if in.MoveRead {
		w.in.readPos(m)
	}
	if in.Unhide && !slices.Contains(w.in.unhide, int64(m.Channel)) {
		w.in.unhide = append(w.in.unhide, int64(m.Channel))
	}
	in.Channel = channelOf(m.Channel, h)
	if m.Alias != "" {
		k := aliasKey(in.App, m.Alias)
		w.aliases[k] = append(w.aliases[k], *m)
	}
	w.parents[m.ID] = m
	return nil
}

// commit writes the rows and the counters, and commits, in one round trip. When the answer is lost
// the database is asked what became of it.
func (w *write) commit(ctx context.Context) error {
	b := &pgx.Batch{}
	w.in.queue(b)
	if list := headArgs(w.heads); list != nil {
		b.Queue(setHeads, list...)
	}
	b.Queue("COMMIT")
	err := w.conn.SendBatch(ctx, b).Close()
	if err == nil {
		return nil
	}
	if !lost(err) && ctx.Err() == nil && state(err) != "57P01" && state(err) != "57P02" {
		if _, e := w.conn.Exec(ctx, "ROLLBACK"); e != nil {
			_ = w.conn.Close(ctx)
		}
		w.again()
		return err
	}
	_ = w.conn.Close(ctx)
	out := w.s.outcome(w.xid, err)
	if out == errMaybe { //nolint:errorlint // our own
		out = w.look(out)
	}
	if out != nil {
		w.again()
	}
	return out
}

// again makes the jobs ready for another try: an outcome of the first must not be taken for theirs.
func (w *write) again() {
	for _, j := range w.jobs {
		if j.in.Duplicate { // Message was replaced by the one found; a repeat is found again
			continue
		}
		j.in.Message.ID, j.in.Message.Seq = j.given, 0
	}
}

// look makes sure that a transaction said to be committed is ours: its first message is there.
func (w *write) look(unknown error) error {
	if len(w.in.msg.ch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleLimit)
	defer cancel()
	var n int64
	err := w.s.pool.QueryRow(ctx, "SELECT count(*) FROM messages WHERE ch = $1 AND seq = $2 AND msg_id = $3 AND person = $4",
		w.in.msg.ch[0], w.in.msg.seq[0], w.in.msg.id[0], w.in.msg.person[0]).Scan(&n)
	switch {
	case err != nil:
		return unknown
	case n == 0:
		return fmt.Errorf("%w: the commit did not happen", store.ErrUnavailable)
	}
	return nil
}
