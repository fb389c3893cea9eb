package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dragoman/core"
)

// victim finds the running node of a name's number.
func (w *world) victim(i int) *node {
	name := fmt.Sprintf("n%d", i)
	for _, n := range w.live() {
		if n.name == name || strings.HasPrefix(n.name, name+".") {
			return n
		}
	}
	return nil
}

// strike does one thing to a node, and undoes it.
func (w *world) strike(s strike) {
	w.pause(s.at)
	n := w.victim(s.node)
	if n == nil {
		return // it is down already
	}
	until := time.Now().Add(s.last).UnixNano()
	switch s.kind {
	case "crash":
		w.count1(func(c *Counts) { c.Crashes++ })
		n.crash()
		w.pause(s.last)
		w.boot(fmt.Sprintf("n%d", s.node))
	case "stand":
		w.count1(func(c *Counts) { c.Stands++ })
		w.say("node %s stands still for %v", n.name, s.last)
		n.still.Store(until)
	case "cut":
		w.count1(func(c *Counts) { c.Cuts++ })
		w.say("node %s cannot reach the database for %v", n.name, s.last)
		n.cut.Store(until)
	case "deaf":
		w.count1(func(c *Counts) { c.Deaf++ })
		w.say("node %s loses its bus for %v", n.name, s.last)
		n.deaf.Store(true)
		w.pause(min(s.last/2, time.Second)) // until the library notices
		if !n.gone() {
			n.engine.BusChanged(false)
		}
		w.pause(s.last - min(s.last/2, time.Second))
		n.deaf.Store(false)
		if !n.gone() {
			w.say("node %s has its bus again", n.name)
			n.engine.BusChanged(true)
		}
	}
}

// host is the app's server: the visitor comes and goes, people change their names.
func (w *world) host(p *plan) {
	for _, o := range p.host {
		w.pause(time.Until(began.Add(o.at)))
		for try := uint64(0); ; try++ {
			nodes := w.live()
			if len(nodes) > 0 {
				n := nodes[w.seed.str("host").num(uint64(o.n)).num(try).below(len(nodes))] //nolint:gosec // small
				ctx, cancel := context.WithTimeout(w.ctx, deadline)
				err := w.serve(ctx, n, o)
				cancel()
				w.say("host: %s %d on %s: %v", o.kind, o.n, n.name, err == nil)
				if err == nil {
					break
				}
				if !passing(err) {
					w.wrong("answer", "host: %s answered %v", o.kind, err)
					break
				}
			}
			w.pause(w.seed.str("serve").num(uint64(o.n)).num(try).within(100*time.Millisecond, time.Second)) //nolint:gosec // small
		}
	}
	w.mu.Lock()
	w.hosted = true
	w.mu.Unlock()
}

// serve does one thing of the app's server.
func (w *world) serve(ctx context.Context, n *node, o op) error {
	in := core.UpdateChannel{Key: keyOf("hot")}
	switch o.kind {
	case "rename":
		u := everyone[o.n%len(everyone)]
		_, err := n.core.Users.Upsert(ctx, w.server(), core.UpsertUsers{Users: []core.User{{ID: u, Name: fmt.Sprintf("%s %d", u, o.n)}}})
		return err
	case "add":
		in.Add = []core.MemberInput{{User: visitor}}
	default:
		in.Remove = []core.UserID{visitor}
	}
	_, err := n.core.Channels.Update(ctx, w.server(), in)
	return err
}

// heal ends everything that fails. Nodes that are down are starting already, and who stands still
// wakes up at its time.
func (w *world) heal() {
	w.say("everything is healed")
	w.calm.Store(true)
	for _, n := range w.live() {
		n.cut.Store(0)
	}
}

// Times of the end of a story.
const (
	settleLimit = 90 * time.Second // for everything to be acknowledged, told and delivered
	quiet       = 12 * time.Second // after which nothing may be missing anywhere
)

// settle waits until all clients have done what they had to, and some time more.
func (w *world) settle() {
	end := time.Now().Add(settleLimit)
	for !w.busy("") {
		if time.Now().After(end) {
			w.busy("stuck")
			break
		}
		w.pause(250*time.Millisecond + time.Microsecond)
	}
	w.pause(quiet)
}

// busy reports true when nobody has anything left to do; with a kind it says who has.
func (w *world) busy(kind string) bool {
	ok := true
	w.mu.Lock()
	hosted := w.hosted
	w.mu.Unlock()
	if !hosted {
		ok = false
		if kind != "" {
			w.wrong(kind, "the host is not done")
		}
	}
	rows, err := w.disk.Outbox(w.ctx, 10)
	queue, err2 := w.disk.Records(w.ctx, 0, spaceHookQueue, "", "", false, 10)
	if n := len(rows) + len(queue); n > 0 || err != nil || err2 != nil {
		ok = false
		if kind != "" {
			w.wrong(kind, "%d webhooks wait (%v, %v)", n, err, err2)
		}
	}
	for _, c := range w.clients {
		c.mu.Lock()
		done := c.idle && c.conn != nil
		c.mu.Unlock()
		if !done {
			ok = false
			if kind != "" {
				w.wrong(kind, "%s is not done", c.name)
			}
		}
	}
	return ok
}
