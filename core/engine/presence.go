package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

type presences struct{ e *Engine }

// Limits of presence.
const (
	maxPresenceText  = 1024
	maxPresences     = 1000
	maxSubscriptions = 10_000
)

// storedPresence is what a person published.
type storedPresence struct {
	Text    string         `json:"text,omitempty"`
	Devices map[string]int `json:"devices,omitempty"`
}

// unnamedDevice stands for the connections of dialects that do not name their devices.
const unnamedDevice = "other"

// subscription is one person following another's presence for a time.
type subscription struct {
	Expires time.Time   `json:"expires"`
	User    core.UserID `json:"user"` // whom the entry names: the target, or the follower
}

// presencesOf reads how people show themselves.
func (e *Engine) presencesOf(ctx context.Context, app core.AppID, users []core.UserID) ([]core.Presence, error) {
	live, err := e.sessionsOf(ctx, app, users)
	if err != nil {
		return nil, err
	}
	known, err := e.usersByID(ctx, app, users)
	if err != nil {
		return nil, err
	}
	out := make([]core.Presence, 0, len(users))
	for _, id := range users {
		u := known[id]
		if u == nil {
			continue
		}
		p := core.Presence{User: id, LastSeen: u.LastActive}
		pub, _, err := record[storedPresence](ctx, e.store, app, spacePresence, string(id))
		if err != nil {
			return nil, err
		}
		p.Text = pub.Text
		if !u.Invisible {
			p.Devices = map[string]int{}
			for i := range live {
				if live[i].User == id {
					p.Devices[live[i].Device] = 1
				}
			}
			if len(p.Devices) == 0 && e.online(app, id) {
				p.Devices[unnamedDevice] = 1
			}
			for d, status := range pub.Devices {
				if p.Devices[d] = status; status == 0 {
					delete(p.Devices, d)
				}
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// tellPresence tells those who follow a person how they show themself now.
func (e *Engine) tellPresence(ctx context.Context, app core.AppID, user core.UserID) error {
	all, err := scan[subscription](ctx, e.store, app, spacePresenceFollowers, prefixOf(string(user)))
	if err != nil || len(all) == 0 {
		return err
	}
	now := e.now()
	var to []core.UserID
	for i := range all {
		if now.Before(all[i].Expires) {
			to = append(to, all[i].User)
		}
	}
	if len(to) == 0 {
		return nil
	}
	view, err := e.presencesOf(ctx, app, []core.UserID{user})
	if err != nil || len(view) == 0 {
		return err
	}
	u, err := e.user(ctx, app, user)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(to, maxToldBy) {
		e.dispatch.push(&core.Event{
			Kind: core.PresenceChanged, App: app, At: now, Target: e.seen(app, u), To: part, Change: &core.Change{Presence: &view[0]},
		})
	}
	return nil
}

// goneFrom forgets what a device published when its last connection is gone, and tells who follows.
func (e *Engine) goneFrom(ctx context.Context, s *session) error {
	app, user := s.by.App, s.by.User
	still := slices.ContainsFunc(e.hub.described(app, []core.UserID{user}), func(x core.Session) bool { return x.Device == s.session.Device })
	if still {
		return nil
	}
	_, found, err := record[storedPresence](ctx, e.store, app, spacePresence, string(user))
	if err != nil {
		return err
	}
	if found {
		err = e.update(ctx, "presence.gone", app, 0, func(t *txn) error {
			p, found, err := record[storedPresence](ctx, t, app, spacePresence, string(user))
			if err != nil || !found {
				return err
			}
			delete(p.Devices, s.session.Device)
			return putJSON(t, spacePresence, string(user), &p)
		})
	}
	if err != nil {
		return err
	}
	return e.tellPresence(ctx, app, user)
}

// Publish sets the actor's text and the status of one device.
func (s presences) Publish(ctx context.Context, by core.Actor, in core.PublishPresence) (core.Presence, error) {
	const op = "presences.publish"
	e := s.e
	if err := needUser(by); err != nil {
		return core.Presence{}, translate(op, err)
	}
	if len(in.Text) > maxPresenceText || len(in.Device) > maxPresenceText {
		return core.Presence{}, translate(op, fault.RequestFieldTooLong.Error("the text of a presence is at most 1,024 bytes long"))
	}
	if _, err := e.user(ctx, by.App, by.User); err != nil {
		return core.Presence{}, translate(op, err)
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		p, _, err := record[storedPresence](ctx, t, by.App, spacePresence, string(by.User))
		if err != nil {
			return err
		}
		if p.Devices == nil {
			p.Devices = map[string]int{}
		}
		p.Text = in.Text
		if in.Device != "" {
			p.Devices[in.Device] = in.Status
		}
		if len(p.Devices) > 100 {
			return fault.LimitReached.Error("a person publishes presence for at most 100 devices")
		}
		return putJSON(t, spacePresence, string(by.User), &p)
	})
	if err == nil {
		err = e.tellPresence(ctx, by.App, by.User)
	}
	if err != nil {
		return core.Presence{}, translate(op, err)
	}
	view, err := e.presencesOf(ctx, by.App, []core.UserID{by.User})
	if err != nil || len(view) == 0 {
		return core.Presence{}, translate(op, err)
	}
	return view[0], nil
}

// Query reads the presence of people; those unknown are left out.
func (s presences) Query(ctx context.Context, by core.Actor, in core.QueryPresence) ([]core.Presence, error) {
	const op = "presences.query"
	if len(in.Users) > maxPresences {
		return nil, translate(op, fault.RequestBatchTooLarge.Error("the presence of at most 1,000 people can be read at once"))
	}
	out, err := s.e.presencesOf(ctx, by.App, in.Users)
	if err == nil && by.User != "" {
		err = s.expiries(ctx, by, out)
	}
	return out, translate(op, err)
}

// expiries fills in until when the actor is subscribed.
func (s presences) expiries(ctx context.Context, by core.Actor, ps []core.Presence) error {
	for i := range ps {
		sub, _, err := record[subscription](ctx, s.e.store, by.App, spacePresenceSubs, keyOf(string(by.User), string(ps[i].User)))
		if err != nil {
			return err
		}
		if s.e.now().Before(sub.Expires) {
			ps[i].Expires = sub.Expires
		}
	}
	return nil
}

// Subscribe follows the presence of people for a time, or stops.
func (s presences) Subscribe(ctx context.Context, by core.Actor, in core.SubscribePresence) ([]core.Presence, error) {
	const op = "presences.subscribe"
	e := s.e
	err := needUser(by)
	switch {
	case err != nil:
	case len(in.Users) == 0 || len(in.Users) > maxPresences:
		err = fault.RequestBatchTooLarge.Error("1 to 1,000 people can be subscribed to at once")
	case !in.Stop && in.For <= 0:
		err = fault.RequestInvalidField.Error("a subscription needs a time")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	known, err := e.usersByID(ctx, by.App, in.Users)
	if err != nil {
		return nil, translate(op, err)
	}
	most := in.Max
	if most <= 0 {
		most = maxSubscriptions
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		all, err := scan[subscription](ctx, t, by.App, spacePresenceSubs, prefixOf(string(by.User)))
		if err != nil {
			return err
		}
		now, held := e.now(), map[core.UserID]bool{}
		for i := range all {
			if now.Before(all[i].Expires) {
				held[all[i].User] = true
			}
		}
		for _, u := range in.Users {
			mine, theirs := keyOf(string(by.User), string(u)), keyOf(string(u), string(by.User))
			if in.Stop {
				if err := t.DeleteRecord(by.App, spacePresenceSubs, mine); err != nil {
					return err
				}
				if err := t.DeleteRecord(by.App, spacePresenceFollowers, theirs); err != nil {
					return err
				}
				continue
			}
			if known[u] == nil {
				continue
			}
			if held[u] = true; len(held) > most {
				return fault.LimitReached.Error(fmt.Sprintf("a person has at most %d presence subscriptions", most)).With("presence_subscriptions")
			}
			ends := now.Add(in.For)
			if err := putJSON(t, spacePresenceSubs, mine, &subscription{Expires: ends, User: u}); err != nil {
				return err
			}
			if err := putJSON(t, spacePresenceFollowers, theirs, &subscription{Expires: ends, User: by.User}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || in.Stop {
		return nil, err
	}
	return s.Query(ctx, by, core.QueryPresence{Users: in.Users})
}

// Subscriptions lists whom the actor follows.
func (s presences) Subscriptions(ctx context.Context, by core.Actor, in core.ListSubscriptions) (core.Subscriptions, error) {
	const op = "presences.subscriptions"
	var out core.Subscriptions
	if err := needUser(by); err != nil {
		return out, translate(op, err)
	}
	all, err := scan[subscription](ctx, s.e.store, by.App, spacePresenceSubs, prefixOf(string(by.User)))
	if err != nil {
		return out, translate(op, err)
	}
	now := s.e.now()
	all = slices.DeleteFunc(all, func(x subscription) bool { return !now.Before(x.Expires) })
	out.Total = len(all)
	if all, err = paged(all, in.Page, func(x *subscription) string { return string(x.User) }); err != nil {
		return out, translate(op, err)
	}
	for i := range all {
		out.List = append(out.List, core.Presence{User: all[i].User, Expires: all[i].Expires})
	}
	return out, nil
}
