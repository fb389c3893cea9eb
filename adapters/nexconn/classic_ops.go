package nexconn

import (
	"context"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of what only the classic API has.
const (
	maxAllowed   = 1000 // people on one allow list
	maxKeepAlive = 100  // open channels of an app that never end
)

// classicOps are operations that only the classic API has: allow lists of people, open channels that
// are kept alive, single entries of their metadata, and groups without an owner. Their paths begin with
// "~" and are those of no request.
func (d *Dialect) classicOps() []operation {
	g := familyGroup
	return []operation{
		{path: "~allowlist/add", rate: 100, serve: d.putAllowed(false)},
		{path: "~allowlist/remove", rate: 100, serve: d.putAllowed(true)},
		{path: "~allowlist/get", rate: 100, serve: d.listAllowed},
		{path: "~keepalive/add", family: familyOpen, rate: 100, serve: d.keepAlive(false)},
		{path: "~keepalive/remove", family: familyOpen, rate: 100, serve: d.keepAlive(true)},
		{path: "~keepalive/get", family: familyOpen, rate: 100, serve: d.listKeptAlive},
		{path: "~entry/set", family: familyOpen, rate: 100, serve: d.setEntry},
		{path: "~legacy/create", family: g, rate: 100, serve: d.createLegacy},
		{path: "~legacy/join", family: g, rate: 100, serve: d.joinLegacy},
		{path: "~legacy/quit", family: g, rate: 100, serve: d.quitLegacy},
		{path: "~legacy/dismiss", family: g, rate: 100, serve: d.dismissLegacy},
		{path: "~legacy/refresh", family: g, rate: 100, serve: d.refreshLegacy},
		{path: "~legacy/members", family: g, rate: 100, serve: d.legacyMembers},
		{path: "~legacy/import", family: g, rate: 100, serve: d.importLegacy},
	}
}

// putAllowed puts people on a person's allow list, or takes them off. The last one taken off leaves an
// empty list, which lets nobody through: that is the vendor's own rule.
func (d *Dialect) putAllowed(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		ids := in.userIDs("userIds", maxBanned)
		if err := d.on(by.App, serviceAllowlist); err != nil {
			return nil, err
		}
		u, err := d.oneUser(ctx, by, in)
		if err != nil {
			return nil, err
		}
		if _, err := d.people(ctx, by, ids); err != nil {
			return nil, err
		}
		texts := make([]string, len(ids))
		for i, id := range ids {
			texts[i] = string(id)
		}
		list := changed(textList(u.Extra, allowMember), texts, remove)
		if len(list) > d.byApp[by.App].quota("allowlist", maxAllowed) {
			return nil, fault.LimitReached.Error("The user's allow list is full.").With("direct_allowlist")
		}
		return nil, d.patchUser(ctx, by, u.ID, func(u *core.User) {
			u.Extra = putMembers(u.Extra, map[string][]byte{allowMember: textListJSON(list)})
		})
	}
}

func (d *Dialect) listAllowed(ctx context.Context, by core.Actor, in *input) (answer, error) {
	if err := d.on(by.App, serviceAllowlist); err != nil {
		return nil, err
	}
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) { w.Texts("users", textList(u.Extra, allowMember)) }, nil
}

// keptMember is the member of the app's settings that lists the open channels kept alive.
const keptMember = "kept_alive"

// keepAlive makes an open channel never end, or lets it end again as it would.
func (d *Dialect) keepAlive(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		c, err := d.oneRoom(ctx, by, in)
		if remove && fault.IsReason(err, fault.GroupNotFound) {
			return nil, fault.ResourceNotFound.Error("The open channel is not kept alive.")
		}
		if err != nil {
			return nil, err
		}
		id := roomID(c.Key)
		most := d.byApp[by.App].quota("keepalive", maxKeepAlive)
		_, err = d.core.Apps.Update(ctx, by, core.UpdateApp{Change: func(s *core.AppSettings) error {
			mine := core.Extra(gjson.GetBytes(s.Extra, settingsMember).Raw)
			list := textList(mine, keptMember)
			if remove && !slices.Contains(list, id) {
				return fault.ResourceNotFound.Error("The open channel is not kept alive.")
			}
			if list = changed(list, []string{id}, remove); len(list) > most {
				return fault.GroupLimitReached.Error("The quota of open channels that are kept alive is used up.").With("keepalive_rooms")
			}
			s.Extra = putMembers(s.Extra, map[string][]byte{settingsMember: putMembers(mine, map[string][]byte{keptMember: textListJSON(list)})})
			return nil
		}})
		if err != nil {
			return nil, err
		}
		_, err = d.core.Groups.Update(ctx, by, core.UpdateGroup{Key: c.Key, Rules: func(r *core.GroupRules) error {
			if r.Lifetime = (core.Lifetime{}); remove {
				r.Lifetime.Minutes = defaultLifetime
			}
			return nil
		}})
		return nil, err
	}
}

func (d *Dialect) listKeptAlive(ctx context.Context, by core.Actor, _ *input) (answer, error) {
	app, err := d.core.Apps.Get(ctx, by, core.GetApp{})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.Texts("chatroomIds", textList(app.Settings.Extra, settingsMember+"."+keptMember))
	}, nil
}

// setEntry sets one entry of the metadata of an open channel.
func (d *Dialect) setEntry(ctx context.Context, by core.Actor, in *input) (answer, error) {
	key, value, auto := in.Need("key"), in.Text("value"), in.flag("shouldAutoDelete", false)
	if len(key) > maxRoomMetaKey || len(value) > maxRoomMetaValue {
		in.Fail("key", "must be at most 128, and the value at most 4096 characters", fault.RequestFieldTooLong)
	}
	c, owner, err := d.metadataCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return nil, d.putRoomMetadata(ctx, by, c.Key, owner, map[string]string{key: value}, auto)
}

// createLegacy makes a group without an owner, whose people are all alike.
func (d *Dialect) createLegacy(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, users, name := in.groupID("channelId"), in.userIDs("userIds", maxJoins), in.Text("name")
	if err := in.Err(); err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, users); err != nil {
		return nil, err
	}
	make := core.CreateGroup{Key: groupKey(id), Name: orElse(name, id), Extra: core.Extra(`{"` + legacyMember + `":true}`)}
	for _, u := range users {
		make.Members = append(make.Members, core.GroupMember{User: u})
	}
	_, err := d.core.Groups.Create(ctx, by, make)
	return nil, err
}

// joinLegacy makes people members; who is one stays so.
func (d *Dialect) joinLegacy(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, users := in.channelID("channelId"), in.userIDs("userIds", maxJoins)
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, users); err != nil {
		return nil, err
	}
	there, err := d.membersOf(ctx, by, c, users)
	if err != nil {
		return nil, err
	}
	users = slices.DeleteFunc(users, func(u core.UserID) bool { return there[u] != nil })
	return nil, d.addAll(ctx, by, c, users)
}

func (d *Dialect) quitLegacy(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, users := in.channelID("channelId"), in.userIDs("userIds", maxJoins)
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	there, err := d.membersOf(ctx, by, c, users)
	for _, u := range users {
		if err == nil && there[u] != nil {
			_, err = d.core.Groups.Kick(ctx, by, core.KickMember{Key: c.Key, User: u})
		}
	}
	return nil, err
}

func (d *Dialect) dismissLegacy(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.channelID("channelId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return nil, d.core.Groups.Delete(ctx, by, core.DeleteGroup{Key: c.Key})
}

func (d *Dialect) refreshLegacy(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, name := in.channelID("channelId"), in.Need("name")
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return nil, d.changeGroup(ctx, by, c, &groupChange{name: &name})
}

func (d *Dialect) legacyMembers(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.channelID("channelId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	all, err := d.everyMember(ctx, by, c)
	return func(w *wire.Writer) {
		w.List("users")
		for i := range all {
			w.Item(string(all[i].User))
		}
		w.CloseList()
	}, err
}

// importLegacy gives a group of the old kind an owner and a profile; from then on it is like the others.
func (d *Dialect) importLegacy(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, owner, name := in.channelID("channelId"), in.userID("owner"), in.Text("name")
	g, err := in.readGroup()
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if !gjson.GetBytes(c.Extra, legacyMember).Bool() {
		return nil, fault.GroupAlreadyExists.Error("The group is of the new kind already.")
	}
	if err := d.needMember(ctx, by, c, owner); err != nil {
		return nil, err
	}
	if _, err := d.core.Groups.Transfer(ctx, by, core.TransferGroup{Key: c.Key, To: owner}); err != nil {
		return nil, err
	}
	if name != "" {
		g.name = &name
	}
	if err := d.changeGroup(ctx, by, c, &g); err != nil {
		return nil, err
	}
	_, err = d.core.Groups.Update(ctx, by, core.UpdateGroup{Key: c.Key, Change: func(c *core.Channel) error {
		c.Extra = putMembers(c.Extra, map[string][]byte{legacyMember: nil})
		return nil
	}})
	return nil, err
}
