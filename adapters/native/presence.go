package native

import (
	"context"
	"slices"
	"strings"
	"time"

	"dragoman/core"
)

// Presence tells whether somebody is there, and how they show themself.
type Presence struct {
	User       core.UserID      `json:"user"`
	Online     bool             `json:"online"`
	LastActive time.Time        `json:"last_active,omitzero"`
	Text       string           `json:"text,omitempty" doc:"Published by the person."`
	Devices    []PresenceDevice `json:"devices,omitempty"`
}

// PresenceDevice is how one device of a person shows itself.
type PresenceDevice struct {
	Device string `json:"device"`
	Status int    `json:"status" doc:"1 is online; others are the app's own."`
}

// Subscription is one person whose presence another is told.
type Subscription struct {
	User    core.UserID `json:"user"`
	Expires time.Time   `json:"expires,omitzero"`
}

func presenceOf(p *core.Presence) Presence {
	out := Presence{User: p.User, Online: len(p.Devices) > 0, LastActive: p.LastSeen, Text: p.Text}
	for name, status := range p.Devices {
		out.Devices = append(out.Devices, PresenceDevice{name, status})
	}
	slices.SortFunc(out.Devices, func(a, b PresenceDevice) int { return strings.Compare(a.Device, b.Device) })
	return out
}

func subscriptionOf(p *core.Presence) Subscription { return Subscription{p.User, p.Expires} }

func (d *Dialect) presenceRows() []row {
	x := d.core.Presences
	return []row{
		op("GET", "/v1/presence", "getPresence", "Who of some people is online, and how they show themselves; follow changes over the WebSocket.", d.getPresence),
		op("PUT", "/v1/me/presence", "publishPresence", "Sets how the caller shows themself: a text, and the status of one device.", func(ctx context.Context, c *call, in *struct {
			Device string `json:"device" max:"255"`
			Status int    `json:"status" max:"1000000" doc:"1 is online, 0 offline, others are the app's own."`
			Text   string `json:"text" max:"1024"`
		}) (Presence, error) {
			v, err := x.Publish(ctx, c.by, core.PublishPresence{Device: in.Device, Status: in.Status, Text: in.Text})
			return presenceOf(&v), err
		}),
		op("GET", "/v1/presence/subscriptions", "listSubscriptions", "Whose presence the caller is told, by id.", func(ctx context.Context, c *call, in *paging) (Page[Subscription], error) {
			return listed(in, 100, 300, func(p core.Page) ([]core.Presence, error) {
				v, err := x.Subscriptions(ctx, c.by, core.ListSubscriptions{Page: p})
				return v.List, err
			}, subscriptionOf)
		}),
		op("POST", "/v1/presence/subscriptions", "subscribePresence", "Tells the caller changes of people's presence for a time, as presence.changed on all of their links.", func(ctx context.Context, c *call, in *struct {
			Users []core.UserID `json:"users" need:"true" max:"1000"`
			For   int           `json:"expires_in" need:"true" min:"1" max:"315360000" doc:"Seconds."`
		}) (Page[Presence], error) {
			v, err := x.Subscribe(ctx, c.by, core.SubscribePresence{Users: in.Users, For: seconds(in.For)})
			return Page[Presence]{Items: list(v, presenceOf)}, err
		}),
		act("DELETE", "/v1/presence/subscriptions", "unsubscribePresence", "Ends subscriptions.", func(ctx context.Context, c *call, in *struct {
			Users []core.UserID `json:"users" in:"query" need:"true" max:"1000"`
		}) error {
			_, err := x.Subscribe(ctx, c.by, core.SubscribePresence{Users: in.Users, Stop: true})
			return err
		}),
		act("POST", "/v1/users/:user/events", "sendUserEvent", "Tells a person's connections something of the app's own.", func(ctx context.Context, c *call, in *struct {
			whose
			Name  string     `json:"name" need:"true" max:"100"`
			Extra core.Extra `json:"extra"`
		}) error {
			_, err := d.core.Live.Send(ctx, c.by, core.SendEvent{Kind: core.CustomEvent, Name: in.Name, Extra: in.Extra, To: []core.UserID{in.User}})
			return err
		}).server(),
	}
}

// getPresence reads who is online from the live connections, and how they show themselves from what
// they have published.
func (d *Dialect) getPresence(ctx context.Context, c *call, in *struct {
	Users []core.UserID `json:"users" in:"query" need:"true" max:"100"`
}) (Page[Presence], error) {
	us, err := d.core.Users.Get(ctx, c.by, core.GetUsers{IDs: in.Users})
	if err != nil {
		return Page[Presence]{}, err
	}
	ps, err := d.core.Presences.Query(ctx, c.by, core.QueryPresence{Users: in.Users})
	shown := map[core.UserID]Presence{}
	for i := range ps {
		shown[ps[i].User] = presenceOf(&ps[i])
	}
	return Page[Presence]{Items: list(us, func(u *core.User) Presence {
		p := shown[u.ID]
		p.User, p.Online, p.LastActive = u.ID, u.Online, u.LastActive
		return p
	})}, err
}
