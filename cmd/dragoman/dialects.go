package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"dragoman/config"
)

// dialect is what this program knows of one vendor beyond its adapter: where it stands in the
// configuration and what its users have to change. It drives listeners, banner, page and tokens.
type dialect struct {
	name   string // as in adapters.Entry, path prefix without the slash
	title  string
	secure bool // its SDK insists on https and wss
	root   bool // it takes what the main listener has no page for: our own API
	// configured reports whether the app speaks it.
	configured func(*config.App) bool
	// creds are the credentials its adapter is given, by their keys in the configuration.
	creds func(*config.App) map[string]string
	// listen is the address of its own listener, or "".
	listen func(*config.App) string
	// hosts are the host names it has on the main listener.
	hosts func(*config.App) []string
	// line is the line to change in the official SDK; host is host:port, base the whole URL.
	line func(a *config.App, host, base string) string
	// token mints a token.
	token func(a *config.App, o tokenOptions) (string, error)
}

// dialects are our own API and all vendors of the plan, in the order of the demo's ports.
var dialects = []dialect{
	{
		name: "native", title: "Dragoman API", root: true,
		configured: func(a *config.App) bool { return a.Native.APIKey != "" },
		creds: func(a *config.App) map[string]string {
			return map[string]string{"api_key": a.Native.APIKey, "api_secret": a.Native.APISecret.Reveal()}
		},
		listen: func(*config.App) string { return "" },
		hosts:  func(*config.App) []string { return nil },
		line: func(a *config.App, _, base string) string {
			return fmt.Sprintf(`curl -u %s:<secret> %s/v1/channels`, a.Native.APIKey, base)
		},
		token: nativeToken,
	},
	{
		name: "stream", title: "Stream Chat",
		configured: func(a *config.App) bool { return a.Stream.APIKey != "" },
		creds: func(a *config.App) map[string]string {
			return map[string]string{"api_key": a.Stream.APIKey, "api_secret": a.Stream.APISecret.Reveal()}
		},
		listen: func(a *config.App) string { return a.Stream.Listen },
		hosts:  func(a *config.App) []string { return a.Stream.Hosts },
		line: func(a *config.App, _, base string) string {
			return fmt.Sprintf(`StreamChat.getInstance(%q, { baseURL: %q })`, a.Stream.APIKey, base)
		},
		token: streamToken,
	},
	{
		name: "cometchat", title: "CometChat", secure: true,
		configured: func(a *config.App) bool { return a.CometChat.AppID != "" },
		creds: func(a *config.App) map[string]string {
			return map[string]string{
				"app_id": a.CometChat.AppID, "region": cometRegion(a),
				"full_access_key": a.CometChat.FullAccessKey.Reveal(), "auth_only_key": a.CometChat.AuthOnlyKey.Reveal(),
			}
		},
		listen: func(a *config.App) string { return a.CometChat.Listen },
		hosts: func(a *config.App) []string {
			return cometHosts(a.CometChat.AppID, cometRegion(a))
		},
		line: func(a *config.App, host, _ string) string {
			return fmt.Sprintf(`CometChat.init(%q, new CometChat.AppSettingsBuilder().setRegion(%q).overrideAdminHost("%s/v3.0").overrideClientHost("%s/v3.0").build())`,
				a.CometChat.AppID, cometRegion(a), host, host)
		},
		token: cometToken,
	},
	{
		name: "agora", title: "Agora Chat",
		configured: func(a *config.App) bool { return a.Agora.AppID != "" },
		creds: func(a *config.App) map[string]string {
			g := &a.Agora
			return map[string]string{
				"org": g.Org, "app": g.App, "app_id": g.AppID, "app_certificate": g.AppCertificate.Reveal(),
				"client_id": g.ClientID, "client_secret": g.ClientSecret.Reveal(), "open_registration": strconv.FormatBool(g.OpenRegistration),
				"user_limit": strconv.Itoa(g.UserLimit), "file_lifetime": g.FileLifetime.String(),
			}
		},
		listen: func(a *config.App) string { return a.Agora.Listen },
		hosts:  func(*config.App) []string { return nil },
		line: func(a *config.App, host, base string) string {
			return fmt.Sprintf(`new AgoraChat.connection({ appKey: %q, isHttpDNS: false, url: "ws://%s/websocket", apiUrl: %q })`,
				a.Agora.AppKey(), host, base)
		},
		token: agoraToken,
	},
	{
		name: "nexconn", title: "Nexconn",
		configured: func(a *config.App) bool { return a.Nexconn.AppKey != "" },
		creds: func(a *config.App) map[string]string {
			n := &a.Nexconn
			return map[string]string{
				"app_key": n.AppKey, "app_secret": n.AppSecret.Reveal(),
				"callers": strings.Join(n.Callers, ","), "services_off": strings.Join(n.ServicesOff, ","),
				"quotas":      strings.Join(n.Quotas, ","),
				"webhook_url": n.WebhookURL,
			}
		},
		listen: func(a *config.App) string { return a.Nexconn.Listen },
		hosts:  func(*config.App) []string { return nil },
		line: func(a *config.App, _, base string) string {
			return fmt.Sprintf(`init({ appkey: %q, navigators: [%q] })`, a.Nexconn.AppKey, base)
		},
		token: nexconnToken,
	},
}

// cometDomain is the vendor's domain.
const cometDomain = "cometchat.io"

// cometRegion is the region of the app.
func cometRegion(a *config.App) string { return cmp.Or(a.CometChat.Region, "us") }

// cometHosts are the names under which an app of CometChat is reached: one per service, two labels
// below the vendor's domain, so that a wildcard certificate does not cover them.
func cometHosts(app, region string) []string {
	var out []string
	for _, service := range []string{"api", "apiclient", "websocket", "call"} {
		out = append(out, app+"."+service+"-"+region+"."+cometDomain)
	}
	return out
}

// findDialect finds a dialect by name.
func findDialect(name string) (*dialect, error) {
	var names []string
	for i := range dialects {
		if dialects[i].name == name {
			return &dialects[i], nil
		}
		names = append(names, dialects[i].name)
	}
	return nil, usagef("There is no dialect %q: one of %s.", name, strings.Join(names, ", "))
}
