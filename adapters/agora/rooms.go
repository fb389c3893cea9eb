package agora

import (
	"context"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// roomRoutes are the operations that rooms alone have.
func (d *Dialect) roomRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, full, "POST", "/chatrooms/super_admin", "addSuperAdmin", d.addSuperAdmin, encodeSuperAdmin("")).Gated(adapters.GateServer),
		op(d, full, "GET", "/chatrooms/super_admin", "listSuperAdmins", d.superAdmins, names[core.UserID]).Gated(adapters.GateServer),
		op(d, full, "DELETE", "/chatrooms/super_admin/:username", "removeSuperAdmin", d.removeSuperAdmin, encodeSuperAdmin("newSuperAdmin")).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/users/broadcast", "broadcastToUsers", d.broadcast(core.AudienceOnline), encodeBroadcast).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/chatrooms/broadcast", "broadcastToRooms", d.broadcast(core.AudienceRooms), encodeBroadcast).Gated(adapters.GateServer),
	}
}

func (d *Dialect) addSuperAdmin(ctx context.Context, by core.Actor, rq *adapters.Request) (core.UserID, error) {
	r, err := body(rq)
	if err != nil {
		return "", err
	}
	name := r.Need("superadmin")
	if err := r.Err(); err != nil {
		return "", err
	}
	u, err := d.known(ctx, by.App, core.UserID(name))
	if err != nil {
		return "", noInvitee(core.UserID(name))
	}
	return u.ID, d.core.Rooms.SetSuperAdmin(ctx, by, core.SetSuperAdmin{User: u.ID})
}

func (d *Dialect) removeSuperAdmin(ctx context.Context, by core.Actor, rq *adapters.Request) (core.UserID, error) {
	u, err := d.known(ctx, by.App, core.UserID(rq.Param("username")))
	if err != nil {
		return "", err
	}
	return u.ID, d.core.Rooms.SetSuperAdmin(ctx, by, core.SetSuperAdmin{User: u.ID, Remove: true})
}

func encodeSuperAdmin(name string) func(*answer, core.UserID) {
	return func(a *answer, id core.UserID) {
		a.Object("data")
		if name != "" {
			a.Text(name, string(id))
		} else {
			a.Text("result", "success")
		}
		a.Text("resource", "")
		a.Close()
	}
}

func (d *Dialect) superAdmins(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.UserID, error) {
	p, err := pageOf(rq, 10, 1000)
	if err != nil {
		return nil, err
	}
	all, err := d.core.Rooms.SuperAdmins(ctx, by, core.ListSuperAdmins{Page: core.Page{Limit: 1000}})
	return cut(p, all), err
}

// broadcast writes to everybody who is connected, or into every room.
func (d *Dialect) broadcast(to core.Audience) func(context.Context, core.Actor, *adapters.Request) (core.Broadcast, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Broadcast, error) {
		var none core.Broadcast
		r, err := body(rq)
		if err != nil {
			return none, err
		}
		from, err := senderOf(&r)
		if err != nil {
			return none, err
		}
		msg, ok := r.Object("msg")
		if !ok {
			return none, fault.RequestMissingField.Error("msg is empty")
		}
		c, err := readContent(msg.Text("type"), &msg)
		if err != nil {
			return none, err
		}
		b := msgBody{kind: bodyChat, contents: many[content, *content]{c}}
		if b.ext, err = readExt(&r, "ext"); err != nil {
			return none, err
		}
		var tag optional
		if level, ok := levels[r.Text("chatroom_msg_level")]; ok {
			tag = some(level)
		}
		if to == core.AudienceRooms {
			b.kind = bodyRoom
			b.ext = append(b.ext, keyValue{key: "is_broadcast", kind: some(kvBool), number: some(1)})
		}
		author, err := d.author(ctx, by, from)
		if err != nil {
			return none, err
		}
		b.from.v = &jid{name: string(author.User)}
		return d.core.Broadcasts.Send(ctx, by, core.SendBroadcast{From: author.User, Audience: to, Message: b.input(b.encode(nil), "", tag)})
	}
}

func encodeBroadcast(a *answer, b core.Broadcast) {
	a.Object("data")
	a.Int64("id", int64(b.ID))
	a.Close()
}
