package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"dragoman/core"
	"dragoman/core/fault"
)

func kindMuteKey(user core.UserID, kind core.ChannelKind) string {
	return keyOf(string(user), strconv.Itoa(int(kind)))
}

func kindMuteBy(kind core.ChannelKind, user core.UserID) string {
	return keyOf(strconv.Itoa(int(kind)), string(user))
}

// kindMute reads the mute in force of a person in channels of a kind, or nil, through the cache.
func (e *Engine) kindMute(ctx context.Context, app core.AppID, user core.UserID, kind core.ChannelKind) (*core.KindMute, error) {
	if user == "" {
		return nil, nil
	}
	all, err := e.kit.kindMutes.load(userKey{app, user}, func() ([]core.KindMute, error) {
		return scan[core.KindMute](ctx, e.store, app, spaceKindMutes, prefixOf(string(user)))
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Kind == kind && all[i].Active(e.now()) {
			return &all[i], nil
		}
	}
	return nil, nil
}

// MuteKinds forbids people to write in all channels of some kinds, or lifts that.
func (s speech) MuteKinds(ctx context.Context, by core.Actor, in core.MuteKinds) ([]core.KindMute, error) {
	const op = "speech.mute_kinds"
	e := s.e
	if err := serverOnly(by, "muting people everywhere"); err != nil {
		return nil, translate(op, err)
	}
	if len(in.Users) == 0 || len(in.Users) > manyAtOnce || len(in.Kinds) == 0 {
		return nil, translate(op, fault.RequestInvalid.Error(fmt.Sprintf("1 to %d people and at least one kind are required", manyAtOnce)))
	}
	for _, id := range in.Users {
		if _, err := e.user(ctx, by.App, id); err != nil {
			return nil, translate(op, err)
		}
	}
	ends := e.until(in.For)
	var out []core.KindMute
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		out = nil
		for _, id := range in.Users {
			for _, kind := range in.Kinds {
				if in.Lift {
					if err := t.DeleteRecord(t.app, spaceKindMutes, kindMuteKey(id, kind)); err != nil {
						return err
					}
					if err := t.DeleteRecord(t.app, spaceKindMutesBy, kindMuteBy(kind, id)); err != nil {
						return err
					}
					continue
				}
				m := core.KindMute{User: id, Kind: kind, CreatedAt: e.now(), Expires: ends}
				if err := putJSON(t, spaceKindMutes, kindMuteKey(id, kind), &m); err != nil {
					return err
				}
				if err := putJSON(t, spaceKindMutesBy, kindMuteBy(kind, id), &m); err != nil {
					return err
				}
				out = append(out, m)
			}
		}
		t.then(func() { e.forget(invalidation{App: by.App, Users: in.Users}) })
		return nil
	})
	return out, err
}

// KindMutes lists the mutes in force of one person or of one kind.
func (s speech) KindMutes(ctx context.Context, by core.Actor, in core.ListKindMutes) ([]core.KindMute, error) {
	const op = "speech.kind_mutes"
	if in.User == "" || in.User != by.User {
		if err := serverOnly(by, "reading who is muted"); err != nil {
			return nil, translate(op, err)
		}
	}
	space, prefix := spaceKindMutesBy, prefixOf(strconv.Itoa(int(in.Kind)))
	if in.User != "" {
		space, prefix = spaceKindMutes, prefixOf(string(in.User))
	}
	all, err := scan[core.KindMute](ctx, s.e.store, by.App, space, prefix)
	if err != nil {
		return nil, translate(op, err)
	}
	now := s.e.now()
	all = slices.DeleteFunc(all, func(m core.KindMute) bool { return !m.Active(now) })
	all, err = paged(all, in.Page, func(m *core.KindMute) string { return string(m.User) })
	return all, translate(op, err)
}
