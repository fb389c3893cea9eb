package engine

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

type users struct{ e *Engine }

// Limits of people.
const (
	maxUsersPerCall = 100
	maxUserID       = 255
	maxUserExtra    = 5 << 10
	maxTeams        = 250
	maxTeamName     = 100
	usersListed     = 30
	maxAround       = 100
)

// checkUserID answers user.invalid_id for an id that clients cannot use everywhere.
func checkUserID(id core.UserID) error {
	if id == "" || len(id) > maxUserID {
		return fault.UserInvalidID.Error(fmt.Sprintf("a user id has 1 to %d characters", maxUserID))
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("@_-.!", rune(c)) {
			return fault.UserInvalidID.Error(fmt.Sprintf("user id %q: only a-z, A-Z, 0-9, @, _, -, . and ! are allowed", id))
		}
	}
	return nil
}

// Upsert creates people or replaces their profiles.
func (s users) Upsert(ctx context.Context, by core.Actor, in core.UpsertUsers) ([]core.User, error) {
	e := s.e
	const op = "users.upsert"
	if len(in.Users) == 0 {
		return nil, translate(op, fault.RequestInvalid.Error("no users were given"))
	}
	if len(in.Users) > maxUsersPerCall {
		return nil, translate(op, fault.RequestBatchTooLarge.Error(fmt.Sprintf("at most %d users can be upserted at a time", maxUsersPerCall)))
	}
	ids := make([]core.UserID, len(in.Users))
	for i := range in.Users {
		ids[i] = in.Users[i].ID
		if err := s.mayChange(ctx, by, ids[i]); err != nil {
			return nil, translate(op, err)
		}
	}
	out := make([]core.User, len(in.Users))
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		for i := range in.Users {
			u, old, err := t.stored(ctx, ids[i])
			if err != nil {
				return err
			}
			if in.Create && old != nil {
				return fault.UserAlreadyExists.Error(fmt.Sprintf("The user with ID %q already exists", ids[i]))
			}
			next := in.Users[i]
			next.ID, next.Ban, next.LastActive, next.DeactivatedAt = u.ID, u.Ban, u.LastActive, u.DeactivatedAt
			next.CreatedAt = u.CreatedAt
			if next.RevokedBefore.IsZero() {
				next.RevokedBefore = u.RevokedBefore
			}
			if !by.Server() {
				next.Role, next.Teams, next.TeamRoles, next.RevokedBefore = u.Role, u.Teams, u.TeamRoles, u.RevokedBefore
			}
			if next.Role == "" {
				next.Role = u.Role
			}
			if out[i], err = t.saveUser(ctx, next, old); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = *e.seen(by.App, &out[i])
	}
	return out, nil
}

// mayChange answers permission.denied unless the actor may change the person's profile.
func (s users) mayChange(ctx context.Context, by core.Actor, id core.UserID) error {
	if by.Server() {
		return nil
	}
	if id == by.User {
		return s.e.canApp(ctx, by, perm.UpdateUser.Owner())
	}
	return s.e.canApp(ctx, by, perm.UpdateUser)
}

// stored reads a person, or makes a new one; old is nil then.
func (t *txn) stored(ctx context.Context, id core.UserID) (core.User, *core.User, error) {
	if err := checkUserID(id); err != nil {
		return core.User{}, nil, err
	}
	us, err := t.Users(ctx, t.app, []core.UserID{id})
	if err != nil {
		return core.User{}, nil, err
	}
	if len(us) == 0 {
		return core.User{ID: id, Role: core.RoleUser, CreatedAt: t.e.now()}, nil, nil
	}
	if !us[0].DeletedAt.IsZero() {
		return us[0], nil, fault.UserLifecycleConflict.Error(fmt.Sprintf("user with id %q was deleted", id))
	}
	old := us[0]
	return us[0], &old, nil
}

// saveUser checks a profile, keeps the index of names, writes it and tells those who know the
// person, if anything differs.
func (t *txn) saveUser(ctx context.Context, u core.User, old *core.User) (core.User, error) {
	u.Online = false
	if u.Tags == nil && old != nil { // who replaces a profile without knowing of tags keeps them
		u.Tags = old.Tags
	}
	if err := t.checkUser(ctx, &u, old); err != nil {
		return u, err
	}
	u.UpdatedAt = t.e.now()
	if old != nil && sameProfile(&u, old) {
		u.UpdatedAt = old.UpdatedAt
		return u, nil
	}
	if err := t.indexName(&u, old); err != nil {
		return u, err
	}
	if err := t.putUser(&u); err != nil || old == nil {
		return u, err
	}
	return u, t.tellAround(ctx, core.UserUpdated, &u, false)
}

func sameProfile(a, b *core.User) bool {
	x, y := *a, *b
	x.UpdatedAt, y.UpdatedAt = time.Time{}, time.Time{}
	x.LastActive, y.LastActive = time.Time{}, time.Time{}
	x.Online, y.Online = false, false
	return reflect.DeepEqual(x, y)
}

func (t *txn) checkUser(ctx context.Context, u, old *core.User) error {
	if len(u.Extra) > maxUserExtra {
		return fault.RequestFieldTooLong.Error(fmt.Sprintf("custom data of user %q is larger than %d bytes", u.ID, maxUserExtra))
	}
	if len(u.Teams) > maxTeams {
		return fault.LimitReached.Error(fmt.Sprintf("a user has at most %d teams", maxTeams))
	}
	for _, team := range u.Teams {
		if team == "" || len(team) > maxTeamName {
			return fault.RequestInvalidField.Error(fmt.Sprintf("the name of a team has 1 to %d bytes", maxTeamName))
		}
	}
	if old == nil || old.Role != u.Role {
		if err := t.e.knownRole(ctx, t, t.app, u.Role); err != nil {
			return err
		}
	}
	app, err := t.e.app(ctx, t.app)
	if err != nil || app.Settings.UniqueNames == "" || normalName(u.Name) == "" {
		return err
	}
	if old != nil && normalName(old.Name) == normalName(u.Name) && slices.Equal(old.Teams, u.Teams) {
		return nil
	}
	return t.checkName(ctx, u, app.Settings.UniqueNames == "team")
}

// checkName answers user.already_exists when somebody else, in one of the person's teams if names
// are unique there only, has the same name.
func (t *txn) checkName(ctx context.Context, u *core.User, byTeam bool) error {
	prefix := prefixOf(normalName(u.Name))
	rows, err := t.Records(ctx, t.app, spaceNames, prefix, "", false, scanPage)
	if err != nil {
		return err
	}
	var others []core.UserID
	for i := range rows {
		if id := core.UserID(strings.TrimPrefix(rows[i].Key, prefix)); id != u.ID {
			others = append(others, id)
		}
	}
	if len(others) == 0 {
		return nil
	}
	us, err := t.Users(ctx, t.app, others)
	if err != nil {
		return err
	}
	for i := range us {
		if !byTeam || sharesTeam(us[i].Teams, u.Teams) {
			return fault.UserAlreadyExists.Error(fmt.Sprintf("a user with the name %q already exists", u.Name)).With("username")
		}
	}
	return nil
}

func sharesTeam(a, b []string) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(t string) bool { return slices.Contains(b, t) })
}

// normalName is what is compared for uniqueness: letters and digits in lower case.
func normalName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// indexName keeps the index of names, whether or not names are unique now: they may have to be
// later.
func (t *txn) indexName(u, old *core.User) error {
	name := normalName(u.Name)
	if old != nil {
		if was := normalName(old.Name); was != "" && was != name {
			if err := t.DeleteRecord(t.app, spaceNames, keyOf(was, string(u.ID))); err != nil {
				return err
			}
		}
	}
	if name == "" {
		return nil
	}
	return t.PutRecord(t.app, spaceNames, keyOf(name, string(u.ID)), nothing)
}

// tellAround tells a change of a person to those who follow them or watch a channel they are in.
func (t *txn) tellAround(ctx context.Context, kind core.EventKind, u *core.User, hard bool) error {
	ms, err := t.Memberships(ctx, t.app, u.ID, maxAround)
	if err != nil {
		return err
	}
	ev := &core.Event{Kind: kind, User: t.e.seen(t.app, u), Hard: hard}
	for i := range ms {
		ev.Around = append(ev.Around, ms[i].Channel)
	}
	return t.emit(ev)
}

// mergeProfile brings a person's own view of their profile into what is stored: role and teams
// are not theirs to set, and values they do not send stay. It reports whether anything differs.
// The caller writes u.
func (e *Engine) mergeProfile(ctx context.Context, t *txn, u, profile *core.User, fresh bool) (bool, error) {
	next := *u
	if profile.Name != "" {
		next.Name = profile.Name
	}
	if profile.Image != "" {
		next.Image = profile.Image
	}
	if profile.Language != "" {
		next.Language = profile.Language
	}
	if profile.Privacy != nil {
		next.Privacy = profile.Privacy
	}
	next.Invisible = profile.Invisible || u.Invisible
	extra, err := mergeExtra(u.Extra, profile.Extra)
	if err != nil {
		return false, err
	}
	next.Extra = extra
	if fresh {
		if err := checkUserID(u.ID); err != nil {
			return false, err
		}
	} else if sameProfile(&next, u) {
		return false, nil
	}
	old := u
	if fresh {
		old = nil
	}
	if err := t.checkUser(ctx, &next, old); err != nil {
		return false, err
	}
	if err := t.indexName(&next, old); err != nil {
		return false, err
	}
	next.UpdatedAt = e.now()
	*u = next
	if fresh {
		return true, nil
	}
	return true, t.tellAround(ctx, core.UserUpdated, u, false)
}

// Patch changes single fields of profiles.
func (s users) Patch(ctx context.Context, by core.Actor, in core.PatchUsers) ([]core.User, error) {
	e := s.e
	const op = "users.patch"
	if len(in.Patches) == 0 || len(in.Patches) > maxUsersPerCall {
		return nil, translate(op, fault.RequestBatchTooLarge.Error(fmt.Sprintf("1 to %d users can be changed at a time", maxUsersPerCall)))
	}
	for i := range in.Patches {
		if err := s.mayChange(ctx, by, in.Patches[i].ID); err != nil {
			return nil, translate(op, err)
		}
	}
	out := make([]core.User, len(in.Patches))
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		for i, p := range in.Patches {
			u, old, err := t.stored(ctx, p.ID)
			if err != nil {
				return err
			}
			if old == nil {
				return fault.UserNotFound.Error(fmt.Sprintf("The user with ID %q does not exist", p.ID))
			}
			u.Teams, u.Extra = slices.Clone(u.Teams), slices.Clone(u.Extra)
			if err := p.Change(&u); err != nil {
				return err
			}
			if !by.Server() && (u.Role != old.Role || !slices.Equal(u.Teams, old.Teams) || string(u.TeamRoles) != string(old.TeamRoles)) {
				return fault.PermissionDenied.Error("role and teams can only be changed with server side authentication")
			}
			u.ID = p.ID
			if u.Role == "" {
				u.Role = core.RoleUser
			}
			if out[i], err = t.saveUser(ctx, u, old); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = *e.seen(by.App, &out[i])
	}
	return out, nil
}

// Get reads profiles by id.
func (s users) Get(ctx context.Context, by core.Actor, in core.GetUsers) ([]core.User, error) {
	found, err := s.e.usersByID(ctx, by.App, in.IDs)
	if err != nil {
		return nil, translate("users.get", err)
	}
	out := make([]core.User, 0, len(in.IDs))
	for _, id := range in.IDs {
		if u := found[id]; u != nil {
			out = append(out, *u)
		}
	}
	return out, nil
}

// Query finds people.
func (s users) Query(ctx context.Context, by core.Actor, in core.QueryUsers) ([]core.User, error) {
	e := s.e
	const op = "users.query"
	limit, err := pageLimit(in.Page, usersListed, maxUsersPerCall)
	if err != nil {
		return nil, translate(op, err)
	}
	if err := e.canApp(ctx, by, perm.SearchUser); err != nil {
		return nil, translate(op, err)
	}
	f, err := s.withinTeams(ctx, by, in.Filter)
	if err != nil {
		return nil, translate(op, err)
	}
	if f, err = s.withinReach(ctx, by, f); err != nil {
		return nil, translate(op, err)
	}
	var conn *connection
	if in.Presence {
		if conn, err = e.connection(ctx, by, ""); err != nil {
			return nil, translate(op, err)
		}
	}
	out, err := e.store.FindUsers(ctx, by.App, store.Query{
		Filter: f, Sort: in.Sort, Limit: limit, Offset: in.Page.Offset, After: in.Page.Cursor,
		Viewer: by.User, Deleted: in.IncludeDeactivated,
	})
	if err != nil {
		return nil, translate(op, err)
	}
	ids := make([]core.UserID, len(out))
	for i := range out {
		ids[i] = out[i].ID
		out[i] = *e.seen(by.App, &out[i])
	}
	if conn != nil {
		if err := conn.follow(ctx, ids, false); err != nil {
			return nil, translate(op, err)
		}
	}
	return out, nil
}

// withinReach confines people whose role reaches friends only to their friends and themselves.
func (s users) withinReach(ctx context.Context, by core.Actor, f core.Filter) (core.Filter, error) {
	if by.Server() || by.Access != core.AccessUser {
		return f, nil
	}
	u, err := s.e.actor(ctx, by)
	if err != nil {
		return f, err
	}
	r, err := s.e.reach(ctx, by.App, roleIn(u, "", false))
	if err != nil || r != core.ReachFriends {
		return f, err
	}
	all, err := scan[core.Friendship](ctx, s.e.store, by.App, spaceFriends, prefixOf(string(by.User)))
	if err != nil {
		return f, err
	}
	ids := []core.UserID{by.User}
	for i := range all {
		if all[i].Status == core.FriendAccepted {
			ids = append(ids, all[i].Friend)
		}
	}
	return core.And(f, core.Cond("id", core.OpIn, core.Texts(ids))), nil
}

// withinTeams confines clients of multi-tenant apps to people they share a team with.
func (s users) withinTeams(ctx context.Context, by core.Actor, f core.Filter) (core.Filter, error) {
	if by.Server() {
		return f, nil
	}
	app, err := s.e.app(ctx, by.App)
	if err != nil || !app.Settings.Teams || s.e.canApp(ctx, by, perm.SearchUser.AnyTeam()) == nil {
		return f, err
	}
	me, err := s.e.actor(ctx, by)
	if err != nil {
		return f, err
	}
	if len(me.Teams) == 0 {
		return core.And(f, core.Cond("id", core.OpEq, core.Text(string(by.User)))), nil
	}
	shared := core.Filter{Op: core.OpOr}
	for _, t := range me.Teams {
		shared.Sub = append(shared.Sub, core.Cond("teams", core.OpContains, core.Text(t)))
	}
	return core.And(f, shared), nil
}

// Guest makes a guest with a fresh id that ends in the one asked for.
func (s users) Guest(ctx context.Context, by core.Actor, in core.CreateGuest) (core.User, error) {
	e := s.e
	const op = "users.guest"
	app, err := e.app(ctx, by.App)
	if err != nil {
		return core.User{}, translate(op, err)
	}
	if app.Settings.GuestsDisabled || app.Settings.Teams {
		return core.User{}, translate(op, fault.PermissionDenied.Error("guest users are not enabled for this app"))
	}
	if err := checkUserID(in.User.ID); err != nil {
		return core.User{}, translate(op, err)
	}
	u := in.User
	u.ID = core.UserID("guest-" + uuid() + "-" + string(in.User.ID))
	u.Role, u.Teams, u.TeamRoles = core.RoleGuest, nil, nil
	u.CreatedAt, u.Ban = e.now(), nil
	if err := checkUserID(u.ID); err != nil {
		return core.User{}, translate(op, err)
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		var err error
		u, err = t.saveUser(ctx, u, nil)
		return err
	})
	return u, err
}
