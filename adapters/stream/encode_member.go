package stream

import (
	"time"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// memberNames are the members of a channel member object that are not custom fields.
var memberNames = wire.NamesOf("user_id", "user", "role", "channel_role", "is_moderator", "created_at", "updated_at", "deleted_at",
	"banned", "shadow_banned", "ban_expires", "notifications_muted", "invited", "invite_accepted_at", "invite_rejected_at",
	"pinned_at", "archived_at", "status", "pinned", "archived", "deleted_messages", "ban_from_future_channels")

// writeMember writes a channel member.
func writeMember(w *wire.Writer, m *core.Member) {
	w.Open()
	w.Text("user_id", string(m.User))
	w.Key("user")
	writeUserOr(w, m.Profile, m.User)
	w.Text("role", orElse(m.Role, core.MemberMember))
	w.Text("channel_role", orElse(m.ChannelRole, core.ChannelRoleMember))
	w.BoolIf("is_moderator", m.ChannelRole == core.ChannelRoleModerator)
	w.Time("created_at", m.CreatedAt)
	w.Time("updated_at", m.UpdatedAt)
	w.Bool("banned", m.Ban != nil && !m.Ban.Shadow)
	w.Bool("shadow_banned", m.Ban != nil && m.Ban.Shadow)
	if m.Ban != nil {
		w.TimeIf("ban_expires", m.Ban.Expires)
	}
	w.Bool("notifications_muted", !m.MutedUntil.IsZero())
	w.Text("status", memberStatus(m))
	w.BoolIf("invited", !m.InvitedAt.IsZero())
	w.TimeIf("invite_accepted_at", m.AcceptedAt)
	w.TimeIf("invite_rejected_at", m.RejectedAt)
	w.TimeIf("pinned_at", m.PinnedAt)
	w.TimeIf("archived_at", m.ArchivedAt)
	w.Extra(m.Extra, memberNames)
	w.Close()
}

func memberStatus(m *core.Member) string {
	switch {
	case m.Pending():
		return "pending"
	case !m.RejectedAt.IsZero():
		return "rejected"
	}
	return "member"
}

// writeMembers writes a list of members as a member.
func writeMembers(w *wire.Writer, name string, ms []core.Member) {
	w.List(name)
	for i := range ms {
		writeMember(w, &ms[i])
	}
	w.CloseList()
}

// epoch stands for "never read": SDKs turn last_read into a date without a check.
var epoch = time.Unix(0, 0).UTC()

// writeRead writes how far a person has read.
func writeRead(w *wire.Writer, r *core.Read) {
	w.Open()
	w.Key("user")
	writeUser(w, &r.User)
	at := r.At
	if at.IsZero() {
		at = epoch
	}
	w.Time("last_read", at)
	w.Int("unread_messages", r.Unread)
	w.TextIf("last_read_message_id", messageName(r.Message, r.MessageAlias))
	w.TimeIf("last_delivered_at", r.DeliveredAt)
	w.TextIf("last_delivered_message_id", messageName(r.DeliveredID, r.DeliveredName))
	w.Close()
}

// writeReads writes a list of read states as a member.
func writeReads(w *wire.Writer, name string, rs []core.Read) {
	w.List(name)
	for i := range rs {
		writeRead(w, &rs[i])
	}
	w.CloseList()
}

// messageName is the id a client knows a message by, or "" when there is none.
func messageName(id core.MessageID, alias string) string {
	switch {
	case alias != "":
		return alias
	case id == 0:
		return ""
	}
	return id.String()
}
