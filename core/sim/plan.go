package sim

import (
	"fmt"
	"strconv"
	"time"

	"dragoman/core"
)

// plan is a story as its seed has it.
type plan struct {
	nodes  int
	length time.Duration // until everything is healed
	rates  rates
	faults []strike
	host   []op
}

// strike is one thing that happens to a node.
type strike struct {
	kind string // crash, stand, cut, deaf
	node int
	at   time.Duration
	last time.Duration
}

// op is one thing a client, or the app's server, does.
type op struct {
	at   time.Duration
	kind string // send, whisper, edit, delete, read, hop; add, remove, rename
	ch   string
	n    int
}

// plan draws the story.
func (w *world) plan() *plan {
	f := w.seed.str("plan")
	p := &plan{nodes: 2 + f.str("nodes").below(2), length: f.str("length").within(6*time.Second, 14*time.Second)}
	pick := func(name string, of ...float64) float64 { return of[f.str(name).below(len(of))] }
	p.rates = rates{
		slow: pick("slow", 0, 0.02, 0.08), fail: pick("fail", 0, 0.01, 0.04), unknown: pick("unknown", 0, 0.02, 0.10),
		lose: pick("lose", 0, 0.03, 0.25), repeat: pick("repeat", 0, 0.05), late: pick("late", 0, 0.05, 0.30), hook: pick("hook", 0, 0.05, 0.20),
	}
	for i := range f.str("faults").below(4) {
		g := f.str("fault").num(uint64(i)) //nolint:gosec // small
		s := strike{kind: []string{"crash", "crash", "stand", "cut", "deaf"}[g.str("kind").below(5)], node: g.str("node").below(p.nodes)}
		s.at = g.str("at").within(time.Second, p.length-time.Second)
		s.last = g.str("last").within(200*time.Millisecond, 4*time.Second)
		if s.kind == "stand" { // long enough to lose the lease, at times
			s.at = g.str("at").within(500*time.Millisecond, 4*time.Second)
			s.last = g.str("last").within(time.Second, 11*time.Second)
		}
		p.faults = append(p.faults, s)
	}
	if w.opt.Plant == StaleFence { // it shows only when who holds the lease stands still for long: the first to start
		p.faults = append(p.faults, strike{kind: "stand", node: 0, at: f.str("fence").within(time.Second, 4*time.Second), last: 9 * time.Second})
	}
	for i, u := range everyone {
		devices := 1 + f.str("devices").num(uint64(i)).below(2) //nolint:gosec // small
		for d := range devices {
			w.clients = append(w.clients, w.newClient(u, d, model(f.str("model").num(uint64(i*2+d)).below(models)), p.length)) //nolint:gosec // small
			w.clients[len(w.clients)-1].twin = devices > 1
		}
	}
	w.clients = append(w.clients, w.newClient(visitor, 0, pushFetch, 0))
	at := time.Duration(0)
	for i := range f.str("host").below(8) {
		g := f.str("host").num(uint64(i)) //nolint:gosec // small
		at += g.str("at").within(100*time.Millisecond, 2*time.Second)
		p.host = append(p.host, op{at: at, kind: []string{"add", "remove", "rename"}[g.str("kind").below(3)], n: i + 1})
	}
	return p
}

// newClient makes a client with what it will do.
func (w *world) newClient(u core.UserID, device int, m model, length time.Duration) *client {
	c := &client{
		w: w, user: u, device: "d" + strconv.Itoa(device), model: m, views: map[core.ChannelID]*view{},
		kick: make(chan struct{}, 1), hop: make(chan struct{}, 1), changed: make(chan struct{}), queue: map[core.ChannelKey]core.Stamp{},
		after: map[core.ChannelID]core.MessageID{}, pulled: map[core.ChannelID][]int64{},
	}
	c.name = fmt.Sprintf("%s/%s", u, c.device)
	var chs []string
	for _, name := range []string{"all", "duo", "hot"} {
		for _, x := range membership[name] {
			if x == u {
				chs = append(chs, name)
			}
		}
	}
	c.channels = chs
	f := w.seed.str("client").str(c.name)
	at := f.within(200*time.Millisecond, time.Second)
	for i := 0; at < length; i++ {
		g := f.num(uint64(i)) //nolint:gosec // small
		o := op{at: at, ch: chs[g.str("ch").below(len(chs))], n: i}
		switch x := g.str("kind").below(100); {
		case x < 52:
			o.kind = "send"
		case x < 58:
			o.kind = "whisper"
		case x < 66:
			o.kind = "edit"
		case x < 72:
			o.kind = "delete"
		case x < 90:
			o.kind = "read"
		default:
			o.kind = "hop"
		}
		c.ops = append(c.ops, o)
		at += g.str("pause").within(30*time.Millisecond, 2500*time.Millisecond)
	}
	return c
}
