package native

import (
	"context"
	"time"

	"dragoman/core"
)

// Stream is a message that is written in pieces, or was.
type Stream struct {
	Message   string        `json:"message"`
	Chunks    []StreamChunk `json:"chunks,omitempty"`
	Done      bool          `json:"done"`
	Reason    string        `json:"reason,omitempty" doc:"Why it ended: size, duration, moderation, or the author's word."`
	StartedAt time.Time     `json:"started_at"`
	UpdatedAt time.Time     `json:"updated_at"`
}

// StreamChunk is a piece of a stream.
type StreamChunk struct {
	Seq  int    `json:"seq" doc:"Rises from 1."`
	Text string `json:"text"`
}

// chunk is a piece to write.
type chunk struct {
	Seq    int    `json:"seq" min:"1" max:"1000000000" doc:"Above that of the last one; 1 when absent."`
	Text   string `json:"chunk" max:"131072"`
	Done   bool   `json:"done" doc:"The last one: the whole text becomes that of the message."`
	Reason string `json:"reason" max:"100"`
}

func (k *chunk) write(cmd core.WriteStream) core.WriteStream {
	cmd.Chunk, cmd.Done, cmd.Reason = core.StreamChunk{Seq: max(k.Seq, 1), Text: k.Text}, k.Done, k.Reason
	cmd.Finish = func(m *core.Message, text string) error { m.Text = text; return nil }
	return cmd
}

func streamOf(s *core.Stream) Stream {
	return Stream{
		s.Message.String(), some(s.Chunks, func(k *core.StreamChunk) StreamChunk { return StreamChunk{k.Seq, k.Text} }),
		s.Done, s.Reason, s.StartedAt, s.UpdatedAt,
	}
}

func (d *Dialect) streamRows() []row {
	x := d.core.Streams
	return []row{
		op("POST", "/v1/channels/:channel/streams", "startStream", "Begins a message that is written in pieces, by a server for its author; each is told as stream.grown.", func(ctx context.Context, c *call, in *struct {
			where
			chunk
			Message draftMessage `json:"message" need:"true" doc:"Its text, until the last piece: the first piece when absent."`
		}) (Stream, error) {
			in.Message.Text = orElse(in.Message.Text, in.chunk.Text) // until the whole text is there
			v, err := x.Write(ctx, c.by, in.write(core.WriteStream{Key: in.Channel, Input: in.Message.input()}))
			c.created(true)
			return streamOf(&v), err
		}).server().fresh(),
		op("POST", "/v1/streams/:message", "writeStream", "Adds a piece to a message that is being written.", func(ctx context.Context, c *call, in *struct {
			which
			chunk
		}) (Stream, error) {
			v, err := x.Write(ctx, c.by, in.write(core.WriteStream{Message: in.Message}))
			return streamOf(&v), err
		}).server(),
		op("GET", "/v1/streams/:message", "readStream", "Reads the pieces so far of a message that is being written.", func(ctx context.Context, c *call, in *struct {
			which
			After int `json:"after" in:"query" doc:"Only those after this seq."`
		}) (Stream, error) {
			v, err := x.Read(ctx, c.by, core.ReadStream{Message: in.Message, After: in.After})
			return streamOf(&v), err
		}),
	}
}
