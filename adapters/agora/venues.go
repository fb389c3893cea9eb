package agora

import (
	"context"
	"strconv"

	"dragoman/core"
)

// numberOf is the decimal id under which the vendor's people know a group or room.
func numberOf(c *core.Channel) string { return strconv.FormatInt(c.AliasNo, 10) }

// venue is a conversation as the vendor names it.
type venue struct {
	t    *tenant
	c    *core.Channel  // nil for a conversation of two that may not exist yet
	pair [2]core.UserID // the two people, by ascending id; empty for groups and rooms
	// thread is that of the message at hand. The vendor's people write to a thread as to a group, whose
	// id is that of the message it is about.
	thread *core.Thread
}

// directKey is the key of the conversation of two people.
func directKey(a, b core.UserID) core.ChannelKey {
	return core.KeyOf(core.DefaultType, core.DirectID([]core.UserID{a, b}))
}

// venueOf builds the venue of a channel. A Direct of more than two people is shown as a group.
func (d *Dialect) venueOf(ctx context.Context, t *tenant, c *core.Channel) (*venue, error) {
	v := &venue{t: t, c: c}
	if c.Kind != core.KindDirect {
		return v, nil
	}
	var err error
	v.pair, err = remember(d.venues, d.venues.pairs, channelKey{t.id, c.Key}, func() (p [2]core.UserID, err error) {
		ms, err := d.core.Channels.Members(ctx, server(t.id), core.QueryMembers{Key: c.Key, Page: core.Page{Limit: 3}})
		if err != nil || len(ms) != 2 {
			return p, err
		}
		p = [2]core.UserID{ms[0].User, ms[1].User}
		if p[1] < p[0] {
			p[0], p[1] = p[1], p[0]
		}
		return p, nil
	})
	return v, err
}

// direct reports whether the venue is a conversation of two.
func (v *venue) direct() bool { return v.pair[0] != "" }

// room reports whether the venue is a room.
func (v *venue) room() bool { return v.c != nil && v.c.Kind == core.KindRoom }

// peer is the other one of the two.
func (v *venue) peer(of core.UserID) core.UserID {
	if v.pair[0] == of {
		return v.pair[1]
	}
	return v.pair[0]
}

// to is the receiver of what a person writes here.
func (v *venue) to(from core.UserID) string {
	switch {
	case v.thread != nil:
		return v.thread.Parent.ID.String()
	case v.direct():
		return string(v.peer(from))
	}
	return numberOf(v.c)
}

// bodyKind is the kind of message bodies here.
func (v *venue) bodyKind() int64 {
	switch {
	case v.thread == nil && v.direct():
		return bodyChat
	case v.room():
		return bodyRoom
	}
	return bodyGroup
}

// chatType is the vendor's word for the kind of conversation.
func (v *venue) chatType() string {
	switch {
	case v.direct():
		return "chat:user"
	case v.room():
		return "chat:room"
	}
	return "chat:group"
}

// queue names the queue in which a person finds what happens here.
func (v *venue) queue(viewer core.UserID) jid {
	if v.direct() {
		return jid{appKey: v.t.key(), name: string(v.peer(viewer)), domain: domainUser}
	}
	return *v.group()
}

// group names the group or room.
func (v *venue) group() *jid {
	return &jid{appKey: v.t.key(), name: numberOf(v.c), domain: domainGroup}
}

// target names the receiver of what a person writes here.
func (v *venue) target(from core.UserID) *jid {
	switch {
	case v.thread != nil:
		return &jid{appKey: v.t.key(), name: v.to(from), domain: domainGroup}
	case v.direct():
		return v.user(v.peer(from))
	}
	return v.group()
}

// within is the venue of a thread's messages.
func (v *venue) within(t *core.Thread) *venue {
	in := *v
	in.thread = t
	return &in
}

// user names a person.
func (v *venue) user(id core.UserID) *jid { return v.t.user(id) }

// user names a person of the app.
func (t *tenant) user(id core.UserID) *jid {
	return &jid{appKey: t.key(), name: string(id), domain: domainUser}
}
