package engine

import (
	"context"
	"fmt"

	"dragoman/core"
	"dragoman/core/fault"
)

// manyAtOnce bounds how many people one command of groups is about.
const manyAtOnce = 100

// Bounds of lists of groups and people that are read by id.
const (
	listedByID    = 100
	maxListedByID = 1000
)

// round is one deed done to many people of a group in one transaction: what is wrong with one of
// them is that one's outcome and leaves the others alone.
type round struct {
	e      *Engine
	op     string
	sc     *scene
	author *core.User
	users  []core.UserID
	anyone bool // people who are not members too
	people map[core.UserID]*core.User
}

// roundOf enters a group for a deed; the rank of the actor is checked once here, over each target later.
func (e *Engine) roundOf(ctx context.Context, op string, by core.Actor, key core.ChannelKey, deed string, users []core.UserID) (*round, error) {
	sc, err := e.group(ctx, by, key)
	if err == nil && deed != "" {
		err = e.mayDeed(sc, deed, nil, "")
	}
	if err == nil && len(users) > manyAtOnce {
		err = fault.RequestBatchTooLarge.Error(fmt.Sprintf("at most %d people at once", manyAtOnce))
	}
	if err != nil {
		return nil, translate(op, err)
	}
	x := &round{e: e, op: op, sc: sc, users: users, anyone: sc.channel.Kind == core.KindRoom}
	if x.author, err = e.speaker(ctx, by); err != nil {
		return nil, translate(op, err)
	}
	x.people, err = e.usersByID(ctx, by.App, users)
	return x, translate(op, err)
}

// run does the deed to each person. do gets the person and their membership, nil if they have none.
func (x *round) run(ctx context.Context, do func(t *txn, c *core.Channel, u *core.User, m *core.Member) error) ([]core.GroupOutcome, error) {
	var out []core.GroupOutcome
	err := x.e.update(ctx, x.op, x.sc.by.App, x.sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, t.app, x.sc.channel.Key)
		if err != nil {
			return err
		}
		out = make([]core.GroupOutcome, 0, len(x.users))
		for _, id := range x.users {
			one := core.GroupOutcome{User: id}
			if err := x.one(ctx, t, &c, id, do); err != nil {
				if one.Err = translate(x.op, err); fault.From(one.Err).Reason.Blame() != fault.BlameClient {
					return err
				}
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

func (x *round) one(ctx context.Context, t *txn, c *core.Channel, id core.UserID, do func(*txn, *core.Channel, *core.User, *core.Member) error) error {
	u := x.people[id]
	if u == nil || !u.DeletedAt.IsZero() {
		return fault.UserNotFound.Error(fmt.Sprintf("The user with ID %q does not exist", id))
	}
	m, err := t.memberOf(ctx, c.ID, id)
	if err != nil {
		return err
	}
	if m == nil && !x.anyone {
		return fault.GroupNotMember.Error("the user is not a member of this group").With("target")
	}
	return do(t, c, u, m)
}

// tell emits an event of the group with what changed. The channel is told as it is now.
func (x *round) tell(t *txn, c *core.Channel, kind core.EventKind, target *core.User, ch *core.Change) error {
	return t.emit(x.event(c, kind, target, ch))
}

func (x *round) event(c *core.Channel, kind core.EventKind, target *core.User, ch *core.Change) *core.Event {
	told := *c
	return &core.Event{Kind: kind, Channel: &told, Config: x.sc.config, User: x.e.seen(x.sc.by.App, x.author), Target: target, Change: ch}
}

// setRules changes a channel's rules in the transaction.
func (t *txn) setRules(c *core.Channel, change func(*core.GroupRules) error) error {
	r := c.Rules()
	if err := change(&r); err != nil {
		return err
	}
	c.Overrides.Rules = nil
	if r != (core.GroupRules{}) {
		c.Overrides.Rules = &r
	}
	c.UpdatedAt = t.e.now()
	return t.putChannel(c)
}

// groupSpaces hold what a group keeps under its key; it goes with the group.
var groupSpaces = []string{
	spaceMuted, spaceAllowed, spaceApplications, spaceShared, spaceMemberAttributes, spaceRoomAttributes, spaceRoomRanks, spaceThreadsIn,
}

// forgetGroup removes what a group keeps beside its channel.
func (t *txn) forgetGroup(ctx context.Context, c *core.Channel) error {
	silenced, err := scan[core.MemberMute](ctx, t, t.app, spaceMuted, prefixOf(string(c.Key)))
	if err != nil {
		return err
	}
	for i := range silenced {
		t.dropPlace(c.Key, c.ID, silenced[i].User)
	}
	for _, space := range groupSpaces {
		if err := t.clearSpace(ctx, space, prefixOf(string(c.Key))); err != nil {
			return err
		}
	}
	c.Overrides.Rules = nil
	return nil
}

// clearSpace removes all records under a prefix.
func (t *txn) clearSpace(ctx context.Context, space, prefix string) error {
	for {
		rows, err := t.Records(ctx, t.app, space, prefix, "", false, scanPage)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := t.DeleteRecord(t.app, space, rows[i].Key); err != nil {
				return err
			}
		}
		if len(rows) < scanPage {
			return nil
		}
	}
}

// paged cuts one page out of a list that is sorted by id. A cursor is the id before the page.
func paged[T any](all []T, p core.Page, id func(*T) string) ([]T, error) {
	limit, err := pageLimit(p, listedByID, maxListedByID)
	if err != nil {
		return nil, err
	}
	start := min(p.Offset, len(all))
	for p.Cursor != "" && start < len(all) && id(&all[start]) <= p.Cursor {
		start++
	}
	return all[start:min(start+limit, len(all))], nil
}

// listGroup reads a list that a group keeps, for who may do the deed.
func listGroup[T any](ctx context.Context, e *Engine, by core.Actor, key core.ChannelKey, deed, space string) ([]T, *scene, error) {
	sc, err := e.group(ctx, by, key)
	if err == nil {
		err = e.mayDeed(sc, deed, nil, "")
	}
	if err != nil {
		return nil, sc, err
	}
	all, err := scan[T](ctx, e.store, by.App, space, prefixOf(string(key)))
	return all, sc, err
}
