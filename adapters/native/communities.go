package native

import (
	"context"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Community is a large group that talks in several subchannels.
type Community struct {
	ID          string          `json:"id"`
	Name        string          `json:"name,omitempty"`
	Owner       core.UserID     `json:"owner,omitempty"`
	Channel     core.ChannelKey `json:"channel" doc:"The channel of all its members."`
	MemberCount int             `json:"member_count"`
	CreatedAt   time.Time       `json:"created_at"`
}

// Subchannel is one channel of a community beside the first.
type Subchannel struct {
	ID        string          `json:"id"`
	Channel   core.ChannelKey `json:"channel" doc:"Where its messages are."`
	Private   bool            `json:"private,omitempty" doc:"Only who was put there, or is in a member group bound to it."`
	CreatedAt time.Time       `json:"created_at"`
}

// MemberGroup is a named set of members of a community.
type MemberGroup struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
}

func communityOf(c *core.Community) Community {
	return Community{c.ID, c.Name, c.Owner, core.CommunityKey(c.ID, ""), c.MemberCount, c.CreatedAt}
}

func subchannelOf(s *core.Subchannel) Subchannel {
	return Subchannel{s.ID, core.CommunityKey(s.Community, s.ID), s.Private, s.CreatedAt}
}

func memberGroupOf(g *core.MemberGroup) MemberGroup { return MemberGroup{g.ID, g.CreatedAt} }

// The places of a community in the path.
type (
	communityName struct {
		Community string `json:"community" in:"path"`
	}
	communityUser struct {
		communityName
		User core.UserID `json:"user" in:"path"`
	}
	subName struct {
		communityName
		Sub string `json:"subchannel" in:"path"`
	}
	subUser struct {
		subName
		User core.UserID `json:"user" in:"path"`
	}
	subGroup struct {
		subName
		Group string `json:"group" in:"path"`
	}
	groupName struct {
		communityName
		Group string `json:"group" in:"path"`
	}
	groupUser struct {
		groupName
		User core.UserID `json:"user" in:"path"`
	}
)

func (d *Dialect) communityRows() []row {
	x := d.core.Communities
	rows := []row{
		op("POST", "/v1/communities", "createCommunity", "Makes a community with a first channel of all its members.", func(ctx context.Context, c *call, in *struct {
			ID    string      `json:"id" need:"true" max:"64"`
			Name  string      `json:"name" max:"255"`
			Owner core.UserID `json:"owner" need:"true" max:"255"`
		}) (Community, error) {
			v, err := x.Create(ctx, c.by, core.CreateCommunity{ID: in.ID, Name: in.Name, Owner: in.Owner})
			c.created(true)
			return communityOf(&v), err
		}).fresh(),
		op("GET", "/v1/communities/:community", "getCommunity", "Reads a community.", func(ctx context.Context, c *call, in *communityName) (Community, error) {
			v, err := x.Get(ctx, c.by, core.GetCommunity{ID: in.Community})
			return communityOf(&v), err
		}),
		op("PATCH", "/v1/communities/:community", "changeCommunity", "Renames a community.", func(ctx context.Context, c *call, in *struct {
			communityName
			Name string `json:"name" need:"true" max:"255"`
		}) (Community, error) {
			v, err := x.Update(ctx, c.by, core.UpdateCommunity{ID: in.Community, Name: in.Name})
			return communityOf(&v), err
		}),
		act("DELETE", "/v1/communities/:community", "deleteCommunity", "Ends a community with all of its channels.", func(ctx context.Context, c *call, in *communityName) error {
			return x.Delete(ctx, c.by, core.DeleteCommunity{ID: in.Community})
		}),
		act("PUT", "/v1/communities/:community/members/:user", "joinCommunity", "Puts a person into the community and its public subchannels.", func(ctx context.Context, c *call, in *communityUser) error {
			return x.Join(ctx, c.by, core.JoinCommunity{ID: in.Community, User: in.User})
		}),
		act("DELETE", "/v1/communities/:community/members/:user", "leaveCommunity", "Takes a person out of the community and everything in it.", func(ctx context.Context, c *call, in *communityUser) error {
			return x.Leave(ctx, c.by, core.LeaveCommunity{ID: in.Community, User: in.User})
		}),
	}
	rows = append(rows, d.subchannelRows()...)
	rows = append(rows, d.memberGroupRows()...)
	for i := range rows {
		rows[i] = rows[i].server()
	}
	return rows
}

func (d *Dialect) subchannelRows() []row {
	x := d.core.Communities
	bind := func(remove bool) func(context.Context, *call, *subGroup) error {
		return func(ctx context.Context, c *call, in *subGroup) error {
			return x.Bind(ctx, c.by, core.BindGroups{Community: in.Community, Subchannel: in.Sub, Groups: []string{in.Group}, Remove: remove})
		}
	}
	place := func(remove bool) func(context.Context, *call, *subUser) error {
		return func(ctx context.Context, c *call, in *subUser) error {
			return x.PutMembers(ctx, c.by, core.PutSubchannelMembers{Community: in.Community, ID: in.Sub, Users: []core.UserID{in.User}, Remove: remove})
		}
	}
	return []row{
		op("GET", "/v1/communities/:community/subchannels", "listSubchannels", "The subchannels beside the first channel, oldest first.", func(ctx context.Context, c *call, in *struct {
			communityName
			User core.UserID `json:"user" in:"query" doc:"Only those this person is in."`
		}) (Page[Subchannel], error) {
			v, err := x.Subs(ctx, c.by, core.ListSubchannels{Community: in.Community, User: in.User})
			return Page[Subchannel]{Items: list(v, subchannelOf)}, err
		}),
		op("PUT", "/v1/communities/:community/subchannels/:subchannel", "putSubchannel", "Makes a subchannel, or makes one public or private.", func(ctx context.Context, c *call, in *struct {
			subName
			Private bool `json:"private" doc:"Going private keeps who was put there or is in a bound member group."`
		}) (Subchannel, error) {
			v, err := x.CreateSub(ctx, c.by, core.CreateSubchannel{Community: in.Community, ID: in.Sub, Private: in.Private})
			c.created(err == nil)
			if fault.IsReason(err, fault.GroupAlreadyExists) {
				v, err = x.UpdateSub(ctx, c.by, core.UpdateSubchannel{Community: in.Community, ID: in.Sub, Private: in.Private})
			}
			return subchannelOf(&v), err
		}).fresh(),
		act("DELETE", "/v1/communities/:community/subchannels/:subchannel", "deleteSubchannel", "Ends a subchannel.", func(ctx context.Context, c *call, in *subName) error {
			return x.DeleteSub(ctx, c.by, core.DeleteSubchannel{Community: in.Community, ID: in.Sub})
		}),
		op("GET", "/v1/communities/:community/subchannels/:subchannel/members", "listPlaced", "The ids of those who were put into a subchannel.", func(ctx context.Context, c *call, in *subName) (Page[core.UserID], error) {
			v, err := x.Members(ctx, c.by, core.ListSubchannelMembers{Community: in.Community, ID: in.Sub})
			return Page[core.UserID]{Items: list(v, same)}, err
		}),
		act("PUT", "/v1/communities/:community/subchannels/:subchannel/members/:user", "placeMember", "Puts a member of the community into a private subchannel.", place(false)),
		act("DELETE", "/v1/communities/:community/subchannels/:subchannel/members/:user", "displaceMember", "Takes them out again.", place(true)),
		act("PUT", "/v1/communities/:community/subchannels/:subchannel/groups/:group", "bindGroup", "Lets a member group into a subchannel.", bind(false)),
		act("DELETE", "/v1/communities/:community/subchannels/:subchannel/groups/:group", "unbindGroup", "Ends that.", bind(true)),
	}
}

func (d *Dialect) memberGroupRows() []row {
	x := d.core.Communities
	belong := func(remove bool) func(context.Context, *call, *groupUser) error {
		return func(ctx context.Context, c *call, in *groupUser) error {
			return x.PutUsers(ctx, c.by, core.PutGroupUsers{Community: in.Community, Group: in.Group, Users: []core.UserID{in.User}, Remove: remove})
		}
	}
	return []row{
		op("GET", "/v1/communities/:community/groups", "listMemberGroups", "The member groups of a community, oldest first.", func(ctx context.Context, c *call, in *struct {
			communityName
			User       core.UserID `json:"user" in:"query" doc:"Only those with this person."`
			Subchannel string      `json:"subchannel" in:"query" doc:"Only those bound to this subchannel."`
		}) (Page[MemberGroup], error) {
			v, err := x.Groups(ctx, c.by, core.ListMemberGroups{Community: in.Community, User: in.User, Subchannel: in.Subchannel})
			return Page[MemberGroup]{Items: list(v, memberGroupOf)}, err
		}),
		act("PUT", "/v1/communities/:community/groups/:group", "putMemberGroup", "Makes a member group.", func(ctx context.Context, c *call, in *groupName) error {
			err := x.PutGroups(ctx, c.by, core.PutMemberGroups{Community: in.Community, IDs: []string{in.Group}})
			if fault.IsReason(err, fault.GroupAlreadyExists) {
				err = nil // as it was wanted
			}
			return err
		}),
		act("DELETE", "/v1/communities/:community/groups/:group", "deleteMemberGroup", "Removes a member group.", func(ctx context.Context, c *call, in *groupName) error {
			return x.PutGroups(ctx, c.by, core.PutMemberGroups{Community: in.Community, IDs: []string{in.Group}, Remove: true})
		}),
		op("GET", "/v1/communities/:community/groups/:group/subchannels", "listBound", "The subchannels a member group is bound to, oldest binding first.", func(ctx context.Context, c *call, in *groupName) (Page[string], error) {
			v, err := x.Bound(ctx, c.by, core.ListBound{Community: in.Community, Group: in.Group})
			return Page[string]{Items: list(v, same)}, err
		}),
		act("PUT", "/v1/communities/:community/groups/:group/users/:user", "putGroupUser", "Puts a member of the community into a member group.", belong(false)),
		act("DELETE", "/v1/communities/:community/groups/:group/users/:user", "removeGroupUser", "Takes them out again.", belong(true)),
	}
}
