package cometchat

import (
	"context"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// roleRoutes are the operations on roles. The vendor's "default" is the core's role of ordinary
// people; its other built-in roles are not the vendor's and are left out.
func (d *Dialect) roleRoutes() []adapters.Route {
	srv := adapters.GateServer
	return []adapters.Route{
		op("GET", "/roles", "listRoles", d.listRoles, encodeRoles).Gated(srv),
		op("POST", "/roles", "createRole", d.createRole, encodeRole).Gated(srv),
		op("GET", "/roles/:role", "getRole", d.getRole, encodeRole).Gated(srv),
		op("PUT", "/roles/:role", "updateRole", d.updateRole, encodeRole).Gated(srv),
		op("DELETE", "/roles/:role", "deleteRole", d.deleteRole, done("Role deleted successfully.")).Gated(srv),
	}
}

func writeRole(w *wire.Writer, r *core.Role) {
	w.Open()
	w.Text("role", roleName(r.Name))
	w.Text("name", orElse(r.Title, roleName(r.Name)))
	w.TextIf("description", r.About)
	if m := gjson.GetBytes(r.Extra, "metadata"); m.IsObject() {
		w.Raw("metadata", []byte(m.Raw))
	}
	w.Object("settings")
	if s := gjson.GetBytes(r.Extra, "settings"); s.IsObject() {
		w.Extra(core.Extra(s.Raw), wire.NamesOf("sendMessagesTo", "listUsers"))
	}
	reach := "all"
	if r.Reach == core.ReachFriends {
		reach = "friendsOnly"
	}
	w.Text("listUsers", reach)
	w.Text("sendMessagesTo", reach)
	w.Close()
	unixIf(w, "createdAt", r.CreatedAt)
	if r.UpdatedAt.After(r.CreatedAt) {
		unix(w, "updatedAt", r.UpdatedAt)
	}
	w.Close()
}

func encodeRole(w *wire.Writer, _ *adapters.Request, r core.Role) {
	w.Key("data")
	writeRole(w, &r)
}

func encodeRoles(w *wire.Writer, _ *adapters.Request, l listed[core.Role]) {
	writeList(w, &l, func(r *core.Role) { writeRole(w, r) })
}

// roles reads the roles the vendor knows.
func (d *Dialect) roles(ctx context.Context, by core.Actor) ([]core.Role, error) {
	all, err := d.core.Roles.List(ctx, server(by.App), core.ListRoles{})
	return slices.DeleteFunc(all, func(r core.Role) bool { return !r.Custom && r.Name != core.RoleUser }), err
}

func (d *Dialect) listRoles(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[core.Role], error) {
	all, err := d.roles(ctx, by)
	if err != nil {
		return listed[core.Role]{}, err
	}
	return sliced(rq, all)
}

func (d *Dialect) getRole(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Role, error) {
	name := rq.Param("role")
	all, err := d.roles(ctx, by)
	if err != nil {
		return core.Role{}, err
	}
	for i := range all {
		if all[i].Name == coreRole(name) {
			return all[i], nil
		}
	}
	return core.Role{}, fault.RoleNotFound.Error("The role " + clip(name) + " does not exist.")
}

// readRole reads what a body says of a role.
func readRole(r *wire.Reader) func(*core.Role) error {
	name, hasName := r.TextMax("name", 100), r.Has("name")
	about, hasAbout := r.TextMax("description", 255), r.Has("description")
	meta, hasMeta := metadata(r, "metadata"), r.Has("metadata")
	settings := r.RawObject("settings")
	reach := ""
	for _, path := range []string{"sendMessagesTo", "listUsers"} {
		reach = orElse(reach, gjson.GetBytes(settings, path).String())
	}
	switch reach {
	case "", "all", "friendsOnly", "friends":
	default:
		r.Fail("settings", "must say all or friendsOnly.", fault.RequestInvalidField)
	}
	unset := r.Texts("unset", 20)
	return func(role *core.Role) error {
		if hasName {
			role.Title = name
		}
		if hasAbout || slices.Contains(unset, "description") {
			role.About = about
		}
		x := extraEdit{x: role.Extra}
		if hasMeta || slices.Contains(unset, "metadata") {
			x.raw("metadata", meta)
		}
		if len(settings) > 0 {
			x.raw("settings", settings)
			role.Reach = core.ReachAll
			if reach == "friendsOnly" || reach == "friends" {
				role.Reach = core.ReachFriends
			}
		}
		role.Extra = x.x
		return nil
	}
}

func (d *Dialect) createRole(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Role, error) {
	r, err := body(rq)
	if err != nil {
		return core.Role{}, invalid(err)
	}
	name := r.Need("role")
	r.Need("name")
	change := readRole(&r)
	if err := r.Err(); err != nil {
		return core.Role{}, invalid(err)
	}
	taken := fault.RequestInvalid.Error("The role " + clip(name) + " already exists.").With("role_exists")
	if coreRole(name) != name {
		return core.Role{}, taken
	}
	if _, err := d.core.Roles.Put(ctx, by, core.PutRole{Name: name}); err != nil {
		if fault.IsReason(err, fault.RequestInvalid) {
			return core.Role{}, taken
		}
		return core.Role{}, invalid(err)
	}
	return d.core.Roles.Put(ctx, by, core.PutRole{Name: name, Change: change})
}

func (d *Dialect) updateRole(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Role, error) {
	old, err := d.getRole(ctx, by, rq)
	if err != nil {
		return old, err
	}
	r, err := body(rq)
	if err != nil {
		return old, invalid(err)
	}
	change := readRole(&r)
	if err := r.Err(); err != nil {
		return old, invalid(err)
	}
	return d.core.Roles.Put(ctx, by, core.PutRole{Name: old.Name, Change: change})
}

func (d *Dialect) deleteRole(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	old, err := d.getRole(ctx, by, rq)
	if err != nil {
		return none, err
	}
	_, err = d.core.Roles.Delete(ctx, by, core.DeleteRole{Name: old.Name})
	return none, failed(err, "role_delete")
}
