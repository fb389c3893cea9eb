package nexconn

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// send serves the topics by which messages are sent to one kind of conversation.
func send(kind int) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		c.kind = kind
		var up upMessage
		if err := up.read(c.data); err != nil {
			return outcome{}, err
		}
		p := place{kind: kind, id: c.target, sub: up.sub}
		switch {
		case p.id == "" || up.typ == "":
			return outcome{}, fault.RequestInvalid.Error("A message needs a target and a type.")
		case len(up.content) > maxContent:
			return outcome{}, fault.MessageTooLong.Error("The content must be at most 128 KiB.")
		case len(up.typ) > maxKind:
			return outcome{}, fault.RequestFieldTooLong.Error("The type must be at most 32 bytes.")
		}
		if hear, ok := heard[up.typ]; ok {
			if kind == wireDirect || kind == wireGroup {
				return hear(ctx, c, p, &up)
			}
		}
		if strings.HasSuffix(c.topic, "S") || up.flags&upStored == 0 && !kinds[up.typ].stored {
			return c.transient(ctx, p, &up)
		}
		m, err := c.store(ctx, p, &up)
		if err != nil {
			return outcome{}, err
		}
		if kind == wireOpen {
			c.remember(uidOf(m))
		}
		return outcome{uid: uidOf(m), at: m.CreatedAt}, nil
	}
}

// heard are the messages of clients that are commands in truth.
var heard = map[string]func(context.Context, *call, place, *upMessage) (outcome, error){
	kindRead:      readBy,
	kindReadSelf:  readBy,
	kindTyping:    typing,
	kindExpansion: expand,
}

// store puts a message into the log.
func (c *call) store(ctx context.Context, p place, up *upMessage) (*core.Message, error) {
	body := newContent(up.typ, up.content)
	body.stored, body.counted = up.flags&upStored != 0, up.flags&upCounted != 0
	body.mentions, body.quiet, body.expandable = up.flags&upMention != 0, up.flags&upSilent != 0, up.flags&upExpand != 0
	in := body.input()
	k := kept{
		config: up.config, options: up.options, client: up.client, push: up.push, data: up.data, meta: up.meta,
		expansion: up.expand, pushExt: up.pushExt, ref: up.ref,
	}
	in.Extra = withSent(in.Extra, k.json())
	if up.ref != nil && in.Quoted == "" {
		in.Quoted = up.ref.ID
	}
	if up.client != 0 {
		in.Alias = aliasOf(c.by.User, c.device, up.client)
	}
	for _, u := range up.to {
		if id := core.UserID(u); !slices.Contains(in.RestrictedTo, id) {
			in.RestrictedTo = append(in.RestrictedTo, id)
		}
	}
	if len(in.RestrictedTo) > 0 {
		in.RestrictedTo = append(in.RestrictedTo, c.by.User)
	}
	cmd := core.SendMessage{Key: p.key(c.by.User), Message: in, SkipCommands: true, Inside: p.kind != wireDirect, Directed: true, MaxText: maxBound, MaxExtra: maxBound}
	out, err := c.d.core.Messages.Send(ctx, c.by, cmd)
	if p.kind == wireDirect && fault.IsReason(err, fault.GroupNotFound) {
		if err = c.begin(ctx, p); err == nil {
			out, err = c.d.core.Messages.Send(ctx, c.by, cmd)
		}
	}
	if fault.IsReason(err, fault.MessageNotFound) && cmd.Message.Quoted != "" { // what it quotes is gone, or was never here
		cmd.Message.Quoted = ""
		out, err = c.d.core.Messages.Send(ctx, c.by, cmd)
	}
	if err != nil {
		return nil, err
	}
	if set := firstExpansion(up.expand); len(set) > 0 && body.expandable && !out.Duplicate {
		if err := c.d.annotate(ctx, c.by, uidOf(&out.Message), set, nil, maxExpansion); err != nil {
			return nil, err
		}
	}
	return &out.Message, nil
}

// maxBound is how large a message may be with all that is kept of it.
const maxBound = 192 << 10

// begin makes the direct channel with the other person of a place.
func (c *call) begin(ctx context.Context, p place) error {
	_, err := c.d.openDirect(ctx, server(c.by.App), c.by.User, core.UserID(p.id))
	return err
}

// withSent adds what the client said beside type and content to the message's content object.
func withSent(x core.Extra, sent []byte) core.Extra {
	if sent == nil {
		return x
	}
	w := wire.NewWriter(len(x) + len(sent) + 32)
	w.Open()
	w.Object(contentName)
	w.Extra(core.Extra(gjson.GetBytes(x, contentName).Raw), wire.NamesOf(sentName))
	w.Raw(sentName, sent)
	w.Close()
	w.Extra(x, wire.NamesOf(contentName))
	w.Close()
	return w.Bytes()
}

// aliasPrefix begins the names of messages of the live link.
const aliasPrefix = "nx-"

// aliasOf is the name of a message by its sender's own number, so that one sent again is one message.
func aliasOf(user core.UserID, device string, client int64) string {
	sum := sha256.Sum256([]byte(string(user) + "\x00" + device + "\x00" + strconv.FormatInt(client, 10)))
	return aliasPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
}

// transient tells a message that is not kept to who is there.
func (c *call) transient(ctx context.Context, p place, up *upMessage) (outcome, error) {
	in := core.SendEvent{Key: p.key(c.by.User), Kind: core.CustomEvent, Name: up.typ, Extra: transientExtra(up)}
	ev, err := c.d.core.Live.Send(ctx, c.by, in)
	if p.kind == wireDirect && fault.IsReason(err, fault.GroupNotFound) {
		if err = c.begin(ctx, p); err == nil {
			ev, err = c.d.core.Live.Send(ctx, c.by, in)
		}
	}
	if err != nil {
		return outcome{}, err
	}
	return outcome{uid: transientUID(ev), at: ev.At}, nil
}

// typing tells that the person types.
func typing(ctx context.Context, c *call, p place, _ *upMessage) (outcome, error) {
	in := core.SendEvent{Key: p.key(c.by.User), Kind: core.TypingStarted}
	_, err := c.d.core.Live.Send(ctx, c.by, in)
	if p.kind == wireDirect && fault.IsReason(err, fault.GroupNotFound) { // people type before anything was said
		if err = c.begin(ctx, p); err == nil {
			_, err = c.d.core.Live.Send(ctx, c.by, in)
		}
	}
	return outcome{}, err
}

// readBy moves the person's read position: the content names the time up to which they have read.
func readBy(ctx context.Context, c *call, p place, up *upMessage) (outcome, error) {
	v := gjson.Parse(up.content)
	at := v.Get("lastMessageSendTime").Int()
	if err := c.readTo(ctx, p, at, v.Get("messageUId").String()); err != nil {
		return outcome{}, err
	}
	now := c.d.now()
	return outcome{uid: stampUID(core.StampAt(now)), at: now}, nil
}

// readUpToTime serves the topics that clear a conversation's unread count.
func readUpToTime(ctx context.Context, c *call) (outcome, error) {
	var r conversationRef
	if err := r.read(c.data, numsReadInput); err != nil {
		return outcome{}, err
	}
	c.kind = r.kind
	err := c.readTo(ctx, place{kind: r.kind, id: r.target, sub: r.sub}, r.at, "")
	return outcome{at: c.d.now()}, err
}

// readTo moves the read position up to a message, or to the newest one at or before a time.
func (c *call) readTo(ctx context.Context, p place, ms int64, uid string) error {
	key := p.key(c.by.User)
	if uid == "" && ms > 0 {
		list, err := c.d.core.Messages.List(ctx, c.by, core.ListMessages{Key: key, Page: core.MessagePage{Limit: 1, BeforeTime: time.UnixMilli(ms + 1)}})
		if err != nil {
			return ignoreMissing(err)
		}
		if len(list) == 0 {
			return nil
		}
		uid = uidOf(&list[len(list)-1])
	}
	_, err := c.d.core.Reads.Mark(ctx, c.by, core.MarkRead{Key: key, Message: uid})
	return ignoreMissing(err)
}

// ignoreMissing forgives what names a conversation or message that does not exist: there is nothing to
// read, hide or clear in it.
func ignoreMissing(err error) error {
	if fault.IsReason(err, fault.GroupNotFound) || fault.IsReason(err, fault.MessageNotFound) || fault.IsReason(err, fault.ConversationNotFound) {
		return nil
	}
	return err
}

// recallSent takes a message back: the content of the command names it.
func recallSent(ctx context.Context, c *call) (outcome, error) {
	var up upMessage
	if err := up.read(c.data); err != nil {
		return outcome{}, err
	}
	v := gjson.Parse(up.content)
	c.kind = int(v.Get("conversationType").Int())
	m, _, err := c.d.messageNamed(ctx, c.by, v.Get("messageUId").String())
	if err != nil {
		return outcome{}, err
	}
	if _, err := c.d.core.Messages.Delete(ctx, c.by, core.DeleteMessage{ID: m.ID.String(), Hard: v.Get("isDelete").Bool()}); err != nil {
		if fault.IsReason(err, fault.PermissionDenied) || fault.IsReason(err, fault.MessageNotOwner) {
			return outcome{}, fault.MessageNotOwner.Error("Only the sender may take a message back.")
		}
		return outcome{}, err
	}
	return outcome{uid: uidOf(m), at: c.d.now()}, nil
}
