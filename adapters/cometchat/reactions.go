package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// reactionRoutes are the operations on reactions. The documentation has the reaction in the path
// in one place and in the body in another.
func (d *Dialect) reactionRoutes() []adapters.Route {
	return []adapters.Route{
		op("POST", "/messages/:id/reactions", "addReactionInBody", d.react, encodeMessage),
		op("POST", "/messages/:id/reactions/:reaction", "addReaction", d.react, encodeMessage),
		op("DELETE", "/messages/:id/reactions/:reaction", "removeReaction", d.unreact, encodeMessage),
		op("GET", "/messages/:id/reactions", "listReactions", d.listReactions, encodeReactions),
		op("GET", "/messages/:id/reactions/:reaction", "listReactionsOf", d.listReactions, encodeReactions),
	}
}

// react adds the actor's reaction. Adding it again changes nothing.
func (d *Dialect) react(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	kind := rq.Param("reaction")
	if kind == "" {
		r, err := body(rq)
		if err != nil {
			return shown{}, invalid(err)
		}
		if kind = r.Need("reaction"); kind == "" {
			return shown{}, invalid(r.Err())
		}
	}
	return d.reacted(ctx, by, rq, func(ctx context.Context, by core.Actor, id string) (core.Reacted, error) {
		return d.core.Reactions.Add(ctx, by, core.AddReaction{Message: id, Type: kind})
	})
}

func (d *Dialect) unreact(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	return d.reacted(ctx, by, rq, func(ctx context.Context, by core.Actor, id string) (core.Reacted, error) {
		return d.core.Reactions.Remove(ctx, by, core.RemoveReaction{Message: id, Type: rq.Param("reaction")})
	})
}

// reacted changes reactions and answers the whole message.
func (d *Dialect) reacted(ctx context.Context, by core.Actor, rq *adapters.Request, change func(context.Context, core.Actor, string) (core.Reacted, error)) (shown, error) {
	if err := needUser(by); err != nil {
		return shown{}, err
	}
	by = reader(by)
	h, err := d.find(ctx, by, rq.Param("id"))
	if err != nil {
		return shown{}, err
	}
	if h.Message.Notice != nil {
		return shown{}, fault.MessageActionNotAllowed.Error("Action and call messages have no reactions.")
	}
	out, err := change(ctx, by, h.Message.ID.String())
	switch {
	case fault.IsReason(err, fault.PermissionDenied):
		err = fault.MessageAccessDenied.Error("The message is not accessible to this user.")
	case fault.IsReason(err, fault.ResourceNotFound):
		err = fault.RequestInvalid.Error("The user has not reacted so.")
	}
	if err != nil {
		return shown{}, err
	}
	h.Message = out.Message
	return d.seen(ctx, by, &h)
}

// maxReactions is how many reactions one page has.
const maxReactions = 20

// listReactions lists who has reacted, oldest first.
func (d *Dialect) listReactions(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[core.Reaction], error) {
	var out listed[core.Reaction]
	var err error
	by = reader(by)
	if out.page, err = pageOf(rq, 10, maxReactions); err != nil {
		return out, err
	}
	h, err := d.find(ctx, by, rq.Param("id"))
	if err != nil {
		return out, err
	}
	var f core.Filter
	if kind := rq.Param("reaction"); kind != "" {
		f = core.Cond("type", core.OpEq, core.Text(kind))
	}
	affix, from := rq.Query.Get("affix"), rq.Query.Get("id")
	page, err := d.core.Reactions.List(ctx, by, core.ListReactions{
		Message: h.Message.ID.String(), Filter: f, Sort: []core.Sort{{Field: "created_at"}}, Page: core.Page{Limit: 300},
	})
	if err != nil {
		return out, err
	}
	all := page.Reactions
	for i := range all {
		if from != "" && reactionID(&all[i]) == from {
			if affix == "append" {
				all = all[i+1:]
			} else {
				all = all[:i]
			}
			break
		}
	}
	if out.more = len(all) > out.size; out.more {
		if affix == "append" {
			all = all[:out.size]
		} else {
			all = all[len(all)-out.size:]
		}
	}
	out.items, out.count = all, len(all)
	return out, nil
}

// encodeReactions writes a page of reactions with the cursors of both directions.
func encodeReactions(w *wire.Writer, _ *adapters.Request, l listed[core.Reaction]) {
	w.List("data")
	for i := range l.items {
		writeReaction(w, &l.items[i])
	}
	w.CloseList()
	w.Object("meta")
	l.writePagination(w)
	if n := len(l.items); n > 0 {
		for _, c := range []struct {
			name, affix string
			at          *core.Reaction
		}{{"next", "append", &l.items[n-1]}, {"previous", "prepend", &l.items[0]}} {
			w.Object(c.name)
			w.Text("affix", c.affix)
			w.Text("id", reactionID(c.at))
			unix(w, "reactedAt", c.at.CreatedAt)
			w.Close()
		}
	}
	w.Close()
}
