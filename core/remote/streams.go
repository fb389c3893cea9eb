package remote

import (
	"context"

	"dragoman/core"
)

// streams implements core.Streams.
type streams struct{ streamsCalls }

// Write implements core.Streams. The code that finishes a stream is asked for after the message has been
// sent: the next round goes on with that message instead of sending another one.
func (s streams) Write(ctx context.Context, by core.Actor, in core.WriteStream) (core.Stream, error) {
	return converse[core.WriteStream, core.Stream](ctx, s.c, "Streams.Write", by, in, func(in *core.WriteStream, q *question) {
		var m core.Message
		if in.Message == "" && len(q.Args) > 0 && readMessage(q.Args[0], &m) == nil {
			in.Message = m.ID.String()
		}
	})
}
