package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"dragoman/core/store"
	"dragoman/core/store/postgres"
	"dragoman/core/store/postgres/pgtest"
	"dragoman/core/store/storetest"
)

// server is the one all tests share; nil when PostgreSQL is not installed.
var server *pgtest.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = pgtest.Start(pgtest.Quick); err != nil && (pgtest.Required() || !errors.Is(err, pgtest.Missing)) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if server != nil { // the schema once, and copies of it
		if err := server.Prepare(context.Background(), func(dsn string) error {
			s, err := postgres.Open(context.Background(), postgres.Options{DSN: dsn})
			if err != nil {
				return err
			}
			return s.Close()
		}); err != nil {
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

// need skips the test without a server.
func need(t testing.TB) {
	t.Helper()
	if server == nil {
		t.Skip(pgtest.Missing)
	}
}

// open opens a store on a database that is closed with the test; dsn "" makes a fresh one.
func open(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	need(t)
	var err error
	if dsn == "" {
		if dsn, err = server.Fresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s, err := postgres.Open(t.Context(), postgres.Options{DSN: dsn, Conns: 16, Log: func(msg string, err error) { t.Logf("%s: %v", msg, err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestStoreConforms(t *testing.T) {
	need(t)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, "") })
}
