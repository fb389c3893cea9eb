// Package trace shows which commands of the core a request became. It is what the console's traffic
// view rests on: a core that is wrapped reports each call to the recorder its context carries, and
// costs one look into the context where there is none.
package trace

import (
	"context"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Command is one call of the core.
type Command struct {
	Name   string        `json:"name"` // "Messages.Send"
	User   core.UserID   `json:"user,omitempty"`
	Server bool          `json:"server,omitempty"` // by a server, which may act for User
	Input  string        `json:"input,omitempty"`  // the input as one line of text, secrets left out; at most 2 KiB
	Took   time.Duration `json:"took"`
	Reason string        `json:"reason,omitempty"` // of the error, if there was one
	Detail string        `json:"detail,omitempty"`
}

// Recorder takes commands as they end, from any goroutine. It must not block.
type Recorder interface {
	Watching() bool // whether anybody looks; nothing is recorded while nobody does
	Record(c Command)
}

type recorderKey struct{}

// With makes calls under the context report to a recorder.
func With(ctx context.Context, r Recorder) context.Context {
	return context.WithValue(ctx, recorderKey{}, r)
}

// maxInput bounds what is kept of an input, in bytes.
const maxInput = 2 << 10

// begin starts a command; the function it returns ends it. nil when nobody listens.
func begin(ctx context.Context, name string, by core.Actor, in any) func(error) {
	r, ok := ctx.Value(recorderKey{}).(Recorder)
	if !ok || !r.Watching() {
		return nil
	}
	start := time.Now()
	c := Command{Name: name, User: by.User, Server: by.Server(), Input: describe(in)}
	return func(err error) {
		c.Took = time.Since(start)
		if err != nil {
			f := fault.From(err)
			c.Reason, c.Detail = f.Reason.Name(), f.Detail
		}
		r.Record(c)
	}
}
