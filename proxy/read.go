package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"go.uber.org/zap/zapcore"

	"dragoman/adapters"
)

// scratch is the read buffer of a connection: a ping or a small request arrives in one read, larger
// messages are read straight into their own memory.
const scratch = 160

// reader is the state of the incoming side. Only the serving goroutine touches it.
type reader struct {
	rest   []byte // read and not yet looked at
	buf    [scratch]byte
	pinged bool // a ping is out and nothing has come since
	closed bool // the peer's close frame was read, or the stream broke
	broken bool // what follows cannot be read as frames any more
}

// protocolError ends a connection with a code.
type protocolError struct {
	code   ws.StatusCode
	reason string
}

// Error implements error.
func (e *protocolError) Error() string { return e.reason }

// Read implements adapters.Conn.
func (c *conn) Read(ctx context.Context) (text bool, data []byte, err error) {
	if c.in.broken {
		return false, nil, adapters.ErrClosed
	}
	if ctx != c.ctx && ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { _ = c.nc.SetReadDeadline(time.Unix(1, 0)) }) // wakes the read
		defer stop()
	}
	text, data, err = c.message(ctx)
	if err == nil {
		c.tellIn(text, data)
		return text, data, nil
	}
	var p *protocolError
	switch {
	case errors.As(err, &p):
		c.in.broken = true
		c.Close(int(p.code), p.reason)
		if p.code == ws.StatusMessageTooBig {
			return false, nil, adapters.ErrTooBig
		}
	case c.ctx.Err() != nil: // ended from our side
	case ctx.Err() != nil:
		return false, nil, ctx.Err() // the caller gave up waiting; the connection lives on
	default:
		c.in.closed = true
		c.abandon()
	}
	return false, nil, adapters.ErrClosed
}

// abandon ends a connection whose stream broke: there is nobody to send a close frame to.
func (c *conn) abandon() {
	c.mu.Lock()
	c.closing, c.dead = true, true
	c.code = or(c.code, int(ws.StatusAbnormalClosure))
	c.mu.Unlock()
	c.end()
}

// message reads frames until a data message is complete.
func (c *conn) message(ctx context.Context) (text bool, data []byte, err error) {
	limit := or(c.spec.MaxMessage, maxMessage)
	started := false
	for {
		h, err := c.header(ctx, started)
		if err != nil {
			return false, nil, err
		}
		c.met.in.Inc()
		switch {
		case h.Rsv != 0 || h.OpCode.IsReserved():
			return false, nil, &protocolError{ws.StatusProtocolError, "reserved bits or opcode"}
		case !h.Masked:
			return false, nil, &protocolError{ws.StatusProtocolError, "frames of a client must be masked"}
		case h.OpCode.IsControl() && (!h.Fin || h.Length > ws.MaxControlFramePayloadSize):
			return false, nil, &protocolError{ws.StatusProtocolError, "bad control frame"}
		case h.OpCode == ws.OpContinuation && !started, h.OpCode.IsData() && h.OpCode != ws.OpContinuation && started:
			return false, nil, &protocolError{ws.StatusProtocolError, "bad fragmentation"}
		case h.Length > int64(limit-len(data)):
			return false, nil, &protocolError{ws.StatusMessageTooBig, "message too big"}
		}
		if h.OpCode.IsControl() {
			if err := c.control(ctx, h); err != nil {
				return false, nil, err
			}
			continue
		}
		if !started {
			started, text = true, h.OpCode == ws.OpText
		}
		if data, err = c.payload(ctx, data, h); err != nil {
			return false, nil, err
		}
		if !h.Fin {
			continue
		}
		if text && !utf8.Valid(data) {
			return false, nil, &protocolError{ws.StatusInvalidFramePayloadData, "text is not UTF-8"}
		}
		return text, data, nil
	}
}

// control answers pings and closes.
func (c *conn) control(ctx context.Context, h ws.Header) error {
	body, err := c.payload(ctx, nil, h)
	if err != nil {
		return err
	}
	switch h.OpCode {
	case ws.OpPing:
		c.mu.Lock()
		if !c.closing && c.frames < c.s.opt.Sockets.QueueFrames {
			c.push(ws.MustCompileFrame(ws.NewPongFrame(body)))
		}
		c.mu.Unlock()
	case ws.OpClose:
		code, reason := ws.ParseCloseFrameData(body)
		c.in.closed = true
		switch {
		case len(body) == 0:
			c.Close(int(ws.StatusNoStatusRcvd), "")
		case len(body) == 1 || !sendable(int(code)) || !utf8.ValidString(reason):
			return &protocolError{ws.StatusProtocolError, "bad close frame"}
		default:
			c.Close(int(code), "")
		}
		return &protocolError{code, ""}
	}
	return nil
}

// header reads a frame header. A peer that stays silent for half the idle time is pinged, for all
// of it is given up.
func (c *conn) header(ctx context.Context, started bool) (h ws.Header, err error) {
	for len(c.in.rest) < 2 {
		if err := c.fill(ctx); err != nil {
			return h, err
		}
	}
	need := 2
	switch c.in.rest[1] & 0x7f {
	case 126:
		need += 2
	case 127:
		need += 8
	}
	if c.in.rest[1]&0x80 != 0 {
		need += 4
	}
	for len(c.in.rest) < need {
		if err := c.fill(ctx); err != nil {
			return h, err
		}
	}
	b := c.in.rest[:need]
	c.in.rest = c.in.rest[need:]
	h.Fin, h.Rsv, h.OpCode, h.Masked = b[0]&0x80 != 0, b[0]&0x70>>4, ws.OpCode(b[0]&0x0f), b[1]&0x80 != 0
	switch n := b[1] & 0x7f; n {
	case 126:
		h.Length = int64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		n := binary.BigEndian.Uint64(b[2:])
		if n>>63 != 0 {
			return h, &protocolError{ws.StatusProtocolError, "bad length"}
		}
		h.Length = int64(n)
	default:
		h.Length = int64(n)
	}
	if h.Masked {
		copy(h.Mask[:], b[need-4:])
	}
	return h, nil
}

// payload appends the unmasked payload of a frame to data. Memory grows with what arrives, not with
// what the header promises.
func (c *conn) payload(ctx context.Context, data []byte, h ws.Header) ([]byte, error) {
	at := len(data)
	left := int(h.Length)
	n := min(left, len(c.in.rest))
	data = append(data, c.in.rest[:n]...)
	c.in.rest, left = c.in.rest[n:], left-n
	for left > 0 {
		step := min(left, 16<<10)
		from := len(data)
		data = append(data, make([]byte, step)...)
		n, err := c.receive(ctx, data[from:])
		data, left = data[:from+n], left-n
		if err != nil {
			return data, err
		}
	}
	ws.Cipher(data[at:], h.Mask, 0)
	return data, nil
}

// fill reads into the scratch buffer.
func (c *conn) fill(ctx context.Context) error {
	kept := 0
	if len(c.in.rest) > 0 { // at most a header's worth
		kept = copy(c.in.buf[:], c.in.rest)
	}
	n, err := c.receive(ctx, c.in.buf[kept:])
	c.in.rest = c.in.buf[:kept+n]
	return err
}

// receive reads once from the peer, waiting for at most the idle time and pinging at half of it.
func (c *conn) receive(ctx context.Context, p []byte) (int, error) {
	idle := or(c.spec.Idle, idleTime)
	for {
		armed := time.Now()
		if err := c.arm(armed.Add(idle / 2)); err != nil {
			return 0, err
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		n, err := c.nc.Read(p)
		if n > 0 {
			c.in.pinged = false
			return n, nil
		}
		var timed net.Error
		switch {
		case err == nil:
			return 0, io.ErrNoProgress
		case !errors.As(err, &timed) || !timed.Timeout() || c.ctx.Err() != nil || ctx.Err() != nil:
			return 0, err
		case time.Since(armed) < idle/2: // a caller of an earlier read gave up
			continue
		case c.in.pinged:
			return 0, &protocolError{ws.StatusGoingAway, "silent for too long"}
		}
		c.in.pinged = true
		c.mu.Lock()
		if !c.closing {
			c.push(ping)
		}
		c.mu.Unlock()
	}
}

// ping is the frame that asks a silent peer for a sign of life.
var ping = ws.MustCompileFrame(ws.NewPingFrame(nil))

// arm sets the read deadline unless the connection is over.
func (c *conn) arm(until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	return c.nc.SetReadDeadline(until)
}

// sendable reports whether a close code may stand on the wire (RFC 6455, section 7.4).
func sendable(code int) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code >= 1000 && code <= 1014:
		return code != 1004 && code != 1005 && code != 1006
	}
	return false
}

// validText reports whether a close reason can be sent.
func validText(s string) bool { return utf8.ValidString(s) }

// ended reports whether an error only says that the connection is over.
func ended(err error) bool {
	return err == nil || errors.Is(err, adapters.ErrClosed) || errors.Is(err, adapters.ErrTooBig) || errors.Is(err, context.Canceled)
}

// levelOf is the log level of a connection's end.
func levelOf(err error) zapcore.Level {
	if err == nil {
		return zapcore.DebugLevel
	}
	return zapcore.WarnLevel
}
