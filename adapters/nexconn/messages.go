package nexconn

import (
	"context"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of messages; see https://docs.nexconn.ai, server API, messages.
const (
	maxContent       = 128 << 10 // bytes
	maxExtra         = 200 << 10 // bytes a content may take when it is kept as it came
	maxRecipients    = 1000
	maxGroupTargets  = 3
	maxRoomTargets   = 10
	maxMetadata      = 100 // entries of one message
	maxMetadataKey   = 32
	maxMetadataValue = 4096
)

// messageOps are the sending of messages.
func (d *Dialect) messageOps() []operation {
	return []operation{
		{path: "/direct-channel/message/send", family: familyMessage, rate: 100, serve: d.sendDirect},
		{path: "/group-channel/message/send", family: familyGroup, rate: 20, serve: d.sendGroup},
		{path: "/open-channel/message/send", family: familyOpen, rate: 100, serve: d.sendOpen},
		{path: "/community-channel/message/send", family: familyCommunity, rate: 100, serve: d.sendCommunity},
		{path: "/message/delete", family: familyMessage, rate: 100, serve: d.recall},
		{path: "/channel/message/history/delete", family: familyMessage, rate: 100, serve: d.clearHistory},
		{path: "/direct-channel/message/update", rate: 100, serve: d.update(wireDirect, "targetId")},
		{path: "/group-channel/message/update", family: familyGroup, rate: 100, serve: d.update(wireGroup, "channelId")},
		{path: "/community-channel/message/update", family: familyCommunity, rate: 100, serve: d.update(wireCommunity, "channelId")},
	}
}

// post is a message to be sent, whoever it goes to.
type post struct {
	from     core.UserID
	body     content
	metadata map[string]string
}

// readPost reads what all calls that send have in common.
func (in *input) readPost() post {
	p := post{from: in.userID("fromUserId")}
	p.body = in.readContent(in.kind(), "content")
	in.readFlags(&p.body)
	if p.metadata = in.metadata(maxMetadata, ""); len(p.metadata) > 0 {
		p.body.expandable = true
	}
	return p
}

// kind reads the type of a message.
func (in *input) kind() string {
	s := in.Need("messageType")
	switch _, own := kinds[s]; {
	case len(s) > maxKind:
		in.Fail("messageType", "must be at most 32 characters", fault.RequestFieldTooLong)
	case len(s) >= 3 && s[:3] == "RC:" && !own:
		in.Fail("messageType", "begins with RC: and is not a type of the vendor", fault.RequestInvalidField)
	}
	return s
}

// readContent reads the content of a message: a JSON object in a text.
func (in *input) readContent(kind, name string) content {
	v, ok := in.Look(name)
	switch {
	case !ok:
		in.Fail(name, "is a required field", fault.RequestMissingField)
	case v.Type != gjson.String:
		in.Fail(name, "must be a text that holds JSON", fault.RequestInvalidField)
	case len(v.Str) > maxContent:
		in.Fail(name, "must be at most 128 KB", fault.RequestFieldTooLong)
	case kinds[kind].stored && !gjson.Valid(v.Str):
		in.Fail(name, "must hold a JSON object", fault.RequestInvalidField)
	}
	return newContent(kind, v.Str)
}

// readFlags reads the switches of a message. A message that its author is not told of is so because
// most calls say nothing and the vendor's default is no.
func (in *input) readFlags(c *content) {
	c.stored = in.flag("shouldPersist", c.stored) && c.stored
	c.counted = in.flag("isCounted", c.counted) && c.counted && c.stored
	c.expandable = in.flag("hasMetadata", false)
	c.quiet = in.flag("disablePush", false)
	c.unlisted = in.flag("disableUpdateLastMsg", false)
	c.mentions = in.flag("hasMention", false)
	c.unechoed = !in.flag("isEchoToSender", false)
}

// speaker makes sure that there is somebody to speak: servers may speak in the name of whomever.
func (d *Dialect) speaker(ctx context.Context, by core.Actor, id core.UserID) (core.Actor, error) {
	us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: []core.UserID{id}})
	if err == nil && len(us) == 0 {
		_, err = d.core.Users.Upsert(ctx, by, core.UpsertUsers{Users: []core.User{{ID: id, Role: core.RoleUser}}})
	}
	return by.As(id), err
}

// send puts a message into one channel and answers its id. What is not stored is told to those who are
// there, and has an id all the same.
func (d *Dialect) send(ctx context.Context, by core.Actor, key core.ChannelKey, p *post, only []core.UserID) (string, error) {
	if k, own := kinds[p.body.kind]; own && !k.stored {
		return d.tell(ctx, by, key, p, only)
	}
	c := p.body
	msg := c.input()
	msg.RestrictedTo = only
	out, err := d.core.Messages.Send(ctx, by, core.SendMessage{Key: key, Message: msg, SkipCommands: true, MaxText: maxContent, MaxExtra: maxExtra, QuietBlock: true})
	if err != nil {
		return "", err
	}
	if len(p.metadata) > 0 {
		if err := d.annotate(ctx, by, out.Message.ID.String(), p.metadata, nil, maxMetadata); err != nil {
			return "", err
		}
	}
	return out.Message.ID.String(), nil
}

// tell sends a message that nobody keeps.
func (d *Dialect) tell(ctx context.Context, by core.Actor, key core.ChannelKey, p *post, only []core.UserID) (string, error) {
	kind, w := core.CustomEvent, wire.NewWriter(64+len(p.body.body))
	if p.body.kind == "RC:TypSts" {
		kind = core.TypingStarted
	}
	w.Open()
	w.Text("content", p.body.body)
	w.Close()
	ev := core.SendEvent{Key: key, Kind: kind, Name: p.body.kind, Extra: w.Bytes()}
	if len(only) > 0 {
		ev.Key, ev.Kind, ev.To = "", core.CustomEvent, only
	}
	if _, err := d.core.Live.Send(ctx, by, ev); err != nil {
		return "", err
	}
	return strconv.FormatInt(int64(core.StampAt(d.now()))+d.serial.Add(1)%4096, 10), nil
}

// sentTo is one copy of a message that was sent.
type sentTo struct{ target, id string }

// messageIDs answers the ids of the copies, by what the vendor calls their targets.
func messageIDs(target string, out []sentTo) answer {
	return func(w *wire.Writer) {
		w.List("messageIds")
		for _, s := range out {
			w.Open()
			w.Text(target, s.target)
			w.Text("messageId", s.id)
			w.Close()
		}
		w.CloseList()
	}
}

// sendDirect sends to people, each in their own conversation with the author. Who does not exist is
// left out, as long as somebody is there to get it.
func (d *Dialect) sendDirect(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.readPost()
	to := in.userIDs("toUserIds", maxRecipients)
	verify := in.flag("verifyBlocklist", false)
	if err := in.Err(); err != nil {
		return nil, err
	}
	actor, err := d.speaker(ctx, by, p.from)
	if err != nil {
		return nil, err
	}
	known, err := d.known(ctx, by, to)
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		return nil, noUser(to[0])
	}
	var out []sentTo
	for _, id := range known {
		if verify {
			blocked, err := d.blocks(ctx, by, id, p.from)
			if err != nil {
				return nil, err
			}
			if blocked {
				continue
			}
		}
		key, err := d.openDirect(ctx, by, p.from, id)
		if err != nil {
			return nil, err
		}
		mid, err := d.send(ctx, actor, key, &p, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, sentTo{string(id), mid})
	}
	return messageIDs("userId", out), nil
}

// known are the people of a list who exist, in its order.
func (d *Dialect) known(ctx context.Context, by core.Actor, ids []core.UserID) ([]core.UserID, error) {
	there := map[core.UserID]bool{}
	for from := 0; from < len(ids); from += 100 {
		us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: ids[from:min(from+100, len(ids))]})
		if err != nil {
			return nil, err
		}
		for i := range us {
			there[us[i].ID] = us[i].DeletedAt.IsZero()
		}
	}
	var out []core.UserID
	for _, id := range ids {
		if there[id] {
			out = append(out, id)
		}
	}
	return out, nil
}

// blocks reports whether a person has blocked another.
func (d *Dialect) blocks(ctx context.Context, by core.Actor, who, whom core.UserID) (bool, error) {
	list, err := d.core.Moderation.Blocks(ctx, by.As(who), core.ListBlocks{})
	for i := range list {
		if list[i].Target.ID == whom {
			return true, err
		}
	}
	return false, err
}

// sendGroup sends into groups; with toUserIds only some members of one group see it.
func (d *Dialect) sendGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.readPost()
	ids := in.channelIDs("toChannelIds", maxGroupTargets)
	only := in.optUserIDs("toUserIds", maxIDs)
	if len(only) > 0 && len(ids) > 1 {
		in.Fail("toUserIds", "goes with one group only", fault.RequestInvalidField)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := d.group(ctx, by, id); err != nil {
			return nil, err
		}
	}
	return d.sendAll(ctx, by, &p, ids, groupKey, only)
}

// sendAll sends into channels of one kind.
func (d *Dialect) sendAll(ctx context.Context, by core.Actor, p *post, ids []string, key func(string) core.ChannelKey, only []core.UserID) (answer, error) {
	actor, err := d.speaker(ctx, by, p.from)
	if err != nil {
		return nil, err
	}
	var out []sentTo
	for _, id := range ids {
		mid, err := d.send(ctx, actor, key(id), p, only)
		if err != nil {
			return nil, err
		}
		out = append(out, sentTo{id, mid})
	}
	return messageIDs("channelId", out), nil
}

// sendOpen sends into open channels. Priorities tell which messages are dropped first under load;
// none are dropped here.
func (d *Dialect) sendOpen(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.readPost()
	ids := in.channelIDs("toChannelIds", maxRoomTargets)
	in.number("priority", 0, 0, 3)
	if err := in.Err(); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := d.room(ctx, by, id); err != nil {
			return nil, err
		}
	}
	return d.sendAll(ctx, by, &p, ids, roomKey, nil)
}

// recall takes a message back for everybody. It has to be described as it was sent.
func (d *Dialect) recall(ctx context.Context, by core.Actor, in *input) (answer, error) {
	from, kind, id := in.userID("fromUserId"), in.needNumber("channelType", 1, 10), in.channelID("channelId")
	sub, mid, at := in.Text("subchannelId"), in.Need("messageId"), in.millis("sentAt")
	in.flag("isAdmin", false)
	in.flag("disablePush", false)
	in.Text("extra")
	if err := in.Err(); err != nil {
		return nil, err
	}
	m, err := d.messageAt(ctx, by, int(kind), from, id, sub, mid)
	if err != nil {
		return nil, err
	}
	if m == nil || m.Deleted() || !at.IsZero() && !at.Equal(m.CreatedAt) {
		return nil, fault.RequestInvalidField.Error("There is no such message: messageId, sentAt and channel do not go together.").With("message_delete")
	}
	if m.User != from && !d.byApp[by.App].has(serviceRecallOthers) {
		return nil, fault.MessageNotOwner.Error("Only the author may take a message back.")
	}
	actor, err := d.speaker(ctx, by, from)
	if err != nil {
		return nil, err
	}
	_, err = d.core.Messages.Delete(ctx, actor, core.DeleteMessage{ID: mid})
	return nil, err
}

// messageAt finds a message by its id and where it should be; nil where there is none.
func (d *Dialect) messageAt(ctx context.Context, by core.Actor, kind int, from core.UserID, id, sub, mid string) (*core.Message, error) {
	key, err := channelKey(kind, from, id, sub)
	if err != nil {
		return nil, err
	}
	hits, err := d.core.Messages.Get(ctx, by, core.GetMessages{IDs: []string{mid}, Key: key, ShowDeleted: true})
	if fault.IsReason(err, fault.GroupNotFound) || fault.IsReason(err, fault.MessageNotFound) {
		return nil, nil
	}
	if err != nil || len(hits) == 0 {
		return nil, err
	}
	return &hits[0].Message, nil
}

// clearHistory empties a conversation for one person, up to a time.
func (d *Dialect) clearHistory(ctx context.Context, by core.Actor, in *input) (answer, error) {
	kind, from, id, at := in.needNumber("channelType", 1, 6), in.userID("fromUserId"), in.channelID("channelId"), in.millis("sentAt")
	if err := in.Err(); err != nil {
		return nil, err
	}
	key, err := channelKey(int(kind), from, id, "")
	if err != nil {
		return nil, err
	}
	_, err = d.core.Channels.Truncate(ctx, by, core.TruncateChannel{Key: key, Members: []core.UserID{from}, Before: at})
	if fault.IsReason(err, fault.GroupNotFound) {
		return nil, fault.ResourceNotFound.Error("There is no such conversation.")
	}
	return nil, err
}

// update replaces the content of a message that its author has sent.
func (d *Dialect) update(kind int, target string) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		from, id, mid := in.userID("fromUserId"), in.channelID(target), in.Need("messageId")
		c := in.readContent("", "content")
		sub := in.Text("subchannelId")
		if err := in.Err(); err != nil {
			return nil, err
		}
		m, err := d.messageAt(ctx, by, kind, from, id, sub, mid)
		switch {
		case err != nil:
			return nil, err
		case m == nil || m.Deleted():
			return nil, fault.RequestInvalid.Error("messageId " + clip(mid) + " is of no message of this channel")
		case m.User != from:
			return nil, fault.MessageNotOwner.Error("Only the author may change a message.")
		}
		_, err = d.core.Messages.Edit(ctx, by.As(from), core.EditMessage{ID: mid, MaxText: maxContent, MaxExtra: maxExtra, Change: func(m *core.Message) error {
			old := contentOf(m)
			old.body = c.body
			next := old.input()
			m.Text, m.Attachments, m.Mentions, m.Extra = next.Text, next.Attachments, next.Mentions, mergeExtra(m.Extra, next.Extra)
			return nil
		}})
		return nil, err
	}
}

// mergeExtra replaces this vendor's member of an Extra and keeps the others.
func mergeExtra(old, next core.Extra) core.Extra {
	w := wire.NewWriter(len(old) + len(next))
	w.Open()
	fresh := wire.NamesOf(contentName, wire.CustomName)
	gjson.ParseBytes(next).ForEach(func(name, _ gjson.Result) bool {
		fresh[name.Str] = struct{}{}
		return true
	})
	w.Extra(old, fresh)
	w.Extra(next, nil)
	w.Close()
	if w.Len() == 2 {
		return nil
	}
	return w.Bytes()
}

// sentAt is the time of a message on the wire.
func sentAt(t time.Time) int64 { return core.Millis(t) }
