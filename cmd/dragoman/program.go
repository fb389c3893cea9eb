package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.uber.org/zap"

	"dragoman/config"
)

// Program is a whole server: what "serve" runs, and what a test can start in its own process.
// Fill it in, then either Run it, or Start it and Close it, once.
type Program struct {
	Config *config.Config
	Demo   bool   // create the demo's people and group, print its credentials
	Dir    string // data folder of the demo
	// Temporary says that whoever runs the program removes Dir afterwards.
	Temporary bool
	// Reread reads the configuration again, for Reload; nil means that there is no file.
	Reread func() (*config.Config, error)
	// Hangup asks for a Reload at every value; nil means that nobody does.
	Hangup <-chan struct{}
	Out    io.Writer
	Log    *zap.Logger

	node *node
}

// Start opens everything and returns when every listener accepts connections; the banner and the
// ready line are printed then. When it fails nothing is left open.
func (p *Program) Start(ctx context.Context) error {
	began := time.Now()
	if p.Log == nil {
		p.Log = zap.NewNop()
	}
	if p.Out == nil {
		p.Out = io.Discard
	}
	if p.Demo {
		if err := os.MkdirAll(p.Dir, 0o755); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
	}
	n, err := assemble(ctx, p)
	if err != nil {
		return err
	}
	p.node = n
	return p.banner(time.Since(began))
}

// Run starts the program and serves until ctx ends or a listener breaks, then closes it.
func (p *Program) Run(ctx context.Context) error {
	if err := p.Start(ctx); err != nil {
		return err
	}
	reload, stop := context.WithCancel(ctx)
	reloaded := make(chan struct{})
	go func() {
		defer close(reloaded)
		p.reloadOn(reload, p.Hangup)
	}()
	defer func() { <-reloaded }()
	defer stop()
	var broken error
	select {
	case <-ctx.Done():
		p.Log.Info("stopping", zap.Duration("timeout", p.Config.ShutdownTimeout.Duration))
	case broken = <-p.node.server.Failed():
	}
	return errors.Join(broken, p.Close())
}

// Close stops gracefully: readiness turns false, listeners close, sockets are told to reconnect,
// running requests finish, the store closes last. What is not done within the shutdown timeout is
// cut off.
func (p *Program) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.Config.ShutdownTimeout.Duration)
	defer cancel()
	return p.node.close(ctx)
}
