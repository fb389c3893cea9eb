package config

import "time"

// Config is everything the program can be told. The zero value is not usable: start from Default.
type Config struct {
	Listen          string   `toml:"listen" doc:"Address of the main listener: every dialect by path prefix (/stream) or by Host header."`
	OpsListen       string   `toml:"ops_listen" doc:"Address of the operations listener: /livez, /readyz, /metrics, pprof. Never expose it."`
	RequestTimeout  Duration `toml:"request_timeout" doc:"Longest time one command may take before its caller is told to try again."`
	ShutdownTimeout Duration `toml:"shutdown_timeout" doc:"Longest time a stop waits for open requests and sockets."`

	TrustedProxies []string `toml:"trusted_proxies" example:"10.0.0.0/8" doc:"Networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."`

	Log       Log       `toml:"log"`
	Core      Core      `toml:"core"`
	Store     Store     `toml:"store"`
	Bus       Bus       `toml:"bus"`
	Files     Files     `toml:"files"`
	Limits    Bounds    `toml:"limits"`
	Callbacks Callbacks `toml:"callbacks"`
	Breaker   Breaker   `toml:"breaker"`
	Console   Console   `toml:"console"`

	Apps []App `toml:"app"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `toml:"level" enum:"debug,info,warn,error" doc:"Lowest level that is written. Requests that succeed are written at debug."`
	Format string `toml:"format" enum:"json,console" doc:"One JSON object per line, or columns for a person to read."`
}

// Core is where the chat core is: in this process, or on other nodes.
type Core struct {
	Kind   string   `toml:"kind" enum:"embedded,remote" doc:"Embedded is the whole server in one process. Remote is the proxy alone, a sidecar: store, bus, files and callbacks of this file mean nothing then, since the nodes have theirs."`
	Nodes  []string `toml:"nodes" example:"http://core1:8070" doc:"With remote: the nodes, each by the address it has in core.listen. Every one is asked for itself, so none of them may be a load balancer."`
	Secret Secret   `toml:"secret" example:"env:CLUSTER_SECRET" doc:"Secret of the cluster, the same on nodes and sidecars: the text itself, env:NAME or file:PATH. At least 32 characters. Whoever knows it may act as anybody in any app."`
	Listen string   `toml:"listen" example:"10.0.0.5:8070" doc:"With embedded: an address at which this node serves sidecars. Never expose it. Empty means: none are served."`
}

// The places of the core.
const (
	CoreEmbedded = "embedded"
	CoreRemote   = "remote"
)

// Store is where chats are kept.
type Store struct {
	Kind string `toml:"kind" enum:"sqlite,postgres" doc:"SQLite is one file and one process. PostgreSQL, version 15 or later, serves any number of nodes."`
	DSN  string `toml:"dsn" doc:"Path of the SQLite database. Its folder is created; all files beside it that begin with its name belong to it."`
	URL  Secret `toml:"url" doc:"Address of the PostgreSQL database, such as postgres://user:password@host:5432/name?sslmode=verify-full: the text itself, env:NAME or file:PATH. pool_max_conns=N in it bounds the connections of this node."`
}

// The kinds of store.
const (
	StoreSQLite   = "sqlite"
	StorePostgres = "postgres"
)

// Bus is how nodes tell each other what happened. It carries hints: what must not be lost is in the
// store.
type Bus struct {
	Kind string `toml:"kind" enum:"embedded,nats" doc:"Embedded lives inside this process and reaches no other node. With nats, nodes that share a PostgreSQL database meet at a NATS server."`
	URL  Secret `toml:"url" doc:"Address of the NATS server or, separated by commas, of several of one cluster, such as nats://user:password@host:4222: the text itself, env:NAME or file:PATH."`
}

// The kinds of bus.
const (
	BusEmbedded = "embedded"
	BusNATS     = "nats"
)

// Files is where uploads are kept.
type Files struct {
	Dir string `toml:"dir" doc:"Folder of uploaded files and images. Created when missing."`
}

// Bounds is what the whole server takes on at most.
type Bounds struct {
	Sockets    int  `toml:"sockets" min:"1" max:"10000000" doc:"Live connections of one node at one time; more are refused."`
	AllSockets int  `toml:"sockets_all" min:"0" max:"1000000000" doc:"The same over all nodes together, which tell each other by the bus. 0 means that there is no such bound."`
	Share      int  `toml:"share" min:"0" max:"100000" doc:"Requests of one app that are worked on at one time while other apps call, too; further ones wait their turn. 0 means one for each processor."`
	Upload     Size `toml:"upload" doc:"Largest upload. An app's own settings may allow less."`
}

// Callbacks are requests that the server sends to addresses its apps name.
type Callbacks struct {
	AllowPrivate bool `toml:"allow_private" doc:"Allow webhooks and command handlers at loopback, private and link-local addresses."`
}

// Breaker is when calls to a failing store, or to a failing core, are refused at once.
type Breaker struct {
	Failures int      `toml:"failures" min:"1" max:"1000000" doc:"Failures within the window that open the breaker. Errors of the caller never count."`
	Window   Duration `toml:"window" doc:"Window in which failures are counted."`
	OpenFor  Duration `toml:"open_for" doc:"Time between two attempts to find out whether an open breaker may close."`
}

// Console is the operator's view in a browser, at /console of the main listener.
type Console struct {
	Password Secret `toml:"password" doc:"Password of the operator: the text itself, env:NAME or file:PATH. At least 8 characters. Empty means: no console."`
	Panes    string `toml:"panes" doc:"Folder of the built live panes, see make panes. Empty means: none."`
}

// App is one tenant. Its people and rooms are shared by all of its dialects; apps never see each
// other.
type App struct {
	Name        string    `toml:"name" example:"acme" doc:"Name of the app: letters, digits, - and _. It is how the store finds the app again, so it is for ever."`
	ErrorFormat string    `toml:"error_format" enum:"both,native,unified" doc:"Shape of errors unless a request asks for another: the vendor's own body, that body with the unified document as one member, or the document alone."`
	Teams       bool      `toml:"teams" doc:"People and channels carry teams and meet only within one. Set when the app is created; changed later through the dialect's app settings."`
	BindTokens  bool      `toml:"bind_tokens" doc:"Refuse an auth token on any device but the first that used it, in dialects whose clients name their device."`
	Limits      Limits    `toml:"limits"`
	Plan        Plan      `toml:"plan"`
	Native      Native    `toml:"native"`
	Stream      Stream    `toml:"stream"`
	CometChat   CometChat `toml:"cometchat"`
	Agora       Agora     `toml:"agora"`
	Nexconn     Nexconn   `toml:"nexconn"`
}

// Limits bound what the callers of one app may ask for.
type Limits struct {
	Rate bool `toml:"rate" doc:"Count calls per minute as the vendor does and answer 429 above its published limits."`
	Body Size `toml:"body" doc:"Largest JSON body of a request. Uploads have limits of their own."`
}

// Native is an app's table for our own API, at /v1 of the main listener. It is off without api_key.
type Native struct {
	APIKey    string `toml:"api_key" example:"acme-key" doc:"The key of the app: servers send it with the secret, and tokens name it as their issuer. Empty means: the API under /v1 does not know this app."`
	APISecret Secret `toml:"api_secret" example:"env:ACME_API_SECRET" doc:"Secret that signs tokens and webhooks, and is the password of the app's servers: the text itself, env:NAME or file:PATH. At least 16 characters."`
}

// Plan is what the operator has agreed with an app; it holds from the next start on.
type Plan struct {
	Expired bool     `toml:"expired" doc:"The app's subscription has ended: every call is refused with the vendor's own error for that."`
	Without []string `toml:"without" doc:"Features that are not part of the plan and are refused: calls, files, friends, polls, reactions, roles, threads, webhooks."`
}

// Stream is an app's table for the Stream Chat dialect. The dialect is off without api_key.
type Stream struct {
	APIKey    string   `toml:"api_key" example:"abc123" doc:"The key that the client SDK is created with. Empty means: this app does not speak Stream Chat."`
	APISecret Secret   `toml:"api_secret" example:"env:ACME_STREAM_SECRET" doc:"Secret that signs user tokens, server tokens and webhooks: the text itself, env:NAME or file:PATH. At least 16 characters."`
	Listen    string   `toml:"listen" example:":8081" doc:"A listener of its own, without path prefix. Apps may share one."`
	Hosts     []string `toml:"hosts" example:"chat.acme.test" doc:"Host names on the main listener that speak this dialect without a path prefix."`

	Upstream Upstream `toml:"upstream"`
}

// CometChat is an app's table for the CometChat dialect. The dialect is off without app_id.
type CometChat struct {
	AppID         string `toml:"app_id" example:"acme-comet" doc:"The app id that the SDK is initialised with. Empty means: this app does not speak CometChat."`
	Region        string `toml:"region" example:"us" doc:"Region of the app; part of the vendor's host names, under which it is served on the main listener. Empty means us."`
	FullAccessKey Secret `toml:"full_access_key" example:"env:ACME_COMET_FULL" doc:"API key of scope fullAccess, which also signs tokens: the text itself, env:NAME or file:PATH. At least 16 characters."`
	AuthOnlyKey   Secret `toml:"auth_only_key" example:"env:ACME_COMET_AUTH" doc:"API key of scope authOnly, for apps that log in with it. Empty means there is none."`
	Listen        string `toml:"listen" example:":8082" doc:"A listener of its own, without path prefix. The SDK insists on https and wss, so that something that ends TLS has to stand in front. Apps may share one."`

	Upstream Upstream `toml:"upstream"`
}

// Agora is an app's table for the Agora Chat dialect. The dialect is off without app_id.
type Agora struct {
	Org              string   `toml:"org" example:"acme-org" doc:"Organisation name: the first half of the app key and the first segment of every path."`
	App              string   `toml:"app" example:"acme-app" doc:"App name: the second half of the app key and the second segment of every path."`
	AppID            string   `toml:"app_id" example:"00112233445566778899aabbccddeeff" doc:"App id, 32 hexadecimal digits: part of every AccessToken2, and of the paths below /app-id/. Empty means: this app does not speak Agora Chat."`
	AppCertificate   Secret   `toml:"app_certificate" example:"env:ACME_AGORA_CERTIFICATE" doc:"App certificate that signs tokens, 32 hexadecimal digits: the text itself, env:NAME or file:PATH."`
	ClientID         string   `toml:"client_id" example:"acme-client" doc:"Client id of the grant client_credentials. Empty means that there is no such grant."`
	ClientSecret     Secret   `toml:"client_secret" example:"env:ACME_AGORA_CLIENT" doc:"Client secret of the grant client_credentials: the text itself, env:NAME or file:PATH."`
	OpenRegistration bool     `toml:"open_registration" doc:"Let clients register users without a token, as the SDK's registerUser does."`
	UserLimit        int      `toml:"user_limit" max:"1000000" doc:"Most accounts that can be registered, as a plan of the vendor has it. 0 means no bound."`
	FileLifetime     Duration `toml:"file_lifetime" doc:"How long attachments are kept unless a call asks for another time."`
	Listen           string   `toml:"listen" example:":8083" doc:"A listener of its own, without path prefix. Apps may share one."`

	Upstream Upstream `toml:"upstream"`
}

// AppKey is the key that the client SDK is created with.
func (a Agora) AppKey() string { return a.Org + "#" + a.App }

// Nexconn is an app's table for the Nexconn dialect. The dialect is off without app_key.
type Nexconn struct {
	AppKey      string   `toml:"app_key" example:"acme-nexconn" doc:"The App-Key that SDKs are initialised with. Empty means: this app does not speak Nexconn."`
	AppSecret   Secret   `toml:"app_secret" example:"env:ACME_NEXCONN_SECRET" doc:"The App Secret that signs calls of servers and webhooks: the text itself, env:NAME or file:PATH. At least 16 characters."`
	Listen      string   `toml:"listen" example:":8084" doc:"A listener of its own, without path prefix: server API, navigation and live link. Apps may share one."`
	Callers     []string `toml:"callers" example:"203.0.113.7" doc:"Addresses from which servers may call. Empty means any."`
	ServicesOff []string `toml:"services_off" example:"community" doc:"Services of the vendor that this app has not switched on; their calls answer HTTP 430. Of: allowlist, blocklist, community, history, open_metadata, open_visitors, presence, profiles, recall_others, rtc."`
	Quotas      []string `toml:"quotas" example:"users=10000" doc:"Caps that differ from the vendor's usual ones, as name=number. Of: admins, allowlist, blocklist, favorites, friends, keepalive, profile_keys, subscriptions, users, words."`
	WebhookURL  string   `toml:"webhook_url" example:"https://hooks.example.com/nexconn" doc:"Where webhooks go, signed with the App Secret. Empty means: there are none."`

	Upstream Upstream `toml:"upstream"`
}

// Default is the configuration of an empty file. It has no apps, so it serves nobody.
func Default() *Config {
	return &Config{
		Listen:          "127.0.0.1:8080",
		OpsListen:       "127.0.0.1:8090",
		RequestTimeout:  Duration{10 * time.Second},
		ShutdownTimeout: Duration{20 * time.Second},
		TrustedProxies:  []string{},
		Log:             Log{Level: "info", Format: "json"},
		Core:            Core{Kind: CoreEmbedded, Nodes: []string{}},
		Store:           Store{Kind: StoreSQLite, DSN: "data/dragoman.db"},
		Bus:             Bus{Kind: BusEmbedded},
		Files:           Files{Dir: "data/files"},
		Limits:          Bounds{Sockets: 100_000, Upload: Size{100 << 20}},
		Breaker:         Breaker{Failures: 5, Window: Duration{10 * time.Second}, OpenFor: Duration{time.Second}},
	}
}

// DefaultApp is what an app has that names nothing but itself.
func DefaultApp() App {
	return App{ErrorFormat: "both", Limits: Limits{Body: Size{1 << 20}}, Agora: Agora{FileLifetime: Duration{7 * 24 * time.Hour}}}
}

// complete gives apps the defaults of the keys they leave out. An explicit zero is refused by the
// types that have a default, so a zero here means "not set".
func (c *Config) complete() {
	d := DefaultApp()
	for i := range c.Apps {
		a := &c.Apps[i]
		if a.ErrorFormat == "" {
			a.ErrorFormat = d.ErrorFormat
		}
		if a.Agora.FileLifetime.Duration == 0 {
			a.Agora.FileLifetime = d.Agora.FileLifetime
		}
		if a.Limits.Body.Bytes == 0 {
			a.Limits.Body = d.Limits.Body
		}
	}
}
