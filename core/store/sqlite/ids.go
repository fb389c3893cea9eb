package sqlite

import (
	"time"

	"dragoman/core"
)

// allocator makes message ids and the stamps of events, which share their numbers: milliseconds as
// core.StampAt has them, then 4 bits of node, then 8 bits of counter. Only the writer uses it.
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
	a.last = max(a.last+1, int64(core.StampAt(a.now()))>>12<<8)
	return core.MessageID(a.last>>8<<12 | a.node<<8 | a.last&0xff)
}

// lastID is the highest id made or seen.
func (a *allocator) lastID() core.MessageID {
	return core.MessageID(a.last>>8<<12 | 0xf00 | a.last&0xff)
}
