package nexconn

import (
	"time"

	"dragoman/adapters"
	"dragoman/core"
)

// ClassicRows is how many rows the table of classic paths has.
func ClassicRows() int { return len(classicCalls()) }

// DecodeClassic decodes a classic request by the row at i.
func DecodeClassic(i int, body []byte) ([]byte, error) {
	return classicCalls()[i%len(classicCalls())].decode(&adapters.Request{Body: body})
}

// Reread sends a content through the core's form and reads it back.
func Reread(kind, body string) (string, string) {
	c := newContent(kind, body)
	in := c.input()
	back := contentOf(&core.Message{Kind: in.Kind, Text: in.Text, Attachments: in.Attachments, Mentions: in.Mentions, Extra: in.Extra})
	return back.kind, back.body
}

// ContentOf is what a message of any dialect is here.
func ContentOf(m *core.Message) (kind, body string) {
	c := contentOf(m)
	return c.kind, c.body
}

// PacePulls changes how long the pulls of streams that begin from now on wait: for a chunk, in all, and
// for streams to end.
func PacePulls(d adapters.Dialect, idle, lease, age time.Duration) {
	ps := d.(*Dialect).pulls
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.pace = pacing{idle, lease, age}
}
