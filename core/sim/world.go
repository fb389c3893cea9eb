package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dragoman/core"
	"dragoman/core/store/sqlite"
)

// Options choose a story.
type Options struct {
	Seed  uint64
	Plant Plant // a fault put in on purpose
}

// Report is how a story ended.
type Report struct {
	Options
	Wrong []string // what must not be; empty is well
	Trace []string // what happened, in order of virtual time
	Hash  uint64   // of Trace
	Counts
}

// Counts say how much happened, so that a test can tell that something did.
type Counts struct {
	Crashes, Stands, Cuts, Deaf          int // of nodes
	Sent, Resent, Repeated               int // messages: acknowledged, tried again, acknowledged as repeats
	Delivered, Pulled, Hooks, HookRepeat int
	Duties                               int // writes that only the holder of the lease may do
}

// began is when stories begin.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is one story.
type world struct {
	opt     Options
	seed    fate
	disk    *sqlite.Store
	bus     *cable
	app     core.AppID
	chans   map[core.ChannelKey]core.Channel
	clients []*client
	calm    atomic.Bool // nothing fails any more
	rough   rates
	duties  atomic.Int64
	stop    chan struct{} // closed at the end, for clients
	ctx     context.Context

	mu     sync.Mutex
	lines  []string
	wrongs []string
	nodes  []*node
	up     map[string]int // starts of each name
	count  Counts
	told   map[int64]*hookLog
	acks   map[string]core.MessageID // acknowledged messages by text
	read   map[string]int64          // highest read position acknowledged, by user and channel
	hosted bool                      // the host is done
	held   map[string]bool           // rows left out of feeds once
}

// rates are how often things fail.
type rates struct {
	slow, fail, unknown float64 // of the database
	lose, repeat, late  float64 // of the bus
	hook                float64 // of webhooks, on either way
}

// rates are those in force.
func (w *world) rates() rates {
	if w.calm.Load() {
		return rates{}
	}
	return w.rough
}

// say adds a line to the trace.
func (w *world) say(format string, args ...any) {
	line := fmt.Sprintf("%12.6f ", time.Since(began).Seconds()) + fmt.Sprintf(format, args...)
	w.mu.Lock()
	w.lines = append(w.lines, line)
	w.mu.Unlock()
}

// wrong notes something that must not be.
func (w *world) wrong(kind, format string, args ...any) {
	text := kind + ": " + fmt.Sprintf(format, args...)
	w.say("WRONG %s", text)
	w.mu.Lock()
	if len(w.wrongs) < 20 {
		w.wrongs = append(w.wrongs, text)
	}
	w.mu.Unlock()
}

// Run plays the story of a seed on a copy of the template, in virtual time.
func Run(t *testing.T, template *Template, o Options) *Report {
	t.Helper()
	r := &Report{Options: o}
	dir := Scratch(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(began))
		path := filepath.Join(dir, "sim.db")
		for name, data := range template.files {
			if err := os.WriteFile(path+name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		disk, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Sync: sqlite.SyncNormal, Readers: 1})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{
			opt: o, seed: fate(o.Seed).str("dragoman"), disk: disk, app: template.app, chans: template.chans, ctx: t.Context(),
			stop: make(chan struct{}), up: map[string]int{}, told: map[int64]*hookLog{}, acks: map[string]core.MessageID{}, read: map[string]int64{}, held: map[string]bool{},
		}
		w.bus = &cable{w: w}
		w.play()
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
		w.report(r)
	})
	return r
}

// report takes over what happened.
func (w *world) report(r *Report) {
	w.count.Duties = int(w.duties.Load())
	r.Wrong, r.Trace, r.Counts = w.wrongs, w.lines, w.count
	slices.Sort(r.Trace) // lines of one moment may come in either order
	h := fnv.New64a()
	for _, l := range r.Trace {
		_, _ = h.Write([]byte(l)) // never fails
	}
	r.Hash = h.Sum64()
}

// play runs the story to its end.
func (w *world) play() {
	p := w.plan()
	w.rough = p.rates
	for i := range p.nodes {
		w.pause(w.seed.str("start").num(uint64(i)).within(time.Millisecond, 40*time.Millisecond)) //nolint:gosec // small
		w.boot("n" + strconv.Itoa(i))
	}
	var wg sync.WaitGroup
	for _, c := range w.clients {
		wg.Go(c.act)
		wg.Go(c.stay)
	}
	wg.Go(func() { w.host(p) })
	for _, f := range p.faults {
		wg.Go(func() { w.strike(f) })
	}
	w.pause(time.Until(began.Add(p.length)))
	w.heal()
	w.settle()
	w.check()
	close(w.stop)
	wg.Wait()
	for _, n := range w.live() {
		n.engine.Close()
	}
}

// pause sleeps in virtual time.
func (w *world) pause(d time.Duration) { time.Sleep(d) }

// boot starts a node; each start has a name of its own.
func (w *world) boot(name string) {
	w.mu.Lock()
	w.up[name]++
	if n := w.up[name]; n > 1 {
		name += "." + strconv.Itoa(n)
	}
	w.mu.Unlock()
	for try := uint64(0); ; try++ {
		n, err := w.start(name)
		if err == nil {
			w.mu.Lock()
			w.nodes = append(w.nodes, n)
			w.mu.Unlock()
			return
		}
		w.say("%v", err)
		w.pause(w.seed.str("boot").str(name).num(try).within(50*time.Millisecond, 300*time.Millisecond))
	}
}

// live lists the nodes that run.
func (w *world) live() []*node {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*node
	for _, n := range w.nodes {
		if !n.gone() {
			out = append(out, n)
		}
	}
	return out
}

// server acts for the app.
func (w *world) server() core.Actor { return core.Actor{App: w.app, Access: core.AccessServer} }

// bodyOf reads a request.
func bodyOf(req *http.Request) (string, error) {
	b, err := io.ReadAll(req.Body)
	return string(b), err
}

// Scratch is a folder for a database, in memory where the system has one.
func Scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sim")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// String is what to do to see the story again.
func (r *Report) String() string {
	return fmt.Sprintf("seed %d: %s\n\tgo test ./core/sim -run TestSeeds -seed %d -v", r.Seed, strings.Join(r.Wrong, "\n\t"), r.Seed)
}
