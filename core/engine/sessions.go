package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

type sessions struct{ e *Engine }

// describe keeps what a dialect says of a connection.
func (s *session) describe(in *core.Session, now time.Time) {
	if in == nil {
		return
	}
	c := *in
	c.Connection, c.User, c.Since = s.id, s.by.User, now
	c.Platform = cmp.Or(c.Platform, s.by.Platform)
	s.session = &c
}

// described lists the connections here of people that their dialects have described.
func (h *hub) described(app core.AppID, users []core.UserID) []core.Session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var out []core.Session
	for _, u := range users {
		if p := h.people[userKey{app, u}]; p != nil {
			for s := range p.sessions {
				if s.session != nil {
					out = append(out, *s.session)
				}
			}
		}
	}
	return out
}

// whose is the person a command of sessions is about.
func (s sessions) whose(by core.Actor, user core.UserID) (core.UserID, error) {
	user = cmp.Or(user, by.User)
	if user == "" {
		return "", needUser(by)
	}
	if user != by.User {
		return user, serverOnly(by, "the sessions of others")
	}
	return user, nil
}

// List lists a person's live connections.
func (s sessions) List(ctx context.Context, by core.Actor, in core.ListSessions) ([]core.Session, error) {
	const op = "sessions.list"
	user, err := s.whose(by, in.User)
	if err != nil {
		return nil, translate(op, err)
	}
	out, err := s.e.sessionsOf(ctx, by.App, []core.UserID{user})
	return out, translate(op, err)
}

// kickReasons are the variants of session.kicked.
var kickReasons = []string{"elsewhere", "server", "device", "password", "removed"}

// Kick ends live connections of a person.
func (s sessions) Kick(ctx context.Context, by core.Actor, in core.KickSessions) ([]core.Session, error) {
	const op = "sessions.kick"
	e := s.e
	user, err := s.whose(by, in.User)
	in.Reason = cmp.Or(in.Reason, "server")
	if err == nil && !slices.Contains(kickReasons, in.Reason) {
		err = fault.RequestInvalidField.Error("the reason of a kick is not known")
	}
	var all []core.Session
	if err == nil {
		all, err = e.sessionsOf(ctx, by.App, []core.UserID{user})
	}
	if err != nil {
		return nil, translate(op, err)
	}
	pattern := core.Session{Connection: in.Connection, User: user, Device: in.Device, Platform: in.Platform}
	all = slices.DeleteFunc(all, func(x core.Session) bool { return !matches(&pattern, in.Except, &x) })
	ev := &core.Event{
		Kind: core.SessionKicked, App: by.App, At: e.now(), To: []core.UserID{user}, Origin: core.Origin(ctx),
		Change: &core.Change{Session: &pattern, New: in.Reason, Old: in.Except, Text: in.Text},
	}
	e.dispatch.push(ev)
	return all, nil
}

// matches reports whether a connection fits the pattern; empty members of the pattern fit all.
func matches(p *core.Session, except string, s *core.Session) bool {
	return s.Connection != except && (p.Connection == "" || p.Connection == s.Connection) &&
		(p.Device == "" || p.Device == s.Device) && (p.Platform == "" || p.Platform == s.Platform)
}

// kicked ends the connections here that the event is about. The dialects close them.
func (h *hub) kicked(ev *core.Event) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	c := ev.Change
	if c == nil || c.Session == nil {
		return
	}
	p := h.people[userKey{ev.App, c.Session.User}]
	if p == nil {
		return
	}
	for s := range p.sessions {
		own := s.session
		if own == nil {
			own = &core.Session{Connection: s.id, Platform: s.by.Platform}
		}
		if s.ended != nil && matches(c.Session, c.Old, own) {
			s.ended(fault.SessionKicked.Error(cmp.Or(c.Text, "the session was ended")).With(c.New))
		}
	}
}

// sessionEvent tells of a connection.
func (e *Engine) sessionEvent(ctx context.Context, s *session, kind core.EventKind) *core.Event {
	ev := &core.Event{Kind: kind, App: s.by.App, At: e.now(), To: []core.UserID{s.by.User}, Change: &core.Change{Session: s.session}}
	if u, err := e.actor(ctx, s.by); err == nil {
		ev.User = e.seen(s.by.App, u)
	}
	return ev
}

// began tells the person's connections, and who subscribed to their presence, of a new one.
func (e *Engine) began(ctx context.Context, s *session) {
	if s.session == nil {
		return
	}
	e.raise(ctx, e.sessionEvent(ctx, s, core.SessionStarted))
	if err := e.tellPresence(ctx, s.by.App, s.by.User); err != nil {
		e.opts.Report("presence cannot be told", err)
	}
}
