package postgres

import (
	"cmp"
	"slices"

	"github.com/jackc/pgx/v5"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// row is a message as its columns hold it.
type row struct {
	person, kind, text, alias                                                      string
	flags, created, updated, parent, deleted, edited, replies, lastReply, pinnedAt int64
	body, extra, participants, reactions                                           []byte
}

// rowOf makes the columns of a message.
func rowOf(m *core.Message) row {
	r := row{
		person: enc(m.User), kind: enc(m.Kind), text: enc(m.Text), alias: enc(m.Alias), flags: codec.Flags(m),
		created: millis(m.CreatedAt), updated: millis(m.UpdatedAt), parent: int64(m.Parent), deleted: millis(m.DeletedAt), edited: millis(m.EditedAt),
		replies: int64(m.ReplyCount), lastReply: millis(m.LastReplyAt), pinnedAt: millis(m.PinnedAt),
		body: doc(codec.AppendBody(nil, m)), extra: doc(m.Extra), participants: doc(codec.AppendTexts(nil, m.Participants)),
	}
	if m.Kind == core.MessageRegular {
		r.kind = ""
	}
	if len(m.Reactions) > 0 {
		r.reactions = doc(codec.Encode(m.Reactions))
	}
	return r
}

// inserts gathers the rows of a transaction by table: one statement for each, whatever their number.
type inserts struct {
	msg struct {
		ch, seq, id, app, ev                                                           []int64
		person, kind, text, alias                                                      []string
		flags, created, updated, parent, deleted, edited, replies, lastReply, pinnedAt []int64
		body, extra, participants, reactions                                           [][]byte
		pinned                                                                         []bool
	}
	ev struct {
		ch, ev, at, message, stamp []int64
		kind, actor                []string
		payload                    [][]byte
	}
	out  struct{ id, app, ch, ev, message []int64 }
	auth struct {
		app, ch []int64
		person  []string
	}
	read struct {
		ch, seq, at, msg []int64
		person           []string
	}
	par struct {
		ch, seq, replies, last []int64
		participants           [][]byte
	}
	unhide, reindex []int64
}

// message adds a message; ev is the number of its event, or 0 when that is a row of its own.
func (in *inserts) message(app core.AppID, m *core.Message, ev int64) {
	r, t := rowOf(m), &in.msg
	t.ch, t.seq, t.id, t.app, t.ev = append(t.ch, int64(m.Channel)), append(t.seq, m.Seq), append(t.id, int64(m.ID)), append(t.app, int64(app)), append(t.ev, ev)
	t.person, t.kind, t.text, t.alias = append(t.person, r.person), append(t.kind, r.kind), append(t.text, r.text), append(t.alias, r.alias)
	t.flags, t.created, t.updated, t.parent = append(t.flags, r.flags), append(t.created, r.created), append(t.updated, r.updated), append(t.parent, r.parent)
	t.deleted, t.edited, t.replies = append(t.deleted, r.deleted), append(t.edited, r.edited), append(t.replies, r.replies)
	t.lastReply, t.pinnedAt, t.pinned = append(t.lastReply, r.lastReply), append(t.pinnedAt, r.pinnedAt), append(t.pinned, m.Pinned)
	t.body, t.extra = append(t.body, r.body), append(t.extra, r.extra)
	t.participants, t.reactions = append(t.participants, r.participants), append(t.reactions, r.reactions)
}

// event numbers and adds an event.
func (in *inserts) event(app core.AppID, h *head, e *store.EventRow, s core.Stamp, outbox bool) {
	h.ev++
	h.stamp, h.dirty = s, true
	e.Ev, e.Stamp = h.ev, s
	t := &in.ev
	t.ch, t.ev, t.at = append(t.ch, int64(e.Channel)), append(t.ev, e.Ev), append(t.at, millis(e.At))
	t.message, t.stamp = append(t.message, int64(e.Message)), append(t.stamp, int64(s))
	t.kind, t.actor, t.payload = append(t.kind, enc(e.Kind)), append(t.actor, enc(e.Actor)), append(t.payload, doc(e.Payload))
	if outbox {
		in.outbox(app, e, 0)
	}
}

// outbox queues an event for hooks; message is set when it has no row of its own.
func (in *inserts) outbox(app core.AppID, e *store.EventRow, message core.MessageID) {
	t := &in.out
	t.id, t.app, t.ch = append(t.id, int64(e.Stamp)), append(t.app, int64(app)), append(t.ch, int64(e.Channel))
	t.ev, t.message = append(t.ev, e.Ev), append(t.message, int64(message))
}

// author remembers that a person wrote in a channel.
func (in *inserts) author(app core.AppID, ch core.ChannelID, user core.UserID) {
	in.auth.app, in.auth.ch, in.auth.person = append(in.auth.app, int64(app)), append(in.auth.ch, int64(ch)), append(in.auth.person, enc(user))
}

// readPos moves a read position; of several of one person the last counts.
func (in *inserts) readPos(m *core.Message) {
	t, person := &in.read, enc(m.User)
	i := 0
	for i < len(t.ch) && (t.ch[i] != int64(m.Channel) || t.person[i] != person) {
		i++
	}
	if i == len(t.ch) {
		t.ch, t.person = append(t.ch, int64(m.Channel)), append(t.person, person)
		t.seq, t.at, t.msg = append(t.seq, 0), append(t.at, 0), append(t.msg, 0)
	}
	t.seq[i], t.at[i], t.msg[i] = m.Seq, millis(m.CreatedAt), int64(m.ID)
}

// parent writes the reply count of a thread's first message.
func (in *inserts) parent(p *core.Message) {
	t := &in.par
	i := 0
	for i < len(t.ch) && (t.ch[i] != int64(p.Channel) || t.seq[i] != p.Seq) {
		i++
	}
	if i == len(t.ch) {
		t.ch, t.seq = append(t.ch, int64(p.Channel)), append(t.seq, p.Seq)
		t.replies, t.last, t.participants = append(t.replies, 0), append(t.last, 0), append(t.participants, nil)
	}
	t.replies[i], t.last[i], t.participants[i] = int64(p.ReplyCount), millis(p.LastReplyAt), doc(codec.AppendTexts(nil, p.Participants))
}

// replied moves the reply count of a thread's first message.
func replied(p, m *core.Message) {
	p.ReplyCount++
	if m.CreatedAt.After(p.LastReplyAt) {
		p.LastReplyAt = core.FromMillis(millis(m.CreatedAt))
	}
	if len(p.Participants) < codec.MaxParticipants && !slices.Contains(p.Participants, m.User) {
		p.Participants = append(p.Participants, m.User)
	}
}

// The statements of inserts.
const (
	putMessages = `INSERT INTO messages (ch, seq, msg_id, app, ev, person, kind, body_text, alias, flags, created_at, updated_at, parent, deleted_at,
		edited_at, reply_count, last_reply_at, pinned_at, body, extra, participants, reactions, pinned)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
		$10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
		$19::json[], $20::json[], $21::json[], $22::json[], $23::boolean[])`
	putEvents = `INSERT INTO events (ch, ev, kind, at, actor, message, payload, stamp)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::json[], $8::bigint[])`
	putOutbox = `INSERT INTO outbox (id, app, ch, ev, message) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])`
	// In the order of the key, so that two transactions with the same rows do not wait for each other.
	putAuthors = `INSERT INTO authors (app, person, ch) SELECT DISTINCT * FROM unnest($1::bigint[], $2::text[], $3::bigint[]) ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING`
	putReads   = `UPDATE members m SET read_seq = v.seq, read_at = v.at, read_message = v.msg
		FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) v(ch, person, seq, at, msg)
		WHERE m.ch = v.ch AND m.person = v.person AND m.read_seq < v.seq`
	putParents = `UPDATE messages m SET reply_count = v.n, last_reply_at = v.last, participants = v.p
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::json[]) v(ch, seq, n, last, p) WHERE m.ch = v.ch AND m.seq = v.seq`
	unhide     = "UPDATE members SET hidden_at = 0 WHERE ch = ANY($1) AND hidden_at <> 0"
	putReindex = "INSERT INTO reindex (msg_id) SELECT unnest($1::bigint[])"
)

// queue adds the statements that have rows to a batch.
func (in *inserts) queue(b *pgx.Batch) {
	if m := &in.msg; len(m.ch) > 0 {
		b.Queue(putMessages, m.ch, m.seq, m.id, m.app, m.ev, m.person, m.kind, m.text, m.alias, m.flags, m.created, m.updated, m.parent, m.deleted,
			m.edited, m.replies, m.lastReply, m.pinnedAt, m.body, m.extra, m.participants, m.reactions, m.pinned)
	}
	if e := &in.ev; len(e.ch) > 0 {
		b.Queue(putEvents, e.ch, e.ev, e.kind, e.at, e.actor, e.message, e.payload, e.stamp)
	}
	if o := &in.out; len(o.id) > 0 {
		b.Queue(putOutbox, o.id, o.app, o.ch, o.ev, o.message)
	}
	if a := &in.auth; len(a.ch) > 0 {
		b.Queue(putAuthors, a.app, a.person, a.ch)
	}
	if r := &in.read; len(r.ch) > 0 {
		b.Queue(putReads, r.ch, r.person, r.seq, r.at, r.msg)
	}
	if p := &in.par; len(p.ch) > 0 {
		b.Queue(putParents, p.ch, p.seq, p.replies, p.last, p.participants)
	}
	if len(in.unhide) > 0 {
		b.Queue(unhide, in.unhide)
	}
	if len(in.reindex) > 0 {
		b.Queue(putReindex, in.reindex)
	}
}

// prepare completes the event of an append and tells whether it says no more than its message.
func prepare(in *store.Append) (plain bool) {
	m, e := in.Message, &in.Event
	in.Duplicate, in.Parent = false, nil
	e.Channel, e.Kind = m.Channel, cmp.Or(e.Kind, core.MessageSent)
	e.Actor = cmp.Or(e.Actor, m.User)
	if e.At.IsZero() {
		e.At = m.CreatedAt
	}
	return e.Kind == core.MessageSent && e.Payload == nil && e.Actor == m.User && millis(e.At) == millis(m.CreatedAt) &&
		m.ID == 0 // an id that was given may be an old one: the event has a stamp of its own then
}

// channelOf is the part of a channel that an append knows.
func channelOf(ch core.ChannelID, h *head) core.Channel {
	return core.Channel{
		ID: ch, Key: h.key, LastSeq: h.seq, LastEv: h.ev, MessageCount: h.count, LastMessageAt: core.FromMillis(h.lastAt),
	}
}
