package nexconn

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// Topics on which the server speaks.
const (
	topicMessage  = "s_msg"
	topicNotify   = "s_ntf"
	topicCommand  = "s_cmd"
	topicSettings = "s_us"
	topicPresence = "s_stat"
)

// topicPull is how clients ask for what they missed.
const topicPull = "pullMsg"

// Kinds of NotifyMsg of s_ntf and s_cmd.
const (
	notifyInbox      = 1
	notifyRoom       = 2
	commandRoomKV    = 2
	commandSession   = 3
	commandRoomEnd   = 4
	commandCommunity = 6
	commandChanges   = 7
	commandFollow    = 9
	commandProfile   = 10
	commandEvents    = 11
	commandEdits     = 12
)

// eventTable tells how an event reaches a client; kinds that are missing do not.
var eventTable = map[core.EventKind]func(*link, context.Context, *core.Event, place){
	core.MessageSent:           (*link).tellMessage,
	core.MessageEdited:         (*link).tellEdit,
	core.MessageDeleted:        (*link).tellMessage,
	core.ReadMoved:             (*link).tellRead,
	core.TypingStarted:         (*link).tellTyping,
	core.TypingStopped:         (*link).tellTyping,
	core.CustomEvent:           (*link).tellTransient,
	core.ChannelDeleted:        (*link).tellEnd,
	core.RoomAttributesSet:     (*link).tellKV,
	core.RoomAttributesRemoved: (*link).tellKV,
	core.ConversationChanged:   (*link).tellSettings,
	core.PresenceChanged:       (*link).tellPresence,
	core.MessageValued:         (*link).tellExpansion,
	core.MemberAdded:           (*link).tellVisitor,
	core.MemberRemoved:         (*link).tellVisitor,
}

// tell writes the frames of one event.
func (l *link) tell(ctx context.Context, ev *core.Event) {
	if ev.Origin == l.session {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if ev.Stamp != 0 && l.d.change(ctx, ev, l.by.User) != nil {
		l.notify(topicCommand, commandEvents, ev.Stamp, "")
	}
	tell, ok := eventTable[ev.Kind]
	switch {
	case !ok:
		return
	case ev.Channel == nil && ev.Kind == core.CustomEvent && ev.User != nil: // told to this person alone
		tell(l, ctx, ev, place{kind: wireDirect, id: string(ev.User.ID)})
		return
	case ev.Channel == nil && (ev.Kind == core.ConversationChanged || ev.Kind == core.PresenceChanged):
		tell(l, ctx, ev, place{})
		return
	case ev.Channel == nil:
		return
	}
	if p, ok := l.d.placeOf(ctx, ev.App, l.by.User, ev.Channel); ok {
		tell(l, ctx, ev, p)
	}
}

// notify tells the client that there is something to pull: of the kind, with stamps above at's
// predecessor.
func (l *link) notify(topic string, kind int, s core.Stamp, room string) {
	data := notifyMsg(kind, int64(s), room, 0)
	l.conn.Send(adapters.BinaryFrame(publish(0, topic, string(l.by.User), 1, l.d.now(), data)))
}

// tellMessage tells of a message, and of one that was taken back. Direct and group messages are pushed;
// of the others the client is told to pull them, which is how the SDK takes them.
func (l *link) tellMessage(_ context.Context, ev *core.Event, p place) {
	switch p.kind {
	case wireOpen:
		if ev.Message != nil && ev.Message.Notice != nil {
			return // comings and goings are no messages here
		}
		l.notify(topicNotify, notifyRoom, ev.Stamp, p.id)
		return
	case wireCommunity:
		if ev.Kind == core.MessageSent {
			l.notify(topicCommand, commandCommunity, ev.Stamp, "")
		} else {
			l.notify(topicCommand, commandChanges, ev.Stamp, "")
		}
		return
	}
	m := ev.Message
	if m == nil || ev.Kind == core.MessageSent && unechoed(m, l.by.User) {
		return
	}
	if l.knows(ev.Stamp) {
		return
	}
	author := m.User
	if ev.Kind == core.MessageDeleted && ev.User != nil {
		author = ev.User.ID
	}
	if author == l.by.User {
		l.copyOwn(ev, p)
		return
	}
	l.pushShared(ev, p)
}

// pushShared pushes an event as a message. All who receive one see the same frame, the two people of
// a direct channel excepted, of whom only one receives it.
func (l *link) pushShared(ev *core.Event, p place) {
	frame := core.Encoded(ev, "nexconn", func(e *core.Event) []byte {
		var down *downMessage
		if e.Kind == core.MessageDeleted {
			down = l.d.downRecall(e, p, l.by.User)
		} else {
			down = l.d.down(e.Message, p, l.by.User)
		}
		return publish(flagQoS, topicMessage, "", ackID(e.Stamp), e.At, build(down.write))
	})
	l.push(ev.Stamp, frame)
}

// pushDown pushes a message that is made for this person.
func (l *link) pushDown(s core.Stamp, down *downMessage) {
	l.push(s, publish(flagQoS, topicMessage, "", ackID(s), l.d.now(), build(down.write)))
}

// publishTopics are the topics by which people send messages to the kinds of conversation.
var publishTopics = map[int]string{
	wireDirect: "ppMsgP", wireGroup: "pgMsgP", wireOpen: "chatMsg", wireCommunity: "ugMsg", wireSystem: "pbMsgP",
}

// copyOwn tells the person's other devices what they sent: the very frame of the sender, marked as a
// copy, and the acknowledgement that carries its id and time. The SDK shows it when it has both.
func (l *link) copyOwn(ev *core.Event, p place) {
	topic, target, up := publishTopics[p.kind], p.id, upMessage{sub: p.sub}
	uid, at := uidOf(ev.Message), ev.Message.CreatedAt
	if ev.Kind == core.MessageDeleted {
		down := l.d.downRecall(ev, p, l.by.User)
		topic, target, uid, at = "recallMsg", string(l.by.User), down.uid, ev.At
		up.typ, up.content, up.flags = down.typ, down.content, upStored
	} else {
		c, k := contentOf(ev.Message), keptOf(ev.Message)
		up = upMessage{
			flags: upFlags(&c), typ: c.kind, content: objectBody(c.body), push: k.push, data: k.data, config: k.config, client: k.client,
			expand: k.expansion, pushExt: k.pushExt, sub: p.sub, options: k.options, ref: k.ref, meta: k.meta,
		}
		for _, u := range ev.Message.RestrictedTo {
			if u != l.by.User {
				up.to = append(up.to, string(u))
			}
		}
	}
	id := l.syncID()
	l.conn.Send(adapters.BinaryFrame(publish(flagDup|flagQoS, topic, target, id, at, build(up.write))))
	l.conn.Send(adapters.BinaryFrame(pubAck(id, 0, uid, at)))
	l.mu.Lock()
	if len(l.unacked) == 0 {
		l.acked = max(l.acked, ev.Stamp)
	}
	l.mu.Unlock()
}

// tellEdit tells that there are edits to pull. That a thread grew is an edit for dialects that show it.
func (l *link) tellEdit(_ context.Context, ev *core.Event, p place) {
	switch {
	case ev.Watchers || unchanged(ev):
	case p.kind == wireCommunity:
		l.notify(topicCommand, commandChanges, ev.Stamp, "")
	case p.kind != wireOpen:
		l.notify(topicCommand, commandEdits, ev.Stamp, "")
	}
}

// unchanged reports whether an edit has left alone what this vendor shows of a message: it knows no pins.
func unchanged(ev *core.Event) bool {
	return ev.Change != nil && slices.Equal(ev.Change.Names, []string{core.ChangePinned})
}

// tellRead tells the other one of a direct channel, and the person's own devices, how far somebody has
// read.
func (l *link) tellRead(_ context.Context, ev *core.Event, p place) {
	if ev.Read == nil || ev.Thread != nil || p.kind == wireOpen {
		return
	}
	if own := ev.Read.User.ID == l.by.User; own || p.kind == wireDirect {
		l.pushDown(ev.Stamp, readNotice(ev, p, l.by.User))
	}
}

// tellTyping tells that somebody types. The vendor knows no end of it: clients forget after some seconds.
func (l *link) tellTyping(_ context.Context, ev *core.Event, p place) {
	if ev.User == nil || ev.User.ID == l.by.User || ev.Kind == core.TypingStopped {
		return
	}
	switch p.kind {
	case wireDirect:
	case wireCommunity:
		l.tellOperate(ev, p)
		return
	default:
		return
	}
	down := &downMessage{typ: kindTyping, content: `{"typingContentType":"RC:TxtMsg","data":""}`, at: ev.At.UnixMilli(), ext: extStatus}
	down.stand(p, ev.User.ID, l.by.User)
	l.conn.Send(adapters.BinaryFrame(publish(0, topicMessage, "", 1, ev.At, build(down.write))))
}

// transientExtra is a message nobody keeps as the core carries it: the event bears the name of its type.
func transientExtra(up *upMessage) core.Extra {
	w := wire.NewWriter(16 + len(up.content))
	w.Open()
	w.Text("content", up.content)
	w.Close()
	return w.Bytes()
}

// tellTransient tells a message that is not kept; events of other dialects mean nothing here.
func (l *link) tellTransient(_ context.Context, ev *core.Event, p place) {
	v := gjson.GetBytes(ev.Extra, "content")
	if v.Type != gjson.String || ev.User == nil {
		return
	}
	down := &downMessage{typ: ev.Name, content: objectBody(v.Str), at: ev.At.UnixMilli(), ext: extStatus, uid: transientUID(ev)}
	down.stand(p, ev.User.ID, l.by.User)
	l.conn.Send(adapters.BinaryFrame(publish(0, topicMessage, "", 1, ev.At, build(down.write))))
}

// transientUID is an id for a message that has none, the same for everyone who is told.
func transientUID(ev *core.Event) string {
	return stampUID(core.StampAt(ev.At)) + "-" + string(ev.User.ID)
}

// tellVisitor tells that there is somebody coming to an open channel, or going, to pull.
func (l *link) tellVisitor(_ context.Context, ev *core.Event, p place) {
	if p.kind == wireOpen && l.t.has(serviceOpenVisitors) {
		l.notify(topicNotify, notifyRoom, ev.Stamp, p.id)
	}
}

// tellKV tells that entries of an open channel have changed.
func (l *link) tellKV(_ context.Context, ev *core.Event, p place) {
	data := notifyMsg(commandRoomKV, ev.At.UnixMilli(), p.id, 0)
	l.conn.Send(adapters.BinaryFrame(publish(0, topicCommand, string(l.by.User), 1, ev.At, data)))
}

// tellEnd tells that an open channel or a subchannel is no more.
func (l *link) tellEnd(_ context.Context, ev *core.Event, p place) {
	if p.kind == wireCommunity {
		l.notify(topicCommand, commandChanges, ev.Stamp, "")
	}
	if p.kind == wireOpen {
		data := notifyMsg(commandRoomEnd, ev.At.UnixMilli(), p.id, 0)
		l.conn.Send(adapters.BinaryFrame(publish(0, topicCommand, string(l.by.User), 1, ev.At, data)))
	}
}

// frameSize is how long a frame is that a page of messages would grow by: used to keep pages below what
// a connection may have waiting.
func frameSize(m *downMessage) int { return len(m.content) + 256 + binary.MaxVarintLen64 }
