package agora

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// eventTable tells what items an event makes for one connection; kinds that are missing make none.
var eventTable = map[core.EventKind]func(*telling){
	core.MessageSent:     (*telling).message,
	core.MessageEdited:   (*telling).edited,
	core.MessageDeleted:  (*telling).recalled,
	core.ReactionAdded:   (*telling).reaction,
	core.ReactionChanged: (*telling).reaction,
	core.ReactionRemoved: (*telling).reaction,
	core.ReadMoved:       (*telling).read,
	core.DeliveredMoved:  (*telling).delivered,
	core.MemberAdded:     (*telling).joined,
	core.MemberRemoved:   (*telling).left,
	core.MemberUpdated:   (*telling).ranked,
	core.MemberInvited:   (*telling).invited,
	core.InviteAccepted:  (*telling).answered,
	core.InviteRejected:  (*telling).answered,
	core.UserBanned:      (*telling).banned,
	core.UserUnbanned:    (*telling).banned,
	core.ChannelUpdated:  (*telling).updated,
	core.ChannelDeleted:  (*telling).dissolved,
	core.ChannelHidden:   (*telling).hidden,
	core.TypingStarted:   (*telling).typing,
	core.TypingStopped:   (*telling).typing,
	core.CustomEvent:     (*telling).custom,

	core.MemberMuted:           (*telling).muted,
	core.MemberUnmuted:         (*telling).muted,
	core.GroupMutedAll:         plainly(mucMuteAll),
	core.GroupUnmutedAll:       plainly(mucUnmuteAll),
	core.MemberAllowed:         (*telling).allowed,
	core.MemberDisallowed:      (*telling).allowed,
	core.Announced:             (*telling).announced,
	core.GroupRuled:            (*telling).updated,
	core.OwnerChanged:          (*telling).owned,
	core.FileShared:            plainly(mucUploadFile),
	core.FileUnshared:          plainly(mucDeleteFile),
	core.MemberAttributes:      (*telling).memberValues,
	core.RoomAttributesSet:     (*telling).roomValues,
	core.RoomAttributesRemoved: (*telling).roomValues,
	core.JoinRequested:         (*telling).requested,
	core.JoinAccepted:          (*telling).decided,
	core.JoinDeclined:          (*telling).decided,
	core.GroupInvited:          (*telling).wanted,
	core.GroupInviteAccepted:   (*telling).replied,
	core.GroupInviteDeclined:   (*telling).replied,
	core.MessageAcked:          (*telling).acked,
	core.PresenceChanged:       (*telling).presence,
	core.ConversationChanged:   (*telling).conversation,
	core.ThreadStarted:         (*telling).threadStarted,
	core.ThreadUpdated:         (*telling).threadRenamed,
	core.ThreadClosed:          (*telling).threadClosed,
	core.ThreadEntered:         (*telling).threadEntered,
	core.ThreadLeft:            (*telling).threadLeft,
	core.FriendRequested:       (*telling).friendAsked,
	core.FriendAdded:           (*telling).befriended,
	core.FriendDeclined:        (*telling).friendDeclined,
	core.FriendRemoved:         (*telling).friendRemoved,
}

// telling is one event being told to one connection.
type telling struct {
	d      *Dialect
	ctx    context.Context
	t      *tenant
	v      *venue // nil for events without a channel
	ev     *core.Event
	viewer core.UserID
	device string
	online bool
	id     uint64
	out    [][]byte
}

// add adds an item. Clients take two items of one id for one, so that further ones of an event have
// ids beside the stamp's.
func (x *telling) add(make func(id uint64) []byte) {
	x.out = append(x.out, make(x.id|uint64(len(x.out))<<56))
}

// actor is who did it.
func (x *telling) actor() core.UserID {
	if x.ev.User != nil {
		return x.ev.User.ID
	}
	return core.SystemUser
}

// target is whom it was done to, or who did it where that is the same.
func (x *telling) target() core.UserID {
	if x.ev.Target != nil {
		return x.ev.Target.ID
	}
	return x.actor()
}

// own reports whether this very device did it, and knows.
func (x *telling) own() bool {
	return x.actor() == x.viewer && x.ev.Origin != "" && x.ev.Origin == x.device
}

func (x *telling) message() {
	m := x.ev.Message
	k, _ := keptOf(m)
	switch {
	case m.Notice != nil && m.Notice.Kind != core.NoticeCall || m.Deleted():
		return // notices are told as what happened; there is nothing else to tell a call by
	case m.User == x.viewer && (x.own() || k.device != "" && k.device == x.device):
		return
	case len(m.RestrictedTo) > 0 && m.User != x.viewer && !slices.Contains(m.RestrictedTo, x.viewer):
		return
	}
	v := x.v
	if m.Parent != 0 {
		t := x.thread(m)
		if t == nil || !t.StartedAt.IsZero() && m.User != x.viewer && !slices.Contains(m.Participants, x.viewer) {
			x.grown(t, m)
			return
		}
		defer x.grown(t, m)
		v = v.within(t)
	}
	make := func() []byte { return x.d.metaBytes(v, m, &x.online) }
	if x.online {
		// Everybody who is told gets the same bytes.
		b := core.Encoded(x.ev, "agora.item", func(*core.Event) []byte { return make() })
		x.out = append(x.out, b)
		return
	}
	x.out = append(x.out, make())
}

// edited tells an edit, or that a message is pinned. That a thread grew, or what another dialect keeps
// with a message changed, is an edit for the core alone.
func (x *telling) edited() {
	m := x.ev.Message
	k, _ := keptOf(m)
	switch {
	case x.ev.Watchers || x.own() || m.Deleted() || m.Notice != nil:
	case x.ev.Change != nil && slices.Contains(x.ev.Change.Names, core.ChangePinned):
		x.pinned(m)
	case !m.EditedAt.IsZero() || k.edits > 0:
		x.add(func(id uint64) []byte { return x.d.editBytes(x.v, m, x.actor(), id) })
	}
}

// pinned tells that a message is pinned for everybody, or no more.
func (x *telling) pinned(m *core.Message) {
	op := "pin_delete"
	if m.Pinned {
		op = "pin"
	}
	x.conv(op, m.ID.String())
}

// conversationOps are what a person does with a conversation, as their other devices are told.
var conversationOps = map[string]string{"pinned": "top", "unpinned": "not_top", "dropped": "del"}

// conversation tells the person's other devices what became of a conversation on the list.
func (x *telling) conversation() {
	c := x.ev.Change
	if x.own() || x.v == nil || c == nil {
		return
	}
	if op := conversationOps[c.New]; op != "" {
		x.conv(op, "")
		return
	}
	if c.New == "marked" && c.Settings != nil {
		op, mark := "mark_delete", ""
		if n := len(c.Settings.Marks); n > 0 {
			op, mark = "mark", c.Settings.Marks[n-1]
		}
		x.conv(op, mark)
	}
}

// recalled tells that a message is gone.
func (x *telling) recalled() {
	m := x.ev.Message
	if x.own() || m.Notice != nil {
		return
	}
	if len(x.ev.To) == 1 && x.ev.To[0] == x.viewer && m.DeletedAt.IsZero() { // for the viewer alone
		x.notify("roaming_delete", func(w *wire.Writer) {
			w.Object("data")
			w.Text("to", x.v.to(x.viewer))
			w.Text("chatType", x.chat())
			w.Text("resource", x.ev.Origin)
			w.List("msgIds")
			w.Item(m.ID.String())
			w.CloseList()
			w.Close()
		})
		return
	}
	x.add(func(id uint64) []byte {
		return x.d.ackBytes(x.v, bodyRecall, x.actorHere(m.User), "", m.ID, id, x.ev.At, func(it *item, b *msgBody) {
			if s := gjson.GetBytes(m.Extra, msyncName+".recall").String(); s != "" {
				it.ext = []keyValue{{key: "recallMessageExtensionInfo", kind: some(kvString), text: s}}
			}
			if x.v.direct() && m.User != x.viewer {
				it.to.v = x.v.user(x.viewer)
				b.to.v = &jid{name: string(x.viewer)}
			}
		})
	})
}

// actorHere is who did it; in a conversation of two it is one of the two, whoever it was.
func (x *telling) actorHere(author core.UserID) core.UserID {
	by := x.actor()
	if x.v.direct() && by != x.v.pair[0] && by != x.v.pair[1] {
		return author
	}
	return by
}

// chat is the vendor's word for the kind of conversation in notices.
func (x *telling) chat() string {
	if x.v.direct() {
		return "chat"
	}
	return "groupchat"
}

// notify adds a NOTIFY item.
func (x *telling) notify(typ string, write func(*wire.Writer)) {
	x.add(func(id uint64) []byte {
		return x.d.notifyBytes(x.t, x.viewer, id, x.ev.At, func(w *wire.Writer) {
			w.Text("type", typ)
			write(w)
		})
	})
}

func (x *telling) reaction() {
	if x.own() {
		return
	}
	r, m, what := x.ev.Reaction, x.ev.Message, "create"
	if x.ev.Kind == core.ReactionRemoved {
		what = "delete"
	}
	x.notify("reaction", func(w *wire.Writer) {
		w.List("data")
		w.Open()
		w.Text("from", string(m.User))
		w.Text("to", x.v.to(m.User))
		w.Text("channel_type", x.chat())
		w.Text("messageId", m.ID.String())
		w.List("reactions")
		writeReaction(w, m, r.Type, r.User, what)
		w.CloseList()
		w.Int64("ts", x.ev.At.UnixMilli())
		w.Close()
		w.CloseList()
	})
}

// read tells that somebody has read a conversation of two up to its end. The acknowledgement of a
// single message is an event of its own.
func (x *telling) read() {
	r := x.ev.Read
	if r == nil || x.ev.Thread != nil || !x.v.direct() || r.Message == 0 || x.own() || strings.HasPrefix(x.ev.Origin, ackOrigin) {
		return
	}
	x.add(func(id uint64) []byte {
		return x.d.ackBytes(x.v, bodyChannelAck, r.User.ID, "", r.Message, id, x.ev.At, nil)
	})
}

// ackOrigin marks what follows from the acknowledgement of a single message, in place of the device.
const ackOrigin = "msync-ack:"

func (x *telling) delivered() {
	r := x.ev.Read
	if r == nil || !x.v.direct() || r.User.ID == x.viewer || r.DeliveredID == 0 {
		return
	}
	x.add(func(id uint64) []byte {
		return x.d.ackBytes(x.v, bodyDeliverAck, r.User.ID, "", r.DeliveredID, id, x.ev.At, nil)
	})
}

// muc adds an event of a group or room.
func (x *telling) muc(op int, from core.UserID, more func(*mucBody)) {
	if x.v == nil || x.v.direct() {
		return
	}
	b := &mucBody{op: always(op)}
	b.from.v = x.v.user(from)
	if from == x.viewer {
		b.from.v.resource = x.ev.Origin
	}
	if more != nil {
		more(b)
	}
	x.add(func(id uint64) []byte { return x.d.mucBytes(x.v, id, x.ev.At, x.viewer, b) })
}

// whom names a person as the receiver of an event.
func (x *telling) whom(u core.UserID) func(*mucBody) {
	return func(b *mucBody) { b.to = manyJID{*x.v.user(u)} }
}

// counted tells how many members there are now.
func (x *telling) counted(b *mucBody) { b.count = int64(x.ev.Channel.MemberCount) }

// founding is how long the making of a group takes at most: its first members are not told of each
// other.
const founding = 50 * time.Millisecond

func (x *telling) joined() {
	of, by := x.target(), x.actor()
	owner := x.ev.Member != nil && x.ev.Member.Role == core.MemberOwner
	switch {
	case of == x.viewer && owner:
		if !x.own() {
			x.muc(mucCreate, of, nil)
		}
	case of == x.viewer && by != of:
		x.muc(mucDirectJoined, by, func(b *mucBody) { b.name = x.ev.Channel.Name })
	case of == x.viewer, owner, x.ev.Message == nil && !x.v.room() && x.ev.At.Sub(x.ev.Channel.CreatedAt) < founding:
		// who did it knows, and so do those who are there from the beginning
	default:
		x.muc(mucPresence, of, func(b *mucBody) {
			x.counted(b)
			b.ext = gjson.GetBytes(x.ev.Extra, "ext").String()
		})
	}
}

func (x *telling) left() {
	of, by := x.target(), x.actor()
	switch {
	case of == x.viewer && by != of:
		x.muc(mucKick, by, x.whom(of))
	case of != x.viewer:
		x.muc(mucAbsence, of, x.counted)
	}
}

// banned tells that somebody is on the block list, which ends their membership, or no more on it. A ban
// that leaves them a member, as other dialects know it, is a mute here.
func (x *telling) banned() {
	of, by := x.target(), x.actor()
	lifted := x.ev.Kind == core.UserUnbanned
	switch {
	case x.v == nil || x.ev.Ban != nil && x.ev.Ban.Shadow:
	case x.ev.Message == nil && x.ev.Member == nil && x.ev.Change == nil:
		x.silenced(lifted)
	case of == x.viewer && lifted:
		x.muc(mucAllow, by, x.whom(of))
	case of == x.viewer:
		x.muc(mucKick, by, x.whom(of))
	case !lifted:
		x.muc(mucAbsence, of, x.counted)
	}
}

// silenced tells of a ban that ends no membership.
func (x *telling) silenced(lifted bool) {
	op := mucAddMute
	if lifted {
		op = mucRemoveMute
	}
	x.muc(op, x.actor(), func(b *mucBody) {
		x.whom(x.target())(b)
		if ban := x.ev.Ban; !lifted && ban != nil {
			until := int64(-1)
			if !ban.Expires.IsZero() {
				until = ban.Expires.UnixMilli()
			}
			b.ext = `{"user_mute_time":` + strconv.FormatInt(until, 10) + `}`
		}
	})
}

// ranked tells of a member's new rank.
func (x *telling) ranked() {
	if x.own() {
		return
	}
	var old, now string
	switch {
	case x.ev.Message != nil && x.ev.Message.Notice != nil:
		old, now = x.ev.Message.Notice.Old, x.ev.Message.Notice.New
	case x.ev.Change != nil:
		old, now = x.ev.Change.Old, x.ev.Change.New
	}
	of, by := x.target(), x.actor()
	switch {
	case now == core.MemberOwner, old == core.MemberOwner:
		return // told as the change of owner
	case now == "", staff(now) == staff(old):
	case staff(now):
		x.muc(mucAddAdmin, by, x.whom(of))
	default:
		x.muc(mucRemoveAdmin, by, x.whom(of))
	}
}

// staff reports whether a rank is the vendor's admin: it has no moderators beside them.
func staff(rank string) bool { return rank == core.MemberAdmin || rank == core.MemberModerator }

// invited tells a person that they may join; of invitations of dialects that have them as members.
func (x *telling) invited() {
	if x.target() == x.viewer {
		x.muc(mucInvite, x.actor(), func(b *mucBody) { b.name = x.ev.Channel.Name })
	}
}

func (x *telling) answered() {
	op := mucInviteAccept
	if x.ev.Kind == core.InviteRejected {
		op = mucInviteReject
	}
	if x.target() != x.viewer {
		x.muc(op, x.target(), nil)
	}
}

func (x *telling) updated() {
	if x.own() {
		return
	}
	c := x.ev.Channel
	if x.ev.Change != nil && slices.Contains(x.ev.Change.Names, core.ChangeFrozen) {
		op := mucUnmuteAll
		if c.Frozen {
			op = mucMuteAll
		}
		x.muc(op, x.actor(), nil)
		return
	}
	x.muc(mucUpdate, x.actor(), func(b *mucBody) {
		w := wire.NewWriter(160)
		w.Open()
		w.Text("name", c.Name)
		if s := gjson.GetBytes(c.Extra, "description"); s.Exists() {
			w.Text("description", s.String())
		}
		w.Bool("public", c.Admits() != core.AdmitInvited)
		w.TextIf("avatar", c.Image)
		w.Int64("last_modified", c.UpdatedAt.UnixMilli())
		w.Close()
		b.info.v = &eventInfo{ext: string(w.Bytes())}
	})
}

func (x *telling) dissolved() {
	if !x.own() {
		x.muc(mucDestroy, x.actor(), nil)
	}
}

// hidden tells the person's other devices that a conversation is off the list.
func (x *telling) hidden() {
	if x.own() {
		return
	}
	x.conv("del", "")
}

// conv tells of what a person did with a conversation on another device.
func (x *telling) conv(op, ext string) {
	x.notify("conv", func(w *wire.Writer) {
		w.Object("data")
		w.Text("op", op)
		w.Text("res", x.ev.Origin)
		w.Text("from", string(x.actor()))
		w.Text("id", x.v.to(x.viewer))
		w.Text("type", x.chat())
		w.Int64("ts", x.ev.At.UnixMilli())
		w.Text("ext", ext)
		w.Close()
	})
}

// Actions of command messages that stand for typing; the vendor's UI kits use them.
const (
	actionTyping  = "TypingBegin"
	actionStopped = "TypingEnd"
)

func (x *telling) typing() {
	action := actionTyping
	if x.ev.Kind == core.TypingStopped {
		action = actionStopped
	}
	x.command(action)
}

// cmdEvent names custom events that are this vendor's command messages.
const cmdEvent = "msync.cmd"

// custom tells a custom event as a command message.
func (x *telling) custom() {
	if x.ev.Name == cmdEvent || x.ev.User != nil && x.ev.Name != "" {
		x.command(x.ev.Name)
	}
}

// command adds a command message: the bytes that were sent, or ones made of another dialect's event.
func (x *telling) command(action string) {
	if x.own() || x.v == nil && x.ev.User == nil || x.v == nil && x.actor() == x.viewer && x.ev.Name != cmdEvent {
		return
	}
	kept := gjson.GetBytes(x.ev.Extra, msyncName)
	raw, err := base64.StdEncoding.DecodeString(kept.Get("body").Str)
	from := x.actor()
	to := x.t.user(x.viewer)
	kind := int64(bodyChat)
	switch {
	case x.v != nil:
		to, kind = x.v.target(from), x.v.bodyKind()
	case kept.Get("to").Str != "":
		to = x.t.user(core.UserID(kept.Get("to").Str))
	}
	if err != nil || len(raw) == 0 {
		b := msgBody{kind: kind, contents: []content{{kind: contentCommand, action: action}}, ext: valuesOf(gjson.ParseBytes(x.ev.Extra), foreign)}
		b.from.v, b.to.v = &jid{name: string(from)}, &jid{name: to.name}
		raw = b.encode(nil)
	}
	it := item{timestamp: millis(x.ev.At), ns: nsChat, payload: raw}
	it.from.v, it.to.v = x.t.user(from), to
	it.from.v.resource = x.ev.Origin
	if n, err := strconv.ParseUint(kept.Get("id").Str, 10, 64); err == nil {
		it.id = n
	}
	x.add(func(id uint64) []byte {
		if it.id == 0 {
			it.id = id
		}
		return it.encode(nil)
	})
}
