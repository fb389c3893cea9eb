package nexconn

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// answer writes the members of "result"; nil for calls that only say that they worked.
type answer func(*wire.Writer)

// handler is one operation: it reads the body, runs commands of the core and says what to answer.
type handler func(ctx context.Context, by core.Actor, in *input) (answer, error)

// input is what an operation reads.
type input struct {
	wire.Reader
	rq *adapters.Request
}

// operation is one row of the table of operations.
type operation struct {
	path   string // below /v4
	family family // whose words its failures are told in
	rate   int    // calls per second
	serve  handler
	alias  string // another path of the same operation, "" for none
}

// operations is every operation that is served.
func (d *Dialect) operations() []operation {
	return slices.Concat(
		d.userOps(),
		d.profileOps(),
		d.friendOps(),
		d.messageOps(),
		d.historyOps(),
		d.metadataOps(),
		d.streamOps(),
		d.systemOps(),
		d.settingsOps(),
		d.groupOps(),
		d.memberOps(),
		d.groupSpeechOps(),
		d.openOps(),
		d.openPeopleOps(),
		d.priorityOps(),
		d.communityOps(),
		d.memberGroupOps(),
		d.communitySpeechOps(),
		d.profanityOps(),
	)
}

// table is every operation as a route, sorted by path.
func (d *Dialect) table() []adapters.Route {
	all := d.linkRoutes()
	ops := d.operations()
	all = append(all, d.classicRoutes(ops)...)
	for _, o := range ops {
		all = append(all, d.route(&o, o.path, ""))
		if o.alias != "" {
			all = append(all, d.route(&o, o.alias, ".alias"))
		}
	}
	slices.SortFunc(all, func(a, b adapters.Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

// route is an operation under one of its paths.
func (d *Dialect) route(o *operation, path, suffix string) adapters.Route {
	serve, family := o.serve, o.family
	return adapters.Route{
		Method: "POST", Path: "/v4" + path, Gate: adapters.GateServer, Quota: 60 * o.rate,
		Name: strings.ReplaceAll(strings.TrimPrefix(o.path, "/"), "/", ".") + suffix,
		Serve: func(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
			r, err := wire.Parse(rq.Body)
			if err != nil {
				return unreadable(err)
			}
			out, err := serve(ctx, by, &input{r, rq})
			if err != nil {
				return family.say(err)
			}
			w := wire.NewWriter(256)
			w.Open()
			w.Int("code", okV4)
			if out != nil {
				w.Object("result")
				out(w)
				w.Close()
			}
			w.Close()
			rs.Body = w.Bytes()
			return nil
		},
	}
}
