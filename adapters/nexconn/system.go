package nexconn

import (
	"context"
	"slices"
	"strconv"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of system messages.
const (
	maxSystemTargets = 100
	maxAudience      = 1000
	maxAudienceTags  = 20
)

// systemOps are messages to many, and those of the app itself.
func (d *Dialect) systemOps() []operation {
	return []operation{
		{path: "/system-channel/message/send", rate: 100, serve: d.sendSystem},
		{path: "/system-channel/message/broadcast-online", rate: 1, serve: d.broadcast(core.AudienceOnline)},
		{path: "/system-channel/message/broadcast-all", rate: 1, serve: d.broadcast(core.AudienceEveryone)},
		{path: "/system-channel/message/broadcast/delete", rate: 1, serve: d.recallBroadcast},
		{path: "/system-channel/tagged-users/send", rate: 1, serve: d.sendTagged},
		{path: "/system-channel/app-package-users/send", rate: 1, serve: d.sendPackage},
		{path: "/open-channel/message/broadcast", family: familyOpen, rate: 1, serve: d.broadcast(core.AudienceRooms)},
	}
}

// sendSystem sends to people outside of any conversation with a person.
func (d *Dialect) sendSystem(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.readPost()
	to := in.userIDs("toUserIds", maxSystemTargets)
	if err := in.Err(); err != nil {
		return nil, err
	}
	known, err := d.known(ctx, by, to)
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		return nil, noUser(to[0])
	}
	out, err := d.sendSystemTo(ctx, by, &p, known)
	if err != nil {
		return nil, err
	}
	return messageIDs("userId", out), nil
}

// sendSystemTo sends one copy to each.
func (d *Dialect) sendSystemTo(ctx context.Context, by core.Actor, p *post, to []core.UserID) ([]sentTo, error) {
	var sent []sentTo
	for part := range slices.Chunk(to, maxSystemTargets) {
		c := p.body
		out, err := d.core.Broadcasts.System(ctx, by, core.SendSystem{From: p.from, To: part, Message: c.input(), MaxExtra: maxExtra})
		if err != nil {
			return nil, err
		}
		for _, o := range out {
			if o.Err != nil {
				return nil, o.Err
			}
			sent = append(sent, sentTo{string(o.User), o.Message.ID.String()})
		}
	}
	return sent, nil
}

// broadcast sends to everybody: to all people of the app, to those who are online, or into all open
// channels.
func (d *Dialect) broadcast(to core.Audience) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		p := in.readPost()
		if err := in.Err(); err != nil {
			return nil, err
		}
		c := p.body
		out, err := d.core.Broadcasts.Send(ctx, by, core.SendBroadcast{From: p.from, Audience: to, Message: c.input(), MaxExtra: maxExtra})
		if err != nil {
			return nil, err
		}
		if to == core.AudienceRooms {
			return nil, nil
		}
		return func(w *wire.Writer) { w.Text("messageId", out.ID.String()) }, nil
	}
}

// recallBroadcast takes the copies of a broadcast back.
func (d *Dialect) recallBroadcast(ctx context.Context, by core.Actor, in *input) (answer, error) {
	from, id := in.userID("fromUserId"), in.Need("messageId")
	in.millis("sentAt")
	in.flag("isAdmin", false)
	if err := in.Err(); err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 {
		return nil, noBroadcast()
	}
	if _, err := d.person(ctx, by, from); err != nil {
		return nil, err
	}
	_, err = d.core.Broadcasts.Delete(ctx, by, core.DeleteBroadcast{ID: core.MessageID(n)})
	if fault.IsReason(err, fault.MessageNotFound) || fault.IsReason(err, fault.ResourceNotFound) {
		err = noBroadcast()
	}
	return nil, err
}

func noBroadcast() error {
	return fault.RequestInvalidField.Error("There is no such broadcast: messageId and fromUserId do not go together.").With("message_delete")
}

// audience is whom a push is for.
type audience struct {
	users     []core.UserID
	tags, any []string
	everybody bool
	packages  []string
}

// readAudience reads whom a push is for and what it says.
func (in *input) readAudience() (audience, post) {
	var a audience
	p := post{from: in.userID("fromUserId")}
	if o, ok := in.Object("audience"); ok {
		x := &input{Reader: o}
		a.users, a.tags, a.any = x.optUserIDs("userId", maxAudience), o.Texts("tag", maxAudienceTags), o.Texts("tagOr", maxAudienceTags)
		a.everybody = x.flag("isToAll", false)
		if v, ok := o.Look("packageName"); ok {
			for _, s := range v.Array() {
				a.packages = append(a.packages, s.String())
			}
		}
	} else if in.Err() == nil {
		in.Fail("audience", "is a required field", fault.RequestMissingField)
	}
	if o, ok := in.Object("message"); ok {
		x := &input{Reader: o}
		p.body = x.readContent(x.kind(), "content")
		p.body.unlisted = x.flag("disableUpdateLastMsg", false)
	} else if in.Err() == nil {
		in.Fail("message", "is a required field", fault.RequestMissingField)
	}
	return a, p
}

// sendTagged sends to people by their tags: those with all of tag and any of tagOr, or those named.
func (d *Dialect) sendTagged(ctx context.Context, by core.Actor, in *input) (answer, error) {
	a, p := in.readAudience()
	if err := in.Err(); err != nil {
		return nil, err
	}
	if !a.everybody && len(a.users)+len(a.tags)+len(a.any) == 0 {
		return nil, fault.RequestInvalid.Error("audience names nobody")
	}
	var to []core.UserID
	var err error
	switch {
	case a.everybody:
		to, err = d.tagged(ctx, by, core.Filter{})
	case len(a.users) > 0:
		to, err = d.known(ctx, by, a.users)
	default:
		to, err = d.tagged(ctx, by, tagFilter(a))
	}
	if err != nil {
		return nil, err
	}
	return d.pushed(ctx, by, in, &p, to)
}

// tagFilter finds people by tags.
func tagFilter(a audience) core.Filter {
	var all []core.Filter
	for _, t := range a.tags {
		all = append(all, core.Cond("tags", core.OpContains, core.Text(t)))
	}
	any := core.Filter{Op: core.OpOr}
	for _, t := range a.any {
		any.Sub = append(any.Sub, core.Cond("tags", core.OpContains, core.Text(t)))
	}
	if len(any.Sub) > 0 {
		all = append(all, any)
	}
	return core.And(all...)
}

// tagged are the people a filter finds.
func (d *Dialect) tagged(ctx context.Context, by core.Actor, f core.Filter) ([]core.UserID, error) {
	var out []core.UserID
	for {
		us, err := d.core.Users.Query(ctx, by, core.QueryUsers{Filter: f, Sort: []core.Sort{{Field: "id"}}, Page: core.Page{Limit: 100, Offset: len(out)}})
		if err != nil {
			return nil, err
		}
		for i := range us {
			if us[i].ID != core.SystemUser {
				out = append(out, us[i].ID)
			}
		}
		if len(us) < 100 || len(out) >= maxAudience {
			return out, nil
		}
	}
}

// sendPackage sends to the people of one app package. Nothing here knows by which package somebody has
// come, so all of the app's people are those of its one package.
func (d *Dialect) sendPackage(ctx context.Context, by core.Actor, in *input) (answer, error) {
	a, p := in.readAudience()
	if err := in.Err(); err != nil {
		return nil, err
	}
	switch {
	case len(a.packages) == 0:
		return nil, fault.RequestInvalid.Error("audience.packageName is missing")
	case len(a.packages) > 1:
		return nil, fault.RequestInvalid.Error("audience.packageName names too many packages").With("generic_1000")
	}
	to, err := d.tagged(ctx, by, core.Filter{})
	if err != nil {
		return nil, err
	}
	return d.pushed(ctx, by, in, &p, to)
}

// pushed sends a push as a system message to each and answers the id of the push.
func (d *Dialect) pushed(ctx context.Context, by core.Actor, in *input, p *post, to []core.UserID) (answer, error) {
	to = slices.DeleteFunc(to, func(id core.UserID) bool { return id == p.from })
	sent, err := d.sendSystemTo(ctx, by, p, to)
	if err != nil {
		return nil, err
	}
	mid := ""
	if len(sent) > 0 {
		mid = sent[0].id
	}
	return func(w *wire.Writer) {
		w.Text("id", in.rq.ID)
		w.Text("messageId", mid)
	}, nil
}
