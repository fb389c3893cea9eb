package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// keyRoutes are the operations on API keys.
func (d *Dialect) keyRoutes() []adapters.Route {
	srv := adapters.GateServer
	return []adapters.Route{
		op("GET", "/apikeys", "listApiKeys", d.listKeys, encodeKeys).Gated(srv),
		op("POST", "/apikeys", "createApiKey", d.createKey, encodeKey).Gated(srv),
		op("GET", "/apikeys/:apiKey", "getApiKey", d.getKey, encodeKey).Gated(srv),
		op("PUT", "/apikeys/:apiKey", "updateApiKey", d.updateKey, encodeKey).Gated(srv),
		op("DELETE", "/apikeys/:apiKey", "deleteApiKey", d.deleteKey, done("API key deleted successfully.")).Gated(srv),
	}
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
