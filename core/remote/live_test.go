package remote_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote"
)

// heard collects what a connection is told.
type heard struct {
	mu    sync.Mutex
	got   []core.Delivery
	ended []error
}

// connect is the input of a connection that collects.
func (h *heard) connect() core.Connect {
	return core.Connect{
		Sink:  func(d core.Delivery) { h.mu.Lock(); h.got = append(h.got, d); h.mu.Unlock() },
		Ended: func(err error) { h.mu.Lock(); h.ended = append(h.ended, err); h.mu.Unlock() },
	}
}

func (h *heard) all() ([]core.Delivery, []error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got, h.ended
}

// person is the i-th of those whose node is the named one.
func person(t *testing.T, c *remote.Client, node string, i int) core.Actor {
	t.Helper()
	for n := range 1000 {
		by := core.Actor{App: 1, User: core.UserID(fmt.Sprintf("user-%d", n)), Access: core.AccessUser}
		app, err := c.Core().Apps.Get(t.Context(), by, core.GetApp{})
		if err != nil {
			t.Fatal(err)
		}
		if app.Name == node {
			if i--; i < 0 {
				return by
			}
		}
	}
	t.Fatalf("nobody is on node %s", node)
	return core.Actor{}
}

func TestDeliveriesComeInOrderAndEventsOnce(t *testing.T) {
	n := startNode(t, "a")
	c := client(t, nil, n)
	bob := core.Actor{App: 1, User: "bob", Access: core.AccessUser}
	var ha, hb heard
	a, err := c.Core().Live.Connect(t.Context(), ann, ha.connect())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Core().Live.Connect(t.Context(), bob, hb.connect()); err != nil {
		t.Fatal(err)
	}
	if a.ID != "a-ann" || a.Self.User.ID != "ann" {
		t.Errorf("connection %+v", a)
	}
	ca, _ := n.connection("a-ann")
	cb, _ := n.connection("a-bob")
	config := &core.ChannelType{Name: "team", Commands: []string{"giphy"}, Grants: []core.RoleGrants{{Role: "user", Permissions: []string{"read-channel", "create-message"}}}}
	const events = 500
	for i := range int64(events) {
		ev := &core.Event{Kind: core.MessageSent, App: 1, Ev: i + 1, Config: config, Message: &core.Message{ID: core.MessageID(i), Text: "x"}}
		ca.Sink(core.Delivery{Event: ev, As: core.AsMember, Counts: &core.Counts{}})
		cb.Sink(core.Delivery{Event: ev, As: core.AsWatcher})
	}
	until(t, "all deliveries", func() bool { x, _ := ha.all(); y, _ := hb.all(); return len(x) == events && len(y) == events })
	x, _ := ha.all()
	y, _ := hb.all()
	same := 0
	for i := range x {
		if x[i].Event.Ev != int64(i+1) || y[i].Event.Ev != int64(i+1) {
			t.Fatalf("delivery %d has events %d and %d", i, x[i].Event.Ev, y[i].Event.Ev)
		}
		if x[i].Event.Config == nil || x[i].Event.Config.Grants[0].Permissions[1] != "create-message" {
			t.Fatalf("delivery %d has no configuration", i)
		}
		if x[i].Event == y[i].Event {
			same++
		}
	}
	if x[0].As != core.AsMember || x[0].Counts == nil || y[0].As != core.AsWatcher || y[0].Counts != nil {
		t.Errorf("deliveries %+v, %+v", x[0], y[0])
	}
	if same < events*9/10 { // a frame may end between the two
		t.Errorf("only %d of %d events are shared by the two connections", same, events)
	}
	a.Close()
	a.Close()
	if _, open := n.connection("a-ann"); open || n.ends() != 1 {
		t.Errorf("closed %d times", n.ends())
	}
}

func TestARefusalIsExact(t *testing.T) {
	c := client(t, nil, startNode(t, "a"))
	var h heard
	_, err := c.Core().Live.Connect(t.Context(), core.Actor{App: 1, User: "stranger"}, h.connect())
	if f := fault.From(err); f == nil || f.Reason != fault.AuthFailed || f.Variant != "removed" || f.Detail != "not you" {
		t.Errorf("refused with %v", err)
	}
	if _, ended := h.all(); len(ended) != 0 {
		t.Errorf("what never was has ended: %v", ended)
	}
}

func TestTheCoreEndsAConnection(t *testing.T) {
	n := startNode(t, "a")
	c := client(t, nil, n)
	var h heard
	live, err := c.Core().Live.Connect(t.Context(), ann, h.connect())
	if err != nil {
		t.Fatal(err)
	}
	in, _ := n.connection("a-ann")
	in.Sink(core.Delivery{Event: &core.Event{Kind: core.UserPresence}})
	in.Ended(fault.SessionKicked.Error("elsewhere").With("login"))
	until(t, "the end", func() bool { _, e := h.all(); return len(e) == 1 })
	got, ended := h.all()
	if f := fault.From(ended[0]); len(got) != 1 || f.Reason != fault.SessionKicked || f.Variant != "login" {
		t.Errorf("%d deliveries, ended with %v", len(got), ended)
	}
	live.Close()
	if _, open := n.connection("a-ann"); open {
		t.Error("the core has not heard that the connection is closed")
	}
}

func TestCommandsOfAConnectionGoToItsNode(t *testing.T) {
	a, b := startNode(t, "a"), startNode(t, "b")
	c := client(t, nil, a, b)
	var h heard
	by := person(t, c, "b", 0)
	live, err := c.Core().Live.Connect(t.Context(), by, h.connect())
	if err != nil || live.ID != "b-"+string(by.User) {
		t.Fatalf("%v: %s", err, live.ID)
	}
	other := person(t, c, "a", 0)
	on := other
	on.Connection = live.ID
	for _, tt := range []struct {
		by core.Actor
		in core.WatchChannels
	}{{on, core.WatchChannels{}}, {other, core.WatchChannels{Connection: live.ID}}} {
		if out, err := c.Core().Live.Watch(t.Context(), tt.by, tt.in); err != nil || out[0].Name != "b" {
			t.Errorf("%+v, %v", out, err)
		}
	}
	if out, err := c.Core().Live.Watch(t.Context(), other, core.WatchChannels{}); err != nil || out[0].Name != "a" {
		t.Errorf("without a connection: %+v, %v", out, err)
	}
}

func TestConnectionsOfADeadNodeEndAndOpenOnAnother(t *testing.T) {
	a, b := startNode(t, "a"), startNode(t, "b")
	c := client(t, nil, a, b)
	var h heard
	by := person(t, c, "a", 0)
	live, err := c.Core().Live.Connect(t.Context(), by, h.connect())
	if err != nil {
		t.Fatal(err)
	}
	a.kill()
	until(t, "the end", func() bool { _, e := h.all(); return len(e) == 1 })
	if _, ended := h.all(); !fault.IsReason(ended[0], fault.ServerUnavailable) {
		t.Errorf("ended with %v", ended)
	}
	live.Close()
	again, err := c.Core().Live.Connect(t.Context(), by, h.connect())
	if err != nil || again.ID != "b-"+string(by.User) {
		t.Errorf("opened again: %s, %v", again.ID, err)
	}
	if a.ends() != 1 {
		t.Errorf("the node has closed %d connections", a.ends())
	}
}

func TestANodeThatDrainsSendsItsConnectionsElsewhere(t *testing.T) {
	a, b := startNode(t, "a"), startNode(t, "b")
	var k counter
	c := client(t, func(o *remote.Options) { o.Observer = &k }, a, b)
	var h heard
	lives := make([]core.Connection, 10)
	people := make([]core.Actor, len(lives))
	for i := range lives {
		people[i] = person(t, c, "a", i)
		in := h.connect()
		var err error
		ended := in.Ended
		in.Ended = func(err error) { ended(err); go lives[i].Close() } // as a dialect does
		if lives[i], err = c.Core().Live.Connect(t.Context(), people[i], in); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	began := time.Now()
	a.srv.Drain(ctx)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("draining took %s", took)
	}
	if _, ended := h.all(); len(ended) != len(lives) {
		t.Errorf("%d of %d connections were told to come back", len(ended), len(lives))
	}
	for _, by := range people {
		if app, err := c.Core().Apps.Get(t.Context(), by, core.GetApp{}); err != nil || app.Name != "b" {
			t.Errorf("%s: %s, %v", by.User, app.Name, err)
		}
	}
	if s := c.Nodes()[0]; s.Breaker != 0 {
		t.Errorf("a node that says goodbye has failed: breaker %d", s.Breaker)
	}
	live, err := c.Core().Live.Connect(t.Context(), people[0], h.connect())
	if err != nil || live.ID != "b-"+string(people[0].User) {
		t.Errorf("%s, %v", live.ID, err)
	}
}

// A proxy that does not read must not fill the memory of the node.
func TestAFullQueueCutsTheLink(t *testing.T) {
	n := startNode(t, "a", func(n *node) { n.opt = func(o *remote.ServerOptions) { o.Queue = 100 } })
	c := client(t, nil, n)
	stuck, free := make(chan struct{}), sync.Once{}
	release := func() { free.Do(func() { close(stuck) }) }
	defer release()
	var h heard
	in := h.connect()
	in.Sink = func(core.Delivery) { <-stuck }
	if _, err := c.Core().Live.Connect(t.Context(), ann, in); err != nil {
		t.Fatal(err)
	}
	told, _ := n.connection("a-ann")
	big := make([]byte, 64<<10)
	for i := range big {
		big[i] = 'x'
	}
	until(t, "a cut link", func() bool {
		for range 50 {
			told.Sink(core.Delivery{Event: &core.Event{Kind: core.CustomEvent, Name: string(big)}})
		}
		_, open := n.connection("a-ann")
		return !open
	})
	release()
	until(t, "the end", func() bool { _, e := h.all(); return len(e) == 1 })
}
