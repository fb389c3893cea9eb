package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
)

type friends struct{ e *Engine }

// maxFriends bounds one person's friends and open requests.
const maxFriends = 1000

// mine is the person a command of friends is about.
func (s friends) mine(ctx context.Context, by core.Actor, user core.UserID) (*core.User, error) {
	if user == "" {
		user = by.User
	}
	if user != by.User && !by.Server() {
		return nil, fault.PermissionDenied.Error("only servers change the friends of others")
	}
	if user == "" {
		return nil, needUser(by)
	}
	return s.e.user(ctx, by.App, user)
}

// Add befriends people, or asks them.
func (s friends) Add(ctx context.Context, by core.Actor, in core.AddFriends) ([]core.FriendOutcome, error) {
	const op = "friends.add"
	me, err := s.mine(ctx, by, in.User)
	if err == nil {
		err = s.e.planned(ctx, by.App, core.PlanFriends)
	}
	if err == nil && len(in.Friends) > maxMembersAtOnce {
		err = fault.RequestBatchTooLarge.Error("at most 100 friends can be added at once")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.FriendOutcome, 0, len(in.Friends))
	for _, id := range in.Friends {
		err := s.add(ctx, by.App, me, id, &in)
		if err != nil && fault.From(translate(op, err)).Reason.Blame() != fault.BlameClient {
			return out, translate(op, err)
		}
		out = append(out, core.FriendOutcome{Friend: id, Err: translate(op, err)})
	}
	return out, nil
}

func (s friends) add(ctx context.Context, app core.AppID, asker *core.User, friend core.UserID, in *core.AddFriends) error {
	e, me, ask := s.e, asker.ID, in.Ask
	if friend == me {
		return fault.TargetIsSelf.Error("nobody is their own friend").With("friend")
	}
	u, err := e.user(ctx, app, friend)
	if err != nil {
		return err
	}
	if !u.DeletedAt.IsZero() || !u.DeactivatedAt.IsZero() {
		return fault.UserNotFound.Error("the user is not active")
	}
	a, err := e.app(ctx, app)
	if err != nil {
		return err
	}
	most := min(cmp.Or(a.Settings.Caps.Friends, maxFriends), maxFriends)
	return e.update(ctx, "friends.add", app, 0, func(t *txn) error {
		old, _, err := record[core.Friendship](ctx, t, app, spaceFriends, keyOf(string(me), string(friend)))
		if err != nil {
			return err
		}
		switch {
		case old.Status == core.FriendAccepted:
			return fault.FriendAlreadyFriends.Error("the two are friends already")
		case old.Status == core.FriendAsked && ask && in.Text == old.Text:
			return fault.FriendRequestPending.Error("the other has been asked already")
		}
		for i, id := range []core.UserID{me, friend} {
			rows, err := t.Records(ctx, app, spaceFriends, prefixOf(string(id)), "", false, maxFriends)
			if err != nil {
				return err
			}
			if _, known, err := record[core.Friendship](ctx, t, app, spaceFriends, keyOf(string(id), string([]core.UserID{friend, me}[i]))); err != nil {
				return err
			} else if len(rows) >= most && !known {
				return fault.FriendLimitReached.Error(fmt.Sprintf("one of the two has %d friends already", most)).With([]string{"self", "peer"}[i])
			}
		}
		mine, theirs := core.FriendAccepted, core.FriendAccepted
		if ask && old.Status != core.FriendPending {
			mine, theirs = core.FriendAsked, core.FriendPending
		}
		waited := old.Status == core.FriendPending
		if old.Text = in.Text; mine == core.FriendAccepted {
			old.Text = ""
		}
		if err := s.put(t, old, me, friend, mine); err != nil {
			return err
		}
		if err := s.put(t, old, friend, me, theirs); err != nil {
			return err
		}
		if mine == core.FriendAsked {
			return s.tell(t, core.FriendRequested, asker, u, &core.Change{Text: in.Text}, friend)
		}
		return s.tell(t, core.FriendAdded, asker, u, accepted(waited), me, friend)
	})
}

// accepted tells whether a friendship follows a request.
func accepted(asked bool) *core.Change {
	if asked {
		return &core.Change{New: string(core.FriendAccepted)}
	}
	return nil
}

// tell tells people of a change between two.
func (s friends) tell(t *txn, kind core.EventKind, by, other *core.User, c *core.Change, to ...core.UserID) error {
	return t.emit(&core.Event{Kind: kind, User: s.e.seen(t.app, by), Target: s.e.seen(t.app, other), To: to, Box: to, Change: c})
}

// put writes one side of a friendship.
func (s friends) put(t *txn, old core.Friendship, user, friend core.UserID, status core.FriendStatus) error {
	f := core.Friendship{User: user, Friend: friend, Status: status, Text: old.Text, CreatedAt: old.CreatedAt, UpdatedAt: t.e.now()}
	if f.CreatedAt.IsZero() {
		f.CreatedAt = f.UpdatedAt
	}
	return putJSON(t, spaceFriends, keyOf(string(user), string(friend)), &f)
}

// Answer accepts or refuses a request.
func (s friends) Answer(ctx context.Context, by core.Actor, in core.AnswerFriend) (core.Friendship, error) {
	const op = "friends.answer"
	e := s.e
	var out core.Friendship
	me, err := s.mine(ctx, by, in.User)
	if err != nil {
		return out, translate(op, err)
	}
	asker, err := e.user(ctx, by.App, in.Friend)
	if err != nil {
		return out, translate(op, err)
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		var err error
		if out, _, err = record[core.Friendship](ctx, t, by.App, spaceFriends, keyOf(string(me.ID), string(in.Friend))); err != nil {
			return err
		}
		if out.Status != core.FriendPending {
			return fault.FriendRequestNotFound.Error("there is no open request of this person")
		}
		if !in.Accept {
			if err := s.end(t, me.ID, in.Friend); err != nil {
				return err
			}
			return s.tell(t, core.FriendDeclined, me, asker, nil, in.Friend)
		}
		if err := s.put(t, out, me.ID, in.Friend, core.FriendAccepted); err != nil {
			return err
		}
		if err := s.put(t, out, in.Friend, me.ID, core.FriendAccepted); err != nil {
			return err
		}
		out.Status, out.UpdatedAt = core.FriendAccepted, e.now()
		return s.tell(t, core.FriendAdded, me, asker, accepted(true), me.ID, in.Friend)
	})
	return out, err
}

func (s friends) end(t *txn, a, b core.UserID) error {
	if err := t.DeleteRecord(t.app, spaceFriends, keyOf(string(a), string(b))); err != nil {
		return err
	}
	return t.DeleteRecord(t.app, spaceFriends, keyOf(string(b), string(a)))
}

// Remove ends friendships and takes requests back.
func (s friends) Remove(ctx context.Context, by core.Actor, in core.RemoveFriends) ([]core.FriendOutcome, error) {
	const op = "friends.remove"
	e := s.e
	me, err := s.mine(ctx, by, in.User)
	if err == nil && len(in.Friends) > maxMembersAtOnce {
		err = fault.RequestBatchTooLarge.Error("at most 100 friends can be removed at once")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	others, err := e.usersByID(ctx, by.App, in.Friends)
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.FriendOutcome, 0, len(in.Friends))
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		out = out[:0]
		for _, id := range in.Friends {
			one := core.FriendOutcome{Friend: id}
			_, found, err := record[core.Friendship](ctx, t, by.App, spaceFriends, keyOf(string(me.ID), string(id)))
			if err != nil {
				return err
			}
			if found {
				if err = s.end(t, me.ID, id); err == nil && others[id] != nil {
					err = s.tell(t, core.FriendRemoved, me, others[id], nil, me.ID, id)
				}
			} else {
				one.Err = translate(op, fault.FriendNotFriends.Error("the two are not friends"))
			}
			if err != nil {
				return err
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

// maxRemark bounds what a person calls a friend, in bytes.
const maxRemark = 1024

// Patch changes what a person keeps about a friend.
func (s friends) Patch(ctx context.Context, by core.Actor, in core.PatchFriend) (core.Friendship, error) {
	const op = "friends.patch"
	var out core.Friendship
	me, err := s.mine(ctx, by, in.User)
	if err != nil {
		return out, translate(op, err)
	}
	err = s.e.update(ctx, op, by.App, 0, func(t *txn) error {
		key := keyOf(string(me.ID), string(in.Friend))
		old, found, err := record[core.Friendship](ctx, t, by.App, spaceFriends, key)
		if err != nil {
			return err
		}
		if !found || old.Status != core.FriendAccepted {
			return fault.FriendNotFriends.Error("the two are not friends")
		}
		out = old
		if err := in.Change(&out); err != nil {
			return err
		}
		remark, extra := out.Remark, out.Extra
		if len(remark) > maxRemark || len(extra) > maxCustom {
			return fault.RequestFieldTooLong.Error("a remark is at most 1,024 bytes long, custom data of a friend 5KB")
		}
		out = old
		out.Remark, out.Extra, out.UpdatedAt = remark, extra, s.e.now()
		return putJSON(t, spaceFriends, key, &out)
	})
	return out, err
}

// List lists a person's friends by id.
func (s friends) List(ctx context.Context, by core.Actor, in core.ListFriends) ([]core.Friendship, error) {
	const op = "friends.list"
	e := s.e
	me, err := s.mine(ctx, by, in.User)
	if err != nil {
		return nil, translate(op, err)
	}
	limit, err := pageLimit(in.Page, groupsListed, maxGroupsListed)
	if err != nil {
		return nil, translate(op, err)
	}
	if in.Status == "" {
		in.Status = core.FriendAccepted
	}
	all, err := scan[core.Friendship](ctx, e.store, by.App, spaceFriends, prefixOf(string(me.ID)))
	if err != nil {
		return nil, translate(op, err)
	}
	ids := make([]core.UserID, len(all))
	for i := range all {
		ids[i] = all[i].Friend
	}
	us, err := e.usersByID(ctx, by.App, ids)
	if err != nil {
		return nil, translate(op, err)
	}
	all = slices.DeleteFunc(all, func(f core.Friendship) bool {
		u := us[f.Friend]
		return f.Status != in.Status || u == nil || !u.DeletedAt.IsZero() || in.Online && !u.Online || !named(u, in.Search)
	})
	slices.SortFunc(all, func(a, b core.Friendship) int { return strings.Compare(string(a.Friend), string(b.Friend)) })
	for i := range all {
		all[i].Profile = us[all[i].Friend]
	}
	all = all[min(in.Page.Offset, len(all)):]
	return all[:min(limit, len(all))], nil
}

// areFriends reports whether two people are friends.
func (e *Engine) areFriends(ctx context.Context, app core.AppID, a, b core.UserID) (bool, error) {
	f, found, err := record[core.Friendship](ctx, e.store, app, spaceFriends, keyOf(string(a), string(b)))
	return found && f.Status == core.FriendAccepted, err
}
