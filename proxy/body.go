package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core/fault"
)

// firstRead is how much memory a declared length is believed; the rest grows with what arrives.
const firstRead = 64 << 10

// What is thrown away of a body that nobody wants, so that the client gets to read the answer
// before the connection closes.
const (
	drainBytes = 16 << 20
	drainTime  = 2 * time.Second
)

// readBody reads a JSON body of at most limit bytes.
func (x *exchange) readBody(fc *fasthttp.RequestCtx, limit int64) *fault.Error {
	length := int64(fc.Request.Header.ContentLength()) // -1 chunked, -2 none
	stream := fc.RequestBodyStream()
	if stream == nil || length == 0 || length == -2 {
		x.bodyDone = true
		return nil
	}
	if length > limit {
		return tooLarge()
	}
	if length > 0 && length <= firstRead {
		x.rq.Body = make([]byte, length)
		if _, err := io.ReadFull(stream, x.rq.Body); err != nil {
			return broken(err)
		}
		x.bodyDone = true
		return nil
	}
	body := make([]byte, 0, 4096)
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return tooLarge()
		case errors.Is(err, io.EOF):
			x.rq.Body, x.bodyDone = body, true
			return nil
		case err != nil:
			return broken(err)
		}
	}
}

// tooLarge is the answer to a body above its limit.
func tooLarge() *fault.Error { return fault.RequestPayloadTooLarge.Error("") }

// broken names why a body could not be read.
func broken(err error) *fault.Error {
	var f *fault.Error
	var timed net.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &timed) && timed.Timeout():
		return fault.RequestTimeout.Wrap(err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault.RequestInvalid.Error("The body ended early.").Cause(err)
	}
	return fault.RequestInvalid.Error("The body could not be read.").Cause(err)
}

// upload is the bounded stream of a large body. Each step has a deadline of its own, so that a slow
// link may take its time and a dead one may not.
type upload struct {
	ctx  context.Context
	src  io.Reader
	conn net.Conn
	step time.Duration
	left int64 // bytes still allowed; below zero means too large
	x    *exchange
}

// Read implements io.Reader. Its errors are *fault.Error, apart from io.EOF.
func (u *upload) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, fault.From(err)
	}
	if u.left < 0 {
		return 0, tooLarge()
	}
	if int64(len(p)) > u.left+1 {
		p = p[:u.left+1]
	}
	_ = u.conn.SetReadDeadline(time.Now().Add(u.step)) // a closed connection shows in the read
	n, err := u.src.Read(p)
	u.left -= int64(n)
	switch {
	case u.left < 0:
		return 0, tooLarge()
	case errors.Is(err, io.EOF):
		u.x.bodyDone = true
		return n, io.EOF
	case err != nil:
		return n, broken(err)
	}
	return n, nil
}

// openUpload puts a bounded stream into the request.
func (x *exchange) openUpload(ctx context.Context, fc *fasthttp.RequestCtx, limit int64) *fault.Error {
	x.rq.Length = int64(fc.Request.Header.ContentLength())
	stream := fc.RequestBodyStream()
	if stream == nil || x.rq.Length == 0 || x.rq.Length == -2 {
		x.rq.Length, x.rq.Stream, x.bodyDone = 0, strings.NewReader(""), true
		return nil
	}
	if x.rq.Length > limit {
		return tooLarge()
	}
	x.rq.Stream = &upload{ctx: ctx, src: stream, conn: fc.Conn(), step: x.l.s.opt.ReadTimeout, left: limit, x: x}
	return nil
}

// settleBody leaves the connection fit for its next request, or marks it to be closed: bytes of an
// unread body must never be taken for a request.
func (x *exchange) settleBody(fc *fasthttp.RequestCtx) {
	stream := fc.RequestBodyStream()
	if stream == nil || x.bodyDone {
		return
	}
	_ = fc.Conn().SetReadDeadline(time.Now().Add(drainTime)) // a closed connection shows in the read
	if n, err := io.Copy(io.Discard, io.LimitReader(stream, drainBytes)); err != nil || n == drainBytes {
		fc.SetConnectionClose()
	}
}

// limits of a route's body in bytes: its own, or the server's for its kind.
func (s *Server) bodyLimit(rt *adapters.Route) int64 {
	switch {
	case rt.MaxBody > 0:
		return rt.MaxBody
	case rt.Upload:
		return s.opt.MaxUpload
	}
	return s.opt.MaxBody
}
