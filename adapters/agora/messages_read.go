package agora

import (
	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// contentKinds are the types of messages by the names of the REST API.
var contentKinds = map[string]always{
	"txt": contentText, "img": contentImage, "audio": contentVoice, "video": contentVideo,
	"file": contentFile, "loc": contentLocation, "cmd": contentCommand, "custom": contentCustom,
}

// levels are the priorities of messages in rooms.
var levels = map[string]int64{"high": 0, "normal": 1, "low": 2}

// outgoing is a message of a server under way.
type outgoing struct {
	from   core.UserID
	to     []string
	users  []core.UserID // of a directed message: who sees it
	body   msgBody
	tag    optional
	online bool // only for who is there
}

// readOutgoing reads a message to send. See
// https://docs.agora.io/en/agora-chat/restful-api/message-management.
func readOutgoing(r *wire.Reader) (o outgoing, err error) {
	if o.from, err = senderOf(r); err != nil {
		return o, err
	}
	if v, ok := r.Look("to"); ok && v.Type == gjson.String {
		o.to = []string{v.Str}
	} else {
		o.to = r.Texts("to", maxReceivers)
	}
	o.users = userIDs(r.Texts("users", 20))
	b, _ := r.Object("body")
	c, err := readContent(r.Text("type"), &b)
	if err != nil {
		return o, err
	}
	o.body.contents = append(o.body.contents, c)
	if o.body.ext, err = readExt(r, "ext"); err != nil {
		return o, err
	}
	if r.Bool("need_group_ack") {
		o.body.config.v = &msgConfig{allowGroupAck: true}
	}
	if level, ok := levels[r.Text("chatroom_msg_level")]; ok {
		o.tag = some(level)
	}
	o.online = r.Text("routetype") == "ROUTE_ONLINE"
	if err := r.Err(); err != nil {
		return o, err
	}
	if len(o.to) == 0 {
		return o, fault.RequestMissingField.Error("to is empty")
	}
	return o, nil
}

// maxReceivers is how many receivers one call may have.
const maxReceivers = 600

// senderOf reads the sender: the vendor's "admin" when none is named, and never an empty one.
func senderOf(r *wire.Reader) (core.UserID, error) {
	v, ok := r.Look("from")
	if !ok {
		return "admin", nil
	}
	if v.Type == gjson.String && v.Str == "" {
		return "", fault.RequestMissingField.Error("").With("from")
	}
	return core.UserID(r.Text("from")), nil
}

// readExt reads extension fields.
func readExt(r *wire.Reader, name string) ([]keyValue, error) {
	v, ok := r.Look(name)
	if !ok {
		return nil, nil
	}
	if !v.IsObject() {
		return nil, fault.RequestInvalidField.Error(name + " must be an object")
	}
	return valuesOf(v, foreign), nil
}

// readContent reads the body of a message by its type.
func readContent(typ string, b *wire.Reader) (content, error) {
	kind, ok := contentKinds[typ]
	if !ok {
		if typ == "" {
			return content{}, fault.RequestMissingField.Error("type not allow empty")
		}
		return content{}, fault.RequestInvalidField.Error("the type of the message is not known")
	}
	c := content{kind: kind}
	number := func(name string) float64 {
		v, _ := b.Look(name)
		return v.Float()
	}
	missing := func(name string) error {
		return fault.RequestMissingField.Error(name + " of the message is empty")
	}
	switch kind {
	case contentText:
		if c.text = b.Text("msg"); c.text == "" && b.Err() == nil {
			return c, missing("msg")
		}
	case contentCommand:
		c.action = b.Text("action")
	case contentLocation:
		if !b.Has("lat") || !b.Has("lng") {
			return c, missing("lat or lng")
		}
		c.lat, c.lng, c.address = number("lat"), number("lng"), b.Text("addr")
	case contentCustom:
		c.customEvent = b.Text("customEvent")
		if v, ok := b.Look("customExts"); ok {
			c.customExts = valuesOf(v, nil)
		}
	default:
		c.path, c.name, c.secret = b.Text("url"), b.Text("filename"), b.Text("secret")
		if c.path == "" && b.Err() == nil {
			return c, missing("url")
		}
		c.length = int64(number("file_length"))
		c.duration = int64(number("length"))
		if kind == contentFile && c.length == 0 {
			c.length, c.duration = c.duration, 0
		}
		c.thumb, c.thumbSecret = b.Text("thumb"), b.Text("thumb_secret")
		if size, ok := b.Object("size"); ok {
			w, _ := size.Look("width")
			h, _ := size.Look("height")
			c.size.v = &pixels{w.Float(), h.Float()}
		}
	}
	return c, b.Err()
}
