// Package bus carries short messages between the nodes of one deployment. Delivery is a hint: at
// most once, in no order between subjects; what must not be lost is in the store.
package bus

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Bus publishes and subscribes.
type Bus interface {
	// Publish hands data to the bus without waiting for anyone.
	Publish(subject string, data []byte) error
	// Subscribe calls f for each message, one at a time, until the returned func is called.
	// The subject may hold NATS wildcards.
	Subscribe(subject string, f func(subject string, data []byte)) (cancel func(), err error)
	// Flush waits until what was published has reached the bus.
	Flush() error
	Close()
}

// startLimit bounds the start of the embedded server.
const startLimit = 5 * time.Second

// Embedded starts a NATS server inside this process, without a listener, and connects to it.
func Embedded() (Bus, error) {
	srv, err := server.NewServer(&server.Options{
		DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("bus: embedded server: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(startLimit) {
		srv.Shutdown()
		return nil, errors.New("bus: embedded server did not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.Name("dragoman"))
	if err != nil {
		srv.Shutdown()
		return nil, fmt.Errorf("bus: connect in process: %w", err)
	}
	return &natsBus{nc: nc, srv: srv}, nil
}

type natsBus struct {
	nc  *nats.Conn
	srv *server.Server
}

func (b *natsBus) Publish(subject string, data []byte) error { return b.nc.Publish(subject, data) }

func (b *natsBus) Subscribe(subject string, f func(string, []byte)) (func(), error) {
	sub, err := b.nc.Subscribe(subject, func(m *nats.Msg) { f(m.Subject, m.Data) })
	if err != nil {
		return nil, fmt.Errorf("bus: subscribe: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

func (b *natsBus) Flush() error { return b.nc.FlushTimeout(startLimit) }

func (b *natsBus) Close() {
	b.nc.Close()
	b.srv.Shutdown()
	b.srv.WaitForShutdown()
}

// Pair returns two buses of one embedded server, as two nodes would have them; for tests of what
// crosses nodes. Closing the first stops the server.
func Pair() (Bus, Bus, error) {
	a, err := Embedded()
	if err != nil {
		return nil, nil, err
	}
	nb, ok := a.(*natsBus)
	if !ok {
		return nil, nil, errors.New("bus: not embedded")
	}
	nc, err := nats.Connect("", nats.InProcessServer(nb.srv), nats.Name("dragoman"))
	if err != nil {
		a.Close()
		return nil, nil, fmt.Errorf("bus: connect in process: %w", err)
	}
	return a, &second{nc: nc}, nil
}

type second struct{ nc *nats.Conn }

func (b *second) Publish(subject string, data []byte) error { return b.nc.Publish(subject, data) }
func (b *second) Subscribe(subject string, f func(string, []byte)) (func(), error) {
	return (&natsBus{nc: b.nc}).Subscribe(subject, f)
}
func (b *second) Flush() error { return b.nc.FlushTimeout(startLimit) }
func (b *second) Close()       { b.nc.Close() }
