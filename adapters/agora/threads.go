package agora

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of threads; see https://docs.agora.io/en/agora-chat/restful-api/thread-management.
const (
	maxThreadName  = 64 // bytes
	maxThreadPage  = 50
	maxThreadUsers = 10 // of one call of a server
)

// threadRoutes are the operations on chat threads. A thread has the id of the message it is about.
func (d *Dialect) threadRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, full, "POST", "/thread", "createThread", d.startThread, encodeStarted),
		op(d, full, "GET", "/thread", "listThreads", d.threads(""), encodeThreadIDs).Gated(adapters.GateServer),
		op(d, full, "POST", "/thread/message", "listLastMessagesOfThreads", d.lastOfThreads, encodeLastOfThreads),
		op(d, full, "GET", "/thread/:thread", "getThread", d.getThread, encodeThread),
		op(d, full, "PUT", "/thread/:thread", "renameThread", d.renameThread, encodeRenamed),
		op(d, full, "DELETE", "/thread/:thread", "deleteThread", d.closeThread, encodeThreadOK),
		op(d, full, "GET", "/thread/:thread/users", "listThreadMembers", d.threadPeople, encodeThreadPeople),
		op(d, full, "POST", "/thread/:thread/users", "addThreadMembers", d.enterMany, encodeThreadOK),
		op(d, full, "DELETE", "/thread/:thread/users", "removeThreadMembers", d.removeFromThread, encodeThreadRemoved),
		op(d, full, "DELETE", "/thread/:thread/users/:usernames", "removeThreadMember", d.removeFromThread, encodeThreadRemoved),
		op(d, full, "POST", "/thread/:thread/user/:username/join", "joinThread", d.enterThread(false), encodeJoinedThread),
		op(d, full, "DELETE", "/thread/:thread/user/:username/quit", "quitThread", d.enterThread(true), encodeThreadOKOf),
		op(d, full, "GET", "/threads/chatgroups/:id", "listThreadsOfGroup", d.threads("group"), encodeThreads),
		op(d, full, "GET", "/threads/chatgroups/:id/user/:username", "listThreadsOfUserInGroup", d.threads("both"), encodeThreads),
		op(d, full, "GET", "/threads/user/:username", "listThreadsOfUser", d.threads("user"), encodeThreads),
	}
}

// startThread makes a thread of a message of a group.
func (d *Dialect) startThread(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Thread, error) {
	var none core.Thread
	r, err := body(rq)
	if err != nil {
		return none, err
	}
	msg, _ := r.Look("msg_id")
	group, _ := r.Look("group_id")
	name, owner := r.Text("name"), core.UserID(r.Text("owner"))
	if err := r.Err(); err != nil {
		return none, err
	}
	switch {
	case name == "" || textOf(msg) == "" || textOf(group) == "":
		return none, fault.RequestMissingField.Error("name, msg_id and group_id are required")
	case len(name) > maxThreadName:
		return none, fault.RequestFieldTooLong.Error("thread name limit reached.")
	}
	if by.Server() {
		u, err := d.person(ctx, by.App, owner)
		if err != nil {
			return none, noInvitee(owner)
		}
		by = by.As(u.ID)
	}
	key, err := d.groupKey(ctx, by.App, textOf(group))
	if err != nil {
		return none, fault.From(err).Param("group_id", clip(textOf(group)))
	}
	h, err := d.visible(ctx, by, textOf(msg))
	if err != nil {
		return none, err
	}
	if h.Channel.Key != key {
		return none, fault.ThreadParentInvalid.Error("msg not belong to group .")
	}
	return d.core.Threads.Start(ctx, by, core.StartThread{Parent: h.Message.ID.String(), Title: name})
}

func encodeStarted(a *answer, t core.Thread) {
	a.Object("data")
	a.Text("thread_id", t.Parent.ID.String())
	a.Close()
}

// threadIn reads the thread a path names: one that was made as such.
func (d *Dialect) threadIn(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Thread, error) {
	t, err := d.core.Threads.Get(ctx, by, core.GetThread{Parent: rq.Param("thread")})
	if err == nil && t.StartedAt.IsZero() {
		err = fault.ThreadNotFound.Error("thread not found.")
	}
	return t, err
}

func (d *Dialect) getThread(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Thread, error) {
	return d.threadIn(ctx, by, rq)
}

// threadMembers writes the members of a thread's object.
func threadMembers(a *answer, t *core.Thread) {
	id := t.Parent.ID.String()
	a.Text("id", id)
	a.Text("name", t.Title)
	a.Text("owner", string(t.Owner))
	a.Text("msgId", id)
	a.Text("groupId", numberOf(&t.Channel))
	a.Int64("created", t.StartedAt.UnixMilli())
}

func encodeThread(a *answer, t core.Thread) {
	a.Object("data")
	threadMembers(a, &t)
	a.Int("affiliations_count", t.People)
	a.Int("message_count", t.ReplyCount)
	a.Close()
}

func encodeJoinedThread(a *answer, t core.Thread) {
	a.Object("data")
	a.Text("status", "ok")
	a.Object("detail")
	threadMembers(a, &t)
	a.Int("affiliations_count", t.People)
	a.Close()
	a.Close()
}

func (d *Dialect) renameThread(ctx context.Context, by core.Actor, rq *adapters.Request) (string, error) {
	r, err := body(rq)
	if err != nil {
		return "", err
	}
	name := r.Need("name")
	if err := r.Err(); err != nil {
		return "", err
	}
	if len(name) > maxThreadName {
		return "", fault.RequestFieldTooLong.Error("thread name limit reached.")
	}
	if _, err := d.threadIn(ctx, by, rq); err != nil {
		return "", err
	}
	_, err = d.core.Threads.Patch(ctx, by, core.PatchThread{Parent: rq.Param("thread"), Change: func(title *string, _ *core.Extra) error {
		*title = name
		return nil
	}})
	return name, err
}

func encodeRenamed(a *answer, name string) {
	a.Object("data")
	a.Text("name", name)
	a.Close()
}

func (d *Dialect) closeThread(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	_, err := d.core.Threads.Close(ctx, by, core.CloseThread{Parent: rq.Param("thread")})
	return none{}, err
}

func encodeThreadOK(a *answer, _ none) {
	a.Object("data")
	a.Text("status", "ok")
	a.Close()
}

func encodeThreadOKOf(a *answer, _ core.Thread) { encodeThreadOK(a, none{}) }

// threadPeople reads a page of the people in a thread.
func (d *Dialect) threadPeople(ctx context.Context, by core.Actor, rq *adapters.Request) (namePage, error) {
	q := wire.QueryOf(rq)
	limit := q.Int("limit", 0, 1<<30)
	if err := q.Err(); err != nil {
		return namePage{}, err
	}
	if limit > maxThreadPage {
		return namePage{}, fault.RequestInvalidField.Error("query param reaches limit.")
	}
	if limit == 0 {
		limit = 20
	}
	ps, err := d.core.Threads.People(ctx, by, core.ListThreadPeople{Parent: rq.Param("thread"), Page: core.Page{Limit: limit, Cursor: cursorIn(rq)}})
	out := namePage{names: ps}
	if len(ps) == limit {
		out.cursor = cursorOf(string(out.names[limit-1]))
	}
	return out, err
}

// threadCursor writes the cursor where lists of threads have it.
func threadCursor(a *answer, cursor string) {
	a.properties = true
	a.Object("properties")
	a.TextIf("cursor", cursor)
	a.Close()
}

func encodeThreadPeople(a *answer, p namePage) {
	a.Object("data")
	a.IDs("affiliations", p.names)
	a.Close()
	threadCursor(a, p.cursor)
}

// threadUsersIn reads the users a call about a thread names, in the path or the body.
func (d *Dialect) threadUsersIn(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.UserID, error) {
	if rq.Param("usernames") != "" {
		return listed(rq, "usernames", maxThreadUsers)
	}
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	ids, err := usernames(&r, "usernames", maxThreadUsers)
	if err != nil {
		return nil, err
	}
	return d.everybody(ctx, by.App, ids)
}

func (d *Dialect) enterMany(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	ids, err := d.threadUsersIn(ctx, by, rq)
	if err != nil {
		return none{}, err
	}
	out, err := d.core.Threads.Change(ctx, by, core.ThreadPeople{Parent: rq.Param("thread"), Users: ids})
	for _, o := range out {
		if err == nil && o.Err != nil && !fault.IsReason(o.Err, fault.GroupAlreadyMember) {
			err = o.Err
		}
	}
	return none{}, err
}

func (d *Dialect) removeFromThread(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.GroupOutcome, error) {
	ids, err := d.threadUsersIn(ctx, by, rq)
	if err != nil {
		return nil, err
	}
	return d.core.Threads.Change(ctx, by, core.ThreadPeople{Parent: rq.Param("thread"), Users: ids, Remove: true})
}

func encodeThreadRemoved(a *answer, list []core.GroupOutcome) {
	a.Entities()
	for _, o := range list {
		a.Open()
		a.Bool("result", o.Err == nil)
		a.Text("user", string(o.User))
		a.Close()
	}
	a.CloseList()
}

// enterThread makes a person one of a thread, or no longer.
func (d *Dialect) enterThread(leave bool) func(context.Context, core.Actor, *adapters.Request) (core.Thread, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Thread, error) {
		by, _, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return core.Thread{}, err
		}
		t, err := d.core.Threads.Enter(ctx, by, core.EnterThread{Parent: rq.Param("thread"), Leave: leave})
		if fault.IsReason(err, fault.GroupAlreadyMember) || fault.IsReason(err, fault.GroupNotMember) {
			err = fault.From(err).Param("username", string(by.User)).Param("group_id", clip(rq.Param("thread")))
		}
		return t, err
	}
}

// threadPageOf is one page of threads.
type threadPageOf struct {
	list   []core.Thread
	cursor string
}

// threads lists the threads of the app, of a group, of a person, or of both.
func (d *Dialect) threads(of string) func(context.Context, core.Actor, *adapters.Request) (threadPageOf, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (threadPageOf, error) {
		var out threadPageOf
		q := wire.QueryOf(rq)
		limit := q.Int("limit", 0, 1<<30)
		if err := q.Err(); err != nil {
			return out, err
		}
		if limit > maxThreadPage {
			return out, fault.RequestInvalidField.Error("query param reaches limit.")
		}
		if limit == 0 {
			limit = 20
		}
		in := core.ListStarted{Oldest: rq.Query.Get("sort") == "asc", Page: core.Page{Limit: limit, Cursor: cursorIn(rq)}}
		if of == "user" || of == "both" {
			_, u, err := d.self(ctx, by, rq, "username")
			if err != nil {
				return out, err
			}
			in.User = u.ID
		}
		if of == "group" || of == "both" {
			at, err := d.spaces()[0].at(ctx, by, rq)
			if err != nil {
				return out, err
			}
			in.Key = at.key()
		}
		list, err := d.core.Threads.Started(ctx, by, in)
		if out.list = list; len(list) == limit {
			out.cursor = cursorOf(list[limit-1].Parent.ID.String())
		}
		return out, err
	}
}

func encodeThreads(a *answer, p threadPageOf) {
	a.Entities()
	for i := range p.list {
		a.Open()
		threadMembers(a, &p.list[i])
		a.Close()
	}
	a.CloseList()
	threadCursor(a, p.cursor)
}

func encodeThreadIDs(a *answer, p threadPageOf) {
	a.Entities()
	for i := range p.list {
		a.Open()
		a.Text("id", p.list[i].Parent.ID.String())
		a.Close()
	}
	a.CloseList()
	threadCursor(a, p.cursor)
}

// lastOf is the last message of one thread.
type lastOf struct {
	id      string
	message *core.Message
	venue   *venue
}

// lastOfThreads reads the last message of several threads.
func (d *Dialect) lastOfThreads(ctx context.Context, by core.Actor, rq *adapters.Request) ([]lastOf, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return nil, err
	}
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	ids := r.Texts("threadIds", 20)
	if err := r.Err(); err != nil {
		return nil, err
	}
	var out []lastOf
	for _, id := range ids {
		th, err := d.core.Threads.Get(ctx, by, core.GetThread{Parent: id})
		if fault.IsReason(err, fault.ThreadNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		x := lastOf{id: id}
		if n := len(th.LatestReplies); n > 0 {
			x.message = &th.LatestReplies[n-1]
		}
		if x.venue, err = d.venueOf(ctx, t, &th.Channel); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

func encodeLastOfThreads(a *answer, list []lastOf) {
	a.Entities()
	for _, x := range list {
		a.Open()
		a.Text("thread_id", x.id)
		a.Object("last_message")
		if x.message != nil {
			a.Text("id", x.message.ID.String())
			a.Text("from", string(x.message.User))
			a.Text("to", x.id)
			a.Int64("timestamp", x.message.CreatedAt.UnixMilli())
			a.Raw("payload", payloadJSON(x.venue, x.message))
		}
		a.Close()
		a.Close()
	}
	a.CloseList()
}
