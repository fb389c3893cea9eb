package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/sqlite"
)

func TestOpenAppendReadSearch(t *testing.T) {
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := t.Context()
	now := time.Now().UTC().Truncate(time.Millisecond)
	app := core.App{Name: "a", CreatedAt: now, UpdatedAt: now}
	ch := core.Channel{Key: "general", Type: "messaging", CreatedAt: now, UpdatedAt: now, Extra: core.Extra(`{"a":{"b":3}}`)}
	err = s.Update(ctx, 0, 0, func(tx store.Tx) error {
		if err := tx.PutApp(&app); err != nil {
			return err
		}
		ch.ID = 0
		if err := tx.PutChannel(app.ID, &ch); err != nil {
			return err
		}
		if err := tx.PutUser(app.ID, &core.User{ID: "ann", Name: "Ann Smith", CreatedAt: now}); err != nil {
			return err
		}
		return tx.PutMember(app.ID, &core.Member{Channel: ch.ID, User: "ann", CreatedAt: now})
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := core.Message{Channel: ch.ID, User: "ann", Alias: "x", Text: "hello big world", CreatedAt: now, UpdatedAt: now}
	in := store.Append{App: app.ID, Message: &m, MoveRead: true, Outbox: true}
	if err := s.Append(ctx, &in, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Indexed(ctx); err != nil {
		t.Fatal(err)
	}
	found, err := s.FindMessages(ctx, app.ID, store.Query{Text: "hello wor"})
	if err != nil || len(found) != 1 || found[0].ID != m.ID || found[0].ChannelKey != "general" {
		t.Fatalf("found %+v, %v", found, err)
	}
	chs, err := s.FindChannels(ctx, app.ID, store.Query{Viewer: "ann", Filter: core.And(core.Cond("members", core.OpContains, core.Text("ann")),
		core.Cond("extra.a.b", core.OpGte, core.Number(3)), core.Cond("joined", core.OpEq, core.Bool(true))), Sort: []core.Sort{{Field: "last_message_at", Desc: true}}})
	if err != nil || len(chs) != 1 || chs[0].LastSeq != 1 {
		t.Fatalf("channels %+v, %v", chs, err)
	}
}
