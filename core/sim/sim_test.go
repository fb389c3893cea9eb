package sim_test

import (
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dragoman/core/sim"
)

// Flags choose what is played: one seed with its story, or more seeds than usual.
var (
	oneSeed = flag.Uint64("seed", 0, "play this seed alone; with -v its story is printed")
	seeds   = flag.Uint64("seeds", 1000, "how many seeds are played")
	from    = flag.Uint64("from", 1, "the first of them")
	stopAt  = flag.Uint64("bad", 10, "how many bad seeds are enough")
)

// lanes is how many stories are played at a time.
const lanes = 3

// TestSeeds plays stories, each from its seed: whatever fails in them, nothing that was acknowledged
// is lost or doubled, and everybody ends with the same.
func TestSeeds(t *testing.T) {
	template := sim.NewTemplate(t)
	if *oneSeed != 0 {
		r := sim.Run(t, template, sim.Options{Seed: *oneSeed})
		if testing.Verbose() {
			fmt.Println(strings.Join(r.Trace, "\n"))
			fmt.Printf("%+v hash %x\n", r.Counts, r.Hash)
		}
		if len(r.Wrong) > 0 {
			t.Error(r)
		}
		return
	}
	var next, bad atomic.Uint64
	next.Store(*from - 1)
	start := time.Now()
	for lane := range lanes {
		t.Run(fmt.Sprint("lane", lane), func(t *testing.T) {
			t.Parallel()
			for {
				seed := next.Add(1)
				if seed >= *from+*seeds || bad.Load() >= *stopAt {
					break
				}
				if r := sim.Run(t, template, sim.Options{Seed: seed}); len(r.Wrong) > 0 {
					bad.Add(1)
					t.Error(r)
				}
			}
			t.Logf("%v", time.Since(start))
		})
	}
}
