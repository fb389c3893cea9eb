package sim

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/engine"
	"dragoman/core/store"
	"dragoman/core/store/sqlite"
)

// Template is a database with an app, its people and its channels, to start stories from.
type Template struct {
	files map[string][]byte
	app   core.AppID
	chans map[core.ChannelKey]core.Channel
}

// people are in the channels from the start; the visitor comes and goes.
const visitor core.UserID = "vis"

// membership says who is where. A person of the first channel has no second reader in the others.
var membership = map[string][]core.UserID{
	"all": {"ann", "bob", "cat", "dan"},
	"duo": {"ann", "bob"},
	"hot": {"bob", "cat", "dan"},
}

// everyone are the members.
var everyone = []core.UserID{"ann", "bob", "cat", "dan"}

// keyOf is the key of a channel of membership.
func keyOf(name string) core.ChannelKey { return core.KeyOf(core.DefaultType, name) }

// silence is the bus of a node that is alone.
type silence struct{ bus.Bus }

// Publish implements bus.Bus.
func (silence) Publish(string, []byte) error { return nil }

// Subscribe implements bus.Bus.
func (silence) Subscribe(string, func(string, []byte)) (func(), error) { return func() {}, nil }

// Flush implements bus.Bus.
func (silence) Flush() error { return nil }

// NewTemplate makes one, by the engine's own commands.
func NewTemplate(t *testing.T) *Template {
	t.Helper()
	out := &Template{files: map[string][]byte{}, chans: map[core.ChannelKey]core.Channel{}}
	path := filepath.Join(Scratch(t), "template.db")
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(began.Add(-time.Hour)))
		st, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Sync: sqlite.SyncNormal, Readers: 1})
		if err != nil {
			t.Fatal(err)
		}
		out.fill(t, st)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	})
	for _, suffix := range []string{"", ".search"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		out.files[suffix] = b
	}
	return out
}

// fill makes the app, the people and the channels.
func (out *Template) fill(t *testing.T, st store.Store) {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Options{Store: st, Bus: silence{}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	a, err := e.EnsureApp(t.Context(), "sim", nil)
	if err != nil {
		t.Fatal(err)
	}
	out.app = a.ID
	by := core.Actor{App: a.ID, Access: core.AccessServer}
	in := core.UpsertUsers{Users: []core.User{{ID: visitor, Name: "vis 0"}}}
	for _, u := range everyone {
		in.Users = append(in.Users, core.User{ID: u, Name: string(u) + " 0"})
	}
	if _, err := e.Core().Users.Upsert(t.Context(), by, in); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"all", "duo", "hot"} {
		open := core.OpenChannel{Type: core.DefaultType, ID: name, Input: core.ChannelInput{CreatedBy: membership[name][0]}}
		for _, u := range membership[name] {
			open.Input.Members = append(open.Input.Members, core.MemberInput{User: u})
		}
		got, err := e.Core().Channels.Open(t.Context(), by, open)
		if err != nil {
			t.Fatal(err)
		}
		out.chans[got.Channel.Key] = got.Channel
	}
	_, err = e.Core().Apps.Update(t.Context(), by, core.UpdateApp{Change: func(s *core.AppSettings) error {
		s.WebhookURL = "https://hooks.example"
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}
