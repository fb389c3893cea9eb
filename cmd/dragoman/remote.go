package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"dragoman/config"
	"dragoman/core"
	"dragoman/core/engine"
	"dragoman/core/remote"
	"dragoman/proxy"
)

// askAgain is how long a sidecar that starts waits between two questions for the apps.
const askAgain = 100 * time.Millisecond

// assembleSidecar is assemble for a proxy whose core is on other nodes: it has neither store nor bus,
// and starts when one of the nodes has told it the numbers of its apps.
func assembleSidecar(ctx context.Context, p *Program) (_ *node, err error) {
	c := p.Config
	n := &node{callers: newCallers(), metrics: newMetrics()}
	defer func() {
		if err != nil {
			_ = n.close(ctx) // the first error is the one to tell
		}
	}()
	meter := newRemoteMetrics(n.metrics)
	n.remote, err = remote.New(remote.Options{
		Nodes: c.Core.Nodes, Secret: c.Core.Secret.Reveal(), Timeout: c.RequestTimeout.Duration, Observer: meter,
		Breaker: remote.BreakerOptions{
			Failures: uint32(c.Breaker.Failures), Window: c.Breaker.Window.Duration, OpenFor: c.Breaker.OpenFor.Duration, //nolint:gosec // the configuration bounds it
		},
		Report: func(msg, node string, err error) { p.Log.Warn(msg, zap.String("node", node), zap.Error(err)) },
	})
	if err != nil {
		return nil, err
	}
	n.metrics.MustRegister(nodeMetrics{n.remote})
	n.served = n.remote.Core()
	if n.ids, err = askApps(ctx, n.remote, c, p.Log); err != nil {
		return nil, err
	}
	return n, n.listen(ctx, p, n.ids)
}

// askApps learns the ids of the configured apps from the nodes, as soon as one answers and takes live
// connections.
func askApps(ctx context.Context, r *remote.Client, c *config.Config, log *zap.Logger) ([]core.AppID, error) {
	for told := false; ; {
		known, err := r.Apps(ctx)
		if err == nil && slices.ContainsFunc(r.Nodes(), func(s remote.NodeState) bool { return s.Linked }) {
			return matchApps(c, known)
		}
		if !told {
			log.Warn("waiting for a core node", zap.Strings("nodes", c.Core.Nodes), zap.Error(err))
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("no core node answered: %w", err)
		case <-time.After(askAgain):
		}
	}
}

// matchApps finds the ids of the configured apps, in their order.
func matchApps(c *config.Config, known map[string]core.AppID) ([]core.AppID, error) {
	ids := make([]core.AppID, len(c.Apps))
	var missing []string
	for i := range c.Apps {
		id, ok := known[c.Apps[i].Name]
		if !ok {
			missing = append(missing, c.Apps[i].Name)
		}
		ids[i] = id
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, fmt.Errorf("the core nodes do not know the apps %s: give them the same [[app]] tables", strings.Join(missing, ", "))
	}
	return ids, nil
}

// ledger keeps the modes that operators choose in the store; a sidecar has none and keeps them until it
// ends.
func (n *node) ledger(c *config.Config, ids []core.AppID) proxy.Ledger {
	if n.store == nil {
		return nil
	}
	return newLedger(n.store, names(c), ids)
}

// coreServer serves sidecars from the core of this node.
type coreServer struct {
	node *remote.Server
	http *http.Server
	done chan struct{}
}

// drainFor is how long the sidecars of a node that stops have to take their connections elsewhere.
const drainFor = 5 * time.Second

// serveCore opens the address for sidecars, if there is one.
func (n *node) serveCore(ctx context.Context, p *Program) error {
	c := p.Config
	if c.Core.Listen == "" {
		return nil
	}
	s := &coreServer{done: make(chan struct{})}
	s.node = remote.NewServer(remote.ServerOptions{
		Core: n.engine.Core(), Secret: c.Core.Secret.Reveal(), Timeout: c.RequestTimeout.Duration,
		Apps:   func(ctx context.Context) (map[string]core.AppID, error) { return servedApps(ctx, n.engine, c) },
		Report: func(msg string, err error) { p.Log.Warn(msg, zap.Error(err)) },
	})
	s.http = &http.Server{Handler: s.node, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", c.Core.Listen)
	if err != nil {
		return fmt.Errorf("listen for sidecars: %w", err)
	}
	n.sidecars = s
	go func() {
		defer close(s.done)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			p.Log.Error("the listener for sidecars broke", zap.Error(err))
		}
	}()
	return nil
}

// servedApps are the apps of the configuration as the core knows them.
func servedApps(ctx context.Context, e *engine.Engine, c *config.Config) (map[string]core.AppID, error) {
	out := map[string]core.AppID{}
	for i := range c.Apps {
		app, err := e.EnsureApp(ctx, c.Apps[i].Name, nil)
		if err != nil {
			return nil, err
		}
		out[app.Name] = app.ID
	}
	return out, nil
}

// close sends the sidecars to other nodes, then stops.
func (s *coreServer) close(ctx context.Context) error {
	drain, cancel := context.WithTimeout(ctx, drainFor)
	defer cancel()
	s.node.Drain(drain)
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}
