package shadow

import (
	"context"

	"dragoman/adapters"
	"dragoman/normalize/diff"
	"dragoman/proxy"
)

// confirmations is how often both sides are asked anew before a difference counts.
const confirmations = 3

// compare puts a read to the side that did not answer it. What differs may have changed between the two
// answers, or wait in the queue to be learnt: then again says that both sides are to be asked anew, after
// what waits. tries tells how often that was done; only what differs every time is a difference.
func (p *pair) compare(ctx context.Context, x *proxy.Exchange, tries int) (again bool) {
	if why := p.rules.Alone(x.Route); why != "" || x.Route == "" || x.Cut {
		p.book.note(x.Route, alone)
		return false
	}
	call := p.learner.Again(x.Route, x.Request, x.Raw, nil)
	if call == nil {
		p.book.note(x.Route, alone)
		return false
	}
	first, second := x.Answer, proxy.Answer{}
	var err error
	switch {
	case tries > 0:
		first, second, err = p.both(ctx, x, call)
	case x.Mode.Foreign():
		second, err = p.askCore(ctx, call)
	default:
		second, err = p.once(ctx, p.mirror.renamed(call))
	}
	if err != nil {
		p.book.note(x.Route, unasked)
		return false
	}
	r := p.judge(x, first, second)
	if r.Verdict == diff.Different && tries < confirmations {
		return true
	}
	p.book.judged(x, &r)
	p.s.met.judged(p, x.Route, &r)
	return false
}

// both asks both sides anew, the one that answers first. What the vendor says is learnt in between: it may
// be newer than what has come through the queue.
func (p *pair) both(ctx context.Context, x *proxy.Exchange, call *adapters.Call) (first, second proxy.Answer, err error) {
	if !x.Mode.Foreign() {
		if first, err = p.askCore(ctx, call); err == nil {
			second, err = p.once(ctx, p.mirror.renamed(call))
		}
		return first, second, err
	}
	if first, err = p.once(ctx, call); err != nil {
		return first, second, err
	}
	if first.Code == "" {
		p.feed.teach(ctx, p.learner.Learn(call.Route, call.Request, first.Body).Items, true)
	}
	second, err = p.askCore(ctx, call)
	return first, second, err
}

// askCore puts a call to the core.
func (p *pair) askCore(ctx context.Context, call *adapters.Call) (proxy.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.s.o.Timeout)
	defer cancel()
	return p.s.sides.AskCore(ctx, p.exchange(call), nil)
}

// judge compares two answers; the vendor's is the first, whoever answered the client.
func (p *pair) judge(x *proxy.Exchange, first, second proxy.Answer) diff.Result {
	if !x.Mode.Foreign() {
		first, second = second, first
	}
	side := func(a proxy.Answer) diff.Answer { return diff.Answer{Status: a.Status, Reason: a.Code, Body: a.Body} }
	return diff.Compare(side(first), side(second), p.rules.Rules(x.Route), p.mirror.same)
}
