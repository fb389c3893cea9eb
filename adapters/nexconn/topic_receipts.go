package nexconn

import (
	"context"
	"slices"
	"strconv"

	"dragoman/core"
	"dragoman/core/fault"
)

// Receipts of single messages are given on purpose, by each reader: the core's acks. What the reader of
// a direct channel has seen up to is another thing; see readTo.

// maxReceipts bounds the messages of one call.
const maxReceipts = 100

// confirmRead notes that the person has read messages.
func confirmRead(ctx context.Context, c *call) (outcome, error) {
	var in receiptRequest
	if err := in.readSent(c.data); err != nil {
		return outcome{}, err
	}
	c.kind = in.kind
	return outcome{}, c.confirm(ctx, in.ids)
}

// confirmGroupRead is the same in an older shape.
func confirmGroupRead(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireGroup
	var in receiptRequest
	if err := in.readGroup(c.data); err != nil {
		return outcome{}, err
	}
	return outcome{}, c.confirm(ctx, in.ids)
}

func (c *call) confirm(ctx context.Context, ids []string) error {
	if len(ids) > maxReceipts {
		return fault.RequestBatchTooLarge.Error("At most 100 messages are confirmed at once.")
	}
	for _, id := range ids {
		_, err := c.d.core.Acks.Ack(ctx, c.by, core.AckMessage{Message: id})
		if err != nil && !fault.IsReason(err, fault.TargetIsSelf) {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	// The position follows for those whose dialects know nothing else.
	m, ch, err := c.d.messageNamed(ctx, c.by, ids[len(ids)-1])
	if err == nil {
		_, err = c.d.core.Reads.Mark(ctx, c.by, core.MarkRead{Key: ch.Key, Message: m.ID.String()})
	}
	return ignoreMissing(err)
}

// receipt works out who has read a message and who has not.
func (d *Dialect) receipt(ctx context.Context, by core.Actor, uid string) (*receiptInfo, error) {
	m, ch, err := d.messageNamed(ctx, by, uid)
	if err != nil {
		return nil, err
	}
	out := &receiptInfo{uid: uid, at: m.CreatedAt.UnixMilli()}
	acked := map[core.UserID]int64{}
	list, err := d.core.Acks.List(ctx, by, core.ListAcks{Message: uid, Page: core.Page{Limit: 1000}})
	if err != nil {
		return nil, err
	}
	for i := range list {
		acked[list[i].User] = list[i].CreatedAt.UnixMilli()
	}
	ms, err := d.core.Channels.Members(ctx, server(by.App), core.QueryMembers{Key: ch.Key, Page: core.Page{Limit: 100}})
	if err != nil {
		return nil, err
	}
	for i := range ms {
		u := ms[i].User
		if u == m.User {
			continue
		}
		r := reader{id: string(u), at: acked[u], mentioned: slices.Contains(m.Mentions, u)}
		if ms[i].Profile != nil {
			r.name = ms[i].Profile.Name
		}
		if r.at > 0 {
			out.readers = append(out.readers, r)
		} else {
			out.others = append(out.others, r)
		}
	}
	out.total, out.read, out.unread = max(ch.MemberCount-1, 0), len(acked), max(ch.MemberCount-1-len(acked), 0)
	return out, nil
}

// receiptCounts tells of messages how many have read them.
func receiptCounts(ctx context.Context, c *call) (outcome, error) {
	var items []receiptRequest
	err := scan(c.data, func(f *field) error {
		if f.num == 1 {
			return addMessage(&items, f.b, (*receiptRequest).read)
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	var out pb
	left := maxReceipts
	for i := range items {
		it := &items[i]
		var infos []*receiptInfo
		for _, id := range it.ids[:min(len(it.ids), left)] {
			left--
			info, err := c.d.receipt(ctx, c.by, id)
			switch {
			case fault.IsReason(err, fault.MessageNotFound):
			case err != nil:
				return outcome{}, err
			default:
				info.readers, info.others = nil, nil
				infos = append(infos, info)
			}
		}
		out.msg(1, func(p *pb) {
			p.text(1, it.target)
			p.textIf(2, it.sub)
			p.int(3, int64(it.kind))
			for _, info := range infos {
				p.msg(4, info.write)
			}
		})
	}
	return outcome{data: out.b}, nil
}

// receiptUsers tells who has read one message, by pages, or of the people named whether they have.
func receiptUsers(ctx context.Context, c *call) (outcome, error) {
	var in receiptRequest
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	c.kind = in.kind
	if len(in.ids) == 0 {
		return outcome{}, fault.RequestInvalid.Error("A message has to be named.")
	}
	info, err := c.d.receipt(ctx, c.by, in.ids[0])
	if err != nil {
		return outcome{}, err
	}
	next := ""
	if in.by == 2 {
		named := func(r reader) bool { return !slices.Contains(in.users, r.id) }
		info.readers, info.others = slices.DeleteFunc(info.readers, named), slices.DeleteFunc(info.others, named)
	} else {
		list := &info.readers
		if in.unread {
			list = &info.others
		}
		if in.order == 0 {
			slices.Reverse(*list)
		}
		from, _ := strconv.Atoi(in.token)
		from = min(max(from, 0), len(*list))
		to := min(from+min(max(in.size, 1), maxReceipts), len(*list))
		if to < len(*list) {
			next = strconv.Itoa(to)
		}
		*list = (*list)[from:to]
	}
	return answered(func(p *pb) {
		p.msg(1, info.write)
		p.textIf(4, next)
	})
}

// groupReaders tells who has read a message of a group, in the older shape.
func groupReaders(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireGroup
	var in receiptRequest
	if err := in.readGroup(c.data); err != nil {
		return outcome{}, err
	}
	if len(in.ids) == 0 {
		return outcome{}, fault.RequestInvalid.Error("A message has to be named.")
	}
	info, err := c.d.receipt(ctx, c.by, in.ids[0])
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		p.int(1, int64(info.total))
		for _, r := range info.readers {
			p.msg(2, func(p *pb) {
				p.int(1, r.at)
				p.text(2, r.id)
			})
		}
	})
}

// readersEvent tells the author of a message that somebody has confirmed it.
func readersEvent(ev *core.Event, p place) *eventChange {
	if ev.Change == nil || ev.Change.Ack == nil || ev.Message == nil {
		return nil
	}
	a := ev.Change.Ack
	total := max(ev.Channel.MemberCount-1, 0)
	r := reader{id: string(a.User), at: a.CreatedAt.UnixMilli(), mentioned: slices.Contains(ev.Message.Mentions, a.User)}
	return &eventChange{
		about: p.id, kind: p.kind, channel: p.sub, at: ev.At.UnixMilli(), change: changeReceipt,
		data: build(func(p *pb) {
			p.text(1, uidOf(ev.Message))
			p.int(2, ev.Message.CreatedAt.UnixMilli())
			p.int(3, int64(total))
			p.int(4, int64(a.Count))
			p.int(5, int64(max(total-a.Count, 0)))
			p.msg(6, r.write)
		}),
	}
}
