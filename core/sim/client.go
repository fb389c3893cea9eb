package sim

import (
	"context"
	"sync"
	"time"

	"dragoman/core"
)

// model is how an SDK keeps up.
type model int

// The models: told while connected, and the last page of each channel after a reconnect; told while
// connected, and messages after the last one known; told that there is something, and pulled by a
// cursor for each queue; the same by one cursor for everything.
const (
	pushQuery model = iota
	pushFetch
	pullQueues
	pullAll
	models int = iota
)

// String names the model in traces.
func (m model) String() string {
	return [...]string{"push+query", "push+fetch", "pull by queue", "pull"}[m]
}

// pulls reports whether the model reads feeds.
func (m model) pulls() bool { return m == pullQueues || m == pullAll }

// client is one device of a person.
type client struct {
	w        *world
	name     string
	user     core.UserID
	device   string
	model    model
	channels []string
	ops      []op
	kick     chan struct{} // there is something to pull
	hop      chan struct{} // go to another node
	twin     bool          // the person has another device
	idle     bool          // all is done and acknowledged

	mu      sync.Mutex
	changed chan struct{} // closed when conn changes
	conn    *conn
	conns   int
	views   map[core.ChannelID]*view
	caught  bool                              // the view is without gaps
	after   map[core.ChannelID]core.MessageID // pushFetch: where to fetch from
	cursor  core.Stamp                        // pullAll
	queue   map[core.ChannelKey]core.Stamp    // pullQueues: how far this device has come
	pulled  map[core.ChannelID][]int64        // events, in the order of the feed
	own     []string                          // names of own messages that may be changed
	probed  map[string]int                    // messages of the last check heard live, by text
	counts  *core.Counts                      // the last that were told
	dirty   bool                              // pulling has not come to an end
}

// conn is one live connection of a client.
type conn struct {
	c    *client
	n    *node
	by   core.Actor
	ctx  context.Context //nolint:containedctx // the life of the connection
	end  context.CancelFunc
	live core.Connection
	over bool
	last map[core.ChannelID]int64 // number of the last event told
	told map[core.MessageID]bool  // messages told of
}

// stay keeps the client connected, and pulls, until the story ends.
func (c *client) stay() {
	for try := uint64(0); ; try++ {
		if over(c.w.stop) {
			return
		}
		k, err := c.connect(try)
		if err != nil {
			c.w.say("%s cannot connect: %v", c.name, reasonOf(err))
			c.w.pause(c.w.seed.str("retry").str(c.name).num(try).within(50*time.Millisecond, 700*time.Millisecond))
			continue
		}
		if c.remain(k) {
			return
		}
	}
}

// remain lives on one connection; it reports true at the end of the story.
func (c *client) remain(k *conn) bool {
	defer c.leave(k)
	for try := uint64(0); ; try++ {
		hop, pull := false, false
		select {
		case <-c.hop:
			hop = true
		case <-c.kick:
			pull = true
		case <-c.w.stop:
		case <-k.n.dead:
		}
		c.w.pause(time.Nanosecond) // everything of this moment has happened then
		hop, pull = taken(c.hop) || hop, taken(c.kick) || pull
		switch {
		case over(c.w.stop):
			return true
		case k.n.gone():
			c.w.say("%s lost its connection", c.name)
			return false
		case hop:
			c.w.say("%s leaves %s", c.name, k.n.name)
			k.live.Close()
			return false
		case pull && c.model.pulls():
			if err := c.pull(k); err != nil {
				c.w.pause(c.w.seed.str("pull").str(c.name).num(try).within(50*time.Millisecond, 500*time.Millisecond))
				kick(c.kick)
			}
		}
	}
}

// taken takes what waits in a channel of one.
func taken(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// over reports whether a channel was closed.
func over(c chan struct{}) bool { return taken(c) }

// connect opens a connection to some node and catches up.
func (c *client) connect(try uint64) (*conn, error) {
	nodes := c.w.live()
	if len(nodes) == 0 {
		return nil, errCrashed
	}
	c.mu.Lock()
	c.conns++
	nth := uint64(c.conns) //nolint:gosec // small
	c.mu.Unlock()
	c.reached()
	n := nodes[c.w.seed.str("node").str(c.name).num(nth).num(try).below(len(nodes))]
	k := &conn{c: c, n: n, last: map[core.ChannelID]int64{}, told: map[core.MessageID]bool{}}
	k.ctx, k.end = context.WithCancel(context.WithValue(c.w.ctx, askerKey{}, c.name))
	go func() {
		select {
		case <-n.dead:
			k.end()
		case <-k.ctx.Done():
		}
	}()
	ctx, cancel := context.WithTimeout(k.ctx, deadline)
	defer cancel()
	k.by = core.Actor{App: c.w.app, User: c.user, Access: core.AccessUser}
	var err error
	k.live, err = n.core.Live.Connect(ctx, k.by, core.Connect{Sink: k.sink, Everything: c.model != pushQuery})
	if err == nil {
		k.by.Connection = k.live.ID
		err = c.catchUp(ctx, k)
	}
	if err != nil {
		c.mu.Lock()
		k.over = true
		c.mu.Unlock()
		if k.live.Close != nil && !n.gone() {
			k.live.Close()
		}
		k.end()
		return nil, err
	}
	c.mu.Lock()
	c.conn, c.caught = k, true
	c.counts = nil
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
	c.w.say("%s (%s) is on %s", c.name, c.model, n.name)
	return k, nil
}

// leave forgets a connection.
func (c *client) leave(k *conn) {
	c.mu.Lock()
	k.over = true
	if c.conn == k {
		c.conn = nil
		close(c.changed)
		c.changed = make(chan struct{})
	}
	c.mu.Unlock()
	k.end()
}

// current waits for a connection; nil at the end of the story.
func (c *client) current() *conn {
	for {
		c.mu.Lock()
		k, changed := c.conn, c.changed
		c.mu.Unlock()
		if k != nil {
			return k
		}
		select {
		case <-changed:
		case <-c.w.stop:
			return nil
		}
	}
}

// sink takes what the connection is told. It must not block.
func (k *conn) sink(d core.Delivery) {
	c, ev := k.c, d.Event
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.over || k.n.gone() {
		return
	}
	if d.Counts != nil {
		counts := *d.Counts
		c.counts = &counts
	}
	if ev.Channel == nil || ev.Ev == 0 {
		return
	}
	c.w.say("%s is told %s %s %d", c.name, ev.Channel.Key, ev.Kind, ev.Ev)
	c.w.count1(func(n *Counts) { n.Delivered++ })
	if last := k.last[ev.Channel.ID]; ev.Ev <= last {
		c.w.wrong("order", "%s on %s is told event %d of %s after %d", c.name, k.n.name, ev.Ev, ev.Channel.Key, last)
	}
	k.last[ev.Channel.ID] = ev.Ev
	if ev.Kind == core.MessageSent && ev.Message != nil && c.probed != nil {
		c.probed[ev.Message.Text]++
	}
	if c.model.pulls() {
		c.dirty = true
		kick(c.kick)
		return
	}
	if ev.Message != nil {
		k.told[ev.Message.ID] = true
		c.view(ev.Channel.ID).put(ev.Message, ev.Kind)
	}
}

// kick wakes who waits.
func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
