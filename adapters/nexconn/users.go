package nexconn

import (
	"context"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxUserID is the longest user id, in bytes.
const maxUserID = 64

// userOps are the people of an app and their tokens.
func (d *Dialect) userOps() []operation {
	return []operation{
		{path: "/auth/access-token/issue", rate: 200, serve: d.issueToken},
		{path: "/user/get", rate: 100, serve: d.getUser},
	}
}

// userID reads the id of a person that must be there.
func (in *input) userID(name string) core.UserID {
	s := in.Need(name)
	if len(s) > maxUserID {
		in.Fail(name, "must be at most 64 bytes", fault.RequestFieldTooLong)
	}
	return core.UserID(s)
}

// issueToken makes a token, and the person where there is none of that id yet. The name and the
// picture of somebody who exists are changed.
func (d *Dialect) issueToken(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, name := in.userID("userId"), in.Need("name")
	image, pictured := in.Look("avatarUrl")
	if pictured {
		in.AsText("avatarUrl", image)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: []core.UserID{id}})
	if err != nil {
		return nil, err
	}
	switch {
	case len(us) == 0:
		_, err = d.core.Users.Upsert(ctx, by, core.UpsertUsers{Users: []core.User{{ID: id, Name: name, Image: image.Str, Role: core.RoleUser}}})
	case us[0].Name != name || pictured && us[0].Image != image.Str:
		_, err = d.core.Users.Patch(ctx, by, core.PatchUsers{Patches: []core.UserPatch{{ID: id, Change: func(u *core.User) error {
			u.Name = name
			if pictured {
				u.Image = image.Str
			}
			return nil
		}}}})
	}
	if err != nil {
		return nil, err
	}
	token := newToken()
	_, err = d.core.Credentials.Put(ctx, by, core.PutCredential{Credential: core.Credential{Kind: core.CredentialToken, Secret: token, User: id, Scope: "nexconn"}})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.Text("userId", string(id))
		w.Text("accessToken", token+d.steer(in.rq))
	}, nil
}

// getUser reads a person.
func (d *Dialect) getUser(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.userID("userId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	u, err := d.person(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.Text("name", u.Name)
		w.Text("avatarUrl", u.Image)
		w.Text("createdAt", dateTime(u.CreatedAt))
	}, nil
}

// person reads somebody who must be known.
func (d *Dialect) person(ctx context.Context, by core.Actor, id core.UserID) (*core.User, error) {
	us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: []core.UserID{id}})
	if err != nil {
		return nil, err
	}
	if len(us) == 0 || !us[0].DeletedAt.IsZero() {
		return nil, fault.UserNotFound.Error("The user " + clip(string(id)) + " does not exist.")
	}
	return &us[0], nil
}
