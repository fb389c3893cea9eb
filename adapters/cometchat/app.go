package cometchat

import (
	"net"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
)

func (d *Dialect) encodeSettings(w *wire.Writer, rq *adapters.Request, in loggedIn) {
	w.Key("data")
	d.writeSettings(w, rq, in.t)
}

// hosts are the names under which a client reaches this server's services.
type hosts struct{ api, client, chat, port string }

// hostsOf tells a client where to go on: to the vendor's own names if it came by one of them, else
// to where it is.
func hostsOf(rq *adapters.Request, t *tenant) hosts {
	host, port, err := net.SplitHostPort(rq.Host)
	if err != nil {
		host, port = rq.Host, "443"
		if rq.Scheme == "http" {
			port = "80"
		}
	}
	h := hosts{api: rq.Host, client: rq.Host, chat: host, port: port}
	if strings.HasSuffix(host, ".cometchat.io") {
		tail := ""
		if port != "443" {
			tail = ":" + port
		}
		h.api = t.appID + ".api-" + t.region + ".cometchat.io" + tail
		h.client = t.appID + ".apiclient-" + t.region + ".cometchat.io" + tail
		h.chat = t.appID + ".websocket-" + t.region + ".cometchat.io"
	}
	return h
}

// parameters are the switches of features, by the vendor's names.
var parameters = []struct {
	name string
	on   bool
}{
	{"core.conversations.updateOnCallActivity", true},
	{"core.conversations.updateOnGroupActions", true},
	{"core.conversations.updateOnCustomMessage", true},
	{"core.conversations.updateOnReplies", true},
}

// writeSettings writes what a client goes by; the names are in capitals for all of them. iOS wants
// the port as a text.
func (d *Dialect) writeSettings(w *wire.Writer, rq *adapters.Request, t *tenant) {
	h := hostsOf(rq, t)
	w.Open()
	for _, s := range [][2]string{
		{"CHAT_HOST", h.chat}, {"CHAT_WSS_PORT", h.port}, {"CHAT_WS_PORT", h.port}, {"CHAT_HTTP_BIND_PORT", h.port},
		{"CHAT_HTTPS_BIND_PORT", h.port}, {"CLIENT_API_HOST", h.client}, {"ADMIN_API_HOST", h.api}, {"CHAT_API_VERSION", "v3.0"},
		{"WS_API_VERSION", "v1"}, {"REGION", t.region}, {"MODE", "DEFAULT"}, {"MAIN_DOMAIN", "cometchat.io"},
		{"EXTENSION_DOMAIN", "cometchat.io"}, {"ANALYTICS_HOST", h.api}, {"ANALYTICS_VERSION", "v1"},
		{"GROUP_SERVICE", "conference." + h.chat}, {"CALL_SERVICE", "call." + h.chat},
		{"WEBRTC_HOST", h.chat}, {"WEBRTC_API_SUBDOMAIN", "rtc"}, {"settingsHash", tokenHash(t.appID + h.client)},
	} {
		w.Text(s[0], s[1])
	}
	w.Int("CHAT_USE_SSL", 1)
	w.Int("APP_VERSION", 4)
	w.Bool("POLLING_ENABLED", false)
	w.Bool("DENY_FALLBACK_TO_POLLING", true)
	w.Int("ANALYTICS_USE_SSL", 1)
	w.Bool("ANALYTICS_PING_DISABLED", true)
	unix(w, "settingsHashReceivedAt", d.now())
	w.List("extensions")
	w.CloseList()
	w.Object("parameters")
	for _, p := range parameters {
		w.Bool(p.name, p.on)
	}
	w.Close()
	w.Int("file.size.max", maxFile)
	w.Int("file.count.max", maxFiles)
	w.Close()
}
