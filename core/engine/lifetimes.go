package engine

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

func roomDueKey(at time.Time, app core.AppID, key core.ChannelKey) string {
	return keyOf(orderedTime(at), strconv.FormatInt(int64(app), 10), string(key))
}

// schedule notes when a room has to be looked at for its end. The end of a fixed lifetime is kept in
// the rules; a call for one that is not new to them sets it.
func (e *Engine) schedule(t *txn, c *core.Channel) error {
	r := c.Overrides.Rules
	if r == nil || r.Lifetime.Minutes == 0 {
		return nil
	}
	end := e.now().Add(time.Duration(r.Lifetime.Minutes) * time.Minute)
	if r.Lifetime.Ends = (time.Time{}); r.Lifetime.Fixed {
		r.Lifetime.Ends = end
	}
	return t.PutRecord(allApps, spaceRoomsDue, roomDueKey(end, t.app, c.Key), nothing)
}

// endRooms looks at the rooms whose time may be over.
func (e *Engine) endRooms(ctx context.Context) error {
	rows, err := e.store.Records(ctx, allApps, spaceRoomsDue, "", "", false, roomsRun)
	if err != nil {
		return err
	}
	now := orderedTime(e.now())
	for i := range rows {
		part := strings.Split(rows[i].Key, "\x00")
		if len(part) != 3 || part[0] > now {
			return nil
		}
		app, err := strconv.ParseInt(part[1], 10, 64)
		if err != nil {
			return err
		}
		if err := e.endRoom(ctx, core.AppID(app), core.ChannelKey(part[2]), rows[i].Key); err != nil {
			return err
		}
	}
	return nil
}

// endRoom ends a room that has had its time, or notes when to look again.
func (e *Engine) endRoom(ctx context.Context, app core.AppID, key core.ChannelKey, due string) error {
	over := false
	err := e.update(ctx, "rooms.end", app, 0, func(t *txn) error {
		over = false
		_, found, err := record[struct{}](ctx, t, allApps, spaceRoomsDue, due)
		if err != nil || !found {
			return err
		}
		if err := t.DeleteRecord(allApps, spaceRoomsDue, due); err != nil {
			return err
		}
		c, err := t.Channel(ctx, app, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && !c.DeletedAt.IsZero() {
			return nil
		}
		if err != nil {
			return err
		}
		life := c.Rules().Lifetime
		if life.Minutes == 0 {
			return nil
		}
		next := life.Ends
		if !life.Fixed {
			last, err := t.lastEvent(ctx, &c)
			if err != nil {
				return err
			}
			if c.MemberCount > 0 {
				last = e.now()
			}
			next = last.Add(time.Duration(life.Minutes) * time.Minute)
		}
		if over = !e.now().Before(next); over {
			return nil
		}
		return t.PutRecord(allApps, spaceRoomsDue, roomDueKey(next, app, key), nothing)
	})
	if err != nil || !over {
		return err
	}
	sc, err := e.enter(ctx, core.Actor{App: app, Access: core.AccessServer}, key)
	if err != nil {
		return err
	}
	_, err = channels{e}.delete(ctx, sc, false)
	return err
}

// lastEvent is when something last happened in a channel.
func (t *txn) lastEvent(ctx context.Context, c *core.Channel) (time.Time, error) {
	rows, err := t.Events(ctx, t.app, c.ID, c.LastEv-1, time.Time{}, 1)
	if err != nil || len(rows) == 0 {
		return c.CreatedAt, err
	}
	return rows[0].At, nil
}
