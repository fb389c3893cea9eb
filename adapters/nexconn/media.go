package nexconn

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// media is a file as this vendor and the core's neutral form both describe it.
type media struct {
	kind, url, name, mime string
	size, seconds         int64
}

// urlMember is where the content of a type keeps the address of its file.
var urlMember = map[string]string{kindImage: "imageUri", kindGIF: "remoteUrl", kindVoice: "remoteUrl", kindFile: "fileUrl", kindVideo: "sightUrl"}

// neutralType is what the neutral form calls the files of a type.
var neutralType = map[string]string{kindImage: "image", kindGIF: "image", kindVoice: "audio", kindFile: "file", kindVideo: "video"}

// readMedia reads the content of a message with a file.
func readMedia(kind string, v gjson.Result) media {
	m := media{kind: kind, url: v.Get(urlMember[kind]).String(), name: v.Get("name").String(), size: v.Get("size").Int(), seconds: v.Get("duration").Int()}
	if kind == kindGIF {
		m.mime, m.size = "image/gif", v.Get("gifDataSize").Int()
	}
	return m
}

// attachmentOf reads an attachment in the neutral form, in which other dialects send them too.
func attachmentOf(raw []byte) media {
	v := gjson.ParseBytes(raw)
	m := media{name: v.Get("title").String(), mime: v.Get("mime_type").String(), size: v.Get("file_size").Int(), seconds: v.Get("duration").Int()}
	for _, name := range []string{"asset_url", "image_url", "url", "og_scrape_url", "thumb_url"} {
		if m.url = v.Get(name).String(); m.url != "" {
			break
		}
	}
	m.name = orElse(m.name, orElse(v.Get("fallback").String(), v.Get("name").String()))
	switch t := v.Get("type").String(); {
	case t == "giphy" || m.mime == "image/gif":
		m.kind = kindGIF
	case t == "image" || strings.HasPrefix(m.mime, "image/"):
		m.kind = kindImage
	case t == "audio" || t == "voiceRecording" || strings.HasPrefix(m.mime, "audio/"):
		m.kind = kindVoice
	case t == "video" || strings.HasPrefix(m.mime, "video/"):
		m.kind = kindVideo
	default:
		m.kind = kindFile
	}
	return m
}

// neutral writes the file in the neutral form.
func (m *media) neutral() json.RawMessage {
	w := wire.NewWriter(192)
	w.Open()
	w.Text("type", neutralType[m.kind])
	if neutralType[m.kind] == "image" {
		w.Text("image_url", m.url)
	}
	w.Text("asset_url", m.url)
	w.TextIf("title", m.name)
	w.TextIf("mime_type", m.mime)
	if m.size > 0 {
		w.Int64("file_size", m.size)
	}
	if m.seconds > 0 {
		w.Int64("duration", m.seconds)
	}
	w.Close()
	return w.Bytes()
}

// body is the content of a message with the file. The vendor's thumbnails are part of the content; a
// file of another dialect has none to show.
func (m *media) body() string {
	w := wire.NewWriter(192)
	w.Open()
	switch m.kind {
	case kindImage, kindVideo:
		w.Text("content", "")
	case kindFile:
		w.Text("type", orElse(strings.TrimPrefix(extensionOf(m.name), "."), "bin"))
	}
	w.Text(urlMember[m.kind], m.url)
	w.TextIf("name", m.name)
	switch m.kind {
	case kindGIF:
		w.Int64("gifDataSize", m.size)
		w.Int("width", 0)
		w.Int("height", 0)
	case kindFile, kindVideo:
		w.Int64("size", m.size)
	}
	if m.kind == kindVoice || m.kind == kindVideo {
		w.Int64("duration", m.seconds)
	}
	w.Close()
	return string(w.Bytes())
}

// extensionOf is what follows the last dot of a file name, with the dot.
func extensionOf(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 && len(name)-i <= 12 && !strings.Contains(name[i:], "/") {
		return strings.ToLower(name[i:])
	}
	return ""
}

// noticeOps is what the vendor calls what a notice tells of.
var noticeOps = map[core.NoticeKind]string{
	core.NoticeJoined: "Add", core.NoticeAdded: "Add", core.NoticeLeft: "Quit", core.NoticeKicked: "Kicked",
	core.NoticeBanned: "Kicked", core.NoticeUnbanned: "Unbanned", core.NoticeRanked: "Ranked",
}

// noticeBody is the content of a notice: a group notification, whose data is JSON in a text.
func noticeBody(m *core.Message) string {
	n := m.Notice
	who := string(n.Of)
	if n.Person != nil {
		who = orElse(n.Person.Name, who)
	}
	data := wire.NewWriter(128)
	data.Open()
	data.List("targetUserIds")
	data.Item(string(n.Of))
	data.CloseList()
	data.List("targetUserDisplayNames")
	data.Item(who)
	data.CloseList()
	if m.Author != nil {
		data.Text("operatorNickname", m.Author.Name)
	}
	data.TextIf("oldRole", n.Old)
	data.TextIf("newRole", n.New)
	data.Close()
	w := wire.NewWriter(256)
	w.Open()
	w.Text("operatorUserId", string(m.User))
	w.Text("operation", orElse(noticeOps[n.Kind], string(n.Kind)))
	w.Text("data", string(data.Bytes()))
	w.Text("message", m.Text)
	w.Close()
	return string(w.Bytes())
}
