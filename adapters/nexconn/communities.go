package nexconn

import (
	"context"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// communityOps are communities and their subchannels.
func (d *Dialect) communityOps() []operation {
	const c = "/community-channel/"
	f := familyCommunity
	return []operation{
		{path: c + "create", family: f, rate: 100, serve: d.createCommunity},
		{path: c + "update", family: f, rate: 100, serve: d.updateCommunity},
		{path: c + "join", family: f, rate: 100, serve: d.joinCommunity},
		{path: c + "leave", family: f, rate: 100, serve: d.leaveCommunity},
		{path: c + "dismiss", family: f, rate: 100, serve: d.dismissCommunity},
		{path: c + "member/exist", family: f, rate: 100, serve: d.communityMember},
		{path: c + "subchannel/create", family: f, rate: 100, serve: d.createSub},
		{path: c + "subchannel/delete", family: f, rate: 100, serve: d.deleteSub},
		{path: c + "subchannel-type/update", family: f, rate: 100, serve: d.updateSub},
		{path: c + "subchannel/list", family: f, rate: 100, serve: d.listSubs},
		{path: c + "user/subchannel/list", family: f, rate: 100, serve: d.listUserSubs},
		{path: c + "private-subchannel/member/add", family: f, rate: 100, serve: d.putSubMembers(false)},
		{path: c + "private-subchannel/member/remove", family: f, rate: 100, serve: d.putSubMembers(true)},
		{path: c + "private-subchannel/member/list", family: f, rate: 100, serve: d.listSubMembers},
	}
}

// community reads the id of a community, after the check that the app has any.
func (d *Dialect) community(by core.Actor, in *input) (string, error) {
	if err := d.on(by.App, serviceCommunity); err != nil {
		return "", err
	}
	return in.channelID("channelId"), nil
}

func (d *Dialect) createCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, err := d.community(by, in)
	owner, name := in.userID("userId"), in.TextMax("name", 64*4)
	if in.Need("name"); err == nil {
		err = in.Err()
	}
	if err == nil {
		_, err = d.person(ctx, by, owner)
	}
	if err == nil {
		_, err = d.core.Communities.Create(ctx, by, core.CreateCommunity{ID: id, Name: name, Owner: owner})
	}
	if fault.IsReason(err, fault.GroupAlreadyExists) {
		err = fault.RequestInvalidField.Error("channelId: the community exists already").With("community")
	}
	return nil, err
}

func (d *Dialect) updateCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, err := d.community(by, in)
	name := in.Need("name")
	if err == nil {
		err = in.Err()
	}
	if err == nil {
		_, err = d.core.Communities.Update(ctx, by, core.UpdateCommunity{ID: id, Name: name})
	}
	return nil, err
}

func (d *Dialect) joinCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, err := d.community(by, in)
	user := in.userID("userId")
	if err == nil {
		err = in.Err()
	}
	if err == nil {
		err = d.core.Communities.Join(ctx, by, core.JoinCommunity{ID: id, User: user})
	}
	return nil, err
}

func (d *Dialect) leaveCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, err := d.community(by, in)
	user := in.userID("userId")
	if err == nil {
		err = in.Err()
	}
	if err == nil {
		err = d.core.Communities.Leave(ctx, by, core.LeaveCommunity{ID: id, User: user})
	}
	return nil, err
}

func (d *Dialect) dismissCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, err := d.community(by, in)
	if err == nil {
		err = in.Err()
	}
	if err == nil {
		err = d.core.Communities.Delete(ctx, by, core.DeleteCommunity{ID: id})
	}
	return nil, err
}

func (d *Dialect) communityMember(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, err := d.community(by, in)
	user := in.userID("userId")
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return nil, err
	}
	v, err := d.core.Groups.Get(ctx, by.As(user), core.GetGroup{Key: core.CommunityKey(id, "")})
	return func(w *wire.Writer) { w.Bool("isMember", v.Member != nil) }, err
}

// subCall reads which subchannel of which community a call is about.
func (d *Dialect) subCall(by core.Actor, in *input) (id, sub string, err error) {
	if id, err = d.community(by, in); err == nil {
		sub = in.channelID("subchannelId")
		err = in.Err()
	}
	return id, sub, err
}

func (d *Dialect) createSub(ctx context.Context, by core.Actor, in *input) (answer, error) {
	private := in.flag("channelVisibility", false)
	id, sub, err := d.subCall(by, in)
	if err == nil && subID(sub) == "" {
		err = fault.RequestInvalidField.Error("subchannelId: " + defaultSub + " is there from the start")
	}
	if err == nil {
		_, err = d.core.Communities.CreateSub(ctx, by, core.CreateSubchannel{Community: id, ID: sub, Private: private})
	}
	if fault.IsReason(err, fault.GroupAlreadyExists) {
		err = fault.RequestInvalidField.Error("subchannelId: the subchannel exists already").With("community")
	}
	return nil, err
}

func (d *Dialect) deleteSub(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, sub, err := d.subCall(by, in)
	if err == nil {
		err = d.core.Communities.DeleteSub(ctx, by, core.DeleteSubchannel{Community: id, ID: sub})
	}
	return nil, err
}

func (d *Dialect) updateSub(ctx context.Context, by core.Actor, in *input) (answer, error) {
	private := in.flag("channelVisibility", false)
	id, sub, err := d.subCall(by, in)
	if err == nil {
		_, err = d.core.Communities.UpdateSub(ctx, by, core.UpdateSubchannel{Community: id, ID: sub, Private: private})
	}
	return nil, err
}

func (d *Dialect) listSubs(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, order := in.pageOf(20, 100), in.number("order", 0, 0, 1)
	id, err := d.community(by, in)
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return nil, err
	}
	all, err := d.core.Communities.Subs(ctx, by, core.ListSubchannels{Community: id})
	if order == 1 {
		reverse(all)
	}
	return func(w *wire.Writer) {
		w.List("subchannels")
		for _, s := range cutPage(all, p) {
			w.Open()
			w.Text("subchannelId", s.ID)
			w.Text("createdAt", dateTime(s.CreatedAt))
			w.Int("channelVisibility", bit(s.Private))
			w.Close()
		}
		w.CloseList()
	}, err
}

// listUserSubs reads the subchannels a person is in; the member has a capital of its own.
func (d *Dialect) listUserSubs(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, user := in.pageOf(10, 100), in.userID("userId")
	id, err := d.community(by, in)
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return nil, err
	}
	all, err := d.core.Communities.Subs(ctx, by, core.ListSubchannels{Community: id, User: user})
	return func(w *wire.Writer) {
		w.List("subChannels")
		for _, s := range cutPage(all, p) {
			w.Item(s.ID)
		}
		w.CloseList()
	}, err
}

func (d *Dialect) putSubMembers(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		users := in.userIDs("userIds", 20)
		id, sub, err := d.subCall(by, in)
		if err == nil {
			err = d.core.Communities.PutMembers(ctx, by, core.PutSubchannelMembers{Community: id, ID: sub, Users: users, Remove: remove})
		}
		return nil, err
	}
}

func (d *Dialect) listSubMembers(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.pageOf(50, 100)
	id, sub, err := d.subCall(by, in)
	if err != nil {
		return nil, err
	}
	all, err := d.core.Communities.Members(ctx, by, core.ListSubchannelMembers{Community: id, ID: sub})
	return func(w *wire.Writer) { w.IDs("members", cutPage(all, p)) }, err
}

// reverse turns a list around.
func reverse[T any](list []T) {
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
}
