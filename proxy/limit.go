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

// limiter counts calls per app, route and platform in periods of a minute. All counters start
// afresh together, so a period's end frees everything.
type limiter struct {
	mu     sync.Mutex
	period int64
	counts map[counter]int
}

// counter is what is counted together.
type counter struct {
	app      core.AppID
	target   *target
	platform string
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
func newLimiter() *limiter { return &limiter{counts: map[counter]int{}} }

// take counts one call. A quota of zero or less means unlimited.
func (l *limiter) take(app core.AppID, t *target, platform string, quota int, now time.Time) rateState {
	if quota <= 0 {
		return rateState{}
	}
	if !platforms[platform] {
		platform = ""
	}
	period := now.Unix() / int64(window/time.Second)
	k := counter{app, t, platform}
	l.mu.Lock()
	if period != l.period {
		l.period = period
		clear(l.counts)
	}
	n, known := l.counts[k]
	if known || len(l.counts) < maxCounters {
		n = min(n+1, quota+1)
		l.counts[k] = n
	}
	l.mu.Unlock()
	return rateState{
		limit: quota, remaining: max(quota-n, 0), over: n > quota,
		reset: time.Unix((period+1)*int64(window/time.Second), 0),
	}
}
