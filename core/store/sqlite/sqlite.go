// Package sqlite keeps a database of chats in one SQLite file, without cgo.
//
// One goroutine writes: it takes all updates that wait, runs them in one transaction, commits once
// and answers them all, so that a durable commit (an fsync) is shared. Readers have connections of
// their own and never wait for the writer. The full text index is a second file that follows the
// first within a second, off the path of writes.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"dragoman/core"
	"dragoman/core/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Sync is how safe a commit is.
type Sync uint8

// SyncFull survives a loss of power. SyncNormal survives a kill of the process only and may lose
// the last commits, never part of one, when the power goes.
const (
	SyncFull Sync = iota
	SyncNormal
)

// Options of Open. Zero values take the defaults named.
type Options struct {
	Path  string // database file; its folder is created
	Node  int    // 0 to 15, part of message ids, so that nodes never allocate the same
	Sync  Sync
	Queue int // writes that may wait; more are refused. Default 4,096
	// Readers is the number of reading connections. Default GOMAXPROCS, at least 2.
	Readers int
	// Log is told, in one sentence, what the operator should know. Default: nobody.
	Log func(msg string, err error)
	// Now is the clock of message ids. Default time.Now.
	Now func() time.Time
}

// Store is an open database. It implements store.Store.
type Store struct {
	opt     Options
	lock    *os.File
	w       *writer
	readers chan *conn
	all     []*conn
	keys    sync.Map // core.ChannelID to core.ChannelKey, which never changes
	index   *indexer
	keeper  *keeper
	stopped chan struct{} // closed first on Close: readers stop waiting
	closing sync.Once
	closed  error
	broken  atomic.Pointer[error] // last failure of the writer's disk, nil when it works
}

var _ store.Store = (*Store)(nil)

// Open opens or creates the database, brings its schema up to date and takes it for this process
// alone: a second process on the same file is refused.
func Open(ctx context.Context, opt Options) (*Store, error) {
	if err := defaults(&opt); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(opt.Path), 0o700); err != nil {
		return nil, fmt.Errorf("sqlite: cannot make the data folder: %w", err)
	}
	lock, err := takeLock(opt.Path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &Store{opt: opt, lock: lock, stopped: make(chan struct{}), readers: make(chan *conn, opt.Readers)}
	if err := s.open(ctx); err != nil {
		s.release()
		return nil, err
	}
	s.w.start()
	s.keeper.start()
	s.index.start()
	return s, nil
}

// defaults checks and completes the options.
func defaults(opt *Options) error {
	if opt.Path == "" {
		return errors.New("sqlite: the path of the database is empty")
	}
	if opt.Node < 0 || opt.Node > 15 {
		return fmt.Errorf("sqlite: node is %d but must be 0 to 15", opt.Node)
	}
	if opt.Queue <= 0 {
		opt.Queue = 4096
	}
	if opt.Readers <= 0 {
		opt.Readers = max(2, runtime.GOMAXPROCS(0))
	}
	if opt.Log == nil {
		opt.Log = func(string, error) {}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return nil
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode=WAL"); err != nil {
		return fmt.Errorf("sqlite: cannot open %s: %w", path, err)
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("sqlite: cannot migrate %s: %w", path, err)
	}
	return nil
}

// open opens the connections; what it opened is closed by release.
func (s *Store) open(ctx context.Context) error {
	if err := migrate(ctx, s.opt.Path); err != nil {
		return err
	}
	full := "PRAGMA synchronous=FULL"
	if s.opt.Sync == SyncNormal {
		full = "PRAGMA synchronous=NORMAL"
	}
	// The keeper checkpoints; a commit never does.
	c, err := openConn(s.opt.Path, full, "PRAGMA wal_autocheckpoint=0", "PRAGMA cache_size=-65536", "PRAGMA temp_store=MEMORY")
	if err != nil {
		return err
	}
	s.all = append(s.all, c)
	if s.w, err = newWriter(s, c); err != nil {
		return err
	}
	if s.index, err = newIndexer(s); err != nil {
		return err
	}
	if s.keeper, err = newKeeper(s); err != nil {
		return err
	}
	for range s.opt.Readers {
		c, err := openConn(s.opt.Path, "PRAGMA query_only=1", "PRAGMA cache_size=-16384", "PRAGMA temp_store=MEMORY",
			"PRAGMA mmap_size=0")
		if err != nil {
			return err
		}
		s.all = append(s.all, c)
		if err := s.index.attach(c); err != nil {
			return err
		}
		s.readers <- c
	}
	return nil
}

// release closes what open opened.
func (s *Store) release() {
	if s.index != nil {
		s.index.close()
	}
	if s.keeper != nil {
		s.keeper.close()
	}
	for _, c := range s.all {
		c.close()
	}
	dropLock(s.lock)
}

// Close refuses new work, waits for what is queued and being read, and closes the database.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.w.stop()
		close(s.stopped)
		s.index.stop()
		s.keeper.stop()
		for range s.opt.Readers {
			<-s.readers
		}
		s.closed = s.keeper.last()
		s.release()
	})
	return s.closed
}

// Ping returns nil when a write would be accepted. After a write that the disk refused it tries one.
func (s *Store) Ping(ctx context.Context) error {
	return s.w.submit(ctx, &job{fn: func(t store.Tx) error {
		if s.broken.Load() == nil {
			return nil
		}
		return t.PutRecord(0, "ping", "", []byte("0"))
	}})
}

// errClosed is what everything answers after Close.
var errClosed = fmt.Errorf("%w: the store is closed", store.ErrUnavailable)

// ended is the error of work whose context ended before it began.
func ended(ctx context.Context) error {
	return fmt.Errorf("%w: %w", store.ErrUnavailable, context.Cause(ctx))
}

// read runs fn on a reading connection. A statement under way is interrupted when ctx ends.
func read[T any](ctx context.Context, s *Store, fn func(*session) (T, error)) (T, error) {
	var zero T
	var c *conn
	select {
	case c = <-s.readers:
	default:
		select {
		case c = <-s.readers:
		case <-ctx.Done():
			return zero, ended(ctx)
		case <-s.stopped:
			return zero, errClosed
		}
	}
	defer func() { s.readers <- c }()
	select {
	case <-s.stopped:
		return zero, errClosed
	default:
	}
	if ctx.Err() != nil {
		return zero, ended(ctx)
	}
	out, err := fn(&session{c: c, s: s, ctx: ctx})
	if err != nil {
		return zero, err
	}
	return out, nil
}

// session reads on one connection: a reader's, or the writer's inside a transaction.
type session struct {
	c   *conn
	s   *Store
	ctx context.Context //nolint:containedctx // lives for one call
}

// keyOf returns the key of a channel, or "" when there is none.
func (r *session) keyOf(ch core.ChannelID) (core.ChannelKey, error) {
	if k, ok := r.s.keys.Load(ch); ok {
		return k.(core.ChannelKey), nil //nolint:forcetypeassert // the only type stored
	}
	st, err := r.c.prepare("SELECT key FROM channels WHERE id = ?")
	if err != nil {
		return "", err
	}
	more, err := st.int(int64(ch)).step()
	if err != nil || !more {
		return "", err
	}
	k := core.ChannelKey(st.colText(0))
	st.reset()
	if r.c != r.s.w.c { // a key seen in a transaction may yet be rolled back
		r.s.keys.Store(ch, k)
	}
	return k, nil
}
