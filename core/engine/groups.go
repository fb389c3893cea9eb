package engine

import (
	"cmp"
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type groups struct{ e *Engine }

// Limits of groups.
const (
	maxGroupMembers = 100_000
	maxGroupKey     = 255
	groupsListed    = 30
	maxGroupsListed = 100
	passwordRounds  = 20_000
	maxPassword     = 100
)

// groupKey is the password of a group as it is kept.
type groupKey struct {
	Salt []byte `json:"salt"`
	Hash []byte `json:"hash"`
}

// lock makes the record of a password.
func lock(password string) (groupKey, error) {
	k := groupKey{Salt: make([]byte, 16)}
	_, _ = rand.Read(k.Salt) // never fails: crypto/rand aborts the process instead
	var err error
	k.Hash, err = pbkdf2.Key(sha256.New, password, k.Salt, passwordRounds, sha256.Size)
	return k, err
}

func (k *groupKey) opens(password string) bool {
	h, err := pbkdf2.Key(sha256.New, password, k.Salt, passwordRounds, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(h, k.Hash) == 1
}

// checkAdmission checks that a password comes with the admission that needs one.
func checkAdmission(a core.Admission, password string, has bool) error {
	switch a {
	case core.AdmitDefault, core.AdmitAnyone, core.AdmitInvited:
		return nil
	case core.AdmitPassword:
		if password == "" && !has {
			return fault.RequestMissingField.Error("a group with a password needs a password").With("group_password")
		}
		if len(password) > maxPassword {
			return fault.RequestFieldTooLong.Error(fmt.Sprintf("the password must be at most %d bytes long", maxPassword))
		}
		return nil
	}
	return fault.RequestInvalidField.Error("the admission of a group is not known")
}

// Create makes a group.
func (g groups) Create(ctx context.Context, by core.Actor, in core.CreateGroup) (core.GroupView, error) {
	out, err := g.create(ctx, by, in)
	return out, translate("groups.create", err)
}

func (g groups) create(ctx context.Context, by core.Actor, in core.CreateGroup) (core.GroupView, error) {
	e := g.e
	var out core.GroupView
	typ, id := in.Key.Split()
	if id == "" || len(in.Key) > maxGroupKey || id[0] == '!' {
		return out, fault.GroupInvalidID.Error("the id of a group must not be empty, start with ! or be longer than 255 bytes")
	}
	t, err := e.ctype(ctx, by.App, typ)
	if err != nil {
		return out, fault.GroupInvalidID.Error("the part before the colon is not a channel type").Cause(err)
	}
	if err := checkAdmission(in.Admission, in.Password, false); err != nil {
		return out, err
	}
	if err := checkRules(&in.Rules, t.Kind); err != nil {
		return out, err
	}
	if most := in.Rules.MaxMembers; most > 0 && len(in.Members) > most {
		return out, fault.GroupFull.Error("the group has no room for so many members")
	}
	var secret groupKey
	if in.Admission == core.AdmitPassword {
		if secret, err = lock(in.Password); err != nil {
			return out, err
		}
	}
	owner := by.User
	if by.Server() && in.Owner != "" {
		owner = in.Owner
	}
	ids := make([]core.UserID, 0, len(in.Members)+1)
	for _, m := range in.Members {
		if err := checkRole(m.Role); err != nil {
			return out, err
		}
		ids = append(ids, m.User)
	}
	if owner != "" {
		ids = append(ids, owner)
	}
	people, err := e.people(ctx, by, ids)
	if err != nil {
		return out, err
	}
	c := core.Channel{
		Key: in.Key, Type: typ, Kind: t.Kind, Admission: in.Admission, Name: in.Name, Image: in.Image, Tags: in.Tags, Extra: in.Extra,
		CreatedBy: owner, CreatedAt: e.now(), UpdatedAt: e.now(),
	}
	if in.Rules != (core.GroupRules{}) {
		c.Overrides.Rules = &in.Rules
	}
	author, err := e.speaker(ctx, by)
	if err != nil {
		return out, err
	}
	err = e.update(ctx, "groups.create", by.App, 0, func(t *txn) error {
		old, err := t.Channel(ctx, by.App, in.Key)
		if err := e.mayMakeMore(ctx, t, owner); err != nil {
			return err
		}
		switch {
		case err == nil && old.DeletedAt.IsZero():
			return fault.GroupAlreadyExists.Error(fmt.Sprintf("a group with the id %q exists already", id))
		case err == nil: // deleted softly: revived, its history stays gone
			c.ID, c.TruncatedAt, c.TruncatedUpTo = old.ID, e.now(), old.LastSeq
		case !errors.Is(err, store.ErrNotFound):
			return err
		default:
			c.ID = 0
		}
		if err := t.putChannel(&c); err != nil {
			return err
		}
		if in.Admission == core.AdmitPassword {
			if err := putJSON(t, spaceGroupKeys, string(in.Key), &secret); err != nil {
				return err
			}
		}
		if err := t.applyFutureBans(ctx, &c); err != nil {
			return err
		}
		sc := &scene{by: by, channel: &c, user: author}
		if sc.config, err = e.configOf(ctx, by.App, &c); err != nil {
			return err
		}
		if err := e.schedule(t, &c); err != nil {
			return err
		}
		told := c
		if err := t.emit(&core.Event{Kind: core.ChannelCreated, Channel: &told, Config: sc.config, User: e.seen(by.App, author)}); err != nil {
			return err
		}
		if owner != "" {
			m := e.newMember(&c, core.MemberInput{User: owner})
			setRank(&m, core.MemberOwner)
			if err := e.enrol(ctx, t, sc, &c, m, people[owner], core.MemberAdded, false); err != nil {
				return err
			}
		}
		for _, x := range in.Members {
			if x.User == owner {
				continue
			}
			m := e.newMember(&c, core.MemberInput{User: x.User})
			setRank(&m, x.Role)
			if err := e.enrol(ctx, t, sc, &c, m, people[x.User], core.MemberAdded, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	return g.view(ctx, by, in.Key)
}

// view reads a group as the actor sees it.
func (g groups) view(ctx context.Context, by core.Actor, key core.ChannelKey) (core.GroupView, error) {
	sc, err := g.e.group(ctx, by, key)
	if err != nil {
		return core.GroupView{}, err
	}
	return g.viewOf(ctx, sc)
}

func (g groups) viewOf(ctx context.Context, sc *scene) (core.GroupView, error) {
	out := core.GroupView{Channel: *sc.channel, Member: sc.member, Banned: sc.banned(g.e.now())}
	var err error
	out.Channel.Owner, err = g.e.ownerOf(ctx, sc.by.App, sc.channel)
	return out, err
}

// Get reads a group as the actor sees it.
func (g groups) Get(ctx context.Context, by core.Actor, in core.GetGroup) (core.GroupView, error) {
	out, err := g.view(ctx, by, in.Key)
	return out, translate("groups.get", err)
}

// Update changes a group.
func (g groups) Update(ctx context.Context, by core.Actor, in core.UpdateGroup) (core.GroupView, error) {
	e := g.e
	const op = "groups.update"
	sc, err := e.group(ctx, by, in.Key)
	if err == nil {
		err = e.mayDeed(sc, "update", nil, "")
	}
	if err == nil && in.Disabled != nil {
		err = serverOnly(by, "disabling a group")
	}
	var secret groupKey
	if err == nil && in.Password != "" {
		secret, err = lock(in.Password)
	}
	if err == nil && len(in.Password) > maxPassword {
		err = fault.RequestFieldTooLong.Error(fmt.Sprintf("the password must be at most %d bytes long", maxPassword))
	}
	if err != nil {
		return core.GroupView{}, translate(op, err)
	}
	author, err := e.speaker(ctx, by)
	if err != nil {
		return core.GroupView{}, translate(op, err)
	}
	err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, by.App, in.Key)
		if err != nil {
			return err
		}
		_, has, err := record[groupKey](ctx, t, by.App, spaceGroupKeys, string(in.Key))
		if err != nil {
			return err
		}
		if err := checkAdmission(in.Admission, in.Password, has); err != nil {
			return err
		}
		c.Admission = cmp.Or(in.Admission, c.Admission)
		if in.Change != nil {
			kept := c
			if err := in.Change(&c); err != nil {
				return err
			}
			name, image, tags, extra := c.Name, c.Image, c.Tags, c.Extra
			c = kept
			c.Name, c.Image, c.Tags, c.Extra = name, image, tags, extra
		}
		if in.Password != "" {
			if err := putJSON(t, spaceGroupKeys, string(in.Key), &secret); err != nil {
				return err
			}
		}
		if in.Disabled != nil {
			c.Disabled = *in.Disabled
		}
		c.UpdatedAt = e.now()
		ruled, err := e.ruling(ctx, t, &c, in.Rules)
		if err != nil {
			return err
		}
		if err := t.putChannel(&c); err != nil {
			return err
		}
		if err := t.emit(&core.Event{Kind: core.ChannelUpdated, Channel: &c, Config: sc.config, User: e.seen(by.App, author)}); err != nil || ruled == nil {
			return err
		}
		told := c
		return t.emit(&core.Event{Kind: core.GroupRuled, Channel: &told, Config: sc.config, User: e.seen(by.App, author), Change: ruled})
	})
	if err != nil {
		return core.GroupView{}, err
	}
	out, err := g.view(ctx, by, in.Key)
	return out, translate(op, err)
}

// Delete removes a group for its members.
func (g groups) Delete(ctx context.Context, by core.Actor, in core.DeleteGroup) error {
	e := g.e
	const op = "groups.delete"
	sc, err := e.group(ctx, by, in.Key)
	if err == nil {
		name := "delete"
		if in.ByOwner {
			name = "dissolve"
		}
		err = e.mayDeed(sc, name, nil, "")
	}
	if err == nil {
		_, err = channels(g).delete(ctx, sc, false)
	}
	return translate(op, err)
}

// Query lists groups.
func (g groups) Query(ctx context.Context, by core.Actor, in core.QueryGroups) (core.GroupPage, error) {
	out, err := g.query(ctx, by, in)
	return out, translate("groups.query", err)
}

func (g groups) query(ctx context.Context, by core.Actor, in core.QueryGroups) (core.GroupPage, error) {
	e := g.e
	var out core.GroupPage
	limit, err := pageLimit(in.Page, groupsListed, maxGroupsListed)
	if err != nil {
		return out, err
	}
	joined := core.Cond("joined", core.OpEq, core.Bool(true))
	kinds := core.Cond("kind", core.OpIn, core.Value{Kind: core.KindList, List: []core.Value{
		core.Number(float64(core.KindGroup)), core.Number(float64(core.KindRoom)), core.Number(float64(core.KindCommunity)),
	}})
	f := core.And(in.Filter, kinds)
	switch {
	case in.Joined:
		f = core.And(f, joined)
	case by.User != "":
		open := core.Cond("admission", core.OpIn, core.Texts([]core.Admission{core.AdmitAnyone, core.AdmitPassword}))
		f = core.And(f, core.Filter{Op: core.OpOr, Sub: []core.Filter{open, joined}})
	}
	if in.Search != "" {
		f = core.And(f, core.Filter{Op: core.OpOr, Sub: []core.Filter{
			core.Cond("name", core.OpAutocomplete, core.Text(in.Search)), core.Cond("id", core.OpAutocomplete, core.Text(in.Search)),
		}})
	}
	cs, err := e.store.FindChannels(ctx, by.App, store.Query{Filter: f, Sort: in.Sort, Limit: limit + 1, Offset: in.Page.Offset, Viewer: by.User})
	if err != nil {
		return out, err
	}
	if out.More = len(cs) > limit; out.More {
		cs = cs[:limit]
	}
	for i := range cs {
		sc, err := e.sceneOf(ctx, by, &cs[i])
		if err != nil {
			return out, err
		}
		v, err := g.viewOf(ctx, sc)
		if err != nil {
			return out, err
		}
		out.Groups = append(out.Groups, v)
	}
	return out, nil
}

// Banned lists the people banned from a group, by id.
func (g groups) Banned(ctx context.Context, by core.Actor, in core.ListBanned) ([]core.Ban, error) {
	e := g.e
	const op = "groups.banned"
	sc, err := e.group(ctx, by, in.Key)
	if err == nil {
		err = e.mayDeed(sc, "banned", nil, "")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	limit, err := pageLimit(in.Page, groupsListed, maxGroupsListed)
	if err != nil {
		return nil, translate(op, err)
	}
	all, err := scan[core.Ban](ctx, e.store, by.App, spaceBans, prefixOf(string(in.Key)))
	if err != nil {
		return nil, translate(op, err)
	}
	ids := make([]core.UserID, 0, len(all))
	for i := range all {
		ids = append(ids, all[i].User)
	}
	us, err := e.usersByID(ctx, by.App, ids)
	if err != nil {
		return nil, translate(op, err)
	}
	all = slices.DeleteFunc(all, func(b core.Ban) bool {
		u := us[b.User]
		return b.Shadow || !b.Active(e.now()) || u == nil || !named(u, in.Search)
	})
	for i := range all {
		all[i].Target = us[all[i].User]
	}
	all = all[min(in.Page.Offset, len(all)):]
	return all[:min(limit, len(all))], nil
}
