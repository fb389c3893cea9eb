package cometchat

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// contentName is the member of a message's Extra that keeps what only this vendor's messages have.
const contentName = "content"

// Categories of messages.
const (
	categoryMessage     = "message"
	categoryCustom      = "custom"
	categoryInteractive = "interactive"
	categoryAction      = "action"
	categoryCall        = "call"
)

// content is what the vendor's message says beyond text and attachments.
type content struct {
	category, kind string          // kind is the vendor's "type"
	data           json.RawMessage // the members of data that have no place in the core, or nil
	muid           string
}

// contentOf reads the content of a message, or works it out from its text and attachments.
func contentOf(m *core.Message) content {
	c := content{category: categoryMessage, kind: "text", muid: m.Alias}
	if n := m.Notice; n != nil {
		if c.category, c.kind = categoryAction, "groupMember"; n.Kind == core.NoticeCall {
			c.category, c.kind = categoryCall, "audio"
			if n.Call != nil {
				c.kind = n.Call.Kind
			}
		}
		return c
	}
	if v := gjson.GetBytes(m.Extra, contentName); v.IsObject() {
		c.category = orElse(v.Get("category").String(), c.category)
		c.kind = orElse(v.Get("type").String(), c.kind)
		if x := v.Get("data"); x.IsObject() {
			c.data = json.RawMessage(x.Raw)
		}
		return c
	}
	if x, ok := wire.CustomOf(m); ok {
		w := wire.NewWriter(32 + len(x.Data))
		w.Open()
		w.Raw("customData", x.Data)
		w.Close()
		return content{category: categoryCustom, kind: x.Type, data: w.Bytes(), muid: m.Alias}
	}
	if len(m.Attachments) > 0 {
		if a := attachmentOf(m.Attachments[0]); a.url != "" {
			c.kind = a.kind
		}
	}
	return c
}

// extra is the content as a member of Extra, with its metadata and what is custom in it for the other
// dialects; nil when text says everything.
func (c *content) extra() core.Extra {
	if c.category == categoryMessage && c.kind == "text" && len(c.data) == 0 {
		return nil
	}
	w := wire.NewWriter(128 + len(c.data))
	w.Open()
	w.Object(contentName)
	w.Text("category", c.category)
	w.Text("type", c.kind)
	if len(c.data) > 0 {
		w.Raw("data", c.data)
	}
	w.Close()
	w.Spread(gjson.GetBytes(c.data, "metadata").Raw)
	if v := gjson.GetBytes(c.data, "customData"); c.category == categoryCustom && v.Exists() {
		x := wire.Custom{Type: c.kind, Data: json.RawMessage(v.Raw)}
		x.Write(w)
	}
	w.Close()
	return w.Bytes()
}

// mediaKinds are the types of messages that carry files.
var mediaKinds = []string{"image", "video", "audio", "file"}

// attachment is a file as this vendor and the core's neutral form both describe it.
type attachment struct {
	kind, url, name, mime, extension string
	size                             int64
}

// attachmentOf reads an attachment in the neutral form, in which other dialects send them too.
func attachmentOf(raw []byte) attachment {
	v := gjson.ParseBytes(raw)
	a := attachment{kind: v.Get("type").String(), name: v.Get("title").String(), mime: v.Get("mime_type").String(), size: v.Get("file_size").Int()}
	for _, name := range []string{"asset_url", "image_url", "url", "thumb_url"} {
		if a.url = v.Get(name).String(); a.url != "" {
			break
		}
	}
	a.name = orElse(a.name, orElse(v.Get("fallback").String(), v.Get("name").String()))
	switch {
	case slices.Contains(mediaKinds, a.kind):
	case a.kind == "voiceRecording" || strings.HasPrefix(a.mime, "audio/"):
		a.kind = "audio"
	case a.kind == "giphy" || strings.HasPrefix(a.mime, "image/"):
		a.kind = "image"
	case strings.HasPrefix(a.mime, "video/"):
		a.kind = "video"
	default:
		a.kind = "file"
	}
	a.extension = orElse(extensionOf(a.name), extensionOf(a.url))
	return a
}

// neutral writes the attachment in the neutral form.
func (a *attachment) neutral() json.RawMessage {
	w := wire.NewWriter(192)
	w.Open()
	w.Text("type", a.kind)
	if a.kind == "image" {
		w.Text("image_url", a.url)
	}
	w.Text("asset_url", a.url)
	w.Text("title", a.name)
	w.TextIf("mime_type", a.mime)
	if a.size > 0 {
		w.Int64("file_size", a.size)
	}
	w.Close()
	return w.Bytes()
}

// write writes the attachment as the vendor does.
func (a *attachment) write(w *wire.Writer) {
	w.Open()
	w.Text("extension", a.extension)
	w.Text("mimeType", a.mime)
	w.Text("name", a.name)
	w.Int64("size", a.size)
	w.Text("url", a.url)
	w.Close()
}

// extensionOf is what follows the last dot of a file name.
func extensionOf(name string) string {
	if i := strings.IndexAny(name, "?#"); i >= 0 {
		name = name[:i]
	}
	i := strings.LastIndexByte(name, '.')
	if i < 0 || strings.Contains(name[i:], "/") || len(name)-i > 12 {
		return ""
	}
	return strings.ToLower(name[i+1:])
}
