package nexconn

import (
	"context"
	"net/url"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// linkRoutes are the calls that clients make beside their live link. Browsers ask for leave first, since
// the calls bear headers of the vendor.
func (d *Dialect) linkRoutes() []adapters.Route {
	return []adapters.Route{
		{Method: "POST", Path: "/v2/navi.json", Name: "navi", Gate: adapters.GateOpen, Serve: d.navi},
		{Method: "OPTIONS", Path: "/v2/navi.json", Name: "navi.preflight", Gate: adapters.GateOpen, Serve: preflight},
		{Method: "GET", Path: "/v3/message/get_stream.json", Name: "stream.pull", Gate: adapters.GateOpen, Slow: true, Serve: d.pullStream},
		{Method: "OPTIONS", Path: "/v3/message/get_stream.json", Name: "stream.pull.preflight", Gate: adapters.GateOpen, Serve: preflight},
	}
}

// open says that pages of any origin may read the answer: what protects it is the token.
func open(rs *adapters.Response) {
	rs.Set("Access-Control-Allow-Origin", "*")
	rs.Set("Access-Control-Allow-Headers", "RC-Appkey, RC-Negotiate, Content-Type, App-Key, Authorization")
	rs.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	rs.Set("Access-Control-Max-Age", "86400")
}

// preflight answers a browser that asks whether a page may call.
func preflight(_ context.Context, _ core.Actor, _ *adapters.Request, rs *adapters.Response) error {
	open(rs)
	rs.Status, rs.ContentType = 204, "text/plain"
	return nil
}

// Protocols of addresses that navigation tells.
const (
	protoWS    = 5
	protoWSS   = 6
	protoHTTP  = 11
	protoHTTPS = 12
)

// navi tells a client where its live link is and what the app can do. The SDK takes 401 and 403 for a
// bad token and everything else but 200 for a navigator to pass over.
func (d *Dialect) navi(ctx context.Context, _ core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	open(rs)
	form, err := url.ParseQuery(string(rq.Body))
	if err != nil {
		return fault.RequestInvalid.Error("The body is not a form.")
	}
	by, err := d.login(ctx, rq.Headers.Get("RC-Appkey"), form.Get("token"))
	if err != nil {
		status := 403
		if s := connStatus(err); s == connUnavailable {
			status = 503
		}
		w := wire.NewWriter(64)
		w.Open()
		w.Int("code", status)
		w.Close()
		rs.Status, rs.Body = status, w.Bytes()
		return nil
	}
	addr, secure := d.address(rq)
	w := wire.NewWriter(1024)
	w.Open()
	w.Int("code", 200)
	w.Text("userId", string(by.User))
	w.Int("type", 0)
	w.List("serverAddr")
	writeAddr(w, addr, pick(secure, protoWSS, protoWS))
	w.CloseList()
	for _, f := range naviFlags {
		w.Int(f.name, f.value)
	}
	w.Object("streamServer")
	w.List("addrs")
	writeAddr(w, addr, pick(secure, protoHTTPS, protoHTTP))
	w.CloseList()
	w.Close()
	w.Close()
	rs.Body = w.Bytes()
	return nil
}

// naviFlags are the switches of a client. openHistoryMsg 0 lets the server push messages as they come;
// with 1 a pushed message is only a hint to pull. userProfile 1 is what friends, profiles and hosted
// groups wait for; serverSaveUnread 0 leaves counting to the client; grpRRVer 4 are receipts of single
// messages, of which an app has one version only.
var naviFlags = []struct {
	name  string
	value int
}{
	{"openAnti", 0}, {"openHistoryMsg", 0}, {"serverSaveUnread", 0}, {"kvStorage", 1}, {"joinMChrm", 1}, {"openUS", 1},
	{"sessionCfg", 1}, {"ugMsg", 1}, {"ugDriven", 0}, {"grpRRVer", 4}, {"baggageEnabled", 0}, {"supportRecallRefactor", 0},
	{"userProfile", 1}, {"logSwitch", 0}, {"subDriven", 1},
}

func pick(yes bool, a, b int) int {
	if yes {
		return a
	}
	return b
}

// writeAddr writes one address.
func writeAddr(w *wire.Writer, addr string, protocol int) {
	w.Open()
	w.Text("addr", addr)
	w.Int("protocol", protocol)
	w.Int("weight", 10)
	w.Close()
}

// address is where the client reaches this server, without a scheme, and whether that is by TLS. The
// SDK appends the path of the link to it, so a prefix may be part of it.
func (d *Dialect) address(rq *adapters.Request) (string, bool) {
	base := d.env.PublicURL
	if base == "" {
		base = rq.Scheme + "://" + rq.Host + rq.Prefix
	}
	host, plain := strings.CutPrefix(base, "http://")
	return strings.TrimPrefix(host, "https://"), !plain
}
