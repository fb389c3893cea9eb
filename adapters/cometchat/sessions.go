package cometchat

import (
	"context"
	"slices"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// sessionRoutes are login, logout and what a client learns when it starts.
func (d *Dialect) sessionRoutes() []adapters.Route {
	return []adapters.Route{
		op("PUT", "/me", "login", d.login, d.encodeLogin),
		op("GET", "/me", "getMe", d.me, d.encodeLogin),
		op("DELETE", "/me", "logout", d.logout, done("User logged out successfully.")),
		op("POST", "/me/jwt", "getJWT", d.me, encodeJWT),
		op("GET", "/settings", "getSettings", d.me, d.encodeSettings),
		op("POST", "/user_sessions", "createUserSession", d.userSession, encodeUserSession),
		op("POST", "/:version/ping", "ping", nothing, done("pong")).Gated(adapters.GateApp),
	}
}

// nothing is the call of a route that has only to answer.
func nothing(context.Context, core.Actor, *adapters.Request) (struct{}, error) {
	return struct{}{}, nil
}

// loggedIn is who a client has logged in as.
type loggedIn struct {
	t     *tenant
	user  core.User
	token string
	jwt   string
}

// needToken refuses API keys where a person's own token is asked for.
func (d *Dialect) needToken(rq *adapters.Request) (string, error) {
	token := rq.Headers.Get("authToken")
	if token == "" {
		return "", fault.AuthTokenMissing.Error("The header authToken is missing.")
	}
	return token, nil
}

// me reads who the caller is.
func (d *Dialect) me(ctx context.Context, by core.Actor, rq *adapters.Request) (loggedIn, error) {
	out := loggedIn{t: d.byApp[by.App]}
	token, err := d.needToken(rq)
	if err != nil {
		return out, err
	}
	us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: []core.UserID{by.User}})
	if err != nil {
		return out, err
	}
	if len(us) == 0 {
		return out, noUser(by.User)
	}
	out.user, out.token, out.jwt = us[0], token, out.t.session(by.User, token, d.now())
	return out, d.noteDevice(ctx, by, token, "")
}

// login notes the device and, where the body has some, changes the caller's profile: one operation
// does both. See https://www.cometchat.com/docs/sdk/javascript/authentication-overview.
func (d *Dialect) login(ctx context.Context, by core.Actor, rq *adapters.Request) (loggedIn, error) {
	out, err := d.me(ctx, by, rq)
	if err != nil {
		return out, err
	}
	r, err := body(rq)
	if err != nil {
		return out, err
	}
	if device := r.TextMax("deviceId", 255); device != "" {
		if err := d.noteDevice(ctx, by, out.token, device); err != nil {
			return out, err
		}
	}
	patch, any := readUser(&r)
	if err := r.Err(); err != nil || !any {
		return out, err
	}
	if patch.role != nil {
		patch.role = nil // not theirs to set; the SDK sends the whole profile back
	}
	us, err := d.core.Users.Patch(ctx, by, core.PatchUsers{Patches: []core.UserPatch{{ID: by.User, Change: patch.apply}}})
	if err != nil {
		return out, err
	}
	out.user = us[0]
	return out, nil
}

// noteDevice remembers where a token was used last. A token that proves itself is adopted, so that
// it can be listed and revoked like the others.
func (d *Dialect) noteDevice(ctx context.Context, by core.Actor, token, device string) error {
	_, c, err := d.bearer(ctx, d.byApp[by.App], by, token)
	if err != nil || !c.CreatedAt.IsZero() && (device == "" || c.Device == device) {
		return err
	}
	c.Device = orElse(device, c.Device)
	_, err = d.core.Credentials.Put(ctx, server(by.App), core.PutCredential{Credential: c})
	return err
}

// logout ends the token. One that proves itself is kept as revoked.
func (d *Dialect) logout(ctx context.Context, by core.Actor, rq *adapters.Request) (struct{}, error) {
	token, err := d.needToken(rq)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, d.revoke(ctx, by.App, by.User, token)
}

// revoke ends one auth token.
func (d *Dialect) revoke(ctx context.Context, app core.AppID, user core.UserID, token string) error {
	if _, ok := d.byApp[app].signed(token); ok {
		_, err := d.core.Credentials.Put(ctx, server(app), core.PutCredential{Credential: core.Credential{
			Kind: core.CredentialToken, Secret: token, User: user, Revoked: true,
		}})
		return err
	}
	_, err := d.core.Credentials.Delete(ctx, server(app), core.DeleteCredentials{Kind: core.CredentialToken, Secret: token})
	return err
}

// tokenAlive reports whether the auth token a session goes back to is still good.
func (d *Dialect) tokenAlive(ctx context.Context, t *tenant, s *claims) (bool, error) {
	list, err := d.core.Credentials.List(ctx, server(t.id), core.ListCredentials{Kind: core.CredentialToken, User: s.user})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(c core.Credential) bool { return !c.Revoked && tokenHash(c.Secret) == s.token }), nil
}

// encodeLogin answers the profile, the token, and the settings the SDK goes by from then on.
func (d *Dialect) encodeLogin(w *wire.Writer, rq *adapters.Request, in loggedIn) {
	w.Object("data")
	userMembers(w, &in.user, userView{})
	w.Text("authToken", in.token)
	w.Text("jwt", in.jwt)
	if !strings.HasPrefix(strings.ToLower(rq.Headers.Get("resource")), "ios") {
		// iOS crashes on anything but its own shape, Android needs the members, JS needs none.
		w.Object("wsChannel")
		w.Text("identity", "["+in.t.appID+"]"+string(in.user.ID))
		w.Text("secret", in.jwt)
		w.Text("service", in.t.appID)
		w.Close()
	}
	w.Key("settings")
	d.writeSettings(w, rq, in.t)
	w.Close()
}

func encodeJWT(w *wire.Writer, _ *adapters.Request, in loggedIn) {
	w.Object("data")
	w.Text("jwt", in.jwt)
	w.Close()
}

// userSession notes a session of the SDK; nothing but its id is kept, by the client itself.
func (d *Dialect) userSession(_ context.Context, by core.Actor, rq *adapters.Request) (string, error) {
	r, err := body(rq)
	if err != nil {
		return "", err
	}
	id := r.TextMax("sessionId", 255)
	if err := r.Err(); err != nil {
		return "", err
	}
	return orElse(id, tokenHash(string(by.User)+rq.ID)), needUser(by)
}

func encodeUserSession(w *wire.Writer, _ *adapters.Request, id string) {
	w.Object("data")
	w.Text("sessionId", id)
	w.Close()
}
