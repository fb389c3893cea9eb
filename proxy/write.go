package proxy

import (
	"net"
	"sync"
)

// coalesce is the size up to which frames are copied together; above it the kernel gathers them.
const coalesce = 16 << 10

// blocks are write buffers; a connection holds one only while it writes.
var blocks = sync.Pool{New: func() any { return new([coalesce]byte) }}

// write sends a batch of frames of size bytes in all, in one call where possible.
func write(nc net.Conn, batch [][]byte, size int) error {
	if len(batch) == 1 {
		_, err := nc.Write(batch[0])
		return err
	}
	if _, plain := nc.(*net.TCPConn); plain && size > coalesce {
		vec := net.Buffers(batch)
		_, err := vec.WriteTo(nc)
		return err
	}
	block := blocks.Get().(*[coalesce]byte)
	defer blocks.Put(block)
	buf := block[:0]
	for _, b := range batch {
		for len(b) > 0 {
			if len(buf) == 0 && len(b) >= coalesce {
				if _, err := nc.Write(b); err != nil {
					return err
				}
				break
			}
			n := min(len(b), coalesce-len(buf))
			buf = append(buf, b[:n]...)
			b = b[n:]
			if len(buf) == coalesce {
				if _, err := nc.Write(buf); err != nil {
					return err
				}
				buf = block[:0]
			}
		}
	}
	if len(buf) == 0 {
		return nil
	}
	_, err := nc.Write(buf)
	return err
}
