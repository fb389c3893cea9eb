package nexconn

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

var _ adapters.Fronting = (*Dialect)(nil)

// AppOf implements adapters.Fronting: servers sign with the App-Key, clients send it to the navigator
// and in the address of the live link.
func (d *Dialect) AppOf(rq *adapters.Request) (core.AppID, bool) {
	for _, key := range []string{header(rq, "App-Key"), rq.Headers.Get("RC-Appkey"), rq.Query.Get("appId")} {
		if t := d.byKey[key]; t != nil {
			return t.id, true
		}
	}
	return 0, false
}

// FailsQuietly implements adapters.Fronting: the code in the body decides, even with a good status.
func (d *Dialect) FailsQuietly() bool { return true }

// ReadError implements adapters.Fronting.
func (d *Dialect) ReadError(u *normalize.Upstream, body []byte) (normalize.Answer, bool) {
	return ReadError(u, body)
}

// Front implements adapters.Fronting.
func (d *Dialect) Front(app core.AppID, v adapters.VendorApp) (adapters.Front, error) {
	t := d.byApp[app]
	if t == nil {
		return nil, fault.AppNotFound.Error("The app does not speak Nexconn.")
	}
	f := &front{d: d, t: t, key: v.Key, secret: v.Secret}
	if f.key == t.key {
		f.key = ""
	}
	if f.secret == t.secret {
		f.secret = ""
	}
	return f, nil
}

// front is one app before its vendor. Empty credentials are the same as ours.
type front struct {
	d           *Dialect
	t           *tenant
	key, secret string
}

// Service implements adapters.Front: signed calls go to the server API, the others to the navigator.
func (f *front) Service(rq *adapters.Request) adapters.Service {
	if header(rq, "Signature") != "" {
		return adapters.ServiceServer
	}
	return adapters.ServiceClient
}

// Resign implements adapters.Front: the App-Key is swapped wherever it stands, and what is signed with
// our secret is signed with the vendor's. Access tokens are the vendor's own.
func (f *front) Resign(rq *adapters.Request, out adapters.Outgoing) (own adapters.Owned, err error) {
	if f.key != "" {
		for _, name := range []string{"App-Key", "RC-App-Key", "RC-Appkey"} {
			if out.Header(name) == f.t.key {
				out.SetHeader(name, f.key)
				own = adapters.OwnKey
			}
		}
		if rq.Query.Get("appId") == f.t.key {
			out.SetQuery(adapters.SetParam(out.Query(), "appId", url.QueryEscape(f.key)))
			own = adapters.OwnKey
		}
	}
	nonce, stamp, sign := header(rq, "Nonce"), header(rq, "Timestamp"), header(rq, "Signature")
	if f.secret == "" || sign == "" {
		return own, nil
	}
	if !signedBy(f.t.secret, nonce, stamp, sign) {
		return own, nil // not ours to vouch for
	}
	for _, name := range []string{"Signature", "RC-Signature"} {
		if out.Header(name) != "" {
			out.SetHeader(name, Sign(f.secret, nonce, stamp))
		}
	}
	return adapters.OwnCall, nil
}

// issued are the operations whose answer carries a token that may steer its client to a host.
var issued = map[string]bool{"auth.access-token.issue": true}

// Rewrites implements adapters.Front.
func (f *front) Rewrites(route string) bool { return route == "navi" || issued[route] }

// Rewrite implements adapters.Front: the navigator's answer leads the live link and the pulls of streams
// here; an access token steers its client here.
func (f *front) Rewrite(route string, rq *adapters.Request, body []byte) (out []byte, live []string) {
	if issued[route] {
		token, _, _ := strings.Cut(gjson.GetBytes(body, "result.accessToken").String(), "@")
		if token == "" {
			return body, nil
		}
		return adapters.SpliceJSON(body, []adapters.Splice{{Path: "result.accessToken", Value: strconv.Quote(token + f.d.steer(rq))}}), nil
	}
	for _, at := range gjson.GetBytes(body, "serverAddr").Array() {
		switch addr := at.Get("addr").String(); {
		case addr == "":
		case at.Get("protocol").Int() == protoWSS:
			live = append(live, "wss://"+addr)
		default:
			live = append(live, "ws://"+addr)
		}
	}
	if len(live) == 0 {
		live = old(body)
	}
	addr, secure := f.d.address(rq)
	here := func(protocol int) string {
		return `[{"addr":` + strconv.Quote(addr) + `,"protocol":` + strconv.Itoa(protocol) + `,"weight":10}]`
	}
	return adapters.SpliceJSON(body, []adapters.Splice{
		{Path: "serverAddr", Value: here(pick(secure, protoWSS, protoWS))},
		{Path: "server", Value: strconv.Quote(addr)}, {Path: "backupServer", Value: `""`},
		{Path: "streamServer.addrs", Value: here(pick(secure, protoHTTPS, protoHTTP))},
	}), live
}

// old reads the addresses of a navigator that has no list of them.
func old(body []byte) (live []string) {
	for _, name := range []string{"server", "backupServer"} {
		for addr := range strings.SplitSeq(gjson.GetBytes(body, name).String(), ",") {
			if addr = strings.TrimSpace(addr); addr != "" {
				live = append(live, addr)
			}
		}
	}
	return live
}
