package stream

import (
	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Bounds of what a thread query may ask for along with each thread.
const (
	maxThreads            = 25
	maxThreadReplies      = 10
	maxThreadParticipants = 100
)

// decodeQueryThreads reads a search for threads.
func decodeQueryThreads(rq *adapters.Request) (core.QueryThreads, error) {
	r, err := actingPerson(rq)
	if err != nil {
		return core.QueryThreads{}, err
	}
	f, s, p, err := threadFilter.query(&r, "filter", maxThreads)
	if err != nil {
		return core.QueryThreads{}, err
	}
	in := core.QueryThreads{
		Filter: f, Sort: s, Page: p,
		ReplyLimit:       r.Int("reply_limit", 0, maxThreadReplies),
		ParticipantLimit: r.Int("participant_limit", 0, maxThreadParticipants),
		MemberLimit:      r.Int("member_limit", 0, 100),
		Watch:            r.Bool("watch") && rq.Caller().Connection != "",
	}
	return in, r.Err()
}

// encodeThreads answers a page of threads.
func (d *Dialect) encodeThreads(w *wire.Writer, rq *adapters.Request, out core.ThreadPage) {
	book := d.book(rq.Caller().App)
	w.List("threads")
	for i := range out.Threads {
		writeThread(w, &out.Threads[i], book, true)
	}
	w.CloseList()
	writeCursors(w, out.Next, out.Prev)
}

// decodeGetThread reads which thread, by its first message.
func decodeGetThread(rq *adapters.Request) (core.GetThread, error) {
	if err := behalf(rq, nil); err != nil {
		return core.GetThread{}, err
	}
	q := wire.QueryOf(rq)
	in := core.GetThread{
		Parent:           rq.Param("message_id"),
		ReplyLimit:       q.Int("reply_limit", 0, maxThreadReplies),
		ParticipantLimit: q.Int("participant_limit", 0, maxThreadParticipants),
		Watch:            q.Bool("watch") && rq.Caller().Connection != "",
	}
	return in, q.Err()
}

// encodeThread answers with one thread.
func (d *Dialect) encodeThread(w *wire.Writer, rq *adapters.Request, t core.Thread) {
	w.Key("thread")
	writeThread(w, &t, d.book(rq.Caller().App), true)
}

// decodePatchThread reads a change of the title and of custom fields.
func decodePatchThread(rq *adapters.Request) (core.PatchThread, error) {
	r, err := acting(rq)
	if err != nil {
		return core.PatchThread{}, err
	}
	unset := r.Texts("unset", 100)
	set, _ := r.Object("set")
	named, title := set.Has("title"), set.TextMax("title", 1000)
	for _, f := range set.Fields() {
		if f.Name != "title" && threadNames.Has(f.Name) {
			set.Fail(f.Name, "is a reserved field", fault.RequestInvalidField)
		}
	}
	extra := set.Rest(threadNames)
	in := core.PatchThread{Parent: rq.Param("message_id"), Change: func(t *string, x *core.Extra) error {
		if named {
			*t = title
		}
		for _, name := range unset {
			if name == "title" {
				*t = ""
			}
		}
		*x = mergeExtra(*x, extra, unset)
		return nil
	}}
	return in, r.Err()
}
