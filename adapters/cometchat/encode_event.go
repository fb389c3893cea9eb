package cometchat

import (
	"strconv"
	"strings"

	"dragoman/adapters/wire"
	"dragoman/core"
)

func (d *Dialect) tellMessage(x *telling) {
	m := x.ev.Message
	x.frame(frameMessage, m.User, func(w *wire.Writer) { writeMessage(w, m, x.v) })
}

// tellEdited tells an edit. That a thread grew is an edit for dialects that show it; this one's
// clients count replies themselves.
func (d *Dialect) tellEdited(x *telling) {
	if x.ev.Watchers {
		return
	}
	if onlyPin(x.ev) {
		x.pinned(framePin, x.ev.Message.Pinned, "")
		return
	}
	x.action(actionEdited)
}

// onlyPin reports whether nothing but a pin has changed.
func onlyPin(ev *core.Event) bool {
	return ev.Change != nil && len(ev.Change.Names) == 1 && ev.Change.Names[0] == core.ChangePinned
}

// pinned tells that a message was pinned, or with saved that somebody saved it; on is false for the
// end of it.
func (x *telling) pinned(frame string, on bool, saved string) {
	action := "pinned"
	if saved != "" {
		action = "saved"
	}
	if !on {
		action = "un" + action
	}
	x.frame(frame, x.actor(), func(w *wire.Writer) {
		w.Open()
		w.Text("action", action)
		w.Object("message")
		messageMembers(w, x.ev.Message, x.v, true)
		if on && saved != "" {
			unix(w, saved, x.ev.Reminder.CreatedAt)
		}
		w.Close()
		w.Close()
	})
}

// tellSaved tells a person's devices that they have saved a message: a reminder of the core.
func (d *Dialect) tellSaved(x *telling) {
	if x.ev.Message == nil || x.ev.Reminder == nil {
		return
	}
	x.pinned(frameSave, x.ev.Kind == core.ReminderCreated, "savedAt")
}

// tellMemberChange tells a change of rank that has no message of its own in the log, and that
// somebody has pinned a conversation on their own list; see link.concerns.
func (d *Dialect) tellMemberChange(x *telling) {
	ch := x.ev.Change
	switch {
	case ch == nil || x.ev.Member == nil || x.ev.Target == nil:
	case onlyPin(x.ev):
		x.conversationPinned()
	case x.v.group != nil && x.ev.Message == nil && ch.New != "" && scopeOfRank(ch.Old) != scopeOfRank(ch.New):
		n := &core.Notice{Kind: core.NoticeRanked, Of: x.ev.Target.ID, Person: x.ev.Target, Old: ch.Old, New: ch.New}
		x.memberAction(n)
	}
}

// conversationPinned tells a person's devices that a conversation was pinned on their list.
func (x *telling) conversationPinned() {
	m := x.ev.Member
	st := core.ChannelState{Channel: *x.ev.Channel, Membership: m}
	v := *x.v
	v.viewer, v.me = m.User, m
	out := conversationOut{state: st, venue: &v, outline: true}
	action := "pinned"
	if m.PinnedAt.IsZero() {
		action = "unpinned"
	}
	x.frame(frameConversationPin, m.User, func(w *wire.Writer) {
		w.Open()
		w.Text("action", action)
		w.Key("conversation")
		writeConversation(w, &out)
		w.Close()
	})
}

func (d *Dialect) tellDeleted(x *telling) { x.action(actionDeleted) }

func (x *telling) action(name string) {
	by := x.actor()
	x.frame(frameMessage, by, func(w *wire.Writer) { writeMessageAction(w, name, x.ev.Message, x.ev.User, by, x.v) })
}

func (d *Dialect) tellReaction(x *telling) {
	r, m := x.ev.Reaction, x.ev.Message
	action := "message_reaction_added"
	if x.ev.Kind == core.ReactionRemoved {
		action = "message_reaction_removed"
	}
	x.frame(frameReaction, r.User, func(w *wire.Writer) {
		by := r.Author
		if by == nil {
			by = x.ev.User
		}
		w.Open()
		w.Text("action", action)
		w.Text("id", reactionID(r))
		w.Text("messageId", m.ID.String())
		w.Text("conversationId", x.v.id())
		x.v.receiver(w, r.User)
		w.Text("uid", string(r.User))
		w.Text("reaction", r.Type)
		unix(w, "reactedAt", r.CreatedAt)
		w.Key("reactedBy")
		writeUserOr(w, by, r.User, userView{})
		if m.Parent != 0 {
			w.Text("parentId", m.Parent.String())
		}
		w.Close()
	})
}

// memberNotices are the notices that changes of membership are told as when they were made over a
// dialect that writes none into the log.
var memberNotices = map[core.EventKind][2]core.NoticeKind{ // by oneself, by another
	core.MemberAdded:   {core.NoticeJoined, core.NoticeAdded},
	core.MemberRemoved: {core.NoticeLeft, core.NoticeKicked},
	core.UserBanned:    {core.NoticeBanned, core.NoticeBanned},
	core.UserUnbanned:  {core.NoticeUnbanned, core.NoticeUnbanned},
}

// tellMember tells a change of membership that has no message of its own in the log.
func (d *Dialect) tellMember(x *telling) {
	ev := x.ev
	if ev.Message != nil || ev.Target == nil || x.v == nil || x.v.group == nil {
		return
	}
	if ev.Member != nil && ev.Member.Role == core.MemberOwner && ev.Kind == core.MemberAdded {
		return // whoever makes a group knows
	}
	by, kind := x.actor(), memberNotices[ev.Kind][1]
	if by == ev.Target.ID {
		kind = memberNotices[ev.Kind][0]
	}
	x.memberAction(&core.Notice{Kind: kind, Of: ev.Target.ID, Person: ev.Target})
}

// memberAction tells an action message that is not in the log.
func (x *telling) memberAction(n *core.Notice) {
	ev, by := x.ev, x.actor()
	x.frame(frameMessage, by, func(w *wire.Writer) {
		writeMemberAction(w, strconv.FormatInt(ev.At.UnixMilli(), 10), n, ev.User, by, ev.At, x.v)
	})
}

// tellReceipt tells how far somebody has come; in groups also when everybody has.
func (d *Dialect) tellReceipt(x *telling) {
	r := x.ev.Read
	if r == nil || x.ev.Thread != nil || x.v == nil {
		return
	}
	action, all, id, at := receiptRead, readByAll, r.Message, r.At
	if x.ev.Kind == core.DeliveredMoved {
		action, all, id, at = receiptDelivered, deliveredToAll, r.DeliveredID, r.DeliveredAt
	}
	if id == 0 {
		return
	}
	write := func(action string) {
		x.frame(frameReceipts, r.User.ID, func(w *wire.Writer) {
			w.Open()
			w.Text("action", action)
			w.Text("messageId", id.String())
			w.Key("user")
			writeUser(w, &r.User, userView{})
			unix(w, "timestamp", at)
			w.Close()
		})
	}
	write(action)
	if x.ev.Everyone && x.v.group != nil {
		write(all)
	}
}

func (d *Dialect) tellTyping(x *telling) {
	action := typingStarted
	if x.ev.Kind == core.TypingStopped {
		action = typingEnded
	}
	x.typing(action)
}

func (x *telling) typing(action string) {
	x.frame(frameTyping, x.actor(), func(w *wire.Writer) {
		w.Open()
		w.Text("action", action)
		w.Key("user")
		writeUserOr(w, x.ev.User, x.actor(), userView{})
		if len(x.ev.Extra) > 0 {
			w.Raw("metadata", x.ev.Extra)
		}
		w.Close()
	})
}

// tellTransient tells a custom event: this vendor's transient messages, and those of other dialects.
func (d *Dialect) tellTransient(x *telling) {
	if action, ok := strings.CutPrefix(x.ev.Name, frameTyping+":"); ok {
		x.typing(action)
		return
	}
	if x.ev.User == nil {
		return
	}
	x.frame(frameTransient, x.actor(), func(w *wire.Writer) {
		w.Open()
		w.Key("user")
		writeUser(w, x.ev.User, userView{})
		w.Object("data")
		if x.ev.Name != frameTransient {
			w.Text("type", x.ev.Name)
		}
		w.Extra(x.ev.Extra, wire.NamesOf())
		w.Close()
		w.Close()
	})
}

func (d *Dialect) tellPresence(x *telling) {
	u := x.ev.User
	action := "offline"
	if u.Online {
		action = "online"
	}
	x.frame(framePresence, u.ID, func(w *wire.Writer) {
		w.Open()
		w.Text("action", action)
		unix(w, "timestamp", x.ev.At)
		w.Key("user")
		writeUser(w, u, userView{})
		w.Close()
	})
}
