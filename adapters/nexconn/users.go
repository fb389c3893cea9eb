package nexconn

import (
	"context"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of people.
const (
	maxBanned      = 20
	maxBanMinutes  = 43200 // 30 days, of bans and mutes
	maxDeactivated = 100
	maxTags        = 20
	maxTag         = 40
)

// userOps are the people of an app and their tokens.
func (d *Dialect) userOps() []operation {
	return []operation{
		{path: "/auth/access-token/issue", rate: 200, serve: d.issueToken},
		{path: "/auth/access-token/expire", rate: 100, serve: d.expireTokens},
		{path: "/user/update", rate: 100, serve: d.updateUser},
		{path: "/user/get", rate: 100, serve: d.getUser},
		{path: "/user/connection-status/get", rate: 100, serve: d.connectionStatus},
		{path: "/user/ban", rate: 100, serve: d.banUsers},
		{path: "/user/unban", rate: 100, serve: d.unbanUsers},
		{path: "/user/ban/list", rate: 100, serve: d.listBanned},
		{path: "/channel-type/mute/set", rate: 100, serve: d.muteKinds},
		{path: "/channel-type/mute/list", rate: 100, serve: d.listKindMutes},
		{path: "/user/soft-delete", rate: 100, serve: d.softDelete(false)},
		{path: "/user/restore", rate: 100, serve: d.softDelete(true)},
		{path: "/user/soft-deleted/list", rate: 100, serve: d.listSoftDeleted},
		{path: "/user/tag/batch/set", rate: 10, serve: d.setTags},
		{path: "/user/tag/batch/get", rate: 100, serve: d.getTags},
		{path: "/user/blocklist/add", rate: 100, serve: d.addBlocked},
		{path: "/user/blocklist/remove", rate: 100, serve: d.removeBlocked},
		{path: "/user/blocklist/get", rate: 100, serve: d.listBlocked},
	}
}

// issueToken makes a token, and the person where there is none of that id yet. The name and the
// picture of somebody who exists are changed.
func (d *Dialect) issueToken(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, name := in.userID("userId"), in.Need("name")
	image, pictured := in.Look("avatarUrl")
	if pictured {
		in.AsText("avatarUrl", image)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: []core.UserID{id}})
	if err != nil {
		return nil, err
	}
	switch {
	case len(us) == 0:
		if err = d.registrable(ctx, by); err == nil {
			_, err = d.core.Users.Upsert(ctx, by, core.UpsertUsers{Users: []core.User{{ID: id, Name: name, Image: image.Str, Role: core.RoleUser}}})
		}
	case us[0].Name != name || pictured && us[0].Image != image.Str:
		err = d.patchUser(ctx, by, id, func(u *core.User) {
			u.Name = name
			if pictured {
				u.Image = image.Str
			}
		})
	}
	if err != nil {
		return nil, err
	}
	token := newToken()
	_, err = d.core.Credentials.Put(ctx, by, core.PutCredential{Credential: core.Credential{Kind: core.CredentialToken, Secret: token, User: id, Scope: "nexconn"}})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.Text("userId", string(id))
		w.Text("accessToken", token+d.steer(in.rq))
	}, nil
}

// registrable checks that the app may have one more person.
func (d *Dialect) registrable(ctx context.Context, by core.Actor) error {
	most := d.byApp[by.App].quota("users", 0)
	if most == 0 {
		return nil
	}
	n := 0
	for {
		us, err := d.core.Users.Query(ctx, by, core.QueryUsers{IncludeDeactivated: true, Page: core.Page{Limit: 100, Offset: n}})
		if err != nil {
			return err
		}
		if n += len(us); n >= most {
			return fault.PlanQuotaExceeded.Error("The app has as many registered users as it may have.").With("registered_users")
		}
		if len(us) < 100 {
			return nil
		}
	}
}

// patchUser changes one person.
func (d *Dialect) patchUser(ctx context.Context, by core.Actor, id core.UserID, change func(*core.User)) error {
	_, err := d.core.Users.Patch(ctx, by, core.PatchUsers{Patches: []core.UserPatch{{ID: id, Change: func(u *core.User) error {
		change(u)
		return nil
	}}}})
	return err
}

// expireTokens ends the tokens that people were issued before a time.
func (d *Dialect) expireTokens(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("userIds", maxBanned)
	in.needNumber("expiresAt", 1, 1<<52)
	at := in.millis("expiresAt")
	if err := in.Err(); err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := d.patchUser(ctx, by, id, func(u *core.User) { u.RevokedBefore = at }); err != nil {
			return nil, err
		}
		// Which token a live link came by is not kept, so all of them end; who has a token that is
		// still good comes back by it.
		if _, err := d.core.Sessions.Kick(ctx, by, core.KickSessions{User: id, Reason: "password"}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// updateUser changes name and picture; what is not named stays.
func (d *Dialect) updateUser(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, name := in.userID("userId"), in.Text("name")
	image, pictured := in.Look("avatarUrl")
	if pictured {
		in.AsText("avatarUrl", image)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if _, err := d.person(ctx, by, id); err != nil {
		return nil, err
	}
	return nil, d.patchUser(ctx, by, id, func(u *core.User) {
		u.Name = orElse(name, u.Name)
		if pictured {
			u.Image = image.Str
		}
	})
}

// getUser reads a person.
func (d *Dialect) getUser(ctx context.Context, by core.Actor, in *input) (answer, error) {
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.Text("name", u.Name)
		w.Text("avatarUrl", u.Image)
		w.Text("createdAt", dateTime(u.CreatedAt))
	}, nil
}

// oneUser reads the person a call is about.
func (d *Dialect) oneUser(ctx context.Context, by core.Actor, in *input) (*core.User, error) {
	id := in.userID("userId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	return d.person(ctx, by, id)
}

// connectionStatus tells whether a person is online: the text "1" or "0".
func (d *Dialect) connectionStatus(ctx context.Context, by core.Actor, in *input) (answer, error) {
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) { w.Text("status", digit(u.Online)) }, nil
}

// digit is a switch as a text.
func digit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// bit is a switch as a number.
func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// noUser is the failure of an unknown person.
func noUser(id core.UserID) *fault.Error {
	return fault.UserNotFound.Error("The user " + clip(string(id)) + " does not exist.")
}

// person reads somebody who must be known.
func (d *Dialect) person(ctx context.Context, by core.Actor, id core.UserID) (*core.User, error) {
	us, err := d.people(ctx, by, []core.UserID{id})
	if err != nil {
		return nil, err
	}
	return &us[0], nil
}

// people reads some who must all be known, in the order asked for.
func (d *Dialect) people(ctx context.Context, by core.Actor, ids []core.UserID) ([]core.User, error) {
	byID := map[core.UserID]*core.User{}
	for from := 0; from < len(ids); from += 100 {
		us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: ids[from:min(from+100, len(ids))]})
		if err != nil {
			return nil, err
		}
		for i := range us {
			byID[us[i].ID] = &us[i]
		}
	}
	out := make([]core.User, 0, len(ids))
	for _, id := range ids {
		u := byID[id]
		if u == nil || !u.DeletedAt.IsZero() {
			return nil, noUser(id)
		}
		out = append(out, *u)
	}
	return out, nil
}

// minutes reads how long something lasts.
func (in *input) minutes(name string) time.Duration {
	n := in.number(name, 0, -1<<31, 1<<31)
	if in.Err() == nil && (n < 1 || n > maxBanMinutes) {
		in.Fail(name, "must be between 1 and 43200 minutes", fault.RequestMissingField)
	}
	return time.Duration(n) * time.Minute
}

// banUsers keeps people out of the app for a time: whoever is online is thrown out.
func (d *Dialect) banUsers(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids, long := in.userIDs("userIds", maxBanned), in.minutes("durationMinutes")
	if err := in.Err(); err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := d.core.Moderation.Ban(ctx, by, core.SetBan{User: id, For: long}); err != nil {
			return nil, err
		}
		if _, err := d.core.Sessions.Kick(ctx, by, core.KickSessions{User: id, Reason: "server", Text: textBanned}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (d *Dialect) unbanUsers(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("userIds", maxBanned)
	if err := in.Err(); err != nil {
		return nil, err
	}
	us, err := d.people(ctx, by, ids)
	if err != nil {
		return nil, err
	}
	for i := range us {
		if us[i].Ban == nil {
			continue
		}
		if _, err := d.core.Moderation.Ban(ctx, by, core.SetBan{User: us[i].ID, Lift: true}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (d *Dialect) listBanned(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.pageOf(50, 100)
	if err := in.Err(); err != nil {
		return nil, err
	}
	all, err := d.core.Moderation.Bans(ctx, by, core.QueryBans{Page: core.Page{Limit: 300}})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(b core.Ban) bool { return b.Channel != "" || b.Shadow || !b.Active(d.now()) })
	return func(w *wire.Writer) {
		w.List("bannedUsers")
		for _, b := range cutPage(all, p) {
			w.Open()
			w.Text("userId", string(b.User))
			w.Text("banExpiresAt", dateTime(b.Expires))
			w.Close()
		}
		w.CloseList()
	}, nil
}

// kindNames are the types of channels in which somebody may be muted altogether.
var kindNames = map[string]core.ChannelKind{"PERSON": core.KindDirect, "GROUP": core.KindGroup, "CHATROOM": core.KindRoom}

// muteKinds mutes people in all channels of some types, or ends that.
func (d *Dialect) muteKinds(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids, state := in.userIDs("userIds", maxBanned), in.needNumber("muteState", 0, 1)
	var list []core.ChannelKind
	in.Each("channelTypes", len(kindNames), func(_ int, v gjson.Result) {
		k, ok := kindNames[v.Str]
		if !ok {
			in.Fail("channelTypes", "must be of PERSON, GROUP and CHATROOM", fault.RequestInvalidField)
		}
		list = append(list, k)
	})
	if len(list) == 0 {
		in.Fail("channelTypes", "is a required field", fault.RequestMissingField)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	_, err := d.core.Speech.MuteKinds(ctx, by, core.MuteKinds{Users: ids, Kinds: list, Lift: state == 0})
	return nil, err
}

func (d *Dialect) listKindMutes(ctx context.Context, by core.Actor, in *input) (answer, error) {
	k, ok := kindNames[in.Need("channelType")]
	size, offset := in.number("pageSize", 100, 1, 200), in.number("offset", 0, 0, 1<<20)
	if !ok {
		in.Fail("channelType", "must be PERSON, GROUP or CHATROOM", fault.RequestInvalidField)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	all, err := d.core.Speech.KindMutes(ctx, by, core.ListKindMutes{Kind: k, Page: core.Page{Limit: 1000}})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.Int("totalCount", len(all))
		w.List("mutedUserIds")
		from := min(int(offset), len(all))
		for _, m := range all[from:min(from+int(size), len(all))] {
			w.Item(string(m.User))
		}
		w.CloseList()
	}, nil
}

// softDelete takes people out of use, or puts them back. Both are done when the call answers, so its
// operation has nothing left to wait for.
func (d *Dialect) softDelete(restore bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		ids := in.userIDs("userIds", maxDeactivated)
		if err := in.Err(); err != nil {
			return nil, err
		}
		us, err := d.people(ctx, by, ids)
		if err != nil {
			return nil, err
		}
		for i := range us {
			switch gone := !us[i].DeactivatedAt.IsZero(); {
			case gone && !restore:
				return nil, fault.UserLifecycleConflict.Error("The user " + clip(string(us[i].ID)) + " is deleted already.").With("already_deactivated")
			case !gone && restore:
				return nil, fault.UserLifecycleConflict.Error("The user " + clip(string(us[i].ID)) + " is active already.").With("already_active")
			}
		}
		if _, err := d.core.Users.Deactivate(ctx, by, core.DeactivateUsers{IDs: ids, Restore: restore}); err != nil {
			return nil, err
		}
		return func(w *wire.Writer) { w.Text("operationId", in.rq.ID) }, nil
	}
}

func (d *Dialect) listSoftDeleted(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.pageOf(50, 100)
	if err := in.Err(); err != nil {
		return nil, err
	}
	us, err := d.core.Users.Query(ctx, by, core.QueryUsers{
		Filter: core.Cond("deactivated_at", core.OpExists, core.Bool(true)), IncludeDeactivated: true,
		Sort: []core.Sort{{Field: "id"}}, Page: core.Page{Limit: p.size, Offset: (p.number - 1) * p.size},
	})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("userIds")
		for i := range us {
			w.Item(string(us[i].ID))
		}
		w.CloseList()
	}, nil
}

// setTags replaces the tags of people, by which pushes choose whom they are for.
func (d *Dialect) setTags(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids, tags := in.userIDs("userIds", maxIDs), in.Texts("tags", maxTags)
	if tags == nil {
		in.Fail("tags", "is a required field", fault.RequestMissingField)
	}
	for _, s := range tags {
		if s == "" || len(s) > maxTag {
			in.Fail("tags", "must have 1 to 40 bytes each", fault.RequestFieldTooLong)
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := d.patchUser(ctx, by, id, func(u *core.User) { u.Tags = tags }); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (d *Dialect) getTags(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("userIds", maxIDs)
	if err := in.Err(); err != nil {
		return nil, err
	}
	us, err := d.people(ctx, by, ids)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("users")
		for i := range us {
			w.Open()
			w.Text("userId", string(us[i].ID))
			w.Texts("tags", us[i].Tags)
			w.Close()
		}
		w.CloseList()
	}, nil
}
