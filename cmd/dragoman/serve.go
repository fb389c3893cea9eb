package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"dragoman/config"
)

// noConfig is told to someone who runs "serve" for the first time.
const noConfig = `There is nothing to serve yet: no configuration file was found.

Try it without one:
    dragoman serve --demo

Or write one and start with it:
    dragoman config default > config.toml    # then uncomment the app and fill it in
    dragoman config check
    dragoman serve`

// maxDemoPort is the highest first port whose whole block is below 65536.
const maxDemoPort = 65535 - config.PortOps

// serveCmd runs the server.
type serveCmd struct {
	configFlag
	Demo bool   `help:"Serve two example apps with people and a group, every feature on. Needs no configuration."`
	Port int    `default:"8080" placeholder:"P" help:"Demo: first port. P is the main listener, P+1 to P+4 the dialects, P+10 operations."`
	Data string `placeholder:"DIR" help:"Demo: folder of database, uploads and development certificate. Default: a temporary one, removed at the end."`
	Host string `default:"127.0.0.1" help:"Demo: address to listen on."`

	Front int    `placeholder:"Q" help:"Demo: stand before the demo whose first port is Q as if it were the vendors: every call and live link is passed on to it."`
	Panes string `placeholder:"DIR" help:"Demo: folder of the console's built live panes (make panes)."`
}

// Run serves until SIGINT or SIGTERM. A second signal ends the process at once.
func (c serveCmd) Run(s streams) error {
	p, cleanup, err := c.program(s)
	if err != nil {
		return err
	}
	defer cleanup()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	done := make(chan struct{})
	defer close(done)
	p.Hangup = hangups(done)
	go stopOnSignal(signals, done, cancel, func() {
		cleanup()
		os.Exit(exitFailure)
	})
	if err = p.Run(ctx); errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w; another program has the address: %s", err, c.portHint())
	}
	return err
}

// hangups passes SIGHUP on until done. Without it the signal would end the process.
func hangups(done <-chan struct{}) <-chan struct{} {
	signals, out := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-done:
				return
			case <-signals:
				select {
				case out <- struct{}{}:
				default: // one is waiting already
				}
			}
		}
	}()
	return out
}

// stopOnSignal calls stop at the first signal and abort at the second, unless done comes before.
func stopOnSignal(signals <-chan os.Signal, done <-chan struct{}, stop, abort func()) {
	for _, act := range []func(){stop, abort} {
		select {
		case <-signals:
			act()
		case <-done:
			return
		}
	}
}

// portHint tells how to get another address.
func (c serveCmd) portHint() string {
	if c.Demo {
		return "choose another block with --port"
	}
	return "change listen in the configuration"
}

// program prepares what to run; cleanup removes what must not outlive it.
func (c serveCmd) program(s streams) (p *Program, cleanup func(), err error) {
	p, cleanup = &Program{Demo: c.Demo, Out: s.out}, func() {}
	if c.Demo {
		if c.Port < 1 || c.Port > maxDemoPort {
			return nil, nil, usagef("--port %d does not leave room for the block: 1 to %d.", c.Port, maxDemoPort)
		}
		if p.Dir = c.Data; p.Dir == "" {
			if p.Dir, err = os.MkdirTemp("", "dragoman-demo-"); err != nil {
				return nil, nil, fmt.Errorf("data folder: %w", err)
			}
			p.Temporary = true
			dir := p.Dir
			cleanup = func() { _ = os.RemoveAll(dir) } // it is a temporary folder: the system clears what is left
		}
		p.Config = config.Demo(c.Host, c.Port, p.Dir)
		if c.Front != 0 {
			if c.Front < 1 || c.Front > maxDemoPort {
				return nil, nil, usagef("--front %d is no first port of a demo: 1 to %d.", c.Front, maxDemoPort)
			}
			config.Fronting(p.Config, c.Host, c.Front)
		}
		p.Config.Console = config.Console{Password: demoPassword(), Panes: c.Panes}
	} else {
		if p.Config, _, err = c.load(s); err != nil {
			return nil, nil, err
		}
		if p.Config == nil {
			return nil, nil, usagef("%s", noConfig)
		}
		p.Reread = func() (*config.Config, error) {
			again, path, err := c.load(s)
			if err == nil && again == nil {
				err = fmt.Errorf("the file %s is gone", path)
			}
			return again, err
		}
	}
	p.Log, err = newLog(p.Config.Log, s)
	return p, cleanup, err
}

// newLog makes the log: to the error stream, so that the output stays for the banner.
func newLog(c config.Log, s streams) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, usagef("log.level: %v", err)
	}
	ec := zap.NewProductionEncoderConfig()
	ec.EncodeTime = zapcore.ISO8601TimeEncoder
	enc := zapcore.NewJSONEncoder(ec)
	if c.Format == "console" {
		enc = zapcore.NewConsoleEncoder(ec)
	}
	return zap.New(zapcore.NewCore(enc, zapcore.Lock(zapcore.AddSync(s.err)), level)), nil
}
