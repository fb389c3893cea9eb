package remote_test

import (
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/engine"
	"dragoman/core/remote"
	"dragoman/core/store/sqlite"
)

// BenchmarkCore measures what the way to another node costs: the same commands on the core itself and
// over loopback, one caller at a time.
func BenchmarkCore(b *testing.B) {
	for _, where := range []string{"embedded", "remote"} {
		k, by := benchCore(b, where == "remote")
		config, err := k.Channels.Open(b.Context(), by, core.OpenChannel{Type: core.DefaultType, ID: "room", State: core.StateWanted{State: true}})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, c := range []struct {
			name string
			run  func() error
		}{
			{"send", func() error {
				n++
				_, err := k.Messages.Send(b.Context(), by, core.SendMessage{Key: config.Channel.Key, Message: core.MessageInput{Text: "hello " + strconv.Itoa(n)}})
				return err
			}},
			{"page of 30", func() error {
				_, err := k.Messages.List(b.Context(), by, core.ListMessages{Key: config.Channel.Key, Page: core.MessagePage{Limit: 30}})
				return err
			}},
			{"open channel", func() error {
				_, err := k.Channels.Open(b.Context(), by, core.OpenChannel{Type: core.DefaultType, ID: "room", State: core.StateWanted{State: true}})
				return err
			}},
			{"change user", func() error {
				n++
				_, err := k.Users.Patch(b.Context(), by, core.PatchUsers{Patches: []core.UserPatch{{ID: "alice", Change: func(u *core.User) error {
					u.Name = "Alice " + strconv.Itoa(n)
					return nil
				}}}})
				return err
			}},
		} {
			b.Run(c.name+"/"+where, func(b *testing.B) {
				for b.Loop() {
					if err := c.run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// benchCore makes a core with one person.
func benchCore(b *testing.B, away bool) (*core.Core, core.Actor) {
	b.Helper()
	db, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "chat.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	local, err := bus.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(local.Close)
	e, err := engine.New(b.Context(), engine.Options{Store: db, Bus: local})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Close)
	app, err := e.EnsureApp(b.Context(), "bench", nil)
	if err != nil {
		b.Fatal(err)
	}
	k := e.Core()
	if away {
		srv := httptest.NewServer(remote.NewServer(remote.ServerOptions{Core: k, Secret: secret}))
		b.Cleanup(srv.Close)
		c, err := remote.New(remote.Options{Nodes: []string{srv.URL}, Secret: secret})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(c.Close)
		k = c.Core()
	}
	by := core.Actor{App: app.ID, User: "alice", Access: core.AccessServer}
	if _, err := k.Users.Upsert(b.Context(), by, core.UpsertUsers{Users: []core.User{{ID: "alice"}}}); err != nil {
		b.Fatal(err)
	}
	return k, by
}
