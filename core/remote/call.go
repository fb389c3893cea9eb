package remote

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote/codec"
)

// timeoutHeader tells a node how long its caller waits, in milliseconds.
const timeoutHeader = "Dragoman-Timeout"

// pathOf is where a method is called: "Apps.Get" at Apps/Get.
func pathOf(method string) string { return strings.Replace(method, ".", "/", 1) }

// call runs a command on a node.
func call[In, Out any](ctx context.Context, c *Client, method string, by core.Actor, in In) (Out, error) {
	return converse[In, Out](ctx, c, method, by, in, nil)
}

// tell is call for commands without an output.
func tell[In any](ctx context.Context, c *Client, method string, by core.Actor, in In) error {
	_, err := call[In, nothing](ctx, c, method, by, in)
	return err
}

// converse runs a command, and its code as often as the node asks. resumed may change the input of the
// next round; nil leaves it as it is.
func converse[In, Out any](ctx context.Context, c *Client, method string, by core.Actor, in In, resumed func(in *In, q *question)) (Out, error) {
	rq := request[In]{Actor: by, Origin: core.Origin(ctx), In: in}
	var zero Out
	for range maxRounds {
		start := time.Now()
		var e codec.Encoder
		codec.Append(&e, &rq)
		safe := reads[method] || repeatable(&rq.In)
		b, tries, err := c.ask(ctx, method, placed(by, &rq.In), e.Bytes, safe)
		if err != nil {
			return zero, err
		}
		var rs reply[Out]
		if err := codec.Unmarshal(b, &rs); err != nil {
			return zero, fault.UpstreamBadGateway.Wrap(err)
		}
		switch {
		case rs.Failure != nil:
			return zero, rs.Failure.Fault()
		case rs.Asked != nil:
			l, err := rs.Asked.run(e.Funcs)
			if err != nil {
				return zero, err
			}
			rq.Script = append(rq.Script, l)
			if resumed != nil {
				resumed(&rq.In, rs.Asked)
			}
			continue
		}
		if tries > 1 {
			own(&rs.Out, start)
		}
		return rs.Out, nil
	}
	return zero, fault.RequestConflict.Error("others change the same thing all the time")
}

// placed names the connection that a command is about, where that is told in its input.
func placed(by core.Actor, in any) core.Actor {
	switch in := in.(type) {
	case *core.WatchChannels:
		by.Connection = or(in.Connection, by.Connection)
	case *core.FollowPresence:
		by.Connection = or(in.Connection, by.Connection)
	}
	return by
}

// repeatable reports whether a write may be sent again although it may have been carried out: a message
// with an id of its client's is stored once.
func repeatable(in any) bool {
	s, ok := in.(*core.SendMessage)
	return ok && s.Message.Alias != ""
}

// clocks bounds how far the clocks of two machines are apart.
const clocks = 5 * time.Second

// own takes back that a message is a duplicate when it is one only because we sent it twice.
func own(out any, start time.Time) {
	if s, ok := out.(*core.Sent); ok && s.Duplicate && s.Message.CreatedAt.After(start.Add(-clocks)) {
		s.Duplicate = false
	}
}

// ask sends a command to the node it belongs to, and to others while it is certain that none has carried
// it out, or certain that this does no harm. It returns the number of nodes that may have.
func (c *Client) ask(ctx context.Context, method string, by core.Actor, body []byte, safe bool) ([]byte, int, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opt.Timeout)
		defer cancel()
	}
	c.budget.call()
	route := c.route(by)
	if len(route) == 1 {
		route = append(route, route[0])
	}
	tries := 0
	var last error
	for i, n := range route {
		if !n.usable() {
			continue
		}
		b, err := n.attempt(ctx, method, body, safe && i < len(route)-1)
		if err == nil {
			return b, tries + 1, nil
		}
		if last = err; ctx.Err() != nil {
			break
		}
		why := "broken"
		switch {
		case errors.Is(err, errUnsent):
			why = "unsent"
		case errors.Is(err, errRefused):
			why = "refused"
		case safe && i < len(route)-1 && c.budget.take():
			tries++
		default:
			return nil, tries, failed(ctx, err)
		}
		c.opt.Observer.Retried(why)
	}
	if last == nil || ctx.Err() == nil && (errors.Is(last, errUnsent) || errors.Is(last, errRefused)) {
		return nil, tries, c.closed().Cause(last)
	}
	return nil, tries, failed(ctx, last)
}

// attempt is one call to a node; where there is another chance it leaves half of the time for that.
func (n *node) attempt(ctx context.Context, method string, body []byte, again bool) ([]byte, error) {
	if until, ok := ctx.Deadline(); ok && again {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(until)/2)
		defer cancel()
	}
	return n.post(ctx, method, body)
}

// failed is what the caller of a command learns that got no answer.
func failed(ctx context.Context, err error) *fault.Error {

	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.RequestCancelled.Wrap(err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fault.UpstreamTimeout.Wrap(err)
	}
	return fault.UpstreamBadGateway.Wrap(err)
}

// route orders the nodes for a caller: the node of their connection first, then always the same order
// for the same person, so that what they wrote is what they read; people are spread over all nodes.
func (c *Client) route(by core.Actor) []*node {
	type ranked struct {
		n     *node
		score uint64
	}
	list := make([]ranked, len(c.nodes))
	for i, n := range c.nodes {
		h := fnv.New64a()
		_, _ = h.Write([]byte(n.url)) // a hash takes everything
		_, _ = h.Write([]byte{0, byte(by.App), byte(by.App >> 8), byte(by.App >> 16), byte(by.App >> 24)})
		_, _ = h.Write([]byte(by.User))
		x := h.Sum64() // the last bytes hardly move the first bits of this hash: mix them
		x ^= x >> 33
		x *= 0xff51afd7ed558ccd
		x ^= x >> 33
		list[i] = ranked{n, x}
	}
	held, _ := c.conns.Load(by.Connection)
	slices.SortFunc(list, func(a, b ranked) int {
		switch {
		case a.n == held, b.n != held && a.score > b.score:
			return -1
		}
		return 1
	})
	out := make([]*node, len(list))
	for i := range list {
		out[i] = list[i].n
	}
	return out
}

// budget bounds retries: each call adds a part of one, so that a failing cluster is not asked twice as
// much by everybody.
type budget struct {
	per float64

	mu   sync.Mutex
	left float64
}

// budgetMost is how many retries may be saved up.
const budgetMost = 50

func (b *budget) call() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+b.per, budgetMost)
}

func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
