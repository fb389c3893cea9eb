package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

type calls struct{ e *Engine }

// How long a call holds people: unanswered, and ongoing without any news.
const (
	callRings   = 2 * time.Minute
	callLasts   = 24 * time.Hour
	callsListed = 30
	maxSession  = 255
)

// callRef points at a call.
type callRef struct {
	Session string `json:"session"`
}

// holds are the keys of what a call keeps busy.
func holds(c *core.Call) []string {
	if !c.Direct {
		out := []string{keyOf("g", string(c.Key))}
		for _, u := range c.In {
			out = append(out, keyOf("u", string(u)))
		}
		return out
	}
	return []string{keyOf("u", string(c.By)), keyOf("u", string(c.To))}
}

// running reports whether a call still holds anybody at t.
func running(c *core.Call, t time.Time) bool {
	switch c.Status {
	case core.CallInitiated:
		return t.Sub(c.InitiatedAt) < callRings
	case core.CallOngoing:
		return t.Sub(c.StartedAt) < callLasts
	}
	return false
}

// heldBy reads the running call that keeps something busy; nil if there is none.
func (t *txn) heldBy(ctx context.Context, key string) (*core.Call, error) {
	ref, found, err := record[callRef](ctx, t, t.app, spaceCallsOpen, key)
	if err != nil || !found {
		return nil, err
	}
	c, found, err := record[core.Call](ctx, t, t.app, spaceCalls, ref.Session)
	if err != nil || !found || !running(&c, t.e.now()) {
		return nil, err
	}
	return &c, nil
}

// Start rings.
func (s calls) Start(ctx context.Context, by core.Actor, in core.StartCall) (core.Called, error) {
	out, err := s.start(ctx, by, in)
	return out, translate("calls.start", err)
}

func (s calls) start(ctx context.Context, by core.Actor, in core.StartCall) (core.Called, error) {
	e := s.e
	var out core.Called
	if err := needUser(by); err != nil {
		return out, err
	}
	if err := e.planned(ctx, by.App, core.PlanCalls); err != nil {
		return out, err
	}
	if in.Kind != "audio" && in.Kind != "video" || len(in.Session) > maxSession {
		return out, fault.RequestInvalidField.Error("a call is audio or video, and its session id at most 255 bytes long")
	}
	sc, err := e.enter(ctx, by, in.Key)
	if err != nil {
		return out, err
	}
	if sc.banned(e.now()) {
		return out, fault.GroupBanned.Error("the user is banned from this group")
	}
	if sc.member == nil {
		return out, fault.GroupNotMember.Error("the user is not a member of this group").With("self")
	}
	c := core.Call{
		Session: cmp.Or(in.Session, uuid()), Key: in.Key, Direct: sc.channel.Kind == core.KindDirect, Kind: in.Kind, Status: core.CallInitiated,
		By: by.User, Mover: by.User, Extra: in.Extra, InitiatedAt: e.now(),
	}
	if c.Direct {
		if err := s.callee(ctx, sc, &c); err != nil {
			return out, err
		}
	}
	err = e.update(ctx, "calls.start", by.App, sc.channel.ID, func(t *txn) error {
		if _, taken, err := record[core.Call](ctx, t, by.App, spaceCalls, c.Session); err != nil || taken {
			return orElse(err, fault.RequestInvalidField.Error("the session id is in use"))
		}
		for _, k := range []struct {
			key, variant string
			asked        bool
		}{
			{keyOf("u", string(by.User)), "self", true},
			{keyOf("u", string(c.To)), "peer", c.Direct},
			{keyOf("g", string(c.Key)), "group", !c.Direct},
		} {
			if !k.asked {
				continue
			}
			if busy, err := t.heldBy(ctx, k.key); err != nil || busy != nil {
				return orElse(err, fault.CallBusy.Error("there is another call going on").With(k.variant))
			}
		}
		people := []core.UserID{c.By}
		if c.Direct {
			people = append(people, c.To)
		}
		for _, u := range people {
			if err := s.list(t, u, &c); err != nil {
				return err
			}
		}
		return s.save(ctx, t, sc, &c, nil, &out)
	})
	return out, err
}

// callee finds the other person of a Direct and whether they can be rung.
func (s calls) callee(ctx context.Context, sc *scene, c *core.Call) error {
	ms, err := s.e.store.Members(ctx, sc.by.App, sc.channel.ID, nil, 10, 0)
	if err != nil {
		return err
	}
	for i := range ms {
		if ms[i].User != c.By {
			c.To = ms[i].User
		}
	}
	if c.To == "" {
		return fault.TargetIsSelf.Error("nobody rings themself").With("call")
	}
	return s.e.notBlocked(ctx, sc)
}

// list files a call under a person.
func (s calls) list(t *txn, u core.UserID, c *core.Call) error {
	return putJSON(t, spaceCallsBy, keyOf(string(u), orderedTime(c.InitiatedAt), c.Session), &callRef{c.Session})
}

// save writes a call, what it holds from now on and no longer, and the notice that tells of it.
func (s calls) save(ctx context.Context, t *txn, sc *scene, c *core.Call, before []string, out *core.Called) error {
	e := s.e
	after := holds(c)
	if c.Status.Over() {
		after = nil
	}
	for _, k := range before {
		if !slices.Contains(after, k) {
			if err := t.DeleteRecord(t.app, spaceCallsOpen, k); err != nil {
				return err
			}
		}
	}
	for _, k := range after {
		if err := putJSON(t, spaceCallsOpen, k, &callRef{c.Session}); err != nil {
			return err
		}
	}
	stored := *c
	stored.Caller, stored.Callee = nil, nil
	if err := putJSON(t, spaceCalls, c.Session, &stored); err != nil {
		return err
	}
	if err := e.callPeople(ctx, t.app, []*core.Call{c}); err != nil {
		return err
	}
	ch, err := t.Channel(ctx, t.app, c.Key)
	if err != nil {
		return err
	}
	told := *c
	m, err := t.notice(ctx, sc, &ch, sc.user, core.Notice{Kind: core.NoticeCall, Of: c.To, Call: &told, At: e.now(), Person: c.Callee})
	if err != nil {
		return err
	}
	out.Call, out.Notice = *c, *m
	return nil
}

// callPeople fills in who rang and who was rung.
func (e *Engine) callPeople(ctx context.Context, app core.AppID, cs []*core.Call) error {
	var ids []core.UserID
	for _, c := range cs {
		ids = append(ids, c.By, c.To)
	}
	us, err := e.usersByID(ctx, app, ids)
	for _, c := range cs {
		c.Caller, c.Callee = us[c.By], us[c.To]
	}
	return err
}

// Move takes a call to another status.
func (s calls) Move(ctx context.Context, by core.Actor, in core.MoveCall) (core.Called, error) {
	out, err := s.move(ctx, by, in)
	return out, translate("calls.move", err)
}

func (s calls) move(ctx context.Context, by core.Actor, in core.MoveCall) (core.Called, error) {
	e := s.e
	var out core.Called
	if err := needUser(by); err != nil {
		return out, err
	}
	if in.Session == "" {
		return out, fault.RequestMissingField.Error("the session id of the call is required").With("call_session_id")
	}
	c, err := s.read(ctx, by.App, in.Session)
	if err != nil {
		return out, err
	}
	sc, err := e.enter(ctx, by, c.Key)
	if err != nil {
		return out, err
	}
	if sc.member == nil || c.Direct && by.User != c.By && by.User != c.To {
		return out, fault.CallNotParticipant.Error("the user has no part in this call")
	}
	err = e.update(ctx, "calls.move", by.App, sc.channel.ID, func(t *txn) error {
		c, _, err := record[core.Call](ctx, t, by.App, spaceCalls, in.Session)
		if err != nil {
			return err
		}
		if in.Kind != "" && in.Status == "" {
			if c.Status.Over() {
				return fault.CallEnded.Error("the call is over")
			}
			if in.Kind != "audio" && in.Kind != "video" {
				return fault.RequestInvalidField.Error("a call is audio or video")
			}
			c.Kind = in.Kind
			if err := putJSON(t, spaceCalls, c.Session, &c); err != nil {
				return err
			}
			out.Call = c
			return e.callPeople(ctx, t.app, []*core.Call{&out.Call})
		}
		before := holds(&c)
		if err := step(&c, by.User, in, e.now()); err != nil {
			return err
		}
		if !c.Direct && in.Status == core.CallOngoing {
			if busy, err := t.heldBy(ctx, keyOf("u", string(by.User))); err != nil || busy != nil && busy.Session != c.Session {
				return orElse(err, fault.CallBusy.Error("the user is in another call").With("self"))
			}
			if by.User != c.By {
				if err := s.list(t, by.User, &c); err != nil {
					return err
				}
			}
		}
		return s.save(ctx, t, sc, &c, before, &out)
	})
	return out, err
}

// step is the status machine of calls.
func step(c *core.Call, who core.UserID, in core.MoveCall, now time.Time) error {
	bad := func(variant, why string) error { return fault.CallInvalidTransition.Error(why).With(variant) }
	switch {
	case c.Status.Over():
		return fault.CallEnded.Error("the call is over")
	case in.Status == core.CallInitiated:
		return bad("to_initiated", "a call cannot go back to being initiated")
	}
	joined := slices.Contains(c.In, who)
	if !c.Direct {
		switch in.Status {
		case core.CallOngoing:
			if joined {
				return fault.CallAlreadyJoined.Error("the user is in the call already").With("group")
			}
		case core.CallEndedState:
			if !joined && slices.Contains(c.Was, who) {
				return fault.CallAlreadyLeft.Error("the user has left the call already")
			}
			if !joined && in.JoinedAt.IsZero() {
				return fault.RequestMissingField.Error("the moment of joining is required to leave a call that was not joined").With("joined_at")
			}
		case core.CallCancelled, core.CallUnanswered, core.CallRejected:
		default:
			return bad("group_status", "a group call does not take this status")
		}
	}
	switch in.Status {
	case core.CallOngoing:
		if c.Direct && joined {
			return fault.CallAlreadyJoined.Error("the user is in the call already").With("user")
		}
		return join(c, who, in, now)
	case core.CallEndedState:
		if c.Status == core.CallInitiated {
			return bad("initiated_to_ended", "a call that was never answered cannot be ended")
		}
		leaveCall(c, who, now)
		return nil
	case core.CallRejected, core.CallBusyStatus, core.CallCancelled, core.CallUnanswered:
		if c.Status == core.CallOngoing {
			return bad("from_ongoing", "a running call can only be ended")
		}
		c.Mover = who
		if c.Direct || in.Status != core.CallRejected { // one member's refusal does not end a group call
			c.Status, c.EndedAt = in.Status, now
		}
		return nil
	}
	return fault.RequestInvalidField.Error("the status of a call is not known")
}

// join puts a person into a call; whoever rang is in it as soon as it is answered.
func join(c *core.Call, who core.UserID, in core.MoveCall, now time.Time) error {
	if c.Direct && c.Status == core.CallInitiated && who == c.By {
		return fault.CallInvalidTransition.Error("the one who rang cannot answer").With("group_status")
	}
	c.In, c.Mover, c.JoinedAt = append(c.In, who), who, in.JoinedAt
	c.Was = slices.DeleteFunc(slices.Clone(c.Was), func(u core.UserID) bool { return u == who })
	if c.JoinedAt.IsZero() {
		c.JoinedAt = now
	}
	if c.Status == core.CallInitiated {
		c.Status, c.StartedAt = core.CallOngoing, now
		if !slices.Contains(c.In, c.By) {
			c.In = append(c.In, c.By)
		}
	}
	return nil
}

// leaveCall takes a person out of a call; it ends for both of a Direct, and with the last one of a group.
func leaveCall(c *core.Call, who core.UserID, now time.Time) {
	c.Mover = who
	if slices.Contains(c.In, who) {
		c.Was = append(slices.Clone(c.Was), who)
	}
	c.In = slices.DeleteFunc(slices.Clone(c.In), func(u core.UserID) bool { return u == who })
	if c.Direct || len(c.In) == 0 {
		c.Status, c.EndedAt = core.CallEndedState, now
	}
}

func (s calls) read(ctx context.Context, app core.AppID, session string) (*core.Call, error) {
	c, found, err := record[core.Call](ctx, s.e.store, app, spaceCalls, session)
	if err == nil && !found {
		err = fault.CallNotFound.Error("there is no call with this session id")
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// Get reads one call that the actor can have part in.
func (s calls) Get(ctx context.Context, by core.Actor, in core.GetCall) (core.Call, error) {
	const op = "calls.get"
	c, err := s.read(ctx, by.App, in.Session)
	if err == nil && by.User != "" {
		var sc *scene
		if sc, err = s.e.enter(ctx, by, c.Key); err == nil && sc.member == nil {
			err = fault.CallNotParticipant.Error("the user has no part in this call")
		}
	}
	if err == nil {
		err = s.e.callPeople(ctx, by.App, []*core.Call{c})
	}
	if err != nil {
		return core.Call{}, translate(op, err)
	}
	return *c, nil
}

// List reads calls, newest first.
func (s calls) List(ctx context.Context, by core.Actor, in core.ListCalls) ([]core.Call, error) {
	const op = "calls.list"
	limit, err := pageLimit(in.Page, callsListed, maxGroupsListed)
	if err == nil && by.User == "" && !by.Server() {
		err = needUser(by)
	}
	if err != nil {
		return nil, translate(op, err)
	}
	var all []core.Call
	if by.User == "" {
		all, err = scan[core.Call](ctx, s.e.store, by.App, spaceCalls, "")
	} else {
		refs, bad := listJSON[callRef](ctx, s.e.store, by.App, spaceCallsBy, prefixOf(string(by.User)), "", true, in.Page.Offset+limit)
		err = bad
		for i := range refs {
			c, bad := s.read(ctx, by.App, refs[i].Session)
			if bad != nil {
				return nil, translate(op, bad)
			}
			all = append(all, *c)
		}
	}
	if err != nil {
		return nil, translate(op, err)
	}
	slices.SortStableFunc(all, func(a, b core.Call) int { return b.InitiatedAt.Compare(a.InitiatedAt) })
	all = all[min(in.Page.Offset, len(all)):]
	all = all[:min(limit, len(all))]
	ptrs := make([]*core.Call, len(all))
	for i := range all {
		ptrs[i] = &all[i]
	}
	return all, translate(op, s.e.callPeople(ctx, by.App, ptrs))
}
