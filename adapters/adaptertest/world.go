package adaptertest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/blob"
	"dragoman/core/bus"
	"dragoman/core/engine"
	"dragoman/core/store/breaker"
	"dragoman/core/store/sqlite"
	"dragoman/proxy"
)

// Vendor is what a dialect's test supplies.
type Vendor struct {
	Entry  adapters.Entry
	Creds  map[string]string // of the test app
	Rows   []string          // row ids of the vendor's error document
	Driver Driver
	Lacks  []Feature // what this vendor has no word for; the scenarios leave it out

	// Remote puts the core behind the network: the dialect works on a client of package core/remote.
	// The environment variable DRAGOMAN_TEST_CORE=remote does so for all vendors.
	Remote bool
	// Fronted puts a second proxy before the server, which passes everything through to it as to the vendor.
	Fronted bool

	LongText int // bytes of a text that is too long for a message and fits into a call; 0 means 20,000
}

// Setup changes the world of one scenario.
type Setup struct {
	Quota    int // calls per minute and route that names none; 0 means no limits
	Users    []string
	Settings func(*core.AppSettings)
	Patience time.Duration // time allowed for a call; 0 means 10 s
}

// World is one running server: proxy, dialect, core and store, with one app.
type World struct {
	URL     string // "http://127.0.0.1:port"
	Creds   map[string]string
	App     core.AppID
	Core    *core.Core
	Dialect adapters.Dialect

	store *outage
	bus   *deafBus
}

// Server is the actor that is trusted with everything.
func (w *World) Server() core.Actor { return core.Actor{App: w.App, Access: core.AccessServer} }

// NewWorld starts a server for the vendor on a free port and ends it with the test.
func NewWorld(t *testing.T, v *Vendor, s Setup) *World {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	db, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "chat.db")})
	must(t, err)
	w := &World{Creds: v.Creds, store: &outage{Store: db}}
	guarded := breaker.Wrap(w.store, breaker.Options{OpenFor: 50 * time.Millisecond})
	t.Cleanup(func() { must(t, guarded.Close()) })
	b, err := bus.Embedded()
	must(t, err)
	t.Cleanup(b.Close)
	w.bus = &deafBus{Bus: b}
	files, err := blob.Open(filepath.Join(dir, "files"))
	must(t, err)
	calls := &relay{}
	e, err := engine.New(ctx, engine.Options{
		Store: guarded, Bus: w.bus, Blobs: files, Hooks: []core.Hooks{calls}, Callouts: calls, PrivateCallouts: true,
		Report: func(msg string, err error) { t.Logf("core: %s: %v", msg, err) },
	})
	must(t, err)
	t.Cleanup(e.Close)
	app, err := e.EnsureApp(ctx, "test", s.Settings)
	must(t, err)
	w.App, w.Core = app.ID, e.Core()
	if v.Remote || os.Getenv("DRAGOMAN_TEST_CORE") == "remote" {
		w.Core = w.moveAway(t)
	}
	people := core.UpsertUsers{}
	for _, u := range s.Users {
		people.Users = append(people.Users, core.User{ID: core.UserID(u), Name: u})
	}
	if len(people.Users) > 0 {
		_, err = w.Core.Users.Upsert(ctx, w.Server(), people)
		must(t, err)
	}
	w.Dialect, err = v.Entry.New(adapters.Env{
		Core: w.Core, Now: time.Now, Apps: []adapters.App{{ID: app.ID, Name: "test", Creds: v.Creds, RateLimits: s.Quota > 0}}, RequestTimeout: 10 * time.Second,
	})
	must(t, err)
	calls.bind(w.Dialect)
	w.listen(t, v, s)
	if v.Fronted {
		w.front(t, v)
	}
	return w
}

// front puts a proxy before the server that takes it for the vendor. Its own core knows the app and
// nobody else: whatever it answered by itself would be wrong.
func (w *World) front(t *testing.T, v *Vendor) {
	t.Helper()
	back := w.URL
	own := *v
	own.Fronted = false
	empty := NewWorld(t, &own, Setup{})
	srv, err := proxy.New(proxy.Options{
		Listeners: []proxy.Listener{{Name: "front", Addr: "127.0.0.1:0", Mounts: []proxy.Mount{
			{Name: v.Entry.Name, Dialect: empty.Dialect, Catalog: v.Entry.Catalog()},
		}}},
		Apps:      []proxy.App{{ID: empty.App, Name: "test"}},
		Upstreams: []proxy.Upstream{{App: empty.App, Dialect: v.Entry.Name, URL: back, ErrorFormat: "both", Trusted: true, Timeout: 20 * time.Second}},
		Breaker:   proxy.BreakerOptions{OpenFor: 50 * time.Millisecond},
	})
	must(t, err)
	must(t, srv.Listen(t.Context()))
	w.URL = "http://" + srv.Addr("front").String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		must(t, srv.Shutdown(ctx))
	})
}

// listen puts the proxy in front.
func (w *World) listen(t *testing.T, v *Vendor, s Setup) {
	t.Helper()
	srv, err := proxy.New(proxy.Options{
		Listeners: []proxy.Listener{{Name: "main", Addr: "127.0.0.1:0", Mounts: []proxy.Mount{
			{Name: v.Entry.Name, Dialect: w.Dialect, Catalog: v.Entry.Catalog()},
		}}},
		Apps:  []proxy.App{{ID: w.App, Name: "test", RateLimits: s.Quota > 0}},
		Quota: s.Quota, RequestTimeout: s.Patience,
		Sockets: proxy.SocketOptions{DrainSpread: 50 * time.Millisecond},
	})
	must(t, err)
	must(t, srv.Listen(t.Context()))
	w.URL = "http://" + srv.Addr("main").String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		must(t, srv.Shutdown(ctx))
	})
}

// must fails the test for an error that is no part of what is tested.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Verify runs a package's tests and fails if they leave goroutines behind. Three of the web server's
// are left out: its worker pool looks every 10 s whether it should end, the pool of connections to an
// upstream after its keep-alive, and the clock of the Date header never does.
func Verify(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"))
}
