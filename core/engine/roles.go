package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

type roles struct{ e *Engine }

// maxRoles bounds an app's own roles.
const maxRoles = 25

// builtinRoles are the roles every app knows.
var builtinRoles = []string{
	core.RoleUser, core.RoleGuest, core.RoleAnonymous, core.RoleAdmin, core.RoleModerator,
	core.ChannelRoleMember, core.ChannelRoleModerator, perm.RoleGlobalAdmin, perm.RoleGlobalModerator,
}

// Put makes a role of the app's own.
func (s roles) Put(ctx context.Context, by core.Actor, in core.PutRole) (core.Role, error) {
	e := s.e
	const op = "roles.put"
	var out core.Role
	if err := serverOnly(by, "creating roles"); err != nil {
		return out, translate(op, err)
	}
	if err := e.planned(ctx, by.App, core.PlanRoles); err != nil {
		return out, translate(op, err)
	}
	if !typeName.MatchString(in.Name) {
		return out, translate(op, fault.RequestInvalidField.Error("the name of a role is made of letters, digits, - and _"))
	}
	builtIn := slices.Contains(builtinRoles, in.Name)
	if builtIn && in.Change == nil {
		return out, translate(op, fault.RequestInvalid.Error(fmt.Sprintf("role %q already exists", in.Name)))
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		old, found, err := record[core.Role](ctx, t, by.App, spaceRoles, in.Name)
		if err != nil {
			return err
		}
		if found && in.Change != nil || builtIn {
			if !found {
				old = core.Role{CreatedAt: e.now()}
			}
			out = old
			if err := in.Change(&out); err != nil {
				return err
			}
			out.Name, out.Custom, out.Scopes, out.CreatedAt, out.UpdatedAt = in.Name, !builtIn, nil, old.CreatedAt, e.now()
			return putJSON(t, spaceRoles, in.Name, &out)
		}
		if found {
			return fault.RequestInvalid.Error(fmt.Sprintf("role %q already exists", in.Name))
		}
		all, err := scan[core.Role](ctx, t, by.App, spaceRoles, "")
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(r core.Role) bool { return !r.Custom })
		if len(all) >= maxRoles {
			return fault.LimitReached.Error(fmt.Sprintf("an app has at most %d custom roles", maxRoles))
		}
		if in.Change != nil {
			if err := in.Change(&out); err != nil {
				return err
			}
		}
		out.Name, out.Custom, out.Scopes, out.CreatedAt, out.UpdatedAt = in.Name, true, nil, e.now(), e.now()
		return putJSON(t, spaceRoles, in.Name, &out)
	})
	return out, err
}

// Delete removes a role of the app's own.
func (s roles) Delete(ctx context.Context, by core.Actor, in core.DeleteRole) (core.Role, error) {
	e := s.e
	const op = "roles.delete"
	var out core.Role
	if err := serverOnly(by, "deleting roles"); err != nil {
		return out, translate(op, err)
	}
	if slices.Contains(builtinRoles, in.Name) {
		return out, translate(op, fault.RoleProtected.Error(fmt.Sprintf("role %q is built in", in.Name)))
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		var err error
		out, err = getJSON[core.Role](ctx, t, by.App, spaceRoles, in.Name)
		if errors.Is(err, store.ErrNotFound) {
			return fault.RoleNotFound.Error(fmt.Sprintf("role %q does not exist", in.Name))
		}
		if err != nil {
			return err
		}
		return t.DeleteRecord(by.App, spaceRoles, in.Name)
	})
	return out, err
}

// List reads the built-in roles and the app's own, each with the scopes in which it is granted
// anything.
func (s roles) List(ctx context.Context, by core.Actor, _ core.ListRoles) ([]core.Role, error) {
	e := s.e
	const op = "roles.list"
	app, err := e.app(ctx, by.App)
	if err != nil {
		return nil, translate(op, err)
	}
	own, err := scan[core.Role](ctx, e.store, by.App, spaceRoles, "")
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.Role, 0, len(builtinRoles)+len(own))
	for _, n := range builtinRoles {
		if !app.Settings.Teams && (n == perm.RoleGlobalAdmin || n == perm.RoleGlobalModerator) {
			continue
		}
		role := core.Role{Name: n, CreatedAt: app.CreatedAt, UpdatedAt: app.CreatedAt}
		if i := slices.IndexFunc(own, func(r core.Role) bool { return r.Name == n }); i >= 0 {
			role.Title, role.About, role.Reach, role.Extra, role.UpdatedAt = own[i].Title, own[i].About, own[i].Reach, own[i].Extra, own[i].UpdatedAt
			own = slices.Delete(own, i, i+1)
		}
		out = append(out, role)
	}
	out = append(out, own...)
	ts, err := types(s).List(ctx, by, core.ListTypes{})
	if err != nil {
		return nil, translate(op, err)
	}
	inScope := func(gs []core.RoleGrants, scope string) {
		for i := range out {
			if slices.ContainsFunc(gs, func(g core.RoleGrants) bool { return g.Role == out[i].Name && len(g.Permissions) > 0 }) {
				out[i].Scopes = append(out[i].Scopes, scope)
			}
		}
	}
	inScope(appGrants(&app.Settings), perm.ScopeApp)
	for i := range ts {
		inScope(ts[i].Grants, ts[i].Name)
	}
	return out, nil
}

// Permissions lists everything that can be granted.
func (s roles) Permissions(ctx context.Context, by core.Actor, _ core.ListPermissions) ([]core.Permission, error) {
	return perm.All(), translate("roles.permissions", serverOnly(by, "reading permissions"))
}

// Permission describes one permission.
func (s roles) Permission(ctx context.Context, by core.Actor, in core.GetPermission) (core.Permission, error) {
	const op = "roles.permission"
	if err := serverOnly(by, "reading permissions"); err != nil {
		return core.Permission{}, translate(op, err)
	}
	p, ok := perm.Lookup(in.ID)
	if !ok {
		return p, translate(op, fault.ResourceNotFound.Error(fmt.Sprintf("permission %q does not exist", in.ID)))
	}
	return p, nil
}

// knownRole answers role.not_found for a role that neither the app nor the core knows.
func (e *Engine) knownRole(ctx context.Context, r store.Reader, app core.AppID, name string) error {
	if slices.Contains(builtinRoles, name) {
		return nil
	}
	_, found, err := record[core.Role](ctx, r, app, spaceRoles, name)
	if err == nil && !found {
		err = fault.RoleNotFound.Error(fmt.Sprintf("role %q does not exist", name))
	}
	return err
}

// reach reads whom the people of a role may find and write to.
func (e *Engine) reach(ctx context.Context, app core.AppID, role string) (core.Reach, error) {
	r, _, err := record[core.Role](ctx, e.store, app, spaceRoles, role)
	return r.Reach, err
}

// within answers friend.not_friends when the actor's role keeps them to their friends and the other
// person of the direct conversation is none.
func (e *Engine) within(ctx context.Context, sc *scene) error {
	if slices.Contains(builtinRoles, sc.user.Role) && sc.user.Role != core.RoleUser {
		return nil
	}
	r, err := e.reach(ctx, sc.by.App, roleIn(sc.user, "", false))
	if err != nil || r != core.ReachFriends {
		return err
	}
	ms, err := e.store.Members(ctx, sc.by.App, sc.channel.ID, nil, 10, 0)
	if err != nil {
		return err
	}
	for i := range ms {
		if ms[i].User == sc.user.ID {
			continue
		}
		if ok, err := e.areFriends(ctx, sc.by.App, sc.user.ID, ms[i].User); err != nil || !ok {
			return orElse(err, fault.FriendNotFriends.Error("people of this role write to their friends only"))
		}
	}
	return nil
}
