package nexconn

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/normalize"
)

// Entry registers the dialect.
func Entry() adapters.Entry {
	return adapters.Entry{
		Name:    "nexconn",
		Title:   "Nexconn",
		Hosts:   []string{"*.sg-light-api.com", "*.us-light-api.com", "*.sau-light-api.com", "*.rong-api.com"},
		SDKLine: "init({ appkey: APP_KEY, navigators: [%q] })",
		Catalog: Catalog,
		New:     New,
	}
}

// Dialect is Nexconn's wire over one core.
type Dialect struct {
	env    adapters.Env
	core   *core.Core
	now    func() time.Time
	byKey  map[string]*tenant // by App-Key
	byApp  map[core.AppID]*tenant
	nonces *nonces
	pairs  *pairs
	pulls  *pulls
	serial atomic.Int64 // tells ids of messages that are not stored apart
	routes []adapters.Route
}

var _ adapters.Dialect = (*Dialect)(nil)

// tenant is an app as its credentials show it.
type tenant struct {
	id     core.AppID
	key    string
	secret string
	// off are the services of the vendor that this app has not switched on, by the names of service.
	off map[string]bool
	// callers are the addresses server calls may come from; empty for all.
	callers []string
	// webhook is where webhooks go, empty for nowhere.
	webhook string
	hooked  atomic.Bool // the app's settings name it
	// quotas are caps that differ from the vendor's usual ones, by name.
	quotas map[string]int
}

// quota is a cap of the app: its own, or the usual one.
func (t *tenant) quota(name string, usual int) int {
	if n, ok := t.quotas[name]; ok {
		return n
	}
	return usual
}

// has reports whether a service of the vendor is switched on for the app.
func (t *tenant) has(service string) bool { return !t.off[service] }

// New builds the dialect. It fails when two apps share an App-Key or one has no secret.
func New(env adapters.Env) (adapters.Dialect, error) {
	d := &Dialect{env: env, core: env.Core, now: env.Now, byKey: map[string]*tenant{}, byApp: map[core.AppID]*tenant{}}
	if d.now == nil {
		d.now = time.Now
	}
	d.nonces = newNonces(d.now)
	d.pairs = newPairs()
	d.pulls = newPulls()
	for _, a := range env.Apps {
		t := &tenant{id: a.ID, key: a.Creds["app_key"], secret: a.Creds["app_secret"], off: map[string]bool{}}
		if t.key == "" || t.secret == "" {
			return nil, fmt.Errorf("nexconn: app %q needs app_key and app_secret", a.Name)
		}
		if _, dup := d.byKey[t.key]; dup {
			return nil, fmt.Errorf("nexconn: app_key %q is used by two apps", t.key)
		}
		for _, s := range words(a.Creds["services_off"]) {
			t.off[s] = true
		}
		t.webhook = a.Creds["webhook_url"]
		t.callers, t.quotas = words(a.Creds["callers"]), map[string]int{}
		for _, s := range words(a.Creds["quotas"]) {
			name, n, _ := strings.Cut(s, "=")
			most, err := strconv.Atoi(n)
			if err != nil || most < 1 {
				return nil, fmt.Errorf("nexconn: app %q: quota %q is not name=number", a.Name, s)
			}
			t.quotas[name] = most
		}
		d.byKey[t.key], d.byApp[t.id] = t, t
	}
	d.routes = d.table()
	return d, nil
}

// words splits a list that is separated by commas.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// Routes implements adapters.Dialect.
func (d *Dialect) Routes() []adapters.Route { return d.routes }

// EncodeError implements adapters.Dialect.
func (d *Dialect) EncodeError(p *normalize.Problem) normalize.Native { return EncodeError(p) }

// server is the actor of the app itself.
func server(app core.AppID) core.Actor {
	return core.Actor{App: app, Access: core.AccessServer, Platform: "server"}
}
