package engine

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// maxResort is how many messages from the end of a channel one that comes late is put among; what is
// older still is put at the end.
const maxResort = 500

// futureIDs is how far ahead of the clock an id given by another system may lie: ids and stamps share
// their numbers, and one from the far future would move all that follow.
const futureIDs = time.Hour

// message learns a message: a new one where its time belongs, or what changed of one that is there.
func (l *learning) message(x *core.Imported) (learntAs, error) {
	m := *x.Message
	if m.Alias == "" && m.ID == 0 {
		return 0, unlearn("the message has no id")
	}
	if m.ID < 0 || core.Stamp(m.ID) > core.StampAt(l.e.now().Add(futureIDs)) {
		return 0, unlearn("the number of the message is out of range")
	}
	old, err := l.existing(&m)
	if err != nil {
		return 0, err
	}
	if old != nil {
		if x.Gone {
			return learntChanged, l.remove(old)
		}
		return l.revise(old, &m)
	}
	if x.Gone {
		return learntKnown, nil
	}
	if m.User == "" || m.CreatedAt.IsZero() {
		return 0, unlearn("the message has no author or no time")
	}
	c, err := l.place(m.ChannelKey)
	if err != nil {
		return 0, err
	}
	m.Channel, m.Seq, m.Reactions, m.ReplyCount, m.Participants = c.ID, 0, nil, 0, nil
	if m.UpdatedAt.IsZero() {
		m.UpdatedAt = m.CreatedAt
	}
	if x.Parent != "" {
		p, err := l.named(x.Parent)
		if err != nil {
			return 0, err
		}
		if p.Channel != c.ID || p.Parent != 0 {
			return 0, unlearn("the first message of the thread is in another channel, or a reply itself")
		}
		m.Parent, m.ParentAlias = p.ID, p.Alias
	}
	if x.Quoted != "" {
		q, err := l.named(x.Quoted)
		var no unlearnt
		switch {
		case errors.As(err, &no): // a quote of what is gone
		case err != nil:
			return 0, err
		case q.Channel == c.ID:
			m.Quoted, m.QuotedAlias = q.ID, q.Alias
		}
	}
	if err := l.insert(c, &m); err != nil {
		return 0, err
	}
	return learntNew, l.tellMessage(core.MessageSent, &m)
}

// existing finds the message by its alias, else by its number.
func (l *learning) existing(m *core.Message) (*core.Message, error) {
	if m.Alias != "" {
		if old, err := l.named(m.Alias); err == nil {
			return old, nil
		} else if no := (unlearnt{}); !errors.As(err, &no) {
			return nil, err
		}
	}
	if m.ID == 0 {
		return nil, nil
	}
	ms, err := l.Messages(l.ctx, l.app, []core.MessageID{m.ID})
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	return &ms[0], nil
}

// remove takes a message away for good.
func (l *learning) remove(m *core.Message) error {
	ev, err := l.event(core.MessageDeleted, m.ChannelKey, m.User)
	if err != nil {
		return err
	}
	ev.Message, ev.Hard, ev.To = m, true, receivers(m)
	if err := l.DeleteMessages(l.app, m.Channel, m.Seq, m.Seq, ""); err != nil {
		return err
	}
	l.dropChannel(m.ChannelKey)
	return l.emit(ev)
}

// revise brings a message up to date.
func (l *learning) revise(old, m *core.Message) (learntAs, error) {
	if m.ChannelKey != "" && m.ChannelKey != old.ChannelKey {
		return 0, unlearn("the message is of another channel")
	}
	if m.UpdatedAt.Before(old.UpdatedAt) {
		return learntKnown, nil
	}
	next := *old
	next.Kind, next.Text, next.Attachments, next.Mentions, next.Extra = cmp.Or(m.Kind, old.Kind), m.Text, m.Attachments, m.Mentions, m.Extra
	next.Silent, next.Shadowed, next.RestrictedTo, next.Tags = m.Silent, m.Shadowed, m.RestrictedTo, m.Tags
	next.Pinned, next.PinnedAt, next.PinnedBy, next.PinExpires = m.Pinned, m.PinnedAt, m.PinnedBy, m.PinExpires
	next.DeletedAt, next.DeletedBy, next.EditedAt, next.UpdatedAt = m.DeletedAt, m.DeletedBy, m.EditedAt, m.UpdatedAt
	if m.Deleted() && m.Text == "" { // a tombstone that keeps to itself what stood there
		next.Text, next.Attachments, next.Mentions, next.Extra = old.Text, old.Attachments, old.Mentions, old.Extra
	}
	if sameNoun(&next, old) {
		return learntKnown, nil
	}
	if err := l.PutMessage(l.app, &next); err != nil {
		return 0, err
	}
	kind := core.MessageEdited
	switch {
	case next.Deleted() && !old.Deleted():
		kind = core.MessageDeleted
	case old.Deleted() && !next.Deleted():
		kind = core.MessageRestored
	}
	return learntChanged, l.tellMessage(kind, &next)
}

// tellMessage tells of a message.
func (l *learning) tellMessage(kind core.EventKind, m *core.Message) error {
	ev, err := l.event(kind, m.ChannelKey, m.User)
	if err != nil {
		return err
	}
	one := []core.Message{*m}
	if err := l.e.resolve(l.ctx, l.app, "", one); err != nil {
		return err
	}
	ev.Message, ev.At, ev.To = &one[0], m.UpdatedAt, receivers(m)
	l.dropChannel(m.ChannelKey)
	return l.emit(ev)
}

// insert puts a new message where its time belongs, and counts it as read by its author.
func (l *learning) insert(c *core.Channel, m *core.Message) error {
	tail, err := l.RangeMessages(l.ctx, l.app, store.Range{Channel: c.ID, Newest: true, Limit: 1, All: true, Hidden: true})
	if err != nil {
		return err
	}
	if len(tail) > 0 && saidAfter(&tail[0], m) {
		tail, err = l.RangeMessages(l.ctx, l.app, store.Range{Channel: c.ID, Newest: true, Limit: maxResort, All: true, Hidden: true})
		if err != nil {
			return err
		}
		at, _ := slices.BinarySearchFunc(tail, m, func(x core.Message, m *core.Message) int {
			if saidAfter(&x, m) {
				return 1
			}
			return -1
		})
		if at > 0 || len(tail) < maxResort {
			if err := l.among(c, m, tail[at:]); err != nil {
				return err
			}
			return l.readOwn(c, m)
		}
	}
	if _, err := l.InsertMessage(l.app, m); err != nil {
		return err
	}
	return l.readOwn(c, m)
}

// saidAfter reports whether x was said after m. Where the other system tells whole seconds its numbers,
// which rise, decide within one; and what the core itself has dated more finely came before what is
// learnt of the same second, since the core had the say then.
func saidAfter(x, m *core.Message) bool {
	if m.ID == 0 || m.CreatedAt.Nanosecond() != 0 {
		return x.CreatedAt.After(m.CreatedAt)
	}
	at := x.CreatedAt.Truncate(time.Second)
	if at.Equal(m.CreatedAt) {
		return x.CreatedAt.Equal(at) && x.ID > m.ID
	}
	return at.After(m.CreatedAt)
}

// readOwn counts a message as read by its author.
func (l *learning) readOwn(c *core.Channel, m *core.Message) error {
	found, err := l.Members(l.ctx, l.app, c.ID, []core.UserID{m.User}, 1, 0)
	if err != nil || len(found) == 0 || found[0].ReadSeq >= m.Seq {
		return err
	}
	found[0].ReadSeq, found[0].ReadMessage = m.Seq, m.ID
	if m.CreatedAt.After(found[0].ReadAt) {
		found[0].ReadAt = m.CreatedAt
	}
	return l.putMember(c.Key, &found[0])
}

// among inserts a message before those of the tail: they are taken out and put back behind it, with
// their reactions, and read positions follow the messages they stood at.
func (l *learning) among(c *core.Channel, m *core.Message, tail []core.Message) error {
	kept := make(map[core.MessageID][]core.Reaction, len(tail))
	for i := range tail {
		if len(tail[i].Reactions) > 0 {
			rs, err := l.FindReactions(l.ctx, l.app, tail[i].ID, store.Query{Limit: 1000})
			if err != nil {
				return err
			}
			kept[tail[i].ID] = rs
		}
	}
	if err := l.DeleteMessages(l.app, c.ID, tail[0].Seq, 0, ""); err != nil {
		return err
	}
	if _, err := l.InsertMessage(l.app, m); err != nil {
		return err
	}
	moved := make(map[int64]int64, len(tail))
	for i := range tail {
		x := tail[i]
		was := x.Seq
		x.Seq, x.ReplyCount, x.Participants, x.LastReplyAt = 0, 0, nil, time.Time{} // its replies come after it
		if _, err := l.InsertMessage(l.app, &x); err != nil {
			return err
		}
		moved[was] = x.Seq
		for _, r := range kept[x.ID] {
			if err := l.PutReaction(l.app, c.ID, &r); err != nil {
				return err
			}
		}
	}
	for offset := 0; ; offset += 1000 {
		ms, err := l.Members(l.ctx, l.app, c.ID, nil, 1000, offset)
		if err != nil {
			return err
		}
		for i := range ms {
			if seq := after(tail, moved, ms[i].ReadSeq); seq != 0 {
				ms[i].ReadSeq = seq
				if err := l.putMember(c.Key, &ms[i]); err != nil {
					return err
				}
			}
		}
		if len(ms) < 1000 {
			return nil
		}
	}
}

// after is where a read position has moved to; 0 when it lies before the tail.
func after(tail []core.Message, moved map[int64]int64, was int64) (now int64) {
	for i := range tail {
		if tail[i].Seq <= was {
			now = moved[tail[i].Seq]
		}
	}
	return now
}

// reaction learns a reaction, or that one was taken back.
func (l *learning) reaction(x *core.Imported) (learntAs, error) {
	r := *x.Reaction
	if r.Type == "" || r.User == "" {
		return 0, unlearn("the reaction has no type or no user")
	}
	m, err := l.named(cmp.Or(x.On, r.Message.String()))
	if err != nil {
		return 0, err
	}
	own, err := l.UserReactions(l.ctx, l.app, []core.MessageID{m.ID}, r.User)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(own, func(o core.Reaction) bool { return o.Type == r.Type })
	r.Message, r.Alias, r.Author, r.Score = m.ID, m.Alias, nil, max(r.Score, 1)
	if r.CreatedAt.IsZero() {
		r.CreatedAt = l.e.now()
	}
	if r.UpdatedAt.IsZero() {
		r.UpdatedAt = r.CreatedAt
	}
	m.Reactions = slices.Clone(m.Reactions)
	kind, out := core.ReactionAdded, learntNew
	switch {
	case i < 0 && x.Gone:
		return learntKnown, nil
	case x.Gone:
		kind, out, r = core.ReactionRemoved, learntChanged, own[i]
		ungroup(m, &own[i])
		if err := l.DeleteReaction(l.app, m.ID, r.Type, r.User); err != nil {
			return 0, err
		}
	case i >= 0 && own[i].Score == r.Score:
		return learntKnown, nil
	case i >= 0:
		kind, out = core.ReactionChanged, learntChanged
		ungroup(m, &own[i])
	}
	if !x.Gone {
		group(m, &r)
		if err := l.PutReaction(l.app, m.Channel, &r); err != nil {
			return 0, err
		}
	}
	if err := l.PutMessage(l.app, m); err != nil {
		return 0, err
	}
	ev, err := l.event(kind, m.ChannelKey, r.User)
	if err != nil {
		return 0, err
	}
	one := []core.Message{*m}
	if err := l.e.resolveDeepIn(l.ctx, l.txn, one); err != nil {
		return 0, err
	}
	r.Author = ev.User
	ev.Message, ev.Reaction, ev.To = &one[0], &r, receivers(m)
	return out, l.emit(ev)
}
