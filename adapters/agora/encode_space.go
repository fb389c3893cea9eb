package agora

import (
	"github.com/tidwall/gjson"

	"dragoman/core"
)

// spaceDetail is a place with its members.
type spaceDetail struct {
	channel core.Channel
	members []core.Member
}

// writeSpace writes the whole of a place.
func writeSpace(a *answer, g *spaceDetail) {
	c := &g.channel
	r := c.Rules()
	a.Open()
	a.Text("id", numberOf(c))
	a.Text("groupid", numberOf(c))
	a.Text("name", c.Name)
	a.Text("groupname", c.Name)
	a.TextIf("avatar", c.Image)
	a.Text("description", gjson.GetBytes(c.Extra, "description").String())
	a.Bool("membersonly", r.Approval)
	a.Bool("allowinvites", r.MembersInvite)
	a.Bool("invite_need_confirm", r.Consent)
	a.Int("maxusers", maxOf(c))
	a.Text("owner", string(c.CreatedBy))
	a.Int64("created", c.CreatedAt.UnixMilli())
	a.Text("custom", gjson.GetBytes(c.Extra, customName).String())
	a.Bool("mute", r.MutedAll)
	a.Int("affiliations_count", c.MemberCount)
	a.Bool("disabled", c.Disabled)
	a.Bool("public", c.Admits() != core.AdmitInvited)
	a.List("affiliations")
	for i := range g.members {
		writeAffiliation(a, &g.members[i], false, false)
	}
	a.CloseList()
	a.Close()
}

// maxOf is how many members a place takes.
func maxOf(c *core.Channel) int {
	if n := c.Rules().MaxMembers; n > 0 {
		return n
	}
	return normalPlaceUsers
}

// writeAffiliation writes a member as the vendor lists them: by page as owner or member, by cursor as
// admins too.
func writeAffiliation(a *answer, m *core.Member, joined, admins bool) {
	role := roleOf(m)
	if role == "admin" && !admins {
		role = "member"
	}
	a.Open()
	a.Text(role, string(m.User))
	if joined {
		a.Int64("joined_time", m.CreatedAt.UnixMilli())
	}
	a.Close()
}

// roleOf is how the vendor calls a rank.
func roleOf(m *core.Member) string {
	switch m.Role {
	case core.MemberOwner:
		return "owner"
	case core.MemberAdmin, core.MemberModerator:
		return "admin"
	}
	return "member"
}

// writeRow writes a place in a list of one's own.
func writeRow(a *answer, g *core.GroupView) {
	c := &g.Channel
	r := c.Rules()
	a.Open()
	a.Text("id", numberOf(c))
	a.Text("groupId", numberOf(c))
	a.Text("groupid", numberOf(c))
	a.Text("name", c.Name)
	a.Text("groupname", c.Name)
	a.Text("avatar", c.Image)
	a.Text("owner", string(c.CreatedBy))
	a.Text("description", gjson.GetBytes(c.Extra, "description").String())
	a.Int("affiliations_count", c.MemberCount)
	if g.Member != nil {
		a.Text("permission", roleOf(g.Member))
		a.Text("role", roleOf(g.Member))
	}
	a.Bool("disabled", c.Disabled)
	a.Bool("membersonly", r.Approval)
	a.Bool("allowinvites", r.MembersInvite)
	a.Int("maxusers", maxOf(c))
	a.Bool("public", c.Admits() != core.AdmitInvited)
	a.Int64("created", c.CreatedAt.UnixMilli())
	a.Text("custom", gjson.GetBytes(c.Extra, customName).String())
	a.Close()
}

// writeRoomRow writes a room in the list of those a person is in, as the web SDK reads it: the owner
// comes behind the app key.
func writeRoomRow(a *answer, g *core.GroupView) {
	c := &g.Channel
	a.Open()
	a.Text("id", numberOf(c))
	a.Text("name", c.Name)
	a.Text("title", c.Name)
	a.Text("owner", a.t.key()+"_"+string(c.CreatedBy))
	a.Int64("created", c.CreatedAt.UnixMilli())
	a.Text("description", gjson.GetBytes(c.Extra, "description").String())
	a.Int("max_users", maxOf(c))
	a.Int("affiliations_count", c.MemberCount)
	a.Bool("disabled", c.Disabled)
	a.Close()
}

// writeListed writes a place in a list of all.
func (s *space) writeListed(a *answer, c *core.Channel) {
	a.Open()
	if s.room {
		a.Text("id", numberOf(c))
		a.Text("name", c.Name)
		a.Text("owner", string(c.CreatedBy))
		a.Int("affiliations_count", c.MemberCount)
	} else {
		a.Text("owner", a.t.key()+"_"+string(c.CreatedBy))
		a.Text("groupid", numberOf(c))
		a.Text("groupname", c.Name)
		a.Text("id", numberOf(c)) // of which the Easemob SDK makes its list of public groups
		a.Text("name", c.Name)
		a.Int("affiliations", c.MemberCount)
		a.Text("type", "group")
		a.Int64("lastModified", c.UpdatedAt.UnixMilli())
	}
	a.Close()
}

// did is what became of one person, as the vendor's services tell it.
type did struct {
	user   core.UserID
	err    error
	expire *int64 // of a mute, Unix milliseconds
	sparse bool   // without action and place, as mutes are told
	byID   bool   // the place is "id" in groups too, as admissions are told
}

// writeDid writes what became of one person of a place.
func (s *spot) writeDid(a *answer, action string, x did) {
	a.Open()
	a.Bool("result", x.err == nil)
	if !x.sparse {
		a.Text("action", action)
	}
	if x.err != nil {
		a.Text("reason", reasonText(s.fail(x.err, x.user)))
	}
	if x.expire != nil {
		a.Int64("expire", *x.expire)
	}
	a.Text("user", string(x.user))
	if x.byID {
		a.Text("id", numberOf(&s.view.Channel))
	} else if !x.sparse {
		a.Text(s.space.id, numberOf(&s.view.Channel))
	}
	a.Close()
}

// oneDid answers what became of one person.
func oneDid(action string) func(*answer, *spot, did) {
	return func(a *answer, s *spot, x did) {
		a.Key("data")
		s.writeDid(a, action, x)
	}
}

// allDid answers what became of several people.
func allDid(action string) func(*answer, *spot, []did) {
	return func(a *answer, s *spot, list []did) {
		a.List("data")
		for _, x := range list {
			s.writeDid(a, action, x)
		}
		a.CloseList()
	}
}

// eitherDid answers one person as an object, and several as a list. The web SDK, which asks for version
// 3, takes a list always.
func eitherDid(action string) func(*answer, *spot, []did) {
	return func(a *answer, s *spot, list []did) {
		if len(list) == 1 && a.rq.Query.Get("version") != "v3" {
			oneDid(action)(a, s, list[0])
			return
		}
		allDid(action)(a, s, list)
	}
}

// nameList answers a list of names of a place.
func nameList(a *answer, _ *spot, list []core.UserID) { names(a, list) }
