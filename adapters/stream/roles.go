package stream

import (
	"context"
	"slices"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// decodePutRole reads a new role.
func decodePutRole(rq *adapters.Request) (core.PutRole, error) {
	r, err := body(rq)
	if err != nil {
		return core.PutRole{}, err
	}
	in := core.PutRole{Name: r.Need("name")}
	return in, r.Err()
}

// decodeDeleteRole reads which role to remove.
func decodeDeleteRole(rq *adapters.Request) (core.DeleteRole, error) {
	return core.DeleteRole{Name: rq.Param("name")}, nil
}

// writeRole writes a role.
func writeRole(w *wire.Writer, r *core.Role) {
	w.Open()
	w.Text("name", r.Name)
	w.Bool("custom", r.Custom)
	w.Texts("scopes", r.Scopes)
	w.Time("created_at", r.CreatedAt)
	w.Time("updated_at", r.UpdatedAt)
	w.Close()
}

// encodeRole answers with one role.
func encodeRole(w *wire.Writer, _ *adapters.Request, r core.Role) {
	w.Key("role")
	writeRole(w, &r)
}

// encodeRoles answers with all roles.
func encodeRoles(w *wire.Writer, _ *adapters.Request, rs []core.Role) {
	w.List("roles")
	for i := range rs {
		writeRole(w, &rs[i])
	}
	w.CloseList()
}

// roleSearch asks for the roles whose name begins with a text, a page at a time.
type roleSearch struct {
	query, after string
	limit        int
}

// decodeSearchRoles reads a search for roles.
func decodeSearchRoles(rq *adapters.Request) (roleSearch, error) {
	q := wire.QueryOf(rq)
	in := roleSearch{query: strings.ToLower(q.Text("query")), after: q.Text("name_gt"), limit: q.Int("limit", 1, 100)}
	return in, q.Err()
}

// searchRoles finds roles by the beginning of their name, in order of the name.
func (d *Dialect) searchRoles(ctx context.Context, by core.Actor, in roleSearch) ([]core.Role, error) {
	all, err := d.core.Roles.List(ctx, by, core.ListRoles{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b core.Role) int { return strings.Compare(a.Name, b.Name) })
	var out []core.Role
	for _, r := range all {
		if strings.HasPrefix(strings.ToLower(r.Name), in.query) && r.Name > in.after {
			out = append(out, r)
		}
	}
	if in.limit > 0 && len(out) > in.limit {
		out = out[:in.limit]
	}
	return out, nil
}

// decodeGetPermission reads which permission.
func decodeGetPermission(rq *adapters.Request) (core.GetPermission, error) {
	return core.GetPermission{ID: rq.Param("id")}, nil
}

// writePermission writes a permission; all are built in.
func writePermission(w *wire.Writer, p *core.Permission) {
	w.Open()
	w.Text("id", p.ID)
	w.Text("name", p.Name)
	w.Text("description", p.Description)
	w.Text("action", p.Action)
	w.Bool("owner", p.Owner)
	w.Bool("same_team", p.SameTeam)
	w.Bool("custom", false)
	w.Text("level", p.Level)
	w.Texts("tags", nil)
	w.Close()
}

// encodePermission answers with one permission.
func encodePermission(w *wire.Writer, _ *adapters.Request, p core.Permission) {
	w.Key("permission")
	writePermission(w, &p)
}

// encodePermissions answers everything that can be granted.
func encodePermissions(w *wire.Writer, _ *adapters.Request, ps []core.Permission) {
	w.List("permissions")
	for i := range ps {
		writePermission(w, &ps[i])
	}
	w.CloseList()
}
