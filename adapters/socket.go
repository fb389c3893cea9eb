package adapters

import (
	"context"
	"errors"
	"time"

	"github.com/gobwas/ws"
)

// Socket is one live link of a dialect.
type Socket struct {
	Path string // of the upgrade request, in the syntax of Route.Path
	Name string // unique among routes and sockets: metric label
	// Protocol is the subprotocol answered when the client offers it; empty answers none.
	Protocol string
	// MaxMessage bounds one message of the client in bytes; 0 means 64 KiB.
	MaxMessage int
	// Idle is how long a peer may stay silent before the connection counts as dead; at half of it
	// the proxy sends a ping. 0 means 60 seconds.
	Idle time.Duration
	// SlowCode closes a connection whose queue is full; 0 means 1013 (try again later).
	SlowCode int
	// Serve runs one connection until it ends: straight-line code, reading in this goroutine and
	// sending by conn.Send. The connection is closed when Serve returns; an error closes it with 1011.
	Serve func(ctx context.Context, conn Conn) error
}

// Conn is one live connection. Send and Close may be called from any goroutine.
type Conn interface {
	Request() *Request
	// Read returns the next data message. It answers pings itself and returns ErrClosed (or the
	// context's error) when the connection has ended, ErrTooBig when a message exceeds the limit.
	Read(ctx context.Context) (text bool, data []byte, err error)
	// Send queues a frame and never blocks. It reports false when the connection is closed or was
	// just closed because its queue is full (slow consumer).
	Send(f Frame) bool
	// Close sends what is queued, then a close frame, and ends the connection. Idempotent.
	Close(code int, reason string)
	// Done is closed when the connection has ended.
	Done() <-chan struct{}
}

// Errors of Conn.Read.
var (
	ErrClosed = errors.New("adapters: connection closed")
	ErrTooBig = errors.New("adapters: message too big")
)

// Frame is a WebSocket frame ready for the wire: compiled once, shared by all who receive it.
type Frame struct{ wire []byte }

// TextFrame compiles a text message.
func TextFrame(payload []byte) Frame { return compile(ws.NewTextFrame(payload)) }

// BinaryFrame compiles a binary message.
func BinaryFrame(payload []byte) Frame { return compile(ws.NewBinaryFrame(payload)) }

func compile(f ws.Frame) Frame {
	return Frame{wire: ws.MustCompileFrame(f)}
}

// Wire returns the bytes to send.
func (f Frame) Wire() []byte { return f.wire }

// Len is the size on the wire in bytes; a zero Frame has none and is not sent.
func (f Frame) Len() int { return len(f.wire) }
