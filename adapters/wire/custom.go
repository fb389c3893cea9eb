package wire

import (
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/core"
)

// CustomName is the member of a message's Extra in which dialects agree on what a message of a type of
// the app's own says: {"type": its name, "data": any JSON}. Each keeps beside it what only its own
// clients can read; the others make their custom message of this one.
const CustomName = "custom"

// Own are the members of a message's Extra that belong to dialects. The others are fields of the app's,
// which every dialect shows in its own way.
var Own = NamesOf("content", "nexconn", "msync", "rc", "edited_by", CustomName)

// Custom is a message of a type of the app's own.
type Custom struct {
	Type string
	Data json.RawMessage // as it was sent; never empty
}

// Write adds it to an open Extra.
func (c *Custom) Write(w *Writer) {
	w.Object(CustomName)
	w.Text("type", c.Type)
	w.Raw("data", c.Data)
	w.Close()
}

// links are the members of an attachment that make it a file or a card.
var links = []string{"asset_url", "image_url", "url", "thumb_url", "og_scrape_url", "title_link"}

// files are the types of attachments that every dialect has its own messages for.
var files = []string{"image", "video", "audio", "file", "giphy", "voiceRecording", "location"}

// CustomOf reads a message as one of a type of the app's own; ok is false for any other. A dialect without
// such messages has attachments of types of the app's own: one that stands alone and links to nothing is
// one, too.
func CustomOf(m *core.Message) (c Custom, ok bool) {
	if v := gjson.GetBytes(m.Extra, CustomName); m.Kind == core.MessageCustom && v.Get("type").Str != "" {
		c = Custom{v.Get("type").Str, json.RawMessage(v.Get("data").Raw)}
		if len(c.Data) == 0 {
			c.Data = json.RawMessage("{}")
		}
		return c, true
	}
	if m.Text != "" || len(m.Attachments) != 1 || m.Poll != nil {
		return c, false
	}
	a := gjson.ParseBytes(m.Attachments[0])
	if c.Type = a.Get("type").Str; c.Type == "" || slices.Contains(files, c.Type) {
		return c, false
	}
	for _, name := range links {
		if a.Get(name).Exists() {
			return c, false
		}
	}
	w := NewWriter(len(m.Attachments[0]))
	w.Open()
	w.Extra(core.Extra(m.Attachments[0]), NamesOf("type"))
	w.Close()
	c.Data = w.Bytes()
	return c, true
}

// Fields are the app's own fields of a message as an object, nil when there are none.
func Fields(x core.Extra) json.RawMessage {
	w := NewWriter(len(x))
	w.Open()
	w.Extra(x, Own)
	w.Close()
	if w.Len() <= len("{}") {
		return nil
	}
	return w.Bytes()
}

// Spread adds the members of an object that an app keeps with a message to an open Extra, where the
// other dialects find them. Members with a dialect's name stay behind.
func (w *Writer) Spread(object string) {
	if gjson.Parse(object).IsObject() {
		w.Extra(core.Extra(Compact(object)), Own)
	}
}
