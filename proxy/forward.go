package proxy

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// foreign finds out whether the vendor of the request's app is to answer it, and has it do so. done is
// false when our own core answers.
func (x *exchange) foreign(fc *fasthttp.RequestCtx) (done bool, err error) {
	var found found[target]
	method, path, socket := x.rq.Method, x.rq.Path, false
	if method == "GET" && wantsSocket(x.rq) && x.m.table.find(socketMethod, path, &found) {
		socket = true
	} else {
		x.m.table.find(method, path, &found)
	}
	name := ""
	if found.leaf != nil {
		x.t = found.leaf.value
		name = x.t.name
	}
	app, ok := x.m.speaks.AppOf(x.rq)
	if !ok {
		if socket && x.m.hears != nil {
			return x.peek(fc)
		}
		return false, nil
	}
	if x.front = x.m.fronts[app]; x.front == nil {
		return false, nil
	}
	if !socket && !x.slow() {
		if !x.front.gate.enter(x.l.s.drain.Done()) {
			return true, busy()
		}
		x.inside = true
	}
	x.mode = x.front.plan.Load().of(name, method, path)
	if !x.mode.Foreign() {
		return false, nil
	}
	x.app = x.l.s.tenant(app)
	if socket {
		return true, x.relay(fc)
	}
	return true, x.forward(fc)
}

// call is one request on its way to the vendor and back.
type call struct {
	f     *fronted
	sd    *side
	c     *client
	rq    *fasthttp.Request
	rs    *fasthttp.Response
	own   adapters.Owned
	whole bool // the body is in memory, so that it may be sent again
	slow  bool
	until time.Time
}

// release gives the call's memory back. The answer's stream, if it still has one, goes on by itself.
func (c *call) release() {
	fasthttp.ReleaseRequest(c.rq)
	if c.rs != nil {
		abandon(c.rs)
		fasthttp.ReleaseResponse(c.rs)
	}
}

// forward passes the request to the vendor and its answer to the client.
func (x *exchange) forward(fc *fasthttp.RequestCtx) error {
	f := x.front
	if wait, ok := f.rate.take(x.start); !ok {
		return fault.RateLimited.Error("").After(max(wait, time.Second))
	}
	c := &call{f: f, sd: f.side.Load(), rq: fasthttp.AcquireRequest(), rs: fasthttp.AcquireResponse(), slow: x.slow()}
	defer c.release()
	limit := c.sd.conf.Timeout
	if err := x.foreignBody(fc, c); err != nil {
		return err
	}
	if c.slow || !c.whole {
		limit = max(limit, x.l.s.opt.UploadTimeout)
	}
	if err := x.address(fc, c); err != nil {
		return err
	}
	c.until = x.start.Add(limit)
	var failed error
	tried := false
	err := f.breaker.run(c.slow, func() error {
		tried = true
		f.met.flight.Inc()
		defer f.met.flight.Dec()
		var verdict error
		if failed = c.ask(); failed == nil {
			verdict, failed = x.receive(fc, c)
			return verdict
		}
		failed = noAnswer(failed)
		return failed
	})
	if !tried {
		return err
	}
	return failed
}

// slow reports whether the operation may take long by design.
func (x *exchange) slow() bool { return x.t != nil && x.t.route != nil && x.t.route.Slow }

// foreignBody takes the request's body: what is small is read, so that it can be sent again and be
// compared; the rest streams.
func (x *exchange) foreignBody(fc *fasthttp.RequestCtx, c *call) error {
	s, length := x.l.s, int64(fc.Request.Header.ContentLength())
	limit, large := s.opt.MaxUpload, true
	if rt := x.bounded(); rt != nil {
		limit, large = s.bodyLimit(rt), rt.Upload
	}
	if own := x.app.MaxBody; own > 0 && !large {
		limit = min(limit, own)
	}
	if !large || length >= 0 && length <= firstRead || length == -2 {
		if err := x.readBody(fc, limit); err != nil {
			return err
		}
		c.whole = true
		return nil
	}
	x.rq.Length = length
	if length > limit {
		return tooLarge()
	}
	x.rq.Stream = &upload{ctx: s.base, src: fc.RequestBodyStream(), conn: fc.Conn(), step: s.opt.ReadTimeout, left: limit, x: x}
	return nil
}

// bounded is the route whose limits hold, or nil for an operation we do not have.
func (x *exchange) bounded() *adapters.Route {
	switch {
	case x.t == nil || x.t.route == nil:
		return nil
	case x.t.plain != nil && !strings.HasPrefix(x.rq.Headers.Get("Content-Type"), "multipart/"):
		return x.t.plain
	}
	return x.t.route
}

// again decides whether a call may be tried once more: always when nothing has left, else only a
// reading one that broke or met a server that is not there for the moment. A vendor that names a time
// to come back is not pressed.
func (c *call) again(err error) bool {
	if !c.whole || time.Until(c.until) < 50*time.Millisecond {
		return false
	}
	var unsent *notSent
	if errors.As(err, &unsent) {
		return true
	}
	if m := string(c.rq.Header.Method()); m != "GET" && m != "HEAD" {
		return false
	}
	if err != nil {
		return !errors.Is(err, fasthttp.ErrTimeout) && !errors.Is(err, fasthttp.ErrNoFreeConns)
	}
	switch c.rs.StatusCode() {
	case 502, 503, 504:
		return len(c.rs.Header.Peek("Retry-After")) == 0
	}
	return false
}

// ask sends the request, again where that is allowed, and leaves the answer in rs.
func (c *call) ask() error {
	c.f.budget.earn()
	for n := 0; ; n++ {
		err := c.attempt()
		if n >= c.sd.conf.Retries || !c.again(err) {
			return err
		}
		if !c.f.budget.spend() {
			c.f.met.retried("refused")
			return err
		}
		c.f.met.retried("tried")
		abandon(c.rs)
		pause := time.NewTimer(time.Duration(10+rand.IntN(20<<n)) * time.Millisecond)
		select {
		case <-pause.C:
		case <-c.f.s.base.Done():
			pause.Stop()
			return err
		}
	}
}

// attempt sends the request once, or twice when hedging is on and the first does not answer soon.
func (c *call) attempt() error {
	if h := c.sd.conf.Hedge; h > 0 && c.whole && !c.slow && len(c.rq.Body()) == 0 && c.rq.Header.IsGet() {
		return c.hedged(h)
	}
	return c.once(c.rq, c.rs)
}

// once sends the request once.
func (c *call) once(rq *fasthttp.Request, rs *fasthttp.Response) error {
	began := time.Now()
	err := c.c.do(rq, rs, c.until)
	status := 0
	if err == nil {
		status = rs.StatusCode()
	}
	c.f.met.answered(status, time.Since(began))
	return err
}

// hedged sends the request, and again if there is no answer after a while; the first answer counts. The
// second one is paid out of the budget.
func (c *call) hedged(after time.Duration) error {
	type answer struct {
		rs  *fasthttp.Response
		err error
	}
	answers := make(chan answer, 2)
	send := func() {
		rq, rs := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		c.rq.CopyTo(rq)
		rq.UseHostHeader = true
		go func() {
			err := c.once(rq, rs)
			fasthttp.ReleaseRequest(rq)
			answers <- answer{rs, err}
		}()
	}
	send()
	sent := 1
	timer := time.NewTimer(after)
	defer timer.Stop()
	var first answer
	select {
	case first = <-answers:
	case <-timer.C:
		if c.f.budget.spend() {
			c.f.met.retried("hedged")
			send()
			sent++
		}
		if first = <-answers; first.err != nil && sent == 2 {
			fasthttp.ReleaseResponse(first.rs)
			first, sent = <-answers, 1
		}
	}
	if sent == 2 {
		go func() {
			late := <-answers
			abandon(late.rs)
			fasthttp.ReleaseResponse(late.rs)
		}()
	}
	fasthttp.ReleaseResponse(c.rs)
	c.rs = first.rs
	return first.err
}

// errTooLong ends reading an answer that has to be read whole and is too large for that.
var errTooLong = errors.New("the answer is too large to be rewritten")

// tellBroken names why the body of an answer could not be read.
func tellBroken(err error) *fault.Error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.UpstreamBadGateway.Error("").Cause(err)
	}
	return noAnswer(err)
}

// verdict is what the breaker is told of an answer: 5xx, and what a vendor that hides its failures calls
// its own, speak against it. An error of the caller never does.
func verdict(status int, p *normalize.Problem) error {
	switch {
	case status >= 500:
		return fault.UpstreamBadGateway.Error("")
	case status < 400 && p != nil && p.Reason != fault.UpstreamUnrecognised && normalize.Counts(p.Reason):
		return p.Reason.Error("")
	}
	return nil
}
