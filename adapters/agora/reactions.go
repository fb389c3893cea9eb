package agora

import (
	"context"
	"slices"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of reactions.
const (
	maxReaction      = 128 // bytes of one
	maxReactedIDs    = 20  // messages of one call
	maxReactionUsers = 50
	maxReactionTypes = 20 // different ones of a message
)

// reactionRoutes are the operations on reactions.
func (d *Dialect) reactionRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, status, "POST", "/reaction/user/:username", "addReaction", d.react, encodeReacted),
		op(d, status, "DELETE", "/reaction/user/:username", "removeReaction", d.unreact, nothing),
		op(d, status, "GET", "/reaction/user/:username", "listReactions", d.reactions, encodeReactions),
		op(d, status, "GET", "/reaction/user/:username/detail", "getReaction", d.reactionDetail, encodeReactionDetail),
	}
}

// reacted is a reaction that was added.
type reacted struct {
	core.Reacted
	venue *venue
}

// reactionID names a reaction of a message.
func reactionID(m core.MessageID, typ string) string { return uuidOf("reaction", m.String(), typ) }

func (d *Dialect) react(ctx context.Context, by core.Actor, rq *adapters.Request) (reacted, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return reacted{}, err
	}
	r, err := body(rq)
	if err != nil {
		return reacted{}, err
	}
	v, _ := r.Look("msgId")
	id, typ := textOf(v), r.TextMax("message", maxReaction)
	if err := r.Err(); err != nil {
		return reacted{}, err
	}
	if id == "" || typ == "" {
		return reacted{}, fault.RequestMissingField.Error("msgId and message are required")
	}
	h, err := d.visible(ctx, by, id)
	if err != nil {
		return reacted{}, err
	}
	if slices.ContainsFunc(h.Message.OwnReactions, func(x core.Reaction) bool { return x.Type == typ }) {
		return reacted{}, fault.ReactionAlreadyExists.Error("")
	}
	known := slices.ContainsFunc(h.Message.Reactions, func(g core.ReactionGroup) bool { return g.Type == typ })
	if !known && len(h.Message.Reactions) >= maxReactionTypes {
		return reacted{}, fault.ReactionLimitReached.Error("")
	}
	out, err := d.core.Reactions.Add(ctx, by, core.AddReaction{Message: id, Type: typ})
	if err != nil {
		return reacted{}, err
	}
	x := reacted{Reacted: out}
	x.venue, err = d.venueOf(ctx, d.byApp[by.App], &h.Channel)
	return x, err
}

// visible reads a message that the person may see.
func (d *Dialect) visible(ctx context.Context, by core.Actor, id string) (core.Hit, error) {
	hits, err := d.core.Messages.Get(ctx, reader(by), core.GetMessages{IDs: []string{id}, Strict: true})
	if err == nil && hits[0].Message.Deleted() {
		err = fault.MessageNotFound.Error("")
	}
	if err != nil {
		return core.Hit{}, err
	}
	return hits[0], nil
}

func encodeReacted(a *answer, x reacted) {
	m := &x.Message
	a.Object("data")
	a.Text("id", reactionID(m.ID, x.Reaction.Type))
	a.Text("msgId", m.ID.String())
	a.Text("msgType", x.venue.talk())
	if x.venue.direct() {
		a.Null("groupId")
	} else {
		a.Text("groupId", numberOf(x.venue.c))
	}
	a.Text("reaction", x.Reaction.Type)
	a.Time("createdAt", x.Reaction.CreatedAt)
	a.Time("updatedAt", x.Reaction.UpdatedAt)
	a.Close()
}

func (d *Dialect) unreact(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return none{}, err
	}
	q := wire.QueryOf(rq)
	id, typ := q.Need("msgId"), q.Need("message")
	if err := q.Err(); err != nil {
		return none{}, err
	}
	h, err := d.visible(ctx, by, id)
	if err != nil {
		return none{}, err
	}
	if !slices.ContainsFunc(h.Message.OwnReactions, func(x core.Reaction) bool { return x.Type == typ }) {
		return none{}, fault.MessageInvalid.Error("the user operation is illegal!") // what the web SDK goes by
	}
	_, err = d.core.Reactions.Remove(ctx, by, core.RemoveReaction{Message: id, Type: typ})
	return none{}, err
}

// reactions reads the reactions of several messages.
func (d *Dialect) reactions(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.Message, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return nil, err
	}
	ids := userIDs(strings.Split(strings.Trim(rq.Query.Get("msgIdList"), "[]"), ","))
	switch {
	case len(ids) == 0:
		return nil, fault.RequestMissingField.Error("msgIdList is empty")
	case len(ids) > maxReactedIDs:
		return nil, fault.RequestBatchTooLarge.Error("msgIdList exceeds the maximum number limit")
	}
	var out []core.Message
	for _, id := range ids {
		h, err := d.visible(ctx, by, strings.Trim(string(id), `" `))
		if fault.IsReason(err, fault.MessageNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, h.Message)
	}
	return out, nil
}

func encodeReactions(a *answer, list []core.Message) {
	a.List("data")
	for i := range list {
		m := &list[i]
		a.Open()
		a.Text("msgId", m.ID.String())
		a.List("reactionList")
		for j := range m.Reactions {
			writeReactionGroup(a, m, m.Reactions[j].Type)
		}
		a.CloseList()
		a.Close()
	}
	a.CloseList()
}

// writeReactionGroup writes the reactions of one type on a message, with who gave the latest.
func writeReactionGroup(a *answer, m *core.Message, typ string) {
	a.Open()
	reactionHead(a, m, typ)
	a.List("userList")
	for i := range m.LatestReactions {
		if r := &m.LatestReactions[i]; r.Type == typ {
			a.Item(string(r.User))
		}
	}
	a.CloseList()
	a.Close()
}

// reactionHead writes what is told of a type of reaction, whoever gave it.
func reactionHead(a *answer, m *core.Message, typ string) {
	n := 0
	for i := range m.Reactions {
		if m.Reactions[i].Type == typ {
			n = m.Reactions[i].Count
		}
	}
	a.Text("reactionId", reactionID(m.ID, typ))
	a.Text("reaction", typ)
	a.Int("count", n)
	a.Int("userCount", n)
	a.Bool("state", slices.ContainsFunc(m.OwnReactions, func(r core.Reaction) bool { return r.Type == typ }))
}

// reactionDetail is who gave one type of reaction.
type reactionUsers struct {
	message core.Message
	typ     string
	users   []core.UserID
	cursor  string
}

func (d *Dialect) reactionDetail(ctx context.Context, by core.Actor, rq *adapters.Request) (reactionUsers, error) {
	var out reactionUsers
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return out, err
	}
	q := wire.QueryOf(rq)
	id, limit := q.Need("msgId"), q.Int("limit", 0, 1<<30)
	out.typ = q.Need("message")
	if limit == 0 {
		limit = q.Int("pageSize", 0, 1<<30)
	}
	if err := q.Err(); err != nil {
		return out, err
	}
	if limit > maxReactionUsers {
		return out, fault.RequestInvalidField.Error("Limit exceeds the maximum quantity limit")
	}
	if limit == 0 {
		limit = maxReactionUsers
	}
	h, err := d.visible(ctx, by, id)
	if err != nil {
		return out, err
	}
	out.message = h.Message
	rs, err := d.core.Reactions.List(ctx, reader(by), core.ListReactions{
		Message: id, Filter: core.Cond("type", core.OpEq, core.Text(out.typ)), Page: core.Page{Limit: limit, Cursor: cursorIn(rq)},
	})
	for i := range rs.Reactions {
		out.users = append(out.users, rs.Reactions[i].User)
	}
	if rs.Next != "" {
		out.cursor = cursorOf(rs.Next)
	}
	return out, err
}

func encodeReactionDetail(a *answer, x reactionUsers) {
	a.Object("data")
	reactionHead(a, &x.message, x.typ)
	a.IDs("userList", x.users)
	if x.cursor == "" {
		a.Null("cursor")
	} else {
		a.Text("cursor", x.cursor)
	}
	a.Close()
}
