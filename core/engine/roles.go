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
	if !typeName.MatchString(in.Name) {
		return out, translate(op, fault.RequestInvalidField.Error("the name of a role is made of letters, digits, - and _"))
	}
	if slices.Contains(builtinRoles, in.Name) {
		return out, translate(op, fault.RequestInvalid.Error(fmt.Sprintf("role %q already exists", in.Name)))
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		_, found, err := record[core.Role](ctx, t, by.App, spaceRoles, in.Name)
		if err != nil {
			return err
		}
		if found {
			return fault.RequestInvalid.Error(fmt.Sprintf("role %q already exists", in.Name))
		}
		all, err := scan[core.Role](ctx, t, by.App, spaceRoles, "")
		if err != nil {
			return err
		}
		if len(all) >= maxRoles {
			return fault.LimitReached.Error(fmt.Sprintf("an app has at most %d custom roles", maxRoles))
		}
		out = core.Role{Name: in.Name, Custom: true, CreatedAt: e.now(), UpdatedAt: e.now()}
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
		out = append(out, core.Role{Name: n, CreatedAt: app.CreatedAt, UpdatedAt: app.CreatedAt})
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
