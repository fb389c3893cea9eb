package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// app reads the app through the cache.
func (e *Engine) app(ctx context.Context, id core.AppID) (*core.App, error) {
	return e.apps.load(id, func() (*core.App, error) {
		all, err := e.store.Apps(ctx)
		if err != nil {
			return nil, err
		}
		for i := range all {
			if all[i].ID == id {
				return &all[i], nil
			}
		}
		return nil, fault.AppNotFound.Error("")
	})
}

// planned refuses a feature that the app's plan leaves out.
func (e *Engine) planned(ctx context.Context, app core.AppID, f core.PlanFeature) error {
	a, err := e.app(ctx, app)
	if err != nil || a.Settings.Plan.Has(f) {
		return err
	}
	return fault.PlanFeatureUnavailable.Error(fmt.Sprintf("the plan of the app does not contain %s", f))
}

// user reads one user through the cache; user.not_found if there is none.
func (e *Engine) user(ctx context.Context, app core.AppID, id core.UserID) (*core.User, error) {
	return e.users.load(userKey{app, id}, func() (*core.User, error) {
		us, err := e.store.Users(ctx, app, []core.UserID{id})
		if err != nil {
			return nil, err
		}
		if len(us) == 0 {
			return nil, fault.UserNotFound.Error(fmt.Sprintf("The user with ID %q does not exist", id))
		}
		return &us[0], nil
	})
}

// usersByID reads users through the cache; unknown ids are left out. Online is filled in.
func (e *Engine) usersByID(ctx context.Context, app core.AppID, ids []core.UserID) (map[core.UserID]*core.User, error) {
	out := make(map[core.UserID]*core.User, len(ids))
	var miss []core.UserID
	for _, id := range ids {
		if id == "" || out[id] != nil {
			continue
		}
		if u, ok := e.users.get(userKey{app, id}); ok {
			out[id] = u
		} else {
			miss = append(miss, id)
		}
	}
	if len(miss) > 0 {
		gen := e.users.mark()
		for start := 0; start < len(miss); start += 500 {
			us, err := e.store.Users(ctx, app, miss[start:min(start+500, len(miss))])
			if err != nil {
				return nil, err
			}
			for i := range us {
				e.users.fill(gen, userKey{app, us[i].ID}, &us[i])
				out[us[i].ID] = &us[i]
			}
		}
	}
	for id, u := range out {
		out[id] = e.seen(app, u)
	}
	return out, nil
}

// seen returns the user as others see them: with Online filled in.
func (e *Engine) seen(app core.AppID, u *core.User) *core.User {
	if u == nil {
		return nil
	}
	if on := !u.Invisible && e.online(app, u.ID); on != u.Online {
		c := *u
		c.Online = on
		return &c
	}
	return u
}

// channel reads one channel, by key or by number, through the cache; group.not_found if there is none or it is deleted.
func (e *Engine) channel(ctx context.Context, app core.AppID, key core.ChannelKey) (*core.Channel, error) {
	c, err := e.channels.load(channelKey{app, key}, func() (*core.Channel, error) {
		c, err := e.store.Channel(ctx, app, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil, noChannel(key)
		}
		return &c, err
	})
	if err != nil {
		return nil, err
	}
	if c.Key != key { // asked for by its number; kept up to date under its key alone
		return e.channel(ctx, app, c.Key)
	}
	if !c.DeletedAt.IsZero() {
		return nil, noChannel(key)
	}
	return c, nil
}

func noChannel(key core.ChannelKey) error {
	typ, id := key.Split()
	return fault.GroupNotFound.Error(fmt.Sprintf("Can't find channel with id %s:%s", typ, id))
}

// place reads what a person is in a channel through the cache.
func (e *Engine) place(ctx context.Context, app core.AppID, c *core.Channel, user core.UserID) (*place, error) {
	if user == "" {
		return &place{}, nil
	}
	return e.places.load(placeKey{app, c.ID, user}, func() (*place, error) {
		p := &place{}
		ms, err := e.store.Members(ctx, app, c.ID, []core.UserID{user}, 1, 0)
		if err != nil {
			return nil, err
		}
		if len(ms) > 0 {
			p.member = &ms[0]
		}
		ban, err := getJSON[core.Ban](ctx, e.store, app, spaceBans, banKey(c.Key, user))
		switch {
		case err == nil:
			p.ban = &ban
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
		mute, found, err := record[core.MemberMute](ctx, e.store, app, spaceMuted, placeRecord(c.Key, user))
		if err != nil {
			return nil, err
		}
		if found {
			p.mute = &mute
		}
		return p, nil
	})
}

// ctype reads a channel type through the cache, built-in or stored.
func (e *Engine) ctype(ctx context.Context, app core.AppID, name string) (*core.ChannelType, error) {
	return e.types.load(typeKey{app, name}, func() (*core.ChannelType, error) {
		t, err := e.readType(ctx, e.store, app, name)
		return &t, err
	})
}

// scene is everything the rules of one command on one channel look at.
type scene struct {
	by      core.Actor
	app     *core.App
	channel *core.Channel
	config  *core.ChannelType // effective: the type with the channel's overrides
	user    *core.User        // the actor; nil for a server acting for nobody
	member  *core.Member      // the actor's membership, nil if none
	ban     *core.Ban         // the actor's ban in this channel, in force or not
	mute    *core.MemberMute  // the actor's mute in this channel, in force or not
	// Of a reply: the people of its thread when it was started, and whether the actor is one.
	threadPeople []core.UserID
	started      bool
	inThread     bool

	away  string // the actor's rank in a room they are not in; filled by group
	super bool   // the actor is a super admin and the channel a room; filled by group
	// maxExtra is what the dialect allows of custom fields; 0 for the core's own bound.
	maxExtra int
	// maxText is what the dialect allows of the text; 0 for the channel type's own bound.
	maxText int
	// dated is set when the time of the message was given: it stays.
	dated bool
}

// enter loads the scene of a channel.
func (e *Engine) enter(ctx context.Context, by core.Actor, key core.ChannelKey) (*scene, error) {
	c, err := e.channel(ctx, by.App, key)
	if err != nil {
		return nil, err
	}
	return e.sceneOf(ctx, by, c)
}

// sceneOf loads the scene of a channel at hand.
func (e *Engine) sceneOf(ctx context.Context, by core.Actor, c *core.Channel) (*scene, error) {
	s := &scene{by: by, channel: c}
	var err error
	if s.app, err = e.app(ctx, by.App); err != nil {
		return nil, err
	}
	t, err := e.ctype(ctx, by.App, c.Type)
	if err != nil {
		return nil, err
	}
	s.config = effective(t, c)
	if by.User != "" {
		if s.user, err = e.actor(ctx, by); err != nil {
			return nil, err
		}
		p, err := e.place(ctx, by.App, c, by.User)
		if err != nil {
			return nil, err
		}
		s.member, s.ban, s.mute = p.member, p.ban, p.mute
	}
	return s, nil
}

// actor reads the acting user. A server may act for somebody new, who is created by then.
func (e *Engine) actor(ctx context.Context, by core.Actor) (*core.User, error) {
	if by.Access == core.AccessAnonymous {
		return &core.User{ID: by.User, Role: core.RoleAnonymous}, nil
	}
	u, err := e.user(ctx, by.App, by.User)
	if err == nil || !by.Server() || !fault.IsReason(err, fault.UserNotFound) {
		return u, err
	}
	if err := checkUserID(by.User); err != nil {
		return nil, err
	}
	fresh := core.User{ID: by.User, Role: core.RoleUser, CreatedAt: e.now(), UpdatedAt: e.now()}
	err = e.update(ctx, "users.create", by.App, 0, func(t *txn) error {
		us, err := t.Users(ctx, by.App, []core.UserID{by.User})
		if err != nil || len(us) > 0 {
			return err
		}
		return t.putUser(&fresh)
	})
	if err != nil {
		return nil, err
	}
	return e.user(ctx, by.App, by.User)
}

// effective applies a channel's overrides to its type.
func effective(t *core.ChannelType, c *core.Channel) *core.ChannelType {
	o := &c.Overrides
	if o.Features == nil && o.MaxLength == 0 && o.Blocklist == nil && o.BlocklistBehavior == nil && o.Commands == nil && o.Grants == nil {
		return t
	}
	m := *t
	if o.Features != nil {
		m.Features = make(core.Features, len(t.Features))
		for k, v := range t.Features {
			m.Features[k] = v
		}
		for k, v := range o.Features {
			m.Features[k] = v
		}
	}
	if o.MaxLength > 0 {
		m.MaxLength = o.MaxLength
	}
	if o.Blocklist != nil {
		m.Blocklist = *o.Blocklist
	}
	if o.BlocklistBehavior != nil {
		m.BlocklistBehavior = *o.BlocklistBehavior
	}
	if o.Commands != nil {
		m.Commands = o.Commands
	}
	if o.Grants != nil {
		m.Grants = overrideGrants(t.Grants, o.Grants)
	}
	return &m
}

// need answers service.not_enabled when a feature of the channel is off.
func (s *scene) need(f core.Feature, what string) error {
	if s.config.Features[f] {
		return nil
	}
	return fault.ServiceNotEnabled.Error(what + " are disabled for this channel type").With("channel_feature")
}

// invalidation tells caches, here and on other nodes, what to forget.
type invalidation struct {
	App     core.AppID        `json:"app"`
	Self    bool              `json:"self,omitempty"` // the app's own settings
	Users   []core.UserID     `json:"users,omitempty"`
	Keys    []core.ChannelKey `json:"keys,omitempty"`
	Places  []placeOf         `json:"places,omitempty"`
	Types   []string          `json:"types,omitempty"`
	Lists   []string          `json:"lists,omitempty"`   // blocklists
	Secrets []string          `json:"secrets,omitempty"` // keys of credentials
	No      uint64            `json:"no,omitempty"`      // of the sender's invalidations
}

type placeOf struct {
	Ch   core.ChannelID `json:"ch"`
	User core.UserID    `json:"user"`
	Gone bool           `json:"gone,omitempty"` // the membership ended
}

// forget drops values from the caches of this node and tells the others. The error is that of the
// bus; this node has forgotten all the same.
func (e *Engine) forget(in invalidation) error {
	e.forgetHere(in)
	if e.alone.Load() {
		return nil
	}
	return e.kit.said.say(func(no uint64) error {
		in.No = no
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		return e.publish(subjectControl, b)
	})
}

func (e *Engine) forgetHere(in invalidation) {
	if in.Self {
		e.apps.drop(in.App)
		e.kit.supers.drop(in.App)
	}
	for _, u := range in.Users {
		e.users.drop(userKey{in.App, u})
		e.kit.kindMutes.drop(userKey{in.App, u})
	}
	for _, k := range in.Keys {
		e.channels.drop(channelKey{in.App, k})
	}
	for _, p := range in.Places {
		e.places.drop(placeKey{in.App, p.Ch, p.User})
	}
	for _, n := range in.Types {
		e.types.drop(typeKey{in.App, n})
	}
	for _, k := range in.Secrets {
		e.kit.secrets.drop(typeKey{in.App, k})
	}
	for _, n := range in.Lists {
		e.kit.lists.drop(typeKey{in.App, n})
	}
}
