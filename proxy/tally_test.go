package proxy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/proxy"
)

// medium is a bus between servers that loses and repeats some of what is told.
type medium struct {
	mu    sync.Mutex
	ears  map[*mouth]func([]byte)
	lossy bool
	down  bool
}

// mouth is one server's end of it.
type mouth struct{ m *medium }

func newMedium(lossy bool) *medium { return &medium{ears: map[*mouth]func([]byte){}, lossy: lossy} }

// Tell implements proxy.Neighbours.
func (x *mouth) Tell(b []byte) error {
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	if x.m.down {
		return nil
	}
	for other, f := range x.m.ears {
		times := 1
		if x.m.lossy {
			times = rand.IntN(3)
		}
		for range times {
			if other != x {
				f(b)
			}
		}
	}
	return nil
}

// Hear implements proxy.Neighbours.
func (x *mouth) Hear(f func([]byte)) (func(), error) {
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	x.m.ears[x] = f
	return func() {
		x.m.mu.Lock()
		defer x.m.mu.Unlock()
		delete(x.m.ears, x)
	}, nil
}

// three starts three servers that are neighbours, with a route that has a quota.
func three(t *testing.T, m *medium, quota int, edit func(*proxy.Options)) (srvs []*proxy.Server, addrs []string) {
	t.Helper()
	for range 3 {
		d := echoing(nil)
		d.routes = []adapters.Route{do("GET", "/x", "x", adapters.GateUser, func(context.Context, *adapters.Request, *adapters.Response) error { return nil }).Limited(quota)}
		srv, addr := serving(t, d, func(o *proxy.Options) {
			o.Neighbours = &mouth{m}
			if edit != nil {
				edit(o)
			}
		})
		srvs, addrs = append(srvs, srv), append(addrs, addr)
	}
	return srvs, addrs
}

// burst sends calls to the servers in turn and counts what was admitted; it starts at the beginning of
// a period if the present one is about to end.
func burst(t *testing.T, addrs []string, calls int) (admitted int) {
	t.Helper()
	if left := 60 - time.Now().Unix()%60; left < 8 {
		time.Sleep(time.Duration(left) * time.Second) // a minute of the clock, which no test can set
	}
	for i := range calls {
		switch got := ask(t, "GET", "http://"+addrs[i%len(addrs)]+"/x", "", "Authorization", "limited"); got.status {
		case 200:
			admitted++
		case 429:
			if got.header.Get("Retry-After") == "" {
				t.Errorf("refused without a time: %v", got.header)
			}
		default:
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	return admitted
}

// TestRateLimitsHoldOverNodes: three nodes together admit what one would, and no more than a part of
// the quota beyond it for each other node.
func TestRateLimitsHoldOverNodes(t *testing.T) {
	const quota = 60
	for _, c := range []struct {
		name  string
		nodes int
		lossy bool
	}{{"spread", 3, false}, {"all on one", 1, false}, {"spread, with losses and repeats", 3, true}} {
		t.Run(c.name, func(t *testing.T) {
			_, addrs := three(t, newMedium(c.lossy), quota, nil)
			got, most := burst(t, addrs[:c.nodes], 4*quota), quota+(c.nodes-1)*(quota/20+1)
			if c.lossy {
				most += quota / 2 // what was lost is told again within a fifth of a second
			}
			if got < quota || got > most {
				t.Errorf("%d of %d calls admitted, the quota is %d", got, 4*quota, quota)
			}
			// The others know as well, those too that nobody has called.
			refused := func(i int) error {
				if got := ask(t, "GET", "http://"+addrs[i]+"/x", "", "Authorization", "limited"); got.status != 429 {
					return fmt.Errorf("node %d answers %d", i, got.status)
				}
				return nil
			}
			for i := range addrs {
				poll(t, func() error { return refused(i) })
			}
		})
	}
}

// TestRateLimitsOfANodeAlone: who hears nobody admits its share.
func TestRateLimitsOfANodeAlone(t *testing.T) {
	const quota = 60
	m := newMedium(false)
	srvs, addrs := three(t, m, quota, nil)
	for i, s := range srvs {
		poll(t, func() error { // they have met
			if n := s.Known(); n != 2 {
				return fmt.Errorf("server %d knows %d others", i, n)
			}
			return nil
		})
	}
	m.mu.Lock()
	m.down = true
	m.mu.Unlock()
	for _, s := range srvs {
		s.Isolated(true)
	}
	if got := burst(t, addrs, 3*quota); got < quota-9 || got > quota {
		t.Errorf("%d calls admitted by three nodes that do not hear each other, the quota is %d", got, quota)
	}
}

// TestSocketBoundHoldsOverNodes: connections are counted over all nodes.
func TestSocketBoundHoldsOverNodes(t *testing.T) {
	_, addrs := three(t, newMedium(false), 0, func(o *proxy.Options) { o.AllSockets = 4 })
	var open []*client
	for i := range 4 {
		poll(t, func() error { // of the one before, the next node may not know yet
			c := connect(t, dial(t, addrs[i%3]), "/connect/"+strconv.Itoa(i))
			c.send(ws.NewTextFrame([]byte("x")))
			c.read()
			open = append(open, c)
			return nil
		})
	}
	full := func(i int) error {
		got := raw(t, addrs[i], "GET /connect/b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		if got.status != 503 || got.header.Get("Retry-After") == "" {
			return fmt.Errorf("node %d answers %d %v", i, got.status, got.header)
		}
		return nil
	}
	for i := range addrs {
		poll(t, func() error { return full(i) })
	}
	open[0].send(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
	open[0].closed()
	poll(t, func() error {
		if full(1) == nil {
			return fault.ServerUnavailable.Error("still full")
		}
		return nil
	})
}

// poll asks until f is content.
func poll(t *testing.T, f func() error) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
