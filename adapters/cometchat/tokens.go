package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// tokenRoutes are the operations on auth tokens and API keys.
func (d *Dialect) tokenRoutes() []adapters.Route {
	srv := adapters.GateServer
	return []adapters.Route{
		op("POST", "/users/:uid/auth_tokens", "createAuthToken", d.createToken, encodeToken).Gated(srv),
		op("GET", "/users/:uid/auth_tokens", "listAuthTokens", d.listTokens, encodeTokens).Gated(srv),
		op("DELETE", "/users/:uid/auth_tokens", "deleteAuthTokens", d.deleteTokens, done("Auth tokens deleted successfully.")).Gated(srv),
		op("GET", "/users/:uid/auth_tokens/:token", "getAuthToken", d.getToken, encodeToken).Gated(srv),
		op("PUT", "/users/:uid/auth_tokens/:token", "updateAuthToken", d.updateToken, encodeToken).Gated(srv),
		op("DELETE", "/users/:uid/auth_tokens/:token", "deleteAuthToken", d.deleteToken, done("Auth token deleted successfully.")).Gated(srv),
		op("GET", "/apikeys", "listApiKeys", d.listKeys, encodeKeys).Gated(srv),
		op("POST", "/apikeys", "createApiKey", d.createKey, encodeKey).Gated(srv),
		op("GET", "/apikeys/:apiKey", "getApiKey", d.getKey, encodeKey).Gated(srv),
		op("PUT", "/apikeys/:apiKey", "updateApiKey", d.updateKey, encodeKey).Gated(srv),
		op("DELETE", "/apikeys/:apiKey", "deleteApiKey", d.deleteKey, done("API key deleted successfully.")).Gated(srv),
	}
}

// mint makes an auth token of a person.
func (d *Dialect) mint(ctx context.Context, by core.Actor, user core.UserID) (core.Credential, error) {
	return d.core.Credentials.Put(ctx, server(by.App), core.PutCredential{Credential: core.Credential{
		Kind: core.CredentialToken, Secret: newToken(user, d.now()), User: user,
	}})
}

// createToken makes an auth token; force makes a new one even where there is one already, which is
// what is done always.
func (d *Dialect) createToken(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Credential, error) {
	u, err := d.person(ctx, by.App, core.UserID(rq.Param("uid")))
	if err != nil {
		return core.Credential{}, err
	}
	if _, err := body(rq); err != nil {
		return core.Credential{}, invalid(err)
	}
	return d.mint(ctx, by, u.ID)
}

func writeToken(w *wire.Writer, c *core.Credential) {
	w.Open()
	w.Text("uid", string(c.User))
	w.Text("authToken", c.Secret)
	unix(w, "createdAt", c.CreatedAt)
	w.Close()
}

func encodeToken(w *wire.Writer, _ *adapters.Request, c core.Credential) {
	w.Key("data")
	writeToken(w, &c)
}

func encodeTokens(w *wire.Writer, _ *adapters.Request, l listed[core.Credential]) {
	writeList(w, &l, func(c *core.Credential) { writeToken(w, c) })
}

// sliced is one page of a list that is at hand as a whole.
func sliced[T any](rq *adapters.Request, all []T) (listed[T], error) {
	var out listed[T]
	var err error
	if out.page, err = pageOf(rq, 25, 100); err != nil {
		return out, err
	}
	from := min((out.number-1)*out.size, len(all))
	to := min(from+out.size, len(all))
	out.items, out.count, out.more = all[from:to], to-from, to < len(all)
	return out, nil
}

func (d *Dialect) listTokens(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[core.Credential], error) {
	u, err := d.person(ctx, by.App, core.UserID(rq.Param("uid")))
	if err != nil {
		return listed[core.Credential]{}, err
	}
	all, err := d.core.Credentials.List(ctx, server(by.App), core.ListCredentials{Kind: core.CredentialToken, User: u.ID})
	if err != nil {
		return listed[core.Credential]{}, err
	}
	return sliced(rq, all)
}

// getToken reads a token as a thing of its owner.
func (d *Dialect) getToken(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Credential, error) {
	u, err := d.person(ctx, by.App, core.UserID(rq.Param("uid")))
	if err != nil {
		return core.Credential{}, err
	}
	token := rq.Param("token")
	c, err := d.core.Credentials.Get(ctx, server(by.App), core.GetCredential{Kind: core.CredentialToken, Secret: token})
	switch {
	case fault.IsReason(err, fault.CredentialNotFound) || err == nil && c.Revoked:
		return c, fault.CredentialNotFound.Error("The auth token " + clip(token) + " does not exist.").With(variantToken)
	case err == nil && c.User != u.ID:
		return c, fault.AuthTokenBoundElsewhere.Error("The auth token " + clip(token) + " belongs to another user.").With(variantUser)
	}
	return c, err
}

// updateToken notes the device of a token.
func (d *Dialect) updateToken(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Credential, error) {
	c, err := d.getToken(ctx, by, rq)
	if err != nil {
		return c, err
	}
	r, err := body(rq)
	if err != nil {
		return c, invalid(err)
	}
	if p := r.TextMax("platform", 64); p != "" {
		c.Name = p
	}
	if err := r.Err(); err != nil {
		return c, invalid(err)
	}
	return d.core.Credentials.Put(ctx, server(by.App), core.PutCredential{Credential: c})
}

func (d *Dialect) deleteToken(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	c, err := d.getToken(ctx, by, rq)
	if err == nil {
		err = d.revoke(ctx, by.App, c.User, c.Secret)
	}
	return none, failed(err, "auth_token_delete")
}

// deleteTokens ends all tokens of a person, also those that prove themselves.
func (d *Dialect) deleteTokens(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	u, err := d.person(ctx, by.App, core.UserID(rq.Param("uid")))
	if err != nil {
		return none, err
	}
	_, err = d.core.Credentials.Delete(ctx, server(by.App), core.DeleteCredentials{Kind: core.CredentialToken, User: u.ID})
	if err == nil {
		now := d.now()
		_, err = d.core.Users.Patch(ctx, server(by.App), core.PatchUsers{Patches: []core.UserPatch{{ID: u.ID, Change: func(u *core.User) error {
			u.RevokedBefore = now
			return nil
		}}}})
	}
	return none, failed(err, "auth_tokens_delete")
}

// failed names the work that an outage of the store has broken off, where the vendor has a code
// for just that work.
func failed(err error, variant string) error {
	if err == nil || !fault.IsReason(err, fault.StorageUnavailable) && !fault.IsReason(err, fault.UpstreamCircuitOpen) {
		return err
	}
	return fault.OperationFailed.Wrap(err).With(variant)
}

// maxKeys is how many API keys an app may have.
const maxKeys = 25

// configured are the keys of the configuration; they cannot be changed by calls.
func (t *tenant) configured() []core.Credential {
	out := []core.Credential{{Kind: core.CredentialKey, Secret: t.full, Name: "Full access", Scope: scopeFull}}
	if t.authOnly != "" {
		out = append(out, core.Credential{Kind: core.CredentialKey, Secret: t.authOnly, Name: "Auth only", Scope: scopeAuthOnly})
	}
	return out
}

func (d *Dialect) listKeys(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[core.Credential], error) {
	own, err := d.core.Credentials.List(ctx, server(by.App), core.ListCredentials{Kind: core.CredentialKey})
	if err != nil {
		return listed[core.Credential]{}, err
	}
	all := append(d.byApp[by.App].configured(), own...)
	if scope := rq.Query.Get("scope"); scope != "" {
		kept := all[:0]
		for _, c := range all {
			if c.Scope == scope {
				kept = append(kept, c)
			}
		}
		all = kept
	}
	return sliced(rq, all)
}

// readKey reads name and scope of a key.
func readKey(rq *adapters.Request, c *core.Credential) error {
	r, err := body(rq)
	if err != nil {
		return invalid(err)
	}
	if name := r.TextMax("name", 100); name != "" {
		c.Name = name
	}
	switch scope := r.Text("scope"); scope {
	case "":
	case scopeFull, scopeAuthOnly:
		c.Scope = scope
	default:
		r.Fail("scope", "The selected scope is invalid.", fault.RequestInvalidField)
	}
	if c.Name == "" {
		r.Fail("name", "The name field is required.", fault.RequestMissingField)
	}
	if c.Scope == "" {
		r.Fail("scope", "The scope field is required.", fault.RequestMissingField)
	}
	return invalid(r.Err())
}

func (d *Dialect) createKey(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Credential, error) {
	c := core.Credential{Kind: core.CredentialKey, Secret: newKey()}
	if err := readKey(rq, &c); err != nil {
		return c, err
	}
	return d.core.Credentials.Put(ctx, server(by.App), core.PutCredential{Credential: c, Most: maxKeys - len(d.byApp[by.App].configured())})
}

func (d *Dialect) getKey(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Credential, error) {
	key := rq.Param("apiKey")
	for _, c := range d.byApp[by.App].configured() {
		if equal(c.Secret, key) {
			return c, nil
		}
	}
	c, err := d.core.Credentials.Get(ctx, server(by.App), core.GetCredential{Kind: core.CredentialKey, Secret: key})
	if fault.IsReason(err, fault.CredentialNotFound) {
		err = fault.CredentialNotFound.Error("The API key " + clip(key) + " does not exist.").With(variantKey)
	}
	return c, err
}

// changeable reads a key that the call may change: not the one it came with, and not one of the
// configuration.
func (d *Dialect) changeable(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Credential, error) {
	c, err := d.getKey(ctx, by, rq)
	if err != nil {
		return c, err
	}
	if equal(c.Secret, rq.Headers.Get("apiKey")) {
		return c, fault.TargetIsSelf.Error("An API key cannot change or delete itself.").With(variantKey)
	}
	for _, f := range d.byApp[by.App].configured() {
		if f.Secret == c.Secret {
			return c, fault.AuthAPIKeyScope.Error("The key belongs to the configuration of the server.")
		}
	}
	return c, nil
}

func (d *Dialect) updateKey(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Credential, error) {
	c, err := d.changeable(ctx, by, rq)
	if err != nil {
		return c, err
	}
	if err := readKey(rq, &c); err != nil {
		return c, err
	}
	return d.core.Credentials.Put(ctx, server(by.App), core.PutCredential{Credential: c})
}

func (d *Dialect) deleteKey(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	c, err := d.changeable(ctx, by, rq)
	if err != nil {
		return none, err
	}
	_, err = d.core.Credentials.Delete(ctx, server(by.App), core.DeleteCredentials{Kind: core.CredentialKey, Secret: c.Secret})
	return none, err
}

func writeKey(w *wire.Writer, c *core.Credential) {
	w.Open()
	w.Text("apiKey", c.Secret)
	w.Text("name", c.Name)
	w.Text("scope", c.Scope)
	unixIf(w, "createdAt", c.CreatedAt)
	w.Close()
}

func encodeKey(w *wire.Writer, _ *adapters.Request, c core.Credential) {
	w.Key("data")
	writeKey(w, &c)
}

func encodeKeys(w *wire.Writer, _ *adapters.Request, l listed[core.Credential]) {
	writeList(w, &l, func(c *core.Credential) { writeKey(w, c) })
}
