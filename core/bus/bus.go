// Package bus carries short messages between the nodes of one deployment. Delivery is a hint: at
// most once, in no order between subjects; what must not be lost is in the store.
package bus

import (
	"errors"
	"fmt"
	"sync"
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
	return newBus(nc, srv), nil
}

// inbox is how many messages may wait to be handed on. More are dropped, as the bus may.
const inbox = 1 << 16

// natsBus hands the messages of all subscriptions on from one goroutine: a node has one
// subscription for each person connected, and a goroutine for each would be most of their memory.
type natsBus struct {
	nc   *nats.Conn
	srv  *server.Server // nil for the second of a Pair
	in   chan *nats.Msg
	done chan struct{}
	over sync.WaitGroup

	mu   sync.RWMutex
	subs map[*nats.Subscription]func(string, []byte)
}

func newBus(nc *nats.Conn, srv *server.Server) *natsBus {
	b := &natsBus{nc: nc, srv: srv, in: make(chan *nats.Msg, inbox), done: make(chan struct{}), subs: map[*nats.Subscription]func(string, []byte){}}
	b.over.Go(b.handOn)
	return b
}

func (b *natsBus) handOn() {
	for {
		select {
		case m := <-b.in:
			b.mu.RLock()
			f := b.subs[m.Sub]
			b.mu.RUnlock()
			if f != nil {
				f(m.Subject, m.Data)
			}
		case <-b.done:
			return
		}
	}
}

func (b *natsBus) Publish(subject string, data []byte) error { return b.nc.Publish(subject, data) }

func (b *natsBus) Subscribe(subject string, f func(string, []byte)) (func(), error) {
	b.mu.Lock() // so that no message comes before its reader is known
	defer b.mu.Unlock()
	sub, err := b.nc.ChanSubscribe(subject, b.in)
	if err != nil {
		return nil, fmt.Errorf("bus: subscribe: %w", err)
	}
	b.subs[sub] = f
	return func() {
		_ = sub.Unsubscribe()
		b.mu.Lock()
		delete(b.subs, sub)
		b.mu.Unlock()
	}, nil
}

func (b *natsBus) Flush() error { return b.nc.FlushTimeout(startLimit) }

func (b *natsBus) Close() {
	b.nc.Close()
	close(b.done)
	b.over.Wait()
	if b.srv != nil {
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
	}
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
	return a, newBus(nc, nil), nil
}
