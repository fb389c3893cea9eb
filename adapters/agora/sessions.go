package agora

import (
	"context"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/core"
)

// sessionRoutes are the operations on where people are connected.
func (d *Dialect) sessionRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, full, "GET", "/users/:username/resources", "listDevices", d.resources, encodeResources),
		op(d, full, "GET", "/users/:username/disconnect", "disconnectUser", d.disconnect, encodeDone).Gated(adapters.GateServer),
		op(d, full, "DELETE", "/users/:username/disconnect/:resource", "disconnectDevice", d.disconnect, encodeDone).Gated(adapters.GateServer),
	}
}

func (d *Dialect) resources(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.Session, error) {
	by, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return nil, err
	}
	return d.core.Sessions.List(ctx, by, core.ListSessions{User: u.ID})
}

func encodeResources(a *answer, list []core.Session) {
	a.List("data")
	for i := range list {
		a.Open()
		a.Text("res", list[i].Device)
		a.Text("device_uuid", orElse(gjson.GetBytes(list[i].Extra, "uuid").String(), list[i].Device))
		a.Text("device_name", list[i].Name)
		a.Close()
	}
	a.CloseList()
	a.Int("count", len(list))
}

// disconnect ends the live links of a person, or of one of their devices.
func (d *Dialect) disconnect(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	u, err := d.known(ctx, by.App, core.UserID(rq.Param("username")))
	if err == nil {
		_, err = d.core.Sessions.Kick(ctx, server(by.App), core.KickSessions{User: u.ID, Device: rq.Param("resource"), Reason: kickReason(rq)})
	}
	return none{}, err
}

// kickReason is why a session ends: of all devices by the server, of one as if by another device.
func kickReason(rq *adapters.Request) string {
	if rq.Param("resource") != "" {
		return "device"
	}
	return "server"
}

func encodeDone(a *answer, _ none) {
	a.Object("data")
	a.Bool("result", true)
	a.Close()
	a.Int("count", 1)
}
