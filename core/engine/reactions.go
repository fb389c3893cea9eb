package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

// maxReactionType bounds the name of a reaction, in bytes; maxReactionExtra its custom fields.
const (
	maxReactionType  = 30
	maxReactionExtra = 1 << 10
)

type reactions struct{ e *Engine }

// Add sets the actor's reaction.
func (rs reactions) Add(ctx context.Context, by core.Actor, in core.AddReaction) (core.Reacted, error) {
	e := rs.e
	const op = "reactions.add"
	switch {
	case in.Type == "":
		return core.Reacted{}, translate(op, fault.RequestMissingField.Error("reaction.type is a required field"))
	case len(in.Type) > maxReactionType:
		return core.Reacted{}, translate(op, fault.RequestInvalidField.Error("reaction.type must be a maximum of 30 characters in length"))
	case len(in.Extra) > maxReactionExtra:
		return core.Reacted{}, translate(op, fault.RequestFieldTooLong.Error("custom data of a reaction must be smaller than 1KB"))
	case in.Score < 0:
		return core.Reacted{}, translate(op, fault.RequestInvalidField.Error("reaction.score must not be negative"))
	}
	if err := e.planned(ctx, by.App, core.PlanReactions); err != nil {
		return core.Reacted{}, translate(op, err)
	}
	sc, m, err := rs.open(ctx, by, in.Message)
	if err != nil {
		return core.Reacted{}, translate(op, err)
	}
	r := core.Reaction{
		Message: m.ID, Alias: m.Alias, Type: in.Type, User: sc.user.ID, Score: max(in.Score, 1), Extra: in.Extra,
		CreatedAt: e.now(), UpdatedAt: e.now(), Author: e.seen(by.App, sc.user),
	}
	return rs.change(ctx, op, sc, m, func(t *txn, now *core.Message, own []core.Reaction) (core.EventKind, *core.Reaction, error) {
		kind := core.ReactionAdded
		out := r
		for i := range own {
			switch {
			case own[i].Type == in.Type:
				kind = core.ReactionChanged
				out.CreatedAt = own[i].CreatedAt
				ungroup(now, &own[i])
			case in.Unique:
				kind = core.ReactionChanged
				ungroup(now, &own[i])
				if err := t.DeleteReaction(by.App, m.ID, own[i].Type, own[i].User); err != nil {
					return "", nil, err
				}
			}
		}
		group(now, &out)
		return kind, &out, t.PutReaction(by.App, m.Channel, &out)
	})
}

// Remove takes the actor's reaction back.
func (rs reactions) Remove(ctx context.Context, by core.Actor, in core.RemoveReaction) (core.Reacted, error) {
	const op = "reactions.remove"
	sc, m, err := rs.open(ctx, by, in.Message)
	if err != nil {
		return core.Reacted{}, translate(op, err)
	}
	return rs.change(ctx, op, sc, m, func(t *txn, now *core.Message, own []core.Reaction) (core.EventKind, *core.Reaction, error) {
		i := slices.IndexFunc(own, func(r core.Reaction) bool { return r.Type == in.Type })
		if i < 0 {
			return "", nil, fault.ResourceNotFound.Error("reaction does not exist")
		}
		ungroup(now, &own[i])
		own[i].Author = rs.e.seen(by.App, sc.user)
		return core.ReactionRemoved, &own[i], t.DeleteReaction(by.App, m.ID, in.Type, sc.user.ID)
	})
}

// open loads the message and checks that the actor may react to it.
func (rs reactions) open(ctx context.Context, by core.Actor, name string) (*scene, *core.Message, error) {
	e := rs.e
	sc, m, err := e.sceneOfMessage(ctx, by, name)
	if err != nil {
		return nil, nil, err
	}
	if sc.user == nil {
		return nil, nil, fault.RequestInvalid.Error("either reaction.user or reaction.user_id must be provided when using server side auth.")
	}
	if m.Deleted() {
		return nil, nil, fault.MessageNotFound.Error("the message has been deleted")
	}
	if err := sc.need(core.FeatureReactions, "reactions"); err != nil {
		return nil, nil, err
	}
	if b := sc.ban; b != nil && b.Active(e.now()) && !b.Shadow || sc.user.Banned(e.now()) {
		return nil, nil, fault.GroupBanned.Error("the user is banned from this channel")
	}
	if err := e.can(sc, perm.CreateReaction, sc.owns()); err != nil {
		return nil, nil, err
	}
	if sc.channel.Frozen && e.can(sc, perm.UseFrozenChannel, sc.owns()) != nil {
		return nil, nil, fault.PermissionDenied.Error("this channel is frozen: messages and reactions are not allowed")
	}
	return sc, m, nil
}

// change applies a change of reactions and tells of it.
func (rs reactions) change(ctx context.Context, op string, sc *scene, m *core.Message,
	fn func(*txn, *core.Message, []core.Reaction) (core.EventKind, *core.Reaction, error),
) (core.Reacted, error) {
	e := rs.e
	var out core.Reacted
	err := e.update(ctx, op, sc.by.App, sc.channel.ID, func(t *txn) error {
		now, err := t.Messages(ctx, sc.by.App, []core.MessageID{m.ID})
		if err != nil {
			return err
		}
		if len(now) == 0 {
			return fault.MessageNotFound.Error("the message has been deleted")
		}
		own, err := t.UserReactions(ctx, sc.by.App, []core.MessageID{m.ID}, sc.user.ID)
		if err != nil {
			return err
		}
		msg := now[0]
		msg.Reactions = slices.Clone(msg.Reactions)
		kind, r, err := fn(t, &msg, own)
		if err != nil {
			return err
		}
		if err := t.PutMessage(sc.by.App, &msg); err != nil {
			return err
		}
		one := []core.Message{msg}
		if err := e.resolveDeepIn(ctx, t, one); err != nil {
			return err
		}
		out = core.Reacted{Message: one[0], Reaction: *r}
		return t.emit(&core.Event{Kind: kind, Channel: sc.channel, Config: sc.config, User: e.seen(sc.by.App, sc.user), Message: &one[0], Reaction: r, To: receivers(&msg)})
	})
	if err != nil {
		return core.Reacted{}, err
	}
	out.Message, err = e.forViewer(ctx, sc.by, out.Message)
	return out, translate(op, err)
}

// resolveDeepIn resolves inside a transaction, whose own writes the reactions shown must include.
func (e *Engine) resolveDeepIn(ctx context.Context, t *txn, one []core.Message) error {
	if err := e.resolve(ctx, t.app, "", one); err != nil {
		return err
	}
	latest, err := t.LatestReactions(ctx, t.app, []core.MessageID{one[0].ID}, latestShown)
	if err != nil {
		return err
	}
	ids := make([]core.UserID, len(latest))
	for i := range latest {
		ids[i] = latest[i].User
	}
	us, err := e.usersByID(ctx, t.app, ids)
	if err != nil {
		return err
	}
	for i := range latest {
		latest[i].Author = us[latest[i].User]
	}
	one[0].LatestReactions = latest
	return nil
}

// group adds a reaction to a message's sums.
func group(m *core.Message, r *core.Reaction) {
	for i := range m.Reactions {
		if g := &m.Reactions[i]; g.Type == r.Type {
			g.Count++
			g.Score += r.Score
			g.LastAt = r.UpdatedAt
			return
		}
	}
	m.Reactions = append(m.Reactions, core.ReactionGroup{Type: r.Type, Count: 1, Score: r.Score, FirstAt: r.CreatedAt, LastAt: r.UpdatedAt})
}

// ungroup takes a reaction out of a message's sums.
func ungroup(m *core.Message, r *core.Reaction) {
	for i := range m.Reactions {
		if g := &m.Reactions[i]; g.Type == r.Type {
			g.Count--
			g.Score -= r.Score
			if g.Count <= 0 {
				m.Reactions = slices.Delete(m.Reactions, i, i+1)
			}
			return
		}
	}
}

// List reads the reactions of a message.
func (rs reactions) List(ctx context.Context, by core.Actor, in core.ListReactions) (core.ReactionPage, error) {
	e := rs.e
	const op = "reactions.list"
	sc, m, err := e.sceneOfMessage(ctx, by, in.Message)
	if err == nil {
		err = e.can(sc, perm.ReadChannel, sc.owns())
	}
	if err != nil {
		return core.ReactionPage{}, translate(op, err)
	}
	limit := cmp.Or(in.Page.Limit, 10)
	if limit < 0 || limit > maxMessagesShown || in.Page.Offset < 0 || in.Page.Offset > maxOffset {
		return core.ReactionPage{}, translate(op, fault.RequestInvalidField.Error("limit must be at most 300 and offset at most 1000"))
	}
	q := store.Query{Filter: in.Filter, Sort: in.Sort, Limit: limit + 1, Offset: in.Page.Offset}
	if in.Page.Cursor != "" {
		if q.Offset, err = offsetCursor(in.Page.Cursor); err != nil {
			return core.ReactionPage{}, translate(op, err)
		}
	}
	found, err := e.store.FindReactions(ctx, by.App, m.ID, q)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return core.ReactionPage{}, translate(op, err)
	}
	var out core.ReactionPage
	if len(found) > limit {
		found = found[:limit]
		out.Next = cursorOffset(q.Offset + limit)
	}
	ids := make([]core.UserID, len(found))
	for i := range found {
		ids[i] = found[i].User
	}
	us, err := e.usersByID(ctx, by.App, ids)
	for i := range found {
		found[i].Author, found[i].Alias = us[found[i].User], m.Alias
	}
	out.Reactions = found
	return out, translate(op, err)
}
