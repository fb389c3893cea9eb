package agora

import (
	"dragoman/core"
)

// writeUser writes a user entity.
func writeUser(a *answer, u *core.User) {
	a.Open()
	a.Text("uuid", uuidOf("user", a.t.key(), string(u.ID)))
	a.Text("type", "user")
	a.Int64("created", u.CreatedAt.UnixMilli())
	a.Int64("modified", u.UpdatedAt.UnixMilli())
	a.Text("username", string(u.ID))
	a.Bool("activated", u.DeactivatedAt.IsZero())
	a.TextIf("nickname", u.Name)
	a.Close()
}

// writeUsers writes users as the entities of an answer.
func writeUsers(a *answer, us []core.User) {
	a.Entities()
	for i := range us {
		writeUser(a, &us[i])
	}
	a.CloseList()
}

// oneUser answers one user.
func oneUser(a *answer, u core.User) { writeUsers(a, []core.User{u}) }
