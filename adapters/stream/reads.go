package stream

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// readRoutes are the operations on read and delivered state.
func (d *Dialect) readRoutes() []adapters.Route {
	rs := d.core.Reads
	return []adapters.Route{
		op(d, "POST", "/channels/:type/:id/read", "MarkRead", decodeMarkRead, rs.Mark, d.encodeMarked),
		op(d, "POST", "/channels/:type/:id/unread", "MarkUnread", decodeMarkUnread, rs.Unmark, writeNothing[core.MarkedRead]),
		op(d, "POST", "/channels/read", "MarkChannelsRead", decodeMarkAll, rs.MarkAll, d.encodeMarked),
		op(d, "POST", "/channels/delivered", "MarkDelivered", decodeDelivered, rs.Delivered, writeNothing[core.Counts]),
		op(d, "GET", "/unread", "UnreadCounts", decodeUnread, rs.Unread, encodeUnread),
		op(d, "POST", "/unread_batch", "UnreadCountsBatch", decodeUnreadBatch, d.unreadBatch, encodeUnreadBatch).Gated(adapters.GateServer),
	}
}

// encodeMarked writes the event that tells of a move of the read position.
func (d *Dialect) encodeMarked(w *wire.Writer, _ *adapters.Request, m core.MarkedRead) {
	if m.Event == nil || m.Event.Kind != core.ReadMoved {
		return
	}
	w.Key("event")
	w.Value(d.event(m.Event, eventTable[core.ReadMoved].watcher, &m.Counts))
}

func decodeMarkRead(rq *adapters.Request) (core.MarkRead, error) {
	in := core.MarkRead{Key: keyParam(rq)}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.Message, in.Thread = r.Text("message_id"), r.Text("thread_id")
	return in, firstErr(r.Err(), behalf(rq, &r))
}

func decodeMarkUnread(rq *adapters.Request) (core.MarkUnread, error) {
	in := core.MarkUnread{Key: keyParam(rq)}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.Message, in.Thread, in.At = r.Text("message_id"), r.Text("thread_id"), r.Time("message_timestamp")
	if in.Message == "" && in.Thread == "" && in.At.IsZero() {
		r.Fail("message_id", "or thread_id or message_timestamp must be given", fault.RequestMissingField)
	}
	return in, firstErr(r.Err(), behalf(rq, &r))
}

func decodeMarkAll(rq *adapters.Request) (core.MarkAllRead, error) {
	var in core.MarkAllRead
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	if m, ok := r.Object("read_by_channel"); ok {
		in.Keys = make(map[core.ChannelKey]string, len(m.Fields()))
		for _, f := range m.Fields() {
			k, ok := keyOfCID(f.Name)
			if !ok {
				m.Fail(f.Name, "must be a cid (type:id)", fault.RequestInvalidField)
			}
			in.Keys[k] = m.AsText(f.Name, f.Value)
		}
	}
	return in, firstErr(r.Err(), behalf(rq, &r))
}

func decodeDelivered(rq *adapters.Request) (core.MarkDelivered, error) {
	var in core.MarkDelivered
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	r.EachObject("latest_delivered_messages", maxMembers, func(_ int, o *wire.Reader) {
		k, ok := keyOfCID(o.Need("cid"))
		if !ok {
			o.Fail("cid", "must be a cid (type:id)", fault.RequestInvalidField)
		}
		in.Latest = append(in.Latest, core.DeliveredUpTo{Key: k, Message: o.Need("id")})
	})
	return in, firstErr(r.Err(), behalf(rq, &r))
}

func decodeUnread(rq *adapters.Request) (core.GetUnread, error) {
	err := behalf(rq, nil)
	by := rq.Actor(rq.Caller())
	if err == nil && by.User == "" {
		err = fault.RequestMissingField.Error("user_id is a required field when using server side auth")
	}
	return core.GetUnread{User: by.User}, err
}

// encodeUnread writes unread counts in detail.
func encodeUnread(w *wire.Writer, _ *adapters.Request, u core.Unread) { unreadMembers(w, &u) }

func unreadMembers(w *wire.Writer, u *core.Unread) {
	w.Int("total_unread_count", u.Counts.Messages)
	w.Int("total_unread_threads_count", u.Counts.Threads)
	w.List("channels")
	for i := range u.Channels {
		c := &u.Channels[i]
		w.Open()
		w.Text("channel_id", cidOf(c.Key))
		w.Int("unread_count", c.Count)
		w.Time("last_read", orNow(c.LastRead, epoch))
		w.Close()
	}
	w.CloseList()
	w.List("channel_type")
	for _, t := range byType(u.Channels) {
		w.Open()
		w.Text("channel_type", t.name)
		w.Int("channel_count", t.channels)
		w.Int("unread_count", t.messages)
		w.Close()
	}
	w.CloseList()
	w.List("threads")
	for i := range u.Threads {
		t := &u.Threads[i]
		w.Open()
		w.Text("parent_message_id", messageName(t.Parent, t.ParentAlias))
		w.Int("unread_count", t.Count)
		w.Time("last_read", orNow(t.LastRead, epoch))
		w.Text("last_read_message_id", messageName(t.LastReadID, ""))
		w.Close()
	}
	w.CloseList()
}

// typeCount sums the unread channels of one type.
type typeCount struct {
	name               string
	channels, messages int
}

// byType sums unread channels by type, in order of appearance.
func byType(cs []core.UnreadChannel) []typeCount {
	var out []typeCount
next:
	for i := range cs {
		name := orElse(cs[i].Type, core.DefaultType)
		for j := range out {
			if out[j].name == name {
				out[j].channels++
				out[j].messages += cs[i].Count
				continue next
			}
		}
		out = append(out, typeCount{name, 1, cs[i].Count})
	}
	return out
}

// unreadBatchRequest asks for the counts of several people.
type unreadBatchRequest struct{ users []core.UserID }

// userUnread is one person's counts.
type userUnread struct {
	user   core.UserID
	unread core.Unread
}

func decodeUnreadBatch(rq *adapters.Request) (unreadBatchRequest, error) {
	var in unreadBatchRequest
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.users = ids(r.Texts("user_ids", maxUsers))
	if len(in.users) == 0 {
		r.Fail("user_ids", "is a required field", fault.RequestMissingField)
	}
	return in, r.Err()
}

func (d *Dialect) unreadBatch(ctx context.Context, by core.Actor, in unreadBatchRequest) ([]userUnread, error) {
	out := make([]userUnread, 0, len(in.users))
	for _, u := range in.users {
		x, err := d.core.Reads.Unread(ctx, by.As(u), core.GetUnread{User: u})
		if fault.IsReason(err, fault.UserNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, userUnread{u, x})
	}
	return out, nil
}

func encodeUnreadBatch(w *wire.Writer, _ *adapters.Request, us []userUnread) {
	w.Object("counts_by_user")
	for i := range us {
		w.KeyOf(string(us[i].user))
		w.Open()
		unreadMembers(w, &us[i].unread)
		w.Close()
	}
	w.Close()
}
