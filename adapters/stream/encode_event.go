package stream

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// userMember writes who did it, unless nobody did.
func userMember(w *wire.Writer, name string, u *core.User) {
	if u != nil {
		w.Key(name)
		writeUser(w, u)
	}
}

// actorEvent: just who did it.
func (d *Dialect) actorEvent(w *wire.Writer, e *core.Event) { userMember(w, "user", e.User) }

// targetEvent: whom it was done to stands as the user.
func (d *Dialect) targetEvent(w *wire.Writer, e *core.Event) {
	u := e.Target
	if u == nil {
		u = e.User
	}
	userMember(w, "user", u)
	w.Bool("hard_delete", e.Hard)
}

// newMessageEvent: the message and who takes part in its thread.
func (d *Dialect) newMessageEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	if m := e.Message; m != nil {
		w.Key("message")
		writeMessage(w, m)
		w.Text("message_id", m.Name())
		if m.Parent != 0 {
			w.Text("thread_id", messageName(m.Parent, m.ParentAlias))
			if len(m.ThreadUsers) > 0 {
				writeUsers(w, "thread_participants", m.ThreadUsers)
			}
		}
	}
	w.Int("watcher_count", e.WatcherCount)
}

// messageEvent: a message and what happened to it.
func (d *Dialect) messageEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	if m := e.Message; m != nil {
		w.Key("message")
		writeMessage(w, m)
		w.Text("message_id", m.Name())
		w.BoolIf("deleted_for_me", m.DeletedFor)
	}
	if e.Reaction != nil {
		w.Key("reaction")
		writeReaction(w, e.Reaction)
	}
	if e.Kind == core.MessageDeleted {
		w.Bool("hard_delete", e.Hard)
	}
}

// memberEvent: the member; the user of the event is the member, not who did it.
func (d *Dialect) memberEvent(w *wire.Writer, e *core.Event) {
	if m := e.Member; m != nil {
		w.Key("user")
		if m.Profile != nil {
			writeUser(w, m.Profile)
		} else {
			writeUserOr(w, e.Target, m.User)
		}
		w.Key("member")
		writeMember(w, m)
		return
	}
	userMember(w, "user", e.Target)
}

// readEvent: how far the user has read, in the channel or in a thread.
func (d *Dialect) readEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	if r := e.Read; r != nil {
		w.TextIf("last_read_message_id", messageName(r.Message, r.MessageAlias))
		w.Time("last_read_at", orNow(r.At, e.At))
	}
	if e.Thread != nil {
		w.Text("thread_id", e.Thread.Parent.Name())
		w.Key("thread")
		writeThread(w, e.Thread, nil, false)
	}
}

// unreadEvent: the read position after it was moved back.
func (d *Dialect) unreadEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	if m := e.Message; m != nil {
		w.Text("first_unread_message_id", m.Name())
	}
	if r := e.Read; r != nil {
		w.Time("last_read_at", orNow(r.At, epoch))
		w.TextIf("last_read_message_id", messageName(r.Message, r.MessageAlias))
		w.Int("unread_messages", r.Unread)
	}
	if e.Thread != nil {
		w.Text("thread_id", e.Thread.Parent.Name())
	}
}

// deliveredEvent: what reached a device of the user.
func (d *Dialect) deliveredEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	if r := e.Read; r != nil {
		w.Time("last_delivered_at", orNow(r.DeliveredAt, e.At))
		w.TextIf("last_delivered_message_id", messageName(r.DeliveredID, r.DeliveredName))
	}
}

func (d *Dialect) hiddenEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	w.Bool("clear_history", e.Cleared)
}

func (d *Dialect) channelMuteEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	if e.Mute != nil {
		w.Key("mute")
		writeChannelMute(w, e.Mute)
	}
}

// selfEvent: the receiver's own state.
func (d *Dialect) selfEvent(w *wire.Writer, e *core.Event) {
	if e.Self != nil {
		w.Key("me")
		writeSelf(w, e.Self)
	}
}

func (d *Dialect) typingEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	w.TextIf("parent_id", e.Parent)
}

// eventNames are the members of an event that are not custom fields.
var eventNames = wire.NamesOf("type", "created_at", "received_at", "cid", "channel_type", "channel_id", "team", "user", "user_id",
	"channel_member_count", "channel_message_count", "channel_last_message_at", "channel_custom", "channel", "member", "me",
	"connection_id", "watcher_count", "unread_count", "total_unread_count", "unread_channels", "unread_threads", "parent_id")

func (d *Dialect) customEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	w.TextIf("parent_id", e.Parent)
	w.Extra(e.Extra, eventNames)
}

func (d *Dialect) watchingEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	w.Int("watcher_count", e.WatcherCount)
}

func (d *Dialect) banEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.Target)
	userMember(w, "created_by", e.User)
	if b := e.Ban; b != nil {
		w.TextIf("reason", b.Reason)
		w.TimeIf("expiration", b.Expires)
		w.Bool("shadow", b.Shadow)
	}
}

// userDeletedEvent tells in two ways how far the deletion went, since SDKs read either.
func (d *Dialect) userDeletedEvent(w *wire.Writer, e *core.Event) {
	u := e.Target
	if u == nil {
		u = e.User
	}
	userMember(w, "user", u)
	w.Bool("hard_delete", e.Hard)
	w.Bool("mark_messages_deleted", e.Hard || e.Cleared)
	w.Bool("delete_conversation_channels", false)
	mode := "soft"
	if e.Hard {
		mode = "hard"
	}
	w.Text("delete_user", mode)
	w.Text("delete_messages", mode)
	w.Text("delete_conversation", "")
}

func (d *Dialect) flagEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	userMember(w, "target_user", e.Target)
	if e.Message != nil {
		w.Key("message")
		writeMessage(w, e.Message)
		w.Text("message_id", e.Message.Name())
	}
	if e.Flag != nil {
		w.TextIf("reason", e.Flag.Reason)
	}
	w.Int("total_flags", 1)
}

func (d *Dialect) mutedEvent(w *wire.Writer, e *core.Event) {
	userMember(w, "user", e.User)
	userMember(w, "target_user", e.Target)
}

func (d *Dialect) pollEvent(w *wire.Writer, e *core.Event) {
	if e.Poll != nil {
		w.Key("poll")
		writePoll(w, e.Poll)
	}
	if e.Vote != nil {
		w.Key("poll_vote")
		writeVote(w, e.Vote, e.Poll != nil && e.Poll.Anonymous)
	}
	if e.Message != nil {
		w.Text("message_id", e.Message.Name())
	}
}

func (d *Dialect) threadEvent(w *wire.Writer, e *core.Event) {
	if e.Thread != nil {
		w.Key("thread")
		writeThread(w, e.Thread, d.bookNow(e.App), false)
	}
	userMember(w, "user", e.User)
}

func (d *Dialect) draftEvent(w *wire.Writer, e *core.Event) {
	if e.Draft != nil {
		if e.Channel == nil {
			w.Text("cid", cidOf(e.Draft.Key))
		}
		w.TextIf("parent_id", e.Draft.Parent)
		w.Key("draft")
		writeDraft(w, e.Draft)
	}
}

func (d *Dialect) reminderEvent(w *wire.Writer, e *core.Event) {
	if r := e.Reminder; r != nil {
		if e.Channel == nil {
			w.Text("cid", cidOf(r.Key))
		}
		w.Text("message_id", messageName(r.Message, r.Alias))
		w.Text("user_id", string(r.User))
		w.Key("reminder")
		writeReminder(w, r)
	}
}
