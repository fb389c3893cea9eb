package nexconn

import (
	"context"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Bounds of pages.
const (
	maxListed    = 100
	maxPage      = 100       // messages of one page of what was missed
	maxPageBytes = 512 << 10 // a connection may have 1 MiB waiting
)

// Orders of a history page.
const (
	orderOlder = 0 // newest first
	orderNewer = 1 // oldest first
)

// history serves the topics that read the log of one kind of conversation.
func history(kind int) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		c.kind = kind
		var in historyInput
		if err := in.read(c.data); err != nil {
			return outcome{}, err
		}
		p := place{kind: kind, id: orElse(in.target, c.target), sub: in.sub}
		count := min(max(in.count, 1), maxListed)
		page := core.MessagePage{Limit: count + maxTwins}
		switch {
		case in.order == orderNewer:
			page.AfterTime = time.UnixMilli(max(in.at, 1))
		case in.at > 0:
			page.BeforeTime = time.UnixMilli(in.at)
		}
		list, err := c.d.core.Messages.List(ctx, c.by, core.ListMessages{Key: p.key(c.by.User), Page: page})
		if kind == wireDirect && fault.IsReason(err, fault.GroupNotFound) {
			list, err = nil, nil
		}
		if err != nil {
			return outcome{}, err
		}
		if in.order != orderNewer {
			slices.Reverse(list)
		}
		end := pageEnd(list, count)
		out := historyOutput{more: end < len(list)}
		list = list[:end]
		size := 0
		for i := range list {
			m := &list[i]
			if m.DeletedFor {
				continue
			}
			down := c.d.down(m, p, c.by.User)
			if size += frameSize(down); size > maxPageBytes && i > 0 && !twins(&list[i-1], m) {
				out.more = true
				break
			}
			out.list, out.sync = append(out.list, down), down.at
		}
		if err := c.expansions(ctx, out.list); err != nil {
			return outcome{}, err
		}
		return answered(out.write)
	}
}

// maxTwins bounds how many messages of one millisecond a page is made longer for.
const maxTwins = 16

// pageEnd is where a page of at most count messages ends. Clients go on from the time of its last one, in
// milliseconds, so that a page must not end between messages of the same: they stay for the next page,
// or, when that would leave nothing, all come with this one.
func pageEnd(list []core.Message, count int) int {
	if len(list) <= count {
		return len(list)
	}
	for end := count; end > 0; end-- {
		if !twins(&list[end-1], &list[end]) {
			return end
		}
	}
	end := count
	for end < len(list) && twins(&list[end-1], &list[end]) {
		end++
	}
	return end
}

// twins reports whether two messages were sent in one millisecond.
func twins(a, b *core.Message) bool { return a.CreatedAt.UnixMilli() == b.CreatedAt.UnixMilli() }

// messagesByID reads messages by their ids.
func messagesByID(ctx context.Context, c *call) (outcome, error) {
	var in messageQuery
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	c.kind = in.kind
	ids := make([]string, 0, len(in.refs))
	for _, r := range in.refs[:min(len(in.refs), maxListed)] {
		ids = append(ids, r.uid)
	}
	hits, err := c.d.core.Messages.Get(ctx, c.by, core.GetMessages{IDs: ids})
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		found := map[string]bool{}
		for i := range hits {
			h := &hits[i]
			at, ok := c.d.placeOf(ctx, c.by.App, c.by.User, &h.Channel)
			if !ok || at.id != in.target || h.Message.Deleted() {
				continue
			}
			found[uidOf(&h.Message)] = true
			p.msg(1, c.d.down(&h.Message, at, c.by.User).write)
		}
		for _, id := range ids {
			if !found[id] {
				p.text(2, id)
			}
		}
	})
}

// deleteForSelf hides messages from the person alone.
func deleteForSelf(ctx context.Context, c *call) (outcome, error) {
	var in deleteInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	c.kind = in.kind
	for _, r := range in.refs {
		_, err := c.d.core.Messages.Delete(ctx, c.by, core.DeleteMessage{ID: r.uid, ForMe: true})
		if err := ignoreMissing(err); err != nil {
			return outcome{}, err
		}
	}
	return outcome{}, nil
}

// clean serves the topics that hide the log of a conversation up to a time from the person alone.
func clean(kind int) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		c.kind = kind
		var in cleanInput
		if err := in.read(c.data); err != nil {
			return outcome{}, err
		}
		in.kind = kind
		return outcome{}, c.cleanOne(ctx, &in)
	}
}

// cleanSeveral does it for several conversations.
func cleanSeveral(ctx context.Context, c *call) (outcome, error) {
	var list []cleanInput
	err := scan(c.data, func(f *field) error {
		if f.num == 1 {
			return addMessage(&list, f.b, (*cleanInput).read)
		}
		return nil
	})
	for i := range list {
		if err == nil {
			err = c.cleanOne(ctx, &list[i])
		}
	}
	return outcome{}, err
}

func (c *call) cleanOne(ctx context.Context, in *cleanInput) error {
	p := place{kind: in.kind, id: in.target, sub: in.sub}
	var upTo time.Time // everything
	if in.upTo > 0 {
		upTo = time.UnixMilli(in.upTo)
	}
	_, err := c.d.core.Channels.Truncate(ctx, server(c.by.App).As(c.by.User), core.TruncateChannel{
		Key: p.key(c.by.User), Before: upTo, Members: []core.UserID{c.by.User},
	})
	return ignoreMissing(err)
}
