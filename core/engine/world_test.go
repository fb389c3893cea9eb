package engine_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/engine"
)

// world is one app on one store with as many engines ("nodes") as a test asks for.
type world struct {
	t       *testing.T
	app     core.AppID
	nodes   []*core.Core
	engines []*engine.Engine
	clock   *clock
	// restart ends the first engine and starts another on the same store.
	restart func()
}

// clock is a wall clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock on.
func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

// newWorld starts one engine per bus on a fresh store and creates the users named.
func newWorld(t *testing.T, buses []bus.Bus, users ...core.UserID) *world {
	t.Helper()
	ctx := t.Context()
	db := newDatabase(t)
	w := &world{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	start := func(b bus.Bus) *engine.Engine {
		st := db.open(t)
		t.Cleanup(func() {
			if err := db.close(st); err != nil {
				t.Errorf("close store: %v", err)
			}
		})
		e, err := engine.New(ctx, engine.Options{
			Store: st, Bus: b, Shared: db.shared() || len(buses) > 1, Now: w.clock.Now, RoomGrace: 50 * time.Millisecond, Report: func(msg string, err error) { t.Logf("engine: %s: %v", msg, err) },
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for i, b := range buses {
		e := start(b)
		if i == 0 {
			t.Cleanup(func() { e.Close() })
			w.restart = func() {
				e.Close()
				e = start(b)
				w.nodes[0] = e.Core()
			}
		} else {
			t.Cleanup(e.Close)
		}
		if i == 0 {
			a, err := e.EnsureApp(ctx, "test", nil)
			if err != nil {
				t.Fatal(err)
			}
			w.app = a.ID
		}
		w.nodes = append(w.nodes, e.Core())
		w.engines = append(w.engines, e)
	}
	in := core.UpsertUsers{}
	for _, u := range users {
		in.Users = append(in.Users, core.User{ID: u, Name: string(u)})
	}
	if _, err := w.nodes[0].Users.Upsert(ctx, w.server(), in); err != nil {
		t.Fatal(err)
	}
	return w
}

// single is a world of one node.
func single(t *testing.T, users ...core.UserID) *world {
	t.Helper()
	b, err := bus.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return newWorld(t, []bus.Bus{b}, users...)
}

func (w *world) core() *core.Core   { return w.nodes[0] }
func (w *world) server() core.Actor { return core.Actor{App: w.app, Access: core.AccessServer} }
func (w *world) as(u core.UserID) core.Actor {
	return core.Actor{App: w.app, User: u, Access: core.AccessUser}
}

// group opens a channel of the default type with the members, made by the first.
func (w *world) group(id string, members ...core.UserID) core.ChannelKey {
	w.t.Helper()
	in := core.OpenChannel{Type: core.DefaultType, ID: id}
	for _, m := range members {
		in.Input.Members = append(in.Input.Members, core.MemberInput{User: m})
	}
	st, err := w.core().Channels.Open(w.t.Context(), w.as(members[0]), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return st.Channel.Key
}

// say sends a text.
func (w *world) say(u core.UserID, key core.ChannelKey, text string) core.Message {
	w.t.Helper()
	out, err := w.core().Messages.Send(w.t.Context(), w.as(u), core.SendMessage{Key: key, Message: core.MessageInput{Text: text}})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Message
}

// ear is a live connection that keeps what it is told.
type ear struct {
	t *testing.T
	core.Connection
	by   core.Actor
	told chan core.Delivery
}

// listen connects a person to a node.
func (w *world) listen(node int, u core.UserID) *ear {
	w.t.Helper()
	x := &ear{t: w.t, told: make(chan core.Delivery, 4096)}
	c, err := w.nodes[node].Live.Connect(w.t.Context(), w.as(u), core.Connect{Sink: func(d core.Delivery) { x.told <- d }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	x.Connection, x.by = c, w.as(u)
	x.by.Connection = c.ID
	return x
}

// watch follows a channel.
func (w *world) watch(node int, x *ear, key core.ChannelKey) {
	w.t.Helper()
	if _, err := w.nodes[node].Live.Watch(w.t.Context(), x.by, core.WatchChannels{Keys: []core.ChannelKey{key}}); err != nil {
		w.t.Fatal(err)
	}
}

// next waits for the next event of a kind and passes over others.
func (x *ear) next(kind core.EventKind) core.Delivery {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), 5*time.Second)
	defer cancel()
	for {
		select {
		case d := <-x.told:
			if d.Event.Kind == kind {
				return d
			}
		case <-ctx.Done():
			x.t.Fatalf("no %s event came", kind)
		}
	}
}

// heard returns the kinds told so far, once a marker event sent now has come through.
func (w *world) heard(x *ear) []core.EventKind {
	w.t.Helper()
	if _, err := w.core().Live.Send(w.t.Context(), w.server(), core.SendEvent{Kind: core.CustomEvent, Name: "marker", To: []core.UserID{x.by.User}}); err != nil {
		w.t.Fatal(err)
	}
	var out []core.EventKind
	for {
		select {
		case d := <-x.told:
			if d.Event.Kind == core.CustomEvent && d.Event.Name == "marker" {
				return out
			}
			out = append(out, d.Event.Kind)
		case <-time.After(5 * time.Second):
			w.t.Fatal("the marker did not come")
		}
	}
}
