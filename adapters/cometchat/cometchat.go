package cometchat

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// Entry registers the dialect.
func Entry() adapters.Entry {
	return adapters.Entry{
		Name:    "cometchat",
		Title:   "CometChat",
		Hosts:   []string{"*.cometchat.io", "*.*.cometchat.io"},
		SDKLine: "new CometChat.AppSettingsBuilder().overrideAdminHost(%q).overrideClientHost(%[1]q)",
		Catalog: Catalog,
		New:     New,
	}
}

// Dialect is CometChat's wire over one core.
type Dialect struct {
	env     adapters.Env
	core    *core.Core
	now     func() time.Time
	tenants map[string]*tenant // by app id
	byApp   map[core.AppID]*tenant
	pairs   *pairCache
	routes  []adapters.Route
}

var _ adapters.Dialect = (*Dialect)(nil)

// tenant is an app as its credentials show it.
type tenant struct {
	id       core.AppID
	appID    string
	region   string
	full     string // the key with scope fullAccess
	authOnly string // the key with scope authOnly, "" for none
	secret   []byte // signs tokens and JWTs
}

// New builds the dialect. It fails when two apps share an app id or one has no full access key.
func New(env adapters.Env) (adapters.Dialect, error) {
	d := &Dialect{env: env, core: env.Core, now: env.Now, tenants: map[string]*tenant{}, byApp: map[core.AppID]*tenant{}, pairs: newPairCache()}
	if d.now == nil {
		d.now = time.Now
	}
	for _, a := range env.Apps {
		t := &tenant{id: a.ID, appID: a.Creds["app_id"], region: orElse(a.Creds["region"], "us"), full: a.Creds["full_access_key"], authOnly: a.Creds["auth_only_key"]}
		if t.appID == "" || t.full == "" {
			return nil, fmt.Errorf("cometchat: app %q needs app_id and full_access_key", a.Name)
		}
		if _, dup := d.tenants[t.appID]; dup {
			return nil, fmt.Errorf("cometchat: app_id %q is used by two apps", t.appID)
		}
		t.secret = signingSecret(t.full)
		d.tenants[t.appID], d.byApp[t.id] = t, t
	}
	d.routes = d.table()
	return d, nil
}

// signingSecret derives the secret of signed tokens from the full access key.
func signingSecret(key string) []byte {
	sum := sha256.Sum256([]byte("dragoman cometchat tokens\x00" + key))
	return sum[:]
}

// Routes implements adapters.Dialect.
func (d *Dialect) Routes() []adapters.Route { return d.routes }

// op builds a route whose answer is an object with "data": encode writes its members. The status
// is always 200: the SDKs know no other.
func op[Out any](method, path, name string,
	call func(context.Context, core.Actor, *adapters.Request) (Out, error),
	encode func(*wire.Writer, *adapters.Request, Out),
) adapters.Route {
	return adapters.Route{
		Method: method, Path: path, Name: name,
		Serve: func(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
			out, err := call(core.WithOrigin(ctx, rq.Headers.Get("resource")), by, rq)
			if err != nil {
				return err
			}
			w := wire.NewWriter(1024)
			w.Open()
			encode(w, rq, out)
			w.Close()
			rs.Body = w.Bytes()
			return nil
		},
	}
}

// behalf is the actor with the trust of the app: for what the dialect itself has judged by the
// vendor's rules, which know other ranks than the core's grants.
func behalf(by core.Actor) core.Actor {
	by.Access = core.AccessServer
	return by
}

// done is the answer of calls that have only to say that they worked.
func done(text string) func(*wire.Writer, *adapters.Request, struct{}) {
	return func(w *wire.Writer, _ *adapters.Request, _ struct{}) {
		w.Object("data")
		w.Bool("success", true)
		w.Text("message", text)
		w.Close()
	}
}

// body reads the request body; DELETE may have one too.
func body(rq *adapters.Request) (wire.Reader, error) { return wire.Parse(rq.Body) }

// orElse returns s, or the fallback when s is empty.
func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
