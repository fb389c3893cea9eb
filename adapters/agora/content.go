package agora

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// msyncName is the member of a message's Extra that keeps what only this vendor's messages have.
const msyncName = "msync"

// foreign are members of Extra that are not for this vendor's people to see: the own one, and those
// in which other dialects keep theirs.
var foreign = wire.Own

// kept is what msyncName holds.
type kept struct {
	body   []byte // the MessageBody as it was sent
	device string // that sent it
	edits  int    // how often it was changed
	tag    optional
	ack    bool // members are to acknowledge reading it
}

// keptOf reads what was kept of a message; ok is false for messages of other dialects.
func keptOf(m *core.Message) (k kept, ok bool) {
	v := gjson.GetBytes(m.Extra, msyncName)
	if !v.IsObject() {
		return k, false
	}
	b, err := base64.StdEncoding.DecodeString(v.Get("body").Str)
	if err != nil || len(b) == 0 {
		return k, false
	}
	k = kept{body: b, device: v.Get("device").Str, edits: int(v.Get("edits").Int()), ack: v.Get("ack").Bool()}
	if tag := v.Get("tag"); tag.Exists() {
		k.tag = some(tag.Int())
	}
	return k, true
}

// extra is a message's Extra: the vendor's extension fields, for all to see, and what is kept.
func (k *kept) extra(m *msgBody) core.Extra {
	w := wire.NewWriter(128 + len(k.body)*4/3)
	w.Open()
	writeValues(w, m.ext, foreign)
	w.Object(msyncName)
	w.Text("body", base64.StdEncoding.EncodeToString(k.body))
	w.TextIf("device", k.device)
	if k.edits > 0 {
		w.Int("edits", k.edits)
	}
	if k.tag.ok {
		w.Int64("tag", k.tag.v)
	}
	w.BoolIf("ack", k.ack)
	w.Close()
	if len(m.contents) > 0 && m.contents[0].kind == contentCustom && m.contents[0].customEvent != "" {
		data := wire.NewWriter(128)
		data.Open()
		writeValues(data, m.contents[0].customExts, nil)
		data.Close()
		x := wire.Custom{Type: strings.ToValidUTF8(m.contents[0].customEvent, "\ufffd"), Data: data.Bytes()}
		x.Write(w)
	}
	w.Close()
	return w.Bytes()
}

// input is the message as the core has it: text and attachments for everybody, the bytes for this
// vendor's people.
func (m *msgBody) input(raw []byte, device string, tag optional) core.MessageInput {
	k := kept{body: raw, device: device, tag: tag, ack: m.config.v != nil && m.config.v.allowGroupAck}
	in := core.MessageInput{Extra: k.extra(m)}
	if len(m.contents) > 0 {
		c := &m.contents[0]
		in.Kind, in.Text, in.Attachments = c.kindOf(), c.plain(), c.attachments()
	}
	in.Mentions = m.mentions()
	return in
}

// mentionsName is the extension field by which the vendor's UI kits mention people: a list of their ids,
// or a word for all of them.
const mentionsName = "em_at_list"

// maxMentions bounds how many people one message mentions for the other dialects.
const maxMentions = 25

// mentions are the people a message mentions as the vendor's UI kits do.
func (m *msgBody) mentions() []core.UserID {
	var out []core.UserID
	for i := range m.ext {
		if m.ext[i].key != mentionsName {
			continue
		}
		for _, v := range gjson.Parse(m.ext[i].text).Array() {
			if id := core.UserID(v.String()); v.Type == gjson.String && id != "" && len(out) < maxMentions && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// addUsages adds to a message of another dialect what the vendor's UI kits read mentions and quotes from.
func (m *msgBody) addUsages(of *core.Message) {
	if len(of.Mentions) > 0 && !has(m.ext, mentionsName) {
		if list, err := json.Marshal(of.Mentions); err == nil {
			m.ext = append(m.ext, keyValue{key: mentionsName, kind: some(kvJSON), text: string(list)})
		}
	}
	if q := of.QuotedMessage; q != nil && !has(m.ext, quoteName) {
		w := wire.NewWriter(128)
		w.Open()
		w.Text("msgID", q.ID.String())
		w.Text("msgPreview", q.Text)
		w.Text("msgSender", string(q.User))
		w.Text("msgType", "txt")
		w.Close()
		m.ext = append(m.ext, keyValue{key: quoteName, kind: some(kvJSON), text: string(w.Bytes())})
	}
}

// quoteName is the extension field by which the vendor's UI kits quote a message.
const quoteName = "msgQuote"

// kindOf is the core's kind of message.
func (c *content) kindOf() core.MessageKind {
	if c.kind == contentCustom || c.kind == contentCommand {
		return core.MessageCustom
	}
	return core.MessageRegular
}

// plain is what the content says in words.
func (c *content) plain() string {
	s := ""
	switch {
	case c.combined():
		s = orElse(c.text, orElse(c.title, c.summary))
	case c.kind == contentText:
		s = c.text
	case c.kind == contentLocation:
		s = orElse(c.address, strconv.FormatFloat(c.lat, 'f', -1, 64)+", "+strconv.FormatFloat(c.lng, 'f', -1, 64))
	case c.kind == contentCustom:
		s = "[" + c.customEvent + "]"
	case c.kind == contentCommand:
		s = "[" + c.action + "]"
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// fileKinds are the contents that are files, by the type of their attachment.
var fileKinds = map[always]string{contentImage: "image", contentVideo: "video", contentVoice: "audio", contentFile: "file"}

// attachments are the files of the content in the core's neutral form.
func (c *content) attachments() []json.RawMessage {
	typ := fileKinds[c.kind]
	if c.combined() && c.path != "" {
		typ = "file"
	}
	w := wire.NewWriter(256)
	switch {
	case c.kind == contentLocation:
		w.Open()
		w.Text("type", "location")
		w.Key("latitude")
		writeFloat(w, c.lat)
		w.Key("longitude")
		writeFloat(w, c.lng)
		w.TextIf("title", c.address)
		w.Close()
		return []json.RawMessage{w.Bytes()}
	case typ == "":
		return nil
	}
	link := withSecret(c.path, c.secret)
	w.Open()
	w.Text("type", typ)
	if typ == "image" {
		w.Text("image_url", link)
	}
	w.Text("asset_url", link)
	w.TextIf("title", c.name)
	if c.thumb != "" {
		w.Text("thumb_url", withSecret(c.thumb, c.thumbSecret))
	}
	if c.length > 0 {
		w.Int64("file_size", c.length)
	}
	if c.duration > 0 {
		w.Int64("duration", c.duration)
	}
	if s := c.size.v; s != nil && s.width > 0 {
		w.Int("original_width", int(s.width))
		w.Int("original_height", int(s.height))
	}
	w.Close()
	return []json.RawMessage{w.Bytes()}
}

// withSecret is the link to a file by which everybody can fetch it.
func withSecret(url, secret string) string {
	url = strings.ToValidUTF8(url, "\ufffd")
	if url == "" || secret == "" || strings.Contains(url, "share-secret=") {
		return url
	}
	sep := "?"
	if strings.Contains(url, "?") {
		sep = "&"
	}
	return url + sep + "em-redirect=true&share-secret=" + secret
}

// rawOf are the bytes of a stored message: those that were sent, while the message still says what
// they say; others are made of its text and attachments.
func rawOf(v *venue, m *core.Message) []byte {
	k, ok := keptOf(m)
	if !ok {
		b := madeOf(v, m)
		return b.encode(nil)
	}
	var b msgBody
	if b.decode(k.body, 0) != nil || len(b.contents) == 0 || b.contents[0].plain() == m.Text {
		return k.body
	}
	// Somebody changed the text by another dialect, or a rule did.
	b.contents[0].text = m.Text
	if b.contents[0].kind != contentText {
		b.contents[0] = content{kind: contentText, text: m.Text}
	}
	return b.encode(nil)
}

// bodyOf reads the body of a stored message, whichever dialect it came by.
func bodyOf(v *venue, m *core.Message) msgBody {
	var b msgBody
	if b.decode(rawOf(v, m), 0) != nil {
		return madeOf(v, m)
	}
	return b
}

// madeOf makes a body of a message of another dialect. Clients show the first content alone, so that
// text comes first.
func madeOf(v *venue, m *core.Message) msgBody {
	b := msgBody{kind: v.bodyKind()}
	b.from.v = &jid{name: string(m.User)}
	b.to.v = &jid{name: v.to(m.User)}
	b.ext = valuesOf(gjson.ParseBytes(m.Extra), foreign)
	b.addUsages(m)
	if x, ok := wire.CustomOf(m); ok {
		c := content{kind: contentCustom, customEvent: x.Type, customExts: valuesOf(gjson.ParseBytes(x.Data), nil)}
		if len(c.customExts) == 0 && string(x.Data) != "{}" { // a list, or a single value
			c.customExts = []keyValue{{key: "data", kind: some(kvJSON), text: string(x.Data)}}
		}
		b.contents = []content{c}
		return b
	}
	for i := range m.Attachments {
		b.contents = append(b.contents, contentOf(m.Attachments[i]))
	}
	switch {
	case m.Kind == core.MessageCustom:
		x := gjson.GetBytes(m.Extra, "content") // how another dialect keeps its interactive messages
		c := content{kind: contentCustom, customEvent: orElse(x.Get("type").String(), strings.Trim(m.Text, "[]"))}
		c.customExts = valuesOf(x.Get("data"), nil)
		b.contents = append([]content{c}, b.contents...)
	case m.Text != "" || len(b.contents) == 0:
		text := m.Text
		if text == "" && m.Poll != nil {
			text = "[" + m.Poll.Name + "]"
		}
		if len(m.Attachments) > 0 {
			if list, err := json.Marshal(m.Attachments); err == nil {
				b.ext = append(b.ext, keyValue{key: "attachments", kind: some(kvJSON), text: string(list)})
			}
		}
		b.contents = append([]content{{kind: contentText, text: text}}, b.contents...)
	}
	return b
}

// contentOf reads an attachment in the neutral form.
func contentOf(raw []byte) content {
	v := gjson.ParseBytes(raw)
	mime := v.Get("mime_type").String()
	c := content{
		name: orElse(v.Get("title").String(), v.Get("fallback").String()), length: v.Get("file_size").Int(), duration: v.Get("duration").Int(),
		path: orElse(v.Get("asset_url").String(), orElse(v.Get("image_url").String(), orElse(v.Get("url").String(), v.Get("thumb_url").String()))),
	}
	switch typ := v.Get("type").String(); {
	case typ == "location":
		return content{kind: contentLocation, lat: v.Get("latitude").Num, lng: v.Get("longitude").Num, address: v.Get("title").String()}
	case typ == "image" || typ == "giphy" || strings.HasPrefix(mime, "image/"):
		c.kind, c.path = contentImage, orElse(v.Get("image_url").String(), c.path)
		c.size.v = &pixels{v.Get("original_width").Num, v.Get("original_height").Num}
		c.thumb = v.Get("thumb_url").String()
	case typ == "video" || strings.HasPrefix(mime, "video/"):
		c.kind, c.thumb = contentVideo, v.Get("thumb_url").String()
	case typ == "audio" || typ == "voiceRecording" || strings.HasPrefix(mime, "audio/"):
		c.kind = contentVoice
	default:
		c.kind = contentFile
	}
	return c
}
