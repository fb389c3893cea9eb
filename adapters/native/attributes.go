package native

import (
	"context"
	"slices"
	"time"

	"dragoman/core"
)

// Attribute is one entry of what a room keeps for everyone in it.
type Attribute struct {
	Name      string      `json:"name"`
	Value     string      `json:"value"`
	Owner     core.UserID `json:"owner,omitempty" doc:"Who set it."`
	Auto      bool        `json:"auto,omitempty" doc:"Removed when its owner leaves."`
	Removed   bool        `json:"removed,omitempty" doc:"Only in answers to since."`
	UpdatedAt time.Time   `json:"updated_at"`
}

// AttributeOutcome is what became of one entry of a change.
type AttributeOutcome struct {
	Name  string      `json:"name"`
	Error []itemError `json:"errors,omitempty" doc:"Empty when it worked."`
}

// MemberAttributes are the named texts a channel keeps about a member.
type MemberAttributes struct {
	User   core.UserID `json:"user"`
	Values core.Extra  `json:"values" doc:"Texts by name."`
}

func attributeOf(a *core.RoomAttribute) Attribute {
	return Attribute{a.Name, a.Value, a.Owner, a.Auto, a.Removed, a.UpdatedAt}
}

func attributeOutcomeOf(o *core.AttributeOutcome) AttributeOutcome {
	return AttributeOutcome{o.Name, failure(o.Err)}
}

type changeAttributes struct {
	where
	Values core.Extra  `json:"values" need:"true" doc:"Texts by name; null removes one."`
	Auto   bool        `json:"auto" doc:"Remove what is set when its owner leaves."`
	Force  bool        `json:"force" doc:"Also what somebody else has set."`
	Quiet  bool        `json:"quiet" doc:"Tell nobody."`
	Owner  core.UserID `json:"owner" doc:"Servers only: in whose name; the caller's otherwise."`
}

func (d *Dialect) attributeRows() []row {
	x := d.core.Attributes
	return []row{
		op("GET", "/v1/channels/:channel/attributes", "getAttributes", "What a room keeps for everyone in it.", func(ctx context.Context, c *call, in *struct {
			where
			Names []string  `json:"names" in:"query" doc:"Only these."`
			Since time.Time `json:"since" in:"query" doc:"What changed after it, the removed ones among them."`
		}) (Page[Attribute], error) {
			v, err := x.Room(ctx, c.by, core.GetRoomAttributes{Key: in.Channel, Names: in.Names, Since: in.Since})
			return Page[Attribute]{Items: list(v, attributeOf)}, err
		}),
		op("PATCH", "/v1/channels/:channel/attributes", "changeAttributes", "Sets and removes entries of a room; each has an outcome of its own.", d.changeAttributes),
		op("GET", "/v1/channels/:channel/attributes/members", "listMemberAttributes", "What a channel keeps about some of its members.", func(ctx context.Context, c *call, in *struct {
			where
			Users []core.UserID `json:"users" in:"query" need:"true" max:"200"`
			Names []string      `json:"names" in:"query" doc:"Only these."`
		}) (Page[MemberAttributes], error) {
			v, err := x.Members(ctx, c.by, core.GetMemberAttributes{Key: in.Channel, Users: in.Users, Names: in.Names})
			out := Page[MemberAttributes]{Items: []MemberAttributes{}}
			for _, u := range in.Users {
				if m, ok := v[u]; ok {
					out.Items = append(out.Items, MemberAttributes{u, textsOf(m)})
				}
			}
			return out, err
		}),
		op("PATCH", "/v1/channels/:channel/attributes/members/:user", "changeMemberAttributes", "Sets and removes what a channel keeps about a member: their own, or as a moderator another's.", func(ctx context.Context, c *call, in *struct {
			who
			Values core.Extra `json:"values" need:"true" doc:"Texts by name; null removes one."`
		}) (MemberAttributes, error) {
			values, gone, err := patchOf(in.Values)
			if err != nil {
				return MemberAttributes{}, err
			}
			v, err := x.SetMember(ctx, c.by, core.SetMemberAttributes{Key: in.Channel, User: in.User, Values: removing(values, gone)})
			return MemberAttributes{in.User, textsOf(v)}, err
		}),
	}
}

func (d *Dialect) changeAttributes(ctx context.Context, c *call, in *changeAttributes) (Page[AttributeOutcome], error) {
	x := d.core.Attributes
	values, gone, err := patchOf(in.Values)
	var outs []core.AttributeOutcome
	if err == nil && len(values) > 0 {
		outs, err = x.SetRoom(ctx, c.by, core.SetRoomAttributes{Key: in.Channel, Values: values, Owner: in.Owner, Auto: in.Auto, Force: in.Force, Quiet: in.Quiet})
	}
	if err == nil && len(gone) > 0 {
		var more []core.AttributeOutcome
		more, err = x.RemoveRoom(ctx, c.by, core.RemoveRoomAttributes{Key: in.Channel, Names: gone, Owner: in.Owner, Force: in.Force, Quiet: in.Quiet})
		outs = slices.Concat(outs, more)
	}
	return Page[AttributeOutcome]{Items: list(outs, attributeOutcomeOf)}, err
}
