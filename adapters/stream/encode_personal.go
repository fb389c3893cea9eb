package stream

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// writeReminder writes a reminder.
func writeReminder(w *wire.Writer, r *core.Reminder) {
	w.Open()
	w.Text("message_id", messageName(r.Message, r.Alias))
	w.Text("channel_cid", cidOf(r.Key))
	w.Text("user_id", string(r.User))
	if r.Owner != nil {
		w.Key("user")
		writeUser(w, r.Owner)
	}
	w.Time("remind_at", r.RemindAt)
	w.Time("created_at", r.CreatedAt)
	w.Time("updated_at", r.UpdatedAt)
	if r.MessageNow != nil {
		w.Key("message")
		writeMessage(w, r.MessageNow)
	}
	if r.ChannelNow != nil {
		w.Key("channel")
		writeChannel(w, r.ChannelNow, channelView{})
	}
	w.Close()
}

// writeDraft writes a draft; the message is what the client put, byte for byte.
func writeDraft(w *wire.Writer, d *core.Draft) {
	w.Open()
	w.Text("channel_cid", cidOf(d.Key))
	w.TextIf("parent_id", d.Parent)
	w.Time("created_at", d.CreatedAt)
	w.Raw("message", d.Message)
	if d.ChannelNow != nil {
		w.Key("channel")
		writeChannel(w, d.ChannelNow, channelView{})
	}
	if d.ParentNow != nil {
		w.Key("parent_message")
		writeMessage(w, d.ParentNow)
	}
	if d.QuotedNow != nil {
		w.Key("quoted_message")
		writeMessage(w, d.QuotedNow)
	}
	w.Close()
}
