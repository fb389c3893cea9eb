package nexconn

import (
	"context"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// Types of messages that only tell something and are never written into the log as they are.
const (
	kindRecall   = "RC:RcCmd"   // a message was taken back
	kindRead     = "RC:ReadNtf" // the other one of a direct channel has read up to a time
	kindReadSelf = "RC:SRSMsg"  // the person has read up to a time, on another device
	kindTyping   = "RC:TypSts"
	kindKVChange = "RC:chrmKVNotiMsg"
	kindVisitors = "RC:ChrmMemChange" // somebody came to an open channel, or left it
)

// kept is what a client said of its message beside type and content, kept in Extra for the other side
// and for the person's other devices.
type kept struct {
	config, options, client     int64
	push, data, meta, expansion string
	pushExt                     *pushExtra
	ref                         *reference
}

// sentName is the member of the message's content object that holds it.
const sentName = "sent"

// json is the object as a member of Extra, nil when there is nothing to keep.
func (k *kept) json() []byte {
	w := wire.NewWriter(128)
	w.Open()
	if k.config != 0 {
		w.Int64("config", k.config)
	}
	if k.options != 0 {
		w.Int64("options", k.options)
	}
	if k.client != 0 {
		w.Text("client", strconv.FormatInt(k.client, 10))
	}
	w.TextIf("push", k.push)
	w.TextIf("data", k.data)
	w.TextIf("meta", k.meta)
	w.TextIf("expansion", k.expansion)
	if p := k.pushExt; p != nil && *p != (pushExtra{}) {
		w.Object("pushExt")
		w.TextIf("title", p.Title)
		w.TextIf("id", p.ID)
		w.TextIf("configs", p.Configs)
		w.TextIf("template", p.Template)
		w.Close()
	}
	if r := k.ref; r != nil && *r != (reference{}) {
		w.Object("ref")
		w.TextIf("id", r.ID)
		w.TextIf("from", r.From)
		w.TextIf("type", r.Type)
		w.Close()
	}
	w.Close()
	if w.Len() == 2 {
		return nil
	}
	return w.Bytes()
}

// keptOf reads it back.
func keptOf(m *core.Message) kept {
	v := gjson.GetBytes(m.Extra, contentName+"."+sentName)
	if !v.IsObject() {
		return kept{}
	}
	k := kept{
		config: v.Get("config").Int(), options: v.Get("options").Int(), client: v.Get("client").Int(),
		push: v.Get("push").String(), data: v.Get("data").String(), meta: v.Get("meta").String(), expansion: v.Get("expansion").String(),
	}
	if p := v.Get("pushExt"); p.IsObject() {
		k.pushExt = &pushExtra{Title: p.Get("title").String(), ID: p.Get("id").String(), Configs: p.Get("configs").String(), Template: p.Get("template").String()}
	}
	if r := v.Get("ref"); r.IsObject() {
		k.ref = &reference{ID: r.Get("id").String(), From: r.Get("from").String(), Type: r.Get("type").String()}
	}
	return k
}

// downStatus is how a message is to be treated by its receiver.
func downStatus(c *content) int64 {
	var n int64
	for _, f := range []struct {
		on  bool
		bit int64
	}{{c.stored, downStored}, {c.counted, downCounted}, {c.mentions, downMention}, {c.quiet, downSilent}, {c.expandable, downExpand}} {
		if f.on {
			n |= f.bit
		}
	}
	return n
}

// upFlags says the same as the sender says it.
func upFlags(c *content) int {
	n := 0
	for _, f := range []struct {
		on  bool
		bit int
	}{{c.stored, upStored}, {c.counted, upCounted}, {c.mentions, upMention}, {c.quiet, upSilent}, {c.expandable, upExpand}} {
		if f.on {
			n |= f.bit
		}
	}
	return n
}

// stand fills in where a message stands: for a person's own message in a direct channel it "comes from"
// the other one, with the direction telling better.
func (m *downMessage) stand(p place, author, viewer core.UserID) {
	m.kind, m.sub, m.direction = p.kind, p.sub, dirPeer
	m.from = string(author)
	if author == viewer {
		m.direction = dirOwn
	}
	switch p.kind {
	case wireDirect, wireSystem:
		if m.direction == dirOwn {
			m.from = p.id
		}
	default:
		m.group = p.id
	}
}

// down is a stored message as the viewer is told it.
func (d *Dialect) down(m *core.Message, p place, viewer core.UserID) *downMessage {
	out := &downMessage{id: m.ID, uid: uidOf(m), at: m.CreatedAt.UnixMilli()}
	author := m.User
	if m.Deleted() {
		c := newContent(kindRecalled, recalledBody(m))
		out.typ, out.content, out.status = c.kind, c.body, downStatus(&c)
		out.stand(p, author, viewer)
		return out
	}
	c, k := contentOf(m), keptOf(m)
	out.typ, out.content, out.status = c.kind, objectBody(c.body), downStatus(&c)
	out.config, out.options, out.client = k.config, k.options, k.client
	out.push, out.pushExt, out.meta, out.ref, out.expand = k.push, k.pushExt, k.meta, k.ref, k.expansion
	if !m.EditedAt.IsZero() {
		out.ext |= extModified
		out.modified = `{"modify":{"time":` + strconv.FormatInt(m.EditedAt.UnixMilli(), 10) + `}}`
	}
	for _, u := range m.RestrictedTo {
		if u != author {
			out.to = append(out.to, string(u))
		}
	}
	out.stand(p, author, viewer)
	return out
}

// objectBody is a content the SDK can read: it takes members of whatever it parses, and null has none.
func objectBody(s string) string {
	if s == "" || s == "null" {
		return "{}"
	}
	return s
}

// recalledBody is the content of what stands in the log where a message was taken back.
func recalledBody(m *core.Message) string {
	w := wire.NewWriter(128)
	w.Open()
	w.Text("operatorId", string(m.User))
	w.Int64("recallTime", m.DeletedAt.UnixMilli())
	w.Text("originalObjectName", contentOf(m).kind)
	w.Bool("admin", false)
	w.Bool("delete", false)
	w.Close()
	return string(w.Bytes())
}

// downRecall is the command that tells of a message taken back.
func (d *Dialect) downRecall(ev *core.Event, p place, viewer core.UserID) *downMessage {
	m := ev.Message
	by := m.User
	if ev.User != nil {
		by = ev.User.ID
	}
	w := wire.NewWriter(256)
	w.Open()
	w.Int("conversationType", p.kind)
	w.Text("targetId", p.id)
	w.Text("channelId", p.sub)
	w.Text("messageUId", uidOf(m))
	w.Int64("sentTime", m.CreatedAt.UnixMilli())
	w.Text("originalFromUserId", string(m.User))
	w.Bool("isAdmin", by != m.User)
	w.Bool("isDelete", ev.Hard)
	w.Close()
	out := &downMessage{typ: kindRecall, content: string(w.Bytes()), uid: stampUID(ev.Stamp), at: ev.At.UnixMilli(), status: downStored}
	out.stand(p, by, viewer)
	return out
}

// stampUID is the id of a message that tells of an event and is in no log.
func stampUID(s core.Stamp) string { return strconv.FormatInt(int64(s), 10) + "-e" }

// readNotice tells how far the other one of a direct channel has read.
func readNotice(ev *core.Event, p place, viewer core.UserID) *downMessage {
	r := ev.Read
	typ := kindRead
	if r.User.ID == viewer {
		typ = kindReadSelf
	}
	w := wire.NewWriter(128)
	w.Open()
	w.Int64("lastMessageSendTime", readUpTo(r).UnixMilli())
	w.Text("messageUId", r.Message.String())
	w.Int("type", p.kind)
	w.Close()
	out := &downMessage{typ: typ, content: string(w.Bytes()), uid: stampUID(ev.Stamp), at: ev.At.UnixMilli()}
	out.stand(p, r.User.ID, viewer)
	return out
}

// readUpTo is the time of the newest message that was read.
func readUpTo(r *core.Read) time.Time {
	if r.Message != 0 {
		return core.Stamp(r.Message).Time()
	}
	return r.At
}

// Kinds of RC:ChrmMemChange.
const (
	visitorCame = 1
	visitorLeft = 0
)

// downVisitor is the message that tells who has come to an open channel or left it; nil for other events.
// The person themself is not told.
func (d *Dialect) downVisitor(ev *core.Event, p place, viewer core.UserID) *downMessage {
	status := visitorCame
	switch {
	case ev.Kind != core.MemberAdded && ev.Kind != core.MemberRemoved, ev.Target == nil, ev.Target.ID == viewer:
		return nil
	case ev.Kind == core.MemberRemoved:
		status = visitorLeft
	}
	w := wire.NewWriter(128)
	w.Open()
	w.Int("memberCount", ev.Channel.MemberCount)
	w.List("userList")
	w.Open()
	w.Text("userId", string(ev.Target.ID))
	w.Int("status", status)
	w.Text("extra", "")
	w.Close()
	w.CloseList()
	w.Close()
	out := &downMessage{typ: kindVisitors, content: string(w.Bytes()), uid: stampUID(ev.Stamp), at: ev.At.UnixMilli()}
	out.stand(p, ev.Target.ID, viewer)
	return out
}

// unechoed reports whether a message was sent by a server in the viewer's name without isEchoToSender:
// their own devices are not told of it.
func unechoed(m *core.Message, viewer core.UserID) bool {
	if m.User != viewer {
		return false
	}
	c := contentOf(m)
	return c.unechoed
}

// downEvent is an event of the feed as a message for the viewer, or nil when there is none to tell.
func (d *Dialect) downEvent(ctx context.Context, ev *core.Event, viewer core.UserID) *downMessage {
	if ev.Channel == nil {
		return nil
	}
	p, ok := d.placeOf(ctx, ev.App, viewer, ev.Channel)
	if !ok {
		return nil
	}
	switch {
	case ev.Kind == core.MessageSent && ev.Message != nil && unechoed(ev.Message, viewer):
		return nil
	case ev.Kind == core.MessageSent && ev.Message != nil:
		return d.down(ev.Message, p, viewer)
	case ev.Kind == core.MessageDeleted && ev.Message != nil:
		return d.downRecall(ev, p, viewer)
	case ev.Kind == core.MessageValued && ev.Message != nil:
		return expanded(ev, p, viewer)
	case ev.Kind == core.ReadMoved && ev.Read != nil && ev.Thread == nil && (p.kind == wireDirect || ev.Read.User.ID == viewer):
		return readNotice(ev, p, viewer)
	}
	return nil
}
