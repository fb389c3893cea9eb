package native

import (
	"context"

	"dragoman/core"
	"dragoman/core/fault"
)

// errKind is for names of kinds that do not exist.
var errKind = fault.RequestInvalidField.Error("kind is one of direct, group, room, community and system")

// Present tells whether a person is in a room.
type Present struct {
	User    core.UserID `json:"user"`
	Present bool        `json:"present"`
}

type enterRoom struct {
	where
	LeaveOthers bool       `json:"leave_others" doc:"Leave all other rooms first."`
	Extra       core.Extra `json:"extra" doc:"Told to the others along with the entry."`
}

func (d *Dialect) roomRows() []row {
	x := d.core.Rooms
	super := func(remove bool) func(context.Context, *call, *whose) error {
		return func(ctx context.Context, c *call, in *whose) error {
			return x.SetSuperAdmin(ctx, c.by, core.SetSuperAdmin{User: in.User, Remove: remove})
		}
	}
	return []row{
		op("POST", "/v1/channels/:channel/enter", "enterRoom", "Makes the caller present in a room until they leave. With the command enter of the live link they leave with their last link.", d.enterRoom),
		act("POST", "/v1/channels/:channel/exit", "exitRoom", "Ends the caller's presence in a room.", d.exitRoom),
		op("GET", "/v1/channels/:channel/present", "listPresent", "Which of some people are in a room; for who is in it and servers.", func(ctx context.Context, c *call, in *struct {
			where
			Users []core.UserID `json:"users" in:"query" need:"true" max:"1000"`
		}) (Page[Present], error) {
			there, err := x.In(ctx, c.by, core.InRoom{Key: in.Channel, Users: in.Users})
			return Page[Present]{Items: list(in.Users, func(u *core.UserID) Present { return Present{*u, there[*u]} })}, err
		}),
		op("GET", "/v1/rooms", "listRooms", "The rooms the caller is in, or for servers another, last entered first.", func(ctx context.Context, c *call, in *struct {
			User core.UserID `json:"user" in:"query" doc:"Servers only."`
		}) (Page[Channel], error) {
			if in.User == "" && c.by.User == "" {
				return Page[Channel]{}, errNeedUser
			}
			v, err := x.Joined(ctx, c.by, core.ListRooms{User: in.User})
			return Page[Channel]{Items: list(v, channelOf)}, err
		}),
		op("GET", "/v1/superadmins", "listSuperAdmins", "Who ranks as an admin in every room, by id.", func(ctx context.Context, c *call, in *paging) (Page[core.UserID], error) {
			return listed(in, 100, 300, func(p core.Page) ([]core.UserID, error) {
				return x.SuperAdmins(ctx, c.by, core.ListSuperAdmins{Page: p})
			}, same)
		}).server(),
		act("PUT", "/v1/superadmins/:user", "putSuperAdmin", "Makes a person an admin of every room.", super(false)).server(),
		act("DELETE", "/v1/superadmins/:user", "removeSuperAdmin", "Ends that.", super(true)).server(),
	}
}

func (d *Dialect) enterRoom(ctx context.Context, c *call, in *enterRoom) (Channel, error) {
	v, err := d.core.Rooms.Enter(ctx, c.by, core.EnterRoom{Key: in.Channel, LeaveOthers: in.LeaveOthers, Extra: in.Extra})
	return channelOf(&v.Channel), err
}

func (d *Dialect) exitRoom(ctx context.Context, c *call, in *where) error {
	_, err := d.core.Rooms.Leave(ctx, c.by, core.LeaveRoom{Key: in.Channel})
	return err
}
