package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

type speech struct{ e *Engine }

// maxAllowed bounds an allow list.
const maxAllowed = 1000

func placeRecord(key core.ChannelKey, user core.UserID) string {
	return keyOf(string(key), string(user))
}

// until is the end of what lasts for d; zero means without end.
func (e *Engine) until(d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return e.now().Add(d)
}

// Mute forbids people to write in a channel, or lifts that.
func (s speech) Mute(ctx context.Context, by core.Actor, in core.MuteMembers) ([]core.GroupOutcome, error) {
	e := s.e
	x, err := e.roundOf(ctx, "speech.mute", by, in.Key, "mute", in.Users)
	if err != nil {
		return nil, err
	}
	x.anyone = x.anyone || in.Anyone || in.Lift
	ends := e.until(in.For)
	return x.run(ctx, func(t *txn, c *core.Channel, u *core.User, m *core.Member) error {
		if m == nil {
			m = &core.Member{User: u.ID}
		}
		if err := e.mayDeed(x.sc, "mute", m, ""); err != nil {
			return err
		}
		rec := placeRecord(c.Key, u.ID)
		t.dropPlace(c.Key, c.ID, u.ID)
		if in.Lift {
			if _, found, err := record[core.MemberMute](ctx, t, t.app, spaceMuted, rec); err != nil || !found {
				return err
			}
			if err := t.DeleteRecord(t.app, spaceMuted, rec); err != nil {
				return err
			}
			return x.tell(t, c, core.MemberUnmuted, u, &core.Change{Text: in.Reason})
		}
		mute := core.MemberMute{Key: c.Key, User: u.ID, By: x.author.ID, Reason: in.Reason, CreatedAt: e.now(), Expires: ends}
		if err := putJSON(t, spaceMuted, rec, &mute); err != nil {
			return err
		}
		return x.tell(t, c, core.MemberMuted, u, &core.Change{Until: ends, Text: in.Reason})
	})
}

// Muted lists the mutes of a channel that are in force.
func (s speech) Muted(ctx context.Context, by core.Actor, in core.ListMuted) ([]core.MemberMute, error) {
	const op = "speech.muted"
	e := s.e
	all, _, err := listGroup[core.MemberMute](ctx, e, by, in.Key, "mute", spaceMuted)
	if err != nil {
		return nil, translate(op, err)
	}
	now := e.now()
	all = slices.DeleteFunc(all, func(m core.MemberMute) bool { return !m.Active(now) })
	if all, err = paged(all, in.Page, func(m *core.MemberMute) string { return string(m.User) }); err != nil {
		return nil, translate(op, err)
	}
	ids := make([]core.UserID, len(all))
	for i := range all {
		ids[i] = all[i].User
	}
	us, err := e.usersByID(ctx, by.App, ids)
	for i := range all {
		all[i].Target = us[all[i].User]
	}
	return all, translate(op, err)
}

// MuteAll forbids everyone but the allow list and moderators to write, or lifts that.
func (s speech) MuteAll(ctx context.Context, by core.Actor, in core.MuteAll) (core.Channel, error) {
	var out core.Channel
	x, err := s.e.roundOf(ctx, "speech.mute_all", by, in.Key, "mute", nil)
	if err != nil {
		return out, err
	}
	err = s.e.update(ctx, x.op, by.App, x.sc.channel.ID, func(t *txn) error {
		if out, err = t.Channel(ctx, t.app, in.Key); err != nil {
			return err
		}
		if out.Rules().MutedAll != in.Lift {
			return nil
		}
		kind := core.GroupMutedAll
		if in.Lift {
			kind = core.GroupUnmutedAll
		}
		if err := t.setRules(&out, func(r *core.GroupRules) error { r.MutedAll = !in.Lift; return nil }); err != nil {
			return err
		}
		return x.tell(t, &out, kind, nil, nil)
	})
	return out, err
}

// Allow puts people on a channel's allow list, or takes them off it.
func (s speech) Allow(ctx context.Context, by core.Actor, in core.AllowMembers) ([]core.GroupOutcome, error) {
	e := s.e
	x, err := e.roundOf(ctx, "speech.allow", by, in.Key, "mute", in.Users)
	if err != nil {
		return nil, err
	}
	x.anyone = x.anyone || in.Anyone || in.Remove
	most := in.Max
	if most <= 0 {
		most = maxAllowed
	}
	return x.run(ctx, func(t *txn, c *core.Channel, u *core.User, _ *core.Member) error {
		rec := placeRecord(c.Key, u.ID)
		_, found, err := record[core.AllowedMember](ctx, t, t.app, spaceAllowed, rec)
		if err != nil || found != in.Remove {
			return err
		}
		if in.Remove {
			if err := t.DeleteRecord(t.app, spaceAllowed, rec); err != nil {
				return err
			}
			return x.tell(t, c, core.MemberDisallowed, u, nil)
		}
		all, err := scan[core.AllowedMember](ctx, t, t.app, spaceAllowed, prefixOf(string(c.Key)))
		if err != nil {
			return err
		}
		if len(all) >= most {
			return fault.LimitReached.Error(fmt.Sprintf("the allow list has room for %d people", most)).With("open_channel_mute_allowlist")
		}
		if err := putJSON(t, spaceAllowed, rec, &core.AllowedMember{User: u.ID, By: x.author.ID, CreatedAt: e.now()}); err != nil {
			return err
		}
		return x.tell(t, c, core.MemberAllowed, u, nil)
	})
}

// Allowed lists a channel's allow list.
func (s speech) Allowed(ctx context.Context, by core.Actor, in core.ListAllowed) ([]core.AllowedMember, error) {
	const op = "speech.allowed"
	all, _, err := listGroup[core.AllowedMember](ctx, s.e, by, in.Key, "mute", spaceAllowed)
	if err == nil {
		all, err = paged(all, in.Page, func(m *core.AllowedMember) string { return string(m.User) })
	}
	return all, translate(op, err)
}

// State tells whether a person may write in a channel.
func (s speech) State(ctx context.Context, by core.Actor, in core.GetSpeech) (core.SpeechState, error) {
	const op = "speech.state"
	e := s.e
	var out core.SpeechState
	sc, err := e.enter(ctx, by, in.Key)
	if in.User == "" {
		in.User = by.User
	}
	if err == nil && in.User != by.User {
		err = e.mayDeed(sc, "mute", nil, "")
	}
	if err != nil {
		return out, translate(op, err)
	}
	p, err := e.place(ctx, by.App, sc.channel, in.User)
	if err != nil {
		return out, translate(op, err)
	}
	now := e.now()
	if p.mute != nil && p.mute.Active(now) {
		out.Mute = p.mute
	}
	out.MutedAll = sc.channel.Rules().MutedAll
	if out.Allowed, err = e.isAllowed(ctx, by.App, in.Key, in.User); err != nil {
		return out, translate(op, err)
	}
	out.KindMute, err = e.kindMute(ctx, by.App, in.User, sc.channel.Kind)
	return out, translate(op, err)
}

// maySpeak answers group.muted when the actor may not write in the channel. Servers always may.
func (e *Engine) maySpeak(ctx context.Context, sc *scene) error {
	now := e.now()
	k, err := e.kindMute(ctx, sc.by.App, sc.user.ID, sc.channel.Kind)
	if err != nil {
		return err
	}
	if k != nil {
		return muted(fmt.Sprintf("User '%s' is muted", sc.user.ID), "app", k.Expires, now)
	}
	if m := sc.mute; m != nil && m.Active(now) {
		return muted(fmt.Sprintf("User '%s' is muted in this channel", sc.user.ID), "user", m.Expires, now)
	}
	if !sc.channel.Rules().MutedAll || sc.member != nil && rank[sc.member.Role] >= rankModerator {
		return nil
	}
	if super, err := e.isSuper(ctx, sc.by.App, sc.channel, sc.user.ID); err != nil || super {
		return err
	}
	if allowed, err := e.isAllowed(ctx, sc.by.App, sc.channel.Key, sc.user.ID); err != nil || allowed {
		return err
	}
	return muted("everyone is muted in this channel", "all", time.Time{}, now)
}

// isAllowed reports whether a person is on a channel's allow list. It is asked only while everyone is
// muted, and not kept.
func (e *Engine) isAllowed(ctx context.Context, app core.AppID, key core.ChannelKey, user core.UserID) (bool, error) {
	_, found, err := record[core.AllowedMember](ctx, e.store, app, spaceAllowed, placeRecord(key, user))
	return found, err
}

// muted is the refusal of a send: it tells when the mute ends, if it does.
func muted(detail, variant string, ends, now time.Time) error {
	err := fault.GroupMuted.Error(detail).With(variant)
	if !ends.IsZero() {
		err = err.After(ends.Sub(now))
	}
	return err
}
