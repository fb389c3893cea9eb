// Package postgres keeps a database of chats in PostgreSQL 15 or later, for one node or for many.
//
// The lock on a channel's row of counters puts the writes of a channel in order, over all nodes: it
// is held until the commit, so that commits of a channel happen in the order of its numbers. Appends
// are gathered: a lane takes all that wait and stores them with two round trips and one commit.
// Updates are transactions of their own; those of one app that name no channel run one at a time.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"dragoman/core"
	"dragoman/core/store"
)

// Options of Open. Zero values take the defaults named.
type Options struct {
	// DSN is a URL or a list of key=value, as libpq reads it; pool_max_conns is understood too.
	DSN   string
	Queue int // writes that may wait; more are refused. Default 4,096
	Conns int // connections at most, unless the DSN says so. Default 8 per processor, at least 16
	Lanes int // batches of appends that may be under way at the same time. Default one per processor, at most 4: more make smaller batches
	// Log is told, in one sentence, what the operator should know. Default: nobody.
	Log func(msg string, err error)
	// Now is the clock of what is muted or banned at the moment. Default time.Now.
	Now func() time.Time
}

// Limits of time. A command has a deadline of its own, which is shorter as a rule.
const (
	connectLimit  = 5 * time.Second
	writeLimit    = 15 * time.Second // for a batch of appends, and for a commit
	settleLimit   = 5 * time.Second  // for finding out what became of a commit
	statementTime = "60s"            // what the server allows one statement, for readers that set no deadline
)

// Store is an open database. It implements store.Store.
type Store struct {
	session // reads, each statement on a connection of the pool
	opt     Options
	pool    *pgxpool.Pool
	lanes   []*lane
	order   order
	waiting atomic.Int64 // updates that run or wait
	index   *indexer
	floor   floor
	authors authors
	broken  atomic.Bool // the last write was refused for want of room: Ping tries one

	mu      sync.RWMutex // guards closed against work that begins
	closed  bool
	working sync.WaitGroup
	closing sync.Once
}

var _ store.Store = (*Store)(nil)

// Open connects, brings the schema up to date and starts the lanes.
func Open(ctx context.Context, opt Options) (*Store, error) {
	defaults(&opt)
	cfg, err := pgxpool.ParseConfig(opt.DSN)
	if err != nil {
		return nil, errors.New("postgres: the address of the database cannot be read") // err may quote the password
	}
	if cfg.MaxConns < int32(opt.Conns) && !names(opt.DSN, "pool_max_conns") { //nolint:gosec // a few
		cfg.MaxConns = int32(opt.Conns) //nolint:gosec // a few
	}
	cfg.ConnConfig.ConnectTimeout = connectLimit
	params := cfg.ConnConfig.RuntimeParams
	for k, v := range map[string]string{
		"application_name": "dragoman", "statement_timeout": statementTime, "idle_in_transaction_session_timeout": statementTime,
		"default_transaction_isolation": "read committed",
		"plan_cache_mode":               "force_generic_plan", // statements are few and go by keys; filters are planned each time, see find

	} {
		if _, set := params[k]; !set {
			params[k] = v
		}
	}
	// A statement whose caller has gone is cancelled on the server too.
	cfg.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, CancelRequestDelay: 0, DeadlineDelay: time.Second}
	}
	if err := migrate(ctx, cfg.ConnConfig); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", failure(err))
	}
	s := &Store{opt: opt, pool: pool, order: order{locks: map[orderKey]*orderLock{}}}
	s.session = session{q: guarded{s}, s: s}
	s.index = newIndexer(s)
	for range opt.Lanes {
		s.lanes = append(s.lanes, newLane(s, opt.Queue))
	}
	return s, nil
}

// defaults completes the options.
func defaults(opt *Options) {
	if opt.Queue <= 0 {
		opt.Queue = 4096
	}
	if opt.Conns <= 0 {
		opt.Conns = max(16, 8*runtime.GOMAXPROCS(0))
	}
	if opt.Lanes <= 0 {
		opt.Lanes = min(runtime.GOMAXPROCS(0), 4)
	}
	if opt.Log == nil {
		opt.Log = func(string, error) {}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
}

// begin counts work in; the returned func counts it out. It fails when the store is closed.
func (s *Store) begin() (func(), error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, errClosed
	}
	s.working.Add(1)
	return s.working.Done, nil
}

// Close refuses new work, waits for what is queued and being read, and closes the connections.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.working.Wait()
		for _, l := range s.lanes {
			l.stop()
		}
		s.index.stop()
		s.pool.Close()
	})
	return nil
}

// Ping returns nil when a write would be accepted. After a write that was refused for want of room
// it tries one.
func (s *Store) Ping(ctx context.Context) error {
	if s.broken.Load() {
		return s.Update(ctx, 0, 0, func(t store.Tx) error { return t.PutRecord(0, "ping", "", []byte("0")) }, nil)
	}
	var standby bool
	if err := s.one(ctx, "SELECT pg_is_in_recovery()", nil, &standby); err != nil {
		return err
	}
	if standby {
		return fmt.Errorf("%w: the database is a standby, which takes no writes", store.ErrUnavailable)
	}
	return nil
}

// querier is a connection, a transaction or the pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// session reads through a querier: the pool, or the transaction of an update.
type session struct {
	q  querier
	s  *Store
	tx *tx // the update, when there is one
}

// guarded is the pool, as long as the store is open.
type guarded struct{ s *Store }

// Query implements querier. A read whose connection turns out to be dead is tried on another.
func (g guarded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	done, err := g.s.begin()
	if err != nil {
		return nil, err
	}
	defer done() // the rows hold their connection, which the pool waits for
	rows, err := g.s.pool.Query(ctx, sql, args...)
	if err != nil && pgconn.SafeToRetry(err) && ctx.Err() == nil {
		return g.s.pool.Query(ctx, sql, args...)
	}
	return rows, err
}

// collect reads all rows with scan.
func collect[T any](ctx context.Context, r *session, sql string, args []any, scan func(pgx.Rows, *T) error) ([]T, error) {
	rows, err := r.q.Query(ctx, sql, args...)
	if err != nil {
		return nil, failure(err)
	}
	out, err := gather(rows, scan)
	if r.tx != nil && rows.Err() != nil {
		_ = r.tx.note(rows.Err()) // err says it
	}
	return out, err
}

// gather reads all of rows.
func gather[T any](rows pgx.Rows, scan func(pgx.Rows, *T) error) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, failure(rows.Err())
}

// one reads the first row; store.ErrNotFound when there is none.
func (r *session) one(ctx context.Context, sql string, args []any, dest ...any) error {
	got, err := collect(ctx, r, sql, args, func(rows pgx.Rows, _ *struct{}) error { return rows.Scan(dest...) })
	if err == nil && len(got) == 0 {
		return store.ErrNotFound
	}
	return err
}

// millis is core.Millis, for brevity.
func millis(t time.Time) int64 { return core.Millis(t) }
