package native

import (
	"context"

	"dragoman/core"
	"dragoman/core/fault"
)

// profile is what may be said of a person.
type profile struct {
	Name      *string    `json:"name"`
	Image     *string    `json:"image"`
	Role      *string    `json:"role" doc:"Servers only."`
	Teams     *[]string  `json:"teams" max:"250" doc:"Servers only."`
	Tags      *[]string  `json:"tags"`
	Language  *string    `json:"language"`
	Invisible *bool      `json:"invisible"`
	Extra     core.Extra `json:"extra" doc:"Free fields, at most 5 KiB. In a change, members are replaced one by one and null removes."`
}

// apply changes a person. Only servers say what role and teams somebody has.
func (p *profile) apply(u *core.User, byServer bool) (err error) {
	set(&u.Name, p.Name)
	set(&u.Image, p.Image)
	set(&u.Tags, p.Tags)
	set(&u.Language, p.Language)
	set(&u.Invisible, p.Invisible)
	if byServer {
		set(&u.Role, p.Role)
		set(&u.Teams, p.Teams)
	} else if p.Role != nil || p.Teams != nil {
		return fault.PermissionDenied.Error("Only a server sets role and teams.")
	}
	u.Extra, err = merged(u.Extra, p.Extra)
	return err
}

// set takes over a value that was given.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// whose names a person in the path.
type whose struct {
	User core.UserID `json:"user" in:"path"`
}

type putUser struct {
	whose
	profile
}

type listUsers struct {
	paging
	IDs    []core.UserID `json:"ids" in:"query" doc:"Only these."`
	Search string        `json:"search" in:"query" doc:"Beginning of a word of the name."`
	Role   string        `json:"role" in:"query"`
	Tags   []string      `json:"tags" in:"query" doc:"People with any of them."`
}

type newUser struct {
	ID core.UserID `json:"id" need:"true" max:"255"`
	profile
}

type putUsers struct {
	Users []newUser `json:"users" need:"true" max:"100"`
}

type deleteUser struct {
	whose
	Hard          bool `json:"hard" in:"query" doc:"Remove the person for good instead of leaving a tombstone."`
	Messages      bool `json:"messages" in:"query" doc:"Remove their messages, too."`
	Conversations bool `json:"conversations" in:"query" doc:"Remove their direct channels, too."`
}

// Task is a long piece of work.
type Task struct {
	ID      string `json:"id"`
	State   string `json:"state" doc:"pending, running, completed or failed."`
	Failure string `json:"failure,omitempty"`
}

// UserExport is everything stored of one person.
type UserExport struct {
	User      User       `json:"user"`
	Messages  []Message  `json:"messages"`
	Reactions []Reaction `json:"reactions"`
}

// Self is what a person knows of themself.
type Self struct {
	User         User          `json:"user"`
	Unread       Counts        `json:"unread"`
	Devices      []Device      `json:"devices"`
	Mutes        []Mute        `json:"mutes"`
	ChannelMutes []ChannelMute `json:"channel_mutes"`
	Blocked      []core.UserID `json:"blocked"`
}

func (d *Dialect) userRows() []row {
	return []row{
		op("GET", "/v1/users", "listUsers", "Finds people by id, name, role or tag.", d.listUsers),
		op("POST", "/v1/users", "putUsers", "Creates or changes up to 100 people.", d.putUsers).server(),
		op("GET", "/v1/users/:user", "getUser", "Reads a person.", func(ctx context.Context, c *call, in *whose) (User, error) {
			return d.one(ctx, c.by, in.User)
		}),
		op("PUT", "/v1/users/:user", "putUser", "Creates a person, or changes what is given.", d.putUser).fresh(),
		op("PATCH", "/v1/users/:user", "changeUser", "Changes a person who exists.", d.changeUser),
		op("DELETE", "/v1/users/:user", "deleteUser", "Deletes a person; the answer is a task to follow.", d.deleteUser).server(),
		op("POST", "/v1/users/:user/deactivate", "deactivateUser", "Takes a person out of use: they cannot connect until reactivated.", d.deactivate(false)).server(),
		op("POST", "/v1/users/:user/reactivate", "reactivateUser", "Brings a person back into use.", d.deactivate(true)).server(),
		op("GET", "/v1/users/:user/export", "exportUser", "Everything stored of a person.", d.exportUser).server(),
		op("GET", "/v1/tasks/:task", "getTask", "Tells how a task fares.", func(ctx context.Context, c *call, in *struct {
			Task string `json:"task" in:"path"`
		}) (Task, error) {
			t, err := d.core.Tasks.Get(ctx, c.by, core.GetTask{ID: in.Task})
			return taskOf(&t), err
		}).server(),
		op("GET", "/v1/me", "getMe", "What the caller knows of themself: profile, unread counts, mutes, blocks, devices.", d.me),
		op("PATCH", "/v1/me", "changeMe", "Changes the caller's profile.", func(ctx context.Context, c *call, in *profile) (User, error) {
			if c.by.User == "" {
				return User{}, errNeedUser
			}
			return d.changeUser(ctx, c, &putUser{whose{c.by.User}, *in})
		}),
	}
}

// errNeedUser is for servers that act for nobody where somebody is needed.
var errNeedUser = fault.RequestInvalid.Error("This call is made by a person: a server names one in the header " + actHeader + ".")

func taskOf(t *core.Task) Task { return Task{t.ID, t.State, t.Failure} }

func (d *Dialect) listUsers(ctx context.Context, c *call, in *listUsers) (Page[User], error) {
	var fs []core.Filter
	if len(in.IDs) > 0 {
		fs = append(fs, core.Cond("id", core.OpIn, core.Texts(in.IDs)))
	}
	if in.Search != "" {
		fs = append(fs, core.Cond("name", core.OpAutocomplete, core.Text(in.Search)))
	}
	if in.Role != "" {
		fs = append(fs, core.Cond("role", core.OpEq, core.Text(in.Role)))
	}
	if len(in.Tags) > 0 {
		any := core.Filter{Op: core.OpOr}
		for _, t := range in.Tags {
			any.Sub = append(any.Sub, core.Cond("tags", core.OpContains, core.Text(t)))
		}
		fs = append(fs, any)
	}
	return listed(&in.paging, 30, 100, func(p core.Page) ([]core.User, error) {
		return d.core.Users.Query(ctx, c.by, core.QueryUsers{Filter: core.And(fs...), Page: p, Sort: []core.Sort{{Field: "id"}}})
	}, userOf)
}

func (d *Dialect) putUsers(ctx context.Context, c *call, in *putUsers) (Page[User], error) {
	var out Page[User]
	ids := make([]core.UserID, len(in.Users))
	for i := range in.Users {
		ids[i] = in.Users[i].ID
	}
	there, err := d.core.Users.Get(ctx, c.by, core.GetUsers{IDs: ids})
	if err != nil {
		return out, err
	}
	known := map[core.UserID]core.User{}
	for i := range there {
		known[there[i].ID] = there[i]
	}
	us := make([]core.User, len(in.Users))
	for i := range in.Users {
		u := known[ids[i]]
		u.ID = ids[i]
		if err := in.Users[i].apply(&u, c.by.Server()); err != nil {
			return out, err
		}
		us[i] = u
	}
	us, err = d.core.Users.Upsert(ctx, c.by, core.UpsertUsers{Users: us})
	out.Items = list(us, userOf)
	return out, err
}

func (d *Dialect) putUser(ctx context.Context, c *call, in *putUser) (User, error) {
	there, err := d.core.Users.Get(ctx, c.by, core.GetUsers{IDs: []core.UserID{in.User}})
	if err != nil {
		return User{}, err
	}
	if len(there) > 0 {
		return d.changeUser(ctx, c, in)
	}
	u := core.User{ID: in.User}
	if err := in.apply(&u, c.by.Server()); err != nil {
		return User{}, err
	}
	us, err := d.core.Users.Upsert(ctx, c.by, core.UpsertUsers{Users: []core.User{u}})
	if err != nil {
		return User{}, err
	}
	c.created(true)
	return userOf(&us[0]), nil
}

func (d *Dialect) changeUser(ctx context.Context, c *call, in *putUser) (User, error) {
	us, err := d.core.Users.Patch(ctx, c.by, core.PatchUsers{Patches: []core.UserPatch{{
		ID: in.User, Change: func(u *core.User) error { return in.apply(u, c.by.Server()) },
	}}})
	if err != nil {
		return User{}, err
	}
	return userOf(&us[0]), nil
}

func (d *Dialect) deleteUser(ctx context.Context, c *call, in *deleteUser) (Task, error) {
	cmd := core.DeleteUsers{IDs: []core.UserID{in.User}, Hard: in.Hard, Conversations: in.Conversations}
	if in.Messages {
		cmd.Messages = core.DeleteSoft
		if in.Hard {
			cmd.Messages = core.DeleteHard
		}
	}
	t, err := d.core.Users.Delete(ctx, c.by, cmd)
	return taskOf(&t), err
}

func (d *Dialect) deactivate(restore bool) func(context.Context, *call, *whose) (User, error) {
	return func(ctx context.Context, c *call, in *whose) (User, error) {
		us, err := d.core.Users.Deactivate(ctx, c.by, core.DeactivateUsers{IDs: []core.UserID{in.User}, Restore: restore})
		if err != nil || len(us) == 0 {
			return User{}, err
		}
		return userOf(&us[0]), nil
	}
}

func (d *Dialect) exportUser(ctx context.Context, c *call, in *whose) (UserExport, error) {
	x, err := d.core.Users.Export(ctx, c.by, core.ExportUser{ID: in.User})
	return UserExport{userOf(&x.User), list(x.Messages, messageOf), list(x.Reactions, reactionOf)}, err
}

func (d *Dialect) me(ctx context.Context, c *call, _ *none) (Self, error) {
	if c.by.User == "" {
		return Self{}, errNeedUser
	}
	s, err := d.core.Live.Self(ctx, c.by, core.GetSelf{})
	return selfOf(&s), err
}

func selfOf(s *core.Self) Self {
	return Self{
		User: userOf(&s.User), Unread: countsOf(s.Counts), Devices: list(s.Devices, deviceOf), Mutes: list(s.Mutes, muteOf),
		ChannelMutes: list(s.ChannelMutes, channelMuteOf), Blocked: append([]core.UserID{}, s.Blocked...),
	}
}
