package remote_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "the secret of this cluster, 32 chars"

// fake is a core of a few services whose behaviour the tests set.
type fake struct {
	name string

	mu       sync.Mutex
	settings core.AppSettings
	between  func() // runs after Change was asked for, as another caller would
	types    map[string]core.ChannelType
	sinks    map[string]core.Connect
	closed   []string
	files    map[string][]byte

	sends  atomic.Int32
	gets   atomic.Int32
	stored sync.Map      // alias → core.Message, shared by the nodes of a test
	shared *sync.Map     // instead of stored
	hold   chan struct{} // commands wait for it; nil lets them pass
	ready  atomic.Bool
	last   atomic.Int64
}

func newFake(name string) *fake {
	f := &fake{name: name, types: map[string]core.ChannelType{}, sinks: map[string]core.Connect{}, files: map[string][]byte{}}
	f.shared = &f.stored
	f.ready.Store(true)
	return f
}

type (
	fakeApps     struct{ *fake }
	fakeTypes    struct{ *fake }
	fakeMessages struct {
		core.Messages
		*fake
	}
	fakeLive struct {
		core.Live
		*fake
	}
	fakeHealth struct{ *fake }
)

// Ready implements core.Health.
func (f fakeHealth) Ready(context.Context) error {
	if !f.ready.Load() {
		return fault.StorageUnavailable.Error("")
	}
	return nil
}

// Get implements core.Apps: the name tells which node has answered.
func (f fakeApps) Get(ctx context.Context, by core.Actor, _ core.GetApp) (core.App, error) {
	f.gets.Add(1)
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return core.App{}, fault.From(ctx.Err())
		}
	}
	return core.App{ID: by.App, Name: f.name}, nil
}

// Update implements core.Apps as the engine does: Change is applied to a copy, and an error leaves all as it was.
func (f fakeApps) Update(_ context.Context, by core.Actor, in core.UpdateApp) (core.App, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.settings
	if err := in.Change(&next); err != nil {
		if f.between != nil {
			f.between()
		}
		return core.App{}, err
	}
	f.settings = next
	return core.App{ID: by.App, Settings: next}, nil
}

// Get implements core.Types.
func (f fakeTypes) Get(_ context.Context, _ core.Actor, in core.GetType) (core.ChannelType, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.types[in.Name], nil
}

// Put implements core.Types: a new type is made at this very moment.
func (f fakeTypes) Put(_ context.Context, _ core.Actor, in core.PutType) (core.ChannelType, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := core.ChannelType{Name: in.Name, CreatedAt: time.Now(), UpdatedAt: time.Now(), Features: core.Features{core.FeatureReads: true}}
	if err := in.Change(&t); err != nil {
		return core.ChannelType{}, err
	}
	f.types[in.Name] = t
	return t, nil
}

// Delete implements core.Types.
func (f fakeTypes) Delete(context.Context, core.Actor, core.DeleteType) (core.ChannelType, error) {
	panic("a mistake of the core")
}

// List implements core.Types.
func (f fakeTypes) List(context.Context, core.Actor, core.ListTypes) ([]core.ChannelType, error) {
	return nil, nil
}

// Send implements core.Messages: an alias is stored once.
func (f fakeMessages) Send(_ context.Context, by core.Actor, in core.SendMessage) (core.Sent, error) {
	f.sends.Add(1)
	m := core.Message{User: by.User, Alias: in.Message.Alias, Text: in.Message.Text, CreatedAt: time.Now().UTC()}
	if m.Alias != "" {
		if old, twice := f.shared.LoadOrStore(m.Alias, m); twice {
			return core.Sent{Message: old.(core.Message), Duplicate: true}, nil
		}
	}
	return core.Sent{Message: m}, nil
}

// Connect implements core.Live.
func (f fakeLive) Connect(_ context.Context, by core.Actor, in core.Connect) (core.Connection, error) {
	if by.User == "stranger" {
		return core.Connection{}, fault.AuthFailed.Error("not you").With("removed")
	}
	id := f.name + "-" + string(by.User)
	f.mu.Lock()
	f.sinks[id] = in
	f.mu.Unlock()
	return core.Connection{ID: id, Self: core.Self{User: core.User{ID: by.User}}, Close: func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.closed = append(f.closed, id)
		delete(f.sinks, id)
	}}, nil
}

// Watch implements core.Live: it answers which node was asked.
func (f fakeLive) Watch(context.Context, core.Actor, core.WatchChannels) ([]core.Channel, error) {
	return []core.Channel{{Name: f.name}}, nil
}

// connection finds an open connection.
func (f *fake) connection(id string) (core.Connect, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.sinks[id]
	return c, ok
}

// ends is how many connections were closed.
func (f *fake) ends() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.closed)
}

// core is the fake as services.
func (f *fake) core() *core.Core {
	return &core.Core{
		Apps: fakeApps{f}, Types: fakeTypes{f}, Messages: fakeMessages{nil, f}, Live: fakeLive{nil, f}, Health: fakeHealth{f},
		Files: fakeFiles{f},
	}
}

// node is a core node of a test: a server that can be killed and come back at its address.
type node struct {
	*fake
	t    *testing.T
	addr string
	srv  *remote.Server
	http *http.Server
	ln   *tracked
	opt  func(*remote.ServerOptions)

	answered func(w http.ResponseWriter, r *http.Request) bool // says that the answer is lost
}

// tracked remembers its connections, so that killing the server cuts them all.
type tracked struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

// Accept implements net.Listener.
func (l *tracked) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

// cut breaks all connections.
func (l *tracked) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

// startNode runs a node on a free port of loopback.
func startNode(t *testing.T, name string, set ...func(*node)) *node {
	t.Helper()
	n := &node{fake: newFake(name), t: t, addr: "127.0.0.1:0"}
	for _, f := range set {
		f(n)
	}
	n.start()
	t.Cleanup(n.kill)
	return n
}

// start listens, at the address it had before if there was one.
func (n *node) start() {
	n.t.Helper()
	ln, err := net.Listen("tcp", n.addr)
	if err != nil {
		n.t.Fatal(err)
	}
	n.addr, n.ln = ln.Addr().String(), &tracked{Listener: ln}
	o := remote.ServerOptions{
		Core: n.core(), Secret: secret, Silence: 3 * time.Second,
		Apps: func(context.Context) (map[string]core.AppID, error) {
			return map[string]core.AppID{"one": 1, "two": 2}, nil
		},
		Report: func(msg string, err error) { n.t.Logf("node %s: %s: %v", n.name, msg, err) },
	}
	if n.opt != nil {
		n.opt(&o)
	}
	n.srv = remote.NewServer(o)
	h := http.Handler(n.srv)
	if n.answered != nil {
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.answered(w, r) {
				return
			}
			n.srv.ServeHTTP(w, r)
		})
	}
	n.http = &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	go func(s *http.Server, l net.Listener) { _ = s.Serve(l) }(n.http, n.ln)
}

// kill ends the node at once, as a crash does.
func (n *node) kill() {
	_ = n.http.Close()
	_ = n.ln.Close() // the server may not have begun to serve it
	n.ln.cut()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n.srv.Drain(ctx) // waits for what a crash would have ended
}

// url is the address for clients.
func (n *node) url() string { return "http://" + n.addr }

// client makes a client of the nodes and waits until all that live are linked.
func client(t *testing.T, set func(*remote.Options), nodes ...*node) *remote.Client {
	t.Helper()
	o := remote.Options{Secret: secret, Probe: 20 * time.Millisecond, Spread: 50 * time.Millisecond, Silence: 3 * time.Second}
	o.Breaker = remote.BreakerOptions{Failures: 3, OpenFor: 50 * time.Millisecond}
	for _, n := range nodes {
		o.Nodes = append(o.Nodes, n.url())
	}
	if set != nil {
		set(&o)
	}
	c, err := remote.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	until(t, "links", func() bool {
		for _, s := range c.Nodes() {
			if !s.Linked {
				return false
			}
		}
		return true
	})
	return c
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to %s", what)
		}
	}
}

// ann is a person.
var ann = core.Actor{App: 1, User: "ann", Access: core.AccessUser}
