package nexconn

// receiptRequest is ReadReceipt, QueryReceipt, QueryReceiptReq and GrpReadReceiptMsg: messages by id, of
// one conversation, and how to list who has read them.
type receiptRequest struct {
	target string
	sub    string
	kind   int
	ids    []string
	by     int // 1 a page of readers, 2 the people named
	order  int
	unread bool
	size   int
	token  string
	users  []string
}

// readSent reads ReadReceipt: the messages a person confirms to have read.
func (m *receiptRequest) readSent(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.target = f.str()
		case 2:
			m.kind = f.int()
		case 3:
			m.sub = f.str()
		case 5:
			return f.strs(&m.ids)
		}
		return nil
	})
}

// read reads QueryReceipt and QueryReceiptReq.
func (m *receiptRequest) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.target = f.str()
		case 2:
			m.sub = f.str()
		case 3:
			m.kind = f.int()
		case 4:
			return f.strs(&m.ids)
		case 5:
			m.by = f.int()
		case 6:
			m.order = f.int()
		case 8:
			m.unread = f.int() == 2
		case 10:
			m.size = f.int()
		case 11:
			m.token = f.str()
		case 12:
			return f.strs(&m.users)
		}
		return nil
	})
}

// readGroup reads GrpReadReceiptMsg.
func (m *receiptRequest) readGroup(b []byte) error {
	return scan(b, func(f *field) error {
		if f.num == 1 {
			return f.strs(&m.ids)
		}
		return nil
	})
}

// reader is ReceiptUser: somebody who has read a message, or has not.
type reader struct {
	id, name  string
	at        int64
	mentioned bool
}

func (m *reader) write(p *pb) {
	p.intIf(1, m.at)
	p.text(2, m.id)
	p.textIf(3, m.name)
	p.boolIf(5, m.mentioned)
}

// receiptInfo is QueryReceiptRespItem.
type receiptInfo struct {
	uid                 string
	at                  int64
	total, read, unread int
	readers, others     []reader
}

func (m *receiptInfo) write(p *pb) {
	p.text(1, m.uid)
	p.int(2, m.at)
	p.int(3, int64(m.total))
	p.int(4, int64(m.read))
	for i := range m.readers {
		p.msg(5, m.readers[i].write)
	}
	p.int(7, int64(m.unread))
	for i := range m.others {
		p.msg(8, m.others[i].write)
	}
}

// eventChange is EventChange: something that happened outside the conversations' logs.
type eventChange struct {
	about   string // businessId: a group, a person, a conversation
	kind    int    // of conversation
	at      int64
	change  int
	sub     int
	channel string // secondaryId
	by      string
	ids     []string
	data    []byte
}

func (m *eventChange) write(p *pb) {
	p.text(1, m.about)
	p.intIf(2, int64(m.kind))
	p.int(3, m.at)
	p.int(4, int64(m.change))
	p.textIf(7, m.channel)
	p.textIf(10, m.by)
	p.int(11, int64(m.sub))
	p.texts(14, m.ids)
	if m.data != nil {
		p.raw(16, m.data)
	}
}
