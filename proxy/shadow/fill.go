package shadow

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/proxy"
)

// Limits of filling.
const (
	maxOpen    = 1000        // gaps kept for later
	overlap    = time.Minute // read again before the newest message known, for what came late
	firstPause = 200 * time.Millisecond
	maxPause   = 10 * time.Second
)

// fillOnce fills a channel that something learnt refers to, unless that was done already.
func (f *feed) fillOnce(ctx context.Context, key core.ChannelKey) {
	if key == "" || f.filled[key] {
		return
	}
	f.filled[key] = true
	f.fill(ctx, adapters.Gap{Kind: adapters.GapChannel, Channel: key})
}

// fill reads what is missing from the vendor, page after page, with all that the pages show to be missing
// too. What cannot be read stays open.
func (f *feed) fill(ctx context.Context, g adapters.Gap) {
	todo := []adapters.Gap{g}
	for len(todo) > 0 && ctx.Err() == nil {
		g := todo[0]
		todo = todo[1:]
		if g.Kind == adapters.GapChannel && g.Page == "" {
			g = f.narrow(ctx, g)
			f.filled[g.Channel] = true
		}
		next, err := f.page(ctx, g)
		if err != nil {
			f.p.s.met.fills(f.p, "failed")
			f.keep(g, err)
			continue
		}
		f.p.s.met.fills(f.p, "ok")
		todo = append(next, todo...)
	}
}

// narrow lets a gap of a channel begin where the core's history ends.
func (f *feed) narrow(ctx context.Context, g adapters.Gap) adapters.Gap {
	by := core.Actor{App: f.p.key.app, Access: core.AccessServer}
	ms, err := f.p.s.o.Core.Messages.List(ctx, by, core.ListMessages{Key: g.Channel, Page: core.MessagePage{Limit: 1}})
	if err != nil || len(ms) == 0 {
		g.Since = time.Time{}
		return g
	}
	if from := ms[len(ms)-1].CreatedAt.Add(-overlap); g.Since.IsZero() || from.Before(g.Since) {
		g.Since = from
	}
	return g
}

// page reads one page and teaches it.
func (f *feed) page(ctx context.Context, g adapters.Gap) ([]adapters.Gap, error) {
	call := f.p.learner.Fill(f.p.key.app, g)
	if call == nil {
		return nil, errNoCall
	}
	answer, err := f.p.askVendor(ctx, call)
	if err != nil {
		return nil, err
	}
	l := f.p.learner.Learn(call.Route, call.Request, answer.Body)
	f.p.book.unread(l.Unread)
	f.teach(ctx, l.Items, true)
	return f.p.learner.Next(f.p.key.app, g, answer.Body), nil
}

// keep notes a gap that could not be filled. A thing that is not there at the vendor is no gap.
func (f *feed) keep(g adapters.Gap, err error) {
	if errors.Is(err, errNoCall) {
		return // what is missing for it is refused, and counted there
	}
	switch fault.From(err).Reason {
	case fault.GroupNotFound, fault.MessageNotFound, fault.ResourceNotFound, fault.UserNotFound:
		return
	}
	f.p.s.o.Log.Warn("a gap cannot be filled", zap.String("app", f.p.app()), zap.String("dialect", f.p.key.dialect),
		zap.String("kind", string(g.Kind)), zap.Error(err))
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.open) < maxOpen {
		f.open = append(f.open, g)
	} else {
		f.missedLocked(time.Unix(0, 0)) // too many to name: everything has to be looked at
	}
}

// sweep looks for what was missed: the gaps left open, then whatever changed since the first moment at
// which something may have gone by.
func (f *feed) sweep(ctx context.Context) {
	f.mu.Lock()
	since, open := f.since, f.open
	f.since, f.open = time.Time{}, nil
	f.mu.Unlock()
	for _, g := range open {
		f.fill(ctx, g)
	}
	if since.IsZero() {
		return
	}
	if since = since.Add(-time.Second); since.Unix() <= 0 {
		since = time.Time{}
		f.fill(ctx, adapters.Gap{Kind: adapters.GapPeople})
	}
	f.fill(ctx, adapters.Gap{Kind: adapters.GapAll, Since: since})
}

// gaps tells how many gaps are open, and whether something may have been missed since a sweep.
func (f *feed) gaps() (open int, missed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open), !f.since.IsZero()
}

// askVendor makes a call to the vendor, again where it failed by no fault of its own and may be repeated.
func (p *pair) askVendor(ctx context.Context, call *adapters.Call) (proxy.Answer, error) {
	pause := firstPause
	for try := 0; ; try++ {
		answer, err := p.once(ctx, call)
		if err == nil && answer.Code == "" {
			return answer, nil
		}
		again := err != nil && !call.Once
		if err == nil {
			err = fault.UpstreamBadGateway.Error("the vendor answers " + answer.Code)
			if r, ok := fault.Lookup(answer.Code); ok {
				err = r.Error("the vendor refuses")
			}
			if try > 0 && !call.Once && (answer.Status == 400 || answer.Status == 409) {
				return answer, nil // an earlier try has reached the vendor, whose answer was lost
			}
			again = answer.Status == 429 || answer.Status == 503 || answer.Status >= 500 && !call.Once
		}
		if !again || try >= p.s.o.Retries || !p.feed.pause(ctx, pause) {
			return answer, err
		}
		pause = min(2*pause, maxPause)
	}
}

// once makes a call to the vendor.
func (p *pair) once(ctx context.Context, call *adapters.Call) (proxy.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.s.o.Timeout)
	defer cancel()
	return p.s.sides.AskVendor(ctx, p.exchange(call))
}

// exchange is a call as the sides take it.
func (p *pair) exchange(call *adapters.Call) *proxy.Exchange {
	return &proxy.Exchange{
		App: p.key.app, AppName: p.app(), Dialect: p.key.dialect, Route: call.Route, At: p.s.o.Now(), Request: call.Request, Raw: call.Raw,
	}
}
