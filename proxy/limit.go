package proxy

import (
	"sync"
	"time"

	"dragoman/core"
)

// window is the length of one counting period.
const window = time.Minute

// maxCounters bounds the memory of one period; calls beyond it are not limited.
const maxCounters = 1 << 18

// limiter counts calls per app, route and platform in periods of a minute, over all nodes as far as
// they have told each other: see tally. All counters start afresh together, so a period's end frees
// everything.
type limiter struct {
	mu     sync.Mutex
	period int64
	counts map[counter]*count
	news   map[counter]*count // counted here and not told yet
	eager  chan struct{}      // wakes who tells: a counter has moved by a step; nil without neighbours
	nodes  map[string]*neighbour
	greet  bool // somebody new has to learn of this node
	alone  bool // the neighbours cannot be heard: this node keeps to its share
}

// counter is what is counted together. The doors of one dialect share their counters.
type counter struct {
	app                      core.AppID
	dialect, route, platform string
}

// count is how often something was called in this period.
type count struct {
	own, others int
	told        int // of own, what the other nodes know
}

// rateState is what a caller is told of its limit; a zero limit means nothing to tell.
type rateState struct {
	limit, remaining int
	reset            time.Time
	over             bool
}

// platforms are the names counted apart; everything else is counted together.
var platforms = map[string]bool{"ios": true, "android": true, "web": true, "server": true}

// newLimiter returns an empty limiter.
func newLimiter() *limiter {
	return &limiter{counts: map[counter]*count{}, news: map[counter]*count{}, nodes: map[string]*neighbour{}}
}

// periodOf is the number of the period a moment is in.
func periodOf(now time.Time) int64 { return now.Unix() / int64(window/time.Second) }

// turn starts a new period when it is time. The lock is held.
func (l *limiter) turn(period int64) {
	if period > l.period {
		l.period = period
		clear(l.counts)
		clear(l.news)
		for _, n := range l.nodes {
			clear(n.counts)
		}
	}
}

// at is the count of a counter, nil when there is no room for one more. The lock is held.
func (l *limiter) at(k counter) *count {
	c := l.counts[k]
	if c == nil && len(l.counts) < maxCounters {
		c = &count{}
		l.counts[k] = c
	}
	return c
}

// steps is in how many parts of its quota a counter is told to the other nodes as it grows: each of
// them may admit as much as one part more than the quota allows.
const steps = 20

// take counts one call. A quota of zero or less means unlimited. A call that is refused is not counted.
func (l *limiter) take(app core.AppID, t *target, platform string, quota int, now time.Time) rateState {
	if quota <= 0 {
		return rateState{}
	}
	if !platforms[platform] {
		platform = ""
	}
	period := periodOf(now)
	k := counter{app, t.dialect, t.name, platform}
	l.mu.Lock()
	l.turn(period)
	c, over, n := l.at(k), false, 0
	if c != nil {
		n = c.own + c.others
		if over = n >= quota || l.alone && c.own >= l.share(quota); !over {
			c.own++
			n++
			l.grown(k, c, quota)
		}
	}
	l.mu.Unlock()
	return rateState{
		limit: quota, remaining: max(quota-n, 0), over: over,
		reset: time.Unix((period+1)*int64(window/time.Second), 0),
	}
}

// share is what this node may admit of a quota while it hears nobody. The lock is held.
func (l *limiter) share(quota int) int { return max(quota/(len(l.nodes)+1), 1) }

// grown notes a call that the other nodes have to learn of. The lock is held.
func (l *limiter) grown(k counter, c *count, quota int) {
	if l.eager == nil {
		return
	}
	l.news[k] = c
	if c.own-c.told >= max(quota/steps, 1) {
		wake(l.eager)
	}
}

// wake lets who waits on the channel look again.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is about to
	}
}
