package agora

import (
	"context"
	"math"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// moderationRoutes are the operations on mutes of the whole app, reports, and services that are not
// switched on.
func (d *Dialect) moderationRoutes() []adapters.Route {
	off := func(method, path, name string) adapters.Route {
		r := op(d, full, method, path, name, notOpen, nothing)
		r.Doc = "answers that the service is not open"
		return r
	}
	return []adapters.Route{
		op(d, full, "POST", "/mutes", "muteUser", d.muteUser, encodeMuteDone).Gated(adapters.GateServer),
		op(d, full, "GET", "/mutes", "listMutedUsers", d.mutedUsers, encodeMutedUsers).Gated(adapters.GateServer),
		op(d, full, "GET", "/mutes/:username", "getMutesOfUser", d.mutesOf, encodeMutesOf).Gated(adapters.GateServer),
		op(d, full, "POST", "/user/:username/moderation/report/message/:msg_id", "reportMessage", d.report, encodeReported),
		off("POST", "/users/:username/translate", "translate"),
		off("GET", "/users/:username/translate/support/language", "listLanguages"),
	}
}

// notOpen is the failure of a service that the app has not bought.
func notOpen(context.Context, core.Actor, *adapters.Request) (none, error) {
	return none{}, fault.ServiceNotEnabled.Error("service not open!")
}

// muteKinds are the kinds of conversation by their names in mutes.
var muteKinds = []struct {
	name string
	kind core.ChannelKind
}{{"chat", core.KindDirect}, {"groupchat", core.KindGroup}, {"chatroom", core.KindRoom}}

// muteUser forbids a person to write in all conversations of some kinds: for seconds, without end
// below zero, or no more with zero.
func (d *Dialect) muteUser(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	r, err := body(rq)
	if err != nil {
		return none{}, err
	}
	name := r.Text("username")
	if err := r.Err(); err != nil {
		return none{}, err
	}
	if name == "" {
		return none{}, fault.RequestMissingField.Error("").With("username_password_change")
	}
	u, err := d.known(ctx, by.App, core.UserID(name))
	if err != nil {
		return none{}, err
	}
	for _, k := range muteKinds {
		if _, ok := r.Look(k.name); !ok {
			continue
		}
		n := r.Int(k.name, math.MinInt32, math.MaxInt32)
		if err := r.Err(); err != nil {
			return none{}, err
		}
		in := core.MuteKinds{Users: []core.UserID{u.ID}, Kinds: []core.ChannelKind{k.kind}, Lift: n == 0}
		if n > 0 {
			in.For = time.Duration(n) * time.Second
		}
		if _, err := d.core.Speech.MuteKinds(ctx, by, in); err != nil {
			return none{}, err
		}
	}
	return none{}, nil
}

func encodeMuteDone(a *answer, _ none) {
	a.Object("data")
	a.Text("result", "ok")
	a.Close()
}

// userMutes are the mutes of one person, by kind.
type userMutes struct {
	user  core.UserID
	mutes []core.KindMute
}

func (d *Dialect) mutesOf(ctx context.Context, by core.Actor, rq *adapters.Request) (userMutes, error) {
	u, err := d.known(ctx, by.App, core.UserID(rq.Param("username")))
	if err != nil {
		return userMutes{}, err
	}
	ms, err := d.core.Speech.KindMutes(ctx, by, core.ListKindMutes{User: u.ID})
	return userMutes{u.ID, ms}, err
}

// writeKinds writes how long a person is muted still, in seconds; -1 is without end.
func writeKinds(a *answer, u *userMutes, all bool) {
	now := a.d.now()
	for _, k := range muteKinds {
		left, found := 0, false
		for i := range u.mutes {
			if m := &u.mutes[i]; m.Kind == k.kind {
				if left, found = -1, true; !m.Expires.IsZero() {
					left = max(int((m.Expires.Sub(now)+time.Second-1)/time.Second), 0)
				}
			}
		}
		if all || found {
			a.Int(k.name, left)
		}
	}
}

func encodeMutesOf(a *answer, u userMutes) {
	a.Object("data")
	a.Text("userid", string(u.user))
	writeKinds(a, &u, true)
	a.Int64("unixtime", a.d.now().Unix())
	a.Close()
}

// mutedUsers lists everybody who is muted, by name.
func (d *Dialect) mutedUsers(ctx context.Context, by core.Actor, rq *adapters.Request) ([]userMutes, error) {
	p, err := pageOf(rq, 10, 50)
	if err != nil {
		return nil, err
	}
	var all []userMutes
	at := map[core.UserID]int{}
	for _, k := range muteKinds {
		ms, err := d.core.Speech.KindMutes(ctx, by, core.ListKindMutes{Kind: k.kind, Page: core.Page{Limit: 1000}})
		if err != nil {
			return nil, err
		}
		for i := range ms {
			n, ok := at[ms[i].User]
			if !ok {
				n = len(all)
				at[ms[i].User] = n
				all = append(all, userMutes{user: ms[i].User})
			}
			all[n].mutes = append(all[n].mutes, ms[i])
		}
	}
	return cut(p, all), nil
}

func encodeMutedUsers(a *answer, list []userMutes) {
	a.Object("data")
	a.List("data")
	for i := range list {
		a.Open()
		a.Text("username", string(list[i].user))
		writeKinds(a, &list[i], false)
		a.Close()
	}
	a.CloseList()
	a.Int64("unixtime", a.d.now().Unix())
	a.Close()
}

// report tells the moderators of a message.
func (d *Dialect) report(ctx context.Context, by core.Actor, rq *adapters.Request) (string, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return "", err
	}
	r, err := body(rq)
	if err != nil {
		return "", err
	}
	kind, reason := r.TextMax("reportType", 100), r.TextMax("reportReason", 512)
	if err := r.Err(); err != nil {
		return "", err
	}
	h, err := d.visible(ctx, by, rq.Param("msg_id"))
	if err != nil {
		return "", err
	}
	f, err := d.core.Moderation.Flag(ctx, reader(by), core.FlagContent{
		Message: h.Message.ID.String(), Reason: kind, Extra: with(nil, "report_reason", quoted(reason)),
	})
	return f.ID, err
}

func encodeReported(a *answer, id string) {
	a.Object("data")
	a.Text("reportId", id)
	a.Bool("success", true)
	a.Close()
}
