package native

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// actHeader names the person a server acts for.
const actHeader = "On-Behalf-Of"

// keyHeader carries the API key where no token is asked for.
const keyHeader = "X-Api-Key"

// Authenticate implements adapters.Dialect. Servers prove themselves by the app's key and secret
// (Authorization: Basic) or a server token, people by a user token (Authorization: Bearer). Sockets
// take the token as the query parameter token, since browsers cannot send a header with them.
func (d *Dialect) Authenticate(ctx context.Context, rt *adapters.Route, rq *adapters.Request) (core.Actor, error) {
	if rt.Gate == adapters.GateApp {
		t, ok := d.tenants[rq.Headers.Get(keyHeader)]
		if !ok {
			return core.Actor{}, fault.AuthAPIKeyInvalid.Error("The header " + keyHeader + " must hold the API key of an app.")
		}
		by := core.Actor{App: t.id, Platform: "web"}
		return by, d.open(ctx, t, nil)
	}
	scheme, value, _ := strings.Cut(strings.TrimSpace(rq.Headers.Get("Authorization")), " ")
	value = strings.TrimSpace(value)
	switch {
	case scheme == "":
		return core.Actor{}, fault.AuthTokenMissing.Error("The header Authorization is missing.")
	case strings.EqualFold(scheme, "Basic"):
		return d.keyHolder(ctx, rq, value)
	case strings.EqualFold(scheme, "Bearer"):
		return d.bearer(ctx, rq, value)
	}
	return core.Actor{}, fault.AuthTokenInvalid.Error("The header Authorization must be Bearer with a token, or Basic with API key and secret.")
}

// keyHolder judges key and secret.
func (d *Dialect) keyHolder(ctx context.Context, rq *adapters.Request, value string) (core.Actor, error) {
	b, err := base64.StdEncoding.DecodeString(value)
	key, secret, ok := strings.Cut(string(b), ":")
	if err != nil || !ok || len(b) > maxToken {
		return core.Actor{}, fault.AuthAPIKeyInvalid.Error("Basic credentials are the API key and the secret, joined by a colon, in base64.")
	}
	t, known := d.tenants[key]
	if !known {
		t = &tenant{} // compare all the same: the time taken must not tell which keys exist
	}
	if !equal([]byte(secret), t.secret) || !known {
		return core.Actor{}, fault.AuthAPIKeyInvalid.Error("API key and secret do not belong together.")
	}
	return d.asServer(ctx, t, rq, nil)
}

// bearer judges a token.
func (d *Dialect) bearer(ctx context.Context, rq *adapters.Request, token string) (core.Actor, error) {
	if token == "" {
		return core.Actor{}, fault.AuthTokenMissing.Error("The header Authorization has no token.")
	}
	t, c, err := d.read(token)
	if err == nil {
		err = c.valid(d.now())
	}
	if err != nil {
		by := core.Actor{}
		if t != nil {
			by.App = t.id
		}
		return by, err
	}
	if c.Server {
		return d.asServer(ctx, t, rq, &c)
	}
	by := core.Actor{App: t.id, User: c.User, Access: core.AccessUser, Platform: "web"}
	if err := d.open(ctx, t, &c); err != nil {
		return by, err
	}
	u, err := d.person(ctx, t.id, c.User)
	switch {
	case err != nil:
		return by, err
	case !u.DeactivatedAt.IsZero():
		return by, fault.AuthFailed.Error("The user is deactivated.")
	case c.revoked(u.RevokedBefore):
		return by, fault.AuthTokenExpired.Error("The token has been revoked.")
	case u.Role == core.RoleGuest:
		by.Access = core.AccessGuest
	}
	return by, nil
}

// asServer is the app itself, acting for the person the request names, if any.
func (d *Dialect) asServer(ctx context.Context, t *tenant, rq *adapters.Request, c *claims) (core.Actor, error) {
	by := server(t.id)
	if err := d.open(ctx, t, c); err != nil {
		return by, err
	}
	if who := core.UserID(rq.Headers.Get(actHeader)); who != "" {
		u, err := d.person(ctx, t.id, who)
		if err != nil {
			return by, err
		}
		by.User = u.ID
	}
	return by, nil
}

// open refuses callers of a suspended app, and tokens that the app has revoked.
func (d *Dialect) open(ctx context.Context, t *tenant, c *claims) error {
	app, err := d.settings(ctx, t.id)
	switch {
	case err != nil:
		return err
	case app.Settings.Suspended:
		return fault.AppSuspended.Error(app.Settings.SuspendedReason)
	case c != nil && c.revoked(app.Settings.RevokeTokensBefore):
		return fault.AuthTokenExpired.Error("The token has been revoked.")
	}
	return nil
}

// person reads somebody who must be there.
func (d *Dialect) person(ctx context.Context, app core.AppID, id core.UserID) (*core.User, error) {
	us, err := d.core.Users.Get(ctx, server(app), core.GetUsers{IDs: []core.UserID{id}})
	if err != nil {
		return nil, err
	}
	if len(us) == 0 || !us[0].DeletedAt.IsZero() {
		return nil, fault.UserNotFound.Error("The user " + clip(string(id)) + " does not exist; a server creates it with PUT /v1/users/" + clip(string(id)) + ".")
	}
	return &us[0], nil
}

// equal compares secrets in a time that tells nothing, not even their lengths.
func equal(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// clip shortens what is echoed.
func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
