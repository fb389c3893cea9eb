package native

import (
	"context"
	"time"

	"dragoman/adapters"
	"dragoman/core"
)

type newToken struct {
	User      core.UserID `json:"user" need:"true" max:"255"`
	ExpiresIn int         `json:"expires_in" max:"315360000" doc:"Seconds; without end when absent."`
}

// Token is what a person proves themself with.
type Token struct {
	Token   string      `json:"token"`
	User    core.UserID `json:"user"`
	Expires time.Time   `json:"expires,omitzero"`
}

func (d *Dialect) tokenRows() []row {
	guest := op("POST", "/v1/guests", "createGuest", "Signs somebody up as a guest and answers their token.", d.guest).fresh()
	guest.Gate = adapters.GateApp
	return []row{
		guest,
		op("POST", "/v1/tokens", "createToken", "Signs a token of a person, as the app's server could by itself.", d.createToken).server().fresh(),
		op("DELETE", "/v1/users/:user/tokens", "revokeTokens", "Revokes every token of a person that was issued until now.", func(ctx context.Context, c *call, in *whose) (none, error) {
			_, err := d.core.Users.Patch(ctx, c.by, core.PatchUsers{Patches: []core.UserPatch{{ID: in.User, Change: func(u *core.User) error {
				u.RevokedBefore = d.now().Truncate(time.Second).Add(time.Second) // tokens tell whole seconds
				return nil
			}}}})
			return none{}, err
		}).server(),
	}
}

func (d *Dialect) createToken(ctx context.Context, c *call, in *newToken) (Token, error) {
	if _, err := d.person(ctx, c.by.App, in.User); err != nil {
		return Token{}, err
	}
	c.created(true)
	return d.tokenOf(c.by.App, in.User, seconds(in.ExpiresIn)), nil
}

func (d *Dialect) tokenOf(app core.AppID, user core.UserID, life time.Duration) Token {
	t, out := d.byApp[app], Token{User: user}
	if life > 0 {
		out.Expires = d.now().Add(life).UTC().Truncate(time.Second)
	}
	out.Token = UserToken(t.key, string(t.secret), user, d.now(), out.Expires)
	return out
}

func (d *Dialect) guest(ctx context.Context, c *call, in *struct {
	Name  string     `json:"name"`
	Image string     `json:"image"`
	Extra core.Extra `json:"extra"`
}) (Token, error) {
	u, err := d.core.Users.Guest(ctx, c.by, core.CreateGuest{User: core.User{ID: "guest", Name: in.Name, Image: in.Image, Extra: in.Extra}})
	if err != nil {
		return Token{}, err
	}
	c.created(true)
	return d.tokenOf(c.by.App, u.ID, 0), nil
}
