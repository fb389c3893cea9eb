package nexconn

import "dragoman/core"

// Flags of UpStreamMessage.sessionId: how a message is to be treated.
const (
	upStored  = 1
	upCounted = 2
	upMention = 4
	upSilent  = 32 // no push
	upExpand  = 64 // may be expanded
)

// Flags of DownStreamMessage.status, the same said to receivers.
const (
	downStored  = 16
	downCounted = 32
	downMention = 64
	downSilent  = 512
	downExpand  = 1024
)

// Flags of DownStreamMessage.extStatus.
const (
	extModified = 4
	extStatus   = 64 // a status message: told live, never kept
)

// Directions of a message as its receiver sees it.
const (
	dirOwn  = 1
	dirPeer = 2
)

// pushExtra is what a push notification is to look like; kept, and told to other devices.
type pushExtra struct {
	Title    string `json:"title,omitempty"`
	ID       string `json:"id,omitempty"`
	Configs  string `json:"configs,omitempty"`
	Template string `json:"template,omitempty"`
}

func (m *pushExtra) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.Title = f.str()
		case 3:
			m.ID = f.str()
		case 4:
			m.Configs = f.str()
		case 5:
			m.Template = f.str()
		}
		return nil
	})
}

func (m *pushExtra) write(p *pb) {
	p.textIf(1, m.Title)
	p.textIf(3, m.ID)
	p.textIf(4, m.Configs)
	p.textIf(5, m.Template)
}

// reference names the message that another one quotes.
type reference struct {
	ID   string `json:"id,omitempty"`
	From string `json:"from,omitempty"`
	Type string `json:"type,omitempty"`
}

func (m *reference) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.ID = f.str()
		case 2:
			m.From = f.str()
		case 3:
			m.Type = f.str()
		}
		return nil
	})
}

func (m *reference) write(p *pb) {
	p.textIf(1, m.ID)
	p.textIf(2, m.From)
	p.textIf(3, m.Type)
}

// upMessage is UpStreamMessage: what a client sends.
type upMessage struct {
	flags   int
	typ     string
	content string
	push    string
	data    string // what a push carries
	to      []string
	config  int64
	client  int64  // clientUniqueId: the sender's own number of the message
	expand  string // expansion, {"key":{"v":"value"}}
	pushExt *pushExtra
	sub     string // subchannel of a community
	options int64
	ref     *reference
	meta    string
}

func (m *upMessage) read(b []byte) error {
	var seen needs
	err := scan(b, func(f *field) error {
		seen.saw(f)
		switch f.num {
		case 1:
			m.flags = f.int()
		case 2:
			m.typ = f.str()
		case 3:
			m.content = f.str()
		case 4:
			m.push = f.str()
		case 5:
			m.data = f.str()
		case 6:
			return f.strs(&m.to)
		case 9:
			m.config = f.long()
		case 10:
			m.client = f.long()
		case 11:
			m.expand = f.str()
		case 12:
			m.pushExt = &pushExtra{}
			return m.pushExt.read(f.b)
		case 13:
			m.sub = f.str()
		case 22:
			m.options = f.long()
		case 24:
			m.meta = f.str()
		case 25:
			m.ref = &reference{}
			return m.ref.read(f.b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return seen.all(1, 2, 3)
}

func (m *upMessage) write(p *pb) {
	p.int(1, int64(m.flags))
	p.text(2, m.typ)
	p.text(3, m.content)
	p.textIf(4, m.push)
	p.textIf(5, m.data)
	p.texts(6, m.to)
	p.intIf(9, m.config)
	p.intIf(10, m.client)
	p.textIf(11, m.expand)
	if m.pushExt != nil {
		p.msg(12, m.pushExt.write)
	}
	p.textIf(13, m.sub)
	p.intIf(22, m.options)
	p.textIf(24, m.meta)
	if m.ref != nil {
		p.msg(25, m.ref.write)
	}
}

// downMessage is DownStreamMessage: a message as a client is told it.
type downMessage struct {
	id        core.MessageID // of a stored message; not on the wire
	from      string
	kind      int
	group     string
	typ       string
	content   string
	at        int64 // milliseconds
	status    int64
	uid       string
	direction int
	client    int64
	expand    string
	push      string
	config    int64
	pushExt   *pushExtra
	sub       string
	ext       int64
	to        []string
	options   int64
	modified  string // convertExt, {"modify":{"time":…}}
	ref       *reference
	meta      string
}

func (m *downMessage) write(p *pb) {
	p.text(1, m.from)
	p.int(2, int64(m.kind))
	p.textIf(3, m.group)
	p.text(4, m.typ)
	p.text(5, m.content)
	p.int(6, m.at)
	p.int(7, m.status)
	p.textIf(9, m.uid)
	p.intIf(10, int64(m.direction))
	p.intIf(14, m.client)
	p.textIf(15, m.expand)
	p.textIf(16, m.push)
	p.intIf(17, m.config)
	if m.pushExt != nil {
		p.msg(18, m.pushExt.write)
	}
	p.textIf(19, m.sub)
	p.intIf(20, m.ext)
	p.texts(21, m.to)
	p.intIf(23, m.options)
	p.textIf(24, m.modified)
	p.textIf(26, m.meta)
	if m.ref != nil {
		p.msg(27, m.ref.write)
	}
}

// syncRequest is SyncRequestMsg: everything after two cursors.
type syncRequest struct {
	after int64 // of what others sent
	own   int64 // of what the person sent
}

func (m *syncRequest) read(b []byte) error {
	var seen needs
	err := scan(b, func(f *field) error {
		seen.saw(f)
		switch f.num {
		case 1:
			m.after = f.long()
		case 6:
			m.own = f.long()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return seen.all(1)
}

// downMessages is DownStreamMessages: a page of what was missed.
type downMessages struct {
	list      []*downMessage
	sync      int64
	finished  bool
	broadcast int64
	now       int64
}

func (m *downMessages) write(p *pb) {
	for _, d := range m.list {
		p.msg(1, d.write)
	}
	p.int(2, m.sync)
	p.bool(3, m.finished)
	p.intIf(4, m.broadcast)
	p.intIf(5, m.now)
}

// roomMessages is ChrmDownStreamMessages.
type roomMessages struct {
	list []*downMessage
	sync int64
}

func (m *roomMessages) write(p *pb) {
	for _, d := range m.list {
		p.msg(1, d.write)
	}
	p.int(2, m.sync)
}

// roomPull is ChrmPullMsg.
type roomPull struct {
	after int64
	count int
}

func (m *roomPull) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.after = f.long()
		case 2:
			m.count = f.int()
		}
		return nil
	})
}

// historyInput is HistoryMsgInput: a page of a conversation's log.
type historyInput struct {
	target string
	at     int64 // milliseconds; 0 from the newest
	count  int
	order  int // 0 older than at, 1 newer
	sub    string
}

func (m *historyInput) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.target = f.str()
		case 2:
			m.at = f.long()
		case 3:
			m.count = f.int()
		case 4:
			m.order = f.int()
		case 5:
			m.sub = f.str()
		}
		return nil
	})
}

// historyOutput is HistoryMsgOuput, as the vendor spells it.
type historyOutput struct {
	list []*downMessage
	sync int64
	more bool
}

func (m *historyOutput) write(p *pb) {
	for _, d := range m.list {
		p.msg(1, d.write)
	}
	p.int(2, m.sync)
	more := int64(0)
	if m.more {
		more = 1
	}
	p.int(3, more)
}

// messageRef names a message by id, with its time.
type messageRef struct {
	uid string
	at  int64
	sub string
}

// messageQuery is MsgQuery: messages by id.
type messageQuery struct {
	target string
	kind   int
	refs   []messageRef
}

func (m *messageQuery) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.target = f.str()
		case 2:
			m.kind = f.int()
		case 3:
			return addMessage(&m.refs, f.b, func(r *messageRef, b []byte) error {
				return scan(b, func(f *field) error {
					switch f.num {
					case 1:
						r.at = f.long()
					case 2:
						r.uid = f.str()
					case 3:
						r.sub = f.str()
					}
					return nil
				})
			})
		}
		return nil
	})
}

// deleteInput is DeleteMsgInput: messages to hide from the person alone.
type deleteInput struct {
	kind   int
	target string
	refs   []messageRef
	sub    string
}

func (m *deleteInput) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.kind = f.int()
		case 2:
			m.target = f.str()
		case 3:
			return addMessage(&m.refs, f.b, func(r *messageRef, b []byte) error {
				return scan(b, func(f *field) error {
					switch f.num {
					case 1:
						r.uid = f.str()
					case 2:
						r.at = f.long()
					}
					return nil
				})
			})
		case 4:
			m.sub = f.str()
		}
		return nil
	})
}

// cleanInput is CleanHisMsgInput: a conversation's log up to a time, to hide from the person alone.
type cleanInput struct {
	target string
	upTo   int64
	kind   int
	sub    string
}

func (m *cleanInput) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.target = f.str()
		case 2:
			m.upTo = f.long()
		case 3:
			m.kind = f.int()
		case 4:
			m.sub = f.str()
		}
		return nil
	})
}

// changeRequest is MsgChangeReq: an edit of a message, or of its expansion.
type changeRequest struct {
	from, target string
	kind         int
	uid          string
	at           int64
	sub          string
	content      string
}

func (m *changeRequest) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.from = f.str()
		case 2:
			m.target = f.str()
		case 3:
			m.kind = f.int()
		case 4:
			m.uid = f.str()
		case 5:
			m.at = f.long()
		case 6:
			m.sub = f.str()
		case 7:
			m.content = f.str()
		}
		return nil
	})
}

// oneNumber reads a message of which only one number matters: a cursor, mostly.
func oneNumber(b []byte, num int) (int64, error) {
	var v int64
	err := scan(b, func(f *field) error {
		if int(f.num) == num {
			v = f.long()
		}
		return nil
	})
	return v, err
}
