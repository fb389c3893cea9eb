package perm_test

import (
	"bufio"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"dragoman/core"
	"dragoman/core/perm"
)

func has(gs []core.RoleGrants, role, p string) bool {
	for _, g := range gs {
		if g.Role == role && slices.Contains(g.Permissions, p) {
			return true
		}
	}
	return false
}

func TestEveryGrantNamesAPermission(t *testing.T) {
	for _, scope := range []string{perm.ScopeApp, "messaging", "livestream", "team", "commerce", "gaming"} {
		gs := perm.Defaults(scope, true)
		if len(gs) == 0 {
			t.Errorf("scope %s has no grants", scope)
		}
		for _, g := range gs {
			for _, p := range g.Permissions {
				q, ok := perm.Lookup(p)
				if !ok {
					t.Errorf("%s/%s: unknown permission %s", scope, g.Role, p)
				}
				if (scope == perm.ScopeApp) != (q.Level == "app") {
					t.Errorf("%s/%s: %s has level %s", scope, g.Role, p, q.Level)
				}
			}
		}
	}
}

func TestDefaultsOfEachScope(t *testing.T) {
	for _, c := range []struct {
		scope, role, perm string
		teams, want       bool
	}{
		{"messaging", "user", "create-channel", false, true},
		{"messaging", "user", "create-message", false, false},
		{"messaging", "user", "create-message-owner", false, true},
		{"messaging", "channel_member", "create-message", false, true},
		{"livestream", "user", "create-message", false, true},
		{"livestream", "guest", "create-message", false, false},
		{"livestream", "anonymous", "read-channel", false, true},
		{"gaming", "user", "create-channel", false, false},
		{"commerce", "guest", "create-channel", false, true},
		{".app", "user", "search-user", false, true},
		{".app", "user", "update-user-owner", false, true},
		{"messaging", "global_admin", "delete-channel-any-team", false, false},
		{"messaging", "global_admin", "delete-channel-any-team", true, true},
		{"unheard-of", "channel_member", "create-message", false, true},
	} {
		if got := has(perm.Defaults(c.scope, c.teams), c.role, c.perm); got != c.want {
			t.Errorf("%s %s %s (teams %v) = %v", c.scope, c.role, c.perm, c.teams, got)
		}
	}
}

func TestDefaultsAreTheCallersOwn(t *testing.T) {
	perm.Defaults("messaging", false)[0].Permissions[0] = "spoiled"
	if has(perm.Defaults("messaging", false), perm.Defaults("messaging", false)[0].Role, "spoiled") {
		t.Error("the table was changed through the answer")
	}
}

func TestDefaultsMatchTheDossier(t *testing.T) {
	f, err := os.Open("../../../shared/dialects/stream/default_grants.tsv")
	if err != nil {
		t.Skip("../shared is absent: ", err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		c := strings.Split(sc.Text(), "\t")
		if c[0] == "mode" {
			continue
		}
		for _, role := range strings.Fields(c[3]) {
			if !has(perm.Defaults(c[1], c[0] == "multi-tenant"), role, c[2]) {
				t.Errorf("%v: %s lacks it", c, role)
			}
		}
	}
}

func TestActionOfAnID(t *testing.T) {
	for id, want := range map[perm.ID]string{
		perm.CreateMessage: "CreateMessage", perm.ReadChannel.Owner(): "ReadChannel",
		perm.BanChannelMember.Owner().AnyTeam(): "BanChannelMember",
	} {
		if got := id.Action(); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

func TestCapabilitiesAreSortedAndNameKnownPermissions(t *testing.T) {
	cs := perm.Capabilities()
	if !sort.SliceIsSorted(cs, func(i, j int) bool { return cs[i].Name < cs[j].Name }) {
		t.Error("not sorted")
	}
	for _, c := range cs {
		if c.Needs == "" && c.Feature == "" {
			t.Errorf("%s depends on nothing", c.Name)
		}
		if _, ok := perm.Lookup(string(c.Needs)); c.Needs != "" && !ok {
			t.Errorf("%s needs unknown %s", c.Name, c.Needs)
		}
	}
}
