package nexconn

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// contentName is the member of a message's Extra that keeps what only this vendor's messages have.
const contentName = "nexconn"

// Types of messages that this dialect acts on. Those that begin with RC: are the vendor's own.
const (
	kindText      = "RC:TxtMsg"
	kindImage     = "RC:ImgMsg"
	kindVoice     = "RC:HQVCMsg"
	kindFile      = "RC:FileMsg"
	kindVideo     = "RC:SightMsg"
	kindGIF       = "RC:GIFMsg"
	kindCard      = "RC:ImgTextMsg"
	kindReference = "RC:ReferenceMsg"
	kindStream    = "RC:StreamMsg"
	kindInfo      = "RC:InfoNtf"
	kindGroup     = "RC:GrpNtf"
	kindRecalled  = "RC:RcNtf"
	kindPlace     = "RC:LBSMsg"
	kindCombined  = "RC:CombineV2Msg"
)

// kinds are the vendor's own types by what becomes of their messages: stored in the log, counted as
// unread. Types of the app are both. See https://docs.nexconn.ai, message types.
var kinds = map[string]struct{ stored, counted bool }{
	kindText: {true, true}, kindImage: {true, true}, kindVoice: {true, true}, "RC:VcMsg": {true, true}, kindFile: {true, true},
	kindVideo: {true, true}, kindGIF: {true, true}, kindPlace: {true, true}, kindCard: {true, true}, "RC:CombineMsg": {true, true},
	kindCombined: {true, true}, kindReference: {true, true}, kindStream: {true, true},
	kindInfo: {true, false}, kindGroup: {true, false}, "RC:ContactNtf": {true, false}, "RC:ProfileNtf": {true, false},
	kindRecalled: {true, false}, "RC:CmdNtf": {true, false}, "RC:RcCmd": {true, false},
	"RC:CmdMsg": {false, false}, "RC:TypSts": {false, false}, "RC:SRSMsg": {false, false}, "RC:ReadNtf": {false, false},
}

// content is what a message of this vendor says beyond its author, place and time.
type content struct {
	kind string // messageType
	body string // content: a JSON text, kept byte for byte

	expandable bool // metadata may be put on it
	stored     bool // part of the history
	counted    bool // raises unread counts
	quiet      bool // no push
	mentions   bool // mentions somebody, or everybody
	all        bool // mentions everybody
	unlisted   bool // leaves the conversation's last message as it is
	unechoed   bool // not told to its author
}

// newContent is the content of a new message with what its type entails.
func newContent(kind, body string) content {
	c := content{kind: kind, body: body, stored: true, counted: true}
	if k, own := kinds[kind]; own {
		c.stored, c.counted = k.stored, k.counted
	}
	return c
}

// contentOf reads the content of a message, or works it out from its text and attachments. A text that
// was changed over another dialect is what counts.
func contentOf(m *core.Message) content {
	v := gjson.GetBytes(m.Extra, contentName)
	if !v.IsObject() || m.Notice != nil {
		return neutralContent(m)
	}
	c := newContent(orElse(v.Get("type").Str, kindText), v.Get("content").Str)
	if v.Get("content").Type != gjson.String {
		c.body = textBody(m.Text)
	}
	for _, f := range c.flags() {
		if x := v.Get(f.name); x.IsBool() {
			*f.flag = x.Bool()
		}
	}
	if name := textMember[c.kind]; name != "" && gjson.Get(c.body, name).String() != m.Text {
		c.body = withMember(c.body, name, m.Text)
	}
	return c
}

// flags are the switches by their names in Extra.
func (c *content) flags() []flag {
	return []flag{
		{"expandable", &c.expandable}, {"stored", &c.stored}, {"counted", &c.counted}, {"quiet", &c.quiet},
		{"mentions", &c.mentions}, {"all", &c.all}, {"unlisted", &c.unlisted}, {"unechoed", &c.unechoed},
	}
}

// flag is one switch.
type flag struct {
	name string
	flag *bool
}

// textMember is the member of the content that is the message's text, for the types that have one.
var textMember = map[string]string{kindText: "content", kindReference: "content", kindStream: "content", kindInfo: "message"}

// neutralContent is the content of a message that another dialect wrote, or that nobody wrote.
func neutralContent(m *core.Message) content {
	switch {
	case m.Notice != nil && m.Notice.Kind != core.NoticeCall:
		return newContent(kindGroup, noticeBody(m))
	case m.Kind == core.MessageSystem && len(m.Attachments) == 0:
		w := wire.NewWriter(64 + len(m.Text))
		w.Open()
		w.Text("message", m.Text)
		w.Close()
		return newContent(kindInfo, string(w.Bytes()))
	case len(m.Attachments) == 1 && m.Text == "":
		if a := attachmentOf(m.Attachments[0]); a.url != "" {
			return newContent(a.kind, a.body())
		}
	}
	if x, ok := wire.CustomOf(m); ok && len(x.Type) <= maxKind && !strings.HasPrefix(x.Type, "RC:") {
		c := newContent(x.Type, string(x.Data))
		c.counted = !m.Silent
		return c
	}
	text := m.Text
	for _, raw := range m.Attachments {
		if a := attachmentOf(raw); a.url != "" {
			text = strings.TrimPrefix(text+"\n"+a.url, "\n")
		}
	}
	if text == "" && m.Poll != nil {
		text = "[" + m.Poll.Name + "]"
	}
	c := newContent(kindText, textBody(text))
	if m.QuotedMessage != nil {
		c = newContent(kindReference, quoting(text, m.QuotedMessage))
	}
	if fields := wire.Fields(m.Extra); fields != nil {
		c.body = withMember(c.body, "extra", string(fields))
	}
	c.counted, c.mentions = !m.Silent, len(m.Mentions) > 0
	if c.mentions {
		c.body = mentioning(c.body, m.Mentions)
	}
	return c
}

// textBody is the content of a plain text.
func textBody(text string) string {
	w := wire.NewWriter(16 + len(text))
	w.Open()
	w.Text("content", text)
	w.Close()
	return string(w.Bytes())
}

// quoting is the content of a text that quotes a message.
func quoting(text string, q *core.Message) string {
	of := contentOf(q)
	w := wire.NewWriter(128 + len(text) + len(of.body))
	w.Open()
	w.Text("content", text)
	w.Text("referMsgUserId", string(q.User))
	if gjson.Valid(of.body) {
		w.Raw("referMsg", []byte(of.body))
	}
	w.Text("referMsgUid", uidOf(q))
	w.Text("objName", of.kind)
	w.Close()
	return string(w.Bytes())
}

// mentioning adds to a content whom it mentions.
func mentioning(body string, ids []core.UserID) string {
	w := wire.NewWriter(len(body) + 64)
	w.Append([]byte(strings.TrimSuffix(body, "}")))
	w.Object("mentionedInfo")
	w.Int("type", 2)
	w.IDs("userIdList", ids)
	w.Close()
	w.Close()
	return string(w.Bytes())
}

// withMember is a JSON object with a text member set, the others as they were.
func withMember(body, name, text string) string {
	w := wire.NewWriter(len(body) + len(text))
	w.Open()
	w.Text(name, text)
	if v := gjson.Parse(body); v.IsObject() {
		w.Extra(core.Extra(v.Raw), wire.NamesOf(name))
	}
	w.Close()
	return string(w.Bytes())
}

// input is the message as the core takes it: text and attachments in the neutral form, and in Extra
// what they do not say.
func (c *content) input() core.MessageInput {
	v := gjson.Parse(c.body)
	in := core.MessageInput{Silent: !c.counted}
	switch c.kind {
	case kindText, kindReference, kindStream, kindInfo:
		in.Text = v.Get(textMember[c.kind]).String()
		in.Quoted = v.Get("referMsgUid").String()
	case kindImage, kindGIF, kindVoice, kindFile, kindVideo:
		if a := readMedia(c.kind, v); a.url != "" {
			in.Attachments = []json.RawMessage{a.neutral()}
		}
	case kindPlace:
		in.Text = strings.TrimSpace(v.Get("poi").String() + " " + v.Get("latitude").Raw + "," + v.Get("longitude").Raw)
	case kindCard:
		in.Text = joinLines(v.Get("title").String(), v.Get("content").String(), v.Get("url").String())
	default:
		in.Kind = core.MessageCustom
		for _, name := range []string{"content", "text", "message", "title"} {
			if s := v.Get(name); s.Type == gjson.String && in.Text == "" {
				in.Text = s.Str
			}
		}
		if in.Text == "" && c.counted {
			in.Text = "[" + c.kind + "]"
		}
	}
	info := v.Get("mentionedInfo")
	if c.mentions || info.Exists() {
		c.all = info.Get("type").Int() == 1
		for _, id := range info.Get("userIdList").Array() {
			if u := core.UserID(id.String()); u != "" && !slices.Contains(in.Mentions, u) {
				in.Mentions = append(in.Mentions, u)
			}
		}
	}
	in.Extra = c.extra(in.Text)
	return in
}

// joinLines joins what is there.
func joinLines(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n")
}

// extra is the content as a member of Extra; nil when the text says everything.
func (c *content) extra(text string) core.Extra {
	usual := newContent(c.kind, "")
	w := wire.NewWriter(128 + len(c.body))
	w.Open()
	w.Object(contentName)
	plain := c.kind == kindText && c.body == textBody(text)
	if !plain {
		w.Text("type", c.kind)
		w.Text("content", c.body)
	}
	mine, other := c.flags(), usual.flags()
	for i := range mine {
		if *mine[i].flag != *other[i].flag {
			w.Bool(mine[i].name, *mine[i].flag)
			plain = false
		}
	}
	w.Close()
	if plain {
		return nil
	}
	switch v := gjson.Parse(c.body); {
	case textMember[c.kind] != "":
		w.Spread(v.Get("extra").Str)
	case !strings.HasPrefix(c.kind, "RC:") && len(c.body) <= maxShared && gjson.Valid(c.body):
		x := wire.Custom{Type: c.kind, Data: json.RawMessage(c.body)}
		x.Write(w)
	}
	w.Close()
	return w.Bytes()
}

// maxShared is how long the content of a type of the app's own may be to be shown by other dialects, in
// bytes; of a longer one they show the text alone.
const maxShared = 32 << 10

// orElse returns s, or the fallback when s is empty.
func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
