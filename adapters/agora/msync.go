package agora

// Commands of a frame. See Command in the vendor's msync.proto.
const (
	cmdSync      = 0
	cmdUnread    = 1
	cmdNotice    = 2
	cmdProvision = 3
	cmdLogout    = 4
)

// Namespaces of a meta: what its payload is.
const (
	nsStatistic = 0
	nsChat      = 1
	nsMUC       = 2
	nsRoster    = 3
	nsNotify    = 5
)

// Domains of names.
const (
	domainUser  = "easemob.com"
	domainGroup = "conference.easemob.com"
)

// Kinds of routing of a sent meta.
const (
	routeOnline = 1 // not kept for those who are away
	routeDirect = 2 // to some of the members alone
)

type (
	oneJID    = one[jid, *jid]
	manyJID   = many[jid, *jid]
	oneStatus = one[wireStatus, *wireStatus]
)

// jid names a person, a device of theirs, or a group.
type jid struct{ appKey, name, domain, resource string }

var jidTable = table[jid]{
	{1, func(j *jid) any { return &j.appKey }},
	{2, func(j *jid) any { return &j.name }},
	{3, func(j *jid) any { return &j.domain }},
	{4, func(j *jid) any { return &j.resource }},
}

func (j *jid) decode(b []byte, depth int) error { return decode(jidTable, j, b, depth) }
func (j *jid) encode(b []byte) []byte           { return encode(jidTable, j, b) }

// frame is one binary message of the WebSocket.
type frame struct {
	guid    oneJID
	auth    string
	command int64
	payload []byte
}

var frameTable = table[frame]{
	{2, func(f *frame) any { return &f.guid }},
	{3, func(f *frame) any { return &f.auth }},
	{8, func(f *frame) any { return &f.command }},
	{9, func(f *frame) any { return &f.payload }},
}

func (f *frame) decode(b []byte, depth int) error { return decode(frameTable, f, b, depth) }
func (f *frame) encode(b []byte) []byte           { return encode(frameTable, f, b) }

// wireStatus is the outcome in an answer; the zero value is success and must be there all the same.
type wireStatus struct {
	code   int64
	reason string
}

var statusTable = table[wireStatus]{
	{1, func(s *wireStatus) any { return &s.code }},
	{2, func(s *wireStatus) any { return &s.reason }},
}

func (s *wireStatus) decode(b []byte, depth int) error { return decode(statusTable, s, b, depth) }
func (s *wireStatus) encode(b []byte) []byte           { return encode(statusTable, s, b) }

// success is the status of what worked.
func success() oneStatus { return oneStatus{&wireStatus{}} }

// provision is the login, both ways.
type provision struct {
	osType     int64
	version    string
	status     oneStatus
	deviceUUID string
	password   string
	deviceName string
	resource   string
	authToken  string // JSON
	sessionID  string
	reason     string // what the app says about this login
}

var provisionTable = table[provision]{
	{1, func(p *provision) any { return &p.osType }},
	{2, func(p *provision) any { return &p.version }},
	{8, func(p *provision) any { return &p.status }},
	{9, func(p *provision) any { return &p.deviceUUID }},
	{11, func(p *provision) any { return &p.password }},
	{12, func(p *provision) any { return &p.deviceName }},
	{13, func(p *provision) any { return &p.resource }},
	{18, func(p *provision) any { return &p.authToken }},
	{20, func(p *provision) any { return &p.sessionID }},
	{21, func(p *provision) any { return &p.reason }},
}

func (p *provision) decode(b []byte, depth int) error { return decode(provisionTable, p, b, depth) }
func (p *provision) encode(b []byte) []byte           { return encode(provisionTable, p, b) }

// unreadQueue is a queue in which something waits.
type unreadQueue struct {
	queue oneJID
	n     uint64
}

var queueTable = table[unreadQueue]{
	{1, func(q *unreadQueue) any { return &q.queue }},
	{2, func(q *unreadQueue) any { return &q.n }},
}

func (q *unreadQueue) decode(b []byte, depth int) error { return decode(queueTable, q, b, depth) }
func (q *unreadQueue) encode(b []byte) []byte           { return encode(queueTable, q, b) }

// unreadDL answers an UNREAD frame; the time is mandatory.
type unreadDL struct {
	status    oneStatus
	unread    many[unreadQueue, *unreadQueue]
	timestamp uint64
}

var unreadTable = table[unreadDL]{
	{1, func(u *unreadDL) any { return &u.status }},
	{2, func(u *unreadDL) any { return &u.unread }},
	{3, func(u *unreadDL) any { return &u.timestamp }},
}

func (u *unreadDL) decode(b []byte, depth int) error { return decode(unreadTable, u, b, depth) }
func (u *unreadDL) encode(b []byte) []byte           { return encode(unreadTable, u, b) }

// notice tells that a queue has something new.
type notice struct{ queue oneJID }

var noticeTable = table[notice]{{1, func(n *notice) any { return &n.queue }}}

func (n *notice) decode(b []byte, depth int) error { return decode(noticeTable, n, b, depth) }
func (n *notice) encode(b []byte) []byte           { return encode(noticeTable, n, b) }

// syncUL is what a client sends: a meta, or a queue to pull from, with the key of what it has.
type syncUL struct {
	meta  one[item, *item]
	key   uint64
	queue oneJID
}

var syncULTable = table[syncUL]{
	{1, func(s *syncUL) any { return &s.meta }},
	{2, func(s *syncUL) any { return &s.key }},
	{3, func(s *syncUL) any { return &s.queue }},
}

func (s *syncUL) decode(b []byte, depth int) error { return decode(syncULTable, s, b, depth) }
func (s *syncUL) encode(b []byte) []byte           { return encode(syncULTable, s, b) }

// syncDL is what a client is sent: the answer to its meta when metaID is set, else part of a queue.
type syncDL struct {
	status    oneStatus
	metaID    uint64
	serverID  uint64
	metas     many[item, *item]
	nextKey   uint64
	queue     oneJID
	isLast    bool
	timestamp uint64
}

var syncDLTable = table[syncDL]{
	{1, func(s *syncDL) any { return &s.status }},
	{2, func(s *syncDL) any { return &s.metaID }},
	{3, func(s *syncDL) any { return &s.serverID }},
	{4, func(s *syncDL) any { return &s.metas }},
	{5, func(s *syncDL) any { return &s.nextKey }},
	{6, func(s *syncDL) any { return &s.queue }},
	{7, func(s *syncDL) any { return &s.isLast }},
	{8, func(s *syncDL) any { return &s.timestamp }},
}

func (s *syncDL) decode(b []byte, depth int) error { return decode(syncDLTable, s, b, depth) }
func (s *syncDL) encode(b []byte) []byte           { return encode(syncDLTable, s, b) }

// item is the envelope of everything in a queue; the vendor calls it a meta.
type item struct {
	id        uint64
	from, to  oneJID
	timestamp uint64
	ns        int64
	payload   []byte
	route     int64
	ext       many[keyValue, *keyValue]
	meta      []byte // JSON about the item
	directed  []string
}

var itemTable = table[item]{
	{1, func(m *item) any { return &m.id }},
	{2, func(m *item) any { return &m.from }},
	{3, func(m *item) any { return &m.to }},
	{4, func(m *item) any { return &m.timestamp }},
	{5, func(m *item) any { return &m.ns }},
	{6, func(m *item) any { return &m.payload }},
	{7, func(m *item) any { return &m.route }},
	{8, func(m *item) any { return &m.ext }},
	{9, func(m *item) any { return &m.meta }},
	{10, func(m *item) any { return &m.directed }},
}

func (m *item) decode(b []byte, depth int) error { return decode(itemTable, m, b, depth) }
func (m *item) encode(b []byte) []byte           { return encode(itemTable, m, b) }

// Kinds of values of a keyValue; an absent kind is a bool.
const (
	kvBool   = 1
	kvInt    = 2
	kvUint   = 3
	kvLong   = 4
	kvFloat  = 5
	kvDouble = 6
	kvString = 7
	kvJSON   = 8
)

// keyValue is an entry of the vendor's extension fields.
type keyValue struct {
	key    string
	kind   optional
	number optional
	single float32
	double float64
	text   string
}

var keyValueTable = table[keyValue]{
	{1, func(k *keyValue) any { return &k.key }},
	{2, func(k *keyValue) any { return &k.kind }},
	{3, func(k *keyValue) any { return &k.number }},
	{4, func(k *keyValue) any { return &k.single }},
	{5, func(k *keyValue) any { return &k.double }},
	{6, func(k *keyValue) any { return &k.text }},
}

func (k *keyValue) decode(b []byte, depth int) error { return decode(keyValueTable, k, b, depth) }
func (k *keyValue) encode(b []byte) []byte           { return encode(keyValueTable, k, b) }
