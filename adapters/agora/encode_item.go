package agora

import (
	"cmp"
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// fieldMetas is the number of syncDL.metas.
const fieldMetas = 4

// appendItem appends an encoded item to a syncDL.
func appendItem(b, x []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, fieldMetas, protowire.BytesType), x)
}

// serial makes the id of an item that the core has no number for: above all message ids and stamps,
// and never the same twice, since clients take two items of one id for one.
func (d *Dialect) serial() uint64 {
	return 1<<62 | uint64(d.now().UnixMilli())<<18&(1<<62-1) | uint64(d.serials.Add(1))&(1<<18-1) //nolint:gosec // after 1970
}

// millis is a time as the vendor writes it.
func millis(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) } //nolint:gosec // not negative

// Numbers of fields of msgBody that are changed in bytes otherwise left alone.
const (
	fieldBodyKind     = 1
	fieldBodyContents = 4
	fieldBodyExt      = 5
)

// metaBytes is a stored message as an item: what queues, and the history, carry. online is told in
// the item's own metadata.
func (d *Dialect) metaBytes(v *venue, m *core.Message, online *bool) []byte {
	k, _ := keptOf(m)
	x := item{id: uint64(m.ID), timestamp: millis(m.CreatedAt), ns: nsChat, payload: payloadOf(v, m)} //nolint:gosec // ids are positive
	x.from.v, x.to.v = v.user(m.User), v.target(m.User)
	x.from.v.resource = k.device
	if v.room() {
		x.ext = append(x.ext, keyValue{key: "chatroom_msg_tag", kind: some(kvInt), number: some(cmp.Or(k.tag, some(1)).v)})
	}
	if online != nil {
		x.meta = []byte(`{"is_online":0}`)
		if *online {
			x.meta = []byte(`{"is_online":1}`)
		}
	}
	return x.encode(make([]byte, 0, len(x.payload)+160))
}

// payloadOf is the message's body with what the server knows of it beside: edits and reactions.
func payloadOf(v *venue, m *core.Message) []byte {
	raw := rawOf(v, m)
	if about := aboutOf(v, m); about != nil {
		raw = protowire.AppendBytes(protowire.AppendTag(without(raw, fieldBodyMeta), fieldBodyMeta, protowire.BytesType), about)
	}
	return raw
}

// aboutOf is the JSON of a body's meta field; nil when there is nothing to say and the sender's own
// stays.
func aboutOf(v *venue, m *core.Message) []byte {
	k, _ := keptOf(m)
	changed := !m.EditedAt.IsZero() || k.edits > 0
	if !changed && len(m.Reactions) == 0 && v.thread == nil {
		return nil
	}
	w := wire.NewWriter(256)
	w.Open()
	if v.thread != nil {
		w.Object("thread")
		w.Text("msg_parent_id", v.thread.Parent.ID.String())
		w.Text("muc_parent_id", numberOf(v.c))
		w.Text("thread_name", threadName(v.thread))
		w.Close()
	}
	if changed {
		w.Key("edit_msg")
		writeEdit(w, v, m, m.User)
	}
	if len(m.Reactions) > 0 {
		w.List("reaction")
		for i := range m.Reactions {
			writeReaction(w, m, m.Reactions[i].Type, "", "")
		}
		w.CloseList()
	}
	w.Close()
	return w.Bytes()
}

// writeEdit writes what is told of an edit.
func writeEdit(w *wire.Writer, v *venue, m *core.Message, by core.UserID) {
	k, _ := keptOf(m)
	w.Open()
	w.Int("count", max(k.edits, 1))
	w.Text("operator", string(by))
	w.Int64("edit_time", editedAt(m).UnixMilli())
	w.Text("sender", string(m.User))
	w.Int64("send_time", m.CreatedAt.UnixMilli())
	w.Text("chat_type", v.chatType())
	w.Close()
}

// editedAt is when a message was changed last: its words, or what else it says.
func editedAt(m *core.Message) time.Time {
	if m.EditedAt.IsZero() {
		return m.UpdatedAt
	}
	return m.EditedAt
}

// writeReaction writes the reactions of one type; by and what name the change, if there was one.
func writeReaction(w *wire.Writer, m *core.Message, typ string, by core.UserID, what string) {
	count := 0
	for i := range m.Reactions {
		if m.Reactions[i].Type == typ {
			count = m.Reactions[i].Count
		}
	}
	w.Open()
	w.Text("reaction", typ)
	w.Int("count", count)
	w.Bool("state", slices.ContainsFunc(m.OwnReactions, func(r core.Reaction) bool { return r.Type == typ }))
	w.List("userList")
	for i := len(m.LatestReactions) - 1; i >= 0; i-- {
		if r := &m.LatestReactions[i]; r.Type == typ {
			w.Item(string(r.User))
		}
	}
	w.CloseList()
	if what != "" {
		w.List("op")
		w.Open()
		w.Text("operator", string(by))
		w.Text("reactionType", what)
		w.Close()
		w.CloseList()
	}
	w.Close()
}

// editBytes is an edit as an item of its own: the message's body as it is now, named as an edit.
func (d *Dialect) editBytes(v *venue, m *core.Message, by core.UserID, id uint64) []byte {
	w := wire.NewWriter(160)
	w.Open()
	w.Key("edit_msg")
	writeEdit(w, v, m, by)
	w.Close()
	raw := without(without(rawOf(v, m), fieldBodyMeta), fieldBodyKind)
	head := msgBody{kind: bodyEdit, editID: uint64(m.ID), editScope: 2, meta: string(w.Bytes())} //nolint:gosec // ids are positive
	raw = head.encode(raw)
	x := item{id: id, timestamp: millis(editedAt(m)), ns: nsChat, payload: raw}
	x.from.v, x.to.v = v.user(m.User), v.target(m.User)
	return x.encode(make([]byte, 0, len(raw)+160))
}

// ackBytes is an acknowledgement, or a recall, as an item.
func (d *Dialect) ackBytes(v *venue, kind int64, from, to core.UserID, of core.MessageID, id uint64, at time.Time, more func(*item, *msgBody)) []byte {
	target := v.target(from)
	if to != "" {
		target = v.user(to)
	}
	b := msgBody{kind: kind, ackID: uint64(of), contents: []content{{}}} //nolint:gosec // ids are positive
	b.from.v, b.to.v = &jid{name: string(from)}, &jid{name: target.name}
	x := item{id: id, timestamp: millis(at), ns: nsChat}
	x.from.v, x.to.v = v.user(from), target
	if more != nil {
		more(&x, &b)
	}
	x.payload = b.encode(nil)
	return x.encode(nil)
}

// notifyBytes is a NOTIFY item: its payload is JSON.
func (d *Dialect) notifyBytes(t *tenant, to core.UserID, id uint64, at time.Time, write func(*wire.Writer)) []byte {
	w := wire.NewWriter(256)
	w.Open()
	write(w)
	w.Close()
	x := item{id: id, timestamp: millis(at), ns: nsNotify, payload: w.Bytes()}
	x.from.v, x.to.v = t.user("admin"), t.user(to)
	return x.encode(nil)
}

// mucBytes is an event of a group or room as an item.
func (d *Dialect) mucBytes(v *venue, id uint64, at time.Time, viewer core.UserID, b *mucBody) []byte {
	b.muc.v, b.room = v.group(), v.room()
	x := item{id: id, timestamp: millis(at), ns: nsMUC, payload: b.encode(nil)}
	x.from.v, x.to.v = v.group(), v.user(viewer)
	return x.encode(nil)
}

// rosterBytes is an event of contacts as an item.
func (d *Dialect) rosterBytes(t *tenant, id uint64, at time.Time, op int, from, to core.UserID, reason string) []byte {
	b := rosterBody{op: always(op), reason: reason, to: []jid{*t.user(to)}}
	b.from.v = t.user(from)
	x := item{id: id, timestamp: millis(at), ns: nsRoster, payload: b.encode(nil)}
	x.from.v, x.to.v = t.user(from), t.user(to)
	return x.encode(nil)
}

// tell makes the items of an event for a connection; none when the vendor has nothing to say of it.
func (d *Dialect) tell(ctx context.Context, l *link, ev *core.Event, online bool) [][]byte {
	tell, ok := eventTable[ev.Kind]
	if !ok {
		return nil
	}
	x := &telling{d: d, ctx: ctx, t: l.t, ev: ev, viewer: l.by.User, device: l.device, online: online, id: uint64(ev.Stamp)} //nolint:gosec // stamps are positive
	if ev.Channel != nil {
		v, err := d.venueOf(ctx, l.t, ev.Channel)
		if err != nil {
			return nil
		}
		x.v = v
	}
	if x.id == 0 {
		x.id = d.serial()
	}
	tell(x)
	return x.out
}
