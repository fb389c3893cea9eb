package agora

import (
	"sync"

	"dragoman/core"
)

// venueCache remembers what never changes of a channel: its decimal id's key, and whom a
// conversation of two consists of.
type venueCache struct {
	mu    sync.RWMutex
	keys  map[numberKey]core.ChannelKey
	pairs map[channelKey][2]core.UserID
}

type numberKey struct {
	app    core.AppID
	number string
}

type channelKey struct {
	app core.AppID
	key core.ChannelKey
}

// maxVenues bounds each part of the cache; a full one starts afresh.
const maxVenues = 1 << 16

func newVenueCache() *venueCache {
	return &venueCache{keys: map[numberKey]core.ChannelKey{}, pairs: map[channelKey][2]core.UserID{}}
}

// remember reads and fills one of the maps of the cache.
func remember[K comparable, V any](c *venueCache, m map[K]V, k K, read func() (V, error)) (V, error) {
	c.mu.RLock()
	v, ok := m[k]
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	if len(m) >= maxVenues {
		clear(m)
	}
	m[k] = v
	c.mu.Unlock()
	return v, nil
}
