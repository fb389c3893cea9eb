package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// imports takes over what another system says is so.
type imports struct{ e *Engine }

// unlearnt is why one item cannot be taken. Whoever returns it has written nothing.
type unlearnt struct{ core.Unlearnt }

func (u unlearnt) Error() string { return u.Reason }

func unlearn(format string, a ...any) error {
	return unlearnt{core.Unlearnt{Reason: fmt.Sprintf(format, a...)}}
}

// learntAs is what became of one item.
type learntAs uint8

const (
	learntKnown learntAs = iota
	learntNew
	learntChanged
)

// learning is one transaction of Learn.
type learning struct {
	*txn
	ctx  context.Context //nolint:containedctx // lives as long as the transaction
	made map[core.UserID]bool
}

// Learn implements core.Imports. People, channels and credentials are committed before what refers to
// them, since events show them.
func (s imports) Learn(ctx context.Context, by core.Actor, in core.Learn) (core.Learnt, error) {
	const op = "imports.learn"
	if err := serverOnly(by, "learning"); err != nil {
		return core.Learnt{}, translate(op, err)
	}
	if len(in.Items) > core.MaxLearn {
		return core.Learnt{}, translate(op, fault.RequestBatchTooLarge.Error(fmt.Sprintf("at most %d items are learnt at once", core.MaxLearn)))
	}
	var first, second []int
	for i := range in.Items {
		if x := &in.Items[i]; x.User != nil || x.Channel != nil || x.Credential != nil {
			first = append(first, i)
		} else {
			second = append(second, i)
		}
	}
	var out core.Learnt
	if err := s.ensurePeople(ctx, by, in.Items); err != nil {
		return out, translate(op, err)
	}
	for _, part := range [][]int{first, second} {
		if err := s.part(ctx, by, in.Items, part, &out); err != nil {
			return out, translate(op, err)
		}
	}
	return out, nil
}

// part learns some of the items in one transaction. When that breaks they are taken one by one, so
// that a bad one is refused alone.
func (s imports) part(ctx context.Context, by core.Actor, items []core.Imported, which []int, out *core.Learnt) error {
	if len(which) == 0 {
		return nil
	}
	before := *out
	before.Refused = slices.Clip(before.Refused)
	err := s.e.update(ctx, "imports.learn", by.App, 0, func(t *txn) error {
		*out = before
		t.quiet = true
		l := &learning{txn: t, ctx: ctx, made: map[core.UserID]bool{}}
		for _, i := range which {
			if err := l.take(&items[i], i, out); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil || len(which) == 1 && !fault.IsReason(err, fault.OperationFailed) || fault.IsReason(err, fault.StorageUnavailable) || ctx.Err() != nil {
		return err
	}
	*out = before
	if len(which) == 1 {
		out.Refused = append(out.Refused, core.Unlearnt{Item: which[0], Reason: "the database refuses it"})
		return nil
	}
	for _, i := range which {
		if err := s.part(ctx, by, items, []int{i}, out); err != nil {
			return err
		}
	}
	return nil
}

// take learns one item and counts what became of it.
func (l *learning) take(x *core.Imported, i int, out *core.Learnt) error {
	o, err := l.one(x)
	var no unlearnt
	switch {
	case errors.As(err, &no):
		no.Item = i
		out.Refused = append(out.Refused, no.Unlearnt)
	case err != nil:
		return err
	case o == learntNew:
		out.New++
	case o == learntChanged:
		out.Changed++
	default:
		out.Known++
	}
	return nil
}

// one learns one item.
func (l *learning) one(x *core.Imported) (learntAs, error) {
	switch {
	case x.User != nil:
		return l.user(x)
	case x.Channel != nil:
		return l.channel(x)
	case x.Credential != nil:
		return l.credential(x)
	case x.Member != nil:
		return l.member(x)
	case x.Read != nil:
		return l.read(x)
	case x.Message != nil:
		return l.message(x)
	case x.Reaction != nil:
		return l.reaction(x)
	case x.Mute != nil:
		return l.mute(x)
	}
	return learntKnown, unlearn("the item says nothing")
}

// ensurePeople makes the people whom items only name.
func (s imports) ensurePeople(ctx context.Context, by core.Actor, items []core.Imported) error {
	var ids []core.UserID
	want := func(u core.UserID) {
		if u != "" && len(u) <= 255 && !slices.Contains(ids, u) {
			if _, ok := s.e.users.get(userKey{by.App, u}); !ok {
				ids = append(ids, u)
			}
		}
	}
	told := map[core.UserID]bool{}
	for i := range items {
		switch x := &items[i]; {
		case x.Gone:
		case x.User != nil:
			told[x.User.ID] = !x.Sparse || told[x.User.ID]
		case x.Channel != nil:
			want(x.Channel.CreatedBy)
		case x.Member != nil:
			want(x.Member.User)
		case x.Message != nil:
			want(x.Message.User)
		case x.Reaction != nil:
			want(x.Reaction.User)
		case x.Mute != nil:
			want(x.Mute.User)
			want(x.Mute.Target)
		}
	}
	ids = slices.DeleteFunc(ids, func(u core.UserID) bool { return told[u] })
	if len(ids) == 0 {
		return nil
	}
	return s.e.update(ctx, "imports.learn", by.App, 0, func(t *txn) error {
		l := &learning{txn: t, ctx: ctx}
		for _, id := range ids {
			if _, err := l.user(&core.Imported{User: &core.User{ID: id}, Sparse: true}); err != nil {
				return err
			}
		}
		return nil
	})
}

// user learns a profile. What a profile does not say stays: bans, revoked tokens, the last activity.
func (l *learning) user(x *core.Imported) (learntAs, error) {
	u := *x.User
	if u.ID == "" || len(u.ID) > 255 {
		return 0, unlearn("the user has no id, or one of more than 255 bytes")
	}
	found, err := l.Users(l.ctx, l.app, []core.UserID{u.ID})
	if err != nil {
		return 0, err
	}
	u.Role = cmp.Or(u.Role, core.RoleUser)
	if len(found) == 0 {
		if x.Gone {
			return learntKnown, nil
		}
		if u.CreatedAt.IsZero() {
			u.CreatedAt = l.e.now()
		}
		if u.UpdatedAt.IsZero() {
			u.UpdatedAt = u.CreatedAt
		}
		return learntNew, l.putUser(&u)
	}
	old := found[0]
	switch {
	case x.Gone && old.DeletedAt.IsZero():
		old.DeletedAt = l.e.now()
		return learntChanged, l.putUser(&old)
	case x.Gone, x.Sparse, !u.UpdatedAt.IsZero() && u.UpdatedAt.Before(old.UpdatedAt.Truncate(1e9)):
		return learntKnown, nil
	}
	u.Ban, u.RevokedBefore, u.Online = old.Ban, old.RevokedBefore, false
	if u.CreatedAt.IsZero() {
		u.CreatedAt = old.CreatedAt
	}
	if u.UpdatedAt.IsZero() {
		u.UpdatedAt = old.UpdatedAt
	}
	if u.LastActive.Before(old.LastActive) {
		u.LastActive = old.LastActive
	}
	seen := old
	seen.LastActive = u.LastActive // alone it is not worth a write
	if sameNoun(&u, &seen) {
		return learntKnown, nil
	}
	return learntChanged, l.putUser(&u)
}

// sameNoun compares two nouns by what is stored of them.
func sameNoun[T any](a, b *T) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, err1 := nounText(a)
	y, err2 := nounText(b)
	return err1 == nil && err2 == nil && x == y
}

// channel learns a channel. Its type has to be there: nobody can tell what its rules would be.
func (l *learning) channel(x *core.Imported) (learntAs, error) {
	c := *x.Channel
	if c.Key == "" {
		return 0, unlearn("the channel has no key")
	}
	old, err := l.Channel(l.ctx, l.app, c.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if x.Gone {
			return learntKnown, nil
		}
		if c.Type == "" {
			c.Type, _ = c.Key.Split()
		}
		if _, err := l.e.ctype(l.ctx, l.app, c.Type); err != nil {
			return 0, unlearn("the channel type %q is not defined here", c.Type)
		}
		c.ID, c.Owner = 0, nil
		if c.CreatedAt.IsZero() {
			c.CreatedAt = l.e.now()
		}
		if c.UpdatedAt.IsZero() {
			c.UpdatedAt = c.CreatedAt
		}
		c.LastMessageAt = core.FromMillis(0)
		return learntNew, l.putChannel(&c)
	case err != nil:
		return 0, err
	}
	switch {
	case x.Gone:
		l.forget(invalidation{App: l.app, Keys: []core.ChannelKey{c.Key}})
		return learntChanged, l.DeleteChannel(l.app, old.ID)
	case x.Sparse, !c.UpdatedAt.IsZero() && c.UpdatedAt.Before(old.UpdatedAt):
		return learntKnown, nil
	}
	next := old
	next.Name, next.Image, next.Team, next.Frozen, next.Disabled, next.Cooldown = c.Name, c.Image, c.Team, c.Frozen, c.Disabled, c.Cooldown
	next.Tags, next.Extra, next.DeletedAt, next.Admission = c.Tags, c.Extra, c.DeletedAt, c.Admission
	next.CreatedBy = cmp.Or(c.CreatedBy, old.CreatedBy)
	if !c.CreatedAt.IsZero() {
		next.CreatedAt = c.CreatedAt
	}
	if !c.UpdatedAt.IsZero() {
		next.UpdatedAt = c.UpdatedAt
	}
	if c.TruncatedAt.After(old.TruncatedAt) {
		next.TruncatedAt, next.TruncatedBy = c.TruncatedAt, c.TruncatedBy
		if next.TruncatedUpTo, err = l.SeqAt(l.ctx, l.app, old.ID, c.TruncatedAt); err != nil {
			return 0, err
		}
	}
	if sameNoun(&next, &old) {
		return learntKnown, nil
	}
	return learntChanged, l.putChannel(&next)
}

// credential learns a secret that the other system has handed out, so that who holds it stays known.
func (l *learning) credential(x *core.Imported) (learntAs, error) {
	c := *x.Credential
	if c.Secret == "" || len(c.Secret) > maxSecret || c.Kind == "" {
		return 0, unlearn("the credential has no kind, or no secret of at most %d bytes", maxSecret)
	}
	key, by := credentialKey(c.Kind, c.Secret), keyOf(string(c.Kind), string(c.User), c.Secret)
	old, err := getJSON[core.Credential](l.ctx, l, l.app, spaceCredentials, key)
	switch {
	case err == nil && x.Gone:
		if err := l.DeleteRecord(l.app, spaceCredentialsBy, by); err != nil {
			return 0, err
		}
		l.forget(invalidation{App: l.app, Secrets: []string{key}})
		return learntChanged, l.DeleteRecord(l.app, spaceCredentials, key)
	case err == nil && old.User == c.User:
		return learntKnown, nil
	case err == nil:
		return 0, unlearn("the secret is another's")
	case !errors.Is(err, store.ErrNotFound):
		return 0, err
	case x.Gone:
		return learntKnown, nil
	}
	if c.CreatedAt.IsZero() {
		c.CreatedAt = l.e.now()
	}
	c.UpdatedAt = c.CreatedAt
	if err := putJSON(l.txn, spaceCredentials, key, &c); err != nil {
		return 0, err
	}
	l.forget(invalidation{App: l.app, Secrets: []string{key}})
	return learntNew, l.PutRecord(l.app, spaceCredentialsBy, by, nothing)
}
