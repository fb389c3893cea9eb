package nexconn

import (
	"encoding/binary"
	"errors"
	"time"
)

// Signals of the live link, the upper half of the first byte of a frame. There is no signal to log in
// with: the URL of the WebSocket says who comes, and the server speaks first.
const (
	signalConnAck    = 2
	signalPublish    = 3
	signalPubAck     = 4
	signalQuery      = 5
	signalQueryAck   = 6
	signalQueryCon   = 7
	signalPing       = 12
	signalPong       = 13
	signalDisconnect = 14
)

// Flags of the first byte.
const (
	flagDup = 1 << 3 // on a frame of the server: a copy of what another device of the person sent
	flagQoS = 1 << 1 // the other side is to acknowledge
)

// maxTopic bounds the name of a topic and maxTarget the id it is about, in bytes.
const (
	maxTopic  = 64
	maxTarget = 512
)

// Failures of reading a frame.
var (
	errShort  = errors.New("nexconn: frame cut short")
	errSignal = errors.New("nexconn: unknown signal")
	errLong   = errors.New("nexconn: text too long")
)

// signal is a frame of a client.
type signal struct {
	kind   byte
	flags  byte
	topic  string
	target string
	id     uint16 // names the exchange, until it is acknowledged
	status byte   // of signalDisconnect
	data   []byte // protobuf; shares the frame's memory
}

// parseSignal reads one frame of a client. A frame is a whole WebSocket message, so there is no length
// to trust: what is left after the fixed part is the payload.
func parseSignal(b []byte) (signal, error) {
	if len(b) == 0 {
		return signal{}, errShort
	}
	s := signal{kind: b[0] >> 4, flags: b[0] & 15}
	r := frameReader{b: b[1:]}
	switch s.kind {
	case signalPublish, signalQuery:
		s.topic, s.target = r.text(maxTopic), r.text(maxTarget)
		s.id = r.u16()
		s.data = r.b
	case signalPubAck, signalQueryCon:
		s.id = r.u16()
	case signalPing, signalPong:
	case signalDisconnect:
		if len(r.b) > 1 {
			s.status = r.b[1]
		}
	default:
		return s, errSignal
	}
	return s, r.err
}

// frameReader takes the parts of a frame; the first failure sticks.
type frameReader struct {
	b   []byte
	err error
}

func (r *frameReader) u16() uint16 {
	if r.err != nil || len(r.b) < 2 {
		r.fail(errShort)
		return 0
	}
	v := binary.BigEndian.Uint16(r.b)
	r.b = r.b[2:]
	return v
}

func (r *frameReader) text(most int) string {
	n := int(r.u16())
	switch {
	case r.err != nil:
		return ""
	case n > most:
		r.fail(errLong)
		return ""
	case n > len(r.b):
		r.fail(errShort)
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *frameReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(min(len(s), 0xffff))) //nolint:gosec // bounded
	return append(b, s[:min(len(s), 0xffff)]...)
}

func appendSeconds(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(t.Unix())) //nolint:gosec // the wire ends in 2106
}

// Capabilities of version 4 of the first frame: which of its members follow.
const (
	ackUser    = 1
	ackSession = 2
	ackTime    = 4
)

// connAck is the first frame of the server: the connection stands, or (any other status) why not.
func connAck(version int, status byte, user, session string, at time.Time) []byte {
	b := []byte{signalConnAck << 4, 0, status}
	if status != 0 {
		return b
	}
	if version >= 4 {
		b = append(b, ackUser|ackSession|ackTime)
	}
	b = appendText(appendText(b, user), session)
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixMilli())) //nolint:gosec // after 1970
}

// pubAck answers a PUBLISH: with the message's id and time, or why it was refused.
func pubAck(id, status uint16, uid string, at time.Time) []byte {
	b := binary.BigEndian.AppendUint16([]byte{signalPubAck << 4}, id)
	b = binary.BigEndian.AppendUint16(appendSeconds(b, at), status)
	b = binary.BigEndian.AppendUint16(b, uint16(at.UnixMilli()%1000)) //nolint:gosec // below 1000
	return appendText(b, uid)
}

// queryAck answers a QUERY.
func queryAck(id, status uint16, at time.Time, data []byte) []byte {
	b := make([]byte, 0, 9+len(data))
	b = binary.BigEndian.AppendUint16(append(b, signalQueryAck<<4|flagQoS), id)
	b = binary.BigEndian.AppendUint16(appendSeconds(b, at), status)
	return append(b, data...)
}

// publish tells a client something; with flagQoS it acknowledges by id.
func publish(flags byte, topic, target string, id uint16, at time.Time, data []byte) []byte {
	b := make([]byte, 0, 16+len(topic)+len(target)+len(data))
	b = appendSeconds(append(b, signalPublish<<4|flags), at)
	b = appendText(appendText(b, topic), target)
	return append(binary.BigEndian.AppendUint16(b, id), data...)
}

// disconnect is the last frame of the server.
func disconnect(status byte) []byte { return []byte{signalDisconnect << 4, 0, status} }

// pongFrame answers a ping.
var pongFrame = []byte{signalPong << 4}
