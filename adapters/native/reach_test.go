package native_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"

	"dragoman/adapters"
	"dragoman/adapters/adaptertest"
	"dragoman/adapters/native"
	"dragoman/core"
	"dragoman/core/trace"
)

// recorder notes which commands of the core are reached.
type recorder struct {
	mu   sync.Mutex
	seen map[string]bool
}

func newRecorder() *recorder { return &recorder{seen: map[string]bool{}} }

// Watching implements trace.Recorder.
func (r *recorder) Watching() bool { return true }

// Record implements trace.Recorder.
func (r *recorder) Record(c trace.Command) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[c.Name] = true
}

// recorded is the dialect with a recorder in every call.
type recorded struct {
	*native.Dialect
	to *recorder
}

// Routes implements adapters.Dialect.
func (d recorded) Routes() []adapters.Route {
	rs := slices.Clone(d.Dialect.Routes())
	for i := range rs {
		serve := rs[i].Serve
		rs[i].Serve = func(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
			return serve(trace.With(ctx, d.to), by, rq, rs)
		}
	}
	return rs
}

// Sockets implements adapters.Dialect.
func (d recorded) Sockets() []adapters.Socket {
	ss := d.Dialect.Sockets()
	for i := range ss {
		serve := ss[i].Serve
		ss[i].Serve = func(ctx context.Context, conn adapters.Conn) error { return serve(trace.With(ctx, d.to), conn) }
	}
	return ss
}

// newRecordedAPI is newAPI with a recorder behind it.
func newRecordedAPI(t *testing.T, to *recorder) *api {
	t.Helper()
	v := vendor()
	v.Entry.New = func(env adapters.Env) (adapters.Dialect, error) {
		env.Core = trace.Wrap(env.Core)
		d, err := native.New(env)
		if err != nil {
			return nil, err
		}
		return recorded{d.(*native.Dialect), to}, nil
	}
	return &api{t: t, w: adaptertest.NewWorld(t, v, adaptertest.Setup{Users: []string{"alice", "bob", "carol", "dave"}})}
}

// unreached are the commands of the core that our own API does not offer, and why.
var unreached = map[string]string{
	"Imports.Learn":      "feeds the core from another system's traffic, which a proxy hears and no caller does",
	"Credentials.Put":    "tokens of our own prove themselves by a signature, so none is kept",
	"Credentials.Get":    "as Credentials.Put",
	"Credentials.List":   "as Credentials.Put",
	"Credentials.Delete": "as Credentials.Put; DELETE /v1/users/{user}/tokens revokes all of a person's by time",
	"Live.Sync":          "catching up by a time, channel by channel: the feed and after= of the live link do it by stamp, over everything",
	"Health.Ready":       "no command: the listener for operators answers it",
}

// complete fails the test for commands that no operation reaches, and for exceptions that are none.
func (r *recorder) complete(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[core.Core]()) {
		for i := range f.Type.NumMethod() {
			all[f.Name+"."+f.Type.Method(i).Name] = true
		}
	}
	if len(all) < 150 {
		t.Errorf("the core has %d commands only", len(all))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch reason := unreached[name]; {
		case r.seen[name] && reason != "":
			t.Errorf("%s is reached, and listed as unreached", name)
		case !r.seen[name] && reason == "":
			t.Errorf("%s is reached by no operation", name)
		}
	}
	for name := range unreached {
		if !all[name] {
			t.Errorf("%s is no command of the core", name)
		}
	}
}

// elsewhere reaches what the walk does not: files, guests, previews, tasks, and the live link.
func (a *api) elsewhere() {
	a.t.Helper()
	b := dial(a, "bob", "")
	b.until("live")
	for _, frame := range []string{
		`{"type":"watch","id":"w","channels":["hall"]}`, `{"type":"follow","id":"f","users":["carol"]}`,
	} {
		b.say(frame)
		b.until("ok")
	}
	b.Close()
	up := a.upload("bob", "notes.txt", "some notes")
	a.must(a.raw("GET", up.Get("url").String()[len(a.w.URL):], ""))
	a.must(a.as("bob", "DELETE", "/v1/files/"+up.Get("id").String(), ""))
	a.must(a.raw("POST", "/v1/guests", `{"name":"Gus"}`, "X-Api-Key", testKey))
	a.refused(a.as("bob", "GET", "/v1/preview?url=http://127.0.0.1:1/", ""), "resource.not_found")
	a.refused(a.srv("GET", "/v1/tasks/none", ""), "resource.not_found")
	a.must(a.as("alice", "POST", "/v1/channels/hall/messages", `{"id":"vote","poll":"np"}`))
	option := a.must(a.as("alice", "GET", "/v1/polls/np", "")).body.Get("options.0.id").String()
	vote := a.must(a.as("alice", "POST", "/v1/polls/np/votes", `{"message":"vote","option":"`+option+`"}`)).body.Get("id").String()
	a.must(a.as("alice", "DELETE", "/v1/polls/np/votes/"+vote+"?message=vote", ""))
	a.must(a.as("alice", "DELETE", "/v1/polls/np", ""))
}
