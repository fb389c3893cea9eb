package engine

import (
	"context"
	"encoding/json"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// Bounds of reading a feed.
const (
	feedDefault = 100
	feedMost    = 500
	queuesMost  = 1000
)

type feeds struct{ e *Engine }

// Pull reads a part of the actor's feed.
func (f feeds) Pull(ctx context.Context, by core.Actor, in core.PullFeed) (core.FeedPage, error) {
	const op = "feeds.pull"
	q := store.FeedQuery{User: by.User, Own: in.Own, After: max(in.After, 0), Limit: in.Limit}
	if by.User == "" {
		return core.FeedPage{}, fault.AuthFailed.Error("a feed belongs to a user")
	}
	if q.Limit <= 0 {
		q.Limit = feedDefault
	}
	q.Limit = min(q.Limit, feedMost)
	if in.Channel != "" {
		c, err := f.e.channel(ctx, by.App, in.Channel)
		if err != nil {
			return core.FeedPage{}, translate(op, err)
		}
		q.Channel = c.ID
	}
	rows, err := f.e.store.Feed(ctx, by.App, q)
	if err != nil {
		return core.FeedPage{}, translate(op, err)
	}
	page := core.FeedPage{Last: q.After, More: len(rows) == q.Limit}
	if len(rows) > 0 {
		page.Last = rows[len(rows)-1].Stamp
	}
	page.Events, err = f.e.feedEvents(ctx, by, rows)
	return page, translate(op, err)
}

// feedEvents makes events of rows, without those that do not concern the person.
func (e *Engine) feedEvents(ctx context.Context, by core.Actor, rows []store.EventRow) ([]*core.Event, error) {
	logged := make([]store.EventRow, 0, len(rows))
	for i := range rows {
		if rows[i].Channel != 0 {
			logged = append(logged, rows[i])
		}
	}
	told, err := e.rebuild(ctx, by.App, logged)
	if err != nil {
		return nil, err
	}
	out := make([]*core.Event, 0, len(rows))
	for i := range rows {
		if rows[i].Channel != 0 {
			if len(told) > 0 && told[0].Stamp == rows[i].Stamp {
				if ev := told[0]; concerns(ev, by.User) {
					out = append(out, ev)
				}
				told = told[1:]
			}
			continue
		}
		ev := &core.Event{}
		if err := json.Unmarshal(rows[i].Payload, ev); err != nil {
			return nil, err
		}
		ev.Stamp, ev.Box = rows[i].Stamp, []core.UserID{by.User}
		if ev.Channel != nil {
			if ev.Config, err = e.configOf(ctx, by.App, ev.Channel); err != nil {
				return nil, err
			}
		}
		out = append(out, ev)
	}
	return out, nil
}

// concerns tells whether an event of a channel's log is for one of its members, and not in their box.
func concerns(ev *core.Event, u core.UserID) bool {
	return (len(ev.To) == 0 || slices.Contains(ev.To, u)) && !ev.InBox(u)
}

// Pending reads what waits for a device.
func (f feeds) Pending(ctx context.Context, by core.Actor, in core.PendingFeed) ([]core.FeedQueue, error) {
	const op = "feeds.pending"
	pos, err := f.e.positions(ctx, by, in.Device)
	if err != nil {
		return nil, translate(op, err)
	}
	heads, err := f.e.store.FeedHeads(ctx, by.App, by.User, pos.lowest())
	if err != nil {
		return nil, translate(op, err)
	}
	ids := make([]core.ChannelID, 0, len(heads))
	for _, h := range heads {
		if h.Channel != 0 {
			ids = append(ids, h.Channel)
		}
	}
	byID := map[core.ChannelID]*core.Channel{}
	for part := range slices.Chunk(ids, queuesMost) {
		list, err := f.e.store.Channels(ctx, by.App, part)
		if err != nil {
			return nil, translate(op, err)
		}
		for i := range list {
			byID[list[i].ID] = &list[i]
		}
	}
	var out []core.FeedQueue
	for _, h := range heads {
		c := byID[h.Channel]
		if h.Channel != 0 && c == nil {
			continue
		}
		var key core.ChannelKey
		if c != nil {
			key = c.Key
		}
		if after := pos.of(key); h.Last > after && len(out) < queuesMost {
			out = append(out, core.FeedQueue{Channel: c, After: after, Last: h.Last})
		}
	}
	return out, nil
}

// Ack moves a device's cursor.
func (f feeds) Ack(ctx context.Context, by core.Actor, in core.AckFeed) error {
	if by.User == "" || in.Device == "" {
		return fault.RequestInvalid.Error("a cursor belongs to a device of a user")
	}
	f.e.kit.marks.move(deviceKey{userKey{by.App, by.User}, in.Device}, in.Key, in.Stamp)
	return nil
}

// Cursor reads how far a device has come.
func (f feeds) Cursor(ctx context.Context, by core.Actor, in core.GetCursor) (core.Stamp, error) {
	pos, err := f.e.positions(ctx, by, in.Device)
	if err != nil {
		return 0, translate("feeds.cursor", err)
	}
	return pos.of(in.Key), nil
}
