package sqlite

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// rowOf is the clustered key of the n-th message or event of a channel.
func rowOf(ch core.ChannelID, n int64) int64 { return int64(ch)<<31 | n }

// seqMask takes the number within the channel out of a clustered key.
const seqMask = 1<<31 - 1

// head returns the counters of a channel.
func (w *writer) head(app core.AppID, ch core.ChannelID) (*headOf, error) {
	h, ok := w.heads[ch]
	if !ok {
		st, err := w.c.prepare(`SELECT c.app, c.key, h.last_seq, h.last_ev, h.message_count, h.last_at,
			EXISTS (SELECT 1 FROM members m WHERE m.ch = c.id AND m.hidden_at IS NOT NULL), h.last_stamp
			FROM channels c JOIN heads h ON h.ch = c.id WHERE c.id = ?`)
		if err != nil {
			return nil, err
		}
		more, err := st.int(int64(ch)).step()
		if err != nil {
			return nil, err
		}
		if !more {
			return nil, fmt.Errorf("channel %d: %w", ch, store.ErrNotFound)
		}
		h = &headOf{
			app: core.AppID(st.colInt(0)), key: core.ChannelKey(st.colText(1)), seq: st.colInt(2), ev: st.colInt(3),
			count: st.colInt(4), lastAt: st.colInt(5), hidden: st.colInt(6) != 0,
			stamp: core.Stamp(st.colInt(7)),
		}
		st.reset()
		w.heads[ch] = h
	}
	if h.app != app {
		return nil, fmt.Errorf("channel %d: %w", ch, store.ErrNotFound)
	}
	return h, nil
}

// mark notes that the counters changed, to be written once at the end of the batch.
func (w *writer) mark(ch core.ChannelID, h *headOf) {
	if !h.dirty {
		h.dirty = true
		w.dirty = append(w.dirty, ch)
	}
}

// flush writes the counters and read positions gathered so far.
func (w *writer) flush() error {
	for _, ch := range w.dirty {
		h := w.heads[ch]
		st, err := w.c.prepare("UPDATE heads SET last_seq = ?, last_ev = ?, message_count = ?, last_at = ?, last_stamp = ? WHERE ch = ?")
		if err != nil {
			return err
		}
		if err := st.int(h.seq).int(h.ev).int(h.count).int(h.lastAt).int(int64(h.stamp)).int(int64(ch)).run(); err != nil {
			return err
		}
		h.dirty = false
	}
	w.dirty = w.dirty[:0]
	for p, r := range w.reads {
		st, err := w.c.prepare("UPDATE members SET read_seq = ?1, read_at = ?2, read_message = ?3 WHERE ch = ?4 AND user = ?5 AND read_seq < ?1")
		if err != nil {
			return err
		}
		if err := st.int(r.seq).int(r.at).int(int64(r.msg)).int(int64(p.ch)).text(string(p.user)).run(); err != nil {
			return err
		}
	}
	clear(w.reads)
	return nil
}

// append stores one message and what goes with it.
func (w *writer) append(in *store.Append) error {
	m := in.Message
	in.Duplicate, in.Parent = false, nil
	h, err := w.head(in.App, m.Channel)
	if err != nil {
		return err
	}
	e := &in.Event
	e.Channel, e.Kind = m.Channel, cmp.Or(e.Kind, core.MessageSent)
	e.Actor = cmp.Or(e.Actor, m.User)
	if e.At.IsZero() {
		e.At = m.CreatedAt
	}
	in.Settle(core.FromMillis(h.lastAt))
	plain := e.Kind == core.MessageSent && e.Payload == nil && e.Actor == m.User && millis(e.At) == millis(m.CreatedAt) &&
		m.ID == 0 // an id that was given may be an old one: the event has a stamp of its own then
	e.Ev = h.ev + 1
	ev := e.Ev
	if !plain {
		ev = 0
	}
	existing, parent, err := w.insertMessage(in.App, h, m, ev, !in.QuietChannel)
	if err != nil {
		return err
	}
	if existing != nil {
		e.Ev = 0
		in.Duplicate, in.Message = true, existing
		in.Channel = channelOf(m.Channel, h)
		return nil
	}
	in.Parent = parent
	e.Message = m.ID
	switch {
	case !plain:
		err = w.appendEvent(in.App, h, e, in.Outbox)
	default:
		h.ev++
		e.Stamp = core.Stamp(m.ID)
		h.stamp = e.Stamp
		if in.Outbox {
			err = w.appendOutbox(in.App, rowOf(m.Channel, ev), int64(m.ID), nil)
		}
	}
	if err != nil {
		return err
	}
	if in.MoveRead {
		w.reads[place{m.Channel, m.User}] = readPos{seq: m.Seq, at: millis(m.CreatedAt), msg: m.ID}
	}
	if in.Unhide && h.hidden {
		st, err := w.c.prepare("UPDATE members SET hidden_at = NULL WHERE ch = ? AND hidden_at IS NOT NULL")
		if err != nil {
			return err
		}
		if err := st.int(int64(m.Channel)).run(); err != nil {
			return err
		}
		h.hidden = false
	}
	in.Channel = channelOf(m.Channel, h)
	return nil
}

// channelOf is the part of a channel that an append knows.
func channelOf(ch core.ChannelID, h *headOf) core.Channel {
	return core.Channel{
		ID: ch, Key: h.key, LastSeq: h.seq, LastEv: h.ev, MessageCount: h.count, LastMessageAt: core.FromMillis(h.lastAt),
	}
}

// insertMessage does nothing when the alias is taken; any other conflict fails.
const insertMessage = `INSERT INTO messages (id, msg_id, app, ev, user, kind, flags, created_at, updated_at, text, alias, parent, body, extra,
	deleted_at, edited_at, reply_count, last_reply_at, participants, reactions, pinned_ch, pinned_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (alias, app) WHERE alias IS NOT NULL DO NOTHING`

// insertMessage numbers and stores a message and moves the counters of its channel and thread. ev is
// the number of its event, or 0 when that is a row of its own.
func (w *writer) insertMessage(app core.AppID, h *headOf, m *core.Message, ev int64, loud bool) (existing, parent *core.Message, err error) {
	if h.seq >= seqMask {
		return nil, nil, fmt.Errorf("channel %d holds %d messages, its maximum", m.Channel, h.seq)
	}
	given := m.ID
	if m.ID == 0 {
		m.ID = w.ids.next()
	}
	m.Seq, m.ChannelKey = h.seq+1, h.key
	st, err := w.c.prepare(insertMessage)
	if err != nil {
		return nil, nil, err
	}
	st.int(rowOf(m.Channel, m.Seq)).int(int64(m.ID)).int(int64(app)).intOrNull(ev)
	w.bindMessage(st, m)
	if err := st.run(); err != nil {
		if constraint(err) {
			return nil, nil, fmt.Errorf("message id %d is taken: %w", m.ID, err)
		}
		return nil, nil, err
	}
	if w.c.changed() == 0 {
		m.ID, m.Seq = given, 0
		found, err := w.tx.named(app, m.Alias)
		if err != nil {
			return nil, nil, err
		}
		return found, nil, nil
	}
	if given != 0 { // the search index finds new messages by rising id
		if int64(given) <= int64(w.ids.lastID()) {
			if err := w.reindex(rowOf(m.Channel, m.Seq)); err != nil {
				return nil, nil, err
			}
		}
		w.ids.seen(given)
	}
	h.seq++
	h.count++
	if loud {
		h.lastAt = max(h.lastAt, millis(m.CreatedAt))
	}
	w.mark(m.Channel, h)
	if err := w.author(app, m.Channel, m.User); err != nil {
		return nil, nil, err
	}
	if m.Parent != 0 {
		parent, err = w.replied(app, m)
	}
	return nil, parent, err
}

// bindMessage binds what PutMessage may change, in the order of the columns from user on.
func (w *writer) bindMessage(st *stmt, m *core.Message) {
	st.text(string(m.User))
	if m.Kind == core.MessageRegular || m.Kind == "" {
		st.null()
	} else {
		st.text(string(m.Kind))
	}
	created, updated := millis(m.CreatedAt), millis(m.UpdatedAt)
	st.int(codec.Flags(m)).int(created)
	if updated == created {
		st.null()
	} else {
		st.int(updated)
	}
	st.textOrNull(m.Text).textOrNull(m.Alias).intOrNull(int64(m.Parent))
	w.buf = codec.AppendBody(w.buf[:0], m)
	st.json(w.buf).json(m.Extra)
	st.intOrNull(millis(m.DeletedAt)).intOrNull(millis(m.EditedAt)).intOrNull(int64(m.ReplyCount)).intOrNull(millis(m.LastReplyAt))
	w.buf = codec.AppendTexts(w.buf[:0], m.Participants)
	st.json(w.buf)
	if len(m.Reactions) == 0 {
		st.null()
	} else {
		b, _ := json.Marshal(m.Reactions) // plain fields: cannot fail
		st.json(b)
	}
	if m.Pinned {
		st.int(int64(m.Channel))
	} else {
		st.null()
	}
	st.intOrNull(millis(m.PinnedAt))
}

// author remembers that the person wrote in the channel.
func (w *writer) author(app core.AppID, ch core.ChannelID, user core.UserID) error {
	p := place{ch, user}
	if _, ok := w.authors[p]; ok {
		return nil
	}
	st, err := w.c.prepare("INSERT INTO authors (app, user, ch) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
	if err != nil {
		return err
	}
	if err := st.int(int64(app)).text(string(user)).int(int64(ch)).run(); err != nil {
		return err
	}
	w.authors[p] = struct{}{}
	return nil
}

// replied moves the reply count of a thread's first message.
func (w *writer) replied(app core.AppID, m *core.Message) (*core.Message, error) {
	found, err := w.tx.messages(app, []core.MessageID{m.Parent})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	p := &found[0]
	p.ReplyCount++
	if m.CreatedAt.After(p.LastReplyAt) {
		p.LastReplyAt = core.FromMillis(millis(m.CreatedAt))
	}
	if len(p.Participants) < codec.MaxParticipants && !slices.Contains(p.Participants, m.User) {
		p.Participants = append(p.Participants, m.User)
	}
	st, err := w.c.prepare("UPDATE messages SET reply_count = ?, last_reply_at = ?, participants = ? WHERE id = ?")
	if err != nil {
		return nil, err
	}
	w.buf = codec.AppendTexts(w.buf[:0], p.Participants)
	st.int(int64(p.ReplyCount)).int(millis(p.LastReplyAt)).json(w.buf).int(rowOf(p.Channel, p.Seq))
	return p, st.run()
}

// appendEvent numbers and stores an event.
func (w *writer) appendEvent(app core.AppID, h *headOf, e *store.EventRow, outbox bool) error {
	st, err := w.c.prepare("INSERT INTO events (id, kind, at, actor, message, payload, stamp) VALUES (?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	e.Ev, e.Stamp = h.ev+1, core.Stamp(w.ids.next())
	row := rowOf(e.Channel, e.Ev)
	st.int(row).text(string(e.Kind)).int(millis(e.At)).textOrNull(string(e.Actor)).intOrNull(int64(e.Message)).json(e.Payload).int(int64(e.Stamp))
	if err := st.run(); err != nil {
		return err
	}
	h.ev++
	h.stamp = e.Stamp
	w.mark(e.Channel, h)
	if outbox {
		return w.appendOutbox(app, row, 0, nil)
	}
	return nil
}

// appendOutbox queues a stored event, that of a message, or a whole one.
func (w *writer) appendOutbox(app core.AppID, event, message int64, payload []byte) error {
	st, err := w.c.prepare("INSERT INTO outbox (id, app, event, message, payload) VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	if err := st.int(w.outbox + 1).int(int64(app)).intOrNull(event).intOrNull(message).json(payload).run(); err != nil {
		return err
	}
	w.outbox++
	return nil
}

// reindex asks the search index to look at a message row again.
func (w *writer) reindex(row int64) error {
	st, err := w.c.prepare("INSERT INTO reindex (row) VALUES (?)")
	if err != nil {
		return err
	}
	return st.int(row).run()
}
