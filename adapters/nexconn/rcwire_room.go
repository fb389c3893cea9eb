package nexconn

// Flags of ChrmKVEntity.status.
const (
	kvAuto    = 1 // removed when its owner leaves
	kvForce   = 2 // overwrites another's
	kvRemoved = 4
)

// kvEntry is ChrmKVEntity: one entry of an open channel.
type kvEntry struct {
	key, value string
	status     int
	at         int64
	owner      string
	version    int64
}

func (m *kvEntry) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.key = f.str()
		case 2:
			m.value = f.str()
		case 3:
			m.status = f.int()
		case 4:
			m.at = f.long()
		case 5:
			m.owner = f.str()
		case 6:
			m.version = f.long()
		}
		return nil
	})
}

func (m *kvEntry) write(p *pb) {
	p.text(1, m.key)
	p.text(2, m.value)
	p.int(3, int64(m.status))
	p.int(4, m.at)
	p.textIf(5, m.owner)
	p.int(6, m.version)
}

// kvSet is SetChrmKV, SetChrmKVS and DeleteChrmKVS: entries to set or remove, and what to tell.
type kvSet struct {
	entries []kvEntry
	notify  bool
	note    *upMessage
}

func (m *kvSet) read(b []byte) error {
	var seen needs
	err := scan(b, func(f *field) error {
		seen.saw(f)
		switch f.num {
		case 1:
			return addMessage(&m.entries, f.b, (*kvEntry).read)
		case 2:
			m.notify = f.bool()
		case 3:
			m.note = &upMessage{}
			return m.note.read(f.b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return seen.all(1)
}

// kvPage is ChrmKVOutput.
type kvPage struct {
	entries []kvEntry
	full    bool
	sync    int64
}

func (m *kvPage) write(p *pb) {
	for i := range m.entries {
		p.msg(1, m.entries[i].write)
	}
	p.bool(2, m.full)
	p.int(3, m.sync)
}

// roomJoined is ChrmOutput.
type roomJoined struct {
	session         string
	joined, created int64
	members         int
	bans            int // 1 everyone is muted here, 4 the person is
	allowed         bool
}

// Flags of ChrmOutput.chatroomBanState.
const (
	roomMutedAll  = 1
	roomMutedSelf = 4
)

func (m *roomJoined) write(p *pb) {
	p.int(1, 0)
	p.textIf(2, m.session)
	p.int(3, m.joined)
	p.int(4, m.created)
	p.int(5, int64(m.members))
	p.int(6, int64(m.bans))
	p.int(7, boolInt(m.allowed))
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
