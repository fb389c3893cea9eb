package engine

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
)

// cache keeps immutable values by key. A value read from the store is kept only if nothing of the
// cache was dropped or put while the read was under way, so that a slow read never brings back
// what a commit has just replaced.
type cache[K comparable, V any] struct {
	mu  sync.RWMutex
	m   map[K]V
	gen uint64
	max int
}

func newCache[K comparable, V any](maxEntries int) *cache[K, V] {
	return &cache[K, V]{m: make(map[K]V), max: maxEntries}
}

// get returns the value kept.
func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.RLock()
	v, ok := c.m[k]
	c.mu.RUnlock()
	return v, ok
}

// load returns the value kept or what read finds.
func (c *cache[K, V]) load(k K, read func() (V, error)) (V, error) {
	c.mu.RLock()
	v, ok := c.m[k]
	gen := c.gen
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	if c.gen == gen {
		c.store(k, v)
	}
	c.mu.Unlock()
	return v, nil
}

// mark returns the generation to pass to fill after a read.
func (c *cache[K, V]) mark() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.gen
}

// fill keeps a value read since mark.
func (c *cache[K, V]) fill(gen uint64, k K, v V) {
	c.mu.Lock()
	if c.gen == gen {
		c.store(k, v)
	}
	c.mu.Unlock()
}

// put replaces the value.
func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	c.gen++
	c.store(k, v)
	c.mu.Unlock()
}

// drop forgets the value.
func (c *cache[K, V]) drop(k K) {
	c.mu.Lock()
	c.gen++
	delete(c.m, k)
	c.mu.Unlock()
}

// dropWhere forgets all values whose key matches.
func (c *cache[K, V]) dropWhere(match func(K) bool) {
	c.mu.Lock()
	c.gen++
	for k := range c.m {
		if match(k) {
			delete(c.m, k)
		}
	}
	c.mu.Unlock()
}

// store keeps the value, making room by forgetting arbitrary others. The lock is held.
func (c *cache[K, V]) store(k K, v V) {
	if len(c.m) >= c.max {
		n := c.max / 16
		for old := range c.m {
			delete(c.m, old)
			if n--; n <= 0 {
				break
			}
		}
	}
	c.m[k] = v
}

// randomID returns an unguessable URL-safe text of n random bytes.
func randomID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand aborts the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}
