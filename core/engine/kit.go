package engine

import (
	"context"
	"sync/atomic"

	"dragoman/core"
)

// kit is what single services keep between commands.
type kit struct {
	run     context.Context // ends with the engine
	lists   *cache[typeKey, *wordList]
	secrets *cache[typeKey, core.Credential] // by kind and secret
	call    *caller

	inquiries *inquiries   // of this node, for other nodes to answer
	leaving   *leaving     // who is about to leave rooms
	seenAt    atomic.Int64 // when this node last said that it holds seats, in milliseconds
	kindMutes *cache[userKey, []core.KindMute]
	supers    *cache[core.AppID, map[core.UserID]bool]

	tasks chan struct{} // wakes the worker of tasks
	hooks chan struct{} // wakes the deliverer of hooks
	beats chan struct{} // asks for the table of who is here
	marks *marks        // how far devices have come in their feeds
	look  *looker       // what is to be looked at in the store
	heads *heads        // channels written to lately
	said  saying        // invalidations this node has told

	hookStats hookStats
}

func newKit(run context.Context, e *Engine) *kit {
	return &kit{
		run: run, lists: newCache[typeKey, *wordList](1 << 10), secrets: newCache[typeKey, core.Credential](1 << 15),
		inquiries: newInquiries(), leaving: newLeaving(), kindMutes: newCache[userKey, []core.KindMute](1 << 16), supers: newCache[core.AppID, map[core.UserID]bool](1 << 10),
		call:  newCaller(e.opts.PrivateCallouts),
		tasks: make(chan struct{}, 1), hooks: make(chan struct{}, 1), beats: make(chan struct{}, 1), marks: newMarks(),
		look: newLooker(), heads: newHeads(),
	}
}

// kick wakes a worker that waits on the channel, or makes sure it looks again.
func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
