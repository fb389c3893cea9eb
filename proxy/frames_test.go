package proxy_test

import (
	"bytes"
	"testing"

	"github.com/gobwas/ws"

	"dragoman/proxy"
)

// FuzzFrames: messages come out whole however their bytes are cut, and bytes that are no frames do no
// harm.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("hello"), byte(3), false)
	f.Add([]byte{0x81, 0x85, 1, 2, 3, 4, 0, 0, 0, 0, 0}, byte(1), true)
	f.Add(bytes.Repeat([]byte("x"), 70000), byte(200), false)
	f.Fuzz(func(t *testing.T, data []byte, step byte, raw bool) {
		cut := func(b []byte) (out [][]byte) {
			read := proxy.Frames(func(_ bool, m []byte) { out = append(out, m) })
			for n := int(step) + 1; len(b) > 0; b = b[min(n, len(b)):] {
				read(b[:min(n, len(b))])
			}
			return out
		}
		if raw {
			cut(data)
			return
		}
		half := len(data) / 2
		var wire []byte
		for _, fr := range []ws.Frame{
			ws.MaskFrame(ws.NewFrame(ws.OpText, false, bytes.Clone(data[:half]))), ws.NewPingFrame([]byte("p")),
			ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, bytes.Clone(data[half:]))), ws.NewBinaryFrame(data),
		} {
			wire = append(wire, ws.MustCompileFrame(fr)...)
		}
		out := cut(wire)
		if len(out) != 2 || !bytes.Equal(out[0], data) || !bytes.Equal(out[1], data) {
			t.Errorf("%d messages out of 2", len(out))
		}
	})
}
