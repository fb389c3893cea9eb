package nexconn

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Who may add a person as a friend.
const (
	friendsAnybody  = 1
	friendsApproval = 2
	friendsNobody   = 3
)

// friendMember is the member of a person's Extra that says who may add them.
const friendMember = "friend_permission"

// allowMember is the member of a person's Extra that is their allow list: where there is one, only
// those on it may write to the person or add them.
const allowMember = "allowlist"

// Relationships of two people.
const (
	relationNone   = 1
	relationMutual = 4
)

// Limits of friends.
const (
	maxFriendExt = 10
	maxFriends   = 3000
)

// friendOps are the friends of people.
func (d *Dialect) friendOps() []operation {
	return []operation{
		{path: "/friend/add", family: familyFriend, rate: 100, serve: d.addFriend},
		{path: "/friend/remove", family: familyFriend, rate: 100, serve: d.removeFriends},
		{path: "/friend/remove-all", family: familyFriend, rate: 100, serve: d.removeAllFriends},
		{path: "/friend/profile/set", family: familyFriend, rate: 100, serve: d.setFriendProfile},
		{path: "/friend/list", family: familyFriend, rate: 100, serve: d.listFriends},
		{path: "/friend/relationship/get", family: familyFriend, rate: 100, serve: d.relationships},
		{path: "/friend/permission/set", family: familyFriend, rate: 100, serve: d.setFriendPermission},
		{path: "/friend/permission/get", family: familyFriend, rate: 100, serve: d.getFriendPermission},
	}
}

// allows reports whether a person's allow list, if they have one, lets another through.
func allows(u *core.User, other core.UserID) bool {
	v := gjson.GetBytes(u.Extra, allowMember)
	if !v.IsArray() {
		return true
	}
	return slices.ContainsFunc(v.Array(), func(x gjson.Result) bool { return x.Str == string(other) })
}

// friendPermission is who may add a person as a friend.
func friendPermission(u *core.User) int {
	if n := int(gjson.GetBytes(u.Extra, friendMember).Int()); n >= friendsAnybody && n <= friendsNobody {
		return n
	}
	return friendsAnybody
}

// mayBefriend judges what two people have set about each other.
func (d *Dialect) mayBefriend(ctx context.Context, by core.Actor, u, target *core.User) error {
	for _, x := range []struct {
		who, whom core.UserID
		err       *fault.Error
	}{
		{target.ID, u.ID, fault.BlockByPeer.Error("The other user has blocked the caller.")},
		{u.ID, target.ID, fault.BlockBySelf.Error("The caller has blocked the other user.")},
	} {
		blocked, err := d.blocks(ctx, by, x.who, x.whom)
		if err != nil {
			return err
		}
		if blocked {
			return x.err
		}
	}
	switch {
	case !allows(target, u.ID):
		return fault.FriendRequestRefused.Error("The caller is not on the other user's allow list.").With("peer_allowlist")
	case !allows(u, target.ID):
		return fault.FriendRequestRefused.Error("The other user is not on the caller's allow list.").With("own_allowlist")
	case friendPermission(target) == friendsNobody:
		return fault.FriendRequestRefused.Error("The other user takes no friend requests.").With("peer_setting")
	}
	return nil
}

// addFriend befriends two people, or asks the other one: then the answer is the vendor's number for
// "has to agree", on HTTP 200.
func (d *Dialect) addFriend(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, target, action := in.userID("userId"), in.userID("targetId"), in.needNumber("action", 1, 2)
	text := in.TextMax("extra", 128)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if id == target {
		return nil, fault.TargetIsSelf.Error("Nobody can be their own friend.").With("friend")
	}
	us, err := d.people(ctx, by, []core.UserID{id, target})
	if err != nil {
		return nil, err
	}
	if err := d.mayBefriend(ctx, by, &us[0], &us[1]); err != nil {
		return nil, err
	}
	most := d.byApp[by.App].quota("friends", maxFriends)
	for i, variant := range []string{"self", "peer"} {
		all, err := d.allFriends(ctx, by, us[i].ID)
		if err != nil {
			return nil, err
		}
		if len(all) >= most && !slices.ContainsFunc(all, func(f core.Friendship) bool { return f.Friend == us[1-i].ID }) {
			return nil, fault.FriendLimitReached.Error("The friend list is full.").With(variant)
		}
	}
	ask := action == 1 || friendPermission(&us[1]) == friendsApproval
	out, err := d.core.Friends.Add(ctx, by, core.AddFriends{User: id, Friends: []core.UserID{target}, Ask: ask, Text: text})
	if err == nil && len(out) > 0 {
		err = out[0].Err
	}
	if err != nil {
		return nil, err
	}
	if ask {
		now, err := d.areFriends(ctx, by, id, target)
		if err != nil || now {
			return nil, err // the other had asked already
		}
		return nil, fault.FriendRequestPending.Error("The other user has to agree; the request is out.")
	}
	return nil, nil
}

// allFriends reads all friends of a person.
func (d *Dialect) allFriends(ctx context.Context, by core.Actor, id core.UserID) ([]core.Friendship, error) {
	var out []core.Friendship
	for {
		part, err := d.core.Friends.List(ctx, by, core.ListFriends{User: id, Page: core.Page{Limit: 100, Offset: len(out)}})
		if err != nil {
			return nil, err
		}
		if out = append(out, part...); len(part) < 100 {
			return out, nil
		}
	}
}

func (d *Dialect) areFriends(ctx context.Context, by core.Actor, a, b core.UserID) (bool, error) {
	all, err := d.allFriends(ctx, by, a)
	return slices.ContainsFunc(all, func(f core.Friendship) bool { return f.Friend == b }), err
}

func (d *Dialect) removeFriends(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, targets := in.userID("userId"), in.userIDs("targetIds", 100)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if _, err := d.person(ctx, by, id); err != nil {
		return nil, err
	}
	all, err := d.allFriends(ctx, by, id)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		if !slices.ContainsFunc(all, func(f core.Friendship) bool { return f.Friend == t }) {
			return nil, fault.FriendNotFriends.Error("There is no friend " + clip(string(t)) + ".")
		}
	}
	_, err = d.core.Friends.Remove(ctx, by, core.RemoveFriends{User: id, Friends: targets})
	return nil, err
}

func (d *Dialect) removeAllFriends(ctx context.Context, by core.Actor, in *input) (answer, error) {
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	all, err := d.allFriends(ctx, by, u.ID)
	for len(all) > 0 && err == nil {
		part := all[:min(100, len(all))]
		all = all[len(part):]
		ids := make([]core.UserID, len(part))
		for i := range part {
			ids[i] = part[i].Friend
		}
		_, err = d.core.Friends.Remove(ctx, by, core.RemoveFriends{User: u.ID, Friends: ids})
	}
	return nil, err
}

// setFriendProfile sets what a person calls a friend and keeps about them; what is not named is taken
// away.
func (d *Dialect) setFriendProfile(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, target, alias := in.userID("userId"), in.userID("targetId"), in.TextMax("alias", 64)
	ext, err := in.extKeys("friendExtProfile", "user_profile")
	if err != nil {
		return nil, fault.RequestInvalid.Error(fault.From(err).Detail)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if len(ext) > maxFriendExt {
		return nil, fault.LimitReached.Error("A friend has at most 10 extended keys.").With("friend_attributes")
	}
	if _, err := d.person(ctx, by, id); err != nil {
		return nil, err
	}
	_, err = d.core.Friends.Patch(ctx, by, core.PatchFriend{User: id, Friend: target, Change: func(f *core.Friendship) error {
		f.Remark = alias
		if in.Has("friendExtProfile") {
			f.Extra = putMembers(f.Extra, map[string][]byte{extMember: textsJSON(ext)})
		}
		return nil
	}})
	if fault.IsReason(err, fault.FriendNotFriends) {
		err = fault.FriendNotFriends.Error("The two are not friends.").With("required")
	}
	return nil, err
}

func (d *Dialect) listFriends(ctx context.Context, by core.Actor, in *input) (answer, error) {
	cut, order := in.tokenPage(50, 100), in.number("order", 0, 0, 1)
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	all, err := d.allFriends(ctx, by, u.ID)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b core.Friendship) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(string(a.Friend), string(b.Friend)))
	})
	if order == 1 {
		slices.Reverse(all)
	}
	part, next := cutToken(all, cut)
	return func(w *wire.Writer) {
		w.Text("pageToken", next)
		w.Int("totalCount", len(all))
		w.List("friends")
		for i := range part {
			f := &part[i]
			w.Open()
			w.Text("userId", string(f.Friend))
			name := ""
			if f.Profile != nil {
				name = f.Profile.Name
			}
			w.Text("name", name)
			w.Text("alias", f.Remark)
			w.Object("friendExtProfile")
			w.Extra(core.Extra(gjson.GetBytes(f.Extra, extMember).Raw), nil)
			w.Close()
			w.Int64("addedAt", sentAt(f.CreatedAt))
			w.Close()
		}
		w.CloseList()
	}, nil
}

func (d *Dialect) relationships(ctx context.Context, by core.Actor, in *input) (answer, error) {
	targets := in.userIDs("targetIds", 100)
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	all, err := d.allFriends(ctx, by, u.ID)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("friendships")
		for _, t := range targets {
			result := relationNone
			if slices.ContainsFunc(all, func(f core.Friendship) bool { return f.Friend == t }) {
				result = relationMutual
			}
			w.Open()
			w.Text("userId", string(t))
			w.Int("result", result)
			w.Close()
		}
		w.CloseList()
	}, nil
}

func (d *Dialect) setFriendPermission(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids, p := in.userIDs("userIds", 100), in.needNumber("permissionType", friendsAnybody, friendsNobody)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := d.patchUser(ctx, by, id, func(u *core.User) {
			u.Extra = putMembers(u.Extra, map[string][]byte{friendMember: []byte(strconv.FormatInt(p, 10))})
		}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (d *Dialect) getFriendPermission(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("userIds", 100)
	if err := in.Err(); err != nil {
		return nil, err
	}
	us, err := d.people(ctx, by, ids)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("permissions")
		for i := range us {
			w.Open()
			w.Text("userId", string(us[i].ID))
			w.Int("permissionType", friendPermission(&us[i]))
			w.Close()
		}
		w.CloseList()
	}, nil
}
