package stream

import (
	"time"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// channelNames are the members of a channel object that are not custom fields.
var channelNames = wire.NamesOf("id", "type", "cid", "name", "image", "team", "created_by", "created_by_id", "created_at", "updated_at",
	"last_message_at", "deleted_at", "truncated_at", "truncated_by", "truncated_by_id", "frozen", "disabled", "hidden", "blocked", "muted",
	"mute_expires_at", "cooldown", "config", "config_overrides", "own_capabilities", "member_count", "message_count", "members", "invites",
	"filter_tags", "hide_messages_before", "auto_translation_enabled", "auto_translation_language")

// channelView is what is known about a channel beside itself. The zero view shows the channel only.
type channelView struct {
	config       *core.ChannelType // nil leaves "config" out
	book         commandBook       // describes custom commands in "config"
	capabilities []string          // nil leaves "own_capabilities" out
	membership   *core.Member      // the reader's own, for hidden and muted
	hidden       bool
}

// cidOf is Stream's name of a channel: type and id.
func cidOf(k core.ChannelKey) string {
	typ, id := k.Split()
	return typ + ":" + id
}

// keyOfCID is the reverse of cidOf; ok is false when the text is not "type:id".
func keyOfCID(cid string) (k core.ChannelKey, ok bool) {
	for i := range len(cid) {
		if cid[i] == ':' {
			return core.KeyOf(cid[:i], cid[i+1:]), i > 0 && i < len(cid)-1
		}
	}
	return "", false
}

// writeChannel writes a channel object.
func writeChannel(w *wire.Writer, ch *core.Channel, v channelView) {
	typ, id := ch.Key.Split()
	w.Open()
	w.Text("id", id)
	w.Text("type", typ)
	w.Text("cid", typ+":"+id)
	w.TextIf("name", ch.Name)
	w.TextIf("image", ch.Image)
	w.TextIf("team", ch.Team)
	w.Time("created_at", ch.CreatedAt)
	w.Time("updated_at", ch.UpdatedAt)
	w.TimeIf("last_message_at", ch.LastMessageAt)
	w.TimeIf("deleted_at", ch.DeletedAt)
	w.TimeIf("truncated_at", ch.TruncatedAt)
	if ch.TruncatedBy != "" {
		w.Key("truncated_by")
		writeUserOr(w, nil, ch.TruncatedBy)
	}
	w.Key("created_by")
	writeUserOr(w, ch.Owner, ch.CreatedBy)
	w.Bool("frozen", ch.Frozen)
	w.Bool("disabled", ch.Disabled)
	w.Int("member_count", ch.MemberCount)
	if ch.Cooldown > 0 {
		w.Int("cooldown", ch.Cooldown)
	}
	if len(ch.Tags) > 0 {
		w.Texts("filter_tags", ch.Tags)
	}
	if v.membership != nil {
		m := v.membership
		w.TimeIf("hide_messages_before", hiddenSince(m))
		if !m.MutedUntil.IsZero() {
			w.Bool("muted", true)
			if !m.MutedUntil.Equal(core.Forever) {
				w.Time("mute_expires_at", m.MutedUntil)
			}
		}
	}
	w.BoolIf("hidden", v.hidden)
	if v.config != nil {
		if v.config.Features[core.FeatureCount] {
			w.Int64("message_count", ch.MessageCount)
		}
		w.Key("config")
		writeConfig(w, v.config, v.book, ch.Overrides.Grants)
	}
	if v.capabilities != nil {
		w.Texts("own_capabilities", v.capabilities)
	}
	w.Extra(ch.Extra, channelNames)
	w.Close()
}

// hiddenSince is the time before which history was cleared for the member.
func hiddenSince(m *core.Member) time.Time {
	if m.HiddenUpTo == 0 {
		return time.Time{}
	}
	return m.HiddenAt
}

// featureNames are the switches of a channel type in the order they are written.
var featureNames = []core.Feature{
	core.FeatureTyping, core.FeatureReads, core.FeatureConnects, core.FeatureDelivery, core.FeatureCustom,
	core.FeatureSearch, core.FeatureReactions, core.FeatureReplies, core.FeatureQuotes, core.FeatureMutes, core.FeatureUploads,
	core.FeatureURLs, core.FeaturePush, core.FeaturePolls, core.FeatureReminders, core.FeatureUnreadNudge, core.FeatureLocations,
	core.FeatureCount, core.FeaturePending, core.FeatureQuietSystem,
}

// configNames are the members of a channel type that are not extra.
var configNames = func() wire.Names {
	n := wire.NamesOf("name", "created_at", "updated_at", "max_message_length", "automod", "automod_behavior", "blocklist",
		"blocklist_behavior", "blocklists", "message_retention", "commands", "grants", "duration", "permissions")
	for _, f := range featureNames {
		n[string(f)] = struct{}{}
	}
	return n
}()

// writeConfig writes the configuration of a channel: its type with descriptions of the commands.
// Grants are shown only where the channel deviates from its type, as the vendor does.
func writeConfig(w *wire.Writer, t *core.ChannelType, book commandBook, grants []core.RoleGrants) {
	w.Open()
	configMembers(w, t)
	w.List("commands")
	for _, name := range t.Commands {
		writeCommand(w, book.get(name))
	}
	w.CloseList()
	if len(grants) > 0 {
		writeGrants(w, grants)
	}
	w.Close()
}

// configMembers writes what a channel type and a channel's config have in common.
func configMembers(w *wire.Writer, t *core.ChannelType) {
	w.Text("name", t.Name)
	w.Time("created_at", t.CreatedAt)
	w.Time("updated_at", t.UpdatedAt)
	for _, f := range featureNames {
		w.Bool(string(f), t.Features[f])
	}
	w.Int("max_message_length", t.MaxLength)
	w.Text("automod", orElse(t.Automod, "disabled"))
	w.Text("automod_behavior", orElse(t.AutomodBehavior, "flag"))
	w.TextIf("blocklist", t.Blocklist)
	w.TextIf("blocklist_behavior", t.BlocklistBehavior)
	if len(t.Blocklists) > 0 {
		w.List("blocklists")
		for _, b := range t.Blocklists {
			w.Open()
			w.Text("blocklist", b.Name)
			w.Text("behavior", b.Behavior)
			w.Close()
		}
		w.CloseList()
	}
	w.Text("message_retention", orElse(t.Retention, "infinite"))
	w.Extra(t.Extra, configNames)
}

// writeGrants writes the permissions of roles as the member "grants".
func writeGrants(w *wire.Writer, grants []core.RoleGrants) {
	w.Object("grants")
	for _, g := range grants {
		w.KeyOf(g.Role)
		w.OpenList()
		for _, p := range g.Permissions {
			w.Item(p)
		}
		w.CloseList()
	}
	w.Close()
}

// commandBook describes the slash commands of an app by name. A nil book knows the built-in ones.
type commandBook map[string]core.Command

// builtin are the commands every app has; see https://getstream.io/chat/docs/javascript/slash_commands/.
var builtin = []core.Command{
	{Name: "giphy", Description: "Post a random gif to the channel", Args: "[text]", Set: "fun_set"},
	{Name: "flag", Description: "Flag a user", Args: "[@username]", Set: "moderation_set"},
	{Name: "ban", Description: "Ban a user", Args: "[@username] [text]", Set: "moderation_set"},
	{Name: "unban", Description: "Unban a user", Args: "[@username]", Set: "moderation_set"},
	{Name: "mute", Description: "Mute a user", Args: "[@username]", Set: "moderation_set"},
	{Name: "unmute", Description: "Unmute a user", Args: "[@username]", Set: "moderation_set"},
}

// get describes a command; one that nobody described has its name only.
func (b commandBook) get(name string) core.Command {
	if c, ok := b[name]; ok {
		return c
	}
	for _, c := range builtin {
		if c.Name == name {
			return c
		}
	}
	return core.Command{Name: name}
}

// writeCommand writes a slash command.
func writeCommand(w *wire.Writer, c core.Command) {
	w.Open()
	w.Text("name", c.Name)
	w.Text("description", c.Description)
	w.Text("args", c.Args)
	w.Text("set", c.Set)
	w.TimeIf("created_at", c.CreatedAt)
	w.TimeIf("updated_at", c.UpdatedAt)
	w.Close()
}
