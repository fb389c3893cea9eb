package stream

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// Bounds of a query for bans and reports.
const (
	maxBans  = 300
	maxFlags = 300
)

// banQuery is a search for bans; expired ones may be left out.
type banQuery struct {
	core.QueryBans
	current bool
}

// banTimes are the bounds on created_at that the JS SDK sends beside the filter.
var banTimes = []struct {
	name string
	op   core.FilterOp
}{
	{"created_at_after", core.OpGt}, {"created_at_after_or_equal", core.OpGte},
	{"created_at_before", core.OpLt}, {"created_at_before_or_equal", core.OpLte},
}

// decodeQueryBans reads a search for bans from the parameter "payload".
func decodeQueryBans(rq *adapters.Request) (banQuery, error) {
	r, err := wire.QueryOf(rq).Payload("payload")
	if err != nil {
		return banQuery{}, err
	}
	if err := behalf(rq, &r); err != nil {
		return banQuery{}, err
	}
	in := banQuery{current: r.Bool("exclude_expired_bans")}
	in.Filter, in.Sort, in.Page, err = banFilter.query(&r, "filter_conditions", maxBans)
	if err != nil {
		return in, err
	}
	for _, x := range banTimes {
		if at := r.Time(x.name); !at.IsZero() {
			in.Filter = core.And(in.Filter, core.Cond("created_at", x.op, core.Time(at)))
		}
	}
	return in, r.Err()
}

// decodeFutureBans reads a search for bans from channels that do not exist yet: "user_id" is who
// banned.
func decodeFutureBans(rq *adapters.Request) (banQuery, error) {
	r, err := wire.QueryOf(rq).Payload("payload")
	if err != nil {
		return banQuery{}, err
	}
	if err := behalf(rq, &r); err != nil {
		return banQuery{}, err
	}
	in := banQuery{current: r.Bool("exclude_expired_bans")}
	in.Future = true
	in.By = rq.Actor(rq.Caller()).User
	in.Page = core.Page{Limit: r.Int("limit", 0, maxBans), Offset: r.Int("offset", 0, maxOffset)}
	if id := r.Text("target_user_id"); id != "" {
		in.Filter = core.Cond("user", core.OpEq, core.Text(id))
	}
	return in, r.Err()
}

// queryBans reads bans and leaves out those that are over, if asked to.
func (d *Dialect) queryBans(ctx context.Context, by core.Actor, in banQuery) ([]core.Ban, error) {
	if in.current {
		in.Filter = core.And(in.Filter, core.Filter{Op: core.OpOr, Sub: []core.Filter{
			core.Cond("expires", core.OpExists, core.Bool(false)), core.Cond("expires", core.OpGt, core.Time(d.now())),
		}})
	}
	return d.core.Moderation.Bans(ctx, by, in.QueryBans)
}

// encodeBans answers a list of bans.
func encodeBans(w *wire.Writer, _ *adapters.Request, bs []core.Ban) {
	w.List("bans")
	for i := range bs {
		writeBan(w, &bs[i])
	}
	w.CloseList()
}

// writeBan writes a ban. Of its channel only the names are known here.
func writeBan(w *wire.Writer, b *core.Ban) {
	w.Open()
	w.Key("user")
	writeUserOr(w, b.Target, b.User)
	if b.By != "" {
		w.Key("banned_by")
		writeUserOr(w, b.Banner, b.By)
	}
	if b.Channel != "" {
		typ, id := b.Channel.Split()
		w.Object("channel")
		w.Text("id", id)
		w.Text("type", typ)
		w.Text("cid", typ+":"+id)
		w.Close()
	}
	w.TextIf("reason", b.Reason)
	w.Bool("shadow", b.Shadow)
	w.BoolIf("ip_ban", b.IP)
	w.TimeIf("expires", b.Expires)
	w.Time("created_at", b.CreatedAt)
	w.Close()
}

// decodeQueryFlags reads a search for reports: of messages from the parameter "payload", of
// everything from the body.
func decodeQueryFlags(messages bool) func(*adapters.Request) (core.QueryFlags, error) {
	return func(rq *adapters.Request) (core.QueryFlags, error) {
		in := core.QueryFlags{Messages: messages}
		r, err := body(rq)
		if messages {
			r, err = wire.QueryOf(rq).Payload("payload")
		}
		if err != nil {
			return in, err
		}
		if err := behalf(rq, &r); err != nil {
			return in, err
		}
		in.Filter, in.Sort, in.Page, err = flagFilter.query(&r, "filter_conditions", maxFlags)
		return in, err
	}
}
