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
	x.action(actionEdited)
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
	n := &core.Notice{Kind: kind, Of: ev.Target.ID, Person: ev.Target}
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
