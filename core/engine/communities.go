package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type communities struct{ e *Engine }

// book is what a community keeps beside its channels and its people.
type book struct {
	Subs   []bookSub   `json:"subs,omitempty"`
	Groups []bookGroup `json:"groups,omitempty"`
}

// bookSub is a subchannel other than the first.
type bookSub struct {
	ID        string    `json:"id"`
	Private   bool      `json:"private,omitempty"`
	Bound     []string  `json:"bound,omitempty"` // member groups, oldest binding first
	CreatedAt time.Time `json:"created_at"`
}

// bookGroup is a member group.
type bookGroup struct {
	ID        string        `json:"id"`
	Users     []core.UserID `json:"users,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
}

func (b *book) sub(id string) int {
	return slices.IndexFunc(b.Subs, func(s bookSub) bool { return s.ID == id })
}

func (b *book) group(id string) int {
	return slices.IndexFunc(b.Groups, func(g bookGroup) bool { return g.ID == id })
}

// bound reports whether a member group that a person is in is bound to the subchannel.
func (b *book) bound(s *bookSub, user core.UserID) bool {
	return slices.ContainsFunc(b.Groups, func(g bookGroup) bool {
		return slices.Contains(s.Bound, g.ID) && slices.Contains(g.Users, user)
	})
}

// Failures of communities.
func noCommunity(id string) error {
	return fault.GroupNotFound.Error("the community " + cut(id) + " does not exist").With("community")
}

func noSub(id string) error {
	return fault.GroupNotFound.Error("the subchannel " + cut(id) + " does not exist").With("subchannel")
}

func noMemberGroup(id string) error {
	return fault.GroupNotFound.Error("the member group " + cut(id) + " does not exist").With("member_group")
}

// work is one change of a community.
type work struct {
	s      communities
	by     core.Actor
	id     string
	author *core.User
	lost   []lostPlace
	t      *txn
	book   book
	first  core.Channel
}

// lostPlace is a membership that has ended: whoever is gone is forgotten after they were told.
type lostPlace struct {
	ch   core.ChannelID
	user core.UserID
}

// change runs a change of a community that exists in one transaction, and keeps its book.
func (s communities) change(ctx context.Context, op string, by core.Actor, id string, do func(w *work) error) error {
	if err := serverOnly(by, "managing communities"); err != nil {
		return translate(op, err)
	}
	w := &work{s: s, by: by, id: id}
	var err error
	if w.author, err = s.e.speaker(ctx, by); err != nil {
		return translate(op, err)
	}
	err = s.e.update(ctx, op, by.App, 0, func(t *txn) error {
		w.t, w.lost = t, nil
		if w.first, err = t.Channel(ctx, by.App, core.CommunityKey(id, "")); errors.Is(err, store.ErrNotFound) || err == nil && !w.first.DeletedAt.IsZero() {
			return noCommunity(id)
		}
		if err != nil {
			return err
		}
		if w.book, _, err = record[book](ctx, t, by.App, spaceCommunities, id); err != nil {
			return err
		}
		if err := do(w); err != nil {
			return err
		}
		return putJSON(t, spaceCommunities, id, &w.book)
	})
	if err != nil {
		return err
	}
	for _, l := range w.lost {
		s.e.dispatch.place(placeKey{by.App, l.ch, l.user})
	}
	return nil
}

// scene is the scene of a channel of the community, acted on by the app.
func (w *work) scene(ctx context.Context, c *core.Channel) (*scene, error) {
	sc, err := w.s.e.sceneOf(ctx, core.Actor{App: w.by.App, Access: core.AccessServer}, c)
	if err == nil {
		sc.user = w.author
	}
	return sc, err
}

// place makes a person a member of a channel, or ends that, as it should be.
func (w *work) place(ctx context.Context, c *core.Channel, u *core.User, in bool) error {
	m, err := w.t.memberOf(ctx, c.ID, u.ID)
	if err != nil || in == (m != nil) {
		return err
	}
	sc, err := w.scene(ctx, c)
	if err != nil {
		return err
	}
	if in {
		m := w.s.e.newMember(c, core.MemberInput{User: u.ID})
		if c.CreatedBy == u.ID {
			setRank(&m, core.MemberOwner)
		}
		return w.s.e.enrol(ctx, w.t, sc, c, m, u, core.MemberAdded, false)
	}
	if err := w.t.deleteMember(c.Key, c.ID, u.ID); err != nil {
		return err
	}
	c.MemberCount--
	w.lost = append(w.lost, lostPlace{c.ID, u.ID})
	told := *c
	return w.t.emit(&core.Event{
		Kind: core.MemberRemoved, Channel: &told, Config: sc.config, User: w.s.e.seen(w.by.App, w.author), Member: m, Target: u, Box: []core.UserID{u.ID},
	})
}

// wants reports whether a member of the community belongs into a subchannel.
func (w *work) wants(ctx context.Context, s *bookSub, user core.UserID) (bool, error) {
	if !s.Private || w.book.bound(s, user) {
		return true, nil
	}
	_, put, err := record[struct{}](ctx, w.t, w.by.App, spaceCommunityPlaces, keyOf(w.id, s.ID, string(user)))
	return put, err
}

// settle puts a member of the community into the subchannels they belong into, and out of the others.
func (w *work) settle(ctx context.Context, u *core.User, subs ...string) error {
	for i := range w.book.Subs {
		s := &w.book.Subs[i]
		if len(subs) > 0 && !slices.Contains(subs, s.ID) {
			continue
		}
		want, err := w.wants(ctx, s, u.ID)
		if err != nil {
			return err
		}
		if err := w.settleIn(ctx, s, u, want); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) settleIn(ctx context.Context, s *bookSub, u *core.User, want bool) error {
	c, err := w.t.Channel(ctx, w.by.App, core.CommunityKey(w.id, s.ID))
	if err != nil {
		return err
	}
	return w.place(ctx, &c, u, want)
}

// member finds a person who must be in the community.
func (w *work) member(ctx context.Context, user core.UserID) (*core.User, error) {
	m, err := w.t.memberOf(ctx, w.first.ID, user)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fault.GroupNotMember.Error(fmt.Sprintf("%s is not a member of the community", cut(string(user)))).With("community")
	}
	return w.s.e.user(ctx, w.by.App, user)
}

// everyone calls do for all members of the community.
func (w *work) everyone(ctx context.Context, do func(u *core.User) error) error {
	for from := 0; ; from += scanPage {
		ms, err := w.t.Members(ctx, w.by.App, w.first.ID, nil, scanPage, from)
		if err != nil {
			return err
		}
		for i := range ms {
			u, err := w.s.e.user(ctx, w.by.App, ms[i].User)
			if err != nil {
				return err
			}
			if err := do(u); err != nil {
				return err
			}
		}
		if len(ms) < scanPage {
			return nil
		}
	}
}

// putFirst writes a channel of the community and tells of it.
func (w *work) put(ctx context.Context, c *core.Channel, kind core.EventKind) error {
	if err := w.t.putChannel(c); err != nil {
		return err
	}
	sc, err := w.scene(ctx, c)
	if err != nil {
		return err
	}
	told := *c
	return w.t.emit(&core.Event{Kind: kind, Channel: &told, Config: sc.config, User: w.s.e.seen(w.by.App, w.author)})
}

// checkCommunityID refuses ids that would not be one part of a key.
func checkCommunityID(id, what string) error {
	if id == "" || len(id) > 64 || strings.ContainsAny(id, "!:\x00") {
		return fault.RequestInvalidField.Error("the id of a " + what + " has 1 to 64 bytes without ! and :").With("community")
	}
	return nil
}

// Create makes a community with its first subchannel and its owner in it.
func (s communities) Create(ctx context.Context, by core.Actor, in core.CreateCommunity) (core.Community, error) {
	const op = "communities.create"
	e := s.e
	err := serverOnly(by, "managing communities")
	if err == nil {
		err = checkCommunityID(in.ID, "community")
	}
	if err != nil {
		return core.Community{}, translate(op, err)
	}
	owner, err := e.user(ctx, by.App, in.Owner)
	if err != nil {
		return core.Community{}, translate(op, err)
	}
	w := &work{s: s, by: by, id: in.ID, author: owner}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		w.t = t
		key := core.CommunityKey(in.ID, "")
		c := core.Channel{Key: key, Type: core.CommunityType, Kind: core.KindCommunity, Name: in.Name, CreatedBy: in.Owner, CreatedAt: e.now(), UpdatedAt: e.now()}
		old, err := t.Channel(ctx, by.App, key)
		switch {
		case err == nil && old.DeletedAt.IsZero():
			return fault.GroupAlreadyExists.Error("the community exists already").With("community")
		case err == nil:
			c.ID, c.TruncatedAt, c.TruncatedUpTo = old.ID, e.now(), old.LastSeq
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		if err := s.roomFor(ctx, t, in.Owner); err != nil {
			return err
		}
		if err := w.put(ctx, &c, core.ChannelCreated); err != nil {
			return err
		}
		if err := w.place(ctx, &c, owner, true); err != nil {
			return err
		}
		if err := t.PutRecord(by.App, spaceCommunitiesOf, keyOf(string(in.Owner), in.ID), nothing); err != nil {
			return err
		}
		return putJSON(t, spaceCommunities, in.ID, &w.book)
	})
	if err != nil {
		return core.Community{}, err
	}
	return s.Get(ctx, by, core.GetCommunity{ID: in.ID})
}

// roomFor checks that a person may join one more community.
func (s communities) roomFor(ctx context.Context, t *txn, user core.UserID) error {
	rows, err := t.Records(ctx, t.app, spaceCommunitiesOf, prefixOf(string(user)), "", false, core.CommunitiesJoined)
	if err == nil && len(rows) >= core.CommunitiesJoined {
		err = fault.GroupLimitReached.Error(fmt.Sprintf("nobody is in more than %d communities", core.CommunitiesJoined)).With("community_joined")
	}
	return err
}

// Update renames a community.
func (s communities) Update(ctx context.Context, by core.Actor, in core.UpdateCommunity) (core.Community, error) {
	err := s.change(ctx, "communities.update", by, in.ID, func(w *work) error {
		w.first.Name, w.first.UpdatedAt = in.Name, s.e.now()
		return w.put(ctx, &w.first, core.ChannelUpdated)
	})
	if err != nil {
		return core.Community{}, err
	}
	return s.Get(ctx, by, core.GetCommunity{ID: in.ID})
}

// Get reads a community.
func (s communities) Get(ctx context.Context, by core.Actor, in core.GetCommunity) (core.Community, error) {
	c, err := s.e.channel(ctx, by.App, core.CommunityKey(in.ID, ""))
	if fault.IsReason(err, fault.GroupNotFound) {
		err = noCommunity(in.ID)
	}
	if err != nil {
		return core.Community{}, translate("communities.get", err)
	}
	return core.Community{ID: in.ID, Name: c.Name, Owner: c.CreatedBy, MemberCount: c.MemberCount, CreatedAt: c.CreatedAt}, nil
}

// Delete ends a community with everything in it.
func (s communities) Delete(ctx context.Context, by core.Actor, in core.DeleteCommunity) error {
	const op = "communities.delete"
	keys := []core.ChannelKey{}
	err := s.change(ctx, op, by, in.ID, func(w *work) error {
		keys = keys[:0]
		for i := range w.book.Subs {
			keys = append(keys, core.CommunityKey(in.ID, w.book.Subs[i].ID))
		}
		if err := w.everyone(ctx, func(u *core.User) error {
			return w.t.DeleteRecord(by.App, spaceCommunitiesOf, keyOf(string(u.ID), in.ID))
		}); err != nil {
			return err
		}
		w.book = book{}
		return w.dropPlaces(ctx, "")
	})
	if err != nil {
		return err
	}
	_, err = channels(s).Delete(ctx, by, core.DeleteChannels{Keys: append(keys, core.CommunityKey(in.ID, ""))})
	return translate(op, err)
}

// dropPlaces forgets who was put into a private subchannel, or with an empty id into any.
func (w *work) dropPlaces(ctx context.Context, sub string) error {
	prefix := prefixOf(w.id)
	if sub != "" {
		prefix = prefixOf(w.id, sub)
	}
	rows, err := w.t.Records(ctx, w.by.App, spaceCommunityPlaces, prefix, "", false, maxScan)
	for i := range rows {
		if err == nil {
			err = w.t.DeleteRecord(w.by.App, spaceCommunityPlaces, rows[i].Key)
		}
	}
	return err
}

// Join puts a person into the community and its public subchannels.
func (s communities) Join(ctx context.Context, by core.Actor, in core.JoinCommunity) error {
	const op = "communities.join"
	u, err := s.e.user(ctx, by.App, in.User)
	if err != nil {
		return translate(op, err)
	}
	return s.change(ctx, op, by, in.ID, func(w *work) error {
		m, err := w.t.memberOf(ctx, w.first.ID, in.User)
		if err != nil || m != nil {
			return err
		}
		if err := s.roomFor(ctx, w.t, in.User); err != nil {
			return err
		}
		if err := w.t.PutRecord(by.App, spaceCommunitiesOf, keyOf(string(in.User), in.ID), nothing); err != nil {
			return err
		}
		if err := w.place(ctx, &w.first, u, true); err != nil {
			return err
		}
		return w.settle(ctx, u)
	})
}

// Leave takes a person out of everything: the subchannels, the member groups, the community.
func (s communities) Leave(ctx context.Context, by core.Actor, in core.LeaveCommunity) error {
	return s.change(ctx, "communities.leave", by, in.ID, func(w *work) error {
		u, err := w.member(ctx, in.User)
		if err != nil {
			return err
		}
		for i := range w.book.Groups {
			g := &w.book.Groups[i]
			g.Users = slices.DeleteFunc(g.Users, func(id core.UserID) bool { return id == in.User })
		}
		for i := range w.book.Subs {
			sub := &w.book.Subs[i]
			if err := w.t.DeleteRecord(by.App, spaceCommunityPlaces, keyOf(in.ID, sub.ID, string(in.User))); err != nil {
				return err
			}
			if err := w.settleIn(ctx, sub, u, false); err != nil {
				return err
			}
		}
		if err := w.t.DeleteRecord(by.App, spaceCommunitiesOf, keyOf(string(in.User), in.ID)); err != nil {
			return err
		}
		return w.place(ctx, &w.first, u, false)
	})
}
