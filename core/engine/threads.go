package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

type threads struct{ e *Engine }

// Limits of threads.
const (
	threadsListed    = 10
	maxThreadsListed = 25
	repliesShown     = 2
	maxRepliesShown  = 10
	peopleShown      = 10
	maxPeopleShown   = 100
	maxUnreadThreads = 100
	maxTitle         = 255
)

// threadMeta is what a thread has of its own, beside its first message.
type threadMeta struct {
	Title     string     `json:"title,omitempty"`
	Extra     core.Extra `json:"extra,omitempty"`
	UpdatedAt time.Time  `json:"updated_at,omitzero"`

	Owner     core.UserID     `json:"owner,omitempty"` // of a started thread
	Key       core.ChannelKey `json:"key,omitempty"`
	StartedAt time.Time       `json:"started_at,omitzero"`
}

// threadRead is how far a person has read a thread.
type threadRead struct {
	Seq     int64          `json:"seq"`
	At      time.Time      `json:"at"`
	Message core.MessageID `json:"message,omitempty"`
}

// threadRead reads how far a person has read a thread; zero if never.
func (e *Engine) threadRead(ctx context.Context, app core.AppID, user core.UserID, parent core.MessageID) (threadRead, error) {
	r, _, err := record[threadRead](ctx, e.store, app, spaceThreadReads, threadReadKey(user, parent))
	return r, err
}

// unreadThreads lists the threads a person takes part in that have replies of others they have not
// read, latest first.
func (e *Engine) unreadThreads(ctx context.Context, app core.AppID, user core.UserID) ([]core.UnreadThread, error) {
	ps, err := e.store.FindThreads(ctx, app, store.Query{Viewer: user, Limit: maxUnreadThreads, Sort: []core.Sort{{Field: "last_message_at", Desc: true}}})
	if err != nil {
		return nil, err
	}
	var out []core.UnreadThread
	for i := range ps {
		p := &ps[i]
		r, err := e.threadRead(ctx, app, user, p.ID)
		if err != nil {
			return nil, err
		}
		n, err := e.unreadReplies(ctx, app, user, p, r)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, core.UnreadThread{Parent: p.ID, ParentAlias: p.Alias, Count: n, LastRead: r.At, LastReadID: r.Message})
		}
	}
	return out, nil
}

// unreadReplies counts the replies of others after a read position. Who replies has read what was
// there.
func (e *Engine) unreadReplies(ctx context.Context, app core.AppID, user core.UserID, p *core.Message, r threadRead) (int, error) {
	if !r.At.IsZero() && !p.LastReplyAt.After(r.At) {
		return 0, nil
	}
	ms, err := e.store.RangeMessages(ctx, app, store.Range{
		Channel: p.Channel, Parent: p.ID, Above: r.Seq, Newest: true, Limit: maxUnreadThreads, Viewer: user,
	})
	if err != nil {
		return 0, err
	}
	n := 0
	for i := range ms {
		switch {
		case ms[i].User == user:
			n = 0
		case ms[i].DeletedAt.IsZero() && !ms[i].Silent:
			n++
		}
	}
	return n, nil
}

// Query lists the threads the actor takes part in.
func (s threads) Query(ctx context.Context, by core.Actor, in core.QueryThreads) (core.ThreadPage, error) {
	e := s.e
	const op = "threads.query"
	var out core.ThreadPage
	if err := needUser(by); err != nil {
		return out, translate(op, err)
	}
	limit, err := pageLimit(in.Page, threadsListed, maxThreadsListed)
	if err != nil {
		return out, translate(op, err)
	}
	offset := in.Page.Offset
	if in.Page.Cursor != "" {
		if offset, err = offsetCursor(in.Page.Cursor); err != nil {
			return out, translate(op, err)
		}
	}
	if len(in.Sort) == 0 {
		in.Sort = []core.Sort{{Field: "last_message_at", Desc: true}}
	}
	ps, err := e.store.FindThreads(ctx, by.App, store.Query{Filter: in.Filter, Sort: in.Sort, Limit: limit + 1, Offset: offset, Viewer: by.User})
	if err != nil {
		return out, translate(op, err)
	}
	if len(ps) > limit {
		ps = ps[:limit]
		out.Next = cursorOffset(offset + limit)
	}
	if offset > 0 {
		out.Prev = cursorOffset(max(0, offset-limit))
	}
	for i := range ps {
		t, err := s.build(ctx, by, &ps[i], in.ReplyLimit, in.ParticipantLimit, in.Watch)
		if fault.IsReason(err, fault.PermissionDenied) || fault.IsReason(err, fault.GroupNotFound) {
			continue // no longer the actor's to see
		}
		if err != nil {
			return out, translate(op, err)
		}
		out.Threads = append(out.Threads, t)
	}
	return out, nil
}

// Get reads one thread.
func (s threads) Get(ctx context.Context, by core.Actor, in core.GetThread) (core.Thread, error) {
	const op = "threads.get"
	m, err := s.parent(ctx, by, in.Parent)
	if err != nil {
		return core.Thread{}, translate(op, err)
	}
	t, err := s.build(ctx, by, m, in.ReplyLimit, in.ParticipantLimit, in.Watch)
	return t, translate(op, err)
}

// parent reads the first message of a thread; thread.not_found if it has no replies.
func (s threads) parent(ctx context.Context, by core.Actor, name string) (*core.Message, error) {
	m, err := s.e.messageNamed(ctx, by.App, name)
	if err == nil && m.ReplyCount == 0 {
		meta, _, err := record[threadMeta](ctx, s.e.store, by.App, spaceThreads, m.ID.String())
		if err != nil {
			return nil, err
		}
		if meta.Owner != "" {
			return m, nil
		}
	}
	if fault.IsReason(err, fault.MessageNotFound) || err == nil && m.ReplyCount == 0 {
		return nil, fault.ThreadNotFound.Error(fmt.Sprintf("Thread with id %q does not exist", cut(name)))
	}
	return m, err
}

// build reads what belongs to a thread as the actor sees it.
func (s threads) build(ctx context.Context, by core.Actor, p *core.Message, replies, people int, watch bool) (core.Thread, error) {
	e := s.e
	var t core.Thread
	replies, people = cmp.Or(replies, repliesShown), cmp.Or(people, peopleShown)
	if replies < 0 || replies > maxRepliesShown || people < 0 || people > maxPeopleShown {
		return t, fault.RequestInvalidField.Error(fmt.Sprintf("reply_limit is at most %d and participant_limit at most %d", maxRepliesShown, maxPeopleShown))
	}
	cs, err := e.store.Channels(ctx, by.App, []core.ChannelID{p.Channel})
	if err != nil {
		return t, err
	}
	if len(cs) == 0 || !cs[0].DeletedAt.IsZero() {
		return t, noChannel(p.ChannelKey)
	}
	sc, err := e.sceneOf(ctx, by, &cs[0])
	if err != nil {
		return t, err
	}
	if err := e.can(sc, perm.ReadChannel, sc.owns()); err != nil {
		return t, err
	}
	if !canSee(p, by) {
		return t, fault.ThreadNotFound.Error(fmt.Sprintf("Thread with id %q does not exist", cut(p.Name())))
	}
	if watch {
		conn, err := e.connection(ctx, by, "")
		if err == nil {
			err = conn.watch(ctx, sc)
		}
		if err != nil {
			return t, err
		}
	}
	latest, err := e.store.RangeMessages(ctx, by.App, store.Range{
		Channel: p.Channel, Parent: p.ID, Newest: true, Limit: replies, Viewer: by.User, Hidden: by.Server() && by.User == "",
	})
	if err != nil {
		return t, err
	}
	if err := e.resolve(ctx, by.App, by.User, latest); err != nil {
		return t, err
	}
	head := []core.Message{*p}
	if err := e.resolve(ctx, by.App, by.User, head); err != nil {
		return t, err
	}
	meta, _, err := record[threadMeta](ctx, e.store, by.App, spaceThreads, p.ID.String())
	if err != nil {
		return t, err
	}
	t = core.Thread{
		Parent: head[0], Channel: *sc.channel, Config: *sc.config, Title: meta.Title, Extra: meta.Extra, CreatedBy: head[0].Author,
		LatestReplies: latest, ReplyCount: p.ReplyCount, ParticipantCount: len(p.Participants), LastMessageAt: p.LastReplyAt,
		CreatedAt: p.CreatedAt, UpdatedAt: later(meta.UpdatedAt, p.UpdatedAt, p.LastReplyAt),
		Owner: meta.Owner, StartedAt: meta.StartedAt,
	}
	if meta.Owner != "" {
		in, err := e.threadPeople(ctx, e.store, by.App, p.ID)
		if err != nil {
			return t, err
		}
		t.People = len(in)
	}
	if err := s.people(ctx, by, p, people, &t); err != nil {
		return t, err
	}
	if by.User != "" {
		t.Draft, err = e.draftOf(ctx, by.App, by.User, sc.channel.Key, p.Name())
	}
	return t, err
}

func later(ts ...time.Time) time.Time {
	var out time.Time
	for _, t := range ts {
		if t.After(out) {
			out = t
		}
	}
	return out
}

// people fills in who takes part in a thread, and how far they have read it.
func (s threads) people(ctx context.Context, by core.Actor, p *core.Message, limit int, t *core.Thread) error {
	e := s.e
	ids := append([]core.UserID{p.User}, p.Participants...)
	users, err := e.usersByID(ctx, by.App, ids)
	if err != nil {
		return err
	}
	seen := map[core.UserID]bool{}
	for _, id := range ids {
		u := users[id]
		if u == nil || seen[id] {
			continue
		}
		seen[id] = true
		r, err := e.threadRead(ctx, by.App, id, p.ID)
		if err != nil {
			return err
		}
		n, err := e.unreadReplies(ctx, by.App, id, p, r)
		if err != nil {
			return err
		}
		if len(t.Participants) < limit {
			t.Participants = append(t.Participants, core.ThreadParticipant{User: *u, CreatedAt: p.CreatedAt, LastRead: r.At})
		}
		t.Reads = append(t.Reads, core.Read{User: *u, Seq: r.Seq, At: r.At, Message: r.Message, Unread: n})
	}
	t.ParticipantCount = len(seen)
	t.ActiveCount = t.ParticipantCount
	return nil
}

// Patch changes title and custom fields of a thread.
func (s threads) Patch(ctx context.Context, by core.Actor, in core.PatchThread) (core.Thread, error) {
	e := s.e
	const op = "threads.patch"
	m, err := s.parent(ctx, by, in.Parent)
	if err != nil {
		return core.Thread{}, translate(op, err)
	}
	out, err := s.build(ctx, by, m, 0, 0, false)
	if err != nil {
		return out, translate(op, err)
	}
	cs, err := e.enter(ctx, by, out.Channel.Key)
	if err == nil {
		err = e.can(cs, perm.CreateMessage, cs.owns())
	}
	if err == nil && out.Owner != "" {
		err = e.tendsThread(cs, out.Owner)
	}
	if err != nil {
		return out, translate(op, err)
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		meta, _, err := record[threadMeta](ctx, t, by.App, spaceThreads, m.ID.String())
		if err != nil {
			return err
		}
		if in.Change != nil {
			if err := in.Change(&meta.Title, &meta.Extra); err != nil {
				return err
			}
		}
		if len(meta.Title) > maxTitle || len(meta.Extra) > maxCustom {
			return fault.RequestFieldTooLong.Error("the title or the custom data of the thread is too long")
		}
		meta.UpdatedAt = e.now()
		out.Title, out.Extra, out.UpdatedAt = meta.Title, meta.Extra, meta.UpdatedAt
		if err := putJSON(t, spaceThreads, m.ID.String(), &meta); err != nil {
			return err
		}
		told := out
		told.Draft = nil
		return t.emit(&core.Event{Kind: core.ThreadUpdated, Channel: cs.channel, Config: cs.config, User: e.seen(by.App, cs.user), Thread: &told})
	})
	return out, err
}
