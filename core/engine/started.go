package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// taskCloseThread deletes the replies of a thread that was closed.
const taskCloseThread = "threads.close"

// Limits of started threads.
const (
	maxThreadPeople  = 1000
	startedListed    = 20
	maxStartedListed = 100
)

// threadPerson is one of the people of a started thread.
type threadPerson struct {
	User core.UserID `json:"user"`
	At   time.Time   `json:"at"`
}

func threadPersonKey(id core.MessageID, user core.UserID) string {
	return keyOf(id.String(), string(user))
}

func threadsByKey(user core.UserID, id core.MessageID) string {
	return keyOf(string(user), ordered(int64(id)))
}

// threadPeople reads who is in a started thread.
func (e *Engine) threadPeople(ctx context.Context, r store.Reader, app core.AppID, id core.MessageID) ([]core.UserID, error) {
	all, err := scan[threadPerson](ctx, r, app, spaceThreadPeople, prefixOf(id.String()))
	out := make([]core.UserID, len(all))
	for i := range all {
		out[i] = all[i].User
	}
	return out, err
}

// gatherThread finds out whether a reply goes to a started thread, and who is in it.
func (e *Engine) gatherThread(ctx context.Context, sc *scene, id core.MessageID) error {
	meta, _, err := record[threadMeta](ctx, e.store, sc.by.App, spaceThreads, id.String())
	if err != nil || meta.Owner == "" {
		return err
	}
	sc.started = true
	sc.threadPeople, err = e.threadPeople(ctx, e.store, sc.by.App, id)
	sc.inThread = slices.Contains(sc.threadPeople, sc.user.ID)
	return err
}

// intoThread makes who replies in a started thread one of its people, or refuses them.
func (e *Engine) intoThread(ctx context.Context, sc *scene, m *core.Message, inside bool) error {
	if !sc.started || sc.inThread || sc.by.Server() {
		return nil
	}
	if inside {
		return fault.GroupNotMember.Error("only people in the thread may write here").With("thread")
	}
	_, err := (threads{e}).Enter(ctx, sc.by, core.EnterThread{Parent: m.Parent.String()})
	if f := fault.From(err); err != nil && f.Reason.Blame() == fault.BlameClient {
		return nil // no member of the channel, or there is no room: the grants let them write all the same
	} else if err != nil {
		return err
	}
	sc.threadPeople = append(sc.threadPeople, sc.user.ID)
	return nil
}

// withPeople adds people to a list that do not stand in it.
func withPeople(list, more []core.UserID) []core.UserID {
	for _, u := range more {
		if !slices.Contains(list, u) {
			list = append(list, u)
		}
	}
	return list
}

// tendsThread answers group.permission_denied unless the actor owns the thread or moderates the group.
func (e *Engine) tendsThread(sc *scene, owner core.UserID) error {
	if sc.by.User == owner && owner != "" {
		return nil
	}
	return e.mayDeed(sc, "tend", nil, "")
}

// startedThread is one started thread under a command.
type startedThread struct {
	e    *Engine
	sc   *scene
	m    *core.Message
	meta threadMeta
	who  *core.User // in whose name it is done
}

// started reads a started thread; thread.not_found if there is none the actor may know of.
func (s threads) started(ctx context.Context, by core.Actor, name string) (*startedThread, error) {
	e := s.e
	gone := fault.ThreadNotFound.Error(fmt.Sprintf("Thread with id %q does not exist", cut(name)))
	m, sc, err := e.readMessage(ctx, by, name)
	if fault.IsReason(err, fault.MessageNotFound) {
		return nil, gone
	}
	if err != nil {
		return nil, err
	}
	x := &startedThread{e: e, sc: sc, m: m}
	if x.meta, _, err = record[threadMeta](ctx, e.store, by.App, spaceThreads, m.ID.String()); err != nil {
		return nil, err
	}
	if x.meta.Owner == "" {
		return nil, gone
	}
	if err := e.mayDeed(sc, "read", nil, ""); err != nil {
		return nil, err
	}
	x.who, err = e.speaker(ctx, by)
	return x, err
}

// told is what events tell of the thread.
func (x *startedThread) told() *core.Thread {
	return &core.Thread{Parent: *x.m, Title: x.meta.Title, Extra: x.meta.Extra, Owner: x.meta.Owner, StartedAt: x.meta.StartedAt, CreatedAt: x.m.CreatedAt}
}

func (x *startedThread) tell(t *txn, kind core.EventKind, target *core.User) error {
	ev := &core.Event{
		Kind: kind, Channel: x.sc.channel, Config: x.sc.config, User: x.e.seen(t.app, x.who), Message: x.m, Thread: x.told(), Target: target,
	}
	if target != nil {
		ev.To = []core.UserID{target.ID}
		if kind == core.ThreadLeft {
			ev.Box = ev.To
		}
	}
	return t.emit(ev)
}

// enter makes a member of the channel one of the people, in the transaction.
func (x *startedThread) enter(ctx context.Context, t *txn, u *core.User) error {
	m, err := t.memberOf(ctx, x.sc.channel.ID, u.ID)
	if err != nil {
		return err
	}
	if m == nil {
		return fault.GroupNotMember.Error("the user is not a member of this group").With("target")
	}
	all, err := x.e.threadPeople(ctx, t, t.app, x.m.ID)
	switch {
	case err != nil:
		return err
	case slices.Contains(all, u.ID):
		return fault.GroupAlreadyMember.Error("the user is in this thread already").With("thread")
	case len(all) >= maxThreadPeople:
		return fault.GroupFull.Error("the thread has no room for more people").With("thread")
	}
	if err := putJSON(t, spaceThreadPeople, threadPersonKey(x.m.ID, u.ID), &threadPerson{User: u.ID, At: x.e.now()}); err != nil {
		return err
	}
	if err := putJSON(t, spaceThreadsBy, threadsByKey(u.ID, x.m.ID), &x.sc.channel.Key); err != nil {
		return err
	}
	return x.tell(t, core.ThreadEntered, u)
}

// leave takes somebody out, in the transaction.
func (x *startedThread) leave(ctx context.Context, t *txn, u *core.User) error {
	_, found, err := record[threadPerson](ctx, t, t.app, spaceThreadPeople, threadPersonKey(x.m.ID, u.ID))
	if err != nil {
		return err
	}
	if !found {
		return fault.GroupNotMember.Error("the user is not in this thread").With("thread")
	}
	if err := x.forget(t, u.ID); err != nil {
		return err
	}
	return x.tell(t, core.ThreadLeft, u)
}

func (x *startedThread) forget(t *txn, user core.UserID) error {
	if err := t.DeleteRecord(t.app, spaceThreadPeople, threadPersonKey(x.m.ID, user)); err != nil {
		return err
	}
	return t.DeleteRecord(t.app, spaceThreadsBy, threadsByKey(user, x.m.ID))
}

// Start makes the thread of a message a place of its own.
func (s threads) Start(ctx context.Context, by core.Actor, in core.StartThread) (core.Thread, error) {
	const op = "threads.start"
	e := s.e
	m, sc, err := e.readMessage(ctx, by, in.Parent)
	switch {
	case fault.IsReason(err, fault.MessageNotFound):
		err = fault.ThreadParentInvalid.Error("the message of the thread does not exist")
	case err != nil:
	case sc.channel.Kind != core.KindGroup && sc.channel.Kind != core.KindCommunity:
		err = fault.ThreadParentInvalid.Error("only messages of groups have threads of their own")
	case m.Deleted():
		err = fault.ThreadParentInvalid.Error("the message of the thread was deleted")
	case m.Parent != 0:
		err = fault.ThreadNestingTooDeep.Error("a reply has no thread of its own")
	case in.Title == "" || len(in.Title) > maxTitle:
		err = fault.RequestInvalidField.Error("the title of a thread is 1 to 255 bytes long")
	default:
		if err = needUser(by); err == nil && sc.member == nil {
			err = fault.GroupNotMember.Error("only members of the group start threads").With("self")
		}
	}
	if err != nil {
		return core.Thread{}, translate(op, err)
	}
	x := &startedThread{e: e, sc: sc, m: m, who: sc.user}
	err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
		if x.meta, _, err = record[threadMeta](ctx, t, by.App, spaceThreads, m.ID.String()); err != nil {
			return err
		}
		if x.meta.Owner != "" {
			return fault.ThreadAlreadyExists.Error("the message has a thread already")
		}
		now := e.now()
		x.meta.Title, x.meta.Owner, x.meta.Key, x.meta.StartedAt, x.meta.UpdatedAt = in.Title, by.User, sc.channel.Key, now, now
		if err := putJSON(t, spaceThreads, m.ID.String(), &x.meta); err != nil {
			return err
		}
		if err := t.PutRecord(t.app, spaceThreadsIn, keyOf(string(sc.channel.Key), ordered(int64(m.ID))), nothing); err != nil {
			return err
		}
		if err := x.tell(t, core.ThreadStarted, nil); err != nil {
			return err
		}
		return x.enter(ctx, t, sc.user)
	})
	if err != nil {
		return core.Thread{}, err
	}
	return s.Get(ctx, by, core.GetThread{Parent: m.ID.String()})
}

// Close ends a started thread.
func (s threads) Close(ctx context.Context, by core.Actor, in core.CloseThread) (core.Thread, error) {
	const op = "threads.close"
	x, err := s.started(ctx, by, in.Parent)
	if err == nil {
		err = s.e.tendsThread(x.sc, x.meta.Owner)
	}
	if err != nil {
		return core.Thread{}, translate(op, err)
	}
	err = s.e.update(ctx, op, by.App, x.sc.channel.ID, func(t *txn) error {
		all, err := s.e.threadPeople(ctx, t, t.app, x.m.ID)
		if err != nil {
			return err
		}
		for _, u := range all {
			if err := x.forget(t, u); err != nil {
				return err
			}
		}
		if err := t.DeleteRecord(t.app, spaceThreads, x.m.ID.String()); err != nil {
			return err
		}
		if err := t.DeleteRecord(t.app, spaceThreadsIn, keyOf(string(x.sc.channel.Key), ordered(int64(x.m.ID)))); err != nil {
			return err
		}
		if _, err := startTask(t, taskCloseThread, &x.m.ID); err != nil {
			return err
		}
		return x.tell(t, core.ThreadClosed, nil)
	})
	return *x.told(), err
}

// Enter makes the actor one of the people of a started thread, or no longer.
func (s threads) Enter(ctx context.Context, by core.Actor, in core.EnterThread) (core.Thread, error) {
	const op = "threads.enter"
	err := needUser(by)
	var x *startedThread
	if err == nil {
		x, err = s.started(ctx, by, in.Parent)
	}
	if err != nil {
		return core.Thread{}, translate(op, err)
	}
	err = s.e.update(ctx, op, by.App, x.sc.channel.ID, func(t *txn) error {
		if in.Leave {
			return x.leave(ctx, t, x.sc.user)
		}
		return x.enter(ctx, t, x.sc.user)
	})
	if err != nil {
		return core.Thread{}, err
	}
	return s.Get(ctx, by, core.GetThread{Parent: x.m.ID.String()})
}

// Change adds people to a started thread, or removes them.
func (s threads) Change(ctx context.Context, by core.Actor, in core.ThreadPeople) ([]core.GroupOutcome, error) {
	const op = "threads.change"
	x, err := s.started(ctx, by, in.Parent)
	if err == nil {
		err = s.e.tendsThread(x.sc, x.meta.Owner)
	}
	if err == nil && len(in.Users) > manyAtOnce {
		err = fault.RequestBatchTooLarge.Error("at most 100 people at once")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	people, err := s.e.usersByID(ctx, by.App, in.Users)
	if err != nil {
		return nil, translate(op, err)
	}
	var out []core.GroupOutcome
	err = s.e.update(ctx, op, by.App, x.sc.channel.ID, func(t *txn) error {
		out = make([]core.GroupOutcome, 0, len(in.Users))
		for _, id := range in.Users {
			one := core.GroupOutcome{User: id}
			var err error
			switch u := people[id]; {
			case u == nil:
				err = fault.UserNotFound.Error(fmt.Sprintf("The user with ID %q does not exist", id))
			case in.Remove:
				err = x.leave(ctx, t, u)
			default:
				err = x.enter(ctx, t, u)
			}
			if one.Err = translate(op, err); err != nil && fault.From(one.Err).Reason.Blame() != fault.BlameClient {
				return err
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}
