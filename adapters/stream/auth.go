package stream

import (
	"context"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// anonymousID is the user every anonymous client is to the server.
const anonymousID = "!anon"

// Authenticate implements adapters.Dialect: the API key first and alone, then whether the app is
// suspended, then the token. The order is what a client sees as its first error; see
// https://getstream.io/chat/docs/node/tokens_and_authentication/.
func (d *Dialect) Authenticate(ctx context.Context, rt *adapters.Route, rq *adapters.Request) (core.Actor, error) {
	t, app, err := d.tenantOf(ctx, rq)
	if t == nil {
		return core.Actor{}, err
	}
	if err != nil || rt.Gate == adapters.GateApp {
		return core.Actor{App: t.id, Platform: platform(rq)}, err
	}
	c, err := d.identify(ctx, t, &app, rq)
	c.actor.Connection = rq.Query.Get("connection_id")
	if err == nil && rt.Gate == adapters.GateServer && !c.actor.Server() {
		err = fault.PermissionDenied.Error(rt.Name + " is not allowed for client-side authentication")
	}
	return c.actor, err
}

// tenantOf finds the app of a request by its API key. The tenant is set even beside an error once
// it is known.
func (d *Dialect) tenantOf(ctx context.Context, rq *adapters.Request) (*tenant, core.App, error) {
	key := rq.Query.Get("api_key")
	if key == "" {
		key = rq.Headers.Get("X-Api-Key")
	}
	if key == "" {
		return nil, core.App{}, fault.AuthAPIKeyMissing.Error("api_key or app_id not provided")
	}
	t, ok := d.tenants[key]
	if !ok {
		return nil, core.App{}, fault.AuthAPIKeyInvalid.Error("api_key not valid")
	}
	app, err := d.core.Apps.Get(ctx, core.Actor{App: t.id, Access: core.AccessServer}, core.GetApp{})
	if err != nil {
		return t, app, err
	}
	return t, app, app.Settings.Refused(d.now())
}

// caller is who a token proves its bearer to be.
type caller struct {
	actor  core.Actor
	claims claims
	user   *core.User // the stored profile; nil when there is none yet
}

// expires is when the token ends, zero for never.
func (c *caller) expires() time.Time {
	if c.claims.exp == 0 {
		return time.Time{}
	}
	return time.Unix(c.claims.exp, 0)
}

// identify judges the token of a request to the app. The actor names the app even beside an error.
func (d *Dialect) identify(ctx context.Context, t *tenant, app *core.App, rq *adapters.Request) (caller, error) {
	c := caller{actor: core.Actor{App: t.id, Platform: platform(rq)}}
	token := orElse(rq.Headers.Get("Authorization"), rq.Query.Get("authorization"))
	kind := orElse(rq.Headers.Get("Stream-Auth-Type"), rq.Query.Get("stream-auth-type"))
	if kind == "anonymous" && token == "" {
		c.actor.User, c.actor.Access = anonymousID, core.AccessAnonymous
		return c, nil
	}
	var err error
	if c.claims, err = d.tokens.claims(t, token); err != nil {
		return c, err
	}
	if c.claims.unsigned && !app.Settings.DisableAuthChecks {
		return c, errSignature(t)
	}
	revoked := app.Settings.RevokeTokensBefore
	if c.claims.server {
		revoked = time.Time{} // else the app's own server, whose tokens carry no time, could never undo it
	}
	if err = c.claims.valid(d.now(), revoked); err != nil {
		return c, err
	}
	switch {
	case c.claims.server:
		c.actor.Access = core.AccessServer
		c.actor.Platform = "server"
		return c, nil
	case kind == "anonymous" || c.claims.user == anonymousID:
		if c.claims.user != anonymousID {
			return c, fault.AuthTokenInvalid.Error("JWTAuth error: token of an anonymous user must have user_id " + anonymousID)
		}
		c.actor.User, c.actor.Access = anonymousID, core.AccessAnonymous
		return c, nil
	}
	c.actor.User, c.actor.Access = c.claims.user, core.AccessUser
	if id := rq.Query.Get("user_id"); id != "" && id != string(c.claims.user) {
		return c, fault.AuthTokenInvalid.Error("JWTAuth error: user_id claim of the token does not match the user_id param")
	}
	return c, d.account(ctx, &c)
}

// account refuses people who may not come in any more: deactivated, or with their tokens revoked.
func (d *Dialect) account(ctx context.Context, c *caller) error {
	server := core.Actor{App: c.actor.App, Access: core.AccessServer}
	us, err := d.core.Users.Get(ctx, server, core.GetUsers{IDs: []core.UserID{c.actor.User}})
	if err != nil || len(us) == 0 {
		return err
	}
	u := &us[0]
	c.user = u
	switch {
	case !u.DeactivatedAt.IsZero():
		return fault.AuthFailed.Error(`JWTAuth error: user "` + string(u.ID) + `" is deactivated`)
	case !u.RevokedBefore.IsZero() && c.claims.issuedBefore(u.RevokedBefore):
		return fault.AuthTokenExpired.Error("JWTAuth error: token has been revoked")
	}
	if u.Role == core.RoleGuest {
		c.actor.Access = core.AccessGuest
	}
	return nil
}

// platform is what kind of client sent the request, from the SDK's own name.
func platform(rq *adapters.Request) string {
	s := strings.ToLower(orElse(rq.Headers.Get("X-Stream-Client"), rq.Query.Get("X-Stream-Client")))
	switch {
	case strings.Contains(s, "android"):
		return "android"
	case strings.Contains(s, "ios"), strings.Contains(s, "swift"):
		return "ios"
	}
	return "web"
}

// userClaims is the payload of a user token.
func userClaims(user core.UserID, iat time.Time) []byte {
	w := wire.NewWriter(96)
	w.Open()
	w.Text("user_id", string(user))
	if !iat.IsZero() {
		w.Int64("iat", iat.Unix())
	}
	w.Close()
	return w.Bytes()
}
