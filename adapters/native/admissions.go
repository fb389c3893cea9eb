package native

import (
	"context"
	"time"

	"dragoman/core"
)

// Application is a request to become a member, or an invitation, and its answer.
type Application struct {
	Channel   core.ChannelKey `json:"channel"`
	Kind      string          `json:"kind" doc:"request (moderators answer) or invite (the person answers)."`
	User      core.UserID     `json:"user" doc:"Who would become a member."`
	By        core.UserID     `json:"by,omitempty" doc:"Who invited."`
	Status    string          `json:"status" doc:"pending, accepted or declined."`
	Text      string          `json:"text,omitempty" doc:"Said when asking."`
	Answer    string          `json:"answer,omitempty" doc:"Said when answering."`
	HandledBy core.UserID     `json:"handled_by,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

func applicationOf(a *core.Application) Application {
	return Application{
		a.Key, string(a.Kind), a.User, a.By, string(a.Status), a.Text, a.Answer, a.HandledBy, a.CreatedAt, a.UpdatedAt,
	}
}

type listApplications struct {
	paging
	Kind   string `json:"kind" in:"query" enum:"request,invite"`
	Status string `json:"status" in:"query" enum:"pending,accepted,declined"`
}

// said is what a person says along with what they do.
type said struct {
	Text string `json:"text" max:"1024"`
}

func (d *Dialect) admissionRows() []row {
	x := d.core.Admissions
	find := func(ctx context.Context, c *call, in *listApplications, key core.ChannelKey) (Page[Application], error) {
		return listed(&in.paging, 100, 300, func(p core.Page) ([]core.Application, error) {
			return x.List(ctx, c.by, core.ListApplications{Key: key, Kind: core.ApplicationKind(in.Kind), Status: core.ApplicationStatus(in.Status), Page: p})
		}, applicationOf)
	}
	type about struct {
		who
		said
	}
	answer := func(accept bool) func(context.Context, *call, *about) (Application, error) {
		return func(ctx context.Context, c *call, in *about) (Application, error) {
			v, err := x.Answer(ctx, c.by, core.AnswerApplication{Key: in.Channel, User: in.User, Accept: accept, Text: in.Text})
			return applicationOf(&v), err
		}
	}
	type saying struct {
		where
		said
	}
	reply := func(accept bool) func(context.Context, *call, *saying) (Application, error) {
		return func(ctx context.Context, c *call, in *saying) (Application, error) {
			v, err := x.AnswerInvite(ctx, c.by, core.AnswerInvite{Key: in.Channel, Accept: accept, Text: in.Text})
			return applicationOf(&v), err
		}
	}
	return []row{
		op("GET", "/v1/applications", "listOwnApplications", "The caller's requests and invitations.", func(ctx context.Context, c *call, in *listApplications) (Page[Application], error) {
			if c.by.User == "" {
				return Page[Application]{}, errNeedUser
			}
			return find(ctx, c, in, "")
		}),
		op("GET", "/v1/channels/:channel/applications", "listApplications", "Requests and invitations of a channel; moderators and above.", func(ctx context.Context, c *call, in *struct {
			where
			listApplications
		}) (Page[Application], error) {
			return find(ctx, c, &in.listApplications, in.Channel)
		}),
		op("POST", "/v1/channels/:channel/applications", "apply", "Asks to become a member; where nobody has to agree the caller is one at once.", func(ctx context.Context, c *call, in *saying) (Application, error) {
			v, err := x.Apply(ctx, c.by, core.ApplyToGroup{Key: in.Channel, Text: in.Text})
			return applicationOf(&v), err
		}),
		op("POST", "/v1/channels/:channel/applications/:user/accept", "acceptApplication", "Lets somebody in who has asked; moderators and above.", answer(true)),
		op("POST", "/v1/channels/:channel/applications/:user/decline", "declineApplication", "Declines their request.", answer(false)),
		op("POST", "/v1/channels/:channel/invitations", "invitePeople", "Invites people as the rules of the channel say: members at once, or asked first.", func(ctx context.Context, c *call, in *struct {
			saying
			Users []core.UserID `json:"users" need:"true" max:"100"`
			Ask   bool          `json:"ask" doc:"Ask them, whatever the rules say."`
		}) (Page[Outcome], error) {
			v, err := x.Invite(ctx, c.by, core.InviteToGroup{Key: in.Channel, Users: in.Users, Text: in.Text, Ask: in.Ask})
			return Page[Outcome]{Items: list(v, outcomeOf)}, err
		}),
		op("POST", "/v1/channels/:channel/invitation/accept", "acceptInvitation", "Accepts such an invitation.", reply(true)),
		op("POST", "/v1/channels/:channel/invitation/decline", "declineInvitation", "Declines it.", reply(false)),
	}
}
