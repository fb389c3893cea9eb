package agora

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// typeNames are the types of messages by content; the first content tells.
var typeNames = map[always]string{
	contentText: "txt", contentImage: "img", contentVideo: "video", contentLocation: "loc", contentVoice: "audio",
	contentFile: "file", contentCommand: "cmd", contentCustom: "custom", contentCombine: "combine",
}

// payloadJSON is the body of a message as the vendor's JSON has it: bodies, ext, from, to.
func payloadJSON(v *venue, m *core.Message) []byte {
	b := bodyOf(v, m)
	w := wire.NewWriter(256)
	w.Open()
	w.List("bodies")
	for i := range b.contents {
		writeContent(w, &b.contents[i])
	}
	w.CloseList()
	w.Object("ext")
	writeValues(w, b.ext, foreign)
	w.Close()
	w.Text("from", string(m.User))
	w.Text("to", v.to(m.User))
	w.Text("type", v.talk())
	if about := aboutOf(v, m); about != nil {
		w.Raw("meta", about)
	}
	w.Close()
	return w.Bytes()
}

// talk is the vendor's word for the kind of conversation in histories and webhooks.
func (v *venue) talk() string {
	switch {
	case v.direct():
		return "chat"
	case v.room():
		return "chatroom"
	}
	return "groupchat"
}

// writeMessage writes a message as histories have it.
func writeMessage(w *wire.Writer, v *venue, m *core.Message) {
	w.Open()
	w.Text("msg_id", m.ID.String())
	w.Int64("timestamp", m.CreatedAt.UnixMilli())
	w.Text("direction", "outgoing")
	w.Text("from", string(m.User))
	w.Text("to", v.to(m.User))
	w.Text("chat_type", v.talk())
	w.Raw("payload", payloadJSON(v, m))
	w.Close()
}

// writeContent writes one body of a message.
func writeContent(w *wire.Writer, c *content) {
	w.Open()
	w.Text("type", typeName(c))
	switch c.kind {
	case contentText:
		w.Text("msg", c.text)
	case contentCommand:
		w.Text("action", c.action)
	case contentLocation:
		w.Key("lat")
		writeFloat(w, c.lat)
		w.Key("lng")
		writeFloat(w, c.lng)
		w.Text("addr", c.address)
	case contentCustom:
		w.Text("customEvent", c.customEvent)
		w.List("customExts") // the web SDK takes a list of objects, here and nowhere else
		w.Open()
		writeValues(w, c.customExts, nil)
		w.Close()
		w.CloseList()
	default:
		writeFile(w, c)
	}
	if c.combined() {
		w.Text("title", c.title)
		w.Text("summary", c.summary)
		w.Int64("combineLevel", c.combineLevel)
		if c.kind == contentText {
			writeFile(w, c)
		}
	}
	w.Close()
}

// typeName is the type of a body.
func typeName(c *content) string {
	if c.combined() {
		return typeNames[contentCombine]
	}
	return typeNames[c.kind]
}

// writeFile writes what a body says of its file.
func writeFile(w *wire.Writer, c *content) {
	w.Text("filename", c.name)
	w.Text("url", c.path)
	w.Text("secret", c.secret)
	if c.length > 0 {
		w.Int64("file_length", c.length)
	}
	if c.duration > 0 {
		w.Int64("length", c.duration)
	}
	if s := c.size.v; s != nil {
		w.Object("size")
		w.Key("width")
		writeFloat(w, s.width)
		w.Key("height")
		writeFloat(w, s.height)
		w.Close()
	}
	w.TextIf("thumb", c.thumb)
	w.TextIf("thumb_secret", c.thumbSecret)
}
