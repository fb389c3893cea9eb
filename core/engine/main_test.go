package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"dragoman/core/store"
	"dragoman/core/store/postgres"
	"dragoman/core/store/postgres/pgtest"
	"dragoman/core/store/sqlite"
)

// storeEnv names the store that the tests of this package run on: sqlite, or postgres with a store
// of its own for each engine.
const storeEnv = "DRAGOMAN_TEST_STORE"

// server is set when the tests run on PostgreSQL.
var server *pgtest.Server

func TestMain(m *testing.M) {
	if os.Getenv(storeEnv) == "postgres" {
		var err error
		if server, err = pgtest.Start(pgtest.Quick); err == nil {
			err = server.Prepare(context.Background(), func(dsn string) error {
				st, err := postgres.Open(context.Background(), postgres.Options{DSN: dsn})
				if err != nil {
					return err
				}
				return st.Close()
			})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	if server != nil {
		server.Stop()
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// onPostgres are the tests that are run again on PostgreSQL: all that have several nodes, and those
// whose writes cross each other.
const onPostgres = "Node|Bus|Feed|Hook|Deliver|Order|Group|Thread|Unread|Online|Session|Presence|Poll|Truncat|Restart"

// TestAlsoOnPostgres runs tests of this package again, each engine with a store of its own on one
// PostgreSQL database.
func TestAlsoOnPostgres(t *testing.T) {
	if os.Getenv(storeEnv) != "" {
		return // this is that run
	}
	if !pgtest.Installed() && !pgtest.Required() {
		t.Skip(pgtest.Missing)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+onPostgres, "-test.timeout=8m") //nolint:gosec // this binary
	cmd.Env = append(os.Environ(), storeEnv+"=postgres")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// database is what the engines of one test share.
type database struct {
	dir, dsn string
	file     store.Store // the one SQLite store, while open
	users    int
}

// newDatabase makes an empty one.
func newDatabase(t *testing.T) *database {
	t.Helper()
	d := &database{dir: t.TempDir()}
	if server != nil {
		var err error
		if d.dsn, err = server.Fresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// shared reports whether each engine has a store of its own.
func (d *database) shared() bool { return d.dsn != "" }

// open answers a store; it must be closed by close.
func (d *database) open(t *testing.T) store.Store {
	t.Helper()
	if d.dsn != "" {
		st, err := postgres.Open(t.Context(), postgres.Options{DSN: d.dsn, Conns: 8})
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	if d.users++; d.file == nil {
		st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(d.dir, "chat.db")})
		if err != nil {
			t.Fatal(err)
		}
		d.file = st
	}
	return d.file
}

// close closes a store that no other engine uses.
func (d *database) close(st store.Store) error {
	if st != d.file {
		return st.Close()
	}
	if d.users--; d.users > 0 {
		return nil
	}
	d.file = nil
	if err := st.Close(); err != nil && !errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return nil
}
