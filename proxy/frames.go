package proxy

import (
	"bytes"
	"encoding/binary"
)

// frameReader puts the messages of one direction of a WebSocket together out of its bytes, as they come
// in whatever pieces. Control frames and messages above MaxShadowed bytes are left out. It never fails:
// after bytes that are no frames it stays silent.
type frameReader struct {
	head    [14]byte
	have    int    // of head
	left    uint64 // of the payload
	mask    [4]byte
	masked  bool
	at      int // of the payload, for the mask
	op      byte
	fin     bool
	text    bool
	control bool
	broken  bool
	skip    bool
	message []byte
}

// feed takes bytes and hands out what they complete. What is handed out may be kept.
func (r *frameReader) feed(b []byte, out func(text bool, data []byte)) {
	for len(b) > 0 && !r.broken {
		if r.left == 0 && !r.inPayload() {
			n := copy(r.head[r.have:r.need()], b)
			r.have += n
			b = b[n:]
			if r.have < r.need() {
				continue
			}
			r.begin()
			if r.left == 0 {
				r.end(out)
			}
			continue
		}
		n := int(min(r.left, uint64(len(b))))
		r.payload(b[:n])
		b = b[n:]
		if r.left -= uint64(n); r.left == 0 {
			r.end(out)
		}
	}
}

// inPayload reports whether a head was read whose payload is under way.
func (r *frameReader) inPayload() bool { return r.have < 0 }

// need is the length of the head as far as it is known.
func (r *frameReader) need() int {
	if r.have < 2 {
		return 2
	}
	n := 2
	switch r.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if r.head[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// begin reads a complete head.
func (r *frameReader) begin() {
	op := r.head[0] & 0x0f
	r.fin, r.control = r.head[0]&0x80 != 0, op >= 8
	n := 2
	switch size := r.head[1] & 0x7f; size {
	case 126:
		r.left, n = uint64(binary.BigEndian.Uint16(r.head[2:])), 4
	case 127:
		r.left, n = binary.BigEndian.Uint64(r.head[2:]), 10
	default:
		r.left = uint64(size)
	}
	if r.masked = r.head[1]&0x80 != 0; r.masked {
		copy(r.mask[:], r.head[n:])
	}
	switch {
	case r.head[0]&0x70 != 0, op > 2 && op < 8, op > 10, r.left>>63 != 0:
		r.broken = true
	case op == 1 || op == 2:
		r.text, r.message, r.skip = op == 1, nil, false
	}
	r.op, r.at, r.have = op, 0, -1
}

// payload takes bytes of the frame under way.
func (r *frameReader) payload(b []byte) {
	if r.control || r.skip {
		return
	}
	if len(r.message)+len(b) > MaxShadowed {
		r.skip, r.message = true, nil
		return
	}
	from := len(r.message)
	r.message = append(r.message, b...)
	if r.masked {
		for i := range b {
			r.message[from+i] ^= r.mask[(r.at+i)&3]
		}
	}
	r.at += len(b)
}

// end ends the frame under way.
func (r *frameReader) end(out func(text bool, data []byte)) {
	r.have = 0
	if r.control || !r.fin || r.broken {
		return
	}
	if !r.skip {
		out(r.text, bytes.Clone(r.message))
	}
	r.message, r.skip = nil, false
}
