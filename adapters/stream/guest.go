package stream

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// guestSession is a new guest and the token it connects with.
type guestSession struct {
	user  core.User
	token string
}

// decodeGuest reads the profile of a guest.
func decodeGuest(rq *adapters.Request) (core.CreateGuest, error) {
	r, err := body(rq)
	if err != nil {
		return core.CreateGuest{}, err
	}
	u, ok := r.Object("user")
	if !ok {
		r.Fail("user", "is a required field", fault.RequestMissingField)
		return core.CreateGuest{}, r.Err()
	}
	in := core.CreateGuest{User: core.User{
		ID: core.UserID(u.Need("id")), Name: u.Text("name"), Image: u.Text("image"),
		Language: u.Text("language"), Extra: u.Rest(userNames),
	}}
	return in, r.Err()
}

// createGuest makes the guest and signs its token with the app's secret.
func (d *Dialect) createGuest(ctx context.Context, by core.Actor, in core.CreateGuest) (guestSession, error) {
	t, ok := d.secrets[by.App]
	if !ok {
		return guestSession{}, fault.AppNotFound.Error("")
	}
	u, err := d.core.Users.Guest(ctx, by, in)
	if err != nil {
		return guestSession{}, err
	}
	return guestSession{u, signToken(t, u.ID, d.now())}, nil
}

// encodeGuest answers with the guest and its token.
func encodeGuest(w *wire.Writer, _ *adapters.Request, g guestSession) {
	w.Key("user")
	writeUser(w, &g.user)
	w.Text("access_token", g.token)
}
