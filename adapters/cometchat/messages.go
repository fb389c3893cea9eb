package cometchat

import (
	"context"
	"slices"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// messageRoutes are the operations on messages.
func (d *Dialect) messageRoutes() []adapters.Route {
	return []adapters.Route{
		uploading(op("POST", "/messages", "sendMessage", d.send, encodeMessage)),
		uploading(op("POST", "/messages/:id/thread", "sendReply", d.send, encodeMessage)),
		uploading(op("POST", "/bots/:uid/messages", "sendBotMessage", d.sendBot, encodeMessage).Gated(adapters.GateServer)),
		op("GET", "/messages/:id", "getMessage", d.getMessage, d.encodeFullMessage),
		op("PUT", "/messages/:id", "updateMessage", d.editMessage, encodeAction(actionEdited)),
		op("DELETE", "/messages/:id", "deleteMessage", d.deleteMessage, encodeAction(actionDeleted)),
		op("GET", "/user/messages/:muid", "getMessageByMuid", d.getMessage, d.encodeFullMessage),
		op("POST", "/messages/:id/pin", "pinMessage", d.pin(true), encodeMessage),
		op("DELETE", "/messages/:id/pin", "unpinMessage", d.pin(false), encodeMessage),
		op("POST", "/messages/:id/flagged", "flagMessage", d.flagMessage, done("Message flagged successfully.")),
	}
}

// uploading marks a route whose body may be a form with files.
func uploading(r adapters.Route) adapters.Route {
	r.Upload, r.Either, r.MaxBody = true, true, maxFile+1<<20
	return r
}

// shown is a message and where it is shown.
type shown struct {
	message  core.Message
	venue    *venue
	by       *core.User // who did what is answered
	byID     core.UserID
	receipts []core.Receipt
}

func encodeMessage(w *wire.Writer, _ *adapters.Request, s shown) {
	w.Key("data")
	writeMessage(w, &s.message, s.venue)
}

// encodeFullMessage answers one message with its receipts.
func (d *Dialect) encodeFullMessage(w *wire.Writer, _ *adapters.Request, s shown) {
	w.Object("data")
	messageMembers(w, &s.message, s.venue, true)
	if len(s.receipts) > 0 {
		w.Object("receipts")
		w.List("data")
		for i := range s.receipts {
			r := &s.receipts[i]
			w.Open()
			w.Key("recipient") // a whole user: the SDK makes the receipt's sender of it
			writeUser(w, &r.User, userView{})
			unixIf(w, "deliveredAt", r.DeliveredAt)
			unixIf(w, "readAt", r.ReadAt)
			w.Close()
		}
		w.CloseList()
		w.Close()
	}
	w.Close()
}

// encodeAction answers a change of a message as the action message that tells it.
func encodeAction(action string) func(*wire.Writer, *adapters.Request, shown) {
	return func(w *wire.Writer, _ *adapters.Request, s shown) {
		w.Key("data")
		writeMessageAction(w, action, &s.message, s.by, s.byID, s.venue)
	}
}

// author is the actor as the person they act for, with that person's rights: a server names whom
// it acts for, and is the app's own voice when it names nobody.
func author(by core.Actor) core.Actor {
	switch {
	case !by.Server():
	case by.User == "":
		by.User = core.SystemUser
	default:
		by.Access = core.AccessUser
	}
	return by
}

// send stores a message. See https://www.cometchat.com/docs/rest-api/messages/send-message.
func (d *Dialect) send(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	return d.sendAs(ctx, author(by), rq)
}

// sendBot stores a message of a bot.
func (d *Dialect) sendBot(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	u, err := d.bot(ctx, by, core.UserID(rq.Param("uid")))
	if err != nil {
		return shown{}, err
	}
	return d.sendAs(ctx, author(by.As(u.ID)), rq)
}

func (d *Dialect) sendAs(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	in, err := d.readSend(ctx, by, rq)
	if err != nil {
		return shown{}, err
	}
	key, err := d.target(ctx, by, &in)
	if err != nil {
		return shown{}, err
	}
	if parent := rq.Param("id"); parent != "" {
		if err := d.threadOf(ctx, by, parent, key); err != nil {
			return shown{}, err
		}
		in.message.Parent, in.message.ShowInChannel = parent, true
	}
	cmd := core.SendMessage{Key: key, Message: in.message, SkipCommands: true, QuietBlock: true, MaxExtra: maxExtra}
	out, err := d.core.Messages.Send(ctx, by, cmd)
	if in.group == "" && fault.IsReason(err, fault.GroupNotFound) {
		if err = d.openDirect(ctx, by, in.user); err == nil {
			out, err = d.core.Messages.Send(ctx, by, cmd)
		}
	}
	if err != nil {
		return shown{}, d.refusal(ctx, by, key, err)
	}
	s := shown{message: out.Message}
	s.venue, err = d.venueOfKey(ctx, by, key, in.user)
	return s, err
}

// target finds the channel a message goes to.
func (d *Dialect) target(ctx context.Context, by core.Actor, in *sendRequest) (core.ChannelKey, error) {
	if in.group != "" {
		return in.group, nil
	}
	u, err := d.person(ctx, by.App, in.user)
	if err != nil {
		return "", err
	}
	if in.user = u.ID; u.ID == by.User {
		return "", fault.RequestInvalid.Error("A message cannot be sent to its sender.")
	}
	return directKey(by.User, u.ID), nil
}

// openDirect makes the conversation of two people.
func (d *Dialect) openDirect(ctx context.Context, by core.Actor, peer core.UserID) error {
	_, err := d.core.Channels.Open(ctx, behalf(by), core.OpenChannel{Type: core.DefaultType, Input: core.ChannelInput{
		CreatedBy: by.User, Members: []core.MemberInput{{User: by.User}, {User: peer}},
	}})
	return err
}

// venueOfKey is the venue of a channel of which only the key and, for two people, the peer is known.
func (d *Dialect) venueOfKey(ctx context.Context, by core.Actor, key core.ChannelKey, peer core.UserID) (*venue, error) {
	if peer != "" {
		return d.directVenue(ctx, by.App, by.User, by.User, peer)
	}
	st, err := d.core.Channels.Open(ctx, behalf(by), core.OpenChannel{Type: typeOf(key), ID: idOf(key), MustExist: true})
	if err != nil {
		return nil, err
	}
	v, err := d.venueOf(ctx, by.App, by.User, &st.Channel)
	if err == nil && v.group != nil {
		v.me = st.Membership
	}
	return v, err
}

func typeOf(key core.ChannelKey) string { t, _ := key.Split(); return t }
func idOf(key core.ChannelKey) string   { _, id := key.Split(); return id }

// refusal says in the vendor's words why a person may not act in a channel: the core knows grants,
// the vendor asks for membership first.
func (d *Dialect) refusal(ctx context.Context, by core.Actor, key core.ChannelKey, err error) error {
	if !fault.IsReason(err, fault.PermissionDenied) && !fault.IsReason(err, fault.ConversationAccessDenied) || by.User == "" {
		return err
	}
	g, gerr := d.core.Groups.Get(ctx, by, core.GetGroup{Key: key})
	switch {
	case gerr != nil:
		return err
	case g.Banned:
		return fault.GroupBanned.Error("The user is banned from the group " + clip(string(key)) + ".")
	case g.Member == nil && g.Channel.Kind == core.KindDirect:
		return fault.ConversationAccessDenied.Error("The conversation is not accessible to this user.")
	case g.Member == nil:
		return notJoined(key)
	}
	return err
}

// notJoined is the failure of somebody who is no member.
func notJoined(key core.ChannelKey) error {
	return fault.GroupNotMember.Error("The user has not joined the group " + clip(string(key)) + ".").With("self")
}

// threadOf checks that a message can have replies, and has them in this conversation.
func (d *Dialect) threadOf(ctx context.Context, by core.Actor, parent string, key core.ChannelKey) error {
	hits, err := d.core.Messages.Get(ctx, server(by.App), core.GetMessages{IDs: []string{parent}, Strict: true})
	if err != nil {
		return noMessage(parent, err)
	}
	m := &hits[0].Message
	switch {
	case m.Notice != nil:
		return fault.ThreadParentInvalid.Error("Action and call messages have no threads.").With("category")
	case m.ChannelKey != key:
		return fault.ThreadParentInvalid.Error("The message belongs to another conversation.").With("conversation")
	case m.Parent != 0:
		return fault.ThreadNestingTooDeep.Error("A reply cannot have replies.")
	}
	return nil
}

// noMessage gives an unknown message the vendor's text.
func noMessage(id string, err error) error {
	if fault.IsReason(err, fault.MessageNotFound) {
		return fault.MessageNotFound.Error("The message with id " + clip(id) + " does not exist.")
	}
	return err
}

// find reads one message as the actor sees it.
func (d *Dialect) find(ctx context.Context, by core.Actor, id string) (core.Hit, error) {
	hits, err := d.core.Messages.Get(ctx, by, core.GetMessages{IDs: []string{id}, Strict: true})
	if fault.IsReason(err, fault.PermissionDenied) || fault.IsReason(err, fault.ConversationAccessDenied) {
		err = fault.MessageAccessDenied.Error("The message with id " + clip(id) + " is not accessible to this user.")
	}
	if err != nil {
		return core.Hit{}, noMessage(id, err)
	}
	return hits[0], nil
}

// reader is the actor as a reader: with the rights of the person a server acts for.
func reader(by core.Actor) core.Actor {
	if by.Server() && by.User != "" {
		by.Access = core.AccessUser
	}
	return by
}

// seen is a message with its venue.
func (d *Dialect) seen(ctx context.Context, by core.Actor, h *core.Hit) (shown, error) {
	v, err := d.venueOf(ctx, by.App, by.User, &h.Channel)
	if err != nil {
		return shown{}, err
	}
	return shown{message: h.Message, venue: v}, d.interacted(ctx, by, v, []core.Message{h.Message})
}

func (d *Dialect) getMessage(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	by = reader(by)
	id := orElse(rq.Param("id"), rq.Param("muid"))
	h, err := d.find(ctx, by, id)
	if err != nil {
		return shown{}, err
	}
	s, err := d.seen(ctx, by, &h)
	if err != nil {
		return s, err
	}
	if err := d.receipts(ctx, by.App, s.venue); err != nil {
		return s, err
	}
	if r, err := d.core.Reads.Receipts(ctx, by, core.ListReceipts{Message: id}); err == nil {
		s.receipts = r.Receipts // more than the message itself: its lack fails nothing
	}
	return s, nil
}

// editMessage changes text, data or tags. The answer is an action message.
func (d *Dialect) editMessage(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	by = reader(by)
	h, err := d.find(ctx, by, rq.Param("id"))
	if err != nil {
		return shown{}, err
	}
	if h.Message.Notice != nil {
		return shown{}, fault.MessageActionNotAllowed.Error("Action and call messages cannot be edited.")
	}
	edit, err := readEdit(rq, &h.Message)
	if err != nil {
		return shown{}, err
	}
	if by.User != "" && by.User != h.Message.User {
		edit.editor = by.User
	}
	m, err := d.core.Messages.Edit(ctx, by, core.EditMessage{ID: h.Message.ID.String(), Change: edit.apply, MaxExtra: maxExtra})
	if err != nil {
		return shown{}, notSender(err)
	}
	h.Message = m
	return d.changed(ctx, by, &h)
}

// notSender says who may change a message.
func notSender(err error) error {
	if fault.IsReason(err, fault.PermissionDenied) {
		return fault.MessageNotOwner.Error("Only its sender may change this message.")
	}
	return err
}

// changed is what answers a change of a message.
func (d *Dialect) changed(ctx context.Context, by core.Actor, h *core.Hit) (shown, error) {
	s, err := d.seen(ctx, by, h)
	if err != nil {
		return s, err
	}
	if s.byID = by.User; s.byID == "" {
		s.byID = core.SystemUser
	}
	us, err := d.core.Users.Get(ctx, server(by.App), core.GetUsers{IDs: []core.UserID{s.byID}})
	if len(us) > 0 {
		s.by = &us[0]
	}
	return s, err
}

// deleteMessage leaves a tombstone, or with permanent nothing; the latter is for servers.
func (d *Dialect) deleteMessage(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	r, err := body(rq)
	if err != nil {
		return shown{}, invalid(err)
	}
	hard := by.Server() && (r.Bool("permanent") || flag(rq, "permanent"))
	if err := r.Err(); err != nil {
		return shown{}, invalid(err)
	}
	by = reader(by)
	h, err := d.find(ctx, by, rq.Param("id"))
	if err != nil {
		return shown{}, err
	}
	if h.Message.Notice != nil {
		return shown{}, fault.MessageActionNotAllowed.Error("Action and call messages cannot be deleted.")
	}
	id := h.Message.ID.String()
	m, err := d.core.Messages.Delete(ctx, by, core.DeleteMessage{ID: id, Hard: hard && by.Server()})
	if err == nil && hard && !by.Server() { // judged as the person, then removed as the app
		m, err = d.core.Messages.Delete(ctx, behalf(by), core.DeleteMessage{ID: id, Hard: true})
	}
	if err != nil {
		return shown{}, failed(noMessage(id, notSender(err)), "user_message_delete")
	}
	h.Message = m
	return d.changed(ctx, by, &h)
}

// pin pins a message for all, or takes the pin off.
func (d *Dialect) pin(on bool) func(context.Context, core.Actor, *adapters.Request) (shown, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
		by = reader(by)
		h, err := d.find(ctx, by, rq.Param("id"))
		if err != nil {
			return shown{}, err
		}
		m, err := d.core.Messages.Edit(ctx, by, core.EditMessage{ID: h.Message.ID.String(), Change: func(m *core.Message) error {
			m.Pinned = on
			return nil
		}})
		if fault.IsReason(err, fault.PermissionDenied) {
			err = fault.From(err).With("role")
		}
		if err != nil {
			return shown{}, err
		}
		h.Message = m
		return d.seen(ctx, by, &h)
	}
}

// flagMessage reports a message to the moderators.
func (d *Dialect) flagMessage(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	if err := needUser(by); err != nil {
		return none, err
	}
	by = reader(by)
	r, err := body(rq)
	if err != nil {
		return none, invalid(err)
	}
	reason := orElse(r.TextMax("remark", 1000), r.TextMax("id", 100))
	if err := r.Err(); err != nil {
		return none, invalid(err)
	}
	h, err := d.find(ctx, by, rq.Param("id"))
	if err != nil {
		return none, err
	}
	_, err = d.core.Moderation.Flag(ctx, by, core.FlagContent{Message: h.Message.ID.String(), Reason: reason})
	return none, err
}

// bot reads a person who is a bot: of the role of that name.
func (d *Dialect) bot(ctx context.Context, by core.Actor, id core.UserID) (*core.User, error) {
	u, err := d.person(ctx, by.App, id)
	if err != nil && !fault.IsReason(err, fault.UserNotFound) {
		return nil, err
	}
	if u == nil || !slices.Contains(u.Tags, botTag) {
		return nil, fault.IntegrationNotFound.Error("There is no bot with the uid " + clip(string(id)) + ".").With("bot")
	}
	return u, nil
}

// botTag marks the people who are bots; the vendor makes them in its dashboard only.
const botTag = "bot"
