package cometchat

import (
	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// Scopes of members.
const (
	scopeAdmin       = "admin"
	scopeModerator   = "moderator"
	scopeParticipant = "participant"
)

// scopeOf is the vendor's name of a member's rank. The owner is an admin whom nobody can touch.
func scopeOf(m *core.Member) string {
	switch m.Role {
	case core.MemberOwner, core.MemberAdmin:
		return scopeAdmin
	case core.MemberModerator:
		return scopeModerator
	}
	if m.ChannelRole == core.ChannelRoleModerator {
		return scopeModerator
	}
	return scopeParticipant
}

// rankOf is the core's rank of a scope, "" for a word that is none.
func rankOf(scope string) string {
	switch scope {
	case scopeAdmin:
		return core.MemberAdmin
	case scopeModerator:
		return core.MemberModerator
	case scopeParticipant:
		return core.MemberMember
	}
	return ""
}

// scopeOfRank is the vendor's name of a rank.
func scopeOfRank(rank string) string { return scopeOf(&core.Member{Role: rank}) }

// Types of groups.
const (
	typePublic   = "public"
	typePrivate  = "private"
	typePassword = "password"
)

// groupType is the vendor's name of who may join a group.
func groupType(c *core.Channel) string {
	switch c.Admits() {
	case core.AdmitAnyone:
		return typePublic
	case core.AdmitPassword:
		return typePassword
	}
	return typePrivate
}

// admissionOf is who may join a group of the type; ok is false for a word that is none. The SDK
// says protected for password in places.
func admissionOf(typ string) (a core.Admission, ok bool) {
	switch typ {
	case typePublic:
		return core.AdmitAnyone, true
	case typePrivate:
		return core.AdmitInvited, true
	case typePassword, "protected":
		return core.AdmitPassword, true
	}
	return "", false
}

// writeGroup writes a group object as the member sees it; me is nil for a stranger and for servers.
func writeGroup(w *wire.Writer, c *core.Channel, me *core.Member) {
	w.Open()
	groupMembers(w, c, me)
	w.Close()
}

func groupMembers(w *wire.Writer, c *core.Channel, me *core.Member) {
	w.Text("guid", string(c.Key))
	w.Text("name", orElse(c.Name, string(c.Key)))
	w.Text("type", groupType(c))
	w.TextIf("icon", c.Image)
	w.TextIf("description", gjson.GetBytes(c.Extra, "description").String())
	if m := gjson.GetBytes(c.Extra, "metadata"); m.IsObject() {
		w.Raw("metadata", []byte(m.Raw))
	}
	if len(c.Tags) > 0 {
		w.Texts("tags", c.Tags)
	}
	w.Text("owner", string(c.CreatedBy))
	w.Int("membersCount", c.MemberCount)
	w.Text("conversationId", groupConversation(c.Key))
	unixIf(w, "createdAt", c.CreatedAt)
	if c.UpdatedAt.After(c.CreatedAt) {
		unixIf(w, "updatedAt", c.UpdatedAt)
	}
	w.Bool("hasJoined", me != nil)
	if me != nil {
		w.Text("scope", scopeOf(me))
		unixIf(w, "joinedAt", me.CreatedAt)
	}
}

// writeMember writes a member as a user with rank.
func writeMember(w *wire.Writer, m *core.Member, v userView) {
	u := m.Profile
	if u == nil {
		u = &core.User{ID: m.User}
	}
	w.Open()
	userMembers(w, u, v)
	w.Text("scope", scopeOf(m))
	unixIf(w, "joinedAt", m.CreatedAt)
	w.Close()
}
