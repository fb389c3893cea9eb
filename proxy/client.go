package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// wholeAnswer is the size up to which an answer is read before the client gets it: such a one can be
// looked at for errors. Larger ones pass through as they come.
const wholeAnswer = normalize.DefaultMaxBody

// stepTime bounds each step of a body above wholeAnswer, in either direction; below it the deadline of
// the call holds.
const stepTime = 30 * time.Second

// client calls one address of a vendor over a pool of connections of its own.
type client struct {
	http    *fasthttp.HostClient
	addr    string // host:port to dial
	host    string // Host header
	base    string // path prefix, without a slash at the end
	tls     *tls.Config
	connect time.Duration
}

// newClient makes the client of an address. Nothing is dialled yet.
func newClient(address string, u *Upstream) (*client, error) {
	c := &client{connect: u.Connect}
	var secure bool
	var err error
	if c.addr, c.host, c.base, secure, err = parseBase(address); err != nil {
		return nil, err
	}
	if secure {
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if u.TLS != nil {
			c.tls = u.TLS.Clone()
		}
		if c.tls.ServerName == "" {
			c.tls.ServerName, _, _ = net.SplitHostPort(c.addr)
		}
	}
	c.http = &fasthttp.HostClient{
		Addr:                      c.addr,
		DialTimeout:               func(_ string, limit time.Duration) (net.Conn, error) { return c.dial(limit) },
		MaxConns:                  u.Connections,
		MaxConnWaitTimeout:        u.Timeout, // or what is left of the call
		MaxIdleConnDuration:       u.KeepAlive,
		MaxIdemponentCallAttempts: 1, // what may be tried again is decided here
		MaxResponseBodySize:       wholeAnswer,
		ReadBufferSize:            16 << 10, // holds a whole response head
		StreamResponseBody:        true,
		NoDefaultUserAgentHeader:  true,
		DisablePathNormalizing:    true,
		SecureErrorLogMessage:     true,
	}
	return c, nil
}

// at is the client of another host of the same vendor, for live links: host[:port], perhaps with a scheme
// before it and a path behind it. What is not told is as it was.
func (c *client) at(place string) *client {
	out := *c
	scheme, rest, told := strings.Cut(place, "://")
	if !told {
		rest = place
	}
	host, path, prefixed := strings.Cut(rest, "/")
	if prefixed {
		out.base = "/" + strings.TrimRight(path, "/")
	}
	switch {
	case told && (scheme == "ws" || scheme == "http"):
		out.tls = nil
	case told && c.tls == nil:
		out.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	case c.tls != nil:
		out.tls = c.tls.Clone()
	}
	out.host, out.addr = host, withPort(host, out.tls != nil)
	if out.tls != nil {
		out.tls.ServerName, _, _ = net.SplitHostPort(out.addr)
	}
	return &out
}

// dial opens a connection, with TLS where the address says so. limit is what is left of the call; 0
// means no bound but the client's own.
func (c *client) dial(limit time.Duration) (net.Conn, error) {
	if limit <= 0 || limit > c.connect {
		limit = c.connect
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return nil, &notSent{err}
	}
	if c.tls == nil {
		return &stepConn{Conn: nc}, nil
	}
	t := tls.Client(&stepConn{Conn: nc}, c.tls)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close() // never used
		return nil, &notSent{err}
	}
	return t, nil
}

// notSent is the failure to get a connection: nothing of the request has left, so that any request may
// be tried again.
type notSent struct{ err error }

// Error implements error.
func (e *notSent) Error() string { return "no connection: " + e.err.Error() }

// Unwrap shows the cause.
func (e *notSent) Unwrap() error { return e.err }

// do makes one attempt.
func (c *client) do(rq *fasthttp.Request, rs *fasthttp.Response, until time.Time) error {
	err := c.http.DoDeadline(rq, rs, until)
	if err != nil {
		abandon(rs)
	}
	return err
}

// errAbandoned closes the connection of an answer that nobody reads to its end.
var errAbandoned = errors.New("answer abandoned")

// abandon gives up an answer. Its connection is closed: what is left of the body must never be taken
// for the next answer.
func abandon(rs *fasthttp.Response) {
	if b, ok := rs.BodyStream().(fasthttp.ReadCloserWithError); ok {
		_ = b.CloseWithError(errAbandoned) // the connection goes
	}
}

// noAnswer names why there was no answer.
func noAnswer(err error) *fault.Error {
	var unsent *notSent
	switch {
	case errors.Is(err, fasthttp.ErrNoFreeConns):
		return fault.ServerUnavailable.Error("").After(time.Second).Cause(err)
	case errors.As(err, &unsent):
		if e := normalize.NoAnswer(unsent.err); e.Reason == fault.UpstreamTimeout {
			return e
		}
		return fault.UpstreamBadGateway.Wrap(err)
	case errors.Is(err, fasthttp.ErrTimeout), errors.Is(err, fasthttp.ErrDialTimeout):
		return fault.UpstreamTimeout.Wrap(err)
	}
	return normalize.NoAnswer(err)
}

// stepConn is a connection to a vendor whose deadline holds for the first bytes only. What is larger
// takes its time, as long as every step comes in time.
type stepConn struct {
	net.Conn
	read, wrote int
	live        bool // it has become a live link: no deadlines but those that are set
}

// SetReadDeadline implements net.Conn.
func (c *stepConn) SetReadDeadline(t time.Time) error {
	c.read = 0
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *stepConn) SetWriteDeadline(t time.Time) error {
	c.wrote = 0
	return c.Conn.SetWriteDeadline(t)
}

// Read implements net.Conn.
func (c *stepConn) Read(p []byte) (int, error) {
	if c.read > wholeAnswer && !c.live {
		_ = c.Conn.SetReadDeadline(time.Now().Add(stepTime)) // a closed connection shows in the read
	}
	n, err := c.Conn.Read(p)
	c.read += n
	return n, err
}

// Write implements net.Conn.
func (c *stepConn) Write(p []byte) (int, error) {
	if c.wrote > wholeAnswer && !c.live {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(stepTime)) // a closed connection shows in the write
	}
	n, err := c.Conn.Write(p)
	c.wrote += n
	return n, err
}

// ReadFrom keeps io.Copy from writing past the deadlines of Write.
func (c *stepConn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}
