package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// banRoutes are the operations on bans from groups.
func (d *Dialect) banRoutes() []adapters.Route {
	return []adapters.Route{
		op("GET", "/groups/:guid/bannedusers", "listBanned", d.listBanned, encodeBanned),
		op("POST", "/groups/:guid/bannedusers/:uid", "banMember", d.ban(false), d.encodeNotice),
		op("DELETE", "/groups/:guid/bannedusers/:uid", "unbanMember", d.ban(true), d.encodeNotice),
	}
}

func (d *Dialect) ban(lift bool) func(context.Context, core.Actor, *adapters.Request) (core.GroupView, error) {
	variant := "member_ban"
	if lift {
		variant = "member_unban"
	}
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (core.GroupView, error) {
		g, err := d.core.Groups.Ban(ctx, reader(by), core.BanMember{Key: core.ChannelKey(rq.Param("guid")), User: core.UserID(rq.Param("uid")), Lift: lift})
		return g, failed(err, variant)
	}
}

func (d *Dialect) listBanned(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[core.Ban], error) {
	var out listed[core.Ban]
	var err error
	if out.page, err = pageOf(rq, 25, 100); err != nil {
		return out, err
	}
	p, ok := out.core()
	if !ok {
		return out, nil
	}
	in := core.ListBanned{Key: core.ChannelKey(rq.Param("guid")), Search: rq.Query.Get("searchKey"), Page: p}
	bs, err := d.core.Groups.Banned(ctx, reader(by), in)
	if err != nil {
		return out, err
	}
	out.items = cut(&out.page, bs)
	err = out.whole(100, func(p core.Page) (int, error) {
		in.Page = p
		bs, err := d.core.Groups.Banned(ctx, reader(by), in)
		return len(bs), err
	})
	if err != nil {
		return out, err
	}
	return out, nil
}

func encodeBanned(w *wire.Writer, _ *adapters.Request, l listed[core.Ban]) {
	writeList(w, &l, func(b *core.Ban) {
		u := b.Target
		if u == nil {
			u = &core.User{ID: b.User}
		}
		w.Open()
		userMembers(w, u, l.view)
		w.Text("scope", scopeParticipant)
		unix(w, "bannedAt", b.CreatedAt)
		unix(w, "joinedAt", b.CreatedAt)
		w.Close()
	})
}
