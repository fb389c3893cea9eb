package nexconn

import (
	"context"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// cursorOf reads a cursor of a client: a stamp of ours as we gave it, or a time in milliseconds, which
// the SDK takes where it has no stamp yet.
func cursorOf(n int64) core.Stamp {
	if n > 0 && n < 1e13 {
		return before(time.UnixMilli(n))
	}
	return core.Stamp(max(n, 0))
}

// present is the cursor of a client that has everything: what happens from this millisecond on is above
// it.
func (d *Dialect) present() core.Stamp { return before(d.now()) }

// before is the cursor below everything of a moment and above what was earlier.
func before(t time.Time) core.Stamp { return max(core.StampAt(t)-1, 0) }

// pullInbox answers what the person's direct and group channels have seen after the client's cursor,
// what they sent themself included. A client without one starts where its device, or else the person,
// has come to.
func pullInbox(ctx context.Context, c *call) (outcome, error) {
	var in syncRequest
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	after := cursorOf(in.after)
	if after == 0 {
		at, err := c.d.core.Feeds.Cursor(ctx, c.by, core.GetCursor{Device: c.device})
		if err != nil {
			return outcome{}, err
		}
		after = at
	}
	out := downMessages{finished: true, broadcast: 1, now: c.d.now().UnixMilli()}
	last, more, err := c.pull(ctx, "", after, func(ev *core.Event) bool {
		down := c.d.downEvent(ctx, ev, c.by.User)
		if down != nil && (down.kind == wireDirect || down.kind == wireGroup || down.kind == wireSystem) {
			out.list = append(out.list, down)
		}
		return len(out.list) < maxPage && sizeOf(out.list) < maxPageBytes
	})
	if err != nil {
		return outcome{}, err
	}
	if err := c.expansions(ctx, out.list); err != nil {
		return outcome{}, err
	}
	out.sync, out.finished = max(int64(last), in.after, 1), !more
	if last > 0 {
		if err := c.d.core.Feeds.Ack(ctx, c.by, core.AckFeed{Device: c.device, Stamp: last}); err != nil {
			return outcome{}, err
		}
	}
	c.answers(last, more)
	o, err := answered(out.write)
	o.more = more
	return o, err
}

// sizeOf is how large a page has become.
func sizeOf(list []*downMessage) int {
	n := 0
	for _, m := range list {
		n += frameSize(m)
	}
	return n
}

// pull reads the feed after a stamp, of one channel or with an empty key of all, until it is read or
// take has enough. It answers the stamp to go on from and whether there is more.
func (c *call) pull(ctx context.Context, key core.ChannelKey, after core.Stamp, take func(*core.Event) bool) (last core.Stamp, more bool, err error) {
	last = after
	for {
		page, err := c.d.core.Feeds.Pull(ctx, c.by, core.PullFeed{Channel: key, After: last, Limit: 500})
		if err != nil {
			return last, false, err
		}
		for _, ev := range page.Events {
			if !take(ev) {
				return ev.Stamp, true, nil
			}
		}
		last = max(page.Last, last)
		if !page.More {
			return last, false, nil
		}
	}
}

// pullEdits answers the direct and group messages that were changed after the client's cursor.
func pullEdits(ctx context.Context, c *call) (outcome, error) {
	asked, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	var list []*downMessage
	last, more, err := c.pull(ctx, "", cursorOf(asked), func(ev *core.Event) bool {
		if ev.Kind == core.MessageEdited && ev.Message != nil && ev.Channel != nil && !ev.Watchers && !unchanged(ev) {
			p, ok := c.d.placeOf(ctx, ev.App, c.by.User, ev.Channel)
			if ok && p.kind != wireOpen && p.kind != wireCommunity {
				list = append(list, c.d.down(ev.Message, p, c.by.User))
			}
		}
		return len(list) < maxPage && sizeOf(list) < maxPageBytes
	})
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		for _, m := range list {
			p.msg(1, func(p *pb) {
				p.int(1, 1)
				p.msg(2, m.write)
			})
		}
		p.int(2, max(int64(last), asked))
		p.bool(3, !more)
	})
}

// editMessage changes a message of the person's own.
func editMessage(ctx context.Context, c *call) (outcome, error) {
	var in changeRequest
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	c.kind = in.kind
	old, ch, err := c.d.messageNamed(ctx, c.by, in.uid)
	if err != nil {
		return outcome{}, err
	}
	body := contentOf(old)
	body.body = in.content
	fresh := body.input()
	sent := keptOf(old)
	m, err := c.d.core.Messages.Edit(ctx, c.by, core.EditMessage{ID: old.ID.String(), MaxText: maxBound, MaxExtra: maxBound, Change: func(m *core.Message) error {
		m.Text, m.Attachments, m.Mentions = fresh.Text, fresh.Attachments, fresh.Mentions
		m.Extra = withSent(fresh.Extra, sent.json())
		return nil
	}})
	if fault.IsReason(err, fault.PermissionDenied) {
		err = fault.MessageNotOwner.Error("Only the sender may change a message.")
	}
	if err != nil {
		return outcome{}, err
	}
	p, ok := c.d.placeOf(ctx, c.by.App, c.by.User, ch)
	if !ok {
		return outcome{}, nil
	}
	return answered(func(b *pb) {
		b.int(1, m.UpdatedAt.UnixMilli())
		b.msg(2, c.d.down(&m, p, c.by.User).write)
	})
}
