package proxy

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it; nothing secret depends on it
	"encoding/base64"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// acceptGUID is the constant of RFC 6455, section 1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// wantsSocket reports whether a request asks for a WebSocket.
func wantsSocket(rq *adapters.Request) bool {
	return hasToken(rq.Headers.Get("Upgrade"), "websocket")
}

// hasToken looks for a token in a comma list.
func hasToken(list, token string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}

// upgrade answers the handshake and moves the connection to a goroutine of its own. Fasthttp's
// request memory, with its large read buffer, is given back: an idle connection keeps only its own.
func (x *exchange) upgrade(fc *fasthttp.RequestCtx) (*adapters.Response, error) {
	key, err := x.handshakeKey(fc)
	if err != nil {
		return nil, err
	}
	s := x.l.s
	if s.sockets.full() {
		return nil, busy()
	}
	x.rq.SetErrorModes(x.errorMode)
	c := newConn(x)
	hello := handshake(key, x.t.socket.Protocol, x.rq)
	fc.HijackSetNoResponse(true)
	fc.Hijack(func(hc net.Conn) {
		early := buffered(hc)
		d, ok := hc.(interface{ UnsafeConn() net.Conn }).UnsafeConn().(detacher)
		if !ok {
			return // not accepted by our listener: closed by the server
		}
		go c.run(d.detach(), hello, early)
	})
	x.live, x.status = true, 101
	return nil, nil
}

// handshakeKey checks a handshake and returns its key.
func (x *exchange) handshakeKey(fc *fasthttp.RequestCtx) (string, error) {
	key := x.rq.Headers.Get("Sec-WebSocket-Key")
	raw, err := base64.StdEncoding.DecodeString(key)
	switch {
	case !hasToken(x.rq.Headers.Get("Connection"), "upgrade"):
		return "", fault.RequestInvalid.Error("A WebSocket handshake needs Connection: Upgrade.")
	case x.rq.Headers.Get("Sec-WebSocket-Version") != "13":
		fc.Response.Header.Set("Sec-WebSocket-Version", "13")
		return "", fault.RequestInvalid.Error("Only WebSocket version 13 is served.")
	case err != nil || len(raw) != 16:
		return "", fault.RequestInvalid.Error("Sec-WebSocket-Key is not 16 bytes in base64.")
	}
	return key, nil
}

// busy refuses a live connection that there is no room for.
func busy() *fault.Error { return fault.ServerUnavailable.Error("").After(5 * time.Second) }

// errorMode is how the errors of an app are written in the frames of a link this request opens.
func (x *exchange) errorMode(app core.AppID) normalize.Mode {
	h := x.rq.Headers
	return normalize.Choose(h.Get(normalize.HeaderFormat), h.Get("Accept"), x.l.s.tenant(app).ErrorFormat, normalize.ModeBoth)
}

// handshake is the answer that switches protocols.
func handshake(key, protocol string, rq *adapters.Request) []byte {
	sum := sha1.Sum([]byte(key + acceptGUID)) //nolint:gosec // see the import
	b := make([]byte, 0, 256)
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = base64.StdEncoding.AppendEncode(b, sum[:])
	if protocol != "" && hasToken(strings.Join(rq.Headers.All("Sec-WebSocket-Protocol"), ","), protocol) {
		b = append(append(b, "\r\nSec-WebSocket-Protocol: "...), protocol...)
	}
	b = append(append(b, "\r\nX-Request-Id: "...), rq.ID...)
	return append(b, "\r\n\r\n"...)
}

// buffered takes what the server had read beyond the request head: with an expired deadline a read
// returns those bytes and never waits for more.
func buffered(c net.Conn) []byte {
	if c.SetReadDeadline(time.Unix(1, 0)) != nil {
		return nil
	}
	var early []byte
	var chunk [512]byte
	for {
		n, err := c.Read(chunk[:])
		early = append(early, chunk[:n]...)
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return early // the first read of the connection will find the same
			}
			_ = c.SetReadDeadline(time.Time{}) // a closed connection shows in the next read
			return early
		}
	}
}
