package stream

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// threadNames are the members of a thread object that are not custom fields.
var threadNames = wire.NamesOf("channel_cid", "channel", "parent_message_id", "parent_message", "title", "created_by", "created_by_user_id",
	"thread_participants", "participant_count", "active_participant_count", "reply_count", "latest_replies", "read", "last_message_at",
	"created_at", "updated_at", "deleted_at", "draft", "user", "user_id", "duration")

// writeThread writes a thread; full adds replies, read states and the draft, which events lack.
func writeThread(w *wire.Writer, t *core.Thread, book commandBook, full bool) {
	w.Open()
	w.Text("channel_cid", cidOf(t.Channel.Key))
	w.Key("channel")
	writeChannel(w, &t.Channel, channelView{config: typeOrNil(&t.Config), book: book})
	w.Text("parent_message_id", t.Parent.Name())
	w.Key("parent_message")
	writeMessage(w, &t.Parent)
	w.Text("title", t.Title)
	if t.CreatedBy != nil {
		w.Text("created_by_user_id", string(t.CreatedBy.ID))
	} else {
		w.Text("created_by_user_id", string(t.Parent.User))
	}
	w.Key("created_by")
	writeUserOr(w, t.CreatedBy, t.Parent.User)
	w.List("thread_participants")
	for i := range t.Participants {
		writeParticipant(w, t, &t.Participants[i])
	}
	w.CloseList()
	w.Int("participant_count", t.ParticipantCount)
	w.Int("active_participant_count", t.ActiveCount)
	w.Int("reply_count", t.ReplyCount)
	w.TimeIf("last_message_at", t.LastMessageAt)
	w.Time("created_at", t.CreatedAt)
	w.Time("updated_at", t.UpdatedAt)
	if full {
		writeMessages(w, "latest_replies", t.LatestReplies)
		writeReads(w, "read", t.Reads)
		if t.Draft != nil {
			w.Key("draft")
			writeDraft(w, t.Draft)
		}
	}
	w.Extra(t.Extra, threadNames)
	w.Close()
}

func writeParticipant(w *wire.Writer, t *core.Thread, p *core.ThreadParticipant) {
	w.Open()
	w.Text("channel_cid", cidOf(t.Channel.Key))
	w.Text("thread_id", t.Parent.Name())
	w.Text("user_id", string(p.User.ID))
	w.Key("user")
	writeUser(w, &p.User)
	w.Time("created_at", p.CreatedAt)
	last := p.LastRead
	if last.IsZero() {
		last = epoch
	}
	w.Time("last_read_at", last)
	w.Close()
}

// typeOrNil returns nil for the zero type, which means that no configuration is at hand.
func typeOrNil(t *core.ChannelType) *core.ChannelType {
	if t.Name == "" {
		return nil
	}
	return t
}
