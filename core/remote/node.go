package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"dragoman/core/fault"
)

// Bounds of a call.
const (
	dialWithin = 2 * time.Second
	maxReply   = 256 << 20 // bytes; an export of one person's messages is the largest
)

// dial opens a connection to a node; one that does not answer must not hold a call for long.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: dialWithin, KeepAlive: 15 * time.Second}).DialContext(ctx, network, addr)
}

// node is one core node as this process sees it.
type node struct {
	c    *Client
	url  string
	cb   *gobreaker.TwoStepCircuitBreaker[struct{}]
	link *link

	draining atomic.Bool  // it said that it is going away
	until    atomic.Int64 // unix nanoseconds: end of the breaker's open time
}

func newNode(c *Client, url string) *node {
	n := &node{c: c, url: url}
	o := &c.opt.Breaker
	n.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: url, MaxRequests: 1, Interval: o.Window, BucketPeriod: o.Window / 10, Timeout: o.OpenFor,
		ReadyToTrip: func(k gobreaker.Counts) bool {
			// So many in a row are enough, however well it went before: a node that was busy and died
			// would else be tried once for each of its good answers.
			return k.ConsecutiveFailures >= o.Failures || k.TotalFailures >= o.Failures && k.TotalFailures*2 >= k.Requests
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				n.until.Store(time.Now().Add(o.OpenFor).UnixNano())
			}
		},
	})
	n.link = newLink(n)
	return n
}

// usable reports whether calls may go to the node. While its breaker tries whether it may close, the
// probe does that: no caller's command is put at risk.
func (n *node) usable() bool { return !n.draining.Load() && n.cb.State() == gobreaker.StateClosed }

// Why a call did not reach the core, or may not have.
var (
	errUnsent  = errors.New("remote: the call was never sent")
	errRefused = errors.New("remote: the node is going away and has done nothing")
)

// post makes one call and returns the answer of the core, whatever it says. Any error means that there
// is none: errUnsent and errRefused that the command was not carried out, others that this is unknown.
func (n *node) post(ctx context.Context, method string, body []byte) ([]byte, error) {
	done, err := n.cb.Allow()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	out, err := n.send(ctx, method, body)
	switch {
	case errors.Is(err, errRefused), errors.Is(ctx.Err(), context.Canceled):
		done(nil) // says nothing against the node
	default:
		done(err)
	}
	return out, err
}

// send is post without the breaker.
func (n *node) send(ctx context.Context, method string, body []byte) ([]byte, error) {
	start := time.Now()
	rs, err := n.open(ctx, method, bytes.NewReader(body))
	if err == nil {
		defer func() { _ = rs.Body.Close() }() // read to its end, or of no use
		var b []byte
		if b, err = readReply(rs); err == nil {
			result := "ok"
			if rs.StatusCode != http.StatusOK {
				result = "failure"
			}
			n.c.opt.Observer.Called(n.url, result, time.Since(start))
			return b, nil
		}
	}
	n.c.opt.Observer.Called(n.url, "broken", time.Since(start))
	return nil, err
}

// readReply reads all of an answer.
func readReply(rs *http.Response) ([]byte, error) {
	var buf bytes.Buffer
	if n := rs.ContentLength; n > 0 && n <= maxReply {
		buf.Grow(int(n) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(rs.Body, maxReply+1)); err != nil {
		return nil, err
	}
	if buf.Len() > maxReply {
		return nil, errors.New("remote: the answer is too large")
	}
	return buf.Bytes(), nil
}

// open makes one call and returns the answer as it begins; it is of a core node.
func (n *node) open(ctx context.Context, method string, body io.Reader) (*http.Response, error) {
	rq, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+prefix+pathOf(method), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	rq.Header.Set("Authorization", "Bearer "+n.c.opt.Secret)
	rq.Header.Set(protocolHeader, protocol)
	if until, ok := ctx.Deadline(); ok {
		rq.Header.Set(timeoutHeader, strconv.FormatInt(max(time.Until(until).Milliseconds(), 1), 10))
	}
	rs, err := n.c.http.RoundTrip(rq)
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	case err != nil:
		return nil, err
	case rs.Header.Get(drainingHeader) != "":
		n.draining.Store(true)
		_ = rs.Body.Close()
		return nil, errRefused
	case rs.Header.Get(protocolHeader) != protocol:
		_ = rs.Body.Close()
		return nil, fmt.Errorf("remote: %s answers with status %d and is no core node of this version", n.url, rs.StatusCode)
	case rs.StatusCode == http.StatusUnauthorized:
		_ = rs.Body.Close()
		return nil, fmt.Errorf("remote: %s does not accept the secret of the cluster", n.url)
	}
	return rs, nil
}

// look probes the node until the client ends: a dead one is found before callers pay for it, and one
// that is back is let in by a probe and not by somebody's command.
func (n *node) look() {
	tick := time.NewTicker(n.c.opt.Probe)
	defer tick.Stop()
	for was := true; ; {
		ctx, cancel := context.WithTimeout(n.c.run, max(n.c.opt.Probe, time.Second))
		_, err := n.post(ctx, readyMethod, nil)
		cancel()
		if err == nil {
			n.draining.Store(false)
		}
		if up := err == nil; up != was && n.c.run.Err() == nil {
			was = up
			if up {
				n.c.opt.Report("a core node answers again", n.url, nil)
			} else {
				n.c.opt.Report("a core node does not answer", n.url, err)
			}
		}
		select {
		case <-n.c.run.Done():
			return
		case <-tick.C:
		}
	}
}

// closed is the answer while no node can be asked; it asks the caller to wait.
func (c *Client) closed() *fault.Error {
	wait := time.Second
	for _, n := range c.nodes {
		wait = max(wait, time.Until(time.Unix(0, n.until.Load())))
	}
	return fault.UpstreamCircuitOpen.Error("no core node is reachable").After(wait)
}
