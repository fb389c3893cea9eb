package agora

import (
	"context"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// answer is one answer under way: its writer, and what the envelope needs beside.
type answer struct {
	*wire.Writer
	d        *Dialect
	t        *tenant
	rq       *adapters.Request
	began    time.Time
	entities bool

	properties bool // the operation has written its own
}

// family is the kind of envelope an operation answers with; the vendor's services differ.
type family uint8

// The families.
const (
	full   family = iota // action, application, uri, entities, data, …
	meta                 // timestamp, data, duration
	status               // requestStatusCode, timestamp, data
	plain                // what the operation writes and no more
)

// op builds a route: call does it, encode writes the operation's own members of the answer.
func op[Out any](d *Dialect, f family, method, path, name string,
	call func(context.Context, core.Actor, *adapters.Request) (Out, error),
	encode func(*answer, Out),
) adapters.Route {
	return adapters.Route{
		Method: method, Path: root + path, Name: name,
		Serve: func(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
			began := d.now()
			t, err := d.tenantOf(rq)
			if err != nil {
				return err
			}
			out, err := call(origin(ctx, rq), by, rq)
			if err != nil {
				return err
			}
			a := &answer{Writer: wire.NewWriter(1024), d: d, t: t, rq: rq, began: began}
			a.Open()
			if f == status {
				a.Text("requestStatusCode", "ok")
			}
			encode(a, out)
			a.frame(f)
			a.Close()
			rs.Body = a.Bytes()
			return nil
		},
	}
}

// frame writes the members around the operation's own.
func (a *answer) frame(f family) {
	if f == plain {
		return
	}
	if f == full {
		if !a.entities {
			a.List("entities")
			a.CloseList()
		}
		a.Text("action", strings.ToLower(a.rq.Method))
		a.Text("application", a.t.uuid)
		a.Text("applicationName", a.t.app)
		a.Text("organization", a.t.org)
		a.Text("path", a.path())
		a.Text("uri", a.uri())
		a.params()
		if !a.properties {
			a.Object("properties")
			a.Close()
		}
	}
	now := a.d.now()
	a.Int64("timestamp", now.UnixMilli())
	if f != status {
		a.Int64("duration", now.Sub(a.began).Milliseconds())
	}
}

// path is the path of the request below the app.
func (a *answer) path() string {
	seg := strings.SplitN(a.rq.Path, "/", 4)
	if len(seg) < 4 {
		return "/"
	}
	return "/" + seg[3]
}

// uri is the whole address of the request: the web SDK looks into it. See dossier (b).
func (a *answer) uri() string { return a.d.base(a.rq) + a.rq.Path }

// base is the address under which this dialect is reached.
func (d *Dialect) base(rq *adapters.Request) string {
	if b := strings.TrimSuffix(d.env.PublicURL, "/"); b != "" {
		return b
	}
	return orElse(rq.Scheme, "http") + "://" + rq.Host + rq.Prefix
}

// params echoes the query, but for what keeps caches apart.
func (a *answer) params() {
	if len(a.rq.Query) == 0 {
		return
	}
	a.Object("params")
	seen := map[string]bool{"_v": true}
	for _, p := range a.rq.Query {
		if !seen[p.Name] && len(seen) < 20 {
			seen[p.Name] = true
			a.KeyOf(strings.ToValidUTF8(p.Name, "\ufffd"))
			a.OpenList()
			for _, v := range a.rq.Query.All(p.Name) {
				a.Item(strings.ToValidUTF8(v, "\ufffd"))
			}
			a.CloseList()
		}
	}
	a.Close()
}

// Entities begins the list of that name; the envelope writes an empty one otherwise.
func (a *answer) Entities() {
	a.entities = true
	a.List("entities")
}

// names answers a list of names with their number.
func names[S ~string](a *answer, list []S) {
	a.List("data")
	for _, s := range list {
		a.Item(string(s))
	}
	a.CloseList()
	a.Int("count", len(list))
}

// none is the result of operations that have nothing to say.
type none struct{}

// nothing writes no members of its own.
func nothing(*answer, none) {}
