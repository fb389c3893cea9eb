package nexconn

import (
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	"dragoman/core"
)

// maxNonces bounds one generation of nonces, some 64 MiB of memory at most. Beyond it the older
// generation is forgotten early.
const maxNonces = 1 << 21

// nonces remembers which nonces were used for as long as their timestamps are accepted. There are two
// generations, each as long as a timestamp lives, so that forgetting costs nothing.
type nonces struct {
	now   func() time.Time
	seed  maphash.Seed
	mu    sync.Mutex
	since time.Time
	cur   map[uint64]struct{}
	old   map[uint64]struct{}
}

// newNonces returns an empty memory.
func newNonces(now func() time.Time) *nonces {
	return &nonces{now: now, seed: maphash.MakeSeed(), since: now(), cur: map[uint64]struct{}{}}
}

// take notes a nonce with its timestamp and reports whether it is the first time.
func (n *nonces) take(app core.AppID, nonce, stamp string) bool {
	key := maphash.String(n.seed, strconv.FormatInt(int64(app), 10)+"\x00"+nonce+"\x00"+stamp)
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := n.now(); now.Sub(n.since) > 2*maxSkew || len(n.cur) >= maxNonces {
		n.old, n.cur, n.since = n.cur, map[uint64]struct{}{}, now
	}
	if _, used := n.cur[key]; used {
		return false
	}
	if _, used := n.old[key]; used {
		return false
	}
	n.cur[key] = struct{}{}
	return true
}
