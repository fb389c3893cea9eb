package sqlite_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"dragoman/core/store"
	"dragoman/core/store/sqlite"
	"dragoman/core/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a fresh store that is closed with the test.
func open(t *testing.T, opt sqlite.Options) *sqlite.Store {
	t.Helper()
	if opt.Path == "" {
		opt.Path = filepath.Join(t.TempDir(), "test.db")
	}
	opt.Log = func(msg string, err error) { t.Errorf("%s: %v", msg, err) }
	s, err := sqlite.Open(t.Context(), opt)
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
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, sqlite.Options{Sync: sqlite.SyncNormal}) })
}
