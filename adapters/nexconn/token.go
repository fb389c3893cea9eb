package nexconn

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// newToken makes an access token nobody can guess.
func newToken() string {
	var b [33]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	return base64.URLEncoding.EncodeToString(b[:])
}

// steer is what follows a token: "@" and where clients find this server. The vendor's browser SDK asks
// the hosts behind the "@" before its own navigators and sends the token on without them, so an app
// has to change nothing but the address its own server calls. A bare host means https.
func (d *Dialect) steer(rq *adapters.Request) string {
	base := d.env.PublicURL
	if base == "" {
		base = rq.Scheme + "://" + rq.Host + rq.Prefix
	}
	return "@" + strings.TrimPrefix(base, "https://")
}

// bareToken is the token without what steers the client. The live link keeps the "@".
func bareToken(token string) string {
	bare, _, _ := strings.Cut(token, "@")
	return bare
}

// Variants of why somebody with a good token may not come in.
const (
	variantBanned  = "user_banned"
	variantDeleted = "user_deleted"
)

// login tells whose token it is. It answers app.not_found, app.suspended, auth.token_invalid,
// auth.token_expired, or permission.denied with the variant user_banned or user_deleted.
func (d *Dialect) login(ctx context.Context, appKey, token string) (core.Actor, error) {
	t, ok := d.byKey[appKey]
	if !ok {
		return core.Actor{}, fault.AppNotFound.Error("The App-Key " + clip(appKey) + " does not exist.")
	}
	by := core.Actor{App: t.id, Platform: "web"}
	app, err := d.core.Apps.Get(ctx, server(t.id), core.GetApp{})
	if err != nil {
		return by, err
	}
	if err := app.Settings.Refused(d.now()); err != nil {
		return by, err
	}
	if err := d.hook(ctx, t, &app); err != nil {
		return by, err
	}
	c, err := d.core.Credentials.Get(ctx, server(t.id), core.GetCredential{Kind: core.CredentialToken, Secret: bareToken(token)})
	if fault.IsReason(err, fault.CredentialNotFound) {
		err = fault.AuthTokenInvalid.Error("The token is not known.")
	}
	if err != nil {
		return by, err
	}
	us, err := d.core.Users.Get(ctx, server(t.id), core.GetUsers{IDs: []core.UserID{c.User}})
	switch {
	case err != nil:
		return by, err
	case len(us) == 0 || c.Revoked:
		return by, fault.AuthTokenInvalid.Error("The token is not known.")
	case !us[0].DeletedAt.IsZero() || !us[0].DeactivatedAt.IsZero():
		return by, fault.PermissionDenied.Error("The user is deleted.").With(variantDeleted)
	case us[0].Banned(d.now()):
		return by, fault.PermissionDenied.Error("The user is banned.").With(variantBanned)
	case c.CreatedAt.Before(us[0].RevokedBefore) || c.CreatedAt.Before(app.Settings.RevokeTokensBefore):
		return by, fault.AuthTokenExpired.Error("The token has expired.")
	}
	by.User, by.Access = c.User, core.AccessUser
	return by, nil
}
