package nexconn

import (
	"context"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// memberGroupOps are the named sets of members of a community, and what they are let into.
func (d *Dialect) memberGroupOps() []operation {
	const c = "/community-channel/"
	f := familyCommunity
	return []operation{
		{path: c + "user-group/add", family: f, rate: 100, serve: d.addMemberGroups},
		{path: c + "user-group/remove", family: f, rate: 100, serve: d.removeMemberGroups},
		{path: c + "user-group/list", family: f, rate: 100, serve: d.listMemberGroups},
		{path: c + "channel/user-group/bind", family: f, rate: 100, serve: d.bindGroups(false)},
		{path: c + "channel/user-group/unbind", family: f, rate: 100, serve: d.bindGroups(true)},
		{path: c + "channel/user-group/list", family: f, rate: 100, serve: d.listBoundGroups},
		{path: c + "user-group/subchannel/list", family: f, rate: 100, serve: d.listGroupSubs},
		{path: c + "user-group/user/add", family: f, rate: 100, serve: d.putGroupUsers(false)},
		{path: c + "user-group/user/remove", family: f, rate: 100, serve: d.putGroupUsers(true)},
		{path: c + "user/user-group/list", family: f, rate: 100, serve: d.listUserGroups},
	}
}

// addMemberGroups makes member groups.
func (d *Dialect) addMemberGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	var ids []string
	in.EachObject("userGroups", 100, func(_ int, o *wire.Reader) { ids = append(ids, o.Need("userGroupId")) })
	if len(ids) == 0 && in.Err() == nil {
		in.Fail("userGroups", "is a required field", fault.RequestMissingField)
	}
	return d.putMemberGroups(ctx, by, in, ids, false)
}

func (d *Dialect) removeMemberGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	return d.putMemberGroups(ctx, by, in, in.channelIDs("userGroupIds", 100), true)
}

func (d *Dialect) putMemberGroups(ctx context.Context, by core.Actor, in *input, ids []string, remove bool) (answer, error) {
	id, err := d.community(by, in)
	if err == nil {
		err = in.Err()
	}
	if err == nil {
		err = d.core.Communities.PutGroups(ctx, by, core.PutMemberGroups{Community: id, IDs: ids, Remove: remove})
	}
	return nil, err
}

func (d *Dialect) listMemberGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, order := in.pageOf(10, 100), in.number("order", 0, 0, 1)
	id, err := d.community(by, in)
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return nil, err
	}
	all, err := d.core.Communities.Groups(ctx, by, core.ListMemberGroups{Community: id})
	if order == 1 {
		reverse(all)
	}
	return func(w *wire.Writer) {
		w.List("userGroups")
		for _, g := range cutPage(all, p) {
			w.Open()
			w.Text("userGroupId", g.ID)
			w.Close()
		}
		w.CloseList()
	}, err
}

func (d *Dialect) bindGroups(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		groups := in.channelIDs("userGroupIds", 100)
		id, sub, err := d.subCall(by, in)
		if err == nil {
			err = d.core.Communities.Bind(ctx, by, core.BindGroups{Community: id, Subchannel: sub, Groups: groups, Remove: remove})
		}
		return nil, err
	}
}

// groupIDs answers a page of ids of member groups.
func groupIDs(all []core.MemberGroup, p page) answer {
	return func(w *wire.Writer) {
		w.List("userGroupIds")
		for _, g := range cutPage(all, p) {
			w.Item(g.ID)
		}
		w.CloseList()
	}
}

func (d *Dialect) listBoundGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.pageOf(10, 100)
	id, sub, err := d.subCall(by, in)
	if err != nil {
		return nil, err
	}
	all, err := d.core.Communities.Groups(ctx, by, core.ListMemberGroups{Community: id, Subchannel: sub})
	return groupIDs(all, p), err
}

func (d *Dialect) listUserGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, user := in.pageOf(10, 100), in.userID("userId")
	id, err := d.community(by, in)
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return nil, err
	}
	all, err := d.core.Communities.Groups(ctx, by, core.ListMemberGroups{Community: id, User: user})
	return groupIDs(all, p), err
}

func (d *Dialect) listGroupSubs(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, group := in.pageOf(10, 100), in.channelID("userGroupId")
	id, err := d.community(by, in)
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return nil, err
	}
	all, err := d.core.Communities.Bound(ctx, by, core.ListBound{Community: id, Group: group})
	return func(w *wire.Writer) { w.Texts("subchannelIds", cutPage(all, p)) }, err
}

func (d *Dialect) putGroupUsers(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		users, group := in.userIDs("userIds", 100), in.channelID("userGroupId")
		id, err := d.community(by, in)
		if err == nil {
			err = in.Err()
		}
		if err == nil {
			err = d.core.Communities.PutUsers(ctx, by, core.PutGroupUsers{Community: id, Group: group, Users: users, Remove: remove})
		}
		return nil, err
	}
}
