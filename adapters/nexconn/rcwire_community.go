package nexconn

// Kinds of MsgChange: what happened to a message of a community, or to its channels.
const (
	changedExpansion = 1
	changedContent   = 2
	changedRecalled  = 3
	changedChannel   = 4
	changedGroups    = 5
)

// messageChange is MsgChange.
type messageChange struct {
	target, sub string
	at          int64
	change      int
	uid         string
	sentAt      int64
	admin       bool
	deleted     bool
	by          string
	detail      int // subChangeType
	private     int // busChannelType
}

func (m *messageChange) write(p *pb) {
	p.text(1, m.target)
	p.int(2, wireCommunity)
	p.int(3, m.at)
	p.int(4, int64(m.change))
	p.text(5, m.uid)
	p.int(6, m.sentAt)
	p.text(7, m.sub)
	p.bool(8, m.admin)
	p.bool(9, m.deleted)
	p.textIf(10, m.by)
	p.int(11, int64(m.detail))
	p.int(12, int64(m.private))
}
