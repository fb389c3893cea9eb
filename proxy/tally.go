package proxy

import (
	"context"
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"dragoman/core"
)

// Neighbours is how the nodes of one deployment tell each other what they have counted: a bus that may
// lose, repeat and delay.
type Neighbours interface {
	// Tell sends a short message to all other nodes. It does not block.
	Tell(b []byte) error
	// Hear calls f with each message of another node, one at a time, until stop is called.
	Hear(f func(b []byte)) (stop func(), err error)
}

// Times of telling.
const (
	tallyEvery  = 200 * time.Millisecond // what has grown by less than a step
	tallyAlive  = 2 * time.Second        // that there is a node, and how many connections it has
	tallySilent = 7 * time.Second        // after which a node and its connections are gone
	tallyPart   = 500                    // counters in one message
)

// tally is what one node tells: how often it has admitted what, in all of the period, so that a message
// that is lost is made good by the next and a repeated one changes nothing.
type tally struct {
	Node    string       `json:"n"`
	Period  int64        `json:"p"`
	Sockets int          `json:"s"`
	Left    bool         `json:"l,omitempty"` // the node has stopped
	Counts  []tallyCount `json:"c,omitempty"`
}

// tallyCount is one counter.
type tallyCount struct {
	App      core.AppID `json:"a"`
	Dialect  string     `json:"d"`
	Route    string     `json:"r"`
	Platform string     `json:"p,omitempty"`
	N        int        `json:"n"`
}

// neighbour is what is known of another node.
type neighbour struct {
	heard   time.Time
	sockets int
	counts  map[counter]int // of the present period
}

// heard takes over what another node tells.
func (l *limiter) heard(in *tally, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(periodOf(now))
	n := l.nodes[in.Node]
	if n == nil {
		if in.Left {
			return
		}
		n = &neighbour{counts: map[counter]int{}}
		l.nodes[in.Node] = n
		if l.greet = true; l.eager != nil {
			wake(l.eager)
		}
		for k, c := range l.counts { // it has to learn what was admitted before it came
			if c.own > 0 && l.eager != nil {
				l.news[k] = c
			}
		}
	}
	if n.heard, n.sockets = now, in.Sockets; in.Left {
		n.heard, n.sockets = time.Time{}, 0
	}
	if in.Period != l.period { // of a clock that is ahead or behind
		return
	}
	for _, x := range in.Counts {
		k := counter{x.App, x.Dialect, x.Route, x.Platform}
		if c := l.at(k); c != nil && x.N > n.counts[k] {
			c.others += x.N - n.counts[k]
			n.counts[k] = x.N
		}
	}
}

// sockets counts the connections of other nodes, and forgets nodes that are silent. What they have
// admitted counts until the period ends.
func (l *limiter) sockets(now time.Time) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, o := range l.nodes {
		if now.Sub(o.heard) < tallySilent {
			n += o.sockets
		} else if len(o.counts) == 0 {
			delete(l.nodes, name)
		} else {
			o.sockets = 0
		}
	}
	return n
}

// part takes the next counters to tell; over reports that there are no more, must that there is
// something to tell in any case.
func (l *limiter) part(now time.Time) (t tally, over, must bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(periodOf(now))
	must, l.greet = l.greet, false
	t.Period = l.period
	for k, c := range l.news {
		if len(t.Counts) == tallyPart {
			return t, false, true
		}
		t.Counts = append(t.Counts, tallyCount{k.app, k.dialect, k.route, k.platform, c.own})
		c.told = c.own
		delete(l.news, k)
	}
	return t, true, must || len(t.Counts) > 0
}

// isolate notes whether the neighbours can be heard, and answers how many nodes there were.
func (l *limiter) isolate(on bool) (nodes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alone = on
	if !on { // what was told meanwhile may be lost
		for k, c := range l.counts {
			if c.own > 0 && l.eager != nil {
				l.news[k] = c
			}
		}
	}
	return len(l.nodes) + 1
}

// Isolated is to be told when the other nodes cannot be heard and when they can again. Meanwhile this
// one admits its share of each limit: as if every node it knew admitted as much.
func (s *Server) Isolated(on bool) {
	nodes := s.limits.isolate(on)
	if s.sockets.share.Store(0); on && s.opt.AllSockets > 0 {
		s.sockets.share.Store(int64(max(s.opt.AllSockets/nodes, 1)))
	}
}

// meet starts telling the neighbours, if there are any, until ctx ends.
func (s *Server) meet(ctx context.Context) error {
	o := s.opt.Neighbours
	if o == nil {
		return nil
	}
	stop, err := o.Hear(func(b []byte) {
		in := new(tally)
		if json.Unmarshal(b, in) == nil && in.Node != "" && in.Node != s.hop {
			s.limits.heard(in, time.Now())
			s.sockets.others.Store(int64(s.limits.sockets(time.Now())))
		}
	})
	if err != nil {
		return err
	}
	s.serving.Go(func() {
		defer stop()
		s.tellAll(ctx)
	})
	return nil
}

// tellAll tells the neighbours what was counted until ctx ends, and then that this node has left.
func (s *Server) tellAll(ctx context.Context) {
	tick := time.NewTicker(tallyEvery)
	defer tick.Stop()
	var alive time.Time
	for {
		now := time.Now()
		for over := false; !over; {
			var t tally
			var must bool
			t, over, must = s.limits.part(now)
			if must || s.sockets.news() || now.Sub(alive) >= tallyAlive {
				s.tellTally(&t)
				alive = now
			}
		}
		s.sockets.others.Store(int64(s.limits.sockets(now)))
		select {
		case <-ctx.Done():
			s.tellTally(&tally{Left: true})
			return
		case <-tick.C:
		case <-s.limits.eager:
		}
	}
}

// tellTally sends one message.
func (s *Server) tellTally(t *tally) {
	t.Node, t.Sockets = s.hop, s.sockets.count()
	if t.Left {
		t.Sockets = 0
	}
	b, err := json.Marshal(t)
	if err == nil {
		err = s.opt.Neighbours.Tell(b)
	}
	if err != nil {
		s.log.Warn("other nodes cannot be told what was counted", zap.Error(err))
	}
}
