package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// CreateSub makes a subchannel, with all members of the community in it unless it is private.
func (s communities) CreateSub(ctx context.Context, by core.Actor, in core.CreateSubchannel) (core.Subchannel, error) {
	e := s.e
	out := core.Subchannel{Community: in.Community, ID: in.ID, Private: in.Private, CreatedAt: e.now()}
	err := s.change(ctx, "communities.create_sub", by, in.Community, func(w *work) error {
		if err := checkCommunityID(in.ID, "subchannel"); err != nil {
			return err
		}
		if w.book.sub(in.ID) >= 0 {
			return fault.GroupAlreadyExists.Error("the subchannel exists already").With("subchannel")
		}
		if len(w.book.Subs) >= core.CommunitySubs {
			return fault.GroupLimitReached.Error(fmt.Sprintf("a community has at most %d subchannels", core.CommunitySubs)).With("subchannel")
		}
		key := core.CommunityKey(in.Community, in.ID)
		c := core.Channel{
			Key: key, Type: core.CommunityType, Kind: core.KindCommunity, Name: in.ID, CreatedBy: w.first.CreatedBy,
			Overrides: w.first.Overrides, CreatedAt: out.CreatedAt, UpdatedAt: out.CreatedAt,
		}
		old, err := w.t.Channel(ctx, by.App, key)
		switch {
		case err == nil:
			c.ID, c.TruncatedAt, c.TruncatedUpTo = old.ID, e.now(), old.LastSeq
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		w.book.Subs = append(w.book.Subs, bookSub{ID: in.ID, Private: in.Private, CreatedAt: out.CreatedAt})
		if err := w.put(ctx, &c, core.ChannelCreated); err != nil || in.Private {
			return err
		}
		return w.everyone(ctx, func(u *core.User) error { return w.place(ctx, &c, u, true) })
	})
	return out, err
}

// UpdateSub makes a subchannel public or private.
func (s communities) UpdateSub(ctx context.Context, by core.Actor, in core.UpdateSubchannel) (core.Subchannel, error) {
	out := core.Subchannel{Community: in.Community, ID: in.ID, Private: in.Private}
	err := s.change(ctx, "communities.update_sub", by, in.Community, func(w *work) error {
		i := w.book.sub(in.ID)
		if i < 0 {
			return noSub(in.ID)
		}
		w.book.Subs[i].Private, out.CreatedAt = in.Private, w.book.Subs[i].CreatedAt
		return w.everyone(ctx, func(u *core.User) error { return w.settle(ctx, u, in.ID) })
	})
	return out, err
}

// DeleteSub ends a subchannel.
func (s communities) DeleteSub(ctx context.Context, by core.Actor, in core.DeleteSubchannel) error {
	const op = "communities.delete_sub"
	err := s.change(ctx, op, by, in.Community, func(w *work) error {
		i := w.book.sub(in.ID)
		if i < 0 {
			return noSub(in.ID)
		}
		w.book.Subs = slices.Delete(w.book.Subs, i, i+1)
		return w.dropPlaces(ctx, in.ID)
	})
	if err != nil {
		return err
	}
	_, err = channels(s).Delete(ctx, by, core.DeleteChannels{Keys: []core.ChannelKey{core.CommunityKey(in.Community, in.ID)}})
	return translate(op, err)
}

// read reads the book of a community that must exist.
func (s communities) read(ctx context.Context, op string, by core.Actor, id string) (book, error) {
	if err := serverOnly(by, "managing communities"); err != nil {
		return book{}, translate(op, err)
	}
	if _, err := s.Get(ctx, by, core.GetCommunity{ID: id}); err != nil {
		return book{}, err
	}
	b, _, err := record[book](ctx, s.e.store, by.App, spaceCommunities, id)
	return b, translate(op, err)
}

// Subs lists the subchannels without the first, oldest first.
func (s communities) Subs(ctx context.Context, by core.Actor, in core.ListSubchannels) ([]core.Subchannel, error) {
	const op = "communities.subs"
	b, err := s.read(ctx, op, by, in.Community)
	if err != nil {
		return nil, err
	}
	var out []core.Subchannel
	for i := range b.Subs {
		sub := &b.Subs[i]
		if in.User != "" {
			c, err := s.e.channel(ctx, by.App, core.CommunityKey(in.Community, sub.ID))
			if err != nil {
				return nil, translate(op, err)
			}
			p, err := s.e.place(ctx, by.App, c, in.User)
			if err != nil {
				return nil, translate(op, err)
			}
			if p.member == nil {
				continue
			}
		}
		out = append(out, core.Subchannel{Community: in.Community, ID: sub.ID, Private: sub.Private, CreatedAt: sub.CreatedAt})
	}
	return out, nil
}

// PutMembers puts members into a private subchannel, or takes them out. A public one notes them, for
// the day it turns private.
func (s communities) PutMembers(ctx context.Context, by core.Actor, in core.PutSubchannelMembers) error {
	return s.change(ctx, "communities.put_members", by, in.Community, func(w *work) error {
		if w.book.sub(in.ID) < 0 {
			return noSub(in.ID)
		}
		if len(in.Users) > maxMembersAtOnce {
			return fault.RequestBatchTooLarge.Error("at most 100 people at once")
		}
		for _, id := range in.Users {
			u, err := w.member(ctx, id)
			if err != nil {
				return err
			}
			key := keyOf(in.Community, in.ID, string(id))
			if in.Remove {
				err = w.t.DeleteRecord(by.App, spaceCommunityPlaces, key)
			} else {
				err = w.t.PutRecord(by.App, spaceCommunityPlaces, key, nothing)
			}
			if err != nil {
				return err
			}
			if err := w.settle(ctx, u, in.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Members lists those who were put into a subchannel.
func (s communities) Members(ctx context.Context, by core.Actor, in core.ListSubchannelMembers) ([]core.UserID, error) {
	const op = "communities.members"
	b, err := s.read(ctx, op, by, in.Community)
	if err != nil {
		return nil, err
	}
	if b.sub(in.ID) < 0 {
		return nil, translate(op, noSub(in.ID))
	}
	prefix := prefixOf(in.Community, in.ID)
	var out []core.UserID
	for after := ""; ; {
		rows, err := s.e.store.Records(ctx, by.App, spaceCommunityPlaces, prefix, after, false, scanPage)
		if err != nil {
			return nil, translate(op, err)
		}
		for i := range rows {
			after = rows[i].Key
			out = append(out, core.UserID(after[len(prefix):]))
		}
		if len(rows) < scanPage {
			return out, nil
		}
	}
}

// PutGroups makes member groups, or removes them with their bindings.
func (s communities) PutGroups(ctx context.Context, by core.Actor, in core.PutMemberGroups) error {
	return s.change(ctx, "communities.put_groups", by, in.Community, func(w *work) error {
		for _, id := range in.IDs {
			i := w.book.group(id)
			if !in.Remove {
				switch err := checkCommunityID(id, "member group"); {
				case err != nil:
					return err
				case i >= 0:
					return fault.GroupAlreadyExists.Error("the member group " + cut(id) + " exists already").With("member_group")
				case len(w.book.Groups) >= core.CommunityGroups:
					return fault.GroupLimitReached.Error(fmt.Sprintf("a community has at most %d member groups", core.CommunityGroups)).With("member_group")
				}
				w.book.Groups = append(w.book.Groups, bookGroup{ID: id, CreatedAt: s.e.now()})
				continue
			}
			if i < 0 {
				return noMemberGroup(id)
			}
			users := w.book.Groups[i].Users
			w.book.Groups = slices.Delete(w.book.Groups, i, i+1)
			for j := range w.book.Subs {
				sub := &w.book.Subs[j]
				sub.Bound = slices.DeleteFunc(sub.Bound, func(g string) bool { return g == id })
			}
			if err := w.settleAll(ctx, users); err != nil {
				return err
			}
		}
		return nil
	})
}

// settleAll settles people, in all subchannels or in some.
func (w *work) settleAll(ctx context.Context, ids []core.UserID, subs ...string) error {
	for _, id := range ids {
		u, err := w.s.e.user(ctx, w.by.App, id)
		if err != nil {
			return err
		}
		if err := w.settle(ctx, u, subs...); err != nil {
			return err
		}
	}
	return nil
}

// PutUsers puts members of the community into a member group, or takes them out.
func (s communities) PutUsers(ctx context.Context, by core.Actor, in core.PutGroupUsers) error {
	return s.change(ctx, "communities.put_users", by, in.Community, func(w *work) error {
		i := w.book.group(in.Group)
		if i < 0 {
			return noMemberGroup(in.Group)
		}
		g := &w.book.Groups[i]
		for _, id := range in.Users {
			if in.Remove {
				g.Users = slices.DeleteFunc(g.Users, func(u core.UserID) bool { return u == id })
				continue
			}
			if _, err := w.member(ctx, id); err != nil {
				return err
			}
			if !slices.Contains(g.Users, id) {
				g.Users = append(g.Users, id)
			}
		}
		if len(g.Users) > core.CommunityGroupUsers {
			return fault.GroupFull.Error(fmt.Sprintf("a member group has at most %d people", core.CommunityGroupUsers)).With("member_group")
		}
		return w.settleMembers(ctx, in.Users)
	})
}

// settleMembers is settleAll without those who are not in the community.
func (w *work) settleMembers(ctx context.Context, ids []core.UserID) error {
	for _, id := range ids {
		m, err := w.t.memberOf(ctx, w.first.ID, id)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		if err := w.settleAll(ctx, []core.UserID{id}); err != nil {
			return err
		}
	}
	return nil
}

// Bind lets member groups into a subchannel, or ends that.
func (s communities) Bind(ctx context.Context, by core.Actor, in core.BindGroups) error {
	return s.change(ctx, "communities.bind", by, in.Community, func(w *work) error {
		i := w.book.sub(in.Subchannel)
		if i < 0 {
			return noSub(in.Subchannel)
		}
		sub := &w.book.Subs[i]
		var users []core.UserID
		for _, id := range in.Groups {
			j := w.book.group(id)
			if j < 0 {
				return noMemberGroup(id)
			}
			users = append(users, w.book.Groups[j].Users...)
			sub.Bound = slices.DeleteFunc(sub.Bound, func(g string) bool { return g == id })
			if !in.Remove {
				sub.Bound = append(sub.Bound, id)
			}
		}
		if len(sub.Bound) > core.CommunityBindings {
			return fault.GroupLimitReached.Error(fmt.Sprintf("at most %d member groups are bound to a subchannel", core.CommunityBindings)).With("member_group_binding")
		}
		return w.settleAll(ctx, users, in.Subchannel)
	})
}

// Groups lists member groups.
func (s communities) Groups(ctx context.Context, by core.Actor, in core.ListMemberGroups) ([]core.MemberGroup, error) {
	const op = "communities.groups"
	b, err := s.read(ctx, op, by, in.Community)
	if err != nil {
		return nil, err
	}
	var bound []string
	if in.Subchannel != "" {
		i := b.sub(in.Subchannel)
		if i < 0 {
			return nil, translate(op, noSub(in.Subchannel))
		}
		bound = b.Subs[i].Bound
	}
	var out []core.MemberGroup
	for _, g := range b.Groups {
		if in.Subchannel != "" && !slices.Contains(bound, g.ID) || in.User != "" && !slices.Contains(g.Users, in.User) {
			continue
		}
		out = append(out, core.MemberGroup{Community: in.Community, ID: g.ID, CreatedAt: g.CreatedAt})
	}
	return out, nil
}

// Bound lists the subchannels a member group is bound to.
func (s communities) Bound(ctx context.Context, by core.Actor, in core.ListBound) ([]string, error) {
	const op = "communities.bound"
	b, err := s.read(ctx, op, by, in.Community)
	if err != nil {
		return nil, err
	}
	if b.group(in.Group) < 0 {
		return nil, translate(op, noMemberGroup(in.Group))
	}
	var out []string
	for i := range b.Subs {
		if slices.Contains(b.Subs[i].Bound, in.Group) {
			out = append(out, b.Subs[i].ID)
		}
	}
	return out, nil
}
