package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dragoman/config"
)

var update = flag.Bool("update", false, "rewrite generated files")

// golden compares a generated text with the file of the repository that holds it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what the program generates; run go test ./config -update\n%s", path, diff)
	}
}

func TestExampleFileIsGenerated(t *testing.T) {
	golden(t, "../config.example.toml", config.Example())
}

func TestReferencePageIsGenerated(t *testing.T) {
	golden(t, "../docs/config.md", config.Markdown())
}

// The example parses strictly to the defaults; the only thing missing is an app.
func TestExampleFileEqualsDefaults(t *testing.T) {
	c, issues := config.Load("../config.example.toml", nil)
	if diff := cmp.Diff(config.Default(), c); diff != "" {
		t.Errorf("the example differs from the defaults (-default +example):\n%s", diff)
	}
	if len(issues) != 1 || issues[0].Path != "app" {
		t.Errorf("issues = %v, want only the missing app", issues)
	}
}

// With the comment signs taken off the example is a file that works.
func TestExampleFileUncommentedIsValid(t *testing.T) {
	doc := regexp.MustCompile(`(?m)^# (\[|[a-z_]+ = )`).ReplaceAllString(config.Example(), "$1")
	c, issues := config.Parse([]byte(doc), []string{"ACME_API_SECRET=api-0123456789abcdef", "ACME_STREAM_SECRET=0123456789abcdef", "ACME_COMET_FULL=full-0123456789abcdef", "ACME_COMET_AUTH=auth-0123456789abcdef",
		"ACME_AGORA_CERTIFICATE=ffeeddccbbaa99887766554433221100", "ACME_AGORA_CLIENT=client-0123456789abcdef", "ACME_NEXCONN_SECRET=nex-0123456789abcdef"})
	if len(issues) != 0 {
		t.Fatalf("issues = %v", issues)
	}
	want := config.DefaultApp()
	want.Name = "acme"
	want.Plan.Without = []string{}
	want.Native = config.Native{APIKey: "acme-key", APISecret: "api-0123456789abcdef"}
	want.Stream = config.Stream{APIKey: "abc123", APISecret: "0123456789abcdef", Listen: ":8081", Hosts: []string{"chat.acme.test"}}
	want.CometChat = config.CometChat{
		AppID: "acme-comet", Region: "us", FullAccessKey: "full-0123456789abcdef", AuthOnlyKey: "auth-0123456789abcdef", Listen: ":8082",
	}
	want.Agora = config.Agora{
		Org: "acme-org", App: "acme-app", AppID: "00112233445566778899aabbccddeeff", AppCertificate: "ffeeddccbbaa99887766554433221100",
		ClientID: "acme-client", ClientSecret: "client-0123456789abcdef", Listen: ":8083", FileLifetime: config.Duration{Duration: 168 * time.Hour},
	}
	want.Nexconn = config.Nexconn{AppKey: "acme-nexconn", AppSecret: "nex-0123456789abcdef", Listen: ":8084", Callers: []string{"203.0.113.7"}, ServicesOff: []string{"community"}, Quotas: []string{"users=10000"}, WebhookURL: "https://hooks.example.com/nexconn"}
	behind := config.Upstream{
		URL: "https://chat.example.com", ServerURL: "https://api.example.com", LiveURL: "wss://live.example.com", Mode: "vendor", Routes: []string{"QueryUsers=core"},
		ErrorFormat: "native", Timeout: config.Duration{Duration: 10 * time.Second}, ConnectTimeout: config.Duration{Duration: 3 * time.Second},
		ShadowFill: "all", KeepAlive: config.Duration{Duration: 30 * time.Second}, HedgeAfter: config.Duration{Duration: 200 * time.Millisecond},
	}
	want.Stream.Upstream, want.CometChat.Upstream, want.Agora.Upstream, want.Nexconn.Upstream = behind, behind, behind, behind
	if diff := cmp.Diff([]config.App{want}, c.Apps); diff != "" {
		t.Errorf("app differs (-want +got):\n%s", diff)
	}
}

func TestParseFindsProblems(t *testing.T) {
	const ok = "[[app]]\nname = \"acme\"\n[app.stream]\napi_key = \"k\"\napi_secret = \"0123456789abcdef\"\n"
	tests := []struct {
		name, doc string
		env       []string
		want      []string
	}{
		{"nothing wrong", ok, nil, nil},
		{"no app", "", nil, []string{`f: app: there is no app to serve (add a table [[app]]; "dragoman config default" shows one)`}},
		{"typo in a key", "lisen = \":1\"\n" + ok, nil, []string{"f:1: lisen: unknown key (did you mean listen?)"}},
		{"typo in an app's table", ok + "api_kye = \"x\"\n", nil, []string{"f:6: app.stream.api_kye: unknown key (did you mean api_key?)"}},
		{"unknown table", "[storage]\npath = \"x\"\n" + ok, nil, []string{"f:1: storage: unknown key (did you mean store?)"}},
		{"nothing like it", "[log]\ncolour = 1\n" + ok, nil, []string{"f:2: log.colour: unknown key (known here: level, format)"}},
		{"two typos", "lisen = \":1\"\n[log]\nlevle = \"info\"\n" + ok, nil, []string{"f:1: lisen: unknown key (did you mean listen?)", "f:3: log.levle: unknown key (did you mean level?)"}},
		{"number for a duration", "request_timeout = 5\n" + ok, nil, []string{"f:1: request_timeout: "}},
		{"duration without unit", "request_timeout = \"5\"\n" + ok, nil, []string{`f:1: request_timeout: "5" is not a duration; write it like "500ms", "5s" or "2m"`}},
		{"zero duration", "request_timeout = \"0s\"\n" + ok, nil, []string{"f:1: request_timeout: a duration must be above zero"}},
		{"enum", "[log]\nlevel = \"loud\"\n" + ok, nil, []string{`f:2: log.level: "loud" is not allowed (one of debug, info, warn, error)`}},
		{"range", "[breaker]\nfailures = 0\n" + ok, nil, []string{"f:2: breaker.failures: 0 is out of range (1 to 1000000)"}},
		{"not an address", "listen = \"8080\"\n" + ok, nil, []string{`f:1: listen: "8080" is not an address (host:port or :port, such as "127.0.0.1:8080")`}},
		{"not a port", "listen = \":http\"\n" + ok, nil, []string{`f:1: listen: "http" is not a port (1 to 65535)`}},
		{"one address twice", "ops_listen = \":8080\"\n" + ok, nil, []string{"f:1: ops_listen: the address :8080 is taken by the main listener"}},
		{"not a network", "trusted_proxies = [\"10.0.0.1\"]\n" + ok, nil, []string{`f:1: trusted_proxies: "10.0.0.1" is not a network (write it like "10.0.0.0/8" or "192.0.2.1/32")`}},
		{"not TOML", "listen = \n", nil, []string{"f:1: "}},
		{"name twice", ok + "[[app]]\nname = \"ACME\"\n[app.stream]\napi_key = \"l\"\napi_secret = \"0123456789abcdef\"\n", nil,
			[]string{"f:7: app[1].name: the name ACME is taken (names are compared without regard to case, and - is the same as _)"}},
		{"key twice", ok + "[[app]]\nname = \"b\"\n[app.stream]\napi_key = \"k\"\napi_secret = \"0123456789abcdef\"\n", nil,
			[]string{"f:9: app[1].stream.api_key: the key is also the one of app acme (a key names one app)"}},
		{"no dialect", "[[app]]\nname = \"b\"\n", nil, []string{"f:1: app[0]: the app speaks no dialect (add a table such as [app.stream])"}},
		{"no key", "[[app]]\nname = \"b\"\n[app.stream]\nlisten = \":1\"\n", nil, []string{"f:3: app[0].stream.api_key: must not be empty (without a key the rest of the table has no effect)"}},
		{"no name", strings.Replace(ok, "acme", "", 1), nil, []string{"f:2: app[0].name: an app needs a name"}},
		{"odd name", strings.Replace(ok, "acme", "a b", 1), nil, []string{`f:2: app[0].name: "a b" is not a name (up to 64 letters, digits, - and _, beginning with a letter or digit)`}},
		{"short secret", strings.Replace(ok, "0123456789abcdef", "short", 1), nil, []string{"f:5: app[0].stream.api_secret: must have at least 16 characters"}},
		{"size", ok + "[app.limits]\nbody = \"1M\"\n", nil, []string{`f:7: app.limits.body: "1M" is not a size; write it like "64KiB" or "1MiB"`}},
		{"host with a port", ok + "hosts = [\"a:1\"]\n", nil, []string{`f:6: app[0].stream.hosts: "a:1" is not a host name (without scheme, port and path)`}},
		{"secret's variable is missing", strings.Replace(ok, "0123456789abcdef", "env:NOPE", 1), nil,
			[]string{"f:5: app[0].stream.api_secret: the environment variable NOPE is not set (secrets are written as the text itself, env:NAME or file:PATH)"}},
		{"unknown variable", ok, []string{"DRAGOMAN_STORE__DNS=x"}, []string{"f: DRAGOMAN_STORE__DNS: no such setting (did you mean DRAGOMAN_STORE__DSN?)"}},
		{"variable of an unknown app", ok, []string{"DRAGOMAN_APP__OTHER__TEAMS=true"}, []string{"f: DRAGOMAN_APP__OTHER__TEAMS: no such setting (the file has no app of that name)"}},
		{"variable of the wrong type", ok, []string{"DRAGOMAN_APP__ACME__TEAMS=perhaps"}, []string{`f: DRAGOMAN_APP__ACME__TEAMS: "perhaps" is neither true nor false`}},
		{"variable that is a table", ok, []string{"DRAGOMAN_LOG=x"}, []string{"f: DRAGOMAN_LOG: no such setting (that is a table, not a value)"}},
		{"what an app id looks like", ok + "[app.agora]\norg = \"o\"\napp = \"a b\"\napp_id = \"x\"\napp_certificate = \"0123456789abcdef\"\nclient_id = \"c\"\n", nil, []string{
			`f:9: app[0].agora.app_id: "x" is not an app id (32 hexadecimal digits)`,
			`f:8: app[0].agora.app: "a b" is not a name (up to 64 letters, digits, - and _: it is part of every path)`,
			"f:6: app[0].agora.client_secret: must have at least 16 characters",
		}},
		{"a table without its app id", ok + "[app.cometchat]\nregion = \"us\"\n", nil, []string{"f:6: app[0].cometchat.app_id: must not be empty (without an app id the rest of the table has no effect)"}},
		{"a table without its key", ok + "[app.nexconn]\nlisten = \":1\"\n", nil, []string{"f:6: app[0].nexconn.app_key: must not be empty (without a key the rest of the table has no effect)"}},
		{"a server's address for a path", "[store]\ndsn = \"postgres://h/d\"\n" + ok, nil,
			[]string{`f:2: store.dsn: is the address of a server, not a path (set store.kind = "postgres" and put the address into store.url)`}},
		{"an address without its kind", "[store]\nurl = \"postgres://h/d\"\n[bus]\nurl = \"nats://h\"\n" + ok, nil, []string{
			`f:2: store.url: is set, but the store is a SQLite file (set store.kind = "postgres", or take store.url away)`,
			`f:4: bus.url: is set, but the bus is embedded (set bus.kind = "nats", or take bus.url away)`,
		}},
		{"kinds without their addresses", "[store]\nkind = \"postgres\"\n[bus]\nkind = \"nats\"\n" + ok, nil, []string{
			`f:1: store.url: must not be empty with store.kind = "postgres" (postgres://user:password@host:5432/name, better as env:NAME or file:PATH)`,
			`f:3: bus.url: must not be empty with bus.kind = "nats" (nats://host:4222)`,
		}},
		{"odd addresses", "[store]\nkind = \"postgres\"\nurl = \"mysql://h\"\n[bus]\nkind = \"nats\"\nurl = \"nats://h, http://h\"\n" + ok, nil, []string{
			"f:3: store.url: is not the address of a database (postgres://user:password@host:5432/name)",
			"f:6: bus.url: holds what is not the address of a NATS server (nats://host:4222 or tls://host:4222)",
		}},
		{"several nodes over a file", "[bus]\nkind = \"nats\"\nurl = \"nats://h\"\n" + ok, nil, []string{
			`f:2: bus.kind: other nodes cannot be met over a SQLite file: one process alone may open it (set store.kind = "postgres", or bus.kind = "embedded")`,
		}},
		{"half an upstream", ok + "[app.stream.upstream]\nmode = \"vendor\"\n", nil, []string{"f:6: app[0].stream.upstream.url: must not be empty (without it the rest of the table has no effect)"}},
		{"an odd upstream", ok + "[app.stream.upstream]\nurl = \"https://v.test?x=1\"\nmode = \"both\"\nroutes = [\"SendMessage\"]\nerror_format = \"loud\"\nauth_key = \"k\"\n", nil, []string{
			`f:7: app[0].stream.upstream.url: "https://v.test?x=1" is not an address (scheme http or https, host and perhaps a path)`,
			`f:8: app[0].stream.upstream.mode: "both" is not a mode (one of vendor, shadow-vendor, shadow-core, core)`,
			`f:9: app[0].stream.upstream.routes: "SendMessage" is not operation=mode (the mode is one of vendor, shadow-vendor, shadow-core, core)`,
			`f:10: app[0].stream.upstream.error_format: "loud" is not allowed (one of native, both, unified)`,
			`f:11: app[0].stream.upstream.auth_key: this vendor has no second key`,
		}},
		{"another app id at the vendor", ok + "[app.cometchat]\napp_id = \"a\"\nfull_access_key = \"0123456789abcdef\"\n[app.cometchat.upstream]\nurl = \"https://v.test\"\nkey = \"b\"\n", nil, []string{
			`f:11: app[0].cometchat.upstream.key: must be the app's own key or empty (every frame of the vendor's live link names it)`,
		}},
		{"an unknown service", ok + "[app.nexconn]\napp_key = \"a\"\napp_secret = \"0123456789abcdef\"\nservices_off = [\"chat\"]\n", nil, []string{"f:9: app[0].nexconn.services_off: \"chat\" is not a service (one of allowlist, blocklist, community, history, open_metadata, open_visitors, presence, profiles, recall_others, rtc)"}},
		{"a sidecar without nodes", "[core]\nkind = \"remote\"\n" + ok, nil, []string{
			"f:1: core.nodes: must not be empty with core.kind = \"remote\" (the addresses that the nodes have in core.listen)",
			"f:1: core.secret: must have at least 32 characters (the same secret on nodes and sidecars, such as 32 random bytes in hexadecimal)",
		}},
		{"a sidecar with a store", "[core]\nkind = \"remote\"\nnodes = [\"core1:8070\"]\nsecret = \"0123456789abcdef0123456789abcdef\"\nlisten = \":8070\"\n[bus]\nurl = \"nats://h:4222\"\n" + ok, nil, []string{
			"f:3: core.nodes: \"core1:8070\" is not the address of a node (http://host:port or https://host:port, without a path)",
			"f:5: core.listen: is set, but there is no core in this process (set it on the nodes)",
			"f:7: bus.url: is set, but the core is on other nodes (set it on the nodes, or set core.kind = \"embedded\")",
		}},
		{"a node for sidecars without a secret", "[core]\nlisten = \":8070\"\n" + ok, nil, []string{
			"f:1: core.secret: must have at least 32 characters (the same secret on nodes and sidecars, such as 32 random bytes in hexadecimal)",
		}},
		{"one key twice", ok + "[app.cometchat]\napp_id = \"a\"\nfull_access_key = \"0123456789abcdef\"\nauth_only_key = \"0123456789abcdef\"\n", nil, []string{"f:9: app[0].cometchat.auth_only_key: must differ from full_access_key"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, issues := config.Parse([]byte(tt.doc), tt.env)
			var got []string
			for _, is := range issues {
				got = append(got, is.Format("f"))
			}
			if len(got) != len(tt.want) {
				t.Fatalf("issues = %q, want %q", got, tt.want)
			}
			for i, w := range tt.want { // a trailing ": " leaves the words to the TOML parser
				if got[i] != w && !(strings.HasSuffix(w, ": ") && strings.HasPrefix(got[i], w) && len(got[i]) > len(w)) {
					t.Errorf("issue %d = %q, want %q", i, got[i], w)
				}
			}
		})
	}
}

// Every key can be set by its variable, and setting it changes the configuration: the reference
// names no variable that does nothing.
func TestEnvironmentReachesEveryKey(t *testing.T) {
	const fixed = "[[app]]\nname = \"my-app\"\n[app.stream]\napi_key = \"k\"\napi_secret = \"0123456789abcdef\"\n" +
		"[app.cometchat]\napp_id = \"c\"\nfull_access_key = \"0123456789abcdef\"\n" +
		"[app.agora]\norg = \"o\"\napp = \"a\"\napp_id = \"00112233445566778899aabbccddeeff\"\napp_certificate = \"0123456789abcdef\"\nclient_secret = \"0123456789abcdef\"\n" +
		"[app.nexconn]\napp_key = \"n\"\napp_secret = \"0123456789abcdef\"\n" +
		"[app.native]\napi_key = \"d\"\napi_secret = \"0123456789abcdef\"\n"
	doc := fixed
	for _, d := range []string{"stream", "cometchat", "agora", "nexconn"} {
		doc += "[app." + d + ".upstream]\nurl = \"https://vendor.test\"\n"
	}
	values := map[string]string{"duration": "77s", "size": "7KiB", "secret": "another-secret-of-mine-with-32-characters", "true/false": "true", "number": "7", "list": "a.test, b.test", "text": ":7777"}
	base, issues := config.Parse([]byte(doc), nil)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	for _, k := range config.Keys() {
		if k.Env == "DRAGOMAN_APP__<NAME>__NAME" {
			continue // the variable is found by the name
		}
		v := values[k.Type]
		if k.Enum != nil {
			v = k.Enum[1]
			if strconvQuote(v) == k.Default {
				v = k.Enum[0]
			}
		}
		if k.Name == "trusted_proxies" {
			v = "10.0.0.0/8"
		}
		switch k.Name {
		case "nodes":
			v = "http://a.test:1, https://b.test"
		case "app_id":
			if v = "another"; k.Table == "app.agora" {
				v = strings.Repeat("ab", 16)
			}
		case "org", "app", "api_key":
			v = "another"
		case "callers":
			v = "203.0.113.7, 2001:db8::1"
		case "quotas":
			v = "users=5, words=7"
		case "services_off":
			v = "community, profiles"
		case "url":
			v = map[string]string{"store": "postgres://h/d", "bus": "nats://h:4222"}[k.Table]
		}
		if strings.HasSuffix(k.Table, ".upstream") {
			switch k.Name {
			case "url", "server_url", "live_url":
				v = "https://another.test"
			case "mode":
				v = "core"
			case "routes":
				v = "SendMessage=core"
			case "error_format":
				v = "both"
			case "shadow_fill":
				v = "seen"
			case "retries":
				v = "3"
			case "key":
				if v = "another"; k.Table == "app.cometchat.upstream" {
					v = "c" // the app's own: no other will do
				}
			case "auth_key":
				if k.Table != "app.cometchat.upstream" {
					continue // refused: see TestParseFindsProblems
				}
			}
		}
		env := strings.ReplaceAll(k.Env, "<NAME>", "MY_APP") + "=" + v
		c, issues := config.Parse([]byte(doc), append(slices.Clone(together[k.Env]), env))
		if len(issues) > 0 {
			t.Errorf("%s: %v", env, issues)
		}
		if fmt.Sprintf("%+v", plain(c)) == fmt.Sprintf("%+v", plain(base)) {
			t.Errorf("%s changes nothing", env)
		}
	}
}

// together are the variables that a setting does not go without.
var together = map[string][]string{
	"DRAGOMAN_CORE__KIND":   {"DRAGOMAN_CORE__NODES=http://h:1", clusterSecret},
	"DRAGOMAN_CORE__NODES":  {"DRAGOMAN_CORE__KIND=remote", clusterSecret},
	"DRAGOMAN_CORE__SECRET": {"DRAGOMAN_CORE__LISTEN=:7778"},
	"DRAGOMAN_CORE__LISTEN": {clusterSecret},
	"DRAGOMAN_STORE__KIND":  {"DRAGOMAN_STORE__URL=postgres://h/d"},
	"DRAGOMAN_STORE__URL":   {"DRAGOMAN_STORE__KIND=postgres"},
	"DRAGOMAN_BUS__KIND":    {"DRAGOMAN_BUS__URL=nats://h:4222", "DRAGOMAN_STORE__KIND=postgres", "DRAGOMAN_STORE__URL=postgres://h/d"},
	"DRAGOMAN_BUS__URL":     {"DRAGOMAN_BUS__KIND=nats", "DRAGOMAN_STORE__KIND=postgres", "DRAGOMAN_STORE__URL=postgres://h/d"},
}

const clusterSecret = "DRAGOMAN_CORE__SECRET=0123456789abcdef0123456789abcdef"

func strconvQuote(s string) string { return `"` + s + `"` }

// plain makes the secrets comparable.
func plain(c *config.Config) string {
	a := &c.Apps[0]
	return fmt.Sprintf("%+v %s %s %s", *c, a.Stream.APISecret.Reveal(), a.CometChat.FullAccessKey.Reveal(), a.CometChat.AuthOnlyKey.Reveal()) +
		a.Stream.Upstream.Secret.Reveal() + a.CometChat.Upstream.Secret.Reveal() + a.CometChat.Upstream.AuthKey.Reveal() + a.Agora.Upstream.Secret.Reveal() + a.Nexconn.Upstream.Secret.Reveal() +
		a.Agora.AppCertificate.Reveal() + a.Agora.ClientSecret.Reveal() + a.Nexconn.AppSecret.Reveal() + a.Native.APISecret.Reveal() +
		c.Store.URL.Reveal() + c.Bus.URL.Reveal() + c.Core.Secret.Reveal()
}

func TestFlagBeforeEnvironmentBeforeFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if p, ok := config.Find("", nil); ok && !strings.HasPrefix(p, "/etc/") {
		t.Errorf("found %s in an empty folder", p)
	}
	if err := os.WriteFile("config.toml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ flag, env, want string }{
		{"a.toml", "b.toml", "a.toml"},
		{"", "b.toml", "b.toml"},
		{"", "", "config.toml"},
	} {
		if got, _ := config.Find(tt.flag, []string{"DRAGOMAN_CONFIG=" + tt.env}); got != tt.want {
			t.Errorf("Find(%q, %q) = %q, want %q", tt.flag, tt.env, got, tt.want)
		}
	}
}

func TestMissingFileIsAnIssue(t *testing.T) {
	_, issues := config.Load(filepath.Join(t.TempDir(), "none.toml"), nil)
	if len(issues) != 1 || !strings.Contains(issues[0].Message, "cannot read the file") {
		t.Errorf("issues = %v", issues)
	}
}

// What the documentation tells people to set is not refused as a setting that does not exist.
func TestExamplesNameNoSettingOfOurs(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documentation: %v", err)
	}
	for _, f := range append(files, "../config.example.toml", "../README.md", "../deploy/helm/dragoman/values.yaml") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`env:DRAGOMAN_\w+`).FindAllString(string(b), -1) {
			t.Errorf("%s: %s is refused at start", f, name)
		}
	}
}
