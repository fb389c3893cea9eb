package agora

// Kinds of message bodies.
const (
	bodyChat       = 1
	bodyGroup      = 2
	bodyRoom       = 3
	bodyReadAck    = 4
	bodyDeliverAck = 5
	bodyRecall     = 6
	bodyChannelAck = 7
	bodyEdit       = 8
)

// Kinds of contents.
const (
	contentText     = 0
	contentImage    = 1
	contentVideo    = 2
	contentLocation = 3
	contentVoice    = 4
	contentFile     = 5
	contentCommand  = 6
	contentCustom   = 7
	contentCombine  = 8
)

// fieldBodyMeta is the number of msgBody.meta, which the server adds to bytes it otherwise leaves
// alone.
const fieldBodyMeta = 9

// pixels is the size of a picture.
type pixels struct{ width, height float64 }

var pixelTable = table[pixels]{
	{1, func(s *pixels) any { return &s.width }},
	{2, func(s *pixels) any { return &s.height }},
}

func (s *pixels) decode(b []byte, depth int) error { return decode(pixelTable, s, b, depth) }
func (s *pixels) encode(b []byte) []byte           { return encode(pixelTable, s, b) }

// content is what a message says. A text whose subType is there and zero is a bundle of forwarded
// messages.
type content struct {
	kind         always
	text         string
	lat, lng     float64
	address      string
	name         string // of the file
	path         string // URL of the file
	secret       string
	length       int64 // of the file, bytes
	action       string
	params       many[keyValue, *keyValue]
	duration     int64 // seconds
	size         one[pixels, *pixels]
	thumb        string // URL
	thumbSecret  string
	thumbName    string
	thumbLength  int64
	thumbSize    one[pixels, *pixels]
	customEvent  string
	customExts   many[keyValue, *keyValue]
	building     string
	subType      optional
	title        string
	summary      string
	combineLevel int64
}

var contentTable = table[content]{
	{1, func(c *content) any { return &c.kind }},
	{2, func(c *content) any { return &c.text }},
	{3, func(c *content) any { return &c.lat }},
	{4, func(c *content) any { return &c.lng }},
	{5, func(c *content) any { return &c.address }},
	{6, func(c *content) any { return &c.name }},
	{7, func(c *content) any { return &c.path }},
	{8, func(c *content) any { return &c.secret }},
	{9, func(c *content) any { return &c.length }},
	{10, func(c *content) any { return &c.action }},
	{11, func(c *content) any { return &c.params }},
	{12, func(c *content) any { return &c.duration }},
	{13, func(c *content) any { return &c.size }},
	{14, func(c *content) any { return &c.thumb }},
	{15, func(c *content) any { return &c.thumbSecret }},
	{16, func(c *content) any { return &c.thumbName }},
	{17, func(c *content) any { return &c.thumbLength }},
	{18, func(c *content) any { return &c.thumbSize }},
	{19, func(c *content) any { return &c.customEvent }},
	{20, func(c *content) any { return &c.customExts }},
	{21, func(c *content) any { return &c.building }},
	{22, func(c *content) any { return &c.subType }},
	{23, func(c *content) any { return &c.title }},
	{24, func(c *content) any { return &c.summary }},
	{25, func(c *content) any { return &c.combineLevel }},
}

func (c *content) decode(b []byte, depth int) error { return decode(contentTable, c, b, depth) }
func (c *content) encode(b []byte) []byte           { return encode(contentTable, c, b) }

// combined reports whether the content is a bundle of forwarded messages.
func (c *content) combined() bool {
	return c.kind == contentCombine || c.kind == contentText && c.subType.ok && c.subType.v == 0
}

// msgConfig is what the sender asks for beside delivery.
type msgConfig struct{ allowGroupAck bool }

var msgConfigTable = table[msgConfig]{{1, func(c *msgConfig) any { return &c.allowGroupAck }}}

func (c *msgConfig) decode(b []byte, depth int) error { return decode(msgConfigTable, c, b, depth) }
func (c *msgConfig) encode(b []byte) []byte           { return encode(msgConfigTable, c, b) }

// msgBody is the payload of a meta of namespace CHAT.
type msgBody struct {
	kind      int64
	from, to  oneJID
	contents  many[content, *content]
	ext       many[keyValue, *keyValue]
	ackID     uint64
	config    one[msgConfig, *msgConfig]
	ack       string
	meta      string // JSON
	editID    uint64
	editScope int64
}

var msgBodyTable = table[msgBody]{
	{1, func(m *msgBody) any { return &m.kind }},
	{2, func(m *msgBody) any { return &m.from }},
	{3, func(m *msgBody) any { return &m.to }},
	{4, func(m *msgBody) any { return &m.contents }},
	{5, func(m *msgBody) any { return &m.ext }},
	{6, func(m *msgBody) any { return &m.ackID }},
	{7, func(m *msgBody) any { return &m.config }},
	{8, func(m *msgBody) any { return &m.ack }},
	{fieldBodyMeta, func(m *msgBody) any { return &m.meta }},
	{11, func(m *msgBody) any { return &m.editID }},
	{12, func(m *msgBody) any { return &m.editScope }},
}

func (m *msgBody) decode(b []byte, depth int) error { return decode(msgBodyTable, m, b, depth) }
func (m *msgBody) encode(b []byte) []byte           { return encode(msgBodyTable, m, b) }
