package engine

import (
	"context"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

// userMute is one silenced person as it is stored.
type userMute struct {
	User      core.UserID `json:"user"`
	Target    core.UserID `json:"target"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
	Expires   time.Time   `json:"expires,omitzero"`
}

// maxMuted bounds how many people are muted in one call.
const maxMuted = 100

// Mute silences people for the actor, or ends that.
func (m moderation) Mute(ctx context.Context, by core.Actor, in core.MuteUsers) (core.Muted, error) {
	e := m.e
	const op = "moderation.mute"
	var out core.Muted
	if err := needUser(by); err != nil {
		return out, translate(op, err)
	}
	if len(in.Users) == 0 || len(in.Users) > maxMuted {
		return out, translate(op, fault.RequestInvalid.Error("between 1 and 100 users can be muted at a time"))
	}
	if err := e.canApp(ctx, by, perm.MuteUser); err != nil {
		return out, translate(op, err)
	}
	me, err := e.actor(ctx, by)
	if err != nil {
		return out, translate(op, err)
	}
	targets, err := e.usersByID(ctx, by.App, in.Users)
	if err != nil {
		return out, translate(op, err)
	}
	var known []*core.User
	for _, id := range in.Users {
		switch u := targets[id]; {
		case id == by.User:
			return out, translate(op, fault.TargetIsSelf.Error("you cannot mute yourself"))
		case u == nil:
			out.Unknown = append(out.Unknown, id)
		default:
			known = append(known, u)
		}
	}
	if len(known) == 0 {
		return out, translate(op, fault.UserNotFound.Error("The user with ID \""+string(in.Users[0])+"\" does not exist"))
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		out.Mutes = out.Mutes[:0]
		for _, u := range known {
			rec, err := t.mute(ctx, me, u, in)
			if err != nil {
				return err
			}
			out.Mutes = append(out.Mutes, core.UserMute{
				User: *e.seen(by.App, me), Target: *u, CreatedAt: rec.CreatedAt, UpdatedAt: rec.UpdatedAt, Expires: rec.Expires,
			})
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	if out.Self, err = (live{e}).self(ctx, by); err != nil {
		return out, translate(op, err)
	}
	e.dispatch.push(&core.Event{
		Kind: core.MutesChanged, App: by.App, At: e.now(), User: e.seen(by.App, me), To: []core.UserID{by.User}, Self: &out.Self,
	})
	return out, nil
}

// mute writes or removes one mute.
func (t *txn) mute(ctx context.Context, me, target *core.User, in core.MuteUsers) (userMute, error) {
	e, key := t.e, keyOf(string(me.ID), string(target.ID))
	rec, found, err := record[userMute](ctx, t, t.app, spaceMutes, key)
	if err != nil {
		return rec, err
	}
	if in.Unmute {
		if !found {
			return userMute{User: me.ID, Target: target.ID}, nil
		}
		if err := t.DeleteRecord(t.app, spaceMutes, key); err != nil {
			return rec, err
		}
		return rec, t.emit(&core.Event{Kind: core.UserUnmuted, User: me, Target: target})
	}
	if !found {
		rec = userMute{User: me.ID, Target: target.ID, CreatedAt: e.now()}
	}
	rec.UpdatedAt, rec.Expires = e.now(), time.Time{}
	if in.For > 0 {
		rec.Expires = e.now().Add(in.For)
	}
	if err := putJSON(t, spaceMutes, key, &rec); err != nil {
		return rec, err
	}
	return rec, t.emit(&core.Event{Kind: core.UserMuted, User: me, Target: target})
}

// mutesOf reads the people somebody has silenced; mutes that have run out are left out.
func (e *Engine) mutesOf(ctx context.Context, app core.AppID, user core.UserID) ([]core.UserMute, error) {
	recs, err := scan[userMute](ctx, e.store, app, spaceMutes, prefixOf(string(user)))
	if err != nil || len(recs) == 0 {
		return nil, err
	}
	ids := []core.UserID{user}
	for i := range recs {
		ids = append(ids, recs[i].Target)
	}
	users, err := e.usersByID(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	var out []core.UserMute
	for _, r := range recs {
		u, t := users[user], users[r.Target]
		if u == nil || t == nil || !r.Expires.IsZero() && !e.now().Before(r.Expires) {
			continue
		}
		out = append(out, core.UserMute{User: *u, Target: *t, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Expires: r.Expires})
	}
	return out, nil
}

// userBlock is one blocked person as it is stored.
type userBlock struct {
	Target    core.UserID `json:"target"`
	CreatedAt time.Time   `json:"created_at"`
}

// Block stops direct conversation between the actor and another person, or allows it again.
func (m moderation) Block(ctx context.Context, by core.Actor, in core.BlockUser) (core.UserBlock, error) {
	e := m.e
	const op = "moderation.block"
	var out core.UserBlock
	if err := needUser(by); err != nil {
		return out, translate(op, err)
	}
	if in.User == by.User {
		return out, translate(op, fault.TargetIsSelf.Error("you cannot block yourself").With("block"))
	}
	me, err := e.actor(ctx, by)
	if err != nil {
		return out, translate(op, err)
	}
	target, err := e.user(ctx, by.App, in.User)
	if err != nil {
		return out, translate(op, err)
	}
	out = core.UserBlock{By: *e.seen(by.App, me), Target: *e.seen(by.App, target)}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		key := keyOf(string(by.User), string(in.User))
		back := keyOf(string(in.User), string(by.User))
		if in.Unblock {
			if err := t.DeleteRecord(by.App, spaceBlocks, key); err != nil {
				return err
			}
			if err := t.DeleteRecord(by.App, spaceBlockedBy, back); err != nil {
				return err
			}
			return t.emit(&core.Event{Kind: core.UserUnblocked, User: &out.By, Target: &out.Target})
		}
		rec, found, err := record[userBlock](ctx, t, by.App, spaceBlocks, key)
		if err != nil {
			return err
		}
		if !found {
			if err := m.mayBlock(ctx, t, by.User); err != nil {
				return err
			}
			rec = userBlock{Target: in.User, CreatedAt: e.now()}
		}
		out.CreatedAt = rec.CreatedAt
		if err := putJSON(t, spaceBlocks, key, &rec); err != nil {
			return err
		}
		blocker := userBlock{Target: by.User, CreatedAt: rec.CreatedAt}
		if err := putJSON(t, spaceBlockedBy, back, &blocker); err != nil {
			return err
		}
		return t.emit(&core.Event{Kind: core.UserBlocked, User: &out.By, Target: &out.Target})
	})
	return out, err
}

// mayBlock holds the app's cap on the people one person blocks.
func (m moderation) mayBlock(ctx context.Context, t *txn, user core.UserID) error {
	a, err := m.e.app(ctx, t.app)
	if err != nil || a.Settings.Caps.Blocked == 0 {
		return err
	}
	rows, err := t.Records(ctx, t.app, spaceBlocks, prefixOf(string(user)), "", false, min(a.Settings.Caps.Blocked, scanPage))
	if err == nil && len(rows) >= a.Settings.Caps.Blocked {
		err = fault.LimitReached.Error("the person blocks as many people as allowed").With("direct_blocklist")
	}
	return err
}

// Blocks lists the people the actor has blocked, or who have blocked the actor.
func (m moderation) Blocks(ctx context.Context, by core.Actor, in core.ListBlocks) ([]core.UserBlock, error) {
	e := m.e
	const op = "moderation.blocks"
	if err := needUser(by); err != nil {
		return nil, translate(op, err)
	}
	space := spaceBlocks
	if in.Back {
		space = spaceBlockedBy
	}
	recs, err := scan[userBlock](ctx, e.store, by.App, space, prefixOf(string(by.User)))
	if err != nil {
		return nil, translate(op, err)
	}
	ids := []core.UserID{by.User}
	for i := range recs {
		ids = append(ids, recs[i].Target)
	}
	users, err := e.usersByID(ctx, by.App, ids)
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.UserBlock, 0, len(recs))
	for _, r := range recs {
		if me, t := users[by.User], users[r.Target]; me != nil && t != nil {
			if in.Back {
				me, t = t, me
			}
			out = append(out, core.UserBlock{By: *me, Target: *t, CreatedAt: r.CreatedAt})
		}
	}
	return out, nil
}

// blockedBy reads the ids of the people somebody has blocked.
func (e *Engine) blockedBy(ctx context.Context, app core.AppID, user core.UserID) ([]core.UserID, error) {
	recs, err := scan[userBlock](ctx, e.store, app, spaceBlocks, prefixOf(string(user)))
	if err != nil {
		return nil, err
	}
	out := make([]core.UserID, 0, len(recs))
	for i := range recs {
		out = append(out, recs[i].Target)
	}
	return out, nil
}

// hasBlocked reports whether user has blocked target.
func (e *Engine) hasBlocked(ctx context.Context, r store.Reader, app core.AppID, user, target core.UserID) (bool, error) {
	_, found, err := record[userBlock](ctx, r, app, spaceBlocks, keyOf(string(user), string(target)))
	return found, err
}
