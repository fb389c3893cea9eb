package proxy

import (
	"crypto/tls"
	"net"
)

// detachable makes connections that can be taken away from the web server. Its own way of doing so
// (KeepHijackedConns) leaves a read buffer of 64 KiB to the collector with every live connection;
// a connection that ignores the server's last Close lets the buffer go back to its pool.
type detachable struct{ net.Listener }

// Accept implements net.Listener.
func (l detachable) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if t, ok := nc.(*tls.Conn); ok { // the web server finds out about TLS by the methods
		return &tlsConn{Conn: t}, nil
	}
	return &plainConn{Conn: nc}, nil
}

// detacher is a connection that can be taken away. Detach is called by the goroutine that is about
// to call Close.
type detacher interface{ detach() net.Conn }

// plainConn is a connection of the web server.
type plainConn struct {
	net.Conn
	gone bool
}

func (c *plainConn) detach() net.Conn { c.gone = true; return c.Conn }

// Close implements net.Conn.
func (c *plainConn) Close() error {
	if c.gone {
		return nil
	}
	return c.Conn.Close()
}

// tlsConn is plainConn with the methods of TLS.
type tlsConn struct {
	*tls.Conn
	gone bool
}

func (c *tlsConn) detach() net.Conn { c.gone = true; return c.Conn }

// Close implements net.Conn.
func (c *tlsConn) Close() error {
	if c.gone {
		return nil
	}
	return c.Conn.Close()
}
