package bus

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// Remote tells how to reach a NATS server, or one of a cluster.
type Remote struct {
	URL string // several are separated by commas
	// Changed, if not nil, is told when the connection is lost (with the reason, which may be nil) and
	// when it is back: what was published meanwhile may be missing, on either side.
	Changed func(up bool, err error)
}

// Limits of a connection to a server.
const (
	remoteTimeout   = 5 * time.Second
	remoteWait      = 200 * time.Millisecond // between two attempts, with some spread
	remoteSpread    = 300 * time.Millisecond
	remoteBuffer    = 1 << 20 // bytes published while there is no connection; the rest is dropped
	remotePing      = 5 * time.Second
	remotePingsLost = 2
)

// Connect connects to a server that must be there. Later it may go and come back: the connection
// and its subscriptions are made again, for as long as it takes, and what is published meanwhile is
// kept up to a megabyte and then dropped, as a bus may.
func Connect(r Remote) (Bus, error) {
	changed := r.Changed
	if changed == nil {
		changed = func(bool, error) {}
	}
	nc, err := nats.Connect(r.URL,
		nats.Name("dragoman"), nats.Timeout(remoteTimeout), nats.MaxReconnects(-1), nats.ReconnectWait(remoteWait),
		nats.ReconnectJitter(remoteSpread, remoteSpread), nats.ReconnectBufSize(remoteBuffer),
		nats.PingInterval(remotePing), nats.MaxPingsOutstanding(remotePingsLost), nats.NoEcho(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { changed(false, err) }),
		nats.ReconnectHandler(func(*nats.Conn) { changed(true, nil) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if !errors.Is(err, nats.ErrSlowConsumer) { // a bus may drop
				changed(true, err)
			}
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("bus: cannot reach the NATS server: %w", err)
	}
	return remote{newBus(nc, nil)}, nil
}

// remote is a bus that drops what it cannot keep while the server is away.
type remote struct{ *natsBus }

// Publish hands data to the bus without waiting for anyone.
func (b remote) Publish(subject string, data []byte) error {
	err := b.natsBus.Publish(subject, data)
	if errors.Is(err, nats.ErrReconnectBufExceeded) {
		return nil
	}
	return err
}
