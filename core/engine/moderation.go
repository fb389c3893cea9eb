package engine

import (
	"context"
	"math"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
)

type moderation struct{ e *Engine }

// Ban bans a person from a channel or the app, or lifts the ban.
func (m moderation) Ban(ctx context.Context, by core.Actor, in core.SetBan) (core.Ban, error) {
	e := m.e
	const op = "moderation.ban"
	if in.User == "" {
		return core.Ban{}, translate(op, fault.RequestMissingField.Error("the user to ban is required"))
	}
	if in.User == by.User && !in.Lift {
		return core.Ban{}, translate(op, fault.TargetIsSelf.Error("you cannot ban yourself"))
	}
	target, err := e.user(ctx, by.App, in.User)
	if err != nil {
		return core.Ban{}, translate(op, err)
	}
	var banner *core.User
	if by.User != "" {
		if banner, err = e.actor(ctx, by); err != nil {
			return core.Ban{}, translate(op, err)
		}
	}
	b := core.Ban{
		User: in.User, Channel: in.Key, By: by.User, Reason: in.Reason, Shadow: in.Shadow, IP: in.IP,
		CreatedAt: e.now(), Target: e.seen(by.App, target), Banner: e.seen(by.App, banner),
	}
	if in.For > 0 {
		b.Expires = e.now().Add(in.For)
	}
	if in.Key == "" {
		err = m.fromApp(ctx, op, by, in, &b)
	} else {
		err = m.fromChannel(ctx, op, by, in, &b)
	}
	return b, translate(op, err)
}

// fromApp bans from, or lets back into, the whole app.
func (m moderation) fromApp(ctx context.Context, op string, by core.Actor, in core.SetBan, b *core.Ban) error {
	e := m.e
	if err := e.canBanFromApp(ctx, by); err != nil {
		return err
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		us, err := t.Users(ctx, by.App, []core.UserID{in.User})
		if err != nil {
			return err
		}
		if len(us) == 0 {
			return fault.UserNotFound.Error("The user with ID \"" + string(in.User) + "\" does not exist")
		}
		u := us[0]
		u.Ban = nil
		if !in.Lift {
			plain := bare(b)
			u.Ban = &plain
		}
		if err := t.putUser(&u); err != nil {
			return err
		}
		if err := m.store(t, in, b); err != nil {
			return err
		}
		return t.emit(&core.Event{Kind: banKind(in.Lift), User: b.Banner, Target: e.seen(by.App, &u), Ban: b, To: []core.UserID{in.User}})
	})
	if err != nil || in.Lift || in.Messages == core.DeleteNone {
		return err
	}
	return e.purgeUser(ctx, by.App, b.Target, in.Messages)
}

// canBanFromApp looks the permission up in the default type: it is a permission of channels that
// some roles have in every channel.
func (e *Engine) canBanFromApp(ctx context.Context, by core.Actor) error {
	if by.Server() {
		return nil
	}
	app, err := e.app(ctx, by.App)
	if err != nil || app.Settings.DisablePermissions {
		return err
	}
	u, err := e.actor(ctx, by)
	if err != nil {
		return err
	}
	t, err := e.ctype(ctx, by.App, core.DefaultType)
	if err != nil {
		return err
	}
	role := roleIn(u, "", false)
	for _, g := range t.Grants {
		if g.Role == role && granted(g.Permissions, perm.BanUser, false, !app.Settings.Teams) {
			return nil
		}
	}
	return denied(by, []string{role}, perm.BanUser, perm.ScopeApp)
}

// fromChannel bans from, or lets back into, one channel.
func (m moderation) fromChannel(ctx context.Context, op string, by core.Actor, in core.SetBan, b *core.Ban) error {
	e := m.e
	s, err := e.enter(ctx, by, in.Key)
	if err != nil {
		return err
	}
	if err := e.can(s, perm.BanChannelMember, s.owns()); err != nil {
		return err
	}
	err = e.update(ctx, op, by.App, s.channel.ID, func(t *txn) error {
		if err := m.store(t, in, b); err != nil {
			return err
		}
		t.dropPlace(in.Key, s.channel.ID, in.User)
		var member *core.Ban
		if !in.Lift {
			plain := bare(b)
			member = &plain
			if in.Messages != core.DeleteNone {
				if err := t.purge(s.channel.ID, in.User, in.Messages); err != nil {
					return err
				}
			}
		}
		ms, err := t.Members(ctx, by.App, s.channel.ID, []core.UserID{in.User}, 1, 0)
		if err != nil {
			return err
		}
		if len(ms) > 0 {
			ms[0].Ban = member
			if err := t.putMember(in.Key, &ms[0]); err != nil {
				return err
			}
		}
		ev := &core.Event{Kind: banKind(in.Lift), Channel: s.channel, Config: s.config, User: b.Banner, Target: b.Target, Ban: b}
		if err := t.emit(ev); err != nil || in.Lift || in.Messages == core.DeleteNone {
			return err
		}
		return t.emit(&core.Event{
			Kind: core.UserMessagesGone, Channel: s.channel, Config: s.config, User: b.Banner, Target: b.Target,
			Hard: in.Messages == core.DeleteHard,
		})
	})
	return err
}

// store writes or removes the ban's records.
func (m moderation) store(t *txn, in core.SetBan, b *core.Ban) error {
	if in.Lift {
		if in.Future {
			if err := t.DeleteRecord(t.app, spaceFutureBans, keyOf(string(b.By), string(in.User))); err != nil {
				return err
			}
		}
		return t.DeleteRecord(t.app, spaceBans, banKey(in.Key, in.User))
	}
	plain := bare(b)
	if in.Future && b.By != "" {
		future := plain
		future.Channel = ""
		if err := putJSON(t, spaceFutureBans, keyOf(string(b.By), string(in.User)), &future); err != nil {
			return err
		}
	}
	return putJSON(t, spaceBans, banKey(in.Key, in.User), &plain)
}

func banKind(lift bool) core.EventKind {
	if lift {
		return core.UserUnbanned
	}
	return core.UserBanned
}

// bare is the ban as it is stored: without the people filled in.
func bare(b *core.Ban) core.Ban {
	c := *b
	c.Target, c.Banner = nil, nil
	return c
}

// applyFutureBans bans from a new channel those whom its creator has banned from what they create
// later. The caller is the transaction that makes the channel.
func (t *txn) applyFutureBans(ctx context.Context, c *core.Channel) error {
	if c.CreatedBy == "" {
		return nil
	}
	bans, err := scan[core.Ban](ctx, t, t.app, spaceFutureBans, prefixOf(string(c.CreatedBy)))
	if err != nil {
		return err
	}
	for i := range bans {
		if !bans[i].Active(t.e.now()) {
			continue
		}
		bans[i].Channel = c.Key
		if err := putJSON(t, spaceBans, banKey(c.Key, bans[i].User), &bans[i]); err != nil {
			return err
		}
		t.dropPlace(c.Key, c.ID, bans[i].User)
	}
	return nil
}

// purge removes or buries what a person wrote in a channel.
func (t *txn) purge(ch core.ChannelID, user core.UserID, how core.DeleteMode) error {
	if how == core.DeleteHard {
		return t.DeleteMessages(t.app, ch, 1, math.MaxInt32, user)
	}
	return t.BuryMessages(t.app, ch, 1, math.MaxInt32, user, t.e.now())
}

// purgeUser removes or buries what a person wrote anywhere, channel by channel, and tells each.
func (e *Engine) purgeUser(ctx context.Context, app core.AppID, u *core.User, how core.DeleteMode) error {
	var chs []core.ChannelID
	err := e.update(ctx, "users.purge", app, 0, func(t *txn) error {
		var err error
		chs, err = t.UserChannels(app, u.ID)
		return err
	})
	if err != nil {
		return err
	}
	for _, ch := range chs {
		err := e.update(ctx, "users.purge", app, ch, func(t *txn) error {
			cs, err := t.Channels(ctx, app, []core.ChannelID{ch})
			if err != nil || len(cs) == 0 {
				return err
			}
			if err := t.purge(ch, u.ID, how); err != nil {
				return err
			}
			t.dropChannel(cs[0].Key)
			cfg, err := e.configOf(ctx, app, &cs[0])
			if err != nil {
				return err
			}
			return t.emit(&core.Event{
				Kind: core.UserMessagesGone, Channel: &cs[0], Config: cfg, User: u, Target: u, Hard: how == core.DeleteHard,
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// maxBansListed bounds one page of bans or reports.
const (
	maxBansListed = 300
	bansListed    = 100
)

// Bans finds bans in force. Clients may ask about one channel that they moderate.
func (m moderation) Bans(ctx context.Context, by core.Actor, in core.QueryBans) ([]core.Ban, error) {
	e := m.e
	const op = "moderation.bans"
	space, prefix := spaceBans, ""
	key, pinned := fixed(in.Filter, "key")
	switch {
	case in.Future:
		space = spaceFutureBans
		if !by.Server() {
			in.By = by.User
		}
		if in.By != "" {
			prefix = prefixOf(string(in.By))
		}
	case pinned:
		prefix = prefixOf(key)
		if err := e.mayList(ctx, by, core.ChannelKey(key)); err != nil {
			return nil, translate(op, err)
		}
	default:
		if err := e.canBanFromApp(ctx, by); err != nil {
			return nil, translate(op, err)
		}
	}
	all, err := scan[core.Ban](ctx, e.store, by.App, space, prefix)
	if err != nil {
		return nil, translate(op, err)
	}
	live := all[:0]
	for i := range all {
		if all[i].Active(e.now()) {
			live = append(live, all[i])
		}
	}
	if len(in.Sort) == 0 {
		in.Sort = []core.Sort{{Field: "created_at", Desc: true}}
	}
	out, _, _, err := listing[core.Ban]{
		get: banFields, filter: in.Filter, sort: in.Sort, page: in.Page, normal: bansListed, most: maxBansListed,
		id: func(b *core.Ban) string { return banKey(b.Channel, b.User) },
	}.run(live)
	if err != nil {
		return nil, translate(op, err)
	}
	ids := make([]core.UserID, 0, 2*len(out))
	for i := range out {
		ids = append(ids, out[i].User, out[i].By)
	}
	users, err := e.usersByID(ctx, by.App, ids)
	for i := range out {
		out[i].Target, out[i].Banner = users[out[i].User], users[out[i].By]
	}
	return out, translate(op, err)
}

// mayList answers permission.denied unless the actor moderates the channel.
func (e *Engine) mayList(ctx context.Context, by core.Actor, key core.ChannelKey) error {
	if by.Server() {
		return nil
	}
	s, err := e.enter(ctx, by, key)
	if err != nil {
		return err
	}
	return e.can(s, perm.BanChannelMember, s.owns())
}

func banFields(b *core.Ban) fields {
	return func(name string) (core.Value, bool) {
		switch name {
		case "user":
			return core.Text(string(b.User)), true
		case "banned_by":
			return word(b.By), true
		case "key":
			return word(b.Channel), true
		case "reason":
			return word(b.Reason), true
		case "created_at":
			return instant(b.CreatedAt), true
		case "expires":
			return instant(b.Expires), true
		}
		return core.Value{}, false
	}
}

// shadowBanned reports whether what the actor writes in the channel is shown to nobody else.
func (s *scene) shadowBanned(now time.Time) bool {
	return s.ban != nil && s.ban.Shadow && s.ban.Active(now) ||
		s.user != nil && s.user.Ban != nil && s.user.Ban.Shadow && s.user.Ban.Active(now)
}

// banned reports whether the actor is kept out of the channel, by a ban there or in the app.
func (s *scene) banned(now time.Time) bool {
	return s.ban != nil && !s.ban.Shadow && s.ban.Active(now) || s.user != nil && s.user.Banned(now)
}

// needUser answers request.invalid to a server that acts for nobody where somebody has to act.
func needUser(by core.Actor) error {
	if by.User == "" {
		return fault.RequestInvalid.Error("either user or user_id must be provided when using server side auth.")
	}
	return nil
}

// readMessage reads a message by name and enters its channel as the actor.
func (e *Engine) readMessage(ctx context.Context, by core.Actor, name string) (*core.Message, *scene, error) {
	ms, err := e.store.MessagesNamed(ctx, by.App, []string{name})
	if err != nil {
		return nil, nil, err
	}
	if len(ms) == 0 {
		return nil, nil, fault.MessageNotFound.Error("Message with id " + name + " doesn't exist")
	}
	cs, err := e.store.Channels(ctx, by.App, []core.ChannelID{ms[0].Channel})
	if err != nil {
		return nil, nil, err
	}
	if len(cs) == 0 || !cs[0].DeletedAt.IsZero() {
		return nil, nil, fault.MessageNotFound.Error("Message with id " + name + " doesn't exist")
	}
	s, err := e.sceneOf(ctx, by, &cs[0])
	return &ms[0], s, err
}
