package agora

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// maxBody bounds a message's body in bytes: 5 KB of content and extension fields, and room for the names
// around them; see
// https://docs.agora.io/en/agora-chat/reference/limitations.
const maxBody = 5<<10 + 512

// maxExtra bounds what is kept of a message in bytes: its body in base64, and its extension fields.
const maxExtra = 8 * maxBody

// ack is the answer to something sent.
type ack struct {
	id    uint64
	at    time.Time
	metas []item
}

// hear serves something sent: everything but statistics is answered, and what fails by a text that
// the SDK knows, since it waits for an answer.
func (l *link) hear(ctx context.Context, m *item) {
	var a ack
	var err error
	room := false
	switch m.ns {
	case nsStatistic:
		return
	case nsChat:
		a, room, err = l.hearChat(ctx, m)
	case nsMUC:
		a, err = l.hearMUC(ctx, m)
		room = true
	case nsRoster:
		a, err = l.hearRoster(ctx, m)
	default:
		err = fault.RequestInvalid.Error("The namespace is not known.")
	}
	out := syncDL{metaID: m.id, status: success()}
	if err != nil {
		s := SendStatus(roomProblem(l.problem(err), room))
		out.status.v.code, out.status.v.reason = int64(s.Code), s.Reason
		a.at = l.d.now()
	} else {
		out.serverID, out.metas = a.id, a.metas
	}
	out.timestamp = millis(a.at)
	l.send(cmdSync, &out)
}

// roomProblem tells a missing room from a missing group: the SDK knows them by different texts.
func roomProblem(p *normalize.Problem, room bool) *normalize.Problem {
	if reason, variant := p.Key(); room && variant == "" && reason == fault.GroupNotFound {
		p.Variant = "room"
	}
	return p
}

// hearChat serves a message, or one of the acknowledgements and changes that travel as messages.
func (l *link) hearChat(ctx context.Context, m *item) (ack, bool, error) {
	var b msgBody
	if len(m.payload) > maxBody {
		return ack{}, false, fault.MessageTooLong.Error("The message is too large.")
	}
	if err := b.decode(m.payload, 0); err != nil {
		return ack{}, false, fault.MessageInvalid.Error("The message cannot be read.")
	}
	if m.to.v == nil || m.to.v.name == "" {
		return ack{}, false, fault.MessageInvalid.Error("The message has no receiver.")
	}
	var a ack
	var err error
	switch b.kind {
	case bodyReadAck:
		a, err = l.hearRead(ctx, &b)
	case bodyDeliverAck:
		a, err = l.hearDelivered(ctx, m, &b)
	case bodyChannelAck:
		a, err = l.hearChannelRead(ctx, m)
	case bodyRecall:
		a, err = l.hearRecall(ctx, m, &b)
	case bodyEdit:
		a, err = l.hearEdit(ctx, m, &b)
	default:
		a, err = l.hearMessage(ctx, m, &b)
	}
	return a, b.kind == bodyRoom, err
}

// done is the answer of what leaves nothing that has a number.
func (l *link) done() ack { return ack{id: l.d.serial(), at: l.d.now()} }

// place is where something sent goes: a conversation with a person, or a group or room.
type place struct {
	key  core.ChannelKey
	user core.UserID // of a conversation of two
}

// placeOf finds the receiver. Groups and rooms are named in a domain of their own.
func (l *link) placeOf(ctx context.Context, to *jid) (place, error) {
	if to.domain == domainGroup {
		return place{key: core.ChannelKey(to.name)}, nil
	}
	name, _, _ := strings.Cut(to.name, "/")
	u, err := l.d.person(ctx, l.t.id, core.UserID(name))
	if err != nil {
		return place{}, err
	}
	return place{key: directKey(l.by.User, u.ID), user: u.ID}, nil
}

// hearMessage stores a message and answers its number. A message that comes twice is stored once.
func (l *link) hearMessage(ctx context.Context, m *item, b *msgBody) (ack, error) {
	at, err := l.placeOf(ctx, m.to.v)
	if err != nil {
		return ack{}, err
	}
	if len(b.contents) == 0 {
		return ack{}, fault.MessageInvalid.Error("The message says nothing.")
	}
	if b.contents[0].kind == contentCommand {
		return l.hearCommand(ctx, m, b, at)
	}
	var tag optional
	for i := range m.ext {
		if m.ext[i].key == "chatroom_msg_tag" {
			tag = m.ext[i].number
		}
	}
	in := b.input(m.payload, l.device, tag)
	in.Alias = l.alias(m.id)
	if m.route == routeDirect {
		for _, u := range m.directed {
			in.RestrictedTo = append(in.RestrictedTo, core.UserID(u))
		}
	}
	if err := l.inThread(ctx, &at, &in); err != nil {
		return ack{}, named(err, at, m.to.v.name)
	}
	cmd := core.SendMessage{Key: at.key, Message: in, SkipCommands: true, MaxExtra: maxExtra, Inside: at.user == ""}
	out, err := l.d.core.Messages.Send(ctx, l.by, cmd)
	if at.user != "" && fault.IsReason(err, fault.GroupNotFound) {
		if err = l.d.openDirect(ctx, l.by, at.user); err == nil {
			out, err = l.d.core.Messages.Send(ctx, l.by, cmd)
		}
	}
	if err != nil {
		return ack{}, named(err, at, m.to.v.name)
	}
	return l.sent(ctx, &out.Message, m.payload, at)
}

// inThread finds the thread that a message goes to when no group has the name: a thread is named as a
// group is, by the number of the message it is about.
func (l *link) inThread(ctx context.Context, at *place, in *core.MessageInput) error {
	if at.user != "" {
		return nil
	}
	_, err := l.d.core.Groups.Get(ctx, server(l.t.id), core.GetGroup{Key: at.key})
	if !fault.IsReason(err, fault.GroupNotFound) {
		return err
	}
	t, terr := l.d.core.Threads.Get(ctx, l.by, core.GetThread{Parent: string(at.key)})
	if terr != nil || t.StartedAt.IsZero() {
		return err
	}
	at.key, in.Parent = t.Channel.Key, string(at.key)
	return nil
}

// sent answers a stored message: with its content where a rule or a webhook has changed it.
func (l *link) sent(_ context.Context, m *core.Message, raw []byte, _ place) (ack, error) {
	a := ack{id: uint64(m.ID), at: m.CreatedAt} //nolint:gosec // ids are positive
	var b msgBody
	if b.decode(raw, 0) != nil || len(b.contents) == 0 || b.contents[0].plain() == m.Text || b.contents[0].kind != contentText {
		return a, nil
	}
	b.contents[0].text = m.Text
	x := item{id: a.id, timestamp: millis(m.CreatedAt), ns: nsChat, payload: b.encode(nil), meta: []byte(`{"callback_replace":true}`)}
	x.from.v = l.self()
	a.metas = []item{x}
	return a, nil
}

// alias is the name under which the core knows a message of this device again.
func (l *link) alias(id uint64) string {
	if id == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(string(l.by.User) + "\x00" + l.device + "\x00" + strconv.FormatUint(id, 10)))
	return "msync-" + hex.EncodeToString(sum[:12])
}

// openDirect makes the conversation of two people.
func (d *Dialect) openDirect(ctx context.Context, by core.Actor, peer core.UserID) error {
	_, err := d.core.Channels.Open(ctx, behalf(by), core.OpenChannel{Type: core.DefaultType, Input: core.ChannelInput{
		CreatedBy: by.User, Members: []core.MemberInput{{User: by.User}, {User: peer}},
	}})
	return err
}

// named gives a refusal the receiver's name, which some of the vendor's texts hold.
func named(err error, at place, name string) error {
	what := "group_id"
	if at.user != "" {
		what = "username"
	}
	return fault.From(err).Param(what, name)
}

// hearCommand hands on a command message, which is shown to nobody and kept in no history.
func (l *link) hearCommand(ctx context.Context, m *item, b *msgBody, at place) (ack, error) {
	a := l.done()
	w := wire.NewWriter(64 + len(m.payload)*4/3)
	w.Open()
	writeValues(w, b.ext, foreign)
	w.Object(msyncName)
	w.Text("body", base64.StdEncoding.EncodeToString(m.payload))
	w.Text("id", strconv.FormatUint(a.id, 10))
	w.TextIf("to", string(at.user))
	w.Close()
	w.Close()
	// Who is away gets it later, unless it is for those who are there.
	in := core.SendEvent{Key: at.key, Kind: core.CustomEvent, Name: cmdEvent, Extra: core.Extra(w.Bytes()), Keep: m.route != routeOnline}
	switch b.contents[0].action {
	case actionTyping:
		in.Kind, in.Name, in.Keep = core.TypingStarted, "", false
	case actionStopped:
		in.Kind, in.Name, in.Keep = core.TypingStopped, "", false
	}
	_, err := l.d.core.Live.Send(ctx, l.by, in)
	if at.user != "" && fault.IsReason(err, fault.GroupNotFound) { // the two have not written each other yet
		in.Key, in.Kind, in.Name, in.To = "", core.CustomEvent, cmdEvent, []core.UserID{at.user}
		_, err = l.d.core.Live.Send(ctx, behalf(l.by), in)
	}
	if err != nil {
		return ack{}, named(err, at, m.to.v.name)
	}
	return a, nil
}

// hearDelivered notes that a message reached this device.
func (l *link) hearDelivered(ctx context.Context, m *item, b *msgBody) (ack, error) {
	at, err := l.placeOf(ctx, m.to.v)
	if err == nil {
		_, err = l.d.core.Reads.Delivered(ctx, l.by, core.MarkDelivered{Latest: []core.DeliveredUpTo{{Key: at.key, Message: messageName(b.ackID)}}})
	}
	return l.done(), err
}

// hearChannelRead notes that the person has read a conversation to its end.
func (l *link) hearChannelRead(ctx context.Context, m *item) (ack, error) {
	at, err := l.placeOf(ctx, m.to.v)
	if err == nil {
		_, err = l.d.core.Reads.Mark(ctx, l.by, core.MarkRead{Key: at.key})
	}
	return l.done(), err
}

// receiptWithin is how long after it a message in a group can be acknowledged; see
// https://docs.agora.io/en/agora-chat/reference/error-codes, code 506.
const receiptWithin = 3 * 24 * time.Hour

// hearRead notes that the person has read a message.
func (l *link) hearRead(ctx context.Context, b *msgBody) (ack, error) {
	hit, err := l.message(ctx, b.ackID)
	if err != nil {
		return ack{}, err
	}
	if hit.Channel.Kind != core.KindDirect && l.d.now().Sub(hit.Message.CreatedAt) > receiptWithin {
		return ack{}, fault.MessageWindowExpired.Error("The message is too old to be acknowledged.").With("receipt")
	}
	// The position follows for those whose dialects know nothing else, and is not told twice.
	if _, err = l.d.core.Acks.Ack(ctx, l.by, core.AckMessage{Message: hit.Message.ID.String(), Text: b.ack}); err == nil {
		_, err = l.d.core.Reads.Mark(core.WithOrigin(ctx, ackOrigin+l.device), l.by, core.MarkRead{Key: hit.Channel.Key, Message: hit.Message.ID.String()})
	}
	return l.done(), err
}

// message reads a message by its number as the person sees it.
func (l *link) message(ctx context.Context, id uint64) (core.Hit, error) {
	hits, err := l.d.core.Messages.Get(ctx, l.by, core.GetMessages{IDs: []string{messageName(id)}, Strict: true})
	if err != nil {
		return core.Hit{}, err
	}
	if len(hits) == 0 || hits[0].Message.Deleted() {
		return core.Hit{}, fault.MessageNotFound.Error("The message does not exist.")
	}
	return hits[0], nil
}

func messageName(id uint64) string { return strconv.FormatUint(id, 10) }
