package native

import (
	"context"

	"dragoman/core"
)

func (d *Dialect) threadRows() []row {
	return []row{
		op("GET", "/v1/messages/:message/replies", "listReplies", "The replies of a thread, oldest first.", func(ctx context.Context, c *call, in *struct {
			which
			history
		}) (Page[Message], error) {
			h, err := d.hit(ctx, c.by, in.Message)
			if err != nil {
				return Page[Message]{}, err
			}
			return d.messages(ctx, c.by, h.Message.ChannelKey, in.Message, &in.history)
		}),
		op("GET", "/v1/threads", "listThreads", "The threads the caller takes part in, latest reply first.", func(ctx context.Context, c *call, in *paging) (Page[Thread], error) {
			p, err := d.core.Threads.Query(ctx, c.by, core.QueryThreads{Page: in.cursor(10, 25)})
			return Page[Thread]{list(p.Threads, threadOf), p.Next}, err
		}),
		op("GET", "/v1/threads/:message", "getThread", "Reads a thread by its first message.", func(ctx context.Context, c *call, in *struct {
			which
			Replies int `json:"replies" in:"query" max:"300" doc:"How many of the newest replies to answer."`
		}) (Thread, error) {
			t, err := d.core.Threads.Get(ctx, c.by, core.GetThread{Parent: in.Message, ReplyLimit: in.Replies})
			return threadOf(&t), err
		}),
		op("PATCH", "/v1/threads/:message", "changeThread", "Changes title and free fields of a thread.", func(ctx context.Context, c *call, in *struct {
			which
			Title *string    `json:"title"`
			Extra core.Extra `json:"extra"`
		}) (Thread, error) {
			t, err := d.core.Threads.Patch(ctx, c.by, core.PatchThread{Parent: in.Message, Change: func(title *string, extra *core.Extra) (err error) {
				set(title, in.Title)
				*extra, err = merged(*extra, in.Extra)
				return err
			}})
			return threadOf(&t), err
		}),
	}
}
