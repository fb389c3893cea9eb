package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// tokenRoutes are the operations on auth tokens.
func (d *Dialect) tokenRoutes() []adapters.Route {
	srv := adapters.GateServer
	return []adapters.Route{
		op("POST", "/users/:uid/auth_tokens", "createAuthToken", d.createToken, encodeToken).Gated(srv),
		op("GET", "/users/:uid/auth_tokens", "listAuthTokens", d.listTokens, encodeTokens).Gated(srv),
		op("DELETE", "/users/:uid/auth_tokens", "deleteAuthTokens", d.deleteTokens, done("Auth tokens deleted successfully.")).Gated(srv),
		op("GET", "/users/:uid/auth_tokens/:token", "getAuthToken", d.getToken, encodeToken).Gated(srv),
		op("PUT", "/users/:uid/auth_tokens/:token", "updateAuthToken", d.updateToken, encodeToken).Gated(srv),
		op("DELETE", "/users/:uid/auth_tokens/:token", "deleteAuthToken", d.deleteToken, done("Auth token deleted successfully.")).Gated(srv),
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
	out.items, out.count, out.more, out.total = all[from:to], to-from, to < len(all), len(all)
	out.counted = true
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

// untold names the work of which the live side could not be told, where the vendor has a code for
// just that work.
func untold(err error, variant string) error {
	if !fault.IsReason(err, fault.RealtimeFailed) {
		return err
	}
	return fault.From(err).With(variant)
}

// failed names the work that an outage of the store has broken off, where the vendor has a code
// for just that work.
func failed(err error, variant string) error {
	if err == nil || !fault.IsReason(err, fault.StorageUnavailable) && !fault.IsReason(err, fault.UpstreamCircuitOpen) {
		return err
	}
	return fault.OperationFailed.Wrap(err).With(variant)
}
