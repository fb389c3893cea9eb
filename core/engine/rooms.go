package engine

import (
	"cmp"
	"context"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
)

type rooms struct{ e *Engine }

// maxInRoom bounds how many people are looked for in a room at once.
const maxInRoom = 1000

// Enter makes the actor present in a room.
func (s rooms) Enter(ctx context.Context, by core.Actor, in core.EnterRoom) (core.GroupView, error) {
	const op = "rooms.enter"
	e := s.e
	if err := needUser(by); err != nil {
		return core.GroupView{}, translate(op, err)
	}
	x, err := groups(s).about(ctx, op, by, in.Key, by.User)
	if err != nil {
		return core.GroupView{}, err
	}
	if x.sc.channel.Kind != core.KindRoom {
		return core.GroupView{}, translate(op, noChannel(in.Key))
	}
	if in.LeaveOthers {
		if err := s.leaveOthers(ctx, by, x.sc.channel.ID); err != nil {
			return core.GroupView{}, translate(op, err)
		}
	}
	x.quiet, x.extra = true, in.Extra
	// Bound before it is committed: a connection that ends meanwhile finds what it has to leave.
	k := placeKey{by.App, x.sc.channel.ID, by.User}
	bound := e.hub.bind(by, k.ch, in.Key)
	e.kit.leaving.cancel(k)
	out, err := x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		if bound {
			if err := e.seat(t, c.Key, by.User); err != nil {
				return err
			}
		}
		if m != nil {
			return nil
		}
		if c.Admits() == core.AdmitInvited {
			return fault.GroupJoinDenied.Error("the room is closed").With("private")
		}
		if err := x.mayEnter(ctx, t, c, m); err != nil {
			return err
		}
		role, _, err := record[string](ctx, t, t.app, spaceRoomRanks, placeRecord(c.Key, by.User))
		if err != nil {
			return err
		}
		if err := t.DeleteRecord(t.app, spaceRoomRanks, placeRecord(c.Key, by.User)); err != nil {
			return err
		}
		return x.enter(ctx, t, c, cmp.Or(role, core.MemberMember), core.NoticeJoined)
	})
	if err != nil {
		e.hub.unbind(by, k.ch)
	}
	return out, err
}

// leaveOthers ends the actor's presence in all rooms but one.
func (s rooms) leaveOthers(ctx context.Context, by core.Actor, but core.ChannelID) error {
	all, err := s.joined(ctx, by.App, by.User)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].ID == but {
			continue
		}
		if _, err := s.Leave(ctx, by, core.LeaveRoom{Key: all[i].Key}); err != nil && !fault.IsReason(err, fault.GroupNotMember) {
			return err
		}
	}
	return nil
}

// Leave ends the actor's presence.
func (s rooms) Leave(ctx context.Context, by core.Actor, in core.LeaveRoom) (core.GroupView, error) {
	const op = "rooms.leave"
	e := s.e
	if err := needUser(by); err != nil {
		return core.GroupView{}, translate(op, err)
	}
	x, err := groups(s).about(ctx, op, by, in.Key, by.User)
	if err != nil {
		return core.GroupView{}, err
	}
	if x.sc.channel.Kind != core.KindRoom {
		return core.GroupView{}, translate(op, noChannel(in.Key))
	}
	x.quiet = true
	e.kit.leaving.cancel(placeKey{by.App, x.sc.channel.ID, by.User})
	return x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		if m == nil {
			return fault.GroupNotMember.Error("the user is not in this room").With("self")
		}
		return x.leaveRoom(ctx, t, c, m)
	})
}

// leaveRoom ends a presence. A rank is kept for when they come back.
func (x *change) leaveRoom(ctx context.Context, t *txn, c *core.Channel, m *core.Member) error {
	if rank[m.Role] > rankMember {
		if err := putJSON(t, spaceRoomRanks, placeRecord(c.Key, m.User), &m.Role); err != nil {
			return err
		}
	}
	return x.leave(ctx, t, c, m, core.NoticeLeft)
}

// awayRank is the rank somebody who is not in a room at the moment has there.
func (e *Engine) awayRank(ctx context.Context, sc *scene) (string, error) {
	if sc.channel.Kind != core.KindRoom || sc.by.User == "" || sc.member != nil {
		return "", nil
	}
	role, _, err := record[string](ctx, e.store, sc.by.App, spaceRoomRanks, placeRecord(sc.channel.Key, sc.by.User))
	return role, err
}

// In tells which of the people are in a room.
func (s rooms) In(ctx context.Context, by core.Actor, in core.InRoom) (map[core.UserID]bool, error) {
	const op = "rooms.in"
	e := s.e
	sc, err := e.group(ctx, by, in.Key)
	if err == nil {
		err = e.mayDeed(sc, "read", nil, "")
	}
	if err == nil && len(in.Users) > maxInRoom {
		err = fault.RequestBatchTooLarge.Error("at most 1,000 people at once")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	ms, err := e.store.Members(ctx, by.App, sc.channel.ID, in.Users, maxInRoom, 0)
	out := make(map[core.UserID]bool, len(ms))
	for i := range ms {
		out[ms[i].User] = true
	}
	return out, translate(op, err)
}

// Joined lists the rooms a person is in, last entered first.
func (s rooms) Joined(ctx context.Context, by core.Actor, in core.ListRooms) ([]core.Channel, error) {
	const op = "rooms.joined"
	in.User = cmp.Or(in.User, by.User)
	if in.User != by.User {
		if err := serverOnly(by, "reading where somebody is"); err != nil {
			return nil, translate(op, err)
		}
	}
	out, err := s.joined(ctx, by.App, in.User)
	return out, translate(op, err)
}

func (s rooms) joined(ctx context.Context, app core.AppID, user core.UserID) ([]core.Channel, error) {
	e := s.e
	ms, err := e.store.Memberships(ctx, app, user, maxMemberships)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(ms, func(a, b core.Member) int { return b.CreatedAt.Compare(a.CreatedAt) })
	var out []core.Channel
	for part := range slices.Chunk(ms, maxListedByID) {
		ids := make([]core.ChannelID, len(part))
		for i := range part {
			ids[i] = part[i].Channel
		}
		list, err := e.store.Channels(ctx, app, ids)
		if err != nil {
			return nil, err
		}
		byID := make(map[core.ChannelID]*core.Channel, len(list))
		for i := range list {
			byID[list[i].ID] = &list[i]
		}
		for _, id := range ids {
			if c := byID[id]; c != nil && c.Kind == core.KindRoom && c.DeletedAt.IsZero() {
				out = append(out, *c)
			}
		}
	}
	return out, nil
}
