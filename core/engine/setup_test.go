package engine_test

import (
	"path/filepath"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/blob"
	"dragoman/core/bus"
	"dragoman/core/engine"
	"dragoman/core/fault"
)

// rig is a world of one node whose engine and store can be stopped and started again.
type rig struct {
	*world
	dir    string
	db     *database
	tweak  func(*engine.Options)
	engine *engine.Engine
	stop   func()
}

// newEngine starts an engine with options of the test's choice on a fresh store.
func newEngine(t *testing.T, tweak func(*engine.Options), users ...core.UserID) *rig {
	t.Helper()
	r := &rig{
		world: &world{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}},
		dir:   t.TempDir(), db: newDatabase(t), tweak: tweak,
	}
	r.start()
	t.Cleanup(func() { r.stop() })
	if len(users) > 0 {
		in := core.UpsertUsers{}
		for _, u := range users {
			in.Users = append(in.Users, core.User{ID: u, Name: string(u)})
		}
		if _, err := r.core().Users.Upsert(t.Context(), r.server(), in); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// start opens the store and starts the engine on it.
func (r *rig) start() {
	r.t.Helper()
	ctx := r.t.Context()
	b, err := bus.Embedded()
	if err != nil {
		r.t.Fatal(err)
	}
	st := r.db.open(r.t)
	blobs, err := blob.Open(filepath.Join(r.dir, "blobs"))
	if err != nil {
		r.t.Fatal(err)
	}
	o := engine.Options{
		Store: st, Bus: b, Shared: r.db.shared(), Now: r.clock.Now, Blobs: blobs,
		Report: func(msg string, err error) { r.t.Logf("engine: %s: %v", msg, err) },
	}
	if r.tweak != nil {
		r.tweak(&o)
	}
	e, err := engine.New(ctx, o)
	if err != nil {
		r.t.Fatal(err)
	}
	a, err := e.EnsureApp(ctx, "test", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.app, r.engine, r.nodes = a.ID, e, []*core.Core{e.Core()}
	r.stop = func() {
		e.Close()
		b.Close()
		if err := r.db.close(st); err != nil {
			r.t.Errorf("close store: %v", err)
		}
		if err := blobs.Close(); err != nil {
			r.t.Errorf("close blobs: %v", err)
		}
	}
}

// restart stops everything and starts it again on what is stored.
func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start()
}

// settings changes the app.
func (w *world) settings(change func(*core.AppSettings)) {
	w.t.Helper()
	_, err := w.core().Apps.Update(w.t.Context(), w.server(), core.UpdateApp{Change: func(s *core.AppSettings) error {
		change(s)
		return nil
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// typ changes a channel type.
func (w *world) typ(name string, change func(*core.ChannelType)) {
	w.t.Helper()
	_, err := w.core().Types.Put(w.t.Context(), w.server(), core.PutType{Name: name, Change: func(t *core.ChannelType) error {
		change(t)
		return nil
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// wants fails unless err is of the reason; a nil reason wants no error.
func (w *world) wants(err error, reason *fault.Reason) {
	w.t.Helper()
	if reason == nil && err != nil || reason != nil && !fault.IsReason(err, reason) {
		w.t.Errorf("got error %v, want %v", err, reason)
	}
}

// eventually waits until ok reports true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
