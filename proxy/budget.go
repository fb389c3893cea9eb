package proxy

import (
	"sync"
	"time"
)

// Bounds of the budget of further attempts.
const (
	budgetShare = 0.1 // of the calls, in the long run
	budgetMost  = 10  // saved up at most, and had from the start
)

// budget bounds the further attempts of one upstream to a share of its calls: an upstream that is in
// trouble must not get more work for it.
type budget struct {
	mu    sync.Mutex
	spent float64 // below zero is saved up
}

// earn is called for every call.
func (b *budget) earn() {
	b.mu.Lock()
	b.spent = max(b.spent-budgetShare, 0)
	b.mu.Unlock()
}

// spend takes one further attempt, if there is one left.
func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+1 > budgetMost {
		return false
	}
	b.spent++
	return true
}

// pace bounds calls per second, in bursts of twice as many.
type pace struct {
	mu   sync.Mutex
	rate float64 // calls per second; 0 means no bound
	have float64
	at   time.Time
}

// set changes the bound.
func (p *pace) set(perSecond int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if float64(perSecond) != p.rate {
		p.rate, p.have, p.at = float64(perSecond), 2*float64(perSecond), time.Now()
	}
}

// take counts one call. Otherwise it tells how long to wait.
func (p *pace) take(now time.Time) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		return 0, true
	}
	if passed := now.Sub(p.at).Seconds(); passed > 0 {
		p.have, p.at = min(p.have+passed*p.rate, 2*p.rate), now
	}
	if p.have < 1 {
		return time.Duration((1 - p.have) / p.rate * float64(time.Second)), false
	}
	p.have--
	return 0, true
}
