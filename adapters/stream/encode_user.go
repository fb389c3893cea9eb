package stream

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// userNames are the members of a user object that are not custom fields; see
// https://getstream.io/chat/docs/rest/. Custom fields stand beside them at the top level.
var userNames = wire.NamesOf("id", "name", "image", "role", "teams", "teams_role", "language", "online", "invisible",
	"banned", "shadow_banned", "ban_expires", "created_at", "updated_at", "last_active", "deactivated_at", "deleted_at",
	"revoke_tokens_issued_before", "privacy_settings", "blocked_user_ids", "devices", "mutes", "channel_mutes",
	"unread_count", "total_unread_count", "total_unread_count_by_team", "unread_channels", "unread_threads", "push_preferences", "push_notifications",
	"latest_hidden_channels", "user_id", "channel_role", "anon", "avg_response_time", "bypass_moderation")

// writeUser writes a user object; nil is null. A shadow ban is not told: its point is that the
// banned does not learn of it.
func writeUser(w *wire.Writer, u *core.User) {
	if u == nil {
		w.Value(nil)
		return
	}
	w.Open()
	userMembers(w, u)
	w.Close()
}

// writeUserOr writes a user object, or one with just the id when the profile is not at hand.
func writeUserOr(w *wire.Writer, u *core.User, id core.UserID) {
	switch {
	case u != nil:
		writeUser(w, u)
	case id == "":
		w.Value(nil)
	default:
		w.Open()
		w.Text("id", string(id))
		w.Text("role", core.RoleUser)
		w.Bool("banned", false)
		w.Bool("online", false)
		w.Close()
	}
}

// writeUsers writes a list of user objects as a member.
func writeUsers(w *wire.Writer, name string, us []core.User) {
	w.List(name)
	for i := range us {
		writeUser(w, &us[i])
	}
	w.CloseList()
}

func userMembers(w *wire.Writer, u *core.User) {
	w.Text("id", string(u.ID))
	w.TextIf("name", u.Name)
	w.TextIf("image", u.Image)
	w.Text("role", orElse(u.Role, core.RoleUser))
	w.Texts("teams", u.Teams)
	if len(u.TeamRoles) > 0 {
		w.Raw("teams_role", u.TeamRoles)
	}
	w.Text("language", u.Language)
	w.Bool("online", u.Online && !u.Invisible)
	w.Bool("banned", u.Ban != nil && !u.Ban.Shadow)
	if u.Ban != nil && !u.Ban.Shadow {
		w.TimeIf("ban_expires", u.Ban.Expires)
	}
	w.TimeIf("created_at", u.CreatedAt)
	w.TimeIf("updated_at", u.UpdatedAt)
	w.TimeIf("last_active", u.LastActive)
	w.TimeIf("deactivated_at", u.DeactivatedAt)
	w.TimeIf("deleted_at", u.DeletedAt)
	w.TimeIf("revoke_tokens_issued_before", u.RevokedBefore)
	w.Extra(u.Extra, userNames)
}

// writeSelf writes the "me" object. The JS SDK iterates the lists without a check, so none may
// ever be left out (client.ts, _handleClientEvent).
func writeSelf(w *wire.Writer, s *core.Self) {
	w.Open()
	userMembers(w, &s.User)
	w.Bool("invisible", s.User.Invisible)
	w.List("devices")
	for i := range s.Devices {
		writeDevice(w, &s.Devices[i])
	}
	w.CloseList()
	w.List("mutes")
	for i := range s.Mutes {
		writeUserMute(w, &s.Mutes[i])
	}
	w.CloseList()
	w.List("channel_mutes")
	for i := range s.ChannelMutes {
		writeChannelMute(w, &s.ChannelMutes[i])
	}
	w.CloseList()
	w.IDs("blocked_user_ids", s.Blocked)
	writeCounts(w, &s.Counts)
	w.Int("unread_threads", s.Counts.Threads)
	if len(s.User.Privacy) > 0 {
		w.Raw("privacy_settings", s.User.Privacy)
	} else {
		w.Object("privacy_settings")
		w.Close()
	}
	w.Object("push_preferences")
	w.Close()
	w.Close()
}

// writeCounts writes the three unread totals that go with a user or an event. unread_count is the
// old name of total_unread_count.
func writeCounts(w *wire.Writer, c *core.Counts) {
	w.Int("total_unread_count", c.Messages)
	w.Int("unread_channels", c.Channels)
	w.Int("unread_count", c.Messages)
}

// writeDevice writes a push device.
func writeDevice(w *wire.Writer, d *core.Device) {
	w.Open()
	w.Text("id", d.ID)
	w.Text("push_provider", d.Provider)
	w.TextIf("push_provider_name", d.ProviderName)
	w.BoolIf("voip", d.Voip)
	w.Text("user_id", string(d.User))
	w.Time("created_at", d.CreatedAt)
	w.Close()
}

// writeUserMute writes the mute of a person.
func writeUserMute(w *wire.Writer, m *core.UserMute) {
	w.Open()
	w.Key("user")
	writeUser(w, &m.User)
	w.Key("target")
	writeUser(w, &m.Target)
	w.Time("created_at", m.CreatedAt)
	w.Time("updated_at", m.UpdatedAt)
	w.TimeIf("expires", m.Expires)
	w.Close()
}

// writeChannelMute writes the mute of a channel.
func writeChannelMute(w *wire.Writer, m *core.ChannelMute) {
	w.Open()
	w.Key("user")
	writeUser(w, &m.User)
	w.Key("channel")
	writeChannel(w, &m.Channel, channelView{})
	w.Time("created_at", m.CreatedAt)
	w.Time("updated_at", m.UpdatedAt)
	w.TimeIf("expires", m.Expires)
	w.Close()
}

// orElse returns s, or the fallback when s is empty.
func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
