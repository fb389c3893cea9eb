package sqlite_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dragoman/core/store"
	"dragoman/core/store/sqlite"
)

// TestWriteWhoseCallerLeavesIsAlwaysAnswered cancels many writes at the very time the writer takes
// them up: whoever sees it first, the caller gets an answer.
func TestWriteWhoseCallerLeavesIsAlwaysAnswered(t *testing.T) {
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "chat.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			busy, release := make(chan struct{}), make(chan struct{})
			var round sync.WaitGroup
			round.Go(func() {
				_ = st.Update(t.Context(), 0, 0, func(store.Tx) error { close(busy); <-release; return nil }, nil)
			})
			<-busy
			var queued sync.WaitGroup
			for range 48 {
				queued.Add(1)
				round.Go(func() {
					queued.Done()
					_ = st.Update(ctx, 0, 0, func(store.Tx) error { return nil }, nil) // done or given up: both are answers
				})
			}
			queued.Wait()
			go cancel()
			close(release)
			round.Wait()
			cancel()
		}
	})
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("a write was never answered")
	}
}
