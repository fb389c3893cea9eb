package native

import (
	"context"
	"time"

	"dragoman/core"
)

// Session is one live connection of a person.
type Session struct {
	Connection string      `json:"connection"`
	User       core.UserID `json:"user"`
	Device     string      `json:"device,omitempty"`
	Name       string      `json:"name,omitempty" doc:"Of the device, for people."`
	Platform   string      `json:"platform,omitempty" doc:"ios, android, web, and so on."`
	Extra      core.Extra  `json:"extra,omitempty"`
	Since      time.Time   `json:"since,omitzero"`
}

func sessionOf(s *core.Session) Session {
	return Session{s.Connection, s.User, s.Device, s.Name, s.Platform, s.Extra, s.Since}
}

func (d *Dialect) sessionRows() []row {
	x := d.core.Sessions
	return []row{
		op("GET", "/v1/sessions", "listSessions", "Where the caller is connected, or for servers another, oldest first.", func(ctx context.Context, c *call, in *struct {
			User core.UserID `json:"user" in:"query" doc:"Servers only."`
		}) (Page[Session], error) {
			v, err := x.List(ctx, c.by, core.ListSessions{User: in.User})
			return Page[Session]{Items: list(v, sessionOf)}, err
		}),
		op("DELETE", "/v1/sessions", "kickSessions", "Ends live connections of the caller, or for servers of another; all of them unless told which.", func(ctx context.Context, c *call, in *struct {
			User       core.UserID `json:"user" in:"query" doc:"Servers only."`
			Connection string      `json:"connection" in:"query"`
			Device     string      `json:"device" in:"query"`
			Platform   string      `json:"platform" in:"query"`
			Except     string      `json:"except" in:"query" doc:"A connection to spare."`
			Text       string      `json:"text" in:"query" doc:"Told along."`
		}) (Page[Session], error) {
			v, err := x.Kick(ctx, c.by, core.KickSessions{
				User: in.User, Connection: in.Connection, Device: in.Device, Platform: in.Platform, Except: in.Except, Text: in.Text,
			})
			return Page[Session]{Items: list(v, sessionOf)}, err
		}),
	}
}
