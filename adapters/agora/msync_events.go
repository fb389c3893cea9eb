package agora

// Operations on groups, rooms and threads; see MUCBody.Operation in the vendor's msync.proto.
const (
	mucCreate       = 0
	mucDestroy      = 1
	mucJoin         = 2
	mucLeave        = 3
	mucApply        = 4
	mucApplyAccept  = 5
	mucApplyDecline = 6
	mucInvite       = 7
	mucInviteAccept = 8
	mucInviteReject = 9
	mucKick         = 10
	mucAllow        = 13
	mucUpdate       = 14
	mucPresence     = 17
	mucAbsence      = 18
	mucDirectJoined = 19
	mucAssignOwner  = 20
	mucAddAdmin     = 21
	mucRemoveAdmin  = 22
	mucAddMute      = 23
	mucRemoveMute   = 24
	mucAnnounce     = 25
	mucUnannounce   = 26
	mucUploadFile   = 27
	mucDeleteFile   = 28
	mucAddWhite     = 29
	mucRemoveWhite  = 30
	mucMuteAll      = 31
	mucUnmuteAll    = 32
	mucThreadMade   = 33
	mucThreadGone   = 34
	mucThreadJoin   = 35
	mucThreadLeave  = 36
	mucThreadKick   = 37
	mucThreadUpdate = 38
	mucSetMeta      = 43
	mucDeleteMeta   = 44
	mucMemberMeta   = 45
)

// mucStatus is the outcome within a body; chatroomInfo is JSON.
type mucStatus struct {
	code         int64
	description  string
	chatroomInfo string
}

var mucStatusTable = table[mucStatus]{
	{1, func(s *mucStatus) any { return &s.code }},
	{2, func(s *mucStatus) any { return &s.description }},
	{3, func(s *mucStatus) any { return &s.chatroomInfo }},
}

func (s *mucStatus) decode(b []byte, depth int) error { return decode(mucStatusTable, s, b, depth) }
func (s *mucStatus) encode(b []byte) []byte           { return encode(mucStatusTable, s, b) }

// eventInfo carries the JSON of some operations.
type eventInfo struct {
	kind int64
	ext  string
}

var eventInfoTable = table[eventInfo]{
	{1, func(e *eventInfo) any { return &e.kind }},
	{2, func(e *eventInfo) any { return &e.ext }},
}

func (e *eventInfo) decode(b []byte, depth int) error { return decode(eventInfoTable, e, b, depth) }
func (e *eventInfo) encode(b []byte) []byte           { return encode(eventInfoTable, e, b) }

// mucBody is the payload of a meta of namespace MUC.
type mucBody struct {
	muc         oneJID
	op          always
	from        oneJID
	to          manyJID
	reason      string
	room        bool
	status      one[mucStatus, *mucStatus]
	thread      bool
	parent      oneJID
	name        string
	info        one[eventInfo, *eventInfo]
	count       int64
	ext         string
	leaveOthers bool
	members     []string
}

var mucTable = table[mucBody]{
	{1, func(m *mucBody) any { return &m.muc }},
	{2, func(m *mucBody) any { return &m.op }},
	{3, func(m *mucBody) any { return &m.from }},
	{4, func(m *mucBody) any { return &m.to }},
	{6, func(m *mucBody) any { return &m.reason }},
	{7, func(m *mucBody) any { return &m.room }},
	{8, func(m *mucBody) any { return &m.status }},
	{9, func(m *mucBody) any { return &m.thread }},
	{10, func(m *mucBody) any { return &m.parent }},
	{11, func(m *mucBody) any { return &m.name }},
	{12, func(m *mucBody) any { return &m.info }},
	{13, func(m *mucBody) any { return &m.count }},
	{14, func(m *mucBody) any { return &m.ext }},
	{15, func(m *mucBody) any { return &m.leaveOthers }},
	{16, func(m *mucBody) any { return &m.members }},
}

func (m *mucBody) decode(b []byte, depth int) error { return decode(mucTable, m, b, depth) }
func (m *mucBody) encode(b []byte) []byte           { return encode(mucTable, m, b) }

// Operations on contacts.
const (
	rosterAdd           = 2
	rosterRemove        = 3
	rosterAccept        = 4
	rosterDecline       = 5
	rosterRemoteAccept  = 8
	rosterRemoteDecline = 9
)

// rosterBody is the payload of a meta of namespace ROSTER.
type rosterBody struct {
	op     always
	from   oneJID
	to     manyJID
	reason string
}

var rosterTable = table[rosterBody]{
	{1, func(r *rosterBody) any { return &r.op }},
	{3, func(r *rosterBody) any { return &r.from }},
	{4, func(r *rosterBody) any { return &r.to }},
	{5, func(r *rosterBody) any { return &r.reason }},
}

func (r *rosterBody) decode(b []byte, depth int) error { return decode(rosterTable, r, b, depth) }
func (r *rosterBody) encode(b []byte) []byte           { return encode(rosterTable, r, b) }

// statsBody is the payload of a meta of namespace STATISTIC: down it tells why a session ends.
type statsBody struct {
	op     always
	reason string
}

var statsTable = table[statsBody]{
	{1, func(s *statsBody) any { return &s.op }},
	{10, func(s *statsBody) any { return &s.reason }},
}

func (s *statsBody) decode(b []byte, depth int) error { return decode(statsTable, s, b, depth) }
func (s *statsBody) encode(b []byte) []byte           { return encode(statsTable, s, b) }
