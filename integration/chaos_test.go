package integration_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// The short form of the test has one seed, so that a change that breaks it breaks it for everyone.
const (
	chaosSpan = 15 * time.Second
	chaosSeed = 20
)

// Clients of the test: two of each dialect, each with another node as the first one to go to.
var chaosCast = []struct {
	dialect, name string
	node          int
}{
	{"stream", "sue", 0}, {"stream", "sam", 1},
	{"cometchat", "cat", 1}, {"cometchat", "cid", 2},
	{"agora", "ann", 2}, {"agora", "abe", 0},
	{"nexconn", "nan", 0}, {"nexconn", "ned", 2},
}

// chaosGroups are the conversations everyone takes part in.
const chaosGroups = 2

// TestChaos lets clients with all vendors' own SDKs talk on three nodes, while whatever they are made
// of is killed, paused and cut off, a part at a time: nothing acknowledged is lost, stored twice or
// told in another order to somebody, webhooks come at least once and in order, and everyone is back
// without help, then and after each node was restarted in good order. CHAOS is how long, CHAOS_SEED what happens.
func TestChaos(t *testing.T) {
	node(t)
	span, seed := chaosSpan, uint64(chaosSeed)
	if v := os.Getenv("CHAOS"); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil {
			t.Fatal(err)
		}
		span = d
	}
	if v := os.Getenv("CHAOS_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	began := time.Now()
	c := newCluster(t)
	hook := newHookLog(t)
	cast := c.invite(hook)
	t.Logf("the stage is set after %s", time.Since(began).Round(time.Millisecond))
	cast.all("talk")
	if err := within(20*time.Second, func() bool { return cast.acked() >= 5*len(cast) }); err != nil {
		t.Fatalf("before anything is broken: %v\n%s", err, cast.state())
	}
	for _, p := range cast {
		p.mark()
	}
	calm := cast.acked()
	broken := c.torment(rand.New(rand.NewPCG(seed, seed)), span)
	t.Logf("seed %d, %s: %s", seed, span, broken)
	c.heal()
	if err := within(60*time.Second, func() bool { return cast.linked() }); err != nil {
		t.Errorf("not everyone is back: %v\n%s", err, cast.state())
	}
	amid := cast.acked() - calm
	before := cast.reconnects()
	for _, n := range c.nodes { // one after another, as a new version is brought out
		if err := n.Leave(30 * time.Second); err != nil {
			t.Error(err)
		}
		if err := within(20*time.Second, func() bool { return cast.linked() }); err != nil {
			t.Errorf("after %s left in good order not everyone is back: %v\n%s", n.Name, err, cast.state())
		}
	}
	t.Logf("three nodes restarted in good order: %d reconnects", cast.reconnects()-before)
	cast.all("hush")
	if err := within(40*time.Second, func() bool { return cast.hushed() }); err != nil {
		t.Errorf("not everyone can finish: %v\n%s", err, cast.state())
	}
	truth := c.truth()
	if err := within(40*time.Second, func() bool { return cast.missing(truth) == "" }); err != nil {
		t.Errorf("not everyone has heard everything: %v\n%s", err, cast.missing(truth))
	}
	cast.all("history")
	if err := within(40*time.Second, func() bool { return cast.told() }); err != nil {
		t.Errorf("not everyone can read the history: %v\n%s", err, cast.state())
	}
	v := cast.judge(t, truth)
	v.hooks(t, hook, truth)
	v.print(t, broken)
	if amid < cmp.Or(int(span/(100*time.Millisecond)), 1) {
		t.Errorf("only %d messages were acknowledged amid all that: nothing was exercised", amid)
	}
	for _, n := range c.nodes {
		if n.Fell() > 0 {
			t.Errorf("%s ended by itself %d times\n%s", n.Name, n.Fell(), c.log)
		}
	}
	if t.Failed() {
		t.Logf("the nodes say:\n%s", c.log)
		t.Logf("the clients say:\n%s", cast.notes())
	}
}

// print is the sum of it.
func (v *verdict) print(t *testing.T, broken fmt.Stringer) {
	t.Helper()
	t.Logf("faults: %s", broken)
	t.Logf("acknowledged %d, lost %d, duplicated %d, reordered %d, unheard %d, told twice on one link %d, reconnects %d, refused or unanswered tries %d",
		v.acked, v.lost, v.doubled, v.reordered, v.unheard, v.twice, v.reconnects, v.refused)
	t.Logf("webhooks: %d messages, %d calls, %d lost, %d reordered", v.stored, v.calls, v.hooksLost, v.hooksReordered)
}
