package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

type reads struct{ e *Engine }

func sortEvents(evs []*core.Event) {
	slices.SortStableFunc(evs, func(a, b *core.Event) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if a.Channel == b.Channel {
			return cmp.Compare(a.Ev, b.Ev)
		}
		return 0
	})
}

// member enters a channel as one of its members.
func (e *Engine) asMember(ctx context.Context, by core.Actor, key core.ChannelKey) (*scene, error) {
	sc, err := e.enter(ctx, by, key)
	if err != nil {
		return nil, err
	}
	if sc.user == nil {
		return nil, fault.RequestInvalid.Error("either user or user_id must be provided when using server side auth.")
	}
	if sc.member == nil {
		return nil, fault.PermissionDenied.Error("user " + string(by.User) + " is not a member of this channel")
	}
	return sc, nil
}

// Mark moves the actor's read position.
func (r reads) Mark(ctx context.Context, by core.Actor, in core.MarkRead) (core.MarkedRead, error) {
	e := r.e
	const op = "reads.mark"
	sc, err := e.asMember(ctx, by, in.Key)
	if err != nil {
		return core.MarkedRead{}, translate(op, err)
	}
	if err := sc.need(core.FeatureReads, "read events"); err != nil {
		return core.MarkedRead{}, translate(op, err)
	}
	if in.Thread != "" {
		return r.markThread(ctx, sc, in)
	}
	var upTo *core.Message
	if in.Message != "" {
		if upTo, err = e.messageIn(ctx, by.App, sc.channel, in.Message); err != nil {
			return core.MarkedRead{}, translate(op, err)
		}
	}
	return r.move(ctx, op, sc, upTo, false)
}

// move sets the read position to upTo, or to the end when nil, and tells the channel.
func (r reads) move(ctx context.Context, op string, sc *scene, upTo *core.Message, back bool) (core.MarkedRead, error) {
	e := r.e
	var ev *core.Event
	err := e.update(ctx, op, sc.by.App, sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, sc.by.App, sc.channel.Key)
		if err != nil {
			return err
		}
		ms, err := t.Members(ctx, sc.by.App, c.ID, []core.UserID{sc.user.ID}, 1, 0)
		if err != nil || len(ms) == 0 {
			return cmp.Or(err, error(fault.PermissionDenied.Error("the user is not a member of this channel")))
		}
		m := ms[0]
		m.ReadAt = e.now()
		behind := upTo != nil && !back && upTo.Seq < m.ReadSeq
		if behind {
			m.ReadAt = ms[0].ReadAt // positions do not go back by reading again
		} else if upTo != nil {
			m.ReadSeq, m.ReadMessage = upTo.Seq, upTo.ID
			if back {
				m.ReadSeq, m.ReadMessage = upTo.Seq-1, 0
				m.ReadAt = upTo.CreatedAt.Add(-time.Millisecond)
			}
		} else {
			m.ReadSeq = c.LastSeq
		}
		alias := ""
		if last, err := t.RangeMessages(ctx, sc.by.App, storeRange(c.ID, m.ReadSeq+1)); err != nil {
			return err
		} else if len(last) > 0 {
			m.ReadMessage, alias = last[0].ID, last[0].Alias
		}
		if err := t.putMember(c.Key, &m); err != nil {
			return err
		}
		read := readOf(sc.user, &m, alias)
		if behind {
			read.Message, read.MessageAlias = upTo.ID, upTo.Alias
		}
		rows, err := t.Unread(ctx, sc.by.App, sc.user.ID, []core.ChannelID{c.ID})
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			read.Unread = rows[0].Count
		}
		ev = &core.Event{Kind: core.ReadMoved, Channel: &c, Config: sc.config, User: e.seen(sc.by.App, sc.user), Read: &read}
		if back {
			ev.Kind, ev.To, ev.Message = core.ReadMovedBack, []core.UserID{sc.user.ID}, upTo
		} else if ev.Everyone, err = e.everyone(ctx, t, &c, "", m.ReadSeq, true); err != nil {
			return err
		}
		return t.emit(ev)
	})
	if err != nil {
		return core.MarkedRead{}, err
	}
	return r.marked(ctx, op, sc.by, ev)
}

func (r reads) marked(ctx context.Context, op string, by core.Actor, ev *core.Event) (core.MarkedRead, error) {
	counts, err := r.e.loadCounts(ctx, by.App, by.User)
	return core.MarkedRead{Event: ev, Counts: counts}, translate(op, err)
}

func readOf(u *core.User, m *core.Member, alias string) core.Read {
	return core.Read{
		User: *u, Seq: m.ReadSeq, At: m.ReadAt, Message: m.ReadMessage, MessageAlias: alias,
		DeliveredSeq: m.DeliveredSeq, DeliveredAt: m.DeliveredAt,
	}
}

// markThread moves the position in one thread.
func (r reads) markThread(ctx context.Context, sc *scene, in core.MarkRead) (core.MarkedRead, error) {
	e := r.e
	const op = "reads.mark"
	parent, err := e.messageIn(ctx, sc.by.App, sc.channel, in.Thread)
	if err != nil {
		return core.MarkedRead{}, translate(op, err)
	}
	var ev *core.Event
	err = e.update(ctx, op, sc.by.App, sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, sc.by.App, sc.channel.Key)
		if err != nil {
			return err
		}
		at := threadRead{Seq: c.LastSeq, At: e.now()}
		if err := putJSON(t, spaceThreadReads, threadReadKey(sc.user.ID, parent.ID), &at); err != nil {
			return err
		}
		read := core.Read{User: *sc.user, Seq: at.Seq, At: at.At, Message: parent.ID, MessageAlias: parent.Alias}
		ev = &core.Event{
			Kind: core.ReadMoved, Channel: &c, Config: sc.config, User: e.seen(sc.by.App, sc.user), Read: &read,
			Thread: &core.Thread{Parent: *parent, LastMessageAt: parent.LastReplyAt, ReplyCount: parent.ReplyCount, CreatedAt: parent.CreatedAt, UpdatedAt: parent.UpdatedAt},
		}
		return t.emit(ev)
	})
	if err != nil {
		return core.MarkedRead{}, err
	}
	return r.marked(ctx, op, sc.by, ev)
}

// Unmark moves the position back.
func (r reads) Unmark(ctx context.Context, by core.Actor, in core.MarkUnread) (core.MarkedRead, error) {
	e := r.e
	const op = "reads.unmark"
	sc, err := e.asMember(ctx, by, in.Key)
	if err != nil {
		return core.MarkedRead{}, translate(op, err)
	}
	if err := sc.need(core.FeatureReads, "read events"); err != nil {
		return core.MarkedRead{}, translate(op, err)
	}
	if in.Thread != "" {
		return r.unmarkThread(ctx, sc, in)
	}
	var from *core.Message
	if in.Message != "" {
		from, err = e.messageIn(ctx, by.App, sc.channel, in.Message)
	} else {
		from, err = e.firstSince(ctx, by.App, sc.channel, in.At)
	}
	if err != nil {
		return core.MarkedRead{}, translate(op, err)
	}
	return r.move(ctx, op, sc, from, true)
}

func (r reads) unmarkThread(ctx context.Context, sc *scene, in core.MarkUnread) (core.MarkedRead, error) {
	e := r.e
	const op = "reads.unmark"
	parent, err := e.messageIn(ctx, sc.by.App, sc.channel, in.Thread)
	if err != nil {
		return core.MarkedRead{}, translate(op, err)
	}
	var ev *core.Event
	err = e.update(ctx, op, sc.by.App, 0, func(t *txn) error {
		if err := t.DeleteRecord(sc.by.App, spaceThreadReads, threadReadKey(sc.user.ID, parent.ID)); err != nil {
			return err
		}
		read := core.Read{User: *sc.user, Message: parent.ID, MessageAlias: parent.Alias}
		ev = &core.Event{
			Kind: core.ReadMovedBack, Channel: sc.channel, Config: sc.config, User: e.seen(sc.by.App, sc.user),
			To: []core.UserID{sc.user.ID}, Read: &read, Message: parent, Thread: &core.Thread{Parent: *parent},
		}
		return t.emit(ev)
	})
	if err != nil {
		return core.MarkedRead{}, err
	}
	return r.marked(ctx, op, sc.by, ev)
}

// MarkAll moves several positions to the end.
func (r reads) MarkAll(ctx context.Context, by core.Actor, in core.MarkAllRead) (core.MarkedRead, error) {
	e := r.e
	const op = "reads.mark_all"
	keys := make([]core.ChannelKey, 0, len(in.Keys))
	for k := range in.Keys {
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		rows, err := e.store.Unread(ctx, by.App, by.User, nil)
		if err != nil {
			return core.MarkedRead{}, translate(op, err)
		}
		ids := make([]core.ChannelID, len(rows))
		for i := range rows {
			ids[i] = rows[i].Channel
		}
		cs, err := e.store.Channels(ctx, by.App, ids)
		if err != nil {
			return core.MarkedRead{}, translate(op, err)
		}
		for i := range cs {
			keys = append(keys, cs[i].Key)
		}
	}
	slices.Sort(keys)
	var last core.MarkedRead
	for _, k := range keys {
		m, err := r.Mark(ctx, by, core.MarkRead{Key: k, Message: in.Keys[k]})
		if fault.IsReason(err, fault.ServiceNotEnabled) {
			continue
		}
		if err != nil {
			return core.MarkedRead{}, translate(op, err)
		}
		last = m
	}
	if last.Event == nil {
		u, err := e.actor(ctx, by)
		if err != nil {
			return last, translate(op, err)
		}
		return r.marked(ctx, op, by, &core.Event{Kind: core.ReadMoved, App: by.App, At: e.now(), User: e.seen(by.App, u)})
	}
	return last, nil
}

// Delivered notes that messages reached a device; nothing is told back but to the channel.
func (r reads) Delivered(ctx context.Context, by core.Actor, in core.MarkDelivered) (core.Counts, error) {
	e := r.e
	const op = "reads.delivered"
	for _, d := range in.Latest {
		sc, err := e.asMember(ctx, by, d.Key)
		if err != nil {
			return core.Counts{}, translate(op, err)
		}
		m, err := e.messageIn(ctx, by.App, sc.channel, d.Message)
		if err != nil {
			return core.Counts{}, translate(op, err)
		}
		if !sc.config.Features[core.FeatureDelivery] || m.Seq <= sc.member.DeliveredSeq {
			continue
		}
		err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
			ms, err := t.Members(ctx, by.App, sc.channel.ID, []core.UserID{by.User}, 1, 0)
			if err != nil || len(ms) == 0 || m.Seq <= ms[0].DeliveredSeq {
				return err
			}
			mm := ms[0]
			mm.DeliveredSeq, mm.DeliveredAt = m.Seq, e.now()
			if err := t.putMember(sc.channel.Key, &mm); err != nil {
				return err
			}
			read := readOf(sc.user, &mm, "")
			read.DeliveredID, read.DeliveredName = m.ID, m.Alias
			all, err := e.everyone(ctx, t, sc.channel, "", m.Seq, false)
			if err != nil {
				return err
			}
			return t.emit(&core.Event{Kind: core.DeliveredMoved, Channel: sc.channel, Config: sc.config, User: e.seen(by.App, sc.user), Read: &read, Everyone: all})
		})
		if err != nil {
			return core.Counts{}, err
		}
	}
	return core.Counts{}, nil
}

// loadCounts reads a person's unread totals from the store and refreshes what this node keeps of
// them for live deliveries.
func (e *Engine) loadCounts(ctx context.Context, app core.AppID, user core.UserID) (core.Counts, error) {
	var kept map[core.ChannelID]*unreadOf
	var threads map[core.MessageID]struct{}
	take := e.hub.loadUnread(userKey{app, user})
	defer func() { take(kept, threads) }()
	rows, err := e.store.Unread(ctx, app, user, nil)
	if err != nil {
		return core.Counts{}, err
	}
	found := make(map[core.ChannelID]*unreadOf, len(rows))
	var c core.Counts
	for _, r := range rows {
		found[r.Channel] = &unreadOf{count: r.Count, readSeq: r.ReadSeq, muted: r.Muted, ev: r.Ev}
		if r.Count > 0 && !r.Muted {
			c.Messages += r.Count
			c.Channels++
		}
	}
	ts, err := e.unreadThreads(ctx, app, user)
	if err != nil {
		return c, err
	}
	c.Threads = len(ts)
	threads = make(map[core.MessageID]struct{}, len(ts))
	for i := range ts {
		threads[ts[i].Parent] = struct{}{}
	}
	kept = found
	return c, nil
}

// maxUnreadListed bounds the channels of a detailed unread answer.
const maxUnreadListed = 100

// Unread reads unread counts in detail.
func (r reads) Unread(ctx context.Context, by core.Actor, in core.GetUnread) (core.Unread, error) {
	e := r.e
	const op = "reads.unread"
	user := by.User
	if in.User != "" && by.Server() {
		user = in.User
	}
	var out core.Unread
	if _, err := e.user(ctx, by.App, user); err != nil {
		return out, translate(op, err)
	}
	rows, err := e.store.Unread(ctx, by.App, user, nil)
	if err != nil {
		return out, translate(op, err)
	}
	ids := make([]core.ChannelID, 0, len(rows))
	for _, x := range rows {
		ids = append(ids, x.Channel)
		if !x.Muted {
			out.Counts.Messages += x.Count
			out.Counts.Channels++
		}
	}
	if len(ids) > maxUnreadListed {
		ids = ids[:maxUnreadListed]
	}
	cs, err := e.store.Channels(ctx, by.App, ids)
	if err != nil {
		return out, translate(op, err)
	}
	byID := make(map[core.ChannelID]*core.Channel, len(cs))
	for i := range cs {
		byID[cs[i].ID] = &cs[i]
	}
	for _, x := range rows {
		if c := byID[x.Channel]; c != nil && !x.Muted {
			out.Channels = append(out.Channels, core.UnreadChannel{Key: c.Key, Type: c.Type, Count: x.Count, LastRead: x.ReadAt})
		}
	}
	out.Threads, err = e.unreadThreads(ctx, by.App, user)
	out.Counts.Threads = len(out.Threads)
	return out, translate(op, err)
}
