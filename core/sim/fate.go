package sim

import (
	"sync"
	"time"
)

// fate is a number drawn from the seed and from what it decides about.
type fate uint64

// str mixes in a name.
func (f fate) str(s string) fate {
	h := uint64(f) ^ 0xcbf29ce484222325
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return fate(h).num(uint64(len(s)))
}

// num mixes in a number.
func (f fate) num(n uint64) fate {
	h := uint64(f) + n*0x9e3779b97f4a7c15 + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return fate(h ^ h>>31)
}

// unit is the fate as a number from 0 to below 1.
func (f fate) unit() float64 { return float64(f.num(1)>>11) / (1 << 53) }

// chance is true with probability p.
func (f fate) chance(p float64) bool { return f.unit() < p }

// below is a number from 0 to below n.
func (f fate) below(n int) int { return int(uint64(f.num(2)) % uint64(n)) } //nolint:gosec // below n

// within is a time from lo to hi, to the nanosecond.
func (f fate) within(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(f.unit()*float64(hi-lo)) + time.Duration(f.num(3)%1000)
}

// moments number what happens by its virtual time, and what happens more than once at one moment by
// its turn. One thing more or less then does not change the fate of what comes later, as it would if
// it were counted.
type moments struct {
	mu  sync.Mutex
	now int64
	n   map[string]uint64
}

// nth is the number of what is done now.
func (m *moments) nth(what string) uint64 {
	now := time.Now().UnixNano()
	m.mu.Lock()
	defer m.mu.Unlock()
	if now != m.now {
		m.now, m.n = now, map[string]uint64{}
	}
	m.n[what]++
	return uint64(fate(now).num(m.n[what])) //nolint:gosec // a name
}
