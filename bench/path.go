package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/stream"
	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/engine"
	"dragoman/core/store"
	"dragoman/core/store/sqlite"
)

// freeStore is a store whose appends cost nothing: what remains is decoding, the rules, encoding
// and handing the event to the hub. Everything else is the real store, read once into the caches.
type freeStore struct {
	store.Store
	seq int64
}

// Append numbers the message and keeps nothing.
func (s *freeStore) Append(_ context.Context, in *store.Append, committed func()) error {
	s.seq++
	in.Message.Seq, in.Event.Ev = s.seq, s.seq
	if in.Message.ID == 0 {
		in.Message.ID = core.MessageID(1<<40 + s.seq)
	}
	in.Event.Message = in.Message.ID
	in.Channel.ID, in.Channel.LastSeq, in.Channel.LastEv = in.Message.Channel, s.seq, s.seq
	in.Channel.LastMessageAt = in.Message.CreatedAt
	if committed != nil {
		committed()
	}
	return nil
}

// sender is a dialect over an engine over a freeStore, with one channel to send to.
type sender struct {
	dialect adapters.Dialect
	route   *adapters.Route
	rq      adapters.Request
}

// benchPath is section e.
func benchPath(r *report, o options) error {
	dir, err := os.MkdirTemp("", "dragoman-bench-path-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	st, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "path.db")})
	if err != nil {
		return err
	}
	defer st.Close()
	b, err := bus.Embedded()
	if err != nil {
		return err
	}
	defer b.Close()
	e, err := engine.New(ctx, engine.Options{Store: &freeStore{Store: st}, Bus: b})
	if err != nil {
		return err
	}
	defer e.Close()
	s, err := newSender(ctx, e)
	if err != nil {
		return err
	}
	got, err := median(o.rounds, func(x testing.BenchmarkResult) float64 { return float64(x.NsPerOp()) }, func() (testing.BenchmarkResult, error) {
		var failed error
		res := testing.Benchmark(func(t *testing.B) {
			t.ReportAllocs()
			for i := range t.N {
				if err := s.send(ctx, i); err != nil {
					failed = err
					t.FailNow()
				}
			}
		})
		return res, failed
	})
	if err != nil {
		return err
	}
	r.row("a send of 128 bytes", micros(time.Duration(got.NsPerOp())), fmt.Sprintf("%d allocations, %d bytes", got.AllocsPerOp(), got.AllocedBytesPerOp()), "aim under 10 µs")
	return nil
}

// newSender makes an app with a channel of two people.
func newSender(ctx context.Context, e *engine.Engine) (*sender, error) {
	app, err := e.EnsureApp(ctx, "demo", nil)
	if err != nil {
		return nil, err
	}
	d, err := stream.New(adapters.Env{
		Core: e.Core(), Now: time.Now, RequestTimeout: 5 * time.Second,
		Apps: []adapters.App{{ID: app.ID, Name: "demo", Creds: map[string]string{"api_key": apiKey, "api_secret": apiSecret}}},
	})
	if err != nil {
		return nil, err
	}
	s := &sender{dialect: d}
	server := core.Actor{App: app.ID, Access: core.AccessServer, User: "ann"}
	for _, c := range []struct{ name, path, body string }{
		{"UpdateUsers", "/users", `{"users":{"ann":{"id":"ann"},"ben":{"id":"ben"}}}`},
		{"GetOrCreateChannel", "/channels/messaging/path/query", `{"state":false,"data":{"created_by_id":"ann","members":["ann","ben"]}}`},
	} {
		rt := find(d, c.name)
		if rt == nil {
			return nil, errors.New("no operation " + c.name)
		}
		rq := &adapters.Request{Method: "POST", Path: c.path, Params: []adapters.Param{{Name: "type", Value: "messaging"}, {Name: "id", Value: "path"}}, Body: []byte(c.body)}
		rq.SetCaller(server)
		if err := rt.Serve(ctx, server, rq, &adapters.Response{}); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	s.route = find(d, "SendMessage")
	if s.route == nil {
		return nil, errors.New("no operation SendMessage")
	}
	s.rq = adapters.Request{
		Method: "POST", Path: "/channels/messaging/path/message", Scheme: "http", Host: "bench",
		Params:  []adapters.Param{{Name: "type", Value: "messaging"}, {Name: "id", Value: "path"}},
		Query:   adapters.Values{{Name: "api_key", Value: apiKey}, {Name: "user_id", Value: "ann"}},
		Headers: adapters.Values{{Name: "Authorization", Value: userToken("ann")}, {Name: "Stream-Auth-Type", Value: "jwt"}},
	}
	return s, nil
}

// find returns the route of an operation.
func find(d adapters.Dialect, name string) *adapters.Route {
	routes := d.Routes()
	for i := range routes {
		if routes[i].Name == name {
			return &routes[i]
		}
	}
	return nil
}

// send is one message from the bytes of its request to the bytes of its answer.
func (s *sender) send(ctx context.Context, n int) error {
	rq := s.rq
	rq.Body = append(make([]byte, 0, 256), `{"message":{"id":"m-`...)
	rq.Body = strconv.AppendInt(rq.Body, int64(n), 10)
	rq.Body = append(rq.Body, `","text":"`...)
	rq.Body = append(rq.Body, text...)
	rq.Body = append(rq.Body, `","attachments":[],"mentioned_users":[]}}`...)
	by, err := s.dialect.Authenticate(ctx, s.route, &rq)
	if err != nil {
		return err
	}
	rq.SetCaller(by)
	var rs adapters.Response
	if err := s.route.Serve(ctx, by, &rq, &rs); err != nil {
		return err
	}
	if rs.Status != 201 || len(rs.Body) < len(text) {
		return fmt.Errorf("answered %d %s", rs.Status, rs.Body)
	}
	return nil
}
