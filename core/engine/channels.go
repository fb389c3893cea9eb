package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

// Limits of channel commands.
const (
	maxMembersAtOnce = 100
	maxChannelsPage  = 30
	maxMembersShown  = 100
	maxMessagesShown = 300
	maxPinnedShown   = 10
)

type channels struct{ e *Engine }

// Open finds a channel or creates it, and reads its state.
func (cs channels) Open(ctx context.Context, by core.Actor, in core.OpenChannel) (core.ChannelState, error) {
	st, err := cs.open(ctx, by, in)
	return st, translate("channels.open", err)
}

func (cs channels) open(ctx context.Context, by core.Actor, in core.OpenChannel) (core.ChannelState, error) {
	e := cs.e
	id := in.ID
	if _, err := e.ctype(ctx, by.App, in.Type); err != nil {
		return core.ChannelState{}, err
	}
	if id == "" {
		people := memberIDs(in.Input)
		if by.User != "" && !slices.Contains(people, by.User) && !by.Server() {
			people = append(people, by.User)
		}
		if len(people) < 2 {
			return core.ChannelState{}, fault.RequestInvalid.Error("When creating a channel without an id (distinct), you need to specify at least 2 members")
		}
		id = core.DirectID(people)
	}
	key := core.KeyOf(in.Type, id)
	_, err := e.channel(ctx, by.App, key)
	created := false
	if fault.IsReason(err, fault.GroupNotFound) && !in.MustExist {
		created, err = cs.create(ctx, by, in, key)
	}
	if err != nil {
		return core.ChannelState{}, err
	}
	sc, err := e.enter(ctx, by, key)
	if err != nil {
		return core.ChannelState{}, err
	}
	if err := e.can(sc, perm.ReadChannel, sc.owns()); err != nil {
		return core.ChannelState{}, err
	}
	st, err := e.state(ctx, sc, in.State)
	st.Created = created
	return st, err
}

func memberIDs(in core.ChannelInput) []core.UserID {
	var out []core.UserID
	for _, m := range in.Members {
		if !slices.Contains(out, m.User) {
			out = append(out, m.User)
		}
	}
	for _, u := range in.Invites {
		if !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// create makes the channel unless somebody else did meanwhile.
func (cs channels) create(ctx context.Context, by core.Actor, in core.OpenChannel, key core.ChannelKey) (bool, error) {
	e := cs.e
	creator := in.Input.CreatedBy
	if creator == "" || !by.Server() {
		creator = by.User
	}
	if creator == "" {
		return false, fault.RequestInvalid.Error("either data.created_by or data.created_by_id must be provided when using server side auth.")
	}
	by = by.As(creator)
	c := core.Channel{
		Key: key, Type: in.Type, CreatedBy: creator, CreatedAt: e.now(), UpdatedAt: e.now(),
		Name: in.Input.Name, Image: in.Input.Image, Team: in.Input.Team, Tags: in.Input.Tags, Extra: in.Input.Extra,
	}
	t, err := e.ctype(ctx, by.App, in.Type)
	if err != nil {
		return false, err
	}
	if c.Kind = t.Kind; in.ID == "" {
		c.Kind = core.KindDirect
	}
	if err := applyInput(&c, &in.Input); err != nil {
		return false, err
	}
	sc, err := e.sceneOf(ctx, by, &c)
	if err != nil {
		return false, err
	}
	if err := e.can(sc, perm.CreateChannel, true); err != nil {
		return false, err
	}
	if in.Input.Overrides != nil && !by.Server() {
		return false, fault.PermissionDenied.Error("config_overrides can only be set using server side auth")
	}
	people, err := e.people(ctx, by, memberIDs(in.Input))
	if err != nil {
		return false, err
	}
	if err := e.sameTeam(sc, people); err != nil {
		return false, err
	}
	made := false
	err = e.update(ctx, "channels.create", by.App, 0, func(t *txn) error {
		made = false
		old, err := t.Channel(ctx, by.App, key)
		switch {
		case err == nil && old.DeletedAt.IsZero():
			return nil
		case err == nil: // deleted softly: revived, its history stays gone
			c.ID, c.TruncatedAt, c.TruncatedUpTo = old.ID, e.now(), old.LastSeq
		case !errors.Is(err, store.ErrNotFound):
			return err
		default:
			c.ID = 0
		}
		made = true
		if err := t.putChannel(&c); err != nil {
			return err
		}
		if err := t.applyFutureBans(ctx, &c); err != nil {
			return err
		}
		if err := t.emit(&core.Event{Kind: core.ChannelCreated, Channel: &c, Config: sc.config, User: e.seen(by.App, sc.user)}); err != nil {
			return err
		}
		return e.addMembers(ctx, t, sc, &c, in, people)
	})
	return made, err
}

// addMembers puts the first members into a new channel.
func (e *Engine) addMembers(ctx context.Context, t *txn, sc *scene, c *core.Channel, in core.OpenChannel, people map[core.UserID]*core.User) error {
	for _, mi := range in.Input.Members {
		if mi.User != c.CreatedBy && slices.Contains(in.Input.Invites, mi.User) {
			continue // named in both lists: invited, to become a member by accepting
		}
		m := e.newMember(c, mi)
		if in.HideForCreator && mi.User == c.CreatedBy {
			m.HiddenAt = e.now()
		}
		if mi.User == c.CreatedBy {
			m.Role = core.MemberOwner
		}
		if err := e.enrol(ctx, t, sc, c, m, people[mi.User], core.MemberAdded, false); err != nil {
			return err
		}
	}
	for _, u := range in.Input.Invites {
		m := e.newMember(c, core.MemberInput{User: u})
		m.InvitedAt = e.now()
		if err := e.enrol(ctx, t, sc, c, m, people[u], core.MemberInvited, false); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) newMember(c *core.Channel, in core.MemberInput) core.Member {
	role := in.ChannelRole
	if role == "" {
		role = core.ChannelRoleMember
	}
	m := core.Member{
		Channel: c.ID, User: in.User, ChannelRole: role, Role: core.MemberMember, Extra: in.Extra,
		CreatedAt: e.now(), UpdatedAt: e.now(), ReadAt: e.now(),
	}
	if role == core.ChannelRoleModerator {
		m.Role = core.MemberModerator
	}
	return m
}

// enrol writes one new membership and tells of it, unless the person is a member already.
func (e *Engine) enrol(ctx context.Context, t *txn, sc *scene, c *core.Channel, m core.Member, u *core.User, kind core.EventKind, hideHistory bool) error {
	if u == nil {
		return fault.UserNotFound.Error(fmt.Sprintf("The user with ID %q does not exist", m.User))
	}
	old, err := t.Members(ctx, t.app, c.ID, []core.UserID{m.User}, 1, 0)
	if err != nil {
		return err
	}
	if len(old) > 0 && !(old[0].RejectedAt.IsZero() == false && kind != core.MemberUpdated) {
		return nil
	}
	now, err := t.Channel(ctx, t.app, c.Key)
	if err != nil {
		return err
	}
	m.ReadSeq = now.LastSeq // what was said before is not unread
	if hideHistory {
		m.HiddenUpTo = now.LastSeq
	}
	if err := t.putMember(c.Key, &m); err != nil {
		return err
	}
	c.MemberCount = now.MemberCount
	if len(old) == 0 {
		c.MemberCount++
	}
	told := *c
	m.Profile = e.seen(t.app, u)
	return t.emit(&core.Event{Kind: kind, Channel: &told, Config: sc.config, User: e.seen(t.app, sc.user), Member: &m, Target: m.Profile})
}

// applyInput sets what a client may set on a channel.
func applyInput(c *core.Channel, in *core.ChannelInput) error {
	if in.Frozen != nil {
		c.Frozen = *in.Frozen
	}
	if in.Disabled != nil {
		c.Disabled = *in.Disabled
	}
	if in.Cooldown != nil {
		if *in.Cooldown < 0 || *in.Cooldown > 120 {
			return fault.RequestInvalidField.Error("cooldown must be between 0 and 120")
		}
		c.Cooldown = *in.Cooldown
	}
	if in.Overrides != nil {
		kept := c.Overrides.Rules
		c.Overrides = *in.Overrides
		c.Overrides.Rules = kept
	}
	return nil
}

// people reads users who must all exist.
func (e *Engine) people(ctx context.Context, by core.Actor, ids []core.UserID) (map[core.UserID]*core.User, error) {
	if len(ids) > maxMembersAtOnce {
		return nil, fault.RequestBatchTooLarge.Error(fmt.Sprintf("at most %d members can be added at once", maxMembersAtOnce))
	}
	us, err := e.usersByID(ctx, by.App, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if us[id] == nil || !us[id].DeletedAt.IsZero() {
			return nil, fault.RequestInvalid.Error(fmt.Sprintf("The following users are specified in the members but don't exist: [%s]. Please create the user objects before setting the members.", id))
		}
	}
	return us, nil
}

// sameTeam refuses people of other teams where the app keeps teams apart.
func (e *Engine) sameTeam(sc *scene, people map[core.UserID]*core.User) error {
	if !sc.app.Settings.Teams || sc.by.Server() {
		return nil
	}
	for _, u := range people {
		if sc.channel.Team != "" && !slices.Contains(u.Teams, sc.channel.Team) {
			return fault.RequestInvalid.Error(fmt.Sprintf("user %q does not belong to the team %q of the channel", u.ID, sc.channel.Team))
		}
	}
	return nil
}

// Delete removes channels.
func (cs channels) Delete(ctx context.Context, by core.Actor, in core.DeleteChannels) ([]core.Channel, error) {
	e := cs.e
	const op = "channels.delete"
	out := make([]core.Channel, 0, len(in.Keys))
	for _, key := range in.Keys {
		sc, err := e.enter(ctx, by, key)
		if err != nil {
			return out, translate(op, err)
		}
		if err := e.can(sc, perm.DeleteChannel, sc.owns()); err != nil {
			return out, translate(op, err)
		}
		if in.Hard && !by.Server() {
			return out, translate(op, fault.PermissionDenied.Error("hard delete of a channel is server side only"))
		}
		c, err := cs.delete(ctx, sc, in.Hard)
		if err != nil {
			return out, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (cs channels) delete(ctx context.Context, sc *scene, hard bool) (core.Channel, error) {
	e := cs.e
	var out core.Channel
	var gone []core.Member
	err := e.update(ctx, "channels.delete", sc.by.App, sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, sc.by.App, sc.channel.Key)
		if err != nil {
			return err
		}
		ms, err := everyone(ctx, t, c.ID)
		if err != nil {
			return err
		}
		c.DeletedAt, c.UpdatedAt = e.now(), e.now()
		out = c
		told := c
		if err := t.emit(&core.Event{Kind: core.ChannelDeleted, Channel: &told, Config: sc.config, User: e.seen(sc.by.App, sc.user), Hard: hard, Box: boxed(ms)}); err != nil {
			return err
		}
		for i := range ms {
			if err := t.deleteMember(c.Key, c.ID, ms[i].User); err != nil {
				return err
			}
		}
		if err := t.forgetGroup(ctx, &c); err != nil {
			return err
		}
		if hard {
			if err := t.DeleteChannel(sc.by.App, c.ID); err != nil {
				return err
			}
			t.dropChannel(c.Key)
		} else if err := t.putChannel(&c); err != nil {
			return err
		}
		gone = ms
		return nil
	})
	if err != nil {
		return out, err
	}
	// The event was queued at the commit; whoever is gone is forgotten after it was handed on.
	for i := range gone {
		e.dispatch.then(func() { e.hub.left(sc.by.App, out.ID, gone[i].User, true) })
	}
	return out, nil
}

// maxBoxed bounds the people who find the end of a channel in their box; of larger ones only those
// who are online are told.
const maxBoxed = 1000

// boxed names the members in whose boxes the end of their channel is put.
func boxed(ms []core.Member) []core.UserID {
	if len(ms) > maxBoxed {
		return nil
	}
	out := make([]core.UserID, len(ms))
	for i := range ms {
		out[i] = ms[i].User
	}
	return out
}

// everyone reads all the members of a channel.
func everyone(ctx context.Context, t *txn, ch core.ChannelID) (out []core.Member, err error) {
	const page = 1000
	for {
		ms, err := t.Members(ctx, t.app, ch, nil, page, len(out))
		if out = append(out, ms...); err != nil || len(ms) < page {
			return out, err
		}
	}
}

// Truncate removes the messages of a channel.
func (cs channels) Truncate(ctx context.Context, by core.Actor, in core.TruncateChannel) (core.UpdatedChannel, error) {
	e := cs.e
	const op = "channels.truncate"
	sc, err := e.enter(ctx, by, in.Key)
	if err != nil {
		return core.UpdatedChannel{}, translate(op, err)
	}
	if err := e.can(sc, perm.TruncateChannel, sc.owns()); err != nil {
		return core.UpdatedChannel{}, translate(op, err)
	}
	if len(in.Members) > 0 {
		return cs.clearFor(ctx, sc, in)
	}
	upTo := int64(0)
	if !in.Before.IsZero() {
		if upTo, err = e.store.SeqAt(ctx, by.App, sc.channel.ID, in.Before); err != nil {
			return core.UpdatedChannel{}, translate(op, err)
		}
	}
	var out core.UpdatedChannel
	err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, by.App, sc.channel.Key)
		if err != nil {
			return err
		}
		last := c.LastSeq
		if !in.Before.IsZero() {
			last = upTo
		}
		if in.Hard {
			err = t.DeleteMessages(by.App, c.ID, 1, last, "")
		} else {
			err = t.BuryMessages(by.App, c.ID, 1, last, "", e.now())
		}
		if err != nil {
			return err
		}
		now := e.now() // of the message too: clients count what is newer than the truncation as unread
		c.TruncatedAt, c.TruncatedUpTo, c.UpdatedAt = now, last, now
		if !in.Before.IsZero() {
			c.TruncatedAt = in.Before
		}
		if sc.user != nil {
			c.TruncatedBy = sc.user.ID
		}
		if err := t.putChannel(&c); err != nil {
			return err
		}
		told := c
		ev := &core.Event{Kind: core.ChannelTruncated, Channel: &told, Config: sc.config, User: e.seen(by.App, sc.user), Hard: in.Hard}
		if in.Message != nil {
			m, err := e.systemMessage(ctx, t, sc, &c, in.Message, now)
			if err != nil {
				return err
			}
			ev.Message, out.Message = m, m
		}
		out.Channel, out.Config = c, *sc.config
		return t.emit(ev)
	})
	return out, err
}

// clearFor clears the history for single members.
func (cs channels) clearFor(ctx context.Context, sc *scene, in core.TruncateChannel) (core.UpdatedChannel, error) {
	e := cs.e
	out := core.UpdatedChannel{Config: *sc.config}
	err := e.update(ctx, "channels.truncate", sc.by.App, sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, sc.by.App, sc.channel.Key)
		if err != nil {
			return err
		}
		out.Channel = c
		ms, err := t.Members(ctx, sc.by.App, c.ID, in.Members, len(in.Members), 0)
		if err != nil {
			return err
		}
		for i := range ms {
			ms[i].HiddenUpTo, ms[i].ReadSeq = c.LastSeq, c.LastSeq
			if err := t.putMember(c.Key, &ms[i]); err != nil {
				return err
			}
		}
		return t.emit(&core.Event{Kind: core.ChannelTruncated, Channel: &c, Config: sc.config, User: e.seen(sc.by.App, sc.user), To: in.Members})
	})
	return out, err
}

// Hide takes a channel off the actor's list, or puts it back.
func (cs channels) Hide(ctx context.Context, by core.Actor, in core.HideChannel) (core.Channel, error) {
	e := cs.e
	const op = "channels.hide"
	sc, err := e.asMember(ctx, by, in.Key)
	if err != nil {
		return core.Channel{}, translate(op, err)
	}
	var out core.Channel
	err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, by.App, sc.channel.Key)
		if err != nil {
			return err
		}
		out = c
		ms, err := t.Members(ctx, by.App, c.ID, []core.UserID{by.User}, 1, 0)
		if err != nil || len(ms) == 0 {
			return err
		}
		m := ms[0]
		kind := core.ChannelHidden
		if in.Show {
			kind, m.HiddenAt = core.ChannelShown, time.Time{}
		} else {
			m.HiddenAt = e.now()
			if in.ClearHistory {
				m.HiddenUpTo, m.ReadSeq = c.LastSeq, c.LastSeq
			}
		}
		if err := t.putMember(c.Key, &m); err != nil {
			return err
		}
		t.then(func() { e.hidden.drop(c.ID) })
		return t.emit(&core.Event{Kind: kind, Channel: &c, Config: sc.config, User: e.seen(by.App, sc.user), To: []core.UserID{by.User}, Cleared: in.ClearHistory})
	})
	return out, err
}

// Mute silences channels for the actor, or ends that.
func (cs channels) Mute(ctx context.Context, by core.Actor, in core.MuteChannels) ([]core.ChannelMute, error) {
	e := cs.e
	const op = "channels.mute"
	out := make([]core.ChannelMute, 0, len(in.Keys))
	for _, key := range in.Keys {
		sc, err := e.enter(ctx, by, key)
		if err != nil {
			return nil, translate(op, err)
		}
		if sc.user == nil {
			return nil, translate(op, fault.RequestInvalid.Error("either user or user_id must be provided when using server side auth."))
		}
		if err := sc.need(core.FeatureMutes, "mutes"); err != nil {
			return nil, translate(op, err)
		}
		if sc.member == nil {
			return nil, translate(op, fault.PermissionDenied.Error("only members may mute a channel"))
		}
		var mute core.ChannelMute
		err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
			ms, err := t.Members(ctx, by.App, sc.channel.ID, []core.UserID{by.User}, 1, 0)
			if err != nil || len(ms) == 0 {
				return err
			}
			m := ms[0]
			m.MutedAt, m.MutedUntil = e.now(), core.Forever
			if in.For > 0 {
				m.MutedUntil = e.now().Add(in.For)
			}
			kind := core.ChannelMuted
			if in.Unmute {
				kind, m.MutedAt, m.MutedUntil = core.ChannelUnmuted, time.Time{}, time.Time{}
			}
			if err := t.putMember(sc.channel.Key, &m); err != nil {
				return err
			}
			mute = channelMute(sc.user, sc.channel, sc.config, &m)
			return t.emit(&core.Event{Kind: kind, Channel: sc.channel, Config: sc.config, User: e.seen(by.App, sc.user), To: []core.UserID{by.User}, Mute: &mute})
		})
		if err != nil {
			return nil, err
		}
		out = append(out, mute)
	}
	self, err := live{e}.self(ctx, by)
	if err != nil {
		return nil, translate(op, err)
	}
	e.dispatch.push(&core.Event{Kind: core.ChannelMutes, App: by.App, At: e.now(), User: &self.User, To: []core.UserID{by.User}, Self: &self})
	return out, nil
}

func channelMute(u *core.User, c *core.Channel, cfg *core.ChannelType, m *core.Member) core.ChannelMute {
	x := core.ChannelMute{User: *u, Channel: *c, Config: *cfg, CreatedAt: m.MutedAt, UpdatedAt: m.MutedAt}
	if m.MutedUntil.Before(core.Forever) {
		x.Expires = m.MutedUntil
	}
	return x
}

// channelMutesOf reads the channels a person has silenced, of their memberships.
func (e *Engine) channelMutesOf(ctx context.Context, app core.AppID, user core.UserID, ms []core.Member) ([]core.ChannelMute, error) {
	now := e.now()
	var out []core.ChannelMute
	for i := range ms {
		if ms[i].MutedUntil.IsZero() || now.After(ms[i].MutedUntil) {
			continue
		}
		cs, err := e.store.Channels(ctx, app, []core.ChannelID{ms[i].Channel})
		if err != nil {
			return nil, err
		}
		if len(cs) == 0 || !cs[0].DeletedAt.IsZero() {
			continue
		}
		u, err := e.user(ctx, app, user)
		if err != nil {
			return nil, err
		}
		cfg, err := e.configOf(ctx, app, &cs[0])
		if err != nil {
			return nil, err
		}
		out = append(out, channelMute(u, &cs[0], cfg, &ms[i]))
	}
	return out, nil
}
