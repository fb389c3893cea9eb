package agora

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// bootRoutes are what clients ask before they have a token. They are reached without the app's path.
func (d *Dialect) bootRoutes() []adapters.Route {
	return []adapters.Route{
		{Method: "GET", Path: "/easemob/server.json", Name: "findServers", Gate: adapters.GateOpen, Doc: "where an app's servers are, for SDKs that ask", Serve: d.servers},
	}
}

// servers tells an SDK where its app is served: here. See dossier (f): the SDK takes hosts by
// protocol and builds its own addresses.
func (d *Dialect) servers(_ context.Context, _ core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	t := d.byKey[rq.Query.Get("app_key")]
	if id := rq.Query.Get("app_id"); t == nil && id != "" {
		t = d.byID[id]
	}
	if t == nil {
		return noApp(rq.Query.Get("app_key"), rq.Query.Get("app_id"))
	}
	host, port := hostPort(rq.Host, rq.Scheme)
	w := wire.NewWriter(512)
	w.Open()
	w.Text("app_key", t.key())
	w.Text("file_version", "1")
	for _, name := range []string{"rest", "msync-wx", "msync-ws", "im"} {
		w.Object(name)
		w.List("hosts")
		w.Open()
		w.Text("protocol", orElse(rq.Scheme, "http"))
		w.Text("domain", host)
		w.Text("ip", host)
		w.Int("port", port)
		w.Close()
		w.CloseList()
		w.Close()
	}
	w.Text("enableReportLogs", "false")
	w.Text("enableDataReport", "false")
	w.Close()
	rs.Body = w.Bytes()
	return nil
}
