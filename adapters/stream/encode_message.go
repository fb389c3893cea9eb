package stream

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// messageNames are the members of a message object that are not custom fields.
var messageNames = wire.NamesOf("id", "cid", "text", "html", "mml", "type", "user", "user_id", "attachments", "mentioned_users",
	"latest_reactions", "own_reactions", "reaction_counts", "reaction_scores", "reaction_groups", "reply_count", "deleted_reply_count",
	"parent_id", "show_in_channel", "thread_participants", "quoted_message", "quoted_message_id", "silent", "shadowed", "pinned",
	"pinned_at", "pinned_by", "pin_expires", "poll", "poll_id", "command", "args", "i18n", "restricted_visibility", "created_at",
	"updated_at", "deleted_at", "message_text_updated_at", "deleted_for_me", "reminder", "draft", "member", "channel", "moderation",
	"image_labels", "mentioned_channel", "mentioned_here", "mentioned_roles", "mentioned_group_ids", "mentioned_groups", "shared_location",
	"before_message_send_failed", "command_info", "status", "skip_push", "skip_enrich_url", "is_pending_message")

// messageType is Stream's type of a message: a reply and a tombstone are types of their own, and
// what another dialect calls custom is shown as a regular message with its text.
func messageType(m *core.Message) string {
	switch {
	case m.Deleted():
		return "deleted"
	case m.Kind == core.MessageCustom || m.Kind == "" || m.Kind == core.MessageRegular:
		if m.Parent != 0 {
			return "reply"
		}
		return string(core.MessageRegular)
	}
	return string(m.Kind)
}

// writeMessage writes a message object.
func writeMessage(w *wire.Writer, m *core.Message) {
	w.Open()
	messageMembers(w, m, true)
	w.Close()
}

// writeMessages writes a list of messages as a member.
func writeMessages(w *wire.Writer, name string, ms []core.Message) {
	w.List(name)
	for i := range ms {
		writeMessage(w, &ms[i])
	}
	w.CloseList()
}

// messageMembers writes the members of a message; a quoted message shows no further quote.
func messageMembers(w *wire.Writer, m *core.Message, quotes bool) {
	w.Text("id", m.Name())
	w.Text("text", m.Text)
	w.Key("html")
	writeHTML(w, m.Text)
	w.Text("type", messageType(m))
	w.Text("cid", cidOf(m.ChannelKey))
	w.Key("user")
	writeUserOr(w, m.Author, m.User)
	if m.AuthorChannelRole != "" {
		w.Object("member")
		w.Text("channel_role", m.AuthorChannelRole)
		w.Close()
	}
	w.Raws("attachments", m.Attachments)
	writeReactions(w, "latest_reactions", m.LatestReactions)
	writeReactions(w, "own_reactions", m.OwnReactions)
	writeGroups(w, m.Reactions)
	w.Int("reply_count", m.ReplyCount)
	w.Int("deleted_reply_count", 0)
	if m.Parent != 0 {
		w.Text("parent_id", messageName(m.Parent, m.ParentAlias))
		w.Bool("show_in_channel", m.ShowInChannel)
	}
	if len(m.ThreadUsers) > 0 {
		writeUsers(w, "thread_participants", m.ThreadUsers)
	}
	writeMentions(w, m)
	if m.Quoted != 0 {
		w.Text("quoted_message_id", messageName(m.Quoted, m.QuotedAlias))
		if q := m.QuotedMessage; q != nil && quotes {
			w.Object("quoted_message")
			messageMembers(w, q, false)
			w.Close()
		}
	}
	w.Bool("silent", m.Silent)
	w.Bool("shadowed", m.Shadowed)
	w.Bool("pinned", m.Pinned)
	w.Time("pinned_at", m.PinnedAt)
	w.Key("pinned_by")
	writeUserOr(w, m.PinnedByUser, m.PinnedBy)
	w.Time("pin_expires", m.PinExpires)
	w.IDs("restricted_visibility", m.RestrictedTo)
	if m.Command != "" {
		w.Text("command", m.Command)
		w.Text("args", m.CommandArgs)
	}
	if m.PollID != "" {
		w.Text("poll_id", m.PollID)
		if m.Poll != nil {
			w.Key("poll")
			writePoll(w, m.Poll)
		}
	}
	if m.Reminder != nil {
		w.Key("reminder")
		writeReminder(w, m.Reminder)
	}
	if len(m.Translations) > 0 {
		w.Raw("i18n", m.Translations)
	}
	w.Time("created_at", m.CreatedAt)
	w.Time("updated_at", m.UpdatedAt)
	w.TimeIf("message_text_updated_at", m.EditedAt)
	w.TimeIf("deleted_at", m.DeletedAt)
	w.BoolIf("deleted_for_me", m.DeletedFor)
	w.Extra(m.Extra, messageNames)
}

func writeMentions(w *wire.Writer, m *core.Message) {
	w.List("mentioned_users")
	if len(m.Mentioned) > 0 {
		for i := range m.Mentioned {
			writeUser(w, &m.Mentioned[i])
		}
	} else {
		for _, id := range m.Mentions {
			writeUserOr(w, nil, id)
		}
	}
	w.CloseList()
}

// reactionNames are the members of a reaction object that are not custom fields.
var reactionNames = wire.NamesOf("message_id", "type", "user", "user_id", "score", "created_at", "updated_at")

// writeReaction writes a reaction.
func writeReaction(w *wire.Writer, r *core.Reaction) {
	w.Open()
	w.Text("message_id", messageName(r.Message, r.Alias))
	w.Text("type", r.Type)
	w.Text("user_id", string(r.User))
	w.Key("user")
	writeUserOr(w, r.Author, r.User)
	w.Int("score", r.Score)
	w.Time("created_at", r.CreatedAt)
	w.Time("updated_at", r.UpdatedAt)
	w.Extra(r.Extra, reactionNames)
	w.Close()
}

// writeReactions writes a list of reactions as a member.
func writeReactions(w *wire.Writer, name string, rs []core.Reaction) {
	w.List(name)
	for i := range rs {
		writeReaction(w, &rs[i])
	}
	w.CloseList()
}

// writeGroups writes the sums of reactions by type, in the two old shapes and the new one.
func writeGroups(w *wire.Writer, gs []core.ReactionGroup) {
	w.Object("reaction_counts")
	for i := range gs {
		w.KeyOf(gs[i].Type)
		w.Number(gs[i].Count)
	}
	w.Close()
	w.Object("reaction_scores")
	for i := range gs {
		w.KeyOf(gs[i].Type)
		w.Number(gs[i].Score)
	}
	w.Close()
	w.Object("reaction_groups")
	for i := range gs {
		w.KeyOf(gs[i].Type)
		w.Open()
		w.Int("count", gs[i].Count)
		w.Int("sum_scores", gs[i].Score)
		w.Time("first_reaction_at", gs[i].FirstAt)
		w.Time("last_reaction_at", gs[i].LastAt)
		w.Close()
	}
	w.Close()
}
