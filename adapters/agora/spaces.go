package agora

import (
	"context"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// space is one of the vendor's two kinds of places with members. Their operations are the same but
// for the name of the id in answers.
type space struct {
	d    *Dialect
	base string // path
	noun string // in names of operations
	id   string // the member that holds the id of a place in answers
	room bool
}

// spaces are chat groups and chat rooms.
func (d *Dialect) spaces() []*space {
	return []*space{
		{d: d, base: "/chatgroups", noun: "Group", id: "groupid"},
		{d: d, base: "/chatrooms", noun: "Room", id: "id", room: true},
	}
}

// roomType is the channel type of rooms made here.
const roomType = "livestream"

// maxSpaceUsers is how many users one call of a place may name.
const maxSpaceUsers = 60

// key finds the channel an id names.
func (d *Dialect) groupKey(ctx context.Context, app core.AppID, id string) (core.ChannelKey, error) {
	return remember(d.venues, d.venues.keys, numberKey{app, id}, func() (core.ChannelKey, error) {
		g, err := d.core.Groups.Get(ctx, server(app), core.GetGroup{Key: core.ChannelKey(id)})
		return g.Channel.Key, err
	})
}

// spot is a place a request names, and who acts there.
type spot struct {
	*space
	by   core.Actor
	id   string
	view core.GroupView
}

// key is the key of the place.
func (s *spot) key() core.ChannelKey { return s.view.Channel.Key }

// at finds the place of a request.
func (s *space) at(ctx context.Context, by core.Actor, rq *adapters.Request) (*spot, error) {
	p := &spot{space: s, by: by, id: rq.Param("id")}
	key, err := s.d.groupKey(ctx, by.App, p.id)
	if err != nil {
		return p, p.fail(err, "")
	}
	p.view, err = s.d.core.Groups.Get(ctx, by, core.GetGroup{Key: key})
	if err == nil && (p.view.Channel.Kind == core.KindRoom) != s.room {
		err = fault.GroupNotFound.Error("")
	}
	return p, p.fail(err, "")
}

// inside refuses people from outside who want to know who is in a private group.
func (s *spot) inside() error {
	if s.by.Server() || s.view.Member != nil || s.view.Channel.Admits() != core.AdmitInvited {
		return nil
	}
	return s.fail(fault.GroupNotMember.Error("").With("remove"), s.by.User)
}

// fail gives a failure what the vendor's text names: the place, and the user it is about.
func (s *spot) fail(err error, user core.UserID) error {
	if err == nil {
		return nil
	}
	f := fault.From(err).Param("group_id", clip(s.id))
	if user == "" {
		user = s.by.User
	}
	f = f.Param("username", clip(string(user)))
	if f.Reason == fault.GroupNotMember && f.Variant != "transfer" {
		f = f.With("remove")
	}
	return f
}

// here builds a route of a place: the request is resolved to it first.
func here[Out any](s *space, f family, method, path, name string,
	call func(context.Context, *spot, *adapters.Request) (Out, error),
	encode func(*answer, *spot, Out),
) adapters.Route {
	type found struct {
		at  *spot
		out Out
	}
	return op(s.d, f, method, s.base+"/:id"+path, name+s.noun,
		func(ctx context.Context, by core.Actor, rq *adapters.Request) (found, error) {
			at, err := s.at(ctx, by, rq)
			if err != nil {
				return found{}, err
			}
			out, err := call(ctx, at, rq)
			return found{at, out}, err
		},
		func(a *answer, x found) { encode(a, x.at, x.out) })
}

// Fields of a place that PUT may change.
var placeFields = wire.NamesOf("groupname", "name", "avatar", "description", "maxusers", "membersonly", "allowinvites", "invite_need_confirm", "custom", "public", "newowner")

// Limits of a place, in bytes and people.
const (
	maxPlaceName        = 128
	maxPlaceDescription = 512
	maxPlaceCustom      = 8 << 10
	maxPlaceUsers       = 100_000
	normalPlaceUsers    = 200
	maxAnnouncement     = 512
)

// placeInput is what a body says of a place; nil is not said.
type placeInput struct {
	name, avatar, description, custom *string
	max                               *int
	public, approval, invites, ask    *bool
}

// readPlace reads the fields of a place.
func readPlace(r *wire.Reader) placeInput {
	text := func(max int, names ...string) *string {
		for _, n := range names {
			if _, ok := r.Look(n); ok {
				s := r.TextMax(n, max)
				return &s
			}
		}
		return nil
	}
	flag := func(names ...string) *bool {
		for _, n := range names {
			v, ok := r.Look(n)
			if ok && v.Type.String() == "String" { // Java SDKs of old send texts
				b := v.Str == "true"
				return &b
			}
			if ok {
				return r.OptBool(n)
			}
		}
		return nil
	}
	in := placeInput{
		name: text(maxPlaceName, "groupname", "name"), avatar: text(1024, "avatar"), description: text(maxPlaceDescription, "description", "desc"),
		custom: text(maxPlaceCustom, "custom"), public: flag("public"), approval: flag("membersonly", "approval"),
		invites: flag("allowinvites"), ask: flag("invite_need_confirm"),
	}
	if _, ok := r.Look("maxusers"); ok {
		n := r.Int("maxusers", 1, maxPlaceUsers)
		in.max = &n
	}
	return in
}

// apply changes a stored place.
func (in *placeInput) apply(c *core.Channel) error {
	if in.name != nil {
		c.Name = *in.name
	}
	if in.avatar != nil {
		c.Image = *in.avatar
	}
	raw := func(s string) string {
		if s == "" {
			return ""
		}
		return quoted(s)
	}
	if in.description != nil {
		c.Extra = with(c.Extra, "description", raw(*in.description))
	}
	if in.custom != nil {
		c.Extra = with(c.Extra, customName, raw(*in.custom))
	}
	return nil
}

// customName is the member of a group's Extra that holds the vendor's "custom".
const customName = "custom"

// rules changes the rules of a place.
func (in *placeInput) rules(r *core.GroupRules) error {
	set := func(to *bool, from *bool) {
		if from != nil {
			*to = *from
		}
	}
	set(&r.Approval, in.approval)
	set(&r.MembersInvite, in.invites)
	set(&r.Consent, in.ask)
	if in.max != nil {
		r.MaxMembers = *in.max
	}
	return nil
}

// admission is who may join: everybody a public group or a room, nobody a private group.
func (in *placeInput) admission() core.Admission {
	switch {
	case in.public == nil:
		return core.AdmitDefault
	case *in.public:
		return core.AdmitAnyone
	}
	return core.AdmitInvited
}

// changed names what a body changes, for the answer.
func changedFields(r *wire.Reader) []string {
	var out []string
	for _, f := range r.Fields() {
		if f.Name == "name" {
			f.Name = "groupname"
		}
		out = append(out, f.Name)
	}
	return out
}

// unknownFields is the failure of fields that a place does not have.
func unknownFields(r *wire.Reader) error {
	var odd []string
	for _, f := range r.Fields() {
		if !placeFields.Has(f.Name) {
			odd = append(odd, f.Name)
		}
	}
	if len(odd) == 0 {
		return nil
	}
	return fault.RequestInvalidField.Error("").With("group_fields").Param("group_id", "["+clip(strings.Join(odd, ", "))+"]")
}
