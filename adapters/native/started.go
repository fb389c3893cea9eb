package native

import (
	"context"

	"dragoman/core"
)

// threadPerson names a person of a started thread in the path.
type threadPerson struct {
	which
	User core.UserID `json:"user" in:"path"`
}

// startedRows are the threads that were made places of their own, with an owner and people who come
// and go.
func (d *Dialect) startedRows() []row {
	x := d.core.Threads
	enter := func(leave bool) func(context.Context, *call, *which) (Thread, error) {
		return func(ctx context.Context, c *call, in *which) (Thread, error) {
			v, err := x.Enter(ctx, c.by, core.EnterThread{Parent: in.Message, Leave: leave})
			return threadOf(&v), err
		}
	}
	change := func(remove bool) func(context.Context, *call, *threadPerson) error {
		return func(ctx context.Context, c *call, in *threadPerson) error {
			return first(x.Change(ctx, c.by, core.ThreadPeople{Parent: in.Message, Users: []core.UserID{in.User}, Remove: remove}))
		}
	}
	return []row{
		op("POST", "/v1/threads/:message/start", "startThread", "Makes the thread of a message a place of its own: with a title, an owner, and people who come and go.", func(ctx context.Context, c *call, in *struct {
			which
			Title string `json:"title" need:"true" max:"255"`
		}) (Thread, error) {
			v, err := x.Start(ctx, c.by, core.StartThread{Parent: in.Message, Title: in.Title})
			c.created(true)
			return threadOf(&v), err
		}).fresh(),
		act("DELETE", "/v1/threads/:message", "closeThread", "Ends a started thread and deletes its replies: its owner, moderators and above.", func(ctx context.Context, c *call, in *which) error {
			_, err := x.Close(ctx, c.by, core.CloseThread{Parent: in.Message})
			return err
		}),
		op("POST", "/v1/threads/:message/enter", "enterThread", "Makes the caller one of the people of a started thread; replying there does, too.", enter(false)),
		op("POST", "/v1/threads/:message/leave", "leaveThread", "Ends that.", enter(true)),
		op("GET", "/v1/threads/:message/people", "listThreadPeople", "Who is in a started thread, by id; members of the channel.", func(ctx context.Context, c *call, in *struct {
			which
			paging
		}) (Page[core.UserID], error) {
			return listed(&in.paging, 100, 300, func(p core.Page) ([]core.UserID, error) {
				return x.People(ctx, c.by, core.ListThreadPeople{Parent: in.Message, Page: p})
			}, same)
		}),
		act("PUT", "/v1/threads/:message/people/:user", "addThreadPerson", "Adds somebody to a started thread: its owner, moderators and above.", change(false)),
		act("DELETE", "/v1/threads/:message/people/:user", "removeThreadPerson", "Takes somebody out of it.", change(true)),
		op("GET", "/v1/started", "listStarted", "Started threads, newest first: of the caller, or of a channel.", d.listStarted),
	}
}

func (d *Dialect) listStarted(ctx context.Context, c *call, in *struct {
	paging
	Channel core.ChannelKey `json:"channel" in:"query" doc:"Those of this channel, whoever is in them."`
	User    core.UserID     `json:"user" in:"query" doc:"Servers only: those this person is in."`
	Oldest  bool            `json:"oldest" in:"query" doc:"Oldest first."`
}) (Page[Thread], error) {
	cmd := core.ListStarted{Key: in.Channel, User: in.User, Oldest: in.Oldest, Page: core.Page{Limit: min(orElse(in.Limit, 20), 100)}}
	if cmd.User == "" && in.Channel == "" {
		cmd.User = c.by.User
	}
	var err error
	if in.Cursor != "" {
		if _, cmd.Page.Cursor, err = unseal(in.Cursor, "t"); err != nil {
			return Page[Thread]{}, err
		}
	}
	v, err := d.core.Threads.Started(ctx, c.by, cmd)
	out := Page[Thread]{Items: list(v, threadOf)}
	if len(v) == cmd.Page.Limit {
		out.Next = seal('t', v[len(v)-1].Parent.ID.String())
	}
	return out, err
}
