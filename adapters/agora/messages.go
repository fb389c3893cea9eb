package agora

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// messageRoutes are the operations of servers on messages.
func (d *Dialect) messageRoutes() []adapters.Route {
	sends := func(kind string, typ core.ChannelKind) func(context.Context, core.Actor, *adapters.Request) ([]sentTo, error) {
		return func(ctx context.Context, by core.Actor, rq *adapters.Request) ([]sentTo, error) {
			r, err := body(rq)
			if err != nil {
				return nil, err
			}
			o, err := readOutgoing(&r)
			if err != nil {
				return nil, err
			}
			if kind == "directed" && len(o.users) == 0 {
				return nil, fault.RequestMissingField.Error("users is empty")
			}
			return d.sendAll(ctx, by, &o, typ)
		}
	}
	return []adapters.Route{
		op(d, full, "POST", "/messages/users", "sendToUsers", sends("", core.KindDirect), encodeSent).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/chatgroups", "sendToGroups", sends("", core.KindGroup), encodeSent).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/chatrooms", "sendToRooms", sends("", core.KindRoom), encodeSent).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/chatgroups/users", "sendDirectedToGroups", sends("directed", core.KindGroup), encodeSent).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/chatrooms/users", "sendDirectedToRooms", sends("directed", core.KindRoom), encodeSent).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages", "sendLegacy", d.sendLegacy, encodeSent).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/users/import", "importToUser", d.importTo(core.KindDirect), encodeImportedMessage).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/chatgroups/import", "importToGroup", d.importTo(core.KindGroup), encodeImportedMessage).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/msg_recall", "recallMessage", d.recallOne, encodeRecalled).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/batch_recall", "recallMessages", d.recallMany, encodeRecalledMany).Gated(adapters.GateServer),
		op(d, full, "POST", "/messages/recall", "recallMessagesLegacy", d.recallMany, encodeRecalledLegacy).Gated(adapters.GateServer),
		op(d, full, "PUT", "/messages/rewrite/:msg_id", "rewriteMessage", d.rewrite, nothing).Gated(adapters.GateServer),
		op(d, full, "GET", "/users/:username/offline_msg_count", "countOffline", d.offlineCount, encodeOfflineCount),
		op(d, full, "GET", "/users/:username/offline_msg_status/:msg_id", "getOfflineStatus", d.offlineStatus, encodeOfflineStatus),
	}
}

// sentTo is the message one receiver got.
type sentTo struct {
	to   string
	id   string
	plan bool // the old call answers a word, not an id
}

func encodeSent(a *answer, list []sentTo) {
	a.Object("data")
	for _, s := range list {
		a.KeyOf(s.to)
		if s.plan {
			a.Item("success")
		} else {
			a.Item(s.id)
		}
	}
	a.Close()
}

// sendAll sends a message to every receiver, in order; the first failure ends it.
func (d *Dialect) sendAll(ctx context.Context, by core.Actor, o *outgoing, kind core.ChannelKind) ([]sentTo, error) {
	from, err := d.author(ctx, by, o.from)
	if err != nil {
		return nil, err
	}
	if len(o.users) > 0 {
		if o.users, err = d.everybody(ctx, by.App, o.users); err != nil {
			return nil, err
		}
	}
	var out []sentTo
	for _, to := range o.to {
		at, err := d.receiver(ctx, from, to, kind)
		if err != nil {
			return nil, err
		}
		id, err := d.send(ctx, from, o, at)
		if err != nil {
			return nil, err
		}
		out = append(out, sentTo{to: to, id: id})
	}
	return out, nil
}

// author is the server as the sender of a message. The core makes a sender who is new.
func (d *Dialect) author(ctx context.Context, by core.Actor, name core.UserID) (core.Actor, error) {
	u, err := d.known(ctx, by.App, name)
	switch {
	case err == nil:
		return by.As(u.ID), nil
	case !fault.IsReason(err, fault.UserNotFound):
		return by, err
	}
	low := spellings(name)[len(spellings(name))-1]
	if !legalName.MatchString(string(low)) {
		return by, fault.UserInvalidID.Error("").Param("username", clip(string(name)))
	}
	return by.As(low), nil
}

// target is where a message of a server goes.
type target struct {
	place
	id   string // as the caller named it
	kind core.ChannelKind
	peer *core.User
}

// receiver finds a receiver of a kind.
func (d *Dialect) receiver(ctx context.Context, by core.Actor, to string, kind core.ChannelKind) (target, error) {
	at := target{id: to, kind: kind}
	if kind == core.KindDirect {
		u, err := d.person(ctx, by.App, core.UserID(to))
		if err != nil {
			return at, noInvitee(core.UserID(to))
		}
		at.peer, at.place = u, place{key: directKey(by.User, u.ID), user: u.ID}
		return at, nil
	}
	key, err := d.groupKey(ctx, by.App, to)
	if err == nil {
		var g core.GroupView
		g, err = d.core.Groups.Get(ctx, server(by.App), core.GetGroup{Key: key})
		if err == nil && (g.Channel.Kind == core.KindRoom) != (kind == core.KindRoom) {
			err = fault.GroupNotFound.Error("")
		}
	}
	at.key = key
	if err != nil {
		return at, fault.From(err).Param("group_id", clip(to))
	}
	return at, nil
}

// send stores one message and answers its id. A command is handed on instead, and a message for who
// is there alone is dropped for who is not.
func (d *Dialect) send(ctx context.Context, by core.Actor, o *outgoing, at target) (string, error) {
	b := o.body
	b.kind = map[core.ChannelKind]int64{core.KindDirect: bodyChat, core.KindRoom: bodyRoom}[at.kind]
	if b.kind == 0 {
		b.kind = bodyGroup
	}
	b.from.v, b.to.v = &jid{name: string(by.User)}, &jid{name: at.id}
	if at.peer != nil {
		b.to.v.name = string(at.peer.ID)
	}
	raw := b.encode(nil)
	if len(raw) > maxBody {
		return "", fault.MessageTooLong.Error("message is too large")
	}
	if b.contents[0].kind == contentCommand {
		return d.command(ctx, by, &b, raw, at, !o.online)
	}
	if o.online && at.peer != nil && !at.peer.Online {
		return strconv.FormatUint(d.serial(), 10), nil
	}
	in := b.input(raw, "", o.tag)
	in.RestrictedTo = o.users
	m, err := d.store(ctx, by, at.place, in)
	if err != nil {
		return "", err
	}
	return m.ID.String(), nil
}

// store appends a message of a server, and makes the conversation of two where there is none yet.
func (d *Dialect) store(ctx context.Context, by core.Actor, at place, in core.MessageInput) (*core.Message, error) {
	cmd := core.SendMessage{Key: at.key, Message: in, SkipCommands: true, MaxExtra: maxExtra}
	out, err := d.core.Messages.Send(ctx, by, cmd)
	if at.user != "" && fault.IsReason(err, fault.GroupNotFound) {
		if err = d.openDirect(ctx, by, at.user); err == nil {
			out, err = d.core.Messages.Send(ctx, by, cmd)
		}
	}
	return &out.Message, err
}

// command hands on a command message of a server.
func (d *Dialect) command(ctx context.Context, by core.Actor, b *msgBody, raw []byte, at target, keep bool) (string, error) {
	id := strconv.FormatUint(d.serial(), 10)
	in := core.SendEvent{Key: at.key, Kind: core.CustomEvent, Name: cmdEvent, Keep: keep, Extra: commandExtra(b, raw, id, at.user)}
	_, err := d.core.Live.Send(ctx, by, in)
	if at.user != "" && fault.IsReason(err, fault.GroupNotFound) {
		in.Key, in.To = "", []core.UserID{at.user}
		_, err = d.core.Live.Send(ctx, by, in)
	}
	return id, err
}

// sendLegacy serves the call that came before the three by kind of receiver.
func (d *Dialect) sendLegacy(ctx context.Context, by core.Actor, rq *adapters.Request) ([]sentTo, error) {
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	kind, ok := map[string]core.ChannelKind{"users": core.KindDirect, "chatgroups": core.KindGroup, "chatrooms": core.KindRoom}[r.Text("target_type")]
	if !ok {
		return nil, fault.RequestInvalidField.Error("").With("target_type")
	}
	var o outgoing
	if o.from, err = senderOf(&r); err != nil {
		return nil, err
	}
	msg, _ := r.Object("msg")
	c, err := readContent(msg.Text("type"), &msg)
	if err != nil {
		return nil, err
	}
	o.body.contents = append(o.body.contents, c)
	if o.body.ext, err = readExt(&r, "ext"); err != nil {
		return nil, err
	}
	if o.to = r.Texts("target", maxReceivers); len(o.to) == 0 && r.Err() == nil {
		return nil, fault.RequestMissingField.Error("target is empty")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	out, err := d.sendAll(ctx, by, &o, kind)
	for i := range out {
		out[i].plan = rq.Query.Get("useMsgId") != "true"
	}
	return out, err
}

// importTo stores a message of the past.
func (d *Dialect) importTo(kind core.ChannelKind) func(context.Context, core.Actor, *adapters.Request) (string, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (string, error) {
		r, err := body(rq)
		if err != nil {
			return "", err
		}
		var o outgoing
		if o.from, err = senderOf(&r); err != nil {
			return "", err
		}
		to := r.Need("target")
		b, ok := r.Object("body")
		if !ok {
			return "", fault.RequestMissingField.Error("message body not allow empty")
		}
		c, err := readContent(r.Text("type"), &b)
		if err != nil {
			return "", err
		}
		o.body.contents = append(o.body.contents, c)
		if o.body.ext, err = readExt(&r, "ext"); err != nil {
			return "", err
		}
		sent, seen := r.Int("msg_timestamp", 0, 1<<50), r.Bool("is_ack_read")
		if err := r.Err(); err != nil {
			return "", err
		}
		from, err := d.author(ctx, by, o.from)
		if err != nil {
			return "", err
		}
		at, err := d.receiver(ctx, from, to, kind)
		if err != nil {
			return "", err
		}
		return d.imported(ctx, from, &o, at, sent, seen)
	}
}

// imported stores a message of the past, which raises no unread count when it has been read.
func (d *Dialect) imported(ctx context.Context, by core.Actor, o *outgoing, at target, sent int, seen bool) (string, error) {
	b := o.body
	if b.kind = bodyChat; at.kind != core.KindDirect {
		b.kind = bodyGroup
	}
	b.from.v, b.to.v = &jid{name: string(by.User)}, &jid{name: at.id}
	in := b.input(b.encode(nil), "", optional{})
	in.Silent = seen
	if sent > 0 {
		in.CreatedAt = time.UnixMilli(int64(sent))
	}
	m, err := d.store(ctx, by, at.place, in)
	if err != nil {
		return "", err
	}
	return m.ID.String(), nil
}

func encodeImportedMessage(a *answer, id string) {
	a.Object("data")
	a.Text("msg_id", id)
	a.Close()
}

// recallOrder is one message to take back.
type recallOrder struct {
	id, to, chat, info string
	from               core.UserID
	force              bool
	why                string // why it was not taken back
}

// readRecall reads what is to be taken back.
func readRecall(r *wire.Reader) (recallOrder, error) {
	o := recallOrder{
		id: r.Text("msg_id"), to: r.Text("to"), chat: r.Text("chat_type"), from: core.UserID(r.Text("from")),
		force: r.Bool("force"), info: r.TextMax("recallMessageExtensionInfo", 1024),
	}
	if err := r.Err(); err != nil {
		return o, err
	}
	for name, s := range map[string]string{"msg_id": o.id, "to": o.to, "chat_type": o.chat} {
		if s == "" {
			return o, fault.RequestMissingField.Error("param " + name + " can't be empty")
		}
	}
	return o, nil
}

func (d *Dialect) recallOne(ctx context.Context, by core.Actor, rq *adapters.Request) (recallOrder, error) {
	r, err := body(rq)
	if err != nil {
		return recallOrder{}, err
	}
	o, err := readRecall(&r)
	if err != nil {
		return o, err
	}
	return o, d.recall(ctx, by, &o)
}

// recall takes a message back in its author's name.
func (d *Dialect) recall(ctx context.Context, by core.Actor, o *recallOrder) error {
	hits, err := d.core.Messages.Get(ctx, server(by.App), core.GetMessages{IDs: []string{o.id}, Strict: true})
	if err == nil && hits[0].Message.Deleted() {
		err = fault.MessageNotFound.Error("")
	}
	if err != nil {
		return err
	}
	m := &hits[0].Message
	if !o.force && d.now().Sub(m.CreatedAt) > recallWithin {
		return fault.MessageWindowExpired.Error("exceed recall time limit")
	}
	by = by.As(m.User)
	if o.from == "" {
		o.from = m.User
	}
	if o.info != "" {
		_, err = d.core.Messages.Edit(ctx, by, core.EditMessage{ID: o.id, MaxExtra: maxExtra, Change: func(c *core.Message) error {
			c.Extra = noteRecall(c.Extra, o.info)
			return nil
		}})
		if err != nil {
			return err
		}
	}
	_, err = d.core.Messages.Delete(ctx, by, core.DeleteMessage{ID: o.id})
	return err
}

func encodeRecalled(a *answer, o recallOrder) {
	a.Key("data")
	writeRecalled(a, &o)
}

func writeRecalled(a *answer, o *recallOrder) {
	a.Open()
	a.Text("recalled", orElse(o.why, "yes"))
	a.Text("chattype", o.chat)
	a.Text("from", string(o.from))
	a.Text("to", o.to)
	a.Text("msg_id", o.id)
	a.Close()
}

// maxRecalls is how many messages one call takes back.
const maxRecalls = 30

// recallMany takes several messages back and tells of each what became of it.
func (d *Dialect) recallMany(ctx context.Context, by core.Actor, rq *adapters.Request) ([]recallOrder, error) {
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	var out []recallOrder
	var wrong error
	r.EachObject("msgs", maxRecalls, func(_ int, o *wire.Reader) {
		one, err := readRecall(o)
		if err != nil && wrong == nil {
			wrong = err
		}
		out = append(out, one)
	})
	switch {
	case r.Err() != nil:
		return nil, r.Err()
	case wrong != nil:
		return nil, wrong
	case len(out) == 0:
		return nil, fault.RequestMissingField.Error("msgs is empty")
	}
	for i := range out {
		err := d.recall(ctx, by, &out[i])
		switch {
		case fault.IsReason(err, fault.MessageNotFound):
			out[i].why = "not_found msg"
		case fault.IsReason(err, fault.MessageWindowExpired):
			out[i].why = "exceed recall time limit"
		case err != nil:
			return nil, err
		}
	}
	return out, nil
}

func encodeRecalledMany(a *answer, list []recallOrder) {
	a.List("data")
	for i := range list {
		writeRecalled(a, &list[i])
	}
	a.CloseList()
}

func encodeRecalledLegacy(a *answer, list []recallOrder) {
	a.Object("data")
	a.List("msgs")
	for i := range list {
		a.Open()
		a.Text("msg_id", list[i].id)
		a.Text("recalled", orElse(list[i].why, "yes"))
		a.Close()
	}
	a.CloseList()
	a.Close()
}

// rewrite changes a message that was sent.
func (d *Dialect) rewrite(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return none{}, err
	}
	r, err := body(rq)
	if err != nil {
		return none{}, err
	}
	msg, ok := r.Object("new_msg")
	if !ok {
		return none{}, fault.RequestMissingField.Error("new_msg is empty")
	}
	b := msgBody{editScope: 1}
	c, err := readContent(msg.Text("type"), &msg)
	if err != nil {
		return none{}, err
	}
	b.contents = append(b.contents, c)
	ext, combine := r.Has("new_ext"), r.Bool("is_combine_ext")
	if b.ext, err = readExt(&r, "new_ext"); err != nil {
		return none{}, err
	}
	if user := core.UserID(r.Text("user")); user != "" {
		if by, err = d.author(ctx, by, user); err != nil {
			return none{}, err
		}
	}
	if err := r.Err(); err != nil {
		return none{}, err
	}
	hits, err := d.core.Messages.Get(ctx, server(by.App), core.GetMessages{IDs: []string{rq.Param("msg_id")}, Strict: true})
	if err != nil {
		return none{}, err
	}
	v, err := d.venueOf(ctx, t, &hits[0].Channel)
	if err != nil {
		return none{}, err
	}
	_, err = d.core.Messages.Edit(ctx, by, core.EditMessage{ID: rq.Param("msg_id"), MaxExtra: maxExtra, Change: func(m *core.Message) error {
		if b.editScope = 1; ext {
			b.editScope = 2
		}
		x := b
		if combine {
			old := bodyOf(v, m)
			for i := range old.ext {
				if !slices.ContainsFunc(b.ext, func(k keyValue) bool { return k.key == old.ext[i].key }) {
					x.ext = append(x.ext[:len(x.ext):len(x.ext)], old.ext[i])
				}
			}
		}
		return edit(v, m, &x)
	}})
	return none{}, err
}

// offline is what waits for a person.
type offline struct {
	user core.UserID
	n    int
}

// offlineCount counts the messages a person has not read.
func (d *Dialect) offlineCount(ctx context.Context, by core.Actor, rq *adapters.Request) (offline, error) {
	by, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return offline{}, err
	}
	un, err := d.core.Reads.Unread(ctx, by, core.GetUnread{User: u.ID})
	return offline{u.ID, un.Counts.Messages}, err
}

func encodeOfflineCount(a *answer, o offline) {
	a.Object("data")
	a.KeyOf(string(o.user))
	a.Number(o.n)
	a.Close()
	a.Int("count", 1)
}

// reached is whether a message has come to a person.
type reached struct {
	id  string
	yes bool
}

func (d *Dialect) offlineStatus(ctx context.Context, by core.Actor, rq *adapters.Request) (reached, error) {
	by, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return reached{}, err
	}
	out := reached{id: rq.Param("msg_id")}
	rs, err := d.core.Reads.Receipts(ctx, by, core.ListReceipts{Message: out.id})
	for i := range rs.Receipts {
		out.yes = out.yes || rs.Receipts[i].User.ID == u.ID
	}
	return out, err
}

func encodeOfflineStatus(a *answer, x reached) {
	a.Object("data")
	a.KeyOf(x.id)
	if x.yes {
		a.Item("delivered")
	} else {
		a.Item("undelivered")
	}
	a.Close()
	a.Int("count", 1)
}

// commandExtra is what a command message is told with; see hearCommand.
func commandExtra(b *msgBody, raw []byte, id string, to core.UserID) core.Extra {
	w := wire.NewWriter(64 + len(raw)*4/3)
	w.Open()
	writeValues(w, b.ext, foreign)
	w.Object(msyncName)
	w.Text("body", base64Of(raw))
	w.Text("id", id)
	w.TextIf("to", string(to))
	w.Close()
	w.Close()
	return core.Extra(w.Bytes())
}

// textOf reads a value that is a text or a number.
func textOf(v gjson.Result) string {
	if v.Type == gjson.String || v.Type == gjson.Number {
		return v.String()
	}
	return ""
}
