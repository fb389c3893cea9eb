package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

type sessions struct{ e *Engine }

// Subjects of the bus by which nodes ask each other for connections.
const (
	subjectSessions = "ses.ask"
	subjectAnswers  = "ses.answer."
)

// gatherLimit is how long the answers of other nodes are waited for; how many there are is not known.
const gatherLimit = 150 * time.Millisecond

// asking is the question for the connections of people.
type asking struct {
	ID    string        `json:"id"`
	App   core.AppID    `json:"app"`
	Users []core.UserID `json:"users"`
}

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

// answerSessions answers the questions of other nodes.
func (e *Engine) answerSessions() error {
	_, err := e.bus.Subscribe(subjectSessions, func(_ string, data []byte) {
		b, ok := e.foreign(data)
		if !ok {
			return
		}
		var q asking
		if json.Unmarshal(b, &q) != nil {
			return
		}
		if found := e.hub.described(q.App, q.Users); len(found) > 0 {
			if b, err := json.Marshal(found); err == nil {
				_ = e.publish(subjectAnswers+q.ID, b)
			}
		}
	})
	return err
}

// sessionsOf lists the described connections of people on all nodes, oldest first.
func (e *Engine) sessionsOf(ctx context.Context, app core.AppID, users []core.UserID) ([]core.Session, error) {
	out := e.hub.described(app, users)
	if !e.alone.Load() {
		q := asking{ID: randomID(9), App: app, Users: users}
		answers := make(chan []core.Session, 64)
		cancel, err := e.bus.Subscribe(subjectAnswers+q.ID, func(_ string, data []byte) {
			var found []core.Session
			if b, ok := e.foreign(data); ok && json.Unmarshal(b, &found) == nil {
				select {
				case answers <- found:
				default:
				}
			}
		})
		if err != nil {
			return nil, err
		}
		defer cancel()
		b, err := json.Marshal(&q)
		if err != nil {
			return nil, err
		}
		if err := e.publish(subjectSessions, b); err != nil {
			return nil, err
		}
		wait := time.NewTimer(gatherLimit)
		defer wait.Stop()
		for waiting := true; waiting; {
			select {
			case found := <-answers:
				out = append(out, found...)
			case <-wait.C:
				waiting = false
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	slices.SortFunc(out, func(a, b core.Session) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Connection, b.Connection))
	})
	return out, nil
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
