package core

import (
	"context"
	"time"
)

// Bounds of a stream.
const (
	StreamBytes = 128 << 10        // of its text
	StreamAge   = 30 * time.Minute // from its first chunk to its last
)

// StreamChunk is a piece of a message that is being written. Seq rises from 1, with or without gaps.
type StreamChunk struct {
	Seq  int    `json:"seq"`
	Text string `json:"text"`
}

// WriteStream begins a message that is sent in pieces, or adds a piece to it. The first call names no
// Message and sends Message Input into Key; the others name what the first one answered. Servers only,
// for the author (request.invalid_field for another's).
//
// A stream ends with the chunk that is Done. It is cut off (stream.cut_off) above StreamBytes (variant
// size) and after StreamAge (variant duration), and ended by a word list (moderation.rejected, variant
// stream). However it ends, Finish may put the whole text into the message, which is told as an edit.
// A chunk whose Seq is not above the last one's, or one after the end, is request.conflict; the last one
// may be sent again while Finish has not done its work.
type WriteStream struct {
	Key      ChannelKey
	Message  string
	Input    MessageInput
	MaxExtra int // see SendMessage
	Chunk    StreamChunk
	Done     bool
	Reason   string // why it is done, the dialect's word
	Finish   func(m *Message, text string) error
}

// ReadStream reads the chunks after a Seq; stream.not_found. For whoever sees the message.
type ReadStream struct {
	Message string
	After   int
}

// Stream is a message that is being written, or was.
type Stream struct {
	Message   MessageID     `json:"message"`
	Chunks    []StreamChunk `json:"chunks,omitempty"`
	Done      bool          `json:"done,omitempty"`
	Reason    string        `json:"reason,omitempty"` // size, duration, moderation, or the dialect's word
	StartedAt time.Time     `json:"started_at"`
	UpdatedAt time.Time     `json:"updated_at"`
}

// Streams sends messages in pieces while they are written. Every chunk is told as StreamGrown (once;
// Message, and Extra {"seq":n,"text":"…","done":true,"reason":"…"}) to those who are there.
type Streams interface {
	Write(ctx context.Context, by Actor, in WriteStream) (Stream, error)
	Read(ctx context.Context, by Actor, in ReadStream) (Stream, error)
}
