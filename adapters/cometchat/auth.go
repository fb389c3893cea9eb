package cometchat

import (
	"context"
	"crypto/subtle"
	"net"
	"strings"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// Scopes of API keys.
const (
	scopeFull     = "fullAccess"
	scopeAuthOnly = "authOnly"
)

// authOnlyRoutes are what a key of scope authOnly may do: create people and mint their tokens. The
// SDK's updateUser sends that key, too.
var authOnlyRoutes = map[string]bool{"createUser": true, "createAuthToken": true, "updateUser": true}

// Variants of the reasons of failed credentials.
const (
	variantKey    = "api_key"
	variantToken  = "auth_token"
	variantUser   = "user"
	variantDevice = "device"
)

// Authenticate implements adapters.Dialect: the app first, by header or host name, then an API key
// or an auth token. One path serves servers and SDKs alike; the credential tells them apart. See
// https://www.cometchat.com/docs/rest-api/authentication.
func (d *Dialect) Authenticate(ctx context.Context, rt *adapters.Route, rq *adapters.Request) (core.Actor, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return core.Actor{}, err
	}
	by := core.Actor{App: t.id, Platform: platform(rq)}
	app, err := d.core.Apps.Get(ctx, server(t.id), core.GetApp{})
	if err != nil {
		return by, err
	}
	if err := app.Settings.Refused(d.now()); err != nil {
		return by, err
	}
	if rt.Gate == adapters.GateApp {
		return by, nil
	}
	token, key := rq.Headers.Get("authToken"), rq.Headers.Get("apiKey")
	if rq.Param("appId") != "" && key == "" {
		key = rq.Headers.Get("secret") // of the management API, whose headers are key and secret
	}
	switch {
	case token != "" && rt.Gate != adapters.GateServer:
		by, _, err = d.bearer(ctx, t, by, token)
		return by, err
	case key != "":
		return d.keyHolder(ctx, t, by, rt, rq, key)
	case rt.Gate == adapters.GateServer || !clientHost(rq.Host):
		return by, fault.AuthAPIKeyMissing.Error("The header apiKey is missing.")
	}
	return by, fault.AuthTokenMissing.Error("The header authToken is missing.")
}

// clientHost reports whether a request came by a name of the SDKs' own host, or by none of the
// vendor's.
func clientHost(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.Contains(host, "apiclient") || !strings.HasSuffix(host, ".cometchat.io") && !strings.HasPrefix(host, "api")
}

// tenantOf finds the app of a request: the header first, then the first label of the host.
func (d *Dialect) tenantOf(rq *adapters.Request) (*tenant, error) {
	id := strings.TrimSpace(orElse(rq.Headers.Get("appId"), rq.Param("appId"))) // the management API names it in the path
	named := id != ""
	if !named {
		host, _, _ := strings.Cut(rq.Host, ":")
		id, _, _ = strings.Cut(host, ".")
		named = strings.Count(host, ".") >= 3 && net.ParseIP(host) == nil
	}
	if t, ok := d.tenants[id]; ok {
		return t, nil
	}
	if !named {
		return nil, fault.AppIDMissing.Error("The appId is missing: neither the header nor the host name tells it.")
	}
	return nil, fault.AppNotFound.Error("The app " + clip(id) + " does not exist.")
}

// keyHolder judges an API key. The server acts for the person the header onBehalfOf names.
func (d *Dialect) keyHolder(ctx context.Context, t *tenant, by core.Actor, rt *adapters.Route, rq *adapters.Request, key string) (core.Actor, error) {
	scope := ""
	switch {
	case equal(key, t.full):
		scope = scopeFull
	case t.authOnly != "" && equal(key, t.authOnly):
		scope = scopeAuthOnly
	default:
		c, err := d.core.Credentials.Get(ctx, server(t.id), core.GetCredential{Kind: core.CredentialKey, Secret: key})
		if fault.IsReason(err, fault.CredentialNotFound) {
			err = fault.AuthAPIKeyInvalid.Error("The API key does not exist. Please use correct apiKey.")
		}
		if err != nil {
			return by, err
		}
		scope = c.Scope
	}
	if scope != scopeFull && !authOnlyRoutes[rt.Name] {
		return by, fault.AuthAPIKeyScope.Error("The API key does not have access to this resource.")
	}
	by.Access, by.Platform = core.AccessServer, "server"
	if who := core.UserID(rq.Headers.Get("onBehalfOf")); who != "" {
		u, err := d.person(ctx, t.id, who)
		if err != nil {
			return by, err
		}
		by.User = u.ID
	}
	return by, nil
}

// bearer judges an auth token and tells whether it was seen before.
func (d *Dialect) bearer(ctx context.Context, t *tenant, by core.Actor, token string) (core.Actor, core.Credential, error) {
	c, err := d.core.Credentials.Get(ctx, server(t.id), core.GetCredential{Kind: core.CredentialToken, Secret: token})
	known := err == nil
	if err != nil && !fault.IsReason(err, fault.CredentialNotFound) {
		return by, c, err
	}
	bad := fault.AuthTokenInvalid.Error("The auth token " + clip(token) + " does not exist. Please make sure you are logged in and have a valid auth token or try login again.")
	signed, ok := t.signed(token)
	switch {
	case known && c.Revoked, !known && !ok:
		return by, c, bad
	case ok && signed.expired(d.now()):
		return by, c, fault.AuthTokenExpired.Error("The auth token has expired.")
	case !known:
		c = core.Credential{Kind: core.CredentialToken, Secret: token, User: signed.user}
	}
	us, err := d.core.Users.Get(ctx, server(t.id), core.GetUsers{IDs: []core.UserID{c.User}})
	if err != nil {
		return by, c, err
	}
	if len(us) == 0 || !us[0].DeletedAt.IsZero() || !us[0].DeactivatedAt.IsZero() {
		return by, c, bad
	}
	if ok && !us[0].RevokedBefore.IsZero() && signed.iat < us[0].RevokedBefore.Unix() {
		return by, c, bad
	}
	by.User, by.Access = c.User, core.AccessUser
	return by, c, nil
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// person reads somebody who must be in use. Uids are lower case; what another dialect created is
// found as it is written.
func (d *Dialect) person(ctx context.Context, app core.AppID, id core.UserID) (*core.User, error) {
	ids := []core.UserID{id}
	if low := core.UserID(strings.ToLower(string(id))); low != id {
		ids = append(ids, low)
	}
	us, err := d.core.Users.Get(ctx, server(app), core.GetUsers{IDs: ids})
	if err != nil {
		return nil, err
	}
	for i := range us {
		if us[i].DeletedAt.IsZero() && us[i].DeactivatedAt.IsZero() {
			return &us[i], nil
		}
	}
	return nil, noUser(id)
}

// noUser is the failure of an unknown uid.
func noUser(id core.UserID) *fault.Error {
	return fault.UserNotFound.Error("The user with uid " + clip(string(id)) + " does not exist.")
}

// needUser refuses calls that act for nobody.
func needUser(by core.Actor) error {
	if by.User != "" {
		return nil
	}
	return fault.RequestInvalid.Error("The header onBehalfOf is required for this call.")
}

// platform is what kind of client sent the request, from the session id the SDKs send.
func platform(rq *adapters.Request) string {
	s := strings.ToLower(rq.Headers.Get("resource"))
	switch {
	case strings.HasPrefix(s, "android"):
		return "android"
	case strings.HasPrefix(s, "ios"):
		return "ios"
	}
	return "web"
}

// clip shortens what is echoed.
func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
