package agora

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// threadName is what a thread is called: its title, or the beginning of what it is about.
func threadName(t *core.Thread) string { return orElse(t.Title, clip(t.Parent.Text)) }

// thread reads the thread that a reply belongs to, once for everybody who is told.
func (x *telling) thread(m *core.Message) *core.Thread {
	return core.Encoded(x.ev, "agora.thread", func(*core.Event) *core.Thread {
		t, err := x.d.core.Threads.Get(x.ctx, server(x.t.id), core.GetThread{Parent: m.Parent.String()})
		if err != nil {
			return nil
		}
		return &t
	})
}

// threadNotice adds what is told of a thread to the members of its group.
func (x *telling) threadNotice(operation string, t *core.Thread, more func(*wire.Writer)) {
	x.notify("thread", func(w *wire.Writer) {
		w.Object("data")
		w.Text("operation", operation)
		w.Text("id", t.Parent.ID.String())
		w.Text("name", threadName(t))
		w.Text("muc_parent_id", numberOf(x.v.c))
		w.Text("msg_parent_id", t.Parent.ID.String())
		w.Int64("timestamp", x.ev.At.UnixMilli())
		w.Text("from", string(x.actor()))
		w.Int("message_count", t.ReplyCount)
		if more != nil {
			more(w)
		}
		w.Close()
	})
}

// grown tells the group of a new message in a thread.
func (x *telling) grown(t *core.Thread, m *core.Message) {
	if t == nil || t.StartedAt.IsZero() || m.User == x.viewer {
		return
	}
	x.threadNotice("update_msg", t, func(w *wire.Writer) {
		v := x.v.within(t)
		w.Object("last_message")
		w.Text("id", m.ID.String())
		w.Text("from", string(m.User))
		w.Text("to", v.to(m.User)+"@"+domainGroup)
		w.Int64("timestamp", m.CreatedAt.UnixMilli())
		w.Raw("payload", payloadJSON(v, m))
		w.Close()
	})
}

// startedThread reads the thread of an event of one that was started, for groups.
func (x *telling) startedThread() *core.Thread {
	t := x.ev.Thread
	if t == nil || x.v == nil || x.v.direct() || t.StartedAt.IsZero() {
		return nil
	}
	return t
}

// threadMUC adds an event of a thread that is told as one of a group.
func (x *telling) threadMUC(op int, t *core.Thread, whom core.UserID) {
	x.add(func(id uint64) []byte {
		b := mucBody{op: always(op), thread: true, name: threadName(t), to: manyJID{*x.v.user(whom)}}
		b.muc.v = &jid{appKey: x.t.key(), name: t.Parent.ID.String(), domain: domainGroup}
		b.parent.v, b.from.v = x.v.group(), x.v.user(x.actor())
		it := item{id: id, timestamp: millis(x.ev.At), ns: nsMUC, payload: b.encode(nil)}
		it.from.v, it.to.v = x.v.group(), x.v.user(x.viewer)
		return it.encode(nil)
	})
}

// mine reports whether the viewer did it with another device.
func (x *telling) mine() bool { return x.actor() == x.viewer && !x.own() }

func (x *telling) threadStarted() {
	t := x.startedThread()
	switch {
	case t == nil:
	case x.mine():
		x.threadMUC(mucThreadMade, t, x.viewer)
	case !x.own():
		x.threadNotice("create", t, nil)
	}
}

func (x *telling) threadRenamed() {
	t := x.startedThread()
	switch {
	case t == nil:
	case x.mine():
		x.threadMUC(mucThreadUpdate, t, x.viewer)
	case !x.own():
		x.threadNotice("update", t, nil)
	}
}

func (x *telling) threadClosed() {
	t := x.startedThread()
	switch {
	case t == nil:
	case x.mine():
		x.threadMUC(mucThreadGone, t, x.viewer)
	case !x.own():
		x.threadNotice("delete", t, nil)
	}
}

func (x *telling) threadEntered() {
	if t := x.startedThread(); t != nil && x.target() == x.viewer && !x.own() {
		x.threadMUC(mucThreadJoin, t, x.viewer)
	}
}

func (x *telling) threadLeft() {
	t := x.startedThread()
	switch {
	case t == nil || x.target() != x.viewer:
	case x.actor() != x.viewer:
		x.threadMUC(mucThreadKick, t, x.viewer)
	case !x.own():
		x.threadMUC(mucThreadLeave, t, x.viewer)
	}
}
