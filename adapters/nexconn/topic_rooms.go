package nexconn

import (
	"context"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of the entries of an open channel; see https://docs.nexconn.ai, open channel metadata.
var kvLimits = core.AttributeLimits{Name: 128, Value: 4096, Entries: 100}

// joinRoom makes the person present in an open channel, which with create is made if it is not there.
func joinRoom(create bool) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		c.kind = wireOpen
		key := roomKey(c.target)
		if c.target == "" {
			return outcome{}, fault.RequestInvalid.Error("The open channel has no id.")
		}
		g, err := c.d.core.Rooms.Enter(ctx, c.by, core.EnterRoom{Key: key})
		if create && fault.IsReason(err, fault.GroupNotFound) {
			_, err = c.d.core.Groups.Create(ctx, server(c.by.App), core.CreateGroup{Key: key, Name: c.target, Owner: c.by.User, Admission: core.AdmitAnyone})
			if err == nil || fault.IsReason(err, fault.GroupAlreadyExists) {
				g, err = c.d.core.Rooms.Enter(ctx, c.by, core.EnterRoom{Key: key})
			}
		}
		if err != nil {
			return outcome{}, err
		}
		out := roomJoined{session: c.session, joined: c.d.now().UnixMilli(), created: g.Channel.CreatedAt.UnixMilli(), members: g.Channel.MemberCount}
		st, err := c.d.core.Speech.State(ctx, c.by, core.GetSpeech{Key: key})
		if err == nil {
			out.allowed = st.Allowed
			if st.MutedAll {
				out.bans |= roomMutedAll
			}
			if st.Mute != nil {
				out.bans |= roomMutedSelf
			}
		}
		return answered(out.write)
	}
}

// leaveRoom ends the person's presence in an open channel. Leaving one they are not in is no failure.
func leaveRoom(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireOpen
	_, err := c.d.core.Rooms.Leave(ctx, c.by, core.LeaveRoom{Key: roomKey(c.target)})
	if fault.IsReason(err, fault.GroupNotMember) {
		err = nil
	}
	return outcome{}, err
}

// roomInfo tells how many people are in an open channel, and the first or the last of them.
func roomInfo(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireOpen
	count, order := 0, 0
	err := scan(c.data, func(f *field) error {
		switch f.num {
		case 1:
			count = f.int()
		case 2:
			order = f.int()
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	g, err := c.d.core.Groups.Get(ctx, c.by, core.GetGroup{Key: roomKey(c.target)})
	if err != nil {
		return outcome{}, err
	}
	var ms []core.Member
	if count > 0 {
		sort := core.Sort{Field: "created_at", Desc: order == 2}
		ms, err = c.d.core.Channels.Members(ctx, server(c.by.App), core.QueryMembers{
			Key: g.Channel.Key, Sort: []core.Sort{sort}, Page: core.Page{Limit: min(count, 20)},
		})
		if err != nil {
			return outcome{}, err
		}
	}
	return answered(func(p *pb) {
		p.int(1, int64(g.Channel.MemberCount))
		for i := range ms {
			p.msg(2, func(p *pb) {
				p.int(1, ms[i].CreatedAt.UnixMilli())
				p.text(2, string(ms[i].User))
			})
		}
	})
}

// pullRoom answers the messages of an open channel after the client's cursor; without one the newest,
// as many as the client asks for.
func pullRoom(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireOpen
	var in roomPull
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	p := place{kind: wireOpen, id: c.target}
	key := p.key(c.by.User)
	out := roomMessages{sync: in.after}
	if in.after == 0 {
		out.sync = int64(c.d.present())
		if in.count > 0 {
			list, err := c.d.core.Messages.List(ctx, c.by, core.ListMessages{Key: key, Page: core.MessagePage{Limit: min(in.count, maxListed)}})
			if err != nil {
				return outcome{}, err
			}
			for i := range list {
				if m := &list[i]; m.Notice == nil && !m.Deleted() {
					out.list, out.sync = append(out.list, c.d.down(m, p, c.by.User)), max(out.sync, int64(m.ID))
				}
			}
		}
		return answered(out.write)
	}
	last, _, err := c.pull(ctx, key, cursorOf(in.after), func(ev *core.Event) bool {
		if m := c.d.downVisitor(ev, p, c.by.User); m != nil && c.t.has(serviceOpenVisitors) {
			out.list = append(out.list, m)
		}
		if ev.Message == nil || ev.Message.Notice != nil || ev.Message.User == c.by.User && ev.Origin == c.session {
			return true
		}
		switch ev.Kind {
		case core.MessageSent:
			out.list = append(out.list, c.d.down(ev.Message, p, c.by.User))
		case core.MessageDeleted:
			out.list = append(out.list, c.d.downRecall(ev, p, c.by.User))
		}
		return len(out.list) < maxPage && sizeOf(out.list) < maxPageBytes
	})
	if err != nil {
		return outcome{}, err
	}
	out.list = slices.DeleteFunc(out.list, func(m *downMessage) bool { return c.sentHere(m) })
	out.sync = max(out.sync, int64(last))
	return answered(out.write)
}

// sentHere reports whether the message is one this connection sent itself: the SDK shows what it sends
// to an open channel at once, and again if it is told.
func (c *call) sentHere(m *downMessage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.own, m.uid)
}

// maxOwn bounds how many of its own messages to open channels a connection remembers.
const maxOwn = 256

// remember notes that this connection sent the message.
func (c *call) remember(uid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.own) >= maxOwn {
		c.own = c.own[1:]
	}
	c.own = append(c.own, uid)
}

// setKV serves the topics that set entries of an open channel, one or several.
func setKV(several bool) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		return c.changeKV(ctx, several, func(key core.ChannelKey, in *kvSet) ([]core.AttributeOutcome, error) {
			var out []core.AttributeOutcome
			for _, e := range in.entries {
				o, err := c.d.core.Attributes.SetRoom(ctx, c.by, core.SetRoomAttributes{
					Key: key, Values: map[string]string{e.key: e.value}, Auto: e.status&kvAuto != 0, Force: e.status&kvForce != 0, Limits: kvLimits,
				})
				if err != nil {
					return out, err
				}
				out = append(out, o...)
			}
			return out, nil
		})
	}
}

// removeKV serves the topics that remove entries of an open channel, one or several.
func removeKV(several bool) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		return c.changeKV(ctx, several, func(key core.ChannelKey, in *kvSet) ([]core.AttributeOutcome, error) {
			var out []core.AttributeOutcome
			for _, e := range in.entries {
				o, err := c.d.core.Attributes.RemoveRoom(ctx, c.by, core.RemoveRoomAttributes{Key: key, Names: []string{e.key}, Force: several || e.status&kvForce != 0})
				if err != nil {
					return out, err
				}
				out = append(out, o...)
			}
			return out, nil
		})
	}
}

// changeKV runs a change of entries: a single one fails as a whole, several tell which have failed.
func (c *call) changeKV(ctx context.Context, several bool, change func(core.ChannelKey, *kvSet) ([]core.AttributeOutcome, error)) (outcome, error) {
	c.kind = wireOpen
	var in kvSet
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	outs, err := change(roomKey(c.target), &in)
	if err != nil {
		return outcome{}, err
	}
	if !several {
		for _, o := range outs {
			if o.Err != nil {
				return outcome{}, o.Err
			}
		}
		return outcome{}, c.noteKV(ctx, &in)
	}
	failed := false
	version := c.d.now().UnixMilli()
	data := build(func(p *pb) {
		for _, o := range outs {
			if o.Err == nil {
				p.msg(2, func(p *pb) {
					p.int(1, version)
					p.text(2, o.Name)
				})
				continue
			}
			failed = true
			p.msg(1, func(p *pb) {
				p.text(1, o.Name)
				p.int(2, int64(linkStatus(wireOpen, o.Err)))
			})
		}
	})
	if failed {
		return outcome{data: data, status: statusRoomKVSome}, nil
	}
	return outcome{data: data}, nil
}

// noteKV sends the message that a client wants told with a change of an entry.
func (c *call) noteKV(ctx context.Context, in *kvSet) error {
	if !in.notify || in.note == nil || in.note.typ == "" {
		return nil
	}
	_, err := c.store(ctx, place{kind: wireOpen, id: c.target}, in.note)
	return err
}

// pullKV answers the entries of an open channel that were changed after a time, all of them without one.
func pullKV(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireOpen
	since, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	in := core.GetRoomAttributes{Key: roomKey(c.target)}
	if since > 0 {
		in.Since = time.UnixMilli(since)
	}
	list, err := c.d.core.Attributes.Room(ctx, c.by, in)
	if err != nil {
		return outcome{}, err
	}
	out := kvPage{sync: since, full: since == 0}
	for i := range list {
		a := &list[i]
		at := a.UpdatedAt.UnixMilli()
		e := kvEntry{key: a.Name, value: a.Value, at: at, owner: string(a.Owner), version: at}
		if a.Auto {
			e.status |= kvAuto
		}
		if a.Removed {
			e.status |= kvRemoved
		}
		out.entries, out.sync = append(out.entries, e), max(out.sync, at)
	}
	return answered(out.write)
}
