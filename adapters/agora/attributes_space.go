package agora

import (
	"context"
	"maps"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of attributes in bytes; see https://docs.agora.io/en/agora-chat/reference/limitations.
var (
	memberLimits = core.AttributeLimits{Name: 16, Value: 512, Entries: 100}
	roomLimits   = core.AttributeLimits{Name: 128, Value: 4096, Entries: 100}
)

// maxRoomBatch is how many attributes of a room one call may name.
const maxRoomBatch = 10

// spaceAttributeRoutes are the operations on the attributes of group members and of rooms.
func (d *Dialect) spaceAttributeRoutes() []adapters.Route {
	s := d.spaces()
	group := func(f family, method, path, name string, call func(context.Context, *spot, *adapters.Request) (memberValues, error), encode func(*answer, memberValues)) adapters.Route {
		return op(d, f, method, path, name, func(ctx context.Context, by core.Actor, rq *adapters.Request) (memberValues, error) {
			at, err := s[0].at(ctx, by, rq)
			if err != nil {
				return memberValues{}, err
			}
			return call(ctx, at, rq)
		}, encode)
	}
	room := func(method, path, name string, call func(context.Context, *spot, *adapters.Request, bool) (roomValues, error), force bool, encode func(*answer, roomValues)) adapters.Route {
		return op(d, full, method, path, name, func(ctx context.Context, by core.Actor, rq *adapters.Request) (roomValues, error) {
			at, err := s[1].at(ctx, by, rq)
			if err != nil {
				return roomValues{}, err
			}
			return call(ctx, at, rq, force)
		}, encode)
	}
	return []adapters.Route{
		group(meta, "POST", "/metadata/chatgroup/:id/get", "getMembersAttributes", d.membersValues, encodeMembersValues),
		group(meta, "POST", "/sdk/metadata/chatgroup/:id/get", "sdkGetMembersAttributes", d.membersValues, encodeMembersValues),
		group(meta, "GET", "/metadata/chatgroup/:id/user/:username", "getMemberAttributes", d.memberValues, encodeMemberValues),
		group(meta, "PUT", "/metadata/chatgroup/:id/user/:username", "setMemberAttributes", d.setMemberValues, encodeMemberValues),
		group(meta, "PUT", "/sdk/metadata/chatgroup/:id/user/:username", "sdkSetMemberAttributes", d.setMemberValues, encodeMemberValues),
		group(meta, "PUT", "/metadata/chatgroup/:id/users/batch", "setMembersAttributes", d.setMembersValues, encodeValuesBatch).Gated(adapters.GateServer),
		room("POST", "/metadata/chatroom/:id", "getRoomAttributes", d.roomValues, false, encodeRoomValues),
		room("PUT", "/metadata/chatroom/:id/user/:username", "setRoomAttributes", d.setRoomValues, false, encodeRoomOutcomes),
		room("DELETE", "/metadata/chatroom/:id/user/:username", "removeRoomAttributes", d.removeRoomValues, false, encodeRoomOutcomes),
		room("PUT", "/metadata/chatroom/:id/user/:username/forced", "forceRoomAttributes", d.setRoomValues, true, encodeRoomOutcomes),
		room("DELETE", "/metadata/chatroom/:id/user/:username/forced", "forceRemoveRoomAttributes", d.removeRoomValues, true, encodeRoomOutcomes),
	}
}

// memberValues are the attributes of members.
type memberValues struct {
	users  []core.UserID
	values map[core.UserID]map[string]string
	failed []core.UserID
}

// writeTexts writes texts by name, in order of their names.
func writeTexts(a *answer, m map[string]string) {
	a.Open()
	for _, k := range slices.Sorted(maps.Keys(m)) {
		a.KeyOf(k)
		a.Item(m[k])
	}
	a.Close()
}

func (d *Dialect) membersValues(ctx context.Context, at *spot, rq *adapters.Request) (memberValues, error) {
	r, err := body(rq)
	if err != nil {
		return memberValues{}, err
	}
	only := r.Texts("properties", 100)
	list, err := usernames(&r, "targets", 100)
	if err != nil {
		return memberValues{}, err
	}
	vs, err := d.core.Attributes.Members(ctx, at.by, core.GetMemberAttributes{Key: at.key(), Users: list, Names: only})
	return memberValues{users: list, values: vs}, at.fail(err, "")
}

func encodeMembersValues(a *answer, m memberValues) {
	a.Object("data")
	for _, u := range m.users {
		a.KeyOf(string(u))
		writeTexts(a, m.values[u])
	}
	a.Close()
}

func (d *Dialect) memberValues(ctx context.Context, at *spot, rq *adapters.Request) (memberValues, error) {
	u, err := d.known(ctx, at.by.App, core.UserID(rq.Param("username")))
	if err != nil {
		return memberValues{}, err
	}
	vs, err := d.core.Attributes.Members(ctx, at.by, core.GetMemberAttributes{Key: at.key(), Users: []core.UserID{u.ID}})
	return memberValues{users: []core.UserID{u.ID}, values: vs}, at.fail(err, u.ID)
}

func encodeMemberValues(a *answer, m memberValues) {
	a.Key("data")
	writeTexts(a, m.values[m.users[0]])
}

// textsIn reads an object of texts.
func textsIn(v gjson.Result) map[string]string {
	out := map[string]string{}
	v.ForEach(func(k, v gjson.Result) bool {
		out[k.Str] = v.String()
		return len(out) <= 200
	})
	return out
}

func (d *Dialect) setMemberValues(ctx context.Context, at *spot, rq *adapters.Request) (memberValues, error) {
	u, err := d.known(ctx, at.by.App, core.UserID(rq.Param("username")))
	if err != nil {
		return memberValues{}, err
	}
	r, err := body(rq)
	if err != nil {
		return memberValues{}, err
	}
	v, ok := r.Look("metaData")
	if !ok || !v.IsObject() {
		return memberValues{}, fault.RequestMissingField.Error("metaData is empty")
	}
	set := textsIn(v)
	_, err = d.core.Attributes.SetMember(ctx, at.by, core.SetMemberAttributes{Key: at.key(), User: u.ID, Values: set, Limits: memberLimits})
	return memberValues{users: []core.UserID{u.ID}, values: map[core.UserID]map[string]string{u.ID: set}}, at.fail(err, u.ID)
}

// maxValuesBatch is how many members one call changes.
const maxValuesBatch = 20

func (d *Dialect) setMembersValues(ctx context.Context, at *spot, rq *adapters.Request) (memberValues, error) {
	rs, err := objects(rq, maxValuesBatch)
	if err != nil {
		return memberValues{}, err
	}
	out := memberValues{values: map[core.UserID]map[string]string{}}
	for i := range rs {
		u := core.UserID(rs[i].Need("username"))
		v, ok := rs[i].Look("metadata")
		if err := rs[i].Err(); err != nil {
			return out, err
		}
		if !ok || !v.IsObject() {
			return out, fault.RequestMissingField.Error("metadata is empty")
		}
		_, err := d.core.Attributes.SetMember(ctx, at.by, core.SetMemberAttributes{Key: at.key(), User: u, Values: textsIn(v), Limits: memberLimits})
		switch {
		case err == nil:
			out.users, out.values[u] = append(out.users, u), textsIn(v)
		case fault.From(err).Reason.Blame() != fault.BlameClient:
			return out, err
		default:
			out.failed = append(out.failed, u)
		}
	}
	return out, nil
}

func encodeValuesBatch(a *answer, m memberValues) {
	a.Object("data")
	a.IDs("updateMetadataFailed", m.failed)
	a.List("updateMetadataSucceeded")
	for _, u := range m.users {
		a.Open()
		a.Text("username", string(u))
		a.Key("metadata")
		writeTexts(a, m.values[u])
		a.Close()
	}
	a.CloseList()
	a.Close()
}

// roomValues are attributes of a room, and what became of a change.
type roomValues struct {
	list []core.RoomAttribute
	done []core.AttributeOutcome
}

func (d *Dialect) roomValues(ctx context.Context, at *spot, rq *adapters.Request, _ bool) (roomValues, error) {
	r, err := body(rq)
	if err != nil {
		return roomValues{}, err
	}
	keys := r.Texts("keys", maxRoomBatch)
	if err := r.Err(); err != nil {
		return roomValues{}, err
	}
	list, err := d.core.Attributes.Room(ctx, at.by, core.GetRoomAttributes{Key: at.key(), Names: keys})
	return roomValues{list: list}, at.fail(err, "")
}

func encodeRoomValues(a *answer, v roomValues) {
	m := map[string]string{}
	for i := range v.list {
		if !v.list[i].Removed {
			m[v.list[i].Name] = v.list[i].Value
		}
	}
	a.Key("data")
	writeTexts(a, m)
}

// owned is the actor and the owner of what a call about a room changes.
func (d *Dialect) owned(ctx context.Context, at *spot, rq *adapters.Request) (core.Actor, core.UserID, *wire.Reader, error) {
	by, u, err := d.self(ctx, at.by, rq, "username")
	if err != nil {
		return by, "", nil, err
	}
	r, err := body(rq)
	if by.Server() { // acts for the person with their rights
		return reader(by), "", &r, err
	}
	return by, u.ID, &r, err
}

func (d *Dialect) setRoomValues(ctx context.Context, at *spot, rq *adapters.Request, force bool) (roomValues, error) {
	by, _, r, err := d.owned(ctx, at, rq)
	if err != nil {
		return roomValues{}, err
	}
	v, ok := r.Look("metaData")
	if !ok || !v.IsObject() {
		return roomValues{}, fault.RequestMissingField.Error("metaData is empty")
	}
	set := textsIn(v)
	if len(set) > maxRoomBatch {
		return roomValues{}, fault.RequestBatchTooLarge.Error("exceed allowed batch size 10")
	}
	auto := r.Text("autoDelete") != "NO_DELETE"
	if err := r.Err(); err != nil {
		return roomValues{}, err
	}
	out, err := d.core.Attributes.SetRoom(ctx, by, core.SetRoomAttributes{Key: at.key(), Values: set, Auto: auto, Force: force, Limits: roomLimits})
	return roomValues{done: out}, at.fail(err, "")
}

func (d *Dialect) removeRoomValues(ctx context.Context, at *spot, rq *adapters.Request, force bool) (roomValues, error) {
	by, _, r, err := d.owned(ctx, at, rq)
	if err != nil {
		return roomValues{}, err
	}
	keys := r.Texts("keys", maxRoomBatch)
	if err := r.Err(); err != nil {
		return roomValues{}, err
	}
	out, err := d.core.Attributes.RemoveRoom(ctx, by, core.RemoveRoomAttributes{Key: at.key(), Names: keys, Force: force})
	return roomValues{done: out}, at.fail(err, "")
}

func encodeRoomOutcomes(a *answer, v roomValues) {
	a.Text("status", "ok")
	a.Object("data")
	a.List("successKeys")
	for _, o := range v.done {
		if o.Err == nil {
			a.Item(o.Name)
		}
	}
	a.CloseList()
	a.Object("errorKeys")
	for _, o := range v.done {
		if o.Err != nil {
			a.KeyOf(o.Name)
			a.Item(fault.From(o.Err).Message())
		}
	}
	a.Close()
	a.Close()
}
