package stream

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// messageRoutes are the operations on messages.
func (d *Dialect) messageRoutes() []adapters.Route {
	ms := d.core.Messages
	return []adapters.Route{
		op(d, "POST", "/channels/:type/:id/message", "SendMessage", decodeSend, d.send, encodeSent),
		op(d, "GET", "/channels/:type/:id/messages", "GetManyMessages", decodeGetMany, ms.Get, encodeHits),
		op(d, "GET", "/channels/:type/:id/pinned_messages", "GetPinnedMessages", decodePinned, ms.Pinned, encodeMessages),
		op(d, "GET", "/messages/:id", "GetMessage", decodeGetMessage, ms.Get, d.encodeHit),
		op(d, "POST", "/messages/:id", "UpdateMessage", decodeUpdateMessage, ms.Edit, encodeMessage),
		op(d, "PUT", "/messages/:id", "UpdateMessagePartial", decodePatchMessage, ms.Edit, encodeMessage),
		op(d, "DELETE", "/messages/:id", "DeleteMessage", decodeDeleteMessage, ms.Delete, encodeMessage),
		op(d, "POST", "/messages/:id/undelete", "UndeleteMessage", decodeUndelete, ms.Delete, encodeMessage).Gated(adapters.GateServer),
		op(d, "POST", "/messages/:id/action", "RunMessageAction", decodeAction, ms.Action, encodeActed),
		op(d, "GET", "/messages/:id/replies", "GetReplies", decodeReplies, d.replies, encodeMessages),
	}
}

// send stores a message. An id that is taken is an error even for its author: SDKs know the text
// and take a message they sent twice as sent (stream-chat-react, useSendMessageHandler).
func (d *Dialect) send(ctx context.Context, by core.Actor, in core.SendMessage) (core.Sent, error) {
	s, err := d.core.Messages.Send(ctx, by, in)
	if err == nil && s.Duplicate {
		err = fault.RequestInvalid.Error("a message with ID " + strconv.Quote(s.Message.Alias) + " already exists")
	}
	return s, err
}

func encodeMessage(w *wire.Writer, _ *adapters.Request, m core.Message) {
	w.Key("message")
	writeMessage(w, &m)
}

func encodeMessages(w *wire.Writer, _ *adapters.Request, ms []core.Message) {
	writeMessages(w, "messages", ms)
}

func encodeSent(w *wire.Writer, _ *adapters.Request, s core.Sent) {
	w.Key("message")
	writeMessage(w, &s.Message)
}

// encodeHit writes one message together with its channel.
func (d *Dialect) encodeHit(w *wire.Writer, _ *adapters.Request, hs []core.Hit) {
	if len(hs) == 0 {
		return
	}
	w.Key("message")
	w.Open()
	messageMembers(w, &hs[0].Message, true)
	w.Key("channel")
	writeChannel(w, &hs[0].Channel, channelView{})
	w.Close()
}

func encodeHits(w *wire.Writer, _ *adapters.Request, hs []core.Hit) {
	w.List("messages")
	for i := range hs {
		writeMessage(w, &hs[i].Message)
	}
	w.CloseList()
}

func encodeActed(w *wire.Writer, _ *adapters.Request, m *core.Message) {
	if m != nil {
		w.Key("message")
		writeMessage(w, m)
	}
}

// decodeSend reads a new message. The members are walked once: this is the hottest body there is.
func decodeSend(rq *adapters.Request) (core.SendMessage, error) {
	in := core.SendMessage{Key: keyParam(rq)}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	m, ok := r.Object("message")
	if !ok {
		r.Fail("message", "is a required field", fault.RequestMissingField)
		return in, r.Err()
	}
	in.Message = readMessage(&m)
	in.KeepHidden = r.Bool("keep_channel_hidden")
	if r.Bool("pending") || r.Bool("is_pending_message") {
		r.Fail("pending", "is not supported", fault.RequestNotImplemented)
	}
	if emptyMessage(&in.Message) {
		m.Fail("text", "or attachments must be provided", fault.RequestMissingField)
	}
	if err := r.Err(); err != nil {
		return in, err
	}
	if rq.Caller().Server() {
		id := named(rq, &m)
		if id == "" {
			id = named(rq, &r)
		}
		if id == "" {
			return in, errNoAuthor
		}
		return in, actFor(rq, id)
	}
	return in, r.Err()
}

// emptyMessage reports whether a message says nothing at all.
func emptyMessage(m *core.MessageInput) bool {
	return strings.TrimSpace(m.Text) == "" && len(m.Attachments) == 0 && m.PollID == "" && len(m.Extra) == 0 && m.Quoted == ""
}

// errNoAuthor is the text for a server that writes for nobody.
var errNoAuthor = fault.RequestInvalidField.Error("either message.user or message.user_id must be provided when using server side auth.")

// readMessage reads a message object in one walk.
func readMessage(r *wire.Reader) core.MessageInput {
	var in core.MessageInput
	for _, f := range r.Fields() {
		v := f.Value
		if v.Type == gjson.Null {
			continue
		}
		switch f.Name {
		case "id":
			in.Alias = messageID(r, f.Name, r.AsText(f.Name, v))
		case "text":
			in.Text = r.AsText(f.Name, v)
		case "type":
			in.Kind = messageKind(r, r.AsText(f.Name, v))
		case "parent_id":
			in.Parent = r.AsText(f.Name, v)
		case "quoted_message_id":
			in.Quoted = r.AsText(f.Name, v)
		case "poll_id":
			in.PollID = r.AsText(f.Name, v)
		case "show_in_channel":
			in.ShowInChannel = r.Bool(f.Name)
		case "silent":
			in.Silent = r.Bool(f.Name)
		case "pinned":
			in.Pinned = r.Bool(f.Name)
		case "pin_expires":
			in.PinExpires = r.Time(f.Name)
		case "created_at":
			in.CreatedAt = r.Time(f.Name)
		case "attachments":
			in.Attachments = readAttachments(r, v)
		case "mentioned_users":
			in.Mentions = readMentions(r, v)
		case "restricted_visibility":
			in.RestrictedTo = ids(r.Texts(f.Name, maxMembers))
		}
	}
	in.Extra = custom(r, messageNames, maxCustom)
	return in
}

// messageID checks an id chosen by a client.
func messageID(r *wire.Reader, name, id string) string {
	if len(id) > maxMessageID {
		r.Fail(name, "must be at most "+strconv.Itoa(maxMessageID)+" characters", fault.RequestFieldTooLong)
		return ""
	}
	if strings.ContainsAny(id, ",%") {
		r.Fail(name, "must not contain , or %", fault.RequestInvalidField)
		return ""
	}
	return id
}

// messageKind reads the type of a message a client sends. A reply is a regular message with a
// parent; tombstones, errors and ephemeral messages are made by the server alone.
func messageKind(r *wire.Reader, typ string) core.MessageKind {
	switch typ {
	case "", "regular", "reply":
		return core.MessageRegular
	case "system":
		return core.MessageSystem
	case "ephemeral", "error", "deleted":
		return core.MessageRegular
	}
	r.Fail("type", "must be one of [regular system]", fault.RequestInvalidField)
	return ""
}

// readAttachments keeps attachments as they came. Their sum is bounded like other custom data, with
// room for what previews of links add.
func readAttachments(r *wire.Reader, v gjson.Result) []json.RawMessage {
	var out []json.RawMessage
	r.AsEach("attachments", v, maxAttachments, func(i int, e gjson.Result) {
		if !e.IsObject() {
			r.Fail("attachments/"+strconv.Itoa(i), "must be an object", fault.RequestInvalidField)
			return
		}
		out = append(out, wire.Compact(e.Raw))
	})
	size := 0
	for _, a := range out {
		size += len(a)
	}
	if size > maxAttachmentBytes {
		r.Fail("attachments", "must be at most "+strconv.Itoa(maxAttachmentBytes)+" bytes together", fault.RequestFieldTooLong)
		return nil
	}
	return out
}

// maxAttachmentBytes bounds all attachments of a message together. The vendor documents 5 KB and
// lets more pass where links were enriched; so do we.
const maxAttachmentBytes = 32 << 10

// readMentions reads ids, or user objects as they came in an earlier answer.
func readMentions(r *wire.Reader, v gjson.Result) []core.UserID {
	var out []core.UserID
	r.AsEach("mentioned_users", v, maxMentions, func(_ int, e gjson.Result) {
		id := e.Str
		if e.IsObject() {
			id = e.Get("id").Str
		}
		if id == "" {
			r.Fail("mentioned_users", "must be an array of user ids", fault.RequestInvalidField)
			return
		}
		out = append(out, core.UserID(id))
	})
	return out
}

// decodeUpdateMessage reads the full update: fields not named are removed.
func decodeUpdateMessage(rq *adapters.Request) (core.EditMessage, error) {
	in := core.EditMessage{ID: rq.Param("id")}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	m, ok := r.Object("message")
	if !ok {
		r.Fail("message", "is a required field", fault.RequestMissingField)
		return in, r.Err()
	}
	x := readMessage(&m)
	in.Replace = &x
	id := named(&adapters.Request{}, &m)
	if id == "" {
		id = named(rq, &r)
	}
	if !rq.Caller().Server() {
		id = ""
	}
	return in, firstErr(r.Err(), actFor(rq, id))
}

// decodePatchMessage reads the partial update {set, unset}.
func decodePatchMessage(rq *adapters.Request) (core.EditMessage, error) {
	in := core.EditMessage{ID: rq.Param("id")}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	p := patchOf(&r)
	in.Change = func(m *core.Message) error {
		return p.each(func(name string, v gjson.Result) error { return patchMessage(m, name, v) })
	}
	return in, firstErr(r.Err(), behalf(rq, &r))
}

// patchMessage changes one field of a message.
func patchMessage(m *core.Message, name string, v gjson.Result) error {
	switch name {
	case "text":
		return setText(&m.Text, name, v)
	case "silent":
		return setBool(&m.Silent, name, v)
	case "show_in_channel":
		return setBool(&m.ShowInChannel, name, v)
	case "pinned":
		return setBool(&m.Pinned, name, v)
	case "pinned_at":
		if _, ok := wire.TimeOf(v); !ok {
			return fault.RequestInvalidField.Error("pinned_at must be an RFC 3339 time")
		}
		return nil // the time of the pin is the server's
	case "pin_expires":
		t, ok := wire.TimeOf(v)
		if !ok {
			return fault.RequestInvalidField.Error("pin_expires must be an RFC 3339 time")
		}
		m.PinExpires = t
		return nil
	case "i18n":
		return setObject(&m.Translations, name, v)
	case "quoted_message_id":
		m.Quoted, m.QuotedAlias = 0, ""
		return setText(&m.QuotedAlias, name, v)
	case "attachments", "mentioned_users", "restricted_visibility":
		w := wire.NewWriter(len(v.Raw) + 32)
		w.Open()
		w.Raw(name, []byte(v.Raw))
		w.Close()
		r, err := wire.Parse(w.Bytes())
		if err != nil {
			return err
		}
		in := readMessage(&r)
		switch name {
		case "attachments":
			m.Attachments = in.Attachments
		case "mentioned_users":
			m.Mentions = in.Mentions
		default:
			m.RestrictedTo = in.RestrictedTo
		}
		return r.Err()
	}
	if messageNames.Has(name) {
		return fault.RequestInvalidField.Error("message." + name + " is a reserved field and cannot be changed")
	}
	return patchExtra(&m.Extra, name, v, maxCustom)
}

func decodeDeleteMessage(rq *adapters.Request) (core.DeleteMessage, error) {
	q := wire.QueryOf(rq)
	in := core.DeleteMessage{ID: rq.Param("id"), Hard: q.Bool("hard"), ForMe: q.Bool("delete_for_me")}
	if in.Hard && in.ForMe {
		return in, fault.RequestInvalid.Error("hard and delete_for_me cannot be used together")
	}
	id := core.UserID(orElse(q.Text("deleted_by"), q.Text("user_id")))
	if !rq.Caller().Server() {
		id = ""
	}
	return in, firstErr(q.Err(), actFor(rq, id))
}

func decodeUndelete(rq *adapters.Request) (core.DeleteMessage, error) {
	in := core.DeleteMessage{ID: rq.Param("id"), Undo: true}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	by := r.Need("undeleted_by")
	return in, firstErr(r.Err(), actFor(rq, core.UserID(by)))
}

func decodeGetMessage(rq *adapters.Request) (core.GetMessages, error) {
	q := wire.QueryOf(rq)
	in := core.GetMessages{IDs: []string{rq.Param("id")}, Strict: true, ShowDeleted: q.Bool("show_deleted_message")}
	return in, firstErr(q.Err(), behalf(rq, nil))
}

func decodeGetMany(rq *adapters.Request) (core.GetMessages, error) {
	q := wire.QueryOf(rq)
	in := core.GetMessages{IDs: q.Texts("ids", 100), Key: keyParam(rq)}
	if len(in.IDs) == 0 {
		q.Need("ids")
	}
	return in, firstErr(q.Err(), behalf(rq, nil))
}

// queryPage reads which messages are wanted from query parameters.
func queryPage(q *wire.Query) core.MessagePage {
	p := core.MessagePage{Limit: q.Int("limit", 0, maxMessagePage), Offset: q.Int("offset", 0, maxOffset)}
	pageBounds(&p, q.Text)
	for _, b := range timeBounds {
		if t := q.Time(b.name); !t.IsZero() {
			b.set(&p, t)
		}
	}
	return p
}

func decodePinned(rq *adapters.Request) (core.PinnedMessages, error) {
	in := core.PinnedMessages{Key: keyParam(rq)}
	q := wire.QueryOf(rq)
	r, err := q.Payload("payload")
	if err != nil {
		return in, err
	}
	if len(r.Fields()) == 0 {
		in.Page = queryPage(q)
		return in, firstErr(q.Err(), behalf(rq, nil))
	}
	in.Page = readMessagePage(&r)
	for _, b := range pinBounds {
		if t := r.Time(b.name); !t.IsZero() {
			b.set(&in.Page, t)
		}
	}
	sv, _ := r.Look("sort")
	in.Sort, err = pinSort.sorts(sv)
	return in, firstErr(r.Err(), err, behalf(rq, &r))
}

// pinSort is what pinned messages can be sorted by.
var pinSort = filterNoun{sort: sortOf("pinned_at")}

// pinBounds are the bounds of a page of pinned messages.
var pinBounds = timesAs("pinned_at")

// repliesRequest are the replies of one message; the path names it and the core finds the channel.
type repliesRequest struct {
	parent string
	page   core.MessagePage
	sort   []core.Sort
}

func decodeReplies(rq *adapters.Request) (repliesRequest, error) {
	q := wire.QueryOf(rq)
	in := repliesRequest{parent: rq.Param("id"), page: queryPage(q)}
	var err error
	if s := q.Text("sort"); s != "" {
		var r wire.Reader
		if r, err = wire.ParseText(`{"sort":` + s + `}`); err == nil {
			v, _ := r.Look("sort")
			in.sort, err = reactionFilter.sorts(v)
		}
	}
	return in, firstErr(q.Err(), err, behalf(rq, nil))
}

// replies lists the thread of a message.
func (d *Dialect) replies(ctx context.Context, by core.Actor, in repliesRequest) ([]core.Message, error) {
	return d.core.Messages.List(ctx, by, core.ListMessages{Parent: in.parent, Page: in.page, Sort: in.sort})
}

func decodeAction(rq *adapters.Request) (core.RunAction, error) {
	in := core.RunAction{ID: rq.Param("id"), Form: map[string]string{}}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	form, ok := r.Object("form_data")
	if !ok {
		r.Fail("form_data", "is a required field", fault.RequestMissingField)
	}
	for _, f := range form.Fields() {
		in.Form[f.Name] = form.AsText(f.Name, f.Value)
	}
	return in, firstErr(r.Err(), behalf(rq, &r))
}
