package agora

import (
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

// AppOf implements adapters.Fronting: a path begins with organisation and app, or with the app id. What
// is asked before there is a path names the app in its query. The handshake of the live link names
// nobody; with one app alone there is nothing to tell apart.
func (d *Dialect) AppOf(rq *adapters.Request) (core.AppID, bool) {
	if t := d.inPath(rq.Path); t != nil {
		return t.id, true
	}
	if t := d.byKey[rq.Query.Get("app_key")]; t != nil {
		return t.id, true
	}
	if t := d.byID[strings.ToLower(rq.Query.Get("app_id"))]; t != nil {
		return t.id, true
	}
	if len(d.byApp) == 1 && rq.Headers.Get("Upgrade") != "" {
		for app := range d.byApp {
			return app, true
		}
	}
	return 0, false
}

// inPath finds the app a path begins with.
func (d *Dialect) inPath(path string) *tenant {
	org, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	app, _, _ := strings.Cut(rest, "/")
	if org == appIDSegment {
		return d.byID[strings.ToLower(app)]
	}
	return d.byKey[org+"#"+app]
}

// AppOfFrame implements adapters.Introducing: the frame a client logs in with names the app in its guid.
func (d *Dialect) AppOfFrame(text bool, data []byte) (core.AppID, bool, bool) {
	var f frame
	if text || f.decode(data, 0) != nil {
		return 0, false, text // text frames are ignored by the vendor too
	}
	if f.guid.v == nil || f.guid.v.appKey == "" {
		return 0, false, f.command != cmdProvision
	}
	if t := d.byKey[f.guid.v.appKey]; t != nil {
		return t.id, true, false
	}
	return 0, false, false
}

// FailsQuietly implements adapters.Fronting: the presence service tells failures in "result".
func (d *Dialect) FailsQuietly() bool { return true }

// ReadError implements adapters.Fronting.
func (d *Dialect) ReadError(u *normalize.Upstream, body []byte) (normalize.Answer, bool) {
	if u.Status >= 200 && u.Status < 300 && !strings.Contains(u.Path, "/presence") {
		return normalize.Answer{Status: u.Status}, false
	}
	return ReadError(u, body)
}

// Front implements adapters.Fronting. App key and certificate cannot be others at the vendor: the live
// link names and proves them inside its frames. Key and secret are those of the grant
// client_credentials.
func (d *Dialect) Front(app core.AppID, v adapters.VendorApp) (adapters.Front, error) {
	t := d.byApp[app]
	if t == nil {
		return nil, fault.AppNotFound.Error("The app does not speak Agora Chat.")
	}
	return &front{t: t, id: v.Key, secret: v.Secret}, nil
}

// front is one app before its vendor. Empty credentials are the same as ours.
type front struct {
	t          *tenant
	id, secret string
}

// Service implements adapters.Front: one host for clients and servers.
func (f *front) Service(*adapters.Request) adapters.Service { return adapters.ServiceClient }

// Resign implements adapters.Front: a server that asks for a token with our client id and secret gets
// one for the vendor's. All other tokens are the vendor's own, or signed with the certificate that both
// have.
func (f *front) Resign(rq *adapters.Request, out adapters.Outgoing) (adapters.Owned, error) {
	if f.secret == "" || rq.Method != "POST" || !strings.HasSuffix(rq.Path, "/token") {
		return adapters.OwnNothing, nil
	}
	doc := out.Body()
	id, secret := gjson.GetBytes(doc, "client_id"), gjson.GetBytes(doc, "client_secret")
	if !gjson.ValidBytes(doc) || f.t.clientSecret == "" || !equal(id.String(), f.t.clientID) || !equal(secret.String(), f.t.clientSecret) {
		return adapters.OwnNothing, nil
	}
	out.SetBody(adapters.SpliceJSON(doc, []adapters.Splice{
		{Path: "client_id", Value: strconv.Quote(orElse(f.id, f.t.clientID))}, {Path: "client_secret", Value: strconv.Quote(f.secret)},
	}))
	return adapters.OwnCall, nil
}

// Rewrites implements adapters.Front: an SDK that asks is told where its app's servers are.
func (f *front) Rewrites(route string) bool { return route == "findServers" }

// Rewrite implements adapters.Front: every server is here.
func (f *front) Rewrite(_ string, rq *adapters.Request, body []byte) (out []byte, live []string) {
	host, port := hostPort(rq.Host, rq.Scheme)
	here := `[{"protocol":` + strconv.Quote(orElse(rq.Scheme, "http")) + `,"domain":` + strconv.Quote(host) +
		`,"ip":` + strconv.Quote(host) + `,"port":` + strconv.Itoa(port) + `}]`
	for _, name := range []string{"msync-ws", "msync-wx"} {
		for _, at := range gjson.GetBytes(body, name+".hosts").Array() {
			if h := at.Get("domain").String(); h != "" && len(live) == 0 {
				live = []string{h + ":" + orElse(at.Get("port").String(), "443")}
			}
		}
	}
	return adapters.SpliceJSON(body, []adapters.Splice{
		{Path: "rest.hosts", Value: here}, {Path: "msync-wx.hosts", Value: here}, {Path: "msync-ws.hosts", Value: here}, {Path: "im.hosts", Value: here},
	}), live
}
