package engine

import (
	"context"
	"time"

	"dragoman/core"
)

// superAdmin is one entry of the app's list of super admins as it is stored.
type superAdmin struct {
	User      core.UserID `json:"user"`
	CreatedAt time.Time   `json:"created_at"`
}

// isSuper reports whether the person ranks as an admin in the channel for being a super admin.
func (e *Engine) isSuper(ctx context.Context, app core.AppID, c *core.Channel, user core.UserID) (bool, error) {
	if c.Kind != core.KindRoom || user == "" {
		return false, nil
	}
	all, err := e.kit.supers.load(app, func() (map[core.UserID]bool, error) {
		list, err := scan[superAdmin](ctx, e.store, app, spaceSuperAdmins, "")
		out := make(map[core.UserID]bool, len(list))
		for i := range list {
			out[list[i].User] = true
		}
		return out, err
	})
	return all[user], err
}

// SetSuperAdmin puts a person on the app's list of super admins, or takes them off it.
func (s rooms) SetSuperAdmin(ctx context.Context, by core.Actor, in core.SetSuperAdmin) error {
	const op = "rooms.set_super_admin"
	e := s.e
	if err := serverOnly(by, "naming super admins"); err != nil {
		return translate(op, err)
	}
	if _, err := e.user(ctx, by.App, in.User); err != nil {
		return translate(op, err)
	}
	return e.update(ctx, op, by.App, 0, func(t *txn) error {
		t.then(func() { e.forget(invalidation{App: by.App, Self: true}) })
		if in.Remove {
			return t.DeleteRecord(t.app, spaceSuperAdmins, string(in.User))
		}
		return putJSON(t, spaceSuperAdmins, string(in.User), &superAdmin{User: in.User, CreatedAt: e.now()})
	})
}

// SuperAdmins lists the app's super admins by id.
func (s rooms) SuperAdmins(ctx context.Context, by core.Actor, in core.ListSuperAdmins) ([]core.UserID, error) {
	const op = "rooms.super_admins"
	all, err := scan[superAdmin](ctx, s.e.store, by.App, spaceSuperAdmins, "")
	if err == nil {
		all, err = paged(all, in.Page, func(x *superAdmin) string { return string(x.User) })
	}
	out := make([]core.UserID, len(all))
	for i := range all {
		out[i] = all[i].User
	}
	return out, translate(op, err)
}
