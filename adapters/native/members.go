package native

import (
	"context"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// who names a person of a channel in the path.
type who struct {
	where
	User core.UserID `json:"user" in:"path"`
}

type addMembers struct {
	where
	Members []newMember `json:"members" need:"true" max:"100"`
}

// Outcome is what became of one person of a batch.
type Outcome struct {
	User    core.UserID `json:"user"`
	Error   []itemError `json:"errors,omitempty" doc:"Empty when it worked."`
	Pending bool        `json:"pending,omitempty" doc:"Asked, and not yet a member."`
}

// itemError is a failure inside an answer.
type itemError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

type changeMember struct {
	who
	Extra    core.Extra `json:"extra" doc:"Members are replaced one by one, null removes."`
	Pinned   *bool      `json:"pinned" doc:"On top of the caller's list."`
	Archived *bool      `json:"archived"`
}

func (d *Dialect) memberRows() []row {
	return []row{
		op("GET", "/v1/channels/:channel/members", "listMembers", "The members of a channel, in the order of joining.", d.listMembers),
		op("POST", "/v1/channels/:channel/members", "addMembers", "Makes up to 100 people members; each has an outcome of its own.", d.addMembers),
		op("GET", "/v1/channels/:channel/members/:user", "getMember", "Reads a membership.", d.getMember),
		op("PUT", "/v1/channels/:channel/members/:user", "putMember", "Makes a person a member, or gives a member another role; moderators and above.", d.putMember).fresh(),
		op("PATCH", "/v1/channels/:channel/members/:user", "changeMember", "Changes free fields, pin and archive of a membership.", d.changeMember),
		op("DELETE", "/v1/channels/:channel/members/:user", "removeMember", "Ends a membership: the caller's own, or as a moderator another's.", d.removeMember),
		op("POST", "/v1/channels/:channel/join", "joinChannel", "Makes the caller a member of a channel that admits them.", d.join),
		op("POST", "/v1/channels/:channel/leave", "leaveChannel", "Ends the caller's membership.", func(ctx context.Context, c *call, in *where) (none, error) {
			_, err := d.core.Groups.Leave(ctx, c.by, core.LeaveGroup{Key: in.Channel})
			return none{}, err
		}),
		op("PUT", "/v1/channels/:channel/owner", "transferChannel", "Makes another member the owner; the old one is an admin then.", d.transfer),
		op("PUT", "/v1/channels/:channel/invites/:user", "invite", "Invites a person, who becomes a member by accepting.", d.invite),
		op("POST", "/v1/channels/:channel/invite/accept", "acceptInvite", "Accepts the caller's invitation.", d.answerInvite(true)),
		op("POST", "/v1/channels/:channel/invite/reject", "rejectInvite", "Rejects the caller's invitation.", d.answerInvite(false)),
	}
}

func (d *Dialect) listMembers(ctx context.Context, c *call, in *struct {
	where
	paging
	Search string `json:"search" in:"query" doc:"Beginning of a word of the name."`
}) (Page[Member], error) {
	var f core.Filter
	if in.Search != "" {
		f = core.Cond("name", core.OpAutocomplete, core.Text(in.Search))
	}
	return listed(&in.paging, 30, 100, func(p core.Page) ([]core.Member, error) {
		return d.core.Channels.Members(ctx, c.by, core.QueryMembers{Key: in.Channel, Filter: f, Page: p, Sort: []core.Sort{{Field: "created_at"}}})
	}, memberOf)
}

// member reads a membership.
func (d *Dialect) member(ctx context.Context, by core.Actor, key core.ChannelKey, user core.UserID) (Member, error) {
	ms, err := d.core.Channels.Members(ctx, by, core.QueryMembers{Key: key, Filter: core.Cond("id", core.OpEq, core.Text(string(user))), Page: core.Page{Limit: 1}})
	if err != nil {
		return Member{}, err
	}
	if len(ms) == 0 {
		return Member{}, fault.GroupNotMember.Error("The user " + clip(string(user)) + " is not a member of this channel.").With("target")
	}
	return memberOf(&ms[0]), nil
}

func (d *Dialect) getMember(ctx context.Context, c *call, in *who) (Member, error) {
	return d.member(ctx, c.by, in.Channel, in.User)
}

func (d *Dialect) addMembers(ctx context.Context, c *call, in *addMembers) (Page[Outcome], error) {
	cmd := core.AddToGroup{Key: in.Channel}
	for _, m := range in.Members {
		cmd.Members = append(cmd.Members, core.GroupMember{User: m.User, Role: m.Role})
	}
	outs, err := d.core.Groups.Add(ctx, c.by, cmd)
	return Page[Outcome]{Items: list(outs, outcomeOf)}, err
}

func outcomeOf(o *core.GroupOutcome) Outcome { return Outcome{o.User, failure(o.Err), o.Pending} }

// failure is an error inside an answer.
func failure(err error) []itemError {
	if err == nil {
		return nil
	}
	p := normalize.New(fault.From(err), normalize.OriginCore, nil)
	return []itemError{{p.Code, p.Text()}}
}

func (d *Dialect) putMember(ctx context.Context, c *call, in *struct {
	who
	Role string `json:"role" enum:"admin,moderator,member"`
}) (Member, error) {
	outs, err := d.core.Groups.Add(ctx, c.by, core.AddToGroup{Key: in.Channel, Members: []core.GroupMember{{User: in.User, Role: in.Role}}})
	if err != nil {
		return Member{}, err
	}
	switch err := outs[0].Err; {
	case err == nil:
		c.created(true)
	case !fault.IsReason(err, fault.GroupAlreadyMember):
		return Member{}, err
	case in.Role != "":
		_, err := d.core.Groups.Rank(ctx, c.by, core.RankMember{Key: in.Channel, User: in.User, Role: in.Role})
		if err != nil && !fault.IsReason(err, fault.GroupRoleConflict) {
			return Member{}, err
		}
	}
	return d.member(ctx, c.by, in.Channel, in.User)
}

func (d *Dialect) changeMember(ctx context.Context, c *call, in *changeMember) (Member, error) {
	m, err := d.core.Channels.PatchMember(ctx, c.by, core.PatchMember{Key: in.Channel, User: in.User, Change: func(m *core.Member) (err error) {
		stamp(&m.PinnedAt, in.Pinned, d.now())
		stamp(&m.ArchivedAt, in.Archived, d.now())
		m.Extra, err = merged(m.Extra, in.Extra)
		return err
	}})
	return memberOf(&m), err
}

func (d *Dialect) removeMember(ctx context.Context, c *call, in *who) (none, error) {
	var err error
	if in.User == c.by.User {
		_, err = d.core.Groups.Leave(ctx, c.by, core.LeaveGroup{Key: in.Channel})
	} else {
		_, err = d.core.Groups.Kick(ctx, c.by, core.KickMember{Key: in.Channel, User: in.User})
	}
	return none{}, err
}

func (d *Dialect) join(ctx context.Context, c *call, in *struct {
	where
	Password string `json:"password" max:"100"`
}) (ChannelState, error) {
	if _, err := d.core.Groups.Join(ctx, c.by, core.JoinGroup{Key: in.Channel, Password: in.Password}); err != nil {
		return ChannelState{}, err
	}
	return d.getChannel(ctx, c, &getChannel{where: in.where, Messages: 25, Members: 30})
}

func (d *Dialect) transfer(ctx context.Context, c *call, in *struct {
	where
	User core.UserID `json:"user" need:"true" max:"255"`
}) (Channel, error) {
	v, err := d.core.Groups.Transfer(ctx, c.by, core.TransferGroup{Key: in.Channel, To: in.User})
	return channelOf(&v.Channel), err
}

func (d *Dialect) invite(ctx context.Context, c *call, in *who) (Member, error) {
	if _, err := d.core.Channels.Update(ctx, c.by, core.UpdateChannel{Key: in.Channel, Invite: []core.MemberInput{{User: in.User}}}); err != nil {
		return Member{}, err
	}
	return d.member(ctx, c.by, in.Channel, in.User)
}

func (d *Dialect) answerInvite(accept bool) func(context.Context, *call, *where) (Channel, error) {
	return func(ctx context.Context, c *call, in *where) (Channel, error) {
		out, err := d.core.Channels.Update(ctx, c.by, core.UpdateChannel{Key: in.Channel, AcceptInvite: accept, RejectInvite: !accept})
		return channelOf(&out.Channel), err
	}
}
