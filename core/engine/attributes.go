package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

type attributes struct{ e *Engine }

// maxAttributesOf bounds how many people's attributes are read at once.
const maxAttributesOf = 200

// maxTombstone is how long the removal of an attribute is remembered for those who ask what changed.
const maxTombstone = 24 * time.Hour

// limits are the bounds asked for, with the core's own in place of those left out.
func limits(l core.AttributeLimits) core.AttributeLimits {
	return core.AttributeLimits{Name: cmp.Or(l.Name, 256), Value: cmp.Or(l.Value, 4096), Entries: cmp.Or(l.Entries, 1000)}
}

func checkAttribute(l core.AttributeLimits, name, value string) error {
	if name == "" || len(name) > l.Name || strings.Contains(name, "\x00") {
		return fault.RequestInvalidField.Error(fmt.Sprintf("the name of an attribute is 1 to %d bytes long", l.Name))
	}
	if len(value) > l.Value {
		return fault.RequestFieldTooLong.Error(fmt.Sprintf("the value of an attribute is at most %d bytes long", l.Value))
	}
	return nil
}

// memberAttributes reads what a group keeps about a member; it is stored as one object.
func memberAttributes(ctx context.Context, t *txn, key core.ChannelKey, user core.UserID) (map[string]string, error) {
	m, _, err := record[map[string]string](ctx, t, t.app, spaceMemberAttributes, placeRecord(key, user))
	if m == nil {
		m = map[string]string{}
	}
	return m, err
}

// SetMember changes what a group keeps about a member.
func (s attributes) SetMember(ctx context.Context, by core.Actor, in core.SetMemberAttributes) (map[string]string, error) {
	const op = "attributes.set_member"
	in.User = cmp.Or(in.User, by.User)
	l := limits(in.Limits)
	for _, name := range slices.Sorted(maps.Keys(in.Values)) {
		if err := checkAttribute(l, name, in.Values[name]); err != nil {
			return nil, translate(op, err)
		}
	}
	deed := "tend"
	if in.User == by.User {
		deed = "read"
	}
	x, err := s.e.roundOf(ctx, op, by, in.Key, deed, []core.UserID{in.User})
	if err != nil {
		return nil, err
	}
	x.anyone = false
	var out map[string]string
	done, err := x.run(ctx, func(t *txn, c *core.Channel, u *core.User, _ *core.Member) error {
		all, err := memberAttributes(ctx, t, c.Key, u.ID)
		if err != nil {
			return err
		}
		set, gone := map[string]string{}, []string(nil)
		for _, name := range slices.Sorted(maps.Keys(in.Values)) {
			v := in.Values[name]
			old, had := all[name]
			switch {
			case v == "" && had:
				gone = append(gone, name)
				delete(all, name)
			case v != "" && v != old:
				set[name], all[name] = v, v
			}
		}
		if len(all) > l.Entries {
			return fault.LimitReached.Error(fmt.Sprintf("a member has at most %d attributes", l.Entries))
		}
		if out = all; len(set) == 0 && gone == nil {
			return nil
		}
		if err := putJSON(t, spaceMemberAttributes, placeRecord(c.Key, u.ID), &all); err != nil {
			return err
		}
		return x.tell(t, c, core.MemberAttributes, u, &core.Change{Values: set, Names: gone})
	})
	if err == nil {
		err = done[0].Err
	}
	return out, err
}

// Members reads what a group keeps about members.
func (s attributes) Members(ctx context.Context, by core.Actor, in core.GetMemberAttributes) (map[core.UserID]map[string]string, error) {
	const op = "attributes.members"
	e := s.e
	sc, err := e.group(ctx, by, in.Key)
	if err == nil {
		err = e.mayDeed(sc, "read", nil, "")
	}
	if err == nil && len(in.Users) > maxAttributesOf {
		err = fault.RequestBatchTooLarge.Error(fmt.Sprintf("at most %d people at once", maxAttributesOf))
	}
	if err != nil {
		return nil, translate(op, err)
	}
	out := make(map[core.UserID]map[string]string, len(in.Users))
	for _, u := range in.Users {
		m, _, err := record[map[string]string](ctx, e.store, by.App, spaceMemberAttributes, placeRecord(in.Key, u))
		if err != nil {
			return nil, translate(op, err)
		}
		maps.DeleteFunc(m, func(name, _ string) bool { return len(in.Names) > 0 && !slices.Contains(in.Names, name) })
		if out[u] = m; m == nil {
			out[u] = map[string]string{}
		}
	}
	return out, nil
}

// keeping is a change of the attributes of a room under way.
type keeping struct {
	round
	owner core.UserID
	force bool
	all   map[string]core.RoomAttribute
	at    time.Time // of the change: above all before it
}

// keep enters a room for a change of its attributes.
func (s attributes) keep(ctx context.Context, op string, by core.Actor, key core.ChannelKey, owner core.UserID, force bool) (*keeping, error) {
	e := s.e
	deed := "read"
	if by.Server() {
		deed = ""
	}
	x, err := e.roundOf(ctx, op, by, key, deed, nil)
	if err != nil {
		return nil, err
	}
	if owner == "" || !by.Server() {
		owner = by.User
	}
	return &keeping{round: *x, owner: owner, force: force}, nil
}

// load reads the room's attributes and forgets removals that are old.
func (k *keeping) load(ctx context.Context, t *txn, key core.ChannelKey) (core.Channel, error) {
	c, err := t.Channel(ctx, t.app, key)
	if err != nil {
		return c, err
	}
	list, err := scan[core.RoomAttribute](ctx, t, t.app, spaceRoomAttributes, prefixOf(string(key)))
	if err != nil {
		return c, err
	}
	k.at, k.all = t.e.now(), make(map[string]core.RoomAttribute, len(list))
	for i := range list {
		a := &list[i]
		if !a.UpdatedAt.Before(k.at) {
			k.at = a.UpdatedAt.Add(time.Millisecond)
		}
		if a.Removed && t.e.now().Sub(a.UpdatedAt) > maxTombstone {
			if err := t.DeleteRecord(t.app, spaceRoomAttributes, keyOf(string(key), a.Name)); err != nil {
				return c, err
			}
			continue
		}
		k.all[a.Name] = *a
	}
	return c, nil
}

func (k *keeping) put(t *txn, key core.ChannelKey, a core.RoomAttribute) error {
	a.UpdatedAt = k.at
	k.all[a.Name] = a
	return putJSON(t, spaceRoomAttributes, keyOf(string(key), a.Name), &a)
}

// mine answers permission.denied for an entry that another person owns.
func (k *keeping) mine(a core.RoomAttribute) error {
	if k.force || a.Owner == k.owner || k.owner == "" {
		return nil
	}
	return fault.PermissionDenied.Error(fmt.Sprintf("the attribute %q belongs to another person", cut(a.Name))).With("open_channel_metadata")
}

func (k *keeping) tellRoom(t *txn, c *core.Channel, kind core.EventKind, ch *core.Change) error {
	ev := k.event(c, kind, nil, ch)
	ev.At = k.at
	return t.emit(ev)
}

// SetRoom sets attributes of a room.
func (s attributes) SetRoom(ctx context.Context, by core.Actor, in core.SetRoomAttributes) ([]core.AttributeOutcome, error) {
	const op = "attributes.set_room"
	l := limits(in.Limits)
	k, err := s.keep(ctx, op, by, in.Key, in.Owner, in.Force)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(in.Values))
	var out []core.AttributeOutcome
	err = s.e.update(ctx, op, by.App, k.sc.channel.ID, func(t *txn) error {
		c, err := k.load(ctx, t, in.Key)
		if err != nil {
			return err
		}
		out = make([]core.AttributeOutcome, 0, len(names))
		count := 0
		for _, a := range k.all {
			if !a.Removed {
				count++
			}
		}
		set := map[string]string{}
		for _, name := range names {
			old, had := k.all[name]
			had = had && !old.Removed
			err := checkAttribute(l, name, in.Values[name])
			if err == nil && had {
				err = k.mine(old)
			}
			if err == nil && !had && count >= l.Entries {
				err = fault.LimitReached.Error(fmt.Sprintf("a room has at most %d attributes", l.Entries)).With("open_channel_metadata")
			}
			if err == nil {
				if !had {
					count++
				}
				set[name] = in.Values[name]
				if err := k.put(t, in.Key, core.RoomAttribute{Name: name, Value: in.Values[name], Owner: k.owner, Auto: in.Auto}); err != nil {
					return err
				}
			}
			out = append(out, core.AttributeOutcome{Name: name, Err: translate(op, err)})
		}
		if len(set) == 0 || in.Quiet {
			return nil
		}
		ch := &core.Change{Values: set}
		if in.Auto {
			ch.New = "auto"
		}
		return k.tellRoom(t, &c, core.RoomAttributesSet, ch)
	})
	return out, err
}

// RemoveRoom removes attributes of a room.
func (s attributes) RemoveRoom(ctx context.Context, by core.Actor, in core.RemoveRoomAttributes) ([]core.AttributeOutcome, error) {
	const op = "attributes.remove_room"
	k, err := s.keep(ctx, op, by, in.Key, in.Owner, in.Force)
	if err != nil {
		return nil, err
	}
	var out []core.AttributeOutcome
	err = s.e.update(ctx, op, by.App, k.sc.channel.ID, func(t *txn) error {
		c, err := k.load(ctx, t, in.Key)
		if err != nil {
			return err
		}
		out = make([]core.AttributeOutcome, 0, len(in.Names))
		var gone []string
		for _, name := range in.Names {
			a, had := k.all[name]
			var err error
			if !had || a.Removed {
				err = fault.AttributeNotFound.Error(fmt.Sprintf("the room has no attribute %q", cut(name))).With("open_channel_metadata")
			} else if err = k.mine(a); err == nil {
				a.Removed, a.Value = true, ""
				if err := k.put(t, in.Key, a); err != nil {
					return err
				}
				gone = append(gone, name)
			}
			out = append(out, core.AttributeOutcome{Name: name, Err: translate(op, err)})
		}
		if gone == nil || in.Quiet {
			return nil
		}
		return k.tellRoom(t, &c, core.RoomAttributesRemoved, &core.Change{Names: gone})
	})
	return out, err
}

// Room reads attributes of a room, by name.
func (s attributes) Room(ctx context.Context, by core.Actor, in core.GetRoomAttributes) ([]core.RoomAttribute, error) {
	const op = "attributes.room"
	e := s.e
	sc, err := e.group(ctx, by, in.Key)
	if err == nil && !by.Server() {
		err = e.mayDeed(sc, "read", nil, "")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	all, err := scan[core.RoomAttribute](ctx, e.store, by.App, spaceRoomAttributes, prefixOf(string(in.Key)))
	all = slices.DeleteFunc(all, func(a core.RoomAttribute) bool {
		return a.Removed && in.Since.IsZero() || !a.UpdatedAt.After(in.Since) || len(in.Names) > 0 && !slices.Contains(in.Names, a.Name)
	})
	return all, translate(op, err)
}

// vacateRoom removes what goes with somebody who is out of a room: their seats, and the attributes
// they set for as long as they are there.
func (x *change) vacateRoom(ctx context.Context, t *txn, c *core.Channel) error {
	if c.Kind != core.KindRoom {
		return nil
	}
	nodes, err := x.g.e.nodes(ctx, t)
	if err != nil {
		return err
	}
	for node := range nodes {
		if err := t.DeleteRecord(allApps, spaceRoomSeats, x.g.e.seatKey(node, t.app, c.Key, x.of.ID)); err != nil {
			return err
		}
	}
	k := &keeping{round: round{e: x.g.e, sc: x.sc, author: x.of}}
	if _, err := k.load(ctx, t, c.Key); err != nil {
		return err
	}
	var gone []string
	for _, name := range slices.Sorted(maps.Keys(k.all)) {
		a := k.all[name]
		if a.Removed || !a.Auto || a.Owner != x.of.ID {
			continue
		}
		a.Removed, a.Value = true, ""
		if err := k.put(t, c.Key, a); err != nil {
			return err
		}
		gone = append(gone, name)
	}
	if gone == nil {
		return nil
	}
	return k.tellRoom(t, c, core.RoomAttributesRemoved, &core.Change{Names: gone})
}
