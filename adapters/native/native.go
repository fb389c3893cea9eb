package native

import (
	"context"
	"fmt"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/normalize"
)

// Entry registers the dialect.
func Entry() adapters.Entry {
	return adapters.Entry{
		Name:    "native",
		Title:   "Dragoman API",
		SDKLine: "curl %s/v1/openapi.json",
		Own:     true,
		Catalog: Catalog,
		New:     New,
	}
}

// Dialect is our own API over one core.
type Dialect struct {
	env     adapters.Env
	core    *core.Core
	now     func() time.Time
	tenants map[string]*tenant // by API key
	byApp   map[core.AppID]*tenant
	tokens  *tokenCache
	table   []row
	routes  []adapters.Route
	spec    []byte // the OpenAPI document
}

var (
	_ adapters.Dialect = (*Dialect)(nil)
	_ core.Hooks       = (*Dialect)(nil)
)

// tenant is an app as its credentials show it.
type tenant struct {
	id     core.AppID
	key    string
	secret []byte // signs tokens and webhooks, and is the server's password
}

// New builds the dialect. It fails when two apps share a key or one lacks a secret.
func New(env adapters.Env) (adapters.Dialect, error) {
	d := &Dialect{env: env, core: env.Core, now: env.Now, tenants: map[string]*tenant{}, byApp: map[core.AppID]*tenant{}, tokens: newTokenCache()}
	if d.now == nil {
		d.now = time.Now
	}
	for _, a := range env.Apps {
		t := &tenant{id: a.ID, key: a.Creds["api_key"], secret: []byte(a.Creds["api_secret"])}
		if t.key == "" || len(t.secret) == 0 {
			return nil, fmt.Errorf("native: app %q needs api_key and api_secret", a.Name)
		}
		if _, dup := d.tenants[t.key]; dup {
			return nil, fmt.Errorf("native: api_key %q is used by two apps", t.key)
		}
		d.tenants[t.key], d.byApp[t.id] = t, t
	}
	var err error
	if d.table, err = d.rows(); err != nil {
		return nil, fmt.Errorf("native: %w", err)
	}
	for i := range d.table {
		d.routes = append(d.routes, d.table[i].Route)
	}
	if d.spec, err = openapi(d.table); err != nil {
		return nil, fmt.Errorf("native: %w", err)
	}
	return d, nil
}

// Routes implements adapters.Dialect.
func (d *Dialect) Routes() []adapters.Route { return d.routes }

// OpenAPI is the document of everything served, in JSON.
func (d *Dialect) OpenAPI() []byte { return d.spec }

// EncodeError implements adapters.Dialect.
func (d *Dialect) EncodeError(p *normalize.Problem) normalize.Native { return EncodeError(p) }

// server is the app itself as an actor.
func server(app core.AppID) core.Actor {
	return core.Actor{App: app, Access: core.AccessServer, Platform: "server"}
}

// settings reads the app; a suspended one answers nobody.
func (d *Dialect) settings(ctx context.Context, app core.AppID) (core.App, error) {
	return d.core.Apps.Get(ctx, server(app), core.GetApp{})
}
