package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/core"
)

// threadRoutes are the operations on threads.
func (d *Dialect) threadRoutes() []adapters.Route {
	return []adapters.Route{
		op("GET", "/messages/:id/thread", "listReplies", d.replies, encodeHistory),
	}
}

// replies lists a thread.
func (d *Dialect) replies(ctx context.Context, by core.Actor, rq *adapters.Request) (history, error) {
	by = reader(by)
	h, err := d.readHistory(ctx, by, rq)
	if err != nil {
		return history{}, err
	}
	h.hide.replies = false
	hit, err := d.find(ctx, by, rq.Param("id"))
	if err != nil {
		return history{}, err
	}
	v, err := d.venueOf(ctx, by.App, by.User, &hit.Channel)
	if err != nil {
		return history{}, err
	}
	return d.run(ctx, by, core.ListMessages{Parent: hit.Message.ID.String()}, &h, v)
}
