package cometchat

import (
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// defaultRole is the vendor's name of the core's role of ordinary people.
const defaultRole = "default"

// userView is what of a user depends on who looks.
type userView struct {
	viewer       core.UserID // empty for servers
	private      bool        // metadata with its @private part: servers only
	blockedByMe  bool
	hasBlockedMe bool
	relation     bool // the two above are known
}

// writeUser writes a user object; see https://www.cometchat.com/docs/rest-api/users.
func writeUser(w *wire.Writer, u *core.User, v userView) {
	w.Open()
	userMembers(w, u, v)
	w.Close()
}

// writeUserOr writes a user object, or one with little more than the uid when the profile is not at hand.
func writeUserOr(w *wire.Writer, u *core.User, id core.UserID, v userView) {
	if u == nil {
		u = &core.User{ID: id}
	}
	writeUser(w, u, v)
}

func userMembers(w *wire.Writer, u *core.User, v userView) {
	name := u.Name
	if name == "" {
		if name = string(u.ID); u.ID == core.SystemUser {
			name = "System"
		}
	}
	w.Text("uid", string(u.ID))
	w.Text("name", name)
	w.TextIf("avatar", u.Image)
	w.TextIf("link", gjson.GetBytes(u.Extra, "link").String())
	if m := gjson.GetBytes(u.Extra, "metadata"); m.IsObject() {
		w.Raw("metadata", visible([]byte(m.Raw), v.private))
	}
	if u.Online && !u.Invisible {
		w.Text("status", "online")
	} else {
		w.Text("status", "offline")
	}
	w.TextIf("statusMessage", gjson.GetBytes(u.Extra, "status_message").String())
	w.Text("role", roleName(u.Role))
	if len(u.Tags) > 0 {
		w.Texts("tags", u.Tags)
	}
	unixIf(w, "lastActiveAt", u.LastActive)
	unixIf(w, "createdAt", u.CreatedAt)
	if u.UpdatedAt.After(u.CreatedAt) {
		unixIf(w, "updatedAt", u.UpdatedAt)
	}
	unixIf(w, "deactivatedAt", u.DeactivatedAt)
	if v.viewer != "" && v.viewer != u.ID {
		w.Text("conversationId", directConversation(v.viewer, u.ID))
		if v.relation {
			w.Bool("blockedByMe", v.blockedByMe)
			w.Bool("hasBlockedMe", v.hasBlockedMe)
		}
	}
}

// visible is metadata as clients see it: without the member @private.
func visible(raw []byte, private bool) []byte {
	if private || !gjson.GetBytes(raw, `\@private`).Exists() {
		return raw
	}
	w := wire.NewWriter(len(raw))
	w.Open()
	w.Extra(raw, wire.NamesOf("@private"))
	w.Close()
	return w.Bytes()
}

// roleName is the vendor's name of a role.
func roleName(role string) string {
	if role == "" || role == core.RoleUser {
		return defaultRole
	}
	return role
}

// coreRole is the core's name of a role.
func coreRole(role string) string {
	if role == defaultRole {
		return core.RoleUser
	}
	return role
}

// unix writes seconds since 1970.
func unix(w *wire.Writer, name string, t time.Time) { w.Int64(name, t.Unix()) }

// unixIf writes seconds since 1970 unless the time is not set.
func unixIf(w *wire.Writer, name string, t time.Time) {
	if !t.IsZero() {
		unix(w, name, t)
	}
}

// directConversation is the id of the conversation of two people: both uids in ascending order.
func directConversation(a, b core.UserID) string {
	if b < a {
		a, b = b, a
	}
	return string(a) + "_user_" + string(b)
}

// groupConversation is the id of a group's conversation.
func groupConversation(key core.ChannelKey) string { return "group_" + string(key) }
