// Package chaos is what a test breaks a cluster with: cables between its parts that can be cut, held
// and made long, and processes that can be killed, paused and started again.
package chaos

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// Link is a cable between two parts: it listens on loopback and passes everything on, both ways.
type Link struct {
	ln     net.Listener
	secure *tls.Config // what the listening end speaks; nil for plain TCP
	dial   func() (net.Conn, error)

	mu     sync.Mutex
	ends   map[net.Conn]struct{} // of all connections through it
	cut    bool
	closed bool
	held   chan struct{} // closed while nothing holds it up
	delay  time.Duration
	over   sync.WaitGroup
}

// NewLink opens a cable. dial connects to the other end, anew for each connection; with secure the
// cable ends TLS, as what stands before a server does.
func NewLink(secure *tls.Config, dial func() (net.Conn, error)) (*Link, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{ln: ln, secure: secure, dial: dial, ends: map[net.Conn]struct{}{}, held: make(chan struct{})}
	close(l.held)
	l.over.Go(l.accept)
	return l, nil
}

// To is a dial of one address.
func To(addr string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.DialTimeout("tcp", addr, time.Second) }
}

// Port is where the cable listens on loopback.
func (l *Link) Port() int { return l.ln.Addr().(*net.TCPAddr).Port } //nolint:forcetypeassert // of a TCP listener

// Addr is that as an address.
func (l *Link) Addr() string { return l.ln.Addr().String() }

// Cut drops every connection and, until Mend, each new one at once.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for c := range l.ends {
		_ = c.Close() // dead either way
	}
}

// Hold lets connections be, but nothing through, until Mend.
func (l *Link) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.held:
		l.held = make(chan struct{})
	default: // held already
	}
}

// Lengthen makes everything take longer, each way, until Mend.
func (l *Link) Lengthen(by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = by
}

// Mend undoes Cut, Hold and Lengthen.
func (l *Link) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mend()
}

func (l *Link) mend() {
	l.cut, l.delay = false, 0
	select {
	case <-l.held:
	default:
		close(l.held)
	}
}

// Close ends the cable and what is on it.
func (l *Link) Close() {
	_ = l.ln.Close() // nothing to lose
	l.mu.Lock()
	l.mend()
	l.cut, l.closed = true, true
	for c := range l.ends {
		_ = c.Close() // dead either way
	}
	l.mu.Unlock()
	l.over.Wait()
}

func (l *Link) accept() {
	for {
		a, err := l.ln.Accept()
		if err != nil {
			return
		}
		l.over.Go(func() { l.carry(a) })
	}
}

// carry is the life of one connection.
func (l *Link) carry(a net.Conn) {
	defer func() { _ = a.Close() }() // dead either way
	if !l.add(a) {
		return
	}
	defer l.remove(a)
	if l.secure != nil {
		a = tls.Server(a, l.secure)
	}
	b, err := l.dial()
	if err != nil {
		return
	}
	defer func() { _ = b.Close() }() // dead either way
	if !l.add(b) {
		return
	}
	defer l.remove(b)
	var both sync.WaitGroup
	for _, way := range [2][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			l.pump(way[0], way[1])
			_, _ = a.Close(), b.Close() // one end gone is both
		})
	}
	both.Wait()
}

func (l *Link) add(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut || l.closed {
		return false
	}
	l.ends[c] = struct{}{}
	return true
}

func (l *Link) remove(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, c)
}

// pump passes on what comes from one end, while the cable allows.
func (l *Link) pump(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			l.mu.Lock()
			held, delay := l.held, l.delay
			l.mu.Unlock()
			<-held
			if delay > 0 {
				time.Sleep(delay) // the length of the cable
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
