package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"

	"github.com/tidwall/gjson"
)

// can answers permission.denied unless the actor may do p in the channel of the scene. With owner
// set the thing acted on is the actor's own, so the "-owner" variant is enough. Servers, and
// everyone in apps that switched permissions off, may do everything.
func (e *Engine) can(s *scene, p perm.ID, owner bool) error {
	if s.by.Server() || s.app.Settings.DisablePermissions {
		return nil
	}
	roles := s.roles()
	if s.allows(roles, p, owner) {
		return nil
	}
	if s.app.Settings.Teams && s.channel.Team == "" {
		return fault.PermissionDenied.Error(fmt.Sprintf(
			"%s cannot access resource in scope '%s' because requested resource does not belong to any team", subject(s.by, roles), s.channel.Type))
	}
	return denied(s.by, roles, p, s.channel.Type)
}

// allows looks the permission up in the grants of the channel.
func (s *scene) allows(roles []string, p perm.ID, owner bool) bool {
	own := s.sameTeam()
	for i := range s.config.Grants {
		g := &s.config.Grants[i]
		if slices.Contains(roles, g.Role) && granted(g.Permissions, p, owner, own) {
			return true
		}
	}
	return false
}

// granted reports whether a list of permissions holds p: plainly within one's team, or in the
// variant that crosses teams.
func granted(list []string, p perm.ID, owner, sameTeam bool) bool {
	for _, have := range list {
		rest, ok := strings.CutPrefix(have, string(p))
		if !ok {
			continue
		}
		switch rest {
		case "":
			if sameTeam {
				return true
			}
		case "-owner":
			if sameTeam && owner {
				return true
			}
		case "-any-team":
			return true
		case "-owner-any-team":
			if owner {
				return true
			}
		}
	}
	return false
}

// sameTeam reports whether the actor and the channel belong together. In apps without teams
// everyone does.
func (s *scene) sameTeam() bool {
	if !s.app.Settings.Teams {
		return true
	}
	return s.user != nil && s.channel.Team != "" && slices.Contains(s.user.Teams, s.channel.Team)
}

// roles are the names grants are looked up under: the person's role, or the one they have in the
// channel's team, and the channel role if they are a member. Who was invited and has not answered
// is a member already: an invitation that cannot be looked at cannot be answered.
func (s *scene) roles() []string {
	role := core.RoleAnonymous
	if s.user != nil {
		role = roleIn(s.user, s.channel.Team, s.app.Settings.Teams)
	}
	out := []string{role}
	if s.member != nil && s.member.RejectedAt.IsZero() {
		cr := s.member.ChannelRole
		if cr == "" {
			cr = core.ChannelRoleMember
		}
		out = append(out, cr)
	}
	return out
}

func roleIn(u *core.User, team string, teams bool) string {
	if teams && team != "" && len(u.TeamRoles) > 0 {
		if r := gjson.GetBytes(u.TeamRoles, gjson.Escape(team)); r.Type == gjson.String && r.Str != "" {
			return r.Str
		}
	}
	if u.Role == "" {
		return core.RoleUser
	}
	return u.Role
}

// subject names the actor and their roles as failures do.
func subject(by core.Actor, roles []string) string {
	if len(roles) == 1 {
		return fmt.Sprintf("User '%s' with role '%s'", by.User, roles[0])
	}
	return fmt.Sprintf("User '%s' with roles ['%s']", by.User, strings.Join(roles, "','"))
}

func denied(by core.Actor, roles []string, p perm.ID, scope string) error {
	return fault.PermissionDenied.Error(fmt.Sprintf(
		"%s is not allowed to perform action %s in scope '%s'", subject(by, roles), p.Action(), scope))
}

// serverOnly answers permission.denied to everyone but servers, who alone manage the app.
func serverOnly(by core.Actor, action string) error {
	if by.Server() {
		return nil
	}
	return fault.PermissionDenied.Error(action + " is only allowed with server side authentication")
}

// canApp answers permission.denied unless the actor may do p, exactly this variant or a wider one,
// in the scope of the app.
func (e *Engine) canApp(ctx context.Context, by core.Actor, p perm.ID) error {
	if by.Server() {
		return nil
	}
	app, err := e.app(ctx, by.App)
	if err != nil {
		return err
	}
	if app.Settings.DisablePermissions {
		return nil
	}
	u, err := e.actor(ctx, by)
	if err != nil {
		return err
	}
	role := roleIn(u, "", false)
	for _, g := range appGrants(&app.Settings) {
		if g.Role == role && granted(g.Permissions, p, false, true) {
			return nil
		}
	}
	return denied(by, []string{role}, p, perm.ScopeApp)
}

// appGrants are the grants of the app scope: the defaults, with the app's own roles in place of
// the defaults of the same name.
func appGrants(s *core.AppSettings) []core.RoleGrants {
	base := perm.Defaults(perm.ScopeApp, s.Teams)
	for _, g := range s.Grants {
		i := slices.IndexFunc(base, func(b core.RoleGrants) bool { return b.Role == g.Role })
		if i < 0 {
			base = append(base, g)
		} else {
			base[i] = g
		}
	}
	return base
}

// overrideGrants applies a channel's grants to its type's: a name adds a permission to a role,
// "!name" takes it away. Neither argument is changed.
func overrideGrants(base, over []core.RoleGrants) []core.RoleGrants {
	out := slices.Clone(base)
	for _, o := range over {
		i := slices.IndexFunc(out, func(b core.RoleGrants) bool { return b.Role == o.Role })
		if i < 0 {
			out = append(out, core.RoleGrants{Role: o.Role})
			i = len(out) - 1
		}
		ps := slices.Clone(out[i].Permissions)
		for _, p := range o.Permissions {
			if gone, ok := strings.CutPrefix(p, "!"); ok {
				ps = slices.DeleteFunc(ps, func(x string) bool { return x == gone })
			} else if !slices.Contains(ps, p) {
				ps = append(ps, p)
			}
		}
		out[i].Permissions = ps
	}
	return out
}

// capabilities tells what the actor may do in the channel as clients name it, sorted; nil for
// servers, which are not told.
func (e *Engine) capabilities(s *scene) []string {
	if s.by.Server() && s.by.User == "" {
		return nil
	}
	roles := s.roles()
	all := s.app.Settings.DisablePermissions
	thawed := !s.channel.Frozen || all || s.allows(roles, perm.UseFrozenChannel, s.owns())
	var out []string
	skips := false
	for _, c := range perm.Capabilities() {
		if c.Feature != "" && !s.config.Features[c.Feature] || c.Thaw && !thawed {
			continue
		}
		if c.Needs != "" && !all {
			owner := c.Own == perm.OwnAlways || c.Own == perm.OwnChannel && s.owns()
			if !s.allows(roles, c.Needs, owner) {
				continue
			}
		}
		skips = skips || c.Name == perm.SkipSlowMode
		out = append(out, c.Name)
	}
	if s.channel.Cooldown > 0 && !skips {
		i, _ := slices.BinarySearch(out, perm.SlowMode)
		out = slices.Insert(out, i, perm.SlowMode)
	}
	return out
}
