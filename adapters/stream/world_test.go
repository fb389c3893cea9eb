package stream_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/stream"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

const (
	apiKey    = "key"
	apiSecret = "secret-0123456789abcdef-0123456789"
)

// now is the clock of these tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fake is just as much core as authentication and live links need; the engine has its own tests.
// What a test does not set up is missing and panics when it is used.
type fake struct {
	mu       sync.Mutex
	settings core.AppSettings
	users    map[core.UserID]core.User
	sinks    map[string]core.Sink
	closed   []string
	connects []core.Connect
}

// The services, each with what is missing of it embedded.
type (
	fakeApps struct {
		core.Apps
		*fake
	}
	fakeUsers struct {
		core.Users
		*fake
	}
	fakeCommands struct {
		core.Commands
		*fake
	}
	fakeMessages struct {
		core.Messages
		*fake
	}
	fakeLive struct {
		core.Live
		*fake
	}
)

func (f fakeApps) Get(_ context.Context, by core.Actor, _ core.GetApp) (core.App, error) {
	return core.App{ID: by.App, Settings: f.settings}, nil
}

func (f fakeUsers) Get(_ context.Context, _ core.Actor, in core.GetUsers) ([]core.User, error) {
	var out []core.User
	for _, id := range in.IDs {
		if u, ok := f.users[id]; ok {
			out = append(out, u)
		}
	}
	return out, nil
}

func (f fakeCommands) List(context.Context, core.Actor, core.ListCommands) ([]core.Command, error) {
	return nil, nil
}

func (f fakeMessages) Send(_ context.Context, by core.Actor, in core.SendMessage) (core.Sent, error) {
	return core.Sent{Message: core.Message{ID: 7, Alias: in.Message.Alias, ChannelKey: in.Key, User: by.User, Text: in.Message.Text, Kind: in.Message.Kind, Extra: in.Message.Extra, CreatedAt: now, UpdatedAt: now}}, nil
}

func (f fakeLive) Connect(_ context.Context, by core.Actor, in core.Connect) (core.Connection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := "conn-" + string(by.User)
	if f.sinks == nil {
		f.sinks = map[string]core.Sink{}
	}
	f.sinks[id], f.connects = in.Sink, append(f.connects, in)
	return core.Connection{ID: id, Self: core.Self{User: core.User{ID: by.User, Online: true}}, Close: func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.closed = append(f.closed, id)
	}}, nil
}

// tell hands a delivery to a connection.
func (f *fake) tell(t *testing.T, id string, dl core.Delivery) {
	t.Helper()
	f.mu.Lock()
	sink := f.sinks[id]
	f.mu.Unlock()
	if sink == nil {
		t.Fatalf("no connection %s", id)
	}
	sink(dl)
}

// newDialect is a dialect of one app over the fake.
func newDialect(t testing.TB, f *fake) *stream.Dialect {
	t.Helper()
	c := &core.Core{
		Apps: fakeApps{nil, f}, Users: fakeUsers{nil, f}, Commands: fakeCommands{nil, f}, Messages: fakeMessages{nil, f}, Live: fakeLive{nil, f},
		Channels: struct{ core.Channels }{}, Reactions: struct{ core.Reactions }{}, Reads: struct{ core.Reads }{}, Threads: struct{ core.Threads }{}, Previews: struct{ core.Previews }{},
		Moderation: struct{ core.Moderation }{}, Blocklists: struct{ core.Blocklists }{}, Types: struct{ core.Types }{}, Roles: struct{ core.Roles }{},
		Polls: struct{ core.Polls }{}, Drafts: struct{ core.Drafts }{}, Reminders: struct{ core.Reminders }{}, Devices: struct{ core.Devices }{},
		Files: struct{ core.Files }{}, Tasks: struct{ core.Tasks }{}, Health: struct{ core.Health }{},
	}
	d, err := stream.New(adapters.Env{
		Core: c, Now: func() time.Time { return now }, RequestTimeout: time.Second,
		Apps: []adapters.App{{ID: 1, Name: "test", Creds: map[string]string{"api_key": apiKey, "api_secret": apiSecret}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.(*stream.Dialect)
}

// route finds an operation by its name.
func route(t testing.TB, d *stream.Dialect, name string) *adapters.Route {
	t.Helper()
	rs := d.Routes()
	for i := range rs {
		if rs[i].Name == name {
			return &rs[i]
		}
	}
	t.Fatalf("no route %s", name)
	return nil
}

// request builds a request from query pairs.
func request(query ...string) *adapters.Request {
	rq := &adapters.Request{ID: "rq", Method: "GET"}
	for i := 0; i+1 < len(query); i += 2 {
		rq.Query = append(rq.Query, adapters.Param{Name: query[i], Value: query[i+1]})
	}
	return rq
}

// token is a user token.
func token(user core.UserID) string { return stream.UserToken(apiSecret, user) }

// wireError is the error as the vendor's clients see it.
func wireError(d *stream.Dialect, op string, err error) string {
	p := normalize.New(fault.From(err), normalize.OriginCore, stream.Catalog())
	p.Op = op
	return string(d.EncodeError(p).Body)
}
