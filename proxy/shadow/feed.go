package shadow

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/proxy"
)

// Limits of the feed.
const (
	maxBatch  = 500                    // pieces of traffic taken together
	maxRecent = 16 << 10               // pieces remembered, not to be learnt again from every link that told them
	sweepWait = 500 * time.Millisecond // after a link ended, for others that end with it
	retryWait = 2 * time.Second        // before gaps that could not be filled are tried again
)

// piece is one piece of traffic: exactly one of exchange, link, hook and mark is set.
type piece struct {
	exchange *proxy.Exchange
	link     *link
	client   bool
	text     bool
	data     []byte
	hook     *adapters.Lesson
	tries    int           // how often the comparison of exchange was tried
	mark     chan struct{} // closed when everything before it is done
	at       time.Time
}

// feed is the queue of one pair and the goroutine that works it off, in order.
type feed struct {
	p    *pair
	seed maphash.Seed

	mu      sync.Mutex
	queue   []piece
	wake    chan struct{}
	dropped int
	links   int
	since   time.Time // from when on something may have been missed; zero: nothing was
	open    []adapters.Gap

	recent map[uint64]struct{} // used by the goroutine alone, as is what follows
	older  map[uint64]struct{}
	filled map[core.ChannelKey]bool
}

func newFeed(p *pair) *feed {
	return &feed{p: p, seed: maphash.MakeSeed(), wake: make(chan struct{}, 1), recent: map[uint64]struct{}{}, filled: map[core.ChannelKey]bool{}}
}

// push queues a piece. When there is no room, a comparison is left out and a lesson becomes a gap.
func (f *feed) push(x piece) {
	x.at = f.p.s.o.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	full := len(f.queue) >= f.p.s.o.Queue
	if e := x.exchange; e != nil && !f.p.write(e) && len(f.queue) >= f.p.s.o.Queue/2 {
		if e.Mode == proxy.ModeShadowCore || full {
			f.p.book.note(e.Route, skipped)
			if f.p.s.met.skipped(f.p); e.Mode == proxy.ModeShadowCore {
				return
			}
		}
	}
	if full && x.mark == nil {
		f.dropped++
		f.p.s.met.dropped(f.p)
		f.missedLocked(x.at)
		return
	}
	f.queue = append(f.queue, x)
	f.kick()
}

func (f *feed) kick() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// linked counts the links that are heard.
func (f *feed) linked(by int) {
	f.mu.Lock()
	f.links += by
	f.mu.Unlock()
}

// missed notes that something may have gone by unheard since then.
func (f *feed) missed(at time.Time) {
	f.mu.Lock()
	f.missedLocked(at)
	f.mu.Unlock()
	f.kick()
}

func (f *feed) missedLocked(at time.Time) {
	if f.since.IsZero() || at.Before(f.since) {
		f.since = at
	}
}

// drain waits until everything queued so far is done, comparisons that are tried again too.
func (f *feed) drain(ctx context.Context) error {
	for range confirmations + 1 {
		done := make(chan struct{})
		f.push(piece{mark: done})
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
		f.mu.Lock()
		tried := slices.ContainsFunc(f.queue, func(x piece) bool { return x.tries > 0 })
		f.mu.Unlock()
		if !tried {
			return nil
		}
	}
	return nil
}

// run works the queue off until ctx ends.
func (f *feed) run(ctx context.Context) {
	tick := time.NewTicker(sweepWait)
	defer tick.Stop()
	var tried time.Time
	for {
		if f.first() {
			f.sweep(ctx)
		}
		if batch := f.take(ctx); len(batch) > 0 {
			f.work(ctx, batch)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if now := f.p.s.o.Now(); f.due(now) && now.Sub(tried) > sweepWait {
			tried = now
			f.sweep(ctx)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-tick.C:
		}
	}
}

// first reports whether everything that the vendor has is to be read before anything else is learnt.
func (f *feed) first() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.since.IsZero() && f.since.Unix() <= 0
}

// due reports whether something was missed long enough ago to look for it.
func (f *feed) due(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.since.IsZero() && now.Sub(f.since) > sweepWait
}

// take returns what has waited long enough, and all that waits if somebody drains.
func (f *feed) take(ctx context.Context) []piece {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 || ctx.Err() != nil {
		return nil
	}
	hurry := slices.ContainsFunc(f.queue, func(x piece) bool { return x.mark != nil })
	if rest := f.p.s.o.Window - f.p.s.o.Now().Sub(f.queue[0].at); rest > 0 && !hurry && len(f.queue) < maxBatch {
		f.mu.Unlock()
		select {
		case <-time.After(rest):
		case <-ctx.Done():
		}
		f.mu.Lock()
	}
	n := min(len(f.queue), maxBatch)
	batch := slices.Clone(f.queue[:n])
	f.queue = append(f.queue[:0:0], f.queue[n:]...)
	return batch
}

// work learns a batch, then compares what is to be compared.
func (f *feed) work(ctx context.Context, batch []piece) {
	var l adapters.Lesson
	for i := range batch {
		l.Add(f.read(&batch[i]))
	}
	f.learn(ctx, l)
	for i := range batch {
		x := &batch[i]
		if e := x.exchange; e != nil && !f.p.write(e) {
			if f.behind() {
				f.p.book.note(e.Route, skipped)
				f.p.s.met.skipped(f.p)
			} else if f.p.compare(ctx, e, x.tries) {
				f.again(piece{exchange: e, tries: x.tries + 1, at: f.p.s.o.Now()})
			}
		}
		if x.mark != nil {
			close(x.mark)
		}
	}
}

// again queues a comparison behind what waits.
func (f *feed) again(x piece) {
	f.mu.Lock()
	f.queue = append(f.queue, x)
	f.mu.Unlock()
	f.kick()
}

// behind reports whether lessons have waited for too long to compare anything in between.
func (f *feed) behind() bool { return f.late(tooLate / 2) }

// late reports whether the first piece has waited for longer than that.
func (f *feed) late(than time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.queue) > 0 && f.p.s.o.Now().Sub(f.queue[0].at) > than
}

// read makes a lesson of a piece of traffic.
func (f *feed) read(x *piece) adapters.Lesson {
	switch e := x.exchange; {
	case x.link != nil:
		if f.repeated(x.data) {
			return adapters.Lesson{}
		}
		return x.link.hear.Hear(x.client, x.text, x.data)
	case x.hook != nil:
		return *x.hook
	case e == nil, e.Mode != proxy.ModeShadowVendor, x.tries > 0:
		return adapters.Lesson{}
	case e.Cut:
		f.missed(e.At)
		f.p.book.note(e.Route, cut)
		return adapters.Lesson{}
	case e.Answer.Code != "":
		if f.p.write(e) {
			f.p.book.note(e.Route, declined)
		}
		return adapters.Lesson{}
	}
	e := x.exchange
	l := f.p.learner.Learn(e.Route, e.Request, e.Answer.Body)
	if f.p.write(e) {
		if len(l.Items) > 0 {
			f.p.book.note(e.Route, learnt)
		} else {
			f.p.book.note(e.Route, silent)
		}
	}
	return l
}

// repeated reports whether the same was heard a short while ago: every member of a channel is told the
// same. It forgets by generations.
func (f *feed) repeated(data []byte) bool {
	h := maphash.Bytes(f.seed, data)
	if _, ok := f.recent[h]; ok {
		return true
	}
	if _, ok := f.older[h]; ok {
		return true
	}
	if len(f.recent) >= maxRecent/2 {
		f.older, f.recent = f.recent, make(map[uint64]struct{}, maxRecent/2)
	}
	f.recent[h] = struct{}{}
	return false
}

// learn teaches the core a lesson, fills the gaps that it shows, and teaches what was refused for them
// once more.
func (f *feed) learn(ctx context.Context, l adapters.Lesson) {
	f.p.book.unread(l.Unread)
	refused := f.teach(ctx, l.Items, false)
	for _, g := range l.Gaps {
		f.fill(ctx, g)
	}
	if len(refused) == 0 {
		return
	}
	var again []core.Imported
	for _, r := range refused {
		switch {
		case r.Channel != "":
			f.fillOnce(ctx, r.Channel)
		case r.item.Message != nil:
			f.fillOnce(ctx, r.item.Message.ChannelKey)
		case r.item.Key != "":
			f.fillOnce(ctx, r.item.Key)
		}
		again = append(again, r.item)
	}
	f.teach(ctx, again, true)
}

// refusal is an item that the core could not take, for want of something.
type refusal struct {
	core.Unlearnt
	item core.Imported
}

// teach hands items to the core: those of one kind together, messages by their times. It returns what
// was refused for want of something; with final that is counted as refused too.
func (f *feed) teach(ctx context.Context, items []core.Imported, final bool) (wanting []refusal) {
	items = ordered(items)
	by := core.Actor{App: f.p.key.app, Access: core.AccessServer}
	for len(items) > 0 && ctx.Err() == nil {
		n := min(len(items), core.MaxLearn)
		out, err := f.p.s.o.Core.Imports.Learn(ctx, by, core.Learn{Items: items[:n]})
		if err != nil {
			if fault.IsReason(err, fault.StorageUnavailable) && f.pause(ctx, retryWait) {
				continue
			}
			f.p.s.o.Log.Warn("the core cannot learn", zap.String("app", f.p.app()), zap.String("dialect", f.p.key.dialect), zap.Error(err))
			f.missed(f.p.s.o.Now())
			return wanting
		}
		var no []core.Unlearnt
		for _, u := range out.Refused {
			if (u.Channel != "" || u.Message != "") && !final {
				wanting = append(wanting, refusal{u, items[u.Item]})
			} else {
				no = append(no, u)
			}
		}
		f.p.book.learnt(&out, no)
		f.p.s.met.learnt(f.p, &out, len(no))
		items = items[n:]
	}
	return wanting
}

// pause waits, and reports whether to go on.
func (f *feed) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// ordered sorts the new and changed messages of a batch by their times and leaves everything else where
// it is told from: after what it refers to.
func ordered(items []core.Imported) []core.Imported {
	var first, members, said, rest []core.Imported
	for _, x := range items {
		switch {
		case x.User != nil, x.Channel != nil && !x.Gone, x.Credential != nil:
			first = append(first, x)
		case x.Member != nil:
			members = append(members, x)
		case x.Message != nil && !x.Gone:
			said = append(said, x)
		default:
			rest = append(rest, x)
		}
	}
	slices.SortStableFunc(said, func(a, b core.Imported) int {
		return cmp.Or(a.Message.CreatedAt.Compare(b.Message.CreatedAt), cmp.Compare(a.Message.ID, b.Message.ID))
	})
	return slices.Concat(first, members, said, rest)
}

// errNoCall says that a vendor has no call that would fill a gap.
var errNoCall = errors.New("the vendor has no call for it")
