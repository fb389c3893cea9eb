package engine

import (
	"encoding/json"
	"errors"

	"dragoman/core"
	"dragoman/core/store"
)

// nounText is a noun as JSON.
func nounText[T any](v *T) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// place finds the channel that an item names.
func (l *learning) place(key core.ChannelKey) (*core.Channel, error) {
	c, err := l.Channel(l.ctx, l.app, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unlearnt{core.Unlearnt{Reason: "the channel does not exist", Channel: key}}
	}
	return &c, err
}

// named finds a message by the name that an item uses.
func (l *learning) named(name string) (*core.Message, error) {
	ms, err := l.MessagesNamed(l.ctx, l.app, []string{name})
	if err != nil {
		return nil, err
	}
	if len(ms) == 0 {
		return nil, unlearnt{core.Unlearnt{Reason: "the message does not exist", Message: name}}
	}
	return &ms[0], nil
}

// event begins an event of a channel as it is now.
func (l *learning) event(kind core.EventKind, key core.ChannelKey, by core.UserID) (*core.Event, error) {
	c, err := l.Channel(l.ctx, l.app, key)
	if err != nil {
		return nil, err
	}
	cfg, err := l.e.configOf(l.ctx, l.app, &c)
	if err != nil {
		return nil, err
	}
	us, err := l.e.usersByID(l.ctx, l.app, []core.UserID{by})
	if err != nil {
		return nil, err
	}
	return &core.Event{Kind: kind, Channel: &c, Config: cfg, User: l.e.seen(l.app, us[by])}, nil
}

// member learns a membership. Positions never move back, and what the item does not say stays.
func (l *learning) member(x *core.Imported) (learntAs, error) {
	m := *x.Member
	if m.User == "" {
		return 0, unlearn("the member has no user")
	}
	c, err := l.place(x.Key)
	if err != nil {
		return 0, err
	}
	found, err := l.Members(l.ctx, l.app, c.ID, []core.UserID{m.User}, 1, 0)
	if err != nil {
		return 0, err
	}
	if x.Gone {
		if len(found) == 0 {
			return learntKnown, nil
		}
		if err := l.deleteMember(c.Key, c.ID, m.User); err != nil {
			return 0, err
		}
		return learntChanged, l.tellMember(core.MemberRemoved, c.Key, &found[0])
	}
	m.Channel, m.Profile = c.ID, nil
	if m.Role == "" {
		m.Role = core.MemberMember
	}
	if m.ChannelRole == "" {
		m.ChannelRole = core.ChannelRoleMember
	}
	kind, out := core.MemberAdded, learntNew
	if len(found) > 0 {
		if x.Sparse {
			return learntKnown, nil
		}
		old := &found[0]
		kind, out = core.MemberUpdated, learntChanged
		m.ReadSeq, m.ReadMessage, m.HiddenUpTo = old.ReadSeq, old.ReadMessage, old.HiddenUpTo
		m.DeliveredSeq, m.DeliveredAt, m.MutedUntil, m.MutedAt = old.DeliveredSeq, old.DeliveredAt, old.MutedUntil, old.MutedAt
		if old.Role == core.MemberOwner && m.Role == core.MemberAdmin && c.CreatedBy == m.User {
			m.Role = old.Role // where owners are called admins
		}
		if m.Ban == nil {
			m.Ban = old.Ban
		}
		if m.CreatedAt.IsZero() {
			m.CreatedAt = old.CreatedAt
		}
		if m.UpdatedAt.IsZero() {
			m.UpdatedAt = old.UpdatedAt
		}
		if !m.ReadAt.After(old.ReadAt) {
			m.ReadAt = old.ReadAt
		}
		if m.UpdatedAt.Before(old.UpdatedAt) || sameNoun(&m, old) {
			return learntKnown, nil
		}
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = l.e.now()
	}
	if m.UpdatedAt.IsZero() {
		m.UpdatedAt = m.CreatedAt
	}
	if !m.ReadAt.IsZero() {
		seq, err := l.SeqAt(l.ctx, l.app, c.ID, m.ReadAt)
		if err != nil {
			return 0, err
		}
		m.ReadSeq = max(m.ReadSeq, seq)
	}
	if err := l.putMember(c.Key, &m); err != nil {
		return 0, err
	}
	return out, l.tellMember(kind, c.Key, &m)
}

// tellMember tells of a membership that came, changed or went.
func (l *learning) tellMember(kind core.EventKind, key core.ChannelKey, m *core.Member) error {
	ev, err := l.event(kind, key, m.User)
	if err != nil {
		return err
	}
	one := *m
	one.Profile = ev.User
	ev.Member, ev.Target = &one, ev.User
	return l.emit(ev)
}

// read learns how far somebody has read. Others are told as of a read.
func (l *learning) read(x *core.Imported) (learntAs, error) {
	c, err := l.place(x.Key)
	if err != nil {
		return 0, err
	}
	found, err := l.Members(l.ctx, l.app, c.ID, []core.UserID{x.Read.User}, 1, 0)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, unlearn("who has read is no member of the channel")
	}
	m := found[0]
	seq, at := int64(0), x.Read.At
	if x.Read.Message != "" {
		msg, err := l.named(x.Read.Message)
		switch no := (unlearnt{}); {
		case errors.As(err, &no) && !at.IsZero(): // the time tells too
		case err != nil:
			return 0, err
		case msg.Channel == c.ID:
			seq, m.ReadMessage = msg.Seq, msg.ID
		}
	}
	if seq == 0 && !at.IsZero() {
		if seq, err = l.SeqAt(l.ctx, l.app, c.ID, at); err != nil {
			return 0, err
		}
	}
	if seq <= m.ReadSeq && !at.After(m.ReadAt) {
		return learntKnown, nil
	}
	if seq < m.ReadSeq {
		m.ReadMessage = found[0].ReadMessage
	}
	m.ReadSeq = max(m.ReadSeq, seq)
	if at.After(m.ReadAt) {
		m.ReadAt = at
	}
	return learntChanged, l.putMember(c.Key, &m)
}

// mute learns that somebody silences a person or a channel, or no longer does.
func (l *learning) mute(x *core.Imported) (learntAs, error) {
	in := x.Mute
	if in.Channel == "" {
		space, key, value, err := MuteRecord(in.User, in.Target, l.e.now())
		if err != nil {
			return 0, err
		}
		_, err = l.Record(l.ctx, l.app, space, key)
		switch known := err == nil; {
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return 0, err
		case known != x.Gone:
			return learntKnown, nil
		case x.Gone:
			return learntChanged, l.DeleteRecord(l.app, space, key)
		}
		return learntNew, l.PutRecord(l.app, space, key, value)
	}
	c, err := l.place(in.Channel)
	if err != nil {
		return 0, err
	}
	found, err := l.Members(l.ctx, l.app, c.ID, []core.UserID{in.User}, 1, 0)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, unlearn("who silences the channel is no member of it")
	}
	m := found[0]
	if m.MutedUntil.IsZero() == x.Gone {
		return learntKnown, nil
	}
	if x.Gone {
		m.MutedUntil, m.MutedAt = core.FromMillis(0), core.FromMillis(0)
	} else {
		m.MutedUntil, m.MutedAt = core.Forever, l.e.now()
	}
	return learntChanged, l.putMember(c.Key, &m)
}
