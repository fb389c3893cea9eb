package remote

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Options is what a client is made of. Nodes and Secret are required; zero values mean the defaults
// named beside the fields.
type Options struct {
	Nodes  []string // base URLs of core nodes: "http://core1:8070"
	Secret string   // of the cluster

	Breaker  BreakerOptions
	Timeout  time.Duration // of a call whose caller names no deadline: 10 s
	Probe    time.Duration // between two looks at each node: 1 s
	Spread   time.Duration // over which the connections of a node that goes away are ended: 3 s
	Silence  time.Duration // after which a link that says nothing is dead: 15 s
	Budget   float64       // retries per call, on the average: 0.1
	Report   func(msg, node string, err error)
	Observer Observer // nil means nobody
}

// BreakerOptions sets the circuit breaker in front of each node.
type BreakerOptions struct {
	Failures uint32        // in a row, or within Window and at least half of all calls, until it opens: 5
	Window   time.Duration // rolling: 10 s
	OpenFor  time.Duration // until one probe may try again: 1 s
}

// Observer is told what happens between this process and the nodes, from any goroutine.
type Observer interface {
	Called(node, result string, took time.Duration) // result: ok, failure (an answer of the core), broken
	Retried(why string)                             // unsent, refused, broken
}

// NodeState is how a node stands.
type NodeState struct {
	URL         string
	Breaker     int  // 0 closed, 1 half-open, 2 open
	Draining    bool // it goes away
	Linked      bool // live connections can be opened
	Connections int
}

// Nodes tells how the nodes stand, in the order of the options.
func (c *Client) Nodes() []NodeState {
	out := make([]NodeState, len(c.nodes))
	for i, n := range c.nodes {
		n.link.mu.Lock()
		out[i] = NodeState{n.url, int(n.cb.State()), n.draining.Load(), n.link.up && !n.link.bye, len(n.link.conns)}
		n.link.mu.Unlock()
	}
	return out
}

// Client is a core on other nodes. Close ends it.
type Client struct {
	opt    Options
	nodes  []*node
	http   *http.Transport
	budget budget
	conns  sync.Map // connection id → *node

	run  context.Context
	stop context.CancelFunc
	done sync.WaitGroup
}

// New starts a client: it looks after the nodes from now on. Which of them answer shows later.
func New(o Options) (*Client, error) {
	if len(o.Nodes) == 0 {
		return nil, errors.New("remote: no node is named")
	}
	if o.Secret == "" {
		return nil, errors.New("remote: the secret of the cluster is missing")
	}
	o.Breaker.Failures = or(o.Breaker.Failures, 5)
	o.Breaker.Window = or(o.Breaker.Window, 10*time.Second)
	o.Breaker.OpenFor = or(o.Breaker.OpenFor, time.Second)
	o.Timeout = or(o.Timeout, 10*time.Second)
	o.Probe = or(o.Probe, time.Second)
	o.Spread = or(o.Spread, 3*time.Second)
	o.Silence = or(o.Silence, 15*time.Second)
	o.Budget = or(o.Budget, 0.1)
	if o.Report == nil {
		o.Report = func(string, string, error) {}
	}
	if o.Observer == nil {
		o.Observer = blind{}
	}
	c := &Client{opt: o, budget: budget{per: o.Budget, left: budgetMost}}
	c.http = &http.Transport{
		MaxIdleConns: 0, MaxIdleConnsPerHost: 512, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		TLSHandshakeTimeout: 5 * time.Second, DialContext: dial,
	}
	c.run, c.stop = context.WithCancel(context.Background())
	for _, url := range o.Nodes {
		n := newNode(c, strings.TrimSuffix(url, "/"))
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		c.done.Go(n.look)
		c.done.Go(n.link.keep)
	}
	return c, nil
}

// Close ends all connections and calls.
func (c *Client) Close() {
	c.stop()
	c.done.Wait()
	c.http.CloseIdleConnections()
}

// or returns v, or def when v is zero.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Apps lists the apps of the core: their names are the same everywhere, their numbers the store's.
func (c *Client) Apps(ctx context.Context) (map[string]core.AppID, error) {
	list, err := call[nothing, []knownApp](ctx, c, appsMethod, core.Actor{}, nothing{})
	if err != nil {
		return nil, err
	}
	out := make(map[string]core.AppID, len(list))
	for _, a := range list {
		out[a.Name] = a.ID
	}
	return out, nil
}

// knownApp is an app of the core.
type knownApp struct {
	Name string
	ID   core.AppID
}

// appsMethod and readyMethod are the calls that belong to no service.
const (
	appsMethod  = "Nodes.Apps"
	readyMethod = "Nodes.Ready"
)

// health implements core.Health: one node that is ready and takes live connections will do.
type health struct{ c *Client }

// Ready implements core.Health.
func (h health) Ready(ctx context.Context) error {
	var last error = fault.UpstreamCircuitOpen.Error("no core node is reachable")
	for _, n := range h.c.route(core.Actor{}) {
		if !n.usable() || !n.link.ready() {
			continue
		}
		_, err := n.post(ctx, readyMethod, nil)
		if err == nil {
			return nil
		}
		last = err
	}
	return last
}

// blind is an Observer that looks away.
type blind struct{}

func (blind) Called(string, string, time.Duration) {}
func (blind) Retried(string)                       {}
