package nexconn

import (
	"context"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Members of the settings a person keeps for a group: what they call it, and whom they follow there.
// Nobody else is shown them.
const (
	aliasMember     = "alias"
	favoritesMember = "favorites"
)

// kept reads what a person keeps for a conversation.
func (d *Dialect) kept(ctx context.Context, by core.Actor, key core.ChannelKey) (core.Extra, error) {
	list, err := d.core.Conversations.Settings(ctx, by, core.GetSettings{Scopes: []core.SettingsScope{{Key: key}}})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0].Extra, nil
}

// keep sets a member of what a person keeps for a conversation; nil takes it away.
func (d *Dialect) keep(ctx context.Context, by core.Actor, key core.ChannelKey, name string, v []byte) error {
	_, err := d.core.Conversations.Put(ctx, by, core.PutSettings{Scope: core.SettingsScope{Key: key}, Change: func(s *core.ConversationSettings) error {
		s.Extra = putMembers(s.Extra, map[string][]byte{name: v})
		return nil
	}})
	return err
}

// alias is what a person calls a group.
func (d *Dialect) alias(ctx context.Context, by core.Actor, key core.ChannelKey) (string, error) {
	x, err := d.kept(ctx, by, key)
	return gjson.GetBytes(x, aliasMember).String(), err
}

func (d *Dialect) setAlias(ctx context.Context, by core.Actor, in *input) (answer, error) {
	alias := in.Need("alias")
	if len(alias) > 64*4 {
		in.Fail("alias", "must be at most 64 characters", fault.RequestFieldTooLong)
	}
	c, user, err := d.memberCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return nil, d.keep(ctx, by.As(user), c.Key, aliasMember, quoted(alias))
}

func (d *Dialect) deleteAlias(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, user, err := d.memberCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return nil, d.keep(ctx, by.As(user), c.Key, aliasMember, nil)
}

func (d *Dialect) getAlias(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, user, err := d.memberCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	alias, err := d.alias(ctx, by.As(user), c.Key)
	return func(w *wire.Writer) { w.Text("alias", alias) }, err
}

// favorite is a member of a group whom another follows.
type favorite struct {
	user core.UserID
	at   int64 // milliseconds
}

// favorites reads whom a person follows in a group, oldest first.
func (d *Dialect) favorites(ctx context.Context, by core.Actor, key core.ChannelKey) ([]favorite, error) {
	x, err := d.kept(ctx, by, key)
	var out []favorite
	for _, v := range gjson.GetBytes(x, favoritesMember).Array() {
		out = append(out, favorite{core.UserID(v.Get("id").Str), v.Get("at").Int()})
	}
	return out, err
}

// putFavorites keeps whom a person follows.
func (d *Dialect) putFavorites(ctx context.Context, by core.Actor, key core.ChannelKey, list []favorite) error {
	w := wire.NewWriter(64 * len(list))
	w.OpenList()
	for _, f := range list {
		w.Open()
		w.Text("id", string(f.user))
		w.Int64("at", f.at)
		w.Close()
	}
	w.CloseList()
	return d.keep(ctx, by, key, favoritesMember, w.Bytes())
}

func (d *Dialect) addFavorites(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("favoriteIds", 100)
	c, user, err := d.memberCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	if err := d.needMember(ctx, by, c, ids...); err != nil {
		return nil, err
	}
	list, err := d.favorites(ctx, by.As(user), c.Key)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(f favorite) bool { return f.user == id }) {
			list = append(list, favorite{id, sentAt(d.now())})
		}
	}
	if most := d.byApp[by.App].quota("favorites", maxFavorites); len(list) > most {
		return nil, fault.GroupLimitReached.Error("A member follows at most " + strconv.Itoa(most) + " others.").With("admins_or_follows")
	}
	return nil, d.putFavorites(ctx, by.As(user), c.Key, list)
}

func (d *Dialect) removeFavorites(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("favoriteIds", 100)
	c, user, err := d.memberCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	list, err := d.favorites(ctx, by.As(user), c.Key)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(f favorite) bool { return slices.Contains(ids, f.user) })
	return nil, d.putFavorites(ctx, by.As(user), c.Key, list)
}

func (d *Dialect) listFavorites(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, user, err := d.memberCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	list, err := d.favorites(ctx, by.As(user), c.Key)
	return func(w *wire.Writer) {
		w.Text("userId", string(user))
		w.Text("channelId", string(c.Key))
		w.List("favorites")
		for _, f := range list {
			w.Open()
			w.Text("userId", string(f.user))
			w.Int64("favoritedAt", f.at)
			w.Close()
		}
		w.CloseList()
	}, err
}
