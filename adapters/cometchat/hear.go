package cometchat

import (
	"context"

	"github.com/tidwall/gjson"

	"dragoman/core"
	"dragoman/core/fault"
)

// Actions of frames that clients send.
const (
	typingStarted = "started"
	typingEnded   = "ended"

	receiptRead      = "read"
	receiptDelivered = "delivered"
	readByAll        = "readByAll"
	deliveredToAll   = "deliveredToAll"
)

// hear serves one frame of the client. There are no acknowledgements in this protocol, nor errors:
// what cannot be done is left undone. It reports false for a frame that says nothing.
func (l *link) hear(ctx context.Context, f gjson.Result) bool {
	to, group := f.Get("receiver").String(), f.Get("receiverType").String() == "group"
	if to == "" {
		return f.Get("type").Str == framePresence // presence follows from connections
	}
	key := core.ChannelKey(to)
	if !group {
		key = directKey(l.by.User, core.UserID(to))
	}
	body := f.Get("body")
	switch f.Get("type").Str {
	case frameTyping:
		l.typing(ctx, key, core.UserID(to), group, body)
	case frameTransient:
		l.transient(ctx, key, core.UserID(to), group, body)
	case frameReceipts:
		l.receipt(ctx, key, body)
	case framePresence:
	default:
		return false
	}
	return true
}

// extraOf reads an object of a frame.
func extraOf(v gjson.Result) core.Extra {
	if !v.IsObject() || len(v.Raw) > maxTransient {
		return nil
	}
	return core.Extra(v.Raw)
}

// maxTransient bounds what a transient message or a typing frame carries, in bytes.
const maxTransient = 10 << 10

// typing tells that the person types, or has stopped to. Before the first message of two people
// there is no channel: the other one is told directly.
func (l *link) typing(ctx context.Context, key core.ChannelKey, to core.UserID, group bool, body gjson.Result) {
	kind, name := core.TypingStarted, typingStarted
	switch body.Get("action").Str {
	case typingStarted:
	case typingEnded:
		kind, name = core.TypingStopped, typingEnded
	default:
		return
	}
	extra := extraOf(body.Get("metadata"))
	_, err := l.d.core.Live.Send(ctx, l.by, core.SendEvent{Key: key, Kind: kind, Extra: extra})
	if !group && fault.IsReason(err, fault.GroupNotFound) {
		_, _ = l.d.core.Live.Send(ctx, behalf(l.by), core.SendEvent{Kind: core.CustomEvent, Name: frameTyping + ":" + name, Extra: extra, To: []core.UserID{to}})
	}
}

// transient hands on what is not kept.
func (l *link) transient(ctx context.Context, key core.ChannelKey, to core.UserID, group bool, body gjson.Result) {
	in := core.SendEvent{Kind: core.CustomEvent, Name: frameTransient, Extra: extraOf(body.Get("data"))}
	by := l.by
	if group {
		in.Key = key
	} else {
		in.To, by = []core.UserID{to}, behalf(l.by)
	}
	_, _ = l.d.core.Live.Send(ctx, by, in)
}

// receipt moves the person's position up to a message.
func (l *link) receipt(ctx context.Context, key core.ChannelKey, body gjson.Result) {
	id := body.Get("messageId").String()
	if id == "" {
		return
	}
	switch body.Get("action").Str {
	case receiptRead:
		_, _ = l.d.core.Reads.Mark(ctx, l.by, core.MarkRead{Key: key, Message: id})
	case receiptDelivered:
		_, _ = l.d.core.Reads.Delivered(ctx, l.by, core.MarkDelivered{Latest: []core.DeliveredUpTo{{Key: key, Message: id}}})
	}
}
