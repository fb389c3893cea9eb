package stream

import (
	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// reactionRoutes are the operations on reactions to messages.
func (d *Dialect) reactionRoutes() []adapters.Route {
	rs := d.core.Reactions
	return []adapters.Route{
		op(d, "POST", "/messages/:id/reaction", "SendReaction", decodeReaction, rs.Add, encodeReacted),
		op(d, "DELETE", "/messages/:id/reaction/:type", "DeleteReaction", decodeUnreact, rs.Remove, encodeReacted),
		op(d, "GET", "/messages/:id/reactions", "GetReactions", decodeReactions, rs.List, encodeReactions),
		op(d, "POST", "/messages/:id/reactions", "QueryReactions", decodeQueryReactions, rs.List, encodeReactionPage),
	}
}

func encodeReacted(w *wire.Writer, _ *adapters.Request, r core.Reacted) {
	w.Key("message")
	writeMessage(w, &r.Message)
	w.Key("reaction")
	writeReaction(w, &r.Reaction)
}

func encodeReactions(w *wire.Writer, _ *adapters.Request, p core.ReactionPage) {
	writeReactions(w, "reactions", p.Reactions)
}

func encodeReactionPage(w *wire.Writer, _ *adapters.Request, p core.ReactionPage) {
	writeReactions(w, "reactions", p.Reactions)
	w.TextIf("next", p.Next)
	w.TextIf("prev", p.Prev)
}

// maxReactionType bounds the name of a reaction in bytes.
const maxReactionType = 30

func decodeReaction(rq *adapters.Request) (core.AddReaction, error) {
	in := core.AddReaction{Message: rq.Param("id")}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	x, ok := r.Object("reaction")
	if !ok {
		r.Fail("reaction", "is a required field", fault.RequestMissingField)
		return in, r.Err()
	}
	if in.Type = x.Need("type"); len(in.Type) > maxReactionType {
		x.Fail("type", "must be at most 30 characters", fault.RequestFieldTooLong)
	}
	in.Score = x.Int("score", 0, 1<<30)
	in.Unique = r.Bool("enforce_unique")
	in.Extra = custom(&x, reactionNames, maxReactionData)
	if err := r.Err(); err != nil {
		return in, err
	}
	id := named(&adapters.Request{}, &x)
	if id == "" || !rq.Caller().Server() {
		id = named(rq, &r)
	}
	return in, actFor(rq, id)
}

func decodeUnreact(rq *adapters.Request) (core.RemoveReaction, error) {
	return core.RemoveReaction{Message: rq.Param("id"), Type: rq.Param("type")}, behalf(rq, nil)
}

func decodeReactions(rq *adapters.Request) (core.ListReactions, error) {
	q := wire.QueryOf(rq)
	in := core.ListReactions{Message: rq.Param("id"), Page: core.Page{Limit: q.Int("limit", 0, maxMessagePage), Offset: q.Int("offset", 0, maxOffset)}}
	return in, firstErr(q.Err(), behalf(rq, nil))
}

func decodeQueryReactions(rq *adapters.Request) (core.ListReactions, error) {
	in := core.ListReactions{Message: rq.Param("id")}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.Filter, in.Sort, in.Page, err = reactionFilter.query(&r, "filter", maxMessagePage)
	return in, firstErr(err, behalf(rq, &r))
}
