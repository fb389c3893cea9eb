package cometchat

import (
	"net"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

var (
	_ adapters.Fronting    = (*Dialect)(nil)
	_ adapters.Introducing = (*Dialect)(nil)
)

// AppOf implements adapters.Fronting: calls carry the app id in a header, host names carry it in their
// first label. The handshake of the live link has neither unless it goes to the vendor's own name; with
// one app alone there is nothing to tell apart.
func (d *Dialect) AppOf(rq *adapters.Request) (core.AppID, bool) {
	if t, err := d.tenantOf(rq); err == nil {
		return t.id, true
	}
	if id := managed(rq.Path); d.tenants[id] != nil {
		return d.tenants[id].id, true
	}
	if len(d.tenants) == 1 && rq.Headers.Get("Upgrade") != "" {
		for _, t := range d.tenants {
			return t.id, true
		}
	}
	return 0, false
}

// managed is the app id in a path of the management API: /apps/{appId}/….
func managed(path string) string {
	rest, ok := strings.CutPrefix(path, "/apps/")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// AppOfFrame implements adapters.Introducing: every frame of a client names the app.
func (d *Dialect) AppOfFrame(text bool, data []byte) (core.AppID, bool, bool) {
	f, ok := frame(text, data)
	if !ok {
		return 0, false, false
	}
	id := f.Get("appId")
	if t := d.tenants[id.String()]; t != nil {
		return t.id, true, false
	}
	return 0, false, !id.Exists()
}

// FailsQuietly implements adapters.Fronting: what makes a failure is the body; see ReadError.
func (d *Dialect) FailsQuietly() bool { return true }

// ReadError implements adapters.Fronting.
func (d *Dialect) ReadError(u *normalize.Upstream, body []byte) (normalize.Answer, bool) {
	return ReadError(u, body)
}

// Front implements adapters.Fronting. The app id cannot be another one at the vendor: every frame of the
// live link names it.
func (d *Dialect) Front(app core.AppID, v adapters.VendorApp) (adapters.Front, error) {
	t := d.byApp[app]
	switch {
	case t == nil:
		return nil, fault.AppNotFound.Error("The app does not speak CometChat.")
	case v.Key != "" && v.Key != t.appID:
		return nil, fault.RequestInvalidField.Error("The app id at the vendor has to be the app's own: every frame of the live link names it.")
	}
	return &front{t: t, full: v.Secret, auth: v.AuthKey}, nil
}

// front is one app before its vendor. Empty keys are the same as ours.
type front struct {
	t          *tenant
	full, auth string
}

// Service implements adapters.Front: keys go to the host for servers, tokens to that for clients.
func (f *front) Service(rq *adapters.Request) adapters.Service {
	if rq.Headers.Get("apiKey") != "" || managed(rq.Path) != "" {
		return adapters.ServiceServer
	}
	return adapters.ServiceClient
}

// Resign implements adapters.Front: API keys of ours become those of the vendor. Auth tokens are the
// vendor's own.
func (f *front) Resign(_ *adapters.Request, out adapters.Outgoing) (own adapters.Owned, err error) {
	for _, name := range []string{"apiKey", "secret"} {
		switch key := out.Header(name); {
		case key == "":
		case f.full != "" && f.full != f.t.full && equal(key, f.t.full):
			out.SetHeader(name, f.full)
			own = adapters.OwnCall
		case f.auth != "" && f.auth != f.t.authOnly && f.t.authOnly != "" && equal(key, f.t.authOnly):
			out.SetHeader(name, f.auth)
			own = adapters.OwnCall
		}
	}
	return own, nil
}

// settled are the operations whose answer tells a client where to go on.
var settled = map[string]string{"login": "data.settings.", "getMe": "data.settings.", "getSettings": "data."}

// Rewrites implements adapters.Front.
func (f *front) Rewrites(route string) bool { return settled[route] != "" }

// Rewrite implements adapters.Front: the hosts of the settings become ours. What an app does not tell
// stays untold.
func (f *front) Rewrite(route string, rq *adapters.Request, body []byte) (out []byte, live []string) {
	at := settled[route]
	h := hostsOf(rq, f.t)
	if host := first(body, at, "CHAT_HOST_OVERRIDE", "CHAT_HOST_APP_SPECIFIC", "CHAT_HOST"); host != "" && host != h.chat {
		live = []string{host}
		if port := gjson.GetBytes(body, at+"CHAT_WSS_PORT").String(); port != "" && port != "443" {
			live[0] = net.JoinHostPort(host, port)
		}
	}
	port := strconv.Quote(h.port)
	var list []adapters.Splice
	for _, s := range [][2]string{
		{"CHAT_HOST", h.chat}, {"CHAT_HOST_OVERRIDE", h.chat}, {"CHAT_HOST_APP_SPECIFIC", h.chat}, {"CLIENT_API_HOST", h.client}, {"ADMIN_API_HOST", h.api},
	} {
		list = append(list, adapters.Splice{Path: at + s[0], Value: strconv.Quote(s[1])})
	}
	for _, name := range []string{"CHAT_WSS_PORT", "CHAT_WS_PORT", "CHAT_HTTP_BIND_PORT", "CHAT_HTTPS_BIND_PORT"} {
		list = append(list, adapters.Splice{Path: at + name, Value: port})
	}
	return adapters.SpliceJSON(body, list), live
}

// first is the first member that says something.
func first(body []byte, at string, names ...string) string {
	for _, n := range names {
		if s := gjson.GetBytes(body, at+n).String(); s != "" {
			return s
		}
	}
	return ""
}
