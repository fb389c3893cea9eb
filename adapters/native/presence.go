package native

import (
	"context"
	"time"

	"dragoman/core"
)

// Presence tells whether somebody is there.
type Presence struct {
	User       core.UserID `json:"user"`
	Online     bool        `json:"online"`
	LastActive time.Time   `json:"last_active,omitzero"`
}

func (d *Dialect) presenceRows() []row {
	return []row{
		op("GET", "/v1/presence", "getPresence", "Who of some people is online; follow changes over the WebSocket.", func(ctx context.Context, c *call, in *struct {
			Users []core.UserID `json:"users" in:"query" need:"true" max:"100"`
		}) (Page[Presence], error) {
			us, err := d.core.Users.Get(ctx, c.by, core.GetUsers{IDs: in.Users})
			return Page[Presence]{Items: list(us, func(u *core.User) Presence { return Presence{u.ID, u.Online, u.LastActive} })}, err
		}),
		op("POST", "/v1/users/:user/events", "sendUserEvent", "Tells a person's connections something of the app's own.", func(ctx context.Context, c *call, in *struct {
			whose
			Name  string     `json:"name" need:"true" max:"100"`
			Extra core.Extra `json:"extra"`
		}) (none, error) {
			_, err := d.core.Live.Send(ctx, c.by, core.SendEvent{Kind: core.CustomEvent, Name: in.Name, Extra: in.Extra, To: []core.UserID{in.User}})
			return none{}, err
		}).server(),
	}
}
