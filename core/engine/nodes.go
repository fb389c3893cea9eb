package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dragoman/core"
)

// What nodes that share a store tell each other beside events: that they live, and who is connected
// to them. All of it is a hint with an end: a node that is silent is taken for gone, and a table
// that was lost is sent again.
const (
	subjectBeat = "beat" // a node lives
	subjectHere = "here" // who came to a node, or left it
	subjectAsk  = "who"  // a node's table is wanted again

	beatEvery  = time.Second
	beatSilent = 6 * time.Second // after which a node is gone, and everyone on it
	hereEvery  = 60              // beats between two full tables
	herePart   = 1000            // people in one message of a table
)

// herePeople is what a node says of the people connected to it.
type herePeople struct {
	Fresh bool     `json:"fresh,omitempty"` // forget what was said before
	On    []hereOf `json:"on,omitempty"`
	Off   []hereOf `json:"off,omitempty"`
}

// hereOf is one person.
type hereOf struct {
	App  core.AppID  `json:"a"`
	User core.UserID `json:"u"`
}

// peers are the other nodes and the people on them.
type peers struct {
	mu    sync.RWMutex
	nodes map[string]*peer
	count map[userKey]int // nodes each person is on
}

type peer struct {
	heard  time.Time
	mute   bool // it owes an answer: nobody waits for it again before it is heard of
	people map[userKey]struct{}
	sum    uint64 // of people
	odd    bool   // the last beat told of other people
	said   uint64 // the last of its invalidations that was heard
}

// beatOf is what a node tells with its beats.
type beatOf struct {
	Heads  []wroteIn `json:"h,omitempty"`
	Said   uint64    `json:"s"`
	People uint64    `json:"p"` // sum over the people connected to it
}

// sumOf is a person's share in the sum of a table.
func sumOf(k userKey) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s", k.app, k.user) // never fails
	return h.Sum64()
}

func newPeers() *peers {
	return &peers{nodes: map[string]*peer{}, count: map[userKey]int{}}
}

// online reports whether the person is connected to another node.
func (p *peers) online(k userKey) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.count[k] > 0
}

// known reports whether a node was heard.
func (p *peers) known(node string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.nodes[node] != nil
}

// heard notes that a node lives; fresh is true when it was not known.
func (p *peers) heard(node string, now time.Time) (fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nodes[node]
	if n == nil {
		n = &peer{people: map[userKey]struct{}{}}
		p.nodes[node] = n
		fresh = true
	}
	n.heard, n.mute = now, false
	return fresh
}

// talkative are the nodes whose answers are waited for.
func (p *peers) talkative() map[string]struct{} {
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := make(map[string]struct{}, len(p.nodes))
	for name, n := range p.nodes {
		if !n.mute {
			out[name] = struct{}{}
		}
	}
	return out
}

// silent notes nodes that have not answered in time.
func (p *peers) silent(names map[string]struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range names {
		if n := p.nodes[name]; n != nil {
			n.mute = true
		}
	}
}

// tagged reports whether a node of the tag is known to live.
func (p *peers) tagged(tag string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for name := range p.nodes {
		if tagOf(name) == tag {
			return true
		}
	}
	return false
}

// told takes over what a node says of its people.
func (p *peers) told(node string, in *herePeople) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nodes[node]
	if n == nil {
		return // it will say so again after its next beat
	}
	if in.Fresh {
		for k := range n.people {
			p.less(n, k)
		}
	}
	for _, o := range in.On {
		k := userKey{o.App, o.User}
		if _, have := n.people[k]; !have {
			n.people[k] = struct{}{}
			n.sum ^= sumOf(k)
			p.count[k]++
		}
	}
	for _, o := range in.Off {
		p.less(n, userKey{o.App, o.User})
	}
}

// less takes a person off a node.
func (p *peers) less(n *peer, k userKey) {
	if _, have := n.people[k]; !have {
		return
	}
	delete(n.people, k)
	n.sum ^= sumOf(k)
	if p.count[k]--; p.count[k] == 0 {
		delete(p.count, k)
	}
}

// gone forgets nodes that are silent and answers who is on none any more.
func (p *peers) gone(now time.Time) (left []userKey, dead int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, n := range p.nodes {
		if now.Sub(n.heard) < beatSilent {
			continue
		}
		for k := range n.people {
			if p.less(n, k); p.count[k] == 0 {
				left = append(left, k)
			}
		}
		delete(p.nodes, name)
		dead++
	}
	slices.SortFunc(left, comparePeople)
	return left, dead
}

// online reports whether a person is connected to any node.
func (e *Engine) online(app core.AppID, user core.UserID) bool {
	return e.hub.online(app, user) || e.peers.online(userKey{app, user})
}

// here tells the other nodes that somebody came to this one, or left it.
func (e *Engine) here(k userKey, on bool) {
	if !e.opts.Shared {
		return
	}
	in := herePeople{On: []hereOf{{k.app, k.user}}}
	if !on {
		in.On, in.Off = nil, in.On
	}
	e.tellHere(&in)
}

func (e *Engine) tellHere(in *herePeople) {
	b, err := json.Marshal(in)
	if err == nil {
		err = e.publish(subjectHere, b)
	}
	if err != nil {
		return // publish has reported it; the table is sent again
	}
}

// table tells who is connected to this node, in parts.
func (e *Engine) table() {
	e.hub.mu.RLock()
	all := make([]hereOf, 0, len(e.hub.people))
	for k := range e.hub.people {
		all = append(all, hereOf{k.app, k.user})
	}
	e.hub.mu.RUnlock()
	for first := true; first || len(all) > 0; first = false {
		n := min(len(all), herePart)
		e.tellHere(&herePeople{Fresh: first, On: all[:n]})
		all = all[n:]
	}
}

// meet subscribes to what other nodes say of themselves.
func (e *Engine) meet() error {
	_, err := e.bus.Subscribe(subjectBeat, func(_ string, data []byte) {
		node, b, ok := e.sender(data)
		if !ok {
			return
		}
		if e.peers.heard(node, time.Now()) {
			kick(e.kit.beats) // somebody new: they want to know who is here
			e.lostSome()      // and what they said before is not known
		}
		in := new(beatOf)
		if json.Unmarshal(b, in) == nil {
			e.heardBeat(node, in)
		}
	})
	if err != nil {
		return err
	}
	_, err = e.bus.Subscribe(subjectAsk, func(_ string, data []byte) {
		if _, b, ok := e.sender(data); ok && string(b) == e.node {
			kick(e.kit.beats)
		}
	})
	if err != nil {
		return err
	}
	_, err = e.bus.Subscribe(subjectHere, func(_ string, data []byte) {
		node, b, ok := e.sender(data)
		in := new(herePeople)
		if ok && json.Unmarshal(b, in) == nil {
			if e.peers.heard(node, time.Now()) {
				kick(e.kit.beats)
			}
			e.peers.told(node, in)
		}
	})
	return err
}

// sender splits a message; ok is false for this node's own.
func (e *Engine) sender(data []byte) (node string, rest []byte, ok bool) {
	node, body, found := strings.Cut(string(data), " ")
	return node, []byte(body), found && node != e.node
}

// runNodes lives among other nodes until ctx ends.
func (e *Engine) runNodes(ctx context.Context) {
	if !e.opts.Shared {
		return
	}
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		e.beat()
		if n%hereEvery == 0 {
			e.table()
		}
		left, dead := e.peers.gone(time.Now())
		for _, k := range left {
			e.lostWith(ctx, k)
		}
		if dead > 0 { // they may have written what they could not tell any more
			e.lostSome()
		}
		if e.deaf.Load() {
			e.dropCaches()
			e.catchUp(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.kit.beats:
			e.table()
		}
	}
}

// beat says that this node lives, where it has written lately, and by what others see whether they
// have heard everything.
func (e *Engine) beat() {
	tell, unsure := e.kit.heads.turn()
	for i := range unsure {
		e.check(unsure[i])
	}
	for first := true; first || len(tell) > 0; first = false {
		n := min(len(tell), headsPart)
		b, err := json.Marshal(&beatOf{Heads: tell[:n], Said: e.kit.said.last(), People: e.hub.sum.Load()})
		if err != nil {
			return // plain fields: cannot fail
		}
		tell = tell[n:]
		_ = e.publish(subjectBeat, b) // publish has reported it
	}
}

// heardBeat compares what another node says of itself with what was heard of it.
func (e *Engine) heardBeat(node string, in *beatOf) {
	for _, h := range in.Heads {
		k := roomKey{h.App, h.Ch}
		if last, _, there := e.hub.heardUpTo(k); there && (h.Ev == 0 || last < h.Ev) {
			e.kit.look.room(k)
		}
	}
	if e.peers.missed(node, in.Said, false) {
		e.lostSome()
	}
	if e.peers.strange(node, in.People) {
		_ = e.publish(subjectAsk, []byte(node)) // asked again after the next beat
	}
}

// heardSaying notes an invalidation of another node.
func (e *Engine) heardSaying(node string, no uint64) {
	if no > 0 && e.peers.missed(node, no-1, true) {
		e.lostSome()
	}
}

// missed notes how far the invalidations of a node have come and reports whether some were not heard;
// with more the next one has just come.
func (p *peers) missed(node string, said uint64, more bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nodes[node]
	if n == nil {
		return false // its first beat makes everything be forgotten
	}
	lost := n.said < said
	n.said = max(n.said, said)
	if more && n.said == said {
		n.said++
	}
	return lost
}

// strange reports whether a node has told of other people than are known of it, twice.
func (p *peers) strange(node string, sum uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nodes[node]
	if n == nil || n.sum == sum {
		if n != nil {
			n.odd = false
		}
		return false
	}
	was := n.odd
	n.odd = true
	return was
}

// lostSome is called when something that other nodes said was not heard: what they may have changed
// is forgotten, and what they may have told is read.
func (e *Engine) lostSome() {
	e.dropCaches()
	e.kit.look.everything()
}

// saying numbers the invalidations of this node, in the order in which they are published.
type saying struct {
	mu sync.Mutex
	no uint64
}

// say publishes the next one.
func (s *saying) say(publish func(no uint64) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.no++
	return publish(s.no)
}

// last is the number of the last one.
func (s *saying) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.no
}

// lostWith tells the connections here that somebody went offline with the node they were on.
func (e *Engine) lostWith(ctx context.Context, k userKey) {
	if e.online(k.app, k.user) {
		return
	}
	u, err := e.user(ctx, k.app, k.user)
	if err != nil || u == nil || u.Invisible {
		return
	}
	c := *u
	c.Online = false
	e.dispatch.pushRemote(&core.Event{Kind: core.UserPresence, App: k.app, At: e.now(), User: &c})
}

// BusChanged is to be told when the connection to the bus is lost and when it is back. Without it
// this node hears nothing: it keeps nothing of what others may change, and reads every second what
// happened in the channels of its connections.
func (e *Engine) BusChanged(up bool) {
	e.deaf.Store(!up)
	if up {
		e.lostSome()
		kick(e.kit.beats)
	}
}

// dropCaches forgets what other nodes may have changed meanwhile.
func (e *Engine) dropCaches() {
	e.apps.dropWhere(func(core.AppID) bool { return true })
	e.users.dropWhere(func(userKey) bool { return true })
	e.channels.dropWhere(func(channelKey) bool { return true })
	e.places.dropWhere(func(placeKey) bool { return true })
	e.types.dropWhere(func(typeKey) bool { return true })
	e.hidden.dropWhere(func(core.ChannelID) bool { return true })
	e.kit.supers.dropWhere(func(core.AppID) bool { return true })
	e.kit.kindMutes.dropWhere(func(userKey) bool { return true })
	e.kit.secrets.dropWhere(func(typeKey) bool { return true })
	e.kit.lists.dropWhere(func(typeKey) bool { return true })
}

// catchUpPart is how many channels are looked at in one read.
const catchUpPart = 500

// catchUp delivers what happened unheard in the channels of the connections here. It reports false
// when the store did not let it.
func (e *Engine) catchUp(ctx context.Context) bool {
	known := map[core.AppID]map[core.ChannelID]int64{}
	since := map[roomKey]time.Time{}
	e.hub.mu.RLock()
	for k, a := range e.hub.rooms {
		if known[k.app] == nil {
			known[k.app] = map[core.ChannelID]int64{}
		}
		known[k.app][k.ch] = a.lastEv.Load()
		since[k] = a.made
	}
	e.hub.mu.RUnlock()
	for app, chs := range known {
		var part []core.ChannelID
		for _, ch := range slices.Sorted(maps.Keys(chs)) {
			if part = append(part, ch); len(part) == catchUpPart {
				if !e.catchUpIn(ctx, app, part, chs, since) {
					return false
				}
				part = nil
			}
		}
		if !e.catchUpIn(ctx, app, part, chs, since) {
			return false
		}
	}
	return true
}

// catchUpIn is catchUp for some channels of an app.
func (e *Engine) catchUpIn(ctx context.Context, app core.AppID, part []core.ChannelID, known map[core.ChannelID]int64, since map[roomKey]time.Time) bool {
	if len(part) == 0 {
		return true
	}
	cs, err := e.store.Channels(ctx, app, part)
	if err != nil {
		return false // the store is away too: a later round will do it
	}
	for i := range cs {
		last := known[cs[i].ID]
		if cs[i].LastEv <= last {
			continue
		}
		k := roomKey{app, cs[i].ID}
		rows, err := e.unheard(ctx, k, last, last, since[k], 1000)
		if err != nil {
			return false
		}
		evs, err := e.rebuild(ctx, app, rows)
		if err != nil {
			e.opts.Report("missed events cannot be read", err)
			return false
		}
		for _, ev := range evs {
			e.dispatch.pushRemote(ev)
		}
	}
	return true
}
