package agora

import (
	"context"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// userPage is one page of accounts.
type userPage struct {
	users  []core.User
	cursor string
}

func encodeUserPage(a *answer, p userPage) {
	writeUsers(a, p.users)
	a.Int("count", len(p.users))
	a.TextIf("cursor", p.cursor)
}

// listUsers lists the accounts by name. The vendor's query language has one operator that its index
// does not know, and answers so.
func (d *Dialect) listUsers(ctx context.Context, by core.Actor, rq *adapters.Request) (userPage, error) {
	if ql := strings.ToLower(rq.Query.Get("ql")); ql != "" {
		if strings.Contains(ql, " contains ") {
			return userPage{}, fault.RequestInvalidField.Error("").With("query_contains")
		}
		return userPage{}, fault.RequestInvalid.Error("Queries are not supported: use limit and cursor.")
	}
	q := wire.QueryOf(rq)
	limit := q.Int("limit", 1, 1000)
	if err := q.Err(); err != nil {
		return userPage{}, err
	}
	if limit == 0 {
		limit = 10
	}
	limit = min(limit, maxUsers-1) // one more is asked for, to know whether others follow
	var f core.Filter
	if after := cursorIn(rq); after != "" {
		f = core.Cond("id", core.OpGt, core.Text(after))
	}
	f = core.And(f, core.Cond("id", core.OpNe, core.Text(string(core.SystemUser))))
	us, err := d.core.Users.Query(ctx, server(by.App), core.QueryUsers{
		Filter: f, Sort: []core.Sort{{Field: "id"}}, Page: core.Page{Limit: limit + 1}, IncludeDeactivated: true,
	})
	if err != nil {
		return userPage{}, err
	}
	var p userPage
	for i := range us {
		if !us[i].DeletedAt.IsZero() {
			continue
		}
		if len(p.users) == limit {
			p.cursor = cursorOf(string(p.users[limit-1].ID))
			break
		}
		p.users = append(p.users, us[i])
	}
	return p, nil
}

// deleteUsers removes the first accounts of the list. The vendor empties an app that way.
func (d *Dialect) deleteUsers(ctx context.Context, by core.Actor, rq *adapters.Request) (userPage, error) {
	p, err := d.listUsers(ctx, by, rq)
	if err != nil {
		return p, err
	}
	for i := range p.users {
		if err := d.remove(ctx, by.App, p.users[i].ID); err != nil {
			return p, err
		}
	}
	return p, nil
}

// remove deletes an account, its password and its messages' author.
func (d *Dialect) remove(ctx context.Context, app core.AppID, id core.UserID) error {
	if err := SetPassword(ctx, d.core, app, id, ""); err != nil {
		return err
	}
	if _, err := d.core.Sessions.Kick(ctx, server(app), core.KickSessions{User: id, Reason: "removed"}); err != nil {
		return err
	}
	t, err := d.core.Users.Delete(ctx, server(app), core.DeleteUsers{IDs: []core.UserID{id}, Hard: true})
	if err != nil {
		return err
	}
	return d.finished(ctx, app, t)
}

// taskLook is the time between two looks at a task.
const taskLook = 5 * time.Millisecond

// finished waits until a task is: a user who was removed is gone when the call is answered. What takes
// longer than the request may is finished behind it.
func (d *Dialect) finished(ctx context.Context, app core.AppID, t core.Task) error {
	look := time.NewTicker(taskLook)
	defer look.Stop()
	for t.State == "pending" || t.State == "running" {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		var err error
		if t, err = d.core.Tasks.Get(ctx, server(app), core.GetTask{ID: t.ID}); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dialect) deleteUser(ctx context.Context, by core.Actor, rq *adapters.Request) (core.User, error) {
	u, err := d.known(ctx, by.App, core.UserID(rq.Param("username")))
	if err != nil {
		return core.User{}, err
	}
	return *u, d.remove(ctx, by.App, u.ID)
}

// self is the actor as the person the path names: a server acts for them, a person is them.
func (d *Dialect) self(ctx context.Context, by core.Actor, rq *adapters.Request, name string) (core.Actor, *core.User, error) {
	u, err := d.person(ctx, by.App, core.UserID(rq.Param(name)))
	if err != nil {
		return by, nil, err
	}
	if by.Server() {
		return by.As(u.ID), u, nil
	}
	if by.User != u.ID {
		return by, nil, fault.PermissionDenied.Error("The token belongs to another user.")
	}
	return by, u, nil
}

// settingNames are what PUT /users/{user} may change beside the nickname; kept for push services.
var settingNames = wire.NamesOf("device_id", "device_token", "notifier_name", "notification_display_style",
	"notification_no_disturbing", "notification_no_disturbing_start", "notification_no_disturbing_end", "notification_ignore")

// updateUser changes the nickname or push settings. The SDK binds its push token and shields groups
// by this path too.
func (d *Dialect) updateUser(ctx context.Context, by core.Actor, rq *adapters.Request) (core.User, error) {
	_, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return core.User{}, err
	}
	r, err := body(rq)
	if err != nil {
		return core.User{}, err
	}
	var nick *string
	if _, ok := r.Look("nickname"); ok {
		s := r.TextMax("nickname", maxNickname)
		nick = &s
	}
	changes := map[string]string{}
	note := func(list []wire.Field) {
		for _, f := range list {
			if settingNames.Has(f.Name) || strings.HasPrefix(f.Name, "notification_ignore_") {
				changes[f.Name] = f.Value.Raw
			}
		}
	}
	note(r.Fields())
	r.EachObject("entities", 100, func(_ int, o *wire.Reader) { note(o.Fields()) })
	if err := r.Err(); err != nil {
		return core.User{}, err
	}
	if nick == nil && len(changes) == 0 {
		return core.User{}, fault.RequestInvalid.Error("")
	}
	return d.patch(ctx, by.App, u.ID, func(u *core.User) error {
		if nick != nil {
			u.Name = *nick
		}
		if len(changes) > 0 {
			m := membersOf(gjson.GetBytes(u.Extra, extraName+".settings"))
			for k, v := range changes {
				m.set(k, v)
			}
			if len(m) > maxSettings {
				return fault.LimitReached.Error("too many settings")
			}
			u.Extra = nested(u.Extra, "settings", m)
		}
		return nil
	})
}

// maxSettings bounds what is kept of one user's push settings.
const maxSettings = 500

// patch changes one profile in its transaction.
func (d *Dialect) patch(ctx context.Context, app core.AppID, id core.UserID, change func(*core.User) error) (core.User, error) {
	us, err := d.core.Users.Patch(ctx, server(app), core.PatchUsers{Patches: []core.UserPatch{{ID: id, Change: change}}})
	if err != nil || len(us) == 0 {
		return core.User{}, err
	}
	return us[0], nil
}

// changePassword gives an account another password and ends what the old one opened. A person needs
// the old one.
func (d *Dialect) changePassword(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	r, err := body(rq)
	if err != nil {
		return none{}, err
	}
	next, old := r.Text("newpassword"), r.Text("oldpassword")
	if err := r.Err(); err != nil {
		return none{}, err
	}
	_, u, err := d.self(ctx, by, rq, "username")
	if fault.IsReason(err, fault.UserNotFound) {
		return none{}, fault.RequestMissingField.Error("").With("username_password_change")
	}
	if err != nil {
		return none{}, err
	}
	if next == "" || !by.Server() && old == "" {
		return none{}, fault.RequestMissingField.Error("").With("new_old_password")
	}
	if !by.Server() {
		ok, err := d.opens(ctx, by.App, u.ID, old)
		if err != nil {
			return none{}, err
		}
		if !ok {
			return none{}, wrongGrant()
		}
	}
	if err := SetPassword(ctx, d.core, by.App, u.ID, next); err != nil {
		return none{}, err
	}
	if err := d.revoke(ctx, by.App, u.ID); err != nil {
		return none{}, err
	}
	_, err = d.core.Sessions.Kick(ctx, server(by.App), core.KickSessions{User: u.ID, Reason: "password"})
	return none{}, err
}

// revoke ends the tokens a person has.
func (d *Dialect) revoke(ctx context.Context, app core.AppID, id core.UserID) error {
	_, err := d.patch(ctx, app, id, func(u *core.User) error {
		u.RevokedBefore = d.now()
		return nil
	})
	return err
}

// lifecycle takes an account out of use, or back in. Doing it again is no failure.
func (d *Dialect) lifecycle(restore bool) func(context.Context, core.Actor, *adapters.Request) (core.User, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (core.User, error) {
		u, err := d.known(ctx, by.App, core.UserID(rq.Param("username")))
		if err != nil || u.DeactivatedAt.IsZero() == restore {
			return orZero(u), err
		}
		us, err := d.core.Users.Deactivate(ctx, server(by.App), core.DeactivateUsers{IDs: []core.UserID{u.ID}, Restore: restore})
		if err != nil || len(us) == 0 {
			return core.User{}, err
		}
		return us[0], nil
	}
}

// orZero is the user, or nobody.
func orZero(u *core.User) core.User {
	if u == nil {
		return core.User{}
	}
	return *u
}

// presenceOf is how the vendor calls being connected.
func presenceOf(u *core.User) string {
	if u.Online {
		return "online"
	}
	return "offline"
}

// statused is a user under the name the caller used.
type statused struct {
	name string
	user core.User
}

func (d *Dialect) userStatus(ctx context.Context, by core.Actor, rq *adapters.Request) (statused, error) {
	u, err := d.known(ctx, by.App, core.UserID(rq.Param("username")))
	return statused{rq.Param("username"), orZero(u)}, err
}

func encodeStatus(a *answer, n statused) {
	a.Object("data")
	a.KeyOf(n.name)
	a.Item(presenceOf(&n.user))
	a.Close()
	a.Int("count", 1)
}

// batchStatus tells who is connected; an unknown name is offline.
func (d *Dialect) batchStatus(ctx context.Context, by core.Actor, rq *adapters.Request) ([]statused, error) {
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	ids, err := usernames(&r, "usernames", 100)
	if err != nil {
		return nil, err
	}
	found, err := d.people(ctx, by.App, ids)
	if err != nil {
		return nil, err
	}
	out := make([]statused, 0, len(ids))
	for _, id := range ids {
		out = append(out, statused{string(id), orZero(found[id])})
	}
	return out, nil
}

func encodeStatuses(a *answer, list []statused) {
	a.List("data")
	for i := range list {
		a.Open()
		a.KeyOf(list[i].name)
		a.Item(presenceOf(&list[i].user))
		a.Close()
	}
	a.CloseList()
}

// people reads several accounts by the names the caller uses; those that are not there are left out.
func (d *Dialect) people(ctx context.Context, app core.AppID, names []core.UserID) (map[core.UserID]*core.User, error) {
	var ids []core.UserID
	for _, n := range names {
		ids = append(ids, spellings(n)...)
	}
	out := make(map[core.UserID]*core.User, len(names))
	for len(ids) > 0 {
		n := min(len(ids), 100)
		us, err := d.core.Users.Get(ctx, server(app), core.GetUsers{IDs: ids[:n]})
		if err != nil {
			return nil, err
		}
		ids = ids[n:]
		for i := range us {
			if us[i].DeletedAt.IsZero() {
				out[us[i].ID] = &us[i]
			}
		}
	}
	for _, n := range names {
		if out[n] == nil {
			if u := out[core.UserID(strings.ToLower(string(n)))]; u != nil {
				out[n] = u
			}
		}
	}
	return out, nil
}

// everybody reads several accounts that must all be there; the ids are those of the accounts.
func (d *Dialect) everybody(ctx context.Context, app core.AppID, names []core.UserID) ([]core.UserID, error) {
	found, err := d.people(ctx, app, names)
	if err != nil {
		return nil, err
	}
	out := make([]core.UserID, 0, len(names))
	for _, n := range names {
		if found[n] == nil {
			return nil, noInvitee(n)
		}
		out = append(out, found[n].ID)
	}
	return out, nil
}

// noInvitee is the failure of a user that a body names.
func noInvitee(id core.UserID) *fault.Error {
	return fault.UserNotFound.Error("username "+clip(string(id))+" is not there").With("invite").Param("XXXX", clip(string(id)))
}

// since is a time as the vendor's answers have it; the zero time is 0.
func since(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
