package nexconn

import (
	"context"
	"slices"
	"strconv"

	"dragoman/adapters"
	"dragoman/core"
)

// pullCommunities answers the messages of the person's communities after the client's cursor. Without
// one there is nothing to catch up with: the list of channels tells where they stand.
func pullCommunities(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireCommunity
	asked, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	out := downMessages{finished: true, sync: int64(c.d.present()), now: c.d.now().UnixMilli()}
	if asked > 0 {
		last, more, err := c.pull(ctx, "", cursorOf(asked), func(ev *core.Event) bool {
			if ev.Kind != core.MessageSent || ev.Message == nil || ev.Message.Notice != nil || ev.Channel == nil || ev.Channel.Kind != core.KindCommunity {
				return true
			}
			if p, ok := c.d.placeOf(ctx, ev.App, c.by.User, ev.Channel); ok && !ev.Message.Deleted() {
				out.list = append(out.list, c.d.down(ev.Message, p, c.by.User))
			}
			return len(out.list) < maxPage && sizeOf(out.list) < maxPageBytes
		})
		if err != nil {
			return outcome{}, err
		}
		if err := c.expansions(ctx, out.list); err != nil {
			return outcome{}, err
		}
		out.sync, out.finished = max(int64(last), asked), !more
	}
	return answered(out.write)
}

// pullCommunityList answers the subchannels the person is in, with what was last said there.
func pullCommunityList(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireCommunity
	after, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	list, err := c.conversations(ctx, []int{wireCommunity}, "", true)
	if err != nil {
		return outcome{}, err
	}
	list = slices.DeleteFunc(list, func(r relation) bool { return r.version <= after })
	slices.Reverse(list) // oldest first: the client goes on from the last one's version
	out := relations{list: list, finished: true, pull: c.d.now().UnixMilli()}
	return answered(out.write)
}

// pullCommunityChanges answers what happened to messages and subchannels after the client's cursor.
func pullCommunityChanges(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireCommunity
	asked, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	var list []*messageChange
	last, more := c.d.present(), false
	if asked > 0 {
		last, more, err = c.pull(ctx, "", cursorOf(asked), func(ev *core.Event) bool {
			if x := communityChange(ev, c.by.User); x != nil {
				list = append(list, x)
			}
			return len(list) < maxPage
		})
		if err != nil {
			return outcome{}, err
		}
	}
	return answered(func(p *pb) {
		for _, x := range list {
			p.msg(1, x.write)
		}
		p.int(2, max(int64(last), asked))
		p.bool(3, more)
	})
}

// Kinds of changes of subchannels.
const (
	subDeleted = 1
	subKicked  = 5
)

// communityChange is an event of a community as a change; nil for events that are none.
func communityChange(ev *core.Event, viewer core.UserID) *messageChange {
	if ev.Channel == nil || ev.Channel.Kind != core.KindCommunity {
		return nil
	}
	id, sub, ok := core.SplitCommunity(ev.Channel.Key)
	if !ok {
		return nil
	}
	out := &messageChange{target: id, sub: orElse(sub, defaultSub), at: ev.At.UnixMilli()}
	if ev.User != nil {
		out.by = string(ev.User.ID)
	}
	if m := ev.Message; m != nil && m.Notice == nil {
		out.uid, out.sentAt, out.admin = uidOf(m), m.CreatedAt.UnixMilli(), out.by != string(m.User)
	}
	switch {
	case ev.Kind == core.MessageEdited && !ev.Watchers && !unchanged(ev):
		out.change = changedContent
	case ev.Kind == core.MessageDeleted:
		out.change, out.deleted = changedRecalled, ev.Hard
	case ev.Kind == core.MessageValued:
		out.change = changedExpansion
	case ev.Kind == core.ChannelDeleted && sub != "":
		out.change, out.detail = changedChannel, subDeleted
	case ev.Kind == core.MemberRemoved && ev.Target != nil && ev.Target.ID == viewer:
		out.change, out.detail, out.by = changedChannel, subKicked, string(viewer)
	default:
		return nil
	}
	return out
}

// operate tells the people of a subchannel that the person types there.
func operate(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireCommunity
	var p place
	err := scan(c.data, func(f *field) error {
		switch f.num {
		case 1:
			p.id = f.str()
		case 2:
			p.kind = f.int()
		case 4:
			p.sub = f.str()
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	_, err = c.d.core.Live.Send(ctx, c.by, core.SendEvent{Key: p.key(c.by.User), Kind: core.TypingStarted})
	return outcome{at: c.d.now()}, err
}

// tellOperate tells that somebody types in a subchannel.
func (l *link) tellOperate(ev *core.Event, p place) {
	data := build(func(b *pb) {
		b.int(1, wireCommunity)
		b.int(2, 0)
		b.msg(3, func(b *pb) {
			b.text(1, p.id)
			b.text(2, p.sub)
			b.text(3, string(ev.User.ID))
			b.int(4, 0)
			b.int(5, ev.At.UnixMilli())
		})
	})
	l.conn.Send(adapters.BinaryFrame(publish(0, "s_opNtf", string(l.by.User), 1, ev.At, data)))
}

// unreadMentions answers the messages of a subchannel that mention the person, after a time.
func unreadMentions(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireCommunity
	var p place
	var after int64
	size := 0
	err := scan(c.data, func(f *field) error {
		switch f.num {
		case 1:
			p.id = f.str()
		case 2:
			p.sub = f.str()
		case 3:
			after = f.long()
		case 4:
			size = f.int()
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	p.kind = wireCommunity
	list, err := c.d.core.Messages.List(ctx, c.by, core.ListMessages{Key: p.key(c.by.User), Page: core.MessagePage{Limit: 300}})
	if err != nil {
		return outcome{}, err
	}
	return answered(func(b *pb) {
		n := 0
		for i := range list {
			m := &list[i]
			body := contentOf(m)
			if m.CreatedAt.UnixMilli() <= after || m.User == c.by.User || !slices.Contains(m.Mentions, c.by.User) && !body.all || size > 0 && n >= size {
				continue
			}
			n++
			b.msg(1, func(b *pb) {
				b.text(1, uidOf(m))
				b.int(2, m.CreatedAt.UnixMilli())
				b.int(3, 2)
				b.text(4, body.kind)
			})
		}
	})
}

// quietCommunity serves the topics that set and read the level of a community, or of one subchannel,
// for everybody who has not chosen one.
func quietCommunity(set bool) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		c.kind = wireCommunity
		sub, level := "", 0
		err := scan(c.data, func(f *field) error {
			switch f.num {
			case 1:
				sub = f.str()
			case 2:
				level = f.int()
			}
			return nil
		})
		if err != nil {
			return outcome{}, err
		}
		scope := core.SettingsScope{Key: place{kind: wireCommunity, id: c.target, sub: sub}.key(c.by.User)}
		if set {
			_, err := c.d.core.Conversations.Put(ctx, c.by, core.PutSettings{Scope: scope, Change: func(s *core.ConversationSettings) error {
				s.Quiet = strconv.Itoa(level)
				return nil
			}})
			return outcome{}, err
		}
		list, err := c.d.core.Conversations.Settings(ctx, c.by, core.GetSettings{Scopes: []core.SettingsScope{scope}})
		if err != nil {
			return outcome{}, err
		}
		if len(list) > 0 {
			level, _ = strconv.Atoi(list[0].Quiet)
		}
		return answered(func(b *pb) {
			b.text(1, c.target)
			b.textIf(2, sub)
			b.int(3, int64(level))
		})
	}
}
