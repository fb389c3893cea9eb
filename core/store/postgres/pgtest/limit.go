package pgtest

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// limitRows stores n messages of a channel with their outbox rows, all made by the server itself,
// and moves the counters: the rows of an append, without a client that has anything to say.
const limitRows = `WITH m AS (INSERT INTO messages (ch, seq, msg_id, app, ev, person, kind, flags, created_at, updated_at, body_text, alias, parent,
	deleted_at, edited_at, reply_count, last_reply_at, pinned, pinned_at)
	SELECT $1, $2::bigint + i, ($1::bigint << 40) + $2::bigint + i, 1, $2::bigint + i, 'writer', '', 16, 1, 1, repeat('the quick brown fox jumps over ', 4),
	md5(($1::bigint << 40)::text || ($2::bigint + i)::text), 0, 0, 0, 0, 0, false, 0 FROM generate_series(1, $3::bigint) i RETURNING ch, ev, msg_id)
	INSERT INTO outbox (id, app, ch, ev, message) SELECT msg_id, 1, ch, ev, msg_id FROM m`

// Limit measures what the server does for the rows of appends when nothing stands before it: conns
// connections that commit batches of rows into a channel each, as fast as they are answered. The
// database must have the schema of the store.
func Limit(ctx context.Context, dsn string, conns, rows int, span time.Duration) (perSecond float64, err error) {
	var done atomic.Int64
	errs := make([]error, conns)
	var wg sync.WaitGroup
	began := time.Now()
	for w := range conns {
		wg.Go(func() { errs[w] = limitOne(ctx, dsn, int64(w+1)<<20, int64(rows), began.Add(span), &done) })
	}
	wg.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(done.Load()) / took.Seconds(), nil
}

// limitOne is one connection of Limit.
func limitOne(ctx context.Context, dsn string, ch, rows int64, end time.Time, done *atomic.Int64) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "INSERT INTO heads (ch) VALUES ($1)", ch); err != nil {
		return err
	}
	for seq := int64(0); time.Now().Before(end); seq += rows {
		b := &pgx.Batch{}
		b.Queue("BEGIN")
		b.Queue(limitRows, ch, seq, rows)
		b.Queue("UPDATE heads SET last_seq = $2, last_ev = $2, message_count = $2, last_at = 1, last_stamp = $2 WHERE ch = $1", ch, seq+rows)
		b.Queue("COMMIT")
		if err := c.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		done.Add(rows)
	}
	return nil
}

// tick is how long a clock tick of the kernel's accounting is.
const tick = 10 * time.Millisecond

// CPU is the processor time that the server and its processes have used.
func (s *Server) CPU() time.Duration {
	pid, err := s.pid()
	if err != nil {
		return 0
	}
	var sum int64
	for _, p := range append(childrenOf(pid), pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		word := strings.Fields(rest)
		for i := 11; i < 15 && i < len(word); i++ { // user and system time, its own and that of children it has buried
			n, _ := strconv.ParseInt(word[i], 10, 64) // the kernel writes numbers
			sum += n
		}
	}
	return time.Duration(sum) * tick
}
