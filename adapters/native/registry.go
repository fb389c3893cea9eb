package native

import (
	"context"
	"time"

	"dragoman/core"
)

// Role is a name that permissions can be granted to.
type Role struct {
	Name   string     `json:"name"`
	Custom bool       `json:"custom" doc:"Of the app's own."`
	Title  string     `json:"title,omitempty"`
	About  string     `json:"about,omitempty"`
	Reach  string     `json:"reach,omitempty" doc:"friends: its people find only friends, and write directly to nobody else."`
	Extra  core.Extra `json:"extra,omitempty"`
	Scopes []string   `json:"scopes" doc:"Where it is granted something: the app, and channel types."`
}

// Permission is one thing that can be granted.
type Permission struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	About  string `json:"about"`
	Action string `json:"action"`
	Owner  bool   `json:"owner,omitempty" doc:"Only on one's own."`
	Level  string `json:"level" doc:"app or channel."`
}

// SlashCommand is a command that messages may begin with.
type SlashCommand struct {
	Name      string    `json:"name"`
	About     string    `json:"about"`
	Args      string    `json:"args,omitempty"`
	Set       string    `json:"set,omitempty" doc:"The set it belongs to."`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func roleOf(r *core.Role) Role {
	return Role{r.Name, r.Custom, r.Title, r.About, string(r.Reach), r.Extra, append([]string{}, r.Scopes...)}
}

func permissionOf(p *core.Permission) Permission {
	return Permission{p.ID, p.Name, p.Description, p.Action, p.Owner, p.Level}
}

func commandOf(c *core.Command) SlashCommand {
	return SlashCommand{c.Name, c.Description, c.Args, c.Set, c.CreatedAt, c.UpdatedAt}
}

// typeName names a channel type in the path.
type typeName struct {
	Type string `json:"type" in:"path"`
}

// registryRows are what the app is configured with, beside its settings. Servers only.
func (d *Dialect) registryRows() []row {
	rows := append(d.roleRows(), d.commandRows()...)
	types := d.core.Types
	rows = append(rows,
		op("GET", "/v1/types", "listTypes", "The channel types of the app.", d.listTypes),
		op("GET", "/v1/types/:type", "getType", "Reads a channel type.", func(ctx context.Context, c *call, in *typeName) (ChannelType, error) {
			t, err := types.Get(ctx, c.by, core.GetType{Name: in.Type})
			return typeOf(&t), err
		}),
		op("POST", "/v1/types", "createType", "Makes a channel type with the usual features.", func(ctx context.Context, c *call, in *struct {
			Name string `json:"name" need:"true" max:"64"`
		}) (ChannelType, error) {
			t, err := types.Put(ctx, c.by, core.PutType{Name: in.Name, Create: true, Change: func(*core.ChannelType) error { return nil }})
			c.created(true)
			return typeOf(&t), err
		}).fresh(),
		op("PATCH", "/v1/types/:type", "changeType", "Changes a channel type: what its channels can do.", d.changeType),
		act("DELETE", "/v1/types/:type", "deleteType", "Removes a channel type of the app's own that no channel has.", func(ctx context.Context, c *call, in *typeName) error {
			_, err := types.Delete(ctx, c.by, core.DeleteType{Name: in.Type})
			return err
		}),
	)
	for i := range rows {
		rows[i] = rows[i].server()
	}
	return rows
}

type roleName struct {
	Role string `json:"role" in:"path"`
}

func (d *Dialect) roleRows() []row {
	x := d.core.Roles
	return []row{
		op("GET", "/v1/roles", "listRoles", "The roles of the app.", func(ctx context.Context, c *call, _ *none) (Page[Role], error) {
			v, err := x.List(ctx, c.by, core.ListRoles{})
			return Page[Role]{Items: list(v, roleOf)}, err
		}),
		op("PUT", "/v1/roles/:role", "putRole", "Makes a role, or changes what is given of one.", func(ctx context.Context, c *call, in *struct {
			roleName
			Title *string    `json:"title" max:"255"`
			About *string    `json:"about"`
			Reach *string    `json:"reach" enum:",friends" doc:"friends: its people find only friends, and write directly to nobody else."`
			Extra core.Extra `json:"extra" doc:"Members are replaced one by one, null removes."`
		}) (Role, error) {
			v, err := x.Put(ctx, c.by, core.PutRole{Name: in.Role, Change: func(r *core.Role) (err error) {
				set(&r.Title, in.Title)
				set(&r.About, in.About)
				set((*string)(&r.Reach), in.Reach)
				r.Extra, err = merged(r.Extra, in.Extra)
				return err
			}})
			return roleOf(&v), err
		}),
		act("DELETE", "/v1/roles/:role", "deleteRole", "Removes a role of the app's own.", func(ctx context.Context, c *call, in *roleName) error {
			_, err := x.Delete(ctx, c.by, core.DeleteRole{Name: in.Role})
			return err
		}),
		op("GET", "/v1/permissions", "listPermissions", "What can be granted.", func(ctx context.Context, c *call, _ *none) (Page[Permission], error) {
			v, err := x.Permissions(ctx, c.by, core.ListPermissions{})
			return Page[Permission]{Items: list(v, permissionOf)}, err
		}),
		op("GET", "/v1/permissions/:permission", "getPermission", "Reads what one permission allows.", func(ctx context.Context, c *call, in *struct {
			Permission string `json:"permission" in:"path"`
		}) (Permission, error) {
			v, err := x.Permission(ctx, c.by, core.GetPermission{ID: in.Permission})
			return permissionOf(&v), err
		}),
	}
}

type commandName struct {
	Command string `json:"command" in:"path"`
}

func (d *Dialect) commandRows() []row {
	x := d.core.Commands
	return []row{
		op("GET", "/v1/commands", "listCommands", "The commands that messages may begin with.", func(ctx context.Context, c *call, _ *none) (Page[SlashCommand], error) {
			v, err := x.List(ctx, c.by, core.ListCommands{})
			return Page[SlashCommand]{Items: list(v, commandOf)}, err
		}),
		op("GET", "/v1/commands/:command", "getCommand", "Reads a command.", func(ctx context.Context, c *call, in *commandName) (SlashCommand, error) {
			v, err := x.Get(ctx, c.by, core.GetCommand{Name: in.Command})
			return commandOf(&v), err
		}),
		op("PUT", "/v1/commands/:command", "putCommand", "Makes a command of the app's own, or changes what is given of one.", func(ctx context.Context, c *call, in *struct {
			commandName
			About *string `json:"about"`
			Args  *string `json:"args"`
			Set   *string `json:"set" max:"64"`
		}) (SlashCommand, error) {
			cmd := core.PutCommand{Name: in.Command, Change: func(m *core.Command) error {
				set(&m.Description, in.About)
				set(&m.Args, in.Args)
				set(&m.Set, in.Set)
				return nil
			}}
			_, err := x.Get(ctx, c.by, core.GetCommand{Name: in.Command})
			cmd.Create = err != nil
			v, err := x.Put(ctx, c.by, cmd)
			c.created(cmd.Create)
			return commandOf(&v), err
		}).fresh(),
		act("DELETE", "/v1/commands/:command", "deleteCommand", "Removes a command of the app's own.", func(ctx context.Context, c *call, in *commandName) error {
			_, err := x.Delete(ctx, c.by, core.DeleteCommand{Name: in.Command})
			return err
		}),
	}
}
