package cometchat

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// sendRequest is a message to send: to a person, or to a group.
type sendRequest struct {
	user    core.UserID
	group   core.ChannelKey
	message core.MessageInput
}

// readSend reads the body of a message, JSON or a form with files.
func (d *Dialect) readSend(ctx context.Context, by core.Actor, rq *adapters.Request) (sendRequest, error) {
	if rq.Stream != nil {
		return d.readForm(ctx, by, rq)
	}
	r, err := body(rq)
	if err != nil {
		return sendRequest{}, invalid(err)
	}
	return readMessage(&r, rq.Headers.Get("resource"), nil)
}

// bad is a failure of one field of a message, by the vendor's code for just that field.
func bad(reason *fault.Reason, variant, text string) error { return reason.Error(text).With(variant) }

// readMessage reads a message object. The SDKs send copies of things at the top level as well:
// what counts is in data. Files were uploaded with it, if any.
func readMessage(r *wire.Reader, session string, files []attachment) (in sendRequest, err error) {
	receiver := scalar(r, "receiver")
	switch scalar(r, "receiverType") {
	case "user":
		in.user = core.UserID(receiver)
	case "group":
		in.group = core.ChannelKey(receiver)
	default:
		return in, bad(fault.RequestInvalidField, "receiver_type", "The receiverType must be user or group.")
	}
	if receiver == "" {
		return in, bad(fault.RequestMissingField, "receiver", "The receiver is missing.")
	}
	c := content{category: categoryMessage}
	if r.Has("category") {
		c.category = scalar(r, "category")
	}
	c.kind = scalar(r, "type")
	if err := checkKind(&c); err != nil {
		return in, err
	}
	in.message.Tags = r.Texts("tags", maxTags)
	in.message.Alias = muid(scalar(r, "muid"))
	in.message.Quoted = scalar(r, "quotedMessageId")
	if err := r.Err(); err != nil {
		return in, invalid(err)
	}
	data, err := readData(r)
	if err != nil {
		return in, err
	}
	return in, fillMessage(&in.message, &c, data, session, files)
}

// scalar reads a text, or a number as one: ids come as both.
func scalar(r *wire.Reader, name string) string {
	v, ok := r.Look(name)
	if !ok || v.Type != gjson.String && v.Type != gjson.Number {
		return ""
	}
	return v.String()
}

// muid is an id of the client that can be the message's alias. A number is none: it could be the
// id of another message.
func muid(s string) string {
	if len(s) > 255 || strings.Trim(s, "0123456789") == "" || strings.ContainsAny(s, ",%") {
		return ""
	}
	return s
}

// checkKind checks category and type.
func checkKind(c *content) error {
	switch c.category {
	case categoryMessage, categoryCustom, categoryInteractive, "agentic", "card":
	case "":
		return bad(fault.RequestMissingField, "message_category", "The category is missing.")
	default:
		return bad(fault.RequestInvalidField, "message_category", "The category "+clip(c.category)+" is not valid.")
	}
	switch {
	case c.kind == "":
		return bad(fault.RequestMissingField, "message_type", "The type is missing.")
	case c.category == categoryMessage && c.kind != "text" && !slices.Contains(mediaKinds, c.kind):
		return bad(fault.RequestInvalidField, "message_type", "The type "+clip(c.kind)+" is not valid for the category message.")
	case len(c.kind) > 100:
		return bad(fault.RequestInvalidField, "message_type", "The type is too long.")
	}
	return nil
}

// readData finds the object data of a message.
func readData(r *wire.Reader) (gjson.Result, error) {
	v, ok := r.Look("data")
	switch {
	case !ok || !v.IsObject():
		return v, fault.MessageInvalid.Error("The data of the message must be an object.")
	case len(v.Raw) > maxMessageData:
		return v, fault.MessageTooLong.Error("The data of the message is larger than 10 KB.")
	}
	return v, nil
}

// keptData are the members of data that the content leaves out: the core has them, or they are
// made anew with every answer.
var keptData = wire.NamesOf("text", "attachments", "url", "entities", "mentions", "reactions", "moderation", "resource")

// fillMessage turns data into text, attachments and content.
func fillMessage(m *core.MessageInput, c *content, data gjson.Result, session string, files []attachment) error {
	text := data.Get("text")
	var err error
	switch {
	case c.category == categoryMessage && c.kind == "text":
		err = checkText(text)
	case c.category == categoryMessage:
		files, err = readFiles(c.kind, data, files)
	case c.category == categoryCustom:
		err = checkCustom(data)
	}
	if err == nil {
		err = checkMetadata(data)
	}
	if err != nil {
		return err
	}
	m.Text, m.Kind = text.String(), core.MessageRegular
	for i := range files {
		m.Attachments = append(m.Attachments, files[i].neutral())
	}
	m.Mentions = mentionsIn(m.Text)
	c.data = restOfData(data, c, session)
	if c.category != categoryMessage {
		m.Kind = core.MessageCustom
		if m.Text == "" {
			m.Text = "[" + c.kind + "]" // for dialects that show only text
		}
	}
	m.Extra = c.extra()
	return nil
}

// restOfData is what of data goes into the content. The text of a message that is not plain is
// kept there, too: the core's may be a stand-in.
func restOfData(data gjson.Result, c *content, session string) json.RawMessage {
	names := keptData
	if c.category != categoryMessage {
		names = wire.NamesOf("attachments", "url", "entities", "mentions", "reactions", "moderation", "resource")
	}
	w := wire.NewWriter(len(data.Raw))
	w.Open()
	w.Extra(core.Extra(wire.Compact(data.Raw)), names)
	if session != "" && w.Len() > 1 {
		w.Text("resource", clip(session))
	}
	w.Close()
	if w.Len() <= len("{}") {
		return nil
	}
	return w.Bytes()
}

func checkText(v gjson.Result) error {
	switch {
	case v.Exists() && v.Type != gjson.String && v.Type != gjson.Null:
		return bad(fault.RequestInvalidField, "message_text", "The text of the message must be a string.")
	case strings.TrimSpace(v.Str) == "":
		return bad(fault.RequestMissingField, "message_text", "The text of the message is empty.")
	}
	return nil
}

func checkCustom(data gjson.Result) error {
	v := data.Get("customData")
	switch {
	case !v.Exists() || v.Type == gjson.Null:
		return bad(fault.RequestMissingField, "custom_data", "The customData of the message is missing.")
	case v.IsObject() || v.IsArray():
		return nil
	case v.Type == gjson.String && v.Str != "" && gjson.Valid(v.Str) && gjson.Parse(v.Str).IsObject():
		return nil
	}
	return bad(fault.RequestInvalidField, "custom_data", "The customData of the message must be valid JSON.")
}

func checkMetadata(data gjson.Result) error {
	v := data.Get("metadata")
	switch {
	case !v.Exists() || v.Type == gjson.Null || v.IsObject() || v.IsArray():
		return nil
	case v.Type == gjson.String && (v.Str == "" || gjson.Valid(v.Str) && gjson.Parse(v.Str).IsObject()):
		return nil
	}
	return bad(fault.RequestInvalidField, "metadata", "The metadata of the message must be valid JSON.")
}

// readFiles are the files of a media message: those uploaded with it, or links it names.
func readFiles(kind string, data gjson.Result, files []attachment) ([]attachment, error) {
	malformed := bad(fault.MessageInvalid, "media", "The attachments of the message must be a list of objects with a url.")
	list, link := data.Get("attachments"), data.Get("url")
	if list.Exists() && list.Type != gjson.Null {
		if !list.IsArray() {
			return nil, malformed
		}
		for _, v := range list.Array() {
			a := attachment{kind: kind, url: v.Get("url").String(), name: v.Get("name").String(), mime: v.Get("mimeType").String(), size: v.Get("size").Int()}
			if !v.IsObject() || a.url == "" {
				return nil, malformed
			}
			files = append(files, a)
		}
	}
	if len(files) == 0 && link.Exists() && link.Type != gjson.Null {
		if link.Type != gjson.String || link.Str == "" {
			return nil, malformed
		}
		files = append(files, attachment{kind: kind, url: link.Str, name: link.Str[strings.LastIndexByte(link.Str, '/')+1:]})
	}
	if len(files) == 0 {
		return nil, bad(fault.RequestMissingField, "message_file", "The message has no file.")
	}
	return files, nil
}

// mentionsIn finds the people a text mentions: <@uid:UID>.
func mentionsIn(text string) []core.UserID {
	const open = "<@uid:"
	var out []core.UserID
	for {
		i := strings.Index(text, open)
		if i < 0 {
			return out
		}
		text = text[i+len(open):]
		end := strings.IndexByte(text, '>')
		if end < 0 {
			return out
		}
		if id := core.UserID(text[:end]); id != "" && !slices.Contains(out, id) && len(out) < 25 {
			out = append(out, id)
		}
	}
}

// messageEdit is a change of a message.
type messageEdit struct {
	input   core.MessageInput
	content content
	tags    bool
	editor  core.UserID // when it is not the author
}

// readEdit reads a change of a message. The SDKs send the whole message back; what is not said
// stays.
func readEdit(rq *adapters.Request, old *core.Message) (e messageEdit, err error) {
	r, err := body(rq)
	if err != nil {
		return e, invalid(err)
	}
	e.content = contentOf(old)
	if r.Has("tags") {
		e.tags, e.input.Tags = true, r.Texts("tags", maxTags)
	}
	if err := r.Err(); err != nil {
		return e, invalid(err)
	}
	if _, ok := r.Look("data"); !ok && e.tags {
		e.input.Text, e.input.Attachments, e.input.Extra, e.input.Mentions = old.Text, old.Attachments, old.Extra, old.Mentions
		return e, nil
	}
	data, err := readData(&r)
	if err != nil {
		return e, err
	}
	var files []attachment
	if e.content.category == categoryMessage && e.content.kind != "text" && !data.Get("attachments").Exists() {
		files = attachmentsOf(old)
	}
	return e, fillMessage(&e.input, &e.content, data, gjson.GetBytes(e.content.data, "resource").String(), files)
}

// apply changes the stored message and keeps the custom fields of other dialects.
func (e *messageEdit) apply(m *core.Message) error {
	m.Text, m.Attachments, m.Mentions = e.input.Text, e.input.Attachments, e.input.Mentions
	extra := extraEdit{x: m.Extra}
	extra.raw(contentName, nil)
	gjson.ParseBytes(e.input.Extra).ForEach(func(name, v gjson.Result) bool {
		extra.raw(name.Str, []byte(v.Raw))
		return true
	})
	who := string(e.editor)
	extra.text("edited_by", &who)
	m.Extra = extra.x
	if e.tags {
		m.Tags = e.input.Tags
	}
	return nil
}
