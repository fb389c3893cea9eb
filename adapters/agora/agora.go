package agora

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"dragoman/adapters"
	"dragoman/core"
)

// Entry registers the dialect.
func Entry() adapters.Entry {
	return adapters.Entry{
		Name:    "agora",
		Title:   "Agora Chat",
		Hosts:   []string{"*.chat.agora.io", "*.easemob.com"},
		SDKLine: "new AgoraChat.connection({ isHttpDNS: false, apiUrl: %q, url: %[1]q + \"/websocket\" })",
		Catalog: Catalog,
		New:     New,
	}
}

// Dialect is Agora Chat's wire over one core.
type Dialect struct {
	env     adapters.Env
	core    *core.Core
	now     func() time.Time
	byKey   map[string]*tenant // by "org#app"
	byID    map[string]*tenant // by app id
	byApp   map[core.AppID]*tenant
	venues  *venueCache
	minted  atomic.Int64 // ids of groups made in one millisecond
	routes  []adapters.Route
	serials atomic.Uint32 // of items that the core has no number for
}

var _ adapters.Dialect = (*Dialect)(nil)

// tenant is an app as its credentials show it.
type tenant struct {
	id           core.AppID
	org, app     string
	appID        string
	certificate  string
	clientID     string
	clientSecret string
	open         bool   // open registration
	uuid         string // of the app, as the envelope shows it
	secret       []byte // signs the tokens of /token
	fileLife     time.Duration
	userLimit    int   // accounts of the app, 0 for no bound
	presence     *rate // calls about presence, nil for no limit
}

// defaultFileLife is how long attachments are kept where nothing else is said.
const defaultFileLife = 7 * 24 * time.Hour

// key is the app key of the tenant.
func (t *tenant) key() string { return t.org + "#" + t.app }

// New builds the dialect. It fails when two apps share an app key or an app id, or one lacks its
// names or its certificate.
func New(env adapters.Env) (adapters.Dialect, error) {
	d := &Dialect{
		env: env, core: env.Core, now: env.Now, venues: newVenueCache(),
		byKey: map[string]*tenant{}, byID: map[string]*tenant{}, byApp: map[core.AppID]*tenant{},
	}
	if d.now == nil {
		d.now = time.Now
	}
	for _, a := range env.Apps {
		t := &tenant{
			id: a.ID, org: a.Creds["org"], app: a.Creds["app"], appID: strings.ToLower(a.Creds["app_id"]), certificate: a.Creds["app_certificate"],
			clientID: a.Creds["client_id"], clientSecret: a.Creds["client_secret"], open: a.Creds["open_registration"] == "true",
		}
		if t.org == "" || t.app == "" || t.appID == "" || t.certificate == "" {
			return nil, fmt.Errorf("agora: app %q needs org, app, app_id and app_certificate", a.Name)
		}
		if d.byKey[t.key()] != nil || d.byID[t.appID] != nil {
			return nil, fmt.Errorf("agora: app key %q or app id %q is used by two apps", t.key(), t.appID)
		}
		if t.fileLife, _ = time.ParseDuration(a.Creds["file_lifetime"]); t.fileLife <= 0 {
			t.fileLife = defaultFileLife
		}
		if t.userLimit, _ = strconv.Atoi(a.Creds["user_limit"]); a.RateLimits {
			t.presence = &rate{most: presenceRate}
		}
		t.uuid = uuidOf("app", t.key())
		sum := sha256.Sum256([]byte("dragoman agora tokens\x00" + t.certificate))
		t.secret = sum[:]
		d.byKey[t.key()], d.byID[t.appID], d.byApp[t.id] = t, t, t
	}
	d.routes = d.table()
	return d, nil
}

// uuidOf is the UUID of a thing that has none in the core: always the same for the same name.
func uuidOf(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	h[6], h[8] = h[6]&0x0f|0x50, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// Routes implements adapters.Dialect.
func (d *Dialect) Routes() []adapters.Route { return d.routes }

// server is the actor with the trust of an app that acts for nobody.
func server(app core.AppID) core.Actor { return core.Actor{App: app, Access: core.AccessServer} }

// behalf is the actor with the trust of the app: for what the dialect itself has judged by the
// vendor's rules, which know other ranks than the core's grants.
func behalf(by core.Actor) core.Actor {
	by.Access = core.AccessServer
	return by
}

// origin marks a call of an SDK as that of its device: every write names it in the query.
func origin(ctx context.Context, rq *adapters.Request) context.Context {
	return core.WithOrigin(ctx, rq.Query.Get("resource"))
}

// orElse returns s, or the fallback when s is empty.
func orElse(s, fallback string) string { return cmp.Or(s, fallback) }

// clip shortens what is echoed.
func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
