package agora

import (
	"context"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// Texts of 401 answers, to the letter.
const (
	textExpired = "Unable to authenticate due to expired access token."
	textForeign = "Unable to authenticate."
)

// appIDSegment stands in the place of the organisation in paths that name the app by its id.
const appIDSegment = "app-id"

// bearer is who a token belongs to.
type bearer struct {
	user   core.UserID // empty for an app token
	realm  byte
	issued time.Time
	ends   time.Time
}

// Authenticate implements adapters.Dialect: the app by the path, then the bearer token. See
// https://docs.agora.io/en/agora-chat/develop/authentication.
func (d *Dialect) Authenticate(ctx context.Context, rt *adapters.Route, rq *adapters.Request) (core.Actor, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return core.Actor{}, err
	}
	by := core.Actor{App: t.id, Platform: platform(rq)}
	if err := d.active(ctx, t); err != nil {
		return by, err
	}
	if rt.Gate == adapters.GateApp {
		return by, nil
	}
	b, err := d.bearer(t, rq)
	if err != nil {
		return by, err
	}
	if by, err = d.admit(ctx, by, b); err != nil {
		return by, err
	}
	return by, d.within(t, rt)
}

// tenantOf finds the app a path names.
func (d *Dialect) tenantOf(rq *adapters.Request) (*tenant, error) {
	org, app := rq.Param("org"), rq.Param("app")
	t := d.byKey[org+"#"+app]
	if org == appIDSegment {
		t = d.byID[strings.ToLower(app)]
	}
	if t == nil {
		return nil, noApp(org, app)
	}
	return t, nil
}

// noApp is the failure of an unknown app.
func noApp(org, app string) *fault.Error {
	at := clip(org) + "/" + clip(app)
	return fault.AppNotFound.Error("Could not find application for "+at+".").Param("org_url", at).Param("app_url", at)
}

// active refuses an app that is suspended.
func (d *Dialect) active(ctx context.Context, t *tenant) error {
	app, err := d.core.Apps.Get(ctx, server(t.id), core.GetApp{})
	if err != nil {
		return err
	}
	if app.Settings.Suspended {
		return fault.AppSuspended.Error(orElse(app.Settings.SuspendedReason, "The app is suspended."))
	}
	return nil
}

// tokenIn is the bearer token of a request, or nothing.
func tokenIn(rq *adapters.Request) string {
	scheme, token, ok := strings.Cut(strings.TrimSpace(rq.Headers.Get("Authorization")), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// bearer judges the token of a request.
func (d *Dialect) bearer(t *tenant, rq *adapters.Request) (bearer, error) {
	token := tokenIn(rq)
	if token == "" {
		// The vendor has one text for a missing token and an expired one.
		return bearer{}, fault.AuthTokenMissing.Error(textExpired)
	}
	return d.judge(t, token)
}

// judge reads a token of either kind: signed with the app certificate, or handed out by /token.
func (d *Dialect) judge(t *tenant, token string) (bearer, error) {
	b := bearer{realm: realmAgora}
	if o, shaped, ok := t.unseal(token); shaped {
		if !ok {
			return b, fault.AuthTokenInvalid.Error(textForeign)
		}
		b = bearer{user: o.user, realm: o.realm, issued: o.issued, ends: o.ends}
	} else {
		a, err := parseToken(token)
		if err != nil {
			return b, fault.AuthTokenInvalid.Error("").With("malformed").Cause(err)
		}
		ends, ok := a.ends()
		if !a.genuine(t.appID, t.certificate) || !ok {
			return b, fault.AuthTokenInvalid.Error(textForeign)
		}
		b.user, b.issued, b.ends = a.user, time.Unix(int64(a.issued), 0), ends
	}
	if !d.now().Before(b.ends) {
		return b, fault.AuthTokenExpired.Error(textExpired)
	}
	return b, nil
}

// admit makes the bearer the actor. A person must be in use, and the token newer than the last
// change of their password.
func (d *Dialect) admit(ctx context.Context, by core.Actor, b bearer) (core.Actor, error) {
	if b.user == "" {
		by.Access, by.Platform = core.AccessServer, "server"
		return by, nil
	}
	u, err := d.person(ctx, by.App, b.user)
	if err != nil {
		return by, err
	}
	if !u.RevokedBefore.IsZero() && b.issued.Before(u.RevokedBefore.Truncate(time.Second)) {
		return by, fault.AuthTokenInvalid.Error(textForeign)
	}
	by.User, by.Access = u.ID, core.AccessUser
	return by, nil
}

// login judges the token of a live link, without its prefix "$t$": who it is, and when the token
// ends. user is the name the client gives for itself; it must be the token's.
func (d *Dialect) login(ctx context.Context, appKey string, user core.UserID, token string) (core.Actor, time.Time, error) {
	t := d.byKey[appKey]
	if t == nil {
		org, app, _ := strings.Cut(appKey, "#")
		return core.Actor{}, time.Time{}, noApp(org, app)
	}
	by := core.Actor{App: t.id, Platform: "web"}
	if err := d.active(ctx, t); err != nil {
		return by, time.Time{}, err
	}
	b, err := d.judge(t, token)
	if err != nil {
		return by, time.Time{}, err
	}
	if b.user == "" || !strings.EqualFold(string(b.user), string(user)) {
		return by, time.Time{}, fault.AuthTokenInvalid.Error(textForeign)
	}
	by, err = d.admit(ctx, by, b)
	return by, b.ends, err
}

// platform is what kind of client sent the request, from the resource the SDKs name.
func platform(rq *adapters.Request) string {
	s := strings.ToLower(rq.Query.Get("resource"))
	switch {
	case strings.HasPrefix(s, "android"):
		return "android"
	case strings.HasPrefix(s, "ios"):
		return "ios"
	}
	return "web"
}

// person reads somebody who must be in use. The vendor folds case; what another dialect created is
// found as it is written.
func (d *Dialect) person(ctx context.Context, app core.AppID, id core.UserID) (*core.User, error) {
	u, err := d.known(ctx, app, id)
	if err != nil {
		return nil, err
	}
	if !u.DeactivatedAt.IsZero() {
		return nil, noUser(id)
	}
	return u, nil
}

// known reads somebody who may be deactivated.
func (d *Dialect) known(ctx context.Context, app core.AppID, id core.UserID) (*core.User, error) {
	if id == "" {
		return nil, noUser(id)
	}
	us, err := d.core.Users.Get(ctx, server(app), core.GetUsers{IDs: spellings(id)})
	if err != nil {
		return nil, err
	}
	for i := range us {
		if us[i].DeletedAt.IsZero() {
			return &us[i], nil
		}
	}
	return nil, noUser(id)
}

// spellings are the ids a name may stand for: as written, and in lower case.
func spellings(id core.UserID) []core.UserID {
	if low := core.UserID(strings.ToLower(string(id))); low != id {
		return []core.UserID{id, low}
	}
	return []core.UserID{id}
}

// noUser is the failure of an unknown user.
func noUser(id core.UserID) *fault.Error {
	return fault.UserNotFound.Error("The user "+clip(string(id))+" is not there.").Param("username", string(id))
}
