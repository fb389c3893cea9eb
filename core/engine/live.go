package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
)

// Limits of catching up.
const (
	syncMaxEvents = 1000
	syncMaxAge    = 30 * 24 * time.Hour
	syncMaxKeys   = 200
)

// maxMemberships bounds the channels a connection is told of without watching them.
const maxMemberships = 10000

type live struct{ e *Engine }

// Connect opens a live connection: the person's profile is brought up to date, they go online with
// their first connection, and learn their own state.
func (l live) Connect(ctx context.Context, by core.Actor, in core.Connect) (core.Connection, error) {
	e := l.e
	const op = "live.connect"
	if by.User == "" {
		return core.Connection{}, fault.AuthFailed.Error("a live connection needs a user")
	}
	if in.Sink == nil {
		return core.Connection{}, fault.ServerInternal.Error("a live connection needs a sink")
	}
	if _, err := e.comeOnline(ctx, by, in.Profile); err != nil {
		return core.Connection{}, translate(op, err)
	}
	ms, err := e.store.Memberships(ctx, by.App, by.User, maxMemberships)
	if err != nil {
		return core.Connection{}, translate(op, err)
	}
	chs := make([]core.ChannelID, len(ms))
	for i := range ms {
		chs[i] = ms[i].Channel
	}
	s := &session{id: e.connectionID(), by: by, sink: in.Sink, ended: in.Ended, everything: in.Everything}
	s.describe(in.Session, e.now())
	first := e.hub.add(s, chs)
	self, err := l.selfIn(ctx, by, ms)
	if err != nil {
		e.hub.remove(s)
		return core.Connection{}, translate(op, err)
	}
	elsewhere := false
	if first {
		elsewhere = e.peers.online(userKey{by.App, by.User})
		e.here(userKey{by.App, by.User}, true)
	}
	if first && !elsewhere && !self.User.Invisible {
		u := self.User
		u.Online = true
		e.tellOnline(ctx, by.App, &u)
		e.tellUnnamed(ctx, s)
	}
	e.began(ctx, s)
	var once sync.Once
	return core.Connection{ID: s.id, Self: self, Close: func() { once.Do(func() { e.disconnect(s) }) }}, nil
}

// comeOnline upserts the profile and notes the activity. Anonymous people are not stored.
func (e *Engine) comeOnline(ctx context.Context, by core.Actor, profile *core.User) (*core.User, error) {
	if by.Access == core.AccessAnonymous {
		return &core.User{ID: by.User, Role: core.RoleAnonymous}, nil
	}
	if err := checkUserID(by.User); err != nil {
		return nil, err
	}
	var out core.User
	err := e.update(ctx, "live.connect", by.App, 0, func(t *txn) error {
		us, err := t.Users(ctx, by.App, []core.UserID{by.User})
		if err != nil {
			return err
		}
		u := core.User{ID: by.User, Role: core.RoleUser, CreatedAt: e.now(), UpdatedAt: e.now()}
		if by.Access == core.AccessGuest {
			u.Role = core.RoleGuest
		}
		fresh := len(us) == 0
		if !fresh {
			u = us[0]
		}
		if !u.DeactivatedAt.IsZero() || !u.DeletedAt.IsZero() {
			return fault.AuthFailed.Error("the user is deactivated")
		}
		if profile != nil {
			if _, err = e.mergeProfile(ctx, t, &u, profile, fresh); err != nil {
				return err
			}
		}
		u.LastActive = e.now()
		out = u
		return t.putUser(&u)
	})
	return &out, err
}

func (e *Engine) disconnect(s *session) {
	last, watched := e.hub.remove(s)
	for _, ch := range watched {
		e.tellWatching(s, ch, core.WatchingStopped)
	}
	if s.session != nil {
		ctx, cancel := context.WithTimeout(context.Background(), fillGapLimit)
		defer cancel()
		e.raise(ctx, e.sessionEvent(ctx, s, core.SessionEnded))
		if err := e.goneFrom(ctx, s); err != nil {
			e.opts.Report("presence cannot be told", err)
		}
	}
	if last {
		e.here(userKey{s.by.App, s.by.User}, false)
	}
	if !last || s.by.Access == core.AccessAnonymous || e.peers.online(userKey{s.by.App, s.by.User}) {
		return
	}
	// The connection is gone, so nobody waits; the write is bounded all the same.
	ctx, cancel := context.WithTimeout(context.Background(), fillGapLimit)
	defer cancel()
	u, err := e.user(ctx, s.by.App, s.by.User)
	if err != nil {
		return
	}
	c := *u
	c.Online = false
	c.LastActive = e.now()
	if !c.Invisible {
		e.tellOnline(ctx, s.by.App, &c)
		e.tellUnnamed(ctx, s)
	}
}

// tellUnnamed tells who subscribed to the person's presence that they came or went on a connection
// without a device of its own; those that have one are told of by device.
func (e *Engine) tellUnnamed(ctx context.Context, s *session) {
	if s.session != nil {
		return
	}
	if err := e.tellPresence(ctx, s.by.App, s.by.User); err != nil {
		e.opts.Report("presence cannot be told", err)
	}
}

// tellOnline tells that somebody has come online or gone: the connections at once, the webhooks
// by the store. A webhook that cannot be queued is reported; coming and going does not fail by it.
func (e *Engine) tellOnline(ctx context.Context, app core.AppID, u *core.User) {
	ev := &core.Event{Kind: core.UserPresence, App: app, At: e.now(), User: u}
	if e.hasHooks(app, ev.Kind) {
		err := e.update(ctx, "live.presence", app, 0, func(t *txn) error { return t.emit(ev) })
		if err == nil {
			return
		}
		e.opts.Report("presence cannot be told to webhooks", err)
	}
	e.dispatch.push(ev)
}

// Self reads the actor's own state.
func (l live) Self(ctx context.Context, by core.Actor, _ core.GetSelf) (core.Self, error) {
	s, err := l.self(ctx, by)
	return s, translate("live.self", err)
}

func (l live) self(ctx context.Context, by core.Actor) (core.Self, error) {
	ms, err := l.e.store.Memberships(ctx, by.App, by.User, maxMemberships)
	if err != nil {
		return core.Self{}, err
	}
	return l.selfIn(ctx, by, ms)
}

// selfIn is self for a person whose memberships are known. Who is in no channel has nothing unread
// there, and is not asked about: most new connections of a large app are of that kind.
func (l live) selfIn(ctx context.Context, by core.Actor, ms []core.Member) (core.Self, error) {
	e := l.e
	u, err := e.actor(ctx, by)
	if err != nil {
		return core.Self{}, err
	}
	s := core.Self{User: *u}
	s.User.Online = e.online(by.App, by.User) && !u.Invisible
	if by.Access == core.AccessAnonymous {
		return s, nil
	}
	if len(ms) == 0 {
		e.hub.loadUnread(userKey{by.App, by.User})(map[core.ChannelID]*unreadOf{}, map[core.MessageID]struct{}{})
	} else if s.Counts, err = e.loadCounts(ctx, by.App, by.User); err != nil {
		return s, err
	}
	if s.Devices, err = e.devicesOf(ctx, by.App, by.User); err != nil {
		return s, err
	}
	if s.Mutes, err = e.mutesOf(ctx, by.App, by.User); err != nil {
		return s, err
	}
	if s.ChannelMutes, err = e.channelMutesOf(ctx, by.App, by.User, ms); err != nil {
		return s, err
	}
	s.Blocked, err = e.blockedBy(ctx, by.App, by.User)
	return s, err
}

// Watch makes a connection follow channels, or stop.
func (l live) Watch(ctx context.Context, by core.Actor, in core.WatchChannels) ([]core.Channel, error) {
	e := l.e
	const op = "live.watch"
	conn, err := e.connection(ctx, by, in.Connection)
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.Channel, 0, len(in.Keys))
	for _, key := range in.Keys {
		sc, err := e.enter(ctx, by, key)
		if err != nil {
			return nil, translate(op, err)
		}
		out = append(out, *sc.channel)
		if in.Stop {
			if err := conn.unwatch(ctx, sc.channel.ID); err != nil {
				return nil, translate(op, err)
			}
			continue
		}
		if err := e.can(sc, perm.ReadChannel, sc.owns()); err != nil {
			return nil, translate(op, err)
		}
		if err := conn.watch(ctx, sc); err != nil {
			return nil, translate(op, err)
		}
	}
	return out, nil
}

func (e *Engine) tellWatching(s *session, ch core.ChannelID, kind core.EventKind) {
	ctx, cancel := context.WithTimeout(context.Background(), fillGapLimit)
	defer cancel()
	cs, err := e.store.Channels(ctx, s.by.App, []core.ChannelID{ch})
	if err != nil || len(cs) == 0 {
		return
	}
	cfg, err := e.configOf(ctx, s.by.App, &cs[0])
	if err != nil {
		return
	}
	e.tellWatchingIn(s, &cs[0], cfg, kind)
}

// maxWatchersTold is the size above which comings and goings are not told one by one.
const maxWatchersTold = 100

func (e *Engine) tellWatchingIn(s *session, c *core.Channel, cfg *core.ChannelType, kind core.EventKind) {
	_, n := e.hub.watching(s.by.App, c.ID, 0)
	if !cfg.Features[core.FeatureConnects] || n > maxWatchersTold {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), fillGapLimit)
	defer cancel()
	u, err := e.actor(ctx, s.by)
	if err != nil || u.Invisible {
		return
	}
	e.dispatch.push(&core.Event{
		Kind: kind, App: s.by.App, At: e.now(), Channel: c, Config: cfg,
		User: e.seen(s.by.App, u), Watchers: true, WatcherCount: n,
	})
}

// Follow makes a connection follow people's presence, or stop.
func (l live) Follow(ctx context.Context, by core.Actor, in core.FollowPresence) (int, error) {
	const op = "live.follow"
	conn, err := l.e.connection(ctx, by, in.Connection)
	if err == nil && in.Everyone {
		err = conn.followAll(ctx, !in.Stop)
	}
	if err == nil {
		err = conn.follow(ctx, in.Users, in.Stop)
	}
	if err != nil {
		return 0, translate(op, err)
	}
	return len(in.Users), ctx.Err()
}

// Send tells a channel, or single people, something that is not stored.
func (l live) Send(ctx context.Context, by core.Actor, in core.SendEvent) (*core.Event, error) {
	e := l.e
	const op = "live.send"
	ev := &core.Event{Kind: in.Kind, App: by.App, At: e.now(), Name: in.Name, Parent: in.Parent, Extra: in.Extra, Origin: core.Origin(ctx)}
	if in.Key == "" {
		if !by.Server() {
			return nil, translate(op, fault.PermissionDenied.Error("only servers may send events to users"))
		}
		if len(in.To) == 0 || in.Kind != core.CustomEvent {
			return nil, translate(op, fault.RequestInvalid.Error("a custom event and its receivers are required"))
		}
		ev.To = in.To
		if by.User != "" {
			u, err := e.actor(ctx, by)
			if err != nil {
				return nil, translate(op, err)
			}
			ev.User = e.seen(by.App, u)
		}
		if in.Keep {
			ev.Box = ev.To
		}
		return e.tell(ctx, ev, in.Keep)
	}
	sc, err := e.enter(ctx, by, in.Key)
	if err != nil {
		return nil, translate(op, err)
	}
	if sc.user == nil {
		return nil, translate(op, fault.RequestInvalid.Error("a user is required when using server side auth"))
	}
	p, feature := perm.SendCustomEvent, core.FeatureCustom
	if in.Kind != core.CustomEvent {
		p, feature = "", core.FeatureTyping
		if !sc.config.Features[feature] {
			return nil, translate(op, fault.EventNotSupported.Error("typing events are not enabled for this channel type"))
		}
	} else if err := sc.need(feature, "custom events"); err != nil {
		return nil, translate(op, err)
	}
	if p != "" {
		err = e.can(sc, p, sc.owns())
	} else {
		err = e.can(sc, perm.ReadChannel, sc.owns())
	}
	if err != nil {
		return nil, translate(op, err)
	}
	ev.Channel, ev.Config, ev.User, ev.Watchers = sc.channel, sc.config, e.seen(by.App, sc.user), in.Kind != core.CustomEvent
	ev.To = in.To
	return e.tell(ctx, ev, in.Keep && in.Kind == core.CustomEvent)
}

// tell hands an event on, at once or when it is stored.
func (e *Engine) tell(ctx context.Context, ev *core.Event, keep bool) (*core.Event, error) {
	if len(ev.To) > maxToldBy {
		return nil, fault.RequestBatchTooLarge.Error(fmt.Sprintf("an event is told to at most %d people", maxToldBy))
	}
	if !keep {
		e.dispatch.push(ev)
		return ev, nil
	}
	var ch core.ChannelID
	if ev.Channel != nil {
		ch = ev.Channel.ID
	}
	out := ev
	err := e.update(ctx, "live.send", ev.App, ch, func(t *txn) error {
		out = &core.Event{
			Kind: ev.Kind, At: ev.At, Channel: ev.Channel, Config: ev.Config, User: ev.User, To: ev.To, Box: ev.Box,
			Name: ev.Name, Parent: ev.Parent, Extra: ev.Extra,
		}
		if out.Channel != nil {
			return t.log(out)
		}
		return t.emit(out)
	})
	return out, err
}

// maxToldBy bounds the people one custom event names.
const maxToldBy = 100

// owns reports whether the actor made the channel.
func (s *scene) owns() bool { return s.user != nil && s.channel.CreatedBy == s.user.ID }

// Sync reads the stored events of channels since a time.
func (l live) Sync(ctx context.Context, by core.Actor, in core.SyncSince) (core.Synced, error) {
	e := l.e
	const op = "live.sync"
	var out core.Synced
	if len(in.Keys) > syncMaxKeys {
		return out, translate(op, fault.RequestBatchTooLarge.Error("too many channels to sync"))
	}
	if e.now().Sub(in.Since) > syncMaxAge {
		return out, translate(op, fault.RequestInvalid.Error("last_sync_at is too far in the past"))
	}
	for _, key := range in.Keys {
		sc, err := e.enter(ctx, by, key)
		if err == nil {
			err = e.can(sc, perm.ReadChannel, sc.owns())
		}
		if fault.IsReason(err, fault.GroupNotFound) || fault.IsReason(err, fault.PermissionDenied) {
			out.Inaccessible = append(out.Inaccessible, key)
			continue
		}
		if err != nil {
			return out, translate(op, err)
		}
		rows, err := e.store.Events(ctx, by.App, sc.channel.ID, 0, in.Since, syncMaxEvents+1-len(out.Events))
		if err != nil {
			return out, translate(op, err)
		}
		evs, err := e.rebuild(ctx, by.App, rows)
		if err != nil {
			return out, translate(op, err)
		}
		for _, ev := range evs {
			if visible(ev, by) {
				out.Events = append(out.Events, ev)
			}
		}
		if len(out.Events) > syncMaxEvents {
			return out, translate(op, fault.RequestInvalid.Error("too many events to sync, please use a more recent last_sync_at parameter"))
		}
	}
	sortEvents(out.Events)
	return out, nil
}

// visible reports whether a stored event is the actor's to see.
func visible(ev *core.Event, by core.Actor) bool {
	if by.Server() {
		return true
	}
	if len(ev.To) > 0 {
		for _, u := range ev.To {
			if u == by.User {
				return true
			}
		}
		return false
	}
	return ev.Message == nil || canSee(ev.Message, by)
}

// canSee reports whether a message is the actor's to see.
func canSee(m *core.Message, by core.Actor) bool {
	if by.Server() || m.User == by.User {
		return true
	}
	if m.Shadowed {
		return false
	}
	if len(m.RestrictedTo) == 0 {
		return true
	}
	for _, u := range m.RestrictedTo {
		if u == by.User {
			return true
		}
	}
	return false
}
