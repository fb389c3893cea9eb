package stream

import (
	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// memberRoutes are the operations on members of channels. Adding and removing them is an update
// of the channel.
func (d *Dialect) memberRoutes() []adapters.Route {
	ch := d.core.Channels
	return []adapters.Route{
		op(d, "GET", "/members", "QueryMembers", decodeQueryMembers, ch.Members, func(w *wire.Writer, _ *adapters.Request, ms []core.Member) {
			writeMembers(w, "members", ms)
		}),
		op(d, "PATCH", "/channels/:type/:id/member", "UpdateMemberPartial", decodePatchMember, ch.PatchMember, encodeMember),
		op(d, "PATCH", "/channels/:type/:id/member/:user_id", "UpdateMemberPartialByID", decodePatchMember, ch.PatchMember, encodeMember),
	}
}

func encodeMember(w *wire.Writer, _ *adapters.Request, m core.Member) {
	w.Key("channel_member")
	writeMember(w, &m)
}

// readMembers reads a list of people to add: ids, or objects with user_id, channel_role and custom
// fields.
func readMembers(r *wire.Reader, name string) []core.MemberInput {
	var out []core.MemberInput
	r.Each(name, maxMembers, func(i int, v gjson.Result) {
		if v.Type == gjson.String {
			if v.Str == "" {
				r.Fail(name, "must have no empty ids", fault.RequestInvalidField)
			}
			out = append(out, core.MemberInput{User: core.UserID(v.Str)})
			return
		}
		o, ok := r.ItemObject(name, i, v)
		if !ok {
			return
		}
		m := core.MemberInput{User: core.UserID(o.Text("user_id")), ChannelRole: o.Text("channel_role"), Extra: custom(&o, memberNames, maxCustom)}
		if u, ok := o.Look("user"); ok && m.User == "" {
			m.User = core.UserID(u.Get("id").String())
		}
		if m.User == "" {
			o.Fail("user_id", "is a required field", fault.RequestMissingField)
		}
		out = append(out, m)
	})
	return out
}

// decodeQueryMembers reads the payload parameter: members of a channel, or of the distinct channel
// of the people named.
func decodeQueryMembers(rq *adapters.Request) (core.QueryMembers, error) {
	var in core.QueryMembers
	r, err := wire.QueryOf(rq).Payload("payload")
	if err != nil {
		return in, err
	}
	if in.Filter, in.Sort, in.Page, err = memberFilter.query(&r, "filter_conditions", maxMembers); err != nil {
		return in, err
	}
	in.Type = r.Need("type")
	if id := r.Text("id"); id != "" {
		in.Key = core.KeyOf(in.Type, id)
	} else {
		for _, m := range readMembers(&r, "members") {
			in.Direct = append(in.Direct, m.User)
		}
		if len(in.Direct) == 0 {
			r.Fail("id", "or members must be given", fault.RequestMissingField)
		}
	}
	return in, firstErr(r.Err(), behalf(rq, &r))
}

// decodePatchMember reads a partial update {set, unset} of a membership. The member is the user of
// the path, of the query, or the caller.
func decodePatchMember(rq *adapters.Request) (core.PatchMember, error) {
	in := core.PatchMember{Key: keyParam(rq), User: core.UserID(orElse(rq.Param("user_id"), rq.Query.Get("user_id")))}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	p := patchOf(&r)
	in.Change = func(m *core.Member) error {
		return p.each(func(name string, v gjson.Result) error { return patchMember(m, name, v) })
	}
	return in, firstErr(r.Err(), actFor(rq, named(rq, &r)))
}
