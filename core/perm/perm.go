// Package perm is the vocabulary of permissions: what can be granted, to whom it is granted at
// first, and which capabilities of a client follow from it. It is data with look-ups; the rules
// that apply it live in the engine.
//
// A permission is granted to a role in a scope, which is the app or a channel type. Three variants
// exist of each: the plain one, "-owner" (only on one's own channel or message), and both of them
// with "-any-team" (people of multi-tenant apps are confined to their teams otherwise).
package perm

import (
	_ "embed" // the tables
	"strings"

	"dragoman/core"
)

// ID names a permission.
type ID string

const (
	owner   = "-owner"
	anyTeam = "-any-team"
)

// Owner is the variant for one's own things.
func (id ID) Owner() ID { return id + owner }

// AnyTeam is the variant that crosses teams.
func (id ID) AnyTeam() ID { return id + anyTeam }

// Base strips the variants.
func (id ID) Base() ID {
	return ID(strings.TrimSuffix(strings.TrimSuffix(string(id), anyTeam), owner))
}

// Action is how failures name the permission: "create-message" is CreateMessage.
func (id ID) Action() string {
	var b strings.Builder
	for w := range strings.SplitSeq(string(id.Base()), "-") {
		if w != "" {
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return b.String()
}

// ScopeApp is the scope of permissions that concern no channel.
const ScopeApp = ".app"

// Roles of multi-tenant apps that are not confined to a team.
const (
	RoleGlobalAdmin     = "global_admin"
	RoleGlobalModerator = "global_moderator"
)

//go:embed grants.tsv
var grantsTable string

//go:embed permissions.tsv
var permissionsTable string

// grants holds the parsed defaults by scope; what only multi-tenant apps add is kept apart.
var grants = parseGrants(grantsTable)

// defaults are the grants of one scope.
type defaults struct{ all, teams []core.RoleGrants }

func parseGrants(table string) map[string]defaults {
	out := map[string]defaults{}
	for _, row := range rows(table, 4) {
		d := out[row[1]]
		g := core.RoleGrants{Role: row[2], Permissions: strings.Fields(row[3])}
		if row[0] == "teams" {
			d.teams = append(d.teams, g)
		} else {
			d.all = append(d.all, g)
		}
		out[row[1]] = d
	}
	return out
}

// rows splits a table without its heading; a row with another number of columns is left out.
func rows(table string, columns int) [][]string {
	var out [][]string
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		if cells := strings.Split(line, "\t"); i > 0 && len(cells) == columns {
			out = append(out, cells)
		}
	}
	return out
}

// Defaults returns what each role may do at first in a scope, with the roles of multi-tenant apps
// when teams is set. Types that are not built in start like the default type. The result is the
// caller's own.
func Defaults(scope string, teams bool) []core.RoleGrants {
	d, ok := grants[scope]
	if !ok {
		d = grants[core.DefaultType]
	}
	out := make([]core.RoleGrants, 0, len(d.all)+len(d.teams))
	add := func(gs []core.RoleGrants) {
		for _, g := range gs {
			out = append(out, core.RoleGrants{Role: g.Role, Permissions: append([]string(nil), g.Permissions...)})
		}
	}
	add(d.all)
	if teams {
		add(d.teams)
	}
	return out
}

// permissions is the vocabulary in the order of the table, with every variant.
var permissions = parsePermissions(permissionsTable)

func parsePermissions(table string) []core.Permission {
	var out []core.Permission
	for _, row := range rows(table, 3) {
		id := ID(row[0])
		for _, v := range []struct {
			id       ID
			owner    bool
			sameTeam bool
			tail     string
		}{
			{id, false, true, ""},
			{id.Owner(), true, true, ", on one's own"},
			{id.AnyTeam(), false, false, ", in any team"},
			{id.Owner().AnyTeam(), true, false, ", on one's own, in any team"},
		} {
			out = append(out, core.Permission{
				ID: string(v.id), Name: words(id, v.owner, v.sameTeam), Description: "Allows to " + row[2] + v.tail,
				Action: id.Action(), Owner: v.owner, SameTeam: v.sameTeam, Level: row[1],
			})
		}
	}
	return out
}

// words is the readable name: "Create Message Owner".
func words(id ID, owned, sameTeam bool) string {
	var ws []string
	for w := range strings.SplitSeq(string(id), "-") {
		ws = append(ws, strings.ToUpper(w[:1])+w[1:])
	}
	if owned {
		ws = append(ws, "Owner")
	}
	if !sameTeam {
		ws = append(ws, "Any Team")
	}
	return strings.Join(ws, " ")
}

// All returns the vocabulary with every variant, sorted by name of the plain permission.
func All() []core.Permission { return append([]core.Permission(nil), permissions...) }

// Lookup finds a permission, in any variant.
func Lookup(id string) (core.Permission, bool) {
	for i := range permissions {
		if permissions[i].ID == id {
			return permissions[i], true
		}
	}
	return core.Permission{}, false
}
