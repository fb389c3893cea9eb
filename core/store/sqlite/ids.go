package sqlite

import (
	"time"

	"dragoman/core"
)

// epoch is where the time part of message ids starts.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// allocator makes message ids: milliseconds since 2025, then 4 bits of node, then 8 bits of
// counter. 41 bits of milliseconds last until 2094 below 2^53. Only the writer uses it.
type allocator struct {
	now  func() time.Time
	node int64
	last int64 // millisecond<<8 | counter of the last id
}

// seen raises the floor above an id that exists.
func (a *allocator) seen(id core.MessageID) {
	a.last = max(a.last, int64(id)>>12<<8|int64(id)&0xff)
}

// next returns an id above all before. When a millisecond's 256 ids are used it borrows from the next.
func (a *allocator) next() core.MessageID {
	a.last = max(a.last+1, (a.now().UnixMilli()-epoch)<<8)
	return core.MessageID(a.last>>8<<12 | a.node<<8 | a.last&0xff)
}

// lastID is the highest id made or seen.
func (a *allocator) lastID() core.MessageID {
	return core.MessageID(a.last>>8<<12 | 0xf00 | a.last&0xff)
}
